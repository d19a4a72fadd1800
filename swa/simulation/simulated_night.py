"""One polysomnography night in memory, with its truth.

Every subject, night and component has a random stream of its own, so that another subject, condition or channel leaves
the rest as it was.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from swa.simulation import true_events as events
from swa.simulation import true_waves as slow
from swa.simulation.background import (
    EPOCH_S,
    STAGES,
    Array,
    draw_common_background,
    find_site,
    make_background,
)
from swa.simulation.true_sleep import (
    SHORTEST_H,
    Bout,
    Cycle,
    ProcessS,
    find_bouts,
    find_sleep_onset_s,
    simulate_stages,
    slow_drive,
)

__all__ = ["DEFAULT_CHANNELS", "NightPlan", "SimulatedNight", "make_subject_stream", "simulate_night"]

DEFAULT_CHANNELS = ("F3-M2", "F4-M1", "C3-M2", "C4-M1", "O1-M2", "O2-M1", "E1-M2", "E2-M1", "Chin", "ECG")
SLOWEST_RATE_HZ, FASTEST_RATE_HZ = 100, 2000

# Process S of the average subject: mean N2+N3 SWA at a frontal site
_TYPICAL_TAU_H = 2.4
_TYPICAL_INITIAL_UV2 = 0.62 * (slow.expected_slow_power("N2") + slow.expected_slow_power("N3"))
_ASYMPTOTE_SHARE = 0.25
# Skull and skin scale a person's whole EEG, so that most of the trait reaches the faster bands as well
_FAST_TRAIT_SHARE = 0.8
_LIMIT_SD = 1.2  # softens the tails of subjects and nights: every night is one of a healthy sleeper


@dataclass(frozen=True, kw_only=True)
class NightPlan:
    """Everything that determines one simulated night.

    Attributes
    ----------
    subject, condition : str
        Names; with `occurrence` they select the random streams.
    occurrence : int
        1 for the first night of this condition, 2 for the second, ...
    seed : int
        Seed of the study.
    hours : float
        Duration, at least 1.5.
    rate_hz : float
        Sampling rate, a whole number of Hz from 100 to 2000.
    channels : tuple of str
        Names of the channels, see `find_site`.
    channel_rates_hz : mapping
        Other rates for single channels (whole Hz from 50).
    effect : float
        Ratio of slow-wave power (0.5-4 Hz) in N2 and N3 to the same night without effect: slow waves and slow
        background alike, so that it is the ratio of measured SWA. Sleep stages and faster bands stay as they are.
    slope_effect : float
        Ratio of the waves' rising slope at equal amplitude, duration and power (the descent becomes less steep).
    icc, cv : float
        Intraclass correlation and coefficient of variation of SWA between nights (log-normal, tails drawn in). With
        larger `cv` or effects beyond 0.8-1.6 a judge of stages need no longer agree with the truth, as with real EEG.
    control_cv, control_correlation : float
        Between-night SD (ln) of each control band (REM 4-10, quiet wake 4-30, NREM 20-30 Hz) and their correlation.
    artifacts : int
        Number of artefacts (movements and electrode pops).
    """

    subject: str = "S01"
    condition: str = "baseline"
    occurrence: int = 1
    seed: int = 0
    hours: float = 8.0
    rate_hz: float = 256.0
    channels: tuple[str, ...] = DEFAULT_CHANNELS
    channel_rates_hz: Mapping[str, float] = field(default_factory=dict)
    effect: float = 1.0
    slope_effect: float = 1.0
    icc: float = 0.8
    cv: float = 0.40
    control_cv: float = 0.15
    control_correlation: float = 0.4
    artifacts: int = 0

    def __post_init__(self) -> None:
        """Check every value, naming the one that is wrong."""
        if not SHORTEST_H <= self.hours <= 24:
            raise ValueError(
                f"hours is {self.hours}, expected {SHORTEST_H} to 24: a shorter night holds no whole cycle"
            )
        _check_rate("rate_hz", self.rate_hz, SLOWEST_RATE_HZ)
        for name in ("effect", "slope_effect"):
            _check_range(name, getattr(self, name), 0.1, 10.0, "1 means no effect")
        _check_range("icc", self.icc, 0.0, 1.0, "an intraclass correlation")
        _check_range("cv", self.cv, 0.0, 2.0, "a coefficient of variation, 0.40 for 40 %")
        _check_range("control_cv", self.control_cv, 0.0, 1.0, "an SD of the natural logarithm")
        _check_range("control_correlation", self.control_correlation, 0.0, 1.0, "a correlation")
        if self.artifacts < 0:
            raise ValueError(f"artifacts is {self.artifacts}, expected a number per night, 0 or more")
        if len(set(self.channels)) != len(self.channels) or not self.channels:
            raise ValueError(f"channels is {self.channels}, expected at least one name, each once")
        for channel in self.channels:
            find_site(channel)
        for channel, rate_hz in self.channel_rates_hz.items():
            if channel not in self.channels:
                raise ValueError(f"channel_rates_hz names {channel!r}, expected one of {', '.join(self.channels)}")
            _check_rate(f"channel_rates_hz[{channel!r}]", rate_hz, 50)

    def rate_of(self, channel: str) -> int:
        """Return the sampling rate of a channel, Hz."""
        return int(self.channel_rates_hz.get(channel, self.rate_hz))

    def streams(self, component: str, channel: str = "") -> np.random.Generator:
        """Return the night's own random generator of a component, and of a channel where it has one each."""
        night = (_key(self.subject), _key(self.condition), self.occurrence)
        return np.random.default_rng(
            np.random.SeedSequence(self.seed, spawn_key=(*night, _key(component), _key(channel)))
        )


@dataclass(frozen=True, kw_only=True)
class TrueArtifact:
    """An artefact: its kind is ``movement`` (channel ``all``) or ``pop``."""

    start_s: float
    duration_s: float
    kind: str
    channel: str


@dataclass(frozen=True, kw_only=True)
class SimulatedNight:
    """One night and its truth.

    Attributes
    ----------
    plan : NightPlan
        What was asked for.
    signals_uv : mapping of str to ndarray of float32
        Signal per channel, µV, read-only.
    rates_hz : mapping of str to int
        Sampling rate per channel.
    stages : ndarray of str
        True stage per 30 s: W, N1, N2, N3 or R.
    waves : mapping of str to (mapping of str to ndarray)
        Per EEG channel the true slow waves, one array per column: `start_s`, `negative_peak_s`, `midcrossing_s`,
        `positive_peak_s`, `end_s`, `negative_amplitude_uv`, `peak_to_peak_uv`, `slope_down_uv_s`, `slope_up_uv_s` of
        the noise-free trace, and the quarters and shapes from which `render_waves` draws it.
    sleep_onset_s : float
        Start of the first three epochs of sleep.
    process_s : ProcessS
        The night's Process S, with its trait, night and effect; at a frontal site, N2+N3.
    cycles : tuple of Cycle
        NREM cycles with their expected SWA.
    trait_ratio, night_ratio : float
        Power ratios of the subject and of the night to the average.
    control_ratios : mapping of str to float
        Power ratio of the night's control bands: R (4-10 Hz), W (4-30 Hz), NREM (20-30 Hz).
    spindles, eye_movements : mapping of str to ndarray
        True events.
    artifacts : tuple of TrueArtifact
        Movements and pops of electrodes, in order.
    """

    plan: NightPlan
    signals_uv: Mapping[str, Array]
    rates_hz: Mapping[str, int]
    stages: NDArray[np.str_]
    waves: Mapping[str, Mapping[str, NDArray[np.float64]]]
    sleep_onset_s: float
    process_s: ProcessS
    cycles: tuple[Cycle, ...]
    trait_ratio: float
    night_ratio: float
    control_ratios: Mapping[str, float]
    spindles: Mapping[str, NDArray[np.float64]]
    eye_movements: Mapping[str, NDArray[np.float64]]
    artifacts: tuple[TrueArtifact, ...]


def _check_range(name: str, value: float, low: float, high: float, meaning: str) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}, expected {low} to {high} ({meaning})")


def _check_rate(name: str, rate_hz: float, slowest_hz: int) -> None:
    if not slowest_hz <= rate_hz <= FASTEST_RATE_HZ or rate_hz != int(rate_hz):
        raise ValueError(f"{name} is {rate_hz}, expected a whole number of Hz from {slowest_hz} to {FASTEST_RATE_HZ}")


def _key(name: str) -> int:
    """Return a number that stands for a name on every machine, unlike `hash`."""
    return zlib.crc32(name.encode())


# --- one night ----------------------------------------------------------------------------------------------------


def simulate_night(plan: NightPlan | None = None) -> SimulatedNight:
    """Simulate one night in memory.

    Parameters
    ----------
    plan : NightPlan, optional
        What to simulate; `NightPlan()` by default.

    Returns
    -------
    SimulatedNight
        Signals in µV, and the truth.
    """
    plan = NightPlan() if plan is None else plan
    stages = simulate_stages(plan.streams("stages"), plan.hours)
    bouts = find_bouts(stages)
    trait_ratio, night_ratio, typical = _draw_subject_and_night(plan)
    gain = trait_ratio * night_ratio * plan.effect
    drive, cycles = slow_drive(stages, typical)
    waves = slow.plan_slow_waves(plan.streams("slow waves"), bouts, drive, float(np.sqrt(gain)), plan.slope_effect)
    own_waves = {
        channel: slow.make_slow_waves(plan.streams("slow waves", channel), waves, find_site(channel))
        for channel in plan.channels
        if find_site(channel).slow
    }
    spindles = events.plan_spindles(plan.streams("spindles"), bouts)
    eyes = events.plan_eye_movements(plan.streams("eye movements"), bouts)
    artifacts = _plan_artifacts(plan, stages)
    controls = _draw_controls(plan)
    course = _Course(
        stages=stages,
        bouts=bouts,
        drive=drive,
        gain=gain,
        fast_gain=trait_ratio**_FAST_TRAIT_SHARE,
        common=draw_common_background(plan.streams, len(stages)),
        controls=controls,
        spindles=spindles,
        eyes=eyes,
    )
    made = {channel: _make_channel(plan, course, channel, own_waves.get(channel)) for channel in plan.channels}
    for artifact in artifacts:
        _add_artifact(plan, made, artifact)
    for signal in made.values():
        signal.flags.writeable = False
    return SimulatedNight(
        plan=plan,
        signals_uv=MappingProxyType(made),
        rates_hz=MappingProxyType({channel: plan.rate_of(channel) for channel in plan.channels}),
        stages=stages,
        waves=MappingProxyType({c: w for c, w in own_waves.items() if find_site(c).kind == "eeg"}),
        sleep_onset_s=find_sleep_onset_s(stages),
        process_s=ProcessS(
            initial_uv2=typical.initial_uv2 * gain, asymptote_uv2=typical.asymptote_uv2 * gain, tau_h=typical.tau_h
        ),
        cycles=tuple(
            Cycle(first=c.first, end=c.end, midpoint_h=c.midpoint_h, swa_uv2=c.swa_uv2 * gain) for c in cycles
        ),
        trait_ratio=trait_ratio,
        night_ratio=night_ratio,
        control_ratios=MappingProxyType(controls),
        spindles=MappingProxyType(spindles),
        eye_movements=MappingProxyType(eyes),
        artifacts=artifacts,
    )


@dataclass(frozen=True, kw_only=True)
class _Course:
    """What all channels of a night share."""

    stages: NDArray[np.str_]
    bouts: list[Bout]
    drive: NDArray[np.float64]
    gain: float
    fast_gain: float
    common: NDArray[np.complex64]
    controls: Mapping[str, float]
    spindles: Mapping[str, NDArray[np.float64]]
    eyes: Mapping[str, NDArray[np.float64]]


def make_subject_stream(plan: NightPlan, component: str) -> np.random.Generator:
    """Return the random generator of a component that all nights of a subject have in common."""
    return np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(_key(plan.subject), _key(component))))


def _limit(normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squeeze standard normal deviates smoothly into ± 1.74 at unchanged SD; the ICC loses about 0.02."""
    sd_when_squeezed = 0.5735
    return np.tanh(normal / _LIMIT_SD) / sd_when_squeezed


def _draw_subject_and_night(plan: NightPlan) -> tuple[float, float, ProcessS]:
    """Return the power ratios of subject and night, and the subject's Process S without them."""
    rng = make_subject_stream(plan, "trait")
    trait = float(rng.standard_normal())
    tau_z, asymptote_z = _limit(rng.standard_normal(2)).tolist()
    night = float(plan.streams("night").standard_normal())
    sd_log = float(np.sqrt(np.log(1 + plan.cv**2)))
    typical = ProcessS(
        initial_uv2=_TYPICAL_INITIAL_UV2,
        asymptote_uv2=_TYPICAL_INITIAL_UV2 * _ASYMPTOTE_SHARE * float(np.exp(0.15 * asymptote_z)),
        tau_h=_TYPICAL_TAU_H * float(np.exp(0.12 * tau_z)),
    )
    subject_z = float(np.sqrt(plan.icc)) * trait
    night_z = subject_z + float(np.sqrt(1 - plan.icc)) * night
    trait_ratio, ratio = np.exp(sd_log * _limit(np.array([subject_z, night_z]))).tolist()
    return trait_ratio, ratio / trait_ratio, typical


def _draw_controls(plan: NightPlan) -> dict[str, float]:
    """Return the night's power ratio per control band: partly common to all three, partly its own."""
    rng = plan.streams("control bands")
    common, own = rng.standard_normal(), rng.standard_normal(3)
    r = plan.control_correlation
    logs = plan.control_cv * _limit(np.sqrt(r) * common + np.sqrt(1 - r) * own)
    return dict(zip(("R", "W", "NREM"), np.exp(logs).tolist(), strict=True))


def _make_channel(
    plan: NightPlan, course: _Course, channel: str, waves: Mapping[str, NDArray[np.float64]] | None
) -> Array:
    """Return one channel's signal, µV."""
    site, rate_hz = find_site(channel), plan.rate_of(channel)
    n_samples = len(course.stages) * EPOCH_S * rate_hz
    codes = np.array([STAGES.index(s) for s in course.stages], dtype=np.int8)
    if site.kind == "ecg":
        return events.make_heartbeat(plan.streams("heart", channel), n_samples, rate_hz)
    if site.kind == "emg":
        made = events.make_muscle_tone(plan.streams, channel, codes, course.bouts, rate_hz)
    else:
        is_driven = np.isin(course.stages, ("N2", "N3"))
        slow_gain = np.where(is_driven, course.drive * course.gain, course.fast_gain)
        control_gains = {s: course.controls["NREM" if s.startswith("N") else s] for s in STAGES}
        made = make_background(
            plan.streams,
            channel,
            course.common,
            codes,
            slow_gain,
            rate_hz=rate_hz,
            fast_gain=course.fast_gain,
            control_gains=control_gains,
        )
        if waves is not None:
            made += slow.render_waves(waves, n_samples, rate_hz)
        rng = plan.streams("spindles", channel)
        made += events.make_spindles(rng, course.spindles, site.spindle, n_samples, rate_hz)
        made += events.make_eye_movements(course.eyes, site.eye, n_samples, rate_hz)
        made += events.make_sawtooth(plan.streams("sawtooth"), course.bouts, site.slow, n_samples, rate_hz)
    if rate_hz > 100:  # at 100 Hz the mains lie on the Nyquist frequency
        made += _make_mains(plan.streams("mains", channel), len(course.stages) * EPOCH_S, rate_hz)
    return made


def _make_mains(rng: np.random.Generator, duration_s: int, rate_hz: int) -> Array:
    """Return what is left of the mains after a good electrode: 50 Hz, 0.4 µV. It repeats every second."""
    second = 0.4 * np.sin(2 * np.pi * 50 * np.arange(rate_hz) / rate_hz + rng.uniform(0, 2 * np.pi))
    return np.tile(second.astype(np.float32), duration_s)


def _plan_artifacts(plan: NightPlan, stages: NDArray[np.str_]) -> tuple[TrueArtifact, ...]:
    """Draw the night's artefacts: movements on all channels, electrode pops on one EEG channel."""
    rng = plan.streams("artifacts")
    eeg = [channel for channel in plan.channels if find_site(channel).kind == "eeg"]
    found: list[TrueArtifact] = []
    for _ in range(plan.artifacts):
        start_s = float(rng.uniform(60, len(stages) * EPOCH_S - 60))
        is_pop = bool(rng.random() < 0.5) and bool(eeg)
        duration_s = 1.5 if is_pop else float(rng.uniform(3, 10))
        channel = eeg[int(rng.integers(len(eeg)))] if is_pop else "all"
        kind = "pop" if is_pop else "movement"
        found.append(TrueArtifact(start_s=start_s, duration_s=duration_s, kind=kind, channel=channel))
    return tuple(sorted(found, key=lambda artifact: artifact.start_s))


def _add_artifact(plan: NightPlan, made: dict[str, Array], artifact: TrueArtifact) -> None:
    """Add an artefact to the signals that it reaches: 0.5-3 Hz swings with muscle, or a step that decays."""
    for channel, signal in made.items():
        if artifact.channel not in ("all", channel) or find_site(channel).kind == "ecg":
            continue
        rng = plan.streams(f"artifact at {artifact.start_s:.3f} s", channel)
        rate_hz = plan.rate_of(channel)
        first = int(artifact.start_s * rate_hz)
        n = int(artifact.duration_s * rate_hz)
        time_s = np.arange(n) / rate_hz
        if artifact.kind == "pop":
            wave = rng.choice([-1.0, 1.0]) * rng.uniform(600, 1200) * np.exp(-time_s / 0.25)
        else:
            swings = np.sin(2 * np.pi * (rng.uniform(0.5, 3.0, (4, 1)) * time_s + rng.random((4, 1)))).sum(axis=0)
            wave = np.hanning(n) * (rng.uniform(100, 250) * swings + rng.uniform(20, 50) * rng.standard_normal(n))
        signal[first : first + n] += wave[: len(signal) - first].astype(np.float32)
