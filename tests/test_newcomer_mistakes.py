"""What a newcomer writes wrong in tables and settings is answered with what to write."""

import pandas as pd
import pytest

from swa.comparison.primary import check_primary
from swa.errors import SettingsError, StudyError
from swa.settings import ComparisonSettings, Settings, read_settings
from swa.study.plan.manifest import plan_study
from swa.study.plan.study_file import read_study_file


def test_a_comma_in_a_cell_of_a_csv_is_named_as_what_may_have_parted_it(tmp_path):
    file = tmp_path / "study.csv"
    file.write_text("subject,condition,recording,remark\nP1,a,a.edf,tired, restless\n", encoding="utf-8")
    problem = read_study_file(file).problems[0]
    assert problem.startswith("row 2: column 5 has a cell but no name in the header")
    assert "comma within a cell" in problem
    assert "quotes" in problem


@pytest.mark.parametrize("text", ["SWA in cycle 1", "swa NREM cycle-1"])
def test_a_wrong_primary_is_told_the_form(text):
    nights = pd.DataFrame({"subject": ["A"], "session": ["1"], "condition": ["baseline"]})
    with pytest.raises(SettingsError) as told:
        check_primary(nights, ComparisonSettings(primary=text))
    assert "measure stages window channel, like 'swa NREM cycle-1 frontal'" in str(told.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[comparison]\nprimary = swa NREM cycle-1 frontal", 'in quotes: primary = "swa NREM cycle-1 frontal"'),
        ("[comparison]\nprimary = “swa NREM cycle-1 frontal”", 'primary = "swa NREM cycle-1 frontal"'),
        ('[comparison]\nprimary: "swa NREM"', 'primary = "swa NREM"'),
        ('[comparison]\nprimary = "swa NREM', 'primary = "swa NREM"'),
        ("[comparison]\nbaseline = Placebo", 'baseline = ["Placebo"]'),
        ("[comparison]\nbaseline = 3", 'baseline = ["3"]'),
        ("[comparability]\ncaution = 'gain'", 'caution = ["gain"]'),
        ("[waves]\nname = massimini2004", 'name = "massimini2004"'),
        ("[cycles]\nrule = feinberg1979", 'rule = "feinberg1979"'),
        ('[power]\nswa_hz = "0,75 4,5"', "swa_hz = [0.75, 4.5]"),
        ("[power]\nswa_hz = 0.5-4", "swa_hz = [0.5, 4]"),
        ("[power]\nswa_hz = (0.5, 4)", "swa_hz = [0.5, 4]"),
        ("[power]\nswa_hz = 0,75", "two numbers, with points, in brackets, like swa_hz = [0.5, 4.0]"),
        ("[power]\nswa_hz = [0,75, 4,5]", "two numbers, with points, in brackets, like swa_hz = [0.5, 4.0]"),
        ('[power]\nswa_hz = ["0,75", 4.5]', "swa_hz = [0.5, 4.0]"),
        ("[power]\nswa_hz = [0.5]", "swa_hz = [0.5, 4.0]"),
        ("[power]\nswa_hz = [0.5, 4", "swa_hz = [0.5, 4]"),
        ('[waves]\nnegative_uv = "40"', "negative_uv = [40.0, inf]"),
        ("[windows]\nstage_free_min = 60", "stage_free_min = [60]"),
        ('[windows]\nstage_free_min = "60, 90"', "stage_free_min = [60, 90]"),
        ('[power]\nwindow_s = "4,5"', "a number, with a point: window_s = 4.5"),
        ("[power]\nwindow_s = 4,5", "window_s = 4.5"),
        ('[power]\nwindow_s = "5 s"', "window_s = 5"),
        ("[power]\nwindow_s = 5 s", "window_s = 5"),
        ("[comparison]\nicc = .7", "icc = 0.7"),
        ("[comparison]\nicc = '80 %'", "icc = 0.8"),
        ("[power]\ntrend_order = 1.5", "a whole number, like trend_order = 0"),
        ("[scoring]\nbeside = True", "true or false: beside = true"),
        ("[scoring]\nbeside = 'ja'", "true or false, like beside = true"),
        ("[channels]\nroles = 'C9'", 'roles = { "Lead 3" = "eeg" }'),
        ("[channels]\nroles = { C9 = eeg }", 'roles = { "Lead 3" = "eeg" }'),
        ('[channels]\nnames = { "EEG2" : "F3" }', 'names = { "EEG(sec)" = "C3-A2", "HB_*" = "*" }'),
        ("power = 3", "it is a group: write [power] in a line, and its keys below"),
        ('[comparison\nprimary = "swa"', "a group stands in a line of its own, in brackets"),
        ("[power]\nwindow_s = 5\nwindow_s = 6", "line 3: window_s = 6"),
    ],
)
def test_a_setting_in_another_form_is_shown_the_form(tmp_path, text, told):
    file = tmp_path / "own.toml"
    file.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        read_settings(file)
    assert told in str(error.value)
    assert "Input should" not in str(error.value)


def test_a_line_that_is_no_toml_is_shown_with_its_number(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text('# of the lab\n[comparison]\nbaseline = "Placebo"\nprimary = swa NREM night\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="line 4: primary = swa NREM night"):
        read_settings(file)


OTHER = "Kennziffer\tMedikament\tPfad\tDatum\tBemerkung"
NIGHT = "P01\tBaseline\tP01_night1.edf\t01.03.2026\t"


@pytest.mark.parametrize("above", [[], ["Ketamin-Studie, Stand April\t\t\t\t"], ["Studie", "", "AG Müller\tSchlaf"]])
def test_a_header_in_another_language_is_told_once_with_its_columns(tmp_path, above):
    file = tmp_path / "Studienübersicht.tsv"
    file.write_text("\n".join([*above, OTHER, NIGHT, NIGHT.replace("1", "2")]) + "\n", encoding="utf-8")
    (problem,) = read_study_file(file, ["P01_night1.edf"]).problems
    row = f"row {len(above) + 1} looks like the header (Kennziffer, Medikament, Pfad, Datum, Bemerkung)"
    assert problem.startswith(row)
    assert "rename those that hold subject, condition, recording (Pfad names the recordings)" in problem


def test_a_header_below_a_title_lacks_only_what_it_lacks(tmp_path):
    file = tmp_path / "study.tsv"
    header = OTHER.replace("Kennziffer", "subject").replace("Pfad", "recording")
    file.write_text("\n".join(["Ketamin-Studie", header, NIGHT]) + "\n", encoding="utf-8")
    (problem,) = read_study_file(file).problems
    assert problem.startswith("row 2 looks like the header (subject, Medikament, recording, ")
    assert "rename the one that holds condition" in problem


def test_a_table_without_a_header_is_told_to_get_one(tmp_path):
    file = tmp_path / "study.tsv"
    file.write_text(f"{NIGHT}\n", encoding="utf-8")
    (problem,) = read_study_file(file, ["P01_night1.edf"]).problems
    assert problem.startswith("row 1 names a recording ('P01_night1.edf'), and no header stands above it")
    assert "subject, condition, recording" in problem


def make_files(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def notes_on(folder, word, study_file=None):
    return [note for note in plan_study(folder, study_file, Settings()).notes if word in note]


@pytest.mark.parametrize("table", ["Studienübersicht.xlsx", "study (1).xlsx", "subjects.csv", "Nights.TSV", "plan.ods"])
def test_a_table_under_another_name_in_the_folder_is_told_how_it_would_be_used(tmp_path, table):
    make_files(tmp_path, "S1_baseline.edf", "S1_drug.edf", table, f"~${table}")
    (told,) = notes_on(tmp_path, "not used")
    ending = table.rpartition(".")[2].lower()
    assert told == f"{table} is a table and is not used: call it study.{ending}, or give it with --study"


def test_several_tables_are_told_in_one_line(tmp_path):
    make_files(tmp_path, "S1_baseline.edf", "S1_drug.edf", *(f"scale {i}.csv" for i in range(9)))
    (told,) = notes_on(tmp_path, "not used")
    assert told.startswith("scale 0.csv, scale 1.csv, scale 2.csv and 6 more are tables and are not used")


def test_tables_of_a_night_a_subject_or_a_data_set_are_no_study_file(tmp_path):
    make_files(tmp_path, "S1_baseline.edf", "S1_drug.edf", "S1_baseline.csv", "S1_questionnaire.csv", "deep/x.csv")
    (tmp_path / "S1_drug_stages.csv").write_text("\n".join(["N2"] * 500), encoding="utf-8")
    assert not notes_on(tmp_path, "is a table")
    make_files(tmp_path / "bids", "sub-1_ses-baseline_eeg.edf", "sub-1_ses-drug_eeg.edf", "participants.tsv")
    assert not notes_on(tmp_path / "bids", "is a table")


def test_beside_a_study_file_its_copies_alone_are_told(tmp_path):
    make_files(tmp_path, "S1_baseline.edf", "scale.csv", "study (1).tsv", "study-neu.xlsx", "studying.csv")
    (tmp_path / "study.tsv").write_text("subject\tcondition\trecording\nS1\tbaseline\tS1_baseline.edf\n")
    assert notes_on(tmp_path, "is used") == [
        "study.tsv is used, study (1).tsv is not",
        "study.tsv is used, study-neu.xlsx is not",
    ]
    assert not notes_on(tmp_path, "is a table")


@pytest.mark.parametrize(
    ("name", "remedy"), [("study.xlsx", "--study"), ("nights.csv", "--study"), ("own.toml", "--settings")]
)
def test_a_table_in_the_place_of_recordings_is_told_where_it_belongs(tmp_path, name, remedy):
    make_files(tmp_path, "S1_baseline.edf", name)
    with pytest.raises(StudyError) as error:
        plan_study(tmp_path / name, None, Settings())
    assert f"{remedy} {tmp_path / name}" in error.value.remedy
    assert "folder" in error.value.remedy
    assert "Export" not in error.value.remedy


def test_folders_of_programs_are_passed_over_and_told(tmp_path):
    make_files(tmp_path, "S1.edf", ".git/a.edf", "code/node_modules/x/a.edf", "lib/site-packages/mne/b.edf")
    make_files(tmp_path, "old env/pyvenv.cfg", "old env/data/c.edf", "conda/conda-meta/history", "conda/d.edf")
    make_files(tmp_path, "lib/__pycache__/e.edf")
    study = plan_study(tmp_path, None, Settings())
    assert list(study.nights["recording"]) == ["S1.edf"]
    (told,) = [note for note in study.notes if "not searched" in note]
    assert told == "not searched, as folders of programs: code/node_modules, conda, lib/site-packages, old env"


def test_a_folder_within_one_of_programs_is_searched_where_it_is_given(tmp_path):
    make_files(tmp_path, "pyvenv.cfg", "nights/S1.edf")
    assert list(plan_study(tmp_path, None, Settings()).nights["recording"]) == ["nights/S1.edf"]


def test_a_compiled_program_is_no_recording_of_an_eye_tracker(tmp_path):
    make_files(tmp_path, "S1.edf")
    (tmp_path / "__init__.cpython-311.pyc").write_bytes(b"SR_RESEARCH_COMPRESSED" + bytes(300) + b"eyelink" * 40)
    assert not notes_on(tmp_path, "EyeLink")


def plan_rows(folder, header, *rows):
    (folder / "study.tsv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return plan_study(folder, None, Settings())


ROW = "subject\tcondition\trecording"


def test_what_may_be_meant_is_an_unlisted_recording_of_the_same_subject(tmp_path):
    make_files(tmp_path, *(f"P0{i}_{night}.edf" for i in range(1, 4) for night in ("night1", "night2_ketamine")))
    rows = ["P01\tbaseline\tP01_night1.edf", "P01\tketamine\tP01_nacht2.edf", "P02\tbaseline\tP02_night1.edf"]
    study = plan_rows(tmp_path, ROW, *rows, "P04\tbaseline\tP04_night1.edf", "P02\tketamine\twrong.edf")
    assert list(study.nights["problem"]) == [
        "",
        "'P01_nacht2.edf' is not there (did you mean 'P01_night2_ketamine.edf'?)",
        "",
        "'P04_night1.edf' is not there",
        "'wrong.edf' is not there (did you mean 'P02_night2_ketamine.edf'?)",
    ]


def test_a_recording_that_another_row_means_by_its_name_alone_is_not_offered(tmp_path):
    make_files(tmp_path, "a/P1_x.edf", "b/P1_y.edf")
    study = plan_rows(tmp_path, ROW, "P1\tbaseline\tP1_x.edf", "P1\tketamine\tP1_z.edf")
    assert study.nights["problem"][1] == "'P1_z.edf' is not there (did you mean 'b/P1_y.edf'?)"
    study = plan_rows(tmp_path, ROW, "P1\tbaseline\tP1_x.edf", "P1\tdrug\tP1_y.edf", "P1\tketamine\tP1_z.edf")
    assert study.nights["problem"][2] == "'P1_z.edf' is not there"


def test_a_like_name_of_a_subject_who_is_not_in_the_study_is_not_offered(tmp_path):
    make_files(tmp_path, "hanna_ket.edf", "anna_base.edf")
    study = plan_rows(tmp_path, ROW, "anna\tbaseline\tanna_base.edf", "anna\tketamine\tanna_ket.edf")
    assert study.nights["problem"][1] == "'anna_ket.edf' is not there"


def test_the_same_place_of_two_nights_is_told_with_the_rows(tmp_path):
    make_files(tmp_path, *(f"P{i}_{night}.edf" for i in range(1, 5) for night in "abc"))
    rows = [
        *("P1\tbaseline\tP1_a.edf\t1\t\t", "P1\tketamine\tP1_b.edf\t1\t\t", "P1\tdrug\tP1_c.edf\t2\t\t"),
        *("P2\tbaseline\tP2_a.edf\t1\t\tyes", "P2\tketamine\tP2_b.edf\t1\t\t"),
        *("P3\tbaseline\tP3_a.edf\t1\tbad\t", "P3\tketamine\tP3_b.edf\t1\tno\tnein"),
    ]
    study = plan_rows(tmp_path, f"{ROW}\torder\texclude\tadaptation", *rows)
    (told,) = [note for note in study.notes if note.startswith("order: ")]
    assert told.startswith("order: P1 has 1 in rows 2, 3: each night of a subject has a place of its own")


def test_a_period_is_shared_by_pre_and_post_and_by_nights_of_one_condition_alone(tmp_path):
    make_files(tmp_path, *(f"P{i}_{night}.edf" for i in range(1, 4) for night in "ab"))
    rows = [
        *("P1\tplacebo\tP1_a.edf\t2\t", "P1\tketamine\tP1_b.edf\t2\t"),
        *("P2\tplacebo\tP2_a.edf\t1\tpre", "P2\tketamine\tP2_b.edf\t1\tpost"),
        *("P3\tketamine\tP3_a.edf\t1\t", "P3\tketamine\tP3_b.edf\t1\t"),
    ]
    study = plan_rows(tmp_path, f"{ROW}\tperiod\tphase", *rows)
    (told,) = [note for note in study.notes if note.startswith("period: ")]
    assert told.startswith("period: P1 has 2 in rows 2, 3: nights of other conditions are of another period")
