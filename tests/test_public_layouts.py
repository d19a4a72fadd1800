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
