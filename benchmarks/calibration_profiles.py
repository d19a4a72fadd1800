"""Whether treatment profiles hold what they promise, on simulated three-condition studies.

21 correlated markers, three nights a subject, the two treatments sharing the baseline night; true profiles alike,
orthogonal, or none. The same with minutes of N3 of which many nights have none, latency and density of REM sleep beside
them, each on its own scale. Equivalence of two treatments, by the orders of the nights. Prints rates with 99 % binomial
intervals adjusted for the number of gated cells.

Run as ``python benchmarks/calibration_profiles.py [studies]``; exits with 1 when a gated cell fails.
"""

import math
import sys
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.compared_nights import split_nights
from swa.comparison.designs import find_designs
from swa.comparison.further.profiles import (
    Profiles,
    compare_profiles,
    equivalence_p,
    mean_without_period,
    similarity,
    standardised,
    without_order,
)
from swa.settings import ComparisonSettings
from swa.tables.contrast import Contrast

VARIANCE, ICC = math.log1p(0.4**2), 0.76
MARKERS = 21
NAMES = [(f"measure {number}", "night") for number in range(MARKERS)]
SLEEP = [(name, "night") for name in ("n3_minutes", "rem_latency", "rem_density")]
ORDERS = np.array(list(permutations(range(3))))


@dataclass(frozen=True)
class Cell:
    """A simulated rate, the rate that it should have (or the most that it may have), and whether it is gated."""

    name: str
    hits: int
    studies: int
    nominal: float
    gated: bool = True
    at_most: bool = False


def simulate_profiles(rng: np.random.Generator, subjects: int, a: np.ndarray, b: np.ndarray, spread: float) -> Profiles:
    """Standardised changes of the same subjects from a shared baseline night; markers correlate 0.6."""

    def nights() -> np.ndarray:
        return math.sqrt(0.6) * rng.normal(size=(subjects, 1)) + math.sqrt(0.4) * rng.normal(size=(subjects, len(a)))

    base = nights()
    answer = 1 + spread * rng.normal(size=(2, subjects, 1))  # each subject's own strength of the response
    first, second = a * answer[0] + nights() - base, b * answer[1] + nights() - base
    return standardised(first, second, paired=True, markers=NAMES)


def after_first_night(rng: np.random.Generator, subjects: int, a, b, *, baseline_first: bool) -> Profiles:
    """As `simulate_profiles` after a first night with 20 % less slow-wave activity (1.2 SD between nights).

    Half of the markers follow it. Without `baseline_first` the three conditions are in all orders.
    """
    first_night = -1.2 * np.r_[np.ones(10), np.zeros(len(a) - 10)]
    places = np.tile([0, 1, 2], (subjects, 1))
    if not baseline_first:
        blocks = [rng.permutation(ORDERS) for _ in range(-(-subjects // len(ORDERS)))]
        places = np.concatenate(blocks)[:subjects]
    common = math.sqrt(0.6) * rng.normal(size=(subjects, 3, 1))
    nights = common + math.sqrt(0.4) * rng.normal(size=(subjects, 3, len(a)))
    nights += np.array([0 * a, a, b]) + (places == 0)[:, :, None] * first_night
    changes = [nights[:, k] - nights[:, 0] for k in (1, 2)]
    if not baseline_first:
        orders = [np.sign(places[:, k] - places[:, 0]) for k in (1, 2)]
        changes = [without_order(*pair) for pair in zip(changes, orders, strict=True)]
    return standardised(*changes, paired=True, markers=NAMES)


def first_night_cells(rng: np.random.Generator, studies: int, sizes: tuple[int, ...] = (8, 12, 15, 24)) -> list[Cell]:
    """Two inert drugs: with the baseline always first (`compare_profiles` concludes nothing), and in all orders."""
    cells, none = [], np.zeros(MARKERS)
    half, other = np.r_[np.ones(10), np.zeros(11)], np.r_[np.zeros(10), np.ones(11)]
    for subjects in sizes:
        for name, a, b in (("inert", none, none), ("orthogonal", half, other), ("alike", half, half)):
            for first in (True, False) if name == "inert" else (False,):
                studied = [after_first_night(rng, subjects, a, b, baseline_first=first) for _ in range(studies)]
                found = [similarity(profiles, draws=500, seed=1) for profiles in studied]
                told = np.mean([math.isfinite(one.cosine) for one in found])
                related = sum(one.p <= 0.05 and math.isfinite(one.cosine) for one in found)
                label = f"first night - 20 %, {'baseline first' if first else 'all orders'}, {name}, n = {subjects}"
                print(f"{label}: told in {told:.0%}, found related in {related / studies:.1%}")
                if name != "alike":
                    cells.append(Cell(f"{label}: called related", related, studies, 0.05, not first, at_most=True))
    return cells


def profile_cells(rng: np.random.Generator, studies: int) -> list[Cell]:
    half = np.r_[np.ones(10), np.zeros(11)]
    other = np.r_[np.zeros(10), np.ones(11)]
    mixed = np.r_[np.ones(5), -np.ones(5), np.zeros(11)]
    cells = []
    for subjects in (8, 15, 30):
        for name, a, b in (
            ("alike", half, half),
            ("alike, one half as strong", half, half / 2),
            ("orthogonal", half, other),
            ("orthogonal, cancelling", half, mixed),
            ("one without effect", half, 0 * half),
            ("both without effect", 0 * half, 0 * half),
        ):
            studied = [simulate_profiles(rng, subjects, a, b, 0.3) for _ in range(studies)]
            found = [similarity(profiles, draws=500, seed=1) for profiles in studied]
            length = np.linalg.norm(a) * np.linalg.norm(b)
            truth = float(a @ b) / length if length else math.nan
            cosines = np.array([one.cosine for one in found])
            rejected = sum(one.p <= 0.05 for one in found)
            told = np.isfinite(cosines).mean()
            middle = np.nanmedian(cosines) if told else math.nan
            label = f"profiles {name}, n = {subjects}"
            print(
                f"{label}: true {truth:.2f}, median {middle:.2f}, told in {told:.0%}, dims "
                f"{np.mean([one.dimensions for one in found]):.1f}, found related in {rejected / studies:.1%}"
            )
            if math.isnan(truth) or truth == 0:
                cells.append(Cell(f"{label}: called related", rejected, studies, 0.05, at_most=True))
            if math.isfinite(truth):
                covered = sum(one.low <= truth <= one.high for one in found)
                cells.append(Cell(f"{label}: covered", covered, studies, 0.95, gated=False))
    return cells


def with_sleep(rng: np.random.Generator, subjects: int, a: np.ndarray, b: np.ndarray) -> Profiles:
    """As `simulate_profiles`, with three markers of sleep behind the others: changes as differences in their units."""
    level = math.sqrt(0.7) * rng.normal(size=(subjects, 1, len(a)))
    nights = math.sqrt(0.6) * rng.normal(size=(subjects, 3, 1)) + math.sqrt(0.4) * rng.normal(
        size=(subjects, 3, len(a))
    )
    latent = level + math.sqrt(0.3) * (nights + np.array([0 * a, a, b]))
    n3, latency, density = np.moveaxis(latent[..., -3:], -1, 0)
    latent[..., -3] = np.round(24 * np.maximum(n3 + 0.25, 0) ** 1.5) / 2  # 0.4 of the nights have none
    latent[..., -2] = np.round(140 * np.exp(0.5 * latency)) / 2
    latent[..., -1] = np.maximum(6 + 3 * density, 0)
    return standardised(*(latent[:, k] - latent[:, 0] for k in (1, 2)), paired=True, markers=[*NAMES, *SLEEP])


def sleep_cells(rng: np.random.Generator, studies: int, sizes: tuple[int, ...] = (8, 12, 20)) -> list[Cell]:
    """Type I error of profiles that mix scales: no effect, the EEG against sleep, and each half of both."""
    cells = []
    eeg, sleep = np.r_[np.ones(MARKERS), np.zeros(3)], np.r_[np.zeros(MARKERS), np.ones(3)]
    half = np.r_[np.ones(10), np.zeros(11), 1, 0, 0]
    for subjects in sizes:
        for name, a, b in (("no effect", 0 * eeg, 0 * eeg), ("EEG, sleep", eeg, sleep), ("halves", half, 1 - half)):
            found = [similarity(with_sleep(rng, subjects, a, b), draws=500, seed=1) for _ in range(studies)]
            related = sum(one.p <= 0.05 and math.isfinite(one.cosine) for one in found)
            label = f"with N3 and REM sleep, {name}, n = {subjects}"
            cells.append(Cell(f"{label}: called related", related, studies, 0.05, at_most=True))
    return cells


def equivalence_cells(rng: np.random.Generator, studies: int) -> list[Cell]:
    """At the margin equivalence may be found in 5 %; with no difference it shows what n can tell."""
    cells, margin = [], math.log(1.25)
    for subjects in (10, 20):
        for name, shift in (("at the margin", margin), ("no difference", 0.0)):
            sd = math.sqrt(2 * VARIANCE * (1 - 0.9))
            draws = (mean_without_period(rng.normal(shift, sd, subjects)) for _ in range(studies))
            hits = sum(equivalence_p([own], margin) <= 0.05 for own in draws)
            at = name == "at the margin"
            cells.append(Cell(f"equivalence, n = {subjects}, {name}", hits, studies, 0.05 if at else 1, at))
    return cells


# Places of Placebo or Baseline, Ketamine and Magnesium in orders that a study has, or of each arm.
ASKED = {
    "all six orders": "KPM KMP PKM PMK MKP MPK",
    "two orders": "KPM MPK",
    "ketamine first in two of three": "KMP KPM PKM KMP MPK MKP",
    "baseline first, both orders": "BKM BMK",
    "arms, baseline first": "BK BM",
    "two orders that do not mirror": "KPM MKP",
    "ketamine always first": "KPM KMP PKM",
    "baseline first, one order": "BKM",
}
WITHHELD = ("two orders that do not mirror", "ketamine always first", "baseline first, one order")
KETAMINE_MAGNESIUM = Contrast(treatment="ketamine", comparator="magnesium")
LETTERS = {"K": "ketamine", "M": "magnesium", "P": "placebo", "B": "baseline"}


def asked_nights(name: str, subjects: int) -> pd.DataFrame:
    """Nights of a study in these orders."""
    orders = ASKED[name].split()
    return pd.DataFrame(
        {"subject": f"s{i:02d}", "session": f"n{place}", "condition": LETTERS[letter], "order": place}
        | ({"arm": LETTERS[orders[i % len(orders)][1]]} if name.startswith("arms") else {})
        for i in range(subjects)
        for place, letter in enumerate(orders[i % len(orders)], 1)
    )


def told_of(nights: pd.DataFrame, ln: np.ndarray) -> float:
    """Equivalence as the product tells it of one study."""
    table = nights[["subject", "session", "condition"]].assign(
        channel="frontal", stages="NREM", window="cycle-1", measure="swa", variant="", unit="µV²", n=1, note=""
    )
    (found,) = compare_profiles(table.assign(value=np.exp(ln)), nights=nights)["equivalence_p"]
    return float(found)


def asked_cell(rng: np.random.Generator, nights: pd.DataFrame, effect: np.ndarray, studies: int) -> tuple[int, bool]:
    """Count the studies that find equivalence, and say whether the product tells it; of one study both must agree."""
    subject, condition = nights["subject"], nights["condition"].to_numpy()
    pair = find_designs(split_nights(nights)[0], [KETAMINE_MAGNESIUM], ComparisonSettings())[0]
    arms, hits, told = "arm" in nights, 0, False
    for study in range(studies):
        level = rng.normal(5, math.sqrt(0.9 * VARIANCE), subject.nunique())[pd.factorize(subject)[0]]
        ln = level + rng.normal(0, math.sqrt(0.1 * VARIANCE), len(nights)) + effect
        wide = pd.Series(ln).groupby([subject, condition]).mean().unstack()
        if arms:
            sides = [(wide[drug] - wide["baseline"]).dropna().to_numpy() for drug in ("ketamine", "magnesium")]
            p = equivalence_p([mean_without_period(side) for side in sides], math.log(1.25))
        else:
            change = (wide["ketamine"] - wide["magnesium"]).to_numpy()
            p = equivalence_p([mean_without_period(change, pair.period_columns(wide.index))], math.log(1.25))
        if study == 0:
            own = told_of(nights, ln)
            told = math.isfinite(own)
            assert not told or math.isclose(own, p, rel_tol=1e-6), (own, p)
        hits += p <= 0.05
    return hits, told


def asked_cells(rng: np.random.Generator, studies: int) -> list[Cell]:
    """Equivalence at the margin, and where there is no difference, ICC 0.9, of what the product tells.

    Without an effect of the night's place, and with a first night 20 % lower and 14 % less from night to night.
    """
    cells = []
    drifts = {"": np.zeros(3), ", drift": np.array([math.log(0.8), 0.0, -0.15])}
    for name, subjects in [(name, n) for name in ASKED for n in (12, 24)]:
        nights = asked_nights(name, subjects)
        for said, drift in drifts.items():
            for what, ratio in (("at the margin", 1.25), ("no difference", 1.0)):
                drug = math.log(ratio) * (nights["condition"] == "magnesium").to_numpy()
                hits, told = asked_cell(rng, nights, drug + drift[nights["order"] - 1], studies)
                assert told == (name not in WITHHELD), name
                at, withheld = what == "at the margin", "" if told else " (withheld)"
                label = f"equivalence, {name}, n = {subjects}{said}, {what}{withheld}"
                cells.append(Cell(label, hits, studies, 0.05 if at else 1.0, at and told, at_most=True))
    return cells


def judge(cells: list[Cell]) -> int:
    level = 1 - 0.01 / max(sum(cell.gated for cell in cells), 1)
    failed = 0
    for cell in cells:
        wide = stats.binomtest(cell.hits, cell.studies).proportion_ci(level)
        passed = wide.low <= cell.nominal and (cell.at_most or cell.nominal <= wide.high)
        failed += cell.gated and not passed
        verdict = ("passes" if passed else "FAILS") if cell.gated else "not gated"
        rate = cell.hits / cell.studies
        print(f"{cell.name:60} {rate:6.1%} [{wide.low:.1%}, {wide.high:.1%}] nominal {cell.nominal:.2%}  {verdict}")
    print(f"{failed} of {sum(cell.gated for cell in cells)} gated cells fail")
    return failed


def main(studies: int = 1000, seed: int = 7) -> int:
    rng = np.random.default_rng(seed)
    cells = [*first_night_cells(rng, studies), *profile_cells(rng, studies), *equivalence_cells(rng, studies)]
    cells += sleep_cells(rng, studies)
    cells += asked_cells(rng, studies)
    return int(judge(cells) > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
