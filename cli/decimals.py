"""Numbers on the command line, also with a decimal comma."""

import re

import typer


def decimal(text: str | float) -> float:
    """Read a number; 0,8 is 0.8, and 1,000, which may be a thousand elsewhere, is asked about."""
    written = str(text).strip()
    if re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", written):
        point, none = written.replace(",", "."), written.replace(",", "")
        raise typer.BadParameter(f"{written} could be {point} or {none}; write it without the comma.")
    try:
        return float(re.sub(r"^([+-]?\d*),(\d+)$", r"\1.\2", written))
    except ValueError:
        raise typer.BadParameter(f"{written!r} is not a number, like 0.8.") from None
