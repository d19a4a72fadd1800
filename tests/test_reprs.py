"""What a notebook shows of the objects: short, useful, and harmless."""

from pathlib import Path

import pandas as pd
import pytest

import swa


def test_a_recording_is_one_line_and_a_table(make_recording) -> None:
    recording = make_recording({"C4-M1": [0.0] * 3000, "E1-M2": [0.0] * 3000, "<b>": [0.0] * 3000})
    assert repr(recording) == "<Recording memory.edf: 0.01 h, from 2024-03-01 22:40; 1 EEG, 1 EOG>"
    shown = recording._repr_html_()
    assert "C4-M1" in shown
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown


@pytest.fixture
def results(tmp_path: Path) -> swa.Results:
    nights = {"subject": ["S<1>", "S2"], "session": "a", "condition": "ketamine", "status": ["done", "failed"]}
    pd.DataFrame(nights).to_csv(tmp_path / "nights.tsv", sep="\t", index=False)
    row = {"subject": "group", "contrast": "ketamine:baseline", "channel": "C4-M1", "stages": "NREM", "window": "night"}
    row |= {"measure": "swa", "variant": "", "estimate": 1.25, "ci_low": 1.1, "ci_high": 1.4, "p": 0.03, "n": 6}
    pd.DataFrame([row]).to_csv(tmp_path / "contrasts.tsv", sep="\t", index=False)
    return swa.read_results(tmp_path)


def test_results_are_one_line_and_two_tables(results: swa.Results) -> None:
    assert repr(results).endswith("2 subjects, nights 1 done, 1 failed; ketamine:baseline>")
    shown = results._repr_html_()
    assert "1.25" in shown
    assert "S&lt;1&gt;" in shown
    assert "<1>" not in shown
