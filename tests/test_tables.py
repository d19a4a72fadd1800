"""One schema of every table: written and read again it is the same, with rows and without; its texts are true."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from swa.settings import Settings, check_settings
from swa.study.store import describe_results
from swa.tables.files import read_table, write_table
from swa.tables.results_tables import CONTRASTS, NIGHTS, STORED, table_of
from swa.tables.schema import Column, Table, fill

FILES = {  # what a table is written as, where it is no .tsv
    **dict.fromkeys(("measures", "task-sleep_desc-measures", "task-sleep_desc-precision"), "parquet"),
    **dict.fromkeys(("task-sleep_desc-slowwaves_events", "task-sleep_desc-spectra"), "parquet"),
    "task-sleep_desc-spectrogram": "parquet",
}
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r\n"), max_size=6)
TEXTS = st.one_of(WORDS.filter(lambda text: text != "n/a"), st.sampled_from(["", "01", "1e3", "NA", "true", "=1", "'"]))
CELLS = {
    "text": st.one_of(TEXTS, st.none()),
    "label": st.sampled_from(["C4-M1", "01", "N2"]),
    "truth": st.booleans(),
    "number": st.floats(allow_infinity=False),
    "single": st.floats(allow_infinity=False, width=32),
    "count": st.integers(-(2**40), 2**40),
    "whole": st.one_of(st.integers(0, 20), st.none()),
    "given": st.floats(allow_infinity=False, min_value=0.5),
}


def _file(name: str, folder: Path) -> Path:
    stem = f"sub-S1_ses-a_{name}" if name.startswith("task-") else name
    return folder / f"{stem}.{FILES.get(name, 'tsv')}"


def _read(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path) if path.suffix == ".parquet" else read_table(path)


@st.composite
def frames(draw: st.DrawFn, table: Table) -> pd.DataFrame:
    n = draw(st.sampled_from([0, 1, 2, 7]))
    columns = {column.name: draw(st.lists(CELLS[column.type], min_size=n, max_size=n)) for column in table.columns}
    return table.typed(
        pd.DataFrame(columns, dtype=object).astype({c.name: float for c in table.columns if c.type == "given"})
    )


@pytest.mark.parametrize("name", STORED)
@hypothesis_settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_table_that_was_written_and_read_is_the_same(name, data, tmp_path_factory):
    frame = data.draw(frames(STORED[name]))
    path = _file(name, tmp_path_factory.mktemp("tables"))
    write_table(frame, path)
    given_columns = [column.name for column in STORED[name].columns if column.type == "given"]  # no types of their own
    found = _read(path).astype(dict.fromkeys(given_columns, float))
    pd.testing.assert_frame_equal(found, frame, check_categorical=False, rtol=1e-15)


@pytest.mark.parametrize("name", STORED)
def test_a_table_without_rows_keeps_the_types_of_its_columns(name, tmp_path):
    table = STORED[name]
    write_table(table.empty(), _file(name, tmp_path))
    found = _read(_file(name, tmp_path))
    assert found.columns.tolist() == table.names
    assert {name: str(found[name].dtype) for name in table.dtypes} == {
        name: str(dtype) for name, dtype in table.empty().dtypes.items() if name in table.dtypes
    }


def test_a_column_of_text_without_any_is_one_of_text_in_parquet_too(tmp_path):
    import pyarrow.parquet as pq

    path = tmp_path / "measures.parquet"
    for texts in ([], [None, None]):
        write_table(pd.DataFrame({"note": pd.Series(texts, dtype=object)}), path)
        assert str(pq.read_schema(path).field("note").type) in ("string", "large_string")


def test_conditions_that_are_numbers_stay_names(tmp_path):
    row = dict.fromkeys(CONTRASTS.names, "") | {"contrast": "02:01", "treatment": "02", "comparator": "01", "n": 1}
    row |= {column.name: 1.0 for column in CONTRASTS.columns if column.type == "number"}
    write_table(CONTRASTS.frame([row]), tmp_path / "contrasts.tsv")
    found = read_table(tmp_path / "contrasts.tsv").iloc[0]
    assert (found["treatment"], found["comparator"]) == ("02", "01")


def test_a_night_without_cycles_leaves_the_others_whole_numbers(tmp_path):
    for _ in range(2):  # nights.tsv is read and written again while it is made
        write_table(
            pd.DataFrame({"subject": ["a", "b"], "nrem_cycles": pd.array([4, None], "Int64")}), tmp_path / "nights.tsv"
        )
        write_table(read_table(tmp_path / "nights.tsv"), tmp_path / "nights.tsv")
        assert (tmp_path / "nights.tsv").read_text().splitlines()[1:] == ["a\t4", "b\tn/a"]


def test_missing_columns_are_told():
    with pytest.raises(KeyError, match="estimate"):
        CONTRASTS.typed(pd.DataFrame({"subject": ["group"]}))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("contrasts.tsv", "contrasts"),
        ("sub-1_task-sleep_desc-precision.parquet", "task-sleep_desc-precision"),
        ("sub-1_ses-2_task-sleep_desc-rejection.tsv", "task-sleep_desc-rejection"),
    ],
)
def test_a_file_tells_its_table_by_its_name(file, name):
    assert table_of(Path("results") / file) is STORED[name]


def test_other_files_are_of_no_table():
    assert table_of(Path("results/study-template.tsv")) is None


# --- texts ---------------------------------------------------------------------------------------------------------


def _sidecars(folder: Path, settings: Settings) -> dict[str, str]:
    describe_results(folder, settings)
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}


def test_sidecars_tell_the_confidence_in_force(tmp_path):
    told = _sidecars(tmp_path, check_settings({"comparison": {"confidence": 0.9}}))
    assert not [name for name, text in told.items() if re.search(r"95\s?%", text)]
    assert sum("90 %" in text for text in told.values()) >= 7
    assert "90 % interval" in json.loads(told["contrasts.json"])["ci_low"]["Description"]


def test_sidecars_tell_the_windows_and_the_sleep_onset_in_force(tmp_path):
    settings = {"windows": {"matched_min": 45.0, "stage_free_min": [30.0]}, "cycles": {"sleep_onset": "first_n2"}}
    told = _sidecars(tmp_path, check_settings(settings))
    assert not [name for name, text in told.items() if "60 min" in text or "first60min" in text]
    assert "matched (first 45 min of clean NREM), first30min" in told["contrasts.json"]
    assert "the first N2" in json.loads(told["nights.json"])["sleep_onset_min"]["Description"]


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{power.swa_hz} Hz", "0.5–4 Hz"),
        ("{comparison.confidence:%}", "95 %"),
        ("{waves.negative_uv[0]}", "40"),
        ("{waves.filter_order}", "2"),
        ("{cycles.nrem_starts_with:N1=light sleep|N2=spindles}", "spindles"),
        ("nothing", "nothing"),
    ],
)
def test_settings_stand_in_texts_as_a_reader_writes_them(text, filled):
    assert fill(text, Settings()) == filled


def test_every_column_says_what_it_is():
    for table in STORED.values():
        assert len(set(table.names)) == len(table.names), table.name
        for column in (*table.columns, *([table.others] if table.others else [])):
            text = fill(column.text, Settings())
            assert text, (table.name, column.name)
            assert "{" not in text, text


def test_a_text_column_has_no_unit():
    columns = [column for table in STORED.values() for column in table.columns]
    assert not [column for column in columns if column.unit and column.type in ("text", "label", "truth", "given")]


# --- tables of a whole study ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_table_of_a_results_folder_is_as_the_schema_says(studied):
    results, seen = studied / "results", set()
    for path in sorted([*results.rglob("*.tsv"), *results.rglob("*.parquet")]):
        if "figures" in path.parts:
            continue
        table = table_of(path)
        assert table, path.name
        seen.add(table.name)
        frame = _read(path)
        named = [name for name in frame.columns if name in table.names]
        if table is NIGHTS:
            assert set(named) | {"infusion", "nights_since_dose", "order_source"} == set(table.names)
        elif table.others:
            assert named == table.names
        else:  # the nights' own parts lack the names of the night
            assert named == list(frame.columns)
            assert set(table.names) - set(named) <= {"subject", "session", "condition"}
        for column in table.columns:
            if column.name in named and column.type != "given":
                assert str(frame[column.name].dtype) == str(table.empty()[column.name].dtype), (path.name, column.name)
    assert seen == set(STORED)


def test_a_column_can_be_described_anew():
    column = Column(name="p", text="Two-sided", type="number")
    assert column.saying("Of the whole curve") == Column(name="p", text="Of the whole curve", type="number")
