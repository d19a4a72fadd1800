"""Travelling of slow waves: delay and origin across channels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from swa.settings import TravellingSettings

UNITS = {"travel_delay": "s", "travel_origin_share": "1"}


def find_travelling(
    negative_peaks_s: Sequence[NDArray[np.floating]], settings: TravellingSettings | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Waves that several channels have at about the same time, and when each channel has them.

    Parameters
    ----------
    negative_peaks_s : sequence of ndarray, one a channel
        Negative peaks of the slow waves of each channel, s, in order.
    settings : TravellingSettings, optional
        How far apart in time the channels may be, and how many are needed.

    Returns
    -------
    starts_s : ndarray, shape (n_events,)
        Earliest negative peak of each event.
    delays_s : ndarray, shape (n_events, n_channels)
        Delay of each channel behind it, 0 at the origin; NaN in channels that do not take part.

    Notes
    -----
    After Massimini 2004 (J Neurosci 24:6862): the channels' negative peaks within 0.2 s of the earliest are one wave.
    A peak belongs to one event; a channel takes part with its first peak.
    """
    settings = settings or TravellingSettings()
    channel = np.repeat(np.arange(len(negative_peaks_s)), [len(peaks) for peaks in negative_peaks_s])
    times = np.concatenate([np.asarray(peaks, dtype=float) for peaks in (*negative_peaks_s, [])])
    order = np.argsort(times, kind="stable")
    times, channel = times[order], channel[order]
    ends = np.searchsorted(times, times + settings.within_s, side="right")
    starts, rows = [], []
    first = 0
    while first < len(times):
        end = ends[first]
        members, at = np.unique(channel[first:end], return_index=True)
        if len(members) >= settings.fewest_channels:
            delays = np.full(len(negative_peaks_s), np.nan)
            delays[members] = times[first + at] - times[first]
            starts.append(times[first])
            rows.append(delays)
            first = end
        else:
            first += 1
    if not rows:
        return np.empty(0), np.empty((0, len(negative_peaks_s)))
    return np.array(starts), np.array(rows)


def summarize_travelling(
    delays_s: NDArray[np.float64], settings: TravellingSettings | None = None
) -> list[dict[str, tuple[float, str, int, str]]]:
    """Delay and share of origins of each channel over the events of a stretch.

    Parameters
    ----------
    delays_s : ndarray, shape (n_events, n_channels)
        From `find_travelling`.
    settings : TravellingSettings, optional
        Fewest events.

    Returns
    -------
    list of dict of str to (float, str, int, str)
        One per channel: value, unit, events that it takes part in and note of `travel_delay` (mean delay behind the
        origin, s) and `travel_origin_share` (share of those events that begin there; ties count in parts).
    """
    settings = settings or TravellingSettings()
    is_origin = delays_s == 0
    share = is_origin / np.maximum(is_origin.sum(axis=1, keepdims=True), 1)
    found = []
    for column in range(delays_s.shape[1]):
        taking_part = np.isfinite(delays_s[:, column])
        n = int(taking_part.sum())
        few = n < settings.fewest_events
        note = f"{n} waves shared with other channels, {settings.fewest_events} are needed" if few else ""
        values = {
            "travel_delay": np.nan if few else float(delays_s[taking_part, column].mean()),
            "travel_origin_share": np.nan if few else float(share[taking_part, column].mean()),
        }
        found.append({name: (value, UNITS[name], n, note) for name, value in values.items()})
    return found
