"""Pre/post crossover: a night before and after each infusion."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from swa.comparison.designs.base import Pair, WithinSubjects, in_both_orders
from swa.comparison.linear import least_squares
from swa.comparison.outcomes import Outcome, by_t, each, taking_part
from swa.comparison.within_subject import Changes, subject_changes
from swa.settings import ComparisonSettings
from swa.tables import notes

FEWEST_PRE = 5  # an intercept and a slope leave 3 degrees of freedom


@dataclass(frozen=True, kw_only=True)
class PrePostCrossover(WithinSubjects):
    """The nights after the infusions, adjusted for those before them."""

    kind: ClassVar[str] = "pre/post crossover"
    rank: ClassVar[int] = 10
    adjusted_for: ClassVar[str] = "the nights before the infusions"

    @classmethod
    def fits(cls, pair: Pair, settings: ComparisonSettings) -> bool:
        """Whether five subjects or more have a night before each of the two infusions."""
        return pair.may_be_crossed and pair.with_nights_before >= FEWEST_PRE

    @property
    def removes_period(self) -> str:
        """By what an effect of the period is removed: it takes both orders."""
        return "by adjusting for the order" if in_both_orders(self.sequence) else ""

    def methods_words(self, settings: ComparisonSettings) -> str:
        """As `ContrastDesign.methods_words`."""
        return (
            "One value per subject. Analysis of covariance: the difference between the nights after the infusions, "
            "adjusted for that between the nights before them and, where there are both orders, for the order; p and "
            "interval by t."
        )

    def outcome(self, changes: Changes, settings: ComparisonSettings) -> Outcome:
        """Post difference adjusted for the pre difference, and for the order where both orders are there."""
        before = subject_changes(changes.grid, self.treatment, self.baseline, before=True)
        pre = np.full_like(changes.change, np.nan)
        _, mine, theirs = np.intersect1d(changes.subjects, before.subjects, return_indices=True)
        pre[mine] = before.change[theirs]
        sequence = self.orders_in(changes)
        columns: list[npt.ArrayLike] = [np.ones(len(sequence)), pre]
        missing = [(notes.WITHOUT_PRE(), np.isnan(pre))]
        method = notes.ANCOVA_PRE()
        if min((sequence == 1).sum(), (sequence == -1).sum()) > 1:
            columns.append(np.where(sequence == 0, np.nan, sequence.astype(float)))
            missing.append((notes.WITHOUT_ORDER(), (sequence == 0)[:, None]))
            method = notes.ANCOVA_PRE_ORDER()
        fit = least_squares(changes.change, columns)
        slopes = each(notes.SLOPE_ON_PRE, slope=fit.beta[:, 1])
        weights = [1, *[0] * (len(columns) - 1)]
        return by_t(fit, weights, method, settings, slopes, taking_part(changes, missing))
