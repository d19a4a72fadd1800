"""The marker that a study leads with: pages, plans and further comparisons are about one and the same."""

from collections import Counter

import pandas as pd

from swa.comparison.group import adjust_primary_p
from swa.comparison.primary import declared_primary
from swa.comparison.sources import Source, measure_rows
from swa.glossary import read_glossary
from swa.settings import ComparisonSettings
from swa.tables.contrast import contrasts_of
from swa.tables.marker import ALL, DEFAULT_MARKER, MARKER_COLUMNS, Marker, lead, matches

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


def adjust_leading(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the leading marker over subjects with the p by which a change is told, and for how many it is adjusted.

    Of six drugs without an effect one is found by its own p in a quarter of studies. So p_adjusted is Holm's over the
    contrasts against the same comparator also where no primary is declared, and `n_tests` is the number of these. A
    contrast that was asked for afterwards counts for itself alone, not for those of a declared primary.

    Parameters
    ----------
    rows : DataFrame
        Rows of ``contrasts.tsv`` of one marker, of the subject ``group``.
    """
    families = [contrast.held_against for contrast in contrasts_of(rows)]
    planned, tested = matches(rows, role="primary"), rows["p"].notna()
    of_all, of_planned = (
        Counter(family for family, counts in zip(families, among, strict=True) if counts)
        for among in (tested, tested & planned)
    )
    counts = [(of_planned if own else of_all)[family] for family, own in zip(families, planned, strict=True)]
    held = adjust_primary_p(rows["p"], contrasts_of(rows))
    return rows.assign(p_adjusted=rows["p_adjusted"].where(planned, held), n_tests=counts)
