"""Recordings that are one and the same under two names: a night compared with itself shows no effect, of anything."""

import datetime
import hashlib
import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from swa.recordings.edf.header import read_start
from swa.recordings.formats import signal_file

MAIN_HEADER = 256  # bytes of EDF and BDF that name the patient and the date: an export under another name differs here
_SAMPLE = 65_536


def find_copies(paths: Sequence[str]) -> dict[int, int]:
    """Places of recordings that hold the same signals as an earlier one, whatever their main headers say.

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
    Files of different sizes are not opened. Of those of one size 64 kB are compared after the main header and at four
    places of the signals: brains and amplifiers never give that twice. Where all four hold one value alone, as in
    files that were never written to, nothing is known.
    """
    by_size: dict[int, list[int]] = {}
    for place, path in enumerate(paths):
        size = _size(signal_file(Path(path))) if path else 0
        if size > MAIN_HEADER:
            by_size.setdefault(size, []).append(place)
    found: dict[int, int] = {}
    for alike in (places for places in by_size.values() if len(places) > 1):
        for same in _groups(alike, paths):
            found |= dict.fromkeys(same[1:], same[0])
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


def _groups(places: Iterable[int], paths: Sequence[str]) -> list[list[int]]:
    by_digest: dict[str, list[int]] = {}
    for place in places:
        digest = _digest(signal_file(Path(paths[place])))
        if digest:
            by_digest.setdefault(digest, []).append(place)
    return [group for group in by_digest.values() if len(group) > 1]


def _size(path: Path) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


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
