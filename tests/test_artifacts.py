"""Unusable time, rule by rule; and that larger slow waves are not unusable."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from swa.measures.artifacts import RULES, Trace, find_artifacts, find_focal, muscle_band, scale_limits
from swa.measures.power import compute_window_spectra
from swa.recordings.recording import read_recording
from swa.settings import ArtifactSettings

RATE_HZ = 100.0
SECONDS = 300


def eeg(seed=0, slow=1.0, seconds=SECONDS):
    """A quiet background with slow waves of about 200 µV peak-to-peak."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    waves = 100 * np.sin(2 * np.pi * 0.9 * t) * (np.sin(2 * np.pi * t / 20) > 0)
    return rng.normal(0, 5, len(t)) + slow * waves


def artifacts(signal, clipped=None, settings=None):
    signal = np.asarray(signal, np.float32)
    spectra = compute_window_spectra(signal, RATE_HZ)
    clipped = np.zeros(len(signal), bool) if clipped is None else clipped
    muscle = spectra.band_power((26.25, 32.0))
    trace = Trace(signal_uv=signal, clipped=clipped, rate_hz=RATE_HZ, pieces=[(0, len(signal))])
    return find_artifacts(trace, spectra.starts, spectra.length, muscle, settings)


def seconds(spans):
    """First and last marked second."""
    return spans.edges[0, 0] / RATE_HZ, spans.edges[-1, 1] / RATE_HZ


def test_a_clean_signal_is_usable_whole():
    found = artifacts(eeg())
    assert set(found.samples) == set(RULES)
    assert not found.unusable
    assert not found.windows.any()


@pytest.mark.parametrize("slow", [1.6, 2.5])
def test_a_drug_that_makes_slow_waves_larger_removes_nothing(slow):
    signal = eeg(slow=1.0)
    signal[15000:] = eeg(slow=slow)[15000:]
    assert not artifacts(signal).unusable


def test_a_muscle_burst_is_found_and_no_more_than_its_windows():
    signal = eeg()
    burst = slice(10000, 10200)
    signal[burst] += np.random.default_rng(1).normal(0, 60, 200)
    found = artifacts(signal)
    assert found.samples["muscle"].mask(len(signal))[burst].all()
    first, last = seconds(found.unusable)
    assert first >= 95
    assert last <= 107.5
    assert not found.samples["amplitude"]
    assert set(np.flatnonzero(found.windows)) <= set(range(38, 42))


def test_muscle_is_judged_against_the_surrounding_180_s():
    signal = eeg(seconds=900)
    signal[30000:60000] += np.random.default_rng(2).normal(0, 30, 30000)
    middle = artifacts(signal).samples["muscle"].within([(42000, 48000)])
    assert not middle  # five minutes of tense sleep are their own median


@pytest.mark.parametrize("noise_uv", [0.02, 0.1])
def test_a_quiet_signal_has_no_muscle(noise_uv):
    """Four times nothing is nothing: surges of a tenth of a microvolt were muscle."""
    rng = np.random.default_rng(3)
    surges = np.repeat(rng.choice([1.0, 5.0], SECONDS, p=[0.9, 0.1]), round(RATE_HZ))
    t = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    signal = 40 * np.sin(2 * np.pi * 0.9 * t) + noise_uv * surges * rng.normal(0, 1, len(t))

    assert artifacts(signal, settings=ArtifactSettings(muscle_least_uv=0)).by_rule["muscle"].any()
    assert not artifacts(signal).by_rule["muscle"].any()


def test_a_low_passed_recording_has_no_muscle(shared_data):
    """Real EEG through a low-pass of 15 Hz: what is left at 26 Hz is the skirt of its spindles."""
    real = read_recording(shared_data / "recordings" / "cycle_1ch_100hz.edf")
    signal = real.read(real.of_role("eeg"), RATE_HZ).data_uv[0].astype(float)
    low_passed = sosfiltfilt(butter(4, 15, fs=RATE_HZ, output="sos"), signal)

    without_floor = artifacts(low_passed, settings=ArtifactSettings(muscle_least_uv=0)).by_rule["muscle"]
    assert without_floor.mean() > 0.01
    assert not artifacts(low_passed).by_rule["muscle"].any()
    assert 0.01 < artifacts(signal).by_rule["muscle"].mean() < 0.05  # as it is: as in Brunner 1996, 2.3 %


def test_a_pop_is_found_with_a_second_of_ringing_on_either_side():
    signal = eeg(slow=0)
    signal[15000:15010] += 2500
    found = artifacts(signal)
    spans = found.samples["amplitude"]
    assert spans.mask(len(signal))[15000 - 100 : 15010 + 100].all()
    first, last = seconds(spans)
    assert 148 < first < 149.05
    assert 151.05 < last < 152.5


def test_slow_drift_is_no_amplitude_artefact():
    t = np.arange(SECONDS * 100) / RATE_HZ
    assert not artifacts(eeg() + 20 * t).unusable
    assert not artifacts(eeg() + 1500 * np.sin(2 * np.pi * 0.01 * t)).unusable


def test_a_large_offset_is_no_amplitude_artefact():
    assert not artifacts(eeg() + 20_000).unusable


def test_the_amplitude_limit_is_a_setting():
    signal = eeg(slow=0)
    signal[15000:15010] += 400
    assert not artifacts(signal).samples["amplitude"]
    assert artifacts(signal, settings=ArtifactSettings(amplitude_uv=200)).samples["amplitude"]


def test_a_flat_stretch_is_found():
    signal = eeg()
    signal[10000:12000] = 7.0
    mask = artifacts(signal).samples["flat"].mask(len(signal))
    assert mask[10250:11750].all()
    assert not mask[:10000].any()
    assert not mask[12000:].any()


def test_a_signal_that_moves_by_more_than_half_a_microvolt_is_not_flat():
    t = np.arange(6000) / RATE_HZ
    assert artifacts(0.2 * np.sin(2 * np.pi * t)).samples["flat"].n_samples == len(t)
    assert not artifacts(0.4 * np.sin(2 * np.pi * t)).samples["flat"]


def test_clipped_samples_and_their_windows_are_unusable():
    clipped = np.zeros(SECONDS * 100, bool)
    clipped[12000:12003] = True
    found = artifacts(eeg(), clipped)
    np.testing.assert_array_equal(found.unusable.mask(len(clipped)), clipped)
    assert np.flatnonzero(found.windows).tolist() == [47, 48]  # 117.5-122.5 s, 120-125 s


def test_windows_are_those_that_hold_an_unusable_sample():
    rng = np.random.default_rng(3)
    clipped = np.zeros(SECONDS * 100, bool)
    clipped[rng.integers(0, len(clipped), 20)] = True
    windows = artifacts(eeg(), clipped).windows
    for window, start in zip(windows, range(0, len(clipped) - 499, 250), strict=True):
        assert window == clipped[start : start + 500].any()


def test_a_gain_of_both_signal_and_surroundings_changes_no_muscle_window():
    signal = eeg()
    signal[10000:10200] += np.random.default_rng(1).normal(0, 60, 200)
    np.testing.assert_array_equal(
        artifacts(signal).samples["muscle"].edges, artifacts(2 * signal).samples["muscle"].edges
    )


@pytest.mark.parametrize(("rate_hz", "band"), [(512, (26.25, 32)), (80, (26.25, 32)), (79, (20, 30)), (50, (20, 30))])
def test_the_muscle_band_is_one_that_the_recording_holds(rate_hz, band):
    assert muscle_band(rate_hz, ArtifactSettings()) == band


@pytest.mark.parametrize("n_samples", [1, 499, 500, 749, 1000])
def test_short_signals_have_no_artefact(n_samples):
    found = artifacts(eeg()[:n_samples])
    assert not found.unusable


def focal_power(n_channels=5, n_windows=400, seed=2):
    rng = np.random.default_rng(seed)
    together = rng.lognormal(0, 0.6, n_windows)
    return np.arange(1, n_channels + 1)[:, None] * together * rng.lognormal(0, 0.2, (n_channels, n_windows))


def test_a_pop_in_one_channel_is_focal_and_large_waves_in_all_are_not():
    power = focal_power()
    power[:, 100:120] *= 9  # a drug
    power[2, 50] *= 20  # an electrode
    found = find_focal(power, np.ones(400, bool))
    assert np.argwhere(found).tolist() == [[2, 50]]


def test_the_focal_rule_needs_four_channels_and_ignores_flat_ones():
    power = focal_power(3)
    power[0, 10] *= 50
    assert not find_focal(power, np.ones(400, bool)).any()
    power = focal_power(5)
    power[4] = 0
    power[0, 10] *= 50
    assert np.argwhere(find_focal(power, np.ones(400, bool))).tolist() == [[0, 10]]


def test_focal_windows_are_unusable_on_both_grids():
    signal = np.asarray(eeg(), np.float32)
    spectra = compute_window_spectra(signal, RATE_HZ)
    focal = np.arange(len(spectra.starts)) == 40
    muscle = spectra.band_power((26.25, 32.0))
    clipped = np.zeros(len(signal), bool)
    trace = Trace(signal_uv=signal, clipped=clipped, rate_hz=RATE_HZ, pieces=[(0, len(signal))])
    found = find_artifacts(trace, spectra.starts, spectra.length, muscle, focal=focal)
    assert seconds(found.samples["focal"]) == (100.0, 105.0)
    assert np.array_equal(found.windows, focal)


def test_halved_limits_are_stricter():
    strict, lenient = (scale_limits(ArtifactSettings(), factor) for factor in (0.5, 2.0))
    assert strict.amplitude_uv < ArtifactSettings().amplitude_uv < lenient.amplitude_uv
    assert strict.flat_uv > lenient.flat_uv
