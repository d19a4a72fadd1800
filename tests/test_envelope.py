"""Negative envelope: local waves of a simulated high-density recording."""

import numpy as np
import pytest

from swa.measures.envelope import channels_of_waves, negative_envelope
from swa.measures.slow_waves import detect_in_trace, filter_for_waves, select_waves
from swa.settings import EnvelopeSettings, WaveCriteria

RATE_HZ, N_CHANNELS, SECONDS = 100.0, 64, 180
CRITERIA = WaveCriteria()


def simulate(seed=0, width=4, background_uv=6.0):
    """Background in 64 channels and, every 4 s, a slow wave in a few neighbouring ones."""
    rng = np.random.default_rng(seed)
    n_samples = round(SECONDS * RATE_HZ)
    hz = np.fft.rfftfreq(n_samples, 1 / RATE_HZ)
    shape = np.where((hz > 0.3) & (hz < 20), 1 / np.sqrt(np.maximum(hz, 0.3)), 0)
    signals = np.fft.irfft(np.fft.rfft(rng.normal(size=(N_CHANNELS, n_samples))) * shape, n_samples)
    signals *= background_uv / signals.std()
    time_s = np.arange(n_samples) / RATE_HZ
    troughs_s = np.arange(3.0, SECONDS - 3, 4.0) + rng.uniform(-0.3, 0.3, len(np.arange(3.0, SECONDS - 3, 4.0)))
    places = rng.integers(0, N_CHANNELS - width, len(troughs_s))
    for trough_s, place in zip(troughs_s, places, strict=True):
        wave = -110 * np.exp(-(((time_s - trough_s) / 0.17) ** 2)) + 60 * np.exp(
            -(((time_s - trough_s - 0.6) / 0.3) ** 2)
        )
        signals[place : place + width] += wave
    return np.stack([filter_for_waves(row, RATE_HZ, CRITERIA) for row in signals]), troughs_s, places


def found_at(trace):
    waves = detect_in_trace(trace, RATE_HZ, CRITERIA)
    return waves[select_waves(waves, CRITERIA)].reset_index(drop=True)


def recall(waves, troughs_s):
    off = np.abs(waves["negative_peak_s"].to_numpy()[:, None] - troughs_s[None, :])
    return float((off.min(axis=0) < 0.1).mean()) if len(waves) else 0.0


def test_local_waves_are_found_in_the_envelope_and_not_in_the_mean():
    filtered, troughs_s, _ = simulate()
    waves = found_at(negative_envelope(filtered))
    assert recall(waves, troughs_s) >= 0.95
    assert len(waves) <= 1.1 * len(troughs_s)
    assert recall(found_at(filtered.mean(axis=0)), troughs_s) < 0.05


def test_the_channels_of_a_wave_are_found():
    filtered, troughs_s, places = simulate()
    waves = found_at(negative_envelope(filtered))
    members = channels_of_waves(filtered, waves, RATE_HZ, 40.0)
    right = 0
    for peak_s, channels in zip(waves["negative_peak_s"], members, strict=True):
        true = places[np.abs(troughs_s - peak_s).argmin()]
        right += set(range(true, true + 4)) <= set(channels) and len(channels) <= 5
    assert right >= 0.9 * len(waves)


def test_background_alone_has_no_slow_waves():
    filtered, _, _ = simulate(width=0)
    assert len(found_at(negative_envelope(filtered))) == 0


def test_gain_and_channel_order():
    filtered, _, _ = simulate(seed=2)
    envelope = negative_envelope(filtered)
    np.testing.assert_allclose(negative_envelope(3 * filtered), 3 * envelope, atol=1e-9)
    np.testing.assert_allclose(negative_envelope(filtered[::-1]), envelope, atol=1e-9)


def test_the_share_of_the_channels_is_a_setting_and_few_channels_are_refused():
    filtered, _, _ = simulate(seed=3)
    wide = negative_envelope(filtered, EnvelopeSettings(share=0.25))
    by_hand = np.sort(filtered, axis=0)[:16].mean(axis=0)
    np.testing.assert_allclose(wide, by_hand - np.median(by_hand), atol=1e-9)
    with pytest.raises(ValueError, match="11 channels, 12 are needed"):
        negative_envelope(filtered[:11])
