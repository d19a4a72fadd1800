"""What was done to all nights of one condition: the mean change over subjects, and how far chance takes it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from swa.comparison.controls.facts import Floats

# Of the t limits of a mean over subjects: stricter than a subject's, since drugs move what is looked at too, and since
# several such means are looked at in one study (`benchmarks/calibration_of_all.py`).
LEVEL = 0.99
FEWEST_SUBJECTS = 3


@dataclass(frozen=True, kw_only=True)
class MeanChange:
    """Mean of the subjects' changes, its limit by their own scatter, and how many subjects there are and rise."""

    mean: float
    limit: float
    n: int
    above: int

    @property
    def counts(self) -> dict[str, int]:
        """What a row says of its subjects."""
        return {"n": self.n, "above": self.above}

    def is_beyond(self, limit: float) -> bool:
        """Whether the mean lies beyond a limit."""
        return abs(self.mean) > limit


def mean_change(changes: Sequence[float] | Floats) -> MeanChange | None:
    """Mean over those subjects whose change is known; None for fewer than three."""
    known = np.asarray(changes, dtype=float)
    known = known[np.isfinite(known)]
    if known.size < FEWEST_SUBJECTS:
        return None
    error = float(np.std(known, ddof=1)) / np.sqrt(known.size)
    return MeanChange(
        mean=float(known.mean()),
        limit=float(stats.t.ppf((1 + LEVEL) / 2, known.size - 1) * error),
        n=int(known.size),
        above=int((known > 0).sum()),
    )


def pooled_sd(stated: float, stated_df: float, own: float, own_df: float) -> tuple[float, float]:
    """SD of few subjects together with a stated one, by what each is worth in degrees of freedom; and theirs."""
    df = stated_df + own_df
    return float(np.sqrt((stated_df * stated**2 + own_df * own**2) / df)), df
