"""Mean spectra of a study: over subjects by condition, and their change within subjects."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from swa.comparison.compared_nights import COPIED, usable_nights
from swa.comparison.group import FEWEST_TESTED, paired_t
from swa.comparison.headline import leading_marker
from swa.settings import Settings
from swa.study.regions import regions_of_every_night
from swa.study.store import NIGHT_TABLES, NightFolder, read_results
from swa.tables.contrast import Contrast
from swa.tables.files import read_rows
from swa.tables.marker import REGIONS, Marker
from swa.tables.results_tables import GROUP_SPECTRA

SPECTRUM_HZ = (0.5, 30.0)
DB = 10 / np.log(10)


def average_spectra(results: Path, contrasts: Iterable[Contrast], settings: Settings | None = None) -> pd.DataFrame:
    """Mean spectra over subjects, and their changes over the subjects who have both conditions.

    Parameters
    ----------
    results : Path
        The results folder with its stored spectra.
    contrasts : iterable of Contrast
        Those of conditions are shown, others left out.
    settings : Settings, optional
        The declared primary, whose stages, window and channel the spectra are of; the level of the intervals.

    Returns
    -------
    DataFrame
        The columns of ``group_spectra.tsv``. `kind` is ``spectrum`` (geometric mean over the `n` subjects with that
        condition), ``change`` (mean over the `n` subjects with both, with the t interval of each frequency alone, from
        three subjects on) or ``band``: the mean change over the band of slow-wave activity, without a frequency.
    """
    settings = settings or Settings()
    found = read_results(results)
    marker = leading_marker(found, found.nights, settings.comparison)
    nights = usable_nights(found.nights)
    logs = read_spectra(results, nights[~nights[COPIED]], found.measure(marker.measure), marker).dropna(axis=1)
    pairs = [pair for pair in contrasts if pair.is_within]
    if logs.empty:
        return GROUP_SPECTRA.empty()
    there = list(logs.index.unique("condition"))
    order = dict.fromkeys([*(name for pair in pairs for name in (pair.comparator, pair.treatment)), *there])
    parts = [_spectrum_rows(name, logs) for name in order if name in there]  # baselines first
    parts += [_change_rows(pair, logs, settings) for pair in pairs if set(pair.conditions) <= set(there)]
    parts = [part for part in parts if len(part)]
    table = pd.concat(parts, ignore_index=True).reindex(columns=GROUP_SPECTRA.names)
    table = table.assign(channel=marker.channel, stages=marker.stages, window=marker.window)
    return GROUP_SPECTRA.typed(table)


def read_spectra(results: Path, nights: pd.DataFrame, rows: pd.DataFrame, marker: Marker) -> pd.DataFrame:
    """Ln density, (subject, condition) x Hz: the mean over a region's channels and over the nights of a condition.

    Parameters
    ----------
    results : Path
        The results folder.
    nights : DataFrame
        Nights to read.
    rows : DataFrame
        Rows of the marker's measure in the long table: channels that a subject has none of were left out there.
    marker : Marker
        Whose stages, window and channel.
    """
    known = rows[["subject", "session", "channel"]].drop_duplicates().astype(str)
    subjects = known.groupby("subject") if marker.channel in REGIONS else ()
    members = {subject: regions_of_every_night(own).get(marker.channel, []) for subject, own in subjects}
    found = {}
    for night in nights.to_dict("records"):
        path = NightFolder(results, night["subject_label"], night["session_label"]).file(NIGHT_TABLES["spectra"])
        logs = _read_night(path, [*members.get(night["subject"], []), marker.channel], marker)
        if len(logs):
            found[night["subject"], night["condition"], night["session"]] = logs
    return mean_over_nights(pd.DataFrame.from_dict(found, orient="index"))


def mean_over_nights(logs: pd.DataFrame) -> pd.DataFrame:
    """Means by subject and condition of rows whose index is (subject, condition, session)."""
    if logs.empty:
        return logs
    index = pd.MultiIndex.from_tuples(logs.index, names=["subject", "condition", "session"])
    return logs.set_axis(index, axis=0)[sorted(logs.columns)].groupby(level=["subject", "condition"]).mean()


def of_condition(logs: pd.DataFrame, condition: str) -> pd.DataFrame:
    """Rows of one condition, by subject."""
    return logs[logs.index.get_level_values("condition") == condition].droplevel("condition")


def _read_night(path: Path, channels: list[str], marker: Marker) -> pd.Series:
    """Ln density by frequency; empty where nothing is stored."""
    if not path.is_file():
        return pd.Series(dtype=float)
    table = read_rows(path, stages=[marker.stages], window=[marker.window], channel=channels)
    table = table[table["frequency_hz"].between(*SPECTRUM_HZ) & (table["density_uv2_hz"] > 0)]
    logs = pd.Series(np.log(table["density_uv2_hz"].to_numpy(float)), index=table.index)
    return logs.groupby(table["frequency_hz"].round(4)).mean()


def _spectrum_rows(condition: str, logs: pd.DataFrame) -> pd.DataFrame:
    own = of_condition(logs, condition)
    density = np.exp(own.mean(axis=0).to_numpy(float))
    table = pd.DataFrame({"frequency_hz": own.columns.to_numpy(float), "density_uv2_hz": density})
    return table.assign(kind="spectrum", condition=condition, contrast="", n=len(own))


def _change_rows(contrast: Contrast, logs: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    after, before = (of_condition(logs, name) for name in contrast.conditions)
    change = DB * (after - before).dropna(how="all")  # only subjects with both
    if change.empty:
        return pd.DataFrame()
    hertz = change.columns.to_numpy(float)
    low, high = settings.power.swa_hz
    inside = change.loc[:, (hertz >= low) & (hertz <= high)].mean(axis=1)
    parts = [
        _with_interval(change, settings).assign(kind="change", frequency_hz=hertz),
        _with_interval(inside.to_frame(), settings).assign(kind="band"),
    ]
    return pd.concat(parts, ignore_index=True).assign(condition="", contrast=str(contrast), n=len(change))


def _with_interval(change: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Mean over subjects of each column, with its t interval."""
    values = change.to_numpy(float)
    found = paired_t(values, settings.comparison.confidence)
    told = len(change) >= FEWEST_TESTED  # two that happen to agree would give an interval of any width
    low, high = (np.where(told, limit, np.nan) for limit in (found.low, found.high))
    return pd.DataFrame({"change_db": values.mean(axis=0), "low_db": low, "high_db": high})
