"""Rows of a study file that may be of another subject, or a subject's second night of one condition."""

import re
import unicodedata

import pandas as pd

from swa.study.plan.selection import excluded_by_file
from swa.study.plan.sheet import MOST_NAMED, list_rows, shown

_LONGEST_SHOWN = 100  # characters of a path


def note_other_subjects(rows: pd.DataFrame) -> list[str]:
    """One note on the rows whose recording bears the name of another subject of the study, and not its own.

    Parameters
    ----------
    rows : DataFrame
        Rows of a study file by their number. Subjects of digits alone are looked for in no name: it may hold them as
        the number of a night.
    """
    patterns = {str(name): _pattern_of(str(name)) for name in rows["subject"]}
    told = []
    for row, subject, recording in zip(rows.index, rows["subject"], rows["recording"], strict=True):
        name = unicodedata.normalize("NFC", str(recording)).casefold()
        found = [other for other, pattern in patterns.items() if pattern and pattern.search(name)]
        if found and patterns[str(subject)] and subject not in found:
            told.append(
                f"row {row} is of {subject}, its recording {shown(str(recording), _LONGEST_SHOWN)} of {found[0]}"
            )
    return [f"{_listed(told)}, by their names; correct the one that is wrong"] if told else []


def note_repeated_conditions(rows: pd.DataFrame) -> list[str]:
    """One note on the subjects who have several nights of a condition where no session tells them apart.

    Parameters
    ----------
    rows : DataFrame
        Rows of a study file by their number, columns converted.
    """
    left_out = excluded_by_file(rows) | (rows["adaptation"].astype(bool) if "adaptation" in rows else False)
    keys = ["subject", "condition", *[name for name in ("phase",) if name in rows]]
    told = [
        f"{own['subject'].iloc[0]} has {len(own)} {own['condition'].iloc[0]} nights ({list_rows(own.index)})"
        for _, own in rows[~left_out].groupby(keys, sort=False)
        if len(own) > 1
    ]
    return [f"{_listed(told)}: they are averaged"] if told else []


def _listed(told: list[str]) -> str:
    more = f"; and {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED else ""
    return f"{'; '.join(told[:MOST_NAMED])}{more}"


def _pattern_of(subject: str) -> re.Pattern[str] | None:
    """A subject as a word of a name: ``P-01`` is also written ``P01`` and ``p_01``; None where it is no name."""
    letters = re.findall(r"[^\W_]", unicodedata.normalize("NFC", subject).casefold())
    if len(letters) < 2 or "".join(letters).isdigit():
        return None
    return re.compile(r"(?<![^\W_])(?:sub-)?" + r"[\W_]*".join(letters) + r"(?![^\W_])")
