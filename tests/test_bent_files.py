"""Files that lie about themselves or change under the reader: told in a sentence, soon, and without filling memory."""

import gzip
import os
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from swa_cli import show

from swa.errors import RecordingError, ScoringError, SettingsError, StudyError
from swa.recordings.edf.header import read_header
from swa.recordings.recording import read_recording
from swa.settings import Settings, read_settings
from swa.sleep.formats import document
from swa.sleep.hypnogram import stages_of
from swa.sleep.scoring import read_hypnogram
from swa.study.plan import bids, study_file
from swa.study.plan.manifest import plan_study
from swa.study.plan.names import natural_key
from swa.study.plan.scoring_names import is_results
from swa.study.plan.study_file import read_study_file
from swa.study.run import night_work
from swa.study.run.night_task import NightTask

ROWS = [("subject", "condition", "recording"), ("S1", "baseline", "a.edf"), ("S1", "ketamine", "b.edf")]


@pytest.fixture
def edf(tmp_path, write_edf):
    """One minute of one channel."""
    return write_edf(tmp_path / "night.edf", {"C4-M1": np.random.default_rng(0).normal(0, 20, 6000)})


def put(path, offset, text):
    raw = bytearray(path.read_bytes())
    raw[offset : offset + 8] = text.ljust(8).encode()
    path.write_bytes(raw)


# --- sizes that a header states


@pytest.mark.parametrize("record_s", ["1e9", "1e300", "1e-300", "1e-310", "99999999", "5e-324"])
def test_a_record_duration_that_no_night_has_is_refused(edf, record_s):
    put(edf, 244, record_s)
    with pytest.raises(RecordingError):
        list(read_recording(edf).groups("eeg"))


@pytest.mark.parametrize("record_s", ["1e9", "1e300", "1e-310", "0", "-1"])
def test_a_scoring_asks_for_no_memory_that_its_header_speaks_of(edf, record_s):
    put(edf, 244, record_s)
    with pytest.raises(ScoringError):
        read_hypnogram(edf)


def test_what_is_packed_is_unpacked_up_to_a_limit(edf, tmp_path, monkeypatch):
    import gzip

    packed = tmp_path / "packed.edf.gz"
    packed.write_bytes(gzip.compress(edf.read_bytes() + bytes(5 * 2**20)))
    monkeypatch.setattr("swa.recordings.edf.packed.MOST_UNPACKED_BYTES", 2**20)
    with pytest.raises(RecordingError, match="unpacked"):
        read_header(packed)


# --- tables


@pytest.fixture
def workbook(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)

    def save(name, change=None):
        if change:
            change(book.active)
        book.save(tmp_path / name)
        return tmp_path / name

    return save


def test_a_cell_at_the_end_of_a_sheet_is_told(workbook):
    path = workbook("study.xlsx", lambda sheet: sheet.cell(1_048_576, 3, "x"))
    with pytest.raises(StudyError, match="beyond row 20,000"):
        read_study_file(path)


def test_a_workbook_that_is_damaged_locked_or_oddly_packed_is_told(workbook, tmp_path):
    raw = workbook("study.xlsx").read_bytes()
    rng = np.random.default_rng(0)
    for case in range(40):
        bent = bytearray(raw)
        place = bent.find(b"PK\1\2")
        if case < 2:  # locked, or packed in a way that nobody knows, by the flags of every part
            while place >= 0:
                bent[place + 8 + 2 * case] |= (1, 97)[case]
                place = bent.find(b"PK\1\2", place + 4)
        else:
            for at in rng.integers(0, len(raw), 20):
                bent[at] = rng.integers(0, 256)
        path = tmp_path / "bent.xlsx"
        path.write_bytes(bent)
        try:
            read_study_file(path)
        except StudyError as error:
            assert "bent.xlsx" in error.problem
        else:
            assert case >= 2


def test_a_small_workbook_that_unpacks_to_much_is_told(workbook, monkeypatch):
    monkeypatch.setattr("swa.study.plan.study_file.MOST_STUDY_BYTES", 200_000)
    path = workbook("study.xlsx")
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("big", "w", force_zip64=True) as part,
    ):
        part.write(bytes(2_100_000))
    with pytest.raises(StudyError, match="unpacked"):
        read_study_file(path)


def test_a_table_of_too_many_rows_or_bytes_is_told(tmp_path):
    path = tmp_path / "study.csv"
    path.write_text("subject,condition,recording\n" + "S,baseline,a\n" * 30_000)
    with pytest.raises(StudyError, match="beyond row 20,000"):
        read_study_file(path)
    path.write_bytes(bytes(21_000_000))
    with pytest.raises(StudyError, match="20 MB"):
        read_study_file(path)


def test_many_wrong_rows_are_told_by_the_first_ones(tmp_path, edf):
    (tmp_path / "study.csv").write_text(
        "subject,condition,recording\n" + "".join(f"S{i},,{i}.edf\n" for i in range(500))
    )
    with pytest.raises(StudyError) as told:
        plan_study(tmp_path, None, Settings())
    assert "500 problems" in told.value.problem
    assert "and 450 more" in told.value.problem


def test_rows_that_name_no_file_are_few_lines_on_the_terminal(capsys):
    names = [f"S{i}" for i in range(1000)]
    nights = pd.DataFrame({"subject": names, "session": "a", "status": "failed"})
    problems = pd.DataFrame({"subject": names, "session": "a", "step": "plan", "problem": "is not there", "remedy": ""})
    show.tell_failed(nights, problems)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == show.MOST_NAMED + 1
    assert "990 more rows" in lines[-1]


@pytest.mark.parametrize(
    "text",
    ["0.1,0.2,W\n" * 700_000, "W\n" * 200_000, "1," * 2_000_000, ("W," * 100 + "\n") * 10_000, "<a>" + "<b/>" * 10**6],
)
def test_a_large_text_is_no_scoring_and_refused_at_once(tmp_path, text):
    path = tmp_path / "text.csv"
    path.write_text(text)
    with pytest.raises(ScoringError, match="too much for a scoring"):
        read_hypnogram(path)


def test_a_json_of_brackets_is_refused(tmp_path):
    path = tmp_path / "stages.json"
    path.write_text("[" * 1_000_000)
    with pytest.raises(ScoringError, match="JSON"):
        read_hypnogram(path)


def test_a_damaged_workbook_ends_no_process(tmp_path, capfd):
    """Its compiled reader panics where the end is lost, and fills memory where a chain of sectors ends in itself."""
    pytest.importorskip("python_calamine")
    whole = gzip.decompress(Path(__file__).with_name("scored_night.xls.gz").read_bytes())
    first, table = (int.from_bytes(whole[at : at + 4], "little") for at in (48, 76))  # sector of the folder, of chains
    chained = bytearray(whole)
    place = 512 * (1 + table) + 4 * first
    chained[place : place + 4] = first.to_bytes(4, "little")
    for name, content in (("torn.xls", whole[:-1022]), ("chained.xls", bytes(chained)), ("study.xls", whole[:-1022])):
        path = tmp_path / name
        path.write_bytes(content)
        is_study = path.stem == "study"
        with pytest.raises(StudyError if is_study else ScoringError, match="not readable as a workbook"):
            (read_study_file if is_study else read_hypnogram)(path)
    assert capfd.readouterr().err == ""


def test_a_sheet_of_too_many_cells_is_told(tmp_path, monkeypatch):
    pytest.importorskip("python_calamine")
    content = gzip.decompress(Path(__file__).with_name("scored_night.xls.gz").read_bytes())
    for module, name, error in ((document, "a.xls", ScoringError), (study_file, "study.xls", StudyError)):
        (tmp_path / name).write_bytes(content)
        monkeypatch.setattr(module, "MOST_SHEET_CELLS", 50)
        with pytest.raises(error, match="cells"):
            (read_hypnogram if error is ScoringError else read_study_file)(tmp_path / name)


NESTED = "[" * 3000


@pytest.mark.parametrize("text", [f"a = {NESTED}", "a = " + "9" * 5000, "a = 1\n\0", "a = 2024-02-31"])
def test_settings_that_no_parser_holds_are_refused(tmp_path, text):
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match="not readable as TOML"):
        read_settings(path)


@pytest.mark.parametrize("text", [NESTED, '{"stage": ' + NESTED, "\0", "9" * 5000, "[]", '{"GeneratedBy": [1]}'])
def test_what_describes_others_may_be_damaged(tmp_path, text):
    for name in ("dataset_description.json", "n_events.json"):
        (tmp_path / name).write_text(text)
    assert bids.find_root(tmp_path) is None
    assert not is_results(tmp_path)
    rows = "".join(f"{30 * i}\t30\t{stage}\n" for i, stage in enumerate(["W", "N2", "N3"] * 5))
    (tmp_path / "n_events.tsv").write_text(f"onset\tduration\tstage\n{rows}")
    assert len(stages_of(read_hypnogram(tmp_path / "n_events.tsv"))) == 15


def test_a_quote_that_nothing_ends_is_no_fault(tmp_path):
    path = tmp_path / "scoring.csv"
    path.write_text('onset,stage\n0,W\n30,N2\n60,"' + "x" * 200_000 + "\n")
    with pytest.raises(ScoringError):
        stages_of(read_hypnogram(path))


def test_a_number_of_any_length_is_a_name(tmp_path, edf):
    digits = "9" * 5000
    path = tmp_path / "study.csv"
    start = "subject,condition,recording,age\nS2,a,night.edf,44\n"
    path.write_text(f"{start}S1,b,S{digits}.edf,44\n")
    problem = plan_study(tmp_path, path, Settings()).nights["problem"].iloc[1]
    assert "is not there" in problem
    assert len(problem) < 400
    path.write_text(f"{start}S{digits},b,night.edf,{digits}\n")
    with pytest.raises(StudyError, match="makes no name") as told:
        plan_study(tmp_path, path, Settings())
    assert len(str(told.value)) < 1000
    names = ["S10", "S2", "S02", f"S{digits}", "S1"]
    assert sorted(names, key=natural_key) == ["S1", "S02", "S2", "S10", f"S{digits}"]


# --- files that change


def test_a_recording_that_shrinks_while_it_is_read_is_told(edf):
    recording = read_recording(edf)
    os.truncate(edf, edf.stat().st_size // 2)
    with pytest.raises(RecordingError, match="changed while it was read"):
        list(recording.groups("eeg"))


@pytest.mark.parametrize("what", ["recording", "scoring"])
def test_a_file_that_changes_is_a_problem_of_its_night_and_read_again(edf, tmp_path, monkeypatch, what):
    scoring = tmp_path / "stages.csv"
    scoring.write_text("stage\nW\nN2\n")
    task = NightTask(
        subject="S1", session="a", condition="a", recording="night.edf", subject_label="S1", session_label="a",
        path=edf, hypnogram=scoring, results=tmp_path / "results", settings=Settings(),
    )  # fmt: skip
    touched = {"recording": edf, "scoring": scoring}[what]

    def change(*_, **__):
        touched.write_bytes(touched.read_bytes() + b"\n")
        raise ValueError("mmap length is greater than file size")

    monkeypatch.setattr(night_work, "analyze_night", change)
    outcome = night_work.process_night(task)
    assert (outcome.status, outcome.step) == ("failed", "read")
    assert "changed while it was read" in outcome.problem
    assert task.folder.document() is None
    assert not list(task.results.glob("fault-*"))


# --- names


def test_a_name_in_either_spelling_of_unicode_is_found(tmp_path, edf):
    name = "Schläfer_baseline.edf"
    edf.rename(tmp_path / unicodedata.normalize("NFD", name))
    (tmp_path / unicodedata.normalize("NFC", "Schläfer_baseline_stages.csv")).write_text("stage\nW\nN2\n")
    (tmp_path / "study.csv").write_text(
        f"subject,condition,recording\nS1,baseline,{unicodedata.normalize('NFC', name)}\n"
    )
    (night,) = plan_study(tmp_path, None, Settings()).nights.itertuples()
    assert not night.problem
    assert night.path.endswith(".edf")
    assert night.hypnogram.endswith("stages.csv")


def test_one_byte_behind_a_calibration_signal_refuses_no_file(tmp_path, write_edf):
    ramp = np.tile(np.linspace(-100, 100, 100), 60)  # each record begins where the last one did not end
    path = write_edf(tmp_path / "ramp.edf", {"C4-M1": ramp})
    path.write_bytes(path.read_bytes() + b"\x1a")
    recording = read_recording(path)
    assert recording.duration_s == 60
    assert any("1 byte behind" in note for note in recording.notes)


@pytest.mark.parametrize("mark", ["\x1b]0;owned\x07", "\x9b31m", "\x7f", "\r", "\u202e"])
def test_no_name_writes_to_the_terminal_but_as_text(tmp_path, capsys, write_edf, mark):
    from swa_cli.main import main

    name = f"S1{mark}_baseline.edf"
    write_edf(tmp_path / name, {"Pulse": np.zeros(6000)})
    for call in (["inspect", str(tmp_path)], ["inspect", str(tmp_path), "--json"], ["inspect", str(tmp_path / name)]):
        with pytest.raises(SystemExit):
            main(call)
    with pytest.raises(SystemExit):
        main(["run", str(tmp_path / f"{name}x"), "-o", str(tmp_path / "results")])
    captured = capsys.readouterr()
    assert mark[0] not in captured.out + captured.err
