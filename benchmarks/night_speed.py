"""A whole night of 8 h beside YASA alone: the same job warm, everything warm, everything cold, and peak memory.

    python benchmarks/night_speed.py PEER [--hours 8] [--repeat 3] [--channels 10]

PEER is the script `yasa_night.py`: read, stage, resample, power, waves, write, by mne and YASA. The input is a
simulated night at 256 Hz as EDF, of 10 channels, 6 of them EEG, or of 6, 3 of them EEG. Each side runs in a process of
its own, in turn, with one thread:

- same job: `read_recording`, `stage_recording`, `analyze_night` without spindles, its tables written;
- everything: `run_study` of a folder with this night: every default measure, quality check, contrast table and page;
- cold: the first of these runs in a new process, imports among it.

Targets, of medians: same job at most 0.36 of the peer's warm time with stages that agree by Cohen's kappa >= 0.99;
everything warm at most 0.65, cold at most 0.45 (3 EEG: 0.60), peak memory at most 0.35 (0.55).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from swa.simulation.simulated_study import simulate_study

EEG = {10: ("F3-M2", "F4-M1", "C3-M2", "C4-M1", "O1-M2", "O2-M1"), 6: ("F3-M2", "C4-M1", "O1-M2")}
OTHERS = {10: ("E1-M2", "E2-M1", "Chin", "EMG1"), 6: ("E1-M2", "E2-M1", "Chin")}
TARGETS = {
    ("same job", "warm_s"): {10: 0.36, 6: 0.36},
    ("everything", "warm_s"): {10: 0.65, 6: 0.65},
    ("everything", "cold_s"): {10: 0.45, 6: 0.60},
    ("everything", "peak_mb"): {10: 0.35, 6: 0.55},
}
STAGING = ("C4-M1", "E1-M2", "Chin")
SAME_JOB = """
import json, sys, time
from pathlib import Path
for turn in range(int(sys.argv[3])):
    begun = time.perf_counter()
    import swa
    from swa.settings import Settings, SpindleSettings
    out = Path(sys.argv[2])
    recording = swa.read_recording(sys.argv[1])
    hypnogram = swa.stage_recording(recording)
    night = swa.analyze_night(recording, hypnogram, Settings(spindles=SpindleSettings(minimum_min=1e6)))
    night.measures.to_parquet(out / "measures.parquet")
    night.waves.select().to_parquet(out / "waves.parquet")
    hypnogram.hypno.to_csv(out / "stages.csv")
    print(json.dumps({"total": time.perf_counter() - begun}), flush=True)
"""
EVERYTHING = """
import json, sys, time
for turn in range(int(sys.argv[3])):
    begun = time.perf_counter()
    from swa.pipeline import run_study
    run_study(sys.argv[1], f"{sys.argv[2]}/results-{turn}", jobs=1)
    print(json.dumps({"total": time.perf_counter() - begun}), flush=True)
"""


def run(command: list[str]) -> tuple[list[float], float]:
    """Seconds of each turn of a process, and its peak memory in MB."""
    env = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout is not None
    totals = [float(json.loads(line)["total"]) for line in process.stdout if line.startswith("{")]
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[:2]} ended with {status}")
    return totals, usage.ru_maxrss / 1024


def kappa(first: Path, second: Path) -> float:
    """Cohen's kappa of two files of stages."""
    from sklearn.metrics import cohen_kappa_score

    one, two = (pd.read_csv(path).iloc[:, -1].astype(str) for path in (first, second))
    return float(cohen_kappa_score(one, two))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", type=Path)
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--channels", type=int, choices=(10, 6), default=10)
    options = parser.parse_args()
    eeg, others = EEG[options.channels], OTHERS[options.channels]
    with tempfile.TemporaryDirectory() as scratch:
        folder, out = Path(scratch) / "night", Path(scratch) / "out"
        out.mkdir()
        simulate_study(
            folder,
            subjects=1,
            conditions=("baseline",),
            effect={},
            hours=options.hours,
            rate_hz=256.0,
            channels=(*eeg, *others),
        )
        edf, turns = str(next(folder.glob("*.edf"))), str(options.repeat + 1)
        peer = [sys.executable, str(options.peer), edf, "--eeg", *eeg, "--staging", *STAGING, "--out", f"{out}/peer"]
        sides = {
            "peer": [*peer, "--repeat", turns],
            "same job": [sys.executable, "-c", SAME_JOB, edf, str(out), turns],
            "everything": [sys.executable, "-c", EVERYTHING, str(folder), str(out), turns],
        }
        found = {name: run(command) for name, command in sides.items()}
        agreement = kappa(out / "peer" / "stages.csv", out / "stages.csv")
    table = pd.DataFrame(
        {
            name: {"cold_s": totals[0], "warm_s": statistics.median(totals[1:]), "peak_mb": memory}
            for name, (totals, memory) in found.items()
        }
    ).T
    ratios = table / table.loc["peer"]
    print(
        f"one night of {options.hours:g} h, {options.channels} channels at 256 Hz, {len(eeg)} EEG; "
        f"median of {options.repeat} warm turns"
    )
    print(table.join(ratios.add_suffix(" ratio")).round(2).to_string())
    print(f"stages against the peer's: Cohen's kappa {agreement:.4f}")
    targets = {"kappa at least 0.99": agreement >= 0.99} | {
        f"{side}, {what}, at most {most[options.channels]}": ratios.loc[side, what] <= most[options.channels]
        for (side, what), most in TARGETS.items()
    }
    for text, met in targets.items():
        print(f"{'met   ' if met else 'MISSED'} {text}")


if __name__ == "__main__":
    main()
