"""What a source of samples is: an EDF or BDF file (`edf.samples`), or an `mne.io.Raw` in memory (`mne_raw`)."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

BLOCK_S = 300.0  # of samples at a time: what fits into the cache of a processor
Piece = tuple[int, int]  # first and end sample of uninterrupted signal


class Block(NamedTuple):
    """A stretch of one signal.

    Attributes
    ----------
    samples : ndarray of float64, shape (n_samples,)
        In the unit of the header.
    at_limit : ndarray of int
        Positions among them that sit at the limit of the recording.
    ends : tuple of float, optional
        Smallest and largest sample, where the source knows them: those of stored integers are found sooner.
    """

    samples: NDArray[np.float64]
    at_limit: NDArray[np.int64]
    ends: tuple[float, float] | None = None


class SignalSource(Protocol):
    """Where samples come from: a file, or an object in memory."""

    def check(self, position: int) -> None:
        """Raise a RecordingError where a signal has no usable samples."""
        ...

    def blocks(self, positions: Sequence[int]) -> Iterator[list[Block]]:
        """The same stretch of several signals, stretch after stretch.

        Those of an interrupted recording follow each other without its gaps. A block is overwritten by the next one:
        fresh memory for each would cost more than the reading.
        """
        ...


def first_and_end(positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """First and end of each run of consecutive positions, (n_runs, 2)."""
    begins = np.flatnonzero(np.diff(positions, prepend=-2) != 1)
    ends = np.append(begins, len(positions))[1:]
    return np.stack([positions[begins], positions[ends - 1] + 1], axis=1)
