"""Cells of a text: how its lines are cut into them, which are times and numbers, and where rows begin below a head."""

import csv
import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

_Row = TypeVar("_Row")

PREAMBLE = 40  # a header stands in the first lines or nowhere
_SAMPLE = 20  # rows below a head that show where all have their place
_DIGITS = re.compile(r"\d+[.:/-]\d")  # of dates and times
_NAME = re.compile(r"[#%*]|[^\W\d][^:=]*[:=]")  # of a line `Patient: …`, or a remark

DATE = (
    r"\d{4}(?P<mark>[-/.])\d\d(?P=mark)\d\d|\d{1,2}\.\d{1,2}\.(?:\d{4}|\d\d)"
    r"|\d{1,2}(?P<slash>[/-])\d{1,2}(?P=slash)\d{2,4}|\d{1,2}[- ][A-Za-z]{3}[- ]\d{4}"
)
CLOCK = re.compile(
    rf"(?:(?P<date>{DATE})[T -]\s*)?"
    r"(?P<hour>\d{1,2})[:.](?P<minute>[0-5]\d)(?:[:.](?P<second>[0-5]\d)(?:[.,](?P<part>\d{1,9}))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
)


def is_number(text: str) -> bool:
    """Whether a cell is a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def cut_rows(lines: Sequence[str]) -> list[list[str]]:
    """Lines as cells, cut as those below a head are."""
    below = _below_head(lines)
    separator = next((mark for mark in "\t;," if 2 * sum(mark in line for line in below) >= len(below)), "")
    if not separator and (rows := _cut_at_gaps(lines)):
        return rows
    if not separator and sum(_SPACED.match(line) is not None for line in below) > 0.9 * len(below):
        return [_cut_at_spaces(line) for line in lines]
    cut = separator or ","
    rows = [_cut_quoted(line, cut) if '"' in line else line.split(cut) for line in lines]
    rows = [[cell.strip().strip('"').strip() for cell in row] for row in rows]
    if cut == ",":
        return rows
    decimal = re.compile(r"[+-]?\d+,\d+")  # where another mark stands between cells, commas are decimal
    return [[cell.replace(",", ".") if cut == ";" or decimal.fullmatch(cell) else cell for cell in row] for row in rows]


def _cut_quoted(line: str, mark: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=mark))
    except csv.Error:  # a quote that nothing ends, and more behind it than any cell holds
        return line.split(mark)


def _cut_at_gaps(lines: Sequence[str]) -> list[list[str]]:
    """Cells of a printed table, whose columns two blanks or more set apart; none where lines differ in their number."""
    rows = [re.split(r" {2,}", line.strip()) for line in lines]
    widths = Counter(len(row) for row in _below_head(rows))
    width = max(widths, key=widths.__getitem__, default=1)
    return rows if width > 1 and widths[width] > 0.9 * widths.total() else []


def _below_head(rows: Sequence[_Row]) -> Sequence[_Row]:
    """Lines or rows that are surely below those of a head."""
    return rows[min(PREAMBLE, len(rows) // 2) :]


# A row that is no cell but numbers and times, and then a stage.
_SPACED = re.compile(r"[+-]?\d[\d:.,]*\s+\S")


def _cut_at_spaces(line: str) -> list[str]:
    cells = []
    while found := re.match(r"([+-]?\d[\d:.,]*)\s+(?=\S)", line):
        cells.append(found[1])
        line = line[found.end() :]
    return [*cells, line.strip()]


# --- head


def head_length(rows: Sequence[Sequence[str]]) -> int:
    """Rows above the first with a place in time or a stage, where no row holds known names of columns.

    They say whose night it is, and how it was scored. The last of them stays where it may hold names of columns.
    """
    below = _below_head(rows)[:_SAMPLE]
    column = _place_column(below)
    if column is None:
        return 0
    first = next((i for i, row in enumerate(rows[: PREAMBLE + 1]) if _is_place(row, column)), 0)
    width = usual_width(below)
    # A row whose other cells stand below, too, is a stage that has lost its place.
    cells = [{row[i] for row in below if i < len(row) and row[i]} for i in range(width)]
    first = next((i for i, row in enumerate(rows[:first]) if lost_place(row, column, cells)), first)
    above = rows[first - 1] if first else []
    is_names = len(above) == width and not any(is_number(cell) or _DIGITS.match(cell) for cell in above)
    return first - is_names


def lost_place(row: Sequence[str], column: int, cells: Sequence[Collection[str]]) -> bool:
    """Whether a row without a place in time has a cell that other rows have in that column."""
    return any(i != column and cell in cells[i] for i, cell in enumerate(row[: len(cells)]))


def is_clock(cell: str) -> bool:
    """Whether a cell is a time of day; with a point between hours and minutes it could be a number."""
    return ":" in cell and CLOCK.fullmatch(cell) is not None


def _is_place(row: Sequence[str], column: int) -> bool:
    return column < len(row) and (is_clock(row[column]) or is_number(row[column]))


def usual_width(rows: Sequence[Sequence[str]]) -> int:
    """How many cells most rows have."""
    return sorted(map(len, rows))[len(rows) // 2] if rows else 0


def _place_column(rows: Sequence[Sequence[str]]) -> int | None:
    """The column in which most rows have a clock time, else the first of several in which they have a number."""
    width = usual_width(rows)
    for kind in (is_clock, is_number):
        for column in range(width if width > 1 else 0):
            if 2 * sum(column < len(row) and kind(row[column]) for row in rows) > len(rows):
                return column
    return None


def named_lines(rows: Sequence[Sequence[str]], is_stage: Callable[[str], bool]) -> int:
    """Lines `name: value` above a list of stages, with a title above them; `Stage: N2` in each row is no head."""
    lines = [" ".join(row) for row in rows]
    found: list[str] = []
    length = 0
    for i, line in enumerate(lines[:PREAMBLE]):
        named = _NAME.match(line)
        if is_stage(line) or (named is None and i > 0):
            break
        found += [] if named is None else [named[0]]
        length = i + 1
    below = lines[length:]
    repeats = any(name not in "#%*" and line.startswith(name) for name in found for line in below)
    return length if found and below and not repeats else 0
