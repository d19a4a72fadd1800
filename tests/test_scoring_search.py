"""Scorings of recordings: the rules by which they are found, and what is not taken for one."""

import datetime
import shutil
from pathlib import Path

import numpy as np
import pytest

from swa.pipeline import run_study
from swa.settings import ScoringSettings, Settings
from swa.sleep.formats.edf import may_hold_stages
from swa.sleep.scoring import read_scoring
from swa.study.plan.inspection import inspect_study
from swa.study.plan.manifest import plan_study
from swa.study.plan.scoring_names import is_scoring_name
from swa.study.plan.scoring_search import Why
from swa.study.run.blinding import blind_study
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
     ("night1.txt", LINES), ("night1.annot", "N2\t0\t30\n"), ("night1_stages.txt", "0\n1\n2\n5\n0\n"),
     ("night1.csv", "Epoch,Stage\n0,0\n1,1\n2,2\n3,5\n"),
     ("night1_nsrr.xml", XML), ("night1.sleep_stages.csv", STAGES)],
)  # fmt: skip
def test_a_scoring_under_the_name_of_its_recording_is_used_and_named(plan, name, text):
    study = plan({"night1.edf": "", "night2.edf": "", name: text})
    assert found(study) == [name, ""]
    assert f"1 night by its scoring (night1.edf by {name}), 1 by YASA" in study.notes
    assert (study.scorings.used, study.scorings.staged) == ((("night1.edf", name),), 1)
    assert list(study.nights["problem"]) == ["", ""]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("night1.txt", "Dear colleague,\nall went well.\n"), ("night1.csv", "time,hr\n0,61\n1,62\n"),
        ("night1.csv", "epoch,artifact\n0,0\n1,1\n2,2\n"), ("night1.txt", "0\n1\n2\n1\n"), ("night1.xml", "<a/>"),
        ("night1.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
        ("night1.csv", "5,0.2\n6,0.4\n7,0.1\n"), ("night1.csv", "5,2\n6,3\n7,1\n"),
        ("night1.txt", "300 2\n301 2\n302 1\n"),
        ("night1_events.tsv", "onset\tduration\ttrial_type\n0\t1\t1\n5\t1\t2\n"),
        ("night10.xml", XML), ("night1_2.xml", XML),
        ("truth/night1_stages.tsv", STAGES), ("other_stages.tsv", STAGES), ("night1.csv", "W\nW\nW\n"),
    ],
)  # fmt: skip
def test_what_is_no_scoring_or_not_beside_is_left_alone(plan, name, text):
    study = plan({"night1.edf": "", name: text})
    assert found(study) == [""]
    assert list(study.nights["problem"]) == [""]


def test_a_name_of_a_scoring_that_cannot_be_read_is_told_with_the_remedy(plan):
    study = plan({"night1.edf": "", "night1_hypnogram.txt": "W\nN9\nN9\n"})
    assert found(study) == [""]
    assert list(study.nights["problem"]) == [""]
    (told,) = [note for note in study.notes if "not used" in note]
    assert told.startswith("0 nights by their scoring, 1 by YASA; these files hold stages and are not used: night1_hyp")
    assert "'N9' (line 2) is no stage known here" in told
    assert "[scoring] codes" in told


@pytest.mark.parametrize("name", ["night1_hypnogram.txt", "night1.csv"])
def test_a_scoring_that_cannot_be_opened_is_told(plan, name, monkeypatch):
    def refuse(path, settings):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("swa.study.plan.scoring_search.open_scoring", refuse)
    study = plan({"night1.edf": "", name: LINES})
    (told,) = [note for note in study.notes if "not used" in note]
    assert f"{name}: Permission denied. Check its permissions." in told
    assert study.scorings.staged == 1


@pytest.mark.parametrize("name", ["night1_hypnogram.txt", "night1.csv"])
def test_a_scoring_that_could_mean_several_things_is_a_problem_of_its_night(plan, name):
    text = "[hypnogram_excerpt1]\n5\n2\n0\n" if name.endswith("txt") else "epoch,stage\n0,0\n1,2\n2,4\n"
    study = plan({"night1.edf": "", "night2.edf": "", name: text})
    assert found(study) == ["", ""]
    assert "could mean several things" in study.nights["problem"][0]
    assert study.nights["problem"][1] == ""


def test_one_scoring_with_a_5_decides_the_codes_of_all(plan):
    without_rem, with_rem = ("\n".join(f"{codes} 0".split()) for codes in ("0 1 2 3 4 3 2", "0 1 2 3 2 5 2"))
    files = {"a.edf": "", "b.edf": "", "a_stages.txt": without_rem}
    assert "could mean several things" in plan(files).nights["problem"][0]
    study = plan(files | {"b_stages.txt": with_rem})
    assert found(study) == ["a_stages.txt", "b_stages.txt"]
    assert study.scorings.codes["4"] == "N3"
    path = Path(study.nights["hypnogram"][0])
    assert list(read_scoring(path, None, study.scorings.codes).stages) == ["W", "N1", "N2", "N3", "N3", "N3", "N2", "W"]


def test_scorings_that_contradict_each_other_about_their_codes_are_all_asked_about(plan):
    files = {"a.edf": "", "b.edf": "", "a_stages.txt": "0\n1\n2\n3\n2\n5\n2\n0\n", "b_stages.txt": "5\n3\n2\n0\n2\n5\n"}
    assert all("could mean several things" in problem for problem in plan(files).nights["problem"])


# --- places

DREAMS = {"HypnogramAASM_subject1.txt": LINES, "HypnogramR&K_subject1.txt": LINES.replace("N2", "S1")}


@pytest.mark.parametrize(
    ("recording", "scoring"),
    [
        ("sub-1_task-sleep_eeg.edf", "sub-1_task-sleep_hypnogram.tsv"),
        ("sub-1_ses-2_task-sleep_acq-PSG_eeg.edf", "sub-1_ses-2_task-sleep_acq-PSGScoring_events.tsv"),
        ("sub-1_task-sleep_acq-earEEG_eeg.edf", "sub-1_task-sleep_acq-scoring_events.tsv"),
        ("edfs/shhs1/shhs1-200001.edf", "annotations-events-nsrr/shhs1/shhs1-200001-nsrr.xml"),
        ("edfs/shhs1/shhs1-200001.edf", "annotations-events-profusion/shhs1/shhs1-200001-profusion.xml"),
        ("edf/night1.edf", "scoring/night1.txt"),
        ("edf/night1.edf", "Hypnograms/Hypnogram_night1.txt"),
        ("night1.edf", "scoring/night1.txt"),
        ("S01.edf", "Hypnogram_S01.txt"),
        ("subject1.edf", "HypnogramAASM_subject1.txt"),
        ("01-03-0001 PSG.edf", "01-03-0001_sleep stages.txt"),
        ("1/1.edf", "1/1_1.txt"),
        ("S01.edf", "S01.edf.XML"),
        ("S01/night.edf", "S01/Sleep profile.txt"),
        ("S01/night.edf", "S01/Schlafprofil.txt"),
        ("S01/night.edf", "S01/hypnogram.csv"),
    ],
)
def test_places_in_which_scorings_lie(plan, recording, scoring):
    text = XML if scoring.lower().endswith("xml") else STAGES if scoring.endswith("tsv") else LINES
    study = plan({recording: "", "other/a.edf": "", "other/b.edf": "", scoring: text})
    place = dict(zip(study.nights["recording"], found(study), strict=True))
    assert place[recording] == scoring
    assert list(study.nights["problem"]) == [""] * 3
    assert study.scorings.unused == ()


def test_isruc_lists_of_digits_are_scorings_and_two_scorers_are_asked_about(plan):
    night = ["0"] * 10 + ["1"] * 5 + ["2"] * 60 + ["3"] * 30 + ["2"] * 20 + ["5"] * 30 + ["0"] * 5
    files = {"1/1.edf": "", "1/1_1.txt": "\n".join(night)}
    assert found(plan(files)) == ["1/1_1.txt"]
    files["1/1_2.txt"] = "\n".join(night[5:] + ["0"] * 5)
    assert "1_1.txt and 1_2.txt beside it are scorings that differ" in plan(files).nights["problem"][0]
    study = plan(files, Settings(scoring=ScoringSettings(column="2")))
    assert found(study) == ["1/1_2.txt"]
    assert [(unused.path.name, unused.why) for unused in study.scorings.unused] == [("1_1.txt", Why.ANOTHER)]


def test_the_scoring_of_the_aasm_comes_before_that_of_rechtschaffen_and_kales(plan):
    study = plan({"subject1.edf": "", **DREAMS})
    assert found(study) == ["HypnogramAASM_subject1.txt"]
    assert [unused.path.name for unused in study.scorings.unused] == ["HypnogramR&K_subject1.txt"]


def test_a_folder_for_scorings_with_the_same_folders_below_is_taken_folder_by_folder(plan):
    files = {f"edf/{visit}/S1.edf": "" for visit in ("v1", "v2")}
    files |= {"scoring/v1/S1.xml": XML, "scoring/v2/S1.txt": LINES + "N2\n"}
    assert found(plan(files)) == ["scoring/v1/S1.xml", "scoring/v2/S1.txt"]


def test_the_folder_beside_the_one_that_is_given_is_looked_into(tmp_path):
    for name, text in {"edf/S1.edf": "", "edf/S2.edf": "", "scoring/S1.txt": LINES}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert [Path(path).name for path in plan_study(tmp_path / "edf", None, Settings()).nights["hypnogram"]] == [
        "S1.txt",
        "",
    ]


def test_a_folder_beside_the_one_that_is_given_may_be_of_another_study(tmp_path):
    for name, text in {"study a/S1.edf": "", "study a/S2.edf": "", "scoring/S1.txt": LINES}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert list(plan_study(tmp_path / "study a", None, Settings()).nights["hypnogram"]) == ["", ""]


def test_results_of_swa_are_no_scorings(plan):
    files = {
        "edf/sub-1_ses-a_task-sleep_eeg.edf": "",
        "staging/sub-1_ses-a_task-sleep_desc-hypnogram_events.tsv": STAGES,
    }
    assert found(plan(files)) == ["staging/sub-1_ses-a_task-sleep_desc-hypnogram_events.tsv"]
    results = {"staging/dataset_description.json": '{"GeneratedBy": [{"Name": "swa"}]}'}
    study = plan(files | results)
    assert found(study) == [""]
    assert study.scorings.unused == ()


def test_what_belongs_to_no_recording_is_told_once(plan):
    files = {f"truth/night{i}_stages.tsv": STAGES for i in range(7)} | {
        "night1.edf": "",
        "letter.txt": "Dear all,\nhello\n",
    }
    (told,) = [note for note in plan(files).notes if "YASA" in note]
    assert told == (
        "0 nights by their scoring, 1 by YASA; these files hold stages and are not used: truth/night1_stages.tsv "
        "(its name is not quite that of the recording; the column hypnogram of a study file can name it); "
        "truth/night0_stages.tsv, truth/night2_stages.tsv, truth/night3_stages.tsv, truth/night4_stages.tsv, "
        "truth/night5_stages.tsv and 1 more (name and folder fit no recording)"
    )
    inspected = inspect_study(Path(plan(files).root))["scorings"]
    assert (inspected["scored"], inspected["staged"], len(inspected["unused"])) == (0, 1, 7)


def test_nothing_is_told_where_there_is_no_scoring_and_where_the_user_has_decided(plan):
    assert not any("YASA" in note for note in plan({"night1.edf": "", "a.csv": "time,hr\n0,61\n"}).notes)
    study = plan(
        {"S1.edf": "", "S1.xml": XML, "study.tsv": "subject\tcondition\trecording\thypnogram\n1\tb\tS1.edf\tyasa\n"}
    )
    assert (study.scorings.used, study.scorings.staged, study.scorings.unused) == ((), 1, ())


# --- in the recording


def annotate(path, stages, channels=None, events=()):
    """An EDF+ with EEG whose stages are annotations of its own."""
    import edfio

    marks, epoch = [edfio.EdfAnnotation(*event) for event in events], 0
    for part in stages.split():
        stage, _, count = part.partition("*")
        marks.append(edfio.EdfAnnotation(30 * epoch, 30 * int(count or 1), f"Sleep stage {stage}"))
        epoch += int(count or 1)
    signals = [
        edfio.EdfSignal(values, 100, label=label, physical_dimension="uV", physical_range=(-500, 500))
        for label, values in (channels or {"C4-M1": np.zeros(3000 * epoch)}).items()
    ]
    date = edfio.Recording(startdate=START.date())
    edfio.Edf(signals, annotations=sorted(marks), starttime=START.time(), recording=date).write(path)


def test_stages_in_the_recording_come_before_those_beside_it_which_are_told(tmp_path):
    annotate(tmp_path / "S1.edf", "W*2 N2*3 N3 R", events=[(45, 3, "Arousal")])
    annotate(tmp_path / "S2.edf", "?*7", events=[(45, 3, "Arousal")])
    (tmp_path / "S1.txt").write_text(LINES)
    study = plan_study(tmp_path, None, Settings())
    assert list(study.nights["hypnogram"]) == [str(tmp_path / "S1.edf"), ""]
    (told,) = [note for note in study.notes if "YASA" in note]
    assert told == (
        "1 night by its scoring (S1.edf by its annotations), 1 by YASA; these files hold stages and are not used: "
        "S1.txt (another scoring of the recording is used)"
    )


def test_stages_late_in_a_long_recording_are_found(tmp_path):
    annotate(tmp_path / "S1.edf", "?*60 W*30 N1*3 N2*40 N3*30 N2*20 R*30 W*10")
    (tmp_path / "S2.edf").write_bytes((tmp_path / "S1.edf").read_bytes().replace(b"Sleep stage", b"Sloop stage"))
    assert may_hold_stages(tmp_path / "S1.edf", ScoringSettings())
    assert not may_hold_stages(tmp_path / "S2.edf", ScoringSettings())


def test_mass_base_files_are_scorings_where_the_psg_lies_beside(tmp_path):
    annotate(tmp_path / "01-03-0001 Base.edf", "W N2 N3 R")
    annotate(tmp_path / "01-03-0001 PSG.edf", "?*4")
    annotate(tmp_path / "S2 Base.edf", "?*4")
    nights = plan_study(tmp_path, None, Settings()).nights
    assert list(nights["recording"]) == ["01-03-0001 PSG.edf", "S2 Base.edf"]
    assert [Path(path).name for path in nights["hypnogram"]] == ["01-03-0001 Base.edf", ""]


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


@pytest.mark.slow
@pytest.mark.long
def test_a_thousand_recordings_each_get_their_scoring(plan):
    long = "\n".join(["Epoch,Stage", *(f"{i},{stage}" for i, stage in enumerate(["W", "N2", "N3", "R"] * 240))])
    files = {f"S{i}.edf": "" for i in range(1000)} | {f"S{i}_stages.csv": long for i in range(1000)}
    nights = plan(files).nights
    assert len(nights) == 1000
    for recording, hypnogram in zip(nights["recording"], nights["hypnogram"], strict=True):
        assert Path(hypnogram).name == f"{Path(recording).stem}_stages.csv"


DOMINO = (
    "Signal ID: SchlafProfil\\profil\nStart Time: 01.03.2024 22:40:00\nUnit: \nSignal Type: Discret\n"
    "Events list: N3,N2,N1,Rem,Wach,Artefakt\nRate: 30 s\n\n"
    "22:40:00,000; Wach\n22:40:30,000; N2\n22:41:00,000; N3\n22:41:30,000; Rem\n"
)


@pytest.mark.parametrize(
    "name",
    ["V1/V1_a/Schlafprofil.txt", "V1/V1_a/Schlafprofil - V1_a.txt", "V1/V1_a/V1_a Sleep profile.txt",
     "V1/V1_a/Analysedaten/Schlafprofil.txt", "V1/V1_a/V1 a_analysis/Sleep profile.txt",
     "V1/V1_a/Analysedaten/Sleep Profile - V1_a.txt"],
)  # fmt: skip
def test_a_sleep_profile_of_domino_belongs_to_the_only_recording_of_its_folder_or_the_one_above(plan, name):
    folder = name.rpartition("/")[0]
    others = {f"{folder}/Flow Events.txt": DOMINO.replace("Discret", "Impuls"), f"{folder}/Note.txt": "Dear colleague"}
    study = plan({"V1/V1_a/V1_a.edf": "", "V1/V1_b/V1_b.edf": "", name: DOMINO} | others)
    assert found(study) == [name, ""]
    assert "not used" not in " ".join(study.notes)


def test_a_sleep_profile_of_a_folder_below_is_not_that_of_several_recordings(plan):
    study = plan({"a.edf": "", "b.edf": "", "Analysedaten/Schlafprofil.txt": DOMINO})
    assert found(study) == ["", ""]
    assert "Analysedaten/Schlafprofil.txt (name and folder fit no recording)" in " ".join(study.notes)


def test_a_table_of_subjects_is_no_scoring_that_was_passed_over(plan):
    people = "nsrrid,pptid,age_s1,gender,visitnumber\n200001,1,55,1,1\n200077,2,56,2,1\n200102,3,57,1,2\n"
    study = plan({"S1.edf": "", "datasets/shhs1-dataset.csv": people})
    assert "not used" not in " ".join(study.notes)
    beside = plan({"S1.edf": "", "S1.csv": people})
    assert list(beside.nights["problem"]) == [""]


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


def process(folder, recording="S01_a.edf", **times):
    study = plan_study(folder, None, Settings())
    (row,) = study.nights[study.nights["recording"] == recording].to_dict("records")
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
    assert night["provenance"]["notes"] == [
        "lights_off is that of the scoring: 2.0 min before it do not count",
        "lights_on is that of the scoring: 2.0 min after it do not count",
    ]


def test_a_night_is_read_by_the_stages_that_its_recording_holds_also_blinded(tmp_path, sleep_eeg, make_hypnogram):
    stages = "W*8 N2*20 N3*12 R*8"
    for name in ("S01_baseline", "S01_drug"):
        annotate(tmp_path / f"{name}.edf", stages, {"C4-M1": np.clip(sleep_eeg(make_hypnogram(stages), 2), -499, 499)})
    night = process(tmp_path, "S01_drug.edf")
    assert night["summary"]["staging_source"] == "S01_drug.edf"
    assert night["provenance"]["inputs"]["hypnogram_sha256"] == night["provenance"]["inputs"]["recording_sha256"]
    linked = blind_study(plan_study(tmp_path, None, Settings()), Settings(), tmp_path / "blind").study.nights
    assert list(linked["hypnogram"]) == list(linked["path"])


def test_a_run_reads_codes_as_the_plan_has_read_them(tmp_path, write_edf, sleep_eeg, make_hypnogram):
    stages = "W*8 N1*1 N2*19 N3*12 N2*8"
    codes = ["0"] * 8 + ["1"] + ["2"] * 19 + ["3"] + ["4"] * 10 + ["3"] + ["2"] * 8
    for seed, (name, last) in enumerate({"S01_baseline": "2", "S01_drug": "5"}.items()):
        write_edf(tmp_path / f"{name}.edf", {"C4-M1": sleep_eeg(make_hypnogram(stages), seed)}, start=START)
        (tmp_path / f"{name}_stages.txt").write_text("\n".join([*codes[:-8], *[last] * 8]))
    nights = run_study(tmp_path, tmp_path / "swa-results", jobs=1).nights
    assert list(nights["status"]) == ["done", "done"]
    assert list(nights["N3_min"]) == [6, 6]
    assert list(nights["REM_min"]) == [0, 4]


def test_lights_of_the_study_file_come_first(scored_night):
    night = process(scored_night, lights_off="22:41", lights_on="22:50")
    assert night["summary"]["statistics"]["TIB"] == 9
    assert night["provenance"]["notes"] == []
