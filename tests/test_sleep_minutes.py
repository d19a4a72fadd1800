"""N3 minutes of old people: no false alarms where many nights have none, and what Held's crossover reads as."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from swa.comparison.headline import adjust_leading
from swa.report.leading_rows import Headline
from swa.report.words.sentences import group_answer
from swa.settings import Settings
from swa.tables.contrast import contrasts_of
from swa.tables.marker import Marker
from swa.tables.notes import MEDIAN_DIFFERENCE
from swa.tables.reason import decode


@pytest.fixture(scope="module")
def benchmark():
    path = Path(__file__).parents[1] / "benchmarks" / "calibration_sleep_minutes.py"
    if not path.is_file():
        pytest.skip("needs the source tree")
    spec = importlib.util.spec_from_file_location("calibration_sleep_minutes", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_many_nights_without_n3_make_no_false_alarms(benchmark):
    rates = benchmark.cell(np.random.default_rng(2), 12, 0.4, 300)
    assert rates["zero nights"] == pytest.approx(0.42, abs=0.05)
    assert rates["SD"] == pytest.approx(15, abs=2)
    assert max(rates["mean found"], 1 - rates["median covered"], rates["crossover found"]) < 0.09


def test_helds_crossover_reads_as_a_difference_in_minutes_with_its_interval_and_its_median(benchmark):
    nights, table, row = benchmark.held(np.random.default_rng(41))
    wide = table.pivot(index="subject", columns="condition", values="value")
    change = wide["magnesium"] - wide["placebo"]
    first = nights[nights["period"] == 1].set_index("subject")["condition"]
    by_order = [change[first == name].mean() for name in ("placebo", "magnesium")]
    assert row["estimate"] == pytest.approx(np.mean(by_order))
    assert (row["scale"], row["n"], row["role"]) == ("difference", 12, "primary")
    assert row["method"].startswith("Hills-Armitage")
    assert row["ci_low"] < row["estimate"] < row["ci_high"]
    median = MEDIAN_DIFFERENCE.among(decode(row["reasons"]))
    assert median.values["low"] <= np.median(change) <= median.values["high"]
    headline = Headline(marker=Marker("n3_minutes", "any", "night", "all"), declared=True, members=())
    (_, row), *_ = adjust_leading(row.to_frame().T.infer_objects()).iterrows()
    answer = group_answer(row, contrasts_of(row.to_frame().T)[0], headline, Settings())
    assert answer.effect == f"+{row['estimate']:.3g} min"
    assert answer.numbers[0].startswith("95\u00a0% interval")
    assert f"on average {row['estimate']:.3g} min higher" in answer.sentence
    assert " at all " not in answer.sentence
