"""Slow-wave activity over the night, by condition."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from swa.report.figures.style import (
    FAINT,
    check_table,
    color_of,
    legend_above,
    legend_height,
    new_figure,
    say_nothing_there,
    styled,
)

AXES = {"cycle": "NREM cycle", "hour": "hour after sleep onset"}
APART = 0.09  # between the marks of two conditions
TALLEST = 3.0  # of the axis, in highest means: an interval that reaches further would squash what it stands beside


@styled
def activity_course(
    table: pd.DataFrame, *, colors: Mapping[str, str] | None = None, unit: str = "", title: str = ""
) -> Figure:
    """A marker over the NREM cycles and over the hours of the night, by condition.

    Parameters
    ----------
    table : DataFrame
        condition, kind (``cycle`` or ``hour``), number, mean, ci_low, ci_high; conditions in the order of the legend.
        Where it has n, the legend says it, and points of fewer subjects say theirs.
    unit : str
        Unit of the marker.

    Notes
    -----
    An interval that reaches beyond three times the highest mean is cut at the top of the axis, with an arrow head.

    Examples
    --------
    >>> import pandas as pd, swa
    >>> table = pd.DataFrame({"condition": "baseline", "kind": "cycle", "number": [1, 2], "mean": [210.0, 140.0],
    ...     "ci_low": [150.0, 100.0], "ci_high": [294.0, 196.0]})
    >>> swa.figures.activity_course(table, unit="µV²").axes[0].get_xlabel()
    'NREM cycle'
    """
    check_table("activity_course", table, ("condition", "kind", "number", "mean", "ci_low", "ci_high"))
    conditions = list(dict.fromkeys(table["condition"]))
    legend = legend_height(len(conditions))
    figure = new_figure(7.6, 3.0 + legend, left=0.75, top=0.35 + legend)
    panels = figure.subplots(1, len(AXES), sharey=True)
    if table.empty:
        say_nothing_there(panels[0], "nothing was measured")
        return figure
    top = _top(table)
    for axes, (kind, label) in zip(panels, AXES.items(), strict=True):
        for place, condition in enumerate(conditions):
            own = table[(table["condition"] == condition) & (table["kind"] == kind)].sort_values("number")
            shift = APART * (place - (len(conditions) - 1) / 2)
            mean, low, high = (own[name].to_numpy(float) for name in ("mean", "ci_low", "ci_high"))
            errors = np.nan_to_num(np.stack([mean - low, high - mean]))
            color = color_of(condition, colors, place)
            places = own["number"].to_numpy(float) + shift
            axes.errorbar(places, mean, errors, color=color, marker="o", markersize=4, label=_label(condition, table))
            beyond = places[high > top]
            axes.plot(beyond, np.full(len(beyond), top), "^", color=color, markersize=5, clip_on=False)
            _tell_fewer(axes, own, places, table)
        axes.set_xlabel(label)
        numbers = sorted(table.loc[table["kind"] == kind, "number"].unique())
        axes.set_xticks(numbers)
        if numbers:
            axes.set_xlim(numbers[0] - 0.5, numbers[-1] + 0.5)
        axes.grid(axis="y")
    panels[0].set_ylim(0, top)
    panels[0].set_ylabel(unit)
    legend_above(figure, panels[0], 0.26)
    figure.text(0.01, 0.985, title, va="top", fontsize=9.5, fontweight="bold")
    return figure


def _top(table: pd.DataFrame) -> float:
    """Upper end of the axis."""
    means, ends = (table[name].to_numpy(float) for name in ("mean", "ci_high"))
    highest = float(np.nanmax(means))
    if not highest > 0:
        return 1.0
    return min(1.05 * max(highest, float(np.nanmax(ends, initial=highest))), TALLEST * highest)


def _label(condition: str, table: pd.DataFrame) -> str:
    return f"{condition} (n = {_most(condition, table)})" if "n" in table else condition


def _most(condition: str, table: pd.DataFrame) -> int:
    """Subjects of the point of a condition that has most."""
    return int(table.loc[table["condition"] == condition, "n"].max())


def _tell_fewer(axes: Axes, own: pd.DataFrame, places: NDArray[np.float64], table: pd.DataFrame) -> None:
    """Say the number of subjects of points that rest on fewer than others of their condition."""
    if "n" not in own or own.empty:
        return
    most = _most(str(own["condition"].iloc[0]), table)
    for place, mean, n in zip(places, own["mean"], own["n"], strict=True):
        if n < most:
            axes.annotate(f"n = {n:.0f}", (place, mean), (3, 4), textcoords="offset points", fontsize=6.5, color=FAINT)
