"""Public data sets by their names: what `layouts.toml` says counts where the user says nothing."""

import sys

import pytest

from swa.errors import StudyError
from swa.settings import check_settings
from swa.study.plan.layouts import find_layout, read_layouts
from swa.study.plan.manifest import plan_study
from swa.study.plan.study_file import read_study_file

SHHS = ["shhs1/shhs1-200001.edf", "shhs2/shhs2-200001.edf"]


def make(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_every_layout_has_settings_that_are_valid():
    for layout in read_layouts():
        assert check_settings(layout.settings, layout.name)
        assert {"subject"} <= set(layout.recording.groupindex)


def test_settings_of_the_user_come_before_those_of_the_data_set(tmp_path):
    given = check_settings({"channels": {"names": {"EEG": "C4"}}, "comparison": {"baseline": ["visit2"]}})
    study = plan_study(make(tmp_path, *SHHS), None, given)
    assert study.settings.channels.names["EEG"] == "C4"
    assert study.settings.channels.names["EEG(sec)"] == "C3-A2"
    assert study.settings.comparison.baseline == ("visit2",)
    assert plan_study(tmp_path, None, check_settings({})).settings.comparison.baseline[-1] == "visit1"


def test_one_name_of_another_kind_and_two_nights_of_one_name_are_no_data_set(tmp_path):
    assert find_layout(SHHS, [])
    assert find_layout([*SHHS, "S1.edf"], []) is None
    assert find_layout([*SHHS, "copy/shhs1-200001.edf"], []) is None
    assert find_layout(["subject1.edf"], []) is None  # DREAMS only beside its hypnograms
    study = plan_study(make(tmp_path, *SHHS, "S1.edf"), None, check_settings({}))
    assert study.source == "each recording a subject of its own"
    assert study.settings == check_settings({})


def test_labels_of_the_data_set_count_with_a_study_file_too(tmp_path):
    make(tmp_path, *SHHS)
    (tmp_path / "study.tsv").write_text(f"subject\tcondition\trecording\n1\tplacebo\t{SHHS[0]}\n")
    study = plan_study(tmp_path, None, check_settings({}))
    assert study.nights["condition"].tolist() == ["placebo"]
    assert study.settings.channels.names["EEG"] == "C4-A1"


def test_the_ten_lines_of_an_own_table_are_a_study(tmp_path):
    make(tmp_path, "ST7011J0-PSG.edf", "ST7012J0-PSG.edf", "ST7021J0-PSG.edf")
    table = tmp_path / "ST-subjects.csv"
    table.write_text(
        "Subject - age - sex,,,Placebo night,,Temazepam night,\nNr,Age,M1/F2,night nr,lights off,night nr,lights off\n"
        "1,60,1,1,23:01,2,23:48\n2,35,2,2,23:27,1,00:12\n"
    )
    study = plan_study(tmp_path, table, check_settings({}))
    nights = study.nights[["subject", "condition", "recording", "order", "lights_off", "age", "sex"]]
    assert nights.to_numpy().tolist() == [
        ["ST701", "placebo", "ST7011J0-PSG.edf", 1, "23:01:00", 60, "M"],
        ["ST701", "temazepam", "ST7012J0-PSG.edf", 2, "23:48:00", 60, "M"],
        ["ST702", "temazepam", "ST7021J0-PSG.edf", 1, "00:12:00", 35, "F"],
    ]
    assert "read as the table of Sleep-EDF; nights of it that are not here: 1" in study.notes


def test_both_parts_of_sleep_edf_are_one_data_set_and_its_table_is_named(tmp_path):
    make(tmp_path, "sleep-cassette/SC4001E0-PSG.edf", "sleep-cassette/SC4002E0-PSG.edf")
    study = plan_study(tmp_path, None, check_settings({}))
    assert study.source == "names of Sleep-EDF"
    assert "ST-subjects.xls" not in " ".join(study.notes)
    study = plan_study(make(tmp_path, "sleep-telemetry/ST7011J0-PSG.edf"), None, check_settings({}))
    assert study.nights["subject"].tolist() == ["SC400", "SC400", "ST701"]
    assert study.nights["session"].tolist() == ["1", "2", "1"]
    (told,) = [note for note in study.notes if "no conditions" in note]
    assert told.endswith("does that; --study ST-subjects.xls gives those of ST7… theirs")


def test_files_of_one_signal_each_are_called_as_their_folder(tmp_path, write_edf):
    for night in ("S1_placebo", "S1_drug"):
        (tmp_path / night).mkdir()
        for signal in ("BODY TEMP", "EEG L", "EEG R"):
            write_edf(tmp_path / night / f"{signal}.edf", {signal: [0.0] * 200})
    nights = plan_study(tmp_path, None, check_settings({})).nights
    assert nights["subject"].tolist() == ["S1", "S1"]
    assert nights["condition"].tolist() == ["drug", "placebo"]
    assert nights["recording"].tolist() == ["S1_drug/EEG L.edf", "S1_placebo/EEG L.edf"]


@pytest.mark.parametrize("ending", ["xls", "ods"])
def test_a_workbook_that_cannot_be_read_is_named(tmp_path, ending):
    (tmp_path / f"study.{ending}").write_bytes(b"no workbook")
    pytest.importorskip("python_calamine")
    with pytest.raises(StudyError, match=rf"study\.{ending}: not readable as a workbook"):
        plan_study(make(tmp_path, "S1.edf"), None, check_settings({}))


def test_a_workbook_without_its_reader_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    (tmp_path / "study.xls").write_bytes(b"x")
    with pytest.raises(StudyError, match="needs the package python-calamine, which is not installed"):
        read_study_file(tmp_path / "study.xls")


def test_a_workbook_with_macros_is_read(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["subject", "condition", "recording"], ["007", "placebo", "S1.edf"]):
        book.active.append(row)
    book.save(tmp_path / "study.xlsm")
    assert plan_study(make(tmp_path, "S1.edf"), None, check_settings({})).nights["subject"].tolist() == ["007"]
