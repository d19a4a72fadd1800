"""Whether compared nights are of like length, began at like times but not at the same, and which was the first."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from swa.comparison.controls.facts import ComparedNights
from swa.comparison.controls.of_all import mean_change
from swa.comparison.controls.registry import Finding, control, group_control
from swa.tables import doubts
from swa.tables.reason import Value

# Of the first cycles of 19 pairs of nights of one person (BOAS, Sleep-EDF) one is beyond this ratio, the median is 1.5.
CYCLE_RATIO = 3.0
CYCLE_SHARE = 1 / 19
# SD of ln minutes between two nights of one person, of the same nights: of 19 pairs of first cycles, and of later ones
# the largest (13 to 19 pairs of the second to fourth: 0.22, 0.19, 0.39).
CYCLE_SD, LATER_CYCLE_SD = 0.59, 0.39
FIRST_CYCLE = "cycle-1"
# Name of the control: what a page and what a verdict calls it, and the fact of the night.
_CLOCKS = {
    "recording_start": ("start of the recording", "recording start", "start_h"),
    "sleep_onset": ("sleep onset", "sleep onset", "onset_h"),
}


@control({"analysed_minutes": "analysed minutes"}, is_ratio=True, matters=lambda row: row.over_night)
def compare_minutes(nights: ComparedNights) -> Iterator[Finding]:
    """Analysed minutes of the whole night, for what is not cut to common minutes."""
    limit = float(np.log(nights.settings.comparability.minutes_ratio))
    for name in nights.shared("nrem_min"):
        after, earlier = (float(np.mean([night.nrem_min[name] for night in side])) for side in nights.sides)
        ratio = float(np.log(after / earlier)) if after > 0 and earlier > 0 else np.nan
        minutes: dict[str, Value] = {"minutes": after, "before": earlier}
        if name in nights.decline:
            bias = mean_over_night(nights.decline[name], after) / mean_over_night(nights.decline[name], earlier)
            minutes |= {"decline": nights.decline[name], "percent": 100 * (bias - 1)}
        yield Finding(
            control="analysed_minutes",
            channel=name,
            ln_ratio=ratio,
            limit=limit,
            notes=(doubts.MINUTES_FOUND(**minutes),),
            doubt=None if abs(ratio) <= limit else doubts.MINUTES(**minutes),
        )


@control({"cycle_minutes": "minutes of a cycle"}, setting="analysed_minutes", is_ratio=True)
def compare_cycles(nights: ComparedNights) -> Iterator[Finding]:
    """Analysed minutes of each cycle: its first minutes have little slow-wave activity, and its length is chance."""
    limit = float(np.log(CYCLE_RATIO))
    for window in _cycles(nights):
        after, earlier = _minutes_of(window, nights)
        if not (after > 0 and earlier > 0):
            continue
        ratio = float(np.log(after / earlier))
        found = doubts.CYCLE_FOUND(cycle=window.replace("-", " "), minutes=after, before=earlier)
        doubt = doubts.CYCLE_MINUTES(**found.values, times=CYCLE_RATIO) if abs(ratio) > limit else None
        yield Finding(control="cycle_minutes", window=window, ln_ratio=ratio, limit=limit, notes=(found,), doubt=doubt)


@group_control({"cycle_minutes_of_all": "minutes of a cycle"}, setting="analysed_minutes", is_ratio=True)
def compare_cycles_of_all(subjects: Sequence[ComparedNights]) -> Iterator[Finding]:
    """Mean over subjects of the change of each cycle's minutes: its window then holds other minutes of sleep in all."""
    least = float(np.log(subjects[0].settings.comparability.minutes_ratio))
    for window in dict.fromkeys(window for nights in subjects for window in _cycles(nights)):
        minutes = np.array([_minutes_of(window, nights) for nights in subjects])
        minutes = minutes[(minutes > 0).all(axis=1)]
        if (change := mean_change(np.log(minutes[:, 0] / minutes[:, 1]))) is None:
            continue
        stated = change.chance_of(CYCLE_SD if window == FIRST_CYCLE else LATER_CYCLE_SD)
        limit = max(least, min(change.chance(), stated, float(np.log(CYCLE_RATIO))))
        after, earlier = minutes.mean(axis=0).tolist()
        found = doubts.CYCLE_FOUND(cycle=window.replace("-", " "), minutes=after, before=earlier)
        doubt = doubts.CYCLE_OF_ALL(**found.values, **change.counts) if change.is_beyond(limit) else None
        notes = (found, doubts.MEAN_CHANGE(**change.counts))
        yield Finding(
            control="cycle_minutes_of_all", window=window, ln_ratio=change.mean, limit=limit, notes=notes, doubt=doubt
        )


def _cycles(nights: ComparedNights) -> list[str]:
    return list(dict.fromkeys(window for night in nights.nights for window in sorted(night.cycle_min)))


def _minutes_of(window: str, nights: ComparedNights) -> list[float]:
    """Mean minutes of a cycle in the nights of the treatment and of the comparator; NaN where one lacks it."""
    return [float(np.mean([night.cycle_min.get(window, np.nan) for night in side])) for side in nights.sides]


@control({name: label for name, (label, *_) in _CLOCKS.items()})
def compare_clocks(nights: ComparedNights) -> Iterator[Finding]:
    """Times of day, on which sleep depends."""
    limit = nights.settings.comparability.clock_h
    for name, (_, what, fact) in _CLOCKS.items():
        after, earlier = (float(np.mean([getattr(night, fact) for night in side])) for side in nights.sides)
        shift = after - earlier
        if np.isnan(shift):
            yield Finding(control=name, notes=(doubts.CLOCK_UNKNOWN(),))
            continue
        found = doubts.CLOCK_FOUND(time=_clock(after), before=_clock(earlier), shift=shift, limit=limit)
        doubt = doubts.CLOCK(what=what, **found.values)
        yield Finding(control=name, notes=(found,), doubt=doubt if abs(shift) > limit else None)


@group_control({"sleep_onset_of_all": "sleep onset"}, setting="sleep_onset")
def compare_clocks_of_all(subjects: Sequence[ComparedNights]) -> Iterator[Finding]:
    """Mean over subjects of how much later sleep began: half of what one subject is allowed, where chance is less."""
    of_one = subjects[0].settings.comparability.clock_h
    times = np.array([[np.mean([night.onset_h for night in side]) for side in nights.sides] for nights in subjects])
    times = times[np.isfinite(times).all(axis=1)]
    if (change := mean_change(times[:, 0] - times[:, 1])) is None:
        return
    limit = max(of_one / 2, min(change.chance(), of_one))
    after, earlier = times.mean(axis=0).tolist()
    found = doubts.ONSET_FOUND(time=_clock(after), before=_clock(earlier), shift=change.mean, **change.counts)
    doubt = doubts.ONSET_OF_ALL(**found.values) if change.is_beyond(limit) else None
    yield Finding(control="sleep_onset_of_all", notes=(found,), doubt=doubt)


@control({"same_start": "start at the same second"})
def find_same_starts(nights: ComparedNights) -> Iterator[Finding]:
    """Nights that begin at the same second of the same date, and are no copies: one of the headers is wrong."""
    for earlier, later in combinations(nights.nights, 2):
        if earlier.start and earlier.start == later.start and not set(earlier.content) & set(later.content):
            doubt = doubts.SAME_START(one=earlier.session, other=later.session)
            yield Finding(control="same_start", notes=(doubt,), doubt=doubt)


@control({"first_night": "first night"})
def find_first_night(nights: ComparedNights) -> Iterator[Finding]:
    """First nights: always told, flagged only where settings count it, for most studies have no adaptation night."""
    if np.isnan([nights.first_place, *(night.place for night in nights.nights)]).any():
        yield Finding(control="first_night", notes=(doubts.ORDER_UNKNOWN(),))
        return
    first = next((night.session for night in nights.nights if night.place == nights.first_place), None)
    if first is None:
        yield Finding(control="first_night", notes=(doubts.NOT_FIRST(),))
        return
    limits = nights.settings.comparability
    found = doubts.FIRST_NIGHT(night=first)
    counts = "first_night" in (*limits.caution, *limits.not_comparable)
    yield Finding(control="first_night", notes=(found,), doubt=found if counts else None)


def mean_over_night(decline: float, minutes: float) -> float:
    """Mean of SWA over so many minutes of NREM as a share of its level at the start, at this fall (ln per h)."""
    fall = decline * minutes / 60
    return float(np.expm1(fall) / fall) if fall else 1.0


def _clock(hours_after_noon: float) -> str:
    minutes = round((hours_after_noon + 12) * 60) % 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
