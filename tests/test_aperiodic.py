"""The aperiodic fit: spectra of known exponent, with and without peaks, and what must not change it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from swa.measures import power
from swa.measures.aperiodic import (
    fit_aperiodic,
    highest_passed_hz,
    measure_high_exponent,
    summarize_aperiodic,
)
from swa.settings import AperiodicSettings, PowerSettings

FREQUENCIES = np.arange(0, 45.01, 0.2)
BAND = (1.0, 30.0)
SWA_WEIGHTS = power.band_weights(FREQUENCIES, (0.5, 4.0))
ALPHA, SIGMA, DELTA = (9.5, 0.35, 1.2), (13.3, 0.5, 1.0), (1.5, 0.3, 0.5)


def spectrum(exponent, offset=2.5, peaks=(), floor=0.0, windows=None, seed=0):
    """Density in µV²/Hz; peaks are (centre in Hz, height in log10, SD in Hz); `windows` are averaged."""
    frequencies = np.maximum(FREQUENCIES, 0.1)
    density = 10**offset / frequencies**exponent
    for centre, height, sd in peaks:
        density = density * 10 ** (height * np.exp(-((FREQUENCIES - centre) ** 2) / 2 / sd**2))
    density = density + floor
    if windows:
        density = density * np.random.default_rng(seed).gamma(windows, 1 / windows, len(density))
    return density


@given(st.floats(0.5, 4.0), st.floats(-1.0, 4.0))
@hypothesis_settings(max_examples=30)
def test_power_law_is_recovered_exactly(exponent, offset):
    fit = fit_aperiodic(FREQUENCIES, spectrum(exponent, offset), BAND)

    assert fit.exponent == pytest.approx(exponent, abs=1e-6)
    assert fit.offset == pytest.approx(offset, abs=1e-6)
    assert fit.n_frequencies == 146


@pytest.mark.parametrize("exponent", [1.2, 2.0, 3.0])
@pytest.mark.parametrize("peaks", [(), (SIGMA,), (ALPHA, SIGMA), (DELTA, SIGMA), (DELTA, ALPHA, SIGMA)])
def test_peaks_do_not_pull_on_the_line(exponent, peaks):
    fits = [fit_aperiodic(FREQUENCIES, spectrum(exponent, 2.5, peaks, windows=3000, seed=s), BAND) for s in range(5)]

    assert np.mean([fit.exponent for fit in fits]) == pytest.approx(exponent, abs=0.02)
    assert np.mean([fit.offset for fit in fits]) == pytest.approx(2.5, abs=0.02)


def test_few_windows_scatter_but_do_not_bias():
    exponents = [fit_aperiodic(FREQUENCIES, spectrum(2.0, windows=15, seed=s), BAND).exponent for s in range(60)]

    assert np.mean(exponents) == pytest.approx(2.0, abs=0.02)
    assert np.std(exponents) < 0.06


def test_high_noise_floor_lowers_the_exponent():
    clean, noisy = (fit_aperiodic(FREQUENCIES, spectrum(2.5, floor=floor), BAND) for floor in (0.0, 0.5))

    assert noisy.exponent < clean.exponent - 0.2


@given(st.floats(0.1, 10.0), st.integers(0, 50))
@hypothesis_settings(max_examples=30)
def test_gain_adds_to_the_offset_and_leaves_the_exponent(gain, seed):
    density = spectrum(2.2, peaks=(DELTA, SIGMA), windows=100, seed=seed)

    one, other = (summarize_aperiodic(FREQUENCIES, d, SWA_WEIGHTS) for d in (density, density * gain**2))

    assert other["aperiodic_exponent"][0] == pytest.approx(one["aperiodic_exponent"][0], abs=1e-9)
    assert other["aperiodic_offset"][0] == pytest.approx(one["aperiodic_offset"][0] + np.log10(gain**2), abs=1e-9)
    assert other["swa_above_aperiodic"][0] == pytest.approx(one["swa_above_aperiodic"][0] * gain**2, rel=1e-6)


def test_swa_above_the_line_is_what_stands_above_it():
    base, peak = spectrum(2.0), spectrum(2.0, peaks=(DELTA,))

    none = summarize_aperiodic(FREQUENCIES, base, SWA_WEIGHTS)["swa_above_aperiodic"]
    some = summarize_aperiodic(FREQUENCIES, peak, SWA_WEIGHTS)["swa_above_aperiodic"]

    assert abs(none[0]) < 1e-6 * (base @ SWA_WEIGHTS)
    assert some[0] == pytest.approx((peak - base) @ SWA_WEIGHTS, rel=0.02)
    assert some[1:] == ("µV²", "")


def test_swa_above_the_line_is_not_measured_where_the_spectrum_bends_below_it():
    density = spectrum(2.0) * np.minimum(FREQUENCIES, 1) ** 2

    value, _, note = summarize_aperiodic(FREQUENCIES, density, SWA_WEIGHTS)["swa_above_aperiodic"]
    assert np.isnan(value)
    assert "line lies above" in note


def test_simulated_signal_has_the_exponent_it_was_made_with():
    rate_hz, rng = 100.0, np.random.default_rng(1)
    n = int(1800 * rate_hz)
    frequencies = np.fft.rfftfreq(n, 1 / rate_hz)
    shape = np.maximum(frequencies, 0.05) ** (-2.0 / 2)
    signal = np.fft.irfft(np.fft.rfft(rng.normal(0, 1, n)) * shape, n)
    spectra = power.compute_window_spectra((20 * signal / signal.std()).astype(np.float32), rate_hz)

    fit = fit_aperiodic(spectra.frequencies_hz, spectra.density.mean(axis=0, dtype=float), BAND)

    assert fit.exponent == pytest.approx(2.0, abs=0.03)  # a 5-s Hann window adds 0.01


@pytest.mark.parametrize(
    ("frequencies", "density", "reason"),
    [
        (FREQUENCIES[:140], spectrum(2.0)[:140], "ends at 27.8 Hz, 30 is needed"),
        (FREQUENCIES, np.where(FREQUENCIES == 10.0, np.nan, spectrum(2.0)), "no power"),
        (FREQUENCIES, np.zeros_like(FREQUENCIES), "no power"),
        (np.arange(0, 41.0, 2), np.ones(21), "15 frequencies"),
        (np.empty(0), np.empty(0), "ends at 0 Hz"),
    ],
)
def test_spectrum_that_cannot_carry_a_fit_is_not_measured(frequencies, density, reason):
    rows = summarize_aperiodic(frequencies, density, np.ones_like(density))

    assert set(rows) == {"aperiodic_exponent", "aperiodic_offset", "swa_above_aperiodic"}
    assert all(np.isnan(value) and reason in note for value, _, note in rows.values())


def test_low_passed_recording_is_not_measured():
    rows = summarize_aperiodic(FREQUENCIES, spectrum(2.0), SWA_WEIGHTS, passes_hz=highest_passed_hz(64.0))

    assert all(np.isnan(value) and "25.6 Hz, 30 is needed" in note for value, _, note in rows.values())


def test_range_of_the_fit_is_a_setting():
    kinked = np.where(FREQUENCIES < 12, spectrum(1.0), spectrum(3.0) * 12**2)

    low = summarize_aperiodic(FREQUENCIES, kinked, SWA_WEIGHTS, PowerSettings(aperiodic_hz=(1, 10)))
    high = summarize_aperiodic(FREQUENCIES, kinked, SWA_WEIGHTS, PowerSettings(aperiodic_hz=(15, 30)))

    assert low["aperiodic_exponent"][0] == pytest.approx(1.0, abs=1e-6)
    assert high["aperiodic_exponent"][0] == pytest.approx(3.0, abs=1e-6)


def test_high_exponent_needs_a_recording_that_holds_its_range():
    frequencies = np.arange(0, 60, 0.2)
    density = 100 / np.maximum(frequencies, 0.1) ** 2.7

    assert measure_high_exponent(frequencies, density, 256.0)[0] == pytest.approx(2.7, abs=1e-6)
    assert measure_high_exponent(frequencies, density, 256.0, 70.0)[0] == pytest.approx(2.7, abs=1e-6)
    for rate_hz, low_pass_hz, words in ((100.0, None, "at 100 Hz holds"), (256.0, 35.0, "with a low-pass at 35 Hz")):
        value, unit, note = measure_high_exponent(frequencies, density, rate_hz, low_pass_hz)
        assert np.isnan(value)
        assert unit == "1"
        assert words in note
    assert "ends at 40 Hz" in measure_high_exponent(frequencies[:201], density[:201], 256.0)[2]
    assert np.isnan(measure_high_exponent(frequencies, density, 256.0, 70.0, AperiodicSettings(low_pass_margin=2.0))[0])


def test_line_noise_does_not_pull_on_the_high_exponent():
    frequencies = np.arange(0, 60, 0.2)
    density = 100 / np.maximum(frequencies, 0.1) ** 2.0
    density[np.abs(frequencies - 42) < 0.5] *= 30

    assert measure_high_exponent(frequencies, density, 500.0)[0] == pytest.approx(2.0, abs=0.02)
