"""Where spectra, hours of the night and electrodes differ between conditions: cluster permutation tests over subjects.

A spectrum has a hundred frequencies that hang together. Neighbours beyond a threshold of t form a cluster, its sum of t
is held against the largest one under permutation (Maris & Oostenveld 2007, J Neurosci Methods 164:177; mne.stats), and
so the chance of any false cluster in a spectrum is the stated one. What is permuted follows the design: the signs of
the subjects' changes; of a crossover the sequence labels of the differences between periods; of arms and groups the
labels of the changes. A cluster says that the conditions differ somewhere there, not where its edges are
(Sassenhagen & Draschkow 2019, Psychophysiology 56:e13335).
"""

import inspect
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse, stats

from swa.comparison.arrays import Floats
from swa.comparison.compared_nights import COPIED, FEWEST_OF_A_SEQUENCE, usable_nights
from swa.comparison.contrasts import contrast_designs
from swa.comparison.designs import ContrastDesign
from swa.comparison.designs.base import Permutation
from swa.comparison.further.group_spectra import mean_over_nights, of_condition, read_spectra
from swa.comparison.further.topographies import FEWEST_ELECTRODES, electrode_values, find_neighbours, place_electrodes
from swa.comparison.headline import leading_marker
from swa.settings import ComparisonSettings, Settings
from swa.study.store import read_results
from swa.tables.marker import Marker, Window, select, windows_of_kind
from swa.tables.reason import in_words
from swa.tables.results_tables import CLUSTERS

FEWEST = 3
NOTHING = {"n": 0, "n_flips": 0, "method": "", "note": ""}  # of a row without a test
FEWEST_HOURS = 3  # of fewer, each hour can be read alone


@dataclass(frozen=True, kw_only=True)
class ClusterTest:
    """Clusters of one family of neighbouring points.

    Attributes
    ----------
    clusters : tuple of (int, int, float, float)
        First and last point, sum of t, p; strongest first.
    members : tuple of (tuple of int)
        All points of each cluster: of electrodes, those between first and last are no part of it.
    n_flips : int
        Permutations that p rests on, the data among them.
    smallest_p : float
        The smallest two-sided p that could have come out.
    """

    clusters: tuple[tuple[int, int, float, float], ...]
    members: tuple[tuple[int, ...], ...] = ()
    n_flips: int
    smallest_p: float


def find_clusters(results: Path, baseline: str | None = None, *, settings: Settings | None = None) -> pd.DataFrame:
    """Test each contrast for clusters of frequencies (0.5-30 Hz), of hours since sleep onset, and of electrodes.

    Parameters
    ----------
    results : Path
        The results folder with its stored spectra.
    baseline : str, optional
        As for `compare_nights`.
    settings : Settings, optional
        The declared primary, whose stages, window and channel the spectra are of; flips, seed and forming p.

    Returns
    -------
    DataFrame
        The columns of ``clusters.tsv``: a row for each cluster, `from` and `to` in `domain` (``frequency``: Hz;
        ``hours``: of SWA, each counted from sleep onset). ``topography`` is there where all nights share at least 16
        EEG channels with a place on the head: of the primary's measure, the channels of the cluster in `channel`,
        without `from` and `to`. A test without a cluster, or that could not be made, has one
        row without `p` that says so in `note`.
    """
    settings = settings or Settings()
    found = read_results(results)
    options = settings.comparison
    designs = contrast_designs(found, baseline, settings=settings)
    nights = usable_nights(found.nights)
    nights = nights[~nights[COPIED]]
    marker = leading_marker(found, nights, options)
    place = {"channel": marker.channel, "stages": marker.stages, "window": marker.window}
    rows: list[dict[str, object]] = []
    if nights["subject"].nunique() > options.most_flip_subjects:
        note = f"not computed: more than {options.most_flip_subjects} subjects"
        about = {"domain": "frequency", **place, **NOTHING, "note": note}
        rows = [{"contrast": design.contrast, **about} for design in designs]
    else:
        heads = found.measure(marker.measure)
        values = {
            "frequency": (read_spectra(results, nights, heads, marker), place),
            "hours": (_hours(found.measure("swa"), nights, marker), place | {"window": "night"}),
            "topography": (mean_over_nights(electrode_values(heads, nights, marker)), place),
        }
        for design in designs:
            for domain, (logs, where) in values.items():
                about = {"contrast": design.contrast, "domain": domain, **where, **NOTHING}
                rows += [about | row for row in _rows(design, domain, logs, options)]
    return CLUSTERS.frame(rows)


def permute_clusters(
    values: Floats,
    settings: ComparisonSettings,
    others: Floats | None = None,
    adjacency: sparse.csr_array | None = None,
) -> ClusterTest:
    """Cluster permutation test over neighbouring points, two-sided.

    Parameters
    ----------
    values : ndarray, shape (subjects, points)
        Changes, without NaN.
    settings : ComparisonSettings
        `cluster_forming_p`, `cluster_flips` and `flip_seed`.
    others : ndarray, shape (subjects, points), optional
        Changes of other subjects: then `values` less `others` is tested, by permuted labels, else by sign flips, all
        2^(n-1) pairs of them where they are no more than `cluster_flips`.
    adjacency : sparse matrix, shape (points, points), optional
        Which points are neighbours; by default each is one of the next.
    """
    import mne.stats

    n = len(values) + (0 if others is None else len(others))
    t = one_sample_t(values) if others is None else two_sample_t(values, others)
    threshold = float(stats.t.ppf(1 - settings.cluster_forming_p / 2, n - (1 if others is None else 2)))
    possible = 2.0 ** (n - 1) if others is None else _divisions(len(values), len(others))
    flips = int(min(possible, settings.cluster_flips)) if others is None else settings.cluster_flips
    smallest = max(1 / possible, 1 / flips)
    if not (np.abs(t) > threshold).any():
        return ClusterTest(clusters=(), n_flips=flips, smallest_p=smallest)
    options = {
        "threshold": threshold,
        "n_permutations": flips,
        "out_type": "mask",
        "adjacency": adjacency,
        "verbose": "error",
        _seed_name(): settings.flip_seed,
    }
    if others is None:
        found = mne.stats.permutation_cluster_1samp_test(values, tail=0, stat_fun=one_sample_t, **options)
    else:
        # Of |t|, one-sided: two-sided, MNE 1.13 takes the largest signed sum of each permutation, not the largest in
        # size, and finds 13 % of null studies. Neighbours of opposite sign would join, which takes a jump of 4 in t.
        found = mne.stats.permutation_cluster_test([values, others], tail=1, stat_fun=_size_of_t, **options)
    clusters, members = [], []
    for points, p in zip(found[1], found[2], strict=True):
        place = np.arange(len(t))[points[0] if adjacency is None else points]
        clusters.append((int(place[0]), int(place[-1]), float(t[place].sum()), float(p)))
        members.append(tuple(place.tolist()))
    order = sorted(range(len(clusters)), key=lambda i: (clusters[i][3], -abs(clusters[i][2])))
    return ClusterTest(
        clusters=tuple(clusters[i] for i in order),
        members=tuple(members[i] for i in order),
        n_flips=flips,
        smallest_p=smallest,
    )


def one_sample_t(values: Floats) -> Floats:
    """T of the mean of each column; 0 where nothing varies, which proves nothing."""
    error = values.std(axis=0, ddof=1) / math.sqrt(len(values))
    return _divided(values.mean(axis=0), error)


def two_sample_t(values: Floats, others: Floats) -> Floats:
    """Student's t of the difference of means of each column."""
    n, m = len(values), len(others)
    pooled = ((n - 1) * values.var(axis=0, ddof=1) + (m - 1) * others.var(axis=0, ddof=1)) / (n + m - 2)
    error = np.sqrt(pooled * (1 / n + 1 / m))
    return _divided(values.mean(axis=0) - others.mean(axis=0), error)


def _divided(difference: Floats, error: Floats) -> Floats:
    t: Floats = np.divide(difference, error, out=np.zeros(len(error)), where=error > 1e-12)
    return t


def _size_of_t(values: Floats, others: Floats) -> Floats:
    return np.abs(two_sample_t(values, others))


def _seed_name() -> str:
    """MNE 1.13 calls the seed `rng`."""
    import mne.stats

    names = inspect.signature(mne.stats.permutation_cluster_1samp_test).parameters
    return "rng" if "rng" in names else "seed"


def _divisions(n: int, m: int) -> float:
    """Ways to divide subjects that differ in |t|: with sides of one size, each has a mirror image."""
    return math.comb(n + m, n) / (2 if n == m else 1)


def _hours(swa: pd.DataFrame, nights: pd.DataFrame, marker: Marker) -> pd.DataFrame:
    """Ln SWA, (subject, condition) x hour since sleep onset."""
    rows = select(swa, channel=marker.channel, stages=marker.stages, variant=marker.variant)
    rows = rows[windows_of_kind(rows["window"], "hour") & (rows["value"] > 0)]
    table = rows[["subject", "session"]].astype(str)
    table["hour"] = rows["window"].astype(str).map(lambda name: Window(name).number)
    table["value"] = np.log(rows["value"].to_numpy(float))
    table = table.merge(nights[["subject", "session", "condition"]], on=["subject", "session"])
    return mean_over_nights(table.pivot(index=["subject", "condition", "session"], columns="hour", values="value"))


def _rows(
    design: ContrastDesign, domain: str, logs: pd.DataFrame, settings: ComparisonSettings
) -> Iterator[dict[str, object]]:
    """What is said of one domain in one contrast, from `channel` on where it is not that of the marker."""
    change, notes = _changes(logs, design), [in_words(design.limits)]
    if domain == "hours" and len(change):
        change, left_out = _complete_hours(change)
        notes.append(left_out)
    change = change.dropna(axis=1)
    names, adjacency = [str(name) for name in change.columns], None
    row: dict[str, object] = {}
    if domain == "topography":
        if len(names) < FEWEST_ELECTRODES:
            return  # no map to test: a laboratory with six channels need not be told
        adjacency = find_neighbours(list(place_electrodes(names).values()))
        row["channel"] = f"{len(names)} channels"
    values, others, method = _sides(change, design)
    n = len(values) + (0 if others is None else len(others))
    row["n"] = n
    few = len(values) < FEWEST or (others is not None and min(len(values), len(others)) < FEWEST_OF_A_SEQUENCE)
    if few or not names or not design.tested:
        why = f"fewer than {FEWEST} subjects" if few else "the design has no test within subjects"
        yield row | {"note": _joined(f"no test: {why if names else 'nothing that all subjects have'}", *notes)}
        return
    found = permute_clusters(values, settings, others, adjacency)
    if found.smallest_p > 1 - settings.confidence:
        notes.insert(0, f"no p below {found.smallest_p:.3g} can come out with {n} subjects")
    row |= {"n_flips": found.n_flips, "smallest_p": round(found.smallest_p, 6), "method": method}
    if not found.clusters:
        yield row | {"note": _joined("no cluster", *notes)}
    for (first, last, t_sum, p), members in zip(found.clusters, found.members, strict=True):
        where: dict[str, object] = {"channel": ", ".join(names[i] for i in members)}
        if adjacency is None:
            where = {"from": float(change.columns[first]), "to": float(change.columns[last])}
        yield row | where | {"t_sum": round(t_sum, 3), "p": round(p, 6), "note": _joined(*notes)}


def _joined(*texts: str) -> str:
    return "; ".join(text for text in texts if text)


def _changes(logs: pd.DataFrame, design: ContrastDesign) -> pd.DataFrame:
    """Ln ratio of each subject with both conditions; of arms, of each subject by the condition of its own arm."""
    if logs.empty:
        return pd.DataFrame()
    before = of_condition(logs, design.baseline)
    parts = []
    for treatment in dict.fromkeys((design.treatment, design.other or design.treatment)):
        after = of_condition(logs, treatment)
        both = after.index.intersection(before.index)
        if design.other and design.other != design.treatment:
            side = design.sides[treatment == design.other]
            both = both[[design.members.get(str(subject)) == side for subject in both]]
        parts.append(after.loc[both] - before.loc[both])
    return pd.concat(parts)


def _complete_hours(change: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Hours from the first one on that every subject has, without the subjects who lack one of the first three."""
    hours = [hour for hour in range(1, int(max(change.columns)) + 1) if hour in change]
    first = [hour for hour in range(1, FEWEST_HOURS + 1) if hour in change]
    if len(first) < FEWEST_HOURS:
        return change.iloc[:, :0], "fewer than three hours"
    whole = change[change[first].notna().all(axis=1)]
    left_out = len(change) - len(whole)
    kept: list[int] = []
    for hour in hours:
        if hour != len(kept) + 1 or whole[hour].isna().any():
            break
        kept.append(hour)
    return whole[kept], f"{left_out} without SWA in the first three hours left out" if left_out else ""


def _sides(change: pd.DataFrame, design: ContrastDesign) -> tuple[Floats, Floats | None, Permutation]:
    """What is permuted: changes themselves, differences between periods by sequence, or changes by arm or group."""
    values = change.to_numpy(float)
    names = [str(subject) for subject in change.index]
    if design.members:
        first, second = (np.array([design.members.get(name) == side for name in names], bool) for side in design.sides)
        return values[first], values[second], design.permutation
    order = np.array([design.sequence.get(name, 0) for name in names])
    permutation = design.permutation
    if permutation == "permuted sequences" and min((order == 1).sum(), (order == -1).sum()) >= FEWEST_OF_A_SEQUENCE:
        return values[order == 1], -values[order == -1], permutation  # second period less the first
    return values, None, "sign flips"
