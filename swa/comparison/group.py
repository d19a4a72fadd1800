"""Does a contrast hold over subjects? One value per subject: sign-flip test, paired t, Hedges g_av.

The sign-flip test asks whether the changes are symmetric about zero, as they are when the condition labels of a
subject's nights could be exchanged. Its statistic is the mean; the data as they are count as one of the flips, so no
p is below 2 / 2^n.

The interval is the set of shifts that the test does not reject, and it is exact without any search. Shifting the
changes x by t and flipping the signs of a subset A reaches the observed mean again just where the mean of x over A is
<= t (for t below the mean of x). So p(t) = 2 * (1 + number of subset means <= t) / 2^n, and the limits at level
1 - alpha are the K-th smallest and the K-th largest of the 2^n - 1 subset means, K = floor(alpha * 2^n / 2) (the
"typical values" of Hartigan 1969, J Am Stat Assoc 64:1303). K is 0 for n <= 5 at 95 %: there is no such interval, and
the t interval takes its place. The attained level is 1 - 2 K / 2^n: 96.9 % at n = 6.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from swa.comparison.arrays import Bools, Floats, Ints
from swa.settings import ComparisonSettings
from swa.tables.contrast import Contrast

CELLS_AT_ONCE = 8_000_000  # subset means held at a time: 64 MB
FEWEST_TESTED = 3


@dataclass(frozen=True, kw_only=True)
class SignFlip:
    """Result of a sign-flip test per marker; the interval is NaN where no flips reach the level."""

    p: Floats
    low: Floats
    high: Floats
    level: Floats
    flips: Ints
    exact: npt.NDArray[np.bool_]

    def without(self, markers: Bools) -> "SignFlip":
        """Return the result with NaN for these markers, as where changes are equal: an interval would have no width."""
        kept = {name: np.where(markers, np.nan, getattr(self, name)) for name in ("p", "low", "high", "level")}
        return replace(self, **kept)


@dataclass(frozen=True, kw_only=True)
class PairedT:
    """Result of a paired t test per marker; NaN where there are fewer than two or only equal changes."""

    t: Floats
    df: Ints
    p: Floats
    low: Floats
    high: Floats

    @property
    def alike(self) -> Bools:
        """Where there are changes, and they are all equal."""
        found: Bools = (self.df > 0) & np.isnan(self.p)
        return found


def sign_flip_test(changes: npt.ArrayLike, settings: ComparisonSettings | None = None) -> SignFlip:
    """Sign-flip test of the mean, with the interval that it inverts to.

    Parameters
    ----------
    changes : array_like, shape (subjects,) or (subjects, markers)
        One change per subject and marker; NaN is left out.
    settings : ComparisonSettings, optional
        confidence, and how many flips are gone through: all 2^n up to `exact_flip_subjects` subjects, beyond that
        `random_flips` of them, drawn with a fixed seed, each with its mirror image, the identity included; beyond
        `most_flip_subjects` none (NaN).

    Returns
    -------
    SignFlip
        Two-sided p and interval, one per marker.
    """
    settings = settings or ComparisonSettings()
    values = _columns(changes)
    n = np.isfinite(values).sum(axis=0)
    values, n = (
        np.where(n <= settings.most_flip_subjects, values, np.nan),
        np.where(n <= settings.most_flip_subjects, n, 0),
    )
    exact = n <= settings.exact_flip_subjects
    flips = np.where(exact, 2 ** np.minimum(n, settings.exact_flip_subjects), drawn_flips(settings))
    rank = np.floor((1 - settings.confidence) * flips / 2 + 1e-9).astype(np.int64)
    # The known values of each marker move to the top, so that all markers of one n share their subsets.
    packed = np.take_along_axis(values, np.argsort(np.isnan(values), axis=0, kind="stable"), axis=0)
    p, low, high = (np.full(values.shape[1], np.nan) for _ in range(3))
    for size in np.unique(n[n > 0]):
        of_size = np.flatnonzero(n == size)
        step = max(1, CELLS_AT_ONCE // int(flips[of_size[0]]))
        for start in range(0, len(of_size), step):
            some = of_size[start : start + step]
            p[some], low[some], high[some] = _flip(packed[:size, some], int(rank[some[0]]), settings)
    level = np.where(rank > 0, 1 - 2 * rank / flips, np.nan)
    return SignFlip(p=p, low=low, high=high, level=level, flips=flips, exact=exact)


def _columns(values: npt.ArrayLike) -> Floats:
    """Values as subjects x markers; a plain sequence is one marker."""
    array = np.asarray(values, dtype=float)
    return array[:, None] if array.ndim == 1 else array


def drawn_flips(settings: ComparisonSettings) -> int:
    """Number of random flips: each has its mirror image."""
    return settings.random_flips - settings.random_flips % 2


def _flip(values: Floats, rank: int, settings: ComparisonSettings) -> tuple[Floats, Floats, Floats]:
    """P and limits for complete values (subjects x markers) from the means of subsets."""
    if len(values) <= settings.exact_flip_subjects:
        means = _all_subset_means(values)
    else:
        means = _random_subset_means(values, drawn_flips(settings), settings.flip_seed)
    last = means.shape[1]
    mean = values.mean(axis=0)
    # Equal but for rounding counts as reached, which can only make p larger.
    rounding = 1e-12 * np.abs(values).max(axis=0)
    reached = np.where(
        mean > 0,
        np.count_nonzero(means <= rounding[:, None], axis=1),
        np.count_nonzero(means >= -rounding[:, None], axis=1),
    )
    p = np.where(np.abs(mean) <= rounding, 1.0, np.minimum(2 * (1 + reached) / (last + 1), 1.0))
    if rank == 0:
        return p, np.full_like(p, np.nan), np.full_like(p, np.nan)
    means.partition(rank - 1, axis=1)
    means[:, rank:].partition(last - 2 * rank, axis=1)  # what lies above the lower limit holds the upper one
    return p, means[:, rank - 1].copy(), means[:, last - rank].copy()


def subset_sums(values: Floats) -> tuple[Floats, Floats]:
    """Sums over all subsets of the subjects, markers x subsets, and how many subjects are in each.

    The empty subset comes first, and the subsets without the last subject before all others.
    """
    sums = np.zeros((values.shape[1], 2 ** len(values)))
    sizes = np.zeros(sums.shape[1])
    for subject, change in enumerate(values):  # the subsets with this subject are those before, and it
        there = 2**subject
        np.add(sums[:, :there], change[:, None], out=sums[:, there : 2 * there])
        sizes[there : 2 * there] = sizes[:there] + 1
    return sums, sizes


def _all_subset_means(values: Floats) -> Floats:
    """Means over all non-empty subsets of the subjects, markers x subsets."""
    sums, sizes = subset_sums(values)
    means = sums[:, 1:]
    means /= sizes[1:]
    return means


def _random_subset_means(values: Floats, flips: int, seed: int) -> Floats:
    """Means over the subsets of random flips and of their mirror images; last the full set, the identity's mirror."""
    n = len(values)
    capacity = 2 ** math.ceil(math.log2(n))  # so that markers of unequal n share their draws
    subsets = _random_subsets(capacity, flips // 2 - 1, seed)[:n].astype(float)
    size = subsets.sum(axis=0)
    trivial = (size == 0) | (size == n)
    subsets[:, trivial] = (np.arange(n) == 0)[:, None]  # one draw in 2^16 or fewer: the identity is counted already
    size[trivial] = 1
    total = values.sum(axis=0)[:, None]
    means = np.empty((values.shape[1], flips - 1))
    half = flips // 2 - 1
    np.matmul(values.T, subsets, out=means[:, :half])
    np.divide(total - means[:, :half], n - size, out=means[:, half:-1])
    means[:, :half] /= size
    means[:, -1:] = total / n
    return means


@lru_cache(maxsize=1)
def _random_subsets(n: int, draws: int, seed: int) -> npt.NDArray[np.int8]:
    return np.random.default_rng(seed).integers(0, 2, size=(n, draws), dtype=np.int8)


def paired_t(changes: npt.ArrayLike, confidence: float = 0.95) -> PairedT:
    """Paired t test and interval of the mean change; NaN changes are left out.

    Parameters
    ----------
    changes : array_like, shape (subjects,) or (subjects, markers)
        One change per subject and marker.
    confidence : float, default 0.95
        Level of the interval.
    """
    values = _columns(changes)
    n, mean, sd = moments(values)
    df = np.maximum(n - 1, 1)
    error = np.where(sd > 0, sd / np.sqrt(np.maximum(n, 1)), np.nan)
    t = mean / error
    half = special.stdtrit(df, (1 + confidence) / 2) * error
    return PairedT(t=t, df=np.maximum(n - 1, 0), p=2 * special.stdtr(df, -np.abs(t)), low=mean - half, high=mean + half)


class MedianChange(NamedTuple):
    """Median change of each marker and the exact interval of the signed-rank test; NaN where there is none."""

    median: Floats
    low: Floats
    high: Floats
    level: Floats


def hodges_lehmann(changes: npt.ArrayLike, confidence: float = 0.95) -> MedianChange:
    """Median of the means of all pairs of changes, and the interval that the signed-rank test inverts to.

    The limits are the K-th smallest and K-th largest of the n (n + 1) / 2 Walsh means, K the largest for which chance
    gives at most K - 1 as the sum of the positive ranks in less than half of 1 - confidence (Hodges & Lehmann 1963,
    Ann Math Stat 34:598). Ties, such as changes of 0, can only make it wider than it says. Below 6 changes there is
    none at 95 %, nor where all are equal.

    Parameters
    ----------
    changes : array_like, shape (subjects,) or (subjects, markers)
        One change per subject and marker; NaN is left out.
    confidence : float, default 0.95
        Level that the interval has at least.
    """
    values = _columns(changes)
    found = np.full((4, values.shape[1]), np.nan)
    for i, column in enumerate(values.T):
        known = column[np.isfinite(column)]
        if not known.size:
            continue
        first, second = np.triu_indices(known.size)
        means = np.sort((known[first] + known[second]) / 2)
        below = _rank_sums(known.size)
        rank = int(np.searchsorted(below, (1 - confidence) / 2 + 1e-12, side="right"))
        found[0, i] = np.median(means)
        if rank and moments(known[:, None])[2][0] > 0:
            found[1:, i] = means[rank - 1], means[-rank], 1 - 2 * below[rank - 1]
    return MedianChange(*found)


@lru_cache(maxsize=64)
def _rank_sums(n: int) -> Floats:
    """Probability that the sum of the positive ranks is at most 0, 1, … where signs are chance."""
    chance = np.ones(1)
    for rank in range(1, n + 1):
        chance = np.convolve(chance, [0.5, *np.zeros(rank - 1), 0.5])
    return np.asarray(np.cumsum(chance), dtype=np.float64)


def hedges_g_av(baseline: npt.ArrayLike, treatment: npt.ArrayLike) -> Floats:
    """Hedges g_av: mean difference over the average of the two SDs, corrected for small samples.

    g_av = J * (mean difference) / ((SD_baseline + SD_treatment) / 2) after Lakens 2013 (Front Psychol 4:863), with
    J = 1 - 3 / (4 * df - 1) and df = n - 1, the pairs less one. Subjects with only one of the two values are left out.

    Parameters
    ----------
    baseline, treatment : array_like, shape (subjects, markers)
        The two conditions' values per subject and marker.
    """
    before = _columns(baseline)
    after = _columns(treatment)
    paired = np.isfinite(before) & np.isfinite(after)
    n, mean_before, sd_before = moments(np.where(paired, before, np.nan))
    _, mean_after, sd_after = moments(np.where(paired, after, np.nan))
    average = (sd_before + sd_after) / 2
    correction = 1 - 3 / (4 * np.maximum(n - 1, 1) - 1)
    usable = (n > 2) & (average > 0)  # J is 0 for two pairs: they say nothing about a standardised effect
    return np.where(usable, correction * (mean_after - mean_before) / np.where(usable, average, 1.0), np.nan)


def moments(values: Floats) -> tuple[Ints, Floats, Floats]:
    """Return number, mean and SD of the known values of each column; an SD of rounding error alone is 0."""
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    n = known.sum(axis=0)
    mean = np.where(n > 0, filled.sum(axis=0) / np.maximum(n, 1), np.nan)
    deviation = np.where(known, values - mean, 0.0)
    sd = np.sqrt((deviation**2).sum(axis=0) / np.maximum(n - 1, 1))
    sd[sd <= 1e-12 * np.abs(filled).max(axis=0, initial=0.0)] = 0.0
    return n, mean, np.where(n > 1, sd, np.nan)


def adjust_primary_p(p: npt.ArrayLike, contrasts: Sequence[Contrast]) -> Floats:
    """Holm's p of one primary marker over the contrasts against the same comparator (Holm 1979, Scand J Stat 6:65).

    Two drugs against placebo are two questions; their changes from baseline, and that of placebo, are others.

    Parameters
    ----------
    p : array_like
        p values; NaN stays and is not counted.
    contrasts : sequence of Contrast
        Contrast of each.
    """
    values = np.asarray(p, dtype=float)
    families = [contrast.held_against for contrast in contrasts]
    adjusted = np.full(len(values), np.nan)
    for one in dict.fromkeys(families):
        members = np.array([family == one for family in families])
        adjusted[members] = holm_p(values[members])
    return adjusted


def holm_p(p: npt.ArrayLike) -> Floats:
    """Holm's p of one family; NaN stays and is not counted."""
    values = np.asarray(p, dtype=float)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known], kind="stable")]
    adjusted = np.full(len(values), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1)), 1)
    return adjusted


def adjust_p(p: npt.ArrayLike, family: npt.ArrayLike) -> Floats:
    """Benjamini-Hochberg p within families; NaN stays NaN and counts in no family.

    Parameters
    ----------
    p : array_like
        p values.
    family : array_like
        Family of each p.
    """
    values = np.asarray(p, dtype=float)
    adjusted = np.full(len(values), np.nan)
    code = pd.factorize(np.asarray(family, dtype=object))[0]
    known = np.isfinite(values)
    for one in np.unique(code[known]):
        members = known & (code == one)
        adjusted[members] = stats.false_discovery_control(values[members], method="bh")
    return adjusted
