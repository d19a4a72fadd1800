"""Yes, no and sexes in a study file's cells, in the languages that its columns are read in."""

from pathlib import Path

import pytest
from swa_cli.main import main

from swa.comparison.further.planning import read_effect
from swa.errors import SettingsError
from swa.study.plan.cell_words import NO, SEXES, YES, leaves_out, reason_to_leave_out
from swa.study.plan.columns import name_in_english
from swa.study.plan.places import locate_all
from swa.study.plan.study_file import convert_columns, read_study_file
from swa.study.problems import Problem, as_table
from swa.tables.files import write_table

KEEPING = [
    "",
    " ",
    "no",
    "No",
    "Non",
    "N",
    "nein",
    "-",
    "\N{EN DASH}",
    "FAUX",
    "False",
    "0",
    "aucune",
    "keine",
    "inclus",
    "OK",
]


def _table(tmp_path: Path, header: str, *cells: str) -> Path:
    rows = [f"S{place:02d}\tbaseline\tS{place:02d}.edf\t{cell}" for place, cell in enumerate(cells, 1)]
    path = tmp_path / "study.tsv"
    path.write_text("\n".join([f"subject\tcondition\trecording\t{header}", *rows]), encoding="utf-8")
    return path


@pytest.mark.parametrize("cell", KEEPING)
def test_a_word_that_says_no_excludes_no_night(cell: str) -> None:
    assert not leaves_out(cell)


@pytest.mark.parametrize(
    ("cell", "reason"), [("yes", ""), ("Oui", ""), ("x", ""), ("fièvre", "fièvre"), ("no sleep", "no sleep")]
)
def test_yes_and_any_reason_exclude_a_night(cell: str, reason: str) -> None:
    assert leaves_out(cell)
    assert reason_to_leave_out(cell) == reason


@pytest.mark.parametrize(("cell", "meant"), [("oui", True), ("Non", False), ("ja", True), ("-", False), ("sí", True)])
def test_adaptation_in_other_languages(tmp_path: Path, cell: str, meant: bool) -> None:
    table = read_study_file(_table(tmp_path, "Adaptation", cell, ""))
    assert not table.problems
    assert convert_columns(table.rows, decimal_comma=False)["adaptation"].tolist() == [meant, False]


def test_a_word_that_is_neither_is_told_with_what_to_write(tmp_path: Path) -> None:
    (problem,) = read_study_file(_table(tmp_path, "adaptation", "vielleicht")).problems
    assert "'vielleicht' is neither true nor false: write yes, or leave it empty" in problem


def test_sexes_are_f_and_m_whatever_they_were_written_as(tmp_path: Path) -> None:
    """`mujer` begins with an m."""
    table = read_study_file(_table(tmp_path, "Sexe", "H", "F", "Mujer", "weiblich", "homme", ""))
    assert not table.problems
    assert convert_columns(table.rows, decimal_comma=False)["sex"].tolist() == ["M", "F", "F", "F", "M", ""]


def test_no_word_says_both() -> None:
    assert not YES & NO
    assert set(SEXES.values()) == {"F", "M"}


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("Fichier EDF", "recording"),
        ("Nom du fichier", "recording"),
        ("Fichier scoring", "hypnogram"),
        ("Extinction des feux", "lights_off"),
        ("Heure dose", "dose_start"),
        ("Fichier PSG", "recording"),
    ],
)
def test_french_heads_of_columns(head: str, name: str) -> None:
    assert name_in_english(head) == name


def test_inspect_shows_what_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("S01", "S02"):
        (tmp_path / f"{name}.edf").write_bytes(b"0" * 300)
    _table(tmp_path, "exclude", "no", "fever")
    with pytest.raises(SystemExit):
        main(["inspect", str(tmp_path)])
    out = capsys.readouterr().out
    assert "2 nights, 1 of them left out (column exclude)" in out
    lines = [line.strip() for line in out.splitlines()]
    kept, excluded = [next(line for line in lines if line.startswith(name)) for name in ("S01", "S02")]
    assert "left out" not in kept
    assert "fever" in excluded
    assert excluded.rstrip().endswith("left out")


@pytest.mark.parametrize("text", ["0.2", "0,2"])
def test_a_share_is_asked_about(text: str) -> None:
    with pytest.raises(SettingsError, match=r"fall by 80%.*Write 20% for a rise"):
        read_effect(text)
    assert read_effect("20%") == 1.2
    assert read_effect("-80%") == pytest.approx(0.2)
    assert read_effect("0.8") == 0.8


def test_a_sentence_that_begins_with_a_name_needs_no_second_quote(tmp_path: Path) -> None:
    problem = Problem(subject="S01", step="plan", problem="'S01.edf' is not there.", remedy="Correct it.")
    write_table(as_table([problem]), tmp_path / "problems.tsv")
    assert "\t\N{LEFT SINGLE QUOTATION MARK}S01.edf\N{RIGHT SINGLE QUOTATION MARK} is not there." in (
        tmp_path / "problems.tsv"
    ).read_text(encoding="utf-8")


def test_a_file_named_without_its_ending_is_found(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "PSG0414.edf").write_bytes(b"0")
    known = ["a/PSG0414.edf", "a/PSG0415.edf"]
    (found,) = locate_all(["psg0414"], [tmp_path], known, ["S01"])
    assert (found.text, found.problem) == ("a/PSG0414.edf", "")
    (twice,) = locate_all(["PSG0414"], [tmp_path], [*known, "b/PSG0414.edf"], ["S01"])
    assert "more than once" in twice.problem
