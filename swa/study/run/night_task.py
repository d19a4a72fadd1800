"""What a worker is given to process a night, and what became of it."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from swa.settings import Settings
from swa.study.store import NightFolder


@dataclass(frozen=True, kw_only=True)
class NightTask:
    """Everything that a worker needs to process one night.

    Attributes
    ----------
    subject, session, condition, recording : str
        As in the study file.
    subject_label, session_label : str
        As in file names.
    path : Path
        The recording.
    hypnogram : Path or None
        A scoring of it, or the recording itself where that holds its stages.
    study_codes : dict or None
        What number codes mean by all scorings of the study, as `read_scoring` takes it.
    age : float or None
        Years.
    sex : str or None
        ``F`` or ``M``.
    times : dict of str to str
        `lights_off`, `lights_on`, `dose_start` where the study file has them.
    undosed_clock : datetime.time, optional
        Of a night without a dose: the time of day of the doses that it is compared with.
    results : Path
        The results folder.
    settings : Settings
        All settings.
    overwrite, verify : bool
        Do it again; hash the recording and the stored files again.
    blinded : bool
        Keep dates and the file's time out of what is written.
    run : str
        Id of the run, for marks of attempts; empty leaves none.
    shared : bool
        Other runs may work in the folder: claim the night first.
    """

    subject: str
    session: str
    condition: str
    recording: str
    subject_label: str
    session_label: str
    path: Path
    hypnogram: Path | None = None
    study_codes: Mapping[str, str] | None = None
    age: float | None = None
    sex: str | None = None
    times: dict[str, str] = field(default_factory=dict)
    undosed_clock: datetime.time | None = None
    results: Path
    settings: Settings
    overwrite: bool = False
    verify: bool = False
    blinded: bool = False
    run: str = ""
    shared: bool = False

    @property
    def name(self) -> str:
        """Of the night, as in file names."""
        return f"sub-{self.subject_label}_ses-{self.session_label}"

    @property
    def folder(self) -> NightFolder:
        """Where the night's files go."""
        return NightFolder(self.results, self.subject_label, self.session_label)


@dataclass(frozen=True, kw_only=True)
class NightOutcome:
    """What became of a night.

    Attributes
    ----------
    status : str
        ``done`` or ``failed``.
    problem, remedy : str
        Why it failed and what to do.
    step : str
        Where it failed: ``read``, ``score``, ``stage``, ``measure`` or ``write``.
    fresh : bool
        False where a finished night was found.
    """

    status: str
    problem: str = ""
    remedy: str = ""
    step: str = ""
    fresh: bool = True

    @classmethod
    def failed(cls, step: str, problem: str, remedy: str) -> "NightOutcome":
        """The outcome of a night that came to an end at a step."""
        return cls(status="failed", step=step, problem=problem, remedy=remedy)
