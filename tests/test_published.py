"""What is published of a drug beside the change of a study: names of drugs, sizes, and what is not said."""

import math
import re

import pandas as pd
import pytest

import swa
from swa.glossary import read_glossary
from swa.report.optional_tables import published_table
from swa.report.published import _read, find_drug, published_effects
from swa.report.words.references import read_references
from swa.settings import Settings
from swa.tables.contrast import GROUP
from swa.tables.results_tables import CONTRASTS, PUBLISHED


def contrasts(treatment, comparator="placebo", **sides):
    """Rows over subjects: N3 minutes and SWA of the first cycle."""
    rows = [
        ("all", "any", "night", "n3_minutes", "difference", 5.5, -1.0, 12.0),
        ("C4-M1", "NREM", "cycle-1", "swa", "ratio", 1.4, 1.1, 1.8),
        ("frontal", "NREM", "cycle-1", "swa", "ratio", 1.3, 1.1, 1.5),
    ]
    names = ["channel", "stages", "window", "measure", "scale", "estimate", "ci_low", "ci_high"]
    table = pd.DataFrame(rows, columns=names).assign(n=9, subject=GROUP, verdict="caution", verdict_reasons="YASA")
    table = table.assign(contrast=f"{treatment}:{comparator}", treatment=treatment, comparator=comparator, **sides)
    table = pd.concat([table, table.assign(subject="S01", estimate=9.0)])
    return CONTRASTS.typed(
        table.reindex(columns=CONTRASTS.names, fill_value="").assign(p=math.nan, p_adjusted=math.nan)
    )


@pytest.mark.parametrize(
    ("condition", "drug"),
    [
        *[(name, "ketamine") for name in ("ketamine", "Ketamine 0.5 mg/kg", "ketamine (0.5 mg/kg)", "S-ketamine")],
        *[(name, "magnesium") for name in ("Mg", "mg2+", "Mg²⁺", "Mg2+ 30 mmol", "MgSO4 4 g", "magnesium_sulfate")],
        *[("ketamine+placebo", "ketamine"), ("placebo + Mg2+", "magnesium")],
        *[(name, "") for name in ("ketamine+magnesium", "ketamine+Mg2+", "verum", "placebo", "mgluR5", "night 2 mg")],
        *[(name, "") for name in ("no magnesium", "after ketamine washout", "", "0.5 mg", "+")],
    ],
)
def test_drugs_are_known_by_declared_names_alone(condition, drug):
    found = find_drug(condition)
    assert (found.name if found else "") == drug


def test_a_published_size_stands_beside_that_of_the_study():
    table = published_effects(contrasts("magnesium"))
    assert list(table.columns) == PUBLISHED.names
    held = table[table["measure"] == "n3_minutes"].iloc[0]
    assert held["published_estimate"] == pytest.approx(16.5 - 10.1)
    assert (held["estimate"], held["ci_low"], held["ci_high"], held["n"]) == (5.5, -1.0, 12.0, 9)
    assert (held["published_n"], held["direction"], held["comparable"]) == (12, "up", True)
    assert held["source"] == "Held et al., 2002, Pharmacopsychiatry 35:135"
    others = table[table["measure"] != "n3_minutes"]
    assert set(others["source"]) == {held["source"], "Murck & Steiger, 1998, Psychopharmacology 137:247"}
    assert others[["published_estimate", "estimate"]].isna().all(axis=None)  # no size there, not measured here
    assert not others["comparable"].any()


def test_what_differs_by_design_is_said():
    own = published_effects(contrasts("esketamine", "baseline")).set_index(["source", "measure"])
    duncan = own.loc[("Duncan et al., 2013, International Journal of Neuropsychopharmacology 16:301", "swa")]
    assert duncan["estimate"] == 1.3  # the channel that a study leads with
    assert "esketamine is one of the two forms" in duncan["because"]
    assert "held against" not in duncan["because"]
    ballard = own.loc[("Ballard et al., 2024, Translational Psychiatry", "delta_power")]
    assert "held against nights without the drug here and against a placebo there" in ballard["because"]
    held = published_effects(contrasts("mg", "baseline")).set_index("measure").loc["n3_minutes"]
    assert (held["comparable"], held["because"]) == (
        *(False, "held against nights without the drug here and against a placebo there"),
    )


def test_arms_are_drugs_too_and_two_drugs_are_not_held_beside_one():
    arms = published_effects(contrasts("post", "post", first="ketamine", second="placebo"))
    assert set(arms["drug"]) == {"ketamine"}
    assert published_effects(contrasts("ketamine", "magnesium")).empty
    assert published_effects(contrasts("ketamine+magnesium")).empty
    assert list(published_effects(contrasts("zolpidem")).columns) == PUBLISHED.names


def test_page_has_both_with_unit_interval_and_verdict():
    table = published_effects(contrasts("magnesium"))
    shown = published_table(table.astype({"comparable": str}), Settings(), "of {}".format)  # as read from disk
    cells = [dict(zip(shown.columns, row, strict=True)) for row in shown.rows]
    held, _, murck, _ = cells
    assert held["Contrast"] == "of magnesium:placebo"
    assert held["Found there"] == "+6.40 min (16.5 ± 20.4 against 10.1 ± 15.4 min, p ≤ 0.05)"
    assert held["Found here"] == "+5.50 min (\u22121.00 min to +12.0 min), n = 9; caution: YASA"
    assert held["Comparable by definition"].startswith("yes: ")
    assert murck["Found here"] == "not measured"
    assert murck["Comparable by definition"].startswith("no: ")
    assert published_table(PUBLISHED.empty(), Settings(), str) is None


def test_every_published_row_has_its_source_and_a_marker_that_there_is():
    known = _read()
    assert swa.published_effects is published_effects
    for effect in known["effects"]:
        assert effect["drug"] in known["drugs"]
        assert read_references()[effect["source"]].fields["doi"]
        assert effect["own"]["measure"] in read_glossary()
        assert effect["direction"] in PUBLISHED.columns[PUBLISHED.names.index("direction")].levels
        numbers = {float(text) for text in re.findall(r"\d+\.\d+", effect["said"])}
        assert {effect[side] for side in ("treatment", "comparator") if side in effect} <= numbers
