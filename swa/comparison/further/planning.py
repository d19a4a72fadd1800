"""How many subjects a study needs, and which effect it can find, by the test that its design will be analysed with.

The SD of a subject's change is sqrt(2 * SD_w^2 / nights + effect_sd^2): night-to-night variation of both conditions,
SD_w = sqrt(ln(1 + CV^2) * (1 - ICC)), and the spread of the response between subjects. The ICC and CV of the settings
are of a whole night: a part of it varies more, so that a plan is of a marker in its window. Power is that of the test
itself (`swa.comparison.further.power`).
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import optimize, stats

from swa.comparison.compared_nights import find_baseline, text_column, usable_nights
from swa.comparison.contrasts import contrast_designs, subject_values
from swa.comparison.designs import ContrastDesign
from swa.comparison.further.power import PLANNED, design_power, t_power
from swa.comparison.headline import leading_marker
from swa.comparison.primary import declared_primary
from swa.comparison.sources import Source, measure_rows, nights_of
from swa.comparison.within_subject import measure_grid, pooled_within_sd, scale_of, stated_within_sd, window_multiple
from swa.errors import SettingsError, StudyError
from swa.glossary import read_glossary
from swa.settings import ComparisonSettings, Settings, given_or_default
from swa.tables.control_names import is_control
from swa.tables.marker import DEFAULT_MARKER, Marker
from swa.tables.results_tables import PLANNING

MOST_SUBJECTS = 100_000
MOST_NAMED = 10  # subjects in a message
LARGEST_CV = 5.0  # of lognormal values an SD of 1.8 ln: more is a per cent that was typed for a share
CURVE_SUBJECTS = (4, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100)
TELLING = 0.02  # more power that is worth a word
STATE_IT = "State the reliability instead: swa plan, or, where you know the marker's own, swa plan --icc X --cv Y."
PLANNED_EFFECTS = (1.1, 1.2, 1.3, 1.5)  # ratios that studies of slow-wave activity ask about


@dataclass(frozen=True, kw_only=True)
class Variation:
    """SD of one subject's ln change between two nights, and what is known about it.

    Attributes
    ----------
    change_sd : float
        SD over subjects of the ln ratio.
    low, high : float
        Limits of that SD, at the level of the settings, where it was estimated from a study; equal to it where it was
        stated.
    basis : str
        Where it comes from, for the reader.
    icc : float
        Between-night reliability, which arms draw on.
    effect_sd : float
        SD over subjects of the response that was stated, ln: of arms the treated one alone has it.
    marker : Marker or None
        Whose change it is; None where its reliability was stated without its name.
    """

    change_sd: float
    low: float
    high: float
    basis: str
    icc: float = 0.76
    effect_sd: float = 0.0
    marker: Marker | None = None

    def response_at(self, change_sd: float) -> float:
        """Share of the variance of the change that the stated response has, at this SD."""
        return min((self.effect_sd / change_sd) ** 2, 0.99)  # nights that never differ leave nothing to test with


@dataclass(frozen=True, kw_only=True)
class SamplePlan:
    """Answer to one planning question.

    Attributes
    ----------
    variation : Variation
        SD of the change.
    effect : float
        Ratio of treatment to baseline that is to be found.
    power, level : float
        Wanted power; two-sided level of the test.
    design : str
        One of `PLANNED`.
    subjects : int
        Subjects needed for `effect`: those from which no more have less than the power.
    subjects_range : tuple of int
        The same at the limits of the SD.
    recruited : int
        Subjects to begin with, so that the needed number is left after `dropout`.
    dropout : float
        Share of subjects who are lost.
    given : int or None
        Number of subjects asked about, its power for `effect` and the smallest ratio that it finds.
    given_power, detectable : float
        NaN where no number was given.
    told_of : int
        Contrasts with the same condition over which a change is told (Holm): the level is divided by them.
    power_by_t : float
        Power of the paired t test with as many, or with the needed ones; NaN where it is no better or not that of the
        design.
    """

    variation: Variation
    effect: float
    power: float
    level: float
    design: str
    subjects: int
    subjects_range: tuple[int, int]
    recruited: int
    dropout: float
    given: int | None
    given_power: float
    detectable: float
    told_of: int
    power_by_t: float

    @cached_property
    def curve(self) -> pd.DataFrame:
        """Subjects, power (for `effect`), detectable (ratio found with the wanted power)."""
        sd, icc, design, level = self.variation.change_sd, self.variation.icc, self.design, self.level
        counts = sorted({*CURVE_SUBJECTS, self.subjects, *([self.given] if self.given else [])})
        response, of = self.variation.response_at(sd), self.told_of
        own = [design_power(design, math.log(self.effect) / sd, n, level, icc, response, of) for n in counts]
        found = [
            detectable_effect(sd, n, self.power, level, design=design, icc=icc, response=response, told_of=of)
            for n in counts
        ]
        return pd.DataFrame({"subjects": counts, "power": own, "detectable": found})


def paired_power(ln_effect: float, change_sd: float, subjects: int, level: float = 0.05) -> float:
    """Power of the two-sided paired t test, which stands beside the sign flips.

    Parameters
    ----------
    ln_effect : float
        ln of the ratio.
    change_sd : float
        SD of the ln change over subjects.
    subjects : int
        Number of pairs; below 2 there is no test and no power.
    level : float
        Two-sided level.
    """
    return t_power(abs(ln_effect) * math.sqrt(subjects) / change_sd, subjects - 1, level) if subjects > 1 else 0.0


def subjects_needed(
    ln_effect: float,
    change_sd: float,
    power: float = 0.8,
    level: float = 0.05,
    *,
    design: str = "paired",
    icc: float = 0.76,
    response: float = 0.0,
    told_of: int | None = None,
) -> int:
    """Smallest number of subjects that reaches the power, as all larger ones do.

    Raises
    ------
    SettingsError
        No effect, or one so small that more than 100,000 subjects would be needed.
    """

    def is_enough(n: int) -> bool:
        return design_power(design, ln_effect / change_sd, n, level, icc, response, told_of) >= power

    low = PLANNED[design].fewest - 1
    high = low + 1
    while not is_enough(high):
        low, high = high, 2 * high
        if ln_effect == 0 or high > MOST_SUBJECTS:
            raise SettingsError(
                f"An effect of {100 * math.expm1(ln_effect):+.3g} % needs more than {MOST_SUBJECTS} subjects.",
                "Give a larger --effect.",
            )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return next((n + 1 for n in range(PLANNED[design].uneven, high, -1) if not is_enough(n)), high)


def detectable_effect(
    change_sd: float,
    subjects: int,
    power: float = 0.8,
    level: float = 0.05,
    *,
    design: str = "paired",
    icc: float = 0.76,
    response: float = 0.0,
    told_of: int | None = None,
) -> float:
    """Smallest ratio above 1 that is found with the power; NaN where there are too few subjects for a test."""
    if subjects < PLANNED[design].fewest:
        return math.nan

    def lacking(d: float) -> float:
        return design_power(design, d, subjects, level, icc, response, told_of) - power

    most = 1.0
    while lacking(most) < 0:
        most *= 2
    return math.exp(float(optimize.brentq(lacking, 1e-9, most)) * change_sd)


def stated_variation(icc: float, cv: float, effect_sd: float = 0.0, basis: str = "stated") -> Variation:
    """SD of the change from a stated reliability, which is taken as that of the planned marker in its own window.

    Parameters
    ----------
    icc : float
        Between-night intraclass correlation of the ln marker, 0 to below 1.
    cv : float
        Coefficient of variation over subjects of one night.
    effect_sd : float
        SD over subjects of the response, ln.
    """
    if not 0 <= icc <= 1 or not 0 < cv <= LARGEST_CV or not 0 <= effect_sd <= LARGEST_CV:
        raise SettingsError(
            f"Reliability {icc:g}, CV {cv:g}, effect SD {effect_sd:g}: expected an ICC of 0 to 1, a CV above 0 and an "
            f"effect SD from 0, neither above {LARGEST_CV:g}.",
            "Give shares, not per cent: a CV of 0.4 is 40 %.",
        )
    sd = math.sqrt(2 * math.log1p(cv**2) * (1 - icc) + effect_sd**2)
    if sd == 0:
        raise SettingsError("With an ICC of 1 and no effect SD nothing varies.", "Give an ICC below 1.")
    text = f"{basis}: ICC {icc:g}, CV {100 * cv:g} %" + (f", effect SD {effect_sd:g} (ln)" if effect_sd else "")
    return Variation(change_sd=sd, low=sd, high=sd, basis=text, icc=icc, effect_sd=effect_sd)


def declared_variation(settings: Settings | None = None, effect_sd: float = 0.0) -> Variation:
    """SD of the change of the marker that a study will be judged by, from the reliability in the settings.

    That reliability is of power over a whole night; the glossary says how much more a window varies between nights.
    Between subjects it is taken to vary as the night does.

    Parameters
    ----------
    settings : Settings, optional
        The declared primary (else `DEFAULT_MARKER`), ICC and CV.
    effect_sd : float
        SD over subjects of the response, ln.

    Raises
    ------
    SettingsError
        No variation between nights is stated for the marker, or it is compared as a difference.
    """
    comparison = given_or_default(settings, Settings).comparison
    night = stated_variation(comparison.icc, comparison.cv, effect_sd, "of the whole night")
    declared = declared_primary(pd.DataFrame(), comparison) or DEFAULT_MARKER
    marker = declared.spelled_as(pd.DataFrame({"measure": list(read_glossary())}))
    marker = marker.at(window=marker.window.casefold())
    _refuse_difference(marker)
    within, entry = stated_within_sd("", comparison, marker.measure, marker.window), read_glossary().get(marker.measure)
    if not within > 0 or (entry is not None and entry.scatter_alone):
        raise SettingsError(
            f"{marker}: how much it varies between nights is not stated.",
            "State its reliability (swa plan --icc X --cv Y), or declare a primary such as swa.",
        )
    sd, times = math.hypot(math.sqrt(2) * within, effect_sd), window_multiple(marker.measure, marker.window)
    icc = comparison.icc / (comparison.icc + (1 - comparison.icc) * times**2)
    more = f"; between nights the window varies {times:.3g} times as much" if times != 1 else ""
    return replace(night, change_sd=sd, low=sd, high=sd, icc=icc, basis=night.basis + more, marker=marker)


def study_variation(source: Source, settings: Settings | None = None, effect_sd: float | None = None) -> Variation:
    """SD of the change of the marker that a study leads with, from its own nights.

    It is the SD of the subjects' changes, which holds the spread of their responses; for one night of each condition.
    Where few have a change, or `effect_sd` is stated, it is that of repeated baseline nights with `effect_sd` added.

    Parameters
    ----------
    source : Results, list of Night, or DataFrame
        As for `compare_nights`.
    settings : Settings, optional
        The declared primary, baseline, level of the limits.
    effect_sd : float, optional
        SD over subjects of the response, ln.

    Raises
    ------
    StudyError
        Fewer degrees of freedom than `baseline_pairs_df` either way, or a marker that is compared as a difference.
    """
    marker, variation = _of_marker(source, settings or Settings(), effect_sd)
    return replace(variation, marker=marker)


def plan_next_study(source: Source, settings: Settings | None = None) -> pd.DataFrame:
    """How many subjects usual effects need, from a study's own nights.

    Parameters
    ----------
    source, settings
        As for `study_variation`.

    Returns
    -------
    DataFrame
        The columns of ``planning.tsv``, a row an effect; `n` is how many subjects the study has, `detectable` the ratio
        that they find. Empty where the nights do not say.
    """
    settings = settings or Settings()
    try:
        marker, variation = _of_marker(source, settings, None)
    except StudyError:  # too few repeated nights or subjects to plan from
        return PLANNING.empty()
    level, done = round(1 - settings.comparison.confidence, 12), nights_of(source)
    n = int(done.loc[text_column(done, "status").isin(["done", ""]), "subject"].nunique())
    (design, told_of), subjects = own_design(source, settings), n if n > 1 else None
    plans = [
        plan_sample(variation, effect=effect, subjects=subjects, level=level, design=design, told_of=told_of)
        for effect in PLANNED_EFFECTS
    ]
    place = (marker.channel, marker.stages, marker.window, marker.measure)
    spread = (variation.change_sd, variation.low, variation.high)
    rows = [
        (*place, plan.effect, plan.power, level, plan.subjects, *plan.subjects_range, *spread, n, plan.detectable)
        for plan in plans
    ]
    return PLANNING.frame([(*row, variation.basis, design, told_of) for row in rows])


def own_design(source: Source, settings: Settings) -> tuple[str, int]:
    """How the contrast that a study is about is analysed, and over how many with the same condition it is told.

    Where there are arms it is theirs, else one against a control, else the first.
    """

    def about(design: ContrastDesign) -> tuple[bool, bool, bool]:
        return design.kind != "parallel arms", is_control(design.treatment), not is_control(design.baseline)

    designs = [design for design in contrast_designs(source, settings=settings) if design.kind in PLANNED]
    first = min(designs, key=about, default=None)
    if first is None:
        return "paired", 1
    family = [design for design in designs if design.tested and design.key.held_against == first.key.held_against]
    return first.kind, max(len(family), 1)


def plan_sample(
    variation: Variation,
    *,
    effect: float = 1.2,
    power: float = 0.8,
    subjects: int | None = None,
    level: float = 0.05,
    design: str = "paired",
    dropout: float = 0.0,
    told_of: int | None = None,
) -> SamplePlan:
    """Answer how many subjects an effect needs, and what a number of subjects can find.

    Parameters
    ----------
    variation : Variation
        From `declared_variation`, `stated_variation` or `study_variation`.
    effect : float
        Ratio of treatment to baseline.
    power : float
        Wanted power.
    subjects : int, optional
        A number of subjects to ask about.
    level : float
        Two-sided level.
    design : str
        One of `PLANNED`, in any case of letters: its own test is planned for.
    dropout : float
        Share of subjects who are lost.
    told_of : int, optional
        Contrasts with the same condition over which a change is told (Holm); by default those of the design.
    """
    design = design.casefold()
    if design not in PLANNED or not 0 <= dropout < 1:
        raise SettingsError(
            f"Design {design!r}, drop-outs {dropout:g}: expected one of {', '.join(PLANNED)}, and a share below 1.",
            "For example: swa plan --design crossover --dropout 0.1.",
        )
    if not (effect > 0 and effect != 1) or not 0 < power < 1 or (subjects is not None and subjects < 2):
        raise SettingsError(
            f"Effect {effect:g} (ratio), power {power:g}, subjects {subjects}: expected a ratio other than 1, "
            "a power between 0 and 1, and at least 2 subjects.",
            "For example: swa plan --effect 20% --power 0.8 --subjects 12.",
        )
    ln_effect, sd, icc = math.log(effect), variation.change_sd, variation.icc
    of, response = variation.response_at, variation.response_at(sd)
    told_of = told_of or PLANNED[design].told_of
    needed = [
        subjects_needed(ln_effect, s, power, level, design=design, icc=icc, response=of(s), told_of=told_of)
        for s in (variation.low, sd, variation.high)
    ]
    asked = subjects or needed[1]
    own = design_power(design, ln_effect / sd, asked, level, icc, response, told_of)
    found = math.nan
    if subjects:
        found = detectable_effect(
            sd, subjects, power, level, design=design, icc=icc, response=response, told_of=told_of
        )
    by_t = paired_power(ln_effect, sd, asked, level / told_of) if design == "paired" else math.nan
    return SamplePlan(
        variation=variation,
        effect=effect,
        power=power,
        level=level,
        design=design,
        subjects=needed[1],
        subjects_range=(needed[0], needed[2]),
        recruited=math.ceil(needed[1] / (1 - dropout) - 1e-9),
        dropout=dropout,
        given=subjects,
        given_power=own if subjects else math.nan,
        detectable=found,
        told_of=told_of,
        power_by_t=by_t if by_t > own + TELLING else math.nan,
    )


def read_effect(text: str) -> float:
    """Read an effect, ``20%``, ``+20 %``, ``-15%`` or the ratio ``1.2``, as a ratio.

    Raises
    ------
    SettingsError
        It is neither, or a ratio below one half, which a share of 1 that was meant as a change looks like.
    """
    plain = text.replace(" ", "").replace(",", ".")
    try:
        value = 1 + float(plain[:-1]) / 100 if plain.endswith("%") else float(plain)
    except ValueError:
        value = math.nan
    if not 0 < value < 10:
        raise SettingsError(f"--effect {text}: not a change.", "Write it like 20%, -15% or, as a ratio, 1.2.")
    if value < 0.5 and not plain.endswith("%"):
        raise SettingsError(
            f"--effect {text}: as a ratio this is a fall by {1 - value:.0%}.",
            f"Write {100 * value:g}% for a rise by {value:.0%}, or {100 * (value - 1):g}% for the fall.",
        )
    return value


def _of_marker(source: Source, settings: Settings, effect_sd: float | None) -> tuple[Marker, Variation]:
    """Which marker is planned for, and the SD of its change."""
    if effect_sd is not None and not 0 <= effect_sd <= LARGEST_CV:
        raise SettingsError(
            f"Effect SD {effect_sd:g}: expected 0 to {LARGEST_CV:g}, as SD of the ln response.", "0.1 is about 10 %."
        )
    comparison, nights = settings.comparison, nights_of(source)
    marker = leading_marker(source, nights, comparison)
    _refuse_difference(marker)
    rows = marker.select(measure_rows(source, marker.measure))
    df, where, paired, least = 0, "", pd.Series(dtype=object), comparison.baseline_pairs_df
    if len(rows):
        sd, df = _baseline_sd(rows, nights, comparison)
        values = subject_values(rows, nights=nights, settings=settings)
        known = values[values["change"].notna()]
        parts = [(str(name), part) for name, part in known.groupby("contrast")]
        contrast, part = max(parts, key=lambda item: len(item[1]), default=("", known))
        paired = part["subject"].astype(str)
        keys = {design.contrast: design.key.in_words for design in contrast_designs(source, settings=settings)}
        where = keys.get(contrast, "")
        repeated = df >= least and math.isfinite(sd)
        # A stated spread is held against what it is added to: nights alone. Else the changes say it themselves.
        if len(part) > least and not (repeated and effect_sd is not None):
            return marker, _of_changes(part, where, sd, asked=bool(effect_sd), confidence=comparison.confidence)
        if repeated:
            basis = f"repeated baseline nights of this study (SD between nights {sd:.3g} ln, df {df})"
            basis += "" if effect_sd else ", all taken to respond alike"
            return marker, _estimated(math.sqrt(2) * sd, df, effect_sd or 0.0, basis, comparison.confidence)
    raise StudyError(
        f"{marker}: {_too_few(set(paired), where, nights, least)}; repeated "
        f"baseline nights give {df} degrees of freedom, {least} are needed.",
        STATE_IT,
    )


def _of_changes(part: pd.DataFrame, where: str, within: float, *, asked: bool, confidence: float) -> Variation:
    """SD of the subjects' changes; what means over several nights took from it is added, so that it is of one each."""
    found = float(np.log(part["change"]).std())
    fewer = 2 - float((1 / part["n_treatment"] + 1 / part["n_baseline"]).mean())
    of_one = math.sqrt(found**2 + fewer * within**2) if fewer > 0 and math.isfinite(within) else found
    held = "they hold the spread of responses" + (", so effect SD is not added" if asked else "")
    each = f"; SD between nights {within:.3g} ln: of one night each" if of_one > found else ""
    basis = f"changes of {len(part)} subjects in {where} ({held}{each})"
    return _estimated(of_one, len(part) - 1, 0.0, basis, confidence)


def _refuse_difference(marker: Marker) -> None:
    if scale_of(marker.measure) != "ratio":
        raise StudyError(
            f"The primary marker {marker.measure} is compared as a difference; a plan is made for a ratio.",
            "State the reliability of a ratio (swa plan --icc X --cv Y), or declare a primary such as swa.",
        )


def _too_few(paired: set[str], where: str, nights: pd.DataFrame, least: int) -> str:
    """How many subjects have a change, and who has none and why."""
    status = text_column(nights, "status").replace("", "done")
    out = []
    for subject, own in nights.assign(status=status).groupby(nights["subject"].astype(str), sort=False):
        lost = own[own["status"] != "done"]
        why = [f"{condition} {what}" for condition, what in zip(lost["condition"], lost["status"], strict=True)]
        conditions = sorted(set(own["condition"].astype(str)))
        no_reason = "not measured" if len(conditions) > 1 else f"{conditions[0]} alone"
        out += [f"{subject} ({', '.join(why) or no_reason})"] * (subject not in paired)
    more = f" and {len(out) - MOST_NAMED} more" if len(out) > MOST_NAMED else ""
    of = f" in {where}" if where else ""
    left = f" (left out: {', '.join(out[:MOST_NAMED])}{more})" if out else ""
    count = f"{len(paired)} subject{'' if len(paired) == 1 else 's'}"
    return f"{count} with a change{of}, more than {least} are needed{left}"


def _baseline_sd(rows: pd.DataFrame, nights: pd.DataFrame, settings: ComparisonSettings) -> tuple[float, int]:
    used = usable_nights(nights)
    place = {key: i for i, key in enumerate(zip(used["subject"], used["session"], strict=True))}
    keys = zip(rows["subject"].astype(str), rows["session"].astype(str), strict=True)
    rows = rows.assign(night=[place.get(key, -1) for key in keys])
    rows = rows[rows["night"] >= 0]
    if rows.empty:
        return math.nan, 0
    found = pooled_within_sd(measure_grid(rows, used), find_baseline(nights, settings))
    return float(found.sd[0]), int(found.df[0])


def _estimated(change_sd: float, df: int, effect_sd: float, basis: str, confidence: float) -> Variation:
    """SD with its chi-square limits."""
    tails = ((1 + confidence) / 2, (1 - confidence) / 2)
    low, high = (change_sd * math.sqrt(df / float(stats.chi2.ppf(q, df))) for q in tails)
    add = [math.sqrt(sd**2 + effect_sd**2) for sd in (change_sd, low, high)]
    if add[0] == 0:
        raise StudyError(f"{basis}: nothing varies.", STATE_IT)
    text = basis + (f", effect SD {effect_sd:g} (ln)" if effect_sd else "")
    return Variation(change_sd=add[0], low=add[1], high=add[2], basis=text, effect_sd=effect_sd)
