"""What the tables of a BIDS data set tell of its nights: participants, sessions, channels.

The tables are read here, and not by mne-bids: its public functions give entities and paths, but participants.tsv and
channels.tsv only through `read_raw_bids`, which opens the recording with a reader that closes gaps silently.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from swa.errors import RecordingError
from swa.recordings.channels import normalise_unit
from swa.recordings.formats import stem_of
from swa.recordings.recording import read_recording
from swa.settings import Settings
from swa.study.plan.columns import name_apart
from swa.study.plan.names import printable
from swa.study.plan.study_file import KNOWN, REQUIRED, check_cells, convert_columns
from swa.tables.files import read_json

LEVELS = 4  # a recording lies at most so far below the root: root/sub-01/ses-a/eeg
OTHER_FORMATS = (".cnt", ".ds")

_SUFFIX = re.compile(r"_(?:eeg|psg)$", re.IGNORECASE)
_TAKEN = {*REQUIRED, "session", "hypnogram"}


def find_root(folder: Path) -> Path | None:
    """The folder with `dataset_description.json` of BIDS, this one or one above it."""
    for place in [folder, *folder.parents][: LEVELS + 1]:
        if "BIDSVersion" in read_json(place / "dataset_description.json"):
            return place
    return None


def leave_out_others(root: Path, found: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Recordings that are EEG or PSG by their name, and notes on what a data set holds beside them."""
    if find_root(root) is None:
        return list(found), []
    kept = [path for path in found if _SUFFIX.search(stem_of(path.name))]
    notes = []
    if 0 < len(kept) < len(found):
        notes.append(
            f"{len(found) - len(kept)} files of the BIDS data set are left out: their names do not end in _eeg"
        )
    unread = [
        name
        for _, folders, names in os.walk(root)
        for name in [*folders, *names]
        if any(name.lower().endswith(f"_eeg{ending}") for ending in OTHER_FORMATS)
    ]
    if unread:
        shown = printable(sorted(unread)[0])
        notes.append(f"{len(unread)} recordings of other formats are left out ({shown}, …); export them as EDF or BDF")
    return kept or list(found), notes


def describe_nights(root: Path, plan: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Add what participants.tsv and sessions.tsv tell to nights that were read from BIDS names.

    Parameters
    ----------
    root : Path
        The folder of recordings.
    plan : DataFrame
        `subject`, `session`, `condition` and `ses`, the label of the session in the name.

    Returns
    -------
    plan : DataFrame
        With the condition that the column `condition` or `treatment` of sessions.tsv gives, with `age`, `sex` (F, M),
        and with the other columns of both tables; those of sessions.tsv come first.
    notes : list of str
        Columns that could not be used.
    """
    place = find_root(root) or root
    people = _read_table(place / "participants.tsv", "participant_id", "sub-")
    sessions = {
        subject: _read_table(place / f"sub-{subject}" / f"sub-{subject}_sessions.tsv", "session_id", "ses-")
        for subject in plan["subject"].unique()
    }
    of_session = [sessions[s].get(label, {}) for s, label in zip(plan["subject"], plan.pop("ses"), strict=True)]
    told = [people.get(subject, {}) | row for subject, row in zip(plan["subject"], of_session, strict=True)]
    columns = [name for name in dict.fromkeys(name for row in told for name in row) if name not in _TAKEN]
    condition = next((name for name in ("condition", "treatment") if any(name in row for row in of_session)), "")
    spelling: dict[str, str] = {}  # of a condition: the first one found
    given = [row.get(condition, "") for row in of_session]
    given = [spelling.setdefault(name.casefold(), name) for name in given]
    plan = plan.assign(condition=[new or old for new, old in zip(given, plan["condition"], strict=True)])
    cells = {name_apart(name, KNOWN): [row.get(name, "") for row in told] for name in columns}
    table = pd.DataFrame(cells, dtype=object)
    table.index = pd.RangeIndex(1, len(told) + 1)
    notes = _tidy(table)
    described = convert_columns(table, decimal_comma=False)
    described.index = plan.index
    return pd.concat([plan, described], axis=1), notes


def _tidy(table: pd.DataFrame) -> list[str]:
    """Write ages and sexes as a study file has them, in place, and drop columns that mean something else than there."""
    if "age" in table:
        table["age"] = [str(cell).rstrip("+") for cell in table["age"]]  # 89+ keeps the oldest anonymous
    if "sex" in table:
        sexes = {"m": "M", "male": "M", "f": "F", "female": "F"}
        table["sex"] = [sexes.get(str(cell).lower(), "") for cell in table["sex"]]
    notes: list[str] = []
    for column in [column for column in table if column in KNOWN]:
        checked = table[[column]].copy()
        problems = check_cells(checked, decimal_comma=False, notes=notes)
        if problems:
            more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
            notes.append(f"column {column!r} of the BIDS tables is not used: {problems[0].partition(': ')[2]}{more}")
            del table[column]
        else:
            table[column] = checked[column]
    return notes


def _read_table(path: Path, key: str, prefix: str) -> dict[str, dict[str, str]]:
    """Rows of a table of BIDS by their label without prefix; empty where it is not there or no such table."""
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, encoding="utf-8-sig", on_bad_lines="skip")
    except (OSError, ValueError):  # a ParserError and a UnicodeDecodeError are ValueErrors
        return {}
    table.columns = [str(column).strip().lower() for column in table.columns]
    if key not in table:
        return {}
    rows = {}
    for row in table.to_dict("records"):
        cells = {
            str(name): "" if str(cell).lower() in ("n/a", "nan") else str(cell).strip() for name, cell in row.items()
        }
        rows[cells.pop(key).removeprefix(prefix)] = cells
    return rows


def channel_settings(path: Path, settings: Settings) -> Settings:
    """Settings with what channels.tsv of a BIDS data set tells of the channels of a recording.

    A channel whose `status` is bad is left alone; `units` count where the header of the recording has none that is
    known. What the settings say of a channel stays. The most specific table counts (inheritance principle).

    Parameters
    ----------
    path : Path
        A recording.
    settings : Settings
        The study's.
    """
    table = _find_channels(path)
    rows = _read_table(table, "name", "") if table else {}
    if not rows:
        return settings
    try:
        channels = read_recording(path, settings).channels
    except RecordingError:  # it is told when the recording is read
        return settings
    roles, units = dict(settings.channels.roles), dict(settings.channels.units)
    for channel in channels:
        for label in channel.labels:
            row = rows.get(label, {})
            if row.get("status", "").lower() == "bad":
                roles.setdefault(label, "ignore")
            unit = normalise_unit(row.get("units", ""))
            if unit and not normalise_unit(channel.unit):
                units.setdefault(label, unit)  # type: ignore[arg-type]
    known = settings.channels.model_copy(update={"roles": roles, "units": units})
    return settings.model_copy(update={"channels": known})


def _find_channels(path: Path) -> Path | None:
    stem = stem_of(path.name)
    if not _SUFFIX.search(stem) or not path.name.startswith("sub-"):
        return None
    entities = set(_SUFFIX.sub("", stem).split("_"))
    root = find_root(path.parent)
    for folder in [path.parent, *path.parent.parents][: LEVELS + 1]:
        fitting = [
            (len(parts), file)
            for file in folder.glob("*_channels.tsv")
            if (parts := set(file.name.removesuffix("_channels.tsv").split("_"))) <= entities
        ]
        if fitting:
            return max(fitting)[1]
        if folder == root or root is None:
            return None
    return None
