"""What needs all nights of a subject: regions, limits fixed on the baseline, steepness at equal amplitude."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.glossary import read_glossary
from swa.measures import matched_slopes, process_s, windows
from swa.measures.quality import find_bad_channels
from swa.night.rows import PROCESS_S_BAND
from swa.recordings.channels import region_channels
from swa.settings import Settings
from swa.study.bootstrap_spreads import measure_precision, precision_file
from swa.study.store import KEY, NightFolder, write_table
from swa.tables.marker import REGIONS
from swa.tables.results_tables import MEASURES, SPREADS

# What may be zero or negative: the mean over a region is arithmetic.
ADDITIVE = {name for name, entry in read_glossary().items() if entry.scale == "difference" or entry.zero_at_times}
AMPLITUDE_PERCENTILE = 0.9
ROWS = MEASURES.without("subject")
DOUBTFUL = "doubtful channel"
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
    is_adaptation: bool
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

    def bad_channels(self) -> dict[str, str]:
        return find_bad_channels(self.summary, self.settings.artifacts)

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
            adaptation,
            NightFolder(task.results, task.label, session_label),
            task.settings,
        )
        for session, session_label, condition, adaptation in task.nights
    ]
    # A night without a good channel goes alone: it must not take the other nights' channels with it.
    compared = [night for night in nights if not night.is_adaptation]
    found = {night.session: night.bad_channels() for night in compared}
    unusable = [night for night in compared if len(found[night.session]) == len(night.summary["unusable_nrem_share"])]
    some_left = len(unusable) < len(nights)
    if some_left:
        nights = [night for night in nights if night not in unusable]
    alone = [night.session for night in unusable]
    bad = {
        (channel, session): reason
        for session, channels in found.items()
        if session not in alone
        for channel, reason in channels.items()
    }
    dropped = dict(bad.keys()) if some_left else {channel: s for s, channels in found.items() for channel in channels}
    # A night that is held against no other keeps its doubtful channels, marked, and its regions go without them.
    doubtful = {channel: reason for (channel, _), reason in bad.items()} if len(nights) == 1 and some_left else {}
    dropped = {} if doubtful else dropped
    tables = []
    for night in nights:
        table = night.folder.read("measures")
        table = table[~table["channel"].isin(dropped)]
        tables.append(table.assign(session=night.session, condition=night.condition))
    shared = [*_baseline_fixed(nights, dropped), *_matched_slopes(nights, dropped), *_process_s(nights, dropped)]
    rows = pd.concat([*tables, *shared], ignore_index=True)
    rows = pd.concat([rows, _regions(rows[~rows["channel"].isin(doubtful)])], ignore_index=True)
    marked = rows["channel"].isin(doubtful) & rows["value"].notna()
    rows.loc[marked, "note"] = [
        f"{DOUBTFUL}: {doubtful[channel]}" + (f"; {note}" if note else "")
        for channel, note in zip(rows.loc[marked, "channel"], rows.loc[marked, "note"], strict=True)
    ]
    rows.insert(0, "subject", task.subject)
    rows = rows[MEASURES.names]
    rows = rows.sort_values(["measure", *KEY[:5], "variant"], kind="stable", ignore_index=True)
    write_table(rows, subject_file(task.results, task.label))
    regions = _region_channels(rows[~rows["channel"].isin([*doubtful, *REGIONS, "frontal/central"])])
    write_table(_precision(nights, dropped, regions), precision_file(task.results, task.label))
    return _left_out(task.subject, bad, unusable, compared, alone=bool(doubtful))


def _left_out(
    subject: str,
    bad: dict[tuple[str, str], str],
    unusable: Sequence[_StoredNight],
    compared: Sequence[_StoredNight],
    *,
    alone: bool,
) -> list[dict[str, str]]:
    """Rows of `problems.tsv`: channels left out of all nights, nights without a good channel, unread channels."""
    look = "Look at the electrode; the other channels are not touched."
    what = "in the tables with this doubt, left out of the regions" if alone else "left out of all nights"
    found = [(session, f"{name}: {why} in session {session}; {what}.", look) for (name, session), why in bad.items()]
    nothing = "every EEG channel is bad in this night; the night is left out, the others are not touched."
    found += [(night.session, nothing, "Its reasons stand in nights.tsv (verdict_reasons).") for night in unusable]
    found += [
        (night.session, f"{problem} The channel is left out of this night.", look)
        for night in compared
        for problem in night.summary.get("unread", {}).values()
    ]
    fixed = {"subject": subject, "recording": "", "step": "channel"}
    return [fixed | {"session": session, "problem": text, "remedy": remedy} for session, text, remedy in found]


def subject_file(results: Path, label: str) -> Path:
    """The subject's rows of the long table."""
    return results / f"sub-{label}" / f"sub-{label}_task-sleep_desc-measures.parquet"


def _regions(rows: pd.DataFrame) -> pd.DataFrame:
    """Log-mean over the channels of a region that every night has, and the frontal/central ratio of SWA."""
    keys = ["session", "condition", "stages", "window", "measure", "variant"]
    found = [
        _log_mean(rows[rows["channel"].isin(channels)], keys).assign(channel=place)
        for place, channels in _region_channels(rows).items()
    ]
    if len(found) == 2:
        front, centre = (part[part["measure"] == "swa"].set_index(keys) for part in found)
        both = front.assign(central=centre["value"], why=centre["note"]).reset_index()  # side by side, by their keys
        both["value"] /= both.pop("central")
        both["note"] = both["note"].where(both["note"] != "", both.pop("why"))
        found.append(both.assign(measure="frontal_central_ratio", unit="1", channel="frontal/central"))
    return pd.concat(found, ignore_index=True) if found else rows.iloc[:0]


def _region_channels(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Channels of each region that there is: those that every night has."""
    everywhere = rows.groupby("channel")["session"].nunique() == rows["session"].nunique()
    names = [str(name) for name in everywhere.index[everywhere]]
    return region_channels(names, REGIONS)


def _precision(nights: Sequence[_StoredNight], dropped: dict[str, str], regions: dict[str, list[str]]) -> pd.DataFrame:
    """Standard errors of each night by itself."""
    tables = []
    for night in nights:
        stretches = {name: night.stretches(name) for name in night.summary["channels"] if name not in dropped}
        found = measure_precision(night.epochs, night.waves, stretches, regions, night.settings)
        tables.append(found.assign(session=night.session))
    return pd.concat(tables, ignore_index=True)[SPREADS.names]


def _log_mean(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Mean over channels, of the logarithm unless the measure is additive; NaN, with the reason, where one is NaN.

    `n` is that of the channel with the fewest: channels are not independent observations. Zero in all channels stays
    zero ("none there"); zero in some has no log-mean.
    """
    additive, missing = rows["measure"].isin(ADDITIVE), rows["value"].isna()
    zero = ~additive & (rows["value"] <= 0)
    alike = rows.assign(zero=zero).groupby(keys, sort=False)["zero"].transform("all")  # none there in any: none there
    value = rows["value"].where(additive, np.log(rows["value"].where(rows["value"] > 0)))
    note = rows["note"].where(missing, "").mask(zero & ~alike, "zero in one of its channels: no log-mean")
    grouped = rows.assign(value=value, note=note, zero=zero).groupby(keys, sort=False)
    mean = grouped.agg(
        value=("value", lambda values: values.mean(skipna=False)),
        n=("n", "min"),
        zero=("zero", "all"),
        unit=("unit", "first"),
        note=("note", "max"),  # any that is not empty
    ).reset_index()
    is_log = ~mean["measure"].isin(ADDITIVE)
    mean.loc[is_log, "value"] = np.exp(mean.loc[is_log, "value"])
    mean.loc[mean.pop("zero").astype(bool), "value"] = 0.0
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
        limit = matched_slopes.pooled_quantile(amplitudes, AMPLITUDE_PERCENTILE)
        for night in nights:
            rows += [(night.session, night.condition, *row) for row in _density_rows(night, channel, limit)]
    return [ROWS.frame(rows)] if rows else []


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
    """Slope at the subject's reference amplitude: steepness alone, not size (`swa.measures.matched_slopes`).

    The default is estimator (a), a robust line read off at the reference; variant ``resampled`` is estimator (b), waves
    resampled until the nights' amplitude histograms match.
    """
    rows: list[tuple[object, ...]] = []
    for channel in _channels(nights, dropped):
        present = [night for night in nights if channel in night.summary["channels"]]
        limit = nights[0].settings.waves.negative_uv[0]
        large = [_large_waves(night, channel, limit) for night in present]
        baseline = [
            waves["negative_amplitude_uv"].to_numpy(dtype=float)
            for night, waves in zip(present, large, strict=True)
            if night.is_baseline
        ]
        reference = matched_slopes.reference_amplitude(baseline)
        inside = [_waves_of_stretches(night, channel, waves) for night, waves in zip(present, large, strict=True)]
        for key in dict.fromkeys(key for stretches in inside for key in stretches):
            taking_part = [
                (night, stretches[key]) for night, stretches in zip(present, inside, strict=True) if key in stretches
            ]
            for name in ("slope_up", "slope_down"):
                rows += _matched_rows(taking_part, (channel, *key), name, limit, reference)
    return [ROWS.frame(rows)] if rows else []


def _large_waves(night: _StoredNight, channel: str, limit: float) -> pd.DataFrame:
    waves = night.waves
    return waves[(waves["channel"] == channel) & (waves["negative_amplitude_uv"] >= limit)]


def _waves_of_stretches(
    night: _StoredNight, channel: str, waves: pd.DataFrame
) -> dict[tuple[str, str], tuple[pd.DataFrame, str]]:
    """Waves of each stretch of one night and channel, and why there are none to take."""
    stretches, _, epoch_s = night.stretches(channel)
    epoch = (waves["negative_peak_s"].to_numpy() / epoch_s).astype(int)
    return {(stretch.stages, stretch.window): (waves[stretch.epochs[epoch]], stretch.reason) for stretch in stretches}


def _matched_rows(
    nights: Sequence[tuple[_StoredNight, tuple[pd.DataFrame, str]]],
    key: tuple[str, str, str],
    name: str,
    limit: float,
    reference: float,
) -> list[tuple[object, ...]]:
    """Both estimators for all nights of one channel and stretch."""
    amplitudes = [waves["negative_amplitude_uv"].to_numpy(dtype=float) for _, (waves, _) in nights]
    slopes = [waves[f"{name}_uv_s"].to_numpy(dtype=float) for _, (waves, _) in nights]
    resampled = matched_slopes.resample_to_shared_histogram(amplitudes, slopes, reference)
    rows: list[tuple[object, ...]] = []
    for position, (night, (waves, reason)) in enumerate(nights):
        line = matched_slopes.fit_slope_line(amplitudes[position], slopes[position], reference)
        few = f"{len(waves)} waves of {limit:g} µV or more, {matched_slopes.FEWEST_WAVES} are needed"
        alone = "too few waves in common with another night around the reference amplitude"
        start = reason or ("" if np.isfinite(reference) else NO_BASELINE)
        other = resampled[position]
        shared = f"around {reference:.1f} µV, overlap {100 * other.overlap:.0f} %"
        for variant, value, n, why, note in (
            ("", line.at_reference, line.n, few, f"at {reference:.1f} µV"),
            ("resampled", other.slope, other.n, alone, shared),
        ):
            value = np.nan if start else value
            note = note if np.isfinite(value) else start or why
            rows.append((night.session, night.condition, *key, f"wave_{name}_matched", variant, value, "µV/s", n, note))
    return rows


def _process_s(nights: Sequence[_StoredNight], dropped: dict[str, str]) -> list[pd.DataFrame]:
    """Process S per channel: asymptote and time constant shared by the nights, the initial level of each night."""
    rows: list[tuple[object, ...]] = []
    for channel in _channels(nights, dropped):
        present = [night for night in nights if channel in night.summary["channels"]]
        means = pd.concat([_cycle_means(night, channel) for night in present], ignore_index=True)
        settings = present[0].settings
        fit = process_s.fit_process_s(
            means["time_h"].to_numpy(dtype=float),
            means["swa_uv2"].to_numpy(dtype=float),
            means["session"].to_numpy(dtype=str),
            settings=settings.homeostasis,
            confidence=settings.comparison.confidence,
        )
        baseline = [night.session for night in present if night.is_baseline]
        for night in present:
            reason = fit.reason or fit.reasons.get(night.session, "the night has no NREM cycle")
            n = int((means["session"] == night.session).sum())
            nothing = process_s.NOTHING
            for measure, estimate, unit, why in (
                ("process_s_initial", fit.initial_uv2.get(night.session, nothing), "µV²", reason),
                ("process_s_asymptote", fit.asymptote_uv2, "µV²", fit.reason),
                ("process_s_tau", fit.tau_h, "h", fit.reason),
            ):
                level = f"{100 * settings.comparison.confidence:g} %"
                note = why or f"{level} interval {estimate.low:.4g} to {estimate.high:.4g}"
                if measure == "process_s_initial" and not why and len(baseline) == 1 and night.session not in baseline:
                    ratio = fit.initial_ratio(night.session, baseline[0])  # tau and LA err alike in both nights
                    if np.isfinite(ratio.value):
                        note += f"; over baseline {ratio.value:.3g}, {ratio.low:.3g} to {ratio.high:.3g} by this fit"
                value = estimate.value if not why else np.nan
                key = (night.session, night.condition, channel, "NREM", "night")
                rows.append((*key, measure, fit.variant, value, unit, n, note))
    return [ROWS.frame(rows)] if rows else []


def _cycle_means(night: _StoredNight, channel: str) -> pd.DataFrame:
    epochs = night.epochs[night.epochs["channel"] == channel]
    onsets = epochs["onset_s"].to_numpy(dtype=float)
    onset_min = night.summary["sleep_onset_min"]
    means = process_s.average_cycles(
        epochs[PROCESS_S_BAND].to_numpy(dtype=float),
        epochs["stage"].isin(["N2", "N3"]).to_numpy(),
        float(onsets[1] - onsets[0]) if len(onsets) > 1 else 30.0,
        night.folder.read("cycles"),
        np.nan if onset_min is None else onset_min * 60,
        night.settings.homeostasis,
    )
    return means.assign(session=night.session)
