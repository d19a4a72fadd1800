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
from swa.comparison.headline import leading_marker
from swa.comparison.sources import Source, measure_rows, nights_of
from swa.comparison.within_subject import scale_of
from swa.settings import Settings
from swa.tables.contrast import GROUP
from swa.tables.marker import Marker, select
from swa.tables.results_tables import CYCLE_CONTRASTS

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
    known = nights_of(source, nights)
    marker = leading_marker(source, known, settings.comparison)
    # The primary is not a contrast of cycles: these are all secondary, and stand in a table of their own.
    plain = settings.model_copy(
        update={"comparison": settings.comparison.model_copy(update={"primary": "", "full_subject_rows_nights": 0})}
    )
    known = known.drop(columns="primary", errors="ignore")
    parts = []
    for name in dict.fromkeys((marker.measure, *settings.comparison.secondary)):
        rows = _first_over_later(measure_rows(source, name), marker.at(measure=name), known)
        if rows["value"].notna().any():
            parts.append(measure_contrasts(rows, baseline, nights=known, settings=plain))
    if not parts:
        return CYCLE_CONTRASTS.empty()
    table = pd.concat(parts, ignore_index=True).rename(columns={"window": "cycles"})
    table = select(table, subject=GROUP).reset_index(drop=True)
    table["p_adjusted"] = adjust_p(table["p"], table["contrast"])
    return CYCLE_CONTRASTS.typed(table)


def _first_over_later(rows: pd.DataFrame, marker: Marker, nights: pd.DataFrame) -> pd.DataFrame:
    """One value a night, channel and pair of cycles: their ratio, or difference, as the measure is compared."""
    windows = {FIRST, *(name for names in LATER.values() for name in names)}
    own = select(rows, stages=marker.stages, variant=marker.variant, window=windows)
    texts = ["subject", "session", "channel", "window"]
    table = own[[*texts, "value"]].astype(dict.fromkeys(texts, str))
    is_ratio = scale_of(marker.measure) == "ratio"
    if is_ratio:
        table["value"] = np.log(table["value"].where(table["value"] > 0).to_numpy(float))
    named = nights[["subject", "session", "condition"]].astype(str)
    wide = table.merge(named, on=["subject", "session"]).pivot(index=KEYS, columns="window", values="value")
    parts = []
    for name, later in LATER.items():
        cycles = wide.reindex(columns=[FIRST, *later])
        value = cycles[FIRST] - cycles[list(later)].mean(axis=1, skipna=False)
        part = value.rename("value").reset_index().assign(window=name)
        parts.append(part.assign(value=np.exp(part["value"])) if is_ratio else part)
    found = pd.concat(parts, ignore_index=True)
    return found.assign(stages=marker.stages, measure=marker.measure, variant="", unit="1", note="")
