"""Nights that were left out, or taken in, after results had been made: who sees the numbers can choose by them."""

import datetime
from collections.abc import Collection, Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from swa.comparison.compared_nights import is_adaptation, text_column
from swa.study.plan.cell_words import leaves_out
from swa.study.store import is_blinded
from swa.study.written import COMPARED, RUN_FILE, kept_left_out, kept_nights
from swa.tables.files import read_json, write_json

_State = Literal["used", "left_out"]
_STATES: tuple[_State, ...] = ("used", "left_out")
_Night = tuple[str, str]  # subject and session


@dataclass(frozen=True, kw_only=True)
class LateNight:
    """A night that is no longer what it was in the first results that knew it.

    Attributes
    ----------
    subject, session, condition : str
        As in the study file.
    date : str
        Day (UTC) of the first results in which it is as it is now.
    is_left_out : bool
        Whether it was left out; else it was taken in.
    """

    subject: str
    session: str
    condition: str
    date: str
    is_left_out: bool


def keep_nights(results: Path, nights: pd.DataFrame) -> None:
    """Keep which nights the contrasts were made with and without, where that is not as before.

    Nothing is kept while conditions are codes: nobody can choose by them.
    """
    if is_blinded(results):
        return
    known = {night: state for night, state, _ in _history(results)}
    now = {night: state for night, state in _states(nights, known, kept_left_out(results)) if known.get(night) != state}
    if now:
        changed = {state: [list(night) for night, own in now.items() if own == state] for state in _STATES}
        since = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        entries = [*kept_nights(results), {"since": since, **changed}]
        write_json(read_json(results / RUN_FILE) | {COMPARED: entries}, results / RUN_FILE)


def late_nights(results: Path, nights: pd.DataFrame) -> tuple[LateNight, ...]:
    """Nights of the study that were left out or taken in after results; who goes back to the first ones has not."""
    first: dict[_Night, _State] = {}
    last: dict[_Night, tuple[_State, str]] = {}
    for night, state, since in _history(results):
        first.setdefault(night, state)
        last[night] = state, since[:10]
    names = zip(*(text_column(nights, name) for name in ("subject", "session", "condition")), strict=True)
    return tuple(
        LateNight(
            subject=subject,
            session=session,
            condition=condition,
            date=last[subject, session][1],
            is_left_out=last[subject, session][0] == "left_out",
        )
        for subject, session, condition in names
        if (subject, session) in first and last[subject, session][0] != first[subject, session]
    )


def _history(results: Path) -> Iterator[tuple[_Night, _State, str]]:
    """Each change of each night, with its date."""
    for entry in kept_nights(results):
        for state in _STATES:
            own = entry.get(state)
            for night in own if isinstance(own, list) else ():
                yield (str(night[0]), str(night[1])), state, str(entry.get("since", ""))


def _states(
    nights: pd.DataFrame, known: Container[_Night], left_out: Collection[str]
) -> Iterator[tuple[_Night, _State]]:
    """What each night is; one that only waits for its turn (`--only`), or failed, is nothing of this."""
    names = zip(text_column(nights, "subject"), text_column(nights, "session"), strict=True)
    chosen = is_adaptation(nights) | text_column(nights, "exclude").map(leaves_out).astype(bool)
    for night, status, is_chosen in zip(names, text_column(nights, "status"), chosen, strict=True):
        if is_chosen or (status == "excluded" and (night in known or "/".join(night) in left_out)):
            yield night, "left_out"
        elif status == "done":
            yield night, "used"
