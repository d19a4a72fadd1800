"""What is found between compared nights and in each of them, and why it makes a verdict other than sound.

The values `contrast`, `session` and `channel` of a doubt say where it lies; where they are known they stand before it.
"""

from swa.tables.reason import Kind, Reason, declare, filled

_BRIEF: dict[str, str] = {}


def _doubt(code: str, words: str, brief: str = "") -> Kind:
    """Declare a doubt; `brief` names it in a row over subjects, which has no place for its sentence."""
    _BRIEF[code] = brief or words
    return declare(code, f"[{{contrast}}: ][{{session}}: ][{{channel}}: ]{words}", part="doubt")


def in_brief(reason: Reason) -> str:
    """A doubt in a word or two, or as what it is about: ``31 % of NREM on F3-M2 unusable``."""
    return filled(_BRIEF[reason.code], reason.values)


def located(reason: Reason, **where: str) -> Reason:
    """Say in which contrast, session or channel a doubt lies; an empty name says nothing."""
    return Reason(code=reason.code, values={name: text for name, text in where.items() if text} | dict(reason.values))


# The gain check.
BAND = declare("control_band", "{low:g}-{high:g} Hz")
CONTROL_MISSING = declare("control_missing", "this control is not there in every night")
NO_CONTROL = declare("no_control", "no control: a gain change is not excluded at all")
# What raises all the bands of the check besides a gain.
_ALIKE = "heart beat or muscle in the channel, another low-pass filter, or a drug that moves these bands"
GAIN_OR_DRUG = declare("gain_or_drug", f"as an amplitude × {{amplitude:.2f}} would do, {_ALIKE}")
NOT_EXCLUDED = declare(
    "gain_not_excluded", "a gain change below × {amplitude:.2f} (power × {power:.2f}) is not excluded"
)
CONTROLS_THERE = declare("controls_there", "{n} of 3 controls")
STATED_SPREAD = declare("stated_spread", "stated SD")
OWN_SPREAD = declare("own_spread", "baseline pairs of this study, {df} df")
APART = declare("apart", "G less the median of the other channels ({n})[: amplitude × {amplitude:.2f}]")
MEAN_CHANGE = declare("mean_change", "mean of {n} subjects, {above} of them above 0")
GAIN = _doubt(
    "gain",
    f"gain check G {{g:+.2f}} beyond ±{{limit:.2f}}, as an amplitude × {{amplitude:.2f}} would do, {_ALIKE}",
    brief="amplification",
)
ONE_CHANNEL = _doubt(
    "one_channel",
    "gain departs from that of the other channels by {apart:+.2f}[ (mean of {n} subjects, {above} of them above 0)], "
    "beyond ±{limit:.2f}, as another reference, or heart beat or muscle in it, would do too",
    brief="one channel",
)
GAIN_OF_ALL = _doubt(
    "gain_of_all",
    "the gain check of all subjects together: power in the control bands × {power:.2f} (mean of {n} subjects, {above} "
    f"of them above 0), as an amplitude × {{amplitude:.2f}} in all would do, {_ALIKE}",
    brief="amplification",
)
CONTROLS_FOUND = declare("controls_found", "{high} {up:+.2f}, {low} {down:+.2f}[ (mean of {n} subjects)]")
CONTROLS_APART = _doubt(
    "controls_apart",
    f"the controls of the gain check contradict each other: {CONTROLS_FOUND.words}, further apart than {{limit:.2f}}, "
    "as by a filter, with another gain or without, by a pulse wave or muscle in the channel, or by a drug that moves "
    "one of these bands; their mean says nothing of a gain",
    brief="controls of the gain check contradict each other",
)

# Recordings and headers.
SAME_RECORDING = _doubt(
    "same_recording", "{one} and {other} hold the same signals: one recording under two names", brief="same recording"
)
OTHERS_RECORDING = _doubt(
    "others_recording_doubt",
    "{one} holds the same signals as a night of another subject: whose it is is not known",
    brief="recording of another subject",
)
SAME_START = _doubt(
    "same_start",
    "{one} and {other} begin at the same second of the same date: one header is a copy, or both are of one night",
    brief="same start",
)
COPIES = (SAME_RECORDING, OTHERS_RECORDING)  # that leave a subject no change to be judged
HEADER_UNKNOWN = declare("header_unknown", "the recordings do not say it")
HEADER_EMPTY = declare("header_empty", "not stated")
HEADER_SAME = declare("header_same", "the same in all nights")
HEADER_SIDES = declare("header_sides", "{sides}")
HEADER = _doubt("header", "{fact} differs: {sides}", brief="{fact} differs")

# What is left of the signals.
REJECTION = _doubt(
    "rejection",
    "artefact rules remove {nrem:.1f} % of NREM and {waves:.1f} % of the slow waves, {nrem_before:.1f} % and "
    "{waves_before:.1f} % at baseline[; most by {rules}]",
    brief="unequal artefacts[ on {channel}]",
)
CLIPPING = _doubt(
    "clipping",
    "slow waves clipped: {shares} (limit {limit:.0f} %); the largest are missing",
    brief="clipping[ on {channel}]",
)
_LOWEST = "power at 0.2-0.5 Hz is {share:.2f} of slow-wave activity, {before:.2f} at baseline"
BELOW_BAND = _doubt(
    "below_band",
    f"{_LOWEST}: sweat or drift in the one, of which most leaks into slow-wave activity, or a high-pass filter that no "
    "header tells in the other, which cuts it",
    brief="sweat, drift or a high-pass[ on {channel}]",
)
BAND_ALONE = _doubt(
    "band_alone",
    f"{_LOWEST}: the spectrum changed its shape, for slow-wave activity moved (× {{ratio:.2f}}) and what lies below it "
    "hardly did; sweat and drift do not do that, a pulse wave in the channel does, and a drug may; REM sleep does not "
    "tell which, for it is missing or changed too",
    brief="shape of the spectrum[ on {channel}]",
)
SLOW_WAVES_ALONE = declare(
    "slow_waves_alone",
    f"{_LOWEST}: slow-wave activity moved (× {{ratio:.2f}}), what lies below it hardly did, and slow activity of REM "
    "sleep little: slow waves of N2+N3, and nothing that is added to all sleep",
)
REM_SLOW = _doubt(
    "rem_slow",
    "slow-wave activity changed in REM sleep too, from {rem_before:.0f} to {rem:.0f} µV², in N2+N3 from "
    "{nrem_before:.0f} to {nrem:.0f}: something slow that is no slow wave of sleep is added in the one, as a pulse "
    "wave, movement or drift",
    brief="slow activity in REM sleep too[ on {channel}]",
)
LOWEST_CUT = _doubt(
    "lowest_cut",
    f"{_LOWEST}: another high-pass filter or amplifier, whatever the headers say, which cuts slow-wave activity too",
    brief="another high-pass[ on {channel}]",
)
LOWEST_FOUND = declare(
    "lowest_found",
    "power at 0.2-0.5 Hz × {lowest:.2f}, slow-wave activity × {swa:.2f} (mean of {n} subjects, in {above} of them the "
    "first more than the second)",
)
LOWEST_OF_ALL = _doubt(
    "lowest_of_all",
    f"in all subjects together {LOWEST_FOUND.words}: another high-pass filter or amplifier, whatever the headers say, "
    "or sweat or drift, each of which moves slow-wave activity too, or a drug that moves the slowest waves most",
    brief="sweat, drift or a high-pass[ on {channel}]",
)

# Sleep and time.
STAGES_MOVE = _doubt(
    "stages_move",
    "{marker}: up to {change:+.3g}{unit} with the stager alone (EEG ± 20 %[; mean of {n} subjects]), as under a drug "
    "that changes the size of slow waves and not the stages",
    brief="staging",
)
STAGING_SOURCE = _doubt(
    "staging_source",
    "stages from different sources ({sides}): what rests on stages can differ by that alone",
    brief="source of the stages",
)
STAGING_SOURCES = _doubt(
    "staging_sources",
    "stages from different sources (nights scored: {scored}, staged automatically: {staged}): what rests on stages can "
    "differ by that alone",
    brief="source of the stages",
)
STAGING = _doubt(
    "staging",
    "{marker} of N2+N3 moves by up to {percent:+.1f} % with the stager alone (EEG ± 20 %)",
    brief="staging",
)
MINUTES_FOUND = declare("minutes_found", "{minutes:.0f} min of NREM analysed, {before:.0f} at baseline")
MINUTES = _doubt(
    "analysed_minutes",
    f"analysed minutes differs: {MINUTES_FOUND.words}[; at the study's own decline ({{decline:+.2f}} per h) that alone "
    "makes slow-wave activity of the whole night {percent:+.1f} %]",
    brief="minutes",
)
CYCLE_FOUND = declare("cycle_found", "{cycle} holds {minutes:.0f} min of N2 and N3, {before:.0f} at baseline")
CYCLE_MINUTES = _doubt(
    "cycle_minutes",
    f"{CYCLE_FOUND.words}: more than {{times:g}} times as long or short, as of one person's nights one pair in twenty; "
    "slow waves build up and fall within a cycle",
    brief="length of {cycle}",
)
CYCLE_OF_ALL = _doubt(
    "cycle_of_all",
    f"{CYCLE_FOUND.words} (mean of {{n}} subjects, {{above}} of them longer): beyond chance the window holds other "
    "minutes of sleep, and slow waves build up and fall within a cycle; a drug may truly change that, and so does "
    "another way of scoring",
    brief="length of {cycle}",
)
SHARE_FOUND = declare("share_found", "{stage} is {share:.0f} % of N1 to N3, {before:.0f} % at baseline")
SHARE_OF_ALL = _doubt(
    "share_of_all",
    f"{SHARE_FOUND.words} (mean of {{n}} subjects, {{above}} of them with more): the stages that this is measured in "
    "hold other sleep, by another way of scoring or truly; windows that need no stages are free of it",
    brief="share of {stage}",
)
N3_DEPTH_FOUND = declare(
    "n3_depth_found",
    "N3 is {share:.0f} % of N1 to N3, {before:.0f} % at baseline, and slow-wave activity within it × {swa:.2f}",
)
N3_DEPTH = _doubt(
    "n3_depth_of_all",
    f"{N3_DEPTH_FOUND.words} (mean of {{n}} subjects, in {{above}} of them more): more of N2 was called N3, or of N3 "
    "N2, by another way of scoring, for a drug that deepens or lightens sleep moves both alike; see slow-wave activity "
    "and wave density of N2 and N3 together",
    brief="N3 of other depth",
)
BED_FOUND = declare("bed_found", "{minutes:.0f} min scored until lights on, {before:.0f} at baseline")
BED = _doubt(
    "time_in_bed",
    f"{BED_FOUND.words}: what lasts over the night differs by that alone, if the recording or the scoring ended early",
    brief="time in bed",
)
BED_OF_ALL = _doubt(
    "time_in_bed_of_all",
    f"{BED_FOUND.words} (mean of {{n}} subjects, {{above}} of them longer): beyond chance; what lasts over the night "
    "differs by that alone, if recordings or scorings ended early; waking early is an effect, an early end is none",
    brief="time in bed",
)
GAP_FOUND = declare(
    "gap_found", "{minutes:.0f} min between first and last sleep have no stage, {before:.0f} at baseline"
)
GAP = _doubt(
    "unscored_minutes",
    f"{GAP_FOUND.words}: sleep went on unseen, so that what is counted from sleep onset on lies later in the one night",
    brief="minutes without a stage",
)
LIGHTS_APART = _doubt(
    "lights_apart",
    "lights {light} is known in {known} of {of} of these nights alone, in the others the {side} of the recording "
    "stands for it: give the column lights_{light} for all of them, or for none",
    brief="lights {light} not known in all nights",
)
CLOCK_UNKNOWN = declare("clock_unknown", "the time of day is not known in every night")
CLOCK_FOUND = declare("clock_found", "{time}, {before} at baseline ({shift:+.1f} h; limit {limit:g} h)")
CLOCK = _doubt("clock", f"{{what}} {CLOCK_FOUND.words}", brief="clock")
ONSET_FOUND = declare(
    "onset_found", "{time}, {before} at baseline ({shift:+.1f} h, mean of {n} subjects, {above} of them later)"
)
ONSET_OF_ALL = _doubt(
    "onset_of_all",
    f"sleep onset {ONSET_FOUND.words}: other hours, after a time awake of another length, which moves slow-wave "
    "activity by itself",
    brief="clock",
)
ORDER_UNKNOWN = declare("order_unknown", "the order of the nights is not known")
NOT_FIRST = declare("not_first_night", "no night of this comparison is the subject's first")
FIRST_NIGHT = _doubt(
    "first_night", "{night} is the subject's first night: adaptation lowers deep sleep", brief="first night"
)

# One night (`swa.measures.quality`).
NO_GOOD_CHANNEL = _doubt("no_good_channel", "every EEG channel is bad ({why})", brief="every EEG channel is bad")
BAD_CHANNEL = _doubt(
    "bad_channel",
    "{why}; the channel is left out of comparisons and regions",
    brief="{channel} is bad and left out",
)
UNREAD_CHANNEL = _doubt(
    "unread_channel", "could not be read, the channel is left out", brief="{channel} could not be read"
)
UNUSABLE_NREM = _doubt(
    "unusable_nrem", "{percent:.0f} % of NREM unusable", brief="{percent:.0f} % of NREM on {channel} unusable"
)
LOST_WAVES = _doubt(
    "lost_waves",
    "artefact rules remove {percent:.0f} % of the slow waves",
    brief="artefacts on {channel}",
)
CLIPPED_WAVES = _doubt(
    "clipped_waves",
    "{percent:.0f} % of the slow waves are clipped; the largest are missing",
    brief="clipping on {channel}",
)
SWEAT_OR_DRIFT = _doubt(
    "sweat_or_drift",
    "power at 0.2-0.5 Hz is {share:.2f} of slow-wave activity (sweat or drift; limit {limit:g}), and most of it leaks "
    "into slow-wave activity; the setting power.trend_order = 2 takes drift off",
    brief="sweat or drift on {channel}",
)
OUTSIDE_LIGHTS = _doubt(
    "outside_lights",
    "{minutes:.0f} min of scored sleep lie {side} and count for nothing: check that lights, scoring and recording go "
    "by one clock (summer time)",
    brief="scored sleep {side}",
)
BEGINS_ASLEEP = _doubt(
    "begins_asleep",
    "what is scored begins in {stage}: sleep had begun before, so that its onset, the latencies and the first minutes "
    "of cycle 1 are not known, and all that is counted from the onset begins too late: check when the recorder was "
    "started, and the begin of the scoring",
    brief="begins amid sleep",
)
STAGES_MOVED = _doubt(
    "stages_moved",
    "the scoring fits the EEG best if it is moved {minutes:.0f} min {direction}: its stages then tell {best:.0f} % of "
    "how the depth of sleep varies in the EEG, and {percent:.0f} % where they lie; look whether the clocks of scoring "
    "and recording agree, and whether it is the scoring of this night",
    brief="scoring {minutes:.0f} min off",
)
STAGES_UNFIT = _doubt(
    "stages_unfit",
    "the scoring does not fit the EEG: its stages tell {percent:.1f} % of how the depth of sleep varies in it, fewer "
    "than {limit:.0f} %, as those of another night do; look whether it is the scoring of this night",
    brief="scoring does not fit the EEG",
)
POLARITY = _doubt(
    "polarity",
    "large waves go further up than down (× {ratio:.2f}), as with polarity reversed, or with a high-pass "
    "filter near 1 Hz that no header tells; slow waves are found by their negative half, nothing is corrected: look at "
    "the K-complexes",
    brief="polarity of {channel}",
)
POLARITY_FOUND = declare(
    "polarity_found",
    "in min {first:.0f} to {last:.0f} of NREM large waves go × {ratio_down:.2f} as far down as up in {down}, and "
    "× {ratio_up:.2f} as far up as down in {up}",
)
POLARITY_PART = _doubt(
    "polarity_part",
    f"{POLARITY_FOUND.words}: as with polarity reversed in the latter for a part of the night, or for all of it; slow "
    "waves are found by their negative half, nothing is corrected: look at the K-complexes of both",
    brief="polarity of a part of the night[ on {channel}]",
)
TIME_SCALE_ALIKE = declare("time_scale_alike", "frequencies of N2+N3 fit those of the other night as they are")
TIME_SCALE = _doubt(
    "time_scale",
    "its alpha and sigma of N2+N3 lie at × {factor:.2f} of the frequencies that they have in {other} (and fit these "
    "{times:.0f} times better so), which a person's own hardly change: the sampling rate in the header of one of them "
    "is not that of its samples, by which times, slopes and bands are wrong, or it is the EEG of another person",
    brief="sampling rate[ of {channel}]",
)
FILTERED = _doubt(
    "filtered",
    "the header's filter {filter} takes away part of what is measured, which reads lower: {bands}",
    brief="filter {filter} lowers what is measured",
)
BAND_LEFT = declare("band_left", "of {low:g}-{high:g} Hz {low_hz:g}-{high_hz:g} Hz are left")
BAND_GONE = declare("band_gone", "of {low:g}-{high:g} Hz nothing is left")
MAINS = _doubt(
    "mains",
    "mains noise of {level:.0f} µV rms (limit {limit:g}), as from an electrode with poor contact; slow waves lie far "
    "below it",
    brief="mains noise on {channel}",
)
BORDER_JUMPS = _doubt(
    "border_jumps",
    "the signal jumps at each border of data records, so that its samples do not stand where the header says: check "
    "its number of samples in a record, and export it again",
    brief="samples of {channel} displaced",
)
FAR_ZERO = _doubt(
    "far_zero",
    "a stored 0 is {zero:.4g} {unit} by the header: if one of its limits is wrong, so are all amplitudes",
    brief="limits of {channel}",
)
BEYOND_LIMITS = _doubt(
    "beyond_limits",
    "{percent:.0f} % of its samples lie beyond the digital limits of the header: if one of these is wrong, so are all "
    "amplitudes",
    brief="limits of {channel}",
)
HEADER_APART = _doubt(
    "header_apart",
    "by the header its {fact} is {own}, that of others {others}: if it is wrong, so are its numbers",
    brief="header of {channel}",
)
FEW_MINUTES = _doubt(
    "few_minutes", "{minutes:.1f} min of NREM, fewer than {limit:g}", brief="{minutes:.1f} min of NREM"
)
UNSURE_STAGING = _doubt(
    "unsure_staging",
    "mean confidence of the staging {confidence:.2f}, below {limit:g}",
    brief="mean confidence of the staging {confidence:.2f}",
)
UNSURE_NREM = _doubt("unsure_nrem", "staging is uncertain in {percent:.0f} % of N2 and N3")
MOVES_WITH_STAGER = _doubt(
    "moves_with_stager",
    "{marker} moves by {percent:+.0f} % when the stager sees the EEG 20 % larger or smaller",
    brief="{marker} moves by {percent:+.0f} % with the stager",
)
NIGHT = _doubt("night", "{why}")  # of a table of nights that has words alone

# A row over subjects.
SUBJECTS = _doubt(
    "subjects_not_sound", "recordings of {n} of {of} subjects are doubtful[, those of {worse} not comparable] ({named})"
)
ORDERS = _doubt(
    "orders_unequal_doubt",
    "{first} subjects had {baseline} first, {last} {treatment}: an effect of the period reads as one of the treatment",
    brief="orders",
)
GROUP_ORDERS = _doubt(
    "group_orders_doubt",
    "{first} of {n_first} {side_first} had {baseline} first, {second} of {n_second} {side_second}: an effect of the "
    "period reads as a difference between the groups",
    brief="orders",
)
ORDER_OPEN = _doubt(
    "order_open",
    "the order of the nights is not known (give it in the column order or period of the study file): an effect of the "
    "period may read as one of the treatment",
    brief="order of the nights not known",
)
FOUR_ORDERS = _doubt(
    "four_orders",
    "the four nights did not come in balanced orders: an effect of their place reads as one of the treatments together",
    brief="orders",
)
SAME_CONCLUSION = _doubt(
    "same_conclusion", "no more of them than chance makes doubtful, and without them the same is concluded"
)
NO_CONCLUSION = _doubt("no_conclusion", "without them {left} left, too few to conclude anything")
OTHER_CONCLUSION = _doubt(
    "other_conclusion",
    "another conclusion without them: {estimate_with:.3g} ({ci_low_with to ci_high_with:.3g}) with all {n}, "
    "{estimate_without:.3g} ({ci_low_without to ci_high_without:.3g}) with the other {left}",
)
