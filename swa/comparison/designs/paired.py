"""Paired nights: one change per subject, by sign flips where their interval exists, else by t."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from swa.comparison.designs.base import Pair, WithinSubjects
from swa.comparison.group import FEWEST_TESTED, PairedT, drawn_flips, moments, paired_t, sign_flip_test
from swa.comparison.outcomes import Outcome, count_left_out
from swa.comparison.within_subject import Changes
from swa.settings import ComparisonSettings
from swa.tables import notes
from swa.tables.reason import Reason


@dataclass(frozen=True, kw_only=True)
class Paired(WithinSubjects):
    """What is left where no other design recognises itself."""

    kind: ClassVar[str] = "paired"
    rank: ClassVar[int] = 40
    permutes_estimate: ClassVar[bool] = True
    sources: ClassVar[tuple[str, ...]] = ("hartigan1969",)

    @classmethod
    def fits(cls, pair: Pair, settings: ComparisonSettings) -> bool:
        """Always: one order in all, one subject in the other, an order that is not known, or a night missing."""
        return True

    def methods_words(self, settings: ComparisonSettings) -> str:
        """As `ContrastDesign.methods_words`."""
        return (
            "One value per subject. Sign-flip test of the mean log-ratio with the interval that it inverts to, exact "
            f"up to {settings.exact_flip_subjects} subjects; with too few subjects for such an interval, the paired t "
            "interval, labelled so."
        )

    def outcome(self, changes: Changes, settings: ComparisonSettings) -> Outcome:
        """Test whether the mean change is none: sign flips where their interval exists (n >= 6 at 95 %), else t.

        Below two subjects there is no interval, below three no p: two numbers that happen to agree would give any. Nor
        is there a p within an arm (`tested`).
        """
        change = changes.change
        n, mean, _ = moments(change)
        t = paired_t(change, settings.confidence)
        flip = sign_flip_test(change, settings).without(t.alike)
        by_flip = np.isfinite(flip.low)
        p = np.where(by_flip, flip.p, np.where(n >= FEWEST_TESTED, t.p, np.nan))
        low, high = changes.on_reported_scale(t.low), changes.on_reported_scale(t.high)
        drawn = notes.SIGN_FLIPS_DRAWN(flips=drawn_flips(settings))
        reasons: list[list[Reason]] = []
        for i in range(len(n)):
            method = (notes.SIGN_FLIPS_EXACT() if flip.exact[i] else drawn) if by_flip[i] else notes.PAIRED_T()
            told = {"p": float(t.p[i])} if self.tested and n[i] >= FEWEST_TESTED else {}
            if by_flip[i]:
                told |= {"low": float(low[i]), "high": float(high[i])}
            found = [method] if n[i] > 1 else []
            found += [] if t.alike[i] else _of_flips(int(n[i]), float(flip.level[i]), settings)
            reasons.append([*found, *_of_t(t, i, told)])
        return Outcome(
            estimate=mean,
            low=np.where(by_flip, flip.low, t.low),
            high=np.where(by_flip, flip.high, t.high),
            p=p if self.tested else np.full(len(n), np.nan),
            n=n,
            reasons=reasons,
            used=np.isfinite(change),
            left_out=count_left_out(changes, np.isfinite(change), one_sided=self.tested),
        )


def _of_flips(n: int, level: float, settings: ComparisonSettings) -> list[Reason]:
    if math.isfinite(level):
        return [notes.ATTAINED_LEVEL(percent=100 * level)]
    if n == 0:
        return [notes.NO_CHANGE()]
    if n == 1:
        return [notes.ONE_SUBJECT()]
    if n > settings.most_flip_subjects:
        return [notes.MANY_FOR_FLIPS()]
    few = notes.FEW_FOR_FLIPS(smallest_p=2 / 2**n)
    return [few] if n >= FEWEST_TESTED else [few, notes.TWO_SUBJECTS()]


def _of_t(t: PairedT, i: int, told: Mapping[str, float]) -> list[Reason]:
    if t.alike[i]:
        return [notes.EQUAL_CHANGES()]
    if t.df[i] < FEWEST_TESTED - 1:
        return []
    return [notes.PAIRED_T_IS(df=int(t.df[i]), t=float(t.t[i]), **told)]
