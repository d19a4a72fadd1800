"""The order of nights by dates, the study file's or the recordings': where nothing states it, or states another."""

import datetime
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import Enum

import pandas as pd

from swa.recordings.edf.fields import is_made_up
from swa.recordings.starts import read_start
from swa.study.infusions import MOST_NIGHTS, day_of_night
from swa.study.plan.dates import stated_dates
from swa.study.plan.selection import excluded_by_file
from swa.tables.results_tables import DATES_OF_RECORDINGS, DATES_OF_STUDY_FILE, ORDER_SOURCE

MOST_SEQUENCES = 3  # in a note
MOST_NAMED = 6  # nights in a note

_HOW_TO_STATE = "a column order (period, date) of a study file says it"


def order_by_dates(nights: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Fill `order` by dates, where no night has an order or period and nights are compared.

    The column `date` counts where each compared night of a subject has its own. Else the dates of the recordings do:
    one that is hidden, New Year (a clock that was never set), the same for two nights, or more than a year from another
    says nothing. Nights that are not compared (adaptation, exclude) take the order from no other.

    Parameters
    ----------
    nights : DataFrame
        The nights of a plan. Those whose recording is not there have no place; the others keep theirs.

    Returns
    -------
    nights : DataFrame
        With `order` and `order_source`, where dates tell it.
    notes : list of str
        The orders that were found, and of whom there is none.
    """
    stated = [name for name in ("order", "period") if name in nights and _numbers(nights[name]).notna().any()]
    there = nights[nights["path"].astype(bool)]
    may_be = there[~_left_out(there)]
    several = may_be.groupby("subject")["condition"].nunique() > 1
    compared = may_be[may_be["subject"].map(several)]
    if stated or compared.empty:
        return nights, []
    place = pd.Series(float("nan"), index=nights.index)
    sources = pd.Series("", index=nights.index)
    sequences: Counter[tuple[str, ...]] = Counter()
    unknown: dict[_Undated, list[str]] = {}
    for subject, own in compared.groupby("subject", sort=False):
        days, source = _days(own)
        if isinstance(days, _Undated):
            unknown.setdefault(days, []).append(str(subject))
            continue
        every = there[there["subject"] == subject]
        more, source_of_all = (days, source) if len(every) == len(own) else _days(every)
        # What is not compared takes no place from the others, and has one of its own where its date tells it.
        if not isinstance(more, _Undated) and source_of_all == source:
            own, days = every, more
        place[own.index] = pd.Series(days, index=own.index).rank()
        sources[own.index] = source
        own = compared[compared["subject"] == subject]
        conditions = own.loc[place[own.index].sort_values().index, "condition"].astype(str)
        sequences[tuple(name for name, _ in itertools.groupby(conditions))] += 1
    if not sequences:
        return nights, [f"order of the nights: not known ({_tell_unknown(unknown)}); {_HOW_TO_STATE}"]
    nights = nights.assign(order=place, **{ORDER_SOURCE: sources})
    if place.notna().all():
        nights["order"] = place.astype(int)
    return nights, [_tell_sequences(sequences, unknown, sorted({*sources} - {""}))]


class _Undated(Enum):
    """Why the dates of a subject's recordings tell no order."""

    HIDDEN = "a date is hidden or missing"
    NEW_YEAR = "a date is 1 January, as of hidden dates and clocks that were never set"
    SAME = "two nights have the same date"
    APART = "the dates are more than a year apart"


def _days(own: pd.DataFrame) -> tuple[list[datetime.date] | _Undated, str]:
    """The day of each night of a subject, or why nothing tells it; and who says so."""
    stated = list(stated_dates(own).values())
    if len(set(stated)) == len(own):
        return stated, DATES_OF_STUDY_FILE
    return _days_of_recordings(own["path"]), DATES_OF_RECORDINGS


def _days_of_recordings(paths: pd.Series) -> list[datetime.date] | _Undated:
    starts = [start for path in paths if (start := read_start(path)) is not None]
    if len(starts) < len(paths):
        return _Undated.HIDDEN
    if any(map(is_made_up, starts)):
        return _Undated.NEW_YEAR
    days = [day_of_night(start) for start in starts]
    if len(set(days)) < len(days):
        return _Undated.SAME
    return days if (max(days) - min(days)).days <= MOST_NIGHTS else _Undated.APART


def _tell_unknown(unknown: Mapping[_Undated, Sequence[str]]) -> str:
    return "; ".join(f"{why.value}: {_name(subjects)}" for why, subjects in unknown.items())


def _name(subjects: Sequence[str]) -> str:
    more = len(subjects) - MOST_NAMED
    return ", ".join(subjects[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _left_out(rows: pd.DataFrame) -> pd.Series:
    """Which nights are compared with none: for adaptation, or excluded."""
    return excluded_by_file(rows) | (rows["adaptation"].astype(bool) if "adaptation" in rows else False)


def _tell_sequences(
    sequences: Counter[tuple[str, ...]], unknown: Mapping[_Undated, Sequence[str]], sources: Sequence[str]
) -> str:
    most = sequences.most_common(MOST_SEQUENCES)
    told = [f"{', then '.join(names)} in {count}" for names, count in most]
    subjects = sequences.total() + sum(map(len, unknown.values()))
    told[0] += f" of {subjects} subject{'' if subjects == 1 else 's'}"
    others = sequences.total() - sum(count for _, count in most)
    told += [f"others in {others}"] * bool(others)
    not_of = "".join(f"; not of {_name(subjects)} ({why.value})" for why, subjects in unknown.items())
    return (
        f"order of the nights, by the {' and the '.join(sources)}, as no column states it: {'; '.join(told)}"
        f"{f'{not_of}: {_HOW_TO_STATE}' if unknown else ''}"
    )


def note_same_places(rows: pd.DataFrame) -> list[str]:
    """Notes on nights of a subject that have the same place: then nothing says which of them came first.

    Parameters
    ----------
    rows : DataFrame
        Rows of a study file by their number, columns converted. Nights before and after an infusion (`phase`) share a
        period, as those of one condition may; adaptation nights and what is excluded count nowhere.
    """
    counted = rows[~_left_out(rows)]
    phase = counted["phase"] if "phase" in counted else pd.Series("", index=counted.index)
    notes = []
    for column, why in _SAME.items():
        if column not in counted:
            continue
        place = _numbers(counted[column])
        known = counted.assign(place=place, phase=phase)[place.notna()]
        told = []
        for (subject, number, _), own in known.groupby(["subject", "place", "phase"], sort=False):
            differ = len(own) if column == "order" else own["condition"].nunique()
            told += [f"{subject} has {number:g} in rows {', '.join(map(str, own.index))}"] * (differ > 1)
        if told:
            more = f" and {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED else ""
            notes.append(f"{column}: {'; '.join(told[:MOST_NAMED])}{more}: {why}")
    return notes


_SAME = {
    "order": "each night of a subject has a place of its own; until then nothing says which of them came first",
    "period": "nights of other conditions are of another period, unless phase tells them apart; until then nothing "
    "says which of them came first",
}


def _numbers(cells: pd.Series) -> pd.Series:
    return pd.to_numeric(cells, errors="coerce")


def note_orders(nights: pd.DataFrame) -> list[str]:
    """Notes on the columns `order` and `period` of a plan that its dates contradict, or those of the recordings.

    A date that is hidden, and those of nights further apart than a year, say nothing.
    """
    return [
        f"{column}: against {words.format(', '.join(subjects))}"
        for column in ("order", "period")
        for words, dates_of in _AGAINST
        if column in nights and (subjects := _contradicted(nights, column, dates_of))
    ]


_Dates = Callable[[pd.DataFrame], Sequence[datetime.date | None]]


def _in_headers(own: pd.DataFrame) -> list[datetime.date | None]:
    return [None if (start := read_start(path)) is None else start.date() for path in own["path"]]


def _in_study_file(own: pd.DataFrame) -> list[datetime.date | None]:
    stated = stated_dates(own)
    return [stated.get(place) for place in own.index]


_AGAINST: tuple[tuple[str, _Dates], ...] = (
    (
        "the dates in the headers of {}; correct it, or the names of the recordings, if the dates are true",
        _in_headers,
    ),
    ("the column date of {}; correct the one that is wrong", _in_study_file),
)


def _contradicted(nights: pd.DataFrame, column: str, dates_of: _Dates) -> list[str]:
    """Subjects of whom a later night by the column has an earlier date."""
    numbers = _numbers(nights[column])
    known = nights.assign(number=numbers)[numbers.notna() & nights["path"].astype(bool)]
    found = []
    for subject, own in known.groupby("subject", sort=False):
        if own["number"].nunique() < 2:  # its headers need not be read
            continue
        dated = [(number, day) for number, day in zip(own["number"], dates_of(own), strict=True) if day]
        for (one, first), (other, second) in itertools.combinations(sorted(dated), 2):
            if one < other and 0 < (first - second).days <= MOST_NIGHTS:
                found.append(str(subject))
                break
    return found
