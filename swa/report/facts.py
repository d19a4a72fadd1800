"""What is the same on every page of a study."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import pandas as pd

from swa.comparison.compared_nights import (
    copied_nights,
    is_adaptation,
    is_before,
    planned_pairs,
    split_nights,
    text_column,
)
from swa.comparison.late_nights import LateNight
from swa.comparison.primary import declared_primary
from swa.errors import StudyError
from swa.report.words.numbers import FEWEST_TO_TELL
from swa.settings import Settings
from swa.study.store import Results, StoredNight, stored_nights
from swa.study.written import LatePrimary
from swa.tables.contrast import GROUP, Contrast
from swa.tables.files import read_table
from swa.tables.marker import Marker, matches

ENDS = ["ci_low", "ci_high"]  # of an interval
Simulated = Literal["", "some", "all"]


@dataclass(frozen=True, kw_only=True)
class StudyFacts:
    """What is the same on every page of a study.

    Attributes
    ----------
    nights : DataFrame
        One row a night.
    settings : Settings
        The settings in force.
    baseline : str
        Baseline condition; empty where there is none.
    conditions : tuple of str
        Conditions of the nights that are done.
    design : str
        What the design can and cannot show.
    simulated : {"", "some", "all"}
        Of which of the nights the study file, or the header of the recording, says that they were simulated.
    blinded : bool
        Whether its conditions are codes.
    late_primary : LatePrimary or None
        Where the primary was named after results had been made.
    late_nights : tuple of LateNight
        Nights that were left out, or taken in, after that.
    """

    nights: pd.DataFrame
    settings: Settings
    baseline: str
    conditions: tuple[str, ...]
    design: str
    simulated: Simulated
    blinded: bool = False
    late_primary: LatePrimary | None = None
    late_nights: tuple[LateNight, ...] = ()

    @cached_property
    def primary(self) -> Marker | None:
        """The declared primary; None where none was declared."""
        return declared_primary(self.nights, self.settings.comparison)

    @cached_property
    def planned(self) -> frozenset[Contrast]:
        """Contrasts between conditions that the study calls for; any other was asked for afterwards."""
        with suppress(StudyError):
            return frozenset(planned_pairs(self.nights, self.settings.comparison, self.baseline or None))
        return frozenset()

    @property
    def is_compared(self) -> bool:
        """Whether there is a baseline and something to hold against it."""
        return bool(self.baseline) and len(self.conditions) > 1


def done_nights(nights: pd.DataFrame) -> pd.DataFrame:
    """Nights that were analysed."""
    return nights[text_column(nights, "status") == "done"]


@dataclass(frozen=True, kw_only=True)
class Uses:
    """What the finished nights of a study are used for.

    Attributes
    ----------
    by_condition : dict
        Nights that can be compared, by condition; of a study without a comparison, all.
    before : int
        Nights before an infusion, which theirs are held against.
    adaptation, copied : int
        Nights that are not compared: for adaptation, and of a recording that stands for several.
    """

    by_condition: dict[str, int]
    before: int = 0
    adaptation: int = 0
    copied: int = 0

    @property
    def compared(self) -> int:
        """All that are used."""
        return sum(self.by_condition.values()) + self.before


def count_uses(facts: StudyFacts) -> Uses:
    """What the finished nights are used for."""
    done = done_nights(facts.nights)
    if not facts.is_compared:
        return Uses(by_condition=_count_conditions(done, facts.conditions))
    used, before = split_nights(done)
    copied = copied_nights(used)
    return Uses(
        by_condition=_count_conditions(used[~copied], facts.conditions),
        before=len(before),
        adaptation=int(is_adaptation(done).sum()),
        copied=int(copied.sum()),
    )


def of_conditions(facts: StudyFacts) -> str:
    """How many excluded nights are of which condition; empty where none of them has one."""
    excluded = facts.nights[text_column(facts.nights, "status") == "excluded"]
    found = text_column(excluded, "condition").value_counts(sort=False).drop("", errors="ignore")
    return ", ".join(f"{n} {name}" for name, n in sorted(found.items()))


def _count_conditions(nights: pd.DataFrame, conditions: Iterable[str]) -> dict[str, int]:
    counts = text_column(nights, "condition").value_counts()
    return {name: int(counts[name]) for name in conditions if name in counts}


def nights_of_subject(results: Path, nights: pd.DataFrame, subject: str) -> list[StoredNight]:
    """The finished nights of a subject as they followed each other; those that are not compared say why.

    Parameters
    ----------
    results : Path
        The results folder.
    nights : DataFrame
        All nights of the study.
    subject : str
        Whose.
    """
    asides = pd.Series("", index=nights.index)
    asides[is_before(nights)] = "before the infusion"
    asides[copied_nights(nights)] = "one recording for several nights, not compared"
    asides[is_adaptation(nights)] = "adaptation night, not compared"
    own = nights.assign(aside=asides)
    own = own[text_column(nights, "subject") == subject]
    why = dict(zip(own["session"].astype(str), own["aside"], strict=True))
    found = [replace(night, aside=why[night.session]) for night in stored_nights(results, own)]
    dates = [str(night.summary.get("recording_start") or "")[:10] for night in found]
    if "" in dates or len(set(dates)) < len(dates):  # unknown, or hidden: as the study file lists them
        return found
    return [night for _, night in sorted(zip(dates, found, strict=True), key=lambda dated: dated[0])]


def read_optional(results: Results, name: str) -> pd.DataFrame:
    """A table of the results folder; empty where the folder has none."""
    path = results.path / name
    return read_table(path) if path.is_file() else pd.DataFrame()


def as_told(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as words and pictures tell them: those over two subjects have no interval, which the tables keep.

    Two changes that happen to agree give one as narrow as two that do not give one of every fall and rise. Rows without
    a column ``subject`` are over subjects.
    """
    if not {*ENDS, "n"} <= set(rows.columns):
        return rows
    few = rows["n"].lt(FEWEST_TO_TELL) & (matches(rows, subject=GROUP) if "subject" in rows else True)
    return rows.assign(**{name: rows[name].mask(few) for name in ENDS})
