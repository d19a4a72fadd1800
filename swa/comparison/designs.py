"""Which comparison a study file describes: paired, crossover, pre/post crossover, arms, groups, mixed model.

The design is a property of the nights, so every marker of a contrast is analysed in the same way. It can be stated
(setting comparison.design) where the study file does not tell it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd

from swa.comparison.design import (
    BEFORE,
    FEWEST_OF_A_SEQUENCE,
    design_limits,
    is_control,
    parallel_arms,
    place_of_nights,
    text_column,
)
from swa.settings import ComparisonSettings
from swa.tables import notes
from swa.tables.contrast import Contrast
from swa.tables.reason import Reason

Kind = Literal["paired", "crossover", "pre/post crossover", "mixed model", "parallel arms", "groups"]

FEWEST_PRE = 5  # an intercept and a slope leave 3 degrees of freedom
MOST_PERIODS = 6


@dataclass(frozen=True, kw_only=True)
class ContrastDesign:
    """One contrast and how it is analysed.

    Attributes
    ----------
    kind : str
        The analysis.
    treatment, baseline : str
        Conditions whose change is taken; of arms the condition of the first arm, and the baseline of both.
    contrast : str
        Name in the tables.
    other : str
        Arms: the condition of the second arm.
    members : mapping
        Arm or group of each subject; `sides` are the two that are compared, the first less the second.
    sequence : mapping
        1 for subjects with the baseline first, -1 with the treatment first.
    periods : mapping
        Period of each (subject, condition).
    limits : tuple of Reason
        What the design forbids the contrast to be read as.
    tested : bool
        Whether a p over subjects has a meaning.
    """

    kind: Kind
    treatment: str
    baseline: str
    contrast: str
    other: str = ""
    members: Mapping[str, str] = field(default_factory=dict)
    sides: tuple[str, str] = ("", "")
    sequence: Mapping[str, int] = field(default_factory=dict)
    periods: Mapping[tuple[str, str], float] = field(default_factory=dict)
    limits: tuple[Reason, ...] = ()
    tested: bool = True

    @property
    def key(self) -> Contrast:
        """What is held against what."""
        between_arms = self.kind == "parallel arms"
        return Contrast(
            treatment=self.treatment,
            comparator=(self.other or self.treatment) if between_arms else self.baseline,
            first=self.sides[0],
            second=self.sides[1],
        )


def find_designs(
    nights: pd.DataFrame, before: pd.DataFrame, pairs: tuple[tuple[str, str], ...], settings: ComparisonSettings
) -> list[ContrastDesign]:
    """Recognise the design of each pair of conditions, and the contrasts between arms and groups that it calls for.

    Parameters
    ----------
    nights : DataFrame
        Usable nights.
    before : DataFrame
        Nights before an infusion (`nights_before`), their condition marked.
    pairs : tuple of (treatment, baseline)
        Contrasts within subjects.
    settings : ComparisonSettings
        The design, where it is stated.
    """
    found = [_within_subjects(nights, before, treatment, baseline, settings) for treatment, baseline in pairs]
    arms = [] if settings.design in ("paired", "crossover", "mixed model") else parallel_arms(nights)
    if arms:
        found += _between_arms(nights, pairs, arms)
    else:
        found += [design for pair in found for design in _between_groups(nights, pair)]
    return found


def _within_subjects(
    nights: pd.DataFrame, before: pd.DataFrame, treatment: str, baseline: str, settings: ComparisonSettings
) -> ContrastDesign:
    pair = nights[nights["condition"].isin([treatment, baseline])]
    limits, tested = design_limits(nights, treatment, baseline)
    place = place_of_nights(pair).reindex(columns=[baseline, treatment])
    step = np.sign((place[treatment] - place[baseline]).to_numpy(dtype=float))
    sequence = {str(name): int(sign) for name, sign in zip(place.index, step, strict=True) if sign in (1, -1)}
    periods = {
        (str(subject), condition): float(value)
        for condition in (baseline, treatment)
        for subject, value in zip(place.index, place[condition].to_numpy(dtype=float), strict=True)
        if np.isfinite(value)
    }
    kind = _kind(pair, before, sequence, set(periods.values()), treatment, baseline, settings)
    if kind == "paired" or not sequence:
        limits += [notes.PERIOD_NOT_REMOVED()] if len(set(sequence.values())) > 1 else []
    return ContrastDesign(
        kind=kind,
        treatment=treatment,
        baseline=baseline,
        contrast=f"{treatment}:{baseline}",
        sequence=sequence,
        periods=periods,
        limits=tuple(limits),
        tested=tested,
    )


def _kind(
    pair: pd.DataFrame,
    before: pd.DataFrame,
    sequence: Mapping[str, int],
    periods: set[float],
    treatment: str,
    baseline: str,
    settings: ComparisonSettings,
) -> Kind:
    if settings.design != "auto" and settings.design != "parallel arms":
        return settings.design
    there = pair.groupby("subject")["condition"].agg(set)
    complete = there.map(len) == 2
    if parallel_arms(pair) or complete.sum() < FEWEST_OF_A_SEQUENCE:
        return "paired"
    counts = [sum(sign == one for sign in sequence.values()) for one in (1, -1)]
    both_orders = min(counts) >= FEWEST_OF_A_SEQUENCE
    pre = before.groupby("subject")["condition"].agg(set) if len(before) else pd.Series(dtype=object)
    with_pre = sum({treatment + BEFORE, baseline + BEFORE} <= conditions for conditions in pre)
    if with_pre >= FEWEST_PRE:
        return "pre/post crossover"
    if both_orders and 2 < len(periods) <= MOST_PERIODS and all(value == int(value) for value in periods):
        return "mixed model"
    if (~complete).mean() > settings.mixed_model_missing and complete.sum() > FEWEST_OF_A_SEQUENCE:
        return "mixed model"
    return "crossover" if both_orders else "paired"


def _between_arms(nights: pd.DataFrame, pairs: tuple[tuple[str, str], ...], arms: list[str]) -> list[ContrastDesign]:
    """Contrast each arm with the control arm, else each with each, by what its subjects had after the baseline."""
    arm = text_column(nights, "arm")
    members = {str(s): str(a) for s, a in zip(nights["subject"], arm, strict=True) if a}
    conditions = {name: sorted(nights.loc[arm == name, "condition"].unique()) for name in arms}
    controls = [name for name in arms if is_control(name)]
    sides = [(name, controls[0]) for name in arms if name != controls[0]] if controls else list(combinations(arms, 2))
    found = []
    for baseline in dict.fromkeys(base for _, base in pairs):
        treated = {treatment for treatment, base in pairs if base == baseline}
        for first, second in sides:
            mine = [name for name in conditions[first] if name in treated]
            theirs = [name for name in conditions[second] if name in treated]
            if mine == theirs:
                same = [(name, name, f"{first}:{second}" + (f" {name}" if len(mine) > 1 else "")) for name in mine]
            else:
                same = [(a, b, f"{a}:{b}") for a in mine for b in theirs if a != b]
            found += [
                ContrastDesign(
                    kind="parallel arms",
                    treatment=a,
                    other=b,
                    baseline=baseline,
                    contrast=name,
                    members=members,
                    sides=(first, second),
                )
                for a, b, name in same
            ]
    return found


def _between_groups(nights: pd.DataFrame, pair: ContrastDesign) -> list[ContrastDesign]:
    """Whether the change differs between groups (patients, controls), each with each."""
    own = nights[nights["condition"].isin([pair.treatment, pair.baseline])]
    group = text_column(own, "group")
    members = {str(s): str(g) for s, g in zip(own["subject"], group, strict=True) if g}
    names = sorted(set(members.values()), key=lambda name: (is_control(name), name))  # patients less controls
    return [
        ContrastDesign(
            kind="groups",
            treatment=pair.treatment,
            baseline=pair.baseline,
            contrast=f"{pair.contrast} {first}:{second}",
            members=members,
            sides=(first, second),
            sequence=pair.sequence if pair.kind == "crossover" else {},
        )
        for first, second in combinations(names, 2)
    ]


def state_design(design: ContrastDesign, nights: pd.DataFrame) -> str:
    """Say how a contrast is analysed and on whom: ``2×2 crossover, 8 subjects (4 placebo first, 4 ketamine first)``.

    Parameters
    ----------
    design : ContrastDesign
        As `find_designs` recognised it.
    nights : DataFrame
        Usable nights.
    """
    there = nights.groupby("subject")["condition"].agg(set)

    def having(*conditions: str) -> list[str]:
        return [str(subject) for subject, names in there.items() if set(conditions) <= names]

    if design.kind == "parallel arms":
        wanted = zip(design.sides, (design.treatment, design.other or design.treatment), strict=True)
        sides = [(side, having(name, design.baseline)) for side, name in wanted]
        subjects = [name for side, names in sides for name in names if design.members.get(name) == side]
    else:
        subjects = having(design.treatment, design.baseline)
        subjects = [name for name in subjects if not design.members or design.members.get(name) in design.sides]
    parts = []
    if design.members:
        parts = [f"{sum(design.members[name] == side for name in subjects)} {side}" for side in design.sides]
    elif design.sequence:
        orders = [design.sequence.get(name, 0) for name in subjects]
        counts = ((1, design.baseline), (-1, design.treatment))
        parts = [f"{orders.count(sign)} {name} first" for sign, name in counts if sign in orders]
    kind = "2×2 crossover" if design.kind == "crossover" else design.kind
    number = f"{len(subjects)} subject{'' if len(subjects) == 1 else 's'}"
    limits = "".join(f"; {limit.words}" for limit in design.limits)
    return f"{kind}, {number}" + (f" ({', '.join(parts)})" if parts else "") + limits


def state_doses(nights: pd.DataFrame, treatment: str) -> str:
    """Say which nights after how many infusions a treatment has, as a clause to append; empty where one night each."""
    own = nights[nights["condition"] == treatment]
    said = []
    for name, text in (("infusion", "each of {} infusions"), ("nights_since_dose", "nights {} since the dose")):
        numbers = pd.to_numeric(own[name], errors="coerce").dropna() if name in own else pd.Series(dtype=float)
        found = [f"{number:g}" for number in sorted(numbers.unique())]
        if len(found) > 1:
            said.append(text.format(len(found) if name == "infusion" else ", ".join(found)))
    return f"; {' after '.join(reversed(said))} (dose_contrasts.tsv)" if said else ""
