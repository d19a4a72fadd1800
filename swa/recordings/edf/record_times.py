"""Where data records lie on the time line: the one place that knows about interrupted recordings (EDF+D, BDF+D)."""

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from swa.errors import RecordingError
from swa.recordings.limits import check_length

# Record times are written in decimals and by clocks that jitter: half a sample of 100 Hz is no gap. Where the times of
# all records jitter, what is no gap grows with that.
TOLERANCE_S = 0.005
MOST_JITTER_S = 0.05  # nothing above is taken for jitter
JITTERS = 5.0  # standard deviations of the jitter
RIGHT_TIMES = 0.9  # share of the records that follow each other, where their times mean anything
MOST_DRIFT = 1e-3  # of the clock of the record times against the samples: more is a wrong rate
SHORTEST_PIECE_S = 2.0  # less holds no slow wave between two filter edges: it counts as part of the gap
_ONSET = re.compile(rb"\0*([+-]\d+(?:\.\d*)?)(?:\x15[\d.]*)?\x14")
_ONSET_BYTES = 40
Heads = Callable[[int, int], NDArray[np.uint8]]  # the bytes that begin the time-keeping annotations, of some records
_END_OF_ONSET = 0x14
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
        end_s = 0.0
        gaps = []
        for start_s, (first, end) in zip(self.starts_s, self.kept, strict=True):
            if start_s > end_s or end_s > 0:  # one of no length too: nothing runs across it
                gaps.append((end_s, start_s))
            end_s = start_s + (end - first) * self.record_s
        if end_s < self.duration_s - TOLERANCE_S:
            gaps.append((end_s, self.duration_s))
        return tuple(gaps)

    def without(self, first: int, end: int) -> Self:
        """The same times, some records left out as if they were a gap."""
        pieces = [
            (max(begin, piece[0]), min(stop, piece[1]), start_s + max(begin - piece[0], 0) * self.record_s)
            for piece, start_s in zip(self.kept, self.starts_s, strict=True)
            for begin, stop in ((piece[0], first), (end, piece[1]))
        ]
        long = [piece for piece in pieces if (piece[1] - piece[0]) * self.record_s >= SHORTEST_PIECE_S]
        return replace(self, kept=tuple(piece[:2] for piece in long), starts_s=tuple(start_s for *_, start_s in long))

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
    late_s = 0.0
    if not interrupted:
        first, last = (read_onset_s(read_heads(i, i + 1)[0]) for i in (0, n_records - 1))
        if first is None or last is None or first == last:
            return whole  # record times that were never written
        late_s = last - first - (n_records - 1) * record_s
        if abs(late_s) < record_s / 2:
            return whole
    onsets = _read_onsets(read_heads(0, n_records), record_s)
    if onsets is None:
        if not interrupted:
            return whole
        raise RecordingError(
            f"{name}: the recording is interrupted (EDF+D), and the times of its data records are missing or damaged.",
            _REMEDY,
        )
    if not interrupted and late_s < 0:
        return _before_repetition(onsets, record_s, name)
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
        if np.any(np.abs(onsets[after] - onsets[before] - (after - before) * record_s) > MOST_JITTER_S):
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


def _before_repetition(onsets: NDArray[np.float64], record_s: float, name: str) -> RecordTimes:
    """Times of a continuous recording some of whose records stand twice, up to where they do."""
    late_s = np.diff(onsets) - record_s
    right = np.abs(late_s) <= MOST_JITTER_S
    whole = RecordTimes.without_gaps(len(onsets), record_s)
    if right.mean() < RIGHT_TIMES or not (late_s < -MOST_JITTER_S).any():
        return whole  # nobody minded them
    end = int(np.argmax(late_s < -MOST_JITTER_S)) + 1
    times = _find_pieces(onsets[:end], record_s, name)
    note = (
        f"damaged: the time of data record {end + 1} lies before that of the one before it (at {times.duration_s:.0f} "
        "s), as where a block of the file stands twice; what lies behind it is unusable: copy or export the recording "
        "again"
    )
    return replace(times, duration_s=max(whole.duration_s, times.duration_s), notes=(*times.notes, note))


def _find_pieces(onsets: NDArray[np.float64], record_s: float, name: str) -> RecordTimes:
    """Pieces by holding each record against the one before it: drift and jitter add up to no gap."""
    late_s = np.diff(onsets) - record_s
    tolerance_s = (
        float(np.clip(JITTERS * 1.4826 * np.median(np.abs(late_s)), TOLERANCE_S, MOST_JITTER_S)) if len(late_s) else 0.0
    )
    early = np.flatnonzero(late_s < -tolerance_s)
    if early.size:
        record = int(early[0]) + 1
        raise RecordingError(
            f"{name}: data record {record + 1} begins at {onsets[record] - onsets[0]:g} s, before the one before it "
            f"ends ({onsets[record - 1] - onsets[0] + record_s:g} s), so that the time of its samples is unknown.",
            _REMEDY,
        )
    edges = [0, *(np.flatnonzero(late_s > tolerance_s) + 1), len(onsets)]
    pieces = [(int(first), int(end)) for first, end in itertools.pairwise(edges)]
    check_length(name, float(onsets[-1] - onsets[0] + record_s), "with its gaps")
    long = [piece for piece in pieces if (piece[1] - piece[0]) * record_s >= SHORTEST_PIECE_S or len(pieces) == 1]
    if not long:
        raise RecordingError(
            f"{name}: interrupted so often that no piece lasts {SHORTEST_PIECE_S:g} s.",
            "Export it as a continuous EDF+C.",
        )
    starts_s: list[float] = []
    for first, _ in long:  # a clock that is fast lets a piece begin before the samples of the one before it end
        before = long[len(starts_s) - 1]
        end_s = starts_s[-1] + (before[1] - before[0]) * record_s if starts_s else 0.0
        starts_s.append(max(float(onsets[first] - onsets[0]), end_s))
    end_s = starts_s[-1] + (long[-1][1] - long[-1][0]) * record_s
    times = RecordTimes(
        first_s=float(onsets[0]),
        kept=tuple(long),
        starts_s=tuple(starts_s),
        record_s=record_s,
        duration_s=end_s if long[-1][1] == len(onsets) else max(end_s, float(onsets[-1] - onsets[0] + record_s)),
    )
    drift = _describe_drift(onsets, pieces, record_s, name)
    return replace(times, notes=(*_describe(times.gaps, len(pieces) - len(long)), *drift))


def _describe_drift(
    onsets: NDArray[np.float64], pieces: Sequence[tuple[int, int]], record_s: float, name: str
) -> tuple[str, ...]:
    """What the times of the records say of the samples' clock, by the records that follow each other.

    Raises
    ------
    RecordingError
        They are so far apart that the rate of the header is wrong.
    """
    late_s = float(sum(onsets[end - 1] - onsets[first] - (end - 1 - first) * record_s for first, end in pieces))
    follow_s = sum(end - 1 - first for first, end in pieces) * record_s
    longest_s = max(end - first for first, end in pieces) * record_s
    if abs(late_s) > MOST_DRIFT * max(follow_s, 1.0) + MOST_JITTER_S:
        raise RecordingError(
            f"{name}: by the times of its data records the recording lasts {follow_s + late_s:g} s, by its samples "
            f"{follow_s:g} s, so that the time of its samples is unknown.",
            _REMEDY,
        )
    if abs(late_s) <= TOLERANCE_S * max(follow_s / longest_s, 1.0):
        return ()
    return (
        f"the clock of the record times drifts by {late_s / follow_s * 1e6:+.1f} ppm against the samples "
        f"({late_s:+.3f} s in all); within a piece, times are counted in samples",
    )


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
