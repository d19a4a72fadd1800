"""Unusable time, on two grids: 5-s windows for spectra, samples for waves.

The slow band has no local and no per-night limit. A drug that makes slow waves larger must not be removed as artefact:
a rule "slow-band power above 4 times its local median" turned a true ratio of 1.44 into 0.99 on real sleep.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
from numpy.typing import NDArray

from swa.recordings.signal_source import Piece, first_and_end
from swa.recordings.spans import Spans
from swa.settings import ArtifactSettings, Band

RULES = ("gap", "clipped", "amplitude", "flat", "muscle", "focal")
# A step of the size that the amplitude rule catches rings in the 0.5-4 Hz filter for about a second on either side.
RINGING_S = 1.0
FLAT_WINDOW_S = 5.0
HIGH_PASS_HZ = 0.3
HEIGHT_BLOCK_S, HEIGHT_MARGIN_S = 60.0, 10.0
Height = list[tuple[int, NDArray[np.float32]]]


@dataclass(frozen=True, kw_only=True)
class Artifacts:
    """Unusable time of one channel, by rule.

    Attributes
    ----------
    samples : dict of str to Spans
        Unusable samples by rule (`RULES`).
    by_rule : dict of str to ndarray of bool, shape (n_windows,)
        Windows that each rule excludes: those that hold an unusable sample, or that are themselves judged.
    """

    samples: dict[str, Spans]
    by_rule: dict[str, NDArray[np.bool_]]

    @cached_property
    def windows(self) -> NDArray[np.bool_]:
        """Windows that any rule excludes."""
        return reduce(np.logical_or, self.by_rule.values())

    @cached_property
    def unusable(self) -> Spans:
        """Samples that any rule excludes."""
        return Spans.joined(spans.edges for spans in self.samples.values())


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
    def gap(self) -> Spans:
        """What lies between the pieces, and before and after them."""
        edges = np.array([0, *(edge for piece in self.pieces for edge in piece), len(self.signal_uv)]).reshape(-1, 2)
        return Spans(edges[edges[:, 1] > edges[:, 0]])

    @cached_property
    def clipped_spans(self) -> Spans:
        """Where the recording sat at its limit, apart from gaps: found once, whatever the limits."""
        return Spans.of_mask(self.clipped).within(self.pieces)

    @cached_property
    def _ends_uv(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Largest and smallest sample of each half of a 5-s window (`FLAT_WINDOW_S`), and of the end."""
        hop = round(FLAT_WINDOW_S * self.rate_hz) // 2
        begins = np.arange(0, len(self.signal_uv), hop)
        return np.maximum.reduceat(self.signal_uv, begins), np.minimum.reduceat(self.signal_uv, begins)

    @cached_property
    def range_uv(self) -> NDArray[np.float32]:
        """Range of each 5-s window, half overlapping: made once, whatever the limits."""
        (high, low), pairs = self._ends_uv, len(self._range_starts)
        return np.asarray(np.maximum(high[:pairs], high[1 : pairs + 1]) - np.minimum(low[:pairs], low[1 : pairs + 1]))

    def may_range(self, limit_uv: float, first: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which stretches may range as far as a limit: those whose 2.5-s blocks do together."""
        hop = round(FLAT_WINDOW_S * self.rate_hz) // 2
        at = np.stack([first // hop, -(-end // hop)], axis=1).ravel()
        high, low = self._ends_uv
        highest = np.maximum.reduceat(np.append(high, high[-1:]), at)[::2]
        lowest = np.minimum.reduceat(np.append(low, low[-1:]), at)[::2]
        return np.asarray(highest - lowest >= limit_uv)

    @property
    def _range_starts(self) -> NDArray[np.int64]:
        length = round(FLAT_WINDOW_S * self.rate_hz)
        return np.arange(0, max(len(self.signal_uv) - length + 1, 0), length // 2)

    def below(self, limit_uv: float) -> Spans:
        """Samples of the windows whose range is below a limit, apart from gaps."""
        starts = self._range_starts[self.range_uv < limit_uv]
        return _of_windows(starts, round(FLAT_WINDOW_S * self.rate_hz)).within(self.pieces)


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
    window_ends = window_starts + window_length
    if height is None:
        height = measure_height(trace, settings.amplitude_uv)
    interrupted = trace.gap.touch(window_starts, window_ends)
    bursts = np.zeros(len(window_starts), bool)
    if len(window_starts) > 1:
        hop_s = (window_starts[1] - window_starts[0]) / trace.rate_hz
        # What a gap holds is no signal: the median runs over the windows before and after it.
        bursts[~interrupted] = _above_moving_median(muscle_power[~interrupted], settings, hop_s)
    alone = np.zeros(len(window_starts), bool) if focal is None else focal
    samples = {
        "gap": trace.gap,
        "clipped": trace.clipped_spans,
        "amplitude": _with_ringing(_beyond(height, settings.amplitude_uv), trace),
        "flat": trace.below(settings.flat_uv),
        "muscle": _of_windows(window_starts[bursts], window_length),
        "focal": _of_windows(window_starts[alone], window_length),
    }
    by_rule = {
        rule: samples[rule].touch(window_starts, window_ends) for rule in ("gap", "clipped", "amplitude", "flat")
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
    from scipy.signal import butter, filtfilt

    signal_uv, rate_hz = trace.signal_uv, trace.rate_hz
    high_pass = butter(1, HIGH_PASS_HZ, "highpass", fs=rate_hz)
    block, margin = round(HEIGHT_BLOCK_S * rate_hz), round(HEIGHT_MARGIN_S * rate_hz)
    height: Height = []
    for first, end in trace.pieces:
        begins = np.arange(first, end, block)
        ends = np.minimum(begins + block, end)
        froms, untils = np.maximum(begins - margin, first), np.minimum(ends + margin, end)
        for begin, stop, *limits in np.stack([begins, ends, froms, untils], axis=1)[
            trace.may_range(lowest_uv, froms, untils)
        ].tolist():
            around = slice(*limits)
            if np.ptp(signal_uv[around]) >= lowest_uv:
                found = np.abs(filtfilt(*high_pass, signal_uv[around]))
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
    dead = [trace.clipped_spans.edges, trace.below(settings.flat_uv).edges]
    if judge_amplitude:
        beyond = _beyond(measure_height(trace, settings.amplitude_uv), settings.amplitude_uv)
        dead.append(first_and_end(beyond))
    recorded = sum(end - first for first, end in trace.pieces)
    return Spans.joined(dead).n_samples / max(recorded, 1)


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


def _with_ringing(beyond: NDArray[np.int64], trace: Trace) -> Spans:
    """Samples beyond a limit, and the second before and after them, within their piece."""
    ringing = round(RINGING_S * trace.rate_hz)
    parts = []
    for first, end in trace.pieces:
        inside = beyond[np.searchsorted(beyond, first) : np.searchsorted(beyond, end)]
        parts.append(np.clip(first_and_end(inside) + np.array([-ringing, ringing]), first, end))
    return Spans.joined(parts)


def _of_windows(starts: NDArray[np.int64], length: int) -> Spans:
    return Spans.joined([np.stack([starts, starts + length], axis=1)])
