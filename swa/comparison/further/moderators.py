"""Does a covariate go with the change? The slope of the change on it, or the difference between two groups.

The baseline value is not in the model. It is level plus noise, so that beside it a covariate that goes with the level
(age, with SWA) tells about the level beyond that one night and seems to go with the change: at a correlation of 0.8
without moderation in 12-58 % of studies of 12-30 subjects. Nor is the mean of both nights (Oldham 1962, J Chronic Dis
15:969): it holds the response, and where that varies by an SD of 0.2 (ln), finds such a covariate in 8-22 %. The plain
slope keeps its level and covers in all of these (benchmarks/calibration_moderators.py). It cannot tell whether a
response goes with the covariate or with the level; how closely the two go together stands beside it.

p of a ratio is by permutation of residuals (Freedman & Lane 1983, J Bus Econ Stat 1:292) of the partial t. A change of
minutes varies more the more of them a person has, so that permutation finds a covariate of the level in 8-20 %: there
errors are let differ, which with logarithms would cost a tenth of the power. The order of the conditions is in the
model where it differs between subjects. A covariate that is itself an outcome (`Covariate`) is an association with the
change, never a mediation.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from swa.comparison.arrays import Floats
from swa.comparison.compared_nights import (
    night_order,
    parallel_arms,
    place_of_nights,
    study_columns,
    text_column,
    usable_nights,
)
from swa.comparison.contrasts import contrast_designs, subject_values
from swa.comparison.group import adjust_p
from swa.comparison.headline import SLEEP_MARKERS, leading_marker
from swa.comparison.linear import least_squares, t_interval, unequal_variances
from swa.comparison.sources import Source, nights_of
from swa.settings import ComparisonSettings, Settings
from swa.tables.contrast import Contrast
from swa.tables.marker import matches
from swa.tables.results_tables import COVARIATE_CHANGES, MODERATORS
from swa.tables.schema import plain_name

FEWEST = 8
NO_SLOPE = "the change, or the covariate of all subjects but one, is the same in every subject: no test"
UNEVEN = ", robust errors (HC2)"
PREFIX = "covariate_"  # a column that the study file calls one


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
        """An outcome's name ends in ``_change``: so it was agreed with those who write study files."""
        texts = text_column(nights, name)
        is_text = pd.to_numeric(texts[texts != ""], errors="coerce").isna().any()
        groups = tuple(sorted(set(texts) - {""})) if is_text else ()
        return cls(name=name, is_outcome=plain_name(name).endswith("_change"), groups=groups)

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


def find_slope(y: Floats, x: Floats, others: list[Floats], settings: ComparisonSettings, *, ratio: bool) -> Slope:
    """Slope of changes on x beside the others: of logs of ratios by permutation, of differences by errors that differ.

    Parameters
    ----------
    y, x : array, shape (subjects,)
        Changes, those of ratios as logarithms, and what they may go with.
    others : list of array
        What else is in the model, beside the constant.
    settings : ComparisonSettings
        Its `confidence`, `moderator_permutations` and `flip_seed`.
    ratio : bool
        Whether the changes are ratios.
    """
    if ratio:
        return permuted_slope(y, x, others, settings.moderator_permutations, settings.flip_seed, settings.confidence)
    return uneven_slope(y, x, others, settings.confidence)


def permuted_slope(
    y: Floats, x: Floats, others: list[Floats], permutations: int, seed: int, level: float = 0.95
) -> Slope:
    """Slope with its t interval and the p of permuted residuals, where changes vary alike in all subjects."""
    ones = np.ones(len(y))
    fit = least_squares(y[:, None], [ones, x, *others])
    estimate, error = fit.combine([0, 1, *[0] * len(others)])
    t, _, low, high = t_interval(estimate, error, fit.df, level)
    if not math.isfinite(t[0]):
        return Slope()
    reduced = np.column_stack([ones, *others])
    fitted = reduced @ np.linalg.lstsq(reduced, y, rcond=None)[0]
    rng = np.random.default_rng(seed)
    residual = rng.permuted(np.tile(y - fitted, (permutations - 1, 1)), axis=1).T
    again = least_squares(fitted[:, None] + residual, [ones, x, *others])
    shuffled = t_interval(*again.combine([0, 1, *[0] * len(others)]), again.df, level)[0]
    p = (1 + np.count_nonzero(np.abs(shuffled) >= abs(t[0]) - 1e-9)) / permutations
    correlation = t[0] / math.sqrt(t[0] ** 2 + fit.df[0])
    return Slope(float(estimate[0]), float(low[0]), float(high[0]), float(p), float(correlation))


def uneven_slope(y: Floats, x: Floats, others: list[Floats], level: float = 0.95) -> Slope:
    """Slope with interval and p where some subjects' changes vary more than others' (`unequal_variances`).

    One subject who alone has another value of x fits by itself: its error is not known, and so there is none.
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


@dataclass(frozen=True, kw_only=True)
class _Regressed:
    """Subjects with all that the models of one contrast and covariate take: changes on the scale of comparison."""

    change: Floats
    covariate: Floats
    level: Floats  # mean of both nights
    order: list[Floats]  # +1 and -1, where it differs between subjects
    without: int  # subjects with a change whose covariate is not known

    @property
    def reason(self) -> str:
        """Why there is no test; empty where there is one."""
        if len(self.change) < FEWEST:
            return f"fewer than {FEWEST} subjects with the covariate and a change: no test"
        return "the covariate is the same in every subject" if np.ptp(self.covariate) == 0 else ""

    @property
    def with_level(self) -> float:
        """Correlation of the covariate with the level."""
        return float(np.corrcoef(self.covariate, self.level)[0, 1]) if np.ptp(self.level) > 0 else math.nan


def _regressed(points: pd.DataFrame, nights: pd.DataFrame, contrast: Contrast) -> _Regressed:
    numbers = points.set_index("subject")[["change", "baseline", "treatment"]].astype(float)
    if points["scale"].iloc[0] == "ratio":
        numbers = numbers.apply(np.log)
    changed = int(numbers["change"].notna().sum())
    numbers["level"] = (numbers.pop("baseline") + numbers.pop("treatment")) / 2
    numbers = numbers.assign(x=points["x"].to_numpy(dtype=float)).dropna()
    without = changed - len(numbers)
    own, order = nights[nights["condition"].isin(contrast.conditions)], []
    if min(night_order(own, contrast.treatment, contrast.comparator)) > 1:
        place = place_of_nights(own)
        step = (place[contrast.treatment] - place[contrast.comparator]).apply(np.sign).reindex(numbers.index)
        numbers = numbers[step.isin([1, -1])]
        order = [step[step.isin([1, -1])].to_numpy(dtype=float)]
    change, level, x = (numbers[name].to_numpy() for name in ("change", "level", "x"))
    return _Regressed(change=change, covariate=x, level=level, order=order, without=without)


def _row(
    points: pd.DataFrame, covariate: Covariate, nights: pd.DataFrame, contrast: Contrast, settings: ComparisonSettings
) -> dict[str, object]:
    own = _regressed(points, nights, contrast)
    reason = own.reason or (f"{len(covariate.groups)} groups: two are compared" if len(covariate.groups) > 2 else "")
    found, ratio = Slope(), points["scale"].iloc[0] == "ratio"
    notes = []
    if not reason:
        found = find_slope(own.change, own.covariate, own.order, settings, ratio=ratio)
        reason = "" if math.isfinite(found.p) else NO_SLOPE
    if not reason:
        ln = "ln " if ratio else ""
        if covariate.groups:
            notes.append(f"{ln}change of {covariate.groups[1]} less that of {covariate.groups[0]}")
        else:
            per_sd = found.estimate * float(own.covariate.std(ddof=1))
            notes.append(f"{ln}change per unit of {covariate.name}; per SD {per_sd:+.3g}")
        notes.append(
            f"correlation of the covariate with the marker's mean over both nights {own.with_level:+.2f}: where it is "
            "large, a response that depends on the level looks the same"
        )
    told = f"left out: {own.without} without {covariate.name} in the {covariate.condition(contrast)} nights"
    about = [reason, *notes, _meaning(covariate, nights, contrast), told if own.without else ""]
    method = ("difference of groups" if covariate.groups else "slope") + (", adjusted for order" if own.order else "")
    method += "" if ratio else UNEVEN
    return {key: points[key].iloc[0] for key in MODERATORS.names[:6]} | {
        **dict(zip(("estimate", "ci_low", "ci_high", "p"), found, strict=False)),
        "n": len(own.change),
        "method": method,
        "note": "; ".join(text for text in about if text),
    }


def _meaning(covariate: Covariate, nights: pd.DataFrame, contrast: Contrast) -> str:
    """What a relation could not say."""
    if covariate.is_outcome:
        return "an outcome: association only, no mediation"
    if parallel_arms(nights):
        return f"within those who had {contrast.treatment}: prognosis, not whether the effect of the drug depends on it"
    return ""
