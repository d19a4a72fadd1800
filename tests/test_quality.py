"""The verdict on a night follows its stated limits, and each contrast carries that of its nights."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from swa.comparison.contrasts import compare_nights
from swa.comparison.verdicts import judge_contrasts
from swa.glossary import bands_hz, read_glossary
from swa.measures.quality import find_bad_channels, judge_night, spectrum_levels
from swa.pipeline import run_study
from swa.recordings.edf.fields import read_filters
from swa.settings import Settings
from swa.sleep.hypnogram import stages_of
from swa.study.store import read_results
from swa.tables import doubts
from swa.tables.contrast import Contrast
from swa.tables.reason import decode, encode, in_words


def summary(shares=(0.01, 0.02), nrem_min=200.0, confidence=0.9, shift=0.0):
    return {
        "unusable_nrem_share": {f"C{i}": {"any": share, "muscle": share} for i, share in enumerate(shares)},
        "statistics": {"N2": nrem_min / 2, "N3": nrem_min / 2},
        "staging_confidence": confidence,
        "staging": {"largest_shift": {"wave_density": shift}},
    }


def test_a_clean_night_is_sound_without_reasons():
    assert judge_night(summary()) == ("sound", ())


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"slow_uv": 0.9, "fall": 150.0}, "0.9 µV rms, too small for EEG (limit 2.5)"),
        ({"slow_uv": 16.0, "fall": 150.0, "levels": 3}, "resolved in 3 steps, too coarsely for EEG (limit 6)"),
        ({"slow_uv": 900.0, "fall": 1.0}, "density at 1-4 Hz is 1 times that at 16-30 Hz (limit 5)"),
    ],
)
def test_a_signal_that_is_no_eeg_is_unusable_with_the_reason(form, reason):
    good = {"slow_uv": 16.0, "fall": 147.0}
    verdict, (bad,) = judge_night(summary() | {"form": {"C0": form, "C1": good}})
    assert verdict == "caution"
    assert reason in bad.words
    assert judge_night(summary() | {"form": {"C0": form, "C1": form}})[0] == "unusable"
    assert judge_night(summary() | {"form": {"C0": good, "C1": {"slow_uv": None, "fall": None}}}) == (
        "sound",
        (),
    )


def test_a_channel_of_which_most_waves_are_clipped_is_bad():
    clipped = {"clipped_waves_share": {"C0": 0.3, "C1": 0.2}}
    assert find_bad_channels(summary() | clipped) == {
        "C0": "30 % of its slow waves are clipped, as at the rail of an amplifier (limit 25 %)"
    }


def test_polarity_reversed_is_told():
    verdict, (told,) = judge_night(summary() | {"asymmetry": {"C0": -0.1, "C1": 0.1}})
    assert verdict == "caution"
    assert told.words.startswith(
        "C0: large waves go further up than down (× 1.11), as with polarity reversed, or with a high-pass filter"
    )
    assert judge_night(summary() | {"asymmetry": {"C0": -0.01, "C1": None}}) == ("sound", ())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"shares": (0.3, 0.0)}, "C0: 30 % of NREM unusable"),
        ({"shares": (0.6, 0.0)}, "left out"),
        ({"nrem_min": 40.0}, "40.0 min of NREM"),
        ({"confidence": 0.6}, "0.60"),
        ({"shift": 0.06}, "Slow-wave density moves by +6 % when the stager"),
    ],
)
def test_each_limit_gives_caution_with_its_reason(change, reason):
    verdict, reasons = judge_night(summary(**change))
    assert verdict == "caution"
    assert len(reasons) == 1
    assert reason in in_words(reasons)


def test_what_the_header_says_of_a_channel_that_is_used_gives_caution():
    apart = {"fact": "sampling rate", "own": "200 Hz", "others": "100 Hz"}
    of_two = tuple(doubts.HEADER_APART(channel=name, **apart) for name in ("C0", "C1"))
    verdict, reasons = judge_night(summary(shares=(0.6, 0.0)) | {"header_doubts": encode(of_two)})
    assert verdict == "caution"
    assert [reason for reason in reasons if reason.code == "header_apart"] == [of_two[1]]  # the other is left out


def test_a_scored_night_has_no_confidence_and_no_caution_for_it():
    assert judge_night(summary(confidence=None))[0] == "sound"


def test_a_night_without_a_good_channel_is_unusable():
    assert judge_night(summary(shares=(0.6, 0.9)))[0] == "unusable"


def test_a_contrast_carries_the_verdict_of_its_nights():
    rows = [
        (subject, condition, condition, "C4-M1", "NREM", "night", "swa", "", value, "µV²", 10, "")
        for subject in ("A", "B")
        for condition, value in (("baseline", 100.0), ("ketamine", 120.0), ("magnesium", 110.0))
    ]
    columns = ["subject", "session", "condition", "channel", "stages", "window", "measure", "variant"]
    measures = pd.DataFrame(rows, columns=[*columns, "value", "unit", "n", "note"])
    nights = measures[["subject", "session", "condition"]].assign(status="done", verdict="sound", verdict_reasons="")
    nights.loc[1, ["verdict", "verdict_reasons"]] = ["caution", "40 min of NREM, fewer than 60"]
    found = compare_nights(measures, nights=nights).set_index(["contrast", "subject"])
    assert found.loc[("ketamine:baseline", "A"), "verdict"] == "caution"
    assert found.loc[("ketamine:baseline", "A"), "verdict_reasons"] == "ketamine: 40 min of NREM, fewer than 60"
    assert found.loc[("ketamine:baseline", "group"), "verdict"] == "sound"  # one of two is what chance gives
    assert found.loc[("ketamine:baseline", "B"), "verdict"] == "sound"
    assert (found.loc["magnesium:baseline", "verdict"] == "sound").all()


def test_a_group_row_without_rows_of_subjects_is_judged_by_its_nights():
    nights = pd.DataFrame(
        {
            "subject": ["A", "A", "B", "B", "C", "C"],
            "session": ["1", "2"] * 3,
            "condition": ["baseline", "ketamine"] * 2 + ["baseline", "placebo"],
            "arm": ["ketamine"] * 4 + ["placebo"] * 2,
            "verdict": ["sound", "caution", "sound", "sound", "sound", "sound"],
            "verdict_reasons": ["", "40 min of NREM", "", "", "", ""],
        }
    )
    asked = [
        Contrast(treatment="ketamine", comparator="placebo", first="ketamine", second="placebo"),
        Contrast(treatment="ketamine", comparator="baseline", first="men", second="women"),
        Contrast(treatment="placebo", comparator="baseline"),
    ]
    rows = pd.DataFrame([dataclasses.asdict(contrast) for contrast in asked])
    rows = rows.assign(subject="group", channel="C4-M1", stages="NREM", measure="swa", window="night", variant="")
    found = judge_contrasts(rows, [], nights, Settings())
    assert found["verdict"].tolist() == ["sound"] * 3  # one of two or three is what chance gives
    assert found["verdict_reasons"].str[:25].tolist()[:2] == ["recordings of 1 of 3 subj", "recordings of 1 of 2 subj"]


def test_a_contrast_is_doubted_for_the_channels_that_it_rests_on():
    """31 % of NREM unusable on F3 concern F3 and the frontal channels; few minutes of NREM would concern all."""
    shares = {"F3-M2": {"any": 0.31}, "C4-M1": {"any": 0.0}, "O2-M1": {"any": 0.0}}
    verdict, reasons = judge_night(summary() | {"unusable_nrem_share": shares})
    nights = pd.DataFrame(
        {
            "subject": ["S01", "S01", "S02", "S02"],
            "session": ["first", "second"] * 2,
            "condition": ["baseline", "ketamine"] * 2,
            "verdict": ["sound", verdict, "sound", "sound"],
            "verdict_reasons": ["", in_words(reasons), "", ""],
            "doubts": ["", encode(reasons), "", ""],
        }
    )
    contrast = dataclasses.asdict(Contrast(treatment="ketamine", comparator="baseline"))
    channels = ("F3-M2", "frontal", "frontal/central", "C4-M1", "central", "O2-M1")
    place = {"stages": "NREM", "measure": "swa", "window": "night", "variant": ""}
    rows = [
        {"subject": subject, "channel": channel, "estimate": 1.2} | place | contrast
        for channel in channels
        for subject in ("group", "S01", "S02")
    ]
    found = judge_contrasts(pd.DataFrame(rows), [], nights, Settings()).set_index(["subject", "channel"])
    words = found.loc["S01", "verdict"]
    assert words.to_dict() == {name: "caution" if "F" in name.upper() else "sound" for name in channels}
    assert found.loc[("S01", "frontal"), "verdict_reasons"] == "second: F3-M2: 31 % of NREM unusable"
    group = found.loc[("group", "frontal"), "verdict_reasons"]
    assert (
        group == "recordings of 1 of 2 subjects are doubtful (S01: 31 % of NREM on F3-M2 unusable in ketamine nights)"
    )
    assert found.loc[("group", "O2-M1"), "verdict"] == "sound"


def test_a_row_over_subjects_names_what_several_nights_have_once():
    nights = []
    for session, share in (("baseline", 0.14), ("ketamine", 0.09)):
        waves = {"clipped_waves_share": {"F3-M2": share}, "lost_waves_share": {"F3-M2": share + 0.02}}
        verdict, reasons = judge_night(summary() | waves | {"unusable_nrem_share": {"F3-M2": {"any": 0.0}}})
        nights.append(("S01", session, session, verdict, in_words(reasons), encode(reasons)))
    columns = ["subject", "session", "condition", "verdict", "verdict_reasons", "doubts"]
    row = dataclasses.asdict(Contrast(treatment="ketamine", comparator="baseline")) | {"channel": "F3-M2"}
    row |= {"stages": "NREM", "measure": "swa", "window": "night", "variant": "", "estimate": 1.2}
    rows = pd.DataFrame([row | {"subject": subject} for subject in ("group", "S01")])
    judged = judge_contrasts(rows, [], pd.DataFrame(nights, columns=columns), Settings()).set_index("subject")
    said = judged["verdict_reasons"]
    assert said["S01"].count("of the slow waves are clipped") == 2
    assert said["group"] == "recordings of 1 of 1 subject are doubtful (S01: artefacts on F3-M2, clipping on F3-M2)"


def test_artefacts_between_nights_are_another_doubt_than_those_of_one():
    one = doubts.LOST_WAVES(percent=12.0, channel="F3-M2")
    shares = {"nrem": 2.8, "waves": 12.9, "nrem_before": 2.3, "waves_before": 8.8}
    between = doubts.located(doubts.REJECTION(**shares), channel="F3-M2")
    said = [doubts.in_brief(reason) for reason in (one, between, doubts.REJECTION(**shares))]
    assert said == ["artefacts on F3-M2", "unequal artefacts on F3-M2", "unequal artefacts"]


def test_a_channel_whose_spectrum_stands_apart_is_bad_and_natural_differences_are_not():
    hz = np.arange(226) * 0.2
    base = 1 / np.maximum(hz, 0.2) ** 2
    density = {"F3": base, "C3": 0.8 * base, "C4": 0.9 * base, "O1": 0.25 * base, "T3": 0.15 * base}
    levels = spectrum_levels(density, hz)
    assert find_bad_channels(summary(shares=()) | {"spectrum_levels": levels}) == {}
    night = summary(shares=()) | {"unusable_nrem_share": {name: {"any": 0.0} for name in density}}
    night["spectrum_levels"] = levels
    assert find_bad_channels(night) == {}
    night["spectrum_levels"] = spectrum_levels(density | {"O1": 6 * base}, hz)
    assert list(find_bad_channels(night)) == ["O1"]
    assert "other EEG channels (limit 4)" in find_bad_channels(night)["O1"]
    verdict, reasons = judge_night(night)
    assert verdict == "caution"
    assert reasons[0].words.endswith("the channel is left out of comparisons and regions")


def test_three_channels_have_no_majority():
    hz = np.arange(226) * 0.2
    base = 1 / np.maximum(hz, 0.2) ** 2
    levels = spectrum_levels({"F3": base, "C3": base, "O1": 50 * base}, hz)
    assert levels["O1"] == {"slow": None, "fast": None}


def test_a_channel_that_could_not_be_read_is_no_secret():
    verdict, reasons = judge_night(summary() | {"unread": {"F4": "F4: flat"}})
    assert (verdict, in_words(reasons)) == ("caution", "F4: could not be read, the channel is left out")


def test_rules_that_remove_slow_waves_rather_than_time_are_named():
    night = summary() | {"lost_waves_share": {"C0": 0.2, "C1": 0.0}}
    verdict, reasons = judge_night(night)
    assert (verdict, in_words(reasons)) == ("caution", "C0: artefact rules remove 20 % of the slow waves")


def test_mains_noise_is_told():
    night = summary() | {"mains_uv": {"C0": 23.4, "C1": 3.8, "C2": None}}
    verdict, reasons = judge_night(night)
    assert verdict == "caution"
    assert in_words(reasons) == (
        "C0: mains noise of 23 µV rms (limit 10), as from an electrode with poor contact; slow waves lie far below it"
    )


def test_clipped_waves_and_sweat_are_told():
    night = summary() | {"clipped_waves_share": {"C0": 0.1, "C1": 0.0}, "below_band_share": {"C0": None, "C1": 0.6}}
    verdict, reasons = judge_night(night)
    assert verdict == "caution"
    assert in_words(reasons[:1]) == "C0: 10 % of the slow waves are clipped; the largest are missing"
    assert in_words(reasons[1:]).startswith("C1: power at 0.2-0.5 Hz is 0.60 of slow-wave activity")
    clean = summary() | {"clipped_waves_share": {"C0": 0.01}, "below_band_share": {"C0": 0.23}}
    assert judge_night(clean) == ("sound", ())


@pytest.mark.slow
def test_an_inverted_night_is_told_at_slopes_and_density_in_contrasts_and_on_the_page(
    tmp_path, write_edf, sleep_eeg, make_hypnogram
):
    stages = make_hypnogram("W*4 N2*50 N3*50 R*10 W*2")
    rows = ["subject\tcondition\trecording\thypnogram"]
    for seed, (condition, sign) in enumerate({"baseline": 1, "ketamine": -1}.items()):
        write_edf(tmp_path / f"{condition}.edf", {"C4-M1": sign * sleep_eeg(stages, seed)})
        (tmp_path / f"{condition}.txt").write_text("\n".join(stages_of(stages)) + "\n")
        rows.append(f"S01\t{condition}\t{condition}.edf\t{condition}.txt")
    (tmp_path / "study.tsv").write_text("\n".join(rows) + "\n")
    run_study(tmp_path, tmp_path / "results", jobs=1)
    found = read_results(tmp_path / "results").contrasts.query("channel == 'C4-M1' and estimate.notna()")
    for measure in ("wave_density", "wave_slope_up_matched"):
        row = found[(found["measure"] == measure) & (found["subject"] == "S01")].iloc[0]
        assert row["verdict"] == "caution"
        assert doubts.POLARITY.among(decode(row["doubts"]))
    for page in ("index.html", "sub-S01/sub-S01.html"):
        assert "as with polarity reversed" in (tmp_path / "results" / page).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("HP:0.3Hz LP:70Hz", (0.3, 70.0)),
        ("HP: 1 Hz", (1.0, np.inf)),
        ("HP:0,5Hz LP:35Hz N:50Hz / HP:0.1Hz LP:30Hz", (0.5, 30.0)),
        ("TC:0.3s", (pytest.approx(0.53, abs=0.001), np.inf)),
        ("HP:DC LP:0Hz", (0.0, np.inf)),
        ("", (0.0, np.inf)),
    ],
)
def test_filters_of_a_header_are_what_they_let_pass(text, passed):
    assert read_filters(text) == passed


SETTINGS = Settings()
BANDS = {band for own in bands_hz(SETTINGS).values() for band in own}


def filtered(*texts):
    found = summary()
    return found | {"header": {f"C{i}": {"prefilter": text} for i, text in enumerate(texts)}}


def test_a_filter_inside_a_band_makes_the_night_doubtful_and_names_what_is_left():
    for usual in ("HP:0.3Hz LP:35Hz", "HP:0.5Hz LP:100Hz", "", "HP:0.1Hz LP:30Hz"):
        assert judge_night(filtered(usual, usual), bands_hz=BANDS) == ("sound", ())
    verdict, reasons = judge_night(filtered("HP:1Hz", "HP:1Hz"), bands_hz=BANDS)
    assert verdict == "caution"
    assert "the header's filter HP:1Hz takes away part of what is measured, which reads lower: " in in_words(reasons)
    assert "of 0.5-4 Hz 1-4 Hz are left" in in_words(reasons)
    assert "of 0.5-1 Hz nothing is left" in in_words(reasons)
    assert len(reasons) == 1  # of all channels at once
    assert in_words(judge_night(filtered("HP:0.3Hz", "HP:1Hz"), bands_hz=BANDS)[1]).startswith("C1: the header's")


def test_a_filter_inside_a_band_is_a_doubt_about_the_measures_of_that_band_alone():
    reasons = judge_night(filtered("HP:1Hz", "HP:1Hz"), bands_hz=BANDS)[1]
    nights = pd.DataFrame({"subject": ["A"] * 2, "session": ["b", "k"], "condition": ["baseline", "ketamine"]})
    nights = nights.assign(verdict=["sound", "caution"], verdict_reasons=["", in_words(reasons)])
    nights = nights.assign(doubts=["", encode(reasons)])
    rows = [
        ("A", "b", "baseline", "C4", "NREM", "night", measure, "", 100.0, "1", 10, "")
        for measure in ("swa", "sigma_power", "wave_density", "aperiodic_exponent", "n3_minutes")
    ]
    rows += [(*row[:1], "k", "ketamine", *row[3:]) for row in rows]
    columns = ["subject", "session", "condition", "channel", "stages", "window", "measure", "variant", "value", "unit"]
    found = compare_nights(pd.DataFrame(rows, columns=[*columns, "n", "note"]), nights=nights)
    judged = judge_contrasts(found, [], nights, SETTINGS).query("subject == 'A'").set_index("measure")["verdict"]
    assert judged.to_dict() == {
        "swa": "caution",
        "wave_density": "caution",
        "sigma_power": "sound",
        "aperiodic_exponent": "sound",
        "n3_minutes": "sound",
    }


def test_every_band_of_the_glossary_is_a_setting_and_every_marker_of_the_eeg_has_one():
    bands, glossary = bands_hz(SETTINGS), read_glossary()
    assert bands["swa"] == (SETTINGS.power.swa_hz,)
    without = {name for name, entry in glossary.items() if entry.compared and name not in bands}
    groups = {glossary[name].group for name in without}
    assert groups == {"architecture", "coupling", "aperiodic"}  # the exponent of 30-45 Hz asks the low-pass itself


@pytest.mark.parametrize(
    ("side", "minutes", "verdict"),
    [
        ("before lights off", 48.5, "caution"),
        ("after lights on", 25.0, "caution"),
        ("before lights off", 12.0, "sound"),
    ],
)
def test_much_sleep_outside_of_lights_asks_about_the_clocks(side, minutes, verdict):
    """Lights in summer time, a recorder an hour behind: fifty minutes of sleep were gone and the night was sound."""
    found, reasons = judge_night(summary() | {"asleep_outside_min": {side: minutes}})
    assert found == verdict
    assert in_words(reasons).startswith(f"{minutes:.0f} min of scored sleep lie {side}") == (verdict == "caution")
