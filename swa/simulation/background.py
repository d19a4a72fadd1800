"""What each electrode of a simulated night sees, and the background EEG.

The background follows measured spectra: a broken power law per stage (the exponent steepens from wake to N3: Lendner
2020, doi:10.7554/eLife.55092) with alpha and theta peaks, synthesised per 30-s epoch in the frequency domain. Slow
waves, spindles and eye movements are single events on top (`simulated_waves`, `simulated_events`), so that their truth
is known exactly.

The coefficients below 48 Hz are drawn in the same order whatever the sampling rate, so that one seed is one night, at
100 Hz as at 512 Hz.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

__all__ = [
    "EPOCH_S",
    "SLOW_EDGE_HZ",
    "STAGES",
    "Site",
    "background_spectrum",
    "draw_bounded",
    "draw_coefficients",
    "draw_common_background",
    "find_site",
    "join_epochs",
    "make_background",
]

Array = NDArray[np.float32]
Streams = Callable[..., np.random.Generator]  # streams("component", "channel") -> an independent generator

STAGES = ("W", "N1", "N2", "N3", "R")
EPOCH_S = 30
OVERLAP_S = 2  # neighbouring epochs cross-fade over this time, at constant power
SLOW_EDGE_HZ = 4.0  # what lies below follows Process S and the effect of the night
SLOW_FADE_HZ = 1.0  # ... fading out over this width above the edge, so that 0.5-4 Hz scales exactly
SHARED_SHARE = 0.6  # of the power, that all EEG and EOG channels have in common
SHARED_BINS_HZ = 48.0  # the EEG is low-passed below the Nyquist frequency of the slowest rate (100 Hz)


@dataclass(frozen=True, kw_only=True)
class Site:
    """What an electrode sees of the sources: amplitude gains (1 = frontal maximum) and the delay of slow waves."""

    kind: str  # "eeg", "eog", "emg" or "ecg"
    slow: float = 0.0
    spindle: float = 0.0
    alpha: float = 0.0
    eye: float = 0.0
    delay_s: float = 0.0


def _eeg(slow: float, spindle: float, alpha: float, eye: float, delay_s: float) -> Site:
    return Site(kind="eeg", slow=slow, spindle=spindle, alpha=alpha, eye=eye, delay_s=delay_s)


# Slow waves are largest in front and travel backwards (Massimini 2004, doi:10.1523/JNEUROSCI.1318-04.2004).
_REGIONS = {
    "FP": _eeg(0.95, 0.55, 0.60, 0.35, 0.000),
    "F": _eeg(1.00, 0.80, 0.70, 0.08, 0.000),
    "C": _eeg(0.88, 1.00, 0.85, 0.03, 0.015),
    "T": _eeg(0.65, 0.60, 0.80, 0.04, 0.020),
    "P": _eeg(0.75, 0.90, 1.10, 0.02, 0.030),
    "O": _eeg(0.58, 0.50, 1.40, 0.01, 0.040),
}
_LEFT_EYE = Site(kind="eog", slow=0.85, spindle=0.2, alpha=0.45, eye=1.0, delay_s=0.0)
_RIGHT_EYE = Site(kind="eog", slow=0.85, spindle=0.2, alpha=0.45, eye=-1.0, delay_s=0.0)


def find_site(channel: str) -> Site:
    """Return what the electrode named by `channel` ("F3-M2", "E1-M2", "Chin", "ECG") sees.

    Conjugate eye movements have opposite signs in the two EOG channels when these refer to a mastoid or ear lobe.

    Raises
    ------
    ValueError
        If the name is not that of an EEG electrode of the 10-20 system, an EOG, the chin EMG or the ECG.
    """
    name, _, reference = channel.upper().partition("-")
    if name.startswith(("CHIN", "EMG")):
        return Site(kind="emg")
    if name.startswith(("ECG", "EKG")):
        return Site(kind="ecg")
    if name in ("E1", "LOC", "EOG1"):
        return _LEFT_EYE
    if name in ("E2", "ROC", "EOG2"):
        opposite = reference.startswith(("M", "A")) or not reference
        return _RIGHT_EYE if opposite else _LEFT_EYE
    region, place = name.rstrip("0123456789Z"), name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXY")
    if region in _REGIONS and place:
        return _REGIONS[region]
    raise ValueError(
        f"channel {channel!r} cannot be simulated: expected an EEG derivation such as 'F3-M2' or 'O1' "
        "(electrodes Fp, F, C, T, P, O), 'E1-M2' or 'E2-M1', 'Chin' or 'ECG'; rename or leave out the channel"
    )


def draw_bounded(
    rng: np.random.Generator, n: int, median: float, sd_log: float, low: float, high: float
) -> NDArray[np.float64]:
    """Draw from a log-normal distribution, drawn in to its limits."""
    return np.clip(median * np.exp(sd_log * rng.standard_normal(n)), low, high)


# --- background ---------------------------------------------------------------------------------------------------

# Density of the background (µV²/Hz) without slow waves and spindles, at a frontal site. Levels after 30-s spectra of
# scored sleep (one C3-A2 cycle, three DREAMS excerpts).
_SPECTRUM_HZ = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 16.0, 20.0, 25.0, 30.0, 40.0, 48.0)
_SPECTRA_UV2_HZ = {
    "W": (60.0, 40.0, 20.0, 10.0, 4.5, 2.6, 1.5, 1.3, 1.2, 1.1, 0.9, 0.6, 0.4),
    "N1": (50.0, 44.0, 28.0, 15.0, 7.5, 3.2, 1.2, 0.8, 0.7, 0.45, 0.25, 0.12, 0.06),
    "N2": (20.0, 28.0, 28.0, 20.5, 7.8, 3.0, 1.9, 0.6, 0.2, 0.1, 0.06, 0.03, 0.02),
    "N3": (130.0, 210.0, 200.0, 120.0, 19.5, 3.6, 1.1, 0.33, 0.15, 0.09, 0.05, 0.03, 0.015),
    "R": (30.0, 30.0, 18.0, 11.0, 5.8, 2.6, 1.0, 0.68, 0.6, 0.3, 0.14, 0.05, 0.03),
}
# stage: (centre Hz, width Hz, height µV²/Hz at 10-20 sites of gain 1, scaled by the site's alpha gain)
_PEAKS = {
    "W": ((10.0, 0.9, 14.0),),
    "N1": ((6.0, 1.2, 3.0), (9.5, 1.0, 2.0)),
    "N2": ((9.5, 1.0, 0.8),),
    "N3": (),
    "R": ((6.0, 1.3, 0.7), (9.5, 1.0, 0.7)),
}
_CONTROL_BANDS_HZ = {"W": (4.0, 30.0), "N1": (20.0, 30.0), "N2": (20.0, 30.0), "N3": (20.0, 30.0), "R": (4.0, 10.0)}


def _band_edges(frequencies_hz: NDArray[np.float64], low_hz: float, high_hz: float) -> NDArray[np.float64]:
    """Return 1 inside the band, 0 outside, with half-hertz flanks outside of it."""
    rise = np.clip((frequencies_hz - low_hz) / 0.5 + 1, 0, 1)
    fall = np.clip((high_hz - frequencies_hz) / 0.5 + 1, 0, 1)
    return rise * fall


def background_spectrum(
    stage: str, site: Site, frequencies_hz: NDArray[np.float64], control_gain: float = 1.0
) -> NDArray[np.float64]:
    """Return the background's power density of a stage at a site, µV²/Hz.

    `control_gain` is the night's power ratio in the stage's control band (REM 4-10, quiet wake 4-30, NREM 20-30 Hz).
    """
    safe_hz = np.maximum(frequencies_hz, _SPECTRUM_HZ[0])
    density = np.exp(np.interp(np.log(safe_hz), np.log(_SPECTRUM_HZ), np.log(_SPECTRA_UV2_HZ[stage])))
    slow = np.clip((SLOW_EDGE_HZ + SLOW_FADE_HZ - frequencies_hz) / SLOW_FADE_HZ, 0, 1)
    density *= 1 + (site.slow**2 - 1) * slow
    for centre_hz, width_hz, height in _PEAKS[stage]:
        density += height * site.alpha**2 * np.exp(-0.5 * ((frequencies_hz - centre_hz) / width_hz) ** 2)
    density *= 1 + (control_gain - 1) * _band_edges(frequencies_hz, *_CONTROL_BANDS_HZ[stage])
    # the amplifier: first-order high-pass at 0.3 Hz, low-pass at 45 Hz, as sleep laboratories set it
    density *= frequencies_hz**2 / (frequencies_hz**2 + 0.3**2) / (1 + (frequencies_hz / 45.0) ** 8)
    return np.asarray(density)


def draw_coefficients(rng: np.random.Generator, n_epochs: int, n_bins: int) -> NDArray[np.complex64]:
    """Draw white noise as complex Fourier coefficients, one row an epoch."""
    pairs = rng.standard_normal((n_epochs, n_bins, 2), dtype=np.float32)
    return pairs.view(np.complex64)[..., 0]


def join_epochs(coefficients: NDArray[np.complex64], rate_hz: int) -> Array:
    """Turn one spectrum per epoch into one signal, neighbouring epochs cross-fading at constant power."""
    segment_s = EPOCH_S + OVERLAP_S
    segments = fft.irfft(coefficients, n=segment_s * rate_hz, axis=1)
    n_fade, n_half = OVERLAP_S * rate_hz, OVERLAP_S * rate_hz // 2
    fade = np.sin(0.5 * np.pi * (np.arange(n_fade) + 0.5) / n_fade).astype(np.float32)
    segments[1:, :n_fade] *= fade
    segments[:-1, -n_fade:] *= fade[::-1]
    signal = segments[:, n_half:-n_half].copy()
    signal[:-1, -n_half:] += segments[1:, :n_half]
    signal[1:, :n_half] += segments[:-1, -n_half:]
    return np.asarray(signal.reshape(-1), dtype=np.float32)


def draw_common_background(streams: Streams, n_epochs: int) -> NDArray[np.complex64]:
    """Draw the part of the background that all EEG and EOG channels share, for `make_background`."""
    return draw_coefficients(streams("background"), n_epochs, int(SHARED_BINS_HZ * (EPOCH_S + OVERLAP_S)))


def make_background(
    streams: Streams,
    channel: str,
    common: NDArray[np.complex64],
    stages: NDArray[np.int8],
    slow_gain: NDArray[np.float64],
    *,
    rate_hz: int,
    fast_gain: float,
    control_gains: Mapping[str, float],
) -> Array:
    """Return the background EEG of one channel, µV.

    Parameters
    ----------
    streams
        Random streams of the night.
    channel
        Name of the channel.
    common
        What all channels share, from `draw_common_background`.
    stages
        Index into `STAGES` per 30-s epoch.
    slow_gain
        Power ratio below 4 Hz per epoch (Process S, trait, night and effect).
    rate_hz
        Sampling rate.
    fast_gain
        Power ratio above 4 Hz, the same in all stages (trait).
    control_gains
        Per stage, the night's power ratio in its control band.
    """
    site = find_site(channel)
    segment_s = EPOCH_S + OVERLAP_S
    n_bins = int(SHARED_BINS_HZ * segment_s)
    frequencies_hz = np.arange(n_bins) / segment_s
    density = np.stack([background_spectrum(s, site, frequencies_hz, control_gains[s]) for s in STAGES])
    amplitude = np.sqrt(density / segment_s).astype(np.float32) * (segment_s * rate_hz / 2)
    slow = np.clip((SLOW_EDGE_HZ + SLOW_FADE_HZ - frequencies_hz) / SLOW_FADE_HZ, 0, 1).astype(np.float32)
    coefficients = draw_coefficients(streams("background", channel), len(stages), n_bins)
    coefficients *= np.float32(np.sqrt(1 - SHARED_SHARE))
    coefficients += np.float32(np.sqrt(SHARED_SHARE)) * common
    coefficients *= amplitude[stages] * np.float32(np.sqrt(fast_gain))
    n_slow = int((SLOW_EDGE_HZ + SLOW_FADE_HZ) * segment_s) + 1
    excess = (np.sqrt(slow_gain / fast_gain) - 1).astype(np.float32)
    coefficients[:, :n_slow] *= 1 + excess[:, None] * slow[:n_slow]
    return join_epochs(coefficients, rate_hz)
