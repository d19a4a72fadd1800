"""Stored nights that the plan no longer names, as after a subject was renamed or taken out."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from swa.errors import StudyError
from swa.study.plan.manifest import Study
from swa.study.store import NightFolder
from swa.tables.files import read_table


def find_strays(results: Path, study: Study) -> tuple[str, ...]:
    """Folders of stored nights that are of no night of the plan, relative to the results."""
    return tuple(folder.path.parent.relative_to(results).as_posix() for folder in _strays(results, study))


def check_same_study(results: Path, study: Study) -> None:
    """Refuse a folder that holds the results of another study: their tables and pages would be written over.

    Raises
    ------
    StudyError
        It has nights, and neither a name nor a recording of them is in the plan.
    """
    file = results / "nights.tsv"
    there = read_table(file) if file.is_file() else pd.DataFrame()
    columns = ["subject", "session", "recording"]
    if there.empty or not set(columns) <= set(there):
        return
    stored, planned = (table[columns].astype(str) for table in (there, study.nights))
    names = [set(zip(table["subject"], table["session"], strict=True)) for table in (stored, planned)]
    if names[0] & names[1] or set(stored["recording"]) & set(planned["recording"]):
        return
    first = stored.iloc[0]
    raise StudyError(
        f"{results} holds the results of another study: of its {len(stored)} nights ({first['subject']} "
        f"{first['session']}, {first['recording']}, …) none is in {study.root}.",
        "Name another folder with -o, or give --prune to replace them.",
    )


def remove_strays(results: Path, study: Study) -> None:
    """Remove the files of these nights, and the folders that are empty then; whatever else lies there stays."""
    for folder in _strays(results, study):
        for path in folder.path.glob(f"{folder.stem}_*"):
            path.unlink()
        with contextlib.suppress(OSError):  # a folder that is not empty
            for empty in (folder.path, folder.path.parent, folder.path.parent.parent):
                empty.rmdir()


def _strays(results: Path, study: Study) -> Iterator[NightFolder]:
    planned = set(zip(study.nights["subject_label"], study.nights["session_label"], strict=True))
    for path in sorted(results.glob("sub-*/ses-*/eeg")):
        subject, session = path.parent.parent.name.removeprefix("sub-"), path.parent.name.removeprefix("ses-")
        folder = NightFolder(results, subject, session)
        if (subject, session) not in planned and any(path.glob(f"{folder.stem}_*")):
            yield folder
