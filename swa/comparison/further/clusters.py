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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.compared_nights import COPIED, FEWEST_OF_A_SEQUENCE, usable_nights
from swa.comparison.contrasts import contrast_designs
from swa.comparison.designs import ContrastDesign
from swa.comparison.further.topographies import FEWEST_ELECTRODES, electrode_values, find_neighbours, place_electrodes
from swa.comparison.primary import declared_primary
from swa.comparison.within_subject import Floats
from swa.recordings.channels import region
from swa.settings import ComparisonSettings, Settings
from swa.study.store import NIGHT_TABLES, NightFolder, read_results
from swa.tables.marker import DEFAULT_MARKER
from swa.tables.reason import in_words

CLUSTER_COLUMNS = [
    *("contrast", "domain", "channel", "stages", "window", "from", "to", "t_sum", "p", "n", "n_flips", "smallest_p"),
    *("method", "note"),
]
SPECTRUM_HZ = (0.5, 30.0)
FEWEST = 3
FEWEST_HOURS = 3  # of fewer, each hour can be read alone
SIGN_FLIPS, SEQUENCES, LABELS = "sign flips", "permuted sequences", "permuted labels"


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
    marker = declared_primary(nights, options) or DEFAULT_MARKER
    measure, stages, window, channel = marker.measure, marker.stages, marker.window, marker.channel
    if nights["subject"].nunique() > options.most_flip_subjects:
        note = f"not computed: more than {options.most_flip_subjects} subjects"
        rows = [_empty(design.contrast, "frequency", (channel, stages, window), 0, note) for design in designs]
        return pd.DataFrame(rows, columns=CLUSTER_COLUMNS)
    swa = found.measure("swa")
    channel = _channel(channel, [str(name) for name in swa["channel"].unique()])
    spectra = _spectra(results, nights, channel, stages, window)
    hours = _hours(swa, nights, channel, stages)
    heads = swa if measure == "swa" else found.measure(measure)
    heads = _by_condition(electrode_values(heads, nights, stages, window))
    rows = []
    for design in designs:
        rows += _rows(design, "frequency", spectra, (channel, stages, window), options)
        rows += _rows(design, "hours", hours, (channel, stages, "night"), options)
        rows += _rows(design, "topography", heads, ("", stages, window), options)
    return pd.DataFrame(rows, columns=CLUSTER_COLUMNS)


def permute_clusters(
    values: Floats, settings: ComparisonSettings, others: Floats | None = None, adjacency: Any = None
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
    return np.divide(values.mean(axis=0), error, out=np.zeros(values.shape[1]), where=error > 1e-12)


def two_sample_t(values: Floats, others: Floats) -> Floats:
    """Student's t of the difference of means of each column."""
    n, m = len(values), len(others)
    pooled = ((n - 1) * values.var(axis=0, ddof=1) + (m - 1) * others.var(axis=0, ddof=1)) / (n + m - 2)
    error = np.sqrt(pooled * (1 / n + 1 / m))
    difference = values.mean(axis=0) - others.mean(axis=0)
    return np.divide(difference, error, out=np.zeros(values.shape[1]), where=error > 1e-12)


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


def _channel(wanted: str, there: Sequence[str]) -> str:
    """The primary's channel, else as the page chooses: frontal, central, or the first."""
    spelled = next((name for name in there if name.casefold() == wanted.casefold()), None)
    return spelled or next((name for name in ("frontal", "central") if name in there), there[0] if there else wanted)


def _spectra(results: Path, nights: pd.DataFrame, channel: str, stages: str, window: str) -> pd.DataFrame:
    """Ln density, (subject, condition) x Hz: the mean over a region's channels and over the nights of a condition."""
    rows = {}
    for night in nights.to_dict("records"):
        path = NightFolder(results, night["subject_label"], night["session_label"]).file(NIGHT_TABLES["spectra"])
        if not path.is_file():
            continue
        table = pd.read_parquet(path, filters=[("stages", "==", stages), ("window", "==", window)])
        table = table[table["frequency_hz"].between(*SPECTRUM_HZ) & (table["density_uv2_hz"] > 0)]
        names = table["channel"].astype(str)
        table = table[(names == channel) | (names.map(region) == channel)]
        if len(table):
            logs = pd.Series(np.log(table["density_uv2_hz"].to_numpy(float)), index=table.index)
            key = (night["subject"], night["condition"], night["session"])
            rows[key] = logs.groupby(table["frequency_hz"].round(4)).mean()
    return _by_condition(pd.DataFrame.from_dict(rows, orient="index"))


def _hours(swa: pd.DataFrame, nights: pd.DataFrame, channel: str, stages: str) -> pd.DataFrame:
    """Ln SWA, (subject, condition) x hour since sleep onset."""
    windows = swa["window"].astype(str)
    own = (swa["channel"] == channel) & (swa["stages"] == stages) & windows.str.fullmatch(r"hour-\d+")
    own &= (swa["variant"].astype(str) == "") & (swa["value"] > 0)
    table = swa.loc[own, ["subject", "session", "value"]].astype({"subject": str, "session": str})
    table["hour"] = windows[own].str.removeprefix("hour-").astype(int)
    table["value"] = np.log(table["value"].to_numpy(float))
    table = table.merge(nights[["subject", "session", "condition"]], on=["subject", "session"])
    return _by_condition(table.pivot(index=["subject", "condition", "session"], columns="hour", values="value"))


def _by_condition(logs: pd.DataFrame) -> pd.DataFrame:
    if logs.empty:
        return logs
    index = pd.MultiIndex.from_tuples(logs.index, names=["subject", "condition", "session"])
    logs = logs.set_axis(index, axis=0)[sorted(logs.columns)]
    return logs.groupby(level=["subject", "condition"]).mean()


def _rows(
    design: ContrastDesign,
    domain: str,
    logs: pd.DataFrame,
    place: tuple[str, str, str],
    settings: ComparisonSettings,
) -> Iterator[list[object]]:
    change = _changes(logs, design)
    note = in_words(design.limits)
    if domain == "hours" and len(change):
        change, left_out = _complete_hours(change)
        note = "; ".join(text for text in (note, left_out) if text)
    change = change.dropna(axis=1)
    adjacency = None
    if domain == "topography":
        if change.shape[1] < FEWEST_ELECTRODES:
            return  # no map to test: a laboratory with six channels need not be told
        names = [str(name) for name in change.columns]
        adjacency = find_neighbours(list(place_electrodes(names).values()))
        place = (f"{len(names)} channels", *place[1:])
    values, others, method = _sides(change, design)
    n = len(values) + (0 if others is None else len(others))
    few = len(values) < FEWEST or (others is not None and min(len(values), len(others)) < FEWEST_OF_A_SEQUENCE)
    if few or not change.shape[1] or not design.tested:
        why = f"fewer than {FEWEST} subjects" if few else "the design has no test within subjects"
        why = why if change.shape[1] else "nothing that all subjects have"
        yield _empty(design.contrast, domain, place, n, "; ".join(text for text in (f"no test: {why}", note) if text))
        return
    found = permute_clusters(values, settings, others, adjacency)
    level = 1 - settings.confidence
    if found.smallest_p > level:
        note = "; ".join(
            text for text in (f"no p below {found.smallest_p:.3g} can come out with {n} subjects", note) if text
        )
    for (first, last, t_sum, p), members in zip(found.clusters, found.members, strict=True):
        if adjacency is None:
            where, ends = place, [float(change.columns[first]), float(change.columns[last])]
        else:
            where, ends = (", ".join(names[i] for i in members), *place[1:]), [np.nan, np.nan]
        yield [
            *(design.contrast, domain, *where, *ends, round(t_sum, 3), round(p, 6), n, found.n_flips),
            *(round(found.smallest_p, 6), method, note),
        ]
    if not found.clusters:
        row = _empty(design.contrast, domain, place, n, "; ".join(text for text in ("no cluster", note) if text))
        yield [*row[:-4], found.n_flips, round(found.smallest_p, 6), method, row[-1]]


def _empty(contrast: str, domain: str, place: tuple[str, str, str], n: int, note: str) -> list[object]:
    return [contrast, domain, *place, *[np.nan] * 4, n, 0, np.nan, "", note]


def _changes(logs: pd.DataFrame, design: ContrastDesign) -> pd.DataFrame:
    """Ln ratio of each subject with both conditions; of arms, of each subject by the condition of its own arm."""
    if logs.empty:
        return pd.DataFrame()
    condition = logs.index.get_level_values("condition")
    before = logs[condition == design.baseline].droplevel("condition")
    parts = []
    for treatment in dict.fromkeys((design.treatment, design.other or design.treatment)):
        after = logs[condition == treatment].droplevel("condition")
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


def _sides(change: pd.DataFrame, design: ContrastDesign) -> tuple[Floats, Floats | None, str]:
    """What is permuted: changes themselves, differences between periods by sequence, or changes by arm or group."""
    values = change.to_numpy(float)
    names = [str(subject) for subject in change.index]
    if design.members:
        first, second = (np.array([design.members.get(name) == side for name in names], bool) for side in design.sides)
        return values[first], values[second], LABELS
    order = np.array([design.sequence.get(name, 0) for name in names])
    if design.permutation == SEQUENCES and min((order == 1).sum(), (order == -1).sum()) >= FEWEST_OF_A_SEQUENCE:
        return values[order == 1], -values[order == -1], SEQUENCES  # second period less the first
    return values, None, SIGN_FLIPS
