"""The results folder that a call works at, who does it, and what it tells."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pandas as pd

from swa.settings import Settings
from swa.study.problems import Problem, add_problems
from swa.study.run.batch import Workers
from swa.study.run.faults import describe_fault, is_fault, leave_fault
from swa.tables.files import write_table

Progress = Callable[[str, int, int, str], None]
Made = TypeVar("Made")
Other = TypeVar("Other")


@dataclass(frozen=True, kw_only=True)
class Work:
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


def silent(stage: str, done: int, total: int, what: str) -> None:
    """Progress that nobody watches."""
