"""One night of a study: read, stage, measure, store. Finished work is recognised and left alone."""

import datetime
import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from swa.errors import RecordingError, StudyError, SwaError
from swa.night.analysis import analyze_night
from swa.recordings.edf.fields import HIDDEN_DATE
from swa.recordings.edf.header import file_changed
from swa.recordings.formats import files_of
from swa.recordings.recording import Recording, leave_out_blocks, read_recording
from swa.settings import AFTERWARDS
from swa.sleep.scoring import read_scoring
from swa.sleep.staging import Staging, measure_agreement, stage_at_gains, stage_recording, staging_notes
from swa.study.infusions import undosed_offset_s
from swa.study.plan.lights import clock_offset_s
from swa.study.run.attempts import MOST, count_attempts, mark_attempt
from swa.study.run.faults import leave_fault
from swa.study.run.journal import NightLog
from swa.study.run.lock import CLAIM_H, WORK, Holder, take
from swa.study.run.night_files import write_night
from swa.study.run.night_task import NightOutcome, NightTask
from swa.study.store import NIGHT_FORMAT
from swa.tables.files import hash_file
from swa.tables.night_document import Agreement, Inputs, Provenance

if TYPE_CHECKING:
    import yasa

PACKAGES = ("swa", "yasa", "mne", "numpy", "scipy", "pandas", "edfio")
STAGING_PACKAGES = ("antropy", "scikit-learn", "lightgbm", "numba")  # features, classifier, its trees, compilation


def is_finished(task: NightTask) -> bool:
    """Whether the night was finished from the same recording, scoring and settings."""
    try:
        if task.folder.document() is None:  # nothing to compare with, so the recording need not be hashed here
            return False
        return task.folder.is_finished(_fingerprint(task, _hash_inputs(task)), verify=task.verify)
    except Exception:  # whatever cannot be told of a stored night: it is done again, where a fault is told
        return False


def process_night(task: NightTask) -> NightOutcome:
    """Process one night, unless it is finished already. Bad input becomes an outcome, never an exception.

    A night of a shared folder is claimed by an exclusive file first. A mark stands while the night is worked at, so
    that a night which kills its worker is known by the marks that are left.
    """
    try:
        if not task.overwrite and is_finished(task):
            return NightOutcome(status="done", fresh=False)
        if task.run and count_attempts(task.results, task.name, task.run) >= MOST:
            return lost_night(task)
        with ExitStack() as stack:
            if task.shared:
                claim = task.results / WORK / "claims" / f"{task.name}.json"
                if holder := take(claim, CLAIM_H):
                    return _claimed(task, holder, claim)
                stack.callback(claim.unlink, missing_ok=True)
            if task.run:
                stack.enter_context(mark_attempt(task.results, task.name, task.run))
            return _work(task)
    except OSError as error:  # the claim or the mark could not be written
        return _no_file(task, "write", error)


def lost_night(task: NightTask) -> NightOutcome:
    """The outcome of a night whose worker died twice."""
    died = f"the worker process died {MOST} times while it was processed (out of memory or killed)"
    remedy = "Run again with fewer --jobs; finished nights are kept."
    return NightOutcome.failed("measure", f"{task.path.name}: {died}.", remedy)


def _claimed(task: NightTask, holder: Holder, claim: Path) -> NightOutcome:
    remedy = f"Wait for it and run this part again; if it is gone, delete {claim.relative_to(task.results)} first."
    return NightOutcome.failed("claim", f"{task.path.name}: another process works at this night ({holder}).", remedy)


def _no_file(task: NightTask, step: str, error: OSError) -> NightOutcome:
    problem = f"{error.strerror or type(error).__name__}"
    return _unforeseen(task, step, problem, "Check the disk and the file's rights.")


def _work(task: NightTask) -> NightOutcome:
    """Process a night and leave its log."""
    log = NightLog(task.results, task.name)
    before = _states(task)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")  # whatever the process ignores
        outcome = _work_in_steps(task, log, before)
    # By place, not by text: a library's text may quote a header, and a patient field with it.
    for place in dict.fromkeys((w.category.__name__, Path(w.filename).name, w.lineno) for w in caught):
        log.add("warning: {} at {}:{}".format(*place))
    log.add(f"failed ({outcome.step}): {outcome.problem}" if outcome.status == "failed" else "done")
    log.write()
    return outcome


def _states(task: NightTask) -> list[tuple[int, int]]:
    """Size and time of the recording and of its scoring: other ones mean that what was read may be of two files."""
    try:
        files = [*files_of(task.path), *([task.hypnogram] if task.hypnogram else [])]
        return [(state.st_size, state.st_mtime_ns) for state in (file.stat() for file in files)]
    except (OSError, SwaError):  # told where it is read
        return []


def _work_in_steps(task: NightTask, log: NightLog, before: list[tuple[int, int]]) -> NightOutcome:
    step = "read"
    try:
        log.add(f"read {task.path.name}")
        hashes = _hash_inputs(task)
        fingerprint = _fingerprint(task, hashes)
        recording = leave_out_blocks(read_recording(task.path, task.settings))
        step = "score" if task.hypnogram else "stage"
        log.add(f"score by {task.hypnogram.name}" if task.hypnogram else "stage by YASA")
        hypnogram, lights, staging, told_clock, told_lights = _score(task, recording)
        step = "measure"
        log.add("measure")
        offsets, notes = _offsets(task, recording)
        dose_s, told = _dose(task, recording, offsets)
        notes += told
        notes += [*told_clock, *(text for name, text in told_lights.items() if name not in offsets)]
        notes += [*staging_notes(recording), *staging.notes] if staging else []
        offsets = lights | offsets
        if task.blinded and recording.start is not None:
            recording = replace(recording, start=None, clock=recording.start.time())
        night = analyze_night(
            recording,
            hypnogram,
            task.settings,
            subject=task.subject,
            session=task.session,
            condition=task.condition,
            dose_s=dose_s,
            lights_off_s=offsets.get("lights_off"),
            lights_on_s=offsets.get("lights_on"),
            stages_at_gain=staging.stages_at_gain if staging else None,
        )
        if task.hypnogram and task.settings.scoring.compare_with_yasa:
            step = "stage"
            night.summary["agreement"], told = _agreement(task, recording, night.hypnogram)
            notes += told
        for note in (*notes, *night.notes):
            log.add(f"note: {note}")
        if _states(task) != before:
            raise file_changed(task.path)
        step = "write"
        log.add("write")
        write_night(task.folder, night, fingerprint, _provenance(task, recording, hashes, notes))
    except Exception as error:  # one bad night never stops a batch
        if step != "write" and _states(task) != before:  # whatever came of it, this is why
            return NightOutcome.failed("read", *file_changed(task.path).args)
        return _failed(task, step, error)
    return NightOutcome(status="done")


def _failed(task: NightTask, step: str, error: Exception) -> NightOutcome:
    match error:
        case SwaError():
            return NightOutcome.failed(step, error.problem, error.remedy)
        case MemoryError():
            return _unforeseen(task, step, "the machine ran out of memory", "Use fewer --jobs.")
        case OSError():
            return _no_file(task, step, error)
        case _:
            remedy = leave_fault(task.results, task.settings, f"a night came to an end at the step {step}", error)
            return _unforeseen(task, step, f"{type(error).__name__}: {str(error)[:200]}", remedy)


def _score(
    task: NightTask, recording: Recording
) -> tuple["yasa.Hypnogram", dict[str, float], Staging | None, tuple[str, ...], dict[str, str]]:
    """Stages, lights off and on in s where the scoring marks them, staging if by YASA, notes on clock and lights."""
    if task.hypnogram is None:
        staging = stage_at_gains(recording, age=task.age, sex=task.sex)
        return staging.hypnogram, {}, staging, (), {}
    scoring = read_scoring(task.hypnogram, task.settings.scoring, task.study_codes)
    told = scoring.check_clock(recording)
    named = zip(("lights_off", "lights_on"), scoring.lights_in(recording), strict=True)
    lights = {name: light_s for name, light_s in named if light_s is not None}
    return scoring.hypnogram, lights, None, told, scoring.told_lights(recording)


def _agreement(task: NightTask, recording: Recording, scored: "yasa.Hypnogram") -> tuple[Agreement | None, list[str]]:
    """How far YASA agrees with the scoring, or a note why that is not known: it never costs the night."""
    try:
        staged = stage_recording(recording, age=task.age, sex=task.sex)
    except RecordingError as error:
        return None, [f"YASA could not be held against the scoring: {error.problem}"]
    found = measure_agreement(scored, staged)
    return found, [] if found else ["YASA could not be held against the scoring: no shared epochs of 30 s"]


def _unforeseen(task: NightTask, step: str, problem: str, remedy: str) -> NightOutcome:
    return NightOutcome.failed(step, f"{task.path.name}: {problem}.", remedy)


def _hash_inputs(task: NightTask) -> Inputs:
    """Hashes of recording and scoring; that of the recording is kept as long as its size and time stay."""
    if not task.path.exists():
        raise RecordingError(f"{task.path.name}: there is no such file.", "Check the path in the study file.")
    files = files_of(task.path)
    states = [file.stat() for file in files]
    now = (sum(state.st_size for state in states), max(state.st_mtime_ns for state in states))
    found = task.folder.document()
    known = found["provenance"].get("inputs") if found else None
    unchanged = known is not None and (known.get("recording_size"), known.get("recording_mtime_ns")) == now
    kept = known["recording_sha256"] if known is not None and unchanged and not task.verify else None
    digest = kept or _hash_recording(files)
    return {
        "recording_sha256": digest,
        "recording_size": now[0],
        "recording_mtime_ns": now[1],
        "hypnogram_sha256": digest if task.hypnogram == task.path else _hash_scoring(task.hypnogram),
    }


def _hash_recording(files: Sequence[Path]) -> str:
    """Digest of a recording; where it has several files, of theirs."""
    digests = [hash_file(file) for file in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _hash_scoring(path: Path | None) -> str | None:
    return hash_file(path) if path and path.is_file() else None


def _fingerprint(task: NightTask, hashes: Inputs) -> str:
    """Digest of all that the night's numbers depend on. Settings of the comparison are not among it."""
    content = {
        "format": NIGHT_FORMAT,
        "recording": hashes["recording_sha256"],
        "hypnogram": hashes["hypnogram_sha256"] or str(task.hypnogram or ""),
        "settings": task.settings.model_dump(mode="json", exclude=AFTERWARDS),
        "person": [task.age, task.sex],
        "times": task.times,
        "identity": [task.subject, task.session, task.condition],
    }
    if task.undosed_clock is not None:
        content["undosed_clock"] = str(task.undosed_clock)
    if task.hypnogram and task.study_codes is not None:
        content["codes"] = dict(task.study_codes)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _offsets(task: NightTask, recording: Recording) -> tuple[dict[str, float], list[str]]:
    """Times of the study file in s from the first sample."""
    offsets: dict[str, float] = {}
    if not task.times:
        return offsets, []
    start, times, notes = recording.start, task.times, []
    if start is None:  # the time of day is often known where the date is hidden, and HH:MM needs no more
        times = {name: text for name, text in times.items() if recording.clock and "T" not in text and "-" not in text}
        start = datetime.datetime.combine(HIDDEN_DATE, recording.clock or datetime.time())
        if unused := sorted(task.times.keys() - times.keys()):
            notes = [f"the recording hides its start: {', '.join(unused)} not used"]
    for name, text in times.items():
        try:
            offsets[name] = clock_offset_s(text, start)
        except ValueError:
            raise StudyError(
                f"{task.path.name}: {name} is {text!r}, which is no time.", "Write HH:MM, or ISO 8601 with the date."
            ) from None
    return offsets, notes


def _dose(task: NightTask, recording: Recording, offsets: Mapping[str, float]) -> tuple[float | None, list[str]]:
    """Where the hours after the dose begin, in s from the first sample; of an undosed night, where they would."""
    start = recording.start
    if start is None and recording.clock is not None:
        start = datetime.datetime.combine(HIDDEN_DATE, recording.clock)
    if "dose_start" in offsets or task.undosed_clock is None or start is None:
        return offsets.get("dose_start"), []
    told = f"no dose: hours after the dose are the clock hours of the other nights, from {task.undosed_clock:%H:%M}"
    return undosed_offset_s(task.undosed_clock, start), [told]


def _provenance(task: NightTask, recording: Recording, hashes: Inputs, notes: list[str]) -> Provenance:
    packages = PACKAGES if task.hypnogram else PACKAGES + STAGING_PACKAGES
    settings = task.settings.model_dump(mode="json", exclude=AFTERWARDS)
    if task.blinded:  # its time would tell the order of the nights; without it the next run hashes the file again
        hashes = hashes.copy()
        del hashes["recording_mtime_ns"]
    return {
        "subject": task.subject,
        "session": task.session,
        "condition": task.condition,
        "recording": task.recording,
        "inputs": hashes,
        "study_times": task.times,
        "notes": notes,
        "versions": {name: version(name) for name in packages},
        "settings": settings,
        "settings_sha256": hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest(),
        "channels": [
            {"name": c.name, "labels": list(c.labels), "role": c.role, "rate_hz": c.rate_hz, "note": c.note}
            for c in recording.channels
            if c.role != "ignore"
        ],
    }
