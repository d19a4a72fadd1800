"""The aperiodic part of a mean spectrum: a line in the log-log plane that peaks do not pull on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swa.settings import AperiodicSettings, Band, PowerSettings

FEWEST_BINS = 20
MOST_STEPS = 100
SAME_EXPONENT = 1e-5
# Scatter that a float32 spectrum has by rounding alone.
SMALLEST_SCATTER = 1e-5
BENDS = 0.05  # share of SWA that the line may lie above the spectrum, by noise alone
UNITS = {"aperiodic_exponent": "1", "aperiodic_offset": "log10 µV²/Hz", "swa_above_aperiodic": "µV²"}


@dataclass(frozen=True, kw_only=True)
class AperiodicFit:
    """Density = 10^offset / f^exponent, f in Hz.

    Attributes
    ----------
    exponent : float
        Positive where the spectrum falls; NaN where nothing was fitted.
    offset : float
        log10 of the density in µV²/Hz at 1 Hz.
    band_hz : tuple of float
        Range of the fit.
    n_frequencies : int
        Frequencies in the range.
    reason : str
        Why nothing was fitted; empty where something was.
    """

    exponent: float
    offset: float
    band_hz: Band
    n_frequencies: int
    reason: str = ""

    def density(self, frequencies_hz: NDArray[np.floating]) -> NDArray[np.float64]:
        """Density of the fit in µV²/Hz; infinite at 0 Hz, and an extrapolation outside `band_hz`."""
        with np.errstate(divide="ignore"):
            return 10**self.offset * np.asarray(frequencies_hz, dtype=float) ** -self.exponent


def fit_aperiodic(
    frequencies_hz: NDArray[np.floating],
    density_uv2_hz: NDArray[np.floating],
    band_hz: Band,
    settings: AperiodicSettings | None = None,
) -> AperiodicFit:
    """Fit the aperiodic part of a mean spectrum.

    Parameters
    ----------
    frequencies_hz : ndarray, shape (n_frequencies,)
        Evenly spaced, Hz.
    density_uv2_hz : ndarray, shape (n_frequencies,)
        Mean density of a stretch, µV²/Hz.
    band_hz : tuple of float
        Range of the fit, Hz.
    settings : AperiodicSettings, optional
        `stands_out`.

    Returns
    -------
    AperiodicFit
        NaN with the reason where the spectrum does not reach over the range, or has no power in it.

    Notes
    -----
    The model is that of Donoghue 2020 (Nat Neurosci 23:1655) without a knee. Its peaks are not modelled but left out:
    starting from the frequencies below the least-squares line, a line is fitted again and again with weights that
    fall, as a Gaussian, with the distance above `stands_out` scatters over the line, where the scatter is that of the
    frequencies below the line, which no peak lifts. Frequencies weigh equally on the linear scale, as in specparam.

    Instead of specparam: it has no final release and fooof is given up; on spectra of a few windows it takes 15-30 ms,
    because it fits noise as peaks, and its exponent then scatters twice as much (`benchmarks/aperiodic.py`). On mean
    spectra of NREM the two agree within 0.1, mostly 0.03. A broad beta peak lowers this exponent by 0.06, that of
    specparam by 0.03; a peak at 2.5 Hz raises it by 0.006 over a night and by 0.1 over a minute.

    What lowers the exponent: wake and REM, muscle, a high noise floor. What raises it: deep sleep, delta below 4 Hz
    where it stands high (the fit starts at 1 Hz), a low-pass within the range. A gain g adds log10 g² to the offset.
    """
    return fit_spectra(frequencies_hz, np.asarray(density_uv2_hz)[np.newaxis], band_hz, settings)[0]


def fit_spectra(
    frequencies_hz: NDArray[np.floating],
    densities_uv2_hz: NDArray[np.floating],
    band_hz: Band,
    settings: AperiodicSettings | None = None,
) -> list[AperiodicFit]:
    """Fit the aperiodic parts of several spectra at once, each for itself as by `fit_aperiodic`.

    Parameters
    ----------
    frequencies_hz : ndarray, shape (n_frequencies,)
        Evenly spaced, Hz.
    densities_uv2_hz : ndarray, shape (n_spectra, n_frequencies)
        Mean densities, µV²/Hz.
    band_hz, settings
        As of `fit_aperiodic`.
    """
    settings = settings or AperiodicSettings()
    low, high = band_hz
    frequencies = np.asarray(frequencies_hz, dtype=float)
    inside = (frequencies >= low - 1e-9) & (frequencies <= high + 1e-9) & (frequencies > 0)
    densities = np.asarray(densities_uv2_hz, dtype=float)[:, inside]
    n = densities.shape[1]
    known = np.isfinite(densities).all(axis=1) & (densities > 0).all(axis=1)
    reason = f"no power at some frequency from {low:g} to {high:g} Hz"
    if not len(frequencies) or frequencies[-1] < high - 1e-9:
        reason = f"the spectrum ends at {frequencies[-1] if len(frequencies) else 0:g} Hz, {high:g} is needed"
        known[:] = False
    elif n < FEWEST_BINS:
        reason = f"{n} frequencies from {low:g} to {high:g} Hz, {FEWEST_BINS} are needed"
        known[:] = False
    nothing = AperiodicFit(exponent=np.nan, offset=np.nan, band_hz=band_hz, n_frequencies=0, reason=reason)
    fits = [nothing] * len(densities)
    if known.any():
        lines = _robust_lines(np.log10(frequencies[inside]), np.log10(densities[known]), settings.stands_out)
        for i, slope, intercept in zip(np.flatnonzero(known), *lines, strict=True):
            fits[i] = AperiodicFit(exponent=-float(slope), offset=float(intercept), band_hz=band_hz, n_frequencies=n)
    return fits


def summarize_aperiodic(
    frequencies_hz: NDArray[np.floating],
    density_uv2_hz: NDArray[np.floating],
    swa_weights: NDArray[np.floating],
    power_settings: PowerSettings | None = None,
    settings: AperiodicSettings | None = None,
    passes_hz: float = np.inf,
    fit: AperiodicFit | None = None,
) -> dict[str, tuple[float, str, str]]:
    """Aperiodic measures of the mean spectrum of one channel and stretch.

    Parameters
    ----------
    frequencies_hz : ndarray, shape (n_frequencies,)
        Evenly spaced, Hz.
    density_uv2_hz : ndarray, shape (n_frequencies,)
        Mean density, µV²/Hz.
    swa_weights : ndarray, shape (n_frequencies,)
        Weights that integrate a density over the SWA band (`swa.measures.power.band_weights`).
    power_settings : PowerSettings, optional
        `aperiodic_hz`, the range of the fit.
    settings : AperiodicSettings, optional
        How peaks are left out.
    passes_hz : float
        Highest frequency that the recording holds unweakened: see `highest_passed_hz`.
    fit : AperiodicFit, optional
        The fit of this spectrum, where it was made with others (`fit_spectra`).

    Returns
    -------
    dict of str to (float, str, str)
        Value, unit and note of `aperiodic_exponent`, `aperiodic_offset` (log10 µV²/Hz at 1 Hz) and
        `swa_above_aperiodic`: SWA minus the integral of the fit over the same band by the same rule, µV². It can be
        zero or negative.

    Notes
    -----
    From 0.5 to 1 Hz the fit is extrapolated. Above the line: true slow waves, sweat, and 10 to 20 % of leakage that a
    5-s Hann window adds to 0.5-1 Hz. Below it: a high-pass at 0.3 Hz or more, and a fit that delta has made steeper.
    A gain g multiplies it by g²; it is no protection against a change of gain.
    """
    power_settings = power_settings or PowerSettings()
    low, high = power_settings.aperiodic_hz
    if passes_hz < high:
        note = f"the recording holds frequencies up to {passes_hz:g} Hz, {high:g} is needed"
        return {name: (np.nan, unit, note) for name, unit in UNITS.items()}
    fit = fit or fit_aperiodic(frequencies_hz, density_uv2_hz, (low, high), settings)
    if fit.reason:
        return {name: (np.nan, unit, fit.reason) for name, unit in UNITS.items()}
    taken = np.asarray(swa_weights) != 0
    frequencies, density = np.asarray(frequencies_hz)[taken], np.asarray(density_uv2_hz, dtype=float)[taken]
    if np.isfinite(density).all() and (frequencies > 0).all():
        above = float((density - fit.density(frequencies)) @ np.asarray(swa_weights)[taken])
        note = ""
        if above < -BENDS * float(density @ np.asarray(swa_weights)[taken]):
            # Not a small amount of slow waves: the spectrum bends below the range of the line, which runs above it.
            above, note = np.nan, "the line lies above the spectrum in the SWA band: it does not hold below its range"
    else:
        above, note = np.nan, "the spectrum does not hold the SWA band, or the band begins at 0 Hz"
    values = {
        "aperiodic_exponent": (fit.exponent, ""),
        "aperiodic_offset": (fit.offset, ""),
        "swa_above_aperiodic": (above, note),
    }
    return {name: (value, UNITS[name], note) for name, (value, note) in values.items()}


def measure_high_exponent(
    frequencies_hz: NDArray[np.floating],
    density_uv2_hz: NDArray[np.floating],
    native_rate_hz: float,
    low_pass_hz: float | None = None,
    settings: AperiodicSettings | None = None,
) -> tuple[float, str, str]:
    """Aperiodic exponent over 30-45 Hz, a marker of arousal level.

    Parameters
    ----------
    frequencies_hz, density_uv2_hz : ndarray, shape (n_frequencies,)
        Mean density of a stretch **at the native rate**: resampling to 100 Hz takes 14 % off the power at 45 Hz, which
        alone would raise the exponent.
    native_rate_hz : float
        Rate of the recording, Hz.
    low_pass_hz : float, optional
        Low-pass of the recording, Hz, where its header names one.
    settings : AperiodicSettings, optional
        `high_hz` and `low_pass_margin`.

    Returns
    -------
    float, str, str
        Exponent, unit and note: NaN with the reason where the recording cannot hold the range.

    Notes
    -----
    Lendner 2020 (eLife 9:e55092); Kozhemiako 2022 (eNeuro 9(5), ENEURO.0094-22.2022). A low-pass of first order at
    70 Hz raises the exponent by 0.44 and one at 100 Hz by 0.24, so recordings compare only under equal filters. Muscle
    and amplifier noise lower it towards 0.
    """
    settings = settings or AperiodicSettings()
    passes_hz = highest_passed_hz(native_rate_hz, low_pass_hz, settings)
    low, high = settings.high_hz
    if passes_hz < high:
        source = f"{native_rate_hz:g} Hz" + ("" if low_pass_hz is None else f" with a low-pass at {low_pass_hz:g} Hz")
        note = f"a recording at {source} holds frequencies up to {passes_hz:.3g} Hz, {high:g} is needed"
        return np.nan, "1", note
    fit = fit_aperiodic(frequencies_hz, density_uv2_hz, (low, high), settings)
    return fit.exponent, "1", fit.reason


def highest_passed_hz(
    native_rate_hz: float, low_pass_hz: float | None = None, settings: AperiodicSettings | None = None
) -> float:
    """Highest frequency that a recording holds unweakened: below its low-pass, and 0.4 of its rate at most.

    Parameters
    ----------
    native_rate_hz : float
        Rate of the recording, Hz.
    low_pass_hz : float, optional
        Its low-pass, Hz, where known.
    settings : AperiodicSettings, optional
        `low_pass_margin`, by which the low-pass must lie higher.
    """
    settings = settings or AperiodicSettings()
    limit_hz = 0.4 * native_rate_hz
    return limit_hz if low_pass_hz is None else min(limit_hz, low_pass_hz / settings.low_pass_margin)


def _robust_lines(
    x: NDArray[np.float64], y: NDArray[np.float64], stands_out: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slope and intercept of the line of each row of `y` that upward outliers do not pull on."""
    slope, intercept = _weighted_lines(x, y, np.ones_like(y))
    below = (y <= intercept[:, np.newaxis] + slope[:, np.newaxis] * x).astype(float)
    below[below.sum(axis=1) <= 2] = 1.0  # points on one line: rounding decides which of them lie below it
    slope, intercept = _weighted_lines(x, y, below)
    moving = np.arange(len(y))
    for _ in range(MOST_STEPS):
        residual = y[moving] - intercept[moving, np.newaxis] - slope[moving, np.newaxis] * x
        under = np.minimum(residual, 0.0)
        n_under = np.maximum(np.count_nonzero(under, axis=1), 1)
        scatter = np.maximum(np.sqrt((under**2).sum(axis=1) / n_under), SMALLEST_SCATTER)
        weights = np.exp(-(np.maximum(residual / scatter[:, np.newaxis] - stands_out, 0) ** 2) / 2)
        previous = slope[moving]
        slope[moving], intercept[moving] = _weighted_lines(x, y[moving], weights)
        moving = moving[np.abs(slope[moving] - previous) >= SAME_EXPONENT]
        if not len(moving):
            break
    return slope, intercept


def _weighted_lines(
    x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    total = weights.sum(axis=1)
    mean_x, mean_y = (weights * x).sum(axis=1) / total, (weights * y).sum(axis=1) / total
    from_mean = x - mean_x[:, np.newaxis]
    weighted = weights * from_mean
    slope = (weighted * (y - mean_y[:, np.newaxis])).sum(axis=1) / (weighted * from_mean).sum(axis=1)
    return slope, mean_y - slope * mean_x
