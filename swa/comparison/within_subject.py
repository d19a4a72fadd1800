"""How far one subject's nights lie from that subject's baseline nights, and how far they would lie anyway.

Ratio measures are compared on the ln scale, so a mean over nights is a geometric mean. The interval of one subject is

    change +/- q * SD_w * sqrt(1/m + 1/k)

for m treatment and k baseline nights: the variance of the difference of two means of independent nights, of which
1.96 * SD_w * sqrt(1 + 1/k) is the case of one treatment night. It is a reliable-change interval (Jacobson & Truax
1991, J Consult Clin Psychol 59:12): it excludes no change when the nights differ by more than nights of one
condition do.
"""

import dataclasses
import math
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from swa.comparison.arrays import Bools, Floats, Ints
from swa.comparison.compared_nights import BEFORE, COPIED, OTHERS
from swa.errors import StudyError
from swa.glossary import read_glossary
from swa.measures.coupling import DEGREES, circular_mean
from swa.settings import ComparisonSettings
from swa.tables import notes
from swa.tables.contrast import CONTRAST_FACTS, Contrast
from swa.tables.interval import LEAST_LEVEL
from swa.tables.marker import ALL_MINUTES, select
from swa.tables.reason import Reason

R = TypeVar("R", bound=Reason | None)
N = TypeVar("N", bound=np.generic)

NIGHT = "night"
MARKER_COLUMNS = ["channel", "stages", "window", "variant"]
CHANGE_COLUMNS = [
    *("subject", "contrast", *CONTRAST_FACTS, "channel", "stages", "window", "measure", "variant", "scale"),
]

# Why a subject has no change: the codes of `Changes.gap`.
MEASURED, ZERO, NO_BASELINE, BASELINE_NAN, TREATMENT_NAN, ONE_RECORDING, BASELINE_ZERO, BOTH_ZERO = range(8)
ZEROS = (ZERO, BASELINE_ZERO, BOTH_ZERO)  # of the treatment alone, of the baseline alone, of both


@dataclass(frozen=True, kw_only=True)
class Grid:
    """One measure as a matrix of nights x markers (channel, stages, window, variant), on the scale of comparison."""

    measure: str
    scale: str
    unit: str
    nights: pd.DataFrame
    markers: pd.DataFrame
    values: Floats
    present: Bools
    nonpositive: Bools
    notes: npt.NDArray[np.object_]
    note_codes: Ints
    errors: Floats | None = None  # of the fit that gave each value, SD of the ln
    uncut: Floats | None = None  # values over all minutes, where those of some markers are of common minutes

    def nights_of(self, condition: str, *, before: bool = False) -> Ints:
        """Rows of a condition's nights, or of those before its infusion."""
        own = self.nights["condition"].to_numpy() == condition
        return np.flatnonzero(own & (_marked(self.nights, BEFORE) == before))

    def places(self, rows: pd.DataFrame) -> Ints:
        """Column of each row's marker."""
        known = self.markers.assign(column=range(len(self.markers)))
        return rows[MARKER_COLUMNS].astype(str).merge(known, on=MARKER_COLUMNS, how="left")["column"].to_numpy(np.int64)

    def without_nights(self, gone: Collection[tuple[str, str]]) -> "Grid":
        """Return the grid without the nights of these subjects and sessions."""
        if not gone:
            return self
        keep = ~pd.MultiIndex.from_frame(self.nights[["subject", "session"]].astype(str)).isin(list(gone))
        return dataclasses.replace(
            self,
            nights=self.nights[keep].reset_index(drop=True),
            values=self.values[keep],
            present=self.present[keep],
            nonpositive=self.nonpositive[keep],
            note_codes=self.note_codes[keep],
            errors=None if self.errors is None else self.errors[keep],
            uncut=None if self.uncut is None else self.uncut[keep],
        )

    def without(self, columns: Ints, subjects: Sequence[Collection[str]]) -> "Grid":
        """Return these columns, each as if some subjects had not been measured."""
        names = self.nights["subject"].astype(str)
        gone = np.column_stack([names.isin(some).to_numpy() for some in subjects])
        return dataclasses.replace(
            self,
            markers=self.markers.iloc[columns].reset_index(drop=True),
            values=np.where(gone, np.nan, self.values[:, columns]),
            present=self.present[:, columns],
            nonpositive=self.nonpositive[:, columns] & ~gone,
            note_codes=self.note_codes[:, columns],
            errors=None if self.errors is None else self.errors[:, columns],
            uncut=None if self.uncut is None else self.uncut[:, columns],
        )

    def with_errors(self, rows: pd.DataFrame) -> "Grid":
        """Return the grid with the errors of its values, from the rows of the measure that has them."""
        errors = np.full(self.values.shape, np.nan)
        known = rows[MARKER_COLUMNS].astype(str).merge(self.markers, on=MARKER_COLUMNS, how="left", indicator=True)
        there = (known["_merge"] == "both").to_numpy()
        rows = rows[there]
        errors[rows["night"].to_numpy(), self.places(rows)] = rows["value"].to_numpy(dtype=float)
        return dataclasses.replace(self, errors=errors)

    def over_all_minutes(self) -> "Grid":
        """Return the grid as it was before nights were cut to common minutes."""
        return self if self.uncut is None else dataclasses.replace(self, values=self.uncut)

    def error_of(self, condition: str, *, before: bool = False) -> Floats:
        """Error of the mean over the nights of a condition, per subject and marker.

        Nights of one condition are fitted with the same curve and err alike: their errors do not average out.
        """
        errors = np.full(self.values.shape, np.nan) if self.errors is None else self.errors
        found = mean_over_nights(
            dataclasses.replace(self, values=errors, nonpositive=np.zeros_like(self.nonpositive)),
            condition,
            before=before,
        )
        return np.nan_to_num(found.mean)


@dataclass(frozen=True, kw_only=True)
class NightMeans:
    """The mean over the nights of one condition, subjects x markers; NaN where nothing was measured.

    `copied` marks subjects one of whose nights shares its recording with another night.
    """

    subjects: npt.NDArray[np.object_]
    mean: Floats
    measured: Ints
    nights: Ints
    present: Bools
    nonpositive: Bools
    note_codes: Ints
    copied: Bools


@dataclass(frozen=True, kw_only=True)
class WithinSD:
    """SD between the baseline nights of a subject, its degrees of freedom and whose nights it is of, per marker.

    `subjects` is the number of people with two such nights or more: one person may give the SD for all.
    """

    sd: Floats
    df: Ints
    subjects: Ints


@dataclass(frozen=True, kw_only=True)
class Changes:
    """One measure in one contrast, subjects x markers.

    `baseline` and `treatment` are means over nights on the scale of comparison (ln for ratios), `n_baseline` and
    `n_treatment` the nights that they rest on, `*_nights` the nights that there are; `present` marks the cells that
    the tables have a row for; `gap` says why a cell has no change, `note_codes` what the night itself gave.
    `both_copied` marks subjects with a night of either condition that shares its recording with another night.
    `within` is the pooled SD between baseline nights of a subject, `fit_error` the error of the change that comes from
    the fits of the nights' values, 0 where they are of none; `baseline_aside` names the subjects who have baseline
    nights, but only such as are set aside.
    """

    grid: Grid
    treatment_name: str
    baseline_name: str
    subjects: npt.NDArray[np.object_]
    baseline: Floats
    treatment: Floats
    n_baseline: Ints
    n_treatment: Ints
    baseline_nights: Ints
    treatment_nights: Ints
    present: Bools
    gap: Ints
    note_codes: Ints
    both_copied: Bools
    within: WithinSD
    fit_error: Floats
    baseline_aside: frozenset[str] = frozenset()

    @property
    def key(self) -> Contrast:
        """What is held against what."""
        return Contrast(treatment=self.treatment_name, comparator=self.baseline_name)

    @property
    def baseline_uncut(self) -> Floats:
        """The baseline over all its minutes, which do not hang on how long the treatment night was."""
        if self.grid.uncut is None:
            return self.baseline
        return subject_changes(self.grid.over_all_minutes(), self.treatment_name, self.baseline_name).baseline

    @property
    def of_others(self) -> Bools:
        """Subjects with a night whose recording is told for another subject too."""
        nights = self.grid.nights
        found: Bools = pd.Index(self.subjects).isin(nights.loc[_marked(nights, OTHERS), "subject"])
        return found

    @property
    def change(self) -> Floats:
        """Treatment less baseline on the scale of comparison; a change of rounding error alone is none."""
        change = self.treatment - self.baseline
        return np.where(np.abs(change) <= 1e-12 * np.maximum(np.abs(self.baseline), 1.0), 0.0, change)

    def of_markers(self, chosen: Bools) -> "Changes":
        """Return the changes with rows for the chosen markers alone."""
        return self if chosen.all() else dataclasses.replace(self, present=self.present & chosen)

    def on_reported_scale(self, values: Floats) -> Floats:
        """Ratios and geometric means from ln values; differences as they are."""
        return np.exp(values) if self.grid.scale == "ratio" else values


def scale_of(measure: str) -> str:
    """Whether a measure is compared as ``ratio`` or as ``difference``."""
    entry = read_glossary().get(measure)
    return entry.scale if entry else "ratio"


def measure_grid(rows: pd.DataFrame, nights: pd.DataFrame) -> Grid:
    """Arrange the rows of one measure as nights x markers.

    Parameters
    ----------
    rows : DataFrame
        Rows of one measure with the columns night (position in `nights`), channel, stages, window, variant, value,
        unit and note.
    nights : DataFrame
        subject, session and condition, sorted by subject and session. The values of those marked `COPIED` count as not
        measured.

    Raises
    ------
    StudyError
        Two rows stand for the same night, channel, stages, window, measure and variant.
    """
    measure = str(rows["measure"].iloc[0])
    marker, markers = _number_markers(rows)
    night = rows["night"].to_numpy()
    shape = (len(nights), len(markers))
    present = np.zeros(shape, dtype=bool)
    present[night, marker] = True
    if int(present.sum()) < len(rows):
        cell = np.flatnonzero(pd.Series(night * shape[1] + marker).duplicated().to_numpy())[0]
        where = nights.iloc[night[cell]]
        raise StudyError(
            f"{where['subject']}/{where['session']}: {measure} stands twice for "
            f"{' '.join(markers.iloc[marker[cell]]).strip()}.",
            "A row of measures is unique in subject, session, channel, stages, window, measure and variant; a second "
            "night of a condition needs a session of its own (session=...).",
        )
    note = rows["note"].astype("category").cat  # sorted, so that the last code is the last text
    note_codes, notes = note.codes.to_numpy(), note.categories.to_numpy(dtype=object)
    codes = np.zeros(shape, dtype=np.int64)
    codes[night, marker] = note_codes
    values = np.full(shape, np.nan)
    values[night, marker] = rows["value"].to_numpy(dtype=float)
    values[~np.isfinite(values)] = np.nan
    values[_marked(nights, COPIED)] = np.nan
    scale = scale_of(measure)
    nonpositive = (values <= 0) & (scale == "ratio")
    values[nonpositive] = np.nan
    unit = next((str(unit) for unit in rows["unit"].unique() if unit), "")
    if unit == DEGREES:
        values = _around_their_mean(values, nights["subject"].to_numpy())
    values = np.log(values) if scale == "ratio" else values
    return Grid(
        measure=measure,
        scale=scale,
        unit=unit,
        nights=nights,
        markers=markers,
        values=values,
        present=present,
        nonpositive=nonpositive,
        notes=np.asarray(notes, dtype=object),
        note_codes=codes,
        uncut=_before_the_cut(values, markers),
    )


def _before_the_cut(values: Floats, markers: pd.DataFrame) -> Floats | None:
    """Values of markers over all minutes; none where no marker is of common minutes."""
    numbered = markers.assign(column=range(len(markers)))
    names = [name for name in MARKER_COLUMNS if name != "variant"]
    pairs = select(numbered, variant="").merge(select(numbered, variant=ALL_MINUTES), on=names)
    if pairs.empty:
        return None
    cut, whole = (pairs[name].to_numpy() for name in ("column_x", "column_y"))
    found = values.copy()
    found[:, cut] = np.where(np.isfinite(values[:, whole]), values[:, whole], values[:, cut])
    return found


def _around_their_mean(phases: Floats, subject: npt.NDArray[np.object_]) -> Floats:
    """Phases in degrees, each within 180 of the circular mean of the subject's nights: 170 and -170 are 20 apart."""
    found = phases.copy()
    for name in pd.unique(subject):
        own = subject == name
        mean = circular_mean(phases[own])
        found[own] = mean + (phases[own] - mean + 180) % 360 - 180
    return found


def _number_markers(rows: pd.DataFrame) -> tuple[Ints, pd.DataFrame]:
    """Number of each row's marker among those there are, sorted by their names, and these."""
    columns = {name: rows[name].astype("category").cat for name in MARKER_COLUMNS}  # with sorted categories
    code = np.zeros(len(rows), dtype=np.int64)
    for column in columns.values():
        code = code * len(column.categories) + column.codes.to_numpy()
    marker, found = pd.factorize(code, sort=True)
    names = {}
    for name, column in reversed(columns.items()):
        found, place = np.divmod(found, len(column.categories))
        names[name] = column.categories.to_numpy(dtype=object)[place]
    return marker, pd.DataFrame(names, dtype=object)[MARKER_COLUMNS].astype(str)


def _marked(nights: pd.DataFrame, mark: str) -> Bools:
    return nights[mark].to_numpy(dtype=bool) if mark in nights else np.zeros(len(nights), dtype=bool)


def mean_over_nights(grid: Grid, condition: str, *, before: bool = False) -> NightMeans:
    """Mean over the nights of a condition, or over those `before` its infusion, per subject and marker.

    A night that was not measured is left out of the mean. A zero or negative value of a ratio measure makes the mean
    NaN: leaving that night out would hide the very nights that the drug may have emptied.
    """
    rows = grid.nights_of(condition, before=before)
    subjects, starts = np.unique(grid.nights["subject"].to_numpy(dtype=object)[rows], return_index=True)
    values = grid.values[rows]
    known = np.isfinite(values)
    measured = _by_subject(np.add, known.astype(np.int64), starts)
    total = _by_subject(np.add, np.where(known, values, 0.0), starts)
    nonpositive = _by_subject(np.logical_or, grid.nonpositive[rows], starts)
    usable = (measured > 0) & ~nonpositive
    # The note of a night that gives no value explains the gap; of several the last text is as good as any other.
    silent = np.where(grid.present[rows] & ~known, grid.note_codes[rows], -1)
    return NightMeans(
        subjects=subjects,
        mean=np.where(usable, total / np.maximum(measured, 1), np.nan),
        measured=measured,
        nights=np.diff(np.append(starts, len(rows))),
        present=_by_subject(np.logical_or, grid.present[rows], starts),
        nonpositive=nonpositive,
        note_codes=_by_subject(np.maximum, silent, starts),
        copied=_by_subject(np.logical_or, _marked(grid.nights, COPIED)[rows], starts),
    )


def _by_subject(combine: np.ufunc, values: npt.NDArray[N], starts: Ints) -> npt.NDArray[N]:
    """Nights of each subject combined; most subjects have one, and numpy takes as long over those."""
    if len(starts) == len(values):
        return values
    combined: npt.NDArray[N] = combine.reduceat(values, starts, axis=0)
    return combined


def pooled_within_sd(grid: Grid, baseline: str, means: NightMeans | None = None) -> WithinSD:
    """SD between the baseline nights of a subject, pooled over subjects, with what it rests on.

    The pooled variance is sum (x - subject mean)^2 / sum (nights - 1). An SD that is zero but for rounding is NaN.
    `means` are those of the baseline nights, where they are known.
    """
    means = means or mean_over_nights(grid, baseline)
    rows = grid.nights_of(baseline)
    subject = np.searchsorted(means.subjects, grid.nights["subject"].to_numpy(dtype=object)[rows])
    deviation = grid.values[rows] - means.mean[subject]
    deviation = np.where(np.isfinite(deviation), deviation, 0.0)
    known = np.isfinite(means.mean)
    df = np.where(known, means.measured - 1, 0).sum(axis=0)
    sd = np.sqrt((deviation**2).sum(axis=0) / np.maximum(df, 1))
    size = np.abs(np.where(known, means.mean, 0.0)).max(axis=0, initial=1.0)
    return WithinSD(
        sd=np.where((df > 0) & (sd > 1e-12 * size), sd, np.nan),
        df=df,
        subjects=(known & (means.measured > 1)).sum(axis=0),
    )


def stated_within_sd(unit: str, settings: ComparisonSettings, measure: str = "", window: str = NIGHT) -> float:
    """SD between nights of a subject on the ln scale, from the stated ICC and CV; NaN where there is none.

    SD_w = SD_log * sqrt(1 - ICC), where SD_log = sqrt(ln(1 + CV^2)) is the log-normal SD over subjects of one night.
    That is of power of a whole night; the glossary says which share of it a measure has, and which multiple a part of
    the night. A measure that it does not know has that of its unit.
    """
    entry = read_glossary().get(measure)
    share = entry.reliability if entry else _reliabilities().get(_plain(unit), math.nan)
    return share * window_multiple(measure, window) * math.sqrt(math.log1p(settings.cv**2) * (1 - settings.icc))


def window_multiple(measure: str, window: str) -> float:
    """How many times as much as a whole night a part of it varies between nights; NaN where that is not stated."""
    entry = read_glossary().get(measure)
    return 1.0 if window == NIGHT else entry.windows.get(window, math.nan) if entry else math.nan


@cache
def _reliabilities() -> dict[str, float]:
    stated = [entry for entry in read_glossary().values() if entry.reliability > 0]
    return {_plain(entry.unit): entry.reliability for entry in reversed(stated)}  # of the first with a unit


def _plain(unit: str) -> str:
    return unicodedata.normalize("NFKC", unit).replace("μ", "u").replace("^", "").replace(" ", "")


def subject_changes(grid: Grid, treatment: str, baseline: str, *, before: bool = False) -> Changes:
    """Change of each subject's treatment nights, or those `before` the infusion, from the subject's baseline nights.

    The subjects are those who have a night of the treatment; one without a baseline night has no change.
    """
    treated = mean_over_nights(grid, treatment, before=before)
    untreated = mean_over_nights(grid, baseline, before=before)
    place = np.searchsorted(untreated.subjects, treated.subjects).clip(max=max(len(untreated.subjects) - 1, 0))
    known = untreated.subjects[place] == treated.subjects
    paired = known[:, None]
    base_mean = np.where(paired, untreated.mean[place], np.nan)
    gap = np.full(treated.mean.shape, MEASURED, dtype=np.int64)
    # Later lines win: a subject without a baseline night lacks more than one whose night was not measured.
    gap[np.isnan(treated.mean)] = TREATMENT_NAN
    gap[np.isnan(base_mean)] = BASELINE_NAN
    zero, base_zero = treated.nonpositive, untreated.nonpositive[place] & paired
    gap[zero], gap[base_zero], gap[zero & base_zero] = ZEROS
    copied = treated.copied | (untreated.copied[place] & known)
    gap[(gap != MEASURED) & copied[:, None]] = ONE_RECORDING
    gap[np.broadcast_to(~paired, gap.shape)] = NO_BASELINE
    errors = np.zeros(gap.shape)
    if grid.errors is not None:
        comparator = np.where(paired, grid.error_of(baseline, before=before)[place], 0.0)
        errors = np.hypot(grid.error_of(treatment, before=before), comparator)
    return Changes(
        grid=grid,
        treatment_name=treatment,
        baseline_name=baseline,
        subjects=treated.subjects,
        baseline=base_mean,
        treatment=treated.mean,
        n_baseline=np.where(paired, untreated.measured[place], 0),
        n_treatment=treated.measured,
        baseline_nights=np.where(known, untreated.nights[place], 0),
        treatment_nights=treated.nights,
        present=treated.present | (untreated.present[place] & paired),
        gap=gap,
        note_codes=np.where(gap == BASELINE_NAN, untreated.note_codes[place], treated.note_codes),
        both_copied=treated.copied & untreated.copied[place] & known,
        within=pooled_within_sd(grid, baseline, None if before else untreated),
        fit_error=errors,
    )


def subject_rows(changes: Changes, settings: ComparisonSettings) -> pd.DataFrame:
    """One row for each subject and marker, in the columns of contrasts that do not depend on other rows.

    `n` is the number of nights that the row rests on, `method` says where the interval comes from.
    """
    half, methods, reservations = _interval(changes, settings)
    change = changes.change
    subject, marker = np.nonzero(changes.present)
    cell = (subject, marker)
    estimate, width = change[cell], half[cell]
    columns = cell_keys(changes, subject, marker)
    columns |= {
        "estimate": changes.on_reported_scale(estimate),
        "ci_low": changes.on_reported_scale(estimate - width),
        "ci_high": changes.on_reported_scale(estimate + width),
        "p": np.full(len(subject), np.nan),
        "n": np.where(np.isnan(estimate), 0, changes.n_baseline[cell] + changes.n_treatment[cell]),
    }
    judged = width if settings.confidence >= LEAST_LEVEL else np.full_like(width, np.nan)
    return pd.DataFrame(columns | _texts(changes, cell, judged, methods, reservations))


def cell_keys(changes: Changes, subject: Ints, marker: Ints) -> dict[str, npt.NDArray[np.generic]]:
    """Columns that say what a cell is about."""
    shared = {"contrast": str(changes.key), **dataclasses.asdict(changes.key)}
    shared |= {"measure": changes.grid.measure, "scale": changes.grid.scale}
    columns = {name: np.full(len(subject), text, dtype=object) for name, text in shared.items()}
    columns |= {name: changes.grid.markers[name].to_numpy(dtype=object)[marker] for name in MARKER_COLUMNS}
    columns["subject"] = changes.subjects[subject]
    return {name: columns[name] for name in CHANGE_COLUMNS}


def _interval(
    changes: Changes, settings: ComparisonSettings
) -> tuple[Floats, Sequence[Reason], Sequence[Reason | None]]:
    """Half-width per cell; method and reservation per marker."""
    grid, df = changes.grid, changes.within.df
    tail = (1 + settings.confidence) / 2
    own = df >= settings.baseline_pairs_df
    entry = read_glossary().get(grid.measure)
    windows = [str(name) for name in grid.markers["window"]]
    is_ratio = grid.scale == "ratio"
    stated = [stated_within_sd(grid.unit, settings, grid.measure, name) if is_ratio else math.nan for name in windows]
    of_sleep = entry is not None and entry.within_df > 0  # minutes of a shorter window vary by other minutes
    by_scorings = ~own & of_sleep & np.array([name == NIGHT for name in windows])
    sd = np.where(own, changes.within.sd, np.where(by_scorings, entry.within_sd if entry else math.nan, stated))
    df = np.where(by_scorings, entry.within_df if entry else 0, df)
    quantile = np.where(own | by_scorings, special.stdtrit(np.maximum(df, 1), tail), stats.norm.ppf(tail))
    nights = 1 / np.maximum(changes.n_treatment, 1) + 1 / np.maximum(changes.n_baseline, 1)
    fitted: Bools = np.asarray((changes.fit_error > 0).any(axis=0), dtype=bool)
    methods: list[Reason] = []
    reservations: list[Reason | None] = []
    for i, window in enumerate(windows):
        reservation = None
        if not np.isfinite(sd[i]) and fitted[i]:
            methods.append(notes.FIT_ERROR_ALONE())
        elif not np.isfinite(sd[i]):
            methods.append(notes.NO_INTERVAL())
            reservation = _without_interval(grid, window, settings, alike=bool(own[i]))
        elif own[i]:
            subjects = int(changes.within.subjects[i])
            methods.append(notes.BASELINE_PAIRS(sd=float(sd[i]), df=int(df[i]), subjects=subjects))
        elif by_scorings[i]:
            methods.append(notes.STATED_BY_SCORINGS(sd=float(sd[i]), df=int(df[i])))
        else:
            times = {} if window == NIGHT else {"times": window_multiple(grid.measure, window)}
            kind = notes.STATED_SCATTER if entry and entry.scatter_alone else notes.STATED_RELIABILITY
            methods.append(kind(sd=float(sd[i]), **times))
        reservations.append(reservation)
    between = quantile * np.where(fitted & ~np.isfinite(sd), 0.0, sd) * np.sqrt(nights)
    # Repeated baseline nights differ by the error of the fit too, but share its curve: it is taken in whole.
    half = np.hypot(between, stats.norm.ppf(tail) * changes.fit_error) if fitted.any() else between
    return half, methods, reservations


def _without_interval(grid: Grid, window: str, settings: ComparisonSettings, *, alike: bool) -> Reason:
    """Why a subject's change of a marker has no interval."""
    if alike:
        return notes.BASELINE_ALIKE()
    of_night = grid.scale == "ratio" and math.isfinite(stated_within_sd(grid.unit, settings, grid.measure))
    kind = notes.NO_WINDOW_RELIABILITY if of_night and window != NIGHT else notes.NO_RELIABILITY
    return kind(df=settings.baseline_pairs_df)


def _texts(
    changes: Changes,
    cell: tuple[Ints, Ints],
    width: Floats,
    methods: Sequence[Reason],
    reservations: Sequence[Reason | None],
) -> dict[str, npt.NDArray[np.object_]]:
    """Columns method, note and reasons, composed once for each distinct combination of facts."""
    subject, marker = cell
    method, kinds = _numbered(methods)
    reservation, doubts = _numbered(reservations)
    between_nights = np.array([not notes.lacks_variation([kind]) for kind in kinds], dtype=bool)
    judged = np.isfinite(width) & between_nights[method[marker]]
    facts: dict[str, Ints | Bools] = {
        "gap": changes.gap[cell],
        "note": changes.note_codes[cell],
        "reliable": np.where(judged, np.abs(changes.change[cell]) > width, -1).astype(np.int64),
        "method": method[marker],
        "reservation": reservation[marker],
        "m": changes.n_treatment[cell],
        "k": changes.n_baseline[cell],
        "m_nights": changes.treatment_nights[subject],
        "k_nights": changes.baseline_nights[subject],
        "both": changes.both_copied[subject],
        "of_others": changes.of_others[subject],
        "aside": pd.Index(changes.subjects).isin(changes.baseline_aside)[subject],
    }
    combinations, combination = _distinct(list(facts.values()))
    texts = np.empty((len(combinations), 3), dtype=object)
    for place, values in enumerate(combinations):
        fact = dict(zip(facts, values, strict=True))
        found = _compose(changes, fact, kinds[fact["method"]], doubts[fact["reservation"]])
        texts[place] = notes.row_texts([reason for reason in found if reason])
    return dict(zip(notes.TEXT_COLUMNS, texts[combination].T, strict=True))


def _distinct(columns: Sequence[Ints | Bools]) -> tuple[list[list[int]], Ints]:
    """The distinct rows of several columns of numbers, and which of them each row is."""
    code = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:  # numbered anew at each column, so that no code grows beyond the rows
        values, place = np.unique(column, return_inverse=True)
        code = np.unique(code * len(values) + place, return_inverse=True)[1]
    first = np.unique(code, return_index=True)[1]
    return np.column_stack(columns)[first].astype(np.int64).tolist(), code


def _numbered(reasons: Sequence[R]) -> tuple[Ints, list[R]]:
    """Position of each among the distinct ones, and these."""
    distinct = dict.fromkeys(reasons)
    position = {reason: place for place, reason in enumerate(distinct)}
    return np.array([position[reason] for reason in reasons], dtype=np.int64), list(distinct)


def _compose(
    changes: Changes, fact: Mapping[str, int], method: Reason, reservation: Reason | None
) -> list[Reason | None]:
    gap = fact["gap"]
    if gap == NO_BASELINE:
        return [(notes.NIGHT_ASIDE if fact["aside"] else notes.NO_NIGHT)(condition=changes.baseline_name)]
    if gap == ONE_RECORDING:
        if fact["of_others"]:
            return [notes.OTHERS_RECORDING()]
        return [notes.BOTH_ONE_RECORDING() if fact["both"] else notes.ONE_RECORDING()]
    if gap in ZEROS:
        return [notes.NO_RATIO()]
    if gap != MEASURED:
        condition = changes.baseline_name if gap == BASELINE_NAN else changes.treatment_name
        text = str(changes.grid.notes[fact["note"]]) if fact["note"] >= 0 else ""
        return [notes.NOT_MEASURED(condition=condition, **({"text": text} if text else {}))]
    fitted = changes.grid.errors is not None and not notes.FIT_ERROR_ALONE.among([method])
    entry = read_glossary().get(changes.grid.measure)
    return [
        method,
        notes.FIT_ERROR() if fitted else None,
        _nights_reason(fact["m"], fact["m_nights"], changes.treatment_name),
        _nights_reason(fact["k"], fact["k_nights"], changes.baseline_name),
        (notes.WITHIN_VARIATION(), notes.RELIABLE_CHANGE())[fact["reliable"]] if fact["reliable"] >= 0 else None,
        reservation,
        notes.OTHER_COURSE() if entry and entry.read_as_course else None,
    ]


def _nights_reason(used: int, there: int, condition: str) -> Reason | None:
    if there == 1:
        return None
    if used == there:
        return notes.MEAN_OF_NIGHTS(n=used, condition=condition)
    return notes.SOME_NIGHTS(n=used, there=there, condition=condition)
