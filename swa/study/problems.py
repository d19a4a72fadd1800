"""What was left out of a study, and what to do about it: the rows of `problems.tsv`."""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

import pandas as pd

from swa.study.plan.copies import find_copies, find_same_starts
from swa.study.plan.manifest import Study
from swa.study.run.night_task import NightOutcome
from swa.study.store import Results
from swa.tables.files import write_table
from swa.tables.results_tables import PROBLEMS

START_REMEDY = (
    "Nobody sleeps two nights at once: name the recording of each night, or correct the start in the header that is "
    "wrong; parts of one night are to be joined."
)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A row of `problems.tsv`; without a session about all nights of a subject, without a subject about the study.

    Attributes
    ----------
    subject, session, recording : str
        As in the study file.
    step : str
        What the program was doing.
    problem, remedy : str
        What was found, and what to do.
    """

    subject: str
    session: str = ""
    recording: str = ""
    step: str
    problem: str
    remedy: str


def as_table(problems: Iterable[Problem]) -> pd.DataFrame:
    """Problems as rows."""
    return PROBLEMS.frame([astuple(problem) for problem in problems])


def add_problems(results: Path, problems: Iterable[Problem]) -> None:
    """Write further rows under those of `problems.tsv`."""
    further = as_table(problems)
    if len(further):
        write_table(pd.concat([Results(results).problems, further], ignore_index=True), results / "problems.tsv")


def problems_of_nights(study: Study, outcomes: Mapping[int, NightOutcome], excluded: set[int]) -> pd.DataFrame:
    """Every night that was left out, where it failed, why, and what to do; indexed by place in the plan."""
    found: list[tuple[int, Problem]] = []

    def add(place: int, step: str, problem: str, remedy: str) -> None:
        names = {name: str(study.nights.loc[place, name]) for name in ("subject", "session", "recording")}
        found.append((place, Problem(**names, step=step, problem=problem, remedy=remedy)))

    for place, wrong in zip(study.nights.index, study.nights["problem"].astype(str), strict=True):
        outcome = outcomes.get(place)
        if place in excluded:
            add(place, "exclude", "left out by --exclude", "")
        elif wrong:
            add(place, "plan", f"{wrong.rstrip('.')}.", "Correct the study file.")
        elif outcome and outcome.status == "failed":
            add(place, outcome.step, outcome.problem, outcome.remedy)
    if not study.needs_template:  # there nothing is compared
        kept = study.nights.drop(index=list(excluded))
        paths = kept["path"].tolist()
        copies = find_copies(paths)
        for copy, first in copies.items():
            one, same = kept.iloc[copy], kept.iloc[first]
            problem = f"holds the same signals as the recording of {same['subject']} {same['session']}."
            remedy = f"One of the two is a copy: name the recording of each night. {_of_copies(one, same)}"
            add(kept.index[copy], "plan", problem, remedy)
        # Without its date, which could say in what order the nights of a blinded study were.
        for later, (first, _) in find_same_starts(kept["subject"].tolist(), paths, copies).items():
            same = kept.iloc[first]
            problem = f"begins at the same second as the recording of {same['subject']} {same['session']}."
            add(kept.index[later], "plan", problem, START_REMEDY)
    table = as_table(problem for _, problem in found)
    table.index = pd.Index([place for place, _ in found], dtype=int)
    return table


def _of_copies(one: pd.Series, same: pd.Series) -> str:
    """What becomes of two nights with one recording."""
    if one["subject"] != same["subject"]:
        return "Until then both subjects are compared, as if they were two."
    if one["condition"] != same["condition"]:
        return "Until then neither of them is compared."
    return "Until then the first of them counts."
