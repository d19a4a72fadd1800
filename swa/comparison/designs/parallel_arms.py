"""Parallel arms: each subject had the baseline and what its arm was given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from swa.comparison.baseline_levels import DIFFER_P, untold_by_change
from swa.comparison.designs.arm_places import places_apart
from swa.comparison.designs.base import BetweenSubjects, WithinSubjects
from swa.comparison.group import FEWEST_TESTED
from swa.comparison.linear import t_interval, unequal_variances
from swa.comparison.members import members_by, parallel_arms
from swa.comparison.outcomes import Outcome, each, outside, taking_part, together
from swa.comparison.within_subject import Changes, subject_changes
from swa.settings import ComparisonSettings
from swa.tables import notes
from swa.tables.contrast import Contrast, join_name
from swa.tables.control_names import is_control


@dataclass(frozen=True, kw_only=True)
class ParallelArms(BetweenSubjects):
    """What one arm had after the baseline against what another had.

    `single` tells whether both arms had one and the same condition after the baseline, which need not be named.
    """

    kind: ClassVar[str] = "parallel arms"
    rank: ClassVar[int] = 50
    adjusted_for: ClassVar[str] = "each subject's baseline"
    sources: ClassVar[tuple[str, ...]] = ("bell2002",)

    single: bool = False

    @property
    def key(self) -> Contrast:
        """What is held against what."""
        return Contrast(treatment=self.treatment, comparator=self.other, first=self.sides[0], second=self.sides[1])

    @property
    def contrast(self) -> str:
        """Name in the tables: the conditions where they differ, else the arms."""
        if self.other != self.treatment:
            return join_name(self.treatment, self.other)
        return join_name(*self.sides) + ("" if self.single else f" {self.treatment}")

    @classmethod
    def find(
        cls, nights: pd.DataFrame, within: Sequence[WithinSubjects], settings: ComparisonSettings
    ) -> list["ParallelArms"] | None:
        """Contrast each arm with the control arm, else each with each, by what its subjects had after the baseline."""
        arms = parallel_arms(nights)
        if not arms or settings.design not in ("auto", cls.kind):
            return None
        members = members_by("arm", nights)
        arm = nights["subject"].astype(str).map(members)
        conditions = {name: sorted(nights.loc[arm == name, "condition"].unique()) for name in arms}
        controls = [name for name in arms if is_control(name)]
        others = [(name, controls[0]) for name in arms if name != controls[0]] if controls else combinations(arms, 2)
        sides = list(others)
        found = []
        for baseline in dict.fromkeys(design.baseline for design in within):
            treated = {design.treatment for design in within if design.baseline == baseline}
            for first, second in sides:
                mine = [name for name in conditions[first] if name in treated]
                theirs = [name for name in conditions[second] if name in treated]
                same = mine == theirs
                pairs = [(a, b) for a in mine for b in theirs if (a == b) == same]
                found += [
                    cls(
                        treatment=a,
                        other=b,
                        baseline=baseline,
                        members=members,
                        sides=(first, second),
                        single=len(pairs) == 1,
                        limits=places_apart(nights, members, ((first, a), (second, b)), baseline),
                    )
                    for a, b in pairs
                ]
        return found

    def methods_words(self, settings: ComparisonSettings) -> str:
        """As `ContrastDesign.methods_words`."""
        return (
            "Arms are compared by analysis of covariance: the treatment night on the arm and the subject's own "
            "baseline, with errors that let the arms vary differently; p and interval by t. Where the arms differ at "
            f"baseline (p below {DIFFER_P:g}), a difference counts as told only if the plain changes tell it too. "
            "Changes within an arm have no p."
        )

    def _subjects(self, there: Mapping[str, set[str]]) -> list[str]:
        wanted = zip(self.sides, (self.treatment, self.other), strict=True)
        return [
            name
            for side, condition in wanted
            for name, conditions in there.items()
            if self.members.get(name) == side and {condition, self.baseline} <= conditions
        ]

    def outcome(self, changes: Changes, settings: ComparisonSettings) -> Outcome:
        """ANCOVA: the treatment night on the arm and the subject's own baseline, the two arms of the contrast alone.

        The arms may vary differently (`unequal_variances`), since one of them responds to a drug.
        """
        theirs = changes if self.other == self.treatment else subject_changes(changes.grid, self.other, self.baseline)
        arms = [changes, theirs]
        own = [{name for name, arm in self.members.items() if arm == side} for side in self.sides]
        rows = [
            np.array([str(name) in members for name in arm.subjects], dtype=bool)
            for arm, members in zip(arms, own, strict=True)
        ]
        after = np.concatenate([arm.treatment[some] for arm, some in zip(arms, rows, strict=True)])
        before = np.concatenate([arm.baseline[some] for arm, some in zip(arms, rows, strict=True)])
        side = np.repeat([0.5, -0.5], [int(some.sum()) for some in rows])
        # A treatment that shortens its night cuts the baseline too, and what arms are adjusted for must not hang on the
        # treatment: it is the baseline over all its minutes, while the change is over common ones.
        whole = np.concatenate([arm.baseline_uncut[some] for arm, some in zip(arms, rows, strict=True)])
        after, before = after + (whole - before), whole
        known = np.isfinite(after) & np.isfinite(before)
        centre = np.where(known, before, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        columns: list[npt.ArrayLike] = [np.ones(len(after)), side, before - centre]
        estimate, error, df, fit = unequal_variances(after, columns, [0, 1, 0])
        n_first, n_second = ((known & (side == sign)[:, None]).sum(axis=0) for sign in (0.5, -0.5))
        enough = (np.minimum(n_first, n_second) >= FEWEST_TESTED) & (fit.df > 0)
        t, p, low, high = t_interval(estimate, error, df, settings.confidence)
        names = {"first": self.sides[0], "second": self.sides[1]}
        sizes, few = (
            each(kind, **names, n_first=n_first, n_second=n_second) for kind in (notes.ARM_SIZES, notes.FEW_IN_AN_ARM)
        )
        told = each(notes.WELCH_T_IS, df=df, t=t)
        tests = [own if known else notes.EQUAL_CHANGES() for own, known in zip(told, np.isfinite(t), strict=True)]
        slopes = each(notes.SLOPE_ON_BASELINE, slope=fit.beta[:, 2])
        both = np.minimum(n_first, n_second) >= FEWEST_TESTED
        untested = [notes.ALIKE_FOR_DESIGN() if own else why for own, why in zip(fit.alike & both, few, strict=True)]
        hide = np.where(enough, 1.0, np.nan)
        untold = untold_by_change(changes, (before, after), side, (estimate * hide, p * hide), names, settings)
        left_out = [taking_part(arm, [], among)[1] for arm, among in zip(arms, own, strict=True)]
        return Outcome(
            estimate=estimate * hide,
            low=low * hide,
            high=high * hide,
            p=p * hide,
            n=fit.n,
            reasons=[
                [notes.ANCOVA_ARMS(), tests[i], sizes[i], slopes[i], *untold[i]] if enough[i] else [untested[i]]
                for i in range(len(t))
            ],
            used=np.isfinite(changes.change),
            left_out=together(*left_out, outside(arms, self.members, notes.WITHOUT_ARM())),
        )
