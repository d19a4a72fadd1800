"""What stands on the page of a study."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from swa.comparison.compared_nights import text_column
from swa.glossary import headline_measures, short_names
from swa.recordings.channels import region_channels
from swa.report import figures
from swa.report.change_tables import Footnotes, change_table, explain_markers
from swa.report.facts import (
    Headline,
    StudyFacts,
    done_nights,
    find_headline,
    headline_rows,
    natural_key,
    paired_values,
    read_contrasts,
    read_facts,
    read_measures,
    units_of,
)
from swa.report.optional_tables import (
    cycle_table,
    gain_overview,
    moderator_table,
    plan_table,
    profile_table,
    read_optional,
)
from swa.report.shelf import Picture, Shelf
from swa.report.specification_pages import draw_specifications, specification_tables
from swa.report.subject_page import draw_forest, list_settings
from swa.report.words.methods_text import write_methods
from swa.report.words.sentences import (
    EXPLORATORY,
    caveats,
    describe_methods,
    group_result,
    headline_name,
    where_in_words,
)
from swa.report.words.wording import (
    NOT_MEASURED,
    file_name,
    in_sentence,
    join,
    marker_name,
    number,
    percent,
    plural,
    signed,
    stages_name,
    window_name,
)
from swa.study.store import Results, stored_nights
from swa.tables.contrast import contrasts_in

NIGHT_NUMBERS = (
    ("TST_min", "TST, min"),
    ("SE", "SE, %"),
    ("N2_min", "N2, min"),
    ("N3_min", "N3, min"),
    ("REM_min", "REM, min"),
    ("nrem_cycles", "Cycles"),
)
TABLES = (
    ("nights.tsv", "one row a night"),
    ("measures.parquet", "every measure of every night"),
    ("contrasts.tsv", "every change with its interval, of subjects and of the group"),
    ("precision.tsv", "how precisely the nights of each subject tell a change, by themselves"),
    ("cycle_contrasts.tsv", "the change in the first cycle against later ones"),
    ("dose_contrasts.tsv", "each night after each infusion, where doses are known"),
    ("clusters.tsv", "clusters of frequencies, hours and electrodes"),
    ("specifications.tsv", "the primary contrast under other choices"),
    ("specification_summary.tsv", "what the specifications come to"),
    ("moderators.tsv", "covariates against the change"),
    ("covariate_changes.tsv", "each subject's change beside each covariate"),
    ("group_spectra.tsv", "mean spectra over subjects, and their changes"),
    ("profiles.tsv", "treatments against each other"),
    ("planning.tsv", "how many subjects the next study needs"),
    ("comparability.tsv", "the gain check"),
    ("rejection.tsv", "what each artefact rule took"),
    ("problems.tsv", "what was left out"),
    ("settings.toml", "the settings in force"),
)
FEWEST_ELECTRODES = 8
MOST_COVARIATES = 6
SHORT_NAMES = {
    "swa": "SWA",
    "wave_density": "Density",
    "wave_amplitude_p90": "Amplitude p90",
    "wave_slope_up_matched": "Slope at equal amplitude",
}


def describe_study(results: Results, shelf: Shelf) -> dict[str, Any]:
    """Collect what the page of the study shows, and draw its figures.

    Parameters
    ----------
    results : Results
        The results folder.
    shelf : Shelf
        Where figures go.
    """
    facts = read_facts(results)
    group = read_contrasts(results.path, "group")
    wanted = dict.fromkeys((*short_names(), *headline_measures()))
    measures = read_measures(results.path / "measures.parquet", measures=list(wanted))
    headline = find_headline(facts, dict.fromkeys(measures["channel"]))
    changes = headline_rows(group, headline)
    contrasts = list(dict.fromkeys(changes["contrast"]))
    units = units_of(measures)
    colors = figures.condition_colors(facts.conditions, facts.baseline)
    by_contrast = [(name, changes[changes["contrast"] == name]) for name in contrasts]
    planned = [name for name in contrasts if name.endswith(f":{facts.baseline}")]
    treatments = list(dict.fromkeys(name.partition(":")[0] for name in planned))
    nights, footnotes = _list_nights(results, facts, measures)
    sources = text_column(facts.nights, "staging_source").unique()
    return {
        "title": "Slow-wave sleep"
        + (f": {join(treatments)} against {facts.baseline}" if treatments and facts.baseline else ""),
        "facts": facts,
        "counts": _counts(facts),
        "template": (results.path / "study-template.tsv").is_file() and not contrasts,
        "headline": headline,
        "results_sentences": _results(changes, headline, facts, units),
        "exploratory": EXPLORATORY if contrasts and not headline.declared else "",
        "caveats": caveats(dict.fromkeys(part for name in contrasts for part in name.split(":"))),
        "paired": _draw_pairs(measures, headline, facts, units, contrasts, colors, shelf),
        "forests": [
            draw_forest(name, rows, facts.settings, colors, shelf, count="subjects", name="forest")
            for name, rows in by_contrast
        ],
        "change_tables": [change_table(rows, facts.settings, units) for _, rows in by_contrast],
        "spectra": _draw_spectra(results, headline, facts, contrasts, colors, shelf),
        "topographies": _draw_scalp(group, headline, facts, shelf),
        "covariates": _draw_covariates(results, headline, facts, contrasts, colors, shelf),
        "extra": [
            table
            for table in (
                cycle_table(
                    read_optional(results, "cycle_contrasts.tsv"),
                    headline.channel,
                    facts.settings.comparison.confidence,
                ),
                gain_overview(read_optional(results, "comparability.tsv"), contrasts_in(group)),
                moderator_table(read_optional(results, "moderators.tsv"), facts.settings),
                profile_table(read_optional(results, "profiles.tsv")),
                plan_table(read_optional(results, "planning.tsv")),
            )
            if table
        ],
        "specification_curves": draw_specifications(results, facts.settings, colors, shelf),
        "specification_tables": specification_tables(results, facts.settings),
        "where": f"{stages_name(headline.stages)}, {headline.channel}",
        "night_columns": [name for _, name in NIGHT_NUMBERS],
        "marker_columns": [_heading(name, units) for name in short_names() if name in facts.nights],
        "night_rows": nights,
        "night_footnotes": footnotes,
        "night_channel": _night_channel(facts, measures),
        "problems": results.problems.astype(object).fillna("").to_dict("records"),
        "methods": describe_methods(facts.settings, [str(source) for source in sources], compared=facts.is_compared),
        "paper": write_methods(
            facts,
            stored_nights(results.path, facts.nights),
            primary=headline_name(headline, facts.settings) if headline.declared else "",
            tests=group["method"],
        ),
        "glossary": explain_markers(changes["measure"], facts.settings),
        "files": [(name, what) for name, what in TABLES if (results.path / name).is_file()],
        "settings": list_settings(facts.settings),
    }


def _counts(facts: StudyFacts) -> str:
    nights = facts.nights
    done = done_nights(nights)
    parts = [
        f"{plural(len(done), 'night')} of {plural(done['subject'].nunique(), 'subject')} analysed",
        *(
            f"{int((nights['status'] == status).sum())} {status}"
            for status in ("failed", "excluded")
            if (nights["status"] == status).any()
        ),
    ]
    return ", ".join(parts) + "."


def _results(changes: pd.DataFrame, headline: Headline, facts: StudyFacts, units: dict[str, str]) -> list[str]:
    rows = headline.pick(changes)
    if rows.empty and not (facts.nights["status"] == "done").any():
        return ["No night was analysed, so there is no result: the table of what was left out says why."]
    if rows.empty:
        return ["No two conditions were measured in the same subjects, so there is no change to report."]
    unit = units.get(headline.measure, "")
    sentences = []
    for _, row in rows.iterrows():
        # A contrast that was asked for afterwards stands beside the planned ones and must not read like one of them.
        asked = "" if str(row["contrast"]).endswith(f":{facts.baseline}") else "Asked for afterwards, exploratory: "
        sentences.append(asked + group_result(row, headline, facts.settings, unit))
    return sentences


def _night_channel(facts: StudyFacts, measures: pd.DataFrame) -> str:
    """Which channel the markers in the table of nights are of: as `study.tables.add_headlines` chooses it."""
    whole = measures[(measures["stages"] == "NREM") & (measures["window"] == "night")]
    front = set(whole.loc[whole["channel"] == "frontal", "subject"])
    first = whole[~whole["subject"].isin(front)].drop_duplicates("subject").set_index("subject")["channel"]
    members = tuple(region_channels(dict.fromkeys(whole["channel"]), ["frontal"]).get("frontal", ()))
    parts = []
    if front:
        place = Headline(measure="", stages="", window="", channel="frontal", declared=False, members=members)
        parts.append(f"at {where_in_words(place)}")
    for channel, subjects in first.groupby(first, sort=False):
        names = join([str(name) for name in subjects.index]) if len(subjects) <= 6 else f"{len(subjects)} subjects"
        parts.append(f"at {channel}" + (f" in {names}" if len(first.unique()) > 1 or front else ""))
    return f" {', '.join(parts)}" if parts else ""


def _draw_pairs(
    measures: pd.DataFrame,
    headline: Headline,
    facts: StudyFacts,
    units: dict[str, str],
    contrasts: list[str],
    colors: dict[str, str],
    shelf: Shelf,
) -> list[Picture]:
    """A paired plot of each headline marker in the window of the primary."""
    markers = list(dict.fromkeys((headline.measure, *short_names()))) if contrasts else []
    rows = measures[
        (measures["channel"] == headline.channel)
        & (measures["stages"] == headline.stages)
        & (measures["window"] == headline.window)
        & measures["measure"].isin(markers)
    ]
    values = paired_values(rows, facts.nights, contrasts, facts.settings)
    pictures = []
    for marker in markers:
        own = values[values["measure"] == marker]
        if own.empty:
            continue
        is_ratio = bool((own["scale"] == "ratio").all())
        name = marker_name(marker, facts.settings)
        window = in_sentence(window_name(headline.window, facts.settings))
        mean = f", the bold one the {'geometric ' if is_ratio else ''}mean" if own["subject"].nunique() > 1 else ""

        def draw(own: pd.DataFrame = own, marker: str = marker) -> Any:
            return figures.paired_changes(own, unit=units.get(marker, ""), colors=colors, title=marker_name(marker))

        pictures.append(
            shelf.put(
                f"paired_{marker}_{file_name(headline.window)}",
                draw,
                own,
                alt=_pairs_alt(own, name),
                caption=f"{name}, {window}, {stages_name(headline.stages)}, {headline.channel}: each line is a "
                f"subject{mean}.",
            )
        )
    return pictures


def _draw_spectra(
    results: Results,
    headline: Headline,
    facts: StudyFacts,
    contrasts: list[str],
    colors: dict[str, str],
    shelf: Shelf,
) -> list[Picture]:
    """Mean spectra over subjects, with the change within subjects."""
    table = read_optional(results, "group_spectra.tsv")
    table = table[(table["kind"] == "spectrum") | table["contrast"].isin(contrasts)] if len(table) else table
    if table.empty or not (table["kind"] == "change").any():
        return []
    spectra, changes, inside = (table[table["kind"] == kind] for kind in ("spectrum", "change", "band"))
    level, (low, high) = facts.settings.comparison.confidence, facts.settings.power.swa_hz
    said = [
        f"{str(row['contrast']).replace(':', ' against ')}: {signed(row['change_db'], 'dB')} at "
        f"{low:g}\u2013{high:g} Hz, n = {plural(int(row['n']), 'subject')}"
        for _, row in inside.iterrows()
    ]
    subjects = spectra.groupby("condition", sort=False)["n"].first()
    counted = ", ".join(f"{name} n = {n}" for name, n in subjects.items())
    clusters, tested = _clusters(results, headline, contrasts, level)
    window = in_sentence(window_name(headline.window, facts.settings))
    return [
        shelf.put(
            f"spectra_{file_name(headline.window)}",
            lambda: figures.group_spectra(
                spectra,
                changes,
                colors=colors,
                bands_hz={"swa": (low, high)},
                clusters=clusters,
                title=f"Mean spectrum over subjects, {headline.channel}",
            ),
            table,
            alt=f"Mean spectra over subjects. Mean change: {'; '.join(said)}.{tested}",
            caption=f"Geometric mean over subjects ({counted}), {stages_name(headline.stages)}, {window}, "
            f"{where_in_words(headline)}; shaded: the band of slow-wave activity. Below: change within subjects "
            f"with the {100 * level:g} % t interval of each frequency alone (from three subjects on). Mean change: "
            f"{'; '.join(said)}.{tested}",
            size="medium",
        )
    ]


def _clusters(
    results: Results, headline: Headline, contrasts: list[str], confidence: float
) -> tuple[pd.DataFrame, str]:
    """Clusters of frequencies to mark, and what the tests of them say."""
    columns = ["contrast", "low_hz", "high_hz"]
    table = read_optional(results, "clusters.tsv")
    if table.empty:
        return pd.DataFrame(columns=columns), ""
    own = (table["domain"] == "frequency") & (table["channel"] == headline.channel)
    own &= (table["window"] == headline.window) & (table["stages"] == headline.stages)
    table = table[own & table["contrast"].isin(contrasts) & np.isfinite(table["smallest_p"].astype(float))]
    limit = 1 - confidence
    said = []
    for contrast, rows in table.groupby("contrast", sort=False):
        first = rows.iloc[0]
        low = rows[rows["p"].astype(float) < limit]
        parts = [f"{row['from']:g}\u2013{row['to']:g} Hz (p = {row['p']:.2g})" for _, row in low.iterrows()]
        text = join(parts) if parts else f"none below {limit:.2g}"
        if float(first["smallest_p"]) > limit:
            text = f"none can be below {limit:.2g}: with {plural(int(first['n']), 'subject')} the smallest reachable p "
            text += f"is {float(first['smallest_p']):.3g}"
        elif parts:
            text += f", {first['method']}, {int(first['n_flips'])} of them, n = {int(first['n'])}"
        said.append(f"{str(contrast).replace(':', ' against ')}: {text}")
    marked = table[table["p"].astype(float) < limit].rename(columns={"from": "low_hz", "to": "high_hz"})
    if not said:
        return marked[columns], ""
    bars = " (bars at the foot)" if len(marked) else ""
    return marked[columns], (
        f" Clusters of frequencies{bars}, exploratory: {'; '.join(said)}. A cluster says that the spectra differ, not "
        "at which frequencies its edges are."
    )


def _draw_scalp(group: pd.DataFrame, headline: Headline, facts: StudyFacts, shelf: Shelf) -> list[Picture]:
    """The change at each electrode, where enough of them have a place on the head."""
    rows = group[
        (group["measure"] == headline.measure)
        & (group["stages"] == headline.stages)
        & (group["window"] == headline.window)
        & (group["variant"] == "")
        & (group["scale"] == "ratio")
        & np.isfinite(group["estimate"].astype(float))
    ]
    if rows["channel"].nunique() < FEWEST_ELECTRODES:
        return []
    rows = rows[rows["channel"].isin(figures.placed_channels(rows["channel"].unique()))]
    enough = rows.groupby("contrast")["channel"].nunique()
    rows = rows[rows["contrast"].isin(enough.index[enough >= FEWEST_ELECTRODES])]
    if rows.empty:
        return []
    name = marker_name(headline.measure, facts.settings)
    window = in_sentence(window_name(headline.window, facts.settings))
    said = []
    for contrast, part in rows.groupby("contrast", sort=False):
        ordered = part.sort_values("estimate")
        low, high = ordered.iloc[0], ordered.iloc[-1]
        said.append(
            f"{str(contrast).replace(':', ' against ')}: from {percent(low['estimate'])} at {low['channel']} to "
            f"{percent(high['estimate'])} at {high['channel']}, n = {len(part)} electrodes"
        )
    return [
        shelf.put(
            f"scalp_{headline.measure}_{file_name(headline.window)}",
            lambda: figures.scalp_changes(rows, title=f"{name}, {window}"),
            rows,
            alt=f"Change of {in_sentence(name)} over the scalp. {'; '.join(said)}.",
            caption=f"Change of {in_sentence(name)}, {window}, {stages_name(headline.stages)}, over subjects at each "
            "electrode, interpolated between them. Positions are those of the 10\u201305 system, not measured ones. A "
            "picture, not a test: the scalp does not say where in the brain a change is.",
            size="medium",
        )
    ]


def _draw_covariates(
    results: Results,
    headline: Headline,
    facts: StudyFacts,
    contrasts: list[str],
    colors: dict[str, str],
    shelf: Shelf,
) -> list[Picture]:
    """The change of the headline marker against the covariates that were related to it."""
    points = read_optional(results, "covariate_changes.tsv")
    points = points[points["contrast"].isin(contrasts)].dropna(subset=["x", "change"]) if len(points) else points
    names = list(dict.fromkeys(points["covariate"])) if len(points) else []
    if not names:
        return []
    points = points[points["covariate"].isin(names[:MOST_COVARIATES])]
    marker = marker_name(headline.measure, facts.settings)
    counted = "; ".join(
        f"{str(name).replace('_', ' ')} {number(part['x'].min())} to {number(part['x'].max())}, n = "
        f"{part['subject'].nunique()}"
        for name, part in points.groupby("covariate", sort=False)
    )
    more = f" The first {MOST_COVARIATES} of {len(names)} covariates are drawn." if len(names) > MOST_COVARIATES else ""
    return [
        shelf.put(
            f"covariates_{headline.measure}",
            lambda: figures.covariate_changes(points, colors=colors, title=f"{marker}: change against covariates"),
            points,
            alt=f"Change of {in_sentence(marker)} against covariates, a point for each subject: {counted}.",
            caption=f"Change of {in_sentence(headline_name(headline, facts.settings))} against each covariate; a "
            f"point is a subject.{more}",
            size="medium",
        )
    ]


def _pairs_alt(values: pd.DataFrame, name: str) -> str:
    said = []
    for _, row in values.iterrows():
        is_known = math.isfinite(row["baseline"]) and math.isfinite(row["treatment"])
        change = percent(float(row["change"])) if row["scale"] == "ratio" else number(float(row["change"]))
        pair = f"{number(float(row['baseline']))} to {number(float(row['treatment']))} ({change})"
        treatment = str(row["contrast"]).partition(":")[0]
        said.append(f"{row['subject']} ({treatment}) {pair if is_known else NOT_MEASURED}")
    shown = "; ".join(said[:30]) + (f"; and {len(said) - 30} more in the table of the figure" if len(said) > 30 else "")
    return f"{name}, baseline to treatment by subject: {shown}."


def _heading(measure: str, units: dict[str, str]) -> str:
    unit = units.get(measure, "")
    return SHORT_NAMES.get(measure, marker_name(measure)) + (f", {unit}" if unit not in ("", "1") else "")


def _list_nights(
    results: Results, facts: StudyFacts, measures: pd.DataFrame
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """One row a night with its status, sleep and headline markers; gaps carry a letter that says why."""
    footnotes = Footnotes()
    missing = measures[measures["value"].isna() & (measures["stages"] == "NREM") & (measures["window"] == "night")]
    reasons = {
        (row["subject"], row["session"], row["measure"]): str(row["note"])
        for _, row in missing.drop_duplicates(["subject", "session", "measure"]).iterrows()
    }
    markers = [name for name in short_names() if name in facts.nights]
    nights = facts.nights.assign(place=range(len(facts.nights)))
    order = sorted(nights.index, key=lambda i: (natural_key(str(nights.loc[i, "subject"])), nights.loc[i, "place"]))
    combined = set(measures["subject"])
    rows = []
    for i in order:
        night = nights.loc[i]
        done = night["status"] == "done"
        page = f"sub-{night['subject_label']}/sub-{night['subject_label']}.html"
        cells: list[Any] = [
            _cell(night.get(name), "{:.0f}".format if name == "nrem_cycles" else "{:.1f}".format)
            for name, _ in NIGHT_NUMBERS
        ]
        for name in markers:
            text = _cell(night[name])
            reason = reasons.get((night["subject"], night["session"], name), "no reason was stored")
            mark = footnotes.mark([reason]) if done and text == NOT_MEASURED else ""
            cells.append((text, mark) if done else ("\u2013", ""))
        rows.append(
            {
                "subject": str(night["subject"]),
                "page": page if done and night["subject"] in combined else "",
                "session": str(night["session"]),
                "condition": str(night["condition"]),
                "status": str(night["status"]),
                "verdict": _verdict(night),
                "staged": _short_source(str(night.get("staging_source", "")) if done else ""),
                "cells": [cell if isinstance(cell, tuple) else ((cell if done else "\u2013"), "") for cell in cells],
            }
        )
    return rows, footnotes.lines


def _verdict(night: pd.Series) -> str:
    """Verdict on the night with its reasons; a dash where nobody judged it."""
    verdict, reasons = (str(night.get(name, "")) for name in ("verdict", "verdict_reasons"))
    if verdict in ("", "nan"):
        return "\u2013"
    return verdict if reasons in ("", "nan") else f"{verdict}: {reasons}"


def _short_source(source: str) -> str:
    return source.partition(" (")[0] if source and source != "nan" else "\u2013"


def _cell(value: Any, write: Callable[[float], str] = number) -> str:
    is_number = isinstance(value, int | float | np.integer | np.floating) and math.isfinite(value)
    if not is_number:
        return NOT_MEASURED
    return write(float(value))
