"""What needs all nights of a subject: regions, limits fixed on the baseline, steepness at equal amplitude."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.measures import windows
from swa.night import MEASURE_COLUMNS
from swa.recordings.channels import region
from swa.settings import Settings
from swa.study.store import KEY, NightFolder, write_table

REGIONS = ("frontal", "central")
# Measures whose zero or negative values have no logarithm: their mean over a region is arithmetic.
ADDITIVE = ("swa_decline", "wave_multipeak_fraction", "analysed_minutes")
AMPLITUDE_PERCENTILE = 0.9
REFERENCE_PERCENTILE = 0.75
FEWEST_WAVES = 30
ROW_COLUMNS = ["session", "condition", *MEASURE_COLUMNS]
NO_BASELINE = "the subject's baseline nights have no such wave in this channel, or there is no baseline night"


@dataclass(frozen=True, kw_only=True)
class SubjectTask:
    """The finished nights of one subject.

    Attributes
    ----------
    subject, label : str
        As in the study file, and as in file names.
    nights : tuple of (session, session_label, condition, adaptation)
        In the order of the study file.
    baseline : str
        Name of the baseline condition; empty when the study has none.
    results : Path
        The results folder.
    settings : Settings
        All settings.
    """

    subject: str
    label: str
    nights: tuple[tuple[str, str, str, bool], ...]
    baseline: str
    results: Path
    settings: Settings


@dataclass(frozen=True)
class _StoredNight:
    """The tables of a finished night, read when asked for."""

    session: str
    condition: str
    is_baseline: bool
    folder: NightFolder
    settings: Settings

    @cached_property
    def waves(self) -> pd.DataFrame:
        return self.folder.read("waves")

    @cached_property
    def epochs(self) -> pd.DataFrame:
        return self.folder.read("epochs")

    @cached_property
    def summary(self) -> dict[str, Any]:
        return (self.folder.summary() or {})["summary"]

    def bad_channels(self) -> list[str]:
        limit = self.settings.artifacts.bad_channel_share
        return [name for name, shares in self.summary["unusable_nrem_share"].items() if shares["any"] > limit]

    def stretches(self, channel: str) -> tuple[list[windows.Stretch], NDArray[np.float64], float]:
        """NREM stretches of one channel, its usable time per epoch, and the epoch length."""
        epochs = self.epochs[self.epochs["channel"] == channel]
        stages = epochs["stage"].to_numpy(dtype="U3")
        onsets = epochs["onset_s"].to_numpy()
        epoch_s = float(onsets[1] - onsets[0]) if len(onsets) > 1 else 30.0
        onset_s = self.summary["sleep_onset_min"]
        found = windows.find_stretches(
            stages,
            epoch_s,
            self.folder.read("cycles"),
            np.nan if onset_s is None else onset_s * 60,
            self.summary["dose_s"],
            self.settings.windows,
        )
        usable_s = epochs["usable_s"].to_numpy(dtype=float)
        found.append(windows.find_matched(found, usable_s, self.settings.windows))
        return [stretch for stretch in found if stretch.stages in ("NREM", "N2", "N3")], usable_s, epoch_s


def combine_subject(task: SubjectTask) -> list[dict[str, str]]:
    """Write the subject's rows of the long table; returns problems: channels left out of all nights.

    Parameters
    ----------
    task : SubjectTask
        The subject.

    Returns
    -------
    list of dict
        Rows of `problems.tsv`.
    """
    nights = [
        _StoredNight(
            session,
            condition,
            condition == task.baseline and not adaptation,
            NightFolder(task.results, task.label, session_label),
            task.settings,
        )
        for session, session_label, condition, adaptation in task.nights
    ]
    dropped = {channel: night.session for night in nights for channel in night.bad_channels()}
    tables = []
    for night in nights:
        table = night.folder.read("measures")
        table = table[~table["channel"].isin(dropped)]
        tables.append(table.assign(session=night.session, condition=night.condition))
    rows = pd.concat([*tables, *_baseline_fixed(nights, dropped), *_matched_slopes(nights, dropped)], ignore_index=True)
    rows = pd.concat([rows, _regions(rows)], ignore_index=True)
    rows.insert(0, "subject", task.subject)
    rows = rows[["subject", "session", "condition", *MEASURE_COLUMNS]]
    rows = rows.sort_values(["measure", *KEY[:5], "variant"], kind="stable", ignore_index=True)
    write_table(rows, subject_file(task.results, task.label))
    limit = task.settings.artifacts.bad_channel_share
    return [
        {
            "subject": task.subject,
            "session": session,
            "recording": "",
            "step": "channel",
            "problem": f"{channel}: more than {limit:.0%} of its NREM is unusable in session {session}; "
            "left out of all nights.",
            "remedy": "Look at the electrode; the other channels are not touched.",
        }
        for channel, session in dropped.items()
    ]


def subject_file(results: Path, label: str) -> Path:
    """The subject's rows of the long table."""
    return results / f"sub-{label}" / f"sub-{label}_task-sleep_desc-measures.parquet"


def _regions(rows: pd.DataFrame) -> pd.DataFrame:
    """Log-mean over the channels of a region that every night has, and the frontal/central ratio of SWA."""
    n_nights = rows["session"].nunique()
    everywhere = rows.groupby("channel")["session"].nunique() == n_nights
    places = {channel: region(channel) for channel in everywhere.index[everywhere]}
    keys = ["session", "condition", "stages", "window", "measure", "variant"]
    found = []
    for place in REGIONS:
        part = rows[rows["channel"].map(places) == place]
        if part.empty:
            continue
        found.append(_log_mean(part, keys).assign(channel=place))
    if len(found) == 2:
        front, centre = (part[part["measure"] == "swa"].set_index(keys) for part in found)
        both = front.assign(central=centre["value"], why=centre["note"]).reset_index()  # side by side, by their keys
        both["value"] /= both.pop("central")
        both["note"] = both["note"].where(both["note"] != "", both.pop("why"))
        found.append(both.assign(measure="frontal_central_ratio", unit="1", channel="frontal/central"))
    return pd.concat(found, ignore_index=True) if found else rows.iloc[:0]


def _log_mean(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Mean over channels, of the logarithm unless the measure is additive; NaN, with the reason, where one is NaN."""
    additive, missing = rows["measure"].isin(ADDITIVE), rows["value"].isna()
    zero = ~additive & (rows["value"] <= 0)
    value = rows["value"].where(additive, np.log(rows["value"].where(rows["value"] > 0)))
    note = rows["note"].where(missing, "").mask(zero, "zero in one of its channels: no log-mean")
    grouped = rows.assign(value=value, note=note).groupby(keys, sort=False)
    mean = grouped.agg(
        value=("value", lambda values: values.mean(skipna=False)),
        n=("n", "sum"),
        unit=("unit", "first"),
        note=("note", "max"),  # any that is not empty
    ).reset_index()
    mean["value"] = mean["value"].where(mean["measure"].isin(ADDITIVE), np.exp(mean["value"]))
    return mean


def _channels(nights: Sequence[_StoredNight], dropped: dict[str, str]) -> list[str]:
    names = dict.fromkeys(name for night in nights for name in night.summary["channels"])
    return [name for name in names if name not in dropped]


def _baseline_fixed(nights: Sequence[_StoredNight], dropped: dict[str, str]) -> list[pd.DataFrame]:
    """Density of half-waves above the 90th percentile of the baseline nights, each night weighted equally."""
    rows: list[tuple[object, ...]] = []
    for channel in _channels(nights, dropped):
        amplitudes = [
            night.waves.loc[night.waves["channel"] == channel, "negative_amplitude_uv"].to_numpy(dtype=float)
            for night in nights
            if night.is_baseline
        ]
        limit = _pooled_quantile([a for a in amplitudes if len(a)], AMPLITUDE_PERCENTILE)
        for night in nights:
            rows += [(night.session, night.condition, *row) for row in _density_rows(night, channel, limit)]
    return [pd.DataFrame(rows, columns=ROW_COLUMNS)] if rows else []


def _density_rows(night: _StoredNight, channel: str, limit: float) -> list[tuple[object, ...]]:
    if channel not in night.summary["channels"]:
        return []
    stretches, usable_s, epoch_s = night.stretches(channel)
    waves = night.waves[night.waves["channel"] == channel]
    epoch = (waves["negative_peak_s"].to_numpy() / epoch_s).astype(int)
    large = waves["negative_amplitude_uv"].to_numpy() > limit
    rows: list[tuple[object, ...]] = []
    for stretch in stretches:
        minutes, minimum_min = usable_s[stretch.epochs].sum() / 60, night.settings.windows.minimum_min
        reason = stretch.reason or ("" if np.isfinite(limit) else NO_BASELINE)
        if not reason and minutes < minimum_min:
            reason = f"{minutes:.1f} min of usable time, {minimum_min:g} are needed"
        n = int((large & stretch.epochs[epoch]).sum())
        value, note = (np.nan, reason) if reason else (n / minutes, f"above {limit:.1f} µV")
        key = (channel, stretch.stages, stretch.window)
        rows.append((*key, "wave_density_baseline_fixed", "", value, "1/min", n, note))
    return rows


def _matched_slopes(nights: Sequence[_StoredNight], dropped: dict[str, str]) -> list[pd.DataFrame]:
    """Slope at the subject's reference amplitude: a measure of steepness alone, not of size.

    Only waves of at least 40 µV; the reference is the 75th percentile of the subject's baseline waves among them. A
    robust log-log fit of slope on amplitude per channel and night is read off at the reference.
    """
    rows: list[tuple[object, ...]] = []
    for channel in _channels(nights, dropped):
        limit = nights[0].settings.waves.negative_uv[0]
        baseline = [
            _large_waves(night, channel, limit)["negative_amplitude_uv"] for night in nights if night.is_baseline
        ]
        reference = _pooled_quantile([a.to_numpy(dtype=float) for a in baseline if len(a)], REFERENCE_PERCENTILE)
        for night in nights:
            if channel in night.summary["channels"]:
                rows += _matched_rows(night, channel, limit, reference)
    return [pd.DataFrame(rows, columns=ROW_COLUMNS)] if rows else []


def _large_waves(night: _StoredNight, channel: str, limit: float) -> pd.DataFrame:
    waves = night.waves
    return waves[(waves["channel"] == channel) & (waves["negative_amplitude_uv"] >= limit)]


def _matched_rows(night: _StoredNight, channel: str, limit: float, reference: float) -> list[tuple[object, ...]]:
    waves = _large_waves(night, channel, limit)
    stretches, _, epoch_s = night.stretches(channel)
    epoch = (waves["negative_peak_s"].to_numpy() / epoch_s).astype(int)
    amplitude = waves["negative_amplitude_uv"].to_numpy(dtype=float)
    rows: list[tuple[object, ...]] = []
    for stretch in stretches:
        inside = stretch.epochs[epoch]
        n = int(inside.sum())
        for name in ("slope_up", "slope_down"):
            if not np.isfinite(reference):
                value, note = np.nan, NO_BASELINE
            elif stretch.reason or n < FEWEST_WAVES:
                value, note = np.nan, stretch.reason or f"{n} waves of {limit:g} µV or more, {FEWEST_WAVES} are needed"
            else:
                slopes = waves[f"{name}_uv_s"].to_numpy(dtype=float)[inside]
                value, note = _slope_at(amplitude[inside], slopes, reference), f"at {reference:.1f} µV"
            key = (night.session, night.condition, channel, stretch.stages, stretch.window)
            rows.append((*key, f"wave_{name}_matched", "", value, "µV/s", n, note))
    return rows


def _slope_at(amplitude: NDArray[np.float64], slope: NDArray[np.float64], reference: float) -> float:
    """Slope that a robust log-log line (Huber 1964) through the waves has at the reference amplitude."""
    from scipy.optimize import least_squares

    x, y = np.log(amplitude / reference), np.log(slope)
    if np.ptp(x) == 0:  # no line through one amplitude
        return float(np.exp(np.median(y)))
    start = np.polyfit(x, y, 1)[::-1]
    # The spread about the line, not of the slopes: those differ with amplitude, which would hide outliers.
    scale = 1.4826 * float(np.median(np.abs(y - start[0] - start[1] * x))) or 1.0

    def residuals(line: NDArray[np.float64]) -> NDArray[np.float64]:
        return line[0] + line[1] * x - y

    fit = least_squares(residuals, start, loss="huber", f_scale=1.345 * scale)
    return float(np.exp(fit.x[0]))


def _pooled_quantile(samples: Sequence[NDArray[np.float64]], quantile: float) -> float:
    """Quantile over nights of equal weight, however many waves each has."""
    if not samples:
        return float("nan")
    values = np.concatenate(samples)
    weights = np.concatenate([np.full(len(sample), 1 / len(sample)) for sample in samples])
    return float(np.quantile(values, quantile, weights=weights, method="inverted_cdf"))
