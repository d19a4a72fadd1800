"""Seconds that all signal measures of a night take, by step, and beside Luna in the same run.

    python benchmarks/speed_measures.py [PEER] [--hours H] [--repeat N]

PEER is the script `luna_night.py` (needs `lunapi`); without it only our own time is judged. The input is a simulated
100-Hz night of 6 EEG channels, written as EDF to a temporary folder; its true stages stand in for a scoring, so that
nothing is staged. Our time runs from opening the file to the finished `Night`; the peer's likewise. One thread each,
the first run of each thrown away (imports, caches).

The spindles of one channel (YASA's detector) are timed apart: they cost as much as all else, and the peer finds none.

Targets at 8 h: at most 2.5 s of CPU time (median), and at most 0.2 of the peer's wall-clock median.
"""

import argparse
import cProfile
import json
import os
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

import swa
from swa.measures import spindles
from swa.simulation.simulated_study import simulate_study

CHANNELS = ("F3-M2", "F4-M1", "C3-M2", "C4-M1", "O1-M2", "O2-M1")
SECONDS, SHARE = 2.5, 0.2
STEPS = {  # functions whose time, with all that they call, is printed
    "swa/recordings/recording.py": ("read_recording", "read"),
    "swa/measures/power.py": ("compute_window_spectra", "average_by_epoch", "summarize_power", "epoch_powers"),
    "swa/measures/artifacts.py": ("find_artifacts",),
    "swa/measures/slow_waves.py": ("filter_for_waves", "measure_waves", "summarize_waves", "average_waveform"),
    "swa/measures/aperiodic.py": None,
    "swa/measures/homeostasis.py": None,
    "swa/measures/spindles.py": None,
    "swa/sleep/scoring.py": ("fit_to_recording",),
    "swa/night/analysis.py": ("analyze_night", "_slow_waves", "_summarize"),
    "swa/night/channel_pass.py": ("measure_channels", "_measure_channel", "_usable_waves"),
    "swa/night/rows.py": ("channel_rows", "epoch_rows", "spectra_rows", "spectrogram_of"),
}


def make_night(folder: Path, hours: float) -> tuple[Path, Path]:
    """A simulated night and its stages, one a line."""
    simulate_study(
        folder, subjects=1, conditions=("baseline",), effect={}, hours=hours, rate_hz=100, channels=CHANNELS, seed=1
    )
    stages = pd.read_csv(folder / "truth" / "S01_baseline_stages.tsv", sep="\t")["stage"]
    scoring = folder / "stages.eannot"
    scoring.write_text("\n".join(stages) + "\n", encoding="utf-8")
    return folder / "S01_baseline.edf", scoring


def hypnogram_of(scoring: Path) -> "object":
    import yasa

    names = {"W": "WAKE", "R": "REM"}
    stages = scoring.read_text(encoding="utf-8").split()
    return yasa.Hypnogram([names.get(stage, stage) for stage in stages], n_stages=5, freq="30s")


def run_ours(edf: Path, hypnogram: object, repeat: int) -> tuple[list[float], list[float], list[float]]:
    """CPU and wall-clock seconds of each warm run without spindles, and CPU seconds of the spindles of one channel."""
    cpu, wall, apart = [], [], []
    spent = [0.0, 0.0]
    detect = spindles.detect_spindles

    def timed(*arguments: object, **options: object) -> object:
        start, start_cpu = time.perf_counter(), time.process_time()
        found = detect(*arguments, **options)
        spent[:] = spent[0] + time.process_time() - start_cpu, spent[1] + time.perf_counter() - start
        return found

    spindles.detect_spindles = timed
    try:
        for number in range(repeat + 1):
            spent[:] = 0.0, 0.0
            start, start_cpu = time.perf_counter(), time.process_time()
            swa.analyze_night(swa.read_recording(edf), hypnogram)
            if number:
                cpu.append(time.process_time() - start_cpu - spent[0])
                wall.append(time.perf_counter() - start - spent[1])
                apart.append(spent[0])
    finally:
        spindles.detect_spindles = detect
    return cpu, wall, apart


def run_peer(script: Path, edf: Path, scoring: Path, repeat: int) -> list[float]:
    command = [sys.executable, str(script), str(edf), str(scoring), "--eeg", *CHANNELS, "--repeat", str(repeat + 1)]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=one_thread)
    totals = [json.loads(line)["total"] for line in done.stdout.splitlines() if line.startswith("{")]
    return totals[1:]


def profile(edf: Path, hypnogram: object) -> pd.DataFrame:
    """Cumulative seconds by step of one warm run (a call within a listed step counts in both)."""
    profiler = cProfile.Profile(time.process_time)  # CPU seconds, whatever else the machine does
    profiler.runcall(lambda: swa.analyze_night(swa.read_recording(edf), hypnogram))
    rows = []
    for (file, _, function), (calls, _, _, seconds, _) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        place = next((place for place in STEPS if Path(file).as_posix().endswith(place)), None)
        wanted = STEPS.get(place or "", ())
        if place and ((wanted is None and not function.startswith(("_", "<"))) or (wanted and function in wanted)):
            rows.append({"step": f"{place.removeprefix('swa/')}: {function}", "calls": calls, "seconds": seconds})
    return pd.DataFrame(rows).sort_values("seconds", ascending=False, ignore_index=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", type=Path, nargs="?", help="luna_night.py")
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    results = {}
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        edf, scoring = make_night(Path(folder), options.hours)
        hypnogram = hypnogram_of(scoring)
        cpu, wall, apart = run_ours(edf, hypnogram, options.repeat)
        limit = SECONDS * options.hours / 8
        results[f"at most {limit:g} s of CPU time"] = statistics.median(cpu) <= limit
        print(f"swa, {options.hours:g} h, {len(CHANNELS)} EEG at 100 Hz, {options.repeat} warm runs")
        print(f"CPU {statistics.median(cpu):.2f} s (lowest {min(cpu):.2f}), wall-clock {statistics.median(wall):.2f} s")
        print(f"spindles of one channel, not counted: CPU {statistics.median(apart):.2f} s")
        if options.peer:
            peer = run_peer(options.peer, edf, scoring, options.repeat)
            ratio = statistics.median(wall) / statistics.median(peer)
            print(f"peer: wall-clock {statistics.median(peer):.2f} s; ratio {ratio:.3f}")
            results[f"at most {SHARE:g} of the peer's time"] = ratio <= SHARE
        else:
            print("peer: skipped, give the path of luna_night.py")
        print("\nOne warm run by step (cProfile, CPU, cumulative, with its own overhead)")
        print(profile(edf, hypnogram).to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    print()
    for name, met in results.items():
        print(f"{'met' if met else 'MISSED':7} {name}")
    return int(not all(results.values()))


if __name__ == "__main__":
    sys.exit(main())
