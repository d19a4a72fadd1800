"""Studies in which each subject had one treatment, without a column that says so."""

import datetime

import numpy as np
import pandas as pd
import pytest

from swa.comparison.contrasts import compare_nights
from swa.comparison.designs.statement import design_statement
from swa.settings import Settings
from swa.study.plan.manifest import plan_study
from swa.tables.contrast import GROUP
from swa.tables.marker import select


@pytest.fixture
def plan_nights(write_edf, tmp_path):
    """Plan nights, of cells by column; recordings are written without telling dates."""

    def plan(nights):
        for number, night in enumerate(nights):
            night["recording"] = f"{number:03d}.edf"
            samples = {"C4-M1": np.arange(600.0) % (50 + number)}
            write_edf(tmp_path / night["recording"], samples, start=datetime.datetime(1985, 1, 1))
        pd.DataFrame(nights).to_csv(tmp_path / "study.tsv", sep="\t", index=False)
        return plan_study(tmp_path, None, Settings())

    return plan


def two_arms(before="baseline", treatments=("ketamine", "placebo"), subjects=6, **columns):
    """Two nights of each subject, the second with its own treatment; `columns` have a cell for each of the two."""
    return [
        {
            "subject": f"P{number:02d}",
            "condition": given if after or before == "the drug" else before,
            **{name: cells[after] for name, cells in columns.items()},
        }
        for number in range(subjects)
        for given in [treatments[number % len(treatments)]]
        for after in (False, True)
    ]


def compared(nights):
    """Rows over subjects of a study in which ketamine raises slow-wave activity by half."""
    rng = np.random.default_rng(2)
    level = nights.groupby("subject")["subject"].transform(lambda own: rng.normal(5, 0.3))
    ln = level + rng.normal(0, 0.05, len(nights)) + 0.4 * (nights["condition"] == "ketamine")
    place = {
        "channel": "frontal",
        "stages": "NREM",
        "window": "cycle-1",
        "measure": "swa",
        "variant": "",
        "unit": "µV²",
    }
    table = nights[["subject", "session", "condition"]].assign(**place, value=np.exp(ln), n=1, note="")
    return select(compare_nights(table, nights=nights), subject=GROUP).set_index("contrast")


class TestOneTreatmentEach:
    @pytest.mark.parametrize("told", [{"order": (1, 2)}, {"period": (1, 1)}, {}])
    def test_nights_before_it_are_the_baseline_and_the_arms_are_compared(self, plan_nights, told):
        study = plan_nights(two_arms("the drug", phase=("Pre", "Post"), **told))
        nights = study.nights
        assert (
            nights.groupby("subject")["condition"].agg(list).tolist()
            == [["baseline", "ketamine"], ["baseline", "placebo"]] * 3
        )
        assert nights.groupby("subject")["order"].agg(list).tolist() == [[1, 2]] * 6
        assert nights["session"].tolist() == nights["condition"].tolist()
        assert nights["arm"].tolist() == [name for name in ("ketamine", "placebo") for _ in "12"] * 3
        (note,) = [note for note in study.notes if "phase pre are its baseline nights" in note]
        assert note.startswith("rows 2, 4, 6")
        rows = compared(nights)
        assert rows.loc["ketamine:placebo", "p"] < 0.01
        assert rows.loc["ketamine:placebo", "estimate"] == pytest.approx(np.exp(0.4), rel=0.1)
        assert rows.loc[["ketamine:baseline", "placebo:baseline"], "p"].isna().all()
        assert "unknown order" not in " ".join(rows["design_limit"])

    def test_one_treatment_of_all_is_compared_with_the_nights_before_it(self, plan_nights):
        study = plan_nights(two_arms("the drug", ("ketamine",), phase=("pre", "post")))
        assert "arm" not in study.nights
        row = compared(study.nights).loc["ketamine:baseline"]
        assert row["p"] < 0.05
        assert row["design_limit"] == "no control"

    def test_conditions_alone_make_arms(self, plan_nights):
        study = plan_nights(two_arms(order=(1, 2)))
        (note,) = [note for note in study.notes if note.startswith("parallel arms by what each subject had")]
        assert "ketamine 3 subjects, placebo 3 subjects" in note
        assert compared(study.nights).loc["ketamine:placebo", "p"] < 0.05
        assert "Subjects were in parallel arms (ketamine, placebo)" in design_statement(study.nights, "baseline")


class TestLeftAsItIs:
    def test_a_crossover_with_nights_before_each_infusion(self, plan_nights):
        nights = [
            {"subject": f"P{i}", "condition": name, "phase": phase, "period": 1 + (place ^ i % 2)}
            for i in range(6)
            for place, name in enumerate(("ketamine", "placebo"))
            for phase in ("pre", "post")
        ]
        study = plan_nights(nights)
        assert sorted(set(study.nights["condition"])) == ["ketamine", "placebo"]
        assert "arm" not in study.nights

    @pytest.mark.parametrize(
        "nights",
        [
            two_arms(treatments=("ketamine", "magnesium")),  # no control: each for itself
            two_arms("placebo", ("ketamine", "magnesium")),  # each against its own control
            two_arms(subjects=4),
            two_arms(group=("patients", "controls")),
            [*two_arms(), {"subject": "P00", "condition": "placebo"}],  # a crossover of which nights are missing
        ],
    )
    def test_what_may_be_no_arms(self, plan_nights, nights):
        assert "arm" not in plan_nights(nights).nights

    def test_arms_that_are_written(self, plan_nights):
        nights = two_arms(arm=("", ""))
        for night in nights[:2]:
            night["arm"] = "A"
        assert set(plan_nights(nights).nights["arm"]) == {"A", ""}
