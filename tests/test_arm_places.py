"""Arms whose nights came at other places: what a first night does is no drug."""

import numpy as np
import pandas as pd
import pytest

from swa.comparison.contrasts import compare_nights


def difference(baselines, n=12, order=True, extra=None):
    """Row of ketamine against placebo; `baselines` nights before it in each arm, the first 0.3 ln lower, no drug."""
    rng, rows = np.random.default_rng(3), []
    for number in range(2 * n):
        arm, before = (("ketamine", "placebo")[number % 2], baselines[number % 2])
        before += number == extra
        for place in range(1, before + 2):
            condition = "baseline" if place <= before else arm
            rows.append((f"P{number:02d}", f"n{place}", condition, arm, place))
    nights = pd.DataFrame(rows, columns=["subject", "session", "condition", "arm", "order"])
    level = nights["subject"].map({name: rng.normal(5, 0.3) for name in nights["subject"].unique()})
    ln = level + rng.normal(0, 0.2, len(nights)) - 0.3 * (nights["order"] == 1)
    where = {"channel": "C4-M1", "stages": "NREM", "window": "cycle-1", "measure": "swa", "variant": "", "unit": "µV²"}
    table = nights[["subject", "session", "condition"]].assign(**where, value=np.exp(ln), n=1, note="")
    found = compare_nights(table, "baseline", nights=nights if order else nights.drop(columns="order"))
    (row,) = found[(found["subject"] == "group") & found["first"].ne("")].to_dict("records")
    return row


@pytest.mark.parametrize("order", [True, False])
@pytest.mark.parametrize("baselines", [(2, 1), (1, 3)])
def test_arms_with_other_numbers_of_baseline_nights_have_unequal_orders(baselines, order):
    row = difference(baselines, order=order)
    assert "unequal orders" in row["design_limit"]
    means = [(n + 1) / 2 for n in baselines]
    assert (
        f"baseline nights came at place {means[0]:.1f} on average in ketamine, {means[1]:.1f} in placebo" in row["note"]
    )
    assert f"those after at {baselines[0] + 1:.1f} and {baselines[1] + 1:.1f}" in row["note"]


@pytest.mark.parametrize("extra", [None, 3])
def test_arms_with_like_nights_have_no_such_limit_nor_for_one_more_night_of_one_subject(extra):
    row = difference((2, 2), extra=extra)
    assert "unequal orders" not in row["design_limit"]
    assert "came at place" not in row["note"]
