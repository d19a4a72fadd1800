"""Which files `swa compare` believes: those that are as swa wrote them, by digests that `run.json` keeps."""

import hashlib
from pathlib import Path

from swa.errors import StudyError
from swa.tables.files import hash_file, read_json, write_json, write_text

RUN_FILE = "run.json"
KEY = "written"
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
