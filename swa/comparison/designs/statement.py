"""What a design can and cannot show, in the words of the first paragraph of a page."""

from collections.abc import Iterable, Sequence
from typing import Literal

import pandas as pd

from swa.comparison.compared_nights import COPIED, find_condition, place_of_nights, text_column, usable_nights
from swa.comparison.designs import ContrastDesign, find_designs
from swa.comparison.designs.base import UNEQUAL_ORDERS
from swa.comparison.members import parallel_arms, unused_arms
from swa.settings import ComparisonSettings
from swa.tables import notes
from swa.tables.contrast import Contrast
from swa.tables.control_names import is_control
from swa.tables.design_limit import OPEN_ORDERS, DesignLimit
from swa.tables.results_tables import ORDER_SOURCE

BEFORE_WORDS = {"pre", "before"}

Direction = Literal["earlier", "later", "mixed", "unknown"]


def design_statement(nights: pd.DataFrame, baseline: str, settings: ComparisonSettings | None = None) -> str:
    """Say what the design can and cannot show, in a sentence or two for the first paragraph of a report.

    Parameters
    ----------
    nights : DataFrame
        One row a night: subject, session, condition, and where known status, adaptation, order, period, phase, arm.
    baseline : str
        Name of the baseline condition.
    settings : ComparisonSettings, optional
        The design, where it is stated.
    """
    used = usable_nights(nights)
    conditions = sorted(used["condition"].unique())
    baseline = find_condition(baseline, conditions)
    treatments = [condition for condition in conditions if condition != baseline]
    if not treatments:
        return f"All nights are {baseline} nights: there is nothing to compare."
    sentences: list[str] = []
    before: set[str] = set()
    arms = parallel_arms(used)
    if arms:
        sentences.append(
            f"Subjects were in parallel arms ({', '.join(arms)}): changes from {baseline} are shown without a p, "
            "because only a comparison between the arms can show an effect of the drug; it is adjusted for each "
            "subject's own baseline."
        )
    else:
        pairs = [Contrast(treatment=name, comparator=baseline) for name in treatments]
        found = find_designs(nights, pairs, settings or ComparisonSettings())
        designs = {design.treatment: design for design in found if design.key.is_within}
        before = {design.adjusted_for for design in designs.values()}
        classes = {name: _direction(designs[name]) for name in treatments if not is_control(name)}
        controls = [name for name in treatments if is_control(name)]
        controlled = bool(controls and classes) and not is_control(baseline)
        for direction in dict.fromkeys(classes.values()):
            names = [name for name in treatments if classes.get(name) == direction]
            sentences.append(_sentence(used, [designs[name] for name in names], direction, controlled=controlled))
        if controlled:
            drugs = _join(list(classes))
            sentences.insert(
                0, f"The controlled comparison is {drugs} against {controls[0]}, not the change from {baseline}."
            )
            if also := _join([name for name in controls if _order_limit(used, designs[name])]):
                also = also[:1].upper() + also[1:]
                sentences.append(f"{also} nights may differ from {baseline} for the same reasons.")
        if without := _without_arms(used, treatments):
            sentences.append(
                f"Each subject had one of {_join(without)} alone: the study file does not say that these are parallel "
                "arms (column arm, one name in all nights of a subject), so that they are not compared with each other."
            )
        if not classes:
            sentences.append(f"Each subject's {_join(controls)} night is compared with a {baseline} night; no drug.")
    sentences += unused_arms(used)
    if len(used) < len(usable_nights(nights.drop(columns="phase", errors="ignore"))):
        adjusted = f", adjusted for {before.pop()}" if len(before) == 1 and "" not in before else ""
        sentences.append(f"Of each infusion, only the nights after it are compared{adjusted or ' here'}.")
    return " ".join(sentences)


def find_limits(
    nights: pd.DataFrame, designs: Iterable[ContrastDesign], baseline: str
) -> dict[Contrast, tuple[DesignLimit, ...]]:
    """Find why the designs alone leave open whether a change comes from the drug, for each contrast.

    Parameters
    ----------
    nights : DataFrame
        As for `design_statement`.
    designs : iterable of ContrastDesign
        How the contrasts are analysed.
    baseline : str
        Name of the baseline condition; empty where there is none.
    """
    used = usable_nights(nights)
    used = used[~used[COPIED]]
    return {design.key: _limits(used, design, baseline) for design in designs}


def _limits(used: pd.DataFrame, design: ContrastDesign, baseline: str) -> tuple[DesignLimit, ...]:
    chosen = (DesignLimit.NIGHTS_CHOSEN,) if notes.NIGHTS_CHOSEN.among(design.limits) else ()
    return (*_limits_of_cause(used, design, baseline), *chosen)


def _limits_of_cause(used: pd.DataFrame, design: ContrastDesign, baseline: str) -> tuple[DesignLimit, ...]:
    key, arms = design.key, parallel_arms(used)
    if not key.is_within:
        apart = notes.GROUP_ORDERS.among(design.limits) or notes.ARM_PLACES.among(design.limits)
        unequal = (DesignLimit.UNEQUAL_ORDERS,) if apart else ()
        return unequal if key.first in arms else (DesignLimit.GROUPS, *unequal)
    order = _order_limit(used, design)
    if key.comparator == baseline and not is_control(baseline) and not is_control(key.treatment):
        without = DesignLimit.ONE_ARM if arms else DesignLimit.NO_CONTROL
        return (without, order) if order in OPEN_ORDERS else (without,)
    return (order,) if order else ()


def _order_limit(used: pd.DataFrame, design: ContrastDesign) -> DesignLimit | None:
    """What the order of the nights leaves open; one that is not known counts as the worst that it can be."""
    key = design.key
    if notes.ORDERS_UNEQUAL.among(design.limits):
        return DesignLimit.UNEQUAL_ORDERS
    if design.removes_period:
        return None
    if key.comparator.casefold() in BEFORE_WORDS:
        return DesignLimit.ONE_ORDER
    step = _steps(used, key.treatment, key.comparator)
    first, last, unknown = int((step > 0).sum()), int((step < 0).sum()), int(step.isna().sum())
    if unknown and abs(first - last) + unknown >= UNEQUAL_ORDERS * (first + last + unknown):
        return DesignLimit.UNKNOWN_ORDER
    if first and last:
        return None
    if first or last:
        return DesignLimit.ONE_ORDER
    return DesignLimit.SAME_PLACE if len(step) else DesignLimit.UNKNOWN_ORDER


def _steps(used: pd.DataFrame, treatment: str, comparator: str) -> pd.Series:
    """Places of the treatment after the comparator, for each subject with both; NaN where that is not known."""
    place = place_of_nights(used).reindex(columns=[treatment, comparator])
    there = used.groupby("subject")["condition"].agg(set).reindex(place.index)
    place = place[[{treatment, comparator} <= own for own in there]]
    return place[treatment] - place[comparator]


def _without_arms(nights: pd.DataFrame, treatments: Sequence[str]) -> list[str]:
    """Treatments, several subjects each, of which no subject had two."""
    there = nights[nights["condition"].isin(treatments)].groupby("subject")["condition"].agg(set)
    if len(treatments) < 2 or (there.map(len) > 1).any():
        return []
    return [name for name in treatments if sum(name in own for own in there) > 1]


def _direction(design: ContrastDesign) -> Direction:
    baseline_first, treatment_first = _first(design)
    if baseline_first and treatment_first:
        return "mixed"
    if baseline_first or design.baseline.casefold() in BEFORE_WORDS:
        return "earlier"
    return "later" if treatment_first else "unknown"


def _first(design: ContrastDesign) -> tuple[int, int]:
    """Count the subjects with the baseline first, and those with the treatment first."""
    signs = list(design.sequence.values())
    return signs.count(1), signs.count(-1)


def _sentence(
    nights: pd.DataFrame, designs: Sequence[ContrastDesign], direction: Direction, *, controlled: bool
) -> str:
    treatments, baseline = [design.treatment for design in designs], designs[0].baseline
    drug = _join(treatments)
    subject = f"Each subject's {drug} " + ("night is" if len(treatments) == 1 else "nights are")
    article = "an" if direction == "earlier" else "a"
    when = f"{direction} " if direction in ("earlier", "later") else ""
    sources = sorted(set(text_column(nights, ORDER_SOURCE)) - {""}) if direction != "unknown" else []
    source = f" (order by the {_join(sources)})" if sources else ""
    compared = f"{subject} compared with {article} {when}{baseline} night{source}"
    tied = place_of_nights(nights).reindex(columns=[*treatments, baseline]).notna().all(axis=1).any()
    unsaid = (
        "nights of both stand at the same place in the order on average"
        if tied
        else "nothing says in which order (columns period and order of a study file, or dates of the recordings)"
    )
    if direction == "mixed":
        counts = [_first(design) for design in designs]
        orders = "; ".join(
            f"{first} subject{'' if first == 1 else 's'} had {baseline} first, {last} {name}"
            for name, (first, last) in zip(treatments, counts, strict=True)
        )
        orders_alone = f"in both orders{'' if controlled else ', but without a control condition'}"
        kind = "a crossover" if is_control(baseline) else orders_alone
        return f"{compared}, {kind} ({orders}). {_period(designs, counts)}."
    if not is_control(baseline):
        order = f", and {unsaid}" if direction == "unknown" else ""
        alone = "" if controlled else " without a control condition"
        return (
            f"{compared}{alone}{order}: a difference may also come from night order, getting used "
            f"to the laboratory or an unusual {baseline} night."
        )
    if direction == "unknown":
        return f"{compared}; {unsaid}, so that an effect of night order cannot be told from one of the drug."
    steps = pd.concat([_steps(nights, name, baseline) for name in treatments])
    unknown = int(steps.isna().sum())
    told = f" whose order is known; of {unknown} of {len(steps)} nothing says it" if unknown else ""
    return (
        f"{compared}, in the same order in every subject{told}: a difference may also come from night order or getting "
        "used to the laboratory."
    )


def _period(designs: Sequence[ContrastDesign], counts: Sequence[tuple[int, int]]) -> str:
    """What becomes of an effect of the period in nights of both orders."""
    if all(design.removes_period for design in designs):
        removed = _join(list(dict.fromkeys(design.removes_period for design in designs)))
        return f"An effect of the period is removed {removed}; carry-over is not"
    if all(first == last for first, last in counts):
        return "An effect of the period is not removed, and adds to the spread of the changes"
    return "An effect of the period is not removed, and biases the estimates, since the orders are unequal"


def _join(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
