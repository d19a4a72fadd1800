"""The one call behind `swa run`: a folder of recordings becomes a results folder."""

import shutil
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from swa.comparison.comparability import check_comparability, comparability_table
from swa.comparison.compared_nights import COPIED, find_baseline, is_adaptation, usable_nights
from swa.comparison.contrasts import judge_rows, measure_contrasts
from swa.comparison.further.clusters import find_clusters
from swa.comparison.further.cycle_contrasts import compare_cycles
from swa.comparison.further.dose_contrasts import compare_doses
from swa.comparison.further.group_spectra import average_spectra
from swa.comparison.further.interactions import compare_combinations
from swa.comparison.further.moderators import covariate_changes, relate_covariates
from swa.comparison.further.planning import plan_next_study
from swa.comparison.further.precision import rate_precision, read_spreads
from swa.comparison.further.profiles import compare_profiles
from swa.comparison.further.specification_curve import trace_specifications
from swa.comparison.headline import leading_marker
from swa.comparison.primary import check_primary
from swa.errors import SettingsError, StudyError
from swa.report.pages import PageTask, write_study_page, write_subject_page
from swa.report.workbook import WORKBOOK, write_workbook
from swa.settings import Settings, given_or_default
from swa.study.long_table import join_measures
from swa.study.plan.bids import channel_settings
from swa.study.plan.manifest import Study, plan_study, write_template
from swa.study.plan.selection import UNDONE, find_nights, night_names, nights_left_out
from swa.study.problems import Problem, add_problems, as_table
from swa.study.respecification import respecify_subject
from swa.study.run.attempts import MOST, clear_work, count_attempts
from swa.study.run.batch import Workers, default_jobs, is_death
from swa.study.run.blinding import Blinded, blind_study, check_not_blinded, mark_unblinded, unblind_results
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
from swa.study.store import Results, describe_results, read_results
from swa.study.strays import find_strays, remove_strays
from swa.study.study_tables import add_headlines, join_rejection, mark_copies, nights_table, problems_of_nights
from swa.study.subject import NightOfSubject, SubjectTask, combine_subject
from swa.tables.contrast import Contrast, contrasts_in
from swa.tables.files import write_table
from swa.tables.marker import select
from swa.tables.results_tables import (
    CLUSTERS,
    CONTRASTS,
    COVARIATE_CHANGES,
    CYCLE_CONTRASTS,
    DOSE_CONTRASTS,
    GROUP_SPECTRA,
    INTERACTIONS,
    MODERATORS,
    PLANNING,
    PROFILES,
    SPECIFICATION_SUMMARY,
    SPECIFICATIONS,
)
from swa.tables.schema import Table

Progress = Callable[[str, int, int, str], None]


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
        One row a night; by default ``study.tsv`` (or ``.csv``, ``.xlsx``) beside the recordings.
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
    left_out = nights_left_out(study.nights, exclude)
    chosen = night_names(study.nights)[sorted(find_nights(study.nights, only, "--only"))].tolist()
    own = _check_sharing(part, blind=blind, nights_only=nights_only, prune=prune)
    if blind or own or nights_only:
        refuse_if_held(results)  # blind: the links to the recordings are made anew, and a run reads through them
    blinded = None
    if blind:
        blinded = blind_study(study, settings, results)
        study, settings, chosen = blinded.study, blinded.settings, [blinded.translate(name) for name in chosen]
        left_out = {blinded.translate(name): "left out by the user" for name in left_out}
    else:
        check_not_blinded(results)
    is_shared = own is not None or nights_only
    with nullcontext() if is_shared else hold(results):
        journal = Journal(results, "run")
        if prune:
            remove_strays(results, study)
        if not is_shared:
            _begin(results, study, settings)
        codes = None if study.scorings.codes is None else dict(study.scorings.codes)
        run = uuid.uuid4().hex[:12]
        asked = _Asked(overwrite=overwrite, verify=verify, run=run, shared=is_shared, study_codes=codes)
        places = [i for i in _runnable(study.nights, left_out) if not own or own.has(i)]
        tasks = {i: _night_task(study.nights.iloc[i], results, settings, asked, blinded) for i in places}
        tasks, excluded = _choose(tasks, study, left_out, chosen if only else None)
        jobs = jobs or default_jobs(len(tasks))
        with Workers(jobs, scheduler) as workers:
            work = _Work(results=results, settings=settings, workers=workers, progress=progress or _silent)
            outcomes = _process_nights(tasks, work)
            nights = nights_table(study, outcomes, excluded, results, settings)
            problems = problems_of_nights(study, outcomes, excluded)
            if own:
                report_part(results, own, study, nights, problems, settings)
            elif not is_shared:
                comparison = _bring_together(work, nights, problems, asked)
        if is_shared:
            mine = own.has if own else tasks.__contains__
            nights, problems = (table[table.index.map(mine).astype(bool)] for table in (nights, problems))
        else:
            nights, problems = Results(results).nights, Results(results).problems
            journal.write(settings, comparison, **_facts(jobs, scheduler, study, outcomes))
            clear_work(results)
    return StudyRun(
        results=Results(results),
        study=study,
        n_fresh=sum(outcome.fresh for outcome in outcomes.values()),
        nights=nights,
        problems=problems,
        part=own,
        has_tables=not is_shared,
        strays=find_strays(results, study),
        key=blinded.key if blinded else None,
    )


def _check_sharing(part: str | None, *, blind: bool, nights_only: bool, prune: bool) -> Part | None:
    """The part that is asked for; calls that share a folder neither draw codes nor remove anything."""
    other = "--part" if part else "a call for nights alone"
    if blind and (part or nights_only):
        raise StudyError(f"--blind and {other}: codes are drawn by one run.", "Leave out one of them.")
    if prune and (part or nights_only):
        raise StudyError(f"--prune and {other}: other calls may work at these nights.", "Leave out one of them.")
    return read_part(part) if part else None


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
    run: str
    shared: bool
    study_codes: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class _Work:
    """The results folder that a call works at, and who does it."""

    results: Path
    settings: Settings
    workers: Workers
    progress: Progress


def _begin(results: Path, study: Study, settings: Settings) -> None:
    clear_work(results, keep=("logs",))
    describe_results(results, settings)
    if study.needs_template:
        write_template(study, results / "study-template.tsv")


def _runnable(nights: pd.DataFrame, left_out: Collection[str]) -> list[int]:
    places = zip(nights.index, night_names(nights), nights["problem"], strict=True)
    return [i for i, name, wrong in places if name not in left_out and not wrong]


def _bring_together(work: _Work, nights: pd.DataFrame, problems: pd.DataFrame, asked: _Asked) -> Comparison | None:
    """Tables and pages of the study, unless they were made from the same and are as they were; what they rest on."""
    results = work.results
    inputs = digest_inputs(results, nights, problems, work.settings)
    known = None if asked.overwrite else find_comparison(results, inputs, by_content=asked.verify)
    if known is not None:
        return known
    forget_comparison(results)
    write_table(nights, results / "nights.tsv")
    write_table(problems, results / "problems.tsv")
    _compare(work)
    failed = Results(results).problems["step"].isin(["subject", "page"]).any()
    return None if failed else describe_comparison(results, inputs)


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
        found = read_results(results)
        chosen = _for_comparison(settings, found.settings)
        check_primary(found.nights, chosen.comparison)  # before anything of the folder is touched
        jobs = jobs or default_jobs(found.nights["subject"].nunique())
        with Workers(jobs, scheduler) as workers:
            forget_comparison(results)
            describe_results(results, chosen)
            _compare(_Work(results=results, settings=chosen, workers=workers, progress=progress or _silent), contrast)
        journal.write(chosen, None, jobs=jobs, scheduler=scheduler)
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
        journal = Journal(results, "unblind")
        forget_comparison(results)
        settings = unblind_results(results, Path(key))
        describe_results(results, settings)
        mark_unblinded(results, Path(key))
        _compare(_Work(results=results, settings=settings, workers=workers, progress=progress or _silent))
        journal.write(settings, None, jobs=jobs)
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
            work.progress("nights", len(outcomes), len(tasks), f"{task.subject} {task.session}")
        waiting = again
    return outcomes


def _compare(work: _Work, contrast: str | None = None) -> None:
    """Subject steps, contrasts and pages; a contrast that is asked for beside the planned ones is exploratory."""
    results, settings = work.results, work.settings
    mark_copies(results)
    done = select(read_results(results).nights, status="done")
    baseline = _baseline(done, settings)
    tasks = _subject_tasks(done, baseline, results, settings)
    combined, doubtful = _combine_subjects(tasks, work)
    _remove_others(results, {task.label for task in combined})
    is_measured = join_measures(results, [task.label for task in combined]) > 0
    add_headlines(results, doubtful)
    if not is_measured or done["condition"].nunique() < 2:
        baseline = ""  # nothing to hold against each other: no table needs to be read for it
    contrasts = CONTRASTS.empty()
    if baseline:
        contrasts = measure_contrasts(read_results(results), baseline, settings=settings)
    conditions = sorted(usable_nights(done)["condition"].unique())
    asked_for = Contrast.parse(contrast, conditions) if contrast and is_measured else None
    if asked_for and asked_for not in contrasts_in(contrasts).values():
        # Asked for afterwards: it stands beside the planned ones, and is exploratory whatever was declared.
        asked = measure_contrasts(read_results(results), contrast=asked_for, settings=settings)
        contrasts = pd.concat([contrasts, asked.assign(role="exploratory")], ignore_index=True)
    records = check_comparability(results, done, contrasts, settings)
    write_table(comparability_table(records), results / "comparability.tsv")
    join_rejection(results, done)
    contrasts = judge_rows(read_results(results), contrasts, records, done, settings)
    write_table(contrasts, results / "contrasts.tsv")
    write_table(rate_precision(contrasts, read_spreads(results, done), settings.comparison), results / "precision.tsv")
    _compare_further(results, baseline, contrasts, settings)
    _trace_specifications(work, combined if baseline else [], baseline)
    _write_pages(work, combined)


def _combine_subjects(tasks: Sequence[SubjectTask], work: _Work) -> tuple[list[SubjectTask], dict[str, frozenset[str]]]:
    """Subject step of each: those that could be combined, and the doubtful channels of each subject."""
    known = Results(work.results).problems
    problems: list[Problem] = []
    combined, doubtful = [], {}
    for number, outcome in sorted(work.workers.run(combine_subject, tasks), key=lambda item: item[0]):
        task = tasks[number]
        if isinstance(outcome, BaseException):
            problems.append(_broken_subject(task.subject, outcome))
        else:
            problems += outcome.problems
            combined.append(task)
            doubtful[task.subject] = outcome.doubtful
        work.progress("subjects", number + 1, len(tasks), task.subject)
    of_nights = known[~known["step"].isin(["channel", "subject", "page", "specifications"])]
    write_table(pd.concat([of_nights, as_table(problems)], ignore_index=True), work.results / "problems.tsv")
    return combined, doubtful


def _remove_others(results: Path, labels: set[str]) -> None:
    """Take away tables and pages of subjects that are no longer in the study: their nights stay, for another run."""
    for folder in results.glob("sub-*"):
        label = folder.name.removeprefix("sub-")
        if label not in labels:
            for path in (*folder.glob("*.parquet"), folder / f"{folder.name}.html"):
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
        if isinstance(outcome, BaseException):
            subject = subjects[position - 2].subject if position > 1 else ""
            failed.append(_missing_page(subject, names[position], outcome))
        work.progress("pages", number, len(tasks), "")
    add_problems(work.results, failed)


def _write_page(task: Path | PageTask) -> Path:
    if isinstance(task, PageTask):
        return write_subject_page(task)
    if task.name == WORKBOOK:
        return write_workbook(read_results(task.parent))
    return write_study_page(read_results(task))


def _compare_further(results: Path, baseline: str, contrasts: pd.DataFrame, settings: Settings) -> None:
    """Tables beside the contrasts, each empty where there is nothing to compare."""
    found = read_results(results)
    further: tuple[tuple[Table, Callable[..., pd.DataFrame]], ...] = (
        (MODERATORS, relate_covariates),
        (COVARIATE_CHANGES, covariate_changes),
        (PROFILES, compare_profiles),
        (CLUSTERS, find_clusters),
        (CYCLE_CONTRASTS, compare_cycles),
        (INTERACTIONS, compare_combinations),
        (DOSE_CONTRASTS, compare_doses),
    )
    for kind, compare in further:
        source = results if compare is find_clusters else found
        table = compare(source, baseline, settings=settings) if baseline else kind.empty()
        write_table(table, results / f"{kind.name}.tsv")
    plan, spectra = PLANNING.empty(), GROUP_SPECTRA.empty()
    if baseline:
        plan = plan_next_study(found, settings)
    if len(contrasts):
        spectra = average_spectra(results, contrasts_in(contrasts).values(), settings)
    write_table(plan, results / "planning.tsv")
    write_table(spectra, results / "group_spectra.tsv")


def _trace_specifications(work: _Work, subjects: Sequence[SubjectTask], baseline: str) -> None:
    """Tables of the specification curve; empty without a contrast.

    In a large study the stored nights are not gone through again: the curve then has what the long table holds.
    """
    results, settings = work.results, work.settings
    specifications, summary = SPECIFICATIONS.empty(), SPECIFICATION_SUMMARY.empty()
    if subjects:
        found, parts = read_results(results), []
        if sum(len(task.nights) for task in subjects) <= settings.comparison.full_subject_rows_nights:
            failed = []
            respecify = partial(respecify_subject, primary=leading_marker(found, found.nights, settings.comparison))
            for position, rows in sorted(work.workers.run(respecify, subjects), key=lambda item: item[0]):
                if isinstance(rows, BaseException):
                    failed.append(_missing_choices(subjects[position].subject, rows))
                elif len(rows):
                    parts.append(rows)
            add_problems(results, failed)
        respecified = pd.concat(parts, ignore_index=True) if parts else None
        specifications, summary = trace_specifications(found, respecified, baseline, settings=settings)
    write_table(specifications, results / "specifications.tsv")
    write_table(summary, results / "specification_summary.tsv")


def _broken_subject(subject: str, error: BaseException) -> Problem:
    problem = f"the nights of {subject} could not be brought together ({type(error).__name__}: {error})."
    return Problem(
        subject=subject,
        step="subject",
        problem=problem,
        remedy="Run again with --overwrite; if it stays, please report it.",
    )


def _missing_choices(subject: str, error: BaseException) -> Problem:
    problem = f"the stored nights of {subject} could not be taken under other choices ({type(error).__name__}: {error})"
    problem += "; those rows of specifications.tsv rest on the other subjects."
    remedy = "The contrasts are whole. Run again with --overwrite; if it stays, please report it."
    return Problem(subject=subject, step="specifications", problem=problem, remedy=remedy)


def _missing_page(subject: str, name: str, error: BaseException) -> Problem:
    problem = f"{name} could not be written ({type(error).__name__}: {error})."
    remedy = "The tables are whole. Close it where it is open, and run `swa compare`; if it stays, please report it."
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


def _night_task(
    night: pd.Series, results: Path, settings: Settings, asked: _Asked, blinded: Blinded | None
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
        study_codes=asked.study_codes,
        age=float(given["age"]) if given.get("age") else None,
        sex=given.get("sex") or None,
        times={name: given[name] for name in ("lights_off", "lights_on", "dose_start") if given.get(name)},
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
    return NightOutcome.failed("measure", problem, "Run again: finished nights are kept.")


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
