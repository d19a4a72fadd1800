"""Where the files lie that a study file names, and which one may be meant where there is none of that name."""

import contextlib
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from swa.recordings.formats import stem_of
from swa.study.plan.columns import nearest
from swa.study.plan.recording_search import absolute, is_one
from swa.study.plan.sheet import shown

LONGEST_PATH = 300  # characters that a sentence shows of a path
MOST_NAMED = 3  # files that may be meant
MOST_SUGGESTIONS = 5  # each compares a name with those of all recordings


@dataclass(frozen=True, kw_only=True)
class Located:
    """Where a path of the study file leads: `wrong` stops the study, `problem` stops this night alone."""

    path: str = ""
    text: str = ""
    wrong: str = ""
    problem: str = ""
    is_missing: bool = False


def locate_all(
    texts: Sequence[str],
    bases: Sequence[Path],
    known: Sequence[str],
    subjects: Sequence[str],
    folders: Sequence[str] = (),
) -> list[Located]:
    """Where the paths of a column lead; `known` are names below the last base, `folders` those of the recordings."""
    places: list[Located] = []
    for row, text in enumerate(texts):
        place = _locate(text, bases)
        if place.problem and not re.search(r"[/\\]", text):
            place = _find_below(text, bases[-1], known, folders[row] if folders else "") or place
        places.append(place)
    listed = {place.path for place in places if place.path}
    for row in [row for row, place in enumerate(places) if place.is_missing][:MOST_SUGGESTIONS]:
        name, subject = places[row].text, subjects[row]
        files = [each for each in known or _siblings(bases, name) if str(bases[-1] / each) not in listed]
        free = [each for each in files if each not in texts]
        others = {other for other in subjects if other != subject}
        hint = _nearest_file(name, subject, others, free)
        if not hint and not folders:  # beside recordings lie many tables of a subject
            hint = _other_files(subject, others, free)
        places[row] = replace(places[row], problem=places[row].problem + hint)
    return places


def _find_below(name: str, root: Path, known: Sequence[str], folder: str) -> Located | None:
    """The one file of a name in the folders below, or the one that lies nearest to the recording; None without any.

    A name without its ending is that of the files that have it before theirs, as Windows shows them.
    """
    plain = unicodedata.normalize("NFC", name).casefold()
    names = {each: unicodedata.normalize("NFC", each.rpartition("/")[2]).casefold() for each in known}
    found = [each for each in known if names[each] == plain] or [
        each for each in known if stem_of(names[each]) == plain
    ]
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


def _locate(text: str, bases: Sequence[Path]) -> Located:
    """Resolve a path of the study file against its folder, then against the recordings, leaving neither."""
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
    too_long = len(name) > LONGEST_PATH
    return Located(text=name, problem=f"{shown(text, LONGEST_PATH)} is not there", is_missing=not too_long)


def _nearest_file(name: str, subject: str, others: set[str], free: Sequence[str]) -> str:
    """The one of the files whose name is most like one that is not there; none that seems to be another subject's."""
    own = is_of_subject(name, subject)
    files = [
        each for each in free if not _is_anothers(each, name, others) and (not own or is_of_subject(each, subject))
    ]
    names = [each.rsplit("/", 1)[-1] for each in files]
    return nearest(name, files, 0.7) or nearest(name.rsplit("/", 1)[-1], names, 0.7)


def _other_files(subject: str, others: set[str], free: Sequence[str]) -> str:
    """The files whose names begin with that of a subject, and with no other one's."""
    own = [each for each in free if is_of_subject(each, subject)]
    own = [each for each in own if not any(is_of_subject(each, other) for other in others)]
    named = " or ".join(map(repr, own[:MOST_NAMED])) + (" …" if len(own) > MOST_NAMED else "")
    return f" (did you mean {named}?)" if own else ""


def is_of_subject(name: str, subject: str) -> bool:
    """Whether the name of a file, or of a folder that it lies in, begins with that of a subject and goes on otherwise.

    Parameters
    ----------
    name : str
        Of the file, with its folders.
    subject : str
        The subject: ``P-01`` is also written ``P01`` and ``p_01``, and ``sub-P01``.
    """
    own = _pattern_of(subject)
    parts = unicodedata.normalize("NFC", name).casefold().replace("\\", "/").split("/")
    return own is not None and any(own.match(part) for part in parts)


@lru_cache(maxsize=4096)
def _pattern_of(subject: str) -> re.Pattern[str] | None:
    letters = re.findall(r"[^\W_]", unicodedata.normalize("NFC", subject).casefold())
    return re.compile(r"(?:sub-)?" + r"[\W_]*".join(letters) + r"(?![^\W_])") if letters else None


def _is_anothers(candidate: str, name: str, others: set[str]) -> bool:
    """Whether a file is, by numbers or a word of its name, of another subject than the one sought."""

    def parts(text: str) -> tuple[list[str], set[str]]:
        text = text.rpartition("/")[2].casefold()
        return [digits.lstrip("0") for digits in re.findall(r"\d+", text)], set(re.split(r"[\W_]+", text))

    (numbers, words), (sought, own_words) = parts(candidate), parts(name)
    elsewhere = {other.casefold() for other in others} & (words - own_words)
    return numbers != sought or bool(elsewhere)


def _siblings(bases: Iterable[Path], name: str) -> list[str]:
    """Names of the files that lie where one was looked for."""
    found: list[str] = []
    for path in (absolute(base / name) for base in bases):
        with contextlib.suppress(OSError, ValueError):
            found += sorted(entry.name for entry in os.scandir(path.parent) if entry.is_file())
    return found


def _exists(path: Path) -> bool:
    try:
        return is_one(path)
    except (OSError, ValueError):  # a name that the file system cannot have
        return False
