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
from swa.report.facts import done_nights
from swa.report.figures.style import BASELINE_COLOR
from swa.report.leading_rows import find_headline, headline_rows, shown_channel
from swa.report.optional_tables import PlainTable, gain_table, precision_table
from swa.report.reading import paired_values, read_contrasts, read_facts
from swa.report.shelf import Picture, Shelf
from swa.report.wave_counts import WaveTables, tabulate_waves
from swa.report.words.names import counted, unit_of
from swa.report.words.numbers import join, limit, number, plural
from swa.report.words.sentences import headline_name, subject_result
from swa.study.store import Results, StoredNight, stored_nights, subject_file
from swa.tables.marker import select


def describe_subject(results: Results, subject: str, shelf: Shelf) -> dict[str, Any]:
    """Collect what the page of a subject shows, and draw its figures."""
    facts = read_facts(results, subject)
    own = select(facts.nights, subject=subject)
    nights = stored_nights(results.path, own)
    measures = pd.read_parquet(subject_file(results.path, str(own["subject_label"].iloc[0])))
    headline = find_headline(facts.primary, measures)
    rows = read_contrasts(results.path, subject)
    draft = Draft(results=results, facts=facts, headline=headline, rows=rows, shelf=shelf, count="nights")
    shown = headline_rows(measures, headline)
    values = paired_values(shown, own, draft.contrasts, draft.settings)
    explained = draft.changes["measure"] if len(draft.changes) else shown["measure"].astype(str)
    sessions = [(night.session, night.name) for night in nights]
    return shared_parts(draft, own, values, explained=explained) | {
        "title": f"Subject {subject}",
        "subject": subject,
        "results_sentences": _results(draft, shown, nights),
        "nights": nights,
        "night_pictures": _draw_nights(draft, nights, measures),
        "wave_pictures": _draw_waves_and_spectra(draft, nights, measures),
        "precision": _precision_tables(draft, subject),
        "value_table": None if draft.contrasts else value_table(shown, sessions, draft.settings),
        "sleep": sleep_table(nights),
        "quality": quality_table(nights, _verdicts(done_nights(own))),
        "channels": channel_table(nights),
        "gain": _gain_tables(draft, subject),
        "problems": select(results.problems, subject=subject).astype(object).fillna("").to_dict("records"),
        "others": own[own["status"] != "done"].to_dict("records"),
    }


def _results(draft: Draft, measures: pd.DataFrame, nights: Sequence[StoredNight]) -> list[str]:
    """One sentence for each treatment; where there is none, the headline of each night."""
    headline, settings = draft.headline, draft.settings
    rows = headline.marker.select(draft.changes)
    if len(rows):
        return [subject_result(row, draft.contrasts[row["contrast"]], headline, settings) for _, row in rows.iterrows()]
    sentences = ["There is no pair of nights to compare in this subject."]
    values = headline.marker.select(measures)
    what, unit = headline_name(headline, settings), unit_of(headline.marker.measure)
    for night in nights:
        for row in select(values, session=night.session).head(1).to_dict("records"):
            said = f"{number(row['value'])} {unit} (n = {plural(int(row['n']), counted(row['measure']))})"
            said = said if np.isfinite(row["value"]) else f"not measured: {row['note']}"
            sentences.append(f"Night {night.name}: {what} was {said}.")
    return sentences


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
                caption=f"{night.name}: hypnogram, multitaper spectrogram and slow-wave activity on one time axis. "
                "Bars over the hypnogram: NREM periods grey, REM periods red. Scales are those of all nights of "
                f"this subject. In the spectrogram, grey has no usable window. {said}",
                size="wide",
            )
        )
    return pictures


def _process_s(
    measures: pd.DataFrame, session: str, channel: str | None
) -> tuple[tuple[float, float, float] | None, str]:
    """The fitted decay of a night, if there is one, and a sentence about it."""
    rows = select(measures, session=session, channel=channel or "")
    found, notes = [], []
    for name in ("process_s_initial", "process_s_asymptote", "process_s_tau"):
        own = select(rows, measure=name)
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


def _draw_waves_and_spectra(draft: Draft, nights: Sequence[StoredNight], measures: pd.DataFrame) -> list[Picture]:
    """Waves and spectra of each condition, the baseline first; nights of a condition weigh the same."""
    baseline = draft.facts.baseline
    conditions = sorted({night.condition for night in nights}, key=lambda name: (name != baseline, name))
    shared = [name for name in (nights[0].channels if nights else []) if all(name in n.channels for n in nights)]
    channel = shown_channel(draft.headline, shared)
    if channel is None:
        return []
    waves, spectra = {}, {}
    for condition in conditions:
        folders = [night.folder for night in nights if night.condition == condition]
        waves[condition] = _mean_wave([folder.read("average") for folder in folders])
        spectra[condition] = _mean_spectrum([folder.read("spectra") for folder in folders])
    tables = tabulate_waves(nights, conditions, channel, draft.settings.waves.negative_uv[0], measures)
    return [
        _draw_average(draft, waves, channel),
        _draw_spectra(draft, spectra, channel, measures),
        *(_draw_controls(draft, spectra, channel) if len(conditions) > 1 else []),
        _draw_sizes(draft, tables, channel),
        _draw_slopes(draft, tables, channel),
    ]


def _draw_average(draft: Draft, waves: Mapping[str, pd.DataFrame], channel: str) -> Picture:
    criteria = draft.settings.waves
    own = {name: select(table, channel=channel) for name, table in waves.items()}
    depth = "; ".join(
        f"{name} {number(float(table['mean_uv'].min()))} to {number(float(table['mean_uv'].max()))} µV, "
        f"n = {int(table['n_waves'].max())} waves"
        for name, table in own.items()
        if len(table)
    )
    return draft.shelf.put(
        "slow_wave_average",
        lambda: figures.slow_wave_average(own, channel, colors=draft.colors),
        pd.concat([table.assign(condition=name) for name, table in own.items()], ignore_index=True),
        alt=f"Average slow wave at {channel}: {depth or 'no slow wave in any night'}.",
        caption=f"Mean of the slow waves of N2 and N3 ({criteria.name}), aligned at the negative peak; bands: ± 1 SD "
        "between waves. These are the waves of the slow-wave density: negative peak "
        f"{limit(criteria.negative_uv, 'µV')} and peak-to-peak {limit(criteria.peak_to_peak_uv, 'µV')}. A change of "
        "amplitude shows smaller than it is among waves beyond a limit.",
    )


def _draw_spectra(draft: Draft, spectra: Mapping[str, pd.DataFrame], channel: str, measures: pd.DataFrame) -> Picture:
    """Mean spectrum of each condition with its aperiodic fit."""
    conditions = list(spectra)
    aperiodic = _aperiodic(measures, conditions, channel)
    low, high = draft.settings.power.aperiodic_hz
    exponents = "; ".join(f"{name} {number(exponent)}" for name, (exponent, _) in aperiodic.items())
    fitted = f" Dashed: aperiodic fit at {low:g}\u2013{high:g} Hz, exponent {exponents}." if exponents else ""
    shown = _stacked(spectra, channel=channel, stages="NREM", window="night")
    if len(shown) and aperiodic:
        line = shown["condition"].map({name: 10**offset for name, (_, offset) in aperiodic.items()})
        slope = shown["condition"].map({name: exponent for name, (exponent, _) in aperiodic.items()})
        inside = shown["frequency_hz"].between(low, high)
        shown["aperiodic_uv2_hz"] = np.where(inside, line * shown["frequency_hz"].where(inside) ** -slope, np.nan)
    below = f"; below: change from {conditions[0]} in dB." if len(conditions) > 1 else "."
    return draft.shelf.put(
        "average_spectra",
        lambda: figures.average_spectra(
            spectra,
            channel,
            colors=draft.colors,
            bands_hz={"swa": draft.settings.power.swa_hz},
            aperiodic=aperiodic,
            aperiodic_hz=(low, high),
        ),
        shown,
        alt=f"Mean spectra of N2+N3 at {channel} for {join(conditions)}, 0.5 to 30 Hz; band powers are in the table."
        f"{fitted}",
        caption=f"Mean spectrum of N2+N3, whole night; shaded: the band of slow-wave activity{below}{fitted}",
    )


def _stacked(tables: Mapping[str, pd.DataFrame], **wanted: str) -> pd.DataFrame:
    """Rows of the conditions below each other."""
    parts = [select(table, **wanted).assign(condition=name) for name, table in tables.items() if len(table)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["condition"])


def _aperiodic(measures: pd.DataFrame, conditions: Sequence[str], channel: str) -> dict[str, tuple[float, float]]:
    """Exponent and offset of each condition in N2+N3 of the whole night, means over its nights."""
    rows = select(measures, channel=channel, stages="NREM", window="night", variant="")
    means = rows.groupby(["measure", "condition"], observed=True)["value"].mean()
    found = {
        name: (
            float(means.get(("aperiodic_exponent", name), np.nan)),
            float(means.get(("aperiodic_offset", name), np.nan)),
        )
        for name in conditions
    }
    return {name: pair for name, pair in found.items() if np.isfinite(pair).all()}


def _draw_sizes(draft: Draft, waves: WaveTables, channel: str) -> Picture:
    """How many waves of each size."""
    smallest = draft.settings.waves.negative_uv[0]
    at_limit = "; ".join(
        f"{name} {number(_rate_at(rows, smallest))} per min"
        for name, rows in waves.counts.groupby("condition", sort=False)
    )
    large = f", {number(waves.large_uv)} µV (90th percentile of the baseline)" if np.isfinite(waves.large_uv) else ""
    return draft.shelf.put(
        "wave_amplitudes",
        lambda: figures.wave_amplitudes(
            waves.counts,
            limits_uv={"slow wave": smallest, "large wave": waves.large_uv},
            colors=draft.colors,
            title=f"Half-waves by size, {channel}",
        ),
        waves.counts,
        alt=f"Half-waves per minute of N2+N3 at {channel} of at least {smallest:g} µV: {at_limit or 'none'}.",
        caption="All negative half-waves of N2+N3, whole night: how many a minute are at least as large, without a "
        f"limit on the peak-to-peak amplitude. Dashed: {smallest:g} µV{large}.",
    )


def _draw_slopes(draft: Draft, waves: WaveTables, channel: str) -> Picture:
    """How steep waves are at each size, with the amplitude at which nights are compared."""
    smallest = draft.settings.waves.negative_uv[0]
    read = "; ".join(
        f"{row['condition']} {number(row['slope_at_reference_uv_s'])} µV/s (n = {row['n_waves']} waves)"
        for row in waves.lines.to_dict("records")
    )
    known = np.isfinite(waves.reference_uv)
    at = f"at {number(waves.reference_uv)} µV" if known else "at no amplitude"
    reading = (
        f", and the robust line of each condition. Diamonds, {at}: slope at equal amplitude; a difference there is one "
        "of steepness at equal size, which a change of gain can still move."
        if known
        else "; without a baseline night there is no amplitude at which slopes would be compared."
    )
    lines = waves.lines.assign(kind="line", reference_uv=waves.reference_uv)
    return draft.shelf.put(
        "slope_by_amplitude",
        lambda: figures.slope_by_amplitude(
            waves.bins,
            waves.lines,
            reference_uv=waves.reference_uv,
            colors=draft.colors,
            title=f"Slope at each amplitude, {channel}",
        ),
        pd.concat([waves.bins.assign(kind="bin"), lines], ignore_index=True),
        alt=f"Upward slope against negative amplitude at {channel}, read {at}: {read or 'no fit'}.",
        caption=f"Upward slope of the half-waves of at least {smallest:g} µV in N2+N3, whole night: "
        f"medians and quartiles of ten classes of amplitude{reading}",
    )


def _rate_at(counts: pd.DataFrame, amplitude_uv: float) -> float:
    return float(np.interp(amplitude_uv, counts["amplitude_uv"], counts["waves_per_min"]))


def _mean_wave(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Mean over nights of equal weight; the spread is that between waves."""
    filled = [table for table in tables if len(table)]
    if len(filled) <= 1:
        return (filled or tables)[0]
    joined = pd.concat(filled).assign(variance=lambda table: table["sd_uv"] ** 2)
    mean = joined.groupby(["channel", "time_s"], sort=False, as_index=False).agg(
        mean_uv=("mean_uv", "mean"), variance=("variance", "mean"), n_waves=("n_waves", "sum")
    )
    return mean.assign(sd_uv=np.sqrt(mean.pop("variance")))


def _mean_spectrum(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Geometric mean over nights, as everywhere in the comparison."""
    filled = [table for table in tables if len(table)]
    if len(filled) <= 1:
        return (filled or tables)[0]
    joined = pd.concat(filled)
    joined["density_uv2_hz"] = np.log(joined["density_uv2_hz"].astype(float))
    keys = ["channel", "stages", "window", "frequency_hz"]
    mean = joined.groupby(keys, sort=False, as_index=False).agg(
        density_uv2_hz=("density_uv2_hz", "mean"), n_epochs=("n_epochs", "sum")
    )
    mean["density_uv2_hz"] = np.exp(mean["density_uv2_hz"])
    return mean


def _draw_controls(draft: Draft, spectra: Mapping[str, pd.DataFrame], channel: str) -> list[Picture]:
    """Spectra of the conditions in the stages of the gain check."""
    parts = [
        _stacked({name: table}, channel=channel, stages=stages, window=window)
        for name, table in spectra.items()
        for stages, window in GAIN_CONTROLS.values()
        if len(table)
    ]
    if not parts:
        return []
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
