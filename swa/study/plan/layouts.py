"""Public data sets that are known by the names of their recordings: `layouts.toml` says how."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from swa.recordings.formats import stem_of
from swa.settings import Settings, check_settings
from swa.study.plan.names import UNKNOWN_CONDITION

Cells = Sequence[tuple[int, list[str]]]  # of a table, with the number of each line


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A public data set; `layouts.toml` says what each attribute is."""

    name: str
    recording: re.Pattern[str]
    condition: str
    needs: re.Pattern[str] | None
    leave_out: re.Pattern[str] | None
    settings: Mapping[str, Mapping[str, Any]]
    table: Mapping[str, Any]

    def left_out(self, name: str) -> bool:
        """Whether a recording is no EEG of a night."""
        return self.leave_out is not None and self.leave_out.fullmatch(Path(stem_of(name)).name) is not None

    def read_names(self, names: Sequence[str], others: Sequence[Path]) -> pd.DataFrame | None:
        """Subject, session and condition of each recording; None unless the names of all are of this data set."""
        if self.needs is not None and not any(self.needs.fullmatch(path.name) for path in others):
            return None
        nights = []
        for name in names:
            match = self.recording.fullmatch(stem_of(name))
            if match is None:
                return None
            condition = self.condition.format(**match.groupdict()) or UNKNOWN_CONDITION
            nights.append((match["subject"], match.groupdict().get("session") or condition, condition))
        if len({(subject.casefold(), session) for subject, session, _ in nights}) < len(nights):
            return None
        return pd.DataFrame(nights, columns=["subject", "session", "condition"])

    def complete(self, settings: Settings) -> Settings:
        """Settings with what the documentation of the data set says, where the user has said nothing."""
        told = check_settings(self.settings, self.name)
        for group, values in self.settings.items():
            given = getattr(settings, group)
            new = {key: getattr(getattr(told, group), key) for key in values if key not in given.model_fields_set}
            if group == "channels":
                new = {"names": told.channels.names | settings.channels.names}
            settings = settings.model_copy(update={group: given.model_copy(update=new)})
        return settings

    def advice(self, nights: pd.DataFrame) -> str:
        """What gives these nights their conditions, where the data set has a table of them; else empty."""
        begin = self.table["subject"].partition("{")[0] if self.table else ""
        has_some = bool(begin) and nights["subject"].astype(str).str.startswith(begin).any()
        return f"; --study {self.table['file']} gives those of {begin}… theirs" if has_some else ""

    def read_table(self, cells: Cells, names: Sequence[str]) -> tuple[Cells, str] | None:
        """The data set's own table of nights as a study file, and a note; None where it is another table."""
        table = self.table
        if not table or cells[0][1][:1] != [table["first"]]:
            return None
        rows, missing = [], 0
        for _, row in cells[table["header"] :]:
            for condition, own in table["nights"].items():
                found = {
                    name: (row[place] if place < len(row) else "") for name, place in (table["columns"] | own).items()
                }
                found = {name: table["codes"].get(name, {}).get(cell, cell) for name, cell in found.items()}
                pattern = re.compile(table["recording"].format(**found), re.IGNORECASE)
                recording = next((name for name in names if pattern.fullmatch(name.rpartition("/")[2])), "")
                missing += not recording
                found |= {"subject": table["subject"].format(**found), "condition": condition, "recording": recording}
                rows += [found] * bool(recording)
        note = f"read as the table of {self.name}" + (f"; nights of it that are not here: {missing}" if missing else "")
        header = list(rows[0]) if rows else []
        body = [(line, [row[name] for name in header]) for line, row in enumerate(rows, start=2)]
        return [(1, header), *body], note


def find_layout(names: Sequence[str], others: Sequence[Path]) -> tuple[Layout, pd.DataFrame, list[str]] | None:
    """The data set that all recordings are of, their nights, and the names of those nights."""
    for layout in read_layouts():
        kept = [name for name in names if not layout.left_out(name)]
        nights = layout.read_names(kept, others) if kept else None
        if nights is not None:
            return layout, nights, kept
    return None


def read_own_table(cells: Cells, names: Sequence[str]) -> tuple[Cells, str] | None:
    """A data set's own table of nights as a study file; None where it is of none that is known."""
    return next((found for layout in read_layouts() if (found := layout.read_table(cells, names))), None)


@cache
def read_layouts() -> tuple[Layout, ...]:
    """All data sets that are known."""
    told = tomllib.loads(files("swa.study.plan").joinpath("layouts.toml").read_text(encoding="utf-8"))
    return tuple(
        Layout(
            name=each["name"],
            recording=re.compile(rf"(?:.*/)?{each['recording']}", re.IGNORECASE),
            condition=each.get("condition", ""),
            needs=_pattern(each.get("needs")),
            leave_out=_pattern(each.get("leave_out")),
            settings=each.get("settings", {}),
            table=each.get("table", {}),
        )
        for each in told["layout"]
    )


def _pattern(text: str | None) -> re.Pattern[str] | None:
    return None if text is None else re.compile(text, re.IGNORECASE)
