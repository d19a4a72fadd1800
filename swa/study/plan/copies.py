"""Recordings that are one and the same under two names: a night compared with itself shows no effect, of anything."""

import datetime
import hashlib
import os
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from swa.recordings.formats import signal_file
from swa.recordings.starts import read_start

MAIN_HEADER = 256  # bytes of EDF and BDF that name the patient and the date: an export under another name differs here
_SAMPLE = 65_536
# Where files of different lengths are held against each other: a copy that ends earlier has all of these too.
_STARTS = tuple(MAIN_HEADER + kilobytes * 1024 for kilobytes in (0, 256, 1024))
_LEAST_LEVELS = 100  # of the last of these blocks: channels that are not connected yet hold one value each

START_REMEDY = (
    "Nobody sleeps two nights at once: name the recording of each night, or correct the start in the header that is "
    "wrong; of two devices of one night leave one out (--exclude); parts of one night are to be joined."
)


def find_copies(paths: Sequence[str]) -> dict[int, int]:
    """Places of recordings that hold the same signals as an earlier one, or a part of them from their start.

    Parameters
    ----------
    paths : sequence of str
        Files; an empty one, or one that cannot be read, is a copy of nothing.

    Returns
    -------
    dict of int to int
        Place of a copy to the place of the first that holds the same.

    Notes
    -----
    The main header, which names patient and date, has no say. Of files of one size 64 kB are compared after it and at
    four places of the signals: brains and amplifiers never give that twice. Where all four hold one value alone, as in
    files that were never written to, nothing is known. Of files of different sizes it is 64 kB in the first megabyte,
    so that a copy of which the end is missing is found, and one of which the beginning is missing is not.
    """
    files = {place: signal_file(Path(path)) for place, path in enumerate(paths) if path}
    sizes = {place: size for place, file in files.items() if (size := _size(file)) > MAIN_HEADER}
    found: dict[int, int] = {}
    for alike in _split(sizes, sizes.__getitem__):
        for same in _split(alike, lambda place: _digest(files[place])):
            found |= dict.fromkeys(same[1:], same[0])
    return found | _shorter_copies(files, {place: size for place, size in sizes.items() if place not in found})


def _shorter_copies(files: Mapping[int, Path], sizes: Mapping[int, int]) -> dict[int, int]:
    """Of files of different sizes the places of those that begin as another one, to the place of the first."""
    groups = [[place for place, size in sizes.items() if size >= _STARTS[-1] + _SAMPLE]]
    for offset in _STARTS:
        groups = [
            same
            for group in groups
            if len({sizes[place] for place in group}) > 1  # others were compared as a whole
            for same in _split(group, partial(_block_digest, files, offset))
        ]
    found: dict[int, int] = {}
    for group in groups:
        first = group[0]
        found |= {place: first for place in group[1:] if sizes[place] != sizes[first]}
    return found


def find_same_starts(
    subjects: Sequence[str], paths: Sequence[str], copies: Collection[int] = ()
) -> dict[int, tuple[int, datetime.datetime]]:
    """Places of recordings that begin at the same second as an earlier one of the same subject, with that second.

    Parameters
    ----------
    subjects, paths : sequence of str
        Subject and file of each; an empty path is like nothing.
    copies : collection of int
        Places of copies (`find_copies`): they begin alike too, and are told as copies alone.

    Returns
    -------
    dict of int to (int, datetime)
        Place to the place of the first, and the start of both.

    Notes
    -----
    Hidden dates say nothing.
    """
    first: dict[tuple[str, datetime.datetime], int] = {}
    found = {}
    for place, (subject, path) in enumerate(zip(subjects, paths, strict=True)):
        start = read_start(path) if path and place not in copies else None
        if start is None:
            continue
        earlier = first.setdefault((subject, start), place)
        if earlier != place:
            found[place] = (earlier, start)
    return found


def _split(places: Iterable[int], fact: Callable[[int], Hashable]) -> list[list[int]]:
    """Places of which a fact is known and the same, where there are several."""
    alike: dict[Hashable, list[int]] = {}
    for place in places:
        if known := fact(place):
            alike.setdefault(known, []).append(place)
    return [group for group in alike.values() if len(group) > 1]


def _size(path: Path) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _block_digest(files: Mapping[int, Path], offset: int, place: int) -> str:
    """Of a file from this byte on; empty for one that cannot be read, or holds no signal far into it."""
    try:
        with files[place].open("rb") as file:
            file.seek(offset)
            block = file.read(_SAMPLE)
    except OSError:
        return ""
    levels = len(set(memoryview(block[: len(block) // 2 * 2]).cast("h")))
    return "" if offset == _STARTS[-1] and levels < _LEAST_LEVELS else hashlib.sha256(block).hexdigest()


def _digest(path: Path) -> str:
    """Of the file at five places; empty for one that cannot be read or holds no signal there."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            blocks = []
            for share in (0.0, 0.2, 0.4, 0.6, 0.8):
                file.seek(MAIN_HEADER + int((size - MAIN_HEADER) * share))
                blocks.append(file.read(_SAMPLE))
    except OSError:
        return ""
    if all(block.count(block[:1]) == len(block) for block in blocks[1:]):
        return ""
    return hashlib.sha256(b"".join(blocks)).hexdigest()
