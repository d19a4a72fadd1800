"""The forms in which labs store a scoring, each read into `Marks`: stretches of time and what was written for them.

What a label means, and where it lies on a grid of epochs, is decided once for all forms, in `scoring`. The layouts are
those of: Profusion and the annotation XML of the National Sleep Research Resource (its files and its EDF Editor and
Translator); Luna (luna-doc, "Interval annotations"); RemLogic event exports (the CAP Sleep Database; wonambi's
importer); DOMINO's ASCII export (Snooz' and wonambi's importers); Compumedics' text export (wonambi's importer);
`yasa.Hypnogram`; BIDS events; pyDYNAM-O's stage changes; the DREAMS databases.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.errors import ScoringError
from swa.settings import ScoringSettings
from swa.sleep.scoring_marks import (
    CLOCK,
    DURATION_COLUMNS,
    END_COLUMNS,
    EVENT_COLUMNS,
    ONSET_COLUMNS,
    PROFUSION_LABELS,
    STAGE_COLUMNS,
    TIME_COLUMNS,
    Document,
    Marks,
    bad_row,
    clock_start,
    is_number,
    is_stage_word,
    parse_duration,
    parse_seconds,
    read_times,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# Stage-change tables with the columns Time and Stage (as pyDYNAM-O writes them) count depth upwards from N3.
CHANGE_POINT_CODES = {"5": "W", "4": "R", "3": "N1", "2": "N2", "1": "N3", "0": "UNS", "6": "UNS"}
REMLOGIC_LABELS = {"S0": "W", "S1": "S1", "S2": "S2", "S3": "S3", "S4": "S4", "REM": "REM", "MT": "MT", "UNSCORED": "?"}

LONGEST_EPOCH_S = 300.0

_DOMINO_ROW = re.compile(r"(?:\d{1,2}\.\d{1,2}\.\d{4} )?\d\d:\d\d:\d\d[.,]\d{1,3};")


# --- XML


def is_xml(document: Document) -> bool:
    """Whether a file begins as XML does."""
    return document.head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") or document.suffix == ".xml"


def read_xml(document: Document, settings: ScoringSettings) -> Marks:
    """Profusion (CMPStudyConfig: one code an epoch), NSRR (PSGAnnotation: events) or Luna (Annotations: instances)."""
    root = _parse_xml(document)
    stages = root.find("SleepStages")
    if stages is not None:
        length = root.findtext("EpochLength") or "30"
        epoch_s = float(length) if is_number(length) else 0.0
        labels = [PROFUSION_LABELS.get((stage.text or "").strip(), (stage.text or "").strip()) for stage in stages]
        return _one_after_the_other(document, labels, epoch_s)
    if root.find("ScoredEvents") is not None and root.tag != "CMPStudyConfig":
        return _from_nsrr(document, root)
    if root.find("Instances") is not None:
        events = list(root.iter("Instance"))
        labels = [_luna_label(event.findtext("Class") or "", event.findtext("Name") or "") for event in events]
        return _from_xml_events(document, events, labels, None)
    raise ScoringError(
        f"{document.name}: an XML file without sleep stages (its root is {root.tag[:40]!r}).",
        "Known are those of Profusion (SleepStages), of the NSRR (ScoredEvents of the type Stages) and of Luna.",
    )


def _parse_xml(document: Document) -> "Element":
    import defusedxml.ElementTree  # type: ignore[import-untyped, unused-ignore]
    from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped, unused-ignore]

    try:
        root: Element = defusedxml.ElementTree.fromstring(document.content)
    except DefusedXmlException:
        raise ScoringError(
            f"{document.name}: this XML defines entities of its own, which no scoring needs and attacks use.",
            "It was not read; export the scoring again.",
        ) from None
    except (ValueError, LookupError, SyntaxError) as error:  # damaged, or in an encoding that nobody knows
        raise ScoringError(
            f"{document.name}: not readable as XML ({type(error).__name__}).", "Export the scoring again."
        ) from None
    return root


def _from_nsrr(document: Document, root: "Element") -> Marks:
    events = list(root.iter("ScoredEvent"))
    labels = []
    start = None
    for event in events:
        concept = (event.findtext("EventConcept") or "").strip()
        is_stage = (event.findtext("EventType") or "").lower().startswith("stages")
        # "Stage 2 sleep|2": the number after the bar is Profusion's code.
        code = concept.rpartition("|")[2].strip()
        labels.append(PROFUSION_LABELS.get(code, concept) if is_stage else concept)
        if concept.lower() == "recording start time":
            clock = (event.findtext("ClockTime") or "").split()
            start = clock_start(clock[-1]) if clock else None
    return _from_xml_events(document, events, labels, start)


def _from_xml_events(
    document: Document, events: Sequence["Element"], labels: Sequence[str], start: pd.Timestamp | None
) -> Marks:
    try:
        onsets = np.array([parse_seconds(event.findtext("Start") or "") for event in events])
        durations = np.array([parse_seconds(event.findtext("Duration") or "0") for event in events])
    except ValueError as error:
        raise ScoringError(
            f"{document.name}: an event has no start in s ({error}).", "Export the scoring again."
        ) from None
    return Marks(onsets_s=onsets, ends_s=onsets + durations, labels=labels, others=True, start=start)


# --- DOMINO (SOMNOscreen)


def is_domino(document: Document) -> bool:
    """Whether a file is DOMINO's ASCII export: `Key: value` lines, then `23:57:00,000; N2`."""
    return any(line.lower().startswith("signal type:") for line in document.lines[:12])


def read_domino(document: Document, settings: ScoringSettings) -> Marks:
    """One row an epoch of the length that `Rate` states; A and Artifact are unscored."""
    rows = [line for line in document.lines if _DOMINO_ROW.match(line)]
    header = dict(
        line.lower().split(":", 1) for line in document.lines[:12] if ":" in line and not _DOMINO_ROW.match(line)
    )
    if "discret" not in header.get("signal type", "") or not rows:
        raise ScoringError(
            f"{document.name}: a DOMINO export, but no sleep profile (its signal type is "
            f"{header.get('signal type', '').strip()[:20]!r}).",
            "Name the file `Sleep profile.txt` or `Schlafprofil.txt` of the export.",
        )
    rate = re.match(r"\s*(\d+(?:[.,]\d+)?)\s*(ms|s)\b", header.get("rate", ""))
    epoch_s = settings.epoch_s
    if rate:
        epoch_s = parse_seconds(rate[1].replace(",", ".")) / (1000 if rate[2] == "ms" else 1)
    # The order of day and month of the header's date depends on the machine, except where dots stand between them.
    dated = re.match(r"\s*(\d{1,2}\.\d{1,2}\.\d{4}) ", header.get("start time", ""))
    cells = [row.split(";", 1) for row in rows]
    times = [cell[0] for cell in cells]
    if dated and " " not in times[0]:
        times[0] = f"{dated[1]} {times[0]}"
    onsets, start = read_times(document, times)
    artefacts = {"a": "?", "artifact": "?", "artefact": "?", "artefakt": "?"}
    labels = [artefacts.get(cell[1].strip().lower(), cell[1].strip()) for cell in cells]
    return Marks(onsets_s=onsets, ends_s=onsets + epoch_s, labels=labels, start=start)


# --- RemLogic (Embla)


def is_remlogic(document: Document) -> bool:
    """Whether a file is RemLogic's event export: a table with `[hh:mm:ss]`, the event and its duration in `[s]`."""
    return _remlogic_header(document) is not None


def _remlogic_header(document: Document) -> int | None:
    for number, line in enumerate(document.lines[:200]):
        if "[hh:mm:ss]" in line.lower() and "\t" in line and re.search(r"\[s\]", line):
            return number
    return None


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
    onsets, start = read_times(document, [row[time] for row in rows])
    try:
        durations = np.array([parse_seconds(row[duration].replace(",", ".") or "0") for row in rows])
    except ValueError as error:
        raise bad_row(document, "time, event and duration", error) from None
    return Marks(onsets_s=onsets, ends_s=onsets + durations, labels=labels, others=True, start=start, from_first=True)


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
        rows.append((_luna_label(cells[0], instance), cells[place[0]], cells[place[1]]))
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
    start = None
    if all(clocks) and spans:
        onsets, start = read_times(document, [str(span[0]) for span in spans])
        ends = [_luna_clock_end(document, span, float(onset)) for span, onset in zip(spans, onsets, strict=True)]
    else:
        onsets = np.array([float(span[0]) for span in spans])
        ends = [math.nan if span[1] is None else float(span[1]) for span in spans]
    # An ellipsis lasts until the next row.
    following = np.append(onsets[1:], onsets[-1:] + settings.epoch_s)
    ends_s = np.where(np.isnan(ends), following, ends) if len(spans) else np.empty(0)
    labels, clocked = [row[0] for row in rows], start is not None
    return Marks(onsets_s=onsets, ends_s=ends_s, labels=labels, others=True, start=start, from_first=clocked)


def _luna_label(name: str, instance: str) -> str:
    """The class, or the instance where the class only says that this is a stage or an annotation of an EDF+."""
    return instance if re.sub(r"[\s_]", "", name.lower()) in ("sleepstage", "edfannot") else name


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
        times, _ = read_times(document, [str(start), stop])
        return onset_s + float(times[1])
    return onset_s + stop


# --- tables


def is_events(document: Document) -> bool:
    """Whether a table has onsets and durations or ends: BIDS events, `yasa.Hypnogram.as_events`, and others alike."""
    onset = document.column(*ONSET_COLUMNS)
    return onset is not None and (
        document.column(*DURATION_COLUMNS, *END_COLUMNS) is not None or document.header[onset] in ("onset", "start")
    )


def read_events(document: Document, settings: ScoringSettings) -> Marks:
    """Rows of onset (or start), duration (or end) and stage, in s or clock times; a trial_type may be another event."""
    onset, stage = document.column(*ONSET_COLUMNS), _stage_column(document)
    duration, end = document.column(*DURATION_COLUMNS), document.column(*END_COLUMNS)
    found = ", ".join(document.header[:9])[:100]
    if stage is None:
        raise ScoringError(
            f"{document.name}: a table of onsets without a column stage (found {found}).",
            "Call the column that holds the stages `stage`.",
        )
    if onset is None or (duration is None and end is None):
        raise ScoringError(f"{document.name}: has no column duration (found {found}).", "Add it, in s.")
    rows = document.rows[1:]
    try:
        labels = [row[stage] for row in rows]
        onsets, start = read_times(document, [row[onset] for row in rows])
        if duration is not None:
            ends = onsets + np.array([parse_duration(row[duration]) for row in rows])
        else:
            both = [cell for row in rows for cell in (row[onset], row[end or 0])]
            ends = read_times(document, both)[0][1::2]
    except (ValueError, IndexError) as error:
        raise bad_row(document, "onset, duration, stage", error) from None
    others = document.header[stage] in EVENT_COLUMNS
    named = not others or any(re.search("[a-z]", label.lower()) for label in labels)
    return Marks(
        onsets_s=onsets,
        ends_s=ends,
        labels=labels,
        others=others,
        start=start,
        from_first=start is not None,
        certain=named,
    )


def _stage_column(document: Document) -> int | None:
    """The first column of stages by its name; of several, the first one that holds words for stages."""
    columns = [document.header.index(name) for name in (*STAGE_COLUMNS, *EVENT_COLUMNS) if name in document.header]
    spelt = [i for i in columns if any(len(row) > i and row[i] and is_stage_word(row[i]) for row in document.rows[1:])]
    return next(iter(spelt or columns), None)


def is_changes(document: Document) -> bool:
    """Whether a table has times and stages, without durations; its columns may lack a header, then times are clocks."""
    return _change_columns(document) is not None


def _change_columns(document: Document) -> tuple[int, int, int] | None:
    """Column of times, column of stages, and the first row."""
    time, stage = document.column(*TIME_COLUMNS), document.column(*STAGE_COLUMNS[:6])
    if time is not None and stage is not None:
        return time, stage, 1
    rows = document.rows
    for first in (0, 1):
        body = rows[first:]
        width = min((len(row) for row in body), default=0)
        clocks = [i for i in range(width) if ":" in body[0][i] and all(CLOCK.fullmatch(row[i]) for row in body)]
        if len(clocks) == 1:
            stages = [i for i in range(width) if any(is_stage_word(row[i]) and row[i] for row in body)]
            return (clocks[0], stages[-1], first) if stages else None
    return None


def read_changes(document: Document, settings: ScoringSettings) -> Marks:
    """Times, in s or clock times, at which a stage begins; it lasts until the next."""
    time, stage, first = _change_columns(document) or (0, 0, 0)
    rows = document.rows[first:]
    try:
        labels = [row[stage] for row in rows]
        times, start = read_times(document, [row[time] for row in rows])
    except (ValueError, IndexError) as error:
        raise bad_row(document, "a time and a stage", error) from None
    return from_changes(document, times, labels, settings.epoch_s, start=start, codes=CHANGE_POINT_CODES)


def from_changes(
    document: Document,
    times_s: NDArray[np.float64],
    labels: Sequence[str],
    epoch_s: float,
    *,
    start: pd.Timestamp | None = None,
    codes: Mapping[str, str] | None = None,
    others: bool = False,
) -> Marks:
    """Stages that last until the next one."""
    if np.any(np.diff(times_s) <= 0):
        raise ScoringError(f"{document.name}: times of stage changes do not increase.", "Sort the rows by time.")
    # A last row that repeats the stage before it marks the end; otherwise the last stage lasts one epoch.
    ends = np.append(times_s[1:], times_s[-1:] + epoch_s)
    if len(labels) > 1 and labels[-1] == labels[-2] and codes is not None and not _is_regular(times_s):
        times_s, ends, labels = times_s[:-1], ends[:-1], labels[:-1]
    return Marks(onsets_s=times_s, ends_s=ends, labels=labels, codes=codes, start=start, others=others)


def _is_regular(times_s: NDArray[np.float64]) -> bool:
    """Whether every row is an epoch, so that the last one is an epoch too."""
    steps = np.diff(times_s)
    return len(steps) > 2 and bool(np.all(np.abs(steps - steps[0]) < 0.1))


def is_anything(document: Document) -> bool:
    """The last form of the table takes what is left."""
    return True


def read_lines(document: Document, settings: ScoringSettings) -> Marks:
    """One stage a line: Luna's ``.eannot``, Compumedics' text, the tables of YASA (epoch, stage), and DREAMS."""
    stage = document.column(*STAGE_COLUMNS)
    _check_blank_lines(document)
    labels = [row[-1 if stage is None else min(stage, len(row) - 1)] for row in document.rows]
    # A first line that is a stage itself is no header: dropping it would shift the whole night by an epoch.
    numbered = len(document.rows) > 1 and is_number(document.rows[1][0]) and not is_number(document.rows[0][0])
    titled = len(document.rows[0]) > 1 and numbered  # epoch,artifact
    if stage is not None or titled or not (is_number(labels[0]) or is_stage_word(labels[0])):
        labels = labels[1:]
    marks = _one_after_the_other(document, labels, settings.epoch_s)
    named = stage is not None or document.suffix == ".eannot" or document.header[0].startswith("hypnogram")
    words = any(is_stage_word(label) and not is_number(label) for label in labels if label)
    return Marks(onsets_s=marks.onsets_s, ends_s=marks.ends_s, labels=labels, certain=named or words)


def _check_blank_lines(document: Document) -> None:
    """An empty line among stages is an epoch that got lost, unless every second line is empty."""
    blank = [number for number, line in enumerate(document.lines, start=1) if not line.strip()]
    lines = len(document.lines)
    known = sum(is_number(row[-1]) or is_stage_word(row[-1]) for row in document.rows)
    if known < len(document.rows) / 2:
        return  # no scoring at all, as is said later
    if blank and "," not in document.lines[0] and blank != list(range(2, lines, 2)) and len(blank) < lines // 2:
        filled = [line for line in document.lines[blank[0] :] if line.strip()]
        if len(document.rows) - len(filled) > 1:  # below a title a line may be empty
            raise ScoringError(
                f"{document.name}: line {blank[0]} is empty, so the epochs after it have no certain place.",
                "Write ? for an epoch without a stage.",
            )


def _one_after_the_other(document: Document, labels: Sequence[str], epoch_s: float) -> Marks:
    if not labels:
        raise ScoringError(f"{document.name}: the scoring has no epochs.", "Export it again.")
    if not 0 < epoch_s <= LONGEST_EPOCH_S:
        raise ScoringError(f"{document.name}: the length of its epochs cannot be told.", "Export it again.")
    onsets = epoch_s * np.arange(len(labels), dtype=np.float64)
    return Marks(onsets_s=onsets, ends_s=onsets + epoch_s, labels=labels)
