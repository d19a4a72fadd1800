"""Sleep architecture: hand-counted nights, agreement with yasa and with a count of its own on experts' scorings."""

import importlib.util
from dataclasses import replace
from itertools import groupby, pairwise, permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yasa
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from swa.comparison.contrasts import compare_nights
from swa.glossary import read_glossary
from swa.night.analysis import analyze_night
from swa.settings import Settings
from swa.sleep.architecture import FROM_YASA, measure_architecture
from swa.sleep.cycles import find_nrem_cycles, find_sleep_onset
from swa.sleep.hypnogram import epoch_length_s, stages_of
from swa.sleep.scoring import read_hypnogram
from swa.tables.marker import matches, select

WORDS = {"W": "WAKE", "R": "REM"}
CODES = {"n1_minutes": "N1", "n2_minutes": "N2", "n3_minutes": "N3", "rem_minutes": "R"}


def hypnogram(stages: list[str], epoch_s: float = 30.0) -> yasa.Hypnogram:
    return yasa.Hypnogram([WORDS.get(stage, stage) for stage in stages], freq=f"{epoch_s:g}s")


def measure(hyp: yasa.Hypnogram, **more) -> pd.DataFrame:
    rows = measure_architecture(hyp, find_nrem_cycles(hyp), find_sleep_onset(hyp), **more)
    return pd.DataFrame([vars(row) for row in rows]).set_index(["window", "measure", "variant"])


def value(table: pd.DataFrame, name: str, window: str = "night", variant: str = "") -> float:
    return float(table.loc[(window, name, variant), "value"])


# 20 epochs of wake, 4 N1, 40 N2, 20 N3, 10 R, 6 W, 40 N2, 20 R, 5 W after the last sleep.
NIGHT = (
    20 * ["W"] + 4 * ["N1"] + 40 * ["N2"] + 20 * ["N3"] + 10 * ["R"] + 6 * ["W"] + 40 * ["N2"] + 20 * ["R"] + 5 * ["W"]
)


def test_a_night_counted_by_hand():
    table = measure(hypnogram(NIGHT))
    told = {
        "tib": 82.5, "spt": 70.0, "tst": 67.0, "sol": 10.0, "sol_sustained": 10.0, "waso": 3.0,
        "n1_minutes": 2.0, "n2_minutes": 40.0, "n3_minutes": 10.0, "rem_minutes": 15.0,
        "n2_latency": 2.0, "n3_latency": 22.0, "rem_latency": 32.0, "first_rem_minutes": 5.0,
        "awakenings": 1.0, "nrem_cycles": 2.0,
    }  # fmt: skip
    assert {name: value(table, name) for name in told} == pytest.approx(told)
    assert value(table, "n3_share") == pytest.approx(100 * 10 / 67)
    assert value(table, "sleep_efficiency") == pytest.approx(100 * 67 / 82.5, abs=1e-4)
    assert value(table, "stage_shifts") == pytest.approx(6 / (67 / 60))  # N1-N2-N3-R-W-N2-R
    assert value(table, "sleep_fragmentation") == pytest.approx(1 / (67 / 60))
    assert value(table, "cycle_minutes") == pytest.approx(np.mean([35.0, 33.0]))  # the second begins where REM ends
    assert value(table, "n3_minutes", "cycle-1") == 10.0
    assert value(table, "n3_minutes", "cycle-2") == 0.0
    assert value(table, "transition_probability", variant="N2 to N3") == pytest.approx(1 / 80)


def test_thirds_hours_and_cycles_add_up_to_the_night():
    table = measure(hypnogram(NIGHT * 4))
    for name in ("n1_minutes", "n2_minutes", "n3_minutes", "rem_minutes"):
        thirds = sum(value(table, name, f"third-{number}") for number in (1, 2, 3))
        assert thirds == pytest.approx(value(table, name))
        hours = sum(value(table, name, f"hour-{number}") for number in (1, 2, 3, 4, 5))
        stages = stages_of(hypnogram(NIGHT * 4))[20 : 20 + 600]
        assert hours == pytest.approx(np.count_nonzero(stages == CODES[name]) / 2)


def test_an_hour_that_the_night_does_not_fill_has_shares_and_no_minutes():
    table = measure(hypnogram(NIGHT * 4))  # 330 min, 10 of them before sleep: 20 min of the sixth hour
    assert np.isnan(value(table, "n2_minutes", "hour-6"))
    assert table.loc[("hour-6", "n2_minutes", ""), "note"]
    assert 0 < value(table, "n2_share", "hour-6") < 100
    assert np.isnan(value(measure(hypnogram(NIGHT)), "n3_minutes", "first120min"))
    dosed = measure(hypnogram(NIGHT * 4), dose_s=-1800.0)
    assert np.isnan(value(dosed, "n2_minutes", "dosehour-1"))  # half of it lies before the recording
    assert np.isfinite(value(dosed, "n2_minutes", "dosehour-2"))


def test_an_hour_awake_has_no_minutes_of_sleep():
    table = measure(hypnogram(120 * ["N2"] + 130 * ["W"] + 120 * ["N2"]))
    assert value(table, "n2_minutes", "hour-2") == 0
    assert np.isnan(value(table, "n2_share", "hour-2"))


def test_a_stage_that_is_not_there_has_no_minutes_and_no_latency():
    table = measure(hypnogram(10 * ["W"] + 60 * ["N2"] + 10 * ["W"]))
    assert value(table, "n3_minutes") == 0
    assert np.isnan(value(table, "n3_latency"))
    assert table.loc[("night", "n3_latency", ""), "note"] == "the night has no N3"
    assert np.isnan(value(table, "first_rem_minutes"))


def test_a_night_without_sleep_has_reasons_and_no_wrong_number():
    table = measure(hypnogram(60 * ["W"]))
    missing = table["value"].isna()
    assert (table.loc[missing, "note"] != "").all()
    assert value(table, "tst") == 0
    assert value(table, "n2_minutes") == 0


def test_what_lies_before_lights_off_is_no_sleep():
    whole = hypnogram(30 * ["N2"] + 10 * ["W"] + 60 * ["N2"] + 20 * ["R"])
    table = measure(whole[40:], first_s=40 * 30.0)
    assert value(table, "n2_minutes") == 30
    assert value(table, "sol") == 0


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["W", "N1", "N2", "N3", "R"]), min_size=4, max_size=300), st.sampled_from([20.0, 30.0]))
def test_statistics_are_those_of_yasa_and_of_a_count(stages, epoch_s):
    check(hypnogram(stages, epoch_s))


ROUNDED = 5e-5  # yasa rounds its statistics to four decimals: percents, indices, and minutes of epochs of 20 s


def check(hyp: yasa.Hypnogram) -> None:
    """Against yasa, and number by number against a count that shares no code with either."""
    night = measure(hyp).loc["night"]["value"].to_dict()
    statistics = hyp.sleep_statistics()
    for name, (theirs, _) in FROM_YASA.items():
        assert night[name, ""] == pytest.approx(float(statistics[theirs]), abs=1e-9, nan_ok=True)
    for name, expected in count(list(stages_of(hyp)), epoch_length_s(hyp) / 60).items():
        close = ROUNDED + 1e-9 if name in FROM_YASA else 1e-9
        measured, _, variant = name.partition(": ")
        assert night[measured, variant] == pytest.approx(expected, abs=close, nan_ok=True), name


def count(stages: list[str], epoch_min: float) -> dict[str, float]:
    """Every statistic of the whole night but the cycles, which `test_cycles.py` has counted by hand."""
    asleep = [i for i, stage in enumerate(stages) if stage in CODES.values()]
    found = {"tib": len(stages) * epoch_min} | _transitions(stages)
    if not asleep:
        return found
    period = stages[asleep[0] : asleep[-1] + 1]
    steps = list(pairwise(stage for stage in period if stage != "UNS"))
    shifts = [(a, b) for a, b in steps if a != b]
    lighter = [(a, b) for a, b in shifts if a != "W" and (b == "W" or b == "N1")]
    hours = len(asleep) * epoch_min / 60
    found |= {
        "spt": len(period) * epoch_min,
        "tst": len(asleep) * epoch_min,
        "sleep_efficiency": 100 * len(asleep) / len(stages),
        "sol": asleep[0] * epoch_min,
        "sol_sustained": _first_unbroken(stages, 5 / epoch_min) * epoch_min,
        "waso": period.count("W") * epoch_min,
        "awakenings": sum(b == "W" != a for a, b in pairwise(period)),
        "awakening_index": sum(a in CODES.values() and b == "W" for a, b in pairwise(stages)) / hours,
        "stage_shifts": len(shifts) / hours,
        "sleep_fragmentation": len(lighter) / hours,
    }
    for name, stage in CODES.items():
        short = name.removesuffix("_minutes")
        found[name] = stages.count(stage) * epoch_min
        found[f"{short}_share"] = 100 * stages.count(stage) / len(asleep)
        if stage != "N1":
            there = stages.index(stage) if stage in stages else np.nan
            found[f"{short}_latency"] = (there - asleep[0]) * epoch_min
    return found


def _first_unbroken(stages: list[str], epochs: float) -> float:
    """Where the first sleep begins that goes on for so many epochs."""
    start = 0
    for is_asleep, run in groupby(stages, key=lambda stage: stage in CODES.values()):
        length = len(list(run))
        if is_asleep and length >= epochs:
            return start
        start += length
    return np.nan


def _transitions(stages: list[str]) -> dict[str, float]:
    spelled = {"W": "wake", "R": "REM"}
    found = {}
    for a, b in permutations(("W", *CODES.values()), 2):
        after = [y for x, y in pairwise(stages) if x == a and y != "UNS"]
        name = f"transition_probability: {spelled.get(a, a)} to {spelled.get(b, b)}"
        found[name] = after.count(b) / len(after) if after else np.nan
    return found


SCORINGS = {  # how many there are, and the column of the experts or the codes of those that do not say them
    "hypnograms/sleep-edf/*.edf": (10, {}),
    "hypnograms/nsrr/*.xml": (2, {}),
    "hypnograms/*.csv": (1, {}),
    "scorings/boas_ds005555/*_events.tsv": (22, {"column": "stage_hum"}),
    "scorings/dod_h/*.json": (40, {}),
    "scorings/eesm17_ds004348/*_events.tsv": (4, {}),
    "scorings/surrey_ds005207/*_events.tsv": (
        3,
        {"codes": {"1": "W", "2": "R", "3": "N1", "4": "N2", "5": "N3", "6": "UNS"}},
    ),
}


@pytest.mark.parametrize("pattern", SCORINGS)
def test_statistics_of_real_scorings(pattern, shared_data):
    least, options = SCORINGS[pattern]
    paths = sorted(shared_data.glob(pattern))
    assert len(paths) >= least
    for path in paths:
        check(read_hypnogram(path, settings=Settings(scoring=options)))


@pytest.mark.slow
def test_the_stated_reliability_is_that_of_the_public_scorings(shared_data):
    path = Path(__file__).parents[1] / "benchmarks" / "architecture_reliability.py"
    if not path.is_file():
        pytest.skip("needs the source tree")
    spec = importlib.util.spec_from_file_location("architecture_reliability", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sets = {
        "BOAS": module.read_boas(shared_data / "scorings" / "boas_ds005555"),
        "Sleep-EDF": module.read_edf(shared_data / "hypnograms" / "sleep-edf"),
    }
    found = {name: module.pooled(parts) for name, parts in module.reliabilities(sets).items()}
    glossary = read_glossary()
    assert {name: (glossary[name].within_sd, glossary[name].within_df) for name in found} == {
        name: (float(f"{sd:.3g}"), df) for name, (sd, df) in found.items()
    }


@pytest.fixture(scope="module")
def night(make_recording, make_hypnogram, sleep_eeg):
    """A night of 132 min whose lights go off after 10 min."""
    stages = make_hypnogram("W*24 N1*4 N2*60 N3*40 R*16 N2*60 N3*20 R*20 W*20")
    recording = make_recording({"C4-M1": sleep_eeg(stages)})
    return analyze_night(recording, stages, lights_off_s=600.0, subject="S01", condition="baseline")


def test_rows_of_a_night_are_its_sleep_statistics(night):
    rows = select(night.measures, channel="all", stages="any", window="night", variant="")
    found = rows.set_index("measure")["value"]
    told = night.summary["statistics"]
    pairs = {"tib": "TIB", "tst": "TST", "sol": "SOL", "waso": "WASO", "sleep_efficiency": "SE", "rem_minutes": "REM"}
    pairs |= {f"n{number}_minutes": f"N{number}" for number in (1, 2, 3)}
    assert {name: found[name] for name in pairs} == pytest.approx({name: told[yasas] for name, yasas in pairs.items()})
    assert found["sol"] == 2
    assert found["nrem_cycles"] == night.summary["nrem_cycles"]
    keys = ["channel", "stages", "window", "measure", "variant"]
    assert not night.measures.duplicated(keys).any()


def test_minutes_are_compared_as_differences_and_a_primary_can_be_one_of_them(night):
    measures = select(night.measures, channel="all", measure=["n3_minutes", "tst"])
    moved = measures.assign(value=measures["value"] + 6.0 * matches(measures, measure="n3_minutes"))
    nights = [
        replace(night, subject=subject, session=name, condition=name, measures=table)
        for subject in ("S01", "S02", "S03")
        for name, table in (("baseline", measures), ("magnesium", moved))
    ]
    declared = Settings(comparison={"primary": "n3_minutes any night all"})
    table = compare_nights(nights, settings=declared)
    row = select(table, subject="group", measure="n3_minutes", window="night", variant="").iloc[0]
    assert (row["channel"], row["stages"], row["scale"], row["role"]) == ("all", "any", "difference", "primary")
    assert row["estimate"] == pytest.approx(6)
    own = select(table, subject="S01", measure="n3_minutes", window=["third-1", "cycle-1", "hour-1"])
    assert own["estimate"].tolist() == pytest.approx([6, 6, 6])


def test_the_change_of_one_subject_has_the_stated_reliability_of_the_whole_night(night):
    rows = select(night.measures, channel="all", measure=["n3_minutes"])
    nights = [replace(night, session=name, condition=name, measures=rows) for name in ("baseline", "ketamine")]
    table = select(compare_nights(nights), subject="S01").set_index("window")
    entry = read_glossary()["n3_minutes"]
    half = stats.t.ppf(0.975, entry.within_df) * entry.within_sd * np.sqrt(2)
    assert table.loc["night", ["ci_low", "ci_high"]].tolist() == pytest.approx([-half, half])
    assert "BOAS and Sleep-EDF" in table.loc["night", "method"]
    assert np.isnan(table.loc["third-1", "ci_low"])  # not stated for parts of a night
