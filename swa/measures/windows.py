"""Stretches of the night over which measures are taken, fixed beforehand and never chosen from the data."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.settings import Settings, WindowSettings
from swa.tables.notes import THIN_CYCLE

STAGE_SETS = {
    "NREM": ("N2", "N3"),
    "N2": ("N2",),
    "N3": ("N3",),
    "REM": ("R",),
    "W": ("W",),
    "any": ("W", "N1", "N2", "N3", "R"),
}
NOT_FILLED = "the night does not fill this hour"


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Epochs of a night that one row of the long table rests on.

    Attributes
    ----------
    stages, window : str
        As in the long table.
    epochs : ndarray of bool, shape (n_epochs,)
        The epochs.
    median : bool
        Whether power is the median over epochs (stage-free stretches) instead of the mean.
    reason : str
        Why nothing can be measured; empty where it can.
    """

    stages: str
    window: str
    epochs: NDArray[np.bool_]
    median: bool = False
    reason: str = ""


def find_stretches(
    stages: NDArray[np.str_],
    epoch_s: float,
    cycles: pd.DataFrame,
    sleep_onset_s: float,
    dose_s: float | None = None,
    settings: Settings | None = None,
) -> list[Stretch]:
    """Stretches of one night that are the same for every channel (all but `matched`).

    Parameters
    ----------
    stages : ndarray of str, shape (n_epochs,)
        W, N1, N2, N3, R or UNS.
    epoch_s : float
        Length of an epoch.
    cycles : DataFrame
        From `swa.sleep.cycles.find_nrem_cycles`.
    sleep_onset_s : float
        NaN without sleep.
    dose_s : float, optional
        Time of the dose in s from the first sample (negative for a dose before it).
    settings : Settings, optional
        Lengths of the stage-free stretches, and the N2 and N3 that a cycle needs.
    """
    settings = settings or Settings()
    start_s = np.arange(len(stages)) * epoch_s
    sets = {name: np.isin(stages, members) for name, members in STAGE_SETS.items()}
    found = [Stretch(stages=name, window="night", epochs=epochs) for name, epochs in sets.items()]
    limits_s = cycles[["nrem_start_s", "nrem_end_s", "rem_start_s", "rem_end_s"]].to_numpy(dtype=float)
    for number, (nrem_start_s, nrem_end_s, rem_start_s, rem_end_s) in enumerate(limits_s, start=1):
        nrem = (start_s >= nrem_start_s) & (start_s < nrem_end_s)
        rem = (start_s >= rem_start_s) & (start_s < rem_end_s)
        reason = _too_thin(np.count_nonzero(nrem & sets["NREM"]) * epoch_s / 60, settings.cycles.n2_n3_minimum_min)
        found += [
            Stretch(
                stages=name,
                window=f"cycle-{number}",
                epochs=sets[name] & (rem if name == "REM" else nrem),
                reason=reason,
            )
            for name in ("NREM", "N2", "N3", "REM")
        ]
    if cycles.empty:
        nothing = np.zeros(len(stages), bool)
        found.append(Stretch(stages="NREM", window="cycle-1", epochs=nothing, reason="the night has no NREM cycle"))
    scored = np.flatnonzero(sets["any"])
    end_s = (scored[-1] + 1) * epoch_s if scored.size else 0.0  # lights on, or the end of the recording
    found += _hours("hour", sets, epoch_s, sleep_onset_s)
    if dose_s is not None:
        found += _hours("dosehour", sets, epoch_s, dose_s)
    for minutes in dict.fromkeys(settings.windows.stage_free_min):
        inside = (start_s >= sleep_onset_s) & (start_s < sleep_onset_s + minutes * 60)
        complete = bool(end_s >= sleep_onset_s + minutes * 60)
        found.append(
            Stretch(
                stages="any",
                window=f"first{minutes:g}min",
                epochs=sets["any"] & inside & complete,
                median=True,
                reason="" if complete else f"less than {minutes:g} min from sleep onset to the end of the night",
            )
        )
    return found


def find_matched(stretches: list[Stretch], usable_s: NDArray[np.float64], settings: WindowSettings) -> Stretch:
    """The window `matched` of one channel: its first minutes of clean N2+N3, the same number in every night.

    Parameters
    ----------
    stretches : list of Stretch
        From `find_stretches`.
    usable_s : ndarray, shape (n_epochs,)
        Usable time of each epoch in this channel, in s.
    settings : WindowSettings
        `matched_min`.
    """
    nrem = next(stretch.epochs for stretch in stretches if (stretch.stages, stretch.window) == ("NREM", "night"))
    clean_min = np.cumsum(np.where(nrem, usable_s, 0)) / 60
    reached = np.flatnonzero(clean_min >= settings.matched_min - 1e-6)
    epochs = nrem.copy()
    if reached.size:
        epochs[reached[0] + 1 :] = False
        return Stretch(stages="NREM", window="matched", epochs=epochs)
    total = clean_min[-1] if len(clean_min) else 0.0
    reason = f"{total:.1f} min of clean NREM, {settings.matched_min:g} are needed"
    return Stretch(stages="NREM", window="matched", epochs=np.zeros_like(nrem), reason=reason)


def cut_night(stretches: list[Stretch], minutes: float, epoch_s: float) -> list[Stretch]:
    """The stretches, with N2 and N3 of the window `night` up to so many minutes of NREM."""
    nrem = next(stretch.epochs for stretch in stretches if (stretch.stages, stretch.window) == ("NREM", "night"))
    within = np.cumsum(nrem) * epoch_s / 60 <= minutes + 1e-6
    return [
        replace(stretch, epochs=stretch.epochs & within)
        if stretch.window == "night" and stretch.stages in ("NREM", "N2", "N3")
        else stretch
        for stretch in stretches
    ]


def _too_thin(minutes: float, needed: float) -> str:
    return THIN_CYCLE(minutes=minutes, needed=needed).words if minutes < needed else ""


def _hours(name: str, sets: dict[str, NDArray[np.bool_]], epoch_s: float, zero_s: float) -> list[Stretch]:
    """Hours since a time, each with NREM sleep; one that the night does not fill, but for an epoch, is not measured."""
    nrem, scored = sets["NREM"], np.flatnonzero(sets["any"])
    if not np.isfinite(zero_s) or not scored.size:
        return []
    hours = np.floor((np.arange(len(nrem)) * epoch_s - zero_s) / 3600).astype(int) + 1
    found = []
    for hour in np.unique(hours[nrem & (hours >= 1)]):
        end_s = zero_s + hour * 3600
        filled = scored[0] * epoch_s - (end_s - 3600) < epoch_s and end_s - (scored[-1] + 1) * epoch_s < epoch_s
        reason = "" if filled else NOT_FILLED
        found.append(Stretch(stages="NREM", window=f"{name}-{hour}", epochs=nrem & (hours == hour), reason=reason))
    return found
