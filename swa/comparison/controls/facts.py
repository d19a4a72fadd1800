"""What one night is held against others by, and the nights of a subject that a contrast holds against each other."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from swa.settings import ComparabilitySettings, Settings
from swa.tables.contrast import Contrast
from swa.tables.reason import Reason

Floats = NDArray[np.float64]

# Bands and stages far from slow waves: the stages and the window of the stored spectra that each is measured in.
GAIN_CONTROLS = {"rem": ("REM", "night"), "quiet_wake": ("W", "quiet"), "nrem_fast": ("NREM", "night")}


def control_bands(settings: ComparabilitySettings) -> dict[str, tuple[float, float]]:
    """Limits of each of `GAIN_CONTROLS`, Hz."""
    return dict(zip(GAIN_CONTROLS, (settings.rem_hz, settings.wake_hz, settings.nrem_hz), strict=True))


@dataclass(frozen=True, kw_only=True)
class NightFacts:
    """What one night is held against others by.

    Attributes
    ----------
    subject, session, condition : str
        Whose night it is.
    controls : dict of str to ndarray, shape (3,)
        Per channel the ln power (µV²) of `GAIN_CONTROLS`; NaN where it cannot be measured.
    header : dict
        Per channel the facts of its header.
    nrem_min : dict of str to float
        Per channel the analysed minutes of N2+N3.
    sleep_min : dict of str to float
        Per stage (``N1``, ``N2``, ``N3``) the scored minutes.
    cycle_min : dict of str to float
        Per cycle (``cycle-1``) the analysed minutes of N2+N3, of the channel that has most.
    decline : dict of str to float
        Per channel the fall of SWA over the whole night (ln per h of NREM).
    swa : dict of str to float
        Per channel slow-wave activity of N2+N3 of the whole night (µV²).
    swa_rem : dict of str to float
        The same of REM sleep, where `FEWEST_REM_MIN` of it are analysed.
    swa_n3 : dict of str to float
        The same of N3 alone, where `FEWEST_N3_MIN` of it are analysed.
    rejected : dict of str to tuple
        Per channel the shares of NREM and of slow waves that artefact rules remove, and the rule that removes most.
    clipped : dict of str to float
        Per channel the share of slow waves, or of NREM, that is clipped.
    below_band : dict of str to float
        Per channel the power of N2+N3 at 0.2-0.5 Hz over slow-wave activity.
    asymmetry_parts : dict of str to tuple of float
        Per channel the asymmetry of large waves in each part of its NREM (`swa.measures.asymmetry`).
    shape : dict of str to ndarray
        Per channel the spectrum of N2+N3 in which frequencies are held against each other
        (`swa.comparison.spectral_scale`).
    shifts : dict of (channel, measure) to tuple
        Largest and smallest change of a marker (ln) when the stager sees a smaller or larger EEG; of ``all`` the change
        of a measure of sleep architecture in its unit. Empty for nights that brought their scorings.
    unmoved : dict of str to float
        Those measures of sleep architecture with the stages of the EEG as it is.
    is_staged_by_machine : bool
        Whether YASA or another stager staged it, not a person.
    content : tuple of str
        Digests of the recording and of its spectra: nights that share one are the same night.
    copied : bool
        Whether the night is left out of the means for that reason (`swa.comparison.compared_nights.copied_nights`).
    of_other : bool
        Whether it is left out because its recording stands for a night of another subject too.
    bed_min, from_onset_min : float
        Minutes from lights off, and from the first sleep, to lights on that have a stage; NaN where that is not stored.
    unscored_min : float
        Minutes from the first to the last sleep that have none; NaN where that is not stored.
    lights : dict of str to bool
        Whether lights ``off`` and ``on`` are known; empty where that is not stored.
    start_h, onset_h : float
        Time of day of the first sample and of sleep onset, in h after noon; NaN where unknown.
    start : datetime or None
        Date and time of the first sample; None where they are not known, hidden or made up.
    place : float
        Place in the subject's sequence of nights; NaN where unknown.
    """

    subject: str
    session: str
    condition: str
    controls: Mapping[str, Floats]
    header: Mapping[str, Mapping[str, object]]
    nrem_min: Mapping[str, float]
    sleep_min: Mapping[str, float] = field(default_factory=dict)
    cycle_min: Mapping[str, float] = field(default_factory=dict)
    decline: Mapping[str, float] = field(default_factory=dict)
    swa: Mapping[str, float] = field(default_factory=dict)
    swa_rem: Mapping[str, float] = field(default_factory=dict)
    swa_n3: Mapping[str, float] = field(default_factory=dict)
    rejected: Mapping[str, tuple[float, float, str]] = field(default_factory=dict)
    clipped: Mapping[str, float] = field(default_factory=dict)
    below_band: Mapping[str, float] = field(default_factory=dict)
    asymmetry_parts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    shape: Mapping[str, Floats] = field(default_factory=dict)
    shifts: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    unmoved: Mapping[str, float] = field(default_factory=dict)
    is_staged_by_machine: bool = False
    content: tuple[str, ...] = ()
    copied: bool = False
    of_other: bool = False
    bed_min: float = np.nan
    from_onset_min: float = np.nan
    unscored_min: float = np.nan
    lights: Mapping[str, bool] = field(default_factory=dict)
    start_h: float = np.nan
    onset_h: float = np.nan
    start: datetime.datetime | None = None
    place: float = np.nan


@dataclass(frozen=True, kw_only=True)
class Spread:
    """SD (ln) between nights of a subject, of one night: of G, and of a channel's G from that of the others.

    `df` is infinite for stated values; `source` says where they are from.
    """

    gain: float
    channel: float
    df: float
    source: Reason


@dataclass(frozen=True, kw_only=True)
class ComparedNights:
    """Nights of one subject that a contrast holds against each other.

    Attributes
    ----------
    subject : str
        Whose they are.
    contrast : Contrast
        Of two conditions.
    treated, before : tuple of NightFacts
        Nights of the treatment, and of what it is compared with.
    spread : Spread
        Of the gain check.
    settings : Settings
        All settings.
    first_place : float
        Place of the subject's first night; NaN where unknown.
    decline : mapping of str to float
        Per channel the mean fall of SWA over the nights of the study (ln per h of NREM).
    """

    subject: str
    contrast: Contrast
    treated: tuple[NightFacts, ...]
    before: tuple[NightFacts, ...]
    spread: Spread
    settings: Settings
    first_place: float = np.nan
    decline: Mapping[str, float] = field(default_factory=dict)

    @property
    def nights(self) -> tuple[NightFacts, ...]:
        """All of them, those of the comparator first."""
        return (*self.before, *self.treated)

    @property
    def sides(self) -> tuple[tuple[NightFacts, ...], tuple[NightFacts, ...]]:
        """Treatment and comparator."""
        return self.treated, self.before

    def shared(self, fact: str) -> list[str]:
        """Channels of which every night has a fact."""
        return [name for name in getattr(self.treated[0], fact) if all(name in getattr(n, fact) for n in self.nights)]
