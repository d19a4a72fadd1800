"""The end-to-end benchmark in a short form: whole simulated nights of few subjects, without pages."""

import argparse
import importlib.util
import sys
from pathlib import Path

import pytest

from swa import pipeline, tables_of_study
from swa.tables.results_tables import SPECIFICATION_SUMMARY, SPECIFICATIONS

FILE = Path(__file__).parent.parent / "benchmarks" / "end_to_end.py"


@pytest.mark.slow
def test_a_known_effect_is_recovered_and_none_found_where_none_is(monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("benchmark_end_to_end", FILE)
    benchmark = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = benchmark
    spec.loader.exec_module(benchmark)
    monkeypatch.setattr(pipeline, "_write_pages", lambda *arguments: None)
    nothing = (SPECIFICATIONS.empty(), SPECIFICATION_SUMMARY.empty())
    monkeypatch.setattr(tables_of_study, "_trace_specifications", lambda *arguments: nothing)
    monkeypatch.setattr(tables_of_study, "_compare_further", lambda *arguments: None)
    monkeypatch.setattr(benchmark, "CHANNELS", ("F3-M2",))
    options = argparse.Namespace(subjects=4, hours=1.5, steeper=1.32, staged=False, jobs=1)
    lines, held, hits = benchmark.compare(1, options)
    assert hits == 0, lines
    assert benchmark.judge(benchmark.pd.DataFrame(held), hits) == 0, lines
    slope = next(row for row in held if row["measure"] == "wave_slope_up_matched")
    assert slope["truth"] == pytest.approx(1.10, abs=0.03)
    assert "MISSED" not in capsys.readouterr().out
