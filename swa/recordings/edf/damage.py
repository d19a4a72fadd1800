"""Bytes that a copy lost or put in: behind that place every sample is noise, or another channel's.

Where the layout of the header is right, a signal runs on from one data record to the next as it does within a record,
and neighbouring samples resemble each other more than bytes of two samples put together do. Both are looked at in
stretches spread over the file. Damage of this kind never ends before the file does, so that what comes and goes in a
recording (movements, electrodes that fall off) is not taken for it.
"""

import warnings
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from swa.errors import RecordingError
from swa.recordings.edf.header import Digital, Header, decode
from swa.recordings.edf.record_times import onset_bytes, read_onset_s

STRETCH = 17  # data records that are looked at together
STRETCHES = 48  # of a file
MOST_BYTES = 2**21  # of a stretch
INSIDE = 8  # neighbours within a record that a signal's change from record to record is held against
# Ln of how much larger it is behind lost bytes, mean over n signals: 0.35 and 0.5 / sqrt(n). Where nothing is lost, it
# comes and goes by 0.5 in one signal and by 0.3 in four.
BROKEN = (0.35, 0.5)
MISPLACED = 1.5  # ln of how much smoother bytes are when they are put together in another way
SHORTEST_ZEROS = 512  # bytes: the least that a broken disk or an interrupted copy leaves empty or writes twice
SECTOR = 512  # bytes
MOST_REPEATED = 2**26  # bytes of a block that stands twice
FILLS = {0: "zeros", 255: "bytes 255"}  # what stands where nothing was written: on disks, and in flash memory
FEWEST_SIGNALS = 3  # that all stand at zero: one or two are electrodes or sensors that are off
JUMPS = 1.2  # ln of how much larger a signal's changes from record to record are, median of the file
BEYOND = 0.01  # share of samples outside the digital limits of the header: none in known recordings
ELSEWHERE, AGAIN = "do not stand where the header says", "were written once before"
LINE_ENDS = 32  # as many that are all of one kind are no chance


def cut_damage(header: Header) -> Header:
    """Leave out what lies behind bytes that were lost or put in.

    Parameters
    ----------
    header : Header
        Of the file, part of which is read.

    Returns
    -------
    Header
        The same where nothing is found; else with a note, and records that end before the place.

    Raises
    ------
    RecordingError
        The file went through a conversion of line ends.
    """
    _refuse_line_ends(header)
    if header.n_records < 2 * STRETCH or STRETCH * header.record_bytes > MOST_BYTES:
        return header
    layout = _Layout(header)
    if not layout.signals:
        return header
    starts = np.unique(np.linspace(0, header.n_records - STRETCH, STRETCHES).astype(int))
    looks = [layout.look(int(start)) for start in starts]
    header = replace(header, jumps=_jumps(layout, looks), beyond=_beyond_limits(layout, looks))
    record = _find_break(layout, starts, looks)
    resized = not header.fits or header.n_extra > 0
    if record is None and resized:
        record = _find_turn(layout, starts, looks)
    what = ELSEWHERE
    if record is None and resized:
        record, what = _find_repetition(header), AGAIN
    if record is None and resized and layout.has_times(0) and not layout.has_times(header.n_records - 1):
        record, what = header.n_records - STRETCH, ELSEWHERE
    if record is None:
        return header
    return _cut(header, record, what)


def _cut(header: Header, record: int, what: str) -> Header:
    note = (
        f"damaged: from data record {record + 1} on (at {record * header.record_s:.0f} s) the samples {what}, as where "
        "a copy lost bytes or put some in; what lies behind it is unusable: copy or export the recording again"
    )
    return leave_out_records(header, record, header.n_records, note)


def cut_blocks(header: Header) -> Header:
    """Leave out data records in which a block of the file holds nothing, and those from a second copy of others on.

    In a pass over the whole file.
    """
    always = {fill: _standing_still(header, fill) for fill in FILLS}
    empty: dict[int, int] = {}  # what each such record is filled with
    digests: list[int] = []
    step = max(1, 2**20 // header.record_bytes)
    for first in range(0, header.n_records, step):
        records = header.read_records(first, min(first + step, header.n_records))
        digests += [zlib.crc32(record.data) for record in records]
        for fill, still in always.items():
            filled = records == fill
            chunk = max(1, _least(header) // 2)  # a run of twice its length holds a whole one
            chunks = filled[:, : filled.shape[1] // chunk * chunk].reshape(len(filled), -1, chunk)
            many = np.flatnonzero(chunks.all(axis=2).any(axis=1))
            empty |= {first + int(at): fill for at in many if _is_empty(header, first + int(at), filled[at], still)}
    if (again := _find_second(header, digests)) is not None:
        header = _cut(header, again, AGAIN)
    if not empty or len(empty) == header.n_records:  # nothing anywhere is no damage of a file: no electrode was on
        return header
    # A block begins and ends within a record.
    touched = np.unique(np.clip(np.add.outer(sorted(empty), (-1, 0, 1)), 0, header.n_records - 1))
    runs = np.split(touched, np.flatnonzero(np.diff(touched) > 1) + 1)
    places = ", ".join(f"{run[0] * header.record_s:.0f}" for run in runs[:5]) + (", …" if len(runs) > 5 else "")
    note = (
        f"damaged: {len(empty)} data {'record holds' if len(empty) == 1 else 'records hold'} a block of "
        f"{' or '.join(dict.fromkeys(FILLS[fill] for fill in empty.values()))} in place of samples (at {places} s); "
        "they are unusable: copy or export the recording again"
    )
    for run in runs:
        header = leave_out_records(header, int(run[0]), int(run[-1]) + 1, "")
    return replace(header, notes=(*header.notes, note))


def leave_out_records(header: Header, first: int, end: int, note: str) -> Header:
    """The recording without these data records, and a note that says so; one of which nothing is left is refused."""
    times = header.times.without(first, end)
    if not times.kept:
        raise RecordingError(
            f"{header.path.name}: damaged from its beginning: the samples do not stand where the header says.",
            "Copy or export the recording again.",
        )
    return replace(header, times=times, notes=(*header.notes, note) if note else header.notes)


class _Look(NamedTuple):
    """What a stretch shows of the layout."""

    excess: NDArray[np.float64]  # how much more each signal changes from record to record than within; NaN: it is still
    within: NDArray[np.float64]
    is_misplaced: bool  # the bytes
    beyond: NDArray[np.float64]  # share of each signal's samples outside the digital limits of the header

    @property
    def mean_excess(self) -> float:
        known = self.excess[np.isfinite(self.excess)]
        return float(known.mean()) if known.size else 0.0


class _Layout:
    """Whether stretches of a file have the layout that its header says."""

    def __init__(self, header: Header) -> None:
        self.header = header
        found = [signal for signal in header.signals if signal.samples >= 2 * INSIDE]
        self.signals = found
        self.first = np.array([signal.first for signal in found])
        self.last = np.array([signal.first + signal.samples - 1 for signal in found])
        self.inside = np.array(
            [signal.first + np.arange(1, INSIDE + 1) * signal.samples // (INSIDE + 2) for signal in found]
        )

    def read(self, start: int) -> NDArray[np.uint8]:
        return self.header.read_records(start, start + STRETCH)

    def changes(self, stored: Digital) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of each signal: ln of its mean change from record to record, and from sample to sample within."""
        over = stored[1:, self.first].astype(np.float64) - stored[:-1, self.last]
        within = stored[:, self.inside + 1].astype(np.float64) - stored[:, self.inside]
        return np.log1p(np.abs(over)).mean(axis=0), np.log1p(np.abs(within)).mean(axis=(0, 2))

    def look(self, start: int) -> "_Look":
        raw = self.read(start)
        stored = decode(raw, self.header.width).reshape(len(raw), -1)
        over, within = self.changes(stored)
        excess = np.where(within > 0, over - within, np.nan)
        return _Look(excess, within, self._misplaced(raw), self._beyond(stored))

    def _beyond(self, stored: Digital) -> NDArray[np.float64]:
        """Share of each signal's samples outside its digital limits; not those at the ends of what a file can hold."""
        rail = 2 ** (8 * self.header.width - 1)
        lowest, highest = stored.min(axis=0), stored.max(axis=0)
        shares = []
        for signal in self.signals:
            place = slice(signal.first, signal.first + signal.samples)
            low, high = signal.digital or (-rail, rail)
            shares.append(0.0)
            if lowest[place].min() < low or highest[place].max() > high:  # in few files
                own = stored[:, place]
                outside = (own < low) & (own > -rail) | (own > high) & (own < rail - 1)
                shares[-1] = np.count_nonzero(outside) / outside.size
        return np.array(shares)

    def _misplaced(self, raw: NDArray[np.uint8]) -> bool:
        """Whether the bytes are smoother when each sample begins a byte later, or the times of records are gone."""
        width, flat = self.header.width, raw.reshape(-1)
        begin = len(flat) // 3 // width * width
        part = flat[begin : begin + 8192 * width]
        rough = []
        for offset in range(width):
            own = part[offset : len(part) - (width - offset) % width]
            samples = decode(own[: len(own) // width * width], width).astype(np.float64)
            rough.append(float(np.log1p(np.abs(np.diff(samples))).mean()))
        return rough[0] - min(rough) > MISPLACED

    def has_times(self, start: int) -> bool | None:
        """Whether a data record carries its time; None in plain EDF."""
        timekeeping = next(iter(self.header.annotations), None)
        if timekeeping is None:
            return None
        columns = onset_bytes(self.header.columns(timekeeping))
        return read_onset_s(self.header.read_records(start, start + 1, columns)[0]) is not None


def _find_break(layout: _Layout, starts: NDArray[np.int64], looks: Sequence[_Look]) -> int | None:
    """The first data record that may have lost its layout; None where the file keeps it to its end."""
    usual = float(np.median([look.mean_excess for look in looks[:3]]))
    most = BROKEN[0] + BROKEN[1] / np.sqrt(len(layout.signals))
    timed = bool(layout.has_times(0))

    def is_broken(look: _Look, start: int) -> bool:
        return look.is_misplaced or look.mean_excess - usual > most or (timed and layout.has_times(start) is False)

    broken = [is_broken(look, int(start)) for look, start in zip(looks, starts, strict=True)]
    place = _only_behind(broken)
    if place is None:
        return None
    good, bad = int(starts[place - 1]), int(starts[place])
    while bad - good > STRETCH // 2:
        middle = (good + bad) // 2
        good, bad = (good, middle) if is_broken(layout.look(middle), middle) else (middle, bad)
    return good


def _jumps(layout: _Layout, looks: Sequence[_Look]) -> frozenset[int]:
    """Positions of the signals that jump at the borders of data records all over the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of signals that are still everywhere
        excess = np.nanmedian([look.excess for look in looks], axis=0)
    positions = {signal.first: position for position, signal in enumerate(layout.header.signals)}
    return frozenset(
        positions[signal.first] for signal, each in zip(layout.signals, excess, strict=True) if each > JUMPS
    )


def _beyond_limits(layout: _Layout, looks: Sequence[_Look]) -> tuple[tuple[int, float], ...]:
    """Positions of the signals of which many samples lie outside their digital limits, and the share."""
    shares = np.mean([look.beyond for look in looks], axis=0)
    positions = {signal.first: position for position, signal in enumerate(layout.header.signals)}
    return tuple(
        (positions[signal.first], float(share))
        for signal, share in zip(layout.signals, shares, strict=True)
        if share > BEYOND
    )


def _only_behind(broken: list[bool]) -> int | None:
    """The first of those that are so, where none is before it and nearly all are behind it."""
    place = broken.index(True) if any(broken) else 0
    return place if place and np.mean(broken[place:]) > 0.8 else None


def _find_turn(layout: _Layout, starts: NDArray[np.int64], looks: Sequence[_Look]) -> int | None:
    """The data record from which each signal is another one's, as where whole signals were lost."""
    lengths = {signal.samples for signal in layout.header.all_signals}
    if len(lengths) > 1 or len(layout.signals) < FEWEST_SIGNALS:
        return None
    level = np.array([look.within for look in looks])
    level -= level.mean(axis=1, keepdims=True)
    usual = np.median(level[:3], axis=0)
    turns = range(level.shape[1])
    far = np.array([[np.abs(np.roll(each, turn) - usual).mean() for turn in turns] for each in level])
    turned = [int(turn) for turn in far.argmin(axis=1)]
    place = _only_behind([turn != 0 for turn in turned])
    if place is None or turned[place:].count(turned[-1]) < 0.8 * len(turned[place:]):
        return None
    return int(starts[place - 1])


def _find_repetition(header: Header) -> int | None:
    """The data record in which a block begins anew: one that is as long as what the file has too much."""
    n_extra = header.n_extra
    if not SHORTEST_ZEROS <= n_extra < MOST_REPEATED:
        return None
    run, place, carried = 0, 0, np.empty(0, np.uint8)
    step = max(1, (2**20 + n_extra) // header.record_bytes)
    for first in range(0, header.n_records, step):
        here = header.read_records(first, min(first + step, header.n_records)).reshape(-1)
        part = np.concatenate([carried, here])
        carried = part[-n_extra:]
        same = part[:-n_extra] == part[n_extra:]
        edges = np.flatnonzero(np.diff(same, prepend=False, append=False)).reshape(-1, 2)
        for begin, end in edges:
            run = end - begin + (run if begin == 0 else 0)
            # Not where a signal repeats itself, as that of a calibration, or stands still.
            if n_extra <= run < 1.5 * n_extra and end < len(same):
                return max((place + int(end)) // header.record_bytes, 1)
        if not (same.size and same[-1]):
            run = 0
        place += len(same)
    return None


def _find_second(header: Header, digests: Sequence[int]) -> int | None:
    """The first of some data records that are those before them once more, whatever the header counts."""
    known: dict[int, int] = {}
    far = np.zeros(len(digests) + 1, int)  # from the same record before
    for i, digest in enumerate(digests):
        far[i] = i - known.get(digest, i)
        known[digest] = i
    again = np.flatnonzero(far)
    if not again.size or again.size > len(digests) / 10:  # a signal that repeats itself, as that of a calibration
        return None
    first, length = int(again[0]), int(far[again[0]])
    if not (far[first : first + length] == length).all() or far[first + length] == length:
        return None  # those that stand still
    record = header.read_records(first, first + 1)
    varies = [len(np.unique(record[:, header.columns(signal)])) > INSIDE for signal in header.signals]
    return first if np.mean(varies) > 0.5 else None


def _least(header: Header) -> int:
    return min(SHORTEST_ZEROS, header.record_bytes)


def _standing_still(header: Header, fill: int) -> NDArray[np.bool_]:
    """Signals that are filled with a byte for much of the time, by records spread over the file."""
    chosen = np.linspace(0, header.n_records - 1, min(24, header.n_records)).astype(int)
    records = np.concatenate([header.read_records(int(i), int(i) + 1) for i in chosen])
    filled = [(records[:, header.columns(signal)] == fill).all(axis=1) for signal in header.all_signals]
    return np.array([each.mean() > 0.25 for each in filled])


def _is_empty(header: Header, number: int, filled: NDArray[np.bool_], always: NDArray[np.bool_]) -> bool:
    """Whether a run takes in several signals that are not filled elsewhere, or begins and ends with sectors."""
    edges = np.flatnonzero(np.diff(filled, prepend=False, append=False)).reshape(-1, 2)
    columns = [header.columns(signal) for signal, still in zip(header.all_signals, always, strict=True) if not still]
    before = header.data_offset + number * header.record_bytes
    for first, end in edges[np.diff(edges).reshape(-1) >= _least(header)]:
        struck = sum(min(end, column.stop) - max(first, column.start) >= 16 for column in columns)
        sectors = all(min((before + edge) % SECTOR, -(before + edge) % SECTOR) <= 2 for edge in (first, end))
        if struck >= (1 if sectors else min(FEWEST_SIGNALS, len(columns))):
            return True
    return False


def _refuse_line_ends(header: Header) -> None:
    """Refuse a file whose line ends were converted as those of a text: each is one byte more, all over the file."""
    end = min(header.n_records, max(1, 2**18 // header.record_bytes))
    raw = header.read_records(0, end).reshape(-1)
    places = np.flatnonzero(raw[1:] == ord("\n"))
    if len(places) >= LINE_ENDS and (raw[places] == ord("\r")).all():
        raise RecordingError(
            f"{header.path.name}: damaged: every byte 10 follows a byte 13, as where line ends of a text were "
            "converted, so that the samples do not stand where the header says.",
            "Copy the recording again in binary mode (not as text), or export it again.",
        )
