"""How far a contrast moves with the stager alone, and whether its nights were staged by different means."""

from collections.abc import Iterator, Sequence

import numpy as np

from swa.comparison.controls.facts import ComparedNights, Floats
from swa.comparison.controls.registry import Finding, RowKind, control, group_control
from swa.glossary import measures_in, name_of, read_glossary
from swa.settings import ComparabilitySettings
from swa.tables import doubts
from swa.tables.marker import ALL

_LABEL = "{measure} with the stager alone"
_NAMES = {
    "swa": "staging_swa",
    "wave_density": "staging_density",
    "wave_amplitude_p90": "staging_amplitude_p90",
}
# What a drug that raises delta moves first: it is never read without what the stager alone does, be it a minute.
N3 = ("n3_minutes", "n3_share")
_SLEEP = {measure: f"staging_{'n3' if measure == N3[0] else measure}" for measure in measures_in("architecture")}
_SLEEP_OF_ALL = {measure: f"{name}_of_all" for measure, name in _SLEEP.items()}


@control(
    dict.fromkeys(_NAMES.values(), _LABEL),
    measures={name: measure for measure, name in _NAMES.items()},
    setting="staging",
)
def compare_staging(nights: ComparedNights) -> Iterator[Finding]:
    """How far a contrast moves when the stager sees the EEG of one condition alone 20 % larger or smaller.

    That is what a drug on slow waves does to a stager whose features depend on amplitude.
    """
    limit = float(np.log1p(nights.settings.comparability.staging_shift))
    for channel, measure in nights.treated[0].shifts:
        moved = _moved(nights, channel, measure)
        if measure not in _NAMES or moved is None:
            continue
        largest = _largest(moved)
        found = doubts.STAGING(measure=measure, marker=name_of(measure), percent=100 * float(np.expm1(largest)))
        yield Finding(
            control=_NAMES[measure],
            channel=channel,
            measure=measure,
            ln_ratio=largest,
            limit=limit,
            notes=(found,),
            doubt=found if abs(largest) > limit else None,
        )


@control(
    dict.fromkeys(_SLEEP.values(), _LABEL),
    measures={name: measure for measure, name in _SLEEP.items()},
    setting="staging",
    is_of_measure=True,
)
def compare_staged_sleep(nights: ComparedNights) -> Iterator[Finding]:
    """How far sleep architecture moves with the stager alone: each measure an objection to its own contrast."""
    for measure, name in _SLEEP.items():
        if (moved := _moved(nights, ALL, measure)) is not None:
            yield from _sleep_moves(measure, name, moved, [nights])


@group_control(
    dict.fromkeys(_SLEEP_OF_ALL.values(), _LABEL),
    measures={name: measure for measure, name in _SLEEP_OF_ALL.items()},
    setting="staging",
    is_of_measure=True,
)
def compare_staged_sleep_of_all(subjects: Sequence[ComparedNights]) -> Iterator[Finding]:
    """The mean over subjects of what the stager alone does: what a row over subjects may owe to it."""
    for measure, name in _SLEEP_OF_ALL.items():
        moves = [(nights, moved) for nights in subjects if (moved := _moved(nights, ALL, measure)) is not None]
        if moves:
            mean = np.mean([moved for _, moved in moves], axis=0)
            yield from _sleep_moves(measure, name, mean, [nights for nights, _ in moves])


def _sleep_moves(measure: str, name: str, moved: Floats, subjects: Sequence[ComparedNights]) -> Iterator[Finding]:
    limits: ComparabilitySettings = subjects[0].settings.comparability
    largest = _largest(moved)
    sides = [
        [np.mean([night.unmoved.get(measure, 0.0) for night in side]) for side in nights.sides] for nights in subjects
    ]
    limit = 0.0 if measure in N3 else limits.staging_shift * float(np.abs(np.mean(sides, axis=0)).max())
    of_all = {"n": len(subjects)} if len(subjects) > 1 else {}
    unit = read_glossary()[measure].unit
    found = doubts.STAGES_MOVE(
        measure=measure, marker=name_of(measure), change=largest, unit="" if unit == "1" else f" {unit}", **of_all
    )
    if abs(largest) > limit or measure in N3:
        yield Finding(control=name, measure=measure, notes=(found,), doubt=found if abs(largest) > limit else None)


def _moved(nights: ComparedNights, channel: str, measure: str) -> Floats | None:
    """How far the contrast moves with the stager of one side alone: largest and smallest of either side."""
    if any((channel, measure) not in night.shifts for night in nights.nights):
        return None
    after, earlier = (np.mean([night.shifts[channel, measure] for night in side], axis=0) for side in nights.sides)
    return np.concatenate([after, -earlier])


def _largest(moved: Floats) -> float:
    return float(moved[np.argmax(np.abs(moved))])


def _by_stages(row: RowKind) -> bool:
    return row.by_stages


@control({"staging_source": "source of the stages"}, matters=_by_stages)
def compare_sources(nights: ComparedNights) -> Iterator[Finding]:
    """Nights of one subject of which a machine staged some and people scored the others."""
    if len({night.is_staged_by_machine for night in nights.nights}) > 1:
        sides = "; ".join(
            f"{night.session}: {'automatic' if night.is_staged_by_machine else 'scored'}" for night in nights.nights
        )
        found = doubts.STAGING_SOURCE(sides=sides)
        yield Finding(control="staging_source", notes=(found,), doubt=found)


@group_control({"staging_source_of_all": "source of the stages"}, setting="staging_source", matters=_by_stages)
def compare_sources_of_all(subjects: Sequence[ComparedNights]) -> Iterator[Finding]:
    """Subjects of whom a machine staged some and people scored the others."""
    by_machine = [night.is_staged_by_machine for nights in subjects for night in nights.nights]
    staged = sum(by_machine)
    if 0 < staged < len(by_machine):
        found = doubts.STAGING_SOURCES(staged=staged, scored=len(by_machine) - staged)
        yield Finding(control="staging_source_of_all", notes=(found,), doubt=found)
