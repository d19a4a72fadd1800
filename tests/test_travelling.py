"""Travelling waves of known direction and speed: their delays and origins."""

import numpy as np
import pytest

from swa.measures.slow_waves import detect_in_trace, filter_for_waves, select_waves
from swa.measures.travelling import find_travelling, summarize_travelling
from swa.settings import TravellingSettings, WaveCriteria

RATE_HZ = 100.0
# Ten electrodes on a flat scalp of 20 cm, m: x to the right, y to the front.
POSITIONS = np.array(
    [[x, y] for y in (-0.08, 0.0, 0.08) for x in (-0.06, 0.0, 0.06)] + [[0.0, 0.04]],
    dtype=float,
)


def plane_waves(direction_deg, speed_m_s, *, n_waves=40, noise_uv=0.0, seed=0):
    """Slow waves that run over the electrodes, as signals of (n_channels, n_samples)."""
    rng = np.random.default_rng(seed)
    angle = np.radians(direction_deg)
    lag_s = POSITIONS @ [np.cos(angle), np.sin(angle)] / speed_m_s
    time_s = np.arange(0, 3.0 * (n_waves + 1), 1 / RATE_HZ)
    signals = rng.normal(0, noise_uv, (len(POSITIONS), len(time_s)))
    for at_s in 3.0 * np.arange(n_waves) + 1.5 + rng.uniform(-0.2, 0.2, n_waves):
        t = time_s[None, :] - at_s - lag_s[:, None]
        signals -= 130 * np.exp(-((t / 0.18) ** 2)) - 80 * np.exp(-(((t - 0.5) / 0.25) ** 2))
    return signals, lag_s


def peaks_of(signals):
    criteria = WaveCriteria()
    tables = [detect_in_trace(filter_for_waves(row, RATE_HZ, criteria), RATE_HZ, criteria) for row in signals]
    return [table.loc[select_waves(table, criteria), "negative_peak_s"].to_numpy() for table in tables]


def test_delays_and_origins_of_a_wave_from_the_front():
    signals, lag_s = plane_waves(-90.0, 2.0)
    _, delays_s = find_travelling(peaks_of(signals))
    channels = summarize_travelling(delays_s)
    delays = [channel["travel_delay"][0] for channel in channels]
    np.testing.assert_allclose(delays, lag_s - lag_s.min(), atol=0.003)
    front = POSITIONS[:, 1] == POSITIONS[:, 1].max()
    origins = np.array([channel["travel_origin_share"][0] for channel in channels])
    assert origins[front].sum() == pytest.approx(1, abs=1e-9)
    assert (origins[~front] == 0).all()


def test_channel_order_and_time_shift_change_nothing():
    peaks = peaks_of(plane_waves(40.0, 2.0, noise_uv=4.0)[0])
    starts_s, delays_s = find_travelling(peaks)
    turned_s, turned = find_travelling(peaks[::-1])
    np.testing.assert_array_equal(turned[:, ::-1], delays_s)
    later_s, later = find_travelling([channel + 1000 for channel in peaks])
    np.testing.assert_allclose(later_s - 1000, starts_s, atol=1e-9)
    np.testing.assert_allclose(later, delays_s, atol=1e-9)
    np.testing.assert_array_equal(turned_s, starts_s)


def test_a_wave_of_too_few_channels_is_none():
    peaks = [np.array([1.0]), np.array([1.05]), np.array([1.1]), np.array([2.0])]
    starts_s, delays_s = find_travelling(peaks)
    assert len(starts_s) == 0
    assert delays_s.shape == (0, 4)
    starts_s, delays_s = find_travelling(peaks, TravellingSettings(fewest_channels=3))
    np.testing.assert_allclose(starts_s, [1.0])
    np.testing.assert_allclose(delays_s, [[0, 0.05, 0.1, np.nan]])
    few = summarize_travelling(delays_s)[0]["travel_delay"]
    assert np.isnan(few[0])
    assert few[3] == "1 waves shared with other channels, 20 are needed"
