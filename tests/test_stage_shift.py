"""A stager that goes by amplitude moves N3; N2+N3 and the stage-free result stay, and the table says how to read N3."""

import importlib.util
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

import swa
from swa.comparison.comparability import compare_facts
from swa.comparison.contrasts import judge_rows, measure_contrasts
from swa.simulation.simulated_study import NightPlan, simulate_night
from swa.sleep.staging import stage_at_gains
from swa.tables.contrast import GROUP, Contrast
from swa.tables.marker import Marker


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


@pytest.mark.long
@pytest.mark.slow
def test_n3_by_hand_covers_no_change_under_delta_and_by_yasa_carries_its_sentence(stage_shift):
    """The drug raises delta and leaves the stages: the same nights, scored by hand and by YASA."""
    nights = {"hand": [], "yasa": []}
    plan = {"hours": 1.5, "rate_hz": 100, "channels": (stage_shift.CHANNEL,), "seed": 5}
    for subject in ("S1", "S2", "S3"):
        for condition, effect in (("baseline", 1.0), ("drug", 1.4)):
            night = simulate_night(NightPlan(**plan, subject=subject, condition=condition, effect=effect))
            who = (subject, condition)
            nights["hand"].append(stage_shift.analyze(night, night.stages, *who, None))
            info = mne.create_info([stage_shift.CHANNEL], 100.0, "eeg")
            raw = mne.io.RawArray(night.signals_uv[stage_shift.CHANNEL][None] * 1e-6, info, verbose="error")
            staged = stage_at_gains(swa.Recording.from_raw(raw))
            stages = [{"WAKE": "W", "REM": "R"}.get(name, name) for name in staged.hypnogram.hypno.astype(str)]
            nights["yasa"].append(stage_shift.analyze(night, np.array(stages), *who, staged.stages_at_gain))
    rows = {scorer: _n3_of_group(own, stage_shift) for scorer, own in nights.items()}
    assert rows["hand"]["ci_low"] <= 0 <= rows["hand"]["ci_high"], rows["hand"]
    assert "with the stager alone" not in rows["hand"]["verdict_reasons"]
    assert rows["yasa"]["verdict"] == "caution"
    assert "with the stager alone (EEG ± 20 %" in rows["yasa"]["verdict_reasons"], rows["yasa"]


def _n3_of_group(nights, stage_shift):
    """Minutes of N3 over subjects, judged."""
    settings = stage_shift.SETTINGS
    table = pd.DataFrame(
        [(night.subject, night.session, night.condition, "done", "sound", "") for night in nights],
        columns=["subject", "session", "condition", "status", "verdict", "verdict_reasons"],
    )
    contrast = Contrast(treatment="drug", comparator="baseline")
    pairs = [(subject, contrast) for subject in table["subject"].unique()]
    records = compare_facts(stage_shift.facts(nights), pairs, settings)
    contrasts = measure_contrasts(nights, "baseline", settings=settings)
    judged = judge_rows(nights, contrasts, records, table, settings)
    return Marker("n3_minutes", "any", "night", "all").select(judged[judged["subject"] == GROUP]).iloc[0]
