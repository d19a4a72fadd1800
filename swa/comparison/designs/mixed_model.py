"""Mixed model: more than two periods.

A subject with a night of one condition alone adds to an estimate only what subjects differ by. Where twenty had both
conditions and twenty the baseline alone, and those were higher by one SD between subjects, the usual random intercept
finds an effect that is none in 9 to 15 % of studies (reliability of .76 to .5), and still reads 6 % of no more than
such a difference; with nights missing at random it would gain a thirtieth of the variance
(benchmarks/calibration_designs.py). With the subjects' means of condition and period beside these (Mundlak 1978,
Econometrica 46:69) the coefficient of the condition is that of the changes within subjects, and so it is computed.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy import linalg

from swa.comparison.arrays import Floats
from swa.comparison.designs.base import Pair, WithinSubjects, in_both_orders
from swa.comparison.linear import least_squares, spanning
from swa.comparison.outcomes import Outcome, by_t, taking_part
from swa.comparison.within_subject import Changes
from swa.settings import ComparisonSettings
from swa.tables import notes
from swa.tables.reason import Reason

MOST_PERIODS = 6
LEAST_APART = 1e-6  # of the steps between periods and the change: anything above rounding


@dataclass(frozen=True, kw_only=True)
class MixedModel(WithinSubjects):
    """Two conditions in any of several periods, in both orders."""

    kind: ClassVar[str] = "mixed model"
    rank: ClassVar[int] = 20
    sources: ClassVar[tuple[str, ...]] = ("mundlak1978",)

    @classmethod
    def fits(cls, pair: Pair, settings: ComparisonSettings) -> bool:
        """Whether they came in more than two periods, each order with two subjects or more who had both."""
        periods = {place for places in pair.periods.values() for place in places}
        several = 2 < len(periods) <= MOST_PERIODS and all(value == int(value) for value in periods)
        return pair.may_be_crossed and in_both_orders(pair.sequence) and several and not pair.mirrored

    @property
    def removes_period(self) -> str:
        """By what an effect of the period is removed: it takes both orders."""
        return "by the period in the mixed model" if len(set(self.sequence.values())) > 1 else ""

    @property
    def why_untested(self) -> Reason | None:
        """That the steps between periods of all subjects can add up to the change itself, as in 1-2-3-4 and 4-3-2-1."""
        steps = self.period_columns(list(self.sequence))
        steps = steps[np.isfinite(steps).all(axis=1)]
        if not steps.size:
            return None
        basis = linalg.orth(steps)
        apart = np.linalg.norm(1 - basis @ basis.sum(axis=0)) > LEAST_APART
        return None if apart else self._alike

    @property
    def _alike(self) -> Reason:
        return notes.ORDERS_ALIKE(treatment=self.treatment, baseline=self.baseline)

    def methods_words(self, settings: ComparisonSettings) -> str:
        """As `ContrastDesign.methods_words`."""
        return (
            "One value per subject and condition, of the subjects who had both. Linear mixed model with the condition, "
            "the period where the conditions came in both orders, an intercept for each subject, and the subjects' "
            "means of condition and period, so that changes within subjects alone give the estimate; p and interval "
            "by t."
        )

    def outcome(self, changes: Changes, settings: ComparisonSettings) -> Outcome:
        """Mixed model over the nights of the two conditions alone.

        With a third condition in the model all contrasts would share one residual variance, which is wrong as soon as
        subjects respond differently to one of the treatments.
        """
        method = notes.MIXED_MODEL_PERIOD() if self.removes_period else notes.MIXED_MODEL()
        steps = self.period_columns(changes.subjects)
        unknown = np.isnan(steps).any(axis=1).reshape(-1, 1)
        used, left_out = taking_part(changes, [(notes.WITHOUT_ORDER(), unknown)])
        there = used.any(axis=1)
        # A study of blocks, of periods 1 and 2 or 3 and 4, has steps that cannot be told apart: what they span counts.
        basis = spanning(steps, np.asarray(there))
        fit = least_squares(np.where(used, changes.change, np.nan), [np.ones(len(steps)), *basis.T])
        if self.why_untested:  # also where there are too few subjects besides
            fit = replace(fit, alike=np.ones_like(fit.alike))
        weights = [1, *[0] * basis.shape[1]]
        return by_t(fit, weights, method, settings, [None] * len(fit.n), (used, left_out), self._alike)

    def period_columns(self, subjects: Collection[object]) -> Floats:
        """Share of each period in a subject's treatment nights less that in the baseline nights, but of the first."""
        if not self.removes_period:
            return np.zeros((len(subjects), 0))
        values = sorted({place for places in self.periods.values() for place in places})[1:]
        steps = np.full((len(subjects), len(values)), np.nan)
        for i, name in enumerate(subjects):
            treated, untreated = (self.periods.get((str(name), own), ()) for own in (self.treatment, self.baseline))
            if treated and untreated:
                steps[i] = [np.equal(treated, value).mean() - np.equal(untreated, value).mean() for value in values]
        return steps
