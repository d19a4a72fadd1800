"""What artefact rules cost: the share of NREM, of slow-wave activity and of slow waves that each of them removes.

A rule that removes more in one condition than in the other is itself a finding, so every rule is accounted for, and
the result is also given at limits halved and doubled.
"""

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.tables.results_tables import NIGHT_REJECTION

ANY = "any"
OTHER_LIMITS = {f"limits x {factor:g}": factor for factor in (0.5, 2.0)}  # halved is stricter; by the name of the rule
Bools = NDArray[np.bool_]


def account_for_rules(
    samples: Mapping[str, Bools],
    by_window: Mapping[str, Bools],
    nrem_samples: Bools,
    nrem_windows: Bools,
    slow_power: NDArray[np.float64],
    waves: NDArray[np.int64],
) -> list[tuple[str, float, float, float, int, float, float]]:
    """Shares that each rule, and all together, remove of one channel.

    Parameters
    ----------
    samples, by_window : dict of str to ndarray of bool
        Unusable samples and windows, by rule.
    nrem_samples, nrem_windows : ndarray of bool
        Where N2 and N3 are.
    slow_power : ndarray, shape (n_windows,)
        Slow-wave activity of each window, µV².
    waves : ndarray of int, shape (n_waves, 2)
        First and end sample of the slow waves of N2 and N3 on the whole signal, before any is left out.

    Returns
    -------
    list of tuple
        Rule, share of NREM time, of SWA summed over windows (the artefact's own power among it), of slow waves, and
        the number of slow waves before; NaN for the ratios, which are those of other limits (`compare_limits`).
    """
    total = max(int(np.count_nonzero(nrem_samples)), 1)
    power = float(slow_power[nrem_windows].sum())
    masks = dict(samples) | {ANY: reduce(np.logical_or, samples.values())}
    windows = dict(by_window) | {ANY: reduce(np.logical_or, by_window.values())}
    rows = []
    for rule, mask in masks.items():
        swa_share = float(slow_power[nrem_windows & windows[rule]].sum()) / power if power > 0 else np.nan
        wave_share = float(touched(waves, mask).mean()) if len(waves) else np.nan
        nrem_share = float(count_both(mask, nrem_samples)) / total
        rows.append((rule, nrem_share, swa_share, wave_share, len(waves), np.nan, np.nan))
    return rows


def compare_limits(
    usable: tuple[Bools, Bools],
    other: tuple[Bools, Bools],
    nrem_samples: Bools,
    window_epochs: NDArray[np.int64],
    slow_power: NDArray[np.float64],
    waves: NDArray[np.int64],
) -> tuple[float, float]:
    """SWA and wave density of N2+N3 with other limits, as ratios to those with the limits in use.

    Parameters
    ----------
    usable, other : tuple of ndarray of bool
        Usable samples and windows with the limits in use, and with the others.
    nrem_samples : ndarray of bool
        Samples of N2 and N3.
    window_epochs : ndarray of int, shape (n_windows,)
        NREM epoch of each window, -1 for windows to leave out.
    slow_power, waves
        As in `account_for_rules`.
    """
    swa, density = [], []
    for good, windows in (usable, other):
        kept = windows & (window_epochs >= 0)
        counts = np.bincount(window_epochs[kept])
        sums = np.bincount(window_epochs[kept], slow_power[kept])
        swa.append(float((sums[counts > 0] / counts[counts > 0]).mean()) if kept.any() else np.nan)
        minutes = np.count_nonzero(good & nrem_samples)
        left = len(waves) - int(touched(waves, ~good).sum())
        density.append(left / minutes if minutes else np.nan)
    return tuple(new / old if old > 0 else np.nan for old, new in (swa, density))  # type: ignore[return-value]


def lost_waves_share(rows: Sequence[tuple[object, ...]]) -> float | None:
    """Share of the slow waves that all rules together remove; None where there was no wave."""
    share = next((float(str(row[3])) for row in rows if row[0] == ANY), np.nan)
    return None if np.isnan(share) else share


def clipped_share(rows: Sequence[tuple[object, ...]]) -> float:
    """Share of the slow waves that are clipped, or of NREM where that is more."""
    shares = next(([float(str(row[1])), float(str(row[3]))] for row in rows if row[0] == "clipped"), [0.0])
    return round(max(share for share in (*shares, 0.0) if not np.isnan(share)), 4)


def count_both(mask: Bools, others: Bools) -> int:
    """How many samples both masks mark; `mask` marks few, most often none."""
    return int(np.count_nonzero(others[np.flatnonzero(mask)]))


def touched(waves: NDArray[np.int64], mask: Bools) -> Bools:
    """Which waves hold a True sample."""
    marked = np.flatnonzero(mask)
    return np.asarray(np.searchsorted(marked, waves[:, 1]) > np.searchsorted(marked, waves[:, 0]))


def rejection_table(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    """Rows as the table of a night (`NIGHT_REJECTION`)."""
    return NIGHT_REJECTION.frame(rows)
