"""What the nights of each condition of a subject look like together: mean wave, mean spectra, waves by size and slope.

Nights of a condition weigh the same, but for the classes of amplitude, whose waves are taken together. They are the
nights that a comparison uses; of a condition of which it uses none, all.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.measures.matched_slopes import SlopeLine
from swa.settings import Settings
from swa.study.across_nights import WHOLE_NIGHT, BaselineAmplitudes, fit_line
from swa.study.store import NIGHT_TABLES, subject_file
from swa.study.subject_night import SubjectNight
from swa.tables.marker import select
from swa.tables.night_document import QUIET_WAKE
from swa.tables.results_tables import MEAN_SPECTRA, MEAN_WAVES, WAVE_AMPLITUDES, WAVE_SLOPES
from swa.tables.schema import Table

Floats = NDArray[np.float64]
SPECTRA = (("NREM", "night"), ("REM", "night"), QUIET_WAKE)  # stages and window of the mean spectra
STEP_UV = 5.0
BINS = 10
FEWEST_IN_BIN = 8


@dataclass(frozen=True, kw_only=True)
class ConditionCurves:
    """The tables of one subject; `at` restricts them to a channel.

    Attributes
    ----------
    waves, spectra : DataFrame
        Mean slow wave; mean spectra of N2+N3, REM and quiet wake, and the aperiodic fit of N2+N3.
    amplitudes : DataFrame
        Half-waves a minute of N2+N3 that are at least as large as an amplitude.
    slopes : DataFrame
        Slope in ten classes of amplitude of equal counts (`kind` bin), and the line (`kind` line).
    """

    waves: pd.DataFrame
    spectra: pd.DataFrame
    amplitudes: pd.DataFrame
    slopes: pd.DataFrame

    @property
    def conditions(self) -> list[str]:
        """The baseline first."""
        return [str(name) for name in self.spectra["condition"].unique()]

    @property
    def channels(self) -> list[str]:
        """Channels that every condition has."""
        known = self.spectra[["condition", "channel"]].drop_duplicates().groupby("channel", sort=False).size()
        return [str(name) for name in known.index[known == len(self.conditions)]]

    def at(self, channel: str) -> "ConditionCurves":
        """Return the tables of one channel."""
        return ConditionCurves(**{name: select(table, channel=channel) for name, table in vars(self).items()})


_FILES = {"waves": "meanwaves", "spectra": "meanspectra", "amplitudes": "waveamplitudes", "slopes": "waveslopes"}


def curve_files(results: Path, label: str) -> dict[str, Path]:
    """Where the tables of a subject stand, by the attribute of `ConditionCurves`."""
    return {name: subject_file(results, label, ending) for name, ending in _FILES.items()}


def read_curves(results: Path, label: str) -> ConditionCurves:
    """Read the tables of a subject.

    Parameters
    ----------
    results : Path
        The results folder.
    label : str
        As in file names.
    """
    return ConditionCurves(**{name: pd.read_parquet(path) for name, path in curve_files(results, label).items()})


def describe_conditions(
    nights: Sequence[SubjectNight], baseline: str, amplitudes: Mapping[str, BaselineAmplitudes], measures: pd.DataFrame
) -> ConditionCurves:
    """Bring the nights of each condition together.

    Parameters
    ----------
    nights : sequence of SubjectNight
        Nights of one subject.
    baseline : str
        Condition that comes first.
    amplitudes : mapping of str to BaselineAmplitudes
        Of each channel that is kept, what the baseline nights fix.
    measures : DataFrame
        The subject's rows of the long table, for the aperiodic fits.
    """
    waves, spectra, counts, slopes = [], [], [], []
    for condition in sorted({night.condition for night in nights}, key=lambda name: (name != baseline, name)):
        every = [night for night in nights if night.condition == condition]
        own = [night for night in every if night.is_compared] or every
        of_condition = select(measures, condition=condition, session=[night.session for night in own])
        mean = mean_spectrum([_shown_spectra(night, amplitudes) for night in own])
        spectra.append(_with_fit(mean, of_condition, own[0].settings).assign(condition=condition, n_nights=len(own)))
        mean = mean_wave([select(night.folder.read("average"), channel=amplitudes) for night in own])
        waves.append(mean.assign(condition=condition))
        for channel, fixed in amplitudes.items():
            place = {"condition": condition, "channel": channel}
            counts.append(_count(own, channel).assign(**place))
            slopes += [table.assign(**place) for table in _slopes(own, channel, fixed)]
    return ConditionCurves(
        waves=_stacked(waves, MEAN_WAVES),
        spectra=_stacked(spectra, MEAN_SPECTRA),
        amplitudes=_stacked(counts, WAVE_AMPLITUDES),
        slopes=_stacked(slopes, WAVE_SLOPES),
    )


def mean_wave(nights: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Mean slow wave over nights of equal weight; the spread is that between waves.

    Parameters
    ----------
    nights : sequence of DataFrame
        channel, time_s, mean_uv, sd_uv, n_waves of each night, as `swa.Night` has it in ``waves.average``.
    """
    filled = [table for table in nights if len(table)]
    if len(filled) <= 1:
        return (filled or list(nights))[0]
    joined = pd.concat(filled).assign(variance=lambda table: table["sd_uv"] ** 2)
    mean = joined.groupby(["channel", "time_s"], sort=False, as_index=False).agg(
        mean_uv=("mean_uv", "mean"), variance=("variance", "mean"), n_waves=("n_waves", "sum")
    )
    return mean.assign(sd_uv=np.sqrt(mean.pop("variance")))


def mean_spectrum(nights: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Geometric mean over nights, as everywhere in the comparison.

    Parameters
    ----------
    nights : sequence of DataFrame
        channel, stages, window, frequency_hz, density_uv2_hz, n_epochs of each night, as `swa.Night` has it in
        ``spectra``.
    """
    filled = [table for table in nights if len(table)]
    if len(filled) <= 1:
        return (filled or list(nights))[0]
    joined = pd.concat(filled)
    joined["density_uv2_hz"] = np.log(joined["density_uv2_hz"].astype(float))
    keys = ["channel", "stages", "window", "frequency_hz"]
    mean = joined.groupby(keys, sort=False, as_index=False).agg(
        density_uv2_hz=("density_uv2_hz", "mean"), n_epochs=("n_epochs", "sum")
    )
    mean["density_uv2_hz"] = np.exp(mean["density_uv2_hz"])
    return mean


def count_by_amplitude(nights: Sequence[tuple[Floats, float]], limit_uv: float) -> pd.DataFrame:
    """Mean over nights of the waves a minute that are at least as large as each amplitude.

    Parameters
    ----------
    nights : sequence of (ndarray, float)
        Negative amplitudes of a night's half-waves, and its analysed minutes.
    limit_uv : float
        An amplitude to count at beside every fifth µV: the limit of slow waves.
    """
    columns = ["amplitude_uv", "waves_per_min", "n_waves", "minutes"]
    known = [(amplitude, minutes) for amplitude, minutes in nights if minutes > 0]
    if not any(len(amplitude) for amplitude, _ in known):
        return pd.DataFrame(columns=columns)
    top = max(float(amplitude.max()) for amplitude, _ in known if len(amplitude))
    edges = np.union1d(np.arange(0.0, top + STEP_UV, STEP_UV), limit_uv)
    above = [len(amplitude) - np.searchsorted(np.sort(amplitude), edges) for amplitude, _ in known]
    rate = np.mean([count / minutes for count, (_, minutes) in zip(above, known, strict=True)], axis=0)
    table = pd.DataFrame({"amplitude_uv": edges, "waves_per_min": rate, "n_waves": np.sum(above, axis=0)})
    return table.assign(minutes=sum(minutes for _, minutes in known))


def class_slopes(amplitude_uv: Floats, slope_uv_s: Floats) -> pd.DataFrame:
    """Quartiles of the slope in ten classes of amplitude of equal counts; empty below 80 waves.

    Parameters
    ----------
    amplitude_uv, slope_uv_s : ndarray, shape (n_waves,)
        Of waves above the amplitude limit.
    """
    order = np.argsort(amplitude_uv, kind="stable")
    parts = np.array_split(order, BINS) if len(order) >= BINS * FEWEST_IN_BIN else []
    rows = [
        (float(np.median(amplitude_uv[part])), *np.quantile(slope_uv_s[part], [0.25, 0.5, 0.75]), len(part))
        for part in parts
    ]
    return pd.DataFrame(
        rows, columns=["amplitude_uv", "slope_q1_uv_s", "slope_median_uv_s", "slope_q3_uv_s", "n_waves"]
    )


def mean_line(lines: Sequence[SlopeLine]) -> SlopeLine:
    """Line of a condition: the geometric mean of the slopes of its nights, as in the contrasts; NaN without any."""
    known = [line for line in lines if np.isfinite(line.at_reference)]
    if len(known) <= 1:
        return (known or [SlopeLine(at_reference=float("nan"), exponent=float("nan"), n=0)])[0]
    level = float(np.exp(np.mean([np.log(line.at_reference) for line in known])))
    exponent = float(np.mean([line.exponent for line in known]))
    return SlopeLine(at_reference=level, exponent=exponent, n=sum(line.n for line in known))


def _shown_spectra(night: SubjectNight, channels: Collection[str]) -> pd.DataFrame:
    path = night.folder.file(NIGHT_TABLES["spectra"])
    shown = [[("stages", "==", stages), ("window", "==", window)] for stages, window in SPECTRA]
    return select(pd.read_parquet(path, filters=shown), channel=channels)


def _with_fit(spectra: pd.DataFrame, measures: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Spectra with the aperiodic fit of N2+N3 of the whole night: means over its nights."""
    rows = select(measures, stages="NREM", window="night", variant="")
    fitted = {}
    of_nrem = select(spectra, stages="NREM", window="night").index
    for name in ("aperiodic_exponent", "aperiodic_offset"):
        means = select(rows, measure=name).groupby("channel", observed=True)["value"].mean()
        fitted[name] = spectra.loc[of_nrem, "channel"].astype(str).map(means).reindex(spectra.index).astype(float)
    hertz = spectra["frequency_hz"].where(spectra["frequency_hz"].between(*settings.power.aperiodic_hz))
    line = 10 ** fitted["aperiodic_offset"] * hertz ** -fitted["aperiodic_exponent"]
    return spectra.assign(aperiodic_uv2_hz=line, **fitted)


def _count(nights: Sequence[SubjectNight], channel: str) -> pd.DataFrame:
    sizes = [night.compared_waves(channel)["negative_amplitude_uv"].to_numpy(dtype=float) for night in nights]
    minutes = [night.analysed_min(channel) for night in nights]
    return count_by_amplitude(list(zip(sizes, minutes, strict=True)), nights[0].settings.waves.negative_uv[0])


def _slopes(nights: Sequence[SubjectNight], channel: str, fixed: BaselineAmplitudes) -> Iterator[pd.DataFrame]:
    """Classes of amplitude, and the line where there is one."""
    large = [night.compared_waves(channel, large=True) for night in nights]
    sizes = [waves["negative_amplitude_uv"].to_numpy(dtype=float) for waves in large]
    steepness = [waves["slope_up_uv_s"].to_numpy(dtype=float) for waves in large]
    size = np.concatenate(sizes)
    yield class_slopes(size, np.concatenate(steepness)).assign(kind="bin")
    weights = fixed.weights(*WHOLE_NIGHT)
    line = mean_line([fit_line(waves, "slope_up_uv_s", fixed.reference_uv, weights) for waves in large])
    if np.isfinite(line.at_reference):
        lowest, highest = np.quantile(size, [0.01, 0.99])
        found = {"slope_at_reference_uv_s": line.at_reference, "exponent": line.exponent}
        found |= {"reference_uv": fixed.reference_uv, "lowest_uv": lowest, "highest_uv": highest, "n_waves": line.n}
        yield pd.DataFrame([found]).assign(kind="line")


def _stacked(tables: Sequence[pd.DataFrame], kind: Table) -> pd.DataFrame:
    filled = [table for table in tables if len(table)]
    return kind.typed(pd.concat(filled, ignore_index=True).reindex(columns=kind.names)) if filled else kind.empty()
