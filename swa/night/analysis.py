"""One recording through all rooms: signals, stages and settings become the tables of a night."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.errors import RecordingError, ScoringError
from swa.measures import aperiodic, artifacts, coupling, power, quality, rejection, slow_waves, spindles
from swa.measures.slow_waves import SlowWaves
from swa.night.rows import (
    NREM,
    ChannelResult,
    Frame,
    channel_rows,
    check_seconds,
    epoch_rows,
    make_frame,
    spectra_rows,
    spectrogram_of,
    travelling_rows,
)
from swa.night.staging_bias import describe_staging, staging_bias
from swa.recordings.channels import Channel, region
from swa.recordings.recording import Recording, as_recording, no_eeg
from swa.settings import ArtifactSettings, Settings, WaveCriteria, given_or_default
from swa.sleep.scoring import fit_to_recording
from swa.tables.results_tables import STAGING_BIAS, WAVES

if TYPE_CHECKING:
    import mne
    import yasa

LIMIT_FACTORS = (0.5, 2.0)  # artefact limits of the sensitivity run: halved is stricter


@dataclass(frozen=True, kw_only=True)
class Night:
    """What was measured in one night.

    Attributes
    ----------
    subject, session, condition : str
        Whose night it is; empty where nobody said so.
    measures : DataFrame
        Long table (`NIGHT_MEASURES` of `swa.tables.results_tables`, as the other tables that are named here): one row
        per channel, stages, window, measure and variant. NaN values have their reason in `note`.
    waves : SlowWaves
        Half-waves of all channels.
    epochs : DataFrame
        One row per channel and epoch: `channel`, `onset_s`, `stage`, `cycle`, `usable_s`, and a column per band in µV².
    spectra : DataFrame
        Mean spectra: `channel`, `stages`, `window`, `frequency_hz`, `density_uv2_hz`, `n_epochs`.
    spectrogram : DataFrame
        Spectrum of each epoch of one central channel (else the first): a row per epoch, a column per frequency in Hz
        (as text), µV²/Hz; NaN where there is no usable window.
    hypnogram : yasa.Hypnogram
        On the time line of the recording.
    cycles : DataFrame
        NREM cycles.
    summary : dict
        Sleep statistics in min, sleep onset, staging source, shares of unusable time.
    notes : tuple of str
        What a reader of the numbers should know.
    staging_bias : DataFrame
        Markers and N3 minutes with the stages of a smaller and a larger EEG (`STAGING_BIAS`);
        empty for a night that brought its scoring.
    rejection : DataFrame
        What each artefact rule removes of each channel's NREM, SWA and slow waves, and the result at limits halved
        and doubled (`NIGHT_REJECTION`).
    settings : Settings
        What it was measured with.
    """

    subject: str = ""
    session: str = ""
    condition: str = ""
    measures: pd.DataFrame = field(repr=False)
    waves: SlowWaves = field(repr=False)
    epochs: pd.DataFrame = field(repr=False)
    spectra: pd.DataFrame = field(repr=False)
    spectrogram: pd.DataFrame = field(repr=False)
    hypnogram: "yasa.Hypnogram" = field(repr=False)
    cycles: pd.DataFrame = field(repr=False)
    summary: dict[str, object] = field(repr=False)
    notes: tuple[str, ...]
    staging_bias: pd.DataFrame = field(default_factory=STAGING_BIAS.empty, repr=False)
    rejection: pd.DataFrame = field(default_factory=lambda: rejection.rejection_table([]), repr=False)
    settings: Settings = field(default_factory=Settings, repr=False)

    def __repr__(self) -> str:
        whose = " ".join(part for part in ("Night", self.subject, self.session, self.condition) if part)
        channels = self.measures["channel"].unique()
        statistics = self.hypnogram.sleep_statistics()
        nrem_min = float(statistics["N2"] + statistics["N3"])
        return (
            f"<{whose}: {nrem_min:.0f} min of NREM in {len(self.cycles)} cycles; {', '.join(channels)}; "
            f"{len(self.measures)} measures, {len(self.waves.table)} half-waves, {len(self.notes)} notes>"
        )

    def _repr_html_(self) -> str:
        """For notebooks: a few markers of the whole night in every channel, and the notes."""
        shown = ["swa", "wave_density", "wave_amplitude_p90", "sigma_power"]
        rows = self.measures[(self.measures["stages"] == "NREM") & (self.measures["window"] == "night")]
        rows = rows[rows["measure"].isin(shown) & (rows["variant"] == "")]
        table = rows.assign(marker=rows["measure"] + " (" + rows["unit"] + ")").pivot_table(
            index="channel", columns="marker", values="value", sort=False
        )
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        title = f"<p>{escape(repr(self).strip('<>'))}</p><p>NREM (N2+N3), whole night</p>"
        return title + table.to_html(float_format="{:.4g}".format) + (f"<ul>{notes}</ul>" if notes else "")


def analyze_night(
    recording: "Recording | mne.io.BaseRaw",
    hypnogram: "yasa.Hypnogram",
    settings: Settings | None = None,
    *,
    subject: str = "",
    session: str = "",
    condition: str = "",
    dose_s: float | None = None,
    lights_off_s: float | None = None,
    lights_on_s: float | None = None,
    stages_at_gain: Mapping[float, NDArray[np.str_]] | None = None,
) -> Night:
    """Measure one night.

    Parameters
    ----------
    recording : Recording or mne.io.BaseRaw
        The recording.
    hypnogram : yasa.Hypnogram
        From `stage_recording` or `read_hypnogram`; laid on the recording's time line by clock time where known.
    settings : Settings, optional
        Every value that changes a number.
    subject, session, condition : str
        Whose night it is, so that nights can be compared.
    dose_s : float, optional
        Time of the dose in s from the first sample; negative for a dose before the recording.
    lights_off_s, lights_on_s : float, optional
        Times of lights off and on in s from the first sample; sleep statistics are taken between them.
    stages_at_gain : dict of float to ndarray of str, optional
        Stages of each epoch as the stager would give them at another EEG amplitude (`stage_at_gains`); how far the
        markers move with them goes into `Night.staging_bias`.

    Returns
    -------
    Night

    Raises
    ------
    RecordingError
        No EEG channel can be measured, or the night has no N2 or N3.
    ScoringError
        Scoring and recording do not overlap.
    SwaError
        A time is no number.

    See Also
    --------
    compare_nights : what becomes of several nights.

    Examples
    --------
    >>> import swa
    >>> hypnogram = swa.read_hypnogram("night.csv")
    >>> night = swa.analyze_night(swa.read_recording("night.edf"), hypnogram, subject="S01", condition="baseline")
    >>> swa_uv2 = night.measures.query("measure == 'swa' and stages == 'NREM' and window == 'cycle-1'")
    >>> swa_uv2[["channel", "unit"]].values.tolist()
    [['F3-M2', 'µV²'], ['C4-M1', 'µV²']]

    Own bands (Hz); every other value keeps its default:

    >>> own_bands = swa.Settings(power={"swa_hz": (0.75, 4.5), "sigma_hz": (11.0, 12.9)})
    >>> night = swa.analyze_night(swa.read_recording("night.edf"), hypnogram, own_bands)  # doctest: +SKIP
    """
    settings = given_or_default(settings, Settings)
    for name, value in (("dose_s", dose_s), ("lights_off_s", lights_off_s), ("lights_on_s", lights_on_s)):
        check_seconds(name, value)
    recording = as_recording(recording, settings)
    hypnogram, scoring_notes = fit_to_recording(_as_hypnogram(hypnogram), recording)
    frame = make_frame(hypnogram, settings, dose_s)
    if not frame.nrem.any():
        raise RecordingError(
            f"{recording.name}: no NREM sleep (N2 or N3) in {recording.duration_s / 60:.1f} min "
            f"by {hypnogram.scorer or 'the scoring'}.",
            "Slow-wave activity is measured in NREM sleep: check that this is a night, or give a scoring.",
        )
    problems: dict[str, RecordingError] = {}
    results = list(_measure_channels(recording, frame, settings, problems))
    if not results:
        raise _no_eeg(recording, problems)
    results = [_read_again(result, recording, frame, settings) for result in results]
    bias = staging_bias(results, frame, stages_at_gain or {}, settings)
    in_bed, bed_notes = _between_lights(hypnogram, frame.epoch_s, lights_off_s, lights_on_s)
    notes = (*recording.notes, *scoring_notes, *bed_notes, *(f"left out: {error}" for error in problems.values()))
    return Night(
        subject=subject,
        session=session,
        condition=condition,
        measures=_measure_rows(results, frame, settings),
        waves=_slow_waves(results, frame, settings.waves),
        epochs=pd.concat([epoch_rows(result, frame, settings) for result in results], ignore_index=True),
        spectra=pd.concat([spectra_rows(result, frame, settings) for result in results], ignore_index=True),
        spectrogram=spectrogram_of(results),
        hypnogram=hypnogram,
        cycles=frame.cycles,
        summary=_summarize(recording, hypnogram, in_bed, frame, results, settings)
        | {"unread": {name: error.problem for name, error in problems.items()}}
        | {"staging": describe_staging(hypnogram.proba, frame, bias, settings.scoring.uncertain_confidence)},
        notes=notes,
        staging_bias=bias,
        rejection=rejection.rejection_table([(result.name, *row) for result in results for row in result.rejection]),
        settings=settings,
    )


def detect_slow_waves(
    recording: "Recording | mne.io.BaseRaw",
    hypnogram: "yasa.Hypnogram",
    criteria: WaveCriteria | None = None,
    settings: Settings | None = None,
) -> SlowWaves:
    """Slow waves of all EEG channels of a recording.

    Parameters
    ----------
    recording : Recording or mne.io.BaseRaw
        The recording.
    hypnogram : yasa.Hypnogram
        Stages, laid on the recording's time line.
    criteria : WaveCriteria, optional
        The detector; by default that of the settings (``riedner2007``).
    settings : Settings, optional
        Everything else.

    Returns
    -------
    SlowWaves
        `table` has every half-wave in usable time of any stage, `select()` the slow waves among them.

    Raises
    ------
    RecordingError
        No EEG channel can be measured.

    Examples
    --------
    >>> import swa
    >>> recording, hypnogram = swa.read_recording("night.edf"), swa.read_hypnogram("night.csv")
    >>> waves = swa.detect_slow_waves(recording, hypnogram)
    >>> len(waves.select()) < len(waves.table)  # slow waves among all half-waves
    True
    >>> bool(waves.select()["peak_to_peak_uv"].min() >= 75)
    True
    >>> massimini = swa.detect_slow_waves(recording, hypnogram, criteria=swa.WaveCriteria.preset("massimini2004"))
    >>> bool(massimini.select()["peak_to_peak_uv"].min() >= 140)
    True
    """
    settings = given_or_default(settings, Settings)
    if criteria is not None:
        settings = Settings(**(dict(settings) | {"waves": given_or_default(criteria, WaveCriteria)}))
    recording = as_recording(recording, settings)
    hypnogram, _ = fit_to_recording(_as_hypnogram(hypnogram), recording)
    frame = make_frame(hypnogram, settings, None)
    problems: dict[str, RecordingError] = {}
    results = list(_measure_channels(recording, frame, settings, problems))
    if not results:
        raise _no_eeg(recording, problems)
    return _slow_waves(results, frame, settings.waves)


def _measure_rows(results: list[ChannelResult], frame: Frame, settings: Settings) -> pd.DataFrame:
    tables = [channel_rows(result, frame, settings) for result in results]
    if settings.travelling.measured:
        tables.append(travelling_rows(results, frame, settings))
    return pd.concat(tables, ignore_index=True)


def _as_hypnogram(hypnogram: "yasa.Hypnogram") -> "yasa.Hypnogram":
    if not hasattr(hypnogram, "sampling_frequency"):
        raise ScoringError(
            f"Expected a yasa.Hypnogram, got {type(hypnogram).__name__}.",
            "Use swa.stage_recording, swa.read_hypnogram, or yasa.Hypnogram(stages).",
        )
    return hypnogram


def _measure_channels(
    recording: Recording, frame: Frame, settings: Settings, problems: dict[str, RecordingError]
) -> Iterator[ChannelResult]:
    """Results channel by channel, all but spindles and what a second reading gives."""
    for group in recording.groups("eeg"):
        problems.update(group.problems)
        spectra = [power.compute_window_spectra(row, group.rate_hz, settings.power) for row in group.data_uv]
        focal = _find_focal(spectra, frame, group.rate_hz, settings)
        for row, channel in enumerate(group.channels):
            result = _measure_channel(
                channel.name,
                group.data_uv[row],
                group.clipped[row],
                group.rate_hz,
                artifacts.muscle_band(channel.rate_hz, settings.artifacts),
                frame,
                settings,
                group.pieces,
                spectra[row],
                focal[row],
            )
            coupled = None
            if settings.coupling.measured:
                waves = result.waves[slow_waves.select_waves(result.waves, settings.waves)]
                peaks_s = waves.loc[waves["stage"].isin(NREM), "negative_peak_s"].to_numpy()
                coupled = coupling.find_coupling(
                    group.data_uv[row],
                    _unpack(result.usable_bits, group.data_uv.shape[1]),
                    peaks_s,
                    group.rate_hz,
                    settings.coupling,
                )
            yield dataclasses.replace(
                result,
                passes_hz=aperiodic.highest_passed_hz(channel.rate_hz, None, settings.aperiodic),
                coupling=coupled,
                mains_uv=float(group.mains_uv[row]),
            )


def _read_again(result: ChannelResult, recording: Recording, frame: Frame, settings: Settings) -> ChannelResult:
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


def _measure_channel(
    name: str,
    signal_uv: NDArray[np.float32],
    clipped: NDArray[np.bool_],
    rate_hz: float,
    muscle_band_hz: tuple[float, float],
    frame: Frame,
    settings: Settings,
    pieces: Sequence[tuple[int, int]],
    spectra: power.WindowSpectra,
    focal: NDArray[np.bool_],
) -> ChannelResult:
    """The only pass over the samples of a channel: artefacts, epochs, half-waves."""
    lowest_uv = settings.artifacts.amplitude_uv * min((1.0, *LIMIT_FACTORS))
    trace = artifacts.Trace(signal_uv=signal_uv, clipped=clipped, rate_hz=rate_hz, pieces=pieces)
    height_uv = artifacts.measure_height(trace, lowest_uv)
    place = (spectra.starts, spectra.length, spectra.band_power(muscle_band_hz))

    def find(limits: ArtifactSettings) -> artifacts.Artifacts:
        return artifacts.find_artifacts(trace, *place, limits, focal, height_uv)

    found = find(settings.artifacts)
    _, codes = np.unique(frame.stages, return_inverse=True)
    epochs = power.assign_windows(spectra, codes, frame.epoch_s, rate_hz)
    epochs[found.windows] = -1
    density, _ = power.average_by_epoch(spectra, epochs, len(codes))
    usable = ~found.unusable
    nrem_samples = _by_sample(frame.nrem, frame.epoch_s, rate_hz, len(usable))
    filtered = np.zeros(len(signal_uv))
    for first, end in pieces:
        filtered[first:end] = slow_waves.filter_for_waves(signal_uv[first:end], rate_hz, settings.waves)
    detected = slow_waves.detect_in_trace(filtered, rate_hz, settings.waves)
    waves = _usable_waves(detected, usable, rate_hz, frame)
    chosen = waves[slow_waves.select_waves(waves, settings.waves) & waves["stage"].isin(NREM)]
    peaks_s = chosen["negative_peak_s"].to_numpy()
    before_s, after_s = slow_waves.AVERAGE_S
    whole = [
        (peaks_s >= first / rate_hz - before_s) & (peaks_s < (end - 1) / rate_hz - after_s) for first, end in pieces
    ]
    return ChannelResult(
        name=name,
        frequencies_hz=spectra.frequencies_hz,
        density=density,
        usable_s=_per_epoch(usable, frame.epoch_s, rate_hz, len(codes)) / rate_hz,
        usable_bits=np.packbits(usable),
        removed_s={rule: np.count_nonzero(mask & nrem_samples) / rate_hz for rule, mask in found.samples.items()},
        rejection=_account_for(found, find, detected, nrem_samples, spectra, frame, rate_hz, settings),
        waves=waves,
        window_epochs=epochs,
        average=slow_waves.average_waveform(filtered, peaks_s[np.any(whole, axis=0)], rate_hz),
    )


def _account_for(
    found: artifacts.Artifacts,
    find: Callable[[ArtifactSettings], artifacts.Artifacts],
    detected: pd.DataFrame,
    nrem_samples: NDArray[np.bool_],
    spectra: power.WindowSpectra,
    frame: Frame,
    rate_hz: float,
    settings: Settings,
) -> list[tuple[object, ...]]:
    """What each rule removes of one channel, and the result at limits halved and doubled."""
    epoch = (detected["negative_peak_s"].to_numpy() / frame.epoch_s).astype(int)
    inside = epoch < len(frame.stages)
    inside[inside] = frame.nrem[epoch[inside]]
    whole = detected[slow_waves.select_waves(detected, settings.waves) & inside]
    first = np.floor(whole["start_s"].to_numpy() * rate_hz).astype(int)
    end = np.minimum(np.ceil(whole["end_s"].to_numpy() * rate_hz).astype(int) + 1, len(nrem_samples))
    waves = np.stack([first, end], axis=1)
    slow, epochs = spectra.band_power(settings.power.swa_hz), _nrem_epochs(spectra, frame, rate_hz)
    rows: list[tuple[object, ...]] = list(
        rejection.account_for_rules(found.samples, found.by_rule, nrem_samples, epochs >= 0, slow, waves)
    )
    usable = (~found.unusable, ~found.windows)
    for factor in LIMIT_FACTORS:
        other = find(artifacts.scale_limits(settings.artifacts, factor))
        good = (~other.unusable, ~other.windows)
        ratios = rejection.compare_limits(usable, good, nrem_samples, epochs, slow, waves)
        share = np.count_nonzero(other.unusable & nrem_samples) / max(int(np.count_nonzero(nrem_samples)), 1)
        lost = float(rejection.touched(waves, other.unusable).mean()) if len(waves) else np.nan
        rows.append((f"limits x {factor:g}", share, np.nan, lost, len(waves), *ratios))
    return rows


def _usable_waves(table: pd.DataFrame, usable: NDArray[np.bool_], rate_hz: float, frame: Frame) -> pd.DataFrame:
    """Half-waves that lie in usable time from start to end, with the stage, cycle and time of their negative peak."""
    unusable = np.flatnonzero(~usable)
    first = np.floor(table["start_s"].to_numpy() * rate_hz).astype(int)
    end = np.minimum(np.ceil(table["end_s"].to_numpy() * rate_hz).astype(int) + 1, len(usable))
    epoch = (table["negative_peak_s"].to_numpy() / frame.epoch_s).astype(int)
    whole = np.searchsorted(unusable, end) == np.searchsorted(unusable, first)
    kept = whole & (epoch < len(frame.stages))
    table, epoch = table[kept].reset_index(drop=True), epoch[kept]
    nrem = frame.nrem
    before_s = np.concatenate(([0.0], np.cumsum(nrem) * frame.epoch_s))  # NREM before each epoch
    within_s = np.where(nrem[epoch], table["negative_peak_s"].to_numpy() - epoch * frame.epoch_s, 0)
    table["epoch"] = epoch
    table["stage"] = frame.stages[epoch]
    table["cycle"] = frame.cycle_of_epoch[epoch]
    table["nrem_min"] = (before_s[epoch] + within_s) / 60
    table["dose_h"] = np.nan if frame.dose_s is None else (table["negative_peak_s"] - frame.dose_s) / 3600
    return table


def _slow_waves(results: list[ChannelResult], frame: Frame, criteria: WaveCriteria) -> SlowWaves:
    tables = [result.waves.assign(channel=result.name) for result in results]
    minutes = [
        (result.name, stage, float(result.usable_s[frame.stages == stage].sum()) / 60)
        for result in results
        for stage in ("W", "N1", "N2", "N3", "R")
    ]
    return SlowWaves(
        table=pd.concat(tables, ignore_index=True)[WAVES.names],
        criteria=criteria,
        analysed_min=pd.DataFrame(minutes, columns=["channel", "stage", "minutes"]),
        average=pd.concat(
            [result.average.assign(channel=result.name) for result in results if len(result.average)]
            or [results[0].average.assign(channel="")],
            ignore_index=True,
        ),
    )


def _between_lights(
    hypnogram: "yasa.Hypnogram", epoch_s: float, off_s: float | None, on_s: float | None
) -> tuple["yasa.Hypnogram", tuple[str, ...]]:
    """Part of a hypnogram from lights off to lights on; the whole, with a note, where nothing lies between them."""
    n_epochs = len(hypnogram.hypno)
    first = 0 if off_s is None else max(round(off_s / epoch_s), 0)
    end = n_epochs if on_s is None else min(round(on_s / epoch_s), n_epochs)
    if first >= end:
        return hypnogram, ("lights off and on do not fit the recording: sleep statistics are those of all of it",)
    return hypnogram[first:end], ()


def _summarize(
    recording: Recording,
    hypnogram: "yasa.Hypnogram",
    in_bed: "yasa.Hypnogram",
    frame: Frame,
    results: list[ChannelResult],
    settings: Settings,
) -> dict[str, object]:
    nrem_s = float(frame.nrem.sum()) * frame.epoch_s
    clock = "" if recording.start is None else recording.start.isoformat(timespec="seconds")
    proba = hypnogram.proba
    return {
        "staging_source": hypnogram.scorer or "",
        "recording_start": clock,
        "recording_min": recording.duration_s / 60,
        "sleep_onset_min": None if np.isnan(frame.sleep_onset_s) else frame.sleep_onset_s / 60,
        "dose_s": frame.dose_s,
        "nrem_cycles": len(frame.cycles),
        "staging_confidence": None if proba is None else float(proba.max(axis=1)[frame.stages != "UNS"].mean()),
        "statistics": {
            name: None if np.isnan(value) else float(value) for name, value in in_bed.sleep_statistics().items()
        },
        "channels": [result.name for result in results],
        "unusable_nrem_share": {
            result.name: {rule: seconds / nrem_s for rule, seconds in result.removed_s.items()}
            | {"any": 1 - float(result.usable_s[frame.nrem].sum()) / nrem_s}
            for result in results
        },
        "derivations": {channel.name: channel.note for channel in recording.of_role("eeg")},
        "lost_waves_share": {result.name: rejection.lost_waves_share(result.rejection) for result in results},
        "clipped_waves_share": {result.name: rejection.clipped_share(result.rejection) for result in results},
        "below_band_share": {
            result.name: power.below_band_share(
                _mean_density(result, frame), result.frequencies_hz, settings.power.swa_hz
            )
            for result in results
        },
        "mains_uv": {
            result.name: None if np.isnan(result.mains_uv) else round(result.mains_uv, 2) for result in results
        },
        "spectrum_levels": quality.spectrum_levels(
            {result.name: _mean_density(result, frame) for result in results},
            results[0].frequencies_hz,
            settings.artifacts,
        ),
        "header": {name: dict(facts) for name, facts in recording.header_facts.items()},
    }


def _mean_density(result: ChannelResult, frame: Frame) -> NDArray[np.float64]:
    """Mean spectrum of N2+N3; NaN without a usable window."""
    taken = frame.nrem & np.isfinite(result.density).all(axis=1)
    nothing = np.full(result.density.shape[1], np.nan)
    return result.density[taken].mean(axis=0, dtype=float) if taken.any() else nothing


def _no_eeg(recording: Recording, problems: dict[str, RecordingError]) -> RecordingError:
    if problems:
        first = next(iter(problems.values()))
        more = f" ({len(problems) - 1} more channels alike)" if len(problems) > 1 else ""
        return RecordingError(first.problem + more, first.remedy)
    return no_eeg(recording)


def _by_sample(epochs: NDArray[np.bool_], epoch_s: float, rate_hz: float, n_samples: int) -> NDArray[np.bool_]:
    edges = np.minimum(np.round(np.arange(len(epochs) + 1) * epoch_s * rate_hz).astype(int), n_samples)
    return np.pad(np.repeat(epochs, np.diff(edges)), (0, n_samples - edges[-1]))


def _per_epoch(samples: NDArray[np.bool_], epoch_s: float, rate_hz: float, n_epochs: int) -> NDArray[np.float64]:
    """Number of True samples of each epoch."""
    edges = np.minimum(np.round(np.arange(n_epochs + 1) * epoch_s * rate_hz).astype(int), len(samples))
    others = np.searchsorted(np.flatnonzero(~samples), edges)  # few: most of a night is usable
    return np.diff(edges - others).astype(float)
