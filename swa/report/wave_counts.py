"""Numbers behind the pictures of waves: how many of each size, and how steep, by condition."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from swa.measures.matched_slopes import fit_slope_line
from swa.study.store import NIGHT_TABLES, StoredNight
from swa.tables.marker import Marker

STEP_UV = 5.0
COUNT_COLUMNS = ["condition", "amplitude_uv", "waves_per_min", "n_waves", "minutes"]
BIN_COLUMNS = ["condition", "amplitude_uv", "slope_q1_uv_s", "slope_median_uv_s", "slope_q3_uv_s", "n_waves"]
LINE_COLUMNS = ["condition", "slope_at_reference_uv_s", "exponent", "lowest_uv", "highest_uv", "n_waves"]
BINS = 10
FEWEST_IN_BIN = 8


@dataclass(frozen=True, kw_only=True)
class WaveTables:
    """Waves of one channel in N2+N3 of whole nights, by condition.

    Attributes
    ----------
    counts : DataFrame
        Half-waves a minute that are at least as large as an amplitude.
    bins, lines : DataFrame
        Slope in ten classes of amplitude of equal counts, and the fitted line.
    reference_uv, large_uv : float
        Amplitude of the matched slope, and limit of large waves fixed on the baseline nights; NaN where there is none.
    """

    counts: pd.DataFrame
    bins: pd.DataFrame
    lines: pd.DataFrame
    reference_uv: float
    large_uv: float


def tabulate_waves(
    nights: Sequence[StoredNight], conditions: Iterable[str], channel: str, limit_uv: float, measures: pd.DataFrame
) -> WaveTables:
    """Collect the waves of a subject.

    Parameters
    ----------
    nights : sequence of StoredNight
        The subject's nights.
    conditions : iterable of str
        In the order of the page; nights of a condition weigh the same in the counts.
    channel : str
        Which channel.
    limit_uv : float
        Smallest negative amplitude of the waves whose slope is shown.
    measures : DataFrame
        The subject's rows of the long table, for the amplitudes that its baseline nights set.
    """
    reference = _set_by_baseline(measures, "wave_reference_amplitude", channel)
    counts, bins, lines = [], [], []
    for condition in conditions:
        own = [
            (_read_waves(night, channel), _minutes(night, channel)) for night in nights if night.condition == condition
        ]
        counts += _counts(condition, own)
        waves = pd.concat([table for table, _ in own], ignore_index=True)
        waves = waves[waves["negative_amplitude_uv"] >= limit_uv]
        amplitude = waves["negative_amplitude_uv"].to_numpy(float)
        slope = waves["slope_up_uv_s"].to_numpy(float)
        bins += _bins(condition, amplitude, slope)
        line = fit_slope_line(amplitude, slope, reference)
        if np.isfinite(line.at_reference):
            ends = np.quantile(amplitude, [0.01, 0.99])
            lines.append((condition, line.at_reference, line.exponent, *ends, line.n))
    return WaveTables(
        counts=pd.DataFrame(counts, columns=COUNT_COLUMNS),
        bins=pd.DataFrame(bins, columns=BIN_COLUMNS),
        lines=pd.DataFrame(lines, columns=LINE_COLUMNS),
        reference_uv=reference,
        large_uv=_set_by_baseline(measures, "wave_fixed_limit", channel),
    )


def _read_waves(night: StoredNight, channel: str) -> pd.DataFrame:
    path = night.folder.file(NIGHT_TABLES["waves"])
    columns = ["channel", "stage", "negative_amplitude_uv", "slope_up_uv_s"]
    waves = pd.read_parquet(path, columns=columns)
    return waves[(waves["channel"] == channel) & waves["stage"].isin(["N2", "N3"])]


def _minutes(night: StoredNight, channel: str) -> float:
    table = pd.DataFrame(night.document.get("analysed_minutes", {}), columns=["channel", "stage", "minutes"])
    return float(table.loc[(table["channel"] == channel) & table["stage"].isin(["N2", "N3"]), "minutes"].sum())


def _counts(condition: str, nights: Sequence[tuple[pd.DataFrame, float]]) -> list[tuple[object, ...]]:
    """Mean over nights of the waves a minute at or above each amplitude."""
    known = [(waves["negative_amplitude_uv"].to_numpy(float), minutes) for waves, minutes in nights if minutes > 0]
    if not known or not any(len(amplitude) for amplitude, _ in known):
        return []
    top = max(float(amplitude.max()) for amplitude, _ in known if len(amplitude))
    edges = np.arange(0.0, top + STEP_UV, STEP_UV)
    above = [len(amplitude) - np.searchsorted(np.sort(amplitude), edges) for amplitude, _ in known]
    rate = np.mean([count / minutes for count, (_, minutes) in zip(above, known, strict=True)], axis=0)
    total, minutes = np.sum(above, axis=0), sum(minutes for _, minutes in known)
    return [(condition, edge, rate[i], int(total[i]), minutes) for i, edge in enumerate(edges)]


def _bins(condition: str, amplitude: np.ndarray, slope: np.ndarray) -> list[tuple[object, ...]]:
    if len(amplitude) < BINS * FEWEST_IN_BIN:
        return []
    order = np.argsort(amplitude, kind="stable")
    return [
        (condition, float(np.median(amplitude[part])), *np.quantile(slope[part], [0.25, 0.5, 0.75]), len(part))
        for part in np.array_split(order, BINS)
    ]


def _set_by_baseline(measures: pd.DataFrame, measure: str, channel: str) -> float:
    """An amplitude that is the same in all nights; NaN where there is none."""
    values = Marker(measure, "NREM", "night", channel).select(measures)["value"]
    return float(values.iloc[0]) if len(values) else float("nan")
