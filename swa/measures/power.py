"""Spectra and band powers: 5-s Hann windows → 30-s epochs → stretches of the night."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swa.settings import Band, PowerSettings

CHUNK = 512  # windows that are gone through at once: what a core's own cache holds
EPOCHS = 32  # the same of epochs, with all of their windows
BELOW_BAND_HZ = (0.2, 0.5)


@dataclass(frozen=True, kw_only=True)
class WindowSpectra:
    """Spectra of overlapping windows of one channel.

    Attributes
    ----------
    starts : ndarray of int, shape (n_windows,)
        First sample of each window.
    length : int
        Samples of a window.
    frequencies_hz : ndarray, shape (n_frequencies,)
        From 0 Hz up.
    density : ndarray of float32, shape (n_windows, n_frequencies)
        One-sided power spectral density in µV²/Hz.
    """

    starts: NDArray[np.int64]
    length: int
    frequencies_hz: NDArray[np.floating]
    density: NDArray[np.float32]

    def band_power(self, band_hz: Band) -> NDArray[np.float64]:
        """Power of each window in a band, µV²."""
        weights = band_weights(self.frequencies_hz, band_hz)
        held = np.flatnonzero(weights)  # few of the columns: the others need not be made float64
        columns = slice(held[0], held[-1] + 1) if held.size else slice(0)
        return self.density[:, columns] @ weights[columns]


def compute_window_spectra(
    signal_uv: NDArray[np.float32], rate_hz: float, settings: PowerSettings | None = None
) -> WindowSpectra:
    """Periodograms of overlapping Hann windows (Welch 1967), each with its mean taken off.

    Parameters
    ----------
    signal_uv : ndarray, shape (n_samples,)
        Signal in µV.
    rate_hz : float
        Its rate.
    settings : PowerSettings, optional
        Window length, overlap and the highest frequency that is kept.

    Returns
    -------
    WindowSpectra
        Windows on a grid from the first sample on, whatever the stages and artefacts: those select windows later.

    Notes
    -----
    A 5-s Hann window leaks from below: on a spectrum that falls as 1/f² the band 0.5-1 Hz reads 10 % high when a steep
    high-pass ends it at 0.3 Hz and 21 % when it goes on to 0.1 Hz (`benchmarks/known_spectra.py`).
    A baseline that wanders below 0.1 Hz leaks too: with an SD of 300 µV it raises SWA of real recordings by 12 to 30 %.
    With `trend_order` 2 a parabola fitted under the taper is taken off as well: it leaves 0.5 % of that, moves the SWA
    of recordings as they are by 0.5 % at most (of 1/f² noise down to 0.1 Hz by 4 %, all of it leak), and nothing from
    0.8 Hz up; the third order would take off true slow waves (2 %). It is not the default, since published work
    takes off the mean alone; nights that drift are told by their verdict.
    It is local where a high-pass is not: one at 0.15 Hz rings around steps of 10 mV and raises the clean windows beside
    them by 3 to 14 %.
    """
    from scipy.fft import rfft
    from scipy.signal.windows import hann

    settings = settings or PowerSettings()
    length = round(settings.window_s * rate_hz)
    hop = max(1, round(length * (1 - settings.overlap)))
    frequencies = np.fft.rfftfreq(length, 1 / rate_hz)
    frequencies = frequencies[frequencies <= settings.highest_hz + 1e-9]
    starts = np.arange(0, len(signal_uv) - length + 1, hop)
    density = np.empty((len(starts), len(frequencies)), np.float32)
    taper = hann(length, sym=False).astype(np.float32)
    scale = np.float32(2 / (rate_hz * np.sum(taper.astype(float) ** 2)))
    trend = _trends(taper, settings.trend_order)
    if len(starts):
        windows = np.lib.stride_tricks.sliding_window_view(signal_uv, length)[::hop]
        for first in range(0, len(starts), CHUNK):
            part = windows[first : first + CHUNK]
            tapered = (part - part.mean(axis=1, keepdims=True)) * taper
            if settings.trend_order:
                tapered -= (tapered @ trend) @ trend.T
            spectrum = rfft(tapered, axis=1)[:, : len(frequencies)]
            density[first : first + CHUNK] = (spectrum.real**2 + spectrum.imag**2) * scale
    density[:, 0] /= 2  # 0 Hz has no negative twin, nor has half the rate
    if length % 2 == 0 and frequencies[-1] > (rate_hz - rate_hz / length) / 2:
        density[:, -1] /= 2
    return WindowSpectra(starts=starts, length=length, frequencies_hz=frequencies, density=density)


def _trends(taper: NDArray[np.float32], order: int) -> NDArray[np.float32]:
    """Orthonormal basis of the tapered polynomials up to an order, (length, order + 1); empty for order 0."""
    if not order:
        return np.empty((len(taper), 0), np.float32)
    polynomials = np.polynomial.legendre.legvander(np.linspace(-1, 1, len(taper)), order)
    basis, _ = np.linalg.qr(polynomials * taper[:, None])
    return np.asarray(basis, dtype=np.float32)


def band_weights(frequencies_hz: NDArray[np.floating], band_hz: Band) -> NDArray[np.float64]:
    """Weights that integrate a density over a band: trapezoid with linearly interpolated edges.

    Parameters
    ----------
    frequencies_hz : ndarray, shape (n_frequencies,)
        Evenly spaced, from 0 Hz up.
    band_hz : tuple of float
        Lower and upper edge.

    Returns
    -------
    ndarray, shape (n_frequencies,)
        `density @ weights` is the power in µV². NaN where the band reaches beyond the frequencies.
    """
    return _cached_weights(len(frequencies_hz), float(frequencies_hz[1] - frequencies_hz[0]), band_hz)


@functools.lru_cache(maxsize=64)
def _cached_weights(n: int, step: float, band_hz: Band) -> NDArray[np.float64]:
    low, high = band_hz
    frequencies = np.arange(n) * step
    weights = np.zeros(n)
    if high > frequencies[-1] + 1e-9:
        weights += np.nan
    else:
        left = np.clip((low - frequencies[:-1]) / step, 0, 1)
        right = np.clip((high - frequencies[:-1]) / step, 0, 1)
        # Integral of the linear interpolant between `left` and `right` of each step, split over the step's two ends.
        upper = (right**2 - left**2) / 2 * step
        weights[:-1] += (right - left) * step - upper
        weights[1:] += upper
    weights.flags.writeable = False
    return weights


def below_band_share(density: NDArray[np.floating], frequencies_hz: NDArray[np.floating], swa_hz: Band) -> float | None:
    """Power at 0.2-0.5 Hz over slow-wave activity, of a mean spectrum: what sweat and drift have left in it.

    It is 0.01-0.11 in clean recordings. A 5-s window cannot tell it from slow waves: about 0.9 of an excess at
    0.1-0.5 Hz leaks into the band from 0.5 Hz. Leaving the windows out where it is large makes matters worse, for they
    are those with the smallest slow waves. None where it cannot be measured.
    """
    power, below = (float(density @ band_weights(frequencies_hz, band)) for band in (swa_hz, BELOW_BAND_HZ))
    return round(below / power, 4) if power > 0 else None


def spectrum_form(
    density: NDArray[np.floating], frequencies_hz: NDArray[np.floating], settings: PowerSettings
) -> dict[str, float | None]:
    """What tells EEG in NREM from another signal: its size, and a spectrum that falls.

    Parameters
    ----------
    density : ndarray, shape (n_frequencies,)
        Mean NREM spectrum of a channel, µV²/Hz.
    frequencies_hz : ndarray
        Its frequencies.
    settings : PowerSettings
        Bands.

    Returns
    -------
    dict
        `slow_uv`: rms of slow-wave activity, µV; `fall`: mean density of the delta band over that of the beta band.
        11-52 µV and 139-1087 in 13 real channels (`benchmarks/not_eeg.py`). None where they are not known.
    """
    slow, delta, beta = (
        float(density @ band_weights(frequencies_hz, (low, high))) / (high - low)
        for low, high in (settings.swa_hz, settings.delta_hz, settings.beta_hz)
    )
    slow_uv = np.sqrt(slow * (settings.swa_hz[1] - settings.swa_hz[0]))
    return {
        "slow_uv": round(float(slow_uv), 2) if slow > 0 else None,
        "fall": round(delta / beta, 2) if beta > 0 else None,
    }


def assign_windows(
    spectra: WindowSpectra, stage_codes: NDArray[np.int64], epoch_s: float, rate_hz: float
) -> NDArray[np.int64]:
    """Epoch of each window: the one that holds its centre; -1 where the window touches more than one stage.

    Parameters
    ----------
    spectra : WindowSpectra
        The windows.
    stage_codes : ndarray of int, shape (n_epochs,)
        Any code of the stage of each epoch.
    epoch_s, rate_hz : float
        Length of an epoch, rate of the signal.
    """
    samples_per_epoch = epoch_s * rate_hz
    centre = ((spectra.starts + spectra.length / 2) / samples_per_epoch + 1e-9).astype(int)
    first = (spectra.starts / samples_per_epoch + 1e-9).astype(int)
    last = ((spectra.starts + spectra.length) / samples_per_epoch - 1e-9).astype(int)
    inside = last < len(stage_codes)
    changes = np.concatenate(([0], np.cumsum(np.diff(stage_codes) != 0)))
    one_stage = np.zeros(len(centre), bool)
    one_stage[inside] = changes[first[inside]] == changes[last[inside]]
    return np.where(one_stage, centre, -1)


def average_by_epoch(
    spectra: WindowSpectra, window_epochs: NDArray[np.int64], n_epochs: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Arithmetic mean spectrum of each epoch over its windows.

    Parameters
    ----------
    spectra : WindowSpectra
        The windows.
    window_epochs : ndarray of int, shape (n_windows,)
        Epoch of each window, -1 for windows to leave out.
    n_epochs : int
        Epochs of the night.

    Returns
    -------
    density : ndarray of float32, shape (n_epochs, n_frequencies)
        µV²/Hz; NaN for epochs without a window.
    n_windows : ndarray of int, shape (n_epochs,)
        Windows that each rests on.
    """
    kept = np.flatnonzero(window_epochs >= 0)
    epochs = window_epochs[kept]
    counts = np.bincount(epochs, minlength=n_epochs)
    density = np.full((n_epochs, spectra.density.shape[1]), np.nan, np.float32)
    if kept.size:
        borders = np.append(np.flatnonzero(np.diff(epochs, prepend=-1)), len(kept))
        for first in range(0, len(borders) - 1, EPOCHS):
            *begins, end = borders[first : first + EPOCHS + 1]
            sums = np.add.reduceat(spectra.density[kept[begins[0] : end]], np.array(begins) - begins[0], axis=0)
            density[epochs[begins]] = sums / counts[epochs[begins], None]
    return density, counts


def summarize_power(
    density: NDArray[np.float32],
    frequencies_hz: NDArray[np.floating],
    settings: PowerSettings,
    nrem_s: float,
    *,
    median: bool = False,
) -> dict[str, tuple[float, str]]:
    """Band powers of a stretch of the night from the spectra of its epochs.

    Parameters
    ----------
    density : ndarray, shape (n_epochs, n_frequencies)
        Spectra of the epochs that are taken, without NaN, µV²/Hz.
    frequencies_hz : ndarray, shape (n_frequencies,)
        Their frequencies.
    settings : PowerSettings
        Bands.
    nrem_s : float
        Time that `swa_energy` is summed over, in s; the whole stretch, so that losses to artefacts do not count.
    median : bool
        Median over epochs instead of mean: for stage-free stretches, where a mean would take in movement.

    Returns
    -------
    dict of str to (float, str)
        Value and unit by measure: `swa`, `slow_oscillation_power`, `delta_power`, ..., `swa_relative`, `swa_energy`.
    """
    # The mean spectrum has the mean of the powers; the median has to be taken over powers.
    spectra = density if median else density.mean(axis=0, keepdims=True, dtype=float)
    bands_hz = settings.bands_hz | {"total": settings.total_hz}
    powers = {
        name: float(np.median(power) if median else power[0])
        for name, power in epoch_powers(spectra, frequencies_hz, bands_hz).items()
    }
    total = powers.pop("total")
    rows: dict[str, tuple[float, str]] = {name: (value, "µV²") for name, value in powers.items()}
    rows["swa_relative"] = (powers["swa"] / total if total > 0 else float("nan"), "1")
    if not median:
        rows["swa_energy"] = (powers["swa"] * nrem_s, "µV²·s")
    return rows


def epoch_powers(
    density: NDArray[np.float32], frequencies_hz: NDArray[np.floating], bands_hz: Mapping[str, Band]
) -> dict[str, NDArray[np.float64]]:
    """Band powers of every epoch, µV²; NaN for epochs without a spectrum."""
    return {name: density @ band_weights(frequencies_hz, band) for name, band in bands_hz.items()}
