"""The primary contrast under every other choice that could have been defended, as one curve.

A *specification* is one set of choices: channel or region, stages, window, band or selection of waves, estimator,
artefact limits (Simonsohn, Simmons & Nelson 2020, Nat Hum Behav 4:1208). Each is analysed as the contrasts are; none is
a test of its own, since all rest on the same nights. Only the curve as a whole has a p: the median estimate under sign
flips of the subjects' changes (in a crossover under permutations of the order), the same flips for all specifications.

Choices that ask another question stand in curves of their own: power, density, amplitude and slope of waves.
"""

import math
from collections.abc import Iterator
from dataclasses import astuple, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from swa.comparison.arrays import Bools, Floats
from swa.comparison.compared_nights import find_baseline
from swa.comparison.contrasts import group_outcomes
from swa.comparison.designs import ContrastDesign
from swa.comparison.designs.crossover import all_orders
from swa.comparison.group import subset_sums
from swa.comparison.headline import leading_marker
from swa.comparison.outcomes import Outcome
from swa.comparison.primary import declared_primary
from swa.comparison.sources import Source, measure_rows, nights_of
from swa.comparison.within_subject import Changes
from swa.recordings.channels import region
from swa.settings import ComparisonSettings, Settings
from swa.study.respecification import ALL_HALFWAVES, band_name, presets_left_out
from swa.tables.marker import REGIONS, Marker, matches, windows_of_kind
from swa.tables.results_tables import MEASURES, SPECIFICATION_SUMMARY, SPECIFICATIONS
from swa.tables.schema import Table
from swa.tables.variant import CHOICE_FIELDS, IN_USE, Choices

CHOICES = ["channel", "stages", "window", "band", "estimator", "selection", "artefacts"]
MOST_CHANNELS = 6
MOST_FLIPS = 8192  # of all subjects together: 2^13; beyond, as many are drawn
FLIPS_AT_ONCE = 512
DEPENDENT = "all rest on the same nights and are not independent; p is of the whole curve, one each has none"
DEFAULT_MEASURES = {
    "swa": "swa",
    "wave_density": "wave_density",
    "wave_amplitude": "wave_amplitude_p90",
    "wave_slope": "wave_slope_up_matched",
}
# Measures of the long table by curve, with the estimator that they are; band and selection follow from the settings.
ESTIMATORS: dict[str, dict[tuple[str, str], str]] = {
    "swa": {("swa", ""): "mean", ("delta_power", ""): "mean", ("swa_relative", ""): "relative"},
    "wave_density": {("wave_density", ""): "", ("wave_density_baseline_fixed", ""): ""},
    "wave_amplitude": {
        ("wave_amplitude_p90", ""): "percentile 90",
        ("wave_negative_amplitude", ""): "mean negative peak",
        ("wave_peak_to_peak", ""): "mean peak-to-peak",
    },
    "wave_slope": {
        ("wave_slope_up", ""): "mean slope up",
        ("wave_slope_down", ""): "mean slope down",
        ("wave_slope_up_matched", ""): "slope up at equal amplitude, line",
        ("wave_slope_up_matched", "resampled"): "slope up at equal amplitude, resampled",
        ("wave_slope_down_matched", ""): "slope down at equal amplitude, line",
        ("wave_slope_down_matched", "resampled"): "slope down at equal amplitude, resampled",
    },
}
SELECTIONS = {
    "wave_density_baseline_fixed": "above the baseline's percentile 90",
    "wave_amplitude_p90": ALL_HALFWAVES,
    "wave_slope_up_matched": "negative peak of the limit or more",
    "wave_slope_down_matched": "negative peak of the limit or more",
}
WAVE_CURVES = ("wave_density", "wave_amplitude", "wave_slope")


def trace_specifications(
    source: Source,
    respecified: pd.DataFrame | None = None,
    baseline: str | None = None,
    *,
    nights: pd.DataFrame | None = None,
    settings: Settings | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every specification of the primary contrast, and what the curves say as a whole.

    Parameters
    ----------
    source, baseline, nights, settings
        As for `compare_nights`.
    respecified : DataFrame, optional
        Rows of `swa.study.respecification.respecify_subject` of all subjects; without them only the choices that the
        long table holds are there.

    Returns
    -------
    specifications : DataFrame
        The columns of ``specifications.tsv``, one row a specification. `curve`: which question (``swa``,
        ``wave_density``, ``wave_amplitude``, ``wave_slope``, or the primary measure's name). `band`, `estimator`,
        `selection` (of waves) and `artefacts` (limits) are the choices beside channel, stages and window. `estimate`,
        `ci_low`, `ci_high`, `p`, `n`, `method`, `note`: as in ``contrasts.tsv``. `role`: ``primary`` where it was
        declared, ``reference`` for the specification that a curve is held against otherwise, else ``alternative``.
        `differs`: choices in which it differs from that one.
    summary : DataFrame
        The columns of ``specification_summary.tsv``, one row a contrast and curve. `same_sign_share`: share of the
        estimated specifications on the reference's side of no change; `excluding_none_share`: of those whose interval
        lies on that side; `p`: of the median estimate, two-sided, under flips of subjects.

    Raises
    ------
    StudyError
        There is no baseline among the conditions.
    """
    settings = settings or Settings()
    known = nights_of(source, nights)
    base = find_baseline(known, settings.comparison, baseline)
    primary = leading_marker(source, known, settings.comparison)
    is_declared = declared_primary(known, settings.comparison) is not None
    rows = _rows(source, respecified, primary, settings)
    parts, summaries = [], []
    for design, changes, outcome in group_outcomes(rows, base, nights=known, settings=settings) if len(rows) else ():
        table = _specifications(design, changes, outcome, settings)
        reference = _reference(table, primary, settings)
        role = "primary" if is_declared and _curve(primary.measure) == changes.grid.measure else "reference"
        table["role"] = np.where(np.arange(len(table)) == reference, role, "alternative")
        table["differs"] = _count_differences(table, reference)
        parts.append(table)
        summaries.append(_summary(table, reference, design, changes, settings))
    specifications = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return (
        _sorted(specifications, primary, SPECIFICATIONS),
        _sorted(pd.DataFrame(summaries), primary, SPECIFICATION_SUMMARY),
    )


def _curve(measure: str) -> str:
    """Curve that a measure belongs to; its own where it has no other."""
    return next((curve for curve, members in ESTIMATORS.items() if measure in {name for name, _ in members}), measure)


def _rows(source: Source, respecified: pd.DataFrame | None, primary: Marker, settings: Settings) -> pd.DataFrame:
    """Values of every night under every choice, as a long table whose measures are the curves."""
    curves: dict[str, dict[tuple[str, str], str]] = dict(ESTIMATORS)
    if _curve(primary.measure) not in curves:
        curves[primary.measure] = {(primary.measure, ""): ""}
    channels = _channels(source, primary)
    parts = []
    for curve, members in curves.items():
        for measure in dict.fromkeys(name for name, _ in members):
            table = _shown(measure_rows(source, measure), channels, primary, settings)
            for variant, part in table.groupby(table["variant"].astype(str), observed=True):
                if (measure, variant) in members:
                    parts.append(_stored(part, curve, _choices(measure, members[measure, variant], settings)))
    if respecified is not None and len(respecified):
        parts.append(_shown(respecified, channels, primary, settings)[MEASURES.names])
    return pd.concat(parts, ignore_index=True) if parts else MEASURES.empty()


def _stored(rows: pd.DataFrame, curve: str, choices: Choices) -> pd.DataFrame:
    """Rows of the long table as rows of a curve."""
    free = matches(rows, stages="any") & windows_of_kind(rows["window"], "first").to_numpy(dtype=bool)
    table = rows.assign(measure=curve, variant=np.where(free, _stage_free(choices).encode(), choices.encode()))
    return table[MEASURES.names].astype(dict.fromkeys(("subject", "session", "channel", "stages", "window"), "object"))


def _choices(measure: str, estimator: str, settings: Settings) -> Choices:
    """Choices behind a measure of the long table."""
    power = settings.power
    bands = {"swa": power.swa_hz, "delta_power": power.delta_hz, "swa_relative": power.swa_hz}
    own = settings.waves.name if _curve(measure) in WAVE_CURVES else ""
    return Choices(
        measure=measure,
        band=band_name(bands[measure]) if measure in bands else "",
        estimator=estimator,
        selection=SELECTIONS.get(measure, own),
    )


def _stage_free(choices: Choices) -> Choices:
    """The same in stage-free stretches, which have medians over epochs for means."""
    return replace(choices, estimator="median") if choices.estimator == "mean" else choices


def _channels(source: Source, primary: Marker) -> list[str]:
    """The primary's channel, the regions, and single channels, those of the region first."""
    rows = measure_rows(source, primary.measure)
    there = sorted({str(name) for name in rows["channel"].unique()})
    place = {name: region(name) for name in there if name not in REGIONS and "/" not in name}
    members = list(place.values())
    # The only channel of a region is that region: as a second specification it would count twice.
    single = [name for name in place if not (place[name] in there and members.count(place[name]) == 1)]
    single.sort(key=lambda name: place[name] != primary.channel)
    found = dict.fromkeys([primary.channel, *(name for name in REGIONS if name in there), *single])
    return list(found)[:MOST_CHANNELS]


def _shown(rows: pd.DataFrame, channels: list[str], primary: Marker, settings: Settings) -> pd.DataFrame:
    """Rows of the channels, stages and windows of the curve."""
    several = matches(
        rows, window={*settings.comparison.secondary_windows, primary.window}, stages={"NREM", primary.stages}
    )
    single = matches(rows, window={"night", primary.window}, stages=("N2", "N3"))
    free = matches(rows, stages="any") & windows_of_kind(rows["window"], "first").to_numpy(dtype=bool)
    kept: Bools = (several | single | free) & matches(rows, channel=channels)
    return rows[kept]


def _specifications(design: ContrastDesign, changes: Changes, outcome: Outcome, settings: Settings) -> pd.DataFrame:
    there = np.asarray(changes.present.any(axis=0))
    table = design.rows(changes, outcome, there, settings.comparison)
    table[list(CHOICE_FIELDS)] = [astuple(Choices.decode(variant)) for variant in table["variant"]]
    table.insert(0, "curve", changes.grid.measure)
    table["marker"] = np.flatnonzero(there)  # column of the changes
    return table


def _reference(table: pd.DataFrame, primary: Marker, settings: Settings) -> int:
    """Position of the row that the curve is held against: the primary, else its counterpart; -1 without one."""
    curve = str(table["curve"].iloc[0])
    measure = primary.measure if _curve(primary.measure) == curve else DEFAULT_MEASURES[curve]
    choices = _choices(measure, ESTIMATORS.get(curve, {}).get((measure, ""), ""), settings)
    for stages, window in ((primary.stages, primary.window), ("NREM", primary.window), ("NREM", "night")):
        for own in (choices, _stage_free(choices)):
            place = {"channel": primary.channel, "stages": stages, "window": window}
            found = np.flatnonzero(matches(table, variant=own.encode(), **place))
            if len(found):
                return int(found[0])
    return -1


def _count_differences(table: pd.DataFrame, reference: int) -> npt.NDArray[np.int64]:
    if reference < 0:
        return np.full(len(table), -1)
    return np.asarray((table[CHOICES] != table[CHOICES].iloc[reference]).sum(axis=1), dtype=np.int64)


def _summary(
    table: pd.DataFrame, reference: int, design: ContrastDesign, changes: Changes, settings: Settings
) -> dict[str, object]:
    none = 1.0 if changes.grid.scale == "ratio" else 0.0
    estimate, low, high = (table[name].to_numpy(dtype=float) for name in ("estimate", "ci_low", "ci_high"))
    known = np.isfinite(estimate)
    held = float(estimate[reference]) if reference >= 0 else math.nan
    side = np.sign(held - none)
    shared = known.any() and side in (-1, 1)
    excluding = np.where(side > 0, low > none, high < none)
    p, method, n = curve_test(changes, design, table["marker"].to_numpy(dtype=np.int64)[known], settings.comparison)
    if math.isnan(p) and known.any():  # of arms both count
        n = int(table["n"][known].max())
    return {
        "contrast": design.contrast,
        "curve": changes.grid.measure,
        "reference": describe_choices(table.iloc[reference]) if reference >= 0 else "",
        "scale": changes.grid.scale,
        "reference_estimate": held,
        "lowest": estimate[known].min() if known.any() else math.nan,
        "median": _median(estimate[known], changes.grid.scale),
        "highest": estimate[known].max() if known.any() else math.nan,
        "same_sign_share": float((np.sign(estimate[known] - none) == side).mean()) if shared else math.nan,
        "excluding_none_share": float(excluding[known].mean()) if shared else math.nan,
        "n_specifications": len(table),
        "n_estimated": int(known.sum()),
        "n": n,
        "p": p,
        "method": method,
        "note": "; ".join(_summary_notes(changes.grid.measure, settings)),
    }


def _median(estimates: Floats, scale: str) -> float:
    if not len(estimates):
        return math.nan
    return float(np.exp(np.median(np.log(estimates)))) if scale == "ratio" else float(np.median(estimates))


def _summary_notes(curve: str, settings: Settings) -> Iterator[str]:
    yield DEPENDENT
    yield "references other than the recorded derivation need the recordings"
    if curve == "swa":
        yield "relative power asks another question: what raises the whole spectrum cancels"
    if curve in ("wave_amplitude", "wave_slope"):
        yield "means over waves that a limit selected are truncated"
    if curve in WAVE_CURVES:
        left_out = "; ".join(f"{name} ({why})" for name, why in presets_left_out(settings.waves).items())
        yield f"presets that the stored half-waves of {settings.waves.name} cannot give: {left_out}"


def describe_choices(row: pd.Series) -> str:
    """A specification in words, its default artefact limits left out."""
    words = [str(row[name]) for name in ("measure", *CHOICES) if row[name] and row[name] != IN_USE]
    return ", ".join(words)


def curve_test(
    changes: Changes, design: ContrastDesign, markers: npt.NDArray[np.int64], settings: ComparisonSettings
) -> tuple[float, str, int]:
    """P of the median estimate over a curve's specifications, the same flips of subjects for all of them.

    Parameters
    ----------
    changes : Changes
        The curve in one contrast, its specifications as markers.
    design : ContrastDesign
        Paired: the signs of subjects are flipped. Crossover: the orders of subjects are permuted. Others have no test.
    markers : array of int
        Columns with an estimate.
    settings : ComparisonSettings
        Draws and seed, where there are too many flips to go through.

    Returns
    -------
    p : float
        Two-sided: share of the flips whose median lies as far from no change; NaN without a test.
    method : str
        How, or why not.
    n : int
        Subjects.
    """
    values = changes.change[:, markers]
    sequence = design.orders_in(changes)
    crossed = design.permutes_estimate and design.permutation == "permuted sequences"
    rows = np.isfinite(values).any(axis=1) & ((sequence != 0) | (not crossed))
    values, n = values[rows], int(rows.sum())
    if not design.permutes_estimate or not design.tested:
        return math.nan, f"no test of the curve in this design ({design.kind})", n
    if n < 3 or not values.shape[1]:
        return math.nan, "too few subjects for a test of the curve", n
    rng = np.random.default_rng(settings.flip_seed)
    if crossed:
        order = sequence[rows].astype(float)
        medians, exact = _under_orders(values * order[:, None], order, rng)  # second period less first
        kind, smallest = "orders permuted", 1 / math.comb(n, int((order > 0).sum()))
    else:
        medians, exact = _under_flips(values, rng)
        kind, smallest = "sign flips", 2 / 2**n
    observed = abs(medians[0])
    reached = np.abs(medians) >= observed - 1e-12 * max(observed, 1.0)
    method = f"{kind}, exact, smallest reachable p {smallest:.3g}" if exact else f"{len(medians)} {kind}"
    return float(reached.mean()), f"median over specifications, {method}", n


def _under_flips(values: Floats, rng: np.random.Generator) -> tuple[Floats, bool]:
    """Medians under flips of the subjects' signs, as they are first: one of each mirrored pair, equally far from 0."""
    n, known = len(values), np.isfinite(values)
    filled, counts = np.where(known, values, 0.0), known.sum(axis=0)
    if 2**n <= MOST_FLIPS:
        flipped = subset_sums(filled)[0][:, : 2 ** (n - 1)].T  # of the subjects whose sign changes, never the last
        return np.median((filled.sum(axis=0) - 2 * flipped) / counts, axis=1), True
    signs = rng.choice([-1.0, 1.0], size=(MOST_FLIPS, n))
    signs[0] = 1.0
    parts = np.array_split(signs, MOST_FLIPS // FLIPS_AT_ONCE)
    return np.concatenate([np.median(part @ filled / counts, axis=1) for part in parts]), False


def _under_orders(differences: Floats, order: Floats, rng: np.random.Generator) -> tuple[Floats, bool]:
    """Medians of half the difference between sequences under permutations of them, the true one first."""
    n, first = len(order), int((order > 0).sum())
    exact = math.comb(n, first) <= MOST_FLIPS
    if exact:
        labels, differences = all_orders(n, first) > 0, differences[np.argsort(-order, kind="stable")]
    else:
        labels = np.array([order, *(rng.permutation(order) for _ in range(MOST_FLIPS - 1))]) > 0
    known = np.isfinite(differences).astype(float)
    filled = np.where(known > 0, differences, 0.0)
    found = []
    for part in np.array_split(labels.astype(float), max(1, len(labels) // FLIPS_AT_ONCE)):
        with np.errstate(invalid="ignore"):
            one, other = (side @ filled / np.where(side @ known > 0, side @ known, np.nan) for side in (part, 1 - part))
        found.append(np.nanmedian((one - other) / 2, axis=1))
    return np.concatenate(found), exact


def _sorted(table: pd.DataFrame, primary: Marker, kind: Table) -> pd.DataFrame:
    """The primary's curve first, in each the reference and then the specifications nearest to it."""
    if table.empty:
        return kind.empty()
    order = {name: i for i, name in enumerate(dict.fromkeys([_curve(primary.measure), *ESTIMATORS]))}
    table = table.assign(_curve=table["curve"].map(order))
    keys = ["contrast", "_curve", *(name for name in ("differs", "measure", *CHOICES) if name in kind.names)]
    return table.sort_values(keys, kind="stable", ignore_index=True)[kind.names]
