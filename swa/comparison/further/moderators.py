"""Does a covariate go with the change? Rank correlation and slope, adjusted for the marker's own baseline value.

The baseline value stands in the model, and so does the order of the conditions where it differs between subjects.
Adjusting has a price: a baseline night is level plus noise, so a covariate that goes with the subject's level (age,
with SWA) tells about the level beyond that one night, and seems to go with the change where it does not. With a
correlation of 0.5, ICC 0.76 and no moderation it is found in 7 %, 14 % and 18 % of studies of 12, 20 and 40 subjects
(benchmarks/calibration_profiles.py); the unadjusted slope, in 5 %, is not misled by it but by a response that depends
on the level. So both are reported, and a moderator is one that both agree on.

p is by permutation of residuals (Freedman & Lane 1983, J Bus Econ Stat 1:292) of the partial t. A covariate that is
itself an outcome (name ending in ``_change``) is an association with the change, never a mediation.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.compared_nights import night_order, parallel_arms, place_of_nights, usable_nights
from swa.comparison.contrasts import subject_values
from swa.comparison.group import adjust_p
from swa.comparison.linear import least_squares, t_interval
from swa.comparison.primary import declared_primary
from swa.comparison.sources import Source, nights_of
from swa.comparison.within_subject import Floats
from swa.settings import Settings
from swa.tables.marker import DEFAULT_MARKER, Marker, select

MODERATOR_COLUMNS = [
    *("contrast", "covariate", "channel", "stages", "window", "measure", "estimate", "ci_low", "ci_high"),
    *("p", "p_adjusted", "n", "method", "note"),
]
FEWEST = 8
# Columns of the study file that are no covariates of a person.
DESIGN_COLUMNS = (
    *("order", "period", "phase", "arm", "group", "adaptation", "session", "recording", "simulated"),
    *("infusion", "nights_since_dose"),
)
OUTCOME = "_change"


def relate_covariates(
    source: Source, baseline: str | None = None, *, nights: pd.DataFrame | None = None, settings: Settings | None = None
) -> pd.DataFrame:
    """Relate each numeric covariate of the study file to the change of the primary marker.

    Parameters
    ----------
    source, baseline, nights, settings
        As for `compare_nights`; the covariates are columns of the nights.

    Returns
    -------
    DataFrame
        The columns of ``moderators.tsv``; three rows for each contrast and covariate. ``slope``, adjusted and
        unadjusted: ln ratio (or difference) for one unit of the covariate. ``rank correlation``: partial Spearman,
        adjusted. p_adjusted is
        Benjamini-Hochberg over the covariates of a contrast and method. Fewer than 8 subjects: NaN, with the reason.
    """
    settings = settings or Settings()
    known = nights_of(source, nights)
    names = covariate_names(known, settings.comparison.covariates)
    marker = declared_primary(known, settings.comparison) or DEFAULT_MARKER
    values = (
        subject_values(source, baseline, nights=nights, settings=settings, measures=[marker.measure]) if names else None
    )
    if values is None or values.empty:
        return pd.DataFrame(columns=MODERATOR_COLUMNS)
    values = of_marker(values, marker)
    used = usable_nights(known)
    rows = []
    for contrast, part in values.groupby("contrast", sort=True):
        treatment, _, base = str(contrast).partition(":")
        for name in names:
            covariate = _covariate(used, name, treatment, base)
            rows += _rows(part, covariate, used, (treatment, base), name, settings)
    table = pd.DataFrame(rows, columns=MODERATOR_COLUMNS)
    table["p_adjusted"] = adjust_p(table["p"], table["contrast"] + " " + table["method"])
    return table


def covariate_names(nights: pd.DataFrame, stated: Sequence[str]) -> list[str]:
    """Name the numeric columns of the study file that differ between subjects, or the stated ones that there are."""
    columns = list(nights.columns)
    own = columns[: columns.index("status")] if "status" in columns else columns
    names = [name for name in own if name not in DESIGN_COLUMNS]
    found = []
    for name in names:
        numbers = pd.to_numeric(nights[name], errors="coerce")
        numeric = numbers.notna().sum() > 0 and (numbers.notna() == nights[name].notna()).all()
        if numeric and not pd.api.types.is_bool_dtype(nights[name]) and numbers.nunique() > 1:
            found.append(name)
    found = [name for name in found if name != "subject"]
    return [name for name in found if not stated or name in stated]


def of_marker(values: pd.DataFrame, marker: Marker) -> pd.DataFrame:
    """Rows of a marker, default variant; the first channel where its own is not there."""
    rows = select(values, **{name: text for name, text in marker.columns.items() if name != "channel"})
    own = rows[rows["channel"].str.casefold() == marker.channel.casefold()]
    return own if len(own) else rows[rows["channel"] == rows["channel"].min()]


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


def _covariate(nights: pd.DataFrame, name: str, treatment: str, baseline: str) -> pd.Series:
    """One value per subject: an outcome from the treatment nights, another covariate from the baseline nights.

    What is missing there stays missing: a value of another night may be one of after the drug.
    """
    value = pd.to_numeric(nights[name], errors="coerce")
    own = nights["condition"] == (treatment if name.endswith(OUTCOME) else baseline)
    return value[own].groupby(nights["subject"][own]).mean()


def _rows(
    part: pd.DataFrame,
    covariate: pd.Series,
    nights: pd.DataFrame,
    pair: tuple[str, str],
    name: str,
    settings: Settings,
) -> list[dict[str, object]]:
    scale = part["scale"].iloc[0]
    numbers = part.set_index("subject")[["change", "baseline"]].astype(float)
    if scale == "ratio":
        numbers = numbers.apply(np.log)
    changed = int(numbers["change"].notna().sum())
    numbers = numbers.assign(covariate=covariate.reindex(numbers.index)).dropna()
    without = changed - len(numbers)
    others = [numbers["baseline"].to_numpy()]
    with_order = min(night_order(nights[nights["condition"].isin(pair)], *pair)) > 1
    if with_order:
        place = place_of_nights(nights[nights["condition"].isin(pair)])
        step = (place[pair[0]] - place[pair[1]]).apply(np.sign).reindex(numbers.index)
        numbers = numbers[step.isin([1, -1])]
        others = [numbers["baseline"].to_numpy(), step[step.isin([1, -1])].to_numpy(dtype=float)]
    y, x = numbers["change"].to_numpy(), numbers["covariate"].to_numpy()
    reason = ""
    if len(y) < FEWEST:
        reason = f"fewer than {FEWEST} subjects with the covariate and a change: no test"
    elif np.ptp(x) == 0:
        reason = "the covariate is the same in every subject"
    told = f"left out: {without} without {name} in the {pair[0] if name.endswith(OUTCOME) else pair[1]} nights"
    if name.endswith(OUTCOME):
        meaning = "an outcome: association only, no mediation"
    elif parallel_arms(nights):
        meaning = f"within those who had {pair[0]}: prognosis, not whether the effect of the drug depends on it"
    else:
        meaning = ""
    adjusted = "baseline value" + (" and order" if with_order else "")
    draws, seed = settings.comparison.moderator_permutations, settings.comparison.flip_seed
    kinds = [f"slope, adjusted for {adjusted}", f"rank correlation, adjusted for {adjusted}"]
    kinds.append("slope, adjusted for order" if with_order else "slope, unadjusted")
    found: list[tuple[float, ...]] = [(math.nan,) * 5] * 3
    note = ""
    if not reason:
        ranks = [stats.rankdata(values) for values in (y, x, others[0])]
        level = settings.comparison.confidence
        found = [
            partial_slope(y, x, others, draws, seed, level),
            _rank_correlation(ranks, others[1:], draws, seed, level),
            partial_slope(y, x, others[1:], draws, seed, level),
        ]
        if (found[0][3] <= 0.05) != (found[2][3] <= 0.05):
            meaning = "; ".join(part for part in ("with and without the baseline value do not agree", meaning) if part)
        per_sd = found[0][0] * float(x.std(ddof=1))
        note = f"{'ln ' if scale == 'ratio' else ''}change per unit of {name}; per SD {per_sd:+.3g}"
    keys = ("contrast", "channel", "stages", "window", "measure")
    common: dict[str, object] = {key: part[key].iloc[0] for key in keys} | {"covariate": name}
    rows = []
    for kind, (estimate, low, high, p, _) in zip(kinds, found, strict=True):
        about = (note if kind.startswith("slope, adjusted for base") else "", reason, meaning, told if without else "")
        rows.append(
            common
            | {"estimate": estimate, "ci_low": low, "ci_high": high, "p": p, "n": len(y)}
            | {"method": kind, "note": "; ".join(text for text in about if text)}
        )
    return rows


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
