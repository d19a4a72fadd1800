"""Groups of subjects, as patients and controls: whether the change differs between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from swa.comparison.compared_nights import is_control
from swa.comparison.designs.base import BetweenSubjects, WithinSubjects, members_by
from swa.comparison.group import FEWEST_TESTED
from swa.comparison.linear import least_squares, t_interval
from swa.comparison.outcomes import Outcome, each, outside, taking_part, together
from swa.comparison.within_subject import Changes
from swa.settings import ComparisonSettings
from swa.tables import notes


@dataclass(frozen=True, kw_only=True)
class Groups(BetweenSubjects):
    """The change within subjects of one group less that of another."""

    kind: ClassVar[str] = "groups"
    rank: ClassVar[int] = 60
    can_be_stated: ClassVar[bool] = False

    @classmethod
    def find(
        cls, nights: pd.DataFrame, within: Sequence[WithinSubjects], settings: ComparisonSettings
    ) -> list["Groups"] | None:
        """Each group with each, patients less controls."""
        found = []
        for pair in within:
            own = nights[nights["condition"].isin([pair.treatment, pair.baseline])]
            members = members_by("group", own)
            names = sorted(set(members.values()), key=lambda name: (is_control(name), name))
            orders = pair.sequence if pair.permutes_estimate and pair.removes_period else {}
            found += [
                cls(
                    treatment=pair.treatment,
                    baseline=pair.baseline,
                    members=members,
                    sides=sides,
                    sequence=orders,
                )
                for sides in combinations(names, 2)
            ]
        return found

    def methods_words(self, settings: ComparisonSettings) -> str:
        """As `ContrastDesign.methods_words`."""
        return (
            "Groups are compared by the changes of their subjects (Welch's t), in a crossover adjusted for the order."
        )

    def _subjects(self, there: Mapping[str, set[str]]) -> list[str]:
        return [name for name in super()._subjects(there) if self.members.get(name) in self.sides]

    def outcome(self, changes: Changes, settings: ComparisonSettings) -> Outcome:
        """Whether the change differs between two groups: Welch, of sequence-adjusted changes in a crossover."""
        member = np.array([self.members.get(str(name), "") for name in changes.subjects], dtype=object)
        sequence = self.orders_in(changes)
        estimates, variances, freedoms, counts = [], [], [], []
        crossed = bool(self.sequence) and all(
            min((sequence[member == side] == sign).sum() for sign in (1, -1)) > 1 for side in self.sides
        )
        for side in self.sides:
            own = changes.change[member == side]
            columns: list[npt.ArrayLike] = [np.ones(len(own))]
            if crossed:
                order = sequence[member == side].astype(float)
                columns.append(np.where(order == 0, np.nan, order))
            fit = least_squares(own, columns)
            estimate, error = fit.combine([1, *[0] * (len(columns) - 1)])
            estimates.append(estimate)
            variances.append(error**2)
            freedoms.append(np.maximum(fit.df, 1))
            counts.append(fit.n)
        total = variances[0] + variances[1]
        df = total**2 / np.maximum(variances[0] ** 2 / freedoms[0] + variances[1] ** 2 / freedoms[1], 1e-300)
        estimate = estimates[0] - estimates[1]
        enough = np.minimum(*counts) >= FEWEST_TESTED
        t, p, low, high = t_interval(estimate, np.sqrt(total), np.where(enough, df, 1), settings.confidence)
        change_first, change_second = (changes.on_reported_scale(found) for found in estimates)
        sides = each(
            notes.GROUP_CHANGES,
            first=self.sides[0],
            change_first=change_first,
            n_first=counts[0],
            second=self.sides[1],
            change_second=change_second,
            n_second=counts[1],
        )
        method, tests = notes.WELCH_ORDER() if crossed else notes.WELCH(), each(notes.WELCH_T_IS, df=df, t=t)
        hide = np.where(enough, 1.0, np.nan)
        both = {name for name, side in self.members.items() if side in self.sides}
        used, left_out = taking_part(changes, [(notes.WITHOUT_ORDER(), (sequence == 0)[:, None] & crossed)], both)
        return Outcome(
            estimate=estimate,
            low=low * hide,
            high=high * hide,
            p=p * hide,
            n=counts[0] + counts[1],
            reasons=[
                [method, sides[i], tests[i]] if enough[i] else [sides[i], notes.FEW_IN_A_GROUP()] for i in range(len(t))
            ],
            used=used,
            left_out=together(left_out, outside([changes], self.members, notes.WITHOUT_GROUP())),
        )
