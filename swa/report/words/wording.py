"""How markers, windows and numbers are written on a page."""

import math
from dataclasses import dataclass

import pandas as pd

from swa.glossary import name_of
from swa.settings import Settings

MINUS = "\u2212"
NBSP = "\u00a0"  # keeps a number and its sign on one line
NOT_MEASURED = "not measured"
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
HEADLINE_WINDOWS = ("cycle-1", "matched", "night")

_STAGES = {"NREM": "N2+N3", "REM": "REM", "W": "wake", "any": "any stage"}


def marker_name(measure: str, settings: Settings | None = None) -> str:
    """Name of a measure; with settings, the limits of its band behind it.

    Parameters
    ----------
    measure : str
        As in the long table.
    settings : Settings, optional
        Where the bands stand.
    """
    name = name_of(measure)
    bands = settings.power.bands_hz if settings else {}
    return f"{name} ({span(bands[measure])} Hz)" if measure in bands else name


def stages_name(stages: str) -> str:
    """Stages as a sleep researcher writes them: ``NREM`` is N2+N3."""
    return _STAGES.get(stages, stages)


def window_name(window: str, settings: Settings) -> str:
    """Name of a window of the night."""
    kind, _, number = window.partition("-")
    if window == "night":
        return "Whole night"
    if window == "matched":
        return f"First {settings.windows.matched_min:g} min of clean NREM"
    if window.startswith("first") and window.endswith("min"):
        return f"First {window.removeprefix('first').removesuffix('min')} min after sleep onset, any stage"
    names = {"cycle": "NREM cycle", "hour": "Hour after sleep onset", "dosehour": "Hour after the dose"}
    return f"{names[kind]} {number}" if kind in names and number else window


def in_sentence(name: str) -> str:
    """The same name within a sentence: first letter small, unless the word is an abbreviation."""
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def span(limits: tuple[float, float]) -> str:
    """Two limits, such as 0.5–4."""
    return f"{limits[0]:g}\u2013{limits[1]:g}"


def limit(limits: tuple[float, float], unit: str) -> str:
    """A lower and an upper limit in words; an open end is left out."""
    low, high = limits
    if math.isinf(high):
        return f"at least {low:g} {unit}"
    return f"at most {high:g} {unit}" if low == 0 else f"{span(limits)} {unit}"


def number(value: float) -> str:
    """Three significant digits, with a minus sign that looks like one; an en dash where there is none."""
    if not math.isfinite(value):
        return "\u2013"
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}".replace("-", MINUS)
    text = f"{value:.3g}"
    text = f"{float(text):.0f}" if "e" in text else text
    digits = len(text.lstrip("-").replace(".", "").lstrip("0"))
    if value != 0 and digits < 3:
        text = f"{float(text):.{max(2 - math.floor(math.log10(abs(float(text)))), 0)}f}"
    return text.replace("-", MINUS)


def percent(ratio: float) -> str:
    """A ratio as a change in percent with its sign and one decimal: 1.25 is +25.0 %."""
    change = 100 * (ratio - 1)
    if not math.isfinite(change):
        return "\u2013"
    text = f"{change:+.1f}" if abs(change) < 1e5 else ("+" if change > 0 else "") + number(change)
    text = "0.0" if text in ("+0.0", "-0.0") else text
    return text.replace("-", MINUS) + f"{NBSP}%"


def signed(value: float, unit: str = "") -> str:
    """A difference with its sign and unit."""
    if not math.isfinite(value):
        return "\u2013"
    text = ("+" if value > 0 else "") + number(value)
    return f"{text} {unit}".strip() if unit != "1" else text


def p_value(p: float) -> str:
    """A p value with its sign of relation."""
    if not math.isfinite(p):
        return "\u2013"
    return "< 0.001" if p < 0.001 else number(p)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One row of the contrasts in words.

    Attributes
    ----------
    measured : bool
        Whether there is a change at all.
    change, interval : str
        In percent for ratios, in the unit for differences; `interval` is empty where there is none.
    excludes_none : bool
        Whether the interval excludes no change.
    n : int
        Nights of one subject, or subjects.
    reason : str
        Why there is no change or no interval.
    """

    measured: bool
    change: str
    interval: str
    excludes_none: bool
    n: int
    reason: str


def describe_change(row: pd.Series, unit: str = "") -> Change:
    """Put one row of the contrasts in words.

    Parameters
    ----------
    row : Series
        A row of the contrasts.
    unit : str
        Unit of the marker, for differences.
    """
    is_ratio = row["scale"] == "ratio"
    null = 1.0 if is_ratio else 0.0

    def write(value: float) -> str:
        return percent(value) if is_ratio else signed(value, unit)

    estimate, low, high = (float(row[name]) for name in ("estimate", "ci_low", "ci_high"))
    if not math.isfinite(estimate):
        return Change(
            measured=False,
            change=NOT_MEASURED,
            interval="",
            excludes_none=False,
            n=int(row["n"]),
            reason=str(row["note"] or "no value in one of the nights"),
        )
    has_interval = math.isfinite(low) and math.isfinite(high)
    return Change(
        measured=True,
        change=write(estimate),
        interval=f"{write(low)} to {write(high)}" if has_interval else "",
        excludes_none=has_interval and (low > null or high < null),
        n=int(row["n"]),
        reason="" if has_interval else _why_no_interval(str(row["note"])),
    )


def _why_no_interval(note: str) -> str:
    reasons = [part for part in note.split("; ") if part.startswith(("no interval", "one subject", "too few"))]
    text = "; ".join(reasons).removeprefix("no interval: ").replace(">=", "≥")
    return text.replace("one subject: no interval over subjects", "there is one subject") or "no reason was stored"


def plural(count: int, noun: str) -> str:
    """A count with its noun: 1 night, 2 nights."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def join(names: list[str]) -> str:
    """A, B and C."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def file_name(text: str) -> str:
    """Letters and digits of a text, for names of files and marks."""
    return "".join(letter for letter in text if letter.isascii() and letter.isalnum()) or "x"
