"""What all figures share: colours and type."""

import inspect
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from numpy.typing import NDArray

from swa.errors import SwaError
from swa.tables.contrast import Contrast

# Okabe & Ito: told apart by every kind of colour vision. The baseline is grey, so that colour always means treatment.
BASELINE_COLOR = "#5f6368"
TREATMENT_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
INK = "#202428"
FAINT = "#6b7075"
RULE = "#d5d8db"
UNUSABLE_COLOR = "#b9bdc1"

STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titley": 1.0,  # given, so that no text is measured to find it
    "figure.facecolor": "white",
    "font.family": ["DejaVu Sans"],
    "font.size": 8.5,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "image.composite_image": False,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "mathtext.default": "regular",
    # Letters as paths, so that a file looks the same everywhere; a fixed salt, so that equal inputs give equal bytes.
    "svg.fonttype": "path",
    "svg.hashsalt": "swa",
    "text.color": INK,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8,
}

SPECTRUM_COLUMNS = ("channel", "stages", "window", "frequency_hz", "density_uv2_hz")
P = ParamSpec("P")


# What figures share is said once: `styled` adds it to the docstring of each.
ARGUMENTS = {
    "channel": ("str, optional", "By default the first channel that all conditions have."),
    "contrasts": (
        "mapping of str to Contrast, optional",
        "What each contrast holds against what (`contrasts_in` of its table), for names and colours of treatments.",
    ),
    "names": ("mapping of str to str, optional", "How measures are written."),
    "color": ("str, optional", "Colour of the treatment."),
    "colors": ("mapping of str to str, optional", "Colour by condition."),
    "bands_hz": ("mapping of str to (float, float), optional", "Bands to mark."),
    "title": ("str", "Title of the plot."),
}
RETURNS = "Returns\n-------\nmatplotlib.figure.Figure"
RAISES = "Raises\n------\nSwaError\n    A column is missing."


def _docstring(function: Callable[P, Figure]) -> str:
    """Docstring of a figure with what all share."""
    before, heading, text = (inspect.getdoc(function) or "").partition("Parameters\n----------\n")
    own, _, after = text.partition("\n\n")
    for name in inspect.signature(function).parameters:
        if name in ARGUMENTS and not re.search(rf"^{name}\b", own, re.MULTILINE):
            kind, meaning = ARGUMENTS[name]
            own += f"\n{name} : {kind}\n    {meaning}"
    raises = [] if after.startswith("Raises\n") else [RAISES]
    return before + heading + "\n\n".join([own, RETURNS, *raises, after])


def styled(function: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw a figure in our style, whatever the style of the caller; its docstring gets what figures share."""

    @wraps(function)
    def draw(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(STYLE)
            return function(*args, **kwargs)

    draw.__doc__ = _docstring(function)
    return draw


class ShownFigure(Figure):
    """A figure that a notebook shows by itself, also where pyplot was never imported."""

    def _repr_png_(self) -> bytes:
        content = io.BytesIO()
        self.savefig(content, format="png", dpi=110)
        return content.getvalue()


def new_figure(
    width_in: float,
    height_in: float,
    *,
    left: float = 0.75,
    right: float = 0.15,
    top: float = 0.35,
    bottom: float = 0.5,
) -> Figure:
    """A figure of its own: no window, no registry of open figures.

    Parameters
    ----------
    width_in, height_in : float
        Size in inches.
    left, right, top, bottom : float
        Margins in inches. They are fixed: an automatic layout draws every text several times to measure it, which
        takes most of the time of a page, and figures of the same kind would not line up.
    """
    figure = ShownFigure(figsize=(width_in, height_in))
    FigureCanvasAgg(figure)
    figure.subplots_adjust(
        left=left / width_in, right=1 - right / width_in, bottom=bottom / height_in, top=1 - top / height_in
    )
    return figure


def condition_colors(conditions: Sequence[str], baseline: str = "") -> dict[str, str]:
    """Colour of each condition: the baseline grey, treatments in alphabetical order.

    Parameters
    ----------
    conditions : sequence of str
        All conditions of the study, so that a condition has the same colour on every page.
    baseline : str
        Name of the baseline.

    Returns
    -------
    dict of str to str
        Colour as ``#rrggbb``, the baseline first.

    Examples
    --------
    >>> import swa
    >>> swa.figures.condition_colors(["ketamine", "placebo"], baseline="placebo")
    {'placebo': '#5f6368', 'ketamine': '#0072b2'}
    """
    treatments = sorted(set(conditions) - {baseline})
    colors = {name: TREATMENT_COLORS[i % len(TREATMENT_COLORS)] for i, name in enumerate(treatments)}
    return {baseline: BASELINE_COLOR} | colors if baseline else colors


def check_table(figure: str, table: object, columns: Sequence[str]) -> None:
    """Refuse what is no table with the columns that a figure reads; one without rows is a figure that says so."""
    expected = f"Expected is a DataFrame with the columns {', '.join(columns)}."
    if not isinstance(table, pd.DataFrame):
        raise SwaError(f"{figure}: got {type(table).__name__}.", expected)
    if missing := [name for name in columns if name not in table]:
        there = ", ".join(str(name) for name in table.columns) or "none"
        raise SwaError(f"{figure}: the table has no column {', '.join(missing)}; found: {there}.", expected)


def check_choice(figure: str, tables: Iterable[pd.DataFrame], **chosen: str | None) -> None:
    """Refuse a channel, stages or window that no table has; where no table has rows there is nothing to choose from."""
    filled = [table for table in tables if len(table)]
    for column, name in chosen.items():
        known = dict.fromkeys(str(value) for table in filled for value in table[column].unique())
        if filled and name is not None and name not in known:
            raise SwaError(f"{figure}: there is no {column} {name!r}.", f"Expected is one of {', '.join(known)}.")


def color_of(name: str, colors: Mapping[str, str] | None, position: int) -> str:
    """Colour of a condition, or of a position where nobody said."""
    if colors and name in colors:
        return colors[name]
    return BASELINE_COLOR if position == 0 else TREATMENT_COLORS[(position - 1) % len(TREATMENT_COLORS)]


def first_shared_channel(tables: Mapping[str, pd.DataFrame]) -> str | None:
    """First channel that all tables with rows have."""
    filled = [table["channel"] for table in tables.values() if len(table)]
    names = dict.fromkeys(filled[0]) if filled else {}
    return next((name for name in names if all((channels == name).any() for channels in filled)), None)


LEGEND_COLUMNS, LEGEND_ROW_IN = 4, 0.19


def legend_height(names: int) -> float:
    """Height in inches of `legend_above` with so many names."""
    return LEGEND_ROW_IN * -(-names // LEGEND_COLUMNS)


def legend_above(figure: Figure, axes: Axes, top: float) -> None:
    """Write the legend of some axes above all of them, where it lies over no data, `top` inches below the edge."""
    handles, labels = axes.get_legend_handles_labels()
    place = (0.005, 1 - top / figure.get_figheight())
    figure.legend(
        handles, labels, loc="upper left", bbox_to_anchor=place, ncols=LEGEND_COLUMNS, borderaxespad=0, borderpad=0.1
    )


def treatment_of(contrast: object, contrasts: Mapping[str, Contrast] | None) -> str:
    """Treatment of a contrast; its name where nobody said what it holds against what."""
    known = (contrasts or {}).get(str(contrast))
    return known.treatment if known else str(contrast)


def draw_steps(
    axes: Axes,
    values: NDArray[np.number],
    edges: NDArray[np.number],
    *,
    linewidth: float,
    edgecolor: str | None = None,
    facecolor: str | None = None,
    alpha: float | None = None,
) -> None:
    """`Axes.stairs`, whose look for limits takes each step apart as if it were a curve; filled if it has a face."""
    steps = StepPatch(
        values,
        edges,
        baseline=None if facecolor is None else 0,  # type: ignore[arg-type]  # `Axes.stairs` gives None too
        fill=facecolor is not None,
        linewidth=linewidth,
        edgecolor=edgecolor,
        facecolor=facecolor,
        alpha=alpha,
    )
    axes.add_artist(steps)
    axes.update_datalim(steps.get_path().vertices)
    axes.autoscale_view()


def say_nothing_there(axes: Axes, text: str) -> None:
    """Write in an empty plot why it is empty."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=FAINT)
    axes.set_xticks([])
    axes.set_yticks([])
