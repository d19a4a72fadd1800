"""The study file's date of each night: read in many spellings, held against the recording's, and what orders nights."""

import datetime

import numpy as np
import pytest

from swa.comparison.designs.statement import design_statement
from swa.settings import Settings
from swa.study.plan.manifest import plan_study
from swa.study.plan.study_file import read_study_file
from swa.study.problems import CHECK_STEP
from swa.study.study_tables import problems_of_nights
from swa.tables.results_tables import DATES_OF_RECORDINGS, DATES_OF_STUDY_FILE

HEAD = "subject\tcondition\trecording\tDatum"


def plan_dated(write_edf, folder, rows, head=HEAD):
    """Plan nights of subject, condition, start of the recording (None: hidden) and further cells."""
    lines = [head]
    for place, (subject, condition, start, *cells) in enumerate(rows):
        name = f"n{place}.edf"
        start = datetime.datetime(1985, 1, 1, 22) if start is None else datetime.datetime.fromisoformat(start)
        write_edf(folder / name, {"C4-M1": np.arange(600.0) % (50 + place)}, start=start)
        lines.append("\t".join([subject, condition, name, *cells]))
    (folder / "study.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return plan_study(folder, None, Settings())


def told_dates(study):
    return [note for note in study.notes if ": date " in note]


def checks(study):
    told = problems_of_nights(study, {}, {}, lambda what, make, otherwise: make(), {})
    return told[(told["step"] == CHECK_STEP) & told["problem"].str.startswith("date")].to_dict("records")


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["2024-03-01", "2024-03-08T00:00:00"], ["2024-03-01", "2024-03-08"]),
        (["01.03.2024", "Fr, 8.3.24"], ["2024-03-01", "2024-03-08"]),
        (["3/1/2024", "3/14/2024"], ["2024-03-01", "2024-03-14"]),
        (["01/03/2024", "14/03/2024 22:30"], ["2024-03-01", "2024-03-14"]),
        (["20240301", "2024/03/14"], ["2024-03-01", "2024-03-14"]),
        (["01-Mar-24", "March 14, 2024"], ["2024-03-01", "2024-03-14"]),
        (["1. März 2024", "14 août 2024"], ["2024-03-01", "2024-08-14"]),
    ],
)
def test_dates_that_can_mean_one_thing_are_read(tmp_path, cells, read):
    file = tmp_path / "study.tsv"
    rows = [f"P1\tc{place}\t{place}.edf\t{cell}" for place, cell in enumerate(cells)]
    file.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    table = read_study_file(file)
    assert table.rows["date"].tolist() == read
    assert not table.problems
    assert "'Datum' as date" in table.read_as


@pytest.mark.parametrize("name", ["date", "Date de nuit", "Aufnahmedatum", "recording date", "Fecha"])
def test_names_of_the_column_in_other_languages(tmp_path, name):
    file = tmp_path / "study.tsv"
    file.write_text(f"subject\tcondition\trecording\t{name}\nP1\ta\ta.edf\t2024-03-01\n", encoding="utf-8")
    assert read_study_file(file).rows["date"].tolist() == ["2024-03-01"]


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("01/02/2024", "could be 2024-02-01 or 2024-01-02; write it so"),
        ("24-03-01", "is no date that is read"),
        ("31.02.2024", "is no date that is read"),
        ("Woche 2", "is no date that is read"),
    ],
)
def test_a_date_that_is_none_or_two_is_told_and_refuses_nothing(tmp_path, cell, told):
    file = tmp_path / "study.tsv"
    file.write_text(f"{HEAD}\nP1\ta\ta.edf\t{cell}\n", encoding="utf-8")
    table = read_study_file(file)
    assert not table.problems
    assert table.rows["date"].tolist() == [cell]
    assert [note for note in table.notes if note.startswith("date (row 2)") and told in note]


def test_a_date_against_the_recording_is_told_with_row_dates_and_what_counts(write_edf, tmp_path):
    rows = [
        ("P1", "Placebo", "2024-02-05T22:30", "05.02.2024"),
        ("P1", "Ketamin", "2024-02-12T22:30", "02.02.2024"),
        ("P2", "Placebo", "2024-02-19T22:30", "19.02.2024"),
        ("P2", "Ketamin", "2024-02-26T22:30", "26.02.2024"),
    ]
    study = plan_dated(write_edf, tmp_path, rows)
    assert told_dates(study) == [
        "row 3: date 2024-02-02 is 10 days before the night of its recording, 2024-02-12; "
        "until one is corrected the date of the study file says which night came first"
    ]
    (row,) = checks(study)
    assert (row["subject"], row["session"]) == ("P1", "Ketamin")
    assert row["problem"] == "date 2024-02-02 is 10 days before the night of its recording, 2024-02-12."
    assert "Until one is corrected the date of the study file says which night came first." in row["remedy"]
    assert study.nights["order"].tolist() == [2, 1, 1, 2]
    assert set(study.nights["order_source"]) == {DATES_OF_STUDY_FILE}
    assert "(order by the dates of the study file)" in design_statement(study.nights, "Placebo")


@pytest.mark.parametrize(
    "dates",
    [
        ["2024-02-05", "2024-02-12"],  # the evening before a night that began after midnight, as of others
        ["2024-02-05", "2024-02-13"],  # its own date
        ["2024-02-06", "2024-02-13"],  # mornings throughout
    ],
)
def test_a_night_that_begins_after_midnight_has_two_right_dates(write_edf, tmp_path, dates):
    starts = ["2024-02-05T22:30", "2024-02-13T00:20"]
    study = plan_dated(write_edf, tmp_path, [("P1", f"c{n}", starts[n], dates[n]) for n in range(2)])
    assert not told_dates(study)
    assert not checks(study)


@pytest.mark.parametrize(
    "starts",
    [
        [None, None, None],
        ["2000-01-01T22:00", "2000-01-01T22:10", "2000-01-01T22:00"],
        ["2024-01-01T22:00", "2024-01-01T22:10", "2024-01-01T22:00"],
        ["2024-02-07T22:00", "2024-02-07T22:10", "2024-02-07T22:20"],
        ["2011-06-01T22:00", "2011-06-08T22:10", "2011-06-09T22:20"],
        [None, "2024-02-08T22:00", None],
    ],
    ids=["hidden", "2000", "new_year", "all_the_same", "years_away", "some_hidden"],
)
def test_dates_that_hide_contradict_nothing_and_the_study_file_orders(write_edf, tmp_path, starts):
    dates = ["2024-02-15", "2024-02-08", "2024-02-20"]
    names = [("P1", "baseline"), ("P1", "ketamine"), ("P2", "baseline")]
    rows = [(*name, start, date) for name, start, date in zip(names, starts, dates, strict=True)]
    study = plan_dated(write_edf, tmp_path, rows)
    assert not told_dates(study)
    assert not checks(study)
    assert study.nights["order"].fillna(0).tolist() == [2, 1, 0]


def test_dates_that_are_all_moved_alike_are_noted_once(write_edf, tmp_path):
    starts = ["2024-02-05T22:00", "2024-02-12T22:00", "2024-02-25T22:00"]
    dates = ["2024-02-10", "2024-02-17", "2024-03-01"]
    study = plan_dated(write_edf, tmp_path, [("P1", f"c{n}", starts[n], dates[n]) for n in range(3)])
    assert not told_dates(study)
    assert [note for note in study.notes if note.startswith("date: all are 5 days after those of the recordings")]


def test_without_all_its_dates_a_subject_is_ordered_by_its_recordings(write_edf, tmp_path):
    rows = [
        ("P1", "baseline", "2024-02-12T22:00", ""),
        ("P1", "ketamine", "2024-02-05T22:00", "2024-02-05"),
        ("P2", "baseline", None, "2024-02-05"),
        ("P2", "ketamine", None, "2024-02-01"),
    ]
    study = plan_dated(write_edf, tmp_path, rows)
    assert study.nights["order"].tolist() == [2, 1, 2, 1]
    assert study.nights["order_source"].tolist() == [DATES_OF_RECORDINGS] * 2 + [DATES_OF_STUDY_FILE] * 2


def test_a_stated_order_stands_and_is_told_where_the_dates_contradict_it(write_edf, tmp_path):
    rows = [
        ("P1", "baseline", None, "2024-02-05", "2"),
        ("P1", "ketamine", "2024-02-12T22:00", "2024-02-13", "1"),
        ("P2", "baseline", "2024-02-05T22:00", "2024-02-05", "1"),
    ]
    study = plan_dated(write_edf, tmp_path, rows, f"{HEAD}\torder")
    assert study.nights["order"].tolist() == [2, 1, 1]
    assert "order_source" not in study.nights
    assert "order: against the column date of P1; correct the one that is wrong" in study.notes
    assert told_dates(study) == [
        "row 3: date 2024-02-13 is 1 day after the night of its recording, 2024-02-12; "
        "until one is corrected the column order says which night came first"
    ]
