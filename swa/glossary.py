"""What every measure is: name, symbol, definition, formula, unit, source, what raises and lowers it.

The one home of these texts is `glossary.toml` beside this file; docs/measures.md and the pages are made from it.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

GROUPS = {
    "time": "Time",
    "power": "Spectral power",
    "aperiodic": "Aperiodic part of the spectrum",
    "waves": "Slow waves",
    "matched": "Slope at equal amplitude",
    "homeostasis": "Homeostasis",
    "spindles": "Spindles",
    "coupling": "Coupling of slow waves and spindles",
    "travelling": "Travelling of slow waves",
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One measure of the long table.

    Attributes
    ----------
    measure : str
        As in the column `measure`.
    name, symbol : str
        As on a page, and as in a formula.
    group : str
        Chapter, a key of `GROUPS`.
    unit : str
        As in the column `unit`; ``1`` for a number without one.
    scale : str
        How nights are compared: by their ``ratio``, or by their ``difference`` where a value can be zero or negative,
        or a ratio has no meaning. Means over channels and nights follow: geometric, or arithmetic.
    definition : str
        One sentence.
    formula : str
        How it is computed.
    source : str
        Who defined it.
    raises, lowers : str
        What moves it, besides what one looks for.
    note : str
        What a reader must know; may be empty.
    """

    measure: str
    name: str
    symbol: str
    group: str
    unit: str
    definition: str
    formula: str
    source: str
    raises: str
    lowers: str
    note: str = ""
    scale: str = "ratio"


@cache
def read_glossary() -> dict[str, Entry]:
    """All entries by measure, in the order in which they are shown."""
    texts = tomllib.loads(files("swa").joinpath("glossary.toml").read_text(encoding="utf-8"))
    return {measure: Entry(measure=measure, **fields) for measure, fields in texts.items()}


def name_of(measure: str) -> str:
    """Name of a measure as on a page; one that the glossary does not know keeps its own."""
    entry = read_glossary().get(measure)
    return entry.name if entry else measure.replace("_", " ").capitalize()
