"""What the columns of the stored tables are: names, types, units and texts, once for frames, JSON, docs and checks."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

Type = Literal["text", "number", "count"]
_DTYPES: Mapping[Type, str] = {"text": "str", "number": "float64", "count": "int64"}


class _Filler(string.Formatter):
    """Fills ``{group.key}`` of a text with a setting as the reader would write it."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        group, _, key = field_name.partition(".")
        return getattr(getattr(self.settings, group), key), field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "%":
            return f"{100 * value:g} %"
        if isinstance(value, tuple):
            return "\u2013".join(f"{part:g}" for part in value)
        return f"{value:g}" if isinstance(value, float) else str(value)


def fill(text: str, settings: Any) -> str:
    """Put settings into a text: ``{power.swa_hz}`` is 0.5–4, ``{comparison.confidence:%}`` is 95 %.

    Parameters
    ----------
    text : str
        With the names of settings in braces.
    settings : Settings
        The settings in force.
    """
    return _Filler(settings).format(text) if "{" in text else text


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str
        Its head.
    text : str
        What it is; settings stand in braces (`fill`).
    type : str
        ``text``, ``number`` (float64, missing is NaN) or ``count`` (int64, never missing).
    unit : str
        Of a number; empty where it has none.
    levels : mapping of str to str
        What each of a few texts means.
    """

    name: str
    text: str
    type: Type = "text"
    unit: str = ""
    levels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of the results.

    Attributes
    ----------
    name : str
        Of its JSON sidecar, without the ending: ``contrasts``, ``task-sleep_desc-spectra``.
    columns : tuple of Column
        In their order.
    others : Column or None
        What every further column is, where a table may have any.
    """

    name: str
    columns: tuple[Column, ...]
    others: Column | None = None

    @property
    def names(self) -> list[str]:
        """Heads of its columns."""
        return [column.name for column in self.columns]

    def empty(self) -> pd.DataFrame:
        """The table without rows, its columns of their types."""
        return pd.DataFrame({column.name: pd.Series(dtype=_DTYPES[column.type]) for column in self.columns})

    def typed(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The columns of the table, in their order and types, from rows that have all of them."""
        return rows[self.names].astype({column.name: _DTYPES[column.type] for column in self.columns})

    def sidecar(self, settings: Any) -> dict[str, dict[str, Any]]:
        """What BIDS wants to know of each column."""
        described = [*self.columns, *([self.others] if self.others else [])]
        return {column.name: _describe(column, settings) for column in described}


def _describe(column: Column, settings: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"Description": fill(column.text, settings)}
    if column.levels:
        facts["Levels"] = dict(column.levels)
    if column.unit:
        facts["Units"] = column.unit
    return facts
