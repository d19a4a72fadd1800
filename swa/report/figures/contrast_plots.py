"""Picture of one marker in every contrast, on one axis."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from swa.report.figures.forests import draw_estimates, plain_percent, ratio_limits, ratio_ticks
from swa.report.figures.style import FAINT, check_table, color_of, new_figure, say_nothing_there, styled, treatment_of
from swa.report.words.names import named
from swa.report.words.numbers import NO_INTERVAL, describe_change
from swa.tables.contrast import Contrast
from swa.tables.marker import select

ROW = 0.36  # inches: a name with its numbers, and below it the interval
MARGIN = 1.04
DOTS_BELOW = 0.2  # rows: on the line of the interval they would not be seen


@styled
def contrast_changes(
    rows: pd.DataFrame,
    subjects: pd.DataFrame,
    *,
    contrasts: Mapping[str, Contrast] | None = None,
    colors: Mapping[str, str] | None = None,
    unit: str = "",
    title: str = "",
) -> Figure:
    """Change of one marker in each contrast with its interval, a dot for each subject, all on one axis.

    Parameters
    ----------
    rows : DataFrame
        Rows of the contrasts over subjects, one a contrast, in the order to show: contrast, estimate, ci_low, ci_high,
        n, scale, and `is_told` where it is known whether the contrast is told from no change: its mark is filled.
    subjects : DataFrame
        contrast, subject, change.
    unit : str
        Unit of a difference.

    Notes
    -----
    Ratios have a logarithmic axis in percent. Arrows: the interval goes on. A cross has no interval.

    Examples
    --------
    >>> import pandas as pd, swa
    >>> rows = pd.DataFrame({"contrast": ["ketamine:placebo", "magnesium:placebo"], "estimate": [1.3, 1.05],
    ...     "ci_low": [1.1, 0.9], "ci_high": [1.5, 1.2], "n": 8, "scale": "ratio", "is_told": [True, False]})
    >>> subjects = pd.DataFrame({"contrast": "ketamine:placebo", "subject": ["S01", "S02"], "change": [1.2, 1.4]})
    >>> figure = swa.figures.contrast_changes(rows, subjects, title="SWA")
    """
    check_table("contrast_changes", rows, ("contrast", "estimate", "ci_low", "ci_high", "n", "scale"))
    rows = rows[np.isfinite(rows["estimate"])].reset_index(drop=True)
    height = 0.85 + ROW * max(len(rows), 1)
    figure = new_figure(4.7, height)
    axes = figure.add_axes((0.03, 0.5 / height, 0.94, 1 - 0.85 / height))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    if rows.empty:
        say_nothing_there(axes, "nothing was measured in both conditions")
        return figure
    rows = rows if "is_told" in rows else rows.assign(is_told=False)
    is_ratio = bool((rows["scale"] == "ratio").all())
    own = select(subjects[np.isfinite(subjects["change"].astype(float))], contrast=list(rows["contrast"]))
    limits = _limits(rows, own, is_ratio=is_ratio)
    axes.axvline(1 if is_ratio else 0, color=FAINT, linewidth=0.9, zorder=0)
    for i, name in enumerate(rows["contrast"].astype(str)):
        one = rows.iloc[[i]].assign(window="")
        dots = select(own, contrast=name)["change"].to_numpy(float)
        is_told = bool(one["is_told"].iloc[0])
        below = np.full(len(dots), i + DOTS_BELOW)
        axes.plot(dots, below, "o", color=FAINT, alpha=0.55, markersize=3.5, markeredgewidth=0)
        color = color_of(treatment_of(name, contrasts), colors, i + 1)
        draw_estimates(axes, one, np.array([float(i)]), limits, color, np.array([is_told]))
        _write(axes, one.iloc[0], i, (named(name, contrasts or {}), unit), bold=is_told)
    _scale(axes, limits, is_ratio=is_ratio, unit=unit)
    axes.set_ylim(len(rows) - 0.7, -0.75)
    figure.text(0.03, 1 - 0.08 / height, title, ha="left", va="top", fontsize=9.5, fontweight="bold")
    return figure


def _limits(rows: pd.DataFrame, subjects: pd.DataFrame, *, is_ratio: bool) -> tuple[float, float]:
    """Limits that hold every subject and estimate; what an interval has beyond them is cut where they are ratios."""
    dots = subjects["change"].to_numpy(float)
    if is_ratio:
        low, high = ratio_limits(rows)
        return min([low, *(dots / MARGIN)]), max([high, *(dots * MARGIN)])
    values = rows[["estimate", "ci_low", "ci_high"]].to_numpy(float).ravel()
    reach = float(np.nanmax(np.abs([*values, *dots]))) or 1.0
    return -reach * MARGIN, reach * MARGIN


def _write(axes: Axes, row: pd.Series, place: int, said: tuple[str, str], *, bold: bool) -> None:
    beside, (name, unit) = axes.get_yaxis_transform(), said
    weight = "bold" if bold else "normal"
    axes.text(0, place - 0.42, name, transform=beside, va="center", fontsize=8, fontweight=weight)
    change = describe_change(row, unit)
    numbers = f"{change.change} ({change.interval or NO_INTERVAL}), n = {change.n}"
    axes.text(1, place - 0.42, numbers, transform=beside, ha="right", va="center", fontsize=8, fontweight=weight)


def _scale(axes: Axes, limits: tuple[float, float], *, is_ratio: bool, unit: str) -> None:
    if is_ratio:
        axes.set_xscale("log")
        ticks = ratio_ticks(*limits)
        axes.set_xticks(ticks, [plain_percent(tick) for tick in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlim(*limits)
    axes.set_xlabel("change (axis of log ratios)" if is_ratio else f"change, {unit}" if unit else "change")
