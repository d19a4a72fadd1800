"""What is to be done with each night of a study, as tasks of the workers."""

import datetime
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from swa.errors import SwaError
from swa.recordings.formats import files_of
from swa.recordings.recording import read_recording
from swa.settings import Settings
from swa.sleep.staging import YASA_RATE_HZ
from swa.study.infusions import undosed_clocks
from swa.study.plan.bids import channel_settings
from swa.study.plan.manifest import Study
from swa.study.plan.selection import night_names
from swa.study.run.faults import describe_fault, is_fault, leave_fault
from swa.study.run.night_task import NightOutcome, NightTask

LOOKED_AT = 8  # of the largest files, whose headers tell how much memory a night takes
# Peak of a process, by nights of 1.5 to 12 h and up to 128 channels, and 0.1 GB more: what is imported and compiled,
# YASA's detector of spindles for each hour, and the results of each EEG channel.
IMPORTS_GB, HOUR_GB, CHANNEL_HOUR_GB = 0.55, 0.06, 0.0006
UNKNOWN_GB = 1.5


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a call asks of each night, as in `NightTask`."""

    overwrite: bool
    verify: bool
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    shared: bool
    study_codes: Mapping[str, str] | None = None


def runnable_nights(nights: pd.DataFrame, left_out: Collection[str]) -> list[int]:
    """Places of the nights that nothing keeps from being processed."""
    places = zip(nights.index, night_names(nights), nights["problem"], strict=True)
    return [i for i, name, wrong in places if name not in left_out and not wrong]


def plan_nights(
    study: Study,
    settings: Settings,
    places: Sequence[int],
    results: Path,
    asked: Asked,
    originals: Mapping[str, Path] | None,
) -> tuple[dict[int, NightTask], dict[int, NightOutcome]]:
    """What is to be done with each night, and those whose plan failed."""
    clocks = undosed_clocks(study.nights)
    planned = {i: _plan_night(study.nights.iloc[i], results, settings, asked, originals, clocks.get(i)) for i in places}
    lost = {i: outcome for i, outcome in planned.items() if isinstance(outcome, NightOutcome)}
    return {i: task for i, task in planned.items() if isinstance(task, NightTask)}, lost


def _plan_night(
    night: pd.Series,
    results: Path,
    settings: Settings,
    asked: Asked,
    originals: Mapping[str, Path] | None,
    undosed_clock: datetime.time | None,
) -> NightTask | NightOutcome:
    """What is to be done for one night; an outcome where swa itself fails at that."""
    try:
        return _night_task(night, results, settings, asked, originals, undosed_clock)
    except Exception as error:
        if not is_fault(error):
            raise
        problem = f"{Path(night['path']).name}: it could not be planned ({describe_fault(error)})."
        return NightOutcome.failed("study", problem, leave_fault(results, settings, "a night was planned", error))


def _night_task(
    night: pd.Series,
    results: Path,
    settings: Settings,
    asked: Asked,
    originals: Mapping[str, Path] | None,
    undosed_clock: datetime.time | None,
) -> NightTask:
    given = {str(name): "" if pd.isna(cell) else str(cell) for name, cell in night.items()}
    path = Path(given["path"])
    return NightTask(
        subject=given["subject"],
        session=given["session"],
        condition=given["condition"],
        recording=given["recording"],
        subject_label=given["subject_label"],
        session_label=given["session_label"],
        path=path,
        hypnogram=Path(given["hypnogram"]) if given["hypnogram"] else None,
        study_codes=None if asked.study_codes is None else dict(asked.study_codes),
        age=float(given["age"]) if given.get("age") else None,
        sex=given.get("sex") or None,
        times={name: given[name] for name in ("lights_off", "lights_on", "dose_start") if given.get(name)},
        undosed_clock=undosed_clock,
        results=results,
        settings=channel_settings(path if originals is None else originals[given["path"]], settings),
        blinded=originals is not None,
        overwrite=asked.overwrite,
        verify=asked.verify,
        run=asked.run,
        shared=asked.shared,
    )


def peak_gb(tasks: Iterable[NightTask]) -> float:
    """Memory in GB that a process needs for the largest of these nights, by the headers of the largest files."""
    sizes: list[tuple[int, NightTask]] = []
    for task in tasks:
        with suppress(OSError, SwaError):  # told where the night is read
            sizes.append((sum(file.stat().st_size for file in files_of(task.path)), task))
    largest = sorted(sizes, key=lambda size: size[0], reverse=True)[:LOOKED_AT]
    return max((_night_gb(task) for _, task in largest), default=UNKNOWN_GB)


def _night_gb(task: NightTask) -> float:
    if task.path.suffix.lower() == ".gz":
        return UNKNOWN_GB  # unpacking it takes longer than what is gained
    try:
        recording = read_recording(task.path, task.settings)
    except Exception:
        return UNKNOWN_GB  # told where the night is read
    hours = recording.duration_s / 3600 * recording.rate_hz / YASA_RATE_HZ
    return IMPORTS_GB + hours * (HOUR_GB + CHANNEL_HOUR_GB * len(recording.of_role("eeg")))
