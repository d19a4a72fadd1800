"""What was done to all nights of one condition: the mean change over subjects, and how far chance takes it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from swa.comparison.controls.facts import Floats

# Of the t limits of a mean over subjects: stricter than a subject's, since drugs move what is looked at too, and since
# several such means are looked at in one study (`benchmarks/calibration_of_all.py`).
LEVEL = 0.99
FEWEST_SUBJECTS, FEWEST_FOR_STATED = 3, 4


@dataclass(frozen=True, kw_only=True)
class MeanChange:
    """Mean of the subjects' changes, their SD, and how many subjects there are and rise."""

    mean: float
    sd: float
    n: int
    above: int

    @property
    def counts(self) -> dict[str, int]:
        """What a row says of its subjects."""
        return {"n": self.n, "above": self.above}

    def chance(self, looks: int = 1) -> float:
        """How far from 0 the mean lies by chance, by the subjects' own scatter, at one of so many looks."""
        return self._limit(self.sd, self.n - 1, looks)

    def chance_with(self, stated: float, stated_df: float, looks: int = 1) -> float:
        """The same by their scatter together with a stated one: that of few subjects is known badly."""
        return self._limit(*pooled_sd(stated, stated_df, self.sd, self.n - 1), looks)

    def chance_of(self, stated: float) -> float:
        """The same by a stated scatter alone, so that uneven changes do not excuse themselves; none of few subjects."""
        few = self.n < FEWEST_FOR_STATED
        return float(np.inf if few else stats.norm.ppf((1 + LEVEL) / 2) * stated / np.sqrt(self.n))

    def _limit(self, sd: float, df: float, looks: int) -> float:
        return float(stats.t.ppf(1 - (1 - LEVEL) / looks / 2, df) * sd / np.sqrt(self.n))

    def is_beyond(self, limit: float) -> bool:
        """Whether the mean lies beyond a limit."""
        return abs(self.mean) > limit


def mean_change(changes: Sequence[float] | Floats) -> MeanChange | None:
    """Mean over those subjects whose change is known; None for fewer than three."""
    known = np.asarray(changes, dtype=float)
    known = known[np.isfinite(known)]
    if known.size < FEWEST_SUBJECTS:
        return None
    return MeanChange(
        mean=float(known.mean()), sd=float(np.std(known, ddof=1)), n=int(known.size), above=int((known > 0).sum())
    )


def pooled_sd(stated: float, stated_df: float, own: float, own_df: float) -> tuple[float, float]:
    """SD of few subjects together with a stated one, by what each is worth in degrees of freedom; and theirs."""
    df = stated_df + own_df
    return float(np.sqrt((stated_df * stated**2 + own_df * own**2) / df)), df
