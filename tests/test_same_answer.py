"""Same data, same answer: contrasts of one table against scipy, statsmodels and pingouin, to 1e-8."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from swa.comparison.contrasts import compare_nights
from swa.comparison.further.moderators import relate_covariates
from swa.settings import ComparisonSettings, Settings

TO = 1e-8
SUBJECTS = 12


def study(missing=()):
    """Long table and nights of a crossover with a covariate; `missing` subjects have no ketamine night."""
    rng = np.random.default_rng(12)
    rows, nights = [], []
    for number in range(SUBJECTS):
        subject, level, mg = f"S{number:02d}", rng.normal(5, 0.4), rng.normal(0.85, 0.08)
        for condition in ("baseline", "ketamine"):
            value = math.exp(level + 0.2 * (condition == "ketamine") + rng.normal(0, 0.2))
            if condition == "ketamine" and number in missing:
                continue
            nights.append((subject, condition, condition, mg, "done"))
            rows.append((subject, condition, condition, "frontal", "NREM", "cycle-1", "swa", "", value, "µV²", 1, ""))
    keys = [
        "subject",
        "session",
        "condition",
        "channel",
        "stages",
        "window",
        "measure",
        "variant",
        "value",
        "unit",
        "n",
    ]
    table = pd.DataFrame(rows, columns=[*keys, "note"])
    return table, pd.DataFrame(nights, columns=["subject", "session", "condition", "serum_mg", "status"])


def peer(name):
    """A program that is not asked for: where it is not there, the rest of the test has been done."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)


def wide(table):
    return np.log(table.pivot(index="subject", columns="condition", values="value"))


def group(table, nights, **options):
    settings = Settings(comparison=ComparisonSettings(**options))
    rows = compare_nights(table, "baseline", nights=nights, settings=settings)
    return rows[rows["subject"] == "group"].iloc[0]


def test_paired_t_is_that_of_scipy_and_pingouin():
    """With sign flips put out of reach the row itself is the t test, on the ratio scale."""
    table, nights = study()
    five = sorted(table["subject"].unique())[:5]  # below 6 subjects there is no sign-flip interval
    table = table[table["subject"].isin(five)]
    row, logs = group(table, nights), wide(table)
    expected = stats.ttest_rel(logs["ketamine"], logs["baseline"])
    interval = expected.confidence_interval(0.95)
    ours = [math.log(row["estimate"]), math.log(row["ci_low"]), math.log(row["ci_high"]), row["p"]]
    mean = float((logs["ketamine"] - logs["baseline"]).mean())
    assert ours == pytest.approx([mean, interval.low, interval.high, expected.pvalue], abs=TO)
    pingouin = peer("pingouin")
    found = pingouin.ttest(logs["ketamine"], logs["baseline"], paired=True).iloc[0]
    p = found.get("p_val", found.get("p-val"))
    assert row["p"] == pytest.approx(float(p), abs=TO)


@pytest.mark.parametrize("missing", [(), (2, 5, 7)])
def test_mixed_model_is_that_of_statsmodels(missing):
    models = pytest.importorskip("statsmodels.regression.mixed_linear_model")
    table, nights = study(missing)
    row = group(table, nights, design="mixed model")
    table = table[table.groupby("subject")["condition"].transform("nunique") == 2]  # the others tell no change
    assert row["n"] == table["subject"].nunique()
    subject = pd.factorize(table["subject"])[0]
    design = np.column_stack([np.ones(len(table)), table["condition"] == "ketamine"]).astype(float)
    model = models.MixedLM(np.log(table["value"].to_numpy()), design, groups=subject)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = model.fit(method="bfgs", gtol=1e-10)
    assert expected.converged
    # Its optimiser stops when the likelihood no longer changes, some 1e-8 from where the slope is zero.
    assert math.log(row["estimate"]) == pytest.approx(expected.fe_params[1], abs=TO if not missing else 1e-6)


def test_slope_on_a_covariate_is_that_of_scipy():
    table, nights = study()
    settings = Settings(comparison={"covariates": ["serum_mg"]})
    row = relate_covariates(table, nights=nights, settings=settings).iloc[0]
    logs, mg = wide(table), nights.groupby("subject")["serum_mg"].first()
    slope = stats.linregress(mg, logs["ketamine"] - logs["baseline"])
    assert row["estimate"] == pytest.approx(slope.slope, abs=TO)
