"""Whether the whole night keeps its level where nights of one condition are shorter: over common minutes, and uncut.

Crossovers without an effect and with one of 20 %; slow-wave activity falls through the NREM sleep of a night with a
time constant that differs between subjects and nights; nights under the drug are a quarter shorter, by a fifth more or
less. The mean is taken over all minutes of NREM sleep, or over those that both nights of a subject have, as
`swa.study.common_minutes` takes them (tests/test_common_minutes.py holds that to recordings).

Run as ``python benchmarks/calibration_minutes.py [studies]``; exits with 1 when a rate over common minutes misses its
nominal one (99 % binomial interval adjusted for their number). What is uncut is printed to show what the cut is for.
"""

import math
import sys

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.calibration_designs import LN_EFFECT, Study, crossover

NREM_MIN = 330.0  # of 7 h in bed
SHORTER = 0.75
TAU_MIN = 150.0  # with it SWA of the last quarter is a fifth of that of the first, as in young sleepers


def ln_mean(minutes: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """Log of the mean of an exponential decline over the first minutes."""
    return np.log(tau / minutes * -np.expm1(-minutes / tau))


def over_minutes(rng: np.random.Generator, study: Study, *, cut: bool) -> Study:
    """Give each night of a study a length and a decline, and take its mean over the minutes."""
    shape, short = study.ln_power.shape, study.treated[:, None]
    minutes = NREM_MIN * np.where(short, SHORTER, 1) * rng.uniform(0.8, 1.2, shape)
    subject = pd.factorize(study.nights["subject"])[0]
    tau = TAU_MIN * np.exp(0.2 * rng.normal(size=(subject.max() + 1, shape[1])))[subject]
    tau = tau * np.exp(0.1 * rng.normal(size=shape))
    if cut:
        minutes = pd.DataFrame(minutes).groupby(subject).transform("min").to_numpy()
    return Study(study.nights, study.ln_power + ln_mean(minutes, tau), study.treated, study.contrast, study.baseline)


def rates(rng: np.random.Generator, subjects: int, studies: int, *, cut: bool) -> tuple[float, float]:
    """Share of null studies with a finding, and of studies with an effect whose interval holds it."""
    study = over_minutes(rng, crossover(rng, studies, subjects // 2, subjects - subjects // 2), cut=cut)
    null, real = study.group(0.0), study.group(LN_EFFECT)
    covered = (real["ci_low"] <= np.exp(LN_EFFECT)) & (np.exp(LN_EFFECT) <= real["ci_high"])
    return float((null["p"] <= 0.05).mean()), float(covered.mean())


def attainable(subjects: int) -> float:
    """Level that the exchanges of a crossover with as many in each order can reach at most within 5 %."""
    exchanges = math.comb(subjects, subjects // 2)
    return math.floor(0.05 * exchanges / 2) * 2 / exchanges


def main(studies: int = 2000, seed: int = 71) -> int:
    rng = np.random.default_rng(seed)
    cells = [(subjects, cut) for subjects in (8, 12, 20) for cut in (True, False)]
    found = [rates(rng, subjects, studies, cut=cut) for subjects, cut in cells]
    missed = 0
    for (subjects, cut), (false, covered) in zip(cells, found, strict=True):
        which = "common" if cut else "all"
        print(f"n = {subjects:2}, {which:6} minutes: found without {false:.3f}, covered {covered:.3f}")
        level = attainable(subjects)
        for rate, nominal in ((false, level), (covered, 1 - level)) if cut else ():
            low, high = stats.binomtest(round(rate * studies), studies).proportion_ci(1 - 0.01 / 6)
            missed += not low <= nominal <= high
    print(f"{missed} of 6 rates over common minutes miss their nominal one")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
