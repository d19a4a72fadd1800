"""How precisely a night tells its own mean: a local block bootstrap over its epochs.

Epochs that follow each other are alike, so they are drawn in blocks (Künsch 1989, Ann Stat 17:1217). A night has a
course, the build-up of each cycle and the fall from cycle to cycle, which is no chance, so each block is drawn from
near its own place (Paparoditis & Politis 2002, C R Acad Sci Paris I 335:959): with blocks from anywhere in the night
the error is too large by half and more. It says what another draw of the *same* night would give. Another night differs
by more.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST_BLOCKS = 5  # fewer leave too few different draws


def draw_blocks(n_epochs: int, block: int, reach: int, draws: int, seed: int) -> NDArray[np.int64]:
    """How often each epoch stands in each draw.

    Parameters
    ----------
    n_epochs : int
        Epochs, in their order; as many are drawn each time, so that the last block may be shorter.
    block : int
        Epochs of a block.
    reach : int
        How many epochs before or after its own place a block may begin.
    draws : int
        How many times.
    seed : int
        Of the random starts: the same epochs always give the same draws.

    Returns
    -------
    ndarray of int, shape (draws, n_epochs)
        Counts; each row adds up to `n_epochs`.
    """
    places = np.arange(0, n_epochs, block)
    lengths = np.minimum(block, n_epochs - places)
    first, last = np.maximum(places - reach, 0), np.minimum(places + reach, n_epochs - lengths)
    starts = np.random.default_rng(seed).integers(first, last + 1, size=(draws, len(places)))
    return _epochs_of(starts[:, :-1], n_epochs, block) + _epochs_of(starts[:, -1:], n_epochs, int(lengths[-1]))


def _epochs_of(starts: NDArray[np.int64], n_epochs: int, length: int) -> NDArray[np.int64]:
    """How many of the blocks that start there hold each epoch: as many as start at it or up to `length` - 1 before."""
    places = starts + n_epochs * np.arange(len(starts))[:, None]
    begun = np.bincount(places.ravel(), minlength=len(starts) * n_epochs).reshape(-1, n_epochs)
    total = np.pad(np.cumsum(begun, axis=1), ((0, 0), (length, 0)))
    return total[:, length:] - total[:, :-length]


def resample_means(numerator: Floats, denominator: Floats, counts: NDArray[np.int64]) -> Floats:
    """Weighted means of every draw, the same blocks for all of them.

    Parameters
    ----------
    numerator, denominator : ndarray, shape (rows, n_epochs)
        What is summed over epochs and divided: power and 1, or waves and minutes; 0 for epochs outside.
    counts : ndarray of int, shape (draws, n_epochs)
        From `draw_blocks`.

    Returns
    -------
    ndarray, shape (rows, draws)
        NaN where a draw has nothing to divide by.
    """
    weights = counts.T.astype(float)
    total = denominator @ weights
    return np.asarray(np.divide(numerator @ weights, total, out=np.full(total.shape, np.nan), where=total > 0))
