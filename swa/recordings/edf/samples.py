"""Samples of EDF and BDF files, a few minutes at a time."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swa.errors import RecordingError
from swa.recordings.edf.header import Digital, Header, SignalHeader, decode
from swa.recordings.signal_source import BLOCK_S, Block

READ_BYTES = 32 * 2**20  # of a recording go into a block
PIECE_BYTES = 2**20  # read at once: what stays in the cache of a processor


@dataclass(frozen=True)
class EdfSource:
    """Samples of an EDF or BDF file, those of the signals that are asked for.

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
        for stored in self._read_digital(signals):
            buffers = [
                buffer if len(buffer) >= len(samples) else np.empty(len(samples))
                for buffer, samples in zip(buffers, stored, strict=True)
            ]
            yield [
                self._scale(signal, samples, buffer[: len(samples)])
                for signal, samples, buffer in zip(signals, stored, buffers, strict=True)
            ]

    def _read_digital(self, signals: Sequence[SignalHeader]) -> Iterator[list[Digital]]:
        """Samples of a few signals as they are stored, some minutes at a time."""
        header = self.header
        record_bytes = header.samples_per_record * header.width
        step = max(1, min(READ_BYTES // record_bytes, math.ceil(BLOCK_S / header.record_s)))
        parts = math.ceil(header.record_s / BLOCK_S)  # of a record, where it is long
        if parts == 1 and record_bytes > READ_BYTES:
            parts = math.ceil(record_bytes / READ_BYTES)
        for first, end in header.times.kept:
            for begin in range(first, end, step):
                for part in range(parts):
                    places = [_columns(header, each, part, parts) for each in signals]
                    yield [decode(raw, header.width) for raw in _read(header, begin, min(begin + step, end), places)]

    def _scale(self, signal: SignalHeader, stored: Digital, samples: NDArray[np.float64]) -> Block:
        (low, high), (least, most) = signal.physical or (0.0, 0.0), signal.digital or (0.0, 1.0)
        limit = 2 ** (8 * self.header.width - 1)
        first, last = math.floor(max(least, -limit)), math.ceil(min(most, limit - 1))  # stored are whole numbers
        gain = (high - low) / (most - least)
        offset = low - gain * least
        samples[:] = stored
        samples *= gain
        samples += offset
        lowest, highest = int(stored.min()), int(stored.max())
        ends = sorted((lowest * gain + offset, highest * gain + offset))  # the header may turn a signal over
        within = lowest > first and highest < last  # nearly every block
        at_limit = np.empty(0, np.int64) if within else np.flatnonzero((stored <= first) | (stored >= last))
        return Block(samples, at_limit, (ends[0], ends[1]))


def _read(header: Header, first: int, end: int, places: Sequence[slice]) -> list[NDArray[np.uint8]]:
    """Some columns of some records; the records are read whole, a few at a time, unless they are large."""
    step = PIECE_BYTES // (header.samples_per_record * header.width)
    if step == 0:
        return [header.read_records(first, end, place) for place in places]
    found = [np.empty((end - first, place.stop - place.start), np.uint8) for place in places]
    for begin in range(first, end, step):
        records = header.read_records(begin, min(begin + step, end))
        for into, place in zip(found, places, strict=True):
            into[begin - first :][: len(records)] = records[:, place]
    return found


def _columns(header: Header, signal: SignalHeader, part: int, parts: int) -> slice:
    """Bytes of a record that hold a part of a signal's samples."""
    first, end = (signal.first + signal.samples * at // parts for at in (part, part + 1))
    return slice(first * header.width, end * header.width)
