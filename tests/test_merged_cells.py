"""A study sheet whose cells are merged: one subject over the rows of its nights, groups of columns above the header."""

import datetime

import pytest

from swa.study.plan.study_file import read_study_file

openpyxl = pytest.importorskip("openpyxl")

NIGHTS = [
    ("P1", "placebo", "a.edf", 30),
    ("P1", "drug", "b.edf", 30),
    ("P2", "placebo", "c.edf", 41),
    ("P2", "drug", "d.edf", 41),
]


def write(path, above, *, merged=("A", "D")):
    """A sheet with these rows above the nights, each subject's cells of some columns merged over its two rows."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row in [*above, *NIGHTS]:
        sheet.append(row)
    first = len(above) + 1
    for row in range(first, first + len(NIGHTS), 2):
        for column in merged:
            sheet.merge_cells(f"{column}{row}:{column}{row + 1}")
    book.save(path)
    return sheet, book


HEADER = ("Subject", "Condition", "Recording", "Age")


def test_a_subject_merged_over_the_rows_of_its_nights_is_that_of_each(tmp_path):
    write(tmp_path / "study.xlsx", [HEADER])
    table = read_study_file(tmp_path / "study.xlsx")
    assert not table.problems
    assert table.rows["subject"].tolist() == ["P1", "P1", "P2", "P2"]
    assert table.rows["age"].tolist() == ["30", "30", "41", "41"]
    assert any("merged" in note and "'P1' (rows 2 to 3)" in note for note in table.notes)


def test_groups_of_columns_above_the_header_are_no_header(tmp_path):
    path = tmp_path / "study.xlsx"
    rows = [("A study of 2025",), ("Subject", "Treatment", "Recording", None), (None, "Condition", "EDF file", "Age")]
    sheet, book = write(path, rows)
    sheet.merge_cells("A1:D1")
    sheet.merge_cells("A2:A3")
    sheet.merge_cells("C2:D2")
    book.save(path)
    table = read_study_file(path)
    assert not table.problems
    assert table.rows[["subject", "condition", "recording", "age"]].to_numpy().tolist() == [
        [*map(str, night)] for night in NIGHTS
    ]


def test_what_is_merged_over_columns_stays_in_the_first(tmp_path):
    path = tmp_path / "study.xlsx"
    sheet, book = write(path, [("Subject", "Condition", "Recording", "Age", "remark")], merged=())
    sheet["D2"], sheet["E2"] = "thirty", None
    sheet.merge_cells("D2:E2")
    sheet["D2"] = 30
    book.save(path)
    table = read_study_file(path)
    assert not table.problems
    assert table.rows["remark"].tolist() == [""] * 4


def test_dates_and_times_of_merged_cells_are_read_as_of_one(tmp_path):
    path = tmp_path / "study.xlsx"
    sheet, book = write(path, [("Subject", "Condition", "Recording", "date")], merged=("A",))
    sheet["D2"] = datetime.date(2025, 3, 4)
    sheet["D3"] = None
    sheet.merge_cells("D2:D3")
    for row in (4, 5):
        sheet[f"D{row}"] = datetime.date(2025, 3, row)
    book.save(path)
    rows = read_study_file(path).rows
    assert rows["date"].tolist() == ["2025-03-04", "2025-03-04", "2025-03-04", "2025-03-05"]
