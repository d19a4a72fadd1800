"""Scorings in the forms that labs have them, and their place on the time line of the recording."""

import datetime
import json
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from swa.errors import AmbiguousScoringError, ScoringError
from swa.settings import ScoringSettings
from swa.sleep.scoring import (
    epoch_length_s,
    fit_to_recording,
    make_hypnogram,
    read_hypnogram,
    read_scoring,
    stages_of,
)


@pytest.fixture
def read(tmp_path):
    def write_and_read(text, name="night.csv", **settings):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_hypnogram(path, ScoringSettings(**settings))

    return write_and_read


def spell(hypnogram):
    return " ".join(stages_of(hypnogram))


# --- forms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["W\nN1\nN2\nN3\nR\n", "stage\nW\nN1\nN2\nN3\nR\n", "0\n1\n2\n3\n5\n", "[Hypnogram]\r\nW\r\nN1\r\nN2\r\nN3\r\nR"],
)
def test_one_stage_a_line(read, text):
    hypnogram = read(text, "night.txt")
    assert spell(hypnogram) == "W N1 N2 N3 R"
    assert epoch_length_s(hypnogram) == 30
    assert hypnogram.scorer == "night.txt"


def test_the_epoch_of_one_stage_a_line_is_a_setting(read):
    assert epoch_length_s(read("W\nN2\n", epoch_s=20)) == 20


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_of_onset_duration_stage(read, separator):
    text = "onset,duration,stage\n0,30,W\n30,90,N2\n120,30,R\n".replace(",", separator)
    assert spell(read(text)) == "W N2 N2 N2 R"


def test_decimal_commas_stand_between_semicolons(read):
    assert spell(read("onset;duration;stage\n0,0;30,0;W\n30,0;60,0;N2\n")) == "W N2 N2"


def test_bids_events_name_stages_beside_other_events(read):
    rows = ["0\t30\tsleep_wake", "10\t3\tarousal", "30\t30\tSleep stage 2", "60\t30\tn/a", "90\t30\tR"]
    assert spell(read("\n".join(["onset\tduration\ttrial_type", *rows]), "events.tsv")) == "W N2 UNS R"


def test_a_stage_column_with_an_unknown_word_is_an_error_not_unscored_time(read):
    with pytest.raises(ScoringError, match=r"night\.csv.*'NREM two'"):
        read("onset,duration,stage\n0,30,W\n30,30,NREM two\n60,30,NREM two\n")


def test_columns_may_stand_in_any_order(read):
    assert spell(read("stage,duration,onset\nW,30,0\nN2,30,30\n")) == "W N2"


def test_a_table_without_durations_says_so(read):
    with pytest.raises(ScoringError, match="no column duration"):
        read("onset,stage\n0,W\n30,N2\n")


def test_gaps_between_stages_are_unscored(read):
    assert spell(read("onset,duration,stage\n0,30,W\n90,30,N2\n")) == "W UNS UNS N2"


@pytest.mark.parametrize("edge_s", [30, 20, 15, 10, 5, 2, 1])
def test_the_epoch_is_the_longest_whose_grid_holds_every_change(read, edge_s):
    assert epoch_length_s(read(f"onset,duration,stage\n0,{edge_s},W\n{edge_s},{60 * edge_s},N2\n")) == edge_s


def test_yasas_table_of_epoch_and_stage(read):
    assert spell(read("Epoch,Stage\n0,W\n1,N2\n2,R\n")) == "W N2 R"


def test_a_stage_column_is_found_beside_a_confidence(read):
    assert spell(read("epoch,stage,confidence\n0,W,0.9\n1,N2,1.0\n")) == "W N2"


def test_a_table_without_a_header_loses_no_epoch(read):
    assert spell(read("0,W\n1,N2\n2,N3\n")) == "W N2 N3"


def test_numbers_that_are_no_whole_codes_are_an_error(read):
    with pytest.raises(ScoringError, match=r"2 of its labels \(lines 1, 2\) are no stage"):
        read("0.97\n0.91\n")


def test_a_stage_beside_a_number_is_a_stage(read):
    assert spell(read("W,0.97\nN2,0.91\n")) == "W N2"


def test_stage_changes_with_their_times(read):
    hypnogram = read("Time,Stage\n0,5\n60,3\n90,2\n150,1\n210,4\n240,4\n")
    assert spell(hypnogram) == "W W N1 N2 N2 N3 N3 R"


def test_the_last_stage_change_lasts_one_epoch(read):
    assert spell(read("Time,Stage\n0,W\n30,N2\n")) == "W N2"


def test_a_scoring_that_begins_before_the_recording_is_cut(read):
    for before_s in (-30, -300, -3180):
        assert spell(read(f"Time,Stage\n{before_s},5\n60,2\n90,2\n")) == "W W N2"


@pytest.mark.parametrize(
    "text",
    [
        "Time,Stage\n22:00:00,W\n300,N2\n",
        "Time,Stage\n0\n",
        "Time,Stage\nnan,W\n",
        "Time,Stage\n60,W\n60,N2\n",
        "Time,Stage\n",
    ],
)
def test_times_that_cannot_be_read_are_an_error(read, text):
    with pytest.raises(ScoringError, match=r"night\.csv"):
        read(text)


@pytest.mark.parametrize("row", ["x,30,W", "0,30", "0,inf,W", "nan,30,W"])
def test_a_row_that_cannot_be_read_is_an_error(read, row):
    with pytest.raises(ScoringError, match=r"night\.csv.*a row"):
        read(f"onset,duration,stage\n{row}\n")


# --- codes --------------------------------------------------------------------------------------------------------


def test_s3_and_s4_of_rechtschaffen_and_kales_are_n3_and_movement_time_is_unscored(read):
    assert spell(read("W\nS1\nS2\nS3\nS4\nREM\nMT\n?\n")) == "W N1 N2 N3 N3 R UNS UNS"


def test_numbers_from_0_wake_to_5_rem_are_rechtschaffen_and_kales(read):
    assert spell(read("0\n1\n2\n3\n4\n5\n9\n")) == "W N1 N2 N3 N3 R UNS"


def test_numbers_that_may_count_from_deep_sleep_up_are_refused(read):
    with pytest.raises(ScoringError, match=r"could mean several things.*codes"):
        read("5\n5\n3\n2\n1\n0\n4\n")


def test_stage_changes_without_wake_may_be_yasas_codes_and_are_refused(read):
    with pytest.raises(ScoringError, match="could mean several things"):
        read("Time,Stage\n0,0\n30,1\n60,2\n90,4\n")


def test_the_settings_say_what_a_code_means(read):
    codes = {"5": "W", "4": "R", "3": "N1", "2": "N2", "1": "N3", "0": "N3", "-1": "UNS"}
    assert spell(read("[Hypnogram]\n5\n3\n2\n1\n0\n4\n-1\n", "a.txt", codes=codes)) == "W N1 N2 N3 N3 R UNS"


def test_an_unknown_stage_names_file_stage_and_remedy_without_what_may_be_a_name(read):
    with pytest.raises(ScoringError) as error:
        read("W\nBanane\nBanane\nName: Max, Mustermann\nN2\n")
    assert "mustermann" not in str(error.value).lower()
    assert "night.csv" in str(error.value)
    assert "'Banane'" in str(error.value)
    assert "[scoring] codes" in error.value.remedy
    assert len(str(error.value)) < 250


@pytest.mark.parametrize("text", ["", "\n\n", "stage\n"])
def test_an_empty_scoring_is_an_error(read, text):
    with pytest.raises(ScoringError, match=r"night\.csv: the scoring"):
        read(text)


def test_a_missing_scoring_is_an_error(tmp_path):
    with pytest.raises(ScoringError, match="no such scoring"):
        read_hypnogram(tmp_path / "gone.csv")


def test_latin_1_and_a_byte_order_mark_are_read(read):
    assert spell(read(b"\xef\xbb\xbfstage\nW\nN2\n")) == "W N2"
    assert spell(read("onset,duration,trial_type\n0,30,W\n5,1,Schläge\n30,30,N2\n".encode("latin-1"))) == "W N2"


# --- EDF+ ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def edf_scoring(tmp_path):
    def write(annotations, start=datetime.datetime(2024, 3, 1, 22, 40)):
        import edfio

        path = tmp_path / "scoring.edf"
        marks = [edfio.EdfAnnotation(*annotation) for annotation in annotations]
        date = edfio.Recording(startdate=start.date())
        edfio.Edf([], annotations=marks, starttime=start.time(), recording=date).write(path)
        return path

    return write


def test_edf_plus_annotations_are_stages_with_a_clock(edf_scoring):
    hypnogram = read_hypnogram(
        edf_scoring(
            [(0, 60, "Sleep stage W"), (60, 30, "Sleep stage 2"), (75, 3, "Arousal"), (90, 30, "Sleep stage 4")]
        )
    )
    assert spell(hypnogram) == "W W N2 N3"
    assert hypnogram.start.tz_localize(None) == pd.Timestamp("2024-03-01 22:40")


def test_edf_plus_annotations_without_stages_are_an_error(edf_scoring):
    with pytest.raises(ScoringError, match="none of its 2 annotations is a sleep stage"):
        read_hypnogram(edf_scoring([(0, 3, "Arousal"), (9, 3, "Apnea")]))


def test_a_damaged_edf_scoring_is_an_error(tmp_path):
    path = tmp_path / "scoring.edf"
    path.write_bytes(b"0       " * 10)
    with pytest.raises(ScoringError, match=r"scoring\.edf: not a readable EDF"):
        read_hypnogram(path)


# --- real scorings ------------------------------------------------------------------------------------------------


def test_real_sleep_edf_scorings_are_read(shared_data):
    paths = sorted((shared_data / "hypnograms" / "sleep-edf").glob("*.edf"))
    assert len(paths) == 10
    for path in paths:
        hypnogram = read_hypnogram(path)
        stages, counts = np.unique(stages_of(hypnogram), return_counts=True)
        minutes = dict(zip(stages, counts * epoch_length_s(hypnogram) / 60, strict=True))
        assert epoch_length_s(hypnogram) == 30
        assert {"W", "N1", "N2", "N3", "R"} <= set(minutes)
        assert 60 < minutes["N2"] < 360
        assert 10 < minutes["N3"] < 250
        assert 30 < minutes["R"] < 220
        assert hypnogram.start.year == 1989


def test_the_real_scored_cycle_is_read(shared_data):
    hypnogram = read_hypnogram(shared_data / "recordings" / "cycle_1ch_100hz_stages.csv")
    assert epoch_length_s(hypnogram) == 10
    stages = stages_of(hypnogram)
    assert [int((stages == stage).sum()) for stage in ("W", "N1", "N2", "N3", "R")] == [6, 21, 285, 111, 80]


def test_the_real_whole_night_of_stage_changes_is_read(shared_data):
    stages = stages_of(read_hypnogram(shared_data / "hypnograms" / "whole_night_stage_changes.csv"))
    assert {"W", "N1", "N2", "N3", "R"} <= set(stages)


def test_real_dreams_scorings_need_their_codes(shared_data):
    path = shared_data / "dreams" / "Hypnogram_excerpt1.txt"
    with pytest.raises(ScoringError, match=r"\[scoring\] codes"):
        read_hypnogram(path)
    codes = {"5": "W", "4": "R", "3": "N1", "2": "N2", "1": "N3", "0": "N3", "-1": "UNS", "-2": "UNS", "-3": "UNS"}
    hypnogram = read_hypnogram(path, ScoringSettings(codes=codes, epoch_s=5))
    assert len(stages_of(hypnogram)) == 360


def count_minutes(scoring):
    stages, counts = np.unique(scoring.stages, return_counts=True)
    return {str(stage): count * scoring.epoch_s / 60 for stage, count in zip(stages, counts, strict=True)}


def count_rows(labels, meanings, epoch_s=30):
    """Minutes by stage of a list of codes, counted without any of this package."""
    counts = Counter(meanings.get(label, "UNS") for label in labels)
    return {stage: count * epoch_s / 60 for stage, count in counts.items()}


def test_every_real_scoring_by_experts_has_the_stage_minutes_of_an_independent_count(shared_data):
    aasm = dict(zip("01234", ("W", "N1", "N2", "N3", "R"), strict=True))
    boas = sorted((shared_data / "scorings" / "boas_ds005555").glob("*_events.tsv"))
    for path in boas:
        rows = pd.read_csv(path, sep="\t", dtype=str)
        assert count_minutes(read_scoring(path)) == count_rows(rows["stage_hum"], aasm)
    dod = sorted((shared_data / "scorings" / "dod_h").glob("*.json"))
    for path in dod:
        assert count_minutes(read_scoring(path)) == count_rows(map(str, json.loads(path.read_text())), aasm)
    deltamed = dict(zip("12345", ("W", "R", "N1", "N2", "N3"), strict=True))
    folders = [shared_data / "scorings" / name for name in ("eesm17_ds004348", "surrey_ds005207")]
    eesm, surrey = (sorted(folder.glob("*_events.tsv")) for folder in folders)
    for path in eesm:
        rows = pd.read_csv(path, sep="\t", dtype=str)
        assert count_minutes(read_scoring(path)) == count_rows(rows["staging"].dropna(), deltamed)
    for path in surrey:
        rows = pd.read_csv(path, sep="\t", dtype=str)
        with pytest.raises(AmbiguousScoringError):  # nothing beside it says what its codes mean
            read_scoring(path)
        codes = ScoringSettings(codes=deltamed | {"6": "UNS"})
        assert count_minutes(read_scoring(path, codes)) == count_rows(rows["staging"], deltamed)
    assert [len(paths) for paths in (boas, dod, eesm, surrey)] == [22, 40, 4, 3]


def test_real_profusion_scorings_have_the_stage_minutes_of_an_independent_count(shared_data):
    rk = {"0": "W", "1": "N1", "2": "N2", "3": "N3", "4": "N3", "5": "R"}
    for path in sorted((shared_data / "hypnograms" / "nsrr").glob("*.xml")):
        codes = re.findall(r"<SleepStage>(\d)</SleepStage>", path.read_text())
        assert count_minutes(read_scoring(path)) == count_rows(codes, rk)


# --- the time line of the recording -------------------------------------------------------------------------------

START = datetime.datetime(2024, 3, 1, 22, 40)


@pytest.fixture
def recording(make_recording):
    return make_recording({"C4-M1": np.zeros(30 * 100 * 10)}, start=START)


def scoring(text, minutes_after=None, epoch_s=30.0, **options):
    start = None if minutes_after is None else pd.Timestamp(START) + pd.Timedelta(minutes=minutes_after)
    return make_hypnogram(text.split(), epoch_s, start=start, **options)


def test_a_scoring_without_a_clock_begins_with_the_recording(recording):
    fitted, notes = fit_to_recording(scoring("W N2 N3 R " * 2 + "W W"), recording)
    assert spell(fitted) == "W N2 N3 R W N2 N3 R W W"
    assert notes == ()


def test_a_scoring_that_begins_later_leaves_unscored_time_before(recording):
    fitted, notes = fit_to_recording(scoring("N2 N3 R", 1.0), recording)
    assert spell(fitted) == "UNS UNS N2 N3 R UNS UNS UNS UNS UNS"
    assert notes == ("3.5 min of the recording are not scored",)


def test_a_scoring_that_begins_earlier_is_cut(recording):
    fitted, notes = fit_to_recording(scoring("W W N2 " + "N3 " * 9, -1.0), recording)
    assert spell(fitted) == "N2" + " N3" * 9
    assert notes == ("1.0 min of the scoring lie outside the recording and are left out",)


def test_a_scoring_off_the_grid_is_laid_on_a_finer_one(recording):
    fitted, _ = fit_to_recording(scoring("N2 N3", 10 / 60), recording)
    assert epoch_length_s(fitted) == 10
    assert spell(fitted).split()[:8] == ["UNS", "N2", "N2", "N2", "N3", "N3", "N3", "UNS"]


def test_a_fraction_of_a_second_asks_for_no_finer_grid(recording):
    fitted, notes = fit_to_recording(scoring("N2 " * 10, 0.4 / 60), recording)
    assert epoch_length_s(fitted) == 30
    assert notes == ()


def test_a_scoring_of_another_night_is_an_error(recording):
    with pytest.raises(ScoringError, match=r"1440\.0 min after memory\.edf.*no overlap"):
        fit_to_recording(scoring("N2 N3", 24 * 60), recording)


def test_a_recording_that_hides_its_clock_takes_the_scoring_from_its_first_sample(make_recording):
    fitted, _ = fit_to_recording(scoring("N2 N3", 60.0), make_recording({"C4-M1": np.zeros(6000)}, start=None))
    assert spell(fitted) == "N2 N3"


def test_the_last_part_of_an_epoch_is_left_out(make_recording):
    fitted, _ = fit_to_recording(scoring("N2 N3 N3"), make_recording({"C4-M1": np.zeros(30 * 100 * 2 + 2999)}))
    assert spell(fitted) == "N2 N3"


def test_art_of_yasa_is_unscored(recording):
    import yasa

    fitted, _ = fit_to_recording(yasa.Hypnogram(["W", "ART", "N2", "UNS"], freq="30s"), recording)
    assert spell(fitted).startswith("W UNS N2 UNS")


def test_stages_that_are_not_five_are_an_error(recording):
    import yasa

    with pytest.raises(ScoringError, match="LIGHT"):
        fit_to_recording(yasa.Hypnogram(["W", "LIGHT", "DEEP", "R"], n_stages=4, freq="30s"), recording)


def test_probabilities_stay_when_every_epoch_is_there(recording):
    proba = pd.DataFrame(np.full((10, 5), 0.2), columns=["N1", "N2", "N3", "R", "W"])
    fitted, _ = fit_to_recording(scoring("N2 " * 10, proba=proba), recording)
    assert fitted.proba.shape == (10, 5)
