"""What the changes of single subjects are held against, and how many of them pass by chance."""

from swa.report.words.numbers import plural, share
from swa.tables.interval import LEAST_LEVEL
from swa.tables.reason import Reason

FEWEST_FOR_ALL = 3  # people whose repeated nights may stand for those of others without a word on it
_FEW = "; how much nights differ by is not the same in all people, and others may pass more often by chance"


def repeated_nights(pairs: Reason) -> str:
    """Say whose repeated nights the interval of one subject rests on (`swa.tables.notes.BASELINE_PAIRS`)."""
    subjects = int(pairs.values.get("subjects", 0))  # none in tables of an earlier version
    whose = f" of {plural(subjects, 'subject')}" if subjects else ""
    few = _FEW if 0 < subjects < FEWEST_FOR_ALL else ""
    return f"The interval rests on the repeated baseline nights{whose} of this study{few}."


def passed_by_chance(subjects: int, confidence: float) -> str:
    """Say how many of so many subjects pass without a change; empty where there are none or no change is told.

    Parameters
    ----------
    subjects : int
        Those who have a change.
    confidence : float
        Level of their intervals.
    """
    if not subjects or confidence < LEAST_LEVEL:
        return ""
    each, some = share(round(1 - confidence, 4)), share(round(1 - confidence**subjects, 2))
    several = f", of {subjects} one or more in about {some} of studies" if subjects > 1 else ""
    return (
        "A change that a subject's page calls larger than nights of one person usually differ can be chance: "
        f"about {each} of subjects pass without a change{several}, in each marker anew."
    )
