"""The whole night over common minutes: nights of one subject are cut to the same NREM time.

Slow-wave activity falls over the night, so that a mean over a shorter night is larger without any effect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.glossary import measures_over_night
from swa.measures.homeostasis import summarize_decline
from swa.measures.slow_waves import select_waves, summarize_waves
from swa.night.summaries import early_late_rows, no_waves, too_short
from swa.study.subject_night import NREM_STAGES, SubjectNight
from swa.tables.marker import ALL_MINUTES, matches
from swa.tables.night_document import TOTAL_POWER
from swa.tables.notes import FIRST_MINUTES

Value = tuple[float, int, str]  # with what it rests on, and the note


def cut_alike(nights: Sequence[SubjectNight]) -> list[SubjectNight]:
    """Nights of a subject with the NREM time that they have in common (`SubjectNight.common_min`).

    Adaptation nights, nights without a good channel and nights too short to be judged (setting `quality.nrem_min`) take
    part in no common time: one bad night would shorten all others.
    """
    counted = {
        night.session: minutes
        for night in nights
        if night.settings.windows.common_minutes
        and night.is_compared
        and len(night.bad_channels()) < len(night.channels)
        and (minutes := night.nrem_min) >= night.settings.quality.nrem_min
    }
    if len(counted) < 2:
        return list(nights)
    common = min(counted.values())
    return [replace(night, common_min=common) if night.session in counted else night for night in nights]


def cut_rows(night: SubjectNight) -> pd.DataFrame:
    """Rows of a night, those of the whole night over common minutes; the uncut ones as variant ``all minutes``."""
    table = night.folder.read("measures")
    if not np.isfinite(night.common_min):
        return table
    measures = measures_over_night("cut")
    is_cut = matches(table, window="night", stages=NREM_STAGES, variant="", measure=measures)
    uncut, cut = table[is_cut].assign(variant=ALL_MINUTES), table.copy()
    again = {name: _measure_cut(night, name) for name in night.channels}
    # A night from which nothing is cut off keeps its rows to the last digit. A measure that is to be cut and is not
    # measured again here must not stand uncut under the name of what is cut.
    keys = uncut[["channel", "stages", "measure"]].astype(str).itertuples(name=None)
    told = {place: again[name][stages, measure] for place, name, stages, measure in keys if again[name]}
    if told:  # all rows at once: one by one they took half of the subject step
        for column, values in zip(("value", "n", "note"), zip(*told.values(), strict=True), strict=True):
            cut.loc[list(told), column] = list(values)
    return pd.concat([cut, uncut], ignore_index=True)


def _measure_cut(night: SubjectNight, channel: str) -> dict[tuple[str, str], Value]:
    """Values of one channel over common minutes by stages and measure; none where nothing is cut off."""
    settings, epochs, waves = night.settings, night.epochs_of(channel), night.waves_of(channel)
    stretches, usable_s, epoch_s = night.stretches(channel)
    whole = [stretch for stretch in stretches if stretch.window == "night"]
    nrem = next(stretch.epochs for stretch in whole if stretch.stages == "NREM")
    if np.count_nonzero(nrem) == epochs["stage"].isin(["N2", "N3"]).sum():
        return {}
    bands = {*settings.power.bands_hz, TOTAL_POWER} & set(epochs)
    powers = {name: epochs[name].to_numpy(dtype=float) for name in bands}
    chosen = select_waves(waves, settings.waves)
    epoch = (waves["negative_peak_s"].to_numpy() / epoch_s).astype(int)
    said = FIRST_MINUTES(minutes=night.common_min).words
    found: dict[tuple[str, str], Value] = {}
    for stretch in whole:
        minutes = float(usable_s[stretch.epochs].sum()) / 60
        taken = stretch.epochs & np.isfinite(powers["swa"])
        n = int(taken.sum())
        values: dict[str, Value] = {}
        if reason := too_short(minutes, taken, settings.windows.minimum_min):
            values = dict.fromkeys(measures_over_night("cut"), (np.nan, 0, reason))
        else:
            means = _powers(powers, taken, float(stretch.epochs.sum()) * epoch_s)
            values = {name: (value, n, said) for name, value in means.items()}
            summary = summarize_waves(waves, settings.waves, minutes, stretch.epochs[epoch], chosen)
            values |= {name: (value, count, no_waves(value) or said) for name, (value, _, count) in summary.items()}
        values["analysed_minutes"] = (minutes, n, said)
        found |= {(stretch.stages, name): value for name, value in values.items()}
    known = int((nrem & np.isfinite(powers["swa"])).sum())
    for name, (value, _, note) in summarize_decline(powers["swa"], nrem, epoch_s).items():
        found["NREM", name] = (value, known, note or said)
    for name, value, n, note in early_late_rows(waves, epoch, nrem, epoch_s, settings.waves, chosen):
        found["NREM", name] = (value, n, note or said)
    return found


def _powers(powers: Mapping[str, NDArray[np.float64]], taken: NDArray[np.bool_], total_s: float) -> dict[str, float]:
    means = {name: float(values[taken].mean()) for name, values in powers.items()}
    total = means.pop(TOTAL_POWER, np.nan)
    return means | {"swa_relative": means["swa"] / total, "swa_energy": means["swa"] * total_s}
