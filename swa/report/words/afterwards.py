"""What was changed after results had been made: the primary, and the nights that count."""

from collections.abc import Iterable

from swa.comparison.late_nights import LateNight
from swa.report.leading_rows import Headline
from swa.report.words.numbers import join
from swa.report.words.sentences import headline_name
from swa.settings import Settings
from swa.study.problems import LATE_STEP, Problem
from swa.study.written import LatePrimary
from swa.tables.marker import Marker

_MOST_NAMED = 5  # nights in a sentence; problems.tsv has all
_WHAT = {True: "left out", False: "taken in"}
_WITH = {True: "with", False: "without"}


def named_late(late: LatePrimary | None, settings: Settings) -> str:
    """Say since when the primary is this one, after which results; empty where it is that of the first results."""
    if late is None:
        return ""
    before = Headline(marker=Marker.parse(late.before), declared=True) if late.before else None
    of = f"for {headline_name(before, settings)}" if before else "without a primary"
    done = "changed" if before else "named"
    return f"The primary was {done} on {late.date}, after results {of} had been made."


def changed_nights(nights: Iterable[LateNight]) -> str:
    """Name the nights that were left out or taken in after results had been made; empty where there are none."""
    said: dict[tuple[bool, str], list[str]] = {}
    for night in nights:
        said.setdefault((night.is_left_out, night.date), []).append(f"{night.subject} {night.session}")
    return " ".join(
        f"{_WHAT[is_left_out].capitalize()} on {date}, {_after(_WITH[is_left_out], len(names))}: {_some(names)}."
        for (is_left_out, date), names in said.items()
    )


def problem_of(night: LateNight) -> Problem:
    """What is said of such a night, and what to do about it."""
    return Problem(
        subject=night.subject,
        session=night.session,
        step=LATE_STEP,
        problem=f"{_WHAT[night.is_left_out]} on {night.date}, {_after(_WITH[night.is_left_out], 1)}.",
        remedy="Report it with its reason, and the result as it was before: a choice by the numbers makes a result.",
    )


def _after(which: str, number: int) -> str:
    return f"after results {which} {'it' if number == 1 else 'them'} had been made"


def _some(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return f"{', '.join(names[:_MOST_NAMED])} and {more} more" if more > 0 else join(names)
