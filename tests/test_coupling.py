"""Coupling of slow waves and spindles in signals where it is known."""

import numpy as np
import pandas as pd
import pytest

from swa.comparison.contrasts import compare_nights
from swa.measures.coupling import circular_mean, find_coupling, summarize_coupling
from swa.settings import CouplingSettings
from swa.study.regions import region_means

RATE_HZ = 100.0
SETTINGS = CouplingSettings()


def make(phase_deg, *, n_waves=150, jitter_s=0.05, seed=1, background_uv=3.0, coupled=True):
    """Cosine slow waves of 0.8 Hz every 4 s, each with a 14-Hz spindle at a phase of them, or anywhere."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(0, 4.0 * (n_waves + 1), 1 / RATE_HZ)
    signal = rng.normal(0, background_uv, len(time_s))
    troughs_s = 4.0 * np.arange(n_waves) + 2.0 + rng.uniform(-0.3, 0.3, n_waves)
    for trough_s in troughs_s:
        t = time_s - trough_s
        inside = np.abs(t) < 1 / 0.8
        signal[inside] -= 80 * np.cos(2 * np.pi * 0.8 * t[inside]) * np.cos(np.pi * t[inside] * 0.4) ** 2
        delay_s = (((phase_deg + 180) + 180) % 360 - 180) / 360 / 0.8 + rng.normal(0, jitter_s)
        if not coupled:
            delay_s = rng.uniform(-2, 2)
        signal += 15 * np.exp(-(((t - delay_s) / 0.15) ** 2)) * np.cos(2 * np.pi * 14 * (t - delay_s))
    return signal, troughs_s


def measure(signal, troughs_s, usable=None, settings=SETTINGS):
    usable = np.ones(len(signal), bool) if usable is None else usable
    found = find_coupling(signal, usable, troughs_s, RATE_HZ, settings)
    return found, summarize_coupling(found, np.ones(len(found.peaks_s), bool), settings)


@pytest.mark.parametrize("phase_deg", [-120.0, -60.0, 0.0, 60.0])
def test_the_phase_of_the_spindles_is_found(phase_deg):
    _, summary = measure(*make(phase_deg))
    off = (summary["coupling_phase"][0] - phase_deg + 180) % 360 - 180
    assert abs(off) < 12
    assert summary["coupling_strength"][0] > 0.85
    assert summary["coupling_z"][0] > 5


def test_spindles_at_any_phase_are_no_coupling():
    z = [measure(*make(0, coupled=False, seed=seed))[1]["coupling_z"][0] for seed in range(5)]
    assert abs(np.mean(z)) < 1
    assert np.max(np.abs(z)) < 3.5


def test_without_spindles_there_is_no_coupling():
    rng = np.random.default_rng(5)
    signal, troughs_s = make(0, seed=5)
    z = measure(rng.normal(0, 20, len(signal)), troughs_s)[1]["coupling_z"][0]
    assert abs(z) < 3


def test_a_gain_changes_nothing_and_inversion_turns_the_phase_by_half():
    signal, troughs_s = make(-40)
    _, plain = measure(signal, troughs_s)
    _, louder = measure(3 * signal, troughs_s)
    _, inverted = measure(-signal, troughs_s)
    assert louder["coupling_phase"][0] == pytest.approx(plain["coupling_phase"][0], abs=1e-4)
    turned = (inverted["coupling_phase"][0] - plain["coupling_phase"][0]) % 360
    assert turned == pytest.approx(180, abs=1e-3)


def test_waves_without_usable_signal_around_them_are_left_out():
    signal, troughs_s = make(0)
    usable = np.ones(len(signal), bool)
    usable[: round((troughs_s[100] - 1.2) * RATE_HZ)] = False
    found, summary = measure(signal, troughs_s, usable)
    np.testing.assert_array_equal(found.peaks_s, troughs_s[100:])
    assert summary["coupling_phase"][2] == 50
    few = summarize_coupling(found, np.arange(50) < 10)
    assert np.isnan(few["coupling_z"][0])
    assert few["coupling_z"][3] == "10 slow waves with usable signal around them, 30 are needed"
    _, nothing = measure(signal, troughs_s, np.zeros(len(signal), bool))
    assert np.isnan(nothing["coupling_phase"][0])


@pytest.mark.parametrize(
    ("nights", "change"),
    [((170.0, -170.0), 20.0), ((-170.0, 170.0), -20.0), ((-20.0, 15.0), 35.0), ((170.0, -176.0, -150.0), 33.0)],
)
def test_phases_of_nights_and_channels_are_averaged_and_subtracted_on_the_circle(nights, change):
    *baseline, treated = nights
    rows = [("A", f"b{i}", "baseline", value) for i, value in enumerate(baseline)] + [("A", "k", "ketamine", treated)]
    table = pd.DataFrame(rows, columns=["subject", "session", "condition", "value"]).assign(
        channel="C4-M1", stages="NREM", window="night", measure="coupling_phase", variant="", unit="°", n=50, note=""
    )
    found = compare_nights(table).set_index("subject").loc["A", "estimate"]
    assert found == pytest.approx(change)
    wide = table.assign(channel=["F3-M2", "F4-M1", "Fz-M2"][: len(table)], session="one", condition="baseline")
    assert circular_mean(wide["value"].to_numpy()) == pytest.approx(
        np.degrees(np.angle(np.exp(1j * np.radians(nights)).mean()))
    )
    means = region_means(wide, ["session", "measure"])
    front = means.loc[means["channel"] == "frontal", "value"].item()
    assert front == pytest.approx(circular_mean(np.array(nights)))
