"""Slow waves: filter → find half-waves → measure → select. Measuring never judges; judging is one expression."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.settings import WaveCriteria

YASA_TRANSITION_HZ = 0.2
AVERAGE_S = (-1.0, 1.5)
STRETCH = 2**17  # samples that are gone through at once: what a core's own cache holds
SUMMARIES = (
    ("wave_negative_amplitude", "negative_amplitude_uv", "µV"),
    ("wave_peak_to_peak", "peak_to_peak_uv", "µV"),
    ("wave_duration", "duration_s", "s"),
    ("wave_slope_down", "slope_down_uv_s", "µV/s"),
    ("wave_slope_up", "slope_up_uv_s", "µV/s"),
    ("wave_max_slope_down", "max_slope_down_uv_s", "µV/s"),
    ("wave_max_slope_up", "max_slope_up_uv_s", "µV/s"),
)


@dataclass(frozen=True, kw_only=True)
class SlowWaves:
    """Half-waves of a night and the criteria that make them slow waves.

    Attributes
    ----------
    table : DataFrame
        One row per half-wave in usable time, any stage (`WAVES`): times in s from the first sample; amplitudes
        as magnitudes in µV; slopes in µV/s; `negative_peaks` 1 for a simple wave; `nrem_min` minutes of NREM (N2+N3)
        since sleep onset; `dose_h` hours since the dose (NaN where unknown).
    criteria : WaveCriteria
        The detector.
    analysed_min : DataFrame
        `channel`, `stage`, `minutes` of usable time, so that "none there" and "not measured" differ.
    average : DataFrame
        Mean band-passed trace around the negative peak of the slow waves of N2 and N3: `channel`, `time_s`, `mean_uv`,
        `sd_uv`, `n_waves`.
    """

    table: pd.DataFrame = field(repr=False)
    criteria: WaveCriteria = field(repr=False)
    analysed_min: pd.DataFrame = field(repr=False)
    average: pd.DataFrame = field(repr=False)

    def __repr__(self) -> str:
        channels = ", ".join(self.analysed_min["channel"].unique())
        minutes = self.analysed_min.groupby("stage", sort=False)["minutes"].max()
        longest = ", ".join(f"{stage} {value:.0f}" for stage, value in minutes.items())
        return (
            f"<SlowWaves {self.criteria.name}: {len(self.select())} slow waves of {len(self.table)} half-waves; "
            f"{channels}; min analysed: {longest}>"
        )

    def select(self) -> pd.DataFrame:
        """The slow waves: the half-waves that meet the amplitude criteria."""
        return self.table[select_waves(self.table, self.criteria)]


class Room:
    """Memory that one channel after the other is worked on in: giving out 23 MB takes longer than a derivative does."""

    def __init__(self) -> None:
        self._held: dict[str, NDArray[np.float64]] = {}

    def take(self, what: str, n_samples: int) -> NDArray[np.float64]:
        """An array for this; what was in it before is lost."""
        if len(self._held.get(what, ())) < n_samples:
            self._held[what] = np.empty(n_samples)
        return self._held[what][:n_samples]


def filter_for_waves(
    signal_uv: NDArray[np.float32] | NDArray[np.float64],
    rate_hz: float,
    criteria: WaveCriteria,
    room: Room | None = None,
) -> NDArray[np.float64]:
    """Zero-phase band-pass of the detector.

    Parameters
    ----------
    signal_uv : ndarray, shape (n_samples,)
        Signal in µV.
    rate_hz : float
        Its rate.
    criteria : WaveCriteria
        Band, kind and order of the filter.
    room : Room, optional
        Where the trace may lie, until the next one is filtered there.

    Returns
    -------
    ndarray, shape (n_samples,)
        The trace whose zero crossings, amplitudes and slopes are measured. The filter takes about a fifth off an
        isolated wave and adds rebounds, so it is part of the definition of every wave measure.
    """
    from scipy.signal import butter, fftconvolve, firwin

    low, high = criteria.band_hz
    if len(signal_uv) < 2:
        return np.zeros(len(signal_uv))
    if criteria.filter == "butterworth":
        sos = butter(criteria.filter_order, (low, high), "bandpass", fs=rate_hz, output="sos")
        # Two periods of the lower edge, so that the reflected ends settle before the signal begins.
        padding = min(len(signal_uv) - 1, round(2 * rate_hz / low))
        return _filter_there_and_back(sos, signal_uv, padding, room or Room())
    half = YASA_TRANSITION_HZ / 2
    length = 2 * int(3.3 / YASA_TRANSITION_HZ * rate_hz / 2) + 1
    taps = firwin(length, (low - half, high + half), pass_zero=False, window="hamming", fs=rate_hz)
    signal = np.asarray(signal_uv, dtype=np.float64)
    signal = signal - np.median(signal)  # the taps let 0.1 % of an offset through, which moves every crossing
    return fftconvolve(np.pad(signal, length // 2, mode="reflect", reflect_type="odd"), taps, mode="valid")


def _filter_there_and_back(
    sos: NDArray[np.float64], signal: NDArray[np.floating], padding: int, room: Room
) -> NDArray[np.float64]:
    """What `scipy.signal.sosfiltfilt` gives, to the last bit, without its four copies of a night."""
    from scipy.signal import sosfilt, sosfilt_zi

    padded = room.take("filtered", len(signal) + 2 * padding)
    middle = padded[padding : padding + len(signal)]
    middle[:] = signal
    if padding:
        padded[:padding] = 2 * middle[0] - middle[padding:0:-1]
        padded[-padding:] = 2 * middle[-1] - middle[-2 : -padding - 2 : -1]
    settled = sosfilt_zi(sos)
    for way in (padded, padded[::-1]):
        state = settled * way[0]
        for first in range(0, len(way), STRETCH):
            way[first : first + STRETCH], state = sosfilt(sos, way[first : first + STRETCH], zi=state)
    return middle


def find_halfwaves(filtered_uv: NDArray[np.float64]) -> NDArray[np.int64]:
    """Negative half-waves, each with the positive one that follows, as integer samples.

    Parameters
    ----------
    filtered_uv : ndarray, shape (n_samples,)
        The filtered trace.

    Returns
    -------
    ndarray of int, shape (n_halfwaves, 3)
        First negative sample, first sample at or above zero after it, first negative sample after that.
    """
    negative = filtered_uv < 0
    crossings = np.flatnonzero(negative[1:] != negative[:-1]) + 1  # down and up in turn
    if crossings.size and not negative[crossings[0]]:
        crossings = crossings[1:]
    down, up = crossings[::2], crossings[1::2]
    count = max(len(down) - 1, 0)
    return np.stack([down[:count], up[:count], down[1:]], axis=1) if count else np.empty((0, 3), np.int64)


def measure_waves(
    filtered_uv: NDArray[np.float64],
    halfwaves: NDArray[np.int64],
    rate_hz: float,
    criteria: WaveCriteria,
    room: Room | None = None,
) -> pd.DataFrame:
    """Times, amplitudes and slopes of half-waves.

    Parameters
    ----------
    filtered_uv : ndarray, shape (n_samples,)
        The filtered trace.
    halfwaves : ndarray of int, shape (n_halfwaves, 3)
        From `find_halfwaves`.
    rate_hz : float
        Rate of the trace.
    criteria : WaveCriteria
        Only `peak_prominence` is used: how far a further negative peak must stand out.
    room : Room, optional
        Where the derivative may lie.

    Returns
    -------
    DataFrame
        The columns of `WAVES` from `start_s` to `negative_peaks`. Crossings are interpolated linearly and peaks
        by a parabola through three samples, so that measures do not depend on where the samples fall.
        `slope_down` = |negative peak| / (negative peak - start); `slope_up` = |negative peak| / (mid-crossing -
        negative peak) (Riedner 2007); maximum slopes are those of the first derivative on the same stretches.
    """
    extrema = _find_extrema(filtered_uv)
    extreme_uv = filtered_uv[extrema]
    from_down, from_up, from_end = np.searchsorted(extrema, halfwaves).T
    trough, depth = _refined_peaks(filtered_uv, extrema, extreme_uv, from_down, from_up, -1)
    crest, height = _refined_peaks(filtered_uv, extrema, extreme_uv, from_up, from_end, 1)
    start_s, mid_s, end_s = (_crossing(filtered_uv, index) / rate_hz for index in halfwaves.T)
    trough_s, crest_s = trough / rate_hz, crest / rate_hz
    slope = _derivative(filtered_uv, rate_hz, room or Room())
    bends = _find_extrema(slope)
    steepest = slope[bends]
    start, mid = start_s * rate_hz, mid_s * rate_hz
    at_start, at_trough, at_mid = (_at(slope, position) for position in (start, trough, mid))
    return pd.DataFrame(
        {
            "start_s": start_s,
            "negative_peak_s": trough_s,
            "midcrossing_s": mid_s,
            "positive_peak_s": crest_s,
            "end_s": end_s,
            "negative_amplitude_uv": depth,
            "positive_amplitude_uv": height,
            "peak_to_peak_uv": depth + height,
            "duration_s": end_s - start_s,
            "slope_down_uv_s": depth / (trough_s - start_s),
            "slope_up_uv_s": depth / (mid_s - trough_s),
            "max_slope_down_uv_s": _largest_between(
                slope, bends, steepest, start, trough, np.maximum(-at_start, -at_trough), -1
            ),
            "max_slope_up_uv_s": _largest_between(
                slope, bends, steepest, trough, mid, np.maximum(at_trough, at_mid), 1
            ),
            "negative_peaks": _count_peaks(
                extreme_uv, extrema, from_down, from_up, trough, depth, criteria.peak_prominence
            ),
        }
    )


def is_halfwave(table: pd.DataFrame, criteria: WaveCriteria) -> NDArray[np.bool_]:
    """Which half-waves have the lengths that the criteria ask for, whatever their amplitude."""
    start_s, mid_s, end_s = (table[name].to_numpy() for name in ("start_s", "midcrossing_s", "end_s"))
    negative_s, positive_s = mid_s - start_s, end_s - mid_s
    return (
        _between(negative_s, criteria.halfwave_s)
        & _between(positive_s, criteria.positive_s)
        & _between(negative_s + positive_s, criteria.duration_s)
    )


def _between(values: NDArray[np.floating], limits: tuple[float, float]) -> NDArray[np.bool_]:
    return np.asarray((values >= limits[0]) & (values <= limits[1]))


def _is_above_mean(table: pd.DataFrame, criteria: WaveCriteria) -> NDArray[np.bool_]:
    counted = is_halfwave(table, criteria)
    if "stage" in table:
        counted &= table["stage"].isin(["N2", "N3"]).to_numpy()
    above = pd.Series(data=True, index=table.index)
    channel = table.get("channel", above)
    for column in ("negative_amplitude_uv", "peak_to_peak_uv"):
        means = table[column].where(counted).groupby(channel).transform("mean")
        above &= table[column] >= criteria.times_mean * means
    return above.to_numpy()


def select_waves(table: pd.DataFrame, criteria: WaveCriteria) -> NDArray[np.bool_]:
    """Which half-waves are slow waves.

    Limits relative to the mean (`times_mean`) refer to the half-waves of N2 and N3 of each channel in the table, where
    it has these columns; else to all of them. They cancel whatever makes all waves of a night larger.
    """
    selected = is_halfwave(table, criteria)
    for column, limits_uv in (
        ("negative_amplitude_uv", criteria.negative_uv),
        ("positive_amplitude_uv", criteria.positive_uv),
        ("peak_to_peak_uv", criteria.peak_to_peak_uv),
    ):
        selected &= _between(table[column].to_numpy(), limits_uv)
    if criteria.times_mean:
        selected &= _is_above_mean(table, criteria)
    return selected


def detect_in_trace(
    filtered_uv: NDArray[np.float64], rate_hz: float, criteria: WaveCriteria, room: Room | None = None
) -> pd.DataFrame:
    """Half-waves of a filtered trace: find, measure; kept are those of the lengths that the criteria ask for."""
    halfwaves = find_halfwaves(filtered_uv)
    halfwaves = halfwaves[_may_be_halfwave(halfwaves, rate_hz, criteria)]
    table = measure_waves(filtered_uv, halfwaves, rate_hz, criteria, room)
    return table[is_halfwave(table, criteria)].reset_index(drop=True)


def _may_be_halfwave(halfwaves: NDArray[np.int64], rate_hz: float, criteria: WaveCriteria) -> NDArray[np.bool_]:
    """Which half-waves `is_halfwave` may take: half are too short, and need not be measured to know it.

    A crossing lies up to a sample before the one that is counted here.
    """
    down, up, end = halfwaves.T
    lengths = ((up - down, criteria.halfwave_s), (end - up, criteria.positive_s), (end - down, criteria.duration_s))
    possible = np.ones(len(halfwaves), bool)
    for samples, (shortest_s, longest_s) in lengths:
        possible &= (samples + 1 >= shortest_s * rate_hz) & (samples - 1 <= longest_s * rate_hz)
    return possible


def average_waveform(
    filtered_uv: NDArray[np.float64], negative_peaks_s: NDArray[np.float64], rate_hz: float
) -> pd.DataFrame:
    """Mean of a filtered trace around negative peaks.

    Parameters
    ----------
    filtered_uv : ndarray, shape (n_samples,)
        The filtered trace.
    negative_peaks_s : ndarray, shape (n_waves,)
        Times of the peaks.
    rate_hz : float
        Rate of the trace.

    Returns
    -------
    DataFrame
        `time_s` from -1 to 1.5 s, `mean_uv`, `sd_uv` (between waves), `n_waves`; empty without waves.
    """
    before, after = round(AVERAGE_S[0] * rate_hz), round(AVERAGE_S[1] * rate_hz)
    centres = np.round(negative_peaks_s * rate_hz).astype(int)
    centres = centres[(centres + before >= 0) & (centres + after < len(filtered_uv))]
    offsets = np.arange(before, after + 1)
    if not centres.size:
        return pd.DataFrame(columns=["time_s", "mean_uv", "sd_uv", "n_waves"])
    pieces = np.lib.stride_tricks.sliding_window_view(filtered_uv, len(offsets))[centres + before]
    mean_uv = pieces.mean(axis=0)
    pieces -= mean_uv  # as `std` does, without its copies
    np.square(pieces, out=pieces)
    return pd.DataFrame(
        {
            "time_s": offsets / rate_hz,
            "mean_uv": mean_uv,
            "sd_uv": np.sqrt(pieces.mean(axis=0)),
            "n_waves": len(centres),
        }
    )


def summarize_waves(
    waves: pd.DataFrame | Mapping[str, NDArray[np.generic]],
    criteria: WaveCriteria,
    minutes: float,
    inside: NDArray[np.bool_] | None = None,
    chosen: NDArray[np.bool_] | None = None,
) -> dict[str, tuple[float, str, int]]:
    """Summary of the half-waves of a stretch of the night.

    Parameters
    ----------
    waves : DataFrame, or dict of str to ndarray
        Half-waves, in usable time; their columns alone where `chosen` is given.
    criteria : WaveCriteria
        Which of them are slow waves.
    minutes : float
        Usable time of the stretch.
    inside : ndarray of bool, shape (n_waves,), optional
        Which of them lie in the stretch; all by default.
    chosen : ndarray of bool, shape (n_waves,), optional
        `select_waves` of them, where many stretches of the same half-waves are summarized.

    Returns
    -------
    dict of str to (float, str, int)
        Value, unit and the number of waves it rests on. Means over waves selected by a threshold are truncated: a
        uniform gain of 1.2 shows as 1.04 to 1.08 in them. `wave_amplitude_p90`, over all half-waves, shows 1.20.
    """
    if chosen is None:
        chosen = select_waves(pd.DataFrame(waves), criteria)
    inside = np.ones(len(chosen), bool) if inside is None else inside
    n_inside = int(np.count_nonzero(inside))
    taken = np.flatnonzero(inside & chosen)
    n = len(taken)
    amplitudes = np.asarray(waves["negative_amplitude_uv"])[inside]
    multipeak = np.asarray(waves["negative_peaks"])[taken] > 1
    n_slow = int(np.count_nonzero(np.asarray(waves["duration_s"])[taken] >= criteria.slow_oscillation_s))
    rows: dict[str, tuple[float, str, int]] = {
        "wave_density": (n / minutes, "1/min", n),
        "slow_oscillation_density": (n_slow / minutes, "1/min", n_slow),
        "delta_wave_density": ((n - n_slow) / minutes, "1/min", n - n_slow),
        "halfwave_rate": (n_inside / minutes, "1/min", n_inside),
        "wave_amplitude_p90": (float(np.quantile(amplitudes, 0.9)) if n_inside else float("nan"), "µV", n_inside),
        "wave_multipeak_fraction": (float(multipeak.mean()) if n else float("nan"), "1", n),
    }
    for measure, column, unit in SUMMARIES:
        rows[measure] = (float(np.asarray(waves[column])[taken].mean()) if n else float("nan"), unit, n)
    return rows


def _crossing(signal: NDArray[np.float64], after: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sample position where the line between the samples before and at `after` meets zero."""
    before = signal[after - 1]
    return after - 1 + before / (before - signal[after])


def _find_extrema(signal: NDArray[np.float64]) -> NDArray[np.int64]:
    """Samples where the signal turns: few, so that what follows need not go through all samples."""
    found = [np.empty(0, np.int64)]
    for first in range(0, len(signal) - 2, STRETCH):
        piece = signal[first : first + STRETCH + 2]
        rising = piece[1:] > piece[:-1]
        found.append(np.flatnonzero(rising[1:] != rising[:-1]) + (first + 1))
    return np.concatenate(found)


def _refined_peaks(
    signal: NDArray[np.float64],
    extrema: NDArray[np.int64],
    values: NDArray[np.float64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    sign: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Position (in samples) and height of the maximum of `sign` * signal in each half-wave, by a parabola.

    `values` are those of the signal at the extrema, of which a half-wave holds those from `low` to before `high`.
    """
    if not low.size:
        return np.empty(0), np.empty(0)
    # Between two zero crossings the signal turns at least once, and is largest where it turns.
    peak = extrema[_first_maximum(sign * values, low, high)]
    left, middle, right = (sign * signal[peak + step] for step in (-1, 0, 1))
    curvature = left - 2 * middle + right
    shift = np.where(curvature < 0, (left - right) / np.where(curvature < 0, 2 * curvature, 1), 0.0)
    shift = np.clip(shift, -0.5, 0.5)
    return peak.astype(np.float64) + shift, middle - (left - right) * shift / 4


def _first_maximum(values: NDArray[np.float64], first: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index of the first maximum of each stretch [first, end), none of them empty."""
    highest = first.copy()
    turns, longer = end - first, np.arange(len(first))
    for step in range(1, int(turns.max(initial=0))):  # most half-waves turn once
        longer = longer[turns[longer] > step]
        candidate = first[longer] + step
        is_higher = values[candidate] > values[highest[longer]]
        highest[longer[is_higher]] = candidate[is_higher]
    return highest


def _derivative(signal: NDArray[np.float64], rate_hz: float, room: Room) -> NDArray[np.float64]:
    """First derivative by central differences of fourth order: at 4 Hz and 100 Hz off by 0.01 % (second order 1 %)."""
    if len(signal) < 5:
        return np.gradient(signal) * rate_hz if len(signal) > 1 else np.zeros_like(signal)
    slope = room.take("slope", len(signal))
    for first in range(0, len(signal) - 4, STRETCH):
        piece = signal[first : first + STRETCH + 4]
        inner = slope[first + 2 : first + len(piece) - 2]
        np.subtract(piece[1:-3], piece[3:-1], out=inner)
        inner *= -8.0
        inner += piece[:-4]
        inner -= piece[4:]
        inner *= rate_hz / 12
    slope[:2] = (signal[1:3] - signal[:2]) * rate_hz
    slope[-2:] = (signal[-2:] - signal[-3:-1]) * rate_hz
    return slope


def _largest_between(
    signal: NDArray[np.float64],
    extrema: NDArray[np.int64],
    values: NDArray[np.float64],
    first: NDArray[np.float64],
    end: NDArray[np.float64],
    larger_end: NDArray[np.float64],
    sign: int,
) -> NDArray[np.float64]:
    """Maximum of `sign` times the signal between two positions that need not fall on samples.

    Where it turns in between, the largest turn by a parabola; else the larger end.
    """
    largest = larger_end.copy()
    low, high = (
        np.searchsorted(extrema, np.ceil(first).astype(int)),
        np.searchsorted(extrema, np.floor(end).astype(int), side="right"),
    )
    turns = high > low
    if not turns.any():
        return largest
    peak = extrema[_first_maximum(sign * values, low[turns], high[turns])]
    left, middle, right = (sign * signal[peak + step] for step in (-1, 0, 1))
    curvature = left - 2 * middle + right
    shift = np.where(curvature < 0, (left - right) / np.where(curvature < 0, 2 * curvature, 1), 0.0)
    shift = np.clip(shift, first[turns] - peak, end[turns] - peak)
    refined = middle - (left - right) * shift / 2 + curvature * shift**2 / 2
    largest[turns] = np.maximum(largest[turns], refined)
    return largest


def _at(signal: NDArray[np.float64], position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Signal at positions between samples, by the parabola through the nearest three."""
    nearest = np.clip(np.round(position).astype(int), 1, len(signal) - 2)
    left, middle, right = signal[nearest - 1], signal[nearest], signal[nearest + 1]
    offset = position - nearest
    return np.asarray(middle + offset * (right - left) / 2 + offset**2 * (left - 2 * middle + right) / 2)


def _count_peaks(
    values: NDArray[np.float64],
    extrema: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    trough: NDArray[np.float64],
    depth: NDArray[np.float64],
    share: float,
) -> NDArray[np.int64]:
    """Negative peaks of each half-wave that stand out by at least a share of its depth: the deepest, and any other.

    `values` are those of the signal at the extrema, of which a half-wave holds those from `low` to before `high`.
    """
    from scipy.signal import peak_prominences

    if not low.size:
        return np.empty(0, np.int64)
    counts = high - low
    owner = np.repeat(np.arange(len(low)), counts)
    others = np.arange(len(owner)) + np.repeat(low - np.cumsum(counts) + counts, counts)
    minimum = np.append(np.diff(values) > 0, False)
    further = minimum[others] & (np.abs(extrema[others] - trough[owner]) > 0.75) & (others > 0)
    owner, others = owner[further], others[further]
    # Cut at zero: a peak then stands out of its own half-wave, not of its neighbours.
    prominences = peak_prominences(np.maximum(-values, 0), others)[0]
    enough = owner[prominences >= share * depth[owner]]
    return 1 + np.bincount(enough, minlength=len(low))
