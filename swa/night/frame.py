"""What all channels of a night share: its stages, cycles and stretches."""

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.errors import SwaError
from swa.measures import windows
from swa.settings import Settings
from swa.sleep.cycles import find_nrem_cycles, find_sleep_onset
from swa.sleep.hypnogram import epoch_length_s, stages_of

if TYPE_CHECKING:
    import yasa

NREM = ("N2", "N3")


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What all channels of a night share: its stages and their stretches."""

    stages: NDArray[np.str_]
    epoch_s: float
    cycles: pd.DataFrame
    sleep_onset_s: float
    dose_s: float | None
    stretches: list[windows.Stretch]
    cycle_of_epoch: NDArray[np.int64]

    @property
    def nrem(self) -> NDArray[np.bool_]:
        """Epochs of N2 and N3."""
        return np.isin(self.stages, NREM)


def check_seconds(name: str, value: object) -> None:
    """Refuse a time that is no number of seconds.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : float or None
        Its value.

    Raises
    ------
    SwaError
        It is something else.
    """
    if value is not None and (isinstance(value, bool) or not isinstance(value, Real)):
        raise SwaError(
            f"{name}: got {value!r} ({type(value).__name__}).",
            "Expected is a number: seconds from the first sample of the recording, negative before it.",
        )


def make_frame(hypnogram: "yasa.Hypnogram", settings: Settings, dose_s: float | None) -> Frame:
    """What all channels of a night share."""
    check_seconds("dose_s", dose_s)
    stages, epoch_s = stages_of(hypnogram), epoch_length_s(hypnogram)
    cycles = find_nrem_cycles(hypnogram, settings.cycles)
    onset_s = find_sleep_onset(hypnogram, settings.cycles)
    cycle_of_epoch = np.zeros(len(stages), int)
    start_s = np.arange(len(stages)) * epoch_s
    limits_s = cycles[["nrem_start_s", "nrem_end_s", "rem_end_s"]].to_numpy(dtype=float)
    for number, (first_s, nrem_end_s, rem_end_s) in enumerate(limits_s, start=1):
        last_s = nrem_end_s if np.isnan(rem_end_s) else rem_end_s
        cycle_of_epoch[(start_s >= first_s) & (start_s < last_s)] = number
    return Frame(
        stages=stages,
        epoch_s=epoch_s,
        cycles=cycles,
        sleep_onset_s=onset_s,
        dose_s=dose_s,
        stretches=windows.find_stretches(stages, epoch_s, cycles, onset_s, dose_s, settings),
        cycle_of_epoch=cycle_of_epoch,
    )
