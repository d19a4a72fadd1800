"""Who works where: one run at a time in a results folder, one process at a time at a night of a shared one."""

import datetime
import json
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from swa.errors import StudyError
from swa.tables.files import read_json

LOCK = "swa.lock"
# What is there only while work goes on: claims, marks of attempts, reports of parts. It is gone when a study is whole.
WORK = ".swa-work"
CLAIM_H = 12.0  # no night takes so long: the claim of a process on another host is old after it


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The process that holds a lock or a claim.

    Attributes
    ----------
    host : str
        Its machine.
    pid : int
        Its number there.
    process_start : float
        When that process started, s since 1970: numbers are given again.
    time : str
        Since when it holds, ISO 8601 with time zone.
    """

    host: str
    pid: int
    process_start: float
    time: str

    def __str__(self) -> str:
        return f"host {self.host}, process {self.pid}, since {self.time}"

    def is_alive(self, limit_h: float = float("inf")) -> bool:
        """Whether it may still run; a process on another host always may, up to a limit in h."""
        import psutil

        if self.host != socket.gethostname():
            age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(self.time)
            return age.total_seconds() < limit_h * 3600
        try:
            return bool(abs(psutil.Process(self.pid).create_time() - self.process_start) < 2)
        except psutil.Error as error:  # it is gone, or another user's, which /proc may hide (hidepid)
            if os.name != "posix":  # where signal 0 is none
                return isinstance(error, psutil.AccessDenied)
            return _is_hidden(self.pid) and self.process_start >= psutil.boot_time()


def _is_hidden(pid: int) -> bool:
    """Whether there is a process that is another user's: one of our own is always seen."""
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return False


@contextmanager
def hold(results: Path) -> Iterator[None]:
    """Hold a results folder: a second run stops and says who holds it; the lock of a dead process is taken over.

    Raises
    ------
    StudyError
        Another run, or a part of one, holds the folder.
    """
    results.mkdir(parents=True, exist_ok=True)
    path = results / LOCK
    if holder := take(path):
        raise _held(results, holder, path)
    try:
        for claim in sorted((results / WORK / "claims").glob("*.json")):
            if (holder := read_holder(claim)) and holder.is_alive(CLAIM_H):
                raise _held(results, holder, claim)
        yield
    finally:
        path.unlink(missing_ok=True)


def refuse_if_held(results: Path) -> None:
    """Stop where a whole run holds the folder.

    Raises
    ------
    StudyError
        It does.
    """
    if (holder := read_holder(results / LOCK)) and holder.is_alive():
        raise _held(results, holder, results / LOCK)


def take(path: Path, limit_h: float = float("inf")) -> Holder | None:
    """Write a lock that nobody else holds; None where it is ours now, else who holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        if _create(path):
            return None
        holder = read_holder(path)
        if holder is not None and holder.is_alive(limit_h):
            return holder
        # Of two that find the same dead lock one alone can move it away; the other finds none, or the new one.
        moved = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.tmp")
        try:
            os.rename(path, moved)
        except OSError:
            continue
        if read_holder(moved) != holder:  # the other was quicker, and this is its new lock: put it back
            os.replace(moved, path)
            continue
        moved.unlink(missing_ok=True)


def read_holder(path: Path) -> Holder | None:
    """Who wrote a lock; None where there is none, or a damaged one, which no living process left."""
    found = read_json(path)
    try:
        return Holder(**{name: kind(found[name]) for name, kind in Holder.__annotations__.items()})
    except (ValueError, KeyError, TypeError):
        return None


def _create(path: Path) -> bool:
    """Write a lock whole and only where there is none."""
    import psutil

    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    own = Holder(host=socket.gethostname(), pid=os.getpid(), process_start=psutil.Process().create_time(), time=now)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    temporary.write_text(json.dumps(asdict(own)), encoding="utf-8")
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(temporary.read_text(encoding="utf-8"))
        except FileExistsError:
            return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _held(results: Path, holder: Holder, lock: Path) -> StudyError:
    return StudyError(
        f"{results}: another run holds this folder ({holder}).",
        f"Wait for it; if it is gone, delete {lock.relative_to(results).as_posix()} there.",
    )
