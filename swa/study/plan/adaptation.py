"""Nights that are for adaptation by the name of their condition."""

import re
from collections.abc import Collection

import pandas as pd

from swa.study.plan.sheet import list_rows, shown

_ADAPTATION = re.compile(
    r"(adaptation|adaption|habituation|accustomation|acclimati[sz]ation|eingewöhnung|gewöhnung)s?[ _-]?(night|nacht)?"
    r"|first[ _-]night|erste[ _-]nacht|nuit d['’ ]?(adaptation|habituation)|(noche de )?(adaptación|habituación)",
    re.IGNORECASE,
)


def mark_adaptation(rows: pd.DataFrame, baseline: Collection[str]) -> list[str]:
    """Mark nights whose condition is called adaptation, habituation or the like, in place; returns the note.

    What the column `adaptation` says stands, and a baseline that the settings call so is one.

    Parameters
    ----------
    rows : DataFrame
        Cells of the plan as text, by the name of their row.
    baseline : collection of str
        Names that a baseline has.
    """
    given = rows["adaptation"] if "adaptation" in rows else pd.Series("", index=rows.index, dtype=object)
    names = {name.casefold() for name in baseline}
    called = pd.Series(
        [bool(_ADAPTATION.fullmatch(str(cell).strip())) and str(cell).casefold() not in names
         for cell in rows["condition"]],
        index=rows.index,
    )  # fmt: skip
    found = called & (given == "")
    if not found.any():
        return []
    rows["adaptation"] = given.mask(found, "yes")
    where, condition = list_rows(rows.index[found]), shown(str(rows.loc[found, "condition"].iloc[0]))
    return [f"{where}: {condition} is taken as an adaptation night, which is not compared; if it is a condition, "
            "write no into a column adaptation"]  # fmt: skip
