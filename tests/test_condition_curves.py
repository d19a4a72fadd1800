"""Nights of a condition taken together: each weighs the same, and their slope is that of the contrasts."""

import numpy as np
import pandas as pd
import pytest

from swa.measures.matched_slopes import SlopeLine
from swa.report import figures
from swa.settings import Settings
from swa.study.condition_curves import (
    class_slopes,
    count_by_amplitude,
    mean_line,
    mean_spectrum,
    mean_wave,
)
from swa.tables_of_study import _subject_tasks


def test_waves_by_size_are_per_minute_and_nights_weigh_the_same():
    amplitude = np.arange(10.0, 110.0)
    table = count_by_amplitude([(amplitude, 10.0), (amplitude, 20.0), (amplitude, 0.0)], 42.5).set_index("amplitude_uv")
    assert table.loc[0, "waves_per_min"] == pytest.approx((100 / 10 + 100 / 20) / 2)
    assert table.loc[60, "waves_per_min"] == pytest.approx((50 / 10 + 50 / 20) / 2)
    assert table.loc[42.5, "n_waves"] == 2 * 67  # 43 to 109: the limit of slow waves has a row of its own
    assert set(table["minutes"]) == {30.0}
    assert (table["waves_per_min"].diff().dropna() <= 0).all()
    assert figures.wave_amplitudes(table.reset_index().assign(condition="a")).axes[0].lines
    assert count_by_amplitude([(np.array([]), 10.0)], 40.0).empty


def test_classes_of_amplitude_have_equal_counts():
    amplitude = np.geomspace(40, 200, 400)
    table = class_slopes(amplitude, 5 * amplitude)
    assert table["n_waves"].tolist() == [40] * 10
    assert table["slope_median_uv_s"].tolist() == pytest.approx((5 * table["amplitude_uv"]).tolist())
    assert (table["slope_q1_uv_s"] < table["slope_q3_uv_s"]).all()
    assert class_slopes(amplitude[:79], amplitude[:79]).empty


def test_the_line_of_several_nights_is_their_geometric_mean():
    lines = [SlopeLine(at_reference=value, exponent=exponent, n=50) for value, exponent in ((200.0, 0.8), (450.0, 1.0))]
    none = SlopeLine(at_reference=float("nan"), exponent=float("nan"), n=12)
    found = mean_line([*lines, none])
    assert (found.at_reference, found.exponent, found.n) == (pytest.approx(300.0), pytest.approx(0.9), 100)
    assert mean_line([lines[0], none]) == lines[0]
    assert np.isnan(mean_line([none]).at_reference)


def test_mean_waves_and_spectra_of_nights():
    wave = pd.DataFrame({"channel": "a", "time_s": [0.0, 1.0], "mean_uv": [-60.0, 30.0], "sd_uv": 3.0, "n_waves": 5})
    other = wave.assign(mean_uv=[-80.0, 50.0], sd_uv=4.0, n_waves=7)
    found = mean_wave([wave, other, wave.iloc[:0]])
    assert found["mean_uv"].tolist() == [-70.0, 40.0]
    assert found["sd_uv"].tolist() == pytest.approx([np.sqrt(12.5)] * 2)
    assert set(found["n_waves"]) == {12}
    place = {"channel": "a", "stages": "NREM", "window": "night", "frequency_hz": [1.0, 2.0], "n_epochs": 3}
    spectrum = pd.DataFrame(place).assign(density_uv2_hz=[4.0, 2.0])
    found = mean_spectrum([spectrum, spectrum.assign(density_uv2_hz=[16.0, 2.0])])
    assert found["density_uv2_hz"].tolist() == pytest.approx([8.0, 2.0])
    assert mean_wave([wave]) is wave


def test_nights_for_adaptation_before_the_infusion_and_of_copies_are_not_those_of_their_condition(tmp_path):
    rows = [
        ("placebo", "adapt", "yes", "", ""),
        ("placebo", "p-pre", "", "pre", ""),
        ("placebo", "p-post", "", "post", ""),
        ("ketamine", "k-pre", "", "pre", ""),
        ("ketamine", "k-post", "", "post", ""),
        ("ketamine", "k-copy", "", "post", "k-post"),
    ]
    nights = pd.DataFrame(rows, columns=["condition", "session", "adaptation", "phase", "same_recording"])
    nights = nights.assign(subject="A", subject_label="A", session_label=nights["session"], status="done")
    nights.loc[4, "same_recording"] = "k-post"
    (task,) = _subject_tasks(nights, "placebo", tmp_path, Settings())
    assert [night.session for night in task.nights if night.compared] == ["p-post", "k-post"]
    assert [night.session for night in task.nights if night.adaptation] == ["adapt"]
