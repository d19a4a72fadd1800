"""The one call behind `swa run`: a folder of recordings becomes a results folder."""

import datetime
import shutil
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pandas as pd

from swa.comparison.comparability import check_comparability, comparability_table
from swa.comparison.compared_nights import COPIED, check_columns, find_baseline, is_adaptation, usable_nights
from swa.comparison.contrasts import judge_rows, measure_contrasts
from swa.comparison.further.clusters import find_clusters
from swa.comparison.further.cycle_contrasts import compare_cycles
from swa.comparison.further.dose_contrasts import compare_doses
from swa.comparison.further.group_spectra import average_spectra
from swa.comparison.further.interactions import combination_values, compare_combinations
from swa.comparison.further.level_changes import follow_levels, level_changes
from swa.comparison.further.moderators import covariate_changes, relate_covariates
from swa.comparison.further.planning import plan_next_study
from swa.comparison.further.precision import rate_precision, read_spreads
from swa.comparison.further.profiles import compare_profiles
from swa.comparison.further.specification_curve import trace_specifications
from swa.comparison.headline import leading_marker
from swa.comparison.primary import check_primary
from swa.errors import SettingsError, StudyError
from swa.measures.quality import UNUSABLE
from swa.report.pages import PageTask, subject_page, write_placeholder, write_study_page, write_subject_page
from swa.report.published import published_effects
from swa.report.workbook import WORKBOOK, write_workbook
from swa.settings import Settings, given_or_default
from swa.study.infusions import undosed_clocks
from swa.study.long_table import join_measures
from swa.study.plan.bids import channel_settings
from swa.study.plan.manifest import TEMPLATE, Study, plan_study, write_template
from swa.study.plan.selection import UNDONE, find_nights, night_names, nights_left_out
from swa.study.problems import COMPARE_STEPS, MISSING_STEPS, Problem, add_problems, as_table
from swa.study.respecification import find_respecified, remove_respecified, respecify_subject
from swa.study.run.attempts import MOST, clear_work, count_attempts
from swa.study.run.batch import Workers, default_jobs, is_death
from swa.study.run.blinding import Blinded, blind_study, check_not_blinded, mark_unblinded, unblind_results
from swa.study.run.damage import find_damage, misnamed
from swa.study.run.faults import clear_faults, describe_fault, is_fault, leave_fault
from swa.study.run.journal import (
    Comparison,
    Journal,
    describe_comparison,
    digest_inputs,
    find_comparison,
    forget_comparison,
)
from swa.study.run.lock import hold, refuse_if_held
from swa.study.run.night_task import NightOutcome, NightTask
from swa.study.run.night_work import is_finished, lost_night, process_night
from swa.study.run.parts import Part, has_parts, join_parts, read_part, report_part
from swa.study.run.subject_steps import broken_subject, missing_choices, run_unless_kept
from swa.study.store import NightFolder, Results, describe_results, is_blinded, read_results
from swa.study.strays import check_same_study, find_strays, remove_strays
from swa.study.study_tables import add_headlines, join_rejection, mark_copies, nights_table, problems_of_nights
from swa.study.subject import NightOfSubject, SubjectTask, combine_subject, find_combined
from swa.study.written import RUN_FILE, check_written, keep_study_notes, write_believed
from swa.tables.contrast import Contrast, contrasts_in
from swa.tables.files import table_text, write_table
from swa.tables.marker import select
from swa.tables.results_tables import (
    CLUSTERS,
    COMBINATIONS,
    COMPARABILITY,
    CONTRASTS,
    COVARIATE_CHANGES,
    CYCLE_CONTRASTS,
    DOSE_CONTRASTS,
    GROUP_SPECTRA,
    INTERACTIONS,
    LEVEL_CHANGES,
    LEVEL_SLOPES,
    MEASURES,
    MODERATORS,
    PLANNING,
    PRECISION,
    PROFILES,
    PUBLISHED,
    SPECIFICATION_SUMMARY,
    SPECIFICATIONS,
)
from swa.tables.schema import Table

Progress = Callable[[str, int, int, str], None]
Made = TypeVar("Made")
Other = TypeVar("Other")


@dataclass(frozen=True, kw_only=True)
class StudyRun:
    """What a run left.

    Attributes
    ----------
    results : Results
        The results folder.
    study : Study
        The plan that it followed.
    n_fresh : int
        Nights that were processed now; the others were finished before.
    nights, problems : DataFrame
        What became of the nights of this call.
    part : Part or None
        The part of the study that it did.
    has_tables : bool
        Whether it made tables and pages of the study.
    strays : tuple of str
        Stored nights that the plan does not name, as folders of the results.
    key : Path or None
        Where the key of a blinded study lies.
    """

    results: Results
    study: Study
    n_fresh: int
    nights: pd.DataFrame
    problems: pd.DataFrame
    part: Part | None = None
    has_tables: bool = True
    strays: tuple[str, ...] = ()
    key: Path | None = None


def run_study(
    recordings: str | Path,
    results: str | Path = "swa-results",
    *,
    study_file: str | Path | None = None,
    settings: Settings | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    part: str | None = None,
    exclude: Sequence[str] = (),
    only: Sequence[str] = (),
    nights_only: bool = False,
    overwrite: bool = False,
    verify: bool = False,
    prune: bool = False,
    blind: bool = False,
    progress: Progress | None = None,
) -> StudyRun:
    """Process every night of a study, compare them, and write the pages.

    Parameters
    ----------
    recordings : str or Path
        A folder of recordings, searched recursively, or one recording.
    results : str or Path
        Folder for the results; a finished night in it is not done again.
    study_file : str or Path, optional
        One row a night; by default ``study.tsv`` (or ``.csv``, ``.xlsx``, ``.xlsm``, ``.xls``, ``.ods``) beside the
        recordings.
    settings : Settings, optional
        Every value that changes a number.
    jobs : int, optional
        Worker processes; by default as many as cores, nights and memory allow.
    scheduler : str, optional
        Address of a Dask scheduler that does the work instead.
    part : str, optional
        ``I/N``: every N-th night from the I-th on, and no table or page of the study, so that several calls on several
        machines can share the results folder; `compare_study` brings them together.
    exclude : sequence of str
        ``SUBJECT`` or ``SUBJECT/SESSION`` to leave out; they are listed as excluded.
    only : sequence of str
        ``SUBJECT`` or ``SUBJECT/SESSION`` to work at; other nights stay in the tables where they were done before.
    nights_only : bool
        Neither tables nor pages of the study, so that several calls can share the results folder; a call without it
        brings their nights together.
    overwrite : bool
        Do finished nights again.
    verify : bool
        Hash every recording again instead of trusting its size and time.
    prune : bool
        Remove the stored nights of subjects and sessions that the plan no longer names.
    blind : bool
        Put codes in the place of the conditions before the first recording is read (`swa.study.run.blinding`).
    progress : callable, optional
        Called with (stage, done, total, what).

    Returns
    -------
    StudyRun

    Raises
    ------
    StudyError, SettingsError
        The call, the study file or the settings are wrong; nothing was processed.

    Notes
    -----
    A plain script may call it: worker processes import nothing of the script, so that ``if __name__ == "__main__":`` is
    not needed.

    Examples
    --------
    >>> import swa
    >>> run = swa.run_study("recordings", "results")  # doctest: +SKIP
    >>> run.results.nights["status"].unique().tolist()  # doctest: +SKIP
    ['done']
    """
    settings = given_or_default(settings, Settings)
    results = Path(results)
    study = plan_study(recordings, study_file, settings, results)
    settings = study.settings
    check_primary(study.nights, settings.comparison)
    check_columns(study.nights, settings.comparison)
    left_out = nights_left_out(study.nights, exclude)
    chosen = night_names(study.nights)[sorted(find_nights(study.nights, only, "--only"))].tolist()
    own = _check_sharing(results, part, blind=blind, nights_only=nights_only, prune=prune)
    blinded = None
    if blind:
        blinded = blind_study(study, settings, results)
        study, settings, chosen = blinded.study, blinded.settings, [blinded.translate(name) for name in chosen]
        left_out = {blinded.translate(name): "left out by the user" for name in left_out}
    else:
        _check_folder(results, study, prune=prune)
    is_shared = own is not None or nights_only
    with nullcontext() if is_shared else hold(results):
        journal = Journal(results, "run")
        if prune:
            remove_strays(results, study)
        if not is_shared:
            _begin(results, study, settings)
        asked = _Asked(overwrite=overwrite, verify=verify, shared=is_shared, study_codes=study.scorings.codes)
        places = [i for i in _runnable(study.nights, left_out) if not own or own.has(i)]
        tasks, lost = _plan_nights(study, settings, places, results, asked, blinded)
        tasks, excluded = _choose(tasks, study, left_out, chosen if only else None)
        jobs = jobs or default_jobs(len(tasks))
        with Workers(jobs, scheduler) as workers:
            work = _Work(results=results, settings=settings, workers=workers, progress=progress or _silent)
            outcomes = lost | _process_nights(tasks, work)
            mended: list[str] = work.attempt_study(
                "the look for damaged nights", lambda: _mend(tasks, outcomes, work), []
            )
            study = replace(study, notes=(*study.notes, *mended))
            nights, problems = _tables_of_nights(study, excluded, outcomes, work)
            if own:
                report_part(results, own, study, nights, problems, settings)
            elif not is_shared:
                known = partial(_known_comparison, work, nights, problems, asked)
                comparison = work.attempt_study("the look for tables that are as they were", known, None)
                comparison = comparison or _bring_together(work, nights, problems)
        if is_shared:
            mine = own.has if own else outcomes.__contains__
            nights, problems = (table[table.index.map(mine).astype(bool)] for table in (nights, problems))
            problems = pd.concat([problems, as_table(work.told)])
        else:
            study = replace(study, notes=(*study.notes, *work.mended))
            facts = _facts(jobs, scheduler, study, outcomes) | {"mended": work.mended}
            _close(work, lambda: journal.write(settings, comparison, **facts))
            nights, problems = Results(results).nights, Results(results).problems
    return StudyRun(
        results=Results(results),
        study=study,
        n_fresh=sum(outcome.fresh for outcome in outcomes.values()),
        nights=nights,
        problems=problems,
        part=own,
        has_tables=not is_shared,
        strays=work.attempt_study("the look for strays", lambda: find_strays(results, study), ()),
        key=blinded.key if blinded else None,
    )


def _check_folder(results: Path, study: Study, *, prune: bool) -> None:
    """Refuse a folder whose results are blinded, or of another study that is not to be replaced."""
    check_not_blinded(results)
    if not prune:
        check_same_study(results, study)


def _plan_nights(
    study: Study, settings: Settings, places: Sequence[int], results: Path, asked: "_Asked", blinded: Blinded | None
) -> tuple[dict[int, NightTask], dict[int, NightOutcome]]:
    """What is to be done with each night, and those whose plan failed."""
    clocks = undosed_clocks(study.nights)
    planned = {i: _plan_night(study.nights.iloc[i], results, settings, asked, blinded, clocks.get(i)) for i in places}
    lost = {i: outcome for i, outcome in planned.items() if isinstance(outcome, NightOutcome)}
    return {i: task for i, task in planned.items() if isinstance(task, NightTask)}, lost


def _close(work: "_Work", note: Callable[[], None]) -> None:
    """Note the run, and what was told after its table of problems was written."""
    work.attempt_study(RUN_FILE, note, None)
    work.attempt_study("the folder of the work", lambda: clear_work(work.results), None)
    add_problems(work.results, work.told)


def _check_sharing(results: Path, part: str | None, *, blind: bool, nights_only: bool, prune: bool) -> Part | None:
    """The part that is asked for; calls that share a folder neither draw codes nor remove anything."""
    other = "--part" if part else "a call for nights alone"
    if blind and (part or nights_only):
        raise StudyError(f"--blind and {other}: codes are drawn by one run.", "Leave out one of them.")
    if prune and (part or nights_only):
        raise StudyError(f"--prune and {other}: other calls may work at these nights.", "Leave out one of them.")
    own = read_part(part) if part else None
    if blind or own or nights_only:
        refuse_if_held(results)  # blind: the links to the recordings are made anew, and a run reads through them
    return own


def _choose(
    tasks: Mapping[int, NightTask], study: Study, left_out: Mapping[str, str], chosen: Collection[str] | None
) -> tuple[dict[int, NightTask], dict[int, str]]:
    """Tasks of this call, and why other nights are none: those that it does not name stay where they are finished."""
    names = night_names(study.nights)
    excluded = {int(i): left_out[name] for i, name in zip(names.index, names, strict=True) if name in left_out}
    if chosen is None:
        return dict(tasks), excluded
    kept = {}
    for place, task in tasks.items():
        usual = replace(task, overwrite=False)
        if names[place] in chosen:
            kept[place] = task
        elif is_finished(usual):
            kept[place] = usual
    undone = {i: UNDONE for i in names.index if i not in kept and names[i] not in chosen}
    return kept, undone | excluded


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What a call asks of each night, as in `NightTask`."""

    overwrite: bool
    verify: bool
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    shared: bool
    study_codes: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class _Work:
    """The results folder that a call works at, and who does it."""

    results: Path
    settings: Settings
    workers: Workers
    progress: Progress
    mended: list[str] = field(default_factory=list)  # kept steps of subjects that were damaged, and done again
    told: list[Problem] = field(default_factory=list)  # of what `swa run` does before and after `swa compare`
    unwatched: list[str] = field(default_factory=list)  # stages in which the report of progress failed

    def advance(self, stage: str, done: int, total: int, what: str) -> None:
        """Tell who watches; where that fails they are told no more, and it costs nothing else."""
        if self.unwatched:
            return
        try:
            self.progress(stage, done, total, what)
        except Exception as error:
            self.unwatched.append(stage)
            self.told.append(self._problem("the report of progress", error, "study"))

    def attempt(self, what: str, make: Callable[[], Made], otherwise: Other) -> Made | Other:
        """What `make` gives for a piece of the study; where swa itself fails, `otherwise`, and the study is told."""
        try:
            return make()
        except Exception as error:
            self.tell(what, error)
            return otherwise

    def attempt_study(self, what: str, make: Callable[[], Made], otherwise: Made) -> Made:
        """As `attempt`, while problems.tsv is not there yet."""
        try:
            return make()
        except Exception as error:
            self.told.append(self._problem(what, error, "study"))
            return otherwise

    def write(self, table: pd.DataFrame, name: str) -> None:
        """Write a table of the study; one that swa fails to write is there without rows, not as another run left it."""
        path = self.results / f"{name}.tsv"
        instead = self.attempt(path.name, lambda: write_table(table, path), table.iloc[:0])
        if instead is not None:
            write_table(instead, path)

    def tell(self, what: str, error: Exception) -> None:
        """Tell the study of a piece that a fault of swa cost; any other error goes on."""
        add_problems(self.results, [self._problem(what, error, "compare")])

    def _problem(self, what: str, error: Exception, step: str) -> Problem:
        if not is_fault(error):
            raise error
        problem = f"{what} could not be made ({describe_fault(error)}); what rests on it is missing."
        remedy = leave_fault(self.results, self.settings, f"{what} could not be made", error)
        return Problem(subject="", step=step, problem=problem, remedy=remedy)


def _begin(results: Path, study: Study, settings: Settings) -> None:
    clear_work(results, keep=("logs",))
    clear_faults(results)
    describe_results(results, settings)
    keep_study_notes(results, () if is_blinded(results) else study.notes)
    if study.needs_template:
        write_template(study, results / TEMPLATE)


def _runnable(nights: pd.DataFrame, left_out: Collection[str]) -> list[int]:
    places = zip(nights.index, night_names(nights), nights["problem"], strict=True)
    return [i for i, name, wrong in places if name not in left_out and not wrong]


def _tables_of_nights(
    study: Study, excluded: Mapping[int, str], outcomes: dict[int, NightOutcome], work: _Work
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What became of each night, and what is wrong with them; without the first nothing can be compared."""
    try:
        nights = nights_table(study, outcomes, excluded, work.results, work.settings, work.attempt_study)
    except Exception as error:
        if not is_fault(error):
            raise
        remedy = leave_fault(work.results, work.settings, "the table of nights could not be made", error)
        problem = f"The table of nights could not be made ({describe_fault(error)}). The nights are stored, and kept."
        raise StudyError(problem, remedy) from error

    def tell() -> pd.DataFrame | None:
        return problems_of_nights(study, outcomes, excluded, work.attempt_study)

    problems = work.attempt_study("the problems of the nights", tell, None)
    return nights, as_table([]) if problems is None else problems


def _known_comparison(work: _Work, nights: pd.DataFrame, problems: pd.DataFrame, asked: _Asked) -> Comparison | None:
    """What tables and pages rest on, where they were made from the same and are as they were."""
    if asked.overwrite:
        return None
    return find_comparison(work.results, digest_inputs(work.results, nights, problems, work.settings))


def _mend(tasks: Mapping[int, NightTask], outcomes: dict[int, NightOutcome], work: _Work) -> list[str]:
    """Do those finished nights again whose files are not as they were written; says which."""
    places = [place for place, outcome in outcomes.items() if outcome.status == "done" and not outcome.fresh]
    damage = find_damage([tasks[place].folder for place in places])
    again = {place: replace(tasks[place], overwrite=True) for place, why in zip(places, damage, strict=True) if why}
    outcomes |= _process_nights(again, work)
    return [
        f"{tasks[place].subject} {tasks[place].session}: {why}; it was done again"
        for place, why in zip(places, damage, strict=True)
        if why
    ]


def _leave_out_damaged(work: _Work) -> None:
    """Nights whose files are not as they were written are no longer done: no recording is read that could mend them."""
    nights, problems = read_results(work.results).nights, Results(work.results).problems
    problems = problems[problems["step"] != "store"]
    done = nights.index[nights["status"] == "done"]
    labels = zip(nights.loc[done, "subject_label"], nights.loc[done, "session_label"], strict=True)
    folders = [NightFolder(work.results, *map(str, pair)) for pair in labels]
    damage = [
        why or misnamed(nights.loc[place], folder)
        for place, folder, why in zip(done, folders, find_damage(folders), strict=True)
    ]
    told = {int(place): why for place, why in zip(done, damage, strict=True) if why}
    if told:
        nights.loc[list(told), "status"] = "failed"
        nights.loc[list(told), ["verdict", "verdict_reasons"]] = [UNUSABLE, "failed (see problems.tsv)"]
        write_believed(table_text(nights), work.results / "nights.tsv")
    rows = [
        Problem(
            **{name: str(nights.loc[place, name]) for name in ("subject", "session", "recording")},
            step="store",
            problem=f"the stored night cannot be used: {why}.",
            remedy="`swa run` does it again, and leaves the other nights as they are.",
        )
        for place, why in told.items()
    ]
    write_table(pd.concat([problems, as_table(rows)], ignore_index=True), work.results / "problems.tsv")


def _bring_together(work: _Work, nights: pd.DataFrame, problems: pd.DataFrame) -> Comparison | None:
    """Tables and pages of the study; what they rest on, unless some of it is missing."""
    results = work.results
    forget_comparison(results)
    write_believed(table_text(nights), results / "nights.tsv")
    write_table(pd.concat([problems, as_table(work.told)], ignore_index=True), results / "problems.tsv")
    work.told.clear()
    _compare(work)
    if Results(results).problems["step"].isin(MISSING_STEPS).any():
        return None

    def describe() -> Comparison:
        return describe_comparison(results, digest_inputs(results, nights, problems, work.settings))

    return work.attempt_study("what tables and pages were made from", describe, None)


def compare_study(
    results: str | Path,
    *,
    contrast: str | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    settings: Settings | None = None,
) -> Results:
    """Subject steps, contrasts and pages from stored nights; no recording is read.

    Parameters
    ----------
    results : str or Path
        The results folder.
    contrast : str, optional
        A further contrast beside those with the baseline, e.g. ``ketamine:magnesium``; it is exploratory, and made by
        this call alone: what a folder holds follows from its nights and settings.
    jobs, scheduler, progress
        As in `run_study`.
    settings : Settings, optional
        Their groups `comparison` and `comparability`, which become those of the folder; by default its own.

    Returns
    -------
    Results
        The same folder, with its tables of now.

    Raises
    ------
    SettingsError
        Another group is neither at its default nor what the nights were measured with.
    StudyError
        The folder holds no results, or those of some parts only.

    Examples
    --------
    >>> import swa
    >>> results = swa.compare_study("results")  # doctest: +SKIP
    >>> results.contrasts["contrast"].unique().tolist()  # doctest: +SKIP
    ['ketamine:baseline']
    """
    results = Path(results)
    if not has_parts(results):
        read_results(results)  # a folder without results is told before it is touched
    with hold(results):
        journal = Journal(results, "compare")
        join_parts(results)
        check_written(results)
        found = read_results(results)
        chosen = _for_comparison(settings, found.settings)
        check_primary(found.nights, chosen.comparison)  # before anything of the folder is touched
        check_columns(found.nights, chosen.comparison)
        jobs = jobs or default_jobs(found.nights["subject"].nunique())
        with Workers(jobs, scheduler) as workers:
            forget_comparison(results)
            describe_results(results, chosen)
            work = _Work(results=results, settings=chosen, workers=workers, progress=progress or _silent)
            _leave_out_damaged(work)
            _compare(work, contrast)
            add_problems(results, work.told)
        journal.write(chosen, None, jobs=jobs, scheduler=scheduler, mended=work.mended)
        clear_work(results)
    return read_results(results)


def _for_comparison(given: Settings | None, measured: Settings) -> Settings:
    """Settings of the nights, with the given groups that a comparison of stored nights can still follow."""
    if given is None:
        return measured
    followed, usual = ("comparison", "comparability"), Settings()
    other = [
        name
        for name in type(given).model_fields
        if name not in followed and getattr(given, name) not in (getattr(usual, name), getattr(measured, name))
    ]
    if other:
        raise SettingsError(
            f"swa compare: the settings change {', '.join(f'[{name}]' for name in other)}, which the stored nights "
            f"were not measured with; expected are {' and '.join(f'[{name}]' for name in followed)}.",
            "Run `swa run` with these settings: it measures again what depends on them.",
        )
    return measured.model_copy(update={name: getattr(given, name) for name in followed})


def unblind_study(
    results: str | Path, key: str | Path, *, jobs: int | None = None, progress: Progress | None = None
) -> Results:
    """Put the names of the conditions back, and compare with the true baseline; no recording is read.

    Parameters
    ----------
    results : str or Path
        A blinded results folder.
    key : str or Path
        Its key file.
    jobs, progress
        As in `run_study`.

    Raises
    ------
    StudyError
        The folder is not blinded, or this is not its key.
    """
    results = Path(results)
    found = read_results(results)
    with hold(results), Workers(jobs or default_jobs(found.nights["subject"].nunique())) as workers:
        check_written(results)
        journal = Journal(results, "unblind")
        forget_comparison(results)
        settings = unblind_results(results, Path(key))
        describe_results(results, settings)
        mark_unblinded(results, Path(key))
        work = _Work(results=results, settings=settings, workers=workers, progress=progress or _silent)
        _leave_out_damaged(work)
        _compare(work)
        add_problems(results, work.told)
        journal.write(settings, None, jobs=jobs, mended=work.mended)
        clear_work(results)
    return read_results(results)


def _process_nights(tasks: Mapping[int, NightTask], work: _Work) -> dict[int, NightOutcome]:
    """Outcome of each task; finished nights are told here, so that only the others wake a worker."""
    outcomes = {
        place: NightOutcome(status="done", fresh=False)
        for place, task in tasks.items()
        if not task.overwrite and is_finished(task)
    }
    waiting = [place for place in tasks if place not in outcomes]
    while waiting:
        again = []
        for number, outcome in work.workers.run(process_night, [tasks[place] for place in waiting]):
            task = tasks[waiting[number]]
            if is_death(outcome) and count_attempts(task.results, task.name, task.run) < MOST:
                again.append(waiting[number])  # its worker died before it began, or once: that proves nothing
                continue
            outcomes[waiting[number]] = _lost(task, outcome) if isinstance(outcome, BaseException) else outcome
            work.advance("nights", len(outcomes), len(tasks), f"{task.subject} {task.session}")
        waiting = again
    return outcomes


def _compare(work: _Work, contrast: str | None = None) -> None:
    """Subject steps, contrasts and pages; a contrast that is asked for beside the planned ones is exploratory."""
    results, settings = work.results, work.settings
    known = Results(results).problems
    afresh = [step for step in COMPARE_STEPS if step != "store"]  # told by who calls this
    write_table(known[~known["step"].isin(afresh)].reset_index(drop=True), results / "problems.tsv")
    work.attempt("the look for copies of recordings", lambda: mark_copies(results), None)
    done = select(read_results(results).nights, status="done")
    baseline = work.attempt("the choice of the baseline", lambda: _baseline(done, settings), "")
    tasks = work.attempt("subjects", lambda: _subject_tasks(done, baseline, results, settings), [])
    combined, doubtful = _combine_subjects(tasks, work)
    kept = {task.label for task in combined}
    work.attempt("the removal of subjects that are gone", lambda: _remove_others(results, kept), None)
    labels = [task.label for task in combined]
    joined = work.attempt("the long table", lambda: join_measures(results, labels), None)
    if joined is None:  # nothing rests on what an earlier run left, and what reads it finds a table
        write_table(MEASURES.empty(), results / "measures.parquet")
    is_measured = bool(joined)
    work.attempt("the headline columns of nights.tsv", lambda: add_headlines(results, doubtful), None)
    found = read_results(results)
    if not is_measured or done["condition"].nunique() < 2:
        baseline = ""  # nothing to hold against each other: no table needs to be read for it
    contrasts = _contrasts(
        work, found, baseline, contrast if is_measured else None, sorted(usable_nights(done)["condition"].unique())
    )
    checks = partial(check_comparability, results, done, contrasts, settings)
    records = work.attempt("the checks of comparability", checks, None) or []
    checked = work.attempt("comparability.tsv", lambda: comparability_table(records), COMPARABILITY.empty())
    work.write(checked, "comparability")
    work.attempt("rejection.tsv", lambda: join_rejection(results, done), None)
    judged = work.attempt("the verdicts", lambda: judge_rows(found, contrasts, records, done, settings), contrasts)
    work.write(judged, "contrasts")
    precision = work.attempt(
        "precision.tsv",
        lambda: rate_precision(judged, read_spreads(results, done), settings.comparison),
        PRECISION.empty(),
    )
    work.write(precision, "precision")
    _compare_further(work, found, baseline, judged)
    specifications = work.attempt(
        "the specification curve",
        lambda: _trace_specifications(work, found, combined if baseline else [], baseline),
        (SPECIFICATIONS.empty(), SPECIFICATION_SUMMARY.empty()),
    )
    for table, name in zip(specifications, ("specifications", "specification_summary"), strict=True):
        work.write(table, name)
    _write_pages(work, combined)


def _contrasts(
    work: _Work, found: Results, baseline: str, asked_for: str | None, conditions: Sequence[str]
) -> pd.DataFrame:
    """The planned contrasts, and one that is asked for afterwards, which is exploratory whatever was declared."""

    def measure(contrast: Contrast | None = None) -> pd.DataFrame:
        return measure_contrasts(found, baseline or None, contrast=contrast, settings=work.settings, on_fault=work.tell)

    contrasts = work.attempt("contrasts.tsv", measure, CONTRASTS.empty()) if baseline else CONTRASTS.empty()
    own = Contrast.parse(asked_for, conditions) if asked_for else None
    if own is None or own in contrasts_in(contrasts).values():
        return contrasts
    further = work.attempt(f"the contrast {own}", lambda: measure(own), CONTRASTS.empty())
    return pd.concat([contrasts, further.assign(role="exploratory")], ignore_index=True)


def _combine_subjects(tasks: Sequence[SubjectTask], work: _Work) -> tuple[list[SubjectTask], dict[str, frozenset[str]]]:
    """Subject step of each: those that could be combined, and the doubtful channels of each subject."""
    problems: list[Problem] = []
    combined, doubtful = [], {}
    for number, outcome in run_unless_kept(work.workers, combine_subject, tasks, find_combined, work.mended):
        task = tasks[number]
        if isinstance(outcome, BaseException):
            problems.append(broken_subject(task, outcome))
        else:
            problems += outcome.problems
            combined.append(task)
            doubtful[task.subject] = outcome.doubtful
        work.advance("subjects", number + 1, len(tasks), task.subject)
    add_problems(work.results, problems)
    return combined, doubtful


def _remove_others(results: Path, labels: set[str]) -> None:
    """Take away tables and pages of subjects that are no longer in the study: their nights stay, for another run."""
    for folder in results.glob("sub-*"):
        label = folder.name.removeprefix("sub-")
        if label not in labels:
            for path in (*folder.glob("*.parquet"), *folder.glob("*.json"), folder / f"{folder.name}.html"):
                path.unlink(missing_ok=True)
            shutil.rmtree(folder / "figures", ignore_errors=True)


def _write_pages(work: _Work, subjects: Sequence[SubjectTask]) -> None:
    """Page of the study, which takes longest and so goes first, of each subject, and the workbook.

    One that fails stops no other.
    """
    tasks: list[Path | PageTask] = [work.results, work.results / WORKBOOK]
    tasks += [PageTask(results=work.results, subject=task.subject, label=task.label) for task in subjects]
    names = ["the page of the study", WORKBOOK, *(f"the page of {task.subject}" for task in subjects)]
    failed = []
    for number, (position, outcome) in enumerate(work.workers.run(_write_page, tasks), start=1):
        subject = subjects[position - 2].subject if position > 1 else ""
        if isinstance(outcome, BaseException):
            failed.append(_missing_page(work, subject, names[position], outcome))
            if (path := _page_of(tasks[position])) is not None:
                write_placeholder(path)
        else:
            failed += [
                Problem(
                    subject=subject,
                    step="figure",
                    problem=f"{what} could not be made for {names[position]} ({why}).",
                    remedy=f"The tables are whole. {remedy}",
                )
                for what, why, remedy in outcome
            ]
        work.advance("pages", number, len(tasks), "")
    add_problems(work.results, failed)


def _write_page(task: Path | PageTask) -> list[tuple[str, str, str]]:
    """Parts that the page lacks: what, why, and what to do. The file of a fault is left here, where it happened."""
    if isinstance(task, PageTask):
        results, missing = Results(task.results), write_subject_page(task)
    elif task.name == WORKBOOK:
        results, missing = Results(task.parent), []
        write_workbook(read_results(task.parent))
    else:
        results = read_results(task)
        missing = write_study_page(results)
    return [
        (what, describe_fault(error), leave_fault(results.path, results.settings, "a part of a page", error))
        for what, error in missing
    ]


def _page_of(task: Path | PageTask) -> Path | None:
    if isinstance(task, PageTask):
        return subject_page(task)
    return None if task.name == WORKBOOK else task / "index.html"


def _compare_further(work: _Work, found: Results, baseline: str, contrasts: pd.DataFrame) -> None:
    """Tables beside the contrasts, each empty where there is nothing to compare."""
    results, settings = work.results, work.settings
    keys = contrasts_in(contrasts).values()
    further: tuple[tuple[Table, Callable[[], pd.DataFrame]], ...] = (
        (MODERATORS, lambda: relate_covariates(found, baseline, settings=settings)),
        (COVARIATE_CHANGES, lambda: covariate_changes(found, baseline, settings=settings)),
        (LEVEL_SLOPES, lambda: follow_levels(found, baseline, settings=settings)),
        (LEVEL_CHANGES, lambda: level_changes(found, baseline, settings=settings)),
        (PROFILES, lambda: compare_profiles(found, baseline, settings=settings)),
        (CLUSTERS, lambda: find_clusters(results, baseline, settings=settings)),
        (CYCLE_CONTRASTS, lambda: compare_cycles(found, baseline, settings=settings)),
        (INTERACTIONS, lambda: compare_combinations(found, baseline, settings=settings, contrasts=contrasts)),
        (COMBINATIONS, lambda: combination_values(found, baseline, settings=settings)),
        (DOSE_CONTRASTS, lambda: compare_doses(found, baseline, settings=settings)),
        (PUBLISHED, lambda: published_effects(contrasts)),
        (PLANNING, lambda: plan_next_study(found, settings)),
    )
    tables = [
        (kind, work.attempt(f"{kind.name}.tsv", make, kind.empty()) if baseline else kind.empty())
        for kind, make in further
    ]
    spectra = GROUP_SPECTRA.empty()
    if len(contrasts):
        spectra = work.attempt("group_spectra.tsv", lambda: average_spectra(results, keys, settings), spectra)
    for kind, table in [*tables, (GROUP_SPECTRA, spectra)]:
        work.write(table, kind.name)


def _trace_specifications(
    work: _Work, found: Results, subjects: Sequence[SubjectTask], baseline: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables of the specification curve; empty without a contrast."""
    respecified = _respecify(work, found, subjects)
    if not subjects:
        return SPECIFICATIONS.empty(), SPECIFICATION_SUMMARY.empty()
    return trace_specifications(found, respecified, baseline, settings=work.settings)


def _respecify(work: _Work, found: Results, subjects: Sequence[SubjectTask]) -> pd.DataFrame | None:
    """Values of all nights under other choices.

    In a large study the stored nights are not gone through again: the curve then has what the long table holds.
    """
    options, failed = work.settings.comparison, []
    parts: dict[str, pd.DataFrame] = {}
    if subjects and sum(len(task.nights) for task in subjects) <= options.full_subject_rows_nights:
        primary = leading_marker(found, found.nights, options)
        respecify, find = partial(respecify_subject, primary=primary), partial(find_respecified, primary=primary)
        for position, rows in run_unless_kept(work.workers, respecify, subjects, find, work.mended):
            task = subjects[position]
            if isinstance(rows, BaseException):
                failed.append(missing_choices(task, rows))
            else:
                parts[task.label] = rows
    add_problems(work.results, failed)
    remove_respecified(work.results, parts)
    filled = [rows for rows in parts.values() if len(rows)]
    return pd.concat(filled, ignore_index=True) if filled else None


def _missing_page(work: _Work, subject: str, name: str, error: BaseException) -> Problem:
    problem = f"{name} could not be written ({describe_fault(error)})."
    remedy = "The tables are whole. Close it where it is open, and run `swa compare`."
    if is_fault(error):
        remedy = "The tables are whole. " + leave_fault(work.results, work.settings, "a page could not be made", error)
    return Problem(subject=subject, step="page", problem=problem, remedy=remedy)


def _silent(stage: str, done: int, total: int, what: str) -> None:
    """Progress that nobody watches."""


def _baseline(done: pd.DataFrame, settings: Settings) -> str:
    """The baseline condition; empty where no night has one, which leaves the study without contrasts."""
    if done.empty:
        return ""
    try:
        return find_baseline(done, settings.comparison)
    except StudyError:
        return ""


def _plan_night(
    night: pd.Series,
    results: Path,
    settings: Settings,
    asked: _Asked,
    blinded: Blinded | None,
    undosed_clock: datetime.time | None,
) -> NightTask | NightOutcome:
    """What is to be done for one night; an outcome where swa itself fails at that."""
    try:
        return _night_task(night, results, settings, asked, blinded, undosed_clock)
    except Exception as error:
        if not is_fault(error):
            raise
        problem = f"{Path(night['path']).name}: it could not be planned ({describe_fault(error)})."
        return NightOutcome.failed("study", problem, leave_fault(results, settings, "a night was planned", error))


def _night_task(
    night: pd.Series,
    results: Path,
    settings: Settings,
    asked: _Asked,
    blinded: Blinded | None,
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
        settings=channel_settings(blinded.originals[given["path"]] if blinded else path, settings),
        blinded=blinded is not None,
        overwrite=asked.overwrite,
        verify=asked.verify,
        run=asked.run,
        shared=asked.shared,
    )


def _subject_tasks(done: pd.DataFrame, baseline: str, results: Path, settings: Settings) -> list[SubjectTask]:
    used = usable_nights(done)
    compared = set(zip(*(used.loc[~used[COPIED], name] for name in ("subject", "session")), strict=True))
    adapts = dict(zip(zip(done["subject"], done["session"], strict=True), is_adaptation(done), strict=True))
    return [
        SubjectTask(
            subject=str(subject),
            label=str(rows["subject_label"].iloc[0]),
            nights=tuple(
                NightOfSubject(session, label, condition, adapts[subject, session], (subject, session) in compared)
                for session, label, condition in zip(
                    *(rows[name] for name in ("session", "session_label", "condition")), strict=True
                )
            ),
            baseline=baseline,
            results=results,
            settings=settings,
        )
        for subject, rows in done.groupby("subject", sort=False)
    ]


def _lost(task: NightTask, error: BaseException) -> NightOutcome:
    if is_death(error):
        return lost_night(task)
    problem = f"{task.path.name}: it could not be processed ({type(error).__name__}: {error})."
    remedy = leave_fault(task.results, task.settings, "a night could not be processed", error)
    return NightOutcome.failed("measure", problem, f"Run again: finished nights are kept. {remedy}")


def _facts(jobs: int, scheduler: str | None, study: Study, outcomes: Mapping[int, NightOutcome]) -> dict[str, object]:
    """What `run.json` says beside times, host and logs."""
    return {
        "jobs": jobs,
        "scheduler": scheduler,
        "study_source": study.source,
        "nights_processed": sum(outcome.fresh and outcome.status == "done" for outcome in outcomes.values()),
        "nights_found_finished": sum(not outcome.fresh for outcome in outcomes.values()),
        "nights_failed": sum(outcome.status == "failed" for outcome in outcomes.values()),
    }
