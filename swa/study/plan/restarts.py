"""Nights that lie in several files, as where the recorder was restarted: each of them would count as a night."""

import datetime
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from swa.errors import SwaError
from swa.recordings.edf.fields import is_made_up
from swa.recordings.recording import read_recording
from swa.recordings.starts import read_start
from swa.settings import Settings
from swa.study.plan.bids import channel_settings
from swa.study.plan.names import UNKNOWN_CONDITION

PARTS_REMEDY = (
    "Join the files into one and name that, or leave all but one of them out (exclude). Until then none of them is "
    "measured: a part is no night, and its first hour is not that of sleep. Sleep that is meant to be apart needs a "
    "condition of its own."
)
_LONGEST_GAP = datetime.timedelta(hours=1)
# A recorder of a whole day, with its pause, ends before; from the begin of a night to the end of the next are 29 h.
_LONGEST_NIGHT = datetime.timedelta(hours=26)
# Two recorders of one night overlap by most of it, and so do nights whose dates were made one: that is no restart.
_LARGEST_OVERLAP = 0.25  # of the shorter file
_SHORTEST = datetime.timedelta(minutes=15)  # a false start, or a check of electrodes, holds no sleep
_DAY = datetime.timedelta(days=1)
# By day naps lie as close as parts of a night do: as short ones each hour, or one after a night.
_MORNING, _EVENING = 8, 18  # h
_LONGEST_GAP_BY_DAY, _SHORTEST_BY_DAY = datetime.timedelta(minutes=15), datetime.timedelta(hours=1)


class _File(NamedTuple):
    """A recording in its time."""

    place: int
    name: str
    start: datetime.datetime
    end: datetime.datetime


def find_parts(nights: pd.DataFrame, settings: Settings, left_out: Collection[int] = ()) -> dict[int, str]:
    """Places of recordings that are parts of one night, with what is wrong.

    Parameters
    ----------
    nights : DataFrame
        The plan.
    settings : Settings
        Those by which recordings are opened.
    left_out : collection of int
        Places of nights that count for nothing.

    Notes
    -----
    A part begins within an hour after the one before it ended or while it ran (a quarter of the shorter one at most),
    by day within a quarter of an hour if both last an hour, in the same subject and condition: before and after a dose
    are conditions or phases of their own. All parts lie within 26 h: what is longer holds several nights. The time of
    day is told, not the date, which could say the order of a blinded night. Dates have to tell nights apart: where all
    recordings of the subject begin on one date (of a subject with one condition, all of the study), it was put there
    to hide the true ones. Headers are opened of subjects alone who have several nights of a condition.
    """
    kept = nights.drop(index=list(left_out))
    kept = kept[(kept["path"] != "") & (kept["condition"] != UNKNOWN_CONDITION)]
    if "adaptation" in kept:
        kept = kept[~kept["adaptation"].astype(bool)]
    keys = ["subject", "condition", *(name for name in ("phase",) if name in kept)]
    found: dict[int, str] = {}
    for _, own in kept[kept.duplicated(keys, keep=False)].groupby(keys, sort=False, dropna=False):
        for parts in _chains(_near_files(own, settings)):
            if _dates_tell(nights, own):
                times = ", ".join(f"{part.name} ({part.start:%H:%M} to {part.end:%H:%M})" for part in parts)
                found |= {part.place: f"one night lies in {len(parts)} files: {times}" for part in parts}
    return found


def refuse_parts(nights: pd.DataFrame, parts: Mapping[int, str]) -> pd.DataFrame:
    """The plan, in which parts of a night (`find_parts`) have a `problem`."""
    return nights.assign(problem=[parts.get(int(str(place)), wrong) for place, wrong in nights["problem"].items()])


def _chains(files: Sequence[_File]) -> Iterator[list[_File]]:
    """Files each of which goes on where the one before it ended."""
    chain: list[_File] = []
    for file in files:
        if chain and not (_goes_on(chain[-1], file) and file.end - chain[0].start <= _LONGEST_NIGHT):
            if len(chain) > 1:
                yield chain
            chain = []
        chain.append(file)
    if len(chain) > 1:
        yield chain


def _goes_on(earlier: _File, later: _File) -> bool:
    overlap = earlier.end - later.start
    shorter = min(one.end - one.start for one in (earlier, later))
    if _MORNING <= later.start.hour < _EVENING:
        close = shorter >= _SHORTEST_BY_DAY and overlap >= -_LONGEST_GAP_BY_DAY
    else:
        close = overlap > -_LONGEST_GAP
    return close and overlap <= _LARGEST_OVERLAP * shorter


def _near_files(own: pd.DataFrame, settings: Settings) -> list[_File]:
    """Recordings that begin within a day of another one, in the order of their starts, without false starts."""
    starts = {
        int(str(place)): start
        for place, path in own["path"].items()
        if (start := read_start(str(path))) and not is_made_up(start)
    }
    near = [
        place
        for place, start in starts.items()
        if any(abs(start - other) < _DAY for one, other in starts.items() if one != place)
    ]
    found = []
    for place in sorted(near, key=starts.__getitem__):
        path = Path(str(own.loc[place, "path"]))
        try:
            length = datetime.timedelta(seconds=read_recording(path, channel_settings(path, settings)).duration_s)
        except SwaError:  # told where the night is read
            continue
        if length >= _SHORTEST:
            found.append(_File(place, str(own.loc[place, "recording"]), starts[place], starts[place] + length))
    return found


def _dates_tell(nights: pd.DataFrame, own: pd.DataFrame) -> bool:
    """Whether the recordings among which a date could tell one night from another have several."""
    of_subject = nights[nights["subject"] == own["subject"].iloc[0]]
    among = of_subject if of_subject["condition"].nunique() > 1 else nights
    starts = (read_start(str(path)) for path in among["path"] if path)
    return len({start.date() for start in starts if start}) > 1
