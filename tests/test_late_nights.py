"""Nights that are left out, or taken in, by somebody who has seen the results are named wherever these stand."""

import json

import pandas as pd
import pytest

from swa.comparison.late_nights import keep_nights, late_nights
from swa.pipeline import compare_study
from swa.report.terminal import leading_lines
from swa.report.words.afterwards import changed_nights
from swa.study.store import read_results
from swa.study.written import keep_left_out, kept_nights, write_believed
from swa.tables.files import read_table, table_text


def nights(**changed):
    """A table of three nights: status, cell `exclude` and cell `adaptation` of those that are not just done."""
    rows = dict.fromkeys("abc", ("done", "", "")) | changed
    return pd.DataFrame(
        [
            {"subject": "S1", "session": name, "status": status, "exclude": cell, "adaptation": adapts}
            for name, (status, cell, adapts) in rows.items()
        ]
    )


def told(folder, *results):
    """What is told of the nights of the last of several results."""
    for table in results:
        keep_nights(folder, table)
    return {night.session: night.is_left_out for night in late_nights(folder, results[-1])}


OUT = ("excluded", "outlier", "")
BY_CALL = ("excluded", "", "")


@pytest.mark.parametrize("later", [OUT, BY_CALL, ("done", "", "yes"), ("excluded", "", "yes")])
def test_a_night_that_is_left_out_after_results_with_it_is_late_until_it_is_back(tmp_path, later):
    assert told(tmp_path, nights()) == {}
    assert told(tmp_path, nights(b=later)) == {"b": True}
    assert told(tmp_path, nights(b=later)) == {"b": True}
    assert len(kept_nights(tmp_path)) == 2
    assert told(tmp_path, nights()) == {}


def test_a_night_that_was_left_out_before_results_is_late_where_it_is_taken_in(tmp_path):
    assert told(tmp_path, nights(b=OUT)) == {}
    assert told(tmp_path, nights()) == {"b": False}
    assert told(tmp_path, nights(b=OUT)) == {}


@pytest.mark.parametrize("first", [BY_CALL, ("failed", "", "")])
def test_a_night_whose_turn_comes_later_or_that_failed_is_none(tmp_path, first):
    """Of `--only` the nights that are not named yet."""
    assert told(tmp_path, nights(b=first), nights()) == {}


def test_a_night_that_the_call_left_out_on_purpose_is_late_where_it_is_taken_in(tmp_path):
    keep_left_out(tmp_path, ["S1/b"])
    keep_nights(tmp_path, nights(b=BY_CALL, c=BY_CALL))
    keep_left_out(tmp_path, [])
    assert told(tmp_path, nights()) == {"b": False}


def test_nights_that_come_later_and_are_left_out_at_once_are_not_late(tmp_path):
    assert told(tmp_path, nights().iloc[:2], nights(c=OUT)) == {}


def test_while_conditions_are_codes_nobody_chooses_by_them(tmp_path):
    (tmp_path / "blinding.json").write_text('{"status": "blinded"}', encoding="utf-8")
    assert told(tmp_path, nights(), nights(b=OUT)) == {}


def test_a_folder_without_a_word_of_nights_or_with_a_strange_one_has_no_late_one(tmp_path):
    assert late_nights(tmp_path, nights()) == ()
    (tmp_path / "run.json").write_text(json.dumps({"compared_nights": [3, {"used": 5}]}), encoding="utf-8")
    assert late_nights(tmp_path, nights()) == ()


def test_many_are_named_in_part(tmp_path):
    table = pd.DataFrame({"subject": "S1", "session": list("abcdefg"), "status": "done"})
    assert told(tmp_path, table) == {}
    keep_nights(tmp_path, table.assign(status="excluded"))
    said = changed_nights(late_nights(tmp_path, table))
    assert said.startswith("Left out on ")
    assert said.endswith(", after results with them had been made: S1 a, S1 b, S1 c, S1 d, S1 e and 2 more.")


def texts(folder):
    page, subject = (
        " ".join((folder / name).read_text(encoding="utf-8").split()) for name in ("index.html", "sub-A/sub-A.html")
    )
    return page, subject, (folder / "methods.txt").read_text(encoding="utf-8"), *leading_lines(read_results(folder))


def test_an_outlier_that_is_left_out_after_a_look_at_the_results_is_named(build, tmp_path, monkeypatch):
    monkeypatch.setattr("swa.report.shelf.figure_files", lambda figure: (b"<svg/>", b""))
    rows = [
        {"subject": subject, "condition": condition, "session": f"{condition}{number}", "order": order}
        for subject in ("A", "B", "C")
        for order, (condition, number) in enumerate((("baseline", 1), ("ketamine", 1), ("ketamine", 2)))
    ]
    folder = build(tmp_path / "results", rows).path
    assert all("had been made" not in text for text in texts(folder))
    table = read_table(folder / "nights.tsv")
    table.loc[2, "status"] = "excluded"
    write_believed(table_text(table), folder / "nights.tsv")
    compare_study(folder, jobs=1)
    (night,) = late_nights(folder, table)
    said = f"eft out on {night.date}, after results with it had been made: A ketamine2."
    assert all(said in text for text in texts(folder))
    problems = read_results(folder).problems
    (row,) = problems[problems["step"] == "afterwards"].to_dict("records")
    assert (row["subject"], row["session"]) == ("A", "ketamine2")
    assert row["problem"] == f"left out on {night.date}, after results with it had been made."
    compare_study(folder, jobs=1)
    assert (read_results(folder).problems["step"] == "afterwards").sum() == 1
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["compared_nights"] == kept_nights(folder)
    table.loc[2, "status"] = "done"
    write_believed(table_text(table), folder / "nights.tsv")
    compare_study(folder, jobs=1)
    assert all("had been made" not in text for text in texts(folder)), "it is back"
    assert "afterwards" not in set(read_results(folder).problems["step"])
