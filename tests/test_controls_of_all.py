"""What was done to all nights of one condition: no subject passes its own limit, and the mean over subjects does."""

import numpy as np
import pandas as pd
import pytest

from swa.comparison.comparability import compare_facts
from swa.comparison.controls.facts import GAIN_CONTROLS, NightFacts
from swa.comparison.verdicts import judge_contrasts
from swa.settings import Settings
from swa.tables.contrast import CONTRAST_FACTS, GROUP, Contrast
from swa.tables.reason import in_words

KETAMINE = Contrast(treatment="ketamine", comparator="baseline")
CHANNELS = ("F3-M2", "C4-M1")


def night(subject, condition, controls=(0.0, 0.0, 0.0), **facts):
    if not isinstance(controls, dict):
        controls = dict.fromkeys(CHANNELS, np.array(controls))
    return NightFacts(
        subject=subject, session=condition, condition=condition, controls=controls, header={}, nrem_min={}, **facts
    )


def study(before, treated):
    """Records of a study; the facts of each subject's baseline and ketamine night."""
    names = [f"S{number:02d}" for number in range(1, len(treated) + 1)]
    facts = [
        night(name, condition, **own)
        for name, sides in zip(names, zip(before, treated, strict=True), strict=True)
        for condition, own in zip(("baseline", "ketamine"), sides, strict=True)
    ]
    return compare_facts(facts, [(name, KETAMINE) for name in names], Settings())


def of_all(records, control):
    return [one for one in records if one.subject == GROUP and one.control == control]


def verdict_of_all(records, **row):
    """Verdict and reasons of one row over subjects, all of whose nights are sound."""
    subjects = sorted({one.subject for one in records} - {GROUP})
    wanted = {"channel": "C4-M1", "measure": "swa", "window": "cycle-1", "stages": "NREM", "variant": ""} | row
    facts = {name: getattr(KETAMINE, name) for name in CONTRAST_FACTS}
    rows = pd.DataFrame([{"subject": GROUP, "contrast": str(KETAMINE)} | wanted | facts])
    nights = pd.DataFrame(
        [(name, c, c, "done", "sound", "") for name in subjects for c in KETAMINE.conditions],
        columns=["subject", "session", "condition", "status", "verdict", "verdict_reasons"],
    )
    found = judge_contrasts(rows, records, nights, Settings()).iloc[0]
    return found["verdict"], found["verdict_reasons"]


LATER = [1.9, 1.8, 1.75, 1.95]


def at(*onsets):
    return [{"onset_h": onset} for onset in onsets]


def test_nights_that_all_begin_nearly_two_hours_later_make_a_row_over_subjects_caution():
    records = study(at(11.1, 11.0, 11.3, 10.9), at(*np.add([11.1, 11.0, 11.3, 10.9], LATER)))
    assert not [one for one in records if one.subject != GROUP and one.doubt]
    verdict, why = verdict_of_all(records)
    assert verdict == "caution"
    assert "00:56, 23:05 at baseline (+1.9 h, mean of 4 subjects, 4 of them later)" in why


@pytest.mark.parametrize("shifts", [(0.5, 0.55, 0.45, 0.5), (1.9, -0.4, 1.8, 0.9), (1.9, -1.9, 0.3, 0.0)])
def test_nights_that_begin_half_an_hour_later_or_at_scattered_times_are_no_doubt(shifts):
    records = study(at(11, 11, 11, 11), at(*np.add(11, shifts)))
    assert verdict_of_all(records) == ("sound", "")
    (row,) = of_all(records, "sleep_onset_of_all")
    assert row.doubt is None


def test_two_subjects_and_unknown_times_have_no_row_over_subjects():
    assert not of_all(study(at(11, 11), at(13, 13)), "sleep_onset_of_all")
    assert not of_all(study(at(11, 11, 11), at(13, 13, np.nan)), "sleep_onset_of_all")


def of_cycles(*minutes):
    return [{"cycle_min": {"cycle-1": own, "cycle-2": 70.0}} for own in minutes]


@pytest.mark.parametrize("minutes", [(83, 87, 89, 86), (53, 54, 54, 55)])  # REM called N2; N2 called N1
def test_a_cycle_that_holds_other_minutes_in_all_subjects_makes_its_rows_caution(minutes):
    records = study(of_cycles(67, 67, 67, 67), of_cycles(*minutes))
    assert not [one for one in records if one.subject != GROUP and one.doubt]
    verdict, why = verdict_of_all(records)
    assert verdict == "caution"
    assert f"cycle 1 holds {np.mean(minutes):.0f} min of N2 and N3, 67 at baseline" in why
    assert "mean of 4 subjects" in why
    assert "other minutes" in why
    assert verdict_of_all(records, window="cycle-2") == ("sound", "")
    assert verdict_of_all(records, window="night") == ("sound", "")


def test_a_cycle_that_is_cut_unevenly_does_not_excuse_itself():
    # Of six drug nights the beginning is lost in four, 41 min are left of 73: their scatter made the limit 0.88.
    records = study(of_cycles(84, 59, 81, 86, 58, 72), of_cycles(36, 60, 30, 40, 61, 21))
    row = next(one for one in of_all(records, "cycle_minutes_of_all") if one.window == "cycle-1")
    assert row.ln_ratio == pytest.approx(-0.63, abs=0.01)
    assert row.limit == pytest.approx(0.62, abs=0.01)
    assert verdict_of_all(records)[0] == "caution"


@pytest.mark.parametrize("minutes", [(70, 71, 70, 72), (30, 150, 90, 100)])
def test_a_cycle_a_little_longer_or_of_scattered_length_is_no_doubt(minutes):
    records = study(of_cycles(67, 67, 67, 67), of_cycles(*minutes))
    assert verdict_of_all(records) == ("sound", "")


def test_rows_over_subjects_are_said_in_the_table_whether_flagged_or_not():
    records = study(of_cycles(67, 67, 67, 67), of_cycles(70, 71, 70, 72))
    row = next(one for one in of_all(records, "cycle_minutes_of_all") if one.window == "cycle-1")
    assert row.ln_ratio == pytest.approx(np.log([70 / 67, 71 / 67, 70 / 67, 72 / 67]).mean())
    assert (
        in_words(row.notes)
        == "cycle 1 holds 71 min of N2 and N3, 67 at baseline; mean of 4 subjects, 4 of them above 0"
    )


def of_stages(*minutes):
    return [{"sleep_min": dict(zip(("N1", "N2", "N3"), own, strict=True))} for own in minutes]


# Minutes of N1, N2 and N3 of four nights, and what a stricter scorer makes of them.
SCORED = np.array([(12, 150, 90), (20, 170, 80), (9, 140, 110), (15, 160, 70)])
N2_AS_N1 = SCORED + np.outer(0.4 * SCORED[:, 1], (1, -1, 0))
N3_AS_N2 = SCORED + np.outer(0.5 * SCORED[:, 2], (0, 1, -1))
DEEPER = SCORED + np.outer([5, 6, 2, 4], (-1, 0, 1)) + np.outer([45, 50, 38, 40], (0, -1, 1))  # as a drug does


@pytest.mark.parametrize(
    ("treated", "doubted", "why"),
    [
        (
            N2_AS_N1,
            ("NREM", "N2"),
            "N1 is 30 % of N1 to N3, 5 % at baseline (mean of 4 subjects, 4 of them with more)",
        ),
        (N3_AS_N2, ("N2", "N3"), "N3 is 17 % of N1 to N3, 34 % at baseline (mean of 4 subjects, 0 of them with more)"),
        (DEEPER, ("N2", "N3"), "N3 is 53 % of N1 to N3, 34 % at baseline"),
    ],
    ids=["N2 as N1", "N3 as N2", "deeper"],
)
def test_rows_whose_stages_hold_other_sleep_in_all_subjects_are_caution_and_those_without_stages_never(
    treated, doubted, why
):
    records = study(of_stages(*SCORED), of_stages(*treated))
    found = {stages: verdict_of_all(records, stages=stages, window="night") for stages in ("NREM", "N2", "N3", "REM")}
    found["any"] = verdict_of_all(records, stages="any", window="first60min")
    assert {stages for stages, (verdict, _) in found.items() if verdict == "caution"} == set(doubted)
    assert {found[stages] for stages in set(found) - set(doubted)} == {("sound", "")}
    assert why in found[doubted[-1]][1]
    assert "windows that need no stages are free of it" in found[doubted[-1]][1]


def test_a_share_of_a_stage_is_no_doubt_of_the_minutes_of_stages_themselves():
    records = study(of_stages(*SCORED), of_stages(*N2_AS_N1))
    assert verdict_of_all(records, measure="n1_minutes", channel="all", stages="", window="night") == ("sound", "")


def with_n3(minutes, activity):
    return [
        {"sleep_min": dict(zip(("N1", "N2", "N3"), own, strict=True)), "swa_n3": dict.fromkeys(CHANNELS, swa)}
        for own, swa in zip(minutes, activity, strict=True)
    ]


N3_ACTIVITY = np.array([900.0, 700.0, 1200.0, 1000.0])
WEAKER, STRONGER = N3_ACTIVITY * (0.75, 0.7, 0.78, 0.72), N3_ACTIVITY * (1.3, 1.25, 1.4, 1.35)


@pytest.mark.parametrize(
    ("treated", "activity", "words"),
    [
        (DEEPER, WEAKER, "N3 is 53 % of N1 to N3, 34 % at baseline, and slow-wave activity within it × 0.74"),
        (N3_AS_N2, STRONGER, "N3 is 17 % of N1 to N3, 34 % at baseline, and slow-wave activity within it × 1.32"),
    ],
    ids=["a wider N3", "a stricter N3"],
)
def test_minutes_of_n3_that_another_scorer_made_are_caution(treated, activity, words):
    """Drug nights scored with a wider N3 had 32 min more of it (p 0.0007) in the same EEG, `sound`."""
    records = study(with_n3(SCORED, N3_ACTIVITY), with_n3(treated, activity))
    for measure in ("n3_minutes", "n3_share", "n2_minutes", "n2_share"):
        verdict, why = verdict_of_all(records, measure=measure, channel="all", stages="", window="night")
        assert verdict == "caution"
        assert words in why
    for measure in ("tst", "rem_minutes", "n1_minutes"):
        assert verdict_of_all(records, measure=measure, channel="all", stages="", window="night")[0] == "sound"
    assert verdict_of_all(records, stages="NREM", window="night")[0] == "sound"


@pytest.mark.parametrize(
    ("treated", "activity"),
    [
        (DEEPER, STRONGER),
        (DEEPER, N3_ACTIVITY),
        (N3_AS_N2, WEAKER),
        (SCORED, WEAKER),
        (DEEPER, N3_ACTIVITY * (0.75, 1.2, 0.8, 1.3)),
        (DEEPER, N3_ACTIVITY * (0.93, 0.94, 0.93, 0.92)),
    ],
    ids=["deeper sleep", "more of the same", "lighter sleep", "a gain", "chance", "a little"],
)
def test_minutes_of_n3_that_sleep_itself_made_are_sound(treated, activity):
    records = study(with_n3(SCORED, N3_ACTIVITY), with_n3(treated, activity))
    assert of_all(records, "n3_depth_of_all")
    assert verdict_of_all(records, measure="n3_minutes", channel="all", stages="", window="night") == ("sound", "")


def test_n3_of_two_subjects_or_of_no_channel_that_all_nights_have_is_not_held_against_another():
    assert not of_all(study(with_n3(SCORED[:2], N3_ACTIVITY[:2]), with_n3(DEEPER[:2], WEAKER[:2])), "n3_depth_of_all")
    assert not of_all(study(of_stages(*SCORED), with_n3(DEEPER, WEAKER)), "n3_depth_of_all")


@pytest.mark.parametrize("by", [(3, 2, 4, 3), (70, -60, 80, -50)])  # a little in all; much, here more and there less
def test_a_share_that_moves_a_little_or_here_and_there_is_no_doubt(by):
    records = study(of_stages(*SCORED), of_stages(*(SCORED + np.outer(by, (1, -1, 0)))))
    assert verdict_of_all(records, stages="NREM", window="night") == ("sound", "")
    (row,) = of_all(records, "n1_share_of_all")
    assert row.doubt is None
    assert not of_all(study(of_stages(*SCORED[:2]), of_stages(*N2_AS_N1[:2])), "n1_share_of_all")


def with_controls(*changes):
    """A study whose control bands (REM, quiet wake, fast NREM) change so, alike in all channels."""
    return study([{} for _ in changes], [{"controls": change} for change in changes])


# Four simulated subjects: amplitude x 1.3 and a low-pass (22 Hz, first order) in the treated nights; and as they were.
FILTERED = [(0.38, 0.59, -0.02), (0.32, 0.01, -0.32), (0.36, -0.05, -0.67), (0.48, 0.39, -0.04)]
UNTOUCHED = [(-0.07, 0.33, 0.25), (-0.17, -0.27, -0.02), (-0.08, -0.32, -0.42), (0.01, 0.13, 0.26)]


def test_controls_of_the_gain_check_that_contradict_each_other_in_all_subjects_are_told_with_their_names():
    records = with_controls(*FILTERED)
    assert not [one for one in records if one.control in GAIN_CONTROLS and one.doubt]
    assert not [one for one in of_all(records, "gain") if one.doubt]
    verdict, why = verdict_of_all(records)
    assert verdict == "caution"
    assert "the controls of the gain check contradict each other: REM +0.39, fast NREM -0.26 (mean of 4 subjects" in why
    # No factor on the signal moves these, but a filter does: a low-pass took more than half of the spindles, `sound`.
    for measure in ("swa_relative", "spindle_density", "spindle_frequency", "aperiodic_exponent"):
        assert verdict_of_all(records, measure=measure, window="night")[0] == "caution", measure
    for measure in ("swa_decline", "swa_early_late_ratio", "n3_minutes"):
        assert verdict_of_all(records, measure=measure, window="night") == ("sound", ""), measure


def test_controls_that_contradict_each_other_make_one_subject_caution():
    records = with_controls(FILTERED[2])
    (found,) = [one for one in records if one.doubt]
    assert found.control == "gain_controls"
    assert found.ln_ratio == pytest.approx(1.03)
    assert "REM +0.36, fast NREM -0.67" in in_words([found.doubt])


@pytest.mark.parametrize("gain", [0.0, 0.5])
def test_controls_that_scatter_as_from_night_to_night_do_not_contradict_each_other(gain):
    records = with_controls(*(tuple(np.add(own, gain)) for own in UNTOUCHED))
    assert not [one for one in records if one.control.startswith("gain_controls") and one.doubt]


def test_of_two_controls_one_can_contradict_and_one_alone_cannot():
    two = with_controls((0.8, np.nan, -0.5))
    assert [one.control for one in two if one.doubt] == ["gain_controls"]
    assert "gain_controls" not in {one.control for one in with_controls((0.8, np.nan, np.nan))}


def alike(*changes):
    """The same change of all three controls in each subject."""
    return [(change,) * 3 for change in changes]


# Of the same four simulated subjects: amplitude x 1.17 in the treated nights, and channel F3 less 0.35 of channel C4.
GAIN_117 = alike(0.47, 0.17, 0.04, 0.46)


def test_a_gain_in_all_treated_nights_of_four_is_told_and_what_none_explains_is_not():
    (row,) = of_all(with_controls(*GAIN_117), "gain")
    assert row.doubt is not None
    assert row.limit == pytest.approx(0.272, abs=0.005)
    assert of_all(with_controls(*alike(0.13, -0.15, -0.27, 0.13)), "gain")[0].doubt is None


def test_the_limit_over_subjects_is_never_laxer_than_that_of_one():
    changes = alike(-0.9, 1.9, 0.1, 0.6)
    records = with_controls(*changes)
    own = next(one for one in records if one.control == "rem").limit
    (row,) = of_all(records, "gain")
    assert row.limit == pytest.approx(own)
    assert row.doubt is not None


def test_one_channel_that_departs_in_all_subjects_is_told_of_two_channels_too():
    """Another reference of F3 in the treated nights; the shared gain of two channels is halved by it."""
    apart = (-0.33, -0.35, -0.35, -0.36)
    treated = [
        {"controls": {"F3-M2": np.full(3, own + less), "C4-M1": np.full(3, own)}}
        for own, less in zip((0.15, -0.15, -0.27, 0.14), apart, strict=True)
    ]
    records = study([{} for _ in treated], treated)
    assert {one.channel for one in of_all(records, "one_channel_of_all") if one.doubt} == {"F3-M2", "C4-M1"}
    verdict, why = verdict_of_all(records)
    assert verdict == "caution"
    assert "gain departs from that of the other channel" in why
    assert not [one for one in of_all(with_controls(*UNTOUCHED), "one_channel_of_all") if one.doubt]


# Share of 0.2-0.5 Hz and slow-wave activity before, and what a first-order high-pass at 0.53 Hz (a time constant of
# 0.3 s) leaves of both in real NREM of little sweat: less than the limit of any one subject takes away.
LOWEST = [(0.024, 600.0), (0.031, 350.0), (0.041, 280.0), (0.022, 480.0), (0.027, 420.0)]


def below(shares, factors=None):
    return [
        {"below_band": dict.fromkeys(CHANNELS, share * of_share), "swa": dict.fromkeys(CHANNELS, swa * of_swa)}
        for (share, swa), (of_share, of_swa) in zip(shares, factors or [(1.0, 1.0)] * len(shares), strict=True)
    ]


TIME_CONSTANT = [(0.55, 0.79), (0.52, 0.76), (0.58, 0.80), (0.50, 0.77), (0.54, 0.82)]
SWEAT = [(1.9, 1.10), (2.4, 1.12), (1.7, 1.05), (2.2, 1.15), (2.0, 1.04)]


@pytest.mark.parametrize(("factors", "words"), [(TIME_CONSTANT, "× 0.42"), (SWEAT, "× 2.21")], ids=["filter", "sweat"])
def test_a_high_pass_or_sweat_too_little_for_one_pair_shows_in_the_mean_of_all(factors, words):
    records = study(below(LOWEST), below(LOWEST, factors))
    assert not [one for one in records if one.control == "below_band" and one.doubt]
    verdict, why = verdict_of_all(records)
    assert verdict == "caution"
    assert f"power at 0.2-0.5 Hz {words}" in why
    assert "another high-pass filter or amplifier" in why
    assert verdict_of_all(records, measure="sigma_power")[0] == "sound"
    assert verdict_of_all(records, measure="n3_minutes", channel="all", stages="")[0] == "sound"


GREW = [(0.70, 1.50), (0.75, 1.35), (0.65, 1.60), (0.72, 1.40), (0.68, 1.45)]  # slow waves, and no slower power
SHRANK = [(1 / of_share, 1 / of_swa) for of_share, of_swa in GREW]
SCATTERS = [(1.9, 1.10), (0.55, 0.85), (1.4, 0.95), (0.6, 1.12), (0.9, 0.95)]
A_LITTLE = [(0.9, 0.99), (0.88, 0.98), (0.92, 0.99), (0.89, 0.98), (0.91, 0.99)]  # a first-order high-pass at 0.1 Hz


@pytest.mark.parametrize("factors", [GREW, SHRANK, SCATTERS, A_LITTLE], ids=["grew", "shrank", "scatters", "a little"])
def test_a_share_that_slow_waves_alone_or_chance_moved_is_no_high_pass_of_all(factors):
    records = study(below(LOWEST), below(LOWEST, factors))
    assert of_all(records, "below_band_of_all")
    assert verdict_of_all(records) == ("sound", "")


def test_the_lowest_frequencies_of_two_subjects_have_no_mean():
    assert not of_all(study(below(LOWEST[:2]), below(LOWEST[:2], TIME_CONSTANT[:2])), "below_band_of_all")
