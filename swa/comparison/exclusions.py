"""Nights that somebody left out of subjects who stay in: chosen by what they show, they move a result."""

from collections.abc import Mapping

import pandas as pd

from swa.comparison.compared_nights import is_adaptation, is_before, night_sequence, text_column
from swa.comparison.loss_rule import can_move
from swa.tables import notes
from swa.tables.reason import Reason

KEYS = ["subject", "condition"]


def left_out_by_hand(nights: pd.DataFrame) -> pd.DataFrame:
    """Nights of a condition that are excluded, or called adaptation without coming first.

    Adaptation nights come before all others of a subject, or at a place where everybody has one. Others are left out by
    somebody's choice, as excluded ones are, and so are those of which nothing says when they were.

    Parameters
    ----------
    nights : DataFrame
        All nights of a study, with the columns of its design.

    Returns
    -------
    DataFrame
        Subject and condition of each.
    """
    table = pd.DataFrame({name: text_column(nights, name) for name in KEYS})
    adapts = is_adaptation(nights)
    chosen = text_column(nights, "status").str.casefold() == "excluded"
    if adapts.any():
        chosen |= adapts & ~_are_first(table["subject"], adapts, night_sequence(nights))
    return table[chosen & (table["condition"] != "") & ~is_before(nights)].reset_index(drop=True)


def reasons_of_exclusions(
    left_out: pd.DataFrame, used: pd.DataFrame, conditions: Mapping[str, tuple[str, ...]]
) -> list[Reason]:
    """Say how many nights of which condition were left out of subjects who stay in a contrast.

    Parameters
    ----------
    left_out : DataFrame
        From `left_out_by_hand`.
    used : DataFrame
        Usable nights.
    conditions : mapping of str to tuple of str
        The subjects that a contrast is about, each with the conditions that it needs.
    """
    if left_out.empty:
        return []
    there = used.groupby("subject")["condition"].agg(set)
    stay = {name: needed for name, needed in conditions.items() if set(needed) <= there.get(name, set())}
    pairs = zip(left_out["subject"], left_out["condition"], strict=True)
    wanted = [condition in stay.get(subject, ()) for subject, condition in pairs]
    own = left_out[wanted]
    if own.empty:
        return []
    counts = own["condition"].value_counts(sort=False)
    subjects = int(own["subject"].nunique())
    said = " and ".join(f"{n} {name}" for name, n in sorted(counts.items()))
    kind = notes.NIGHTS_CHOSEN if can_move(subjects, len(stay)) else notes.NIGHTS_LEFT_OUT
    return [kind(said=said, subjects=subjects, n=len(stay))]


def _are_first(subjects: pd.Series, adapts: pd.Series, places: pd.Series) -> pd.Series:
    """Which nights have no night that is not for adaptation before them, or are where everybody's is for that."""
    others = places.mask(adapts).groupby(subjects).transform("min")
    for_all = adapts.groupby(places).transform("all").reindex(places.index, fill_value=False).fillna(value=False)
    return (places.notna() & ~(others <= places)) | (places.notna() & for_all.astype(bool))
