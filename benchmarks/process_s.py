"""Process S of simulated subjects: bias, coverage and width of the intervals, and which fits are refused.

    python -m benchmarks.process_s [--subjects 500] [--studies 300]

Truth of the first case: two nights of 4-5 cycles 1.6 h apart (first midpoint about 0.6 h after sleep onset), S0 of
1.5-3 and LA of 0.2-0.6 (units of about the night's mean), tau of 2-4 h, an S0 ratio of the nights with SD 0.2 (ln),
15 % lognormal scatter of every cycle mean. The other cases move one thing.

Drugs: the second half of the nights is treated, and tau, LA or S0 is another. S0 and tau are those that let conditions
differ; studies of 12 such subjects are tested by t, at 5 %, against the ratio that was put in. `tau_or_LA`: subjects in
whom the AICc of another tau and of another LA differ by less than 2, `rather_tau` and `rather_LA` the others.
"""

import argparse
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from swa.measures.process_s import Estimate, fit_by_condition, fit_process_s
from swa.tables.notes import LEAST_LEAD


@dataclass(frozen=True, kw_only=True)
class Case:
    """A population of subjects."""

    name: str
    initial: tuple[float, float] = (1.5, 3.0)
    asymptote: tuple[float, float] = (0.2, 0.6)
    tau_h: tuple[float, float] = (2.0, 4.0)
    noise: float = 0.15
    cycles: tuple[int, int] = (4, 5)
    nights: int = 2
    drug_initial: float = 1.0
    drug_asymptote: float = 1.0
    drug_tau: float = 1.0


CASES = (
    Case(name="target: 15 %, 4-5 cycles"),
    Case(name="LA = 0", asymptote=(0.0, 0.0)),
    Case(name="10 % scatter", noise=0.10),
    Case(name="30 % scatter", noise=0.30),
    Case(name="4 cycles", cycles=(4, 4)),
    Case(name="4 nights", nights=4),
    Case(name="one night, 5 cycles", nights=1, cycles=(5, 5)),
    Case(name="nights that do not fall", initial=(1.0, 1.0), asymptote=(1.0, 1.0)),
)


DRUGS = tuple(
    Case(name=f"{name}, {nights // 2} night{'s' * (nights > 2)} each", nights=nights, **drug)
    for nights in (2, 4)
    for name, drug in {
        "no effect": {},
        "tau 2.0 for 2.7": {"drug_tau": 2.0 / 2.7},
        "LA doubled": {"drug_asymptote": 2.0},
        "S0 x 1.2": {"drug_initial": 1.2},
    }.items()
)
STUDY = 12


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Cycle means and what they were made from."""

    time_h: np.ndarray
    level: np.ndarray
    night: np.ndarray
    initial: np.ndarray


def simulate_subject(case: Case, rng: np.random.Generator) -> Subject:
    asymptote, tau_h = rng.uniform(*case.asymptote), rng.uniform(*case.tau_h)
    spread = 0.2 if case.initial[0] < case.initial[1] else 0.0
    initial = rng.uniform(*case.initial) * np.exp(rng.normal(0, spread, case.nights))
    counts = rng.integers(case.cycles[0], case.cycles[1], case.nights, endpoint=True)
    night = np.repeat(np.arange(case.nights), counts)
    treated = np.arange(case.nights) >= case.nights / 2
    initial = initial * np.where(treated, case.drug_initial, 1.0)
    tau_h, asymptote = (
        np.where(treated[night], drug * value, value)
        for drug, value in ((case.drug_tau, tau_h), (case.drug_asymptote, asymptote))
    )
    time_h = np.concatenate([np.cumsum(rng.normal(1.6, 0.15, count)) - 1.0 for count in counts])
    level = asymptote + (initial[night] - asymptote) * np.exp(-time_h / tau_h)
    level = level * np.exp(rng.normal(0, case.noise, len(level)))
    return Subject(time_h=time_h, level=level, night=night.astype(str), initial=initial)


def evaluate(case: Case, n_subjects: int, seed: int = 2010) -> tuple[dict[str, object], Counter[str]]:
    """One row of the table, and the reasons of what was refused."""
    rng = np.random.default_rng(seed)
    subjects = [simulate_subject(case, rng) for _ in range(n_subjects)]
    begin = time.perf_counter()
    fits = [fit_process_s(subject.time_h, subject.level, subject.night) for subject in subjects]
    cost_ms = (time.perf_counter() - begin) / n_subjects * 1e3
    initial, bound, reasons = [], [], Counter[str]()
    for subject, fit in zip(subjects, fits, strict=True):
        for name, reason in fit.reasons.items():
            if reason:
                reasons[re.sub(r"[\d.]+(e[+-]?\d+)?", "…", reason)] += 1
            else:
                initial.append(_error(fit.initial_uv2[name], subject.initial[int(name)]))
                bound.append(fit.asymptote_uv2.value == 0)
    s0, at_zero = np.array(initial).reshape(-1, 3), np.array(bound, dtype=bool)
    row = {
        "case": case.name,
        "S0": len(s0),
        "S0_median_bias": _median(s0[:, 0]),
        "S0_covered": _mean(s0[:, 1]),
        "S0_half_width": _median(s0[:, 2]) + 1,
        "LA=0": _mean(at_zero),
        "covered_at_LA=0": _mean(s0[at_zero, 1]),
        "nights_refused": sum(reasons.values()),
        "ms": cost_ms,
    }
    return row, reasons


def evaluate_drug(case: Case, n_studies: int, seed: int = 2010) -> dict[str, object]:
    """One row of the table of drugs."""
    rng = np.random.default_rng(seed)
    found = []
    half = case.nights // 2
    condition = {str(number): "drug" if number >= half else "baseline" for number in range(case.nights)}
    for _ in range(n_studies * STUDY):
        subject = simulate_subject(case, rng)
        data = subject.time_h, subject.level, subject.night
        fit, shared = fit_by_condition(*data, condition), fit_process_s(*data)
        nights = [fit.initial_uv2[str(number)] for number in range(case.nights)]
        ratio = _ratio(_mean_night(nights[half:]), _mean_night(nights[:half]))
        tau = _ratio(fit.tau_h["drug"], fit.tau_h["baseline"])
        real = np.exp(np.mean(np.log(subject.initial[half:])) - np.mean(np.log(subject.initial[:half])))
        old = _ratio(
            *(
                _mean_night([shared.initial_uv2[str(n)] for n in numbers])
                for numbers in (range(half, case.nights), range(half))
            )
        )
        least = min(fit.aicc, key=fit.aicc.__getitem__) if fit.aicc else ""
        lead = fit.aicc["asymptote"] - fit.aicc["tau"] if fit.aicc else np.nan
        told = _inside(ratio, real), tau.value, _inside(tau, case.drug_tau)
        found.append((ratio.value, *told, old.value, lead, least))
    columns = list(zip(*found, strict=True))
    ratio, covered, tau, tau_covered, old, lead = (np.array(column, dtype=float) for column in columns[:6])
    models, known = Counter(columns[6]), lead[np.isfinite(lead)]
    return {
        "drug": case.name,
        "S0_shared": np.exp(np.nanmedian(np.log(old))),
        "S0": np.exp(np.nanmedian(np.log(ratio))),
        "S0_told": np.isfinite(ratio).mean(),
        "S0_covered": covered[np.isfinite(ratio)].mean(),
        "S0_rejected": _rejected(ratio / case.drug_initial),
        "shared_rejected": _rejected(old / case.drug_initial),
        "tau": np.exp(np.nanmedian(np.log(tau))),
        "tau_told": np.isfinite(tau).mean(),
        "tau_covered": tau_covered[np.isfinite(tau)].mean(),
        "tau_rejected": _rejected(tau / case.drug_tau),
        "AICc_shared": models["shared"] / len(found),
        "tau_or_LA": np.mean(np.abs(known) < LEAST_LEAD),
        "rather_tau": np.mean(known >= LEAST_LEAD),
        "rather_LA": np.mean(known <= -LEAST_LEAD),
    }


def _mean_night(nights: list[Estimate]) -> Estimate:
    logs = np.log(np.array(nights)).mean(axis=0)
    return Estimate(*np.exp(logs))


def _ratio(over: Estimate, under: Estimate) -> Estimate:
    """With the errors of the two as they enter the contrast of one subject: independent of each other."""
    half = np.hypot(*(np.log(one.high / one.low) / 2 for one in (over, under)))
    value = over.value / under.value
    return Estimate(value, value / np.exp(half), value * np.exp(half))


def _inside(estimate: Estimate, truth: float) -> bool:
    return bool(estimate.low <= truth <= estimate.high)


def _rejected(ratio: np.ndarray) -> float:
    """Share of studies whose mean ln ratio differs from none at 5 %."""
    studies = np.log(ratio).reshape(-1, STUDY)
    p = stats.ttest_1samp(studies, 0.0, axis=1, nan_policy="omit").pvalue
    return float(np.mean(np.asarray(p) <= 0.05))


def _error(estimate: tuple[float, float, float], truth: float) -> tuple[float, bool, float]:
    value, low, high = estimate
    return value / truth - 1, low <= truth <= high, np.sqrt(high / low) - 1


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def main() -> None:
    """Print the table; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=500)
    parser.add_argument("--studies", type=int, default=300)
    arguments = parser.parse_args()
    evaluate(CASES[0], 1)  # the first call pays for scipy's imports
    found = [evaluate(case, arguments.subjects) for case in CASES]
    table = pd.DataFrame([row for row, _ in found])
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    for (row, reasons), case in zip(found, CASES, strict=True):
        total = arguments.subjects * case.nights
        print(f"\nRefused in '{row['case']}': {sum(reasons.values())} of {total} nights")
        for reason, count in reasons.most_common():
            print(f"  {count:4d}  {reason}")
    drugs = pd.DataFrame([evaluate_drug(case, arguments.studies) for case in DRUGS])
    print()
    print(drugs.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    target, told = table.iloc[0], drugs["S0"] / [case.drug_initial for case in DRUGS]
    margin = 2.6 * np.sqrt(0.05 * 0.95 / arguments.studies)  # of a level of 5 %, at 99 %
    steady = drugs[[case.drug_asymptote == 1 for case in DRUGS]]  # a changed LA is not told from a changed tau
    good = (
        abs(target["S0_median_bias"]) <= 0.05
        and 0.90 <= target["S0_covered"] <= 0.98
        and told.between(0.92, 1.08).all()
        and (drugs["S0_covered"] >= 0.92).all()
        and (steady["tau_covered"] >= 0.92).all()
        and (steady[["S0_rejected", "tau_rejected"]] <= 0.05 + margin).all(axis=None)
    )
    print("\nMedian S0 within 5 %, its coverage 90-98 %; with drugs within 8 %, from 92 %, level 5 %:", good)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
