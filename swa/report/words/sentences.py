"""Sentences of the pages: the result in plain words, and what it cannot say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from swa.glossary import name_of, read_glossary
from swa.report.leading_rows import Headline
from swa.report.words.names import (
    DEEPER_SLEEP,
    electrode_name,
    electrodes_in_words,
    in_sentence,
    marker_name,
    stages_in_words,
    stages_name,
    unit_of,
    window_for_everyone,
    window_in_sentence,
    window_in_words,
)
from swa.report.words.numbers import (
    FEWEST_TO_TELL,
    MINUS,
    NBSP,
    NO_INTERVAL,
    TOO_FEW,
    Change,
    describe_change,
    join,
    no_change,
    p_is,
    p_value,
    percent,
    plural,
    share,
)
from swa.report.words.one_subject import repeated_nights
from swa.report.words.p_values import name_of_test, why_no_p
from swa.settings import Settings
from swa.tables.contrast import Contrast
from swa.tables.design_limit import IN_OTHER_WORDS, NOT_TOLD, DesignLimit, decode_limits
from swa.tables.interval import LEAST_LEVEL
from swa.tables.marker import ALL, DEFAULT_MARKER, REGIONS
from swa.tables.notes import (
    ARM_SIZES,
    ASIDE,
    BASELINE_ALIKE,
    BASELINE_LEVELS,
    BASELINE_PAIRS,
    FEW_FOR_FLIPS,
    GROUP_CHANGES,
    NIGHTS_CHOSEN,
    NIGHTS_LOST,
    NO_RELIABILITY,
    NO_WINDOW_RELIABILITY,
    NOT_POSITIVE,
    ONE_ARM,
    ONE_SUBJECT,
    STATED_RELIABILITY,
    STATED_SCATTER,
    SUBJECTS_LOST,
    lacks_variation,
)
from swa.tables.reason import Reason, decode, filled

MARKER_NOT_MEASUREMENT = (
    "Slow-wave activity and slow waves are markers of sleep need and synaptic strength, not measurements of them: "
    "circadian phase, prior wake, age, medication and the amplification of an electrode move them as well."
)
NO_DIRECTION = "No direction is presumed: every test and interval is two-sided."
MAGNESIUM = (
    "For magnesium the published evidence of a rise in slow-wave activity is thin; a change of either sign is possible."
)
PAIRED_T = "the paired t interval, which rests on normally distributed changes"
EXPLORATORY = "The study declares no primary marker, so every result on this page is exploratory."
# In a sentence that has said already that there is no interval.
WITHOUT_INTERVAL = {
    BASELINE_ALIKE.code: "the baseline nights do not differ at all",
    NO_RELIABILITY.code: "needs repeated baseline nights (df ≥ {df}), there is no stated reliability for this measure",
    NO_WINDOW_RELIABILITY.code: "needs repeated baseline nights (df ≥ {df}), there is no stated reliability for this "
    "part of the night",
    ONE_SUBJECT.code: "there is one subject",
}
COURSE = (
    "Whether the time constant or the asymptote differs is not told by these nights: another asymptote reads as "
    "another time constant. What is told is whether the course differs."
)
MOST_GLOSSED = 2  # channels
MOST_NAMED = 4  # channels of a region
TWO_SUBJECTS = "Two subjects cannot carry a test: look at each of them."
DIRECTION_UNCLEAR = "direction unclear"
NARROW = "not told: interval too narrow"
MAY_BE_CHANCE = "may be chance: one of {n} comparisons"
FIRST_CYCLE = "NREM cycle 1 leads: sleep need, which slow-wave activity marks, is greatest there."


# Whether nights can be compared at all: a mark that is told from the others without its colour, and words that cannot
# be taken for an approval of the result.
VERDICTS = {
    "sound": (
        "\u25cb",
        "Recordings checked: nothing in them speaks against comparing these nights",
    ),
    "caution": ("\u25b2", "Comparison in doubt"),
    "not comparable": ("\u25a0", "Nights cannot be compared"),
}
# What the design leaves open: in a few words beside the effect, and as papers say it.
LIMITS = {
    DesignLimit.NO_CONTROL: (
        "No control condition",
        "Without a control condition the drug is confounded with night order, adaptation and regression to the mean.",
    ),
    DesignLimit.ONE_ORDER: (
        "Nights in the same order in every subject",
        "In one order of the nights the drug is confounded with night order and adaptation.",
    ),
    DesignLimit.UNEQUAL_ORDERS: (
        "Unequal orders of the nights",
        "Where more subjects had the nights in one order than in the other, the drug is confounded with night order.",
    ),
    DesignLimit.SAME_PLACE: (
        "Nights at the same place in the order",
        "Where the nights stand at the same place in the order on average, only a steady trend over them cancels.",
    ),
    DesignLimit.UNKNOWN_ORDER: (
        "Order of the nights unknown",
        "Where the order of the nights is not known, the drug may be confounded with it.",
    ),
    DesignLimit.ZEROS: (
        "Lowest values left out",
        "Where subjects with a zero or negative value are left out of a ratio, the change can be the opposite.",
    ),
    DesignLimit.LOSS: (
        "More lost on one side",
        "Where more subjects of one condition or arm are lost, the difference may be one of those who are left.",
    ),
    DesignLimit.NIGHTS_CHOSEN: (
        "Nights left out by hand",
        "Where nights are left out of subjects who stay in, the result may be one of that choice.",
    ),
    DesignLimit.BASELINE_LEVEL: (
        "Arms differ at baseline",
        "Where arms differ at baseline, what they differ by afterwards hangs on the adjustment for it.",
    ),
    DesignLimit.ONE_ARM: (
        "Only the comparison of the arms can show an effect of the drug",
        "Within one arm the drug is confounded with night order, adaptation and regression to the mean.",
    ),
    DesignLimit.GROUPS: (
        "Groups as they were found",
        "Groups that were not assigned by lot may differ in more than their name: the difference may be confounded.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one contrast says of the marker that a page leads with.

    Attributes
    ----------
    question : str
        What is compared.
    effect : str
        The change, with its sign and unit.
    aside : str
        What must be known before the change is read, in three words; empty where there is nothing.
    is_part : bool
        Whether it is a change within one arm, which only the comparison of the arms can judge.
    is_told : bool
        Whether it is told from no change, between nights that can be compared.
    numbers : tuple of str
        Interval, n and p, with its test.
    reading : str
        What they mean.
    limit : str
        What the design leaves open; empty where it does not.
    verdict, mark, verdict_words, doubts : str
        Whether the nights can be compared, the mark for it, its words, and the reasons; empty where nobody judged.
    sentence : str
        All of it as a paper would say it.
    """

    question: str
    effect: str
    aside: str
    is_part: bool
    is_told: bool
    numbers: tuple[str, ...]
    reading: str
    limit: str
    verdict: str
    mark: str
    verdict_words: str
    doubts: str
    sentence: str


def group_answer(row: pd.Series, contrast: Contrast, headline: Headline, settings: Settings) -> Answer:
    """The change over subjects in a few words, and in a sentence; the row is one of `adjust_leading`."""
    change = describe_change(row, unit_of(headline.marker.measure))
    tests = _test_on_card(row) if change.measured else ()
    reading = _group_reading(row, change, contrast, settings) if change.interval else ""
    sentence = group_result(row, contrast, headline, settings)
    answer = _answer(row, contrast, change, settings, (tests, "subject", reading, sentence))
    few, chance = change.measured and change.n < FEWEST_TO_TELL, _may_be_chance(row, change, settings)
    limits = decode_limits(row["design_limit"])
    is_open = few or chance or answer.is_part or DesignLimit.ONE_ARM in limits
    is_told = answer.is_told and not is_open and NOT_TOLD.isdisjoint(limits)
    if few and _too_few_alone(row, change):
        counted = (_count(change, row, "subject"), *tests)
        answer = replace(answer, aside=TOO_FEW, numbers=counted, reading=TWO_SUBJECTS)
    elif few:
        answer = replace(answer, aside=TOO_FEW)
    elif chance:
        answer = replace(answer, aside=MAY_BE_CHANCE.format(n=row["n_tests"]))
    return replace(answer, is_told=is_told)


def subject_answer(row: pd.Series, contrast: Contrast, headline: Headline, settings: Settings) -> Answer:
    """One subject's change in a few words, and in a sentence."""
    change = describe_change(row, unit_of(headline.marker.measure))
    sentence, reasons = subject_result(row, contrast, headline, settings), decode(row["reasons"])
    lacks = lacks_variation(reasons)
    reading = _basis(reasons, settings) if change.interval and lacks else _subject_reading(change, settings)
    answer = _answer(row, contrast, change, settings, ((), "night", reading, sentence))
    return replace(answer, is_told=answer.is_told and not lacks)


def unstated(*, blinded: bool) -> str:
    """What no file of a study says; of results with codes for conditions nobody asks whether they are blinded."""
    what = "randomised" if blinded else "randomised or blinded"
    return f"Whether the study was {what} is not in its files, so swa does not know it"


def limits_in_short(limits: Sequence[DesignLimit]) -> str:
    """What a design leaves open, in a few words; empty where it leaves nothing open."""
    if not limits:
        return ""
    if DesignLimit.ONE_ARM in limits:
        return f"{LIMITS[DesignLimit.ONE_ARM][0]}."
    of_cause = [LIMITS[limit][0] for limit in limits if limit not in IN_OTHER_WORDS]
    said = [f"{join([of_cause[0], *map(in_sentence, of_cause[1:])])}: cause not established."] if of_cause else []
    left = {DesignLimit.ZEROS: "direction", DesignLimit.BASELINE_LEVEL: "difference"}
    said += [f"{LIMITS[limit][0]}: {what} not established." for limit, what in left.items() if limit in limits]
    return " ".join(said)


def loss_in_words(row: pd.Series) -> str:
    """How many subjects are lost of each side, where that differs, and nights by choice; else empty."""
    reasons = decode(row["reasons"])
    found = (kind.among(reasons) for kind in (NIGHTS_LOST, SUBJECTS_LOST, NIGHTS_CHOSEN))
    return _joined(*(f"{one.words[:1].upper()}{one.words[1:]}." for one in found if one))


def _loss_in_short(row: pd.Series) -> str:
    """As `loss_in_words`, for a card."""
    reasons = decode(row["reasons"])
    if chosen := NIGHTS_CHOSEN.among(reasons):
        left = "Nights left out by hand: {said}, of {subjects} of {n} subjects; those left may differ."
        by_hand = left.format_map(chosen.values)
    else:
        by_hand = ""
    if nights := NIGHTS_LOST.among(reasons):
        said = filled("{lost} of {n} subjects have no usable {condition} night" + ASIDE, nights.values)
    elif sides := SUBJECTS_LOST.among(reasons):
        said = "{lost} of {n} of {first} lost, {other_lost} of {other_n} of {second}".format_map(sides.values)
    else:
        return by_hand
    return _joined(f"{said}: those left may differ.", by_hand)


def _too_few_alone(row: pd.Series, change: Change) -> bool:
    """Whether subjects are too few for an interval, and the row gives no other reason for having none."""
    return change.n < FEWEST_TO_TELL and all(one.kind.part != "no interval" for one in decode(row["reasons"]))


def _may_be_chance(row: pd.Series, change: Change, settings: Settings) -> bool:
    """Whether the interval of a contrast by itself leaves out no change, and its p over all of its family does not."""
    level = 1 - settings.comparison.confidence
    return change.excludes_none and row["n_tests"] > 1 and bool(row["p_adjusted"] > level)


def _answer(
    row: pd.Series, contrast: Contrast, change: Change, settings: Settings, said: tuple[tuple[str, ...], str, str, str]
) -> Answer:
    tests, counted, reading, sentence = said
    why = "" if change.measured else row["note"] or "no value in one of the nights"
    interval = _interval(change, decode(row["reasons"]), settings) if change.measured else ""
    is_part = ONE_ARM.among(decode(row["reasons"])) is not None
    # The arm of the control leaves as little to conclude as that of the drug.
    limits = decode_limits(row["design_limit"]) or ((DesignLimit.ONE_ARM,) if is_part else ())
    nothing = row["verdict"] == "sound" and not change.measured  # of nothing, nothing is sound
    verdict = "" if nothing else row["verdict"]
    mark, words = VERDICTS.get(verdict, ("", verdict))
    return Answer(
        question=contrast.in_words,
        effect=change.change,
        aside=_aside(change, settings),
        is_part=is_part,
        is_told=change.excludes_none and not _is_narrow(settings) and row["verdict"] != "not comparable",
        numbers=tuple(text for text in (interval, _count(change, row, counted), *tests) if text),
        reading=reading or why,
        limit=_joined(limits_in_short(limits), _loss_in_short(row)) if change.measured else "",
        verdict=verdict,
        mark=mark,
        verdict_words=words,
        doubts=row["verdict_reasons"],
        sentence=sentence,
    )


def _aside(change: Change, settings: Settings) -> str:
    if change.interval and not change.excludes_none:
        return DIRECTION_UNCLEAR
    return NARROW if change.excludes_none and _is_narrow(settings) else ""


def _is_narrow(settings: Settings) -> bool:
    """Whether intervals are of a lower level than that by which changes are told."""
    return settings.comparison.confidence < LEAST_LEVEL


def _count(change: Change, row: pd.Series, counted: str) -> str:
    """The nights or subjects of a change; of arms each apart, for their sum reads as the number of the treated."""
    if not change.measured:
        return ""
    reasons = decode(row["reasons"])
    sizes = ARM_SIZES.among(reasons) or GROUP_CHANGES.among(reasons)
    of_arms = f"{sizes.values['n_first']}{NBSP}+{NBSP}{sizes.values['n_second']}{NBSP}{counted}s" if sizes else ""
    return f"n{NBSP}={NBSP}{of_arms or plural(change.n, counted)}"


def headline_name(headline: Headline, settings: Settings) -> str:
    """The headline in words: marker, stages, window, channel."""
    own = headline.marker
    window = window_in_sentence(own.window, settings)
    marker = in_sentence(marker_name(own.measure, settings))
    if own.channel == ALL:  # sleep architecture is of no channel
        return f"{marker} of {window}"
    return f"{marker} in {stages_name(own.stages)} of {window} at {where_in_words(headline)}"


def headline_in_plain_words(headline: Headline, settings: Settings) -> list[tuple[str, str]]:
    """The headline as a first reader understands it: its parts, each with the exact term where that is another."""
    own, members = headline.marker, headline.members
    span = window_for_everyone(own.window, settings)
    marker = in_sentence(marker_name(own.measure, settings))
    if own.channel == ALL:
        return [(f"{marker} of ", ""), (span, "")]
    place = members[0] if len(members) == 1 else own.channel
    electrode = f"{place} electrodes" if place in REGIONS else electrode_name(place)
    known = join(members) if 1 <= len(members) <= MOST_NAMED else place * (place not in REGIONS)
    short = stages_name(own.stages)
    return [
        (f"{marker} in ", ""),
        (DEEPER_SLEEP, short) if own.stages == DEFAULT_MARKER.stages else (short, ""),
        (" of ", ""),
        (span, ""),
        (" at ", ""),
        (f"the {electrode}", known) if electrode else (where_in_words(headline), ""),
    ]


def glosses(headline: Headline) -> list[str]:
    """The short names in it, in words."""
    own = headline.marker
    channels = headline.members or (own.channel,)
    found = [stages_in_words(own.stages) if own.channel != ALL else "", window_in_words(own.window)]
    found += [electrodes_in_words(name) for name in channels if len(channels) <= MOST_GLOSSED]
    return [text for text in found if text]


def was(headline: Headline) -> str:
    """The verb of the headline: minutes were, power was."""
    return "were" if name_of(headline.marker.measure).startswith("Minutes ") else "was"


def where_in_words(headline: Headline) -> str:
    """The channel in words: one by name, a region with what it stands for."""
    place, members = headline.marker.channel, headline.members
    if place not in REGIONS:
        return place
    if len(members) == 1:
        return f"the {place} channel {members[0]}"
    named = f" ({join(members)})" if 1 < len(members) <= MOST_NAMED else ""
    return f"the {place} channels{named}"


def stand_in(headline: Headline) -> str:
    """Say so where a channel leads for want of a frontal or central one that a subject's nights share; else empty."""
    place = headline.marker.channel
    leads = not headline.declared and bool(place) and place not in REGIONS
    return f"No subject has the same frontal or central channel in all nights: {place} leads." if leads else ""


def subject_result(row: pd.Series, contrast: Contrast, headline: Headline, settings: Settings) -> str:
    """One subject's change in a sentence, with interval and n, or why there is none."""
    reasons, what = decode(row["reasons"]), headline_name(headline, settings)
    change = describe_change(row, unit_of(headline.marker.measure))
    if not change.measured:
        return _not_measured(row, contrast, what)
    treatment, comparator = (
        f"the {name} night{'' if change.n == 2 else 's'}" for name in (contrast.treatment, contrast.comparator)
    )
    amount, word = _amount(row, change)
    sentence = (
        f"In {treatment}, {what} {was(headline)} {amount} {word} in {comparator} "
        f"({_interval(change, reasons, settings)}; n{NBSP}={NBSP}{plural(change.n, 'night')})."
    )
    if not change.interval:
        return _joined(sentence, _verdict(row))
    reading = "" if lacks_variation(reasons) else _subject_reading(change, settings)
    reading = _joined(reading, _course(headline))
    return _joined(sentence, reading, _basis(reasons, settings), _verdict(row))


def _course(headline: Headline) -> str:
    entry = read_glossary().get(headline.marker.measure)
    return COURSE if entry and entry.read_as_course else ""


def _subject_reading(change: Change, settings: Settings) -> str:
    if not change.interval:
        return ""
    if change.excludes_none and _is_narrow(settings):
        return _narrow_reading("change", settings)
    if change.excludes_none:
        return "That is more than two nights of one person would usually differ."
    return "Two nights of one person may well differ by as much: the interval reaches from a fall to a rise."


def group_result(row: pd.Series, contrast: Contrast, headline: Headline, settings: Settings) -> str:
    """The change over subjects in a sentence, with interval, p, n and method."""
    reasons, what = decode(row["reasons"]), headline_name(headline, settings)
    change = describe_change(row, unit_of(headline.marker.measure))
    if not change.measured:
        return _not_measured(row, contrast, what)
    amount, word = _amount(row, change)
    amount = f"on average {amount}" if change.n > 1 else amount
    said = (
        f"In {contrast.treatment} nights, {what} {was(headline)} {amount} {word} in {contrast.comparator} nights"
        if contrast.is_within
        else f"The change of {what} was {amount} in {contrast.first} {word} in {contrast.second}"
    )
    method = f"; {row['method']}" if row["method"] else ""
    if _too_few_alone(row, change):  # what looks like a test would be taken for one
        return _joined(f"{said} (n{NBSP}={NBSP}{plural(change.n, 'subject')}).", TWO_SUBJECTS, _verdict(row))
    sentence = (
        f"{said} ({_interval(change, reasons, settings)}; {_test(row, contrast)}; "
        f"n{NBSP}={NBSP}{plural(change.n, 'subject')}{method})."
    )
    if not change.interval:
        return _joined(sentence, _zeros(row), _verdict(row))
    few = FEW_FOR_FLIPS.among(reasons)
    basis = f"Method: {few.words}, so this is {PAIRED_T}." if few else ""
    reading = _joined(_group_reading(row, change, contrast, settings), _course(headline))
    return _joined(sentence, reading, loss_in_words(row), basis, _verdict(row))


def _not_measured(row: pd.Series, contrast: Contrast, what: str) -> str:
    why = row["note"] or "no value in one of the nights"
    return f"{contrast.in_words}: the change of {what} was not measured ({why})."


def _amount(row: pd.Series, change: Change) -> tuple[str, str]:
    """``117 % higher`` and ``than``, or ``the same`` and ``as``."""
    estimate, null = float(row["estimate"]), no_change(row)
    if estimate == null or change.change == percent(1.0):
        return "the same", "as"
    return f"{change.change.lstrip('+' + MINUS)} {'higher' if estimate > null else 'lower'}", "than"


def _interval(change: Change, reasons: Sequence[Reason], settings: Settings) -> str:
    if change.interval:
        return f"{100 * settings.comparison.confidence:g}{NBSP}% interval {change.interval}"
    why = [_without(one) for one in reasons if one.kind.part == "no interval"]
    return f"{NO_INTERVAL}: {'; '.join(why) or 'no reason was stored'}"


def _without(reason: Reason) -> str:
    own = WITHOUT_INTERVAL.get(reason.code)
    return own.format_map(reason.values) if own else reason.words


def _test(row: pd.Series, contrast: Contrast) -> str:
    if pd.isna(row["p"]):
        return "no p"
    test = p_is(float(row["p"]))
    if row["p_adjusted"] != row["p"]:
        adjusted = p_value(float(row["p_adjusted"]), 3)
        test += f", {adjusted} adjusted over {_family(row, contrast)}; the interval is not adjusted"
    return test


def _test_on_card(row: pd.Series) -> tuple[str, ...]:
    """The p and its test, or why there is none; what the adjusted one is of stands in the sentence."""
    reasons = decode(row["reasons"])
    if pd.isna(row["p"]):
        return (f"no p {why_no_p(reasons)}".strip(),)
    adjusted = p_value(float(row["p_adjusted"]), 2)
    over = f" ({adjusted} over {row['n_tests']} contrasts)" if row["p_adjusted"] != row["p"] else ""
    return (f"{p_is(float(row['p']), 2)}{over}", name_of_test(reasons))


def _family(row: pd.Series, contrast: Contrast) -> str:
    return f"the {row['n_tests']} contrasts with {contrast.comparator if contrast.is_within else contrast.second}"


def _zeros(row: pd.Series) -> str:
    """How many subjects have no ratio, and what that does; empty where all have one."""
    found = [reason for reason in decode(row["reasons"]) if NOT_POSITIVE.among([reason])]
    if not found:
        return ""
    said = join([one.words for one in found])
    return f"Left out as without a ratio: {said}. These are the lowest values: the true change can be the opposite."


def _group_reading(row: pd.Series, change: Change, contrast: Contrast, settings: Settings) -> str:
    if zeros := _zeros(row):
        return zeros
    levels = [found for kind in BASELINE_LEVELS if (found := kind.among(decode(row["reasons"])))]
    if levels:
        return f"{levels[0].words}."
    within = contrast.is_within
    none = "change" if within else "difference"
    lies = f"lies {'above' if float(row['estimate']) > no_change(row) else 'below'} no {none}"
    if _may_be_chance(row, change, settings):
        return (
            f"The interval by itself {lies}, but of {_family(row, contrast)} one does so by chance more often than in "
            f"{share(1 - settings.comparison.confidence)} of studies: adjusted for that, no {none} is told."
        )
    if change.excludes_none and _is_narrow(settings):
        return _narrow_reading(none, settings)
    if change.excludes_none:
        doubted = ", if the recordings can be compared" if row["verdict"] in ("caution", "not comparable") else ""
        return f"The whole interval {lies}{doubted}."
    if within:
        return "The interval reaches from a fall to a rise: these nights show neither for certain."
    sides = f"{contrast.first} changed more or less than {contrast.second}"
    return f"Whether {sides} stays open: the interval leaves room for either."


def _narrow_reading(none: str, settings: Settings) -> str:
    level = settings.comparison.confidence
    return (
        f"An interval of {share(level)} leaves out no {none} by chance in {share(1 - level)} of studies: so "
        "narrow a one tells none."
    )


def _verdict(row: pd.Series) -> str:
    """Whether the nights can be compared at all, where that was judged."""
    if not row["verdict"]:
        return ""
    reasons = f" ({row['verdict_reasons']})" if row["verdict_reasons"] else ""
    return f"Whether the recordings can be compared: {row['verdict']}{reasons}."


def _basis(reasons: Sequence[Reason], settings: Settings) -> str:
    """What the interval of one subject rests on."""
    comparison = settings.comparison
    if stated := STATED_RELIABILITY.among(reasons):
        times = stated.values.get("times")
        part = f"; this part of the night varies {times:.3g} times as much as the whole" if times else ""
        return (
            f"The interval rests on a stated reliability (ICC {comparison.icc:g}, CV {share(comparison.cv)}{part}), "
            "not on repeated nights of this study."
        )
    if lacks_variation(reasons):
        alone = "the scatter of waves and stages" if STATED_SCATTER.among(reasons) else "the error of the fit"
        return f"The interval holds {alone} alone: how much else nights of one person differ by is not known."
    if pairs := BASELINE_PAIRS.among(reasons):
        return repeated_nights(pairs)
    return ""


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def exploratory(headline: Headline, *, compared: bool) -> str:
    """What a page says where no primary was declared."""
    if headline.declared or not compared:
        return ""
    is_first = headline.marker.window == DEFAULT_MARKER.window
    return _joined(EXPLORATORY, FIRST_CYCLE if is_first else "")


def caveats(conditions: Iterable[str], limits: Iterable[DesignLimit] = ()) -> list[str]:
    """What no page may leave unsaid of these conditions and of designs with these limits."""
    names = list(conditions)
    magnesium = any(is_magnesium(name) for name in names)
    return [
        *(LIMITS[limit][1] for limit in limits),
        MARKER_NOT_MEASUREMENT,
        *([NO_DIRECTION] if names else []),
        *([MAGNESIUM] if magnesium else []),
    ]


def is_magnesium(condition: str) -> bool:
    """Whether the name of a condition says magnesium."""
    name = condition.casefold()
    return "magnes" in name or name.startswith("mg")
