"""Folders of public data sets: each row of the last table of docs/recordings.md, and what becomes of them in a run."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def load(name):
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


layouts = load("public_layouts")


@pytest.mark.parametrize("layout", layouts.LAYOUTS, ids=lambda layout: layout.name)
def test_a_public_data_set_is_read_as_its_user_expects(layout, tmp_path):
    if layout.study.endswith(".xls"):
        pytest.importorskip("python_calamine")
    if any(name.endswith((".set", ".vhdr")) for name in layout.files):
        pytest.importorskip("mne")
    outcome = layouts.inspect(layout, tmp_path)
    assert outcome.nights == layout.nights
    assert outcome.scored == layout.scored
    assert outcome.minutes == ({f"{layout.minutes:.1f}"} if layout.scored else set())
    assert outcome.eeg == layout.eeg
    assert outcome.lost == ()
    assert bool(outcome.told) == bool(layout.told)
    assert re.search(layout.told, outcome.told), outcome.told


def test_thirty_layouts_and_most_of_them_used_without_a_word():
    kinds = [layout.kind for layout in layouts.LAYOUTS]
    assert len(kinds) >= 30
    assert kinds.count("used") + kinds.count("compared") >= 27
    assert all(layout.told for layout in layouts.LAYOUTS if layout.kind == "told")


def test_the_table_of_the_documentation_names_every_layout():
    text = (BENCHMARKS.parent / "docs" / "recordings.md").read_text(encoding="utf-8")
    missing = [
        layout.name for layout in layouts.LAYOUTS if f"| {layout.name} |" not in text.partition(layouts.BEGIN)[2]
    ]
    assert not missing, "run benchmarks/public_layouts.py --write docs/recordings.md"


@pytest.mark.slow
@pytest.mark.long
def test_temazepam_is_held_against_placebo_by_the_table_of_sleep_edf(tmp_path, write_edf, sleep_eeg, make_hypnogram):
    """From the folder as it is downloaded to the contrast, with no setting and no study file of one's own."""
    from swa.pipeline import run_study

    hypnogram = make_hypnogram("W*10 N1*4 N2*40 N3*30 R*20 W*6")
    for night, (name, scorer) in enumerate({"ST7011J": "P", "ST7012J": "P", "ST7021J": "M", "ST7022J": "M"}.items()):
        signals = {"EEG Fpz-Cz": sleep_eeg(hypnogram, night)}
        write_edf(tmp_path / f"{name}0-PSG.edf", signals, start=layouts.evening(night))
        layouts.annotations(layouts.RK_STAGES, night)(tmp_path / f"{name}{scorer}-Hypnogram.edf")
    (tmp_path / "ST-subjects.csv").write_text(
        "Subject - age - sex,,,Placebo night,,Temazepam night,\nNr,Age,M1/F2,night nr,lights off,night nr,lights off\n"
        "1,60,1,1,22:41,2,22:41\n2,35,2,2,22:41,1,22:41\n"
    )
    run = run_study(tmp_path, tmp_path / "swa-results", study_file=tmp_path / "ST-subjects.csv", jobs=1)
    assert run.nights["status"].tolist() == ["done"] * 4
    assert run.nights["N3_min"].tolist() == [15.0] * 4
    assert run.nights["TIB_min"].tolist() == [54.0] * 4
    assert run.nights["staging_source"].str.endswith("-Hypnogram.edf").all()
    assert set(run.results.contrasts["contrast"]) == {"temazepam:placebo"}
    assert (tmp_path / "swa-results" / "index.html").is_file()
