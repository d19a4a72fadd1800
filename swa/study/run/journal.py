"""`run.json`, the only file that differs between identical runs: when and where, and the log of each night.

It also keeps what tables and pages were made from, so that a run that finds them as they were leaves them alone.
"""

import datetime
import hashlib
import os
import platform
import socket
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TypedDict, cast

import pandas as pd

from swa.settings import Settings
from swa.study.run.lock import WORK
from swa.study.store import NightFolder
from swa.study.written import (
    COMPARED,
    KEY,
    LEFT_OUT,
    PRIMARIES,
    RUN_FILE,
    STUDY_NOTES,
    kept_left_out,
    kept_nights,
    kept_primaries,
    known_digests,
    study_notes,
)
from swa.tables.files import hash_file, read_json, table_text, write_json

PACKAGES = ("swa", "mne", "numpy", "scipy", "pandas", "matplotlib", "distributed")
# What a study makes beside the files of its nights; others in the folder (notes of a user, locks of Excel) say nothing.
_OUTPUTS = (".tsv", ".parquet", ".html", ".txt", ".bib", ".svg", ".png")
_REWRITTEN = ("study-template.tsv",)


class Comparison(TypedDict):
    """Digests of what tables and pages were made from, and of themselves."""

    inputs: str
    outputs: str


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
            write_json(document, self._path, indent=None)


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
        self._document: dict[str, object] = {"command": command, "started": _now(), "ended": None}

    def write(self, settings: Settings, comparison: Comparison | None, **facts: object) -> None:
        """Write `run.json`: this command, and what was known of nights that it left alone.

        Parameters
        ----------
        settings : Settings
            All settings.
        comparison : Comparison or None
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
            "comparison": comparison,
            KEY: known_digests(self._results),
            STUDY_NOTES: study_notes(self._results),
            PRIMARIES: kept_primaries(self._results),
            COMPARED: kept_nights(self._results),
            LEFT_OUT: kept_left_out(self._results),
            "nights": _gather_logs(self._results),
        }
        write_json(self._document, self._results / RUN_FILE)


def forget_comparison(results: Path) -> None:
    """Say that tables and pages are no longer those that were told of; to be called before the first is touched."""
    known = read_json(results / RUN_FILE)
    if known.get("comparison"):
        write_json(known | {"comparison": None}, results / RUN_FILE)


def digest_inputs(results: Path, nights: pd.DataFrame, problems: pd.DataFrame, settings: Settings) -> str:
    """Digest of all that tables and pages are made from: stored nights, what is said of the others, and settings."""
    digest = hashlib.sha256(f"{version('swa')}\n{settings.to_toml()}".encode())
    for text in (*map(table_text, (nights, problems)), *study_notes(results)):
        digest.update(text.encode())
    done = nights[nights["status"] == "done"]
    for subject, session in zip(done["subject_label"], done["session_label"], strict=True):
        digest.update(hash_file(NightFolder(results, subject, session).file("desc-night.json")).encode())
    return digest.hexdigest()


def describe_comparison(results: Path, inputs: str) -> Comparison:
    """What tables and pages were made from, and how they are now."""
    return {"inputs": inputs, "outputs": _digest_outputs(results)}


def find_comparison(results: Path, inputs: str) -> Comparison | None:
    """What is known of tables and pages, where they were made from the same and are as they were.

    Parameters
    ----------
    results : Path
        The results folder.
    inputs : str
        `digest_inputs` of now.
    """
    known = read_json(results / RUN_FILE).get("comparison")
    if not isinstance(known, dict) or known.get("inputs") != inputs:
        return None
    return cast(Comparison, known) if known.get("outputs") == _digest_outputs(results) else None


def _digest_outputs(results: Path) -> str:
    """By content: a byte that a disk turns leaves size and time as they were."""
    digest = hashlib.sha256()
    for path in sorted(_outputs(results)):
        digest.update(f"{path.relative_to(results).as_posix()}\t{hash_file(path)}\n".encode())
    return digest.hexdigest()


def _outputs(results: Path) -> Iterator[Path]:
    for folder in (results, *results.glob("sub-*")):
        for place in (folder, folder / "figures"):
            with suppress(FileNotFoundError, NotADirectoryError):
                for path in place.iterdir():
                    told = path.suffix in _OUTPUTS and path.name[:1] not in (".", "~")
                    if told and path.name not in _REWRITTEN and path.is_file():
                        yield path


def _gather_logs(results: Path) -> dict[str, object]:
    """Logs of all nights that are there or have failed in this run: those of now in the place of the older ones."""
    fresh = {path.stem: read_json(path) for path in _logs(results).glob("*.json")}
    known = read_json(results / RUN_FILE).get("nights")
    there = {f"{path.parts[-3]}_{path.parts[-2]}" for path in results.glob("sub-*/ses-*/eeg")}
    kept = {name: log for name, log in known.items() if name in there} if isinstance(known, dict) else {}
    return dict(sorted((kept | fresh).items()))


def _logs(results: Path) -> Path:
    return results / WORK / "logs"


def _now(precision: str = "seconds") -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec=precision)
