"""A stager that goes by amplitude moves N3; N2+N3 and the stage-free result stay, and the table says how to read N3."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="module")
def stage_shift():
    path = Path(__file__).parents[1] / "benchmarks" / "stage_shift.py"
    if not path.is_file():
        pytest.skip("needs the source tree")
    spec = importlib.util.spec_from_file_location("stage_shift", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_stager_follows_amplitude_and_nothing_else(stage_shift):
    stages = np.array(["W", "N2", "N2", "N2", "N3", "R"])
    level = np.array([9.0, 0.0, 1.0, 3.0, 1.0, 9.0])
    assert stage_shift.stage_by_amplitude(stages, level, (0.5, 2.0)).tolist() == ["W", "N1", "N2", "N3", "N2", "R"]
    louder = stage_shift.stage_by_amplitude(stages, level, (0.5, 2.0), gain=2.0)
    assert louder.tolist() == ["W", "N2", "N3", "N3", "N3", "R"]


@pytest.mark.slow
def test_union_and_stage_free_results_stay_when_n3_follows_amplitude(stage_shift):
    nights, minutes = stage_shift.run_study(3, 0)
    found = {stager: stage_shift.changes(own) for stager, own in nights.items()}
    moved = minutes["amplitude"]["drug"] - minutes["true"]["drug"]
    assert moved.abs().max() >= 1
    for name in ("N2+N3", "stage-free"):
        low, high = found["true"][name][1:]
        assert low <= found["amplitude"][name][0] <= high
        assert found["amplitude"][name][0] == pytest.approx(found["true"][name][0], rel=0.05)
    told = stage_shift.notes(nights["amplitude"])
    assert len(told) == 3
    assert all("with the stager alone" in note for note in told), told
