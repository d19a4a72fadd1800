"""Half-waves of shapes whose amplitude, duration and slope are known, and the symmetries of a detector."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.signal import firwin

from swa.measures.slow_waves import (
    average_waveform,
    detect_in_trace,
    filter_for_waves,
    find_halfwaves,
    is_halfwave,
    measure_waves,
    select_waves,
    summarize_waves,
)
from swa.recordings.resampling import resample
from swa.settings import WaveCriteria

RATE_HZ = 100.0
CRITERIA = WaveCriteria()


def measured(trace, rate_hz=RATE_HZ, criteria=CRITERIA):
    trace = np.asarray(trace, float)
    return measure_waves(trace, find_halfwaves(trace), rate_hz, criteria)


def detected(signal, rate_hz=RATE_HZ, criteria=CRITERIA):
    return detect_in_trace(filter_for_waves(signal, rate_hz, criteria), rate_hz, criteria)


def sine(frequency_hz, amplitude_uv, seconds, rate_hz=RATE_HZ, phase=0.0):
    return amplitude_uv * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate_hz)) / rate_hz + phase)


def pink(seed, seconds, rate_hz=RATE_HZ, sd=25.0):
    """Noise that falls as 1/f above 0.3 Hz, without power above 20 Hz."""
    n_samples = round(seconds * rate_hz)
    frequencies = np.fft.rfftfreq(n_samples, 1 / rate_hz)
    shape = np.where((frequencies > 0.3) & (frequencies < 20), 1 / np.maximum(frequencies, 0.3), 0)
    signal = np.fft.irfft(np.fft.rfft(np.random.default_rng(seed).normal(size=n_samples)) * shape, n_samples)
    return signal * sd / signal.std()


def isolated(times_s, rate_hz, seconds, amplitude_uv=100.0, fall_s=0.22, rise_s=0.28):
    """Negative waves of cosine shape, each followed by a positive half of the same area."""
    whole = np.zeros(round(seconds * rate_hz))
    for time in times_s:
        first, last = round((time - 1) * rate_hz), round((time + 2) * rate_hz)
        signal, t = whole[max(first, 0) : last], np.arange(max(first, 0), min(last, len(whole))) / rate_hz
        before, after = (t - time + fall_s) / (2 * fall_s), (t - time) / (2 * rise_s) + 0.5
        signal -= amplitude_uv * np.where((t >= time - fall_s) & (t < time), np.sin(np.pi * before), 0)
        signal -= amplitude_uv * np.where((t >= time) & (t < time + rise_s), np.sin(np.pi * after), 0)
        end = time + rise_s
        signal += 0.6 * amplitude_uv * np.where((t >= end) & (t < end + 0.5), np.sin(np.pi * (t - end) / 0.5), 0)
    return whole


# --- measure ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [100.0, 128.0, 200.0, 512.0])
@pytest.mark.parametrize("phase", [0.1, 1.3, 2.9])
def test_amplitude_duration_and_slope_of_a_sine_do_not_depend_on_where_samples_fall(rate_hz, phase):
    waves = measured(sine(1.0, 60.0, 20, rate_hz, phase), rate_hz)
    assert len(waves) >= 18
    np.testing.assert_allclose(waves["negative_amplitude_uv"], 60, rtol=1e-4)
    np.testing.assert_allclose(waves["positive_amplitude_uv"], 60, rtol=1e-4)
    np.testing.assert_allclose(waves["peak_to_peak_uv"], 120, rtol=1e-4)
    np.testing.assert_allclose(waves["duration_s"], 1.0, atol=1e-4)
    np.testing.assert_allclose(waves["midcrossing_s"] - waves["start_s"], 0.5, atol=1e-4)
    np.testing.assert_allclose(waves["slope_down_uv_s"], 60 / 0.25, rtol=1e-3)
    np.testing.assert_allclose(waves["slope_up_uv_s"], 60 / 0.25, rtol=1e-3)
    np.testing.assert_allclose(waves["max_slope_up_uv_s"], 60 * 2 * np.pi, rtol=5e-4)
    np.testing.assert_allclose(waves["max_slope_down_uv_s"], 60 * 2 * np.pi, rtol=5e-4)


def test_zero_crossings_are_interpolated():
    waves = measured([1.0, 3.0, -1.0, -2.0, -1.0, 1.0, 2.0, -2.0])
    assert len(waves) == 1
    assert waves.loc[0, "start_s"] == pytest.approx(0.0175)
    assert waves.loc[0, "midcrossing_s"] == pytest.approx(0.045)
    assert waves.loc[0, "end_s"] == pytest.approx(0.065)


def test_slopes_are_amplitude_over_time_to_and_from_the_negative_peak():
    triangle = np.concatenate([[0.5], np.linspace(0, -100, 21), np.linspace(-100, 0, 51)[1:], np.full(30, 1.0), [-1.0]])
    wave = measured(triangle).iloc[0]
    assert wave["negative_amplitude_uv"] == pytest.approx(100, rel=0.01)
    assert wave["slope_down_uv_s"] == pytest.approx(100 / 0.2, rel=0.02)
    assert wave["slope_up_uv_s"] == pytest.approx(100 / 0.5, rel=0.02)


def test_columns_of_a_wave_are_in_order_of_time():
    waves = measured(pink(0, 300))
    times = waves[["start_s", "negative_peak_s", "midcrossing_s", "positive_peak_s", "end_s"]].to_numpy()
    filtered = measured(filter_for_waves(pink(0, 300), RATE_HZ, CRITERIA))
    ordered = filtered[["start_s", "negative_peak_s", "midcrossing_s", "positive_peak_s", "end_s"]].to_numpy()
    assert (np.diff(ordered, axis=1) > 0).all()
    assert (np.diff(times[:, [0, 2, 4]], axis=1) > 0).all()
    np.testing.assert_array_equal(filtered["end_s"][:-1], filtered["start_s"][1:])


@hypothesis_settings(max_examples=25)
@given(st.integers(0, 50), st.floats(0.05, 20))
def test_a_gain_g_multiplies_amplitudes_and_slopes_by_g_and_leaves_times(seed, gain):
    signal = pink(seed, 30)
    plain, louder = detected(signal), detected(signal * gain)
    for column in plain:
        factor = 1 if column.endswith("_s") and "slope" not in column else gain
        factor = 1 if column == "negative_peaks" else factor
        np.testing.assert_allclose(louder[column], plain[column] * factor, rtol=1e-6, err_msg=column)


def test_inversion_swaps_the_roles_of_peaks():
    trace = filter_for_waves(pink(1, 120), RATE_HZ, CRITERIA)
    upright, inverted = measured(trace), measured(-trace)
    offset = 0 if inverted.loc[0, "start_s"] > upright.loc[0, "start_s"] else 1
    n = min(len(upright), len(inverted) - offset)
    mirror = inverted.iloc[offset : offset + n].reset_index(drop=True)
    upright = upright.iloc[:n]
    np.testing.assert_allclose(mirror["negative_amplitude_uv"], upright["positive_amplitude_uv"])
    np.testing.assert_allclose(mirror["negative_peak_s"], upright["positive_peak_s"])
    np.testing.assert_allclose(mirror["start_s"], upright["midcrossing_s"])


def test_a_shift_in_time_shifts_times_alone():
    waves, shifted = detected(np.tile(pink(2, 60), 3)), detected(np.tile(pink(2, 60), 4))
    inner = waves[waves["start_s"].between(65, 115)].reset_index(drop=True)
    later = shifted[shifted["start_s"].between(125, 175)].reset_index(drop=True)
    assert len(inner) > 20
    for column in inner:
        by = 60 if column in ("start_s", "negative_peak_s", "midcrossing_s", "positive_peak_s", "end_s") else 0
        np.testing.assert_allclose(later[column], inner[column] + by, rtol=1e-6, atol=1e-6, err_msg=column)


@pytest.mark.parametrize(
    ("notches", "expected"), [([], 1), ([(0.02, 0.5)], 2), ([(-0.1, 0.4), (0.12, 0.4)], 3), ([(0.02, 0.03)], 1)]
)
def test_negative_peaks_are_counted_when_they_stand_out_by_a_tenth(notches, expected):
    t = np.arange(-100, 101) / 100
    shape = -100 * np.exp(-((t / 0.3) ** 2)) + 10
    for centre, depth in notches:
        shape += 100 * depth * np.exp(-(((t - centre) / 0.03) ** 2))
    trace = np.concatenate([[1.0], shape, np.full(30, 1.0), [-1.0]])
    assert measured(trace)["negative_peaks"].iloc[0] == expected


def test_the_share_that_a_further_peak_stands_out_by_is_a_setting():
    t = np.arange(-100, 101) / 100
    shape = 10 - 100 * np.exp(-((t / 0.3) ** 2)) + 25 * np.exp(-(((t - 0.02) / 0.03) ** 2))
    trace = np.concatenate([[1.0], shape, np.full(30, 1.0), [-1.0]])
    assert measured(trace, criteria=WaveCriteria(peak_prominence=0.1))["negative_peaks"].iloc[0] == 2
    assert measured(trace, criteria=WaveCriteria(peak_prominence=0.5))["negative_peaks"].iloc[0] == 1


# --- find ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_samples", [0, 1, 2, 50, 3000])
@pytest.mark.parametrize("name", ["riedner2007", "yasa"])
def test_a_flat_or_empty_signal_has_no_wave(n_samples, name):
    table = detected(np.zeros(n_samples), criteria=WaveCriteria.preset(name))
    assert len(table) == 0
    assert "negative_amplitude_uv" in table
    assert not select_waves(table, CRITERIA).any()


def test_a_constant_offset_has_no_wave():
    assert not select_waves(detected(np.full(6000, 3000.0)), CRITERIA).any()


def test_a_steady_drift_makes_no_wave_at_the_ends_of_the_recording():
    assert np.abs(filter_for_waves(20_000 + 100 * np.arange(6000) / RATE_HZ, RATE_HZ, CRITERIA)).max() < 1


@pytest.mark.parametrize("name", ["riedner2007", "yasa"])
def test_an_offset_moves_no_zero_crossing(name):
    criteria = WaveCriteria.preset(name)
    plain, offset = (detected(pink(15, 60) + level, criteria=criteria) for level in (0.0, 20_000.0))
    assert len(plain) > 20
    pd.testing.assert_frame_equal(offset, plain, rtol=1e-6)


@given(st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0]), max_size=60))
def test_halfwaves_are_runs_of_negative_samples_between_samples_that_are_not(values):
    trace = np.array(values)
    halfwaves = find_halfwaves(trace)
    for down, up, end in halfwaves:
        assert trace[down - 1] >= 0
        assert (trace[down:up] < 0).all()
        assert (trace[up:end] >= 0).all()
        assert trace[end] < 0
    falls = np.flatnonzero((trace[:-1] >= 0) & (trace[1:] < 0)) + 1
    np.testing.assert_array_equal(halfwaves[:, 0], falls[:-1])  # the last one has no end
    np.testing.assert_array_equal(halfwaves[:, 2], falls[1:])


@pytest.mark.parametrize("rate_hz", [100.0, 160.0, 256.0, 800.0])
def test_every_planted_isolated_wave_is_found_in_its_place(rate_hz):
    times_s = np.arange(5, 295, 4.0) + np.random.default_rng(3).uniform(0, 1, 73)
    signal = isolated(times_s, rate_hz, 300) + np.random.default_rng(4).normal(0, 2, round(300 * rate_hz))
    waves = detected(signal, rate_hz)
    chosen = waves[select_waves(waves, CRITERIA)]
    assert len(chosen) == len(times_s)
    np.testing.assert_allclose(chosen["negative_peak_s"], times_s, atol=0.06)


def test_the_filter_takes_about_a_fifth_off_an_isolated_wave():
    waves = detected(isolated([10.0], RATE_HZ, 20))
    assert 70 < waves["negative_amplitude_uv"].max() < 90


@pytest.mark.parametrize("rate_hz", [128.0, 160.0, 200.0, 256.0, 500.0, 512.0])
def test_measures_agree_between_sampling_rates_after_resampling(rate_hz):
    rng = np.random.default_rng(5)
    parts = np.transpose([rng.uniform(0.5, 12, 60), rng.uniform(2, 14, 60), rng.uniform(0, 6, 60)])

    def analytic(rate):
        t = np.arange(round(240 * rate)) / rate
        return sum(a * np.sin(2 * np.pi * f * t + p) for f, a, p in parts)

    reference = detected(analytic(100.0))
    waves = detected(resample(analytic(rate_hz), rate_hz, 100.0))
    summary, expected = (summarize_waves(table, CRITERIA, 4.0) for table in (waves, reference))
    for measure, (value, _, _) in expected.items():
        assert summary[measure][0] == pytest.approx(value, rel=0.005), measure
    assert expected["wave_density"][2] > 30


def test_waves_do_not_depend_on_what_lies_far_away():
    middle = pink(6, 120)
    plain = detected(np.concatenate([pink(7, 60), middle, pink(8, 60)]))
    other = detected(np.concatenate([pink(9, 60), middle, pink(10, 60)]))
    inside = [table[table["start_s"].between(70, 170)].reset_index(drop=True) for table in (plain, other)]
    pd.testing.assert_frame_equal(*inside, rtol=1e-4)


# --- select -------------------------------------------------------------------------------------------------------


def wave(**values):
    row = {"start_s": 0.0, "midcrossing_s": 0.5, "end_s": 1.0, "negative_amplitude_uv": 60.0}
    row |= {"positive_amplitude_uv": 40.0, "peak_to_peak_uv": 100.0, "negative_peaks": 1}
    return pd.DataFrame([row | values])


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        ({"negative_amplitude_uv": 40.0}, True),
        ({"negative_amplitude_uv": 39.999}, False),
        ({"peak_to_peak_uv": 75.0}, True),
        ({"peak_to_peak_uv": 74.999}, False),
        ({"midcrossing_s": 0.25}, True),
        ({"midcrossing_s": 0.2499}, False),
        ({"midcrossing_s": 1.0, "end_s": 1.5}, True),
        ({"midcrossing_s": 1.0001, "end_s": 1.5}, False),
        ({"end_s": 9.0}, True),
    ],
)
def test_limits_of_the_default_hold_at_the_limit(values, chosen):
    assert select_waves(wave(**values), CRITERIA).tolist() == [chosen]


@pytest.mark.parametrize(
    ("name", "values", "chosen"),
    [
        ("massimini2004", {"negative_amplitude_uv": 80.0, "peak_to_peak_uv": 140.0}, True),
        ("massimini2004", {"negative_amplitude_uv": 79.0, "peak_to_peak_uv": 140.0}, False),
        ("massimini2004", {"negative_amplitude_uv": 80.0, "peak_to_peak_uv": 139.0}, False),
        ("massimini2004", {"negative_amplitude_uv": 90.0, "peak_to_peak_uv": 150.0, "midcrossing_s": 0.29}, False),
        ("carrier2011", {"midcrossing_s": 0.13, "end_s": 1.1}, True),
        ("carrier2011", {"midcrossing_s": 0.5, "end_s": 1.6}, False),
        ("aasm", {"midcrossing_s": 0.25}, True),
        ("yasa", {"negative_amplitude_uv": 201.0, "peak_to_peak_uv": 300.0}, False),
        ("yasa", {"positive_amplitude_uv": 9.0}, False),
        ("yasa", {"peak_to_peak_uv": 351.0}, False),
        ("yasa", {"midcrossing_s": 0.29}, False),
        ("yasa", {}, True),
    ],
)
def test_presets_have_their_published_limits(name, values, chosen):
    assert select_waves(wave(**values), WaveCriteria.preset(name)).tolist() == [chosen]


def test_the_relative_preset_takes_waves_above_the_mean_of_their_channel_and_night():
    """Five small waves and one large: whatever the size of all, the same one is taken, which hides any drug effect."""
    sizes = np.array([40.0, 40, 40, 40, 40, 100])
    table = pd.concat([wave(negative_amplitude_uv=size, peak_to_peak_uv=2 * size) for size in sizes])
    table = table.assign(end_s=1.2, stage="N2", channel="C4-M1").reset_index(drop=True)
    criteria = WaveCriteria.preset("molle")
    for gain in (1.0, 0.1, 3.0):
        larger = table.assign(
            negative_amplitude_uv=gain * table["negative_amplitude_uv"], peak_to_peak_uv=gain * table["peak_to_peak_uv"]
        )
        assert select_waves(larger, criteria).tolist() == [False] * 5 + [True]
    other = table.assign(channel="F4-M1", negative_amplitude_uv=1000.0, peak_to_peak_uv=2000.0)  # another channel
    wake = table.assign(stage="W", negative_amplitude_uv=1000.0, peak_to_peak_uv=2000.0)  # not part of the mean
    both = pd.concat([table, other, wake], ignore_index=True)
    assert select_waves(both, criteria).tolist() == [False] * 5 + [True] + [False] * 6 + [True] * 6
    assert not select_waves(table.assign(end_s=0.85), criteria).any()  # zero crossings closer than 0.9 s


def test_slow_oscillations_and_delta_waves_are_told_apart_by_duration():
    rate = [1.5, 0.8]  # Hz: a minute of each
    trace = np.concatenate([sine(hz, 60.0, 60) for hz in rate])
    waves = measured(trace)
    summary = summarize_waves(waves, WaveCriteria(), 2.0)
    assert summary["slow_oscillation_density"][0] == pytest.approx(0.8 * 60 / 2, abs=1)
    assert summary["delta_wave_density"][0] == pytest.approx(1.5 * 60 / 2, abs=1)
    total = summary["slow_oscillation_density"][0] + summary["delta_wave_density"][0]
    assert total == pytest.approx(summary["wave_density"][0])


def test_the_length_of_a_halfwave_is_judged_apart_from_its_amplitude():
    assert is_halfwave(wave(negative_amplitude_uv=1.0), CRITERIA).tolist() == [True]
    assert is_halfwave(wave(midcrossing_s=0.1), CRITERIA).tolist() == [False]


def test_what_is_detected_has_the_lengths_asked_for():
    waves = detected(pink(11, 300))
    lengths = waves["midcrossing_s"] - waves["start_s"]
    assert len(waves) > 100
    assert lengths.between(0.25, 1.0).all()


def test_noise_has_as_many_halfwaves_as_sleep_but_few_slow_waves():
    waves = detected(pink(12, 600, sd=8))
    summary = summarize_waves(waves, CRITERIA, 10.0)
    assert 35 < summary["halfwave_rate"][0] < 65
    assert summary["wave_density"][0] < 0.5


# --- filter -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["riedner2007", "yasa", "massimini2004"])
def test_the_filter_has_no_delay(name):
    signal = isolated([20.0], RATE_HZ, 40)
    filtered = filter_for_waves(signal, RATE_HZ, WaveCriteria.preset(name))
    assert len(filtered) == len(signal)
    assert np.argmin(filtered) == pytest.approx(np.argmin(signal), abs=8)
    backward = filter_for_waves(signal[::-1], RATE_HZ, WaveCriteria.preset(name))[::-1]
    inner = slice(500, -500)
    np.testing.assert_allclose(backward[inner], filtered[inner], atol=1e-6 * np.abs(filtered).max() + 1e-2)


def test_the_fir_filter_is_that_of_yasa():
    half, transition_hz = 0.1, 0.2
    taps = firwin(2 * int(3.3 / transition_hz * 100 / 2) + 1, (0.3 - half, 1.5 + half), pass_zero=False, fs=100)
    signal = pink(13, 120)
    signal -= np.median(signal)
    ours = filter_for_waves(signal, RATE_HZ, WaveCriteria.preset("yasa"))
    middle = slice(2000, -2000)
    np.testing.assert_allclose(ours[middle], np.convolve(signal, taps, "same")[middle], atol=1e-9)


@pytest.mark.parametrize(("frequency_hz", "gain"), [(0.1, 0.01), (1.4, 1.0), (0.5, 0.5), (4.0, 0.5), (12.0, 0.02)])
def test_the_default_filter_passes_half_to_four_hz_with_half_the_amplitude_at_its_edges(frequency_hz, gain):
    filtered = filter_for_waves(sine(frequency_hz, 100.0, 120), RATE_HZ, CRITERIA)[3000:-3000]
    assert np.abs(filtered).max() / 100 == pytest.approx(gain, abs=0.02)


# --- summarise ----------------------------------------------------------------------------------------------------


def test_density_is_per_minute_of_analysed_time():
    waves = pd.concat([wave(), wave(), wave(negative_amplitude_uv=10.0, peak_to_peak_uv=20.0)], ignore_index=True)
    for column in ("duration_s", "slope_down_uv_s", "slope_up_uv_s", "max_slope_down_uv_s", "max_slope_up_uv_s"):
        waves[column] = [1.0, 3.0, 99.0]
    found = summarize_waves(waves, CRITERIA, 4.0)
    assert found["wave_density"] == (0.5, "1/min", 2)
    assert found["halfwave_rate"] == (0.75, "1/min", 3)
    assert found["wave_slope_up"] == (2.0, "µV/s", 2)
    assert found["wave_amplitude_p90"][0] == pytest.approx(60.0)


def test_no_wave_is_density_zero_and_amplitude_not_measured():
    empty = detected(np.zeros(1000))
    found = summarize_waves(empty, CRITERIA, 5.0)
    assert found["wave_density"][:2] == (0.0, "1/min")
    assert found["halfwave_rate"][0] == 0.0
    for measure in ("wave_negative_amplitude", "wave_amplitude_p90", "wave_slope_up", "wave_multipeak_fraction"):
        assert np.isnan(found[measure][0])


def test_a_gain_shows_whole_in_the_90th_percentile_and_truncated_in_selected_means():
    signal = pink(14, 1200, sd=32)
    plain, louder = (summarize_waves(detected(signal * gain), CRITERIA, 20.0) for gain in (1.0, 1.2))
    assert louder["wave_amplitude_p90"][0] / plain["wave_amplitude_p90"][0] == pytest.approx(1.2, rel=1e-6)
    assert 1.0 < louder["wave_negative_amplitude"][0] / plain["wave_negative_amplitude"][0] < 1.15


def test_the_average_wave_is_centred_on_the_negative_peak():
    times_s = np.arange(10, 110, 5.0)
    trace = isolated(times_s, RATE_HZ, 120)
    found = average_waveform(trace, times_s, RATE_HZ)
    assert found["time_s"].iloc[[0, -1]].tolist() == [-1.0, 1.5]
    assert found.loc[found["mean_uv"].idxmin(), "time_s"] == 0
    assert found["mean_uv"].min() == pytest.approx(-100)
    assert found["sd_uv"].max() == pytest.approx(0, abs=1e-9)
    assert set(found["n_waves"]) == {20}


def test_waves_at_the_edge_of_the_recording_are_not_averaged():
    trace = isolated([0.5, 10.0, 19.5], RATE_HZ, 20)
    assert set(average_waveform(trace, np.array([0.5, 10.0, 19.5]), RATE_HZ)["n_waves"]) == {1}
    assert average_waveform(trace, np.array([0.5]), RATE_HZ).empty


def test_the_higher_of_two_crests_is_found_where_the_recording_ends_right_after_the_wave() -> None:
    corners_uv = [5, -1, -40, -1, 20, 10, 40, 1, -5]
    trace = np.interp(np.arange(161), np.arange(9) * 20, corners_uv)
    waves = measured(trace)
    assert waves["positive_amplitude_uv"].tolist() == pytest.approx([40], abs=1)
