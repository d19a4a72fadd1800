"""Change against nights since the dose, and against the number of the infusion.

Where a treatment has several nights, after one infusion or after several, its contrast takes their mean. Here each has
a value of its own: the change of that night (of that infusion) from baseline, in each subject and over subjects, as any
contrast is made. Where the baseline condition has doses too (placebo infusions), night 2 after the third infusion is
compared with night 2 after the third placebo; else with all baseline nights.

Trends are one value a subject, so that nights of a subject are never independent observations: the slope of that
subject's changes on the night since the dose, within infusions, and on the number of the infusion, within nights; over
subjects by sign flips, as all paired contrasts. Everything here is exploratory.

Without nights of a control condition that are counted the same way, a drift of the nights is such a trend: of an inert
drug, 8 % a night, in 37 % of studies of 8 subjects. Such a row has `no control`, or `one order` where one is in it.
"""

import math
from collections.abc import Collection

import numpy as np
import pandas as pd

from swa.comparison.compared_nights import usable_nights
from swa.comparison.contrasts import contrast_designs, design_limits, measure_contrasts
from swa.comparison.group import FEWEST_TESTED, adjust_p, paired_t, sign_flip_test
from swa.comparison.headline import leading_marker
from swa.comparison.sources import Source, measure_rows, nights_of
from swa.comparison.within_subject import scale_of
from swa.settings import ComparisonSettings, Settings
from swa.tables.contrast import GROUP, Contrast
from swa.tables.control_names import is_control
from swa.tables.design_limit import DesignLimit, encode_limits
from swa.tables.marker import select
from swa.tables.notes import EQUAL_CHANGES, TREND_OF_CONTROL, TREND_WITHOUT_CONTROL
from swa.tables.results_tables import DOSE_CONTRASTS

PLACE = ["infusion", "nights_since_dose"]
PER_NIGHT, PER_INFUSION = "per night since the dose", "per infusion"
MARKER = ["channel", "stages", "window", "measure", "scale"]


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
    for pair in dict.fromkeys(design.key for design in designs if design.key.is_within):
        cells = sorted(placed.loc[placed["condition"] == pair.treatment, "cell"].unique())
        if len(cells) < 2:
            continue
        found = [_of_cell(rows, known, placed, pair, cell, settings, baseline) for cell in cells]
        changes = pd.concat(found, ignore_index=True)
        against_all = not (placed["condition"] == pair.comparator).any()
        trends = _trends(changes, settings.comparison, against_all=against_all)
        if against_all or not is_control(pair.comparator):
            trends = [_with_drift(part, pair, limits[pair]) for part in trends]
        else:
            trends = [part.assign(design_limit=encode_limits(limits[pair])) for part in trends]
        parts += [changes, *trends]
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


def _with_drift(trends: pd.DataFrame, pair: Contrast, limits: Collection[DesignLimit]) -> pd.DataFrame:
    """Trends of which no nights of a control, counted as they are, take a drift out: what the design leaves open then.

    Where the control itself is what has the trend, or is there with nights that are not counted, it is not missing:
    the nights since a dose come in one order.
    """
    has_control = is_control(pair.treatment) or is_control(pair.comparator)
    lacking = DesignLimit.ONE_ORDER if has_control else DesignLimit.NO_CONTROL
    known = {lacking, DesignLimit.NO_CONTROL, DesignLimit.ONE_ARM} & set(limits)
    drift = (TREND_OF_CONTROL if is_control(pair.treatment) else TREND_WITHOUT_CONTROL)().words
    said = [f"{note}; {drift}" if note else drift for note in trends["note"]]
    return trends.assign(design_limit=encode_limits(limits if known else (lacking, *limits)), note=said)


def _trends(changes: pd.DataFrame, settings: ComparisonSettings, *, against_all: bool) -> list[pd.DataFrame]:
    """Slopes of each subject's changes, and over subjects."""
    single = changes[(changes["subject"] != GROUP) & changes["estimate"].notna()]
    parts = []
    for term, along, within in ((PER_NIGHT, "night", "infusion"), (PER_INFUSION, "infusion", "night")):
        if single[along].nunique() < 2:
            continue
        rows = []
        for key, own in single.groupby(["subject", "contrast", *MARKER], sort=False):
            slope, half, spread = _slope(own, along, within, against_all=against_all)
            if spread > 0:
                rows.append([*key, slope, half, len(own)])
        table = pd.DataFrame(rows, columns=["subject", "contrast", *MARKER, "slope", "half", "n"])
        if len(table):
            parts += [_subject_trends(table, term), _group_trends(table, term, settings)]
    return parts


def _slope(own: pd.DataFrame, along: str, within: str, *, against_all: bool) -> tuple[float, float, float]:
    """Least-squares slope, half of its interval, and the sum of squares of the places.

    The interval follows from that of a change, q * SD_w * sqrt(1/m + 1/k), whose share 1/k is the same in all nights
    where they are held against the same baseline nights, and so no error of the slope.
    """
    ratio = own["scale"].iloc[0] == "ratio"
    logs = {name: np.log(own[name]) if ratio else own[name] for name in ("estimate", "ci_low", "ci_high")}
    place = own[along] - own.groupby(within)[along].transform("mean")
    spread = float((place**2).sum())
    if spread <= 0:
        return math.nan, math.nan, 0.0
    slope = float((place * logs["estimate"]).sum() / spread)
    half = float(((logs["ci_high"] - logs["ci_low"]) / 2).mean())
    n_baseline = float(own["n"].mean()) - 1
    if against_all and n_baseline >= 1:
        half /= math.sqrt(1 + 1 / n_baseline)
    return slope, half / math.sqrt(spread), spread


def _subject_trends(table: pd.DataFrame, term: str) -> pd.DataFrame:
    rows = table.assign(term=term, p=np.nan, method="least squares, interval between nights", note="")
    return _shown(rows, rows["slope"], rows["slope"] - rows["half"], rows["slope"] + rows["half"])


def _group_trends(table: pd.DataFrame, term: str, settings: ComparisonSettings) -> pd.DataFrame:
    rows, estimates, lows, highs = [], [], [], []
    for key, own in table.groupby(["contrast", *MARKER], sort=False):
        values = own["slope"].to_numpy(float)
        t = paired_t(values, settings.confidence)
        flip = sign_flip_test(values, settings).without(t.alike)
        by_flip = bool(np.isfinite(flip.low[0]))
        p = flip.p[0] if by_flip else t.p[0] if len(values) >= FEWEST_TESTED else np.nan
        told = f"t({t.df[0]}) = {t.t[0]:.2f}" if not t.alike[0] else EQUAL_CHANGES().words
        note = f"one slope a subject; {told}" if len(values) > 1 else "one subject: no interval"
        method = ("sign-flip of slopes" if by_flip else "t of slopes") if len(values) > 1 else ""
        rows.append([GROUP, *key, term, p, len(values), method, note])
        estimates.append(values.mean())
        lows.append((flip if by_flip else t).low[0])
        highs.append((flip if by_flip else t).high[0])
    columns = ["subject", "contrast", *MARKER, "term", "p", "n", "method", "note"]
    return _shown(pd.DataFrame(rows, columns=columns), np.array(estimates), np.array(lows), np.array(highs))


def _shown(rows: pd.DataFrame, estimate: object, low: object, high: object) -> pd.DataFrame:
    """Slopes on the scale that is reported: ratios from one night to the next."""
    ratio = rows["measure"].map(scale_of) == "ratio"
    for name, values in (("estimate", estimate), ("ci_low", low), ("ci_high", high)):
        plain = np.asarray(values, float)
        rows[name] = np.where(ratio, np.exp(plain), plain)
    return rows.assign(infusion=np.nan, night=np.nan)
