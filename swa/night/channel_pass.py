"""The only pass over the samples of each channel: spectra, artefacts, half-waves, and what each rule removes."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.errors import RecordingError
from swa.measures import aperiodic, artifacts, asymmetry, coupling, power, rejection, slow_waves, spindles
from swa.measures.coupling import Coupling
from swa.measures.spindles import Spindles
from swa.night.frame import NREM, Frame
from swa.recordings.channels import Channel, region
from swa.recordings.recording import Recording, SignalGroup
from swa.recordings.spans import Spans
from swa.settings import ArtifactSettings, Settings, WaveCriteria


@dataclass(frozen=True, kw_only=True)
class ChannelResult:
    """What one pass over a channel's signal leaves."""

    name: str
    frequencies_hz: NDArray[np.floating]
    density: NDArray[np.float32]
    usable_bits: NDArray[np.uint8]  # eight samples a byte: high-density recordings have a hundred channels of them
    usable_s: NDArray[np.float64]
    removed_s: dict[str, float]
    waves: pd.DataFrame
    average: pd.DataFrame
    passes_hz: float = float("inf")
    spindles: Spindles | None = None
    rejection: list[tuple[object, ...]] = field(default_factory=list)
    coupling: Coupling | None = None
    window_epochs: NDArray[np.int64] | None = None
    asymmetry: float = float("nan")
    asymmetry_parts: tuple[float, ...] = ()
    native_rate_hz: float = float("nan")
    low_pass_hz: float | None = None
    mains_uv: float = float("nan")
    levels: int = 0
    native_hz: NDArray[np.floating] | None = None
    native_density: NDArray[np.float32] | None = None


@dataclass(frozen=True, kw_only=True)
class _Read:
    """What was read of one channel, and the spectra of its windows."""

    channel: Channel
    trace: artifacts.Trace
    mains_uv: float
    levels: int
    spectra: power.WindowSpectra
    focal: NDArray[np.bool_]


def measure_channels(
    recording: Recording, frame: Frame, settings: Settings, problems: dict[str, RecordingError]
) -> Iterator[ChannelResult]:
    """Results channel by channel, all but spindles and what a second reading gives (`read_again`)."""
    for group in recording.groups("eeg"):
        problems.update(group.problems)
        room = slow_waves.Room()
        for read in _read_channels(group, frame, settings):
            result = _measure_channel(read, frame, settings, room)
            if settings.coupling.measured:
                result = dataclasses.replace(result, coupling=_find_coupling(result, read.trace, settings))
            yield result


def _read_channels(group: SignalGroup, frame: Frame, settings: Settings) -> Iterator[_Read]:
    spectra = [power.compute_window_spectra(row, group.rate_hz, settings.power) for row in group.data_uv]
    focal = _find_focal(spectra, frame, group.rate_hz, settings)
    for row, channel in enumerate(group.channels):
        yield _Read(
            channel=channel,
            trace=artifacts.Trace(
                signal_uv=group.data_uv[row], clipped=group.clipped[row], rate_hz=group.rate_hz, pieces=group.pieces
            ),
            mains_uv=float(group.mains_uv[row]),
            levels=int(group.levels[row]),
            spectra=spectra[row],
            focal=focal[row],
        )


def _find_coupling(result: ChannelResult, trace: artifacts.Trace, settings: Settings) -> Coupling:
    waves = result.waves[slow_waves.select_waves(result.waves, settings.waves)]
    peaks_s = waves.loc[waves["stage"].isin(NREM), "negative_peak_s"].to_numpy()
    usable = _unpack(result.usable_bits, len(trace.signal_uv))
    return coupling.find_coupling(trace.signal_uv, usable, peaks_s, trace.rate_hz, settings.coupling)


def read_again(result: ChannelResult, recording: Recording, frame: Frame, settings: Settings) -> ChannelResult:
    """Add spindles and the spectra at the native rate.

    Each from a reading of the channel for itself: YASA's spindle detector is the peak of memory, so that nothing else
    of the night's signals is held beside it.
    """
    eeg = {channel.name: channel for channel in recording.of_role("eeg")}
    channel = eeg[result.name]
    if settings.aperiodic.high_exponent:
        result = _add_native_spectra(result, recording, channel, recording.rate_hz, settings)
    first_central = min([name for name in eeg if region(name) == "central"] or eeg)
    if settings.spindles.channels != "all" and channel.name != first_central:
        return result
    minutes = {stage: float(result.usable_s[frame.stages == stage].sum()) / 60 for stage in spindles.STAGES}
    reason = spindles.why_not(sum(minutes.values()), recording.rate_hz, settings.spindles)
    if reason:
        return dataclasses.replace(result, spindles=spindles.no_spindles(minutes, reason))
    found = spindles.detect_spindles(
        recording.read([channel]).data_uv[0],
        _unpack(result.usable_bits, recording.n_samples),
        frame.stages,
        frame.epoch_s,
        recording.rate_hz,
        settings.spindles,
        recording.pieces(recording.rate_hz),
    )
    return dataclasses.replace(result, spindles=found)


def _unpack(bits: NDArray[np.uint8], n_samples: int) -> NDArray[np.bool_]:
    return np.unpackbits(bits, count=n_samples).view(bool)


def _add_native_spectra(
    result: ChannelResult, recording: Recording, channel: Channel, rate_hz: float, settings: Settings
) -> ChannelResult:
    """Spectra of the same windows at the native rate: resampling weakens what lies above 40 Hz."""
    low_pass_hz = recording.low_pass_hz(channel)
    result = dataclasses.replace(result, native_rate_hz=channel.rate_hz, low_pass_hz=low_pass_hz)
    passes_hz = aperiodic.highest_passed_hz(channel.rate_hz, low_pass_hz, settings.aperiodic)
    if passes_hz < settings.aperiodic.high_hz[1] or result.window_epochs is None or not len(result.window_epochs):
        return result
    signal_uv = recording.read([channel], channel.rate_hz).data_uv[0]
    native = power.compute_window_spectra(signal_uv, channel.rate_hz, settings.power)
    hop_s = max(1, round(round(settings.power.window_s * rate_hz) * (1 - settings.power.overlap))) / rate_hz
    same = np.round(native.starts / channel.rate_hz / hop_s).astype(int)
    epochs = np.where(
        same < len(result.window_epochs), result.window_epochs[np.minimum(same, len(result.window_epochs) - 1)], -1
    )
    density, _ = power.average_by_epoch(native, epochs, len(result.density))
    return dataclasses.replace(result, native_hz=native.frequencies_hz, native_density=density)


def _find_focal(
    spectra: Sequence[power.WindowSpectra], frame: Frame, rate_hz: float, settings: Settings
) -> NDArray[np.bool_]:
    """Windows in which one channel alone is large, among the channels that are read together."""
    if len(spectra) < settings.artifacts.focal_channels:
        return np.zeros((len(spectra), len(spectra[0].starts) if spectra else 0), bool)
    nrem = _nrem_epochs(spectra[0], frame, rate_hz) >= 0
    return artifacts.find_focal(
        np.array([each.band_power(settings.power.swa_hz) for each in spectra]), nrem, settings.artifacts
    )


def _nrem_epochs(spectra: power.WindowSpectra, frame: Frame, rate_hz: float) -> NDArray[np.int64]:
    """NREM epoch of each window; -1 for windows of another stage, or of two."""
    _, codes = np.unique(frame.stages, return_inverse=True)
    epochs = power.assign_windows(spectra, codes, frame.epoch_s, rate_hz)
    return np.where((epochs >= 0) & frame.nrem[epochs], epochs, -1)


def _measure_channel(read: _Read, frame: Frame, settings: Settings, room: slow_waves.Room) -> ChannelResult:
    """Artefacts, epochs and half-waves of one channel."""
    trace, spectra, rate_hz = read.trace, read.spectra, read.trace.rate_hz
    lowest_uv = settings.artifacts.amplitude_uv * min((1.0, *rejection.OTHER_LIMITS.values()))
    height = artifacts.measure_height(trace, lowest_uv)
    muscle = spectra.band_power(artifacts.muscle_band(read.channel.rate_hz, settings.artifacts))
    place = (spectra.starts, spectra.length, muscle)
    usual_muscle = artifacts.find_usual_muscle(trace, *place, settings.artifacts)

    def find(limits: ArtifactSettings) -> artifacts.Artifacts:
        return artifacts.find_artifacts(trace, *place, limits, read.focal, height, usual_muscle)

    found = find(settings.artifacts)
    _, codes = np.unique(frame.stages, return_inverse=True)
    epochs = power.assign_windows(spectra, codes, frame.epoch_s, rate_hz)
    epochs[found.windows] = -1
    density, _ = power.average_by_epoch(spectra, epochs, len(codes))
    usable = ~found.unusable.mask(len(trace.signal_uv))
    nrem = _by_sample(frame.nrem, frame.epoch_s, rate_hz, len(usable))
    filtered = _filter_pieces(trace, settings.waves, room)
    detected = slow_waves.detect_in_trace(filtered, rate_hz, settings.waves, room)
    waves = _usable_waves(detected, found.unusable, rate_hz, frame, len(usable))
    whole, parts = asymmetry.of_night(filtered, usable & nrem.mask(len(usable)), rate_hz)
    return ChannelResult(
        name=read.channel.name,
        frequencies_hz=spectra.frequencies_hz,
        density=density,
        usable_s=_per_epoch(found.unusable, frame.epoch_s, rate_hz, len(codes), len(usable)) / rate_hz,
        usable_bits=np.packbits(usable),
        removed_s={rule: spans.shared(nrem) / rate_hz for rule, spans in found.samples.items()},
        rejection=_account_for(read, found, find, detected, nrem, frame, settings),
        waves=waves,
        window_epochs=epochs,
        average=_average_waveform(filtered, waves, trace, frame.nrem, settings),
        passes_hz=aperiodic.highest_passed_hz(read.channel.rate_hz, None, settings.aperiodic),
        mains_uv=read.mains_uv,
        levels=read.levels,
        asymmetry=whole,
        asymmetry_parts=parts,
    )


def _filter_pieces(trace: artifacts.Trace, criteria: WaveCriteria, room: slow_waves.Room) -> NDArray[np.float64]:
    """Each piece filtered for itself; 0 in what lies between them."""
    if tuple(trace.pieces) == ((0, len(trace.signal_uv)),):
        return slow_waves.filter_for_waves(trace.signal_uv, trace.rate_hz, criteria, room)
    filtered = np.zeros(len(trace.signal_uv))
    for first, end in trace.pieces:
        filtered[first:end] = slow_waves.filter_for_waves(trace.signal_uv[first:end], trace.rate_hz, criteria, room)
    return filtered


def _average_waveform(
    filtered: NDArray[np.float64],
    waves: pd.DataFrame,
    trace: artifacts.Trace,
    nrem: NDArray[np.bool_],
    settings: Settings,
) -> pd.DataFrame:
    """Mean of the slow waves of N2 and N3 around their negative peaks, of those that no gap cuts off."""
    chosen = slow_waves.select_waves(waves, settings.waves) & nrem[waves["epoch"].to_numpy()]
    peaks_s = waves["negative_peak_s"].to_numpy()[chosen]
    before_s, after_s = slow_waves.AVERAGE_S
    whole = [
        (peaks_s >= first / trace.rate_hz - before_s) & (peaks_s < (end - 1) / trace.rate_hz - after_s)
        for first, end in trace.pieces
    ]
    return slow_waves.average_waveform(filtered, peaks_s[np.any(whole, axis=0)], trace.rate_hz)


def _account_for(
    read: _Read,
    found: artifacts.Artifacts,
    find: Callable[[ArtifactSettings], artifacts.Artifacts],
    detected: pd.DataFrame,
    nrem: Spans,
    frame: Frame,
    settings: Settings,
) -> list[tuple[object, ...]]:
    """What each rule removes of one channel, and the result at limits halved and doubled."""
    epoch = (detected["negative_peak_s"].to_numpy() / frame.epoch_s).astype(int)
    inside = epoch < len(frame.stages)
    inside[inside] = frame.nrem[epoch[inside]]
    chosen = slow_waves.select_waves(detected, settings.waves) & inside
    waves = _sample_limits(detected, read.trace.rate_hz, len(read.trace.signal_uv))[chosen]
    slow = read.spectra.band_power(settings.power.swa_hz)
    epochs = _nrem_epochs(read.spectra, frame, read.trace.rate_hz)
    rows: list[tuple[object, ...]] = list(
        rejection.account_for_rules(found.samples, found.by_rule, nrem, epochs >= 0, slow, waves)
    )
    for rule, factor in rejection.OTHER_LIMITS.items():
        other = find(artifacts.scale_limits(settings.artifacts, factor))
        known, judged = ((each.unusable, each.windows) for each in (found, other))
        ratios = rejection.compare_limits(known, judged, nrem, epochs, slow, waves)
        share = other.unusable.shared(nrem) / max(nrem.n_samples, 1)
        lost = float(other.unusable.touch(*waves.T).mean()) if len(waves) else np.nan
        rows.append((rule, share, np.nan, lost, len(waves), *ratios))
    return rows


def _sample_limits(waves: pd.DataFrame, rate_hz: float, n_samples: int) -> NDArray[np.int64]:
    """First and end sample of each wave."""
    first = np.floor(waves["start_s"].to_numpy() * rate_hz).astype(int)
    end = np.minimum(np.ceil(waves["end_s"].to_numpy() * rate_hz).astype(int) + 1, n_samples)
    return np.stack([first, end], axis=1)


def _usable_waves(table: pd.DataFrame, unusable: Spans, rate_hz: float, frame: Frame, n_samples: int) -> pd.DataFrame:
    """Half-waves that lie in usable time from start to end, with the stage, cycle and time of their negative peak."""
    limits = _sample_limits(table, rate_hz, n_samples)
    epoch = (table["negative_peak_s"].to_numpy() / frame.epoch_s).astype(int)
    kept = ~unusable.touch(*limits.T) & (epoch < len(frame.stages))
    table, epoch = table[kept].reset_index(drop=True), epoch[kept]
    nrem = frame.nrem
    before_s = np.concatenate(([0.0], np.cumsum(nrem) * frame.epoch_s))  # NREM before each epoch
    within_s = np.where(nrem[epoch], table["negative_peak_s"].to_numpy() - epoch * frame.epoch_s, 0)
    table["epoch"] = epoch
    table["stage"] = pd.Series(frame.stages).array[epoch]  # one text an epoch, not one a wave
    table["cycle"] = frame.cycle_of_epoch[epoch]
    table["nrem_min"] = (before_s[epoch] + within_s) / 60
    table["dose_h"] = np.nan if frame.dose_s is None else (table["negative_peak_s"] - frame.dose_s) / 3600
    return table


def _by_sample(epochs: NDArray[np.bool_], epoch_s: float, rate_hz: float, n_samples: int) -> Spans:
    edges = np.minimum(np.round(np.arange(len(epochs) + 1) * epoch_s * rate_hz).astype(int), n_samples)
    return Spans.joined([np.stack([edges[:-1][epochs], edges[1:][epochs]], axis=1)])


def _per_epoch(unusable: Spans, epoch_s: float, rate_hz: float, n_epochs: int, n_samples: int) -> NDArray[np.float64]:
    """Number of usable samples of each epoch."""
    edges = np.minimum(np.round(np.arange(n_epochs + 1) * epoch_s * rate_hz).astype(int), n_samples)
    counts: NDArray[np.float64] = np.diff(edges - unusable.before(edges)).astype(float)
    return counts
