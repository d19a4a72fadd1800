"""Tables of the pages: rows of the contrasts and of nights in words, with their footnotes."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import pandas as pd

from swa.glossary import Entry, read_glossary
from swa.report.words.wording import (
    NOT_MEASURED,
    describe_change,
    file_name,
    in_sentence,
    marker_name,
    number,
    p_value,
    window_name,
)
from swa.settings import Settings
from swa.study.store import StoredNight

STATISTICS = (
    ("TIB", "Time in bed (TIB)", "min"),
    ("TST", "Total sleep time (TST)", "min"),
    ("SOL", "Latency to the first epoch of sleep (SOL)", "min"),
    ("WASO", "Wake after sleep onset (WASO)", "min"),
    ("SE", "Sleep efficiency (SE)", "%"),
    ("N1", "N1", "min"),
    ("N2", "N2", "min"),
    ("N3", "N3", "min"),
    ("REM", "REM", "min"),
)
# Parts of a note that say how a row reads or that differ from row to row; the rest is the same text in many rows.
READINGS = {"reliable change": "reliable change", "within night-to-night variation": "within variation"}
MANY_CHANNELS = 16
STATISTIC_PARTS = ("paired t(", "g_av ")


@dataclass
class Footnotes:
    """Texts that many rows share, each written once below the table."""

    texts: list[str] = field(default_factory=list)

    def mark(self, texts: Iterable[str]) -> str:
        """Letters of these texts, such as ``a, c``."""
        letters = []
        for text in texts:
            if text not in self.texts:
                self.texts.append(text)
            letters.append(_letter(self.texts.index(text)))
        return ", ".join(letters)

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Letter and text of each."""
        return [(_letter(i), text) for i, text in enumerate(self.texts)]


@dataclass(frozen=True, kw_only=True)
class ChangeRow:
    """A row of a table of changes, as text."""

    measure: str
    marker: str
    span: int
    window: str
    baseline: str
    treatment: str
    change: str
    interval: str
    n: int
    reading: str
    p: str
    p_adjusted: str
    role: str
    statistics: str
    marks: str
    measured: bool


@dataclass(frozen=True, kw_only=True)
class ChangeTable:
    """Changes of one contrast.

    Attributes
    ----------
    id : str
        Of the contrast, for the markup.
    treatment, baseline : str
        The two conditions.
    rows : tuple of ChangeRow
        In the order of the page; `span` is the number of rows of a marker in its first row, else 0.
    footnotes : list of (str, str)
        Letter and text.
    """

    id: str
    treatment: str
    baseline: str
    rows: tuple[ChangeRow, ...]
    footnotes: list[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class ValueTable:
    """Plain values: a row for each marker and window, a column for each night."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, int, str, tuple[tuple[str, str], ...]], ...]
    footnotes: list[tuple[str, str]]


def change_table(
    rows: pd.DataFrame, settings: Settings, units: Mapping[str, str], values: pd.DataFrame | None = None
) -> ChangeTable:
    """Put the rows of one contrast in words.

    Parameters
    ----------
    rows : DataFrame
        Rows of the contrasts, in the order of the page.
    settings : Settings
        For names of bands and windows.
    units : mapping of str to str
        Unit by measure.
    values : DataFrame, optional
        Baseline and treatment values of the subject: measure, window, baseline, treatment.
    """
    treatment, _, baseline = str(rows["contrast"].iloc[0]).partition(":")
    footnotes = Footnotes()
    known = {} if values is None else {(row["measure"], row["window"]): row for _, row in values.iterrows()}
    found = []
    for measure, group in groupby((row for _, row in rows.iterrows()), key=lambda row: str(row["measure"])):
        members = list(group)
        unit = units.get(measure, "")
        name = marker_name(measure, settings) + (f", {unit}" if unit not in ("", "1") else "")
        for position, row in enumerate(members):
            pair = known.get((measure, row["window"]))
            found.append(_change_row(row, name, 0 if position else len(members), settings, unit, pair, footnotes))
    return ChangeTable(
        id=file_name(f"{treatment}{baseline}"),
        treatment=treatment,
        baseline=baseline,
        rows=tuple(found),
        footnotes=footnotes.lines,
    )


def _change_row(
    row: pd.Series,
    name: str,
    span: int,
    settings: Settings,
    unit: str,
    pair: pd.Series | None,
    footnotes: Footnotes,
) -> ChangeRow:
    change = describe_change(row, unit)
    parts = _note_parts(str(row["note"]))
    reading = next((READINGS[part] for part in parts if part in READINGS), "")
    statistics = [part for part in parts if part.startswith(STATISTIC_PARTS)]
    shared = [part for part in parts if part not in READINGS and part not in statistics]
    if row["method"] and not str(row["method"]).startswith("no interval"):
        shared.insert(0, f"interval: {row['method']}".replace("SD_w", "SD between nights, ln:"))
    if row["verdict_reasons"]:
        shared.append(str(row["verdict_reasons"]))
    return ChangeRow(
        measure=str(row["measure"]) if row["measure"] in read_glossary() else "",
        marker=name,
        span=span,
        window=window_name(str(row["window"]), settings),
        baseline=NOT_MEASURED if pair is None else _value(float(pair["baseline"])),
        treatment=NOT_MEASURED if pair is None else _value(float(pair["treatment"])),
        change=change.change,
        interval=change.interval or ("no interval" if change.measured else ""),
        n=change.n,
        reading="; ".join(part for part in (reading, str(row["verdict"])) if part) if change.measured else "",
        p=p_value(float(row["p"])),
        p_adjusted=p_value(float(row["p_adjusted"])),
        role=str(row["role"]),
        statistics=", ".join(statistics).replace("-", "\u2212"),
        marks=footnotes.mark(text.replace(">=", "≥") for text in shared),
        measured=change.measured,
    )


def explain_markers(measures: Iterable[str], settings: Settings) -> list[Entry]:
    """Entries of the glossary for these measures, in their order; those that it does not know are left out.

    Their texts name measures as the long table does, in backticks; on a page they have the names of the field.
    """
    glossary = read_glossary()
    return [_in_words(glossary[name].filled(settings)) for name in dict.fromkeys(measures) if name in glossary]


def _in_words(entry: Entry) -> Entry:
    def write(match: re.Match[str]) -> str:
        return in_sentence(marker_name(match[1])) if match[1] in read_glossary() else match[1]

    texts = {name: re.sub("`([^`]+)`", write, text) for name, text in vars(entry).items() if isinstance(text, str)}
    return replace(entry, **texts)  # type: ignore[arg-type]


def _note_parts(note: str) -> list[str]:
    """Parts of a note; what follows a semicolon within a part goes on in small letters after its beginning."""
    parts: list[str] = []
    for part in note.split("; "):
        if part.startswith("a shorter window") and parts:
            parts[-1] += f"; {part}"
        elif part:
            parts.append(part)
    return parts


def value_table(
    measures: pd.DataFrame, sessions: Sequence[tuple[str, str]], settings: Settings, units: Mapping[str, str]
) -> ValueTable:
    """Values of every night, where there is nothing to compare.

    Parameters
    ----------
    measures : DataFrame
        Rows of one subject, channel and stages, in the order of the page.
    sessions : sequence of (str, str)
        Session and heading of each night.
    settings : Settings
        For names of bands and windows.
    units : mapping of str to str
        Unit by measure.
    """
    footnotes = Footnotes()
    rows = []
    counts = measures.groupby("measure", observed=True)["window"].nunique().to_dict()
    before = ""
    for (measure, window), part in measures.groupby(["measure", "window"], sort=False, observed=True):
        cells = tuple(_value_cell(part[part["session"] == session], footnotes) for session, _ in sessions)
        unit = units.get(str(measure), "")
        name = marker_name(str(measure), settings) + (f", {unit}" if unit not in ("", "1") else "")
        span = 0 if measure == before else counts[measure]
        rows.append((name, span, window_name(str(window), settings), cells))
        before = str(measure)
    return ValueTable(columns=tuple(name for _, name in sessions), rows=tuple(rows), footnotes=footnotes.lines)


def _value_cell(row: pd.DataFrame, footnotes: Footnotes) -> tuple[str, str]:
    if row.empty:
        return NOT_MEASURED, footnotes.mark(["the night has no such window or channel"])
    value, note, n = float(row["value"].iloc[0]), str(row["note"].iloc[0]), int(row["n"].iloc[0])
    if not math.isfinite(value):
        return NOT_MEASURED, footnotes.mark([note or "no reason was stored"])
    return f"{number(value)} (n = {n})", ""


def sleep_table(nights: Sequence[StoredNight]) -> list[tuple[str, list[str]]]:
    """Sleep of the nights: a name and a cell for each night."""
    rows = [
        (
            f"{name}, {unit}",
            [_optional(night.summary.get("statistics", {}).get(key)) for night in nights],
        )
        for key, name, unit in STATISTICS
    ]
    # Where the windows begin is not where SOL ends: a first epoch of N1 alone opens no night.
    rows.append(
        (
            "Sleep onset of the windows, min of the recording",
            [_optional(night.summary.get("sleep_onset_min")) for night in nights],
        )
    )
    rows.append(("NREM cycles", [str(night.summary.get("nrem_cycles", NOT_MEASURED)) for night in nights]))
    rows.append(("Recording, min", [_optional(night.summary.get("recording_min")) for night in nights]))
    rows.append(("Start of the recording", [_start(night) for night in nights]))
    return rows


def quality_table(nights: Sequence[StoredNight]) -> list[tuple[str, list[str]]]:
    """Share of NREM that is unusable, by channel and night, with the rules that took it.

    Of many channels, those with the same cells share a row.
    """
    channels = list(dict.fromkeys(channel for night in nights for channel in night.channels))
    rows = []
    for channel in channels:
        cells = []
        for night in nights:
            shares = night.summary.get("unusable_nrem_share", {}).get(channel)
            cells.append(NOT_MEASURED if shares is None else _shares(shares))
        rows.append((channel, cells))
    return join_equal(rows)


def join_equal(rows: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """Rows of more channels than a reader looks through, those with equal cells in one."""
    if len(rows) <= MANY_CHANNELS:
        return rows
    joined: dict[tuple[str, ...], list[str]] = {}
    for name, cells in rows:
        joined.setdefault(tuple(cells), []).append(name)
    return [(", ".join(names), list(cells)) for cells, names in joined.items()]


def _shares(shares: Mapping[str, float]) -> str:
    rules = [f"{name} {_share(value)}" for name, value in shares.items() if name != "any" and value > 0]
    return f"{_share(shares['any'])} %" + (f" ({', '.join(rules)})" if rules else "")


def _share(value: float) -> str:
    percent = 100 * value
    return "0" if percent == 0 else "< 0.1" if percent < 0.1 else f"{percent:.1f}"


def _start(night: StoredNight) -> str:
    start = str(night.summary.get("recording_start") or "")
    return start.replace("T", " ")[:16] or "not stated"


def _value(value: float) -> str:
    return number(value) if math.isfinite(value) else NOT_MEASURED


def _optional(value: object) -> str:
    return f"{float(value):.1f}" if isinstance(value, int | float) and math.isfinite(value) else NOT_MEASURED


def _letter(position: int) -> str:
    return chr(97 + position) if position < 26 else f"{chr(96 + position // 26)}{chr(97 + position % 26)}"
