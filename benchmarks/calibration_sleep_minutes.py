"""Whether changes of N3 minutes keep their level where many nights have none, and what Held's crossover comes to.

Minutes of N3 of old people: 10 +- 15 min, a share of the nights without any, skewed beyond. Each person has a level,
and nights vary about it. Null studies without an effect: how often the test of the mean difference finds one, and how
often its interval and that of the Hodges-Lehmann median hold none. The same in a 2 x 2 crossover with balanced orders.

Then the design of Held 2002 (Pharmacopsychiatry 35:135): 12 people, placebo crossover, 6.4 min more under magnesium.

Run as ``python benchmarks/calibration_sleep_minutes.py [studies]``; exits with 1 when a cell is liberal (99 % binomial
interval adjusted for their number): tests on so many ties may be conservative.
"""

import math
import sys

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.contrasts import compare_nights
from swa.comparison.designs.crossover import hills_armitage, sequence_test
from swa.comparison.group import hodges_lehmann, sign_flip_test
from swa.comparison.linear import t_interval
from swa.settings import ComparisonSettings, Settings

SETTINGS = ComparisonSettings()
MEAN, SD, HELD = 10.0, 15.0, 6.4
LEVEL_SHARE = 0.7  # of the variance of the latent minutes between people


def minutes(rng, subjects: int, studies: int, *, zeros: float, effect: float = 0.0):
    """Minutes of two nights, subjects x studies each: what is latent below 0 is a night without N3, in epochs of 30 s.

    The effect adds to latent minutes, so that a night without N3 may stay one; it is scaled to the wanted mean.
    """
    cut = stats.norm.ppf(zeros)
    level = math.sqrt(LEVEL_SHARE) * rng.normal(size=(subjects, studies))
    nights = level + math.sqrt(1 - LEVEL_SHARE) * rng.normal(size=(2, subjects, studies))
    scale = MEAN / float(np.mean(_shape(rng.normal(size=200_000) - cut)))
    low, high = 0.0, 5.0
    for _ in range(40):
        middle = (low + high) / 2
        gain = scale * float(np.mean(_shape(GRID - cut + middle))) - scale * float(np.mean(_shape(GRID - cut)))
        low, high = (middle, high) if gain < effect else (low, middle)
    after = nights[1] - cut + (low if effect else 0.0)
    return tuple(np.round(2 * scale * _shape(part)) / 2 for part in (nights[0] - cut, after))


GRID = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)


def _shape(latent):
    """Skewed above 0: the SD is then about one and a half of the mean, as Held's."""
    return np.maximum(latent, 0.0) ** 1.5


def cell(rng, n: int, zeros: float, studies: int) -> dict[str, float]:
    """Rates of one cell without an effect."""
    before, after = minutes(rng, n, studies, zeros=zeros)
    change = after - before
    flip, median = sign_flip_test(change, SETTINGS), hodges_lehmann(change)
    order = np.where(np.arange(n) % 2, 1, -1)
    crossed = sequence_test(change, order, SETTINGS)
    fit = hills_armitage(change, order)
    by_t = t_interval(*fit.combine([1, 0]), fit.df, 0.95)[1]
    p = np.where(np.isfinite(crossed.low), crossed.p, by_t)
    known = np.isfinite(median.low)
    return {
        "n": n,
        "zero nights": float((before == 0).mean()),
        "SD": float(before.std()),
        "mean found": float((flip.p <= 0.05).mean()),
        "mean covered": float(((flip.low <= 0) & (flip.high >= 0)).mean()),
        "median covered": float(((median.low <= 0) & (median.high >= 0))[known].mean()),
        "crossover found": float((p <= 0.05).mean()),
    }


def held(rng, seed_row: int = 0):
    """One study of Held's design through `compare_nights`: nights, long table and the row over subjects."""
    before, after = minutes(rng, 12, 1, zeros=0.4, effect=HELD)
    rows = [
        (f"H{i:02d}", name, name, 1 + (i % 2 == (name == "placebo")), float(values[i, seed_row]))
        for name, values in (("placebo", before), ("magnesium", after))
        for i in range(12)
    ]
    table = pd.DataFrame(rows, columns=["subject", "session", "condition", "period", "value"])
    nights = table.drop(columns="value").assign(status="done")
    table = table.drop(columns="period").assign(
        channel="all", stages="any", window="night", measure="n3_minutes", variant="", unit="min", n=960, note=""
    )
    settings = Settings(comparison={"primary": "n3_minutes any night all"})
    found = compare_nights(table, nights=nights, settings=settings)
    return nights, table, found[found["subject"] == "group"].iloc[0]


def main(studies: int = 2000, seed: int = 41) -> int:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame([cell(rng, n, zeros, studies) for n in (6, 12, 20) for zeros in (0.2, 0.4, 0.6)])
    print(table.round(3).to_string(index=False))
    rates = [
        *table["mean found"],
        *(1 - table["mean covered"]),
        *(1 - table["median covered"]),
        *table["crossover found"],
    ]
    level = 1 - 0.01 / len(rates)
    liberal = sum(stats.binomtest(round(rate * studies), studies).proportion_ci(level).low > 0.05 for rate in rates)
    print(f"{liberal} of {len(rates)} rates are above 0.05")
    before, after = minutes(rng, 12, studies, zeros=0.4, effect=HELD)
    order = np.where(np.arange(12) % 2, 1, -1)
    found = sequence_test(after - before, order, SETTINGS)
    fit = hills_armitage(after - before, order)
    print(
        f"Held's design: {before.mean():.1f} +- {before.std():.1f} min to {after.mean():.1f} +- {after.std():.1f}; "
        f"mean estimate {fit.beta[:, 0].mean():.1f} min, interval "
        f"{np.median(found.low):.1f} to {np.median(found.high):.1f} "
        f"(medians over studies), covers {((found.low <= HELD) & (found.high >= HELD)).mean():.3f}, power "
        f"{(found.p <= 0.05).mean():.3f}"
    )
    _, _, row = held(np.random.default_rng(seed))
    print(f"one such study: {row['estimate']:.1f} min ({row['ci_low']:.1f} to {row['ci_high']:.1f}); {row['note']}")
    return int(liberal > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
