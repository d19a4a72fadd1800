"""Whether change against change keeps its level and covers, also where a treatment moves marker and covariate both.

ln SWA and a covariate of each night, of subjects with two nights or with four (two of each condition); the treatment
moves both by one SD of a night. Unrelated beyond that, and with a correlation of 0.5 between the nights within
subjects. With the conditions left in, as the repeated-measures correlation has it, such a treatment is found as a
relation.

Minutes of N3, which many nights have none of, and a covariate that both vary more in those who have more: unrelated
changes; of more nights what the correlation within subjects would find, which is why it is not tested there.

Two unrelated measures that drift over the nights, by 0.8 of their SD from one night to the next, with the conditions in
one order or in orders by lot: what is found beside the place of the night, and without it.

Run as ``python benchmarks/calibration_levels.py [studies]``; exits with 1 when a cell fails (99 % binomial interval
adjusted for their number), a slope only by being liberal.
"""

import math
import sys

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.further.level_changes import within_correlation
from swa.comparison.further.moderators import find_slope


def draw(rng, subjects: int, nights: int, r: float):
    """Marker, covariate, subject and condition of each night."""
    subject, condition = np.repeat(np.arange(subjects), nights), np.tile(np.arange(nights) % 2, subjects)
    x, e = rng.normal(size=(2, len(subject)))
    level = rng.multivariate_normal([0, 0], [[4, 2], [2, 4]], subjects)[subject]
    return (
        level[:, 0] + condition + r * x + math.sqrt(1 - r**2) * e,
        level[:, 1] + condition + x,
        subject,
        condition,
    )


def cell(rng, subjects: int, nights: int, studies: int) -> dict[str, float]:
    """Rates of one cell: by the slope of two nights, by the correlation of more."""
    found = dict.fromkeys(("found without", "covered", "power r = 0.5", "conditions left in"), 0)
    for _ in range(studies):
        for r in (0.0, 0.5):
            y, x, subject, condition = draw(rng, subjects, nights, r)
            if nights == 2:
                dy, dx = (part.reshape(-1, 2) @ [-1, 1] for part in (y, x))
                _, low, high, p, _ = find_slope(dy, dx, [])
            else:
                own = within_correlation(y, x, subject, [condition])
                low, high, p = own.low, own.high, own.p
                if r == 0:
                    found["conditions left in"] += within_correlation(y, x, subject, []).p <= 0.05
            found["found without" if r == 0 else "power r = 0.5"] += p <= 0.05
            found["covered"] += (low <= r <= high) * (r > 0)
    rates = {name: hits / studies for name, hits in found.items()}
    return rates if nights > 2 else rates | {"conditions left in": math.nan}


def minutes_cell(rng, subjects: int, nights: int, studies: int) -> dict[str, float]:
    """How often unrelated changes of N3 minutes and of a covariate are found."""
    found = dict.fromkeys(("found", "correlation"), 0)
    subject, condition = np.repeat(np.arange(subjects), nights), np.tile(np.arange(nights) % 2, subjects)
    for _ in range(studies):
        own = rng.normal(size=subjects)
        level = math.sqrt(0.7) * (0.8 * own + 0.6 * rng.normal(size=subjects))
        latent = level[subject] + math.sqrt(0.3) * rng.normal(size=len(subject))
        y = np.round(24 * np.maximum(latent + 0.25, 0) ** 1.5) / 2  # 0.4 of the nights have none
        x = np.exp(0.5 * own[subject] + 0.3 * rng.normal(size=len(subject)))
        dy, dx = (part.reshape(subjects, -1) @ np.resize([-1, 1], nights) for part in (y, x))
        found["found"] += find_slope(dy, dx, []).p <= 0.05
        found["correlation"] += within_correlation(y, x, subject, [condition]).p <= 0.05
    return {name: hits / studies for name, hits in found.items()}


def drift_cell(rng, subjects: int, nights: int, order: str, studies: int) -> dict[str, float]:
    """How often two unrelated measures that both drift over the nights are found to be related."""
    found = dict.fromkeys(("found", "without the place"), 0)
    subject, place = np.repeat(np.arange(subjects), nights), np.tile(np.arange(nights), subjects)
    for _ in range(studies):
        condition = place % 2
        if order == "by lot":
            condition = rng.permuted(condition.reshape(subjects, nights), axis=1).ravel()
        y, x = rng.normal(size=(2, subjects))[:, subject] + rng.normal(size=(2, len(subject))) + 0.8 * place
        found["found"] += within_correlation(y, x, subject, [condition, place]).p <= 0.05
        found["without the place"] += within_correlation(y, x, subject, [condition]).p <= 0.05
    return {name: hits / studies for name, hits in found.items()}


def main(studies: int = 2000, seed: int = 51) -> int:
    rng = np.random.default_rng(seed)
    cells = [(n, nights) for nights in (2, 4) for n in (8, 12, 20)]
    table = pd.DataFrame([{"n": n, "nights": nights} | cell(rng, n, nights, studies) for n, nights in cells])
    print(table.round(3).to_string(index=False))
    minutes = pd.DataFrame([{"n": n, "nights": nights} | minutes_cell(rng, n, nights, studies) for n, nights in cells])
    print("minutes of N3, unrelated; found: as tested; correlation: what that would find")
    print(minutes.round(3).to_string(index=False))
    drifts = [(n, nights, order) for n in (8, 12, 20) for nights in (3, 4, 6) for order in ("one", "by lot")]
    heads = ("n", "nights", "order")
    drift = pd.DataFrame([dict(zip(heads, own, strict=True)) | drift_cell(rng, *own, studies) for own in drifts])
    print("two measures that drift over the nights, unrelated", drift.round(3).to_string(index=False), sep="\n")
    failed = 0
    by_slope = list(table["nights"] == 2) * 2  # whose errors may differ: they are cautious with few subjects
    rates = [*table["found without"], *(1 - table["covered"])]
    for rate, cautious in zip(rates, by_slope, strict=True):
        wide = stats.binomtest(round(rate * studies), studies).proportion_ci(1 - 0.01 / (2 * len(cells)))
        failed += not wide.low <= 0.05 <= wide.high and not (cautious and wide.high < 0.05)
    print(f"{failed} of {2 * len(cells)} rates miss their nominal one")
    by_chance = [
        stats.binomtest(round(r * studies), studies).proportion_ci(1 - 0.01 / len(cells)) for r in minutes["found"]
    ]
    liberal = sum(wide.low > 0.05 for wide in by_chance)
    print(f"{liberal} of {len(cells)} rates of minutes are above 0.05")
    bounds = [
        stats.binomtest(round(r * studies), studies).proportion_ci(1 - 0.01 / len(drifts)) for r in drift["found"]
    ]
    drifting = sum(not wide.low <= 0.05 <= wide.high for wide in bounds)
    print(f"{drifting} of {len(drifts)} rates of measures that drift miss 0.05")
    return int(failed + liberal + drifting > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
