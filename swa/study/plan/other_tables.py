"""Tables in the folder of the recordings that are used for nothing, though one may be meant as the study file."""

import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from swa.recordings.formats import stem_of
from swa.study.plan.names import natural_key, printable
from swa.study.plan.places import is_of_subject
from swa.study.plan.scoring_names import WORDS
from swa.study.plan.study_file import SUFFIXES

MOST_NAMED = 3
_SCORING = re.compile(rf"(?<![a-z])(?:{WORDS})(?![a-z])", re.IGNORECASE)


def note_tables(
    root: Path, recordings: Sequence[Path], subjects: Collection[str], used: Iterable[str | Path]
) -> list[str]:
    """Tables of a folder without a study file that are no recording's and no subject's, and how one would be used.

    `used` are files that are scorings, used or told as such.
    """
    stems = tuple({_plain(stem_of(path.name)) for path in recordings if path.parent == root})
    known = {os.path.realpath(path) for path in used if path}
    found = [
        name
        for name in _tables(root)
        if not _SCORING.search(name)
        and not _plain(name).startswith(stems)
        and not any(is_of_subject(name, subject) for subject in subjects)
        and os.path.realpath(root / name) not in known
    ]
    if not found:
        return []
    named = ", ".join(printable(name) for name in found[:MOST_NAMED])
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    if len(found) == 1:
        ending = Path(found[0]).suffix.lower()
        return [f"{named} is a table and is not used: call it study{ending}, or give it with --study"]
    return [f"{named}{more} are tables and are not used: the study file is called study.xlsx, or given with --study"]


def note_copies(file: Path) -> list[str]:
    """Say which tables beside a study file are called as it is and more, like ``study (1).xlsx``."""
    copy = re.compile(rf"{re.escape(_plain(file.stem))}[\W_].*")
    others = [name for name in _tables(file.parent) if name != file.name and copy.fullmatch(_plain(Path(name).stem))]
    return [f"{file.name} is used, {printable(name)} is not" for name in others]


def _tables(folder: Path) -> list[str]:
    try:
        names = [entry.name for entry in os.scandir(folder) if entry.is_file()]
    except OSError:
        return []
    tables = [name for name in names if Path(name).suffix.lower() in SUFFIXES and name[0] not in ".~"]
    return sorted(tables, key=natural_key)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
