"""Slow-wave activity over the cycles and the hours of the night, by condition: its mean over subjects."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.comparison.compared_nights import COPIED, usable_nights
from swa.comparison.group import FEWEST_TESTED, paired_t
from swa.settings import Settings
from swa.tables.marker import Window, windows_of_kind

KINDS = ("cycle", "hour")
COLUMNS = ["condition", "kind", "number", "mean", "ci_low", "ci_high", "n"]


def activity_course(rows: pd.DataFrame, nights: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Geometric mean over subjects of a marker in each NREM cycle and hour, of the nights that are compared.

    Parameters
    ----------
    rows : DataFrame
        Rows of the long table of one marker at one channel.
    nights : DataFrame
        All nights of the study.
    settings : Settings
        The level of the intervals.

    Returns
    -------
    DataFrame
        condition, kind (``cycle`` or ``hour``), number, mean, and its t interval between subjects, from three on; `n`
        counts subjects, of whom each has the geometric mean of its nights.
    """
    used = usable_nights(nights)
    used = used.loc[~used[COPIED], ["subject", "session", "condition"]]
    own = rows[windows_of_kind(rows["window"], *KINDS) & (rows["value"] > 0)]
    own = own[["subject", "session", "window", "value"]].astype({"subject": str, "session": str, "window": str})
    own = own.merge(used, on=["subject", "session"]).assign(ln=lambda table: np.log(table["value"].astype(float)))
    of_subjects = own.groupby(["condition", "window", "subject"], as_index=False)["ln"].mean()
    found = [
        _mean(str(condition), Window(str(window)), part["ln"].to_numpy(float), settings.comparison.confidence)
        for (condition, window), part in of_subjects.groupby(["condition", "window"])
    ]
    table = pd.DataFrame(found, columns=COLUMNS)
    return table.sort_values(["condition", "kind", "number"], ignore_index=True)


def _mean(condition: str, window: Window, logs: NDArray[np.float64], confidence: float) -> tuple[object, ...]:
    n, limits = len(logs), [np.nan, np.nan]
    if n >= FEWEST_TESTED:  # two that happen to agree would give an interval of any width
        found = paired_t(logs, confidence)
        limits = [found.low[0], found.high[0]]
    return condition, window.kind, int(window.number), *np.exp([logs.mean(), *limits]).tolist(), n
