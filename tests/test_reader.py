"""Reading recordings: samples against mne and against what was written, units, damage, privacy."""

import dataclasses
import datetime
import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swa.errors import RecordingError
from swa.recordings.analysis_signal import UV_PER_UNIT, ChannelIntake
from swa.recordings.channels import SignalInfo, assign_channels
from swa.recordings.edf import samples as edf_samples
from swa.recordings.edf.header import read_header
from swa.recordings.edf.samples import EdfSource
from swa.recordings.recording import Recording, read_recording
from swa.recordings.resampling import Resampler, resample
from swa.recordings.signal_source import Block
from swa.settings import Settings, check_settings

NAME = "Mustermann"  # a patient's, which no message may repeat


@pytest.fixture(scope="module")
def noise():
    rng = np.random.default_rng(0)
    return lambda seconds=10, rate_hz=100.0, sd=30.0: rng.normal(0, sd, round(seconds * rate_hz))


def signal_of(recording, name, role="eeg"):
    for group in recording.groups(role):
        for channel, samples in zip(group.channels, group.data_uv, strict=True):
            if channel.name == name:
                return samples
    raise AssertionError(f"{name} is not there")


# --- samples ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file",
    ["nap_10ch_256hz.edf", "cycle_1ch_100hz.edf", "sleep_edf_first_5min.edf", "clinical_annotations.edf"],
)
def test_samples_of_real_recordings_equal_mnes(shared_data, file):
    mne = pytest.importorskip("mne")
    path = shared_data / "recordings" / file
    recording = read_recording(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = mne.io.read_raw_edf(path, verbose="error")
    channels = [channel for channel in recording.channels if channel.rate_hz == raw.info["sfreq"] and channel.unit]
    assert channels
    for channel in channels:
        blocks = EdfSource(read_header(path)).blocks(channel.signals)
        samples = np.concatenate([samples.copy() for ((samples, *_),) in blocks])
        theirs = raw.get_data(picks=[raw.ch_names.index(channel.labels[0])])[0]
        if raw._orig_units[channel.labels[0]] == "n/a":
            continue
        np.testing.assert_allclose(samples * UV_PER_UNIT[channel.unit], theirs * 1e6, atol=1e-3)


def test_what_was_written_is_read(write_edf, tmp_path, noise):
    signal = noise()
    recording = read_recording(write_edf(tmp_path / "a.edf", {"EEG C4-M1": signal}))
    np.testing.assert_allclose(signal_of(recording, "C4-M1"), signal, atol=0.06)
    assert recording.duration_s == 10
    assert recording.start == datetime.datetime(2024, 3, 1, 22, 40)
    assert recording.notes == ()
    assert recording.n_samples == 1000


def test_bdf_is_read_in_24_bit(write_edf, tmp_path, noise):
    signal = noise()
    recording = read_recording(write_edf(tmp_path / "a.bdf", {"C4-M1": signal}, bdf=True))
    np.testing.assert_allclose(signal_of(recording, "C4-M1"), signal, atol=3e-4)


def test_the_contralateral_mastoid_is_subtracted(write_edf, tmp_path, noise):
    signals = {"C4": noise(), "C3": noise(), "M1": noise(), "M2": noise()}
    recording = read_recording(write_edf(tmp_path / "a.edf", signals))
    np.testing.assert_allclose(signal_of(recording, "C4-M1"), signals["C4"] - signals["M1"], atol=0.11)
    np.testing.assert_allclose(signal_of(recording, "C3-M2"), signals["C3"] - signals["M2"], atol=0.11)
    note = next(channel.note for channel in recording.channels if channel.name == "C4-M1")
    assert "contralateral mastoid M1" in note


def test_a_clipped_reference_clips_the_derivation(make_recording, noise):
    recording = make_recording({"C4": noise(), "M1": noise()}, clipped={1: slice(100, 105)})
    (group,) = recording.groups()
    assert np.flatnonzero(group.clipped[0]).tolist() == list(range(100, 105))


def test_channels_of_mixed_rates_come_at_the_analysis_rate(write_edf, tmp_path):
    def sine(rate_hz):
        return 50 * np.sin(2 * np.pi * 2 * np.arange(round(30 * rate_hz)) / rate_hz)

    rates = {"F4-M1": 200.0, "C4-M1": 256.0, "O2-M1": 100.0, "ECG": 512.0}
    path = write_edf(tmp_path / "a.edf", {label: sine(rate) for label, rate in rates.items()}, rates)
    (group,) = read_recording(path).groups()
    assert group.rate_hz == 100
    assert group.data_uv.shape == (3, 3000)
    for row in group.data_uv:
        np.testing.assert_allclose(row[200:-200], sine(100.0)[200:-200], atol=0.3)


def test_the_analysis_rate_is_a_setting(write_edf, tmp_path, noise):
    path = write_edf(tmp_path / "a.edf", {"C4-M1": noise(10, 256)}, 256.0)
    settings = check_settings({"signal": {"rate_hz": 128}})
    assert signal_of(read_recording(path, settings), "C4-M1").shape == (1280,)


def test_arrays_are_read_only(make_recording, noise):
    (group,) = make_recording({"C4-M1": noise()}).groups()
    for array in (group.data_uv, group.clipped):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1


def test_groups_hold_no_more_than_a_few_channels(make_recording, noise):
    recording = make_recording({f"{site}-M1": noise(1) for site in ("F2", "F4", "C2", "C4", "P4")})
    assert [len(group.channels) for group in recording.groups(size=2)] == [2, 2, 1]
    assert [channel.name for group in recording.groups(size=2) for channel in group.channels] == [
        channel.name for channel in recording.of_role("eeg")
    ]


# --- resampling ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [125.0, 128.0, 160.0, 200.0, 250.0, 256.0, 500.0, 512.0, 800.0, 1000.0])
def test_resampling_keeps_sines_below_30_hz_and_removes_what_would_fold_back(rate_hz):
    t = np.arange(round(40 * rate_hz)) / rate_hz
    kept = resample(np.sin(2 * np.pi * 3.3 * t) + np.sin(2 * np.pi * 28 * t), rate_hz, 100.0)
    t100 = np.arange(len(kept)) / 100
    expected = np.sin(2 * np.pi * 3.3 * t100) + np.sin(2 * np.pi * 28 * t100)
    np.testing.assert_allclose(kept[200:-200], expected[200:-200], atol=0.01)
    if rate_hz > 2 * 62:
        folded = resample(np.sin(2 * np.pi * 60 * t), rate_hz, 100.0)
        assert np.abs(folded[200:-200]).max() < 0.05


@given(st.floats(-1e5, 1e5), st.sampled_from([128.0, 256.0, 512.0]))
def test_resampling_keeps_an_offset_to_the_very_ends(offset, rate_hz):
    resampled = resample(np.full(round(4 * rate_hz), offset), rate_hz, 100.0)
    np.testing.assert_allclose(resampled, offset, rtol=1e-6, atol=1e-3)


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=20), st.sampled_from([125.0, 128.0, 256.0, 512.0]))
def test_resampling_stretch_by_stretch_is_resampling_the_whole(lengths, rate_hz):
    signal = 40.0 + np.cumsum(np.random.default_rng(0).normal(0, 3, sum(lengths)))
    whole = resample(signal, rate_hz, 100.0)
    out = np.empty_like(whole)
    resampler = Resampler(rate_hz, 100.0, out)
    for part in np.split(signal, np.cumsum(lengths)[:-1]):
        resampler.take(part)
    resampler.close()
    np.testing.assert_allclose(out, whole, atol=1e-3)


# --- clipping -----------------------------------------------------------------------------------------------------


def test_three_samples_at_the_limit_are_clipped_and_two_are_not(write_edf, tmp_path, noise):
    signal = noise()
    signal[200:202], signal[400:403], signal[600:700] = 500.0, 500.0, -500.0
    (group,) = read_recording(write_edf(tmp_path / "a.edf", {"C4-M1": signal}, limits=(-500.0, 500.0))).groups()
    assert np.flatnonzero(group.clipped[0]).tolist() == [*range(400, 403), *range(600, 700)]


def test_how_many_samples_are_clipped_is_a_setting(write_edf, tmp_path, noise):
    signal = noise()
    signal[200:202] = 500.0
    path = write_edf(tmp_path / "a.edf", {"C4-M1": signal}, limits=(-500.0, 500.0))
    (group,) = read_recording(path, check_settings({"artifacts": {"clipped_samples": 2}})).groups()
    assert group.clipped.sum() == 2


@pytest.mark.parametrize("rate_hz", [50.0, 100.0, 128.0, 200.0, 512.0])
def test_clipped_samples_stay_clipped_at_another_rate(write_edf, tmp_path, noise, rate_hz):
    signal = noise(10, rate_hz)
    signal[40:44] = 500.0
    (group,) = read_recording(
        write_edf(tmp_path / "a.edf", {"C4-M1": signal}, rate_hz, limits=(-500.0, 500.0))
    ).groups()
    clipped = np.flatnonzero(group.clipped[0])
    assert clipped[0] == int(40 * 100 / rate_hz)
    assert clipped[-1] == int(np.ceil(44 * 100 / rate_hz)) - 1
    assert len(clipped) == clipped[-1] - clipped[0] + 1


def test_where_a_recording_is_cut_for_reading_changes_nothing(write_edf, tmp_path, noise, monkeypatch):
    """In blocks of 2 s and of 300 s: a run at the limit over a border, a derivation, a rate that does not divide."""
    signals = {"C4": noise(60, 128), "M1": noise(60, 128)}
    signals["C4"][128 * 4 - 2 : 128 * 4 + 2] = 500.0
    signals["M1"][128 * 8 - 1 : 128 * 8 + 1] = -500.0  # two samples: not clipped
    path = write_edf(tmp_path / "a.edf", signals, 128.0, limits=(-500.0, 500.0))
    (whole,) = read_recording(path).groups()
    monkeypatch.setattr(edf_samples, "BLOCK_S", 2.0)
    (cut,) = read_recording(path).groups()
    assert [channel.name for channel in whole.channels] == ["C4-M1"]
    np.testing.assert_allclose(cut.data_uv, whole.data_uv, atol=1e-4)
    np.testing.assert_array_equal(cut.clipped, whole.clipped)
    assert np.flatnonzero(whole.clipped[0]).tolist() == [398, 399, 400, 401]


# --- units --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("unit", "factor"), [("uV", 1.0), ("UV", 1.0), ("mV", 1e-3), ("V", 1e-6), ("µV", 1.0)])
def test_units_become_microvolt(write_edf, tmp_path, noise, unit, factor):
    signal = noise()
    limits = (-3200 * factor, 3200 * factor)
    path = tmp_path / "a.edf"
    write_edf(path, {"C4-M1": signal * factor}, unit=unit.replace("µ", "u"), limits=limits)
    if unit == "µV":
        data = bytearray(path.read_bytes())
        at = data.index(b"uV      ")
        data[at : at + 3] = b"\xb5V "
        path.write_bytes(data)
    np.testing.assert_allclose(signal_of(read_recording(path), "C4-M1"), signal, atol=0.06)


def test_the_real_file_whose_unit_is_written_uv_in_capitals_is_read_in_microvolt(shared_data):
    recording = read_recording(shared_data / "recordings" / "dreams_excerpt3_units_UV.edf")
    (group, *_) = recording.groups()
    assert not group.problems
    assert 3 < np.median(np.abs(group.data_uv)) < 100


def test_an_unknown_unit_names_channel_percentiles_and_remedy(write_edf, tmp_path, noise):
    path = write_edf(
        tmp_path / "night7.edf", {"EEG C4-M1": noise(), "C3-M2": noise()}, unit={"EEG C4-M1": "MV", "C3-M2": "uV"}
    )
    (group,) = read_recording(path).groups()
    assert [channel.name for channel in group.channels] == ["C3-M2"]
    message = str(group.problems["C4-M1"])
    assert "night7.edf" in message
    assert "C4-M1" in message
    assert "'MV'" in message
    assert "5th to 95th percentile -" in message
    assert '[channels] units = { "EEG C4-M1" = "uV" }' in message


def test_the_settings_say_a_unit_that_the_header_does_not(write_edf, tmp_path, noise):
    signal = noise()
    path = write_edf(tmp_path / "a.edf", {"EEG C4-M1": signal}, unit="")
    settings = check_settings({"channels": {"units": {"EEG C4-M1": "uV"}}})
    np.testing.assert_allclose(signal_of(read_recording(path, settings), "C4-M1"), signal, atol=0.06)


@pytest.mark.parametrize("factor", [1e-3, 1e3, 1e6])
def test_amplitudes_that_no_eeg_has_are_a_wrong_unit(make_recording, noise, factor):
    (group,) = make_recording({"C4-M1": noise(sd=30.0) * factor}).groups()
    assert group.data_uv.shape[0] == 0
    message = str(group.problems["C4-M1"])
    assert "amplitudes are not those of a biological signal in uV" in message
    assert "percentile" in message
    assert "[channels] units" in message


@pytest.mark.parametrize("sd", [0.5, 5.0, 300.0])
def test_amplitudes_that_eeg_and_emg_have_are_plausible(make_recording, noise, sd):
    (group,) = make_recording({"C4-M1": noise(sd=sd)}).groups()
    assert not group.problems


def test_an_offset_does_not_make_an_amplitude_implausible(make_recording, noise):
    (group,) = make_recording({"C4-M1": noise() + 150_000}).groups()
    assert not group.problems


def test_a_flat_channel_is_read(make_recording):
    (group,) = make_recording({"C4-M1": np.zeros(1000)}).groups()
    assert not group.problems


def test_a_channel_whose_limits_are_equal_is_a_problem_and_the_others_are_read(write_edf, tmp_path, noise):
    path = write_edf(tmp_path / "a.edf", {"C4-M1": noise(), "C3-M2": noise()})
    data = bytearray(path.read_bytes())
    n_signals = int(data[252:256])
    minimum, maximum = 256 + n_signals * 104, 256 + n_signals * 112
    data[minimum : minimum + 8] = data[maximum : maximum + 8]
    path.write_bytes(data)
    (group,) = read_recording(path).groups()
    assert [channel.name for channel in group.channels] == ["C3-M2"]
    assert "minimum and maximum are equal or no numbers" in str(group.problems["C4-M1"])


# --- damage -------------------------------------------------------------------------------------------------------


def test_a_truncated_file_is_read_with_a_note(write_edf, tmp_path, noise):
    signal = noise(60)
    path = write_edf(tmp_path / "a.edf", {"C4-M1": signal})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - len(data[512:]) // 3])
    recording = read_recording(path)
    assert 30 < recording.duration_s < 50
    assert any("truncated" in note and "60 s" in note for note in recording.notes)
    np.testing.assert_allclose(signal_of(recording, "C4-M1"), signal[: recording.n_samples], atol=0.06)


def test_a_header_that_does_not_know_the_length_is_noted(write_edf, tmp_path, noise):
    path = write_edf(tmp_path / "a.edf", {"C4-M1": noise()})
    data = bytearray(path.read_bytes())
    data[236:244] = b"-1      "
    path.write_bytes(data)
    recording = read_recording(path)
    assert recording.duration_s == 10
    assert any("does not say how long" in note for note in recording.notes)


@pytest.mark.parametrize("content", [b"", b"0", b"0       " + b"x" * 300, b"\xff" * 600, b"PK\x03\x04" * 200])
def test_a_file_that_is_no_edf_is_one_sentence(tmp_path, content):
    path = tmp_path / "night.edf"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"night\.edf: not a readable EDF or BDF"):
        read_recording(path)


@given(st.integers(0, 511), st.binary(min_size=1, max_size=8))
def test_a_damaged_header_never_ends_in_another_error(edf_bytes, tmp_path_factory, position, junk):
    data = bytearray(edf_bytes)
    data[position : position + len(junk)] = junk
    path = tmp_path_factory.mktemp("damaged") / "a.edf"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            recording = read_recording(path)
            groups = list(recording.groups()) if recording.duration_s < 100 else []  # a header may claim days
        except RecordingError as error:
            assert "a.edf" in error.problem
        else:
            assert all(np.isfinite(group.data_uv).all() for group in groups)


@pytest.fixture(scope="module")
def edf_bytes(write_edf, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "a.edf"
    write_edf(path, {"C4-M1": np.random.default_rng(0).normal(0, 30, 300)})
    return path.read_bytes()


def test_a_missing_file_and_a_folder_are_no_recording(tmp_path):
    for path, what in ((tmp_path / "gone.edf", r"gone\.edf: there is no such file"), (tmp_path, "this is a folder")):
        with pytest.raises(RecordingError, match=what):
            read_recording(path)
    with pytest.raises(RecordingError, match=r"^\.: this is a folder"):
        read_recording("")


def test_a_recording_without_records_is_refused(write_edf, tmp_path, noise):
    path = write_edf(tmp_path / "a.edf", {"C4-M1": noise()})
    data = path.read_bytes()
    path.write_bytes(data[: int(data[184:192])])
    with pytest.raises(RecordingError, match="0 data records"):
        read_recording(path)


def test_a_scoring_without_signals_is_no_recording(shared_data):
    with pytest.raises(RecordingError, match="holds 0 signals"):
        read_recording(shared_data / "hypnograms" / "sleep-edf" / "SC4001EC-Hypnogram.edf")


@pytest.fixture
def annotated(write_edf, tmp_path, noise):
    import edfio

    path = tmp_path / "d.edf"
    signal = edfio.EdfSignal(noise(), 100, label="C4-M1", physical_dimension="uV", physical_range=(-3200, 3200))
    edfio.Edf([signal], annotations=[edfio.EdfAnnotation(0, None, "x")], data_record_duration=1).write(path)
    return path


def test_record_times_that_run_backwards_are_refused(annotated):
    data = bytearray(annotated.read_bytes())
    data[192:197] = b"EDF+D"
    second = data.index(b"+1\x14\x14")
    data[second : second + 2] = b"+0"
    annotated.write_bytes(data)
    with pytest.raises(RecordingError, match=r"d\.edf: data record 2 begins at 0 s, before the one before it ends"):
        read_recording(annotated)


def test_edf_plus_d_without_a_gap_is_read(annotated):
    data = bytearray(annotated.read_bytes())
    data[192:197] = b"EDF+D"
    annotated.write_bytes(data)
    assert read_recording(annotated).duration_s == 10


def test_missing_samples_are_unusable_and_do_not_spread(make_recording, noise):
    signal = noise(60, 256)
    signal[5000:5100] = np.nan
    (group,) = make_recording({"C4-M1": signal}, 256.0).groups()
    assert np.isfinite(group.data_uv).all()
    first, last = np.flatnonzero(group.clipped[0])[[0, -1]]
    assert first == int(5000 / 2.56)
    assert last == pytest.approx(5100 / 2.56, abs=1)


def test_a_channel_without_any_sample_is_a_problem(make_recording):
    (group,) = make_recording({"C4-M1": np.full(1000, np.nan)}).groups()
    assert "holds no samples" in str(group.problems["C4-M1"])


# --- privacy ------------------------------------------------------------------------------------------------------


def test_the_patients_name_is_in_no_message_and_no_repr(write_edf, tmp_path, noise):
    path = write_edf(tmp_path / "a.edf", {"C4-M1": noise(), "C3-M2": noise()}, unit="furlong", patient=NAME)
    assert NAME.encode() in path.read_bytes()
    recording = read_recording(path)
    shown = [repr(recording), str(recording), *recording.notes]
    for group in recording.groups():
        shown += [repr(group), *map(str, group.problems.values())]
    data = path.read_bytes()
    path.write_bytes(data[:400])
    with pytest.raises(RecordingError) as error:
        read_recording(path)
    shown += [str(error.value), repr(error.value)]
    assert not [text for text in shown if NAME in text or "MRN77231" in text]


def test_it_is_told_whether_patient_fields_are_filled(write_edf, make_recording, tmp_path, noise):
    filled = write_edf(tmp_path / "a.edf", {"C4-M1": noise()}, patient=NAME)
    empty = write_edf(tmp_path / "b.edf", {"C4-M1": noise()})
    assert read_recording(filled).has_patient_fields is True
    assert read_recording(empty).has_patient_fields is False
    assert make_recording({"C4-M1": noise()}).has_patient_fields is None


def test_a_hidden_start_date_is_no_start(write_edf, tmp_path, noise):
    path = write_edf(tmp_path / "a.edf", {"C4-M1": noise()})
    data = bytearray(path.read_bytes())
    data[88:168] = b"Startdate X X X X".ljust(80)
    path.write_bytes(data)
    recording = read_recording(path)
    assert recording.start is None
    assert recording.clock == datetime.time(22, 40)


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 40)), max_size=12), st.integers(1, 400), st.integers(1, 5)
)
def test_clipped_runs_are_those_of_the_whole_signal_wherever_it_is_cut(spans, block, shortest):
    """Against a count over every sample, in two pieces with a gap between them, at twice the rate."""
    signal, at_limit = np.random.default_rng(0).normal(0, 30, 1000), np.zeros(1000, bool)
    for first, length in spans:
        at_limit[first : first + length] = True
    lengths, pieces = (600, 400), ((0, 1200), (1300, 2100))
    data, clipped = np.zeros(2100, np.float32), np.zeros(2100, bool)
    (channel,) = assign_channels([SignalInfo(label="C4-M1", rate_hz=100.0, unit="uV")], Settings().channels)
    intake = ChannelIntake(channel, lengths, pieces, 200.0, data, clipped, shortest)
    for at in range(0, 1000, block):
        intake.take([Block(signal[at : at + block], np.flatnonzero(at_limit[at : at + block]))])
    intake.finish("night.edf")
    expected = np.zeros(2100, bool)
    for (first, _), own in zip(pieces, (at_limit[:600], at_limit[600:]), strict=True):
        for value, members in itertools.groupby(range(len(own)), key=lambda i, own=own: own[i]):
            run = list(members)
            if value and len(run) >= shortest:
                expected[first + 2 * run[0] : first + 2 * run[-1] + 2] = True
    np.testing.assert_array_equal(clipped, expected)
    assert np.ptp(data[1200:1300]) == 0


def test_missing_samples_at_the_start_are_filled_with_what_follows(make_recording, noise):
    signal = 1000 + noise(60, 256)
    signal[:2000] = np.nan
    (group,) = make_recording({"C4-M1": signal}, 256.0).groups()
    assert np.abs(group.data_uv[0, :781] - 1000).max() < 20
    assert group.clipped[0, :781].all()
    assert not group.clipped[0, 790:].any()


def test_a_start_at_the_rail_does_not_round_the_rest():
    signal = np.random.default_rng(0).normal(0, 20, 256 * 120)
    railed = signal.copy()
    railed[:1280] = 262_143
    inside = slice(3000, -100)  # the resampler works in stretches: in that of the step everything is rounded
    np.testing.assert_allclose(
        resample(railed, 256.0, 100.0)[inside], resample(signal, 256.0, 100.0)[inside], atol=0.01
    )


def test_hundreds_of_pieces_stand_each_at_its_place():
    rng = np.random.default_rng(0)
    lengths = [300] * 200
    pieces = [(round(i * 4 * 100), round(i * 4 * 100) + 300) for i in range(200)]
    (channel,) = assign_channels([SignalInfo(label="C4-M1", rate_hz=100.0, unit="uV")], Settings().channels)
    data, clipped = np.zeros(80_000, np.float32), np.zeros(80_000, bool)
    signal = rng.normal(0, 30, 60_000)
    intake = ChannelIntake(channel, lengths, pieces, 100.0, data, clipped, 3)
    for part in np.split(signal, [7, 300, 301, 599, 33_333, 60_000]):
        if len(part):
            intake.take([Block(part, np.empty(0, int))])
    intake.finish("night.edf")
    for (first, end), own in zip(pieces, signal.reshape(200, 300), strict=True):
        np.testing.assert_allclose(data[first:end], own, atol=1e-4)


def test_a_signal_without_samples_is_a_problem_of_its_own(write_edf, tmp_path, noise):
    source = read_recording(write_edf(tmp_path / "a.edf", {"C4-M1": noise()})).source
    empty = dataclasses.replace(source.header.signals[0], samples=0)
    header = dataclasses.replace(source.header, all_signals=(empty, *source.header.all_signals[1:]))
    with pytest.raises(RecordingError, match="holds no samples"):
        EdfSource(header).check(0)


def test_one_long_record_is_read_in_parts(write_edf, tmp_path, noise, monkeypatch):
    path = write_edf(tmp_path / "a.edf", {"C4-M1": noise(60, 128), "C3-M2": noise(60, 128)}, 128.0)
    (whole,) = read_recording(path).groups()
    monkeypatch.setattr(edf_samples, "BLOCK_S", 0.3)  # a record lasts 1 s
    (cut,) = read_recording(path).groups()
    np.testing.assert_allclose(cut.data_uv, whole.data_uv, atol=1e-4)


def test_an_mne_recording_is_read_a_few_minutes_at_a_time(noise):
    """Its extremes stand in for the limits of the converter, wherever in the night they are."""
    mne = pytest.importorskip("mne")
    signal = np.clip(noise(900, 100), -80, 80)
    signal[100:105], signal[80_000:80_005], signal[40_000:40_005] = 90, 90, -85
    raw = mne.io.RawArray(signal[None] * 1e-6, mne.create_info(["C4-M1"], 100, "eeg"), verbose="error")
    (group,) = Recording.from_raw(raw, Settings()).groups()
    assert np.flatnonzero(group.clipped[0]).tolist() == [
        *range(100, 105),
        *range(40_000, 40_005),
        *range(80_000, 80_005),
    ]


# --- from mne -----------------------------------------------------------------------------------------------------


def test_a_raw_of_mne_becomes_a_recording(noise):
    mne = pytest.importorskip("mne")
    signals = np.stack([noise(20, 256), noise(20, 256)])
    raw = mne.io.RawArray(signals * 1e-6, mne.create_info(["C4", "M1"], 256, "eeg"), verbose="error")
    raw.set_meas_date(datetime.datetime(2024, 3, 1, 22, 40, tzinfo=datetime.UTC))
    recording = Recording.from_raw(raw, Settings())
    assert recording.start == datetime.datetime(2024, 3, 1, 22, 40)
    assert recording.duration_s == pytest.approx(20)
    expected = resample(signals[0] - signals[1], 256.0, 100.0)
    np.testing.assert_allclose(signal_of(recording, "C4-M1"), expected, atol=1e-3)


def test_a_cropped_raw_starts_later(noise):
    mne = pytest.importorskip("mne")
    raw = mne.io.RawArray(noise(60)[None] * 1e-6, mne.create_info(["C4-M1"], 100, "eeg"), verbose="error")
    raw.set_meas_date(datetime.datetime(2024, 3, 1, 23, 59, 40, tzinfo=datetime.UTC))
    raw.crop(30, 50)
    assert Recording.from_raw(raw).start == datetime.datetime(2024, 3, 2, 0, 0, 10)


def test_a_raw_in_microvolt_is_told_that_mne_keeps_volt(noise):
    mne = pytest.importorskip("mne")
    raw = mne.io.RawArray(noise()[None], mne.create_info(["C4-M1"], 100, "eeg"), verbose="error")
    (group,) = Recording.from_raw(raw).groups()
    assert "in V" in str(group.problems["C4-M1"])


def raw_of(mne, samples, marks, rate_hz=100.0, labels=("C4-M1",), first_s=0.0):
    """A raw in µV with annotations (onset, duration, description), whose first `first_s` were cropped."""
    raw = mne.io.RawArray(np.atleast_2d(samples) * 1e-6, mne.create_info(list(labels), rate_hz, "eeg"), verbose="error")
    raw.set_meas_date(datetime.datetime(2024, 3, 1, 22, 40, tzinfo=datetime.UTC))
    raw.set_annotations(mne.Annotations(*zip(*marks, strict=True), orig_time=raw.info["meas_date"]))
    return raw.crop(first_s) if first_s else raw


def test_time_that_was_not_recorded_is_a_gap_of_a_raw(noise):
    mne = pytest.importorskip("mne")
    samples = noise(100)
    samples[4000:6000] = 0
    recording = Recording.from_raw(raw_of(mne, samples, [(40.0, 20.0, "BAD_ACQ_SKIP"), (3, 1, "arousal")], first_s=10))
    assert recording.gaps == ((30.0, 50.0),)
    assert recording.notes == (
        "not recorded (BAD_ACQ_SKIP): 1 gap of 20 s in all; they keep their place and are unusable",
    )
    (group,) = recording.groups()
    assert group.pieces == ((0, 3000), (5000, 9000))
    np.testing.assert_allclose(group.data_uv[0, :3000], samples[1000:4000], atol=1e-3)
    np.testing.assert_allclose(group.data_uv[0, 5000:], samples[6000:], atol=1e-3)
    assert np.ptp(group.data_uv[0, 3000:5000]) == 0


def test_nothing_crosses_the_joint_of_two_raws(noise):
    mne = pytest.importorskip("mne")
    parts = [raw_of(mne, noise(30) + offset, [(5, 1, "x")], 256.0) for offset in (0, 900)]
    recording = Recording.from_raw(mne.concatenate_raws(parts, verbose="error"))
    (group,) = recording.groups()
    joint = round(len(noise(30)) / 256 * 100)
    assert group.pieces == ((0, joint), (joint, group.data_uv.shape[1]))
    assert group.data_uv[0, joint - 1] < 450 < group.data_uv[0, joint]  # no ringing of the resampling filter
    assert "joined from 2 recordings" in recording.notes[0]


def test_segments_and_channels_that_are_bad_in_mne_are_left_out(noise):
    mne = pytest.importorskip("mne")
    samples = np.stack([noise(60)] * 3)
    raw = raw_of(mne, samples, [(10, 5, "BAD_movement"), (20, 0, "bad")], labels=("C4-M1", "C3-M2", "Resp"))
    raw.set_channel_types({"Resp": "resp"}, verbose="error")
    raw.info["bads"] = ["C3-M2"]
    recording = Recording.from_raw(raw)
    notes = {channel.labels[0]: (channel.role, channel.note) for channel in recording.channels}
    assert notes["C3-M2"] == ("ignore", "marked as bad in mne")
    assert notes["Resp"] == ("ignore", "of the type resp in mne")
    (group,) = recording.groups()
    assert [channel.name for channel in group.channels] == ["C4-M1"]
    assert group.clipped[0].sum() == pytest.approx(500, abs=3)
    np.testing.assert_allclose(group.data_uv[0], samples[0], atol=1e-3)
    kept = Recording.from_raw(raw, Settings(channels={"roles": {"C3-M2": "eeg"}}))
    assert len(kept.of_role("eeg")) == 2


def test_what_was_never_recorded_is_no_recording(noise):
    mne = pytest.importorskip("mne")
    with pytest.raises(RecordingError, match="nothing of it was recorded"):
        Recording.from_raw(raw_of(mne, noise(20), [(0, 20, "BAD_ACQ_SKIP")]))


def test_a_recording_becomes_a_raw_and_a_recording_again(noise, make_recording):
    pytest.importorskip("mne")
    recording = make_recording({"C4": noise(60), "M1": noise(60) / 2, "E1-M2": noise(60), "Pulse": noise(60)})
    recording = dataclasses.replace(recording, duration_s=80.0, gaps=((30.0, 50.0),))
    raw = recording.to_raw()
    assert raw.ch_names == ["C4-M1", "E1-M2"]
    assert raw.get_channel_types() == ["eeg", "eog"]
    assert raw.info["meas_date"].replace(tzinfo=None) == recording.start
    again = Recording.from_raw(raw)
    assert (again.gaps, again.start, again.duration_s) == (recording.gaps, recording.start, recording.duration_s)
    np.testing.assert_allclose(signal_of(again, "C4-M1"), signal_of(recording, "C4-M1"), atol=1e-3)
