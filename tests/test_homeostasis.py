"""The overnight decline of SWA against curves whose slope is known."""

import numpy as np
import pytest

from swa.measures.homeostasis import summarize_decline

EPOCHS_PER_HOUR = 120


def decline(power, nrem=None):
    nrem = np.ones(len(power), bool) if nrem is None else nrem
    return summarize_decline(np.asarray(power, float), nrem, 30.0)


def test_decline_is_the_slope_of_ln_swa_per_hour_of_nrem():
    hours = np.arange(4 * EPOCHS_PER_HOUR) / EPOCHS_PER_HOUR
    found = decline(400 * np.exp(-0.3 * hours))
    assert found["swa_decline"] == (pytest.approx(-0.3), "1/h", "")
    assert found["swa_early_late_ratio"][0] == pytest.approx(np.exp(0.9), rel=1e-6)


def test_wake_and_rem_do_not_stretch_the_decline():
    hours = np.arange(3 * EPOCHS_PER_HOUR) / EPOCHS_PER_HOUR
    power = 400 * np.exp(-0.3 * hours)
    wake = np.full(90, 9000.0)
    gapped = np.concatenate([power[:100], wake, power[100:]])
    nrem = np.concatenate([np.ones(100, bool), np.zeros(90, bool), np.ones(260, bool)])
    assert decline(gapped, nrem) == {name: pytest.approx(row) for name, row in decline(power).items()}


def test_a_gain_leaves_decline_and_ratio_unchanged():
    power = np.random.default_rng(0).gamma(9, 20, 400)
    for name, (value, _, _) in decline(power).items():
        assert decline(power * 1.7)[name][0] == pytest.approx(value)


def test_epochs_without_a_value_or_with_zero_power_are_left_out():
    power = 400 * np.exp(-0.3 * np.arange(400) / EPOCHS_PER_HOUR)
    power[::7], power[3::7] = np.nan, 0.0
    assert decline(power)["swa_decline"][0] == pytest.approx(-0.3)


def test_less_than_two_hours_of_nrem_are_nan_with_the_reason():
    found = decline(np.ones(239))
    for value, _, note in found.values():
        assert np.isnan(value)
        assert "120" in note
    assert np.isfinite(decline(np.ones(240))["swa_decline"][0])


@pytest.mark.parametrize("hour", [slice(0, 120), slice(-120, None)])
def test_an_hour_without_usable_epochs_is_nan_with_the_reason(hour):
    power = np.full(360, 100.0)
    power[hour] = np.nan
    for value, _, note in decline(power).values():
        assert np.isnan(value)
        assert "no usable epoch" in note
