"""What the rows of the contrasts say of themselves: kinds of reason for the columns `method`, `note` and `reasons`."""

from collections.abc import Iterable, Mapping, Sequence

from swa.tables.reason import Reason, declare, encode

TEXT_COLUMNS = ("method", "note", "reasons")

# How the interval of a subject's row was found, and why there is none.
NO_INTERVAL = declare("no_interval", "no interval", "method")
BASELINE_PAIRS = declare(
    "baseline_pairs", "baseline pairs[ of {subjects} subjects] (SD_w {sd:.3g}, t df {df})", "method"
)
_TIMES = "[, {times:.3g} times that of a whole night]"
STATED_RELIABILITY = declare("stated_reliability", f"stated reliability (SD_w {{sd:.3g}}{_TIMES})", "method")
STATED_SCATTER = declare(
    "stated_scatter",
    f"scatter of waves and stages alone (SD_w {{sd:.3g}}{_TIMES}), without what else differs between nights, which is "
    "not known",
    "method",
)
STATED_BY_SCORINGS = declare(
    "stated_by_scorings",
    "stated reliability (SD_w {sd:.3g}, t df {df}; nights of one person in BOAS and Sleep-EDF)",
    "method",
)
BASELINE_ALIKE = declare("baseline_alike", "no interval: the baseline nights do not differ at all", "no interval")
NO_RELIABILITY = declare(
    "no_reliability",
    "no interval: needs repeated baseline nights (df >= {df}), there is no stated reliability for this measure",
    "no interval",
)
NO_WINDOW_RELIABILITY = declare(
    "no_window_reliability",
    "no interval: needs repeated baseline nights (df >= {df}), there is no stated reliability for this part of the "
    "night",
    "no interval",
)

FIT_ERROR = declare("fit_error", "with the error of the fit", "method")
FIT_ERROR_ALONE = declare(
    "fit_error_alone", "error of the fit alone, without the variation between nights, which is not known", "method"
)

# What a subject's change is made of, how it reads, and why there is none.
MEAN_OF_NIGHTS = declare("mean_of_nights", "mean of {n} {condition} nights")
SOME_NIGHTS = declare("some_nights", "{n} of {there} {condition} nights measured")
WITHIN_VARIATION = declare("within_variation", "within night-to-night variation", "reading")
RELIABLE_CHANGE = declare("reliable_change", "reliable change", "reading")
NO_NIGHT = declare("no_night", "no {condition} night")
NIGHT_ASIDE = declare("night_aside", "the only {condition} night is at a place left aside")
BOTH_ONE_RECORDING = declare("both_one_recording", "both nights are the same recording")
ONE_RECORDING = declare("one_recording", "the same recording stands for another night")
OTHERS_RECORDING = declare("others_recording", "the same recording stands for a night of another subject")
NO_RATIO = declare("no_ratio", "a zero or negative value has no ratio")
NOT_MEASURED = declare("not_measured", "not measured in {condition}[: {text}]")  # in the words of the night itself

# Why a night has no value in a window.
THIN_CYCLE = declare("thin_cycle", "{minutes:.1f} min of N2 and N3 in this cycle, {needed:g} are needed")

LIGHTS_UNKNOWN = declare(
    "lights_unknown",
    "not known: {minutes:.0f} min awake or unscored {side} sleep, and no lights {light}; give lights_{light} in the "
    "study file",
)

LIGHTS_BEYOND = declare(
    "lights_beyond",
    "not known: lights {light} lies {minutes:.0f} min {side} the recording, of which nothing was recorded",
)

# Why there is no density of eye movements.
NO_EYES = declare("no_eyes", "needs the left and the right EOG against one reference or the mastoids; found: {names}")
NO_REM = declare("no_rem", "the window has no REM sleep in which both eyes were recorded")
FEW_REM_MINUTES = declare("few_rem_minutes", "{minutes:.1f} min of usable REM sleep, {needed:g} are needed")

# Why Process S is not told where conditions may differ in its time constant or asymptote.
_COURSE = "whether the conditions differ in time constant or asymptote cannot be told: "
COURSE_FEW_CYCLES = declare(
    "course_few_cycles", _COURSE + "{cycles} cycle means leave {freedom} degrees of freedom, {needed} are needed"
)
COURSE_OPEN = declare("course_open", _COURSE + "the cycles leave it open")
COURSE_RISES = declare("course_rises", "the initial value is not above the asymptote")
COURSE_WIDE = declare(
    "course_wide", _COURSE + "interval of \u00d7/\u00f7 {factor:.3g}, wider than \u00d7/\u00f7 {widest:g}"
)

COURSE_MODELS = declare(
    "course_models",
    "AICc over that of a shared time constant and asymptote: {tau:+.1f} with a time constant for each condition, "
    "{asymptote:+.1f} with an asymptote for each",
)
LEAST_LEAD = 2.0  # in AICc; even beyond it every third subject is told wrongly (benchmarks/process_s.py)
COURSE_EITHER = declare("course_either", "that tells no other time constant from another asymptote")
COURSE_RATHER = declare(
    "course_rather", "that is rather another {better}, which two of three such subjects tell rightly"
)
OTHER_COURSE = declare("other_course", "another asymptote reads as another time constant: the course differs")

# What a value of the whole night rests on, where nights of a subject are cut to their common NREM time.
FIRST_MINUTES = declare("first_minutes", "the first {minutes:g} min of NREM")

# Tests over subjects: how, and what came out beside estimate and interval.
SIGN_FLIPS_EXACT = declare("sign_flips_exact", "sign-flip, exact", "method")
SIGN_FLIPS_DRAWN = declare("sign_flips_drawn", "sign-flip, {flips} random flips", "method")
PAIRED_T = declare("paired_t", "paired t", "method")
_ORDERS = "{baseline} first {n_baseline_first}, {treatment} first {n_treatment_first}"
PERIODS_OUT = declare("periods_out", "paired, less the means of the four places, t", "method")
LABELS_EXACT = declare("labels_exact", f"Hills-Armitage, labels permuted, exact, {_ORDERS}", "method")
LABELS_DRAWN = declare("labels_drawn", f"Hills-Armitage, {{permutations}} label permutations, {_ORDERS}", "method")
LABELS_T = declare("labels_t", f"Hills-Armitage, t, {_ORDERS}", "method")
ANCOVA_PRE = declare("ancova_pre", "ANCOVA of the post on the pre difference", "method")
ANCOVA_PRE_ORDER = declare("ancova_pre_order", "ANCOVA of the post on the pre difference and the order", "method")
MIXED_MODEL = declare("mixed_model", "mixed model, condition + (1 | subject), within subjects", "method")
MIXED_MODEL_PERIOD = declare(
    "mixed_model_period", "mixed model, condition + period + (1 | subject), within subjects", "method"
)
ANCOVA_ARMS = declare("ancova_arms", "ANCOVA between arms, adjusted for baseline", "method")
WELCH = declare("welch", "group x treatment, Welch", "method")
WELCH_ORDER = declare("welch_order", "group x treatment, Welch, order adjusted", "method")
WELCH_ONE_ORDER = declare(
    "welch_one_order", "group x treatment, one effect of the order, unequal variances (HC2), t", "method"
)

ATTAINED_LEVEL = declare("attained_level", "{percent:.1f} % interval")
PAIRED_T_IS = declare("paired_t_is", "paired t({df}) = {t:z.2f}[, p {p:.2g}][, {low to high:.3g}]", "statistic")
ORDERS_T_IS = declare("orders_t_is", "t({df}) = {t:.2f}, p {p:.2g}[, {low to high:.3g}]", "statistic")
T_IS = declare("t_is", "t({df}) = {t:.2f}", "statistic")
WELCH_T_IS = declare("welch_t_is", "t({df:.1f}) = {t:.2f}", "statistic")
G_AV = declare("g_av", "g_av {g:z.2f}", "statistic")
MEDIAN_DIFFERENCE = declare(
    "median_difference",
    "median difference {median:z.3g}[ ({low to high:z.3g}; {percent:.1f} % signed-rank interval)], Hodges-Lehmann",
    "statistic",
)
NO_G_AV = declare("no_g_av", "no g_av: baseline nights hardly vary by construction")
PERIOD_EFFECT = declare("period_effect", "period 2 to 1: {change:.3g}")
_CARRIED = "carry-over {change:.3g} ({low to high:.3g}), which would bias the estimate by"
CARRY_OVER = declare("carry_over", _CARRIED + " {bias:.3g}")
CARRY_OVER_RATIO = declare("carry_over_ratio", _CARRIED + " a factor of {bias:.3g}")
SLOPE_ON_PRE = declare("slope_on_pre", "slope on pre {slope:.2f}")
SLOPE_ON_BASELINE = declare("slope_on_baseline", "slope on baseline {slope:.2f}")
_APART = "{first} and {second} differ at baseline by "
_PLAIN = ", p {p_gap:.2g}; their plain changes tell no such difference ("
_HANGS = ", {low to high:.3g}, p {p:.2g}): it hangs on the adjustment for the baseline"
BASELINE_LEVEL = declare("baseline_level", f"{_APART}{{gap:.3g}}{_PLAIN}{{change:.3g}}{_HANGS}")
BASELINE_LEVEL_RATIO = declare(
    "baseline_level_ratio", f"{_APART}a factor of {{gap:.3g}}{_PLAIN}a factor of {{change:.3g}}{_HANGS}"
)
BASELINE_LEVELS = (BASELINE_LEVEL, BASELINE_LEVEL_RATIO)
_ARMS = "{first} {n_first} subjects, {second} {n_second}"
ARM_SIZES = declare("arm_sizes", _ARMS)
GROUP_CHANGES = declare(
    "group_changes", "{first} {change_first:.3g} (n {n_first}), {second} {change_second:.3g} (n {n_second})"
)

# Why there is no test, or another one.
NO_CHANGE = declare("no_change", "no subject has a change")
ONE_SUBJECT = declare("one_subject", "one subject: no interval over subjects", "no interval")
TWO_SUBJECTS = declare("two_subjects", "two subjects: no test")
EQUAL_CHANGES = declare("equal_changes", "all changes are equal: no interval and no p", "no interval")
FEW_FOR_FLIPS = declare(
    "few_for_flips", "too few subjects for a sign-flip interval (smallest sign-flip p {smallest_p:.3g})"
)
MANY_FOR_FLIPS = declare("many_for_flips", "sign flips left out: with so many subjects they say what t says")
FEW_FOR_LABELS = declare("few_for_labels", "too few subjects for an interval from label permutations")
FEW_IN_AN_ORDER = declare(
    "few_in_an_order", "too few subjects in one of the orders for a comparison between them", "no interval"
)
FEW_FOR_DESIGN = declare("few_for_design", "too few subjects for this design", "no interval")
ALIKE_FOR_DESIGN = declare(
    "alike_for_design", "subjects do not differ in what their changes are adjusted for", "no interval"
)
ORDERS_ALIKE = declare(
    "orders_alike",
    "the orders of the nights do not separate {treatment} less {baseline} from the period: more subjects in these "
    "orders would not help, some in other orders would",
    "no interval",
)
NIGHTS_ASIDE = declare(
    "nights_aside",
    "nights left aside: {nights}, at places where every order has the same condition, which tell of the place alone",
)
# Nights that somebody left out, of subjects who have others of the condition (`swa.comparison.exclusions`).
_LEFT_OUT = (
    "nights left out by hand (excluded, or called adaptation without coming first): {said}, of {subjects} of {n} "
    "subjects who stay in"
)
NIGHTS_LEFT_OUT = declare("nights_left_out", _LEFT_OUT)
NIGHTS_CHOSEN = declare("nights_chosen", f"{_LEFT_OUT}: if that hangs on what they show, the result is biased")
FEW_IN_AN_ARM = declare("few_in_an_arm", f"{_ARMS}: too few in an arm for a test", "no interval")
FEW_IN_A_GROUP = declare("few_in_a_group", "too few subjects in a group: no test", "no interval")

# Subjects of a contrast who are not in its row, by the first reason that holds; `counted` puts their number in.
ASIDE = "[, in {aside} of them since their only one is left aside]"
NIGHTS_LOST = declare(
    "nights_lost",
    "{lost} of {n} subjects have no usable {condition} night" + ASIDE + ", "
    "and {other_lost} no {other} night: if that hangs on how they slept, the change is biased",
)
SUBJECTS_LOST = declare(
    "subjects_lost",
    "{lost} of {n} subjects of {first} have no usable change, and {other_lost} of {other_n} of {second}: if that hangs "
    "on how they slept, the difference is biased",
)
WITHOUT_NIGHT = declare("without_night", "{n} without a {condition} night", "left out")
ONLY_ASIDE = declare("only_aside", "{n} whose only {condition} night is at a place left aside", "left out")
RECORDING_TWICE = declare("recording_twice", "{n} with the same recording twice", "left out")
RECORDING_OF_OTHERS = declare("recording_of_others", "{n} with a recording of another subject", "left out")
NOT_POSITIVE = declare("not_positive", "{n} with a zero or negative value in {condition} nights", "left out")
WITHOUT_VALUE = declare("without_value", "{n} not measured", "left out")
WITHOUT_CHANNEL = declare("without_channel", "{n} without this channel or window", "left out")
WITHOUT_ORDER = declare("without_order", "{n} whose order is not known", "left out")
WITHOUT_PRE = declare("without_pre", "{n} without both nights before the infusions", "left out")
WITHOUT_ARM = declare("without_arm", "{n} without an arm", "left out")
WITHOUT_GROUP = declare("without_group", "{n} without a group", "left out")

# What the design forbids a row over subjects to be read as.
SEVERAL_NIGHTS = declare("several_nights", "several {condition}[ and {other}] nights of a subject count as their mean")
ONE_ARM = declare("one_arm", "no p: within arm {arm} only, not compared with the other arm")
ARMS_TOGETHER = declare("arms_together", "no p: arms {arms} together")
GROUPS_TOGETHER = declare("groups_together", "groups {groups} together")
PERIOD_NOT_REMOVED = declare("period_not_removed", "period effect not removed")
ORDERS_UNEQUAL = declare(
    "orders_unequal",
    "{first} subjects had {baseline} first, {last} {treatment}: an effect of the period is in the change",
)
_GROUP_ORDERS = "{first} of {n_first} {side_first} had {baseline} first, {second} of {n_second} {side_second}"
GROUP_ORDERS = declare(
    "group_orders", f"{_GROUP_ORDERS}: an effect of the period is in the difference between the groups"
)

ARM_PLACES = declare(
    "arm_places",
    "{baseline} nights came at place {first:.1f} on average in {side_first}, {second:.1f} in {side_second}, those "
    "after at {after_first:.1f} and {after_second:.1f}: what first nights do is in the difference between the arms",
)

# Two treatments against each other, and nights after a dose.
_BOTH_PROFILES = "so that what a first night does would stand in both profiles"
BASELINE_NOT_CROSSED = declare(
    "baseline_not_crossed",
    "nothing concluded of similarity: {baseline} did not come both before and after each treatment, " + _BOTH_PROFILES,
)
BASELINE_MAY_BE_FIRST = declare(
    "baseline_may_be_first",
    "nothing concluded of similarity: the order of the nights is not known, and {baseline} may have come first, "
    + _BOTH_PROFILES,
)
_HIDDEN = "an effect of the order would hide a difference between them"
ORDERS_HIDE_DIFFERENCE = declare(
    "orders_hide_difference",
    f"no equivalence: the orders of the nights do not separate {{first}} from {{second}}, {_HIDDEN}",
)
ORDER_MAY_HIDE_DIFFERENCE = declare(
    "order_may_hide_difference",
    f"no equivalence: the order of the {{first}} and {{second}} nights is not known, {_HIDDEN}",
)
_LOST = "if that hangs on how they slept, they look alike because of it"
NIGHTS_LOST_OF_EQUAL = declare(
    "nights_lost_of_equal",
    "no equivalence: {lost} of {n} subjects have no usable {condition} night, and {other_lost} no {other} night: "
    + _LOST,
)
SUBJECTS_LOST_OF_EQUAL = declare(
    "subjects_lost_of_equal",
    "no equivalence: {lost} of {n} subjects of {first} have no usable change, and {other_lost} of {other_n} of "
    "{second}: " + _LOST,
)
ONE_OF_PAIRS = declare("one_of_pairs", "one of {n} pairs, its p not adjusted for the others")
ONE_SLOPE = declare("one_slope", "one slope a subject")
TREND_NIGHTS_LOST = declare(
    "trend_nights_lost",
    "{lost} of {n} subjects lack {condition} nights that others have or that they have of the other condition, and "
    "{other_lost} {other} nights: if that hangs on how they slept, the trend is biased",
)
TREND_WITHOUT_CONTROL = declare(
    "trend_without_control",
    "without nights of a control condition counted the same way, a drift of the nights looks the same",
)
TREND_OF_CONTROL = declare(
    "trend_of_control", "nights since a dose come in one order: a drift of the nights looks the same"
)


def course_words(aicc: Mapping[str, float]) -> str:
    """What the models of Process S say of a subject's conditions, and whether time constant or asymptote is told."""
    lead = aicc["asymptote"] - aicc["tau"]
    better = "time constant" if lead > 0 else "asymptote"
    told = COURSE_RATHER(better=better) if abs(lead) >= LEAST_LEAD else COURSE_EITHER()
    return f"{COURSE_MODELS(**aicc).words}: {told.words}"


def lacks_variation(reasons: Iterable[Reason]) -> bool:
    """Whether an interval of one subject lacks what nights of one person differ by, so that it judges no change."""
    found = list(reasons)
    return any(kind.among(found) for kind in (FIT_ERROR_ALONE, STATED_SCATTER))


def counted(reason: Reason, n: int) -> Reason:
    """Return a reason why subjects are left out with the number of them."""
    return Reason(code=reason.code, values={"n": n, **reason.values})


def row_texts(reasons: Sequence[Reason]) -> tuple[str, str, str]:
    """Return the `TEXT_COLUMNS` of a row of the contrasts."""
    methods = [reason.words for reason in reasons if reason.kind.part == "method"]
    return "; ".join(methods), note_words(reasons), encode(reasons)


def note_words(reasons: Iterable[Reason]) -> str:
    """The note in words: all reasons but the method, subjects who are left out together."""
    said: dict[str, list[str]] = {}  # parts of the note that hold one reason each, and one with all who are left out
    for place, reason in enumerate(reasons):
        if reason.kind.part != "method":
            said.setdefault("left out" if reason.kind.part == "left out" else str(place), []).append(reason.words)
    return "; ".join(("left out: " if key == "left out" else "") + ", ".join(words) for key, words in said.items())
