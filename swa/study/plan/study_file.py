"""The study file: one row a night, read as text from a table or a workbook and checked as a whole.

Paths are not looked at here, only cells; `manifest` finds the recordings and reports all problems together.
"""

import csv
import datetime
import io
import math
import re
import unicodedata
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from swa.errors import StudyError
from swa.recordings.limits import MOST_SHEET_CELLS, MOST_STUDY_BYTES, MOST_STUDY_COLUMNS, MOST_STUDY_ROWS
from swa.study.plan.cell_words import NO, SEXES, YES
from swa.study.plan.columns import (
    RESERVED,
    find_not_counted,
    name_apart,
    name_in_english,
    nearest,
    read_other_names,
)
from swa.study.plan.layouts import read_own_table
from swa.study.plan.sheet import (
    DATE,
    HIGHEST_HEADER,
    blank_missing,
    fill_merged,
    find_header,
    nights_alone,
    number_of,
    one_spelling,
    rewrite_dates,
    rewrite_numbers,
    rewrite_times,
    shown,
    unknown_header,
)
from swa.tables.contrast import check_names
from swa.tables.schema import plain_name
from swa.tables.workbook import WorkbookError, merged_down, read_sheets

REQUIRED = ("subject", "condition", "recording")
DESIGN = ("order", "period", "phase", "arm", "group", "adaptation")
TIMES = ("lights_off", "lights_on", "wake_time")  # of the recording's night
MOMENTS = ("dose_start", "dose_end")  # may lie on another day than the night
KNOWN = (*REQUIRED, "session", "hypnogram", *DESIGN, DATE, *TIMES, *MOMENTS, "age", "sex", "exclude")
HIGHEST_AGE = 130.0
SUFFIXES = (".tsv", ".csv", ".xlsx", ".xlsm", ".xls", ".ods")

_KEPT_AS_TEXT = (
    "subject", "session", "condition", "recording", "hypnogram", "phase", "arm", "group", "sex", "exclude", DATE
)  # fmt: skip
_TEXT = (*_KEPT_AS_TEXT, *RESERVED, *TIMES, *MOMENTS, "adaptation")
_MISSING = ("", "n/a", "na", "nan", "#n/a")
_A_CLOCK, _A_MOMENT = "23:15 or 2024-03-01T23:15", "2024-03-01T09:30"


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyTable:
    """The rows of a study file as text, and everything that is wrong with them.

    Attributes
    ----------
    path : Path
        The file.
    rows : DataFrame
        Text cells, empty where missing; the index is the row number in the file (the header is row 1).
    decimal_comma : bool
        Whether ``0,85`` is a number in this file.
    problems : tuple of str
        One sentence for each wrong row or column.
    notes : tuple of str
        What may be meant otherwise, without being wrong.
    read_as : str
        Which columns have names of another language and what they are read as; empty where none has.
    """

    path: Path
    rows: pd.DataFrame
    decimal_comma: bool
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    read_as: str = ""


def find_study_file(folder: Path) -> tuple[Path | None, tuple[str, ...]]:
    """Find `study.tsv`, `.csv` or a workbook of that name; the first of `SUFFIXES` is used, with a note on others."""
    names = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_file()}
    found = [names[f"study{suffix}"] for suffix in SUFFIXES if f"study{suffix}" in names]
    if not found:
        return None, ()
    return found[0], tuple(f"{found[0].name} is used, {other.name} is not" for other in found[1:])


def read_study_file(path: Path, recordings: Sequence[str] = ()) -> StudyTable:
    """Read a study file, or the table of nights of a public data set, and check its columns and cells.

    Parameters
    ----------
    path : Path
        The file.
    recordings : sequence of str
        Names of recordings, among which a public data set's own table of nights finds those that it means.

    Raises
    ------
    StudyError
        The file cannot be read as a table at all.
    """
    sheets: list[str] = []
    cells, decimal_comma = _read_cells(path, sheets)
    if not cells:
        raise StudyError(f"{path.name}: the file is empty.", f"Expected are the columns {', '.join(REQUIRED)}.")
    own = read_own_table(cells, recordings)
    table, notes = (own[0], [own[1]]) if own else find_header(cells, REQUIRED, _meant)
    notes = [*sheets, *notes]
    if not own and (wrong := unknown_header(table, REQUIRED, _meant, recordings)):
        rows = pd.DataFrame(index=pd.Index([], name="row"))
        return StudyTable(path=path, rows=rows, decimal_comma=decimal_comma, problems=(wrong,), notes=())
    rows, problems, read_as = _arrange(table, _COMMAS if path.suffix.lower() == ".csv" else "")
    blanked = blank_missing(rows, (DATE, "hypnogram", *TIMES, *MOMENTS, "order", "period", "age", "sex"))
    rows, left_out = nights_alone(rows)
    notes += [*[read_as][: bool(read_as)], *left_out, *blanked]
    if not len(rows) and not problems:
        raise StudyError(f"{path.name}: no row names a recording.", "Write one row for each night.")
    notes += [note for column in ("condition", "arm", "group") for note in one_spelling(rows, column)]
    others = [str(name) for name in rows if name not in _TEXT]
    numbers = [name for name in others if not any(re.match(r"0\d", cell) for cell in rows[name])]
    notes += rewrite_numbers(rows, numbers, decimal_comma=decimal_comma, checked=("order", "age"))
    problems += check_cells(rows, decimal_comma=decimal_comma, notes=notes)
    return StudyTable(
        path=path,
        rows=rows,
        decimal_comma=decimal_comma,
        problems=tuple(problems),
        notes=tuple(notes),
        read_as=read_as,
    )


def convert_columns(rows: pd.DataFrame, *, decimal_comma: bool) -> pd.DataFrame:
    """Turn columns whose every cell is a number into numbers, `adaptation` into true and false, and `sex` into F and M.

    Subjects, conditions and codes with leading zeros (``007``) stay text. A missing number is NaN, a missing text is
    empty.
    """
    converted = rows.copy()
    for column in rows.columns:
        cells = [str(cell) for cell in rows[column]]
        if column == "adaptation":
            converted[column] = [cell.casefold() in YES for cell in cells]
        elif column == "sex":
            converted[column] = [SEXES.get(cell.casefold(), "") for cell in cells]
        elif column == "phase":
            converted[column] = [cell.lower() for cell in cells]
        elif column not in (*_KEPT_AS_TEXT, *RESERVED) and not any(re.match(r"0\d", cell) for cell in cells):
            numbers = [number_of(cell, decimal_comma=decimal_comma) for cell in cells]
            if any(cells) and all(number is not None or not cell for number, cell in zip(numbers, cells, strict=True)):
                values = [math.nan if number is None else number for number in numbers]
                whole = all(value.is_integer() for value in values)
                converted[column] = [int(value) for value in values] if whole else values
    return converted


def _read_cells(path: Path, notes: list[str]) -> tuple[list[tuple[int, list[str]]], bool]:
    """Read all rows that hold anything, with their row numbers; takes a note on sheets that are not read."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise StudyError(f"{path.name}: a study file is {', '.join(SUFFIXES)}.", "Save it as one of these.")
    try:
        with path.open("rb") as file:
            content = file.read(MOST_STUDY_BYTES + 1)
    except FileNotFoundError:
        raise StudyError(f"{path}: there is no such study file.", "Check the path after --study.") from None
    except OSError as error:
        reason = error.strerror or "not readable"
        raise StudyError(f"{path.name}: {reason}.", "Close it in other programs and check its permissions.") from None
    if len(content) > MOST_STUDY_BYTES:
        raise StudyError(
            f"{path.name}: more than {MOST_STUDY_BYTES / 1e6:.0f} MB are too much for a study file.", _SMALL
        )
    if suffix in (".xlsx", ".xlsm"):
        return _read_sheet(path.name, content, notes), False
    if suffix in (".xls", ".ods"):
        return _read_other_sheet(path.name, content, notes), False
    try:
        return _read_text(path.name, content, suffix)
    except csv.Error as error:
        raise StudyError(f"{path.name}: not readable as a table ({error}).", "Save it again as .tsv or .csv.") from None


_SMALL = "Name the right file: one row for each night."


def _check_size(name: str, n_rows: int, n_columns: int) -> None:
    """Refuse a table that is larger than any study: to go through it would take minutes."""
    if n_rows > MOST_STUDY_ROWS or n_columns > MOST_STUDY_COLUMNS:
        raise StudyError(
            f"{name}: its cells reach beyond row {MOST_STUDY_ROWS:,} or column {MOST_STUDY_COLUMNS}; a study file has "
            "one row for each night.",
            "Delete the rows and columns outside the table, also those that look empty, or name the right file.",
        )


def _read_text(name: str, content: bytes, suffix: str) -> tuple[list[tuple[int, list[str]]], bool]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")  # what Excel writes as plain "CSV" in the west
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return [], False
    _check_size(name, len(lines), lines[0].count("\t") + lines[0].count(",") + lines[0].count(";"))
    separator = re.fullmatch(r"sep=(.)", lines[0].strip('"'))  # a line that tells Excel the delimiter
    if separator:
        delimiter = separator.group(1)
    else:
        delimiters = ["\t", ";", ","] if suffix == ".tsv" else [",", ";", "\t"]
        delimiter = max(delimiters, key=lambda mark: len(next(csv.reader([lines[0]], delimiter=mark), [])))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = [(number, [_tidy_cell(cell) for cell in row]) for number, row in enumerate(reader, start=1)]
    return [row for row in rows if any(row[1])][1 if separator else 0 :], delimiter == ";"


def _read_sheet(name: str, content: bytes, notes: list[str]) -> list[tuple[int, list[str]]]:
    try:
        import openpyxl  # type: ignore[import-untyped, unused-ignore]  # an optional package
    except ImportError:
        raise StudyError(
            f"{name}: reading .xlsx needs the package openpyxl, which is not installed.",
            "Install it (`python -m pip install openpyxl`), or save the table as .csv.",
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and validations that it leaves out
            _check_packed(name, content)
            workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)

            def cells_of(title: str, most: int | None = None) -> list[tuple[int, list[str]]]:
                rows = []
                for number, row in enumerate(workbook[title].iter_rows(max_row=most), start=1):
                    _check_size(name, number, len(row))
                    rows.append((number, [_sheet_cell(cell.value, str(cell.number_format)) for cell in row]))
                return rows

            titles = [str(sheet.title) for sheet in workbook.worksheets]
            chosen = _choose_sheet(name, titles, lambda title: cells_of(title, HIGHEST_HEADER), notes)
            rows = cells_of(chosen)
            notes += fill_merged(rows, merged_down(content, workbook[chosen]._worksheet_path))
    except StudyError:
        raise
    except Exception:  # openpyxl ends in whatever error a damaged, locked or strangely packed part leads it to
        raise StudyError(
            f"{name}: not readable as an Excel workbook: damaged, locked with a password, or saved in another form.",
            "Save it again as .xlsx without a password, or as .csv.",
        ) from None
    return [row for row in rows if any(row[1])]


def _check_packed(name: str, content: bytes) -> None:
    """Refuse a workbook that would unpack to far more than any study."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = sum(part.file_size for part in archive.infolist())
    if size > 10 * MOST_STUDY_BYTES:
        raise StudyError(f"{name}: {size / 1e6:.0f} MB unpacked are too much for a study file.", _SMALL)


def _read_other_sheet(name: str, content: bytes, notes: list[str]) -> list[tuple[int, list[str]]]:
    """The first sheet of an older workbook of Excel, or of one of LibreOffice."""
    try:
        if name.lower().endswith(".ods"):
            _check_packed(name, content)
        sheets = read_sheets(content, MOST_SHEET_CELLS)

        def cells_of(title: str, most: int | None = None) -> list[tuple[int, list[str]]]:
            body = sheets[title].to_numpy()[:most]
            return [(number, [_sheet_cell(cell, "") for cell in row]) for number, row in enumerate(body, start=1)]

        chosen = _choose_sheet(name, list(sheets), lambda title: cells_of(title, HIGHEST_HEADER), notes)
    except StudyError:
        raise
    except ImportError:
        ending = name.rpartition(".")[2]
        raise StudyError(
            f"{name}: reading .{ending} needs the package python-calamine, which is not installed.",
            "Install it (`python -m pip install python-calamine`), or save the table as .xlsx or .csv.",
        ) from None
    except Exception as error:  # its reader raises errors of its own, which pandas does not name
        if isinstance(error, WorkbookError) and error.is_large:
            _check_size(name, MOST_STUDY_ROWS + 1, 0)
        raise StudyError(f"{name}: not readable as a workbook.", "Save it again as .xlsx or .csv.") from None
    _check_size(name, *sheets[chosen].shape)
    return [row for row in cells_of(chosen) if any(row[1])]


def _choose_sheet(
    name: str, titles: Sequence[str], head_of: Callable[[str], list[tuple[int, list[str]]]], notes: list[str]
) -> str:
    """The one sheet of a workbook with the columns of a study file, or the first where none has them.

    Raises
    ------
    StudyError
        Several have them.
    """
    if len(titles) == 1:
        return titles[0]
    found = [
        title for title in titles if any(set(REQUIRED) <= {_meant(cell) for cell in row} for _, row in head_of(title))
    ]
    if len(found) > 1:
        raise StudyError(
            f"{name}: the sheets {' and '.join(map(shown, found))} all have the columns {', '.join(REQUIRED)}.",
            "Keep the study in one of them, or save the one that is meant as a file of its own.",
        )
    chosen = found[0] if found else titles[0]
    others = ", ".join(shown(title) for title in titles if title != chosen)
    notes.append(f"{name}: the sheet {shown(chosen)} is read, {others} not")
    return chosen


def _sheet_cell(value: object, number_format: str) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, int | float) and float(value).is_integer():
        digits = str(int(value))
        return digits.zfill(len(number_format)) if re.fullmatch("0+", number_format) else digits  # shown as 007
    return _tidy_cell(str(value))


def _tidy_cell(cell: str) -> str:
    cell = unicodedata.normalize("NFC", cell.strip().removeprefix("\ufeff"))
    if re.match(r"'[=+\-@]", cell):  # the guard against formulas that our own templates carry
        cell = cell[1:]
    return "" if cell.lower() in _MISSING else cell


_COMMAS = " (a comma within a cell, or a decimal comma, parts it in two: put that cell in quotes, or save as .tsv)"


def _arrange(cells: Sequence[tuple[int, list[str]]], commas: str) -> tuple[pd.DataFrame, list[str], str]:
    """Make columns of the cells; says which are missing, doubled or nameless, and which it read by meaning.

    `commas` is what may have made a nameless cell.
    """
    header = [_column_name(cell) for cell in cells[0][1]]
    width = max(len(row) for _, row in cells)
    header += [""] * (width - len(header))
    body = {number: row + [""] * (width - len(row)) for number, row in cells[1:]}
    cells_of = [[row[index] for row in body.values()] for index in range(width)]
    read_as = read_other_names(header, cells_of)
    problems = [] if "exclude" in header else find_not_counted(header, cells_of, list(body))
    columns: dict[str, list[str]] = {}
    for index, given in enumerate(header):
        column = cells_of[index]
        name = name_apart(given, KNOWN)
        if not name:
            filled = [number for number, row in body.items() if row[index]]
            if filled:
                problems.append(f"row {filled[0]}: column {index + 1} has a cell but no name in the header{commas}")
        elif name in columns:
            problems.append(f"column {name!r} is there twice")
        else:
            columns[name] = column
    others = [name for name in columns if name not in KNOWN]
    problems += [f"column {name!r} is missing{nearest(name, others)}" for name in REQUIRED if name not in columns]
    return pd.DataFrame(columns, index=pd.Index(list(body), name="row"), dtype=object), problems, read_as


def _column_name(cell: str) -> str:
    known = plain_name(cell)
    return known if known in KNOWN else cell.strip()


def _meant(cell: str) -> str:
    return name_in_english(_column_name(cell))


def check_cells(rows: pd.DataFrame, *, decimal_comma: bool, notes: list[str]) -> list[str]:
    """Find wrong cells among those that have a meaning; times are rewritten as ISO 8601 in place.

    The index is the row number that a sentence names; `notes` takes those on times in other spellings.
    """

    def check_number(cell: str, highest: float) -> str:
        number = number_of(cell, decimal_comma=decimal_comma)
        right = not cell or (number is not None and 0 <= number <= highest)
        return "" if right else f"{shown(cell)} is not a number that can be right"

    checks: dict[str, Callable[[str], str]] = {
        **dict.fromkeys(REQUIRED, _check_filled),
        "phase": _check_phase,
        "adaptation": _check_truth,
        "sex": _check_sex,
        "order": lambda cell: check_number(cell, math.inf),
        "age": lambda cell: check_number(cell, HIGHEST_AGE),
    }
    problems = []
    for column, check in checks.items():
        for row, cell in _cells(rows, column):
            if what := check(cell):
                problems.append(f"row {row}, {column}: {what}")
    wrong, more = rewrite_times(rows, dict.fromkeys(TIMES, _A_CLOCK) | dict.fromkeys(MOMENTS, _A_MOMENT))
    problems += wrong
    notes += [*more, *rewrite_dates(rows, DATE)]
    for (row, start), (_, end) in zip(_cells(rows, "dose_start"), _cells(rows, "dose_end"), strict=False):
        if start and end and end < start:
            problems.append(f"row {row}, dose_end: {end} is before dose_start {start}")
    subjects, conditions = (
        [(f"row {row}", cell) for row, cell in _cells(rows, column)] for column in ("subject", "condition")
    )
    return problems + check_names(subjects, conditions)


def _cells(rows: pd.DataFrame, column: str) -> list[tuple[int, str]]:
    """Row number and text of each cell; nothing where the column is absent."""
    return [(int(row), str(cell)) for row, cell in zip(rows.index, rows[column], strict=True)] if column in rows else []


def _check_filled(cell: str) -> str:
    return "" if cell else "empty"


def _check_phase(cell: str) -> str:
    return "" if cell.lower() in ("", "pre", "post") else f"{shown(cell)} is neither 'pre' nor 'post'"


def _check_truth(cell: str) -> str:
    right = cell.casefold() in YES | NO
    return "" if right else f"{shown(cell)} is neither true nor false: write yes, or leave it empty"


def _check_sex(cell: str) -> str:
    """Staging by YASA knows two; a cell for another would be taken for one of them."""
    right = cell.casefold() in ("", *SEXES)
    return "" if right else f"{shown(cell)} is neither F nor M; leave the cell empty for any other"
