"""What a file with a scoring holds, before any of it is a stage: its lines and cells, its columns and times.

The forms in which labs store scorings are read into `Marks`; `swa.sleep.scoring` makes stages of them.
"""

import datetime
import io
import math
import os
import re
import unicodedata
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.errors import AmbiguousScoringError, ScoringError
from swa.recordings.edf.packed import DAMAGE, open_plain, read_head
from swa.recordings.limits import (
    MOST_SCORING_BYTES,
    MOST_SCORING_CELLS,
    MOST_SCORING_LINES,
    MOST_SHEET_CELLS,
    MOST_XML_BYTES,
)
from swa.sleep.formats.cells import CLOCK, DATE, PREAMBLE, cut_rows, head_length, is_number
from swa.tables.workbook import WorkbookError, read_sheets

# The date of a time of day whose day the file does not tell; earlier than any date that an EDF can have.
NO_DATE = pd.Timestamp("1970-01-02")
STAGE_COLUMNS = (
    "stage", "trial_type", "sleep_stage", "stages", "hypnogram", "hypno", "description", "yasa", "stage_hum", "staging",
    "sleep_stages", "stage_name", "stage_label", "stage_n", "scoring", "majority", "consensus", "stadium",
    "schlafstadium", "schlafstadien", "stadien", "schlafphase", "hypnogramm", "stade", "stades", "stade_de_sommeil",
    "hypnogramme", "stadio", "fase", "fase_de_sueno", "etapa", "estadio", "hipnograma", "estagio", "slaapstadium",
)  # fmt: skip
EVENT_COLUMNS = ("trial_type", "description", "event", "value", "annotation", "label", "name")  # other events as well
ONSET_COLUMNS = (
    "onset", "start", "start_time", "begin", "recording_onset", "onset_time", "begin_time", "from", "from_time",
    "time_from", "beginn", "anfang", "von", "zeit_von", "von_zeit", "startzeit", "debut", "heure_debut",
    "heure_de_debut", "de", "du", "inicio", "desde", "inizio", "da", "van",
)  # fmt: skip
DURATION_COLUMNS = ("duration", "dur", "length", "dauer", "duree", "duracion", "duracao", "durata", "duur")
END_COLUMNS = (
    "end", "stop", "end_time", "stop_time", "offset_time", "to", "until", "to_time", "time_to", "ende", "bis",
    "zeit_bis", "bis_zeit", "endzeit", "fin", "heure_fin", "heure_de_fin", "a", "au", "jusqu'a", "hasta", "fine", "tot",
)  # fmt: skip
TIME_COLUMNS = ("time", "start_time", "clock", "clock_time", "time_of_day", "times", "timestamp", "datetime",
                "date_time", "zeit", "uhrzeit", "zeitpunkt", "heure", "hora", "ora", "tijd")  # fmt: skip
DATE_COLUMNS = ("date", "datum", "fecha", "data", "day", "tag")
EPOCH_COLUMNS = (
    "epoch", "epochs", "epoch_number", "epoch_nr", "epoch_no", "epoch_index", "epoch_id", "epoch_num", "nr", "no",
    "number", "index", "epoche", "epochen_nr", "epoque", "epoca", "epoka", "",
)  # fmt: skip

_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")
_TEXTS = (".csv", ".tsv", ".txt", ".eannot", ".annot", ".ids", ".hyp", ".sta", ".stg", ".slp", *_WORKBOOKS)
_BOMS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16
_DOCUMENTS = (b"%PDF", b"{\\rtf")
_PACKED = (b"PK\x03\x04", b"\xd0\xcf")  # workbooks, and other documents
_DAY_S = 86400.0
_NIGHT_DAYS = 2  # between the dates of a night
_SUNDAY = 6  # on which clocks are changed everywhere
_FEWEST_ROWS = 20
_LONGEST_EPOCH_S = 60.0
_UNITS = {
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "sek": 1.0, "sekunden": 1.0, "secondes": 1.0,
    "segundos": 1.0, "secondi": 1.0, "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0, "minuten": 60.0,
    "minutos": 60.0, "minuti": 60.0, "h": 3600.0, "hr": 3600.0, "hours": 3600.0, "stunden": 3600.0, "heures": 3600.0,
    "horas": 3600.0, "ms": 0.001, "msec": 0.001,
}  # fmt: skip
_TITLES = {*STAGE_COLUMNS, *ONSET_COLUMNS, *TIME_COLUMNS, *(name for name in EPOCH_COLUMNS if "epo" in name)}
_UNIT = re.compile(r"(?<=\w)\s*[\[(]([^\])]*)[\])]$")


# Lines above the stages that say of which night they are, and how long an epoch is; others name other dates.
_MARK = r"[\s\"]*[:=,;\t][\s\":=,;]*"
_HEAD_DATE = re.compile(
    r"[#%*\s\"]*(?:(?:(?:recording|study|acquisition|test|session|psg|sleep|night|start)[ _-]*)?(?:start[ _-]*)?date"
    r"|date of (?:the )?(?:recording|study|night|test)|(?:recording|study)?[ _-]*start(?:[ _-]*time)?"
    r"|datum|(?:aufnahme|aufzeichnungs|mess|untersuchungs|start)datum|datum der (?:aufnahme|aufzeichnung|messung)"
    r"|date (?:de l'|d')?enregistrement|data (?:di registrazione|do exame)?"
    r"|fecha(?: de(?: la)? (?:grabaci[oó]n|registro|prueba))?)"
    rf"{_MARK}(?P<day>{DATE})(?:[T ]\s*[\d:.,]+(?:\s*[AaPp]\.?[Mm]\.?)?)?[\s\",;]*",
    re.IGNORECASE,
)
_HEAD_EPOCH = re.compile(
    r"[#%*\s\"]*(?:(?:scoring[ _-]*)?epoch[ _-]*(?:length|duration|size|len|dur|s)|epochen(?:länge|dauer|laenge)"
    r"|dur[ée]e d(?:e l)?'[ée]poque|duraci[oó]n de (?:la )?[ée]poca|durata (?:dell')?epoca)"
    rf"(?:[ _]*[\[(]?(?P<named>s|sec|seconds|sek)[\])]?)?{_MARK}(?P<value>\d+(?:[.,]\d+)?)"
    r"\s*(?P<unit>ms|s|secs?|seconds?|sek|sekunden|min)?\.?[\s\",;]*",
    re.IGNORECASE,
)


class UnreadFormError(ScoringError):
    """A file in a form that is not read: it may hold a scoring."""


class EmptyScoringError(ScoringError):
    """A scoring in which nothing is scored."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A file as it lies on the disk."""

    path: Path

    @property
    def name(self) -> str:
        """Name of the file, for messages."""
        return self.path.name

    @property
    def suffix(self) -> str:
        """Ending of the name in lower case, with its dot, without that of gzip."""
        return Path(self.name.lower().removesuffix(".gz")).suffix

    @property
    def is_workbook(self) -> bool:
        """Whether a file is a workbook of Excel or LibreOffice, and no text that is called so."""
        return self.suffix in _WORKBOOKS and self.head.startswith(_PACKED)

    @property
    def is_unread(self) -> bool:
        """Whether what is no recording, array or workbook is no text either: a document, or bytes of a program."""
        if self.is_workbook or self.head.startswith((*_BOMS, b"<\0", b"\0<")):
            return False
        return self.head.startswith((*_DOCUMENTS, *_PACKED)) or b"\0" in self.head

    @property
    def places(self) -> list[Path]:
        """Where the file lies: as named, and where a link to it leads, as those of blinded runs do."""
        return list(dict.fromkeys([self.path, Path(os.path.realpath(self.path))]))

    @cached_property
    def head(self) -> bytes:
        """The first bytes, of what is packed in it where it is packed."""
        return read_head(self.path, 256)

    @cached_property
    def content(self) -> bytes:
        """All bytes.

        Raises
        ------
        ScoringError
            There are too many for a scoring, or they are packed and cannot be unpacked.
        """
        most = MOST_XML_BYTES if self.head.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<") else MOST_SCORING_BYTES
        try:
            with open_plain(self.path) as file:
                found = file.read(most + 1)
        except DAMAGE:
            raise ScoringError(f"{self.name}: cannot be unpacked with gzip.", "Export or pack it again.") from None
        if len(found) > most:
            raise self.too_much(f"{self.path.stat().st_size / 1e6:.0f} MB")
        if found.count(b"<") > MOST_SCORING_CELLS:
            raise self.too_much(f"{found.count(b'<')} elements")
        return found

    def too_much(self, what: str) -> ScoringError:
        """Say that a file holds more than a scoring does."""
        return ScoringError(f"{self.name}: {what} are too much for a scoring.", "Name the right file.")

    @cached_property
    def _numbered(self) -> tuple[int, list[str]]:
        """Number of the first line that holds anything, and the lines from there to the last that does."""
        if self.is_workbook:
            text = _text_of_workbook(self)
        elif self.content.startswith(_BOMS):
            text = self.content.decode("utf-16", errors="replace")
        else:
            text = read_any_text(self.content, "utf-8-sig")
        lines = [line.strip(" \r\x00") for line in re.split(r"\r*\n|\r", text)]
        if len(lines) > MOST_SCORING_LINES:
            raise self.too_much(f"{len(lines)} lines")
        filled = [number for number, line in enumerate(lines) if line.strip()]
        return (filled[0] + 1, lines[filled[0] : filled[-1] + 1]) if filled else (1, [])

    @property
    def lines(self) -> list[str]:
        """Stripped lines from the first to the last that holds anything."""
        return self._numbered[1]

    def lines_with(self, cells: Collection[str]) -> dict[str, int]:
        """Number of the first line that holds each of these cells; nothing where the file is no text."""
        if self.suffix not in _TEXTS:
            return {}
        found: dict[str, int] = {}
        for line, row in zip(self.table.lines, self.table.rows, strict=True):
            for cell in row:
                if cell in cells:
                    found.setdefault(cell, line)
        return found

    @property
    def first_number(self) -> int:
        """Number of the first of the lines in the file."""
        return self._numbered[0]

    def lines_from(self, number: int) -> list[str]:
        """Stripped lines from that of this number on."""
        return self.lines[number - self.first_number :]

    @property
    def _first_lines(self) -> list[str]:
        return self.lines[:PREAMBLE] if self.suffix in _TEXTS else []

    @property
    def head_days(self) -> tuple[pd.Timestamp, ...]:
        """Days that the lines above the stages name as that of the recording."""
        found = [match for line in self._first_lines if (match := _HEAD_DATE.fullmatch(line))]
        return tuple(dict.fromkeys(day for match in found for day in days_of(match["day"])))

    @property
    def head_epoch_s(self) -> float | None:
        """Length of an epoch in s by the lines above the stages; None where they say nothing, or two lengths."""
        found = [match for line in self._first_lines if (match := _HEAD_EPOCH.fullmatch(line))]
        lengths = {
            float(match["value"].replace(",", ".")) * _UNITS.get((match["unit"] or "s").lower(), 1.0) for match in found
        }
        return lengths.pop() if len(lengths) == 1 else None

    @property
    def _filled(self) -> list[tuple[int, str]]:
        """The lines that hold anything, with their numbers."""
        first, lines = self._numbered
        return [(number, line) for number, line in enumerate(lines, start=first) if line.strip()]

    @cached_property
    def cells(self) -> list[list[str]]:
        """The lines that hold anything, cut at tabs, else semicolons, else commas, else spaces."""
        lines = [line for _, line in self._filled]
        n_marks = max((sum(line.count(mark) for line in lines) for mark in "\t;, "), default=0)
        if n_marks > MOST_SCORING_CELLS:
            raise self.too_much(f"{n_marks} cells")
        return cut_rows(lines)

    @cached_property
    def table(self) -> "Table":
        """The cells with the names of their columns."""
        rows, numbers = self.cells, [number for number, _ in self._filled]
        is_list = sum(len(row) > 1 for row in rows) <= len(rows) // 2
        known = [_known_names(row) if is_list or len(row) > 1 else 0 for row in rows[:PREAMBLE]]
        title = known.index(max(known)) if any(known) else None
        first = head_length(rows) if title is None else title
        body = first if title is None else first + 1
        return Table(rows[first] if rows else [], rows[body:], numbers[body:], title is not None)


class Table(NamedTuple):
    """Cells of a file.

    Attributes
    ----------
    titles : list of str
        Cells of the row with the names of the columns; those of the first row where there is none.
    rows : list of list of str
        The rows below the titles; all rows where there is none.
    lines : list of int
        Number of each row's line in the file.
    titled : bool
        Whether there is a row with known names of columns.
    """

    titles: list[str]
    rows: list[list[str]]
    lines: list[int]
    titled: bool

    @property
    def names(self) -> list[str]:
        """Names of the columns without a unit behind them: ``Duration [s]``, ``duration_sec`` are ``duration``."""
        return [column_name(title) for title in self.titles]

    def column(self, *names: str) -> int | None:
        """Position of the first of these names that the header has."""
        there = self.names
        return next((there.index(name) for name in names if name in there), None)

    def cells(self, column: int) -> list[str]:
        """Cells of a column, empty where a row is too short."""
        return [row[column] if column < len(row) else "" for row in self.rows]

    def moments(self, column: int) -> list[str]:
        """Cells of a column of times, behind the date where that stands in a column of its own."""
        date = self.column(*DATE_COLUMNS) if self.titled else None
        cells = self.cells(column)
        if date is None or date == column:
            return cells
        days = [re.sub(r"[T ]0?0:00(?::00(?:\.0+)?)?$", "", cell) for cell in self.cells(date)]
        joined = [f"{day} {cell}" for day, cell in zip(days, cells, strict=True)]
        return joined if all(CLOCK.fullmatch(cell) for cell in joined) else cells

    def seconds_per_unit(self, column: int) -> float:
        """Seconds that a 1 in this column means; NaN where its title states a unit that is none of time."""
        title = self.titles[column].strip().lower()
        bracket = _UNIT.search(title)
        if bracket:
            unit = bracket[1].strip()
            return 1.0 if re.fullmatch(r"[hms:.,]*", unit) and unit not in _UNITS else _UNITS.get(unit, math.nan)
        return (
            _UNITS.get(re.sub(r"[\s-]+", "_", title).rpartition("_")[2], 1.0) if "_" in title or " " in title else 1.0
        )


def column_name(title: str) -> str:
    """Name of a column in lower case with underscores, without a unit."""
    text = unicodedata.normalize("NFKD", _UNIT.sub("", title.strip().lstrip("#%").strip()).lower().strip("[]"))
    name = "".join(letter for letter in text if not unicodedata.combining(letter))
    name = re.sub(r"[\s-]+", "_", name)
    stem, _, unit = name.rpartition("_")
    return stem if stem and unit in _UNITS else name


def read_any_text(raw: bytes, encoding: str = "utf-8") -> str:
    """Text in UTF-8, else in latin-1, which labs' exports have instead."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _text_of_workbook(document: Document) -> str:
    """The sheet of a workbook that names a column of stages, else the first that holds anything, as lines with tabs.

    Raises
    ------
    ScoringError
        It cannot be opened, or several sheets name such a column.
    """
    try:
        if document.suffix != ".xls":
            with zipfile.ZipFile(io.BytesIO(document.content)) as archive:
                size = sum(part.file_size for part in archive.infolist())
            if size > 10 * MOST_SCORING_BYTES:
                raise document.too_much(f"{size / 1e6:.0f} MB unpacked")
        found = read_sheets(document.content, MOST_SHEET_CELLS)
    except ScoringError:
        raise
    except Exception as error:  # its reader raises errors of its own, which pandas does not name
        if isinstance(error, WorkbookError) and error.is_large:
            raise document.too_much(f"more than {MOST_SHEET_CELLS} cells of a sheet") from None
        raise ScoringError(
            f"{document.name}: not readable as a workbook.", "Save the sheet of stages as .csv."
        ) from None
    sheets = {name: [[_cell_text(cell) for cell in row] for row in sheet.to_numpy()] for name, sheet in found.items()}
    staged = [
        name
        for name, rows in sheets.items()
        if any(_known_names(row) and {*map(column_name, row)} & {*STAGE_COLUMNS} for row in rows[:PREAMBLE])
    ]
    if len(staged) > 1:
        raise AmbiguousScoringError(
            f"{document.name}: several of its sheets hold stages: {', '.join(staged)}."[:300],
            "Save one of them as .csv.",
        )
    rows = sheets[staged[0]] if staged else next((rows for rows in sheets.values() if rows), [])
    return "\n".join("\t".join(row) for row in rows)


def _cell_text(value: object) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, datetime.datetime):
        return f"{pd.Timestamp(value).round('s'):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, datetime.time):  # a part of a day, of which a second is no round one
        return f"{(NO_DATE + pd.Timedelta(str(value))).round('s'):%H:%M:%S}"
    if isinstance(value, datetime.timedelta):
        return f"{(NO_DATE + value).round('s'):%H:%M:%S}"
    return f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())


def _known_names(row: Sequence[str]) -> int:
    """How many names of columns a row holds: one for stages, or a place in time and something beside it."""
    if any(is_number(cell) or CLOCK.fullmatch(cell) or re.fullmatch(DATE, cell) for cell in row if cell):
        return 0
    names = {column_name(cell) for cell in row if cell}
    return len(names & ({*STAGE_COLUMNS} if len(row) == 1 else _TITLES))


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What a file says: stretches of time, and what was written for each.

    Attributes
    ----------
    onsets_s, ends_s : ndarray
        In s; from the first sample of the recording, or from `start` where that is known.
    labels : sequence of str
        As written.
    others : bool
        Whether there are labels of other events among them, to be left alone; else an unknown label is an error.
    codes : mapping or None
        What number codes mean in this form, where the settings do not say; None where they have to tell themselves.
    start : Timestamp or None
        Clock time of 0 s; on the day `NO_DATE` where only the time of day is known.
    from_first : bool
        Whether 0 s is the first row, which may be an event, and not the start of the recording or of the file.
    certain : bool
        False where the file could be a table of something else: bare numbers without a word for stages.
    assumed : bool
        Whether `codes` are those of a layout that other tables share, so that they have to make a night.
    lines : sequence of int
        Line of each label, where no two may have the same place in time: rows of a table.
    columns : sequence of str
        Names of the columns that were found, for messages.
    changed_at : str
        As of `Times`.
    by_clock : bool
        Whether the rows themselves have clock times, so that the first sample of the recording is none of theirs.
    until_next : bool
        Whether the stages have no durations, and last until the next one.
    days : sequence of Timestamp
        Days on which the recording may begin by the file, whose rows have times of day alone.
    notes : sequence of str
        What is to be told of the reading.
    counted : bool
        Whether the rows say nothing of their time but their order or number.
    in_s : bool
        Whether the times are numbers of a table that are taken for s, where its titles may lack another unit.
    apart : bool
        Whether the rows seem single events with the stage beside each, or sums of each stage: no night.
    start_within_s : float
        How much later than `start` 0 s can be, where clocks are to the minute.
    """

    onsets_s: NDArray[np.float64]
    ends_s: NDArray[np.float64]
    labels: Sequence[str]
    others: bool = False
    codes: Mapping[str, str] | None = None
    start: pd.Timestamp | None = None
    from_first: bool = False
    certain: bool = True
    assumed: bool = False
    lines: Sequence[int] = ()
    columns: Sequence[str] = ()
    changed_at: str = ""
    by_clock: bool = False
    until_next: bool = False
    days: Sequence[pd.Timestamp] = ()
    notes: Sequence[str] = ()
    counted: bool = False
    in_s: bool = False
    apart: bool = False
    start_within_s: float = 0.0


# --- cells


class Times(NamedTuple):
    """Times of rows.

    Attributes
    ----------
    seconds : ndarray
        In s.
    start : Timestamp or None
        Clock time of 0 s, where they are clock times.
    changed_at : str
        Time of day at which the clock was changed in that night, after which it is left as it was before.
    days : tuple of Timestamp
        What the one date of all rows can mean, where day and month could stand first (01/02/2024); `start` has none.
    """

    seconds: NDArray[np.float64]
    start: pd.Timestamp | None = None
    changed_at: str = ""
    days: tuple[pd.Timestamp, ...] = ()


def read_times(document: Document, cells: Sequence[str], lines: Sequence[int] = ()) -> Times:
    """Times in s, with the clock time of 0 s where they are clock times: they go on over midnight.

    The message names that of the `lines` in which a cell is no time.

    Raises
    ------
    ScoringError
        A cell is neither a number nor a clock time, or only some are clock times.
    """
    if all(is_number(cell) for cell in cells):
        return Times(np.array([float(cell) for cell in cells], dtype=float))
    matches = [CLOCK.fullmatch(cell.strip()) for cell in cells]
    wrong = next((i for i, match in enumerate(matches) if match is None), None)
    if wrong is not None:
        where = f" in line {lines[wrong]}" if lines else ""
        raise bad_row(document, "a time and a stage", ValueError(f"{cells[wrong][:20]!r}{where} is no time"))
    dates = {match["date"]: None for match in matches if match is not None and match["date"]}
    order = _order_of(list(dates))
    moments = [_clock_parts(match, order) for match in matches if match is not None]
    first_date = moments[0][0]
    times, changed_at = _over_midnight(moments)
    first_s = min(times)  # rows may stand in any order, and events before stages that are earlier
    start = (first_date or NO_DATE) + pd.Timedelta(seconds=first_s)
    days = days_of(next(iter(dates))) if len(dates) == 1 and first_date is None else ()
    return Times(np.array(times) - first_s, start, changed_at, days)


def _over_midnight(moments: Sequence[tuple[pd.Timestamp | None, float]]) -> tuple[list[float], str]:
    """Seconds from the midnight before the first moment: by the dates, else from row to row, else in one night.

    The night in which the clock is changed goes on without the jump; the time of the jump stands behind the seconds.
    """
    first_date, previous = moments[0]
    falls = sum(later < earlier - _DAY_S / 2 for (_, earlier), (_, later) in pairwise(moments))
    # Some write the evening's date beside the whole night.
    of_evening = first_date is not None and falls == 1 and len({date for date, _ in moments}) == 1
    days, times = 0.0, []
    for date, second in moments:
        if date is not None and first_date is not None and not of_evening:
            days = float((date - first_date).days)
        elif second < previous - _DAY_S / 2:
            days += 1
        previous = second
        times.append(days * _DAY_S + second)
    if (change := _clock_change(times, first_date)) is not None:
        later, jump_s = change
        told = f"{int(times[later - 1] % _DAY_S + 60) // 3600}:00"
        return [second - jump_s * (i >= later) for i, second in enumerate(times)], told
    backwards_s = max((earlier - later for earlier, later in pairwise(times)), default=0.0)
    if first_date is not None or backwards_s <= (0 if days else 3600):
        return times, ""
    # Rows in no order: their night begins behind the longest stretch of the day in which there are none.
    seconds = sorted({second for _, second in moments})
    pauses = [later - earlier for earlier, later in pairwise([*seconds, seconds[0] + _DAY_S])]
    begin = seconds[(pauses.index(max(pauses)) + 1) % len(seconds)]
    return [second if second >= begin else second + _DAY_S for _, second in moments], ""


def _clock_change(times_s: Sequence[float], first_date: pd.Timestamp | None) -> tuple[int, float] | None:
    """The first row behind a change between winter and summer time, and by how many s the clock was moved.

    Rows of epochs go on without a pause and once jump by an hour, from a whole hour between 1 and 4 o'clock of a Sunday
    to the hour before or after it. A night that was interrupted for just that hour is not known.
    """
    steps = np.diff(times_s)
    # Other events than stages stand between the rows of epochs, often at the time of one.
    epoch_s = float(np.median(steps[steps > 0])) if len(steps) >= _FEWEST_ROWS and np.any(steps > 0) else math.inf
    jumps = np.flatnonzero((steps < 0) | (steps > 3600 - _LONGEST_EPOCH_S))
    if epoch_s > _LONGEST_EPOCH_S or len(jumps) != 1:
        return None
    later = int(jumps[0]) + 1
    before_s, after_s = times_s[later - 1], times_s[later]
    hour_s = 3600.0 * math.ceil((before_s + 1) / 3600)  # the whole hour that comes next
    jump_s = 3600.0 if after_s > before_s else -3600.0
    day = None if first_date is None else first_date + pd.Timedelta(days=hour_s // _DAY_S)
    fits = hour_s - epoch_s <= before_s and hour_s + jump_s <= after_s < hour_s + jump_s + epoch_s
    at_night = hour_s % _DAY_S in (3600.0, 7200.0, 10800.0, 14400.0) and (day is None or day.day_of_week == _SUNDAY)
    return (later, jump_s) if fits and at_night else None


def _clock_parts(match: re.Match[str], order: str = "") -> tuple[pd.Timestamp | None, float]:
    hour = int(match["hour"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"].lower() == "p" else 0)
    seconds = 3600.0 * hour + 60 * int(match["minute"]) + int(match["second"] or 0) + float(f"0.{match['part'] or 0}")
    return (_date(match["date"], order) if match["date"] else None), seconds


def _order_of(dates: Sequence[str]) -> str:
    """Which of day and month stands first in dates with strokes (01/03/2024), where only one of them makes a night."""
    if not dates:
        return ""
    read = {order: [_date(date, order) for date in dates] for order in ("%d/%m", "%m/%d")}
    fit = [
        order
        for order, days in read.items()
        if all(day is not None for day in days) and (max(days) - min(days)).days <= _NIGHT_DAYS  # type: ignore[type-var, operator]
    ]
    return fit[0] if len(fit) == 1 else ""


@lru_cache(maxsize=256)
def _date(text: str, order: str = "") -> pd.Timestamp | None:
    """A date, None where the order of day and month is that of an unknown machine; a table has one in every row."""
    parts = re.split(r"[-/. ]", text)
    if parts[1].isalpha():
        form = "%d %b %Y"
    elif len(parts[0]) == 4:
        form = "%Y %m %d"
    elif "." in text or order:
        form = f"{order or '%d/%m'} %y".replace("/", " ")
        form = form if len(parts[2]) == 2 else form.replace("y", "Y")
    else:
        return None
    try:
        return pd.to_datetime(" ".join(parts), format=form)
    except ValueError:
        return None


def days_of(text: str) -> tuple[pd.Timestamp, ...]:
    """Days that a date can mean: with strokes, the day or the month may stand first."""
    if re.fullmatch(DATE, text) is None:
        return ()
    read = [_date(text)] if "." in text else [_date(text, order) for order in ("%d/%m", "%m/%d")]
    return tuple(dict.fromkeys(day for day in read if day is not None))


def clock_start(text: str) -> pd.Timestamp | None:
    """Time of day, on the day `NO_DATE`; None where it is none."""
    match = CLOCK.fullmatch(text)
    if match is None or is_number(text):
        return None
    return NO_DATE + pd.Timedelta(seconds=_clock_parts(match)[1])


def parse_duration(text: str) -> float:
    """A duration in s; BIDS writes n/a where it is not known, as of a button press."""
    return 0.0 if text.lower() in ("n/a", "") else parse_seconds(text)


def parse_seconds(text: str) -> float:
    """A finite number of seconds, else ValueError."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]!r} is no time")
    return value


def times_in(document: Document, column: int) -> Times:
    """Times of a column of the table in s, whatever unit its title states, and the clock time of 0 s.

    Raises
    ------
    ScoringError
        A cell is no time, or the title states a unit that is none of time.
    """
    times = read_times(document, document.table.moments(column), document.table.lines)
    if times.start is not None:
        return times
    return times._replace(seconds=times.seconds * seconds_per_unit(document, column))


def seconds_per_unit(document: Document, column: int) -> float:
    """Seconds that a 1 in a column means.

    Raises
    ------
    ScoringError
        Its title states a unit that is none of time.
    """
    factor = document.table.seconds_per_unit(column) if document.table.titled else 1.0
    if math.isnan(factor):
        raise ScoringError(
            f"{document.name}: the column {document.table.titles[column][:30]!r} is in a unit that is none of time.",
            "Write it in s, min or ms, or as clock times.",
        )
    return factor


def choose_scorer(
    document: Document,
    names: Sequence[str],
    wanted: str,
    error: type[AmbiguousScoringError] = AmbiguousScoringError,
) -> int:
    """Position of the scorer or column that is to be read: the only one, or the one that the settings name.

    Raises
    ------
    AmbiguousScoringError
        There are several, and the settings name none of them.
    """
    there = [name.casefold() for name in names]
    if len(there) == 1 or wanted.casefold() in there:
        return there.index(wanted.casefold()) if wanted.casefold() in there else 0
    raise error(
        f"{document.name}: several hold stages, and they differ: {', '.join(names)}."[:300],
        f'Say which in the settings: [scoring] column = "{names[0]}".',
    )


def luna_label(name: str, instance: str) -> str:
    """The class, or the instance where the class only says that this is a stage or an annotation of an EDF+."""
    return instance if re.sub(r"[\s_]", "", name.lower()) in ("sleepstage", "edfannot") else name


def bad_row(document: Document, expected: str, error: Exception) -> ScoringError:
    """Say that a row of a table could not be read."""
    return ScoringError(
        f"{document.name}: a row is not {expected} ({str(error)[:80]}).",
        "Times are s from the start of the recording, or clock times (23:15:30) throughout. Mend that row.",
    )
