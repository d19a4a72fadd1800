"""Regions: the channels of a part of the head taken together, by the mean of their logarithms."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from swa.glossary import read_glossary
from swa.measures.coupling import DEGREES, circular_mean
from swa.recordings.channels import region_channels
from swa.tables.marker import REGIONS

# What may be zero or negative: the mean over a region is arithmetic.
ADDITIVE = {name for name, entry in read_glossary().items() if entry.scale == "difference" or entry.zero_at_times}
ZERO_IN_SOME = "zero in one of its channels: no log-mean"


def regions_of_every_night(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Channels of each region that there is: those that every night (`session`) has."""
    everywhere = rows.groupby("channel")["session"].nunique() == rows["session"].nunique()
    names = [str(name) for name in everywhere.index[everywhere]]
    return region_channels(names, REGIONS)


def region_means(rows: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Mean of each region over its channels, of the logarithm unless the measure is additive; of phases on the circle.

    Parameters
    ----------
    rows : DataFrame
        Rows of single channels: `channel`, `session`, `measure`, `value`, `n`, `note` and the keys.
    keys : sequence of str
        Columns in which the rows that are taken together agree.

    Returns
    -------
    DataFrame
        The columns of `rows`; `channel` is the region. A value is NaN, with the reason, where one of the channels has
        none. `n` is that of the channel with the fewest: channels are not independent observations. Zero in all
        channels stays zero ("none there"); zero in some has no log-mean.
    """
    found = [
        _means(rows[rows["channel"].isin(channels)], keys).assign(channel=place)
        for place, channels in regions_of_every_night(rows).items()
    ]
    return pd.concat(found, ignore_index=True) if found else rows.iloc[:0]


def _means(rows: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    group = rows.groupby(list(keys), sort=False, observed=True).ngroup().to_numpy()  # by numbers: texts are slow
    size = np.bincount(group)
    value = rows["value"].to_numpy(dtype=float)
    additive = rows["measure"].isin(ADDITIVE).to_numpy(dtype=bool)
    zero = ~additive & (value <= 0)
    none_there = np.bincount(group, zero) == size
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(group, np.where(additive, value, np.log(np.where(value > 0, value, np.nan)))) / size
    first = rows[~pd.Series(group).duplicated().to_numpy()]
    phases = rows["unit"].eq(DEGREES).to_numpy(dtype=bool)
    for number in np.unique(group[phases]):
        mean[number] += circular_mean(value[group == number]) - mean[number]  # NaN where a channel has none
    is_log = ~first["measure"].isin(ADDITIVE).to_numpy(dtype=bool)
    mean[is_log] = np.exp(mean[is_log])
    mean[none_there] = 0.0
    notes = rows["note"].where(np.isnan(value), "").mask(zero & ~none_there[group], ZERO_IN_SOME)
    said = notes[(notes != "").to_numpy(dtype=bool)]
    note = said.groupby(group[(notes != "").to_numpy(dtype=bool)]).max().reindex(range(len(size)), fill_value="")
    n = rows["n"].groupby(group).min()
    return first.assign(value=mean, n=n.to_numpy(), note=note.to_numpy())
