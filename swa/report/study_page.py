"""What stands on the page of a study."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from swa.comparison.compared_nights import text_column
from swa.comparison.designs import ContrastDesign, find_designs
from swa.comparison.further.activity_course import activity_course
from swa.comparison.headline import adjust_leading
from swa.comparison.lost_contrasts import state_lost_contrasts
from swa.glossary import headline_measures, short_names
from swa.report import figures
from swa.report.change_tables import Footnotes
from swa.report.combination_pages import draw_combinations
from swa.report.contrast_pages import draw_contrasts
from swa.report.draft import Draft, shared_parts
from swa.report.facts import StudyFacts, count_uses, done_nights, of_conditions
from swa.report.leading_rows import Headline, find_headline, members_of
from swa.report.optional_tables import (
    PlainTable,
    cycle_table,
    gain_overview,
    interaction_table,
    level_table,
    moderator_table,
    plan_table,
    profile_table,
    published_table,
)
from swa.report.reading import paired_values, read_contrasts, read_facts, read_measures
from swa.report.shelf import Picture, Shelf
from swa.report.sleep_pages import LEAD, SHOWN, draw_changes, draw_pairs, lines_of, sleep_tables
from swa.report.specification_pages import draw_specifications, specification_tables
from swa.report.words.names import (
    file_name,
    in_sentence,
    marker_name,
    simulated_in_words,
    stages_name,
    unit_of,
    where_measured,
    with_unit,
)
from swa.report.words.numbers import NOT_MEASURED, NOTHING, change, join, number, p_is, percent, plural, signed, span
from swa.report.words.one_subject import passed_by_chance
from swa.report.words.sentences import group_answer, headline_name, unstated, where_in_words
from swa.study.plan.names import natural_key
from swa.study.store import Results
from swa.study.written import study_notes
from swa.tables.contrast import Contrast
from swa.tables.control_names import is_control
from swa.tables.design_limit import DesignLimit, decode_limits
from swa.tables.marker import DEFAULT_MARKER, matches, select

NIGHT_NUMBERS = (
    ("TST_min", "TST, min", "{:.1f}".format),
    ("SE", "SE, %", "{:.1f}".format),
    ("N2_min", "N2, min", "{:.1f}".format),
    ("N3_min", "N3, min", "{:.1f}".format),
    ("REM_min", "REM, min", "{:.1f}".format),
    ("nrem_cycles", "Cycles", "{:.0f}".format),
)
TABLES = (
    ("nights.tsv", "one row a night"),
    ("measures.parquet", "every measure of every night"),
    ("contrasts.tsv", "every change with its interval, of subjects and of the group"),
    ("precision.tsv", "how precisely the nights of each subject tell a change, by themselves"),
    ("interactions.tsv", "whether two treatments add up"),
    ("combinations.tsv", "each combination of two treatments, in each subject"),
    ("cycle_contrasts.tsv", "the change in NREM cycle 1 against later ones"),
    ("dose_contrasts.tsv", "each night after each infusion, where doses are known"),
    ("clusters.tsv", "clusters of frequencies, hours and electrodes"),
    ("specifications.tsv", "the primary contrast under other choices"),
    ("specification_summary.tsv", "what the specifications come to"),
    ("moderators.tsv", "covariates against the change"),
    ("covariate_changes.tsv", "each subject's change beside each covariate"),
    ("level_slopes.tsv", "whether the change follows the change of a covariate"),
    ("level_changes.tsv", "each subject's change beside that of each covariate"),
    ("group_spectra.tsv", "mean spectra over subjects, and their changes"),
    ("profiles.tsv", "treatments against each other"),
    ("published.tsv", "what is published of the same drugs, beside this study"),
    ("planning.tsv", "how many subjects the next study needs"),
    ("comparability.tsv", "the gain check"),
    ("rejection.tsv", "what each artefact rule took"),
    ("problems.tsv", "what was left out, and what is to be checked"),
    ("settings.toml", "the settings in force"),
)
VERDICT = ("verdict", "verdict_reasons")
FEWEST_ELECTRODES = 8
MOST_COVARIATES = 6


def describe_study(results: Results, shelf: Shelf) -> dict[str, Any]:
    """Collect what the page of the study shows, and draw its figures."""
    facts = read_facts(results)
    group = read_contrasts(results.path, "group")
    own = facts.primary.measure if facts.primary else DEFAULT_MARKER.measure
    wanted = dict.fromkeys((own, own.casefold(), *headline_measures()))
    measures = read_measures(results.path / "measures.parquet", list(wanted))
    headline = find_headline(facts.primary, measures)
    draft = Draft(results=results, facts=facts, headline=headline, rows=group, shelf=shelf, count="subjects")
    answered, designs = _answers(draft), _designs(draft)
    return (
        shared_parts(draft, facts.nights, explained=[*draft.changes["measure"], *SHOWN], designs=designs)
        | {
            "title": _title(draft),
            "counts": _counts(facts),
            "template": (results.path / "study-template.tsv").is_file() and not draft.contrasts,
            **answered,
            "across": shelf.attempt(
                "the figure of all contrasts",
                lambda: draw_contrasts(draft, answered["rows"], answered["answers"], measures, designs),
                [],
            ),
            "paired": shelf.attempt("the figures of each subject", lambda: _draw_every_pair(draft, measures), None)
            or [],
            "sleep_forests": shelf.attempt("the figures of sleep", lambda: draw_changes(draft), []),
            "sleep_tables": shelf.attempt("the tables of sleep", lambda: sleep_tables(draft), []),
            "course": shelf.attempt("the course of the night", lambda: _draw_course(draft, measures), []),
            "spectra": shelf.attempt("the spectra", lambda: _draw_spectra(draft), None) or [],
            "topographies": shelf.attempt("the maps of the scalp", lambda: _draw_scalp(draft, group), None) or [],
            "extra": [(table, pictures) for table, pictures in _extra_tables(draft) if table],
            "specification_curves": shelf.attempt(
                "the curves of other choices", lambda: draw_specifications(draft), []
            ),
            "specification_tables": shelf.attempt(
                "the tables of other choices", lambda: specification_tables(draft), []
            ),
            "night_channel": _night_channel(measures),
            "study_notes": study_notes(results.path),
            "lost": shelf.attempt(
                "contrasts without nights", lambda: state_lost_contrasts(results.nights, results.settings), []
            ),
            "problems": results.problems.astype(object).fillna("").to_dict("records"),
            "files": [(name, what) for name, what in TABLES if (results.path / name).is_file()],
        }
        | _list_nights(facts, measures)
    )


def _designs(draft: Draft) -> list[ContrastDesign]:
    """How the contrasts over subjects are analysed."""
    known, facts = draft.known.values(), draft.facts
    found = find_designs(facts.nights, [one for one in known if one.is_within], facts.settings.comparison)
    return [design for design in found if design.key in known]


def _title(draft: Draft) -> str:
    begin = f"Slow-wave sleep{simulated_in_words(draft.facts.simulated)}"
    arms = [one.in_words for one in draft.contrasts.values() if not one.is_within] if _in_arms(draft) else []
    if arms:  # each against its own baseline says nothing of the drug
        return f"{begin}: {join(arms)}"
    against = [draft.contrasts[name] for name in draft.within]
    baseline = draft.facts.baseline
    treatments = list(dict.fromkeys(one.treatment for one in against if one.comparator == baseline))
    controls = [name for name in treatments if is_control(name)]
    drugs = [name for name in treatments if name not in controls]
    if not drugs or is_control(baseline):
        drugs, controls = treatments, []
    return begin + (f": {join(drugs)} against {join([*controls, baseline])}" if drugs else "")


def _in_arms(draft: Draft) -> bool:
    """Whether subjects were in parallel arms."""
    return any(DesignLimit.ONE_ARM in decode_limits(limits) for limits in draft.changes["design_limit"])


def _extra_tables(draft: Draft) -> list[tuple[PlainTable | None, list[Picture]]]:
    """Tables that not every study has, with their pictures."""
    settings = draft.settings
    cycles = cycle_table(draft.read("cycle_contrasts.tsv"), draft.headline.marker.channel, settings, draft.name_of)
    return [
        (interaction_table(draft.read("interactions.tsv"), settings), draw_combinations(draft)),
        (cycles, []),
        (gain_overview(draft.read("comparability.tsv"), draft.known), []),
        (moderator_table(draft.read("moderators.tsv"), settings, draft.name_of), _draw_covariates(draft)),
        (level_table(draft.read("level_slopes.tsv"), settings, draft.name_of), _draw_levels(draft)),
        (profile_table(draft.read("profiles.tsv")), []),
        (published_table(draft.read("published.tsv"), settings, draft.name_of), []),
        (plan_table(draft.read("planning.tsv"), headline_name(draft.headline, settings)), []),
    ]


def _counts(facts: StudyFacts) -> str:
    done = done_nights(facts.nights)
    statuses = text_column(facts.nights, "status").value_counts()
    compared = count_uses(facts).compared
    of = f" ({own})" if (own := of_conditions(facts)) else ""
    parts = [
        f"{plural(len(done), 'night')} of {plural(done['subject'].nunique(), 'subject')} analysed",
        *([f"{compared} of them compared"] if compared < len(done) else []),
        *([f"{statuses['failed']} failed"] if "failed" in statuses else []),
        *([f"{statuses['excluded']} excluded{of}"] if "excluded" in statuses else []),
    ]
    return ", ".join(parts) + "."


def _answers(draft: Draft) -> dict[str, Any]:
    """One answer for each contrast, or why there is none."""
    rows = _controlled_first(adjust_leading(draft.headline.marker.select(draft.changes)), draft)
    # What the design can show of the drug leads: of arms their comparison, before the change within each.
    arms = _in_arms(draft)
    within = [arms and draft.contrasts[name].is_within for name in rows["contrast"]]
    rows = rows.iloc[sorted(range(len(rows)), key=within.__getitem__)]
    nothing = ""
    if rows.empty:
        nothing = "No two conditions were measured in the same subjects, so there is no change to report."
        if done_nights(draft.facts.nights).empty:
            nothing = "No night was analysed, so there is no result: the table of what was left out says why."
    answers = []
    adjusted = {design.key: design.adjusted_for for design in _designs(draft)}
    for _, row in rows.iterrows():
        contrast = draft.contrasts[row["contrast"]]
        answer = group_answer(row, contrast, draft.headline, draft.settings)
        if answer.numbers and (nights := adjusted.get(contrast)):
            aside = " (so not just the change in one arm set against that in the other)" if arms else ""
            answer = replace(answer, numbers=(*answer.numbers, f"adjusted for {nights}{aside}"))
        # A contrast that was asked for afterwards stands beside the planned ones and must not read like one of them.
        if _was_asked_for(contrast, draft):
            afterwards = "asked for afterwards, exploratory"
            answer = replace(
                answer,
                question=f"{answer.question} ({afterwards})",
                sentence=f"{afterwards.capitalize()}: {answer.sentence}",
            )
        answers.append(answer)
    shown = [draft.contrasts[name] for name in rows["contrast"]]
    return {
        "answers": answers,
        "nothing": nothing,
        "apart": [*_not_compared(shown), unstated(blinded=draft.facts.blinded)],
        "rows": rows,
        "by_chance": passed_by_chance(_most_changes(rows, shown), draft.settings.comparison.confidence),
    }


def _most_changes(rows: pd.DataFrame, contrasts: Sequence[Contrast]) -> int:
    """Number of subjects with a change in the contrast where most have one."""
    return max((int(n) for n, one in zip(rows["n"], contrasts, strict=True) if one.is_within), default=0)


def _was_asked_for(key: Contrast, draft: Draft) -> bool:
    """Whether the study does not call for a contrast between conditions."""
    return key.is_within and key not in draft.facts.planned


def _controlled_first(rows: pd.DataFrame, draft: Draft) -> pd.DataFrame:
    """A drug against a control condition before a drug without one and a control without a drug, then what was asked.

    What stands first is read as the answer: of ketamine, placebo and baseline nights that is ketamine against placebo.
    """

    def place(i: int) -> tuple[bool, bool]:
        key, limits = draft.contrasts[rows["contrast"].iloc[i]], decode_limits(rows["design_limit"].iloc[i])
        return _was_asked_for(key, draft), DesignLimit.NO_CONTROL in limits or is_control(key.treatment)

    return rows.iloc[sorted(range(len(rows)), key=place)]


def _not_compared(shown: Sequence[Contrast]) -> list[str]:
    """That two treatments that stand side by side are not compared: readers took the second for the control."""
    treatments = list(dict.fromkeys(one.treatment for one in shown if one.is_within))
    if len(treatments) < 2 or any(not one.is_within or one.comparator in treatments for one in shown):
        return []
    return [f"{join(treatments)} are not compared with each other here"]


def _night_channel(measures: pd.DataFrame) -> str:
    """Which channel the markers in the table of nights are of: as `study.tables.add_headlines` chooses it."""
    whole = select(measures, stages="NREM", window="night")
    front = set(whole.loc[whole["channel"] == "frontal", "subject"])
    first = whole[~whole["subject"].isin(front)].drop_duplicates("subject").set_index("subject")["channel"]
    parts = []
    if front:
        members = members_of("frontal", dict.fromkeys(whole["channel"]))
        place = Headline(marker=DEFAULT_MARKER.at(channel="frontal"), declared=False, members=members)
        parts.append(f"at {where_in_words(place)}")
    for channel, subjects in first.groupby(first, sort=False):
        names = join([str(name) for name in subjects.index]) if len(subjects) <= 6 else f"{len(subjects)} subjects"
        parts.append(f"at {channel}" + (f" in {names}" if len(first.unique()) > 1 or front else ""))
    return f" {', '.join(parts)}" if parts else ""


def _draw_every_pair(draft: Draft, measures: pd.DataFrame) -> list[Picture]:
    """The headline markers, and behind them minutes of slow-wave sleep."""
    pictures = _draw_pairs(draft, measures)
    path = draft.results.path / "measures.parquet"
    return [*pictures, *draw_pairs(draft, read_measures(path, [LEAD]))] if pictures else []


def _draw_pairs(draft: Draft, measures: pd.DataFrame) -> list[Picture]:
    """A paired plot of each headline marker in the window of the primary."""
    own = draft.headline.marker
    markers = list(dict.fromkeys((own.measure, *short_names()))) if draft.contrasts else []
    rows = select(measures, channel=own.channel, stages=own.stages, window=own.window, measure=markers)
    values = paired_values(rows, draft.facts.nights, draft.within, draft.settings)
    pictures: list[Picture] = []
    for marker in markers:
        pairs = select(values, measure=marker)
        if pairs.empty:
            continue
        name = marker_name(marker, draft.settings)
        # The first stands beside the answer, which says in plain words where it was measured.
        named = (name, draft.window, where_measured(own)) if pictures else (name,)
        draw = partial(
            figures.paired_changes,
            pairs,
            unit=unit_of(marker),
            contrasts=draft.contrasts,
            colors=draft.colors,
            title=marker_name(marker),
        )
        pictures.append(
            draft.shelf.put(
                f"paired_{marker}_{file_name(own.window)}",
                draw,
                pairs,
                alt=_pairs_alt(pairs, name, draft),
                caption=f"{', '.join(part for part in named if part)}: "
                f"{lines_of(pairs)}.{_means(pairs, draft, unit_of(marker))}",
            )
        )
    return pictures


def _means(pairs: pd.DataFrame, draft: Draft, unit: str) -> str:
    """Mean ± SD of both conditions as papers give them, where nights are compared by differences."""
    said = []
    for name, own in pairs.groupby("contrast", sort=False):
        both = own[["treatment", "baseline"]].dropna().astype(float)
        if (own["scale"] == "ratio").any() or len(both) < 2:
            continue
        against = " against ".join(f"{number(both[side].mean())} ± {number(both[side].std())}" for side in both)
        said.append(f"{draft.name_of(name)} {against} {unit} (n = {plural(len(both), 'subject')})".replace("  ", " "))
    return f" Mean ± SD: {'; '.join(said)}." if said else ""


def _draw_course(draft: Draft, measures: pd.DataFrame) -> list[Picture]:
    """Slow-wave activity over cycles and hours, by condition."""
    settings, channel = draft.settings, draft.headline.marker.channel
    rows = select(measures, measure=DEFAULT_MARKER.measure, stages=DEFAULT_MARKER.stages, channel=channel)
    if rows.empty or not draft.contrasts:
        return []
    table = activity_course(rows, draft.facts.nights, settings)
    order = {name: place for place, name in enumerate(dict.fromkeys([draft.facts.baseline, *draft.facts.conditions]))}
    table = table.sort_values("condition", key=lambda names: names.map(order), kind="stable", ignore_index=True)
    first = table[(table["kind"] == "cycle") & (table["number"] <= 2)]
    said = "; ".join(
        f"{row['condition']}, cycle {row['number']}: {number(row['mean'])} µV² (n = {row['n']})"
        for row in first.to_dict("records")
    )
    name = marker_name(DEFAULT_MARKER.measure, settings)
    return [
        draft.shelf.put(
            "course_swa",
            lambda: figures.activity_course(
                table, colors=draft.colors, unit=unit_of(DEFAULT_MARKER.measure), title=f"{name} over the night"
            ),
            table,
            alt=f"{name} at {channel} over the night: {said}.",
            caption=f"{name}, {stages_name(DEFAULT_MARKER.stages)}, {channel}, in each NREM cycle and hour after sleep "
            f"onset: geometric mean over the subjects who have it, with the {draft.level} interval between subjects "
            "(from three on; cut, with an arrow head, beyond three times the highest mean), which is wider than that "
            "of a change within them. n where fewer subjects have it.",
            size="medium",
        )
    ]


def _draw_spectra(draft: Draft) -> list[Picture]:
    """Mean spectra over subjects, with the change within subjects."""
    headline, table = draft.headline, draft.read("group_spectra.tsv")
    table = table[(table["kind"] == "spectrum") | matches(table, contrast=draft.within)] if len(table) else table
    if table.empty or not (table["kind"] == "change").any():
        return []
    spectra, changes, inside = (select(table, kind=kind) for kind in ("spectrum", "change", "band"))
    swa_hz = draft.settings.power.swa_hz
    said = [
        f"{draft.name_of(row['contrast'])}: {signed(row['change_db'], 'dB')} at {span(swa_hz)} Hz, "
        f"n = {plural(int(row['n']), 'subject')}"
        for row in inside.to_dict("records")
    ]
    subjects = spectra.groupby("condition", sort=False)["n"].first()
    counted = ", ".join(f"{name} n = {n}" for name, n in subjects.items())
    clusters, tested = _clusters(draft)
    return [
        draft.shelf.put(
            f"spectra_{file_name(headline.marker.window)}",
            lambda: figures.group_spectra(
                spectra,
                changes,
                contrasts=draft.contrasts,
                colors=draft.colors,
                bands_hz={"swa": swa_hz},
                clusters=clusters,
                title=f"Mean spectrum over subjects, {headline.marker.channel}",
            ),
            table,
            alt=f"Mean spectra over subjects. Mean of the dB of all frequencies: {'; '.join(said)}.{tested}",
            caption=f"Geometric mean over subjects ({counted}), {stages_name(headline.marker.stages)}, {draft.window}, "
            f"{where_in_words(headline)}; shaded: the band of slow-wave activity. Below: change within subjects "
            f"with the {draft.level} t interval of each frequency alone (from three subjects on). Mean of the dB over "
            "all frequencies alike, so not the change of slow-wave activity, which rests on the strongest: "
            f"{'; '.join(said)}.{tested}",
            size="medium",
        )
    ]


def _clusters(draft: Draft) -> tuple[pd.DataFrame, str]:
    """Clusters of frequencies to mark, and what the tests of them say."""
    own, limit = draft.headline.marker, 1 - draft.settings.comparison.confidence
    columns = ["contrast", "low_hz", "high_hz"]
    table = draft.read("clusters.tsv", domain="frequency", channel=own.channel, window=own.window, stages=own.stages)
    if table.empty:
        return pd.DataFrame(columns=columns), ""
    table = select(table, contrast=list(draft.contrasts))
    table = table[np.isfinite(table["smallest_p"].astype(float))]
    said = []
    for contrast, rows in table.groupby("contrast", sort=False):
        first = rows.iloc[0]
        low = rows[rows["p"].astype(float) < limit]
        parts = [f"{row['from']:g}\u2013{row['to']:g} Hz ({p_is(row['p'], 2)})" for _, row in low.iterrows()]
        text = join(parts) if parts else f"none below {limit:.2g}"
        if float(first["smallest_p"]) > limit:
            text = f"none can be below {limit:.2g}: with {plural(int(first['n']), 'subject')} the smallest reachable p "
            text += f"is {float(first['smallest_p']):.3g}"
        elif parts:
            text += f", {first['method']}, {int(first['n_flips'])} of them, n = {int(first['n'])}"
        said.append(f"{draft.name_of(contrast)}: {text}")
    marked = table[table["p"].astype(float) < limit].rename(columns={"from": "low_hz", "to": "high_hz"})
    if not said:
        return marked[columns], ""
    bars = " (bars at the foot)" if len(marked) else ""
    return marked[columns], (
        f" Clusters of frequencies{bars}, exploratory: {'; '.join(said)}. A cluster says that the spectra differ, not "
        "at which frequencies its edges are."
    )


def _draw_scalp(draft: Draft, group: pd.DataFrame) -> list[Picture]:
    """The change at each electrode, where enough of them have a place on the head."""
    own = draft.headline.marker
    rows = select(group, measure=own.measure, stages=own.stages, window=own.window, variant="", scale="ratio")
    rows = rows[np.isfinite(rows["estimate"].astype(float))]
    if rows["channel"].nunique() < FEWEST_ELECTRODES:
        return []
    rows = rows[rows["channel"].isin(figures.placed_channels(rows["channel"].unique()))]
    enough = rows.groupby("contrast")["channel"].nunique()
    rows = select(rows, contrast=list(enough.index[enough >= FEWEST_ELECTRODES]))
    if rows.empty:
        return []
    name = marker_name(own.measure, draft.settings)
    said = []
    for contrast, part in rows.groupby("contrast", sort=False):
        ordered = part.sort_values("estimate")
        least, most = ordered.iloc[0], ordered.iloc[-1]
        said.append(
            f"{draft.name_of(contrast)}: from {percent(least['estimate'])} at {least['channel']} to "
            f"{percent(most['estimate'])} at {most['channel']}, n = {len(part)} electrodes"
        )
    return [
        draft.shelf.put(
            f"scalp_{own.measure}_{file_name(own.window)}",
            lambda: figures.scalp_changes(rows, title=f"{name}, {draft.window}"),
            rows,
            alt=f"Change of {in_sentence(name)} over the scalp. {'; '.join(said)}.",
            caption=f"Change of {in_sentence(name)}, {draft.window}, {stages_name(own.stages)}, over subjects at each "
            "electrode, interpolated between them. Positions are those of the 10\u201305 system, not measured ones. A "
            "picture, not a test: the scalp does not say where in the brain a change is.",
            size="medium",
        )
    ]


def _draw_covariates(draft: Draft) -> list[Picture]:
    """The change of the headline marker against the covariates that were related to it."""
    headline, points = draft.headline, draft.read("covariate_changes.tsv", measure=draft.headline.marker.measure)
    points = select(points, contrast=draft.within).dropna(subset=["x", "change"]) if len(points) else points
    names = list(dict.fromkeys(points["covariate"])) if len(points) else []
    if not names:
        return []
    points = select(points, covariate=names[:MOST_COVARIATES])
    marker = marker_name(headline.marker.measure, draft.settings)
    counted = "; ".join(
        f"{str(name).replace('_', ' ')} {number(part['x'].min())} to {number(part['x'].max())}, n = "
        f"{part['subject'].nunique()}"
        for name, part in points.groupby("covariate", sort=False)
    )
    more = f" The first {MOST_COVARIATES} of {len(names)} covariates are drawn." if len(names) > MOST_COVARIATES else ""
    return [
        draft.shelf.put(
            f"covariates_{headline.marker.measure}",
            lambda: figures.covariate_changes(
                points,
                contrasts=draft.contrasts,
                colors=draft.colors,
                unit=unit_of(headline.marker.measure),
                title=f"{marker}: change against covariates",
            ),
            points,
            alt=f"Change of {in_sentence(marker)} against covariates, a point for each subject: {counted}.",
            caption=f"Change of {in_sentence(headline_name(headline, draft.settings))} against each covariate; a "
            f"point is a subject.{more}",
            size="medium",
        )
    ]


def _draw_levels(draft: Draft) -> list[Picture]:
    """The change of the leading marker against the change of each covariate of the nights."""
    points = draft.read("level_changes.tsv")
    points = select(points, contrast=draft.within).dropna(subset=["x", "change"]) if len(points) else points
    if points.empty:
        return []
    names = list(dict.fromkeys(points["covariate"]))[:MOST_COVARIATES]
    points = select(points, covariate=names)
    marker = in_sentence(headline_name(draft.headline, draft.settings))
    said = "; ".join(
        f"{str(name).replace('_', ' ')} {signed(part['x'].min())} to {signed(part['x'].max())}, n = "
        f"{part['subject'].nunique()}"
        for name, part in points.groupby("covariate", sort=False)
    )
    drawn = points.assign(covariate="change of " + points["covariate"].astype(str))
    return [
        draft.shelf.put(
            f"levels_{draft.headline.marker.measure}",
            lambda: figures.covariate_changes(
                drawn,
                contrasts=draft.contrasts,
                colors=draft.colors,
                unit=unit_of(draft.headline.marker.measure),
                title="Change against change",
            ),
            points,
            alt=f"Change of {marker} against the change of covariates, a point for each subject: {said}.",
            caption=f"Change of {marker} against the change of each covariate in the same nights; a point is a "
            "subject.",
            size="medium",
        )
    ]


def _pairs_alt(values: pd.DataFrame, name: str, draft: Draft) -> str:
    said = []
    for row in values.to_dict("records"):
        both = f"{number(row['baseline'])} to {number(row['treatment'])} ({change(row['change'], row['scale'])})"
        known = math.isfinite(row["baseline"]) and math.isfinite(row["treatment"])
        treatment = draft.contrasts[row["contrast"]].treatment
        said.append(f"{row['subject']} ({treatment}) {both if known else NOT_MEASURED}")
    shown = "; ".join(said[:30]) + (f"; and {len(said) - 30} more in the table of the figure" if len(said) > 30 else "")
    return f"{name}, baseline to treatment by subject: {shown}."


def _list_nights(facts: StudyFacts, measures: pd.DataFrame) -> dict[str, Any]:
    """One row a night with its status, sleep and headline markers; gaps carry a letter that says why."""
    footnotes = Footnotes()
    missing = select(measures[measures["value"].isna()], stages="NREM", window="night")
    reasons = {
        (row["subject"], row["session"], row["measure"]): str(row["note"])
        for _, row in missing.drop_duplicates(["subject", "session", "measure"]).iterrows()
    }
    markers = [name for name in short_names() if name in facts.nights]
    texts = {name: text_column(facts.nights, name) for name in (*VERDICT, "staging_source")}
    nights = facts.nights.assign(place=range(len(facts.nights)), **texts)
    order = sorted(nights.index, key=lambda i: (natural_key(str(nights.loc[i, "subject"])), nights.loc[i, "place"]))
    combined = set(measures["subject"])
    nights = nights.assign(shared=text_column(nights, "doubts").duplicated(keep=False))
    rows = []
    for i in order:
        night = nights.loc[i]
        done = night["status"] == "done"
        cells = [(_cell(night.get(name), write), "") for name, _, write in NIGHT_NUMBERS]
        for name in markers:
            text = _cell(night[name])
            reason = reasons.get((night["subject"], night["session"], name), "no reason was stored")
            cells.append((text, footnotes.mark([reason]) if done and text == NOT_MEASURED else ""))
        page = f"sub-{night['subject_label']}/sub-{night['subject_label']}.html"
        rows.append(
            {
                **{name: str(night[name]) for name in ("subject", "session", "condition", "status")},
                "page": page if done and night["subject"] in combined else "",
                "verdict": _verdict(night),
                "verdict_mark": footnotes.mark(
                    [str(night[VERDICT[1]])] if night["shared"] and night[VERDICT[1]] else []
                ),
                "staged": _short_source(night["staging_source"]) if done else NOTHING,
                "cells": cells if done else [(NOTHING, "")] * len(cells),
            }
        )
    return {
        "night_columns": [name for _, name, _ in NIGHT_NUMBERS],
        "marker_columns": [with_unit(_heading(name), name) for name in markers],
        "night_rows": rows,
        "night_footnotes": footnotes.lines,
    }


def _heading(measure: str) -> str:
    short = short_names()[measure]
    return short[:1].upper() + short[1:]


def _verdict(night: pd.Series) -> str:
    """Verdict on the night with its reasons, but for those below the table; a dash where nobody judged it."""
    told = VERDICT[:1] if night["shared"] else VERDICT
    return ": ".join(str(night[name]) for name in told if night[name]) or NOTHING


def _short_source(source: str) -> str:
    return source.partition(" (")[0] or NOTHING


def _cell(value: object, write: Callable[[float], str] = number) -> str:
    if isinstance(value, int | float | np.integer | np.floating) and math.isfinite(value):
        return write(float(value))
    return NOT_MEASURED
