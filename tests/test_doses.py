"""Change against nights since the dose and against infusions: known fade-outs, like compared with like, trends."""

import datetime
import math

import numpy as np
import pandas as pd
import pytest

from swa.comparison.contrasts import state_designs
from swa.comparison.further.dose_contrasts import compare_doses
from swa.settings import Settings
from swa.study.infusions import dose_columns, number_doses, undosed_clocks, undosed_offset_s
from swa.tables.results_tables import DOSE_CONTRASTS


@pytest.mark.parametrize(
    ("dose", "start", "night"),
    [
        ("2024-03-02T10:00:00", "2024-03-02T23:10:00", 1),  # the morning before
        ("2024-03-02T10:00:00", "2024-03-03T00:40:00", 1),  # to bed after midnight
        ("2024-03-02T10:00:00", "2024-03-04T22:00:00", 3),
        ("2024-03-02T22:30:00", "2024-03-03T22:10:00", 2),  # 23 h 40 min, and yet the second night
        ("2024-03-03T01:00:00", "2024-03-02T23:00:00", 1),  # given during the night
        ("2024-03-02T10:00:00", "2024-03-01T23:00:00", math.nan),  # the night before
        ("2024-03-02T10:00:00", "1985-01-01T22:00:00", math.nan),  # a hidden date
        ("", "2024-03-02T23:10:00", math.nan),
        ("2024-03-02T10:00:00", None, math.nan),
    ],
)
def test_which_night_since_the_dose(dose, start, night):
    nights = pd.DataFrame({"subject": ["S1"], "condition": ["ketamine"], "dose_start": [dose]})
    table = number_doses(nights, [start])
    assert table["nights_since_dose"].tolist() == pytest.approx([night], nan_ok=True)


def test_infusions_are_numbered_by_subject_and_condition():
    doses = ["", "2024-03-09T10:00:00", "2024-03-02T10:00:00", "2024-03-09T10:00:00", "2024-03-05T10:00:00"]
    nights = pd.DataFrame(
        {"subject": ["S1"] * 4 + ["S2"], "condition": ["pre"] + ["ketamine"] * 4, "dose_start": doses}
    )
    starts = {i: {"recording_start": f"2024-03-1{i}T23:00:00"} for i in range(5)}
    table = dose_columns(nights, starts)
    assert table["infusion"].tolist() == pytest.approx([math.nan, 2, 1, 2, 1], nan_ok=True)
    own = dose_columns(nights.assign(nights_since_dose=1), starts)  # what the study file says is kept
    assert list(own.columns) == ["infusion"]
    assert dose_columns(nights.assign(dose_start=""), starts).empty


def make_study(subjects, *, fade=0.5, growth=1.0, placebo=False, noise=0.0, seed=1):
    """Two baseline nights, and three nights after each of two infusions: ln 1.5 * fade^(night - 1) * growth^(n - 1)."""
    rng = np.random.default_rng(seed)
    nights, rows = [], []
    for number in range(subjects):
        subject, level = f"S{number:02d}", rng.normal(5, 0.4)
        plan = [("baseline", f"baseline{k}", math.nan, math.nan, 0.0) for k in (1, 2)]
        for drug in ("ketamine", "placebo") if placebo else ("ketamine",):
            for infusion in (1, 2):
                for night in (1, 2, 3):
                    effect = math.log(1.5) * fade ** (night - 1) * growth ** (infusion - 1) * (drug == "ketamine")
                    plan.append((drug, f"{drug}{infusion}{night}", infusion, night, effect))
        for order, (condition, session, infusion, night, effect) in enumerate(plan, start=1):
            nights.append((subject, session, condition, "done", order, infusion, night))
            value = math.exp(level + effect + 0.03 * night * placebo * (night == night) + noise * rng.standard_normal())
            value = value if value == value else math.exp(level + noise * rng.standard_normal())
            rows.append((subject, session, condition, "frontal", "NREM", "cycle-1", "swa", "", value, "µV²", 1, ""))
    columns = ["subject", "session", "condition", "status", "order", "infusion", "nights_since_dose"]
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
    return pd.DataFrame(rows, columns=[*keys, "note"]), pd.DataFrame(nights, columns=columns)


def test_each_night_has_its_own_change_and_trends_are_those_that_were_made():
    table, nights = make_study(8, noise=1e-4)
    found = compare_doses(table, nights=nights)
    assert list(found.columns) == DOSE_CONTRASTS.names
    group = found[found["subject"] == "group"].set_index("term")
    for infusion in (1, 2):
        for night, ratio in ((1, 1.5), (2, 1.5**0.5), (3, 1.5**0.25)):
            row = group.loc[f"infusion {infusion}, night {night}"]
            assert row["estimate"] == pytest.approx(ratio, rel=1e-3)
            assert (row["infusion"], row["night"], row["n"]) == (infusion, night, 8)
    ln = math.log(1.5) * np.array([1, 0.5, 0.25])
    assert math.log(group.loc["per night since the dose", "estimate"]) == pytest.approx((ln[2] - ln[0]) / 2, abs=1e-3)
    assert group.loc["per night since the dose", "p"] == pytest.approx(2 / 2**8)
    assert group.loc["per infusion", "estimate"] == pytest.approx(1, abs=1e-3)
    assert (found["p_adjusted"].dropna() >= found["p"].dropna()).all()
    one = found[(found["subject"] == "S03") & (found["term"] == "per night since the dose")].iloc[0]
    assert one["ci_low"] < one["estimate"] < one["ci_high"]


def test_a_response_that_grows_with_the_infusions():
    table, nights = make_study(6, fade=1.0, growth=1.5, noise=1e-4)
    group = compare_doses(table, nights=nights).query("subject == 'group'").set_index("term")
    assert group.loc["per infusion", "estimate"] == pytest.approx(1.5**0.5, rel=1e-3)
    assert group.loc["per night since the dose", "estimate"] == pytest.approx(1, abs=1e-3)


def test_a_dosed_control_is_compared_night_by_night():
    """Both conditions drift by 3 % a night: against the same night of the control the drift is gone."""
    table, nights = make_study(6, fade=1.0, placebo=True, noise=1e-4)
    found = compare_doses(table, nights=nights, settings=Settings())
    trend = found[(found["subject"] == "group") & (found["term"] == "per night since the dose")].set_index("contrast")
    assert trend.loc["ketamine:baseline", "estimate"] == pytest.approx(math.exp(0.03), rel=2e-3)
    assert trend.loc["ketamine:placebo", "estimate"] == pytest.approx(1, abs=2e-3)


DRIFT = "a drift of the nights looks the same"


def test_a_trend_without_a_control_that_is_counted_the_same_way_says_what_it_may_be():
    table, nights = make_study(6, fade=1.0, placebo=True, noise=1e-4)
    nights.loc[nights["condition"] == "baseline", "condition"] = "screening"  # a name that has to be given
    table.loc[table["condition"] == "baseline", "condition"] = "screening"
    found = compare_doses(table, "screening", nights=nights)
    plain = found[found["contrast"] == "ketamine:screening"]
    assert plain["design_limit"].str.contains("no control").all()
    trends = found["term"].str.startswith("per ")
    assert (found["note"].str.contains(DRIFT) == trends & (found["contrast"] != "ketamine:placebo")).all()
    controlled = found[found["contrast"] == "ketamine:placebo"]
    assert not controlled["design_limit"].str.contains("no control").any()


def test_a_trend_against_control_nights_without_a_dose_has_one_order_and_a_control():
    table, nights = make_study(6, noise=1e-4)
    names = {"condition": {"baseline": "placebo"}}
    found = compare_doses(table.replace(names), nights=nights.replace(names))
    trends = found["term"].str.startswith("per ")
    assert found.loc[trends, "design_limit"].str.contains("one order").all()
    assert not found["design_limit"].str.contains("no control").any()
    assert (found["note"].str.contains(DRIFT) == trends).all()
    assert found.loc[trends, "note"].str.contains("without nights of a control condition counted the same way").all()


def test_the_trend_of_placebo_nights_is_not_said_to_lack_a_control():
    table, nights = make_study(6, fade=1.0, placebo=True, noise=1e-4)
    found = compare_doses(table, nights=nights)
    trends = found[found["term"].str.startswith("per ")].groupby("contrast")
    limits = {contrast: set(own["design_limit"]) for contrast, own in trends}
    assert limits["placebo:baseline"] == {"one order"}
    assert all("no control" in limit for limit in limits["ketamine:baseline"])
    assert not any("no control" in limit for limit in limits["ketamine:placebo"])
    placebo = trends.get_group("placebo:baseline")["note"]
    assert placebo.str.contains("nights since a dose come in one order: a drift of the nights looks the same").all()
    assert not placebo.str.contains("without nights of a control").any()


def counted_crossover(ketamine_first, placebo_first, *, nights=3, lower=(0.3, 0.1), noise=0.05, seed=3):
    """Nights since a dose of both conditions, the first ones of the study lower (ln), the drug without effect."""
    rng, rows = np.random.default_rng(seed), []
    for number in range(ketamine_first + placebo_first):
        order = ("ketamine", "placebo") if number < ketamine_first else ("placebo", "ketamine")
        plan = [(condition, night) for condition in order for night in range(1, nights + 1)]
        for place, (condition, night) in enumerate(plan, start=1):
            ln = 5 + noise * rng.standard_normal() - (lower[place - 1] if place <= len(lower) else 0)
            rows.append((f"S{number:02d}", f"{condition}{night}", condition, "done", place, 1, night, math.exp(ln)))
    columns = ["subject", "session", "condition", "status", "order", "infusion", "nights_since_dose", "value"]
    return as_measured(pd.DataFrame(rows, columns=columns))


def as_measured(nights):
    place = {"channel": "frontal", "stages": "NREM", "window": "cycle-1", "measure": "swa", "variant": ""}
    table = nights[["subject", "session", "condition", "value"]].assign(**place, unit="µV²", n=1, note="")
    return table, nights.drop(columns="value")


def trend_of(found, term="per night since the dose", contrast="ketamine:placebo"):
    return found[(found["subject"] == "group") & (found["term"] == term) & (found["contrast"] == contrast)].iloc[0]


def test_getting_used_to_the_laboratory_is_no_trend_of_a_crossover_with_unequal_orders():
    table, nights = counted_crossover(9, 3)
    row = trend_of(compare_doses(table, nights=nights))
    assert row["estimate"] == pytest.approx(1, abs=0.03)  # of the mean of all slopes 1.08
    assert row["p"] > 0.05
    assert "labels permuted" in row["method"]
    infusions = nights.assign(infusion=nights["nights_since_dose"], nights_since_dose=1)
    row = trend_of(compare_doses(table, nights=infusions), "per infusion")
    assert row["estimate"] == pytest.approx(1, abs=0.03)
    assert row["p"] > 0.05


def test_nights_in_several_orders_lose_what_their_places_add_to_the_slopes():
    """One subject's placebo nights around two of ketamine: no mirrored orders, each place is taken out by itself."""
    table, nights = counted_crossover(8, 4, nights=2, lower=(0.3, 0.1))
    own = nights["subject"].isin(["S00", "S01", "S09"])
    nights.loc[own, "order"] = nights.loc[own, "session"].map(
        {"placebo1": 1, "ketamine1": 2, "ketamine2": 3, "placebo2": 4}
    )
    ln = nights["order"].map({1: -0.3, 2: -0.1}).fillna(0) + np.random.default_rng(5).normal(0, 0.02, len(nights))
    row = trend_of(compare_doses(table.assign(value=np.exp(5 + ln)), nights=nights))
    assert row["method"].startswith("slopes: mixed model")
    assert row["estimate"] == pytest.approx(1, abs=0.03)
    assert row["p"] > 0.05


def test_a_trend_says_whose_nights_it_lacks():
    table, nights = counted_crossover(6, 6, nights=4, lower=())
    whole = trend_of(compare_doses(table, nights=nights))
    assert whole["design_limit"] == ""
    left = (nights["subject"] > "S05") & (nights["condition"] == "ketamine") & (nights["nights_since_dose"] > 2)
    found = compare_doses(table[~left], nights=nights[~left].reset_index(drop=True))
    row = trend_of(found)
    assert row["design_limit"] == "unequal loss"
    assert "6 of 12 subjects lack ketamine nights" in row["note"]
    own = found[(found["subject"] == "S00") & (found["term"] == row["term"])]
    assert own["design_limit"].tolist() == [""]


def test_a_trend_of_few_subjects_with_counted_control_nights_has_the_limits_of_their_nights():
    table, nights = counted_crossover(6, 6, lower=())
    uncounted = (nights["condition"] == "placebo") & (nights["subject"] > "S02")
    nights.loc[uncounted, ["infusion", "nights_since_dose"]] = math.nan
    row = trend_of(compare_doses(table, nights=nights))
    assert row["n"] == 3
    assert row["design_limit"] == "one order; unequal loss"
    assert "9 of 12 subjects lack placebo nights" in row["note"]


@pytest.mark.slow
@pytest.mark.long
def test_intervals_of_single_trends_cover_and_null_trends_are_not_found():
    """15 null studies of 6 subjects: SD between nights is that of the baseline pairs."""
    inside, total, false = 0, 0, 0
    for seed in range(15):
        table, nights = make_study(6, fade=1.0, noise=0.2, seed=seed)
        found = compare_doses(table, nights=nights)
        trends = found[found["term"] == "per night since the dose"]
        single, group = trends[trends["subject"] != "group"], trends[trends["subject"] == "group"]
        inside += int(((single["ci_low"] <= 1) & (single["ci_high"] >= 1)).sum())
        total += len(single)
        false += int((group["p"] <= 0.05).sum())
    assert inside / total >= 0.88  # of 90 slopes; those of a study share one SD
    assert false <= 4  # 99.9 % of binomial(15, 0.05)


def test_nothing_is_repeated():
    table, nights = make_study(6)
    once = nights[~nights["session"].str.contains("[1-2][23]$|21$")]
    assert compare_doses(table[table["session"].isin(once["session"])], nights=once).empty
    assert compare_doses(table, nights=nights.drop(columns=["infusion", "nights_since_dose"])).empty


def test_repeated_doses_are_said_with_the_design():
    _, nights = make_study(6)
    assert "each of 2 infusions" in state_designs(nights)[0]
    assert "nights 1, 2, 3 since the dose" in state_designs(nights)[0]


# --- hours of an undosed night --------------------------------------------------------------------------------------


def clocks(*rows):
    nights = pd.DataFrame(rows, columns=["subject", "dose_start"])
    return {i: f"{clock:%H:%M}" for i, clock in undosed_clocks(nights).items()}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("S01", ""), ("S01", "2024-03-01T10:40")], {0: "10:40"}),
        ([("S01", np.nan), ("S01", "22:30")], {0: "22:30"}),
        ([("S01", ""), ("S01", "2024-03-01T23:50"), ("S01", "2024-03-08T00:10")], {0: "00:00"}),
        ([("S01", ""), ("S01", "2024-03-01T10:00"), ("S01", "2024-03-08T14:00")], {}),  # no hour is the same for both
        ([("S01", ""), ("S02", ""), ("S02", "2024-03-01T09:00")], {0: "09:00", 1: "09:00"}),  # S01: an arm without
        ([("S01", ""), ("S01", "")], {}),
        ([("S01", ""), ("S01", "soon")], {}),
    ],
)
def test_an_undosed_night_has_the_clock_of_its_subjects_doses(rows, expected):
    assert clocks(*rows) == expected


def test_a_study_without_doses_has_no_such_clock():
    assert undosed_clocks(pd.DataFrame({"subject": ["S01"]})) == {}


@pytest.mark.parametrize(
    ("clock", "start", "hours"),
    [
        ("10:40", "2024-03-01T22:40", -12),
        ("10:40", "2024-03-02T00:40", -14),  # after midnight it is the night of the day before
        ("23:30", "2024-03-01T22:30", 1),
        ("02:00", "2024-03-01T23:00", 3),  # a dose by night
        ("02:00", "2024-03-02T01:00", 1),
    ],
)
def test_the_hours_of_an_undosed_night_begin_on_its_own_day(clock, start, hours):
    moment = datetime.datetime.fromisoformat(start)
    assert undosed_offset_s(datetime.time.fromisoformat(clock), moment) == hours * 3600
