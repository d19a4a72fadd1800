"""Which nights may be compared, and in which order they were."""

import difflib
from collections.abc import Iterable

import numpy as np
import pandas as pd

from swa.errors import SettingsError, StudyError
from swa.settings import ComparisonSettings
from swa.tables.contrast import Contrast, check_names
from swa.tables.control_names import is_control
from swa.tables.results_tables import SAME_RECORDING, SHARED_RECORDING
from swa.tables.schema import plain_name

TRUE_WORDS = {"1", "1.0", "true", "yes", "y"}

COPIED = "|copied"  # column that marks nights that no comparison can use for one of these reasons
OTHERS = "|others"  # column that marks those of them whose recording is told for another subject too
BEFORE = "|before"  # column that marks nights before the infusion that their condition is named after
MOST_NAMED = 5  # names of a message
FEWEST_OF_A_SEQUENCE = 2  # subjects of each order from which an effect of the period can be told apart


def usable_nights(nights: pd.DataFrame) -> pd.DataFrame:
    """Nights that a comparison may use: done, not for adaptation, and after the infusion where both are known.

    Where a condition has nights of phase `pre` and `post`, its `pre` nights precede the treatment that the condition
    is named after: they are not nights of that treatment.

    Returns
    -------
    DataFrame
        Sorted by subject and session, with text in subject, session and condition, and `COPIED`: nights that stay in
        the table, to be told of, but whose values no comparison uses (`copied_nights`). `BEFORE` is nowhere true.
    """
    return split_nights(nights)[0]


def split_nights(nights: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what `usable_nights` and `nights_before` do, the nights read once."""
    table = _clean_nights(nights)
    before = table[BEFORE]
    return table[~before].reset_index(drop=True), table[before].reset_index(drop=True)


def study_columns(nights: pd.DataFrame, stated: Iterable[str]) -> list[str]:
    """Columns of the study file that settings name, in its order: case, spaces and hyphens are forgiven as there."""
    named = {plain_name(name) for name in stated}
    return [name for name in _from_study_file(nights) if plain_name(name) in named]


def check_columns(nights: pd.DataFrame, settings: ComparisonSettings) -> None:
    """Check that the columns which settings name are there.

    Raises
    ------
    SettingsError
        One is not.
    """
    columns = _from_study_file(nights)
    there = {plain_name(name) for name in columns}
    for setting, stated in (("covariates", settings.covariates), ("factors", settings.factors)):
        for name in stated:
            if plain_name(name) not in there:
                near = difflib.get_close_matches(name, columns, n=1, cutoff=0.4)
                raise SettingsError(
                    f"comparison.{setting}: the study file has no column {name!r}.",
                    (f"Did you mean {near[0]!r}? " if near else "") + f"Its columns: {', '.join(columns)}.",
                )


def _from_study_file(nights: pd.DataFrame) -> list[str]:
    """Columns that came with the nights, before those of the results."""
    columns = [str(name) for name in nights.columns]
    return columns[: columns.index("status")] if "status" in columns else columns


def is_adaptation(nights: pd.DataFrame) -> pd.Series:
    """Which nights are for adaptation: never baseline, never compared."""
    return text_column(nights, "adaptation").str.casefold().isin(TRUE_WORDS)


def copied_nights(nights: pd.DataFrame) -> pd.Series:
    """Which nights cannot be compared because one recording stands for several nights of the study.

    Where it stands for nights of different conditions (or before and after an infusion), nobody knows whose it is, and
    none of them counts; within one condition the first counts. Of nights of several subjects none counts either, unless
    one of these subjects has nothing but nights of another: that is one person told twice, who counts once.
    """
    if COPIED in nights:  # marked when there were more nights to look at
        return nights[COPIED].astype(bool)
    return _copied_within(nights) | others_recordings(nights)


def others_recordings(nights: pd.DataFrame) -> pd.Series:
    """Which nights cannot be compared because their recording stands for a night of another subject too."""
    shared = text_column(nights, SHARED_RECORDING)
    if (shared == "").all():
        return pd.Series(data=False, index=nights.index)
    subjects = text_column(nights, "subject")
    facts = [text_column(nights, name) for name in ("condition", "phase", "arm", "group")]
    # A night that is shared with nobody is like no other.
    what = shared.where(shared != "", subjects + "/" + text_column(nights, "session"))
    own: dict[str, set[tuple[str, ...]]] = {}
    for subject, *night in zip(subjects, what, *facts, strict=True):
        own.setdefault(subject, set()).add(tuple(night))
    recordings = {subject: {night[0] for night in found} for subject, found in own.items()}
    sharing = sorted(set(subjects[shared != ""]))
    counts = {
        one
        for one in sharing
        if (others := [other for other in sharing if other != one and recordings[one] & recordings[other]])
        and all(own[other] < own[one] or (own[other] == own[one] and one < other) for other in others)
    }
    return (shared != "") & ~subjects.isin(counts)


def _copied_within(nights: pd.DataFrame) -> pd.Series:
    """Which nights cannot be compared because one recording stands for several nights of the subject."""
    shared = text_column(nights, SAME_RECORDING)
    if (shared == "").all():
        return pd.Series(data=False, index=nights.index)
    names = pd.DataFrame({"subject": text_column(nights, "subject"), "shared": shared}, index=nights.index)
    names["what"] = text_column(nights, "condition") + " " + text_column(nights, "phase").str.casefold()
    differ = names.groupby(["subject", "shared"])["what"].transform("nunique") > 1
    return (shared != "") & (differ | names.duplicated(["subject", "shared"]))


def nights_before(nights: pd.DataFrame) -> pd.DataFrame:
    """Nights that `usable_nights` leaves out because they precede the infusion."""
    return split_nights(nights)[1]


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
    table[OTHERS] = table[OTHERS] if OTHERS in table else others_recordings(table)
    table[COPIED] = copied_nights(table)
    table[BEFORE] = is_before(table)
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


def is_before(nights: pd.DataFrame) -> pd.Series:
    """Which nights precede the infusion that their condition is named after."""
    phase = text_column(nights, "phase").str.casefold()
    if not {"pre", "post"} <= set(phase):
        return pd.Series(data=False, index=nights.index)
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
    texts = ["" if gone else str(value).strip() for value, gone in zip(column, column.isna(), strict=True)]
    return pd.Series(texts, index=column.index, name=name, dtype=object)


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
    return night_places(nights).groupby([nights["subject"], nights["condition"]]).mean().unstack()


def complete_orders(nights: pd.DataFrame) -> list[dict[float, str]]:
    """Orders of the conditions, as the condition at each place, without those that are part of another (lost nights).

    None where a subject had two conditions at one place.
    """
    table = nights.assign(place=night_places(nights)).dropna(subset=["place"])
    if table.groupby(["subject", "place"])["condition"].nunique().max() != 1:
        return []
    orders = {
        frozenset(zip(own["place"], own["condition"], strict=True)) for _, own in table.groupby("subject", sort=True)
    }
    return [dict(sorted(own)) for own in orders if not any(own < other for other in orders)]


def night_places(nights: pd.DataFrame) -> pd.Series:
    """`period`, else `order`, of each night: its place in a design, which several nights of one period share."""
    return _first_known(nights, ("period", "order"))


def night_sequence(nights: pd.DataFrame) -> pd.Series:
    """`order`, else `period`, of each night: which came before which, also of several nights of one period."""
    return _first_known(nights, ("order", "period"))


def _first_known(nights: pd.DataFrame, names: Iterable[str]) -> pd.Series:
    """The first of these columns that has a number, night by night."""
    place = pd.Series(np.nan, index=nights.index)
    for name in names:
        if name in nights:
            place = place.fillna(pd.to_numeric(nights[name], errors="coerce").astype(float))
    return place


def night_order(nights: pd.DataFrame, treatment: str, baseline: str) -> tuple[int, int]:
    """Count the subjects with the baseline first, and those with the treatment first, by `period`, else `order`."""
    mean = place_of_nights(nights)
    step = mean.get(treatment, pd.Series(dtype=float)) - mean.get(baseline, pd.Series(dtype=float))
    return int((step > 0).sum()), int((step < 0).sum())


def find_baseline(nights: pd.DataFrame, settings: ComparisonSettings, baseline: str | None = None) -> str:
    """Find the baseline condition, as the nights spell it.

    Raises
    ------
    StudyError
        It is not among the conditions of the nights that can be used; the message names those that are.
    """
    conditions = sorted(usable_nights(nights)["condition"].unique())
    if baseline is not None:
        return find_condition(baseline, conditions)
    folded = {condition.casefold(): condition for condition in conditions}
    for name in settings.baseline:
        if name.casefold() in folded:
            return str(folded[name.casefold()])
    raise StudyError(
        f"No baseline condition ({', '.join(settings.baseline)}) among the nights that are done; "
        f"found: {', '.join(conditions) or 'none'}.",
        'Name it with the setting comparison.baseline (two lines of a file, [comparison] and baseline = "NAME", '
        "given with --settings FILE), or rename the condition in the study file.",
    )


def planned_pairs(nights: pd.DataFrame, settings: ComparisonSettings, baseline: str | None = None) -> list[Contrast]:
    """Pair each condition with the baseline (`find_baseline`), and each treatment with a control condition.

    The latter where the same subjects had both and the baseline is neither.
    """
    base, used = find_baseline(nights, settings, baseline), usable_nights(nights)
    treatments = sorted(name for name in used["condition"].unique() if name != base)
    pairs = [Contrast(treatment=name, comparator=base) for name in treatments]
    if base.casefold() not in {name.casefold() for name in settings.baseline} or is_control(base):
        return pairs
    there = used.groupby("subject")["condition"].agg(set)
    return pairs + [
        Contrast(treatment=drug, comparator=control)
        for control in treatments
        if is_control(control)
        for drug in treatments
        if not is_control(drug) and any({drug, control} <= conditions for conditions in there)
    ]
