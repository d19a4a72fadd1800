"""Where rows belong whose clock alone does not tell: it is lost, or to the minute beside the number of an epoch."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from swa.errors import AmbiguousScoringError, ScoringError
from swa.sleep.formats.cells import is_clock, is_number, lost_place, usual_width
from swa.sleep.formats.document import EPOCH_COLUMNS, Document

_LONGEST_SHOWN = 40  # letters of a line in a message
_MINUTE_S = 60.0
_LIKE_A_TIME = re.compile(r"\d{1,2}\s?[:.hH]\s?\d\d(?!\d)")


def refuse_remnants(document: Document) -> None:
    """Refuse a row without clock time in a table whose other rows have one: no other row may take its place.

    Raises
    ------
    ScoringError
        It names the row.
    """
    _refuse(document, is_clock, "time of day")


def refuse_unnumbered(document: Document, stage: int | None) -> None:
    """Refuse a row without a number in a table without known names where the numbers of the others go up.

    Raises
    ------
    ScoringError
        It names the row.
    """
    table = document.table
    width = usual_width(table.rows)
    for column in (place for place in range(width) if width > 1 and place != (width - 1 if stage is None else stage)):
        numbers = [float(cell) for cell in table.cells(column) if is_number(cell)]
        if len(numbers) > 2 and np.all(np.diff(numbers) > 0):
            _refuse(document, is_number, "number", [column])


def refuse_unread_times(document: Document, stage: int | None) -> None:
    """Refuse a list whose rows have times in a form that is not read, so that they are not one after the other by it.

    Raises
    ------
    ScoringError
        It names the first row.
    """
    table = document.table
    width = usual_width(table.rows)
    for column in (place for place in range(width) if width > 1 and place != (width - 1 if stage is None else stage)):
        cells = table.cells(column)
        timed = [i for i, cell in enumerate(cells) if _LIKE_A_TIME.match(cell) and not is_number(cell)]
        if 2 * len(timed) > len(cells) and 2 * len({*cells}) > len(cells):
            text = cells[timed[0]][:_LONGEST_SHOWN]
            raise ScoringError(
                f"{document.name}: line {table.lines[timed[0]]} has {text!r}, which could be a time in a form that is "
                f"not read.",
                "Write times as 23:15:30, one a row, below the name `time`; begin and end as `onset` and `end`.",
            )


def refuse_inclusive(document: Document, onsets_s: NDArray[np.float64], ends_s: NDArray[np.float64]) -> None:
    """Ask about rows that end one before the next begins: numbers of epochs, or seconds, from the first to the last.

    Raises
    ------
    AmbiguousScoringError
        Both could be.
    """
    order = np.argsort(onsets_s, kind="stable")
    begins, ends = onsets_s[order], ends_s[order]
    if len(begins) > 2 and 2 * np.sum(begins[1:] == ends[:-1] + 1) > len(begins):
        raise AmbiguousScoringError(
            f"{document.name}: its rows go from {begins[0]:g} to {ends[0]:g}, then from {begins[1]:g} to {ends[1]:g}: "
            "numbers of epochs, or seconds.",
            "Write where each row begins and ends in s, so that one begins where the other ends.",
        )


def _refuse(document: Document, is_place: Callable[[str], bool], what: str, columns: Sequence[int] = ()) -> None:
    table = document.table
    width = max((len(row) for row in table.rows[-20:]), default=0)
    for column in columns or range(width):
        cells = table.cells(column)
        placed = [is_place(cell) for cell in cells]
        if all(placed) or 2 * sum(placed) <= len(placed):
            continue
        others = [{row[i] for row in table.rows[1:] if i < len(row)} - {""} for i in range(width)]
        names = not (table.titled or placed[0] or lost_place(table.rows[0], column, others))
        for number, row, is_placed in list(zip(table.lines, table.rows, placed, strict=True))[names:]:
            if not is_placed:
                raise lost_row(document, number, row, what)


def lost_row(document: Document, line: int, row: Sequence[str], what: str) -> ScoringError:
    """Say that a row does not say where it belongs, as the others do."""
    text = " ".join(cell for cell in row if cell)
    shown = f"{text[:_LONGEST_SHOWN]}…" if len(text) > _LONGEST_SHOWN else text
    return ScoringError(
        f"{document.name}: line {line} ({shown!r}) has no {what}, and the rows beside it have one: where it belongs "
        f"cannot be told.",
        f"Give that row its {what}, or remove it.",
    )


class Numbered(NamedTuple):
    """Rows placed by the numbers of their epochs, with the clock to the minute.

    Attributes
    ----------
    onsets_s : ndarray
        In s from the first epoch.
    start_s, within_s : float
        The earliest begin of that epoch in s of the clock, and how much later it can be.
    """

    onsets_s: NDArray[np.float64]
    start_s: float
    within_s: float


def by_number(document: Document, clocks_s: NDArray[np.float64], epoch_s: float, skipped: int) -> Numbered | None:
    """Place rows whose clocks are to the minute by the number of their epoch; None where they have none.

    Raises
    ------
    ScoringError
        A clock contradicts the number in its row.
    """
    numbers = _epoch_numbers(document, skipped)
    if numbers is None or np.any(clocks_s % _MINUTE_S):
        return None
    onsets_s = (numbers - numbers.min()) * epoch_s
    earliest = clocks_s - onsets_s
    usual = float(np.median(earliest))
    wrong = np.flatnonzero(np.abs(earliest - usual) >= _MINUTE_S)
    start_s, until_s = float(earliest.max()), float(earliest.min()) + _MINUTE_S
    if len(wrong) or start_s >= until_s:
        row = int(wrong[0]) if len(wrong) else int(np.argmax(earliest))
        line, text = document.table.lines[skipped:][row], " ".join(document.table.rows[skipped:][row])
        raise ScoringError(
            f"{document.name}: the time of line {line} ({text[:_LONGEST_SHOWN]!r}) is not that of its epoch of "
            f"{epoch_s:g} s.",
            "Correct that row, or set [scoring] epoch_s where epochs have another length.",
        )
    return Numbered(onsets_s, start_s, until_s - start_s)


def _epoch_numbers(document: Document, skipped: int) -> NDArray[np.float64] | None:
    """Numbers of the rows' epochs, of which no two are the same."""
    table = document.table
    named = table.column(*EPOCH_COLUMNS) if table.titled else 0
    cells = [] if named is None else table.cells(named)[skipped:]
    if not cells or not all(is_number(cell) and float(cell) == int(float(cell)) for cell in cells):
        return None
    numbers = np.array([float(cell) for cell in cells])
    return numbers if len(np.unique(numbers)) == len(numbers) else None
