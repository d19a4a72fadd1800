"""Slope at equal amplitude: both estimators, on waves whose slope-amplitude relation is known."""

import numpy as np
import pytest

from swa.measures.matched_slopes import (
    AROUND,
    FEWEST_WAVES,
    SlopeLine,
    fit_slope_line,
    pooled_quantile,
    reference_amplitude,
    resample_to_shared_histogram,
    stage_weights,
    standardise_lines,
)


def waves(rng, n=2000, gain=1.0, steeper=1.0, exponent=0.9, scatter=0.3):
    amplitude = 60 * np.exp(rng.normal(0, 0.35, n)) * gain
    slope = 300 * (amplitude / 60) ** exponent * np.exp(rng.normal(0, scatter, n)) * steeper
    above = amplitude >= 40
    return amplitude[above], slope[above]


def test_line_is_recovered_exactly():
    amplitude = np.geomspace(40, 150, 50)
    line = fit_slope_line(amplitude, 300 * (amplitude / 75) ** 0.8, 75.0)
    assert line.at_reference == pytest.approx(300)
    assert line.exponent == pytest.approx(0.8)
    assert line.n == 50


def test_line_ignores_a_few_wild_waves():
    rng = np.random.default_rng(1)
    amplitude, slope = waves(rng, 400, scatter=0.1)
    wild = slope.copy()
    wild[:12] *= 20
    clean, dirty = (fit_slope_line(amplitude, s, 75.0).at_reference for s in (slope, wild))
    assert dirty == pytest.approx(clean, rel=0.015)


def test_waves_of_one_amplitude_have_their_own_level():
    line = fit_slope_line(np.full(40, 50.0), np.full(40, 250.0), 50.0)
    assert (line.at_reference, line.exponent) == (pytest.approx(250), 0.0)


@pytest.mark.parametrize("n", [0, FEWEST_WAVES - 1])
def test_too_few_waves_are_not_measured(n):
    line = fit_slope_line(np.full(n, 50.0), np.full(n, 250.0), 50.0)
    assert np.isnan(line.at_reference)
    assert line.n == n


def test_no_reference_is_not_measured():
    assert np.isnan(fit_slope_line(np.full(40, 50.0), np.full(40, 250.0), float("nan")).at_reference)


def test_gain_at_the_scaled_reference_scales_the_slope():
    amplitude, slope = waves(np.random.default_rng(2))
    one = fit_slope_line(amplitude, slope, 75.0)
    two = fit_slope_line(1.3 * amplitude, 1.3 * slope, 1.3 * 75.0)
    assert two.at_reference == pytest.approx(1.3 * one.at_reference, rel=1e-9)
    assert two.exponent == pytest.approx(one.exponent, abs=1e-9)


def test_gain_leaves_its_stated_factor_at_the_fixed_reference():
    amplitude, slope = waves(np.random.default_rng(3))
    one, two = (fit_slope_line(g * amplitude, g * slope, 75.0) for g in (1, 1.3))
    assert two.at_reference / one.at_reference == pytest.approx(1.3 ** (1 - one.exponent), rel=1e-6)


def ratio_of_estimators(treated, baseline):
    reference = reference_amplitude([baseline[0]])
    line = fit_slope_line(*treated, reference).at_reference / fit_slope_line(*baseline, reference).at_reference
    first, second = resample_to_shared_histogram([baseline[0], treated[0]], [baseline[1], treated[1]], reference)
    return line, second.slope / first.slope


def test_larger_waves_of_the_same_relation_move_neither_estimator():
    rng = np.random.default_rng(4)
    baseline, treated = waves(rng, 20_000), waves(rng, 20_000, gain=1.3)
    assert treated[1].mean() / baseline[1].mean() > 1.1
    assert ratio_of_estimators(treated, baseline) == pytest.approx((1, 1), abs=0.015)


def test_steeper_waves_move_both_estimators_by_their_steepness():
    rng = np.random.default_rng(5)
    assert ratio_of_estimators(waves(rng, 20_000, steeper=1.15), waves(rng, 20_000)) == pytest.approx(
        (1.15, 1.15), abs=0.015
    )


def test_equal_nights_share_their_whole_histogram():
    amplitude, slope = waves(np.random.default_rng(6))
    nights = resample_to_shared_histogram([amplitude, amplitude], [slope, slope], 60.0)
    near = amplitude <= 60 * AROUND
    assert [night.overlap for night in nights] == pytest.approx([1, 1])
    assert [night.slope for night in nights] == pytest.approx([np.exp(np.log(slope[near]).mean())] * 2)
    assert [night.n for night in nights] == [near.sum()] * 2


def test_order_of_nights_changes_nothing():
    rng = np.random.default_rng(7)
    nights = [waves(rng, 500, gain=g) for g in (1, 1.2, 0.9)]
    there = resample_to_shared_histogram([a for a, _ in nights], [s for _, s in nights], 70.0)
    back = resample_to_shared_histogram([a for a, _ in nights[::-1]], [s for _, s in nights[::-1]], 70.0)
    assert [night.slope for night in there] == pytest.approx([night.slope for night in back[::-1]])


def test_a_night_of_few_waves_does_not_take_part():
    rng = np.random.default_rng(8)
    one, two, few = waves(rng, 500), waves(rng, 500), waves(rng, 20)
    with_few = resample_to_shared_histogram([one[0], few[0], two[0]], [one[1], few[1], two[1]], 70.0)
    without = resample_to_shared_histogram([one[0], two[0]], [one[1], two[1]], 70.0)
    assert np.isnan(with_few[1].slope)
    assert [with_few[0], with_few[2]] == without


def test_nights_without_common_amplitudes_are_not_measured():
    rng = np.random.default_rng(9)
    small, large = (rng.uniform(70, 95, 200), np.full(200, 250.0)), (rng.uniform(105, 140, 200), np.full(200, 250.0))
    nights = resample_to_shared_histogram([small[0], large[0]], [small[1], large[1]], 100.0)
    assert all(np.isnan(night.slope) for night in nights)
    assert [night.overlap for night in nights] == [0, 0]


def test_without_a_reference_nothing_is_resampled():
    amplitude, slope = waves(np.random.default_rng(11))
    nights = resample_to_shared_histogram([amplitude, amplitude], [slope, slope], float("nan"))
    assert all(np.isnan(night.slope) for night in nights)


def test_one_night_alone_is_not_measured():
    amplitude, slope = waves(np.random.default_rng(10))
    assert np.isnan(resample_to_shared_histogram([amplitude], [slope], 70.0)[0].slope)
    assert resample_to_shared_histogram([], [], 70.0) == []


def test_reference_weighs_nights_equally():
    short, long = np.full(10, 50.0), np.full(1000, 100.0)
    assert pooled_quantile([short, long], 0.4) == 50
    assert reference_amplitude([short, long]) == 100
    assert np.isnan(reference_amplitude([np.empty(0)]))


def test_stage_weights_count_each_night_once_and_leave_a_rare_stage_out():
    assert stage_weights([{"N2": 10, "N3": 30}, {"N2": 300, "N3": 100}, {"N2": 0, "N3": 0}]) == {"N2": 0.5, "N3": 0.5}
    assert stage_weights([{"N2": 95, "N3": 5}]) == {"N2": 1.0}
    assert stage_weights([]) == {}


def test_standardised_lines_are_the_weighted_geometric_mean_and_need_each_stage_of_weight():
    lines = {
        "N2": SlopeLine(at_reference=400.0, exponent=1.0, n=50),
        "N3": SlopeLine(at_reference=100.0, exponent=0.5, n=9),
    }
    found = standardise_lines(lines, {"N2": 0.5, "N3": 0.5})
    assert (found.at_reference, found.exponent, found.n) == (pytest.approx(200), 0.75, 59)
    assert standardise_lines(lines, {"N2": 1.0}).at_reference == pytest.approx(400)
    missing = lines | {"N3": SlopeLine(at_reference=float("nan"), exponent=float("nan"), n=9)}
    assert np.isnan(standardise_lines(missing, {"N2": 0.5, "N3": 0.5}).at_reference)
    assert np.isnan(standardise_lines(lines, {}).at_reference)
