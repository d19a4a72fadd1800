"""Pictures of slow waves: their average, how many of each size, and how steep at each size."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from swa.errors import SwaError
from swa.measures.slow_waves import SlowWaves
from swa.report.figures.style import (
    FAINT,
    RULE,
    check_choice,
    check_table,
    color_of,
    first_shared_channel,
    new_figure,
    say_nothing_there,
    styled,
)
from swa.report.words.numbers import number
from swa.tables.marker import select


@styled
def slow_wave_average(
    waves: SlowWaves | Mapping[str, SlowWaves | pd.DataFrame],
    channel: str | None = None,
    *,
    colors: Mapping[str, str] | None = None,
    title: str = "",
) -> Figure:
    """Average slow wave of each condition on one axis, aligned at the negative peak, with its spread.

    Parameters
    ----------
    waves : SlowWaves, or mapping of str to SlowWaves or DataFrame
        Those of one night, or by condition: slow waves, or their `average` (channel, time_s, mean_uv, sd_uv, n_waves).

    Raises
    ------
    SwaError
        No condition was given, or no waves of the channel.

    Examples
    --------
    >>> import swa
    >>> waves = swa.detect_slow_waves(swa.read_recording("night.edf"), swa.read_hypnogram("night.csv"))
    >>> figure = swa.figures.slow_wave_average({"baseline": waves}, channel="C4-M1")
    >>> figure.axes[0].get_ylabel()
    'band-passed EEG (µV)'
    """
    waves = {waves.criteria.name: waves} if isinstance(waves, SlowWaves) else waves
    tables = {name: found.average if isinstance(found, SlowWaves) else found for name, found in waves.items()}
    if not tables:
        raise SwaError("slow_wave_average: no condition was given.", "Give slow waves or their average by condition.")
    for table in tables.values():
        check_table("slow_wave_average", table, ("channel", "time_s", "mean_uv", "sd_uv", "n_waves"))
    check_choice("slow_wave_average", tables.values(), channel=channel)
    channel = channel or first_shared_channel(tables)
    figure = new_figure(5.2, 3.5, left=0.7)
    axes = figure.subplots()
    drawn = 0
    for position, (name, table) in enumerate(tables.items()):
        rows = select(table, channel=channel or "")
        if rows.empty:
            continue
        color = color_of(name, colors, position)
        time = rows["time_s"].to_numpy(float)
        mean, spread = rows["mean_uv"].to_numpy(float), rows["sd_uv"].to_numpy(float)
        axes.fill_between(time, mean - spread, mean + spread, color=color, alpha=0.13, linewidth=0)
        axes.plot(time, mean, color=color, linewidth=1.8, label=f"{name} (n = {int(rows['n_waves'].max())} waves)")
        drawn += 1
    if not drawn:
        say_nothing_there(axes, "no slow wave in any of the nights")
        return figure
    axes.axhline(0, color=RULE, linewidth=0.8, zorder=0)
    axes.axvline(0, color=RULE, linewidth=0.8, zorder=0)
    axes.set_xlabel("time from the negative peak (s)")
    axes.set_ylabel("band-passed EEG (µV)")
    axes.margins(x=0)
    axes.set_title(title or f"Average slow wave, {channel}")
    axes.legend(loc="lower right")
    return figure


@styled
def wave_amplitudes(
    counts: pd.DataFrame,
    *,
    limits_uv: Mapping[str, float] | None = None,
    colors: Mapping[str, str] | None = None,
    title: str = "",
) -> Figure:
    """How many half-waves a minute are at least as large, for each condition.

    Parameters
    ----------
    counts : DataFrame
        condition, amplitude_uv, waves_per_min: waves a minute of analysed time whose negative peak is this or larger.
    limits_uv : mapping of str to float, optional
        Limits to mark, by what they are.

    Examples
    --------
    >>> import pandas as pd, swa
    >>> counts = pd.DataFrame({"condition": "placebo", "amplitude_uv": [20.0, 40.0], "waves_per_min": [30.0, 12.0]})
    >>> figure = swa.figures.wave_amplitudes(counts, limits_uv={"limit of a slow wave": 40.0})
    """
    check_table("wave_amplitudes", counts, ("condition", "amplitude_uv", "waves_per_min"))
    figure = new_figure(5.2, 3.5, left=0.7)
    axes = figure.subplots()
    shown = counts[counts["waves_per_min"] > 0]
    if shown.empty:
        say_nothing_there(axes, "no half-wave in any of the nights")
        return figure
    for position, (name, rows) in enumerate(shown.groupby("condition", sort=False)):
        color = color_of(str(name), colors, position)
        axes.plot(rows["amplitude_uv"], rows["waves_per_min"], color=color, linewidth=1.6, label=str(name))
    _log_axis(axes)
    axes.set_xlim(0, float(shown["amplitude_uv"].max()))
    axes.set_ylim(bottom=max(float(shown["waves_per_min"].min()), 0.01))
    for text, limit in (limits_uv or {}).items():
        if np.isfinite(limit):
            axes.axvline(limit, color=FAINT, linewidth=0.8, linestyle=(0, (3, 2)))
            axes.annotate(
                f"{text} {number(limit)}",
                (limit, 0.02),
                (2, 0),
                xycoords=axes.get_xaxis_transform(),
                textcoords="offset points",
                rotation=90,
                va="bottom",
                fontsize=7,
                color=FAINT,
            )
    axes.set_xlabel("negative amplitude (µV)")
    axes.set_ylabel("half-waves per min, at least as large")
    axes.set_title(title)
    axes.grid(axis="y")
    axes.legend(loc="upper right")
    return figure


@styled
def slope_by_amplitude(
    bins: pd.DataFrame,
    lines: pd.DataFrame,
    *,
    reference_uv: float = np.nan,
    colors: Mapping[str, str] | None = None,
    title: str = "",
) -> Figure:
    """Slope of the waves against their amplitude: medians with quartiles, the fitted line, and where it is read off.

    Parameters
    ----------
    bins : DataFrame
        condition, amplitude_uv (median of a bin), slope_q1_uv_s, slope_median_uv_s, slope_q3_uv_s.
    lines : DataFrame
        condition, slope_at_reference_uv_s, exponent, lowest_uv, highest_uv: slope = at_reference * (amplitude /
        reference)^exponent.
    reference_uv : float
        Amplitude at which conditions are compared; NaN where there is none.

    Examples
    --------
    >>> import pandas as pd, swa
    >>> bins = pd.DataFrame({"condition": "placebo", "amplitude_uv": [45.0, 60.0, 90.0],
    ...     "slope_q1_uv_s": [190.0, 240.0, 330.0], "slope_median_uv_s": [220.0, 280.0, 390.0],
    ...     "slope_q3_uv_s": [260.0, 330.0, 450.0]})
    >>> lines = pd.DataFrame({"condition": ["placebo"], "slope_at_reference_uv_s": [280.0], "exponent": [0.85],
    ...     "lowest_uv": [40.0], "highest_uv": [120.0]})
    >>> figure = swa.figures.slope_by_amplitude(bins, lines, reference_uv=60.0)
    """
    quartiles = ("slope_q1_uv_s", "slope_median_uv_s", "slope_q3_uv_s")
    check_table("slope_by_amplitude", bins, ("condition", "amplitude_uv", *quartiles))
    check_table(
        "slope_by_amplitude", lines, ("condition", "slope_at_reference_uv_s", "exponent", "lowest_uv", "highest_uv")
    )
    figure = new_figure(5.2, 3.5, left=0.7)
    axes = figure.subplots()
    if bins.empty:
        say_nothing_there(axes, "too few slow waves in the nights")
        return figure
    for position, (name, rows) in enumerate(bins.groupby("condition", sort=False)):
        color = color_of(str(name), colors, position)
        middle = rows["slope_median_uv_s"].to_numpy(float)
        spread = np.abs(rows[["slope_q1_uv_s", "slope_q3_uv_s"]].to_numpy(float).T - middle)
        # Conditions beside each other, so that their bars do not hide one another.
        place = rows["amplitude_uv"].to_numpy(float) * (1 + 0.012 * position)
        axes.errorbar(
            place,
            middle,
            yerr=spread,
            fmt="o",
            markersize=3.2,
            color=color,
            elinewidth=0.7,
            alpha=0.75,
            label=str(name),
        )
        for line in lines[lines["condition"] == name].to_dict("records"):
            amplitude = np.geomspace(line["lowest_uv"], line["highest_uv"], 40)
            slope = line["slope_at_reference_uv_s"] * (amplitude / reference_uv) ** line["exponent"]
            axes.plot(amplitude, slope, color=color, linewidth=1.4)
            axes.plot(reference_uv, line["slope_at_reference_uv_s"], marker="D", color=color, markersize=6, zorder=4)
    if np.isfinite(reference_uv):
        axes.axvline(reference_uv, color=FAINT, linewidth=0.8, linestyle=(0, (3, 2)))
    axes.set_xscale("log")
    _log_axis(axes, (1.0, 2.0, 3.0, 5.0))
    ticks = [tick for tick in (40, 50, 60, 80, 100, 150, 200, 300, 500) if tick <= axes.get_xlim()[1]]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("negative amplitude (µV)")
    axes.set_ylabel("upward slope (µV/s)")
    axes.set_title(title)
    axes.legend(loc="upper left")
    return figure


def _log_axis(axes: Axes, subs: tuple[float, ...] = (1.0,)) -> None:
    """A logarithmic vertical axis with plain numbers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=subs))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
