"""Whether the slope of the change on a covariate keeps its level and covers, however the covariate follows the level.

ln SWA of two nights of subjects; the covariate correlates 0, 0.4 and 0.8 with their level, the nights 0.6, 0.76 and 0.9
with each other. Without moderation, and with a slope of 0.10 ln for one SD. Beside them what adjusting for the baseline
value and for the mean of both nights (Oldham) would find, the latter also where the response varies by an SD of 0.2.

The same without moderation for minutes of N3, of which many nights have none, for latency and density of REM sleep.

Run as ``python benchmarks/calibration_moderators.py [studies]``; exits with 1 when a cell fails (99 % binomial interval
adjusted for their number).
"""

import math
import sys

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.further.moderators import partial_slope
from swa.comparison.linear import least_squares, t_interval

VARIANCE, SLOPE, PERMUTATIONS = math.log1p(0.4**2), 0.10, 200


def draw(rng, subjects: int, icc: float, r: float, *, slope: float = 0.0, response_sd: float = 0.0):
    """Covariate, and ln values of the night before and after."""
    covariate = rng.normal(size=subjects)
    level = r * covariate + math.sqrt(1 - r**2) * rng.normal(size=subjects)
    night = math.sqrt(VARIANCE * (1 - icc)) * rng.normal(size=(2, subjects))
    before, after = math.sqrt(VARIANCE * icc) * level + night
    return covariate, before, after + slope * covariate + response_sd * rng.normal(size=subjects)


def found_beside(covariate, before, after, beside) -> bool:
    """Whether the slope beside another column is found by t."""
    fit = least_squares((after - before)[:, None], [np.ones(len(before)), covariate, beside])
    return bool(t_interval(*fit.combine([0, 1, 0]), fit.df, 0.95)[1][0] <= 0.05)


def cell(rng, subjects: int, icc: float, r: float, studies: int) -> dict[str, float]:
    """Rates of one cell."""
    found = dict.fromkeys(("null found", "covered", "power", "by baseline", "by Oldham", "by Oldham, SD 0.2"), 0)
    for seed in range(studies):
        x, before, after = draw(rng, subjects, icc, r)
        found["null found"] += partial_slope(after - before, x, [], PERMUTATIONS, seed)[3] <= 0.05
        found["by baseline"] += found_beside(x, before, after, before)
        found["by Oldham"] += found_beside(x, before, after, (before + after) / 2)
        x, before, after = draw(rng, subjects, icc, r, response_sd=0.2)
        found["by Oldham, SD 0.2"] += found_beside(x, before, after, (before + after) / 2)
        x, before, after = draw(rng, subjects, icc, r, slope=SLOPE)
        _, low, high, p, _ = partial_slope(after - before, x, [], PERMUTATIONS, seed)
        found["covered"] += low <= SLOPE <= high
        found["power"] += p <= 0.05
    return {name: hits / studies for name, hits in found.items()}


SLEEP = {
    "n3_minutes": lambda latent: np.round(24 * np.maximum(latent + 0.25, 0) ** 1.5) / 2,  # 0.4 of the nights have none
    "rem_latency": lambda latent: np.round(140 * np.exp(0.5 * latent)) / 2,
    "rem_density": lambda latent: np.maximum(6 + 3 * latent, 0),
}


def sleep_cell(rng, subjects: int, r: float, studies: int) -> dict[str, float]:
    """How often a covariate that follows the level of a marker of sleep is found to go with its change."""
    found = dict.fromkeys(SLEEP, 0)
    for seed in range(studies):
        for name, scale in SLEEP.items():
            covariate = rng.normal(size=subjects)
            level = math.sqrt(0.7) * (r * covariate + math.sqrt(1 - r**2) * rng.normal(size=subjects))
            before, after = (scale(level + math.sqrt(0.3) * rng.normal(size=subjects)) for _ in range(2))
            found[name] += partial_slope(after - before, covariate, [], PERMUTATIONS, seed)[3] <= 0.05
    return {name: hits / studies for name, hits in found.items()}


def main(studies: int = 2000, seed: int = 21) -> int:
    rng = np.random.default_rng(seed)
    cells = [(n, icc, r) for n in (12, 15, 30) for icc in (0.6, 0.76, 0.9) for r in (0.0, 0.4, 0.8)]
    table = pd.DataFrame([{"n": n, "icc": icc, "r": r} | cell(rng, n, icc, r, studies) for n, icc, r in cells])
    print(table.round(3).to_string(index=False))
    sleep = [{"n": n, "r": r} | sleep_cell(rng, n, r, studies) for n in (8, 12, 20) for r in (0.0, 0.4, 0.8)]
    print("sleep, found without moderation:", pd.DataFrame(sleep).round(3).to_string(index=False), sep="\n")
    level, failed = 1 - 0.01 / (2 * len(cells)), 0
    for name, nominal in (("null found", 0.05), ("covered", 0.95)):
        for rate in table[name]:
            wide = stats.binomtest(round(rate * studies), studies).proportion_ci(level)
            failed += not wide.low <= nominal <= wide.high
    print(f"{failed} of {2 * len(cells)} rates miss their nominal one")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
