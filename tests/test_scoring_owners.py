"""A scoring whose name is that of another night's recording, or that two nights have, is told with both names."""

import datetime

import numpy as np
import pytest

from swa.settings import Settings
from swa.study.plan.inspection import inspect_study
from swa.study.plan.manifest import plan_study
from swa.study.problems import CHECK_STEP
from swa.study.study_tables import problems_of_nights

STAGES = "\n".join(["epoch,stage", *(f"{epoch},N2" for epoch in range(1, 21))]) + "\n"


def plan(write_edf, folder, *nights, hours=24.0):
    """Plan nights of subject, recording and scoring, each begun so many hours after the one before."""
    rows = ["subject,condition,recording,scoring"]
    for place, (subject, recording, scoring) in enumerate(nights):
        start = datetime.datetime(2024, 2, 5, 22) + place * datetime.timedelta(hours=hours)
        write_edf(folder / recording, {"C4-M1": np.arange(60_000.0) % (50 + place)}, start=start)
        if scoring:
            (folder / scoring).parent.mkdir(exist_ok=True)
            (folder / scoring).write_text(STAGES, encoding="utf-8")
        rows.append(f"{subject},{'baseline' if place % 2 == 0 else 'ketamine'},{recording},{scoring}")
    (folder / "study.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return plan_study(folder, None, Settings())


def checks(study):
    table = problems_of_nights(study, {}, {}, lambda _, make, __: make(), {})
    return table[table["step"] == CHECK_STEP]


def test_swapped_scorings_are_told_of_both_nights(write_edf, tmp_path):
    study = plan(
        write_edf, tmp_path, ("P01", "P01_night1.edf", "P01_night2.txt"), ("P01", "P01_night2.edf", "P01_night1.txt")
    )
    told = "its scoring 'P01_night2.txt' bears the name of 'P01_night2.edf' (P01 ketamine), not of its own, "
    assert f"row 2: {told}'P01_night1.edf'" in study.notes
    table = checks(study)
    assert table["session"].tolist() == ["baseline", "ketamine"]
    assert table["problem"].tolist()[0] == f"{told}'P01_night1.edf'."
    assert table["remedy"].str.contains("column hypnogram").all()
    for recording in inspect_study(tmp_path)["recordings"]:
        assert recording["can_run"]
        assert [problem for problem in recording["problems"] if "bears the name of" in problem]


@pytest.mark.parametrize(
    ("own", "other", "scoring"),
    [
        ("P01_N1.edf", "P01_N2.edf", "Hypnogramm_p01-n02.txt"),
        ("P01_N1.edf", "P01_N2.edf", "scorings/P01_N2_AB.csv"),
        ("A.edf", "B.edf", "B_stages.csv"),
        ("VP3 Nacht 1_PSG.edf", "VP3 Nacht 2_PSG.edf", "VP3_Nacht_2_Schlafprofil.txt"),
        ("P1.edf", "P1_2.edf", "P1_2.txt"),
    ],
)
def test_another_spelling_of_the_other_name_is_seen_through(write_edf, tmp_path, own, other, scoring):
    study = plan(write_edf, tmp_path, ("P1", own, scoring), ("P1", other, ""))
    assert len(checks(study)) == 1


@pytest.mark.parametrize(
    "scorings",
    [
        ("P01_N1.txt", "P01_N2.txt"),
        ("P01_N1_AB.txt", "P01_N2_AB.txt"),
        ("first.txt", "second.txt"),
        ("P01_1_2.txt", "P01_2_2.txt"),
        ("N1.txt", "N2.txt"),
        ("P01_N1.txt", ""),
    ],
)
def test_names_of_their_own_or_of_nobody_are_nothing_to_check(write_edf, tmp_path, scorings):
    nights = zip(("P01", "P01"), ("P01_N1.edf", "P01_N2.edf"), scorings, strict=True)
    assert checks(plan(write_edf, tmp_path, *nights)).empty


@pytest.mark.parametrize(("hours", "subject", "number"), [(24.0, "P1", 1), (0.01, "P1", 0), (0.01, "P2", 1)])
def test_one_scoring_of_two_recordings_is_told_unless_they_are_of_one_night(
    write_edf, tmp_path, hours, subject, number
):
    study = plan(write_edf, tmp_path, ("P1", "a.edf", "s.txt"), (subject, "b.edf", "s.txt"), hours=hours)
    told = checks(study)["problem"].tolist()
    assert told == ["its scoring 's.txt' is also that of 'a.edf' (P1 baseline)."] * number
