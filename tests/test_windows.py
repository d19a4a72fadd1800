"""Stretches of the night: hours, the matched first minutes, stage-free stretches, cycles."""

import numpy as np
import pandas as pd
import pytest

from swa.measures.windows import NOT_FILLED, STAGE_SETS, find_matched, find_stretches
from swa.settings import CycleSettings, Settings, WindowSettings
from swa.tables.results_tables import CYCLES

NO_CYCLES = pd.DataFrame(columns=CYCLES.names, dtype=float)


def stretches(stages, cycles=NO_CYCLES, onset_s=0.0, **options):
    found = find_stretches(np.array(stages), 30.0, cycles, onset_s, **options)
    return {(stretch.stages, stretch.window): stretch for stretch in found}


def indices(stretch):
    return np.flatnonzero(stretch.epochs).tolist()


def test_the_night_has_a_stretch_for_each_set_of_stages_and_unscored_epochs_are_in_none():
    found = stretches(["W", "N1", "N2", "N3", "R", "UNS", "N2"])
    assert {stages: indices(found[stages, "night"]) for stages in STAGE_SETS} == {
        "NREM": [2, 3, 6],
        "N2": [2, 6],
        "N3": [3],
        "REM": [4],
        "W": [0],
        "any": [0, 1, 2, 3, 4, 6],
    }


def test_hours_count_from_sleep_onset_and_hold_nrem_alone():
    found = stretches(["W"] * 10 + ["N2"] * 130 + ["R"] * 5 + ["N3"] * 5, onset_s=300.0)
    assert indices(found["NREM", "hour-1"]) == list(range(10, 130))
    assert indices(found["NREM", "hour-2"]) == [*range(130, 140), *range(145, 150)]
    assert ("NREM", "hour-3") not in found


def test_nrem_before_sleep_onset_is_in_no_hour():
    found = stretches(["N2", "W", "N2", "N2"], onset_s=60.0)
    assert indices(found["NREM", "hour-1"]) == [2, 3]
    assert ("NREM", "hour-0") not in found


def test_dose_hours_count_from_the_dose_even_hours_before_the_recording():
    found = stretches(["N2"] * 200, dose_s=-12.5 * 3600)
    assert indices(found["NREM", "dosehour-13"]) == list(range(60))
    assert indices(found["NREM", "dosehour-14"]) == list(range(60, 180))
    during = stretches(["N2"] * 200, dose_s=1800.0)
    assert indices(during["NREM", "dosehour-1"]) == list(range(60, 180))
    assert not [window for _, window in stretches(["N2"] * 200) if window.startswith("dosehour")]


@pytest.mark.parametrize(("dose_s", "kind"), [(None, "hour"), (-2700.0, "dosehour")])
def test_an_hour_that_the_night_does_not_fill_is_not_measured(dose_s, kind):
    """A minute of sleep at the end of a night gave intervals from 0.001 to 2,400 at two subjects."""
    found = stretches(["N2"] * 250 + ["UNS"] * 20, dose_s=dose_s)
    reasons = {window: one.reason for (_, window), one in found.items() if window.startswith(f"{kind}-")}
    assert list(reasons) == [f"{kind}-{hour}" for hour in (1, 2, 3)]
    assert [not reason for reason in reasons.values()] == (
        [True, True, False] if kind == "hour" else [False, True, False]
    )
    assert set(reasons.values()) == {"", NOT_FILLED}


def test_a_cycle_window_holds_its_nrem_and_its_rem_period():
    cycles = pd.DataFrame([(1, 30.0, 120.0, 150.0, 210.0)], columns=CYCLES.names)
    found = stretches(["R", "N2", "W", "N3", "N2", "R", "W", "R", "N2"], cycles)
    assert indices(found["NREM", "cycle-1"]) == [1, 3]
    assert indices(found["N3", "cycle-1"]) == [3]
    assert indices(found["REM", "cycle-1"]) == [5]


def test_without_a_cycle_the_first_cycle_says_why():
    found = stretches(["N2"] * 9)["NREM", "cycle-1"]
    assert not found.epochs.any()
    assert "no NREM cycle" in found.reason


def test_stage_free_stretches_take_every_scored_stage_by_median_and_only_when_complete():
    found = stretches(["W"] * 10 + ["N2", "R", "UNS", "N1"] * 50, onset_s=300.0)
    first = found["any", "first60min"]
    assert first.median
    assert not first.reason
    assert indices(first) == [i for i in range(10, 130) if (i - 10) % 4 != 2]
    assert not found["any", "first120min"].epochs.any()
    assert "120 min" in found["any", "first120min"].reason


def test_a_stage_free_stretch_that_ends_with_the_recording_is_complete():
    assert not stretches(["N2"] * 120)["any", "first60min"].reason
    assert stretches(["N2"] * 119)["any", "first60min"].reason


def test_without_sleep_onset_there_are_no_hours_and_no_stage_free_stretches():
    found = stretches(["N2"] * 300, onset_s=np.nan)
    assert ("NREM", "hour-1") not in found
    assert found["any", "first60min"].reason


def test_a_cycle_with_too_little_n2_and_n3_is_counted_and_not_measured():
    cycles = pd.DataFrame({"cycle": [1, 2], "nrem_start_s": [0.0, 3000.0], "nrem_end_s": [3000.0, 6000.0]})
    cycles[["rem_start_s", "rem_end_s"]] = np.nan
    stages = ["N2"] * 29 + ["N1"] * 71 + ["N2"] * 30 + ["W"] * 70
    found = stretches(stages, cycles)
    assert found["NREM", "cycle-1"].reason == "14.5 min of N2 and N3 in this cycle, 15 are needed"
    assert not found["NREM", "cycle-2"].reason
    any_cycle = stretches(stages, cycles, settings=Settings(cycles=CycleSettings(n2_n3_minimum_min=0.0)))
    assert not any_cycle["NREM", "cycle-1"].reason


def test_a_repeated_length_makes_one_stretch():
    settings = Settings(windows=WindowSettings(stage_free_min=(60, 60, 90)))
    found = find_stretches(np.array(["N2"] * 300), 30.0, NO_CYCLES, 0.0, None, settings)
    assert [stretch.window for stretch in found].count("first60min") == 1


def matched(stages, usable_s, minutes=60.0):
    found = find_stretches(np.array(stages), 30.0, NO_CYCLES, 0.0)
    return find_matched(found, np.asarray(usable_s, float), WindowSettings(matched_min=minutes))


def test_matched_is_the_first_60_min_of_nrem():
    stretch = matched(["W"] * 5 + ["N2"] * 70 + ["R"] * 9 + ["N3"] * 100, np.full(184, 30.0))
    assert indices(stretch) == [*range(5, 75), *range(84, 134)]


def test_matched_counts_clean_time_alone():
    usable_s = np.full(300, 30.0)
    usable_s[10:50] = 0
    usable_s[60:80] = 15
    assert indices(matched(["N2"] * 300, usable_s))[-1] == 119 + 40 + 10


def test_a_night_with_less_clean_nrem_than_matched_needs_says_so():
    stretch = matched(["N2"] * 119, np.full(119, 30.0))
    assert not stretch.epochs.any()
    assert "59.5 min" in stretch.reason
    assert "60" in stretch.reason


@pytest.mark.parametrize("epoch", [0, 59, 119])
def test_matched_reaches_over_what_an_artefact_takes_away(epoch):
    usable_s = np.full(200, 30.0)
    usable_s[epoch] = 0
    assert indices(matched(["N2"] * 200, usable_s))[-1] == 120
