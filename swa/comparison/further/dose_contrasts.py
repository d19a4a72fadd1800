"""Change against nights since the dose, and against the number of the infusion.

Where a treatment has several nights, after one infusion or after several, its contrast takes their mean. Here each has
a value of its own: the change of that night (of that infusion) from baseline, in each subject and over subjects, as any
contrast is made. Where the baseline condition has doses too (placebo infusions), night 2 after the third infusion is
compared with night 2 after the third placebo; else with all baseline nights.

Trends are one value a subject (`swa.comparison.further.dose_trends`). Everything here is exploratory.
"""

import pandas as pd

from swa.comparison.compared_nights import usable_nights
from swa.comparison.contrasts import contrast_designs, design_limits, measure_contrasts
from swa.comparison.further.dose_trends import find_trends
from swa.comparison.group import adjust_p
from swa.comparison.headline import leading_marker
from swa.comparison.sources import Source, measure_rows, nights_of
from swa.settings import ComparisonSettings, Settings
from swa.tables.contrast import Contrast
from swa.tables.marker import select
from swa.tables.results_tables import DOSE_CONTRASTS

PLACE = ["infusion", "nights_since_dose"]


def has_repeated_doses(nights: pd.DataFrame) -> bool:
    """Whether some subject has several nights after an infusion, or several infusions, of one condition."""
    placed = _placed(nights)
    return bool((placed.groupby(["subject", "condition"])["cell"].nunique() > 1).any())


def compare_doses(
    source: Source, baseline: str | None = None, *, nights: pd.DataFrame | None = None, settings: Settings | None = None
) -> pd.DataFrame:
    """Compare every night after each infusion with the baseline, and give each subject's trends.

    Parameters
    ----------
    source, baseline, nights, settings
        As for `compare_nights`. The nights say `nights_since_dose`, and `infusion` where there are several; markers are
        the primary and the secondary ones, at the primary's stages and channel.

    Returns
    -------
    DataFrame
        The columns of ``dose_contrasts.tsv``; `subject` is ``group`` for rows over subjects. `term` is ``infusion 1,
        night 2``, or a trend, whose `estimate` is the ratio (or difference) from one night, or infusion, to the next.
        p_adjusted is Benjamini-Hochberg within a contrast. Empty where nothing is repeated.
    """
    settings = settings or Settings()
    known = usable_nights(nights_of(source, nights))
    if not set(PLACE[1:]) <= set(known) or not has_repeated_doses(known):
        return DOSE_CONTRASTS.empty()
    placed = _placed(known)
    rows = _rows(source, known, settings.comparison)
    parts = []
    designs = contrast_designs(source, baseline, nights=known, settings=settings)
    limits = design_limits(known, designs, settings.comparison, baseline)
    for pair, design in {design.key: design for design in designs if design.key.is_within}.items():
        cells = sorted(placed.loc[placed["condition"] == pair.treatment, "cell"].unique())
        if len(cells) < 2:
            continue
        found = [_of_cell(rows, known, placed, pair, cell, settings, baseline) for cell in cells]
        changes = pd.concat(found, ignore_index=True)
        parts += [changes, *find_trends(changes, known, placed, design, limits[pair], settings.comparison, baseline)]
    if not parts:
        return DOSE_CONTRASTS.empty()
    table = pd.concat(parts, ignore_index=True)
    table["p_adjusted"] = adjust_p(table["p"], table["contrast"])
    return DOSE_CONTRASTS.typed(table)


def _placed(nights: pd.DataFrame) -> pd.DataFrame:
    """Nights with a known place after an infusion, and that place as `cell` (infusion, night)."""
    if PLACE[1] not in nights:
        return pd.DataFrame(columns=["subject", "session", "condition", "cell"])
    numbers = pd.to_numeric(nights[PLACE[1]], errors="coerce")
    infusion = pd.to_numeric(nights[PLACE[0]], errors="coerce") if PLACE[0] in nights else pd.Series(1.0, nights.index)
    table = nights[["subject", "session", "condition"]][numbers.notna()].copy()
    table["cell"] = list(
        zip(infusion.fillna(1)[table.index].astype(int), numbers[table.index].astype(int), strict=True)
    )
    return table


def _rows(source: Source, nights: pd.DataFrame, settings: ComparisonSettings) -> pd.DataFrame:
    """Rows of the markers that are compared here."""
    marker = leading_marker(source, nights, settings)
    windows, texts = {marker.window, *settings.secondary_windows}, ("subject", "session", "channel", "measure", "unit")
    own = [
        select(measure_rows(source, name), channel=marker.channel, stages=marker.stages, window=windows, variant="")
        for name in dict.fromkeys((marker.measure, *settings.secondary))
    ]
    return pd.concat([rows.astype(dict.fromkeys(texts, str)) for rows in own], ignore_index=True)


def _of_cell(
    rows: pd.DataFrame,
    nights: pd.DataFrame,
    placed: pd.DataFrame,
    pair: Contrast,
    cell: tuple[int, int],
    settings: Settings,
    baseline: str | None,
) -> pd.DataFrame:
    """Contrast of the nights of one cell with the baseline, or with that cell of a baseline with doses."""
    here, before = placed.index[placed["cell"] == cell], nights["condition"] == pair.comparator
    dosed = (placed["condition"] == pair.comparator).any()
    own = nights["condition"].isin(pair.conditions) & (nights.index.isin(here) | (before & (not dosed)))
    some = nights[own].drop(columns="primary", errors="ignore")
    comparison = settings.comparison.model_copy(update={"primary": "", "full_subject_rows_nights": len(nights)})
    plain = settings.model_copy(update={"comparison": comparison})
    if set(some["condition"]) != set(pair.conditions):
        return DOSE_CONTRASTS.empty()
    table = measure_contrasts(rows, baseline, nights=some, contrast=str(pair), settings=plain)
    infusion, night = cell
    return select(table, first="").assign(term=f"infusion {infusion}, night {night}", infusion=infusion, night=night)
