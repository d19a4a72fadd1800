"""`run.json`, the only file that differs between identical runs: when and where, and the log of each night.

It also keeps what tables and pages were made from, so that a run that finds them as they were leaves them alone.
"""

import datetime
import hashlib
import json
import os
import platform
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from swa.settings import Settings
from swa.study.run.lock import WORK
from swa.study.store import NightFolder, hash_file, table_text, write_text

RUN_FILE = "run.json"
PACKAGES = ("swa", "mne", "numpy", "scipy", "pandas", "matplotlib", "distributed")
# What a study makes beside the files of its nights; others in the folder (notes of a user, locks of Excel) say nothing.
_OUTPUTS = (".tsv", ".parquet", ".html", ".txt", ".bib", ".svg", ".png")
_REWRITTEN = ("study-template.tsv",)


class NightLog:
    """What was done with a night, in order, each line with its time; kept in `.swa-work` until `run.json` takes it.

    Parameters
    ----------
    results : Path
        The results folder.
    name : str
        Of the night, as in file names.
    """

    def __init__(self, results: Path, name: str) -> None:
        self._path = _logs(results) / f"{name}.json"
        self._lines: list[str] = []

    def add(self, text: str) -> None:
        """One more line."""
        self._lines.append(f"{_now('milliseconds')} {text}")

    def write(self) -> None:
        """Leave it for the run. A disk that is full must not make a finished night fail."""
        document = {"host": socket.gethostname(), "process": os.getpid(), "log": self._lines}
        with suppress(OSError):
            write_text(json.dumps(document, ensure_ascii=False), self._path)


class Journal:
    """What a command does in a results folder, from its start to `write`.

    Parameters
    ----------
    results : Path
        The results folder.
    command : str
        ``run``, ``compare`` or ``unblind``.
    """

    def __init__(self, results: Path, command: str) -> None:
        self._results = results
        self._document: dict[str, Any] = {"command": command, "started": _now(), "ended": None}

    def write(self, settings: Settings, comparison: Mapping[str, str] | None, **facts: object) -> None:
        """Write `run.json`: this command, and what was known of nights that it left alone.

        Parameters
        ----------
        settings : Settings
            All settings.
        comparison : mapping or None
            What tables and pages were made from (`describe_comparison`); None where they may not be left as they are.
        **facts
            Whatever else is to be said.
        """
        self._document |= {
            "ended": _now(),
            "host": socket.gethostname(),
            "platform": platform.platform(),
            "python": platform.python_version(),
            "versions": {name: version(name) for name in PACKAGES},
            "settings_sha256": hashlib.sha256(settings.to_toml().encode()).hexdigest(),
            **facts,
            "comparison": dict(comparison) if comparison else None,
            "nights": _gather_logs(self._results),
        }
        write_text(json.dumps(self._document, indent=1, ensure_ascii=False), self._results / RUN_FILE)


def read_journal(results: Path) -> dict[str, Any]:
    """What `run.json` says; empty where there is none, or a damaged one."""
    try:
        found = json.loads((results / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def forget_comparison(results: Path) -> None:
    """Say that tables and pages are no longer those that were told of; to be called before the first is touched."""
    known = read_journal(results)
    if known.get("comparison"):
        write_text(json.dumps(known | {"comparison": None}, indent=1, ensure_ascii=False), results / RUN_FILE)


def digest_inputs(results: Path, nights: pd.DataFrame, problems: pd.DataFrame, settings: Settings) -> str:
    """Digest of all that tables and pages are made from: stored nights, what is said of the others, and settings."""
    digest = hashlib.sha256(f"{version('swa')}\n{settings.to_toml()}".encode())
    for table in (nights, problems):
        digest.update(table_text(table).encode())
    done = nights[nights["status"] == "done"]
    for subject, session in zip(done["subject_label"], done["session_label"], strict=True):
        digest.update(hash_file(NightFolder(results, subject, session).file("desc-night.json")).encode())
    return digest.hexdigest()


def describe_comparison(results: Path, inputs: str) -> dict[str, str]:
    """What tables and pages were made from, and how they are now."""
    return {"inputs": inputs, "outputs": _digest_outputs(results), "outputs_sha256": _digest_outputs(results, True)}


def find_comparison(results: Path, inputs: str, verify: bool = False) -> dict[str, str] | None:
    """What is known of tables and pages, where they were made from the same and are as they were.

    Parameters
    ----------
    results : Path
        The results folder.
    inputs : str
        `digest_inputs` of now.
    verify : bool
        Compare contents, not sizes and times.
    """
    known = read_journal(results).get("comparison")
    if not isinstance(known, dict) or known.get("inputs") != inputs:
        return None
    return known if known.get("outputs_sha256" if verify else "outputs") == _digest_outputs(results, verify) else None


def _digest_outputs(results: Path, by_content: bool = False) -> str:
    digest = hashlib.sha256()
    for path in sorted(_outputs(results)):
        state = path.stat()
        told = hash_file(path) if by_content else f"{state.st_size} {state.st_mtime_ns}"
        digest.update(f"{path.relative_to(results).as_posix()}\t{told}\n".encode())
    return digest.hexdigest()


def _outputs(results: Path) -> Iterator[Path]:
    for folder in (results, *results.glob("sub-*")):
        for place in (folder, folder / "figures"):
            with suppress(FileNotFoundError, NotADirectoryError):
                for path in place.iterdir():
                    told = path.suffix in _OUTPUTS and path.name[:1] not in (".", "~")
                    if told and path.name not in _REWRITTEN and path.is_file():
                        yield path


def _gather_logs(results: Path) -> dict[str, Any]:
    """Logs of all nights that are there or have failed in this run: those of now in the place of the older ones."""
    fresh = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(_logs(results).glob("*.json"))}
    known = read_journal(results).get("nights", {})
    kept = {name: log for name, log in known.items() if _is_there(results, name)} if isinstance(known, dict) else {}
    return dict(sorted((kept | fresh).items()))


def _is_there(results: Path, name: str) -> bool:
    subject, _, session = name.removeprefix("sub-").partition("_ses-")
    return NightFolder(results, subject, session).path.is_dir()


def _logs(results: Path) -> Path:
    return results / WORK / "logs"


def _now(precision: str = "seconds") -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec=precision)
