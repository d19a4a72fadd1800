"""Contrasts that a study plans and its nights do not make, since of one of the conditions none is left."""

import pandas as pd

from swa.comparison.compared_nights import is_adaptation, text_column
from swa.comparison.contrasts import planned_designs
from swa.settings import Settings


def state_lost_contrasts(nights: pd.DataFrame, settings: Settings | None = None) -> list[str]:
    """Say which contrasts all nights would make, and those that are done do not, with the reason.

    Parameters
    ----------
    nights : DataFrame
        One row a night, with its status: done, failed or excluded.
    settings : Settings, optional
        As for `planned_designs`.
    """
    there = {design.key for design in planned_designs(nights, settings)}
    status = text_column(nights, "status")
    if not there or (status == "done").all():
        return []
    conditions = nights["condition"].astype(str)
    counted = ~is_adaptation(nights)
    said = []
    for design in planned_designs(nights.assign(status="done"), settings):
        if design.key in there:
            continue
        own = {name: status[counted & (conditions == name)] for name in (design.treatment, design.baseline)}
        gone = [f"of {name} {_tell(own[name])}" for name in own if not (own[name] == "done").any()]
        said.append(f"{design.key.in_words}: not compared; {'; '.join(gone) or 'too few nights are left'}")
    return said


def _tell(status: pd.Series) -> str:
    excluded = int((status == "excluded").sum())
    if excluded == len(status):
        return "every night is excluded"
    told = f" ({excluded} excluded)" if excluded else ""
    return f"no night can be used, of {len(status)}{told}"
