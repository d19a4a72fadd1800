"""Values that pile up at the end of a signal's own range are clipped, and its steps are counted; tails are no rail."""

import numpy as np
import pytest

from swa.recordings.extremes import Extremes, count_levels

NOISE = 30 * np.random.default_rng(0).standard_normal(20_000)


def runs_of(signal, block=3000):
    ends = Extremes(1)
    for first in range(0, len(signal), block):
        ends.take(signal[first : first + block], first)
    found = ends.runs()
    return {int(i) for a, b in np.concatenate([np.empty((0, 2), int), *found]) for i in range(a, b)}


@pytest.mark.parametrize("low", [-60.0, -np.inf])
def test_a_rail_within_the_range_is_found_sample_for_sample(low):
    signal = np.clip(NOISE, low, 60.0)
    assert runs_of(signal) == set(np.flatnonzero((signal == 60.0) | (signal == low)))


@pytest.mark.parametrize(
    "signal",
    [
        NOISE,
        np.round(NOISE),
        10 * np.round(NOISE / 10),
        100 * np.sin(np.arange(20_000) / 100 * 2 * np.pi),
        np.round(100 * np.sin(np.arange(20_000) / 100 * 2 * np.pi), 1),
        np.zeros(100),
        np.full(100, np.nan),
        np.append(NOISE, np.full(9, 1000.0)),
    ],
    ids=["noise", "1 µV", "10 µV", "sine", "sine in steps", "flat", "missing", "a pop"],
)
def test_tails_and_single_artefacts_are_no_rail(signal):
    assert runs_of(signal) == set()


def test_missing_samples_hide_no_rail():
    signal = np.where(np.arange(20_000) % 7 == 0, np.nan, np.clip(NOISE, -60, 60))
    assert runs_of(signal) == set(np.flatnonzero(np.abs(signal) == 60))


@pytest.mark.parametrize(("step", "levels"), [(10, 11), (50, 3), (500, 1)])
def test_levels_are_those_of_the_middle_nine_tenths(step, levels):
    signal = np.append(step * np.round(NOISE / step), [5000.0, -5000.0])
    assert count_levels(signal) == levels
    assert count_levels(0.1 * signal - 0.3) == levels  # rounding makes no level of its own
    assert count_levels(np.empty(0)) == 0


def test_a_rail_of_a_channel_is_clipped(make_recording):
    signal = np.clip(NOISE, -60.0, 60.0)
    recording = make_recording({"C4-M1": signal})
    group = recording.read(recording.of_role("eeg"))
    long = np.convolve(signal == 60, np.ones(3)) == 3  # three samples at the limit, as for the header's
    assert group.clipped[0].sum() >= 3 * long.sum() > 0
    assert group.levels[0] > 1000
