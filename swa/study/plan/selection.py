"""Which nights of a plan a call works at: those that are named, without those that are left out."""

from collections.abc import Iterable

import pandas as pd

from swa.errors import StudyError

KEPT = ("", "no", "false", "0")
NO_REASON = ("yes", "true", "1", "x")
UNDONE = "not named by --only, and not done before"


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
        ``SUBJECT`` or ``SUBJECT/SESSION``, as in the study file or, with ``sub-``, as in file names.
    option : str
        The option that names them, for the message.

    Raises
    ------
    StudyError
        A name is of no night.
    """
    known, labels = night_names(nights), "sub-" + nights["subject_label"]
    found: set[int] = set()
    for name in names:
        hits = set(nights.index[(known == name) | (nights["subject"].astype(str) == name) | (labels == name)])
        if not hits:
            raise StudyError(f"{option} {name}: there is no such subject or night.", f"Known are {', '.join(known)}.")
        found |= hits
    return found


def nights_left_out(nights: pd.DataFrame, exclude: Iterable[str]) -> dict[str, str]:
    """Why each night that is left out is, by ``SUBJECT/SESSION``: the study file's column `exclude`, and the call.

    Raises
    ------
    StudyError
        A name is of no night.
    """
    names = night_names(nights)
    reasons: dict[str, str] = {}
    for name, cell in zip(names, _excluding(nights), strict=True):
        if cell.lower() not in KEPT:
            reasons[name] = "left out by the study file" + ("" if cell.lower() in NO_REASON else f": {cell}")
    places = find_nights(nights, exclude, "--exclude")
    return reasons | {names[place]: "left out by --exclude" for place in sorted(places)}


def excluded_by_file(nights: pd.DataFrame) -> pd.Series:
    """Which nights the study file leaves out."""
    return ~_excluding(nights).str.lower().isin(KEPT)


def _excluding(nights: pd.DataFrame) -> pd.Series:
    """Cells of the column `exclude`, empty where there is none."""
    if "exclude" not in nights:
        return pd.Series("", index=nights.index, dtype=object)
    return nights["exclude"].fillna("").astype(str).str.strip()
