"""Whether the test of each design holds its error rate and its interval its coverage, through `compare_nights`.

Null and real studies of every design that is recognised from a study file: 2 x 2 crossover with a period effect twice
the treatment effect (balanced, 7:3), pre/post crossover, parallel arms, three conditions with missing nights (mixed
model), several nights of a condition after a first night with less, subjects of one night alone, group x treatment.
Each "channel" is a study of its own. Prints bias, rejection and coverage; a cell passes when the 99 % binomial interval
of its rate, adjusted for the number of gated cells, includes the attainable nominal one.

Run as ``python benchmarks/calibration_designs.py [studies]``; exits with 1 when a gated cell fails.
"""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.contrasts import compare_nights

LN_EFFECT = math.log(1.2)
CV, ICC = 0.4, 0.76
VARIANCE = math.log1p(CV**2)
PERIOD = 2 * LN_EFFECT


@dataclass(frozen=True)
class Cell:
    """A simulated rate, the rate that it should have, and whether missing that is a failure."""

    name: str
    hits: int
    studies: int
    nominal: float
    gated: bool = True


@dataclass(frozen=True)
class Study:
    """Nights of a design, and ln values (nights x studies) without the effect; `treated` marks where it is added."""

    nights: pd.DataFrame
    ln_power: np.ndarray
    treated: np.ndarray
    contrast: str
    baseline: str

    def table(self, effect: float) -> pd.DataFrame:
        """Long table with this ln effect."""
        ln_power = self.ln_power + effect * self.treated[:, None]
        studies = ln_power.shape[1]
        keys = self.nights[["subject", "session", "condition"]]
        table = keys.loc[keys.index.repeat(studies)].reset_index(drop=True)
        table["channel"] = np.tile(np.char.mod("study-%05d", np.arange(studies)), len(keys))
        return table.assign(
            stages="NREM", window="night", measure="swa", variant="", value=np.exp(ln_power).ravel(), unit="µV²", n=1,
            note="",
        )  # fmt: skip

    def group(self, effect: float) -> pd.DataFrame:
        """Rows over subjects of the contrast."""
        rows = compare_nights(self.table(effect), self.baseline, nights=self.nights)
        return rows[(rows["subject"] == "group") & (rows["contrast"] == self.contrast)]


def noise(rng: np.random.Generator, nights: pd.DataFrame, studies: int, icc: float = ICC, shape: str = "normal"):
    """Level of each subject and deviation of each night."""
    subject = pd.factorize(nights["subject"])[0]
    level = rng.normal(5, math.sqrt(VARIANCE * icc), (subject.max() + 1, studies))
    draws = (
        rng.standard_t(3, (len(nights), studies)) / math.sqrt(3)
        if shape == "t3"
        else rng.normal(size=(len(nights), studies))
    )
    return level[subject] + draws * math.sqrt(VARIANCE * (1 - icc))


def rows_of(*, subject: str, conditions: list[str], **columns: list) -> list[dict]:
    return [
        {"subject": subject, "session": f"{name}{k}", "condition": name, **{key: of[k] for key, of in columns.items()}}
        for k, name in enumerate(conditions)
    ]


def crossover(rng, studies, first: int, second: int, shape="normal") -> Study:
    rows = []
    for i in range(first + second):
        order = ["placebo", "ketamine"] if i < first else ["ketamine", "placebo"]
        rows += rows_of(subject=f"s{i:02d}", conditions=order, period=[1, 2])
    nights = pd.DataFrame(rows)
    ln_power = noise(rng, nights, studies, shape=shape) + PERIOD * (nights["period"] == 2).to_numpy()[:, None]
    return Study(nights, ln_power, (nights["condition"] == "ketamine").to_numpy(), "ketamine:placebo", "placebo")


def pre_post(rng, studies, subjects: int, *, icc=0.9, drift=0.0, with_period=True, period=0.0, first=None) -> Study:
    """Make a night before and after each infusion.

    `drift` is the SD, in units of that between nights, of a subject's level in a period, which both its nights share.
    """
    rows = []
    for i in range(subjects):
        drugs = ("placebo", "ketamine") if (i < first if first else i % 2 == 0) else ("ketamine", "placebo")
        rows += rows_of(
            subject=f"s{i:02d}",
            conditions=[drugs[0]] * 2 + [drugs[1]] * 2,
            phase=["pre", "post"] * 2,
            period=[1, 1, 2, 2],
        )
    nights = pd.DataFrame(rows)
    ln_power = noise(rng, nights, studies, icc=icc)
    shared = rng.normal(0, drift * math.sqrt(VARIANCE * (1 - icc)), (subjects * 2, studies))
    ln_power += shared.repeat(2, axis=0) + period * (nights["period"] == 2).to_numpy()[:, None]
    treated = ((nights["condition"] == "ketamine") & (nights["phase"] == "post")).to_numpy()
    if not with_period:
        nights = nights.drop(columns="period")
    return Study(nights, ln_power, treated, "ketamine:placebo", "placebo")


def arms(rng, studies, first: int, second: int, response_sd=0.0) -> Study:
    rows = []
    for i in range(first + second):
        arm = "ketamine" if i < first else "placebo"
        rows += rows_of(subject=f"s{i:02d}", conditions=["baseline", arm], arm=[arm, arm])
    nights = pd.DataFrame(rows)
    treated = (nights["condition"] == "ketamine").to_numpy()
    ln_power = noise(rng, nights, studies)
    ln_power += treated[:, None] * rng.normal(0, response_sd, ln_power.shape)
    return Study(nights, ln_power, treated, "ketamine:placebo", "baseline")


def three_conditions(rng, studies, subjects: int, missing: int, response_sd=0.0) -> Study:
    """Latin square of three conditions with a period effect; the last night of some subjects is missing."""
    names = ["placebo", "ketamine", "magnesium"]
    rows = []
    for i in range(subjects):
        order = [names[(i + k) % 3] for k in range(3)] if i % 2 else [names[(i - k) % 3] for k in range(3)]
        rows += rows_of(subject=f"s{i:02d}", conditions=order, period=[1, 2, 3])[: 2 if i < missing else 3]
    nights = pd.DataFrame(rows)
    ln_power = noise(rng, nights, studies) + PERIOD / 2 * (nights["period"] - 1).to_numpy()[:, None]
    treated = (nights["condition"] == "ketamine").to_numpy()
    ln_power += treated[:, None] * rng.normal(0, response_sd, ln_power.shape)
    return Study(nights, ln_power, treated, "ketamine:placebo", "placebo")


def several_nights(rng, studies, orders: str, each: int, response_sd=0.0) -> Study:
    """Several nights of a condition (P, K) in these orders, after a first night with less and with a drift."""
    rows = []
    for i in range(each * len(orders.split())):
        order = orders.split()[i % len(orders.split())]
        names = ["placebo" if letter == "P" else "ketamine" for letter in order]
        rows += rows_of(subject=f"s{i:02d}", conditions=names, period=[*range(1, len(order) + 1)])
    nights = pd.DataFrame(rows)
    place = np.where(nights["period"] == 1, math.log(0.8), PERIOD / 4 * (nights["period"] - 2))
    treated = (nights["condition"] == "ketamine").to_numpy()
    own = rng.normal(0, response_sd, (each * len(orders.split()), studies))[pd.factorize(nights["subject"])[0]]
    ln_power = noise(rng, nights, studies) + place[:, None] + treated[:, None] * own
    return Study(nights, ln_power, treated, "ketamine:placebo", "placebo")


def missing_nights(rng, studies, subjects: int, without: int) -> Study:
    rows = []
    for i in range(subjects):
        rows += rows_of(subject=f"s{i:02d}", conditions=["baseline", "ketamine"])[: 1 if i < without else 2]
    nights = pd.DataFrame(rows)
    treated = (nights["condition"] == "ketamine").to_numpy()
    return Study(nights, noise(rng, nights, studies), treated, "ketamine:baseline", "baseline")


def single_nights(
    rng, studies, *, both: int, single: int, shift: float, periods: int = 0, of_treatment: bool = False, icc=ICC
) -> Study:
    """Make subjects with both nights, and others with one alone, who lie higher by `shift` SD between subjects."""
    orders = [[1, 2], [2, 1], [2, 3], [3, 2], [3, 1], [1, 3]][: periods * (periods - 1)] or [[1, 2]]
    rows = []
    for i in range(both + single):
        own = rows_of(subject=f"s{i:02d}", conditions=["baseline", "ketamine"], period=orders[i % len(orders)])
        rows += own if i < both else [own[int(of_treatment)]]
    nights = pd.DataFrame(rows)
    alone = nights["subject"].to_numpy() >= f"s{both:02d}"
    ln_power = noise(rng, nights, studies, icc=icc) + shift * math.sqrt(VARIANCE * icc) * alone[:, None]
    if periods:
        ln_power += PERIOD / 2 * (nights["period"] - 1).to_numpy()[:, None]
    else:
        nights = nights.drop(columns="period")
    treated = (nights["condition"] == "ketamine").to_numpy()
    return Study(nights, ln_power, treated, "ketamine:baseline", "baseline")


def groups(rng, studies, patients: int, controls: int, spread=1.0) -> Study:
    """Patients and controls in a crossover; patients' nights vary `spread` times as much."""
    rows = []
    for i in range(patients + controls):
        group = "patients" if i < patients else "controls"
        order = ["placebo", "ketamine"] if i % 2 else ["ketamine", "placebo"]
        rows += rows_of(subject=f"s{i:02d}", conditions=order, period=[1, 2], group=[group, group])
    nights = pd.DataFrame(rows)
    ln_power = noise(rng, nights, studies) + PERIOD * (nights["period"] == 2).to_numpy()[:, None]
    own = (nights["group"] == "patients").to_numpy()
    ln_power += own[:, None] * rng.normal(0, math.sqrt(VARIANCE * (1 - ICC) * (spread**2 - 1)), ln_power.shape)
    treated = (nights["condition"] == "ketamine").to_numpy() & own
    return Study(nights, ln_power, treated, "ketamine:placebo patients:controls", "placebo")


Maker = Callable[[np.random.Generator, int], Study]
DESIGNS: dict[str, tuple[Maker, float, bool]] = {
    "crossover 3:3": (lambda r, n: crossover(r, n, 3, 3), 0.05, True),
    "crossover 5:5": (lambda r, n: crossover(r, n, 5, 5), 2 * 6 / 252, True),
    "crossover 7:3": (lambda r, n: crossover(r, n, 7, 3), 2 * 3 / 120, True),
    "crossover 10:10 (exact to 2^16, else drawn)": (lambda r, n: crossover(r, n, 10, 10), 0.05, True),
    "crossover 5:5, heavy tails": (lambda r, n: crossover(r, n, 5, 5, "t3"), 2 * 6 / 252, True),
    "pre/post crossover, n 6": (lambda r, n: pre_post(r, n, 6), 0.05, True),
    "pre/post crossover, n 10, period effect": (lambda r, n: pre_post(r, n, 10, period=PERIOD), 0.05, True),
    "pre/post crossover, 7:3, period effect": (lambda r, n: pre_post(r, n, 10, period=PERIOD, first=7), 0.05, True),
    "pre/post crossover, n 10, drift 2": (lambda r, n: pre_post(r, n, 10, drift=2.0), 0.05, True),
    "arms 6:6": (lambda r, n: arms(r, n, 6, 6), 0.05, True),
    "arms 14:6": (lambda r, n: arms(r, n, 14, 6), 0.05, True),
    "arms 10:10, response SD 0.2": (lambda r, n: arms(r, n, 10, 10, 0.2), 0.05, True),
    "arms 6:14, response SD 0.2": (lambda r, n: arms(r, n, 6, 14, 0.2), 0.05, True),
    "three conditions, n 6": (lambda r, n: three_conditions(r, n, 6, 0), 0.05, True),
    "three conditions, n 12, 4 without the third night": (lambda r, n: three_conditions(r, n, 12, 4), 0.05, True),
    "three conditions, n 12, 4 missing, response SD 0.2": (
        lambda r, n: three_conditions(r, n, 12, 4, 0.2), 0.05, False,
    ),
    "crossover, 1 placebo and 3 drug nights, first or last, 4:4": (
        lambda r, n: several_nights(r, n, "PKKK KKKP", 4), 2 * 1 / 70, True,
    ),
    "crossover, 1 placebo and 3 drug nights, first or last, 8:8, response SD 0.2": (
        lambda r, n: several_nights(r, n, "PKKK KKKP", 8, 0.2), 0.05, True,
    ),
    "crossover, 1 placebo and 2 drug nights, first or last, 6:6": (
        lambda r, n: several_nights(r, n, "PKK KKP", 6), 0.05, True,
    ),
    "crossover, 1 placebo and 2 drug nights, first or second, 6:6": (
        lambda r, n: several_nights(r, n, "PKK KPK", 6), 0.05, True,
    ),
    "crossover, 2 placebo and 3 drug nights, 6:6": (lambda r, n: several_nights(r, n, "PPKKK KKKPP", 6), 0.05, True),
    "three drug nights, placebo at any of four places, 3 each, response SD 0.2": (
        lambda r, n: several_nights(r, n, "PKKK KPKK KKPK KKKP", 3, 0.2), 0.05, True,
    ),
    "before/after, n 10, 3 without the second night": (lambda r, n: missing_nights(r, n, 10, 3), 2 * 3 / 128, True),
    "before/after, 20 and 20 with a higher baseline alone": (
        lambda r, n: single_nights(r, n, both=20, single=20, shift=1.0), 0.05, True,
    ),
    "before/after, 8 and 8 with a higher baseline alone, ICC .5": (
        lambda r, n: single_nights(r, n, both=8, single=8, shift=1.0, icc=0.5), 2 * 6 / 256, True,
    ),
    "before/after, 20 and 20 with a higher treatment night alone": (
        lambda r, n: single_nights(r, n, both=20, single=20, shift=1.0, of_treatment=True), 0.05, True,
    ),
    "three conditions' periods, 18 and 18 with a higher baseline alone": (
        lambda r, n: single_nights(r, n, both=18, single=18, shift=1.0, periods=3), 0.05, True,
    ),
    "groups 8:8 in a crossover": (lambda r, n: groups(r, n, 8, 8), 0.05, True),
    "groups 12:6, patients vary twice as much": (lambda r, n: groups(r, n, 12, 6, 2.0), 0.05, True),
}  # fmt: skip


def design_cells(rng: np.random.Generator, studies: int, names: list[str] | None = None) -> list[Cell]:
    cells = []
    for name in names or DESIGNS:
        make, nominal, gated = DESIGNS[name]
        study = make(rng, studies)
        null, real = study.group(0.0), study.group(LN_EFFECT)
        known = null["p"].notna().sum()
        assert known == studies == len(real), (name, known, len(real))
        method = real["method"].iloc[0]
        bias = np.log(real["estimate"]).mean() / LN_EFFECT
        spread = np.log(real["estimate"]).std() / LN_EFFECT / math.sqrt(studies)
        print(f"{name}: {method}; estimate {bias:.3f} ± {1.96 * spread:.3f} of the true ln effect")
        covered = int(((real["ci_low"] <= 1.2) & (real["ci_high"] >= 1.2)).sum())
        cells.append(Cell(f"{name}: rejection", int((null["p"] <= 0.05).sum()), studies, nominal, gated))
        cells.append(Cell(f"{name}: coverage", covered, studies, 1 - nominal, gated))
    return cells


def pre_post_power(rng: np.random.Generator, studies: int) -> None:
    """Power of the pre/post crossover at + 20 %, ICC 0.9, n = 10, against the change score."""
    for drift in (0.0, 0.5, 1.0, 2.0):
        line = f"pre/post crossover, n 10, + 20 %, ICC 0.9, drift {drift:g}:"
        for with_period in (False, True):
            study = pre_post(rng, studies, 10, drift=drift, with_period=with_period)
            line += f" ANCOVA{' + order' if with_period else ''} {(study.group(LN_EFFECT)['p'] <= 0.05).mean():.3f}"
        values = study.ln_power + LN_EFFECT * study.treated[:, None]
        place = study.nights.set_index(["subject", "condition", "phase"]).index
        of = {key: values[[i for i, k in enumerate(place) if k[1:] == key]] for key in {k[1:] for k in place}}
        post = of["ketamine", "post"] - of["placebo", "post"]
        score = post - (of["ketamine", "pre"] - of["placebo", "pre"])
        for label, change in (("change score", score), ("post alone", post)):
            line += f" {label} {(stats.ttest_1samp(change, 0).pvalue <= 0.05).mean():.3f}"
        print(line)


def judge(cells: list[Cell]) -> int:
    """Print each cell with its interval and verdict; returns how many gated ones fail."""
    level = 1 - 0.01 / max(sum(cell.gated for cell in cells), 1)
    failed = 0
    for cell in cells:
        wide = stats.binomtest(cell.hits, cell.studies).proportion_ci(level)
        passed = wide.low <= cell.nominal <= wide.high
        failed += cell.gated and not passed
        verdict = ("passes" if passed else "FAILS") if cell.gated else "not gated"
        rate = cell.hits / cell.studies
        print(f"{cell.name:70} {rate:6.1%} [{wide.low:.1%}, {wide.high:.1%}] nominal {cell.nominal:.2%}  {verdict}")
    print(f"{failed} of {sum(cell.gated for cell in cells)} gated cells fail")
    return failed


def main(studies: int = 2000, seed: int = 6) -> int:
    rng = np.random.default_rng(seed)
    failed = judge(design_cells(rng, studies))
    pre_post_power(rng, studies)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
