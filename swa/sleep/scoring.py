"""Hypnograms that a lab already has: read into `yasa.Hypnogram`, laid on the time line of the recording."""

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.errors import ScoringError
from swa.recordings.reader import Recording
from swa.settings import ScoringSettings

if TYPE_CHECKING:
    import yasa

STAGES = ("W", "N1", "N2", "N3", "R")
# Rechtschaffen & Kales' S3 and S4 are N3; movement time and everything unscored is no stage (AASM manual, 2007 on).
_LABELS = {
    "W": ("w", "wake", "sleep stage w", "stage w", "sleep_wake", "wach"),
    "N1": ("n1", "s1", "nrem1", "sleep stage 1", "sleep stage n1", "stage 1", "stage n1"),
    "N2": ("n2", "s2", "nrem2", "sleep stage 2", "sleep stage n2", "stage 2", "stage n2"),
    "N3": ("n3", "n4", "s3", "s4", "nrem3", "nrem4", "sleep stage 3", "sleep stage 4", "sleep stage n3", "stage n3"),
    "R": ("r", "rem", "sleep stage r", "stage r", "sleep stage rem"),
    "UNS": ("?", "uns", "unscored", "art", "mt", "movement time", "sleep stage ?", "unknown", "nan", "n/a", ""),
}
_STAGE_BY_LABEL = {label: stage for stage, labels in _LABELS.items() for label in labels}
_YASA_CODES = {"0": "W", "1": "N1", "2": "N2", "3": "N3", "4": "R", "-1": "UNS", "-2": "UNS"}
_PROFUSION_CODES = {"0": "W", "1": "N1", "2": "N2", "3": "N3", "4": "N3", "5": "R", "6": "UNS", "9": "UNS"}
# Stage-change tables with the columns Time and Stage (as pyDYNAM-O writes them) count depth upwards from N3.
_CHANGE_POINT_CODES = {"5": "W", "4": "R", "3": "N1", "2": "N2", "1": "N3", "0": "UNS", "6": "UNS"}
_EPOCHS_S = (30, 20, 15, 10, 5, 4, 2, 1)


def read_hypnogram(path: str | Path, settings: ScoringSettings | None = None) -> "yasa.Hypnogram":
    """Read a scoring that a lab already has.

    Parameters
    ----------
    path : str or Path
        An EDF+ file with stages as annotations; a ``.csv``/``.tsv``/``.txt`` table with the columns ``onset``,
        ``duration``, ``stage`` (or ``trial_type``) in s; with the columns ``Time``, ``Stage`` at stage changes in s;
        as YASA writes it (epoch, stage); or one stage a line. Numbers are YASA's (0 W, 1 N1, 2 N2, 3 N3, 4 R) or, where
        there is a 5, those of Rechtschaffen & Kales (0 W, 1 S1 ... 4 S4, 5 REM); at stage changes 5 W, 4 R, 3 N1, 2 N2,
        1 N3.
    settings : ScoringSettings, optional
        Epoch length of scorings that do not state it, and the meaning of number codes.

    Returns
    -------
    yasa.Hypnogram
        W, N1, N2, N3, R or unscored, in epochs of the longest of 30, 20, 15, 10, 5, 4, 2, 1 s on whose grid every
        change falls. S3 and S4 of Rechtschaffen & Kales are N3; movement time is unscored. `start` is known for EDF+.

    Raises
    ------
    ScoringError
        The file is not there, is in none of these forms, or uses codes that could mean several things.
    """
    settings = settings or ScoringSettings()
    path = Path(path)
    if not path.is_file():
        raise ScoringError(f"{path.name}: there is no such scoring.", "Check the column `hypnogram` of the study file.")
    if path.suffix.lower() == ".edf":
        return _read_annotations(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="latin-1")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise ScoringError(f"{path.name}: the scoring is empty.", "Export it again.")
    rows = _split_cells(lines)
    header = [cell.lower().strip("[]") for cell in rows[0]]
    stage_column = next((header.index(name) for name in ("stage", "trial_type") if name in header), None)
    if stage_column is not None and "onset" in header:
        return _from_events(path, rows, settings)
    if header[:2] == ["time", "stage"]:
        return _from_changes(path, rows[1:], settings)
    labels = [row[-1 if stage_column is None else min(stage_column, len(row) - 1)] for row in rows]
    # A first line that is a stage itself is no header: dropping it would shift the whole night by an epoch.
    if stage_column is not None or not (_is_number(labels[0]) or labels[0].lower() in _STAGE_BY_LABEL):
        labels = labels[1:]
    if not labels:
        raise ScoringError(f"{path.name}: the scoring has no epochs.", "Export it again.")
    return make_hypnogram(_to_stages(path, labels, settings), settings.epoch_s, scorer=path.name)


def _split_cells(lines: Sequence[str]) -> list[list[str]]:
    """Cells at tabs, else semicolons (commas are then decimal commas), else commas."""
    separator = next((mark for mark in ("\t", ";") if mark in lines[0]), ",")
    rows = [[cell.strip().strip('"') for cell in line.split(separator)] for line in lines]
    return [[cell.replace(",", ".") for cell in row] for row in rows] if separator == ";" else rows


def make_hypnogram(
    stages: Sequence[str] | NDArray[np.str_],
    epoch_s: float,
    scorer: str | None = None,
    start: pd.Timestamp | None = None,
    proba: pd.DataFrame | None = None,
) -> "yasa.Hypnogram":
    """`yasa.Hypnogram` of the stages W, N1, N2, N3, R and UNS.

    Parameters
    ----------
    stages : sequence of str, one an epoch
        Stages.
    epoch_s : float
        Length of an epoch in s.
    scorer : str, optional
        Who scored: a file, or YASA with its channels.
    start : pandas.Timestamp, optional
        Clock time of the first epoch.
    proba : DataFrame, optional
        Probability of each stage, a row an epoch.
    """
    import yasa

    values = np.asarray(stages, dtype=object)
    return yasa.Hypnogram(values, freq=f"{epoch_s:g}s", scorer=scorer, start=start, proba=proba)


def stages_of(hypnogram: "yasa.Hypnogram") -> NDArray[np.str_]:
    """Stage of each epoch: ``W``, ``N1``, ``N2``, ``N3``, ``R`` or ``UNS``."""
    short = {"WAKE": "W", "REM": "R", "ART": "UNS"}
    return np.array([short.get(stage, stage) for stage in hypnogram.hypno.to_numpy()], dtype=np.str_)


def epoch_length_s(hypnogram: "yasa.Hypnogram") -> float:
    """Length of an epoch in s."""
    return 1 / float(hypnogram.sampling_frequency)


def fit_to_recording(hypnogram: "yasa.Hypnogram", recording: Recording) -> tuple["yasa.Hypnogram", tuple[str, ...]]:
    """Lay a scoring on the time line of its recording, by clock time where both know theirs.

    Parameters
    ----------
    hypnogram : yasa.Hypnogram
        The scoring; without `start` it begins with the recording.
    recording : Recording
        The recording.

    Returns
    -------
    hypnogram : yasa.Hypnogram
        Epochs from the first to the last whole epoch of the recording; what was not scored is ``UNS``.
    notes : tuple of str
        What did not fit.

    Raises
    ------
    ScoringError
        Scoring and recording do not overlap, or the scoring has other stages than W, N1, N2, N3 and R.
    """
    epoch_s = epoch_length_s(hypnogram)
    stages, proba = stages_of(hypnogram), hypnogram.proba
    if foreign := set(stages) - {*STAGES, "UNS"}:
        raise ScoringError(
            f"{hypnogram.scorer or 'the scoring'}: has the stages {', '.join(sorted(foreign))}.",
            "Give a scoring in W, N1, N2, N3 and R: a yasa.Hypnogram with n_stages=5.",
        )
    offset_s = 0.0
    if hypnogram.start is not None and recording.start is not None:
        # Fractions of a second are of no use to stages, and would ask for an epoch of 1 s.
        offset_s = float(round((hypnogram.start.tz_localize(None) - pd.Timestamp(recording.start)).total_seconds()))
    if offset_s % epoch_s:
        finer = next((s for s in _EPOCHS_S if not epoch_s % s and not offset_s % s), 1)
        stages, proba = np.repeat(stages, round(epoch_s / finer)), None
        epoch_s = float(finer)
    first, n_epochs = round(offset_s / epoch_s), int(recording.duration_s / epoch_s + 1e-6)
    fitted = np.full(n_epochs, "UNS", dtype="U3")
    begin, end = max(first, 0), min(first + len(stages), n_epochs)
    if end <= begin:
        raise ScoringError(
            f"{hypnogram.scorer}: the scoring starts {offset_s / 60:.1f} min after {recording.name} and lasts "
            f"{len(stages) * epoch_s / 60:.1f} min, the recording {recording.duration_s / 60:.1f} min: no overlap.",
            "Check that the scoring belongs to this recording.",
        )
    fitted[begin:end] = stages[begin - first : end - first]
    notes = []
    if begin > 0 or end < n_epochs:
        notes.append(f"{(n_epochs - end + begin) * epoch_s / 60:.1f} min of the recording are not scored")
    if first < 0 or first + len(stages) > n_epochs:
        beyond_min = (len(stages) - (end - begin)) * epoch_s / 60
        notes.append(f"{beyond_min:.1f} min of the scoring lie outside the recording and are left out")
    keeps_proba = proba is not None and first == 0 and len(proba) == n_epochs
    return make_hypnogram(fitted, epoch_s, hypnogram.scorer, proba=proba if keeps_proba else None), tuple(notes)


def _read_annotations(path: Path) -> "yasa.Hypnogram":
    import edfio

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = edfio.read_edf(path, header_encoding="latin-1")
            annotations = file.annotations
    except Exception as error:  # Whatever edfio meets in a damaged file becomes one sentence.
        raise ScoringError(
            f"{path.name}: not a readable EDF+ scoring ({type(error).__name__}).", "Export the scoring again."
        ) from None
    known = [a for a in annotations if a.duration and a.text.strip().lower() in _STAGE_BY_LABEL]
    if not known:
        raise ScoringError(
            f"{path.name}: none of its {len(annotations)} annotations is a sleep stage with a duration.",
            "Stages are annotations such as 'Sleep stage W', 'Sleep stage N2'.",
        )
    try:
        start = pd.Timestamp(file.startdatetime)
    except ValueError:
        start = None
    return _from_intervals(
        path,
        np.array([a.onset for a in known]),
        np.array([a.onset + a.duration for a in known]),
        [_STAGE_BY_LABEL[a.text.strip().lower()] for a in known],
        start,
    )


def _from_events(path: Path, rows: list[list[str]], settings: ScoringSettings) -> "yasa.Hypnogram":
    header = [cell.lower() for cell in rows[0]]
    if "duration" not in header:
        raise ScoringError(f"{path.name}: has no column duration (found {', '.join(header[:9])}).", "Add it, in s.")
    onset, duration = header.index("onset"), header.index("duration")
    only_stages = "stage" in header  # the trial_type of BIDS also names arousals and other events
    stage = header.index("stage" if only_stages else "trial_type")
    try:
        onsets = np.array([_seconds(row[onset]) for row in rows[1:]])
        ends = onsets + np.array([_seconds(row[duration]) for row in rows[1:]])
        labels = [row[stage] for row in rows[1:]]
    except (ValueError, IndexError) as error:
        raise ScoringError(f"{path.name}: a row is not onset, duration, stage ({error}).", "Mend that row.") from None
    known = [
        i for i, label in enumerate(labels) if only_stages or label.lower() in _STAGE_BY_LABEL or _is_number(label)
    ]
    stages = _to_stages(path, [labels[i] for i in known], settings)
    return _from_intervals(path, onsets[known], ends[known], stages, None)


def _from_changes(path: Path, rows: list[list[str]], settings: ScoringSettings) -> "yasa.Hypnogram":
    try:
        times = np.array([_seconds(row[0]) for row in rows])
        labels = [row[1] for row in rows]
    except (ValueError, IndexError) as error:
        raise ScoringError(
            f"{path.name}: a row is not a time in s and a stage ({error}).",
            "Time is s from the start of the recording; clock times are not understood in this form.",
        ) from None
    if np.any(np.diff(times) <= 0):
        raise ScoringError(f"{path.name}: times of stage changes do not increase.", "Sort the rows by time.")
    numbers = {label for label in labels if _is_number(label)}
    if not settings.codes and "0" in numbers and "5" not in numbers:
        raise _ambiguous(path, numbers)
    codes = settings.codes or _CHANGE_POINT_CODES
    stages = _to_stages(path, labels, ScoringSettings(codes=codes, epoch_s=settings.epoch_s))
    # A last row that repeats the stage before it marks the end; otherwise the last stage lasts one epoch.
    ends = np.append(times[1:], times[-1:] + settings.epoch_s)
    if len(stages) > 1 and stages[-1] == stages[-2]:
        times, ends, stages = times[:-1], ends[:-1], stages[:-1]
    return _from_intervals(path, times, ends, stages, None)


def _from_intervals(
    path: Path,
    onsets: NDArray[np.float64],
    ends: NDArray[np.float64],
    stages: Sequence[str],
    start: pd.Timestamp | None,
) -> "yasa.Hypnogram":
    inside = ends > 0
    onsets, ends = np.maximum(onsets[inside], 0), ends[inside]
    stages = [stage for stage, keep in zip(stages, inside, strict=True) if keep]
    if not stages:
        raise ScoringError(
            f"{path.name}: no stage lies after the start of the recording.", "Check the scoring's times."
        )
    edges = np.concatenate([onsets, ends[:-1]])
    # The last end may run over; 0.1 s allows for times written a sample late.
    epoch_s = next((s for s in _EPOCHS_S if np.all(np.abs(edges - s * np.round(edges / s)) <= 0.1)), 1)
    values = np.full(max(1, round(ends.max() / epoch_s)), "UNS", dtype="U3")
    for onset, end, stage in zip(onsets, ends, stages, strict=True):
        values[round(onset / epoch_s) : round(end / epoch_s)] = stage
    return make_hypnogram(values, epoch_s, scorer=path.name, start=start)


def _to_stages(path: Path, labels: Sequence[str], settings: ScoringSettings) -> list[str]:
    labels = [f"{float(label):g}" if _is_number(label) else label.lower() for label in labels]
    scored = [label for label in labels if _is_number(label) and label not in ("-1", "-2", "6", "9")]
    codes = settings.codes or _YASA_CODES
    if not settings.codes and {"0", "5"} <= set(scored):
        # Rechtschaffen & Kales from wake up (0 W ... 5 REM) or from deep sleep up (0 S4 ... 5 W)? Nights begin awake.
        if scored[0] != "0":
            raise _ambiguous(path, set(scored))
        codes = _PROFUSION_CODES
    meanings = _STAGE_BY_LABEL | {code.lower(): stage for code, stage in codes.items()}
    unknown = sorted({label for label in labels if label not in meanings})
    if unknown:
        shown = ", ".join(repr(label[:20]) for label in unknown[:5])
        raise ScoringError(
            f"{path.name}: {shown} {'is no stage' if len(unknown) == 1 else 'are no stages'} that is known here.",
            'Say what each code means in the settings: [scoring] codes = { "5" = "W", "4" = "R", ... }.',
        )
    return [meanings[label] for label in labels]


def _ambiguous(path: Path, numbers: set[str]) -> ScoringError:
    return ScoringError(
        f"{path.name}: its stage codes ({', '.join(sorted(numbers))}) could mean several things.",
        'Say what each code means in the settings: [scoring] codes = { "0" = "W", "5" = "R", ... }.',
    )


def _seconds(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is no time")
    return value


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
