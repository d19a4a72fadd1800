"""Spindles, sawtooth waves, eye movements, muscle tone and heart of a simulated night."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from swa.simulation.background import (
    EPOCH_S,
    OVERLAP_S,
    SHARED_BINS_HZ,
    STAGES,
    Array,
    Streams,
    draw_bounded,
    draw_coefficients,
    join_epochs,
)

__all__ = [
    "make_eye_movements",
    "make_heartbeat",
    "make_muscle_tone",
    "make_sawtooth",
    "make_spindles",
    "plan_eye_movements",
    "plan_spindles",
]

# --- spindles and sawtooth waves ----------------------------------------------------------------------------------

_SPINDLES_PER_MIN = {"N2": 3.5, "N3": 1.0}
_SAWTOOTH_PER_MIN = 1.0


def _draw_times(
    rng: np.random.Generator,
    bouts: list[tuple[int, int, str]],
    rates_per_min: Mapping[str, float],
    smallest_gap_s: float,
) -> NDArray[np.float64]:
    """Draw event times in the stages of `rates_per_min`, at least `smallest_gap_s` apart and from the bout's end."""
    times: list[NDArray[np.float64]] = []
    for first, end, stage in bouts:
        if stage not in rates_per_min:
            continue
        mean_gap_s = max(60 / rates_per_min[stage] - smallest_gap_s, 0.1)
        n = int(2 * (end - first) * EPOCH_S / (mean_gap_s + smallest_gap_s)) + 10
        found = first * EPOCH_S + np.cumsum(smallest_gap_s + mean_gap_s * rng.exponential(size=n)) - smallest_gap_s / 2
        times.append(found[found + smallest_gap_s < end * EPOCH_S])
    return np.concatenate(times) if times else np.empty(0)


def plan_spindles(rng: np.random.Generator, bouts: list[tuple[int, int, str]]) -> dict[str, NDArray[np.float64]]:
    """Draw the spindles of a night: `start_s`, `duration_s` (0.5-2 s), `frequency_hz` (11-16 Hz), `amplitude_uv`."""
    start_s = _draw_times(rng, bouts, _SPINDLES_PER_MIN, 3.0)
    n = len(start_s)
    return {
        "start_s": start_s,
        "duration_s": draw_bounded(rng, n, 1.0, 0.30, 0.5, 2.0),
        "frequency_hz": np.clip(13.3 + 0.7 * rng.standard_normal(n), 11.2, 15.8),
        "amplitude_uv": draw_bounded(rng, n, 16.0, 0.30, 8.0, 40.0),
    }


def make_spindles(
    rng: np.random.Generator, spindles: Mapping[str, NDArray[np.float64]], gain: float, n_samples: int, rate_hz: int
) -> Array:
    """Return the spindles of one channel, µV, each waxing and waning; `gain` is the site's."""
    signal = np.zeros(n_samples, dtype=np.float32)
    factors = gain * np.exp(0.2 * rng.standard_normal(len(spindles["start_s"])))
    phases = rng.uniform(-0.3, 0.3, len(factors))
    columns = (spindles["start_s"], spindles["duration_s"], spindles["frequency_hz"], spindles["amplitude_uv"])
    for start_s, duration_s, frequency_hz, amplitude_uv, factor, phase in zip(*columns, factors, phases, strict=True):
        first = int(np.ceil(start_s * rate_hz))
        time_s = (np.arange(first, min(first + int(duration_s * rate_hz), n_samples)) / rate_hz) - start_s
        envelope = np.sin(np.pi * time_s / duration_s) ** 2
        wave = envelope * np.sin(2 * np.pi * frequency_hz * time_s + phase)
        signal[first : first + len(time_s)] += (amplitude_uv * factor * wave).astype(np.float32)
    return signal


def make_sawtooth(
    rng: np.random.Generator, bouts: list[tuple[int, int, str]], gain: float, n_samples: int, rate_hz: int
) -> Array:
    """Return bursts of 2.5-4 Hz sawtooth waves in REM sleep, µV, small enough not to count as slow waves."""
    signal = np.zeros(n_samples, dtype=np.float32)
    for start_s in _draw_times(rng, bouts, {"R": _SAWTOOTH_PER_MIN}, 8.0):
        duration_s, frequency_hz, amplitude_uv = rng.uniform(2, 5), rng.uniform(2.5, 4.0), rng.uniform(5, 10)
        first = int(np.ceil(start_s * rate_hz))
        time_s = (np.arange(first, min(first + int(duration_s * rate_hz), n_samples)) / rate_hz) - start_s
        # the first three terms of a sawtooth: steep on one side, without a jump
        wave = sum(np.sin(2 * np.pi * k * frequency_hz * time_s) / k for k in (1, 2, 3))
        envelope = np.sin(np.pi * time_s / duration_s)
        signal[first : first + len(time_s)] += (gain * amplitude_uv * envelope * wave).astype(np.float32)
    return signal


# --- eyes, muscle, heart ------------------------------------------------------------------------------------------

_SACCADES_PER_MIN = {"R": 9.0, "W": 5.0}
_BLINKS_PER_MIN = {"W": 6.0}
_ROLLING_PER_MIN = {"N1": 4.0, "W": 1.5}


def plan_eye_movements(rng: np.random.Generator, bouts: list[tuple[int, int, str]]) -> dict[str, NDArray[np.float64]]:
    """Draw eye movements: `start_s`, `kind` (0 saccade, 1 blink, 2 slow rolling), `amplitude_uv`, `duration_s`."""
    tables = []
    for kind, rates, gap_s, median_uv, sd_log, low_s, high_s in (
        (0, _SACCADES_PER_MIN, 0.6, 55.0, 0.45, 0.04, 0.09),
        (1, _BLINKS_PER_MIN, 0.8, 90.0, 0.30, 0.25, 0.40),
        (2, _ROLLING_PER_MIN, 5.0, 40.0, 0.35, 2.0, 4.0),
    ):
        start_s = _draw_times(rng, bouts, rates, gap_s)
        n = len(start_s)
        amplitude_uv = np.minimum(median_uv * np.exp(sd_log * rng.standard_normal(n)), 220.0)
        sign = np.ones(n) if kind == 1 else rng.choice([-1.0, 1.0], n)
        tables.append(np.stack([start_s, np.full(n, kind), sign * amplitude_uv, rng.uniform(low_s, high_s, n)]))
    table = np.concatenate(tables, axis=1)
    table = table[:, np.argsort(table[0], kind="stable")]
    return dict(zip(("start_s", "kind", "amplitude_uv", "duration_s"), table, strict=True))


def make_eye_movements(
    movements: Mapping[str, NDArray[np.float64]], gain: float, n_samples: int, rate_hz: int
) -> Array:
    """Return the eye movements in one channel, µV; `gain` is 1 or -1 at the eyes, small in front, ~0 behind.

    A saccade is a fast step that the amplifier's high-pass lets decay, a blink a pulse, slow rolling half a sine.
    """
    signal = np.zeros(n_samples, dtype=np.float32)
    columns = (movements["start_s"], movements["kind"], movements["amplitude_uv"], movements["duration_s"])
    for start_s, kind, amplitude_uv, duration_s in zip(*columns, strict=True):
        first = int(np.ceil(start_s * rate_hz))
        shown_s = 1.6 if kind == 0 else duration_s
        time_s = (np.arange(first, min(first + int(shown_s * rate_hz), n_samples)) / rate_hz) - start_s
        if kind == 0:
            wave = np.minimum(time_s / duration_s, 1) * np.exp(-time_s / 0.4) * np.minimum((1.6 - time_s) / 0.4, 1)
        else:
            wave = np.sin(np.pi * time_s / duration_s) ** (2 if kind == 1 else 1)
            wave = wave if kind == 1 else np.sin(2 * np.pi * time_s / duration_s)
        signal[first : first + len(time_s)] += (gain * amplitude_uv * wave).astype(np.float32)
    return signal


_FLOOR_UV = 1.5  # slow potentials of skin and electrodes, in every stage
_TONE_UV = {"W": 11.0, "N1": 6.5, "N2": 4.0, "N3": 3.5, "R": 1.8}


def make_muscle_tone(
    streams: Streams, channel: str, stages: NDArray[np.int8], bouts: list[tuple[int, int, str]], rate_hz: int
) -> Array:
    """Return the chin EMG, µV: 10-100 Hz noise whose level falls from wake to REM sleep, with short twitches."""
    rng = streams("muscle", channel)
    segment_s = EPOCH_S + OVERLAP_S
    top_hz = min(100.0, rate_hz / 2)
    n_bins = int(min(top_hz, SHARED_BINS_HZ) * segment_s)
    coefficients = draw_coefficients(rng, len(stages), n_bins)
    if top_hz > SHARED_BINS_HZ:
        more = draw_coefficients(streams("muscle above 48 Hz", channel), len(stages), int(top_hz * segment_s) - n_bins)
        coefficients = np.concatenate([coefficients, more], axis=1)
    frequencies_hz = np.arange(coefficients.shape[1]) / segment_s
    tone_density = (frequencies_hz / 10) ** 4 / (1 + (frequencies_hz / 10) ** 4) / (1 + (frequencies_hz / 60) ** 2) / 50
    scale = np.float32(segment_s * rate_hz / 2 / np.sqrt(segment_s))
    floor_uv2_hz = (0.55 * _FLOOR_UV**2 / (frequencies_hz**2 + 0.25)).astype(np.float32)
    tone_uv = np.array([_TONE_UV[s] for s in STAGES])[stages] * np.exp(0.12 * rng.standard_normal(len(stages)))
    for number, tone in enumerate(tone_uv):
        coefficients[number] *= scale * np.sqrt(floor_uv2_hz + tone**2 * tone_density)
    signal = join_epochs(coefficients, rate_hz)
    for start_s in _draw_times(rng, bouts, {"W": 2.0, "N1": 0.5, "R": 1.0}, 3.0):
        first = int(start_s * rate_hz)
        n = min(int(rng.uniform(0.1, 0.6) * rate_hz), len(signal) - first)
        signal[first : first + n] *= 1 + rng.uniform(1, 4) * np.hanning(n).astype(np.float32)
    return signal


_WAVES_OF_THE_HEART = (
    (-0.18, 0.025, 90.0),
    (-0.03, 0.010, -90.0),
    (0.0, 0.011, 900.0),
    (0.03, 0.011, -180.0),
    (0.25, 0.045, 220.0),
)  # P, Q, R, S, T: seconds from R, width s, µV


def make_heartbeat(rng: np.random.Generator, n_samples: int, rate_hz: int) -> Array:
    """Return a plain ECG, µV: 60 beats a minute with respiratory variation."""
    n_beats = int(n_samples / rate_hz * 1.3) + 10
    breath = 0.05 * np.sin(2 * np.pi * np.arange(n_beats) / 4.3)
    interval_s = np.clip(1.0 + 0.03 * rng.standard_normal(n_beats) + breath, 0.8, 1.3)
    span = np.arange(-int(0.3 * rate_hz), int(0.45 * rate_hz))  # shorter than any interval: beats never overlap
    beats = np.rint(np.cumsum(interval_s) * rate_hz).astype(np.int64)
    beats = beats[beats < n_samples]
    template = np.zeros(len(span))
    for at_s, width_s, amplitude_uv in _WAVES_OF_THE_HEART:
        template += amplitude_uv * np.exp(-0.5 * ((span / rate_hz - at_s) / width_s) ** 2)
    signal = np.zeros(n_samples + rate_hz, dtype=np.float32)
    signal[beats[:, None] + span] = template
    return signal[:n_samples]
