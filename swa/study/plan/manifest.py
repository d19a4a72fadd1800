"""The plan of a study: which recordings there are, and which subject, session and condition each belongs to."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from swa.errors import StudyError
from swa.recordings.formats import FORMATS, parts_of
from swa.settings import Settings
from swa.study.plan.adaptation import mark_adaptation
from swa.study.plan.bids import describe_nights, leave_out_others
from swa.study.plan.columns import note_carried
from swa.study.plan.dates import find_wrong_dates, note_moved_dates
from swa.study.plan.layouts import find_layout
from swa.study.plan.lights import find_misfits
from swa.study.plan.names import (
    LONGEST_LABEL,
    UNKNOWN_CONDITION,
    file_label,
    natural_key,
    own_subjects,
    printable,
    read_bids_names,
    read_condition_names,
)
from swa.study.plan.near_names import find_near_names
from swa.study.plan.orders import note_orders, note_same_places, order_by_dates
from swa.study.plan.other_tables import note_copies, note_tables
from swa.study.plan.parallel import fill_arms, name_nights_before
from swa.study.plan.places import locate_all
from swa.study.plan.recording_search import absolute, find_recordings, is_one, what_it_holds
from swa.study.plan.restarts import find_parts
from swa.study.plan.scoring_owners import find_others_scorings
from swa.study.plan.scoring_search import FORCE_STAGING, ScoringPlan, add_scorings
from swa.study.plan.selection import excluded_by_file
from swa.study.plan.sheet import shown
from swa.study.plan.study_file import KNOWN, convert_columns, find_study_file, read_study_file
from swa.study.plan.subjects import note_other_subjects, note_repeated_conditions
from swa.tables.contrast import check_names

TEMPLATE = "study-template.tsv"
MOST_PROBLEMS = 50  # in one message
NIGHT_COLUMNS = (
    "subject", "session", "condition", "recording", "path", "hypnogram", "subject_label", "session_label", "problem",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """What `swa run` would do with a folder.

    Attributes
    ----------
    root : Path
        The folder of recordings.
    nights : DataFrame
        One row a night: `subject`, `session`, `condition` (text, as given), `recording` (posix, relative), `path`
        (absolute, empty where it is not there), `hypnogram` (absolute path of a scoring, named or found beside the
        recording; empty where YASA stages), `subject_label` and `session_label` (as in file names), `problem` (why this
        night cannot be processed, or empty), and every other column of the study file.
    source : str
        How subjects and conditions were told: ``study file study.tsv``, ``BIDS names``, ``names of SHHS`` (or another
        public data set), ``SUBJECT_CONDITION names`` or ``each recording a subject of its own``.
    notes : tuple of str
        What a user should know before the run.
    scorings : ScoringPlan
        Which nights are scored, which are staged, and which scorings are left over.
    settings : Settings
        Those of the call, with what the documentation of a public data set says where they say nothing.
    has_file : bool
        Whether a study file names the nights.
    parts : mapping of int to str
        Places of nights that a run refuses as parts of one, with what is wrong (`swa.study.plan.restarts`).
    """

    root: Path
    nights: pd.DataFrame
    source: str
    notes: tuple[str, ...]
    scorings: ScoringPlan = field(default_factory=ScoringPlan)
    settings: Settings = field(default_factory=Settings)
    has_file: bool = False
    parts: Mapping[int, str] = field(default_factory=dict)

    @property
    def needs_template(self) -> bool:
        """Whether no condition is known, so that a study file has to be filled in before nights can be compared."""
        return bool((self.nights["condition"] == UNKNOWN_CONDITION).all())


BIDS_NAMES = "BIDS names"
CONDITION_NAMES = "SUBJECT_CONDITION names"
OWN_SUBJECTS = "each recording a subject of its own"
_CORRECT = "Nothing was processed; correct these first."
_STUDY_FILE = "a study file with subject, condition and recording does that"


def plan_study(
    recordings: str | Path, study_file: str | Path | None, settings: Settings, results: str | Path | None = None
) -> Study:
    """Understand a folder of recordings, or a single one, as a study.

    Parameters
    ----------
    recordings : path
        A folder, searched recursively, or one recording.
    study_file : path or None
        The study file; None looks for `study.tsv`, `.csv` or `.xlsx` in the folder.
    settings : Settings
        `comparison.baseline` names the baseline conditions.
    results : path or None
        The results folder, never searched.

    Raises
    ------
    StudyError
        There is no recording, or the study file or the names are wrong; every problem is named at once. A recording
        that one row names and that is not there is no such error: the row says so in `problem`.
    """
    recordings = Path(recordings)
    notes: list[str] = []
    others: list[Path] = []
    found = find_recordings(recordings, results, notes, others)
    single = is_one(recordings)
    root = absolute(recordings.parent if single else recordings)
    if study_file is None and not single:
        study_file, more = find_study_file(root)
        notes += more
    if study_file is not None:
        return _plan_from_file(absolute(Path(study_file)), root, found, others, settings, notes, single=single)
    if not found:
        raise StudyError(
            "; ".join([f"{recordings}: no recording in this folder and those below it", what_it_holds(root), *notes])
            + ".",
            f"Name the folder that holds them ({FORMATS}), or export yours as EDF; hidden folders and results of swa "
            "are not searched.",
        )
    return _plan_from_names(root, found, others, settings, notes, single=single)


def write_template(study: Study, path: Path) -> None:
    """Write a study file to fill in; one in which somebody has written is kept."""
    from swa.tables.files import write_text  # here, because planning needs none of what the store imports

    text = _template_text(study)
    if not path.exists() or _is_untouched(path, text):
        write_text(text, path)


def _is_untouched(path: Path, text: str) -> bool:
    """Whether a template says nothing that `write_template` would not: rows of other recordings have no condition."""
    head, *rows = path.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    title, *planned = text.splitlines()
    recordings = {row.split("\t")[2] for row in planned}
    others = [row.split("\t") for row in rows if row not in planned]
    return head == title and all(len(row) == 3 and not row[1] and row[2] not in recordings for row in others)


def tell_template(study: Study, path: Path) -> str:
    """Say that the template which is there is not as it would be written; empty where it is."""
    if not study.needs_template or not path.is_file() or path.read_bytes() == _template_text(study).encode():
        return ""
    return (
        f"{path} is kept as it is: it was edited, or is of other recordings; once removed, the next run writes it anew"
    )


def _template_text(study: Study) -> str:
    """Subject and recording of every night, the condition empty."""
    from swa.tables.files import table_text

    template = study.nights[["subject", "recording"]].copy()
    template.insert(1, "condition", "")
    return table_text(template)


# --- from a study file


def _plan_from_file(
    file: Path,
    root: Path,
    found: Sequence[Path],
    others: Sequence[Path],
    settings: Settings,
    notes: list[str],
    *,
    single: bool,
) -> Study:
    names = [path.relative_to(root).as_posix() for path in found]
    table = read_study_file(file, names)
    if layout := find_layout(names, others):
        settings = layout[0].complete(settings)
    notes = [*notes, *note_copies(file)]
    rows, problems = table.rows.copy(), list(table.problems)
    given = {str(column) for column in rows.columns}
    tables = [path.relative_to(root).as_posix() for path in others if path != file]
    staged, misplaced = _place_files(rows, (file.parent, root), names, tables)
    problems += misplaced
    problems += _find_repeated_recordings(rows)
    alone: list[str] = []
    if {"subject", "condition"} <= set(rows):
        alone = name_nights_before(rows, settings.comparison.baseline)
        rows["session"] = _fill_sessions(rows)
        rows = _add_labels(rows)
        problems += _check_labels(rows, lambda row: f"row {row}", given)
    if problems:
        raise StudyError(_list_problems(file.name, problems), _CORRECT + (table.read_as and f" The {table.read_as}."))
    if single:
        rows = rows[[os.path.realpath(path) == os.path.realpath(found[0]) for path in rows["path"]]]
        if not len(rows):
            raise StudyError(f"{file.name}: no row names {found[0].name}.", "Add one, or leave out --study.")
    elif not any(rows["path"]):
        raise StudyError(
            f"{file.name}: none of its {len(rows)} recordings is there; {rows['problem'].iloc[0]}.",
            f"Recordings are looked for beside the study file and in {root}.",
        )
    plan = add_scorings(
        rows, settings.scoring, staged, root=root, recordings=found, others=[path for path in others if path != file]
    )
    told = plan.tell(root)
    carried = note_carried([str(name) for name in table.rows], KNOWN, settings.comparison.covariates)
    adapting = mark_adaptation(rows, settings.comparison.baseline)
    alone += fill_arms(rows, settings.comparison.baseline)
    others_scorings = find_others_scorings(rows)
    lights = find_misfits(rows, settings)
    notes = [
        *notes,
        *(f"row {row}: {wrong}" for found in (others_scorings, lights) for row, wrong in found.items()),
        *find_near_names(rows).values(),
        *note_other_subjects(rows),
        *table.notes,
        *carried,
        *adapting,
        *alone,
        *_note_unused(rows, found),
    ]
    notes += [*_note_conditions(rows, settings), *told]
    rows = convert_columns(rows, decimal_comma=table.decimal_comma)
    nights, orders = order_by_dates(_arrange(rows))
    if "session" not in given:
        parts = find_parts(rows, settings, rows.index[excluded_by_file(rows)])
        notes += note_repeated_conditions(rows.drop(index=list(parts)))
    notes += [*orders, *note_orders(nights), *note_same_places(rows), *_note_dates(nights, rows.index)]
    source = f"study file {file.name}"
    return Study(
        root=root, nights=nights, source=source, notes=tuple(notes), scorings=plan, settings=settings, has_file=True
    )


def _place_files(
    rows: pd.DataFrame, bases: tuple[Path, Path], names: Sequence[str], tables: Sequence[str]
) -> tuple[list[bool], list[str]]:
    """Set where recordings and scorings of the rows lie; say whom YASA is to stage, and what is wrong in which row."""
    scorings = [str(cell) for cell in rows["hypnogram"]] if "hypnogram" in rows else [""] * len(rows)
    staged = [scoring.casefold() in FORCE_STAGING for scoring in scorings]
    scorings = ["" if force else scoring for scoring, force in zip(scorings, staged, strict=True)]
    subjects = [str(name) for name in rows.get("subject", [""] * len(rows))]
    written = [str(cell) for cell in rows["recording"]] if "recording" in rows else [""] * len(rows)
    located = locate_all(written, bases, names, subjects)
    folders = [Path(place.path).parent.as_posix() if place.path else "" for place in located]
    places = {"recording": located, "hypnogram": locate_all(scorings, bases, tables, subjects, folders)}
    rows["recording"] = [place.text for place in places["recording"]]
    rows["path"] = [place.path for place in places["recording"]]
    rows["hypnogram"] = [place.path for place in places["hypnogram"]]
    rows["problem"] = [
        recording.problem or (hypnogram.problem and f"hypnogram {hypnogram.problem}")
        for recording, hypnogram in zip(places["recording"], places["hypnogram"], strict=True)
    ]
    wrong = [
        f"row {row}, {column}: {place.wrong}"
        for column, found in places.items()
        for row, place in zip(rows.index, found, strict=True)
        if place.wrong
    ]
    return staged, wrong


def _find_repeated_recordings(rows: pd.DataFrame) -> list[str]:
    first: dict[str, object] = {}
    problems = []
    for row, path, recording in zip(rows.index, rows["path"], rows["recording"], strict=True):
        earlier = first.setdefault(os.path.normcase(os.path.realpath(path)), row) if path else row
        if earlier != row:
            problems.append(f"row {row}, recording: {recording!r} is also the recording of row {earlier}")
    return problems


def _fill_sessions(rows: pd.DataFrame) -> list[str]:
    """Name sessions that have no name by their condition, numbered when it repeats: `baseline`, `baseline2`."""
    given = [str(session) for session in rows["session"]] if "session" in rows else [""] * len(rows)
    taken = {(subject, file_label(name).lower()) for subject, name in zip(rows["subject"], given, strict=True) if name}
    sessions = []
    for subject, condition, session in zip(rows["subject"], rows["condition"], given, strict=True):
        count, name = 1, session or str(condition)
        while not session and (subject, file_label(name).lower()) in taken:
            count += 1
            name = f"{condition}{count}"
        taken.add((subject, file_label(name).lower()))
        sessions.append(name)
    return sessions


def _note_unused(rows: pd.DataFrame, found: Iterable[Path]) -> list[str]:
    used = {os.path.realpath(path) for path in rows["path"] if path}
    unused = [path.name for path in found if os.path.realpath(path) not in used]
    if not unused or len(rows) == 0:
        return []
    shown = ", ".join(unused[:5]) + (", …" if len(unused) > 5 else "")
    return [f"recordings that the study file does not name are left out: {shown}"]


def _list_problems(name: str, problems: Sequence[str]) -> str:
    if len(problems) == 1:
        return f"{name}: {problems[0]}."
    lines = [f"  - {problem}" for problem in problems[:MOST_PROBLEMS]]
    if more := len(problems) - len(lines):
        lines.append(f"  and {more} more")
    return f"{name}: {len(problems)} problems:\n" + "\n".join(lines) + "\n"


# --- from names


def _plan_from_names(
    root: Path,
    found: Sequence[Path],
    others: Sequence[Path],
    settings: Settings,
    notes: list[str],
    *,
    single: bool,
) -> Study:
    found, more = leave_out_others(root, found)
    notes = [*notes, *more]
    called = _names_of_nights(root, found)
    told = _read_names(root, list(called), others, settings, notes)
    plan, source, settings = told.plan, told.source, told.settings
    found = [called[name] for name in told.names]
    names = [printable(path.relative_to(root).as_posix()) for path in found]
    rows = plan.assign(recording=names, path=[str(path) for path in found], hypnogram="", problem="")
    rows.index = pd.Index(names)
    forced = [False] * len(rows)
    scorings = add_scorings(rows, settings.scoring, forced, root=root, recordings=found, others=others)
    notes = [*notes, *scorings.tell(root)]
    if source in (CONDITION_NAMES, OWN_SUBJECTS) and not single:  # data sets have tables of their own
        used = [*rows["hypnogram"], *(unused.path for unused in scorings.unused)]
        notes += note_tables(root, found, set(rows["subject"]), used)
    if source == OWN_SUBJECTS and single:
        notes = [*notes, "one recording is analysed by itself; give its folder to compare nights"]
    elif source == OWN_SUBJECTS:
        reason = "the names do not tell subject and condition, so nights cannot be compared"
        notes = [*notes, f"{OWN_SUBJECTS}: {reason}; {_STUDY_FILE}"]
    else:
        rows = _add_labels(rows)
        problems = _check_labels(rows, str, {"session"})
        problems += check_names(zip(names, rows["subject"], strict=True), zip(names, rows["condition"], strict=True))
        if problems:
            raise StudyError(
                _list_problems(f"The {source} of {root.name}", problems), "Rename them, or write a study file."
            )
        if (rows["condition"] != UNKNOWN_CONDITION).any():
            notes = [*notes, *find_near_names(rows.reset_index(drop=True)).values(), *_note_conditions(rows, settings)]
        elif source != BIDS_NAMES:
            notes = [*notes, f"the {source} tell subjects, and no conditions; {_STUDY_FILE}{told.advice}"]
    if adapting := mark_adaptation(rows, settings.comparison.baseline):
        rows["adaptation"] = rows["adaptation"] == "yes"
    adapting = [*adapting, *fill_arms(rows, settings.comparison.baseline)]
    nights, orders = order_by_dates(_arrange(rows))
    notes = [*notes, *adapting, *orders, *_note_dates(nights, rows.index)]
    return Study(root=root, nights=nights, source=source, notes=tuple(notes), scorings=scorings, settings=settings)


def _names_of_nights(root: Path, found: Sequence[Path]) -> dict[str, Path]:
    """Names that may tell of a night, with its recording: of files of one signal each (ZMax) that of their folder."""
    own = {printable(path.relative_to(root).as_posix()): path for path in found}
    called = {
        f"{printable(path.parent.relative_to(root).as_posix())}{path.suffix}"
        if path.parent != root and len(parts_of(path)) > 1
        else name: path
        for name, path in own.items()
    }
    return called if len(called) == len(own) else own


class _Told(NamedTuple):
    """What names tell: the nights, how they were read, the recordings that are nights, and settings of the data set.

    `advice` ends the sentence that no condition is known.
    """

    plan: pd.DataFrame
    source: str
    names: list[str]
    settings: Settings
    advice: str = ""


def _read_names(root: Path, names: list[str], others: Sequence[Path], settings: Settings, notes: list[str]) -> _Told:
    """Read the names by the first rule that explains all of them; takes notes."""
    if (bids := read_bids_names(names, settings.comparison.baseline)) is not None:
        plan, described = describe_nights(root, bids.nights)
        notes += described
        if bids.unsure and (plan["condition"] == UNKNOWN_CONDITION).any():
            could = " or ".join(f"{key}- ({', '.join(labels)})" for key, labels in bids.unsure.items())
            notes.append(f"the condition could stand behind {could}, so nights cannot be compared; {_STUDY_FILE}")
        return _Told(plan, BIDS_NAMES, names, settings)
    if (found := find_layout(names, others)) is not None:
        layout, plan, kept = found
        if left := [name for name in names if name not in kept]:
            notes.append(f"{len(left)} recordings are no nights of {layout.name}: {', '.join(left[:5])}")
        return _Told(plan, f"names of {layout.name}", kept, layout.complete(settings), layout.advice(plan))
    if (condition_names := read_condition_names(names, settings.comparison.baseline)) is not None:
        return _Told(condition_names, CONDITION_NAMES, names, settings)
    return _Told(own_subjects(names), OWN_SUBJECTS, names, settings)


# --- for both


def _add_labels(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(
        subject_label=[file_label(str(subject)) for subject in rows["subject"]],
        session_label=[file_label(str(session)) for session in rows["session"]],
    )


def _check_labels(rows: pd.DataFrame, where: Callable[[object], str], given: set[str]) -> list[str]:
    """Find names that become the same in file names, also by case alone, for Windows and macOS have no other."""
    problems = []
    subjects: dict[str, tuple[str, object]] = {}
    sessions: dict[tuple[str, str], tuple[str, object]] = {}
    for row, subject, session, label, session_label in zip(
        rows.index, rows["subject"], rows["session"], rows["subject_label"], rows["session_label"], strict=True
    ):
        session_column = "session" if "session" in given else "condition"
        for column, name, text in (("subject", subject, label), (session_column, session, session_label)):
            if name and (not text or len(text) > LONGEST_LABEL):
                limits = f"file names keep a-z and 0-9 only, 1 to {LONGEST_LABEL} of them"
                problems.append(f"{where(row)}, {column}: {shown(str(name))} makes no name for files ({limits})")
        first, first_row = subjects.setdefault(label.lower(), (subject, row))
        if first != subject and label:
            same = f"{subject!r} and {first!r} ({where(first_row)}) are the same in file names"
            problems.append(f"{where(row)}, subject: {same}")
        elif label and session_label:
            key = (label.lower(), session_label.lower())
            first, first_row = sessions.setdefault(key, (session, row))
            if first_row != row:
                same = f"{session!r} of subject {subject!r} is also that of {where(first_row)}"
                alike = "" if first == session else f", as {first!r}, which is the same in file names"
                problems.append(f"{where(row)}, {session_column}: {same}{alike}")
    return problems


def _note_conditions(rows: pd.DataFrame, settings: Settings) -> list[str]:
    counts = Counter(str(condition) for condition in rows["condition"])
    words = settings.comparison.baseline
    notes = ["conditions: " + ", ".join(f"{name} ({counts[name]})" for name in sorted(counts, key=natural_key))]
    if not {word.casefold() for word in words} & {name.casefold() for name in counts}:
        notes.append(
            f"no condition is a baseline ({', '.join(words)}), so nights cannot be compared; "
            'write two lines into a file, [comparison] and baseline = "NAME" (one of these conditions), '
            "and give it with --settings FILE"
        )
    return notes


def _note_dates(nights: pd.DataFrame, where: pd.Index) -> list[str]:
    """Stated dates that are not those of the recordings; `where` has the row, or the recording, of each night."""
    rows = [f"row {name}" if isinstance(name, int | np.integer) else str(name) for name in where]
    wrong = [
        f"{rows[place]}: {told}{counts and f'; until one is corrected {counts}'}"
        for place, (told, counts) in find_wrong_dates(nights).items()
    ]
    return [*note_moved_dates(nights), *wrong]


def _arrange(rows: pd.DataFrame) -> pd.DataFrame:
    others = [column for column in rows.columns if column not in NIGHT_COLUMNS]
    return pd.DataFrame({column: rows[column].tolist() for column in (*NIGHT_COLUMNS, *others)})
