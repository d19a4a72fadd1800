"""Whether two treatments add up: known answers by names, by columns and between arms."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from swa.comparison.contrasts import compare_nights
from swa.comparison.further.interactions import combination_values, compare_combinations
from swa.comparison.group import sign_flip_test
from swa.report import figures
from swa.report.optional_tables import interaction_table
from swa.settings import ComparisonSettings, Settings
from swa.tables import doubts
from swa.tables.marker import matches
from swa.tables.reason import encode
from swa.tables.results_tables import COMBINATIONS, INTERACTIONS

NAMES = ("placebo", "ketamine", "magnesium", "ketamine+magnesium")
PRIMARY = "swa NREM night frontal"


def study(subjects, *, arms=False, interaction=0.0, spread=0.1, seed=0):
    """Nights of four combinations, each treatment x 1.2 and both x exp(interaction) beyond that."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(subjects):
        level = rng.normal(5, 0.3)
        for name in ("baseline", NAMES[i % 4]) if arms else NAMES:
            one, other = "ketamine" in name, "magnesium" in name
            ln = level + 0.18 * one + 0.18 * other + interaction * (one and other) + rng.normal(0, spread)
            rows.append((f"s{i:02d}", name, name, np.exp(ln), NAMES[i % 4], int(one), int(other)))
    columns = ["subject", "session", "condition", "value", "arm", "drug", "mg"]
    table = pd.DataFrame(rows, columns=columns)
    nights = table.drop(columns=["value", *([] if arms else ["arm"])]).assign(status="done")
    table = table.drop(columns=["arm", "drug", "mg"])
    table = table.assign(channel="frontal", stages="NREM", window="night", measure="swa", variant="", unit="µV²")
    return table.assign(n=1, note=""), nights


def found(table, nights, **settings):
    comparison = ComparisonSettings(primary=PRIMARY, **settings)
    (row,) = compare_combinations(table, nights=nights, settings=Settings(comparison=comparison)).to_dict("records")
    return row


def test_within_subjects_it_is_the_sign_flip_test_of_both_less_one_less_other_plus_neither():
    table, nights = study(8, interaction=0.3)
    row = found(table, nights)
    assert list(row) == INTERACTIONS.names
    wide = np.log(table.pivot(index="subject", columns="condition", values="value"))
    value = wide[NAMES[3]] - wide[NAMES[1]] - wide[NAMES[2]] + wide[NAMES[0]]
    flip = sign_flip_test(value.to_numpy())
    assert np.log([row["estimate"], row["ci_low"], row["ci_high"]]) == pytest.approx(
        [value.mean(), flip.low[0], flip.high[0]]
    )
    assert (row["p"], row["n"], row["role"]) == (flip.p[0], 8, "primary")
    assert (row["contrast"], row["factor_a"], row["factor_b"]) == ("ketamine+magnesium", "ketamine", "magnesium")


ORDERS = ((0, 1, 3, 2), (1, 2, 0, 3), (2, 3, 1, 0), (3, 0, 2, 1))  # each of the four once at each place


def in_orders(table, nights, orders, by_place):
    """The same nights, given in these orders in turn, with what a place does to ln values."""
    subjects = sorted(nights["subject"].unique())
    place = {(s, NAMES[c]): k for i, s in enumerate(subjects) for k, c in enumerate(orders[i % len(orders)])}
    found = [
        each.assign(period=[place[key] + 1 for key in zip(each["subject"], each["session"], strict=True)])
        for each in (table, nights)
    ]
    values = found[0]["value"] * np.exp(np.array(by_place)[found[0].pop("period").to_numpy() - 1])
    return found[0].assign(value=values), found[1]


def test_places_of_the_nights_are_taken_out_where_the_orders_let_them():
    table, nights = study(12, interaction=0.3)
    by_place = (0.0, 0.4, -0.3, 0.6)
    row = found(*in_orders(table, nights, ORDERS, by_place))
    flat = found(*in_orders(table, nights, ORDERS, (0.0,) * 4))
    # Whatever the places do, the interval does not hold it.
    assert [row[name] for name in ("estimate", "ci_low", "p")] == pytest.approx(
        [flat[name] for name in ("estimate", "ci_low", "p")]
    )
    assert row["method"] == "paired, less the means of the four places, t"
    mean = found(table, nights)["estimate"]
    assert flat["estimate"] == pytest.approx(mean)  # in balanced orders it is the mean itself
    assert row["verdict"] == ""


def test_one_order_for_all_is_not_comparable_and_few_subjects_keep_their_flips():
    table, nights = study(8, interaction=0.3)
    row = found(*in_orders(table, nights, ORDERS[:1], (0.0, 0.4, -0.3, 0.6)))
    assert row["verdict"] == "not comparable"
    assert "balanced orders" in row["verdict_reasons"]
    assert "not to be told" in interaction_table(pd.DataFrame([row]), Settings()).about
    few, own = study(4, interaction=0.3)
    row = found(*in_orders(few, own, ORDERS, (0.0,) * 4))
    assert (row["method"], row["verdict"]) == ("paired t", "")
    assert "period effect not removed" in row["note"]


def test_an_order_that_nobody_has_written_is_a_doubt():
    table, nights = study(8, interaction=0.3)
    row = found(table, nights)
    assert row["verdict"] == "caution"
    assert "the order of the nights is not known" in row["verdict_reasons"]
    assert "more than the two add up to, but the order" in interaction_table(pd.DataFrame([row]), Settings()).about
    table, nights = in_orders(table, nights, ORDERS, (0.0,) * 4)
    one_unknown = nights.assign(period=nights["period"].where(nights["subject"] != "s00"))
    assert found(table, one_unknown)["verdict"] == ""  # it cannot tip the balance of the seven others
    half_unknown = nights.assign(period=nights["period"].where(nights["subject"] > "s03"))
    assert found(table, half_unknown)["verdict"] == "caution"


def test_a_row_is_no_sounder_than_the_contrasts_of_its_conditions():
    table, nights = in_orders(*study(8, interaction=0.3), ORDERS, (0.0,) * 4)
    judged = compare_nights(table, nights=nights.assign(verdict="sound", verdict_reasons="", doubts=""))
    marker = matches(judged, subject="group", window="night")
    judged = judged.assign(
        verdict=np.where(marker & (judged["contrast"] == "magnesium:placebo"), "caution", "sound"),
        doubts=np.where(marker, encode([doubts.SUBJECTS(named="s01: gain", n=1, of=8)]), ""),
    )
    comparison = ComparisonSettings(primary=PRIMARY)
    rows = compare_combinations(table, nights=nights, settings=Settings(comparison=comparison), contrasts=judged)
    assert rows["verdict"].tolist() == ["caution"]
    assert rows["verdict_reasons"].tolist() == [
        "magnesium against placebo: recordings of 1 of 8 subjects are doubtful (s01: gain)"
    ]


def test_values_of_the_picture_are_the_changes_of_subjects_and_their_means():
    table, nights = study(8, interaction=0.3)
    settings = Settings(comparison=ComparisonSettings(primary=PRIMARY))
    values = combination_values(table, nights=nights, settings=settings)
    assert list(values) == COMBINATIONS.names
    wide = np.log(table.pivot(index="subject", columns="condition", values="value"))
    means = values[values["subject"] == "group"].set_index("combination")
    assert set(means.index) == {"one", "other", "both", "added"}
    assert np.log(means.loc["both", "change"]) == pytest.approx((wide[NAMES[3]] - wide[NAMES[0]]).mean())
    added = (wide[NAMES[1]] + wide[NAMES[2]] - 2 * wide[NAMES[0]]).mean()
    assert np.log(means.loc["added", "change"]) == pytest.approx(added)
    interaction = means.loc["both", "change"] / means.loc["added", "change"]
    assert found(table, nights)["estimate"] == pytest.approx(interaction)
    table, nights = study(32, arms=True)
    arms = combination_values(table, nights=nights, settings=settings)
    assert set(arms["combination"]) == {"neither", "one", "other", "both"}
    names = dict.fromkeys(("one", "other", "both", "added"), "x")
    assert len(figures.combinations(values, names=names).axes[0].lines) == 8 + 2 * 4 + 1


def test_columns_of_the_study_file_may_say_what_was_given():
    table, nights = study(8, interaction=0.3)
    codes = dict(zip(NAMES, ("placebo", "A", "B", "C"), strict=True))
    row = found(table, nights)
    named = [each.replace({"condition": codes}) for each in (table, nights)]
    assert compare_combinations(named[0], nights=named[1]).empty
    other = found(*named, factors=("drug", "mg"))
    assert other["estimate"] == pytest.approx(row["estimate"])
    assert other["contrast"] == "drug+mg"


def test_between_arms_it_is_the_interaction_of_an_analysis_of_covariance():
    api = pytest.importorskip("statsmodels.api")
    table, nights = study(32, arms=True, interaction=0.3)
    row = found(table, nights)
    wide = np.log(table.assign(night=np.where(table["condition"] == "baseline", "before", "after")).pivot(
        index="subject", columns="night", values="value"))  # fmt: skip
    own = nights[nights["condition"] != "baseline"].set_index("subject")
    a, b = own["drug"].to_numpy(float), own["mg"].to_numpy(float)
    fit = api.OLS(wide["after"].to_numpy(), np.column_stack([np.ones(32), a, b, a * b, wide["before"]])).fit()
    assert np.log(row["estimate"]) == pytest.approx(fit.params[3], abs=1e-8)
    assert row["n"] == 32
    assert row["ci_low"] < np.exp(0.3) < row["ci_high"]


def test_a_study_without_the_four_has_none_and_a_page_says_what_the_interval_does():
    table, nights = study(8, interaction=0.5)
    three = nights[nights["condition"] != "magnesium"]
    assert compare_combinations(table[table["condition"] != "magnesium"], nights=three).empty
    shown = interaction_table(pd.DataFrame([found(table, nights)]), Settings())
    assert "more than the two add up to" in shown.about
    none = interaction_table(pd.DataFrame([found(*study(8, seed=3))]), Settings())
    assert "neither more nor less" in none.about
    doubted = pd.DataFrame(
        [found(table, nights) | {"verdict": "not comparable", "verdict_reasons": "one order for all"}]
    )
    about = interaction_table(doubted, Settings()).about
    assert "slow-wave activity" in about
    assert "not to be told from these nights (one order for all)" in about
    assert interaction_table(INTERACTIONS.empty(), Settings()) is None


@pytest.fixture(scope="module")
def benchmark():
    path = Path(__file__).parents[1] / "benchmarks" / "calibration_interactions.py"
    if not path.is_file():
        pytest.skip("needs the source tree")
    spec = importlib.util.spec_from_file_location("calibration_interactions", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_no_interaction_is_found_in_one_of_twenty_studies(benchmark):
    grid, _ = benchmark.study(np.random.default_rng(1), 8, 400, icc=0.9, arms=False, interaction=0.0)
    assert np.mean(np.asarray(benchmark.within_subjects(grid, benchmark.SETTINGS)["p"]) <= 0.05) < 0.09


def test_an_interaction_of_four_arms_is_found_as_often_as_theory_says(benchmark):
    grid, own = benchmark.study(np.random.default_rng(1), 96, 300, icc=0.9, arms=True, interaction=benchmark.LN)
    found = np.mean(np.asarray(benchmark.between_arms(own, grid, benchmark.SETTINGS)["p"]) <= 0.05)
    assert found == pytest.approx(benchmark.power_of_arms(np.random.default_rng(2), 96, 0.9, 500), abs=0.08)
