"""Does one treatment do what another does, marker by marker?

A treatment's profile is the vector of its standardised changes, mean change / SD between nights, over the headline
markers and windows, and minutes of N3, latency and density of REM sleep over the night: differences, which have no unit
either once standardised. Two profiles are compared by the cosine of their angle: 1 the same pattern, 0 unrelated, -1
the opposite, however strong each is.

The plain cosine of two mean vectors is biased twice: noise lengthens both vectors, which pulls it to 0, and both
treatments are compared with the same nights, whose noise pulls it to 1 (to 0.5 without any effect). So dot products
are taken between different subjects only, sum over i != k of a_i . b_k / (n (n - 1)), which is unbiased: no two changes
in a product share a night.

What they would still share is what nights of that place do in every subject. After a first night with slow-wave
activity 20 % lower two inert drugs are related in 31-69 % of studies of 8-15 subjects. So changes are taken from the
control condition where there is one, the effect of the order is taken out of them, and where the nights that they are
taken from came first in all subjects nothing is concluded.

Whether two treatments are equivalent is asked of the difference between them, from which an effect of the order is
taken out by the design that their contrast would have. Where it leaves that effect open, a treatment 1.35 times the
other was found equivalent within 1.25 in 70 % of studies (always second, activity 14 % lower from night to night).
Nor is it asked where one has lost more subjects than the other: of two that differ by the margin 42 % were equivalent
where the largest 4 of 20 nights of one were lost.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from swa.comparison.arrays import Floats, Ints
from swa.comparison.compared_nights import find_baseline, is_adaptation
from swa.comparison.contrasts import contrast_designs, design_limits, subject_values
from swa.comparison.designs import ContrastDesign, find_designs
from swa.comparison.designs.base import in_both_orders
from swa.comparison.headline import leading_marker
from swa.comparison.linear import Fit, least_squares, spanning
from swa.comparison.losses import loss_of_equal
from swa.comparison.members import members_by, parallel_arms
from swa.comparison.sources import Source, nights_of
from swa.glossary import measures_in, read_glossary
from swa.settings import ComparisonSettings, Settings
from swa.tables import notes
from swa.tables.contrast import Contrast
from swa.tables.control_names import is_control
from swa.tables.design_limit import OF_THE_ORDER, DesignLimit
from swa.tables.marker import ALL, Marker, lead, select
from swa.tables.reason import Reason
from swa.tables.results_tables import PROFILES

FEWEST = 6
MEASURED_SHARE = 0.8  # of the subjects, below which a marker is left out of the profile


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """Two treatments: standardised changes of the subjects (subjects x markers), paired or not."""

    a: Floats
    b: Floats
    paired: bool
    markers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Similarity:
    """Cosine with interval, p against none, and the effective number of dimensions; NaN where it cannot be told."""

    cosine: float
    low: float
    high: float
    p: float
    dimensions: float


def compare_profiles(
    source: Source, baseline: str | None = None, *, nights: pd.DataFrame | None = None, settings: Settings | None = None
) -> pd.DataFrame:
    """Compare the profiles of each two treatments.

    Parameters
    ----------
    source, baseline, nights, settings
        As for `compare_nights`.

    Returns
    -------
    DataFrame
        The columns of ``profiles.tsv``. `similarity` is the cosine, `p` against unrelated profiles (cosine 0),
        `equivalence_p` that of two one-sided t tests that the two treatments' changes of the primary marker differ by
        less than the setting `equivalence_margin`, missing where the order of the nights or lost nights may hide a
        difference; `n` is the number of subjects (of the smaller treatment where they are not the same subjects).
    """
    settings = settings or Settings()
    known = nights_of(source, nights)
    base = find_baseline(known, settings.comparison, baseline)
    marker = leading_marker(source, known, settings.comparison)
    measures = [*dict.fromkeys((*settings.comparison.profile_measures, marker.measure))]
    values = subject_values(source, base, nights=nights, settings=settings, measures=measures)
    found = contrast_designs(source, base, nights=nights, settings=settings)
    designs = {(design.treatment, design.baseline): design for design in found if design.key.is_within}
    treatments = sorted({treatment for treatment, _ in designs if not is_control(treatment)})
    comparators = sorted({name for _, name in designs}, key=lambda name: (not is_control(name), name))
    pairs = [Contrast(treatment=a, comparator=b) for a, b in combinations(treatments, 2)]
    direct = {design.key: design for design in find_designs(known, pairs, settings.comparison) if design.key.is_within}
    limits = design_limits(known, [*direct.values()], settings.comparison, base)
    rows = []
    for pair in pairs:
        a, b = pair.conditions
        shared = [name for name in comparators if (a, name) in designs and (b, name) in designs]
        compared = [designs[name, base] for base in shared[:1] for name in (a, b)]
        own = [(design, select(values, contrast=design.contrast)) for design in compared]
        if own and all(len(changes) for _, changes in own):
            meant = [_meant_for(name, known) for name in (a, b)]
            row = _row(own, (direct[pair], limits[pair]), marker, settings.comparison, meant)
            rows.append({"treatment_a": a, "treatment_b": b, **row})
    asked = sum(math.isfinite(row["equivalence_p"]) for row in rows)
    for row in rows:
        if asked > 1 and math.isfinite(row["equivalence_p"]):
            row["note"] += f"; {notes.ONE_OF_PAIRS(n=asked).words}"
    return PROFILES.frame(rows)


def _meant_for(treatment: str, nights: pd.DataFrame) -> set[str]:
    """Subjects who were to have a treatment, by a night of it that is planned, or by the arm that was given it."""
    planned = nights[~is_adaptation(nights)]
    own = {str(name) for name in planned.loc[planned["condition"] == treatment, "subject"]}
    if not parallel_arms(nights):
        return own
    members = members_by("arm", nights)
    arms = {members[name] for name in own if name in members}
    return own | {name for name, arm in members.items() if len(arms) == 1 and arm in arms}


def similarity(profiles: Profiles, *, draws: int = 2000, seed: int = 0, confidence: float = 0.95) -> Similarity:
    """Cosine of two profiles, with a subject bootstrap and a test against unrelated profiles.

    p is twice the share of resamples on the other side of 0, so that it agrees with the interval. Flipping the signs
    of subjects (of their changes, or of jackknife pseudo-values of the dot product) is no such test: where both
    treatments act, on different markers, it finds orthogonal profiles related in 13 % (benchmarks/
    calibration_profiles.py), because markers that go up and down together bend both profiles at once.
    """
    a, b = profiles.a, profiles.b
    na, nb = len(a), len(b)
    correlated = np.corrcoef(np.concatenate([a - a.mean(axis=0), b - b.mean(axis=0)]), rowvar=False)
    values = np.linalg.eigvalsh(np.atleast_2d(correlated))
    dimensions = float(values.sum() ** 2 / (values**2).sum())
    cosine = float(_cosine(np.ones((1, na)), np.ones((1, nb)), profiles)[0])
    if min(na, nb) < FEWEST:
        return Similarity(cosine=cosine, low=math.nan, high=math.nan, p=math.nan, dimensions=dimensions)
    rng = np.random.default_rng(seed)
    wa = rng.multinomial(na, np.full(na, 1 / na), draws).astype(float)
    wb = wa if profiles.paired else rng.multinomial(nb, np.full(nb, 1 / nb), draws).astype(float)
    drawn = _cosine(wa, wb, profiles)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    # A resample whose vector has no length left has no angle: it could be any, so it counts for both ends.
    low = np.quantile(np.where(np.isnan(drawn), -1.0, drawn), tails[0])
    high = np.quantile(np.where(np.isnan(drawn), 1.0, drawn), tails[1])
    beyond = min(np.count_nonzero(~(drawn > 0)), np.count_nonzero(~(drawn < 0)))
    p = min(2 * (1 + beyond) / (draws + 1), 1.0)
    return Similarity(cosine=cosine, low=float(low), high=float(high), p=p, dimensions=dimensions)


def equivalence_p(sides: Sequence[Fit], margin: float) -> float:
    """Two one-sided t tests (Schuirmann 1987) that a mean difference lies within +- margin, of `mean_without_period`.

    Of one side, the differences within subjects; of two sides, other subjects each, their difference after Welch.
    """
    estimates, errors = zip(*(fit.combine(_intercept(fit)) for fit in sides), strict=True)
    mean = float(estimates[0][0] - sum(other[0] for other in estimates[1:]))
    variances = [float(error[0] ** 2) for error in errors]
    if not sum(variances) > 0:
        return math.nan
    df = sum(variances) ** 2 / sum(v**2 / fit.df[0] for v, fit in zip(variances, sides, strict=True))
    error = math.sqrt(sum(variances))
    return float(max(stats.t.sf((mean + margin) / error, df), stats.t.cdf((mean - margin) / error, df)))


def mean_without_period(changes: Floats, periods: Floats | None = None) -> Fit:
    """Mean of one change a subject as the first coefficient, less what `ContrastDesign.period_columns` tell of it."""
    columns = np.zeros((len(changes), 0)) if periods is None else periods
    there = np.asarray(np.isfinite(columns).all(axis=1))
    known = np.where(there, changes, np.nan)
    return least_squares(known[:, None], [np.ones(len(changes)), *spanning(columns, there).T])


def _intercept(fit: Fit) -> list[float]:
    return [1.0, *[0.0] * (fit.beta.shape[1] - 1)]


Treated = tuple[ContrastDesign, pd.DataFrame]  # a treatment: how it is compared, and the changes of its subjects
Direct = tuple[ContrastDesign, Collection[DesignLimit]]  # the contrast of two treatments, and what it leaves open


def _row(
    treated: Sequence[Treated],
    direct: Direct,
    marker: Marker,
    settings: ComparisonSettings,
    meant: Sequence[Collection[str]],
) -> dict[str, Any]:
    """What is said of two treatments."""
    (first, _), (second, _) = treated
    base = first.baseline
    profiles, reason = _profiles(treated, marker, settings)
    used = list(dict.fromkeys(measure for measure, _ in profiles.markers))
    windows = list(dict.fromkeys(window for _, window in profiles.markers))
    n = min(len(profiles.a), len(profiles.b))
    row: dict[str, Any] = {"measure set": f"{', '.join(used)} ({', '.join(windows)})" if used else "", "n": n}
    said = [f"changes from {base}", "the same subjects" if profiles.paired else "different subjects"]
    shared = _shared_place((first, second))
    reason = shared.words if shared else reason
    if not reason and n < FEWEST:
        reason = f"fewer than {FEWEST} subjects: nothing concluded"
    if reason:
        said.append(reason)
    else:
        found = similarity(profiles, seed=settings.flip_seed, confidence=settings.confidence)
        said.append(f"{len(profiles.markers)} markers, effective dimensions {found.dimensions:.1f}")
        if math.isfinite(found.cosine):
            row |= {"similarity": found.cosine, "ci_low": found.low, "ci_high": found.high, "p": found.p}
        else:
            said.append("no similarity: the profile of one of them is not longer than noise alone makes it")
        if not (first.sequence and second.sequence):
            said.append("the order of the nights is not known: taken as a random one")
    row["equivalence_p"], hidden = _equivalence(treated, direct, marker, settings, meant, paired=profiles.paired)
    said.append(hidden.words if hidden else _margin_words(marker, settings))
    return row | {"note": "; ".join(said)}


def _margin_words(marker: Marker, settings: ComparisonSettings) -> str:
    """Within what the two treatments are asked to be equivalent."""
    asked = f"{marker.measure} {marker.window}"
    if read_glossary()[marker.measure].scale == "ratio":
        return f"equivalence: {asked} within a factor of {settings.equivalence_margin:g}"
    return f"no equivalence: {asked} is compared by differences, the margin is a factor"


def _shared_place(designs: Sequence[ContrastDesign]) -> Reason | None:
    """Why what the compared nights share by their place among a subject's nights cannot be told from a likeness."""
    base = designs[0].baseline
    if all(in_both_orders(design.sequence) for design in designs):
        return None
    if is_control(base) and not any(design.sequence for design in designs):
        return None
    known = all(design.sequence for design in designs)
    return (notes.BASELINE_NOT_CROSSED if known else notes.BASELINE_MAY_BE_FIRST)(baseline=base)


def _hidden_difference(direct: Direct, designs: Sequence[ContrastDesign], *, paired: bool) -> Reason | None:
    """Why the order of the nights may hide a difference of two treatments, as their own contrast would say.

    That the nights which both are held against came first hides none: they cancel out of it.
    """
    design, limits = direct
    names = {"first": design.treatment, "second": design.baseline}
    if not paired:  # other subjects: the place is taken out where they are in all orders, or alike in both
        orders = {frozenset(own.sequence.values()) for own in designs}
        if all(in_both_orders(own.sequence) for own in designs):
            return None
        arms = all(notes.ONE_ARM.among(own.limits) for own in designs)
        known = arms or frozenset() not in orders
        if known and len(orders) == 1 and len(*orders) < 2:
            return None
        return (notes.ORDERS_HIDE_DIFFERENCE if known else notes.ORDER_MAY_HIDE_DIFFERENCE)(**names)
    if DesignLimit.UNKNOWN_ORDER in limits:
        return notes.ORDER_MAY_HIDE_DIFFERENCE(**names)
    # Nights set aside in one of the contrasts are in another: the changes would not be of the same nights.
    aside = any(own.aside for own in (design, *designs))
    apart = OF_THE_ORDER.isdisjoint(limits) and not design.why_untested and not aside
    return None if apart else notes.ORDERS_HIDE_DIFFERENCE(**names)


def _equivalence(
    treated: Sequence[Treated],
    direct: Direct,
    marker: Marker,
    settings: ComparisonSettings,
    meant: Sequence[Collection[str]],
    *,
    paired: bool,
) -> tuple[float, Reason | None]:
    """P that the changes of the marker differ by less than the margin, or why orders or losses forbid it.

    NaN where the marker is no ratio, or of too few.
    """
    rows, margin = [marker.select(own) for _, own in treated], math.log(settings.equivalence_margin)
    if {scale for own in rows for scale in own["scale"]} != {"ratio"}:
        return math.nan, None
    designs = [design for design, _ in treated]
    first, second = changes = [_ln(own).dropna() for own in rows]
    both = first.index.intersection(second.index)
    names = [design.treatment for design in designs]
    hidden = _hidden_difference(direct, designs, paired=paired)
    hidden = hidden or loss_of_equal(names, (first.index, second.index), meant, paired=paired)
    if hidden or (len(both) if paired else min(len(first), len(second))) < FEWEST:
        return math.nan, hidden
    if paired:
        changes, designs = [first[both] - second[both]], [direct[0]]
    sides = [
        mean_without_period(own.to_numpy(), design.period_columns(own.index))
        for own, design in zip(changes, designs, strict=True)
    ]
    if any(side.alike[0] for side in sides):  # of those who have this marker
        return math.nan, notes.ORDERS_HIDE_DIFFERENCE(first=direct[0].treatment, second=direct[0].baseline)
    return equivalence_p(sides, margin), None


def _profiles(treated: Sequence[Treated], marker: Marker, settings: ComparisonSettings) -> tuple[Profiles, str]:
    """Standardised changes of the subjects whom all markers were measured in."""
    first, second = (_wide(changes, marker, settings) for _, changes in treated)
    known = [key for key in first.columns if key in second.columns]
    known = [key for key in known if all(t[key].notna().mean() >= MEASURED_SHARE for t in (first, second))]
    first, second = first[known].dropna(), second[known].dropna()
    both = first.index.intersection(second.index)
    paired = len(both) >= max(2, min(len(first), len(second)) / 2)
    if paired:
        first, second = first.loc[both], second.loc[both]
    a, b = (_adjusted(table, design) for table, (design, _) in zip((first, second), treated, strict=True))
    if len(known) < 2 or min(len(a), len(b)) < 3:
        none = np.empty((0, 0))
        return Profiles(a=none, b=none, paired=paired, markers=()), "too few subjects or markers for a profile"
    return standardised(a, b, paired=paired, markers=[(str(key[0]), str(key[1])) for key in known]), ""


def _adjusted(changes: pd.DataFrame, design: ContrastDesign) -> Floats:
    orders = [design.sequence.get(str(name), 0) for name in changes.index]
    return without_order(changes.to_numpy(dtype=float), np.array(orders, dtype=np.int64))


def without_order(changes: Floats, orders: Ints) -> Floats:
    """Changes without what differs between the orders of the nights.

    Parameters
    ----------
    changes : array, shape (subjects, markers)
        Treatment less comparator.
    orders : array of int, shape (subjects,)
        1 where the comparator came first, -1 where the treatment did, 0 where that is not known.
    """
    means = [changes[orders == sign].mean(axis=0) for sign in (1, -1) if (orders == sign).any()]
    return changes - orders[:, None] * (means[0] - means[1]) / 2 if len(means) == 2 else changes


def standardised(a: Floats, b: Floats, *, paired: bool, markers: Sequence[tuple[str, str]]) -> Profiles:
    """Profiles of changes (subjects x markers) over the SD between nights, of the markers that vary."""
    freedom = len(a) + len(b) - 2
    variance = ((len(a) - 1) * a.var(axis=0, ddof=1) + (len(b) - 1) * b.var(axis=0, ddof=1)) / freedom / 2
    there = variance > 0
    sd = np.sqrt(variance[there])
    kept = tuple(key for key, keep in zip(markers, there, strict=True) if keep)
    return Profiles(a=a[:, there] / sd, b=b[:, there] / sd, paired=paired, markers=kept)


def _wide(changes: pd.DataFrame, marker: Marker, settings: ComparisonSettings) -> pd.DataFrame:
    """Changes of one treatment, subjects x (measure, window), at the marker's stages and channel.

    Sleep architecture is of the whole night, and where it leads the others are where a study leads with them.
    """
    place = marker if marker.channel != ALL else lead(None, changes)
    sleep = Marker("", "any", "night", ALL)
    columns = {
        (measure, window): _ln(at.at(measure=measure, window=window).select(changes))
        for measure in settings.profile_measures
        for at in (sleep if measure in measures_in("architecture") else place,)
        for window in ((at.window,) if at is sleep else settings.secondary_windows)
    }
    return pd.DataFrame({key: change for key, change in columns.items() if len(change)})


def _ln(rows: pd.DataFrame) -> pd.Series:
    change = rows.set_index("subject")["change"].astype(float)
    return change.apply(np.log) if len(rows) and rows["scale"].iloc[0] == "ratio" else change


def _dot(wa: Floats, wb: Floats, a: Floats, b: Floats, *, paired: bool) -> Floats:
    """Weighted mean of a_i . b_k over different subjects; a subject drawn twice is one subject still."""
    total = np.einsum("rd,rd->r", wa @ a, wb @ b)
    weight = wa.sum(axis=1) * wb.sum(axis=1)
    if paired:
        total = total - (wa * wb) @ np.einsum("id,id->i", a, b)
        weight = weight - (wa * wb).sum(axis=1)
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1), np.nan)


def _cosine(wa: Floats, wb: Floats, profiles: Profiles) -> Floats:
    a, b = profiles.a, profiles.b
    lengths = _dot(wa, wa, a, a, paired=True), _dot(wb, wb, b, b, paired=True)
    dot = _dot(wa, wb, a, b, paired=profiles.paired)
    with np.errstate(invalid="ignore"):
        usable = (lengths[0] > 0) & (lengths[1] > 0)
        cosine = dot / np.sqrt(np.where(usable, lengths[0] * lengths[1], np.nan))
    return np.clip(cosine, -1, 1)
