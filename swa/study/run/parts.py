"""A study in parts that share a results folder and need no scheduler: each reports, and the last step joins them."""

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict, cast

import pandas as pd

from swa.errors import StudyError
from swa.settings import Settings, check_settings
from swa.study.plan.manifest import TEMPLATE, Study, write_template
from swa.study.run.lock import WORK
from swa.study.store import describe_results, digest_of
from swa.study.written import keep_study_notes, write_believed
from swa.tables.files import read_json, table_text, write_json, write_text


@dataclass(frozen=True, kw_only=True)
class Part:
    """Every `count`-th night of a study, from the `number`-th on.

    Attributes
    ----------
    number, count : int
        1 ≤ number ≤ count.
    """

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def has(self, position: int) -> bool:
        """Whether a night, by its place in the plan from 0 on, belongs to this part."""
        return position % self.count == self.number - 1


class _Rows(TypedDict):
    """Rows of a table as text, each with its place in the plan."""

    header: str
    rows: list[tuple[int, str]]


class _Report(TypedDict):
    """What a part leaves for the last step."""

    number: int
    count: int
    plan: str
    settings: str
    nights: _Rows
    problems: _Rows
    study_notes: list[str]


_SHARED: tuple[Literal["plan", "settings"], ...] = ("plan", "settings")


def read_part(text: str) -> Part:
    """Read ``I/N``.

    Raises
    ------
    StudyError
        It is no part.
    """
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise StudyError(f"--part {text}: expected I/N with 1 ≤ I ≤ N.", "For example --part 2/8, the second of eight.")
    return Part(number=int(number), count=int(count))


def report_part(
    results: Path, part: Part, study: Study, nights: pd.DataFrame, problems: pd.DataFrame, settings: Settings
) -> None:
    """Leave the part's rows of the study's tables for `join_parts`; both tables are indexed by place in the plan."""
    plan = nights[["subject", "session", "condition", "recording"]].astype(str)
    report: _Report = {
        "number": part.number,
        "count": part.count,
        "plan": plan.to_csv(index=False),
        "settings": settings.to_toml(),
        "nights": _rows(nights, part),
        "problems": _rows(problems, part),
        "study_notes": list(study.notes),
    }
    folder = _folder(results)
    if study.needs_template:
        (folder / TEMPLATE).unlink(missing_ok=True)
        write_template(study, folder / TEMPLATE)
    whole = {**report, "sha256": digest_of(report)}
    write_json(whole, folder / f"{part.number}-of-{part.count}.json", indent=None)


def join_parts(results: Path) -> None:
    """Write the study's tables from the reports of its parts; does nothing where there are none.

    Raises
    ------
    StudyError
        A part has not reported, its report is damaged, or parts differ in plan or settings.
    """
    reports = [_read_report(path) for path in sorted(_folder(results).glob("*-of-*.json"))]
    if not reports:
        return
    first = reports[0]
    for report in reports:
        other = [name for name in _SHARED if report[name] != first[name]]
        if other:
            raise StudyError(
                f"{results}: part {_part(report)} had other {other[0]} than part {_part(first)}.",
                "Run every part with the same recordings, study file and settings.",
            )
    parts = [_part(report) for report in reports]
    missing = set(range(1, parts[0].count + 1)) - {part.number for part in parts}
    if missing or len({part.count for part in parts}) > 1:
        reported = ", ".join(map(str, parts))
        raise StudyError(
            f"{results}: only the parts {reported} have reported.",
            "Run "
            + (f"--part {min(missing)}/{parts[0].count}" if missing else "all parts with the same N")
            + ", or `swa run` without --part, which finishes the study.",
        )
    describe_results(results, check_settings(tomllib.loads(first["settings"])))
    keep_study_notes(results, first["study_notes"])
    write_believed(_join([report["nights"] for report in reports]), results / "nights.tsv")
    write_text(_join([report["problems"] for report in reports]), results / "problems.tsv")
    template = _folder(results) / TEMPLATE
    if template.is_file() and not (results / template.name).exists():  # that one may have been filled in
        os.replace(template, results / template.name)


def _read_report(path: Path) -> _Report:
    """What a part left, as it was written.

    Raises
    ------
    StudyError
        It is damaged or edited, or of another version.
    """
    report = read_json(path)
    if report.pop("sha256", None) != digest_of(report) or report.keys() != _Report.__annotations__.keys():
        number = path.stem.replace("-of-", "/")
        raise StudyError(
            f"{path.name}: what part {number} left is damaged, edited, or of another version of swa.",
            f"Run --part {number} again: its finished nights are kept.",
        )
    return cast(_Report, report)


def has_parts(results: Path) -> bool:
    """Whether a part has reported."""
    return any(_folder(results).glob("*-of-*.json"))


def _rows(table: pd.DataFrame, part: Part) -> _Rows:
    """The part's rows as text: read as numbers and written again, they could differ from those of a whole run."""
    header = table_text(table.iloc[:0])
    own = [k for k, place in enumerate(table.index) if part.has(place)]
    texts = [(int(table.index[k]), table_text(table.iloc[[k]])[len(header) :]) for k in own]
    return {"header": header, "rows": texts}


def _part(report: _Report) -> Part:
    return Part(number=report["number"], count=report["count"])


def _join(tables: Sequence[_Rows]) -> str:
    """Rows of all parts in the order of the plan."""
    rows = sorted((place, text) for table in tables for place, text in table["rows"])
    return tables[0]["header"] + "".join(text for _, text in rows)


def _folder(results: Path) -> Path:
    return results / WORK / "parts"
