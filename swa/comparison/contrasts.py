"""The one way from measures of nights to contrasts between conditions."""

import dataclasses
import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from swa.comparison.comparability import check_comparability
from swa.comparison.controls.registry import Record
from swa.comparison.design import (
    COPIED,
    MOST_NAMED,
    find_condition,
    is_control,
    nights_before,
    text_column,
    usable_nights,
)
from swa.comparison.designs import ContrastDesign, find_designs, state_design, state_doses
from swa.comparison.group import Outcome, adjust_p, adjust_primary_p, group_rows
from swa.comparison.outcomes import over_subjects
from swa.comparison.verdicts import judge_contrasts
from swa.comparison.within_subject import Changes, Grid, cell_keys, measure_grid, subject_changes, subject_rows
from swa.errors import SettingsError, StudyError
from swa.glossary import measures_that, read_glossary
from swa.settings import AFTERWARDS, ComparisonSettings, Settings, given_or_default
from swa.tables.results_tables import CONTRASTS, SUBJECT_VALUES

SORT_COLUMNS = ["contrast", "measure", "variant", "stages", "window", "channel"]
TEXT_COLUMNS = ["subject", "session", "channel", "stages", "window", "measure", "variant", "unit", "note"]

WINDOWS = ("night", "cycle-", "hour-", "dosehour-", "matched", "first60min", "first90min", "first120min")

MEASURE_KEYS = ["subject", "session", "channel", "stages", "window", "measure", "value"]
Source = Any  # Results, Nights or a table: told apart by what they carry, so that comparison needs no room above it


@dataclass(frozen=True, kw_only=True)
class _Measures:
    """The long table measure by measure, from a table or from a results folder."""

    table: pd.DataFrame | None = None
    results: Any = None

    def names(self) -> list[str]:
        if self.results is not None:
            return sorted(self.results.measure_names())
        return sorted(str(name) for name in self._table()["measure"].dropna().unique())

    def rows(self, name: str) -> pd.DataFrame:
        if self.results is not None:
            return self.results.measure(name)
        table = self._table()
        return table[(table["measure"] == name).to_numpy(dtype=bool)]

    def _table(self) -> pd.DataFrame:
        return self.table if self.table is not None else pd.DataFrame(columns=MEASURE_KEYS)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Measures to compare, the nights they belong to (`used`: to a condition), and how they are compared."""

    measures: _Measures
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
    known = nights_of(source, nights)
    table = measure_contrasts(source, baseline, nights=nights, contrast=contrast, settings=settings)
    if table.empty:
        _require_shared_nights(_plan(source, baseline, nights, contrast, settings.comparison))
    return judge_contrasts(table, _comparability(source, known, table, settings), known, settings.comparability)


def measure_contrasts(
    source: Source,
    baseline: str | None = None,
    *,
    nights: pd.DataFrame | None = None,
    contrast: str | None = None,
    settings: Settings | None = None,
) -> pd.DataFrame:
    """Contrasts as `compare_nights` gives them, before anybody judged them: without a verdict."""
    settings = given_or_default(settings, Settings)
    plan = _plan(source, baseline, nights, contrast, settings.comparison)
    primary = declared_primary(plan.used, settings.comparison)
    parts = []
    for grid, design, changes in _each_change(plan):
        outcome = over_subjects(grid, changes, design, settings.comparison)
        there = np.asarray(np.isfinite(outcome.estimate) if design.members else changes.present.any(axis=0))
        facts = dataclasses.asdict(design.key)
        rows = group_rows(changes, outcome, there, contrast=design.contrast, limits=design.limits)
        parts.append(rows.assign(**facts))
        if not design.members:  # between arms and groups there is no change of one subject
            shown = _shown_for_subjects(grid, plan, primary, settings.comparison)
            parts.append(subject_rows(changes.of_markers(shown), settings.comparison).assign(**facts))
    if not parts:
        return CONTRASTS.empty()
    table = pd.concat(parts, ignore_index=True)
    table["role"] = _roles(table, primary, settings.comparison)
    table["p_adjusted"] = adjust_p(table["p"], table["contrast"] + " " + table["role"])
    primary_rows = (table["role"] == "primary") & (table["subject"] == "group")
    table.loc[primary_rows, "p_adjusted"] = adjust_primary_p(
        table.loc[primary_rows, "p"], table.loc[primary_rows, "contrast"].astype(str).tolist()
    )
    table = table.assign(verdict="", verdict_reasons="", doubts="")
    table["_single"] = table["subject"] != "group"
    table = table.sort_values([*SORT_COLUMNS, "_single", "subject"], kind="stable", ignore_index=True)
    return CONTRASTS.typed(table)


def _shown_for_subjects(
    grid: Grid, plan: Plan, primary: tuple[str, str, str, str] | None, settings: ComparisonSettings
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Markers with a row for each subject: all in a study of usual size, else the declared ones.

    A row for each of 5,000 subjects and every marker would be tens of millions of rows that nobody reads.
    """
    if len(plan.used) <= settings.full_subject_rows_nights:
        return np.ones(len(grid.markers), dtype=bool)
    declared = primary or ("swa", "NREM", "cycle-1", "frontal")
    markers = grid.markers
    shown = (
        (markers["variant"] == "")
        & (markers["stages"] == declared[1])
        & markers["window"].isin([*settings.secondary_windows, declared[2]])
    ).to_numpy()
    return shown if grid.measure in {*settings.secondary, declared[0]} else np.zeros(len(markers), dtype=bool)


def _comparability(source: Source, nights: pd.DataFrame, contrasts: pd.DataFrame, settings: Settings) -> list[Record]:
    """What the stored nights of a results folder are held against each other by; nothing without such nights."""
    folder = _tables(source)[0].results
    if folder is None or not {"subject_label", "session_label"} <= set(nights):
        return []
    return check_comparability(folder.path, nights, contrasts, settings)


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
    for _, design, changes in _each_change(plan, measures):
        if design.members:
            continue
        cell = np.nonzero(changes.present)
        part = cell_keys(changes, *cell)
        part["baseline"] = changes.on_reported_scale(changes.baseline[cell])
        part["treatment"] = changes.on_reported_scale(changes.treatment[cell])
        part["n_baseline"], part["n_treatment"] = changes.n_baseline[cell], changes.n_treatment[cell]
        part["change"] = changes.on_reported_scale(changes.change[cell])
        parts.append(part[SUBJECT_VALUES.names])
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
    for grid, design, changes in _each_change(_plan(source, baseline, nights, None, settings.comparison)):
        yield design, changes, over_subjects(grid, changes, design, settings.comparison)


def measure_rows(source: Source, measure: str) -> pd.DataFrame:
    """Rows of one measure of a source's long table, read alone where the source is a results folder."""
    return _tables(source)[0].rows(measure)


def contrast_designs(
    source: Source, baseline: str | None = None, *, nights: pd.DataFrame | None = None, settings: Settings | None = None
) -> tuple[ContrastDesign, ...]:
    """How each contrast is analysed, as the nights were understood; arguments as for `compare_nights`."""
    return _plan(source, baseline, nights, None, (settings or Settings()).comparison).designs


def state_designs(nights: pd.DataFrame, settings: Settings | None = None) -> list[str]:
    """Say how each contrast of a study will be analysed, from its table of nights alone.

    Parameters
    ----------
    nights : DataFrame
        Of the results folder, or as planned: subject, session, condition, and the columns of the design.
    settings : Settings, optional
        Names of the baseline, and the design where it is stated.

    Returns
    -------
    list of str
        Empty where no condition is a baseline, so that there is no contrast.
    """
    try:
        designs = contrast_designs(pd.DataFrame(columns=MEASURE_KEYS), nights=nights, settings=settings)
    except StudyError:
        return []
    used = usable_nights(nights)
    used = used[~used[COPIED]]
    return [
        f"{design.contrast}: {state_design(design, used)}{state_doses(used, design.treatment)}" for design in designs
    ]


def nights_of(source: Source, nights: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the table of nights of a source, as `compare_nights` takes it."""
    measures, own = _tables(source)
    known = own if nights is None else nights
    if known is not None:
        return known
    table = measures.table if measures.table is not None else pd.DataFrame(columns=MEASURE_KEYS)
    _require(table, ["subject", "session", "condition"])
    return table[["subject", "session", "condition"]].drop_duplicates()


def find_baseline(nights: pd.DataFrame, settings: ComparisonSettings, baseline: str | None = None) -> str:
    """Find the baseline condition, as the nights spell it.

    Raises
    ------
    StudyError
        It is not among the conditions of the nights that can be used; the message names those that are.
    """
    conditions = sorted(usable_nights(nights)["condition"].unique())
    if baseline is not None:
        return find_condition(baseline, conditions)
    folded = {condition.casefold(): condition for condition in conditions}
    for name in settings.baseline:
        if name.casefold() in folded:
            return folded[name.casefold()]
    raise StudyError(
        f"No baseline condition ({', '.join(settings.baseline)}) among the nights that are done; "
        f"found: {', '.join(conditions) or 'none'}.",
        "Name it with the setting comparison.baseline, or rename the condition in the study file.",
    )


def declared_primary(nights: pd.DataFrame, settings: ComparisonSettings) -> tuple[str, str, str, str] | None:
    """Read the declared primary, (measure, stages, window, channel), from the settings or the column `primary`.

    Raises
    ------
    SettingsError
        It is not four words.
    StudyError
        The study file declares more than one, or another one than the settings.
    """
    texts = {" ".join(text.split()) for text in (settings.primary, *text_column(nights, "primary").unique())} - {""}
    if len({text.casefold() for text in texts}) > 1:
        raise StudyError(
            f"More than one primary is declared: {'; '.join(sorted(texts))}.",
            "Declare one, in the study file's column `primary` or in the setting comparison.primary.",
        )
    if not texts:
        return None
    words = texts.pop().split(maxsplit=3)
    if len(words) != 4:
        raise SettingsError(
            f"The declared primary {' '.join(words)!r} is not 'measure stages window channel'.",
            "Write it like 'swa NREM cycle-1 frontal'.",
        )
    return words[0], words[1], words[2], words[3]


def check_primary(nights: pd.DataFrame, settings: ComparisonSettings) -> None:
    """Check a declared primary before anything is computed; see `declared_primary`.

    Raises
    ------
    SettingsError, StudyError
        It is not four words, there is more than one, or its measure, stages or window do not exist.
    """
    primary = declared_primary(nights, settings)
    if primary is None:
        return
    measures = [name for name, entry in read_glossary().items() if entry.compared and not entry.shared_over_nights]
    known = {"measure": measures, "stages": ("NREM", "N2", "N3", "REM", "W", "any"), "window": WINDOWS}
    for (name, words), word in zip(known.items(), primary[:3], strict=True):
        stem = word.rstrip("0123456789") if name == "window" and "-" in word else word
        if stem.casefold() not in {text.casefold() for text in words}:
            near = difflib.get_close_matches(word, words, n=1, cutoff=0.4)
            raise SettingsError(
                f"The declared primary {' '.join(primary)!r}: there is no {name} {word!r}.",
                (f"Did you mean {near[0]!r}? " if near else "") + f"Known: {', '.join(words)}.",
            )


def _roles(
    table: pd.DataFrame, primary: tuple[str, str, str, str] | None, settings: ComparisonSettings
) -> np.ndarray[Any, np.dtype[np.object_]]:
    if primary is None:
        return np.full(len(table), "exploratory", dtype=object)
    is_part = [
        table[name].str.casefold() == word.casefold()
        for name, word in zip(("measure", "stages", "window", "channel"), primary, strict=True)
    ]
    default = table["variant"] == ""
    is_primary = is_part[0] & is_part[1] & is_part[2] & is_part[3] & default
    if not is_primary.any():
        raise StudyError(
            f"The declared primary {' '.join(primary)!r} is not among the measures.", _nearest_marker(table, primary)
        )
    is_secondary = (
        table["measure"].isin([*settings.secondary, primary[0]])
        & table["window"].isin(settings.secondary_windows)
        & is_part[1]
        & is_part[3]
        & default
    )
    return np.where(is_primary, "primary", np.where(is_secondary, "secondary", "exploratory")).astype(object)


def _nearest_marker(table: pd.DataFrame, primary: tuple[str, str, str, str]) -> str:
    """What is there in the place of the words that are not."""
    said = []
    for name, word in zip(("measure", "stages", "window", "channel"), primary, strict=True):
        known = sorted(table[name].unique())
        if word.casefold() not in {text.casefold() for text in known}:
            near = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}? " if near else ""
            said.append(f"There is no {name} {word!r}: {hint}Known: {', '.join(known)}.")
    return " ".join(said) or "Each of its words is there, but not together."


def _each_change(plan: Plan, measures: Iterable[str] | None = None) -> Iterator[tuple[Grid, ContrastDesign, Changes]]:
    wanted = None if measures is None else set(measures)
    # Measure by measure, so that the rows and matrices of one measure at a time are in memory.
    for measure in plan.measures.names():
        if not is_compared(measure) or (wanted is not None and measure not in wanted):
            continue
        rows = _rows_of_nights(plan.measures.rows(measure), plan.nights)
        if measure in measures_that("shared_over_nights"):
            rows = rows[rows["variant"] != ""]
        if rows.empty:
            continue
        grid = measure_grid(rows, plan.nights)
        pairs: dict[tuple[str, str], Changes] = {}
        for design in plan.designs:
            pair = (design.treatment, design.baseline)
            if pair not in pairs:
                pairs[pair] = subject_changes(grid, *pair)
            yield grid, design, pairs[pair]


def _plan(
    source: Source,
    baseline: str | None,
    nights: pd.DataFrame | None,
    contrast: str | None,
    settings: ComparisonSettings,
) -> Plan:
    measures, _ = _tables(source)
    nights = nights_of(source, nights)
    if measures.table is not None:
        _require_same_conditions(measures.table, nights)
    used = usable_nights(nights)
    before = nights_before(nights)
    conditions = sorted(used["condition"].unique())
    if contrast is not None:
        pairs = [_named_pair(contrast, conditions)]
    else:
        base = find_baseline(nights, settings, baseline)
        pairs = [(name, base) for name in conditions if name != base]
        pairs += _controlled_pairs(used, [name for name in conditions if name != base], base, settings)
    both = pd.concat([used, before]).sort_values(["subject", "session"], kind="stable").reset_index(drop=True)
    known, known_before = (table[~table[COPIED]] for table in (used, before))  # copies say nothing of the design
    designs = find_designs(known, known_before, tuple(pairs), settings)
    return Plan(measures=measures, nights=both if len(before) else used, used=used, designs=tuple(designs))


def _controlled_pairs(
    nights: pd.DataFrame, treatments: list[str], baseline: str, settings: ComparisonSettings
) -> list[tuple[str, str]]:
    """Pair each treatment with the control condition, where the same subjects had both and the baseline is neither."""
    if baseline.casefold() not in {name.casefold() for name in settings.baseline} or is_control(baseline):
        return []
    there = nights.groupby("subject")["condition"].agg(set)
    return [
        (drug, control)
        for control in treatments
        if is_control(control)
        for drug in treatments
        if not is_control(drug) and any({drug, control} <= conditions for conditions in there)
    ]


def is_compared(measure: str) -> bool:
    """Whether a measure is a marker; one that the glossary does not know is."""
    entry = read_glossary().get(measure)
    return entry is None or entry.compared


def _named_pair(contrast: str, conditions: list[str]) -> tuple[str, str]:
    pairs = {f"{a}:{b}".casefold(): (a, b) for a in conditions for b in conditions if a != b}
    if contrast.casefold() not in pairs:
        raise StudyError(
            f"There is no contrast {contrast!r}; the conditions are {', '.join(conditions) or 'none'}.",
            "Name it TREATMENT:BASELINE.",
        )
    return pairs[contrast.casefold()]


def _tables(source: Source) -> tuple[_Measures, pd.DataFrame | None]:
    """Measures, and the nights where the source carries them."""
    if isinstance(source, pd.DataFrame):
        _require(source, MEASURE_KEYS)
        return _Measures(table=source), None
    if hasattr(source, "measure_names"):
        return _Measures(results=source), source.nights
    if hasattr(source, "measures") and hasattr(source, "nights"):
        _require(source.measures, MEASURE_KEYS)
        return _Measures(table=source.measures), source.nights
    if isinstance(source, str | Path):
        raise StudyError(f"A path cannot be compared ({source}).", "Give swa.read_results(path), or a list of nights.")
    if not isinstance(source, Iterable):
        raise StudyError(
            f"A {type(source).__name__} cannot be compared.",
            "Give results, a list of nights, or the long table of measures.",
        )
    parts = []
    source = list(source)
    _require_same_settings(source)
    for number, night in enumerate(source, start=1):
        own = {name: getattr(night, name, None) for name in ("subject", "session", "condition")}
        if not own["subject"] or not own["condition"]:
            raise StudyError(f"Night {number} has no subject or condition.", "Set both before comparing.")
        own["session"] = own["session"] or own["condition"]
        parts.append(night.measures.assign(**own))
    if not parts:
        raise StudyError("There are no nights to compare.", "Give at least a baseline and a treatment night.")
    return _Measures(table=pd.concat(parts, ignore_index=True)), None


def _require_same_settings(nights: list[Any]) -> None:
    """Refuse nights that were not measured alike: another band or detector would look like a drug."""
    left_out = AFTERWARDS | {"channels", "scoring"}  # labels and codes may well be other ones in another recording
    used = [night.settings.model_dump(exclude=left_out) for night in nights if hasattr(night, "settings")]
    for other in used[1:]:
        for group, values in used[0].items():
            for key, value in values.items():
                if other[group][key] != value:
                    raise StudyError(
                        f"The nights were measured with different settings: {group}.{key} is {value} in one and "
                        f"{other[group][key]} in another.",
                        "Analyse all nights with the same settings.",
                    )


def _rows_of_nights(measures: pd.DataFrame, nights: pd.DataFrame) -> pd.DataFrame:
    """Rows of the nights that are used, with `night` as position and text columns as sorted categories."""
    columns = {name: _category(measures.get(name), len(measures)) for name in TEXT_COLUMNS}
    rows = pd.DataFrame(columns)
    rows["value"] = _numbers(measures)
    subject, session = columns["subject"], columns["session"]
    pair, inverse = np.unique(
        subject.codes.astype(np.int64) * len(session.categories) + session.codes, return_inverse=True
    )
    place = {key: i for i, key in enumerate(zip(nights["subject"], nights["session"], strict=True))}
    subjects, sessions = subject.categories.tolist(), session.categories.tolist()
    position = [
        place.get((subjects[code // len(sessions)], sessions[code % len(sessions)]), -1) for code in pair.tolist()
    ]
    rows["night"] = np.array(position, dtype=np.int64)[inverse] if len(rows) else np.empty(0, dtype=np.int64)
    return rows[rows["night"] >= 0]


def _numbers(measures: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Values as numbers; missing ones as NaN."""
    values = pd.to_numeric(measures["value"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    for place in np.flatnonzero(np.isnan(values) & measures["value"].notna().to_numpy(dtype=bool)):
        row = measures.iloc[place]
        if str(row["value"]).strip().casefold() in ("", "nan", "n/a"):
            continue
        what = " ".join(str(row[name]) for name in ("measure", "channel", "stages", "window"))
        raise StudyError(
            f"{row['subject']}/{row['session']}: the value of {what} is {row['value']!r}, expected a number.",
            "Correct it, or leave it missing (NaN) with the reason in the column note.",
        )
    return values


def _require_same_conditions(measures: pd.DataFrame, nights: pd.DataFrame) -> None:
    """Refuse a night whose condition is not the same in both tables: one of them would win without a word."""
    keys = ["subject", "session", "condition"]
    if not set(keys) <= set(nights):  # told with what the comparison needs of it
        return
    texts = [pd.DataFrame({key: text_column(table, key) for key in keys}) for table in (measures, nights)]
    both = texts[0].drop_duplicates().merge(texts[1], on=keys[:2], suffixes=("", "_of_nights"))
    other = both[(both["condition"] != "") & (both["condition"] != both["condition_of_nights"])]
    if len(other):
        row = other.iloc[0]
        raise StudyError(
            f"{row['subject']}/{row['session']}: condition {row['condition']} in the measures and "
            f"{row['condition_of_nights']} in the table of nights.",
            "Correct the one that is wrong.",
        )


def _require_shared_nights(plan: Plan) -> None:
    """Refuse measures that have not one row of the nights: an empty table would read as nothing found."""
    rows = [plan.measures.rows(name) for name in plan.measures.names()]
    if not rows or any(len(_rows_of_nights(part, plan.nights)) for part in rows):
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


def _category(column: Any, length: int) -> pd.Categorical:
    if column is None:
        column = np.full(length, "", dtype=object)
    code, values = pd.factorize(column, use_na_sentinel=True)
    texts = np.array([*(str(value).strip() for value in values), ""], dtype=object)  # -1, missing, finds the last
    categories, place = np.unique(texts, return_inverse=True)
    return pd.Categorical.from_codes(place[code], categories=pd.Index(categories))


def _require(table: pd.DataFrame, columns: list[str]) -> None:
    missing = [name for name in columns if name not in table]
    if missing:
        raise StudyError(
            f"The table of measures has no column {', '.join(missing)}.",
            "It needs subject, session, condition, channel, stages, window, measure and value.",
        )
