"""What recordings hold and what a run would do with them, from headers only."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from swa.errors import ScoringError, SwaError
from swa.recordings.channels import rename_label
from swa.recordings.recording import Recording, read_recording
from swa.settings import ChannelSettings, Settings, given_or_default
from swa.sleep.scoring import read_scoring
from swa.sleep.staging import staging_channels, staging_notes
from swa.study.plan.bids import channel_settings
from swa.study.plan.columns import nearest
from swa.study.plan.copies import START_REMEDY, find_copies, find_same_starts
from swa.study.plan.manifest import plan_study
from swa.study.plan.names import printable
from swa.study.plan.restarts import PARTS_REMEDY, find_parts
from swa.study.plan.scoring_owners import find_others_scorings
from swa.study.plan.selection import excluded_by_file

_SHORTEST_EPOCH_S = 5.0  # of a lab that scores a night
_OF_FILES = ("path", "problem", "subject_label", "session_label")  # columns of the plan that no study file has


def inspect_study(
    path: str | Path, *, study_file: str | Path | None = None, settings: Settings | None = None
) -> dict[str, Any]:
    """What recordings hold and what `run_study` would do with them, from headers only.

    Parameters
    ----------
    path : str or Path
        A recording or a folder.
    study_file, settings
        As for `run_study`.

    Returns
    -------
    dict
        `source`, `baseline` (names that a baseline condition can have), `notes`, `scorings` (how many nights are
        `scored` and `staged`, and which files are `unused` and why), `plan` (a dict a night, with the columns of the
        study file), `labels` (each label of the files, the channel that it is taken for with its role and the reason,
        and in how many `recordings`), and `recordings`: `recording`, `start`, `clock` (the time of day of the start,
        known also where its date is hidden), `duration_s`, `gaps` (start and end of each in s), `channels` (name, role,
        labels, rate, unit and the reason), `staging` (the channels that YASA would use), `notes`, `problems`, `can_run`
        (a copy of another night can), and `patient_fields_filled` (whether the header's patient fields are filled,
        never what they hold).

    Raises
    ------
    StudyError
        There is no recording, or the study file is wrong.
    """
    given = given_or_default(settings, Settings)
    study = plan_study(path, study_file, given)
    settings = study.settings
    columns = study.nights.drop(columns=list(_OF_FILES)).astype(object)
    plan = columns.where(columns.notna(), "").map(_as_json).to_dict("records")  # JSON has no NaN
    # Recordings that are not there have no path, and are told one by one.
    nights = study.nights.drop_duplicates(["path", "recording"]).to_dict("records")
    codes = study.scorings.codes
    found = [_inspect(row, settings, codes) for row in nights]
    found = [recording | {"can_run": not recording["problems"]} for recording in found]  # a copy runs all the same
    told = "notes" if study.needs_template else "problems"  # where each recording is a subject nothing is compared
    paths = [row["path"] for row in nights]
    copies = find_copies(paths)
    for copy, first in copies.items():
        found[copy][told].append(f"holds the same signals as {nights[first]['recording']}: one of the two is a copy")
    for later, (first, start) in find_same_starts([row["subject"] for row in nights], paths, copies).items():
        same = f"begins at the same second as {nights[first]['recording']} ({start})"
        compared = not (nights[later].get("adaptation") or nights[first].get("adaptation"))
        found[later]["problems" if compared else "notes"].append(f"{same}: {START_REMEDY.rstrip('.')}")
    told_at = {row["recording"]: place for place, row in enumerate(nights)}
    for place, wrong in find_others_scorings(study.nights).items():
        found[told_at[study.nights.loc[place, "recording"]]]["problems"].append(wrong)
    left_out = [int(place) for place in study.nights.index[excluded_by_file(study.nights)]]
    for place, wrong in find_parts(study.nights, settings, left_out).items():
        part = found[told_at[study.nights.loc[place, "recording"]]]
        part["problems"].append(f"{wrong}: {PARTS_REMEDY.rstrip('.')}")
        part["can_run"] = False
    labels = _count_labels(found, settings.channels.names, given.channels.names)
    notes = [*_unused_labels(labels, given.channels), *study.notes]  # a slip of the user's own comes first
    scorings = {
        "scored": len(study.scorings.used),
        "staged": study.scorings.staged,
        "unused": [{"file": str(unused.path), "why": str(unused.why)} for unused in study.scorings.unused],
    }
    return {
        "source": study.source,
        "baseline": settings.comparison.baseline,
        "notes": notes,
        "scorings": scorings,
        "plan": plan,
        "labels": labels,
        "recordings": found,
    }


def _as_json(value: object) -> object:
    """A cell of the plan: clocks and moments as they are written."""
    return value if isinstance(value, str | int | float | bool) else str(value)


def _count_labels(
    recordings: Sequence[Mapping[str, Any]], names: Mapping[str, str], given: Mapping[str, str]
) -> list[dict[str, object]]:
    """Each label with what it is taken for, in how many recordings; what is analysed first.

    `names` are those of the settings and of the data set, `given` those of the settings alone.
    """
    counts = Counter(
        (channel["role"] == "ignore", channel["labels"][0], channel["name"], channel["role"], channel["note"])
        for recording in recordings
        for channel in recording["channels"]
    )
    return [
        {
            "label": label,
            "channel": name,
            "role": role,
            "note": f"{_named_by(label, names, given)}{note}",
            "recordings": count,
        }
        for (_, label, name, role, note), count in sorted(counts.items())
    ]


def _named_by(label: str, names: Mapping[str, str], given: Mapping[str, str]) -> str:
    """Who has given a label another name, for the reason beside it; empty where nobody has."""
    if rename_label(label, names) == label:
        return ""
    own = rename_label(label, given) != label
    return f"named {'in the settings' if own else 'by the documentation of the data set'}; "


def _unused_labels(labels: Sequence[Mapping[str, object]], channels: ChannelSettings) -> list[str]:
    """Labels that the settings speak of and no recording has; only those of names may be patterns."""
    known = [str(told["label"]) for told in labels]
    return [
        f"channels.{setting}: no recording has a label {key!r}{nearest(key, known, 0.5)}"
        for setting in ("names", "roles", "units")
        for key in getattr(channels, setting)
        if (setting != "names" and "*" in key) or all(rename_label(label, {key: "\0"}) != "\0" for label in known)
    ]


def _inspect(row: Mapping[Any, Any], settings: Settings, codes: Mapping[str, str] | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "recording": row["recording"],
        "start": None,
        "clock": None,
        "duration_s": None,
        "gaps": [],
        "channels": [],
        "staging": [],
        "notes": [],
        "problems": [],
        "patient_fields_filled": None,
    }
    if row["problem"]:  # of the plan: the recording or its scoring is not there, or two scorings differ
        found["problems"].append(row["problem"])
    if not row["path"]:
        return found
    try:
        recording = read_recording(row["path"], channel_settings(Path(row["path"]), settings))
    except SwaError as error:
        found["problems"].append(str(error))
        return found
    found["start"] = None if recording.start is None else recording.start.isoformat(timespec="seconds")
    found["clock"] = None if recording.clock is None else recording.clock.isoformat(timespec="seconds")
    found["duration_s"] = recording.duration_s
    found["gaps"] = [list(gap) for gap in recording.gaps]
    found["patient_fields_filled"] = recording.has_patient_fields
    found["notes"] += [*recording.notes, *(doubt.words for doubt in recording.doubts)]
    found["channels"] = [dict(vars(channel)) for channel in recording.channels]
    eeg = recording.of_role("eeg")
    unknown = [channel for channel in eeg if not channel.unit]
    # A run leaves a channel without a unit out and takes the others.
    place, out = ("notes", " is left out") if len(unknown) < len(eeg) else ("problems", "")
    found[place] += [
        f"{channel.name}{out}: the unit of {channel.labels[0]!r} is missing or unknown; "
        f'say it in the settings: [channels] units = {{ "{channel.labels[0]}" = "uV" }}'
        for channel in unknown
    ]
    if row["problem"]:
        return found
    try:
        if row["hypnogram"]:
            found["notes"] += _check_scoring(Path(row["hypnogram"]), recording, settings, codes)
        else:
            found["staging"] = [channel.name for channel in staging_channels(recording)]
            found["notes"] += staging_notes(recording)
    except SwaError as error:
        found["problems"].append(str(error))
    return found


def _check_scoring(
    path: Path, recording: Recording, settings: Settings, codes: Mapping[str, str] | None
) -> tuple[str, ...]:
    """Notes on how a scoring fits its recording.

    Raises
    ------
    ScoringError
        It cannot be used for this night.
    """
    scoring = read_scoring(path, settings.scoring, codes)
    stages, epoch_s, notes = scoring.stages_in(recording)
    if not np.isin(stages, ("N2", "N3")).any():
        raise ScoringError(
            f"{path.name}: has no N2 or N3 within {recording.name}.",
            "Slow-wave activity is measured in NREM sleep: check that the scoring belongs to this night.",
        )
    minutes = float(np.sum(np.isin(stages, ("N2", "N3")))) * epoch_s / 60
    by = "its annotations" if path == recording.path else printable(path.name)
    # Epochs that begin a few seconds after the recording are laid on it in shorter ones.
    grid = f"in epochs of {epoch_s:g} s" if epoch_s >= _SHORTEST_EPOCH_S else f"placed to {epoch_s:g} s"
    return (f"scored by {by}: {minutes:.1f} min of N2 and N3 {grid}", *notes, *scoring.told_lights(recording).values())
