"""Every row of the second table of docs/recordings.md: labels, scorings, BIDS, study files, mne, privacy."""

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


cases = load("reading_cases")


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: f"{case.part}: {case.name}")
def test_every_case_is_told_as_the_table_says(case, tmp_path, request):
    data = tmp_path if case.file == "made" else request.getfixturevalue("shared_data")
    told = cases.told_by(case, tmp_path, data)
    assert re.search(case.says, told.removeprefix("refused: "), re.DOTALL), told


def test_the_table_of_the_documentation_names_every_case():
    text = (BENCHMARKS.parent / "docs" / "recordings.md").read_text(encoding="utf-8")
    assert cases.BEGIN in text
    missing = [case.name for case in cases.CASES if f"| {case.part} | {case.name} |" not in text]
    assert not missing, "run benchmarks/reading_cases.py --write docs/recordings.md"
