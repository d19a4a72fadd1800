"""Condition x cycle: an effect of cycle 1 alone is found there, reported absent later, and told from a general one."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from swa.comparison.contrasts import compare_nights
from swa.comparison.further.cycle_contrasts import compare_cycles
from swa.report.leading_rows import find_headline
from swa.report.study_page import _answers
from swa.settings import Settings
from swa.study.store import read_results
from swa.tables.files import write_table
from swa.tables.marker import Marker
from swa.tables.results_tables import CYCLE_CONTRASTS

EARLY = {"cycle-1": 1.5, "cycle-2": 1.0, "cycle-3": 1.0, "cycle-4": 1.0, "matched": 1.5, "night": 1.15}


def study(effects, *, subjects=12, seed=4, noise=0.1):
    """SWA of each window; a night has a level of its own, and a spread of each window."""
    rng = np.random.default_rng(seed)
    rows = []
    for subject in range(subjects):
        level = 500 * np.exp(0.4 * rng.standard_normal())
        for condition in ("baseline", "ketamine"):
            night = level * np.exp(noise * rng.standard_normal())
            for place, (window, effect) in enumerate(effects.items()):
                value = night * (effect if condition == "ketamine" else 1) * np.exp(noise * rng.standard_normal())
                rows.append((f"{subject:02d}", condition, condition, window, value * np.exp(-0.3 * place)))
    table = pd.DataFrame(rows, columns=["subject", "session", "condition", "window", "value"])
    return table.assign(channel="frontal", stages="NREM", measure="swa", variant="", unit="uV2", note="")


def group(table):
    rows = table[table["subject"] == "group"] if "subject" in table else table
    return rows.set_index("window" if "window" in rows else "cycles")


def test_an_effect_of_cycle_1_alone(tmp_path, make_draft):
    settings = Settings(comparison={"primary": "swa NREM cycle-1 frontal"})
    nights = study(EARLY)
    contrasts = compare_nights(nights, "baseline", settings=settings)
    rows = group(contrasts)
    for window in ("cycle-1", "matched"):
        assert rows.loc[window, "p"] < 0.01
        assert rows.loc[window, "ci_low"] < 1.5 < rows.loc[window, "ci_high"]
    for window in ("cycle-2", "cycle-3", "cycle-4"):
        assert rows.loc[window, "p"] > 0.05
        assert rows.loc[window, "ci_low"] < 1 < rows.loc[window, "ci_high"]
    assert rows["role"].to_dict() | {"cycle-1": "primary"} == rows["role"].to_dict()
    cycles = compare_cycles(nights, "baseline", settings=settings)
    assert list(cycles.columns) == CYCLE_CONTRASTS.names
    both = group(cycles).loc["1 against 2 and 3"]
    assert both["p"] < 0.01
    assert both["ci_low"] < 1.5 < both["ci_high"]
    # The page leads with what was declared, whatever else there is.
    own = contrasts[contrasts["subject"] == "group"]
    headline = find_headline(Marker("swa", "NREM", "cycle-1", "frontal"), own)
    assert (headline.declared, headline.marker.window) == (True, "cycle-1")
    lead = _answers(make_draft(tmp_path, own, settings=settings, declared=True))["answers"]
    assert f"{100 * (rows.loc['cycle-1', 'estimate'] - 1):.1f}" in lead[0].effect


def test_an_effect_of_every_cycle_is_no_difference_between_cycles():
    cycles = compare_cycles(study(dict.fromkeys(EARLY, 1.5)), "baseline")
    assert (cycles["p"] > 0.05).all()
    assert ((cycles["ci_low"] < 1) & (cycles["ci_high"] > 1)).all()


def test_ratio_of_ratios_and_a_night_without_the_cycle():
    nights = study(EARLY, noise=0.0)
    lacking = (nights["subject"] == "00") & (nights["window"] == "cycle-3") & (nights["condition"] == "ketamine")
    cycles = group(compare_cycles(nights[~lacking], "baseline"))
    assert cycles["estimate"].to_numpy() == pytest.approx(1.5)
    assert cycles["n"].to_dict() == {"1 against 2": 12, "1 against 2 and 3": 11, "1 against 3": 11}


def test_null_studies_hold_their_level():
    """200 studies of 8 subjects at once, each in the place of a channel."""
    effects = dict.fromkeys(EARLY, 1.3)
    nights = [study(effects, subjects=8, seed=seed).assign(channel=f"study {seed}") for seed in range(200)]
    cycles = compare_cycles(pd.concat(nights, ignore_index=True), "baseline")
    false = (cycles.loc[cycles["cycles"] == "1 against 2 and 3", "p"] < 0.05).sum()
    assert 1 <= false <= 20  # 99.9 % of binomial(200, 0.047)


def test_from_a_list_of_nights(night):
    """Two nights of two subjects, one the other: nothing changes, least of all between cycles."""
    nights = [
        dataclasses.replace(night, subject=subject, condition=condition, session=condition)
        for subject in ("S01", "S02")
        for condition in ("baseline", "ketamine")
    ]
    cycles = compare_cycles(nights, "baseline")
    assert set(cycles["cycles"]) == {"1 against 2", "1 against 3", "1 against 2 and 3"}
    assert (cycles.loc[cycles["n"] == 2, "estimate"] == 1).all()
    assert (cycles["n"] == 2).any()


def test_from_a_results_folder(tmp_path):
    nights = study(EARLY, noise=0.01)
    nights.loc[nights["window"] == "cycle-4", "value"] = np.nan
    nights.to_parquet(tmp_path / "measures.parquet")
    named = nights[["subject", "session", "condition"]].drop_duplicates().assign(status="done")
    write_table(named.assign(primary="swa NREM cycle-1 frontal"), tmp_path / "nights.tsv")
    cycles = group(compare_cycles(read_results(tmp_path), "baseline"))
    assert cycles["estimate"].to_numpy() == pytest.approx(1.5, rel=0.05)
    assert (cycles["n"] == 12).all()


def test_of_nights_in_memory_as_of_their_long_table():
    table = study(EARLY)
    expected = compare_cycles(table, "baseline")
    nights = [
        SimpleNamespace(subject=subject, session=session, condition=session, measures=rows.drop(columns="condition"))
        for (subject, session), rows in table.groupby(["subject", "session"])
    ]
    pd.testing.assert_frame_equal(compare_cycles(nights, "baseline"), expected)
