"""Process S: curves of known shape, the refusals, and what must not change the fit."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from swa.measures.process_s import CYCLE_COLUMNS, average_cycles, fit_by_condition, fit_process_s
from swa.settings import HomeostasisSettings

TIME_H = np.tile([0.6, 2.2, 3.8, 5.4, 7.0], 2)
NIGHT = np.repeat(["baseline", "ketamine"], 5)


def curve(initial=(900.0, 1200.0), asymptote=150.0, tau_h=2.5, time_h=TIME_H, night=NIGHT):
    start = np.where(night == night[0], *initial)
    return asymptote + (start - asymptote) * np.exp(-time_h / tau_h)


def noisy(seed, noise=0.15, **truth):
    return curve(**truth) * np.exp(np.random.default_rng(seed).normal(0, noise, len(TIME_H)))


@given(st.floats(300, 3000), st.floats(0.7, 1.5), st.floats(0.0, 0.3), st.floats(1.0, 5.0), st.permutations(range(10)))
@hypothesis_settings(max_examples=40)
def test_curve_without_scatter_is_recovered_in_any_order(initial, ratio, share, tau_h, order):
    level = curve((initial, initial * ratio), share * initial, tau_h)
    order = list(order)

    fit = fit_process_s(TIME_H[order], level[order], NIGHT[order])

    assert fit.reason == ""
    assert fit.initial_uv2["baseline"].value == pytest.approx(initial, rel=0.01)
    assert fit.initial_uv2["ketamine"].value == pytest.approx(initial * ratio, rel=0.02)
    assert fit.tau_h.value == pytest.approx(tau_h, rel=0.02)
    assert fit.asymptote_uv2.value == pytest.approx(share * initial, abs=0.01 * initial)


def test_asymptote_of_zero_is_a_result_with_an_interval_that_begins_there():
    fit = fit_process_s(TIME_H, curve(asymptote=0.0) * np.exp(np.tile([-0.1, 0.1, 0.05, -0.01, -0.06], 2)), NIGHT)

    assert fit.reason == ""
    assert fit.asymptote_uv2.value == fit.asymptote_uv2.low == 0
    assert fit.asymptote_uv2.high > 0
    assert fit.initial_uv2["baseline"].low < 900 < fit.initial_uv2["baseline"].high
    assert fit.degrees_of_freedom == 10 - 4  # the asymptote stays a parameter at its bound


def test_gain_moves_levels_by_its_square_and_nothing_else():
    level = noisy(3)

    one, other = fit_process_s(TIME_H, level, NIGHT), fit_process_s(TIME_H, level * 1.3**2, NIGHT)

    assert np.divide(other.initial_uv2["ketamine"], one.initial_uv2["ketamine"]) == pytest.approx(1.69, rel=1e-4)
    assert np.divide(other.asymptote_uv2, one.asymptote_uv2) == pytest.approx(1.69, rel=1e-3)
    assert other.tau_h == pytest.approx(one.tau_h, rel=1e-3)


def test_intervals_cover():
    fits = [fit for seed in range(120) if not (fit := fit_process_s(TIME_H, noisy(seed), NIGHT)).reason]
    covered = [fit.initial_uv2["baseline"].low <= 900 <= fit.initial_uv2["baseline"].high for fit in fits]

    assert len(fits) >= 110
    assert 0.88 <= np.mean(covered) <= 1.0


CONDITIONS = {"baseline": "baseline", "ketamine": "ketamine"}


def with_drug(*, tau_h=2.7, asymptote=150.0):
    """A baseline night and one of the same initial level with another course."""
    return np.append(curve((900.0, 0.0), tau_h=2.7)[:5], curve((0.0, 900.0), asymptote, tau_h)[5:])


@pytest.mark.parametrize("drug", [{"tau_h": 2.0}, {"asymptote": 300.0}])
def test_another_course_is_not_read_as_another_initial_level(drug):
    """One course for all nights reads S0 x 0.83 and x 1.36 of such drugs in simulations with scatter."""
    shared, ratios = [], []
    for seed in range(30):
        level = with_drug(**drug) * np.exp(np.random.default_rng(seed).normal(0, 0.05, 10))
        one, own = fit_process_s(TIME_H, level, NIGHT), fit_by_condition(TIME_H, level, NIGHT, CONDITIONS)
        shared.append(one.initial_uv2["ketamine"].value / one.initial_uv2["baseline"].value)
        ratios.append(own.initial_uv2["ketamine"].value / own.initial_uv2["baseline"].value)

    assert abs(np.log(np.nanmedian(shared))) > 0.10
    assert abs(np.log(np.nanmedian(ratios))) < 0.05


def test_curves_without_scatter_are_told_apart_by_aicc():
    tau = fit_by_condition(TIME_H, with_drug(tau_h=2.0), NIGHT, CONDITIONS)
    asymptote = fit_by_condition(TIME_H, with_drug(asymptote=300.0), NIGHT, CONDITIONS)

    assert min(tau.aicc, key=tau.aicc.get) == "tau"
    assert min(asymptote.aicc, key=asymptote.aicc.get) == "asymptote"
    assert tau.tau_h["ketamine"].value / tau.tau_h["baseline"].value == pytest.approx(2.0 / 2.7, rel=0.01)
    assert tau.initial_uv2["ketamine"].value == pytest.approx(900, rel=0.01)
    assert asymptote.initial_uv2["ketamine"].value == pytest.approx(900, rel=0.01)


def test_the_same_course_gives_intervals_that_hold_no_change():
    held, held_tau = [], []
    for seed in range(40):
        level = noisy(seed, initial=(900.0, 900.0))
        own = fit_by_condition(TIME_H, level, NIGHT, CONDITIONS)
        first, second = own.initial_uv2["baseline"], own.initial_uv2["ketamine"]
        if not np.isfinite([first.value, second.value]).all():
            continue
        held.append(first.low <= 900 <= first.high)
        held_tau += [t.low <= 2.5 <= t.high for t in own.tau_h.values() if np.isfinite(t.value)]
    assert len(held) >= 30
    assert np.mean(held) >= 0.85
    assert np.mean(held_tau) >= 0.85


def test_gain_leaves_the_time_constants_of_the_conditions():
    level = with_drug(tau_h=2.0) * np.exp(np.random.default_rng(0).normal(0, 0.02, 10))
    one, other = (fit_by_condition(TIME_H, level * gain, NIGHT, CONDITIONS) for gain in (1.0, 1.44))

    for name in CONDITIONS:
        assert other.tau_h[name].value == pytest.approx(one.tau_h[name].value, rel=1e-3)
        assert other.initial_uv2[name].value == pytest.approx(1.44 * one.initial_uv2[name].value, rel=1e-3)


def test_too_few_cycles_cannot_tell_and_say_so():
    keep = [0, 1, 2, 3, 5, 6, 7, 8]

    fit = fit_by_condition(TIME_H[keep], noisy(1)[keep], NIGHT[keep], CONDITIONS)

    assert fit.aicc == {}
    assert np.isnan([*fit.initial_uv2["ketamine"], *fit.tau_h["ketamine"]]).all()
    assert "cannot be told: 8 cycle means leave 3 degrees of freedom, 4 are needed" in fit.reasons["ketamine"]
    assert fit.tau_reasons == fit.reasons


def test_wider_confidence_is_a_wider_interval():
    narrow, wide = (fit_process_s(TIME_H, noisy(1), NIGHT, confidence=level) for level in (0.8, 0.99))

    assert wide.initial_uv2["ketamine"].low < narrow.initial_uv2["ketamine"].low
    assert wide.tau_h.high > narrow.tau_h.high
    assert wide.tau_h.value == narrow.tau_h.value


@pytest.mark.parametrize(
    ("time_h", "level", "night", "reason"),
    [
        (TIME_H[:7], curve()[:7], NIGHT[:7], "7 cycle means in 2 nights, 8 are needed"),
        (TIME_H[:4], curve()[:4], NIGHT[:4], "4 cycle means in one night, 5 are needed"),
        (TIME_H, curve(), np.repeat(["1", "2", "3", "4", "5"], 2), "leave 3 degrees of freedom, 4 are needed"),
        (TIME_H, curve((200.0, 260.0), 600.0), NIGHT, "does not fall"),
        (TIME_H, 500 * np.exp(np.tile([0.1, -0.12, 0.11, -0.1, 0.02], 2)), NIGHT, "beyond chance"),
        (TIME_H, curve(asymptote=0.0, tau_h=40.0), NIGHT, "outside 0.5 to 12 h"),
        (np.full(10, 2.0), curve(), NIGHT, "beyond chance"),
        (np.empty(0), np.empty(0), np.empty(0, str), "0 cycle means"),
    ],
)
def test_hopeless_data_are_refused_with_the_reason(time_h, level, night, reason):
    fit = fit_process_s(time_h, level, night)

    assert reason in fit.reason
    assert np.isnan([*fit.tau_h, *fit.asymptote_uv2]).all()
    assert all(np.isnan(estimate).all() for estimate in fit.initial_uv2.values())
    assert set(fit.reasons.values()) <= {fit.reason}


def test_night_below_the_shared_asymptote_has_no_initial_value_but_the_others_keep_theirs():
    time_h, night = np.tile(TIME_H[:5], 3), np.repeat(["a", "b", "rising"], 5)
    level = np.concatenate([curve()[:5], curve()[5:], [100.0, 120.0, 135.0, 140.0, 145.0]])
    level *= np.exp(np.random.default_rng(0).normal(0, 0.02, 15))

    fit = fit_process_s(time_h, level, night)

    assert "not above the asymptote" in fit.reasons["rising"]
    assert np.isnan(fit.initial_uv2["rising"].value)
    assert fit.initial_uv2["a"].value == pytest.approx(900, rel=0.05)


def test_wide_interval_is_refused_by_the_setting():
    level = noisy(2)

    fit = fit_process_s(TIME_H, level, NIGHT, settings=HomeostasisSettings(widest_factor=1.05))

    assert "wider than ×/÷ 1.05" in fit.reason
    assert fit_process_s(TIME_H, level, NIGHT).reason == ""


def test_single_night_is_fitted_as_exploratory():
    fit = fit_process_s(TIME_H[:5], curve()[:5] * np.exp([0.02, -0.03, 0.01, 0.02, -0.02]), NIGHT[:5])

    assert fit.variant == "single_night"
    assert fit.degrees_of_freedom == 2
    assert fit.initial_uv2["baseline"].value == pytest.approx(900, rel=0.1)
    assert fit_process_s(TIME_H, curve(), NIGHT).variant == ""


def test_cycles_that_are_not_measured_are_left_out():
    level = np.append(noisy(4), [np.nan, 0.0])
    time_h, night = np.append(TIME_H, [8.6, 8.6]), np.append(NIGHT, ["baseline", "ketamine"])

    fit = fit_process_s(time_h, level, night)

    assert fit.n_cycles == 10
    assert fit.initial_uv2 == fit_process_s(TIME_H, level[:10], NIGHT).initial_uv2


def test_arrays_of_different_length_are_an_error():
    with pytest.raises(ValueError, match="one each per cycle"):
        fit_process_s(TIME_H, curve()[:-1], NIGHT)


def test_cycle_means_stand_at_the_midpoints_of_nrem_periods():
    cycles = pd.DataFrame({"nrem_start_s": [600.0, 6000.0, 9000.0], "nrem_end_s": [4200.0, 8400.0, 9060.0]})
    epoch_power = np.full(400, 7.0)
    nrem = np.zeros(400, bool)
    nrem[20:140], nrem[200:280], nrem[300:302] = True, True, True
    epoch_power[20:140], epoch_power[200:280] = 500.0, 200.0
    epoch_power[20:30] = np.nan

    table = average_cycles(epoch_power, nrem, 30.0, cycles, 540.0)

    assert list(table.columns) == list(CYCLE_COLUMNS)
    assert table["cycle"].tolist() == [1, 2]  # the third has 1 min
    assert table["swa_uv2"].tolist() == [500.0, 200.0]
    assert table["n_epochs"].tolist() == [110, 80]
    assert table["time_h"].tolist() == pytest.approx([(2400 - 540) / 3600, (7200 - 540) / 3600])
    assert list(average_cycles(epoch_power, nrem, 30.0, cycles.iloc[:0], 540.0).columns) == list(CYCLE_COLUMNS)
