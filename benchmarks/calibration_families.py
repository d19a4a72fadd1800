"""Whether adjusted families hold their false-discovery level, and cluster tests their family-wise level.

Families: a study is one family of 60 exploratory markers (6 regions x 10 windows), correlated as markers of one night
are (r about 0.6), of which none, a tenth or half truly change; p_adjusted comes from `compare_nights`, 10 subjects. The
false-discovery proportion of a study is the share of its findings (p_adjusted <= 0.05) that are false, 0 where there is
none; its mean must not be above 5 %. Among null studies it is the share of studies with any finding.

Clusters: null changes of spectra (119 frequencies), of hours and of 19 electrodes, each a level of the night, a smooth
shape and noise; sign flips of 8 and 12 subjects, permuted labels of 8 against 8. A study counts where any cluster has
p <= 0.05: no more than 5 % may.

Prints the rate with a 99 % interval (adjusted for the number of gated cells); a cell fails where all of it is above
5 %. Run as ``python benchmarks/calibration_families.py [studies] [studies of clusters]``; exits with 1 when one fails.
"""

import math
import sys

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.contrasts import compare_nights
from swa.comparison.further.clusters import permute_clusters
from swa.comparison.further.topographies import find_neighbours
from swa.settings import Settings

SUBJECTS, NIGHT_SD, SHARED = 10, 0.2, 0.6
EFFECT = math.log(1.25)
CHANNELS = [f"region-{k}" for k in range(6)]
WINDOWS = ["night", *(f"cycle-{k}" for k in range(1, 4)), *(f"hour-{k}" for k in range(1, 7))]
LEVEL = 0.05
HERTZ = np.arange(0.5, 30.25, 0.25)
ELECTRODES = [
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz"),
    *("C4", "T8", "P7", "P3", "Pz", "P4", "P8", "O1", "O2"),
]


def study(rng: np.random.Generator, changed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Long table of a study, and its markers with a true change among the first `changed` of a random order."""
    keys = pd.MultiIndex.from_product([CHANNELS, WINDOWS], names=["channel", "window"]).to_frame(index=False)
    keys["true"] = np.isin(np.arange(len(keys)), rng.permutation(len(keys))[:changed])
    parts = []
    for subject in range(SUBJECTS):
        level = rng.normal(5, 0.4, len(keys))
        for condition in ("baseline", "ketamine"):
            night = math.sqrt(SHARED) * rng.normal() + math.sqrt(1 - SHARED) * rng.normal(size=len(keys))
            value = level + NIGHT_SD * night + (EFFECT * keys["true"] if condition == "ketamine" else 0)
            parts.append(keys.assign(subject=f"S{subject:02d}", session=condition, condition=condition, value=value))
    table = pd.concat(parts, ignore_index=True).assign(stages="NREM", measure="swa", variant="", unit="µV²", n=1)
    return table.assign(value=np.exp(table["value"]), note="").drop(columns="true"), keys


def false_share(rng: np.random.Generator, changed: int) -> tuple[float, int, int]:
    """False-discovery proportion of a study, its findings, and how many of them are true."""
    table, keys = study(rng, changed)
    rows = compare_nights(table, "baseline", settings=Settings())
    rows = rows[rows["subject"] == "group"].merge(keys, on=["channel", "window"])
    found = rows["p_adjusted"] <= LEVEL
    return (
        float((found & ~rows["true"]).sum() / max(found.sum(), 1)),
        int(found.sum()),
        int((found & rows["true"]).sum()),
    )


def spectra(rng: np.random.Generator, subjects: int, points: int = len(HERTZ)) -> np.ndarray:
    smooth = np.cumsum(rng.standard_normal((subjects, points)), axis=1) * 0.03
    return smooth + 0.2 * rng.standard_normal((subjects, 1)) + 0.1 * rng.standard_normal((subjects, points))


def maps(rng: np.random.Generator, subjects: int, near: np.ndarray) -> np.ndarray:
    smooth = near / 4 + np.eye(len(near))
    noise = rng.standard_normal((subjects, len(near)))
    return 0.2 * rng.standard_normal((subjects, 1)) + 0.1 * noise @ smooth


def cluster_rates(rng: np.random.Generator, studies: int) -> dict[str, int]:
    """False positives among null studies."""
    options = Settings().comparison.model_copy(update={"cluster_flips": 1000})
    adjacency = find_neighbours(ELECTRODES)
    near = np.asarray(adjacency.todense(), float)
    made = {
        "119 frequencies, sign flips, n = 8": (lambda: spectra(rng, 8), None, None),
        "119 frequencies, sign flips, n = 12": (lambda: spectra(rng, 12), None, None),
        "119 frequencies, permuted labels, 8 and 8": (lambda: spectra(rng, 8), lambda: spectra(rng, 8), None),
        "6 hours, sign flips, n = 8": (lambda: spectra(rng, 8, 6), None, None),
        "19 electrodes, sign flips, n = 8": (lambda: maps(rng, 8, near), None, adjacency),
        "19 electrodes, permuted labels, 8 and 8": (lambda: maps(rng, 8, near), lambda: maps(rng, 8, near), adjacency),
    }
    found = {}
    for name, (values, others, neighbours) in made.items():
        hits = 0
        for _ in range(studies):
            test = permute_clusters(values(), options, others() if others else None, neighbours)
            hits += any(p <= LEVEL for *_, p in test.clusters)
        found[name] = hits
    return found


def main(studies: int = 2000, of_clusters: int = 1000, seed: int = 3) -> int:
    rng = np.random.default_rng(seed)
    failed, level = 0, 1 - 0.01 / 9
    wide = stats.norm.ppf((1 + level) / 2)
    for changed in (0, 6, 30):
        found = [false_share(rng, changed) for _ in range(studies)]
        share = np.array([one[0] for one in found])
        mean, error = share.mean(), wide * share.std(ddof=1) / math.sqrt(studies)
        failed += mean - error > LEVEL
        told = (
            f"{sum(one[2] for one in found) / studies / changed:.0%} of the true ones found" if changed else "all null"
        )
        name = f"family of 60 markers, {changed} of them changed ({told}): false discoveries"
        print(line(name, mean, max(mean - error, 0), mean + error, LEVEL), flush=True)
    for name, hits in cluster_rates(rng, of_clusters).items():
        interval = stats.binomtest(hits, of_clusters).proportion_ci(level)
        failed += interval.low > LEVEL
        print(line(f"clusters of {name}: family-wise", hits / of_clusters, *interval, LEVEL), flush=True)
    print(f"{failed} of 9 gated cells fail")
    return int(failed > 0)


def line(name: str, rate: float, low: float, high: float, most: float) -> str:
    verdict = "FAILS" if low > most else "passes"
    return f"{name:88} {rate:6.1%} [{low:.1%}, {high:.1%}] at most {most:.0%}  {verdict}"


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
