"""Whether the polarity of a channel changed between compared nights for a part of them."""

from collections.abc import Iterator

import numpy as np

from swa.comparison.controls.facts import ComparedNights
from swa.comparison.controls.registry import Finding, RowKind, control
from swa.measures.asymmetry import PART_MIN
from swa.tables import doubts

# ln by which large waves of the same minutes go further down in the one night and further up in the other. Of parts of
# 13 real channels drawn again 0.02 % of pairs do so (0.2 % of the worst), and 63 % where one is turned round: 93 to
# 100 % of five, 57 to 75 % of three, 0 to 26 % of those whose waves are as large both ways
# (`benchmarks/polarity_parts.py`).
TURNED = 0.06


def _rests_on_polarity(row: RowKind) -> bool:
    return row.of_waves


@control({"polarity": "polarity of a part of the night"}, matters=_rests_on_polarity)
def compare_polarity(nights: ComparedNights) -> Iterator[Finding]:
    """Large waves that go further down in the one night and further up in the same minutes of NREM of the other."""
    for name in nights.shared("asymmetry_parts"):
        of_parts = list(zip(*(night.asymmetry_parts[name] for night in nights.nights), strict=False))  # of the shortest
        turned = [min(max(values), -min(values)) if np.isfinite(values).all() else -np.inf for values in of_parts]
        if not np.isfinite(turned).any():
            continue
        place = int(np.argmax(turned))
        values = of_parts[place]
        down, up = int(np.argmax(values)), int(np.argmin(values))
        found = doubts.POLARITY_FOUND(
            first=PART_MIN * place,
            last=PART_MIN * (place + 1),
            down=nights.nights[down].session,
            up=nights.nights[up].session,
            ratio_down=float(np.exp(values[down])),
            ratio_up=float(np.exp(-values[up])),
        )
        yield Finding(
            control="polarity",
            channel=name,
            ln_ratio=turned[place],
            limit=TURNED,
            notes=(found,),
            doubt=doubts.POLARITY_PART(**found.values) if turned[place] >= TURNED else None,
        )
