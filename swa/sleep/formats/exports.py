"""Text exports of sleep software: DOMINO (SOMNOscreen), RemLogic (Embla), Luna's ``.annot``, visbrain, Elan.

The layouts are those of DOMINO's ASCII export (Snooz' and wonambi's importers), RemLogic's event export (the CAP Sleep
Database; wonambi's importer), luna-doc ("Interval annotations"), and visbrain's documentation ("Hypnogram").
"""

import math
import re

import numpy as np
import pandas as pd

from swa.errors import ScoringError
from swa.settings import ScoringSettings
from swa.sleep.formats.cells import CLOCK, is_number
from swa.sleep.formats.codes import RK_CODES, is_stage_word, known_words
from swa.sleep.formats.document import (
    NO_DATE,
    Document,
    Marks,
    bad_row,
    days_of,
    luna_label,
    parse_seconds,
    read_times,
)
from swa.sleep.formats.places import lost_row
from swa.sleep.formats.tables import epoch_step

REMLOGIC_LABELS = {"S0": "W", "S1": "S1", "S2": "S2", "S3": "S3", "S4": "S4", "REM": "REM", "MT": "MT", "UNSCORED": "?"}

_MOST_KEYS = 20
_SIGNAL_TYPE = (  # in the languages of the software
    "signal type",
    "signaltyp",
    "signalart",
    "type de signal",
    "tipo de senal",
    "tipo de señal",
    "tipo di segnale",
)
_DOMINO_START = re.compile(r"(\d{1,2}\.\d{1,2}\.\d{4}) ")
_DOMINO_RATE = re.compile(r"(\d+(?:[.,]\d+)?)\s*(ms|s|sec|sek)\.?")
_DOMINO_ROW = re.compile(r"(?:\d{1,2}\.\d{1,2}\.\d{4} )?\d\d:\d\d:\d\d[.,]\d{1,3};")
_DOMINO_CELLS = re.compile(r"\d\d:\d\d:\d\d(?:[.,]\d{1,3})?\t")  # of a workbook


# --- DOMINO of SOMNOscreen


def is_domino(document: Document) -> bool:
    """Whether a file is DOMINO's ASCII export: lines `Key: value` in any language, then `23:57:00,000; N2`."""
    return _begins_domino(document) is not None


def _begins_domino(document: Document) -> int | None:
    """Number of lines before the first row; None where there is no such row, or nothing but such lines before it."""
    head = document.lines[:_MOST_KEYS]
    first = next((n for n, line in enumerate(head) if _is_domino_row(document, line)), None)
    if document.is_workbook:
        return first if _signal_type(document) else None
    if first is None:
        return len(head) if _signal_type(document) else None
    return first if first and all(":" in line for line in head[:first] if line) else None


def _domino_header(document: Document) -> dict[str, str]:
    lines = [line for line in document.lines[:_MOST_KEYS] if not _is_domino_row(document, line)]
    if document.is_workbook:  # the key in a cell of its own, or both in one
        lines = [line.replace("\t", ": ", 1) if ":" not in line.partition("\t")[0] else line for line in lines]
    pairs = [line.split(":", 1) for line in lines if ":" in line]
    return {key.strip().lower(): value.strip().lower() for key, value in pairs}


def _is_domino_row(document: Document, line: str) -> bool:
    """Whether a line is the row of an epoch; in a workbook the stage stands in the next cell."""
    return (_DOMINO_CELLS if document.is_workbook else _DOMINO_ROW).match(line) is not None


def _signal_type(document: Document) -> str:
    """What an export says it holds: a sleep profile is discrete; empty where it says nothing."""
    header = _domino_header(document)
    return next((header[key] for key in _SIGNAL_TYPE if key in header), "")


def is_other_domino(document: Document) -> bool:
    """Whether a file is an export of DOMINO that holds events or a signal, perhaps with the stage beside each."""
    kind = _signal_type(document)
    return bool(kind) and not kind.startswith(("disc", "disk"))


def read_domino(document: Document, settings: ScoringSettings) -> Marks:
    """One row an epoch of the length that `Rate` states; A and Artifact are unscored."""
    rows = [line for line in document.lines if _is_domino_row(document, line)]
    below = document.lines.index(rows[0]) if rows else len(document.lines)
    for number, line in enumerate(document.lines[below:], start=document.first_number + below):
        if line.strip() and not _is_domino_row(document, line):
            raise lost_row(document, number, [line], "time of day")
    header = _domino_header(document)
    cells = [row.split("\t" if document.is_workbook else ";", 1) for row in rows]
    artefacts = {"a": "?", "artifact": "?", "artefact": "?", "artefakt": "?"}
    labels = [artefacts.get(cell[1].strip().lower(), cell[1].strip()) for cell in cells]
    words = known_words(settings.codes)
    if is_other_domino(document) or not any(is_stage_word(label, words) and label for label in labels):
        raise ScoringError(
            f"{document.name}: a DOMINO export, but no sleep profile (its signal type is "
            f"{_signal_type(document)[:20]!r}).",
            "Name the file `Sleep profile.txt` or `Schlafprofil.txt` of the export.",
        )
    onsets, start, changed_at, _ = read_times(document, [cell[0] for cell in cells])
    # The order of day and month of the header's date depends on the machine, except where dots stand between them.
    dated = next((found for value in header.values() if (found := _DOMINO_START.match(value))), None)
    if dated and start is not None and " " not in cells[0][0]:
        start = pd.to_datetime(dated[1], format="%d.%m.%Y") + (start - NO_DATE)
    rate = next((found for value in header.values() if (found := _DOMINO_RATE.fullmatch(value))), None)
    epoch_s = epoch_step(onsets) or settings.epoch_s
    if rate:
        epoch_s = parse_seconds(rate[1].replace(",", ".")) / (1000 if rate[2] == "ms" else 1)
    return Marks(
        onsets_s=onsets, ends_s=onsets + epoch_s, labels=labels, start=start, by_clock=True, changed_at=changed_at
    )


# --- RemLogic of Embla


def is_remlogic(document: Document) -> bool:
    """Whether a file is RemLogic's event export: a table with `[hh:mm:ss]`, the event and its duration in `[s]`."""
    return _remlogic_header(document) is not None


def _remlogic_header(document: Document) -> int | None:
    for number, line in enumerate(document.lines[:200]):
        if "[hh:mm:ss]" in line.lower() and "\t" in line and re.search(r"\[s\]", line):
            return number
    return None


_REMLOGIC_DATE = re.compile(
    r"(?:recording date|aufnahmedatum|aufzeichnungsdatum|date d'enregistrement|data di registrazione"
    r"|fecha de (?:grabaci[oó]n|registro)):\s*(\S+)",
    re.IGNORECASE,
)


def read_remlogic(document: Document, settings: ScoringSettings) -> Marks:
    """Events whose name begins with ``SLEEP-`` (and ``MT``) are stages, at their clock time."""
    first = _remlogic_header(document) or 0
    header = [cell.strip().lower() for cell in re.split(r"\t+", document.lines[first])]
    time = next(i for i, name in enumerate(header) if "[hh:mm:ss]" in name)
    duration = next(i for i, name in enumerate(header) if "[s]" in name)
    event = next((i for i, name in enumerate(header) if name.startswith(("event", "evénement"))), time + 1)
    rows = [[cell.strip() for cell in re.split(r"\t+", line)] for line in document.lines[first + 1 :] if line.strip()]
    rows = [row for row in rows if len(row) > max(time, duration, event)]
    labels = []
    for row in rows:
        name = row[event].upper()
        labels.append(REMLOGIC_LABELS.get(name.removeprefix("SLEEP-"), row[event]) if _is_stage_event(name) else name)
    onsets, start, changed_at, days = read_times(document, [row[time] for row in rows])
    try:
        durations = np.array([parse_seconds(row[duration].replace(",", ".") or "0") for row in rows])
    except ValueError as error:
        raise bad_row(document, "time, event and duration", error) from None
    dated = next((found for line in document.lines[:first] if (found := _REMLOGIC_DATE.match(line))), None)
    return Marks(
        onsets_s=onsets, ends_s=onsets + durations, labels=labels, others=True, start=start, from_first=True,
        by_clock=start is not None, changed_at=changed_at, days=days_of(dated[1]) if dated else days,
    )  # fmt: skip


def _is_stage_event(name: str) -> bool:
    return name.startswith("SLEEP-") or name == "MT"


# --- Luna


def is_annot(document: Document) -> bool:
    """Whether a file is Luna's ``.annot``: class, start and stop, with or without instance, channel and meta."""
    if document.suffix == ".annot":
        return True
    lines = [line for line in document.lines[:100] if line.strip() and not line.startswith("#")]
    return bool(lines) and re.split(r"\s+", lines[0])[:2] in (["class", "instance"], ["class", "start"])


def read_annot(document: Document, settings: ScoringSettings) -> Marks:
    """Starts in s, ``0+hh:mm:ss``, clock time or ``e:epoch``; stops in the same, as ``+duration``, or ``...``."""
    rows = []
    for line in document.lines:
        cells = [cell.strip() for cell in (line.split("\t") if "\t" in line else line.split())]
        if not line.strip() or line.startswith("#") or cells[0] == "class":
            continue
        if len(cells) not in (3, 4, 6):
            raise bad_row(document, "class, start and stop", ValueError(f"{len(cells)} columns"))
        place = {3: (1, 2), 4: (2, 3), 6: (3, 4)}[len(cells)]
        instance = cells[1] if len(cells) > 3 else ""
        rows.append((luna_label(cells[0], instance), cells[place[0]], cells[place[1]]))
    try:
        spans = [_luna_span(start, stop) for _, start, stop in rows]
    except ValueError as error:
        raise bad_row(document, "class, start and stop", error) from None
    clocks = [isinstance(span[0], str) for span in spans]
    if any(clocks) and not all(clocks):
        raise ScoringError(
            f"{document.name}: some of its times are clock times, others s from the start of the recording.",
            "Write all of them in one way (Luna: WRITE-ANNOTS).",
        )
    start, changed_at = None, ""
    if all(clocks) and spans:
        onsets, start, changed_at, _ = read_times(document, [str(span[0]) for span in spans])
        ends = [_luna_clock_end(document, span, float(onset)) for span, onset in zip(spans, onsets, strict=True)]
    else:
        onsets = np.array([float(span[0]) for span in spans])
        ends = [math.nan if span[1] is None else float(span[1]) for span in spans]
    # An ellipsis lasts until the next row.
    following = np.append(onsets[1:], onsets[-1:] + settings.epoch_s)
    ends_s = np.where(np.isnan(ends), following, ends) if len(spans) else np.empty(0)
    return Marks(
        onsets_s=onsets, ends_s=ends_s, labels=[row[0] for row in rows], others=True, start=start,
        from_first=start is not None, by_clock=start is not None, changed_at=changed_at,
    )  # fmt: skip


def _luna_span(start: str, stop: str) -> tuple[float | str, float | str | None]:
    """Start and stop in s, or as text where they are clock times; the stop of a clock time may be a duration in s."""
    onset: float | str
    end: float | str | None
    if start.startswith("e:"):
        number, length_s, step_s = _luna_epoch(start)
        last = _luna_epoch(stop)[0] if stop.startswith("e:") else number
        return (number - 1) * step_s, (last - 1) * step_s + length_s
    onset = _elapsed(start)
    if stop == "...":
        end = None
    elif stop.startswith("+"):
        length_s = parse_seconds(stop[1:])
        end = length_s if isinstance(onset, str) else onset + length_s
    else:
        end = onset if stop == "." else _elapsed(stop)
    return onset, end


def _luna_epoch(text: str) -> tuple[float, float, float]:
    parts = [parse_seconds(part) for part in text.split(":")[1:]]
    length_s = parts[1] if len(parts) > 1 else 30.0
    return parts[0], length_s, parts[2] if len(parts) > 2 else length_s


def _elapsed(text: str) -> float | str:
    """Elapsed time in s, or a clock time as it is."""
    if text.startswith("0+"):
        hours, minutes, seconds = text[2:].split(":")
        return 3600 * parse_seconds(hours) + 60 * parse_seconds(minutes) + parse_seconds(seconds)
    return text if CLOCK.fullmatch(text) and not is_number(text) else parse_seconds(text)


def _luna_clock_end(document: Document, span: tuple[float | str, float | str | None], onset_s: float) -> float:
    start, stop = span
    if stop is None:
        return math.nan
    if isinstance(stop, str):
        return onset_s + float(read_times(document, [str(start), stop]).seconds[1])
    return onset_s + stop


# --- visbrain and Elan


def is_visbrain(document: Document) -> bool:
    """Whether a file is visbrain's: lines ``*Duration_sec`` and ``*Datafile``, then a stage and the second it ends."""
    return bool(document.lines) and document.lines[0].casefold().startswith("*duration_sec")


def read_visbrain(document: Document, settings: ScoringSettings) -> Marks:
    """Each stage lasts from the end of the one before it."""
    numbers, rows = [], []
    for number, line in enumerate(document.lines, 1):
        if line.strip() and not line.startswith("*"):
            numbers.append(number)
            rows.append(line.split())
    try:
        ends = np.array([float(end) for _, end in rows])
    except ValueError as error:
        raise bad_row(document, "a stage and the second at which it ends", error) from None
    return Marks(onsets_s=np.append(0.0, ends[:-1]), ends_s=ends, labels=[row[0] for row in rows], lines=numbers)


def is_elan(document: Document) -> bool:
    """Whether a file is Elan's ``.hyp``, which visbrain writes too: four lines of header, then a code each step."""
    return bool(document.lines) and document.lines[0].casefold().startswith("time_base")


def read_elan(document: Document, settings: ScoringSettings) -> Marks:
    """Codes of Rechtschaffen & Kales, one each `time_base` seconds; equal ones are one stretch."""
    lines = [line.strip().casefold() for line in document.lines]
    try:
        step_s = float(lines[0].removeprefix("time_base"))
        codes = [line for line in lines[lines.index("epoch_list") + 1 :] if line]
    except ValueError as error:
        raise bad_row(document, "time_base, sampling_period, epoch_nb, epoch_list and one code a line", error) from None
    if not codes or not (math.isfinite(step_s) and step_s > 0):
        raise ScoringError(
            f"{document.name}: found time_base {step_s:g} and {len(codes)} codes; expected is one code a step.",
            "Export the scoring again.",
        )
    begins = [i for i, code in enumerate(codes) if i == 0 or code != codes[i - 1]]
    onsets = step_s * np.array(begins)
    ends = np.append(onsets[1:], step_s * len(codes))
    return Marks(onsets_s=onsets, ends_s=ends, labels=[codes[i] for i in begins], codes=RK_CODES)
