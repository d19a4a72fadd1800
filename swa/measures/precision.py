"""How precisely a night tells its own mean: a block bootstrap over its epochs.

Epochs that follow each other are alike, so they are drawn in blocks (Künsch 1989, Ann Stat 17:1217), around the end to
the start, so that each is in as many blocks as any other (Politis & Romano 1992, in LePage & Billard, Exploring the
limits of bootstrap). It says what another draw of the *same* night would give. Another night differs by more.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST_BLOCKS = 5  # fewer leave too few different draws


def draw_blocks(n_epochs: int, block: int, draws: int, seed: int) -> NDArray[np.int64]:
    """How often each epoch stands in each draw.

    Parameters
    ----------
    n_epochs : int
        Epochs, in their order; as many are drawn each time, so that the last block may be cut.
    block : int
        Epochs of a block.
    draws : int
        How many times.
    seed : int
        Of the random starts: the same epochs always give the same draws.

    Returns
    -------
    ndarray of int, shape (draws, n_epochs)
        Counts; each row adds up to `n_epochs`.
    """
    blocks = math.ceil(n_epochs / block)
    starts = np.random.default_rng(seed).integers(0, n_epochs, size=(draws, blocks))
    last = n_epochs - (blocks - 1) * block
    return _epochs_of(starts[:, :-1], n_epochs, block) + _epochs_of(starts[:, -1:], n_epochs, last)


def _epochs_of(starts: NDArray[np.int64], n_epochs: int, length: int) -> NDArray[np.int64]:
    """How many of the blocks that start there hold each epoch: as many as start at it or up to `length` - 1 before."""
    places = starts + n_epochs * np.arange(len(starts))[:, None]
    begun = np.bincount(places.ravel(), minlength=len(starts) * n_epochs).reshape(-1, n_epochs)
    around = np.concatenate([begun[:, n_epochs - length + 1 :], begun], axis=1)
    total = np.pad(np.cumsum(around, axis=1), ((0, 0), (1, 0)))
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
    return np.divide(numerator @ weights, total, out=np.full(total.shape, np.nan), where=total > 0)
