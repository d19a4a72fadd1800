"""Where the files lie that a study file names, and which one may be meant where there is none of that name."""

import contextlib
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from swa.study.plan.recording_search import absolute, is_one
from swa.study.plan.sheet import shown
from swa.study.plan.study_file import nearest

LONGEST_PATH = 300  # characters that a sentence shows of a path
MOST_SUGGESTIONS = 5  # each compares a name with those of all recordings


@dataclass(frozen=True, kw_only=True)
class Located:
    """Where a path of the study file leads: `wrong` stops the study, `problem` stops this night alone."""

    path: str = ""
    text: str = ""
    wrong: str = ""
    problem: str = ""


def locate_all(
    texts: Sequence[str],
    bases: Sequence[Path],
    known: Sequence[str],
    subjects: Sequence[str],
    folders: Sequence[str] = (),
) -> list[Located]:
    """Where the paths of a column lead; `known` are names below the last base, `folders` those of the recordings."""
    places: list[Located] = []
    missing = 0
    for row, (text, subject) in enumerate(zip(texts, subjects, strict=True)):
        others = {name for name in subjects if name != subject}
        place = _locate(text, bases, known if missing < MOST_SUGGESTIONS else None, (set(texts), others))
        if place.problem and not re.search(r"[/\\]", text):
            place = _find_below(text, bases[-1], known, folders[row] if folders else "") or place
        places.append(place)
        missing += bool(place.problem)
    return places


def _find_below(name: str, root: Path, known: Sequence[str], folder: str) -> Located | None:
    """The one file of a name in the folders below, or the one that lies nearest to the recording; None without any."""
    plain = unicodedata.normalize("NFC", name).casefold()
    found = [each for each in known if unicodedata.normalize("NFC", each.rpartition("/")[2]).casefold() == plain]
    near = [each for each in found if folder and (root / each).is_relative_to(folder)]
    if len(near) == 1 or len(found) == 1:
        text = (near or found)[0]
        return Located(path=str(root / text), text=text)
    listed = ", ".join(found[:MOST_SUGGESTIONS])
    return (
        Located(text=name, problem=f"{name!r} is there more than once ({listed}); write its folder, too")
        if found
        else None
    )


def _locate(text: str, bases: Sequence[Path], known: Sequence[str] | None, taken: tuple[set[str], set[str]]) -> Located:
    """Resolve a path of the study file against its folder, then against the recordings, leaving neither.

    What is not there is told with the nearest of the `known`, or of the files beside it, that no row and no other
    subject has (`taken`: texts of the rows, other subjects); with None, without one.
    """
    if not text:
        return Located()
    # macOS takes accented letters apart in the names of files (NFD), tables hold them whole (NFC).
    spelt = [text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))]
    for written in dict.fromkeys([*spelt, *(each.replace("\\", "/") for each in spelt)]):
        candidates = [absolute(base / written) for base in bases]
        allowed = [path for path in candidates if any(path.is_relative_to(base) for base in bases)]
        foreign_drive = os.name != "nt" and re.match(r"[A-Za-z]:[\\/]", written)
        if not allowed or foreign_drive or "\0" in written:
            where = "outside the folder of the study file and that of the recordings"
            return Located(
                text=text, wrong=f"{shown(text, LONGEST_PATH)} lies {where}; move it, or name another RECORDINGS folder"
            )
        for path in allowed:
            if _exists(path):
                base = next(base for base in (*reversed(bases), *bases) if path.is_relative_to(base))
                relative = path.relative_to(base).as_posix() if Path(written).is_absolute() else written
                return Located(path=str(path), text=relative)
    name = text.replace("\\", "/")
    if known is None or len(name) > LONGEST_PATH:
        return Located(text=name, problem=f"{shown(text, LONGEST_PATH)} is not there")
    known = [each for each in known or _siblings(candidates) if not _is_taken(each, name, *taken)]
    by_name = nearest(name, known, 0.7) or nearest(name.rsplit("/", 1)[-1], [k.rsplit("/", 1)[-1] for k in known], 0.7)
    return Located(text=name, problem=f"{shown(text, LONGEST_PATH)} is not there{by_name}")


def is_of_subject(name: str, subject: str) -> bool:
    """Whether the name of a file, or of a folder that it lies in, begins with that of a subject and goes on otherwise.

    Parameters
    ----------
    name : str
        Of the file, with its folders.
    subject : str
        The subject: ``P-01`` is also written ``P01`` and ``p_01``, and ``sub-P01``.
    """
    letters = re.findall(r"[^\W_]", unicodedata.normalize("NFC", subject).casefold())
    own = re.compile(r"(?:sub-)?" + r"[\W_]*".join(map(re.escape, letters)) + r"(?![^\W_])")
    parts = unicodedata.normalize("NFC", name).casefold().replace("\\", "/").split("/")
    return bool(letters) and any(own.match(part) for part in parts)


def _is_taken(candidate: str, name: str, texts: set[str], others: set[str]) -> bool:
    """Whether a file is another row's or, by numbers or a word of its name, of another subject than the one sought."""

    def parts(text: str) -> tuple[list[str], set[str]]:
        text = text.rpartition("/")[2].casefold()
        return [digits.lstrip("0") for digits in re.findall(r"\d+", text)], set(re.split(r"[\W_]+", text))

    (numbers, words), (sought, own_words) = parts(candidate), parts(name)
    elsewhere = {other.casefold() for other in others} & (words - own_words)
    return candidate in texts or numbers != sought or bool(elsewhere)


def _siblings(candidates: Iterable[Path]) -> list[str]:
    """Names of the files that lie where one was looked for."""
    found: list[str] = []
    for path in candidates:
        with contextlib.suppress(OSError, ValueError):
            found += sorted(entry.name for entry in os.scandir(path.parent) if entry.is_file())
    return found


def _exists(path: Path) -> bool:
    try:
        return is_one(path)
    except (OSError, ValueError):  # a name that the file system cannot have
        return False
