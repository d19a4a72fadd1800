"""The scoring that lies beside a recording: found by its name, believed by what it holds.

The rules, all of them:

1. A scoring lies in the folder of its recording and has its name (upper and lower case are the same), with another
   ending (`night1.xml`), or with a word for a scoring and an ending (`night1_stages.csv`, `night1-Hypnogram.edf`). The
   ending of a recording (`.edf`, `.bdf`) asks for such a word.
2. What names a recording as one is left out: `-PSG`, and `_eeg` or `_psg` of BIDS (`sub-01_task-sleep_events.tsv`).
3. Sleep-EDF: `SC4001E0-PSG.edf` and `SC4001EC-Hypnogram.edf` share their first seven letters.
4. It must read as a scoring that knows sleep. Bare numbers need a word for stages in the name or above them.
5. Two that hold the same stages are one. Two that differ are a problem of this night: the column `hypnogram` of the
   study file names one, or says `none`.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from swa.errors import ScoringError
from swa.settings import ScoringSettings
from swa.sleep.scoring import Scoring, read_scoring
from swa.study.plan.names import natural_key, printable

MOST_BYTES = 5_000_000  # a table of this size is a signal; a scoring in epochs of 1 s has 1 MB
FORCE_STAGING = ("none", "yasa")  # in the column `hypnogram`

_WORDS = (
    r"(?:desc-)?hypnogram(?:_events)?|hypno|hyp|sleep[-_ ]?scoring|scoring|scored|sleep[-_ ]?stages?|stages?|staging"
    r"|sleep[-_ ]?profile|schlafprofil|profusion|nsrr"
)
_WEAK_WORDS = r"events|annot|annotations"  # may name other events as well
_ENDINGS = r"xml|eannot|annot|csv|tsv|txt|edf|bdf"
_FILE = re.compile(rf"(.+?)[-_ .]({_WORDS}|{_WEAK_WORDS})\.({_ENDINGS})", re.IGNORECASE)
_RECORDING_WORD = re.compile(r"[-_ ](?:psg|eeg)$", re.IGNORECASE)
_SLEEP_EDF = re.compile(r"([a-z]{2}\d{4}[a-z])\w-(?:psg|hypnogram)\.edf", re.IGNORECASE)
_SCORED_EDF = re.compile(r".*[-_ ](?:hypnogram|hypno|sleep[-_ ]?scoring|scoring|sleep[-_ ]?stages)\.[eb]df", re.I)


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What lies beside a recording.

    Attributes
    ----------
    path : Path or None
        The scoring to use.
    problem : str
        Why this night cannot be processed.
    note : str
        What looks like a scoring, and is not used.
    """

    path: Path | None = None
    problem: str = ""
    note: str = ""


def is_scoring_name(name: str) -> bool:
    """Whether an EDF is named as a scoring, so that it is no recording."""
    return _SCORED_EDF.fullmatch(name) is not None


def add_scorings(rows: pd.DataFrame, settings: ScoringSettings, staged: Sequence[bool]) -> list[str]:
    """Fill `hypnogram` in place with scorings beside the recordings, where none is named and staging is not forced."""
    free = [
        i for i, (_, row) in enumerate(rows.iterrows())
        if row["path"] and not row["hypnogram"] and not row["problem"] and not staged[i]
    ]  # fmt: skip
    notes, used = [], []
    scorings, problems = rows["hypnogram"].tolist(), rows["problem"].tolist()
    for i, beside in zip(free, find_scorings([Path(rows["path"].iloc[i]) for i in free], settings), strict=True):
        name = printable(str(rows["recording"].iloc[i]))
        problems[i] = beside.problem
        if beside.path is not None:
            scorings[i] = str(beside.path)
            used.append(f"{name} with {printable(beside.path.name)}")
        elif beside.note:
            notes.append(f"{name}: {printable(beside.note)}")
    rows["hypnogram"], rows["problem"] = scorings, problems
    if used:
        shown = ", ".join(used[:5]) + (", …" if len(used) > 5 else "")
        notes.append(f"{len(used)} of {len(rows)} recordings have a scoring beside them, which is used: {shown}")
    return notes


def find_scorings(recordings: Sequence[Path], settings: ScoringSettings) -> list[Beside]:
    """Find the scoring beside each recording, by the rules of this module.

    Parameters
    ----------
    recordings : sequence of Path
        Recordings.
    settings : ScoringSettings
        `beside` switches this off; the rest as for reading scorings.
    """
    if not settings.beside:
        return [Beside()] * len(recordings)
    folders = {folder: _index(folder) for folder in {path.parent for path in recordings}}
    return [_choose(_candidates(path, folders[path.parent]), settings) for path in recordings]


def _index(folder: Path) -> dict[str, list[tuple[Path, str]]]:
    """Files of a folder that may be scorings, with the word that says so, by the name that their recording has."""
    index: dict[str, list[tuple[Path, str]]] = {}
    try:
        names = sorted((entry.name for entry in os.scandir(folder) if entry.is_file()), key=natural_key)
    except OSError:
        return index
    for name in names:
        stem, _, ending = name.rpartition(".")
        found = _FILE.fullmatch(name)
        keys = {found[1].casefold(): found[2].lower()} if found else {}
        if re.fullmatch(_ENDINGS, ending, re.IGNORECASE) and ending.lower() not in ("edf", "bdf"):
            keys.setdefault(stem.casefold(), "")
        if (sleep_edf := _SLEEP_EDF.fullmatch(name)) and found:
            keys[sleep_edf[1].casefold()] = found[2].lower()
        for key, word in keys.items():
            index.setdefault(key, []).append((folder / name, word))
    return index


def _candidates(recording: Path, index: dict[str, list[tuple[Path, str]]]) -> list[tuple[Path, str]]:
    keys = {recording.stem.casefold(), _RECORDING_WORD.sub("", recording.stem).casefold()}
    if sleep_edf := _SLEEP_EDF.fullmatch(recording.name):
        keys.add(sleep_edf[1].casefold())
    found = {path: word for key in sorted(keys) for path, word in index.get(key, []) if path != recording}
    return list(found.items())


def _choose(candidates: Sequence[tuple[Path, str]], settings: ScoringSettings) -> Beside:
    scorings: list[tuple[Path, Scoring]] = []
    note = ""
    for path, word in candidates:
        strong = bool(word) and re.fullmatch(_WEAK_WORDS, word) is None
        try:
            if path.stat().st_size > MOST_BYTES:
                continue
            scoring = read_scoring(path, settings)
        except (ScoringError, OSError) as error:
            if strong and isinstance(error, ScoringError):
                note = note or f"not used though its name is that of a scoring: {error}"
            continue
        asleep = np.isin(scoring.stages, ("N1", "N2", "N3", "R")).any()
        if asleep and (scoring.certain or strong):
            scorings.append((path, scoring))
    if not scorings:
        return Beside(note=note)
    first, same = scorings[0]
    others = [path.name for path, scoring in scorings[1:] if not _equal(scoring, same)]
    if others:
        names = " and ".join([first.name, *others])
        return Beside(
            problem=f"{names} beside it are scorings that differ; name one in the column hypnogram of a study file, "
            f"or say none there"
        )
    return Beside(path=first, note=note)


def _equal(one: Scoring, other: Scoring) -> bool:
    return one.epoch_s == other.epoch_s and np.array_equal(one.stages, other.stages)
