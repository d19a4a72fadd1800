"""Which infusion a night follows, and how many nights after it: from the time of the dose and the recording's start."""

import datetime
from collections.abc import Sequence

import numpy as np
import pandas as pd

INFUSION, NIGHT = "infusion", "nights_since_dose"
DOSE_COLUMNS = (INFUSION, NIGHT)
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


def _moment(text: object) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(str(text)) if text else None
    except ValueError:  # NaN of an empty cell
        return None


def _night(dose: datetime.datetime | None, start: datetime.datetime | None) -> float:
    if dose is None or start is None:
        return np.nan
    day_of_dose = (dose - datetime.timedelta(hours=6)).date()
    day_of_night = (start.replace(tzinfo=None) - datetime.timedelta(hours=12)).date()
    number = (day_of_night - day_of_dose).days + 1
    return float(number) if 1 <= number <= MOST_NIGHTS else np.nan
