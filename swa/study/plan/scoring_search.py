"""The scoring that belongs to a recording: found in it or by its name, believed by what it holds.

The rules, all of them. What the column `hypnogram` of the study file names comes first; else the first of these places
that holds a scoring:

1. The recording itself: stages among the annotations of an EDF+ or BDF+.
2. BIDS: `events.tsv` or `hypnogram.tsv` of the same entities, also `acq-…scoring_events.tsv` beside another `acq-`.
3. The folder of the recording, under its name (upper and lower case are the same): with another ending (`night1.xml`,
   `night1.txt.gz`, `night1`), or with a word for a scoring (`night1_stages.csv`, `night1-Hypnogram.edf`). The ending of
   a recording asks for such a word. `-PSG`, `_eeg`, `_psg` at the end of a recording's name are left out. Sleep-EDF's
   pairs share seven letters.
4. A folder for scorings beside the recording's or one above it, or within it: `edfs/` with `annotations-events-nsrr/`,
   `edf/` with `scoring/`; with the same folders below where there are some. Beside the folder that was given only where
   its name is that of one part of a study (`edf`).
5. The folder of the recording, under a name around its own: `Hypnogram_S01.txt`, `HypnogramAASM_subject1.txt`,
   `01-03-0001 Base.edf` (MASS), `1_1.txt` (ISRUC), `S01.edf.XML`.
6. The only recording of its folder, and files there or in a folder below whose name is a word for a scoring:
   `Sleep profile.txt`, `Analysedaten/Schlafprofil.txt`; behind the word may stand what the name of this recording alone
   says, too: `Schlafprofil_Verum.txt` of `VP03_Verum.edf`.

A name that only begins as one of these (`S01_new.csv`, `Schlafprofil_neu.txt`) is not taken by itself: beside a scoring
that differs it is asked about, else it is told. One found scoring that fits two recordings is asked about. So is a file
that is a scoring and cannot be read, by an unknown word for example: YASA does not take its night.

A file must read as a scoring that knows sleep. Bare numbers need a word for stages in the name or above them. A file
under the name of a recording that is empty, or in a form that is not read (`.pdf`, `.mat`), is told. Two in one place
that hold the same stages are one; two that differ are a problem of this night, and so is one that could mean several
things: the column `hypnogram` names a file, or says `none`. Number codes are read by one table for all scorings of the
study. What reads as a scoring and is used for nothing is told.
"""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from swa.errors import AmbiguousScoringError, ScoringError
from swa.recordings.formats import stem_of
from swa.recordings.limits import MOST_SCORING_BYTES
from swa.settings import ScoringSettings
from swa.sleep.formats.codes import MOST_LABELS, NIGHT_EPOCHS, SAME_AGAIN, choose_codes, is_code, is_night_of_codes
from swa.sleep.formats.columns import NamelessTableError
from swa.sleep.formats.document import Document, EmptyScoringError, UnreadFormError
from swa.sleep.formats.edf import may_hold_stages
from swa.sleep.formats.likeness import reads_as_scoring
from swa.sleep.scoring import OpenScoring, Scoring, open_scoring
from swa.study.plan.names import natural_key, printable
from swa.study.plan.scoring_names import (
    DOCUMENTS,
    MASS,
    RARE,
    TABLES,
    UNREAD,
    WORDS,
    is_named,
    is_results,
    is_table_name,
)

_NO_RAW_DATA = ("derivatives", "sourcedata")  # of BIDS
MOST_TRIED = 500  # files that belong to no recording, and are looked into
FORCE_STAGING = ("none", "yasa")  # in the column `hypnogram`
LEFT_OVER = "these files hold stages and are not used"
_DEEPEST = 3  # folders below one for scorings
_MOST_TOLD = 5
_NO_SCORING_AT_ALL = "If it is no scoring, write yasa in the column hypnogram of a study file."

_WEAK_WORDS = r"events|annot|annotations"  # may name other events as well
_ENDING = rf"(?:\.({TABLES}|{RARE}|{UNREAD}|edf|bdf))?"
# Of recordings and their parts, pictures, films, programs, annotations of WFDB (`n1.edf.st` of CAP) and copies under
# way, whose name is that of a recording.
_NO_SCORING = re.compile(
    r"(?:edf|bdf|rec|vhdr|vmrk|eeg|set|fdt|fif|mff|png|jpe?g|gif|tiff?|bmp|svg|html?|md|py|m|r|toml|ya?ml|ini|bak|tmp"
    r"|part|old|orig|crdownload|avi|mp4|mkv|mov|wmv|asf|wav|mp3|lnk|url|db|st|zip|7z|rar|tar|gz)~?",
    re.IGNORECASE,
)
_FILE = re.compile(rf"(.+?)[-_ .]({WORDS}|{_WEAK_WORDS}){_ENDING}", re.IGNORECASE)
_PREFIXED = re.compile(rf"((?:{WORDS})(?:aasm|r&k)?)(?: ?- |[-_ ])(.+?){_ENDING}", re.IGNORECASE)
_LONE = re.compile(rf"({WORDS})(?:[-_ ]?(?:aasm|r&k))?{_ENDING}", re.IGNORECASE)
_BEGINS = re.compile(rf"(?:{WORDS})(?![a-z])(.*)\.(?:{TABLES})", re.IGNORECASE)
_AND_MORE = re.compile(rf"(.+?)[-_ .](?:{WORDS})[-_ .(].*\.(?:{TABLES})", re.IGNORECASE)
_MACHINE = re.compile(
    r"(?<![a-z])(?:ai|auto(?:matic|matisch|mated|score|scoring)?|machine|yasa|u-?sleep|gssc|pred(?:icted)?)(?![a-z])",
    re.I,
)
_NUMBERED = re.compile(r"(.+)_\d\.txt", re.IGNORECASE)
_BIDS_SCORING = re.compile(
    rf"(sub-.+?)_acq-[a-z0-9]*scor[a-z0-9]*((?:_[a-z]+-[a-z0-9]+)*)_(?:events|{WORDS})\.tsv", re.I
)
_BIDS_ACQ = re.compile(r"_acq-[a-z0-9]+", re.IGNORECASE)
_RECORDING_WORD = re.compile(r"[-_ ](?:psg|eeg)$", re.IGNORECASE)
_RECORDING_ENDING = re.compile(r"\.(?:(?:edf|bdf|rec)(?:\.gz)?|vhdr|set|mff|fif)$", re.IGNORECASE)
_SLEEP_EDF = re.compile(r"([a-z]{2}\d{4}[a-z])\w-(?:psg|hypnogram)\.edf", re.IGNORECASE)
_FOLDER = re.compile(
    r"annot(?:ation)?s?(?:[-_ ](?:events|staging|stages|nsrr|profusion))*"
    r"|(?:sleep[-_ ]?)?(?:scorings?|scored|stag(?:es|ing))|hypnograms?|hypnos?"
    r"|sleep[-_ ]?profiles?|schlafprofile?|nsrr|profusion",
    re.IGNORECASE,
)
_RECORDINGS_FOLDER = re.compile(r"[eb]dfs?|psgs?|eegs?|recordings?|signals?", re.IGNORECASE)


class Place(StrEnum):
    """Where a scoring of a recording lies; the first that holds one is used."""

    INSIDE = "in the recording"
    BIDS = "BIDS"
    BESIDE = "beside it, under its name"
    TREE = "in a folder for scorings"
    AROUND = "beside it, under a name around its own"
    LONE = "alone with it in its folder"
    NEAR = "beside it, under a name that begins alike"


class Why(StrEnum):
    """Why a file that reads as a scoring is not used."""

    DRAWN = "the true stages of a simulation"
    ANOTHER = "another scoring of the recording is used"
    ANOTHER_NAME = "its name is not quite that of the recording; the column hypnogram of a study file can name it"
    NO_NIGHT = (
        "its rows are single events or sums, no night; the column hypnogram of a study file can name it all the same"
    )
    DERIVED = "beside the raw data of BIDS; the column hypnogram of a study file can name it"
    NO_RECORDING = "name and folder fit no recording"
    UNTRIED = "too many: not looked into"


class Unused(NamedTuple):
    """A file that is or seems a scoring, and is not used; `why` is a `Why`, or what was wrong with it."""

    path: Path
    why: str


@dataclass(frozen=True, kw_only=True)
class ScoringPlan:
    """Which nights are scored, which are staged, and what is left over.

    Attributes
    ----------
    used : tuple of (str, str)
        Recording and scoring of each night that is read by one, as shown.
    staged : int
        How many nights YASA stages.
    unused : tuple of Unused
        Files that are there and not used.
    codes : mapping or None
        What number codes mean in all scorings of the study: None where there are none, empty where they do not tell.
    """

    used: tuple[tuple[str, str], ...] = ()
    staged: int = 0
    unused: tuple[Unused, ...] = ()
    codes: Mapping[str, str] | None = field(default=None)

    def tell(self, root: Path) -> list[str]:
        """The plan in a sentence; nothing where there is no scoring at all."""
        if not self.used and not self.unused:
            return []
        number = len(self.used)
        scored = f"{number} night{'s' * (number != 1)} by {'its' if number == 1 else 'their'} scoring"
        pairs = _first([f"{recording} by {scoring}" for recording, scoring in self.used])
        told = f"{scored}{f' ({pairs})' if pairs else ''}, {self.staged} by YASA"
        left = "; ".join(f"{names} ({why})" for why, names in self.left_over(root).items())
        return [f"{told}; {LEFT_OVER}: {left}" if left else told]

    def left_over(self, root: Path) -> dict[str, str]:
        """The first names of scorings that are not used by the reason, a `Why` or what was wrong."""
        reasons: dict[str, list[str]] = {}
        for path, why in self.unused:
            shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
            reasons.setdefault(why, []).append(printable(shown))
        return {why: _first(names) for why, names in reasons.items()}


def _first(names: Sequence[str]) -> str:
    more = len(names) - _MOST_TOLD
    return ", ".join(names[:_MOST_TOLD]) + (f" and {more} more" if more > 0 else "")


def _cut_ending(name: str) -> tuple[str, str]:
    """A name without its ending, which that of gzip belongs to, and the ending."""
    packed = re.fullmatch(rf"(.+)\.({TABLES})", name, re.IGNORECASE)
    if packed:
        return packed[1], packed[2]
    stem, _, ending = name.rpartition(".")
    return (stem, ending) if stem else (name, "")


# Names around that of a recording, with the group of the pattern that holds it.
_FURTHER = (
    (_AND_MORE, 1, Place.BESIDE, False),
    (_PREFIXED, 2, Place.AROUND, True),
    (MASS, 1, Place.AROUND, True),
)
_BY_NAME = (Place.BESIDE, Place.AROUND, Place.LONE)  # where another file may be the newer one
_WHOLE = (Place.BESIDE, Place.TREE, Place.AROUND)  # where a night of bare numbers is a scoring

# --- candidates


class _Candidate(NamedTuple):
    path: Path
    place: Place
    strong: bool  # a word for scorings stands in the name of the file or its folder


class _Files:
    """Files of folders by the name that their recording would have."""

    def __init__(self, root: Path, recordings: Sequence[Path]) -> None:
        self._root = root
        counts = Counter(path.parent for path in recordings)
        self._recordings = recordings
        self._alone = {folder for folder, count in counts.items() if count == 1}
        self._with_recordings = {folder for path in recordings for folder in path.parents}
        self._stems = {_folded(stem_of(path.name)) for path in recordings}
        self._folders: dict[Path, dict[str, list[_Candidate]]] = {}
        self._trees: dict[Path, dict[str, list[_Candidate]]] = {}
        self._below: dict[Path, list[Path]] = {}
        self._names: dict[Path, list[str]] = {}

    def candidates(self, recording: Path) -> list[_Candidate]:
        """Files that may be the scoring of a recording, the first place first."""
        folder, keys = recording.parent, _keys_of_recording(recording)
        if folder not in self._folders:
            self._folders[folder] = self._index(folder)
        found = [_Candidate(recording, Place.INSIDE, strong=True)]
        index = self._folders[folder]
        found += [each for key in keys for each in index.get(key, []) if each.path != recording]
        for tree, below in self._trees_of(recording):
            if tree not in self._trees:
                self._trees[tree] = self._index_tree(tree)
            named = [each for key in keys for each in self._trees[tree].get(key, [])]
            mirrored = [each for each in named if each.path.parent == tree / below]
            found += mirrored or named
        if folder in self._alone:
            lower = [self._index(place) for place in self._folders_of(folder)]
            lone = [each for names in (index, *lower) for each in names.get("", [])]
            named = [each for names in lower for key in keys for each in names.get(key, [])]
            lone += [each._replace(place=Place.LONE) for each in named if each.place is Place.AROUND and each.strong]
            found += [each for each in lone if each.path != recording]
        found += self._alike(recording)
        order = list(Place)
        unique: dict[Path, _Candidate] = {}
        for each in sorted(found, key=lambda each: order.index(each.place)):
            unique.setdefault(each.path, each)
        return list(unique.values())

    def _alike(self, recording: Path) -> list[_Candidate]:
        """Files whose names begin as that of a recording, or with a word for a scoring, and say more.

        What stands behind the word is that recording's where its name alone in the folder says it, too.
        """
        folder, stem = recording.parent, _folded(stem_of(recording.name))
        below = self._folders_of(folder) if folder in self._alone else []
        names = [(place, name) for place in (folder, *below) for name in self._names_in(place)]
        others = [
            _folded(stem_of(path.name)) for path in self._recordings if path.parent == folder and path != recording
        ]
        found = []
        for place, name in names:
            if not re.search(rf"\.{TABLES}$", name, re.IGNORECASE):
                continue
            longer = _folded(_cut_ending(name)[0])
            begins = _BEGINS.fullmatch(name)
            more = _parts(begins[1]) if begins else set()
            if more and more <= _parts(stem) and not any(more <= _parts(other) for other in others):
                found.append(_Candidate(place / name, Place.LONE, strong=True))
            elif (begins and folder in self._alone) or (
                re.match(rf"{re.escape(stem)}(?![a-z0-9])", longer) and longer != stem
                and not any(longer.startswith(other) and len(other) > len(stem) for other in others)
            ):  # fmt: skip
                found.append(_Candidate(place / name, Place.NEAR, strong=False))
        return found

    def _trees_of(self, recording: Path) -> Iterator[tuple[Path, Path]]:
        """Folders for scorings beside the recording's or one above it, or in it, and where within them it would lie."""
        above = [folder for folder in recording.parents if folder.is_relative_to(self._root)]
        for tree in self._folders_in(recording.parent):
            yield tree, Path()
        if above[-1:] == [self._root] and not _RECORDINGS_FOLDER.fullmatch(self._root.name):
            above = above[:-1]  # what lies beside the given folder may be another study's
        for folder in above:
            for tree in self._folders_in(folder.parent):
                if tree != folder:
                    yield tree, recording.parent.relative_to(folder)

    def _folders_of(self, folder: Path) -> list[Path]:
        """Folders in that of an only recording, none with a recording or results: `Analysedaten` of DOMINO."""
        try:
            found = [Path(each.path) for each in os.scandir(folder) if each.is_dir() and each.name[0] != "."]
        except OSError:
            return []
        found = [path for path in found if not (path in self._with_recordings or is_results(path))]
        return sorted(found, key=lambda path: natural_key(path.name))

    def _folders_in(self, folder: Path) -> list[Path]:
        """Folders for scorings in a folder, by their names; none that this package has written."""
        if folder not in self._below:
            try:
                found = [
                    Path(each.path) for each in os.scandir(folder) if each.is_dir() and _FOLDER.fullmatch(each.name)
                ]
            except OSError:
                found = []
            found = [path for path in found if not is_results(path)]
            self._below[folder] = sorted(found, key=lambda path: natural_key(path.name))
        return self._below[folder]

    def _index(self, folder: Path) -> dict[str, list[_Candidate]]:
        index: dict[str, list[_Candidate]] = {}
        for name in self._names_in(folder):
            for key, (place, strong) in self._keys_of(name).items():
                index.setdefault(key, []).append(_Candidate(folder / name, place, strong))
        return index

    def _names_in(self, folder: Path) -> list[str]:
        if folder not in self._names:
            try:
                names = [entry.name for entry in os.scandir(folder) if entry.is_file() and entry.name[0] != "."]
            except OSError:
                names = []
            self._names[folder] = sorted(names, key=natural_key)
        return self._names[folder]

    def _index_tree(self, tree: Path) -> dict[str, list[_Candidate]]:
        index: dict[str, list[_Candidate]] = {}
        for folder, folders, _ in os.walk(tree):
            folders.sort(key=natural_key)
            if len(Path(folder).relative_to(tree).parts) >= _DEEPEST:
                folders.clear()
            for key, found in self._index(Path(folder)).items():
                if key:
                    index.setdefault(key, []).extend(_Candidate(each.path, Place.TREE, strong=True) for each in found)
        return index

    def _keys_of(self, name: str) -> dict[str, tuple[Place, bool]]:
        """Names that the recording of a file may have, with the place that this would be."""
        stem, ending = _cut_ending(name)
        found = _FILE.fullmatch(name)
        keys: dict[str, tuple[Place, bool]] = {}
        if found:
            strong = re.fullmatch(_WEAK_WORDS, found[2], re.IGNORECASE) is None
            bids = name.lower().startswith("sub-") and ending.lower() == "tsv"
            keys[_folded(found[1])] = (Place.BIDS if bids else Place.BESIDE, strong)
        if not _NO_SCORING.fullmatch(ending):
            keys.setdefault(_folded(stem), (Place.BESIDE, False))
            if not is_table_name(name):  # what stands behind a dot may belong to the name
                keys.setdefault(_folded(name), (Place.BESIDE, False))
            if _RECORDING_ENDING.search(stem):
                keys.setdefault(_folded(_RECORDING_ENDING.sub("", stem)), (Place.AROUND, True))
        keys |= _keys_of_data_sets(name)
        for pattern, group, place, strong in _FURTHER:
            if match := pattern.fullmatch(name):
                keys.setdefault(_folded(match[group]), (place, strong))
        if (numbered := _NUMBERED.fullmatch(name)) and _folded(stem) not in self._stems:
            keys.setdefault(_folded(numbered[1]), (Place.AROUND, False))
        if _LONE.fullmatch(name):
            keys[""] = (Place.LONE, True)
        return keys


def _keys_of_data_sets(name: str) -> dict[str, tuple[Place, bool]]:
    """Those of a scoring of Sleep-EDF, and of BIDS under another `acq-`."""
    keys = {}
    if (sleep_edf := _SLEEP_EDF.fullmatch(name)) and _FILE.fullmatch(name):
        keys[_folded(sleep_edf[1])] = (Place.BESIDE, True)
    if bids_scoring := _BIDS_SCORING.fullmatch(name):
        keys["acq:" + _folded(bids_scoring[1] + bids_scoring[2])] = (Place.BIDS, True)
    return keys


def _folded(name: str) -> str:
    """A name as it is compared: upper and lower case are one, and accented letters in one piece or two."""
    return unicodedata.normalize("NFC", name).casefold()


def _parts(name: str) -> set[str]:
    """Words and numbers of a name."""
    return set(re.findall(r"[^\W\d_]+|\d+", _folded(name)))


def _keys_of_recording(recording: Path) -> list[str]:
    stem = _folded(stem_of(recording.name))
    keys = [stem, _RECORDING_WORD.sub("", stem)]
    if sleep_edf := _SLEEP_EDF.fullmatch(recording.name):
        keys.append(_folded(sleep_edf[1]))
    if stem.startswith("sub-"):
        keys.append("acq:" + _BIDS_ACQ.sub("", keys[1]))
    return list(dict.fromkeys(keys))


# --- choice


@dataclass(frozen=True, kw_only=True)
class _Choice:
    path: Path | None = None
    problem: str = ""
    unused: tuple[Unused, ...] = ()


class UnopenedError(ScoringError):
    """A file that may be a scoring could not be opened: nobody knows whether it is one."""


def _unforeseen(path: Path, error: Exception) -> UnopenedError:
    problem = f"{path.name}: it or its scorings could not be looked into ({type(error).__name__}: {str(error)[:200]})."
    return UnopenedError(problem, "This is a fault of swa: please report it.")


_NEEDS_A_NAME = (NamelessTableError, EmptyScoringError, UnreadFormError)  # else anybody's file


def _is_list_of_few(opened: OpenScoring) -> bool:
    """Whether a file counts few labels that stay the same for long; of flags in 0 and 1 there are many others."""
    labels = [label for label in opened.marks.labels if label] if opened.marks.counted else []
    again = sum(one == other for one, other in pairwise(labels))
    kinds = {*labels}
    several = len(kinds) > 2 or (len(kinds) == 2 and all(map(is_code, kinds)) and not kinds <= {"0", "1"})
    whole = len(labels) >= NIGHT_EPOCHS and again >= SAME_AGAIN * len(labels)
    return whole and several and len(kinds) <= MOST_LABELS


class _Reader:
    """Opens each file once, and reads all of them by the same number codes."""

    def __init__(self, settings: ScoringSettings) -> None:
        self._settings = settings
        self._opened: dict[Path, OpenScoring | Scoring | ScoringError | None] = {}
        self._strong: set[Path] = set()
        self._lists: set[Path] = set()
        self._likely: dict[Path, bool] = {}

    def open(self, path: Path, *, inside: bool = False, strong: bool = False) -> None:
        """Open a file; `strong` where its name says that it is a scoring."""
        self._strong |= {path} if strong else set()
        if path in self._opened:
            return
        found: OpenScoring | Scoring | ScoringError | None = None
        try:
            if may_hold_stages(path, self._settings) if inside else strong or path.stat().st_size <= MOST_SCORING_BYTES:
                found = open_scoring(path, self._settings)
                self._lists |= {path} if _is_list_of_few(found) else set()
                # What needs no other scoring to be read is kept as stages alone: there may be thousands.
                found = found if found.codes is not None else found.read()
        except ScoringError as error:
            found = error
        except OSError as error:
            found = UnopenedError(f"{path.name}: {error.strerror or 'not readable'}.", "Check its permissions.")
        except Exception as error:  # one file never stops a study
            found = _unforeseen(path, error)
        self._opened[path] = found

    @cached_property
    def codes(self) -> Mapping[str, str] | None:
        """The one table of number codes of all that was opened by now, as `ScoringPlan.codes`."""
        opened = [(path, each) for path, each in self._opened.items() if isinstance(each, OpenScoring)]
        found = [
            each.codes
            for path, each in opened
            if each.marks.certain or path in self._strong or is_night_of_codes(each.marks.labels)
        ]
        known = [each for each in found if each is not None]
        return (choose_codes(known) or {}) if known else None

    def read(self, path: Path) -> Scoring | None:
        """The stages of an opened file; None where it is too large, or a recording without stages.

        Raises
        ------
        ScoringError
            Why it cannot be read.
        """
        found = self._opened[path]
        if isinstance(found, OpenScoring):
            codes = self.codes
            try:
                found = found.read(codes)
            except ScoringError:
                raise
            except Exception as error:
                found = _unforeseen(path, error)
        if isinstance(found, ScoringError):
            raise found
        return found

    def is_scattered(self, path: Path) -> bool:
        """Whether a file is a table of single events with the stage beside each."""
        found = self._opened[path]
        return isinstance(found, OpenScoring) and not found.is_steady

    def is_list_of_few(self, path: Path) -> bool:
        """Whether a file is a list of few labels that stay the same for long: stages, or positions."""
        return path in self._lists

    def is_useless(self, path: Path) -> bool:
        """Whether nothing in a file can be used, so that its name alone tells what it is."""
        return isinstance(self._opened[path], EmptyScoringError | UnreadFormError)

    def is_likely(self, path: Path) -> bool:
        """Whether a file is a scoring, also where it could not be read."""
        if path not in self._likely:
            try:
                self._likely[path] = reads_as_scoring(Document(path=path), self._settings)
            except Exception:  # what it is cannot be told; that it was not read is
                self._likely[path] = False
        return self._likely[path]

    def is_certain(self, path: Path) -> bool:
        """Whether a file can be a table of nothing but stages, also where it could not be read."""
        found = self._opened[path]
        if isinstance(found, OpenScoring):
            return found.marks.certain and found.is_steady
        return isinstance(found, Scoring) and found.certain


def _choose(candidates: Sequence[_Candidate], reader: _Reader, settings: ScoringSettings) -> _Choice:
    """The scoring of the first place that has one; every other one is told."""
    chosen: list[tuple[Path, Scoring]] = []
    place: Place | None = None
    problem = ""
    unused: list[Unused] = []
    unread: list[Unused] = []
    for each in candidates:
        is_near = each.place is Place.NEAR
        counts = not problem and (each.place is place or (place in _BY_NAME if is_near else place is None))
        try:
            scoring = _read(each, reader)
        except ScoringError as error:
            asked = _is_asked(error, each, reader)
            question = _question(error, each)
            problem = problem or (question if asked and counts else "")
            told = each.strong or asked or isinstance(error, UnopenedError)
            if not told and each.place is Place.BESIDE:
                unread += [Unused(each.path, str(error))] * reader.is_list_of_few(each.path)
                told = isinstance(error, EmptyScoringError) and is_table_name(each.path.name)
                is_document = re.search(rf"\.(?:{DOCUMENTS})$", each.path.name, re.IGNORECASE) is not None
                unread += [Unused(each.path, str(error))] * (isinstance(error, UnreadFormError) and is_document)
            unused += [Unused(each.path, str(error))] * (told and problem != question)
            continue
        if scoring is None:
            continue
        if not _is_scoring(scoring, each):
            why = Why.ANOTHER_NAME if scoring.steady else Why.NO_NIGHT
            unused += [Unused(each.path, why)] * reader.is_likely(each.path)
            continue
        if counts:
            place = place or each.place
            chosen.append((each.path, scoring))
        elif is_near or (chosen and not _equal(scoring, chosen[0][1])):
            unused.append(Unused(each.path, Why.ANOTHER if place and not problem else Why.ANOTHER_NAME))
    if problem or not chosen:
        return _Choice(problem=problem, unused=(*unused, *unread))
    path, others = _settle(chosen, settings)
    if others and path is None:
        names = " and ".join(dict.fromkeys(other.name for other in others))
        return _Choice(
            problem=f"{names} beside it are scorings that differ; name one in the column hypnogram of a study file, "
            f"or say none there",
            unused=tuple(unused),
        )
    return _Choice(path=path, unused=(*unused, *(Unused(other, Why.ANOTHER) for other in others)))


def _read(candidate: _Candidate, reader: _Reader) -> Scoring | None:
    """The stages of a file; single events in one that is called a scoring are asked about."""
    scoring = reader.read(candidate.path)
    if scoring is not None and scoring.apart and candidate.strong:
        raise AmbiguousScoringError(
            f"{candidate.path.name}: called a scoring, but its rows are single events or sums, no night.",
            "Name it in the column hypnogram of a study file if it is one, or write yasa there.",
        )
    return scoring


def _question(error: ScoringError, candidate: _Candidate) -> str:
    """What is asked about a file; the way past it where its name does not say that it is a scoring."""
    return str(error) if candidate.strong else f"{error} {_NO_SCORING_AT_ALL}"


def _is_asked(error: ScoringError, candidate: _Candidate, reader: _Reader) -> bool:
    """Whether a file that could not be read is a scoring, so that YASA must not take its night."""
    if isinstance(error, UnopenedError):
        return False
    if isinstance(error, AmbiguousScoringError) and (candidate.strong or reader.is_certain(candidate.path)):
        return True
    return not reader.is_scattered(candidate.path) and reader.is_likely(candidate.path)


def _is_scoring(scoring: Scoring, candidate: _Candidate) -> bool:
    """Whether a file that could be read knows sleep, and is a table of nothing else."""
    kinds = set(scoring.stages)
    if not kinds & {"N1", "N2", "N3"} and not ("R" in kinds and ("W" in kinds or candidate.strong)):  # R is right, too
        return False
    whole = candidate.place in _WHOLE and len(scoring.stages) >= NIGHT_EPOCHS  # ISRUC's 1_1.txt
    return candidate.strong or candidate.place is Place.BIDS or (scoring.steady and (scoring.certain or whole))


def _settle(chosen: Sequence[tuple[Path, Scoring]], settings: ScoringSettings) -> tuple[Path | None, list[Path]]:
    """The one scoring of several in one place, and those that differ from it; no one where nobody has decided."""
    first, same = chosen[0]
    others = [path for path, scoring in chosen[1:] if not _equal(scoring, same)]
    if not others:
        return first, []
    paths = [path for path, _ in chosen]
    ending = settings.column.casefold()
    named = [path for path in paths if ending and path.stem.casefold().endswith(f"_{ending}")]
    # DREAMS has both scorings of a night; those of the AASM need no translation.
    aasm = [path for path in paths if "aasm" in path.name.casefold()]
    by_people = [path for path in paths if not _MACHINE.search(path.stem)]
    for decided in (named, aasm, by_people):
        if len(decided) == 1:
            return decided[0], [path for path in paths if path != decided[0]]
    return None, [first, *others]


def _equal(one: Scoring, other: Scoring) -> bool:
    return one.epoch_s == other.epoch_s and np.array_equal(_trimmed(one), _trimmed(other))


def _trimmed(scoring: Scoring) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    """Stages up to the last one that is scored."""
    scored = np.flatnonzero(scoring.stages != "UNS")
    return scoring.stages[: int(scored[-1]) + 1 if len(scored) else 0]


# --- the plan


def add_scorings(
    rows: pd.DataFrame,
    settings: ScoringSettings,
    staged: Sequence[bool],
    *,
    root: Path,
    recordings: Sequence[Path],
    others: Sequence[Path],
) -> ScoringPlan:
    """Fill `hypnogram` and `problem` in place with the scorings of the nights that name none and force no staging.

    Parameters
    ----------
    rows : DataFrame
        The nights.
    settings : ScoringSettings
        `beside` switches the search off; the rest as for reading scorings.
    staged : sequence of bool
        Nights whose staging by YASA the study file forces.
    root : Path
        The folder of recordings.
    recordings, others : sequence of Path
        All recordings of the folder, and all files that could be scorings.
    """
    reader = _Reader(settings)
    paths, scorings, problems = (rows[name].astype(str).tolist() for name in ("path", "hypnogram", "problem"))
    for scoring in filter(None, scorings):
        reader.open(Path(scoring), strong=True)
    if not settings.beside:
        return _summarize(rows, reader, ())
    files = _Files(root, recordings)
    free = [i for i in range(len(rows)) if paths[i] and not scorings[i] and not problems[i] and not staged[i]]
    candidates: dict[Path, Sequence[_Candidate]] = {}
    lost: dict[Path, str] = {}
    for path in {*recordings, *(Path(path) for path in paths if path)}:
        try:
            candidates[path] = files.candidates(path)
        except Exception as error:  # costs its own night, which YASA must not take
            candidates[path], lost[path] = (), str(_unforeseen(path, error))
    for i in free:
        for each in candidates[Path(paths[i])]:
            reader.open(each.path, inside=each.place is Place.INSIDE, strong=each.strong)
    unused: list[Unused] = []
    for i in free:
        path = Path(paths[i])
        try:
            choice = _Choice(problem=lost[path]) if path in lost else _choose(candidates[path], reader, settings)
        except Exception as error:
            choice = _Choice(problem=str(_unforeseen(path, error)))
        problems[i] = choice.problem
        scorings[i] = str(choice.path) if choice.path else ""
        unused += choice.unused
    _ask_about_shared(free, candidates, paths, scorings, problems)
    rows["hypnogram"], rows["problem"] = scorings, problems
    taken = {each.path for found in candidates.values() for each in found} | {Path(path) for path in scorings if path}
    unused += _left_over([path for path in others if path not in taken], reader, root)
    told = tuple(each._replace(why=Why.DRAWN) if _is_drawn(each.path) else each for each in unused)
    return _summarize(rows, reader, told)


def _is_drawn(path: Path) -> bool:
    """Whether `swa simulate` has written the stages of a file beside what it drew."""
    return path.parent.name == "truth" and path.parent.with_name("truth.json").is_file()


def _ask_about_shared(
    free: Sequence[int],
    candidates: Mapping[Path, Sequence[_Candidate]],
    paths: Sequence[str],
    scorings: list[str],
    problems: list[str],
) -> None:
    """One scoring that was found for several recordings is asked about, unless BIDS says that it is of both."""
    nights: dict[str, list[int]] = {}
    for i in filter(scorings.__getitem__, free):
        bids = any(str(each.path) == scorings[i] and each.place is Place.BIDS for each in candidates[Path(paths[i])])
        nights.setdefault(scorings[i], []).extend([i] * (not bids))
    for scoring, places in nights.items():
        if len(places) > 1:
            names_alone = {Path(paths[i]).name for i in places}
            there = [Path(*Path(paths[i]).parts[-1 if len(names_alone) == len(places) else -2 :]) for i in places]
            names = _first([printable(path.as_posix()) for path in there])
            for i in places:
                problems[i] = (
                    f"{printable(Path(scoring).name)} could be the scoring of several recordings ({names}); name it in "
                    "the column hypnogram of a study file, or say none there"
                )
                scorings[i] = ""


def _left_over(paths: Sequence[Path], reader: _Reader, root: Path) -> list[Unused]:
    """Those that read as scorings, of files that belong to no recording; the likeliest names are looked into first."""
    named = {path: is_named(path) for path in paths}
    likely = sorted(paths, key=lambda path: not named[path])
    found = [Unused(path, Why.UNTRIED) for path in likely[MOST_TRIED:] if named[path]]
    for path in likely[:MOST_TRIED]:
        reader.open(path)
        why = Why.DERIVED if {*_NO_RAW_DATA} & {*path.relative_to(root).parts} else Why.NO_RECORDING
        try:
            is_scoring = reader.is_useless(path) or reader.is_certain(path) or reader.is_likely(path)
            scoring = reader.read(path) if is_scoring else None
        except ScoringError as error:
            found += [Unused(path, why)] * (named[path] or not isinstance(error, _NEEDS_A_NAME))
            continue
        if scoring is not None and _is_scoring(scoring, _Candidate(path, Place.LONE, strong=False)):
            found.append(Unused(path, why))
    return found


def _summarize(rows: pd.DataFrame, reader: _Reader, unused: tuple[Unused, ...]) -> ScoringPlan:
    runs = [row for _, row in rows.iterrows() if row["path"] and not row["problem"]]
    used = [
        (
            printable(str(row["recording"])),
            "its annotations" if row["hypnogram"] == row["path"] else printable(Path(row["hypnogram"]).name),
        )
        for row in runs
        if row["hypnogram"]
    ]
    return ScoringPlan(used=tuple(used), staged=len(runs) - len(used), unused=unused, codes=reader.codes)
