"""The specification curve on the page of a study: picture, and tables of what the curves say."""

from functools import partial

import numpy as np
import pandas as pd

from swa.report import figures
from swa.report.draft import Draft
from swa.report.figures.specification_plots import CHOICE_NAMES
from swa.report.optional_tables import PlainTable
from swa.report.shelf import Picture
from swa.report.words.names import contrast_file, file_name, in_sentence, marker_name, stages_name, window_name
from swa.report.words.numbers import (
    FEWEST_TO_TELL,
    NBSP,
    NO_INTERVAL,
    NOTHING,
    change,
    interval,
    p_is,
    p_value,
    plural,
)
from swa.settings import Settings
from swa.study.respecification import presets_left_out
from swa.tables.marker import select

CURVE_NAMES = {
    "wave_density": "Density of slow waves",
    "wave_amplitude": "Amplitude of waves",
    "wave_slope": "Slope of waves",
}
ABOUT = (
    "The contrast under other choices that could have been defended: channel or region, stages, window, band or "
    "selection of waves, estimator, artefact limits. They rest on the same nights and are not independent, so "
    "shares are no evidence of their own; the p is of the whole curve, its median under the same flips of subjects "
    "for all. N2 or N3 alone follow the staging, which a drug can shift."
)
MOST_PICTURES = 4
WITH_INTERVALS = (
    " with their intervals, in colour where an interval excludes no change, cut where it reaches far beyond the "
    "estimates"
)
COLUMNS = (
    *("Contrast", "Curve", "Primary or reference", "Range", "Median", "Same sign", "Interval leaves out no change"),
    *("Estimated", "p of the curve", "Test"),
)


def draw_specifications(draft: Draft) -> list[Picture]:
    """The curve of the primary measure, a picture a contrast."""
    rows, summary = draft.read("specifications.tsv"), draft.read("specification_summary.tsv")
    if rows.empty or summary.empty:
        return []
    summary = select(summary, curve=str(summary["curve"].iloc[0]))  # the primary's stands first
    pictures = []
    for _, line in summary[summary["n_estimated"] > 1].head(MOST_PICTURES).iterrows():
        name, curve = str(line["contrast"]), str(line["curve"])
        called = draft.name_of(name)
        own = select(rows, contrast=name, curve=curve).fillna(dict.fromkeys(CHOICE_NAMES, ""))
        draw = partial(
            figures.specification_curve,
            own,
            names=_names(own, draft.settings),
            color=draft.colors.get(draft.known[name].treatment),
            title=f"{_curve_name(curve)}: {called}, all specifications",
        )
        marked = "primary" if (own["role"] == "primary").any() else "reference"
        said = _said(line, marked)
        undeclared = "" if (own["role"] == "primary").any() else " (nothing was declared)"
        pictures.append(
            draft.shelf.put(
                f"specifications_{file_name(curve)}_{contrast_file(draft.known[name])}",
                draw,
                own,
                alt=f"Specification curve of {in_sentence(_curve_name(curve))}, {said}",
                caption=f"{called}: {said} Diamond: the {marked}{undeclared}. Above: estimates in "
                f"order{WITH_INTERVALS if own['ci_low'].notna().any() else ''}. Below: the choices behind each.",
                size="wide",
            )
        )
    return pictures


def specification_tables(draft: Draft) -> list[PlainTable]:
    """What each curve says, and what changing one choice alone does to the primary."""
    rows, summary = draft.read("specifications.tsv"), draft.read("specification_summary.tsv")
    if rows.empty or summary.empty:
        return []
    near = rows[(rows["curve"] == summary["curve"].iloc[0]) & rows["differs"].between(0, 1)]
    return [_summary_table(summary, draft), _one_choice_table(near, draft)]


def _summary_table(summary: pd.DataFrame, draft: Draft) -> PlainTable:
    cells = tuple(
        (
            draft.name_of(row["contrast"]),
            _curve_name(row["curve"]),
            change(row["reference_estimate"], row["scale"]),
            interval(row["lowest"], row["highest"], row["scale"]) or NOTHING,
            change(row["median"], row["scale"]),
            _share(row["same_sign_share"]),
            _share(row["excluding_none_share"]) if row["n"] >= FEWEST_TO_TELL else NOTHING,
            f"{int(row['n_estimated'])} of {int(row['n_specifications'])}",
            p_value(row["p"]),
            str(row["method"]),
        )
        for row in summary.to_dict("records")
    )
    presets = "; ".join(f"{name} ({why})" for name, why in presets_left_out(draft.settings.waves).items())
    of_waves = presets and summary["curve"].isin(list(CURVE_NAMES)).any()
    missing = ["references other than the recorded derivation", *([f"the presets {presets}"] if of_waves else [])]
    return PlainTable(
        label="Specification curve",
        about=f"{ABOUT} Not among them, since the stored nights do not hold them: {'; '.join(missing)}.",
        columns=COLUMNS,
        rows=cells,
    )


def _one_choice_table(rows: pd.DataFrame, draft: Draft) -> PlainTable:
    names = _names(rows, draft.settings)
    cells = []
    for contrast, part in rows.groupby("contrast", sort=False):
        held = part[part["differs"] == 0].astype(str)
        for row in part.to_dict("records"):
            changed = [str(row[name]) for name in CHOICE_NAMES if len(held) and str(row[name]) != held[name].iloc[0]]
            what = "; ".join(names.get(option, option) for option in changed)
            cells.append(
                (
                    draft.name_of(contrast),
                    what or ("reference" if row["role"] == "reference" else "as declared"),
                    change(row["estimate"], row["scale"]),
                    interval(row["ci_low"], row["ci_high"], row["scale"]) or NO_INTERVAL,
                    str(int(row["n"])),
                )
            )
    return PlainTable(
        label="One choice changed at a time",
        about="The primary or reference of the curve, and the specifications that differ from it in one choice alone.",
        columns=("Contrast", "Changed to", "Change", "Interval", "n"),
        rows=tuple(cells),
    )


def _names(rows: pd.DataFrame, settings: Settings) -> dict[str, str]:
    """How the choices are written on a page."""
    names = {str(name): stages_name(str(name)) for name in rows["stages"].unique()}
    names |= {str(name): in_sentence(window_name(str(name), settings)) for name in rows["window"].unique()}
    names |= {str(name): str(name).replace("-", "\u2013") for name in rows["band"].unique()}
    names |= {str(name): str(name).replace(" x ", " × ") for name in rows["artefacts"].unique()}
    names |= {"mean": "mean over epochs", "median": "median over epochs", "relative": "share of the whole spectrum"}
    return names


def _curve_name(curve: str) -> str:
    return CURVE_NAMES.get(curve) or marker_name(curve)


def _share(value: float) -> str:
    return f"{100 * value:.0f}{NBSP}%" if np.isfinite(value) else NOTHING


def _said(row: pd.Series, marked: str) -> str:
    scale, p = row["scale"], float(row["p"])
    tested = f"a test of the whole curve, not of the {marked}: {p_is(p)}" if np.isfinite(p) else str(row["method"])
    return (
        f"{plural(int(row['n_estimated']), 'specification')} of {plural(int(row['n']), 'subject')}, "
        f"{interval(row['lowest'], row['highest'], scale)}, median {change(row['median'], scale)}; "
        f"marked {change(row['reference_estimate'], scale)}; {_share(row['same_sign_share'])} with its sign; {tested}."
    )
