"""The recordings below a folder: which files they are, and which folders are not searched."""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from swa.errors import StudyError
from swa.recordings.formats import ENDINGS, FORMATS, READ_BY_MNE, Look, ending_of, look_at, parts_of, stem_of
from swa.study.plan.names import natural_key, printable
from swa.study.plan.scoring_names import (
    is_results,
    is_scoring_name,
    is_table_name,
    may_be_table,
    scorings_of_derivatives,
)
from swa.study.plan.study_file import SUFFIXES

DEFAULT_RESULTS = "swa-results"
MOST_ENDINGS = 6  # in the message on a folder without recordings
MOST_SHOWN = 5  # names in a note
_PACKAGES, _COMPILED = ("site-packages", "dist-packages", "node_modules"), "__pycache__"
_BIDS_OTHER_FOLDERS = ("derivatives", "sourcedata", "code", "stimuli")


def is_one(path: Path) -> bool:
    """Whether a path is one recording: a file, or the folder of one of EGI."""
    return path.is_file() or (path.is_dir() and ending_of(path.name) in READ_BY_MNE)


def what_it_holds(root: Path) -> str:
    """How many files of which endings a folder holds."""
    names = [name for _, _, files in os.walk(root) for name in files if name[0] != "."]
    endings = Counter(Path(name).suffix.lower() or "without an ending" for name in names)
    most = sorted(endings.items(), key=lambda item: (-item[1], item[0]))[:MOST_ENDINGS]  # whatever the disk lists first
    shown = ", ".join(f"{count} {ending}" for ending, count in most)
    return f"it holds {shown}" if shown else "it holds no files"


def find_recordings(
    recordings: str | Path,
    results: str | Path | None = None,
    notes: list[str] | None = None,
    others: list[Path] | None = None,
) -> list[Path]:
    """List the recordings below a folder, in natural order, or the one recording itself.

    What is a recording is told by `swa.recordings.formats.look_at`. Hypnograms stored as EDF, hidden files and
    folders, results of swa, and the derivatives of a BIDS data set are left out.

    Parameters
    ----------
    recordings : path
        A folder, or one recording.
    results : path or None
        The results folder, left out whatever its name.
    notes : list of str or None
        Takes a note for each folder that could not be searched, and on files that are called like recordings only.
    others : list of Path or None
        Takes the files that could be scorings by their ending, name or content.

    Raises
    ------
    StudyError
        The path does not exist, is no recording, or lies within the results folder.
    """
    root = Path(recordings)
    if is_one(root):
        look = look_at(root)
        if not look.is_recording and ending_of(root.name) not in ENDINGS:  # else the reading says what it is
            raise _no_recording(root)
        return [absolute(root)]
    if not root.is_dir():
        raise StudyError(f"{root}: there is no such file or folder.", "Check the path of the recordings.")
    root = absolute(root)
    avoided = os.path.realpath(results) if results is not None else ""
    if avoided and Path(os.path.realpath(root)).is_relative_to(avoided):
        raise StudyError(
            f"{root}: the recordings lie within the results folder {results}.", "Choose another folder with -o."
        )
    found: list[Path] = []
    unreadable: list[str] = []
    programs: list[str] = []
    no_recordings: dict[str, list[str]] = {}
    others = [] if others is None else others
    for path, is_scoring in _walk(root, avoided, unreadable, programs):
        look = Look(is_recording=False, may_be_scoring=True) if is_scoring else _look_at(path)
        found += [path] * look.is_recording
        others += [path] * (look.may_be_scoring or (not look.is_recording and may_be_table(path.name)))
        if look.why_not:
            no_recordings.setdefault(look.why_not, []).append(path.name)
    found = _leave_out_doubles(found, no_recordings)
    found = [path for path in found if _is_first_part(path)]
    if notes is not None:
        notes += [f"{folder}: not searched, no permission" for folder in sorted(unreadable)]
        notes += [f"not searched, as folders of programs: {_first(programs)}"] * bool(programs)
        for why_not, names in no_recordings.items():
            notes.append(f"{len(names)} {why_not}, no recordings: {_first(names)}")
    return sorted(found, key=lambda path: natural_key(path.relative_to(root).as_posix()))


def _first(names: Iterable[str]) -> str:
    shown = [printable(name) for name in sorted(names)]
    return ", ".join(shown[:MOST_SHOWN]) + (", …" if len(shown) > MOST_SHOWN else "")


def _no_recording(file: Path) -> StudyError:
    """The error on a file in the place of recordings; tables and settings have a place of their own in a call."""
    option = {".toml": "settings"} | dict.fromkeys(SUFFIXES, "study")
    kind = option.get(file.suffix.lower())
    if kind is None:
        return StudyError(f"{file}: no recording of {FORMATS}.", "Export it as EDF+ from your software.")
    what = "a table" if kind == "study" else "a settings file"
    return StudyError(f"{file}: {what}, no recording.", f"Name the folder of the recordings, and --{kind} {file}.")


def _is_first_part(path: Path) -> bool:
    """Whether a file stands for its recording, that of several files or of its own."""
    try:
        return parts_of(path)[0] in (path, path.resolve())
    except Exception:  # one file never stops a study: the reading tells
        return True


def _look_at(path: Path) -> Look:
    """What a file is; where swa itself fails at that, what its ending says: the reading then tells the fault."""
    try:
        return look_at(path)
    except Exception:  # one file never stops a study
        return Look(is_recording=ending_of(path.name) in ENDINGS)


def _walk(root: Path, avoided: str, unreadable: list[str], programs: list[str]) -> Iterator[tuple[Path, bool]]:
    """Files below a folder, and folders that are one recording, with whether their name is that of a scoring.

    Takes folders that could not be searched, and those of `programs`, which hold test files of all formats.
    """
    seen: set[str] = set()  # links may lead in a circle
    for folder, folders, files in os.walk(root, followlinks=True, onerror=lambda e: unreadable.append(str(e.filename))):
        place = os.path.realpath(folder)
        if place in seen or place == avoided or is_results(Path(folder)):
            folders.clear()
            continue
        seen.add(place)
        if Path(folder) != root and _is_of_programs(Path(folder).name, folders, files):
            programs.append(Path(folder).relative_to(root).as_posix())
            folders.clear()
            continue
        apart = _BIDS_OTHER_FOLDERS if "dataset_description.json" in files else ()
        for name in sorted({*apart} & {*folders}):  # their scorings are told
            yield from ((path, True) for path in scorings_of_derivatives(Path(folder, name)))
        names = [*files, *(name for name in folders if ending_of(name) in READ_BY_MNE)]
        left = (DEFAULT_RESULTS, _COMPILED, *apart, *names)
        folders[:] = [name for name in folders if name[0] != "." and name not in left]
        for name in sorted((name for name in names if name[0] != "."), key=natural_key):
            yield Path(folder, name), is_table_name(name) or is_scoring_name(name, files)


def _is_of_programs(name: str, folders: Collection[str], files: Collection[str]) -> bool:
    """Whether a folder is one of packages, or a virtual environment (of Python or conda)."""
    return name in _PACKAGES or "pyvenv.cfg" in files or "conda-meta" in folders


def _leave_out_doubles(found: Sequence[Path], no_recordings: dict[str, list[str]]) -> list[Path]:
    """Recordings without those that lie there as EDF or BDF too, under the same name."""
    plain = {(path.parent, path.stem.casefold()) for path in found if path.suffix.lower() in (".edf", ".bdf")}
    kept = [
        path for path in found
        if path.suffix.lower() in (".edf", ".bdf") or (path.parent, stem_of(path.name).casefold()) not in plain
    ]  # fmt: skip
    if doubles := set(found) - set(kept):
        no_recordings["files that lie there as EDF or BDF too"] = [path.name for path in doubles]
    return kept


def absolute(path: Path) -> Path:
    """Make absolute without following links: a data set under git-annex is links to nameless files."""
    return Path(os.path.abspath(path))
