"""Slow waves of a simulated night, one by one, and the trace that they draw.

A wave is made of four quarters of a sine: down to the negative peak, up to the mid-crossing, up to the positive peak,
back to zero. So the truth about it (times, amplitudes, slopes) is exact, whatever the sampling rate. A multi-peak wave
has a notch in its negative half (Riedner 2007, doi:10.1093/sleep/30.12.1643).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swa.simulation.background import EPOCH_S, Array, Site, background_spectrum, draw_bounded, find_site

__all__ = ["WAVE_MODELS", "SlowWaveModel", "expected_slow_power", "make_slow_waves", "plan_slow_waves", "render_waves"]


@dataclass(frozen=True, kw_only=True)
class SlowWaveModel:
    """Slow waves of one stage at a frontal site and Process S = 1."""

    rate_per_min: float
    negative_amplitude_uv: float  # median
    amplitude_sd_log: float
    k_complex_share: float  # share of waves that are isolated and large
    multipeak_share: float


WAVE_MODELS = {
    "N2": SlowWaveModel(
        rate_per_min=12.0,
        negative_amplitude_uv=24.5,
        amplitude_sd_log=0.38,
        k_complex_share=0.10,
        multipeak_share=0.20,
    ),
    "N3": SlowWaveModel(
        rate_per_min=25.0,
        negative_amplitude_uv=60.0,
        amplitude_sd_log=0.40,
        k_complex_share=0.0,
        multipeak_share=0.15,
    ),
}
_K_COMPLEX_RATIO = 2.6  # amplitude of a K-complex relative to the other waves of N2
_NEGATIVE_S = (0.50, 0.20, 0.32, 0.80)  # half-wave duration: median, SD of the log, limits
_POSITIVE_RATIO = (0.80, 0.20, 0.40, 1.20)  # positive over negative amplitude: likewise
_POSITIVE_S = (0.53, 0.15, 0.36, 0.85)
_SMALLEST_GAP_S = 0.20  # leaves room for the channels' different delays
_POWER_SHARE = 0.74  # of the waves' power stays in 0.5-4 Hz, after lost waves and harmonics (Welch, 10 nights of 8 h)
_RATE_SHARE = 0.4  # share of ln Process S that goes into the rate of waves; the rest goes into their amplitude


def expected_slow_power(stage: str) -> float:
    """Return the expected 0.5-4 Hz power of a stage at a frontal site and slow gain 1, µV².

    Background density integrated over the band, plus the energy of the waves times their rate.
    """
    frequencies_hz = np.arange(0.5, 4.0, 0.02)
    site = find_site("F3")
    background = float(background_spectrum(stage, site, frequencies_hz).sum() * 0.02)
    model = WAVE_MODELS.get(stage)
    if model is None:
        return background
    square = model.negative_amplitude_uv**2 * np.exp(2 * model.amplitude_sd_log**2)
    square *= 1 + model.k_complex_share * (_K_COMPLEX_RATIO**2 - 1)
    positive = _POSITIVE_RATIO[0] ** 2 * np.exp(2 * _POSITIVE_RATIO[1] ** 2)
    energy = 0.5 * square * (_NEGATIVE_S[0] + positive * _POSITIVE_S[0])
    return float(background + _POWER_SHARE * energy * model.rate_per_min / 60)


def plan_slow_waves(
    rng: np.random.Generator,
    bouts: list[tuple[int, int, str]],
    drive: NDArray[np.float64],
    amplitude_gain: float,
    slope_ratio: float,
) -> dict[str, NDArray[np.float64]]:
    """Draw the slow waves of a night as seen at a frontal site.

    Parameters
    ----------
    rng
        Random generator of this component.
    bouts
        (first epoch, end epoch, stage) of every uninterrupted stage.
    drive
        Process S per epoch, relative to the first cycle's typical level; moves the rate and the amplitude of waves.
    amplitude_gain
        Factor on all amplitudes (square root of the power ratio of trait, night and effect).
    slope_ratio
        Steepens the rise at equal amplitude: the negative half-wave keeps its duration, its peak comes later.

    Returns
    -------
    dict of arrays
        `start_s`, `down_s`, `up_s`, `rise_s`, `fall_s` (the four quarters), `negative_uv`, `positive_uv`, `notch`,
        `skew` and `peak_phase` (the shape of multi-peak waves). No two waves overlap, none crosses a change of stage.
    """
    columns: list[NDArray[np.float64]] = []
    for first, end, stage in bouts:
        if stage in WAVE_MODELS:
            columns.append(_plan_bout(rng, first, end, WAVE_MODELS[stage], float(drive[first])))
    names = ("start_s", "down_s", "up_s", "rise_s", "fall_s", "negative_uv", "positive_uv", "notch", "skew")
    table = np.concatenate(columns, axis=1) if columns else np.empty((len(names), 0))
    waves = dict(zip(names, table, strict=True))
    negative_s = waves["down_s"] + waves["up_s"]
    waves["up_s"] = np.clip(waves["up_s"] / slope_ratio, 0.1 * negative_s, 0.9 * negative_s)
    waves["down_s"] = negative_s - waves["up_s"]
    waves["negative_uv"] = waves["negative_uv"] * amplitude_gain
    waves["positive_uv"] = waves["positive_uv"] * amplitude_gain
    waves["peak_phase"] = _find_peak_phase(waves["notch"], waves["skew"])
    return waves


def _plan_bout(
    rng: np.random.Generator, first: int, end: int, model: SlowWaveModel, drive: float
) -> NDArray[np.float64]:
    """Draw the waves of one bout: a renewal process of waves and exponential gaps."""
    duration_s = (end - first) * EPOCH_S
    wave_s = _NEGATIVE_S[0] + _POSITIVE_S[0]
    mean_gap_s = max(60 / (model.rate_per_min * drive**_RATE_SHARE) - wave_s - _SMALLEST_GAP_S, 0.05)
    n = int(1.5 * duration_s / (wave_s + _SMALLEST_GAP_S + mean_gap_s)) + 20
    negative_s = draw_bounded(rng, n, *_NEGATIVE_S)
    down_s = negative_s * rng.uniform(0.45, 0.62, n)
    positive_s = draw_bounded(rng, n, *_POSITIVE_S)
    rise_s = positive_s * rng.uniform(0.40, 0.55, n)
    gap_s = _SMALLEST_GAP_S + mean_gap_s * rng.exponential(size=n)
    starts_s = first * EPOCH_S + np.cumsum(gap_s + np.concatenate(([0.0], (negative_s + positive_s)[:-1])))
    median_uv = model.negative_amplitude_uv
    amplitude_uv = draw_bounded(rng, n, median_uv, model.amplitude_sd_log, 0.35 * median_uv, 2.3 * median_uv)
    amplitude_uv *= np.where(rng.random(n) < model.k_complex_share, _K_COMPLEX_RATIO, 1.0)
    amplitude_uv *= drive ** ((1 - _RATE_SHARE) / 2)
    positive_uv = amplitude_uv * draw_bounded(rng, n, *_POSITIVE_RATIO)
    # two peaks need a long half-wave, or the band-pass melts them into one
    multipeak = (rng.random(n) < model.multipeak_share) & (negative_s > 0.45)
    notch = np.where(multipeak, rng.uniform(0.55, 0.75, n), 0.0)
    skew = np.where(multipeak, rng.uniform(-0.25, 0.25, n), 0.0)
    fall_s = positive_s - rise_s
    table = np.stack([starts_s, down_s, negative_s - down_s, rise_s, fall_s, amplitude_uv, positive_uv, notch, skew])
    return table[:, starts_s + negative_s + positive_s + _SMALLEST_GAP_S < end * EPOCH_S]


def make_slow_waves(
    rng: np.random.Generator, waves: Mapping[str, NDArray[np.float64]], site: Site, participation: float = 0.9
) -> dict[str, NDArray[np.float64]]:
    """Return the waves that one channel shows, with its own delays and amplitudes.

    Returns
    -------
    dict of arrays
        The columns of `waves`, and `negative_peak_s`, `midcrossing_s`, `positive_peak_s`, `end_s`,
        `negative_amplitude_uv`, `peak_to_peak_uv`, `slope_down_uv_s`, `slope_up_uv_s` as METHODS defines them, of the
        noise-free trace.
    """
    n = len(waves["start_s"])
    delays_s = site.delay_s + np.clip(0.012 * rng.standard_normal(n), -0.04, 0.04)
    factors = site.slow * np.exp(0.12 * rng.standard_normal(n))
    kept = rng.random(n) < participation
    own = {name: column[kept] for name, column in waves.items()}
    own["start_s"] = own["start_s"] + delays_s[kept]
    own["negative_uv"] = own["negative_uv"] * factors[kept]
    own["positive_uv"] = own["positive_uv"] * factors[kept]
    phase = own["peak_phase"]
    half = 0.5 * np.pi
    peak_s = np.where(phase <= half, phase / half * own["down_s"], own["down_s"] + (phase / half - 1) * own["up_s"])
    midcrossing_s = own["down_s"] + own["up_s"]
    own["negative_peak_s"] = own["start_s"] + peak_s
    own["midcrossing_s"] = own["start_s"] + midcrossing_s
    own["positive_peak_s"] = own["midcrossing_s"] + own["rise_s"]
    own["end_s"] = own["positive_peak_s"] + own["fall_s"]
    own["negative_amplitude_uv"] = -own["negative_uv"]
    own["peak_to_peak_uv"] = own["negative_uv"] + own["positive_uv"]
    own["slope_down_uv_s"] = own["negative_uv"] / peak_s
    own["slope_up_uv_s"] = own["negative_uv"] / (midcrossing_s - peak_s)
    return own


def _negative_shape(
    phase: NDArray[np.float64], notch: NDArray[np.float64], skew: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the negative half-wave over its phase (0 to π), upside down and not yet normalised."""
    sine = np.sin(phase)
    return np.asarray(sine * (1 - notch * sine**2) * (1 + skew * np.cos(phase)))


_PHASES = np.linspace(0, np.pi, 2001)


def _find_peak_phase(notch: NDArray[np.float64], skew: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the phase of the negative peak: π/2 for a plain wave, the deeper of two peaks for a notched one."""
    phases = np.full(len(notch), 0.5 * np.pi)
    for i in np.flatnonzero(notch):
        phases[i] = _PHASES[np.argmax(_negative_shape(_PHASES, notch[i], skew[i]))]
    return phases


def render_waves(waves: Mapping[str, NDArray[np.float64]], n_samples: int, rate_hz: int) -> Array:
    """Return the noise-free trace of a channel's waves (`make_slow_waves`), µV, zero between them."""
    signal = np.zeros(n_samples, dtype=np.float32)
    n = len(waves["start_s"])
    if n == 0:
        return signal
    trough_s = waves["start_s"] + waves["down_s"]
    knots_s = np.stack(
        [waves["start_s"], trough_s, waves["midcrossing_s"], waves["positive_peak_s"], waves["end_s"]], axis=1
    ).ravel()
    knots_phase = np.tile(np.array([0.0, 0.5, 1.0, 1.5, 2.0]) * np.pi, n)
    first = np.maximum(np.ceil(waves["start_s"] * rate_hz).astype(np.int64), 0)
    end = np.minimum(np.ceil(waves["end_s"] * rate_hz).astype(np.int64), n_samples)
    lengths = np.maximum(end - first, 0)
    owner = np.repeat(np.arange(n), lengths)
    index = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + np.repeat(first, lengths)
    phase = np.interp(index / rate_hz, knots_s, knots_phase)
    sine = np.sin(phase)
    values = -np.where(phase < np.pi, waves["negative_uv"][owner], waves["positive_uv"][owner]) * sine
    notched = (waves["notch"] > 0)[owner] & (phase < np.pi)
    if notched.any():
        who = owner[notched]
        notch, skew = waves["notch"], waves["skew"]
        depth = _negative_shape(waves["peak_phase"], notch, skew)
        values[notched] = (
            -waves["negative_uv"][who] * _negative_shape(phase[notched], notch[who], skew[who]) / depth[who]
        )
    signal[index] = values
    return signal
