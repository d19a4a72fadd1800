"""Do two treatments add up? The interaction in studies with neither, one, the other and both of them.

both - one - other + neither, on the scale of comparison: for ratios the effect of both over the product of the two
effects, 1 where they add on the log scale, above where they do more. Within subjects each has one such value, tested as
a paired change is; where the places of the four nights are known and enough subjects are left for it, less the means of
the places, as a crossover takes out its periods. Between arms it is that term of an analysis of covariance on the
subject's own baseline, whose errors may differ between arms.

A row is no sounder than the contrasts of its conditions: it has the worst of their verdicts.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from swa.comparison.arrays import Bools, Floats
from swa.comparison.compared_nights import (
    TRUE_WORDS,
    find_baseline,
    place_of_nights,
    study_columns,
    text_column,
    usable_nights,
)
from swa.comparison.designs.base import UNEQUAL_ORDERS
from swa.comparison.designs.paired import Paired
from swa.comparison.group import FEWEST_TESTED, adjust_p, holm_p, paired_t
from swa.comparison.headline import leading_marker
from swa.comparison.linear import least_squares, t_interval, unequal_variances
from swa.comparison.primary import declared_primary, roles
from swa.comparison.sources import Source, measure_rows, nights_of, rows_of_nights
from swa.comparison.verdicts import RANK, SOUND, verdict_of_orders
from swa.comparison.within_subject import Changes, Grid, mean_over_nights, measure_grid, subject_changes
from swa.settings import ComparisonSettings, Settings
from swa.tables import doubts, notes
from swa.tables.contrast import GROUP, contrasts_of
from swa.tables.control_names import is_control
from swa.tables.marker import ALL_MINUTES, MARKER_COLUMNS, matches, select
from swa.tables.reason import Reason, decode, in_words
from swa.tables.results_tables import COMBINATIONS, INTERACTIONS

NEITHER, ONE, OTHER, BOTH = "neither", "one", "other", "both"
OF_SUBJECTS = (
    *("subjects", "n_baseline", "n_treatment", "baseline_nights", "treatment_nights", "present", "gap", "note_codes"),
    "both_copied",
)
PLACES = ("channel", "stages", "window")
ADDED = "added"  # what both would do if the two added up
FEWEST_FREE = 3  # degrees of freedom that the means of the places must leave
SIDES = {NEITHER: (-0.5, -0.5), ONE: (0.5, -0.5), OTHER: (-0.5, 0.5), BOTH: (0.5, 0.5)}


@dataclass(frozen=True, kw_only=True)
class Factorial:
    """Two treatments with the nights of each combination, `condition` being one of `SIDES`, or the baseline's own.

    `arms` are the combinations of subjects where each subject had one of them; empty within subjects. `conditions` are
    the four as the nights spell them.
    """

    first: str
    second: str
    nights: pd.DataFrame
    baseline: str = ""
    arms: Mapping[str, str]
    conditions: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Both together, as in the tables."""
        return f"{self.first}+{self.second}"


def compare_combinations(
    source: Source,
    baseline: str | None = None,
    *,
    nights: pd.DataFrame | None = None,
    settings: Settings | None = None,
    contrasts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Test whether two treatments add up, in studies with all four combinations of them.

    Parameters
    ----------
    source, baseline, nights, settings
        As for `compare_nights`; measures are the primary's and the secondary ones, at the primary's stages and channel.
    contrasts : DataFrame, optional
        Judged contrasts of the same nights, whose verdicts the rows inherit.

    Returns
    -------
    DataFrame
        The columns of ``interactions.tsv``; empty where the study does not have the four. `estimate` is the factor (or
        difference) by which both together do more than the two add up to.
    """
    settings = settings or Settings()
    known, options = nights_of(source, nights), settings.comparison
    parts = [_rows(study, grid, options, contrasts) for study, grid in _grids(source, known, baseline, options)]
    if not parts:
        return INTERACTIONS.empty()
    table = pd.concat(parts, ignore_index=True)
    primary = declared_primary(known, options)
    is_told = primary is not None and matches(table, **primary.spelled_as(table).columns).any()
    table["role"] = roles(table, primary, options) if is_told else "exploratory"
    own = (table["role"] == "primary").to_numpy()
    table["p_adjusted"] = adjust_p(table["p"].where(~own), table["contrast"])
    table.loc[own, "p_adjusted"] = holm_p(table.loc[own, "p"])
    return INTERACTIONS.typed(table)


def combination_values(
    source: Source, baseline: str | None = None, *, nights: pd.DataFrame | None = None, settings: Settings | None = None
) -> pd.DataFrame:
    """What each combination does to the leading marker, in each subject and on average, as a picture shows it.

    Parameters
    ----------
    source, baseline, nights, settings
        As for `compare_combinations`.

    Returns
    -------
    DataFrame
        The columns of ``combinations.tsv``: changes from the nights with neither, between arms from the baseline.
    """
    settings = settings or Settings()
    known, options = nights_of(source, nights), settings.comparison
    marker = leading_marker(source, known, options)
    parts = []
    for study, grid in _grids(source, known, baseline, options, marker.measure):
        changes = {
            cell: subject_changes(grid, cell, study.baseline if study.arms else NEITHER)
            for cell in SIDES
            if study.arms or cell != NEITHER
        }
        for place in np.flatnonzero(matches(grid.markers, window=marker.window)).tolist():
            parts += [part.assign(contrast=study.name) for part in _combined(changes, place, options.confidence)]
    return COMBINATIONS.typed(pd.concat(parts, ignore_index=True)) if parts else COMBINATIONS.empty()


def _combined(changes: Mapping[str, Changes], place: int, confidence: float) -> Iterator[pd.DataFrame]:
    """Rows of one marker: of each combination its subjects and their mean; within subjects what the two add up to."""
    values = {cell: pd.Series(own.change[:, place], index=own.subjects) for cell, own in changes.items()}
    if NEITHER not in values:
        values[ADDED] = values[ONE] + values[OTHER]
    grid = next(iter(changes.values())).grid
    key = {
        **{name: str(grid.markers[name].iloc[place]) for name in PLACES},
        "measure": grid.measure,
        "scale": grid.scale,
    }
    show = np.exp if grid.scale == "ratio" else np.asarray
    for cell, own in values.items():
        own = own.dropna()
        if own.empty:
            continue
        t = paired_t(own.to_numpy(), confidence)
        mean = pd.DataFrame({"subject": GROUP, "change": [float(own.mean())]})
        mean = mean.assign(ci_low=t.low, ci_high=t.high, n=len(own))
        each = pd.DataFrame({"subject": own.index, "change": own.to_numpy(), "n": 1}).assign(
            ci_low=np.nan, ci_high=np.nan
        )
        table = pd.concat([mean, each], ignore_index=True).assign(combination=cell, **key)
        yield table.assign(**{name: show(table[name].to_numpy(float)) for name in ("change", "ci_low", "ci_high")})


def _grids(
    source: Source, nights: pd.DataFrame, baseline: str | None, settings: ComparisonSettings, *measures: str
) -> Iterator[tuple[Factorial, Grid]]:
    """Each two treatments with the values of a measure, by default the primary's and the secondary ones."""
    marker = leading_marker(source, nights, settings)
    for study in find_factorials(nights, settings, baseline):
        for measure in dict.fromkeys(measures or (marker.measure, *settings.secondary)):
            rows = rows_of_nights(measure_rows(source, measure), study.nights)
            windows = (marker.window, *settings.secondary_windows)
            own = {"stages": marker.stages, "channel": marker.channel, "window": windows}
            rows = select(rows, **own, variant=["", ALL_MINUTES])
            if matches(rows, variant="").any():
                grid = measure_grid(rows, study.nights)
                columns = np.flatnonzero(matches(grid.markers, variant=""))
                yield study, grid.without(columns, [()] * len(columns))


def find_factorials(nights: pd.DataFrame, settings: ComparisonSettings, baseline: str | None = None) -> list[Factorial]:
    """Find two treatments with all combinations: by the columns `comparison.factors`, else by ``a+b`` of names."""
    used = usable_nights(nights)
    base = find_baseline(nights, settings, baseline)
    if settings.factors:
        factors = [name for stated in settings.factors for name in study_columns(used, [stated])]
        if len(factors) != 2:
            return []
        given = [text_column(used, name).str.casefold().isin(TRUE_WORDS) for name in factors]
        cells = pd.Series(np.array(list(SIDES))[given[0] + 2 * given[1]], index=used.index)
        names = settings.factors
        before = used["condition"] == base
        # A baseline beside nights with neither, as placebo, is what they are all compared with.
        found = [(names, cells.mask(before, base) if (cells[~before] == NEITHER).any() else cells)]
    else:
        found = list(_by_name(used["condition"], base))
    return [study for pair, cells in found if (study := _factorial(pair, used, cells, base))]


def _by_name(conditions: pd.Series, base: str) -> Iterator[tuple[tuple[str, str], pd.Series]]:
    names = list(conditions.unique())
    neither = next((name for name in names if is_control(name)), base)
    for name in sorted(names):
        parts = [part.strip() for part in name.split("+")]
        if len(parts) == 2 and set(parts) <= set(names) and neither not in parts:
            cells = {neither: NEITHER, parts[0]: ONE, parts[1]: OTHER, name: BOTH}
            yield (parts[0], parts[1]), conditions.map(lambda own, cells=cells: cells.get(own, own))


def _factorial(pair: Sequence[str], nights: pd.DataFrame, cells: pd.Series, base: str) -> Factorial | None:
    own = nights.assign(condition=cells)
    there = own[cells.isin(SIDES)].groupby("subject")["condition"].agg(set)
    first, second = pair
    names = frozenset(nights["condition"][cells.isin(SIDES)])
    if sum(set(SIDES) <= combinations for combinations in there) >= FEWEST_TESTED:
        return Factorial(first=first, second=second, nights=own, arms={}, conditions=names)
    arms = {str(name): next(iter(combinations)) for name, combinations in there.items() if len(combinations) == 1}
    if set(arms.values()) == set(SIDES) and base in set(cells):
        return Factorial(first=first, second=second, nights=own, baseline=base, arms=arms, conditions=names)
    return None


def _rows(study: Factorial, grid: Grid, settings: ComparisonSettings, contrasts: pd.DataFrame | None) -> pd.DataFrame:
    found = between_arms(study, grid, settings) if study.arms else within_subjects(grid, settings)
    show = np.exp if grid.scale == "ratio" else np.asarray
    table = grid.markers.assign(contrast=study.name, factor_a=study.first, factor_b=study.second)
    own = found.pop("doubt")
    table = table.assign(measure=grid.measure, scale=grid.scale).join(pd.DataFrame(found, index=table.index))
    judged = [_judge(row, study, contrasts, doubt) for row, doubt in zip(table.to_dict("records"), own, strict=True)]
    verdicts = dict(zip(("verdict", "verdict_reasons"), zip(*judged, strict=True), strict=True))
    shown = {name: show(table[name].to_numpy(float)) for name in ("estimate", "ci_low", "ci_high")}
    return table.assign(**shown, **verdicts)


def _judge(
    row: Mapping[Hashable, Any], study: Factorial, contrasts: pd.DataFrame | None, own: Reason | None
) -> tuple[str, str]:
    """Worst verdict of the contrasts that a row rests on, with their reasons; nothing where nobody judged them."""
    found: list[tuple[str, tuple[Reason, ...]]] = [(verdict_of_orders(own), (own,))] if own else []
    if contrasts is not None and len(contrasts):
        rows = select(contrasts, subject=GROUP, **{name: str(row[name]) for name in MARKER_COLUMNS})
        keys = pd.Series(contrasts_of(rows), index=rows.index, dtype=object)
        within = keys.map(lambda key: key.is_within)
        inside = within & keys.map(lambda key: study.conditions.issuperset(key.conditions))
        from_baseline = within & keys.map(lambda key: key.treatment in study.conditions)
        for place in rows.index[inside if inside.any() else from_baseline]:
            word, why = str(rows.loc[place, "verdict"]), decode(str(rows.loc[place, "doubts"] or ""))
            found.append((word, tuple(doubts.located(reason, contrast=keys[place].in_words) for reason in why)))
    found = [(word, why) for word, why in found if word in RANK]
    worst = max((word for word, _ in found), key=RANK.__getitem__, default="")
    return worst, in_words(dict.fromkeys(reason for word, why in found if word != SOUND for reason in why))


def within_subjects(grid: Grid, settings: ComparisonSettings) -> dict[str, Any]:
    """Each subject's effect of the first treatment with the second against its effect without: a paired change."""
    whole, alone = subject_changes(grid, BOTH, OTHER), subject_changes(grid, ONE, NEITHER)
    _, mine, theirs = np.intersect1d(whole.subjects, alone.subjects, return_indices=True)
    own = {name: getattr(whole, name)[mine] for name in OF_SUBJECTS}
    changes = replace(whole, **own | {"treatment": whole.change[mine], "baseline": alone.change[theirs]})
    outcome = Paired(treatment=BOTH, baseline=OTHER).outcome(changes, settings)
    signs = signs_by_place(grid.nights, changes.subjects)
    used = np.isfinite(changes.change)
    placed: Bools = np.asarray(np.isfinite(signs).all(axis=1))
    kinds = np.linalg.svd(np.where(placed[:, None], signs, 0), full_matrices=False)
    columns = [column for column, size in zip(kinds.U.T, kinds.S, strict=True) if size > 1e-9]
    fit = least_squares(changes.change, [np.ones(len(signs)), *columns])
    t, p, low, high = t_interval(*fit.combine([1, *[0] * len(columns)]), fit.df, settings.confidence)
    ordered = ~(used & ~placed[:, None]).any(axis=0)
    taken: Bools = np.asarray(ordered & bool(columns) & (fit.df >= FEWEST_FREE) & np.isfinite(t))
    reasons = [
        [notes.PERIODS_OUT(), notes.T_IS(df=int(fit.df[i]), t=float(t[i]))]
        if taken[i]
        else [*outcome.reasons[i], *([notes.PERIOD_NOT_REMOVED()] if placed.any() else [])]
        for i in range(len(taken))
    ]
    texts = np.array([notes.row_texts(found) for found in reasons], dtype=object).T
    return {
        "estimate": np.where(taken, fit.beta[:, 0], outcome.estimate),
        "ci_low": np.where(taken, low, outcome.low),
        "ci_high": np.where(taken, high, outcome.high),
        "p": np.where(taken, p, outcome.p),
        "n": outcome.n,
        "method": texts[0],
        "note": texts[1],
        "doubt": [None if out else _doubt_of_places(signs, who) for who, out in zip(used.T, taken, strict=True)],
    }


def _doubt_of_places(signs: Floats, used: Bools) -> Reason | None:
    """Why the places of the nights may make an interaction; those that are not known count as the worst they can be."""
    placed = used & np.isfinite(signs).all(axis=1)
    uneven = float(np.abs(signs[placed].sum(axis=0)).max(initial=0.0))
    unknown, allowed = int(np.sum(used & ~placed)), UNEQUAL_ORDERS * max(int(np.sum(used)), 1)
    if uneven >= allowed:
        return doubts.FOUR_ORDERS()
    return doubts.ORDER_OPEN() if uneven + unknown >= allowed else None


def signs_by_place(nights: pd.DataFrame, subjects: Sequence[str] | npt.NDArray[np.object_]) -> Floats:
    """How each place among a subject's four nights enters its interaction, +1 or -1; missing where it is not known.

    Parameters
    ----------
    nights : DataFrame
        With `SIDES` for conditions, and `period` or `order`.
    subjects : sequence of str
        Whose.
    """
    place = place_of_nights(nights).reindex(index=list(subjects), columns=list(SIDES))
    known = (place.nunique(axis=1) == len(SIDES)).to_numpy()
    rank = place[known].rank(axis=1).to_numpy(dtype=np.int64) - 1
    signs = np.full(place.shape, np.nan)
    own = np.empty(rank.shape)
    np.put_along_axis(own, rank, np.array([[4 * a * b for a, b in SIDES.values()]]), axis=1)
    signs[known] = own
    return signs


def between_arms(study: Factorial, grid: Grid, settings: ComparisonSettings) -> dict[str, Any]:
    """The interaction in an analysis of covariance on the baseline, over the four arms."""
    before, uncut = (mean_over_nights(own, study.baseline) for own in (grid, grid.over_all_minutes()))
    after, base, sides = [], [], []
    for arm, side in SIDES.items():
        there = mean_over_nights(grid, arm)
        _, mine, theirs = np.intersect1d(there.subjects, before.subjects, return_indices=True)
        # As between two arms: the change over common minutes, adjusted for the baseline over all its minutes.
        after.append(there.mean[mine] + (uncut.mean[theirs] - before.mean[theirs]))
        base.append(uncut.mean[theirs])
        sides += [side] * len(mine)
    y, x, (a, b) = np.concatenate(after), np.concatenate(base), np.array(sides).T
    known = np.isfinite(y) & np.isfinite(x)
    centre = np.where(known, x, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    fit = unequal_variances(y, [np.ones(len(y)), a, b, a * b, x - centre], [0, 0, 0, 1, 0])
    estimate, error, df, model = fit
    _, p, low, high = t_interval(estimate, error, df, settings.confidence)
    fewest = np.min([(known & ((a == one) & (b == two))[:, None]).sum(axis=0) for one, two in SIDES.values()], axis=0)
    hide = np.where((fewest >= FEWEST_TESTED) & (model.df > 0), 1.0, np.nan)
    return {
        "estimate": estimate * hide,
        "ci_low": low * hide,
        "ci_high": high * hide,
        "p": p * hide,
        "n": model.n,
        "method": "ANCOVA on baseline, four arms",
        "note": np.where(np.isfinite(hide), "", f"fewer than {FEWEST_TESTED} subjects in an arm: no test"),
        "doubt": [None] * len(estimate),
    }
