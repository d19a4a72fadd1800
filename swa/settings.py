"""Every value that changes a number: its default, unit, source and valid range; TOML in and out.

A value that only changes how fast or where something runs (jobs, folders) is not a setting.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from math import inf
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from swa.errors import SettingsError
from swa.tables.toml_text import Option, expected_form, tell_line, toml_value

QUOTED = re.compile("'([^']*)'")  # the choices in a message of pydantic
RELEASES = files("swa") / "releases"
AFTERWARDS = {"comparison", "comparability", "quality"}  # groups that are read after the nights are measured

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


Control = Literal[
    "gain",
    "one_channel",
    "transducer",
    "prefilter",
    "derivation",
    "physical_range",
    "rate",
    "analysed_minutes",
    "rejection",
    "clipping",
    "below_band",
    "rem_slow",
    "polarity",
    "time_scale",
    "staging",
    "staging_source",
    "time_in_bed",
    "recording_start",
    "sleep_onset",
    "first_night",
    "same_recording",
    "same_start",
]


def _several(value: object) -> object:
    """One name may stand without brackets."""
    return (value,) if isinstance(value, str) else value


def _ordered(limits: tuple[float, float]) -> tuple[float, float]:
    if not limits[0] < limits[1]:
        raise ValueError("the lower limit must be below the upper")
    return limits


Band = Annotated[tuple[Annotated[float, Field(ge=0)], Positive], AfterValidator(_ordered)]


class Group(BaseModel):
    """A group of settings: immutable, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: object, field: ValidationInfo) -> object:
        """Refuse true and false where a number is due: pydantic reads them as 1 and 0, which nobody means by them."""
        default = cls.model_fields[str(field.field_name)].default
        items = value if isinstance(value, list | tuple) else [value]
        if not isinstance(default, bool) and any(isinstance(item, bool) for item in items):
            raise PydanticCustomError("number_type", "expected a number, found true or false")
        return value

    def __init__(self, **values: object) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            problems = "; ".join(_explain(detail, type(self)) for detail in error.errors())
            raise SettingsError(f"{type(self).__name__}: {problems}.", "`swa settings` prints all defaults.") from None

    # Within other settings, pydantic is to gather all problems and not to stop at the first group's error.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]


_Kind = TypeVar("_Kind", bound=Group)


class ChannelSettings(Group):
    """Which signal is what, where the labels of a recording do not say it."""

    names: dict[str, str] = Field(
        {},
        description='what a label is called, where it says too little, e.g. { "EEG(sec)" = "C3-A2", "HB_*" = "*" }; '
        "* stands for any letters",
    )
    roles: dict[str, Literal["eeg", "eog", "emg", "ecg", "ignore"]] = Field(
        {}, description='role by label as in the file, e.g. { "Lead 3" = "eeg" }'
    )
    units: dict[str, Literal["uV", "mV", "V"]] = Field(
        {}, description='unit by label, where the header is silent or wrong, e.g. { "C4" = "uV" }'
    )


class SignalSettings(Group):
    """The analysis signal."""

    rate_hz: float = Field(100.0, ge=90, le=1000, description="Hz; every EEG is resampled once to this rate")


class ScoringSettings(Group):
    """Scorings that a lab already has, where the file does not say it."""

    codes: dict[str, Literal["W", "N1", "N2", "N3", "R", "UNS"]] = Field(
        {}, description='stage by code, where numbers could mean several things, e.g. { "5" = "W", "4" = "R" }'
    )
    column: str = Field("", description="column, or scorer, that is read where a scoring holds several that differ")
    epoch_s: Positive = Field(30.0, description="s; epoch of scorings that list one stage a line")
    beside: bool = Field(
        default=True, description="use a scoring that lies beside its recording, under its name, not staging"
    )
    compare_with_yasa: bool = Field(
        default=False,
        description="stage nights that bring a scoring with YASA too, and tell the agreement: a staging a night",
    )
    uncertain_confidence: Share = Field(
        0.5, description="probability of the stage that YASA chose below which an epoch counts as uncertain"
    )


class CycleSettings(Group):
    """NREM cycles by a published rule, and sleep onset."""

    rule: Literal["sleepcycles", "feinberg1979"] = Field(
        "sleepcycles",
        description="what ends a NREM period: REM alone (Blume & Cajochen 2021, MethodsX 8:101318), or also 5 min of "
        "wake (Feinberg & Floyd 1979, Psychophysiology 16:283)",
    )
    n2_n3_minimum_min: Annotated[float, Field(ge=0)] = Field(
        15.0, description="min of N2 and N3 in a cycle below which it is counted and not measured (NaN)"
    )
    sleep_onset: Literal["sustained", "first_n2"] = Field(
        "sustained", description="first epoch of >= 90 s of uninterrupted sleep (three 30-s epochs), or first N2"
    )
    nrem_starts_with: Literal["N1", "N2"] = Field("N2", description="stage that opens a NREM period")
    nrem_minimum_min: Positive = Field(15.0, description="min; shortest NREM period (Feinberg & Floyd 1979)")
    rem_minimum_min: Positive = Field(
        5.0,
        description="min; shortest REM period after the first, and by feinberg1979 the wake that ends a NREM period",
    )
    split_skipped_rem: bool = Field(
        default=True,
        description="split a NREM period > 120 min (by feinberg1979 the first one only) at the first N3 after > 12 min "
        "without N3",
    )


class WindowSettings(Group):
    """Stretches of the night over which measures are taken."""

    matched_min: Positive = Field(60.0, description="min of clean NREM in the window `matched`")
    stage_free_min: tuple[Positive, ...] = Field(
        (60.0, 90.0, 120.0), description="min after sleep onset of the stage-free windows `first60min` ..."
    )
    common_minutes: bool = Field(
        default=True,
        description="cut the window `night` of a subject's nights to the NREM time that they have in common; the uncut "
        "value is the variant `all minutes`",
    )
    minimum_min: Positive = Field(
        1.0, description="min of usable time below which a channel and window is not measured (NaN)"
    )


class ArtifactSettings(Group):
    """Unusable time. The slow band has no local and no per-night limit: it would remove drug effects."""

    muscle_factor: Positive = Field(
        4.0, description="high-frequency power above this multiple of its moving median (Brunner 1996)"
    )
    muscle_least_uv: float = Field(
        0.5,
        ge=0,
        description="uV rms in the muscle band; less is no muscle, whatever its median: the noise that an EEG amplifier"
        " may have at any frequency, 1.5 uV peak to peak (Nuwer 1998)",
    )
    muscle_median_s: Positive = Field(180.0, description="s; length of that moving median (Brunner 1996)")
    muscle_band_hz: Band = Field((26.25, 32.0), description="Hz; muscle band (Brunner 1996)")
    muscle_band_low_passed_hz: Band = Field((20.0, 30.0), description="Hz; muscle band of low-passed recordings")
    amplitude_uv: Positive = Field(500.0, description="uV; absolute limit after a 0.3-Hz high-pass")
    flat_uv: Positive = Field(0.5, description="uV; a smaller range over 5 s is a flat signal")
    clipped_samples: int = Field(3, ge=2, description="consecutive samples at the recording's limit")
    focal_factor: Positive = Field(
        10.0,
        description="slow-band power relative to the channel's NREM median, over that of the median channel; 6 removes "
        "up to 8 % of enlarged slow waves (benchmarks/large_effect.py)",
    )
    focal_channels: int = Field(4, ge=3, description="EEG channels from which the focal rule works")
    bad_channel_share: Share = Field(0.5, description="a channel is bad when more of its NREM is unusable")
    clipped_waves_most: Share = Field(
        0.25,
        description="a channel is bad when more of its slow waves, or of NREM, are clipped: power is a third too low",
    )
    fewest_levels: int = Field(
        6,
        ge=2,
        description="different values in the middle nine tenths of a signal below which a channel is bad (real "
        "ones have 150 and more; at 5 slow-wave activity is 1 % off, at 3 density 31 %)",
    )
    smallest_uv: Positive = Field(
        2.5, description="uV rms of slow-wave activity in NREM below which a channel is bad (real recordings 11-52)"
    )
    spectrum_fall: Positive = Field(
        5.0,
        description="NREM density of delta over that of beta below which a channel is no EEG and bad (real ones "
        "139-1087)",
    )
    spectrum_above: Annotated[float, Field(gt=1)] = Field(
        4.0, description="NREM power over that of the other EEG channels (median) above which a channel is bad"
    )
    spectrum_below: Annotated[float, Field(gt=1)] = Field(
        10.0, description="NREM power of the other EEG channels (median) over its own above which a channel is bad"
    )
    spectrum_slow_hz: Band = Field((0.5, 4.0), description="Hz; a channel is held against the others in this band")
    spectrum_fast_hz: Band = Field((4.0, 30.0), description="Hz; and in this one")


class QualitySettings(Group):
    """Limits of the verdict on a night: beyond them it says caution, with the reason."""

    lost_waves_share: Share = Field(0.05, description="share of the slow waves of a channel that artefact rules remove")
    uncertain_share: Share = Field(0.25, description="share of uncertain epochs among N2 and N3")
    asleep_outside_min: Positive = Field(
        20.0, description="min of scored sleep before lights off or after lights on, more than a doze"
    )
    staging_shift: Share = Field(
        0.05, description="change of SWA or wave density when the stager sees the EEG 20 % larger or smaller"
    )

    clipped_waves_share: Share = Field(
        0.02, description="share of the slow waves, or of NREM, that is clipped: the largest waves are missing"
    )
    below_band_share: Positive = Field(
        0.4,
        description="power of N2+N3 at 0.2-0.5 Hz over slow-wave activity (sweat, drift; clean recordings 0.06-0.23)",
    )
    asymmetry: Positive = Field(
        0.08,
        description="ln by which large waves of NREM go further up than down: polarity reversed (real recordings -0.20 "
        "to 0.07)",
    )
    mains_uv: Positive = Field(
        10.0,
        description="µV rms of mains noise (50 or 60 Hz) in a channel as recorded (clean recordings 0-4)",
    )
    unusable_nrem_share: Share = Field(0.2, description="unusable share of the NREM of a channel")
    nrem_min: Positive = Field(60.0, description="min of NREM (N2+N3) in the night")
    staging_confidence: Share = Field(0.7, description="mean probability of the stage that YASA chose")


class PowerSettings(Group):
    """Spectra and bands."""

    window_s: Positive = Field(5.0, description="s; Hann window of the Welch spectra")
    overlap: Annotated[float, Field(ge=0, lt=1)] = Field(0.5, description="overlap of neighbouring windows")
    trend_order: int = Field(
        0,
        ge=0,
        le=2,
        description="order of the polynomial taken off each window; 0 the mean alone, as most published work; 2 keeps "
        "drift below 0.1 Hz from leaking into slow-wave activity",
    )
    highest_hz: Positive = Field(45.0, description="Hz; spectra are kept up to this frequency")
    slow_oscillation_hz: Band = Field((0.5, 1.0), description="Hz")
    delta_hz: Band = Field((1.0, 4.0), description="Hz")
    swa_hz: Band = Field((0.5, 4.0), description="Hz; slow-wave activity")
    theta_hz: Band = Field((4.0, 8.0), description="Hz")
    alpha_hz: Band = Field((8.0, 12.0), description="Hz")
    sigma_hz: Band = Field((11.0, 16.0), description="Hz; Murck & Steiger 1998 found i.v. Mg2+ at 11.0-12.9 Hz")
    beta_hz: Band = Field((16.0, 30.0), description="Hz")
    total_hz: Band = Field((0.5, 30.0), description="Hz; whole of which relative power is a share")
    aperiodic_hz: Band = Field((1.0, 30.0), description="Hz; range of the aperiodic fit")

    @property
    def bands_hz(self) -> dict[str, Band]:
        """Band limits by the name of the power measure."""
        names = ("slow_oscillation", "delta", "theta", "alpha", "sigma", "beta")
        return {"swa": self.swa_hz} | {f"{name}_power": getattr(self, f"{name}_hz") for name in names}


class AperiodicSettings(Group):
    """The aperiodic part of a spectrum; the range of the main fit is `aperiodic_hz` of the power settings."""

    stands_out: Positive = Field(
        1.5, description="scatters above the line from which a frequency counts as a peak and loses its weight"
    )
    high_hz: Band = Field((30.0, 45.0), description="Hz; range of the high exponent (Lendner 2020; Kozhemiako 2022)")
    high_exponent: bool = Field(
        default=False,
        description="whether the high exponent is measured, at the native rate: a second reading of each channel",
    )
    low_pass_margin: Annotated[float, Field(ge=1)] = Field(
        1.5,
        description="the header's low-pass must lie this factor above `high_hz`, or nothing is measured there",
    )


class HomeostasisSettings(Group):
    """Process S: the exponential fall of slow-wave activity over the night (Achermann & Borbely)."""

    band_hz: Band = Field((0.75, 4.5), description="Hz; slow-wave activity of this fit (Rusterholz 2010)")
    cycle_minimum_min: Positive = Field(5.0, description="min of usable NREM below which a cycle has no mean")
    cycles_minimum: int = Field(8, ge=4, description="cycle means over all nights of a subject")
    freedom_minimum: int = Field(4, ge=1, description="degrees of freedom that the shared fit must leave")
    single_night_cycles: int = Field(5, ge=4, description="cycle means for the exploratory fit of one night")
    tau_h: tuple[Positive, Positive] = Field(
        (0.5, 12.0), description="h; a time constant outside is refused (Rusterholz 2010 found 1.2-2.9)"
    )
    widest_factor: Annotated[float, Field(gt=1)] = Field(
        3.0, description="an initial value whose interval is wider than times or divided by this is refused"
    )
    decline_p: Share = Field(0.05, description="F-test of the fall against flat nights; a larger p is refused")


class SpindleSettings(Group):
    """Sleep spindles as `yasa.spindles_detect` finds them (Vallat & Walker 2021; after Lacourse 2018)."""

    channels: Literal["central", "all"] = Field("central", description="one central channel, or all: 1-2 s each")
    band_hz: Band = Field((12.0, 15.0), description="Hz; sigma band of the detector")
    broad_hz: Band = Field(
        (4.5, 30.0), description="Hz; band that relative power and correlation refer to, above the slow waves"
    )
    duration_s: tuple[Positive, Positive] = Field((0.5, 2.0), description="s; shortest and longest spindle")
    merge_s: Positive = Field(0.5, description="s; spindles closer than this are one")
    relative_power: Share = Field(
        0.35, description="share of the broad band's power in sigma: three times that of 1/f noise, as YASA's"
    )
    correlation: Share = Field(0.65, description="moving correlation of the sigma and the broad trace")
    rms_sd: Positive = Field(1.5, description="SD above the mean moving RMS of the sigma trace, over the night's NREM")
    minimum_min: Positive = Field(5.0, description="min of usable N2+N3 below which spindles are not looked for")


class CouplingSettings(Group):
    """Coupling of slow waves and spindles: optional, with the bands of YASA (Vallat & Walker 2021)."""

    measured: bool = Field(default=False, description="whether it is measured: about 1 s a night and channel")
    phase_hz: Band = Field((0.3, 1.5), description="Hz; band whose phase is taken")
    sigma_hz: Band = Field((12.0, 16.0), description="Hz; band whose amplitude is taken")
    around_s: Positive = Field(1.0, description="s; before and after the negative peak, where the maximum is sought")
    fewest_waves: int = Field(30, ge=5, description="slow waves below which nothing is measured")
    surrogates: int = Field(200, ge=100, description="surrogates, each wave with the sigma of a window 2-10 s away")
    seed: int = Field(2015, ge=0, description="seed of the surrogates")


class EyeMovementSettings(Group):
    """Rapid eye movements of REM sleep as `yasa.rem_detect` finds them: optional, needs the left and the right EOG."""

    measured: bool = Field(default=False, description="whether they are looked for: about 1 s a night")
    amplitude_uv: Band = Field((50.0, 325.0), description="µV; geometric mean of the two eyes at the peak")
    duration_s: Band = Field((0.3, 1.2), description="s; shortest and longest eye movement")
    prominence: Share = Field(0.8, description="prominence of the peak, of its lowest height")
    band_hz: Band = Field((0.5, 5.0), description="Hz; band of the detector")
    minimum_min: Positive = Field(2.0, description="min of usable REM sleep below which a window has no density")


class TravellingSettings(Group):
    """Travelling of slow waves across channels: optional (after Massimini 2004, J Neurosci 24:6862)."""

    measured: bool = Field(default=False, description="whether it is measured")
    within_s: Positive = Field(0.2, description="s; channels whose negative peaks lie within share a wave")
    fewest_channels: int = Field(4, ge=3, description="channels that must share a wave")
    fewest_events: int = Field(20, ge=1, description="shared waves below which a channel is not measured")


PRESETS: dict[str, dict[str, object]] = {
    "riedner2007": {},
    "massimini2004": {
        "band_hz": (0.1, 4.0),
        "halfwave_s": (0.3, 1.0),
        "negative_uv": (80.0, inf),
        "peak_to_peak_uv": (140.0, inf),
    },
    "carrier2011": {"band_hz": (0.3, 4.0), "halfwave_s": (0.125, 1.5), "positive_s": (0.0, 1.0)},
    "aasm": {"band_hz": (0.1, 4.0)},
    "yasa": {
        "filter": "fir",
        "band_hz": (0.3, 1.5),
        "halfwave_s": (0.3, 1.5),
        "positive_s": (0.1, 1.0),
        "negative_uv": (40.0, 200.0),
        "positive_uv": (10.0, 150.0),
        "peak_to_peak_uv": (75.0, 350.0),
    },
    "molle": {
        "band_hz": (0.5, 3.5),
        "halfwave_s": (0.0, 2.0),
        "duration_s": (0.9, 2.0),
        "negative_uv": (0.0, inf),
        "peak_to_peak_uv": (0.0, inf),
        "times_mean": 1.25,
    },
}
OWN = "own"  # name of criteria that are no preset's

# An open upper limit is `inf`, which TOML knows.
Limits = Annotated[tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(gt=0)]], AfterValidator(_ordered)]


class WaveCriteria(Group):
    """What counts as a slow wave: the filter, the half-wave and the selection.

    The default is the half-wave detector of Riedner 2007 (Sleep 30:1643) and Esser 2007 (Sleep 30:1617): zero-phase
    band-pass 0.5-4 Hz, negative half-waves between consecutive zero crossings 0.25-1.0 s apart; selected are
    those of >= 75 uV peak-to-peak and <= -40 uV. Amplitude limits are magnitudes.

    Notes
    -----
    Departures from the papers: all but ``yasa`` use a Butterworth filter of order 2 run forward and backward over
    their own band; the type and order that each paper used were not verified in its full text. ``yasa`` uses YASA's
    band, transition widths and limits (Vallat & Walker 2021), with a zero-phase FIR filter of the same design.
    ``molle`` is the relative detector of Moelle 2002 (J Neurosci 22:10941) and 2011 (Sleep 34:1411): downward zero
    crossings 0.9-2 s apart, negative peak and peak-to-peak amplitude above 1.25 times their means. Its limits are those
    of later descriptions (Ngo 2013, Neuron 78:545; 0.833-2 s there), not checked in the full text of 2011. **A limit
    relative to the night cancels a drug effect**: when all waves grow alike, the same ones are selected, and their
    density does not change. It is for comparison with published work only.
    """

    name: str = Field("riedner2007", description="the preset; keys that differ from it make the criteria `own`")
    filter: Literal["butterworth", "fir"] = Field("butterworth", description="zero-phase in both cases")
    filter_order: int = Field(2, ge=1, le=8, description="order of the Butterworth filter, run forward and backward")
    band_hz: Band = Field((0.5, 4.0), description="Hz; band of the detection filter")
    halfwave_s: Band = Field((0.25, 1.0), description="s; length of the negative half-wave")
    positive_s: Limits = Field((0.0, inf), description="s; length of the positive half-wave that follows")
    negative_uv: Limits = Field((40.0, inf), description="uV; magnitude of the negative peak")
    positive_uv: Limits = Field((0.0, inf), description="uV; height of the positive peak")
    peak_to_peak_uv: Limits = Field((75.0, inf), description="uV; negative to positive peak")
    duration_s: Limits = Field((0.0, inf), description="s; from the start of a wave to that of the next")
    times_mean: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0.0,
        description="least multiple of the channel's own mean negative and peak-to-peak amplitude in N2 and N3; "
        "0 for none. A relative limit cancels a drug effect",
    )
    slow_oscillation_s: Positive = Field(
        1.0,
        description="s; slow waves of this duration and more are slow oscillations (below 1 Hz), others delta waves",
    )
    peak_prominence: Share = Field(
        0.1, description="share of the amplitude that a further negative peak must stand out by (multi-peak waves)"
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        name = values.get("name", "riedner2007")
        if not isinstance(name, str) or name not in (*PRESETS, OWN):
            raise ValueError(f"{name!r} is no preset; expected one of {', '.join(PRESETS)}")
        return PRESETS.get(name, {}) | values

    @model_validator(mode="after")
    def _name_own(self) -> Self:
        """Criteria that differ from their preset must not go by its name."""
        preset = PRESETS.get(self.name, {})
        fields = {key: field.default for key, field in type(self).model_fields.items() if key != "name"} | preset
        if any(getattr(self, key) != value for key, value in fields.items()):
            self.__dict__["name"] = OWN
        return self

    def model_copy(self, *, update: Mapping[str, object] | None = None, deep: bool = False) -> Self:  # noqa: ARG002
        """Copy with some values changed, which are checked; the name then follows them."""
        return type(self)(**(self.model_dump() | dict(update or {})))

    @classmethod
    def preset(cls, name: str) -> Self:
        """Criteria of a published detector.

        Parameters
        ----------
        name : str
            One of ``riedner2007`` (default), ``massimini2004``, ``carrier2011``, ``aasm``, ``yasa``, ``molle``.

        Returns
        -------
        WaveCriteria

        Raises
        ------
        SettingsError
            The name is not one of these.

        Examples
        --------
        >>> import swa
        >>> swa.WaveCriteria.preset("massimini2004").peak_to_peak_uv
        (140.0, inf)

        One limit changed, the others kept:

        >>> own = swa.WaveCriteria(name="massimini2004", peak_to_peak_uv=(60.0, 400.0))
        >>> own.negative_uv, own.name
        ((80.0, inf), 'own')
        """
        if name not in PRESETS:
            raise SettingsError(f"There is no preset {name!r}.", f"Known are {', '.join(PRESETS)}.")
        return cls.model_validate({"name": name})


class ComparisonSettings(Group):
    """How nights are compared."""

    baseline: Annotated[tuple[str, ...], BeforeValidator(_several)] = Field(
        ("baseline", "placebo", "pre"), description="names of the baseline condition, first found first"
    )
    primary: str = Field(
        "",
        description="declared primary: 'measure stages window channel', e.g. 'swa NREM cycle-1 frontal'; "
        "empty for that of the study file",
    )
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = Field(0.95, description="level of every interval")
    icc: Share = Field(
        0.76,
        description="between-night reliability of power where a study has no baseline pairs; derived: one night "
        "correlates with the mean of five, itself among them, at r > 0.9 (Tan 2000), which an ICC of 0.76 gives",
    )
    cv: Positive = Field(0.40, description="between-subject coefficient of variation of power, used with icc")
    baseline_pairs_df: int = Field(
        3, ge=1, description="degrees of freedom from which repeated baseline nights of a study replace icc and cv"
    )
    secondary: tuple[str, ...] = Field(
        (
            "swa",
            "wave_density",
            "wave_density_baseline_fixed",
            "wave_amplitude_p90",
            "wave_slope_up",
            "wave_slope_down",
            "wave_slope_up_matched",
            "wave_slope_down_matched",
            "sigma_power",
        ),
        description="secondary markers, at the stages and channel of the declared primary",
    )
    secondary_windows: tuple[str, ...] = Field(
        ("night", "cycle-1", "matched"), description="windows of the secondary markers"
    )
    design: Literal["auto", "paired", "crossover", "pre/post crossover", "mixed model", "parallel arms"] = Field(
        "auto", description="analysis over subjects, where the study file does not tell the design"
    )
    full_subject_rows_nights: int = Field(
        500,
        ge=0,
        description="nights up to which contrasts.tsv has every subject's row of every marker; beyond, "
        "those of the primary and secondary markers at the primary's channel",
    )
    covariates: tuple[str, ...] = Field(
        (),
        description="columns of the study file that are related to the change, beside those called `covariate_…`; text "
        "counts as groups",
    )
    factors: tuple[()] | tuple[str, str] = Field(
        (),
        description="two columns of the study file (1 or yes where given) whose combinations are tested for an "
        "interaction; empty: conditions called `a+b`",
    )
    profile_measures: tuple[str, ...] = Field(
        (
            "swa",
            "wave_density",
            "wave_amplitude_p90",
            "wave_slope_up_matched",
            "theta_power",
            "sigma_power",
            "aperiodic_exponent",
            "n3_minutes",
            "rem_latency",
            "rem_density",
        ),
        description="markers of a treatment's profile, in the secondary windows; sleep architecture of the whole night",
    )
    equivalence_margin: Annotated[float, Field(gt=1)] = Field(
        1.25, description="ratio within which two treatments' changes of the primary marker count as equivalent"
    )
    exact_flip_subjects: int = Field(
        16, ge=6, le=18, description="subjects up to which a sign-flip test goes through all 2^n flips"
    )
    random_flips: int = Field(
        10_000, ge=1000, description="sign flips drawn for more subjects, the unflipped data among them"
    )
    most_flip_subjects: int = Field(
        200, ge=20, description="subjects beyond which t alone is computed, which no longer differs from sign flips"
    )
    flip_seed: int = Field(2013, ge=0, description="seed of those random flips, and of the blocks of the bootstrap")
    cluster_forming_p: Annotated[float, Field(gt=0, le=0.1)] = Field(
        0.05, description="two-sided p of t at a frequency or hour from which neighbours form a cluster"
    )
    cluster_flips: int = Field(
        5000, ge=1000, description="permutations of a cluster test; all sign flips where there are no more of them"
    )
    bootstrap_block_min: Annotated[float, Field(ge=0.5, le=30)] = Field(
        5.0,
        description="min; epochs of N2+N3 that the bootstrap of a night's precision draws together, about the cube "
        "root of their number (Hall, Horowitz & Jing 1995, Biometrika 82:561)",
    )
    bootstrap_reach_min: Annotated[float, Field(ge=0.5, le=60)] = Field(
        15.0,
        description="min of N2+N3 before or after its own place from which a block may come, so that the course of the "
        "night does not count as chance",
    )
    bootstrap_draws: int = Field(1000, ge=1000, description="draws of that bootstrap")


class ComparabilitySettings(Group):
    """Whether a difference between nights can be one of gain, electrode, filter or clock; and the verdict on it."""

    rem_hz: Band = Field((4.0, 10.0), description="Hz; control band of REM sleep")
    wake_hz: Band = Field((4.0, 30.0), description="Hz; control band of quiet wake (the median over wake epochs)")
    nrem_hz: Band = Field((20.0, 30.0), description="Hz; control band of N2+N3")
    control_min: Positive = Field(3.0, description="min of a stage in a night below which its control is not used")
    control_cv: Positive = Field(
        0.12, description="SD (ln) between nights of a subject of the mean power of the three control bands"
    )
    control_correlation: Share = Field(
        0.4, description="correlation of the three between nights; widens the limit where fewer are there"
    )
    channel_cv: Positive = Field(
        0.06,
        description="SD (ln) between nights of a channel's controls from those of the others; stated, not measured",
    )
    control_pairs_df: int = Field(
        10, ge=1, description="degrees of freedom from which a study's own baseline pairs replace both SDs"
    )
    channels_minimum: int = Field(4, ge=3, description="channels from which one is held against the others' median")
    gain_ratio: Annotated[float, Field(gt=1)] = Field(
        1.5, description="a gain check beyond this amplitude ratio is `not comparable`: no drug is known to do it"
    )
    minutes_ratio: Annotated[float, Field(gt=1)] = Field(
        1.1,
        description="analysed minutes of NREM beyond this ratio are flagged (for values of the window `night` that are "
        "not cut to common minutes), and the mean ratio over subjects of a cycle's, where chance explains less",
    )
    rejection_share: Share = Field(
        0.1, description="difference of the share of NREM removed as artefact that is flagged"
    )
    rejection_waves: Share = Field(
        0.03, description="difference of the share of slow waves removed as artefact that is flagged"
    )
    clipped_waves_share: Share = Field(
        0.02, description="share of the slow waves, or of NREM, clipped in a night: the largest waves are missing"
    )
    below_band_share: Positive = Field(
        0.05,
        description="difference of the power at 0.2-0.5 Hz over slow-wave activity that is flagged; most of it (0.9) "
        "leaks into slow-wave activity (benchmarks/recording_faults.py)",
    )
    below_band_worst: Positive = Field(0.2, description="such a difference that makes a comparison `not comparable`")
    rem_slow_share: Positive = Field(
        0.1,
        description="change of slow-wave activity in REM sleep, as a share of that in N2+N3, that is flagged where it "
        "is half of the change in N2+N3 or more, the same way",
    )
    staging_shift: Share = Field(
        0.05,
        description="change of a marker of N2+N3 that is flagged, when the stager sees the EEG 20 % larger or smaller",
    )
    clock_h: Positive = Field(
        2.0,
        description="h; later or earlier starts and sleep onsets are flagged; of the mean onset over subjects half "
        "of it, where chance explains less",
    )
    caution: tuple[Control, ...] = Field(
        (
            *("gain", "one_channel", "transducer", "prefilter", "analysed_minutes", "rejection", "below_band"),
            *("rem_slow", "polarity", "time_scale", "staging", "staging_source", "time_in_bed", "sleep_onset"),
            "same_start",
        ),
        description="flagged controls that make a comparison `caution`",
    )
    not_comparable: tuple[Control, ...] = Field(
        ("same_recording", "derivation", "clipping"),
        description="flagged controls that make a comparison `not comparable`",
    )
    group_share: Share = Field(
        0.5, description="share of subjects not comparable above which a group row is `not comparable`"
    )


class Settings(Group):
    """All settings, in groups.

    Each group is named by keyword, as an object or as a dict; what is not named keeps its default. On the command line
    `swa settings` prints all of them with units and sources.

    Raises
    ------
    SettingsError
        A key is unknown or a value is outside its range; all such problems are named.

    Examples
    --------
    >>> import swa
    >>> settings = swa.Settings(power={"swa_hz": (0.75, 4.5)}, comparison={"baseline": ("placebo",)})
    >>> settings.power.swa_hz, settings.power.window_s
    ((0.75, 4.5), 5.0)
    """

    channels: ChannelSettings = ChannelSettings()
    signal: SignalSettings = SignalSettings()
    scoring: ScoringSettings = ScoringSettings()
    cycles: CycleSettings = CycleSettings()
    windows: WindowSettings = WindowSettings()
    artifacts: ArtifactSettings = ArtifactSettings()
    quality: QualitySettings = QualitySettings()
    power: PowerSettings = PowerSettings()
    waves: WaveCriteria = WaveCriteria()
    aperiodic: AperiodicSettings = AperiodicSettings()
    homeostasis: HomeostasisSettings = HomeostasisSettings()
    spindles: SpindleSettings = SpindleSettings()
    coupling: CouplingSettings = CouplingSettings()
    travelling: TravellingSettings = TravellingSettings()
    eye_movements: EyeMovementSettings = EyeMovementSettings()
    comparison: ComparisonSettings = ComparisonSettings()
    comparability: ComparabilitySettings = ComparabilitySettings()

    @model_validator(mode="after")
    def _fit_the_rate(self) -> Self:
        """What the rate and the kept spectra can hold."""
        nyquist_hz = self.signal.rate_hz / 2
        if self.waves.band_hz[1] >= nyquist_hz:
            raise ValueError(
                f"waves.band_hz reaches {self.waves.band_hz[1]:g} Hz, half of signal.rate_hz is {nyquist_hz:g}"
            )
        if self.power.highest_hz > nyquist_hz:
            raise ValueError(f"power.highest_hz is {self.power.highest_hz:g}, half of signal.rate_hz is {nyquist_hz:g}")
        bands = {
            f"power.{name}": getattr(self.power, name) for name in type(self.power).model_fields if name.endswith("_hz")
        }
        bands |= {"artifacts.muscle_band_hz": self.artifacts.muscle_band_hz}
        bands |= {"artifacts.muscle_band_low_passed_hz": self.artifacts.muscle_band_low_passed_hz}
        bands |= {"homeostasis.band_hz": self.homeostasis.band_hz, "coupling.sigma_hz": self.coupling.sigma_hz}
        bands |= {
            f"comparability.{name}": getattr(self.comparability, name) for name in ("rem_hz", "wake_hz", "nrem_hz")
        }
        for name, band in bands.items():
            if isinstance(band, tuple) and band[1] > self.power.highest_hz:
                kept = f"spectra are kept up to power.highest_hz = {self.power.highest_hz:g}"
                raise ValueError(f"{name} reaches {band[1]:g} Hz, {kept}")
        return self

    def to_toml(self) -> str:
        """TOML with the meaning, unit and source of each value as a comment; reads back to equal settings."""
        return "\n".join(_toml_lines(self)) + "\n"


def read_settings(path: str | Path) -> Settings:
    """Read settings from a TOML file; what it does not name keeps its default.

    Parameters
    ----------
    path : str or Path
        The file, UTF-8; `swa settings > own.toml` writes one with every value. `settings = "swa-0.2"` in its first line
        stands for all values of that release.

    Returns
    -------
    Settings

    Raises
    ------
    SettingsError
        Names every wrong key and value, what is allowed, and the nearest known name.

    Examples
    --------
    >>> import pathlib, swa
    >>> _ = pathlib.Path("own.toml").write_text("power.sigma_hz = [11.0, 12.9]")
    >>> swa.read_settings("own.toml").power.sigma_hz
    (11.0, 12.9)
    """
    return check_settings(read_toml(path), str(path))


def read_results_settings(path: str | Path) -> Settings:
    """Read the settings of a folder of results, also of an earlier version: keys that are gone are left out.

    Parameters
    ----------
    path : str or Path
        ``settings.toml`` of the folder.

    Returns
    -------
    Settings

    Raises
    ------
    SettingsError
        As `read_settings`, for keys that no version had.
    """
    values = read_toml(path)
    for key in GONE:
        group, _, name = key.partition(".")
        former = values.get(group)
        if isinstance(former, dict):
            former.pop(name, None)
    return check_settings(values, str(path))


def read_toml(path: str | Path) -> dict[str, object]:
    """Read the plain values of a settings file."""
    path, text = Path(path), ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text)
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such settings file.", "Check the path after --settings.") from None
    except tomllib.TOMLDecodeError as error:
        told = tell_line(text, error, _find_option)
        raise SettingsError(f"{path}: {told}.", "`swa settings` prints a valid file.") from None
    except (OSError, ValueError, RecursionError) as error:  # the last two also of numbers and nesting without end
        raise SettingsError(f"{path}: not readable as TOML ({error}).", "`swa settings` prints a valid file.") from None


def check_settings(values: Mapping[str, object], source: str = "settings") -> Settings:
    """Validate plain values (as from TOML) as settings; see `read_settings`."""
    try:
        return Settings.model_validate(_over_release(values, source))
    except ValidationError as error:
        problems = "; ".join(_explain(detail) for detail in error.errors())
        raise SettingsError(f"{source}: {problems}.", "`swa settings` prints every key with its default.") from None


def releases() -> list[str]:
    """Names of the releases whose settings are kept, for `settings = "swa-0.2"` in a settings file."""
    return sorted(entry.name.removesuffix(".toml") for entry in RELEASES.iterdir() if entry.name.endswith(".toml"))


def not_reproduced(values: Mapping[str, object], source: str = "settings") -> list[str]:
    """What differs from the release that plain values name, whatever the settings: a sentence each."""
    if "settings" not in values:
        return []
    changed = _read_release(values["settings"], source).get("changed", {})
    return [f"{values['settings']}: {what} cannot be reproduced: {why}" for what, why in changed.items()]


def _over_release(values: Mapping[str, object], source: str) -> dict[str, object]:
    """The settings of the release that the values name, and over them what else the values hold."""
    given = dict(values)
    if "settings" not in given:
        return given
    kept: dict[str, object] = {**_read_release(given.pop("settings"), source)}
    kept.pop("changed", None)
    for group, own in given.items():
        former = kept.get(group)
        if not isinstance(own, dict) or not isinstance(former, dict) or (group == "waves" and "name" in own):
            kept[group] = own  # criteria by another name are those of that preset
        else:
            kept[group] = former | own
    return kept


def _read_release(name: object, source: str) -> dict[str, dict[str, object]]:
    if name not in releases():
        raise SettingsError(
            f"{source}: settings = {name!r} is no release whose settings are kept.",
            f"Known are {', '.join(releases())}; without this line the defaults of this version count.",
        )
    return tomllib.loads((RELEASES / f"{name}.toml").read_text(encoding="utf-8"))


def given_or_default(settings: object, kind: type[_Kind]) -> _Kind:
    """The given settings, or the defaults where nothing is given.

    Raises
    ------
    SettingsError
        What is given is neither None nor a `kind`.
    """
    if settings is None:
        return kind()
    if not isinstance(settings, kind):
        raise SettingsError(
            f"Expected swa.{kind.__name__}, got {type(settings).__name__} ({str(settings)[:60]}).",
            f"Give swa.{kind.__name__}(name=value, ...), or leave it out for the defaults.",
        )
    return settings


GONE = {
    "comparison.mixed_model_missing": "subjects with nights of one condition alone no longer count",
    "comparison.moderator_permutations": "covariates are tested by errors that may differ, without permutations",
}


def criteria_of(criteria: "WaveCriteria | str") -> WaveCriteria:
    """Criteria as they are, or those of a published detector by its name."""
    return WaveCriteria.preset(criteria) if isinstance(criteria, str) else given_or_default(criteria, WaveCriteria)


def _explain(detail: ErrorDetails, group: type[Group] | None = None) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] != "extra_forbidden":
        message = detail["msg"].removeprefix("Value error, ")[:200]
        if detail["type"] == "literal_error":
            expected = detail.get("ctx", {})["expected"]
            message = f"expected {expected}{_did_you_mean(str(detail['input']), re.findall(QUOTED, expected))}"
        elif detail["type"] in _OF_FORM or detail["type"].endswith(("_type", "_parsing")):
            message = _form_of(detail, group) or message
        return f"{key} = {detail['input']!r}: {message}" if key else message  # without a key, the message names them
    if key in GONE:
        return f"{key!r} is gone: {GONE[key]}; leave it out"
    known = _known_keys() if group in (None, Settings) else group.model_fields
    return f"unknown key {key!r}{_did_you_mean(key, known)}"


_OF_FORM = ("missing", "too_long", "too_short", "int_from_float")  # of pydantic, beside those on types


def _form_of(detail: ErrorDetails, group: type[Group] | None) -> str:
    """What a value in another form is to be; empty where its setting is not known."""
    names = [str(part) for part in detail["loc"]]
    option: Option | None
    if group is not None and group is not Settings:
        option, inner = _option(names[0], group.model_fields[names[0]]), names[1:]
    elif len(names) == 1:
        return f"it is a group: write [{names[0]}] in a line, and its keys below"
    else:
        option, inner = _find_option(".".join(names[:2])), names[2:]
    return expected_form(option, None if inner else detail["input"]) if option else ""


def _find_option(key: str) -> Option | None:
    """The setting of a key such as ``power.swa_hz``; None where there is none."""
    group, _, name = key.partition(".")
    found = Settings.model_fields.get(group)
    fields = {} if found is None else _group_type(found).model_fields
    return _option(name, fields[name]) if name in fields else None


def _option(name: str, field: FieldInfo) -> Option:
    return Option(name, field.default, field.description or "", is_open=Ellipsis in get_args(field.annotation))


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _known_keys() -> Iterator[str]:
    for group, field in Settings.model_fields.items():
        yield group
        yield from (f"{group}.{key}" for key in _group_type(field).model_fields)


def _group_type(field: FieldInfo) -> type[Group]:
    group = field.annotation
    if not (isinstance(group, type) and issubclass(group, Group)):
        raise TypeError(f"{group} is not a group of settings")
    return group


def _toml_lines(settings: Settings) -> Iterator[str]:
    for group, field in Settings.model_fields.items():
        yield f"# {(_group_type(field).__doc__ or '').strip().splitlines()[0]}"
        yield f"[{group}]"
        values = getattr(settings, group)
        for key, option in type(values).model_fields.items():
            yield f"{key} = {toml_value(getattr(values, key))}  # {option.description}"
        yield ""
