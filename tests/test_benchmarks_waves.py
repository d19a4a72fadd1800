"""The benchmarks of waves and spectra in a quick form; whole forms and peers are slow."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
DATA = Path(__file__).parents[2] / "shared" / "data"
PEER = Path(__file__).parents[2] / "shared" / "peers" / "luna_night.py"

with_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared recordings lie beside the project, not in it")


def load(name):
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_known_waves_are_found_and_measured_alike_at_any_rate(monkeypatch):
    benchmark = load("known_waves")
    monkeypatch.setattr(benchmark, "RECORD_S", 120)
    monkeypatch.setattr(benchmark, "RATES_HZ", (64, 128, 160, 500, 800))
    table, taken_off, good = benchmark.without_noise([benchmark.draw_record(np.random.default_rng(1))])
    assert good, table.to_string()
    assert -0.35 < taken_off < -0.1


def test_known_waves_are_found_on_a_background(monkeypatch):
    benchmark = load("known_waves")
    monkeypatch.setattr(benchmark, "RECORD_S", 300)
    rng = np.random.default_rng(2)
    records = [benchmark.draw_record(rng) for _ in range(2)]
    errors = benchmark.errors_at(256, records, [benchmark.true_waves(record) for record in records], background=True)
    assert errors["timing_s"].notna().mean() >= 0.97
    assert errors["timing_s"].abs().median() <= 0.030
    assert abs(errors["amplitude"].median()) <= 0.06  # wider than the target: 150 waves
    assert abs(errors["slope up"].median()) <= 0.09


def test_powers_are_those_of_the_known_spectrum(monkeypatch):
    benchmark = load("known_spectra")
    monkeypatch.setattr(benchmark, "RECORD_S", 600)
    table = benchmark.biases(np.random.default_rng(3), "sleep", 256, n_records=12)
    bands = table.drop(columns="se")
    assert (bands.abs().max(axis=1) <= np.maximum(0.01, 3.5 * table["se"])).all(), table.to_string()
    assert (bands.loc[0.0].abs() <= 0.01).all(), table.to_string()


def test_leak_of_the_window_depends_on_what_lies_below(monkeypatch):
    benchmark = load("known_spectra")
    monkeypatch.setattr(benchmark, "RECORD_S", 200)
    assert benchmark.leak("1/f^2", 0.3)["slow_oscillation_power"] == pytest.approx(10, abs=1)
    assert benchmark.leak("1/f^2", 0.1)["slow_oscillation_power"] == pytest.approx(21, abs=1)


@pytest.mark.parametrize("case", ["larger waves x 1.3", "background x 1.5", "15 % steeper"])
def test_matched_slope_moves_with_steepness_alone(case):
    benchmark = load("matched_slope")
    row = benchmark.percent(benchmark.run(benchmark.Night(), benchmark.CASES[case], n_nights=3, n_waves=800))
    assert benchmark.judge(case, row), row


@with_data
def test_waves_of_the_scored_cycle():
    benchmark = load("scored_cycle")
    table = benchmark.measure(DATA / "recordings")
    assert all(benchmark.judge(table).values()), table.to_string()


@with_data
def test_powers_by_yasas_rule_are_yasas():
    benchmark = load("peers_agreement")
    recordings = {"cycle": benchmark.load(DATA)["cycle C3-A2"]}
    table = benchmark.powers_against_yasa(recordings, 5.0)
    assert table["their_rule"].abs().max() <= 1e-6


@with_data
def test_waves_of_the_yasa_preset_are_yasas():
    benchmark = load("peers_agreement")
    table, _ = benchmark.waves_against_yasa({"cycle": benchmark.load(DATA)["cycle C3-A2"]})
    assert benchmark.total_f1(table, "yasa") >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["known_waves", *(pytest.param(name, marks=pytest.mark.long) for name in ("known_spectra", "matched_slope"))],
)
def test_whole_benchmark_meets_its_targets(name, capsys):
    options = {
        "matched_slope": ["--quick"],
        "known_spectra": ["--records", "24", "--rates", "100", "160", "256", "800"],
    }
    assert load(name).main(options.get(name, [])) == 0, capsys.readouterr().out


@with_data
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the peers'
def test_peers_agree_on_real_recordings(capsys):
    assert load("peers_agreement").main([str(DATA)]) == 0, capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_speed_script_runs(capsys):
    """Seconds depend on the machine and on what else it does: only that both are measured is tested."""
    peer = [str(PEER)] if PEER.is_file() and importlib.util.find_spec("lunapi") else []
    load("speed_measures").main([*peer, "--hours", "2", "--repeat", "1"])
    out = capsys.readouterr().out
    assert "at most 0.625 s of CPU time" in out
    assert "compute_window_spectra" in out
