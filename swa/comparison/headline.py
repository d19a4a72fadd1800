"""The marker that a study leads with: pages, plans and further comparisons are about one and the same."""

import pandas as pd

from swa.comparison.primary import declared_primary
from swa.comparison.sources import Source, measure_rows
from swa.settings import ComparisonSettings
from swa.tables.marker import DEFAULT_MARKER, MARKER_COLUMNS, Marker, leading_channel


def leading_marker(source: Source, nights: pd.DataFrame, settings: ComparisonSettings) -> Marker:
    """Find the declared primary, else `DEFAULT_MARKER`, as the long table spells it.

    Parameters
    ----------
    source : Results, list of Night, or DataFrame
        As for `compare_nights`.
    nights : DataFrame
        The table of nights, whose column `primary` can declare it.
    settings : ComparisonSettings
        As can the setting `primary`.

    Returns
    -------
    Marker
        Its channel is a region, else the first channel, where its own is not there.
    """
    marker = declared_primary(nights, settings) or DEFAULT_MARKER
    rows = measure_rows(source, marker.measure)
    rows = rows if len(rows) else measure_rows(source, marker.measure.casefold())
    there = rows[[name for name in MARKER_COLUMNS if name in rows]].drop_duplicates()
    marker = marker.spelled_as(there)
    channels = [str(name) for name in there["channel"].unique()]
    return marker.at(channel=leading_channel(channels, marker.channel) or marker.channel)
