"""Spindles: planted ones are found, those in unusable time are not, and none there is not the same as not measured."""

import logging
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy

from swa.measures.spindles import SPINDLE_COLUMNS, _short_spectrograms, detect_spindles, summarize_spindles
from swa.settings import SpindleSettings

SCIPY = tuple(map(int, scipy.__version__.split(".")[:2]))
RATE_HZ = 100.0
EPOCH_S = 30.0
MINUTES = 12
N_SAMPLES = int(MINUTES * 60 * RATE_HZ)
STAGES = np.array(["W"] * 2 + ["N2"] * 12 + ["N3"] * 8 + ["R"] * 2)
ALL = np.ones(N_SAMPLES, bool)
CENTRES_S = np.arange(70.0, 650.0, 8.0)  # all in N2 or N3
FREQUENCY_HZ, PEAK_TO_PEAK_UV = 13.5, 50.0


def background(seed=0, rms_uv=10.0):
    """Pink noise, 1/f in power, with slow waves too small to matter."""
    rng = np.random.default_rng(seed)
    frequencies = np.fft.rfftfreq(N_SAMPLES, 1 / RATE_HZ)
    pink = np.fft.irfft(np.fft.rfft(rng.normal(0, 1, N_SAMPLES)) / np.sqrt(np.maximum(frequencies, 0.3)), N_SAMPLES)
    return rms_uv * pink / pink.std()


def planted(centres_s=CENTRES_S, frequency_hz=FREQUENCY_HZ, peak_to_peak_uv=PEAK_TO_PEAK_UV):
    """Spindles of 1.2 s under a Gaussian envelope."""
    time_s = np.arange(N_SAMPLES) / RATE_HZ
    signal = np.zeros(N_SAMPLES)
    for centre in centres_s:
        near = np.abs(time_s - centre) < 1.5
        offset = time_s[near] - centre
        signal[near] += (
            peak_to_peak_uv / 2 * np.exp(-(offset**2) / 2 / 0.3**2) * np.cos(2 * np.pi * frequency_hz * offset)
        )
    return signal


SIGNAL = background() + planted()
FOUND = detect_spindles(SIGNAL, ALL, STAGES, EPOCH_S, RATE_HZ)


def test_planted_spindles_are_found_where_they_are():
    distance = np.abs(FOUND.table["peak_s"].to_numpy()[:, None] - CENTRES_S)

    assert (distance.min(axis=0) < 0.3).mean() >= 0.97  # recall
    assert (distance.min(axis=1) < 0.5).mean() >= 0.90  # precision
    assert list(FOUND.table.columns) == list(SPINDLE_COLUMNS)
    assert FOUND.reason == ""
    assert (FOUND.table["start_s"] < FOUND.table["peak_s"]).all()
    assert (FOUND.table["peak_s"] < FOUND.table["end_s"]).all()


def test_summary_has_their_density_amplitude_and_frequency():
    minutes = sum(FOUND.analysed_min.values())
    rows = summarize_spindles(FOUND.table, minutes)

    assert FOUND.analysed_min == {"N2": pytest.approx(6.0), "N3": pytest.approx(4.0)}
    assert rows["spindle_density"][0] == pytest.approx(len(CENTRES_S) / 10.0, rel=0.10)
    assert rows["spindle_density"][1:] == ("1/min", len(FOUND.table), "")
    assert rows["spindle_amplitude"][0] == pytest.approx(PEAK_TO_PEAK_UV, rel=0.10)
    assert rows["spindle_frequency"][0] == pytest.approx(FREQUENCY_HZ, abs=0.1)
    assert {name: row[1] for name, row in rows.items()} == {
        "spindle_density": "1/min",
        "spindle_amplitude": "µV",
        "spindle_frequency": "Hz",
    }


def test_stage_is_that_of_the_epoch():
    stage = STAGES[(FOUND.table["peak_s"] // EPOCH_S).astype(int)]

    assert (FOUND.table["stage"] == stage).all()
    assert set(FOUND.table["stage"]) == {"N2", "N3"}


def test_spindles_of_other_stages_do_not_count():
    signal = background(1) + planted(np.array([20.0, 40.0, 200.0, 300.0, 670.0, 690.0]), peak_to_peak_uv=80.0)

    table = detect_spindles(signal, ALL, STAGES, EPOCH_S, RATE_HZ).table

    assert np.abs(table["peak_s"].to_numpy() - 200).min() < 0.3
    assert table["start_s"].min() >= 60
    assert table["end_s"].max() <= 660


def test_rem_and_wake_between_two_stretches_change_no_spindle_of_either():
    stages = np.array(["N2"] * 8 + ["R"] * 8 + ["N2"] * 8)
    plain = detect_spindles(SIGNAL, ALL, stages, EPOCH_S, RATE_HZ).table
    between = SIGNAL.copy()
    between[25_500:46_500] = 5 * background(4)[25_500:46_500]  # more than 10 s from either stretch

    pd.testing.assert_frame_equal(detect_spindles(between, ALL, stages, EPOCH_S, RATE_HZ).table, plain)
    assert (plain["peak_s"] < 240).sum() > 15
    assert (plain["peak_s"] > 480).sum() > 15


def test_spindle_that_touches_unusable_time_is_dropped_whole_and_minutes_shrink():
    usable = ALL.copy()
    centre = CENTRES_S[10]
    usable[int((centre + 0.2) * RATE_HZ) : int((centre + 1.2) * RATE_HZ)] = False  # cuts its right half

    found = detect_spindles(SIGNAL, usable, STAGES, EPOCH_S, RATE_HZ)

    assert np.abs(FOUND.table["peak_s"] - centre).min() < 0.3
    assert np.abs(found.table["peak_s"] - centre).min() > 2
    assert found.analysed_min["N2"] == pytest.approx(6 - 1 / 60)
    others = found.table["peak_s"][np.abs(found.table["peak_s"] - centre) > 20]
    assert len(others) == pytest.approx((np.abs(FOUND.table["peak_s"] - centre) > 20).sum(), abs=2)


@pytest.mark.parametrize("gain", [0.5, 1.5])
def test_gain_scales_amplitudes_and_leaves_density_and_frequency(gain):
    other = detect_spindles(SIGNAL * gain, ALL, STAGES, EPOCH_S, RATE_HZ).table

    assert other["start_s"].tolist() == FOUND.table["start_s"].tolist()
    assert (other["amplitude_uv"] / FOUND.table["amplitude_uv"]).to_numpy() == pytest.approx(gain)
    assert other["frequency_hz"].to_numpy() == pytest.approx(FOUND.table["frequency_hz"].to_numpy())


def test_later_start_of_the_recording_moves_the_times_alone():
    lead = int(4 * EPOCH_S * RATE_HZ)
    stages = np.concatenate([["W"] * 4, STAGES])
    signal = np.concatenate([background(5)[:lead], SIGNAL])

    later = detect_spindles(signal, np.ones(len(signal), bool), stages, EPOCH_S, RATE_HZ)

    assert len(later.table) == pytest.approx(len(FOUND.table), abs=1)
    distance = np.abs(later.table["peak_s"].to_numpy()[:, None] - 4 * EPOCH_S - FOUND.table["peak_s"].to_numpy())
    assert np.median(distance.min(axis=1)) < 0.02


def test_larger_slow_waves_take_no_spindle_away_and_do_not_change_their_amplitude():
    time_s = np.arange(N_SAMPLES) / RATE_HZ
    slow = 30 * np.sin(2 * np.pi * 1.4 * time_s)

    without, with_slow = (detect_spindles(SIGNAL + part, ALL, STAGES, EPOCH_S, RATE_HZ).table for part in (0, slow))

    assert len(with_slow) == pytest.approx(len(without), rel=0.03)
    assert with_slow["amplitude_uv"].median() == pytest.approx(without["amplitude_uv"].median(), rel=0.02)


def test_against_a_band_that_holds_slow_waves_they_do_take_spindles_away():
    """Why the default departs from YASA's 1-30 Hz."""
    slow = 30 * np.sin(2 * np.pi * 1.4 * np.arange(N_SAMPLES) / RATE_HZ)
    yasa = SpindleSettings(broad_hz=(1.0, 30.0), relative_power=0.2)

    without, with_slow = (
        detect_spindles(SIGNAL + part, ALL, STAGES, EPOCH_S, RATE_HZ, yasa).table for part in (0, slow)
    )

    assert len(with_slow) < 0.8 * len(without)


def test_band_is_a_setting():
    signal = background() + planted(frequency_hz=11.0)

    slow = detect_spindles(signal, ALL, STAGES, EPOCH_S, RATE_HZ, SpindleSettings(band_hz=(10.0, 12.0))).table
    fast = detect_spindles(signal, ALL, STAGES, EPOCH_S, RATE_HZ, SpindleSettings(band_hz=(14.0, 16.0))).table

    assert len(slow) > 0.9 * len(CENTRES_S)
    assert slow["frequency_hz"].median() == pytest.approx(11.0, abs=0.15)
    assert len(fast) < 0.3 * len(CENTRES_S)


def test_none_there_is_a_density_of_zero_and_silent(caplog, capsys):
    slow = 40 * np.sin(2 * np.pi * 1.1 * np.arange(N_SAMPLES) / RATE_HZ)  # no share of sigma anywhere

    with caplog.at_level(logging.DEBUG):
        found = detect_spindles(background(2, 2.0) + slow, ALL, STAGES, EPOCH_S, RATE_HZ)

    rows = summarize_spindles(found.table, 10.0, found.reason)
    assert found.reason == ""
    assert list(found.table.columns) == list(SPINDLE_COLUMNS)
    assert found.table.dtypes.equals(FOUND.table.dtypes)
    assert rows["spindle_density"] == (0.0, "1/min", 0, "")
    assert np.isnan(rows["spindle_amplitude"][0])
    assert rows["spindle_frequency"][2:] == (0, "no spindle there")
    assert not [record for record in caplog.records if record.name.startswith("yasa")]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("signal", "usable", "stages", "rate_hz", "reason"),
    [
        (SIGNAL, ~ALL, STAGES, RATE_HZ, "0.0 min of usable N2 and N3, 5 are needed"),
        (SIGNAL, ALL, np.full(24, "R"), RATE_HZ, "0.0 min of usable N2 and N3"),
        (SIGNAL[::2], ALL[::2], STAGES, RATE_HZ / 2, "a rate of 50 Hz, more than 60 is needed"),
        (SIGNAL * 1e-6, ALL, STAGES, RATE_HZ, "no EEG"),
        (np.where(np.arange(N_SAMPLES) == 9000, np.nan, SIGNAL), ALL, STAGES, RATE_HZ, "missing samples"),
    ],
)
def test_not_measured_has_its_reason(signal, usable, stages, rate_hz, reason):
    found = detect_spindles(signal, usable, stages, EPOCH_S, rate_hz)
    rows = summarize_spindles(found.table, sum(found.analysed_min.values()), found.reason)

    assert reason in found.reason
    assert all(np.isnan(value) and note == found.reason for value, _, _, note in rows.values())


def test_stretch_without_time_is_not_measured():
    assert summarize_spindles(FOUND.table.iloc[:0], 0.0)["spindle_density"][3] == "no usable N2 or N3"


def test_flat_stretch_and_offset_raise_no_warning_and_lose_no_spindle():
    signal, usable = SIGNAL.copy(), ALL.copy()
    flat = slice(int(400 * RATE_HZ), int(420 * RATE_HZ))
    signal[flat], usable[flat] = 0.0, False

    found = detect_spindles(signal + 3000.0, usable, STAGES, EPOCH_S, RATE_HZ)

    assert len(found.table) == pytest.approx((~FOUND.table["peak_s"].between(399, 421)).sum(), abs=3)


def test_flags_of_another_length_are_an_error():
    with pytest.raises(ValueError, match="usable flags"):
        detect_spindles(SIGNAL, ALL[:-1], STAGES, EPOCH_S, RATE_HZ)


@pytest.mark.slow
def test_a_whole_night_has_the_spindles_of_its_parts():
    repeats = 40  # 8 h
    signal, stages = np.tile(SIGNAL, repeats), np.tile(STAGES, repeats)
    found = detect_spindles(signal.astype(np.float32), np.ones(len(signal), bool), stages, EPOCH_S, RATE_HZ)

    assert len(found.table) == pytest.approx(repeats * len(CENTRES_S), rel=0.1)


# --- gaps: nothing crosses one

GAP = (30_037, 40_037)  # samples; 100 s


def interrupted(signal, offset_uv=0.0):
    """The signal as a recording with a gap gives it: still at its mean there, another offset behind it."""
    changed = signal.copy()
    changed[GAP[1] :] += offset_uv
    changed[GAP[0] : GAP[1]] = np.mean(np.delete(changed, slice(*GAP)))
    usable = ALL.copy()
    usable[slice(*GAP)] = False
    return changed, usable


def test_spindles_outside_a_gap_are_those_of_the_whole_night_to_the_sample():
    signal, usable = interrupted(SIGNAL)
    pieces = [(0, GAP[0]), (GAP[1], N_SAMPLES)]
    found = detect_spindles(signal, usable, STAGES, EPOCH_S, RATE_HZ, pieces=pieces).table
    whole = detect_spindles(SIGNAL, usable, STAGES, EPOCH_S, RATE_HZ).table  # filled, and not counted

    def far(table, s=4.0):
        outside = (table["end_s"] < GAP[0] / RATE_HZ - s) | (table["start_s"] > GAP[1] / RATE_HZ + s)
        return table[outside].reset_index(drop=True)

    np.testing.assert_allclose(far(found)["peak_s"], far(whole)["peak_s"], atol=1e-9)
    # YASA's moving windows of 0.1 s round their times: an edge may move by 2 samples.
    np.testing.assert_allclose(far(found)[["start_s", "end_s"]], far(whole)[["start_s", "end_s"]], atol=0.021)
    columns = ["amplitude_uv", "frequency_hz"]
    np.testing.assert_allclose(far(found)[columns], far(whole)[columns], rtol=5e-3)
    assert (far(found)["start_s"] > GAP[1] / RATE_HZ).sum() > 20
    assert not ((found["start_s"] < GAP[1] / RATE_HZ) & (found["end_s"] > GAP[0] / RATE_HZ)).any()


def test_what_stands_before_a_gap_does_not_reach_behind_it():
    pieces = [(0, GAP[0]), (GAP[1], N_SAMPLES)]
    tables = []
    for offset_uv in (0.0, 400.0):
        signal, usable = interrupted(SIGNAL, offset_uv)
        tables.append(detect_spindles(signal, usable, STAGES, EPOCH_S, RATE_HZ, pieces=pieces).table)
    pd.testing.assert_frame_equal(*tables, rtol=1e-4)  # the Hilbert transform falls as 1 / t


def test_spindles_beside_a_gap_are_found():
    """Two seconds from either edge: the mirror image keeps the windows from running dry."""
    centres_s = np.array([GAP[0] / RATE_HZ - 2.0, GAP[1] / RATE_HZ + 2.0, 100.0, 500.0])
    signal, usable = interrupted(background(seed=3) + planted(centres_s))
    pieces = [(0, GAP[0]), (GAP[1], N_SAMPLES)]
    found = detect_spindles(signal, usable, STAGES, EPOCH_S, RATE_HZ, pieces=pieces).table
    distance = np.abs(found["peak_s"].to_numpy()[:, None] - centres_s)
    assert (distance.min(axis=0) < 0.3).all()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux how much memory is held")
@pytest.mark.skipif(SCIPY >= (1, 18), reason="scipy keeps no tables of transforms from 1.18 on")
def test_long_transforms_are_not_kept_from_night_to_night():
    """scipy keeps tables for 16 lengths; a batch has a length for every night."""
    code = """
import ctypes, numpy as np, psutil, scipy.fft
from swa.measures.spindles import _forget_transforms
def held_mb():
    ctypes.CDLL(None).malloc_trim(0)
    return psutil.Process().memory_info().rss / 2**20
_forget_transforms()
before = held_mb()
for length in (1_900_000, 1_920_000, 1_944_000):
    scipy.fft.ifft(scipy.fft.rfft(np.ones(length)))
kept = held_mb()
_forget_transforms()
print(before, kept, held_mb())
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, kept, after = map(float, found.stdout.split())
    assert kept - before > 60, "scipy no longer keeps them: `_forget_transforms` can go"
    assert after - before < 20


@pytest.mark.parametrize("rate_hz", [100.0, 125.0, 128.0, 199.5, 256.0])
def test_a_spectrogram_in_stretches_is_that_of_the_whole_night_bit_for_bit(rate_hz: float) -> None:
    from yasa import detection

    signal = np.random.default_rng(1).normal(size=round(2000 * rate_hz) + 17).cumsum()
    asked = {"window": 2, "step": 0.2, "band": (4.5, 30), "interp": False, "norm": False}
    function = detection.stft_power
    whole = function(signal, rate_hz, **asked)
    with _short_spectrograms():
        stretches = detection.stft_power(signal, rate_hz, **asked)
    assert detection.stft_power is function
    for ours, theirs in zip(stretches, whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_yasa_asks_for_the_spectrogram_that_is_made_in_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A YASA that asks for another one, or names its function otherwise, would need a whole night's memory again."""
    from yasa import detection

    asked = []
    function = detection.stft_power

    def seen(data, sf, **others):  # type: ignore[no-untyped-def]
        asked.append((len(data), others))
        return function(data, sf, **others)

    monkeypatch.setattr(detection, "stft_power", seen)
    rate_hz = 100.0
    signal = np.random.default_rng(2).normal(0, 20, round(2400 * rate_hz))
    epochs = len(signal) // round(30 * rate_hz)
    detect_spindles(signal, np.ones(len(signal), bool), np.full(epochs, "N2"), 30.0, rate_hz)
    assert len(asked) > 1
    assert max(length for length, _ in asked) < 0.6 * len(signal)
    assert all(others["interp"] is False for _, others in asked)
