"""Designs, the mixed model and planning against formulas, scipy, statsmodels, and METHODS."""

import importlib.util
import itertools
import math
import re
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from swa.comparison import designs, linear
from swa.comparison.contrasts import compare_nights, planned_designs, state_designs
from swa.comparison.designs import known_designs
from swa.comparison.designs.crossover import carry_over, hills_armitage, sequence_test
from swa.comparison.designs.statement import design_statement
from swa.comparison.further.planning import (
    declared_variation,
    detectable_effect,
    paired_power,
    plan_next_study,
    plan_sample,
    read_effect,
    stated_variation,
    study_variation,
    subjects_needed,
)
from swa.comparison.further.power import PLANNED, design_power
from swa.comparison.group import sign_flip_test
from swa.comparison.linear import least_squares, t_interval, unequal_variances
from swa.comparison.within_subject import stated_within_sd
from swa.errors import SettingsError, StudyError
from swa.report.study_page import _answers, _title
from swa.settings import ComparisonSettings, Settings
from swa.tables import notes, reason
from swa.tables.marker import Marker
from swa.tables.reason import decode
from swa.tables.results_tables import PLANNING


def benchmark(name):
    path = Path(__file__).parents[1] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


BENCH = benchmark("calibration_designs")
solve = linear._solve


def group_row(table, nights):
    found = compare_nights(table, nights=nights)
    return found[found["subject"] == "group"].iloc[0]


def nights_in_orders(orders, each):
    """Nights of conditions called by a letter, so many subjects in each order."""
    rows = [
        (f"s{order}{i}", f"{name}1", name, period)
        for order in orders
        for i in range(each)
        for period, name in enumerate(order, 1)
    ]
    return pd.DataFrame(rows, columns=["subject", "session", "condition", "period"])


def numbers(row):
    return [math.log(row[name]) for name in ("estimate", "ci_low", "ci_high")]


class TestCrossover:
    CHANGE = np.array([0.3, 0.1, 0.6, 0.2, 0.5, -0.1, 0.4, 0.05])
    FIRST = np.array([1, 1, 1, 1, -1, -1, -1, -1])

    def test_is_the_two_sample_t_of_period_differences(self):
        fit = hills_armitage(self.CHANGE[:, None], self.FIRST)
        estimate, error = fit.combine([1, 0])
        t, p, low, _ = t_interval(estimate, error, fit.df, 0.95)
        difference = self.CHANGE * self.FIRST  # second period less first
        expected = stats.ttest_ind(difference[:4], difference[4:])
        assert estimate[0] == pytest.approx((difference[:4].mean() - difference[4:].mean()) / 2, abs=1e-12)
        assert t[0] == pytest.approx(expected.statistic, abs=1e-10)
        assert p[0] == pytest.approx(expected.pvalue, abs=1e-10)
        assert low[0] == pytest.approx(expected.confidence_interval().low / 2, abs=1e-10)

    def test_permutes_the_sequence_labels(self):
        found = sequence_test(self.CHANGE[:, None], self.FIRST)
        difference = self.CHANGE * self.FIRST
        observed = difference[:4].mean() - difference[4:].mean()
        sums = [
            difference[list(some)].mean() - np.delete(difference, some).mean()
            for some in itertools.combinations(range(8), 4)
        ]
        assert found.p[0] == pytest.approx(2 * np.mean(np.array(sums) >= observed - 1e-12))
        assert found.level[0] == pytest.approx(1 - 2 / 70)

    @pytest.mark.parametrize("shape", [(4, 4), (7, 3), (5, 6)])
    def test_interval_is_the_set_of_effects_that_are_not_rejected(self, shape):
        rng = np.random.default_rng(shape[0])
        order = np.repeat([1, -1], shape)
        change = rng.normal(0.3, 1, sum(shape))
        found = sequence_test(change[:, None], order)
        for limit, outward in ((found.low[0], -1), (found.high[0], 1)):
            assert sequence_test((change - limit - outward * 1e-7)[:, None], order).p[0] <= 0.05 + 1e-12
            assert sequence_test((change - limit + outward * 1e-7)[:, None], order).p[0] > 0.05

    def test_order_of_subjects_and_a_missing_one_do_not_matter(self):
        change = np.append(self.CHANGE, np.nan)[:, None]
        order = np.append(self.FIRST, -1)
        mixed = np.random.default_rng(0).permutation(9)
        a, b = sequence_test(self.CHANGE[:, None], self.FIRST), sequence_test(change[mixed], order[mixed])
        assert (a.p[0], a.level[0]) == (b.p[0], b.level[0])
        assert [a.low[0], a.high[0]] == pytest.approx([b.low[0], b.high[0]], abs=1e-12)

    def test_carry_over_and_its_bias_are_recovered(self):
        level = np.linspace(4, 6, 10)
        order = np.repeat([1, -1], 5)
        effect, period, after_drug, after_placebo = 0.2, 0.4, 0.12, 0.02
        placebo = level + np.where(order == -1, period + after_drug, 0)
        drug = level + effect + np.where(order == 1, period + after_placebo, 0)
        level_difference = np.mean(level[5:]) - np.mean(level[:5])
        carried = carry_over(placebo[:, None], drug[:, None], order, 0.95)
        assert carried.estimate[0] == pytest.approx(after_drug - after_placebo + 2 * level_difference)
        estimate = hills_armitage((drug - placebo)[:, None], order).beta[0, 0]
        assert estimate == pytest.approx(effect - (after_drug - after_placebo) / 2)

    def test_period_effect_is_removed_from_an_unbalanced_study(self):
        study = BENCH.crossover(np.random.default_rng(1), 1, 7, 3)
        study.ln_power[:] *= 1e-6
        study.ln_power[:] += BENCH.PERIOD * (study.nights["period"] == 2).to_numpy()[:, None]
        row = study.group(math.log(1.2)).iloc[0]
        assert row["estimate"] == pytest.approx(1.2, abs=1e-5)
        assert "labels permuted" in row["method"]
        assert "carry-over" in row["note"]
        assert "bias the estimate by a factor" in row["note"]
        assert "period 2 to 1" in row["note"]


class TestLinear:
    def test_agrees_with_statsmodels(self):
        api = pytest.importorskip("statsmodels.api")
        rng = np.random.default_rng(2)
        arm, before, after = np.repeat([0.5, -0.5], [6, 9]), rng.normal(size=(15, 3)), rng.normal(size=(15, 3))
        after[4, 1] = np.nan
        fit = least_squares(after, [np.ones(15), arm, before])
        estimate, error, _, _ = unequal_variances(after, [np.ones(15), arm, before], [0, 1, 0])
        for i in range(3):
            rows = np.isfinite(after[:, i])
            design = np.column_stack([np.ones(15), arm, before[:, i]])[rows]
            expected = api.OLS(after[rows, i], design).fit()
            assert fit.beta[i] == pytest.approx(expected.params, abs=1e-8)
            assert fit.covariance[i] == pytest.approx(expected.cov_params(), abs=1e-8)
            assert fit.df[i] == expected.df_resid
            robust = expected.get_robustcov_results("HC2")
            assert [estimate[i], error[i]] == pytest.approx([robust.params[1], robust.bse[1]], abs=1e-8)

    def test_freedom_is_that_of_bell_and_mccaffrey(self):
        rng = np.random.default_rng(3)
        x = np.column_stack([np.ones(12), np.repeat([0.5, -0.5], [4, 8]), rng.normal(size=12)])
        _, _, df, _ = unequal_variances(rng.normal(size=(12, 1)), list(x.T), [0, 1, 0])
        inverse = np.linalg.inv(x.T @ x)
        hat = x @ inverse @ x.T
        scale = np.diag((x @ inverse)[:, 1] / np.sqrt(1 - np.diag(hat)))
        m = scale @ (np.eye(12) - hat) @ scale
        assert df[0] == pytest.approx(np.trace(m) ** 2 / np.trace(m @ m), rel=1e-10)

    def test_mixed_model_of_three_periods_is_that_of_statsmodels_with_the_subjects_means(self):
        """Mundlak 1978: within subjects, whatever the subjects of one night alone are like."""
        models = pytest.importorskip("statsmodels.regression.mixed_linear_model")
        study = BENCH.single_nights(np.random.default_rng(2), 1, both=12, single=0, shift=0.0, periods=3)
        row = study.group(0.2).iloc[0]
        nights = study.nights
        columns = pd.get_dummies(nights["period"], drop_first=True, dtype=float)
        columns.insert(0, "treated", study.treated.astype(float))
        means = columns.groupby(nights["subject"]).transform("mean").drop(columns="treated").add_suffix(" mean")
        design = pd.concat([columns, means], axis=1).assign(one=1.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            y = study.ln_power[:, 0] + 0.2 * study.treated
            expected = models.MixedLM(y, design.to_numpy(), groups=nights["subject"]).fit(method="bfgs", gtol=1e-10)
        assert expected.converged
        assert math.log(row["estimate"]) == pytest.approx(expected.fe_params[0], abs=1e-7)
        assert row["method"] == "mixed model, condition + period + (1 | subject), within subjects"

    def test_complete_mixed_model_of_two_periods_is_the_crossover(self):
        study = BENCH.crossover(np.random.default_rng(5), 2, 4, 5)
        settings = Settings(comparison=ComparisonSettings(design="mixed model"))
        mixed = compare_nights(study.table(0.1), "placebo", nights=study.nights, settings=settings)
        mixed = mixed[mixed["subject"] == "group"]
        crossed = study.group(0.1)
        np.testing.assert_allclose(mixed["estimate"], crossed["estimate"], rtol=1e-9)
        said = [re.search(r"t\(7\) = (-?[\d.]+)", note)[1] for note in (*mixed["note"], *crossed["note"])]
        assert said[:2] == said[2:]

    def test_mixed_model_of_blocks_of_two_periods_takes_what_can_be_told(self):
        """Periods 1 and 2, or 3 and 4: between 2 and 3 no subject tells a step."""
        pairs = [[1, 2], [2, 1], [3, 4], [4, 3]] * 3
        rows = [
            row
            for i, periods in enumerate(pairs)
            for row in BENCH.rows_of(subject=f"s{i:02d}", conditions=["placebo", "ketamine"], period=periods)
        ]
        nights = pd.DataFrame(rows)
        treated = (nights["condition"] == "ketamine").to_numpy()
        ln_power = nights["period"].map({1: 5.0, 2: 5.5, 3: 4.0, 4: 4.1}).to_numpy(dtype=float)[:, None]
        ln_power = ln_power + 0.3 * treated[:, None] + np.random.default_rng(0).normal(0, 1e-3, (24, 1))
        row = BENCH.Study(nights, ln_power, treated, "ketamine:placebo", "placebo").group(0.0).iloc[0]
        assert row["method"].startswith("mixed model")
        assert math.log(row["estimate"]) == pytest.approx(0.3, abs=5e-3)
        assert row["p"] < 1e-6

    def test_columns_that_cannot_be_told_apart_give_nothing(self):
        fit = least_squares(np.arange(6.0)[:, None], [np.ones(6), np.ones(6)])
        assert np.isnan(fit.beta).all()


PLANNED_PLACE = {"channel": "frontal", "stages": "NREM", "window": "cycle-1", "measure": "swa"}
PLANNED_PLACE |= {"variant": "", "unit": "µV²", "note": ""}


class TestRecognised:
    @pytest.mark.parametrize("name", sorted(BENCH.DESIGNS))
    def test_from_the_study_file_and_holding(self, name):
        """Quick form of benchmarks/calibration_designs.py: the method, and no more error than 60 studies can show."""
        study = BENCH.DESIGNS[name][0](np.random.default_rng(1), 60)
        null = study.group(0.0)
        word = {"cros": "Hills", "pre/": "ANCOVA of the post", "arms": "ANCOVA between", "grou": "group x"}
        word |= {"befo": "sign-flip"}
        assert null["method"].str.startswith(word.get(name[:4], "mixed model")).all()
        assert stats.binomtest(int((null["p"] <= 0.05).sum()), 60, 0.05, alternative="greater").pvalue > 1e-4
        assert ((null["ci_low"] > 1) | (null["ci_high"] < 1)).tolist() == (null["p"] <= 0.05).tolist()

    @pytest.mark.parametrize("options", [{}, {"periods": 2}, {"periods": 3}, {"of_treatment": True}])
    @pytest.mark.parametrize("stated", ["auto", "mixed model"])
    def test_subjects_of_one_night_alone_tell_nothing_of_the_change(self, stated, options):
        """They differ from the others by one SD: a random intercept found that in 9 % of studies, and said n = 40."""
        study = BENCH.single_nights(np.random.default_rng(1), 3, both=20, single=20, shift=1.0, **options)
        settings = Settings(comparison=ComparisonSettings(design=stated))
        both = study.nights[study.nights.groupby("subject")["condition"].transform("size") == 2]
        table = study.table(0.1)
        with_them, without = (
            compare_nights(rows, "baseline", nights=nights, settings=settings).query("subject == 'group'")
            for rows, nights in ((table, study.nights), (table[table["subject"].isin(both["subject"])], both))
        )
        for name in ("estimate", "ci_low", "ci_high", "p", "n", "method"):
            assert with_them[name].tolist() == without[name].tolist()
        assert (with_them["n"] == 20).all()
        missing = "baseline" if options.get("of_treatment") else "ketamine"
        assert with_them["note"].str.contains(f"left out: 20 without a {missing} night").all()

    def test_a_crossover_says_whose_order_is_not_known(self):
        study = BENCH.crossover(np.random.default_rng(1), 1, 5, 5)
        nights = study.nights.copy()
        nights.loc[nights["subject"] == nights["subject"].iloc[0], "period"] = np.nan
        row = group_row(study.table(0.0), nights)
        assert row["n"] == 9
        assert row["note"].endswith("left out: 1 whose order is not known")

    def test_a_pre_post_crossover_says_who_lacks_a_night_before_and_g_is_of_the_others(self):
        study = BENCH.pre_post(np.random.default_rng(1), 1, 10, with_period=False)
        pre = study.nights[study.nights["phase"] == "pre"].iloc[0]
        lost = (study.nights["subject"] == pre["subject"]) & (study.nights["session"] == pre["session"])
        nights = study.nights[~lost]
        row = group_row(study.table(0.3), nights)
        assert row["n"] == 9
        assert row["note"].endswith("left out: 1 without both nights before the infusions")
        others = group_row(study.table(0.3), nights[nights["subject"] != pre["subject"]])
        assert re.search(r"g_av [-\d.]+", row["note"])[0] == re.search(r"g_av [-\d.]+", others["note"])[0]

    def test_a_pre_post_crossover_says_what_it_is_adjusted_for_and_no_slope_that_is_none(self):
        study = BENCH.pre_post(np.random.default_rng(1), 1, 10)
        said = design_statement(study.nights, "placebo")
        assert said.endswith("only the nights after it are compared, adjusted for the nights before the infusions.")
        before = study.nights.loc[study.nights["phase"] == "pre", "session"]
        table = study.table(0.3)
        table.loc[table["session"].isin(before), "value"] = np.nan
        row = group_row(table, study.nights)
        assert "too few subjects for this design" in row["note"]
        assert "nan" not in row["note"]

    @pytest.mark.parametrize(
        ("orders", "each", "stated"),
        [
            (("pkmt", "tmkp"), 4, "auto"),
            (("pkm", "kmp"), 3, "auto"),
            (("pk",), 6, "crossover"),
            (("pktm", "kmpt", "mtkp"), 1, "mixed model"),
        ],
    )
    def test_orders_that_tell_no_treatment_from_the_period_are_not_said_to_be_too_few_subjects(
        self, orders, each, stated
    ):
        nights = nights_in_orders(orders, each)
        settings = Settings(comparison=ComparisonSettings(design=stated, baseline=["p"]))
        value = np.random.default_rng(1).lognormal(5, 0.2, len(nights))
        table = nights.drop(columns="period").assign(value=value, channel="Cz", stages="NREM", window="night")
        table = table.assign(measure="swa", variant="", unit="µV²", note="")
        found = compare_nights(table, nights=nights, settings=settings)
        row = found[(found["subject"] == "group") & (found["contrast"] == "k:p")].iloc[0]
        assert np.isnan(row["p"])
        told = (
            "the orders of the nights do not separate k less p from the period: more subjects in these orders would not"
        )
        assert row["note"].startswith(told)
        assert "too few" not in row["note"]
        assert told in state_designs(nights, settings)[0]

    def test_orders_of_a_latin_square_tell_a_treatment_from_the_period(self):
        settings = Settings(comparison=ComparisonSettings(baseline=["p"]))
        assert "do not separate" not in "".join(state_designs(nights_in_orders(["pkm", "kmp", "mpk"], 3), settings))

    @pytest.mark.parametrize(
        ("orders", "method", "aside"),
        [
            (("pkkk", "kkkp"), "Hills-Armitage", 16),  # was refused: the orders "do not separate" them
            (("pkk", "kkp"), "Hills-Armitage", 8),  # a quarter of a first night's effect stayed in
            (("kpk", "pkk"), "Hills-Armitage", 8),  # one order had both on average at the same place
            (("ppkk", "kkpp"), "Hills-Armitage", 0),
            (("pkkk", "kkkp", "kpkk"), "mixed model", 12),
            (("pkkk", "kpkk", "kkpk", "kkkp"), "mixed model", 0),
        ],
    )
    def test_any_effect_of_the_places_is_taken_out_of_several_nights_of_a_condition(self, orders, method, aside):
        nights = nights_in_orders(orders, 4)
        nights["session"] += nights["period"].astype(str)
        nights["condition"] = nights["condition"].map({"p": "placebo", "k": "ketamine"})
        place = np.array([-0.4, 0.1, 0.3, -0.2])[nights["period"] - 1]
        level = np.random.default_rng(3).normal(5, 0.3, nights["subject"].nunique())
        drug = math.log(1.3) * (nights["condition"] == "ketamine")
        ln = level[pd.factorize(nights["subject"])[0]] + place + drug
        ln += 1e-3 * np.random.default_rng(4).normal(size=len(ln))
        table = nights.drop(columns="period").assign(value=np.exp(ln), channel="Cz", stages="NREM", window="night")
        found = compare_nights(table.assign(measure="swa", variant="", unit="µV²", note=""), nights=nights)
        row = found[found["subject"] == "group"].iloc[0]
        assert row["method"].startswith(method)
        assert row["estimate"] == pytest.approx(1.3, rel=2e-3)
        assert row["p"] < 0.03
        assert row["design_limit"] == ""
        assert (f"nights left aside: {aside}," in row["note"]) == (aside > 0)
        assert ("nights left aside" in state_designs(nights)[0]) == (aside > 0)
        assert "a crossover" in design_statement(nights, "placebo")

    @pytest.mark.parametrize(("orders", "lost"), [(("ppk", "kpp"), "placebo"), (("kkp", "pkk"), "ketamine")])
    def test_a_subject_whose_only_night_is_set_aside_is_not_said_to_have_none(self, orders, lost):
        nights = nights_in_orders(orders, 6)
        nights["session"] += nights["period"].astype(str)
        nights["condition"] = nights["condition"].map({"p": "placebo", "k": "ketamine"})
        gone = nights["subject"].isin(nights["subject"].unique()[[0, 1, 6, 7]])
        gone &= (nights["condition"] == lost) & (nights["period"] != 2)
        nights = nights[~gone].reset_index(drop=True)
        value = np.random.default_rng(1).lognormal(5, 0.2, len(nights))
        table = nights.drop(columns="period").assign(value=value, channel="Cz", stages="NREM", window="night")
        found = compare_nights(table.assign(measure="swa", variant="", unit="µV²", note=""), nights=nights)
        row = found[found["subject"] == "group"].iloc[0]
        reasons = decode(row["reasons"])
        assert row["n"] == 8
        assert notes.NIGHTS_LOST.among(reasons).values["aside"] == 4
        assert f"no usable {lost} night, in 4 of them since their only one is left aside" in row["note"]
        assert notes.ONLY_ASIDE.among(reasons).values == {"n": 4, "condition": lost}
        assert notes.WITHOUT_NIGHT.among(reasons) is None
        own = [decode(text) for text in found.loc[found["subject"] != "group", "reasons"]]
        assert all(notes.NO_NIGHT.among(reasons) is None for reasons in own)

        names = list(nights["subject"].unique())
        groups = {name: ("patients", "healthy", "relatives")[names.index(name) % 3] for name in names}
        nights["group"] = nights["subject"].map(groups)
        found = compare_nights(table.assign(measure="swa", variant="", unit="µV²", note=""), nights=nights)
        compared = found[found["first"].fillna("") != ""]
        assert len(compared) == 3
        for _, row in compared.iterrows():  # two of the four are patients, and two are healthy
            n = 2 if "relatives" in (row["first"], row["second"]) else 4
            reasons = decode(row["reasons"])
            assert notes.WITHOUT_NIGHT.among(reasons) is None
            assert notes.ONLY_ASIDE.among(reasons).values == {"n": n, "condition": lost}
        told = [notes.NIGHT_ASIDE.among(reasons) is not None for reasons in own]
        assert sum(told) == (4 if lost == "placebo" else 0)  # who has no treatment night has no row

    def test_a_lost_night_leaves_a_subject_in_the_order_of_the_others(self):
        nights = nights_in_orders(("pkkk", "kkkp"), 4)
        nights["session"] += nights["period"].astype(str)
        middle, only = nights["subject"] == "spkkk0", nights["subject"] == "skkkp0"
        nights = nights[~((middle & (nights["period"] == 3)) | (only & (nights["period"] == 1)))]
        table = nights.drop(columns="period").assign(channel="Cz", stages="NREM", window="night", measure="swa")
        table = table.assign(
            variant="", unit="µV²", note="", value=np.random.default_rng(1).lognormal(5, 0.2, len(table))
        )
        found = compare_nights(table, "p", nights=nights)
        row = found[found["subject"] == "group"].iloc[0]
        assert row["n"] == 7  # who lost the one night that tells of the drug is out
        assert "p first 4, k first 3" in row["method"]

    def test_equal_values_of_many_subjects_are_not_said_to_be_too_few_subjects(self):
        study = BENCH.pre_post(np.random.default_rng(1), 1, 7)
        table = study.table(0.3).drop(columns="condition", errors="ignore")
        table = table.merge(study.nights[["subject", "session", "condition", "phase"]], on=["subject", "session"])
        drug = (table["condition"] == "ketamine") & (table["phase"] == "post")
        pre = (table["condition"] == "ketamine") & (table["phase"] == "pre")
        table["value"] = np.where(drug, 130.0, 100.0)
        note = group_row(table, study.nights)["note"]
        assert "subjects do not differ in what their changes are adjusted for" in note
        assert "too few" not in note
        table.loc[pre, "value"] = 100.0 + np.arange(pre.sum())
        note = group_row(table, study.nights)["note"]
        assert "all changes are equal: no interval" in note
        assert "nan" not in note

    @pytest.mark.parametrize(
        "name", ["crossover 5:5", "arms 6:6", "groups 8:8 in a crossover", "three conditions, n 6"]
    )
    def test_equal_changes_have_no_interval_in_any_design(self, name):
        """A crossover of equal changes had an interval of no width, and p .016."""
        study = BENCH.DESIGNS[name][0](np.random.default_rng(1), 1)
        level = pd.factorize(study.nights["subject"])[0][:, None] / 7.0
        row = replace(study, ln_power=level + 0.0 * study.ln_power).group(0.3).iloc[0]
        assert row["estimate"] == pytest.approx(math.exp(0.3))
        assert np.isnan([row["ci_low"], row["ci_high"], row["p"]]).all()
        assert "all changes are equal: no interval and no p" in row["note"]
        assert "nan" not in row["note"]

    def test_the_comparison_of_arms_leads_and_says_what_it_is_adjusted_for(self, make_draft, tmp_path):
        study = BENCH.arms(np.random.default_rng(1), 1, 6, 6)
        found = compare_nights(study.table(0.3), nights=study.nights)
        own = found[found["subject"] == "group"]
        facts = own.iloc[0]
        marker = Marker(facts["measure"], facts["stages"], facts["window"], facts["channel"])
        draft = make_draft(tmp_path, own, marker=marker)
        draft = replace(draft, facts=replace(draft.facts, nights=study.nights))
        first, *others = _answers(draft)["answers"]
        assert first.numbers[-1].startswith("adjusted for each subject's baseline (so not just")
        assert not first.limit
        assert others
        assert _title(draft) == f"Slow-wave sleep, simulated: {first.question}", "not each arm against its baseline"
        assert not any("adjusted" in text for answer in others for text in answer.numbers)

    def test_arms_and_groups_count_who_is_missing_in_either(self):
        study = BENCH.arms(np.random.default_rng(1), 1, 6, 6)
        first = study.nights["subject"].iloc[0]
        nights = study.nights[~((study.nights["subject"] == first) & (study.nights["condition"] != "baseline"))]
        found = compare_nights(study.table(0.0), nights=nights)
        between = found[found["method"].str.startswith("ANCOVA between")].iloc[0]
        assert between["n"] == 11
        assert re.search(r"left out: 1 without an? \w+ night$", between["note"])
        unknown = study.nights.assign(arm=study.nights["arm"].mask(study.nights["subject"] == first, ""))
        found = compare_nights(study.table(0.0), nights=unknown)
        between = found[found["method"].str.startswith("ANCOVA between")].iloc[0]
        assert between["note"].endswith("left out: 1 without an arm")

    def test_arms_without_a_column_of_them_are_told_what_to_add(self):
        study = BENCH.arms(np.random.default_rng(1), 1, 6, 6)
        said = design_statement(study.nights.drop(columns="arm"), "baseline")
        assert "Each subject had one of ketamine and placebo alone" in said
        assert "(column arm, one name in all nights of a subject)" in said
        assert "column arm" not in design_statement(study.nights, "baseline")

    def test_a_group_without_the_treatment_is_not_compared(self):
        study = BENCH.groups(np.random.default_rng(1), 1, 8, 8)
        nights = study.nights[~((study.nights["group"] == "controls") & (study.nights["condition"] == "ketamine"))]
        found = compare_nights(study.table(0.0), nights=nights)
        assert set(found["contrast"]) == {"ketamine:placebo"}

    def test_can_be_stated(self):
        study = BENCH.crossover(np.random.default_rng(1), 1, 4, 4)
        stated = Settings(comparison=ComparisonSettings(design="paired"))
        rows = compare_nights(study.table(0.0), nights=study.nights, settings=stated)
        row = rows[rows["subject"] == "group"].iloc[0]
        assert row["method"] == "sign-flip, exact"
        assert "period effect not removed" in row["note"]

    def test_placebo_among_the_treatments_is_the_controlled_contrast(self):
        rows = [
            {"subject": f"s{i}", "session": c, "condition": c, "value": 100.0 + 7 * i + k}
            for i in range(7)
            for k, c in enumerate(("baseline", "placebo", "ketamine"))
        ]
        table = pd.DataFrame(rows).assign(channel="C4", stages="NREM", window="night", measure="swa", unit="µV²")
        assert set(compare_nights(table)["contrast"]) == {
            "placebo:baseline",
            "ketamine:baseline",
            "ketamine:placebo",
        }

    @pytest.mark.parametrize(
        ("orders", "limit"), [((0, 1), "one order"), ((0, 0), "one order"), (None, "unknown order")]
    )
    def test_a_control_after_a_baseline_that_always_came_first_is_limited_too(self, orders, limit):
        """Nothing was given, and a first night that was too light reads as an effect of the placebo."""
        rows = [
            {"subject": f"s{i}", "session": c, "condition": c, "value": 100.0 + 7 * i + 20 * (c != "baseline")}
            | (
                {"order": {"baseline": 1, "placebo": 2 + (i + orders[i % 2]) % 2}.get(c, 3 - (i + orders[i % 2]) % 2)}
                if orders
                else {}
            )
            for i in range(8)
            for c in ("baseline", "placebo", "ketamine")
        ]
        table = pd.DataFrame(rows).assign(channel="C4", stages="NREM", window="night", measure="swa", unit="µV²")
        found = compare_nights(table, nights=table.drop(columns="value"))
        found = found[found["subject"] == "group"].set_index("contrast")
        assert found.loc["placebo:baseline", "design_limit"] == limit

    def test_baseline_fixed_density_has_no_standardised_effect(self):
        study = BENCH.missing_nights(np.random.default_rng(1), 1, 8, 0)
        table = study.table(0.1).assign(measure="wave_density_baseline_fixed", unit="1/min")
        rows = compare_nights(table)
        note = rows.loc[rows["subject"] == "group", "note"].iloc[0]
        assert "no g_av: baseline nights hardly vary by construction" in note

    def test_large_studies_have_subject_rows_of_the_declared_markers_alone(self):
        study = BENCH.missing_nights(np.random.default_rng(1), 1, 8, 0)
        table = pd.concat([study.table(0.1), study.table(0.1).assign(measure="beta_power")])
        few = Settings(comparison=ComparisonSettings(full_subject_rows_nights=4))
        found = compare_nights(table, settings=few)
        assert found.groupby("measure")["subject"].nunique().to_dict() == {"beta_power": 1, "swa": 9}

    @pytest.mark.parametrize(("primary", "channel"), [("", "frontal"), ("swa NREM night C4-M1", "C4-M1")])
    def test_large_studies_have_subject_rows_at_one_channel(self, primary, channel):
        table = BENCH.missing_nights(np.random.default_rng(1), 1, 8, 0).table(0.1).assign(window="night")
        table = pd.concat([table.assign(channel=name) for name in ("C4-M1", "central", "frontal")])
        few = Settings(comparison=ComparisonSettings(full_subject_rows_nights=4, primary=primary))
        found = compare_nights(table, settings=few)
        assert set(found["channel"]) == {"C4-M1", "central", "frontal"}
        assert set(found.loc[found["subject"] != "group", "channel"]) == {channel}


SIGN_TEST = """
import numpy as np
from swa.comparison.designs.base import WithinSubjects
from swa.comparison.outcomes import Outcome, count_left_out
from swa.tables.reason import declare

METHOD = declare("sign_test", "{ups} of {n} subjects up", "method")


class SignTest(WithinSubjects):
    kind, rank = "sign test", 1

    @classmethod
    def fits(cls, pair, settings):
        return pair.treatment == "caffeine"

    def methods_words(self, settings):
        return "The subjects whose value rises are counted."

    def outcome(self, changes, settings):
        known = np.isfinite(changes.change)
        n, ups = known.sum(axis=0), (changes.change > 0).sum(axis=0)
        none = np.full(len(n), np.nan)
        return Outcome(
            estimate=np.nanmedian(changes.change, axis=0), low=none, high=none, p=none, n=n,
            reasons=[[METHOD(ups=int(u), n=int(k))] for u, k in zip(ups, n)],
            used=known, left_out=count_left_out(changes, known),
        )
"""


class TestDesignObjects:
    def test_the_setting_may_name_those_that_can_be_stated(self):
        choices = get_args(ComparisonSettings.model_fields["design"].annotation)
        kinds = [design.kind for design in known_designs() if design.can_be_stated]
        assert sorted(choices) == sorted(["auto", *kinds])

    def test_each_is_told_apart_by_name_and_rank(self):
        designs = known_designs()
        assert len({design.kind for design in designs}) == len({design.rank for design in designs}) == len(designs)

    @pytest.mark.parametrize("name", sorted(BENCH.DESIGNS))
    def test_each_says_how_it_tests_and_what_is_permuted(self, name):
        study = BENCH.DESIGNS[name][0](np.random.default_rng(1), 1)
        permuted = {"cros": "sequences", "pre/": "sequences", "arms": "labels", "grou": "labels"}
        permuted |= {"thre": "sequences", "befo": "signs"}
        (design,) = (d for d in planned_designs(study.nights) if d.contrast == study.contrast)
        assert permuted[name[:4]].removesuffix("s") in design.permutation
        words = design.methods_words(ComparisonSettings())
        assert words.endswith(".")
        assert ("sign-flip" in words.casefold()) == name.startswith("before/after")
        assert design.permutes_estimate == name.startswith(("crossover", "before/after"))

    def test_a_stated_design_is_the_one_that_is_told_of(self):
        study = BENCH.crossover(np.random.default_rng(1), 1, 4, 4)
        said = {}
        for stated in ("auto", "paired", "mixed model"):
            settings = Settings(comparison=ComparisonSettings(design=stated))
            (design,) = planned_designs(study.nights, settings)
            said[stated] = design_statement(study.nights, "placebo", settings.comparison)
            words = design.methods_words(settings.comparison)
            assert ("Sign-flip" in words) == (stated == "paired")
            assert ("mixed model" in words) == (stated == "mixed model")
        assert "removed by comparing the two orders; carry-over is not" in said["auto"]
        assert "removed by the period in the mixed model; carry-over is not" in said["mixed model"]
        assert "not removed, and adds to the spread of the changes" in said["paired"]

    def test_a_new_one_is_one_file(self, tmp_path, monkeypatch):
        (tmp_path / "sign_test.py").write_text(SIGN_TEST)
        monkeypatch.setattr(designs, "__path__", [*designs.__path__, str(tmp_path)])
        monkeypatch.setattr(reason, "_KINDS", dict(reason.known_kinds()))  # its kind of reason ends with it
        known_designs.cache_clear()
        try:
            study = BENCH.missing_nights(np.random.default_rng(1), 1, 8, 0)
            table, nights = (
                rows.replace({"condition": {"ketamine": "caffeine"}}) for rows in (study.table(9.0), study.nights)
            )
            row = group_row(table, nights)
            assert row["method"] == "8 of 8 subjects up"
            assert row["estimate"] == pytest.approx(math.exp(9), rel=0.5)
            assert state_designs(nights) == ["caffeine against baseline: sign test, 8 subjects"]
            assert group_row(study.table(0.1), study.nights)["method"] == "sign-flip, exact"  # others stay as they are
        finally:
            known_designs.cache_clear()
            sys.modules.pop("swa.comparison.designs.sign_test")


class TestNames:
    """A condition may be called anything: the numbers are the same, and so are the words but for the name."""

    NUMBERS = ("estimate", "ci_low", "ci_high", "p", "p_adjusted", "n")
    KEYS = ("treatment", "comparator", "first", "second", "subject", "channel")

    @pytest.mark.parametrize("name", sorted(BENCH.DESIGNS))
    @pytest.mark.parametrize(
        "called",
        [
            {"placebo": "placebo low", "ketamine": "ketamine: 0.5 mg/kg", "magnesium": "Mg group", "baseline": "group"},
            {"placebo": "ketamine|pre", "ketamine": "ketamine", "magnesium": "a:b", "baseline": "base|copied"},
        ],
    )
    def test_of_conditions_change_nothing(self, name, called):
        study = BENCH.DESIGNS[name][0](np.random.default_rng(2), 2)
        primary = Settings(comparison=ComparisonSettings(primary="swa NREM night study-00000"))
        found = []
        for names in ({}, called):
            table, nights = (rows.replace({"condition": names}) for rows in (study.table(0.1), study.nights))
            rows = compare_nights(table, names.get(study.baseline, study.baseline), nights=nights, settings=primary)
            back = {new: old for old, new in names.items()}
            rows = rows.replace({"treatment": back, "comparator": back})
            rows["facts"] = [
                [
                    (reason.code, {key: back.get(value, value) for key, value in reason.values.items()})
                    for reason in decode(text)
                ]
                for text in rows["reasons"]
            ]
            found.append(rows.sort_values(list(self.KEYS), ignore_index=True))
        plain, odd = found
        assert len(plain)
        pd.testing.assert_frame_equal(plain[[*self.KEYS, *self.NUMBERS]], odd[[*self.KEYS, *self.NUMBERS]])
        assert plain["facts"].tolist() == odd["facts"].tolist()

    def test_of_contrasts_tell_conditions_with_a_colon_apart(self):
        study = BENCH.crossover(np.random.default_rng(2), 1, 4, 4)
        called = {"placebo": "a:b", "ketamine": "a"}
        table, nights = (rows.replace({"condition": called}) for rows in (study.table(0.1), study.nights))
        found = compare_nights(table, nights=nights, contrast='a:"A:b"')
        assert set(found["contrast"]) == {'a:"a:b"'}
        (said,) = state_designs(nights.replace({"condition": {"a:b": "baseline", "a": "a:b"}}))
        assert said.startswith("a:b against baseline: 2×2 crossover, 8 subjects (4 baseline first, 4 a:b first)")


class TestPlanning:
    @pytest.mark.parametrize(
        ("icc", "spread", "ten", "twenty"),
        # METHODS' row "ICC 0.76 -> 63 and 19" is of the exact 0.7625 that r = 0.9 with a five-night mean gives.
        [(0.9, 0.0, 28, 10), (0.8, 0.0, 54, 17), (0.7625, 0.0, 63, 19), (0.9, 0.10, 37, 12)],
    )
    def test_table_of_methods(self, icc, spread, ten, twenty):
        sd = stated_variation(icc, 0.4, spread).change_sd
        assert [subjects_needed(math.log(ratio), sd) for ratio in (1.1, 1.2)] == [ten, twenty]

    def test_power_is_that_of_statsmodels(self):
        power = pytest.importorskip("statsmodels.stats.power")
        for n, d in ((3, 0.5), (10, 0.95), (40, 0.3)):
            assert paired_power(d, 1.0, n) == pytest.approx(power.TTestPower().power(d, n, 0.05), abs=1e-8)

    @pytest.mark.parametrize("given", [{"icc": 90, "cv": 0.4}, {"icc": 0.9, "cv": 40}, {"icc": 0.9, "cv": -0.4}])
    def test_per_cent_typed_for_a_share_is_refused(self, given):
        with pytest.raises(SettingsError, match=r"CV of 0\.4 is 40 %"):
            stated_variation(**given)

    def test_a_plan_without_a_stated_reliability_is_of_the_window_that_leads(self):
        """A plan of the whole night gave the first cycle half of the power that was asked for."""
        night, cycle = stated_variation(0.76, 0.4), declared_variation()
        assert str(cycle.marker) == "swa NREM cycle-1 frontal"
        assert cycle.change_sd == pytest.approx(1.42 * night.change_sd)
        assert cycle.icc == pytest.approx(0.76 / (0.76 + 0.24 * 1.42**2))
        assert "1.42 times as much" in cycle.basis
        declared = Settings(comparison=ComparisonSettings(primary="SWA NREM Night frontal"))
        assert declared_variation(declared).change_sd == pytest.approx(night.change_sd)
        assert str(declared_variation(declared).marker) == "swa NREM night frontal"
        spread = declared_variation(effect_sd=0.3).change_sd
        assert spread == pytest.approx(math.hypot(cycle.change_sd, 0.3))

    def test_the_first_cycle_has_the_power_that_is_planned(self):
        plan = plan_sample(declared_variation(), design="crossover")
        assert 36 <= plan.subjects <= 40
        rng = np.random.default_rng(3)
        study = BENCH.crossover(rng, 300, plan.subjects // 2, plan.subjects // 2)
        within = stated_within_sd("", ComparisonSettings(), "swa", "cycle-1")
        values = rng.normal(5, within, study.ln_power.shape)
        found = replace(study, ln_power=values).group(math.log(1.2))
        assert (found["p"] <= 0.05).mean() == pytest.approx(0.8, abs=0.07)

    @pytest.mark.parametrize(
        "primary", ["swa NREM third-1 frontal", "wave_slope_up_matched NREM night frontal", "no_measure NREM night C3"]
    )
    def test_a_marker_whose_variation_is_not_stated_is_not_planned(self, primary):
        with pytest.raises(SettingsError, match="is not stated"):
            declared_variation(Settings(comparison=ComparisonSettings(primary=primary)))

    def test_agrees_with_simulation(self):
        sd = stated_variation(0.9, 0.4).change_sd
        x = np.random.default_rng(1).normal(math.log(1.2), sd, (10, 20_000))
        simulated = (stats.ttest_1samp(x, 0).pvalue <= 0.05).mean()
        assert paired_power(math.log(1.2), sd, 10) == pytest.approx(0.845, abs=0.001)
        assert simulated == pytest.approx(0.845, abs=0.01)

    def test_detectable_effect_is_the_inverse(self):
        found = detectable_effect(0.2, 14, 0.9)
        assert paired_power(math.log(found), 0.2, 14) == pytest.approx(0.9, abs=1e-6)
        for design in ("paired", "crossover", "parallel arms"):
            found = math.log(detectable_effect(0.2, 8, 0.9, design=design)) / 0.2
            assert design_power(design, found, 8) == pytest.approx(0.9, abs=2e-3)
        assert math.isnan(detectable_effect(0.2, 1))

    def test_power_at_six_subjects_is_that_of_sign_flips(self):
        """The t test that was planned for has 0.84 where the p that is printed has 0.66."""
        d = optimize.brentq(lambda d: paired_power(d, 1.0, 6) - 0.84, 0.1, 5)
        x = np.random.default_rng(8).normal(d, 1, (6, 4000))
        assert design_power("paired", d, 6) == pytest.approx((sign_flip_test(x).p <= 0.05).mean(), abs=0.03)
        assert design_power("paired", d, 6) == pytest.approx(0.68, abs=0.03)

    @pytest.mark.parametrize("design", ["paired", "crossover"])
    def test_no_more_subjects_than_recommended_have_less_power(self, design):
        for d in (2.2, 1.4):
            needed = subjects_needed(d, 1.0, design=design)
            powers = [design_power(design, d, n) for n in range(needed, 14)]
            assert not powers or min(powers) >= 0.8
        levels = [design_power(design, 0.0, n) for n in (6, 8, 10)]
        assert max(levels) < 0.07

    def test_a_design_is_planned_by_its_own_test_and_drop_outs_are_added(self):
        stated = stated_variation(0.9, 0.4)
        plan = plan_sample(stated, effect=1.2, dropout=0.2)
        assert (plan.subjects, plan.recruited) == (10, 13)
        needed = {design: subjects_needed(math.log(1.5), stated.change_sd, design=design) for design in PLANNED}
        assert needed["parallel arms"] > 1.5 * needed["paired"]
        with pytest.raises(SettingsError, match="expected one of paired, crossover"):
            plan_sample(stated, design="latin square")
        assert plan_sample(stated, design="Parallel arms").design == "parallel arms"

    def test_of_two_treatments_what_will_be_told_is_planned(self):
        """By its own p one of two treatments was found in 83 %, and told (Holm over the two) in 71 %."""
        d = math.log(1.2) / stated_variation(0.76, 0.4).change_sd
        n = subjects_needed(d, 1.0, design="mixed model")
        assert 24 <= n <= 25
        x = np.random.default_rng(5).normal(d, 1, (4000, n))
        assert (stats.ttest_1samp(x, 0, axis=1).pvalue <= 0.025).mean() == pytest.approx(0.82, abs=0.03)
        assert subjects_needed(d, 1.0, design="mixed model", level=0.1) < n

    @pytest.mark.parametrize(
        ("conditions", "told_of"),
        [
            (("placebo", "ketamine"), 1),
            (("placebo", "ketamine", "magnesium"), 2),
            (("placebo", "ketamine", "magnesium", "zolpidem"), 3),
            (("baseline", "placebo", "ketamine"), 1),  # the drug against placebo leads, whatever baseline is beside it
        ],
    )
    def test_a_study_of_several_treatments_plans_what_will_be_told(self, conditions, told_of):
        """Of two drugs against one placebo in one order each, the plan named the subjects that one needs."""
        rng = np.random.default_rng(8)
        nights = pd.DataFrame(
            [(f"s{i}", name, name, place) for i in range(20) for place, name in enumerate(conditions, 1)],
            columns=["subject", "session", "condition", "order"],
        )
        table = nights.drop(columns="order").assign(value=rng.lognormal(5, 0.2, len(nights)), **PLANNED_PLACE)
        table = plan_next_study(SimpleNamespace(measures=table, nights=nights))
        assert set(table["design"]) == {"paired"}
        assert set(table["n_tests"]) == {told_of}
        sd, level = table["change_sd"][0], table["level"][0]
        needed = [subjects_needed(math.log(effect), sd, level=level / told_of) for effect in (1.1, 1.2)]
        assert table["subjects"].tolist()[:2] == needed

    def test_holm_over_two_is_what_the_sign_flips_can_reach(self):
        """Six subjects reach p = 0.031, which is never told of two; at that level alone they would be tested by t."""
        assert design_power("paired", 3.0, 6) > 0.9
        assert design_power("paired", 3.0, 6, told_of=2) == 0
        x = np.random.default_rng(9).normal(1.2, 1, (10, 4000))
        p = sign_flip_test(x).p
        assert design_power("paired", 1.2, 10, told_of=2) == pytest.approx((2 * p <= 0.05).mean(), abs=0.03)
        assert design_power("crossover", 9.0, 8) > 0.9
        assert design_power("crossover", 9.0, 8, told_of=2) == 0  # 70 ways to label 8, the same one the other way round
        assert subjects_needed(3.0, 1.0, told_of=2) > 6

    def test_of_arms_one_has_the_spread_of_responses(self):
        """In both arms it asked for 141 subjects, who found the effect in 92 % where 80 % were wanted."""
        plan = plan_sample(stated_variation(0.76, 0.4, 0.3), design="parallel arms")
        assert 90 < plan.subjects < 125
        rng = np.random.default_rng(7)
        half = plan.subjects // 2
        found = BENCH.arms(rng, 300, half, plan.subjects - half, response_sd=0.3).group(math.log(1.2))
        assert (found["p"] <= 0.05).mean() == pytest.approx(0.8, abs=0.07)
        as_before = plan_sample(stated_variation(0.76, 0.4), design="parallel arms")
        assert as_before.subjects == subjects_needed(
            math.log(1.2), stated_variation(0.76, 0.4).change_sd, design="parallel arms"
        )

    def source(self, subjects=200, **sd):
        """A study with two baseline nights a subject, which differ by an SD of its own in each window."""
        rng = np.random.default_rng(4)
        rows = [
            (f"s{i}", session, session[:-1], window, math.exp(5 + rng.normal(0, spread)))
            for window, spread in sd.items()
            for i in range(subjects)
            for session in ("baseline1", "baseline2", "ketamine1")
        ]
        table = pd.DataFrame(rows, columns=["subject", "session", "condition", "window", "value"])
        table["window"] = table["window"].replace("cycle", "cycle-1")
        table = table.assign(channel="frontal", stages="NREM", measure="swa", variant="", unit="µV²", note="")
        return SimpleNamespace(measures=table, nights=table[["subject", "session", "condition"]].drop_duplicates())

    def test_own_baseline_pairs_with_the_limits_of_their_sd(self):
        source = self.source(cycle=0.1)
        found = study_variation(source, effect_sd=0.001)
        assert found.low < 0.1 * math.sqrt(2) < found.high
        assert "repeated baseline nights" in found.basis
        assert "effect SD 0.001" in found.basis
        less_sure = study_variation(source, Settings(comparison=ComparisonSettings(confidence=0.6)), 0.001)
        assert found.low < less_sure.low < found.change_sd < less_sure.high < found.high
        answer = plan_sample(found, effect=1.1, subjects=9)
        assert answer.subjects_range[0] <= answer.subjects <= answer.subjects_range[1]
        with pytest.raises(StudyError, match="State the reliability"):
            study_variation(SimpleNamespace(measures=source.measures[:4], nights=source.nights[:4]))

    @pytest.mark.parametrize("nights", ["baseline2", ""])
    def test_a_study_with_repeated_nights_plans_with_the_spread_of_responses(self, nights):
        """Two baseline nights took it out of the plan: the next study was half as large as with one."""
        source, rng = self.source(cycle=0.19), np.random.default_rng(6)
        rows = source.measures[source.measures["session"] != nights].copy()
        treated = rows["condition"] == "ketamine"
        rows.loc[treated, "value"] *= np.exp(rng.normal(0.18, 0.25, int(treated.sum())))
        found = study_variation(SimpleNamespace(measures=rows, nights=source.nights))
        assert found.change_sd == pytest.approx(math.hypot(0.19 * math.sqrt(2), 0.25), rel=0.08)
        assert found.low < math.hypot(0.19 * math.sqrt(2), 0.25) < found.high
        assert "they hold the spread of responses" in found.basis
        assert ("of one night each" in found.basis) == (not nights)

    def test_the_marker_that_the_study_leads_with_is_planned_for(self):
        source = self.source(night=0.05, cycle=0.2)
        found = study_variation(source)
        assert found.low < 0.2 * math.sqrt(2) < found.high
        assert str(found.marker) == "swa NREM cycle-1 frontal"
        primary = Settings(comparison=ComparisonSettings(primary="SWA nrem night frontal"))
        assert str(study_variation(source, primary).marker) == "swa NREM night frontal"
        table = plan_next_study(source, primary)
        assert list(table) == PLANNING.names
        assert set(table["window"]) == {"night"}
        assert table["subjects"].tolist() == [
            subjects_needed(math.log(effect), table["change_sd"][0], level=table["level"][0])
            for effect in (1.1, 1.2, 1.3, 1.5)
        ]
        assert set(table["n"]) == {200}

    def test_too_few_pairs_are_counted_and_who_is_left_out_is_named(self):
        source = self.source(subjects=5, cycle=0.1)
        first = ~source.measures["session"].eq("baseline2")  # without repeated nights
        source.measures = source.measures[first & ~source.measures["subject"].eq("s4")]
        nights = source.nights[source.nights["session"] != "baseline2"]
        left = {("s1", "ketamine"): "excluded", ("s2", "baseline"): "failed"}
        status = [left.get(key, "done") for key in zip(nights["subject"], nights["condition"], strict=True)]
        source.nights = nights.assign(status=status)
        with pytest.raises(StudyError) as told:
            study_variation(source)
        assert "2 subjects with a change in ketamine against baseline, more than 3 are needed" in told.value.problem
        assert "left out: s1 (ketamine excluded), s2 (baseline failed), s4 (not measured)" in told.value.problem
        assert "repeated baseline nights give 0 degrees of freedom, 3 are needed" in told.value.problem

    def test_nights_that_do_not_say_leave_no_plan(self):
        assert plan_next_study(self.source(subjects=2, cycle=0.1)).empty

    def test_no_plan_is_made_for_a_marker_that_is_compared_as_a_difference(self):
        source = self.source(subjects=1, cycle=0.1)
        source.nights = source.nights.assign(primary="aperiodic_exponent NREM night frontal")
        with pytest.raises(StudyError, match="aperiodic_exponent is compared as a difference"):
            study_variation(source)

    @pytest.mark.parametrize(("text", "ratio"), [("20%", 1.2), ("+20 %", 1.2), ("-15%", 0.85), ("1,2", 1.2)])
    def test_effects_are_read(self, text, ratio):
        assert read_effect(text) == pytest.approx(ratio)

    @pytest.mark.parametrize("text", ["abc", "-100%", "20", ""])
    def test_what_is_no_effect_is_refused(self, text):
        with pytest.raises(SettingsError):
            read_effect(text)

    def test_an_effect_that_cannot_be_found_is_said(self):
        with pytest.raises(SettingsError, match="more than 100000 subjects"):
            subjects_needed(1e-6, 0.2)


def groups_in_orders(*orders):
    """Patients and controls with so many subjects of placebo first and ketamine first; a period of × 1.2, no effect."""
    rng, rows = np.random.default_rng(5), []
    for group, counts in zip(("patients", "controls"), orders, strict=True):
        for i in range(sum(counts)):
            first = ("placebo", "ketamine") if i < counts[0] else ("ketamine", "placebo")
            for period, condition in enumerate(first, start=1):
                value = 100 * 1.2 ** (period - 1) * math.exp(rng.normal(0, 0.01))
                rows.append((f"{group}{i}", condition, condition, period, group, value))
    table = pd.DataFrame(rows, columns=["subject", "session", "condition", "period", "group", "value"])
    long = table.assign(channel="Cz", stages="NREM", window="night", measure="swa", variant="", unit="µV²", note="")
    found = compare_nights(long, nights=table.drop(columns="value").assign(verdict="sound"))
    return found[(found["subject"] == "group") & (found["first"] == "patients")].iloc[0]


def test_groups_with_hardly_anybody_in_an_order_are_adjusted_by_the_order_of_both():
    """Plain Welch took the period for a difference of the groups: 44 % false alarms."""
    row = groups_in_orders((7, 1), (1, 7))
    assert row["ci_low"] < 1 < row["ci_high"]
    assert row["estimate"] == pytest.approx(1, abs=0.02)
    assert row["verdict"] == "sound"
    assert row["design_limit"] == "groups"


@pytest.mark.parametrize("controls", [(0, 8), (1, 7)])  # a lone subject's change cannot say what an order does
def test_groups_each_in_an_order_of_its_own_are_not_comparable(controls):
    row = groups_in_orders((8, 0), controls)
    assert row["verdict"] == "not comparable"
    assert row["verdict_reasons"].startswith(f"8 of 8 patients had placebo first, {controls[0]} of 8 controls: ")
    assert row["design_limit"] == "groups; unequal orders"
