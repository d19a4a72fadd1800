"""Does a covariate go with the change? Rank correlation and slope, adjusted for the marker's own baseline value.

The baseline value stands in the model, and so does the order of the conditions where it differs between subjects.
Adjusting has a price: a baseline night is level plus noise, so a covariate that goes with the subject's level (age,
with SWA) tells about the level beyond that one night, and seems to go with the change where it does not. With a
correlation of 0.5, ICC 0.76 and no moderation it is found in 7 %, 14 % and 18 % of studies of 12, 20 and 40 subjects
(benchmarks/calibration_profiles.py); the unadjusted slope, in 5 %, is not misled by it but by a response that depends
on the level. So both are reported, and a moderator is one that both agree on.

p is by permutation of residuals (Freedman & Lane 1983, J Bus Econ Stat 1:292) of the partial t. A covariate that is
itself an outcome (`Covariate`) is an association with the change, never a mediation.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.arrays import Floats
from swa.comparison.compared_nights import night_order, parallel_arms, place_of_nights, usable_nights
from swa.comparison.contrasts import contrast_designs, subject_values
from swa.comparison.group import adjust_p
from swa.comparison.headline import leading_marker
from swa.comparison.linear import least_squares, t_interval
from swa.comparison.sources import Source, nights_of
from swa.settings import ComparisonSettings, Settings
from swa.tables.contrast import Contrast
from swa.tables.results_tables import COVARIATE_CHANGES, MODERATORS

FEWEST = 8
# Columns of the study file that are no covariates of a person.
DESIGN_COLUMNS = (
    *("subject", "order", "period", "phase", "arm", "group", "adaptation", "session", "recording", "simulated"),
    *("infusion", "nights_since_dose"),
)


@dataclass(frozen=True, kw_only=True)
class Covariate:
    """A numeric column of the study file.

    Attributes
    ----------
    name : str
        Its head.
    is_outcome : bool
        Whether it is itself an outcome of the treatment, and so is taken from the treatment nights; others are taken
        from the baseline nights.
    """

    name: str
    is_outcome: bool

    @classmethod
    def of_column(cls, name: str) -> "Covariate":
        """An outcome's name ends in ``_change``: so it was agreed with those who write study files."""
        return cls(name=name, is_outcome=name.endswith("_change"))

    def condition(self, contrast: Contrast) -> str:
        """Condition of the nights that it is taken from."""
        return contrast.treatment if self.is_outcome else contrast.comparator

    def of_subjects(self, nights: pd.DataFrame, contrast: Contrast) -> pd.Series:
        """One value per subject.

        What is missing in its nights stays missing: a value of another night may be one of after the drug.
        """
        value = pd.to_numeric(nights[self.name], errors="coerce")
        own = nights["condition"] == self.condition(contrast)
        return value[own].groupby(nights["subject"][own]).mean()


def covariate_changes(
    source: Source, baseline: str | None = None, *, nights: pd.DataFrame | None = None, settings: Settings | None = None
) -> pd.DataFrame:
    """Each subject's change of the leading marker beside each covariate, as the regressions take them.

    Parameters
    ----------
    source, baseline, nights, settings
        As for `relate_covariates`.

    Returns
    -------
    DataFrame
        The columns of ``covariate_changes.tsv``, a row for each contrast, covariate and subject: `x` is the covariate,
        `change` a ratio or difference; missing where there is none.
    """
    settings = settings or Settings()
    known = nights_of(source, nights)
    covariates = find_covariates(known, settings.comparison.covariates)
    if not covariates:
        return COVARIATE_CHANGES.empty()
    marker = leading_marker(source, known, settings.comparison)
    changes = subject_values(source, baseline, nights=nights, settings=settings, measures=[marker.measure])
    changes = marker.select(changes)
    used = usable_nights(known)
    contrasts = _within_subjects(source, baseline, known, settings)
    parts = [
        own.assign(covariate=covariate.name, x=own["subject"].map(covariate.of_subjects(used, contrasts[str(name)])))
        for name, own in changes.groupby("contrast", sort=True)
        for covariate in covariates
    ]
    return COVARIATE_CHANGES.typed(pd.concat(parts, ignore_index=True)) if parts else COVARIATE_CHANGES.empty()


def relate_covariates(
    source: Source, baseline: str | None = None, *, nights: pd.DataFrame | None = None, settings: Settings | None = None
) -> pd.DataFrame:
    """Relate each numeric covariate of the study file to the change of the leading marker.

    Parameters
    ----------
    source, baseline, nights, settings
        As for `compare_nights`; the covariates are columns of the nights, the marker is the declared primary or that
        which stands for it (`leading_marker`).

    Returns
    -------
    DataFrame
        The columns of ``moderators.tsv``; three rows for each contrast and covariate. ``slope``, adjusted and
        unadjusted: ln ratio (or difference) for one unit of the covariate. ``rank correlation``: partial Spearman,
        adjusted. p_adjusted is
        Benjamini-Hochberg over the covariates of a contrast and method. Fewer than 8 subjects: NaN, with the reason.
    """
    settings = settings or Settings()
    points = covariate_changes(source, baseline, nights=nights, settings=settings)
    if points.empty:
        return MODERATORS.empty()
    known = nights_of(source, nights)
    used, contrasts = usable_nights(known), _within_subjects(source, baseline, known, settings)
    rows: list[dict[str, object]] = []
    for (contrast, name), own in points.groupby(["contrast", "covariate"], sort=False):
        rows += _rows(own, Covariate.of_column(str(name)), used, contrasts[str(contrast)], settings.comparison)
    table = MODERATORS.frame(rows)
    table["p_adjusted"] = adjust_p(table["p"], table["contrast"] + " " + table["method"])
    return table


def find_covariates(nights: pd.DataFrame, stated: Sequence[str]) -> list[Covariate]:
    """Find the numeric columns of the study file that differ between subjects, or the stated ones that there are."""
    columns = list(nights.columns)
    own = columns[: columns.index("status")] if "status" in columns else columns
    found = []
    for name in own:
        if name in DESIGN_COLUMNS or (stated and name not in stated):
            continue
        numbers = pd.to_numeric(nights[name], errors="coerce")
        numeric = numbers.notna().sum() > 0 and (numbers.notna() == nights[name].notna()).all()
        if numeric and not pd.api.types.is_bool_dtype(nights[name]) and numbers.nunique() > 1:
            found.append(Covariate.of_column(name))
    return found


def _within_subjects(
    source: Source, baseline: str | None, nights: pd.DataFrame, settings: Settings
) -> dict[str, Contrast]:
    """Contrasts of conditions by their names."""
    designs = contrast_designs(source, baseline, nights=nights, settings=settings)
    return {design.contrast: design.key for design in designs if design.key.is_within}


def partial_slope(
    y: Floats, x: Floats, others: list[Floats], permutations: int, seed: int, level: float = 0.95
) -> tuple[float, ...]:
    """Slope of y on x beside the others: estimate, t limits at the level, permutation p, t."""
    ones = np.ones(len(y))
    fit = least_squares(y[:, None], [ones, x, *others])
    weights = [0, 1, *[0] * len(others)]
    estimate, error = fit.combine(weights)
    t, _, low, high = t_interval(estimate, error, fit.df, level)
    if not math.isfinite(t[0]):
        return math.nan, math.nan, math.nan, math.nan, math.nan
    reduced = np.column_stack([ones, *others])
    fitted = reduced @ np.linalg.lstsq(reduced, y, rcond=None)[0]
    rng = np.random.default_rng(seed)
    residual = rng.permuted(np.tile(y - fitted, (permutations - 1, 1)), axis=1).T
    again = least_squares(fitted[:, None] + residual, [ones, x, *others])
    shuffled = t_interval(*again.combine(weights), again.df, level)[0]
    p = (1 + np.count_nonzero(np.abs(shuffled) >= abs(t[0]) - 1e-9)) / permutations
    return float(estimate[0]), float(low[0]), float(high[0]), float(p), float(t[0])


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


def _rows(
    points: pd.DataFrame, covariate: Covariate, nights: pd.DataFrame, contrast: Contrast, settings: ComparisonSettings
) -> Iterator[dict[str, object]]:
    """Rows of one contrast and covariate: slope and rank correlation adjusted for the baseline value, plain slope."""
    own = _regressed(points, nights, contrast)
    y, x, base, order = own.change, own.covariate, own.baseline, own.order
    adjusted = "adjusted for baseline value" + (" and order" if order else "")
    plain = "slope, adjusted for order" if order else "slope, unadjusted"
    found: list[tuple[float, ...]] = [(math.nan,) * 5] * 3
    meaning, of_slope = [_meaning(covariate, nights, contrast)], ""
    if not own.reason:
        draws, seed, level = settings.moderator_permutations, settings.flip_seed, settings.confidence
        ranks = [stats.rankdata(values) for values in (y, x, base)]
        found = [
            partial_slope(y, x, [base, *order], draws, seed, level),
            _rank_correlation(ranks, order, draws, seed, level),
            partial_slope(y, x, order, draws, seed, level),
        ]
        if (found[0][3] <= 0.05) != (found[2][3] <= 0.05):
            meaning.insert(0, "with and without the baseline value do not agree")
        ln = "ln " if points["scale"].iloc[0] == "ratio" else ""
        of_slope = f"{ln}change per unit of {covariate.name}; per SD {found[0][0] * float(x.std(ddof=1)):+.3g}"
    told = f"left out: {own.without} without {covariate.name} in the {covariate.condition(contrast)} nights"
    about = [own.reason, *meaning, told if own.without else ""]
    common = {key: points[key].iloc[0] for key in MODERATORS.names[:6]}
    kinds = ((f"slope, {adjusted}", of_slope), (f"rank correlation, {adjusted}", ""), (plain, ""))
    for (method, first), (estimate, low, high, p, _) in zip(kinds, found, strict=True):
        interval = {"estimate": estimate, "ci_low": low, "ci_high": high, "p": p, "n": len(y)}
        yield common | interval | {"method": method, "note": "; ".join(text for text in (first, *about) if text)}


def _meaning(covariate: Covariate, nights: pd.DataFrame, contrast: Contrast) -> str:
    """What a relation could not say."""
    if covariate.is_outcome:
        return "an outcome: association only, no mediation"
    if parallel_arms(nights):
        return f"within those who had {contrast.treatment}: prognosis, not whether the effect of the drug depends on it"
    return ""


def _rank_correlation(
    ranks: list[Floats], others: list[Floats], draws: int, seed: int, level: float
) -> tuple[float, ...]:
    """Partial Spearman correlation; interval by Fisher's z with the variance of Bonett & Wright 2000."""
    y, x, base = ranks
    _, _, _, p, t = partial_slope(y, x, [base, *others], draws, seed)
    if not math.isfinite(t):
        return (math.nan,) * 5
    df = len(y) - 3 - len(others)
    r = t / math.sqrt(t**2 + df)
    half = stats.norm.ppf((1 + level) / 2) * math.sqrt((1 + r**2 / 2) / max(df - 1, 1))
    z = math.atanh(max(min(r, 1 - 1e-12), -1 + 1e-12))
    return r, math.tanh(z - half), math.tanh(z + half), p, t
