"""From finished nights to the tables of their study: subject steps, contrasts, and what stands beside them."""

import shutil
from collections.abc import Callable, Sequence
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
from swa.comparison.further.interactions import combination_values, compare_combinations
from swa.comparison.further.level_changes import follow_levels, level_changes
from swa.comparison.further.moderators import covariate_changes, relate_covariates
from swa.comparison.further.planning import plan_next_study
from swa.comparison.further.precision import rate_precision, read_spreads
from swa.comparison.further.profiles import compare_profiles
from swa.comparison.further.specification_curve import trace_specifications
from swa.comparison.headline import leading_marker
from swa.comparison.late_nights import keep_nights, late_nights
from swa.comparison.participation import absent_subjects
from swa.comparison.primary import declared_primary
from swa.errors import StudyError
from swa.report.published import published_effects
from swa.report.words.absent import what_is_missing, what_to_do
from swa.report.words.afterwards import problem_of
from swa.settings import Settings
from swa.study.joined_tables import add_headlines, join_rejection, mark_copies
from swa.study.long_table import join_measures
from swa.study.problems import COMPARE_STEPS, LEAD_STEP, Problem, add_problems
from swa.study.respecification import find_respecified, remove_respecified, respecify_subject
from swa.study.run.subject_steps import broken_subject, missing_choices, run_unless_kept
from swa.study.run.work import Work
from swa.study.store import Results, read_results
from swa.study.subject import NightOfSubject, SubjectTask, combine_subject, find_combined
from swa.study.written import keep_primary
from swa.tables.contrast import Contrast, contrasts_in
from swa.tables.files import write_table
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


def make_tables(work: Work, contrast: str | None = None) -> list[SubjectTask]:
    """Make every table of the study from its finished nights; gives the subjects whose nights could be combined.

    Each table is guarded on its own: a fault of swa costs that one. A `contrast` that is asked for beside the planned
    ones is exploratory.
    """
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
    if len(judged):
        _tell_of_whom(work, found, done, baseline)
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
    return combined


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


def _baseline(done: pd.DataFrame, settings: Settings) -> str:
    """The baseline condition; empty where no night has one, which leaves the study without contrasts."""
    if done.empty:
        return ""
    try:
        return find_baseline(done, settings.comparison)
    except StudyError:
        return ""


def _combine_subjects(tasks: Sequence[SubjectTask], work: Work) -> tuple[list[SubjectTask], dict[str, frozenset[str]]]:
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
            own = (*folder.glob("*.parquet"), *folder.glob("sub-*_desc-*.json"), folder / f"{folder.name}.html")
            for path in own:
                path.unlink(missing_ok=True)
            shutil.rmtree(folder / "figures", ignore_errors=True)


def _contrasts(
    work: Work, found: Results, baseline: str, asked_for: str | None, conditions: Sequence[str]
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


def _tell_of_whom(work: Work, found: Results, done: pd.DataFrame, baseline: str) -> None:
    """Who is not in what the study leads with, and what was changed after earlier results: primary and nights."""
    results, settings = work.results, work.settings
    absent = work.attempt("who is not in the primary", lambda: _absent(found, baseline, settings), [])
    add_problems(results, absent)
    primary = str(declared_primary(done, settings.comparison) or "")
    work.attempt("the primary in run.json", lambda: keep_primary(results, primary), None)
    work.attempt("the nights in run.json", lambda: keep_nights(results, found.nights), None)
    late = work.attempt("nights that were left out late", lambda: late_nights(results, found.nights), ())
    add_problems(results, map(problem_of, late))


def _absent(found: Results, baseline: str, settings: Settings) -> list[Problem]:
    """The subjects who are not in what the study leads with, by name."""
    return [
        Problem(subject=one.subject, step=LEAD_STEP, problem=what_is_missing(one, settings), remedy=what_to_do(one))
        for one in absent_subjects(found, found.nights, baseline, settings)
    ]


def _compare_further(work: Work, found: Results, baseline: str, contrasts: pd.DataFrame) -> None:
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
    work: Work, found: Results, subjects: Sequence[SubjectTask], baseline: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables of the specification curve; empty without a contrast."""
    respecified = _respecify(work, found, subjects)
    if not subjects:
        return SPECIFICATIONS.empty(), SPECIFICATION_SUMMARY.empty()
    return trace_specifications(found, respecified, baseline, settings=work.settings)


def _respecify(work: Work, found: Results, subjects: Sequence[SubjectTask]) -> pd.DataFrame | None:
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
