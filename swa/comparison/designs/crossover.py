"""The 2 x 2 crossover: one value per subject and period, two sequences of the conditions.

Hills & Armitage 1979 (Br J Clin Pharmacol 8:7): the difference between a subject's periods holds the treatment effect
with opposite signs in the two sequences and the period effect with the same sign, so a two-sample comparison of the
differences between sequences is free of the period effect, balanced or not. Treatment effect = half the difference
of the sequence means = mean of the two sequences' mean changes.

Its randomisation test permutes the sequence labels, which is what was randomised. Shifting the change by t moves the
difference of means under a permutation P by t * T_P(s), where s is +1 and -1 by the true sequence, so the limits of
the interval are again found without a search: they are the K-th smallest and largest of
(T - T_P(d)) / (2 - T_P(s)) over all permutations but the identity.
"""

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from swa.comparison.arrays import Floats, Ints
from swa.comparison.designs.base import Pair, WithinSubjects, in_both_orders
from swa.comparison.group import SignFlip
from swa.comparison.linear import Fit, least_squares, patterns, t_interval
from swa.comparison.outcomes import Outcome, each, taking_part
from swa.comparison.within_subject import Changes
from swa.settings import ComparisonSettings
from swa.tables import notes
from swa.tables.reason import Reason

CELLS_AT_ONCE = 8_000_000


@dataclass(frozen=True, kw_only=True)
class Crossover(WithinSubjects):
    """Two conditions in both orders, several subjects each."""

    kind: ClassVar[str] = "crossover"
    rank: ClassVar[int] = 30
    permutes_estimate: ClassVar[bool] = True
    sources: ClassVar[tuple[str, ...]] = ("hills1979",)

    @classmethod
    def fits(cls, pair: Pair, settings: ComparisonSettings) -> bool:
        """Whether each order has two subjects or more who had both; fewer, or nights without a place: paired."""
        return pair.may_be_crossed and in_both_orders(pair.sequence)

    def methods_words(self, settings: ComparisonSettings) -> str:
        """As `ContrastDesign.methods_words`."""
        return (
            "One value per subject. The two orders of the conditions are compared, which removes an effect of "
            "the period; p and interval by permuting the orders over subjects, with too few subjects for "
            "such an interval by t, labelled so. Carry-over is estimated, and never chooses the analysis."
        )

    @property
    def removes_period(self) -> str:
        """By what an effect of the period is removed: it takes both orders."""
        return "by comparing the two orders" if len(set(self.sequence.values())) > 1 else ""

    @property
    def why_untested(self) -> Reason | None:
        """That all subjects had the conditions in one order, in a design that is stated."""
        return None if self.removes_period else notes.ORDERS_ALIKE(treatment=self.treatment, baseline=self.baseline)

    @property
    def _title(self) -> str:
        return "2×2 crossover"

    def outcome(self, changes: Changes, settings: ComparisonSettings) -> Outcome:
        """Half the difference between the orders: by permutation of them where its interval exists, else by t."""
        sequence = self.orders_in(changes)
        fit = hills_armitage(changes.change, sequence)
        estimate, error = fit.combine([1, 0])
        t, p, low, high = t_interval(estimate, error, fit.df, settings.confidence)
        alike = np.isnan(t) & (fit.df > 0)  # in each of the orders
        permuted = sequence_test(changes.change, sequence, settings).without(alike)
        by_labels = np.isfinite(permuted.low)
        test: dict[str, npt.ArrayLike] = {"df": fit.df, "t": t, "p": p}
        limits = {"low": changes.on_reported_scale(low), "high": changes.on_reported_scale(high)}
        by_t, beside = each(notes.ORDERS_T_IS, **test), each(notes.ORDERS_T_IS, **test, **limits)
        level = each(notes.ATTAINED_LEVEL, percent=100 * permuted.level)
        few = notes.FEW_FOR_LABELS()
        methods, further = self._methods(changes, permuted, settings), self._beside(changes, fit, settings)
        reasons = [
            [methods[i], notes.EQUAL_CHANGES()]
            if alike[i]
            else [methods[i], *([level[i], beside[i]] if by_labels[i] else [few, by_t[i]]), *further[i]]
            if fit.df[i]
            else [self.why_untested or notes.FEW_IN_AN_ORDER()]
            for i in range(len(t))
        ]
        used, left_out = taking_part(changes, [(notes.WITHOUT_ORDER(), (sequence == 0)[:, None])])
        return Outcome(
            estimate=estimate,
            low=np.where(by_labels, permuted.low, low),
            high=np.where(by_labels, permuted.high, high),
            p=np.where(by_labels, permuted.p, p),
            n=fit.n,
            reasons=reasons,
            used=used,
            left_out=left_out,
        )

    def _methods(self, changes: Changes, permuted: SignFlip, settings: ComparisonSettings) -> list[Reason]:
        sequence, known = self.orders_in(changes), np.isfinite(changes.change)
        first, last = ((known & (sequence == sign)[:, None]).sum(axis=0) for sign in (1, -1))
        facts: dict[str, npt.ArrayLike] = {
            "baseline": changes.baseline_name,
            "treatment": changes.treatment_name,
            "n_baseline_first": first,
            "n_treatment_first": last,
        }
        exact, by_t = each(notes.LABELS_EXACT, **facts), each(notes.LABELS_T, **facts)
        drawn = each(notes.LABELS_DRAWN, permutations=settings.random_flips, **facts)
        by_labels = np.isfinite(permuted.low)
        chosen = np.where(by_labels, np.where(permuted.exact, 0, 1), 2)
        return [(exact, drawn, by_t)[kind][i] for i, kind in enumerate(chosen)]

    def _beside(self, changes: Changes, fit: Fit, settings: ComparisonSettings) -> list[tuple[Reason, ...]]:
        """Effect of the period, and carry-over with the bias that it would be."""
        show = changes.on_reported_scale
        carried = carry_over(changes.baseline, changes.treatment, self.orders_in(changes), settings.confidence)
        carry = each(
            notes.CARRY_OVER_RATIO if changes.grid.scale == "ratio" else notes.CARRY_OVER,
            change=show(carried.estimate),
            low=show(carried.low),
            high=show(carried.high),
            bias=show(carried.bias),
        )
        period, _ = fit.combine([0, 1])
        return list(zip(each(notes.PERIOD_EFFECT, change=show(period)), carry, strict=True))


@dataclass(frozen=True, kw_only=True)
class CarryOver:
    """Difference of the carry-over after the treatment and after the baseline, with its t interval, and its bias.

    `bias` is what it would add to the treatment effect of the crossover: minus half of it.
    """

    estimate: Floats
    low: Floats
    high: Floats
    bias: Floats


def hills_armitage(changes: Floats, sequence: Ints) -> Fit:
    """Two-sample fit of the within-subject period differences.

    Parameters
    ----------
    changes : array, shape (subjects, markers)
        Treatment less baseline; NaN is left out.
    sequence : array of int, shape (subjects,)
        1 where the baseline came first, -1 where the treatment did, 0 where that is not known (left out).

    Returns
    -------
    Fit
        Columns: treatment effect, period effect (second less first).
    """
    order = np.where(sequence == 0, np.nan, sequence.astype(float))
    return least_squares(changes, [np.ones(len(sequence)), order])


def carry_over(baseline: Floats, treatment: Floats, sequence: Ints, confidence: float) -> CarryOver:
    """Carry-over from the sums of the two periods, between the sequences (Hills & Armitage 1979).

    A subject's sum holds the carry-over of the condition that came first. The comparison is between subjects, hence
    wide; it never chooses the analysis (Senn 2002, Cross-over trials in clinical research).
    """
    order = np.where(sequence == 0, np.nan, sequence.astype(float))
    fit = least_squares(baseline + treatment, [np.ones(len(sequence)), -order / 2])
    estimate, error = fit.combine([0, 1])
    _, _, low, high = t_interval(estimate, error, fit.df, confidence)
    return CarryOver(estimate=estimate, low=low, high=high, bias=-estimate / 2)


def sequence_test(changes: Floats, sequence: Ints, settings: ComparisonSettings | None = None) -> SignFlip:
    """Randomisation test of the treatment effect in a crossover, with the interval that it inverts to.

    Parameters
    ----------
    changes, sequence
        As for `hills_armitage`.
    settings : ComparisonSettings, optional
        confidence; all permutations are gone through while there are no more than 2^exact_flip_subjects, beyond that
        `random_flips` of them, the identity among them.

    Returns
    -------
    SignFlip
        Two-sided p (twice the smaller tail), interval and attained level; NaN where no interval exists.
    """
    settings = settings or ComparisonSettings()
    markers = changes.shape[1]
    p, low, high, level = (np.full(markers, np.nan) for _ in range(4))
    flips, exact = np.zeros(markers, dtype=np.int64), np.ones(markers, dtype=bool)
    for rows, some in patterns(np.isfinite(changes) & (sequence != 0)[:, None]):
        rows = rows[np.argsort(-sequence[rows], kind="stable")]  # the sequence with the baseline first comes first
        first = int((sequence[rows] > 0).sum())
        if first in (0, len(rows)):
            continue
        labels, exact[some] = _permutations(
            len(rows), first, 2**settings.exact_flip_subjects, settings.random_flips, settings.flip_seed
        )
        flips[some] = len(labels) + 1
        step = max(1, CELLS_AT_ONCE // max(len(labels), 1))
        for start in range(0, len(some), step):
            chunk = some[start : start + step]
            found = _permute(changes[np.ix_(rows, chunk)], first, labels, settings.confidence)
            p[chunk], low[chunk], high[chunk], level[chunk] = found
    return SignFlip(p=p, low=low, high=high, level=level, flips=flips, exact=exact)


def _permute(
    changes: Floats, first: int, labels: npt.NDArray[np.int8], confidence: float
) -> tuple[Floats, Floats, Floats, float]:
    """P and limits for complete changes, sorted by sequence."""
    n = len(changes)
    sign = np.where(np.arange(n) < first, 1.0, -1.0)
    differences = changes * sign[:, None]

    def statistic(values: Floats) -> Floats:
        """Mean under label 1 less mean under label 0."""
        found: Floats = labels @ values * (1 / first + 1 / (n - first)) - values.sum(axis=0) / (n - first)
        return found

    observed = differences[:first].mean(axis=0) - differences[first:].mean(axis=0)
    shifts = ((observed - statistic(differences)) / (2 - statistic(sign))[:, None]).T.copy()
    rounding = 1e-12 * np.abs(changes).max(axis=0)[:, None]
    number = len(labels) + 1
    reached = np.where(observed > 0, (shifts <= rounding).sum(axis=1), (shifts >= -rounding).sum(axis=1))
    p = np.where(np.abs(observed) <= rounding[:, 0], 1.0, np.minimum(2 * (1 + reached) / number, 1.0))
    rank = math.floor((1 - confidence) * number / 2 + 1e-9)
    if rank == 0:
        return p, np.full_like(p, np.nan), np.full_like(p, np.nan), math.nan
    shifts.sort(axis=1)
    return p, shifts[:, rank - 1], shifts[:, -rank], 1 - 2 * rank / number


def all_orders(n: int, first: int) -> npt.NDArray[np.int8]:
    """Labels of all ways to give `first` of n subjects the first sequence (1), the first of them as they stand."""
    chosen = np.array(list(itertools.combinations(range(n), first)))
    labels = np.zeros((len(chosen), n), dtype=np.int8)
    np.put_along_axis(labels, chosen, 1, axis=1)
    return labels


@lru_cache(maxsize=8)
def _permutations(n: int, first: int, most: int, drawn: int, seed: int) -> tuple[npt.NDArray[np.int8], bool]:
    """Labels of all permutations but the identity (the first `first` subjects), or of random ones."""
    number = math.comb(n, first)
    if number <= most:
        return all_orders(n, first)[1:], True
    rng = np.random.default_rng(seed)
    identity = (np.arange(n) < first).astype(np.int8)
    labels = rng.permuted(np.tile(identity, (drawn - 1, 1)), axis=1)
    labels[(labels == identity).all(axis=1)] = identity[::-1] if first * 2 == n else np.roll(identity, 1)
    return labels, False
