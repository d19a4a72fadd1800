"""The specification curve on the page of a study: picture, and tables of what the curves say."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from swa.comparison.further.specification_curve import WAVE_CURVES
from swa.report import figures
from swa.report.optional_tables import PlainTable, read_optional
from swa.report.shelf import Picture, Shelf
from swa.report.words.wording import (
    file_name,
    in_sentence,
    marker_name,
    p_value,
    percent,
    plural,
    signed,
    stages_name,
    window_name,
)
from swa.settings import Settings
from swa.study.respecification import presets_left_out
from swa.study.store import Results

CURVES = {
    "swa": "Slow-wave activity",
    "wave_density": "Density of slow waves",
    "wave_amplitude": "Amplitude of waves",
    "wave_slope": "Slope of waves",
}
CHOICES = ("channel", "stages", "window", "band", "estimator", "selection", "artefacts")
ABOUT = (
    "The contrast under other choices that could have been defended: channel or region, stages, window, band or "
    "selection of waves, estimator, artefact limits. They rest on the same nights and are not independent, so "
    "shares are no evidence of their own; the p is of the whole curve, its median under the same flips of subjects "
    "for all. N2 or N3 alone follow the staging, which a drug can shift."
)
MOST_PICTURES = 4


def draw_specifications(results: Results, settings: Settings, colors: Mapping[str, str], shelf: Shelf) -> list[Picture]:
    """The curve of the primary measure, a picture a contrast.

    Parameters
    ----------
    results : Results
        The results folder.
    settings : Settings
        Settings in force.
    colors : mapping of str to str
        Colour by condition.
    shelf : Shelf
        Where figures go.
    """
    rows, summary = (read_optional(results, name) for name in ("specifications.tsv", "specification_summary.tsv"))
    if rows.empty or summary.empty:
        return []
    summary = summary[summary["curve"] == summary["curve"].iloc[0]]  # the primary's stands first
    summary = summary[summary["n_estimated"] > 1]
    pictures = []
    for _, line in summary.head(MOST_PICTURES).iterrows():
        contrast, curve = str(line["contrast"]), str(line["curve"])
        own = rows[(rows["contrast"] == contrast) & (rows["curve"] == curve)].fillna(
            dict.fromkeys(("band", "estimator", "selection", "artefacts"), "")
        )
        title = f"{_curve_name(curve)}: {contrast.replace(':', ' against ')}, all specifications"
        color = colors.get(contrast.partition(":")[0])

        def draw(own: pd.DataFrame = own, title: str = title, color: str | None = color) -> Any:
            return figures.specification_curve(own, names=_names(own, settings), color=color, title=title)

        said = _said(line)
        marked = "primary" if (own["role"] == "primary").any() else "reference (nothing was declared)"
        pictures.append(
            shelf.put(
                f"specifications_{file_name(curve)}_{'_'.join(file_name(name) for name in contrast.split(':'))}",
                draw,
                own,
                alt=f"Specification curve of {in_sentence(_curve_name(curve))}, {said}",
                caption=f"{contrast.replace(':', ' against ')}: {said} Diamond: the {marked}. Above: estimates in "
                "order with their intervals, in colour where an interval excludes no change, cut where it reaches far "
                "beyond the estimates. Below: the choices behind each.",
                size="wide",
            )
        )
    return pictures


def specification_tables(results: Results, settings: Settings) -> list[PlainTable]:
    """What each curve says, and what changing one choice alone does to the primary."""
    rows, summary = (read_optional(results, name) for name in ("specifications.tsv", "specification_summary.tsv"))
    if rows.empty or summary.empty:
        return []
    first = str(summary["curve"].iloc[0])
    near = rows[(rows["curve"] == first) & (rows["differs"] <= 1) & (rows["differs"] >= 0)]
    return [_summary_table(summary, settings), _one_choice_table(near, settings)]


def _summary_table(summary: pd.DataFrame, settings: Settings) -> PlainTable:
    cells = tuple(
        (
            str(row["contrast"]).replace(":", " against "),
            _curve_name(str(row["curve"])),
            _change(row["reference_estimate"], row["scale"]),
            f"{_change(row['lowest'], row['scale'])} to {_change(row['highest'], row['scale'])}",
            _change(row["median"], row["scale"]),
            _share(row["same_sign_share"]),
            _share(row["excluding_none_share"]),
            f"{int(row['n_estimated'])} of {int(row['n_specifications'])}",
            p_value(float(row["p"])),
            str(row["method"]),
        )
        for _, row in summary.iterrows()
    )
    presets = "; ".join(f"{name} ({why})" for name, why in presets_left_out(settings.waves).items())
    of_waves = presets and summary["curve"].isin(WAVE_CURVES).any()
    missing = ["references other than the recorded derivation", *([f"the presets {presets}"] if of_waves else [])]
    return PlainTable(
        label="Specification curve",
        about=f"{ABOUT} Not among them, since the stored nights do not hold them: {'; '.join(missing)}.",
        columns=(
            "Contrast",
            "Curve",
            "Primary or reference",
            "Range",
            "Median",
            "Same sign",
            "Interval excludes none",
            "Estimated",
            "p of the curve",
            "Test",
        ),
        rows=cells,
    )


def _one_choice_table(rows: pd.DataFrame, settings: Settings) -> PlainTable:
    names = _names(rows, settings)
    cells = []
    for contrast, part in rows.groupby("contrast", sort=False):
        held = part[part["differs"] == 0]
        for _, row in part.iterrows():
            changed = [name for name in CHOICES if len(held) and str(row[name]) != str(held[name].iloc[0])]
            what = "; ".join(names.get(str(row[name]), str(row[name])) for name in changed)
            known = np.isfinite(float(row["ci_low"]))
            ends = f"{_change(row['ci_low'], row['scale'])} to {_change(row['ci_high'], row['scale'])}"
            cells.append(
                (
                    str(contrast).replace(":", " against "),
                    what or "as declared" if row["role"] != "reference" else what or "reference",
                    _change(row["estimate"], row["scale"]),
                    ends if known else "no interval",
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
    return CURVES.get(curve) or marker_name(curve)


def _change(value: Any, scale: str) -> str:
    return percent(float(value)) if scale == "ratio" else signed(float(value))


def _share(value: Any) -> str:
    return f"{100 * float(value):.0f}\u00a0%" if np.isfinite(float(value)) else "\u2013"


def _said(row: pd.Series) -> str:
    scale = row["scale"]
    p = float(row["p"])
    tested = f"p of the median {p_value(p)}" if np.isfinite(p) else str(row["method"])
    return (
        f"{plural(int(row['n_estimated']), 'specification')} of {plural(int(row['n']), 'subject')}, "
        f"{_change(row['lowest'], scale)} to {_change(row['highest'], scale)}, median {_change(row['median'], scale)}; "
        f"marked {_change(row['reference_estimate'], scale)}; {_share(row['same_sign_share'])} with its sign; {tested}."
    )
