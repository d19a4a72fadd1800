"""NREM cycles by published rules, and sleep onset, on hypnograms written and counted by hand (30-s epochs)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import swa
from swa.measures.windows import find_stretches
from swa.settings import CycleSettings
from swa.sleep.cycles import find_nrem_cycles, find_sleep_onset
from swa.sleep.hypnogram import make_hypnogram as build
from swa.sleep.hypnogram import stages_of
from swa.tables.marker import Window
from swa.tables.results_tables import CYCLES


@pytest.fixture
def cycles(make_hypnogram):
    """Cycles in epochs: (nrem_start, nrem_end, rem_start, rem_end); by Feinberg & Floyd unless told."""

    def find(text, epoch_s=30.0, **settings):
        table = find_nrem_cycles(make_hypnogram(text, epoch_s), CycleSettings(**({"rule": "feinberg1979"} | settings)))
        assert list(table.columns) == CYCLES.names
        assert table["cycle"].tolist() == list(range(1, len(table) + 1))
        rows = table[list(CYCLES.names[1:])].to_numpy() / epoch_s
        return [tuple(None if np.isnan(value) else round(value, 6) for value in row) for row in rows]

    return find


def test_one_nrem_period_and_its_rem_period_make_a_cycle(cycles):
    assert cycles("W*10 N2*40 R*20 W*5") == [(10, 50, 50, 70)]


def test_a_nrem_period_lasts_at_least_15_min(cycles):
    assert cycles("N2*29 W*10") == []
    assert cycles("N2*30 W*10") == [(0, 30, None, None)]


def test_wake_after_the_last_nrem_epoch_does_not_lengthen_it(cycles):
    assert cycles("N2*25 W*9") == []


def test_wake_below_5_min_is_tolerated(cycles):
    assert cycles("N2*20 W*9 N2*20 R*20") == [(0, 49, 49, 69)]


def test_wake_of_5_min_ends_a_nrem_period(cycles):
    assert cycles("N2*30 W*10 N2*40 R*20") == [(0, 30, None, None), (40, 80, 80, 100)]


def test_the_first_rem_period_has_no_minimum(cycles):
    assert cycles("N2*40 R*1 N2*40 R*20") == [(0, 40, 40, 41), (41, 81, 81, 101)]


def test_rem_within_the_first_15_min_of_nrem_is_tolerated(cycles):
    assert cycles("N2*20 R*4 N2*30 R*20") == [(0, 54, 54, 74)]


def test_a_later_rem_period_lasts_at_least_5_min(cycles):
    assert cycles("N2*40 R*10 N2*40 R*9 N2*40 R*10") == [(0, 40, 40, 50), (50, 139, 139, 149)]
    assert cycles("N2*40 R*10 N2*40 R*10 N2*40 R*10") == [(0, 40, 40, 50), (50, 90, 90, 100), (100, 140, 140, 150)]


def test_scattered_rem_epochs_do_not_add_wake_to_a_rem_period(cycles):
    assert cycles("N2*40 R*10 N2*40 W*20 R*1 W*60 R*1") == [(0, 40, 40, 50), (50, 90, None, None)]


def test_a_rem_period_goes_on_over_wake(cycles):
    assert cycles("N2*40 R*10 N2*40 R*6 W*2 R*6") == [(0, 40, 40, 50), (50, 90, 90, 104)]


def test_a_night_that_ends_in_nrem_keeps_its_last_cycle_without_rem(cycles):
    assert cycles("N2*40 R*20 N2*40") == [(0, 40, 40, 60), (60, 100, None, None)]


def test_a_night_without_nrem_has_no_cycles(cycles):
    assert cycles("W*50 R*20 N1*10 W*5") == []


def test_a_long_first_nrem_period_is_split_at_the_first_n3_after_12_min_without_n3(cycles):
    text = "N2*10 N3*60 N2*25 N3*60 N2*90 R*20"
    assert cycles(text) == [(0, 95, None, None), (95, 245, 245, 265)]
    assert cycles(text, split_skipped_rem=False) == [(0, 245, 245, 265)]


def test_12_min_without_n3_are_not_enough_to_split(cycles):
    assert cycles("N2*10 N3*60 N2*24 N3*60 N2*91 R*20") == [(0, 245, 245, 265)]


def test_120_min_are_not_enough_to_split(cycles):
    assert cycles("N2*10 N3*60 N2*25 N3*60 N2*85 R*20") == [(0, 240, 240, 260)]
    assert len(cycles("N2*10 N3*60 N2*25 N3*60 N2*86 R*20")) == 2


def test_only_the_first_nrem_period_is_split(cycles):
    late = "N2*40 R*10 N2*10 N3*60 N2*25 N3*60 N2*90 R*20"
    assert cycles(late) == [(0, 40, 40, 50), (50, 295, 295, 315)]


def test_n1_opens_a_nrem_period_only_by_setting(cycles):
    assert cycles("N1*10 N2*30 R*10") == [(10, 40, 40, 50)]
    assert cycles("N1*10 N2*30 R*10", nrem_starts_with="N1") == [(0, 40, 40, 50)]
    assert cycles("N1*10 N2*20 R*10") == []


def test_unscored_time_interrupts_as_wake_does(cycles):
    assert cycles("N2*30 UNS*10 N2*30") == [(0, 30, None, None), (40, 70, None, None)]
    assert cycles("N2*30 UNS*9 N2*30") == [(0, 69, None, None)]


@pytest.mark.parametrize("epoch_s", [15.0, 10.0, 5.0, 1.0])
def test_the_rules_are_in_minutes_whatever_the_epoch(cycles, epoch_s):
    scale = round(30 / epoch_s)
    text = f"W*{10 * scale} N2*{30 * scale} W*{9 * scale} N2*{10 * scale} R*{1 * scale} N2*{30 * scale} R*{10 * scale}"
    expected = [(10, 59, 59, 60), (60, 90, 90, 100)]
    assert cycles(text, epoch_s) == [tuple(value * scale for value in row) for row in expected]


@hypothesis_settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(["W", "N1", "N2", "N3", "R", "UNS"]), st.integers(1, 60)), max_size=12),
    st.sampled_from(["feinberg1979", "sleepcycles"]),
)
def test_cycles_are_ordered_disjoint_and_hold_15_min(runs, rule):
    stages = [stage for stage, count in runs for _ in range(count)] or ["W"]
    table = find_nrem_cycles(build(stages, 30.0), CycleSettings(rule=rule, split_skipped_rem=False))
    end = 0.0
    for row in table.itertuples():
        assert row.nrem_start_s >= end
        until = row.rem_start_s if rule == "sleepcycles" and np.isfinite(row.rem_start_s) else row.nrem_end_s
        assert until - row.nrem_start_s >= 15 * 60
        assert (rule == "sleepcycles" and row.cycle > 1) or stages[int(row.nrem_start_s / 30)] in ("N2", "N3")
        assert stages[int(row.nrem_end_s / 30) - 1] in ("N1", "N2", "N3")
        end = row.nrem_end_s
        if np.isfinite(row.rem_start_s):
            assert row.nrem_end_s <= row.rem_start_s < row.rem_end_s
            assert stages[int(row.rem_start_s / 30)] == stages[int(row.rem_end_s / 30) - 1] == "R"
            end = row.rem_end_s


BY_REM = {"rule": "sleepcycles", "nrem_starts_with": "N1"}  # the defaults of the R package


def test_by_sleepcycles_wake_never_ends_a_nrem_period(cycles):
    assert cycles("N2*30 W*40 N2*40 R*20", **BY_REM) == [(0, 110, 110, 130)]
    assert cycles("N2*30 W*40 N2*40 R*20") == [(0, 30, None, None), (70, 110, 110, 130)]


def test_by_sleepcycles_a_later_period_begins_with_what_follows_rem(cycles):
    assert cycles("W*5 N1*4 N2*40 R*10 W*6 N2*40 R*10", **BY_REM) == [(5, 49, 49, 59), (59, 105, 105, 115)]


def test_by_sleepcycles_the_first_period_opens_with_n1_or_by_setting_n2(cycles):
    assert cycles("N1*10 N2*30 R*10", rule="sleepcycles") == [(10, 40, 40, 50)]
    assert cycles("N1*10 N2*30 R*10", **BY_REM) == [(0, 40, 40, 50)]


def test_by_sleepcycles_rem_periods_last_5_min_but_the_first(cycles):
    assert cycles("N2*40 R*1 N2*40 R*9 N2*40 R*10", **BY_REM) == [(0, 40, 40, 41), (41, 130, 130, 140)]


def test_by_sleepcycles_less_than_15_min_between_rem_is_part_of_the_rem_period(cycles):
    assert cycles("N2*40 R*10 N2*29 R*10 N2*40", **BY_REM) == [(0, 40, 40, 89), (89, 129, None, None)]
    assert len(cycles("N2*40 R*10 N2*30 R*10 N2*40", **BY_REM)) == 3


def test_by_sleepcycles_sleep_onset_rem_opens_no_cycle(cycles):
    assert cycles("N1*4 R*20 N2*60 R*10", **BY_REM) == [(24, 84, 84, 94)]
    assert cycles("N1*4 R*9 N2*60 R*10", **BY_REM) == [(0, 73, 73, 83)]


def test_by_sleepcycles_rem_below_5_min_in_the_first_15_does_not_swallow_the_period(cycles):
    assert cycles("N2*20 R*6 N2*18 R*40", **BY_REM) == [(0, 44, 44, 84)]


def test_by_sleepcycles_wake_alone_between_rem_is_no_nrem_period(cycles):
    assert cycles("N2*40 R*20 W*40 R*20 N2*40", **BY_REM) == [(0, 40, 40, 120), (120, 160, None, None)]


def test_by_sleepcycles_any_period_of_more_than_120_min_of_sleep_is_split(cycles):
    late = "N2*40 R*10 N2*10 N3*60 N2*25 N3*60 N2*90 R*20"
    assert cycles(late, **BY_REM) == [(0, 40, 40, 50), (50, 145, None, None), (145, 295, 295, 315)]
    awake = "N2*40 R*10 N2*10 N3*60 W*25 N3*60 N2*85 R*20"  # 240 epochs, 215 of them sleep
    assert cycles(awake, **BY_REM) == [(0, 40, 40, 50), (50, 290, 290, 310)]


def test_by_default_only_rem_ends_a_period(make_hypnogram):
    table = find_nrem_cycles(make_hypnogram("W*10 N1*4 N2*40 W*20 N2*40 R*20"))
    assert table[["nrem_start_s", "nrem_end_s"]].to_numpy().tolist() == [[14 * 30.0, 114 * 30.0]]


COUNTED = pd.read_csv(Path(__file__).with_name("cycles_counted_by_hand.tsv"), sep="\t", keep_default_na=False)


@pytest.mark.parametrize("counted", COUNTED.to_dict("records"), ids=lambda row: f"{row['night']} {row['rule']}")
def test_cycles_of_real_nights_are_those_counted_by_hand(counted, shared_data):
    """Counted from run lengths of the experts' scorings by the published rule, not with this program."""
    name = f"scorings/boas_ds005555/{counted['night']}_task-Sleep_acq-psg_events.tsv"
    hypnogram = swa.read_hypnogram(shared_data / name, settings=swa.Settings(scoring={"column": "stage_hum"}))
    settings = swa.Settings(cycles={"rule": counted["rule"]})
    table = find_nrem_cycles(hypnogram, settings.cycles)
    limits = (table[list(CYCLES.names[1:])] / 30).to_numpy()
    text = [[f"{value:.0f}" if np.isfinite(value) else "" for value in row] for row in limits]
    found = ["-".join(row[:2]) + "/" + "-".join(filter(None, row[2:])) for row in text]
    assert "; ".join(found) == counted["cycles"]
    stretches = find_stretches(stages_of(hypnogram), 30.0, table, 0.0, settings=settings)
    cycles = [one for one in stretches if one.stages == "NREM" and Window(one.window).kind == "cycle"]
    thin = [stretch.window for stretch in cycles if stretch.reason]
    expected = [f"cycle-{number}" for number in counted["not_measured"].split()]
    assert thin == expected


def test_sleep_onset_is_the_first_of_three_consecutive_sleep_epochs(make_hypnogram):
    assert find_sleep_onset(make_hypnogram("W*4 N1*2 W*3 N1*1 R*1 N2*1 W*5")) == 9 * 30


def test_sleep_onset_by_first_n2_is_a_setting(make_hypnogram):
    settings = CycleSettings(sleep_onset="first_n2")
    assert find_sleep_onset(make_hypnogram("W*4 N1*5 N2*2 N3*5"), settings) == 9 * 30
    assert np.isnan(find_sleep_onset(make_hypnogram("W*4 N1*5"), settings))


def test_sleep_onset_needs_90_s_whatever_the_epoch(make_hypnogram):
    assert find_sleep_onset(make_hypnogram("W*2 N1*4 W*1 N2*5 W*2", 20.0)) == 7 * 20


def test_without_sleep_there_is_no_onset(make_hypnogram):
    assert np.isnan(find_sleep_onset(make_hypnogram("W*10 UNS*5")))


def test_two_sleep_epochs_are_no_onset(make_hypnogram):
    assert np.isnan(find_sleep_onset(make_hypnogram("W*4 N2*2 W*4 N3*2")))
