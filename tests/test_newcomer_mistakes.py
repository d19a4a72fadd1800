"""What a newcomer writes wrong in tables and settings is answered with what to write."""

import pandas as pd
import pytest

from swa.comparison.primary import check_primary
from swa.errors import SettingsError
from swa.settings import ComparisonSettings, read_settings
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


GERMAN = "Proband\tBedingung\tDatei\tDatum\tBemerkung"
NIGHT = "P01\tBaseline\tP01_night1.edf\t01.03.2026\t"


@pytest.mark.parametrize("above", [[], ["Ketamin-Studie, Stand April\t\t\t\t"], ["Studie", "", "AG Müller\tSchlaf"]])
def test_a_header_in_another_language_is_told_once_with_its_columns(tmp_path, above):
    file = tmp_path / "Studienübersicht.tsv"
    file.write_text("\n".join([*above, GERMAN, NIGHT, NIGHT.replace("1", "2")]) + "\n", encoding="utf-8")
    (problem,) = read_study_file(file, ["P01_night1.edf"]).problems
    row = f"row {len(above) + 1} looks like the header (Proband, Bedingung, Datei, Datum, Bemerkung)"
    assert problem.startswith(row)
    assert "rename those that hold subject, condition, recording (Datei names the recordings)" in problem


def test_a_header_below_a_title_lacks_only_what_it_lacks(tmp_path):
    file = tmp_path / "study.tsv"
    header = GERMAN.replace("Proband", "subject").replace("Datei", "recording")
    file.write_text("\n".join(["Ketamin-Studie", header, NIGHT]) + "\n", encoding="utf-8")
    (problem,) = read_study_file(file).problems
    assert problem.startswith("row 2 looks like the header (subject, Bedingung, recording, ")
    assert "rename the one that holds condition" in problem


def test_a_table_without_a_header_is_told_to_get_one(tmp_path):
    file = tmp_path / "study.tsv"
    file.write_text(f"{NIGHT}\n", encoding="utf-8")
    (problem,) = read_study_file(file, ["P01_night1.edf"]).problems
    assert problem.startswith("row 1 names a recording ('P01_night1.edf'), and no header stands above it")
    assert "subject, condition, recording" in problem
