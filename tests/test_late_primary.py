"""A primary that was named after results had been made is said to be that, and no text says when it was decided on."""

import json

import pytest

from swa.pipeline import compare_study
from swa.report.terminal import leading_lines
from swa.study.store import read_results
from swa.study.written import LatePrimary, keep_primary, kept_primaries, late_primary

FIRST, OTHER = "swa NREM cycle-1 frontal", "wave_density NREM cycle-1 frontal"


def test_the_primary_of_the_first_results_is_late_in_no_folder(tmp_path):
    for primary in (FIRST, FIRST.upper(), OTHER, FIRST, ""):
        keep_primary(tmp_path, primary)
    assert [row["primary"] for row in kept_primaries(tmp_path)] == [FIRST, OTHER, FIRST, ""]
    day = kept_primaries(tmp_path)[1]["since"][:10]
    assert late_primary(tmp_path, OTHER) == LatePrimary(date=day, before=FIRST)
    assert late_primary(tmp_path, FIRST) is None
    assert late_primary(tmp_path, "") is None


def test_a_folder_without_a_word_of_primaries_or_with_a_strange_one_has_no_late_one(tmp_path):
    assert late_primary(tmp_path, FIRST) is None
    (tmp_path / "run.json").write_text(json.dumps({"primaries": [3, {"primary": FIRST}]}), encoding="utf-8")
    assert kept_primaries(tmp_path) == [{"primary": FIRST, "since": ""}]


@pytest.fixture
def rows():
    return [
        {"subject": subject, "condition": condition, "order": order}
        for subject in ("A", "B", "C")
        for order, condition in enumerate(("baseline", "ketamine"))
    ]


def texts(folder):
    page = " ".join((folder / "index.html").read_text(encoding="utf-8").split())
    subject = " ".join((folder / "sub-A" / "sub-A.html").read_text(encoding="utf-8").split())
    return page, subject, (folder / "methods.txt").read_text(encoding="utf-8"), *leading_lines(read_results(folder))


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("", "rimary was named on {day}, after results without a primary had been made"),
        (
            OTHER,
            "rimary was changed on {day}, after results for slow-wave density in N2+N3 of NREM cycle 1 at the frontal "
            "channels had been made",
        ),
    ],
)
def test_a_primary_changed_after_results_is_exploratory_everywhere(build, rows, tmp_path, monkeypatch, first, said):
    """Settings changed after looking read the same as those of a plan: "declared beforehand"."""
    monkeypatch.setattr("swa.report.shelf.figure_files", lambda figure: (b"<svg/>", b""))
    folder = build(tmp_path / "results", rows, comparison={"primary": first}).path
    assert all("had been made" not in text for text in texts(folder))
    settings = read_results(folder).settings
    changed = settings.model_copy(update={"comparison": settings.comparison.model_copy(update={"primary": FIRST})})
    compare_study(folder, jobs=1, settings=changed)
    said = said.format(day=kept_primaries(folder)[1]["since"][:10])
    page, subject, methods, *lines = texts(folder)
    assert all(said in text for text in (page, subject, methods, *lines))
    assert "Primary result" not in page
    assert "so that all results are exploratory" in methods
    assert "beforehand, was" not in methods
    assert all(line.startswith("Exploratory: ") for line in lines)
    compare_study(folder, jobs=1)  # again, as it is: it stays late
    assert kept_primaries(folder)[1:] == json.loads((folder / "run.json").read_text(encoding="utf-8"))["primaries"][1:]
    assert said in texts(folder)[0]
    compare_study(folder, jobs=1, settings=settings)
    assert all("had been made" not in text for text in texts(folder)), "the one of the first results is back"
