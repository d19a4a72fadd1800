"""The marker that a page and the terminal lead with, and the rows that stand with it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from swa.glossary import headline_measures
from swa.recordings.channels import region_channels
from swa.tables.marker import ALL, Marker, lead, select

HEADLINE_WINDOWS = ("cycle-1", "matched", "night")


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The marker that a page leads with.

    Attributes
    ----------
    marker : Marker
        As the long table spells it.
    declared : bool
        Whether the study declared it as its primary.
    members : tuple of str
        Channels that the region stands for; empty for a channel by name.
    """

    marker: Marker
    declared: bool
    members: tuple[str, ...] = ()


def find_headline(declared: Marker | None, table: pd.DataFrame) -> Headline:
    """Find the marker that the page leads with (`lead`); exploratory where none is declared."""
    marker = lead(declared, table)
    channels = [str(name) for name in table["channel"].unique()]
    return Headline(marker=marker, declared=declared is not None, members=members_of(marker.channel, channels))


def headline_rows(
    rows: pd.DataFrame, headline: Headline, measures: Iterable[str] = (), windows: Iterable[str] = HEADLINE_WINDOWS
) -> pd.DataFrame:
    """Rows at the headline's channel and stages: of its own measure and window and of these (the usual), in order.

    Where sleep architecture leads, which is of no channel, the others are where a study leads with them.
    """
    own = headline.marker
    markers = list(dict.fromkeys((own.measure, *(measures or headline_measures()))))
    places = list(dict.fromkeys((own.window, *windows)))
    there = own if own.channel != ALL else lead(None, rows)
    kept = select(rows, channel=there.channel, stages=there.stages, variant="", measure=markers, window=places)
    if there != own:
        kept = pd.concat([own.select(rows), kept])
    order = pd.DataFrame(
        {"marker": kept["measure"].map(markers.index), "window": kept["window"].map(places.index)}, index=kept.index
    )
    return kept.loc[order.sort_values(["marker", "window"], kind="stable").index]


def shown_channel(headline: Headline, channels: Sequence[str]) -> str | None:
    """Channel of the curves and waves: that of the headline, or the first one of its region."""
    exact = [name for name in channels if name == headline.marker.channel]
    return next(iter([*exact, *members_of(headline.marker.channel, channels), *channels]), None)


def members_of(place: str, channels: Collection[str]) -> tuple[str, ...]:
    """Channels that a region stands for."""
    return tuple(region_channels(channels, [place]).get(place, ()))
