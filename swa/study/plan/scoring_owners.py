"""Scorings that a study file gives to a night and whose name is that of another one's recording, or to two nights.

Times within a scoring are held against its recording where it is read; this is what names alone say.
"""

import datetime
import os
import re
import unicodedata
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from swa.recordings.formats import stem_of
from swa.recordings.starts import read_start
from swa.study.plan.names import printable
from swa.study.plan.scoring_names import TABLES, WORDS

OWNER_REMEDY = (
    "Name the scoring of each night in the column hypnogram of the study file (none has YASA stage it); if this one is "
    "right, rename it: until then every number of the night rests on these stages."
)
_ENDING = re.compile(rf"\.(?:{TABLES}|[a-z0-9]{{1,6}})$", re.IGNORECASE)
_WORD = re.compile(rf"(?<![a-z])(?:{WORDS}|psg|eeg|r&k|aasm)(?![a-z])", re.IGNORECASE)
_ONE_NIGHT = datetime.timedelta(hours=12)  # of one subject, recordings that begin so close are of one night
_WHOLE = 1000  # a name that is another's, against one that holds it among other words
_FEWEST_PARTS = 2  # of a name that is looked for among other words


@dataclass(frozen=True, kw_only=True)
class _Night:
    """A night of the study file as its files are called; a link by its own name and by that of its file."""

    place: int
    subject: str
    told: str
    recording: str
    path: str
    scoring: str
    names: tuple[tuple[str, ...], ...]
    scoring_names: tuple[tuple[str, ...], ...]


def find_others_scorings(nights: pd.DataFrame) -> dict[int, str]:
    """Places of nights whose scoring seems to be another night's, with the sentence.

    Parameters
    ----------
    nights : DataFrame
        The nights of a plan.

    Notes
    -----
    A name is compared without words for scorings, case, zeros in front of numbers and what stands between its parts.
    It is another's where it is that of its recording, or holds it among further words, and does so better than its own
    recording's. Two recordings of one subject that begin within 12 h are of one night, which has one scoring.
    """
    planned = [_describe(place, row) for place, row in nights.iterrows() if row["path"]]
    found: dict[int, str] = {}
    first: dict[str, _Night] = {}
    for night in planned:
        if not night.scoring or night.scoring == night.path:
            continue
        own = _fit(night, night)  # none fits better than a whole name: large studies hold no name against all others
        others = planned if own < _WHOLE else [night]
        owner = max(others, key=lambda other: (_fit(night, other), other.place == night.place))
        earlier = first.setdefault(os.path.realpath(night.scoring), night)
        name = repr(printable(Path(night.scoring).name))
        if _fit(night, owner) > own and not _is_one_night(night, owner):
            mine = f"{owner.recording!r} ({owner.told}), not of its own, {night.recording!r}"
            found[night.place] = f"its scoring {name} bears the name of {mine}"
        elif earlier is not night and earlier.place not in found and not _is_one_night(night, earlier):
            found[night.place] = f"its scoring {name} is also that of {earlier.recording!r} ({earlier.told})"
    return found


def _describe(place: Hashable, row: pd.Series) -> _Night:
    path, scoring = str(row["path"]), str(row["hypnogram"])
    return _Night(
        place=int(str(place)),
        subject=str(row["subject"]),
        told=f"{row['subject']} {row['session']}",
        recording=str(row["recording"]),
        path=path,
        scoring=scoring,
        names=tuple(_parts(stem_of(Path(each).name)) for each in dict.fromkeys((path, os.path.realpath(path)))),
        scoring_names=tuple(
            _parts(_ENDING.sub("", Path(each).name.removesuffix(".gz")))
            for each in dict.fromkeys((scoring, os.path.realpath(scoring)))
            if scoring
        ),
    )


def _parts(name: str) -> tuple[str, ...]:
    """Words and numbers of a name, without those that say what a file holds."""
    plain = _WORD.sub(" ", unicodedata.normalize("NFC", name).casefold())
    return tuple(part.lstrip("0") or part for part in re.findall(r"[^\W\d_]+|\d+", plain))


def _fit(night: _Night, other: _Night) -> int:
    """How well the name of a night's scoring is that of another's recording; 0 where it is not."""
    return max((_fit_of_names(own, name) for own in night.scoring_names for name in other.names), default=0)


def _fit_of_names(scoring: Sequence[str], recording: Sequence[str]) -> int:
    if scoring and scoring == recording:
        return _WHOLE
    number = len(recording)
    holds = any(scoring[at : at + number] == recording for at in range(len(scoring) - number + 1))
    return number if number >= _FEWEST_PARTS and holds else 0


def _is_one_night(one: _Night, other: _Night) -> bool:
    """Whether two recordings are known to be of one night of one subject, as of two devices."""
    if one.subject != other.subject:
        return False
    starts = read_start(one.path), read_start(other.path)
    return starts[0] is not None and starts[1] is not None and abs(starts[0] - starts[1]) < _ONE_NIGHT
