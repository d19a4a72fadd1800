"""How much a night's numbers owe to its automatic staging: uncertain epochs, and stages of a smaller or larger EEG.

YASA's features depend on amplitude and are partly scaled to the night, so a drug that enlarges slow waves can move N3
by itself. N2+N3 together should hardly move; how far they do is measured here, night by night.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.measures import power, slow_waves, windows
from swa.night.channel_pass import ChannelResult
from swa.night.frame import Frame, make_frame
from swa.night.rows import architecture_rows
from swa.settings import Settings
from swa.sleep.hypnogram import make_hypnogram
from swa.tables.marker import ALL, select
from swa.tables.night_document import StagingFacts
from swa.tables.results_tables import STAGING_BIAS

MARKERS = ("swa", "wave_density", "wave_amplitude_p90")
SHIFT_WINDOWS = ("night", "cycle-1", "matched")


def staging_bias(
    results: Sequence[ChannelResult],
    frame: Frame,
    stages_at_gain: Mapping[float, NDArray[np.str_]],
    settings: Settings,
    between: slice = slice(None),
) -> pd.DataFrame:
    """Markers of N2+N3, and sleep architecture, with the stages that the stager gives at other EEG amplitudes.

    `between` are the epochs from lights off to lights on.

    Returns
    -------
    DataFrame
        `gain` (1 is the EEG as it is), `channel` (``all`` for sleep architecture), `window`, `measure`, `value`, and
        `change`: the ln ratio to gain 1, of sleep architecture the difference.
    """
    if not stages_at_gain or any(len(stages) != len(frame.stages) for stages in stages_at_gain.values()):
        return STAGING_BIAS.empty()
    rows: list[tuple[object, ...]] = []
    known = [_OfChannel.of(result, settings) for result in results]
    for gain, stages in ({1.0: frame.stages} | dict(stages_at_gain)).items():
        staged = frame if gain == 1 else make_frame(make_hypnogram(stages, frame.epoch_s), settings, frame.dose_s)
        rows += [(gain, *row) for row in _architecture(staged, between)]
        for channel in known:
            rows += [(gain, channel.result.name, *row) for row in _markers(channel, staged, settings)]
    table = pd.DataFrame(rows, columns=STAGING_BIAS.names[:-1])
    keys = ["channel", "window", "measure"]
    plain = table[table["gain"] == 1].set_index(keys)["value"]
    before = plain.reindex(pd.MultiIndex.from_frame(table[keys])).to_numpy(dtype=float)
    value = table["value"].to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(value / before)
    table["change"] = np.where(table["channel"] == ALL, value - before, np.where(np.isfinite(ratio), ratio, np.nan))
    return table


def _architecture(frame: Frame, between: slice) -> Iterator[tuple[str, str, str, float]]:
    """Channel, window, measure and value of sleep architecture over the whole night."""
    in_bed = make_hypnogram(frame.stages, frame.epoch_s)[between]
    rows = architecture_rows(in_bed, frame, (between.start or 0) * frame.epoch_s)
    night = select(rows, window="night", variant="")
    yield from night[["channel", "window", "measure", "value"]].itertuples(index=False, name=None)


@dataclass(frozen=True, kw_only=True)
class _OfChannel:
    """What the markers of one channel rest on, whatever the stages."""

    result: ChannelResult
    swa_uv2: NDArray[np.float64]
    waves: dict[str, NDArray[np.generic]]
    is_wave: NDArray[np.bool_]

    @classmethod
    def of(cls, result: ChannelResult, settings: Settings) -> "_OfChannel":
        return cls(
            result=result,
            swa_uv2=result.density @ power.band_weights(result.frequencies_hz, settings.power.swa_hz),
            waves={str(name): column.to_numpy() for name, column in result.waves.items()},
            is_wave=slow_waves.select_waves(result.waves, settings.waves),
        )


def _markers(channel: _OfChannel, frame: Frame, settings: Settings) -> list[tuple[str, str, float]]:
    """Window, measure and value of the markers of one channel."""
    result, swa_uv2, epoch = channel.result, channel.swa_uv2, channel.result.waves["epoch"].to_numpy()
    stretches = [stretch for stretch in frame.stretches if stretch.stages == "NREM"]
    stretches.append(windows.find_matched(frame.stretches, result.usable_s, settings.windows))
    rows = []
    for stretch in stretches:
        minutes = float(result.usable_s[stretch.epochs].sum()) / 60
        taken = stretch.epochs & np.isfinite(swa_uv2)
        if stretch.window not in SHIFT_WINDOWS or minutes < settings.windows.minimum_min or not taken.any():
            continue
        waves = slow_waves.summarize_waves(
            channel.waves, settings.waves, minutes, stretch.epochs[epoch], channel.is_wave
        )
        values = {name: float(waves[name][0]) for name in MARKERS[1:]} | {"swa": float(swa_uv2[taken].mean())}
        rows += [(stretch.window, name, values[name]) for name in MARKERS]
    return rows


def describe_staging(
    proba: pd.DataFrame | None, frame: Frame, bias: pd.DataFrame, uncertain_below: float
) -> StagingFacts:
    """Share of uncertain epochs by stage, and the largest shift of each marker over channels and gains.

    Returns
    -------
    dict
        `uncertain_share` by stage and for ``NREM`` (None without probabilities); `largest_shift` by measure, as a
        share (0.05 is 5 %), for the whole night, and of sleep architecture in its unit; both signed.
    """
    shift: dict[str, float] = {}
    night = bias[bias["window"] == "night"]
    for (of_sleep, measure), rows in night.groupby([night["channel"].eq(ALL), "measure"], sort=False):
        change = rows["change"].dropna().to_numpy(dtype=float)
        if change.size:
            largest = float(change[np.argmax(np.abs(change))])
            shift[str(measure)] = round(largest if of_sleep else float(np.expm1(largest)), 4)
    return {"uncertain_share": _uncertain(proba, frame, uncertain_below), "largest_shift": shift}


def _uncertain(proba: pd.DataFrame | None, frame: Frame, below: float) -> dict[str, float] | None:
    if proba is None or len(proba) != len(frame.stages):
        return None
    doubtful = proba.max(axis=1).to_numpy() < below
    sets = {name: frame.stages == name for name in ("W", "N1", "N2", "N3", "R")} | {"NREM": frame.nrem}
    return {name: round(float(doubtful[inside].mean()), 4) for name, inside in sets.items() if inside.any()}
