"""What the stored tables of a subject's nights give under other choices: bands, estimators, selections of waves.

No recording is read again, so only choices that the stored tables still hold can be made: other bands and the median
over epochs from the powers of the epochs, other selections and percentiles from the half-waves, other artefact limits
from what each night stored about them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.measures import slow_waves, windows
from swa.recordings.channels import region, region_channels
from swa.settings import PRESETS, Band, Settings, WaveCriteria
from swa.study.store import NIGHT_TABLES, NightFolder, subject_file
from swa.study.subject import SubjectTask
from swa.tables.marker import REGIONS
from swa.tables.night_document import PROCESS_S_BAND
from swa.tables.results_tables import MEASURES

IN_USE = "in use"  # the artefact limits of the settings
ALL_HALFWAVES = "all half-waves"
LIMIT_FACTORS = (0.75, 1.25)
PERCENTILES = (50, 75, 95)  # the 90th is a measure of every night
MOST_CHANNELS = 16  # beyond these only the channels of a region, so that high-density EEG stays quick
WAVE_COLUMNS = [
    *("channel", "start_s", "negative_peak_s", "midcrossing_s", "end_s", "negative_amplitude_uv"),
    *("positive_amplitude_uv", "peak_to_peak_uv", "slope_up_uv_s"),
]
Values = Iterator[tuple[str, str, float, str, int]]  # curve, variant, value, unit, n


def respecify_subject(task: SubjectTask) -> pd.DataFrame:
    """Values of a subject's nights under choices that the long table does not hold.

    Parameters
    ----------
    task : SubjectTask
        A subject whose nights `combine_subject` has brought together: channels and nights that it left out stay out.

    Returns
    -------
    DataFrame
        Rows like those of the long table. `measure` is the curve (``swa``, ``wave_density``, ``wave_amplitude``,
        ``wave_slope``); `variant` holds the measure and the choices (`write_variant`).
    """
    known = pd.read_parquet(
        subject_file(task.results, task.label),
        columns=["session", "channel", "measure", "value"],
        filters=[
            ("measure", "in", ["swa", "wave_density"]),
            ("stages", "==", "NREM"),
            ("window", "==", "night"),
            ("variant", "==", ""),
        ],
    )
    known = known[~known["channel"].isin(REGIONS)]
    rows: list[tuple[Any, ...]] = []
    for session, label, condition, _ in task.nights:
        own = known[known["session"] == session]
        channels = _shown_channels(list(dict.fromkeys(own["channel"])), task.settings)
        if channels:
            folder = NightFolder(task.results, task.label, label)
            values = own.set_index(["channel", "measure"])["value"]
            of_night = _night(folder, channels, values, task.settings)
            rows += [(task.subject, session, condition, *row) for row in of_night]
    table = MEASURES.frame(rows)
    return pd.concat([table, *_regions(table)], ignore_index=True) if len(table) else table


def _regions(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """Log-means over the channels of a region that every night has, as in the subject step."""
    n_nights = rows["session"].nunique()
    everywhere = rows.groupby("channel")["session"].nunique() == n_nights
    members = region_channels(everywhere.index[everywhere], REGIONS)
    places = {channel: place for place, channels in members.items() for channel in channels}
    keys = ["session", "stages", "window", "measure", "variant"]
    log = np.log(rows["value"].where(rows["value"] > 0))
    rows = rows.assign(log=log, zero=rows["value"] == 0, place=rows["channel"].map(places))
    found = []
    for place in REGIONS:
        part = rows[rows["place"] == place]
        group = part.groupby(keys, sort=False).ngroup()  # by numbers from here on: five columns of text are slow
        grouped = part.groupby(group.to_numpy(), sort=True)
        mean, zeros, size = (
            grouped["log"].mean().to_numpy(),
            grouped["zero"].sum().to_numpy(),
            grouped.size().to_numpy(),
        )
        value = np.where(grouped["log"].count().to_numpy() == size, np.exp(mean), np.nan)
        value = np.where(zeros == size, 0.0, value)  # none there in any: none there
        silent = part[part["value"].isna()]
        why = silent.groupby(group[silent.index].to_numpy())["note"].first().reindex(np.arange(len(value)))
        note = np.where(np.isfinite(value), "", why.fillna("zero in one of its channels: no log-mean"))
        first = part[~group.duplicated()]
        found.append(first.assign(channel=place, value=value, n=grouped["n"].min().to_numpy(), note=note))
    return [part[MEASURES.names] for part in found]


def write_variant(measure: str, band: str = "", estimator: str = "", selection: str = "", artefacts: str = "") -> str:
    """Choices as the variant of a row, so that a row of the long table can hold them."""
    return "|".join((measure, band, estimator, selection, artefacts or IN_USE))


def read_variant(variant: str) -> list[str]:
    """Measure, band, estimator, selection and artefact limits of a variant."""
    return variant.split("|")


def band_name(band_hz: Band) -> str:
    """A band as a choice."""
    return f"{band_hz[0]:g}-{band_hz[1]:g} Hz"


def own_selection(criteria: WaveCriteria) -> str:
    """Name of the selection that the measures themselves use."""
    return criteria.name


def other_selections(criteria: WaveCriteria) -> dict[str, WaveCriteria]:
    """Selections that the stored half-waves allow, by name.

    Stored are the half-waves of one filter whose lengths the criteria allow. A preset with another filter would find
    other waves; of it only the limits can be tried, and only where they ask for no length that is not stored.
    """
    found = {
        f"amplitude limits x {factor:g}": criteria.model_copy(
            update={name: _scaled(getattr(criteria, name), factor) for name in ("negative_uv", "peak_to_peak_uv")}
        )
        for factor in LIMIT_FACTORS
        if criteria.times_mean == 0
    }
    for name in PRESETS:
        preset = WaveCriteria.preset(name)
        if name == criteria.name or not _lengths_stored(preset, criteria) or preset.times_mean:
            continue
        if _same_limits(preset, criteria):
            continue
        found[name if _same_filter(preset, criteria) else f"{name} limits"] = preset
    return found


def presets_left_out(criteria: WaveCriteria) -> dict[str, str]:
    """Presets that the stored half-waves cannot give, with the reason."""
    reasons = {}
    for name in PRESETS:
        preset = WaveCriteria.preset(name)
        if name == criteria.name:
            continue
        why = []
        if not _same_filter(preset, criteria):
            kind = "FIR" if preset.filter == "fir" else "Butterworth"
            why.append(f"another filter, {band_name(preset.band_hz)} {kind}")
        if not _lengths_stored(preset, criteria):
            why.append("lengths that are not stored")
        if preset.times_mean:
            why.append("a limit relative to the night, which cancels an effect")
        if why:
            reasons[name] = ", ".join(why)
    return reasons


def _scaled(limits: Band, factor: float) -> Band:
    return limits[0] * factor, limits[1]


def _same_filter(one: WaveCriteria, other: WaveCriteria) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in ("filter", "filter_order", "band_hz"))


def _same_limits(one: WaveCriteria, other: WaveCriteria) -> bool:
    names = ("halfwave_s", "positive_s", "duration_s", "negative_uv", "positive_uv", "peak_to_peak_uv")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _lengths_stored(preset: WaveCriteria, criteria: WaveCriteria) -> bool:
    """Whether the criteria kept every half-wave whose lengths the preset allows."""
    limits = [(getattr(preset, name), getattr(criteria, name)) for name in ("halfwave_s", "positive_s", "duration_s")]
    return all(kept[0] <= asked[0] and asked[1] <= kept[1] for asked, kept in limits)


def _shown_channels(channels: Sequence[str], settings: Settings) -> list[str]:
    if len(channels) <= MOST_CHANNELS:
        return list(channels)
    declared = settings.comparison.primary.casefold().split()
    return [name for name in channels if region(name) in REGIONS or name.casefold() in declared]


def _night(
    folder: NightFolder, channels: Sequence[str], known: pd.Series, settings: Settings
) -> Iterator[tuple[Any, ...]]:
    """Rows of one night, from `channel` on."""
    summary = folder.summary()
    all_epochs, cycles = folder.read("epochs"), folder.read("cycles")
    all_waves = pd.read_parquet(folder.file(NIGHT_TABLES["waves"]), columns=WAVE_COLUMNS)
    rejection = folder.read("rejection")
    # A limit relative to the mean of the channel would need each channel apart; there is none among these.
    selected = {
        name: slow_waves.select_waves(all_waves, criteria).to_numpy()
        for name, criteria in other_selections(settings.waves).items()
    }
    columns = {name: all_waves[name].to_numpy(dtype=float) for name in WAVE_COLUMNS[1:]}
    shared: list[windows.Stretch] = []
    for channel in channels:
        epochs = all_epochs[all_epochs["channel"] == channel]
        onsets = epochs["onset_s"].to_numpy(dtype=float)
        epoch_s = float(onsets[1] - onsets[0]) if len(onsets) > 1 else 30.0
        if not shared:
            onset_min = summary["sleep_onset_min"]
            onset_s = np.nan if onset_min is None else onset_min * 60
            stages = epochs["stage"].to_numpy(dtype="U3")
            shared = windows.find_stretches(stages, epoch_s, cycles, onset_s, summary["dose_s"], settings.windows)
        usable_s = epochs["usable_s"].to_numpy(dtype=float)
        stretches = [*shared, windows.find_matched(shared, usable_s, settings.windows)]
        powers = {
            band_name(band): epochs[column].to_numpy(dtype=float)
            for column, band in _bands(settings).items()
            if column in epochs
        }
        of_channel = (all_waves["channel"] == channel).to_numpy()
        waves = {name: values[of_channel] for name, values in columns.items()}
        epoch = (waves["negative_peak_s"] / epoch_s).astype(int)
        chosen = {name: whole[of_channel] for name, whole in selected.items()}
        for stretch in stretches:
            minutes = float(usable_s[stretch.epochs].sum()) / 60
            if not _is_shown(stretch, settings):
                continue
            reason = stretch.reason or ("" if minutes >= settings.windows.minimum_min else "too short")
            values = [*_powers(powers, stretch, settings)]
            if not stretch.median:
                values += _waves(waves, stretch.epochs[epoch], chosen, minutes)
            for curve, variant, value, unit, n in values:
                known_value = np.nan if reason else value
                note = reason or ("" if np.isfinite(value) else "nothing there to measure")
                yield (channel, stretch.stages, stretch.window, curve, variant, known_value, unit, n, note)
        yield from _other_limits(channel, known, rejection, settings)


def _bands(settings: Settings) -> dict[str, Band]:
    """Bands of the epochs that slow-wave activity has been measured in, by their column; one column for each band."""
    bands = {
        "swa": settings.power.swa_hz,
        "delta_power": settings.power.delta_hz,
        PROCESS_S_BAND: settings.homeostasis.band_hz,
    }
    return {name: band for i, (name, band) in enumerate(bands.items()) if band not in list(bands.values())[:i]}


def _is_shown(stretch: windows.Stretch, settings: Settings) -> bool:
    declared = settings.comparison.primary.split()[2:3]
    usual = {"night", *settings.comparison.secondary_windows, "cycle-1", *declared}
    return stretch.median or (stretch.stages in ("NREM", "N2", "N3") and stretch.window in usual)


def _powers(powers: dict[str, NDArray[np.float64]], stretch: windows.Stretch, settings: Settings) -> Values:
    """Power by band; what the long table holds itself is left out."""
    stored = {band_name(settings.power.swa_hz), band_name(settings.power.delta_hz)}
    for band, power in powers.items():
        values = power[stretch.epochs]
        values = values[np.isfinite(values)]
        for estimator in ("median",) if stretch.median else ("mean", "median"):
            if band in stored and estimator == ("median" if stretch.median else "mean"):
                continue
            value = np.nan if not len(values) else float(getattr(np, estimator)(values))
            yield "swa", write_variant("swa", band, estimator), value, "µV²", len(values)


def _waves(
    waves: dict[str, NDArray[np.float64]],
    inside: NDArray[np.bool_],
    chosen: dict[str, NDArray[np.bool_]],
    minutes: float,
) -> Values:
    for name, selected in chosen.items():
        slopes = waves["slope_up_uv_s"][inside & selected]
        density = len(slopes) / minutes if minutes > 0 else np.nan
        yield "wave_density", write_variant("wave_density", "", "", name), density, "1/min", len(slopes)
        mean = float(slopes.mean()) if len(slopes) else np.nan
        yield "wave_slope", write_variant("wave_slope_up", "", "mean slope up", name), mean, "µV/s", len(slopes)
    amplitude = waves["negative_amplitude_uv"][inside]
    values = np.percentile(amplitude, PERCENTILES) if len(amplitude) else np.full(len(PERCENTILES), np.nan)
    for percentile, value in zip(PERCENTILES, values, strict=True):
        variant = write_variant("wave_amplitude", "", f"percentile {percentile}", ALL_HALFWAVES)
        yield "wave_amplitude", variant, float(value), "µV", len(amplitude)


def _other_limits(
    channel: str, known: pd.Series, rejection: pd.DataFrame, settings: Settings
) -> Iterator[tuple[Any, ...]]:
    """The whole night at artefact limits halved and doubled, as the night itself accounted for them."""
    own = rejection[(rejection["channel"] == channel) & rejection["rule"].str.startswith("limits")]
    for measure, column, unit, variant in (
        ("swa", "swa_ratio", "µV²", ("swa", band_name(settings.power.swa_hz), "mean", "")),
        ("wave_density", "wave_density_ratio", "1/min", ("wave_density", "", "", own_selection(settings.waves))),
    ):
        if (channel, measure) not in known.index:
            continue
        for rule, ratio in zip(own["rule"], own[column].astype(float), strict=True):
            value = float(known[channel, measure]) * ratio
            note = "" if np.isfinite(value) else "not measured at these limits"
            yield (channel, "NREM", "night", measure, write_variant(*variant, rule), value, unit, 0, note)
