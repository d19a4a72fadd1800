"""Does a covariate go with the change? The slope of the change on it, or the difference between two groups.

Two errors lie on either side, and no one model is free of both. A covariate that goes with a person's level alone
(age, with SWA) does not go with the error of the baseline night: beside the baseline value, which is level plus noise,
it seems to tell of the change, at a correlation of 0.8 without moderation in 12-58 % of studies of 12-30 subjects. A
covariate that was taken from the baseline night goes with its error too, and by regression to the mean with the change:
without the baseline value in the model it is found in 12-40 % at correlations of 0.7 to 0.9. The two point in opposite
directions, and so do their mixtures. What is told therefore holds in both models: the slope is the plain one, its
interval spans both, and there is a finding only where both find it in one direction. That finds 1-3 % without
moderation whatever the covariate follows. It cannot find a true slope against the direction of the level, which looks
like regression to the mean; along it, power is that of the plain slope. The mean of both nights (Oldham 1962, J Chronic
Dis 15:969) is no way out: it holds the response, and where that varies by an SD of 0.2 (ln), finds a covariate of the
level in 8-22 % (benchmarks/calibration_moderators.py). A covariate that nearly is the baseline value has no test.

Changes scatter more in some people than in others: those of minutes in people who have more of them, those of ratios
where a drug acts on a few. Permuted residuals (Freedman & Lane 1983, J Bus Econ Stat 1:292) presume that all scatter
alike, and find a covariate that the scatter follows in 8-36 % of studies of 8-30 subjects; of a studentised statistic
(DiCiccio & Romano 2017, J Am Stat Assoc 112:1211; HC3) they do in 4-11 %. So errors may differ (`unequal_variances`),
which finds 3-7 %; what it costs where all do scatter alike is in docs/limits.md. The order of the conditions is in the
model where it differs between subjects. A covariate that is itself an outcome (`Covariate`) is an association with the
change, neither moderation nor mediation, and has the plain slope.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.arrays import Floats
from swa.comparison.compared_nights import (
    night_order,
    place_of_nights,
    study_columns,
    text_column,
    usable_nights,
)
from swa.comparison.contrasts import contrast_designs, subject_values
from swa.comparison.group import adjust_p
from swa.comparison.headline import SLEEP_MARKERS, leading_marker
from swa.comparison.linear import t_interval, unequal_variances
from swa.comparison.members import parallel_arms
from swa.comparison.sources import Source, nights_of
from swa.settings import ComparisonSettings, Settings
from swa.tables.contrast import Contrast
from swa.tables.marker import matches
from swa.tables.results_tables import COVARIATE_CHANGES, MODERATORS
from swa.tables.schema import plain_name

FEWEST = 8
NO_SLOPE = "the change, or the covariate of all subjects but one, is the same in every subject: no test"
UNEVEN = ", robust errors (HC2)"  # of every slope, as its method says
PREFIX = "covariate_"  # a column that the study file calls one
OUTCOMES = ("_change", "_after", "_post")  # endings of columns that were taken after the treatment
# Correlation with the baseline value, of values or ranks, from which a covariate is taken for that value: beyond it the
# two cannot be told apart by a model, and the person's level is known from one night only up to the root of the ICC.
OWN_BASELINE = 0.95


@dataclass(frozen=True, kw_only=True)
class Covariate:
    """A column of the study file that the study names as a covariate.

    Attributes
    ----------
    name : str
        Its head.
    is_outcome : bool
        Whether it is itself an outcome of the treatment, and so is taken from the treatment nights; others are taken
        from the baseline nights.
    groups : tuple of str
        What a column of text holds, sorted; empty for one of numbers. The second of two counts as 1, the first as 0.
    """

    name: str
    is_outcome: bool
    groups: tuple[str, ...] = ()

    @classmethod
    def of_column(cls, nights: pd.DataFrame, name: str) -> "Covariate":
        """An outcome's name ends in one of `OUTCOMES`: so it was agreed with those who write study files."""
        texts = text_column(nights, name)
        is_text = pd.to_numeric(texts[texts != ""], errors="coerce").isna().any()
        groups = tuple(sorted(set(texts) - {""})) if is_text else ()
        return cls(name=name, is_outcome=plain_name(name).endswith(OUTCOMES), groups=groups)

    def condition(self, contrast: Contrast) -> str:
        """Condition of the nights that it is taken from."""
        return contrast.treatment if self.is_outcome else contrast.comparator

    def of_subjects(self, nights: pd.DataFrame, contrast: Contrast) -> pd.Series:
        """One value per subject.

        What is missing in its nights stays missing: a value of another night may be one of after the drug.
        """
        value = pd.to_numeric(nights[self.name], errors="coerce") if not self.groups else self._places(nights)
        own = nights["condition"] == self.condition(contrast)
        return value[own].groupby(nights["subject"][own]).mean()

    def _places(self, nights: pd.DataFrame) -> pd.Series:
        """Place of each night's group; of subjects whose nights name several it is not known."""
        texts = text_column(nights, self.name)
        place = texts.map({name: float(place) for place, name in enumerate(self.groups)})
        return place.where(place.groupby(nights["subject"]).transform("nunique") == 1)


def covariate_changes(
    source: Source, baseline: str | None = None, *, nights: pd.DataFrame | None = None, settings: Settings | None = None
) -> pd.DataFrame:
    """Each subject's change of the leading marker and of sleep beside each covariate, as the regressions take them.

    Parameters
    ----------
    source, baseline, nights, settings
        As for `relate_covariates`.

    Returns
    -------
    DataFrame
        The columns of ``covariate_changes.tsv``, a row for each marker (the leading one, then `SLEEP_MARKERS`),
        contrast, covariate and subject: `x` is the covariate, `change` a ratio or difference; missing where there is
        none.
    """
    settings = settings or Settings()
    known = nights_of(source, nights)
    covariates = find_covariates(known, settings.comparison.covariates)
    if not covariates:
        return COVARIATE_CHANGES.empty()
    markers = dict.fromkeys((leading_marker(source, known, settings.comparison), *SLEEP_MARKERS))
    measures = [marker.measure for marker in markers]
    changes = subject_values(source, baseline, nights=nights, settings=settings, measures=measures)
    used = usable_nights(known)
    contrasts = contrasts_within(source, baseline, known, settings)
    parts = [
        own.assign(covariate=covariate.name, x=own["subject"].map(covariate.of_subjects(used, contrasts[str(name)])))
        for marker in markers
        for name, own in marker.select(changes).groupby("contrast", sort=True)
        for covariate in covariates
    ]
    return COVARIATE_CHANGES.typed(pd.concat(parts, ignore_index=True)) if parts else COVARIATE_CHANGES.empty()


def relate_covariates(
    source: Source, baseline: str | None = None, *, nights: pd.DataFrame | None = None, settings: Settings | None = None
) -> pd.DataFrame:
    """Relate each covariate that the study names to the change of the leading marker, and of sleep.

    Parameters
    ----------
    source, baseline, nights, settings
        As for `compare_nights`; the covariates are columns of the nights, the marker is the declared primary or that
        which stands for it (`leading_marker`).

    Returns
    -------
    DataFrame
        The columns of ``moderators.tsv``, a row for each marker, contrast and covariate: change of the ln ratio (or
        difference) for one unit of the covariate, or between two groups. p_adjusted is Benjamini-Hochberg over the
        covariates of a contrast, apart for the leading marker and for `SLEEP_MARKERS`. Fewer than 8 subjects: NaN, with
        the reason.
    """
    settings = settings or Settings()
    points = covariate_changes(source, baseline, nights=nights, settings=settings)
    if points.empty:
        return MODERATORS.empty()
    known = nights_of(source, nights)
    used, contrasts = usable_nights(known), contrasts_within(source, baseline, known, settings)
    named = {covariate.name: covariate for covariate in find_covariates(known, settings.comparison.covariates)}
    rows = [
        _row(own, named[str(name)], used, contrasts[str(contrast)], settings.comparison)
        for (contrast, _, name), own in points.groupby(["contrast", "measure", "covariate"], sort=False)
    ]
    table = MODERATORS.frame(rows)
    leads = matches(table, measure=leading_marker(source, known, settings.comparison).measure)
    return table.assign(p_adjusted=adjust_p(table["p"], table.groupby(["contrast", leads]).ngroup()))


def find_covariates(nights: pd.DataFrame, stated: Sequence[str]) -> list[Covariate]:
    """Find the columns of the study file that are stated or begin with ``covariate_``.

    No other column is tested: of ten numbers that happen to stand in a study file one is found to matter in 40 %.
    """
    called = [str(name) for name in nights.columns if plain_name(str(name)).startswith(PREFIX)]
    return [Covariate.of_column(nights, name) for name in study_columns(nights, [*stated, *called])]


def contrasts_within(
    source: Source, baseline: str | None, nights: pd.DataFrame, settings: Settings
) -> dict[str, Contrast]:
    """Contrasts of conditions by their names."""
    designs = contrast_designs(source, baseline, nights=nights, settings=settings)
    return {design.contrast: design.key for design in designs if design.key.is_within}


class Slope(NamedTuple):
    """A slope beside other columns: NaN where it cannot be told."""

    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    correlation: float = math.nan  # the partial one


def find_slope(y: Floats, x: Floats, others: list[Floats], level: float = 0.95) -> Slope:
    """Slope of changes on x, some of which may vary more than others (`unequal_variances`).

    Parameters
    ----------
    y, x : array, shape (subjects,)
        Changes, those of ratios as logarithms, and what they may go with.
    others : list of array
        What else is in the model, beside the constant.
    level : float
        Of the interval.

    Returns
    -------
    Slope
        NaN where one subject alone has another value of x: it fits by itself, and its error is not known.
    """
    columns = [np.ones(len(y)), x, *others]
    design = np.column_stack(columns)
    leverage = np.einsum("ij,ji->i", design, np.linalg.pinv(design))
    estimate, error, df, fit = unequal_variances(y[:, None], columns, [0, 1, *[0] * len(others)])
    t, p, low, high = t_interval(estimate, error, df, level)
    if not math.isfinite(t[0]) or leverage.max() > 1 - 1e-9:
        return Slope()
    plain = estimate[0] / fit.combine([0, 1, *[0] * len(others)])[1][0]
    correlation = plain / math.sqrt(plain**2 + fit.df[0])
    return Slope(float(estimate[0]), float(low[0]), float(high[0]), float(p[0]), float(correlation))


def cautious_slope(y: Floats, x: Floats, baseline: Floats, others: list[Floats], level: float = 0.95) -> Slope:
    """Slope of `find_slope` with the interval and p that hold without and with the baseline value in the model.

    p is 1 where the two slopes have opposite signs.
    """
    plain = find_slope(y, x, others, level)
    beside = find_slope(y, x, [*others, baseline], level) if np.ptp(baseline) > 0 else plain
    if not (math.isfinite(plain.p) and math.isfinite(beside.p)):
        return Slope()
    alike = plain.estimate * beside.estimate > 0
    return plain._replace(
        low=min(plain.low, beside.low), high=max(plain.high, beside.high), p=max(plain.p, beside.p) if alike else 1.0
    )


@dataclass(frozen=True, kw_only=True)
class _Regressed:
    """Subjects with all that the models of one contrast and covariate take: changes on the scale of comparison."""

    change: Floats
    covariate: Floats
    baseline: Floats
    order: list[Floats]  # +1 and -1, where it differs between subjects
    without: int  # subjects with a change whose covariate is not known

    @property
    def reason(self) -> str:
        """Why there is no test; empty where there is one."""
        if len(self.change) < FEWEST:
            return f"fewer than {FEWEST} subjects with the covariate and a change: no test"
        return "the covariate is the same in every subject" if np.ptp(self.covariate) == 0 else ""

    @property
    def with_baseline(self) -> float:
        """Correlation of the covariate with the baseline value."""
        known = np.ptp(self.baseline) > 0 and np.ptp(self.covariate) > 0
        return float(np.corrcoef(self.covariate, self.baseline)[0, 1]) if known else math.nan

    @property
    def is_baseline(self) -> bool:
        """Whether the covariate nearly is the baseline value, or a curve of it."""
        ranks = float(stats.spearmanr(self.covariate, self.baseline)[0]) if math.isfinite(self.with_baseline) else 0.0
        return max(abs(self.with_baseline), abs(ranks)) >= OWN_BASELINE


def _regressed(points: pd.DataFrame, nights: pd.DataFrame, contrast: Contrast) -> _Regressed:
    numbers = points.set_index("subject")[["change", "baseline"]].astype(float)
    if points["scale"].iloc[0] == "ratio":
        numbers = numbers.apply(np.log)
    changed = int(numbers["change"].notna().sum())
    numbers = numbers.assign(x=points["x"].to_numpy(dtype=float)).dropna()
    without = changed - len(numbers)
    own, order = nights[nights["condition"].isin(contrast.conditions)], []
    if min(night_order(own, contrast.treatment, contrast.comparator)) > 1:
        place = place_of_nights(own)
        step = (place[contrast.treatment] - place[contrast.comparator]).apply(np.sign).reindex(numbers.index)
        numbers = numbers[step.isin([1, -1])]
        order = [step[step.isin([1, -1])].to_numpy(dtype=float)]
    change, baseline, x = (numbers[name].to_numpy() for name in ("change", "baseline", "x"))
    return _Regressed(change=change, covariate=x, baseline=baseline, order=order, without=without)


def _row(
    points: pd.DataFrame, covariate: Covariate, nights: pd.DataFrame, contrast: Contrast, settings: ComparisonSettings
) -> dict[str, object]:
    own = _regressed(points, nights, contrast)
    ratio = bool(points["scale"].iloc[0] == "ratio")
    found, reason = _tested(own, covariate, settings.confidence)
    told = f"left out: {own.without} without {covariate.name} in the {covariate.condition(contrast)} nights"
    about = [
        reason or _unit(own, covariate, found, ratio=ratio),
        "" if reason or covariate.is_outcome else _caution(own),
        _meaning(covariate, nights, contrast),
        told if own.without else "",
    ]
    method = ("difference of groups" if covariate.groups else "slope") + (", adjusted for order" if own.order else "")
    method += "" if covariate.is_outcome else ", without and with the baseline value"
    method += UNEVEN
    return {key: points[key].iloc[0] for key in MODERATORS.names[:6]} | {
        **dict(zip(("estimate", "ci_low", "ci_high", "p"), found, strict=False)),
        "n": len(own.change),
        "method": method,
        "note": "; ".join(text for text in about if text),
    }


def _tested(own: _Regressed, covariate: Covariate, level: float) -> tuple[Slope, str]:
    """The slope, or why there is none."""
    if own.reason:
        return Slope(), own.reason
    if len(covariate.groups) > 2:
        return Slope(), f"{len(covariate.groups)} groups: two are compared"
    if covariate.is_outcome:
        found = find_slope(own.change, own.covariate, own.order, level)
    elif own.is_baseline:
        return Slope(), (
            f"no test: the covariate nearly is the baseline value (correlation {own.with_baseline:+.2f}), and by "
            "regression to the mean a change from a value goes with that value without any response"
        )
    else:
        found = cautious_slope(own.change, own.covariate, own.baseline, own.order, level)
    return found, "" if math.isfinite(found.p) else NO_SLOPE


def _unit(own: _Regressed, covariate: Covariate, found: Slope, *, ratio: bool) -> str:
    ln = "ln " if ratio else ""
    if covariate.groups:
        return f"{ln}change of {covariate.groups[1]} less that of {covariate.groups[0]}"
    per_sd = found.estimate * float(own.covariate.std(ddof=1))
    return f"{ln}change per unit of {covariate.name}; per SD {per_sd:+.3g}"


def _caution(own: _Regressed) -> str:
    """Why the interval spans two models: of a marker that is the same in all at baseline there is one."""
    if not math.isfinite(own.with_baseline):
        return ""
    return (
        f"correlation of the covariate with the baseline value {own.with_baseline:+.2f}: interval and p hold without "
        "and with that value in the model, since a covariate taken from the baseline night goes with the change by "
        "regression to the mean, and one that follows a person's level seems to beside that value, both without any "
        "response"
    )


def _meaning(covariate: Covariate, nights: pd.DataFrame, contrast: Contrast) -> str:
    """What a relation could not say."""
    if covariate.is_outcome:
        return "an outcome, taken after the treatment: association only, no moderation and no mediation"
    if parallel_arms(nights):
        return f"within those who had {contrast.treatment}: prognosis, not whether the effect of the drug depends on it"
    return ""
