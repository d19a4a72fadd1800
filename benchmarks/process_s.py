"""Process S of simulated subjects: bias, coverage and width of the intervals, and which fits are refused.

    python -m benchmarks.process_s [--subjects 500]

Truth of the first case: two nights of 4-5 cycles 1.6 h apart (first midpoint about 0.6 h after sleep onset), S0 of
1.5-3 and LA of 0.2-0.6 (units of about the night's mean), tau of 2-4 h, an S0 ratio of the nights with SD 0.2 (ln),
15 % lognormal scatter of every cycle mean. The other cases move one thing.
"""

import argparse
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from swa.measures.process_s import fit_process_s


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
    initial, ratios, bound, reasons = [], [], [], Counter[str]()
    for subject, fit in zip(subjects, fits, strict=True):
        for name, reason in fit.reasons.items():
            if reason:
                reasons[re.sub(r"[\d.]+(e[+-]?\d+)?", "…", reason)] += 1
            else:
                initial.append(_error(fit.initial_uv2[name], subject.initial[int(name)]))
                bound.append(fit.asymptote_uv2.value == 0)
        if case.nights > 1:
            ratios.append(_error(fit.initial_ratio("1", "0"), subject.initial[1] / subject.initial[0]))
    s0, at_zero = np.array(initial).reshape(-1, 3), np.array(bound, dtype=bool)
    ratio = np.array(ratios).reshape(-1, 3)
    ratio = ratio[np.isfinite(ratio[:, 0])]
    row = {
        "case": case.name,
        "S0": len(s0),
        "S0_median_bias": _median(s0[:, 0]),
        "S0_covered": _mean(s0[:, 1]),
        "S0_half_width": _median(s0[:, 2]) + 1,
        "LA=0": _mean(at_zero),
        "covered_at_LA=0": _mean(s0[at_zero, 1]),
        "ratios": len(ratio),
        "ratio_covered": _mean(ratio[:, 1]),
        "ratio_half_width": _median(ratio[:, 2]) + 1,
        "nights_refused": sum(reasons.values()),
        "ms": cost_ms,
    }
    return row, reasons


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
    target = table.iloc[0]
    good = (
        abs(target["S0_median_bias"]) <= 0.05
        and 0.90 <= target["S0_covered"] <= 0.98
        and 0.90 <= target["ratio_covered"] <= 0.98
        and target["ratio_half_width"] <= 1.5
    )
    print("\nMedian S0 within 5 %, coverage 90-98 %, half-width of the ratio at most x/÷ 1.5:", good)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
