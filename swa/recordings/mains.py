"""Mains noise of a channel: what 50 or 60 Hz the cables pick up, a sign of a poor electrode contact."""

import functools

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MAINS_HZ = (50.0, 60.0)
BESIDE_HZ = 3.0  # how far away the level of everything else is taken, on either side
BLOCK_S = 2.0  # a main lobe of 1 Hz, so that mains 0.1 Hz off are measured in full
HOP_S = 30.0  # one block of each half minute says enough about a night


def mains_power(signal: NDArray[np.floating], rate_hz: float) -> NDArray[np.float64]:
    """Mean square of what stands at each mains frequency, and 3 Hz below and above, in a block about every half minute.

    Parameters
    ----------
    signal : ndarray, shape (n_samples,)
        Signal at its native rate: resampling to 100 Hz takes the mains out.
    rate_hz : float
        Its rate, Hz.

    Returns
    -------
    ndarray, shape (n_blocks, n_mains, 3)
        In the unit of the signal, squared; without mains where the rate holds none, without blocks where the signal is
        shorter than one.
    """
    length, hop = round(BLOCK_S * rate_hz), round(HOP_S * rate_hz)
    held = [hz for hz in MAINS_HZ if hz + BESIDE_HZ < rate_hz / 2]
    if not held or len(signal) < length:
        return np.empty((0, len(held), 3))
    blocks = np.array([signal[first : first + length] for first in range(0, len(signal) - length + 1, hop)])
    blocks -= blocks.mean(axis=1, keepdims=True)
    cosines, sines, total = _waves(length, rate_hz, tuple(held))
    # Mean square of the sine that would give these coefficients.
    power = 2 * ((blocks @ cosines) ** 2 + (blocks @ sines) ** 2) / total**2
    return power.reshape(len(blocks), len(held), 3)


def mains_amplitude(power: NDArray[np.float64]) -> float:
    """RMS amplitude of the mains, of 50 or of 60 Hz, the larger.

    Parameters
    ----------
    power : ndarray, shape (n_blocks, n_mains, 3)
        From `mains_power`.

    Returns
    -------
    float
        Median over blocks, less what stands 3 Hz above and below; NaN without blocks.

    Notes
    -----
    The mains do not reach slow-wave activity, and no window is left out for them: they say that an electrode should be
    looked at.
    """
    if not power.size:
        return float("nan")
    of_mains, below, above = np.median(power, axis=0).T
    return float(np.sqrt(np.maximum(of_mains - (below + above) / 2, 0.0).max()))


@functools.cache
def _waves(length: int, rate_hz: float, held: tuple[float, ...]) -> tuple[Floats, Floats, float]:
    """Windowed cosines and sines of each frequency, side by side, and the sum of the window."""
    window = np.hanning(length)
    frequencies_hz = np.array([[hz, hz - BESIDE_HZ, hz + BESIDE_HZ] for hz in held])
    phases = 2 * np.pi * (np.arange(length) / rate_hz)[:, None] * frequencies_hz.ravel()
    return window[:, None] * np.cos(phases), window[:, None] * np.sin(phases), float(window.sum())
