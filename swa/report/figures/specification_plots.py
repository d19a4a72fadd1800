"""Picture of the specification curve: estimates in order of size, and below the choices behind each."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from swa.report.figures.forests import plain_percent, ratio_ticks
from swa.report.figures.style import FAINT, INK, RULE, check_table, color_of, new_figure, say_nothing_there, styled

CHOICE_NAMES = {
    "channel": "Channel",
    "stages": "Stages",
    "window": "Window",
    "band": "Band",
    "estimator": "Estimator",
    "selection": "Waves",
    "artefacts": "Artefact limits",
}
LINE_IN = 0.165  # of a line of the choices
CURVE_IN = 2.1
WIDTH_IN = 7.6


@styled
def specification_curve(
    rows: pd.DataFrame, *, names: Mapping[str, str] | None = None, color: str | None = None, title: str = ""
) -> Figure:
    """Estimates of all specifications in order of size with their intervals; below, the choices behind each.

    Parameters
    ----------
    rows : DataFrame
        Rows of one contrast and curve of ``specifications.tsv``; those without an estimate are not drawn.
    names : mapping of str to str, optional
        How choices are written.

    Notes
    -----
    Coloured: the interval excludes no change. The diamond is the primary, or the reference where none was declared.
    Intervals that reach far beyond the estimates are cut at the edge.

    Examples
    --------
    >>> import pandas as pd, swa
    >>> rows = pd.read_table("results/specifications.tsv", keep_default_na=False, na_values="n/a")
    >>> figure = swa.figures.specification_curve(rows.query("curve == 'swa'"), title="ketamine against baseline")
    >>> figure.axes[0].get_ylabel()
    'change'
    """
    check_table("specification_curve", rows, ("role", *CHOICE_NAMES, "scale", "estimate", "ci_low", "ci_high"))
    known = rows[np.isfinite(rows["estimate"].astype(float))].sort_values("estimate", kind="stable", ignore_index=True)
    choices = _choices(known)
    lines = sum(len(levels) for levels in choices.values()) + 0.7 * len(choices)
    height = 0.4 + CURVE_IN + 0.12 + LINE_IN * max(lines, 1) + 0.3
    figure = new_figure(WIDTH_IN, height)
    left, width = 0.335, 0.65
    top = figure.add_axes((left, 1 - (0.4 + CURVE_IN) / height, width, CURVE_IN / height))
    figure.text(0.008, 1 - 0.1 / height, title, ha="left", va="top", fontsize=9.5, fontweight="bold")
    if known.empty:
        say_nothing_there(top, "no specification has an estimate")
        return figure
    _draw_curve(top, known, color or color_of("", None, 1))
    below = figure.add_axes((left, 0.3 / height, width, LINE_IN * lines / height))
    _draw_choices(below, known, choices, names or {}, lines)
    for axes in (top, below):
        axes.set_xlim(-0.5 - 0.01 * len(known), len(known) - 0.5 + 0.01 * len(known))
        axes.set_xticks([])
    below.set_xlabel(f"{len(known)} specifications, by estimate")
    return figure


def _choices(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Choices that differ between the specifications, with their options: the primary's first."""
    found = {}
    first = rows[rows["role"] != "alternative"]
    for column in CHOICE_NAMES:
        options = list(dict.fromkeys([*first[column].astype(str), *sorted(rows[column].astype(str).unique())]))
        if len(options) > 1:
            found[column] = options
    return found


def _draw_curve(axes: Axes, rows: pd.DataFrame, color: str) -> None:
    ratio = bool((rows["scale"] == "ratio").all())
    none = 1.0 if ratio else 0.0
    place = np.arange(len(rows))
    estimate, low, high = (rows[name].to_numpy(dtype=float) for name in ("estimate", "ci_low", "ci_high"))
    excludes = (low > none) | (high < none)
    for some, shade in ((~excludes, "#b9bdc1"), (excludes, color)):
        axes.vlines(place[some], low[some], high[some], color=shade, linewidth=_thin(len(rows)), alpha=0.55, zorder=1)
        axes.plot(place[some], estimate[some], ".", color=shade, markersize=3.2, zorder=2)
    axes.axhline(none, color=FAINT, linewidth=0.9, zorder=0)
    held = np.flatnonzero(rows["role"] != "alternative")
    axes.plot(place[held], estimate[held], marker="D", color=INK, markersize=5.5, linestyle="", zorder=4)
    for position in held:
        axes.vlines(position, low[position], high[position], color=INK, linewidth=1.3, zorder=3)
    ends = np.array([np.nanpercentile(np.append(low, estimate), 5), np.nanpercentile(np.append(high, estimate), 95)])
    scale = np.log if ratio else np.asarray
    # Intervals as far as they help: with two subjects they would leave the estimates a flat line.
    spread = max(float(np.ptp(scale(np.append(estimate, none)))), 0.1)
    lowest, highest = scale(np.append(estimate, none)).min(), scale(np.append(estimate, none)).max()
    known = scale(ends)
    edges = max(min(known[0], lowest), lowest - 1.5 * spread), min(max(known[1], highest), highest + 1.5 * spread)
    if edges[1] - edges[0] < 0.1:  # equal nights: an axis needs some length
        edges = edges[0] - 0.05, edges[1] + 0.05
    edges = tuple(np.exp(edges)) if ratio else edges
    if ratio:
        axes.set_yscale("log")
        pad = (edges[1] / edges[0]) ** 0.06
        axes.set_ylim(edges[0] / pad, edges[1] * pad)
        ticks = ratio_ticks(edges[0] / pad, edges[1] * pad)
        axes.set_yticks(ticks, [plain_percent(tick) for tick in ticks])
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        pad = 0.06 * (edges[1] - edges[0] or 1.0)
        axes.set_ylim(edges[0] - pad, edges[1] + pad)
    axes.set_ylabel("change")
    axes.spines["bottom"].set_visible(False)
    axes.grid(axis="y")


def _thin(number: int) -> float:
    return float(np.clip(150 / number, 0.5, 1.6))


def _draw_choices(
    axes: Axes, rows: pd.DataFrame, choices: dict[str, list[str]], names: Mapping[str, str], lines: float
) -> None:
    held = np.flatnonzero(rows["role"] != "alternative")
    line = 0.0
    beside = axes.get_yaxis_transform()
    for column, options in choices.items():
        axes.text(-0.505, line, CHOICE_NAMES[column], transform=beside, fontsize=7.8, fontweight="bold", va="center")
        values = rows[column].astype(str).to_numpy()
        for option in options:
            taken = np.flatnonzero(values == option)
            axes.plot(
                taken, np.full(len(taken), line), "|", color=FAINT, markersize=5.5, markeredgewidth=_thin(len(rows))
            )
            own = np.intersect1d(taken, held)
            axes.plot(own, np.full(len(own), line), "D", color=INK, markersize=4.5)
            shown = names.get(option, option) or "none: not of waves"
            axes.text(-0.012, line, shown, transform=beside, ha="right", va="center", fontsize=7.2, color=INK)
            line += 1
        if column != list(choices)[-1]:
            axes.axhline(line - 0.15, color=RULE, linewidth=0.5)
        line += 0.7
    axes.set_ylim(lines - 0.2, -0.7)
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
