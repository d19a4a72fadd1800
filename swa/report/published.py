"""How large a change is beside what is published of the same drug (`words/published.toml`)."""

import math
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from swa.glossary import read_glossary
from swa.report.words.references import read_references, source
from swa.tables.contrast import GROUP, Contrast, contrasts_in
from swa.tables.control_names import is_control
from swa.tables.marker import Marker, leading_channel, select
from swa.tables.results_tables import PUBLISHED
from swa.tables.schema import plain_name


@dataclass(frozen=True, kw_only=True)
class Drug:
    """A drug that something is published of, and why a condition is not quite that; empty where it is."""

    name: str
    apart: str = ""


def published_effects(contrasts: pd.DataFrame) -> pd.DataFrame:
    """Hold each contrast of a drug beside what is published of that drug.

    Parameters
    ----------
    contrasts : DataFrame
        As from `compare_nights`. A drug is known by the whole name of its condition or arm, a dose behind it apart
        (``ketamine 0.5 mg/kg``, ``Mg2+``); of two drugs together nothing is published.

    Returns
    -------
    DataFrame
        The columns of ``published.tsv``, a row for each contrast and published change. Sources give what their
        abstracts give: often a direction without a size.

    Examples
    --------
    >>> import swa
    >>> published = swa.published_effects(swa.read_results("results").contrasts)
    >>> published.loc[published["measure"] == "swa", ["contrast", "source", "direction"]].values.tolist()
    [['ketamine:baseline', 'Duncan et al., 2013, International Journal of Neuropsychopharmacology 16:301', 'up']]
    """
    own = select(contrasts, subject=GROUP)
    rows = [
        _row(name, contrast, drug, effect, select(own, contrast=name))
        for name, contrast in contrasts_in(own).items()
        if (drug := find_drug(_sides(contrast)[0])) and not find_drug(_sides(contrast)[1])
        for effect in _read()["effects"]
        if effect["drug"] == drug.name
    ]
    return PUBLISHED.frame(rows)


def find_drug(condition: str) -> Drug | None:
    """Drug of a condition by its declared names; None for any other name, and for two drugs together.

    Of a name that joins several by ``+`` all but one must be controls.
    """
    names = {
        plain_name(name): Drug(name=drug, apart=apart)
        for drug, declared in _read()["drugs"].items()
        for name, apart in declared.items()
    }
    folded = unicodedata.normalize("NFKC", condition).casefold()  # Mg²⁺ is Mg2+
    without_dose = re.split(r"[\s_,;(]+(?=\d)", folded)[0]
    for text in (folded, without_dose):
        if found := names.get(plain_name(text)):
            return found
    parts = [part for part in re.split(r"\s*\+\s*", folded) if part and not is_control(part)]
    return find_drug(parts[0]) if len(parts) == 1 and parts[0] != folded else None


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads(files("swa.report.words").joinpath("published.toml").read_text(encoding="utf-8"))


def _sides(contrast: Contrast) -> tuple[str, str]:
    """What was given, and what it is held against: conditions, or arms."""
    within = contrast.is_within
    return (contrast.treatment, contrast.comparator) if within else (contrast.first, contrast.second)


def _row(name: str, contrast: Contrast, drug: Drug, effect: dict[str, Any], rows: pd.DataFrame) -> dict[str, object]:
    channel = leading_channel([str(one) for one in rows["channel"].unique()])
    marker = Marker(**{"channel": channel, **effect["own"]})
    scale = read_glossary()[marker.measure].scale
    here = marker.select(rows)
    found = here.iloc[0].to_dict() if len(here) else {}
    numbers = {key: float(found.get(key, math.nan)) for key in ("estimate", "ci_low", "ci_high")}
    placebo = is_control(_sides(contrast)[1])
    apart = [drug.apart] if drug.apart else []
    if placebo != effect["control"]:
        here_and_there = ("a placebo", "a night before") if placebo else ("nights without the drug", "a placebo")
        apart.append("held against {} here and against {} there".format(*here_and_there))
    return {
        "contrast": name,
        "source": source(effect["source"]),
        "doi": read_references()[effect["source"]].fields["doi"],
        "published_n": effect["subjects"],
        "published_marker": effect["marker"],
        "published": effect["said"],
        "published_estimate": _size(effect, scale),
        **{key: effect[key] for key in ("drug", "people", "direction")},
        **{key: part for key, part in marker.columns.items() if key in PUBLISHED.names},
        "scale": scale,
        **numbers,
        "n": int(found.get("n", 0)),
        **{key: str(found.get(key, "")) for key in ("verdict", "verdict_reasons")},
        "comparable": effect["comparable"] and not apart,
        "because": "; ".join(apart if apart and effect["comparable"] else [effect["because"], *apart]),
    }


def _size(effect: dict[str, Any], scale: str) -> float:
    """The published change on the scale that nights are compared on; NaN where no size is known."""
    if "treatment" not in effect:
        return math.nan
    treatment, comparator = float(effect["treatment"]), float(effect["comparator"])
    return treatment / comparator if scale == "ratio" else treatment - comparator
