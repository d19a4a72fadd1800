"""Memory of a worker: by the headers of the largest nights, and never less than a night takes."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from swa.settings import Settings
from swa.simulation.simulated_study import simulate_study
from swa.study.run.plan_of_nights import LOOKED_AT, UNKNOWN_GB, peak_gb


@pytest.fixture
def task_of(tmp_path, write_edf):
    def make(name, *, hours=0.5, n_eeg=2):
        labels = ("F3-M2", "C4-M1", "O1-M2", "F4-M1", "C3-M2", "O2-M1")[:n_eeg]
        noise = np.random.default_rng(0).normal(scale=20, size=round(hours * 3600 * 100))
        write_edf(tmp_path / name, dict.fromkeys(labels, noise))
        return SimpleNamespace(path=tmp_path / name, settings=Settings())

    return make


def test_memory_is_that_of_the_largest_night(task_of):
    nights = [task_of("a.edf"), task_of("b.edf", hours=1.0, n_eeg=5), task_of("c.edf", hours=1.0)]
    assert peak_gb(nights) == pytest.approx(0.55 + 0.06 + 5 * 0.0006)
    twice = SimpleNamespace(path=nights[0].path, settings=Settings(signal={"rate_hz": 200.0}))
    assert peak_gb([twice]) == pytest.approx(0.55 + 2 * 0.5 * (0.06 + 2 * 0.0006))


def test_headers_of_the_largest_files_alone_are_read(task_of, monkeypatch):
    nights = [task_of(f"{number}.edf", hours=0.05 + 0.01 * number) for number in range(LOOKED_AT + 3)]
    read = []

    def look(path, settings):
        read.append(path.name)
        return SimpleNamespace(duration_s=3600.0, rate_hz=100.0, of_role=lambda role: ())

    monkeypatch.setattr("swa.study.run.plan_of_nights.read_recording", look)
    peak_gb(nights)
    assert sorted(read) == sorted(f"{number}.edf" for number in range(3, LOOKED_AT + 3))


def test_what_cannot_be_looked_at_takes_what_nights_took_so_far(task_of, tmp_path):
    broken, packed = tmp_path / "broken.edf", tmp_path / "night.edf.gz"
    broken.write_bytes(b"0" * 100)
    packed.write_bytes(b"0" * 100)
    for path in (broken, packed):
        assert peak_gb([SimpleNamespace(path=path, settings=Settings())]) == UNKNOWN_GB
    assert peak_gb([SimpleNamespace(path=tmp_path / "gone.edf", settings=Settings())]) == UNKNOWN_GB
    assert peak_gb([]) == UNKNOWN_GB


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="what a process has taken at most is told by Linux alone")
def test_a_night_takes_no_more_than_is_kept_for_it(tmp_path):
    simulate_study(tmp_path / "nights", subjects=1, effect={}, hours=3.0, rate_hz=256.0)
    code = (
        "import re, sys; from pathlib import Path; from swa.pipeline import run_study;"
        "run_study(sys.argv[1], sys.argv[2], jobs=1, nights_only=True);"
        "told = Path('/proc/self/status').read_text();"  # ru_maxrss begins with what the process that calls holds
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', told)[1]) * 1024 / 1e9)"
    )
    call = [sys.executable, "-c", code, str(tmp_path / "nights"), str(tmp_path / "results")]
    taken_gb = float(subprocess.run(call, capture_output=True, text=True, check=True).stdout.split()[-1])
    recordings = sorted((tmp_path / "nights").glob("*.edf"))
    kept_gb = peak_gb(SimpleNamespace(path=path, settings=Settings()) for path in recordings)
    assert 0.6 * kept_gb < taken_gb < kept_gb
