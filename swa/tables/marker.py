"""What was measured where: one value for a marker, and the one way to pick rows of a table by it."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from swa.errors import SettingsError

STAGES = ("NREM", "N2", "N3", "REM", "W", "any")
_STAGES_AS_WRITTEN = {"n2+n3": "NREM"}  # how pages and papers write them
MARKER_COLUMNS = ("channel", "stages", "window", "measure", "variant")
REGIONS = ("frontal", "central")
ALL_MINUTES = "all minutes"  # variant of a value of the whole night that is not cut to common minutes
SHARED_COURSE = "shared course"  # variant of Process S with one time constant and asymptote for all conditions
ALL = "all"  # the channel of what is about the whole night
NUMBERED = ("cycle", "hour", "dosehour", "third")
_FIRST = ("first", "min")


@dataclass(frozen=True, order=True)
class Window:
    """A window of the night by its name in the tables.

    Attributes
    ----------
    name : str
        ``night``, ``third-1`` …, ``matched``, ``cycle-1`` …, ``hour-1`` …, ``dosehour-1`` …, ``first60min`` ….
    """

    name: str

    @cached_property
    def kind(self) -> str:
        """``night``, ``third``, ``matched``, ``cycle``, ``hour``, ``dosehour``, ``first``; empty for another name."""
        stem, dash, number = self.name.partition("-")
        if stem in NUMBERED and dash and number.isdecimal():
            return stem
        if self.name in ("night", "matched"):
            return self.name
        return "first" if self._first_min is not None else ""

    @cached_property
    def number(self) -> float:
        """Number of the cycle, hour or third, minutes of a first window; 0 where there is none."""
        if self.kind in NUMBERED:
            return int(self.name.partition("-")[2])
        return self._first_min or 0

    @cached_property
    def _first_min(self) -> float | None:
        begin, end = _FIRST
        middle = self.name.removeprefix(begin).removesuffix(end)
        is_number = middle.replace(".", "", 1).isdecimal()  # minutes of a setting need not be whole
        return float(middle) if self.name == f"{begin}{middle}{end}" and is_number else None


def windows_of_kind(windows: pd.Series, *kinds: str) -> pd.Series:
    """Which rows have a window of one of these kinds; each distinct name is looked at once."""
    texts = windows.astype(str)
    wanted = {name for name in texts.unique() if Window(name).kind in kinds}
    return texts.isin(wanted)


@dataclass(frozen=True, order=True)
class Marker:
    """A measure in stages of a window at a channel.

    Attributes
    ----------
    measure, stages, window, channel, variant : str
        As in the long table; `variant` is empty for the default.
    """

    measure: str
    stages: str
    window: str
    channel: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> "Marker":
        """Read a marker as declared: ``swa NREM cycle-1 frontal``; N2+N3 is NREM, and the channel may hold spaces.

        Raises
        ------
        SettingsError
            It is not four words.
        """
        words = text.split(maxsplit=3)
        if len(words) != 4:
            raise SettingsError(
                f"The declared primary {' '.join(words)!r} is not 'measure stages window channel'.",
                PRIMARY_FORM,
            )
        measure, stages, window, channel = words
        return cls(measure, _STAGES_AS_WRITTEN.get(stages.casefold(), stages), window, channel)

    @property
    def columns(self) -> dict[str, str]:
        """Its names by the columns of a table."""
        return {name: getattr(self, name) for name in MARKER_COLUMNS}

    def at(self, **changes: str) -> "Marker":
        """Return the same marker with some of its parts changed."""
        return replace(self, **changes)

    def select(self, table: pd.DataFrame) -> pd.DataFrame:
        """Rows of a table that are about this marker, by exact names."""
        return select(table, **self.columns)

    def spelled_as(self, table: pd.DataFrame) -> "Marker":
        """Return the marker with its names as the table spells them, where they differ by case alone."""
        found = {}
        for name, own in self.columns.items():
            known = [str(text) for text in table[name].unique()] if name in table else []
            same = (text for text in known if text.casefold() == own.casefold())
            found[name] = own if own in known else next(same, own)
        return Marker(**found)

    def __str__(self) -> str:
        """As declared in a study file: ``swa NREM cycle-1 frontal``."""
        return " ".join(part for part in (self.measure, self.stages, self.window, self.channel, self.variant) if part)


# What a study leads with that declares nothing: where the ketamine effect was reported (Duncan 2013).
DEFAULT_MARKER = Marker("swa", "NREM", "cycle-1", "frontal")
PRIMARY_FORM = f"A primary is four words, measure stages window channel, like '{DEFAULT_MARKER}'."


def select(table: pd.DataFrame, **wanted: str | Collection[str]) -> pd.DataFrame:
    """Rows of a table whose columns hold these values.

    Parameters
    ----------
    table : DataFrame
        Any table with text columns; missing text counts as empty.
    **wanted : str or collection of str
        Column and its value, or the values of which it must have one.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"measure": ["swa", "swa", "wave_density"], "variant": ["", "yasa", ""]})
    >>> select(rows, measure="swa", variant="").index.tolist()
    [0]
    """
    return table[matches(table, **wanted)]


def matches(table: pd.DataFrame, **wanted: str | Collection[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which rows `select` takes."""
    keep = np.ones(len(table), dtype=bool)
    for name, value in wanted.items():
        texts = table[name]
        values = [value] if isinstance(value, str) else list(value)
        here = texts.isin(values)
        if "" in values:
            here |= texts.isna()
        keep &= here.to_numpy(dtype=bool)
    return keep


def lead(declared: Marker | None, table: pd.DataFrame) -> Marker:
    """Find the marker that a study leads with, as a table spells it.

    Parameters
    ----------
    declared : Marker or None
        The primary of the study.
    table : DataFrame
        Measures or contrasts, whose channels and spelling count.

    Returns
    -------
    Marker
        The declared one; else slow-wave activity in N2+N3 of the first NREM cycle, at the frontal channels where there
        are any, else at the central ones, else at the first channel.
    """
    wanted = declared or DEFAULT_MARKER
    if not declared:
        channels = [str(name) for name in table["channel"].unique()]
        wanted = wanted.at(channel=leading_channel(channels, wanted.channel) or wanted.channel)
    return wanted.spelled_as(table)


def leading_channel(channels: Collection[str], wanted: str = DEFAULT_MARKER.channel) -> str:
    """Channel that speaks for a night: the wanted one, else a region, else the first; empty where there is none."""
    spelled = next((name for name in channels if name.casefold() == wanted.casefold()), "")
    signals = [name for name in channels if name != ALL]
    return spelled or next((name for name in REGIONS if name in signals), next(iter(signals), ""))
