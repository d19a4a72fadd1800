"""A scoring that lies beside its EEG is found by what its stages explain of the depth of sleep."""

import numpy as np
import pytest

from swa.measures.quality import judge_night
from swa.measures.stage_fit import measure_stage_fit

DEPTH = {"W": -2.0, "N1": -1.0, "N2": 0.0, "N3": 1.5, "R": -1.5}


def night(rng, cycles=5):
    """Stages of epochs of 30 s in cycles of uneven length, and a depth that scatters about that of each."""
    stages = ["W"] * 12
    for cycle in range(cycles):
        deep = max(60 - 12 * cycle, 4)
        parts = (("N1", 5), ("N2", 40), ("N3", deep), ("N2", 20), ("R", 15 + 10 * cycle), ("W", 2))
        for stage, n in parts:
            stages += [stage] * int(n * rng.uniform(0.5, 1.5))
    known = np.array(stages)
    return known, np.array([DEPTH[stage] for stage in stages]) + rng.normal(0, 0.6, len(stages))


def moved(stages, epochs):
    """Stages that come so many epochs early, as of a clock that is behind."""
    found = np.full(len(stages), "UNS", dtype="U3")
    if epochs >= 0:
        found[: len(stages) - epochs] = stages[epochs:]
    else:
        found[-epochs:] = stages[:epochs]
    return found


def reasons(fit):
    """What `judge_night` says of a night that is sound but for its scoring."""
    summary = {
        "unusable_nrem_share": {"C3": {"any": 0.0}, "C4": {"any": 0.0}},
        "statistics": {"N2": 200.0, "N3": 80.0},
        "staging_confidence": None,
        "stage_fit": fit,
    }
    verdict, found = judge_night(summary)
    return verdict, [reason.code for reason in found], "; ".join(reason.words for reason in found)


def test_a_scoring_on_its_own_eeg_is_sound():
    for seed in range(20):
        fit = measure_stage_fit(*night(np.random.default_rng(seed)), 30.0)
        assert fit["best_min"] == 0
        assert reasons(fit) == ("sound", [], "")


@pytest.mark.parametrize(("epochs", "words"), [
    (20, "moved 10 min later"), (10, "moved 5 min later"), (-20, "moved 10 min earlier"), (-40, "moved 20 min earlier"),
])  # fmt: skip
def test_a_scoring_that_lies_minutes_off_is_a_caution_that_says_how_far(epochs, words):
    stages, depth = night(np.random.default_rng(3))
    fit = measure_stage_fit(moved(stages, epochs), depth, 30.0)
    verdict, codes, told = reasons(fit)
    assert (verdict, codes) == ("caution", ["stages_moved"])
    assert words in told


def test_stages_that_know_nothing_of_the_eeg_are_a_caution():
    stages, depth = night(np.random.default_rng(4))
    fit = measure_stage_fit(stages, np.random.default_rng(5).permutation(depth), 30.0)
    assert reasons(fit)[:2] == ("caution", ["stages_unfit"])


def test_what_moves_the_eeg_of_all_stages_for_hours_is_taken_off():
    stages, depth = night(np.random.default_rng(6))
    hours = np.arange(len(depth)) / 120
    fit = measure_stage_fit(stages, depth + 4 * np.exp(-hours / 2), 30.0)
    assert fit["explained"] > 0.6
    assert fit["best_min"] == 0


def test_shorter_epochs_say_the_same_and_missing_ones_nothing():
    stages, depth = night(np.random.default_rng(7))
    once = measure_stage_fit(moved(stages, 20), depth, 30.0)
    fine = measure_stage_fit(np.repeat(moved(stages, 20), 6), np.repeat(depth, 6), 5.0)
    assert fine == once
    depth[100:130] = np.nan
    assert measure_stage_fit(stages, depth, 30.0)["explained"] == pytest.approx(0.75, abs=0.15)


def test_a_nap_or_one_stage_tells_nothing():
    stages, depth = night(np.random.default_rng(8))
    assert measure_stage_fit(stages[:200], depth[:200], 30.0) is None
    assert measure_stage_fit(np.full(len(depth), "N2"), depth, 30.0) is None
    assert measure_stage_fit(stages, np.full(len(depth), np.nan), 30.0) is None


def test_a_night_by_its_scoring_has_the_fact(night_recording, long_hypnogram):
    import swa

    found = swa.analyze_night(night_recording, long_hypnogram).summary
    assert "stage_fit" in found
