"""Conditions and subjects in two spellings are told: what belongs together would be compared apart."""

import numpy as np
import pandas as pd
import pytest

from swa.settings import Settings
from swa.study.plan.inspection import inspect_study
from swa.study.plan.manifest import plan_study
from swa.study.plan.near_names import find_near_names
from swa.study.problems import CHECK_STEP
from swa.study.study_tables import problems_of_nights


def nights(*cells):
    return pd.DataFrame([cell.split("/") for cell in cells], columns=["subject", "condition"])


def pairs(one, other, usual=2):
    """Nights of several subjects with one name and of two others with the other."""
    rows = [f"A{i}/{one}" for i in range(usual + 1)] + [f"B{i}/{other}" for i in range(usual)]
    return nights(*rows)


@pytest.mark.parametrize(("one", "other"), [
    ("Ketamine", "Ketamin"), ("kétamine", "Ketamine"), ("baseline", "BL"), ("Baseline", "Basline"), ("Placebo", "PLC"),
    ("magnesium", "Mg"), ("Magnesium sulfate", "Magnesium sulphate"), ("Placebo", "Plazebo"), ("placebo", "plac"),
])  # fmt: skip
def test_a_condition_in_another_spelling_is_told_at_its_first_night(one, other):
    found = find_near_names(pairs(one, other))
    assert found == {
        3: f"condition {other!r} (2 nights) may be {one!r} (3 nights) in another spelling: no subject has both"
    }


@pytest.mark.parametrize(("one", "other"), [
    ("baseline", "ketamine"), ("dose1", "dose2"), ("drug A", "drug B"), ("ketamine", "ketamine+Mg"),
    ("ketamine", "esketamine"), ("treatment A", "treatment B"), ("low", "high"), ("pre", "post"), ("A", "AB"),
    ("ketamine", "magnesium"), ("10 mg", "20 mg"),
])  # fmt: skip
def test_conditions_that_differ_are_left_alone(one, other):
    assert find_near_names(pairs(one, other)) == {}


def test_a_subject_with_both_means_two():
    assert find_near_names(nights("A/baseline", "A/BL", "B/baseline")) == {}


@pytest.mark.parametrize(
    ("one", "other"), [("P02", "PO2"), ("P02", "P2"), ("P01", "P0l"), ("S-10", "S1O"), ("P_3", "P3")]
)
def test_a_subject_in_another_spelling_is_told(one, other):
    found = find_near_names(nights(f"{one}/a", f"{one}/b", f"{other}/c"))
    assert found == {
        2: f"subject {other!r} (1 night) may be {one!r} (2 nights) in another spelling: they count as two people"
    }


@pytest.mark.parametrize(("one", "other"), [("P02", "P20"), ("1-1", "11"), ("P1", "Q1"), ("Paul", "Pia"), ("07", "70")])
def test_subjects_that_differ_are_left_alone(one, other):
    assert find_near_names(nights(f"{one}/a", f"{other}/a")) == {}


def test_near_names_are_in_the_notes_and_to_be_checked(write_edf, tmp_path):
    rows = ["subject\tcondition\trecording"]
    cells = [("P01", "baseline"), ("P01", "Ketamine"), ("PO2", "baseline"), ("P02", "Ketamin"), ("P03", "Ketamine")]
    for place, (subject, condition) in enumerate(cells):
        write_edf(tmp_path / f"{place}.edf", {"C4-M1": np.arange(6000.0) % (50 + place)})
        rows.append(f"{subject}\t{condition}\t{place}.edf")
    (tmp_path / "study.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    study = plan_study(tmp_path, None, Settings())
    table = problems_of_nights(study, {}, {}, lambda _, make, __: make(), {})
    told = table[(table["step"] == CHECK_STEP) & table["problem"].str.contains("another spelling")]
    assert told["session"].tolist() == ["Ketamin"]
    assert "condition 'Ketamin' (1 night) may be 'Ketamine' (2 nights)" in told["problem"].iloc[0]
    assert "subject 'P02' (1 night) may be 'PO2' (1 night)" in told["problem"].iloc[0]
    assert sum("another spelling" in note for note in inspect_study(tmp_path)["notes"]) == 1
