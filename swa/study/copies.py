"""Recordings that are one and the same under two names: a night compared with itself shows no effect, of anything."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

MAIN_HEADER = 256  # bytes of EDF and BDF that name the patient and the date: an export under another name differs here
_SAMPLE = 65_536
_CHUNK = 4_194_304


def find_copies(paths: Sequence[str]) -> dict[int, int]:
    """Places of recordings that hold the same bytes as an earlier one, the first 256 aside.

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
    Files of different sizes are not opened. Of those of one size 64 kB after the header and in the middle are read, and
    whole files only where these agree.
    """
    by_size: dict[int, list[int]] = {}
    for place, path in enumerate(paths):
        size = _size(path)
        if size > MAIN_HEADER:
            by_size.setdefault(size, []).append(place)
    found: dict[int, int] = {}
    for alike in (places for places in by_size.values() if len(places) > 1):
        for similar in _groups(alike, paths, whole=False):
            for same in _groups(similar, paths, whole=True):
                found |= dict.fromkeys(same[1:], same[0])
    return found


def _groups(places: Iterable[int], paths: Sequence[str], *, whole: bool) -> list[list[int]]:
    by_digest: dict[str, list[int]] = {}
    for place in places:
        digest = _digest(Path(paths[place]), whole)
        if digest:
            by_digest.setdefault(digest, []).append(place)
    return [group for group in by_digest.values() if len(group) > 1]


def _size(path: str) -> int:
    try:
        return os.path.getsize(path) if path else 0
    except OSError:
        return 0


def _digest(path: Path, whole: bool) -> str:
    """Of what follows the main header, or of two samples of it; empty for a file that cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            file.seek(MAIN_HEADER)
            if whole:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
            else:
                digest.update(file.read(_SAMPLE))
                file.seek(max(path.stat().st_size // 2, MAIN_HEADER))
                digest.update(file.read(_SAMPLE))
    except OSError:
        return ""
    return digest.hexdigest()
