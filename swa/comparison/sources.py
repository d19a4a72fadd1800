"""Where the measures of a comparison come from: a results folder, nights in memory, or the long table itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeGuard

import numpy as np
import numpy.typing as npt
import pandas as pd

from swa.comparison.compared_nights import text_column
from swa.errors import StudyError
from swa.settings import AFTERWARDS, Settings
from swa.tables.marker import select

MEASURE_KEYS = ["subject", "session", "channel", "stages", "window", "measure", "value"]
NIGHT_KEYS = ["subject", "session", "condition"]
TEXT_COLUMNS = ["subject", "session", "channel", "stages", "window", "measure", "variant", "unit", "note"]


class MeasuredNight(Protocol):
    """A night with a long table of its own, as `analyze_night` returns it."""

    @property
    def measures(self) -> pd.DataFrame:
        """The long table."""


class MeasuredNights(MeasuredNight, Protocol):
    """Nights with their long table."""

    @property
    def nights(self) -> pd.DataFrame:
        """One row a night."""


class StoredMeasures(Protocol):
    """A results folder, whose long table is read measure by measure."""

    @property
    def nights(self) -> pd.DataFrame:
        """One row a night."""

    def measure_names(self) -> list[str]:
        """Names of the measures that there are."""

    def measure(self, name: str) -> pd.DataFrame:
        """Rows of one measure of the long table."""


Source = pd.DataFrame | StoredMeasures | MeasuredNights | Sequence[MeasuredNight]


@dataclass(frozen=True, kw_only=True)
class LongTable:
    """A long table in memory, asked as a results folder is; `known` are the nights that its source carries."""

    measures: pd.DataFrame
    known: pd.DataFrame | None = None

    @cached_property
    def nights(self) -> pd.DataFrame:
        """One row a night."""
        if self.known is not None:
            return self.known
        require_columns(self.measures, NIGHT_KEYS)
        return self.measures[NIGHT_KEYS].drop_duplicates()

    def measure_names(self) -> list[str]:
        """Names of the measures that there are."""
        require_columns(self.measures, MEASURE_KEYS)
        return [str(name) for name in self.measures["measure"].dropna().unique()]

    def measure(self, name: str) -> pd.DataFrame:
        """Rows of one measure."""
        require_columns(self.measures, MEASURE_KEYS)
        return select(self.measures, measure=name)


def open_source(source: Source) -> StoredMeasures:
    """Open what a comparison is asked about, so that all sources are asked alike.

    Raises
    ------
    StudyError
        It is no source, or a night without a subject or condition.
    """
    if isinstance(source, pd.DataFrame):
        require_columns(source, MEASURE_KEYS)
        return LongTable(measures=source)
    if _is_stored(source):
        return source
    if _carries_nights(source):
        return LongTable(measures=source.measures, known=source.nights)
    if isinstance(source, str | Path):
        raise StudyError(f"A path cannot be compared ({source}).", "Give swa.read_results(path), or a list of nights.")
    if not isinstance(source, Iterable):
        raise StudyError(
            f"A {type(source).__name__} cannot be compared.",
            "Give results, a list of nights, or the long table of measures.",
        )
    nights = list(source)
    if not nights:
        raise StudyError("There are no nights to compare.", "Give at least a baseline and a treatment night.")
    _require_same_settings(nights)
    return LongTable(measures=pd.concat([_rows_of(*place) for place in enumerate(nights, start=1)], ignore_index=True))


def _is_stored(source: object) -> TypeGuard[StoredMeasures]:
    return hasattr(source, "measure_names")


def _carries_nights(source: object) -> TypeGuard[MeasuredNights]:
    return hasattr(source, "measures") and hasattr(source, "nights")


def _rows_of(number: int, night: MeasuredNight) -> pd.DataFrame:
    if not hasattr(night, "measures"):
        raise StudyError(
            f"A {type(night).__name__} is no night that can be compared.",
            "Give nights of swa.analyze_night, or join tables of swa.measures_from_waves with pandas.concat.",
        )
    own = {name: getattr(night, name, None) for name in NIGHT_KEYS}
    if not own["subject"] or not own["condition"]:
        raise StudyError(f"Night {number} has no subject or condition.", "Set both before comparing.")
    return night.measures.assign(**own | {"session": own["session"] or own["condition"]})


def _require_same_settings(nights: Sequence[MeasuredNight]) -> None:
    """Refuse nights that were not measured alike: another band or detector would look like a drug."""
    left_out = AFTERWARDS | {"channels", "scoring"}  # labels and codes may well be other ones in another recording
    found = [getattr(night, "settings", None) for night in nights]
    used = [settings.model_dump(exclude=left_out) for settings in found if isinstance(settings, Settings)]
    for other in used[1:]:
        for group, values in used[0].items():
            for key, value in values.items():
                if other[group][key] != value:
                    raise StudyError(
                        f"The nights were measured with different settings: {group}.{key} is {value} in one and "
                        f"{other[group][key]} in another.",
                        "Analyse all nights with the same settings.",
                    )


def nights_of(source: Source, nights: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the table of nights of a source, as `compare_nights` takes it."""
    return open_source(source).nights if nights is None else nights


def measure_rows(source: Source, measure: str) -> pd.DataFrame:
    """Rows of one measure of a source's long table, read alone where the source is a results folder."""
    return open_source(source).measure(measure)


def rows_of_nights(measures: pd.DataFrame, nights: pd.DataFrame) -> pd.DataFrame:
    """Rows of the nights that are used, with `night` as position and text columns as sorted categories."""
    columns = {name: _category(measures.get(name), len(measures)) for name in TEXT_COLUMNS}
    subject, session = columns["subject"], columns["session"]
    inverse, pair = pd.factorize(subject.codes.astype(np.int64) * len(session.categories) + session.codes)
    of_subject, of_session = (
        text.categories.get_indexer(pd.Index(nights[name].to_numpy(dtype=object)))
        for name, text in (("subject", subject), ("session", session))
    )
    known = (of_subject >= 0) & (of_session >= 0)
    code = of_subject.astype(np.int64) * len(session.categories) + of_session
    place = dict(zip(code[known].tolist(), np.flatnonzero(known).tolist(), strict=True))
    position = [place.get(code, -1) for code in pair.tolist()]
    night = np.array(position, dtype=np.int64)[inverse] if len(measures) else np.empty(0, dtype=np.int64)
    rows = pd.DataFrame(columns | {"value": _numbers(measures), "night": night})
    return rows if (night >= 0).all() else rows[night >= 0]


def _numbers(measures: pd.DataFrame) -> npt.NDArray[np.float64]:
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


def _category(column: pd.Series | None, length: int) -> pd.Categorical:
    if column is None:
        return pd.Categorical(np.full(length, "", dtype=object))
    if isinstance(column.dtype, pd.CategoricalDtype):
        code, values = column.cat.codes.to_numpy(), column.cat.categories
    else:
        code, values = pd.factorize(column, use_na_sentinel=True)
    texts = np.array([*(str(value).strip() for value in values), ""], dtype=object)  # -1, missing, finds the last
    categories, place = np.unique(texts, return_inverse=True)
    place = place.astype(np.min_scalar_type(-len(texts)))  # a large study has millions of rows
    return pd.Categorical.from_codes(place[code], categories=pd.Index(categories))


def require_columns(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse a long table without one of these columns."""
    missing = [name for name in columns if name not in table]
    if missing:
        raise StudyError(
            f"The table of measures has no column {', '.join(missing)}.",
            "It needs subject, session, condition, channel, stages, window, measure and value.",
        )


def require_same_conditions(measures: pd.DataFrame, nights: pd.DataFrame) -> None:
    """Refuse a night whose condition is not the same in both tables: one of them would win without a word."""
    if not set(NIGHT_KEYS) <= set(nights):  # told with what the comparison needs of it
        return
    texts = [pd.DataFrame({key: text_column(table, key) for key in NIGHT_KEYS}) for table in (measures, nights)]
    both = texts[0].drop_duplicates().merge(texts[1], on=NIGHT_KEYS[:2], suffixes=("", "_of_nights"))
    other = both[(both["condition"] != "") & (both["condition"] != both["condition_of_nights"])]
    if len(other):
        row = other.iloc[0]
        raise StudyError(
            f"{row['subject']}/{row['session']}: condition {row['condition']} in the measures and "
            f"{row['condition_of_nights']} in the table of nights.",
            "Correct the one that is wrong.",
        )
