"""What a lab's own sheet holds beside its nights, and cells in spellings of their own.

What can mean one thing is read as that, with a note; what can mean two is left as it is, and asked about or told.
"""

import datetime
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import pandas as pd

from swa.recordings.formats import ENDINGS, ending_of

Cells = Sequence[tuple[int, list[str]]]

DATE = "date"  # the column of dates
HIGHEST_HEADER = 12  # rows among which the header is looked for
MOST_NAMED = 6  # rows in one note
LONGEST_SHOWN = 60  # characters of a remark

# Words and signs in a cell that say that there is nothing (of a scoring "none" says that YASA is to stage).
_NOTHING = (
    "-", "--", "–", "—", "/", "missing", "fehlt", "fehlend", "nicht vorhanden", "unbekannt", "manquant", "manquante",
    "falta", "unknown", "not available", "not done", "k.a.", "k. a.",
)  # fmt: skip
_NO_VISIT = (
    "none", "no", "missed", "missed visit", "no show", "no-show", "absent", "cancelled", "canceled", "not recorded",
    "dropout", "drop-out", "drop out", "dropped out", "withdrawn", "ausgefallen", "ausfall", "entfallen", "entfällt",
    "abgesagt", "abgebrochen", "abbruch", "nicht erschienen", "nicht durchgeführt", "keine", "kein", "verpasst",
    "no realizada", "absente", "annulé", "annulée", "non fait", "abandon", "ausente", "cancelado", "cancelada",
    "no realizado",
)  # fmt: skip
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE)
_COMMA = re.compile(r"([+-]?\d+),(\d+)")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # 1,234 is one thing in English and another in German
_HALF = r"(uhr|h|am|pm|a\.m\.|p\.m\.)"
_CLOCK = re.compile(rf"(\d{{1,2}})\s*(?:[:.h]|uhr)\s*([0-5]\d)(?:[:.]([0-5]\d))?\s*{_HALF}?", re.IGNORECASE)
_DIGITS = re.compile(
    rf"(\d{{1,2}})([0-5]\d)()\s*{_HALF}?|(\d{{1,2}})(?:\.0|\s*{_HALF})?", re.IGNORECASE
)  # 2300, 23 Uhr, 23
_SHARE_OF_DAY = re.compile(r"0\.\d{3,}")  # how a workbook holds a time whose cell has another format
_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2((?:\d\d)?\d\d)(?:(?:[ T]|, ?)\s*(\S.*))?")
_YEAR_FIRST = re.compile(r"(\d{4})([./-]?)(\d\d)\2(\d\d)(?:[ T].*)?")
_MONTH_NAMED = re.compile(
    r"(\d{1,2})\.?[ -]?([^\W\d]{3,10})\.?[ -]((?:\d\d)?\d\d)|([^\W\d]{3,10})\.? (\d{1,2}),? (\d{4})"
)
_WEEKDAY = re.compile(r"[^\W\d]{2,10}[.,]*\s+(?=\d)")
_MONTHS = (
    "jan ene", "feb fév fev", "mar mär mrz", "apr avr abr", "may mai", "jun juin", "jul juil", "aug aoû aou ago",
    "sep", "oct okt", "nov", "dec dez déc dic",
)  # fmt: skip


def number_of(cell: str, *, decimal_comma: bool) -> float | None:
    """Read a number; None where it is none."""
    if decimal_comma and _COMMA.fullmatch(cell):
        cell = cell.replace(",", ".")
    return float(cell) if _NUMBER.fullmatch(cell) else None


def find_header(cells: Cells, required: Collection[str], name_of: Callable[[str], str]) -> tuple[Cells, list[str]]:
    """Rows from the header on, where others stand above it.

    The header is the first row that names all required columns, or, of such rows one below the other, the last: those
    above it name groups of columns. Where none does, the first row is taken.
    """

    def named(row: Sequence[str]) -> set[str]:
        return {name_of(cell) for cell in row} & set(required)

    are_headers = [len(named(row)) == len(required) for _, row in cells[: HIGHEST_HEADER + 1]]
    if not any(are_headers[:HIGHEST_HEADER]):
        return cells, []
    place = are_headers.index(True)
    while are_headers[place + 1 : place + 2] == [True]:
        place += 1
    above = " ".join(cell for _, title in cells[:place] for cell in title if cell)
    number = cells[place][0]
    return cells[place:], [f"row {number} is the header; above it stands {shown(above)}"] if place else []


def fill_merged(cells: Cells, spans: Iterable[tuple[int, int, int]]) -> list[str]:
    """Give each of the cells that are merged within a column the value of the first, in place; with a note."""
    filled = []
    for column, first, last in spans:
        rows = [row for number, row in cells[first - 1 : last] if column < len(row)]
        if len(rows) < 2 or not rows[0][column]:
            continue
        for row in rows[1:]:
            row[column] = rows[0][column]
        filled.append(f"{shown(rows[0][column])} (rows {first} to {last})")
    some = ", ".join(filled[:MOST_NAMED]) + (
        f" and {len(filled) - MOST_NAMED} more" if len(filled) > MOST_NAMED else ""
    )
    return [f"merged cells count for each of their rows: {some}"] if filled else []


def unknown_header(
    cells: Cells, required: Sequence[str], name_of: Callable[[str], str], recordings: Collection[str]
) -> str:
    """Say which row seems to be a header in other words, or that there is none; empty where the first row is one.

    The header stands above the first row that names a recording.
    """

    def named(row: Sequence[str]) -> set[str]:
        return {name_of(cell) for cell in row} & set(required)

    if named(cells[0][1]):
        return ""
    known = {name.rpartition("/")[2].casefold() for name in recordings}
    for place, (number, row) in enumerate(cells[: HIGHEST_HEADER + 1]):
        own = [at for at, cell in enumerate(row) if ending_of(cell) in ENDINGS or (cell and cell.casefold() in known)]
        if not own:
            continue
        above, header = cells[place - 1] if place else (0, [])
        columns = [cell for cell in header if cell]
        if len(columns) < 2:
            told = f"row {number} names a recording ({shown(row[own[0]])}), and no header stands above it"
            return f"{told}; write one with the columns {', '.join(required)}"
        missing = [name for name in required if name not in named(header)]
        listed = ", ".join(columns[:MOST_NAMED]) + (", …" if len(columns) > MOST_NAMED else "")
        holds = "the one that holds" if len(missing) == 1 else "those that hold"
        file = header[own[0]] if own[0] < len(header) and "recording" in missing else ""
        hint = f" ({file} names the recordings)" if file else ""
        told = f"row {above} looks like the header ({listed}); it needs the columns {', '.join(required)}"
        return f"{told}: rename {holds} {', '.join(missing)}{hint}" if missing else ""
    return ""


def blank_missing(rows: pd.DataFrame, columns: Iterable[str]) -> list[str]:
    """Empty the cells, in place, that say in a word that there is nothing, with a note for each column.

    Of the column of recordings they stay, for `nights_alone` to name them.
    """
    notes = []
    for column in (name for name in columns if name in rows and name != "recording"):
        found = {row: cell for row, cell in rows[column].items() if _folded(str(cell)) in _NOTHING}
        if found:
            rows.loc[list(found), column] = ""
            notes.append(f"{column} ({list_rows(found)}): {shown(next(iter(found.values())))} counts as empty")
    return notes


def nights_alone(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Rows that are nights: without remarks and missed visits, each with a note."""
    if not {"subject", "condition", "recording"} <= set(rows):
        return rows, []
    notes, kept = [], []
    for number, row in zip(rows.index, rows.to_dict("records"), strict=True):
        word = _folded(str(row["recording"]))
        if word in (*_NOTHING, *_NO_VISIT) and row["subject"] and row["condition"]:
            kept.append(False)
            told = f"{row['subject']} {row['condition']} has {shown(row['recording'])} for a recording"
            notes.append(f"row {number}: {told}, a missed visit")
            continue
        kept.append(bool(row["recording"]) or (not row["subject"] and bool(row["condition"])))
        if row["recording"] or kept[-1]:
            continue
        if row["condition"]:
            notes.append(f"row {number}: {row['subject']} {row['condition']} has no recording, a missed visit")
        else:
            text = " ".join(str(cell) for cell in row.values() if cell)
            notes.append(f"row {number} names neither condition nor recording and is no night: {shown(text)}")
    return rows[kept], notes


def one_spelling(rows: pd.DataFrame, column: str) -> list[str]:
    """Write names that differ in case or spaces alone as most rows do, in place."""
    if column not in rows:
        return []
    alike: dict[str, Counter[str]] = {}
    for cell in rows[column]:
        alike.setdefault(_folded(cell), Counter())[cell] += 1
    usual = {key: names.most_common(1)[0][0] for key, names in alike.items()}
    notes = []
    for name in (name for key, names in alike.items() for name in names if name != usual[key]):
        where = rows.index[rows[column] == name]
        notes.append(f"{list_rows(where)}, {column}: {name!r} is read as {usual[_folded(name)]!r}")
    rows[column] = [usual[_folded(cell)] for cell in rows[column]]
    return notes


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def rewrite_numbers(
    rows: pd.DataFrame, columns: Iterable[str], *, decimal_comma: bool, checked: Collection[str]
) -> list[str]:
    """Write decimal commas as points, in place, and leave out what is no number among numbers.

    Of `checked` columns a cell that is no number is not left out: whoever checks them will say so.
    """
    notes = []
    for column in columns:
        cells = {number: str(cell) for number, cell in zip(rows.index, rows[column], strict=True) if cell}
        commas = {number: cell for number, cell in cells.items() if not decimal_comma and _COMMA.fullmatch(cell)}
        others = [cell for number, cell in cells.items() if number not in commas]
        certain = [cell for cell in commas.values() if not _THOUSANDS.fullmatch(cell)]
        is_number = [number_of(cell, decimal_comma=decimal_comma) is not None for cell in others]
        # A text among which one cell happens to be "1,5" is no column of numbers.
        if 2 * (sum(is_number) + len(commas)) <= len(cells) or not cells:
            continue
        if commas and not certain:
            place, cell = next(iter(commas.items()))
            told = f"{column} stays text: {shown(cell)} (row {place}) could be {cell.replace(',', '.')} or "
            notes.append(f"{told}{cell.replace(',', '')}; write it without the comma")
            continue
        if commas:
            cell = certain[0]
            notes.append(f"{column}: decimal commas ({list_rows(commas)}), {shown(cell)} is {cell.replace(',', '.')}")
            rows.loc[list(commas), column] = [cell.replace(",", ".") for cell in commas.values()]
        if column in checked:
            continue
        for number, cell in cells.items():
            if number not in commas and number_of(cell, decimal_comma=decimal_comma) is None:
                notes.append(f"row {number}, {column}: {shown(cell)} is no number and counts as missing")
                rows.loc[number, column] = ""
    return notes


def rewrite_times(rows: pd.DataFrame, expected: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Write times as ISO 8601, in place; returns what is wrong, and notes on other spellings than ISO's.

    `expected` has the columns, each with an example of what it may hold: with a date alone, or also without.
    """
    there = {column: example for column, example in expected.items() if column in rows}
    orders = {order for column in there for cell in rows[column] if (order := _order_shown(str(cell)))}
    problems, notes = [], []
    for column, example in there.items():
        read: dict[int, tuple[str, str]] = {}
        for number, cell in zip(rows.index, map(str, rows[column]), strict=True):
            written = _moment(cell) or ("" if "T" in example[:11] else _clock(cell))
            if not written and (date := _DATE.fullmatch(cell)):
                order = _order_shown(cell) or (next(iter(orders)) if len(orders) == 1 else "")
                written = _date(date, order)
                if not order and _date(date, "day"):
                    first, second = (_date(date, either) for either in ("day", "month"))
                    problems.append(f"row {number}, {column}: {shown(cell)} could be {first} or {second}; write it so")
                    continue
            if written:
                rows.loc[number, column] = written
                if not (_moment(cell) or re.fullmatch(r"\d+:[\d:]+", cell)):
                    read[number] = cell, written
            elif cell:
                problems.append(f"row {number}, {column}: {shown(cell)} is not a time; expected is one like {example}")
        if read:
            cell, written = next(iter(read.values()))
            notes.append(f"{column} ({list_rows(read)}): {shown(cell)} is read as {written}")
    return problems, notes


def _moment(cell: str) -> str:
    """Write date and time as ISO 8601; empty where it is not both, or bears a time zone, which recordings lack."""
    if not re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", cell):
        return ""
    try:
        moment = datetime.datetime.fromisoformat(cell)
    except ValueError:
        return ""
    return moment.isoformat() if moment.tzinfo is None else ""


def _clock(cell: str) -> str:
    if _SHARE_OF_DAY.fullmatch(cell):
        minutes = round(float(cell) * 24 * 60)
        return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}:00"
    match = _CLOCK.fullmatch(cell)
    digits = None if match else _DIGITS.fullmatch(cell)
    if match:
        hours, minute, second, half = match.groups()
    elif digits:
        hours, minute, second = digits[1] or digits[5], digits[2] or "00", ""
        half = digits[4] or digits[6]
    else:
        return ""
    hour, half = int(hours), (half or "").lower().replace(".", "")
    if half in ("am", "pm"):
        if not 1 <= hour <= 12:
            return ""
        hour = hour % 12 + 12 * (half == "pm")
    hour = 0 if (hour, minute, second or "00") == (24, "00", "00") else hour
    return f"{hour:02d}:{minute}:{second or '00'}" if hour < 24 else ""


def _order_shown(cell: str) -> str:
    """Whether a date can only have its day or its month first; empty where it can have both, or is none."""
    match = _DATE.fullmatch(cell)
    if match is None:
        return ""
    if match.group(2) == ".":
        return "day"
    first, second = int(match.group(1)), int(match.group(3))
    return "day" if first > 12 or first == second else "month" if second > 12 else ""


def _date(match: re.Match[str], order: str) -> str:
    """Date and time as ISO 8601 by an order of day and month; empty where there is no such day."""
    clock, day = _clock(match.group(5) or ""), _day(match, order)
    return f"{day}T{clock}" if clock and day else ""


def _day(match: re.Match[str], order: str) -> str:
    """The date as ISO 8601 by an order of day and month; empty where there is no such day."""
    first, second = int(match.group(1)), int(match.group(3))
    return _iso(match.group(4), *((second, first) if order == "day" else (first, second))) if order else ""


def _iso(year: str, month: int, day: int) -> str:
    try:
        return datetime.date(int(year) + (2000 if len(year) == 2 else 0), month, day).isoformat()
    except ValueError:
        return ""


def rewrite_dates(rows: pd.DataFrame, column: str) -> list[str]:
    """Write dates as ISO 8601, in place, without a time behind them; notes on other spellings and on what is none.

    A cell that is no date is left as it is, as one that could be two is: many sheets have a column of this name.
    """
    if column not in rows:
        return []
    cells = {number: str(cell) for number, cell in zip(rows.index, rows[column], strict=True) if cell}
    orders = {order for cell in cells.values() if (order := _order_shown(cell))}
    order = next(iter(orders)) if len(orders) == 1 else ""
    read = {number: _read_date(cell, order) for number, cell in cells.items()}
    for number, written in read.items():
        rows.loc[number, column] = written or cells[number]
    other = [number for number, written in read.items() if written and not cells[number].startswith(written)]
    unread = [number for number, written in read.items() if not written]
    notes = [f"{column} ({list_rows(other)}): {shown(cells[other[0]])} is read as {read[other[0]]}"] if other else []
    if unread:
        match = _DATE.fullmatch(cells[unread[0]])
        could = [day for either in ("day", "month") if (day := _day(match, either))] if match else []
        what = f"could be {' or '.join(could)}; write it so" if len(could) > 1 else "is no date that is read"
        notes.append(f"{column} ({list_rows(unread)}): {shown(cells[unread[0]])} {what}, until then it says nothing")
    return notes


def _read_date(cell: str, order: str) -> str:
    """A date as ISO 8601, by the order of day and month that other cells show; empty for none, and for two."""
    if match := _YEAR_FIRST.fullmatch(cell):
        return _iso(match.group(1), int(match.group(3)), int(match.group(4)))
    if match := _DATE.fullmatch(cell):
        if match.group(2) == "-" and len(match.group(4)) == 2:  # 24-03-01 begins with the year in one country
            return ""
        return _day(match, _order_shown(cell) or order)
    if match := _MONTH_NAMED.fullmatch(cell):
        day, name, year = match.group(1, 2, 3) if match.group(1) else match.group(5, 4, 6)
        begins = name.casefold()
        months = [at for at, names in enumerate(_MONTHS, start=1) if begins.startswith(tuple(names.split()))]
        return _iso(year, months[-1], int(day)) if months else ""
    without = _WEEKDAY.sub("", cell, count=1)
    return _read_date(without, order) if without != cell else ""


def list_rows(numbers: Iterable[object]) -> str:
    """Rows of a sheet by their numbers, recordings by their names."""
    listed = [str(number) for number in numbers]
    more = f" and {len(listed) - MOST_NAMED} more" if len(listed) > MOST_NAMED else ""
    rows = "" if not "".join(listed[:1]).isdigit() else "rows " if len(listed) > 1 else "row "
    return f"{rows}{', '.join(listed[:MOST_NAMED])}{more}"


def shown(text: str, most: int = LONGEST_SHOWN) -> str:
    """A cell in a sentence, a long one by its beginning."""
    return repr(text if len(text) <= most else text[: most - 2] + " …")
