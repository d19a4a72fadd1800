"""Whether two treatments add up: known answers by names, by columns and between arms."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from swa.comparison.further.interactions import compare_combinations
from swa.comparison.group import sign_flip_test
from swa.report.optional_tables import interaction_table
from swa.settings import ComparisonSettings, Settings
from swa.tables.results_tables import INTERACTIONS

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
    assert interaction_table(INTERACTIONS.empty(), Settings()) is None


def test_no_interaction_is_found_in_one_of_twenty_studies():
    path = Path(__file__).parents[1] / "benchmarks" / "calibration_interactions.py"
    if not path.is_file():
        pytest.skip("needs the source tree")
    spec = importlib.util.spec_from_file_location("calibration_interactions", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    grid, _ = module.study(np.random.default_rng(1), 8, 400, icc=0.9, arms=False, interaction=0.0)
    assert np.mean(np.asarray(module.within_subjects(grid, module.SETTINGS)["p"]) <= 0.05) < 0.09
