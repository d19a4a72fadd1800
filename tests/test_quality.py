"""The verdict on a night follows its stated limits, and each contrast carries that of its nights."""

import pandas as pd
import pytest

from swa.comparison.contrasts import compare_nights
from swa.measures.quality import judge_night


def summary(shares=(0.01, 0.02), nrem_min=200.0, confidence=0.9):
    return {
        "unusable_nrem_share": {f"C{i}": {"any": share, "muscle": share} for i, share in enumerate(shares)},
        "statistics": {"N2": nrem_min / 2, "N3": nrem_min / 2},
        "staging_confidence": confidence,
    }


def test_a_clean_night_is_sound_without_reasons():
    assert judge_night(summary(), 0.5) == ("sound", ())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"shares": (0.3, 0.0)}, "C0: 30% of NREM unusable"),
        ({"shares": (0.6, 0.0)}, "left out"),
        ({"nrem_min": 40.0}, "40 min of NREM"),
        ({"confidence": 0.6}, "0.60"),
    ],
)
def test_each_limit_gives_caution_with_its_reason(change, reason):
    verdict, reasons = judge_night(summary(**change), 0.5)
    assert verdict == "caution"
    assert len(reasons) == 1
    assert reason in reasons[0]


def test_a_scored_night_has_no_confidence_and_no_caution_for_it():
    assert judge_night(summary(confidence=None), 0.5)[0] == "sound"


def test_a_night_without_a_good_channel_is_unusable():
    assert judge_night(summary(shares=(0.6, 0.9)), 0.5)[0] == "unusable"


def test_a_contrast_carries_the_verdict_of_its_nights():
    rows = [
        (subject, condition, condition, "C4-M1", "NREM", "night", "swa", "", value, "µV²", 10, "")
        for subject in ("A", "B")
        for condition, value in (("baseline", 100.0), ("ketamine", 120.0), ("magnesium", 110.0))
    ]
    columns = ["subject", "session", "condition", "channel", "stages", "window", "measure", "variant"]
    measures = pd.DataFrame(rows, columns=[*columns, "value", "unit", "n", "note"])
    nights = measures[["subject", "session", "condition"]].assign(status="done", verdict="sound", verdict_reasons="")
    nights.loc[1, ["verdict", "verdict_reasons"]] = ["caution", "40 min of NREM, fewer than 60"]
    found = compare_nights(measures, nights=nights).set_index(["contrast", "subject"])
    assert found.loc[("ketamine:baseline", "A"), "verdict"] == "caution"
    assert found.loc[("ketamine:baseline", "A"), "verdict_reasons"] == "ketamine: 40 min of NREM, fewer than 60"
    assert found.loc[("ketamine:baseline", "group"), "verdict"] == "caution"
    assert found.loc[("ketamine:baseline", "B"), "verdict"] == "sound"
    assert (found.loc["magnesium:baseline", "verdict"] == "sound").all()
