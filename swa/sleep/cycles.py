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
    """NREM-REM cycles by the published rule that the settings name.

    Parameters
    ----------
    hypnogram : yasa.Hypnogram
        On the time line of the recording.
    settings : CycleSettings, optional
        The rule, its lengths, the opening stage, and whether long NREM periods are split.

    Returns
    -------
    DataFrame
        One row a cycle: `cycle` (from 1), `nrem_start_s`, `nrem_end_s` (of its last NREM epoch), `rem_start_s`,
        `rem_end_s` in s from the first sample; NaN where no REM period follows. Empty when there is none.

    Notes
    -----
    ``sleepcycles`` (Blume & Cajochen 2021, MethodsX 8:101318, and the documentation of their R package): only a REM
    period ends a NREM period, wake never does. The first opens with N2 (setting: N1, the package's default), a later
    one with whatever follows the REM period, wake too. Any NREM period with more than 120 min of sleep is split, once.

    ``feinberg1979`` (Feinberg & Floyd 1979, Psychophysiology 16:283): 5 min of wake end a NREM period as well, and
    every period opens with N2 (setting: N1). The paper does not split; only a first period of more than 120 min is.

    In both a NREM period lasts at least 15 min, wake and shorter REM among it, and a REM period holds at least 5 min of
    REM; the first has no minimum. Less than 15 min between REM is part of one REM period, and sleep-onset REM opens no
    cycle. A period is split at its first N3 after more than 12 min without N3.
    """
    settings = settings or CycleSettings()
    stages, epoch_s = stages_of(hypnogram), epoch_length_s(hypnogram)
    find = _periods_by_rem if settings.rule == "sleepcycles" else _periods_by_interruption
    periods = list(find(stages, epoch_s, settings))
    if settings.split_skipped_rem:
        periods = list(_split_long(stages, epoch_s, periods, settings))
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


def _opens_nrem(stages: NDArray[np.str_], settings: CycleSettings) -> NDArray[np.bool_]:
    return np.isin(stages, ("N2", "N3") if settings.nrem_starts_with == "N2" else ("N1", "N2", "N3"))


def _periods_by_rem(stages: NDArray[np.str_], epoch_s: float, settings: CycleSettings) -> Iterator[tuple[int, int]]:
    """NREM periods that only a REM period ends, whatever else lies within them."""
    nrem, opening, rem = np.isin(stages, ("N1", "N2", "N3")), _opens_nrem(stages, settings), stages == "R"
    shortest, least_rem = (minutes * 60 / epoch_s for minutes in (settings.nrem_minimum_min, settings.rem_minimum_min))
    first, had_rem = _next(opening, 0), False
    rem_runs = list(runs(rem))
    for begin, stop in rem_runs:
        if begin < first:
            continue
        if begin - first < shortest:
            if stop - begin >= least_rem:  # sleep-onset REM: the first NREM period is still to come
                first = _next(opening, stop)
            continue
        end = _end_of_rem(rem_runs, begin, shortest)
        if had_rem and rem[begin:end].sum() < least_rem:
            continue
        if nrem[first:begin].any():  # wake alone between REM is no NREM period
            yield first, _after_last(nrem, first, begin)
        first, had_rem = end, True
    if nrem[first:].any() and (last := _after_last(nrem, first, len(stages))) - first >= shortest:
        yield first, last


def _end_of_rem(rem_runs: list[tuple[int, int]], begin: int, shortest: float) -> int:
    """End of the REM period that begins here: what is no NREM period's length apart belongs to it."""
    end = begin
    for start, stop in rem_runs:
        if start == begin or (start > begin and start - end < shortest):
            end = stop
        elif start > begin:
            break
    return end


def _next(flags: NDArray[np.bool_], first: int) -> int:
    hits = np.flatnonzero(flags[first:])
    return first + int(hits[0]) if hits.size else len(flags)


def _after_last(flags: NDArray[np.bool_], first: int, end: int) -> int:
    return first + int(np.flatnonzero(flags[first:end])[-1]) + 1


def _periods_by_interruption(
    stages: NDArray[np.str_], epoch_s: float, settings: CycleSettings
) -> Iterator[tuple[int, int]]:
    """NREM periods that a REM period ends, or 5 min without NREM."""
    nrem, opening = np.isin(stages, ("N1", "N2", "N3")), _opens_nrem(stages, settings)
    interruptions = list(runs(~nrem))
    position, had_rem = 0, False
    while (first := _next(opening, position)) < len(stages):
        end = len(stages)
        for begin, stop in interruptions:
            if begin <= first:
                continue
            long_enough = (begin - first) * epoch_s / 60 >= settings.nrem_minimum_min
            if _ends_nrem(stages[begin:stop], epoch_s, settings.rem_minimum_min, first_rem=long_enough and not had_rem):
                end = begin
                break
        position = end
        last = _after_last(nrem, first, end)  # at the end of the recording, wake may follow it
        if (last - first) * epoch_s / 60 >= settings.nrem_minimum_min:
            had_rem = had_rem or bool(end < len(stages) and "R" in stages[end : _next(nrem, end)])
            yield first, last


def _ends_nrem(interruption: NDArray[np.str_], epoch_s: float, rem_minimum_min: float, *, first_rem: bool) -> bool:
    """Whether this stretch of wake, REM or unscored time ends a NREM period: by length, or as the first REM period."""
    return bool(len(interruption) * epoch_s / 60 >= rem_minimum_min or (first_rem and "R" in interruption))


def _split_long(
    stages: NDArray[np.str_], epoch_s: float, periods: list[tuple[int, int]], settings: CycleSettings
) -> Iterator[tuple[int, int]]:
    """Split the periods that may hide a skipped REM period: the first one, or by ``sleepcycles`` any."""
    for number, (first, end) in enumerate(periods):
        own = stages[first:end]
        if settings.rule == "sleepcycles":
            long = bool(np.count_nonzero(~np.isin(own, ("W", "UNS"))) * epoch_s / 60 > LONG_NREM_MIN)
        else:
            long = number == 0 and len(own) * epoch_s / 60 > LONG_NREM_MIN
        deep = first + np.flatnonzero(own == "N3")
        gaps = np.flatnonzero(np.diff(deep) - 1 > WITHOUT_N3_MIN * 60 / epoch_s)
        if long and gaps.size:
            split = int(deep[gaps[0] + 1])
            yield from ((first, split), (split, end))
        else:
            yield first, end
