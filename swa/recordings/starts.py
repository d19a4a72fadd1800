"""The start that a recording states, whatever its format."""

import datetime
from functools import lru_cache
from pathlib import Path

from swa.errors import RecordingError
from swa.recordings.edf import header
from swa.recordings.edf.fields import HIDDEN_DATE
from swa.recordings.formats import READ_BY_MNE, ending_of, files_of

# EEGLAB has no place for a date, and mne reads the samples with the rest of such a file.
_WITHOUT_DATE = (".set",)
_MOST_KEPT = 4096


def read_start(path: str | Path) -> datetime.datetime | None:
    """Start that a recording states; None where it is hidden, wrong or not there, or nothing can be read.

    Parameters
    ----------
    path : str or Path
        The recording, of which the header is read.
    """
    path = Path(path)
    if ending_of(path.name) not in READ_BY_MNE:
        return header.read_start(path)
    if ending_of(path.name) in _WITHOUT_DATE:
        return None
    try:
        changed = tuple(file.stat().st_mtime_ns for file in files_of(path))
    except OSError:
        return None
    return _start_by_mne(path, changed)


@lru_cache(_MOST_KEPT)
def _start_by_mne(path: Path, changed: tuple[int, ...]) -> datetime.datetime | None:  # noqa: ARG001
    """Start by mne, which takes its time: it is asked for several times while a study is planned."""
    from swa.recordings.mne_raw import open_raw, start_of

    try:
        start = start_of(open_raw(path, READ_BY_MNE[ending_of(path.name)]))
    except RecordingError:  # told when the recording itself is read
        return None
    return None if start is None or start.date() == HIDDEN_DATE else start
