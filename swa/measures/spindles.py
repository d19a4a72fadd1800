"""Sleep spindles of N2 and N3 of one channel, found by YASA."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.settings import SpindleSettings

STAGES = ("N2", "N3")
SPINDLE_COLUMNS = (
    "stage",
    "start_s",
    "peak_s",
    "end_s",
    "duration_s",
    "amplitude_uv",
    "amplitude_broad_uv",
    "frequency_hz",
    "oscillations",
    "relative_power",
)
# YASA smooths its criteria over 0.1 s, so an event that a mask has cut may end that much before the edge.
EDGE_S = 0.1
# Signal kept before and after each stretch of analysed time, for the filters to settle.
MARGIN_S = 10.0
# Its mirror image at the edges of a gap: more than half of YASA's filters (2.2 s) and windows (2 s).
MIRROR_S = 5.0
# Windows of the spectrogram that are made at once, one every 0.2 s.
FRAMES_AT_ONCE = 3000
# Outside this standard deviation (of the middle 90 % of the samples, µV) YASA refuses a signal, as one in another unit,
# and answers as if there were no spindle.
POSSIBLE_SD_UV = (0.1, 1000.0)


@dataclass(frozen=True, kw_only=True)
class Spindles:
    """Spindles of one channel.

    Attributes
    ----------
    table : DataFrame
        One row per spindle (`SPINDLE_COLUMNS`): times in s from the first sample; `amplitude_uv` peak to peak of the
        sigma trace; `amplitude_broad_uv` peak to peak of the broad-band trace, which slow waves inflate.
    analysed_min : dict of str to float
        Usable minutes of N2 and N3.
    reason : str
        Why spindles were not looked for; empty where they were, also when none was there.
    """

    table: pd.DataFrame = field(repr=False)
    analysed_min: dict[str, float]
    reason: str = ""


def detect_spindles(
    signal_uv: NDArray[np.floating],
    usable: NDArray[np.bool_],
    stages: NDArray[np.str_],
    epoch_s: float,
    rate_hz: float,
    settings: SpindleSettings | None = None,
    pieces: Sequence[tuple[int, int]] | None = None,
) -> Spindles:
    """Find the spindles of N2 and N3 in one channel.

    Parameters
    ----------
    signal_uv : ndarray, shape (n_samples,)
        Signal, µV.
    usable : ndarray of bool, shape (n_samples,)
        Samples without artefact.
    stages : ndarray of str, shape (n_epochs,)
        W, N1, N2, N3, R or UNS.
    epoch_s, rate_hz : float
        Length of an epoch in s, rate of the signal in Hz.
    settings : SpindleSettings, optional
        The detector.
    pieces : sequence of (int, int), optional
        First and end sample of each uninterrupted piece; by default the whole signal is one.

    Returns
    -------
    Spindles
        Only spindles that lie in usable N2 or N3 from start to end, with the stage of their peak.

    Raises
    ------
    ValueError
        `usable` is not as long as the signal.

    Notes
    -----
    `yasa.spindles_detect` (Vallat & Walker 2021, eLife 10:e70092; after Lacourse 2018, J Neurosci Methods 316:3): share
    of sigma power, correlation of the sigma and the broad trace, and moving RMS. The limit of the RMS is relative to
    the usable N2 and N3 of this night, so a drug that makes all spindles larger shows in `spindle_amplitude` and
    hardly in `spindle_density`. A gain does not change the density as long as the RMS limit stays below 10 µV, where
    YASA caps it.

    Departure from YASA: sigma power and correlation refer to 4.5-30 Hz, not 1-30 Hz. Against a band that holds the slow
    waves, more slow-wave activity alone takes spindles away: on a real NREM cycle, slow waves x 1.3 leave 61 of 97
    spindles with 1-30 Hz, and 187 of 191 with 4.5-30 Hz.
    """
    from yasa.others import trimbothstd

    settings = settings or SpindleSettings()
    signal = np.asarray(signal_uv)
    if len(usable) != len(signal):
        raise ValueError(f"{len(usable)} usable flags for {len(signal)} samples")
    stage_of_sample = _stage_of_samples(stages, epoch_s, rate_hz, len(signal))
    analysed = usable & (stage_of_sample >= 0)
    minutes = {
        stage: float(np.sum(analysed & (stage_of_sample == place))) / rate_hz / 60 for place, stage in enumerate(STAGES)
    }
    reason = why_not(sum(minutes.values()), rate_hz, settings)
    if not reason and not np.isfinite(signal).all():
        reason = "the signal has missing samples"
    if reason:
        return no_spindles(minutes, reason)
    stretches = _stretches(analysed, round(MARGIN_S * rate_hz))
    inside = [
        (max(a, first), min(b, end))
        for a, b in pieces or [(0, len(signal))]
        for first, end in stretches
        if max(a, first) < min(b, end)
    ]
    apart, source = _set_apart(signal, inside, round(rate_hz))
    inside_yasa = analysed[source] & (source >= 0)
    begins = np.flatnonzero((source >= 0) & (np.diff(source, prepend=-2) != 1))  # of the pieces, among those set apart
    shifts = source[begins] - begins
    scatter_uv = float(trimbothstd(apart[source >= 0], cut=0.05))
    if not POSSIBLE_SD_UV[0] < scatter_uv < POSSIBLE_SD_UV[1]:
        reason = f"a standard deviation of {scatter_uv:.3g} µV in N2 and N3: no EEG"
        return no_spindles(minutes, reason)
    del signal, signal_uv, source  # YASA's detector is the peak of memory of a whole night
    table = _to_table(_run_yasa(apart, inside_yasa, rate_hz, settings), begins, shifts, rate_hz)
    kept = table[_wholly_inside(table, analysed, rate_hz)].reset_index(drop=True)
    peak = np.minimum((kept["peak_s"].to_numpy() * rate_hz).astype(int), len(usable) - 1)
    kept["stage"] = np.array(STAGES)[stage_of_sample[peak]]
    return Spindles(table=kept, analysed_min=minutes)


def no_spindles(analysed_min: dict[str, float], reason: str) -> Spindles:
    """What stands for a channel in which spindles were not looked for."""
    return Spindles(table=_empty(), analysed_min=analysed_min, reason=reason)


def summarize_spindles(table: pd.DataFrame, minutes: float, reason: str = "") -> dict[str, tuple[float, str, int, str]]:
    """Summary of the spindles of a stretch of the night.

    Parameters
    ----------
    table : DataFrame
        Spindles of the stretch (rows of `Spindles.table`).
    minutes : float
        Usable N2 and N3 of the stretch.
    reason : str
        Why spindles were not looked for (`Spindles.reason`, or the stretch's own); empty where they were.

    Returns
    -------
    dict of str to (float, str, int, str)
        Value, unit, number of spindles and note: `spindle_density` per usable minute, 0 where there was none;
        `spindle_amplitude`, mean peak to peak of the sigma trace, and `spindle_frequency`, mean of the spindles' median
        instantaneous frequencies: NaN where there was none. All NaN where nothing was looked for.
    """
    units = {"spindle_density": "1/min", "spindle_amplitude": "µV", "spindle_frequency": "Hz"}
    if not reason and minutes <= 0:
        reason = "no usable N2 or N3"
    if reason:
        return {name: (float("nan"), unit, 0, reason) for name, unit in units.items()}
    n = len(table)
    means = {
        "spindle_amplitude": float(table["amplitude_uv"].mean()) if n else float("nan"),
        "spindle_frequency": float(table["frequency_hz"].mean()) if n else float("nan"),
    }
    note = "" if n else "no spindle there"
    rows: dict[str, tuple[float, str, int, str]] = {"spindle_density": (n / minutes, units["spindle_density"], n, "")}
    return rows | {name: (value, units[name], n, note) for name, value in means.items()}


def why_not(minutes: float, rate_hz: float, settings: SpindleSettings) -> str:
    """Why spindles are not looked for in so many minutes of usable N2 and N3; empty where they are."""
    if minutes < settings.minimum_min:
        return f"{minutes:.1f} min of usable N2 and N3, {settings.minimum_min:g} are needed"
    highest_hz = max(settings.broad_hz[1], settings.band_hz[1] + 1.5)
    if rate_hz <= 2 * highest_hz:
        return f"a rate of {rate_hz:g} Hz, more than {2 * highest_hz:g} is needed"
    return ""


def _run_yasa(
    signal: NDArray[np.float64], analysed: NDArray[np.bool_], rate_hz: float, settings: SpindleSettings
) -> pd.DataFrame | None:
    import yasa

    # Correlations of flat stretches are divided by zero.
    with _short_spectrograms(), np.errstate(invalid="ignore", divide="ignore"):
        found = yasa.spindles_detect(
            signal,
            sf=rate_hz,
            hypno=analysed.astype(np.int8),
            include=(1,),
            freq_sp=settings.band_hz,
            freq_broad=settings.broad_hz,
            duration=settings.duration_s,
            min_distance=round(settings.merge_s * 1000),
            thresh={"rel_pow": settings.relative_power, "corr": settings.correlation, "rms": settings.rms_sd},
            verbose="critical",
        )
    _forget_transforms()
    return None if found is None else found.summary()


@contextmanager
def _short_spectrograms() -> Iterator[None]:
    """Let YASA make the spectrogram of a night in stretches: the same numbers, and nearly 200 MB less at its peak.

    A stretch begins at a multiple of the step and has half a window more at both ends, so that each of its windows
    holds the samples that it holds in the whole night. Wherever YASA asks for anything else, its own function answers.
    """
    from yasa import detection

    whole: Callable[..., tuple[NDArray[np.float64], ...]] = detection.stft_power

    def in_stretches(
        data: NDArray[np.float64],
        sf: float,
        window: float,
        step: float,
        *,
        interp: bool,
        norm: bool,
        band: tuple[float, float],
    ) -> tuple[NDArray[np.float64], ...]:
        samples, hop = int(window * sf), int(window * sf) - int(int(window * sf) - step * sf)
        half, length = samples // 2, FRAMES_AT_ONCE * hop
        if interp or norm or samples % 2 or len(data) <= 2 * length:
            return whole(data, sf, window=window, step=step, band=band, interp=interp, norm=norm)
        before = -(-half // hop)  # steps, so that what stands before a stretch moves none of its windows
        powers: list[NDArray[np.float64]] = []
        for first in range(0, len(data), length):
            lead = min(before, first // hop)
            ends = first + 2 * length > len(data)
            piece = data[first - lead * hop : len(data) if ends else first + length + half]
            f, _, power = whole(piece, sf, window=window, step=step, band=band, interp=False, norm=False)
            powers.append(power[:, lead:] if ends else power[:, lead : lead + FRAMES_AT_ONCE])
            if ends:
                break
        joined = np.concatenate(powers, axis=1)
        return f, (half + np.arange(joined.shape[1]) * hop) / sf - half / sf, joined  # rounded as scipy does

    detection.stft_power = in_stretches
    try:
        yield
    finally:
        detection.stft_power = whole


def _forget_transforms() -> None:
    """Push YASA's Hilbert transform out of scipy's memory.

    scipy before 1.18 keeps the tables of the last 16 lengths of each kind of transform: 44 MB for a night, each of
    another length.
    """
    from scipy.fft import ifft, rfft

    for length in range(2, 18):
        rfft(np.ones(length))
        ifft(np.ones(length, complex))


def _stretches(analysed: NDArray[np.bool_], margin: int) -> list[tuple[int, int]]:
    """First and end sample of each stretch with analysed time, a margin around it; those that touch are one.

    What lies between them, most of the wake and REM sleep, is a third of the detector's work.
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], analysed, [False])).astype(np.int8))).reshape(-1, 2)
    first, end = np.maximum(edges[:, 0] - margin, 0), np.minimum(edges[:, 1] + margin, len(analysed))
    apart = np.flatnonzero(first[1:] > end[:-1]) + 1
    starts, ends = np.concatenate(([0], apart)), np.concatenate((apart, [len(edges)])) - 1
    return [(int(a), int(b)) for a, b in zip(first[starts], end[ends], strict=True)]


def _set_apart(
    signal: NDArray[np.floating], pieces: Sequence[tuple[int, int]], step: int
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Pieces one after the other, with their own mirror images between them, so that no filter or window joins two.

    Each piece stands where it stood, modulo `step` samples: the windows of YASA, every 0.2 s, fall as without the gap.
    Also returned is the sample of the signal that each sample is, -1 in a mirror image.
    """
    margin = round(MIRROR_S * step)
    parts, source, place = [], [], 0
    for i, (first, end) in enumerate(pieces):
        before = margin + (first - pieces[0][0] - place - margin) % step if i else 0
        after = margin if i < len(pieces) - 1 else 0
        parts.append(np.pad(signal[first:end], (before, after), mode="reflect"))
        source.append(np.pad(np.arange(first, end, dtype=np.int32), (before, after), constant_values=-1))
        place += len(parts[-1])
    return np.concatenate(parts, dtype=np.float64), np.concatenate(source)


def _to_table(
    found: pd.DataFrame | None, begins: NDArray[np.int64], shifts: NDArray[np.int64], rate_hz: float
) -> pd.DataFrame:
    """Spindles at their places in the signal: each piece stands `shifts` samples later there than where it begins."""
    if found is None or found.empty:
        return _empty()
    # A spindle lies within one piece, as only those are analysed; its times move with the sample of its peak.
    peak = np.rint(found["Peak"].to_numpy() * rate_hz).astype(int)
    offset_s = shifts[np.searchsorted(begins, peak, side="right") - 1] / rate_hz
    return pd.DataFrame(
        {
            "stage": "",
            "start_s": found["Start"] + offset_s,
            "peak_s": found["Peak"] + offset_s,
            "end_s": found["End"] + offset_s,
            "duration_s": found["Duration"],
            "amplitude_uv": found["AmpFiltered"],
            "amplitude_broad_uv": found["Amplitude"],
            "frequency_hz": found["Frequency"],
            "oscillations": found["Oscillations"].astype(int),
            "relative_power": found["RelPower"],
        }
    )


def _empty() -> pd.DataFrame:
    columns = {column: pd.Series(dtype=float) for column in SPINDLE_COLUMNS}
    return pd.DataFrame(columns | {"stage": pd.Series(dtype=str), "oscillations": pd.Series(dtype=int)})


def _wholly_inside(table: pd.DataFrame, analysed: NDArray[np.bool_], rate_hz: float) -> NDArray[np.bool_]:
    """Spindles whose every sample, and the edge's width around them, is analysed."""
    outside = np.concatenate(([0], np.cumsum(~analysed)))
    first = np.floor((table["start_s"].to_numpy() - EDGE_S) * rate_hz).astype(int)
    end = np.ceil((table["end_s"].to_numpy() + EDGE_S) * rate_hz).astype(int) + 1
    within = (first >= 0) & (end <= len(analysed))
    first, end = np.clip(first, 0, len(analysed)), np.clip(end, 0, len(analysed))
    return np.asarray(within & (outside[end] == outside[first]))


def _stage_of_samples(stages: NDArray[np.str_], epoch_s: float, rate_hz: float, n_samples: int) -> NDArray[np.int8]:
    """Place in `STAGES` of the stage of each sample, -1 for all others."""
    codes = np.full(len(stages) + 1, -1, np.int8)  # the last is that of samples after the last epoch
    for place, stage in enumerate(STAGES):
        codes[:-1][np.asarray(stages) == stage] = place
    epoch = (np.arange(n_samples) / (epoch_s * rate_hz)).astype(np.int32)
    return codes[np.minimum(epoch, len(stages), out=epoch)]
