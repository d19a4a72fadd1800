"""What `run.json` keeps of a study: files that `swa compare` believes, notes, primaries, compared nights."""

import datetime
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from swa.errors import StudyError
from swa.tables.files import hash_file, read_json, write_json, write_text

RUN_FILE = "run.json"
KEY = "written"
STUDY_NOTES = "study_notes"
PRIMARIES = "primaries"
COMPARED = "compared_nights"
LEFT_OUT = "left_out"
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


@dataclass(frozen=True, kw_only=True)
class LatePrimary:
    """A primary that was named after results had been made in the same folder.

    Attributes
    ----------
    date : str
        Day (UTC) of the first results with it.
    before : str
        The primary of the first results, as it was named; empty where they had none.
    """

    date: str
    before: str


def keep_primary(results: Path, primary: str) -> None:
    """Keep with which primary contrasts were written, and when, where that is not the one of those before."""
    known, found = read_json(results / RUN_FILE), kept_primaries(results)
    if not found or found[-1]["primary"].casefold() != primary.casefold():
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        write_json(known | {PRIMARIES: [*found, {"primary": primary, "since": now}]}, results / RUN_FILE)


def kept_primaries(results: Path) -> list[dict[str, str]]:
    """Return what `keep_primary` kept, the first one first; nothing of a folder of an earlier version."""
    found = read_json(results / RUN_FILE).get(PRIMARIES)
    rows = found if isinstance(found, list) else []
    return [{name: str(row.get(name, "")) for name in ("primary", "since")} for row in rows if isinstance(row, dict)]


def late_primary(results: Path, primary: str) -> LatePrimary | None:
    """Say whether the primary of now is another one than that of the first results; who goes back to that has not."""
    found = kept_primaries(results)
    own = [row for row in found if row["primary"].casefold() == primary.casefold()]
    if not primary or not own or own[0] is found[0]:
        return None
    return LatePrimary(date=own[0]["since"][:10], before=found[0]["primary"])


def kept_nights(results: Path) -> list[dict[str, object]]:
    """Return which nights contrasts were made with and without (`swa.comparison.late_nights`), the first ones first."""
    found = read_json(results / RUN_FILE).get(COMPARED)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def keep_left_out(results: Path, names: Iterable[str]) -> None:
    """Keep which nights (``SUBJECT/SESSION``) the run left out on purpose, not those that only wait for their turn."""
    write_json(read_json(results / RUN_FILE) | {LEFT_OUT: sorted(names)}, results / RUN_FILE)


def kept_left_out(results: Path) -> list[str]:
    """Return what `keep_left_out` kept; nothing of a folder of an earlier version."""
    found = read_json(results / RUN_FILE).get(LEFT_OUT)
    return [str(name) for name in found] if isinstance(found, list) else []
