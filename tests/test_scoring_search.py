"""Scorings beside recordings: the rules by which they are found, and what is not taken for one."""

import datetime
import shutil
from pathlib import Path

import pytest

from swa.settings import ScoringSettings, Settings
from swa.study.plan.manifest import plan_study
from swa.study.plan.scoring_search import is_scoring_name
from swa.study.run.night_work import NightTask, process_night

START = datetime.datetime(2024, 3, 1, 22, 40)

STAGES = "onset\tduration\tstage\n0\t60\tW\n60\t600\tN2\n660\t300\tN3\n960\t60\tR\n"
LINES = "W\nW\nN2\nN2\nN3\nR\n"
XML = "<CMPStudyConfig><EpochLength>30</EpochLength><SleepStages>{}</SleepStages></CMPStudyConfig>".format(
    "".join(f"<SleepStage>{code}</SleepStage>" for code in (0, 0, 2, 2, 3, 5))
)


@pytest.fixture
def plan(tmp_path):
    """`plan({"S1.edf": "", ...})`: the plan of a folder of these files."""

    def make(files, settings=None):
        for name, text in files.items():
            path = tmp_path / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return plan_study(tmp_path / "data", None, settings or Settings())

    return make


def found(study):
    return [path.rpartition("data")[2].lstrip("/\\").replace("\\", "/") for path in study.nights["hypnogram"]]


@pytest.mark.parametrize(
    ("name", "text"),
    [("night1.xml", XML), ("night1_stages.csv", STAGES.replace("\t", ",")), ("night1_hypnogram.tsv", STAGES),
     ("night1.eannot", "wake\nN2\nN3\nREM\n"), ("NIGHT1.XML", XML), ("night1-Sleep Profile.txt", LINES),
     ("night1.txt", LINES), ("night1.annot", "N2\t0\t30\n"), ("night1_stages.txt", "0\n2\n2\n5\n0\n"),
     ("night1.csv", "Epoch,Stage\n0,0\n1,2\n"), ("night1_nsrr.xml", XML), ("night1.sleep_stages.csv", STAGES)],
)  # fmt: skip
def test_a_scoring_under_the_name_of_its_recording_is_used_and_named(plan, name, text):
    study = plan({"night1.edf": "", "night2.edf": "", name: text})
    assert found(study) == [name, ""]
    assert f"1 of 2 recordings have a scoring beside them, which is used: night1.edf with {name}" in study.notes
    assert list(study.nights["problem"]) == ["", ""]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("night1.txt", "Dear colleague,\nall went well.\n"), ("night1.csv", "time,hr\n0,61\n1,62\n"),
        ("night1.csv", "epoch,artifact\n0,0\n1,1\n2,2\n"), ("night1.txt", "0\n1\n2\n1\n"), ("night1.xml", "<a/>"),
        ("night1.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), ("night1.csv", ""),
        ("night1_events.tsv", "onset\tduration\ttrial_type\n0\t1\t1\n5\t1\t2\n"),
        ("night10.xml", XML), ("night1_2.xml", XML),
        ("truth/night1_stages.tsv", STAGES), ("other_stages.tsv", STAGES), ("night1.csv", "W\nW\nW\n"),
    ],
)  # fmt: skip
def test_what_is_no_scoring_or_not_beside_is_left_alone(plan, name, text):
    study = plan({"night1.edf": "", name: text})
    assert found(study) == [""]
    assert list(study.nights["problem"]) == [""]


def test_a_name_of_a_scoring_that_cannot_be_read_gets_a_note_with_the_remedy(plan):
    study = plan({"night1.edf": "", "night1_hypnogram.txt": "[hypnogram_excerpt1]\n5\n2\n0\n"})
    assert found(study) == [""]
    assert any(note.startswith("night1.edf: not used") and "[scoring] codes" in note for note in study.notes)


def test_two_scorings_that_differ_are_a_problem_that_names_both(plan):
    study = plan({"night1.edf": "", "night2.edf": "", "night1.xml": XML, "night1_stages.txt": LINES + "N2\n"})
    assert found(study) == ["", ""]
    problem, other = study.nights["problem"]
    assert "night1.xml" in problem
    assert "night1_stages.txt" in problem
    assert "column hypnogram" in problem
    assert other == ""


def test_two_scorings_that_are_the_same_are_one(plan):
    assert found(plan({"night1.edf": "", "night1.xml": XML, "night1_stages.txt": LINES})) == ["night1.xml"]


def test_the_study_file_decides(plan):
    files = {"S1.edf": "", "S1.xml": XML, "S1_stages.txt": LINES + "N2\n", "S2.edf": "", "S2.xml": XML, "S3.edf": "",
             "S3.xml": XML, "S4.edf": "", "S4.xml": XML}  # fmt: skip
    rows = ["1\tb\tS1.edf\tS1_stages.txt", "2\tb\tS2.edf\tnone", "3\tb\tS3.edf\tYASA", "4\tb\tS4.edf\t"]
    study = plan(files | {"study.tsv": "\n".join(["subject\tcondition\trecording\thypnogram", *rows])})
    assert found(study) == ["S1_stages.txt", "", "", "S4.xml"]
    assert list(study.nights["problem"]) == [""] * 4


def test_the_setting_leaves_all_to_yasa(plan):
    settings = Settings(scoring=ScoringSettings(beside=False))
    assert found(plan({"night1.edf": "", "night1.xml": XML}, settings)) == [""]


def test_bids_events(plan):
    folder = "sub-1/ses-a/eeg/sub-1_ses-a_task-sleep"
    assert found(plan({f"{folder}_eeg.edf": "", f"{folder}_events.tsv": STAGES})) == [f"{folder}_events.tsv"]


@pytest.mark.parametrize(
    ("name", "is_scoring"),
    [("SC4001EC-Hypnogram.edf", True), ("SN001_sleepscoring.edf", True), ("S1_scoring.EDF", True), ("S1.edf", False),
     ("S1_staging.edf", False), ("hypnogram.edf", False)],
)  # fmt: skip
def test_names_of_scorings(name, is_scoring):
    assert is_scoring_name(name) is is_scoring


def test_real_sleep_edf_pairs_and_the_real_scored_cycle(shared_data, tmp_path):
    for path in sorted((shared_data / "hypnograms" / "sleep-edf").glob("SC40*.edf")):
        shutil.copy(path, tmp_path)
    for name in ("SC4001E0-PSG.edf", "SC4002E0-PSG.edf", "SC4022E0-PSG.edf"):
        (tmp_path / name).touch()
    for name in ("cycle_1ch_100hz.edf", "cycle_1ch_100hz_stages.csv"):
        shutil.copy(shared_data / "recordings" / name, tmp_path)
    nights = plan_study(tmp_path, None, Settings()).nights
    pairs = dict(zip(nights["recording"], nights["hypnogram"].str.rpartition("/")[2], strict=True))
    assert pairs == {
        "SC4001E0-PSG.edf": "SC4001EC-Hypnogram.edf",
        "SC4002E0-PSG.edf": "SC4002EC-Hypnogram.edf",
        "SC4022E0-PSG.edf": "SC4022EJ-Hypnogram.edf",
        "cycle_1ch_100hz.edf": "cycle_1ch_100hz_stages.csv",
    }


def test_a_thousand_recordings_each_get_their_scoring(plan):
    long = "\n".join(["Epoch,Stage", *(f"{i},{stage}" for i, stage in enumerate(["W", "N2", "N3", "R"] * 240))])
    files = {f"S{i}.edf": "" for i in range(1000)} | {f"S{i}_stages.csv": long for i in range(1000)}
    nights = plan(files).nights
    assert len(nights) == 1000
    for recording, hypnogram in zip(nights["recording"], nights["hypnogram"], strict=True):
        assert Path(hypnogram).name == f"{Path(recording).stem}_stages.csv"


# --- through a night


@pytest.fixture
def scored_night(tmp_path, write_edf, sleep_eeg, make_hypnogram):
    """A recording of 24 min with an EDF+ scoring beside it that marks lights off after 2 min and on after 22."""
    import edfio

    stages = "W*8 N2*20 N3*12 R*8"
    write_edf(tmp_path / "S01_a.edf", {"C4-M1": sleep_eeg(make_hypnogram(stages), 2)}, start=START)
    marks = [(120, 0, "Lights off@@EEG C4-A1"), (1320, 0, "Lights on@@EEG C4-A1")]
    epoch = 0
    for part in stages.split():
        stage, _, count = part.partition("*")
        marks.append((30 * epoch, 30 * int(count), f"Sleep stage {stage}"))
        epoch += int(count)
    annotations = [edfio.EdfAnnotation(*mark) for mark in sorted(marks)]
    date = edfio.Recording(startdate=START.date())
    scoring = edfio.Edf([], annotations=annotations, starttime=START.time(), recording=date)
    scoring.write(tmp_path / "S01_a_sleepscoring.edf")
    return tmp_path


def process(folder, **times):
    (row,) = plan_study(folder, None, Settings()).nights.to_dict("records")
    task = NightTask(
        subject="S01", session="a", condition="a", recording=row["recording"], subject_label="S01", session_label="a",
        path=Path(row["path"]), hypnogram=Path(row["hypnogram"]), times=times, results=folder / "swa-results",
        settings=Settings(), overwrite=True,
    )  # fmt: skip
    assert process_night(task).status == "done"
    return task.folder.document()


def test_the_scoring_beside_a_recording_is_named_and_its_lights_bound_the_sleep_statistics(scored_night):
    night = process(scored_night)
    statistics = night["summary"]["statistics"]
    assert night["summary"]["staging_source"] == "S01_a_sleepscoring.edf"
    assert (statistics["TIB"], statistics["TST"], statistics["SOL"]) == (20, 18, 2)
    assert night["provenance"]["notes"] == ["lights_off is that of the scoring", "lights_on is that of the scoring"]


def test_lights_of_the_study_file_come_first(scored_night):
    night = process(scored_night, lights_off="22:41", lights_on="22:50")
    assert night["summary"]["statistics"]["TIB"] == 9
    assert night["provenance"]["notes"] == []
