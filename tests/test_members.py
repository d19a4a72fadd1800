"""Arms of a study file: one cell of it never makes another study of them without a word."""

import numpy as np
import pandas as pd
import pytest

from swa.comparison.contrasts import compare_nights, state_designs
from swa.comparison.designs.statement import design_statement
from swa.tables.contrast import GROUP
from swa.tables.control_names import is_control
from swa.tables.marker import select

DRUGS = ("ketamine", "placebo")


def arms(each=4, *, named="treatment", **columns):
    """Nights of two arms, baseline first: `named` is what each had then, empty the name of the arm."""
    return pd.DataFrame(
        {"subject": f"{arm}{i}", "session": f"n{k + 1}", "condition": condition, "arm": arm}
        | dict.fromkeys(columns.get("counted", ("order",)), k + 1)
        for arm in DRUGS
        for i in range(each)
        for k, condition in enumerate(("baseline", named or arm))
    )


def values(nights, rise=0.3):
    rng = np.random.default_rng(5)
    ln = rng.normal(5, 0.1, len(nights)) + rise * (nights["condition"] != "baseline")
    facts = {
        "channel": "F3",
        "stages": "NREM",
        "window": "night",
        "measure": "swa",
        "variant": "",
        "unit": "µV²",
        "n": 1,
    }
    return nights[["subject", "session", "condition"]].assign(value=np.exp(ln), note="", **facts)


def between(nights):
    rows = select(compare_nights(values(nights), "baseline", nights=nights), subject=GROUP)
    return rows[rows["first"] != ""], rows[rows["first"] == ""]


def one_stray_period():
    nights = arms(named="")
    return nights.assign(period=["1", *[""] * (len(nights) - 1)])


def one_wrong_period():
    nights = arms(each=3, counted=("order", "period"))
    return nights.assign(period=[2, 1, *nights["period"][2:]])


def one_wrong_arm():
    nights = arms(each=6)
    return nights.assign(arm=[nights["arm"][0], "placebo", *nights["arm"][2:]])


def one_spelling_of_its_own():
    nights = arms()
    return nights.assign(arm=[" Ketamine ", *nights["arm"][1:]])


@pytest.mark.parametrize(
    "nights",
    [
        arms(),
        arms(counted=("period",)),
        arms(named="", counted=("period",)),
        one_stray_period(),
        one_wrong_period(),
        one_wrong_arm(),
        one_spelling_of_its_own(),
    ],
    ids=["order", "period", "by arm", "stray period", "wrong period", "wrong arm", "spelling"],
)
def test_subjects_of_two_arms_are_never_taken_together(nights):
    """A first-night effect that both arms share was +20.6 % of treatment, p 0.002, where one cell held a period."""
    contrasts, within = between(nights)
    assert len(contrasts)
    assert set(contrasts["first"]) | set(contrasts["second"]) == set(DRUGS)
    assert within["p"].isna().all()
    assert "parallel arms (ketamine, placebo)" in design_statement(nights, "baseline")


def test_a_subject_of_two_arms_is_in_none_and_is_named():
    nights = one_wrong_arm()
    contrasts, _ = between(nights)
    assert contrasts["n"].tolist() == [11]
    said = "In no arm, since column arm differs between their nights: ketamine0 (ketamine and placebo)."
    assert said in design_statement(nights, "baseline")
    assert said in state_designs(nights)


def crossover(arm):
    """Six subjects, half of them with the placebo first."""
    return pd.DataFrame(
        {"subject": f"s{i}", "session": drug, "condition": drug, "arm": arm(i, drug), "period": 1 + (k + i) % 2}
        for i in range(6)
        for k, drug in enumerate(DRUGS)
    )


@pytest.mark.parametrize(
    ("nights", "why"),
    [
        (
            crossover(lambda i, _: "AB" if i % 2 else "BA"),
            "subjects had the conditions in both orders of column period",
        ),
        (crossover(lambda _, drug: drug), "it differs between the nights of 6 of 6 subjects"),
    ],
    ids=["orders", "treatments"],
)
def test_arms_of_a_crossover_are_told_not_to_be_used(nights, why):
    rows = compare_nights(values(nights), "placebo", nights=nights)
    (group,) = (row for _, row in select(rows, subject=GROUP).iterrows())
    assert "Hills-Armitage" in group["method"]
    said = design_statement(nights, "placebo")
    assert f"Column arm is not used: {why}" in said
    assert "parallel arms" not in said


@pytest.mark.parametrize(
    ("name", "control"),
    [
        ("ketamine in saline", False),
        ("Ketamin in Kochsalz und Placebo", False),
        ("ketamine and placebo", False),
        ("ketamine/placebo", False),
        ("drug vs placebo", False),
        ("Mg with saline", False),
        ("placebo in saline", True),
        ("saline in bag", True),
        ("placebo/sham", True),
        ("oral placebo", True),
        ("night after placebo", True),
    ],
)
def test_what_a_drug_is_given_in_makes_it_no_control(name, control):
    assert is_control(name) == control
