"""Whether nights that are compared are one and the same recording, or that of another subject."""

from collections.abc import Iterator
from itertools import combinations

from swa.comparison.controls.facts import ComparedNights
from swa.comparison.controls.registry import Finding, control
from swa.tables import doubts


@control({"same_recording": "same recording"})
def find_copies(nights: ComparedNights) -> Iterator[Finding]:
    """Nights of a comparison that hold the same signals, and differ by nothing, or those of another subject."""
    for earlier, later in combinations(nights.nights, 2):
        if set(earlier.content) & set(later.content):
            doubt = doubts.SAME_RECORDING(one=earlier.session, other=later.session)
            yield Finding(control="same_recording", notes=(doubt,), doubt=doubt)
    for night in nights.nights:
        if night.of_other:
            doubt = doubts.OTHERS_RECORDING(one=night.session)
            yield Finding(control="same_recording", notes=(doubt,), doubt=doubt)
