"""Does the change follow the level? A covariate measured on each night against the marker of the same nights.

Of two nights the change of the marker is regressed on the change of the covariate over subjects: the intercept takes
what the treatment does to both. Of more nights the repeated-measures correlation (Bakdash & Marusich 2017, Front
Psychol 8:456) takes out the subjects, and here the conditions too: a treatment that moves both relates them in every
study else. Of two nights of each subject that is the same model. An association, never a mediation.

What drifts over the nights goes together too. Two unrelated measures that each rise by 0.8 SD of a night from one night
to the next were found to be related in 35 to 100 % of studies of 8 to 20 subjects with three to six nights, so that the
place of the night is taken out of both, and where it is not known nothing is tested (benchmarks/calibration_levels.py).
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats

from swa.comparison.arrays import Floats, Ints
from swa.comparison.compared_nights import COPIED, night_order, place_of_nights, usable_nights
from swa.comparison.contrasts import subject_values
from swa.comparison.designs.statement import BEFORE_WORDS
from swa.comparison.further.moderators import (
    FEWEST,
    NO_SLOPE,
    UNEVEN,
    Covariate,
    Slope,
    contrasts_within,
    find_covariates,
    find_slope,
)
from swa.comparison.group import adjust_p
from swa.comparison.headline import leading_marker
from swa.comparison.sources import Source, measure_rows, nights_of, rows_of_nights
from swa.comparison.within_subject import measure_grid
from swa.settings import ComparisonSettings, Settings
from swa.tables.contrast import Contrast
from swa.tables.marker import Marker
from swa.tables.results_tables import LEVEL_CHANGES, LEVEL_SLOPES

ALL_NIGHTS = "all nights"
# Its test presumes that nights of all subjects vary alike. Where both vary more in those who have more, minutes of N3
# were found to follow an unrelated covariate in 12 to 14 % of studies of 8 to 20 subjects.
NOT_TESTED = "not tested, since a difference varies more in those who have more of it; see the slopes of the contrasts"
NO_ORDER = (
    "not tested, since the order of the nights is not known (column order or period of the study file), and two "
    "measures that drift over the nights go together without any relation"
)


@dataclass(frozen=True, kw_only=True)
class WithinCorrelation:
    """Correlation within subjects with its interval; NaN where too few nights are left."""

    r: float
    low: float
    high: float
    p: float
    df: int


def within_correlation(
    y: Floats, x: Floats, subject: Ints, factors: Sequence[Ints], confidence: float = 0.95
) -> WithinCorrelation:
    """Correlation of two measures over nights, once subjects and what else nights differ by are taken out of both.

    Parameters
    ----------
    y, x : array, shape (nights,)
        The measures, all known.
    subject : array of int, shape (nights,)
        Whose night it is.
    factors : sequence of array of int, shape (nights,)
        Of which condition it is, and at which place of the order.
    confidence : float, default 0.95
        Level of the interval, by Fisher's z.
    """
    own, *rest = (np.equal.outer(codes, np.unique(codes)).astype(float) for codes in (subject, *factors))
    design = np.column_stack([own, *(dummies[:, 1:] for dummies in rest)])
    rank = int(np.linalg.matrix_rank(design))
    left = [v - design @ np.linalg.lstsq(design, v, rcond=None)[0] for v in (y, x)]
    df = len(y) - rank - 1
    sizes = [float(np.sqrt((part**2).sum())) for part in left]
    if df < FEWEST - 2 or min(sizes) <= 1e-9:
        return WithinCorrelation(r=math.nan, low=math.nan, high=math.nan, p=math.nan, df=max(df, 0))
    r = float(np.clip(left[0] @ left[1] / (sizes[0] * sizes[1]), -1, 1))
    half = float(stats.norm.ppf((1 + confidence) / 2)) / math.sqrt(df - 1)
    z = math.atanh(np.clip(r, -1 + 1e-15, 1 - 1e-15))
    t = abs(r) * math.sqrt(df / max(1 - r**2, 1e-15))
    return WithinCorrelation(
        r=r, low=math.tanh(z - half), high=math.tanh(z + half), p=float(2 * special.stdtr(df, -t)), df=df
    )


def level_changes(
    source: Source, baseline: str | None = None, *, nights: pd.DataFrame | None = None, settings: Settings | None = None
) -> pd.DataFrame:
    """Each subject's change of the leading marker beside the change of each covariate that differs between its nights.

    Parameters
    ----------
    source, baseline, nights, settings
        As for `relate_covariates`.

    Returns
    -------
    DataFrame
        The columns of ``level_changes.tsv``.
    """
    settings = settings or Settings()
    known = nights_of(source, nights)
    used = usable_nights(known)
    covariates = levels_of(known, settings.comparison)
    if not covariates:
        return LEVEL_CHANGES.empty()
    marker = leading_marker(source, known, settings.comparison)
    changes = marker.select(
        subject_values(source, baseline, nights=nights, settings=settings, measures=[marker.measure])
    )
    contrasts = contrasts_within(source, baseline, known, settings)
    parts = [
        own.assign(covariate=covariate.name, x=own["subject"].map(_step(used, covariate.name, contrasts[str(name)])))
        for name, own in changes.groupby("contrast", sort=True)
        for covariate in covariates
    ]
    return LEVEL_CHANGES.typed(pd.concat(parts, ignore_index=True)) if parts else LEVEL_CHANGES.empty()


def _step(nights: pd.DataFrame, name: str, contrast: Contrast) -> pd.Series:
    """Change of a covariate in each subject, means over the nights of a condition."""
    value = pd.to_numeric(nights[name], errors="coerce")
    mean = value.groupby([nights["subject"], nights["condition"]]).mean().unstack()
    mean = mean.reindex(columns=list(contrast.conditions))
    return mean[contrast.treatment] - mean[contrast.comparator]


def _orders(nights: pd.DataFrame, contrast: Contrast) -> pd.Series:
    """+1 where the comparator came first and -1 where the treatment did; empty where all had one order.

    One subject alone in the other order has a drift of the other sign in both changes too.
    """
    own = nights[nights["condition"].isin(contrast.conditions)]
    if min(night_order(own, contrast.treatment, contrast.comparator)) < 1:
        return pd.Series(dtype=float)
    place = place_of_nights(own)
    step = (place[contrast.treatment] - place[contrast.comparator]).apply(np.sign)
    return step[step.isin([1, -1])]


def _is_ordered(nights: pd.DataFrame, contrast: Contrast) -> bool:
    """Whether it is known of some subject which night came first, be it that the comparator is called a baseline."""
    own = nights[nights["condition"].isin(contrast.conditions)]
    known = sum(night_order(own, contrast.treatment, contrast.comparator)) > 0
    return known or contrast.comparator.casefold() in {*BEFORE_WORDS, "baseline"}


def places_of(nights: pd.DataFrame) -> Floats:
    """Place of each night in its subject's sequence: `order`, else `period`, where one of them is known of all."""
    for name in ("order", "period"):
        if name in nights:
            place = pd.to_numeric(nights[name], errors="coerce").to_numpy(dtype=float)
            if np.isfinite(place).all():
                return place
    return np.full(len(nights), np.nan)


def levels_of(nights: pd.DataFrame, settings: ComparisonSettings) -> list[Covariate]:
    """Covariates that were measured on each night: numbers that differ between the nights of subjects."""
    used = usable_nights(nights)
    return [
        covariate
        for covariate in find_covariates(nights, settings.covariates)
        if not covariate.groups
        and not covariate.is_outcome
        and (used.groupby("subject")[covariate.name].nunique() > 1).sum() > 1
    ]


def follow_levels(
    source: Source, baseline: str | None = None, *, nights: pd.DataFrame | None = None, settings: Settings | None = None
) -> pd.DataFrame:
    """Whether the change of the leading marker follows the change of each covariate of the nights.

    Parameters
    ----------
    source, baseline, nights, settings
        As for `level_changes`.

    Returns
    -------
    DataFrame
        The columns of ``level_slopes.tsv``: a row for each contrast and covariate (a slope), and one over all nights
        where subjects have more than two (a correlation within subjects).
    """
    settings = settings or Settings()
    options = settings.comparison
    points = level_changes(source, baseline, nights=nights, settings=settings)
    if points.empty:
        return LEVEL_SLOPES.empty()
    known = nights_of(source, nights)
    used, contrasts = usable_nights(known), contrasts_within(source, baseline, known, settings)
    rows = [
        _slope(own, _orders(used, contrasts[str(name)]), options, ordered=_is_ordered(used, contrasts[str(name)]))
        for (name, _), own in points.groupby(["contrast", "covariate"], sort=False)
    ]
    rows += _over_nights(source, known, leading_marker(source, known, options), options)
    table = LEVEL_SLOPES.frame(rows)
    return table.assign(p_adjusted=adjust_p(table["p"], table["contrast"]))


def _slope(
    points: pd.DataFrame, orders: pd.Series, settings: ComparisonSettings, *, ordered: bool
) -> dict[str, object]:
    """Slope of the change on the change, and the correlation, both beside the order where that differs."""
    ratio = bool(points["scale"].iloc[0] == "ratio")
    change = np.log(points["change"].astype(float)) if ratio else points["change"].astype(float)
    own = pd.DataFrame({"y": change, "x": points["x"].astype(float), "subject": points["subject"]}).dropna()
    own = own.assign(order=own["subject"].map(orders) if len(orders) else 0.0).dropna()
    others = [own["order"].to_numpy(dtype=float)] if own["order"].nunique() > 1 else []
    y, x = own["y"].to_numpy(), own["x"].to_numpy()
    reason = f"fewer than {FEWEST} subjects with both changes: no test" if len(own) < FEWEST else ""
    reason = reason or ("the covariate changes alike in every subject" if np.ptp(x) == 0 else "")
    found = Slope()
    if not reason:
        found = find_slope(y, x, others, settings.confidence)
        reason = "" if math.isfinite(found.p) else NO_SLOPE
    if not (reason or ordered):
        found, reason = found._replace(low=math.nan, high=math.nan, p=math.nan), NO_ORDER
    unit = f"{'ln ' if ratio else ''}change per unit of change of {points['covariate'].iloc[0]}"
    return {key: points[key].iloc[0] for key in LEVEL_SLOPES.names[:6]} | {
        **dict(zip(("estimate", "ci_low", "ci_high", "p"), found, strict=False)),
        "correlation": found.correlation,
        "n": len(own),
        "method": "slope of the change on the change" + (", adjusted for order" if others else "") + UNEVEN,
        "note": reason or f"{unit}; association only",
    }


def _over_nights(
    source: Source, nights: pd.DataFrame, marker: Marker, settings: ComparisonSettings
) -> list[dict[str, object]]:
    """The correlation within subjects over all nights, where some have more than two."""
    used = usable_nights(nights)
    rows = rows_of_nights(measure_rows(source, marker.measure), used)
    rows = marker.select(rows)
    if rows.empty:
        return []
    grid = measure_grid(rows, used)
    y = grid.values[:, 0]
    found = []
    for covariate in levels_of(nights, settings):
        x = pd.to_numeric(used[covariate.name], errors="coerce").to_numpy(dtype=float)
        there = np.isfinite(y) & np.isfinite(x) & ~used[COPIED].to_numpy(dtype=bool)
        number = used[there].groupby("subject")["condition"].transform("size")
        if not (number > 2).any():
            continue
        keep = np.flatnonzero(there)[(number > 1).to_numpy()]
        subject, condition = (pd.factorize(used[name].iloc[keep])[0] for name in ("subject", "condition"))
        place = places_of(used.iloc[keep])
        ordered = bool(np.isfinite(place).all())
        taken = "subjects, conditions and places in the order" if ordered else "subjects and conditions"
        factors = [condition, *([pd.factorize(place)[0]] if ordered else [])]
        r = within_correlation(y[keep], x[keep], subject, factors, settings.confidence)
        note = f", {r.df} degrees of freedom; association only"
        if not math.isfinite(r.r):
            note = ": too few for a correlation within subjects"
        elif untested := NOT_TESTED if grid.scale != "ratio" else "" if ordered else NO_ORDER:
            r = dataclasses.replace(r, low=math.nan, high=math.nan, p=math.nan)
            note = f": {untested}"
        found.append(
            {"contrast": ALL_NIGHTS, "covariate": covariate.name, **marker.columns}
            | {"estimate": r.r, "ci_low": r.low, "ci_high": r.high, "p": r.p, "correlation": r.r}
            | {"n": len(set(subject.tolist())), "note": f"{len(keep)} nights{note}"}
            | {"method": f"repeated-measures correlation, {taken} taken out"}
        )
    return [{name: row[name] for name in LEVEL_SLOPES.names if name in row} for row in found]
