"""One recording through all rooms: signals, stages and settings become the tables of a night."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.errors import RecordingError
from swa.measures import power, quality, rejection
from swa.measures.slow_waves import SlowWaves
from swa.night.channel_pass import ChannelResult, measure_channels, read_again
from swa.night.eye_movements import eye_movement_rows
from swa.night.frame import NREM, Frame, check_seconds, make_frame
from swa.night.rows import architecture_rows, channel_rows, epoch_rows, spectra_rows, spectrogram_of, travelling_rows
from swa.night.scoring_fit import fit_of_scoring
from swa.night.staging_bias import describe_staging, staging_bias
from swa.recordings.recording import Recording, as_recording, no_eeg
from swa.settings import Settings, WaveCriteria, criteria_of, given_or_default
from swa.sleep.architecture import ASLEEP, FROM_LIGHTS, FROM_YASA, IN_BED, UNSCORED, begins_in, unknown_beyond
from swa.sleep.hypnogram import check_hypnogram, epoch_length_s, make_hypnogram, stages_of
from swa.sleep.scoring import fit_to_recording
from swa.tables.marker import ALL, select
from swa.tables.night_document import InBed, StagingFacts, Summary
from swa.tables.notes import LIGHTS_UNKNOWN
from swa.tables.reason import Reason, encode, in_words
from swa.tables.results_tables import STAGING_BIAS, WAVES

LONGEST_WAKE_MIN = 90.0  # before or behind sleep, where lights are not known
APART_H = 3.0  # without N2 and N3 between two sleeps
SLEEP_MIN = 15.0  # of N2 and N3 in each of them

if TYPE_CHECKING:
    import mne
    import yasa


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
        Markers and sleep architecture with the stages of a smaller and a larger EEG (`STAGING_BIAS`);
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
    summary: Summary = field(repr=False)
    notes: tuple[str, ...]
    staging_bias: pd.DataFrame = field(default_factory=STAGING_BIAS.empty, repr=False)
    rejection: pd.DataFrame = field(default_factory=lambda: rejection.rejection_table([]), repr=False)
    settings: Settings = field(default_factory=Settings, repr=False)

    def __repr__(self) -> str:
        whose = " ".join(part for part in ("Night", self.subject, self.session, self.condition) if part)
        channels = [name for name in self.measures["channel"].unique() if name != ALL]
        statistics = self.hypnogram.sleep_statistics()
        nrem_min = float(statistics["N2"] + statistics["N3"])
        return (
            f"<{whose}: {nrem_min:.0f} min of NREM in {len(self.cycles)} cycles; {', '.join(channels)}; "
            f"{len(self.measures)} measures, {len(self.waves.table)} half-waves, {len(self.notes)} notes>"
        )

    def _repr_html_(self) -> str:
        """For notebooks: a few markers of the whole night in every channel, and the notes."""
        shown = ["swa", "wave_density", "wave_amplitude_p90", "sigma_power"]
        rows = select(self.measures, stages="NREM", window="night", measure=shown, variant="")
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
        Times of lights off and on in s from the first sample. What lies before or after is neither sleep nor measured.
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
    check_hypnogram(hypnogram)
    hypnogram, scoring_notes = fit_to_recording(hypnogram, recording)
    lights, bed_notes = _between_lights(hypnogram, lights_off_s, lights_on_s)
    frame = make_frame(_unscored_outside(hypnogram, lights), settings, dose_s)
    _refuse_no_sleep(recording, hypnogram, frame, lights)
    _refuse_two_sleeps(recording, frame, known=lights_off_s is not None and lights_on_s is not None)
    problems: dict[str, RecordingError] = {}
    measured = _measure(recording, frame, settings, problems)
    results = [read_again(result, recording, frame, settings) for result in measured]
    between, unknown = _without_long_wake(frame, lights, lights_off_s, lights_on_s)
    unknown |= unknown_beyond(len(frame.stages) * frame.epoch_s, lights_off_s, lights_on_s)
    told = (f"{', '.join(unknown)}: {in_words(dict.fromkeys(unknown.values()))}",) if unknown else ()
    in_bed = hypnogram[between]
    at_gain = {gain: _only_in(stages, lights) for gain, stages in (stages_at_gain or {}).items()}
    bias = staging_bias(results, frame, at_gain, settings, between)
    architecture = architecture_rows(in_bed, frame, between.start * frame.epoch_s, unknown)
    eyes = eye_movement_rows(recording, in_bed, frame, between, settings)
    left_out = (f"left out: {error}" for error in problems.values())
    notes = (*recording.notes, *scoring_notes, *bed_notes, *told, *left_out)
    return Night(
        subject=subject,
        session=session,
        condition=condition,
        measures=pd.concat(
            [table for table in (_measure_rows(results, frame, settings), architecture, eyes) if len(table)],
            ignore_index=True,
        ),
        waves=_slow_waves(results, frame, settings.waves),
        epochs=pd.concat([epoch_rows(result, frame, settings) for result in results], ignore_index=True),
        spectra=pd.concat([spectra_rows(result, frame, settings) for result in results], ignore_index=True),
        spectrogram=spectrogram_of(results),
        hypnogram=hypnogram,
        cycles=frame.cycles,
        summary=_summarize(
            recording,
            hypnogram,
            _statistics(in_bed, unknown),
            frame,
            results,
            settings,
            unread={name: error.problem for name, error in problems.items()},
            staging=describe_staging(hypnogram.proba, frame, bias, settings.scoring.uncertain_confidence),
        )
        | {"in_bed": _describe_bed(in_bed, lights_off_s, lights_on_s)},
        notes=notes,
        staging_bias=bias,
        rejection=rejection.rejection_table([(result.name, *row) for result in results for row in result.rejection]),
        settings=settings,
    )


def detect_slow_waves(
    recording: "Recording | mne.io.BaseRaw",
    hypnogram: "yasa.Hypnogram",
    criteria: WaveCriteria | str | None = None,
    settings: Settings | None = None,
) -> SlowWaves:
    """Slow waves of all EEG channels of a recording.

    Parameters
    ----------
    recording : Recording or mne.io.BaseRaw
        The recording.
    hypnogram : yasa.Hypnogram
        Stages, laid on the recording's time line.
    criteria : WaveCriteria or str, optional
        The detector, or its name (``massimini2004``); by default that of the settings (``riedner2007``).
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
    >>> massimini = swa.detect_slow_waves(recording, hypnogram, criteria="massimini2004")
    >>> bool(massimini.select()["peak_to_peak_uv"].min() >= 140)
    True
    """
    settings = given_or_default(settings, Settings)
    if criteria is not None:
        settings = Settings(**(dict(settings) | {"waves": criteria_of(criteria)}))
    recording = as_recording(recording, settings)
    check_hypnogram(hypnogram)
    hypnogram, _ = fit_to_recording(hypnogram, recording)
    frame = make_frame(hypnogram, settings, None)
    return _slow_waves(_measure(recording, frame, settings, {}), frame, settings.waves)


def _measure(
    recording: Recording, frame: Frame, settings: Settings, problems: dict[str, RecordingError]
) -> list[ChannelResult]:
    results = list(measure_channels(recording, frame, settings, problems))
    if results:
        return results
    if not problems:
        raise no_eeg(recording)
    first = next(iter(problems.values()))
    more = f" ({len(problems) - 1} more channels alike)" if len(problems) > 1 else ""
    raise RecordingError(first.problem + more, first.remedy)


def _measure_rows(results: list[ChannelResult], frame: Frame, settings: Settings) -> pd.DataFrame:
    tables = channel_rows(results, frame, settings)
    if settings.travelling.measured:
        tables.append(travelling_rows(results, frame, settings))
    return pd.concat(tables, ignore_index=True)


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
    hypnogram: "yasa.Hypnogram", off_s: float | None, on_s: float | None
) -> tuple[slice, tuple[str, ...]]:
    """Epochs from lights off to lights on; all, with a note, where none lies between them."""
    n_epochs, epoch_s = len(stages_of(hypnogram)), epoch_length_s(hypnogram)
    first = 0 if off_s is None else max(round(off_s / epoch_s), 0)
    end = n_epochs if on_s is None else min(round(on_s / epoch_s), n_epochs)
    if first >= end:
        return slice(0, n_epochs), ("lights off and on do not fit the recording: all of it is measured",)
    outside = _asleep_outside_min(hypnogram, slice(first, end))
    return slice(first, end), tuple(f"{m:g} min of sleep {side} are not counted" for side, m in outside.items() if m)


def _describe_bed(in_bed: "yasa.Hypnogram", off_s: float | None, on_s: float | None) -> InBed:
    """How long somebody was in bed, as far as it is scored, and whether that is known or taken from the recording."""
    stages, epoch_min = stages_of(in_bed), epoch_length_s(in_bed) / 60
    asleep = np.flatnonzero(np.isin(stages, ASLEEP))
    return {
        "scored_min": float(np.count_nonzero(stages != UNSCORED)) * epoch_min,
        "scored_from_onset_min": float(np.count_nonzero(stages[asleep[0] :] != UNSCORED)) * epoch_min,
        "unscored_asleep_min": float(np.count_nonzero(stages[asleep[0] : asleep[-1]] == UNSCORED)) * epoch_min,
        "knows_off": off_s is not None,
        "knows_on": on_s is not None,
    }


def _asleep_outside_min(hypnogram: "yasa.Hypnogram", between: slice) -> dict[str, float]:
    """Minutes of scored sleep before lights off and after lights on, which nothing counts."""
    asleep, epoch_min = np.isin(stages_of(hypnogram), ASLEEP), epoch_length_s(hypnogram) / 60
    sides = {"before lights off": asleep[: between.start], "after lights on": asleep[between.stop :]}
    return {side: float(epochs.sum()) * epoch_min for side, epochs in sides.items()}


def _only_in(stages: NDArray[np.str_], between: slice) -> NDArray[np.str_]:
    """Stages between lights off and lights on; unscored outside, so that onset, cycles and windows lie between them."""
    kept = np.full(len(stages), "UNS")
    kept[between] = stages[between]
    return kept


def _unscored_outside(hypnogram: "yasa.Hypnogram", between: slice) -> "yasa.Hypnogram":
    return make_hypnogram(_only_in(stages_of(hypnogram), between), epoch_length_s(hypnogram))


def _where(hypnogram: "yasa.Hypnogram", between: slice) -> str:
    """Say so where there is NREM sleep, but not between lights off and lights on."""
    is_outside = np.isin(stages_of(hypnogram), NREM).any()
    return f" from lights off to lights on (epochs {between.start + 1} to {between.stop})" if is_outside else ""


def _refuse_no_sleep(recording: Recording, hypnogram: "yasa.Hypnogram", frame: Frame, lights: slice) -> None:
    if not frame.nrem.any():
        raise RecordingError(
            f"{recording.name}: no NREM sleep (N2 or N3) in {recording.duration_s / 60:.1f} min "
            f"by {hypnogram.scorer or 'the scoring'}{_where(hypnogram, lights)}.",
            "Slow-wave activity is measured in NREM sleep: check that this is a night, or give a scoring.",
        )


def _refuse_two_sleeps(recording: Recording, frame: Frame, *, known: bool) -> None:
    """Ask which sleep is meant, where N2 and N3 lie in two stretches hours apart and lights off and on are not known.

    Two nights in one file would be one night of many cycles, a nap before the night its first cycle.
    """
    asleep = np.flatnonzero(frame.nrem)
    apart = np.flatnonzero(np.diff(asleep) * frame.epoch_s > APART_H * 3600) + 1
    stretches = [part for part in np.split(asleep, apart) if len(part) * frame.epoch_s >= SLEEP_MIN * 60]
    if known or len(stretches) < 2:
        return

    def clock(epoch: int) -> str:
        if recording.start is None:
            return f"{epoch * frame.epoch_s / 3600:.1f} h"
        return f"{recording.start + datetime.timedelta(seconds=epoch * frame.epoch_s):%H:%M}"

    found = " and ".join(f"{clock(part[0])} to {clock(part[-1] + 1)}" for part in stretches)
    raise RecordingError(
        f"{recording.name}: it holds {len(stretches)} sleeps, with N2 and N3 from {found}.",
        "Say which is meant: write `lights_off` and `lights_on` in the study file (for analyze_night, lights_off_s and "
        "lights_on_s). To compare the two, cut the file in two.",
    )


def _without_long_wake(
    frame: Frame, between: slice, off_s: float | None, on_s: float | None
) -> tuple[slice, dict[str, Reason]]:
    """From or to sleep, where lights are not known and hours awake lie before or behind it; and what is then unknown.

    A recording of 20 h does not tell when somebody went to bed.
    """
    asleep = np.flatnonzero(np.isin(frame.stages[between], ASLEEP)) + between.start
    if not asleep.size:
        return between, {}
    first, end = int(asleep[0]), int(asleep[-1]) + 1
    before_min, after_min = ((n * frame.epoch_s) / 60 for n in (first - between.start, between.stop - end))
    unknown: dict[str, Reason] = {}
    if on_s is None and after_min > LONGEST_WAKE_MIN:
        between = slice(between.start, end)
        unknown |= dict.fromkeys(IN_BED, LIGHTS_UNKNOWN(minutes=after_min, side="after", light="on"))
    if off_s is None and before_min > LONGEST_WAKE_MIN:
        between = slice(first, between.stop)
        unknown |= dict.fromkeys(
            (*IN_BED, *FROM_LIGHTS), LIGHTS_UNKNOWN(minutes=before_min, side="before", light="off")
        )
    return between, unknown


def _statistics(in_bed: "yasa.Hypnogram", unknown: Mapping[str, Reason]) -> dict[str, float | None]:
    """Sleep statistics; None for those that are not known."""
    missing = {FROM_YASA[measure][0] for measure in unknown}
    return {
        name: None if np.isnan(value) or name in missing else float(value)
        for name, value in in_bed.sleep_statistics().items()
    }


def _summarize(
    recording: Recording,
    hypnogram: "yasa.Hypnogram",
    statistics: dict[str, float | None],
    frame: Frame,
    results: list[ChannelResult],
    settings: Settings,
    *,
    unread: dict[str, str],
    staging: StagingFacts,
) -> Summary:
    nrem_s = float(frame.nrem.sum()) * frame.epoch_s
    clock = "" if recording.start is None else recording.start.isoformat(timespec="seconds")
    proba, counted = hypnogram.proba, np.flatnonzero(frame.stages != "UNS")
    found: Summary = {
        "staging_source": hypnogram.scorer or "",
        "recording_start": clock,
        "recording_min": recording.duration_s / 60,
        "sleep_onset_min": None if np.isnan(frame.sleep_onset_s) else frame.sleep_onset_s / 60,
        "dose_s": frame.dose_s,
        "nrem_cycles": len(frame.cycles),
        "staging_confidence": None if proba is None else float(proba.max(axis=1)[frame.stages != "UNS"].mean()),
        "statistics": statistics,
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
        "asymmetry": {
            result.name: None if np.isnan(result.asymmetry) else round(result.asymmetry, 4) for result in results
        },
        "asymmetry_parts": {
            result.name: [None if np.isnan(part) else round(part, 4) for part in result.asymmetry_parts]
            for result in results
        },
        "form": {
            result.name: {
                **power.spectrum_form(_mean_density(result, frame), result.frequencies_hz, settings.power),
                "levels": result.levels,
            }
            for result in results
        },
        "spectrum_levels": quality.spectrum_levels(
            {result.name: _mean_density(result, frame) for result in results},
            results[0].frequencies_hz,
            settings.artifacts,
        ),
        "header": {name: facts.copy() for name, facts in recording.header_facts.items()},
        "unread": unread,
        "staging": staging,
        "asleep_outside_min": _asleep_outside_min(hypnogram, slice(counted[0], counted[-1] + 1)),
        "begins_in": begins_in(hypnogram),
    }
    if proba is None:
        found["stage_fit"] = fit_of_scoring(results, frame, settings)
    if recording.doubts:
        found["header_doubts"] = encode(recording.doubts)
    return found


def _mean_density(result: ChannelResult, frame: Frame) -> NDArray[np.float64]:
    """Mean spectrum of N2+N3; NaN without a usable window."""
    taken = frame.nrem & np.isfinite(result.density).all(axis=1)
    nothing = np.full(result.density.shape[1], np.nan)
    return result.density[taken].mean(axis=0, dtype=float) if taken.any() else nothing
