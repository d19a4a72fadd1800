"""Sleep architecture as measures: how long, how much of each stage, how soon, how broken, over fixed windows.

Totals, latencies and efficiency are those of `yasa.Hypnogram.sleep_statistics` (AASM definitions), with its rounding to
four decimals; stages within windows, shifts and cycles are counted here. Of an hour that the night does not fill there
are shares, no minutes. Minutes of slow-wave sleep are what Held 2002 (Pharmacopsychiatry 35:135) measured under
magnesium. A stage minute of a machine is no better than its stager: see `swa.night.staging_bias`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.sleep.cycles import runs
from swa.sleep.hypnogram import epoch_length_s, stages_of
from swa.tables.notes import LIGHTS_BEYOND
from swa.tables.reason import Reason

if TYPE_CHECKING:
    import yasa

STAGES = {"N1": "n1", "N2": "n2", "N3": "n3", "R": "rem"}
ASLEEP = tuple(STAGES)
THIRDS = 3
FIRST_MIN = 120.0  # the stage-free window of the literature on the first hours after a dose
UNSCORED = "UNS"
# Measures of the whole night that yasa has, with their units; latencies of stages run from the first epoch of sleep.
FROM_YASA = {
    "tib": ("TIB", "min"),
    "spt": ("SPT", "min"),
    "tst": ("TST", "min"),
    "sleep_efficiency": ("SE", "%"),
    "sol": ("SOL", "min"),
    "sol_sustained": ("SOL_5min", "min"),
    "waso": ("WASO", "min"),
    "awakening_index": ("SFI", "1/h"),
}

LIGHTS_APART_MIN = 2.0  # as far as clocks that are written to the minute, and a first and last epoch, tell nothing
# Without wake, from N2, N3 or REM on: so began none of 75 scorings (Sleep-EDF, DOD-H, BOAS, EESM17, NSRR).
FIRST_SLEEP_MIN = 5.0
# What rests on the time in bed, and on its begin.
IN_BED, FROM_LIGHTS = ("tib", "sleep_efficiency"), ("sol", "sol_sustained")


@dataclass(frozen=True, kw_only=True)
class ArchitectureRow:
    """One measure of one window.

    Attributes
    ----------
    window, measure, variant : str
        As in the long table.
    value : float
        NaN where it cannot be told, and then `note` says why.
    unit : str
        min, %, 1/h or 1.
    n : int
        Epochs that it rests on.
    note : str
        Why there is no value; empty where there is one.
    """

    window: str
    measure: str
    value: float
    unit: str
    n: int
    note: str = ""
    variant: str = ""


@dataclass(frozen=True, kw_only=True)
class _Sleep:
    """Stages from lights off to lights on, and what is known of their time line."""

    stages: NDArray[np.str_]
    epoch_s: float
    first_s: float

    @property
    def asleep(self) -> NDArray[np.bool_]:
        return np.isin(self.stages, ASLEEP)

    @property
    def start_s(self) -> NDArray[np.float64]:
        """Time of each epoch from the first sample of the recording."""
        return np.asarray(self.first_s + np.arange(len(self.stages)) * self.epoch_s, dtype=np.float64)

    def minutes(self, epochs: NDArray[np.bool_]) -> float:
        return float(np.count_nonzero(epochs)) * self.epoch_s / 60


def measure_architecture(
    in_bed: "yasa.Hypnogram",
    cycles: pd.DataFrame,
    sleep_onset_s: float,
    *,
    first_s: float = 0.0,
    dose_s: float | None = None,
    unknown: Mapping[str, str] | None = None,
) -> list[ArchitectureRow]:
    """Sleep architecture of one night.

    Parameters
    ----------
    in_bed : yasa.Hypnogram
        Stages from lights off to lights on, of the whole recording where these are not known.
    cycles : DataFrame
        From `swa.sleep.cycles.find_nrem_cycles`, on the time line of the recording.
    sleep_onset_s : float
        Where the windows of the night begin, s from the first sample; NaN without sleep.
    first_s : float, default 0
        Time of the first epoch of `in_bed`, s from the first sample.
    dose_s : float, optional
        Time of the dose, s from the first sample.
    unknown : mapping of str to str, optional
        Measures of the whole night that cannot be told, and why.

    Returns
    -------
    list of ArchitectureRow
        Whole night first; then thirds of the sleep period, cycles, hours since sleep onset and since the dose, and the
        first 120 min. A stage that does not occur has 0 min, and no latency.
    """
    sleep = _Sleep(stages=stages_of(in_bed), epoch_s=epoch_length_s(in_bed), first_s=first_s)
    rows = [*_whole_night(in_bed, sleep, unknown or {}), *_cycles(sleep, cycles), *_transitions(sleep)]
    for window, epochs, is_filled in _windows(sleep, cycles, sleep_onset_s, dose_s):
        rows += _stage_rows(sleep, window, epochs, is_filled=is_filled)
    return rows


def sleep_windows(
    in_bed: "yasa.Hypnogram",
    cycles: pd.DataFrame,
    sleep_onset_s: float,
    *,
    first_s: float = 0.0,
    dose_s: float | None = None,
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Name and epochs of every window of sleep architecture; arguments as for `measure_architecture`."""
    sleep = _Sleep(stages=stages_of(in_bed), epoch_s=epoch_length_s(in_bed), first_s=first_s)
    yield "night", np.ones(len(sleep.stages), dtype=bool)
    for window, epochs, _ in _windows(sleep, cycles, sleep_onset_s, dose_s):
        yield window, epochs


def unknown_beyond(recorded_s: float, off_s: float | None, on_s: float | None) -> dict[str, Reason]:
    """What is not known of the time in bed, and why, where lights went off before the recording or on after it."""
    lights = (
        (-(off_s or 0.0), (*IN_BED, *FROM_LIGHTS), {"light": "off", "side": "before"}),
        (-recorded_s if on_s is None else on_s - recorded_s, IN_BED, {"light": "on", "side": "after"}),
    )
    beyond = [(apart_s / 60, names, said) for apart_s, names, said in lights if apart_s > LIGHTS_APART_MIN * 60]
    return {name: LIGHTS_BEYOND(minutes=minutes, **said) for minutes, names, said in reversed(beyond) for name in names}


def begins_in(hypnogram: "yasa.Hypnogram") -> str:
    """Stage of the first scored epoch where sleep had begun before: N2, N3 or REM, without wake right after it."""
    stages = stages_of(hypnogram)
    scored = stages[stages != UNSCORED]
    first = scored[: round(FIRST_SLEEP_MIN * 60 / epoch_length_s(hypnogram))]
    return str(first[0]) if first.size and first[0] not in ("W", "N1") and "W" not in first else ""


def _whole_night(in_bed: "yasa.Hypnogram", sleep: _Sleep, unknown: Mapping[str, str]) -> Iterator[ArchitectureRow]:
    statistics = in_bed.sleep_statistics()
    n = len(sleep.stages)
    for measure, (name, unit) in FROM_YASA.items():
        value = np.nan if measure in unknown else float(statistics[name])
        yield _row("night", measure, value, unit, n, unknown.get(measure, "the night has no sleep"))
    asleep = np.flatnonzero(sleep.asleep)
    for stage, name in (("N2", "n2"), ("N3", "n3"), ("R", "rem")):
        hits = np.flatnonzero(sleep.stages == stage)
        latency = float(hits[0] - asleep[0]) * sleep.epoch_s / 60 if hits.size else np.nan
        yield _row("night", f"{name}_latency", latency, "min", n, f"the night has no {_spelled(stage)}")
    hours = sleep.minutes(sleep.asleep) / 60
    period = sleep.stages[asleep[0] : asleep[-1] + 1] if asleep.size else sleep.stages[:0]
    yield _row("night", "awakenings", float(len(list(runs(period == "W")))), "1", n)
    known = period[period != UNSCORED]
    shifts = np.flatnonzero(known[1:] != known[:-1]).tolist()
    lighter = [i for i in shifts if known[i] in ASLEEP and (known[i + 1] == "W" or _is_shift_to_n1(known, i))]
    for measure, count in (("stage_shifts", len(shifts)), ("sleep_fragmentation", len(lighter))):
        yield _row("night", measure, count / hours if hours else np.nan, "1/h", n, "the night has no sleep")
    yield from _stage_rows(sleep, "night", np.ones(n, dtype=bool))


def _is_shift_to_n1(stages: NDArray[np.str_], i: int) -> bool:
    """From deeper sleep to N1, as the fragmentation index of Haba-Rubio 2004 (Sleep Med 5:577) counts beside wake."""
    return bool(stages[i + 1] == "N1" and stages[i] != "N1")


def _cycles(sleep: _Sleep, cycles: pd.DataFrame) -> Iterator[ArchitectureRow]:
    n = len(sleep.stages)
    yield _row("night", "nrem_cycles", float(len(cycles)), "1", n)
    lengths = ((cycles["rem_end_s"] - cycles["nrem_start_s"]) / 60).to_numpy(dtype=float)
    whole = lengths[np.isfinite(lengths)]
    no_cycle = "no NREM period is followed by a REM period"
    yield _row("night", "cycle_minutes", float(whole.mean()) if whole.size else np.nan, "min", n, no_cycle)
    with_rem = cycles[cycles["rem_start_s"].notna()]
    first = np.nan
    if len(with_rem):
        start_s, end_s = with_rem[["rem_start_s", "rem_end_s"]].to_numpy(dtype=float)[0]
        first = sleep.minutes(_between(sleep, start_s, end_s) & (sleep.stages == "R"))
    yield _row("night", "first_rem_minutes", first, "min", n, no_cycle)
    for number, length in enumerate(lengths, start=1):
        yield _row(f"cycle-{number}", "cycle_minutes", float(length), "min", n, "no REM period follows")


def _transitions(sleep: _Sleep) -> Iterator[ArchitectureRow]:
    """Probability that an epoch of one stage is followed by one of another; where a stage occurs and goes on."""
    before, after = sleep.stages[:-1], sleep.stages[1:]
    for stage, other in permutations(("W", *ASLEEP), 2):
        leaving = (before == stage) & (after != UNSCORED)
        total = int(np.count_nonzero(leaving))
        share = float(np.count_nonzero(leaving & (after == other))) / total if total else np.nan
        variant, why_not = f"{_spelled(stage)} to {_spelled(other)}", f"the night has no {_spelled(stage)}"
        yield _row("night", "transition_probability", share, "1", total, why_not, variant)


def _windows(
    sleep: _Sleep, cycles: pd.DataFrame, sleep_onset_s: float, dose_s: float | None
) -> Iterator[tuple[str, NDArray[np.bool_], bool]]:
    """Name, epochs, and whether the night fills the window; what lies outside lights off to lights on is no sleep."""
    asleep = np.flatnonzero(sleep.asleep)
    if not asleep.size:
        return
    edges = np.linspace(asleep[0], asleep[-1] + 1, THIRDS + 1).round().astype(int)
    numbers = np.arange(len(sleep.stages))
    for number, (first, end) in enumerate(pairwise(edges.tolist()), start=1):
        yield f"third-{number}", (numbers >= first) & (numbers < end), True
    ends_s = cycles["rem_end_s"].fillna(cycles["nrem_end_s"])
    for number, (start_s, end_s) in enumerate(zip(cycles["nrem_start_s"], ends_s, strict=True), start=1):
        yield f"cycle-{number}", _between(sleep, float(start_s), float(end_s)), True
    for kind, zero_s in (("hour", sleep_onset_s), ("dosehour", np.nan if dose_s is None else dose_s)):
        if not np.isfinite(zero_s):
            continue
        first, last = (int((sleep.start_s[place] - zero_s) // 3600) + 1 for place in asleep[[0, -1]])
        for hour in range(max(first, 1), last + 1):
            start_s = zero_s + (hour - 1) * 3600
            yield f"{kind}-{hour}", _between(sleep, start_s, start_s + 3600), _fills(sleep, start_s, start_s + 3600)
    end_s = sleep_onset_s + FIRST_MIN * 60
    if np.isfinite(sleep_onset_s):
        inside = _between(sleep, sleep_onset_s, end_s)
        yield f"first{FIRST_MIN:g}min", inside, _fills(sleep, sleep_onset_s, end_s)


def _between(sleep: _Sleep, start_s: float, end_s: float) -> NDArray[np.bool_]:
    return (sleep.start_s >= start_s) & (sleep.start_s < end_s)


def _fills(sleep: _Sleep, start_s: float, end_s: float) -> bool:
    """Whether the night goes on from the start of a window to its end, but for less than an epoch."""
    return bool(sleep.start_s[0] - start_s < sleep.epoch_s and end_s - sleep.start_s[-1] < 2 * sleep.epoch_s)


def _stage_rows(
    sleep: _Sleep, window: str, epochs: NDArray[np.bool_], *, is_filled: bool = True
) -> Iterator[ArchitectureRow]:
    """Minutes of each stage, and its share of the sleep of the window."""
    n = int(np.count_nonzero(epochs))
    total = sleep.minutes(epochs & sleep.asleep)
    for stage, name in STAGES.items():
        minutes = sleep.minutes(epochs & (sleep.stages == stage))
        yield _row(window, f"{name}_minutes", minutes if is_filled else np.nan, "min", n, "the night does not fill it")
        share = 100 * minutes / total if total else np.nan
        yield _row(window, f"{name}_share", share, "%", n, "the window has no sleep")


def _row(
    window: str, measure: str, value: float, unit: str, n: int, why_not: str = "", variant: str = ""
) -> ArchitectureRow:
    note = "" if np.isfinite(value) else why_not
    return ArchitectureRow(window=window, measure=measure, value=value, unit=unit, n=n, note=note, variant=variant)


def _spelled(stage: str) -> str:
    return "REM" if stage == "R" else "wake" if stage == "W" else stage
