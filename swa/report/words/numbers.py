"""How numbers are written: on a page, in a figure, in the methods text and on the terminal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from swa.tables.interval import Interval

MINUS = "\u2212"
NBSP = "\u00a0"  # keeps a number and its sign on one line
NOTHING = "\u2013"
NOT_MEASURED = "not measured"
LOWEST_P, HIGHEST_P = 0.001, 0.99  # beyond them a p is said to be so: 1.0 reads as certainty that there is nothing
NO_INTERVAL = "no interval"
TOO_FEW = "too few to tell"
FEWEST_TO_TELL = 3  # subjects: the interval of two spans what nobody would believe
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_PLAIN = str.maketrans({MINUS: "-", NBSP: " "})


def span(limits: tuple[float, float]) -> str:
    """Two limits, such as 0.5–4."""
    return f"{limits[0]:g}\u2013{limits[1]:g}"


def limit(limits: tuple[float, float], unit: str) -> str:
    """A lower and an upper limit in words; an open end is left out."""
    low, high = limits
    if math.isinf(high):
        return f"at least {low:g} {unit}"
    return f"at most {high:g} {unit}" if low == 0 else f"{span(limits)} {unit}"


def number(value: float, digits: int = 3) -> str:
    """Significant digits, with a minus sign that looks like one; an en dash where there is no number."""
    if not math.isfinite(value):
        return NOTHING
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}".replace("-", MINUS)
    text = f"{value:.{digits}g}"
    text = f"{float(text):.0f}" if "e" in text else text
    if value != 0 and len(text.lstrip("-").replace(".", "").lstrip("0")) < digits:
        text = f"{float(text):.{max(digits - 1 - math.floor(math.log10(abs(float(text)))), 0)}f}"
    return text.replace("-", MINUS)


def measured(value: float) -> str:
    """A number, or that there is none."""
    return number(value) if math.isfinite(value) else NOT_MEASURED


def percent(ratio: float) -> str:
    """A ratio as a change in percent with its sign and one decimal: 1.25 is +25.0 %."""
    change = 100 * (ratio - 1)
    if not math.isfinite(change):
        return NOTHING
    text = f"{change:+.1f}" if abs(change) < 1e5 else ("+" if change > 0 else "") + number(change)
    text = "0.0" if text in ("+0.0", "-0.0") else text
    return text.replace("-", MINUS) + f"{NBSP}%"


def share(value: float) -> str:
    """A share in percent, as it was stated: 0.4 is 40 %."""
    return f"{100 * value:g} %"


def signed(value: float, unit: str = "") -> str:
    """A difference with its sign and unit."""
    if not math.isfinite(value):
        return NOTHING
    text = ("+" if value > 0 else "") + number(value)
    return f"{text} {unit}".strip() if unit != "1" else text


def change(value: float, scale: str, unit: str = "") -> str:
    """A change on the scale of its row: in percent, or in the unit; of a measure in percent in points of it."""
    return percent(value) if scale == "ratio" else signed(value, "points" if unit == "%" else unit)


def interval(low: float, high: float, scale: str, unit: str = "") -> str:
    """The two ends of an interval; empty where there is none."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"{Interval(change(low, scale, unit), change(high, scale, unit))}"


def change_with_interval(estimate: float, low: float, high: float, scale: str, unit: str = "") -> str:
    """A change as a reader reads it: +31.3 % (+18.2 % to +45.8 %)."""
    if not math.isfinite(estimate):
        return NOT_MEASURED
    return f"{change(estimate, scale, unit)} ({interval(low, high, scale, unit) or NO_INTERVAL})"


def p_value(p: float, digits: int = 3) -> str:
    """A p value, with its sign of relation where that is none of equality."""
    if not math.isfinite(p):
        return NOTHING
    if p > HIGHEST_P:
        return f"> {HIGHEST_P:g}"
    return f"< {LOWEST_P:g}" if p < LOWEST_P else number(p, digits)


def p_is(p: float, digits: int = 3) -> str:
    """A p within a sentence: p = 0.031, p < 0.001."""
    said = p_value(p, digits)
    return f"p {said}" if said[0] in "<>" else f"p = {said}"


def plural(count: int, noun: str) -> str:
    """A count with its noun: 1 night, 2 nights."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def join(names: Sequence[str]) -> str:
    """A, B and C."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def in_plain_letters(text: str) -> str:
    """The text for a terminal: a minus and a space that can be typed, and searched for."""
    return text.translate(_PLAIN)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One row of the contrasts in words; `interval` is empty where there is none."""

    measured: bool
    change: str
    interval: str
    excludes_none: bool
    n: int


def describe_change(row: pd.Series, unit: str = "") -> Change:
    """Put one row of the contrasts in words; differences have the unit."""
    scale, null = row["scale"], no_change(row)
    estimate, low, high = (float(row[name]) for name in ("estimate", "ci_low", "ci_high"))
    known = math.isfinite(estimate)
    ends = interval(low, high, scale, unit) if known else ""
    return Change(
        measured=known,
        change=change(estimate, scale, unit) if known else NOT_MEASURED,
        interval=ends,
        excludes_none=bool(ends) and (low > null or high < null),
        n=int(row["n"]),
    )


def no_change(row: pd.Series) -> float:
    """What no change is on the scale of a row."""
    return 1.0 if row["scale"] == "ratio" else 0.0
