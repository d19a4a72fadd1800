"""The course of a simulated night: sleep stages, NREM cycles and Process S."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swa.simulation.background import EPOCH_S, STAGES
from swa.simulation.true_waves import expected_slow_power

__all__ = [
    "Bout",
    "Cycle",
    "ProcessS",
    "find_bouts",
    "find_cycles",
    "find_sleep_onset_s",
    "simulate_stages",
    "slow_drive",
]

SHORTEST_H = 1.5
Bout = tuple[int, int, str]  # first epoch, end epoch (exclusive), stage


@dataclass(frozen=True, kw_only=True)
class ProcessS:
    """Slow-wave activity over the night: SWA(t) = asymptote + (initial - asymptote)·exp(-t / tau).

    t is hours since sleep onset; the levels are 0.5-4 Hz power over N2+N3 at a frontal site, µV², in expectation
    (Achermann & Borbély 2003, doi:10.2741/1064).
    """

    initial_uv2: float
    asymptote_uv2: float
    tau_h: float

    def level_uv2(self, hours: float) -> float:
        """Return the level `hours` after sleep onset, µV²."""
        return self.asymptote_uv2 + (self.initial_uv2 - self.asymptote_uv2) * float(np.exp(-hours / self.tau_h))


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """One NREM period: its epochs [first, end), its midpoint in hours since sleep onset, its mean SWA."""

    first: int
    end: int
    midpoint_h: float
    swa_uv2: float


def find_bouts(stages: NDArray[np.str_]) -> list[Bout]:
    """Return (first epoch, end epoch, stage) of every uninterrupted stage."""
    edges = np.flatnonzero(stages[1:] != stages[:-1]) + 1
    firsts, ends = [0, *edges.tolist()], [*edges.tolist(), len(stages)]
    return [(first, end, str(stages[first])) for first, end in zip(firsts, ends, strict=True)]


def find_sleep_onset_s(stages: NDArray[np.str_]) -> float:
    """Return the start of the first three consecutive epochs of sleep, s."""
    asleep = stages != "W"
    return float(np.flatnonzero(asleep[:-2] & asleep[1:-1] & asleep[2:])[0] * EPOCH_S)


def find_cycles(stages: NDArray[np.str_]) -> list[tuple[int, int]]:
    """Return [first, end) of every NREM period: from its first N2 to the next REM sleep of 5 min or more.

    REM sleep of the simulator is never interrupted by NREM sleep, so this needs no tolerance rule.
    """
    cycles: list[tuple[int, int]] = []
    first = end = -1
    for start, stop, stage in find_bouts(stages):
        if stage in ("N2", "N3"):
            first, end = (start if first < 0 else first), stop
        elif stage == "R" and first >= 0:
            cycles.append((first, end))
            first = -1
    if first >= 0:
        cycles.append((first, end))
    return cycles


# --- hypnogram ----------------------------------------------------------------------------------------------------

# per cycle, the last for all that follow: NREM epochs (low, high), share of N3, REM epochs (low, high)
_NREM_EPOCHS = ((128, 142), (130, 160), (126, 150), (110, 140))
_N3_SHARE = (0.52, 0.40, 0.20, 0.12)
_REM_EPOCHS = ((18, 26), (28, 40), (38, 52), (46, 64))


def simulate_stages(rng: np.random.Generator, hours: float) -> NDArray[np.str_]:
    """Return a plausible sleep stage per 30 s: W, N1, N2, N3 or R.

    NREM-REM cycles of about 90 min, N3 mostly in the first two, REM periods that lengthen, 3-6 % N1, a few
    awakenings. In 1.5 h there is a whole first cycle with 62 min or more of N2 and N3 and 9 min or more of REM sleep.

    Parameters
    ----------
    rng
        Random generator.
    hours
        Duration, at least 1.5.

    Raises
    ------
    ValueError
        If `hours` is below 1.5: no whole cycle would fit.
    """
    if not hours >= SHORTEST_H:
        raise ValueError(f"hours is {hours}, expected at least {SHORTEST_H}: a shorter night holds no whole NREM cycle")
    n_epochs = round(hours * 3600 / EPOCH_S)
    is_short = n_epochs < 300
    night = [("W", int(rng.integers(10, 14 if is_short else 40))), ("N1", int(rng.integers(4, 6 if is_short else 9)))]
    cycle = 0
    while (left := n_epochs - _length(night)) > 0:
        if cycle and left < 20:
            night.append(("W", left))
            break
        if cycle:
            night += _draw_awakening(rng, cycle)
        last = min(cycle, len(_NREM_EPOCHS) - 1)
        n_nrem = int(rng.integers(125, 129)) if is_short and cycle == 0 else int(rng.integers(*_NREM_EPOCHS[last]))
        night += _draw_nrem(rng, n_nrem, _N3_SHARE[last], cycle)
        night.append(("R", int(rng.integers(*_REM_EPOCHS[last]))))
        cycle += 1
    stages = np.array([stage for stage, n in night for _ in range(n)][:n_epochs])
    if stages[-1] != "W":  # the morning's awakening
        stages[-int(rng.integers(5, 9)) :] = "W"
    return stages


def _length(parts: list[tuple[str, int]]) -> int:
    return sum(n for _, n in parts)


def _draw_awakening(rng: np.random.Generator, cycle: int) -> list[tuple[str, int]]:
    """Draw what stands between REM sleep and the next N2: often an awakening, more often late in the night."""
    if rng.random() < min(0.4 + 0.15 * cycle, 0.8):
        return [("W", int(rng.integers(5, 13))), ("N1", int(rng.integers(4, 9)))]
    return [("N1", int(rng.integers(3, 6)))]


def _draw_nrem(rng: np.random.Generator, n_epochs: int, n3_share: float, cycle: int) -> list[tuple[str, int]]:
    """Draw the N2 and N3 of one cycle: descent, one or two blocks of N3, ascent; late cycles may hold an awakening."""
    n3 = max(round(n_epochs * n3_share * float(np.exp(0.12 * rng.standard_normal()))), 12)
    n3 = min(n3, n_epochs - 40)
    lead = int(rng.integers(12, 20))
    tail = int(rng.integers(12, 20))
    middle = max(n_epochs - n3 - lead - tail, 0)
    awakening = [("W", int(rng.integers(5, 10))), ("N1", int(rng.integers(4, 7)))]
    if n3 < 30:
        first = [("N2", lead), ("N3", n3)]
        if cycle and middle > 45 and rng.random() < 0.5:
            half = middle // 2
            return [*first, ("N2", half), *awakening, ("N2", middle - half + tail)]
        return [("N2", lead + middle // 2), ("N3", n3), ("N2", middle - middle // 2 + tail)]
    if middle < 12:
        return [("N2", lead + middle // 2), ("N3", n3), ("N2", tail + middle - middle // 2)]
    part = int(n3 * rng.uniform(0.45, 0.65))
    between = min(middle, int(rng.integers(12, 22)))
    return [("N2", lead), ("N3", part), ("N2", between), ("N3", n3 - part), ("N2", tail + middle - between)]


def slow_drive(stages: NDArray[np.str_], process: ProcessS) -> tuple[NDArray[np.float64], list[Cycle]]:
    """Return the slow-wave power per epoch relative to the stage's own level, and the NREM cycles.

    Within a cycle N2 and N3 keep their ratio; the cycle's mean over N2+N3 lies on Process S at its midpoint. `process`
    is that of a subject without trait, night and effect.
    """
    drive = np.ones(len(stages))
    onset_s = find_sleep_onset_s(stages)
    levels = {stage: expected_slow_power(stage) for stage in STAGES}
    cycles: list[Cycle] = []
    for first, end in find_cycles(stages):
        midpoint_h = (0.5 * (first + end) * EPOCH_S - onset_s) / 3600
        inside = np.arange(first, end)
        inside = inside[np.isin(stages[inside], ("N2", "N3"))]
        own_level = float(np.mean([levels[str(s)] for s in stages[inside]]))
        level_uv2 = process.level_uv2(midpoint_h)
        drive[inside] = level_uv2 / own_level
        cycles.append(Cycle(first=first, end=end, midpoint_h=midpoint_h, swa_uv2=level_uv2))
    return drive, cycles
