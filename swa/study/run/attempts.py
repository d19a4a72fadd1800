"""Marks that a worker leaves before it begins a night: two of one run mean that this night kills its worker."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from swa.study.run.lock import WORK

MOST = 2


def count_attempts(results: Path, name: str, run: str) -> int:
    """Attempts of a run at a night that have neither ended nor failed."""
    return len(list(_folder(results).glob(f"{name}.{run}.*")))


@contextmanager
def mark_attempt(results: Path, name: str, run: str) -> Iterator[None]:
    """Leave a mark while a night is worked at; only a process that dies leaves it for ever."""
    folder = _folder(results)
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / f"{name}.{run}.{uuid.uuid4().hex[:8]}"
    mark.touch()
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def clear_work(results: Path, keep: tuple[str, ...] = ()) -> None:
    """Remove what earlier runs left: marks, claims of the dead, reports of parts, logs and half-written files.

    Parameters
    ----------
    results : Path
        The results folder.
    keep : tuple of str
        What stays, by its folder: ``logs`` until `run.json` has taken them.
    """
    for folder in (results / WORK).glob("*"):
        if folder.name not in keep:
            shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # not empty, or not there
        (results / WORK).rmdir()
    for temporary in (*results.rglob(".*.tmp"), *results.glob("*.tmp")):
        temporary.unlink(missing_ok=True)


def _folder(results: Path) -> Path:
    return results / WORK / "attempts"
