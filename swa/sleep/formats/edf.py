"""Stages that stand as annotations in an EDF+ or BDF+ file: a scoring of its own, or the recording itself.

Annotations are UTF-8 by the standard, and latin-1 in files of many vendors.
"""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.errors import ScoringError
from swa.recordings.edf.header import start_and_clock
from swa.settings import ScoringSettings
from swa.sleep.formats.codes import is_stage_word, known_words
from swa.sleep.formats.document import NO_DATE, Document, Marks, read_any_text
from swa.sleep.formats.tables import from_changes

_HEAD = 256
_BDF = b"\xffBIOSEMI"
_TAL = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15(\d*(?:\.\d*)?))?\x14([^\x00]*?)\x14(?=\x00)")


class _Annotation(NamedTuple):
    onset_s: float
    duration_s: float
    text: str


def is_edf(document: Document) -> bool:
    """Whether a file is an EDF or BDF by its ending or its first bytes."""
    return document.suffix in (".edf", ".bdf") or document.head.startswith((b"0       ", _BDF))


def holds_annotations(path: Path) -> bool:
    """Whether the header of an EDF or BDF names a signal of annotations."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            labels = file.read(16 * int(head[252:256]))
    except (OSError, ValueError):
        return False
    return re.search(rb"[EB]DF Annotations", labels) is not None


def read_edf(document: Document, settings: ScoringSettings) -> Marks:
    """Annotations, each with its duration; where no stage has one, it lasts until the next."""
    try:
        first_s, annotations = _read_annotations(document.path)
    except (ValueError, IndexError, OSError, OverflowError) as error:
        raise ScoringError(
            f"{document.name}: not a readable EDF+ scoring ({type(error).__name__}).", "Export the scoring again."
        ) from None
    moment, clock = start_and_clock(document.head, first_s)
    start = pd.Timestamp(moment) if moment is not None else None
    if start is None and clock is not None:
        start = NO_DATE + pd.Timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)
    labels = [annotation.text for annotation in annotations]
    onsets = np.array([annotation.onset_s for annotation in annotations], dtype=float)
    durations = np.array([annotation.duration_s for annotation in annotations], dtype=float)
    words = known_words(settings.codes)
    stages = [i for i, text in enumerate(labels) if text.strip() and is_stage_word(text, words)]
    if not stages:
        raise ScoringError(
            f"{document.name}: none of its {len(annotations)} annotations is a sleep stage.",
            "Stages are annotations such as 'Sleep stage W', 'Sleep stage N2'; [scoring] codes names others.",
        )
    ends = onsets + durations
    if not durations[stages].any():
        order = sorted(stages, key=lambda i: onsets[i])
        ends[order] = _until_the_next(document, onsets[order], [labels[i] for i in order], settings.epoch_s)
    return Marks(onsets_s=onsets, ends_s=ends, labels=labels, others=True, start=start)


def _until_the_next(
    document: Document, onsets: NDArray[np.float64], labels: list[str], epoch_s: float
) -> NDArray[np.float64]:
    marks = from_changes(document, onsets, labels, epoch_s)
    return np.append(marks.ends_s, onsets[len(marks.ends_s) :])


def _read_annotations(path: Path) -> tuple[float, list[_Annotation]]:
    """Onset of the first data record, and annotations from there on in order of time."""
    raw = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
    head = raw[:_HEAD].tobytes()
    width = 3 if head.startswith(_BDF) else 2
    n_signals = int(head[252:256])
    fields = raw[_HEAD : _HEAD * (1 + n_signals)].tobytes()
    samples = [int(fields[216 * n_signals + 8 * i :][:8]) for i in range(n_signals)]
    edges = width * np.cumsum([0, *samples])
    labels = [fields[16 * i :][:16].strip() for i in range(n_signals)]
    record_bytes = int(edges[-1])
    data = raw[_HEAD * (1 + n_signals) :]
    records = data[: len(data) // record_bytes * record_bytes].reshape(-1, record_bytes)
    found: list[_Annotation] = []
    first_s = None
    for i, label in enumerate(labels):
        if label not in (b"EDF Annotations", b"BDF Annotations"):
            continue
        blocks = np.ascontiguousarray(records[:, edges[i] : edges[i + 1]])
        for block in blocks:
            for onset, duration, texts in _TAL.findall(block.tobytes()):
                first_s = float(onset) if first_s is None else first_s
                found += [
                    _Annotation(float(onset), float(duration or 0), read_any_text(text))
                    for text in texts.split(b"\x14")
                    if text
                ]
    start_s = first_s or 0.0
    return start_s, sorted(one._replace(onset_s=one.onset_s - start_s) for one in found)
