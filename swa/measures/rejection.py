"""What artefact rules cost: the share of NREM, of slow-wave activity and of slow waves that each of them removes.

A rule that removes more in one condition than in the other is itself a finding, so every rule is accounted for, and
the result is also given at limits halved and doubled.
"""

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.recordings.spans import Spans
from swa.tables.results_tables import NIGHT_REJECTION

ANY = "any"
OTHER_LIMITS = {f"limits x {factor:g}": factor for factor in (0.5, 2.0)}  # halved is stricter; by the name of the rule
Bools = NDArray[np.bool_]


def account_for_rules(
    samples: Mapping[str, Spans],
    by_window: Mapping[str, Bools],
    nrem: Spans,
    nrem_windows: Bools,
    slow_power: NDArray[np.float64],
    waves: NDArray[np.int64],
) -> list[tuple[str, float, float, float, int, float, float]]:
    """Shares that each rule, and all together, remove of one channel.

    Parameters
    ----------
    samples, by_window : dict of str to Spans, and to ndarray of bool
        Unusable samples and windows, by rule.
    nrem, nrem_windows : Spans, and ndarray of bool
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
    total = max(nrem.n_samples, 1)
    power = float(slow_power[nrem_windows].sum())
    spans = dict(samples) | {ANY: Spans.joined(each.edges for each in samples.values())}
    windows = dict(by_window) | {ANY: reduce(np.logical_or, by_window.values())}
    rows = []
    for rule, marked in spans.items():
        swa_share = float(slow_power[nrem_windows & windows[rule]].sum()) / power if power > 0 else np.nan
        wave_share = float(marked.touch(*waves.T).mean()) if len(waves) else np.nan
        nrem_share = marked.shared(nrem) / total
        rows.append((rule, nrem_share, swa_share, wave_share, len(waves), np.nan, np.nan))
    return rows


def compare_limits(
    known: tuple[Spans, Bools],
    other: tuple[Spans, Bools],
    nrem: Spans,
    window_epochs: NDArray[np.int64],
    slow_power: NDArray[np.float64],
    waves: NDArray[np.int64],
) -> tuple[float, float]:
    """SWA and wave density of N2+N3 with other limits, as ratios to those with the limits in use.

    Parameters
    ----------
    known, other : tuple of Spans and ndarray of bool
        Unusable samples and windows with the limits in use, and with the others.
    nrem : Spans
        Samples of N2 and N3.
    window_epochs : ndarray of int, shape (n_windows,)
        NREM epoch of each window, -1 for windows to leave out.
    slow_power, waves
        As in `account_for_rules`.
    """
    swa, density = [], []
    for unusable, windows in (known, other):
        kept = ~windows & (window_epochs >= 0)
        counts = np.bincount(window_epochs[kept])
        sums = np.bincount(window_epochs[kept], slow_power[kept])
        swa.append(float((sums[counts > 0] / counts[counts > 0]).mean()) if kept.any() else np.nan)
        n_usable = nrem.n_samples - unusable.shared(nrem)
        left = len(waves) - int(unusable.touch(*waves.T).sum())
        density.append(left / n_usable if n_usable else np.nan)
    return tuple(new / old if old > 0 else np.nan for old, new in (swa, density))  # type: ignore[return-value]


def lost_waves_share(rows: Sequence[tuple[object, ...]]) -> float | None:
    """Share of the slow waves that all rules together remove; None where there was no wave."""
    share = next((float(str(row[3])) for row in rows if row[0] == ANY), np.nan)
    return None if np.isnan(share) else share


def clipped_share(rows: Sequence[tuple[object, ...]]) -> float:
    """Share of the slow waves that are clipped, or of NREM where that is more."""
    shares = next(([float(str(row[1])), float(str(row[3]))] for row in rows if row[0] == "clipped"), [0.0])
    return round(max(share for share in (*shares, 0.0) if not np.isnan(share)), 4)


def rejection_table(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    """Rows as the table of a night (`NIGHT_REJECTION`)."""
    return NIGHT_REJECTION.frame(rows)
