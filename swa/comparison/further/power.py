"""Power of the tests that `compare_nights` makes, design by design.

The interval of every design moves with the effect: what a study without an effect has as its limits, low and high, a
study with the effect d has as low + d and high + d. So studies without an effect are drawn once for a number of
subjects, sent through the design's own analysis, and the power for any d is the share with low > -d or high < -d. An
interval excludes no change just where its test rejects, so this is the power of the p that is printed. With many
subjects the test is a t test in all but name, and power that of the noncentral t.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.arrays import Floats
from swa.comparison.compared_nights import BEFORE, COPIED
from swa.comparison.designs import ContrastDesign, find_designs
from swa.comparison.within_subject import Grid, subject_changes
from swa.settings import ComparisonSettings
from swa.tables import notes
from swa.tables.contrast import Contrast

STUDIES = 2000  # without an effect: the SE of a power is at most 1.1 %
SEED = 1908
FROM_MANY = 30  # subjects whose simulated error tells that of more
PLACEBO, DRUG, OTHER = "placebo", "drug", "other"

Rows = Iterator[tuple[object, ...]]


@dataclass(frozen=True, kw_only=True)
class PlannedDesign:
    """How a study of so many subjects would be laid out, and how its power is found.

    Attributes
    ----------
    nights : callable
        Its nights, in `columns`, for a number of subjects.
    columns : tuple of str
        Names of what `nights` yields, after the subject and the condition.
    baseline : str
        The condition that the changes are taken from.
    fewest : int
        Subjects from which it is recognised and tested.
    simulated : int
        Subjects up to which studies are drawn.
    lost_df : int
        Degrees of freedom that its t has lost of the number of subjects.
    uneven : int
        Subjects up to which more of them can have less power: where few permutations only just allow the level.
    half_respond : bool
        Whether half of the subjects alone get the treatment: the spread of responses is in their changes, not in the
        others'.
    told_of : int
        Treatments that are compared with the same condition: Holm's first step, which one that acts alone has to pass,
        divides the level by them.
    test : str
        What it is, for the reader.
    """

    nights: Callable[[int], Rows]
    columns: tuple[str, ...] = ()
    baseline: str = PLACEBO
    fewest: int = 6
    simulated: int = 32
    lost_df: int = 3
    uneven: int = 0
    half_respond: bool = False
    told_of: int = 1
    test: str = ""


def _paired(n: int) -> Rows:
    return ((i, name) for i in range(n) for name in (PLACEBO, DRUG))


def _crossover(n: int) -> Rows:
    return ((i, name, period) for i in range(n) for period, name in enumerate((PLACEBO, DRUG)[:: 1 - 2 * (i % 2)], 1))


def _pre_post(n: int) -> Rows:
    return ((*row, phase) for row in _crossover(n) for phase in ("pre", "post"))


def _arms(n: int) -> Rows:
    return ((i, name, (DRUG, PLACEBO)[i % 2]) for i in range(n) for name in ("baseline", (DRUG, PLACEBO)[i % 2]))


def _mixed(n: int) -> Rows:
    names = (PLACEBO, DRUG, OTHER)
    return ((i, names[((k if i % 2 else -k) + i // 2) % 3], k + 1) for i in range(n) for k in range(3))


PLANNED = {
    "paired": PlannedDesign(
        nights=_paired,
        fewest=3,
        simulated=12,
        lost_df=1,
        uneven=12,
        test="sign flips of ln ratios (paired t below 6 subjects)",
    ),
    "crossover": PlannedDesign(
        nights=_crossover,
        columns=("period",),
        fewest=4,
        simulated=12,
        lost_df=2,
        uneven=12,
        test="the two orders compared by permutation (by t below 8 subjects)",
    ),
    "pre/post crossover": PlannedDesign(
        nights=_pre_post, columns=("period", "phase"), test="analysis of covariance on the nights before"
    ),
    "parallel arms": PlannedDesign(
        nights=_arms,
        columns=("arm",),
        baseline="baseline",
        half_respond=True,
        test="analysis of covariance of two arms of like size",
    ),
    "mixed model": PlannedDesign(
        nights=_mixed,
        columns=("period",),
        simulated=9,  # of more nights in all orders it is the t of the changes, with three df for the periods
        told_of=2,
        test="mixed model of three conditions in all orders, a treatment against the control",
    ),
}


def design_power(
    design: str,
    effect: float,
    subjects: int,
    level: float = 0.05,
    icc: float = 0.76,
    response: float = 0.0,
    told_of: int | None = None,
) -> float:
    """Power of a design's own test.

    Parameters
    ----------
    design : str
        One of `PLANNED`.
    effect : float
        ln of the ratio, in SD over subjects of the ln change between two nights.
    subjects : int
        Of all arms together; too few for a test have no power.
    level : float
        Two-sided level at which a change is told, before it is divided by `told_of`.
    icc : float
        Between-night reliability, which an analysis of covariance draws on.
    response : float
        Share of the variance of that change which is of the responses of subjects, not of their nights.
    told_of : int, optional
        Contrasts with the same condition over which Holm's p is told, where they are not those of the design.
    """
    planned = PLANNED[design]
    response = round(response, 2) if planned.half_respond else 0.0
    whole, level = level, level / (told_of or planned.told_of)
    if subjects < planned.fewest:
        return 0.0
    if subjects <= planned.simulated:
        drawn = _limits(design, subjects, level, icc, response)
        if level < whole and not drawn.permuted and _limits(design, subjects, whole, icc, response).permuted:
            return 0.0  # p is by permutation, of which there are too few for this level
        return float(np.mean(drawn.low > -abs(effect)) + np.mean(drawn.high < -abs(effect)))
    error = _error(design, level, icc, response) / math.sqrt(subjects)
    return t_power(abs(effect) / error, subjects - planned.lost_df, level)


def t_power(shift: float, df: int, level: float) -> float:
    """Power of a two-sided t test whose statistic has this noncentrality."""
    limit = float(stats.t.ppf(1 - level / 2, df))
    upper, lower = float(stats.nct.sf(limit, df, shift)), float(stats.nct.cdf(-limit, df, shift))
    return upper + (lower if math.isfinite(lower) else 0.0)  # the far tail underflows to NaN


def _error(design: str, level: float, icc: float, response: float) -> float:
    """SD of the estimate times the root of the subjects, for many of them."""
    n = PLANNED[design].simulated
    if n < FROM_MANY:  # the mean change: its SD is 1 by definition
        return 1.0
    return float(np.std(_limits(design, n, level, icc, response).estimate)) * math.sqrt(n)


class _Drawn(NamedTuple):
    """Limits and estimates of studies without an effect, in SD of the change, and whether they are by permutation."""

    low: Floats
    high: Floats
    estimate: Floats
    permuted: bool


@lru_cache(maxsize=256)
def _limits(design: str, subjects: int, level: float, icc: float, response: float) -> _Drawn:
    """Draw studies without an effect, and analyse them."""
    planned, settings = PLANNED[design], ComparisonSettings(confidence=1 - level)
    rows = pd.DataFrame(planned.nights(subjects), columns=["subject", "condition", *planned.columns])
    rows["subject"] = rows["subject"].map("{:04d}".format)
    rows["session"] = [str(number) for number in range(len(rows))]
    analysed = _design(rows, planned.baseline, settings)
    before = rows["phase"].eq("pre") if "phase" in rows else pd.Series(data=False, index=rows.index)
    rows[COPIED], rows[BEFORE] = False, before
    rng = np.random.default_rng(SEED)
    shape = (subjects, STUDIES)
    level_sd = math.sqrt(icc / (1 - icc) / 2) if icc < 1 else 0.0
    values = (level_sd * rng.normal(size=shape))[rows["subject"].astype(int)]
    values = (values + rng.normal(size=values.shape) / math.sqrt(2)) * math.sqrt(1 - response)
    if response:
        values[rows["condition"].eq(DRUG)] += math.sqrt(response) * rng.normal(
            size=(int(rows["condition"].eq(DRUG).sum()), STUDIES)
        )
    outcome = analysed.outcome(subject_changes(markers_of(rows, values), DRUG, planned.baseline), settings)
    permuted = notes.ATTAINED_LEVEL.among(outcome.reasons[0]) is not None
    return _Drawn(outcome.low, outcome.high, outcome.estimate, permuted)


def _design(nights: pd.DataFrame, baseline: str, settings: ComparisonSettings) -> ContrastDesign:
    names = [name for name in nights["condition"].unique() if name != baseline]
    pairs = [Contrast(treatment=name, comparator=baseline) for name in names]
    found = find_designs(nights, pairs, settings)
    return next(one for one in reversed(found) if one.treatment == DRUG)


def markers_of(nights: pd.DataFrame, values: Floats) -> Grid:
    """Each study as a marker of its own."""
    text = dict.fromkeys(("stages", "window", "variant"), "")
    return Grid(
        measure="swa",
        scale="ratio",
        unit="",
        nights=nights,
        markers=pd.DataFrame({"channel": np.arange(values.shape[1]).astype(str), **text}),
        values=values,
        present=np.ones(values.shape, dtype=bool),
        nonpositive=np.zeros(values.shape, dtype=bool),
        notes=np.array([""], dtype=object),
        note_codes=np.zeros(values.shape, dtype=np.int64),
    )
