"""Whether a plan has the power of the test that is run, and whether one subject's interval knows the part of the night.

Power at + 20 % by `swa plan` (ICC 0.76, CV 40 %) beside the share of studies whose row over subjects has p <= 0.05, for
the paired, crossover and parallel designs, through `compare_nights`: of the whole night, and of the first cycle, which
is planned for where nothing is declared, with as many subjects as the plan names; and of one of two treatments, told
after Holm over both. Then the interval of one subject with one night each, whose nights vary as the stated reliability
says of the whole night, the first cycle, the first hour and matched minutes, and beta power as its own: it has to hold
the true change in 95 %.

Run as ``python -m benchmarks.calibration_plans [studies]``; exits with 1 when a cell misses (99 % binomial interval
adjusted for their number; a plan is simulated too, with an error of 0.005).
"""

import math
import sys
from dataclasses import replace

import numpy as np

from benchmarks.calibration_designs import LN_EFFECT, Cell, Study, arms, crossover, judge, missing_nights
from swa.comparison.contrasts import compare_nights
from swa.comparison.further.planning import declared_variation, plan_sample, stated_variation
from swa.comparison.further.power import design_power
from swa.comparison.group import holm_p, sign_flip_test
from swa.comparison.within_subject import stated_within_sd
from swa.settings import Settings

STATED = Settings().comparison
PLANS = {
    **{
        f"paired, n = {n}": ("paired", n, lambda rng, studies, n=n: missing_nights(rng, studies, n, 0))
        for n in (6, 8, 12, 20)
    },
    **{
        f"crossover, n = {n}": ("crossover", n, lambda rng, studies, n=n: crossover(rng, studies, n // 2, n // 2))
        for n in (8, 12, 20)
    },
    **{
        f"arms, n = {n}": ("parallel arms", n, lambda rng, studies, n=n: arms(rng, studies, n // 2, n // 2))
        for n in (12, 24, 40)
    },
}
PARTS = (("swa", "night"), ("swa", "cycle-1"), ("swa", "hour-1"), ("swa", "matched"), ("beta_power", "night"))


IN_CYCLE = {
    "paired": lambda rng, studies, n: missing_nights(rng, studies, n, 0),
    "crossover": lambda rng, studies, n: crossover(rng, studies, n // 2, n - n // 2),
    "parallel arms": lambda rng, studies, n: arms(rng, studies, n // 2, n - n // 2),
}


def cycle_cells(rng: np.random.Generator, studies: int) -> list[Cell]:
    """The subjects that a plan names for the first cycle have the power that it was asked for."""
    variation, cells = declared_variation(), []
    night, cycle = (stated_within_sd("", STATED, "swa", window) for window in ("night", "cycle-1"))
    for design, make in IN_CYCLE.items():
        n = plan_sample(variation, design=design).subjects
        promised = design_power(design, LN_EFFECT / variation.change_sd, n, 0.05, variation.icc)
        study: Study = make(rng, studies, n)
        further = rng.normal(0, math.sqrt(cycle**2 - night**2), study.ln_power.shape)
        found = int((replace(study, ln_power=study.ln_power + further).group(LN_EFFECT)["p"] <= 0.05).sum())
        cells.append(Cell(f"{design}, first cycle, n = {n} as planned: power", found, studies, promised))
    return cells


def response_cells(rng: np.random.Generator, studies: int, spread: float = 0.3) -> list[Cell]:
    """Of arms the treated one alone has the spread of responses."""
    variation = stated_variation(STATED.icc, STATED.cv, spread)
    n, response = plan_sample(variation, design="parallel arms").subjects, variation.response_at(variation.change_sd)
    promised = design_power("parallel arms", LN_EFFECT / variation.change_sd, n, 0.05, STATED.icc, response)
    study = arms(rng, studies, n // 2, n - n // 2, response_sd=spread)
    found = int((study.group(LN_EFFECT)["p"] <= 0.05).sum())
    return [Cell(f"arms, response SD {spread:g}, n = {n} as planned: power", found, studies, promised)]


def plan_cells(rng: np.random.Generator, studies: int) -> list[Cell]:
    change_sd = math.sqrt(2 * math.log1p(STATED.cv**2) * (1 - STATED.icc))
    cells = []
    for name, (design, n, make) in PLANS.items():
        promised = design_power(design, LN_EFFECT / change_sd, n, 0.05, STATED.icc)
        study: Study = make(rng, studies)
        found = int((study.group(LN_EFFECT)["p"] <= 0.05).sum())
        cells.append(Cell(f"{name}: power, planned", found, studies, promised))
    return cells


def told_cells(rng: np.random.Generator, studies: int) -> list[Cell]:
    """One of two treatments acts, paired with the same placebo nights: it is told after Holm over the two."""
    cells = []
    for sd in (0.12, 0.27):  # of a change: subjects for the sign flips, and for the t that they come to
        variation = replace(stated_variation(STATED.icc, STATED.cv), change_sd=sd, low=sd, high=sd)
        n = plan_sample(variation, told_of=2).subjects
        promised = design_power("paired", LN_EFFECT / sd, n, told_of=2)
        placebo, drug, other = rng.normal(0, sd / math.sqrt(2), (3, n, studies))
        p = np.array([sign_flip_test(nights - placebo, STATED).p for nights in (drug + LN_EFFECT, other)])
        held = np.array([holm_p(pair)[0] for pair in p.T])
        cells.append(
            Cell(f"paired, one of two acts, n = {n} as planned: told", int((held <= 0.05).sum()), studies, promised)
        )
    return cells


def subject_cells(rng: np.random.Generator, studies: int) -> list[Cell]:
    cells = []
    for measure, window in PARTS:
        study = missing_nights(rng, studies, 1, 0)
        nights = rng.normal(5, stated_within_sd("", STATED, measure, window), study.ln_power.shape)
        table = Study(study.nights, nights, study.treated, study.contrast, study.baseline).table(LN_EFFECT)
        rows = compare_nights(table.assign(measure=measure, window=window), nights=study.nights)
        one = rows[rows["subject"] == "s00"]
        held = int(((one["ci_low"] <= 1.2) & (one["ci_high"] >= 1.2)).sum())
        cells.append(Cell(f"one subject, {measure}, {window}: coverage", held, studies, 0.95))
    return cells


def main(studies: int = 2000, seed: int = 11) -> int:
    """Print the cells."""
    rng = np.random.default_rng(seed)
    planned = plan_cells(rng, studies) + cycle_cells(rng, studies) + response_cells(rng, studies)
    planned += told_cells(rng, studies)
    return int(judge(planned + subject_cells(rng, studies)) > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
