"""Stages that stand among annotations: in an EDF+ or BDF+ that is a scoring of its own, or in the recording itself.

Annotations of EDF+ are UTF-8 by the standard, and latin-1 in files of many vendors. Those of the formats that mne reads
(markers of BrainVision, events of EEGLAB, annotations of FIF) are read through it.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.errors import RecordingError, ScoringError
from swa.recordings.edf.header import Header, read_header, start_and_clock
from swa.recordings.formats import READ_BY_MNE, ending_of
from swa.recordings.mne_raw import read_annotations
from swa.settings import ScoringSettings
from swa.sleep.formats.codes import (
    MOST_LABELS,
    NIGHT_EPOCHS,
    SAME_AGAIN,
    is_code,
    is_night_of_codes,
    is_stage_word,
    known_words,
    may_be_stages,
    plain_word,
)
from swa.sleep.formats.document import NO_DATE, Document, Marks, choose_scorer, read_any_text
from swa.sleep.formats.tables import epoch_step, from_changes

_FEW_RECORDS = 600
_BLOCK = 60
_BDF = b"\xffBIOSEMI"
# A stage behind or before the person who has scored it: `KS: Sleep stage N2`, `Sleep stage N2 (KS)`.
_SCORERS = (
    re.compile(r"(?P<who>[^:@()]{1,20}?)(?:: ?| - )(?P<stage>.+)"),
    re.compile(r"(?P<stage>.+?)(?: ?\((?P<who>[^()]{1,20})\))"),
    re.compile(r"(?P<stage>.+?)@@(?P<who>.{1,20})"),
)
_OF_STAGES = re.compile(r"(?:sleep ?)?(?:stag(?:es?|ing)|scoring)/|hypnogram/|comment/", re.IGNORECASE)
_EPOCHS_S = (20.0, 30.0)  # of a night in words that nobody knows
_FEWEST_STAGES = 20  # of a scorer
_RUN_STEP_S, _NEAR_S, _MOSTLY_FOLLOW, _LONGEST_RUN_S = 10.0, 0.1, 0.8, 6 * 3600.0  # of stages in stretches
SHORTEST_STAGE_S = 0.5
_TAL = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15(\d*(?:\.\d*)?))?\x14([^\x00]*?)\x14(?=\x00)")


class _Annotation(NamedTuple):
    onset_s: float
    duration_s: float
    text: str


def is_edf(document: Document) -> bool:
    """Whether a file is an EDF or BDF by its ending or its first bytes."""
    return document.suffix in (".edf", ".bdf") or (
        not is_read_by_mne(document) and document.head.startswith((b"0       ", _BDF))
    )


def is_read_by_mne(document: Document) -> bool:
    """Whether a file is a recording of a format that mne reads."""
    return ending_of(document.name) in READ_BY_MNE


def may_hold_stages(path: Path, settings: ScoringSettings) -> bool:
    """Whether stages stand among the annotations of a recording, by a look at a tenth of it.

    Most recordings have none, and reading every annotation of one means reading all of its pages.
    """
    words = {word for word, stage in known_words(settings.codes).items() if word and stage != "UNS"}
    try:
        if ending_of(path.name) in READ_BY_MNE:
            marks = _read_by_mne(path)
            return any(_is_stage(mark.text, words) for mark in marks) or bool(_night_without_words(marks))
        header = read_header(path, of_scoring=True)
        parts = (part for place in _sample(header.n_records) for part in _annotation_records(header, *place))
        few = Counter[str]()
        for one in (one for part in parts for one in _annotations_in(part)):
            if _is_stage(one.text, words):
                return True
            few[one.text] += max(1, int(one.duration_s // max(_EPOCHS_S)))
        return max(few.values(), default=0) >= _FEWEST_STAGES and bool(_night_without_words(_read_annotations(path)[1]))
    except (RecordingError, OSError):
        return False


def _is_stage(text: str, words: Collection[str]) -> bool:
    """Whether a label is a stage, by itself or as scored by somebody; a letter behind a word is a side as well."""
    return plain_word(text) in words or any(
        len(stage) > 1 and plain_word(stage) in words for _, stage in _ways_to_cut(text)
    )


def _ways_to_cut(text: str) -> list[tuple[str, str]]:
    """A scorer and the label, by each way to write both."""
    found = [pattern.fullmatch(text) for pattern in _SCORERS]
    return [(match["who"].strip(), match["stage"].strip()) for match in found if match]


def _stages_by_scorer(labels: Sequence[str], words: Mapping[str, str]) -> dict[str, dict[int, str]]:
    """Positions and stages of each scorer whose name stands in the labels, of those who have scored a night."""
    found: dict[str, dict[int, str]] = {}
    for i, label in enumerate(labels):
        if plain_word(label) not in words:
            for who, stage in _ways_to_cut(label):
                if words.get(plain_word(stage), ""):
                    found.setdefault(who, {})[i] = stage
    return {
        who: stages
        for who, stages in found.items()
        if len(stages) >= _FEWEST_STAGES and len({words[plain_word(stage)] for stage in stages.values()} - {"UNS"}) > 2
    }


def _sample(n_records: int) -> list[tuple[int, int]]:
    """The first records and blocks throughout; all of them where they are few."""
    starts = range(_FEW_RECORDS // _BLOCK * _BLOCK, n_records, 10 * _BLOCK)
    return [(0, min(_FEW_RECORDS, n_records)), *((start, min(start + _BLOCK, n_records)) for start in starts)]


def _night_of_codes(annotations: Sequence[_Annotation]) -> list[int]:
    """Those that are the number codes of a night, one an epoch or a run; none where they mark something else."""
    codes = [i for i, one in enumerate(annotations) if is_code(one.text)]
    onsets = np.array([annotations[i].onset_s for i in codes])
    labels = [annotations[i].text for i in codes]
    if is_night_of_codes(labels) and epoch_step(onsets) is not None:
        return codes
    # Runs of whole epochs, each from the end of the one before it.
    durations = np.array([annotations[i].duration_s for i in codes])
    epochs = np.round(durations / _RUN_STEP_S)
    off = np.abs(durations - _RUN_STEP_S * epochs)
    if len(codes) < 2 or np.any((epochs < 1) | (durations > _LONGEST_RUN_S) | (off > _NEAR_S)):
        return []
    if np.mean(np.abs(onsets[1:] - onsets[:-1] - durations[:-1]) < _NEAR_S) < _MOSTLY_FOLLOW:
        return []
    run = [label for label, n in zip(labels, epochs.astype(int), strict=True) for _ in range(n)]
    return codes if is_night_of_codes(run) else []


def annotations_of(document: Document) -> list[str]:
    """Texts of the annotations of a recording, or of a scoring as EDF+, in order of time."""
    if is_read_by_mne(document):
        return [mark.text for mark in _read_by_mne(document.path)]
    return [mark.text for mark in _read_annotations(document.path)[1]]


def _night_without_words(annotations: Sequence[_Annotation]) -> list[int]:
    """Those that are epochs of a night: number codes, or a few labels that nobody knows, one an epoch and no other."""
    codes = _night_of_codes(annotations)
    labels = [one.text for one in annotations]
    again = sum(one == other for one, other in pairwise(labels))
    step = epoch_step(np.array([one.onset_s for one in annotations]))
    few = len(labels) >= NIGHT_EPOCHS and 3 < len({*labels}) <= MOST_LABELS and again >= SAME_AGAIN * len(labels)
    return codes or [i for i in range(len(labels)) if few and step in _EPOCHS_S]


def read_edf(document: Document, settings: ScoringSettings) -> Marks:
    """Annotations of an EDF+, at its clock times."""
    try:
        first_s, annotations = _read_annotations(document.path)
    except RecordingError as error:
        raise ScoringError(error.problem, error.remedy) from None
    moment, clock = start_and_clock(document.head, first_s)
    start = pd.Timestamp(moment) if moment is not None else None
    if start is None and clock is not None:
        start = NO_DATE + pd.Timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)
    return _among(document, annotations, settings, start)


def read_through_mne(document: Document, settings: ScoringSettings) -> Marks:
    """Annotations of a recording that mne reads, from its first sample."""
    return _among(document, _read_by_mne(document.path), settings, None)


def _read_by_mne(path: Path) -> list[_Annotation]:
    """In order of time; the type of a marker of BrainVision that only says that this is a stage is left out."""
    marks = sorted(_Annotation(*mark) for mark in read_annotations(path))
    return [mark._replace(text=_OF_STAGES.sub("", mark.text)) for mark in marks]


def _among(
    document: Document, annotations: Sequence[_Annotation], settings: ScoringSettings, start: pd.Timestamp | None
) -> Marks:
    """The stages among annotations, each with its duration; where no stage has one, it lasts until the next."""
    labels = [annotation.text for annotation in annotations]
    onsets = np.array([annotation.onset_s for annotation in annotations], dtype=float)
    durations = np.array([annotation.duration_s for annotation in annotations], dtype=float)
    words = known_words(settings.codes)
    scorers = _stages_by_scorer(labels, words)
    if scorers:
        plain = any(words.get(plain_word(text), "UNS") != "UNS" for text in labels if text)
        who = "" if plain and settings.column not in scorers else _choose_person(document, scorers, settings.column)
        theirs = {i for stages in scorers.values() for i in stages}
        kept = list(scorers[who]) if who else [i for i in range(len(labels)) if i not in theirs]
        labels = list(scorers[who].values()) if who else [labels[i] for i in kept]
        onsets, durations, scorers = onsets[kept], durations[kept], {} if who else scorers
    stages = [i for i, text in enumerate(labels) if text.strip() and is_stage_word(text, words)]
    stages = stages or _night_of_codes(annotations)
    if not stages and _night_without_words(annotations):
        raise may_be_stages(document.name, labels)
    if not stages:
        raise ScoringError(
            f"{document.name}: none of its {len(annotations)} annotations is a sleep stage.",
            "Stages are annotations such as 'Sleep stage W', 'Sleep stage N2'; [scoring] codes names others.",
        )
    ends = onsets + durations
    until_next = bool((durations[stages] < SHORTEST_STAGE_S).all())  # a marker of BrainVision lasts one sample
    if until_next:
        order = sorted(stages, key=lambda i: onsets[i])
        ends[order] = _until_the_next(document, onsets[order], [labels[i] for i in order], settings.epoch_s)
    notes = [f"{who} has scored it, too, and is not used; [scoring] column names the scorer" for who in scorers]
    return Marks(
        onsets_s=onsets, ends_s=ends, labels=labels, others=True, start=start, until_next=until_next, notes=notes
    )


def _choose_person(document: Document, scorers: Mapping[str, Mapping[int, str]], wanted: str) -> str:
    """The scorer that the settings name, or any of those who agree.

    Raises
    ------
    AmbiguousScoringError
        They differ, and the settings name none of them.
    """
    names = list(scorers)
    alike = len({tuple(map(plain_word, stages.values())) for stages in scorers.values()}) == 1
    return names[0 if alike and wanted not in names else choose_scorer(document, names, wanted)]


def _until_the_next(
    document: Document, onsets: NDArray[np.float64], labels: list[str], epoch_s: float
) -> NDArray[np.float64]:
    marks = from_changes(document, onsets, labels, epoch_s)
    return np.append(marks.ends_s, onsets[len(marks.ends_s) :])


def _read_annotations(path: Path) -> tuple[float, list[_Annotation]]:
    """Onset of the first data record, and annotations from there on in order of time."""
    header = read_header(path, of_scoring=True)
    found = [one for records in _annotation_records(header, 0, header.n_records) for one in _annotations_in(records)]
    start_s = found[0].onset_s if found else 0.0
    return start_s, sorted(one._replace(onset_s=one.onset_s - start_s) for one in found if one.text)


def _annotations_in(records: NDArray[np.uint8]) -> Iterator[_Annotation]:
    """Annotations as they stand in the records; those that only keep the time have no text."""
    for record in np.ascontiguousarray(records):
        for onset, duration, texts in _TAL.findall(record.tobytes()):
            for text in texts.split(b"\x14"):
                yield _Annotation(float(onset), float(duration or 0), read_any_text(text))


def _annotation_records(header: Header, first: int, end: int) -> list[NDArray[np.uint8]]:
    """Bytes of each signal of annotations, a row a data record."""
    return [header.read_records(first, end, header.columns(signal)) for signal in header.annotations]
