"""Which nights may be compared, what the design lets a contrast say, and that in words for the page."""

import difflib
from typing import Literal

import numpy as np
import pandas as pd

from swa.errors import StudyError
from swa.study.plan.names import check_names
from swa.tables import notes
from swa.tables.reason import Reason

CONTROL_WORDS = ("placebo", "sham", "saline", "vehicle", "control")
TRUE_WORDS = {"1", "1.0", "true", "yes", "y"}
BEFORE_WORDS = {"pre", "before"}
BEFORE = "|pre"  # no condition of a study file ends so; names the nights before the infusion of a condition

SAME_RECORDING = "same_recording"  # column of the nights: sessions of this subject that share this recording
COPIED = "|copied"  # mark of nights that no comparison can use for that reason
MOST_NAMED = 5  # names of a message
FEWEST_OF_A_SEQUENCE = 2  # subjects of each order from which an effect of the period can be told apart

Direction = Literal["earlier", "later", "mixed", "unknown"]


def usable_nights(nights: pd.DataFrame) -> pd.DataFrame:
    """Nights that a comparison may use: done, not for adaptation, and after the infusion where both are known.

    Where a condition has nights of phase `pre` and `post`, its `pre` nights precede the treatment that the condition
    is named after: they are not nights of that treatment.

    Returns
    -------
    DataFrame
        Sorted by subject and session, with text in subject, session and condition, and `COPIED`: nights that stay in
        the table, to be told of, but whose values no comparison uses (`copied_nights`).
    """
    table = _clean_nights(nights)
    return table[~_before_infusion(table)].reset_index(drop=True)


def is_adaptation(nights: pd.DataFrame) -> pd.Series:
    """Which nights are for adaptation: never baseline, never compared."""
    return text_column(nights, "adaptation").str.casefold().isin(TRUE_WORDS)


def copied_nights(nights: pd.DataFrame) -> pd.Series:
    """Which nights cannot be compared because one recording stands for several nights of the subject.

    Where it stands for nights of different conditions (or before and after an infusion), nobody knows whose it is, and
    none of them counts; within one condition the first counts.
    """
    if COPIED in nights:  # marked when there were more nights to look at
        return nights[COPIED].astype(bool)
    shared = text_column(nights, SAME_RECORDING)
    names = pd.DataFrame({"subject": text_column(nights, "subject"), "shared": shared}, index=nights.index)
    names["what"] = text_column(nights, "condition") + " " + text_column(nights, "phase").str.casefold()
    differ = names.groupby(["subject", "shared"])["what"].transform("nunique") > 1
    return (shared != "") & (differ | names.duplicated(["subject", "shared"]))


def nights_before(nights: pd.DataFrame) -> pd.DataFrame:
    """Nights that `usable_nights` leaves out because they precede the infusion; `BEFORE` marks their condition."""
    table = _clean_nights(nights)
    before = table[_before_infusion(table)]
    return before.assign(condition=before["condition"] + BEFORE).reset_index(drop=True)


def _clean_nights(nights: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in ("subject", "session", "condition") if name not in nights]
    if missing:
        raise StudyError(
            f"The table of nights has no column {', '.join(missing)}.", "It needs subject, session and condition."
        )
    table = nights.assign(**{name: text_column(nights, name) for name in ("subject", "session", "condition")})
    nameless = table["subject"] == ""
    if nameless.any():
        raise StudyError(
            f"The table of nights: {int(nameless.sum())} without a subject "
            f"(session {table[nameless].iloc[0]['session']}).",
            "Name the subject of every night.",
        )
    keep = text_column(table, "condition") != ""
    if "status" in table:
        keep &= text_column(table, "status").str.casefold() == "done"
    keep &= ~is_adaptation(table)
    table = table[keep].copy()
    table[COPIED] = copied_nights(table)
    table = table.sort_values(["subject", "session"], kind="stable").reset_index(drop=True)
    where = table["subject"] + "/" + table["session"]
    unclear = check_names(zip(where, table["subject"], strict=True), zip(where, table["condition"], strict=True))
    if unclear:
        raise StudyError(
            f"The table of nights: {'; '.join(unclear[:MOST_NAMED])}.", "Give each subject and condition one name."
        )
    twice = table.duplicated(["subject", "session"])
    if twice.any():
        first = table[twice].iloc[0]
        raise StudyError(
            f"{first['subject']}/{first['session']} stands for two nights.", "Give each night its own session."
        )
    return table


def _before_infusion(nights: pd.DataFrame) -> pd.Series:
    phase = text_column(nights, "phase").str.casefold()
    both = [
        condition
        for condition, phases in phase.groupby(nights["condition"], sort=True)
        if {"pre", "post"} <= set(phases)
    ]
    return nights["condition"].isin(both) & (phase == "pre")


def text_column(table: pd.DataFrame, name: str) -> pd.Series:
    """Read a column as plain text, empty where the column or the value is missing."""
    if name not in table:
        return pd.Series("", index=table.index, dtype=object)
    column = table[name].astype(object)
    return column.where(column.notna(), "").map(str).str.strip().astype(object)


def find_condition(name: str, conditions: list[str]) -> str:
    """Find the condition of this name, regardless of case.

    Raises
    ------
    StudyError
        Names the conditions that there are.
    """
    if name in conditions:
        return name
    folded = {condition.casefold(): condition for condition in conditions}
    if name.casefold() in folded:
        return folded[name.casefold()]
    near = difflib.get_close_matches(name.casefold(), list(folded), n=1)
    raise StudyError(
        f"There is no condition {name!r} among the nights that are done; found: {', '.join(conditions) or 'none'}.",
        f"Did you mean {folded[near[0]]!r}?" if near else "Check the column `condition` of the study file.",
    )


def place_of_nights(nights: pd.DataFrame) -> pd.DataFrame:
    """Mean `period`, else `order`, of each subject's nights of a condition: subjects x conditions."""
    place = pd.Series(np.nan, index=nights.index)
    for name in ("order", "period"):  # the later one wins where it is known
        if name in nights:
            place = pd.to_numeric(nights[name], errors="coerce").astype(float).fillna(place)
    return place.groupby([nights["subject"], nights["condition"]]).mean().unstack()


def night_order(nights: pd.DataFrame, treatment: str, baseline: str) -> tuple[int, int]:
    """Count the subjects with the baseline first, and those with the treatment first, by `period`, else `order`."""
    mean = place_of_nights(nights)
    step = mean.get(treatment, pd.Series(dtype=float)) - mean.get(baseline, pd.Series(dtype=float))
    return int((step > 0).sum()), int((step < 0).sum())


def design_limits(nights: pd.DataFrame, treatment: str, baseline: str) -> tuple[list[Reason], bool]:
    """Say what the design forbids a group row to be read as, and whether a p over subjects has a meaning.

    With parallel arms it has none: a test within an arm does not answer whether the arms differ, and one over arms
    together mixes treatments.
    """
    by_subject = nights.groupby("subject")["condition"].agg(set)
    subjects = [name for name, there in by_subject.items() if {treatment, baseline} <= there]
    own = nights[nights["subject"].isin(subjects)]
    limits = []
    arms = parallel_arms(nights)
    if arms:
        here = sorted(set(text_column(own, "arm")) - {""})
        one = len(here) == 1
        limits.append(notes.ONE_ARM(arm=here[0]) if one else notes.ARMS_TOGETHER(arms=", ".join(here)))
    groups = sorted(set(text_column(own, "group")) - {""})
    if len(groups) > 1:
        limits.append(notes.GROUPS_TOGETHER(groups=", ".join(groups)))
    return limits, not arms


def parallel_arms(nights: pd.DataFrame) -> list[str]:
    """Names of the parallel arms; none where a subject is in several or where there are crossover periods."""
    arm = text_column(nights, "arm")
    if (text_column(nights, "period") != "").any():
        return []
    known = arm[arm != ""]
    if known.empty or known.groupby(nights.loc[known.index, "subject"]).nunique().max() > 1:
        return []
    names = sorted(known.unique())
    return names if len(names) > 1 else []


def design_statement(nights: pd.DataFrame, baseline: str) -> str:
    """Say what the design can and cannot show, in a sentence or two for the first paragraph of a report.

    Parameters
    ----------
    nights : DataFrame
        One row a night: subject, session, condition, and where known status, adaptation, order, period, phase, arm.
    baseline : str
        Name of the baseline condition.
    """
    used = usable_nights(nights)
    conditions = sorted(used["condition"].unique())
    baseline = find_condition(baseline, conditions)
    treatments = [condition for condition in conditions if condition != baseline]
    if not treatments:
        return f"All nights are {baseline} nights: there is nothing to compare."
    sentences = []
    arms = parallel_arms(used)
    if arms:
        sentences.append(
            f"Subjects were in parallel arms ({', '.join(arms)}): changes from {baseline} are shown without a p, "
            "because only a comparison between the arms can show an effect of the drug; it is adjusted for each "
            "subject's own baseline (ANCOVA)."
        )
    else:
        classes = {name: _direction(used, name, baseline) for name in treatments if not is_control(name)}
        for direction in dict.fromkeys(classes.values()):
            names = [name for name in treatments if classes.get(name) == direction]
            sentences.append(_sentence(used, names, baseline, direction))
        controls = [name for name in treatments if is_control(name)]
        if controls and classes and not is_control(baseline):
            pairs = ", ".join(f"{name}:{controls[0]}" for name in classes)
            sentences.append(f"The controlled comparison is {pairs}, not the change from {baseline}.")
        if not classes:
            sentences.append(f"Each subject's {_join(controls)} night is compared with a {baseline} night; no drug.")
    if len(used) < len(usable_nights(nights.drop(columns="phase", errors="ignore"))):
        sentences.append("Of each infusion, only the nights after it are compared here.")
    return " ".join(sentences)


def is_control(condition: str) -> bool:
    """Whether the name of a condition or arm is that of a control."""
    return any(word in condition.casefold() for word in CONTROL_WORDS)


def _direction(nights: pd.DataFrame, treatment: str, baseline: str) -> Direction:
    baseline_first, treatment_first = night_order(nights, treatment, baseline)
    if baseline_first and treatment_first:
        return "mixed"
    if baseline_first or baseline.casefold() in BEFORE_WORDS:
        return "earlier"
    return "later" if treatment_first else "unknown"


def _sentence(nights: pd.DataFrame, treatments: list[str], baseline: str, direction: Direction) -> str:
    drug = _join(treatments)
    subject = f"Each subject's {drug} " + ("night is" if len(treatments) == 1 else "nights are")
    article = "an" if direction == "earlier" else "a"
    when = f"{direction} " if direction in ("earlier", "later") else ""
    compared = f"{subject} compared with {article} {when}{baseline} night"
    tied = place_of_nights(nights).reindex(columns=[*treatments, baseline]).notna().all(axis=1).any()
    unsaid = (
        "nights of both stand at the same place in the order on average"
        if tied
        else "the study file does not say in which order (column period or order)"
    )
    if direction == "mixed":
        counts = [night_order(nights, name, baseline) for name in treatments]
        orders = "; ".join(
            f"{first} subjects had {baseline} first, {last} {name}"
            for name, (first, last) in zip(treatments, counts, strict=True)
        )
        kind = "a crossover" if is_control(baseline) else "in both orders, but without a control condition"
        if all(min(count) >= FEWEST_OF_A_SEQUENCE for count in counts):
            removed = "An effect of the period is removed by comparing the two orders; carry-over is not"
            return f"{compared}, {kind} ({orders}). {removed}."
        return (
            f"{compared}, {kind} ({orders}). An effect of the period is not removed, and biases the estimates, since "
            "the orders are unequal."
        )
    if not is_control(baseline):
        order = f", and {unsaid}" if direction == "unknown" else ""
        return (
            f"{compared} without a control condition{order}: the drug is confounded with night order, adaptation "
            "and regression to the mean."
        )
    if direction == "unknown":
        return f"{compared}; {unsaid}, so that an effect of night order cannot be told from one of the drug."
    return f"{compared}, in the same order in every subject: the drug is confounded with night order and adaptation."


def _join(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
