"""Pictures of changes: paired values of subjects, and estimates with their intervals."""

import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import blended_transform_factory
from numpy.typing import NDArray

from swa.report.figures.style import FAINT, INK, RULE, check_table, color_of, new_figure, say_nothing_there, styled
from swa.report.words.names import marker_name
from swa.report.words.numbers import MINUS, NBSP, NO_INTERVAL, describe_change, number
from swa.tables.contrast import Contrast
from swa.tables.marker import select

SHORTEST_AXIS = 1.5  # of paired plots, top over bottom
COLUMNS = 3  # pairs of conditions beside each other: of more the letters cannot be read on half a page
WINDOW_MARKS = {"cycle-1": "o", "matched": "D", "night": "s"}
# Ticks of a ratio axis that read well in percent, those that matter most first.
RATIO_TICKS = (
    *(1.0, 2.0, 0.5, 5.0, 0.2, 1.5, 0.75, 1.25, 0.8, 1.1, 0.9, 1.2, 3.0, 0.33, 10.0, 0.1),
    *(20.0, 0.05, 50.0, 0.02),
)


@styled
def paired_changes(
    values: pd.DataFrame,
    *,
    unit: str = "",
    contrasts: Mapping[str, Contrast] | None = None,
    colors: Mapping[str, str] | None = None,
    title: str = "",
) -> Figure:
    """Baseline and treatment value of each subject, joined by a line; the mean over subjects in bold.

    Parameters
    ----------
    values : DataFrame
        Rows of one marker from `subject_values`: contrast, subject, baseline, treatment, scale. Several contrasts
        stand side by side on one scale.
    unit : str
        Unit of the values.

    Notes
    -----
    Ratio measures have a logarithmic axis and a geometric mean; only subjects with both values are drawn.

    Examples
    --------
    >>> import swa
    >>> from swa.comparison.contrasts import subject_values
    >>> marker = "measure == 'swa' and stages == 'NREM' and window == 'night' and channel == 'C4-M1'"
    >>> values = subject_values(swa.read_results("results")).query(marker)
    >>> figure = swa.figures.paired_changes(values, unit="µV²", title="SWA")
    >>> figure.axes[0].get_ylabel()
    'µV², log scale'
    """
    check_table("paired_changes", values, ("contrast", "baseline", "treatment", "scale"))
    complete = values[np.isfinite(values["baseline"]) & np.isfinite(values["treatment"])]
    names = sorted(values["contrast"].unique())
    columns, lines = min(max(len(names), 1), COLUMNS), -(-max(len(names), 1) // COLUMNS)
    figure = new_figure(1.9 * columns + 0.7, 2.2 * lines + 0.3, left=0.62, right=0.1)
    if complete.empty:
        say_nothing_there(figure.subplots(), "no subject has both values")
        return figure
    is_ratio = (complete["scale"] == "ratio").all()
    panels = np.atleast_1d(figure.subplots(lines, columns, sharey=True, gridspec_kw={"hspace": 0.4})).ravel()
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    for position, (axes, name) in enumerate(zip(panels, names, strict=False)):
        rows = select(complete, contrast=name)
        known = (contrasts or {}).get(name)
        baseline, treatment = (known.comparator, known.treatment) if known else ("baseline", "treatment")
        shades = color_of(baseline, colors, 0), color_of(treatment, colors, position + 1)
        _draw_pairs(axes, rows, shades, is_ratio=bool(is_ratio))
        axes.set_xticks([0, 1], [baseline, treatment])
        axes.set_xlabel(f"n = {len(rows)}" if known else f"{name}, n = {len(rows)}", fontsize=8)
    if is_ratio:
        panels[0].set_yscale("log")
        _widen(panels[0])
        _plain_log_ticks(panels[0], complete[["baseline", "treatment"]].to_numpy(float))
    for axes in panels[::columns]:
        axes.set_ylabel(", ".join(part for part in (unit if unit != "1" else "", "log scale" * bool(is_ratio)) if part))
    figure.text(0.02, 1 - 0.0625 / figure.get_figheight(), title, va="top", fontsize=9.5, fontweight="bold")
    return figure


@styled
def forest(
    rows: pd.DataFrame,
    *,
    names: Mapping[str, str] | None = None,
    window_names: Mapping[str, str] | None = None,
    color: str | None = None,
    count: str = "n",
    limits: tuple[float, float] | None = None,
    title: str = "",
) -> Figure:
    """Changes of markers with their intervals, one line for each marker and window, on a ratio axis in percent.

    Parameters
    ----------
    rows : DataFrame
        Rows of the contrasts on the scale ratio, in the order to show: measure, window, estimate, ci_low, ci_high, n.
    names, window_names : mapping of str to str, optional
        How measures and windows are written.
    count : str
        What `n` counts, behind the numbers: ``nights`` or ``subjects``.
    limits : tuple of float, optional
        Ratios at both ends of the axis, so that forests beside each other can be compared; else those of the rows.

    Notes
    -----
    A filled mark has an interval that excludes no change; a cross has no interval. Arrows: the interval goes on.

    Examples
    --------
    >>> import swa
    >>> rows = swa.read_results("results").contrasts.query(
    ...     "subject == 'group' and channel == 'C4-M1' and stages == 'NREM' and window == 'night'"
    ... )
    >>> figure = swa.figures.forest(rows, count="subjects", title="ketamine against baseline")
    >>> figure.savefig("forest.png")
    """
    check_table("forest", rows, ("scale", "measure", "window", "estimate", "ci_low", "ci_high", "n"))
    rows = drawn_ratios(rows).reset_index(drop=True)
    places = _places(rows["measure"])
    height = 1.25 + 0.215 * (places[-1] + 1 if places else 3)
    figure = new_figure(7.6, height)
    axes = figure.add_axes((0.27, 0.55 / height, 0.415, 1 - 1.05 / height))
    if rows.empty:
        say_nothing_there(axes, "nothing was measured in both conditions")
        return figure
    low, high = limits or ratio_limits(rows)
    excludes = ((rows["ci_low"] > 1) | (rows["ci_high"] < 1)).to_numpy()
    draw_estimates(axes, rows, np.array(places), (low, high), color or color_of("", None, 1), excludes)
    axes.axvline(1, color=FAINT, linewidth=0.9, zorder=0)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ticks = ratio_ticks(low, high)
    axes.set_xticks(ticks, [plain_percent(tick) for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("change (axis of log ratios)")
    axes.set_ylim(places[-1] + 0.8, -0.6)
    axes.spines["left"].set_visible(False)
    _label_rows(axes, rows, places, names or {}, window_names or {}, count)
    figure.text(0.008, 1 - 0.1 / height, title, ha="left", va="top", fontsize=9.5, fontweight="bold")
    axes.grid(axis="x")
    return figure


def _draw_pairs(axes: Axes, rows: pd.DataFrame, shades: tuple[str, str], *, is_ratio: bool) -> None:
    pairs = rows[["baseline", "treatment"]].to_numpy(float)
    alpha = 0.9 if len(rows) <= 30 else 0.35
    joined = np.column_stack([pairs, np.full(len(pairs), np.nan)]).ravel()  # one path with gaps
    axes.plot(np.tile([0, 1, np.nan], len(pairs)), joined, color="#a9aeb3", linewidth=0.9, alpha=alpha, zorder=1)
    dots: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 4, "markeredgewidth": 0, "zorder": 2}
    for place, shade in enumerate(shades):
        axes.plot(np.full(len(pairs), place), pairs[:, place], color=shade, alpha=alpha, **dots)
    mean = np.exp(np.log(pairs).mean(axis=0)) if is_ratio else pairs.mean(axis=0)
    if len(pairs) > 1:
        axes.plot([0, 1], mean, color=INK, linewidth=2.2, zorder=3)
    for place, (value, side) in enumerate(zip(mean, ("right", "left"), strict=True)):
        axes.annotate(
            number(value),
            (place, value),
            (-7 if place == 0 else 7, 0),
            textcoords="offset points",
            ha=side,
            va="center",
            fontsize=8,
            fontweight="bold",
        )
    axes.set_xlim(-0.55, 1.55)


def _widen(axes: Axes) -> None:
    """Give a logarithmic axis some length, so that a change of a thousandth does not look like a fall."""
    low, high = axes.get_ylim()
    short = math.log(SHORTEST_AXIS) - math.log(high / low)
    if short > 0:
        axes.set_ylim(low * math.exp(-short / 2), high * math.exp(short / 2))


def _plain_log_ticks(axes: Axes, values: np.ndarray[Any, Any]) -> None:
    span = math.log10(values.max() / values.min())
    some = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0) if span > 0.35 else (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)
    subs = (1.0, 2.0, 5.0) if span > 0.7 else some
    axes.yaxis.set_major_locator(LogLocator(subs=subs))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", MINUS)))
    axes.yaxis.set_minor_locator(NullLocator())


def drawn_ratios(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows that a forest shows."""
    shown: pd.DataFrame = rows[(rows["scale"] == "ratio") & np.isfinite(rows["estimate"])]
    return shown


def ratio_limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Limits of an axis for every estimate, and intervals as far as they help: a wide one is cut, with an arrow."""
    rows = drawn_ratios(rows)
    if rows.empty:
        return 1 / 1.3, 1.3
    estimates = rows["estimate"].to_numpy(float)
    ends = rows[["ci_low", "ci_high"]].to_numpy(float)
    largest = float(np.abs(np.log(estimates)).max())
    widest = float(np.abs(np.log(np.append(ends[np.isfinite(ends)], estimates))).max())
    reach = max(min(widest * 1.08, max(largest * 1.5, math.log(5))), math.log(1.3))
    return math.exp(-reach), math.exp(reach)


def ratio_ticks(low: float, high: float) -> list[float]:
    """Ticks of a ratio axis between two limits."""
    kept: list[float] = []
    for tick in RATIO_TICKS:
        apart = all(abs(math.log(tick / other)) > math.log(high / low) / 6.5 for other in kept)
        if low <= tick <= high and apart:
            kept.append(tick)
    return sorted(kept)


def plain_percent(ratio: float) -> str:
    """A ratio as the label of a tick."""
    change = 100 * (ratio - 1)
    return "0 %" if abs(change) < 1e-9 else f"{change:+.3g} %".replace("-", MINUS)


def _places(measures: pd.Series) -> list[float]:
    """Vertical places of the lines: before those of a measure, a line for its name."""
    places: list[float] = []
    position = -1.0
    for i, measure in enumerate(measures):
        is_new = i == 0 or measure != measures.iloc[i - 1]
        position += (2.0 if i == 0 else 2.4) if is_new else 1.0
        places.append(position)
    return places


def draw_estimates(
    axes: Axes,
    rows: pd.DataFrame,
    places: np.ndarray[Any, Any],
    limits: tuple[float, float],
    color: str,
    is_filled: NDArray[np.bool_],
) -> None:
    """All estimates with their intervals: a call for each kind of mark, not for each line of the plot."""
    estimate, first, last = (rows[name].to_numpy(float) for name in ("estimate", "ci_low", "ci_high"))
    known = np.isfinite(first) & np.isfinite(last)
    bare: dict[str, Any] = {"linestyle": "", "color": color}
    axes.hlines(places[known], first[known].clip(*limits), last[known].clip(*limits), color=color, linewidth=1.3)
    across = axes.get_yaxis_transform()  # shares of the width: an arrow at the edge itself would touch the labels
    for ends in (first, last):
        for goes_on, edge, arrow in ((ends < limits[0], 0.012, "<"), (ends > limits[1], 0.988, ">")):
            cut = places[known & goes_on]
            if len(cut):
                axes.plot(np.full(len(cut), edge), cut, marker=arrow, markersize=5, transform=across, **bare)
    marks = rows["window"].map(WINDOW_MARKS).fillna("o").to_numpy()
    for mark in dict.fromkeys(marks):
        for filled in (True, False):
            these = known & (marks == mark) & (is_filled == filled)
            face = color if filled else "white"
            if these.any():
                axes.plot(estimate[these], places[these], marker=mark, markersize=5.5, markerfacecolor=face, **bare)
    if not known.all():
        axes.plot(estimate[~known], places[~known], marker="x", markersize=5, markeredgewidth=1.3, **bare)


def _label_rows(
    axes: Axes,
    rows: pd.DataFrame,
    places: list[float],
    names: Mapping[str, str],
    window_names: Mapping[str, str],
    count: str,
) -> None:
    beside = axes.get_yaxis_transform()
    far_left = blended_transform_factory(cast("Figure", axes.figure).transFigure, axes.transData)
    axes.set_yticks([])
    before = ""
    for place, (_, row) in zip(places, rows.iterrows(), strict=True):
        measure, window = str(row["measure"]), str(row["window"])
        if measure != before:
            name = names.get(measure, marker_name(measure))
            axes.text(0.012, place - 1, name, transform=far_left, va="center", fontweight="bold", fontsize=8)
            if before:
                axes.plot([0.012, 0.992], [place - 1.7] * 2, transform=far_left, color=RULE, lw=0.5, clip_on=False)
        before = measure
        axes.text(
            -0.02, place, window_names.get(window, window), transform=beside, ha="right", va="center", color=FAINT
        )
        axes.text(1.03, place, _numbers(row), transform=beside, va="center", fontsize=7.8)
    heading = f"change, % (interval), n {count}"
    axes.text(1.03, -0.75, heading, transform=beside, va="bottom", fontsize=8, color=FAINT)


def _numbers(row: pd.Series) -> str:
    """Change, interval and n of a row; a percent sign is written once, in the heading."""
    change = describe_change(row)
    return f"{change.change} ({change.interval or NO_INTERVAL}), n = {change.n}".replace(f"{NBSP}%", "")
