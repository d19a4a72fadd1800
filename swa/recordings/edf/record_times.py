"""Where data records lie on the time line: the one place that knows about interrupted recordings (EDF+D, BDF+D)."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from swa.errors import RecordingError
from swa.recordings.limits import check_length

# Record times are written in decimals and by clocks that jitter: half a sample of 100 Hz is no gap.
TOLERANCE_S = 0.005
SHORTEST_PIECE_S = 2.0  # less holds no slow wave between two filter edges: it counts as part of the gap
_ONSET = re.compile(rb"\0*([+-]\d+(?:\.\d*)?)(?:\x15[\d.]*)?\x14")
_ONSET_BYTES = 40
Heads = Callable[[int, int], NDArray[np.uint8]]  # the bytes that begin the time-keeping annotations, of some records
_END_OF_ONSET = 0x14
_BLOCK = 1024
_REMEDY = "Export it as a continuous EDF+C; a filter or a slow wave must never run across a gap."


@dataclass(frozen=True, kw_only=True)
class RecordTimes:
    """Pieces of a recording.

    Attributes
    ----------
    first_s : float
        Onset of the first data record after the start that the header gives.
    kept : tuple of (int, int)
        First and end record of each piece.
    starts_s : tuple of float
        Time of its first sample after the first sample of the file.
    record_s : float
        Duration of a record.
    duration_s : float
        From the first sample to the end of the last record, gaps included.
    notes : tuple of str
        What a reader of the numbers should know.
    """

    first_s: float = 0.0
    kept: tuple[tuple[int, int], ...]
    starts_s: tuple[float, ...]
    record_s: float
    duration_s: float
    notes: tuple[str, ...] = ()

    @property
    def gaps(self) -> tuple[tuple[float, float], ...]:
        """Start and end of each gap in s."""
        ends = [0.0]
        gaps = []
        for start_s, (first, end) in zip(self.starts_s, self.kept, strict=True):
            if start_s > ends[-1]:
                gaps.append((ends[-1], start_s))
            ends.append(start_s + (end - first) * self.record_s)
        if ends[-1] < self.duration_s - TOLERANCE_S:
            gaps.append((ends[-1], self.duration_s))
        return tuple(gaps)

    @classmethod
    def without_gaps(cls, n_records: int, record_s: float) -> Self:
        """Every record where the one before it ends."""
        return cls(kept=((0, n_records),), starts_s=(0.0,), record_s=record_s, duration_s=n_records * record_s)


def onset_bytes(columns: slice) -> slice:
    """The bytes of the time-keeping annotations in which the onset of a record stands."""
    return slice(columns.start, min(columns.stop, columns.start + _ONSET_BYTES))


def read_record_times(
    read_heads: Heads, n_records: int, record_s: float, name: str, *, interrupted: bool
) -> RecordTimes:
    """Read where the data records lie.

    Parameters
    ----------
    read_heads : callable
        Gives the bytes (`onset_bytes`) of the records from the first to the end that it is called with.
    n_records : int
        Data records of the file.
    record_s : float
        Duration of a record in s.
    name : str
        The file's name, for messages.
    interrupted : bool
        Whether the header speaks of gaps (EDF+D). If not, all times are read only where those of the first and the
        last record tell of one.

    Raises
    ------
    RecordingError
        The times are missing, run backwards or overlap, or leave more than 48 h.
    """
    whole = RecordTimes.without_gaps(n_records, record_s)
    if not interrupted:
        first, last = (read_onset_s(read_heads(i, i + 1)[0]) for i in (0, n_records - 1))
        if first is None or last is None or last - first < (n_records - 0.5) * record_s:
            return whole  # no gap, or record times that were never written
    onsets = _read_onsets(read_heads(0, n_records), record_s)
    if onsets is None:
        if not interrupted:
            return whole
        raise RecordingError(
            f"{name}: the recording is interrupted (EDF+D), and the times of its data records are missing or damaged.",
            _REMEDY,
        )
    times = _find_pieces(onsets, record_s, name)
    if times.gaps and not interrupted:
        note = "the header calls the recording continuous; the times of its data records tell of gaps"
        return replace(times, notes=(note, *times.notes))
    return times


def read_onset_s(raw: NDArray[np.uint8]) -> float | None:
    """Onset of a data record by its annotations, as bytes; None where there is none."""
    found = _ONSET.match(raw[:_ONSET_BYTES].tobytes())
    value = float(found[1]) if found else None
    return value if value is not None and abs(value) < 1e8 else None


def _read_onsets(heads: NDArray[np.uint8], record_s: float) -> NDArray[np.float64] | None:
    """Onsets of all records; a missing one is filled in where those around it leave no doubt."""
    onsets, plain = _plain_onsets(heads)
    for i in np.flatnonzero(~plain):
        onset = read_onset_s(heads[i])
        onsets[i] = np.nan if onset is None else onset
    known = np.flatnonzero(np.isfinite(onsets))
    if not known.size or known[0] != 0:
        return None
    missing = np.flatnonzero(np.isnan(onsets))
    if missing.size:
        before = known[np.searchsorted(known, missing) - 1]
        place = np.searchsorted(known, missing)
        if place.max() >= known.size:
            return None
        after = known[place]
        if np.any(np.abs(onsets[after] - onsets[before] - (after - before) * record_s) > TOLERANCE_S):
            return None
        onsets[missing] = onsets[before] + (missing - before) * record_s
    return onsets


def _plain_onsets(heads: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Onsets written as plain positive numbers, all rows at once, and which rows they are: a night has 30,000."""
    end = np.argmax(heads == _END_OF_ONSET, axis=1)
    plain = (heads[:, 0] == ord("+")) & (end > 1) & (end < 16)  # as many digits as a float holds
    value, decimals, dots = np.zeros(len(heads)), np.zeros(len(heads)), np.zeros(len(heads), int)
    for column in range(1, int(end[plain].max(initial=0))):
        inside = column < end
        letter = heads[:, column]
        digit = inside & (letter >= ord("0")) & (letter <= ord("9"))
        dot = inside & (letter == ord("."))
        plain &= digit | dot | ~inside
        value = np.where(digit, value * 10 + letter - ord("0"), value)
        decimals += digit & (dots > 0)
        dots += dot
    plain &= (dots <= 1) & (heads[:, 1] != ord(".")) & (value < 1e8)
    return value / 10**decimals, plain


def _find_pieces(onsets: NDArray[np.float64], record_s: float, name: str) -> RecordTimes:
    pieces: list[tuple[int, int]] = []
    first, record = 0, 1
    late_s = onsets - np.arange(len(onsets)) * record_s
    while first < len(onsets):
        part = late_s[record : record + _BLOCK] - late_s[first]
        off = np.abs(part) > TOLERANCE_S
        if part.size and not off.any():
            record += len(part)
            continue
        record += int(np.argmax(off)) if part.size else 0
        if record < len(onsets) and late_s[record] < late_s[first]:
            end_s = onsets[first] - onsets[0] + (record - first) * record_s
            raise RecordingError(
                f"{name}: data record {record + 1} begins at {onsets[record] - onsets[0]:g} s, before the one "
                f"before it ends ({end_s:g} s), so that the time of its samples is unknown.",
                _REMEDY,
            )
        pieces.append((first, record))
        first, record = record, record + 1
    starts = onsets - onsets[0]
    duration_s = float(starts[-1] + record_s)
    check_length(name, duration_s, "with its gaps")
    long = [piece for piece in pieces if (piece[1] - piece[0]) * record_s >= SHORTEST_PIECE_S or len(pieces) == 1]
    if not long:
        raise RecordingError(
            f"{name}: interrupted so often that no piece lasts {SHORTEST_PIECE_S:g} s.",
            "Export it as a continuous EDF+C.",
        )
    times = RecordTimes(
        first_s=float(onsets[0]),
        kept=tuple(long),
        starts_s=tuple(float(starts[piece[0]]) for piece in long),
        record_s=record_s,
        duration_s=duration_s,
    )
    return replace(times, notes=_describe(times.gaps, len(pieces) - len(long)))


def _describe(gaps: Sequence[tuple[float, float]], n_short: int) -> tuple[str, ...]:
    if not gaps:
        return ()
    total_s = sum(end_s - start_s for start_s, end_s in gaps)
    longest = max(gaps, key=lambda gap: gap[1] - gap[0])
    note = (
        f"interrupted: {len(gaps)} {'gap' if len(gaps) == 1 else 'gaps'} of {total_s:g} s in all, the longest at "
        f"{longest[0]:g} s; they keep their place and are unusable"
    )
    return (
        f"{note} ({n_short} {'piece' if n_short == 1 else 'pieces'} of less than {SHORTEST_PIECE_S:g} s taken for gap)"
        if n_short
        else note,
    )
