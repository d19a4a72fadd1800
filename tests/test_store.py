"""The results folder: written whole or not at all, recognised when finished, harmless to spreadsheets."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from swa.errors import StudyError
from swa.settings import Settings
from swa.study import store
from swa.study.run.night_files import write_night
from swa.study.store import NightFolder, describe_results, read_results
from swa.tables import files
from swa.tables.files import read_rows, read_table, write_table, write_text


@pytest.fixture
def folder(tmp_path, night):
    folder = NightFolder(tmp_path, "S01", "baseline")
    write_night(folder, night, "abc", {"inputs": {"recording_size": 7}})
    return folder


# --- one night ----------------------------------------------------------------------------------------------------


def test_a_night_that_was_written_is_finished_for_the_same_inputs_alone(folder):
    assert folder.is_finished("abc")
    assert not folder.is_finished("abd")
    assert not NightFolder(folder.results, "S01", "ketamine").is_finished("abc")


def test_files_stand_where_bids_derivatives_have_them(folder):
    assert folder.path == folder.results / "sub-S01" / "ses-baseline" / "eeg"
    names = {path.name for path in folder.path.iterdir()}
    stem = "sub-S01_ses-baseline_task-sleep_desc-"
    assert {f"{stem}slowwaves_events.parquet", f"{stem}hypnogram_events.tsv", f"{stem}swa_timeseries.tsv"} <= names
    assert {f"{stem}spectra.parquet", f"{stem}night.json"} <= names
    assert len(names) == len(store.NIGHT_TABLES) + 1  # no temporary file is left


@pytest.mark.parametrize("ending", [*store.NIGHT_TABLES.values(), "desc-night.json"])
def test_a_night_with_a_missing_file_is_not_finished(folder, ending):
    folder.file(ending).unlink()
    assert not folder.is_finished("abc")


@pytest.mark.parametrize("ending", store.NIGHT_TABLES.values())
def test_a_night_with_a_flipped_byte_is_not_finished(folder, ending):
    data = bytearray(folder.file(ending).read_bytes())
    data[len(data) // 2] ^= 1
    folder.file(ending).write_bytes(data)
    assert not folder.is_finished("abc")


def test_a_byte_flipped_without_a_trace_is_found_by_verify(folder):
    path = folder.file("desc-measures.parquet")
    later = folder.file("desc-night.json").stat().st_mtime_ns - 10**9
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(later, later))
    assert folder.is_finished("abc")  # its size and time say that it was not touched
    assert not folder.is_finished("abc", verify=True)


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{}", b'{"fingerprint": "abc"}', b"\xff\xfe", b'{"finger'])
def test_a_damaged_summary_is_an_unfinished_night(folder, content):
    folder.file("desc-night.json").write_bytes(content)
    assert folder.document() is None
    assert not folder.is_finished("abc")


@pytest.mark.parametrize("written", range(len(store.NIGHT_TABLES) + 1))
def test_a_night_killed_between_two_files_is_not_finished(tmp_path, night, monkeypatch, written):
    folder = NightFolder(tmp_path, "S01", "baseline")
    replace, done = os.replace, []

    def die(source, target):
        if len(done) == written:
            raise KeyboardInterrupt
        done.append(target)
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        write_night(folder, night, "abc", {})
    assert not folder.is_finished("abc")
    assert not [path for path in folder.path.iterdir() if path.name.endswith(".tmp")]


def test_a_finished_night_killed_while_it_is_written_again_is_neither_the_old_nor_the_new(folder, night, monkeypatch):
    monkeypatch.setattr(files.os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_night(folder, night, "new", {})
    assert folder.document() is None


def test_a_night_that_is_written_again_is_finished_for_the_new_inputs(folder, night):
    write_night(folder, night, "new", {})
    assert folder.is_finished("new")
    assert not folder.is_finished("abc")


def test_two_writings_give_equal_bytes(folder, night, tmp_path):
    other = NightFolder(tmp_path / "other", "S01", "baseline")
    write_night(other, night, "abc", {"inputs": {"recording_size": 7}})
    for ending in (*store.NIGHT_TABLES.values(), "desc-night.json"):
        assert folder.file(ending).read_bytes() == other.file(ending).read_bytes(), ending


def test_measures_come_back_as_they_were(folder, night):
    pd.testing.assert_frame_equal(folder.read("measures"), night.measures)


def test_waves_of_n2_and_n3_come_back(folder, night):
    table = night.waves.table
    nrem = table[table["stage"].isin(["N2", "N3"])].reset_index(drop=True)
    stored = folder.read("waves")
    np.testing.assert_array_equal(stored["start_s"], nrem["start_s"])
    np.testing.assert_allclose(stored["slope_up_uv_s"], nrem["slope_up_uv_s"], rtol=1e-6)
    assert stored["slope_up_uv_s"].dtype == np.float32
    assert stored["channel"].tolist() == nrem["channel"].tolist()


def test_the_other_tables_come_back(folder, night):
    hypnogram = folder.read("hypnogram")
    assert hypnogram.columns.tolist() == ["onset", "duration", "stage", "confidence"]
    assert len(hypnogram) == len(night.hypnogram)
    assert (hypnogram["duration"] == 30).all()
    pd.testing.assert_frame_equal(folder.read("epochs"), night.epochs, rtol=1e-5, check_dtype=False)
    pd.testing.assert_frame_equal(folder.read("cycles"), night.cycles, check_dtype=False)
    assert len(folder.read("spectra")) == len(night.spectra)
    assert folder.document()["summary"]["channels"] == night.summary["channels"]


def test_every_column_of_a_night_is_described_once_at_the_root(folder):
    describe_results(folder.results, Settings())
    for ending in ("slowwaves_events.parquet", "hypnogram_events.tsv", "swa_timeseries.tsv", "spectra.parquet"):
        name = f"task-sleep_desc-{ending}"
        described = json.loads((folder.results / name).with_suffix(".json").read_text(encoding="utf-8"))
        path = folder.file(f"desc-{ending}")
        columns = (pd.read_parquet(path) if path.suffix == ".parquet" else read_table(path)).columns
        assert set(described) <= {*columns, "*"}
        assert set(columns) <= set(described) or "*" in described


# --- tables -------------------------------------------------------------------------------------------------------

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r\n"), max_size=12)


@hypothesis_settings(max_examples=60)
@given(st.lists(st.tuples(WORDS, st.one_of(st.floats(allow_nan=True, allow_infinity=False), st.integers(-9, 9)))))
def test_any_table_comes_back_from_tsv(tmp_path_factory, rows):
    table = pd.DataFrame(rows, columns=["subject", "value"]).astype({"value": float})
    table["subject"] = ["x" if text == "n/a" else text for text in table["subject"]]
    path = tmp_path_factory.mktemp("tsv") / "table.tsv"
    write_table(table, path)
    found = read_table(path)
    assert found["subject"].tolist() == table["subject"].tolist()
    np.testing.assert_allclose(found["value"].astype(float), table["value"])


@pytest.mark.parametrize("cell", ['=HYPERLINK("http://x")', "+cmd|'/C calc'!A0", "@SUM(1)", "-x", "\tx", "'=1"])
def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless_and_comes_back(tmp_path, cell):
    path = tmp_path / "table.tsv"
    write_table(pd.DataFrame({"subject": [cell], cell: ["x"]}), path)
    header, row = pd.read_csv(path, sep="\t", header=None, dtype=str, keep_default_na=False).to_numpy().tolist()
    assert row[0] == header[1] == "'" + cell
    found = read_table(path)
    assert found["subject"].tolist() == [cell]
    assert found.columns.tolist() == ["subject", cell]


def test_negative_numbers_stay_numbers(tmp_path):
    path = tmp_path / "table.tsv"
    write_table(pd.DataFrame({"a": [-1.5, np.nan], "b": ["-2", "-2e3"]}), path)
    assert path.read_text(encoding="utf-8") == "a\tb\n-1.5\t-2\nn/a\t-2e3\n"


@pytest.mark.parametrize("column", ["subject", "session", "condition", "subject_label", "session_label", "channel"])
def test_names_that_look_like_numbers_stay_as_they_are(tmp_path, column):
    write_table(pd.DataFrame({column: ["01", "1e3", "NA"]}), tmp_path / "table.tsv")
    assert read_table(tmp_path / "table.tsv")[column].tolist() == ["01", "1e3", "NA"]


def test_an_empty_table_keeps_its_columns(tmp_path):
    for name in ("table.tsv", "table.parquet"):
        write_table(pd.DataFrame(columns=["subject", "value"]), tmp_path / name)
    assert read_table(tmp_path / "table.tsv").columns.tolist() == ["subject", "value"]
    assert pd.read_parquet(tmp_path / "table.parquet").columns.tolist() == ["subject", "value"]


def test_text_is_utf_8_with_unix_line_ends(tmp_path):
    write_text("µV²\nä\n", tmp_path / "a" / "b.txt")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "µV²\nä\n".encode()


def test_a_failed_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_text("old", path)
    monkeypatch.setattr(files.os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_text("new", path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


# --- results ------------------------------------------------------------------------------------------------------


def test_results_are_read_table_by_table(tmp_path):
    write_table(pd.DataFrame({"subject": ["01"], "status": ["done"]}), tmp_path / "nights.tsv")
    write_table(pd.DataFrame({"measure": ["swa"], "value": [1.5]}), tmp_path / "measures.parquet")
    results = read_results(str(tmp_path))
    assert results.nights["subject"].tolist() == ["01"]
    assert results.measures["value"].tolist() == [1.5]
    assert results.night("01", "b").path == tmp_path / "sub-01" / "ses-b" / "eeg"


def test_results_are_read_without_the_analysis(folder):
    write_table(pd.DataFrame({"subject": ["S01"], "status": ["done"]}), folder.results / "nights.tsv")
    write_table(pd.DataFrame({"measure": ["swa"], "value": [1.5]}), folder.results / "measures.parquet")
    code = (
        "import sys, swa\n"
        "found = swa.read_results(sys.argv[1])\n"
        "found.nights, found.measures, found.measure_names()\n"
        "night = found.night('S01', 'baseline')\n"
        "night.summary(), night.read('epochs'), night.read('waves')\n"
        "print(*sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code, folder.results], capture_output=True, text=True, check=True)
    loaded = told.stdout.split()
    assert "swa.study.store" in loaded
    analysis = ("swa.night", "swa.measures", "swa.sleep", "swa.recordings.recording", "scipy", "yasa", "mne")
    assert not [name for name in loaded if name.startswith(analysis)]


def test_a_folder_without_results_is_an_error(tmp_path):
    with pytest.raises(StudyError, match="no results here"):
        read_results(tmp_path)


def test_rows_are_read_by_their_texts_as_pandas_reads_them(tmp_path):
    table = pd.DataFrame(
        {
            "channel": pd.Series(["C4-M1", "F3-M2", "C4-M1", "C4-M1"], dtype="str"),
            "window": pd.Categorical(["night", "night", None, "cycle-1"]),
            "value": [1.0, 2.0, np.nan, np.nan],
            "n": [1, 2, 3, 4],
        }
    )
    write_table(table, tmp_path / "rows.parquet")

    own = read_rows(tmp_path / "rows.parquet", channel=["C4-M1"], window=["night", "cycle-1"])
    few = read_rows(tmp_path / "rows.parquet", ["channel", "value"], channel=["O1-M2"])

    filters = [("channel", "in", ["C4-M1"]), ("window", "in", ["night", "cycle-1"])]
    pd.testing.assert_frame_equal(own, pd.read_parquet(tmp_path / "rows.parquet", filters=filters))
    assert own["n"].tolist() == [1, 4]
    assert few.columns.tolist() == ["channel", "value"]
    assert few.empty
