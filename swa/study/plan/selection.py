"""Which nights of a plan a call works at: those that are named, without those that are left out."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from swa.errors import StudyError
from swa.study.plan.cell_words import leaves_out, reason_to_leave_out
from swa.study.plan.columns import nearest

MOST_NAMED = 40  # nights in a message


class LeftOut(NamedTuple):
    """Why a night is left out, and what to do for it to be in."""

    why: str
    remedy: str


_BY_FILE = "Nothing, if that is meant; to have it in, empty its cell `exclude` in the study file and run again."
BY_CALL = LeftOut("left out by --exclude", "Nothing, if that is meant; to have it in, run without --exclude.")
BY_USER = LeftOut("left out by the user", "Nothing, if that is meant; to have it in, do not exclude it and run again.")
UNDONE = LeftOut("not named by --only, and not done before", "Run without --only, or name it too.")


def night_names(nights: pd.DataFrame) -> pd.Series:
    """``SUBJECT/SESSION`` of each night."""
    return nights["subject"].astype(str) + "/" + nights["session"].astype(str)


def find_nights(nights: pd.DataFrame, names: Iterable[str], option: str) -> set[int]:
    """Places in the plan of the nights that are named.

    Parameters
    ----------
    nights : DataFrame
        The plan.
    names : iterable of str
        ``SUBJECT`` or ``SUBJECT/SESSION``, as in the study file or, with ``sub-``, as in file names; in any case of
        letters where that means one thing.
    option : str
        The option that names them, for the message.

    Raises
    ------
    StudyError
        A name is of no night, or of several that differ in the case of letters.
    """
    called = _names(nights)
    found: set[int] = set()
    for name in names:
        found |= called.get(name) or called[_spelled(name, called, option)]
    return found


def _names(nights: pd.DataFrame) -> dict[str, set[int]]:
    """What a night can be called by, with the places of those that are called so."""
    called: dict[str, set[int]] = {}
    subjects, labels = nights["subject"].astype(str), "sub-" + nights["subject_label"]
    for place, *names in zip(nights.index, night_names(nights), subjects, labels, strict=True):
        for name in names:
            called.setdefault(name, set()).add(place)
    return called


def _spelled(name: str, called: Mapping[str, set[int]], option: str) -> str:
    """The name of nights that is another one but for the case of its letters, or for how accents are stored."""
    alike = [own for own in called if _folded(own) == _folded(name)]
    if not alike:
        hint = nearest(name, list(called), 0.75)
        known = [own for own in called if "/" in own]
        more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
        raise StudyError(
            f"{option} {name}: there is no such subject or night{hint}.",
            f"Known are {', '.join(known[:MOST_NAMED])}{more}.",
        )
    if len({frozenset(called[own]) for own in alike}) > 1:
        raise StudyError(f"{option} {name} can be {' or '.join(alike)}.", "Write it in their letters.")
    return alike[0]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def nights_left_out(nights: pd.DataFrame, exclude: Iterable[str]) -> dict[str, LeftOut]:
    """Why each night that is left out is, by ``SUBJECT/SESSION``: the study file's column `exclude`, and the call.

    Raises
    ------
    StudyError
        A name is of no night.
    """
    names = night_names(nights)
    reasons: dict[str, LeftOut] = {}
    for name, cell in zip(names, _excluding(nights), strict=True):
        if leaves_out(cell):
            reason = reason_to_leave_out(cell)
            reasons[name] = LeftOut(f"left out by the study file{f': {reason}' if reason else ''}", _BY_FILE)
    places = find_nights(nights, exclude, "--exclude")
    return reasons | {names[place]: BY_CALL for place in sorted(places)}


def excluded_by_file(nights: pd.DataFrame) -> pd.Series:
    """Which nights the study file leaves out."""
    return _excluding(nights).map(leaves_out).astype(bool)


def _excluding(nights: pd.DataFrame) -> pd.Series:
    """Cells of the column `exclude`, empty where there is none."""
    if "exclude" not in nights:
        return pd.Series("", index=nights.index, dtype=object)
    return nights["exclude"].fillna("").astype(str).str.strip()
