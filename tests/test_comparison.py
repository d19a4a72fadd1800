"""Contrasts against answers known from a formula, by hand, from scipy, or by symmetry."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from swa.comparison.contrasts import (
    compare_nights,
    subject_values,
)
from swa.comparison.designs import find_designs
from swa.comparison.designs.statement import design_statement, find_limits
from swa.comparison.group import adjust_p, adjust_primary_p, hedges_g_av, hodges_lehmann, paired_t, sign_flip_test
from swa.comparison.primary import check_primary, declared_primary
from swa.comparison.within_subject import stated_within_sd
from swa.errors import SettingsError, StudyError
from swa.glossary import read_glossary
from swa.settings import ComparisonSettings, Settings
from swa.tables import notes
from swa.tables.contrast import Contrast
from swa.tables.marker import Marker, select
from swa.tables.reason import decode
from swa.tables.results_tables import CONTRASTS, SUBJECT_VALUES

SD_W = math.sqrt(math.log(1 + 0.4**2) * (1 - 0.76))  # of the stated reliability, by default


def rows(subject, condition, value, *, session=None, **columns):
    base = {"subject": subject, "session": session or condition, "condition": condition, "channel": "frontal"}
    base |= {"stages": "NREM", "window": "night", "measure": "swa", "variant": "", "value": value, "unit": "µV²"}
    return base | {"n": 100, "note": ""} | columns


def table(values, **columns):
    """Long table from {subject: {condition: value or list of values}}."""
    return pd.DataFrame(
        [
            rows(subject, condition, value, session=f"{condition}{night}", **columns)
            for subject, conditions in values.items()
            for condition, nights in conditions.items()
            for night, value in enumerate(np.atleast_1d(nights), start=1)
        ]
    )


def pairs(ratios, **columns):
    return table(
        {f"s{i:02d}": {"baseline": 100.0 + i, "ketamine": (100.0 + i) * r} for i, r in enumerate(ratios)}, **columns
    )


def group(contrasts):
    found = contrasts[contrasts["subject"] == "group"]
    assert len(found) == 1
    return found.iloc[0]


def one(contrasts, subject):
    found = contrasts[contrasts["subject"] == subject]
    assert len(found) == 1
    return found.iloc[0]


def flip_p_by_definition(changes):
    observed = abs(sum(changes))
    flips = itertools.product((1, -1), repeat=len(changes))
    reached = [abs(sum(s * x for s, x in zip(signs, changes, strict=True))) >= observed - 1e-12 for signs in flips]
    return sum(reached) / len(reached)


class TestSignFlip:
    def test_six_positive_changes_reach_2_of_64(self):
        assert sign_flip_test([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]).p[0] == 2 / 64

    def test_by_hand_with_one_small_negative(self):
        # Reached by the identity, and by flipping the negative one alone; each with its mirror image.
        assert sign_flip_test([1.0, 2.0, 3.0, 4.0, 5.0, -0.5]).p[0] == 4 / 64

    @given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
    def test_ties_and_zeros_count_as_in_the_definition(self, changes):
        assert sign_flip_test(np.array(changes, float)).p[0] == pytest.approx(flip_p_by_definition(changes), abs=1e-12)

    def test_agrees_with_scipy(self):
        x = np.random.default_rng(0).normal(0.4, 1, 11)
        expected = stats.permutation_test((x,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
        assert sign_flip_test(x).p[0] == pytest.approx(expected, abs=1e-12)

    def test_no_interval_at_five_subjects_and_min_to_max_at_six(self):
        x = np.array([0.3, -0.1, 0.5, 0.7, 0.2, 0.9])
        five, six = sign_flip_test(x[:5]), sign_flip_test(x)
        assert np.isnan([five.low[0], five.high[0], five.level[0]]).all()
        assert (six.low[0], six.high[0], six.level[0]) == (-0.1, 0.9, 1 - 2 / 64)

    @pytest.mark.parametrize("n", [6, 8, 11, 40])
    def test_interval_is_the_set_of_shifts_that_are_not_rejected(self, n):
        x = np.random.default_rng(n).normal(0.3, 1, n)
        found = sign_flip_test(x)
        low, high = found.low[0], found.high[0]
        alpha = 0.05
        for outside in (low - 1e-9, low - 0.05, high + 1e-9, high + 0.05):
            assert sign_flip_test(x - outside).p[0] <= alpha
        for inside in (low + 1e-9, low + 0.05, x.mean(), high - 0.05, high - 1e-9):
            assert sign_flip_test(x - inside).p[0] > alpha

    def test_attained_level_is_that_of_the_largest_rejected_p(self):
        x = np.random.default_rng(3).normal(0.3, 1, 8)
        found = sign_flip_test(x)
        assert sign_flip_test(x - (found.low[0] - 1e-9)).p[0] == pytest.approx(1 - found.level[0], abs=1e-12)

    def test_random_flips_approach_the_exact_answer_and_repeat(self):
        x = np.random.default_rng(4).normal(0.5, 1, 14)
        exact = sign_flip_test(x)
        drawn = ComparisonSettings(exact_flip_subjects=6, random_flips=50_000)
        first, second = sign_flip_test(x, drawn), sign_flip_test(x, drawn)
        assert not first.exact[0]
        assert first.p[0] == second.p[0] == pytest.approx(exact.p[0], abs=5 * math.sqrt(0.05 / 50_000))
        assert [first.low[0], first.high[0]] == pytest.approx([exact.low[0], exact.high[0]], abs=0.05)
        assert sign_flip_test(np.full(30, 1.0)).p[0] == 2 / 10_000  # the identity is one of the flips

    def test_missing_changes_are_those_of_fewer_subjects(self):
        x = np.random.default_rng(5).normal(0.5, 1, (9, 3))
        x[[1, 4], 1] = np.nan
        x[:, 2] = np.nan
        found = sign_flip_test(x)
        fewer = sign_flip_test(np.delete(x[:, 1], [1, 4]))
        assert (found.p[1], found.low[1], found.high[1]) == (fewer.p[0], fewer.low[0], fewer.high[0])
        assert np.isnan(found.p[2])

    @given(st.lists(st.floats(-3, 3), min_size=6, max_size=10))
    def test_interval_contains_the_mean_and_mirrors(self, changes):
        x = np.array(changes)
        found, mirrored = sign_flip_test(x), sign_flip_test(-x)
        assert found.low[0] - 1e-9 <= x.mean() <= found.high[0] + 1e-9
        assert found.p[0] == mirrored.p[0]
        assert [-found.low[0], -found.high[0]] == pytest.approx([mirrored.high[0], mirrored.low[0]], abs=1e-12)


class TestPairedT:
    @pytest.mark.parametrize("n", [2, 3, 8, 25])
    def test_agrees_with_scipy(self, n):
        x = np.random.default_rng(n).normal(0.2, 1, (n, 4))
        found = paired_t(x, 0.9)
        expected = stats.ttest_1samp(x, 0)
        interval = expected.confidence_interval(0.9)
        for ours, theirs in (
            (found.t, expected.statistic),
            (found.p, expected.pvalue),
            (found.low, interval.low),
            (found.high, interval.high),
        ):
            assert np.allclose(ours, theirs, rtol=1e-10, atol=1e-10)

    @pytest.mark.parametrize("x", [[0.1, 0.1, 0.1], [0.0, 0.0], [0.7], [np.nan, np.nan], []])
    def test_without_spread_there_is_no_t(self, x):
        found = paired_t(np.array(x))
        assert np.isnan([found.t[0], found.p[0], found.low[0], found.high[0]]).all()


class TestHedges:
    def test_follows_lakens_2013(self):
        before, after = np.array([1.0, 2.0, 3.0, 4.0, 6.0]), np.array([2.0, 2.5, 4.0, 6.0, 9.0])
        d_av = (after.mean() - before.mean()) / ((before.std(ddof=1) + after.std(ddof=1)) / 2)
        assert hedges_g_av(before, after)[0] == pytest.approx(d_av * (1 - 3 / (4 * 4 - 1)), rel=1e-12)

    def test_a_change_that_rounds_to_none_has_no_sign(self):
        assert notes.G_AV(g=-0.001).words == "g_av 0.00"

    def test_is_undefined_without_spread_or_with_two_pairs(self):
        assert np.isnan(hedges_g_av([1.0, 1, 1], [2.0, 2, 2])[0])
        assert np.isnan(hedges_g_av([1.0, 2], [2.0, 4])[0])


class TestOneSubject:
    def test_stated_reliability_gives_the_interval_of_one_night_each(self):
        found = one(compare_nights(table({"a": {"baseline": 100.0, "ketamine": 150.0}})), "a")
        half = stats.norm.ppf(0.975) * SD_W * math.sqrt(2)
        assert found["estimate"] == pytest.approx(1.5)
        assert [found["ci_low"], found["ci_high"]] == pytest.approx([1.5 * math.exp(-half), 1.5 * math.exp(half)])
        assert found["method"] == "stated reliability (SD_w 0.189)"
        assert np.isnan(found["p"])
        assert found["n"] == 2
        assert found["note"] == "within night-to-night variation"

    def test_reliable_change_is_what_excludes_no_change(self):
        found = one(compare_nights(table({"a": {"baseline": 100.0, "ketamine": 200.0}})), "a")
        assert found["ci_low"] > 1
        assert found["note"] == "reliable change"

    def test_several_nights_are_geometric_means_and_narrow_the_interval(self):
        found = one(compare_nights(table({"a": {"baseline": [100.0, 144.0], "ketamine": [80.0, 120.0, 90.0]}})), "a")
        assert found["estimate"] == pytest.approx((80 * 120 * 90) ** (1 / 3) / 120)
        half = stats.norm.ppf(0.975) * SD_W * math.sqrt(1 / 3 + 1 / 2)
        assert math.log(found["ci_high"] / found["estimate"]) == pytest.approx(half)
        assert found["n"] == 5
        assert found["note"].startswith("mean of 3 ketamine nights; mean of 2 baseline nights")

    def test_own_baseline_pairs_replace_the_stated_reliability_from_three_degrees_of_freedom(self):
        values = {
            "a": {"baseline": [100.0, 120.0], "ketamine": 150.0},
            "b": {"baseline": [90.0, 80.0], "ketamine": 95.0},
            "c": {"baseline": [210.0, 170.0]},  # without a treatment, and yet a baseline pair
            "d": {"baseline": 130.0, "ketamine": 120.0},
        }
        found = compare_nights(table(values))
        logs = [np.log(values[name]["baseline"]) for name in "abc"]
        sd = math.sqrt(sum(((x - x.mean()) ** 2).sum() for x in logs) / 3)
        a, d = one(found, "a"), one(found, "d")
        quantile = stats.t.ppf(0.975, 3)
        assert math.log(a["ci_high"] / a["estimate"]) == pytest.approx(quantile * sd * math.sqrt(1 + 1 / 2))
        assert math.log(d["estimate"] / d["ci_low"]) == pytest.approx(quantile * sd * math.sqrt(2))
        assert a["method"] == f"baseline pairs of 3 subjects (SD_w {sd:.3g}, t df 3)"
        assert "c" not in set(found["subject"])
        del values["c"]
        assert one(compare_nights(table(values)), "a")["method"].startswith("stated reliability")

    def test_whose_nights_the_spread_is_of_is_a_fact_of_the_row(self):
        values = {name: {"baseline": 100.0, "ketamine": 130.0} for name in "bcd"}
        found = compare_nights(table({"a": {"baseline": [100.0, 120.0, 90.0, 110.0], "ketamine": 130.0}} | values))
        reason = notes.BASELINE_PAIRS.among(decode(one(found, "b")["reasons"]))
        assert (reason.values["df"], reason.values["subjects"]) == (3, 1)
        assert "baseline pairs of 1 subject (" in one(found, "b")["method"]

    def test_amplitudes_and_slopes_vary_half_as_much_as_power(self):
        settings = ComparisonSettings()
        assert stated_within_sd("µV²", settings) == pytest.approx(SD_W)  # micro sign
        assert stated_within_sd("μV^2", settings) == pytest.approx(SD_W)  # Greek mu
        assert stated_within_sd("µV", settings) == stated_within_sd("uV/s", settings) == pytest.approx(SD_W / 2)
        assert math.isnan(stated_within_sd("1/min", settings))

    def test_stated_reliability_of_a_measure_stands_in_the_glossary(self):
        settings = ComparisonSettings()
        for measure, entry in read_glossary().items():
            found = stated_within_sd("uV2", settings, measure)
            assert found == pytest.approx(entry.reliability * SD_W, nan_ok=True)

    @pytest.mark.parametrize(
        ("columns", "scale"),
        [
            ({"measure": "wave_density", "unit": "1/min"}, "ratio"),
            ({"measure": "swa_decline", "unit": "1/h"}, "difference"),
        ],
    )
    def test_measures_without_a_reliability_have_no_interval_and_say_so(self, columns, scale):
        found = one(compare_nights(table({"a": {"baseline": 4.0, "ketamine": 5.0}}, **columns)), "a")
        assert found["estimate"] == pytest.approx(1.25 if scale == "ratio" else 1.0)
        assert (found["scale"], found["method"]) == (scale, "no interval")
        assert np.isnan([found["ci_low"], found["ci_high"]]).all()
        assert "no stated reliability" in found["note"]

    def test_differences_have_intervals_from_baseline_pairs(self):
        values = {f"s{i}": {"baseline": [-1.0 - i, -1.2 - i], "ketamine": -1.0 - i} for i in range(4)}
        found = one(compare_nights(table(values, measure="aperiodic_offset", unit="1")), "s0")
        half = stats.t.ppf(0.975, 4) * math.sqrt(0.02) * math.sqrt(1.5)
        assert found["estimate"] == pytest.approx(0.1)
        assert [found["ci_low"], found["ci_high"]] == pytest.approx([0.1 - half, 0.1 + half])

    @pytest.mark.parametrize(("window", "judged"), [("night", "reliable change"), ("cycle-1", "within night-to-night")])
    def test_a_first_cycle_needs_a_larger_change_than_a_night(self, window, judged):
        found = one(compare_nights(table({"a": {"baseline": 100.0, "ketamine": 178.0}}, window=window)), "a")
        times = read_glossary()["swa"].windows.get(window, 1.0)
        half = stats.norm.ppf(0.975) * SD_W * times * math.sqrt(2)
        assert math.log(found["ci_high"] / found["estimate"]) == pytest.approx(half)
        assert judged in found["note"]
        assert ("1.42 times that of a whole night" in found["method"]) == (window == "cycle-1")

    def test_a_part_of_the_night_of_unknown_reliability_has_no_interval_and_says_so(self):
        found = one(compare_nights(table({"a": {"baseline": 1.0, "ketamine": 2.0}}, window="dosehour-1")), "a")
        assert np.isnan(found["ci_low"])
        assert "no stated reliability for this part of the night" in found["note"]

    def test_beta_is_less_reliable_than_slower_bands(self):
        rows = {"a": {"baseline": 100.0, "ketamine": 178.0}}
        swa, beta = (one(compare_nights(table(rows, measure=name)), "a") for name in ("swa", "beta_power"))
        assert swa["note"] == "reliable change"
        assert beta["note"] == "within night-to-night variation"
        # ICC .55 (Israel 2012) where the others have .76, at the same spread over subjects.
        assert read_glossary()["beta_power"].reliability == pytest.approx(math.sqrt((1 - 0.55) / (1 - 0.76)), abs=0.005)

    def test_a_slope_at_equal_amplitude_scatters_by_2_percent_which_is_no_reliability(self):
        rows = {"a": {"baseline": 400.0, "ketamine": 440.0}}
        found = one(compare_nights(table(rows, measure="wave_slope_up_matched", unit="µV/s")), "a")
        assert math.log(found["ci_high"] / found["estimate"]) == pytest.approx(1.96 * 0.02 * math.sqrt(2), rel=0.01)
        assert "which is not known" in found["method"]
        assert not any(kind.among(decode(found["reasons"])) for kind in (notes.RELIABLE_CHANGE, notes.WITHIN_VARIATION))

    def test_identical_baseline_nights_give_no_interval(self):
        values = {f"s{i}": {"baseline": [100.0, 100.0], "ketamine": 120.0} for i in range(4)}
        found = one(compare_nights(table(values)), "s1")
        assert np.isnan(found["ci_low"])
        assert "do not differ" in found["note"]


class TestNotMeasured:
    def test_zero_has_no_ratio_even_beside_measured_nights(self):
        values = {"a": {"baseline": [4.0, 5.0], "ketamine": [3.0, 0.0]}}
        found = one(compare_nights(table(values, measure="wave_density", unit="1/min")), "a")
        assert np.isnan(found["estimate"])
        assert found["note"] == "a zero or negative value has no ratio"

    @pytest.mark.parametrize("design", ["auto", "mixed model"])
    def test_subjects_without_a_ratio_leave_the_direction_open(self, design):
        values = {f"s{i}": {"placebo": 4.0 + i, "ketamine": (4.0 + i) * (1.2 + i / 50)} for i in range(8)}
        values |= {f"z{i}": {"placebo": 4.0, "ketamine": 0.0} for i in range(4)} | {"b": {"placebo": 0, "ketamine": 0}}
        settings = Settings(comparison={"design": design})
        rows = compare_nights(table(values, measure="wave_density", unit="1/min"), "placebo", settings=settings)
        found = group(rows)
        assert found["ci_low"] > 1
        assert "zeros left out" in found["design_limit"].split("; ")
        assert "4 with a zero or negative value in ketamine nights" in found["note"]
        assert "1 with a zero or negative value in ketamine and placebo nights" in found["note"]
        assert ("mixed model" in found["method"]) == (design != "auto")

    def test_reason_is_carried_along(self):
        data = table({"a": {"baseline": 4.0, "ketamine": np.nan}})
        data.loc[1, "note"] = "no clean NREM"
        found = one(compare_nights(data), "a")
        assert found["note"] == "not measured in ketamine: no clean NREM"
        assert (found["n"], found["method"]) == (0, "")

    def test_marker_of_one_night_alone_is_not_measured_in_the_other(self):
        data = pd.concat(
            [pairs([1.2, 1.1]), pd.DataFrame([rows("s00", "ketamine", 9.0, session="ketamine1", window="cycle-5")])]
        )
        found = compare_nights(data)
        cycle = found[found["window"] == "cycle-5"]
        assert list(cycle["subject"]) == ["group", "s00"]
        assert list(cycle["note"]) == [
            "no subject has a change; left out: 1 not measured, 1 without this channel or window",
            "not measured in baseline",
        ]

    def test_subject_without_baseline_is_named_and_left_out(self):
        data = table({"a": {"ketamine": 2.0}} | {f"b{i}": {"baseline": 1.0, "ketamine": 1 + i / 9} for i in range(6)})
        found = compare_nights(data)
        assert one(found, "a")["note"] == "no baseline night"
        assert group(found)["n"] == 6
        assert "left out: 1 without a baseline night" in group(found)["note"]

    def test_subject_with_a_baseline_night_alone_is_counted(self):
        data = table({"a": {"baseline": 2.0}} | {f"b{i}": {"baseline": 1.0, "ketamine": 1 + i / 9} for i in range(6)})
        found = compare_nights(data)
        assert set(found["subject"]) == {"group", *(f"b{i}" for i in range(6))}
        assert group(found)["note"].endswith("left out: 1 without a ketamine night")

    def test_unmeasured_night_is_left_out_of_the_mean_and_said(self):
        found = one(compare_nights(table({"a": {"baseline": [100.0, np.nan], "ketamine": 120.0}})), "a")
        assert found["estimate"] == pytest.approx(1.2)
        assert found["note"].startswith("1 of 2 baseline nights measured")


class TestGroup:
    RATIOS = (1.3, 1.1, 1.5, 0.95, 1.2, 1.4, 1.25, 1.05)

    def test_from_six_subjects_the_test_is_exact(self):
        found = group(compare_nights(pairs(self.RATIOS)))
        x = np.log(self.RATIOS)
        flip, t = sign_flip_test(x), stats.ttest_1samp(x, 0)
        assert found["estimate"] == pytest.approx(math.exp(x.mean()))
        assert [found["ci_low"], found["ci_high"]] == pytest.approx([math.exp(flip.low[0]), math.exp(flip.high[0])])
        assert found["p"] == flip.p[0] == flip_p_by_definition(x)
        assert (found["n"], found["method"], found["scale"]) == (8, "sign-flip, exact", "ratio")
        assert f"paired t(7) = {t.statistic:.2f}, p {t.pvalue:.2g}" in found["note"]
        assert found["note"].startswith("95.3 % interval")
        assert "g_av" in found["note"]

    def test_below_six_subjects_it_is_t(self):
        found = group(compare_nights(pairs(self.RATIOS[:5])))
        expected = stats.ttest_1samp(np.log(self.RATIOS[:5]), 0)
        assert found["p"] == pytest.approx(expected.pvalue, rel=1e-10)
        assert math.log(found["ci_low"]) == pytest.approx(expected.confidence_interval().low, rel=1e-10)
        assert found["method"] == "paired t"
        assert "smallest sign-flip p 0.0625" in found["note"]

    def test_one_subject_is_no_group(self):
        found = group(compare_nights(pairs([1.2])))
        assert found["estimate"] == pytest.approx(1.2)
        assert np.isnan([found["p"], found["ci_low"], found["ci_high"]]).all()
        assert found["note"] == "one subject: no interval over subjects"

    @pytest.mark.parametrize("n", [2, 5, 7, 20])
    @pytest.mark.parametrize("ratio", [1.0, 1.2])
    def test_equal_changes_have_no_interval_and_no_p(self, n, ratio):
        """From six subjects on they had an interval of no width, by sign flips."""
        found = group(compare_nights(pairs([ratio] * n)))
        assert found["estimate"] == pytest.approx(ratio)
        assert "all changes are equal: no interval and no p" in found["note"]
        assert np.isnan([found["ci_low"], found["ci_high"], found["p"]]).all()

    def test_repeated_nights_count_once(self):
        once = {f"s{i}": {"baseline": 10.0, "ketamine": 10.0 + i} for i in range(7)}
        thrice = {name: {"baseline": 10.0, "ketamine": [values["ketamine"]] * 3} for name, values in once.items()}
        a, b = group(compare_nights(table(once))), group(compare_nights(table(thrice)))
        assert a["p"] == b["p"]
        assert a["n"] == b["n"] == 7
        assert "several ketamine nights of a subject count as their mean" in b["note"]

    def test_error_of_a_fit_is_in_the_interval_of_one_subject(self):
        initial = pairs([1.1, 1.2], measure="process_s_initial")
        errors = initial.assign(measure="process_s_initial_error", value=0.3, unit="1")
        tau = initial.assign(measure="process_s_tau_condition", unit="h")
        both = [initial, errors, tau, errors.assign(measure="process_s_tau_condition_error")]

        plain, found = compare_nights(initial), compare_nights(pd.concat(both))

        halves = [
            np.log(rows["ci_high"] / rows["estimate"]).iloc[0]
            for rows in (select(plain, subject="s00"), select(found, subject="s00", measure="process_s_initial"))
        ]
        fit = stats.norm.ppf(0.975) * np.hypot(0.3, 0.3)
        assert halves[1] == pytest.approx(np.hypot(halves[0], fit))
        assert set(found["measure"]) == {"process_s_initial", "process_s_tau_condition"}
        own = select(found, subject="s00", measure="process_s_tau_condition").iloc[0]
        assert np.log(own["ci_high"] / own["estimate"]) == pytest.approx(fit)
        assert own["method"] == notes.FIT_ERROR_ALONE().words
        assert not any(kind.among(decode(own["reasons"])) for kind in (notes.RELIABLE_CHANGE, notes.WITHIN_VARIATION))

    def test_shared_process_s_parameters_are_not_compared(self):
        data = pd.concat([pairs([1.1, 1.2], measure=name) for name in ("process_s_tau", "process_s_initial")])
        assert set(compare_nights(data)["measure"]) == {"process_s_initial"}


class TestRoles:
    @pytest.fixture
    def data(self):
        keys = itertools.product(
            ("swa", "sigma_power", "theta_power"), ("cycle-1", "night", "hour-1"), ("frontal", "C4-M1"), ("", "aasm")
        )
        return pd.concat(
            pairs(np.linspace(0.9, 1.4, 7) + i / 90, measure=m, window=w, channel=c, variant=v)
            for i, (m, w, c, v) in enumerate(keys)
        )

    def test_nothing_declared_leaves_everything_exploratory(self, data):
        assert set(compare_nights(data)["role"]) == {"exploratory"}

    @pytest.mark.parametrize("by", ["settings", "nights"])
    def test_declared_primary_and_its_secondaries(self, data, by):
        declared = "swa NREM cycle-1 frontal"
        nights = data[["subject", "session", "condition"]].drop_duplicates()
        if by == "settings":
            chosen = Settings(comparison=ComparisonSettings(primary=declared))
            found = compare_nights(data, settings=chosen)
        else:
            found = compare_nights(data, nights=nights.assign(primary=declared))
        found = found[found["subject"] == "group"]
        primary = found[found["role"] == "primary"]
        assert [" ".join(key) for key in primary[["measure", "stages", "window", "channel"]].to_numpy()] == [declared]
        assert (primary["p_adjusted"] == primary["p"]).all()
        assert len(primary) == 1
        secondary = found[found["role"] == "secondary"]
        assert {tuple(key) for key in secondary[["measure", "window", "channel", "variant"]].to_numpy()} == {
            ("swa", "night", "frontal", ""),
            ("sigma_power", "cycle-1", "frontal", ""),
            ("sigma_power", "night", "frontal", ""),
        }
        expected = stats.false_discovery_control(secondary["p"])
        assert np.allclose(secondary["p_adjusted"], expected)

    def test_primary_of_two_drugs_is_adjusted_over_both(self, data):
        """One marker, but two questions."""
        magnesium = data[data["condition"] == "ketamine"].assign(condition="magnesium")
        magnesium["session"] = magnesium["session"].astype(str) + "-mg"
        magnesium["value"] *= np.exp(np.random.default_rng(0).normal(0.1, 0.1, len(magnesium)))
        both = pd.concat([data, magnesium], ignore_index=True)
        chosen = Settings(comparison=ComparisonSettings(primary="swa NREM cycle-1 frontal"))
        found = compare_nights(both, settings=chosen)
        primary = found[(found["role"] == "primary") & (found["subject"] == "group")]
        assert len(primary) >= 2
        expected = multipletests(primary["p"], method="holm")[1]
        np.testing.assert_allclose(primary["p_adjusted"], expected)
        assert (primary["p_adjusted"] > primary["p"]).any()

    def test_other_comparators_are_other_questions(self):
        """The change under placebo does not make the one controlled comparison of a drug dearer."""
        contrasts = [
            Contrast(treatment="ketamine", comparator="placebo"),
            Contrast(treatment="ketamine", comparator="baseline"),
            Contrast(treatment="placebo", comparator="baseline"),
            Contrast(treatment="ketamine", comparator="baseline", first="patients", second="controls"),
        ]
        assert adjust_primary_p([0.03, 0.02, 0.5, 0.04], contrasts).tolist() == [0.03, 0.04, 0.5, 0.04]
        drugs = [Contrast(treatment=name, comparator="placebo") for name in ("ketamine", "sham", "magnesium")]
        np.testing.assert_array_equal(adjust_primary_p([0.03, np.nan, 0.02], drugs), [0.04, np.nan, 0.04])

    def test_a_comparator_is_its_whole_name(self):
        contrasts = [
            Contrast(treatment="ketamine", comparator="saline low"),
            Contrast(treatment="mg", comparator="saline high"),
        ]
        assert adjust_primary_p([0.01, 0.02], contrasts).tolist() == [0.01, 0.02]

    @pytest.mark.parametrize(
        ("declared", "error"), [("swa NREM night", SettingsError), ("swa NREM cycle-9 frontal", StudyError)]
    )
    def test_primary_that_is_not_there_is_an_error(self, data, declared, error):
        with pytest.raises(error, match="declared primary"):
            compare_nights(data, settings=Settings(comparison=ComparisonSettings(primary=declared)))

    def test_two_primaries_are_an_error(self, data):
        nights = data[["subject", "session", "condition"]].drop_duplicates().assign(primary="swa NREM night frontal")
        with pytest.raises(StudyError, match="More than one primary"):
            compare_nights(
                data,
                nights=nights,
                settings=Settings(comparison=ComparisonSettings(primary="swa NREM cycle-1 frontal")),
            )

    def test_adjustment_is_benjamini_hochberg_within_families(self):
        adjusted = adjust_p([0.01, 0.02, np.nan, 0.5, 0.04], ["a", "a", "a", "a", "b"])
        assert adjusted == pytest.approx([0.03, 0.03, np.nan, 0.5, 0.04], nan_ok=True)


class TestInputs:
    def test_columns_and_types(self):
        found = compare_nights(pairs([1.2] * 3))
        assert list(found.columns) == CONTRASTS.names
        assert set(found["contrast"]) == {"ketamine:baseline"}
        assert found["verdict"].eq("").all()
        empty = compare_nights(table({"a": {"baseline": 1.0}}))
        assert list(empty.columns) == CONTRASTS.names
        assert empty.empty
        assert (empty.dtypes == found.dtypes).all()

    def test_results_nights_and_table_agree(self):
        data = pairs([1.3, 1.1, 0.9, 1.2, 1.4, 1.6])
        expected = compare_nights(data)
        nights = data[["subject", "session", "condition"]].assign(status="done")
        results = SimpleNamespace(measures=data, nights=nights, contrasts=None)
        pd.testing.assert_frame_equal(compare_nights(results), expected)
        objects = [
            SimpleNamespace(
                subject=s, session=x, condition=c, measures=part.drop(columns=["subject", "session", "condition"])
            )
            for (s, x, c), part in data.groupby(["subject", "session", "condition"])
        ]
        pd.testing.assert_frame_equal(compare_nights(objects), expected)

    def test_dictionary_encoded_and_numeric_columns_agree_with_text(self):
        data = pairs([1.3, 1.1, 0.9, 1.2]).assign(variant=None)
        data["subject"] = data["subject"].str[1:].astype(int)
        nights = data[["subject", "session", "condition"]].assign(subject=data["subject"].astype(str))
        plain = data.assign(subject=data["subject"].astype(str), variant="")
        encoded = data.astype(dict.fromkeys(["channel", "stages", "window", "measure", "session"], "category"))
        pd.testing.assert_frame_equal(compare_nights(encoded, nights=nights), compare_nights(plain))

    def test_only_done_nights_and_never_an_adaptation_night(self):
        data = table({"a": {"baseline": [50.0, 100.0, 400.0], "ketamine": 150.0}})
        nights = data[["subject", "session", "condition"]].assign(
            status=["done", "done", "failed", "done"], adaptation=["TRUE", "", "", "0"]
        )
        assert one(compare_nights(data, nights=nights), "a")["estimate"] == pytest.approx(1.5)

    def test_night_before_an_infusion_is_no_night_of_it(self):
        data = table({"a": {"placebo": [50.0, 100.0], "ketamine": [70.0, 150.0]}})
        nights = data[["subject", "session", "condition"]].assign(phase=["pre", "post"] * 2)
        assert one(compare_nights(data, nights=nights), "a")["estimate"] == pytest.approx(1.5)
        assert "only the nights after it" in design_statement(nights, "placebo")

    def test_baseline_is_found_by_name_in_the_order_of_the_settings(self):
        data = table({"a": {"Placebo": 100.0, "ketamine": 150.0, "magnesium": 120.0}})
        assert set(compare_nights(data)["contrast"]) == {"ketamine:Placebo", "magnesium:Placebo"}
        assert set(compare_nights(data, baseline="KETAMINE")["contrast"]) == {"Placebo:ketamine", "magnesium:ketamine"}
        only = compare_nights(data, contrast="magnesium:ketamine")
        assert set(only["contrast"]) == {"magnesium:ketamine"}
        assert one(only, "a")["estimate"] == pytest.approx(0.8)

    def test_missing_baseline_names_the_conditions(self):
        data = table({"a": {"night1": 100.0, "ketamine": 150.0}})
        with pytest.raises(StudyError, match="found: ketamine, night1"):
            compare_nights(data)
        with pytest.raises(StudyError, match="Did you mean 'ketamine'"):
            compare_nights(data, baseline="ketamin")
        with pytest.raises(StudyError, match="no contrast"):
            compare_nights(data, contrast="ketamine:placebo")

    def test_row_that_stands_twice_is_an_error(self):
        data = pairs([1.2, 1.3])
        with pytest.raises(StudyError, match=r"s00/baseline1: swa stands twice for frontal NREM night"):
            compare_nights(pd.concat([data, data.iloc[:1]]))

    def test_missing_column_is_named(self):
        with pytest.raises(StudyError, match="no column window"):
            compare_nights(pairs([1.2]).drop(columns="window"))

    def test_what_cannot_be_compared_is_said(self):
        with pytest.raises(StudyError, match="cannot be compared"):
            compare_nights(3)
        with pytest.raises(StudyError, match="no nights"):
            compare_nights([])

    def test_subject_values_are_what_the_contrasts_rest_on(self):
        data = table({"a": {"baseline": [100.0, 144.0], "ketamine": 150.0}, "b": {"baseline": 1.0, "ketamine": np.nan}})
        found = subject_values(data).set_index("subject")
        assert ["contrast", "subject", *found.columns[1:]] == SUBJECT_VALUES.names
        assert found.loc["a", "baseline"] == pytest.approx(120.0)
        assert found.loc["a", "change"] == pytest.approx(1.25)
        assert (found.loc["a", "n_baseline"], found.loc["a", "n_treatment"], found.loc["b", "n_treatment"]) == (2, 1, 0)
        assert np.isnan(found.loc["b", "treatment"])
        assert np.isnan(found.loc["b", "change"])


values_of_studies = st.lists(st.tuples(st.floats(1, 1e4), st.floats(1, 1e4)), min_size=1, max_size=8)


def as_table(study, first="baseline", second="ketamine"):
    return table({f"s{i}": {first: a, second: b} for i, (a, b) in enumerate(study)})


NUMBERS = ["estimate", "ci_low", "ci_high", "p"]


class TestSymmetries:
    @given(values_of_studies, st.floats(0.01, 100))
    @hypothesis_settings(max_examples=12)
    def test_scale_of_the_signal_does_not_matter(self, study, gain):
        a, b = compare_nights(as_table(study)), compare_nights(as_table([(x * gain, y * gain) for x, y in study]))
        assert np.allclose(a[["estimate"]], b[["estimate"]], rtol=1e-9)
        singles = a["subject"] != "group"
        assert np.allclose(a.loc[singles, NUMBERS], b.loc[singles, NUMBERS], rtol=1e-9, equal_nan=True)

    @given(values_of_studies)
    @hypothesis_settings(max_examples=12)
    def test_swapped_conditions_give_the_reciprocal(self, study):
        data = as_table(study)
        a, b = compare_nights(data, baseline="baseline"), compare_nights(data, baseline="ketamine")
        assert np.allclose(a["estimate"], 1 / b["estimate"], rtol=1e-9)
        assert np.allclose(a["ci_low"], 1 / b["ci_high"], rtol=1e-7, equal_nan=True)
        assert np.allclose(a["p"], b["p"], rtol=1e-7, equal_nan=True)

    @given(values_of_studies, st.randoms(use_true_random=False))
    @hypothesis_settings(max_examples=12)
    def test_order_of_rows_does_not_matter(self, study, random):
        data = pd.concat([as_table(study), as_table(study[::-1]).assign(channel="C4-M1")], ignore_index=True)
        shuffled = data.iloc[random.sample(range(len(data)), len(data))]
        pd.testing.assert_frame_equal(compare_nights(data), compare_nights(shuffled))


class TestDesign:
    def nights(self, conditions, **columns):
        """Nights of six subjects, each with these conditions in this order."""
        return pd.DataFrame(
            [
                {
                    "subject": f"s{i}",
                    "session": name,
                    "condition": name,
                    **{key: of(i, k) for key, of in columns.items()},
                }
                for i in range(6)
                for k, name in enumerate(conditions)
            ]
        )

    def test_before_and_after_may_come_from_something_else(self):
        text = design_statement(self.nights(["baseline", "ketamine"], order=lambda i, k: k), "baseline")
        assert text == (
            "Each subject's ketamine night is compared with an earlier baseline night without a control condition: "
            "a difference may also come from night order, getting used to the laboratory or an unusual baseline night."
        )

    def test_orders_that_tie_within_every_subject_are_said_to(self):
        nights = self.nights(
            ["baseline", "ketamine", "ketamine", "baseline"], session=lambda i, k: str(k), order=lambda i, k: k
        )
        text = design_statement(nights, "baseline")
        assert "at the same place in the order on average" in text
        assert "does not say" not in text

    def test_unknown_order_is_said(self):
        text = design_statement(self.nights(["baseline", "ketamine"]), "baseline")
        assert "nothing says in which order" in text
        assert "may also come from" in text
        assert "earlier" not in text

    def test_crossover(self):
        nights = self.nights(["placebo", "ketamine"], period=lambda i, k: 1 + (k + i % 2) % 2)
        text = design_statement(nights, "placebo")
        assert "a crossover (3 subjects had placebo first, 3 ketamine)" in text
        assert "effect of the period is removed" in text
        assert "may also come from" not in text
        data = pd.concat(
            pd.DataFrame([rows(r.subject, r.condition, 1.0 + k / 9)]) for k, r in enumerate(nights.itertuples())
        )
        assert group(compare_nights(data, nights=nights))["method"].startswith("Hills-Armitage")

    def test_unequal_sequences_bias(self):
        nights = self.nights(["placebo", "ketamine"], period=lambda i, k: 1 + (k + (i > 4)) % 2)
        assert "biases the estimates" in design_statement(nights, "placebo")

    def test_placebo_in_a_fixed_order_is_confounded(self):
        text = design_statement(self.nights(["placebo", "ketamine"], order=lambda i, k: k), "placebo")
        assert "same order in every subject" in text

    def limits(self, nights, treatment, comparator, baseline=None):
        """What the designs leave open, by the sides that are compared."""
        pair = Contrast(treatment=treatment, comparator=comparator)
        designs = find_designs(nights, [pair], ComparisonSettings())
        found = find_limits(nights, designs, comparator if baseline is None else baseline)
        return {(key.first, key.second): list(limits) for key, limits in found.items()}

    @pytest.mark.parametrize(
        ("conditions", "columns", "limits"),
        [
            (["baseline", "ketamine"], {"order": lambda i, k: k}, ["no control"]),
            (["baseline", "ketamine"], {}, ["no control", "unknown order"]),
            (["baseline", "ketamine"], {"order": lambda i, k: (k + (i == 0)) % 2}, ["no control", "unequal orders"]),
            (["pre", "ketamine"], {}, ["no control"]),
            (["baseline", "placebo"], {"order": lambda i, k: k}, ["one order"]),
            (["placebo", "ketamine"], {"order": lambda i, k: k}, ["one order"]),
            (["placebo", "ketamine"], {"order": lambda i, k: (k + (i == 0)) % 2}, ["unequal orders"]),
            (["placebo", "ketamine"], {"order": lambda i, k: 1}, ["same place"]),
            (["placebo", "ketamine"], {}, ["unknown order"]),
            (["placebo", "ketamine"], {"order": lambda i, k: k if i else None}, ["unknown order"]),
            (["placebo", "ketamine"], {"period": lambda i, k: 1 + (k + i % 2) % 2}, []),
            (["baseline", "ketamine"], {"arm": lambda i, k: "ab"[i % 2], "order": lambda i, k: k}, ["one arm"]),
        ],
    )
    def test_what_the_design_leaves_open_is_a_fact(self, conditions, columns, limits):
        comparator, treatment = conditions
        assert self.limits(self.nights(conditions, **columns), treatment, comparator)["", ""] == limits

    def test_groups_are_open_and_arms_are_not(self):
        for column, limits in (("arm", []), ("group", ["groups"])):
            nights = self.nights(["baseline", "ketamine"], **{column: lambda i, k: "ab"[i % 2]})
            assert self.limits(nights, "ketamine", "baseline")["a", "b"] == limits

    def test_two_drugs_in_one_order_are_open_and_in_both_are_not(self):
        orders = {"order": lambda i, k: k}, {"period": lambda i, k: 1 + (k + i % 2) % 2}
        found = [self.limits(self.nights(["ketamine", "magnesium"], **one), "magnesium", "ketamine", "baseline")
                 for one in orders]  # fmt: skip
        assert [limits["", ""] for limits in found] == [["one order"], []]

    def test_control_among_the_treatments_points_to_the_controlled_contrast(self):
        text = design_statement(self.nights(["baseline", "placebo", "ketamine"], order=lambda i, k: k), "baseline")
        assert text.startswith(
            "The controlled comparison is ketamine against placebo, not the change from baseline. "
            "Each subject's ketamine night is compared with an earlier baseline night: a difference may also come from"
        )

    def test_what_the_order_leaves_open_is_said_of_the_control_too(self):
        same = self.nights(["baseline", "placebo", "ketamine"], order=lambda i, k: k)
        said = "Placebo nights may differ from baseline for the same reasons."
        assert said in design_statement(same, "baseline")
        turned = self.nights(["baseline", "placebo", "ketamine"], order=lambda i, k: k if i % 2 else 2 - k)
        assert said not in design_statement(turned, "baseline")

    def test_parallel_arms_have_no_p(self):
        nights = pd.concat(
            self.nights(["baseline", drug], arm=lambda i, k, drug=drug: drug).assign(
                subject=lambda t, drug=drug: drug + t["subject"]
            )
            for drug in ("ketamine", "placebo")
        )
        data = pd.DataFrame([rows(r.subject, r.condition, 1.0 + k / 9) for k, r in enumerate(nights.itertuples())])
        found = compare_nights(data, nights=nights)
        between = found["contrast"] == "ketamine:placebo"
        assert found.loc[between, "method"].tolist() == ["ANCOVA between arms, adjusted for baseline"]
        found = found[~between]
        assert found["p"].isna().all()
        own = found[found["subject"] == "group"]
        assert own["ci_low"].notna().all()
        assert own["note"].str.contains("no p: within arm").all()
        assert "parallel arms (ketamine, placebo)" in design_statement(nights, "baseline")


def null_study(rng, subjects, studies, baseline_nights=1):
    """Independent studies without an effect, one a channel, of one treatment night."""
    night_sd = math.sqrt(math.log1p(0.4**2) * 0.24)
    ln_power = rng.normal(5, 0.4, (subjects, 1, studies)) + rng.normal(
        0, night_sd, (subjects, baseline_nights + 1, studies)
    )
    subject, night, study = (index.ravel() for index in np.indices(ln_power.shape))
    data = pd.DataFrame({"subject": subject, "session": night, "channel": study, "value": np.exp(ln_power).ravel()})
    data["condition"] = np.where(night < baseline_nights, "baseline", "ketamine")
    return data.assign(stages="NREM", window="night", measure="swa", variant="", unit="µV²", n=1, note="")


def includes(hits, studies, nominal):
    """Whether the 99 % binomial interval, adjusted for the five cells here, includes the nominal rate."""
    interval = stats.binomtest(int(hits), studies).proportion_ci(1 - 0.01 / 5)
    return interval.low <= nominal <= interval.high


class TestCalibration:
    """Quick form of benchmarks/calibration.py."""

    @pytest.mark.parametrize(("subjects", "nominal"), [(4, 0.05), (6, 2 / 64), (10, 50 / 1024)])
    def test_null_studies_are_rejected_at_the_attainable_rate(self, subjects, nominal):
        found = compare_nights(null_study(np.random.default_rng(subjects), subjects, 600))
        over = found[found["subject"] == "group"]
        assert includes((over["p"] <= 0.05).sum(), 600, nominal)
        excluded = (over["ci_low"] > 1) | (over["ci_high"] < 1)
        assert (excluded == (over["p"] <= 0.05)).all()

    @pytest.mark.parametrize("baseline_nights", [1, 2])
    def test_interval_of_one_subject_covers(self, baseline_nights):
        found = compare_nights(null_study(np.random.default_rng(7), 4, 600, baseline_nights))
        first = found[found["subject"] == "0"]
        assert includes(((first["ci_low"] <= 1) & (first["ci_high"] >= 1)).sum(), 600, 0.95)


def test_two_subjects_have_an_interval_and_no_p():
    found = group_of_two()
    assert found["n"].eq(2).all()
    assert found["p"].isna().all()
    assert np.isfinite(found["ci_low"]).all()
    assert found["note"].str.contains("two subjects: no test").all()


def group_of_two():
    rows = [
        (subject, condition, condition, "C4-M1", "NREM", "night", "swa", "", value, "µV²", 10, "")
        for subject, factor in (("A", 1.2), ("B", 1.21))
        for condition, value in (("baseline", 100.0), ("ketamine", 100.0 * factor))
    ]
    names = ["subject", "session", "condition", "channel", "stages", "window", "measure", "variant"]
    found = compare_nights(pd.DataFrame(rows, columns=[*names, "value", "unit", "n", "note"]))
    return found[found["subject"] == "group"]


@pytest.mark.parametrize(
    ("text", "found"),
    [("swaa NREM cycle-1 frontal", "'swa'"), ("swa NREM cycl-1 frontal", "window"), ("swa N4 night frontal", "stages")],
)
def test_a_primary_that_does_not_exist_is_refused_before_any_night(text, found):
    with pytest.raises(SettingsError, match=found):
        check_primary(pd.DataFrame({"subject": ["A"]}), ComparisonSettings(primary=text))


@pytest.mark.parametrize(
    ("window", "meant"),
    [("cycle1", "cycle-1"), ("CYCLE2", "cycle-2"), ("cycle", "cycle-1"), ("hour3", "hour-3"), ("nigth", "night")],
)
def test_a_misspelt_window_of_a_primary_is_offered_as_it_is_written(window, meant):
    with pytest.raises(SettingsError) as told:
        check_primary(pd.DataFrame({"subject": ["A"]}), ComparisonSettings(primary=f"swa NREM {window} Frontal"))
    assert told.value.remedy.startswith(f"Did you mean {meant!r}? Known: night, cycle-1 …, hour-1 …, dosehour-1 …, ")


@pytest.mark.parametrize("stages", ["N2+N3", "n2+n3"])
def test_a_primary_in_the_stages_of_the_pages_is_one_in_nrem(stages):
    settings = ComparisonSettings(primary=f"swa {stages} cycle-1 frontal")
    check_primary(pd.DataFrame({"subject": ["A"]}), settings)
    found = declared_primary(pd.DataFrame({"primary": ["swa NREM cycle-1 frontal"]}), settings)
    assert found == Marker("swa", "NREM", "cycle-1", "frontal")


def test_a_primary_that_exists_is_accepted():
    check_primary(pd.DataFrame({"primary": ["swa NREM cycle-1 frontal"]}), ComparisonSettings())


class TestWrongTables:
    def test_conditions_alike_but_for_case_are_no_two_conditions(self):
        data = table({"a": {"baseline": 1.0, "Ketamine": 2.0}, "b": {"baseline": 1.0, "ketamine": 2.0}})
        with pytest.raises(StudyError, match=r"b/ketamine1, condition: 'ketamine' is 'Ketamine' \(a/Ketamine1\)"):
            compare_nights(data)

    @pytest.mark.parametrize("name", ["group", "Group"])
    def test_no_subject_is_called_as_all_of_them(self, name):
        with pytest.raises(StudyError, match=f"subject: '{name}' is what the results call all subjects together"):
            compare_nights(table({name: {"baseline": 1.0, "ketamine": 2.0}}))

    def test_nights_that_no_row_is_of_are_refused_with_both(self):
        data = pairs([1.2, 1.1])
        nights = data[["subject", "session", "condition"]].assign(subject=data["subject"].str.upper())
        with pytest.raises(
            StudyError, match=r"no row of the 4 nights to compare \(S00/baseline1.*are of s00/baseline1"
        ):
            compare_nights(data, nights=nights)
        assert compare_nights(data[:0], nights=nights).empty  # nothing was measured at all

    def test_a_value_that_is_no_number_is_named(self):
        data = pairs([1.2, 1.1]).astype({"value": object})
        data.loc[1, "value"] = "about 120"
        told = "s00/ketamine1: the value of swa frontal NREM night is 'about 120', expected a number"
        with pytest.raises(StudyError, match=told):
            compare_nights(data)
        data.loc[1, "value"] = "n/a"
        assert one(compare_nights(data), "s00")["note"].startswith("not measured in ketamine")

    def test_a_misspelt_measure_of_the_primary_has_its_nearest_name(self):
        settings = Settings(comparison=ComparisonSettings(primary="sva NREM night frontal"))
        with pytest.raises(StudyError) as told:
            compare_nights(pairs([1.2, 1.1]), settings=settings)
        assert "There is no measure 'sva': did you mean 'swa'? Known: swa." in str(told.value)


class TestTablesThatContradictEachOther:
    def table(self):
        rows = [(f"s{i}", c, c, 100.0 + i) for i in range(3) for c in ("baseline", "ketamine")]
        table = pd.DataFrame(rows, columns=["subject", "session", "condition", "value"])
        return table.assign(channel="Cz", stages="NREM", window="night", measure="swa", variant="", unit="µV²", note="")

    def test_a_night_has_one_condition(self):
        table = self.table()
        nights = table[["subject", "session", "condition"]].copy()
        nights.loc[0, "condition"] = "ketamine"
        with pytest.raises(StudyError, match="s0/baseline: condition baseline in the measures and ketamine in"):
            compare_nights(table, nights=nights)

    def test_a_night_has_a_subject(self):
        table = self.table()
        nights = table[["subject", "session", "condition"]].copy()
        nights.loc[1, "subject"] = None
        with pytest.raises(StudyError, match=r"1 without a subject \(session ketamine\)"):
            compare_nights(table, nights=nights)


@pytest.mark.parametrize(("n", "level"), [(6, 0.96875), (12, 0.9575), (20, 0.9517)])
def test_median_difference_has_the_interval_of_the_signed_rank_test(n, level):
    changes = np.random.default_rng(n).normal(3, 10, n)
    found = hodges_lehmann(changes)
    walsh = [(a + b) / 2 for i, a in enumerate(changes) for b in changes[i:]]
    assert found.median[0] == pytest.approx(np.median(walsh))
    assert found.level[0] == pytest.approx(level, abs=5e-4)
    limits = sorted(walsh)

    def p(shift):
        return stats.wilcoxon(changes - shift, method="exact").pvalue

    assert found.low[0] in limits
    gap = 1e-6
    assert p(found.low[0] + gap) >= 0.05 > p(found.low[0] - gap)
    assert p(found.high[0] - gap) >= 0.05 > p(found.high[0] + gap)


def test_median_difference_of_few_or_no_changes():
    assert np.isnan(hodges_lehmann([1.0, 2.0, 3.0, 4.0, 5.0]).low[0])
    assert np.isnan(hodges_lehmann([np.nan, np.nan]).median[0])
    zeros = hodges_lehmann([0, 0, 0, 0, 0, 0, 8.0, 12.0])
    assert zeros.low[0] == 0 <= zeros.median[0] < zeros.high[0]
