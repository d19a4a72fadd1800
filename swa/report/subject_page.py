"""What stands on the page of a subject."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from swa.comparison.compared_nights import text_column
from swa.comparison.controls.facts import GAIN_CONTROLS, control_bands
from swa.report import figures
from swa.report.change_tables import (
    MANY_CHANNELS,
    change_table,
    explain_markers,
    join_equal,
    quality_table,
    sleep_table,
    value_table,
)
from swa.report.facts import (
    Headline,
    StudyFacts,
    done_nights,
    find_headline,
    headline_rows,
    paired_values,
    read_contrasts,
    read_facts,
    shown_channel,
    units_of,
)
from swa.report.optional_tables import PlainTable, gain_table, precision_table, read_optional
from swa.report.shelf import Picture, Shelf
from swa.report.wave_counts import tabulate_waves
from swa.report.words.sentences import EXPLORATORY, caveats, describe_methods, headline_name, subject_result
from swa.report.words.wording import (
    describe_change,
    file_name,
    in_sentence,
    join,
    limit,
    marker_name,
    number,
    plural,
    stages_name,
    window_name,
)
from swa.settings import Settings
from swa.study.store import Results, StoredNight, stored_nights, subject_file
from swa.tables.contrast import Contrast, contrasts_in
from swa.tables.marker import select


def describe_subject(results: Results, subject: str, shelf: Shelf) -> dict[str, Any]:
    """Collect what the page of a subject shows, and draw its figures.

    Parameters
    ----------
    results : Results
        The results folder.
    subject : str
        As in the study file.
    shelf : Shelf
        Where figures go.
    """
    facts = read_facts(results, subject)
    own = facts.nights[facts.nights["subject"] == subject]
    nights = stored_nights(results.path, own)
    label = str(own["subject_label"].iloc[0])
    measures = pd.read_parquet(subject_file(results.path, label))
    headline = find_headline(facts, dict.fromkeys(measures["channel"]))
    known = read_contrasts(results.path, subject)
    changes = headline_rows(known, headline)
    units = units_of(measures)
    shown = headline_rows(measures, headline)
    contrasts = list(dict.fromkeys(changes["contrast"]))
    values = paired_values(shown, own, contrasts, facts.settings)
    by_contrast = [(name, changes[changes["contrast"] == name]) for name in contrasts]
    colors = figures.condition_colors(facts.conditions, facts.baseline)
    return {
        "title": f"Subject {subject}",
        "subject": subject,
        "facts": facts,
        "headline": headline,
        "results_sentences": _results(changes, headline, facts, units, shown, nights),
        "exploratory": EXPLORATORY if contrasts and not headline.declared else "",
        "caveats": caveats(name.partition(":")[0] for name in contrasts),
        "nights": nights,
        "night_verdicts": _verdicts(done_nights(own)),
        "night_pictures": _draw_nights(nights, headline, colors, shelf, measures),
        "wave_pictures": _draw_averages(nights, headline, facts, colors, shelf, measures),
        "forests": [_draw_forest(name, rows, facts.settings, colors, shelf) for name, rows in by_contrast],
        "change_tables": [
            change_table(rows, facts.settings, units, values[values["contrast"] == name]) for name, rows in by_contrast
        ],
        "precision": _precision_tables(results, subject, changes, facts.settings),
        "value_table": None
        if contrasts
        else value_table(shown, [(night.session, night.name) for night in nights], facts.settings, units),
        "where": f"{stages_name(headline.stages)}, {headline.channel}",
        "sleep": sleep_table(nights),
        "unusable": quality_table(nights),
        "channels": _channels(nights),
        "gain": _gain_tables(results, subject, contrasts_in(known)),
        "problems": _problems(results, subject),
        "others": [row for _, row in own[own["status"] != "done"].iterrows()],
        "methods": describe_methods(
            facts.settings,
            [str(night.summary.get("staging_source", "")) for night in nights],
            compared=facts.is_compared,
        ),
        "versions": _versions(nights),
        "glossary": explain_markers(
            changes["measure"] if len(changes) else shown["measure"].astype(str), facts.settings
        ),
        "settings": list_settings(facts.settings),
    }


def _results(
    changes: pd.DataFrame,
    headline: Headline,
    facts: StudyFacts,
    units: dict[str, str],
    measures: pd.DataFrame,
    nights: Sequence[StoredNight],
) -> list[str]:
    """One sentence for each treatment; where there is none, the headline of each night."""
    rows = headline.pick(changes)
    if len(rows):
        unit = units.get(headline.measure, "")
        return [subject_result(row, headline, facts.settings, unit) for _, row in rows.iterrows()]
    sentences = ["There is no pair of nights to compare in this subject."]
    values = headline.pick(measures)
    for night in nights:
        hit = values[values["session"] == night.session]
        if hit.empty:
            continue
        value, unit = float(hit["value"].iloc[0]), str(hit["unit"].iloc[0])
        what = headline_name(headline, facts.settings)
        noun = "wave" if "wave" in headline.measure else "epoch"
        said = f"{number(value)} {unit} (n = {plural(int(hit['n'].iloc[0]), noun)})"
        said = said if np.isfinite(value) else f"not measured: {hit['note'].iloc[0]}"
        sentences.append(f"Night {night.name}: {what} was {said}.")
    return sentences


def _draw_nights(
    nights: Sequence[StoredNight],
    headline: Headline,
    colors: dict[str, str],
    shelf: Shelf,
    measures: pd.DataFrame,
) -> list[Picture]:
    """Every night on the same scales, so that they can be compared by eye."""
    limits = [figures.power_limits(night.spectrogram) for night in nights]
    shared_db = (min(low for low, _ in limits), max(high for _, high in limits)) if limits else None
    channels = {night.session: shown_channel(headline, night.channels) for night in nights}
    tops = [
        figures.activity_limit(night.epochs[night.epochs["channel"] == channels[night.session]]) for night in nights
    ]
    pictures = []
    for night in nights:
        channel = channels[night.session]
        curve = night.epochs[night.epochs["channel"] == channel]
        onset_min = night.summary.get("sleep_onset_min")
        decay, said = _process_s(measures, night.session, channel)

        def draw(
            night: StoredNight = night,
            channel: str | None = channel,
            onset_min: Any = onset_min,
            decay: tuple[float, float, float] | None = decay,
        ) -> Any:
            return figures.night_overview(
                night.epochs,
                night.folder.read("hypnogram"),
                night.spectrogram,
                night.folder.read("cycles"),
                channel=channel,
                start=str(night.summary.get("recording_start") or ""),
                sleep_onset_s=None if onset_min is None else float(onset_min) * 60,
                color=colors.get(night.condition, "#5f6368"),
                swa_limit_uv2=max(tops),
                power_limits_db=shared_db,
                process_s=decay,
                title=night.name,
            )

        pictures.append(
            shelf.put(
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
    rows = measures[(measures["session"] == session) & (measures["channel"] == channel)]
    found, notes = [], []
    for name in ("process_s_initial", "process_s_asymptote", "process_s_tau"):
        own = rows[rows["measure"] == name]
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


def _draw_averages(
    nights: Sequence[StoredNight],
    headline: Headline,
    facts: StudyFacts,
    colors: dict[str, str],
    shelf: Shelf,
    measures: pd.DataFrame,
) -> list[Picture]:
    """Average wave and mean spectrum of each condition, the baseline first; nights of a condition weigh the same."""
    conditions = sorted({night.condition for night in nights}, key=lambda name: (name != facts.baseline, name))
    shared = [name for name in (nights[0].channels if nights else []) if all(name in n.channels for n in nights)]
    channel = shown_channel(headline, shared)
    if channel is None:
        return []
    waves, spectra = {}, {}
    for condition in conditions:
        folders = [night.folder for night in nights if night.condition == condition]
        waves[condition] = _mean_wave([folder.read("average") for folder in folders])
        spectra[condition] = _mean_spectrum([folder.read("spectra") for folder in folders])
    criteria = facts.settings.waves
    own = {name: table[table["channel"] == channel] for name, table in waves.items()}
    depth = "; ".join(
        f"{name} {number(float(table['mean_uv'].min()))} to {number(float(table['mean_uv'].max()))} µV, "
        f"n = {int(table['n_waves'].max())} waves"
        for name, table in own.items()
        if len(table)
    )
    wave = shelf.put(
        "slow_wave_average",
        lambda: figures.slow_wave_average(own, channel, colors=colors),
        pd.concat([table.assign(condition=name) for name, table in own.items()], ignore_index=True),
        alt=f"Average slow wave at {channel}: {depth or 'no slow wave in any night'}.",
        caption=f"Mean of the slow waves of N2 and N3 ({criteria.name}), aligned at the negative peak; bands: ± 1 SD "
        "between waves. These are the waves of the slow-wave density: negative peak "
        f"{limit(criteria.negative_uv, 'µV')} and peak-to-peak {limit(criteria.peak_to_peak_uv, 'µV')}. A change of "
        "amplitude shows smaller than it is among waves beyond a limit.",
    )
    curves = [
        table[(table["channel"] == channel) & (table["stages"] == "NREM") & (table["window"] == "night")].assign(
            condition=name
        )
        for name, table in spectra.items()
        if len(table)
    ]
    aperiodic = _aperiodic(measures, conditions, channel)
    low, high = facts.settings.power.aperiodic_hz
    exponents = "; ".join(f"{name} {number(exponent)}" for name, (exponent, _) in aperiodic.items())
    fitted = f" Dashed: aperiodic fit at {low:g}\u2013{high:g} Hz, exponent {exponents}." if exponents else ""
    shown = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=["condition"])
    if len(shown) and aperiodic:
        line = shown["condition"].map({name: 10**offset for name, (_, offset) in aperiodic.items()})
        slope = shown["condition"].map({name: exponent for name, (exponent, _) in aperiodic.items()})
        inside = shown["frequency_hz"].between(low, high)
        shown["aperiodic_uv2_hz"] = np.where(inside, line * shown["frequency_hz"].where(inside) ** -slope, np.nan)
    spectrum = shelf.put(
        "average_spectra",
        lambda: figures.average_spectra(
            spectra,
            channel,
            colors=colors,
            bands_hz={"swa": facts.settings.power.swa_hz},
            aperiodic=aperiodic,
            aperiodic_hz=(low, high),
        ),
        shown,
        alt=f"Mean spectra of N2+N3 at {channel} for {join(conditions)}, 0.5 to 30 Hz; band powers are in the table."
        f"{fitted}",
        caption="Mean spectrum of N2+N3, whole night; shaded: the band of slow-wave activity"
        + (f"; below: change from {conditions[0]} in dB." if len(conditions) > 1 else ".")
        + fitted,
    )
    controls = _draw_controls(spectra, channel, facts, colors, shelf) if len(conditions) > 1 else []
    return [wave, spectrum, *controls, *_draw_waves(nights, conditions, channel, facts, colors, shelf, measures)]


def _aperiodic(measures: pd.DataFrame, conditions: Sequence[str], channel: str) -> dict[str, tuple[float, float]]:
    """Exponent and offset of each condition in N2+N3 of the whole night, means over its nights."""
    rows = measures[
        (measures["channel"] == channel)
        & (measures["stages"] == "NREM")
        & (measures["window"] == "night")
        & (measures["variant"] == "")
    ]
    means = rows.groupby(["measure", "condition"], observed=True)["value"].mean()
    found = {
        name: (
            float(means.get(("aperiodic_exponent", name), np.nan)),
            float(means.get(("aperiodic_offset", name), np.nan)),
        )
        for name in conditions
    }
    return {name: pair for name, pair in found.items() if np.isfinite(pair).all()}


def _draw_waves(
    nights: Sequence[StoredNight],
    conditions: Sequence[str],
    channel: str,
    facts: StudyFacts,
    colors: dict[str, str],
    shelf: Shelf,
    measures: pd.DataFrame,
) -> list[Picture]:
    """How many waves of each size, and how steep at each size, with the amplitude at which nights are compared."""
    criteria = facts.settings.waves
    smallest = criteria.negative_uv[0]
    waves = tabulate_waves(nights, conditions, channel, smallest, measures)
    at_limit = "; ".join(
        f"{name} {number(_rate_at(rows, smallest))} per min"
        for name, rows in waves.counts.groupby("condition", sort=False)
    )
    large = f", {number(waves.large_uv)} µV (90th percentile of the baseline)" if np.isfinite(waves.large_uv) else ""
    amplitudes = shelf.put(
        "wave_amplitudes",
        lambda: figures.wave_amplitudes(
            waves.counts,
            limits_uv={"slow wave": smallest, "large wave": waves.large_uv},
            colors=colors,
            title=f"Half-waves by size, {channel}",
        ),
        waves.counts,
        alt=f"Half-waves per minute of N2+N3 at {channel} of at least {smallest:g} µV: {at_limit or 'none'}.",
        caption="All negative half-waves of N2+N3, whole night: how many a minute are at least as large, without a "
        f"limit on the peak-to-peak amplitude. Dashed: {smallest:g} µV{large}.",
    )
    read = "; ".join(
        f"{row['condition']} {number(row['slope_at_reference_uv_s'])} µV/s (n = {row['n_waves']} waves)"
        for row in waves.lines.to_dict("records")
    )
    at = f"at {number(waves.reference_uv)} µV" if np.isfinite(waves.reference_uv) else "at no amplitude"
    reading = (
        f", and the robust line of each condition. Diamonds, {at}: slope at equal amplitude; a difference there is one "
        "of steepness at equal size, which a change of gain can still move."
        if np.isfinite(waves.reference_uv)
        else "; without a baseline night there is no amplitude at which slopes would be compared."
    )
    slopes = shelf.put(
        "slope_by_amplitude",
        lambda: figures.slope_by_amplitude(
            waves.bins,
            waves.lines,
            reference_uv=waves.reference_uv,
            colors=colors,
            title=f"Slope at each amplitude, {channel}",
        ),
        pd.concat(
            [waves.bins.assign(kind="bin"), waves.lines.assign(kind="line", reference_uv=waves.reference_uv)],
            ignore_index=True,
        ),
        alt=f"Upward slope against negative amplitude at {channel}, read {at}: {read or 'no fit'}.",
        caption=f"Upward slope of the half-waves of at least {smallest:g} µV in N2+N3, whole night: medians and "
        f"quartiles of ten classes of amplitude{reading}",
    )
    return [amplitudes, slopes]


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


def _draw_forest(
    contrast: str, rows: pd.DataFrame, settings: Settings, colors: dict[str, str], shelf: Shelf
) -> Picture:
    return draw_forest(contrast, rows, settings, colors, shelf, count="nights", name="forest")


def draw_forest(
    contrast: str,
    rows: pd.DataFrame,
    settings: Settings,
    colors: dict[str, str],
    shelf: Shelf,
    *,
    count: str,
    name: str,
) -> Picture:
    """Forest plot of one contrast: markers by windows.

    Parameters
    ----------
    contrast : str
        Name of the contrast.
    rows : DataFrame
        Its rows.
    settings : Settings
        For names.
    colors : dict of str to str
        Colour by condition.
    shelf : Shelf
        Where it goes.
    count : str
        What n counts.
    name : str
        Beginning of the file name.
    """
    treatment, _, baseline = contrast.partition(":")
    said = []
    for _, row in rows.iterrows():
        change = describe_change(row)
        if change.measured and row["scale"] == "ratio":
            interval = f" ({change.interval})" if change.interval else " (no interval)"
            where = in_sentence(window_name(str(row["window"]), settings))
            said.append(f"{marker_name(str(row['measure']))}, {where}: {change.change}{interval}, n = {change.n}")
    confidence = f"{100 * settings.comparison.confidence:g} %"
    return shelf.put(
        f"{name}_{file_name(treatment)}_{file_name(baseline)}",
        lambda: figures.forest(
            rows,
            names={measure: marker_name(measure, settings) for measure in rows["measure"].unique()},
            window_names={window: window_name(window, settings) for window in rows["window"].unique()},
            color=colors.get(treatment),
            count=count,
            title=f"{treatment} against {baseline}",
        ),
        rows,
        alt=f"Changes from {baseline} to {treatment} in n {count}. {'; '.join(said) or 'Nothing was measured'}.",
        caption=f"Change from {baseline} to {treatment} with its {confidence} interval; n counts {count}. Filled "
        "marks: the whole interval lies on one side of no change. Circle: one NREM period; diamond: matched "
        "minutes; square: whole "
        "night; cross: no interval. An arrow marks an interval that goes on.",
        size="medium",
    )


def _draw_controls(
    spectra: Mapping[str, pd.DataFrame], channel: str, facts: StudyFacts, colors: dict[str, str], shelf: Shelf
) -> list[Picture]:
    """Spectra of the conditions in the stages of the gain check."""
    shown = [
        table[(table["channel"] == channel) & (table["stages"] == stages) & (table["window"] == window)].assign(
            condition=name
        )
        for name, table in spectra.items()
        for stages, window in GAIN_CONTROLS.values()
        if len(table)
    ]
    if not shown:
        return []
    bands = control_bands(facts.settings.comparability)
    return [
        shelf.put(
            "control_spectra",
            lambda: figures.control_spectra(spectra, channel, bands_hz=bands, colors=colors),
            pd.concat(shown, ignore_index=True),
            alt=f"Spectra at {channel} in REM, quiet wake and N2+N3 for {join(list(spectra))}; the gain check has the "
            "numbers.",
            caption="Spectra of each condition in the stages of the gain check; shaded: its control bands. A change of "
            "gain moves all three by the same distance.",
            size="medium",
        )
    ]


def _precision_tables(results: Results, subject: str, changes: pd.DataFrame, settings: Settings) -> list[PlainTable]:
    """How precisely the subject's nights tell each contrast, where that was computed."""
    table = read_optional(results, "precision.tsv")
    own = table[table["subject"] == subject] if len(table) else table
    found = [precision_table(own, changes, name, settings) for name in dict.fromkeys(changes["contrast"])]
    return [one for one in found if one]


def _gain_tables(results: Results, subject: str, contrasts: Mapping[str, Contrast]) -> list[PlainTable]:
    """The gain check of the subject's nights, where one was made."""
    table = read_optional(results, "comparability.tsv")
    own = select(table, subject=subject) if len(table) else table
    found = [gain_table(own, contrasts[str(name)]) for name in (dict.fromkeys(own["contrast"]) if len(own) else ())]
    return [one for one in found if one]


def _verdicts(nights: pd.DataFrame) -> list[tuple[str, str]]:
    """Verdict on each night and its reasons."""
    return list(zip(text_column(nights, "verdict"), text_column(nights, "verdict_reasons"), strict=True))


def _channels(nights: Sequence[StoredNight]) -> list[tuple[str, str, str, list[str]]]:
    """Channels of the nights: name, role, labels in the files, and what was done with them in each night."""
    found: dict[tuple[str, str], tuple[dict[str, None], list[str]]] = {}
    for position, night in enumerate(nights):
        for channel in night.document.get("provenance", {}).get("channels", []):
            labels, cells = found.setdefault((channel["name"], channel["role"]), ({}, ["absent"] * len(nights)))
            labels.update(dict.fromkeys(channel["labels"]))
            cells[position] = f"{channel['note'] or 'as recorded'}, {channel['rate_hz']:g} Hz"
    rows = [(name, [role.upper(), ", ".join(labels), *cells]) for (name, role), (labels, cells) in found.items()]
    if len(rows) > MANY_CHANNELS and all(labels == name for name, (_, labels, *_) in rows):
        rows = join_equal([(name, [role, "as named", *cells]) for name, (role, _, *cells) in rows])
    return [(name, role, labels, cells) for name, (role, labels, *cells) in rows]


def _problems(results: Results, subject: str) -> list[Any]:
    table = results.problems
    return table[table["subject"] == subject].astype(object).fillna("").to_dict("records")


def _versions(nights: Sequence[StoredNight]) -> list[tuple[str, str]]:
    """Version of each package; several where nights differ."""
    versions: dict[str, dict[str, None]] = {}
    for night in nights:
        for name, version in night.document.get("provenance", {}).get("versions", {}).items():
            versions.setdefault(name, {})[version] = None
    return [(name, " / ".join(found)) for name, found in versions.items()]


def list_settings(settings: Settings) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Every setting in force: group, and key, value and meaning of each."""
    listed = []
    for group in type(settings).model_fields:
        values = getattr(settings, group)
        listed.append(
            (
                group,
                [
                    (key, _plain(getattr(values, key)), option.description or "")
                    for key, option in type(values).model_fields.items()
                ],
            )
        )
    return listed


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{key} = {_plain(item)}" for key, item in value.items()) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if value != "" else "not set"
