"""Whether the interaction of two treatments keeps its level, is covered, and is found as theory says.

Studies with neither, one, the other and both of two treatments, each of which raises ln SWA by ln 1.2: nothing beyond
that, and an interaction of x 1.2. Within subjects (four nights) and between four arms (a baseline and one night).

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

LN, VARIANCE = math.log(1.2), math.log1p(0.4**2)
SETTINGS = ComparisonSettings()


def study(rng, subjects: int, studies: int, *, icc: float, arms: bool, interaction: float):
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
    given = {f"{i:03d}": names[i % 4] for i in range(subjects)} if arms else {}
    return markers_of(nights, values), Factorial(
        first="a", second="b", nights=nights, baseline="baseline" if arms else "", arms=given
    )


def main(studies: int = 2000, seed: int = 31) -> int:
    rng = np.random.default_rng(seed)
    lines, failed = [], 0
    designs = [(False, n) for n in (4, 6, 8, 12, 20)] + [(True, n) for n in (24, 48, 96)]
    limit = 1 - 0.01 / (3 * len(designs))
    for arms, n in designs:
        found = {}
        for name, size in (("null", 0.0), ("real", LN)):
            grid, own = study(rng, n, studies, icc=0.9, arms=arms, interaction=size)
            found[name] = between_arms(own, grid, SETTINGS) if arms else within_subjects(grid, SETTINGS)
        null, real = np.asarray(found["null"]["p"]), found["real"]
        covered = (np.asarray(real["ci_low"]) <= LN) & (np.asarray(real["ci_high"]) >= LN)
        flips = 2**n if n <= 16 else 10_000
        nominal = 0.05 if arms or n < 6 else 2 * math.floor(0.025 * flips + 1e-9) / flips
        sd = math.sqrt(4 * VARIANCE * 0.1)
        theory = math.nan
        if not arms:
            drawn = sign_flip_test(rng.normal(LN, sd, (n, studies))).p if n >= 6 else None
            x = rng.normal(LN, sd, (n, studies))
            theory = float(((drawn if drawn is not None else stats.ttest_1samp(x, 0).pvalue) <= 0.05).mean())
        rates = {"found without": (null <= 0.05).mean(), "covered": covered.mean()}
        for rate, expected in zip(rates.values(), (nominal, 1 - nominal), strict=True):
            wide = stats.binomtest(round(rate * studies), studies).proportion_ci(limit)
            failed += not wide.low <= expected <= wide.high
        lines.append(
            {"design": "four arms" if arms else "within", "n": n, "nominal": nominal, **rates}
            | {"power x 1.2": (np.asarray(real["p"]) <= 0.05).mean(), "theory": theory}
        )
    print(pd.DataFrame(lines).round(3).to_string(index=False))
    print(f"{failed} of {2 * len(designs)} rates miss their nominal one")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
