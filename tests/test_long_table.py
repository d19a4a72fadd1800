"""The long table is the subjects' rows by measure, however many subjects are read at once."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from swa.study import long_table
from swa.study.joined_tables import add_headlines
from swa.study.store import Results, subject_file
from swa.tables.files import write_table
from swa.tables.results_tables import MEASURES


def write_subject(folder, label, measures, value):
    rows = [
        (label, session, session, channel, "NREM", "night", measure, "", value + i, "uV2", 10, "why" if i else "")
        for measure in measures
        for i, session in enumerate(("baseline", "ketamine"))
        for channel in ("F3-M2", "frontal")
    ]
    columns = ["subject", "session", "condition", "channel", "stages", "window", "measure", "variant", "value", "unit"]
    table = pd.DataFrame(rows, columns=[*columns, "n", "note"])
    subject_file(folder, label).parent.mkdir()
    write_table(table, subject_file(folder, label))
    return table


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_rows_by_measure_and_headlines(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(long_table, "SUBJECTS_AT_ONCE", at_once)
    parts = [
        write_subject(tmp_path, "S1", ["sigma_power", "swa"], 100.0),
        write_subject(tmp_path, "S2", ["swa", "wave_density"], np.nan),  # not measured
        write_subject(tmp_path, "S3", ["delta_power"], 7.0),
    ]
    nights = pd.concat(parts)[["subject", "session", "condition"]].drop_duplicates()
    write_table(nights, tmp_path / "nights.tsv")
    assert long_table.join_measures(tmp_path, ["S1", "S2", "S3"]) == 20
    expected = pd.concat(parts).sort_values("measure", kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "measures.parquet"), expected)
    with pq.ParquetFile(tmp_path / "measures.parquet") as file:
        assert file.num_row_groups == 4
    found = Results(tmp_path)
    assert found.measure_names() == ["delta_power", "sigma_power", "swa", "wave_density"]
    add_headlines(tmp_path, {})
    swa = Results(tmp_path).nights.set_index(["subject", "session"])["swa"]
    assert swa["S1", "ketamine"] == 101
    assert swa.drop("S1", level="subject").isna().all()


def test_no_subject_is_an_empty_table(tmp_path):
    assert long_table.join_measures(tmp_path, []) == 0
    assert pd.read_parquet(tmp_path / "measures.parquet").empty


def test_subjects_of_whom_nothing_was_measured_make_an_empty_table(tmp_path):
    for label in ("S1", "S2"):
        subject_file(tmp_path, label).parent.mkdir()
        write_table(MEASURES.empty(), subject_file(tmp_path, label))
    assert long_table.join_measures(tmp_path, ["S1", "S2"]) == 0
    assert pd.read_parquet(tmp_path / "measures.parquet").columns.tolist() == MEASURES.names
