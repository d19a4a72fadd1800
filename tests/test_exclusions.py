"""One of several nights that is left out by hand: chosen by its value, it makes a result, and so it is told."""

import numpy as np
import pandas as pd
import pytest

from swa.comparison.compared_nights import night_places, night_sequence
from swa.comparison.contrasts import compare_nights, state_designs
from swa.report.leading_rows import Headline
from swa.report.words.sentences import group_answer
from swa.settings import Settings
from swa.tables.contrast import GROUP, contrasts_of
from swa.tables.marker import Marker, select

PLACE = {"stages": "NREM", "window": "night", "measure": "swa", "variant": "", "unit": "µV²", "n": 1, "note": ""}


def crossover(subjects: int, placebo: int, drug: int) -> pd.DataFrame:
    rows = []
    for i in range(subjects):
        nights = ["placebo"] * placebo, ["ketamine"] * drug
        order = [*nights[i % 2], *nights[1 - i % 2]]
        rows += [
            {"subject": f"s{i:02d}", "session": f"n{place}", "condition": name, "order": place, "status": "done"}
            for place, name in enumerate(order, 1)
        ]
    return pd.DataFrame(rows)


def lowest(nights: pd.DataFrame, values: np.ndarray, condition: str, number: int) -> pd.Series:
    """The lowest night of a condition of each of the first subjects."""
    own = nights.assign(value=values)[nights["condition"] == condition]
    first = list(nights["subject"].unique())[:number]
    return nights.index.isin(own[own["subject"].isin(first)].groupby("subject")["value"].idxmin())


def compared(nights: pd.DataFrame, values: np.ndarray):
    """The row over subjects, and its card."""
    table = nights[["subject", "session", "condition"]].assign(channel="Fz", value=np.exp(values), **PLACE)
    if "status" in nights:
        table = table[(nights["status"] == "done").to_numpy()]
    row = select(compare_nights(table, "placebo", nights=nights), subject=GROUP)
    headline = Headline(marker=Marker("swa", "NREM", "night", "Fz"), declared=True)
    (contrast,) = contrasts_of(row)
    row = row.assign(n_tests=1).iloc[0]
    return row, group_answer(row, contrast, headline, Settings())


@pytest.mark.parametrize(("number", "limit"), [(12, True), (6, True), (2, True), (1, False), (0, False)])
def test_excluded_nights_of_those_who_stay_in_stand_beside_the_number(number, limit):
    """The lower of two drug nights of all excluded: a rise was told in 35 of 100 studies without one, and no word."""
    nights = crossover(12, 2, 2)
    values = np.random.default_rng(1).normal(5, 0.3, len(nights))
    nights.loc[lowest(nights, values, "ketamine", number), "status"] = "excluded"
    row, card = compared(nights, values)
    said = f"{number} ketamine, of {number} of 12 subjects"
    assert ("nights left out" in row["design_limit"]) == limit
    assert (said in card.limit) == limit
    assert (said in card.sentence) == limit
    assert (said in row["note"]) == bool(number)
    assert (said in " ".join(state_designs(nights))) == bool(number)


@pytest.mark.parametrize(("chosen", "limit"), [("by value", True), ("first", False), ("place", False)])
def test_adaptation_nights_that_come_first_or_have_a_place_of_their_own_are_no_exclusion(chosen, limit):
    """The higher of two placebo nights called adaptation: a rise was told in 20 of 100 studies without one."""
    nights = crossover(12, 2, 2)
    values = np.random.default_rng(2).normal(5, 0.3, len(nights))
    called = {
        "by value": lowest(nights, -values, "placebo", 12),
        "first": nights["order"] == 1,
        "place": nights["order"].isin([1, 3]),
    }[chosen]
    row, _ = compared(nights.assign(adaptation=np.where(called, "yes", "")), values)
    assert ("nights left out" in row["design_limit"]) == limit


def test_excluded_nights_of_both_sides_do_not_cancel():
    nights = crossover(20, 3, 3)
    values = np.random.default_rng(3).normal(5, 0.3, len(nights))
    out = lowest(nights, values, "ketamine", 6) | lowest(nights, -values, "placebo", 6)
    nights.loc[out, "status"] = "excluded"
    row, card = compared(nights, values)
    assert "nights left out" in row["design_limit"]
    assert "6 ketamine and 6 placebo, of 6 of 20 subjects" in card.limit


def test_a_subject_who_loses_all_nights_of_a_condition_does_not_stay_in():
    nights = crossover(12, 1, 1)
    nights.loc[(nights["condition"] == "ketamine") & (nights["subject"] < "s03"), "status"] = "excluded"
    row, _ = compared(nights, np.random.default_rng(4).normal(5, 0.3, len(nights)))
    assert row["design_limit"] == "unequal loss"


def test_excluded_nights_of_one_arm_stand_beside_the_difference():
    nights = pd.DataFrame(
        {
            "subject": f"{arm}{i}",
            "session": f"n{place}",
            "condition": name,
            "arm": arm,
            "order": place,
            "status": "done",
        }
        for arm in ("ketamine", "placebo")
        for i in range(8)
        for place, name in enumerate(("baseline", arm, arm))
    )
    values = np.random.default_rng(5).normal(5, 0.3, len(nights))
    own = lowest(nights, values, "ketamine", 4)
    nights.loc[own, "status"] = "excluded"
    table = nights[["subject", "session", "condition"]].assign(channel="Fz", value=np.exp(values), **PLACE)
    rows = select(compare_nights(table[~own], "baseline", nights=nights), subject=GROUP)
    (between,) = (row for _, row in rows.iterrows() if row["first"])
    assert "nights left out" in between["design_limit"]
    assert "4 ketamine, of 4 of 16 subjects" in between["note"]


def test_places_of_a_design_and_the_sequence_of_nights_differ_where_a_period_has_several():
    nights = pd.DataFrame({"period": [1, 1, 2, None, 2], "order": [1, 2, 3, 4, None]})
    assert night_places(nights).tolist() == [1, 1, 2, 4, 2]
    assert night_sequence(nights).tolist() == [1, 2, 3, 4, 2]
    assert night_places(nights[[]]).isna().all()
