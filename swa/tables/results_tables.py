"""Every table of a results folder, column by column: the one home of their names, types, units and texts."""

from dataclasses import replace
from pathlib import Path

from swa.tables.design_limit import DesignLimit
from swa.tables.schema import Column, Table


def _text(name: str, text: str, **levels: str) -> Column:
    return Column(name=name, text=text, levels=levels)


def _number(name: str, text: str, unit: str = "") -> Column:
    return Column(name=name, text=text, type="number", unit=unit)


def _single(name: str, text: str, unit: str = "") -> Column:
    return Column(name=name, text=text, type="single", unit=unit)


def _count(name: str, text: str) -> Column:
    return Column(name=name, text=text, type="count")


def _table(name: str, *columns: Column, others: Column | None = None) -> Table:
    return Table(name=name, columns=columns, others=others)


def _label(column: Column) -> Column:
    return Column(name=column.name, text=column.text, levels=column.levels, type="label")


SUBJECT = _text("subject", "As in the study file")
SESSION = _text("session", "As in the study file")
CONDITION = _text("condition", "As in the study file; a code in a blinded run")
NIGHT = (SUBJECT, SESSION, CONDITION)
OF_NIGHT = [column.name for column in NIGHT]
CHANNEL = _text(
    "channel",
    "Derivation, e.g. C4-M1; a region (frontal, central) where the subject step made one; all for sleep architecture",
)
STAGES = _text("stages", "NREM (N2 and N3), N2, N3, REM, W or any")
WINDOW = _text(
    "window",
    "night, third-N, cycle-N, hour-N, dosehour-N, matched (first {windows.matched_min} min of clean NREM), "
    "first{windows.stage_free_min[0]}min …",
)
PLACE = (CHANNEL, STAGES, WINDOW)
MEASURE = _text("measure", "What was compared")
VARIANT = _text(
    "variant",
    "Preset, selection or estimator; empty for the default. `all minutes`: the whole night, where the default is cut "
    "to the NREM time that the subject's nights have in common",
)
WHOSE = _text("subject", "A subject, or `group`")
CONTRAST = _text("contrast", "Treatment and baseline, as in ketamine:baseline")
SCALE = _text("scale", "What the estimate is", ratio="treatment / baseline", difference="treatment - baseline")
INTERVAL = (
    _number("ci_low", "Lower end of the {comparison.confidence:%} interval, on the scale of the estimate"),
    _number("ci_high", "Upper end of the {comparison.confidence:%} interval"),
)
P = _number("p", "Two-sided; missing where no test is possible, and for a single subject")
P_ADJUSTED = _number("p_adjusted", "Benjamini-Hochberg within contrast")
N = _count("n", "Subjects that the row rests on; in a row of one subject, nights")
METHOD = _text("method", "Test and interval")
NOTE = _text("note", "Why a value is missing, or what to know about it")
TEST = (*INTERVAL, P, P_ADJUSTED, N, METHOD)
ROLE = _text("role", "primary (declared in the study file or settings), secondary, or exploratory")
VERDICT = (
    _text("verdict", "sound, caution or not comparable (of a night alone: sound, caution or unusable)"),
    _text("verdict_reasons", "Each stated limit that was passed, with its number"),
)
DESIGN_LIMIT = _text(
    "design_limit",
    "What the design leaves open of the cause of the change, whatever the recordings are; several with `; ` between "
    "them, empty where it leaves nothing open",
    **{
        DesignLimit.NO_CONTROL: "held against a baseline that is no control condition",
        DesignLimit.ONE_ARM: "of the subjects of parallel arms, not between the arms",
        DesignLimit.GROUPS: "between groups that were not assigned",
        DesignLimit.ONE_ORDER: "the same order of the nights in every subject",
        DesignLimit.UNEQUAL_ORDERS: "one order in many more subjects than the other, and the period is not removed",
        DesignLimit.SAME_PLACE: "nights of both stand at the same place in the order on average",
        DesignLimit.UNKNOWN_ORDER: "nothing says in which order the nights were, and one may be in more subjects",
        DesignLimit.ZEROS: "subjects with a zero or negative value have no ratio, and they are those with the lowest",
        DesignLimit.LOSS: "more subjects are lost of one condition or arm than of the other, by two, and 0.3 √n of n",
        DesignLimit.NIGHTS_CHOSEN: "nights of two subjects, and of 0.3 √n of n, who stay in were excluded, or called "
        "adaptation without coming first",
        DesignLimit.BASELINE_LEVEL: "arms differ at baseline, and only adjusted for it in their changes",
    },
)
DOUBTS = _text("doubts", "The reasons of the verdict as facts, for programs: JSON, a list of codes with their values")
STAGE = _text(
    "stage",
    "Sleep stage by AASM; UNS where nobody scored",
    **{"W": "wake", "N1": "NREM 1", "N2": "NREM 2", "N3": "NREM 3", "R": "REM sleep"},
)
CYCLE = _count("cycle", "Number of the NREM cycle, 0 outside of one")
FROM_START = "From the first sample of the recording"
ORDER_SOURCE, DATES_OF_RECORDINGS = "order_source", "dates of the recordings"
DATES_OF_STUDY_FILE = "dates of the study file"  # its column date
# Columns of the nights: sessions of a subject, and nights of several subjects, that share a recording.
SAME_RECORDING, SHARED_RECORDING = "same_recording", "shared_recording"

NIGHTS = _table(
    "nights",
    *NIGHT,
    _text("recording", "Path of the recording, as in the study file"),
    _text("subject_label", "Letters and digits of its name, as in the names of files"),
    _text("session_label", "Letters and digits of its name, as in the names of files"),
    Column(
        name=ORDER_SOURCE,
        text=f"`{DATES_OF_STUDY_FILE}` (column date) or `{DATES_OF_RECORDINGS}` where `order` is told by them; only "
        "where no column order or period states it",
        type="given",
    ),
    _text("status", "done, failed (why: problems.tsv) or excluded (by the call or the study file; why: problems.tsv)"),
    _text("staging_source", "Scoring file, or YASA with its version, channels and what it knew of the subject"),
    _number("recording_min", "Length of the recording, gaps among it", "min"),
    _number(
        "sleep_onset_min",
        "First sample to sleep onset "
        "({cycles.sleep_onset:sustained=the first of three epochs of sleep in a row|first_n2=the first N2})",
        "min",
    ),
    Column(name="nrem_cycles", text="NREM cycles", type="whole"),
    _number("staging_confidence", "Mean probability of the stage that the classifier chose", "1"),
    _number("TIB_min", "Time in bed: lights off to lights on where known, else the recording", "min"),
    _number("TST_min", "Total sleep time", "min"),
    _number(
        "SOL_min",
        "Lights off (else the start) to the first single epoch of sleep: a latency, not sleep onset",
        "min",
    ),
    _number("WASO_min", "Wake after sleep onset", "min"),
    _number("SE", "Sleep efficiency: total sleep time / time in bed", "%"),
    *(_number(f"{stage}_min", f"Time in {stage}", "min") for stage in ("N1", "N2", "N3")),
    _number("REM_min", "Time in REM sleep", "min"),
    *(*VERDICT, DOUBTS),
    Column(
        name="infusion",
        text="Number of the infusion that the night follows; only where doses are known",
        type="given",
    ),
    Column(name="nights_since_dose", text="Nights since that infusion; that of its day is 1", type="given"),
    _text(
        SAME_RECORDING,
        "Sessions of the subject that are one and the same recording; across conditions none of them is compared, "
        "within one the first is",
    ),
    _text(
        SHARED_RECORDING,
        "Nights of several subjects that are one and the same recording: none of them is compared, but for a subject "
        "who has all nights of the others and counts once",
    ),
    others=_text("*", "Columns of the study file, and headline markers of the night in the primary channel and window"),
)
PROBLEMS = _table(
    "problems",
    SUBJECT,
    SESSION,
    _text("recording", "Path of the recording"),
    _text(
        "step",
        "What the program was doing; check: the night is in the result, and something of it contradicts its file",
    ),
    _text("problem", "What was found, and what was expected"),
    _text("remedy", "What to do"),
)
MEASURES = _table(
    "measures",
    *(*NIGHT, *PLACE, MEASURE.saying("What was measured"), VARIANT),
    _number("value", "In the unit of the column unit; missing with the reason in note"),
    _text("unit", "µV², µV, µV/s, 1/min, min, %, 1/h, s, h or 1"),
    _count("n", "Epochs, waves or cycles that the value comes from"),
    _text("note", "Why a value is missing, or how it was obtained"),
)
SUBJECT_MEASURES = replace(MEASURES, name="task-sleep_desc-measures")
RESPECIFIED = _table(
    "task-sleep_desc-respecified",
    *(*NIGHT, *PLACE, MEASURE.saying("Curve of specifications.tsv: swa, wave_density, wave_amplitude or wave_slope")),
    VARIANT.saying("The measure, and the choices of which the stored night was taken under others than in use"),
    *MEASURES.columns[-4:],
)
NIGHT_MEASURES = SUBJECT_MEASURES.without(*OF_NIGHT)

CONTRASTS = _table(
    "contrasts",
    *(WHOSE, CONTRAST, *PLACE, MEASURE.saying("What was compared (docs: measures)"), VARIANT, SCALE),
    _number("estimate", "Change from baseline; of the group the geometric mean of ratios, or the mean of differences"),
    *(*INTERVAL, P),
    P_ADJUSTED.saying(
        "Benjamini-Hochberg within contrast and role; of the primary, Holm over contrasts with one comparator"
    ),
    *(N, METHOD, ROLE, *VERDICT, NOTE),
    _text("treatment", "Condition whose change is taken; between arms that of the first arm"),
    _text("comparator", "Condition that it is held against; between arms that of the second arm"),
    _text("first", "Arm or group whose change is compared with that of `second`; empty within subjects"),
    _text("second", "The other arm or group"),
    _text("reasons", "Method and note as facts, for programs: JSON, a list of codes with their values"),
    DOUBTS,
    DESIGN_LIMIT,
)
PRECISION = _table(
    "precision",
    *(SUBJECT, CONTRAST, *PLACE, MEASURE.saying("What was compared: swa or wave_density")),
    _number("estimate", "Change from baseline, a ratio; the same as in contrasts.tsv"),
    _number(
        "ci_low",
        "Lower end of the {comparison.confidence:%} interval of these nights' precision, by a block bootstrap over "
        "epochs: not the uncertainty of a drug effect, which it covers less often (36–61 % of the time in "
        "simulations)",
    ),
    _number("ci_high", "Upper end of that interval"),
    _count("n", "Epochs of N2 and N3 that the row rests on"),
    METHOD.saying("Draws and length of the blocks"),
    NOTE,
)
COMPARABILITY = _table(
    "comparability",
    *(SUBJECT, CONTRAST, CHANNEL),
    _text("control", "Band and state that a drug should not move, or what else was compared"),
    _number(
        "ln_ratio",
        "What is held against `limit`: ln of the power, or of the minutes, of the treatment night over the baseline "
        "night; of `below_band` the difference of the shares, of `polarity` the asymmetry that the waves of the one "
        "night have and those of the other have reversed, of `time_scale` ln of the frequencies (0 where no other ones "
        "fit clearly better), and of `gain_controls` the largest of the controls less the smallest",
    ),
    _number("g", "Mean of the controls, ln power; exp(g/2) is a gain"),
    _number(
        "limit",
        "Above it the row is flagged: {comparison.confidence:%} limit between two nights of no change",
    ),
    Column(name="flagged", text="true or false", type="truth"),
    NOTE.saying("Bands, how the limit was found, and what an unflagged row does not exclude"),
)
PROFILES = _table(
    "profiles",
    _text("treatment_a", "Condition"),
    _text("treatment_b", "Condition"),
    _text("measure set", "Markers and windows that both profiles have"),
    _number("similarity", "Cosine of the two profiles of standardised changes, -1 to 1"),
    *(*INTERVAL, P),
    _number(
        "equivalence_p",
        "Two one-sided tests that they differ by less than the margin on the primary marker, an effect of the order "
        "taken out; missing where the order of the nights, or nights that are lost, may hide a difference",
    ),
    *(N, NOTE),
)
MODERATORS = _table(
    "moderators",
    CONTRAST,
    _text("covariate", "Column of the study file"),
    *(*PLACE, MEASURE.saying("Marker whose change was related to the covariate")),
    _number("estimate", "Slope of the (ln) change on the covariate, or its difference between two groups: see method"),
    *(*INTERVAL, P),
    P_ADJUSTED.saying("Benjamini-Hochberg over the covariates of a contrast, markers of sleep apart"),
    *(N, METHOD, NOTE),
)
COVARIATE_CHANGES = _table(
    "covariate_changes",
    CONTRAST,
    _text("covariate", "Column of the study file"),
    *(
        SUBJECT,
        *PLACE,
        MEASURE.saying("Marker whose change is shown: the one that the study leads with, then N3 and REM sleep"),
        SCALE,
    ),
    _number(
        "x",
        "The covariate in the baseline nights, groups as 0 and 1; of an outcome (`…_change`, `…_after`, `…_post`) in "
        "the treatment nights",
    ),
    _number("baseline", "Marker in the baseline nights"),
    _number("treatment", "Marker in the treatment nights"),
    _number("change", "Change from baseline"),
)
LEVEL_CHANGES = _table(
    "level_changes",
    CONTRAST,
    _text("covariate", "Column of the study file that differs between the nights of a subject"),
    *(SUBJECT, *PLACE, MEASURE.saying("Marker whose change is shown: the one that the study leads with"), SCALE),
    _number("x", "Change of the covariate, treatment less baseline"),
    _number("change", "Change of the marker from baseline"),
)
LEVEL_SLOPES = _table(
    "level_slopes",
    CONTRAST.saying("Treatment and baseline; `all nights` for the correlation within subjects over all of them"),
    _text("covariate", "Column of the study file that differs between the nights of a subject"),
    *(*PLACE, MEASURE.saying("Marker whose change was related to that of the covariate")),
    _number("estimate", "Slope of the ln change on the change of the covariate, or a correlation: see method"),
    *(*INTERVAL, P, P_ADJUSTED.saying("Benjamini-Hochberg over the covariates of a contrast")),
    _number(
        "correlation", "Of the two changes, without the order where the slope is adjusted for it; or within subjects"
    ),
    *(N, METHOD, NOTE),
)
PUBLISHED = _table(
    "published",
    CONTRAST,
    _text("drug", "Drug of the source, by the name of the condition or arm"),
    _text("source", "Authors, year and journal"),
    _text("doi", "Of the source"),
    _text("people", "Whom the source measured"),
    _count("published_n", "How many of them"),
    _text("published_marker", "What the source measured, and when"),
    _text("published", "What it found, as its abstract gives it"),
    _text(
        "direction",
        "Where the source found the marker to go",
        up="higher than without the drug",
        down="lower than without the drug",
        unchanged="no change found",
    ),
    _number("published_estimate", "Its change on the scale of this row; missing where the abstract gives no size"),
    *(*PLACE, MEASURE.saying("Marker of this study that comes nearest"), SCALE),
    _number("estimate", "Change in this study over subjects, as in contrasts.tsv; missing where it was not measured"),
    *(*INTERVAL, N, *VERDICT),
    Column(name="comparable", text="Whether both are the same by definition: true or false", type="truth"),
    _text("because", "Why, or why not"),
)
GROUP_SPECTRA = _table(
    "group_spectra",
    _text(
        "kind",
        "What the row is",
        spectrum="mean spectrum of a condition over subjects, geometric",
        change="mean change within subjects at a frequency",
        band="mean change within subjects over the band of slow-wave activity",
    ),
    _text("condition", "Condition of a spectrum"),
    CONTRAST.saying("Treatment and baseline of a change"),
    *PLACE,
    _number("frequency_hz", "Frequency", "Hz"),
    _number("density_uv2_hz", "Power spectral density", "µV²/Hz"),
    _number("change_db", "Change from baseline", "dB"),
    _number(
        "low_db",
        "Lower end of its {comparison.confidence:%} interval, of this frequency alone; missing below 3 subjects",
        "dB",
    ),
    _number("high_db", "Upper end of that interval", "dB"),
    _count("n", "Subjects"),
)
PLANNING = _table(
    "planning",
    *(*PLACE, MEASURE.saying("Marker that is planned for: the one that the study leads with")),
    _number("effect", "Ratio of treatment to baseline that is to be found"),
    _number("power", "Wanted power", "1"),
    _number("level", "Two-sided level at which a change is told", "1"),
    _count("subjects", "Subjects needed, of all arms together"),
    _count("subjects_low", "The same at the lower limit of the SD"),
    _count("subjects_high", "The same at the upper limit of the SD"),
    _number("change_sd", "SD over subjects of the ln change", "1"),
    _number("change_sd_low", "Lower {comparison.confidence:%} limit of that SD", "1"),
    _number("change_sd_high", "Upper limit of that SD", "1"),
    _count("n", "Subjects of this study"),
    _number("detectable", "Ratio that as many subjects find with that power"),
    METHOD.saying("Where the SD comes from"),
    _text("design", "Design of this study, whose own test is planned for"),
    _count(
        "n_tests", "Contrasts with one comparator, over which a change is told (Holm): the level is divided by them"
    ),
)
CLUSTERS = _table(
    "clusters",
    CONTRAST,
    _text("domain", "frequency, hours (since sleep onset) or topography (electrodes)"),
    *PLACE,
    _number("from", "First frequency in Hz or hour of the cluster"),
    _number("to", "Last frequency in Hz or hour of the cluster"),
    _number("t_sum", "Sum of t within the cluster"),
    P.saying("Two-sided, over the largest clusters of all sign flips: it holds for the cluster, not for its edges"),
    _count("n", "Subjects"),
    _count("n_flips", "Sign flips made"),
    _number("smallest_p", "The smallest p that this number of subjects can reach"),
    *(METHOD, NOTE),
)
INTERACTIONS = _table(
    "interactions",
    _text("contrast", "The two treatments together, as in ketamine+magnesium"),
    _text("factor_a", "One of them"),
    _text("factor_b", "The other"),
    *(*PLACE, MEASURE, VARIANT, SCALE),
    _number("estimate", "Both - one - other + neither: of ratios the factor beyond what the two effects multiply to"),
    *(*TEST[:2], P),
    P_ADJUSTED.saying(
        "Benjamini-Hochberg over the rows that are not primary; of the primary, Holm over its interactions"
    ),
    *(N, METHOD, ROLE, *VERDICT, NOTE),
)
COMBINATIONS = _table(
    "combinations",
    _text("contrast", "The two treatments together, as in interactions.tsv"),
    _text(
        "combination",
        "What was given",
        neither="neither of the two (rows between arms alone: changes are from these nights elsewhere)",
        one="the first of them",
        other="the other",
        both="both",
        added="nothing: what both would do if the two added up, within subjects",
    ),
    *(WHOSE, *PLACE, MEASURE, SCALE),
    _number("change", "Change from the nights with neither, between arms from the baseline; of the group the mean"),
    *(*TEST[:2], N),
)
CYCLE_CONTRASTS = _table(
    "cycle_contrasts",
    *(CONTRAST, CHANNEL, STAGES),
    _text("cycles", "The two cycles whose changes are subtracted within each subject"),
    *(MEASURE, SCALE),
    _number("estimate", "Change in the first of the cycles against the change in the second"),
    *(*TEST, NOTE),
)
DOSE_CONTRASTS = _table(
    "dose_contrasts",
    *(WHOSE, CONTRAST),
    _text("term", "One night after one infusion, or a trend: per night since the dose, or per infusion"),
    _number("infusion", "Number of the infusion within subject and condition"),
    _number("night", "Nights since the dose; that of its day is 1"),
    *(*PLACE, MEASURE, SCALE),
    _number("estimate", "Change from baseline, or the factor (difference) a night or infusion"),
    *(*TEST, NOTE),
    DESIGN_LIMIT.saying(
        "What the design leaves open of the cause of the change, as in contrasts.tsv; a trend has `no control` also "
        "where the nights of the control condition are not counted since a dose"
    ),
)
SPECIFICATIONS = _table(
    "specifications",
    CONTRAST,
    _text("curve", "Marker whose specification curve this row belongs to"),
    *(MEASURE, *PLACE),
    _text("band", "Frequency band"),
    _text("estimator", "Mean or median over epochs, or how a slope is matched"),
    _text("selection", "Criteria of the waves"),
    _text("artefacts", "Limits of the artefact rules"),
    SCALE,
    _number("estimate", "Contrast under this specification"),
    *(*INTERVAL, P, N, METHOD, ROLE),
    _count("differs", "In how many choices the row differs from the reference"),
    NOTE,
)
SPECIFICATION_SUMMARY = _table(
    "specification_summary",
    CONTRAST,
    _text("curve", "Marker"),
    _text("reference", "The specification that was declared"),
    SCALE,
    _number("reference_estimate", "Its estimate"),
    _number("lowest", "Lowest estimate of all specifications"),
    _number("median", "Median estimate"),
    _number("highest", "Highest estimate"),
    _number("same_sign_share", "Share with the sign of the reference", "1"),
    _number("excluding_none_share", "Share whose interval excludes no change", "1"),
    _count("n_specifications", "Specifications asked for"),
    _count("n_estimated", "Those that gave an estimate"),
    _count("n", "Subjects"),
    P.saying("Of the whole curve, by sign flips"),
    *(METHOD, NOTE),
)
REJECTION = _table(
    "rejection",
    *(*NIGHT, CHANNEL),
    _text("rule", "Artefact rule; `any`: all together; `limits x 0.5`, `limits x 2`: at other limits"),
    _number("nrem_share", "Share of NREM time that the rule removes", "1"),
    _number("swa_share", "Share of SWA, the artefact's own power among it", "1"),
    _number("wave_share", "Share of the slow waves", "1"),
    _count("n_waves", "Slow waves before any was removed"),
    _number("swa_ratio", "SWA at limits halved or doubled over SWA at the limits in use", "1"),
    _number("wave_density_ratio", "The same of wave density", "1"),
)
# Not stored: each subject's values that a paired plot shows.
SUBJECT_VALUES = _table(
    "subject_values",
    *(CONTRAST, SUBJECT, *PLACE, MEASURE, VARIANT),
    _number("baseline", "Mean over the baseline nights; geometric where scale is ratio"),
    _number("treatment", "Mean over the nights of the treatment"),
    _count("n_baseline", "Baseline nights that it rests on"),
    _count("n_treatment", "Nights of the treatment"),
    SCALE,
    _number("change", "Ratio or difference"),
)

WAVES = _table(
    "task-sleep_desc-slowwaves_events",
    *(_label(CHANNEL), _label(STAGE), CYCLE),
    _number("start_s", "Downward zero crossing that begins the half-wave", "s"),
    _number("negative_peak_s", "Negative peak", "s"),
    _number("midcrossing_s", "Upward zero crossing after the negative peak", "s"),
    _number("positive_peak_s", "Positive peak that follows", "s"),
    _number("end_s", "Downward zero crossing that ends the wave", "s"),
    _single("negative_amplitude_uv", "Size of the negative peak, as a magnitude", "µV"),
    _single("positive_amplitude_uv", "Size of the positive peak", "µV"),
    _single("peak_to_peak_uv", "From the negative to the positive peak", "µV"),
    _number("duration_s", "Of the wave as the detector's criteria define it", "s"),
    _single("slope_down_uv_s", "Mean slope to the negative peak, as a magnitude", "µV/s"),
    _single("slope_up_uv_s", "Mean slope from the negative peak to the mid-crossing", "µV/s"),
    _single("max_slope_down_uv_s", "Steepest slope down, as a magnitude", "µV/s"),
    _single("max_slope_up_uv_s", "Steepest slope up", "µV/s"),
    _count("negative_peaks", "Negative peaks within the half-wave; 1 for a simple wave"),
    _single("nrem_min", "NREM sleep (N2 and N3) since sleep onset", "min"),
    _single("dose_h", "Since the dose (a night without one: since its time of day); missing where none is known", "h"),
)
WAVE_AVERAGE = _table(
    "task-sleep_desc-slowwaveaverage_timeseries",
    _number("time_s", "From the negative peak of the slow waves", "s"),
    _number("mean_uv", "Mean over the slow waves of N2 and N3", "µV"),
    _number("sd_uv", "SD between the waves", "µV"),
    _count("n_waves", "Slow waves"),
    CHANNEL,
)
HYPNOGRAM = _table(
    "task-sleep_desc-hypnogram_events",
    _number("onset", FROM_START, "s"),
    _number("duration", "Length of the epoch", "s"),
    STAGE,
    _number("confidence", "Probability of the stage by the classifier; n/a where a scoring was given", "1"),
)
EPOCHS = _table(
    "task-sleep_desc-swa_timeseries",
    CHANNEL,
    _number("onset_s", FROM_START, "s"),
    *(STAGE, CYCLE),
    _number("usable_s", "Time of the epoch that no artefact rule removed", "s"),
    others=_number(
        "*", "Every other column is the power of the band of that name in the usable windows of the epoch", "µV²"
    ),
)
SPECTRA = _table(
    "task-sleep_desc-spectra",
    *PLACE,
    _number("frequency_hz", "Frequency", "Hz"),
    _single("density_uv2_hz", "Mean power spectral density", "µV²/Hz"),
    _count("n_epochs", "Epochs that it is the mean of"),
)
SPECTROGRAM = _table(
    "task-sleep_desc-spectrogram",
    CHANNEL,
    others=_single(
        "*", "Every other column is the power spectral density at that frequency in Hz; a row an epoch", "µV²/Hz"
    ),
)
CYCLES = _table(
    "task-sleep_desc-cycles_events",
    _count("cycle", "Number of the NREM cycle"),
    _number("nrem_start_s", "Start of the NREM period", "s"),
    _number("nrem_end_s", "End of the NREM period", "s"),
    _number("rem_start_s", "First epoch of the REM period that follows; missing where there is none", "s"),
    _number("rem_end_s", "End of its last epoch of REM", "s"),
)
NIGHT_REJECTION = replace(REJECTION.without(*OF_NIGHT), name="task-sleep_desc-rejection")
STAGING_BIAS = _table(
    "task-sleep_desc-stagingbias",
    _number("gain", "EEG amplitude that the stager saw over that of the recording; 1 is the EEG as it is", "1"),
    CHANNEL.saying("Derivation; `all` for sleep architecture"),
    WINDOW,
    _text("measure", "Marker of N2 and N3, or measure of sleep architecture"),
    _number("value", "With the stages at that amplitude"),
    _number("change", "ln ratio to gain 1, of sleep architecture the difference"),
)
MEAN_WAVES = _table(
    "task-sleep_desc-meanwaves",
    *(CONDITION, CHANNEL),
    _number("time_s", "From the negative peak of the slow waves", "s"),
    _number("mean_uv", "Mean over the nights of the condition of their mean slow waves", "µV"),
    _number("sd_uv", "SD between the waves", "µV"),
    _count("n_waves", "Slow waves"),
)
MEAN_SPECTRA = _table(
    "task-sleep_desc-meanspectra",
    *(CONDITION, *PLACE),
    _number("frequency_hz", "Frequency", "Hz"),
    _single("density_uv2_hz", "Geometric mean over the nights of the condition", "µV²/Hz"),
    _count("n_epochs", "Epochs of all of them"),
    _count("n_nights", "Nights that a comparison uses; of a condition of which it uses none, all"),
    _number("aperiodic_uv2_hz", "Aperiodic fit of N2 and N3, where it was fitted", "µV²/Hz"),
    _number("aperiodic_exponent", "Its exponent, mean over nights", "1"),
    _number("aperiodic_offset", "Its offset, mean over nights", "1"),
)
WAVE_AMPLITUDES = _table(
    "task-sleep_desc-waveamplitudes",
    *(CONDITION, CHANNEL),
    _number("amplitude_uv", "Negative amplitude: each 5 µV, and the limit of {waves.negative_uv[0]} µV", "µV"),
    _number("waves_per_min", "Half-waves of N2 and N3 that are at least as large, mean over nights", "1/min"),
    _count("n_waves", "How many there are in all nights of the condition"),
    _number("minutes", "Analysed time of these nights", "min"),
)
WAVE_SLOPES = _table(
    "task-sleep_desc-waveslopes",
    *(CONDITION, CHANNEL),
    _text(
        "kind",
        "What the row is",
        bin="one of ten classes of amplitude of equal counts",
        line="the robust line of ln slope on ln amplitude, mean over nights",
    ),
    _number("amplitude_uv", "Median amplitude of a class", "µV"),
    _number("slope_q1_uv_s", "First quartile of the upward slope in a class", "µV/s"),
    _number("slope_median_uv_s", "Median of the upward slope in a class", "µV/s"),
    _number("slope_q3_uv_s", "Third quartile of the upward slope in a class", "µV/s"),
    _number("slope_at_reference_uv_s", "Upward slope at the reference amplitude: wave_slope_up_matched", "µV/s"),
    _number("exponent", "Of slope on amplitude", "1"),
    _number("lowest_uv", "Where the line begins: 1st percentile of the amplitudes", "µV"),
    _number("highest_uv", "Where it ends: 99th percentile", "µV"),
    _number("reference_uv", "Reference amplitude", "µV"),
    _count("n_waves", "Waves of at least {waves.negative_uv[0]} µV"),
)
SPREADS = _table(
    "task-sleep_desc-precision",
    *(SESSION, *PLACE, MEASURE.saying("swa or wave_density")),
    _number("value", "As in measures.parquet, from the stored epochs and waves"),
    _number("ln_se", "SD of ln of the value over the draws of a block bootstrap over epochs: this night alone", "1"),
    _count("n", "Epochs; of a region those of the channel with the fewest"),
    NOTE.saying("Why there is no error"),
)
NIGHT_SPREADS = SPREADS.without("session")
STUDY_TABLES = (
    *(NIGHTS, MEASURES, CONTRASTS, PRECISION, COMPARABILITY, PROFILES, MODERATORS, PROBLEMS, REJECTION, CLUSTERS),
    *(INTERACTIONS, COMBINATIONS, CYCLE_CONTRASTS, DOSE_CONTRASTS, SPECIFICATIONS, SPECIFICATION_SUMMARY),
    *(COVARIATE_CHANGES, LEVEL_CHANGES, LEVEL_SLOPES, PUBLISHED, GROUP_SPECTRA, PLANNING),
)
NIGHT_TABLES = (
    *(WAVES, WAVE_AVERAGE, HYPNOGRAM, EPOCHS, SPECTRA, SPECTROGRAM, CYCLES, NIGHT_REJECTION, STAGING_BIAS, SPREADS),
    *(SUBJECT_MEASURES, RESPECIFIED, MEAN_WAVES, MEAN_SPECTRA, WAVE_AMPLITUDES, WAVE_SLOPES),
)
STORED = {table.name: table for table in (*STUDY_TABLES, *NIGHT_TABLES)}


def table_of(path: Path) -> Table | None:
    """The table that a file of the results holds, by the file's name; None for one that is no result."""
    _, task, ending = path.stem.partition("task-sleep_")
    return STORED.get(f"{task}{ending}" or path.stem)
