"""Parallel arms that differ at baseline: what is told of a drug that does nothing, and of one that acts.

Two truths, through `compare_nights`: levels that differ truly, where each arm returns to its own mean (arms as they
were found), and baselines that differ by chance or choice, where both return to one (arms by lot). 8, 15 and 30
subjects an arm, baselines 0 to 1.5 SD apart, reliability .6 and .9, an effect that the analysis of covariance finds in
about four of five studies. Beside what is told (p below .05 and no `baseline level` among the limits): the analysis of
covariance by its p alone, and the plain change (Welch). Passes where no more than
7 % of studies without an effect tell one.

Run as ``python benchmarks/calibration_baselines.py [studies]``; exits with 1 when a cell fails.
"""

import math
import sys

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.contrasts import compare_nights

MOST_TOLD = 0.07
PLACE = {"stages": "NREM", "window": "night", "measure": "swa", "variant": "", "unit": "µV²", "n": 1, "note": ""}


def draw(rng: np.random.Generator, arm: int, apart: float, icc: float, studies: int, *, by_lot: bool):
    """Baseline and later nights in units of the SD over subjects, without an effect; the first arm is the higher."""
    shape, first = (2 * arm, studies), (np.arange(2 * arm) < arm)[:, None]
    if by_lot:
        before = rng.normal(size=shape) + apart * first
        return before, icc * before + rng.normal(0, math.sqrt(1 - icc**2), shape)
    level = rng.normal(0, math.sqrt(icc), shape) + apart * first
    before, after = (level + rng.normal(0, math.sqrt(1 - icc), shape) for _ in range(2))
    return before, after


def rows_between(before: np.ndarray, after: np.ndarray) -> pd.DataFrame:
    """Rows between the arms; each channel is a study of its own."""
    subjects, studies = before.shape
    names = ["drug" if i < subjects / 2 else "placebo" for i in range(subjects)]
    nights = pd.DataFrame(
        {"subject": f"s{i:02d}", "session": name, "condition": name, "arm": arm}
        for i, arm in enumerate(names)
        for name in ("baseline", arm)
    )
    keys = nights[["subject", "session", "condition"]]
    table = keys.loc[keys.index.repeat(studies)].reset_index(drop=True)
    table["channel"] = np.tile(np.char.mod("study-%05d", np.arange(studies)), len(nights))
    table["value"] = np.exp(0.3 * np.stack([before, after], axis=1)).reshape(len(nights), studies).ravel()
    found = compare_nights(table.assign(**PLACE), "baseline", nights=nights)
    return found[(found["subject"] == "group") & (found["contrast"] == "drug:placebo")]


def rates(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float]:
    """Share of studies that are told, whose adjusted difference has p below .05, and whose plain one has."""
    rows = rows_between(before, after)
    found = rows["p"] < 0.05
    arm, change = len(before) // 2, after - before
    plain = stats.ttest_ind(change[:arm], change[arm:], equal_var=False).pvalue < 0.05
    kept = ~rows["design_limit"].str.contains("baseline level")
    return float((found & kept).mean()), float(found.mean()), float(plain.mean())


def main(studies: int = 2000, seed: int = 12) -> int:
    rng = np.random.default_rng(seed)
    failed, cells = 0, 0
    print(
        f"{'baselines differ':16} {'n':>5} {'ICC':>4} {'SD':>5}   told  ANCOVA  change   "
        "with an effect: told  ANCOVA  change"
    )
    for by_lot in (False, True):
        for arm in (8, 15, 30):
            for icc in (0.6, 0.9):
                effect = 2.95 * math.sqrt((1 - icc**2) * 2 / arm)
                for apart in (0.0, 0.5, 1.0, 1.5):
                    before, after = draw(rng, arm, apart, icc, studies, by_lot=by_lot)
                    none = rates(before, after)
                    real = rates(before, after + effect * (np.arange(2 * arm) < arm)[:, None])
                    missed = none[0] > MOST_TOLD
                    failed, cells = failed + missed, cells + 1
                    said = "   ".join(f"{rate:5.1%}" for rate in (*none, *real))
                    truth = "by lot" if by_lot else "truly"
                    print(
                        f"{truth:16} {arm:2}+{arm:2} {icc:4} {apart:5}   {said}{'  MISSED' if missed else ''}",
                        flush=True,
                    )
    print(f"{failed} of {cells} cells tell more than {MOST_TOLD:.0%} of studies without an effect")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
