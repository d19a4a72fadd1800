"""REM density: rapid eye movements per minute of REM sleep, over the windows of sleep architecture."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.measures.eye_movements import find_eye_movements, usable_samples
from swa.night.frame import Frame
from swa.recordings.channels import Channel, pair_of_eyes
from swa.recordings.recording import Recording
from swa.settings import Settings
from swa.sleep.architecture import sleep_windows
from swa.tables.marker import ALL
from swa.tables.notes import FEW_REM_MINUTES, NO_EYES, NO_REM
from swa.tables.reason import Reason
from swa.tables.results_tables import NIGHT_MEASURES

if TYPE_CHECKING:
    import yasa

MEASURE, UNIT = "rem_density", "1/min"


def eye_movement_rows(
    recording: Recording, in_bed: "yasa.Hypnogram", frame: Frame, between: slice, settings: Settings
) -> pd.DataFrame:
    """Rows of the long table on rapid eye movements; none unless the settings ask for them.

    Parameters
    ----------
    recording : Recording
        With the two eyes; without them the rows say so.
    in_bed : yasa.Hypnogram
        Stages from lights off to lights on, the epochs `between` of the night.
    frame : Frame
        Cycles, sleep onset and dose.
    between : slice
        Those epochs.
    settings : Settings
        The detector, and the least minutes.
    """
    if not settings.eye_movements.measured:
        return NIGHT_MEASURES.empty()
    n_epochs = len(frame.stages)
    counts, minutes = np.zeros(n_epochs), np.zeros(n_epochs)
    eyes = pair_of_eyes(recording.of_role("eog"))
    missing: Reason | None = (
        None if eyes else NO_EYES(names=", ".join(c.name for c in recording.of_role("eog")) or "none")
    )
    if eyes:
        missing = _count(recording, eyes, frame, settings, counts, minutes)
    windows = sleep_windows(
        in_bed, frame.cycles, frame.sleep_onset_s, first_s=between.start * frame.epoch_s, dose_s=frame.dose_s
    )
    rows: Iterator[tuple[object, ...]] = (
        (
            ALL,
            "any",
            window,
            MEASURE,
            "",
            *_density(counts[between][epochs], minutes[between][epochs], missing, settings),
        )
        for window, epochs in windows
    )
    return NIGHT_MEASURES.frame(list(rows))


def _count(
    recording: Recording,
    eyes: tuple[Channel, Channel],
    frame: Frame,
    settings: Settings,
    counts: NDArray[np.float64],
    minutes: NDArray[np.float64],
) -> Reason | None:
    """Eye movements and usable minutes of REM sleep of each epoch, put into the arrays; or why there are none."""
    read = recording.read(eyes)
    if read.problems:
        return NO_EYES(names=", ".join(str(error) for error in read.problems.values()))
    rate_hz, n_samples = read.rate_hz, read.data_uv.shape[1]
    epoch = np.minimum((np.arange(n_samples) / rate_hz / frame.epoch_s).astype(int), len(frame.stages) - 1)
    inside = np.zeros(n_samples, dtype=bool)
    for first, end in read.pieces:
        inside[first:end] = True
    usable = inside & usable_samples(read.data_uv, rate_hz) & ~read.clipped.any(axis=0)
    analysed = usable & (frame.stages[epoch] == "R")
    left_uv, right_uv = read.data_uv
    peaks_s = find_eye_movements(left_uv, right_uv, analysed, rate_hz, settings.eye_movements)
    counts += np.bincount(epoch[np.round(peaks_s * rate_hz).astype(int)], minlength=len(counts))
    minutes += np.bincount(epoch[analysed], minlength=len(minutes)) / rate_hz / 60
    return None


def _density(
    counts: NDArray[np.float64],
    minutes: NDArray[np.float64],
    missing: Reason | None,
    settings: Settings,
) -> tuple[float, str, int, str]:
    """Value, unit, epochs and note of a window."""
    total, n = float(minutes.sum()), int(np.count_nonzero(minutes))
    if missing is None and total < settings.eye_movements.minimum_min:
        missing = FEW_REM_MINUTES(minutes=total, needed=settings.eye_movements.minimum_min) if total else NO_REM()
    value = np.nan if missing else float(counts.sum()) / total
    return value, UNIT, n, missing.words if missing else ""
