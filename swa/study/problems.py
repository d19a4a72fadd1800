"""What was left out of a study or is doubtful, and what to do about it: the rows of `problems.tsv`."""

import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import pandas as pd

from swa.study.store import Results
from swa.tables.files import write_table
from swa.tables.results_tables import PROBLEMS

# Steps of `swa compare`, whose problems are told anew each time; those of the first set mean that something is missing.
_MISSING_STEPS = ("subject", "compare", "specifications", "figure", "page")
CHECK_STEP = "check"  # of what is in the result all the same, until somebody corrects it
_QUOTED = re.compile(r"^'([^']*)'")
LEAD_STEP = "primary"  # who is not in what the study leads with
LATE_STEP = "afterwards"  # nights that were left out, or taken in, after results had been made
COMPARE_STEPS = (*_MISSING_STEPS, "channel", "store", LEAD_STEP, LATE_STEP)
MISSING_STEPS = (*_MISSING_STEPS, "study")  # the last is what `swa run` does before and after it


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
    """Problems as rows.

    A cell that begins with a straight quote is written with a second one, as what a spreadsheet would run is.
    """
    curled = (
        replace(
            problem,
            problem=_QUOTED.sub("\N{LEFT SINGLE QUOTATION MARK}\\1\N{RIGHT SINGLE QUOTATION MARK}", problem.problem),
        )
        for problem in problems
    )
    return PROBLEMS.frame([astuple(problem) for problem in curled])


def add_problems(results: Path, problems: Iterable[Problem]) -> None:
    """Write further rows under those of `problems.tsv`."""
    further = as_table(problems)
    if len(further):
        write_table(pd.concat([Results(results).problems, further], ignore_index=True), results / "problems.tsv")
