"""What a file with a scoring holds, before any of it is a stage: its lines and cells, times and labels.

The forms in which labs store scorings are read into `Marks` by `scoring_formats`; `scoring` makes stages of them.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.errors import ScoringError
from swa.settings import ScoringSettings

# The date of a time of day whose day the file does not tell; earlier than any date that an EDF can have.
NO_DATE = pd.Timestamp("1970-01-02")
STAGE_COLUMNS = ("stage", "trial_type", "sleep_stage", "stages", "hypnogram", "hypno", "description", "yasa")
EVENT_COLUMNS = ("trial_type", "description", "event", "value", "annotation", "label")  # may hold other events as well
ONSET_COLUMNS = ("onset", "start", "start_time", "onset_s", "start_s")
DURATION_COLUMNS, END_COLUMNS = ("duration", "duration_s"), ("end", "stop", "end_time", "stop_time", "end_s")
TIME_COLUMNS = ("time", "start_time", "clock", "clock_time", "time_of_day")

# Dates whose order of day and month is that of a machine (01/03/2024, 01-03-24) are not read: the time of day tells.
CLOCK = re.compile(
    r"(?:(?P<date>\d{4}-\d\d-\d\d|\d{1,2}\.\d{1,2}\.\d{4}|\d{1,2}([/-])\d{1,2}\2\d{2,4})[T -]\s*)?"
    r"(?P<hour>\d{1,2})[:.](?P<minute>[0-5]\d)(?:[:.](?P<second>[0-5]\d)(?:[.,](?P<part>\d{1,9}))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
)
MOST_BYTES = 20_000_000  # that of a night has some 100 kB
_DAY_S = 86400.0


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
        """Ending of the name in lower case, with its dot."""
        return self.path.suffix.lower()

    @cached_property
    def head(self) -> bytes:
        """The first bytes."""
        with self.path.open("rb") as file:
            return file.read(256)

    @cached_property
    def content(self) -> bytes:
        """All bytes.

        Raises
        ------
        ScoringError
            There are too many for a scoring.
        """
        size = self.path.stat().st_size
        if size > MOST_BYTES:
            raise ScoringError(f"{self.name}: {size / 1e6:.0f} MB are too much for a scoring.", "Name the right file.")
        return self.path.read_bytes()

    @cached_property
    def lines(self) -> list[str]:
        """Stripped lines from the first to the last that holds anything."""
        if self.content.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = self.content.decode("utf-16", errors="replace")
        else:
            try:
                text = self.content.decode("utf-8-sig")
            except UnicodeDecodeError:
                text = self.content.decode("latin-1")
        lines = [line.strip(" \r\x00") for line in re.split(r"\r*\n|\r", text)]
        filled = [number for number, line in enumerate(lines) if line.strip()]
        return lines[filled[0] : filled[-1] + 1] if filled else []

    @cached_property
    def rows(self) -> list[list[str]]:
        """Cells of the lines that hold anything: at tabs, else semicolons (commas are then decimal), else commas."""
        lines = [line for line in self.lines if line.strip()]
        separator = next((mark for mark in ("\t", ";") if mark in lines[0]), ",") if lines else ","
        rows = [[cell.strip().strip('"').strip() for cell in line.split(separator)] for line in lines]
        return [[cell.replace(",", ".") for cell in row] for row in rows] if separator == ";" else rows

    @cached_property
    def header(self) -> list[str]:
        """Cells of the first row as column names, without a unit behind them: ``Duration [s]`` is ``duration``."""
        names = [re.sub(r"(?<=\w)\s*(?:\[[^\]]*\]|\([^)]*\))$", "", cell) for cell in self.rows[0]] if self.rows else []
        return [name.lower().strip("[]").replace(" ", "_") for name in names]

    def column(self, *names: str) -> int | None:
        """Position of the first of these names that the header has."""
        return next((self.header.index(name) for name in names if name in self.header), None)


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
    """

    onsets_s: NDArray[np.float64]
    ends_s: NDArray[np.float64]
    labels: Sequence[str]
    others: bool = False
    codes: Mapping[str, str] | None = None
    start: pd.Timestamp | None = None
    from_first: bool = False
    certain: bool = True


# --- cells


def read_times(document: Document, cells: Sequence[str]) -> tuple[NDArray[np.float64], pd.Timestamp | None]:
    """Times in s, with the clock time of 0 s where they are clock times: they go on over midnight.

    Raises
    ------
    ScoringError
        A cell is neither a number nor a clock time, or only some are clock times.
    """
    if all(is_number(cell) for cell in cells):
        return np.array([float(cell) for cell in cells], dtype=float), None
    matches = [CLOCK.fullmatch(cell.strip()) for cell in cells]
    wrong = next((cell for cell, match in zip(cells, matches, strict=True) if match is None), None)
    if wrong is not None:
        raise bad_row(document, "a time and a stage", ValueError(f"{wrong[:20]!r} is no time"))
    moments = [_clock_parts(match) for match in matches if match is not None]
    days, previous = 0.0, moments[0][1]
    first_date = moments[0][0]
    times = []
    for date, second in moments:
        if date is not None and first_date is not None:
            days = float((date - first_date).days)
        elif second < previous - _DAY_S / 2:
            days += 1
        previous = second
        times.append(days * _DAY_S + second)
    first_s = min(times)  # events may stand before stages that are earlier
    return np.array(times) - first_s, (first_date or NO_DATE) + pd.Timedelta(seconds=first_s)


def _clock_parts(match: re.Match[str]) -> tuple[pd.Timestamp | None, float]:
    hour = int(match["hour"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"].lower() == "p" else 0)
    seconds = 3600.0 * hour + 60 * int(match["minute"]) + int(match["second"] or 0) + float(f"0.{match['part'] or 0}")
    date = None
    if match["date"] and re.search(r"\d{4}-|\.", match["date"]):
        try:
            date = pd.to_datetime(match["date"], format="%d.%m.%Y" if "." in match["date"] else "%Y-%m-%d")
        except ValueError:
            date = None
    return date, seconds


def clock_start(text: str) -> pd.Timestamp | None:
    """Time of day, on the day `NO_DATE`; None where it is none."""
    match = CLOCK.fullmatch(text)
    if match is None or is_number(text):
        return None
    return NO_DATE + pd.Timedelta(seconds=_clock_parts(match)[1])


def is_number(text: str) -> bool:
    """Whether a cell is a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def parse_duration(text: str) -> float:
    """A duration in s; BIDS writes n/a where it is not known, as of a button press."""
    return 0.0 if text.lower() in ("n/a", "") else parse_seconds(text)


def parse_seconds(text: str) -> float:
    """A finite number of seconds, else ValueError."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]!r} is no time")
    return value


def bad_row(document: Document, expected: str, error: Exception) -> ScoringError:
    """Say that a row of a table could not be read."""
    return ScoringError(
        f"{document.name}: a row is not {expected} ({str(error)[:80]}).",
        "Times are s from the start of the recording, or clock times (23:15:30) throughout. Mend that row.",
    )


# --- labels

# Rechtschaffen & Kales' S3 and S4 are N3; movement time and everything unscored is no stage (AASM manual, 2007 on).
_WORDS = {
    "W": "w,wake,awake,wk,wach,0",
    "N1": "n1,s1,1,nrem1,nrem 1",
    "N2": "n2,s2,2,nrem2,nrem 2",
    "N3": "n3,n4,s3,s4,3,4,nrem3,nrem4,nrem 3,nrem 4",
    "R": "r,rem",
    "UNS": "?,uns,unscored,art,artifact,artefact,mt,m,movement,movement time,bewegung,u,l,unknown,undefined,nan,n/a,",
}
_PREFIXED = {word: stage for stage, words in _WORDS.items() for word in words.split(",") if word}
# Numbers are stages only behind a word that says so: `stage 2`, `sleep stage 2`, `2 sleep` no more than `2`.
STAGE_BY_WORD = (
    {word: stage for word, stage in _PREFIXED.items() if not word.isdigit()}
    | {
        f"{prefix} {word}": stage
        for prefix in ("stage", "sleep stage", "nrem stage")
        for word, stage in _PREFIXED.items()
    }
    | {f"sleep {word}": stage for word, stage in _PREFIXED.items() if len(word) > 1}
    | {f"stage {n} sleep": _PREFIXED[n] for n in "1234"}
    | {f"stage{n}": _PREFIXED[n] for n in "1234"}
    | {"rem sleep": "R", "": "UNS"}
)
_LIGHTS = re.compile(r"(?:lights?[ -]?(?:(?P<off>off|out)|on)|licht (?:(?P<aus>aus)|an))(?![a-z])")


@lru_cache(maxsize=2048)
def plain_word(label: str) -> str:
    """A label in lower case, with single spaces; a number in its shortest form."""
    if is_number(label):
        return f"{float(label):g}"
    return " ".join(re.sub(r"_|(?<=stage):", " ", label.lower()).split())


def is_stage_word(label: str) -> bool:
    """Whether a label is the name of a stage."""
    return plain_word(label) in STAGE_BY_WORD


@lru_cache(maxsize=2048)
def lights_of(label: str) -> str:
    """``off`` or ``on`` where a label marks lights off or on, else empty: `Lights off@@EEG F4-A1`, `LIGHTS-ON`."""
    match = _LIGHTS.match(plain_word(label))
    if match is None:
        return ""
    return "off" if match["off"] or match["aus"] else "on"


# Rechtschaffen & Kales' codes of Profusion; 6 is movement time, 9 unscored.
PROFUSION_LABELS = {"0": "W", "1": "S1", "2": "S2", "3": "S3", "4": "S4", "5": "REM", "6": "MT", "9": "?"}
_DREAMS = (
    '[scoring] codes = { "5" = "W", "4" = "R", "3" = "N1", "2" = "N2", "1" = "N3", "0" = "N3", "-1" = "UNS", '
    '"-2" = "UNS", "-3" = "UNS" } and epoch_s = 5'
)
_YASA_CODES = {"0": "W", "1": "N1", "2": "N2", "3": "N3", "4": "R", "-1": "UNS", "-2": "UNS"}
_PROFUSION_CODES = {code: STAGE_BY_WORD[label.lower()] for code, label in PROFUSION_LABELS.items()}


def to_stages(
    document: Document, labels: Sequence[str], defaults: Mapping[str, str] | None, settings: ScoringSettings
) -> list[str]:
    """Stage of each label; `defaults` are what number codes mean in the form where the settings do not say."""
    plain = [plain_word(label) for label in labels]
    numbers = [label for label in plain if is_number(label)]
    codes = settings.codes or _number_codes(document, plain, numbers, defaults)
    meanings = STAGE_BY_WORD | {plain_word(code): stage for code, stage in codes.items()}
    if unknown := [label for label in plain if label not in meanings]:
        raise unknown_stages(document.name, unknown)
    return [meanings[label] for label in plain]


def _number_codes(
    document: Document, plain: Sequence[str], numbers: Sequence[str], defaults: Mapping[str, str] | None
) -> Mapping[str, str]:
    """What number codes mean where the settings do not say, as far as the numbers themselves tell."""
    scored = [label for label in numbers if label not in ("-1", "-2", "6", "9")]
    if defaults is not None:
        # There 0 is unscored time, which stands at the ends of a night that begins awake (5); anywhere else it is the
        # wake of Rechtschaffen & Kales, whose other codes count the other way round.
        told = " ".join(scored).strip("0 ").split()
        if "0" in told or ("0" in scored and told[:1] != ["5"]):
            raise _ambiguous(document, set(scored))
        return defaults
    if {"w", "wake", "r", "rem"} & set(plain):
        return _PROFUSION_CODES  # words for wake and REM leave the numbers to the depth of sleep
    if {"0", "5"} <= set(scored):
        # Rechtschaffen & Kales from wake up (0 W ... 5 REM) or from deep sleep up (0 S4 ... 5 W)? Nights begin awake.
        if scored[0] != "0":
            raise _ambiguous(document, set(scored))
        return _PROFUSION_CODES
    return _YASA_CODES


def unknown_stages(name: str, labels: Sequence[str]) -> ScoringError:
    """Say that labels are no stages. What stands in a file once may be a person's name: it is not repeated."""
    counts = Counter(labels)
    shown = sorted(label for label, count in counts.items() if (count > 1 or len(label) <= 3) and len(label) <= 20)
    if not shown:
        found = f"{len(counts)} of its labels {'is' if len(counts) == 1 else 'are'} no stage"
    else:
        found = f"{', '.join(map(repr, shown[:5]))} {'is no stage' if len(shown) == 1 else 'are no stages'}"
    return ScoringError(
        f"{name}: {found} known here.",
        'Say what each code means in the settings: [scoring] codes = { "5" = "W", "4" = "R", ... }.',
    )


def _ambiguous(document: Document, numbers: set[str]) -> ScoringError:
    found = f"{document.name}: its stage codes ({', '.join(sorted(numbers))}) could mean several things."
    if document.header[0].startswith("hypnogram"):
        return ScoringError(found, f"If it is one of the DREAMS databases, set {_DREAMS}; else name each code there.")
    return ScoringError(
        found, 'Say what each code means in the settings: [scoring] codes = { "0" = "W", "5" = "R", ... }.'
    )
