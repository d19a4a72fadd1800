"""The dates that a study file states of its nights, held against those of the recordings."""

import datetime
from collections.abc import Hashable

import pandas as pd

from swa.recordings.edf.fields import is_made_up
from swa.recordings.starts import read_start
from swa.study.infusions import MOST_NIGHTS, day_of_night
from swa.study.plan.sheet import DATE
from swa.tables.results_tables import DATES_OF_RECORDINGS, DATES_OF_STUDY_FILE, ORDER_SOURCE

_MORNING = 1  # days after the evening: labs that write the date of the morning do so throughout
_FEWEST_MOVED = 3  # nights that are all as many days off: dates moved to hide them, or a clock
_BY_DATES = {
    DATES_OF_STUDY_FILE: "the date of the study file says which night came first",
    DATES_OF_RECORDINGS: "the date of the recording says which night came first",
}


def stated_dates(nights: pd.DataFrame) -> dict[int, datetime.date]:
    """Dates of the column `date`, by place; what is no date there (it was told when it was read) is left out."""
    found = {}
    for place, cell in nights[DATE].items() if DATE in nights else ():
        try:
            found[int(str(place))] = datetime.date.fromisoformat(str(cell)[:10])
        except ValueError:
            continue
    return found


def find_wrong_dates(nights: pd.DataFrame) -> dict[int, tuple[str, str]]:
    """Places of nights whose stated date is not that of their recording, with the sentence and what counts until then.

    A night belongs to the evening and to the date on which its recording begins: after midnight both are right, and so
    is the date of the morning where all have it. Dates of recordings that are hidden or made up (New Year, the same in
    all, more than a year away, all moved by the same) say nothing against a stated one.
    """
    shifts, starts = _shifts(nights)
    if _is_moved(shifts) or set(shifts.values()) == {_MORNING}:
        return {}
    stated = stated_dates(nights)
    found = {}
    for place, days in shifts.items():
        if days and stated[place] != starts[place].date():
            apart = f"{abs(days)} day{'' if abs(days) == 1 else 's'} {'before' if days < 0 else 'after'}"
            told = f"date {stated[place]} is {apart} the night of its recording, {starts[place].date()}"
            found[place] = told, _what_counts(nights, place)
    return found


def note_moved_dates(nights: pd.DataFrame) -> list[str]:
    """Note that all dates of the recordings are as many days off."""
    shifts, _ = _shifts(nights)
    if not _is_moved(shifts):
        return []
    days = next(iter(shifts.values()))
    return [
        f"date: all are {abs(days)} days {'before' if days < 0 else 'after'} those of the recordings, as where dates "
        "were moved to hide them or a clock was set wrong: those of the study file count"
    ]


def _shifts(nights: pd.DataFrame) -> tuple[dict[int, int], dict[int, datetime.datetime]]:
    """Days from the night of each recording to its stated date, where both mean something, and those starts."""
    stated = stated_dates(nights)
    starts = {
        place: start
        for place in stated
        if (path := nights.loc[place, "path"]) and (start := read_start(str(path))) and not is_made_up(start)
    }
    days = {place: day_of_night(start) for place, start in starts.items()}
    if len(set(days.values())) == 1 < len({stated[place] for place in days}):
        return {}, {}
    shifts = {place: (stated[place] - day).days for place, day in days.items()}
    return {place: shift for place, shift in shifts.items() if abs(shift) <= MOST_NIGHTS}, starts


def _is_moved(shifts: dict[int, int]) -> bool:
    return len(shifts) >= _FEWEST_MOVED and len(set(shifts.values())) == 1 and not set(shifts.values()) <= {0, _MORNING}


def _what_counts(nights: pd.DataFrame, place: Hashable) -> str:
    """What says the order of the nights of a subject until a wrong date is corrected; empty where nothing does."""
    source = nights[ORDER_SOURCE].get(place, "") if ORDER_SOURCE in nights else ""
    stated = next((name for name in ("order", "period") if name in nights and not pd.isna(nights[name].get(place))), "")
    return _BY_DATES.get(str(source)) or (stated and f"the column {stated} says which night came first")
