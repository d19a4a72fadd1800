"""Spectra and band powers against signals of known power, scipy's Welch, and symmetries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.signal import welch

from swa.measures.power import (
    assign_windows,
    average_by_epoch,
    band_weights,
    compute_window_spectra,
    epoch_powers,
    summarize_power,
)
from swa.settings import PowerSettings

RATE_HZ = 100.0
MINUTE = 60 * 100


def noise(seed, n_samples, sd=10.0):
    return np.random.default_rng(seed).normal(0, sd, n_samples).astype(np.float32)


def sine(frequency_hz, amplitude_uv, seconds, rate_hz=RATE_HZ):
    return (amplitude_uv * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(
        "f4"
    )


def band_means(signal, rate_hz=RATE_HZ, settings=None):
    settings = settings or PowerSettings()
    spectra = compute_window_spectra(signal, rate_hz, settings)
    return {name: float(spectra.band_power(band).mean()) for name, band in settings.bands_hz.items()}


@pytest.mark.parametrize("amplitude_uv", [1.0, 37.5, 200.0])
def test_swa_of_a_2_hz_sine_is_half_its_squared_amplitude(amplitude_uv):
    assert band_means(sine(2.0, amplitude_uv, 60))["swa"] == pytest.approx(amplitude_uv**2 / 2, rel=1e-4)


@pytest.mark.parametrize(
    ("band", "frequency_hz"),
    [("delta_power", 2.5), ("theta_power", 6), ("alpha_power", 10), ("sigma_power", 13), ("beta_power", 23)],
)
def test_a_sine_has_its_power_in_its_own_band(band, frequency_hz):
    powers = band_means(sine(frequency_hz, 20.0, 60))
    assert powers[band] == pytest.approx(200.0, rel=1e-3)
    apart = {"delta_power": "beta_power"}.get(band, "slow_oscillation_power")
    assert powers[apart] < 0.01


def test_white_noise_has_its_variance_times_the_bands_share_of_the_nyquist_range():
    powers = band_means(noise(1, 60 * MINUTE))
    assert powers["swa"] == pytest.approx(100 * 3.5 / 50, rel=0.02)
    assert powers["beta_power"] == pytest.approx(100 * 14 / 50, rel=0.02)


@pytest.mark.parametrize("rate_hz", [80.0, 100.0, 128.0, 256.0])
def test_mean_spectrum_equals_scipys_welch(rate_hz):
    signal = noise(2, round(120 * rate_hz)) + np.float32(30)
    settings = PowerSettings()
    spectra = compute_window_spectra(signal, rate_hz, settings)
    frequencies, density = welch(
        signal.astype(float), rate_hz, "hann", round(5 * rate_hz), round(2.5 * rate_hz), average="mean"
    )
    kept = frequencies <= settings.highest_hz
    np.testing.assert_allclose(spectra.frequencies_hz, frequencies[kept])
    ours = spectra.density.astype(float).mean(axis=0)
    np.testing.assert_allclose(ours, density[kept], rtol=2e-5)
    swa = band_weights(frequencies, settings.swa_hz)
    assert ours @ swa[kept] == pytest.approx(density @ swa, rel=1e-6)


def test_taking_the_trend_off_moves_no_power_from_1_hz_up_and_hardly_any_below():
    signal = noise(7, 60 * MINUTE)
    plain, detrended = (band_means(signal, settings=PowerSettings(trend_order=order)) for order in (0, 2))
    for name in ("delta_power", "theta_power", "sigma_power"):
        assert detrended[name] == pytest.approx(plain[name], rel=1e-4)
    assert detrended["slow_oscillation_power"] == pytest.approx(plain["slow_oscillation_power"], rel=0.008)
    for hz in (0.8, 1.0, 2.0):
        wave = sine(hz, 20.0, 600)
        assert band_means(wave, settings=PowerSettings(trend_order=2))["swa"] == pytest.approx(
            band_means(wave)["swa"], rel=5e-4
        )


def test_a_parabola_keeps_drift_below_a_tenth_of_a_hertz_from_slow_wave_activity():
    brain = noise(8, 60 * MINUTE, sd=40.0)
    time_s = np.arange(len(brain)) / RATE_HZ
    waves = (30 * np.sin(2 * np.pi * 0.9 * time_s)).astype(np.float32)
    drift = sum(150 * np.sin(2 * np.pi * hz * time_s + hz * 100) for hz in (0.01, 0.03, 0.05, 0.07, 0.09, 0.095))
    drifting = (brain + waves + drift).astype(np.float32)  # SD 260 µV
    clean = band_means(brain + waves)["swa"]
    assert band_means(drifting, settings=PowerSettings(trend_order=2))["swa"] == pytest.approx(clean, rel=0.01)
    assert band_means(drifting)["swa"] > 1.05 * clean


def test_a_constant_offset_has_no_power():
    assert max(band_means(np.full(MINUTE, 5000.0, np.float32)).values()) < 1e-6


@given(st.floats(-5, 5), st.floats(-3, 3), st.floats(0, 20), st.floats(0, 25))
def test_band_weights_integrate_linear_densities_exactly(level, slope, low, width):
    frequencies = np.arange(0, 45.1, 0.2)
    high = min(low + width, 45.0)
    power = (level + slope * frequencies) @ band_weights(frequencies, (low, high))
    exact = level * (high - low) + slope * (high**2 - low**2) / 2
    assert power == pytest.approx(exact, abs=1e-6)


@given(st.lists(st.floats(0, 45), min_size=3, max_size=3, unique=True), st.integers(0, 100))
def test_adjacent_bands_add_up(edges, seed):
    low, middle, high = sorted(edges)
    frequencies = np.arange(0, 45.1, 0.2)
    density = np.random.default_rng(seed).exponential(size=len(frequencies))
    parts = density @ band_weights(frequencies, (low, middle)) + density @ band_weights(frequencies, (middle, high))
    assert parts == pytest.approx(density @ band_weights(frequencies, (low, high)), abs=1e-9)


def test_slow_oscillation_and_delta_add_up_to_swa():
    powers = band_means(noise(3, 5 * MINUTE))
    assert powers["slow_oscillation_power"] + powers["delta_power"] == pytest.approx(powers["swa"], rel=1e-6)


def test_a_band_beyond_the_spectrum_is_nan_not_zero():
    assert np.isnan(band_weights(np.arange(0, 20.1, 0.2), (16.0, 30.0))).all()


@given(st.floats(0.1, 10))
def test_a_gain_g_multiplies_power_by_g_squared(gain):
    signal = noise(4, MINUTE)
    plain, louder = band_means(signal), band_means(signal * np.float32(gain))
    assert louder["swa"] == pytest.approx(np.float32(gain) ** 2 * plain["swa"], rel=1e-4)


def test_inversion_changes_no_power():
    signal = noise(5, MINUTE)
    assert band_means(signal) == band_means(-signal)


def test_a_shift_by_whole_windows_changes_no_window():
    signal = noise(6, 2 * MINUTE)
    plain = compute_window_spectra(signal, RATE_HZ).density
    shifted = compute_window_spectra(np.concatenate([noise(7, 1000), signal]), RATE_HZ).density
    np.testing.assert_array_equal(shifted[4:], plain)


def test_a_signal_shorter_than_a_window_has_no_windows():
    spectra = compute_window_spectra(noise(8, 499), RATE_HZ)
    assert spectra.density.shape == (0, 226)
    density, counts = average_by_epoch(spectra, assign_windows(spectra, np.zeros(1, int), 30.0, RATE_HZ), 1)
    assert np.isnan(density).all()
    assert counts.tolist() == [0]


@hypothesis_settings(max_examples=40)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=12), st.sampled_from([100.0, 128.0]))
def test_a_window_never_spans_two_stages(codes, rate_hz):
    stage = np.array(codes)
    spectra = compute_window_spectra(noise(9, round(len(stage) * 30 * rate_hz) + 70), rate_hz)
    epochs = assign_windows(spectra, stage, 30.0, rate_hz)
    of_sample = np.repeat(stage, round(30 * rate_hz))
    for start, epoch in zip(spectra.starts, epochs, strict=True):
        stages = set(of_sample[start : start + spectra.length])
        beyond = start + spectra.length > len(of_sample)
        if epoch < 0:
            assert beyond or len(stages) > 1  # nothing clean is thrown away
        else:
            assert not beyond
            assert stages == {stage[epoch]}
            assert 30 * epoch <= (start + spectra.length / 2) / rate_hz < 30 * (epoch + 1)


def test_power_in_the_next_stage_does_not_leak_into_an_epoch():
    loud = sine(2.0, 300.0, 30)
    signal = np.concatenate([sine(2.0, 10.0, 60), loud, sine(2.0, 10.0, 60)])
    spectra = compute_window_spectra(signal, RATE_HZ)
    epochs = assign_windows(spectra, np.array([1, 1, 2, 1, 1]), 30.0, RATE_HZ)
    density, _ = average_by_epoch(spectra, epochs, 5)
    powers = epoch_powers(density, spectra.frequencies_hz, {"swa": (0.5, 4.0)})["swa"]
    np.testing.assert_allclose(powers, [50, 50, 45000, 50, 50], rtol=1e-3)


def test_padding_with_another_stage_changes_no_epoch():
    signal = noise(10, 3 * MINUTE)

    def epochs_of(samples, codes):
        spectra = compute_window_spectra(samples, RATE_HZ)
        return average_by_epoch(spectra, assign_windows(spectra, np.array(codes), 30.0, RATE_HZ), len(codes))[0]

    plain = epochs_of(signal, [1] * 6)
    padded = epochs_of(np.concatenate([noise(11, 3000, 99), signal, noise(12, 3000, 99)]), [0] + [1] * 6 + [0])
    np.testing.assert_array_equal(padded[1:7], plain)


def test_leaving_windows_out_does_not_change_the_mean_of_a_stationary_signal():
    spectra = compute_window_spectra(sine(2.0, 40.0, 300), RATE_HZ)
    epochs = assign_windows(spectra, np.zeros(10, int), 30.0, RATE_HZ)
    masked = epochs.copy()
    masked[np.random.default_rng(0).random(len(epochs)) < 0.5] = -1
    for kept in (epochs, masked):
        density, _ = average_by_epoch(spectra, kept, 10)
        known = np.isfinite(density).all(axis=1)
        powers = summarize_power(density[known], spectra.frequencies_hz, PowerSettings(), 300.0)
        assert powers["swa"][0] == pytest.approx(800.0, rel=1e-4)


def test_the_mean_of_an_epoch_is_the_same_among_few_epochs_and_among_many():
    spectra = compute_window_spectra(noise(14, 70 * MINUTE), RATE_HZ)
    epochs = assign_windows(spectra, np.zeros(140, int), 30.0, RATE_HZ)
    epochs[np.random.default_rng(1).random(len(epochs)) < 0.3] = -1
    epochs[(epochs >= 30) & (epochs < 35)] = -1
    density, counts = average_by_epoch(spectra, epochs, 140)
    for epoch in range(140):
        alone, windows = average_by_epoch(spectra, np.where(epochs == epoch, epochs, -1), 140)
        np.testing.assert_array_equal(density[epoch], alone[epoch])
        assert counts[epoch] == windows[epoch] == (epochs == epoch).sum()


def test_an_epoch_without_a_window_is_nan_and_counts_none():
    spectra = compute_window_spectra(noise(13, MINUTE), RATE_HZ)
    epochs = assign_windows(spectra, np.zeros(2, int), 30.0, RATE_HZ)
    epochs[epochs == 0] = -1
    density, counts = average_by_epoch(spectra, epochs, 2)
    assert np.isnan(density[0]).all()
    assert np.isfinite(density[1]).all()
    assert counts[0] == 0 < counts[1]


def test_epochs_count_equally_however_many_windows_they_have():
    signal = np.concatenate([sine(2.0, 10.0, 30), sine(2.0, 20.0, 30)])
    spectra = compute_window_spectra(signal, RATE_HZ)
    epochs = assign_windows(spectra, np.array([0, 1]), 30.0, RATE_HZ)
    epochs[np.flatnonzero(epochs == 0)[1:]] = -1
    density, _ = average_by_epoch(spectra, epochs, 2)
    powers = summarize_power(density, spectra.frequencies_hz, PowerSettings(), 60.0)
    assert powers["swa"][0] == pytest.approx((50 + 200) / 2, rel=1e-4)


def test_the_median_over_epochs_ignores_a_movement():
    frequencies = np.arange(0, 45.1, 0.2)
    density = np.ones((11, len(frequencies)), np.float32)
    density[3] *= 1e4
    settings = PowerSettings()
    assert summarize_power(density, frequencies, settings, 0.0, median=True)["swa"][0] == pytest.approx(3.5)
    assert summarize_power(density, frequencies, settings, 0.0)["swa"][0] > 1000


def test_energy_is_power_times_the_time_of_the_stretch_and_relative_power_a_share():
    frequencies = np.arange(0, 45.1, 0.2)
    powers = summarize_power(np.full((4, len(frequencies)), 2, np.float32), frequencies, PowerSettings(), 3600.0)
    assert powers["swa_energy"] == (pytest.approx(7.0 * 3600), "µV²·s")
    assert powers["swa_relative"] == (pytest.approx(3.5 / 29.5), "1")
    assert powers["swa"][1] == "µV²"


def test_relative_power_of_silence_is_not_measured():
    frequencies = np.arange(0, 45.1, 0.2)
    assert np.isnan(
        summarize_power(np.zeros((2, len(frequencies)), "f4"), frequencies, PowerSettings(), 1.0)["swa_relative"][0]
    )


def test_a_moved_sigma_band_moves_the_measure():
    settings = PowerSettings(sigma_hz=(11.0, 12.9))
    assert band_means(sine(14.0, 20.0, 60), settings=settings)["sigma_power"] < 0.5
    assert band_means(sine(12.0, 20.0, 60), settings=settings)["sigma_power"] == pytest.approx(200, rel=1e-3)
