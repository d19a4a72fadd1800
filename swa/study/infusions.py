"""Which infusion a night follows, how many nights after it, and the hours of undosed nights that compare with it."""

import datetime
from collections.abc import Sequence

import numpy as np
import pandas as pd

from swa.recordings.starts import read_start

INFUSION, NIGHT = "infusion", "nights_since_dose"
DOSE_COLUMNS = (INFUSION, NIGHT)
DAY_S = 86400.0
DAY_OF_DOSE_BEGINS_H = 6  # a dose before it belongs to the night before
DAY_OF_NIGHT_BEGINS_H = 12
SAME_CLOCK_S = 1800.0  # doses of a subject that lie further apart have no clock time in common
MOST_NIGHTS = 366  # beyond it the dates of a recording were made up to hide them


def number_doses(nights: pd.DataFrame, starts: Sequence[str | None]) -> pd.DataFrame:
    """Number of the infusion among those of its subject and condition, and of the night since it.

    The night that begins on the day of the infusion is night 1, also where it begins before an infusion by night. A
    night belongs to the date on which it begins, until noon of the next; a dose between midnight and 6 h belongs to the
    night before.

    Parameters
    ----------
    nights : DataFrame
        Rows of the study file: subject, condition, dose_start.
    starts : sequence of str or None
        Start of each recording, ISO 8601; None where it is not known.

    Returns
    -------
    DataFrame
        `infusion` and `nights_since_dose`, with the index of `nights`; NaN without a dose, before it, and where the
        dates of dose and recording do not belong together. What the study file itself says of one of them is kept.
    """
    doses = [_moment(text) for text in nights["dose_start"]]
    table = pd.DataFrame(index=nights.index)
    keys = list(zip(nights["subject"], nights["condition"], strict=True))
    known: dict[tuple[object, object], list[datetime.datetime]] = {}
    for key, dose in zip(keys, doses, strict=True):
        if dose is not None and dose not in known.setdefault(key, []):
            known[key].append(dose)
    table[INFUSION] = [
        np.nan if dose is None else sorted(known[key]).index(dose) + 1.0 for key, dose in zip(keys, doses, strict=True)
    ]
    table[NIGHT] = [_night(dose, _moment(start)) for dose, start in zip(doses, starts, strict=True)]
    return table[[name for name in DOSE_COLUMNS if name not in nights]]


def dose_columns(nights: pd.DataFrame, starts: Sequence[str | None]) -> pd.DataFrame:
    """`number_doses` of a study's nights; no column without a dose."""
    if "dose_start" not in nights or not nights["dose_start"].astype(str).str.strip().any():
        return pd.DataFrame(index=nights.index)
    return number_doses(nights, starts)


def note_doses(nights: pd.DataFrame) -> dict[int, str]:
    """Doses whose date cannot be of the night of their row, by place in the plan, with what is wrong.

    A dose may be given up to a year before a night that is studied for it; one later than the day after is of no night.
    Of a night before its infusion, and of a recording whose date is hidden, nothing is said.
    """
    if "dose_start" not in nights:
        return {}
    found = {}
    for place, dose, path, early in zip(
        nights.index, map(_moment, nights["dose_start"]), nights["path"], _precede(nights), strict=True
    ):
        start = read_start(path) if dose is not None and path and not early else None
        if dose is None or start is None:
            continue
        days = _night_number(dose, start) - 1
        if not -1 <= days < MOST_NIGHTS:
            apart = f"{abs(days)} days {'before' if days > 0 else 'after'}"
            found[int(place)] = f"dose_start {dose.date()} is {apart} the night of its recording."
    return found


def _precede(nights: pd.DataFrame) -> list[bool]:
    """Which nights precede the infusion of their row, as the column phase says."""
    return [str(text).strip().casefold() == "pre" for text in nights.get("phase", pd.Series("", index=nights.index))]


def undosed_clocks(nights: pd.DataFrame) -> dict[object, datetime.time]:
    """The clock time from which dose-locked windows of undosed nights count: that of the doses of the same subject.

    Without it a window after the dose has no counterpart in a baseline night, and what the time of night does to slow
    waves is taken for the drug.

    Parameters
    ----------
    nights : DataFrame
        Rows of the study file: subject, dose_start.

    Returns
    -------
    dict
        For the index of each undosed night the mean clock time of the subject's doses, or of the study's where the
        subject had none (an arm without infusions). Where these lie more than half an hour apart no hour is the same
        for all, and the night has none.
    """
    if "dose_start" not in nights:
        return {}
    given = nights["dose_start"].map(_clock)
    found: dict[object, datetime.time] = {}
    of_study = _mean_clock(given.dropna())
    for _, own in given.groupby(nights["subject"], sort=False):
        clock = _mean_clock(own.dropna()) if own.notna().any() else of_study
        if clock is not None:
            found |= dict.fromkeys(own.index[own.isna()], clock)
    return found


def _mean_clock(seconds: "pd.Series[float]") -> datetime.time | None:
    """Mean of times of day; None of none and of such as lie apart."""
    if seconds.empty:
        return None
    first = seconds.iloc[0]
    from_first = (seconds - first + DAY_S / 2) % DAY_S - DAY_S / 2  # 23:50 and 0:10 are 20 min apart
    if np.ptp(from_first) > SAME_CLOCK_S:
        return None
    return (datetime.datetime.min + datetime.timedelta(seconds=int((first + from_first.mean()) % DAY_S))).time()


def undosed_offset_s(clock: datetime.time, start: datetime.datetime) -> float:
    """Seconds from the start of a recording to a clock time on the day to which its night belongs.

    Parameters
    ----------
    clock : datetime.time
        Of a dose that this night did not have.
    start : datetime.datetime
        Clock time of the first sample.

    Returns
    -------
    float
    """
    day = day_of_night(start)
    if clock.hour < DAY_OF_DOSE_BEGINS_H:
        day += datetime.timedelta(days=1)
    return (datetime.datetime.combine(day, clock) - start.replace(tzinfo=None)).total_seconds()


def _clock(text: object) -> float | None:
    """Time of day of a dose in s, given with or without a date."""
    moment = _moment(text)
    if moment is None and text:
        try:
            moment = datetime.datetime.combine(datetime.date.min, datetime.time.fromisoformat(str(text)))
        except ValueError:
            return None
    return None if moment is None else 3600.0 * moment.hour + 60 * moment.minute + moment.second


def day_of_night(start: datetime.datetime) -> datetime.date:
    """Day on which a night begins; until noon it is the one before."""
    return (start.replace(tzinfo=None) - datetime.timedelta(hours=DAY_OF_NIGHT_BEGINS_H)).date()


def _moment(text: object) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(str(text)) if text else None
    except ValueError:  # NaN of an empty cell
        return None


def _night(dose: datetime.datetime | None, start: datetime.datetime | None) -> float:
    if dose is None or start is None:
        return np.nan
    number = _night_number(dose, start)
    return float(number) if 1 <= number <= MOST_NIGHTS else np.nan


def _night_number(dose: datetime.datetime, start: datetime.datetime) -> int:
    """1 for the night that begins on the day of the dose, 0 and below for nights before it."""
    return (day_of_night(start) - (dose - datetime.timedelta(hours=DAY_OF_DOSE_BEGINS_H)).date()).days + 1
