"""Whether compared nights were as long in bed, as far as recorded and scored, and know lights off and on alike.

A recorder or a scoring that ends early takes the last hours of sleep: all minutes of it fall, most of all those of REM
sleep, and the share of N3 rises. A drug that wakes early does so too, but leaves the recording running.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from swa.comparison.controls.facts import ComparedNights
from swa.comparison.controls.of_all import mean_change
from swa.comparison.controls.registry import Finding, RowKind, control, group_control
from swa.sleep.architecture import FROM_LIGHTS, IN_BED
from swa.tables import doubts

# Of two nights of one person at home (BOAS, 8 pairs) the longer was 1.01 to 1.26 times the shorter; a laboratory gives
# everybody the same hours. SD of ln minutes between two such nights (35 of 467 min a night, 12 df).
BED_RATIO, BED_SD = 1.25, 0.106
GAP_MIN = 10.0  # more or less without a stage: 25 min early in the night make slow-wave activity read 17 % lower
LEAST = 1.05  # of the mean over subjects: 24 min of 8 h
_SIDES = {"off": ("begin", (*IN_BED, *FROM_LIGHTS)), "on": ("end", IN_BED)}


def _in_bed(row: RowKind) -> bool:
    return row.in_bed


@control({"bed_minutes": "time in bed"}, setting="time_in_bed", is_ratio=True, matters=_in_bed)
def compare_beds(nights: ComparedNights) -> Iterator[Finding]:
    """Minutes from lights off to lights on that have a stage."""
    after, earlier = _minutes(nights)
    if not (after > 0 and earlier > 0):
        return
    ratio, limit = float(np.log(after / earlier)), float(np.log(BED_RATIO))
    found = doubts.BED_FOUND(minutes=after, before=earlier)
    doubt = doubts.BED(**found.values) if abs(ratio) > limit else None
    yield Finding(control="bed_minutes", ln_ratio=ratio, limit=limit, notes=(found,), doubt=doubt)


@group_control({"bed_minutes_of_all": "time in bed"}, setting="time_in_bed", is_ratio=True, matters=_in_bed)
def compare_beds_of_all(subjects: Sequence[ComparedNights]) -> Iterator[Finding]:
    """Mean over subjects of the change of the time in bed: what chance explains cancels in a row over subjects."""
    minutes = np.array([_minutes(nights) for nights in subjects])
    minutes = minutes[(minutes > 0).all(axis=1)]
    if (change := mean_change(np.log(minutes[:, 0] / minutes[:, 1]))) is None:
        return
    limit = max(float(np.log(LEAST)), min(change.chance(), change.chance_of(BED_SD), float(np.log(BED_RATIO))))
    after, earlier = minutes.mean(axis=0).tolist()
    found = doubts.BED_FOUND(minutes=after, before=earlier)
    doubt = doubts.BED_OF_ALL(**found.values, **change.counts) if change.is_beyond(limit) else None
    notes = (found, doubts.MEAN_CHANGE(**change.counts))
    yield Finding(control="bed_minutes_of_all", ln_ratio=change.mean, limit=limit, notes=notes, doubt=doubt)


def _minutes(nights: ComparedNights) -> list[float]:
    """Mean minutes in bed in the nights of the treatment and of the comparator.

    Where lights off is not known in all of them, from the first sleep on: how long a recorder ran before it says
    nothing of what lasts over the night.
    """
    known = [night.lights.get("off", False) for night in nights.nights]
    fact = "from_onset_min" if 0 < sum(known) < len(known) else "bed_min"
    return [float(np.mean([getattr(night, fact) for night in side])) for side in nights.sides]


@control(
    {"unscored_minutes": "minutes without a stage"},
    setting="time_in_bed",
    matters=lambda row: row.in_bed or row.counts_nrem,
)
def compare_gaps(nights: ComparedNights) -> Iterator[Finding]:
    """Minutes within sleep that have no stage: common and matched minutes count sleep as if there were none there."""
    after, earlier = (float(np.mean([night.unscored_min for night in side])) for side in nights.sides)
    if np.isnan(after + earlier):
        return
    found = doubts.GAP_FOUND(minutes=after, before=earlier)
    doubt = doubts.GAP(**found.values) if abs(after - earlier) > GAP_MIN else None
    yield Finding(control="unscored_minutes", limit=GAP_MIN, notes=(found,), doubt=doubt)


@control({"lights_off": "lights off"}, setting="time_in_bed", matters=lambda row: row.of_sleep in _SIDES["off"][1])
def compare_lights_off(nights: ComparedNights) -> Iterator[Finding]:
    """Whether lights off, from which latencies count, is known in all nights or in none."""
    yield from _known_apart(nights, "off")


@control({"lights_on": "lights on"}, setting="time_in_bed", matters=lambda row: row.of_sleep in _SIDES["on"][1])
def compare_lights_on(nights: ComparedNights) -> Iterator[Finding]:
    """Whether lights on, with which the time in bed ends, is known in all nights or in none."""
    yield from _known_apart(nights, "on")


def _known_apart(nights: ComparedNights, light: str) -> Iterator[Finding]:
    known = [night.lights[light] for night in nights.nights if night.lights]
    if 0 < sum(known) < len(known):
        doubt = doubts.LIGHTS_APART(light=light, known=sum(known), of=len(known), side=_SIDES[light][0])
        yield Finding(control=f"lights_{light}", notes=(doubt,), doubt=doubt)
