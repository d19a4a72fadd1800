"""Coupling of slow waves and spindles: at which phase of the slow wave sigma power is largest."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from swa.settings import CouplingSettings

DEGREES = "°"
UNITS = {"coupling_phase": DEGREES, "coupling_strength": "1", "coupling_z": "1"}
FILTER_ORDER = 2
SHIFT_S = (2.0, 10.0)  # how far from a wave the sigma of its surrogates is taken
SHIFTS = 20  # windows of each wave to draw surrogates from


@dataclass(frozen=True, kw_only=True)
class Coupling:
    """Phase around each slow wave of one channel, and where sigma is largest.

    Attributes
    ----------
    peaks_s : ndarray, shape (n_waves,)
        Negative peaks of the waves that could be used, s from the first sample.
    phases : ndarray of float32, shape (n_waves, n_samples)
        Phase in rad from `around_s` before to `around_s` after each negative peak: 0 at the positive peak.
    sigma_maximum : ndarray of int, shape (n_waves,)
        Column of the largest sigma amplitude of each wave.
    elsewhere : ndarray of int, shape (n_waves, n_shifts)
        The same in windows shifted at random, for surrogates.
    """

    peaks_s: NDArray[np.float64]
    phases: NDArray[np.float32] = field(repr=False)
    sigma_maximum: NDArray[np.int64] = field(repr=False)
    elsewhere: NDArray[np.int64] = field(repr=False)


def find_coupling(
    signal_uv: NDArray[np.floating],
    usable: NDArray[np.bool_],
    negative_peaks_s: NDArray[np.floating],
    rate_hz: float,
    settings: CouplingSettings | None = None,
) -> Coupling:
    """Phase and sigma maximum around the slow waves of one channel.

    Parameters
    ----------
    signal_uv : ndarray, shape (n_samples,)
        Signal, µV.
    usable : ndarray of bool, shape (n_samples,)
        Samples without artefact; a wave counts where all samples around it are usable.
    negative_peaks_s : ndarray, shape (n_waves,)
        Negative peaks of the slow waves, s.
    rate_hz : float
        Rate of the signal.
    settings : CouplingSettings, optional
        Bands and width.

    Notes
    -----
    Event-locked phase of the sigma maximum as in Staresina 2015 (Nat Neurosci 18:1679) and Helfrich 2018 (Neuron
    97:221), with the bands of YASA's ``coupling`` option (phase in 0.3-1.5 Hz, sigma 12-16 Hz). YASA couples only the
    waves of its own detector, so it does not fit here; the mathematics are those of `scipy.signal.hilbert`.
    """
    from scipy.fft import next_fast_len
    from scipy.signal import hilbert

    settings = settings or CouplingSettings()
    half = round(settings.around_s * rate_hz)
    centres = np.round(np.asarray(negative_peaks_s, dtype=float) * rate_hz).astype(int)
    blocked = np.concatenate(([0], np.cumsum(~usable)))
    inside = (centres >= half) & (centres + half < len(usable))
    first, end = np.clip(centres - half, 0, len(usable)), np.clip(centres + half + 1, 0, len(usable))
    kept = inside & (blocked[end] == blocked[first])
    centres = centres[kept]
    if not centres.size:
        nothing = np.empty((0, 2 * half + 1), np.float32)
        none = np.empty(0, int)
        return Coupling(peaks_s=np.empty(0), phases=nothing, sigma_maximum=none, elsewhere=np.empty((0, SHIFTS), int))
    n_fast = next_fast_len(len(signal_uv))  # a length with large prime factors would take minutes
    slow = hilbert(_band(signal_uv, settings.phase_hz, rate_hz), n_fast)
    fast = np.abs(hilbert(_band(signal_uv, settings.sigma_hz, rate_hz), n_fast))
    offsets = np.arange(-half, half + 1)
    around = centres[:, None] + offsets
    rng = np.random.default_rng(settings.seed)
    elsewhere = np.empty((len(centres), SHIFTS), int)
    for column in range(SHIFTS):
        shift = rng.uniform(*SHIFT_S, len(centres)) * rng.choice([-1, 1], len(centres)) * rate_hz
        shifted = np.clip(centres + np.round(shift).astype(int), half, len(fast) - half - 1)
        elsewhere[:, column] = fast[shifted[:, None] + offsets].argmax(axis=1)
    return Coupling(
        peaks_s=np.asarray(negative_peaks_s, dtype=float)[kept],
        phases=np.angle(slow[around]).astype(np.float32),
        sigma_maximum=fast[around].argmax(axis=1),
        elsewhere=elsewhere,
    )


def summarize_coupling(
    found: Coupling, inside: NDArray[np.bool_], settings: CouplingSettings | None = None
) -> dict[str, tuple[float, str, int, str]]:
    """Coupling over the waves of a stretch of the night.

    Parameters
    ----------
    found : Coupling
        From `find_coupling`.
    inside : ndarray of bool, shape (n_waves,)
        Which of its waves lie in the stretch.
    settings : CouplingSettings, optional
        Surrogates, their seed, and the fewest waves.

    Returns
    -------
    dict of str to (float, str, int, str)
        Value, unit, waves and note of `coupling_phase` (circular mean, -180 to 180°, 0 at the positive peak of the slow
        wave, ± 180 at the negative one), `coupling_strength` (mean resultant length, 0 to 1) and `coupling_z` (that
        strength in SD from surrogates in which each wave is given the place of the sigma maximum of a window 2-10 s
        away).

    Notes
    -----
    The strength alone is above 0 without any coupling, because phases around a negative peak are not uniform, maxima
    fall on the edges of a window more often than elsewhere, and waves are few; the surrogates have all three. Sigma
    maxima exchanged between waves would not do: where waves are alike, they keep the coupling that they are to break.
    """
    settings = settings or CouplingSettings()
    phases, maximum, elsewhere = found.phases[inside], found.sigma_maximum[inside], found.elsewhere[inside]
    n = len(maximum)
    if n < settings.fewest_waves:
        note = f"{n} slow waves with usable signal around them, {settings.fewest_waves} are needed"
        return {name: (float("nan"), unit, n, note) for name, unit in UNITS.items()}
    waves = np.arange(n)
    resultant = np.exp(1j * phases[waves, maximum].astype(float)).mean()
    rng = np.random.default_rng(settings.seed)
    surrogates = np.array(
        [
            abs(np.exp(1j * phases[waves, elsewhere[waves, rng.integers(0, SHIFTS, n)]].astype(float)).mean())
            for _ in range(settings.surrogates)
        ]
    )
    scatter = float(surrogates.std(ddof=1))
    values = {
        "coupling_phase": float(np.degrees(np.angle(resultant))),
        "coupling_strength": float(abs(resultant)),
        "coupling_z": (abs(resultant) - float(surrogates.mean())) / scatter if scatter > 0 else float("nan"),
    }
    return {name: (value, UNITS[name], n, "") for name, value in values.items()}


def circular_mean(degrees: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean direction over the first axis, in degrees from -180 to 180; what is NaN takes no part.

    Parameters
    ----------
    degrees : ndarray
        Phases.
    """
    turned = np.exp(1j * np.radians(np.asarray(degrees, dtype=float)))
    mean: NDArray[np.float64] = np.degrees(np.angle(np.nansum(turned, axis=0)))
    return mean


def _band(signal: NDArray[np.floating], band_hz: tuple[float, float], rate_hz: float) -> NDArray[np.float64]:
    from scipy.signal import butter, sosfiltfilt

    sos = butter(FILTER_ORDER, band_hz, "bandpass", fs=rate_hz, output="sos")
    padding = min(len(signal) - 1, round(2 * rate_hz / band_hz[0]))
    return sosfiltfilt(sos, np.asarray(signal, dtype=np.float64), padlen=padding)
