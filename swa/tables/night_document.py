"""What the files of a finished night hold: the typed form of `desc-night.json`, and names in its tables."""

from typing import NotRequired, TypedDict

QUIET_WAKE = ("W", "quiet")  # stages and window of the median spectrum over wake
PROCESS_S_BAND = "process_s_band"  # column of the epochs: power in the band of the Process S fit
TOTAL_POWER = "total_power"  # column of the epochs: the whole of which relative power is a share


class HeaderFacts(TypedDict):
    """What the header says about how a channel was recorded."""

    transducer: str
    prefilter: str
    physical_range_uv: float | None
    rate_hz: float
    derivation: str


class StagingFacts(TypedDict):
    """How much a night's numbers owe to its automatic staging (`swa.night.staging_bias`)."""

    uncertain_share: dict[str, float] | None
    largest_shift: dict[str, float]


class Agreement(TypedDict):
    """How far YASA's stages are those of a scoring (`swa.sleep.staging.measure_agreement`)."""

    epochs: int
    accuracy: float
    kappa: float | None
    recall: dict[str, float | None]
    precision: dict[str, float | None]


class StageFit(TypedDict):
    """What stages explain of the depth that the EEG shows: as they lie, and moved by min to later, where it is most."""

    explained: float
    best: float
    best_min: float


class InBed(TypedDict):
    """Minutes between the lights that have a stage, those within sleep that have none, and what light is known."""

    scored_min: float
    scored_from_onset_min: float  # of the first sleep
    unscored_asleep_min: float
    knows_off: bool
    knows_on: bool


class Summary(TypedDict):
    """Sleep statistics in min, sleep onset, staging source, and of each channel what was lost of it."""

    staging_source: str
    recording_start: str
    recording_min: float
    sleep_onset_min: float | None
    dose_s: float | None
    nrem_cycles: int
    staging_confidence: float | None
    statistics: dict[str, float | None]
    channels: list[str]
    unusable_nrem_share: dict[str, dict[str, float]]
    derivations: dict[str, str]
    lost_waves_share: dict[str, float | None]
    clipped_waves_share: dict[str, float]
    below_band_share: dict[str, float | None]
    mains_uv: dict[str, float | None]
    asymmetry: NotRequired[dict[str, float | None]]
    asymmetry_parts: NotRequired[dict[str, list[float | None]]]
    form: NotRequired[dict[str, dict[str, float | None]]]
    spectrum_levels: dict[str, dict[str, float | None]]
    header: dict[str, HeaderFacts]
    unread: dict[str, str]
    staging: StagingFacts
    begins_in: NotRequired[str]  # first stage, where sleep had begun before
    in_bed: NotRequired[InBed]
    asleep_outside_min: NotRequired[dict[str, float]]  # before lights off and after lights on
    agreement: NotRequired[Agreement | None]
    stage_fit: NotRequired[StageFit | None]  # of a scoring (`swa.measures.stage_fit`)
    header_doubts: NotRequired[str]  # for `swa.tables.reason.decode`


class Inputs(TypedDict):
    """The files that a night was made from, by their hashes; a blinded study keeps no time."""

    recording_sha256: str
    recording_size: int
    recording_mtime_ns: NotRequired[int]
    hypnogram_sha256: str | None


class ChannelFacts(TypedDict):
    """A channel as it was read."""

    name: str
    labels: list[str]
    role: str
    rate_hz: float
    note: str


class Provenance(TypedDict):
    """What the numbers of a night rest on."""

    subject: str
    session: str
    condition: str
    recording: str
    inputs: Inputs
    study_times: dict[str, str]
    notes: list[str]
    versions: dict[str, str]
    settings: dict[str, object]
    settings_sha256: str
    channels: list[ChannelFacts]


class WrittenFile(TypedDict):
    """A file as it was written."""

    size: int
    sha256: str


class AnalysedMinutes(TypedDict):
    """Usable minutes of each channel and stage, column by column."""

    channel: list[str]
    stage: list[str]
    minutes: list[float]


class NightDocument(TypedDict):
    """All of it."""

    format: int
    fingerprint: str
    summary: Summary
    notes: list[str]
    provenance: Provenance
    analysed_minutes: AnalysedMinutes
    files: dict[str, WrittenFile]
