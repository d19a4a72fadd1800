"""Subjects who had one treatment each: their nights before it are the baseline, and what they had is their arm."""

from collections.abc import Sequence

import pandas as pd

from swa.study.plan.adaptation import mark_adaptation
from swa.study.plan.sheet import list_rows
from swa.study.plan.study_file import TRUTH
from swa.tables.control_names import is_control

FEWEST_OF_AN_ARM = 3  # subjects of a treatment from which what they had is taken for an arm


def name_nights_before(rows: pd.DataFrame, baseline: Sequence[str]) -> list[str]:
    """Call the nights of phase `pre` the baseline, in place, where each subject had one treatment; returns the note.

    Of two treatments a subject's nights before each are compared with each other, so that they are left as they are.

    Parameters
    ----------
    rows : DataFrame
        Cells of the plan as text, by the name of their row.
    baseline : sequence of str
        Names that a baseline has; the nights get the first.
    """
    if "phase" not in rows:
        return []
    counted = rows[_is_counted(rows, baseline)]
    phase, conditions = rows["phase"].astype(str).str.strip().str.lower(), counted.groupby("subject")["condition"]
    before = (phase == "pre") & rows.index.isin(counted.index)
    after = (phase == "post") & rows.index.isin(counted.index)
    treated = set(rows.loc[after, "condition"])
    folded = {str(name).casefold() for name in counted["condition"]}
    crossed = (conditions.nunique() > 1).any() or not folded.isdisjoint(name.casefold() for name in baseline[:1])
    if crossed or not treated or not treated & set(rows.loc[before, "condition"]):
        return []
    rows["condition"] = rows["condition"].mask(before, baseline[0])
    _set_order(rows, before, after)
    return [
        f"{list_rows(rows.index[before])}: each subject had one treatment, so that the nights of phase pre are "
        f"its {baseline[0]} nights"
    ]


def _set_order(rows: pd.DataFrame, before: pd.Series, after: pd.Series) -> None:
    """Let the phases say the order where no column does: a period that both share says nothing."""
    stated = [name for name in ("order", "period") if name in rows and (rows[name].astype(str) != "").any()]
    shared = all(
        set(own.loc[before & ~after, name]) & set(own.loc[after, name])
        for name in stated
        for _, own in rows[before | after].groupby("subject")
    )
    if not shared:
        return
    rows[stated] = ""
    place = (after.astype(int) + 1).where(before | after)
    numbers = place.groupby(rows["subject"]).rank(method="first")
    rows["order"] = ["" if pd.isna(number) else f"{number:.0f}" for number in numbers]


def fill_arms(rows: pd.DataFrame, baseline: Sequence[str]) -> list[str]:
    """Write what each subject had into an empty column `arm`, in place, where that makes arms; returns the note.

    It does where each subject had the baseline and one treatment, no other subject's, and a control is among them:
    else nothing compares the treatments, and a change from the baseline has no control.

    Parameters
    ----------
    rows : DataFrame
        Cells of the plan, by the name of their row.
    baseline : sequence of str
        Names that a baseline has.
    """
    if any(_names_in(rows, "arm")) or len(_names_in(rows, "group")) > 1:
        return []
    counted = rows[_is_counted(rows, baseline)]
    folded = {str(name).casefold(): str(name) for name in counted["condition"]}
    base = next((folded[name.casefold()] for name in baseline if name.casefold() in folded), "")
    given = counted[counted["condition"] != base].groupby("subject", sort=False)["condition"].unique()
    if not base or is_control(base) or given.empty or (given.map(len) > 1).any():
        return []
    arm_of = given.map(lambda names: str(names[0]))
    with_base = arm_of[arm_of.index.isin(counted.loc[counted["condition"] == base, "subject"])]
    sizes = with_base.value_counts().sort_index()
    arms = [str(name) for name in sizes.index if sizes[name] >= FEWEST_OF_AN_ARM]
    if len(arms) < 2 or all(map(is_control, arms)) or not any(map(is_control, arms)):
        return []
    rows["arm"] = rows["subject"].map(arm_of).fillna("")
    said = ", ".join(f"{name} {size} subject{'s' * (size > 1)}" for name, size in sizes.items())
    return [
        f"parallel arms by what each subject had beside {base}: {said}; if that is wrong, add the nights that are "
        "missing or a column arm"
    ]


def _is_counted(rows: pd.DataFrame, baseline: Sequence[str]) -> pd.Series:
    """Which rows are nights that may be compared: not for adaptation."""
    marked = rows.copy()
    mark_adaptation(marked, baseline)
    given = marked["adaptation"] if "adaptation" in marked else pd.Series("", index=rows.index)
    named = rows["condition"].astype(str).str.strip() != ""
    return named & ~given.map(lambda cell: TRUTH.get(str(cell).strip().lower(), False)).astype(bool)


def _names_in(rows: pd.DataFrame, column: str) -> set[str]:
    texts = rows[column].fillna("").astype(str).str.strip() if column in rows else pd.Series(dtype=str)
    return {text.casefold() for text in texts if text}
