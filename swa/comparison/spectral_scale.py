"""By which factor all frequencies of one spectrum lie lower than those of another: what a wrong sampling rate does."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CENTRE_HZ = (7.0, 17.0)  # what is held against each other: the peaks of alpha and sigma, and what lies between
LARGEST = 0.4  # ln of the factor
_STEP = 0.005
_MARGIN = round(LARGEST / 2 / _STEP)
_GRID = np.arange(np.log(CENTRE_HZ[0]) - LARGEST / 2, np.log(CENTRE_HZ[1]) + LARGEST / 2, _STEP)  # ln Hz
HIGHEST_HZ = float(np.exp(_GRID[-1]))
_CENTRES = np.arange(_MARGIN, len(_GRID) - _MARGIN, 4)
_HALVES = np.arange(-_MARGIN, _MARGIN + 1)


def shape_of(frequencies_hz: Floats, density: Floats) -> Floats | None:
    """A spectrum on the grid that `compare_shapes` takes; None where it has not all of it."""
    inside = (frequencies_hz > 0) & (frequencies_hz <= HIGHEST_HZ + 1)
    if frequencies_hz[-1] < HIGHEST_HZ or not (density[inside] > 0).all():
        return None
    return np.interp(_GRID, np.log(frequencies_hz[inside]), np.log(density[inside]))


def compare_shapes(one: Floats, other: Floats) -> tuple[float, float]:
    """By which factor the frequencies of one spectrum lie lower, and how much better they fit so than as they are.

    Parameters
    ----------
    one, other : ndarray
        From `shape_of`.

    Returns
    -------
    factor : float
        Above 1 where `one` was played slower.
    gain : float
        Mean square of what is left of their difference as they are over that with this factor, each time less what a
        gain and a steeper or flatter spectrum make of it.
    """
    moved = one[_CENTRES - _HALVES[:, None]] - other[_CENTRES + _HALVES[:, None]]
    line = np.stack([np.ones(len(_CENTRES)), _GRID[_CENTRES]], axis=1)
    left = moved - moved @ line @ np.linalg.pinv(line)
    squares = np.asarray((left**2).mean(axis=1))
    best = int(np.argmin(squares))
    if squares[best] == 0:
        return 1.0, 1.0
    return float(np.exp(2 * _HALVES[best] * _STEP)), float(squares[_MARGIN] / squares[best])
