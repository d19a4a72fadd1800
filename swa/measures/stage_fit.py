"""How well a scoring lies on its EEG: what stages explain of depth of sleep, where they lie and moved in time.

A scoring of another night, or one whose clock is not the recording's, lies beside the EEG that it names.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate

from swa.tables.night_document import StageFit

STAGES = ("W", "N1", "N2", "N3", "R")
STEP_S = 30.0  # shorter epochs are looked at in steps of this
FARTHEST_MIN = 30.0  # that stages are moved
LEAST_MIN = 120.0  # of scored EEG; a nap has no two cycles that could tell one place from another
_DRIFT_ORDER = 3  # of the polynomial taken off: a drug or a drying electrode moves the EEG of all stages for hours


def measure_stage_fit(stages: NDArray[np.str_], depth: NDArray[np.floating], epoch_s: float) -> StageFit | None:
    """Hold stages against the depth of sleep that the EEG shows, as they lie and moved.

    Parameters
    ----------
    stages : ndarray of str, shape (n_epochs,)
        ``W``, ``N1``, ``N2``, ``N3``, ``R``; any other is not looked at.
    depth : ndarray, shape (n_epochs,)
        ln of power at slow frequencies over that at fast ones; NaN where it is not known.
    epoch_s : float
        Length of an epoch in s.

    Returns
    -------
    StageFit or None
        Shares of the variance, 0 to 1; None with fewer than `LEAST_MIN` of scored EEG, or fewer than two stages.

    Notes
    -----
    The share is the eta squared of an analysis of variance: no order of the stages is asked of the EEG.
    """
    step = max(round(STEP_S / epoch_s), 1)
    stages, depth = stages[::step], np.asarray(depth[::step], dtype=float)
    step_s = step * epoch_s
    known, scored = np.isfinite(depth), np.isin(stages, STAGES)
    both = known & scored
    if both.sum() * step_s < LEAST_MIN * 60 or len(np.unique(stages[both])) < 2:
        return None
    place = np.linspace(-1, 1, len(depth))
    flat = np.where(known, depth - np.polyval(np.polyfit(place[known], depth[known], _DRIFT_ORDER), place), 0.0)
    most = int(min(FARTHEST_MIN * 60 / step_s, len(depth) // 4))
    explained = _explained(stages, flat, known, most)
    best = int(np.nanargmax(explained))
    return {
        "explained": round(float(explained[most]), 4),
        "best": round(float(explained[best]), 4),
        "best_min": (best - most) * step_s / 60,
    }


def _explained(
    stages: NDArray[np.str_], depth: NDArray[np.float64], known: NDArray[np.bool_], most: int
) -> NDArray[np.float64]:
    """Eta squared with the stages moved by -`most` to `most` epochs; `depth` is 0 where it is not known."""

    def moved(values: NDArray[np.generic], epochs: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Sum of values at the epochs, moved."""
        found = correlate(values.astype(float), epochs.astype(float), mode="full", method="fft")
        middle = len(epochs) - 1
        return np.asarray(found[middle - most : middle + most + 1])

    scored = np.isin(stages, STAGES)
    n, total, squares = moved(known, scored), moved(depth, scored), moved(depth**2, scored)
    between = np.zeros(2 * most + 1)
    for stage in STAGES:
        epochs = stages == stage
        count, own = np.round(moved(known, epochs)), moved(depth, epochs)
        between += np.divide(own**2, count, out=np.zeros_like(own), where=count > 0)
    mean_square = total**2 / n
    return (between - mean_square) / (squares - mean_square)
