"""What every measure is: name, symbol, definition, formula, unit, source, what raises and lowers it.

The one home of these texts is `glossary.toml` beside this file; docs/measures.md and the pages are made from it.
"""

import math
import tomllib
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel

from swa.tables.schema import fill


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
        Chapter, a key of `read_groups`.
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
    gain_free : bool
        Whether a factor on the whole signal leaves it as it is, so that a gain change is no objection.
    compared : bool
        Whether it is a marker at all, not what markers rest on.
    shared_over_nights : bool
        Whether it is fitted once over all nights of a subject, so that it cannot differ between them.
    over_night : str
        How its value over the NREM of a night hangs on the night's length: ``cut`` where nights are cut to common
        minutes, ``whole`` where that is not possible, ``free`` where it does not; of sleep architecture ``bed``
        where it hangs on the time in bed; empty for what has no value of NREM.
    zero_at_times : bool
        Whether a ratio measure can be zero, so that its mean over a region is arithmetic.
    band : tuple of str
        Settings of the frequencies that it is measured in, such as ``power.swa_hz``.
    reliability : float
        SD between nights of a subject (ln) as a share of that of power; NaN where no reliability is stated.
    windows : dict of str to float
        How many times as much as the whole night a window varies between nights, where that is stated.
    scatter_alone : bool
        Whether the reliability is that of waves and stages alone, because what else nights of a person do is not known.
    read_as_course : bool
        Whether a change of it may be one of another part of the course of Process S, which subjects do not tell.
    within_sd, within_df : float and int
        SD between nights of a subject in its unit, of the whole night, and its degrees of freedom; NaN where none is
        stated.
    error : str
        Measure that has the error of its fit, SD of the ln, which the interval of one subject takes in; or empty.
    headline : int
        Place among the markers that pages lead with; 0 for the others.
    short : str
        Name where there is little room; empty where it is never asked for.
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
    gain_free: bool = False
    compared: bool = True
    shared_over_nights: bool = False
    over_night: str = ""
    zero_at_times: bool = False
    band: tuple[str, ...] = ()
    reliability: float = math.nan
    windows: dict[str, float] = field(default_factory=dict, hash=False)
    scatter_alone: bool = False
    read_as_course: bool = False
    within_sd: float = math.nan
    within_df: int = 0
    error: str = ""
    headline: int = 0
    short: str = ""

    def filled(self, settings: BaseModel) -> "Entry":
        """Return the entry with the settings in force in its texts (`swa.tables.schema.fill`)."""
        texts = {name: fill(text, settings) for name, text in vars(self).items() if isinstance(text, str)}
        return replace(self, **texts)  # type: ignore[arg-type]


@cache
def _read() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("swa").joinpath("glossary.toml").read_text(encoding="utf-8"))


@cache
def read_groups() -> dict[str, str]:
    """Titles of the chapters, in their order."""
    return _read()["groups"]


@cache
def read_glossary() -> dict[str, Entry]:
    """All entries by measure, in the order in which they are shown; settings stand in braces (`Entry.filled`)."""
    return {
        measure: Entry(measure=measure, **fields | {"band": tuple(fields.get("band", ()))})
        for measure, fields in _read().items()
        if measure != "groups"
    }


@cache
def measures_in(group: str) -> tuple[str, ...]:
    """Measures of a chapter, in their order."""
    return tuple(name for name, entry in read_glossary().items() if entry.group == group)


@cache
def headline_measures() -> tuple[str, ...]:
    """Measures that pages lead with, in their order: power, how many and how large the waves are, how steep."""
    entries = [entry for entry in read_glossary().values() if entry.headline]
    return tuple(entry.measure for entry in sorted(entries, key=lambda entry: entry.headline))


@cache
def short_names() -> dict[str, str]:
    """Short names of the headline measures that have one, by measure."""
    return {name: read_glossary()[name].short for name in headline_measures() if read_glossary()[name].short}


@cache
def measures_that(fact: str) -> frozenset[str]:
    """Measures of which a fact of the glossary is true, such as ``gain_free``."""
    return frozenset(name for name, entry in read_glossary().items() if getattr(entry, fact))


@cache
def measures_over_night(how: str) -> frozenset[str]:
    """Measures whose value over a night hangs on its length, by what can be done about it (`Entry.over_night`)."""
    return frozenset(name for name, entry in read_glossary().items() if entry.over_night == how)


def bands_hz(settings: BaseModel) -> dict[str, tuple[tuple[float, float], ...]]:
    """Frequencies that each measure is measured in, Hz, with these settings; of those that have any."""
    return {
        measure: tuple(_limits(settings, name) for name in entry.band)
        for measure, entry in read_glossary().items()
        if entry.band
    }


def _limits(settings: BaseModel, name: str) -> tuple[float, float]:
    group, key = name.split(".")
    low, high = getattr(getattr(settings, group), key)
    return float(low), float(high)


def name_of(measure: str) -> str:
    """Name of a measure as on a page; one that the glossary does not know keeps its own."""
    entry = read_glossary().get(measure)
    return entry.name if entry else measure.replace("_", " ").capitalize()
