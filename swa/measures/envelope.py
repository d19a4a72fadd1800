"""Negative envelope of high-density EEG: slow waves wherever on the scalp they are."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.settings import EnvelopeSettings


def negative_envelope(
    filtered_uv: NDArray[np.floating], settings: EnvelopeSettings | None = None
) -> NDArray[np.float64]:
    """Mean of the most negative channels at each sample.

    Parameters
    ----------
    filtered_uv : ndarray, shape (n_channels, n_samples)
        Band-passed traces (`swa.measures.slow_waves.filter_for_waves`) of good channels of the inner scalp: electrodes
        on the face and neck pick up muscle, and are for the caller to leave out.
    settings : EnvelopeSettings, optional
        Share of the channels, and the fewest.

    Returns
    -------
    ndarray, shape (n_samples,)
        µV, with its median taken off.

    Raises
    ------
    ValueError
        There are fewer than four times as many channels as the fewest that are averaged.

    Notes
    -----
    Mensen, Riedner & Tononi 2016 (J Neurosci Methods): a single canonical trace for detection, so that a local wave
    counts as one of the whole scalp. Departure: the median is taken off, because the most negative channels are below
    zero also without a wave (by about two SD of the background), and the half-waves of this package begin at zero
    crossings. Amplitudes of an envelope are therefore not those of a channel: find waves in it, measure them in
    channels.
    """
    settings = settings or EnvelopeSettings()
    filtered = np.asarray(filtered_uv, dtype=np.float64)
    n_channels = len(filtered)
    if n_channels < 4 * settings.fewest_channels:
        raise ValueError(f"{n_channels} channels, {4 * settings.fewest_channels} are needed for a negative envelope")
    taken = max(settings.fewest_channels, round(settings.share * n_channels))
    envelope = np.partition(filtered, taken - 1, axis=0)[:taken].mean(axis=0)
    return envelope - np.median(envelope)


def channels_of_waves(
    filtered_uv: NDArray[np.floating], waves: pd.DataFrame, rate_hz: float, least_uv: float
) -> list[NDArray[np.int64]]:
    """Channels that take part in each wave of an envelope: those below `-least_uv` at some time of its negative half.

    Parameters
    ----------
    filtered_uv : ndarray, shape (n_channels, n_samples)
        The traces that the envelope was made of.
    waves : DataFrame
        Half-waves of the envelope (`swa.measures.slow_waves.detect_in_trace`): `start_s`, `midcrossing_s`.
    rate_hz : float
        Rate of the traces.
    least_uv : float
        Magnitude of the negative amplitude that a channel must reach, µV.
    """
    first = np.floor(waves["start_s"].to_numpy() * rate_hz).astype(int)
    end = np.ceil(waves["midcrossing_s"].to_numpy() * rate_hz).astype(int) + 1
    return [
        np.flatnonzero(filtered_uv[:, start:stop].min(axis=1) <= -least_uv)
        for start, stop in zip(first, end, strict=True)
    ]
