"""The one way from measures of nights to contrasts between conditions."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd

from swa.comparison.arrays import Bools
from swa.comparison.comparability import check_comparability
from swa.comparison.compared_nights import (
    COPIED,
    MOST_NAMED,
    find_baseline,
    planned_pairs,
    split_nights,
    text_column,
    usable_nights,
)
from swa.comparison.controls.registry import Record
from swa.comparison.designs import ContrastDesign, find_designs
from swa.comparison.designs.statement import find_limits
from swa.comparison.group import adjust_p, adjust_primary_p
from swa.comparison.losses import with_losses
from swa.comparison.members import unused_arms
from swa.comparison.outcomes import Outcome, limits_of_rows
from swa.comparison.primary import declared_primary, roles, with_absent_region
from swa.comparison.sources import (
    LongTable,
    Source,
    StoredMeasures,
    nights_of,
    open_source,
    require_same_conditions,
    rows_of_nights,
)
from swa.comparison.verdicts import doubt_of_orders, judge_contrasts, verdict_of_orders
from swa.comparison.within_subject import Changes, Grid, cell_keys, measure_grid, subject_rows
from swa.errors import StudyError
from swa.glossary import measures_that, read_glossary
from swa.settings import ComparisonSettings, Settings, given_or_default
from swa.study.store import Results
from swa.tables.contrast import GROUP, Contrast, contrasts_of
from swa.tables.design_limit import DesignLimit, encode_limits
from swa.tables.marker import DEFAULT_MARKER, Marker, leading_channel, matches
from swa.tables.results_tables import CONTRASTS, SUBJECT_VALUES

SORT_COLUMNS = ["contrast", "measure", "variant", "stages", "window", "channel"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Measures to compare, the nights they belong to (`used`: to a condition), and how they are compared."""

    measures: StoredMeasures
    nights: pd.DataFrame
    used: pd.DataFrame
    designs: tuple[ContrastDesign, ...]


def compare_nights(
    source: Source,
    baseline: str | None = None,
    *,
    nights: pd.DataFrame | None = None,
    contrast: str | None = None,
    settings: Settings | None = None,
) -> pd.DataFrame:
    """Compare every condition with the baseline, in each subject and over subjects.

    Parameters
    ----------
    source : Results, list of Night, or DataFrame
        Anything with `measures` and `nights`; nights with `measures`, `subject`, `session` and `condition`; or the
        long table of measures.
    baseline : str, optional
        The baseline condition; by default the first name of the setting `baseline` that is among the conditions.
    nights : DataFrame, optional
        The table of nights, where `source` does not carry it: status, adaptation, order, period, phase, arm, primary.
    contrast : str, optional
        Only this contrast, e.g. ``ketamine:placebo``; any two conditions, and then `baseline` has no say.
    settings : Settings, optional
        Level, stated reliability, declared primary, flips.

    Returns
    -------
    DataFrame
        The columns of ``contrasts.tsv``. Rows of `subject` ``group`` are over subjects (`n` subjects), the others are
        one subject's (`n` nights, no p). `estimate`, `ci_low` and `ci_high` are ratios where `scale` is ratio.
        p_adjusted is Benjamini-Hochberg within contrast and role; of the primary it is Holm's over the contrasts
        against the same comparator, and its own p where there is one.
        `verdict` and `verdict_reasons` are those of `swa.comparison.verdicts.judge_contrasts`: of a results folder with
        the checks of its stored nights, else by the column `verdict` of the nights, and empty where there is neither.
        `design_limit` is what the design leaves open, whatever the recordings are (`swa.tables.design_limit`).

    Raises
    ------
    StudyError
        No baseline among the conditions, a night that stands twice, conditions that differ by case alone, a subject
        called ``group``, nights of which the measures have none, a value that is no number, a declared primary that was
        not measured.

    Notes
    -----
    Roles: *primary* is the declared marker (``measure stages window channel``). *Secondary* are the settings'
    `secondary` measures, default variant, at the primary's stages and channel in `secondary_windows`. The rest is
    *exploratory*, and so is everything when nothing is declared.

    Examples
    --------
    Two nights of one subject, the second with the amplitude of the first times 1.2, so 1.44 times its power:

    >>> import mne, swa
    >>> hypnogram = swa.read_hypnogram("night.csv")
    >>> raw = mne.io.read_raw_edf("night.edf", include=["C4-M1"], preload=True, verbose="error")
    >>> louder = raw.copy().apply_function(lambda volt: 1.2 * volt, picks="all", verbose="error")
    >>> nights = [
    ...     swa.analyze_night(signal, hypnogram, subject="S01", condition=condition)
    ...     for signal, condition in ((raw, "placebo"), (louder, "ketamine"))
    ... ]
    >>> contrasts = swa.compare_nights(nights, baseline="placebo")
    >>> rows = contrasts.query("measure == 'swa' and stages == 'NREM' and window == 'cycle-1' and subject == 'S01'")
    >>> rows[["contrast", "scale", "estimate"]].round(2).values.tolist()
    [['ketamine:placebo', 'ratio', 1.44]]
    """
    settings = given_or_default(settings, Settings)
    source = open_source(source)
    known = nights_of(source, nights)
    table = measure_contrasts(source, baseline, nights=nights, contrast=contrast, settings=settings)
    if table.empty:
        _require_shared_nights(_plan(source, baseline, nights, contrast, settings.comparison))
    return judge_rows(source, table, _comparability(source, known, table, settings), known, settings)


def judge_rows(
    source: Source, contrasts: pd.DataFrame, records: Sequence[Record], nights: pd.DataFrame, settings: Settings
) -> pd.DataFrame:
    """Judge measured contrasts; rows over subjects also by what they are without the doubtful ones.

    Parameters
    ----------
    source, nights, settings
        As for `compare_nights`.
    contrasts : DataFrame
        From `measure_contrasts`.
    records : sequence of Record
        From `swa.comparison.comparability.check_comparability`.
    """

    def again(rows: pd.DataFrame) -> pd.DataFrame:
        return _without_doubtful(source, rows, contrasts_of(contrasts), nights, settings.comparison)

    return judge_contrasts(contrasts, records, nights, settings, again)


def _without_doubtful(
    source: Source,
    rows: pd.DataFrame,
    contrasts: Sequence[Contrast],
    nights: pd.DataFrame,
    settings: ComparisonSettings,
) -> pd.DataFrame:
    """Estimate, limits and n of rows over subjects once the subjects in `without` are left out, row by row."""
    used, before = split_nights(nights)
    pairs = [contrast for contrast in dict.fromkeys(contrasts) if contrast.is_within]
    plan = Plan(
        measures=open_source(source),
        nights=_with_those_before(used, before),
        used=used,
        designs=tuple(find_designs(nights, pairs, settings)),
    )
    keys = pd.Series(contrasts_of(rows), index=rows.index, dtype=object)
    found: dict[int, tuple[float, float, float, int]] = {}
    for design, changes in _each_change(plan, rows["measure"].unique()):
        own = rows[(keys == design.key) & (rows["measure"] == changes.grid.measure)]
        if own.empty:
            continue
        places = changes.grid.places(own)
        grid = changes.grid.without(places, own["without"].tolist())
        outcome = design.outcome(design.changes(grid), settings)
        shown = [changes.on_reported_scale(part) for part in (outcome.estimate, outcome.low, outcome.high)]
        found |= dict(zip(own["place"], zip(*shown, outcome.n, strict=True), strict=True))
    return pd.DataFrame([found[place] for place in rows["place"]], columns=["estimate", "ci_low", "ci_high", "n"])


def measure_contrasts(
    source: Source,
    baseline: str | None = None,
    *,
    nights: pd.DataFrame | None = None,
    contrast: str | Contrast | None = None,
    settings: Settings | None = None,
    on_fault: Callable[[str, Exception], None] | None = None,
) -> pd.DataFrame:
    """Contrasts as `compare_nights` gives them, before anybody judged them: without a verdict.

    `on_fault` is told which contrast of which measure could not be made, and why; without it, that ends all of them.
    """
    settings = given_or_default(settings, Settings)
    plan = _plan(source, baseline, nights, contrast, settings.comparison)
    primary = declared_primary(plan.used, settings.comparison)
    limits = design_limits(plan.used, plan.designs, settings.comparison, baseline)
    parts: list[pd.DataFrame] = []
    for design, changes in _each_change(plan):
        try:
            rows = _rows_of(design, changes, plan, primary, settings.comparison)
            parts += [_with_limits(part, limits[design.key]) for part in rows]
        except Exception as error:
            if on_fault is None:
                raise
            on_fault(f"the contrast {design.key.in_words} of {changes.grid.measure}", error)
        del changes  # those of a large study: not beside the rows of the next measure
    if not parts:
        return CONTRASTS.empty()
    table = with_absent_region(pd.concat(parts, ignore_index=True), primary)
    table["role"] = roles(table, primary, settings.comparison)
    table["p_adjusted"] = adjust_p(table["p"], table.groupby(["contrast", "role"]).ngroup())
    held = matches(table, role="primary", subject=GROUP)
    table.loc[held, "p_adjusted"] = adjust_primary_p(table.loc[held, "p"], contrasts_of(table[held]))
    table = table.assign(verdict="", verdict_reasons="", doubts="", _single=~matches(table, subject=GROUP))
    table = table.sort_values([*SORT_COLUMNS, "_single", "subject"], kind="stable", ignore_index=True)
    return CONTRASTS.typed(table)


def design_limits(
    nights: pd.DataFrame, designs: Sequence[ContrastDesign], settings: ComparisonSettings, baseline: str | None = None
) -> dict[Contrast, tuple[DesignLimit, ...]]:
    """What the design of each contrast leaves open; nights that name no baseline have contrasts without one."""
    base = ""
    with suppress(StudyError):
        base = find_baseline(nights, settings, baseline)
    return find_limits(nights, designs, base)


def _rows_of(
    design: ContrastDesign, changes: Changes, plan: Plan, primary: Marker | None, settings: ComparisonSettings
) -> list[pd.DataFrame]:
    """Rows of one contrast and measure: over subjects, and those of each subject."""
    outcome = with_losses(design, changes, design.outcome(changes, settings))
    within = design.key.is_within  # between arms and groups there is no change of one subject
    there = np.asarray(changes.present.any(axis=0) if within else np.isfinite(outcome.estimate))
    own = pd.Series(limits_of_rows(outcome), dtype=object)[there]
    rows = [design.rows(changes, outcome, there, settings).assign(design_limit=own.to_numpy())]
    if within:
        shown = _shown_for_subjects(changes.grid, plan, primary, settings)
        rows.append(subject_rows(changes.of_markers(shown), settings))
    return rows


def _with_limits(part: pd.DataFrame, limits: tuple[DesignLimit, ...]) -> pd.DataFrame:
    """Rows with the limits of their design, and their own."""
    own = part["design_limit"] if "design_limit" in part else [()] * len(part)
    return part.assign(design_limit=[encode_limits((*limits, *further)) for further in own])


def _shown_for_subjects(grid: Grid, plan: Plan, primary: Marker | None, settings: ComparisonSettings) -> Bools:
    """Markers with a row for each subject: all in a study of usual size, else the declared ones, at their channel.

    A row for each of 5,000 subjects and every marker would be tens of millions of rows that nobody reads.
    """
    markers = grid.markers.assign(measure=grid.measure)
    if len(plan.used) <= settings.full_subject_rows_nights:
        return np.ones(len(markers), dtype=bool)
    declared = (primary or DEFAULT_MARKER).spelled_as(markers)
    channel = leading_channel(markers["channel"].unique().tolist(), declared.channel)
    windows, measures = (*settings.secondary_windows, declared.window), (*settings.secondary, declared.measure)
    return matches(markers, variant="", stages=declared.stages, window=windows, measure=measures, channel=channel)


def _comparability(
    source: StoredMeasures, nights: pd.DataFrame, contrasts: pd.DataFrame, settings: Settings
) -> list[Record]:
    """What the stored nights of a results folder are held against each other by; nothing without such nights."""
    if not isinstance(source, Results) or not {"subject_label", "session_label"} <= set(nights):
        return []
    return check_comparability(source.path, nights, contrasts, settings)


def subject_values(
    source: Source,
    baseline: str | None = None,
    *,
    nights: pd.DataFrame | None = None,
    contrast: str | None = None,
    settings: Settings | None = None,
    measures: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Each subject's baseline and treatment value of every marker, as paired plots show them.

    Parameters
    ----------
    source, baseline, nights, contrast, settings
        As for `compare_nights`.
    measures : iterable of str, optional
        Only these measures.

    Returns
    -------
    DataFrame
        contrast, subject, channel, stages, window, measure, variant, baseline and treatment (means over nights,
        geometric where scale is ratio; NaN where not measured), n_baseline and n_treatment (nights that they rest
        on), scale, change (ratio or difference).
    """
    settings = given_or_default(settings, Settings)
    plan = _plan(source, baseline, nights, contrast, settings.comparison)
    parts = []
    for design, changes in _each_change(plan, measures):
        if not design.key.is_within:
            continue
        cell = np.nonzero(changes.present)
        part = cell_keys(changes, *cell) | {
            "baseline": changes.on_reported_scale(changes.baseline[cell]),
            "treatment": changes.on_reported_scale(changes.treatment[cell]),
            "n_baseline": changes.n_baseline[cell],
            "n_treatment": changes.n_treatment[cell],
            "change": changes.on_reported_scale(changes.change[cell]),
        }
        parts.append(pd.DataFrame({name: part[name] for name in SUBJECT_VALUES.names}))
    if not parts:
        return SUBJECT_VALUES.empty()
    return pd.concat(parts).sort_values([*SORT_COLUMNS, "subject"], kind="stable", ignore_index=True)


def group_outcomes(
    source: Source, baseline: str | None = None, *, nights: pd.DataFrame | None = None, settings: Settings | None = None
) -> Iterator[tuple[ContrastDesign, Changes, Outcome]]:
    """Changes within subjects and their test over subjects, measure by measure and contrast by contrast.

    Parameters
    ----------
    source, baseline, nights, settings
        As for `compare_nights`, which makes its rows of the same outcomes.
    """
    settings = given_or_default(settings, Settings)
    for design, changes in _each_change(_plan(source, baseline, nights, None, settings.comparison)):
        yield design, changes, design.outcome(changes, settings.comparison)


def contrast_designs(
    source: Source, baseline: str | None = None, *, nights: pd.DataFrame | None = None, settings: Settings | None = None
) -> tuple[ContrastDesign, ...]:
    """How each contrast is analysed, as the nights were understood; arguments as for `compare_nights`."""
    known, options = nights_of(source, nights), (settings or Settings()).comparison
    return tuple(find_designs(known, planned_pairs(known, options, baseline), options))


def planned_designs(nights: pd.DataFrame, settings: Settings | None = None) -> list[ContrastDesign]:
    """How each contrast of a study is analysed, by its table of nights alone.

    Parameters
    ----------
    nights : DataFrame
        Of the results folder, or as planned: subject, session, condition, and the columns of the design.
    settings : Settings, optional
        Names of the baseline, and the design where it is stated.

    Returns
    -------
    list of ContrastDesign
        Empty where no condition is a baseline, so that there is no contrast.
    """
    options = (settings or Settings()).comparison
    try:
        return find_designs(nights, planned_pairs(nights, options), options)
    except StudyError:
        return []


_NOBODY_HAS_BOTH = "; no subject has both conditions: give the nights of one person the same `subject`"


def state_designs(nights: pd.DataFrame, settings: Settings | None = None) -> list[str]:
    """Say how each contrast is analysed and on whom; arguments as for `planned_designs`."""
    designs = planned_designs(nights, settings)
    if not designs:
        return []
    used = usable_nights(nights)
    used = used[~used[COPIED]]
    conditions = nights.groupby("subject")["condition"].agg(set)
    there = used.groupby("subject")["condition"].agg(set)
    limits = design_limits(nights, designs, (settings or Settings()).comparison)
    with_all = _kinds_with_excluded(nights, settings)
    said = []
    for design in designs:
        both = {design.treatment, design.baseline}
        text = f"{design.key.in_words}: {design.state(used)}"
        text += "" if any(both <= own for own in conditions) else _NOBODY_HAS_BOTH
        doubt = doubt_of_orders(design.limits, limits[design.key], sum(both <= own for own in there))
        text += f"; {verdict_of_orders(doubt)} over subjects: {doubt.words}" if doubt else ""
        said.append(text + _without_exclusions(design, with_all))
    return said + unused_arms(used)


def _kinds_with_excluded(nights: pd.DataFrame, settings: Settings | None) -> dict[str, str]:
    """Design of each contrast if no night were excluded."""
    excluded = text_column(nights, "status") == "excluded"
    if not excluded.any():
        return {}
    status = nights["status"].astype(object).mask(excluded, "done")
    return {design.contrast: design.kind for design in planned_designs(nights.assign(status=status), settings)}


def _without_exclusions(design: ContrastDesign, with_all: Mapping[str, str]) -> str:
    other = with_all.get(design.contrast, design.kind)
    return "" if other == design.kind else f"; with the excluded nights it would be a {other}"


def _each_change(plan: Plan, measures: Iterable[str] | None = None) -> Iterator[tuple[ContrastDesign, Changes]]:
    wanted = None if measures is None else set(measures)
    # Measure by measure, so that the rows and matrices of one measure at a time are in memory.
    for measure in sorted(plan.measures.measure_names()):
        if not is_compared(measure) or (wanted is not None and measure not in wanted):
            continue
        rows = rows_of_nights(plan.measures.measure(measure), plan.nights)
        if measure in measures_that("shared_over_nights"):
            rows = rows[~matches(rows, variant="")]
        if rows.empty:
            continue
        grid = measure_grid(rows, plan.nights)
        entry = read_glossary().get(measure)
        if entry and entry.error in plan.measures.measure_names():
            grid = grid.with_errors(rows_of_nights(plan.measures.measure(entry.error), plan.nights))
        del rows
        yield from _changes_of(grid, plan.designs)
        del grid


def _changes_of(grid: Grid, designs: Sequence[ContrastDesign]) -> Iterator[tuple[ContrastDesign, Changes]]:
    """Changes of one measure, once for each pair of conditions, and freed with the last."""
    pairs: dict[tuple[str, str], Changes] = {}
    for design in designs:
        pair = (design.treatment, design.baseline)
        if pair not in pairs:
            pairs[pair] = design.changes(grid)
        yield design, pairs[pair]


def _plan(
    source: Source,
    baseline: str | None,
    nights: pd.DataFrame | None,
    contrast: str | Contrast | None,
    settings: ComparisonSettings,
) -> Plan:
    measures = open_source(source)
    nights = nights_of(measures, nights)
    if isinstance(measures, LongTable):
        require_same_conditions(measures.measures, nights)
    used, before = split_nights(nights)
    if contrast is None:
        pairs = planned_pairs(nights, settings, baseline)
    else:
        known = sorted(used["condition"].unique())
        pairs = [contrast if isinstance(contrast, Contrast) else Contrast.parse(contrast, known)]
    designs = find_designs(nights, pairs, settings)
    return Plan(measures=measures, nights=_with_those_before(used, before), used=used, designs=tuple(designs))


def _with_those_before(used: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    if before.empty:
        return used
    return pd.concat([used, before]).sort_values(["subject", "session"], kind="stable").reset_index(drop=True)


def is_compared(measure: str) -> bool:
    """Whether a measure is a marker; one that the glossary does not know is."""
    entry = read_glossary().get(measure)
    return entry is None or entry.compared


def _require_shared_nights(plan: Plan) -> None:
    """Refuse measures that have not one row of the nights: an empty table would read as nothing found."""
    rows = [plan.measures.measure(name) for name in plan.measures.measure_names()]
    if not rows or any(len(rows_of_nights(part, plan.nights)) for part in rows):
        return
    there = pd.concat([part[["subject", "session"]].drop_duplicates() for part in rows]).drop_duplicates()
    said = [
        ", ".join([f"{a}/{b}" for a, b in zip(table["subject"], table["session"], strict=True)][:MOST_NAMED])
        + (f" and {len(table) - MOST_NAMED} more" if len(table) > MOST_NAMED else "")
        for table in (plan.nights, there)
    ]
    raise StudyError(
        f"The measures have no row of the {len(plan.nights)} nights to compare ({said[0]}); they are of {said[1]}.",
        "Subject and session must be spelled alike in both tables.",
    )
