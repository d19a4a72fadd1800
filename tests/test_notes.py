"""What rows of the contrasts say of themselves: reasons with values, and the same in words."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from swa.comparison.contrasts import compare_nights
from swa.report.words.numbers import NBSP, interval
from swa.tables import notes
from swa.tables.interval import Interval
from swa.tables.reason import Reason, decode, encode, known_kinds

PATH = Path(__file__).parents[1] / "benchmarks" / "calibration_designs.py"


def _benchmark():
    spec = importlib.util.spec_from_file_location("benchmark_calibration_designs_of_notes", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


BENCH = _benchmark()


@pytest.mark.parametrize("name", sorted(BENCH.DESIGNS))
def test_method_and_note_are_the_words_of_the_reasons(name):
    study = BENCH.DESIGNS[name][0](np.random.default_rng(1), 3)
    table = study.table(0.1)
    table.loc[::7, ["value", "note"]] = np.nan, "less than 1 min analysed; too loud"
    found = compare_nights(table, study.baseline, nights=study.nights)
    assert (found["reasons"] != "").all()
    for method, note, text in found[["method", "note", "reasons"]].itertuples(index=False):
        reasons = decode(text)
        assert notes.row_texts(reasons) == (method, note, text)


def test_facts_of_a_row_are_there_without_reading_its_words():
    study = BENCH.crossover(np.random.default_rng(1), 1, 5, 4)
    table = study.table(0.1)
    table.loc[0, ["value", "note"]] = np.nan, "no N2; electrode off"
    found = compare_nights(table, "placebo", nights=study.nights).set_index("subject")
    group = decode(found.loc["group", "reasons"])
    method = notes.LABELS_EXACT.among(group)
    assert (method.values["n_baseline_first"], method.values["n_treatment_first"]) == (4, 4)
    assert notes.WITHOUT_VALUE.among(group).values == {"n": 1}
    assert notes.CARRY_OVER_RATIO.among(group).values["low"] < 1
    assert [reason.kind.part for reason in group].count("method") == 1
    gap = notes.NOT_MEASURED.among(decode(found.loc["s00", "reasons"]))
    assert gap.values == {"condition": "placebo", "text": "no N2; electrode off"}


def test_subjects_left_out_are_one_part_of_the_note():
    reasons = [
        notes.NO_CHANGE(),
        notes.counted(notes.WITHOUT_NIGHT(condition="a; b"), 2),
        notes.counted(notes.WITHOUT_VALUE(), 1),
        notes.PERIOD_NOT_REMOVED(),
    ]
    assert notes.note_words(reasons) == (
        "no subject has a change; left out: 2 without a a; b night, 1 not measured; period effect not removed"
    )


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "paired t(3) = 2.00"),
        ({"p": 0.05}, "paired t(3) = 2.00, p 0.05"),
        ({"low": 1.0, "high": 2.0}, "paired t(3) = 2.00, 1 to 2"),
        ({"p": 0.05, "low": 1.0, "high": 2.0}, "paired t(3) = 2.00, p 0.05, 1 to 2"),
    ],
)
def test_what_stands_in_brackets_is_said_where_it_is_known(told, words):
    assert notes.PAIRED_T_IS(df=3, t=2.0, **told).words == words


def test_another_form_of_interval_is_one_line(monkeypatch):
    monkeypatch.setattr(Interval, "__format__", lambda ends, form: f"[{ends.low:{form}}; {ends.high:{form}}]")
    assert notes.PAIRED_T_IS(df=3, t=2.0, low=1.0, high=2.0).words == "paired t(3) = 2.00, [1; 2]"
    assert interval(1.05, 1.2, "ratio") == f"[+5.0{NBSP}%; +20.0{NBSP}%]"


def test_a_value_may_hold_brackets_and_braces():
    (reason,) = decode(encode([notes.NOT_MEASURED(condition="{drug} [low]", text="a [b] {c}")]))
    assert reason.words == "not measured in {drug} [low]: a [b] {c}"


def test_a_value_that_the_words_need_must_be_there():
    with pytest.raises(KeyError):
        _ = notes.NO_NIGHT().words


def test_every_kind_has_words_of_its_own():
    words = [kind.words for kind in known_kinds().values()]
    assert len(words) == len(set(words))
    assert Reason(code="paired_t").words == "paired t"


@pytest.mark.parametrize(
    ("tau", "asymptote", "said"),
    [
        (1.0, 2.9, "tells no other time constant from another asymptote"),
        (1.0, 3.1, "rather another time constant, which two of three such subjects tell rightly"),
        (1.0, -1.1, "rather another asymptote, which"),
    ],
)
def test_a_subject_hardly_tells_a_time_constant_from_an_asymptote(tau, asymptote, said):
    words = notes.course_words({"shared": 0.0, "tau": tau, "asymptote": asymptote})
    assert words.startswith("AICc over that of a shared time constant and asymptote: +1.0 with")
    assert said in words


def test_one_subject_is_not_one_subjects():
    reason = notes.FEW_IN_AN_ARM(first="ketamine", n_first=1, second="placebo", n_second=11)
    assert reason.words == "ketamine 1 subject, placebo 11: too few in an arm for a test"
    named = notes.NOT_POSITIVE(n=2, condition="drug 1")
    assert named.words == "2 with a zero or negative value in drug 1 nights", "a name that ends in 1 is no count"
