"""Where the samples of a recording come from: an EDF or BDF file, or an `mne.io.Raw` in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from swa.errors import RecordingError
from swa.recordings.edf.header import BLOCK_S, Digital, Header, SignalHeader

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
        """Samples in V. The limit of the recording is not known to mne: a signal's extremes stand in for it."""
        # From a file, mne brings signals to one rate stretch by stretch: each would ring at its ends.
        seconds = BLOCK_S if self.raw.preload else np.inf
        picks, step = list(positions), int(min(seconds * float(self.raw.info["sfreq"]), self.raw.n_times))
        spans = [(at, min(at + step, end)) for first, end in self.pieces for at in range(first, end, step)]
        low, high = np.full(len(picks), np.inf), np.full(len(picks), -np.inf)
        for start, stop in spans:
            samples = self.raw.get_data(picks, start, stop)
            low, high = (
                np.fmin(low, np.fmin.reduce(samples, axis=1)),
                np.fmax(high, np.fmax.reduce(samples, axis=1)),
            )
        for start, stop in spans:
            yield [
                (row, np.flatnonzero((row == least) | (row == most) | self._marked(position, start, stop)))
                for position, row, least, most in zip(
                    picks, self.raw.get_data(picks, start, stop), low, high, strict=True
                )
            ]

    def _marked(self, position: int, start: int, stop: int) -> NDArray[np.bool_]:
        """Samples of a stretch that are marked as bad."""
        marked = np.zeros(stop - start, bool)
        for first, end, labels in self.bad:
            if not labels or self.raw.ch_names[position] in labels:
                marked[max(first - start, 0) : max(end - start, 0)] = True
        return marked


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
        if not signal.samples:
            raise RecordingError(f"{where}: holds no samples.", f"Leave the channel out: {leave_out}.")
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
