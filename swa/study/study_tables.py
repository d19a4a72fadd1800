"""The tables of a planned study: what became of its nights, and what is wrong with them."""

import datetime
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import pandas as pd

from swa.glossary import bands_hz
from swa.measures.quality import UNUSABLE, judge_night
from swa.settings import Settings
from swa.study.infusions import dose_columns, note_doses
from swa.study.joined_tables import name_copies
from swa.study.plan.copies import START_REMEDY, find_copies, find_same_starts
from swa.study.plan.dates import find_wrong_dates
from swa.study.plan.lights import LIGHTS_REMEDY, find_misfits
from swa.study.plan.manifest import Study
from swa.study.plan.near_names import NEAR_REMEDY, find_near_names
from swa.study.plan.restarts import PARTS_REMEDY
from swa.study.plan.scoring_owners import OWNER_REMEDY, find_others_scorings
from swa.study.plan.scoring_search import LEFT_OVER, Why
from swa.study.plan.selection import LeftOut
from swa.study.problems import CHECK_STEP, Problem, as_table
from swa.study.run.faults import describe_fault, leave_fault
from swa.study.run.night_task import NightOutcome
from swa.study.store import NightFolder
from swa.tables.night_document import Summary
from swa.tables.reason import encode, in_words

DOSE_REMEDY = (
    "Correct dose_start in the study file, or the date in the header if that is wrong: until then hours and nights "
    "since the dose mean nothing."
)
DATE_REMEDY = (
    "Look which of the two is right: a row that names the recording of another night compares the wrong one, and a "
    "clock that was set wrong changes nothing."
)
FILE_REMEDY = "Correct the study file, or the file that it names."
SCORING_REMEDY = "Correct that file, or name the scoring in a study file (column hypnogram: a file, or none for YASA)."
Made = TypeVar("Made")
STATISTICS = ("TIB", "TST", "SOL", "WASO", "SE", "N1", "N2", "N3", "REM")


class Attempt(Protocol):
    """Calls `make`; where swa itself fails, the study is told of `what`, and gets `otherwise`."""

    def __call__(self, what: str, make: Callable[[], Made], otherwise: Made) -> Made:
        """Do so."""


def nights_table(
    study: Study,
    outcomes: dict[int, NightOutcome],
    excluded: Collection[int],
    results: Path,
    settings: Settings,
    attempt: Attempt,
    copies: Mapping[int, int],
) -> pd.DataFrame:
    """One row a night: the study file's columns, what became of it, its sleep, the verdict on it, and its copies.

    A night of which a fault of swa makes no row is one that failed, also in `outcomes`.
    """
    table = study.nights.drop(columns=["path", "problem", "hypnogram"], errors="ignore").copy()
    rows, starts = [], []
    for i, subject, session in zip(table.index, table["subject_label"], table["session_label"], strict=True):
        outcome = outcomes.get(i)
        status = "excluded" if i in excluded else outcome.status if outcome else "failed"
        try:
            start, row = _row(status, NightFolder(results, subject, session), settings)
        except Exception as error:  # one bad night never stops a study
            problem = f"its stored night could not be put into the table of nights ({describe_fault(error)})."
            remedy = leave_fault(results, settings, "a row of nights.tsv could not be made", error)
            outcomes[i] = NightOutcome.failed("study", problem, remedy)
            start, row = _row("failed", None, settings)
        starts.append(start)
        rows.append(row)
    # A count stays one beside nights that have none, as in a part of a run.
    measured = pd.DataFrame(rows, index=table.index).astype({"nrem_cycles": "Int64"})
    nothing = pd.DataFrame(index=table.index)
    doses = attempt("the columns of doses", lambda: dose_columns(table, starts), nothing)
    known = pd.concat([table, measured, doses], axis=1)
    return pd.concat([known, name_copies(known, copies)], axis=1)


def look_for_copies(study: Study, excluded: Collection[int], attempt: Attempt) -> dict[int, int]:
    """Rows of nights that hold the signals of an earlier one, to that one's; none where nothing is compared."""
    if study.needs_template:
        return {}
    kept = study.nights.drop(index=list(excluded))
    found: dict[int, int] = attempt("the look for copies", lambda: find_copies(kept["path"].tolist()), {})
    return {int(kept.index[copy]): int(kept.index[first]) for copy, first in found.items()}


def _row(status: str, folder: NightFolder | None, settings: Settings) -> tuple[str | None, dict[str, object]]:
    """Start of the recording, and what is known of a night that is done."""
    document = folder.document() if folder and status == "done" else None
    summary = document["summary"] if document else None
    row = {"status": status, **_sleep(summary, settings), **_verdict(summary, status, settings)}
    return summary["recording_start"] if summary else None, row


def _sleep(summary: Summary | None, settings: Settings) -> dict[str, object]:
    """Staging and sleep of a night; missing where there is none."""

    def known(value: float | None, digits: int | None = None) -> float:
        return np.nan if value is None else value if digits is None else round(value, digits)

    row: dict[str, object] = {
        "staging_source": summary["staging_source"] if summary else "",
        "recording_min": known(summary["recording_min"] if summary else None, 3),
        "sleep_onset_min": known(summary["sleep_onset_min"] if summary else None, 3),
        "nrem_cycles": known(summary["nrem_cycles"] if summary else None),
        "staging_confidence": known(summary["staging_confidence"] if summary else None, 3),
    }
    if settings.scoring.compare_with_yasa:
        agreement = summary.get("agreement") if summary else None
        row["yasa_accuracy"] = known(agreement["accuracy"] if agreement else None)
        row["yasa_kappa"] = known(agreement["kappa"] if agreement else None)
    statistics = summary["statistics"] if summary else {}
    return row | {name if name == "SE" else f"{name}_min": known(statistics.get(name)) for name in STATISTICS}


def _verdict(summary: Summary | None, status: str, settings: Settings) -> dict[str, object]:
    if not summary:
        why = {"verdict": UNUSABLE, "verdict_reasons": "failed (see problems.tsv)"} if status == "failed" else {}
        return {"verdict": "", "verdict_reasons": "", "doubts": "", **why}
    bands = {band for own in bands_hz(settings).values() for band in own}
    verdict, reasons = judge_night(summary, settings.artifacts, settings.quality, bands)
    return {"verdict": verdict, "verdict_reasons": in_words(reasons), "doubts": encode(reasons)}


def problems_of_nights(
    study: Study,
    outcomes: Mapping[int, NightOutcome],
    excluded: Mapping[int, LeftOut],
    attempt: Attempt,
    copies: Mapping[int, int],
) -> pd.DataFrame:
    """Every night that was left out, where it failed, or is doubtful, why, and what to do; by its place in the plan."""
    found: list[tuple[int, Problem]] = []

    def add(place: int, step: str, problem: str, remedy: str) -> None:
        names = {name: str(study.nights.loc[place, name]) for name in ("subject", "session", "recording")}
        found.append((place, Problem(**names, step=step, problem=problem, remedy=remedy)))

    for place, wrong in zip(study.nights.index, study.nights["problem"].astype(str), strict=True):
        outcome = outcomes.get(place)
        if place in excluded:
            add(place, "exclude", *excluded[place])
        elif wrong:
            of_file = FILE_REMEDY if study.has_file else SCORING_REMEDY
            add(place, "plan", f"{wrong.rstrip('.')}.", PARTS_REMEDY if place in study.parts else of_file)
        elif outcome and outcome.status == "failed":
            add(place, outcome.step, outcome.problem, outcome.remedy)
    kept = study.nights.drop(index=list(excluded))
    if not study.needs_template:  # there nothing is compared
        for copy, first in copies.items():
            (_, one), (_, same) = kept.loc[[copy, first]].iterrows()
            problem = f"holds the same signals as the recording of {same['subject']} {same['session']}."
            remedy = f"One of the two is a copy: name the recording of each night. {_of_copies(one, same)}"
            add(copy, "plan", problem, remedy)
        for later, problem in _same_starts(kept, copies, attempt):
            add(later, CHECK_STEP, problem, START_REMEDY)
    for place, problem, remedy in (
        *_wrong_names(study, kept, attempt),
        *_wrong_times(kept, study.settings, attempt),
    ):
        add(place, CHECK_STEP, problem, remedy)
    found += _unused_scorings(study)
    table = as_table(problem for _, problem in found)
    table.index = pd.Index([place for place, _ in found], dtype=int)
    return table


def _same_starts(kept: pd.DataFrame, copies: Collection[int], attempt: Attempt) -> Iterator[tuple[int, str]]:
    """Nights of a subject that are compared and begin alike, without the date: it could say the order of a blinded one.

    A night for adaptation is compared with none.
    """
    compared = kept[~kept["adaptation"].astype(bool)] if "adaptation" in kept else kept
    places = {int(row): place for place, row in enumerate(compared.index)}
    known = {places[row] for row in copies if row in places}
    subjects, paths = compared["subject"].tolist(), compared["path"].tolist()
    starts: dict[int, tuple[int, datetime.datetime]] = attempt(
        "the look for equal starts", lambda: find_same_starts(subjects, paths, known), {}
    )
    for later, (first, _) in starts.items():
        same = compared.iloc[first]
        problem = f"begins at the same second as the recording of {same['subject']} {same['session']}."
        yield int(compared.index[later]), problem


def _wrong_names(study: Study, kept: pd.DataFrame, attempt: Attempt) -> Iterator[tuple[int, str, str]]:
    """Nights with the scoring of another one, or a name in two spellings: place, what is wrong, and what to do."""
    nothing: dict[int, str] = {}
    found = attempt("the names of the scorings", lambda: find_others_scorings(study.nights), nothing)
    for place, problem in found.items():
        if place in kept.index:
            yield place, f"{problem}.", OWNER_REMEDY
    if not study.needs_template:
        for place, problem in attempt("the names of the nights", lambda: find_near_names(kept), nothing).items():
            yield place, f"{problem}.", NEAR_REMEDY


def _wrong_times(kept: pd.DataFrame, settings: Settings, attempt: Attempt) -> Iterator[tuple[int, str, str]]:
    """Nights whose date, dose or lights contradict their recording: place, what is wrong, and what to do."""
    nothing: dict[int, str] = {}
    for place, problem in attempt("the dates of doses", lambda: note_doses(kept), nothing).items():
        yield place, problem, DOSE_REMEDY
    no_dates: dict[int, tuple[str, str]] = {}
    for place, (problem, counts) in attempt("the dates", lambda: find_wrong_dates(kept), no_dates).items():
        yield place, f"{problem}.", f"{DATE_REMEDY}{counts and f' Until one is corrected {counts}.'}"
    for place, problem in attempt("the lights", lambda: find_misfits(kept, settings), nothing).items():
        yield place, f"{problem}{'' if problem.endswith('?') else '.'}", LIGHTS_REMEDY


def _unused_scorings(study: Study) -> Iterator[tuple[int, Problem]]:
    """Scorings that no night uses, by why."""
    for why, names in study.scorings.left_over(study.root).items():
        if why is not Why.DRAWN:
            told = f"{LEFT_OVER}: {names} ({why.rstrip('.')})."
            yield 0, Problem(subject="", step="plan", problem=told, remedy=SCORING_REMEDY)


def _of_copies(one: pd.Series, same: pd.Series) -> str:
    """What becomes of two nights with one recording."""
    if one["subject"] != same["subject"]:
        return "Until then neither of them is compared; a subject all of whose nights are those of another counts once."
    if one["condition"] != same["condition"]:
        return "Until then neither of them is compared."
    return "Until then the first of them counts."
