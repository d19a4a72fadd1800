"""Pictures of a study: changes against covariates, and changes over the scalp."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure

if TYPE_CHECKING:
    import mne

from swa.errors import SwaError
from swa.report.figures.style import (
    BASELINE_COLOR,
    FAINT,
    TREATMENT_COLORS,
    check_table,
    color_of,
    legend_above,
    legend_height,
    new_figure,
    say_nothing_there,
    styled,
    treatment_of,
)
from swa.report.words.names import named
from swa.report.words.numbers import percent
from swa.tables.contrast import CONTRAST_FACTS, GROUP, Contrast, contrasts_in
from swa.tables.marker import select

COLUMNS = 3


@styled
def covariate_changes(
    points: pd.DataFrame,
    *,
    contrasts: Mapping[str, Contrast] | None = None,
    colors: Mapping[str, str] | None = None,
    unit: str = "",
    title: str = "",
) -> Figure:
    """Change of a marker against each covariate, a point for each subject.

    Parameters
    ----------
    points : DataFrame
        covariate, contrast, subject, x, change (a ratio, or a difference), scale.
    unit : str
        Unit of a difference.

    Examples
    --------
    >>> import pandas as pd, swa
    >>> points = pd.DataFrame({"covariate": "serum_mg", "contrast": "ketamine:placebo", "subject": ["S01", "S02"],
    ...     "x": [0.78, 0.91], "change": [1.1, 1.4], "scale": "ratio"})
    >>> swa.figures.covariate_changes(points, title="SWA, NREM cycle 1").axes[0].get_xlabel()
    'serum mg'
    """
    check_table("covariate_changes", points, ("covariate", "contrast", "x", "change", "scale"))
    names = list(dict.fromkeys(points["covariate"]))
    columns, rows = min(max(len(names), 1), COLUMNS), -(-max(len(names), 1) // COLUMNS)
    width = 3.2 * max(columns, 2) + 0.4  # one alone is as wide as two, or the page would draw it twice as large
    treatments = points["contrast"].nunique()
    legend = legend_height(treatments) if treatments > 1 else 0.0
    figure = new_figure(width, 2.7 * rows + 0.5 + legend, left=0.75, top=0.45 + legend)
    panels = np.atleast_1d(figure.subplots(rows, columns, sharey=True, gridspec_kw={"hspace": 0.4})).ravel()
    if points.empty:
        say_nothing_there(panels[0], "no covariate")
        return figure
    is_ratio = bool((points["scale"] == "ratio").all())
    for axes, name in zip(panels, names, strict=False):
        own = points[points["covariate"] == name]
        for position, (contrast, part) in enumerate(own.groupby("contrast", sort=False)):
            treatment = treatment_of(contrast, contrasts)
            height = 100 * (part["change"] - 1) if is_ratio else part["change"]
            axes.scatter(part["x"], height, s=18, color=color_of(treatment, colors, position + 1), label=treatment)
        axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
        axes.set_xlabel(name.replace("_", " "))
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    panels[0].set_ylabel("change, %" if is_ratio else f"change, {unit}" if unit else "change")
    if treatments > 1:
        legend_above(figure, panels[0], 0.28)
    figure.text(0.01, 0.985, title, va="top", fontsize=9.5, fontweight="bold")
    return figure


@styled
def combinations(changes: pd.DataFrame, *, names: Mapping[str, str], unit: str = "", title: str = "") -> Figure:
    """What each combination of two treatments does: a line for each subject, and the mean with its interval.

    Parameters
    ----------
    changes : DataFrame
        Rows of ``combinations.tsv`` of one contrast: combination, subject (`group` is the mean), change, ci_low,
        ci_high, scale.
    names : mapping of str to str
        What each combination is called, in the order in which they are drawn; the mean of `added` is hollow.
    unit : str
        Unit of a difference.
    title : str
        Title of the plot.

    Examples
    --------
    >>> import pandas as pd, swa
    >>> changes = pd.DataFrame({"combination": ["one", "other", "both", "added"], "subject": "group",
    ...     "change": [1.2, 1.1, 1.5, 1.32], "ci_low": 1.0, "ci_high": 1.8, "scale": "ratio"})
    >>> names = {"one": "ketamine", "other": "magnesium", "both": "both", "added": "if they added up"}
    >>> len(swa.figures.combinations(changes, names=names).axes)
    1
    """
    check_table("combinations", changes, ("combination", "subject", "change", "ci_low", "ci_high", "scale"))
    figure = new_figure(5.2, 3.3, left=0.75, top=0.45)
    axes = figure.subplots()
    if changes.empty:
        say_nothing_there(axes, "no night of each combination")
        return figure
    is_ratio = bool((changes["scale"] == "ratio").all())
    there = [name for name in names if (changes["combination"] == name).any()]
    table = changes[changes["combination"].isin(there)].copy()
    table["x"] = table["combination"].map({name: float(position) for position, name in enumerate(there)})
    if is_ratio:
        table[["change", "ci_low", "ci_high"]] = 100 * (table[["change", "ci_low", "ci_high"]] - 1)
    mean = table["subject"] == GROUP
    for _, own in table[~mean].sort_values("x").groupby("subject", sort=False):
        axes.plot(own["x"], own["change"], color=BASELINE_COLOR, alpha=0.5, linewidth=0.7, marker="o", markersize=2.5)
    for row in table[mean].to_dict("records"):
        x, color = row["x"] + 0.12, TREATMENT_COLORS[0]
        axes.plot([x, x], [row["ci_low"], row["ci_high"]], color=color, linewidth=1.6, zorder=3)
        face = "white" if row["combination"] == "added" else color
        axes.plot([x], [row["change"]], color=color, marker="o", markersize=6, markerfacecolor=face, zorder=4)
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    axes.set_xticks(range(len(there)), [names[name] for name in there])
    axes.set_xlim(-0.4, len(there) - 0.5)
    axes.set_ylabel("change, %" if is_ratio else f"change, {unit}" if unit else "change")
    figure.text(0.01, 0.985, title, va="top", fontsize=9.5, fontweight="bold")
    return figure


@styled
def scalp_changes(changes: pd.DataFrame, *, title: str = "") -> Figure:
    """Change of a marker at each electrode, one head for each contrast, on one colour scale.

    Parameters
    ----------
    changes : DataFrame
        contrast, channel, estimate (a ratio), of channels that `placed_channels` knows; rows of ``contrasts.tsv`` also
        say what they hold against what.

    Raises
    ------
    SwaError
        A column is missing, or a channel has no place on the head.

    Examples
    --------
    >>> import pandas as pd, swa
    >>> channels = ["F3-M2", "F4-M1", "C3-M2", "C4-M1", "O1-M2", "O2-M1"]
    >>> changes = pd.DataFrame({"contrast": "ketamine:placebo", "channel": swa.figures.placed_channels(channels),
    ...     "estimate": [1.3, 1.32, 1.2, 1.21, 1.05, 1.04]})
    >>> figure = swa.figures.scalp_changes(changes, title="SWA")
    """
    import mne

    check_table("scalp_changes", changes, ("contrast", "channel", "estimate"))
    if foreign := [name for name in changes["channel"] if not placed_channels([name])]:
        raise SwaError(
            f"scalp_changes: the channel {foreign[0]!r} has no place on the head.",
            "Expected are channels that swa.figures.placed_channels gives back, such as F3-M2.",
        )
    if changes.empty:
        figure = new_figure(4.0, 3.3)
        say_nothing_there(figure.subplots(), "no electrode was measured in both conditions")
        return figure
    names = list(dict.fromkeys(changes["contrast"]))
    known = contrasts_in(changes) if set(CONTRAST_FACTS) <= set(changes) else {}
    figure = new_figure(3.0 * len(names) + 1.0, 3.3, left=0.1, right=0.95, bottom=0.2, top=0.6)
    heads = np.atleast_1d(figure.subplots(1, len(names)))
    level = np.log(changes["estimate"].to_numpy(float))
    reach = max(float(np.nanmax(np.abs(level))), np.log(1.05))
    for axes, name in zip(heads, names, strict=True):
        own = select(changes[np.isfinite(changes["estimate"])], contrast=str(name))
        electrodes = [_electrode(channel) for channel in own["channel"]]
        info = mne.create_info(electrodes, 100.0, "eeg")
        info.set_montage(_montage(), match_case=False)
        image, _ = mne.viz.plot_topomap(
            np.log(own["estimate"].to_numpy(float)),
            info,
            axes=axes,
            show=False,
            cmap=colormaps["PuOr_r"],
            vlim=(-reach, reach),
            contours=0,
            res=48,
        )
        axes.set_title(named(name, known), fontsize=8.5)
    bar = figure.colorbar(image, cax=figure.add_axes((1 - 0.75 / figure.get_figwidth(), 0.2, 0.02, 0.5)))
    ticks = np.linspace(-reach, reach, 5)
    bar.set_ticks(ticks.tolist(), labels=[percent(float(np.exp(tick))) for tick in ticks])
    bar.outline.set_visible(False)
    figure.text(0.01, 0.985, title, va="top", fontsize=9.5, fontweight="bold")
    return figure


def placed_channels(channels: Iterable[str]) -> list[str]:
    """Channels whose electrode has a place in the 10-05 system; of several with one electrode, the first.

    Parameters
    ----------
    channels : iterable of str
        Canonical names, such as ``C4-M1``.

    Returns
    -------
    list of str

    Examples
    --------
    >>> import swa
    >>> swa.figures.placed_channels(["C4-M1", "C4-A1", "E37"])
    ['C4-M1']
    """
    known = {name.casefold() for name in _montage().ch_names}
    found: dict[str, str] = {}
    for channel in channels:
        electrode = _electrode(channel).casefold()
        if electrode in known:
            found.setdefault(electrode, channel)
    return list(found.values())


@lru_cache(maxsize=1)
def _montage() -> "mne.channels.DigMontage":
    import mne

    # The 10-05 system on the template head; it had another name before MNE 1.13.
    names = [name for name in ("colin27_1005", "standard_1005") if name in mne.channels.get_builtin_montages()]
    return mne.channels.make_standard_montage(names[0])


def _electrode(channel: str) -> str:
    return channel.partition("-")[0]
