"""What is measured in a night, as tables: one row per channel, stretch and measure; epochs; spectra."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.measures import aperiodic, homeostasis, power, slow_waves, windows
from swa.measures.coupling import summarize_coupling
from swa.measures.spindles import Spindles, summarize_spindles
from swa.measures.travelling import find_travelling, summarize_travelling
from swa.night.channel_pass import ChannelResult
from swa.night.frame import NREM, Frame
from swa.night.summaries import early_late_rows, no_waves, too_short
from swa.recordings.channels import region
from swa.settings import Settings
from swa.sleep.architecture import measure_architecture
from swa.tables.marker import ALL, REGIONS
from swa.tables.night_document import PROCESS_S_BAND, QUIET_WAKE, TOTAL_POWER
from swa.tables.reason import Reason
from swa.tables.results_tables import NIGHT_MEASURES, SPECTRA

if TYPE_CHECKING:
    import yasa


def channel_rows(results: list[ChannelResult], frame: Frame, settings: Settings) -> list[pd.DataFrame]:
    """Rows of the long table (`NIGHT_MEASURES`) of each channel."""
    stretches = [_stretches(result, frame, settings) for result in results]
    spectra = [_mean_spectra(result, own) for result, own in zip(results, stretches, strict=True)]
    # At once: a few lines take many steps, and a step takes about as long for one line as for a hundred.
    fits = iter(
        aperiodic.fit_spectra(
            results[0].frequencies_hz, np.concatenate(spectra), settings.power.aperiodic_hz, settings.aperiodic
        )
    )
    return [
        _rows_of(result, own, means, [next(fits) for _ in own], frame, settings)
        for result, own, means in zip(results, stretches, spectra, strict=True)
    ]


def _stretches(result: ChannelResult, frame: Frame, settings: Settings) -> list[windows.Stretch]:
    return [*frame.stretches, windows.find_matched(frame.stretches, result.usable_s, settings.windows)]


def _measured(result: ChannelResult) -> NDArray[np.bool_]:
    """Epochs that have a spectrum."""
    return np.asarray(np.isfinite(result.density).all(axis=1))


def _rows_of(
    result: ChannelResult,
    stretches: list[windows.Stretch],
    spectra: NDArray[np.float64],
    fits: list[aperiodic.AperiodicFit],
    frame: Frame,
    settings: Settings,
) -> pd.DataFrame:
    """Rows of one channel: its stretches, the mean spectrum of each and the line fitted to it."""
    rows: list[tuple[object, ...]] = []
    measured = _measured(result)
    waves = _columns(result.waves)
    chosen = slow_waves.select_waves(result.waves, settings.waves)
    swa_weights = power.band_weights(result.frequencies_hz, settings.power.swa_hz)
    for stretch, spectrum, fit in zip(stretches, spectra, fits, strict=True):
        minutes = float(result.usable_s[stretch.epochs].sum()) / 60
        taken = stretch.epochs & measured
        n = int(taken.sum())
        reason = stretch.reason or too_short(minutes, taken, settings.windows.minimum_min)
        key = (result.name, stretch.stages, stretch.window)
        rows.append((*key, "analysed_minutes", "", minutes, "min", n, stretch.reason))
        if result.spindles is not None and stretch.stages in ("NREM", *NREM):
            rows += [(*key, *row) for row in _spindle_rows(result.spindles, stretch, frame, minutes, reason)]
        found: list[tuple[str, float, str, int, str]] = []
        if result.coupling is not None and stretch.stages in ("NREM", *NREM):
            inside = stretch.epochs[(result.coupling.peaks_s / frame.epoch_s).astype(int)]
            found += [
                (name, *row) for name, row in summarize_coupling(result.coupling, inside, settings.coupling).items()
            ]
        total_s = float(stretch.epochs.sum()) * frame.epoch_s
        density = result.density[taken] if stretch.median and n else spectrum[None]
        powers = power.summarize_power(density, result.frequencies_hz, settings.power, total_s, median=stretch.median)
        found += [(name, value, unit, n, "") for name, (value, unit) in powers.items()]
        if not stretch.median:
            fitted = aperiodic.summarize_aperiodic(
                result.frequencies_hz, spectrum, swa_weights, settings.power, settings.aperiodic, result.passes_hz, fit
            )
            found += [(name, value, unit, n, note) for name, (value, unit, note) in fitted.items()]
            if settings.aperiodic.high_exponent:
                found.append(_high_exponent_row(result, taken, settings))
            inside = stretch.epochs[waves["epoch"]]
            summary = slow_waves.summarize_waves(waves, settings.waves, minutes or np.nan, inside, chosen)
            found += [(name, value, unit, n, no_waves(value)) for name, (value, unit, n) in summary.items()]
        # A stretch without data has the rows of the others, with the reason instead of a value.
        rows += [
            (*key, name, "", *((np.nan, unit, 0, reason) if reason else (value, unit, n, note)))
            for name, value, unit, n, note in found
        ]
    rows += _night_rows(result, frame, settings, chosen)
    return NIGHT_MEASURES.frame(rows)


def _columns(waves: pd.DataFrame) -> dict[str, NDArray[np.number]]:
    """Numbers of a table as arrays: a night has forty stretches, and a table's columns are slow to come by."""
    return {str(name): column.to_numpy() for name, column in waves.select_dtypes("number").items()}


def _mean_spectra(result: ChannelResult, stretches: list[windows.Stretch]) -> NDArray[np.float64]:
    """Mean spectrum of each stretch, (stretches, frequencies); NaN where a stretch has no epoch."""
    inside = (np.array([stretch.epochs for stretch in stretches]) & _measured(result)).astype(float)
    known = np.where(np.isfinite(result.density), result.density, 0).astype(float)
    n_epochs = inside.sum(axis=1, keepdims=True)
    means = np.full((len(inside), known.shape[1]), np.nan)
    np.divide(inside @ known, n_epochs, out=means, where=n_epochs > 0)
    return means


def _high_exponent_row(
    result: ChannelResult, taken: NDArray[np.bool_], settings: Settings
) -> tuple[str, float, str, int, str]:
    """Exponent of 30-45 Hz from the spectra at the native rate."""
    frequencies: NDArray[np.floating] = np.empty(0)
    density, n = np.empty(0), 0
    if result.native_density is not None and result.native_hz is not None:
        known = taken & np.isfinite(result.native_density).all(axis=1)
        frequencies, n = result.native_hz, int(known.sum())
        density = result.native_density[known].mean(axis=0, dtype=float) if n else np.full(len(frequencies), np.nan)
    value, unit, note = aperiodic.measure_high_exponent(
        frequencies, density, result.native_rate_hz, result.low_pass_hz, settings.aperiodic
    )
    return "aperiodic_exponent_high", value, unit, n, note


def travelling_rows(results: list[ChannelResult], frame: Frame, settings: Settings) -> pd.DataFrame:
    """Rows of the long table on waves that several channels share; none unless the settings ask for them."""
    rows: list[tuple[object, ...]] = []
    if settings.travelling.measured:
        peaks = [
            np.sort(result.waves.loc[slow_waves.select_waves(result.waves, settings.waves), "negative_peak_s"])
            for result in results
        ]
        starts_s, delays_s = find_travelling(peaks, settings.travelling)
        epoch = (starts_s / frame.epoch_s).astype(int)
        for stretch in frame.stretches:
            if stretch.stages not in ("NREM", *NREM):
                continue
            channels = summarize_travelling(delays_s[stretch.epochs[epoch]], settings.travelling)
            rows += [
                (result.name, stretch.stages, stretch.window, measure, "", value, unit, n, note)
                for result, summary in zip(results, channels, strict=True)
                for measure, (value, unit, n, note) in summary.items()
            ]
    return NIGHT_MEASURES.frame(rows)


def architecture_rows(
    in_bed: "yasa.Hypnogram", frame: Frame, first_s: float, unknown: Mapping[str, Reason] | None = None
) -> pd.DataFrame:
    """Rows of the long table on sleep architecture; `in_bed` are the stages between the lights, from `first_s` on."""
    found = measure_architecture(
        in_bed,
        frame.cycles,
        frame.sleep_onset_s,
        first_s=first_s,
        dose_s=frame.dose_s,
        unknown={measure: reason.words for measure, reason in (unknown or {}).items()},
    )
    rows = [(row.window, row.measure, row.variant, row.value, row.unit, row.n, row.note) for row in found]
    return NIGHT_MEASURES.frame([(ALL, "any", *row) for row in rows])


def _spindle_rows(
    found: Spindles, stretch: windows.Stretch, frame: Frame, minutes: float, reason: str
) -> list[tuple[object, ...]]:
    """Spindles of a stretch; their stage and epoch are those of their peak."""
    epoch = (found.table["peak_s"].to_numpy(dtype=float) / frame.epoch_s).astype(int)
    inside = found.table[stretch.epochs[epoch]]
    summary = summarize_spindles(inside, minutes, found.reason or reason)
    return [(name, "", value, unit, n, note) for name, (value, unit, n, note) in summary.items()]


def _night_rows(
    result: ChannelResult, frame: Frame, settings: Settings, chosen: NDArray[np.bool_]
) -> list[tuple[object, ...]]:
    """Measures of the whole night: how SWA falls."""
    swa_uv2 = result.density @ power.band_weights(result.frequencies_hz, settings.power.swa_hz)
    rows: list[tuple[object, ...]] = []
    key = (result.name, "NREM", "night")
    known = frame.nrem & np.isfinite(swa_uv2)
    n = int(known.sum())
    for name, (value, unit, note) in homeostasis.summarize_decline(swa_uv2, frame.nrem, frame.epoch_s).items():
        rows.append((*key, name, "", value, unit, n, note))
    epoch = result.waves["epoch"].to_numpy()
    early_late = early_late_rows(result.waves, epoch, frame.nrem, frame.epoch_s, settings.waves, chosen)
    rows += [(*key, name, "", value, "1", n, note) for name, value, n, note in early_late]
    # The NREM periods, as in the windows `cycle-1` and `cycle-2`; N2 that interrupts a REM period is in neither.
    of_period = {stretch.window: stretch.epochs for stretch in frame.stretches if stretch.stages == "NREM"}
    first, second = (known & of_period.get(f"cycle-{number}", False) for number in (1, 2))
    minutes = min(result.usable_s[first].sum(), result.usable_s[second].sum()) / 60
    ratio, note = np.nan, "fewer than two NREM cycles"
    if len(frame.cycles) > 1:
        note = too_short(minutes, first | second, settings.windows.minimum_min)
        ratio = np.nan if note else float(swa_uv2[first].mean() / swa_uv2[second].mean())
    rows.append((*key, "delta_sleep_ratio", "", ratio, "1", int((first | second).sum()), note))
    return rows


def epoch_rows(result: ChannelResult, frame: Frame, settings: Settings) -> pd.DataFrame:
    """Usable time and band powers of every epoch of one channel."""
    n_epochs = len(frame.stages)
    return pd.DataFrame(
        {
            "channel": result.name,
            "onset_s": np.arange(n_epochs) * frame.epoch_s,
            "stage": frame.stages,
            "cycle": frame.cycle_of_epoch,
            "usable_s": np.round(result.usable_s, 3),
        }
        | power.epoch_powers(
            result.density,
            result.frequencies_hz,
            settings.power.bands_hz
            | {PROCESS_S_BAND: settings.homeostasis.band_hz, TOTAL_POWER: settings.power.total_hz},
        )
    )


def spectra_rows(result: ChannelResult, frame: Frame, settings: Settings) -> pd.DataFrame:
    """Mean spectrum of every stretch of one channel (`SPECTRA`), and the median over wake (`QUIET_WAKE`).

    Wake moves: the median over its epochs is that of quiet wake, which the gain check between nights needs.
    """
    measured, n_hz = _measured(result), len(result.frequencies_hz)
    averaged = (stretch for stretch in _stretches(result, frame, settings) if not stretch.median)
    shown = [stretch for stretch in averaged if (stretch.epochs & measured).any()]
    if not shown:
        return SPECTRA.empty()
    n_epochs = np.array([np.count_nonzero(stretch.epochs & measured) for stretch in shown])
    means = _mean_spectra(result, shown)
    names = [(stretch.stages, stretch.window) for stretch in shown]
    wake = measured & (frame.stages == "W")
    if wake.any():
        names.append(QUIET_WAKE)
        n_epochs = np.append(n_epochs, wake.sum())
        means = np.vstack([means, np.median(result.density[wake].astype(float), axis=0)])
    return pd.DataFrame(
        {
            "channel": result.name,
            "stages": pd.Series([stages for stages, _ in names]).array.repeat(n_hz),
            "window": pd.Series([window for _, window in names]).array.repeat(n_hz),
            "frequency_hz": np.tile(result.frequencies_hz, len(names)),
            "density_uv2_hz": means.ravel(),
            "n_epochs": np.repeat(n_epochs, n_hz),
        }
    )


def spectrogram_of(results: list[ChannelResult]) -> pd.DataFrame:
    """Spectrum of every epoch of one channel: the first frontal one, with which a study leads, else a central one."""
    shown = next((result for place in REGIONS for result in results if region(result.name) == place), results[0])
    table = pd.DataFrame(shown.density, columns=[f"{hz:.1f}" for hz in shown.frequencies_hz])
    table.insert(0, "channel", shown.name)
    return table
