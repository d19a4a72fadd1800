"""Whether a change differs between cycles of the night: condition x cycle, as a contrast within each night.

A drug that acts early is found in cycle 1 and not later, but "found here and not there" is no difference: that has to
be tested itself. Each night gives one value, the first cycle over a later one (ln), and these are compared as any
marker is, by the design of the study. So several cycles of one night never stand as independent values in one model,
which with an intercept for the subject alone is wrong in 27 % of null studies of 10 subjects.

The later cycles are named beforehand, 2 and 3, which most nights have: with whatever cycles a night holds, a longer
night would look like a steeper decline.
"""

import numpy as np
import pandas as pd

from swa.comparison.contrasts import measure_contrasts
from swa.comparison.group import adjust_p
from swa.comparison.primary import declared_primary
from swa.comparison.sources import Source, measure_rows, nights_of, open_source
from swa.comparison.within_subject import scale_of
from swa.settings import Settings
from swa.tables.marker import DEFAULT_MARKER

CYCLE_COLUMNS = [
    *("contrast", "channel", "stages", "cycles", "measure", "scale", "estimate", "ci_low", "ci_high"),
    *("p", "p_adjusted", "n", "method", "note"),
]
FIRST = "cycle-1"
LATER = {"1 against 2": ("cycle-2",), "1 against 3": ("cycle-3",), "1 against 2 and 3": ("cycle-2", "cycle-3")}
KEYS = ["subject", "session", "condition", "channel"]


def compare_cycles(
    source: Source, baseline: str | None = None, *, nights: pd.DataFrame | None = None, settings: Settings | None = None
) -> pd.DataFrame:
    """Compare the change of the first cycle with that of later ones, over subjects.

    Parameters
    ----------
    source, baseline, nights, settings
        As for `compare_nights`; measures are the primary's and the secondary ones, at the primary's stages.

    Returns
    -------
    DataFrame
        The columns of ``cycle_contrasts.tsv``. `estimate` is the change in cycle 1 over the change in the later cycles
        (a ratio of ratios where `scale` is ratio, else a difference of differences): 1 (or 0) where the change is the
        same. A night without one of the cycles gives no value. p_adjusted is Benjamini-Hochberg within a contrast.
    """
    settings = settings or Settings()
    source = open_source(source)
    known = nights_of(source, nights)
    marker = declared_primary(known, settings.comparison) or DEFAULT_MARKER
    # The primary is not a contrast of cycles: these are all secondary, and stand in a table of their own.
    plain = settings.model_copy(
        update={"comparison": settings.comparison.model_copy(update={"primary": "", "full_subject_rows_nights": 0})}
    )
    known = known.drop(columns="primary", errors="ignore")
    parts = []
    for name in dict.fromkeys((marker.measure, *settings.comparison.secondary)):
        rows = _first_over_later(measure_rows(source, name), name, marker.stages, known)
        if rows["value"].notna().any():
            parts.append(measure_contrasts(rows, baseline, nights=known, settings=plain))
    if not parts:
        return pd.DataFrame(columns=CYCLE_COLUMNS)
    table = pd.concat(parts, ignore_index=True).rename(columns={"window": "cycles"})
    table = table[table["subject"] == "group"].reset_index(drop=True)
    table["p_adjusted"] = adjust_p(table["p"], table["contrast"])
    return table[CYCLE_COLUMNS]


def _first_over_later(rows: pd.DataFrame, measure: str, stages: str, nights: pd.DataFrame) -> pd.DataFrame:
    """One value a night, channel and pair of cycles: their ratio, or difference, as the measure is compared."""
    own = (rows["stages"] == stages) & (rows["variant"].astype(str) == "")
    own &= rows["window"].isin([FIRST, *(name for names in LATER.values() for name in names)])
    table = rows.loc[own, ["subject", "session", "channel", "window", "value"]]
    table = table.astype(dict.fromkeys(["subject", "session", "channel", "window"], str))
    is_ratio = scale_of(measure) == "ratio"
    if is_ratio:
        table["value"] = np.log(table["value"].where(table["value"] > 0).to_numpy(float))
    named = nights[["subject", "session", "condition"]].astype(str)
    wide = table.merge(named, on=["subject", "session"]).pivot(index=KEYS, columns="window", values="value")
    parts = []
    for name, later in LATER.items():
        cycles = wide.reindex(columns=[FIRST, *later])
        value = cycles[FIRST] - cycles[list(later)].mean(axis=1, skipna=False)
        table = value.rename("value").reset_index().assign(window=name)
        parts.append(table.assign(value=np.exp(table["value"])) if is_ratio else table)
    return pd.concat(parts, ignore_index=True).assign(stages=stages, measure=measure, variant="", unit="1", note="")
