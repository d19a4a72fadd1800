"""One recording under two names is told, and never read as a drug without effect."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from swa.settings import Settings
from swa.study.copies import MAIN_HEADER, find_copies
from swa.study.inspection import inspect_study
from swa.study.manifest import plan_study
from swa.study.tables import problems_table

SAMPLES = Path(__file__).parents[1] / "sample_recordings"


@pytest.fixture
def folder(tmp_path):
    """A night under two names, the second exported under another patient name, and a third night."""
    shutil.copy(SAMPLES / "S01_baseline.edf", tmp_path / "S01_baseline.edf")
    content = bytearray((SAMPLES / "S01_baseline.edf").read_bytes())
    content[8:18] = b"X X X X   "
    (tmp_path / "S01_ketamine.edf").write_bytes(content)
    shutil.copy(SAMPLES / "S02_baseline.edf", tmp_path / "S02_baseline.edf")
    return tmp_path


def test_same_signals_under_another_header_are_a_copy_and_one_other_sample_is_not(tmp_path):
    content = np.random.default_rng(1).bytes(300_000)
    other = bytearray(content)
    other[250_000] ^= 1
    names = ("a", "b", "c", "d", "e")
    for name, data in zip(names, (content, other, b"x" * MAIN_HEADER + content[MAIN_HEADER:], b"", b""), strict=True):
        (tmp_path / name).write_bytes(data)
    paths = [str(tmp_path / name) for name in names]
    assert find_copies([*paths, "", str(tmp_path / "none")]) == {2: 0}


def test_the_plan_and_the_problems_name_both_nights(folder):
    found = {row["recording"]: row["problems"] for row in inspect_study(folder)["recordings"]}
    told = "holds the same signals as S01_baseline.edf: one of the two is a copy"
    assert found == {"S01_baseline.edf": [], "S01_ketamine.edf": [told], "S02_baseline.edf": []}
    problems = problems_table(plan_study(folder, None, Settings()), {}, set())
    assert problems[["session", "step"]].to_numpy().tolist() == [["ketamine", "plan"]]
    assert problems["problem"].iloc[0] == "holds the same signals as the recording of S01 baseline."
    assert problems_table(plan_study(folder, None, Settings()), {}, {0})["step"].tolist() == ["exclude"]


def test_two_nights_of_one_subject_that_begin_at_the_same_second_are_told(tmp_path):
    """Of another subject, with a hidden date, or a copy (which is told as one), nothing is said."""
    start = b"13.01.0122.30.00"
    shown = (("S01_baseline", 0, start), ("S01_ketamine", 1, start), ("S02_baseline", 2, start))
    hidden = tuple((f"S03_{name}", n, b"01.01.8522.30.00") for n, name in enumerate(("baseline", "ketamine"), start=3))
    copied = tuple((f"S04_{name}", 5, start) for name in ("baseline", "ketamine"))
    content = (SAMPLES / "S01_baseline.edf").read_bytes()
    for name, noise, when in (*shown, *hidden, *copied):
        plain = content[:88] + b" " * 80 + when + content[184:20_000] + bytes([noise]) + content[20_001:]
        (tmp_path / f"{name}.edf").write_bytes(plain.replace(b"EDF+C", b"     "))
    told = "begins at the same second as"
    found = {row["recording"]: " ".join(row["problems"]) for row in inspect_study(tmp_path)["recordings"]}
    assert [name for name, text in found.items() if told in text] == ["S01_ketamine.edf"]
    assert f"{told} S01_baseline.edf (2001-01-13 22:30:00)" in found["S01_ketamine.edf"]
    assert "holds the same signals" in found["S04_ketamine.edf"]
    problems = problems_table(plan_study(tmp_path, None, Settings()), {}, set())
    said = problems[problems["problem"].str.contains(told)]
    assert said["subject"].tolist() == ["S01"]
    assert f"{told} the recording of S01 baseline." in said["problem"].iloc[0]
