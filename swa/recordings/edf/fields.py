"""Fields of EDF headers: text in any encoding, numbers with a decimal comma, dates in two digits of the year."""

import contextlib
import datetime
import math
import re

HIDDEN_DATE = datetime.date(1985, 1, 1)  # what exports write for a date that they hide
SIMULATED = "simulated"  # the transducer of signals that no electrode recorded
_FILTER = re.compile(r"\b(HP|LP|TC)\s*[:=]?\s*(\d+(?:[.,]\d+)?)\s*(Hz|s\b)", re.IGNORECASE)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def is_made_up(start: datetime.datetime) -> bool:
    """Whether a date is New Year: of hidden dates, and of clocks that were never set."""
    return (start.month, start.day) == (1, 1)


def read_text(raw: bytes) -> str:
    """Header text, which is ASCII by the standard, and UTF-8 or latin-1 in the wild; no control characters."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def read_number(raw: bytes) -> float | None:
    """A number, also with a decimal comma; None where there is none."""
    text = raw.decode("latin-1").strip(" \0\t\r\n").replace(",", ".")
    if not re.fullmatch(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", text):
        return None
    value = float(text)
    return value if abs(value) < 1e15 else None


def read_filters(text: str) -> tuple[float, float]:
    """What the filters of a header let pass, Hz: 0.3 and 70 of ``HP:0.3Hz LP:70Hz``; 0 and infinity without any.

    Of several, as of a derivation, the narrowest. A time constant (``TC:0.3s``) is a high-pass of 1 / (2π τ).
    """
    low_hz, high_hz = 0.0, math.inf
    for kind, number, unit in _FILTER.findall(text):
        value = float(number.replace(",", "."))
        if value <= 0:
            continue
        if kind.upper() == "LP":
            high_hz = min(high_hz, value) if unit.casefold() == "hz" else high_hz
        else:
            low_hz = max(low_hz, value if unit.casefold() == "hz" else 1 / (2 * math.pi * value))
    return low_hz, high_hz


def show_number(raw: bytes) -> str:
    """A field that should hold a number, for messages: other text may be anything and is not repeated."""
    value = read_number(raw)
    return f"{value:g}" if value is not None else "no number"


def read_clock(raw: bytes) -> datetime.time | None:
    """Time as ``hh.mm.ss``, whatever separates its parts."""
    found = _three_numbers(raw)
    with contextlib.suppress(ValueError):
        return datetime.time(*found) if found else None
    return None


def read_date(raw: bytes) -> datetime.date | None:
    """Date as ``dd.mm.yy``; 85 to 99 are of the last century."""
    found = _three_numbers(raw)
    if not found or found[2] > 99:
        return None
    day, month, year = found
    with contextlib.suppress(ValueError):
        return datetime.date(year + (1900 if year >= 85 else 2000), month, day)
    return None


def read_long_date(text: str) -> datetime.date | None:
    """Date as ``02-MAR-2024``, of the recording field of EDF+."""
    found = re.fullmatch(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})", text)
    if not found or found[2].upper() not in _MONTHS:
        return None
    with contextlib.suppress(ValueError):
        return datetime.date(int(found[3]), _MONTHS.index(found[2].upper()) + 1, int(found[1]))
    return None


def _three_numbers(raw: bytes) -> tuple[int, int, int] | None:
    text = raw.decode("latin-1").replace("\0", " ").strip()
    found = re.fullmatch(r"\s?([0-9]{1,2})[^0-9]{1,2}([0-9]{1,2})[^0-9]{1,2}([0-9]{1,2})", text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None
