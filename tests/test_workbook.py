"""results.xlsx: the values of the tables, numbers as numbers, texts as texts, the same bytes each time."""

import json
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from swa.report.workbook import write_workbook
from swa.settings import Settings
from swa.study.store import Results, describe_results
from swa.tables.files import write_table
from swa.tables.results_tables import CONTRASTS, NIGHTS

ROW = {
    "subject": "group",
    "contrast": "ketamine:baseline",
    "channel": "frontal",
    "stages": "NREM",
    "window": "night",
    "measure": "swa",
    "variant": "",
    "scale": "ratio",
    "estimate": 1.2345678,
    "ci_low": float("nan"),
    "n": 4,
    "role": "exploratory",
    "reasons": json.dumps([]),
}


@pytest.fixture
def results(tmp_path: Path) -> Results:
    rows = [
        ROW,
        ROW | {"subject": "=1+1", "estimate": 0.5},
        ROW | {"measure": "n3_minutes", "stages": "any", "channel": "all", "scale": "difference", "estimate": -12.5},
        ROW | {"measure": "theta_power"},
        ROW | {"measure": "theta_power", "role": "primary"},
        ROW | {"variant": "yasa"},
    ]
    write_table(pd.DataFrame(rows).reindex(columns=CONTRASTS.names), tmp_path / "contrasts.tsv")
    nights = pd.DataFrame({"subject": ["=1+1"], "session": ["007"], "condition": ["0,5"], "status": ["done"]})
    nights = nights.assign(subject_label="S1", session_label="S2")
    write_table(nights.reindex(columns=NIGHTS.names), tmp_path / "nights.tsv")
    describe_results(tmp_path, Settings())
    return Results(tmp_path)


def _rows(path: Path, sheet: str) -> list[dict[str, object]]:
    first, *rows = openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True)
    return [dict(zip(first, row, strict=True)) for row in rows]


def test_a_change_of_two_subjects_has_no_interval_in_words_and_keeps_its_numbers(
    tmp_path: Path, results: Results
) -> None:
    ends = {"ci_low": 0.5, "ci_high": 3.0}
    rows = [ROW | ends | {"n": 2}, ROW | ends | {"n": 3, "window": "cycle-1"}, ROW | ends | {"n": 2, "subject": "S1"}]
    write_table(pd.DataFrame(rows).reindex(columns=CONTRASTS.names), tmp_path / "contrasts.tsv")
    path = write_workbook(Results(tmp_path))
    two, three = sorted(_rows(path, "Contrasts"), key=lambda row: row["n"])
    assert (two["change"], two["ci_high"]) == ("+23.5 % (no interval)", 3.0)
    assert three["change"] == _rows(path, "Subjects")[0]["change"] == "+23.5 % (-50.0 % to +200.0 %)", "n: two nights"


def test_cells_are_the_values_of_the_tables_and_no_text_is_a_formula(results: Results) -> None:
    path = write_workbook(results)
    contrasts = _rows(path, "Contrasts")
    assert [(row["measure"], row["role"], row["unit"]) for row in contrasts] == [
        ("theta_power", "primary", "ratio"),
        ("swa", "exploratory", "ratio"),
        ("n3_minutes", "exploratory", "min"),
    ]
    assert contrasts[1]["estimate"] == 1.2345678
    assert contrasts[1]["ci_low"] is None
    assert contrasts[1]["marker"] == "Slow-wave activity"
    assert [row["change"] for row in contrasts[1:]] == ["+23.5 % (no interval)", "-12.5 min (no interval)"]
    assert _rows(path, "Subjects")[0]["subject"] == "=1+1"
    sheet = openpyxl.load_workbook(path)["Subjects"]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    night = _rows(path, "Nights")[0]
    assert (night["session"], night["condition"]) == ("007", "0,5")


def test_a_change_stands_in_words_before_its_numbers_which_show_few_digits(results: Results) -> None:
    row = ROW | {"estimate": 1.313123456789012, "ci_low": 1.182, "ci_high": 1.458, "p": 0.00369123}
    path = _write_contrasts(results, [row])
    (told,) = _rows(path, "Contrasts")
    assert told["change"] == "+31.3 % (+18.2 % to +45.8 %)"
    names = list(told)
    assert names.index("change") + 1 == names.index("estimate")
    sheet = openpyxl.load_workbook(path)["Contrasts"]
    cells = {name: sheet.cell(2, place) for place, name in enumerate(names, 1)}
    assert cells["estimate"].value == 1.313123456789012
    assert {name: cells[name].number_format for name in ("estimate", "p", "n", "change")} == {
        "estimate": "0.000",
        "p": "0.0000",
        "n": "General",
        "change": "General",
    }


def test_a_date_of_the_study_file_is_a_date(results: Results) -> None:
    nights = pd.DataFrame({"subject": ["A", "B"], "session": "1", "condition": "baseline", "status": "done"})
    nights = nights.assign(visit=["2000-12-30T00:00:00", ""], lights_on=["2000-12-31T00:00:00", "2000-12-30T06:30:00"])
    write_table(nights, results.path / "nights.tsv")
    told = _rows(write_workbook(Results(results.path)), "Nights")
    assert [row["visit"] for row in told] == ["2000-12-30", None]
    assert [row["lights_on"] for row in told] == nights["lights_on"].tolist()


def _write_contrasts(results: Results, rows: list[dict[str, object]]) -> Path:
    write_table(pd.DataFrame(rows).reindex(columns=CONTRASTS.names), results.path / "contrasts.tsv")
    return write_workbook(Results(results.path))


def test_the_declared_primary_stands_first_then_what_the_pages_show(results: Results) -> None:
    awake = ROW | {"measure": "awakenings", "stages": "any", "channel": "all"}
    rows = [
        awake,
        ROW | {"role": "secondary", "measure": "wave_density"},
        ROW | {"role": "secondary"},
        ROW | {"role": "secondary", "window": "cycle-1", "channel": "C4-M1"},
        ROW | {"role": "primary", "window": "cycle-1"},
    ]
    path = _write_contrasts(results, [row | {"subject": who} for who in ("group", "S1", "S2") for row in rows])
    ordered = [
        ("swa", "cycle-1"),
        ("swa", "night"),
        ("wave_density", "night"),
        ("swa", "cycle-1"),
        ("awakenings", "night"),
    ]
    assert [(row["measure"], row["window"]) for row in _rows(path, "Contrasts")] == ordered
    subjects = _rows(path, "Subjects")
    assert [row["subject"] for row in subjects[:4]] == ["S1", "S2", "S1", "S2"]
    assert [row["role"] for row in subjects[:3]] == ["primary", "primary", "secondary"]


def test_without_a_primary_the_marker_of_the_pages_stands_first(results: Results) -> None:
    rows = [ROW | {"measure": "awakenings", "stages": "any", "channel": "all"}, ROW, ROW | {"window": "cycle-1"}]
    assert [row["window"] for row in _rows(_write_contrasts(results, rows), "Contrasts")] == [
        "cycle-1",
        "night",
        "night",
    ]


@pytest.mark.parametrize(
    ("rows", "sheet"), [([ROW], "Contrasts"), ([ROW | {"subject": "S1"}], "Subjects"), ([], "Nights")]
)
def test_the_workbook_opens_where_its_first_result_stands(
    results: Results, rows: list[dict[str, object]], sheet: str
) -> None:
    assert openpyxl.load_workbook(_write_contrasts(results, rows)).active.title == sheet


def test_every_column_is_explained(results: Results) -> None:
    path = write_workbook(results)
    told = {(row["sheet"], row["column"]) for row in _rows(path, "Columns")}
    for sheet, name in (
        ("Contrasts", "Contrasts, Subjects"),
        ("Subjects", "Contrasts, Subjects"),
        ("Nights", "Nights"),
    ):
        assert {(name, column) for column in _rows(path, sheet)[0]} <= told


def test_the_same_results_are_the_same_bytes(results: Results) -> None:
    first = write_workbook(results).read_bytes()
    assert write_workbook(results).read_bytes() == first
