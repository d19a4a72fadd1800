"""Unusable time, on two grids: 5-s windows for spectra, samples for waves.

The slow band has no local and no per-night limit. A drug that makes slow waves larger must not be removed as artefact:
a rule "slow-band power above 4 times its local median" turned a true ratio of 1.44 into 0.99 on real sleep.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
from numpy.typing import NDArray

from swa.settings import ArtifactSettings, Band

RULES = ("gap", "clipped", "amplitude", "flat", "muscle", "focal")
# A step of the size that the amplitude rule catches rings in the 0.5-4 Hz filter for about a second on either side.
RINGING_S = 1.0
FLAT_WINDOW_S = 5.0
HIGH_PASS_HZ = 0.3
HEIGHT_BLOCK_S, HEIGHT_MARGIN_S = 60.0, 10.0
Piece = tuple[int, int]
Height = list[tuple[int, NDArray[np.float32]]]


@dataclass(frozen=True, kw_only=True)
class Artifacts:
    """Unusable time of one channel, by rule.

    Attributes
    ----------
    samples : dict of str to ndarray of bool, shape (n_samples,)
        Unusable samples by rule (`RULES`).
    by_rule : dict of str to ndarray of bool, shape (n_windows,)
        Windows that each rule excludes: those that hold an unusable sample, or that are themselves judged.
    """

    samples: dict[str, NDArray[np.bool_]]
    by_rule: dict[str, NDArray[np.bool_]]

    @cached_property
    def windows(self) -> NDArray[np.bool_]:
        """Windows that any rule excludes."""
        return reduce(np.logical_or, self.by_rule.values())

    @cached_property
    def unusable(self) -> NDArray[np.bool_]:
        """Samples that any rule excludes; most rules exclude none of a night, which is told sooner than added."""
        masks = tuple(self.samples.values())
        return reduce(np.logical_or, [mask for mask in masks if mask.any()] or masks[:1])


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Samples of one channel.

    Attributes
    ----------
    signal_uv : ndarray, shape (n_samples,)
        Signal in µV.
    clipped : ndarray of bool, shape (n_samples,)
        Where the recording sat at its limit.
    rate_hz : float
        Rate of both.
    pieces : sequence of (int, int)
        First and end sample of each uninterrupted piece; what lies between them is a gap.
    """

    signal_uv: NDArray[np.float32]
    clipped: NDArray[np.bool_]
    rate_hz: float
    pieces: Sequence[Piece]

    @cached_property
    def range_uv(self) -> NDArray[np.float32]:
        """Range of each 5-s window, half overlapping (`FLAT_WINDOW_S`): made once, whatever the limits."""
        hop = round(FLAT_WINDOW_S * self.rate_hz) // 2
        blocks = self.signal_uv[: len(self.signal_uv) // hop * hop].reshape(-1, hop)
        high, low = blocks.max(axis=1), blocks.min(axis=1)
        pairs = len(self._range_starts)
        return np.asarray(np.maximum(high[:pairs], high[1 : pairs + 1]) - np.minimum(low[:pairs], low[1 : pairs + 1]))

    @property
    def _range_starts(self) -> NDArray[np.int64]:
        length = round(FLAT_WINDOW_S * self.rate_hz)
        return np.arange(0, max(len(self.signal_uv) - length + 1, 0), length // 2)

    def below(self, limit_uv: float) -> NDArray[np.bool_]:
        """Samples of the windows whose range is below a limit."""
        starts = self._range_starts[self.range_uv < limit_uv]
        return _mark_windows(starts, round(FLAT_WINDOW_S * self.rate_hz), len(self.signal_uv))


def find_artifacts(
    trace: Trace,
    window_starts: NDArray[np.int64],
    window_length: int,
    muscle_power: NDArray[np.float64],
    settings: ArtifactSettings | None = None,
    focal: NDArray[np.bool_] | None = None,
    height: Height | None = None,
) -> Artifacts:
    """Find the unusable time of one channel.

    Parameters
    ----------
    trace : Trace
        Its samples.
    window_starts, window_length : ndarray of int and int
        The windows of the spectra, in samples.
    muscle_power : ndarray, shape (n_windows,)
        Power of each window in the muscle band (see `muscle_band`), µV²; NaN where the recording does not hold it.
    settings : ArtifactSettings, optional
        Limits.
    focal : ndarray of bool, shape (n_windows,), optional
        Windows in which this channel alone is large, from `find_focal`.
    height : list of (int, ndarray), optional
        From `measure_height`, where several limits are tried on one signal.

    Returns
    -------
    Artifacts

    Notes
    -----
    Muscle: power above 4 times its moving median over 180 s (Brunner 1996, J Sleep Res 5:155), and above what an
    amplifier may add: a quiet or low-passed signal has a median of nothing, and four times nothing is no muscle.
    """
    settings = settings or ArtifactSettings()
    n_samples, rate_hz = len(trace.signal_uv), trace.rate_hz
    gap = np.ones(n_samples, bool)
    for first, end in trace.pieces:
        gap[first:end] = False
    if height is None:
        height = measure_height(trace, settings.amplitude_uv)
    interrupted = _touches(gap, window_starts, window_length) if gap.any() else np.zeros(len(window_starts), bool)
    bursts = np.zeros(len(window_starts), bool)
    if len(window_starts) > 1:
        hop_s = (window_starts[1] - window_starts[0]) / rate_hz
        # What a gap holds is no signal: the median runs over the windows before and after it.
        bursts[~interrupted] = _above_moving_median(muscle_power[~interrupted], settings, hop_s)
    samples = {
        "gap": gap,
        "clipped": trace.clipped & ~gap,
        "amplitude": _with_ringing(_beyond(height, settings.amplitude_uv), trace),
        "flat": trace.below(settings.flat_uv) & ~gap,
        "muscle": _mark_windows(window_starts[bursts], window_length, n_samples),
    }
    alone = np.zeros(len(window_starts), bool) if focal is None else focal
    samples["focal"] = _mark_windows(window_starts[alone], window_length, n_samples)
    by_rule = {
        rule: _touches(samples[rule], window_starts, window_length) if samples[rule].any() else np.zeros_like(bursts)
        for rule in ("gap", "clipped", "amplitude", "flat")
    }
    return Artifacts(samples=samples, by_rule=by_rule | {"muscle": bursts, "focal": alone})


def measure_height(trace: Trace, lowest_uv: float) -> Height:
    """Size of samples after a zero-phase high-pass at 0.3 Hz, µV, in the minutes whose range reaches `lowest_uv`.

    No high-pass makes a signal larger than its range; what lies ten seconds away is forgotten (e^-19).

    Returns
    -------
    list of (int, ndarray of float32)
        First sample of each such minute, and the sizes of its samples.
    """
    from scipy.signal import butter, sosfiltfilt

    signal_uv, rate_hz = trace.signal_uv, trace.rate_hz
    high_pass = butter(1, HIGH_PASS_HZ, "highpass", fs=rate_hz, output="sos")
    block, margin = round(HEIGHT_BLOCK_S * rate_hz), round(HEIGHT_MARGIN_S * rate_hz)
    height: Height = []
    for first, end in trace.pieces:
        for begin in range(first, end, block):
            stop = min(begin + block, end)
            around = slice(max(begin - margin, first), min(stop + margin, end))
            if np.ptp(signal_uv[around]) >= lowest_uv:
                found = np.abs(sosfiltfilt(high_pass, signal_uv[around]))
                height.append((begin, found[begin - around.start : stop - around.start].astype(np.float32)))
    return height


def dead_share(trace: Trace, settings: ArtifactSettings | None = None, *, judge_amplitude: bool = True) -> float:
    """Share of the recorded time in which a channel is flat, clipped or too large to be EEG.

    Parameters
    ----------
    trace : Trace
        Its samples.
    settings : ArtifactSettings, optional
        Limits.
    judge_amplitude : bool
        False for signals that may be large: EOG and EMG.
    """
    settings = settings or ArtifactSettings()
    dead = trace.clipped | trace.below(settings.flat_uv)
    if judge_amplitude:
        dead[_beyond(measure_height(trace, settings.amplitude_uv), settings.amplitude_uv)] = True
    recorded = sum(end - first for first, end in trace.pieces)
    return sum(int(np.count_nonzero(dead[first:end])) for first, end in trace.pieces) / max(recorded, 1)


def find_focal(
    slow_power: NDArray[np.float64], is_nrem: NDArray[np.bool_], settings: ArtifactSettings | None = None
) -> NDArray[np.bool_]:
    """Find windows in which one channel alone is large in the slow band: an electrode, not the brain.

    Parameters
    ----------
    slow_power : ndarray, shape (n_channels, n_windows)
        Power of each window in the slow band, µV².
    is_nrem : ndarray of bool, shape (n_windows,)
        Windows of N2 and N3.
    settings : ArtifactSettings, optional
        `focal_factor` and `focal_channels`.

    Returns
    -------
    ndarray of bool, shape (n_channels, n_windows)

    Notes
    -----
    Each channel is taken relative to its own NREM median and held against the median channel in the same window, so
    that slow waves which grow in all channels, as under a drug, cannot be focal.
    """
    settings = settings or ArtifactSettings()
    nothing = np.zeros(slow_power.shape, bool)
    if len(slow_power) < settings.focal_channels or not is_nrem.any():
        return nothing
    typical = np.median(slow_power[:, is_nrem], axis=1, keepdims=True)
    if not (typical > 0).sum() >= settings.focal_channels:
        return nothing
    relative = slow_power / np.where(typical > 0, typical, np.inf)
    return relative > settings.focal_factor * np.median(relative[typical[:, 0] > 0], axis=0)


def scale_limits(settings: ArtifactSettings, factor: float) -> ArtifactSettings:
    """Limits halved (0.5: stricter) or doubled (2: more lenient), to see what the result owes to them."""
    return settings.model_copy(
        update={
            "muscle_factor": settings.muscle_factor * factor,
            "muscle_least_uv": settings.muscle_least_uv * factor**0.5,  # of the amplitude, where the factor is of power
            "focal_factor": settings.focal_factor * factor,
            "amplitude_uv": settings.amplitude_uv * factor,
            "flat_uv": settings.flat_uv / factor,
        }
    )


def _touches(samples: NDArray[np.bool_], starts: NDArray[np.int64], length: int) -> NDArray[np.bool_]:
    """Windows that hold a True sample."""
    marked = np.flatnonzero(samples)
    return np.asarray(np.searchsorted(marked, starts + length) > np.searchsorted(marked, starts))


def muscle_band(native_rate_hz: float, settings: ArtifactSettings) -> Band:
    """Muscle band that the recording can hold: 26.25-32 Hz, or 20-30 Hz where a low rate cuts that off."""
    fits = native_rate_hz * 0.4 >= settings.muscle_band_hz[1]
    return settings.muscle_band_hz if fits else settings.muscle_band_low_passed_hz


def _above_moving_median(power: NDArray[np.float64], settings: ArtifactSettings, hop_s: float) -> NDArray[np.bool_]:
    from scipy.ndimage import median_filter

    if np.isnan(power).any():
        return np.zeros(len(power), bool)
    half = int(settings.muscle_median_s / hop_s / 2)
    # Lengthened here, since scipy 1.15 reads beyond a signal that is shorter than the filter.
    lengthened = np.pad(power, half, mode="edge") if len(power) else power
    median = median_filter(lengthened, size=2 * half + 1, mode="nearest")[half : half + len(power)]
    return power > np.maximum(settings.muscle_factor * median, settings.muscle_least_uv**2)


def _beyond(height: Height, limit_uv: float) -> NDArray[np.int64]:
    """Samples that are larger than a limit: few."""
    found = [begin + np.flatnonzero(sizes > limit_uv) for begin, sizes in height]
    return np.concatenate([np.empty(0, np.int64), *found])


def _with_ringing(beyond: NDArray[np.int64], trace: Trace) -> NDArray[np.bool_]:
    """Samples beyond a limit, and the second before and after them, within their piece."""
    marked = np.zeros(len(trace.signal_uv), bool)
    ringing = round(RINGING_S * trace.rate_hz)
    for first, end in trace.pieces:
        inside = beyond[np.searchsorted(beyond, first) : np.searchsorted(beyond, end)]
        for run in np.split(inside, np.flatnonzero(np.diff(inside) > 1) + 1) if inside.size else ():
            marked[max(run[0] - ringing, first) : min(run[-1] + ringing + 1, end)] = True
    return marked


def _mark_windows(starts: NDArray[np.int64], length: int, n_samples: int) -> NDArray[np.bool_]:
    marked = np.zeros(n_samples, bool)
    for start in starts:
        marked[start : start + length] = True
    return marked
