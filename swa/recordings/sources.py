"""Where the samples of a recording come from: an EDF or BDF file, or an `mne.io.Raw` in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from swa.errors import RecordingError
from swa.recordings.headers import Digital, Header, SignalHeader

if TYPE_CHECKING:
    import mne

Piece = tuple[int, int]  # first and end sample of uninterrupted signal
# Samples in the unit of the header, and the positions among them that sit at the limit of the recording.
Block = tuple[NDArray[np.float64], NDArray[np.int64]]


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


@dataclass(frozen=True)
class RawSource:
    """Samples of an `mne.io.Raw`: of its pieces, and where they are marked as bad."""

    raw: "mne.io.BaseRaw"
    pieces: tuple[Piece, ...]
    bad: tuple[tuple[int, int, tuple[str, ...]], ...] = ()

    def check(self, position: int) -> None:
        """Any signal of mne has a unit."""

    def blocks(self, positions: Sequence[int]) -> Iterator[list[Block]]:
        """Samples in V, in one block. The limit of the recording is not known to mne: its extremes stand in for it."""
        yield [self._read(position) for position in positions]

    def _read(self, position: int) -> Block:
        samples = self.raw.get_data(picks=[position])[0]
        unusable = np.zeros(len(samples), bool)
        for first, end, labels in self.bad:
            if not labels or self.raw.ch_names[position] in labels:
                unusable[first:end] = True
        samples, unusable = (np.concatenate([array[a:b] for a, b in self.pieces]) for array in (samples, unusable))
        return samples, np.flatnonzero(unusable | (samples == samples.max()) | (samples == samples.min()))


@dataclass(frozen=True)
class EdfSource:
    """Samples of an EDF or BDF file, mapped from the disk: only those of the signals that are asked for are read.

    Not through mne, which brings all channels of a call to the highest rate among them, forgets the unit of the header
    and the limits of the converter, and joins the pieces of an interrupted recording. A test holds the samples against
    mne's and edfio's.
    """

    header: Header

    def check(self, position: int) -> None:
        """Raise where the header gives a signal no scale."""
        signal = self.header.signals[position]
        where = f"{self.header.path.name}, channel {signal.label}"
        leave_out = f'[channels] roles = {{ "{signal.label}" = "ignore" }}'
        remedy = f"Export the recording again, or leave the channel out: {leave_out}."
        texts = ["no number" if limit is None else f"{limit:g}" for limit in signal.limits]
        found = f"physical {texts[0]} to {texts[1]}, digital {texts[2]} to {texts[3]}"
        physical, digital = signal.physical, signal.digital
        if physical is None or digital is None or physical[0] == physical[1] or digital[0] == digital[1]:
            raise RecordingError(
                f"{where}: the header's physical or digital minimum and maximum are equal or no numbers ({found}), so "
                "that samples have no unit.",
                remedy,
            )
        if digital[0] > digital[1]:
            raise RecordingError(
                f"{where}: the header's digital minimum lies above its maximum ({found}), so that the polarity is "
                "unknown.",
                remedy,
            )
        if digital[0] >= 0 and digital[1] >= 2 ** (8 * self.header.width - 1):
            raise RecordingError(
                f"{where}: the header's digital limits are those of unsigned numbers ({found}): EDF has none.",
                remedy,
            )

    def blocks(self, positions: Sequence[int]) -> Iterator[list[Block]]:
        """Samples in the unit of the header, and which of them sit at a limit of the converter.

        Raises
        ------
        RecordingError
            The header gives a signal no scale.
        """
        for position in positions:
            self.check(position)
        signals = [self.header.signals[position] for position in positions]
        buffers = [np.empty(0) for _ in signals]
        for stored in self.header.read_digital(signals):
            buffers = [
                buffer if len(buffer) >= len(samples) else np.empty(len(samples))
                for buffer, samples in zip(buffers, stored, strict=True)
            ]
            yield [
                self._scale(signal, samples, buffer[: len(samples)])
                for signal, samples, buffer in zip(signals, stored, buffers, strict=True)
            ]

    def _scale(self, signal: SignalHeader, stored: Digital, samples: NDArray[np.float64]) -> Block:
        (low, high), (least, most) = signal.physical or (0.0, 0.0), signal.digital or (0.0, 1.0)
        limit = 2 ** (8 * self.header.width - 1)
        first, last = max(least, -limit), min(most, limit - 1)
        gain = (high - low) / (most - least)
        np.multiply(stored, gain, out=samples)
        samples += low - gain * least
        if stored.min() > first and stored.max() < last:  # nearly every block
            return samples, np.empty(0, np.int64)
        return samples, np.flatnonzero((stored <= first) | (stored >= last))
