"""The upper bounds of docs/limits.md are those of the code, and each is gone beyond."""

from pathlib import Path

import numpy as np
import pytest

from swa.errors import RecordingError, ScoringError, StudyError
from swa.recordings import limits
from swa.recordings.recording import read_recording
from swa.sleep.scoring import read_hypnogram
from swa.study.plan.study_file import read_study_file

DOCS = Path(__file__).resolve().parents[1] / "docs" / "limits.md"
BOUNDS = {name: value for name, value in vars(limits).items() if name.isupper()}


def said(name, value):
    if name.endswith("_S"):
        return f"{value / 3600:g} h"
    if name.endswith("_HZ"):
        return f"{value:,.0f} Hz"
    if name.endswith("_BYTES"):
        return f"{value / 2**30:g} GB" if value % 2**30 == 0 else f"{value / 1e6:g} MB"
    return f"{value:,}"


@pytest.mark.parametrize("name", BOUNDS)
def test_each_bound_stands_in_the_docs(name):
    (line,) = (line for line in DOCS.read_text(encoding="utf-8").splitlines() if f"`{name}`" in line)
    assert said(name, BOUNDS[name]) in [cell.strip() for cell in line.split("|")]


@pytest.fixture
def edf(write_edf, tmp_path):
    rng = np.random.default_rng(0)
    return write_edf(tmp_path / "night.edf", {"C4-M1": rng.normal(0, 20, 6000), "C3-M2": rng.normal(0, 20, 6000)})


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({244: ("172801", 8)}, "at most 48 h"),
        ({244: ("0.00001", 8)}, "at most 1e"),
        ({252: ("", 4), 184: (str(256 * (limits.MOST_SIGNALS + 2)), 8)}, "how many signals"),
    ],
)
def test_a_recording_beyond_a_bound_is_refused(edf, fields, told):
    raw = bytearray(edf.read_bytes())
    for place, (text, width) in fields.items():
        raw[place : place + width] = text.ljust(width).encode()
    edf.write_bytes(raw)
    with pytest.raises(RecordingError, match=told):
        read_recording(edf)


@pytest.mark.parametrize(
    "text",
    [
        "W" * (limits.MOST_SCORING_BYTES + 1),
        "W\n" * (limits.MOST_SCORING_LINES + 1),
        "W,1\n" + "1," * (limits.MOST_SCORING_CELLS + 1),
        "<a>" + " " * limits.MOST_XML_BYTES + "</a>",
    ],
    ids=["bytes", "lines", "cells", "xml"],
)
def test_a_scoring_beyond_a_bound_is_refused(tmp_path, text):
    path = tmp_path / "scoring.csv"
    path.write_text(text)
    with pytest.raises(ScoringError, match="too much for a scoring"):
        read_hypnogram(path)


@pytest.mark.parametrize(
    "text",
    [
        "S,a,b\n" * (limits.MOST_STUDY_ROWS + 1),
        "x," * (limits.MOST_STUDY_COLUMNS + 1),
        " " * (limits.MOST_STUDY_BYTES + 1),
    ],
    ids=["rows", "columns", "bytes"],
)
def test_a_study_file_beyond_a_bound_is_refused(tmp_path, text):
    path = tmp_path / "study.csv"
    path.write_text("subject,condition,recording" + ("," if text[:2] == "x," else "\n") + text)
    with pytest.raises(StudyError, match=r"beyond row|too much for a study file"):
        read_study_file(path)
