"""Mains noise is measured in µV rms at the native rate, whatever else the signal holds."""

import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import swa
from swa.recordings.mains import mains_amplitude, mains_power


def mains_uv(signal_uv, rate_hz):
    return mains_amplitude(mains_power(signal_uv, rate_hz))


def background(rate_hz, seconds=600, seed=0):
    """1/f noise of about 20 µV."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(int(rate_hz * seconds)))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    signal = np.fft.irfft(spectrum, int(rate_hz * seconds))
    return 20 * signal / signal.std()


def hum(rate_hz, rms_uv, mains_hz, seconds=600):
    return rms_uv * np.sqrt(2) * np.sin(2 * np.pi * mains_hz * np.arange(int(rate_hz * seconds)) / rate_hz + 1)


@pytest.mark.parametrize("rate_hz", [128, 200, 256, 500])
@pytest.mark.parametrize("mains_hz", [49.9, 50, 60])
def test_a_known_hum_is_measured(rate_hz, mains_hz):
    signal = background(rate_hz) + hum(rate_hz, 12, mains_hz)
    assert mains_uv(signal, rate_hz) == pytest.approx(12, rel=0.08)


@pytest.mark.parametrize("rate_hz", [128, 256])
def test_without_hum_there_is_next_to_nothing(rate_hz):
    assert mains_uv(background(rate_hz), rate_hz) < 0.3


@given(st.floats(0.1, 50))
def test_it_follows_the_gain(gain):
    signal = background(128, 120) + hum(128, 5, 50, 120)
    assert mains_uv(gain * signal, 128) == pytest.approx(gain * mains_uv(signal, 128), rel=1e-9)


def test_a_few_bursts_of_hum_are_no_hum_of_the_night():
    signal = background(256, 3600)
    signal[: 256 * 600] += hum(256, 100, 50)
    assert mains_uv(signal, 256) < 1


@pytest.mark.parametrize(("rate_hz", "seconds"), [(100, 600), (256, 1)])
def test_what_cannot_hold_the_mains_says_nothing(rate_hz, seconds):
    assert np.isnan(mains_uv(background(rate_hz, seconds), rate_hz))


def test_a_night_with_hum_says_so_and_its_numbers_stay(short_night):
    raw, hypnogram = short_night
    clean = swa.analyze_night(raw, hypnogram)
    data = raw.get_data()
    noisy = data + 1e-6 * hum(raw.info["sfreq"], 25, 50, data.shape[1] / raw.info["sfreq"])
    struck = swa.analyze_night(mne.io.RawArray(noisy, raw.info, verbose="error"), hypnogram)
    assert all(level == pytest.approx(25, rel=0.1) for level in struck.summary["mains_uv"].values())
    assert all(level < 1 for level in clean.summary["mains_uv"].values())
    rows = clean.measures.query("measure == 'swa' and stages == 'NREM' and window == 'night'")
    again = struck.measures.query("measure == 'swa' and stages == 'NREM' and window == 'night'")
    assert np.allclose(rows["value"], again["value"], rtol=1e-3)


@pytest.fixture(scope="module")
def short_night():
    """Two channels of an hour at 256 Hz, all of it N2."""
    import yasa

    data = np.stack([background(256, 3600, seed) for seed in range(2)]) * 1e-6
    raw = mne.io.RawArray(data, mne.create_info(["C3-M2", "C4-M1"], 256.0, "eeg"), verbose="error")
    return raw, yasa.Hypnogram(["N2"] * 120, n_stages=5, freq="30s")
