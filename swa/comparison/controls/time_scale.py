"""Whether one night was played faster or slower than another: a sampling rate that is not that of its samples."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from swa.comparison.controls.facts import ComparedNights
from swa.comparison.controls.registry import Finding, control
from swa.comparison.spectral_scale import LARGEST, compare_shapes
from swa.tables import doubts

# How many times better two spectra must fit with all frequencies moved, and by how much (ln). Of hours of 13 real
# channels drawn again, of one half against the other, of N2 against N3, and with power at 11-13 or 13-16 Hz half to
# twice as large none fits more than 4.2 times better (10,000 pairs), of two people one pair of 60 6.9 times. Moved by
# 28, 10 and 5 % 99, 92 and 76 % are told (`benchmarks/time_scale.py`). A person's spindles keep their frequency: nine
# nights of 32 men, ICC above 0.8 and a coefficient of variation from 1 % on (Eggert 2015, Somnologie 19:38).
CLEAR = 6.0
SMALLEST = 0.05


@control({"time_scale": "sampling rate"}, is_ratio=True)
def compare_time_scale(nights: ComparedNights) -> Iterator[Finding]:
    """Frequencies of NREM that all lie lower or higher in one night, as a person's own do not from night to night."""
    for name in nights.shared("shape"):
        pairs = [
            (*compare_shapes(treated.shape[name], before.shape[name]), treated.session, before.session)
            for treated, before in product(nights.treated, nights.before)
        ]
        factor, gain, session, other = max(pairs, key=lambda pair: pair[1])
        moved = -float(np.log(factor)) if gain >= CLEAR else 0.0  # below 0 where the treated night was played slower
        is_moved = SMALLEST <= round(abs(moved), 3) < LARGEST  # at the end of what is tried nothing was found
        found = (
            doubts.TIME_SCALE(factor=float(np.exp(moved)), session=session, other=other, times=gain)
            if is_moved
            else doubts.TIME_SCALE_ALIKE()
        )
        yield Finding(
            control="time_scale",
            channel=name,
            ln_ratio=moved if is_moved else 0.0,
            limit=SMALLEST,
            notes=(found,),
            doubt=found if is_moved else None,
        )
