"""How far a contrast moves with the stager alone."""

from collections.abc import Iterator

import numpy as np

from swa.comparison.controls.facts import ComparedNights
from swa.comparison.controls.registry import Finding, control
from swa.glossary import name_of
from swa.tables import doubts
from swa.tables.night_document import N3_MINUTES

_LABEL = "{measure} with the stager alone"
_NAMES = {
    "swa": "staging_swa",
    "wave_density": "staging_density",
    "wave_amplitude_p90": "staging_amplitude_p90",
    N3_MINUTES: "staging_n3",
}


@control(
    dict.fromkeys(_NAMES.values(), _LABEL) | {_NAMES[N3_MINUTES]: _LABEL.format(measure="N3")},
    measures={name: measure for measure, name in _NAMES.items()},
    setting="staging",
)
def compare_staging(nights: ComparedNights) -> Iterator[Finding]:
    """How far a contrast moves when the stager sees the EEG of one condition alone 20 % larger or smaller.

    That is what a drug on slow waves does to a stager whose features depend on amplitude.
    """
    limit = float(np.log1p(nights.settings.comparability.staging_shift))
    for channel, measure in nights.treated[0].shifts:
        if any((channel, measure) not in night.shifts for night in nights.nights):
            continue
        after, earlier = (np.mean([night.shifts[channel, measure] for night in side], axis=0) for side in nights.sides)
        moved = np.concatenate([after, -earlier])
        largest = float(moved[np.argmax(np.abs(moved))])
        if measure == N3_MINUTES:
            yield Finding(control=_NAMES[measure], measure=measure, notes=(doubts.N3_MOVES(minutes=largest),))
            continue
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
