"""Whether the interaction of two treatments keeps its level, is covered, and is found as theory says.

Studies with neither, one, the other and both of two treatments, each of which raises ln SWA by ln 1.2: nothing beyond
that, and an interaction of x 1.2. Within subjects (four nights; `placed`: in the orders of a Latin square that are
known, while the places alone move ln SWA by up to 0.4) and between four arms (a baseline and one night). Theory is the
same t or sign-flip test of drawn interactions; for places (of a filled square, which 6 subjects do not make) and arms
the non-central t of the error that is left.

Run as ``python benchmarks/calibration_interactions.py [studies]``; exits with 1 when a cell fails (99 % binomial
interval adjusted for their number).
"""

import math
import sys

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.compared_nights import BEFORE, COPIED
from swa.comparison.further.interactions import SIDES, Factorial, between_arms, within_subjects
from swa.comparison.further.power import markers_of
from swa.comparison.group import sign_flip_test
from swa.settings import ComparisonSettings

ORDERS = ((0, 1, 3, 2), (1, 2, 0, 3), (2, 3, 1, 0), (3, 0, 2, 1))
BY_PLACE = np.array([-0.2, 0.2, 0.1, 0.0])
LN, VARIANCE, ICC = math.log(1.2), math.log1p(0.4**2), 0.9
SETTINGS = ComparisonSettings()


def study(rng, subjects: int, studies: int, *, icc: float, arms: bool, interaction: float, placed: bool = False):
    """Grid of the studies, and how the four were given."""
    names, rows = list(SIDES), []
    for i in range(subjects):
        own = ["baseline", names[i % 4]] if arms else names
        rows += [(f"{i:03d}", f"{k}", name) for k, name in enumerate(own)]
    nights = pd.DataFrame(rows, columns=["subject", "session", "condition"]).assign(**{COPIED: False, BEFORE: False})
    level = rng.normal(5, math.sqrt(VARIANCE * icc), (subjects, studies))[nights["subject"].astype(int)]
    values = level + rng.normal(0, math.sqrt(VARIANCE * (1 - icc)), level.shape)
    a, b = (nights["condition"].isin([name, "both"]).to_numpy()[:, None] for name in ("one", "other"))
    values += LN * a + LN * b + interaction * (a & b)
    if placed:
        place = np.concatenate([np.argsort(ORDERS[i % 4]) for i in range(subjects)])
        nights["period"] = place + 1
        values += BY_PLACE[place][:, None]
    given = {f"{i:03d}": names[i % 4] for i in range(subjects)} if arms else {}
    return markers_of(nights, values), Factorial(
        first="a", second="b", nights=nights, baseline="baseline" if arms else "", arms=given
    )


def power_of_arms(rng, subjects: int, icc: float, draws: int = 20_000) -> float:
    """Power of the interaction of four arms with a baseline: the non-central t, over how baselines may fall.

    What the baseline leaves of a night has the variance V (1 - icc^2). The interaction adds the four arms' means of it,
    and the slope on the baseline adds its own error times the interaction that the baselines show by chance.
    """
    size = subjects / 4
    chance = rng.chisquare(1, draws) * 4 / size / rng.chisquare(subjects - 4, draws)
    error = np.sqrt(VARIANCE * (1 - icc**2) * (4 / size + chance))
    free = subjects - 5
    return float(stats.nct.sf(stats.t.isf(0.025, free), free, LN / error).mean())


def main(studies: int = 2000, seed: int = 31) -> int:
    rng = np.random.default_rng(seed)
    lines, failed = [], 0
    designs = [("within", n) for n in (4, 6, 8, 12, 20)] + [("placed", n) for n in (6, 8, 12, 20)]
    designs += [("four arms", n) for n in (24, 48, 96)]
    limit = 1 - 0.01 / (3 * len(designs))
    for design, n in designs:
        arms, placed = design == "four arms", design == "placed"
        by_t = arms or n < 6 or placed
        found = {}
        for name, size in (("null", 0.0), ("real", LN)):
            grid, own = study(rng, n, studies, icc=ICC, arms=arms, interaction=size, placed=placed)
            found[name] = between_arms(own, grid, SETTINGS) if arms else within_subjects(grid, SETTINGS)
        null, real = np.asarray(found["null"]["p"]), found["real"]
        covered = (np.asarray(real["ci_low"]) <= LN) & (np.asarray(real["ci_high"]) >= LN)
        flips = 2**n if n <= 16 else 10_000
        nominal = 0.05 if by_t else 2 * math.floor(0.025 * flips + 1e-9) / flips
        sd = math.sqrt(4 * VARIANCE * (1 - ICC))
        if arms:
            theory = power_of_arms(np.random.default_rng(n), n, ICC)
        else:
            x = rng.normal(LN, sd, (n, studies))
            p = stats.ttest_1samp(x, 0).pvalue if by_t else sign_flip_test(x).p
            theory = float((p <= 0.05).mean())
        if placed and by_t:  # three means of places less, and the non-central t of what is left
            free, shift = n - 3, LN / sd * math.sqrt(n)
            theory = float(stats.nct.sf(stats.t.isf(0.025, free), free, shift))
        rates = {"found without": (null <= 0.05).mean(), "covered": covered.mean()}
        for rate, expected in zip(rates.values(), (nominal, 1 - nominal), strict=True):
            wide = stats.binomtest(round(rate * studies), studies).proportion_ci(limit)
            failed += not wide.low <= expected <= wide.high
        lines.append(
            {"design": design, "n": n, "nominal": nominal, **rates}
            | {"power x 1.2": (np.asarray(real["p"]) <= 0.05).mean(), "theory": theory}
        )
    print("placed: in known orders, while the places alone move ln SWA by up to 0.4; their means are taken out")
    print(pd.DataFrame(lines).round(3).to_string(index=False))
    print(f"{failed} of {2 * len(designs)} rates miss their nominal one")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
