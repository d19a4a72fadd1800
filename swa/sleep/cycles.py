"""Sleep onset and NREM cycles."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.settings import CycleSettings
from swa.sleep.hypnogram import epoch_length_s, stages_of
from swa.tables.results_tables import CYCLES

if TYPE_CHECKING:
    import yasa

SUSTAINED_SLEEP_S = 90.0
LONG_NREM_MIN = 120.0
WITHOUT_N3_MIN = 12.0


def find_sleep_onset(hypnogram: "yasa.Hypnogram", settings: CycleSettings | None = None) -> float:
    """Sleep onset in s from the first sample, NaN without sleep.

    Parameters
    ----------
    hypnogram : yasa.Hypnogram
        On the time line of the recording.
    settings : CycleSettings, optional
        `sleep_onset`: the first epoch of the first 90 s of uninterrupted sleep (three 30-s epochs), or the first N2.
    """
    settings = settings or CycleSettings()
    stages, epoch_s = stages_of(hypnogram), epoch_length_s(hypnogram)
    if settings.sleep_onset == "first_n2":
        hits = np.flatnonzero(stages == "N2")
        return float(hits[0] * epoch_s) if hits.size else float("nan")
    asleep = np.isin(stages, ("N1", "N2", "N3", "R"))
    for first, end in runs(asleep):
        if (end - first) * epoch_s >= SUSTAINED_SLEEP_S:
            return float(first * epoch_s)
    return float("nan")


def find_nrem_cycles(hypnogram: "yasa.Hypnogram", settings: CycleSettings | None = None) -> pd.DataFrame:
    """NREM-REM cycles (Feinberg & Floyd 1979, Psychophysiology 16:283; as in the R package SleepCycles).

    A NREM period opens with N2 or N3 (setting: also N1), lasts at least 15 min and tolerates wake and REM of less than
    5 min. The REM period that follows, from its first to its last REM epoch before the next NREM period, holds at least
    5 min of REM; the first may be shorter. A first NREM period of more than
    120 min may hide a skipped REM period and is split at the first N3 after more than 12 min without N3 (setting).

    Parameters
    ----------
    hypnogram : yasa.Hypnogram
        On the time line of the recording.
    settings : CycleSettings, optional
        Lengths, opening stage and the rule for skipped REM.

    Returns
    -------
    DataFrame
        One row a cycle: `cycle` (from 1), `nrem_start_s`, `nrem_end_s`, `rem_start_s`, `rem_end_s` in s from the first
        sample; NaN where no REM period follows. Empty when there is none.
    """
    settings = settings or CycleSettings()
    stages, epoch_s = stages_of(hypnogram), epoch_length_s(hypnogram)
    periods = list(_nrem_periods(stages, epoch_s, settings))
    if settings.split_skipped_rem and periods:
        periods[:1] = _split_skipped_rem(stages, epoch_s, *periods[0])
    rows: list[tuple[float, ...]] = []
    for number, (first, end) in enumerate(periods, start=1):
        limit = periods[number][0] if number < len(periods) else len(stages)
        rem = end + np.flatnonzero(stages[end:limit] == "R")
        minimum = 0.0 if not any(np.isfinite(row[3]) for row in rows) else settings.rem_minimum_min
        has_rem = rem.size > 0 and rem.size * epoch_s / 60 >= minimum
        rem_start, rem_end = (rem[0] * epoch_s, (rem[-1] + 1) * epoch_s) if has_rem else (np.nan, np.nan)
        rows.append((number, first * epoch_s, end * epoch_s, rem_start, rem_end))
    return CYCLES.frame(rows)


def runs(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First and one-past-last index of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    yield from map(tuple, edges.reshape(-1, 2).tolist())


def _nrem_periods(stages: NDArray[np.str_], epoch_s: float, settings: CycleSettings) -> Iterator[tuple[int, int]]:
    opening = np.isin(stages, ("N2", "N3") if settings.nrem_starts_with == "N2" else ("N1", "N2", "N3"))
    nrem = np.isin(stages, ("N1", "N2", "N3"))
    interruptions = list(runs(~nrem))
    position, had_rem = 0, False
    while (hits := np.flatnonzero(opening[position:])).size:
        first = position + int(hits[0])
        end = len(stages)
        for begin, stop in interruptions:
            if begin <= first:
                continue
            long_enough = (begin - first) * epoch_s / 60 >= settings.nrem_minimum_min
            if _ends_nrem(stages[begin:stop], epoch_s, settings.rem_minimum_min, first_rem=long_enough and not had_rem):
                end = begin
                break
        position = end
        last = first + int(np.flatnonzero(nrem[first:end])[-1])  # at the end of the recording, wake may follow it
        if (last + 1 - first) * epoch_s / 60 >= settings.nrem_minimum_min:
            had_rem = had_rem or bool(end < len(stages) and "R" in stages[end : _run_end(nrem, end)])
            yield first, last + 1


def _ends_nrem(interruption: NDArray[np.str_], epoch_s: float, rem_minimum_min: float, *, first_rem: bool) -> bool:
    """Whether this stretch of wake, REM or unscored time ends a NREM period: by length, or as the first REM period."""
    return bool(len(interruption) * epoch_s / 60 >= rem_minimum_min or (first_rem and "R" in interruption))


def _run_end(nrem: NDArray[np.bool_], first: int) -> int:
    hits = np.flatnonzero(nrem[first:])
    return first + int(hits[0]) if hits.size else len(nrem)


def _split_skipped_rem(stages: NDArray[np.str_], epoch_s: float, first: int, end: int) -> list[tuple[int, int]]:
    if (end - first) * epoch_s / 60 <= LONG_NREM_MIN:
        return [(first, end)]
    deep = first + np.flatnonzero(stages[first:end] == "N3")
    gaps = np.flatnonzero(np.diff(deep) - 1 > WITHOUT_N3_MIN * 60 / epoch_s)
    if not gaps.size:
        return [(first, end)]
    split = int(deep[gaps[0] + 1])
    return [(first, split), (split, end)]
