"""A stored night as the subject step sees it: baseline or not, its bad channels, its stretches and cycles."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.measures import process_s, windows
from swa.measures.quality import find_bad_channels
from swa.settings import Settings
from swa.study.store import StoredNight
from swa.tables.marker import select
from swa.tables.night_document import PROCESS_S_BAND

Stretches = tuple[list[windows.Stretch], NDArray[np.float64], float]
NREM_STAGES = ("NREM", "N2", "N3")
DEFAULT_EPOCH_S = 30.0  # of a night of one epoch, which does not tell


@dataclass(frozen=True, kw_only=True)
class SubjectNight(StoredNight):
    """A finished night among those of its subject.

    Attributes
    ----------
    is_baseline, is_adaptation : bool
        What it counts for; an adaptation night is held against no other.
    is_compared : bool
        Whether a comparison uses it.
    settings : Settings
        All settings.
    common_min : float
        NREM time in min that the subject's nights have in common: what the window `night` is cut to in NREM.
    """

    is_baseline: bool
    is_adaptation: bool
    is_compared: bool
    settings: Settings
    common_min: float = np.inf
    _found: dict[str, Stretches] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def nrem_min(self) -> float:
        """Minutes of N2 and N3."""
        epochs = self.epochs_of(self.channels[0])
        return float(epochs["stage"].isin(["N2", "N3"]).sum()) * _epoch_length_s(epochs) / 60

    @property
    def sleep_onset_s(self) -> float:
        """From the first sample; NaN without sleep."""
        onset_min = self.summary["sleep_onset_min"]
        return np.nan if onset_min is None else onset_min * 60

    def bad_channels(self) -> dict[str, str]:
        """Channels that are bad in this night, each with its reason."""
        return find_bad_channels(self.summary, self.settings.artifacts)

    def epochs_of(self, channel: str) -> pd.DataFrame:
        """Epochs of one channel."""
        return self.epochs[self.epochs["channel"] == channel]

    def waves_of(self, channel: str) -> pd.DataFrame:
        """Half-waves of one channel."""
        return self.waves[self.waves["channel"] == channel]

    def sloping_waves(self, channel: str) -> pd.DataFrame:
        """Half-waves of one channel that are large enough for their slope to be taken."""
        return self._large(self.waves_of(channel))

    def compared_waves(self, channel: str, *, large: bool = False) -> pd.DataFrame:
        """Half-waves of one channel in the N2 and N3 of the window `night`, over common minutes; all or large ones."""
        waves, (inside, _, epoch_s) = self.waves_of(channel), self._whole_night(channel)
        waves = waves[inside[(waves["negative_peak_s"].to_numpy() / epoch_s).astype(int)]]
        return self._large(waves) if large else waves

    def _large(self, waves: pd.DataFrame) -> pd.DataFrame:
        return waves[waves["negative_amplitude_uv"] >= self.settings.waves.negative_uv[0]]

    def _whole_night(self, channel: str) -> tuple[NDArray[np.bool_], NDArray[np.float64], float]:
        """Epochs of N2 and N3 over common minutes, usable time per epoch in s, and the length of an epoch in s."""
        stretches, usable_s, epoch_s = self.stretches(channel)
        return (
            next(one.epochs for one in stretches if one.window == "night" and one.stages == "NREM"),
            usable_s,
            epoch_s,
        )

    def analysed_min(self, channel: str) -> float:
        """Minutes of N2 and N3 of one channel that were searched for waves, over common minutes."""
        inside, usable_s, _ = self._whole_night(channel)
        if np.count_nonzero(inside) < self.epochs_of(channel)["stage"].isin(["N2", "N3"]).sum():
            return float(usable_s[inside].sum()) / 60
        table = pd.DataFrame(self.document["analysed_minutes"], columns=["channel", "stage", "minutes"])
        return float(select(table, channel=channel, stage=("N2", "N3"))["minutes"].sum())

    def every_stretch(self, channel: str) -> Stretches:
        """All stretches of one channel, its usable time per epoch in s, and the length of an epoch in s."""
        if channel not in self._found:
            self._found[channel] = self._find_stretches(channel)
        return self._found[channel]

    def _find_stretches(self, channel: str) -> Stretches:
        epochs = self.epochs_of(channel)
        epoch_s = _epoch_length_s(epochs)
        stages, usable_s = epochs["stage"].to_numpy(dtype="U3"), epochs["usable_s"].to_numpy(dtype=float)
        dose_s = self.summary["dose_s"]
        found = windows.find_stretches(stages, epoch_s, self.cycles, self.sleep_onset_s, dose_s, self.settings)
        matched = windows.find_matched(found, usable_s, self.settings.windows)
        return [*windows.cut_night(found, self.common_min, epoch_s), matched], usable_s, epoch_s

    def stretches(self, channel: str) -> Stretches:
        """The same of NREM alone."""
        found, usable_s, epoch_s = self.every_stretch(channel)
        return [stretch for stretch in found if stretch.stages in NREM_STAGES], usable_s, epoch_s

    def cycle_means(self, channel: str) -> pd.DataFrame:
        """Mean power of each NREM cycle in the band of the Process S fit."""
        epochs = self.epochs_of(channel)
        means = process_s.average_cycles(
            epochs[PROCESS_S_BAND].to_numpy(dtype=float),
            epochs["stage"].isin(["N2", "N3"]).to_numpy(),
            _epoch_length_s(epochs),
            self.cycles,
            self.sleep_onset_s,
            self.settings.homeostasis,
        )
        return means.assign(session=self.session)


def _epoch_length_s(epochs: pd.DataFrame) -> float:
    onsets = epochs["onset_s"].to_numpy(dtype=float)
    return float(onsets[1] - onsets[0]) if len(onsets) > 1 else DEFAULT_EPOCH_S
