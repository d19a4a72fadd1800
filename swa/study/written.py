"""What `run.json` keeps of a study: digests of files that `swa compare` believes, and what its study file told."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from swa.errors import StudyError
from swa.tables.files import hash_file, read_json, write_json, write_text

RUN_FILE = "run.json"
KEY = "written"
STUDY_NOTES = "study_notes"
REMEDY = (
    "`swa run` with this folder writes it anew; finished nights are kept. Facts of nights belong in the study file, "
    "settings in a file that --settings names."
)


def write_believed(text: str, path: Path) -> None:
    """Write a file at the root of a results folder that `check_written` knows again.

    Its digest is noted before it is written, beside that of the file which it replaces: whenever a call ends, the one
    that is there is known.
    """
    known, digest = read_json(path.parent / RUN_FILE), hashlib.sha256(text.encode()).hexdigest()
    written = known_digests(path.parent)
    there = hash_file(path) if path.is_file() else ""
    digests = [old for old in written.get(path.name, []) if old == there != digest]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(known | {KEY: written | {path.name: [*digests, digest]}}, path.parent / RUN_FILE)
    write_text(text, path)


def known_digests(results: Path) -> dict[str, list[str]]:
    """Digests by file; none of a folder that no call of this version has written."""
    found = read_json(results / RUN_FILE).get(KEY)
    return found if isinstance(found, dict) else {}


def check_written(results: Path) -> None:
    """Refuse a folder whose table of nights or settings are not as swa wrote them.

    Raises
    ------
    StudyError
        One of them is damaged, or was edited by hand.
    """
    for name, digests in known_digests(results).items():
        path = results / name
        if not path.is_file() or hash_file(path) not in digests:
            raise StudyError(f"{results}: {name} is missing, damaged, or edited by hand.", REMEDY)


def keep_study_notes(results: Path, notes: Sequence[str]) -> None:
    """Keep what was told of the study file when it was read: what was mended in it, and what was left out."""
    write_json(read_json(results / RUN_FILE) | {STUDY_NOTES: list(notes)}, results / RUN_FILE)


def study_notes(results: Path) -> list[str]:
    """Return what `keep_study_notes` kept; nothing of a folder of an earlier version."""
    found = read_json(results / RUN_FILE).get(STUDY_NOTES)
    return [str(note) for note in found] if isinstance(found, list) else []
