"""The marker that a study leads with: pages, plans and further comparisons are about one and the same."""

import pandas as pd

from swa.comparison.primary import declared_primary
from swa.comparison.sources import Source, measure_rows
from swa.glossary import read_glossary
from swa.settings import ComparisonSettings
from swa.tables.marker import ALL, DEFAULT_MARKER, MARKER_COLUMNS, Marker, lead

# What the literature of magnesium and ketamine tabulates beside the EEG: Held 2002 slow-wave sleep, others REM sleep.
SLEEP_MARKERS = tuple(Marker(name, "any", "night", ALL) for name in ("n3_minutes", "rem_latency", "rem_density"))


def leading_marker(source: Source, nights: pd.DataFrame, settings: ComparisonSettings) -> Marker:
    """Find the marker that a study leads with (`lead`), as the long table spells it.

    Parameters
    ----------
    source : Results, list of Night, or DataFrame
        As for `compare_nights`.
    nights : DataFrame
        The table of nights, whose column `primary` can declare it.
    settings : ComparisonSettings
        As can the setting `primary`.
    """
    declared = declared_primary(nights, settings)
    marker = declared or DEFAULT_MARKER
    spelt = {name.casefold(): name for name in read_glossary()}
    rows = measure_rows(source, spelt.get(marker.measure.casefold(), marker.measure))
    return lead(declared, rows[[name for name in MARKER_COLUMNS if name in rows]].drop_duplicates())
