"""Parallel arms that differ at baseline: two questions that then have two answers (Lord 1967, Psychol Bull 68:304).

Adjusted for the baseline, arms are compared as if all subjects returned to one mean; that is right where the arms were
drawn by lot. Where they differ truly, each returns to its own mean, the plain change is right, and the adjusted one
finds an effect that is none in 7 to 23 % of studies of 8 or 15 subjects an arm whose levels lie 0.5 or 1 SD apart, at a
reliability of .6, and in 39 % of 30 and 30. Nights do not tell which of the two it is. So where the baselines differ at
`DIFFER_P`, a difference is told only if the plain change tells it too: then 2 to 6 % of such studies tell one. Arms by
lot lose 1 to 4 of 69 to 84 % power; to ask both of every study would cost them 3 to 11. Where chance set those half an
SD apart they lose 3 to 18 points, or 34 (30 and 30, reliability .6): what they would tell rests on the adjustment
(`benchmarks/calibration_baselines.py`).
"""

from collections.abc import Mapping

import numpy as np

from swa.comparison.arrays import Floats
from swa.comparison.linear import t_interval, unequal_variances
from swa.comparison.within_subject import Changes
from swa.settings import ComparisonSettings
from swa.tables import notes
from swa.tables.reason import Reason

DIFFER_P = 0.2


def untold_by_change(
    changes: Changes,
    nights: tuple[Floats, Floats],
    side: Floats,
    adjusted: tuple[Floats, Floats],
    names: Mapping[str, str],
    settings: ComparisonSettings,
) -> list[list[Reason]]:
    """Find where arms differ once they are adjusted for the baseline, differ at baseline, and do not in their changes.

    Parameters
    ----------
    changes : Changes
        On whose scale numbers are told.
    nights : tuple of array, shape (subjects, markers)
        Baseline, and the night after it.
    side : array, shape (subjects,)
        0.5 in the first arm, -0.5 in the second.
    adjusted : tuple of array
        Difference by the analysis of covariance, and its p; NaN where there is none.
    names : mapping of str to str
        `first` and `second`: the arms.
    settings : ComparisonSettings
        Level of the intervals.

    Returns
    -------
    list of list of Reason
        Of each marker.
    """
    estimate, p = adjusted
    found: list[list[Reason]] = [[] for _ in p]
    level = 1 - settings.confidence
    for i in np.flatnonzero(p < level).tolist():
        before, after = (night[:, [i]] for night in nights)
        at_baseline = _difference(np.where(np.isfinite(after), before, np.nan), side, settings)
        plain = _difference(after - before, side, settings)
        is_told = plain["p"] < level and np.sign(plain["estimate"]) == np.sign(estimate[i])
        if at_baseline["p"] < DIFFER_P and not is_told:
            gap, change, low, high = changes.on_reported_scale(
                np.array([at_baseline["estimate"], plain["estimate"], plain["low"], plain["high"]])
            ).tolist()
            kind = notes.BASELINE_LEVEL_RATIO if changes.grid.scale == "ratio" else notes.BASELINE_LEVEL
            numbers = {
                "gap": gap,
                "p_gap": at_baseline["p"],
                "change": change,
                "low": low,
                "high": high,
                "p": plain["p"],
            }
            found[i].append(kind(**names, **numbers))
    return found


def _difference(values: Floats, side: Floats, settings: ComparisonSettings) -> dict[str, float]:
    """Welch's test of one marker."""
    estimate, error, df, _ = unequal_variances(values, [np.ones(len(side)), side], [0, 1])
    _, p, low, high = t_interval(estimate, error, df, settings.confidence)
    return {"estimate": float(estimate[0]), "p": float(p[0]), "low": float(low[0]), "high": float(high[0])}
