"""Mixed model: more than two periods, or many subjects with a night of one condition only."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from swa.comparison.arrays import Bools, Ints
from swa.comparison.compared_nights import FEWEST_OF_A_SEQUENCE
from swa.comparison.designs.base import Pair, WithinSubjects, in_both_orders
from swa.comparison.linear import random_intercept
from swa.comparison.outcomes import Outcome, by_t, each, not_positive, share_out
from swa.comparison.within_subject import Changes, mean_over_nights
from swa.settings import ComparisonSettings
from swa.tables import notes

MOST_PERIODS = 6


@dataclass(frozen=True, kw_only=True)
class MixedModel(WithinSubjects):
    """The nights of both conditions, those of subjects with only one of them included."""

    kind: ClassVar[str] = "mixed model"
    rank: ClassVar[int] = 20

    @classmethod
    def fits(cls, pair: Pair, settings: ComparisonSettings) -> bool:
        """Whether there are more than two periods in both orders, or many nights are missing."""
        periods = set(pair.periods.values())
        several = 2 < len(periods) <= MOST_PERIODS and all(value == int(value) for value in periods)
        missing = (~pair.complete).mean() > settings.mixed_model_missing
        enough = missing and pair.complete.sum() > FEWEST_OF_A_SEQUENCE
        return pair.may_be_crossed and ((in_both_orders(pair.sequence) and several) or bool(enough))

    @property
    def removes_period(self) -> str:
        """By what an effect of the period is removed: it takes both orders."""
        return "by the period in the mixed model" if len(set(self.sequence.values())) > 1 else ""

    def methods_words(self, settings: ComparisonSettings) -> str:
        """As `ContrastDesign.methods_words`."""
        return (
            "One value per subject and condition. Linear mixed model with the condition, the period where the "
            "conditions came in both orders, and an intercept for each subject (REML), over the nights of the two "
            "conditions, those of subjects with only one of them included; p and interval by t."
        )

    def outcome(self, changes: Changes, settings: ComparisonSettings) -> Outcome:
        """Mixed model over the nights of the two conditions alone.

        With a third condition in the model all contrasts would share one residual variance, which is wrong as soon as
        subjects respond differently to one of the treatments.
        """
        conditions = (self.baseline, self.treatment)
        parts = [mean_over_nights(changes.grid, condition) for condition in conditions]
        y = np.concatenate([part.mean for part in parts])
        treated = np.repeat([0.0, 1.0], [len(part.subjects) for part in parts])
        subjects = np.concatenate([part.subjects for part in parts]).astype(str)
        code = np.unique(subjects, return_inverse=True)[1]
        period = np.array(
            [self.periods.get((name, conditions[int(i)]), np.nan) for name, i in zip(subjects, treated, strict=True)]
        )
        columns: list[npt.ArrayLike] = [np.ones(len(y)), treated]
        measured, method = np.isfinite(y), notes.MIXED_MODEL()
        if self.removes_period and np.isfinite(period).any():
            method = notes.MIXED_MODEL_PERIOD()
            y = np.where(np.isfinite(period)[:, None], y, np.nan)
            columns += [(period == value).astype(float) for value in np.unique(period[np.isfinite(period)])[1:]]
        sides = [_of_subjects(code, np.isfinite(y) & (treated == side)[:, None]) for side in (0, 1)]
        both, there = sides[0] & sides[1], sides[0] | sides[1]
        present = _of_subjects(code, np.concatenate([part.present for part in parts]))
        # A zero takes away a night, whether or not the subject has one of the other condition.
        nonpositive = np.concatenate([part.nonpositive for part in parts])
        zeros = [_of_subjects(code, nonpositive & (treated == side)[:, None]) for side in (0, 1)]
        names = ((self.treatment, self.baseline), (self.treatment,), (self.baseline,))
        emptied = share_out(
            zeros[0] | zeros[1],
            [(not_positive(some), here) for some, here in zip(names, (zeros[0] & zeros[1], *zeros[::-1]), strict=True)],
        )
        left_out = emptied | share_out(
            ~there & ~(zeros[0] | zeros[1]),
            [
                (notes.WITHOUT_ORDER(), _of_subjects(code, measured)),
                (notes.RECORDING_TWICE(), _of_subjects(code, np.concatenate([part.copied for part in parts])[:, None])),
                (notes.WITHOUT_VALUE(), present),
                (notes.WITHOUT_CHANNEL(), np.ones_like(present)),
            ],
        )
        fit = replace(random_intercept(y, code, columns), n=there.sum(axis=0))
        about = each(notes.BOTH_CONDITIONS, both=both.sum(axis=0), n=fit.n)
        weights = [0, 1, *[0] * (len(columns) - 2)]
        return by_t(fit, weights, method, settings, about, (np.isfinite(changes.change), left_out))


def _of_subjects(code: Ints, nights: Bools) -> Bools:
    """Whether any of a subject's nights is marked, subjects x markers."""
    found = np.zeros((code.max() + 1, nights.shape[1]), dtype=bool)
    np.logical_or.at(found, code, nights)
    return found
