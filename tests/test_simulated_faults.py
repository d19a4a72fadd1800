"""Faults are added to a copy of a night, and are what their names say."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from swa.recordings.mains import mains_amplitude, mains_power
from swa.simulation.simulated_study import NightPlan, simulate_night

_SPEC = importlib.util.spec_from_file_location("faults", Path(__file__).parent.parent / "benchmarks" / "faults.py")
faults = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(faults)
FAULTS, add_fault, swap_nights = faults.FAULTS, faults.add_fault, faults.swap_nights

CHANNELS = ("F3-M2", "F4-M1", "C3-M2", "E1-M2")


@pytest.fixture(scope="module")
def clean():
    return simulate_night(NightPlan(hours=1.5, rate_hz=128, channels=CHANNELS, seed=5))


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_changes_what_it_strikes_and_nothing_else(clean, kind):
    before = {name: signal.copy() for name, signal in clean.signals_uv.items()}
    faulty = add_fault(clean, kind, 3, "F4-M1")
    changed = {name for name, signal in faulty.signals_uv.items() if not np.array_equal(signal, before[name])}
    assert "F4-M1" in changed
    assert "E1-M2" not in changed
    if kind in ("pops", "drift", "flat", "gain_one", "mains"):
        assert changed == {"F4-M1"}
    assert all(np.array_equal(clean.signals_uv[name], before[name]) for name in CHANNELS)
    if kind not in ("pops", "movements", "mislabelled"):
        return
    again = add_fault(clean, kind, 3, "F4-M1")
    assert all(np.array_equal(again.signals_uv[name], faulty.signals_uv[name]) for name in CHANNELS)


def test_gain_multiplies_and_low_pass_takes_the_top_off(clean):
    signal = clean.signals_uv["F3-M2"]
    assert np.allclose(add_fault(clean, "gain", 2).signals_uv["F3-M2"], 1.35 * signal, rtol=1e-5)

    def above_30_hz(made):
        return (np.abs(np.fft.rfft(made)) ** 2)[np.fft.rfftfreq(len(made), 1 / 128) > 30].sum()

    assert above_30_hz(add_fault(clean, "low_pass", 3).signals_uv["F3-M2"]) < 0.01 * above_30_hz(signal)


def test_the_mains_are_as_large_as_their_strength_says(clean):
    struck = add_fault(clean, "mains", 2).signals_uv["F3-M2"]
    assert mains_amplitude(mains_power(struck, 128)) == pytest.approx(20, rel=0.02)


def test_a_rate_that_cannot_hold_the_mains_is_told():
    slow = simulate_night(NightPlan(hours=1.5, rate_hz=100, channels=CHANNELS, seed=5))
    with pytest.raises(ValueError, match="the rate is 100 Hz"):
        add_fault(slow, "mains")


def test_wrong_names_are_told(clean):
    for arguments, message in (
        (("hum",), "kind is 'hum'"),
        (("pops", 4), "strength is 4"),
        (("pops", 1, "E1-M2"), "channel is 'E1-M2'"),
    ):
        with pytest.raises(ValueError, match=message):
            add_fault(clean, *arguments)


def test_swapped_nights_exchange_their_recordings(clean):
    other = add_fault(clean, "gain", 1)
    assert swap_nights({"a": clean, "b": other}, "a", "b") == {"a": other, "b": clean}
