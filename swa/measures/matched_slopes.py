"""Slope at equal amplitude: how steep waves are, apart from how large they are.

At equal amplitude the rising slope is one over the trough-to-crossing time. Two estimators: (a) a robust line of
ln slope on ln amplitude, read off at a reference amplitude; (b) the mean over the waves around the reference, resampled
until the amplitude histograms of all nights match. Neither is proof against a change of gain: a gain g leaves a factor
g^(1 - b) in both, b being the exponent of slope on amplitude. Nor is either proof against larger waves where durations
scatter widely: the filter takes more off long waves, so that amplitude and slope share an error even without noise
(`benchmarks/matched_slope.py`). Of a change of duration both show a half to two thirds: the detector finds waves of
its own band at any speed (`benchmarks/stretched_waves.py`).

Waves of N2 and N3 have lines of their own, up to a quarter apart at equal amplitude. Each stage's line is read off for
itself, and averaged with the weights of the baseline, so that another mix of the stages is no other slope.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST_WAVES = 30
REFERENCE_PERCENTILE = 0.75
HUBER = 1.345  # residuals beyond this multiple of their scale count less (95 % efficient at normal residuals)
BIN_LN = 0.1  # bins of 10 % amplitude
SMALLEST_WEIGHT = 0.1  # of a stage at baseline: below, its few waves would cost the value of the others
AROUND = 1.5  # waves resampled: from the reference divided to the reference multiplied by this


@dataclass(frozen=True, kw_only=True)
class SlopeLine:
    """Estimator (a): slope = `at_reference` * (amplitude / reference)^`exponent`.

    Attributes
    ----------
    at_reference : float
        Slope at the reference amplitude, µV/s; NaN with fewer than `FEWEST_WAVES` waves.
    exponent : float
        Of slope on amplitude. Noise, which slope and amplitude share, and the filter, which takes more off long waves,
        both steepen it.
    n : int
        Waves that the line rests on.
    """

    at_reference: float
    exponent: float
    n: int


@dataclass(frozen=True, kw_only=True)
class ResampledSlope:
    """Estimator (b) for one of several nights.

    Attributes
    ----------
    slope : float
        Geometric mean slope of the night's waves, weighted to the amplitude histogram that all nights share, µV/s; NaN
        where there is none.
    n : int
        Waves around the reference, rounded, that the shared histogram leaves.
    overlap : float
        Share of each night's waves around the reference that the shared histogram leaves: 1 for equal histograms.
    """

    slope: float
    n: int
    overlap: float


def fit_slope_line(
    amplitude_uv: NDArray[np.floating], slope_uv_s: NDArray[np.floating], reference_uv: float
) -> SlopeLine:
    """Robust line (Huber 1964) of ln slope on ln amplitude, read off at a reference amplitude.

    Parameters
    ----------
    amplitude_uv, slope_uv_s : ndarray, shape (n_waves,)
        Of waves above the amplitude limit; all positive.
    reference_uv : float
        `reference_amplitude` of the subject's baseline nights.
    """
    n = len(amplitude_uv)
    if n < FEWEST_WAVES or not np.isfinite(reference_uv):
        return SlopeLine(at_reference=float("nan"), exponent=float("nan"), n=n)
    x = np.log(np.asarray(amplitude_uv, dtype=float) / reference_uv)
    y = np.log(np.asarray(slope_uv_s, dtype=float))
    level, exponent = _line(x, y, np.ones(n))
    residuals = y - level - exponent * x
    scale = 1.4826 * float(np.median(np.abs(residuals - np.median(residuals))))
    for _ in range(50):
        if scale <= 1e-12:  # all waves on one line
            break
        weights = np.minimum(1, HUBER * scale / np.maximum(np.abs(y - level - exponent * x), 1e-300))
        before = level, exponent
        level, exponent = _line(x, y, weights)
        if abs(level - before[0]) + abs(exponent - before[1]) < 1e-10:
            break
    return SlopeLine(at_reference=float(np.exp(level)), exponent=float(exponent), n=n)


def stage_weights(nights: Sequence[Mapping[str, int]]) -> dict[str, float]:
    """Share of each stage in the waves of the baseline nights, each night weighted equally.

    Parameters
    ----------
    nights : sequence of mapping
        Waves by stage of each night; nights without waves take no part.

    Returns
    -------
    dict of str to float
        Of stages that have at least `SMALLEST_WEIGHT`; they sum to 1. Empty without waves.
    """
    shares = [{stage: n / sum(night.values()) for stage, n in night.items()} for night in nights if any(night.values())]
    stages = dict.fromkeys(stage for night in shares for stage in night)
    weights = {stage: sum(night.get(stage, 0.0) for night in shares) / len(shares) for stage in stages}
    kept = {stage: weight for stage, weight in weights.items() if weight >= SMALLEST_WEIGHT}
    return {stage: weight / sum(kept.values()) for stage, weight in kept.items()}


def standardise_lines(lines: Mapping[str, SlopeLine], weights: Mapping[str, float]) -> SlopeLine:
    """The lines of the stages, averaged with fixed weights: what the slope would be at the mix of the baseline.

    Parameters
    ----------
    lines : mapping of str to SlopeLine
        By stage.
    weights : mapping of str to float
        From `stage_weights`.

    Returns
    -------
    SlopeLine
        Geometric mean of the slopes at the reference, mean exponent; NaN where a stage that has weight has no line.
    """
    known = {stage: lines[stage] for stage in weights if stage in lines and np.isfinite(lines[stage].at_reference)}
    n = sum(lines[stage].n for stage in weights if stage in lines)
    if len(known) < len(weights) or not weights:
        return SlopeLine(at_reference=float("nan"), exponent=float("nan"), n=n)
    level = sum(weights[stage] * np.log(line.at_reference) for stage, line in known.items())
    exponent = sum(weights[stage] * line.exponent for stage, line in known.items())
    return SlopeLine(at_reference=float(np.exp(level)), exponent=float(exponent), n=n)


def resample_to_shared_histogram(
    amplitudes_uv: Sequence[NDArray[np.floating]],
    slopes_uv_s: Sequence[NDArray[np.floating]],
    reference_uv: float,
) -> list[ResampledSlope]:
    """Slopes of several nights over waves resampled until the nights' amplitude histograms match.

    Only waves within a factor of `AROUND` of the reference take part: just above the amplitude limit are many long
    waves that the filter has shrunk, and a night of larger waves has more of them (taken in, waves 1.3 times as large
    of the same slope-amplitude relation would read as 3 % less steep instead of 1 %). The shared histogram has in each
    bin of 10 % amplitude the smallest share that any night has there. Waves are weighted rather than drawn, which is
    what drawing them gives on average, without its scatter.

    Parameters
    ----------
    amplitudes_uv, slopes_uv_s : sequence of ndarray, one a night
        Of waves above the amplitude limit; all positive. A night with fewer than `FEWEST_WAVES` around the reference
        does not take part.
    reference_uv : float
        `reference_amplitude` of the subject's baseline nights.

    Returns
    -------
    list of ResampledSlope
        In the order of the nights. NaN for a night that does not take part, for all without a second night or a
        reference, and for all when the shared histogram leaves a night fewer than `FEWEST_WAVES` waves.
    """
    near = [
        (amplitudes >= reference_uv / AROUND) & (amplitudes <= reference_uv * AROUND) for amplitudes in amplitudes_uv
    ]
    amplitudes_uv = [amplitudes[kept] for amplitudes, kept in zip(amplitudes_uv, near, strict=True)]
    slopes_uv_s = [slopes[kept] for slopes, kept in zip(slopes_uv_s, near, strict=True)]
    counts = [len(amplitudes) for amplitudes in amplitudes_uv]
    bins = [np.floor(np.log(np.asarray(amplitudes, float)) / BIN_LN).astype(int) for amplitudes in amplitudes_uv]
    nothing = [ResampledSlope(slope=float("nan"), n=0, overlap=float("nan")) for _ in counts]
    taking_part = [night for night, n in enumerate(counts) if n >= FEWEST_WAVES]
    if len(taking_part) < 2:
        return nothing
    first = min(bins[night].min() for night in taking_part)
    width = max(bins[night].max() for night in taking_part) - first + 1
    shares = {night: np.bincount(bins[night] - first, minlength=width) / counts[night] for night in taking_part}
    shared = np.minimum.reduce(list(shares.values()))
    overlap = float(shared.sum())
    if overlap * min(counts[night] for night in taking_part) < FEWEST_WAVES:
        return [
            ResampledSlope(slope=float("nan"), n=round(overlap * n), overlap=overlap)
            if night in shares
            else nothing[night]
            for night, n in enumerate(counts)
        ]
    found = list(nothing)
    for night, share in shares.items():
        weights = (shared / np.where(share > 0, share, 1))[bins[night] - first]
        mean = np.average(np.log(np.asarray(slopes_uv_s[night], float)), weights=weights)
        found[night] = ResampledSlope(slope=float(np.exp(mean)), n=round(overlap * counts[night]), overlap=overlap)
    return found


def reference_amplitude(nights_uv: Sequence[NDArray[np.floating]]) -> float:
    """75th percentile of the amplitudes of the baseline nights, each night weighted equally; NaN without a wave."""
    return pooled_quantile(nights_uv, REFERENCE_PERCENTILE)


def pooled_quantile(nights: Sequence[NDArray[np.floating]], quantile: float) -> float:
    """Quantile over nights of equal weight, however many waves each has; NaN without a wave."""
    nights = [night for night in nights if len(night)]
    if not nights:
        return float("nan")
    values = np.concatenate(nights)
    weights = np.concatenate([np.full(len(night), 1 / len(night)) for night in nights])
    return float(np.quantile(values, quantile, weights=weights, method="inverted_cdf"))


def _line(x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, float]:
    """Level at x = 0 and slope of the weighted least-squares line; a level line where x does not vary."""
    total = weights.sum()
    mean_x, mean_y = weights @ x / total, weights @ y / total
    spread = weights @ (x - mean_x) ** 2
    slope = float(weights @ ((x - mean_x) * (y - mean_y)) / spread) if spread > 1e-12 * total else 0.0
    return float(mean_y - slope * mean_x), slope
