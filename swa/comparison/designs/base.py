"""What a design is: it recognises itself in the nights, analyses a contrast, and describes itself in words.

The design is a property of the nights, so every marker of a contrast is analysed in the same way. It can be stated
(setting comparison.design) where the study file does not tell it.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import ClassVar, Literal, Self

import numpy as np
import pandas as pd

from swa.comparison.arrays import Bools, Floats, Ints
from swa.comparison.compared_nights import (
    FEWEST_OF_A_SEQUENCE,
    complete_orders,
    night_places,
    place_of_nights,
)
from swa.comparison.members import members_by, parallel_arms
from swa.comparison.outcomes import Outcome, effects, median_differences, repeats
from swa.comparison.within_subject import Changes, Grid, cell_keys, subject_changes
from swa.settings import ComparisonSettings
from swa.tables import notes
from swa.tables.contrast import GROUP, Contrast, join_name
from swa.tables.reason import Reason

# Difference between the two orders, in shares of the subjects, from which an effect of the period that is not removed
# is taken for one of the treatment: at 7 to 1 and a period × 1.2 in 17 % of studies without one.
UNEQUAL_ORDERS = 1 / 3

Permutation = Literal["sign flips", "permuted sequences", "permuted labels"]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two conditions of a study, as far as the nights tell how they were given.

    Attributes
    ----------
    nights, before : DataFrame
        Usable nights of the two conditions, and nights before infusions (`nights_before`).
    treatment, baseline : str
        The conditions.
    sequence : mapping
        1 for subjects with the baseline first, -1 with the treatment first.
    periods : mapping
        Periods of the nights of each (subject, condition).
    mirrored : bool
        Whether the nights are of two orders with the same places: those of one condition in both set aside, the one
        has either condition where the other has the other.
    aside : frozenset of (str, str)
        Subject and session of nights that do not count (`set_aside`).
    only_aside : frozenset of (str, str)
        Subject and condition where all nights are set aside: they are there, and yet not compared.
    """

    nights: pd.DataFrame
    before: pd.DataFrame
    treatment: str
    baseline: str
    sequence: Mapping[str, int]
    periods: Mapping[tuple[str, str], tuple[float, ...]]
    mirrored: bool = False
    aside: frozenset[tuple[str, str]] = frozenset()
    only_aside: frozenset[tuple[str, str]] = frozenset()

    @cached_property
    def complete(self) -> pd.Series:
        """Whether each subject has both conditions."""
        return self.nights.groupby("subject")["condition"].agg(set).map(len) == 2

    @cached_property
    def may_be_crossed(self) -> bool:
        """Whether several subjects had both conditions, and not in parallel arms."""
        return bool(self.complete.sum() >= FEWEST_OF_A_SEQUENCE) and not parallel_arms(self.nights)

    @cached_property
    def with_nights_before(self) -> int:
        """Number of subjects with a night before the infusion of either condition."""
        there = [set(conditions) for _, conditions in self.before.groupby("subject")["condition"]]
        return sum({self.treatment, self.baseline} <= conditions for conditions in there)


def in_both_orders(sequence: Mapping[str, int]) -> bool:
    """Whether each order of the conditions has the subjects from which an effect of the period can be told apart."""
    signs = list(sequence.values())
    return min(signs.count(1), signs.count(-1)) >= FEWEST_OF_A_SEQUENCE


def read_pair(nights: pd.DataFrame, before: pd.DataFrame, key: Contrast) -> Pair:
    """Read from the usable nights of a study, and those before infusions, how two conditions were given."""
    own = nights[nights["condition"].isin([key.treatment, key.comparator])]
    orders = complete_orders(own)
    aside = set_aside(own, orders)
    if parallel_arms(nights) or not in_both_orders(_sequence(own[~aside], key)):
        aside[:] = False
    used = own[~aside]
    places = night_places(used)
    known = places.notna()
    periods: dict[tuple[str, str], tuple[float, ...]] = {}
    for subject, condition, place in zip(used["subject"][known], used["condition"][known], places[known], strict=True):
        periods[str(subject), str(condition)] = (*periods.get((str(subject), str(condition)), ()), float(place))
    return Pair(
        nights=own,
        before=before,
        treatment=key.treatment,
        baseline=key.comparator,
        sequence=_sequence(used, key),
        periods=periods,
        mirrored=len(orders) == 2 and set(orders[0]) == set(orders[1]),
        aside=frozenset(zip(own["subject"][aside].astype(str), own["session"][aside].astype(str), strict=True)),
        only_aside=frozenset(_subjects_and_conditions(own) - _subjects_and_conditions(used)),
    )


def _subjects_and_conditions(nights: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(nights["subject"].astype(str), nights["condition"].astype(str), strict=True))


def set_aside(nights: pd.DataFrame, orders: Sequence[Mapping[float, str]]) -> pd.Series:
    """Which nights of two conditions stand where all orders have the same condition, as the second of P-D-D and D-D-P.

    In the mean over the nights of a condition an effect of such a place would stay: of a first night that differs, a
    third in P-D-D-D and D-D-D-P. Beside an intercept for each subject and each place, least squares give these nights
    no weight where there are two orders.
    """
    none = pd.Series(data=False, index=nights.index)
    if len(orders) < 2 or any(set(order) != set(orders[0]) for order in orders):
        return none
    shared = [place for place in orders[0] if len({order[place] for order in orders}) == 1]
    return night_places(nights).isin(shared) if shared else none


def _sequence(nights: pd.DataFrame, key: Contrast) -> dict[str, int]:
    """1 for subjects with the comparator first, -1 with the treatment first, by the mean place of their nights."""
    place = place_of_nights(nights).reindex(columns=[key.comparator, key.treatment])
    step = np.sign((place[key.treatment] - place[key.comparator]).to_numpy(dtype=float))
    return {str(name): int(sign) for name, sign in zip(place.index, step, strict=True) if sign in (1, -1)}


@dataclass(frozen=True, kw_only=True)
class ContrastDesign(ABC):
    """One contrast and how it is analysed. Each design is a subclass in a file of this folder.

    Attributes
    ----------
    kind : str
        Name of the design, in texts and as the setting comparison.design.
    rank : int
        Designs of a lower rank are asked first whether they recognise themselves.
    can_be_stated : bool
        Whether the setting may name it.
    permutes_estimate : bool
        Whether its `permutation` of the changes alone gives the estimate again, as a test of many estimates at once
        needs it: where it is a mean of changes, and not adjusted for anything else.
    adjusted_for : str
        Nights whose marker the estimate is adjusted for, so that it is not the ratio of the two means.
    sources : tuple of str
        Who described the analysis, as the bibliography names them.
    treatment, baseline : str
        Conditions whose change is taken; of arms the condition of the first arm, and the baseline of both.
    other : str
        Arms: the condition of the second arm.
    members : mapping
        Arm or group of each subject; `sides` are the two that are compared, the first less the second.
    sequence, periods, aside, only_aside
        As in `Pair`.
    limits : tuple of Reason
        What the design forbids the contrast to be read as.
    tested : bool
        Whether a p over subjects has a meaning.
    """

    kind: ClassVar[str]
    rank: ClassVar[int]
    can_be_stated: ClassVar[bool] = True
    permutes_estimate: ClassVar[bool] = False
    adjusted_for: ClassVar[str] = ""
    sources: ClassVar[tuple[str, ...]] = ()

    treatment: str
    baseline: str
    other: str = ""
    members: Mapping[str, str] = field(default_factory=dict)
    sides: tuple[str, str] = ("", "")
    sequence: Mapping[str, int] = field(default_factory=dict)
    periods: Mapping[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    aside: frozenset[tuple[str, str]] = frozenset()
    only_aside: frozenset[tuple[str, str]] = frozenset()
    limits: tuple[Reason, ...] = ()
    tested: bool = True

    @property
    def key(self) -> Contrast:
        """What is held against what."""
        return Contrast(treatment=self.treatment, comparator=self.baseline, first=self.sides[0], second=self.sides[1])

    @property
    def contrast(self) -> str:
        """Name in the tables."""
        return str(self.key)

    @property
    def removes_period(self) -> str:
        """By what an effect of the period is removed; empty where it is not."""
        return ""

    @property
    def permutation(self) -> Permutation:
        """What no effect lets be exchanged: signs of changes, orders of a subject's nights, or labels of the sides."""
        return "permuted sequences" if self.removes_period else "sign flips"

    @property
    def why_untested(self) -> Reason | None:
        """Why no number of subjects in the same orders gives a test; None where one can be made."""
        return None

    def changes(self, grid: Grid) -> Changes:
        """Changes of the subjects' treatment from their baseline nights, those set aside left out."""
        return subject_changes(grid.without_nights(self.aside), self.treatment, self.baseline)

    @abstractmethod
    def outcome(self, changes: Changes, settings: ComparisonSettings) -> Outcome:
        """Estimate, interval and p of each marker, from the changes of subjects' treatment from their baseline."""

    @abstractmethod
    def methods_words(self, settings: ComparisonSettings) -> str:
        """Say how the contrast is tested over subjects, in sentences for pages and methods texts."""

    def rows(self, changes: Changes, outcome: Outcome, markers: Bools, settings: ComparisonSettings) -> pd.DataFrame:
        """One row over subjects for each of these `markers`, in the columns that do not depend on other rows."""
        marker = np.flatnonzero(markers)
        columns = cell_keys(changes, np.zeros(len(marker), dtype=np.int64), marker)
        for name, text in {"subject": GROUP, "contrast": self.contrast, **asdict(self.key)}.items():
            columns[name] = np.full(len(marker), text, dtype=object)
        for name, values in (("estimate", outcome.estimate), ("ci_low", outcome.low), ("ci_high", outcome.high)):
            columns[name] = changes.on_reported_scale(values[marker])
        columns |= {"p": outcome.p[marker], "n": outcome.n[marker]}
        nothing: list[list[Reason]] = [[] for _ in outcome.n]
        standardised = effects(changes, outcome) if self.key.is_within else nothing
        medians = median_differences(changes, outcome, settings) if self.key.is_within else nothing
        fixed = (*repeats(changes), *self.limits)
        texts = np.empty((len(marker), len(notes.TEXT_COLUMNS)), dtype=object)
        for row, i in enumerate(marker.tolist()):
            left_out = [notes.counted(why, int(n[i])) for why, n in outcome.left_out.items() if n[i]]
            texts[row] = notes.row_texts([*outcome.reasons[i], *standardised[i], *medians[i], *left_out, *fixed])
        return pd.DataFrame(columns | dict(zip(notes.TEXT_COLUMNS, texts.T, strict=True)))

    def state(self, nights: pd.DataFrame) -> str:
        """Say how it is analysed and on whom of the usable nights: ``paired, 8 subjects (4 placebo first, 4 …)``."""
        by_subject = nights.groupby("subject")["condition"].agg(set)
        subjects = self._subjects({str(name): conditions for name, conditions in by_subject.items()})
        number = f"{len(subjects)} subject{'' if len(subjects) == 1 else 's'}"
        parts = ", ".join(self._parts(subjects))
        limits = "".join(f"; {limit.words}" for limit in (*self.limits, self.why_untested) if limit)
        return f"{self._title}, {number}" + (f" ({parts})" if parts else "") + limits + _doses(nights, self.treatment)

    def orders_in(self, changes: Changes) -> Ints:
        """1 where a subject had the baseline first, -1 the treatment, 0 where that is not known."""
        return np.array([self.sequence.get(str(name), 0) for name in changes.subjects], dtype=np.int64)

    def period_columns(self, subjects: Collection[object]) -> Floats:
        """What changes are regressed on to take an effect of the period out, NaN where a subject's order is not known.

        Returns
        -------
        array, shape (subjects, columns)
            Without columns where no effect of the period is removed.
        """
        if not self.removes_period:
            return np.zeros((len(subjects), 0))
        return np.array([[self.sequence.get(str(name), np.nan)] for name in subjects], dtype=float)

    @property
    def _title(self) -> str:
        return self.kind

    def _subjects(self, there: Mapping[str, set[str]]) -> list[str]:
        """Subjects of the contrast among those with these conditions."""
        return [name for name, conditions in there.items() if {self.treatment, self.baseline} <= conditions]

    def _parts(self, subjects: Sequence[str]) -> list[str]:
        orders = [self.sequence.get(name, 0) for name in subjects]
        counts = ((1, self.baseline), (-1, self.treatment))
        return [f"{orders.count(sign)} {name} first" for sign, name in counts if sign in orders]


@dataclass(frozen=True, kw_only=True)
class WithinSubjects(ContrastDesign):
    """A design that compares two conditions of the same subjects."""

    @classmethod
    @abstractmethod
    def fits(cls, pair: Pair, settings: ComparisonSettings) -> bool:
        """Whether two conditions were given in this design, designs of lower rank being out of question."""

    @classmethod
    def of(cls, pair: Pair, nights: pd.DataFrame) -> Self:
        """Return the design of a pair in the usable nights of its study."""
        limits, tested = limits_of(nights, pair.treatment, pair.baseline)
        if pair.aside:
            limits.append(notes.NIGHTS_ASIDE(nights=len(pair.aside)))
        design = cls(
            treatment=pair.treatment,
            baseline=pair.baseline,
            sequence=pair.sequence,
            periods=pair.periods,
            aside=pair.aside,
            only_aside=pair.only_aside,
            limits=tuple(limits),
            tested=tested,
        )
        if design.removes_period or len(set(pair.sequence.values())) < 2:
            return design
        signs = list(pair.sequence.values())
        first, last = signs.count(1), signs.count(-1)
        limits.append(notes.PERIOD_NOT_REMOVED())
        if abs(first - last) >= UNEQUAL_ORDERS * (first + last):
            names = {"baseline": pair.baseline, "treatment": pair.treatment}
            limits.append(notes.ORDERS_UNEQUAL(first=first, last=last, **names))
        return replace(design, limits=tuple(limits))


@dataclass(frozen=True, kw_only=True)
class BetweenSubjects(ContrastDesign):
    """A design that compares the changes of two sides, arms or groups."""

    @classmethod
    @abstractmethod
    def find(
        cls, nights: pd.DataFrame, within: Sequence[WithinSubjects], settings: ComparisonSettings
    ) -> list[Self] | None:
        """Contrasts between sides that the usable nights call for beside those within subjects.

        None where there are no such sides, so that designs of higher rank are asked.
        """

    @property
    def permutation(self) -> Permutation:
        """The labels of the sides."""
        return "permuted labels"

    @property
    def contrast(self) -> str:
        """Name in the tables: the pair of conditions and that of the sides."""
        return f"{self.key.pair} {join_name(*self.sides)}"

    def _parts(self, subjects: Sequence[str]) -> list[str]:
        return [f"{sum(self.members[name] == side for name in subjects)} {side}" for side in self.sides]


def limits_of(nights: pd.DataFrame, treatment: str, baseline: str) -> tuple[list[Reason], bool]:
    """Say what the design forbids a group row to be read as, and whether a p over subjects has a meaning.

    With parallel arms it has none: a test within an arm does not answer whether the arms differ, and one over arms
    together mixes treatments.
    """
    by_subject = nights.groupby("subject")["condition"].agg(set)
    subjects = [name for name, there in by_subject.items() if {treatment, baseline} <= there]
    own = nights[nights["subject"].isin(subjects)]
    limits = []
    arms = parallel_arms(nights)
    here = sorted(set(members_by("arm", own).values())) if arms else []
    if here:
        one = len(here) == 1
        limits.append(notes.ONE_ARM(arm=here[0]) if one else notes.ARMS_TOGETHER(arms=", ".join(here)))
    groups = sorted(set(members_by("group", own).values()))
    if len(groups) > 1:
        limits.append(notes.GROUPS_TOGETHER(groups=", ".join(groups)))
    return limits, not arms


def _doses(nights: pd.DataFrame, treatment: str) -> str:
    """Which nights after how many infusions a treatment has, as a clause to append; empty where one night each."""
    own = nights[nights["condition"] == treatment]
    said = []
    for name, text in (("infusion", "each of {} infusions"), ("nights_since_dose", "nights {} since the dose")):
        numbers = pd.to_numeric(own[name], errors="coerce").dropna() if name in own else pd.Series(dtype=float)
        found = [f"{number:g}" for number in sorted(numbers.unique())]
        if len(found) > 1:
            said.append(text.format(len(found) if name == "infusion" else ", ".join(found)))
    return f"; {' after '.join(reversed(said))} (dose_contrasts.tsv)" if said else ""
