"""Hypnograms that a lab already has: read into `yasa.Hypnogram`, laid on the time line of the recording."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.errors import AmbiguousScoringError, RecordingError, ScoringError
from swa.recordings.edf.fields import HIDDEN_DATE
from swa.settings import ScoringSettings, Settings, given_or_default
from swa.sleep.formats.cells import is_number
from swa.sleep.formats.codes import (
    STAGE_BY_WORD,
    CodesFound,
    check_plausible,
    codes_found,
    known_words,
    lights_of,
    may_be_stages,
    note_unscored_codes,
    plain_word,
    refuse_one_label,
    to_stages,
    unknown_stages,
)
from swa.sleep.formats.document import (
    NO_DATE,
    Document,
    EmptyScoringError,
    Marks,
    UnreadFormError,
)
from swa.sleep.formats.edf import is_edf, is_read_by_mne
from swa.sleep.formats.registry import FORMATS, Format
from swa.sleep.formats.tables import is_array, is_json, refuse_repeats
from swa.sleep.formats.xml import is_xml
from swa.sleep.hypnogram import STAGES, epoch_length_s, make_hypnogram, stages_of

if TYPE_CHECKING:
    import yasa

    from swa.recordings.recording import Recording

MOST_DAYS = 7

_SAME_LENGTH_S = 60.0
_APART_S = 120.0  # between two clocks, where scoring and recording last as long: more is an error of one of them
_LONGER_S = 900.0  # than the recording: what is scored without a clock is cut there, and more is another night's
_PAUSE_S = 60.0  # without a stage within a night: a single epoch is a movement
_MOST_PAUSES = 3
_HIDDEN = (HIDDEN_DATE, NO_DATE.date())
_NEAR_S = 0.1  # allows for times written a sample late
_MOSTLY = 0.8
_NOON_H = 12
# Of the rows of a scoring: events beside which a stage stands are apart, and stages of a list of anything change at
# each row (benchmarks/no_scorings.py).
_FEWEST_ROWS, _MOSTLY_FOLLOW, _AGAIN = 10, 0.5, 0.4
_EPOCHS_S = (30, 20, 15, 10, 5, 4, 2, 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Scoring:
    """A scoring as a file holds it.

    Attributes
    ----------
    name : str
        The file.
    stages : ndarray of str
        ``W``, ``N1``, ``N2``, ``N3``, ``R`` or ``UNS`` of each epoch.
    epoch_s : float
        Length of an epoch in s.
    start : Timestamp or None
        Clock time of the first epoch; on the day `NO_DATE` where only the time of day is known.
    lights_off_s, lights_on_s : float or None
        In s from the first epoch, where the scoring marks them.
    certain : bool
        False where the file could be a table of something else.
    by_clock, changed_at, days, notes
        As of `Marks`.
    steady : bool
        Whether the rows follow on each other as those of a night do.
    numbers_until : float or None
        The last end in a table of numbers that are taken for s.
    counted, apart, start_within_s
        As of `Marks`.
    """

    name: str
    stages: NDArray[np.str_]
    epoch_s: float
    start: pd.Timestamp | None = None
    lights_off_s: float | None = None
    lights_on_s: float | None = None
    certain: bool = True
    by_clock: bool = False
    changed_at: str = ""
    days: Sequence[pd.Timestamp] = ()
    notes: Sequence[str] = ()
    steady: bool = True
    numbers_until: float | None = None
    counted: bool = False
    apart: bool = False
    start_within_s: float = 0.0

    @property
    def hypnogram(self) -> "yasa.Hypnogram":
        """The stages as YASA has them."""
        return make_hypnogram(self.stages, self.epoch_s, scorer=self.name, start=self.start)

    def stages_in(self, recording: "Recording") -> tuple[NDArray[np.str_], float, tuple[str, ...]]:
        """Stages on the time line of the recording, their epoch in s, and notes, as by `fit_to_recording`."""
        told = self.check_clock(recording)
        stages, epoch_s, notes = _lay_on(self.stages, self.epoch_s, self._start_in(recording), self.name, recording)
        return stages, epoch_s, (*told, *notes)

    def _start_in(self, recording: "Recording") -> pd.Timestamp | None:
        """Clock time of the first epoch; known to the minute, it is that of an epoch of the recording."""
        offset_s = _offset_s(self.start, len(self.stages) * self.epoch_s, recording)
        later_s = -offset_s % self.epoch_s
        if self.start is None or not 0 < later_s < self.start_within_s:
            return self.start
        return self.start + pd.Timedelta(seconds=later_s)

    def check_clock(self, recording: "Recording") -> tuple[str, ...]:
        """Notes on the clock of the scoring.

        Raises
        ------
        ScoringError
            The scoring has another date, or nothing tells where the scoring begins: the recording has no
            clock, and does not last as long. An
            `AmbiguousScoringError`, where both last as long and begin at different times.
        """
        start = self.start
        notes = [*self.notes]
        if self.changed_at:
            notes.append(f"the clock of the scoring jumps at {self.changed_at}, as clocks are changed: put right")
        length_s = len(self.stages) * self.epoch_s
        if start is not None and _counts_from_zero(start, length_s, recording):
            notes.append("its times from 00:00:00 on last as long as the recording: counted from its first sample")
        _ask_about_unit(self, recording)
        _check_epoch_length(len(self.stages), self.epoch_s, start, self.name, recording)
        _ask_about_too_long(self, recording)
        _refuse_another_day(self, recording, length_s)
        _ask_about_clocks(self, recording, length_s)
        hides = start is not None and start.date() in _HIDDEN and start.time() == datetime.time()
        if start is None or hides or _clock_of(recording) is not None:
            return tuple(notes)  # one that begins at 00:00:00 hides its clock likewise, or counts from there
        if self.by_clock and abs(length_s - recording.duration_s) > _SAME_LENGTH_S:
            raise ScoringError(
                f"{self.name}: its stages are placed by the clock, from {start:%H:%M:%S} on, and {recording.name} does "
                f"not say when it starts.",
                "Write the times of the scoring in s from the first sample, or give the recording its time of day.",
            )
        return (*notes, "the recording does not say when it starts: its scoring begins with its first sample")

    def told_lights(self, recording: "Recording") -> dict[str, str]:
        """What lights off and on of the scoring mean, by their name."""
        sides = {"lights_off": ("before", False), "lights_on": ("after", True)}
        told = {}
        for (name, (side, at_end)), light_s in zip(sides.items(), self.lights_in(recording), strict=True):
            if light_s is not None:
                beyond_s = recording.duration_s - light_s if at_end else light_s
                told[name] = f"{name} is that of the scoring: {max(beyond_s, 0.0) / 60:.1f} min {side} it do not count"
        return told

    def lights_in(self, recording: "Recording") -> tuple[float | None, float | None]:
        """Lights off and on in s from the first sample of the recording, as `analyze_night` takes them."""
        offset_s = _offset_s(self._start_in(recording), len(self.stages) * self.epoch_s, recording)
        off_s, on_s = (
            None if light_s is None else light_s + offset_s for light_s in (self.lights_off_s, self.lights_on_s)
        )
        return off_s, on_s


def read_hypnogram(path: str | Path, settings: ScoringSettings | Settings | None = None) -> "yasa.Hypnogram":
    """Read a scoring that a lab already has.

    Parameters
    ----------
    path : str or Path
        An EDF+ file with stages as annotations; XML of Profusion, the NSRR, Luna, Philips (``.rml``) or Wonambi; the
        text exports of DOMINO, RemLogic, Compumedics and Polyman; Luna's ``.annot`` and ``.eannot``; Snooz' table;
        visbrain's text and Elan's ``.hyp``; a JSON list, or an array of NumPy (``.npy``); a table with the columns
        ``onset``, ``duration`` (or ``end``) and ``stage`` (or ``trial_type`` of BIDS, ``description``); of times or
        epochs and stages, or of stage changes (``Time``, ``Stage``); or one stage a line. A row belongs to the epoch
        that it names. Numbers are those of Rechtschaffen & Kales (0 W to 4 S4, 5 REM) where there is a 5; without it
        the highest could be REM or not, and is asked about.
    settings : ScoringSettings or Settings, optional
        Epoch length of scorings that do not state it, and the meaning of codes; of `Settings`, its group `scoring`.

    Returns
    -------
    yasa.Hypnogram
        W, N1, N2, N3, R or unscored, in epochs of the longest of 30, 20, 15, 10, 5, 4, 2, 1 s on whose grid every
        change falls. `start` is known where the file has clock times.

    Raises
    ------
    ScoringError
        The file is not there, is in none of these forms, or has two rows for one epoch. An `AmbiguousScoringError`,
        where it could mean several things.

    Notes
    -----
    Stages of Rechtschaffen & Kales (1968) become those of the AASM (2007): W is W, S1 is N1, S2 is N2, S3 and S4 are
    N3, REM is R; movement time, artefact and ? are unscored: neither sleep nor wake.

    A file with times of day without a date has a `start` on the day 1970-01-02; `fit_to_recording` then lays it on the
    recording's night.

    Examples
    --------
    >>> import swa
    >>> hypnogram = swa.read_hypnogram("night.csv")
    >>> hypnogram.hypno.iloc[0], hypnogram.n_epochs
    ('WAKE', 180)

    Stages that are already in Python need no file:

    >>> import yasa
    >>> yasa.Hypnogram(["W", "N1", "N2", "N3", "R"]).n_epochs
    5
    """
    return read_scoring(path, settings).hypnogram


def read_scoring(
    path: str | Path,
    settings: ScoringSettings | Settings | None = None,
    study_codes: Mapping[str, str] | None = None,
) -> Scoring:
    """Read a scoring with what it says beside the stages; see `read_hypnogram`.

    Parameters
    ----------
    path, settings
        As for `read_hypnogram`.
    study_codes : mapping, optional
        What number codes mean by all scorings of the study; empty where they do not tell, so that a file with codes is
        asked about. None: the file is read by itself.
    """
    return open_scoring(path, settings).read(study_codes)


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenScoring:
    """A scoring whose labels are read and whose number codes may still mean several things.

    Attributes
    ----------
    document : Document
        The file.
    marks : Marks
        Its stages, nothing else.
    lights : tuple of float or None
        Lights off and on, in s as the marks.
    settings : ScoringSettings
        As given.
    """

    document: Document
    marks: Marks
    lights: tuple[float | None, float | None]
    settings: ScoringSettings

    @property
    def codes(self) -> CodesFound | None:
        """Its number codes, where neither the file nor the settings say what they mean."""
        return None if any(is_number(code) for code in self.settings.codes) else codes_found(self.marks)

    @property
    def is_steady(self) -> bool:
        """Whether rows follow on each other and, where they are epochs, most are as the one before; or they are few."""
        marks = self.marks
        if marks.apart or len(marks.labels) < _FEWEST_ROWS:
            return not marks.apart
        order = np.argsort(marks.onsets_s, kind="stable")
        stages = [STAGE_BY_WORD.get(word, word) for word in (plain_word(marks.labels[i]) for i in order)]
        follows = float(np.mean(marks.onsets_s[order][1:] - marks.ends_s[order][:-1] < _NEAR_S))
        again = float(np.mean([one == other for one, other in pairwise(stages)]))
        return follows >= _MOSTLY_FOLLOW and (not marks.counted or again >= _AGAIN)

    def read(self, study_codes: Mapping[str, str] | None = None) -> Scoring:
        """The stages; `study_codes` are what number codes mean by all scorings of the study."""
        marks = self.marks
        stages, guessed = to_stages(self.document, marks, self.settings.codes, study_codes)
        # Epochs are counted from the first stage: an event before it must not set their grid.
        first_s = float(marks.onsets_s.min()) if marks.from_first else 0.0
        values, epoch_s = _on_a_grid(self.document.name, marks.onsets_s - first_s, marks.ends_s - first_s, stages)
        if np.all(values == "UNS"):
            raise _all_unscored(self.document.name, marks.columns)
        if guessed or (marks.assumed and not self.settings.codes):
            check_plausible(self.document, values, marks.labels, whole=guessed)
        off_s, on_s = (None if light_s is None else light_s - first_s for light_s in self.lights)
        return Scoring(
            name=self.document.name,
            stages=values,
            epoch_s=epoch_s,
            start=None if marks.start is None else marks.start + pd.Timedelta(seconds=first_s),
            lights_off_s=off_s,
            lights_on_s=on_s,
            certain=marks.certain,
            by_clock=marks.by_clock,
            changed_at=marks.changed_at,
            days=marks.days,
            notes=(*marks.notes, *note_unscored_codes(marks, self.settings.codes)),
            steady=self.is_steady,
            numbers_until=float(marks.ends_s.max()) if marks.in_s else None,
            counted=marks.counted,
            apart=marks.apart,
            start_within_s=marks.start_within_s,
        )


def open_scoring(path: str | Path, settings: ScoringSettings | Settings | None = None) -> OpenScoring:
    """Read what a scoring holds, without saying yet what its number codes mean.

    Raises
    ------
    ScoringError
        As `read_hypnogram`.
    """
    settings = settings.scoring if isinstance(settings, Settings) else given_or_default(settings, ScoringSettings)
    path = Path(path)
    if not path.is_file() and not (path.is_dir() and is_read_by_mne(Document(path=path))):
        what = "this is a folder, not a scoring" if path.is_dir() else "there is no such scoring"
        raise ScoringError(f"{path.name or path}: {what}.", "Check its path (the column `hypnogram` of a study file).")
    document = Document(path=path)
    _refuse_empty(document)
    form = next(form for form in FORMATS if form.fits(document))
    try:
        return _only_stages(document, _read_with_head(document, form, settings), settings)
    except RecordingError as error:
        raise ScoringError(error.problem, error.remedy) from None
    except (ValueError, LookupError, ArithmeticError, RecursionError):
        raise ScoringError(
            f"{path.name}: not readable as a {form.name}.",
            "Export the scoring again, as a table with the columns `time` (or `onset`, `duration`) and `stage`.",
        ) from None


def _read_with_head(document: Document, form: Format, settings: ScoringSettings) -> Marks:
    """What a file holds, with the epoch length and the date of the night that the lines above the stages name.

    Raises
    ------
    AmbiguousScoringError
        Its times, or the settings, say another epoch length.
    """
    head_s = document.head_epoch_s
    if head_s is None:
        marks = form.read(document, settings)
    else:
        if settings.epoch_s not in (head_s, ScoringSettings().epoch_s):
            raise _other_epochs(document.name, head_s, f"the settings {settings.epoch_s:g} s")
        marks = form.read(document, settings.model_copy(update={"epoch_s": head_s}))
        steps = np.abs(np.diff(marks.onsets_s)) / head_s
        if not (marks.others or marks.counted) and np.any(np.abs(steps - np.round(steps)) * head_s > _NEAR_S):
            raise _other_epochs(document.name, head_s, "the times of its rows another one")
    is_dated = bool(marks.days) or (marks.start is not None and marks.start.normalize() != NO_DATE)
    return marks if is_dated else replace(marks, days=document.head_days)


def _other_epochs(name: str, head_s: float, other: str) -> AmbiguousScoringError:
    return AmbiguousScoringError(
        f"{name}: its head says that an epoch lasts {head_s:g} s, and {other}.",
        "Correct or remove the line with the epoch length in its head, or [scoring] epoch_s.",
    )


def _refuse_empty(document: Document) -> None:
    """Refuse a file that holds nothing, and one in a form that is not read.

    Raises
    ------
    UnreadFormError, EmptyScoringError
        It is neither a recording nor an array, and it is no text, or has no rows.
    """
    if is_read_by_mne(document) or is_edf(document) or (document.head and is_array(document)):
        return
    if document.is_unread:
        raise UnreadFormError(
            f"{document.name}: a form that is not read.", "If it holds stages, export them as text (.csv)."
        )
    if not document.lines:
        raise EmptyScoringError(f"{document.name}: the scoring is empty.", "Export it again.")
    is_table = not (is_xml(document) or is_json(document))
    if is_table and document.table.titled and not document.table.rows:
        raise EmptyScoringError(
            f"{document.name}: the scoring is empty: there is no row below the names of its columns.",
            "Export it again.",
        )


def fit_to_recording(hypnogram: "yasa.Hypnogram", recording: "Recording") -> tuple["yasa.Hypnogram", tuple[str, ...]]:
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
        Scoring and recording do not overlap, the scoring counts its epochs by another length, or it has other stages
        than W, N1, N2, N3 and R.

    Notes
    -----
    A scoring with times of day alone, or a recording that hides its date (1985-01-01), is laid where the two overlap
    most. Midnight of that day hides the clock too, and tells nothing.
    """
    epoch_s = epoch_length_s(hypnogram)
    stages, proba = stages_of(hypnogram), hypnogram.proba
    if foreign := set(stages) - {*STAGES, "UNS"}:
        raise ScoringError(
            f"{hypnogram.scorer or 'the scoring'}: has the stages {', '.join(sorted(foreign))}.",
            "Give a scoring in W, N1, N2, N3 and R: a yasa.Hypnogram with n_stages=5.",
        )
    fitted, fitted_s, notes = _lay_on(stages, epoch_s, hypnogram.start, hypnogram.scorer or "the scoring", recording)
    keeps_proba = proba is not None and len(proba) == len(fitted) and np.array_equal(fitted, stages)
    return make_hypnogram(fitted, fitted_s, hypnogram.scorer, proba=proba if keeps_proba else None), notes


def _lay_on(
    stages: NDArray[np.str_], epoch_s: float, start: pd.Timestamp | None, name: str, recording: "Recording"
) -> tuple[NDArray[np.str_], float, tuple[str, ...]]:
    """Stages of the epochs of the recording, the length of an epoch, and what did not fit."""
    _check_epoch_length(len(stages), epoch_s, start, name, recording)
    offset_s = _offset_s(start, len(stages) * epoch_s, recording)
    if offset_s % epoch_s:
        finer = next((s for s in _EPOCHS_S if not epoch_s % s and not offset_s % s), 1)
        stages = np.repeat(stages, round(epoch_s / finer))
        epoch_s = float(finer)
    first, n_epochs = round(offset_s / epoch_s), int(recording.duration_s / epoch_s + 1e-6)
    if not n_epochs:
        raise ScoringError(
            f"{name}: scores epochs of {epoch_s:g} s, and {recording.name} is {recording.duration_s:.1f} s long.",
            "Expected is a recording of at least one whole epoch; a night has hundreds.",
        )
    fitted = np.full(n_epochs, "UNS", dtype="U3")
    begin, end = max(first, 0), min(first + len(stages), n_epochs)
    if end <= begin:
        raise ScoringError(
            f"{name}: the scoring starts {_in_words(offset_s)} {recording.name} and lasts "
            f"{len(stages) * epoch_s / 60:.1f} min, the recording {recording.duration_s / 60:.1f} min: no overlap.",
            "Check that the scoring belongs to this recording.",
        )
    fitted[begin:end] = stages[begin - first : end - first]
    notes = _without_stage(fitted, epoch_s, _clock_of(recording))
    if begin > 0 or end < n_epochs:
        notes.append(f"{(n_epochs - end + begin) * epoch_s / 60:.1f} min of the recording are not scored")
    if first < 0 or first + len(stages) > n_epochs:
        beyond_min = (len(stages) - (end - begin)) * epoch_s / 60
        notes.append(f"{beyond_min:.1f} min of the scoring lie outside the recording and are left out")
    return fitted, epoch_s, tuple(notes)


def _in_words(offset_s: float) -> str:
    return f"{abs(offset_s) / 60:.1f} min {'before' if offset_s < 0 else 'after'}"


def _without_stage(stages: NDArray[np.str_], epoch_s: float, begin: datetime.datetime | None) -> list[str]:
    """Where between its first and its last stage a night has none for longer than single epochs of movement."""
    scored = np.flatnonzero(stages != "UNS")
    starts, steps = scored[:-1], np.diff(scored)
    pauses = [
        (first + 1, step - 1) for first, step in zip(starts, steps, strict=True) if (step - 1) * epoch_s >= _PAUSE_S
    ]
    if not pauses:
        return []
    places = []
    for first, length in pauses[:_MOST_PAUSES]:
        from_s, to_s = first * epoch_s, (first + length) * epoch_s
        if begin is None:
            places.append(f"{from_s / 60:g} to {to_s / 60:g} min")
        else:
            moments = (begin + datetime.timedelta(seconds=float(second)) for second in (from_s, to_s))
            places.append(" to ".join(f"{moment:%H:%M}" for moment in moments))
    more = f" and {len(pauses) - _MOST_PAUSES} more" if len(pauses) > _MOST_PAUSES else ""
    total_min = sum(length for _, length in pauses) * epoch_s / 60
    return [f"{total_min:.1f} min between its first and last stage have none: {', '.join(places)}{more}"]


def _clock_of(recording: "Recording") -> datetime.datetime | None:
    """When a recording starts, on a hidden date where only the time of day is known; midnight of it tells nothing."""
    begin = recording.start
    if begin is None and recording.clock is not None:
        begin = datetime.datetime.combine(HIDDEN_DATE, recording.clock)
    return None if begin == datetime.datetime.combine(HIDDEN_DATE, datetime.time()) else begin


def _counts_from_zero(start: pd.Timestamp, length_s: float, recording: "Recording") -> bool:
    """Whether times from 00:00:00 on are no clock's: they last as long as a recording that starts at another time."""
    as_long = abs(length_s - recording.duration_s) <= _SAME_LENGTH_S
    begin = _clock_of(recording)
    return start == NO_DATE and as_long and begin is not None and begin.time() != datetime.time()


def _refuse_another_day(scoring: Scoring, recording: "Recording", length_s: float) -> None:
    """Refuse a scoring by times of day with the date of another night.

    Raises
    ------
    ScoringError
        It names both dates.
    """
    start, begin = scoring.start, recording.start
    is_dated = start is not None and start.normalize() != NO_DATE
    if is_dated or not scoring.days or begin is None or begin.date() == HIDDEN_DATE:
        return
    if start is None:
        fits = any(abs((pd.Timestamp(begin.date()) - day).days) <= 1 for day in scoring.days)
    else:
        # Stages may begin after the midnight of the night that the head names.
        later = (0, 1) if start.hour < _NOON_H else (0,)
        starts = [day + (start - NO_DATE) + pd.Timedelta(days=days) for day in scoring.days for days in later]
        offsets_s = [_offset_s(each, length_s, recording) for each in starts]
        fits = any(-length_s < offset_s < recording.duration_s for offset_s in offsets_s)
    if not fits:
        days = " or ".join(f"{day:%Y-%m-%d}" for day in scoring.days)
        raise ScoringError(
            f"{scoring.name}: it has the date {days}, and {recording.name} starts on {begin:%Y-%m-%d %H:%M}: no "
            f"overlap.",
            "Check that the scoring belongs to this recording; if it does, correct the date in either.",
        )


def _ask_about_unit(scoring: Scoring, recording: "Recording") -> None:
    """Times that end with the recording in another unit, and far from its end in s, are not in s.

    Raises
    ------
    AmbiguousScoringError
        It names the unit.
    """
    until = scoring.numbers_until
    for unit, seconds in (("min", 60), ("h", 3600)):
        if until is not None and 0.95 * recording.duration_s <= until * seconds <= 1.05 * recording.duration_s:
            raise AmbiguousScoringError(
                f"{scoring.name}: its times end with {until:g}, and {recording.name} lasts "
                f"{recording.duration_s / seconds:.1f} {unit}: they seem to be in {unit}.",
                f"Write the unit behind the name of the column of times: `onset [{unit}]`.",
            )


def _ask_about_clocks(scoring: Scoring, recording: "Recording", length_s: float) -> None:
    """A scoring that lasts as long as its recording and begins at another time by the clock has two places.

    Raises
    ------
    AmbiguousScoringError
        It says by how much the clocks differ.
    """
    offset_s = _offset_s(scoring.start, length_s, recording)
    overlaps = abs(offset_s) < min(length_s, recording.duration_s)
    if not overlaps or abs(offset_s) < _APART_S or abs(length_s - recording.duration_s) > _SAME_LENGTH_S:
        return
    raise AmbiguousScoringError(
        f"{scoring.name}: by the clock the scoring starts {_in_words(offset_s)} {recording.name}, and both last "
        f"{length_s / 60:.1f} min: it could begin with the recording, or be placed by its clock.",
        "Correct the clock time in the scoring or the start in the header of the recording; stages whose file has no "
        "clock begin with the first sample.",
    )


def _offset_s(start: pd.Timestamp | None, length_s: float, recording: "Recording") -> float:
    """Whole seconds from the start of the recording to that of the scoring; 0 where either hides its clock."""
    begin = _clock_of(recording)
    if start is None or begin is None or _counts_from_zero(start, length_s, recording):
        return 0.0
    hidden = begin.date() == HIDDEN_DATE
    start = start.tz_localize(None)
    # Fractions of a second are of no use to stages, and would ask for an epoch of 1 s.
    offset_s = float(round((start - pd.Timestamp(begin)).total_seconds()))
    if start.normalize() != NO_DATE and (not hidden or start.date() == HIDDEN_DATE):
        return offset_s
    day_s = 86400.0
    later = offset_s % day_s

    def overlap_s(place: float) -> float:
        return min(place + length_s, recording.duration_s) - max(place, 0.0)

    return max((later, later - day_s), key=lambda place: (overlap_s(place), -abs(place)))


def _check_epoch_length(
    n_epochs: int, epoch_s: float, start: pd.Timestamp | None, name: str, recording: "Recording"
) -> None:
    """Refuse a scoring without clock whose epochs would fill the recording if only they were shorter, or longer."""
    share = n_epochs * epoch_s / recording.duration_s
    if start is not None or n_epochs < 20 or 0.7 < share < 1.4:
        return
    for other in (60, *_EPOCHS_S):
        if (other < epoch_s) == (share > 1) and abs(n_epochs * other - recording.duration_s) <= other:
            raise ScoringError(
                f"{name}: {n_epochs} epochs of {epoch_s:g} s are "
                f"{n_epochs * epoch_s / 60:.1f} min, {recording.name} lasts {recording.duration_s / 60:.1f} min.",
                f"Epochs of {other} s would fit: if that is so, set [scoring] epoch_s = {other}, and correct the head "
                "of the file where it says another length.",
            )


def _ask_about_too_long(scoring: Scoring, recording: "Recording") -> None:
    """Stages without times that go on long after the recording has ended may be those of another night.

    Raises
    ------
    AmbiguousScoringError
        It names both lengths.
    """
    scored_s = scoring.epoch_s * float(np.max(np.flatnonzero(scoring.stages != "UNS"), initial=-1) + 1)
    most_s = min(1.25 * recording.duration_s + scoring.epoch_s, recording.duration_s + _LONGER_S)
    if scoring.counted and scored_s > most_s:
        raise AmbiguousScoringError(
            f"{scoring.name}: it says no times and lasts {scored_s / 60:.1f} min, {recording.name} lasts "
            f"{recording.duration_s / 60:.1f} min.",
            "Check that it belongs to this recording. If it does, add the clock time of each row, or cut it to the "
            "recording.",
        )


# --- from marks to stages


def _only_stages(document: Document, marks: Marks, settings: ScoringSettings) -> OpenScoring:
    """Leave the labels of stages, and take lights off and on from the others."""
    off_s = on_s = None
    known = []
    words = known_words(settings.codes)
    for i, label in enumerate(marks.labels):
        light = lights_of(label)
        if light == "off" and off_s is None:
            off_s = float(marks.onsets_s[i])
        elif light == "on" and (off_s is None or marks.onsets_s[i] > off_s):
            on_s = float(marks.onsets_s[i])
        word = plain_word(label)
        if not light and (not marks.others or (word in words and word) or is_number(label)):
            known.append(i)
        elif not light and word.startswith("sleep stage"):
            raise unknown_stages(document, [label, label])
    if marks.others and known:
        _ask_about_strangers(document.name, marks, known)
    if not known:
        refuse_one_label(document, marks.labels)
        raise ScoringError(
            f"{document.name}: none of its {len(marks.labels)} rows is a sleep stage.",
            "Stages are written as W, N1, N2, N3, R, or S1 to S4 and REM; [scoring] codes names others.",
        )
    lines = [marks.lines[i] for i in known] if len(marks.lines) else []
    if lines:
        refuse_repeats(document, marks.onsets_s[known], lines)
    only = replace(
        marks,
        onsets_s=marks.onsets_s[known],
        ends_s=marks.ends_s[known],
        labels=[marks.labels[i] for i in known],
        lines=(),
    )
    # A document as new: what it keeps of its file takes a hundred times the place of the stages.
    return OpenScoring(document=Document(path=document.path), marks=only, lights=(off_s, on_s), settings=settings)


def _ask_about_strangers(name: str, marks: Marks, known: Sequence[int]) -> None:
    """Ask about labels of a file with other events that stand where stages do.

    They begin and end where epochs do, and no stage stands beside them: a word for wake in a language that is not known
    would leave every awakening unscored.

    Raises
    ------
    AmbiguousScoringError
        It names the labels.
    """
    is_known = np.isin(np.arange(len(marks.labels)), known)
    lengths = marks.ends_s - marks.onsets_s
    stages = np.flatnonzero(is_known & (lengths > 0))
    stages = stages[np.argsort(marks.onsets_s[stages], kind="stable")]
    begins, ends = marks.onsets_s[stages], np.maximum.accumulate(marks.ends_s[stages])
    steps = np.diff(begins)
    epoch_s = max(float(min([*lengths[stages], *steps[steps > 0]], default=0.0)), 1.0)
    strange = np.flatnonzero(~is_known & (lengths == 0 if marks.until_next else lengths > epoch_s - _NEAR_S))
    if not len(stages) or not len(strange):
        return
    onsets = marks.onsets_s[strange]
    if marks.until_next:
        after = np.append(begins, np.inf)[np.searchsorted(begins, onsets - _NEAR_S)]
        alone = after > onsets + _NEAR_S
    else:
        before = (
            np.searchsorted(begins, marks.ends_s[strange] - _NEAR_S) - 1
        )  # the last stage that begins before it ends
        alone = (before < 0) | (ends[np.maximum(before, 0)] <= onsets + _NEAR_S)
    for times_s in (lengths[strange], onsets - begins[0]):
        alone &= np.abs(times_s - epoch_s * np.round(times_s / epoch_s)) <= _NEAR_S
    found = pd.DataFrame({"label": [marks.labels[int(i)] for i in strange], "alone": alone, "s": lengths[strange]})
    found = found[[not lights_of(label) and bool(plain_word(label)) for label in found["label"]]]
    rows = found.groupby("label", sort=False)
    share, often = rows["alone"].mean(), (rows["s"].sum() > 1.5 * epoch_s) | (marks.until_next & (rows.size() > 1))
    asked = share.index[(share > _MOSTLY) & often]
    if len(asked):
        raise may_be_stages(name, found["label"][found["label"].isin(asked)].tolist())


def _all_unscored(name: str, columns: Sequence[str]) -> ScoringError:
    found = f" (its columns are {', '.join(columns)})"[:200] if len(columns) else ""
    return EmptyScoringError(
        f"{name}: every epoch of it is unscored{found}.",
        "Name the right file, its column with [scoring] column, or its codes with [scoring] codes.",
    )


def _on_a_grid(
    name: str, onsets: NDArray[np.float64], ends: NDArray[np.float64], stages: Sequence[str]
) -> tuple[NDArray[np.str_], float]:
    """Stages of epochs of the longest length on whose grid every change falls, from 0 s."""
    inside = (ends > 0) & (ends > onsets)
    onsets, ends = np.maximum(onsets[inside], 0), ends[inside]
    stages = [stage for stage, keep in zip(stages, inside, strict=True) if keep]
    if not stages:
        raise ScoringError(f"{name}: no stage lies after the start of the recording.", "Check the scoring's times.")
    if ends.max() > MOST_DAYS * 86400:
        raise ScoringError(
            f"{name}: the scoring ends {ends.max() / 86400:.0f} days after its start.",
            "Check its times; if they are in ms, write so behind the name of their column: `onset [ms]`.",
        )
    edges = np.concatenate([onsets, ends[:-1]])
    # The last end may run over; 0.1 s allows for times written a sample late.
    epoch_s = next((s for s in _EPOCHS_S if np.all(np.abs(edges - s * np.round(edges / s)) <= 0.1)), 1)
    values = np.full(max(1, round(ends.max() / epoch_s)), "UNS", dtype="U3")
    first, stop = np.rint(onsets / epoch_s).astype(int), np.minimum(np.rint(ends / epoch_s).astype(int), len(values))
    lengths = np.maximum(stop - first, 0)
    epochs = np.arange(lengths.sum()) + np.repeat(first - (np.cumsum(lengths) - lengths), lengths)
    written = np.repeat(np.asarray(stages, dtype="U3"), lengths)
    values[epochs] = written
    contradicted = int(np.sum(values[epochs] != written))
    if contradicted > 0.01 * len(values):
        raise AmbiguousScoringError(
            f"{name}: gives two stages to {contradicted * epoch_s / 60:.1f} min of time.",
            "It may hold the scorings of two people: export one alone.",
        )
    return values, float(epoch_s)
