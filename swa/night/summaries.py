"""Rows that a night and the subject step make alike: early over late, and why a stretch has no value."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.measures import homeostasis, slow_waves
from swa.settings import WaveCriteria

EARLY_LATE = {  # ratio by the measure of which it is
    "wave_amplitude_p90": "wave_amplitude_early_late_ratio",
    "wave_slope_up": "wave_slope_up_early_late_ratio",
}


def early_late_rows(
    waves: pd.DataFrame,
    epoch: NDArray[np.int64],
    nrem: NDArray[np.bool_],
    epoch_s: float,
    criteria: WaveCriteria,
    chosen: NDArray[np.bool_],
) -> list[tuple[str, float, int, str]]:
    """First over last hour of NREM, of the amplitude and the slope of waves; `epoch` is that of each half-wave."""
    hours = homeostasis.first_and_last_hour(nrem, epoch_s)
    parts = [slow_waves.summarize_waves(waves, criteria, 1.0, hour[epoch], chosen) for hour in hours]
    reason = "" if hours[0].any() else f"{nrem.sum() * epoch_s / 60:.0f} min of NREM, 120 are needed"
    rows: list[tuple[str, float, int, str]] = []
    for name, measure in EARLY_LATE.items():
        early, late = (part[name] for part in parts)
        value, n = early[0] / late[0], min(early[2], late[2])
        note = reason or ("" if np.isfinite(value) else "no wave in the first or the last hour of NREM")
        rows.append((measure, np.nan if note else value, n, note))
    return rows


def too_short(minutes: float, taken: NDArray[np.bool_], minimum_min: float) -> str:
    """Why a stretch of so many usable minutes has no value; empty where it has one."""
    if minutes >= minimum_min:
        return "" if taken.any() else "no window of the spectra lies within one stage and in usable time"
    return f"{minutes:.1f} min of usable time, {minimum_min:g} are needed"


def no_waves(value: float) -> str:
    """Why a summary of waves has no value; empty where it has one."""
    return "no wave there" if np.isnan(value) else ""
