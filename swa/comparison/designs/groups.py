"""Groups of subjects, as patients and controls: whether the change differs between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from swa.comparison.arrays import Bools, Floats, Ints
from swa.comparison.compared_nights import FEWEST_OF_A_SEQUENCE
from swa.comparison.designs.base import UNEQUAL_ORDERS, BetweenSubjects, WithinSubjects
from swa.comparison.group import FEWEST_TESTED
from swa.comparison.linear import least_squares, t_interval, unequal_variances
from swa.comparison.members import members_by
from swa.comparison.outcomes import Outcome, each, outside, taking_part, together
from swa.comparison.within_subject import Changes
from swa.settings import ComparisonSettings
from swa.tables import notes
from swa.tables.control_names import is_control
from swa.tables.reason import Reason


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
            orders = pair.sequence if len(set(pair.sequence.values())) > 1 else {}
            found += [
                cls(
                    treatment=pair.treatment,
                    baseline=pair.baseline,
                    members=members,
                    sides=sides,
                    sequence=orders,
                    aside=pair.aside,
                    only_aside=frozenset(one for one in pair.only_aside if members.get(one[0]) in sides),
                    limits=_orders_within(sides, members, orders, pair),
                )
                for sides in combinations(names, 2)
            ]
        return found

    def methods_words(self, settings: ComparisonSettings) -> str:
        """As `ContrastDesign.methods_words`."""
        return (
            "Groups are compared by the changes of their subjects (Welch's t), where both orders occur adjusted for "
            "the order: in each group, or with one effect of it where a group has fewer than two subjects of an order."
        )

    def _subjects(self, there: Mapping[str, set[str]]) -> list[str]:
        return [name for name in super()._subjects(there) if self.members.get(name) in self.sides]

    def outcome(self, changes: Changes, settings: ComparisonSettings) -> Outcome:
        """Whether the change differs between two groups: Welch, of sequence-adjusted changes where orders are mixed."""
        member = np.array([self.members.get(str(name), "") for name in changes.subjects], dtype=object)
        sequence, sides = self.orders_in(changes), [member == side for side in self.sides]
        known = np.where(sequence == 0, np.nan, sequence)[:, None]
        method, crossed = notes.WELCH(), False
        if _in_each(sequence, sides):
            compared, method, crossed = _side_by_side(changes.change, sides, known), notes.WELCH_ORDER(), True
        elif _is_told_apart(sequence, sides):
            compared, method, crossed = _one_order_effect(changes.change, sides, known), notes.WELCH_ONE_ORDER(), True
        else:
            compared = _side_by_side(changes.change, sides, None)
        estimate, df = compared.first - compared.second, compared.df
        enough = np.minimum(compared.n_first, compared.n_second) >= FEWEST_TESTED
        t, p, low, high = t_interval(estimate, compared.error, np.where(enough, df, 1), settings.confidence)
        enough &= np.isfinite(compared.error)
        told = each(
            notes.GROUP_CHANGES,
            first=self.sides[0],
            change_first=changes.on_reported_scale(compared.first),
            n_first=compared.n_first,
            second=self.sides[1],
            change_second=changes.on_reported_scale(compared.second),
            n_second=compared.n_second,
        )
        tests = each(notes.WELCH_T_IS, df=df, t=t)
        hide = np.where(enough, 1.0, np.nan)
        both = {name for name, side in self.members.items() if side in self.sides}
        used, left_out = taking_part(changes, [(notes.WITHOUT_ORDER(), (sequence == 0)[:, None] & crossed)], both)
        return Outcome(
            estimate=estimate,
            low=low * hide,
            high=high * hide,
            p=p * hide,
            n=compared.n_first + compared.n_second,
            reasons=[
                [method, told[i], tests[i] if np.isfinite(t[i]) else notes.EQUAL_CHANGES()]
                if enough[i]
                else [told[i], notes.FEW_IN_A_GROUP()]
                for i in range(len(t))
            ],
            used=used,
            left_out=together(left_out, outside([changes], self.members, notes.WITHOUT_GROUP())),
        )


@dataclass(frozen=True, kw_only=True)
class _Compared:
    """Mean change of both groups, the error of their difference with its degrees of freedom, and subjects."""

    first: Floats
    second: Floats
    error: Floats
    df: Floats
    n_first: Ints
    n_second: Ints


def _side_by_side(change: Floats, sides: Sequence[Bools], order: Floats | None) -> _Compared:
    """Each group by itself, with an effect of the order of its own where the orders are given."""
    fits = []
    for side in sides:
        columns: list[npt.ArrayLike] = [np.ones(side.sum()), *([] if order is None else [order[side, 0]])]
        fits.append((least_squares(change[side], columns), len(columns)))
    (first, error_first), (second, error_second) = (fit.combine([1, *[0] * (width - 1)]) for fit, width in fits)
    freedom, other = (np.maximum(fit.df, 1) for fit, _ in fits)
    variance_first, variance_second = error_first**2, error_second**2
    total = variance_first + variance_second
    df = total**2 / np.maximum(variance_first**2 / freedom + variance_second**2 / other, 1e-300)
    return _Compared(
        first=first, second=second, error=np.sqrt(total), df=df, n_first=fits[0][0].n, n_second=fits[1][0].n
    )


def _one_order_effect(change: Floats, sides: Sequence[Bools], order: Floats) -> _Compared:
    """Both groups with one effect of the order, which a group with hardly any subject in one order lends the other."""
    among = np.where((sides[0] | sides[1])[:, None], change, np.nan)
    columns = [side.astype(float) for side in sides] + [order[:, 0]]
    _, error, df, fit = unequal_variances(among, columns, [1, -1, 0])
    known = np.isfinite(among) & np.isfinite(order)
    first, second = ((known & side[:, None]).sum(axis=0) for side in sides)
    return _Compared(first=fit.beta[:, 0], second=fit.beta[:, 1], error=error, df=df, n_first=first, n_second=second)


def _in_each(sequence: Ints, sides: Sequence[Bools]) -> bool:
    """Whether each order has enough subjects in each group to be told apart there."""
    return all((sequence[side] == sign).sum() >= FEWEST_OF_A_SEQUENCE for side in sides for sign in (1, -1))


def _is_told_apart(sequence: Ints, sides: Sequence[Bools]) -> bool:
    """Whether both groups together tell an effect of the order, and not by one subject's change alone."""
    cells = [[int((sequence[side] == sign).sum()) for sign in (1, -1)] for side in sides]
    return any(min(cell) >= FEWEST_OF_A_SEQUENCE for cell in cells) or all(min(cell) for cell in cells)


def _orders_within(
    sides: tuple[str, str], members: Mapping[str, str], sequence: Mapping[str, int], pair: WithinSubjects
) -> tuple[Reason, ...]:
    """That one order is in a larger share of one group, where the effect of the order cannot be taken out."""
    names = list(sequence)
    orders = np.array([sequence[name] for name in names], dtype=np.int64)
    among = [np.array([members.get(name) == side for name in names], dtype=bool) for side in sides]
    if not all(side.any() for side in among) or _is_told_apart(orders, among):
        return ()
    first, second = (int((orders[side] == 1).sum()) for side in among)
    n_first, n_second = (int(side.sum()) for side in among)
    if abs(first / n_first - second / n_second) < UNEQUAL_ORDERS:
        return ()
    counts = {"first": first, "n_first": n_first, "second": second, "n_second": n_second}
    return (notes.GROUP_ORDERS(side_first=sides[0], side_second=sides[1], baseline=pair.baseline, **counts),)
