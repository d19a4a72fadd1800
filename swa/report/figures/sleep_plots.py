"""Pictures of sleep architecture: hypnograms on one axis, and changes in minutes."""

from collections.abc import Collection, Mapping
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from swa.report.figures.night_plots import REM_COLOR, STAGE_ROWS
from swa.report.figures.style import (
    FAINT,
    INK,
    check_table,
    color_of,
    draw_steps,
    new_figure,
    say_nothing_there,
    styled,
)
from swa.report.words.names import marker_name

NIGHTS_IN = 7.2  # width of nights below each other: of a wider one the stages cannot be read on a phone
HYPNOGRAMS_IN = 3.4  # height of all hypnograms, as far as each stays between
HYPNOGRAM_IN = (0.65, 1.05)  # these two
ACTIVITY_IN = 1.7  # height of the panel of activity
ACTIVITY_EPOCHS = 10  # of a running mean
ROW_IN = 0.235  # height of a line of the changes
WIDEST_NAME = 40  # letters of a line of the measure's name: more than fit left of the axis


@styled
def aligned_hypnograms(
    hypnograms: Mapping[str, pd.DataFrame],
    onsets_s: Mapping[str, float],
    *,
    colors: Mapping[str, str] | None = None,
    unit: str = "",
    aside: Collection[str] = (),
) -> Figure:
    """Hypnograms of several nights below each other, aligned at sleep onset, and their slow-wave activity overlaid.

    Parameters
    ----------
    hypnograms : mapping of str to DataFrame
        onset, duration and stage of each night, as stored, by the name of the night. A column `swa` is drawn below for
        N2 and N3, as running means of five minutes.
    onsets_s : mapping of str to float
        Sleep onset of each night, s from its first sample; a night without one is drawn from its start.
    colors : mapping of str to str, optional
        Colour of each night.
    unit : str
        Unit of `swa`.
    aside : collection of str
        Nights whose activity is dotted, since they are not compared.

    Examples
    --------
    >>> import swa, pandas as pd
    >>> stages = pd.DataFrame({"onset": [0, 30, 60], "duration": 30, "stage": ["W", "N2", "N3"]})
    >>> figure = swa.figures.aligned_hypnograms({"baseline": stages, "ketamine": stages}, {"baseline": 30.0})
    >>> figure.axes[0].get_title(loc="left")
    'baseline'
    """
    for table in hypnograms.values():
        check_table("aligned_hypnograms", table, ("onset", "duration", "stage"))
    with_activity = any("swa" in table for table in hypnograms.values())
    row_in = float(np.clip(HYPNOGRAMS_IN / max(len(hypnograms), 1), *HYPNOGRAM_IN))
    figure = new_figure(NIGHTS_IN, 0.75 + row_in * max(len(hypnograms), 1) + ACTIVITY_IN * with_activity)
    if not hypnograms:
        say_nothing_there(figure.subplots(), "no night")
        return figure
    heights = [1.0] * len(hypnograms) + [ACTIVITY_IN / row_in] * with_activity
    rows = {"hspace": 0.45, "height_ratios": heights}
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, gridspec_kw=rows)[:, 0]
    for place, (axes, (name, stages)) in enumerate(zip(panels, hypnograms.items(), strict=False)):
        level = stages["stage"].map(STAGE_ROWS).to_numpy(float)
        onset_s = onsets_s.get(name, 0.0)
        ends = stages["onset"] + stages["duration"]
        hours = (np.append(stages["onset"], ends.iloc[-1:]) - (onset_s if np.isfinite(onset_s) else 0.0)) / 3600
        draw_steps(axes, level, hours, edgecolor=color_of(name, colors, place), linewidth=0.9)
        rem = np.where(stages["stage"] == "R", level, np.nan)
        draw_steps(axes, rem, hours, edgecolor=REM_COLOR, linewidth=2.4)
        axes.axvline(0, color=FAINT, linewidth=0.8, linestyle=(0, (3, 2)))
        axes.set_yticks(list(STAGE_ROWS.values()), ["W", "REM", "N1", "N2", "N3"], fontsize=min(8, 9 * row_in))
        axes.set_ylim(-0.6, 4.6)
        axes.set_title(name, loc="left", fontsize=8)
        if "swa" in stages:
            activity = stages["swa"].where(stages["stage"].isin(["N2", "N3"]))
            smooth = activity.rolling(ACTIVITY_EPOCHS, center=True, min_periods=ACTIVITY_EPOCHS // 2).mean()
            style = ":" if name in aside else "-"
            panels[-1].plot(hours[:-1], smooth, style, color=color_of(name, colors, place), linewidth=1)
    if with_activity:
        panels[-1].set_ylim(bottom=0)
        panels[-1].axvline(0, color=FAINT, linewidth=0.8, linestyle=(0, (3, 2)))
        panels[-1].set_title(f"slow-wave activity of N2 and N3, {unit}".removesuffix(", "), loc="left", fontsize=8)
    panels[-1].set_xlabel("h since sleep onset")
    return figure


@styled
def sleep_changes(
    rows: pd.DataFrame,
    *,
    names: Mapping[str, str] | None = None,
    color: str | None = None,
    reach: float | None = None,
    title: str = "",
) -> Figure:
    """Changes of sleep architecture in minutes with their intervals, one line for each measure.

    Parameters
    ----------
    rows : DataFrame
        Rows of the contrasts on the scale difference, in minutes, in the order to show: measure, estimate, ci_low,
        ci_high.
    reach : float, optional
        Minutes from no change to both ends of the axis, so that figures beside each other can be compared.

    Notes
    -----
    A filled mark has an interval that excludes no change; a cross has no interval.

    Examples
    --------
    >>> import swa, pandas as pd
    >>> rows = pd.DataFrame({"measure": ["n3_minutes"], "estimate": [6.4], "ci_low": [1.0], "ci_high": [11.8]})
    >>> figure = swa.figures.sleep_changes(rows, title="magnesium against placebo")
    >>> figure.axes[0].get_xlabel()
    'change, min'
    """
    check_table("sleep_changes", rows, ("measure", "estimate", "ci_low", "ci_high"))
    rows = rows[np.isfinite(rows["estimate"])].reset_index(drop=True)
    height = 1.15 + ROW_IN * max(len(rows), 3)
    figure = new_figure(7.6, height)
    axes = figure.add_axes((0.36, 0.55 / height, 0.6, 1 - 0.95 / height))
    if rows.empty:
        say_nothing_there(axes, "nothing was measured in both conditions")
        return figure
    shade = color or color_of("", None, 1)
    numbers = rows[["estimate", "ci_low", "ci_high"]].to_numpy(float)
    for place, (estimate, low, high) in enumerate(numbers.tolist()):
        known = np.isfinite(low) and np.isfinite(high)
        axes.plot([low, high], [place, place], color=shade, linewidth=1.4)
        face = shade if known and low * high > 0 else "white"
        axes.plot(estimate, place, "s" if known else "x", color=shade, markerfacecolor=face, markersize=5)
    axes.axvline(0, color=FAINT, linewidth=0.9, zorder=0)
    labels = [fill((names or {}).get(one, marker_name(one)), WIDEST_NAME) for one in rows["measure"]]
    axes.set_yticks(range(len(rows)), labels, linespacing=0.9)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel("change, min", color=INK)
    if reach:
        axes.set_xlim(-reach, reach)
    axes.grid(axis="x")
    figure.text(0.008, 1 - 0.1 / height, title, ha="left", va="top", fontsize=9.5, fontweight="bold")
    return figure
