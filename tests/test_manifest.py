"""The study plan: finding recordings, reading names and the study file, labels, the template."""

import datetime
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swa.errors import StudyError
from swa.settings import ComparisonSettings, Settings
from swa.study.infusions import note_doses
from swa.study.plan.manifest import NIGHT_COLUMNS, plan_study, tell_template, write_template
from swa.study.plan.names import LONGEST_LABEL, file_label, own_subjects
from swa.study.plan.recording_search import find_recordings
from swa.study.study_tables import problems_of_nights
from swa.tables.files import write_table

SETTINGS = Settings()


@pytest.fixture
def make(tmp_path):
    """Make empty files below a folder; the plan never looks into recordings."""

    def make_files(*names):
        for name in names:
            path = tmp_path / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "data"

    return make_files


def plan(folder, study_file=None, settings=SETTINGS, results=None):
    return plan_study(folder, study_file, settings, results)


def names(folder, results=None):
    return [path.relative_to(folder).as_posix() for path in find_recordings(folder, results)]


class TestFinding:
    def test_edf_and_bdf_of_any_case_below_in_natural_order(self, make):
        folder = make("S10.EDF", "S2.bdf", "deep/er/S1.Bdf", "notes.txt", "S2.edf.bak")
        assert names(folder) == ["deep/er/S1.Bdf", "S2.bdf", "S10.EDF"]

    def test_hypnograms_are_no_recordings(self, make):
        assert names(make("SC4001EC-Hypnogram.edf", "a_hypnogram.EDF", "SC4001E0-PSG.edf")) == ["SC4001E0-PSG.edf"]

    def test_hidden_files_and_folders_are_left_alone(self, make):
        assert names(make(".git/a.edf", "._S1.edf", "S1.edf")) == ["S1.edf"]

    def test_results_folders_are_never_searched(self, make):
        folder = make("S1.edf", "swa-results/S1.edf", "out/S1.edf", "older/sub-1/S1.edf", "fmriprep/S2.edf")
        for name, generator in (("older", "swa"), ("fmriprep", "fMRIPrep")):
            description = {"Name": "x", "GeneratedBy": [{"Name": generator}]}
            (folder / name / "dataset_description.json").write_text(json.dumps(description))
        assert names(folder, folder / "out") == ["fmriprep/S2.edf", "S1.edf"]

    def test_strange_description_is_not_ours(self, make):
        folder = make("a/S1.edf")
        (folder / "a" / "dataset_description.json").write_text('["no", "object"]')
        assert names(folder) == ["a/S1.edf"]

    def test_bids_derivatives_are_left_out(self, make):
        folder = make("sub-1/eeg/sub-1_eeg.edf", "derivatives/x/sub-1_eeg.edf", "sourcedata/1.edf")
        (folder / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.8.0"}')
        assert names(folder) == ["sub-1/eeg/sub-1_eeg.edf"]

    def test_circle_of_links_ends(self, make):
        folder = make("a/S1.edf")
        try:
            (folder / "a" / "again").symlink_to(folder, target_is_directory=True)
        except OSError:
            pytest.skip("links need a permission here")
        assert names(folder) == ["a/S1.edf"]

    def test_single_file(self, make):
        study = plan(make("S1.edf", "S2.edf") / "S2.edf")
        assert list(study.nights["recording"]) == ["S2.edf"]

    @pytest.mark.parametrize("name", ["none.edf", "text.txt"])
    def test_wrong_path(self, make, name):
        with pytest.raises(StudyError, match=name):
            plan(make("text.txt") / name)

    def test_no_recording(self, make):
        with pytest.raises(StudyError, match="no recording") as error:
            plan(make("text.txt"))
        assert error.value.remedy

    def test_recordings_within_results(self, make):
        folder = make("S1.edf")
        with pytest.raises(StudyError, match="within the results folder"):
            plan(folder, results=folder)


class TestNames:
    def test_bids(self, make):
        folder = make(
            "sub-01/ses-baseline/eeg/sub-01_ses-baseline_task-sleep_eeg.edf",
            "sub-01/ses-ketamine/eeg/sub-01_ses-ketamine_task-sleep_eeg.edf",
        )
        study = plan(folder)
        assert study.source == "BIDS names"
        assert list(study.nights["subject"]) == ["01", "01"]
        assert list(study.nights["condition"]) == ["baseline", "ketamine"]
        assert list(study.nights["session_label"]) == ["baseline", "ketamine"]

    def test_bids_runs_are_sessions_of_their_own(self, make):
        study = plan(make("sub-1_ses-a_task-sleep_run-1_eeg.edf", "sub-1_ses-a_task-sleep_run-2_eeg.edf"))
        assert list(study.nights["session_label"]) == ["atasksleeprun1", "atasksleeprun2"]
        assert set(study.nights["condition"]) == {"a"}

    def test_subject_and_condition(self, make):
        study = plan(make("S_1_baseline.edf", "S_1_ketamine.edf", "S_2_baseline.edf", "S_2_ketamine.edf"))
        assert study.source == "SUBJECT_CONDITION names"
        assert list(study.nights["subject_label"]) == ["S1", "S1", "S2", "S2"]
        assert list(study.nights["condition"]) == ["baseline", "ketamine"] * 2
        assert "conditions: baseline (2), ketamine (2)" in study.notes
        assert not study.needs_template

    def test_one_spelling_of_a_condition(self, make):
        study = plan(make("S1_Placebo.edf", "S1_drug.edf", "S2_placebo.edf", "S2_drug.edf"))
        assert set(study.nights["condition"]) == {"Placebo", "drug"}

    @pytest.mark.parametrize("kind", ["raw", "eeg", "PSG"])
    def test_the_kind_of_a_file_behind_the_condition_is_none_of_its_name(self, make, kind):
        study = plan(make(f"S1_baseline_{kind}.edf", f"S1_ketamine_{kind}.edf"))
        assert study.nights["condition"].tolist() == ["baseline", "ketamine"]
        assert study.nights["subject"].tolist() == ["S1", "S1"]

    def test_one_subject_with_two_nights(self, make):
        assert plan(make("P_baseline.edf", "P_ketamine.edf")).source == "SUBJECT_CONDITION names"

    @pytest.mark.parametrize(
        "files",
        [
            ("S1_a.edf", "S1_b.edf", "S2_a.edf", "S2_b.edf"),  # no baseline word
            ("S1_baseline.edf", "S1_pre.edf", "S2_baseline.edf", "S2_pre.edf"),  # two of them
            ("S1_baseline.edf", "S2_baseline.edf", "S3_other.edf"),  # one file stays unexplained
            ("S1_baseline.edf", "S2_baseline.edf", "night.edf"),
            ("a/S1_baseline.edf", "b/S1_baseline.edf"),  # which of the two?
            ("S1_baseline.edf",),
        ],
    )
    def test_names_that_do_not_explain_every_file(self, make, files):
        study = plan(make(*files))
        assert study.source == "each recording a subject of its own"
        assert study.needs_template
        assert study.nights["subject"].is_unique
        assert set(study.nights["condition"]) == {"recording"}
        assert "study file" in study.notes[0]

    def test_baseline_is_a_setting(self, make):
        settings = Settings(comparison=ComparisonSettings(baseline=("sham",)))
        folder = make("S1_sham.edf", "S1_x.edf", "S2_sham.edf", "S2_x.edf")
        assert plan(folder, settings=settings).source == "SUBJECT_CONDITION names"

    def test_same_stem_in_two_folders_is_two_subjects(self, make):
        study = plan(make("a/night.edf", "b/night.edf", "b/night.bdf"))
        assert study.nights["subject"].is_unique
        assert study.nights["subject_label"].is_unique

    def test_collision_in_names_is_an_error(self, make):
        with pytest.raises(StudyError, match=r"s1_ketamine\.edf.*same in file names"):
            plan(make("S1_baseline.edf", "s1_ketamine.edf", "S2_baseline.edf", "S2_ketamine.edf"))


@given(st.lists(st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1), unique=True, min_size=1))
def test_own_subjects_always_have_distinct_labels(stems):
    rows = own_subjects([f"{stem}.edf" for stem in stems])
    assert rows["subject"].is_unique
    assert rows["subject_label"].str.lower().is_unique
    assert rows["subject_label"].str.fullmatch("[A-Za-z0-9]+").all()
    assert rows["subject_label"].str.len().max() <= LONGEST_LABEL


@pytest.mark.parametrize(
    ("text", "label"), [("007", "007"), ("sub-01", "01"), ("ses-a b", "ab"), ("Élise-2", "Elise2"), ("–", "")]
)
def test_file_label(text, label):
    assert file_label(text) == label


class TestStudyFile:
    HEADER = "subject\tcondition\trecording"

    @pytest.fixture
    def folder(self, make):
        return make("S1_b.edf", "S1_k.edf", "S2_b.edf", "S2_k.edf")

    def write(self, folder, *rows, header=HEADER, name="study.tsv"):
        (folder / name).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return folder / name

    def problems(self, folder):
        with pytest.raises(StudyError) as error:
            plan(folder)
        return str(error.value)

    def test_found_in_folder_and_read(self, folder):
        self.write(folder, "007\tbaseline\tS1_b.edf", "007\tketamine\tS1_k.edf")
        study = plan(folder)
        assert study.source == "study file study.tsv"
        assert list(study.nights.columns[: len(NIGHT_COLUMNS)]) == list(NIGHT_COLUMNS)
        assert list(study.nights["subject"]) == ["007", "007"]
        assert list(study.nights["session"]) == ["baseline", "ketamine"]
        assert study.nights["path"][0] == str(folder / "S1_b.edf")
        assert list(study.nights["problem"]) == ["", ""]
        assert any("S2_b.edf, S2_k.edf" in note for note in study.notes)

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    @pytest.mark.parametrize(("delimiter", "name"), [(";", "study.csv"), (",", "study.csv"), ("\t", "study.tsv")])
    def test_delimiters_and_encodings(self, folder, encoding, delimiter, name):
        text = "subject,condition,recording,arm\r\nÉ1,baseline,S1_b.edf,a\r\n".replace(",", delimiter)
        (folder / name).write_bytes(text.encode(encoding))
        nights = plan(folder).nights
        assert (nights["subject"][0], nights["subject_label"][0], nights["arm"][0]) == ("É1", "E1", "a")

    def test_quoted_cells_and_separator_line(self, folder):
        (folder / "study.csv").write_text('sep=;\nsubject;condition;recording\n1;"low; dose";S1_b.edf\n')
        assert list(plan(folder).nights["condition"]) == ["low; dose"]

    def test_excel(self, folder):
        openpyxl = pytest.importorskip("openpyxl")
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.append(["subject", "condition", "recording", "lights_off", "dose_start", "age"])
        sheet.append([7, "baseline", "S1_b.edf", pd.Timestamp("2024-03-01 23:15").time(), None, 31])
        sheet.append([7, "ketamine", "S1_k.edf", "23:05", pd.Timestamp("2024-03-02 09:30").to_pydatetime(), 31])
        sheet["A2"].number_format = sheet["A3"].number_format = "000"
        book.save(folder / "study.xlsx")
        nights = plan(folder).nights
        assert list(nights["subject"]) == ["007", "007"]
        assert list(nights["lights_off"]) == ["23:15:00", "23:05:00"]
        assert nights["dose_start"][1] == "2024-03-02T09:30:00"
        assert list(nights["age"]) == [31, 31]

    def test_broken_excel(self, folder):
        (folder / "study.xlsx").write_bytes(b"PK\x03\x04 no workbook")
        assert "Excel" in self.problems(folder)

    @pytest.mark.parametrize("content", ["", "\n\n", "subject\tcondition\trecording\n"])
    def test_empty(self, folder, content):
        (folder / "study.tsv").write_text(content)
        assert "study.tsv" in self.problems(folder)

    def test_first_of_several_with_a_note(self, folder):
        self.write(folder, "1\tbaseline\tS1_b.edf")
        self.write(folder, "2\tbaseline\tS2_b.edf", name="study.csv")
        study = plan(folder)
        assert list(study.nights["subject"]) == ["1"]
        assert "study.tsv is used, study.csv is not" in study.notes

    def test_every_problem_in_one_message(self, folder):
        header = "subject\tcondition\trecording\tlights_off\tdose_start\tphase\tadaptation\torder\tage"
        self.write(
            folder,
            "1\tbaseline\tS1_b.edf\t25:00\t2024-03-01\tpre\tyes\t1\t30",
            "\tketamine\tS1_k.edf\t23:15\t2024-03-01T09:00\tduring\tmaybe\tfirst\told",
            "2\t\t../other.edf",
            "3\tketamine\tS1_b.edf",
            header=header,
        )
        message = self.problems(folder)
        expected = [
            "row 2, lights_off: '25:00'", "row 2, dose_start: '2024-03-01'", "row 3, subject: empty",
            "row 3, phase: 'during'", "row 3, adaptation: 'maybe'", "row 3, order: 'first'", "row 3, age: 'old'",
            "row 4, condition: empty", "row 4, recording: '../other.edf' lies outside",
            "row 5, recording: 'S1_b.edf' is also the recording of row 2",
        ]  # fmt: skip
        assert [text for text in expected if text not in message] == []
        assert "10 problems" in message

    def test_missing_column_with_nearest_name(self, folder):
        self.write(folder, "1\tbaseline\tS1_b.edf", header="subject\tcondition\trecordings")
        assert "column 'recording' is missing (did you mean 'recordings'?)" in self.problems(folder)

    def test_columns_doubled_or_nameless(self, folder):
        self.write(folder, "1\tb\tS1_b.edf\t2\tx", header=f"{self.HEADER}\tSubject\t")
        message = self.problems(folder)
        assert "column 'subject' is there twice" in message
        assert "row 2: column 5 has a cell but no name" in message

    def test_columns_that_the_results_have_too_are_carried_apart(self, folder):
        names = ("note", "Verdict", "TST_min", "se", "swa", "infusion", "weight")
        cells = ("came late", "fine", "401", "93", "800", "2", "70")
        self.write(folder, "\t".join(("1", "b", "S1_b.edf", *cells)), header="\t".join((self.HEADER, *names)))
        study = plan(folder)
        carried = {str(name): study.nights[name].iloc[0] for name in study.nights if str(name).endswith(names)}
        assert carried == {
            "study_note": "came late", "study_Verdict": "fine", "study_TST_min": 401, "study_se": 93, "study_swa": 800,
            "infusion": 2, "weight": 70,
        }  # fmt: skip
        assert any("study_TST_min" in note for note in study.notes)

    def test_row_numbers_count_blank_lines(self, folder):
        self.write(folder, "", "1\tbaseline\tS1_b.edf", "", "\tketamine\tS1_k.edf")
        assert "row 5, subject: empty" in self.problems(folder)

    def test_column_names_forgive_case_and_spaces(self, folder):
        self.write(folder, "1\tbaseline\tS1_b.edf\t7:30", header="Subject \tCONDITION\trecording\tWake time")
        assert list(plan(folder).nights["wake_time"]) == ["07:30:00"]

    def test_similar_column_gets_a_note(self, folder):
        self.write(folder, "1\tbaseline\tS1_b.edf\t23:00", header=f"{self.HEADER}\tlights_of")
        assert "columns carried along unread: lights_of (did you mean 'lights_off'?)" in plan(folder).notes

    def test_missing_recording_concerns_its_row_alone(self, folder):
        self.write(folder, "1\tbaseline\tS1_b.edf", "1\tketamine\tS1_kk.edf")
        nights = plan(folder).nights
        assert list(nights["problem"]) == ["", "'S1_kk.edf' is not there (did you mean 'S1_k.edf'?)"]
        assert nights["path"][1] == ""

    def test_all_recordings_missing(self, folder):
        self.write(folder, "1\tbaseline\tno.edf")
        assert "none of its 1 recordings is there" in self.problems(folder)

    def test_file_elsewhere_resolves_against_itself_then_recordings(self, folder, tmp_path):
        (tmp_path / "plan").mkdir()
        (tmp_path / "plan" / "S1_b.edf").touch()
        file = self.write(tmp_path / "plan", "1\tbaseline\tS1_b.edf", "1\tketamine\tS1_k.edf")
        nights = plan(folder, file).nights
        assert list(nights["path"]) == [str(tmp_path / "plan" / "S1_b.edf"), str(folder / "S1_k.edf")]

    def test_absolute_path_inside_becomes_relative(self, folder):
        self.write(folder, f"1\tbaseline\t{folder / 'S1_b.edf'}")
        assert list(plan(folder).nights["recording"]) == ["S1_b.edf"]

    @pytest.mark.parametrize("path", ["/etc/hostname", "../../x.edf", "C:\\nights\\x.edf", "a/../../x.edf"])
    def test_paths_never_leave_both_folders(self, folder, path):
        if os.name == "nt" and path.startswith("/"):
            pytest.skip("not absolute here")
        self.write(folder, f"1\tbaseline\t{path}")
        assert "lies outside" in self.problems(folder)

    def test_backslashes_of_windows(self, make):
        folder = make("S1/b.edf")
        self.write(folder, "1\tbaseline\tS1\\b.edf")
        assert list(plan(folder).nights["recording"]) == ["S1/b.edf"]

    def test_hypnogram(self, make):
        folder = make("S1.edf", "S2.edf", "S1.csv")
        self.write(folder, "1\tb\tS1.edf\tS1.csv", "2\tb\tS2.edf\tS2.csv", header=f"{self.HEADER}\thypnogram")
        nights = plan(folder).nights
        assert list(nights["hypnogram"]) == [str(folder / "S1.csv"), ""]
        assert list(nights["problem"]) == ["", "hypnogram 'S2.csv' is not there"]

    def test_sessions_are_numbered_where_a_condition_repeats(self, folder):
        rows = ["1\tbaseline\tS1_b.edf\t", "1\tbaseline\tS1_k.edf\t", "1\tbaseline\tS2_b.edf\tbaseline2"]
        self.write(folder, *rows, header=f"{self.HEADER}\tsession")
        assert list(plan(folder).nights["session"]) == ["baseline", "baseline3", "baseline2"]

    def test_same_session_twice(self, folder):
        rows = ["1\tb\tS1_b.edf\tn 1", "1\tb\tS1_k.edf\tN1", "1\tb\tS2_b.edf\tn 1"]
        self.write(folder, *rows, header=f"{self.HEADER}\tsession")
        message = self.problems(folder)
        assert "row 3, session: 'N1' of subject '1' is also that of row 2, as 'n 1'" in message
        assert "row 4, session: 'n 1' of subject '1' is also that of row 2" in message

    def test_subjects_that_differ_by_case_alone(self, folder):
        self.write(folder, "P-1\tbaseline\tS1_b.edf", "p1\tketamine\tS1_k.edf")
        assert "row 3, subject: 'p1' and 'P-1' (row 2) are the same in file names" in self.problems(folder)

    def test_conditions_that_differ_by_case_or_spaces_are_one_with_a_note(self, folder):
        self.write(folder, "1\tKetamine\tS1_b.edf", "2\tketamine\tS1_k.edf", "3\tketamine \tS2_b.edf")
        study = plan(folder)
        assert list(study.nights["condition"]) == ["ketamine"] * 3
        assert "row 2, condition: 'Ketamine' is read as 'ketamine'" in study.notes

    @pytest.mark.parametrize(("subject", "condition"), [("Group", "b"), ("–", "b"), ("1", "+")])
    def test_names_that_cannot_be(self, folder, subject, condition):
        self.write(folder, f"{subject}\t{condition}\tS1_b.edf")
        assert "row 2" in self.problems(folder)

    def test_columns_are_carried_along_and_numbers_are_numbers(self, folder):
        header = f"{self.HEADER}\tserum_mg\tsite\torder\tadaptation\tphase\tcode"
        rows = ["1\tbaseline\tS1_b.edf\t0.85\tA\t1\tno\tPre\t01", "2\tbaseline\tS2_b.edf\tn/a\t2\t2\t\t\t02"]
        self.write(folder, *rows, header=header)
        nights = plan(folder).nights
        assert nights["serum_mg"][0] == 0.85
        assert pd.isna(nights["serum_mg"][1])
        assert list(nights["site"]) == ["A", "2"]
        assert list(nights["order"]) == [1, 2]
        assert list(nights["adaptation"]) == [False, False]
        assert list(nights["phase"]) == ["pre", ""]
        assert list(nights["code"]) == ["01", "02"]

    def test_numbers_as_names_stay_text(self, folder):
        header = f"{self.HEADER}\tsession\tgroup"
        self.write(folder, "1\t10\tS1_b.edf\t1\t2", "1\t20\tS1_k.edf\t2\t2", header=header)
        nights = plan(folder).nights
        text = ["subject", "session", "condition", "group", "subject_label", "session_label"]
        assert nights.loc[1, text].tolist() == ["1", "2", "20", "2", "1", "2"]

    def test_decimal_comma_with_semicolons(self, folder):
        (folder / "study.csv").write_text("subject;condition;recording;age\n1;baseline;S1_b.edf;31,5\n")
        assert plan(folder).nights["age"][0] == 31.5

    def test_dose_ends_after_it_starts(self, folder):
        header = f"{self.HEADER}\tdose_start\tdose_end"
        self.write(folder, "1\tb\tS1_b.edf\t2024-03-01T10:00\t2024-03-01T09:00", header=header)
        assert "row 2, dose_end" in self.problems(folder)

    def test_time_zone_is_refused(self, folder):
        self.write(folder, "1\tb\tS1_b.edf\t2024-03-01T10:00Z", header=f"{self.HEADER}\tdose_start")
        assert "row 2, dose_start" in self.problems(folder)

    def test_sex_is_f_or_m_or_empty(self, folder):
        rows = [f"{i}\tbaseline\t{name}\t{sex}" for i, (name, sex) in enumerate(
            [("S1_b.edf", "Female"), ("S1_k.edf", "m"), ("S2_b.edf", ""), ("S2_k.edf", "x")]
        )]  # fmt: skip
        self.write(folder, *rows, header=f"{self.HEADER}\tsex")
        message = self.problems(folder)
        assert "row 5, sex: 'x' is neither F nor M" in message
        assert "row 4" not in message

    def test_a_condition_that_may_be_misspelt_gets_a_note(self, folder):
        self.write(folder, "1\tketamine\tS1_b.edf", "2\tketamine\tS1_k.edf", "3\tketmine\tS2_b.edf")
        told = "condition 'ketmine' (1 night) may be 'ketamine' (2 nights) in another spelling: no subject has both"
        assert told in plan(folder).notes
        self.write(folder, "1\tdose1\tS1_b.edf", "2\tdose1\tS1_k.edf", "3\tdose2\tS2_b.edf")
        assert not [note for note in plan(folder).notes if "another spelling" in note]

    def test_recordings_and_study_file_need_nothing_in_common(self, folder, tmp_path):
        """On Windows they may lie on two drives; here, in two trees."""
        (tmp_path / "other" / "drive").mkdir(parents=True)
        rows = [f"1\tbaseline\t{folder / 'S1_b.edf'}", "1\tketamine\tS1_k.edf"]
        file = self.write(tmp_path / "other" / "drive", *rows)
        nights = plan(folder, file).nights
        assert list(nights["recording"]) == ["S1_b.edf", "S1_k.edf"]
        assert list(nights["path"]) == [str(folder / "S1_b.edf"), str(folder / "S1_k.edf")]

    @pytest.mark.parametrize("cell", ["=1+1", "+1", "-x", "@sum(A1)", "=cmd|' /C calc'!A0"])
    def test_no_cell_of_a_table_becomes_a_formula(self, folder, tmp_path, cell):
        self.write(folder, f"1\tbaseline\tS1_b.edf\t{cell}", header=f"{self.HEADER}\t{cell} note")
        write_table(plan(folder).nights, tmp_path / "nights.tsv")
        cells = [part for line in (tmp_path / "nights.tsv").read_text().splitlines() for part in line.split("\t")]
        assert not [part for part in cells if part[:1] in ("=", "+", "-", "@")]

    def test_no_baseline_gets_a_note(self, folder):
        self.write(folder, "1\tA\tS1_b.edf")
        (note,) = [note for note in plan(folder).notes if "no condition is a baseline" in note]
        assert "[comparison] and baseline = " in note
        assert "--settings FILE" in note

    def test_single_recording_of_a_study(self, folder):
        file = self.write(folder, "1\tbaseline\tS1_b.edf", "1\tketamine\tS1_k.edf")
        assert list(plan(folder / "S1_k.edf", file).nights["condition"]) == ["ketamine"]
        with pytest.raises(StudyError, match="no row names"):
            plan(folder / "S2_k.edf", file)

    @pytest.mark.parametrize("name", ["none.tsv", "study.xls"])
    def test_wrong_study_file(self, folder, name):
        with pytest.raises(StudyError, match=name):
            plan(folder, folder / name)

    @given(content=st.binary(max_size=200), name=st.sampled_from(["study.tsv", "study.csv", "study.xlsx"]))
    def test_any_bytes_give_a_plan_or_a_study_error(self, tmp_path_factory, content, name):
        folder = Path(tmp_path_factory.mktemp("fuzz"))
        (folder / "S1.edf").touch()
        (folder / name).write_bytes(b"subject,condition,recording\n" + content)
        try:
            study = plan(folder)
        except StudyError as error:
            assert error.problem
        else:
            assert len(study.nights)


class TestLabSheet:
    """Sheets as they lie in a lab: what can mean one thing is read and told, the rest asked about."""

    HEADER = "subject\tcondition\trecording"

    @pytest.fixture
    def folder(self, make):
        return make("S01_b.edf", "S01_k.edf", "S02_b.edf", "S02_k.edf", "S03_b.edf", "S03_k.edf")

    def read(self, folder, *rows, header=HEADER):
        (folder / "study.tsv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return plan(folder)

    def values(self, folder, column, *cells):
        """The column as it is read, and the notes that speak of it; a night for each cell."""
        files = sorted(path.name for path in folder.glob("*.edf"))
        rows = [f"{name[:3]}\t{name[4]}\t{name}\t{cell}" for name, cell in zip(files, cells, strict=False)]
        study = self.read(folder, *rows, header=f"{self.HEADER}\t{column}")
        return study.nights[column].tolist(), [note for note in study.notes if column in note]

    def test_an_empty_recording_is_a_missed_visit(self, folder):
        study = self.read(folder, "S01\tbaseline\tS01_b.edf", "S01\tketamine\t", "S02\tbaseline\tS02_b.edf")
        assert study.nights["recording"].tolist() == ["S01_b.edf", "S02_b.edf"]
        assert "row 3: S01 ketamine has no recording, a missed visit" in study.notes

    def test_no_recording_at_all_is_an_error(self, folder):
        with pytest.raises(StudyError, match="no row names a recording"):
            self.read(folder, "S01\tbaseline\t")

    def test_a_title_above_and_a_remark_below(self, folder):
        rows = ["", self.HEADER, "S01\tbaseline\tS01_b.edf", "", "S03 withdrew before the second night\t\t"]
        study = self.read(folder, *rows, header="Ketamine study, as of March\t\t")
        assert study.nights["recording"].tolist() == ["S01_b.edf"]
        assert "row 3 is the header; above it stands 'Ketamine study, as of March'" in study.notes
        assert any("row 6 names neither" in note and "S03 withdrew" in note for note in study.notes)

    def test_decimal_commas_are_read_and_told(self, folder):
        values, notes = self.values(folder, "serum_mg", "0,82", "0.85", "1,000")
        assert values == [0.82, 0.85, 1.0]
        assert notes[0] == "serum_mg: decimal commas (rows 2, 4), '0,82' is 0.82"

    def test_a_comma_that_may_part_thousands_is_asked_about(self, folder):
        values, notes = self.values(folder, "serum_mg", "1,234", "2,100", "3,000")
        assert values == ["1,234", "2,100", "3,000"]
        assert "could be 1.234 or 1234" in notes[0]

    def test_one_cell_that_is_no_number_does_not_take_its_column_along(self, folder):
        values, notes = self.values(folder, "serum_mg", "0,82", "<0,5", "0,91")
        assert values[::2] == [0.82, 0.91]
        assert pd.isna(values[1])
        assert "row 3, serum_mg: '<0,5' is no number and counts as missing" in notes

    @pytest.mark.parametrize(
        ("cells", "first"),
        [
            (["13.01.2024 10:00", "05.02.2024 10:00"], "2024-01-13T10:00:00"),
            (["13.1.24 10:00", "05.02.24 10:00 Uhr"], "2024-01-13T10:00:00"),
            (["1/13/2024 10:00 AM", "2/5/2024 10:00 PM"], "2024-01-13T10:00:00"),
            (["13/01/2024 10:00", "05/02/2024 10:00"], "2024-01-13T10:00:00"),
        ],
    )
    def test_german_and_american_dates(self, folder, cells, first):
        values, notes = self.values(folder, "dose_start", *cells)
        assert values[0] == first
        assert values[1].startswith("2024-02-05T")
        assert notes == [f"dose_start (rows 2, 3): {cells[0]!r} is read as {first}"]

    def test_a_tick_of_a_lab_marks_an_adaptation_night(self, folder):
        values, _ = self.values(folder, "adaptation", "x", "ja", "Nein", "-", "y")
        assert values == [True, True, False, False, True]

    def test_a_date_that_can_be_two_is_asked_about(self, folder):
        with pytest.raises(StudyError, match="could be 2024-02-01T10:00:00 or 2024-01-02T10:00:00"):
            self.values(folder, "dose_start", "01/02/2024 10:00", "03/02/2024 10:00")

    @pytest.mark.parametrize(
        ("cell", "clock"), [("11:15 PM", "23:15:00"), ("23h15", "23:15:00"), ("12:05 am", "00:05:00")]
    )
    def test_clocks_of_other_spellings(self, folder, cell, clock):
        assert self.values(folder, "lights_off", cell)[0] == [clock]

    @pytest.mark.parametrize(
        ("named", "hint"),
        [
            ("S02_kk.edf", "did you mean 'S02_k.edf'"),
            ("S2_k.edf", "did you mean 'S02_k.edf'"),
            ("S04_k.edf", ""),
            ("S02_bb.edf", ""),
        ],
    )
    def test_only_a_recording_that_can_be_meant_is_offered(self, folder, named, hint):
        """Never one of another subject, or of another row."""
        study = self.read(folder, "S02\tbaseline\tS02_b.edf", f"S02\tketamine\t{named}", "S01\tketamine\tS01_k.edf")
        problem = study.nights["problem"][1]
        assert (hint in problem) if hint else ("did you mean 'S02_k" in problem or "did you mean" not in problem)

    def test_words_of_another_subject_are_not_offered(self, make):
        folder = make("anna_base.edf", "hanna_base.edf", "hanna_ket.edf")
        rows = ["hanna\tbaseline\thanna_base.edf", "anna\tbaseline\tanna_base.edf", "anna\tketamine\tanna_ket.edf"]
        study = self.read(folder, *rows)
        assert study.nights["problem"][2] == "'anna_ket.edf' is not there"


def test_template_is_filled_in_and_read_back(make, tmp_path):
    folder = make("night one.edf", "=x.edf", "deep/night.edf")
    file = tmp_path / "results" / "study-template.tsv"
    file.parent.mkdir()
    write_template(plan(folder), file)
    assert "\t=x" not in file.read_text(encoding="utf-8")
    assert "\n=x" not in file.read_text(encoding="utf-8")
    with pytest.raises(StudyError, match="row 2, condition: empty"):
        plan(folder, file)
    table = pd.read_csv(file, sep="\t", dtype=str, keep_default_na=False)
    table.assign(condition=["baseline", "ketamine", "ketamine"]).to_csv(file, sep="\t", index=False)
    study = plan(folder, file)
    assert set(study.nights["recording"]) == {"night one.edf", "=x.edf", "deep/night.edf"}
    assert list(study.nights["problem"]) == [""] * 3


def test_a_template_that_was_filled_in_is_kept_and_told(make, tmp_path):
    folder = make("a.edf", "b.edf")
    file = tmp_path / "study-template.tsv"
    write_template(plan(folder), file)
    assert tell_template(plan(folder), file) == ""
    filled = file.read_bytes().replace(b"\t\t", b"\tketamine\t")
    file.write_bytes(filled)
    write_template(plan(folder), file)
    assert file.read_bytes() == filled
    assert f"{file} is kept as it is" in tell_template(plan(folder), file)


def test_an_untouched_template_follows_the_recordings_and_an_edited_one_does_not(make, tmp_path):
    folder, file = make("a.edf"), tmp_path / "study-template.tsv"
    write_template(plan(folder), file)
    make("b.edf")
    write_template(plan(folder), file)
    assert "b.edf" in file.read_text(encoding="utf-8")
    assert tell_template(plan(folder), file) == ""
    edited = file.read_text(encoding="utf-8").replace("a\t\ta.edf", "Anna\t\ta.edf")
    file.write_text(edited, encoding="utf-8")
    make("c.edf")
    write_template(plan(folder), file)
    assert file.read_text(encoding="utf-8") == edited


def test_a_dose_that_is_of_no_night_is_told(write_edf, tmp_path):
    start = datetime.datetime(2001, 1, 13, 22)
    doses = {
        "S1_a": "2026-03-02T10:00",
        "S2_a": "2001-01-13T10:00",
        "S3_a": "2001-01-10T10:00",
        "S4_a": "2001-01-15T10:00",
        "S5_a": "10:00",
    }
    for name in doses:
        write_edf(tmp_path / f"{name}.edf", {"C4-M1": np.arange(600.0) % 50}, start=start)
    rows = [f"{name[:2]}\t{name[3:]}\t{name}.edf\t{dose}\t" for name, dose in doses.items()]
    rows[3] += "pre"
    text = "\n".join(["subject\tcondition\trecording\tdose_start\tphase", *rows]) + "\n"
    (tmp_path / "study.tsv").write_text(text.replace("S5\ta\tS5_a.edf\t10:00", "S5\ta\tS5_a.edf\t"), encoding="utf-8")
    study = plan(tmp_path)
    assert note_doses(study.nights) == {0: "dose_start 2026-03-02 is 9179 days after the night of its recording."}
    told = problems_of_nights(study, {}, {}, lambda what, make, otherwise: make(), {})
    (row,) = told[told["problem"].str.startswith("dose_start")].to_dict("records")
    assert (row["subject"], row["step"]) == ("S1", "check")
    assert "date in the header" in row["remedy"]


def test_an_order_against_the_dates_of_the_headers_is_told(write_edf, tmp_path):
    days = {"S1_a": 1, "S1_b": 8, "S2_a": 8, "S2_b": 1, "S3_a": 1, "S3_b": 1, "S4_a": 900, "S4_b": 1}
    for name, day in days.items():
        start = datetime.datetime(2024, 1, 1, 22) + datetime.timedelta(days=day)
        write_edf(tmp_path / f"{name}.edf", {"C4-M1": np.arange(600.0) % 50}, start=start)
    rows = [f"{name[:2]}\t{name[3:]}\t{name}.edf\t{1 + (name[3:] == 'b')}" for name in days]
    file = tmp_path / "study.tsv"
    file.write_text("\n".join(["subject\tcondition\trecording\torder", *rows]) + "\n", encoding="utf-8")
    (told,) = [note for note in plan(tmp_path).notes if "dates in the headers" in note]
    assert told.startswith("order: against the dates in the headers of S2;")


# --- labels of a folder


def test_inspect_lists_the_labels_of_a_folder_with_what_they_are_taken_for(write_edf, tmp_path):
    from swa.settings import check_settings
    from swa.study.plan.inspection import inspect_study

    for name in ("S1_baseline.edf", "S1_drug.edf"):
        write_edf(tmp_path / name, dict.fromkeys(("EEG", "EEG(sec)", "SaO2"), np.arange(6000.0) % 50))
    names = {"EEG": "C4-A1", "EEG(sec)": "C3-A2", "EEG(sex)": "O1"}
    channels = {"names": names, "roles": {"SaO2": "ignore", "C9": "eeg"}, "units": {"EEG*": "uV"}}
    found = inspect_study(tmp_path, settings=check_settings({"channels": channels}))
    told = [(row["label"], row["channel"], row["role"], row["recordings"]) for row in found["labels"]]
    assert told == [("EEG", "C4-A1", "eeg", 2), ("EEG(sec)", "C3-A2", "eeg", 2), ("SaO2", "SaO2", "ignore", 2)]
    assert found["labels"][0]["note"] == "named in the settings; as recorded"
    assert found["notes"][:3] == [
        "channels.names: no recording has a label 'EEG(sex)' (did you mean 'EEG(sec)'?)",
        "channels.roles: no recording has a label 'C9'",
        "channels.units: no recording has a label 'EEG*' (did you mean 'EEG'?)",
    ]
