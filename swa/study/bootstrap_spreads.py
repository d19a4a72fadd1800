"""How precisely each night of a subject tells its markers, from its stored epochs and waves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.measures.bootstrap import FEWEST_BLOCKS, Floats, draw_blocks, resample_means
from swa.measures.slow_waves import select_waves
from swa.settings import ComparisonSettings, Settings
from swa.study.subject_night import Stretches
from swa.tables.marker import Window
from swa.tables.results_tables import NIGHT_SPREADS

PRECISION_MEASURES = ("swa", "wave_density")  # markers that are a mean over epochs
PRECISION_WINDOWS = ("night", "matched", "cycle")  # kinds of windows that an error is told for


@dataclass(frozen=True)
class _Channel:
    """What a channel's markers are the sums of in each epoch (measures x epochs), and the epochs of each window."""

    sums: Floats
    weights: Floats
    windows: Mapping[str, NDArray[np.bool_]]


def measure_precision(
    epochs: pd.DataFrame,
    waves: pd.DataFrame,
    stretches: Mapping[str, Stretches],
    regions: Mapping[str, Sequence[str]],
    settings: Settings,
) -> pd.DataFrame:
    """Standard error of ln SWA and ln wave density of one night, by a local block bootstrap over its epochs of N2+N3.

    Parameters
    ----------
    epochs, waves : DataFrame
        As stored with the night.
    stretches : mapping of str to tuple
        Of each channel, as `SubjectNight.stretches` gives them.
    regions : mapping of str to sequence of str
        Channels whose log-mean a region is.
    settings : Settings
        Criteria of the waves; block, reach, draws and seed in `comparison`.

    Returns
    -------
    DataFrame
        channel, stages, window (night, matched, cycle-1 …), measure, value (as in the long table), `ln_se` (SD of the
        ln of the draws), n (epochs) and note. The same blocks are drawn for all channels, so that what channels share
        does not average out in a region. A stretch that the long table has no value for is left out.
    """
    channels = {
        name: _read_channel(epochs[epochs["channel"] == name], waves[waves["channel"] == name], own, settings)
        for name, own in stretches.items()
    }
    epoch_s = next((own[2] for own in stretches.values()), 30.0)
    options = settings.comparison
    block, reach = (max(1, round(m * 60 / epoch_s)) for m in (options.bootstrap_block_min, options.bootstrap_reach_min))
    tables = []
    for window in dict.fromkeys(window for channel in channels.values() for window in channel.windows):
        there = {name: channel for name, channel in channels.items() if window in channel.windows}
        tables.append(_of_window(window, there, regions, (block, reach), options))
    return pd.concat(tables, ignore_index=True) if tables else NIGHT_SPREADS.empty()


def _read_channel(epochs: pd.DataFrame, waves: pd.DataFrame, own: Stretches, settings: Settings) -> _Channel:
    stretches, usable_s, epoch_s = own
    power = epochs["swa"].to_numpy(dtype=float)
    measured = np.isfinite(power)
    slow = waves.loc[select_waves(waves, settings.waves), "negative_peak_s"].to_numpy(dtype=float)
    counts = np.bincount((slow / epoch_s).astype(int), minlength=len(power))
    shown = [s for s in stretches if s.stages == "NREM" and Window(s.window).kind in PRECISION_WINDOWS]
    return _Channel(
        np.array([np.where(measured, power, 0.0), counts]),
        np.array([measured.astype(float), usable_s / 60]),
        {
            stretch.window: stretch.epochs
            for stretch in shown
            if not stretch.reason
            and usable_s[stretch.epochs].sum() >= settings.windows.minimum_min * 60
            and measured[stretch.epochs].any()
        },
    )


def _of_window(
    window: str,
    channels: Mapping[str, _Channel],
    regions: Mapping[str, Sequence[str]],
    blocks: tuple[int, int],
    options: ComparisonSettings,
) -> pd.DataFrame:
    """Rows of one window: each channel, and each region that has all its channels there."""
    drawn_from = np.logical_or.reduce([channel.windows[window] for channel in channels.values()])
    # Epochs of another channel alone weigh nothing: `matched` ends later where more of the night is unusable.
    inside = [channel.windows[window][drawn_from] for channel in channels.values()]
    sums, weights = (
        np.concatenate([part[:, drawn_from] * own for part, own in zip(parts, inside, strict=True)])
        for parts in zip(*((channel.sums, channel.weights) for channel in channels.values()), strict=True)
    )
    n_epochs = int(drawn_from.sum())
    once = np.ones((1, n_epochs), dtype=np.int64)
    block, reach = blocks
    few = n_epochs < FEWEST_BLOCKS * block
    counts = once if few else draw_blocks(n_epochs, block, reach, options.bootstrap_draws, options.flip_seed)
    with np.errstate(divide="ignore"):  # a draw without a wave
        values, draws = (np.log(resample_means(sums, weights, count)) for count in (once, counts))
    names, rows, several = list(channels), [], len(PRECISION_MEASURES)
    for name, members in ({name: [name] for name in names} | dict(regions)).items():
        own = [names.index(member) for member in members if member in names]
        if not own or len(own) < len(members):
            continue
        n = min(int(inside[place].sum()) for place in own)
        for place, measure in enumerate(PRECISION_MEASURES):
            value, draw = (logs[place::several][own].mean(axis=0) for logs in (values, draws))
            why = f"{n_epochs} epochs, {FEWEST_BLOCKS} blocks of {block} are needed" if few else ""
            why = why or ("" if np.isfinite(draw).all() else "not in every draw is there a wave")
            error = np.nan if why else float(draw.std(ddof=1))
            rows.append((name, "NREM", window, measure, float(np.exp(value[0])), error, n, why))
    return NIGHT_SPREADS.frame(rows)
