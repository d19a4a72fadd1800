"""Staging with YASA: which channels it uses, when it cannot, and what it makes of real and simulated sleep."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest

from swa.errors import RecordingError
from swa.recordings.recording import read_recording
from swa.recordings.signal_source import Block
from swa.sleep.hypnogram import epoch_length_s, make_hypnogram, stages_of
from swa.sleep.staging import measure_agreement, stage_at_gains, stage_recording, staging_channels, staging_notes

TEN_MINUTES = np.zeros(60_000)


def names(channels):
    return [channel.name for channel in channels]


def test_a_central_eeg_the_left_eye_and_the_chin_are_chosen(make_recording):
    signals = dict.fromkeys(("F4-M1", "C4-M1", "O2-M1", "E2-M1", "E1-M2", "Chin", "ECG"), TEN_MINUTES)
    assert names(staging_channels(make_recording(signals))) == ["C4-M1", "E1-M2", "Chin"]


def test_eeg_alone_is_enough(make_recording):
    assert names(staging_channels(make_recording({"Fpz-Cz": TEN_MINUTES}))) == ["Fpz-Cz"]


def test_without_eeg_the_labels_and_the_remedy_are_told(make_recording):
    with pytest.raises(RecordingError, match=r"no EEG channel.*Flow.*channels\] roles"):
        staging_channels(make_recording({"Flow": TEN_MINUTES, "Chin": TEN_MINUTES}))


def test_an_eeg_that_is_too_slow_is_told_its_rate(make_recording):
    with pytest.raises(RecordingError, match=r"C4-M1: 64 Hz is too slow for YASA, which needs 80 Hz.*hypnogram"):
        staging_channels(make_recording({"C4-M1": TEN_MINUTES}, 64.0))


def test_an_emg_that_is_too_slow_is_told(shared_data):
    recording = read_recording(shared_data / "recordings" / "sleep_edf_first_5min.edf")
    assert staging_notes(recording) == [
        "staged without EMG: EMG submental at 1 Hz is too slow, at least 80 Hz are needed"
    ]


def test_an_emg_that_is_used_or_not_there_is_no_note(make_recording):
    for signals in ({"C4-M1": TEN_MINUTES, "Chin": TEN_MINUTES}, {"C4-M1": TEN_MINUTES}):
        assert staging_notes(make_recording(signals)) == []


def test_the_real_recording_of_50_hz_is_too_slow(shared_data):
    with pytest.raises(RecordingError, match="50 Hz is too slow"):
        staging_channels(read_recording(shared_data / "recordings" / "dreams_excerpt3_units_UV.edf"))


def test_less_than_five_minutes_cannot_be_staged(make_recording):
    with pytest.raises(RecordingError, match=r"4\.9 min long; staging needs at least 5 min"):
        staging_channels(make_recording({"C4-M1": TEN_MINUTES[:29_400]}))


def test_a_recording_that_was_cut_off_is_to_be_exported_again(make_recording):
    recording = make_recording({"C4-M1": TEN_MINUTES[:29_400]})
    recording = dataclasses.replace(recording, missing_s=5130.0)
    with pytest.raises(RecordingError, match=r"4\.9 min long \(truncated: 5130 s are missing") as raised:
        staging_channels(recording)
    assert "Export the recording again" in str(raised.value)


def test_an_eeg_without_a_unit_cannot_be_staged(make_recording):
    with pytest.raises(RecordingError, match="no usable unit"):
        stage_recording(make_recording({"C4-M1": TEN_MINUTES}, unit=""))


@pytest.fixture(scope="module")
def six_minutes(sleep_eeg):
    return sleep_eeg(make_hypnogram(["N2"] * 6 + ["N3"] * 6, 30.0))


def test_a_dead_channel_is_not_staged_on(make_recording, six_minutes):
    """C4 flat and F3 good gave 0.5 min of N3, and an effect of 48 % where 31 % were there."""
    flat = np.zeros_like(six_minutes)
    recording = make_recording({"C4-M1": flat, "F3-M2": six_minutes, "E1-M2": flat, "E2-M2": six_minutes, "Chin": flat})
    staging = stage_at_gains(recording, gains=())
    assert "(eeg+eog: F3-M2, E2-M2)" in staging.hypnogram.scorer
    assert staging.notes == (
        "staged on F3-M2: C4-M1 is flat, clipped or too large in 100 % of the recording",
        "staged on E2-M2: E1-M2 is flat or clipped in 100 % of the recording",
        "staged without EMG: Chin is flat or clipped in 100 % of the recording",
    )


def test_a_channel_that_cannot_be_read_gives_its_place_to_the_next(make_recording, six_minutes):
    recording = make_recording({"C4-M1": six_minutes, "F3-M2": six_minutes})
    channels = tuple(dataclasses.replace(c, unit="") if c.name == "C4-M1" else c for c in recording.channels)
    staging = stage_at_gains(dataclasses.replace(recording, channels=channels), gains=())
    assert staging.notes == ("staged on F3-M2: C4-M1 could not be read",)


def test_electrodes_off_for_a_while_change_no_channel(make_recording, six_minutes):
    off = np.where(np.arange(len(six_minutes)) < 22_000, six_minutes, 0.01 * six_minutes)
    staging = stage_at_gains(make_recording({"C4-M1": off, "F3-M2": off}), gains=())
    assert "(eeg: C4-M1)" in staging.hypnogram.scorer
    assert staging.notes == ()


def test_where_every_eeg_channel_is_dead_nothing_is_staged(make_recording):
    with pytest.raises(RecordingError, match=r"no EEG channel can be staged: C4-M1 is flat.*100 % .*; F3-M2 is flat"):
        stage_recording(make_recording(dict.fromkeys(("C4-M1", "F3-M2"), TEN_MINUTES)))


@pytest.mark.slow
def test_a_machine_without_openmp_is_told_what_to_install(make_recording, tmp_path, monkeypatch):
    """A fresh Debian, Ubuntu or macOS: every night failed with "OSError. Check the disk"."""
    said = "libgomp.so.1: cannot open shared object file: No such file or directory"
    (tmp_path / "lightgbm.py").write_text(f"raise OSError({said!r})")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lightgbm", raising=False)
    with pytest.raises(RecordingError, match=r"libgomp\.so\.1.*apt install libgomp1.*brew install libomp"):
        stage_recording(make_recording({"C4-M1": TEN_MINUTES}))


def test_the_real_scored_cycle_is_staged_much_as_its_expert_did(shared_data):
    from swa.sleep.scoring import read_hypnogram

    folder = shared_data / "recordings"
    staged = stage_recording(read_recording(folder / "cycle_1ch_100hz.edf"))
    assert epoch_length_s(staged) == 30
    assert staged.proba.shape == (167, 5)
    assert "eeg: C3-A2" in staged.scorer
    expert = stages_of(read_hypnogram(folder / "cycle_1ch_100hz_stages.csv"))[1::3][:167]
    ours = stages_of(staged)
    nrem = np.isin(expert, ["N2", "N3"])
    assert np.isin(ours[nrem], ["N2", "N3"]).mean() > 0.9
    assert (ours[expert == "R"] == "R").mean() > 0.6


@pytest.mark.slow
def test_staging_uses_eye_chin_age_and_sex_where_they_are_known(shared_data):
    recording = read_recording(shared_data / "recordings" / "nap_10ch_256hz.edf")
    staged = stage_recording(recording, age=25, sex="female")
    assert "eeg+eog+emg+demographics: C4, EOG1, EMG1" in staged.scorer
    assert np.isin(stages_of(staged)[:34], ["N2", "N3"]).mean() > 0.9
    again = stage_recording(recording, age=25, sex="F")
    assert stages_of(again).tolist() == stages_of(staged).tolist()


@pytest.mark.slow
def test_a_simulated_night_is_staged_as_it_was_made():
    from sklearn.metrics import cohen_kappa_score

    from swa.recordings.channels import SignalInfo, assign_channels
    from swa.recordings.recording import Recording
    from swa.settings import Settings
    from swa.simulation.simulated_study import NightPlan, simulate_night

    made = simulate_night(NightPlan(hours=3.0, rate_hz=100, channels=("C4-M1", "E1-M2", "Chin"), seed=4))
    signals = list(made.signals_uv.values())

    class Source:
        def check(self, position):
            """Any of them can be read."""

        def blocks(self, positions):
            yield [Block(signals[position].astype(float), np.empty(0, int)) for position in positions]

    infos = [SignalInfo(label=label, rate_hz=100.0, unit="uV") for label in made.signals_uv]
    channels = assign_channels(infos, Settings().channels)
    recording = Recording(
        name="s", path=None, start=None, duration_s=3 * 3600, rate_hz=100, channels=channels, source=Source()
    )
    staged = stages_of(stage_recording(recording))
    assert cohen_kappa_score(staged, made.stages) > 0.7


@pytest.mark.long
@pytest.mark.slow
def test_what_antropy_compiles_is_kept_for_the_next_process(tmp_path):
    code = "import numba; before = numba.jit; from swa.sleep.staging import import_antropy; import_antropy()"
    code += "; import antropy; assert numba.jit is before; print(antropy.higuchi_fd([1.0, 3.0, 2.0] * 50))"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    first, second = (
        subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert first == second != ""
    assert list(tmp_path.rglob("*_higuchi_fd*.nbc"))


def test_a_gap_does_not_change_the_stages_around_it(shared_data, tmp_path):
    """The real nap with 90 s without recording at minute 10: all other epochs are staged as before."""
    data = bytearray((shared_data / "recordings" / "nap_10ch_256hz.edf").read_bytes())
    whole = stage_recording(read_recording(shared_data / "recordings" / "nap_10ch_256hz.edf"))
    data[192:197] = b"EDF+D"
    place = 0
    for second in range(600, int(data[236:244])):
        place = data.index(f"+{second}\x14\x14".encode(), place)
        later = f"+{second + 90}\x14\x14".encode()
        data[place : place + len(later)] = later
    (tmp_path / "nap.edf").write_bytes(data)
    recording = read_recording(tmp_path / "nap.edf")
    assert recording.gaps == ((600.0, 690.0),)
    interrupted = stage_recording(recording)
    stages = stages_of(interrupted)
    assert stages[20:23].tolist() == ["UNS"] * 3
    np.testing.assert_array_equal(np.delete(stages, slice(20, 23)), stages_of(whole))
    assert (interrupted.proba.iloc[20:23] == 0.2).all(axis=None)
    np.testing.assert_allclose(
        np.delete(interrupted.proba.to_numpy(), slice(20, 23), axis=0), whole.proba, atol=0.02
    )  # edges of resampling


@pytest.mark.slow
def test_scaled_features_stage_as_the_scaled_signal_does(shared_data):
    recording = read_recording(shared_data / "recordings" / "cycle_1ch_100hz.edf")
    staging = stage_at_gains(recording)

    class Scaled:
        def __init__(self, gain):
            self.gain = gain

        def check(self, position):
            recording.source.check(position)

        def blocks(self, positions):
            for blocks in recording.source.blocks(positions):
                yield [Block(samples * self.gain, at_limit) for samples, at_limit, _ in blocks]

    for gain, stages in staging.stages_at_gain.items():
        truly = stages_of(stage_recording(dataclasses.replace(recording, source=Scaled(gain))))
        assert (truly == stages).mean() >= 0.995
    assert any((stages != stages_of(staging.hypnogram)).any() for stages in staging.stages_at_gain.values())


def test_agreement_counts_epochs_that_both_know():
    scored = make_hypnogram(np.array(["UNS"] * 3 + ["W"] * 10 + ["N2"] * 20 + ["N3"] * 10), 30.0)
    staged = make_hypnogram(np.array(["W"] * 13 + ["N2"] * 25 + ["N3"] * 5 + ["R"] * 9), 30.0)
    found = measure_agreement(scored, staged)
    assert (found["epochs"], found["accuracy"]) == (40, 0.875)
    assert found["kappa"] == pytest.approx((0.875 - 0.40625) / (1 - 0.40625), abs=1e-4)
    assert found["recall"] == {"W": 1.0, "N1": None, "N2": 1.0, "N3": 0.5, "R": None}
    assert found["precision"] == {"W": 1.0, "N1": None, "N2": 0.8, "N3": 1.0, "R": None}
    assert measure_agreement(make_hypnogram(np.array(["W"] * 10), 20.0), staged) is None
    assert measure_agreement(make_hypnogram(np.array(["UNS"] * 10), 30.0), staged) is None
