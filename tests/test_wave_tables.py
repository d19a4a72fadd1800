"""Waves that another program detected become rows of the long table."""

import numpy as np
import pandas as pd
import pytest

import swa
from swa.errors import ScoringError, StudyError
from swa.tables.results_tables import WAVES

WHOSE = {"subject": "S01", "condition": "baseline", "detector": "lab"}


def _waves(times_s, channel="C4-M1", depth_uv=60.0):
    start = np.asarray(times_s, dtype=float)
    return pd.DataFrame(
        {
            "channel": channel,
            "start_s": start,
            "negative_peak_s": start + 0.25,
            "midcrossing_s": start + 0.45,
            "end_s": start + 1.0,
            "negative_amplitude_uv": depth_uv,
            "peak_to_peak_uv": 2 * depth_uv,
        }
    )


def _value(table, measure, stages="NREM", window="night", channel="C4-M1"):
    rows = table[(table["stages"] == stages) & (table["window"] == window) & (table["channel"] == channel)]
    return rows.set_index("measure").loc[measure]


def test_density_counts_the_waves_of_the_stage_per_minute(make_hypnogram) -> None:
    hypnogram = make_hypnogram("W*10 N2*20 N3*20")  # N2 from 300 s, N3 from 900 s
    table = swa.measures_from_waves(_waves([10, 310, 320, 910, 920, 930]), hypnogram, **WHOSE)
    assert _value(table, "wave_density", "N2")["value"] == pytest.approx(2 / 10)
    assert _value(table, "wave_density", "N3")["value"] == pytest.approx(3 / 10)
    assert _value(table, "wave_density")["n"] == 5
    assert _value(table, "wave_slope_up")["value"] == pytest.approx(60 / 0.2)
    assert _value(table, "wave_slope_down")["value"] == pytest.approx(60 / 0.25)
    assert _value(table, "wave_duration")["value"] == pytest.approx(1.0)
    assert set(table["variant"]) == {"lab"}
    assert set(table["session"]) == {"baseline"}


def test_what_the_table_does_not_tell_is_missing_with_a_reason(make_hypnogram) -> None:
    table = swa.measures_from_waves(_waves([10, 20]), make_hypnogram("N2*20"), **WHOSE)
    row = _value(table, "wave_max_slope_up")
    assert np.isnan(row["value"])
    assert "max_slope_up_uv_s" in row["note"]
    assert "halfwave_rate" not in set(table["measure"])


def test_a_searched_channel_without_waves_has_density_zero_and_others_none(make_hypnogram) -> None:
    table = swa.measures_from_waves(_waves([10]), make_hypnogram("N2*20"), channels=["C4-M1", "F3-M2"], **WHOSE)
    assert _value(table, "wave_density", channel="F3-M2")["value"] == 0
    assert np.isnan(_value(table, "wave_duration", channel="F3-M2")["value"])
    nothing = swa.measures_from_waves(_waves([]), make_hypnogram("N2*20"), channels=["C4-M1"], **WHOSE)
    assert _value(nothing, "wave_density")["value"] == 0


def test_density_is_per_minute_of_usable_time(make_hypnogram) -> None:
    usable_s = np.r_[np.full(10, 30.0), np.zeros(10)]
    table = swa.measures_from_waves(_waves([10, 20]), make_hypnogram("N2*20"), usable_s=usable_s, **WHOSE)
    assert _value(table, "wave_density")["value"] == pytest.approx(2 / 5)


def test_waves_of_our_own_detector_give_our_own_measures(night) -> None:
    """The same waves by the other door: equal to what analyze_night says."""
    hypnogram, criteria = night.hypnogram, night.waves.criteria
    usable = night.epochs[night.epochs["channel"] == "C4-M1"]["usable_s"].to_numpy()
    table = night.waves.table
    table = table[table["channel"] == "C4-M1"]
    assert set(table.columns) == set(WAVES.names)
    found = swa.measures_from_waves(table, hypnogram, usable_s=usable, criteria=criteria, **WHOSE)
    keys = ["channel", "stages", "window", "measure"]
    both = found[[*keys, "value"]].merge(night.measures[[*keys, "value"]], on=keys, suffixes=("", "_ours"))
    assert len(both) == len(found) > 200
    np.testing.assert_allclose(both["value"], both["value_ours"], rtol=1e-4)


def test_waves_of_yasa_enter_the_comparison(night_recording, long_hypnogram) -> None:
    """Waves a fifth larger: more of them are found by YASA, and our comparison says so."""
    import yasa

    names = {
        "Channel": "channel",
        "Start": "start_s",
        "NegPeak": "negative_peak_s",
        "MidCrossing": "midcrossing_s",
        "End": "end_s",
        "ValNegPeak": "negative_amplitude_uv",
        "PTP": "peak_to_peak_uv",
    }
    group = night_recording.read(night_recording.of_role("eeg")[:1])
    tables = []
    for subject in ("S01", "S02"):
        for condition, gain in (("baseline", 0.5), ("ketamine", 0.6)):
            found = yasa.sw_detect(
                group.data_uv * gain, sf=group.rate_hz, ch_names=[group.channels[0].name], verbose="error"
            )
            waves = found.summary().rename(columns=names)
            tables.append(
                swa.measures_from_waves(waves, long_hypnogram, subject=subject, condition=condition, detector="yasa")
            )
    contrasts = swa.compare_nights(pd.concat(tables))
    row = contrasts.query("subject == 'group' and measure == 'wave_density' and window == 'night' and stages == 'NREM'")
    assert row["variant"].tolist() == ["yasa"]
    assert row["estimate"].item() > 1.05


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda waves: waves.drop(columns="start_s"), "has no column start_s"),
        (lambda waves: waves.drop(columns="peak_to_peak_uv"), "two of negative"),
        (lambda waves: waves.assign(midcrossing_s=0.0), "row 1: its times are not in the order"),
        (lambda waves: waves.assign(negative_amplitude_uv=["60", "x"]), "row 2: negative_amplitude_uv is 'x'"),
        (lambda waves: _waves([10, 700]), "lies outside"),
        (lambda waves: waves.iloc[:0], "no channels are named"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_row(make_hypnogram, change, said) -> None:
    with pytest.raises(StudyError, match=said):
        swa.measures_from_waves(change(_waves([10, 20])), make_hypnogram("N2*20"), **WHOSE)


def test_a_list_of_stages_is_no_hypnogram() -> None:
    with pytest.raises(ScoringError, match=r"yasa\.Hypnogram"):
        swa.measures_from_waves(_waves([10]), ["N2"] * 20, **WHOSE)
