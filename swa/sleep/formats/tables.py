"""Scorings in tables and lists: stretches, epochs, changes, and one stage a line.

A row belongs to the epoch that it names: by its onset, its time or its number. Rows that are missing leave their epoch
unscored, and the order of rows says nothing. The layouts are those of BIDS events, `yasa.Hypnogram`, GSSC, U-Sleep,
Polyman, Snooz, pyDYNAM-O's stage changes, the Dreem Open Datasets (JSON), Compumedics' text and the DREAMS databases.
"""

import io
import json
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.errors import AmbiguousScoringError, ScoringError
from swa.settings import ScoringSettings
from swa.sleep.formats.cells import CLOCK, is_number, named_lines
from swa.sleep.formats.codes import (
    AASM_CODES,
    RK_CODES,
    ambiguous_codes,
    is_code,
    is_night_of_labels,
    is_stage_word,
    known_words,
    lights_of,
    plain_word,
    unknown_stages,
)
from swa.sleep.formats.columns import NamelessTableError, codes_of_column, stage_column
from swa.sleep.formats.document import (
    DURATION_COLUMNS,
    END_COLUMNS,
    EPOCH_COLUMNS,
    EVENT_COLUMNS,
    ONSET_COLUMNS,
    STAGE_COLUMNS,
    TIME_COLUMNS,
    Document,
    EmptyScoringError,
    Marks,
    Times,
    bad_row,
    column_name,
    parse_duration,
    read_times,
    seconds_per_unit,
    times_in,
)
from swa.sleep.formats.places import (
    by_number,
    refuse_inclusive,
    refuse_remnants,
    refuse_unnumbered,
    refuse_unread_times,
)

# Stage-change tables with the columns Time and Stage (as pyDYNAM-O writes them) count depth upwards from N3.
CHANGE_POINT_CODES = {"5": "W", "4": "R", "3": "N1", "2": "N2", "1": "N3", "0": "UNS", "6": "UNS"}
LONGEST_EPOCH_S = 300.0
_FEWEST_CHANGES = 20
_NO_CHANGE = 0.2  # of the rows of a list of changes: the stage of the row before
_COLUMNS_OF_EVENTS = {"event", "marker", "annotation", "awakening"}  # beside the stage
_EVENT = re.compile(r"arous|apn|hypopn|desat|snor|limb|spindle|k-?compl", re.IGNORECASE)
_FEWEST_EPOCHS = 10  # with other columns beside: fewer are sums of each stage
_FEWEST_A_LINE = 5  # stages, of a layout of several epochs a line
_SAME_AGAIN = 0.4  # of the epochs of a night, nine of ten are as the one before
_END_WORDS = {"end", "ende", "bis", "stop", "until", "fin", "fine", "hasta", "ends", "ended"}
_GSSC = ["epoch", "start", "stage"]
_SNOOZ = {"group", "name", "start", "duration"}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # names of the Dreem Open Datasets


# --- JSON


def is_json(document: Document) -> bool:
    """Whether a file is JSON."""
    return document.suffix == ".json"


def read_json(document: Document, settings: ScoringSettings) -> Marks:
    """A list of one stage an epoch, as of the Dreem Open Datasets."""
    try:
        content = json.loads(document.content)
    except ValueError:
        content = None
    if isinstance(content, dict):
        content = next((content[name] for name in STAGE_COLUMNS if isinstance(content.get(name), list)), None)
    if not isinstance(content, list) or any(isinstance(item, list | dict) for item in content):
        raise ScoringError(
            f"{document.name}: a JSON file without a list of stages.", "Expected is a list: one stage an epoch."
        )
    labels = ["?" if item is None else str(item) for item in content]
    codes = AASM_CODES if any(_UUID.search(path.stem) for path in document.places) else None
    return _in_order(document, labels, settings.epoch_s, codes)


def is_array(document: Document) -> bool:
    """Whether a file is an array of NumPy."""
    return document.suffix == ".npy"


def read_array(document: Document, settings: ScoringSettings) -> Marks:
    """One stage an epoch: words or number codes; what is no number is unscored."""
    try:
        with warnings.catch_warnings():  # a header as Python 2 wrote it is told of, and read
            warnings.simplefilter("ignore", UserWarning)
            array = np.lib.format.read_array(io.BytesIO(document.content), allow_pickle=False)
        if array.dtype.kind == "U":  # a damaged letter is no character: Python ends at the first use of it
            array.astype(array.dtype.newbyteorder("<")).tobytes().decode("utf-32-le")
    except Exception:  # the header is Python text: a damaged one ends in whatever error its parser leads to
        raise ScoringError(
            f"{document.name}: damaged, or not an array that NumPy saves.", "Save it again with `numpy.save`."
        ) from None
    if array.size != max(array.shape, default=0):
        raise ScoringError(
            f"{document.name}: an array of {array.ndim} dimensions, not of one stage an epoch.",
            "Save one scorer's stages.",
        )
    if array.dtype.kind not in "USbiuf":
        raise ScoringError(
            f"{document.name}: an array of {array.dtype}, not of stages or their number codes.",
            "Save the column of the stages alone.",
        )
    items = array.ravel().astype(str) if array.dtype.kind in "USb" else array.ravel().astype(float)
    return _in_order(document, [f"{item:g}" if isinstance(item, float) else item for item in items.tolist()],
                     settings.epoch_s)  # fmt: skip


def _in_order(
    document: Document, labels: Sequence[str], epoch_s: float, codes: Mapping[str, str] | None = None
) -> Marks:
    """A list of nothing but stages; numbers alone could be of something else."""
    marks = one_after_the_other(document, labels, epoch_s)
    words = any(is_stage_word(label) for label in labels)
    return Marks(
        onsets_s=marks.onsets_s, ends_s=marks.ends_s, labels=labels, codes=codes, certain=words or codes is not None,
        counted=True,
    )  # fmt: skip


# --- stretches


def is_snooz(document: Document) -> bool:
    """Whether a table is Snooz': group, name, start_sec, duration_sec, channels."""
    return document.table.titled and set(document.table.names) >= _SNOOZ


def read_snooz(document: Document, settings: ScoringSettings) -> Marks:
    """Rows of the group `stage`; their names are the codes of Rechtschaffen & Kales."""
    table = document.table
    group, name, start, duration = (table.names.index(column) for column in ("group", "name", "start", "duration"))
    rows = [i for i, cell in enumerate(table.cells(group)) if plain_word(cell) in ("stage", "sleep stage", "stages")]
    if not rows:
        raise ScoringError(f"{document.name}: no row belongs to the group `stage`.", "Save it with its sleep stages.")
    try:
        onsets, durations = (np.array([float(table.cells(column)[i]) for i in rows]) for column in (start, duration))
    except ValueError as error:
        raise bad_row(document, "group, name, start_sec and duration_sec", error) from None
    labels, lines = [table.cells(name)[i] for i in rows], [table.lines[i] for i in rows]
    return Marks(onsets_s=onsets, ends_s=onsets + durations, labels=labels, codes=RK_CODES, lines=lines)


def is_events(document: Document) -> bool:
    """Whether a table has onsets and durations or ends: BIDS events, `yasa.Hypnogram.as_events`, and others alike."""
    table = document.table
    onset = _onset_column(document) if table.titled else None
    if onset is None:
        return False
    lasting = table.column(*DURATION_COLUMNS, *END_COLUMNS) is not None
    return lasting or table.names[onset] in ("onset", "start", "begin", "recording_onset")


def _onset_column(document: Document) -> int | None:
    """Column of onsets; that of times where each row has a duration too (annotations of the Human Sleep Project)."""
    table = document.table
    onset = table.column(*ONSET_COLUMNS)
    return table.column(*TIME_COLUMNS) if onset is None and table.column(*DURATION_COLUMNS) is not None else onset


def read_events(document: Document, settings: ScoringSettings) -> Marks:
    """Rows of onset (or start), duration (or end) and stage, in s or clock times; a trial_type may be another event."""
    table = document.table
    onset, stage = _onset_column(document), stage_column(document, settings)
    found = ", ".join(table.names[:9])[:100]
    if stage is None:
        raise ScoringError(
            f"{document.name}: a table of onsets without a column stage (found {found}).",
            "Call the column that holds the stages `stage`.",
        )
    if onset is None or not table.rows:
        raise ScoringError(f"{document.name}: the scoring has no rows (found {found}).", "Export it again.")
    labels = table.cells(stage)
    name = table.names[stage]
    others = name in EVENT_COLUMNS
    named = not others or any(re.search("[a-z]", label.lower()) for label in labels)
    needed = [i for i in (onset, stage, table.column(*DURATION_COLUMNS), table.column(*END_COLUMNS)) if i is not None]
    try:
        short = next((n for n, row in zip(table.lines, table.rows, strict=True) if len(row) <= max(needed)), None)
        if short is not None:
            raise ValueError(f"line {short} is too short")
        ends, (onsets, start, changed_at, days) = _spans(
            document, onset, [i for i, label in enumerate(labels) if _may_be_stage(label)]
        )
    except (ValueError, IndexError) as error:
        raise bad_row(document, "onset, duration, stage", error) from None
    return Marks(
        onsets_s=onsets,
        ends_s=ends,
        labels=labels,
        others=others,
        codes=AASM_CODES if table.names[:3] == _GSSC else codes_of_column(document, stage),
        start=start,
        from_first=start is not None,
        by_clock=start is not None,
        certain=named,
        lines=table.lines,
        columns=table.titles,
        changed_at=changed_at,
        days=days,
        in_s=start is None,
    )


def _may_be_stage(label: str) -> bool:
    return is_code(label) or (bool(plain_word(label)) and is_stage_word(label))


def _spans(document: Document, onset: int, stages: Sequence[int]) -> tuple[NDArray[np.float64], Times]:
    """Ends and onsets of all rows; where no stage has a duration, it lasts until the next.

    Raises
    ------
    ScoringError
        Nothing tells how long a stage lasts.
    """
    table = document.table
    duration, end = table.column(*DURATION_COLUMNS), table.column(*END_COLUMNS)
    times = times_in(document, onset)
    onsets = times.seconds
    ends = onsets.copy()
    if duration is not None:
        durations = [row[duration] for row in table.rows]
        ends = onsets + np.array([parse_duration(cell) for cell in durations]) * seconds_per_unit(document, duration)
    elif end is not None and times.start is not None:
        both = [cell for pair in zip(table.moments(onset), table.cells(end), strict=True) for cell in pair]
        times = read_times(document, both)
        onsets, ends = times.seconds[0::2], times.seconds[1::2]
    elif end is not None:
        ends = times_in(document, end).seconds
        refuse_inclusive(document, onsets, ends)
    if len(stages) and not np.any(ends[stages] > onsets[stages]):
        step_s = epoch_step(onsets[stages])
        if step_s is None and duration is None:
            found = ", ".join(table.names[:9])[:100]
            raise ScoringError(f"{document.name}: has no column duration (found {found}).", "Add it, in s.")
        order = np.argsort(onsets[stages], kind="stable")
        places = np.asarray(stages)[order]
        following = np.append(onsets[places][1:], onsets[places][-1:])
        ends[places] = following if step_s is None else onsets[places] + step_s
    return ends, times._replace(seconds=onsets)


def epoch_step(times_s: NDArray[np.float64]) -> float | None:
    """Length of the epochs of a table that has a row for each, some perhaps missing; None where it has not."""
    times = np.sort(times_s)
    steps = np.diff(times)
    steps = steps[steps > 0]
    if len(times) < 3 or not len(steps):
        return None
    near = steps[np.abs(steps - steps.min()) < 0.1]
    step_s = float(np.median(near))
    regular = 2 * len(near) >= len(steps) and np.all(np.abs(steps - step_s * np.round(steps / step_s)) < 0.1)
    return step_s if regular and step_s <= LONGEST_EPOCH_S else None


def is_stretches(document: Document) -> bool:
    """Whether a table without names of columns has a stage beside onset and duration, or beside begin and end."""
    return _stretch_columns(document) is not None


def _stretch_columns(document: Document) -> tuple[int, int, int, bool] | None:
    """Columns of the stage, the onset, and the duration or end, and whether it is an end."""
    table = document.table
    width = min((len(row) for row in table.rows), default=0)
    if table.titled or width < 3 or len(table.rows) < 3:
        return None
    cells = [table.cells(i) for i in range(width)]
    spelt = [i for i in range(width) if any(is_stage_word(cell) for cell in cells[i] if cell)]
    timed = [i for i in range(width) if all(is_number(cell) for cell in cells[i]) and i not in spelt]
    stages = spelt or [i for i in timed if all(is_code(cell) for cell in cells[i])] * (width == 3)
    places = []
    for stage in stages[:3]:
        for onset in (i for i in timed if i != stage):
            for other in (i for i in timed if i not in (stage, onset)):
                begins, ends = (np.array([float(cell) for cell in cells[i]]) for i in (onset, other))
                order = np.argsort(begins, kind="stable")
                begins, ends = begins[order], ends[order]
                if _mostly(begins[:-1] + ends[:-1] == begins[1:]) and np.all(ends > 0):
                    places.append((stage, onset, other, False))
                elif _mostly(ends[:-1] == begins[1:]) and np.all(ends > begins):
                    places.append((stage, onset, other, True))
    return places[0] if len(places) == 1 else None


def _mostly(found: NDArray[np.bool_]) -> bool:
    return bool(np.mean(found) > 0.5)


def read_stretches(document: Document, settings: ScoringSettings) -> Marks:
    """Rows of stage, onset and duration, or of stage, begin and end, in s and in any order of columns."""
    table = document.table
    stage, onset, other, is_end = _stretch_columns(document) or (0, 1, 2, False)
    labels = table.cells(stage)
    onsets, values = (np.array([float(cell) for cell in table.cells(i)]) for i in (onset, other))
    polyman = any(plain_word(label).startswith("sleep stage") for label in labels)
    return Marks(
        onsets_s=onsets,
        ends_s=values if is_end else onsets + values,
        labels=labels,
        others=polyman,
        certain=any(is_stage_word(label) for label in labels),
        lines=table.lines,
        in_s=True,
    )


# --- times


def is_changes(document: Document) -> bool:
    """Whether a table has times and stages, without durations; its columns may lack a header, then times are clocks."""
    return _change_columns(document) is not None


def _change_columns(document: Document) -> tuple[int, int | None, int] | None:
    """Column of times, column of stages (None: by its name or what it holds), and the first row."""
    table = document.table
    time = table.column(*TIME_COLUMNS) if table.titled else None
    if time is not None and table.column(*STAGE_COLUMNS[:6]) is not None:
        return time, None, 0
    for first in (0, 1):
        body = table.rows[first:]
        width = min((len(row) for row in body), default=0)
        clocks = [i for i in range(width) if ":" in body[0][i] and all(CLOCK.fullmatch(row[i]) for row in body)]
        if len(clocks) == 1:
            stages = [i for i in range(width) if any(is_stage_word(row[i]) and row[i] for row in body)]
            return (clocks[0], stages[-1], first) if stages else None
    return (time, None, 0) if time is not None and len(table.names) > 1 else None


def read_changes(document: Document, settings: ScoringSettings) -> Marks:
    """Times, in s or clock times: one a row and epoch, or those at which a stage begins that lasts until the next."""
    table = document.table
    time, stage, first = _change_columns(document) or (0, 0, 0)
    stage = _stages_of_times(document, settings) if table.titled or stage is None else stage
    rows, lines = table.rows[first:], table.lines[first:]
    refuse_remnants(document)
    try:
        labels = [row[stage] for row in rows]
        times, start, changed_at, days = read_times(document, table.moments(time)[first:], lines)
    except (ValueError, IndexError) as error:
        raise bad_row(document, "a time and a stage", error) from None
    if start is None:
        times = times * seconds_per_unit(document, time)
    if any(is_named := [plain_word(label).startswith("stage ") for label in labels]):  # a log: events between stages
        kept = [i for i, named in enumerate(is_named) if named or lights_of(labels[i])]
        times, labels, lines = times[kept], [labels[i] for i in kept], [lines[i] for i in kept]
    numbered = _by_number(document, Times(times, start, changed_at, days), stage, first, settings)
    if numbered is not None:
        return numbered
    refuse_repeats(document, times, lines)
    back = np.flatnonzero(np.diff(times) < 0)
    order = np.argsort(times, kind="stable")
    times, labels, lines = times[order], [labels[i] for i in order], [lines[i] for i in order]
    # Lights stand between the rows of epochs, and are none.
    is_row = np.array([not lights_of(label) for label in labels])
    of_rows = [label for label, is_one in zip(labels, is_row, strict=True) if is_one]
    step_s = epoch_step(times[is_row])
    # The names stand in the first row where none of them was known.
    is_end = (table.titled or first == 1) and bool({*column_name(table.titles[time]).split("_")} & _END_WORDS)
    if step_s is not None and _is_row_an_epoch(document, times[is_row], of_rows, step_s):
        if is_end and start is not None:
            start -= pd.Timedelta(seconds=step_s)
        elif is_end:
            times = times - step_s
        gaps = bool(np.any(np.diff(times[is_row]) > 1.5 * step_s))
        return Marks(onsets_s=times, ends_s=times + step_s * is_row, labels=labels, start=start, lines=lines,
                     from_first=start is not None,
                     codes=codes_of_column(document, stage), columns=table.titles if table.titled else (),
                     changed_at=changed_at, days=days, in_s=start is None, by_clock=start is not None,
                     apart=_is_of_breaths(document) or (_names_events(document, stage) and gaps))  # fmt: skip
    if is_end:
        raise AmbiguousScoringError(
            f"{document.name}: its column `{table.titles[time]}` says when a stage ends, and none when it begins.",
            "Add a column `onset` with the begin of each row.",
        )
    if start is not None and len(back) == 1 and len(times) >= _FEWEST_CHANGES:
        raise AmbiguousScoringError(
            f"{document.name}: its times go back once, at row {back[0] + 2}: the clock may have been changed there.",
            "Sort the rows, or write their times in s from the first sample of the recording.",
        )
    codes = _change_codes(document, labels)
    changes = from_changes(document, times, labels, settings.epoch_s, start=start, codes=codes)
    return replace(changes, days=days, in_s=start is None, apart=_is_of_events(document, stage, labels))


def _stages_of_times(document: Document, settings: ScoringSettings) -> int:
    stage = stage_column(document, settings)
    if stage is None:
        found = ", ".join(document.table.names[:9])[:100]
        raise ScoringError(
            f"{document.name}: a table of times without a column stage (found {found}).",
            "Call the column that holds the stages `stage`.",
        )
    return stage


def _by_number(document: Document, times: Times, stage: int, first: int, settings: ScoringSettings) -> Marks | None:
    """Rows whose clocks are to the minute, by the number of their epochs; None where they have none."""
    table = document.table
    repeats = len(np.unique(times.seconds)) < len(times.seconds) == len(table.rows) - first
    if times.start is None or not repeats:
        return None
    since = times.start.normalize()
    clocks_s = times.seconds + (times.start - since).total_seconds()
    if (numbered := by_number(document, clocks_s, settings.epoch_s, first)) is None:
        return None
    return Marks(
        onsets_s=numbered.onsets_s, ends_s=numbered.onsets_s + settings.epoch_s,
        labels=[row[stage] for row in table.rows[first:]], lines=table.lines[first:],
        start=since + pd.Timedelta(seconds=numbered.start_s), start_within_s=numbered.within_s, by_clock=True,
        codes=codes_of_column(document, stage) if table.titled else None,
        columns=table.titles if table.titled else (), changed_at=times.changed_at, days=times.days,
    )  # fmt: skip


def _is_of_events(document: Document, stage: int, labels: Sequence[str]) -> bool:
    """Whether rows are single events with the stage beside each: a stage does not change to itself again and again."""
    again = np.mean([one == other for one, other in pairwise(labels[:-1])]) if len(labels) > 2 else 0.0
    return _names_events(document, stage) or bool(again >= _NO_CHANGE)


def _is_of_breaths(document: Document) -> bool:
    """Whether most rows name an arousal, a breath, a movement or a wave: such lists may have a row each minute."""
    table = document.table
    places = [place for place, name in enumerate(table.names) if table.titled and name in _COLUMNS_OF_EVENTS]
    return any(2 * sum(_EVENT.search(cell) is not None for cell in table.cells(i)) > len(table.rows) for i in places)


def _names_events(document: Document, stage: int) -> bool:
    """Whether each row names an event beside its stage."""
    table = document.table
    return table.titled and any(
        name in _COLUMNS_OF_EVENTS and place != stage and all(table.cells(place))
        for place, name in enumerate(table.names)
    )


def _is_row_an_epoch(document: Document, times: NDArray[np.float64], labels: Sequence[str], step_s: float) -> bool:
    """Whether rows at regular times are epochs, most of them as the one before, and not changes.

    Raises
    ------
    AmbiguousScoringError
        Some stages begin again after themselves and some rows are missing: both could be.
    """
    again = np.mean([a == b for a, b in pairwise(labels[:-1])]) if len(labels) > 2 else 0.0
    if 0 < again < _SAME_AGAIN and np.any(np.diff(times) > 1.5 * step_s):
        raise AmbiguousScoringError(
            f"{document.name}: its rows could be epochs, some of them missing, or changes of stage.",
            "Add a column with the duration of each row in s.",
        )
    return bool(again > 0)


def _change_codes(document: Document, labels: Sequence[str]) -> Mapping[str, str] | None:
    """pyDYNAM-O's codes under its header, of a night that falls asleep by them; elsewhere codes are read as all are."""
    scored = [label for label in map(plain_word, labels) if is_number(label) and label not in ("6", "-1")]
    if not scored or document.table.names != ["time", "stage"]:
        return None
    told = " ".join(scored).strip("0 ").split()
    # There 0 is unscored time, which stands at the ends of a night; anywhere else it is the wake of Rechtschaffen &
    # Kales, whose other codes count the other way round. People fall from wake (5) into N1 (3) or N2 (2).
    asleep = told[1:] if told[:2] == ["4", "5"] else told
    if "0" in told or asleep[:1] != ["5"] or asleep[1:2] not in (["3"], ["2"]):
        raise ambiguous_codes(document, set(scored))
    return CHANGE_POINT_CODES


def from_changes(
    document: Document,
    times_s: NDArray[np.float64],
    labels: Sequence[str],
    epoch_s: float,
    *,
    start: pd.Timestamp | None = None,
    codes: Mapping[str, str] | None = None,
) -> Marks:
    """Stages that last until the next one."""
    if np.any(np.diff(times_s) <= 0):
        raise ScoringError(f"{document.name}: times of stage changes do not increase.", "Sort the rows by time.")
    # A last row that repeats the stage before it marks the end; otherwise the last stage lasts one epoch.
    ends = np.append(times_s[1:], times_s[-1:] + epoch_s)
    if len(labels) > 1 and labels[-1] == labels[-2] and not _is_regular(times_s):
        times_s, ends, labels = times_s[:-1], ends[:-1], labels[:-1]
    return Marks(onsets_s=times_s, ends_s=ends, labels=labels, codes=codes, start=start, assumed=codes is not None,
                 by_clock=start is not None)  # fmt: skip


def _is_regular(times_s: NDArray[np.float64]) -> bool:
    """Whether every row is an epoch, so that the last one is an epoch too."""
    steps = np.diff(times_s)
    return len(steps) > 2 and bool(np.all(np.abs(steps - steps[0]) < 0.1))


def refuse_repeats(document: Document, onsets_s: NDArray[np.float64], lines: Sequence[int]) -> None:
    """Refuse two rows for one place in time.

    Raises
    ------
    ScoringError
        It names the rows.
    """
    first: dict[float, int] = {}
    for onset, line in zip(onsets_s.tolist(), lines, strict=True):
        earlier = first.setdefault(onset, line)
        if earlier != line:
            raise ScoringError(
                f"{document.name}: line {line} has the same place in time as line {earlier}.",
                "It may hold two scorings, or one that begins again: keep one row for each epoch.",
            )


# --- epochs


def is_epochs(document: Document) -> bool:
    """Whether a table numbers its epochs, with or without names of columns."""
    return _epoch_column(document) is not None


def _epoch_column(document: Document) -> int | None:
    table = document.table
    width = min((len(row) for row in table.rows), default=0)
    if width < 2:
        return None
    if table.titled:
        named = table.column(*EPOCH_COLUMNS)
        sure = named is not None and (table.names[named].startswith("epo") or _counts(document, named))
        return named if sure else None
    return 0 if _counts(document, 0) else None


def _counts(document: Document, column: int) -> bool:
    """Whether a column holds whole numbers that go up in any order and leave out few."""
    cells = document.table.cells(column)
    cells = cells if is_number(cells[0]) else cells[1:]
    numbers = [float(cell) for cell in cells if is_number(cell)]
    if len(numbers) < max(2, len(cells)) or any(number != int(number) for number in numbers):
        return False
    return 2 * len(set(numbers)) > max(numbers) - min(numbers) and len(set(numbers)) > 0.9 * len(numbers)


def read_epochs(document: Document, settings: ScoringSettings) -> Marks:
    """Rows of an epoch's number, from 0 or 1 on, and its stage."""
    table = document.table
    column = _epoch_column(document) or 0
    stage = stage_column(document, settings) if table.titled else _last_stage_column(document, settings)
    if stage is None or stage == column:
        found = ", ".join(table.names[:9])[:100] if table.titled else "no names of columns"
        raise ScoringError(
            f"{document.name}: a table of epochs without a column stage (found {found}).",
            "Call the column that holds the stages `stage`.",
        )
    if not table.titled:
        refuse_remnants(document)
    skipped = 0 if table.titled or is_number(table.rows[0][0]) else 1
    rows, lines = table.rows[skipped:], table.lines[skipped:]
    numbers = []
    for row, line in zip(rows, lines, strict=True):
        if len(row) <= max(column, stage) or not is_number(row[column]) or float(row[column]) % 1:
            raise bad_row(document, "the number of an epoch and a stage", ValueError(f"line {line}"))
        numbers.append(int(float(row[column])))
    places = np.array(numbers, dtype=float)
    refuse_repeats(document, places, lines)
    labels = [row[stage] for row in rows]
    words = any(is_stage_word(label) for label in labels if label)
    if not words and not (table.titled and any(is_code(label) for label in labels)) and min(numbers) > 1:
        raise unknown_stages(document, labels)  # bare numbers that do not begin with a night are of something else
    onsets = (places - _first_epoch(document, numbers)) * _epoch_s(document, settings.epoch_s)
    return Marks(
        onsets_s=onsets, ends_s=onsets + settings.epoch_s, labels=labels, lines=lines,
        codes=codes_of_column(document, stage) if table.titled else None,
        certain=table.titled or words, columns=table.titles if table.titled else (), counted=True,
    )  # fmt: skip


def _last_stage_column(document: Document, settings: ScoringSettings) -> int:
    """Without names of columns: the one column that holds words for stages, else the last."""
    found = stage_column(document, settings)
    return min(len(row) for row in document.table.rows) - 1 if found is None else found


def _first_epoch(document: Document, numbers: Sequence[int]) -> int:
    """Number of the first epoch of the night, 0 or 1.

    Raises
    ------
    AmbiguousScoringError
        Rows are missing, and whether one at the begin is among them cannot be told.
    """
    first, missing = min(numbers), max(numbers) - min(numbers) + 1 - len(numbers)
    if first == 0 or (first == 1 and not missing):
        return first
    raise AmbiguousScoringError(
        f"{document.name}: its epochs begin with {first}"
        + (f" and {missing} of them are missing" if missing else "")
        + ", so whether they are counted from 0 or from 1 cannot be told.",
        "Add the rows that are missing, with ? where an epoch is not scored; one numbered 0 where epochs count from 0.",
    )


def _epoch_s(document: Document, epoch_s: float) -> float:
    if not 0 < epoch_s <= LONGEST_EPOCH_S:
        raise ScoringError(f"{document.name}: the length of its epochs cannot be told.", "Export it again.")
    return epoch_s


# --- lines


def is_anything(document: Document) -> bool:
    """The last form of the table takes what is left."""
    return True


def read_lines(document: Document, settings: ScoringSettings) -> Marks:
    """One stage a line: Luna's ``.eannot``, Compumedics' text, DREAMS, and tables that neither count nor time."""
    table = document.table
    head = named_lines(table.rows, is_stage_word)
    _check_blank_lines(document, (table.lines or [1])[min(head, max(len(table.lines) - 1, 0))])
    refuse_remnants(document)
    if not table.titled:
        _ask_about_several_a_line(document)
    table_rows = table.rows[head:]
    lies = len(table_rows) == 1 and not table.titled  # a night in one line, perhaps a letter or digit an epoch
    line = table_rows[0] if lies else []
    line = list(line[0]) if len(line) == 1 and is_night_of_labels([*line[0]]) else line
    rows = [[cell] for cell in line] if len(line) >= _FEWEST_CHANGES else table_rows
    if not table.titled:
        _ask_what_goes_up(document, None, settings.epoch_s)  # before columns of numbers are taken for stages
    stage = stage_column(document, settings) if any(len(row) > 1 for row in rows) or table.titled else None
    labels = [row[-1 if stage is None else min(stage, len(row) - 1)] for row in rows]
    known = known_words(settings.codes)
    # A first line that is a stage itself is no header: dropping it would shift the whole night by an epoch.
    is_label = bool(labels) and (is_number(labels[0]) or is_stage_word(labels[0], known) or labels[0] in labels[1:2])
    if not table.titled and not is_label:
        labels = labels[1:]
    _ask_what_goes_up(document, stage, settings.epoch_s)
    refuse_unnumbered(document, stage)
    refuse_unread_times(document, stage)
    marks = one_after_the_other(document, labels, settings.epoch_s)
    named = table.titled or document.suffix == ".eannot" or table.names[0].startswith("hypnogram")
    words = any(is_stage_word(label) and not is_number(label) for label in labels if label)
    return Marks(
        onsets_s=marks.onsets_s, ends_s=marks.ends_s, labels=labels, certain=named or words,
        columns=table.titles if table.titled else (), counted=True,
        apart=len(labels) < _FEWEST_EPOCHS and min(map(len, rows)) > 1,
    )  # fmt: skip


def _ask_about_several_a_line(document: Document) -> None:
    """Ask about lines of several stages each, as some print ten epochs a line, with or without a mark between them.

    Raises
    ------
    AmbiguousScoringError
        They could be epochs, or scorers.
    """
    if number := stages_a_line(document):
        raise AmbiguousScoringError(
            f"{document.name}: each of its lines holds {number} stages: {number} epochs, or one of each of "
            f"{number} scorers.",
            "Write one stage a line, or the scorers in columns below their names.",
        )


def stages_a_line(document: Document) -> int:
    """How many stages each line holds, where there are several and nothing else; else 0."""
    lines = [line for line in document.lines if line.strip()]
    cut = [re.split(r"[\s,;]+", line.strip(" ,;\t")) for line in lines]
    if all(len(cells) == 1 for cells in cut):
        cut = [list(line.strip()) for line in lines]
    if len(cut) < _FEWEST_A_LINE:
        return 0
    number = len(cut[0])
    cells = [cell for row in cut for cell in row]
    even = all(len(row) == number for row in cut[:-1]) and len(cut[-1]) <= number
    return number if number >= _FEWEST_A_LINE and even and is_night_of_labels(cells) else 0


def _ask_what_goes_up(document: Document, stage: int | None, epoch_s: float) -> None:
    """Ask about a column that could be the place of each row, where rows are not one epoch after the other by it.

    Raises
    ------
    AmbiguousScoringError
        It names the column.
    """
    table = document.table
    width = min((len(row) for row in table.rows), default=0)
    own = width - 1 if stage is None else stage
    for column in (place for place in range(width) if place != own):
        cells = table.cells(column)
        cells = cells if is_number(cells[0]) or CLOCK.fullmatch(cells[0]) else cells[1:]
        if len(cells) < 2:
            continue
        is_clock = all(":" in cell and CLOCK.fullmatch(cell) for cell in cells)
        values = np.array([float(cell) if is_number(cell) else np.nan for cell in cells])
        steps = np.diff(values)
        # One epoch after the other, from the first on: what it counts says nothing else than the order of the rows.
        in_order = any(np.all(steps == step) and values[0] in (0, step) for step in (1, epoch_s))
        if is_clock or (np.all(steps > 0) and not in_order):
            name = f"`{table.titles[column]}`" if table.titled else f"{column + 1}"
            words = table.titled or any(is_stage_word(cell) and cell for row in table.rows for cell in row)
            raise (AmbiguousScoringError if words else NamelessTableError)(
                f"{document.name}: its column {name} could say where each row belongs, and nothing says how.",
                "Call it epoch, onset (in s) or time, its stages `stage`, and the length of a row duration or end.",
            )


def _check_blank_lines(document: Document, first: int) -> None:
    """An empty line among stages is an epoch that got lost, unless every second line is empty."""
    body = document.lines_from(first)
    blank = [number for number, line in enumerate(body, start=1) if not line.strip()]
    lines = len(body)
    rows = [line.split(",") for line in body if line.strip()]
    known = sum(is_number(row[-1]) or is_stage_word(row[-1]) for row in rows)
    if known < len(rows) / 2:
        return  # no scoring at all, as is said later
    if blank and "," not in body[0] and blank != list(range(2, lines, 2)) and len(blank) < lines // 2:
        filled = [line for line in body[blank[0] :] if line.strip()]
        if len(rows) - len(filled) > 1:  # below a title a line may be empty
            raise ScoringError(
                f"{document.name}: line {blank[0] + first - 1} is empty, so the epochs after it have no certain place.",
                "Write ? for an epoch without a stage.",
            )


def one_after_the_other(document: Document, labels: Sequence[str], epoch_s: float) -> Marks:
    """Epochs in the order of the file."""
    if not labels:
        raise EmptyScoringError(f"{document.name}: the scoring has no epochs.", "Export it again.")
    onsets = _epoch_s(document, epoch_s) * np.arange(len(labels), dtype=np.float64)
    return Marks(onsets_s=onsets, ends_s=onsets + epoch_s, labels=labels)
