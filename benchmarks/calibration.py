"""Whether the intervals and tests of a comparison hold what they promise.

Simulates studies, sends them through `compare_nights` (each "channel" is a study of its own) and prints rejection and
coverage with a 99 % binomial interval, adjusted for the number of gated cells. A cell passes when its interval
includes the attainable nominal rate (at n = 6 an exact sign-flip test can reach 3.1 %, its interval 96.9 %). Skewed
and, for t, heavy-tailed changes are printed and not gated: both tests assume that changes are symmetric or normal.

Run as ``python benchmarks/calibration.py [studies]``; exits with 1 when a gated cell fails.
"""

import math
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.contrasts import compare_nights, subject_values
from swa.comparison.group import paired_t
from swa.settings import Settings

LN_EFFECT = math.log(1.2)
DRAWS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "t3": lambda rng, shape: rng.standard_t(3, size=shape) / math.sqrt(3),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
}


@dataclass(frozen=True)
class Cell:
    """A simulated rate, the rate that it should have, and whether missing that is a failure."""

    name: str
    hits: int
    studies: int
    nominal: float
    gated: bool = True


def simulate(
    rng: np.random.Generator,
    *,
    subjects: int,
    studies: int,
    nights: tuple[int, int] = (1, 1),
    effect: float = 0.0,
    cv: float = 0.4,
    icc: float = 0.76,
    changes: str = "normal",
) -> pd.DataFrame:
    """Long table of ``studies`` independent studies, one a channel; `nights` are baseline and treatment nights."""
    variance = math.log1p(cv**2)
    level = rng.normal(math.log(300.0), math.sqrt(variance * icc), size=(subjects, 1, studies))
    noise = DRAWS[changes](rng, (subjects, sum(nights), studies)) * math.sqrt(variance * (1 - icc))
    if changes != "normal":
        noise[:, : nights[0]] = 0.0  # the shape is that of the change: a difference of two skewed nights is symmetric
    ln_power = level + noise
    ln_power[:, nights[0] :] += effect
    shape = ln_power.shape
    subject, night, study = (index.ravel() for index in np.indices(shape))
    sessions = [f"baseline{i}" for i in range(nights[0])] + [f"ketamine{i}" for i in range(nights[1])]
    session = np.array(sessions)[night]
    return pd.DataFrame(
        {
            "subject": np.char.mod("%03d", subject),
            "session": session,
            "condition": np.char.rstrip(session, "0123456789"),
            "channel": np.char.mod("study-%05d", study),
            "stages": "NREM",
            "window": "night",
            "measure": "swa",
            "variant": "",
            "value": np.exp(ln_power).ravel(),
            "unit": "µV²",
            "n": 1,
            "note": "",
        }
    )


def attainable_level(subjects: int) -> float:
    """Rate at which the test of a contrast can reject at 5 %: t below 6 subjects, else sign flips."""
    if subjects < 6:
        return 0.05
    flips = 2**subjects if subjects <= 16 else 10_000
    return 2 * math.floor(0.025 * flips + 1e-9) / flips


def group_cells(rng: np.random.Generator, studies: int) -> list[Cell]:
    cells = []
    for subjects in (4, 6, 10, 20):
        for changes in DRAWS:
            label = f"{'t' if subjects < 6 else 'sign flip'}, n = {subjects}, {changes}"
            nominal = attainable_level(subjects)
            gated = changes == "normal" or (changes == "t3" and subjects >= 6)
            null = simulate(rng, subjects=subjects, studies=studies, changes=changes)
            real = simulate(rng, subjects=subjects, studies=studies, changes=changes, effect=LN_EFFECT)
            group = _group(compare_nights(null))
            cells.append(Cell(f"{label}: rejection", int((group["p"] <= 0.05).sum()), studies, nominal, gated))
            cells.append(
                Cell(f"{label}: coverage", _covered(_group(compare_nights(real))), studies, 1 - nominal, gated)
            )
            if subjects >= 6:
                values = subject_values(null).pivot(index="subject", columns="channel", values="change")
                t = paired_t(np.log(values.to_numpy()))
                rejected = int((t.p <= 0.05).sum())
                cells.append(
                    Cell(
                        f"paired t, n = {subjects}, {changes}: rejection",
                        rejected,
                        studies,
                        0.05,
                        gated=changes == "normal",
                    )
                )
    return cells


def subject_cells(rng: np.random.Generator, studies: int) -> list[Cell]:
    """Coverage of a single subject's interval: one subject a study, since a study's subjects share one SD."""
    cells = []
    designs = [(1, (2, 1)), (3, (2, 1)), (8, (2, 1)), (4, (3, 2)), (6, (1, 1)), (1, (1, 1)), (2, (1, 3))]
    for subjects, nights in designs:
        table = simulate(rng, subjects=subjects, studies=studies, nights=nights, effect=LN_EFFECT)
        rows = compare_nights(table)
        one = rows[rows["subject"] == "000"]
        method = one["method"].iloc[0].split(" (")[0]
        name = f"one of {subjects} subjects, {nights[0]} baseline and {nights[1]} treatment nights, {method}: coverage"
        cells.append(Cell(name, _covered(one), studies, 0.95))
    return cells


def power_cell(rng: np.random.Generator, studies: int) -> Cell:
    """+ 20 %, CV 40 %, ICC 0.9, n = 10: the analytic power of the paired t test is 84.5 %."""
    table = simulate(rng, subjects=10, studies=studies, effect=LN_EFFECT, icc=0.9)
    values = subject_values(table, settings=Settings()).pivot(index="subject", columns="channel", values="change")
    spread = math.sqrt(2 * math.log1p(0.4**2) * 0.1)
    shift, limit = LN_EFFECT * math.sqrt(10) / spread, stats.t.ppf(0.975, 9)
    nominal = float(stats.nct.sf(limit, 9, shift) + stats.nct.cdf(-limit, 9, shift))
    t = paired_t(np.log(values.to_numpy()))
    return Cell("paired t, n = 10, + 20 %, ICC 0.9: power", int((t.p <= 0.05).sum()), studies, nominal)


def _group(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["subject"] == "group"]


def _covered(rows: pd.DataFrame) -> int:
    return int(((rows["ci_low"] <= 1.2) & (rows["ci_high"] >= 1.2)).sum())


def main(studies: int = 4000, seed: int = 1) -> int:
    rng = np.random.default_rng(seed)
    cells = [*group_cells(rng, studies), *subject_cells(rng, studies), power_cell(rng, studies)]
    level = 1 - 0.01 / sum(cell.gated for cell in cells)
    failed = 0
    for cell in cells:
        wide = stats.binomtest(cell.hits, cell.studies).proportion_ci(level)
        passed = wide.low <= cell.nominal <= wide.high
        failed += cell.gated and not passed
        verdict = ("passes" if passed else "FAILS") if cell.gated else "not gated"
        rate = cell.hits / cell.studies
        print(f"{cell.name:78} {rate:6.1%} [{wide.low:.1%}, {wide.high:.1%}] nominal {cell.nominal:.2%}  {verdict}")
    print(f"{failed} of {sum(cell.gated for cell in cells)} gated cells fail")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
