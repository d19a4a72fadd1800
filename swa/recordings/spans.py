"""Samples that are marked, as the stretches that they lie in: few, where a mask of a night is three million."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swa.recordings.signal_source import Piece, first_and_end

_NONE = np.empty((0, 2), np.int64)


@dataclass(frozen=True)
class Spans:
    """Stretches of samples; false where there is none.

    Attributes
    ----------
    edges : ndarray of int, shape (n_stretches, 2)
        First and end sample of each, in order; none overlaps another.
    """

    edges: NDArray[np.int64]

    @classmethod
    def joined(cls, edges: Iterable[NDArray[np.int64]]) -> "Spans":
        """Stretches in any order, which may overlap, as those that they make together."""
        known = np.concatenate([_NONE, *edges])
        known = known[np.argsort(known[:, 0], kind="stable")]
        if not len(known):
            return cls(known)
        reach = np.maximum.accumulate(known[:, 1])
        apart = known[1:, 0] > reach[:-1]
        return cls(np.stack([known[np.append(True, apart), 0], reach[np.append(apart, True)]], axis=1))

    @classmethod
    def of_mask(cls, mask: NDArray[np.bool_]) -> "Spans":
        """Where a mask is True."""
        return cls(first_and_end(np.flatnonzero(mask)))

    def __bool__(self) -> bool:
        return bool(len(self.edges))

    @property
    def n_samples(self) -> int:
        """How many samples they hold."""
        return int((self.edges[:, 1] - self.edges[:, 0]).sum())

    def before(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many of their samples lie before each position."""
        first, end = np.concatenate([np.zeros((1, 2), np.int64), self.edges]).T
        up_to = np.cumsum(end - first)
        at = np.searchsorted(first[1:], positions, side="right")
        return np.asarray(up_to[at] - np.maximum(end[at] - positions, 0))

    def touch(self, first: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which stretches [first, end) hold one of their samples."""
        return np.asarray(self.before(end) > self.before(first)) if self else np.zeros(len(first), bool)

    def shared(self, other: "Spans") -> int:
        """How many samples they share with others."""
        return int(np.diff(self.before(other.edges), axis=1).sum()) if self else 0

    def within(self, pieces: Iterable[Piece]) -> "Spans":
        """What of them lies in the pieces."""
        parts = np.concatenate([_NONE, *(np.clip(self.edges, first, end) for first, end in pieces)])
        return Spans(parts[parts[:, 1] > parts[:, 0]])

    def mask(self, n_samples: int) -> NDArray[np.bool_]:
        """A mask that is True in them."""
        marked = np.zeros(n_samples, bool)
        for first, end in self.edges:
            marked[first:end] = True
        return marked
