"""A night in two files, as of a recorder that was restarted, is told and never counts as two nights."""

import datetime
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from swa.settings import Settings
from swa.study.plan.inspection import inspect_study
from swa.study.plan.manifest import plan_study
from swa.study.plan.restarts import PARTS_REMEDY, find_parts, refuse_parts
from swa.study.plan.selection import UNDONE, LeftOut
from swa.study.study_tables import problems_of_nights

BEGIN = datetime.datetime(2026, 1, 12, 22, 40)
PLACEBO = ("S01_placebo.edf", "placebo", BEGIN - datetime.timedelta(days=7), 240)
FIRST = ("S01_ketamine.edf", "ketamine", BEGIN, 130)


def after(minutes, *, length=100, condition="ketamine", name="S01_ketamineb.edf"):
    """A further recording that begins so many minutes after `BEGIN`."""
    return (name, condition, BEGIN + datetime.timedelta(minutes=minutes), length)


@pytest.fixture
def lay(write_edf, tmp_path):
    """Write recordings of (name, condition, start, minutes) and a study file; gives the folder."""

    def write(*nights, columns=()):
        rows = []
        for number, (name, condition, start, minutes) in enumerate(nights):
            signal = np.random.default_rng(number).normal(0, 20, int(minutes * 60))
            write_edf(tmp_path / name, {"C4-M1": signal}, 1.0, start=start)
            rows.append({"subject": name.partition("_")[0], "condition": condition, "recording": name})
        table = pd.DataFrame(rows).assign(**dict(columns))
        table.to_csv(tmp_path / "study.tsv", sep="\t", index=False)
        return tmp_path

    return write


def parts_of(folder):
    """Names of the recordings that are taken for parts, with what is told of each."""
    nights = plan_study(folder, None, Settings()).nights
    return {nights.loc[place, "recording"]: told for place, told in find_parts(nights, Settings()).items()}


def planned(folder, left_out=()):
    """The plan of a run."""
    study = plan_study(folder, None, Settings())
    parts = find_parts(study.nights, Settings(), left_out)
    return replace(study, nights=refuse_parts(study.nights, parts), parts=parts)


@pytest.mark.parametrize("gap", [-20, -1, 0, 8, 59])
def test_a_file_that_goes_on_where_another_ended_is_a_part_of_the_same_night(lay, gap):
    second = after(130 + gap)
    found = parts_of(lay(PLACEBO, FIRST, second))
    assert set(found) == {"S01_ketamine.edf", "S01_ketamineb.edf"}
    begun = f"{second[2]:%H:%M}"
    assert found["S01_ketamine.edf"] == found["S01_ketamineb.edf"]
    assert "one night lies in 2 files: S01_ketamine.edf (22:40 to 00:50), S01_ketamineb.edf (" in found[second[0]]
    assert f"S01_ketamineb.edf ({begun} to " in found[second[0]]


def test_a_recorder_that_was_restarted_twice_gives_three_parts(lay):
    third = after(240, name="S01_ketaminec.edf")
    found = parts_of(lay(PLACEBO, third, FIRST, after(135)))
    assert len(found) == 3
    assert found["S01_ketaminec.edf"].startswith("one night lies in 3 files: S01_ketamine.edf (22:40 to 00:50), ")


def test_a_restart_before_midnight_is_found_where_dates_tell_nights_apart(lay):
    early = ("S01_ketamine.edf", "ketamine", BEGIN, 40)
    assert len(parts_of(lay(PLACEBO, early, after(45)))) == 2
    alone = (early, after(45), ("S02_placebo.edf", "placebo", BEGIN + datetime.timedelta(days=3), 240))
    assert len(parts_of(lay(*alone))) == 2


DAY = BEGIN.replace(hour=9, minute=10)  # after a night of work


def by_day(minutes, *, length=120, pause=10):
    """A recording that begins at 09:10 and lasts so long, and one after a pause."""
    later = DAY + datetime.timedelta(minutes=minutes + pause)
    return ("S01_ketamine.edf", "ketamine", DAY, minutes), ("S01_ketamineb.edf", "ketamine", later, length)


@pytest.mark.parametrize("pause", [-20, 0, 15])
def test_sleep_by_day_in_two_files_is_told_where_they_are_long_and_close(lay, pause):
    assert len(parts_of(lay(PLACEBO, *by_day(150, pause=pause)))) == 2


@pytest.mark.parametrize("given", [{"minutes": 150, "pause": 16}, {"minutes": 59}, {"minutes": 150, "length": 59}])
def test_naps_by_day_are_nights_of_their_own(lay, given):
    """A night is followed by a nap, or by another test of vigilance; naps come each hour."""
    assert parts_of(lay(PLACEBO, *by_day(**given))) == {}


def test_a_recorder_of_a_whole_day_that_was_restarted_at_night_gives_parts(lay):
    first = ("S01_ketamine.edf", "ketamine", DAY, 17 * 60)
    assert len(parts_of(lay(PLACEBO, first, by_day(17 * 60, length=8 * 60, pause=5)[1]))) == 2


EVENING = BEGIN.replace(hour=19, minute=30)


@pytest.mark.parametrize(("length", "step"), [(22 * 60, 22 * 60 + 30), (24 * 60, 24 * 60 - 1), (18 * 60, 18 * 60 + 50)])
def test_recordings_that_hold_a_night_each_are_no_parts(lay, length, step):
    """Of ambulatory nights each file goes on where the one before it ended."""
    names = ("S01_ketamine.edf", "S01_ketamineb.edf", "S01_ketaminec.edf")
    nights = [
        (name, "ketamine", (EVENING + datetime.timedelta(minutes=step * number)), length)
        for number, name in enumerate(names)
    ]
    assert parts_of(lay(PLACEBO, *nights)) == {}


def test_parts_are_found_between_recordings_that_hold_a_night_each(lay):
    """Of three days on end, the recorder was restarted in the second night."""
    starts = {"S01_ketamine.edf": (0, 22), "S01_ketamineb.edf": (22.2, 7), "S01_ketaminec.edf": (29.3, 15),
              "S01_ketamined.edf": (44.5, 22)}  # fmt: skip
    nights = [
        (name, "ketamine", EVENING + datetime.timedelta(hours=begin), hours * 60)
        for name, (begin, hours) in starts.items()
    ]
    assert set(parts_of(lay(PLACEBO, *nights))) == {"S01_ketamineb.edf", "S01_ketaminec.edf"}


YEAR = BEGIN.replace(month=1, day=1, year=1985)


@pytest.mark.parametrize(
    "nights",
    [
        (PLACEBO, FIRST, after(130 + 61)),  # hours or a day apart
        (PLACEBO, FIRST, after(24 * 60)),
        (PLACEBO, FIRST, after(20, length=240)),  # two devices of one night, or dates that were made one
        (PLACEBO, FIRST, after(135, condition="magnesium", name="S01_magnesium.edf")),  # before and after a dose
        (PLACEBO, FIRST, after(135, name="S02_ketamine.edf")),  # another subject
        (PLACEBO, FIRST, after(-12, length=10)),  # a check of the electrodes, or a false start
        (("S01_placebo.edf", "placebo", YEAR, 200), ("S01_ketamine.edf", "ketamine", YEAR, 60),  # dates never set
         ("S01_ketamineb.edf", "ketamine", YEAR + datetime.timedelta(minutes=65), 60)),
        (("S01_placebo.edf", "placebo", BEGIN, 75), ("S01_ketamine.edf", "ketamine", BEGIN, 30),  # one date for all
         after(35, length=30)),
        (PLACEBO, ("S01_ketamine.edf", "ketamine", BEGIN.replace(hour=9), 20),  # naps of one day
         ("S01_ketamineb.edf", "ketamine", BEGIN.replace(hour=10), 20)),
    ],
)  # fmt: skip
def test_other_recordings_are_nights_of_their_own(lay, nights):
    assert parts_of(lay(*nights)) == {}


def test_before_and_after_a_dose_are_phases_and_adaptation_nights_are_compared_with_none(lay):
    assert parts_of(lay(PLACEBO, FIRST, after(135), columns={"phase": ["pre", "pre", "post"]})) == {}
    assert parts_of(lay(PLACEBO, FIRST, after(135), columns={"adaptation": ["no", "yes", "no"]})) == {}


def test_parts_are_told_by_inspect_and_in_the_problems_until_one_is_left_out(lay):
    folder = lay(PLACEBO, FIRST, after(138))
    found = {row["recording"]: row for row in inspect_study(folder)["recordings"]}
    for name in ("S01_ketamine.edf", "S01_ketamineb.edf"):
        (told,) = [text for text in found[name]["problems"] if "one night lies in 2 files" in text]
        assert "Join the files into one" in told
        assert not found[name]["can_run"]
    assert not [note for note in inspect_study(folder)["notes"] if "they are averaged" in note]

    study = planned(folder)
    assert study.nights["problem"].astype(bool).tolist() == [False, True, True]
    told = problems_of_nights(study, {}, {}, lambda _, make, __: make(), {})
    told = told[told["problem"].str.contains("one night lies in")]
    assert told["recording"].tolist() == ["S01_ketamine.edf", "S01_ketamineb.edf"]
    assert set(told["remedy"]) == {PARTS_REMEDY}

    later = problems_of_nights(study, {}, {2: UNDONE}, lambda _, make, __: make(), {})  # the other is named by --only
    assert later["remedy"].tolist() == [PARTS_REMEDY, UNDONE.remedy]

    left = planned(folder, left_out=[2])
    assert not left.nights["problem"].astype(bool).any()
    excluded = {2: LeftOut("left out", "")}
    assert len(problems_of_nights(left, {}, excluded, lambda _, make, __: make(), {})) == 1
    folder = lay(PLACEBO, FIRST, after(138), columns={"exclude": ["", "", "short"]})
    assert not [text for row in inspect_study(folder)["recordings"] for text in row["problems"] if "lies in" in text]
