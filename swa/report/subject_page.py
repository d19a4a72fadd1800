"""What stands on the page of a subject."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from swa.comparison.compared_nights import text_column
from swa.comparison.controls.facts import GAIN_CONTROLS, control_bands
from swa.report import figures
from swa.report.change_tables import channel_table, quality_table, sleep_table, value_table
from swa.report.draft import Draft, shared_parts
from swa.report.facts import done_nights, nights_of_subject
from swa.report.figures.style import BASELINE_COLOR
from swa.report.leading_rows import find_headline, headline_rows, shown_channel
from swa.report.optional_tables import PlainTable, gain_table, precision_table
from swa.report.reading import paired_values, read_contrasts, read_facts
from swa.report.shelf import Picture, Shelf
from swa.report.sleep_pages import SHOWN, draw_changes, draw_hypnograms, sleep_rows, sleep_tables, sleep_values
from swa.report.words.names import counted, simulated_in_words, unit_of
from swa.report.words.numbers import join, limit, number, plural, span
from swa.report.words.sentences import Answer, headline_name, subject_answer
from swa.study.condition_curves import ConditionCurves, read_curves
from swa.study.problems import LEAD_STEP
from swa.study.store import Results, StoredNight, subject_file
from swa.tables.marker import SHARED_COURSE, Marker, select


def describe_subject(results: Results, subject: str, shelf: Shelf) -> dict[str, Any]:
    """Collect what the page of a subject shows, and draw its figures."""
    facts = read_facts(results, subject)
    own = select(facts.nights, subject=subject)
    nights = nights_of_subject(results.path, facts.nights, subject)
    label = str(own["subject_label"].iloc[0])
    measures = pd.read_parquet(subject_file(results.path, label))
    headline = find_headline(facts.primary, measures)
    rows = read_contrasts(results.path, subject)
    draft = Draft(results=results, facts=facts, headline=headline, rows=rows, shelf=shelf, count="nights")
    shown = headline_rows(measures, headline)
    values = paired_values(shown, own, draft.contrasts, draft.settings)
    explained = draft.changes["measure"] if len(draft.changes) else shown["measure"].astype(str)
    sessions = [(night.session, night.name) for night in nights]
    answers = _answers(draft)
    return shared_parts(draft, own, values, explained=[*explained, *SHOWN]) | {
        "title": f"Subject {subject}{simulated_in_words(facts.simulated)}",
        "subject": subject,
        "simulated_in_words": simulated_in_words(facts.simulated),
        "answers": answers,
        "nothing": "" if answers else _values_in_words(draft, subject, shown, nights),
        "nights": nights,
        "night_pictures": shelf.attempt(
            "the figures of the nights",
            lambda: [*draw_hypnograms(draft, nights), *_draw_nights(draft, nights, measures)],
            None,
        )
        or [],
        "sleep_forests": shelf.attempt("the figures of sleep", lambda: draw_changes(draft), []),
        "sleep_tables": shelf.attempt(
            "the tables of sleep", lambda: sleep_tables(draft, sleep_values(draft, measures, own)), []
        ),
        "wave_pictures": shelf.attempt(
            "waves and spectra",
            lambda: _draw_waves_and_spectra(draft, nights, read_curves(results.path, label), measures),
            None,
        )
        or [],
        "precision": shelf.attempt("the precision of the markers", lambda: _precision_tables(draft, subject), None)
        or [],
        "value_table": None if draft.contrasts else value_table(shown, sessions, draft.settings),
        "sleep": [*sleep_table(nights), *sleep_rows(nights, measures)],
        "quality": quality_table(nights, _verdicts(done_nights(own))),
        "channels": channel_table(nights),
        "gain": shelf.attempt("the gain check", lambda: _gain_tables(draft, subject), None) or [],
        "problems": select(results.problems, subject=subject).astype(object).fillna("").to_dict("records"),
        "others": own[own["status"] != "done"].to_dict("records"),
    }


def _answers(draft: Draft) -> list[Answer]:
    """One answer for each treatment."""
    rows = draft.headline.marker.select(draft.changes)
    return [
        subject_answer(row, draft.contrasts[row["contrast"]], draft.headline, draft.settings)
        for _, row in rows.iterrows()
    ]


def _values_in_words(draft: Draft, subject: str, measures: pd.DataFrame, nights: Sequence[StoredNight]) -> str:
    """The headline of each night, where there is nothing to compare."""
    headline, settings = draft.headline, draft.settings
    absent = select(draft.results.problems, subject=subject, step=LEAD_STEP)
    sentences = [f"This subject is {row['problem']} {row['remedy']}" for row in absent.to_dict("records")]
    sentences = sentences or ["There is no pair of nights to compare in this subject."]
    values = headline.marker.select(measures)
    what, unit = headline_name(headline, settings), unit_of(headline.marker.measure)
    for night in nights:
        for row in select(values, session=night.session).head(1).to_dict("records"):
            said = f"{number(row['value'])} {unit} (n = {plural(int(row['n']), counted(row['measure']))})"
            said = said if np.isfinite(row["value"]) else f"not measured: {row['note']}"
            sentences.append(f"Night {night.name}: {what} was {said}.")
    return " ".join(sentences)


def _draw_nights(draft: Draft, nights: Sequence[StoredNight], measures: pd.DataFrame) -> list[Picture]:
    """Every night on the same scales, so that they can be compared by eye."""
    limits = [figures.power_limits(night.spectrogram) for night in nights]
    shared_db = (min(low for low, _ in limits), max(high for _, high in limits)) if limits else None
    channels = [shown_channel(draft.headline, night.channels) for night in nights]
    curves = [night.epochs[night.epochs["channel"] == channel] for night, channel in zip(nights, channels, strict=True)]
    top = max((figures.activity_limit(curve) for curve in curves), default=None)
    pictures = []
    for night, channel, curve in zip(nights, channels, curves, strict=True):
        onset_min = night.summary.get("sleep_onset_min")
        decay, said = _process_s(measures, night.session, channel)
        draw = partial(
            figures.night_overview,
            night.epochs,
            night.folder.read("hypnogram"),
            night.spectrogram,
            night.folder.read("cycles"),
            channel=channel,
            start=str(night.summary.get("recording_start") or ""),
            sleep_onset_s=None if onset_min is None else float(onset_min) * 60,
            color=draft.colors.get(night.condition, BASELINE_COLOR),
            swa_limit_uv2=top,
            power_limits_db=shared_db,
            process_s=decay,
            title=night.name,
        )
        pictures.append(
            draft.shelf.put(
                f"ses-{night.folder.session}_night",
                draw,
                curve.drop(columns=[name for name in curve.columns if name.endswith("_power")]),
                alt=f"{_night_alt(night, curve)} {said}",
                caption=f"{night.name}: hypnogram, {_spectrum_of(night, channel)} and slow-wave activity on one time "
                "axis. Bars over the hypnogram: NREM periods grey, REM periods red. Scales are those of all nights of "
                f"this subject. In the spectrogram, grey has no usable window. {said}",
                size="wide",
            )
        )
    return pictures


def _spectrum_of(night: StoredNight, channel: str | None) -> str:
    """The spectrogram of the figure; of which channel where that is not the one of the activity."""
    kept = "".join(night.spectrogram["channel"].iloc[:1])
    return "multitaper spectrogram" + (
        f" (of {kept}, the one channel that is kept)" if kept not in ("", channel) else ""
    )


def _process_s(
    measures: pd.DataFrame, session: str, channel: str | None
) -> tuple[tuple[float, float, float] | None, str]:
    """The fitted decay of a night, if there is one, and a sentence about it."""
    rows = select(measures, session=session, channel=channel or "")
    found, notes = [], []
    for name in ("process_s_initial", "process_s_asymptote", "process_s_tau"):
        own = select(rows, measure=name)
        shared = select(own, variant=SHARED_COURSE)  # of the curve that the other two are of
        own = shared if len(shared) else own
        value = own["value"].dropna()
        found.append(float(value.iloc[0]) if len(value) else np.nan)
        notes += [str(note) for note in own["note"] if note]
    if np.isfinite(found).all():
        initial, asymptote, tau_h = found
        level = f"from {number(initial)} to {number(asymptote)} µV² with a time constant of {number(tau_h)} h"
        return (initial, asymptote, tau_h), f"Dashed: Process S, {level}."
    return None, f"Process S was not measured: {notes[0]}." if notes else "Process S was not measured."


def _night_alt(night: StoredNight, curve: pd.DataFrame) -> str:
    statistics = night.summary.get("statistics", {})
    sleep = ", ".join(
        f"{name} {number(value)} min"
        for name in ("TST", "N1", "N2", "N3", "REM", "WASO")
        if (value := statistics.get(name)) is not None
    )
    nrem = curve[curve["stage"].isin(["N2", "N3"]) & curve["swa"].notna()]
    by_cycle = nrem[nrem["cycle"] > 0].groupby("cycle")["swa"].mean()
    activity = ", ".join(f"cycle {cycle} {number(value)}" for cycle, value in by_cycle.items())
    return (
        f"Night {night.name}: {sleep or 'no sleep statistics'}. Mean slow-wave activity of N2+N3 in µV² by NREM cycle: "
        f"{activity or 'none'}."
    )


def _draw_waves_and_spectra(
    draft: Draft, nights: Sequence[StoredNight], curves: ConditionCurves, measures: pd.DataFrame
) -> list[Picture]:
    """Waves and spectra of each condition, the baseline first."""
    channel = shown_channel(draft.headline, curves.channels)
    if channel is None:
        return []
    here = curves.at(channel)
    spectra = {name: select(here.spectra, condition=name) for name in curves.conditions}
    unused = _unused(nights, spectra)
    return [
        _draw_average(draft, here, channel, unused),
        _draw_spectra(draft, spectra, channel, unused),
        *(_draw_controls(draft, spectra, channel) if len(spectra) > 1 else []),
        _draw_sizes(draft, here, channel, measures),
        _draw_slopes(draft, here, channel, measures),
    ]


def _unused(nights: Sequence[StoredNight], spectra: Mapping[str, pd.DataFrame]) -> str:
    """A sentence about nights that are not drawn, where there are any."""
    there = {name: sum(night.condition == name for night in nights) for name in spectra}
    drawn = {name: int(table["n_nights"].max()) for name, table in spectra.items()}
    if drawn == there:
        return ""
    counts = join([f"{name} {drawn[name]} of {there[name]}" for name in spectra])
    return (
        f" Nights drawn: {counts}; those for adaptation, before the infusion, without a good channel or of a copied "
        "recording are not compared."
    )


def _draw_average(draft: Draft, curves: ConditionCurves, channel: str, unused: str) -> Picture:
    criteria = draft.settings.waves
    own = {name: select(curves.waves, condition=name) for name in curves.conditions}
    depth = "; ".join(
        f"{name} {number(float(table['mean_uv'].min()))} to {number(float(table['mean_uv'].max()))} µV, "
        f"n = {int(table['n_waves'].max())} waves"
        for name, table in own.items()
        if len(table)
    )
    return draft.shelf.put(
        "slow_wave_average",
        lambda: figures.slow_wave_average(own, channel, colors=draft.colors),
        curves.waves,
        alt=f"Average slow wave at {channel}: {depth or 'no slow wave in any night'}.",
        caption=f"Mean of the slow waves of N2 and N3 ({criteria.name}), aligned at the negative peak; bands: ± 1 SD "
        "between waves. These are the waves of the slow-wave density: negative peak "
        f"{limit(criteria.negative_uv, 'µV')} and peak-to-peak {limit(criteria.peak_to_peak_uv, 'µV')}. A change of "
        f"amplitude shows smaller than it is among waves beyond a limit.{unused}",
    )


def _draw_spectra(draft: Draft, spectra: Mapping[str, pd.DataFrame], channel: str, unused: str) -> Picture:
    """Mean spectrum of each condition with its aperiodic fit."""
    conditions = list(spectra)
    shown = _stacked(spectra, stages="NREM", window="night")
    fits = shown[["condition", "aperiodic_exponent", "aperiodic_offset"]].dropna().drop_duplicates("condition")
    aperiodic = {name: (exponent, offset) for name, exponent, offset in fits.itertuples(index=False)}
    fitted_hz = draft.settings.power.aperiodic_hz
    exponents = "; ".join(f"{name} {number(exponent)}" for name, (exponent, _) in aperiodic.items())
    fitted = f" Dashed: aperiodic fit at {span(fitted_hz)} Hz, exponent {exponents}." if exponents else ""
    below = f"; below: change from {conditions[0]} in dB." if len(conditions) > 1 else "."
    return draft.shelf.put(
        "average_spectra",
        lambda: figures.average_spectra(
            spectra,
            channel,
            colors=draft.colors,
            bands_hz={"swa": draft.settings.power.swa_hz},
            aperiodic=aperiodic,
            aperiodic_hz=fitted_hz,
        ),
        shown,
        alt=f"Mean spectra of N2+N3 at {channel} for {join(conditions)}, 0.5 to 30 Hz; band powers are in the table."
        f"{fitted}",
        caption=f"Mean spectrum of N2+N3, whole night; shaded: the band of slow-wave activity{below}{fitted}{unused}",
    )


def _stacked(spectra: Mapping[str, pd.DataFrame], **wanted: str) -> pd.DataFrame:
    """Rows of the conditions below each other."""
    return pd.concat([select(table, **wanted) for table in spectra.values()], ignore_index=True)


def _set_by_baseline(measures: pd.DataFrame, measure: str, channel: str) -> float:
    """An amplitude that is the same in all nights; NaN where there is none."""
    return float(Marker(measure, "NREM", "night", channel).select(measures)["value"].max())


def _draw_sizes(draft: Draft, curves: ConditionCurves, channel: str, measures: pd.DataFrame) -> Picture:
    """How many waves of each size."""
    smallest = draft.settings.waves.negative_uv[0]
    large_uv = _set_by_baseline(measures, "wave_fixed_limit", channel)
    at_limit = "; ".join(
        f"{row['condition']} {number(row['waves_per_min'])} per min"
        for row in curves.amplitudes[curves.amplitudes["amplitude_uv"] == smallest].to_dict("records")
    )
    large = f", {number(large_uv)} µV (90th percentile of the baseline)" if np.isfinite(large_uv) else ""
    return draft.shelf.put(
        "wave_amplitudes",
        lambda: figures.wave_amplitudes(
            curves.amplitudes,
            limits_uv={"slow wave": smallest, "large wave": large_uv},
            colors=draft.colors,
            title=f"Half-waves by size, {channel}",
        ),
        curves.amplitudes,
        alt=f"Half-waves per minute of N2+N3 at {channel} of at least {smallest:g} µV: {at_limit or 'none'}.",
        caption="All negative half-waves of N2+N3, whole night: how many a minute are at least as large, without a "
        f"limit on the peak-to-peak amplitude. Dashed: {smallest:g} µV{large}.",
    )


def _draw_slopes(draft: Draft, curves: ConditionCurves, channel: str, measures: pd.DataFrame) -> Picture:
    """How steep waves are at each size, with the amplitude at which nights are compared."""
    smallest = draft.settings.waves.negative_uv[0]
    reference_uv = _set_by_baseline(measures, "wave_reference_amplitude", channel)
    bins, lines = (select(curves.slopes, kind=kind) for kind in ("bin", "line"))
    read = "; ".join(
        f"{row['condition']} {number(row['slope_at_reference_uv_s'])} µV/s (n = {row['n_waves']} waves)"
        for row in lines.to_dict("records")
    )
    known = np.isfinite(reference_uv)
    at = f"at {number(reference_uv)} µV" if known else "at no amplitude"
    reading = (
        f", and the robust line of each condition. Diamonds, {at}: slope at equal amplitude; a difference there is one "
        "of steepness at equal size, which a change of gain can still move."
        if known
        else "; without a baseline night there is no amplitude at which slopes would be compared."
    )
    return draft.shelf.put(
        "slope_by_amplitude",
        lambda: figures.slope_by_amplitude(
            bins,
            lines,
            reference_uv=reference_uv,
            colors=draft.colors,
            title=f"Slope at each amplitude, {channel}",
        ),
        curves.slopes,
        alt=f"Upward slope against negative amplitude at {channel}, read {at}: {read or 'no fit'}.",
        caption=f"Upward slope of the half-waves of at least {smallest:g} µV in N2+N3, whole night: "
        f"medians and quartiles of ten classes of amplitude{reading}",
    )


def _draw_controls(draft: Draft, spectra: Mapping[str, pd.DataFrame], channel: str) -> list[Picture]:
    """Spectra of the conditions in the stages of the gain check."""
    parts = [
        _stacked({name: table}, stages=stages, window=window)
        for name, table in spectra.items()
        for stages, window in GAIN_CONTROLS.values()
    ]
    bands = control_bands(draft.settings.comparability)
    return [
        draft.shelf.put(
            "control_spectra",
            lambda: figures.control_spectra(spectra, channel, bands_hz=bands, colors=draft.colors),
            pd.concat(parts, ignore_index=True),
            alt=f"Spectra at {channel} in REM, quiet wake and N2+N3 for {join(list(spectra))}; the gain check has the "
            "numbers.",
            caption="Spectra of each condition in the stages of the gain check; shaded: its control bands. A change of "
            "gain moves all three by the same distance.",
            size="medium",
        )
    ]


def _precision_tables(draft: Draft, subject: str) -> list[PlainTable]:
    """How precisely the subject's nights tell each contrast, where that was computed."""
    own = draft.read("precision.tsv", subject=subject)
    found = [
        precision_table(own, draft.changes_of(name), draft.name_of(name), draft.settings) for name in draft.contrasts
    ]
    return [one for one in found if one]


def _gain_tables(draft: Draft, subject: str) -> list[PlainTable]:
    """The gain check of the subject's nights, where one was made."""
    own = draft.read("comparability.tsv", subject=subject)
    found = [gain_table(own, draft.known[name]) for name in (dict.fromkeys(own["contrast"]) if len(own) else ())]
    return [one for one in found if one]


def _verdicts(nights: pd.DataFrame) -> list[str]:
    """Verdict on each night and its reasons."""
    told = zip(text_column(nights, "verdict"), text_column(nights, "verdict_reasons"), strict=True)
    return [f"{verdict} ({reasons})" if reasons else verdict for verdict, reasons in told]
