"""Whether a change follows the level of a covariate of the nights: known answers."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from swa.comparison.further.level_changes import follow_levels, level_changes, within_correlation
from swa.report.figures import covariate_changes
from swa.report.optional_tables import level_table
from swa.settings import ComparisonSettings, Settings

SETTINGS = Settings(comparison=ComparisonSettings(primary="swa NREM night frontal", covariates=("serum_mg", "age")))


def study(subjects=12, nights=2, slope=0.3, seed=0):
    """Nights at baseline and under magnesium, whose ln SWA follows serum_mg within subjects."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(subjects):
        level, own = rng.normal(5, 0.5), rng.normal(0.9, 0.1)
        for k in range(nights):
            name = ("baseline", "magnesium")[k % 2]
            serum = own + 0.3 * (k % 2) + rng.normal(0, 0.3)
            ln = level + 0.1 * (k % 2) + slope * (serum - own) + rng.normal(0, 0.05)
            rows.append((f"s{i:02d}", f"{name}-{k}", name, np.exp(ln), serum, 40 + i))
    table = pd.DataFrame(rows, columns=["subject", "session", "condition", "value", "serum_mg", "age"])
    nights_table = table.drop(columns="value").assign(status="done")
    table = table.drop(columns=["serum_mg", "age"]).assign(channel="frontal", stages="NREM", window="night")
    return table.assign(measure="swa", variant="", unit="µV²", n=1, note=""), nights_table


def test_the_change_is_regressed_on_the_change_of_what_differs_between_nights():
    table, nights = study()
    points = level_changes(table, nights=nights, settings=SETTINGS)
    assert set(points["covariate"]) == {"serum_mg"}  # age is the same in all nights of a subject
    rows = follow_levels(table, nights=nights, settings=SETTINGS).to_dict("records")
    assert [row["contrast"] for row in rows] == ["magnesium:baseline"]
    wide = table.assign(ln=np.log(table["value"])).pivot(index="subject", columns="condition", values="ln")
    serum = nights.pivot(index="subject", columns="condition", values="serum_mg")
    fit = stats.linregress(serum["magnesium"] - serum["baseline"], wide["magnesium"] - wide["baseline"])
    assert rows[0]["estimate"] == pytest.approx(fit.slope)
    assert rows[0]["correlation"] == pytest.approx(fit.rvalue)
    assert rows[0]["ci_low"] < 0.3 < rows[0]["ci_high"]
    assert rows[0]["p"] < 0.05


def test_the_correlation_is_adjusted_for_the_order_as_the_slope_is():
    table, nights = study()
    late = np.arange(len(nights)) // 2 % 2  # every second subject had magnesium first
    first = np.where(nights["condition"] == "baseline", late, 1 - late)
    nights.insert(3, "order", 1 + first)
    table = table.assign(value=table["value"] * np.where(first, 1.5, 1.0))
    (row,) = follow_levels(table, nights=nights, settings=SETTINGS).to_dict("records")
    assert row["method"] == "slope of the change on the change, adjusted for order, robust errors (HC2)"
    wide = table.assign(ln=np.log(table["value"])).pivot(index="subject", columns="condition", values="ln")
    serum = nights.pivot(index="subject", columns="condition", values="serum_mg")
    change, step = (part["magnesium"] - part["baseline"] for part in (wide, serum))
    order = np.arange(len(change)) % 2
    rest = [part - part.groupby(order).transform("mean") for part in (change, step)]
    assert row["correlation"] == pytest.approx(np.corrcoef(*rest)[0, 1])
    assert abs(row["correlation"] - np.corrcoef(change, step)[0, 1]) > 0.1


def test_of_more_nights_subjects_and_conditions_are_taken_out():
    api = pytest.importorskip("statsmodels.formula.api")
    table, nights = study(nights=4, seed=2)
    nights.insert(3, "order", 1 + np.arange(len(nights)) % 4)
    row = follow_levels(table, nights=nights, settings=SETTINGS).to_dict("records")[-1]
    assert row["contrast"] == "all nights"
    own = table.assign(y=np.log(table["value"]), x=nights["serum_mg"], order=nights["order"])
    fit = api.ols("y ~ x + C(subject) + C(order)", own).fit()  # in one order the place tells the condition
    r = np.sign(fit.params["x"]) * np.sqrt(fit.tvalues["x"] ** 2 / (fit.tvalues["x"] ** 2 + fit.df_resid))
    assert row["estimate"] == pytest.approx(r)
    assert row["p"] == pytest.approx(fit.pvalues["x"])
    assert row["ci_low"] < row["estimate"] < row["ci_high"]
    assert "32 degrees of freedom" in row["note"]
    assert row["method"].endswith("subjects, conditions and places in the order taken out")


@pytest.mark.parametrize("column", ["order", "period", ""])
def test_what_drifts_over_the_nights_is_not_found_to_go_together(column):
    """In orders by lot two unrelated measures that drift were found to be related in up to 100 % of studies."""
    rng, found = np.random.default_rng(3), []
    for seed in range(20):
        table, nights = study(nights=4, slope=0.0, seed=seed)
        place = np.concatenate([rng.permutation(4) for _ in range(12)])
        nights["serum_mg"] += 0.6 * place
        table["value"] *= np.exp(0.1 * place)
        if column:
            nights.insert(3, column, 1 + place)
        found.append(follow_levels(table, nights=nights, settings=SETTINGS).iloc[-1])
    assert {row["contrast"] for row in found} == {"all nights"}
    if column:
        assert sum(row["p"] <= 0.05 for row in found) <= 4
    else:
        assert all(np.isnan(row["p"]) and np.isnan(row["ci_low"]) and np.isfinite(row["correlation"]) for row in found)
        assert all("the order of the nights is not known" in row["note"] for row in found)


def test_changes_of_two_nights_in_an_order_that_nobody_states_are_not_tested():
    """Half of the subjects had them the other way round, and what drifts changes with the other sign in those."""
    table, nights = study(slope=0.0)
    later = np.where(
        np.arange(len(nights)) // 2 % 2, nights["condition"] == "baseline", nights["condition"] != "baseline"
    )
    names = {"baseline": "placebo"}
    table = table.assign(value=table["value"] * np.exp(0.5 * later), condition=table["condition"].replace(names))
    nights = nights.assign(serum_mg=nights["serum_mg"] + later, condition=nights["condition"].replace(names))
    (row,) = follow_levels(table, "placebo", nights=nights, settings=SETTINGS).to_dict("records")
    assert row["correlation"] > 0.7
    assert np.isnan([row["p"], row["ci_low"]]).all()
    assert "the order of the nights is not known" in row["note"]
    nights.insert(3, "order", 1 + later)
    (known,) = follow_levels(table, "placebo", nights=nights, settings=SETTINGS).to_dict("records")
    assert known["p"] > 0.05


def test_minutes_are_not_tested_over_more_than_two_nights_and_by_errors_that_differ_over_two():
    table, nights = study(nights=4)
    minutes = table.assign(channel="all", stages="any", measure="n3_minutes", unit="min", value=table["value"].round())
    settings = Settings(comparison=ComparisonSettings(primary="n3_minutes any night all", covariates=("serum_mg",)))
    two, more = follow_levels(minutes, nights=nights, settings=settings).to_dict("records")
    assert two["method"].endswith("robust errors (HC2)")
    assert 0 < two["ci_low"] < two["estimate"] < two["ci_high"]
    assert more["estimate"] > 0.5
    assert np.isnan([more["p"], more["ci_low"]]).all()
    assert "not tested" in more["note"]


def test_few_subjects_are_not_tested_and_a_page_says_what_was_found():
    table, nights = study(subjects=6)
    row = follow_levels(table, nights=nights, settings=SETTINGS).iloc[0]
    assert np.isnan(row["estimate"])
    assert "fewer than 8 subjects" in row["note"]
    found = follow_levels(*study()[:1], nights=study()[1], settings=SETTINGS)
    assert "it rises more where that rises more" in level_table(found, SETTINGS, str).about
    points = level_changes(table, nights=nights, settings=SETTINGS)
    (panel,) = covariate_changes(points).axes
    assert panel.get_position().width > 0.8  # half of the picture was empty
    assert np.isnan(within_correlation(np.arange(4.0), np.arange(4.0), np.arange(4), []).r)
    assert level_table(follow_levels(table, nights=nights), SETTINGS, str) is None  # nothing was named
