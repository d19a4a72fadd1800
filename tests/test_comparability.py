"""The gain check finds changes of gain at its stated rates, and the verdict says what it rests on."""

import dataclasses
import datetime
import importlib.util
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from swa.comparison.comparability import comparability_table, compare_facts
from swa.comparison.contrasts import compare_nights
from swa.comparison.controls.facts import GAIN_CONTROLS, NightFacts
from swa.comparison.controls.gain import CONTRADICTION_SHARE, ONE_CHANNEL_SHARE, own_spread
from swa.comparison.controls.reading import control_powers
from swa.comparison.controls.registry import control, find_control, group_control
from swa.comparison.verdicts import _are_many, _conclusion, false_alarms, judge_contrasts
from swa.night.staging_bias import MARKERS
from swa.settings import ComparabilitySettings, Control, Settings
from swa.tables.contrast import CONTRAST_FACTS, Contrast
from swa.tables.control_names import is_control
from swa.tables.reason import decode, in_words
from swa.tables.results_tables import COMPARABILITY

CHANNELS = ("F3-M2", "F4-M1", "C3-M2", "C4-M1", "O1-M2")
SETTINGS = Settings()
HEADER = {"transducer": "AgCl", "prefilter": "HP:0.3Hz", "physical_range_uv": 400.0, "rate_hz": 256.0, "derivation": ""}


def night(condition, ln_gain=0.0, *, subject="S01", one=0.0, header=None, minutes=200.0, channels=CHANNELS, **facts):
    controls = {name: np.log([3.0, 20.0, 0.8]) + ln_gain for name in channels}
    controls[channels[0]] = controls[channels[0]] + one
    return NightFacts(
        subject=subject,
        session=facts.pop("session", condition),
        condition=condition,
        controls=controls,
        header={name: HEADER | (header or {}) for name in channels},
        nrem_min=dict.fromkeys(channels, minutes),
        **facts,
    )


KETAMINE = Contrast(treatment="ketamine", comparator="baseline")


def find(*nights, settings=SETTINGS, first=None):
    return compare_facts(nights, [("S01", KETAMINE)], settings, first)


def check(*nights, settings=SETTINGS, first=None):
    return comparability_table(find(*nights, settings=settings, first=first))


def flags(table):
    return {(row.channel, row.control) for row in table.itertuples() if row.flagged == "true"}


def test_nights_alike_are_not_flagged_and_say_what_is_not_excluded():
    table = check(night("baseline"), night("ketamine"))
    assert list(table.columns) == COMPARABILITY.names
    assert not flags(table)
    gain = table[table["control"].isin(GAIN_CONTROLS)]
    assert len(gain) == 3 * len(CHANNELS)
    assert np.allclose(gain["limit"], 1.96 * 0.12 * np.sqrt(2), atol=1e-3)
    assert gain["note"].str.contains("a gain change below × 1.18").all()


def test_lowest_frequencies_that_are_gone_are_a_high_pass_and_not_sweat():
    before = night("baseline", below_band={"F3-M2": 0.15})
    cut = find(before, night("ketamine", below_band={"F3-M2": 0.02}))
    sweat = find(before, night("ketamine", below_band={"F3-M2": 0.55}))
    less = find(night("baseline", below_band={"F3-M2": 0.19}), night("ketamine", below_band={"F3-M2": 0.12}))
    told = [next(one for one in found if one.control == "below_band") for found in (cut, sweat, less)]
    assert [one.is_worst for one in told] == [True, True, False]
    assert ["another high-pass" in in_words([one.doubt]) for one in told] == [True, False, False]


# Share of 0.2-0.5 Hz and SWA of a simulated night: clean, with a pulse wave of 50 µV, a high-pass at 1 Hz, and sweat.
CLEAN, PULSE, HIGH_PASS, SWEAT = (0.15, 400.0), (0.07, 840.0), (0.05, 300.0), (0.28, 480.0)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (CLEAN, PULSE, "slow-wave activity moved (× 2.10) and what lies below it hardly did; sweat and drift do not"),
        (PULSE, CLEAN, "slow-wave activity moved (× 0.48) and what lies below it hardly did"),
        (CLEAN, HIGH_PASS, "or a high-pass filter that no header tells in the other"),
        (CLEAN, SWEAT, "sweat or drift in the one, of which most leaks"),
    ],
    ids=["pulse", "pulse at baseline", "high-pass", "sweat"],
)
def test_a_share_of_the_lowest_frequencies_names_what_may_have_moved_it(before, after, words):
    sides = [
        night(condition, below_band={"F3-M2": share}, swa={"F3-M2": swa})
        for condition, (share, swa) in (("baseline", before), ("ketamine", after))
    ]
    told = next(one for one in find(*sides) if one.control == "below_band")
    assert words in in_words([told.doubt])
    assert ("pulse wave" in in_words([told.doubt])) == (PULSE in (before, after))


# Share of 0.2-0.5 Hz, SWA of N2+N3 and of REM sleep: as recorded, and slow waves of NREM truly × 1.3 to 1.6 in power.
AS_IT_IS, GREW_30, GREW_60 = (0.24, 600.0, 90.0), (0.185, 780.0, 97.0), (0.15, 960.0, 120.0)
PULSE_TOO, DRUG_AND_PULSE = (0.14, 1000.0, 490.0), (0.12, 1200.0, 290.0)


@pytest.mark.parametrize(
    ("before", "after", "flagged"),
    [
        (AS_IT_IS, GREW_30, False),
        (AS_IT_IS, GREW_60, False),
        (GREW_60, AS_IT_IS, False),
        (AS_IT_IS, (0.12, 1260.0, 185.0), False),  # in REM sleep as in NREM
        (AS_IT_IS, (0.06, 1800.0, 120.0), False),  # × 3: no nights that cannot be compared
        (AS_IT_IS, PULSE_TOO, True),
        (PULSE_TOO, AS_IT_IS, True),
        (AS_IT_IS, DRUG_AND_PULSE, True),  # which `rem_slow` leaves, since more was added in NREM
        ((0.24, 600.0, np.nan), (0.15, 960.0, np.nan), True),  # no REM sleep that could tell
        (AS_IT_IS, (0.40, 720.0, 90.0), True),  # sweat, in NREM alone
        (AS_IT_IS, (0.08, 300.0, 60.0), True),  # high-pass
    ],
)
def test_slow_waves_that_truly_grew_are_no_other_shape_of_the_spectrum(before, after, flagged):
    sides = [
        night(
            condition,
            below_band={"F3-M2": share},
            swa={"F3-M2": nrem},
            swa_rem={} if np.isnan(rem) else {"F3-M2": rem},
        )
        for condition, (share, nrem, rem) in (("baseline", before), ("ketamine", after))
    ]
    told = next(one for one in find(*sides) if one.control == "below_band")
    assert (told.doubt is not None) == flagged
    assert flagged or not told.is_worst
    assert flagged != ("slow activity of REM sleep little" in in_words(told.notes))


@pytest.mark.parametrize(
    ("before", "after", "flagged"),
    [
        ((600, 90), (744, 234), True),  # 12 µV rms added in every stage: + 24 % in N2+N3, which was `sound`
        ((744, 234), (600, 90), True),
        ((600, 90), (780, 117), False),  # amplitude × 1.14
        ((600, 90), (780, 130), False),  # a drug, and a REM sleep that differs by chance
        ((600, 90), (560, 155), False),  # REM sleep alone
        ((600, 90), (600, 90), False),
    ],
    ids=["added", "taken away", "gain", "drug", "the other way", "alike"],
)
def test_slow_activity_that_is_added_in_rem_sleep_too_is_no_slow_wave(before, after, flagged):
    sides = [
        night(condition, swa={"F3-M2": nrem}, swa_rem={"F3-M2": rem})
        for condition, (nrem, rem) in (("baseline", before), ("ketamine", after))
    ]
    told = next(one for one in find(*sides) if one.control == "rem_slow")
    assert (told.doubt is not None) == flagged
    assert told.ln_ratio == pytest.approx(np.log(after[1] / before[1]))
    if flagged:
        assert abs(told.ln_ratio) > told.limit
        assert f"in REM sleep too, from {before[1]} to {after[1]} µV²" in in_words([told.doubt])


@pytest.mark.parametrize(("rem", "limit"), [(91, np.log(150 / 90)), (89, np.log(90 / 30)), (30, np.log(90 / 30))])
def test_the_limit_of_slow_activity_in_rem_sleep_is_in_the_unit_of_its_change(rem, limit):
    sides = [
        night(condition, swa={"F3-M2": 600.0}, swa_rem={"F3-M2": own})
        for condition, own in (("baseline", 90.0), ("ketamine", float(rem)))
    ]
    told = next(one for one in find(*sides) if one.control == "rem_slow")
    assert told.limit == pytest.approx(limit)


def test_a_night_with_little_rem_sleep_is_not_held_against_others_by_it():
    sides = night("baseline", swa={"F3-M2": 600.0}, swa_rem={"F3-M2": 90.0}), night("ketamine", swa={"F3-M2": 744.0})
    assert not [one for one in find(*sides) if one.control == "rem_slow"]


def test_a_low_pass_that_no_header_tells_is_among_what_moves_the_bands_of_the_gain_check():
    """First order at 12 Hz: the higher a band, the more is gone."""
    treated = NightFacts(
        **vars(night("ketamine")) | {"controls": dict.fromkeys(CHANNELS, np.array([-0.3, -0.9, -1.7]))}
    )
    said = [in_words([one.doubt]) for one in find(night("baseline"), treated) if one.doubt]
    assert said
    assert all("another low-pass filter" in words or "as by a filter" in words for words in said)
    assert any("as by a filter, with another gain or without, by a pulse wave" in words for words in said)


def test_a_gain_on_all_channels_is_flagged_in_each_and_its_size_named():
    table = check(night("baseline"), night("ketamine", 2 * np.log(1.35)))
    assert flags(table) == {(name, control) for name in CHANNELS for control in GAIN_CONTROLS}
    gain = table[table["control"] == "rem"]
    assert np.allclose(gain["g"], 2 * np.log(1.35), atol=1e-4)
    assert gain["note"].str.contains("amplitude × 1.35").all()


def test_one_channel_is_held_against_the_others_and_two_are_too_few():
    table = check(night("baseline"), night("ketamine", one=2 * np.log(1.2)))
    assert flags(table) == {("F3-M2", "one_channel")}
    few = CHANNELS[:2]
    table = check(night("baseline", channels=few), night("ketamine", one=2 * np.log(1.2), channels=few))
    assert "one_channel" not in set(table["control"])
    assert ("F3-M2", "rem") in flags(table)


def test_several_nights_are_averaged_and_narrow_the_limit():
    table = check(night("baseline", session="b1"), night("baseline", 0.3, session="b2"), night("ketamine", 0.45))
    rem = table[table["control"] == "rem"].iloc[0]
    assert rem["g"] == pytest.approx(0.30)
    assert rem["limit"] == pytest.approx(1.96 * 0.12 * np.sqrt(1.5), abs=1e-3)


def test_a_missing_control_widens_the_limit_and_none_excludes_nothing():
    treated = night("ketamine")
    without = {name: values * [np.nan, 1, 1] for name, values in treated.controls.items()}
    table = check(night("baseline"), dataclasses.replace(treated, controls=without))
    assert (table.loc[table["control"] == "quiet_wake", "limit"] > 0.34).all()
    assert table.loc[table["control"] == "rem", "ln_ratio"].isna().all()
    none = {name: values * np.nan for name, values in treated.controls.items()}
    table = check(night("baseline"), dataclasses.replace(treated, controls=none))
    assert table.loc[table["control"] == "rem", "note"].str.contains("not excluded at all").all()
    assert not flags(table)


def test_a_cycle_much_longer_than_at_baseline_makes_rows_of_that_cycle_doubtful_and_no_others():
    """Of 19 pairs of real nights of one person the first cycles differ by more than three times in one."""
    before = night("baseline", cycle_min={"cycle-1": 15.0, "cycle-2": 60.0, "cycle-3": 40.0})
    records = find(before, night("ketamine", cycle_min={"cycle-1": 71.0, "cycle-2": 80.0}))
    found = [one for one in records if one.control == "cycle_minutes"]
    assert [(one.window, one.doubt is not None) for one in found] == [("cycle-1", True), ("cycle-2", False)]
    assert "cycle 1 holds 71 min of N2 and N3, 15 at baseline" in in_words([found[0].doubt])
    rows = pd.DataFrame([row_of("S01", window) for window in ("cycle-1", "cycle-2", "night", "matched")])
    judged = judge_contrasts(rows, records, NIGHTS, SETTINGS)
    assert judged["verdict"].tolist() == ["caution", "sound", "sound", "sound"]


@pytest.mark.parametrize(("doubtful", "verdict"), [(1, "sound"), (4, "caution")])
def test_cycles_that_differ_as_in_one_of_twenty_people_leave_a_group_sound(doubtful, verdict):
    names = [f"S{number:02d}" for number in range(8)]
    facts, pairs = [], [(name, KETAMINE) for name in names]
    for place, name in enumerate(names):
        facts.append(night("baseline", subject=name, cycle_min={"cycle-1": 15.0 if place < doubtful else 60.0}))
        facts.append(night("ketamine", subject=name, cycle_min={"cycle-1": 70.0}))
    rows = pd.DataFrame([row_of(name, "cycle-1") for name in (*names, "group")])
    nights = pd.concat([NIGHTS[NIGHTS["subject"] == "S01"].assign(subject=name) for name in names], ignore_index=True)
    judged = judge_contrasts(rows, compare_facts(facts, pairs, SETTINGS), nights, SETTINGS)
    assert judged["verdict"].iloc[-1] == verdict


def test_headers_minutes_and_clock_are_listed():
    baseline = night("baseline", start_h=10.0, onset_h=10.5, place=1.0)
    other = {"transducer": "gold cup", "physical_range_uv": 800.0}
    table = check(
        baseline,
        night("ketamine", header=other, minutes=100.0, start_h=10.0, onset_h=13.0, place=2.0),
        first={"S01": 1.0},
    )
    found = {control for _, control in flags(table)}
    assert found == {"transducer", "physical_range", "analysed_minutes", "sleep_onset"}
    notes = table.set_index("control")["note"]
    assert "baseline: AgCl; ketamine: gold cup" in set(notes["transducer"])
    assert notes["sleep_onset"].startswith("01:00, 22:30 at baseline")
    assert notes["first_night"].startswith("baseline is the subject's first night")


def test_own_baseline_pairs_replace_the_stated_spread():
    rng = np.random.default_rng(3)
    nights = [
        night("baseline", rng.normal(0, 0.2), subject=f"S{i}", session=f"b{k}") for i in range(200) for k in range(2)
    ]
    spread = own_spread(nights, "baseline", ComparabilitySettings())
    assert spread.gain == pytest.approx(0.2, rel=0.12)
    assert spread.df == 200
    assert own_spread(nights[:6], "baseline", ComparabilitySettings()).source.words == "stated SD"


def test_controls_are_band_powers_of_the_stored_spectra():
    hz = np.arange(226) * 0.2
    parts = [
        pd.DataFrame(
            {"channel": "C4-M1", "stages": stages, "window": window, "frequency_hz": hz, "density_uv2_hz": level}
        ).assign(n_epochs=n)
        for stages, window, level, n in (
            ("REM", "night", 2.0, 40),
            ("W", "quiet", 3.0, 5),
            ("NREM", "night", 0.5, 400),
            ("NREM", "matched", 9.0, 400),
        )
    ]
    found = control_powers(pd.concat(parts), ComparabilitySettings())["C4-M1"]
    assert np.allclose(np.exp(found[[0, 2]]), [12.0, 5.0])
    assert np.isnan(found[1])  # 2.5 min of wake are too few
    slow = control_powers(pd.concat(parts), ComparabilitySettings(), {"C4-M1": 50.0})["C4-M1"]
    assert np.isfinite(slow[0])
    assert np.isnan(slow[2])


def test_rules_that_remove_more_in_one_condition_are_flagged():
    more, less = (dict.fromkeys(CHANNELS, (share, share / 2, "muscle")) for share in (0.25, 0.02))
    table = check(night("baseline", rejected=less), night("ketamine", rejected=more))
    assert flags(table) == {(name, "rejection") for name in CHANNELS}
    assert "remove 25.0 % of NREM" in table.loc[table["control"] == "rejection", "note"].iloc[0]
    assert not flags(check(night("baseline", rejected=more), night("ketamine", rejected=more)))


def test_a_marker_that_moves_with_the_stager_is_flagged_and_n3_minutes_are_said():
    steady = {("C4-M1", "swa"): (-0.01, 0.02), ("all", "n3_minutes"): (-3.0, 2.0)}
    moved = {("C4-M1", "swa"): (-0.08, 0.02), ("all", "n3_minutes"): (-3.0, 4.5)}
    of_90 = {"n3_minutes": 90.0}
    told = [night(name, shifts=steady, unmoved=of_90) for name in ("baseline", "ketamine")]
    n3 = {("all", "staging_n3"), ("all", "staging_n3_of_all")}
    assert flags(check(*told)) == n3  # N3 is never read without it
    records = find(night("baseline", shifts=moved, unmoved=of_90), night("ketamine", shifts=steady, unmoved=of_90))
    table = comparability_table(records)
    assert flags(table) == {("C4-M1", "staging_swa")} | n3
    row = table[table["control"] == "staging_n3"].iloc[0]
    assert "-4.5 min" in row["note"]
    assert judged(records).loc[("S01", "C4-M1", "swa", "cycle-1"), "verdict"] == "caution"


def staged(condition, subject="S01", by_machine=True, n3=(-30.0, 20.0)):
    """A night of 60 min of N3 and 400 of sleep, of which the stager alone makes more or less."""
    shifts = {("all", "n3_minutes"): n3, ("all", "tst"): (-2.0, 3.0)} if by_machine else {}
    unmoved = {"n3_minutes": 60.0, "tst": 400.0} if by_machine else {}
    return night(condition, subject=subject, shifts=shifts, unmoved=unmoved, is_staged_by_machine=by_machine)


def sleep_contrasts(subjects=("S01",)):
    places = [("all", "any", measure) for measure in ("n3_minutes", "tst")] + [("C4-M1", "NREM", "swa")]
    rows = [
        dict(zip(("subject", "channel", "stages", "measure"), (subject, *place), strict=True)) | {"window": window}
        for subject in ("group", *subjects)
        for place in (*places, ("C4-M1", "any", "delta_power"))
        for window in ("night", "cycle-1")
    ]
    facts = {name: getattr(KETAMINE, name) for name in CONTRAST_FACTS}
    return pd.DataFrame(rows).assign(contrast=str(KETAMINE), **facts)


def judged_sleep(*nights):
    subjects = list(dict.fromkeys(each.subject for each in nights))
    records = compare_facts(nights, [(subject, KETAMINE) for subject in subjects], SETTINGS)
    known = pd.DataFrame(
        [(n.subject, n.session, n.condition, "done", "sound", "") for n in nights], columns=NIGHTS.columns
    )
    found = judge_contrasts(sleep_contrasts(subjects), records, known, SETTINGS)
    return found.set_index(["subject", "measure", "window"]).sort_index()


def test_minutes_of_n3_by_a_machine_are_never_read_without_what_the_stager_alone_does():
    found = judged_sleep(staged("baseline"), staged("ketamine"))
    for window in ("night", "cycle-1"):
        for subject in ("S01", "group"):
            row = found.loc[(subject, "n3_minutes", window)]
            assert row["verdict"] == "caution"
            assert "-30 min with the stager alone (EEG ± 20 %)" in row["verdict_reasons"]
            assert "stages_move" in [reason.code for reason in decode(row["doubts"])]
    # What moves by less than a twentieth of itself is no objection, and none of these is one to another measure.
    assert set(found.loc[("S01", ["tst", "swa"]), "verdict"]) == {"sound"}


def test_minutes_of_n3_by_a_scoring_have_no_objection():
    found = judged_sleep(*(staged(name, by_machine=False) for name in ("baseline", "ketamine")))
    assert set(found["verdict"]) == {"sound"}


def test_nights_staged_by_different_means_are_caution_where_stages_count():
    found = judged_sleep(staged("baseline", by_machine=False), staged("ketamine"))
    for measure in ("n3_minutes", "tst", "swa"):
        row = found.loc[("S01", measure, "night")]
        assert row["verdict"] == "caution"
        assert "baseline: scored; ketamine: automatic" in row["verdict_reasons"]
    assert found.loc[("S01", "delta_power", "night"), "verdict"] == "sound"  # of no stage


def test_subjects_staged_by_different_means_are_caution_together_and_sound_alone():
    by_person = [staged(name, "S02", by_machine=False) for name in ("baseline", "ketamine")]
    found = judged_sleep(staged("baseline"), staged("ketamine"), *by_person)
    assert found.loc[("group", "swa", "night"), "verdict"] == "caution"
    assert "nights scored: 2, staged automatically: 2" in found.loc[("group", "swa", "night"), "verdict_reasons"]
    assert set(found.loc[(["S01", "S02"], "swa"), "verdict"]) == {"sound"}


def row_of(subject, window):
    rows = contrasts(subjects=(subject,))
    return next(row for row in rows.to_dict("records") if row["subject"] == subject) | {"window": window}


def contrasts(contrast=KETAMINE, subjects=("S01", "S02")):
    rows = [
        {"subject": subject, "contrast": str(contrast), "channel": channel, "measure": measure, "window": window}
        | {"stages": "NREM", "variant": ""}
        | {name: getattr(contrast, name) for name in CONTRAST_FACTS}
        for subject in ("group", *subjects)
        for channel in ("F3-M2", "C4-M1", "frontal")
        for measure in ("swa", "swa_relative")
        for window in ("night", "cycle-1")
    ]
    return pd.DataFrame(rows)


NIGHTS = pd.DataFrame(
    [(s, c, c, "done", "sound", "") for s in ("S01", "S02") for c in ("baseline", "ketamine")],
    columns=["subject", "session", "condition", "status", "verdict", "verdict_reasons"],
)


def judged(records, nights=NIGHTS):
    found = judge_contrasts(contrasts(), records, nights, SETTINGS)
    return found.set_index(["subject", "channel", "measure", "window"]).sort_index()


def test_a_flagged_gain_is_caution_for_the_channel_its_region_and_the_group_but_not_for_shares():
    found = judged(find(night("baseline"), night("ketamine", one=2 * np.log(1.2))))
    assert found.loc[("S01", "F3-M2", "swa", "night"), "verdict"] == "caution"
    assert found.loc[("S01", "frontal", "swa", "night"), "verdict"] == "caution"
    assert found.loc[("S01", "C4-M1", "swa", "night"), "verdict"] == "sound"
    assert found.loc[("S01", "F3-M2", "swa_relative", "night"), "verdict"] == "sound"
    assert (found.loc["S02", "verdict"] == "sound").all()
    group = found.loc[("group", "F3-M2", "swa", "night")]
    assert group["verdict"] == "sound"  # one of two is what chance gives
    assert group["verdict_reasons"] == "recordings of 1 of 2 subjects are doubtful (S01: one channel)"


def test_another_reference_or_a_gain_that_no_drug_makes_is_not_comparable():
    found = judged(find(night("baseline"), night("ketamine", header={"derivation": "recorded reference"})))
    assert found.loc[("S01", "C4-M1", "swa_relative", "cycle-1"), "verdict"] == "not comparable"
    found = judged(find(night("baseline"), night("ketamine", 2 * np.log(1.6))))
    assert found.loc[("S01", "C4-M1", "swa", "night"), "verdict"] == "not comparable"
    assert found.loc[("group", "C4-M1", "swa", "night"), "verdict"] == "caution"


def test_a_night_held_against_itself_is_never_sound():
    same = find(night("baseline", content=("file a", "spectra a")), night("ketamine", content=("file b", "spectra a")))
    found = judged(same).loc["S01"]
    assert (found["verdict"] == "not comparable").all()
    assert found["verdict_reasons"].iloc[0].startswith("baseline and ketamine hold the same signals")
    other = check(night("baseline", content=("file a",)), night("ketamine", content=("file b",)))
    assert "same_recording" not in set(other["control"])


def test_nights_that_begin_at_the_same_second_are_caution():
    start = datetime.datetime(2026, 3, 2, 22, 41, 7)
    others = [night("baseline", subject="S02", start=start - datetime.timedelta(days=9))]
    same = [night("baseline", start=start), night("ketamine", start=start)]
    found = judged(find(*same, *others)).loc["S01"]
    assert (found["verdict"] == "caution").all()
    assert found["verdict_reasons"].iloc[0].startswith("baseline and ketamine begin at the same second")
    assert "same_start" in set(check(*same)["control"])
    later = night("ketamine", start=start + datetime.timedelta(seconds=1))
    assert "same_start" not in set(check(same[0], later, *others)["control"])


def test_starts_that_are_hidden_or_those_of_copies_say_nothing_more():
    start = datetime.datetime(2026, 3, 2, 22, 41, 7)
    same = [night("baseline", start=start), night("ketamine", start=start)]
    everywhere = night("baseline", subject="S02", start=start)
    assert "same_start" not in set(check(*same, everywhere)["control"])
    copies = [dataclasses.replace(one, content=("a",)) for one in same]
    assert set(check(*copies)["control"]) >= {"same_recording"}
    assert "same_start" not in set(check(*copies)["control"])
    assert "same_start" not in set(check(night("baseline"), night("ketamine"))["control"])


def test_analysed_minutes_concern_what_is_not_cut_to_common_minutes():
    """Two hours and three of NREM, SWA falling by 0.35 per h: the mean of the shorter night is 16 % larger."""
    falls = {"decline": dict.fromkeys(CHANNELS, -0.35)}
    records = find(night("baseline", minutes=180.0, **falls), night("ketamine", minutes=120.0, **falls))
    found = judged(records)
    assert found.loc[("S01", "C4-M1", "swa", "night"), "verdict"] == "sound"
    assert found.loc[("S01", "C4-M1", "swa", "cycle-1"), "verdict"] == "sound"
    rows = contrasts()
    uncut = judge_contrasts(rows.assign(variant="all minutes"), records, NIGHTS, SETTINGS)
    whole = judge_contrasts(rows.assign(measure="aperiodic_exponent"), records, NIGHTS, SETTINGS)
    off = judge_contrasts(rows, records, NIGHTS, Settings(windows={"common_minutes": False}))
    for table in (uncut, whole, off):
        own = table[(table["subject"] == "S01") & (table["channel"] == "C4-M1")]
        assert set(own.loc[own["window"] == "night", "verdict"]) == {"caution"}
        assert set(own.loc[own["window"] == "cycle-1", "verdict"]) == {"sound"}
    (reason,) = decode(own.loc[own["window"] == "night", "doubts"].iloc[0])
    bias = (1 - np.exp(-0.7)) / 0.7 / ((1 - np.exp(-1.05)) / 1.05)
    assert reason.values["percent"] == pytest.approx(100 * (bias - 1))
    assert "(-0.35 per h) that alone makes slow-wave activity of the whole night +16.2 %" in reason.words
    close = find(night("baseline", minutes=180.0), night("ketamine", minutes=165.0))
    assert set(judge_contrasts(rows.assign(variant="all minutes"), close, NIGHTS, SETTINGS)["verdict"]) == {"sound"}


def test_a_night_that_is_not_sound_stays_so_in_its_contrasts():
    nights = NIGHTS.copy()
    nights.loc[1, ["verdict", "verdict_reasons"]] = ["unusable", "all channels bad"]
    found = judged(find(night("baseline"), night("ketamine")), nights)
    assert (found.loc["S01", "verdict"] == "not comparable").all()
    assert found.loc[("S01", "C4-M1", "swa", "night"), "verdict_reasons"] == "ketamine: all channels bad"


def of_nine(ln_gain, contrast=KETAMINE, spread=0.1):
    """Nine subjects whose treatment nights have this gain, beside a scatter that no gain explains."""
    scatter = np.random.default_rng(3).normal(0, spread, 9)
    nights = []
    for i in range(9):
        subject = f"S{i + 1:02}"
        nights.append(night(contrast.comparator, subject=subject))
        nights.append(night(contrast.treatment, ln_gain + scatter[i], subject=subject))
    return compare_facts(nights, [(f"S{i:02}", contrast) for i in range(1, 10)], SETTINGS)


def test_a_gain_too_small_for_one_pair_shows_in_the_mean_of_all():
    records = of_nine(2 * np.log(1.12))
    table = comparability_table(records)
    single = table[(table["subject"] != "group") & table["control"].isin(GAIN_CONTROLS)]
    assert (single.groupby("subject")["flagged"].first() == "true").sum() < 5
    row = table[table["subject"] == "group"].iloc[0]
    assert (row["control"], row["channel"], row["flagged"]) == ("gain", "all", "true")
    assert np.exp(row["g"] / 2) == pytest.approx(1.12, abs=0.04)
    found = judged(records)
    group = found.loc[("group", "C4-M1", "swa", "night")]
    assert group["verdict"] == "caution"
    assert group["verdict_reasons"].startswith(
        "the gain check of all subjects together: power in the control bands × 1."
    )
    assert found.loc[("group", "C4-M1", "swa_relative", "night"), "verdict"] == "sound"


def named(treatment, comparator="baseline", **sides):
    return Contrast(treatment=treatment, comparator=comparator, **sides)


def nights_of(*conditions, **columns):
    """Sound nights of nine subjects."""
    subjects = [f"S{i:02}" for i in range(1, 10)]
    rows = [(subject, name, name) for subject in subjects for name in conditions]
    return pd.DataFrame(rows, columns=["subject", "session", "condition"]).assign(verdict="sound", **columns)


def of_group(records, nights, *contrasts_asked):
    """Verdict and reasons of each contrast over subjects, of SWA at C4-M1."""
    rows = pd.concat([contrasts(contrast, subjects=nights["subject"].unique()) for contrast in contrasts_asked])
    rows = rows[(rows["channel"] == "C4-M1") & (rows["measure"] == "swa") & (rows["window"] == "night")]
    found = judge_contrasts(rows, records, nights, SETTINGS)
    group = found[found["subject"] == "group"]
    return list(zip(group["verdict"], group["verdict_reasons"], strict=True))


@pytest.mark.parametrize("name", ["ketamine", "ketamine low", "low ketamine 0.5 mg/kg", "ketamine; low"])
def test_a_small_gain_of_all_subjects_is_found_whatever_their_condition_is_called(name):
    records = of_nine(2 * np.log(1.03), named(name), spread=0.01)
    ((verdict, why),) = of_group(records, nights_of("baseline", name), named(name))
    assert verdict == "caution"
    assert "as an amplitude × 1.03 in all would do, heart beat or muscle in the channel, another low-pass" in why


def test_a_condition_with_a_colon_keeps_its_name_in_the_table():
    found = comparability_table(of_nine(2 * np.log(1.03), named("ketamine:low"), spread=0.01))
    assert set(found["contrast"]) == {'"ketamine:low":baseline'}
    assert found.loc[(found["subject"] == "group") & (found["control"] == "gain"), "flagged"].tolist() == ["true"]


def test_a_condition_whose_name_begins_with_that_of_another_is_judged_by_its_own_nights():
    high, low = named("ketamine", "saline"), named("ketamine", "saline low")
    nights = nights_of("ketamine", "saline", "saline low")
    for shifted in (high, low):
        verdicts = [word for word, _ in of_group(of_nine(2 * np.log(1.03), shifted, spread=0.01), nights, high, low)]
        assert verdicts == ["caution" if contrast == shifted else "sound" for contrast in (high, low)]


def test_a_gain_of_all_subjects_concerns_a_contrast_between_groups_too():
    between = named("ketamine low", first="patients low", second="controls")
    nights = nights_of("baseline", "ketamine low")
    nights["group"] = np.where(nights["subject"] < "S05", "patients low", "controls")
    records = of_nine(2 * np.log(1.03), between.pair, spread=0.01)
    assert [word for word, _ in of_group(records, nights, between, between.pair)] == ["caution", "caution"]


def arms(**arm_of_condition):
    """Nights of nine subjects, three in each arm, whose arms are called as their treatments."""
    treatments = list(arm_of_condition)
    nights = nights_of("baseline", "treated")
    arm = np.array(treatments)[(nights["subject"].str[1:].astype(int) - 1) // 3]
    return nights.assign(arm=arm, condition=np.where(nights["condition"] == "treated", arm, "baseline"))


def test_a_contrast_between_arms_is_judged_by_their_subjects_alone():
    nights = arms(ketamine=1, magnesium=2, placebo=3)
    nights.loc[nights["session"].eq("treated") & nights["subject"].isin(["S01", "S04"]), "verdict"] = "caution"
    nights["verdict_reasons"] = np.where(nights["verdict"] == "caution", "too short", "")
    between = [named(name, "placebo", first=name, second="placebo") for name in ("ketamine", "magnesium")]
    within = [named(name) for name in ("ketamine", "magnesium", "placebo")]
    found = of_group([], nights, *between, *within)
    assert found[0] == ("sound", "recordings of 1 of 6 subjects are doubtful (S01: too short in ketamine nights)")
    assert found[1] == ("sound", "recordings of 1 of 6 subjects are doubtful (S04: too short in magnesium nights)")
    assert [why for _, why in found[2:]] == [
        "recordings of 1 of 3 subjects are doubtful (S01: too short in ketamine nights)",
        "recordings of 1 of 3 subjects are doubtful (S04: too short in magnesium nights)",
        "",
    ]


def test_a_gain_of_all_nights_of_one_arm_concerns_its_contrast_with_another():
    nights = arms(ketamine=1, magnesium=2, placebo=3)
    gain = np.random.default_rng(4).normal(0, 0.001, 18) + 2 * np.log(1.03) * nights["condition"].eq("ketamine")
    keys = zip(nights["condition"], gain, nights["subject"], strict=True)
    facts = [night(condition, value, subject=subject) for condition, value, subject in keys]
    within = [named(name) for name in ("ketamine", "magnesium", "placebo")]
    pairs = [(row.subject, named(row.arm)) for row in nights.drop_duplicates("subject").itertuples()]
    records = compare_facts(facts, pairs, SETTINGS)
    between = [named(name, "placebo", first=name, second="placebo") for name in ("ketamine", "magnesium")]
    found = of_group(records, nights, *between, *within)
    assert [word for word, _ in found] == ["caution", "sound", "caution", "sound", "sound"]
    assert found[0][1].startswith("ketamine against baseline: the gain check of all subjects together")


def study(changes, doubtful, window="night"):
    """Long table and nights of subjects with these ratios, of whom some have a doubtful ketamine night."""
    subjects = [f"S{i + 1:02}" for i in range(len(changes))]
    rows = [
        (subject, name, name, value)
        for subject, ratio in zip(subjects, changes, strict=True)
        for name, value in (("baseline", 100.0), ("ketamine", 100.0 * ratio))
    ]
    table = pd.DataFrame(rows, columns=["subject", "session", "condition", "value"])
    table = table.assign(
        channel="C4-M1", stages="NREM", window=window, measure="swa", variant="", unit="µV²", n=1, note=""
    )
    doubted = table["subject"].isin(doubtful) & (table["condition"] == "ketamine")
    nights = table[["subject", "session", "condition"]].assign(
        status="done",
        verdict=np.where(doubted, "caution", "sound"),
        verdict_reasons=np.where(doubted, "too short", ""),
    )
    return compare_nights(table, nights=nights).query("subject == 'group'").iloc[0]


def test_one_doubtful_subject_of_many_is_what_chance_gives_and_the_row_says_so():
    row = study([1.3, 1.2, 1.25, 1.4, 1.15, 1.3, 1.2, 1.35], ["S03"])
    assert row["verdict"] == "sound"
    assert row["verdict_reasons"] == (
        "recordings of 1 of 8 subjects are doubtful (S03: too short in ketamine nights); no more of them "
        "than chance makes doubtful, and without them the same is concluded"
    )
    assert study([1.3, 1.2, 1.25, 1.4, 1.15, 1.3, 1.2, 1.35], ["S01", "S03", "S05"])["verdict"] == "caution"


def test_the_false_alarms_of_the_gain_check_excuse_no_other_doubt():
    # Three of six in a cycle: so many false alarms of gain and cycles are chance (3 %), nights too short are not.
    changes = [1.3, 1.2, 1.25, 1.4, 1.15, 1.3]
    assert not _are_many(3, 6, false_alarms(0.95, of_cycle=True))
    row = study(changes, ["S01", "S03", "S05"], window="cycle-1")
    assert row["verdict"] == "caution"
    assert "no more of them" not in row["verdict_reasons"]
    assert study(changes, ["S01", "S03"], window="cycle-1")["verdict"] == "sound"


def test_what_is_left_without_an_interval_is_no_other_conclusion():
    row = {"n": 6, "without": frozenset({"S01", "S02", "S03", "S04", "S05"})}
    found = _conclusion(row, {"ci_low": np.nan}, is_other=True)
    assert in_words([found]) == "without them 1 left, too few to conclude anything"


def test_subjects_of_whom_the_same_is_doubted_are_told_together():
    names = [f"S{number:02d}" for number in range(1, 9)]
    said = study([1.3, 1.2, 1.25, 1.4, 1.15, 1.3, 1.2, 1.35], names)["verdict_reasons"]
    assert "recordings of 8 of 8 subjects are doubtful (all: too short in ketamine nights)" in said


def test_a_conclusion_that_changes_without_the_doubtful_subject_is_shown_both_ways():
    row = study([1.1, 0.97, 1.05, 1.02, 0.99, 1.04, 1.01, 1.9], ["S08"])
    assert row["verdict"] == "sound"  # neither shows a change
    row = study([1.1, 1.07, 1.05, 1.02, 1.09, 1.04, 1.01, 0.6], ["S08"])
    assert row["verdict"] == "caution"
    (_, other) = decode(row["doubts"])
    assert (other.code, other.values["n"], other.values["left"]) == ("other_conclusion", 8, 7)
    assert other.values["ci_low_with"] == row["ci_low"] < 1 < other.values["ci_low_without"]
    assert f"({row['ci_low']:.3g} to {row['ci_high']:.3g}) with all 8" in row["verdict_reasons"]


def ordered(comparator, comparator_first, subjects=8):
    """Rows over subjects and of subjects, of whom so many had the comparator first; None: nothing tells the order."""
    rows = [
        (f"S{i + 1:02}", name, name, 100.0 + 7 * i + 10 * k, 1 + (k if i < (comparator_first or 0) else 1 - k))
        for i in range(subjects)
        for k, name in enumerate((comparator, "ketamine"))
    ]
    table = pd.DataFrame(rows, columns=["subject", "session", "condition", "value", "period"])
    nights = table.drop(columns="value").assign(status="done", verdict="sound", verdict_reasons="")
    nights = nights.drop(columns="period") if comparator_first is None else nights
    table = table.assign(channel="C4-M1", stages="NREM", window="night", measure="swa", variant="", unit="µV²")
    found = compare_nights(table.assign(n=1, note=""), nights=nights)
    (row,) = found[found["subject"] == "group"].to_dict("records")
    assert (found.loc[found["subject"] != "group", "verdict"] == "sound").all()
    assert set(found["design_limit"]) == {row["design_limit"]}
    return row


@pytest.mark.parametrize(("baseline_first", "verdict"), [(7, "not comparable"), (4, "sound"), (8, "sound")])
def test_one_subject_in_the_other_order_is_no_crossover(baseline_first, verdict):
    """An effect of the period would be found as one of the treatment in 17 % of studies (a period × 1.2)."""
    row = ordered("baseline", baseline_first)
    assert row["verdict"] == verdict
    assert ("7 subjects had baseline first, 1 ketamine" in row["verdict_reasons"]) == (verdict != "sound")
    assert row["design_limit"] == ("no control; unequal orders" if baseline_first == 7 else "no control")


def test_an_order_that_is_not_known_is_a_doubt_and_known_unequal_ones_are_not_comparable():
    found = {first: ordered("placebo", first) for first in (None, 0, 1, 4, 7, 8)}
    verdicts = {first: row["verdict"] for first, row in found.items()}
    assert verdicts == {None: "caution", 0: "sound", 1: "not comparable", 4: "sound", 7: "not comparable",
                        8: "sound"}  # fmt: skip
    assert found[None]["design_limit"] == "unknown order"
    assert "column order or period of the study file" in found[None]["verdict_reasons"]
    assert [found[first]["design_limit"] for first in (4, 7, 8)] == ["", "unequal orders", "one order"]
    assert ordered("placebo", None, subjects=2)["verdict"] == "sound"  # of two no order can be the rarer one


def test_a_baseline_whose_order_is_not_known_is_told_and_taken_to_have_come_first():
    row = ordered("baseline", None)
    assert (row["verdict"], row["design_limit"]) == ("sound", "no control; unknown order")


@pytest.mark.parametrize(
    "name",
    ["placebo", "Saline 0.9 %", "healthy controls", "saline low", "placebo+saline", "Plazebo", "NaCl 0,9 %", "Témoin"],
)
def test_a_control_is_called_so_by_a_whole_word(name):
    assert is_control(name)
    assert not is_control(f"ketamine+{name}")
    assert not is_control(f"un{name}ed")


def test_chance_doubts_at_most_one_row_over_subjects_in_forty():
    numbers = np.arange(2, 60)
    rate = 0.05 * (1 + ONE_CHANNEL_SHARE + CONTRADICTION_SHARE)
    for n in numbers:
        fewest = next(k for k in range(1, n + 1) if _are_many(k, n, false_alarms(0.95)))
        assert stats.binom.sf(fewest - 1, n, rate) <= 0.025
        assert not _are_many(1, n, false_alarms(0.95))


def test_the_doubts_of_a_row_are_its_reasons_as_facts():
    header = {"derivation": "recorded reference"}
    found = judged(find(night("baseline"), night("ketamine", one=2 * np.log(1.2), header=header)))
    assert [in_words(decode(codes)) for codes in found["doubts"]] == found["verdict_reasons"].tolist()
    row = found.loc[("S01", "F3-M2", "swa", "night")]
    gain, reference = decode(row["doubts"])
    assert (gain.code, gain.values["channel"]) == ("one_channel", "F3-M2")
    assert gain.values["apart"] == pytest.approx(2 * np.log(1.2))
    assert (reference.code, reference.values["fact"]) == ("header", "derivation")


def test_every_control_of_the_settings_is_known_and_has_one_name():
    known = [each for registry in (control, group_control) for each in registry]
    names = {each.setting_of(name) for each in known for name in each.names}
    assert names == set(get_args(Control))
    with pytest.raises(ValueError, match="clipping"):
        control({"clipping": "again"})
    assert find_control("a_control_of_another_version") is None


def test_a_marker_that_was_staged_again_has_a_control():
    shifts = {("C4-M1", name): (-0.1, 0.1) for name in MARKERS}
    table = check(night("baseline", shifts=shifts), night("ketamine", shifts=shifts))
    names = [name for name in table["control"] if find_control(name).setting_of(name) == "staging"]
    assert [find_control(name).measures[name] for name in names] == list(MARKERS)


def test_a_recording_held_against_its_copy_is_not_in_the_mean_of_all():
    nights = [
        night(condition, gain, subject=f"S{i}", copied=i > 3)
        for i in range(1, 6)
        for condition, gain in (("baseline", 0.0), ("ketamine", 0.3 + 0.01 * i if i <= 3 else 0.0))
    ]
    table = comparability_table(compare_facts(nights, [(f"S{i}", KETAMINE) for i in range(1, 6)], SETTINGS))
    row = table.query("subject == 'group'").iloc[0]
    assert row["g"] == pytest.approx(0.32, abs=1e-3)
    assert "mean of 3 subjects" in row["note"]


def test_without_a_gain_the_mean_of_all_is_not_flagged():
    row = comparability_table(of_nine(0.0)).query("subject == 'group'").iloc[0]
    assert row["flagged"] == "false"
    assert row["note"].startswith("mean of 9 subjects")


def test_the_verdict_over_subjects_counts_those_in_the_row_alone():
    nights = NIGHTS.copy()
    nights.loc[1, ["verdict", "verdict_reasons"]] = ["unusable", "all channels bad"]
    table = contrasts().assign(estimate=1.2)
    table.loc[table["subject"] == "S01", "estimate"] = np.nan
    found = judge_contrasts(table, find(night("baseline"), night("ketamine")), nights, SETTINGS)
    assert set(found.loc[found["subject"] == "group", "verdict"]) == {"sound"}
    assert set(found.loc[found["subject"] == "S01", "verdict"]) == {"not comparable"}


def test_the_rates_of_the_gain_check_on_simulated_pairs():
    path = Path(__file__).parents[1] / "benchmarks" / "gain_check.py"
    if not path.is_file():
        pytest.skip("needs the source tree")
    spec = importlib.util.spec_from_file_location("gain_check", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rng = np.random.default_rng(1)
    assert module.flag_rates(module.draw_nights(rng, 200, 0.4, gain=1.35))["gain, any"] >= 0.88
    assert module.flag_rates(module.draw_nights(rng, 200, 0.4))["gain, any"] <= 0.09
    assert module.flag_rates(module.draw_nights(rng, 200, 0.4, one=1.2))["departs, that channel"] >= 0.88
