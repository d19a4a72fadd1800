"""Stored nights that the plan no longer names, as after a subject was renamed or taken out."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from swa.study.plan.manifest import Study
from swa.study.store import NightFolder


def find_strays(results: Path, study: Study) -> tuple[str, ...]:
    """Folders of stored nights that are of no night of the plan, relative to the results."""
    return tuple(folder.path.parent.relative_to(results).as_posix() for folder in _strays(results, study))


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
