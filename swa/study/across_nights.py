"""Measures that need all nights of a subject: limits of its baseline, steepness at equal amplitude, Process S."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from swa.glossary import read_glossary
from swa.measures import matched_slopes, process_s
from swa.measures.matched_slopes import SlopeLine
from swa.settings import ComparisonSettings
from swa.study.subject_night import SubjectNight
from swa.tables.interval import Interval
from swa.tables.marker import SHARED_COURSE
from swa.tables.notes import course_words
from swa.tables.results_tables import MEASURES

AMPLITUDE_PERCENTILE = 0.9
STAGES = ("N2", "N3")
SLOPES = ("slope_up", "slope_down")
Waves = pd.DataFrame | Mapping[str, NDArray[np.generic]]
ROWS = MEASURES.without("subject")
WHOLE_NIGHT = ("NREM", "night")
Row = tuple[object, ...]
StretchWaves = dict[tuple[str, str], tuple[Waves, str]]  # waves of each stretch, and why there are none to take
NO_CYCLE = "the night has no NREM cycle"
NO_BASELINE = "the subject's baseline nights have no such wave in this channel, or there is no baseline night"


@dataclass(frozen=True, kw_only=True)
class BaselineAmplitudes:
    """What a subject's baseline nights fix for all nights of a channel; NaN where they have no such wave.

    Attributes
    ----------
    reference_uv : float
        Amplitude at which slopes are compared.
    large_uv : float
        Limit of large half-waves: their 90th percentile, each night weighted equally.
    n_reference, n_large : int
        Waves that they rest on.
    mixes : mapping of (str, str) to mapping of str to float
        Share of N2 and N3 in the waves that slopes are taken of, by stages and window.
    """

    reference_uv: float
    large_uv: float
    n_reference: int
    n_large: int
    mixes: Mapping[tuple[str, str], Mapping[str, float]]

    def weights(self, stages: str, window: str) -> Mapping[str, float]:
        """Weights of the stages' lines; those of the whole night where no baseline night has waves in the stretch."""
        return {stages: 1.0} if stages in STAGES else self.mixes.get((stages, window)) or self.mixes[WHOLE_NIGHT]


def find_amplitudes(nights: Sequence[SubjectNight], channel: str) -> BaselineAmplitudes:
    """Reference amplitude, limit of large waves and mix of stages of one channel, from the baseline nights.

    They are the nights that a comparison uses: one before the infusion moves nothing. Where it uses none of them, all
    count.
    """
    baseline = [night for night in nights if night.is_baseline]
    baseline = [night for night in baseline if night.is_compared] or baseline
    sloping = [_amplitudes(night.sloping_waves(channel)) for night in baseline]
    every = [_amplitudes(night.waves_of(channel)) for night in baseline]
    return BaselineAmplitudes(
        reference_uv=matched_slopes.reference_amplitude(sloping),
        large_uv=matched_slopes.pooled_quantile(every, AMPLITUDE_PERCENTILE),
        n_reference=sum(map(len, sloping)),
        n_large=sum(map(len, every)),
        mixes=_stage_mixes([_waves_of_stretches(night, channel) for night in baseline]),
    )


def _stage_mixes(nights: Sequence[StretchWaves]) -> dict[tuple[str, str], dict[str, float]]:
    counts: dict[tuple[str, str], list[dict[str, int]]] = {WHOLE_NIGHT: []}
    for night in nights:
        for stretch, (waves, _) in night.items():
            counts.setdefault(stretch, []).append(_by_stage(waves))
    return {stretch: matched_slopes.stage_weights(of_nights) for stretch, of_nights in counts.items()}


def _amplitudes(waves: Waves) -> NDArray[np.float64]:
    return np.asarray(waves["negative_amplitude_uv"], dtype=float)


def _by_stage(waves: Waves) -> dict[str, int]:
    return {stage: int((waves["stage"] == stage).sum()) for stage in STAGES}


def fit_line(waves: Waves, slope: str, reference_uv: float, weights: Mapping[str, float]) -> SlopeLine:
    """Line of the waves of a stretch, that of each stage for itself, at the mix of the baseline.

    Parameters
    ----------
    waves : DataFrame, or dict of str to ndarray
        Large waves of N2 and N3, with their `stage`.
    slope : str
        Column of the slope.
    reference_uv : float
        `BaselineAmplitudes.reference_uv`.
    weights : mapping of str to float
        Share of each stage at baseline.
    """
    lines = {}
    amplitudes, slopes = _amplitudes(waves), np.asarray(waves[slope], dtype=float)
    for stage in weights:
        own = np.asarray(waves["stage"] == stage)
        lines[stage] = matched_slopes.fit_slope_line(amplitudes[own], slopes[own], reference_uv)
    return matched_slopes.standardise_lines(lines, weights)


def measure_across_nights(
    nights: Sequence[SubjectNight], amplitudes: Mapping[str, BaselineAmplitudes]
) -> list[pd.DataFrame]:
    """Rows (`ROW_COLUMNS`) of the measures that need all nights, of the channels that have their amplitudes.

    What nights share (a histogram of amplitudes, a time constant) is that of the nights that are compared: another one,
    an adaptation night, is set beside them for its own rows and changes none of theirs.
    """
    compared = [night for night in nights if night.is_compared]
    others = [night for night in nights if not night.is_compared]
    tables = []
    for measure in (_amplitude_rows, _baseline_fixed_rows, _matched_slope_rows, _process_s_rows):
        rows: list[Row] = []
        for channel, fixed in amplitudes.items():
            beside = [night for night in compared if channel in night.channels]
            rows += measure(beside, channel, fixed) if beside else []
            for other in others:
                if channel in other.channels:
                    rows += [row for row in measure([*beside, other], channel, fixed) if row[0] == other.session]
        tables += [ROWS.frame(rows)] if rows else []
    return tables


def _amplitude_rows(nights: Sequence[SubjectNight], channel: str, fixed: BaselineAmplitudes) -> list[Row]:
    """What the baseline nights fix, in every night: its measures rest on it."""
    return [
        (night.session, night.condition, channel, "NREM", "night", measure, "", value, "µV", n, note)
        for night in nights
        for measure, value, n in (
            ("wave_reference_amplitude", fixed.reference_uv, fixed.n_reference),
            ("wave_fixed_limit", fixed.large_uv, fixed.n_large),
        )
        for note in ("" if np.isfinite(value) else NO_BASELINE,)
    ]


def _baseline_fixed_rows(nights: Sequence[SubjectNight], channel: str, fixed: BaselineAmplitudes) -> list[Row]:
    """Density of half-waves above the limit that is fixed on the baseline nights."""
    return [
        (night.session, night.condition, *row)
        for night in nights
        for row in _density_rows(night, channel, fixed.large_uv)
    ]


def _density_rows(night: SubjectNight, channel: str, limit: float) -> list[Row]:
    stretches, usable_s, epoch_s = night.stretches(channel)
    waves = night.waves_of(channel)
    epoch = (waves["negative_peak_s"].to_numpy() / epoch_s).astype(int)
    large = waves["negative_amplitude_uv"].to_numpy() > limit
    rows: list[Row] = []
    for stretch in stretches:
        minutes, minimum_min = usable_s[stretch.epochs].sum() / 60, night.settings.windows.minimum_min
        reason = stretch.reason or ("" if np.isfinite(limit) else NO_BASELINE)
        if not reason and minutes < minimum_min:
            reason = f"{minutes:.1f} min of usable time, {minimum_min:g} are needed"
        n = int((large & stretch.epochs[epoch]).sum())
        value, note = (np.nan, reason) if reason else (n / minutes, f"above {limit:.1f} µV")
        key = (channel, stretch.stages, stretch.window)
        rows.append((*key, "wave_density_baseline_fixed", "", value, "1/min", n, note))
    return rows


def _matched_slope_rows(nights: Sequence[SubjectNight], channel: str, fixed: BaselineAmplitudes) -> list[Row]:
    """Slope at the subject's reference amplitude: steepness alone, not size (`swa.measures.matched_slopes`).

    The default is estimator (a), the robust lines of N2 and N3 read off at the reference and averaged with the weights
    that the stages have in this stretch of the baseline nights (of all of the night, where no baseline night has the
    stretch); variant ``resampled`` is estimator (b), waves resampled until the nights' amplitude histograms match.
    """
    rows: list[Row] = []
    inside = [_waves_of_stretches(night, channel) for night in nights]
    for key in dict.fromkeys(key for stretches in inside for key in stretches):
        taking_part = [
            (night, stretches[key]) for night, stretches in zip(nights, inside, strict=True) if key in stretches
        ]
        for name in SLOPES:
            rows += _matched_rows(taking_part, (channel, *key), name, fixed)
    return rows


def _waves_of_stretches(night: SubjectNight, channel: str) -> StretchWaves:
    """Those waves of each stretch of one night and channel, as arrays."""
    waves = night.sloping_waves(channel)
    stretches, _, epoch_s = night.stretches(channel)
    epoch = (waves["negative_peak_s"].to_numpy() / epoch_s).astype(int)
    columns: dict[str, NDArray[np.generic]] = {"stage": waves["stage"].to_numpy(dtype="U3")}
    columns |= {name: waves[name].to_numpy(dtype=float) for name in ("negative_amplitude_uv", *map(_column, SLOPES))}
    found: StretchWaves = {}
    for stretch in stretches:
        inside = stretch.epochs[epoch]
        found[stretch.stages, stretch.window] = {name: own[inside] for name, own in columns.items()}, stretch.reason
    return found


def _column(slope: str) -> str:
    return f"{slope}_uv_s"


def _matched_rows(
    nights: Sequence[tuple[SubjectNight, tuple[Waves, str]]],
    key: tuple[str, str, str],
    name: str,
    fixed: BaselineAmplitudes,
) -> list[Row]:
    """Both estimators for all nights of one channel and stretch."""
    reference = fixed.reference_uv
    amplitudes = [_amplitudes(waves) for _, (waves, _) in nights]
    slopes = [np.asarray(waves[_column(name)], dtype=float) for _, (waves, _) in nights]
    resampled = matched_slopes.resample_to_shared_histogram(amplitudes, slopes, reference)
    weights = fixed.weights(*key[1:])
    mix = ", " + " and ".join(f"{100 * w:.0f} % {stage}" for stage, w in weights.items()) if len(weights) > 1 else ""
    rows: list[Row] = []
    for position, (night, (waves, reason)) in enumerate(nights):
        line = fit_line(waves, _column(name), reference, weights)
        smallest_uv = night.settings.waves.negative_uv[0]
        by_stage = {stage: n for stage, n in _by_stage(waves).items() if stage in weights}
        counts = " and ".join(f"{n} in {stage}" for stage, n in by_stage.items())
        counts = counts if len(weights) > 1 else str(sum(by_stage.values()))
        needed = f"{matched_slopes.FEWEST_WAVES} are needed" + (" in each" if len(weights) > 1 else "")
        few = f"{counts} waves of {smallest_uv:g} µV or more, {needed}"
        alone = "too few waves in common with another night around the reference amplitude"
        start = reason or ("" if np.isfinite(reference) else NO_BASELINE)
        other = resampled[position]
        shared = f"around {reference:.1f} µV, overlap {100 * other.overlap:.0f} %"
        for variant, value, n, why, note in (
            ("", line.at_reference, line.n, few, f"at {reference:.1f} µV{mix}"),
            ("resampled", other.slope, other.n, alone, shared),
        ):
            value = np.nan if start else value
            note = note if np.isfinite(value) else start or why
            rows.append((night.session, night.condition, *key, f"wave_{name}_matched", variant, value, "µV/s", n, note))
    return rows


def _process_s_rows(nights: Sequence[SubjectNight], channel: str, _: BaselineAmplitudes) -> list[Row]:
    """Process S of a channel: asymptote and time constant shared by the nights, the initial level of each night.

    Where the nights are of several conditions, the initial level does not take for granted that these share time
    constant and asymptote; that of the shared fit is the variant `SHARED_COURSE`.
    """
    means = pd.concat([night.cycle_means(channel) for night in nights], ignore_index=True)
    settings = nights[0].settings
    time_h, level = (means[name].to_numpy(dtype=float) for name in ("time_h", "swa_uv2"))
    session, options, confidence = means["session"].to_numpy(str), settings.homeostasis, settings.comparison.confidence
    fit = process_s.fit_process_s(time_h, level, session, settings=options, confidence=confidence)
    condition = {night.session: night.condition for night in nights}
    several = len(set(condition.values())) > 1
    own = process_s.NOT_BY_CONDITION
    if several and not fit.reason:
        own = process_s.fit_by_condition(time_h, level, session, condition, settings=options, confidence=confidence)
    models = course_words(own.aicc) if own.aicc else ""
    rows: list[Row] = []
    for night in nights:
        name, nothing = night.session, process_s.NOTHING
        initial = (fit.initial_uv2.get(name, nothing), fit.reason or fit.reasons.get(name, NO_CYCLE), "")
        told = [
            ("process_s_initial", SHARED_COURSE if several else fit.variant, "µV²", *initial),
            ("process_s_asymptote", fit.variant, "µV²", fit.asymptote_uv2, fit.reason, ""),
            ("process_s_tau", fit.variant, "h", fit.tau_h, fit.reason, ""),
        ]
        if several:
            why = fit.reason or own.reasons.get(name, NO_CYCLE)
            why_tau = fit.reason or own.tau_reasons.get(night.condition, NO_CYCLE)
            told += [
                ("process_s_initial", "", "µV²", own.initial_uv2.get(name, nothing), why, models),
                ("process_s_tau_condition", "", "h", own.tau_h.get(night.condition, nothing), why_tau, models),
            ]
        key, n = (name, night.condition, channel, "NREM", "night"), int((means["session"] == name).sum())
        for measure, variant, unit, estimate, reason, note in told:
            rows += _fit_rows((*key, measure, variant), estimate, (unit, n, reason, note), settings.comparison)
    return rows


def _fit_rows(
    key: Row, estimate: process_s.Estimate, said: tuple[str, int, str, str], settings: ComparisonSettings
) -> list[Row]:
    """A value of a fit with its interval in the note, and the error that a contrast takes over."""
    unit, n, reason, models = said
    level = (1 + settings.confidence) / 2
    note = f"{100 * settings.confidence:g} % interval {Interval(estimate.low, estimate.high):.4g}"
    note = f"{note}; {models}" if models else note
    rows: list[Row] = [(*key, np.nan if reason else estimate.value, unit, n, reason or note)]
    *place, measure, variant = key
    if error := read_glossary()[str(measure)].error:
        half = np.log(estimate.high / estimate.low) / 2
        rows.append((*place, error, variant, np.nan if reason else half / NormalDist().inv_cdf(level), "1", n, reason))
    return rows
