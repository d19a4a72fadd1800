"""What the terminal shows of results and plans, in words: the command line prints it and decides nothing."""

import math

import pandas as pd

from swa.comparison.further.moderators import find_covariates
from swa.comparison.further.planning import SamplePlan
from swa.comparison.further.power import PLANNED
from swa.comparison.headline import adjust_leading
from swa.comparison.late_nights import late_nights
from swa.comparison.primary import declared_primary
from swa.glossary import short_names
from swa.report.leading_rows import Headline, find_headline, headline_rows
from swa.report.optional_tables import PlainTable
from swa.report.reading import read_contrasts
from swa.report.words.afterwards import changed_nights, named_late
from swa.report.words.names import marker_name, stages_name, unit_of, window_name
from swa.report.words.numbers import NO_INTERVAL, describe_change, in_plain_letters, p_value, percent, plural, share
from swa.report.words.sentences import group_answer, headline_name, stand_in
from swa.settings import Settings
from swa.study.problems import LEAD_STEP
from swa.study.store import Results
from swa.study.written import late_primary
from swa.tables.contrast import Contrast, contrasts_in
from swa.tables.interval import Interval
from swa.tables.marker import select

WINDOWS = ("cycle-1", "night")


def leading_tables(results: Results) -> list[PlainTable]:
    """The rows over subjects that lead, a table for each contrast: the declared primary first."""
    settings = results.settings
    group = read_contrasts(results.path, "group")
    headline = find_headline(declared_primary(results.nights, settings.comparison), group)
    rows = headline_rows(group, headline, short_names(), WINDOWS)
    where = f"{stages_name(headline.marker.stages)}, {headline.marker.channel}"
    return [
        _leading(select(rows, contrast=name), contrast, where, settings, stand_in(headline))
        for name, contrast in contrasts_in(rows).items()
    ]


def say_what_is_tested(nights: pd.DataFrame, settings: Settings) -> list[str]:
    """Which primary a study declares, and which covariates would be tested.

    Parameters
    ----------
    nights : DataFrame
        The columns of the study file.
    settings : Settings
        Those of the run.
    """
    primary = declared_primary(nights, settings.comparison)
    covariates = [one.name for one in find_covariates(nights, settings.comparison.covariates)]
    return [
        f"Primary: {primary}" if primary else "Primary: none declared, so every result is exploratory",
        *([f"Covariates: {', '.join(covariates)}"] if covariates else []),
    ]


def leading_lines(results: Results) -> list[str]:
    """The marker that leads, in one line for each contrast over subjects, with what the design leaves open."""
    settings = results.settings
    group = read_contrasts(results.path, "group")
    declared = declared_primary(results.nights, settings.comparison)
    headline = find_headline(declared, group)
    late = named_late(late_primary(results.path, str(declared or "")), settings)
    nights = late_nights(results.path, results.nights)
    known, lines = contrasts_in(group), []
    for _, row in adjust_leading(headline.marker.select(group)).iterrows():
        contrast = known[row["contrast"]]
        answer = group_answer(row, contrast, headline, settings)
        role = "Primary" if headline.declared and row["role"] == "primary" and not late else "Exploratory"
        changed = changed_nights(
            night for night in nights if night.condition in contrast.conditions or not contrast.is_within
        )
        effect = " ".join(text for text in (answer.effect, answer.aside) if text)
        why = () if answer.numbers else (answer.reading,)
        said = "; ".join(text for text in (*answer.numbers, *why, answer.verdict) if text)
        line = f"{role}: {answer.question}, {headline_name(headline, settings)}: {effect} ({said})."
        lines.append(in_plain_letters(" ".join(text for text in (line, answer.limit, late, changed) if text)))
    return lines


def absent_lines(results: Results) -> list[str]:
    """Who is not in the marker that leads, those of one reason together."""
    who: dict[str, list[str]] = {}
    for row in select(results.problems, step=LEAD_STEP).to_dict("records"):
        who.setdefault(f"{row['problem']} {row['remedy']}", []).append(str(row["subject"]))
    return [f"{', '.join(subjects)}: {said}" for said, subjects in who.items()]


def _leading(rows: pd.DataFrame, contrast: Contrast, where: str, settings: Settings, about: str) -> PlainTable:
    called = contrast.in_words
    cells = []
    doubts: dict[str, None] = dict.fromkeys([about] * bool(about))
    for _, row in rows.iterrows():
        measure, change = str(row["measure"]), describe_change(row, unit_of(str(row["measure"])))
        cells.append(
            (
                short_names().get(measure, marker_name(measure)),
                window_name(str(row["window"]), settings),
                change.change,
                change.interval or (NO_INTERVAL if change.measured else ""),
                p_value(float(row["p"])),
                p_value(float(row["p_adjusted"])),
                str(change.n),
                str(row["role"]),
            )
        )
        if row["verdict"] not in ("", "sound"):
            reasons = f" ({row['verdict_reasons']})" if row["verdict_reasons"] else ""
            doubts[f"{called}: {row['verdict']}{reasons}"] = None
    interval = f"{share(settings.comparison.confidence)} interval"
    return PlainTable(
        label=f"{called}, {where}",
        about="\n".join(doubts),
        columns=("marker", "window", "change", interval, "p", "p adjusted", "n", "role"),
        rows=tuple(cells),
    )


def plan_in_words(plan: SamplePlan, settings: Settings) -> tuple[list[str], PlainTable]:
    """Say how many subjects are needed and what a number of them can find, and give the power curve as a table."""
    variation, effect, power = plan.variation, percent(plan.effect), f"power {plan.power:g}"
    ends = Interval(*plan.subjects_range)
    leads = Headline(marker=variation.marker, declared=True) if variation.marker else None
    of = f"{headline_name(leads, settings)}; " if leads else ""
    between = f" ({ends}, since that SD is itself an estimate)" if ends.low != ends.high else ""
    held = f" divided by {plan.told_of} (Holm, where the others do nothing)" if plan.told_of > 1 else ""
    sentences = [
        f"{plan.design.capitalize()}: {PLANNED[plan.design].test}; two-sided, level {plan.level:g}{held}; SD of "
        f"a subject's ln change {variation.change_sd:.3g} ({of}{variation.basis}).",
        f"{effect} with {power}: {plural(plan.subjects, 'subject')}{between}.",
    ]
    if plan.dropout:
        sentences.append(f"With {share(plan.dropout)} lost, begin with {plan.recruited}.")
    if plan.given:
        sentences.append(
            f"{plural(plan.given, 'subject')}: power {plan.given_power:.3f} for {effect}; smallest effect found "
            f"with {power}: {_either_way(plan.detectable)}."
        )
    if math.isfinite(plan.power_by_t):
        sentences.append(
            f"With {plan.given or plan.subjects} subjects the paired t, which stands beside the sign flips in "
            f"contrasts.tsv, has power {plan.power_by_t:.3f}: preregister which of the two counts."
        )
    curve = PlainTable(
        label="",
        about="",
        columns=("subjects", f"power for {effect}", f"smallest effect found with {power}"),
        rows=tuple(
            (str(row["subjects"]), f"{row['power']:.3f}", _either_way(row["detectable"]))
            for row in plan.curve.to_dict("records")
        ),
    )
    return sentences, curve


def _either_way(ratio: float) -> str:
    """A rise, and the fall that is found as well: the same change of the ln."""
    return f"{percent(ratio)} or {percent(1 / ratio)}" if math.isfinite(ratio) else percent(ratio)
