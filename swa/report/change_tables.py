"""Tables of the pages: rows of the contrasts and of nights in words, with their footnotes."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from swa.glossary import Entry, read_glossary
from swa.report.words.names import contrast_file, in_sentence, marker_name, unit_of, window_name, with_unit
from swa.report.words.numbers import MINUS, NO_INTERVAL, NOT_MEASURED, describe_change, measured, number, p_value
from swa.settings import Settings
from swa.study.store import StoredNight
from swa.tables.contrast import Contrast
from swa.tables.interval import LEAST_LEVEL
from swa.tables.marker import select
from swa.tables.notes import lacks_variation
from swa.tables.reason import Reason, decode

STATISTICS = (
    ("TIB", "Time in bed (TIB), min"),
    ("TST", "Total sleep time (TST), min"),
    ("SOL", "Latency to the first epoch of sleep (SOL), min"),
    ("WASO", "Wake after sleep onset (WASO), min"),
    ("SE", "Sleep efficiency (SE), %"),
    ("N1", "N1, min"),
    ("N2", "N2, min"),
    ("N3", "N3, min"),
    ("REM", "REM, min"),
)
MANY_CHANNELS = 16
# The tables are written with what every keyboard has.
_SPELLED = {">=": "≥", "SD_w": "SD between nights, ln:"}
Rows = list[tuple[str, list[str]]]


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


@dataclass(frozen=True, kw_only=True)
class ChangeTable:
    """Changes of one contrast.

    Attributes
    ----------
    id : str
        Of the contrast, for the markup.
    contrast : Contrast
        What is held against what.
    markers : list of (str, str, list of ChangeRow)
        In the order of the page: measure, where the glossary explains it, its name, and its rows.
    footnotes : list of (str, str)
        Letter and text.
    """

    id: str
    contrast: Contrast
    markers: list[tuple[str, str, list[ChangeRow]]]
    footnotes: list[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class ValueTable:
    """Plain values: name of a marker, and of each window a cell with its mark for each night."""

    columns: list[str]
    markers: list[tuple[str, list[tuple[str, list[tuple[str, str]]]]]]
    footnotes: list[tuple[str, str]]


def change_table(
    rows: pd.DataFrame, contrast: Contrast, settings: Settings, values: pd.DataFrame | None = None
) -> ChangeTable:
    """Put the rows of one contrast in words."""
    footnotes = Footnotes()
    known = {} if values is None else {(row["measure"], row["window"]): row for _, row in values.iterrows()}
    markers = []
    for measure, group in rows.groupby("measure", sort=False, observed=True):
        found = [
            _change_row(row, settings, known.get((measure, row["window"])), footnotes) for _, row in group.iterrows()
        ]
        explained = str(measure) if measure in read_glossary() else ""
        markers.append((explained, with_unit(marker_name(str(measure), settings), str(measure)), found))
    return ChangeTable(id=contrast_file(contrast), contrast=contrast, markers=markers, footnotes=footnotes.lines)


def _change_row(row: pd.Series, settings: Settings, pair: pd.Series | None, footnotes: Footnotes) -> ChangeRow:
    change = describe_change(row, unit_of(str(row["measure"])))
    reasons = decode(row["reasons"])
    shared = [f"interval: {row['method']}"] if row["method"] and change.interval else []
    shared += [one.words for one in reasons if one.kind.part in ("note", "no interval")]
    if left_out := _words(reasons, "left out"):
        shared.append(f"left out: {', '.join(left_out)}")
    if row["verdict_reasons"]:
        shared.append(str(row["verdict_reasons"]))
    varies = "reliable change" if change.excludes_none else "within variation" if change.interval else ""
    varies = "" if lacks_variation(reasons) or settings.comparison.confidence < LEAST_LEVEL else varies
    return ChangeRow(
        window=window_name(str(row["window"]), settings),
        baseline=NOT_MEASURED if pair is None else measured(float(pair["baseline"])),
        treatment=NOT_MEASURED if pair is None else measured(float(pair["treatment"])),
        change=change.change,
        interval=change.interval or (NO_INTERVAL if change.measured else ""),
        n=change.n,
        reading="; ".join(part for part in (varies, str(row["verdict"])) if part) if change.measured else "",
        p=p_value(float(row["p"])),
        p_adjusted=p_value(float(row["p_adjusted"])),
        role=str(row["role"]),
        statistics=re.sub(r"(?<![a-z])-", MINUS, ", ".join(_words(reasons, "statistic"))),
        marks=footnotes.mark(_spelled(text) for text in shared),
    )


def _words(reasons: Iterable[Reason], part: str) -> list[str]:
    return [one.words for one in reasons if one.kind.part == part]


def _spelled(text: str) -> str:
    for typed, written in _SPELLED.items():
        text = text.replace(typed, written)
    return text


def explain_markers(measures: Iterable[str], settings: Settings) -> list[Entry]:
    """Entries of the glossary for these measures, in their order; those that it does not know are left out.

    Their texts name measures as the long table does, in backticks, and settings in braces; on a page they have the
    names of the field and the values in force.
    """
    glossary = read_glossary()
    return [_in_words(glossary[name].filled(settings)) for name in dict.fromkeys(measures) if name in glossary]


def _in_words(entry: Entry) -> Entry:
    def write(match: re.Match[str]) -> str:
        return in_sentence(marker_name(match[1])) if match[1] in read_glossary() else match[1]

    texts: dict[str, Any] = {
        name: re.sub("`([^`]+)`", write, text) for name, text in vars(entry).items() if isinstance(text, str)
    }
    return replace(entry, **texts)


def value_table(measures: pd.DataFrame, sessions: Sequence[tuple[str, str]], settings: Settings) -> ValueTable:
    """Values of every night, where there is nothing to compare."""
    footnotes = Footnotes()
    markers = []
    for measure, group in measures.groupby("measure", sort=False, observed=True):
        rows = [
            (
                window_name(str(window), settings),
                [_value_cell(select(part, session=session), footnotes) for session, _ in sessions],
            )
            for window, part in group.groupby("window", sort=False, observed=True)
        ]
        markers.append((with_unit(marker_name(str(measure), settings), str(measure)), rows))
    return ValueTable(columns=[name for _, name in sessions], markers=markers, footnotes=footnotes.lines)


def _value_cell(row: pd.DataFrame, footnotes: Footnotes) -> tuple[str, str]:
    if row.empty:
        return NOT_MEASURED, footnotes.mark(["the night has no such window or channel"])
    value, note, n = float(row["value"].iloc[0]), str(row["note"].iloc[0]), int(row["n"].iloc[0])
    if not math.isfinite(value):
        return NOT_MEASURED, footnotes.mark([note or "no reason was stored"])
    return f"{number(value)} (n = {n})", ""


def sleep_table(nights: Sequence[StoredNight]) -> Rows:
    """Sleep of the nights: a name and a cell for each night."""
    statistics = [night.summary.get("statistics", {}) for night in nights]
    return [
        *((name, [_minutes(found.get(key)) for found in statistics]) for key, name in STATISTICS),
        # Where the windows begin is not where SOL ends: a first epoch of N1 alone opens no night.
        (
            "Sleep onset where the windows begin, min after the start of the recording",
            [_minutes(night.summary.get("sleep_onset_min")) for night in nights],
        ),
        ("NREM cycles", [str(night.summary.get("nrem_cycles", NOT_MEASURED)) for night in nights]),
        ("Recording, min", [_minutes(night.summary.get("recording_min")) for night in nights]),
        ("Start of the recording", [_start(night) for night in nights]),
    ]


def quality_table(nights: Sequence[StoredNight], verdicts: Sequence[str]) -> Rows:
    """Staging and verdict, and the share of NREM that is unusable by channel, with the rules that took it.

    Of many channels, those with the same cells share a row.
    """
    staged = [str(night.summary.get("staging_source") or "not stated") for night in nights]
    sure = [night.summary.get("staging_confidence") for night in nights]
    unusable: Rows = []
    for channel in dict.fromkeys(channel for night in nights for channel in night.channels):
        shares = [night.summary.get("unusable_nrem_share", {}).get(channel) for night in nights]
        unusable.append((channel, [NOT_MEASURED if one is None else _shares(one) for one in shares]))
    return [
        ("Staged by", staged),
        ("Mean staging confidence", ["not stated by the scoring" if one is None else f"{one:.2f}" for one in sure]),
        ("Verdict on the night", list(verdicts)),
        *((f"{channel} unusable", cells) for channel, cells in join_equal(unusable)),
    ]


def join_equal(rows: Rows) -> Rows:
    """Rows of more channels than a reader looks through, those with equal cells in one."""
    if len(rows) <= MANY_CHANNELS:
        return rows
    joined: dict[tuple[str, ...], list[str]] = {}
    for name, cells in rows:
        joined.setdefault(tuple(cells), []).append(name)
    return [(", ".join(names), list(cells)) for cells, names in joined.items()]


def channel_table(nights: Sequence[StoredNight]) -> Rows:
    """Channels of the nights: name, and role, labels in the files, and what was done with them in each night."""
    found: dict[tuple[str, str], tuple[dict[str, None], list[str]]] = {}
    for position, night in enumerate(nights):
        for channel in night.document.get("provenance", {}).get("channels", []):
            labels, cells = found.setdefault((channel["name"], channel["role"]), ({}, ["absent"] * len(nights)))
            labels.update(dict.fromkeys(channel["labels"]))
            cells[position] = f"{channel['note'] or 'as recorded'}, {channel['rate_hz']:g} Hz"
    rows = [(name, [role.upper(), ", ".join(labels), *cells]) for (name, role), (labels, cells) in found.items()]
    if len(rows) > MANY_CHANNELS and all(labels == name for name, (_, labels, *_) in rows):
        rows = join_equal([(name, [role, "as named", *cells]) for name, (role, _, *cells) in rows])
    return rows


def _shares(shares: Mapping[str, float]) -> str:
    rules = [f"{name} {_share(value)}" for name, value in shares.items() if name != "any" and value > 0]
    return f"{_share(shares['any'])} %" + (f" ({', '.join(rules)})" if rules else "")


def _share(value: float) -> str:
    percent = 100 * value
    return "0" if percent == 0 else "< 0.1" if percent < 0.1 else f"{percent:.1f}"


def _start(night: StoredNight) -> str:
    start = str(night.summary.get("recording_start") or "")
    return start.replace("T", " ")[:16] or "not stated"


def _minutes(value: object) -> str:
    return f"{float(value):.1f}" if isinstance(value, int | float) and math.isfinite(value) else NOT_MEASURED


def _letter(position: int) -> str:
    return chr(97 + position) if position < 26 else f"{chr(96 + position // 26)}{chr(97 + position % 26)}"
