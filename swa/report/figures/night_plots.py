"""Pictures of nights: the course of one night, the average slow wave, average spectra."""

import datetime
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory
from numpy.typing import NDArray

from swa.report.figures.style import (
    BASELINE_COLOR,
    FAINT,
    INK,
    UNUSABLE_COLOR,
    check_choice,
    check_table,
    draw_steps,
    new_figure,
    say_nothing_there,
    styled,
)
from swa.sleep.hypnogram import epoch_length_s, stages_of

if TYPE_CHECKING:
    import yasa

STAGE_ROWS = {"W": 4, "R": 3, "N1": 2, "N2": 1, "N3": 0}
REM_COLOR = "#b2182b"
HIGHEST_HZ = 25.0
# Finer than this no screen shows; a longer night is averaged, so that a page of twelve nights stays small.
MOST_COLUMNS = 600
ROW_HZ = 0.4
COLORS = 32  # a few more would double the size of the picture and show no more


@styled
def night_overview(
    epochs: pd.DataFrame,
    hypnogram: "pd.DataFrame | yasa.Hypnogram",
    spectrogram: pd.DataFrame | None = None,
    cycles: pd.DataFrame | None = None,
    *,
    channel: str | None = None,
    start: "datetime.datetime | str | None" = None,
    sleep_onset_s: float | None = None,
    color: str = BASELINE_COLOR,
    swa_limit_uv2: float | None = None,
    power_limits_db: tuple[float, float] | None = None,
    process_s: tuple[float, float, float] | None = None,
    title: str = "",
) -> Figure:
    """Hypnogram over spectrogram over slow-wave activity, on one time axis.

    Parameters
    ----------
    epochs : DataFrame
        `Night.epochs`: channel, onset_s, stage, usable_s, swa.
    hypnogram : DataFrame or yasa.Hypnogram
        `Night.hypnogram`, or onset, duration and stage as stored.
    spectrogram : DataFrame, optional
        `Night.spectrogram`.
    cycles : DataFrame, optional
        `Night.cycles`: drawn as bars over the hypnogram, and as mean activity of each NREM period.
    channel : str, optional
        Channel of the activity curve; by default the first.
    start : datetime or str, optional
        Start of the recording (ISO 8601): the axis then shows clock time, otherwise hours.
    sleep_onset_s : float, optional
        Sleep onset in s from the first sample.
    color : str
        Colour of the activity, that of the condition.
    swa_limit_uv2 : float, optional
        Top of the activity axis, so that nights can share it; beyond it the curve is cut.
    power_limits_db : (float, float), optional
        Ends of the colour scale in dB re 1 µV²/Hz, so that nights can share it.
    process_s : (float, float, float), optional
        Initial level and asymptote in µV² and time constant in h, from sleep onset on: drawn dashed.
    title : str
        Written over the hypnogram.

    Raises
    ------
    SwaError
        A column or the channel is missing.

    Examples
    --------
    >>> import swa
    >>> night = swa.analyze_night(swa.read_recording("night.edf"), swa.read_hypnogram("night.csv"))
    >>> figure = swa.figures.night_overview(night.epochs, night.hypnogram, night.spectrogram, night.cycles)
    >>> figure.savefig("night.png", dpi=150)
    """
    check_table("night_overview", epochs, ("channel", "onset_s", "stage", "usable_s", "swa"))
    check_choice("night_overview", [epochs], channel=channel)
    stages = _stage_table(hypnogram)
    end_h = float((stages["onset"] + stages["duration"]).max()) / 3600 if len(stages) else 1.0
    shows_spectrum = spectrogram is not None and len(spectrogram) > 0
    heights = [1.15, 1.35, 1.25] if shows_spectrum else [1.15, 1.25]
    figure = new_figure(9.6, sum(heights) + 0.4 * len(heights) + 0.35, right=0.85)
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, gridspec_kw={"hspace": 0.3})
    _draw_hypnogram(panels[0], stages, cycles, sleep_onset_s)
    panels[0].set_title(title)
    if shows_spectrum:
        _draw_spectrogram(panels[1], cast("pd.DataFrame", spectrogram), stages, power_limits_db)
    _draw_activity(panels[-1], epochs, cycles, channel, color, swa_limit_uv2)
    if process_s is not None and sleep_onset_s is not None and np.isfinite([*process_s, sleep_onset_s]).all():
        initial, asymptote, tau_h = process_s
        hours = np.linspace(0, max(end_h - sleep_onset_s / 3600, 0), 100)
        level = asymptote + (initial - asymptote) * np.exp(-hours / tau_h)
        panels[-1].plot(sleep_onset_s / 3600 + hours, level, color=INK, linewidth=1.1, linestyle=(0, (4, 2)))
    _set_time_axis(panels[-1], end_h, start)
    return figure


def _stage_table(hypnogram: "pd.DataFrame | yasa.Hypnogram") -> pd.DataFrame:
    if isinstance(hypnogram, pd.DataFrame):
        return hypnogram
    epoch_s = epoch_length_s(hypnogram)
    stages = stages_of(hypnogram)
    return pd.DataFrame({"onset": np.arange(len(stages)) * epoch_s, "duration": epoch_s, "stage": stages})


def _draw_hypnogram(axes: Axes, stages: pd.DataFrame, cycles: pd.DataFrame | None, sleep_onset_s: float | None) -> None:
    level = stages["stage"].map(STAGE_ROWS).to_numpy(float)
    edges = np.append(stages["onset"], stages["onset"].iloc[-1] + stages["duration"].iloc[-1]) / 3600
    draw_steps(axes, level, edges, edgecolor=INK, linewidth=0.9)
    rem = np.where(stages["stage"] == "R", level, np.nan)
    draw_steps(axes, rem, edges, edgecolor=REM_COLOR, linewidth=2.8)
    axes.set_yticks(list(STAGE_ROWS.values()), ["W", "REM", "N1", "N2", "N3"])
    axes.set_ylim(-1.05, 5.6 if cycles is not None and len(cycles) else 4.6)
    axes.set_ylabel("stage")
    for cycle in cycles.to_dict("records") if cycles is not None else ():
        first, last = float(cycle["nrem_start_s"]) / 3600, float(cycle["nrem_end_s"]) / 3600
        axes.plot([first, last], [4.85, 4.85], color=FAINT, linewidth=2.2, solid_capstyle="butt")
        rem_h = float(cycle.get("rem_start_s", np.nan)) / 3600, float(cycle.get("rem_end_s", np.nan)) / 3600
        end = last
        if np.isfinite(rem_h).all() and rem_h[1] > rem_h[0]:
            axes.plot(rem_h, [4.85, 4.85], color=REM_COLOR, linewidth=2.2, solid_capstyle="butt")
            end = rem_h[1]
        label = f"cycle {cycle['cycle']}"
        axes.text((first + end) / 2, 5.0, label, ha="center", va="bottom", fontsize=7, color=FAINT)
    if sleep_onset_s is not None and np.isfinite(sleep_onset_s):
        axes.axvline(sleep_onset_s / 3600, color=FAINT, linewidth=0.8, linestyle=(0, (3, 2)))
        axes.annotate(
            "sleep onset", (sleep_onset_s / 3600, -0.85), (3, 0), textcoords="offset points", fontsize=7, color=FAINT
        )


def _draw_spectrogram(
    axes: Axes, spectrogram: pd.DataFrame, stages: pd.DataFrame, limits_db: tuple[float, float] | None
) -> None:
    level, top_hz = _decibels(spectrogram)
    epoch_s = float(stages["duration"].iloc[0])
    end_h = len(spectrogram) * epoch_s / 3600
    low, high = limits_db or power_limits(spectrogram)
    image = axes.imshow(
        np.ma.masked_invalid(level),
        aspect="auto",
        origin="lower",
        extent=(0.0, end_h, 0.0, top_hz),
        interpolation="none",
        vmin=low,
        vmax=high,
        cmap=colormaps["viridis"].resampled(COLORS).with_extremes(bad=UNUSABLE_COLOR),
    )
    axes.set_ylabel("frequency (Hz)")
    axes.set_title(f"Spectrum of each epoch, {spectrogram['channel'].iloc[0]}", fontsize=8, fontweight="normal")
    place = axes.get_position()
    figure = cast("Figure", axes.figure)
    bar = figure.colorbar(image, cax=figure.add_axes((place.x1 + 0.01, place.y0, 0.009, place.height)))
    bar.set_label("dB re 1 µV²/Hz", fontsize=7.5)
    bar.outline.set_visible(False)


def power_limits(spectrogram: pd.DataFrame) -> tuple[float, float]:
    """Ends of a colour scale for a spectrogram in dB: the 2nd and the 99.5th percentile.

    Parameters
    ----------
    spectrogram : DataFrame
        `Night.spectrogram`.

    Returns
    -------
    (float, float)
        In dB re 1 µV²/Hz.

    Examples
    --------
    >>> import swa
    >>> night = swa.analyze_night(swa.read_recording("night.edf"), swa.read_hypnogram("night.csv"))
    >>> low_db, high_db = swa.figures.power_limits(night.spectrogram)
    >>> low_db < high_db
    True
    """
    level, _ = _decibels(spectrogram)
    known = level[np.isfinite(level)]
    if not known.size:
        return -10.0, 30.0
    low, high = np.percentile(known, [2, 99.5])
    return float(np.floor(low)), float(max(np.ceil(high), np.floor(low) + 1))


def _decibels(spectrogram: pd.DataFrame) -> tuple[NDArray[np.float64], float]:
    """Frequencies x epochs in dB, no finer than a screen shows, and its upper edge in Hz."""
    columns = [name for name in spectrogram.columns if name != "channel" and float(name) <= HIGHEST_HZ]
    frequencies = np.array([float(name) for name in columns])
    density = spectrogram[columns].to_numpy(float).T
    step = frequencies[1] - frequencies[0] if len(frequencies) > 1 else ROW_HZ
    rows = max(round(ROW_HZ / step), 1)
    density = _averaged(_averaged(density, rows).T, int(np.ceil(density.shape[1] / MOST_COLUMNS))).T
    with np.errstate(divide="ignore", invalid="ignore"):
        level = 10 * np.log10(density)
    return np.where(np.isfinite(level), level, np.nan), float(frequencies[-1] + step)


def _averaged(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Mean over every `count` rows; missing ones do not count, a group of missing ones stays missing."""
    if count <= 1:
        return values
    starts = np.arange(0, len(values), count)
    known = np.isfinite(values)
    number = np.add.reduceat(known.astype(int), starts)
    total = np.add.reduceat(np.where(known, values, 0.0), starts)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _draw_activity(
    axes: Axes,
    epochs: pd.DataFrame,
    cycles: pd.DataFrame | None,
    channel: str | None,
    color: str,
    limit_uv2: float | None,
) -> None:
    channel = channel or (str(epochs["channel"].iloc[0]) if len(epochs) else None)
    rows = epochs[epochs["channel"] == channel]
    if rows.empty:
        say_nothing_there(axes, "no EEG channel was measured")
        return
    onset = rows["onset_s"].to_numpy(float)
    epoch_s = onset[1] - onset[0] if len(onset) > 1 else 30.0
    edges = np.append(onset, onset[-1] + epoch_s) / 3600
    activity = rows["swa"].to_numpy(float)
    nrem = rows["stage"].isin(["N2", "N3"]).to_numpy()
    draw_steps(axes, np.where(nrem, np.nan, activity), edges, edgecolor=UNUSABLE_COLOR, linewidth=0.8)
    draw_steps(axes, np.where(nrem, activity, np.nan), edges, facecolor=color, alpha=0.6, linewidth=0)
    limit_uv2 = limit_uv2 or activity_limit(rows)
    for cycle in cycles.itertuples() if cycles is not None else ():
        first, last = float(cycle.nrem_start_s), float(cycle.nrem_end_s)  # type: ignore[arg-type]
        inside = nrem & (onset >= first) & (onset < last) & np.isfinite(activity)
        if inside.any():
            axes.hlines(activity[inside].mean(), first / 3600, last / 3600, color=INK, linewidth=1.4)
    unusable = rows["usable_s"].to_numpy(float) < epoch_s / 2
    strip = blended_transform_factory(axes.transData, axes.transAxes)
    if unusable.any():
        axes.bar(
            edges[:-1][unusable], 0.05, epoch_s / 3600, 0.95, align="edge", transform=strip, color=FAINT, linewidth=0
        )
    axes.set_ylim(0, limit_uv2)
    axes.set_ylabel("SWA (µV²)")
    note = "; dark strip: less than half of the epoch is usable" if unusable.any() else ""
    axes.set_title(
        f"Slow-wave activity, {channel}: N2+N3 filled, other stages grey; line: mean of a NREM period{note}",
        fontsize=8,
        fontweight="normal",
    )


def activity_limit(epochs: pd.DataFrame) -> float:
    """Top of an activity axis: a little above the largest N2+N3 epochs, so that movement in wake does not set it.

    Parameters
    ----------
    epochs : DataFrame
        `Night.epochs`.

    Returns
    -------
    float
        In µV².

    Examples
    --------
    >>> import swa
    >>> night = swa.analyze_night(swa.read_recording("night.edf"), swa.read_hypnogram("night.csv"))
    >>> swa.figures.activity_limit(night.epochs) > 0  # µV²
    True
    """
    known = epochs.loc[epochs["stage"].isin(["N2", "N3"]), "swa"].dropna()
    return float(known.quantile(0.995)) * 1.15 if len(known) and known.max() > 0 else 1.0


def _set_time_axis(axes: Axes, end_h: float, start: "datetime.datetime | str | None") -> None:
    steps = (1 / 12, 1 / 6, 0.25, 0.5, 1.0, 2.0, 4.0)
    step = next((step for step in steps if end_h / step <= 11), 8.0)
    clock = datetime.datetime.fromisoformat(start) if isinstance(start, str) and start else start or None
    axes.set_xlim(0, end_h)
    if not isinstance(clock, datetime.datetime):
        ticks = np.arange(0, end_h + 1e-9, step)
        axes.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
        axes.set_xlabel("time from the start of the recording (h)")
        return
    begin_h = clock.hour + clock.minute / 60 + clock.second / 3600
    hours = np.arange(np.ceil(begin_h / step - 1e-9) * step, begin_h + end_h + 1e-9, step)
    labels = [f"{int(minutes // 60) % 24:02d}:{minutes % 60:02d}" for minutes in np.round(hours * 60).astype(int)]
    axes.set_xticks(hours - begin_h, labels)
    axes.set_xlabel("clock time")
