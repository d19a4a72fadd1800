"""One night of a study: what makes it finished, what makes it fail, and where its times lie."""

import dataclasses
import datetime
import json
import warnings

import numpy as np
import pytest

from swa.night.analysis import analyze_night
from swa.settings import Settings, check_settings
from swa.study.plan.lights import clock_offset_s
from swa.study.run.attempts import count_attempts, mark_attempt
from swa.study.run.night_work import NightTask, process_night

LATE = datetime.datetime(2024, 3, 1, 22, 40)


# --- times --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "start", "seconds"),
    [
        ("23:00", LATE, 1200),
        ("23:00", LATE.replace(hour=23, minute=20), -1200),
        ("23:00:30", LATE, 1230),
        ("00:10", LATE, 5400),
        ("07:00", LATE, 8 * 3600 + 1200),
        ("12:30", LATE, 13 * 3600 + 3000),
        ("22:40", LATE, 0),
        ("23:50", datetime.datetime(2024, 3, 2, 0, 5), -900),
        ("00:00", datetime.datetime(2024, 3, 2, 0, 5), -300),
        ("18:00", datetime.datetime(2024, 3, 2, 0, 0), -6 * 3600),
        ("17:59", datetime.datetime(2024, 3, 2, 0, 0), 18 * 3600 - 60),
        ("2024-03-01T10:00", LATE, -(12 * 3600 + 2400)),
        ("2024-03-01 10:00:00", LATE, -(12 * 3600 + 2400)),
        ("2024-03-02T07:00", LATE, 8 * 3600 + 1200),
        ("2024-02-28T22:40", LATE, -2 * 86400),
        ("2024-03-01T10:00+01:00", LATE, -(12 * 3600 + 2400)),
    ],
)
def test_a_time_of_the_study_file_lies_where_it_should(text, start, seconds):
    assert clock_offset_s(text, start) == seconds


@pytest.mark.parametrize("text", ["bedtime", "25:00", "7", "2024-13-01T10:00"])
def test_what_is_no_time_is_an_error(text):
    with pytest.raises(ValueError, match=r"."):
        clock_offset_s(text, LATE)


# --- nights -------------------------------------------------------------------------------------------------------


@pytest.fixture
def task(tmp_path, write_edf, sleep_eeg, make_hypnogram):
    stages = "W*4 N2*20 N3*16 R*8"
    path = write_edf(tmp_path / "S01_a.edf", {"C4-M1": sleep_eeg(make_hypnogram(stages), 2)})
    scoring = tmp_path / "S01_a.csv"
    lines = [name for part in stages.split() for name in [part.split("*")[0]] * int(part.split("*")[1])]
    scoring.write_text("stage\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return NightTask(
        subject="S 01",
        session="a",
        condition="baseline",
        recording="S01_a.edf",
        subject_label="S01",
        session_label="a",
        path=path,
        hypnogram=scoring,
        results=tmp_path / "results",
        settings=Settings(),
    )


def change(task, **fields):
    return dataclasses.replace(task, **fields)


def settings_of(**groups):
    return check_settings(groups)


def test_a_night_is_processed_once(task):
    first = process_night(task)
    assert (first.status, first.fresh, first.problem) == ("done", True, "")
    written = {path: path.stat().st_mtime_ns for path in task.folder.path.iterdir()}
    assert process_night(task).fresh is False
    assert {path: path.stat().st_mtime_ns for path in task.folder.path.iterdir()} == written


def test_overwrite_processes_it_again(task):
    process_night(task)
    assert process_night(change(task, overwrite=True)).fresh


def test_two_processings_give_equal_tables(task, tmp_path):
    other = change(task, results=tmp_path / "other")
    process_night(task)
    process_night(other)
    for name in ("measures", "waves", "epochs", "spectra"):
        assert task.folder.read(name).equals(other.folder.read(name)), name


@pytest.mark.parametrize(
    "groups",
    [
        {"waves": {"name": "massimini2004"}},
        {"power": {"sigma_hz": [11.0, 12.9]}},
        {"artifacts": {"amplitude_uv": 400}},
        {"cycles": {"nrem_starts_with": "N1"}},
        {"windows": {"matched_min": 30}},
        {"signal": {"rate_hz": 128}},
        {"channels": {"units": {"C4-M1": "uV"}}},
        {"scoring": {"epoch_s": 20}},
    ],
)
def test_a_setting_that_changes_numbers_asks_for_the_night_again(task, groups):
    process_night(task)
    assert process_night(change(task, settings=settings_of(**groups))).fresh


def test_a_setting_of_the_comparison_does_not(task):
    process_night(task)
    settings = settings_of(comparison={"confidence": 0.9, "baseline": "placebo", "icc": 0.9})
    assert not process_night(change(task, settings=settings)).fresh


@pytest.mark.parametrize(
    "fields", [{"age": 30.0}, {"sex": "F"}, {"times": {"lights_off": "22:41"}}, {"condition": "ketamine"}], ids=str
)
def test_another_person_time_or_condition_asks_for_the_night_again(task, fields):
    process_night(task)
    assert process_night(change(task, **fields)).fresh


def test_another_recording_or_scoring_asks_for_the_night_again(task, write_edf):
    process_night(task)
    text = task.hypnogram.read_text(encoding="utf-8")
    task.hypnogram.write_text(text.replace("N3", "N2", 1), encoding="utf-8")
    assert process_night(task).fresh
    assert not process_night(task).fresh
    write_edf(task.path, {"C4-M1": np.random.default_rng(0).normal(0, 20, 144_000)})
    assert process_night(task).fresh


def test_a_recording_that_only_moved_is_finished(task, tmp_path):
    process_night(task)
    moved = tmp_path / "moved.edf"
    moved.write_bytes(task.path.read_bytes())
    assert not process_night(change(task, path=moved)).fresh


def test_a_changed_recording_of_the_same_size_and_time_is_found_by_verify(task):
    import os

    process_night(task)
    state = task.path.stat()
    data = bytearray(task.path.read_bytes())
    data[-1] ^= 1
    task.path.write_bytes(data)
    os.utime(task.path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert not process_night(task).fresh
    assert process_night(change(task, verify=True)).fresh


def test_times_become_offsets_of_the_night(task):
    times = {"lights_off": "22:42", "lights_on": "23:00", "dose_start": "2024-03-01T10:40"}
    assert process_night(change(task, times=times)).status == "done"
    summary = task.folder.document()["summary"]
    assert summary["dose_s"] == -12 * 3600
    assert summary["statistics"]["TIB"] == 18
    assert "dosehour-13" in set(task.folder.read("measures")["window"])


def test_an_undosed_night_has_the_windows_of_the_same_clock_hours(task):
    assert process_night(change(task, times={"dose_start": "2024-03-01T10:40"})).status == "done"
    dosed = task.folder.read("measures")
    task.folder.path.rename(task.results / "dosed")
    assert process_night(change(task, undosed_clock=datetime.time(10, 40))).status == "done"
    assert task.folder.read("measures").equals(dosed)
    assert "from 10:40" in task.folder.document()["provenance"]["notes"][0]


def test_times_are_not_used_where_the_recording_hides_its_start(task):
    data = bytearray(task.path.read_bytes())
    data[88:168] = b"Startdate X X X X".ljust(80)
    data[176:184] = b"00.00.00"  # with the date hidden, midnight hides the time as well
    task.path.write_bytes(data)
    assert process_night(change(task, times={"lights_off": "22:42"})).status == "done"
    assert "lights_off not used" in task.folder.document()["provenance"]["notes"][0]


def test_the_provenance_says_what_the_numbers_rest_on(task):
    process_night(task)
    found = task.folder.document()["provenance"]
    assert found["subject"] == "S 01"
    assert found["inputs"]["recording_size"] == task.path.stat().st_size
    assert found["versions"]["swa"]
    assert "antropy" not in found["versions"]  # the scoring was given
    assert len(found["settings_sha256"]) == 64
    assert found["settings"]["windows"]["matched_min"] == 60
    assert [channel["name"] for channel in found["channels"]] == ["C4-M1"]


# --- failures -----------------------------------------------------------------------------------------------------


def failed(task, step):
    outcome = process_night(task)
    assert (outcome.status, outcome.step) == ("failed", step)
    assert outcome.remedy
    assert not task.folder.is_finished("")
    return outcome.problem


def test_a_missing_recording_fails_at_reading(task, tmp_path):
    assert "gone.edf: there is no such file" in failed(change(task, path=tmp_path / "gone.edf"), "read")


def test_a_broken_recording_fails_at_reading(task):
    task.path.write_bytes(b"not an EDF")
    assert "not a readable EDF" in failed(task, "read")


def test_a_missing_scoring_fails_at_scoring(task, tmp_path):
    assert "no such scoring" in failed(change(task, hypnogram=tmp_path / "gone.csv"), "score")


def test_a_recording_that_cannot_be_staged_fails_at_staging(task, write_edf):
    write_edf(task.path, {"C4-M1": 20 * np.sin(np.arange(6000))})  # a flat one is refused while it is read
    assert "5 min" in failed(change(task, hypnogram=None), "stage")


def test_a_night_without_nrem_fails_at_measuring(task):
    task.hypnogram.write_text("stage\n" + "W\n" * 48, encoding="utf-8")
    assert "no NREM" in failed(task, "measure")


def test_a_time_that_is_none_fails_with_its_column(task):
    assert "lights_off is 'bedtime'" in failed(change(task, times={"lights_off": "bedtime"}), "measure")


def test_an_unforeseen_error_becomes_an_outcome(task, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("swa.study.run.night_work.analyze_night", fail)
    assert "ZeroDivisionError: oh" in failed(task, "measure")


def test_a_full_disk_becomes_an_outcome(task, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("swa.study.run.night_work.write_night", fail)
    assert "No space left" in failed(task, "write")


def test_a_failed_night_leaves_an_older_result_alone(task):
    process_night(task)
    before = task.folder.document()
    task.hypnogram.write_text("stage\nnonsense\n", encoding="utf-8")
    assert process_night(task).status == "failed"
    assert task.folder.document() == before


@pytest.mark.slow
def test_a_night_without_a_scoring_is_staged(task, shared_data):
    path = shared_data / "recordings" / "nap_10ch_256hz.edf"
    staged = change(task, path=path, hypnogram=None, age=25.0, sex="F")
    assert process_night(staged).status == "done"
    assert {"antropy", "lightgbm", "numba", "scikit-learn"} <= set(staged.folder.document()["provenance"]["versions"])
    assert "demographics" in staged.folder.document()["summary"]["staging_source"]
    assert staged.folder.read("hypnogram")["confidence"].between(0.2, 1).all()


# --- attempts -----------------------------------------------------------------------------------------------------


def test_a_night_that_left_two_marks_of_this_run_is_given_up(task):
    task = change(task, run="abc")
    died = [mark_attempt(task.results, task.name, "abc") for _ in range(2)]
    for attempt in died:
        attempt.__enter__()
    outcome = process_night(task)
    assert (outcome.status, outcome.fresh) == ("failed", True)
    assert "died 2 times" in outcome.problem
    assert process_night(change(task, run="another")).status == "done"  # marks of another run say nothing


def test_the_log_says_what_was_done_in_order_and_where_a_library_warned(task, monkeypatch):
    def analyze(*args, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("patient Jane Doe", RuntimeWarning, stacklevel=1)
        return analyze_night(*args, **options)

    monkeypatch.setattr("swa.study.run.night_work.analyze_night", analyze)
    process_night(task)
    path = task.results / ".swa-work" / "logs" / f"{task.name}.json"
    lines = [line.partition(" ")[2] for line in json.loads(path.read_text(encoding="utf-8"))["log"]]
    steps = [line for line in lines if not line.startswith(("note", "warning"))]
    assert steps == ["read S01_a.edf", "score by S01_a.csv", "measure", "write", "done"]
    assert not any("Jane" in line for line in lines)
    assert any(line.startswith("warning: RuntimeWarning at test_nights.py") for line in lines)


def test_a_night_that_ends_leaves_no_mark(task):
    task = change(task, run="abc")
    assert process_night(task).status == "done"
    assert count_attempts(task.results, task.name, "abc") == 0
