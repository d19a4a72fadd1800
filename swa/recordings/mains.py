"""Mains noise of a channel: what 50 or 60 Hz the cables pick up, a sign of a poor electrode contact."""

import numpy as np
from numpy.typing import NDArray

MAINS_HZ = (50.0, 60.0)
BESIDE_HZ = 3.0  # how far away the level of everything else is taken, on either side
BLOCK_S = 2.0  # a main lobe of 1 Hz, so that mains 0.1 Hz off are measured in full
HOP_S = 30.0  # one block of each half minute says enough about a night


def measure_mains(signal_uv: NDArray[np.floating], rate_hz: float) -> float:
    """RMS amplitude of the mains in a signal at its native rate, µV: that of 50 or of 60 Hz, the larger.

    Parameters
    ----------
    signal_uv : ndarray, shape (n_samples,)
        Signal in µV as recorded: resampling to 100 Hz takes the mains out.
    rate_hz : float
        Its rate, Hz.

    Returns
    -------
    float
        Median over blocks, less what stands 3 Hz above and below; NaN where the rate holds neither frequency, or the
        signal is shorter than a block.

    Notes
    -----
    The mains do not reach slow-wave activity, and no window is left out for them: they say that an electrode should be
    looked at.
    """
    length = round(BLOCK_S * rate_hz)
    held = [hz for hz in MAINS_HZ if hz + BESIDE_HZ < rate_hz / 2]
    if not held or len(signal_uv) < length:
        return float("nan")
    blocks = np.lib.stride_tricks.sliding_window_view(signal_uv, length)[:: round(HOP_S * rate_hz)]
    window = np.hanning(length)
    time_s = np.arange(length) / rate_hz
    frequencies_hz = np.array([[hz, hz - BESIDE_HZ, hz + BESIDE_HZ] for hz in held])
    waves = window[:, None] * np.exp(-2j * np.pi * time_s[:, None] * frequencies_hz.ravel())
    # Mean square of the sine that would give this coefficient.
    power = 2 * np.abs((blocks - blocks.mean(axis=1, keepdims=True)) @ waves) ** 2 / window.sum() ** 2
    of_mains, below, above = np.median(power, axis=0).reshape(frequencies_hz.shape).T
    return float(np.sqrt(np.maximum(of_mains - (below + above) / 2, 0.0).max()))
