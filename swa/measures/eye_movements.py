"""Rapid eye movements of REM sleep, found by YASA in the left and the right EOG."""

import numpy as np
from numpy.typing import NDArray

from swa.settings import EyeMovementSettings

FLAT_S, FLAT_UV = 5.0, 0.5  # an eye that moves less than this for so long was not recorded
IN_REM, ELSEWHERE = 4, 0  # yasa's numbers of the stages


def usable_samples(signals_uv: NDArray[np.floating], rate_hz: float) -> NDArray[np.bool_]:
    """Samples at which both eyes were recorded: neither stands still for 5 s.

    Parameters
    ----------
    signals_uv : ndarray, shape (2, n_samples)
        The two eyes, µV.
    rate_hz : float
        Their rate.
    """
    length = round(FLAT_S * rate_hz)
    usable = np.ones(signals_uv.shape[1], dtype=bool)
    for start in range(0, signals_uv.shape[1], length):
        part = slice(start, start + length)
        usable[part] = bool((np.ptp(signals_uv[:, part], axis=1) >= FLAT_UV).all())
    return usable


def find_eye_movements(
    left_uv: NDArray[np.floating],
    right_uv: NDArray[np.floating],
    analysed: NDArray[np.bool_],
    rate_hz: float,
    settings: EyeMovementSettings | None = None,
) -> NDArray[np.float64]:
    """Peaks of the rapid eye movements, s from the first sample.

    Parameters
    ----------
    left_uv, right_uv : ndarray, shape (n_samples,)
        EOG of the left and of the right eye against the same reference, µV.
    analysed : ndarray of bool, shape (n_samples,)
        Usable samples of REM sleep.
    rate_hz : float
        Rate of the signals.
    settings : EyeMovementSettings, optional
        The detector.

    Notes
    -----
    `yasa.rem_detect` (after Agarwal 2005, IEEE Trans Biomed Eng 52:1390, and Yetton 2016, J Neurosci Methods 259:72):
    peaks of the negative product of the two eyes in 0.5-5 Hz. Both move against each other, so that slow waves and
    blinks, which both eyes see alike, are none. The limit is one of amplitude: a gain of the EOG moves the density.
    """
    import yasa

    settings = settings or EyeMovementSettings()
    if not analysed.any():
        return np.empty(0)
    found = yasa.rem_detect(
        left_uv,
        right_uv,
        rate_hz,
        hypno=np.where(analysed, IN_REM, ELSEWHERE),
        include=IN_REM,
        amplitude=settings.amplitude_uv,
        duration=settings.duration_s,
        relative_prominence=settings.prominence,
        freq_rem=settings.band_hz,
        verbose="error",
    )
    return np.empty(0) if found is None else found.summary()["Peak"].to_numpy(dtype=float)
