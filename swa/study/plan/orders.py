"""Whether the order of nights that a study file states is that of the dates of their recordings."""

import itertools

import pandas as pd

from swa.recordings.edf.header import read_start
from swa.study.infusions import MOST_NIGHTS


def note_orders(nights: pd.DataFrame) -> list[str]:
    """Notes on the columns `order` and `period` of a plan that the dates of the headers contradict.

    A date that is hidden, and those of nights further apart than a year, say nothing.
    """
    return [
        f"{column}: against the dates in the headers of {', '.join(subjects)}; correct it, or the names of the "
        "recordings, if the dates are true"
        for column in ("order", "period")
        if column in nights and (subjects := _contradicted(nights, column))
    ]


def _contradicted(nights: pd.DataFrame, column: str) -> list[str]:
    """Subjects of whom a later night by the column began on an earlier date."""
    numbers = pd.to_numeric(nights[column], errors="coerce")
    known = nights.assign(number=numbers)[numbers.notna() & nights["path"].astype(bool)]
    found = []
    for subject, own in known.groupby("subject", sort=False):
        if own["number"].nunique() < 2:  # its headers need not be read
            continue
        dated = [(number, start.date()) for number, path in zip(own["number"], own["path"], strict=True)
                 if (start := read_start(path))]  # fmt: skip
        for (one, first), (other, second) in itertools.combinations(sorted(dated), 2):
            if one < other and 0 < (first - second).days <= MOST_NIGHTS:
                found.append(str(subject))
                break
    return found
