"""Sentences of the pages: the result in plain words, what it cannot say, and how it was computed."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from swa.report.facts import Headline
from swa.report.words.wording import (
    MINUS,
    NBSP,
    describe_change,
    in_sentence,
    join,
    limit,
    marker_name,
    p_value,
    percent,
    plural,
    span,
    stages_name,
    window_name,
)
from swa.settings import Settings

MARKER_NOT_MEASUREMENT = (
    "Slow-wave activity and slow waves are markers of sleep need and synaptic strength, not measurements of them: "
    "circadian phase, prior wake, age, medication and the gain of an electrode move them as well."
)
NO_DIRECTION = "No direction is presumed: every test and interval is two-sided."
MAGNESIUM = (
    "For magnesium the published evidence of a rise in slow-wave activity is thin; a change of either sign is possible."
)
EXPLORATORY = "The study declares no primary marker, so every result on this page is exploratory."


@dataclass(frozen=True, kw_only=True)
class Method:
    """One step of the computation, in words, with its sources."""

    title: str
    text: str
    sources: str = ""


def headline_name(headline: Headline, settings: Settings) -> str:
    """The headline in words: marker, stages, window, channel."""
    marker = in_sentence(marker_name(headline.measure, settings))
    where = where_in_words(headline)
    window = in_sentence(window_name(headline.window, settings))
    window = window if headline.window.startswith("cycle") else f"the {window}"
    return f"{marker} in {stages_name(headline.stages)} of {window} at {where}"


def where_in_words(headline: Headline) -> str:
    """The channel in words: one by name, a region with what it stands for."""
    if headline.channel not in ("frontal", "central"):
        return headline.channel
    members = headline.members
    if len(members) == 1:
        return f"the {headline.channel} channel {members[0]}"
    named = f" ({join(list(members))})" if 1 < len(members) <= 4 else ""
    return f"the {headline.channel} channels{named}"


def subject_result(row: pd.Series, headline: Headline, settings: Settings, unit: str) -> str:
    """One subject's change in a sentence, with interval and n, or why there is none."""
    treatment, _, baseline = str(row["contrast"]).partition(":")
    what = headline_name(headline, settings)
    change = describe_change(row, unit)
    if not change.measured:
        return f"{treatment} against {baseline}: the change of {what} was not measured ({change.reason})."
    confidence = f"{100 * settings.comparison.confidence:g}{NBSP}%"
    interval = f"{confidence} interval {change.interval}" if change.interval else f"no interval: {change.reason}"
    nights = ("the {} night" if change.n == 2 else "the {} nights").format
    sentence = (
        f"In {nights(treatment)}, {what} was {_than(row, change.change)} {nights(baseline)} "
        f"({interval}; n{NBSP}={NBSP}{plural(change.n, 'night')})."
    )
    if not change.interval:
        return " ".join(part for part in (sentence, _verdict(row)) if part)
    reading = (
        "That is more than two nights of one person would usually differ."
        if change.excludes_none
        else "Two nights of one person may well differ by as much: the interval reaches from a fall to a rise."
    )
    return " ".join(part for part in (sentence, reading, _basis(str(row["method"]), settings), _verdict(row)) if part)


def group_result(row: pd.Series, headline: Headline, settings: Settings, unit: str) -> str:
    """The change over subjects in a sentence, with interval, p, n and method."""
    treatment, _, baseline = str(row["contrast"]).partition(":")
    what = headline_name(headline, settings)
    change = describe_change(row, unit)
    if not change.measured:
        return f"{treatment} against {baseline}: the change of {what} was not measured ({change.reason})."
    confidence = f"{100 * settings.comparison.confidence:g}{NBSP}%"
    interval = f"{confidence} interval {change.interval}" if change.interval else f"no interval: {change.reason}"
    p = p_value(float(row["p"]))
    test = f"; p {p if p.startswith('<') else '= ' + p}" if pd.notna(row["p"]) else "; no p"
    if row["role"] == "primary" and row["p_adjusted"] != row["p"] and pd.notna(row["p"]):
        adjusted = p_value(float(row["p_adjusted"]))
        test += f", {adjusted} adjusted over the contrasts with {baseline}; the interval is not adjusted"
    method = f"; {row['method']}" if row["method"] else ""
    mean = "on average " if change.n > 1 else ""
    null = 1.0 if row["scale"] == "ratio" else 0.0
    sentence = (
        f"In {treatment} nights, {what} was {mean}{_than(row, change.change)} {baseline} nights "
        f"({interval}{test}; n{NBSP}={NBSP}{plural(change.n, 'subject')}{method})."
    )
    if not change.interval:
        return " ".join(part for part in (sentence, _verdict(row)) if part)
    reading = (
        f"The whole interval lies {'above' if float(row['estimate']) > null else 'below'} no change."
        if change.excludes_none
        else "The interval reaches from a fall to a rise: these nights show neither for certain."
    )
    if change.n < 3:
        reading = "Two subjects are too few to tell a change from chance: look at each of them."
    few = next((part for part in str(row["note"]).split("; ") if part.startswith("too few subjects")), "")
    method = (
        f"Method: {few}, so this is the paired t interval, which rests on normally distributed changes." if few else ""
    )
    return " ".join(part for part in (sentence, reading, method, _verdict(row)) if part)


def _verdict(row: pd.Series) -> str:
    """Whether the nights can be compared at all, where that was judged."""
    if not row["verdict"]:
        return ""
    reasons = f" ({row['verdict_reasons']})" if row["verdict_reasons"] else ""
    return f"Whether the recordings can be compared: {row['verdict']}{reasons}."


def _basis(method: str, settings: Settings) -> str:
    """What the interval of one subject rests on."""
    if method.startswith("stated reliability"):
        cv = f"{100 * settings.comparison.cv:g} %"
        return (
            f"The interval rests on a stated reliability (ICC {settings.comparison.icc:g}, CV {cv}), not on repeated "
            "nights of this study."
        )
    if method.startswith("baseline pairs"):
        return "The interval rests on the repeated baseline nights of this study."
    return ""


def _than(row: pd.Series, change: str) -> str:
    """``117 % higher than in``, or ``the same as in``."""
    null = 1.0 if row["scale"] == "ratio" else 0.0
    estimate = float(row["estimate"])
    if estimate == null or change == percent(1.0):
        return "the same as in"
    return f"{change.lstrip('+' + MINUS)} {'higher' if estimate > null else 'lower'} than in"


def caveats(treatments: Iterable[str]) -> list[str]:
    """What no page may leave unsaid."""
    names = [name.casefold() for name in treatments]
    magnesium = any("magnes" in name or name.startswith("mg") for name in names)
    return [MARKER_NOT_MEASUREMENT, *([NO_DIRECTION] if names else []), *([MAGNESIUM] if magnesium else [])]


def describe_methods(settings: Settings, staging_sources: Iterable[str], *, compared: bool = True) -> list[Method]:
    """How the numbers were computed, from the settings in force.

    Parameters
    ----------
    settings : Settings
        The settings in force.
    staging_sources : iterable of str
        Who or what staged the nights.
    compared : bool
        Whether nights are compared at all.
    """
    return [
        _signal(settings),
        _stages(settings, staging_sources),
        _artifacts(settings),
        _power(settings),
        _waves(settings),
        _across_nights(),
        _windows(settings),
        *([_one_subject(settings), _over_subjects(settings)] if compared else []),
    ]


def _signal(settings: Settings) -> Method:
    return Method(
        title="Signal",
        text=f"EEG in µV, resampled once to {settings.signal.rate_hz:g} Hz (anti-aliased, SoX resampler). Derivations "
        "are those of the recording, or the contralateral mastoid where it was recorded; the page of a subject "
        "lists them.",
    )


def _stages(settings: Settings, sources: Iterable[str]) -> Method:
    cycles = settings.cycles
    names = sorted({source for source in sources if source})
    onset = "the first N2" if cycles.sleep_onset == "first_n2" else "the first epoch of 90 s of uninterrupted sleep"
    skipped = (
        " A first NREM period over 120 min is split where a REM period may hide." if cycles.split_skipped_rem else ""
    )
    by_yasa = any(name.startswith("YASA") for name in names)
    return Method(
        title="Sleep stages and cycles",
        text=f"Staged by {join(names) or 'nobody: no night was analysed'}. Sleep onset is {onset}. A NREM period opens "
        f"with {cycles.nrem_starts_with}, lasts at least {cycles.nrem_minimum_min:g} min and tolerates wake and REM of "
        f"less than {cycles.rem_minimum_min:g} min.{skipped}",
        sources="Feinberg & Floyd 1979, Psychophysiology 16:283"
        + ("; Vallat & Walker 2021, eLife 10:e70092" if by_yasa else ""),
    )


def _artifacts(settings: Settings) -> Method:
    rules = settings.artifacts
    return Method(
        title="Unusable time",
        text=f"Per channel: {rules.clipped_samples} or more samples at the recording's limit; beyond "
        f"{rules.amplitude_uv:g} µV after a 0.3-Hz high-pass; flat (less than {rules.flat_uv:g} µV over 5 s); muscle "
        f"({span(rules.muscle_band_hz)} Hz, or {span(rules.muscle_band_low_passed_hz)} Hz at low rates, above "
        f"{rules.muscle_factor:g} × its moving median of {rules.muscle_median_s:g} s). Slow waves are never removed "
        "for being large beside their neighbours. A channel with more than "
        f"{100 * rules.bad_channel_share:g} % of its NREM unusable is left out of all nights of the subject; the "
        "only night of a subject keeps it, marked as doubtful, and its regions go without it.",
        sources="Brunner 1996, J Sleep Res 5:155",
    )


def _power(settings: Settings) -> Method:
    power = settings.power
    return Method(
        title="Power",
        text=f"Welch spectra of {power.window_s:g}-s Hann windows with {100 * power.overlap:g} % overlap inside clean "
        "runs of one stage; arithmetic mean over windows, then over the epochs of the scoring. Slow-wave activity is "
        f"the power at {span(power.swa_hz)} Hz in N2+N3; sigma is {span(power.sigma_hz)} Hz.",
    )


def _waves(settings: Settings) -> Method:
    waves = settings.waves
    kind = (
        f"Butterworth filter of order {waves.filter_order}, run forward and backward"
        if waves.filter == "butterworth"
        else "zero-phase FIR filter"
    )
    return Method(
        title="Slow waves",
        text=f"Detector {waves.name}: {span(waves.band_hz)} Hz band-pass ({kind}); negative half-waves of "
        f"{span(waves.halfwave_s)} s between zero crossings. A slow wave has a negative peak of "
        f"{limit(waves.negative_uv, 'µV')} and a peak-to-peak amplitude of {limit(waves.peak_to_peak_uv, 'µV')}. "
        "Amplitudes and slopes are those of the band-passed trace; slopes are the negative peak over its time from or "
        "to zero. Means over waves chosen by a threshold understate a change of amplitude; the 90th percentile, over "
        "all half-waves, does not.",
        sources="Riedner 2007, Sleep 30:1643; Esser 2007, Sleep 30:1617",
    )


def _across_nights() -> Method:
    return Method(
        title="The same yardstick for all nights of a subject",
        text="Large waves are those beyond the 90th percentile of the negative amplitude in the subject's baseline "
        "nights, each night weighted equally. The slope at equal amplitude is read off a robust log–log line of slope "
        "on amplitude, at the 75th percentile of the subject's baseline waves. The gain of an electrode can still move "
        "both.",
    )


def _windows(settings: Settings) -> Method:
    windows = settings.windows
    return Method(
        title="Windows of the night",
        text="Fixed beforehand: each NREM period, the whole night, and the first "
        f"{windows.matched_min:g} min of clean NREM, which is the same amount in every night. A window with less than "
        f"{windows.minimum_min:g} min of usable time is not measured. The first NREM period stands first because the "
        "ketamine effect was reported there.",
        sources="Duncan 2013, Int J Neuropsychopharmacol 16:301",
    )


def _one_subject(settings: Settings) -> Method:
    comparison = settings.comparison
    return Method(
        title="Change of one subject",
        text="Log-ratio of the treatment to the baseline night (means over nights of a condition). Interval: ± "
        "quantile × SD between nights × √(1/m + 1/k) for m treatment and k baseline nights. The SD between nights is "
        f"the study's own from {comparison.baseline_pairs_df} degrees of freedom on, otherwise it follows from a "
        f"stated reliability (ICC {comparison.icc:g}, CV {100 * comparison.cv:g} %); the table says which. n counts "
        "nights.",
        sources="Jacobson & Truax 1991, J Consult Clin Psychol 59:12; ICC from Tan 2000",
    )


def _over_subjects(settings: Settings) -> Method:
    comparison = settings.comparison
    return Method(
        title="Change over subjects",
        text="One value per subject. Sign-flip test of the mean log-ratio with the interval that it inverts to, exact "
        f"up to {comparison.exact_flip_subjects} subjects; with too few subjects for such an interval, the paired t "
        "interval, labelled so. g_av is the effect size of Hedges, the mean change over the average of the two SDs. "
        "The p of a declared primary is adjusted over the contrasts against the same condition where there are "
        "several, as with two drugs (Holm); the others are adjusted (Benjamini–Hochberg) within their contrast and "
        "role. Intervals are not adjusted.",
        sources="Hartigan 1969, J Am Stat Assoc 64:1303",
    )
