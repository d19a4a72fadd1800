"""One run at a time in a results folder."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from swa.errors import StudyError

LOCK = "swa.lock"


@contextmanager
def hold(results: Path) -> Iterator[None]:
    """Hold a results folder: a second run stops and says who holds it; the lock of a dead process is taken over."""
    results.mkdir(parents=True, exist_ok=True)
    path = results / LOCK
    while True:
        try:
            with path.open("x", encoding="utf-8") as file:
                json.dump({"host": socket.gethostname(), "pid": os.getpid()}, file)
            break
        except FileExistsError:
            if _is_alive(path):
                holder = _holder(path)
                raise StudyError(
                    f"{results}: another run holds this folder (host {holder['host']}, process {holder['pid']}).",
                    f"Wait for it; if it is gone, delete {path.name} there.",
                ) from None
            path.unlink(missing_ok=True)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _holder(lock: Path) -> dict[str, Any]:
    """Who wrote a lock; unknown where it is damaged or being written."""
    try:
        found = json.loads(lock.read_text(encoding="utf-8"))
        return {"host": str(found["host"]), "pid": int(found["pid"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"host": "unknown", "pid": "unknown"}


def _is_alive(lock: Path) -> bool:
    """Whether the process that wrote a lock may still run; another host's always may."""
    import psutil

    holder = _holder(lock)
    if holder["pid"] == "unknown":
        return lock.exists()
    return holder["host"] != socket.gethostname() or psutil.pid_exists(holder["pid"])
