"""What a night owes to its stager: N3 moves with amplitude, N2+N3 hardly, and both are measured."""

import numpy as np
import pandas as pd
import pytest

from swa.night.analysis import analyze_night
from swa.night.frame import make_frame
from swa.night.staging_bias import describe_staging
from swa.settings import Settings
from swa.sleep.hypnogram import stages_of
from swa.tables.results_tables import STAGING_BIAS


@pytest.fixture(scope="module")
def biased(night_recording, long_hypnogram):
    """Larger: half of N2 becomes N3. Smaller: all N3 becomes N2, and the wake before sleep becomes N2 as well."""
    stages = stages_of(long_hypnogram)
    larger, smaller = stages.copy(), stages.copy()
    n2 = np.flatnonzero(stages == "N2")
    larger[n2[::2]] = "N3"
    smaller[stages == "N3"] = "N2"
    smaller[:20] = "N2"
    return analyze_night(night_recording, long_hypnogram, stages_at_gain={1.2: larger, 0.8: smaller})


def change(night, gain, measure, window="night", channel="C4-M1"):
    keys = night.staging_bias.set_index(["gain", "channel", "window", "measure"])["change"]
    return keys[gain, channel, window, measure]


def test_n3_that_takes_from_n2_moves_n3_minutes_and_nothing_else(biased):
    assert change(biased, 1.2, "n3_minutes", channel="all") > 25
    for measure in ("swa", "wave_density", "wave_amplitude_p90"):
        for window in ("night", "cycle-1", "matched"):
            assert change(biased, 1.2, measure, window) == pytest.approx(0, abs=1e-6)


def test_wake_that_becomes_n2_lowers_the_markers_and_the_summary_says_so(biased):
    assert change(biased, 0.8, "swa") < -0.01
    assert change(biased, 0.8, "wave_density") < -0.01
    shift = biased.summary["staging"]["largest_shift"]
    assert shift["swa"] < 0
    assert shift["n3_minutes"] < -25
    assert biased.summary["staging"]["uncertain_share"] is None  # a scoring has no probabilities


def test_gain_one_is_the_night_itself(biased):
    rows = biased.measures.set_index(["channel", "stages", "window", "measure", "variant"])["value"]
    own = biased.staging_bias.set_index(["gain", "channel", "window", "measure"])["value"]
    for measure in ("swa", "wave_density", "wave_amplitude_p90"):
        for window in ("night", "cycle-1", "matched"):
            mine, measured = own[1.0, "F3-M2", window, measure], rows["F3-M2", "NREM", window, measure, ""]
            assert mine == pytest.approx(measured, rel=1e-5)


def test_uncertain_epochs_are_counted_by_stage(long_hypnogram):
    frame = make_frame(long_hypnogram, Settings(), None)
    best = np.where(frame.stages == "N2", 0.4, 0.9)
    best[np.flatnonzero(frame.stages == "R")[:5]] = 0.3
    proba = pd.DataFrame({"N2": best, "W": 0.1})
    shares = describe_staging(proba, frame, STAGING_BIAS.empty(), 0.5)["uncertain_share"]
    assert shares["N2"] == 1
    assert shares["N3"] == 0
    assert shares["R"] == pytest.approx(5 / (frame.stages == "R").sum(), abs=1e-3)
    assert 0 < shares["NREM"] < 1
