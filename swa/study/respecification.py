"""What the stored tables of a subject's nights give under other choices: bands, estimators, selections of waves.

No recording is read again, so only choices that the stored tables still hold can be made: other bands and the median
over epochs from the powers of the epochs, other selections and percentiles from the half-waves, other artefact limits
from what each night stored about them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.measures import slow_waves, windows
from swa.measures.rejection import OTHER_LIMITS
from swa.recordings.channels import region
from swa.settings import PRESETS, Band, Settings, WaveCriteria
from swa.study.common_minutes import cut_alike
from swa.study.kept_step import KeptStep
from swa.study.regions import region_means
from swa.study.store import NIGHT_TABLES, subject_file
from swa.study.subject import SubjectTask
from swa.study.subject_night import SubjectNight
from swa.tables.files import hash_file, write_table
from swa.tables.marker import REGIONS, Marker, select
from swa.tables.night_document import PROCESS_S_BAND
from swa.tables.results_tables import MEASURES
from swa.tables.variant import Choices

COMPARISON_READ = ("secondary_windows",)  # of the settings of the comparison
KEYS = ["session", "stages", "window", "measure", "variant"]
ALL_HALFWAVES = "all half-waves"
LIMIT_FACTORS = (0.75, 1.25)
PERCENTILES = (50, 75, 95)  # the 90th is a measure of every night
MOST_CHANNELS = 16  # beyond these only the channels of a region, so that high-density EEG stays quick
WAVE_COLUMNS = [
    *("channel", "start_s", "negative_peak_s", "midcrossing_s", "end_s", "negative_amplitude_uv"),
    *("positive_amplitude_uv", "peak_to_peak_uv", "slope_up_uv_s"),
]
Values = Iterator[tuple[str, Choices, float, str, int]]  # curve, choices, value, unit, n
Rows = Iterator[tuple[object, ...]]


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """What the curve shows: the settings, and the marker that it is about."""

    settings: Settings
    primary: Marker

    def channels(self, there: Sequence[str]) -> list[str]:
        if len(there) <= MOST_CHANNELS:
            return list(there)
        return [name for name in there if region(name) in REGIONS or name == self.primary.channel]

    def has(self, stretch: windows.Stretch) -> bool:
        usual = {"night", *self.settings.comparison.secondary_windows, self.primary.window}
        return stretch.median or (stretch.stages in ("NREM", "N2", "N3") and stretch.window in usual)


def _step(task: SubjectTask, primary: Marker) -> KeptStep:
    table = subject_file(task.results, task.label, "respecified")
    measures = subject_file(task.results, task.label)
    shown = {"primary": [primary.window, primary.channel], "measures": hash_file(measures)}
    return KeptStep(
        document=table.with_name(f"sub-{task.label}_task-sleep_desc-respecification.json"),
        files=[table],
        rests_on=task.rests_on(COMPARISON_READ) | shown,
    )


def find_respecified(task: SubjectTask, primary: Marker) -> tuple[pd.DataFrame | None, str]:
    """What `respecify_subject` left, where it was done from the same; else None, and what is damaged where it was."""
    step = _step(task, primary)
    kept, damage = step.find()
    return (None, damage) if kept is None else (pd.read_parquet(step.files[0]), "")


def remove_respecified(results: Path, but: Collection[str]) -> None:
    """Take away what another call left of subjects, but of those with these labels."""
    for path in results.glob("sub-*/sub-*_desc-respecifi*"):
        if path.parent.name.removeprefix("sub-") not in but:
            path.unlink()


def respecify_subject(task: SubjectTask, primary: Marker) -> pd.DataFrame:
    """Values of a subject's nights under choices that the long table does not hold.

    Parameters
    ----------
    task : SubjectTask
        A subject whose nights `combine_subject` has brought together: channels and nights that it left out stay out.
    primary : Marker
        What the curve is about: its window, and in high-density EEG its channel, are among those that are computed.

    Returns
    -------
    DataFrame
        Rows like those of the long table, written beside the subject's other tables. `measure` is the curve (``swa``,
        ``wave_density``, ``wave_amplitude``, ``wave_slope``); `variant` holds the measure and the choices
        (`swa.tables.variant`).
    """
    step = _step(task, primary)
    step.begin()
    write_table(_respecify(task, primary), step.files[0])
    step.finish({})
    return pd.read_parquet(step.files[0])


def _respecify(task: SubjectTask, primary: Marker) -> pd.DataFrame:
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
    shown = _Shown(settings=task.settings, primary=primary)
    rows: list[tuple[object, ...]] = []
    for night in cut_alike(task.stored_nights()):
        own = known[known["session"] == night.session]
        channels = shown.channels(list(dict.fromkeys(own["channel"])))
        if channels:
            of_night = _night(night, channels, own.set_index(["channel", "measure"])["value"], shown)
            rows += [(task.subject, night.session, night.condition, *row) for row in of_night]
    table = MEASURES.frame(rows)
    return pd.concat([table, region_means(table, KEYS)], ignore_index=True) if len(table) else table


def band_name(band_hz: Band) -> str:
    """A band as a choice."""
    return f"{band_hz[0]:g}-{band_hz[1]:g} Hz"


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


def _night(night: SubjectNight, channels: Sequence[str], known: pd.Series, shown: _Shown) -> Rows:
    """Rows of one night, from `channel` on."""
    settings, rejection = shown.settings, night.folder.read("rejection")
    all_waves = pd.read_parquet(night.folder.file(NIGHT_TABLES["waves"]), columns=WAVE_COLUMNS)
    # A limit relative to the mean of the channel would need each channel apart; there is none among these.
    selected = {
        name: slow_waves.select_waves(all_waves, criteria)
        for name, criteria in other_selections(settings.waves).items()
    }
    columns = {name: all_waves[name].to_numpy(dtype=float) for name in WAVE_COLUMNS[1:]}
    for channel in channels:
        epochs = night.epochs_of(channel)
        stretches, usable_s, epoch_s = night.every_stretch(channel)
        powers = {
            band_name(band): epochs[column].to_numpy(dtype=float)
            for column, band in _bands(settings).items()
            if column in epochs
        }
        of_channel = (all_waves["channel"] == channel).to_numpy()
        waves = {name: values[of_channel] for name, values in columns.items()}
        epoch = (waves["negative_peak_s"] / epoch_s).astype(int)
        chosen = {name: whole[of_channel] for name, whole in selected.items()}
        for stretch in filter(shown.has, stretches):
            minutes = float(usable_s[stretch.epochs].sum()) / 60
            reason = stretch.reason or ("" if minutes >= settings.windows.minimum_min else "too short")
            values = [*_powers(powers, stretch, settings)]
            if not stretch.median:
                values += _waves(waves, stretch.epochs[epoch], chosen, minutes)
            for curve, choices, value, unit, n in values:
                known_value = np.nan if reason else value
                note = reason or ("" if np.isfinite(value) else "nothing there to measure")
                yield (channel, stretch.stages, stretch.window, curve, choices.encode(), known_value, unit, n, note)
        yield from _other_limits(channel, known, rejection, settings)


def _bands(settings: Settings) -> dict[str, Band]:
    """Bands of the epochs that slow-wave activity has been measured in, by their column; one column for each band."""
    bands = {
        "swa": settings.power.swa_hz,
        "delta_power": settings.power.delta_hz,
        PROCESS_S_BAND: settings.homeostasis.band_hz,
    }
    return {name: band for i, (name, band) in enumerate(bands.items()) if band not in list(bands.values())[:i]}


def _powers(powers: Mapping[str, NDArray[np.float64]], stretch: windows.Stretch, settings: Settings) -> Values:
    """Power by band; what the long table holds itself is left out."""
    stored = {band_name(settings.power.swa_hz), band_name(settings.power.delta_hz)}
    for band, power in powers.items():
        values = power[stretch.epochs]
        values = values[np.isfinite(values)]
        for estimator in ("median",) if stretch.median else ("mean", "median"):
            if band in stored and estimator == ("median" if stretch.median else "mean"):
                continue
            value = np.nan if not len(values) else float(getattr(np, estimator)(values))
            yield "swa", Choices("swa", band, estimator), value, "µV²", len(values)


def _waves(
    waves: Mapping[str, NDArray[np.float64]],
    inside: NDArray[np.bool_],
    chosen: Mapping[str, NDArray[np.bool_]],
    minutes: float,
) -> Values:
    for name, selected in chosen.items():
        slopes = waves["slope_up_uv_s"][inside & selected]
        density = len(slopes) / minutes if minutes > 0 else np.nan
        yield "wave_density", Choices("wave_density", selection=name), density, "1/min", len(slopes)
        mean = float(slopes.mean()) if len(slopes) else np.nan
        yield "wave_slope", Choices("wave_slope_up", "", "mean slope up", name), mean, "µV/s", len(slopes)
    amplitude = waves["negative_amplitude_uv"][inside]
    values = np.percentile(amplitude, PERCENTILES) if len(amplitude) else np.full(len(PERCENTILES), np.nan)
    for percentile, value in zip(PERCENTILES, values, strict=True):
        choices = Choices("wave_amplitude", "", f"percentile {percentile}", ALL_HALFWAVES)
        yield "wave_amplitude", choices, float(value), "µV", len(amplitude)


def _other_limits(channel: str, known: pd.Series, rejection: pd.DataFrame, settings: Settings) -> Rows:
    """The whole night at artefact limits halved and doubled, as the night itself accounted for them."""
    own = select(rejection, channel=channel, rule=OTHER_LIMITS)
    for column, unit, choices in (
        ("swa_ratio", "µV²", Choices("swa", band_name(settings.power.swa_hz), "mean")),
        ("wave_density_ratio", "1/min", Choices("wave_density", selection=settings.waves.name)),
    ):
        measure = choices.measure
        if (channel, measure) not in known.index:
            continue
        for rule, ratio in zip(own["rule"], own[column].astype(float), strict=True):
            value = float(known[channel, measure]) * ratio
            note = "" if np.isfinite(value) else "not measured at these limits"
            yield (channel, "NREM", "night", measure, replace(choices, artefacts=rule).encode(), value, unit, 0, note)
