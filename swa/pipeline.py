"""The one call behind `swa run`: a folder of recordings becomes a results folder."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from swa.comparison.compared_nights import check_columns
from swa.comparison.primary import check_primary
from swa.errors import SettingsError, StudyError, StudyStopped
from swa.report.pages import PageTask, subject_page, write_placeholder, write_study_page, write_subject_page
from swa.report.workbook import WORKBOOK, write_workbook
from swa.settings import Settings, given_or_default
from swa.study.plan.manifest import TEMPLATE, Study, plan_study, write_template
from swa.study.plan.restarts import find_parts, refuse_parts
from swa.study.plan.selection import BY_USER, LeftOut, find_nights, night_names, nights_left_out
from swa.study.problems import MISSING_STEPS, Problem, add_problems, as_table
from swa.study.run.attempts import MOST, clear_work, count_attempts
from swa.study.run.batch import Workers, default_jobs, is_death
from swa.study.run.blinding import blind_study, check_not_blinded, mark_unblinded, unblind_results
from swa.study.run.chosen_nights import choose_nights
from swa.study.run.damage import find_damage, leave_out_damaged
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
from swa.study.run.plan_of_nights import Asked, peak_gb, plan_nights, runnable_nights
from swa.study.run.work import Progress, Work, silent
from swa.study.store import Results, describe_results, is_blinded, read_results
from swa.study.strays import check_same_study, find_strays, remove_strays
from swa.study.study_tables import look_for_copies, nights_table, problems_of_nights
from swa.study.subject import SubjectTask
from swa.study.written import RUN_FILE, check_written, keep_left_out, keep_study_notes, write_believed
from swa.tables.files import table_text, write_table
from swa.tables_of_study import make_tables


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
    study, left_out = _plan(recordings, study_file, settings, results, exclude)
    settings = study.settings
    chosen = night_names(study.nights)[sorted(find_nights(study.nights, only, "--only"))].tolist()
    own = _check_sharing(results, part, blind=blind, nights_only=nights_only, prune=prune)
    blinded = None
    if blind:
        blinded = blind_study(study, settings, results)
        study, settings, chosen = blinded.study, blinded.settings, [blinded.translate(name) for name in chosen]
        left_out = {blinded.translate(name): BY_USER for name in left_out}
    else:
        _check_folder(results, study, prune=prune)
    is_shared = own is not None or nights_only
    with nullcontext() if is_shared else hold(results):
        journal = Journal(results, "run")
        if not is_shared:
            clear_faults(results)
        asked = Asked(overwrite=overwrite, verify=verify, shared=is_shared, study_codes=study.scorings.codes)
        places = [i for i in runnable_nights(study.nights, left_out) if not own or own.has(i)]
        tasks, lost = plan_nights(study, settings, places, results, asked, blinded.originals if blinded else None)
        tasks, excluded = choose_nights(tasks, study, left_out, chosen or None, is_finished, has_tables=not nights_only)
        if not is_shared:
            _begin(results, study, settings, left_out, prune=prune)
        jobs, outcomes = jobs or default_jobs(len(tasks), lambda: peak_gb(tasks.values())), dict(lost)
        with _told_when_stopped(outcomes, tasks), Workers(jobs, scheduler) as workers:
            work = Work(results=results, settings=settings, workers=workers, progress=progress or silent)
            _process_nights(tasks, work, outcomes)
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
            _close(work, lambda: journal.write(settings, comparison, **_facts(jobs, scheduler, study, outcomes, work)))
            nights, problems = Results(results).nights, Results(results).problems
    return StudyRun(
        results=Results(results),
        study=replace(study, notes=(*study.notes, *work.mended)),
        n_fresh=sum(outcome.fresh for outcome in outcomes.values()),
        nights=nights,
        problems=problems,
        part=own,
        has_tables=not is_shared,
        strays=work.attempt_study("the look for strays", lambda: find_strays(results, study), ()),
        key=blinded.key if blinded else None,
    )


def _plan(
    recordings: str | Path, study_file: str | Path | None, settings: Settings, results: Path, exclude: Sequence[str]
) -> tuple[Study, dict[str, LeftOut]]:
    """The study, in which parts of a night are none, and the nights that are left out; refused where it cannot be."""
    study = plan_study(recordings, study_file, settings, results)
    check_primary(study.nights, study.settings.comparison)
    check_columns(study.nights, study.settings.comparison)
    left_out = nights_left_out(study.nights, exclude)
    names = night_names(study.nights)
    without = [int(place) for place in names.index[names.isin(left_out)]]
    parts = find_parts(study.nights, study.settings, without)
    return replace(study, nights=refuse_parts(study.nights, parts), parts=parts), left_out


def _check_folder(results: Path, study: Study, *, prune: bool) -> None:
    """Refuse a folder whose results are blinded, or of another study that is not to be replaced."""
    check_not_blinded(results)
    if not prune:
        check_same_study(results, study)


def _close(work: Work, note: Callable[[], None]) -> None:
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


def _begin(results: Path, study: Study, settings: Settings, left_out: Collection[str], *, prune: bool) -> None:
    """Write what a run stands on, once nothing refuses it."""
    if prune:
        remove_strays(results, study)
    clear_work(results, keep=("logs",))
    describe_results(results, settings)
    keep_study_notes(results, () if is_blinded(results) else study.notes)
    keep_left_out(results, left_out)
    if study.needs_template:
        write_template(study, results / TEMPLATE)


def _tables_of_nights(
    study: Study, excluded: Mapping[int, LeftOut], outcomes: dict[int, NightOutcome], work: Work
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What became of each night, and what is wrong with them; without the first nothing can be compared."""
    copies = look_for_copies(study, list(excluded), work.attempt_study)
    try:
        nights = nights_table(study, outcomes, excluded, work.results, work.settings, work.attempt_study, copies)
    except Exception as error:
        if not is_fault(error):
            raise
        remedy = leave_fault(work.results, work.settings, "the table of nights could not be made", error)
        problem = f"The table of nights could not be made ({describe_fault(error)}). The nights are stored, and kept."
        raise StudyError(problem, remedy) from error

    def tell() -> pd.DataFrame | None:
        return problems_of_nights(study, outcomes, excluded, work.attempt_study, copies)

    problems = work.attempt_study("the problems of the nights", tell, None)
    return nights, as_table([]) if problems is None else problems


def _known_comparison(work: Work, nights: pd.DataFrame, problems: pd.DataFrame, asked: Asked) -> Comparison | None:
    """What tables and pages rest on, where they were made from the same and are as they were."""
    if asked.overwrite:
        return None
    return find_comparison(work.results, digest_inputs(work.results, nights, problems, work.settings))


def _mend(tasks: Mapping[int, NightTask], outcomes: dict[int, NightOutcome], work: Work) -> list[str]:
    """Do those finished nights again whose files are not as they were written; says which."""
    places = [place for place, outcome in outcomes.items() if outcome.status == "done" and not outcome.fresh]
    damage = find_damage([tasks[place].folder for place in places])
    again = {place: replace(tasks[place], overwrite=True) for place, why in zip(places, damage, strict=True) if why}
    mended: dict[int, NightOutcome] = {}
    _process_nights(again, work, mended)
    outcomes |= mended
    return [
        f"{tasks[place].subject} {tasks[place].session}: {why}; it was done again"
        for place, why in zip(places, damage, strict=True)
        if why
    ]


def _bring_together(work: Work, nights: pd.DataFrame, problems: pd.DataFrame) -> Comparison | None:
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
            work = Work(results=results, settings=chosen, workers=workers, progress=progress or silent)
            leave_out_damaged(work)
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
        work = Work(results=results, settings=settings, workers=workers, progress=progress or silent)
        leave_out_damaged(work)
        _compare(work)
        add_problems(results, work.told)
        journal.write(settings, None, jobs=jobs, mended=work.mended)
        clear_work(results)
    return read_results(results)


def _process_nights(tasks: Mapping[int, NightTask], work: Work, outcomes: dict[int, NightOutcome]) -> None:
    """Note the outcome of each task; finished nights are told here, so that only the others wake a worker."""
    finished = (place for place, task in tasks.items() if not task.overwrite and is_finished(task))
    outcomes.update((place, NightOutcome(status="done", fresh=False)) for place in finished)
    waiting = [place for place in tasks if place not in outcomes]
    done = len(tasks) - len(waiting)
    if waiting:
        work.advance("nights", done, len(tasks), "")
    while waiting:
        again = []
        for number, outcome in work.workers.run(process_night, [tasks[place] for place in waiting]):
            task = tasks[waiting[number]]
            if is_death(outcome) and count_attempts(task.results, task.name, task.run) < MOST:
                again.append(waiting[number])  # its worker died before it began, or once: that proves nothing
                continue
            outcomes[waiting[number]] = _lost(task, outcome) if isinstance(outcome, BaseException) else outcome
            done += 1
            work.advance("nights", done, len(tasks), f"{task.subject} {task.session}")
        waiting = again


@contextmanager
def _told_when_stopped(outcomes: Mapping[int, NightOutcome], tasks: Collection[int]) -> Iterator[None]:
    """Have who stops a run told how many of its nights are finished."""
    try:
        yield
    except KeyboardInterrupt:
        finished = sum(outcome.status == "done" for outcome in outcomes.values())
        raise StudyStopped(finished, len({*outcomes, *tasks})) from None


def _compare(work: Work, contrast: str | None = None) -> None:
    _write_pages(work, make_tables(work, contrast))


def _write_pages(work: Work, subjects: Sequence[SubjectTask]) -> None:
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


def _missing_page(work: Work, subject: str, name: str, error: BaseException) -> Problem:
    problem = f"{name} could not be written ({describe_fault(error)})."
    remedy = "The tables are whole. Close it where it is open, and run `swa compare`."
    if is_fault(error) or is_death(error):
        remedy = "The tables are whole. " + leave_fault(work.results, work.settings, "a page could not be made", error)
    return Problem(subject=subject, step="page", problem=problem, remedy=remedy)


def _lost(task: NightTask, error: BaseException) -> NightOutcome:
    if is_death(error):
        return lost_night(task)
    problem = f"{task.path.name}: it could not be processed ({type(error).__name__}: {error})."
    remedy = leave_fault(task.results, task.settings, "a night could not be processed", error)
    return NightOutcome.failed("measure", problem, f"Run again: finished nights are kept. {remedy}")


def _facts(
    jobs: int, scheduler: str | None, study: Study, outcomes: Mapping[int, NightOutcome], work: Work
) -> dict[str, object]:
    """What `run.json` says beside times, host and logs."""
    return {
        "jobs": jobs,
        "scheduler": scheduler,
        "study_source": study.source,
        "mended": work.mended,
        "nights_processed": sum(outcome.fresh and outcome.status == "done" for outcome in outcomes.values()),
        "nights_found_finished": sum(not outcome.fresh for outcome in outcomes.values()),
        "nights_failed": sum(outcome.status == "failed" for outcome in outcomes.values()),
    }
