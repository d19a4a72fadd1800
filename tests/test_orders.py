"""The order of nights by the dates of their recordings, where nothing else says it."""

import datetime

import numpy as np
import pytest

from swa.comparison.designs.statement import design_statement
from swa.settings import Settings
from swa.study.plan.manifest import plan_study


def plan_dated(write_edf, folder, days):
    """Plan nights called SUBJECT_CONDITION, each so many days after January 2024; 0 hides its date."""
    for name, day in days.items():
        start = datetime.datetime(2024, 2, 1, 22) + datetime.timedelta(days=day)
        start = start if day else datetime.datetime(1985, 1, 1, 22)
        write_edf(folder / f"{name}.edf", {"C4-M1": np.arange(600.0) % (50 + len(name))}, start=start)
    return plan_study(folder, None, Settings())


def test_without_a_column_the_dates_of_the_recordings_are_the_order(write_edf, tmp_path):
    days = {"S1_baseline": 1, "S1_ketamine": 8, "S2_baseline": 9, "S2_ketamine": 2, "S3_baseline": 4, "S3_ketamine": 5}
    study = plan_dated(write_edf, tmp_path, days)
    assert list(study.nights["order"]) == [1, 2, 2, 1, 1, 2]
    (told,) = [note for note in study.notes if note.startswith("order of the nights")]
    assert "by the dates of the recordings" in told
    assert "baseline, then ketamine in 2 of 3 subjects; ketamine, then baseline in 1" in told
    said = design_statement(study.nights, "baseline")
    assert "ketamine" in said
    assert "by the dates of the recordings" in said
    assert "nothing says in which order" not in said


@pytest.mark.parametrize("second", [0, 1, 400, -31], ids=["hidden", "same", "far", "new_year"])
def test_dates_that_say_nothing_leave_the_order_open_and_say_what_to_add(write_edf, tmp_path, second):
    study = plan_dated(
        write_edf, tmp_path, {"S1_baseline": 1, "S1_ketamine": second, "S2_baseline": 1, "S2_ketamine": 3}
    )
    assert list(study.nights["order"].fillna(0)) == [0, 0, 1, 2]
    (told,) = [note for note in study.notes if note.startswith("order of the nights")]
    assert "not of S1" in told
    assert "column order" in told


def test_a_stated_order_stands_against_dates_and_one_condition_needs_none(write_edf, tmp_path):
    file = tmp_path / "study.tsv"
    rows = ["S1\tbaseline\tS1_baseline.edf\t2", "S1\tketamine\tS1_ketamine.edf\t1"]
    file.write_text("\n".join(["subject\tcondition\trecording\torder", *rows]) + "\n", encoding="utf-8")
    study = plan_dated(write_edf, tmp_path, {"S1_baseline": 1, "S1_ketamine": 3})
    assert list(study.nights["order"]) == [2, 1]
    assert not [note for note in study.notes if note.startswith("order of the nights")]
    file.write_text("subject\tcondition\trecording\nS1\tbaseline\tS1_baseline.edf\n", encoding="utf-8")
    study = plan_study(tmp_path, None, Settings())
    assert "order" not in study.nights


def test_a_recording_that_is_not_there_leaves_the_others_their_order(write_edf, tmp_path):
    rows = [
        f"{subject}\t{name}\t{subject}_{name}.edf" for subject in ("S1", "S2") for name in ("baseline", "drug", "x")
    ]
    (tmp_path / "study.tsv").write_text("\n".join(["subject\tcondition\trecording", *rows]) + "\n", encoding="utf-8")
    days = {"S1_baseline": 9, "S1_drug": 2, "S2_baseline": 1, "S2_drug": 3, "S2_x": 5}
    study = plan_dated(write_edf, tmp_path, days)
    assert list(study.nights["order"].fillna(0)) == [2, 1, 0, 1, 2, 3]
    (told,) = [note for note in study.notes if note.startswith("order of the nights")]
    assert "not of" not in told
    assert "drug, then baseline in 1 of 2 subjects" in told


def test_one_night_that_is_left_of_two_needs_no_order(write_edf, tmp_path):
    rows = [f"{subject}\t{name}\t{subject}_{name}.edf" for subject in ("S1", "S2") for name in ("baseline", "drug")]
    (tmp_path / "study.tsv").write_text("\n".join(["subject\tcondition\trecording", *rows]) + "\n", encoding="utf-8")
    study = plan_dated(write_edf, tmp_path, {"S1_baseline": 9, "S2_baseline": 1, "S2_drug": 3})
    assert list(study.nights["order"].fillna(0)) == [0, 0, 1, 2]
    (told,) = [note for note in study.notes if note.startswith("order of the nights")]
    assert "baseline, then drug in 1 of 1 subject" in told
    assert "not of" not in told
