"""REM density: known eye movements in a simulated EOG, which channels it takes, and windows without REM sleep."""

import mne
import numpy as np
import pytest

from swa.measures.eye_movements import find_eye_movements, usable_samples
from swa.night.analysis import analyze_night
from swa.recordings.channels import SignalInfo, assign_channels, pair_of_eyes
from swa.recordings.recording import Recording
from swa.settings import ChannelSettings, Settings, check_settings
from swa.sleep.hypnogram import make_hypnogram

RATE = 100.0


def eyes(minutes, every_s, height_uv=120.0, together=1.0, seed=0):
    """Left and right EOG with a movement of 0.6 s every so often, against each other (or alike), in noise."""
    rng = np.random.default_rng(seed)
    n = round(minutes * 60 * RATE)
    times = np.arange(every_s, minutes * 60 - 2, every_s)
    pulse = np.sin(np.pi * np.arange(round(0.6 * RATE)) / (0.6 * RATE)) ** 2
    wave = np.zeros(n)
    for time, sign in zip(times, rng.choice([-1, 1], len(times)), strict=True):
        wave[round(time * RATE) :][: len(pulse)] += sign * height_uv * pulse
    noise = rng.normal(0, 6, (2, n))
    return wave + noise[0], -together * wave + noise[1], times


def test_every_eye_movement_is_found_and_none_in_what_both_eyes_see_alike():
    left, right, times = eyes(10, 5.0)
    everywhere = np.ones(len(left), dtype=bool)
    found = find_eye_movements(left, right, everywhere, RATE)
    assert len(found) == len(times)
    assert np.abs(found - (times + 0.3)).max() < 0.1
    assert find_eye_movements(left, left, everywhere, RATE).size == 0  # slow waves and blinks
    assert find_eye_movements(0.3 * left, 0.3 * right, everywhere, RATE).size == 0  # below the limit
    first = np.arange(len(left)) < 5 * 60 * RATE
    assert len(find_eye_movements(left, right, first, RATE)) == (times < 299).sum()
    assert find_eye_movements(left, right, ~everywhere, RATE).size == 0


def test_an_eye_that_stands_still_is_not_recorded():
    left, right, _ = eyes(1, 5.0)
    right[2000:3000] = 0.0
    usable = usable_samples(np.stack([left, right]), RATE)
    assert (~usable).sum() == 1000
    assert not usable[2000:3000].any()


@pytest.mark.parametrize(
    ("labels", "pair"),
    [
        (["E1-M2", "E2-M1"], ("E1-M2", "E2-M1")),
        (["EOG2-A1", "EOG1-A1"], ("EOG1-A1", "EOG2-A1")),
        (["LOC", "ROC"], ("LOC", "ROC")),
        (["EOG horizontal"], None),
        (["LOC-Fpz", "ROC-A1"], None),
    ],
)
def test_both_eyes_are_needed_against_one_reference_or_the_mastoids(labels, pair):
    signals = [SignalInfo(label=label, rate_hz=RATE, unit="uV") for label in labels]
    found = pair_of_eyes([one for one in assign_channels(signals, ChannelSettings()) if one.role == "eog"])
    assert (found and tuple(channel.name for channel in found)) == pair


@pytest.fixture(scope="module")
def night():
    """40 min: NREM, 10 min of REM sleep, NREM, 5 min of REM sleep; a movement each 5 s, and in NREM none."""
    rng = np.random.default_rng(1)
    stages = ["N2"] * 40 + ["R"] * 20 + ["N2"] * 40 + ["R"] * 10
    left, right, _ = eyes(len(stages) / 2, 5.0)
    eeg = np.cumsum(rng.normal(0, 4, len(left)))
    eeg = eeg - np.convolve(eeg, np.ones(200) / 200, "same")
    info = mne.create_info(["C4-M1", "E1-M2", "E2-M2"], RATE, ["eeg", "eog", "eog"])
    raw = mne.io.RawArray(np.stack([eeg, left, right]) * 1e-6, info, verbose="error")
    return raw, make_hypnogram(np.array(stages), 30.0, scorer="by hand")


def density(raw, hypnogram, **own):
    settings = check_settings({"eye_movements": {"measured": True} | own})
    rows = analyze_night(Recording.from_raw(raw), hypnogram, settings).measures
    rows = rows[rows["measure"] == "rem_density"]
    assert set(rows["channel"]) == {"all"}
    return rows.set_index("window")


def test_density_is_per_minute_of_rem_sleep_by_night_and_rem_period(night):
    rows = density(*night)
    assert rows.loc["night", "value"] == pytest.approx(12, abs=0.3)
    assert rows.loc["cycle-1", "value"] == pytest.approx(12, abs=0.3)
    assert rows.loc["night", "n"] == 30
    assert rows.loc["night", "unit"] == "1/min"
    assert "needed" in density(*night, minimum_min=20.0).loc["night", "note"]


def test_without_both_eyes_or_without_the_setting_there_is_no_density(night):
    raw, hypnogram = night
    one = density(raw.copy().drop_channels(["E2-M2"]), hypnogram)
    assert one["value"].isna().all()
    assert "found: E1-M2" in one.loc["night", "note"]
    rows = analyze_night(Recording.from_raw(raw), hypnogram, Settings()).measures
    assert "rem_density" not in set(rows["measure"])
