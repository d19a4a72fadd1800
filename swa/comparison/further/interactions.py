"""Do two treatments add up? The interaction in studies with neither, one, the other and both of them.

both - one - other + neither, on the scale of comparison: for ratios the effect of both over the product of the two
effects, 1 where they add on the log scale, above where they do more. Within subjects each has one such value, tested as
a paired change is. Between arms it is that term of an analysis of covariance on the subject's own baseline, whose
errors may differ between arms.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from swa.comparison.compared_nights import (
    TRUE_WORDS,
    find_baseline,
    is_control,
    study_columns,
    text_column,
    usable_nights,
)
from swa.comparison.designs.paired import Paired
from swa.comparison.group import FEWEST_TESTED, adjust_p
from swa.comparison.headline import leading_marker
from swa.comparison.linear import t_interval, unequal_variances
from swa.comparison.primary import declared_primary, roles
from swa.comparison.sources import Source, measure_rows, nights_of, rows_of_nights
from swa.comparison.within_subject import Grid, mean_over_nights, measure_grid, subject_changes
from swa.settings import ComparisonSettings, Settings
from swa.tables import notes
from swa.tables.marker import matches, select
from swa.tables.results_tables import INTERACTIONS

NEITHER, ONE, OTHER, BOTH = "neither", "one", "other", "both"
OF_SUBJECTS = (
    *("subjects", "n_baseline", "n_treatment", "baseline_nights", "treatment_nights", "present", "gap", "note_codes"),
    "both_copied",
)
SIDES = {NEITHER: (-0.5, -0.5), ONE: (0.5, -0.5), OTHER: (-0.5, 0.5), BOTH: (0.5, 0.5)}


@dataclass(frozen=True, kw_only=True)
class Factorial:
    """Two treatments with the nights of each combination, `condition` being one of `SIDES`, or the baseline's own.

    `arms` are the combinations of subjects where each subject had one of them; empty within subjects.
    """

    first: str
    second: str
    nights: pd.DataFrame
    baseline: str = ""
    arms: Mapping[str, str]

    @property
    def name(self) -> str:
        """Both together, as in the tables."""
        return f"{self.first}+{self.second}"


def compare_combinations(
    source: Source, baseline: str | None = None, *, nights: pd.DataFrame | None = None, settings: Settings | None = None
) -> pd.DataFrame:
    """Test whether two treatments add up, in studies with all four combinations of them.

    Parameters
    ----------
    source, baseline, nights, settings
        As for `compare_nights`; measures are the primary's and the secondary ones, at the primary's stages and channel.

    Returns
    -------
    DataFrame
        The columns of ``interactions.tsv``; empty where the study does not have the four. `estimate` is the factor (or
        difference) by which both together do more than the two add up to.
    """
    settings = settings or Settings()
    known = nights_of(source, nights)
    options = settings.comparison
    marker = leading_marker(source, known, options)
    parts = []
    for study in find_factorials(known, options, baseline):
        for measure in dict.fromkeys((marker.measure, *options.secondary)):
            rows = rows_of_nights(measure_rows(source, measure), study.nights)
            windows = (marker.window, *options.secondary_windows)
            rows = select(rows, stages=marker.stages, channel=marker.channel, variant="", window=windows)
            if len(rows):
                parts.append(_rows(study, measure_grid(rows, study.nights), options))
    if not parts:
        return INTERACTIONS.empty()
    table = pd.concat(parts, ignore_index=True)
    primary = declared_primary(known, options)
    is_told = primary is not None and matches(table, **primary.spelled_as(table).columns).any()
    table["role"] = roles(table, primary, options) if is_told else "exploratory"
    own = (table["role"] == "primary").to_numpy()
    table["p_adjusted"] = np.where(own, table["p"], adjust_p(table["p"].where(~own), table["contrast"]))
    return INTERACTIONS.typed(table.assign(verdict=""))


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
    if sum(set(SIDES) <= combinations for combinations in there) >= FEWEST_TESTED:
        return Factorial(first=first, second=second, nights=own, arms={})
    arms = {str(name): next(iter(combinations)) for name, combinations in there.items() if len(combinations) == 1}
    if set(arms.values()) == set(SIDES) and base in set(cells):
        return Factorial(first=first, second=second, nights=own, baseline=base, arms=arms)
    return None


def _rows(study: Factorial, grid: Grid, settings: ComparisonSettings) -> pd.DataFrame:
    found = between_arms(study, grid, settings) if study.arms else within_subjects(grid, settings)
    show = np.exp if grid.scale == "ratio" else np.asarray
    table = grid.markers.assign(contrast=study.name, factor_a=study.first, factor_b=study.second)
    table = table.assign(measure=grid.measure, scale=grid.scale).join(pd.DataFrame(found, index=table.index))
    return table.assign(**{name: show(table[name].to_numpy(float)) for name in ("estimate", "ci_low", "ci_high")})


def within_subjects(grid: Grid, settings: ComparisonSettings) -> dict[str, npt.ArrayLike]:
    """Each subject's effect of the first treatment with the second against its effect without: a paired change."""
    whole, alone = subject_changes(grid, BOTH, OTHER), subject_changes(grid, ONE, NEITHER)
    _, mine, theirs = np.intersect1d(whole.subjects, alone.subjects, return_indices=True)
    own = {name: getattr(whole, name)[mine] for name in OF_SUBJECTS}
    changes = replace(whole, **own | {"treatment": whole.change[mine], "baseline": alone.change[theirs]})
    outcome = Paired(treatment=BOTH, baseline=OTHER).outcome(changes, settings)
    texts = [notes.row_texts(reasons) for reasons in outcome.reasons]
    columns = dict(zip(notes.TEXT_COLUMNS, np.array(texts, dtype=object).T, strict=True))
    return {
        "estimate": outcome.estimate,
        "ci_low": outcome.low,
        "ci_high": outcome.high,
        "p": outcome.p,
        "n": outcome.n,
        "method": columns["method"],
        "note": columns["note"],
    }


def between_arms(study: Factorial, grid: Grid, settings: ComparisonSettings) -> dict[str, npt.ArrayLike]:
    """The interaction in an analysis of covariance on the baseline, over the four arms."""
    before = mean_over_nights(grid, study.baseline)
    after, base, sides = [], [], []
    for arm, side in SIDES.items():
        there = mean_over_nights(grid, arm)
        _, mine, theirs = np.intersect1d(there.subjects, before.subjects, return_indices=True)
        after.append(there.mean[mine])
        base.append(before.mean[theirs])
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
    }
