"""A BIDS data set: subjects, sessions, conditions, people and channels, as its tables tell them."""

import json

import numpy as np
import pandas as pd
import pytest

from swa.recordings.recording import read_recording
from swa.settings import ChannelSettings, Settings
from swa.study.plan.bids import channel_settings, find_root
from swa.study.plan.manifest import plan_study

PARTICIPANTS = (
    "participant_id\tage\tsex\thandedness\tgroup\nsub-01\t31\tfemale\tR\tpatient\nsub-02\t89+\tM\tn/a\tcontrol\n"
)
SESSIONS = "session_id\tcondition\torder\tmadrs\nses-1\t{}\t1\t24\nses-2\t{}\t2\tn/a\n"
CHANNELS = "name\ttype\tunits\tstatus\nC3\tEEG\tµV\tgood\nC4\tEEG\tµV\tbad\nM1\tEEG\tµV\tgood\nM2\tEEG\tmV\tgood\n"
SCORING = "onset\tduration\ttrial_type\n0\t30\tSleep stage W\n30\t60\tSleep stage N2\n"


@pytest.fixture
def dataset(tmp_path, write_edf):
    """Two subjects with two sessions each, of a minute; the unit is missing in the headers."""
    root = tmp_path / "bids"
    root.mkdir()
    (root / "dataset_description.json").write_text(json.dumps({"Name": "x", "BIDSVersion": "1.9.0"}))
    (root / "participants.tsv").write_text(PARTICIPANTS)
    for subject, order in (("01", ("placebo", "ketamine")), ("02", ("ketamine", "placebo"))):
        (root / f"sub-{subject}").mkdir()
        (root / f"sub-{subject}" / f"sub-{subject}_sessions.tsv").write_text(SESSIONS.format(*order))
        for session in ("1", "2"):
            folder = root / f"sub-{subject}" / f"ses-{session}" / "eeg"
            folder.mkdir(parents=True)
            stem = f"sub-{subject}_ses-{session}_task-sleep"
            signals = {label: np.sin(np.arange(6000) / 9) for label in ("C3", "C4", "M1", "M2")}
            units = {"C3": "", "C4": "", "M1": "", "M2": "uV"}
            write_edf(folder / f"{stem}_eeg.edf", signals, unit=units)
            (folder / f"{stem}_channels.tsv").write_text(CHANNELS, encoding="utf-8")
    (folder / f"{stem}_events.tsv").write_text(SCORING)
    return root


def plan(root):
    return plan_study(root, None, Settings())


def test_subjects_sessions_conditions_people(dataset):
    study = plan(dataset)
    nights = study.nights
    assert study.source == "BIDS names"
    assert nights["subject"].tolist() == ["01", "01", "02", "02"]
    assert nights["session"].tolist() == ["1", "2", "1", "2"]
    assert nights["condition"].tolist() == ["placebo", "ketamine", "ketamine", "placebo"]
    assert nights["age"].tolist() == [31, 31, 89, 89]
    assert nights["sex"].tolist() == ["F", "F", "M", "M"]
    assert nights["group"].tolist() == ["patient", "patient", "control", "control"]
    assert nights["order"].tolist() == [1, 2, 1, 2]
    assert nights["madrs"].isna().tolist() == [False, True, False, True]
    assert nights["handedness"].tolist() == ["R", "R", "", ""]
    assert list(nights["problem"]) == [""] * 4
    assert "conditions: ketamine (2), placebo (2)" in study.notes


def test_stages_in_events_are_the_scoring(dataset):
    hypnograms = plan(dataset).nights["hypnogram"]
    assert [path.rpartition("bids")[2].replace("\\", "/") for path in hypnograms] == [
        "", "", "", "/sub-02/ses-2/eeg/sub-02_ses-2_task-sleep_events.tsv",
    ]  # fmt: skip


def test_one_subject_of_a_data_set_knows_its_tables(dataset):
    nights = plan(dataset / "sub-02").nights
    assert nights["condition"].tolist() == ["ketamine", "placebo"]
    assert nights["age"].tolist() == [89, 89]


@pytest.mark.parametrize("name", ["participants.tsv", "sub-01/sub-01_sessions.tsv"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b"a\tb\n1\t2\t3\n", b"participant_id\n"])
def test_without_a_table_the_names_tell_what_they_can(dataset, name, content):
    (dataset / name).unlink()
    if content is not None:
        (dataset / name).write_bytes(content)
    nights = plan(dataset).nights
    assert nights["subject"].tolist() == ["01", "01", "02", "02"]
    if "sessions" in name:
        assert nights["condition"].tolist() == ["1", "2", "ketamine", "placebo"]


def test_treatment_names_the_condition_in_one_spelling(dataset):
    for subject in ("01", "02"):
        path = dataset / f"sub-{subject}" / f"sub-{subject}_sessions.tsv"
        text = path.read_text().replace("condition", "treatment")
        path.write_text(text.replace("ketamine", "KETAMINE") if subject == "02" else text)
    assert plan(dataset).nights["condition"].tolist() == ["placebo", "ketamine", "ketamine", "placebo"]


def test_a_column_that_means_something_else_is_left_out_with_a_note(dataset):
    (dataset / "participants.tsv").write_text(
        "participant_id\tage\torder\tverdict\nsub-01\told\tAB\tx\nsub-02\t30\tBA\tx\n"
    )
    for subject in ("01", "02"):
        (dataset / f"sub-{subject}" / f"sub-{subject}_sessions.tsv").unlink()
    study = plan(dataset)
    assert not {"age", "order", "verdict"} & set(study.nights)
    assert any("'age'" in note and "'old'" in note for note in study.notes)
    assert any("'order'" in note and "(3 more)" in note for note in study.notes)


def test_other_data_of_the_set_are_left_out_with_a_note(dataset):
    for name in (
        "sub-01/ses-1/ieeg/sub-01_ses-1_task-sleep_ieeg.edf",
        "sub-01/ses-1/eeg/sub-01_ses-1_task-nap_eeg.cnt",
    ):
        (dataset / name).parent.mkdir(exist_ok=True)
        (dataset / name).touch()
    study = plan(dataset)
    assert len(study.nights) == 4
    assert any("1 files of the BIDS data set are left out" in note for note in study.notes)
    assert any("task-nap_eeg.cnt" in note for note in study.notes)


def test_a_study_file_has_the_last_word(dataset):
    (dataset / "study.tsv").write_text(
        "subject\tcondition\trecording\nA\tbaseline\tsub-01/ses-1/eeg/sub-01_ses-1_task-sleep_eeg.edf\n"
    )
    study = plan(dataset)
    assert study.nights["subject"].tolist() == ["A"]
    assert "age" not in study.nights


# --- channels


@pytest.fixture
def recording(dataset):
    return dataset / "sub-01" / "ses-1" / "eeg" / "sub-01_ses-1_task-sleep_eeg.edf"


def test_bad_channels_are_left_alone_and_missing_units_filled(recording):
    settings = channel_settings(recording, Settings())
    assert settings.channels.roles == {"C4": "ignore"}
    assert settings.channels.units == {"C3": "uV", "C4": "uV", "M1": "uV"}
    channels = read_recording(recording, settings).of_role("eeg")
    assert [channel.name for channel in channels] == ["C3-M2"]
    assert [channel.unit for channel in channels] == ["uV"]


def test_what_the_header_knows_and_what_the_settings_say_stay(recording):
    own = Settings(channels=ChannelSettings(roles={"C4": "eeg"}, units={"C3": "mV"}))
    settings = channel_settings(recording, own)
    assert settings.channels.roles == {"C4": "eeg"}
    assert settings.channels.units == {"C3": "mV", "C4": "uV", "M1": "uV"}


def test_the_most_specific_table_of_channels_counts(dataset, recording):
    (recording.parent / "sub-01_ses-1_task-sleep_channels.tsv").unlink()
    (dataset / "task-sleep_channels.tsv").write_text("name\tstatus\nM1\tbad\n")
    (dataset / "task-nap_channels.tsv").write_text("name\tstatus\nM2\tbad\n")
    assert channel_settings(recording, Settings()).channels.roles == {"M1": "ignore"}
    (dataset / "sub-01" / "sub-01_task-sleep_channels.tsv").write_text("name\tstatus\nC3\tbad\n")
    assert channel_settings(recording, Settings()).channels.roles == {"C3": "ignore"}


def test_without_a_table_or_outside_a_data_set_settings_stay(recording, tmp_path, write_edf):
    (recording.parent / "sub-01_ses-1_task-sleep_channels.tsv").unlink()
    settings = Settings()
    assert channel_settings(recording, settings) is settings
    other = write_edf(tmp_path / "night.edf", {"C3": np.sin(np.arange(6000))})
    assert channel_settings(other, settings) is settings
    assert find_root(tmp_path) is None


def test_a_damaged_recording_is_told_when_it_is_read(recording):
    recording.write_bytes(b"0       ")
    settings = Settings()
    assert channel_settings(recording, settings) is settings


def test_ages_of_a_longitudinal_study_stand_in_its_sessions(dataset):
    path = dataset / "sub-01" / "sub-01_sessions.tsv"
    path.write_text("session_id\tage\tcondition\nses-1\t31\tplacebo\nses-2\t33\tketamine\n")
    ages = plan(dataset).nights["age"]
    assert ages.tolist()[:2] == [31, 33]
    assert pd.api.types.is_numeric_dtype(ages)


def folder_of(root, *names):
    (root / "dataset_description.json").write_text(json.dumps({"Name": "x", "BIDSVersion": "1.9.0"}))
    for name in names:
        (root / f"{name}_eeg.edf").touch()
    return root


@pytest.mark.parametrize(
    ("names", "conditions"),
    [
        (["sub-1_ses-a_task-sleep", "sub-1_ses-b_task-sleep"], ["a", "b"]),
        (["sub-1_task-placebo", "sub-1_task-ketamine"], ["ketamine", "placebo"]),
        (["sub-1_ses-1_acq-pre", "sub-1_ses-1_acq-post"], ["post", "pre"]),
        (["sub-1_ses-1_task-placebo", "sub-1_ses-2_task-ketamine"], ["placebo", "ketamine"]),
        (["sub-1_task-sleep", "sub-2_task-nap"], ["recording", "recording"]),
    ],
)
def test_the_condition_stands_behind_the_entity_that_differs_or_has_the_baseline(tmp_path, names, conditions):
    study = plan(folder_of(tmp_path, *names))
    assert study.nights["condition"].tolist() == conditions
    assert study.nights.groupby("subject")["session_label"].nunique().sum() == len(names)
    assert not any("could stand behind" in note for note in study.notes)


def test_a_condition_that_could_stand_behind_either_of_two_entities_is_asked_about(tmp_path):
    study = plan(folder_of(tmp_path, *(f"sub-1_ses-{ses}_acq-{acq}" for ses in "12" for acq in ("ear", "PSG"))))
    assert set(study.nights["condition"]) == {"recording"}
    assert study.nights["session_label"].is_unique
    (asked,) = [note for note in study.notes if "could stand behind" in note]
    assert asked.startswith("the condition could stand behind ses- (1, 2) or acq- (ear, PSG), so nights cannot be")
    assert study.needs_template


def test_a_condition_of_the_tables_may_hold_any_character(dataset):
    for subject in ("01", "02"):
        path = dataset / f"sub-{subject}" / f"sub-{subject}_sessions.tsv"
        path.write_text(path.read_text().replace("ketamine", "ketamine: 0.5 mg/kg | iv"))
    assert set(plan(dataset).nights["condition"]) == {"placebo", "ketamine: 0.5 mg/kg | iv"}


def test_columns_that_the_results_have_too_are_carried_apart(dataset):
    people = "participant_id\tage\tnote\tTST_min\nsub-01\t31\tcame late\t401\nsub-02\t40\tn/a\t388\n"
    (dataset / "participants.tsv").write_text(people)
    nights = plan(dataset).nights
    assert nights["study_note"].tolist() == ["came late", "came late", "", ""]
    assert nights["study_tst_min"].tolist() == [401, 401, 388, 388]
