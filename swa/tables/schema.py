"""What the columns of a stored table are: names, types, units and texts, once for frames, JSON, docs and checks."""

import math
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel

Type = Literal["text", "label", "truth", "number", "single", "count", "whole", "given"]
_DTYPES: Mapping[Type, str] = {
    "text": "str",
    "label": "category",
    "truth": "bool",
    "number": "float64",
    "single": "float32",
    "count": "int64",
    "whole": "Int64",
}


class _Filler(string.Formatter):
    """Writes a setting as a reader would."""

    def format_field(self, value: object, format_spec: str) -> str:
        if "=" in format_spec:  # what each of a few values means
            return dict(choice.split("=") for choice in format_spec.split("|"))[str(value)]
        if isinstance(value, tuple):
            limits = [self.format_field(part, format_spec) for part in value]
            return f"at least {limits[0]}" if value[-1] == math.inf else "\u2013".join(limits)
        if isinstance(value, float):
            return f"{100 * value:g} %" if format_spec == "%" else f"{value:g}"
        return str(value)


def fill(text: str, settings: BaseModel) -> str:
    """Put settings into a text.

    Parameters
    ----------
    text : str
        With the names of settings in braces: ``{power.swa_hz}`` is 0.5–4, ``{comparison.confidence:%}`` is 95 %,
        ``{waves.negative_uv}`` is at least 40, ``{waves.negative_uv[0]}`` is 40,
        ``{cycles.nrem_starts_with:N1=light sleep|N2=spindles}`` is spindles.
    settings : Settings
        The settings in force.
    """
    return _Filler().vformat(text, (), dict(settings)) if "{" in text else text


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
        ``text``; ``label``, one of a few texts that repeat (category); ``truth``; ``number`` (float64, missing is NaN)
        or ``single`` (float32); ``count`` (int64, never missing) or ``whole`` (Int64); ``given``, as in the study file.
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

    def saying(self, text: str) -> "Column":
        """Return the same column with another text."""
        return replace(self, text=text)

    def _described(self, settings: BaseModel) -> dict[str, object]:
        facts: dict[str, object] = {"Description": fill(self.text, settings)}
        if self.levels:
            facts["Levels"] = dict(self.levels)
        if self.unit:
            facts["Units"] = self.unit
        return facts


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

    @property
    def dtypes(self) -> dict[str, str]:
        """Types of its columns in a frame; not of those that are as the study file gives them."""
        return {column.name: _DTYPES[column.type] for column in self.columns if column.type != "given"}

    def without(self, *names: str) -> "Table":
        """Return the table less some of its columns."""
        return replace(self, columns=tuple(column for column in self.columns if column.name not in names))

    def empty(self) -> pd.DataFrame:
        """The table without rows, its columns of their types."""
        return self._empty.copy()

    @cached_property
    def _empty(self) -> pd.DataFrame:
        dtypes = self.dtypes
        return pd.DataFrame({name: pd.Series(dtype=dtypes.get(name, "object")) for name in self.names})

    def frame(self, rows: Sequence[object]) -> pd.DataFrame:
        """The table of these rows: tuples in the order of its columns, or a dict each."""
        return self.typed(pd.DataFrame(rows, columns=self.names))

    def typed(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The columns of the table, in their order and types, from rows that have all of them."""
        table = rows[self.names]
        others = {name: dtype for name, dtype in self.dtypes.items() if table[name].dtype != dtype}
        table = table.astype(others) if others else table.copy()
        for column in self.columns:
            if column.type == "text" and rows[column.name].isna().any():  # before pandas 3 they become words
                table[column.name] = table[column.name].where(rows[column.name].notna(), np.nan)
        return table

    def sidecar(self, settings: BaseModel) -> dict[str, dict[str, object]]:
        """What BIDS wants to know of each column."""
        described = [*self.columns, *([self.others] if self.others else [])]
        return {column.name: column._described(settings) for column in described}


def plain_name(column: str) -> str:
    """A column's name as names are compared: case, spaces and hyphens make no difference."""
    return re.sub(r"[\s\-]+", "_", column.strip().lower())
