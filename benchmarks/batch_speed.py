"""How a batch grows: two workers beside one, the cost of 1 to 64 nights, and a recording of 128 channels.

    python benchmarks/batch_speed.py workers [--nights 16] [--hours 8] [--repeat 3]
    python benchmarks/batch_speed.py nights [--most 64]
    python benchmarks/batch_speed.py channels [--hours 8] [--most 128]

- workers: the same nights (10 channels at 256 Hz, 6 EEG) with `--jobs 1` and `--jobs 2`, in turn, each from the shell
  to the finished pages, and the nights alone, from the first finished ones to the last (without starting processes and
  without the tables of the study, which one process makes). Target: nights alone at least 1.75 times as fast.
- nights: 1, 2, 4, ... nights of 1.5 h (2 EEG channels at 128 Hz), `--jobs 2`: a straight line through the times, whose
  largest departure is at most 10 % of the time of most nights.
- channels: a recording at 500 Hz with a quarter, half and all of the channels (a given scoring). Targets: peak memory
  at most 2 GB; the time for twice the channels at most 2.2 times as long.
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import edfio
import numpy as np

from swa.simulation.simulated_study import simulate_study

EEG = ("F3-M2", "F4-M1", "C3-M2", "C4-M1", "O1-M2", "O2-M1")
OTHERS = ("E1-M2", "E2-M1", "Chin", "EMG1")
ROWS = ("AFp", "AF", "AFF", "F", "FFC", "FC", "FCC", "C", "CCP", "CP", "CPP", "P", "PPO", "PO", "POO", "O")
COLUMNS = ("z", *range(1, 9))
BLOCK_S = 600  # of a large recording, written again and again
RATE_HZ = 500
STAGES = (["W"] * 10 + ["N1"] * 4 + ["N2"] * 60 + ["N3"] * 60 + ["N2"] * 20 + ["R"] * 26) * 6


def run(recordings: Path, results: Path, jobs: int) -> tuple[float, float, float]:
    """Seconds of a run from the shell and of one of its nights, and the peak memory of its largest process in GB."""
    begun, ends = time.perf_counter(), list[float]()
    command = [sys.executable, "-m", "swa_cli", "run", str(recordings), "-o", str(results), "--jobs", str(jobs)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    ends.extend(time.perf_counter() for line in process.stdout if line.startswith("nights "))
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {status}")
    per_night = (ends[-1] - ends[jobs - 1]) / (len(ends) - jobs) if len(ends) > jobs else float("nan")
    return time.perf_counter() - begun, per_night, usage.ru_maxrss / 1024**2


def compare_workers(scratch: Path, nights: int, hours: float, repeat: int) -> bool:
    simulate_study(
        scratch / "nights",
        subjects=nights // 2,
        conditions=("baseline", "ketamine"),
        effect={},
        hours=hours,
        rate_hz=256.0,
        channels=(*EEG, *OTHERS),
    )
    whole: dict[int, list[float]] = {1: [], 2: []}
    one_night: dict[int, list[float]] = {1: [], 2: []}
    for turn in range(repeat):
        for jobs in whole:
            took, per_night, _ = run(scratch / "nights", scratch / f"results-{jobs}-{turn}", jobs)
            whole[jobs].append(took)
            one_night[jobs].append(per_night)
            print(
                f"{nights} nights of {hours:g} h, {jobs} worker(s): {took:.1f} s, a night {per_night:.2f} s", flush=True
            )
    ratios = [statistics.median(of[1]) / statistics.median(of[2]) for of in (whole, one_night)]
    print(f"two workers are {ratios[0]:.2f} times as fast as one, with nights alone {ratios[1]:.2f} times")
    return told("nights alone at least 1.75 times as fast", met=ratios[1] >= 1.75)


def count_nights(scratch: Path, most: int) -> bool:
    simulate_study(
        scratch / "all",
        subjects=most // 2,
        conditions=("baseline", "ketamine"),
        effect={},
        hours=1.5,
        rate_hz=128.0,
        channels=("C4-M1", "F4-M1", "E1-M2"),
    )
    lines = (scratch / "all" / "study.tsv").read_text(encoding="utf-8").splitlines()
    counts, seconds = [2**power for power in range(most.bit_length()) if 2**power <= most], []
    for count in counts:
        place = scratch / f"first-{count}"
        place.mkdir()
        (place / "study.tsv").write_text("\n".join(lines[: count + 1]) + "\n", encoding="utf-8")
        for name in {cell for line in lines[1 : count + 1] for cell in line.split("\t")}:
            source = scratch / "all" / name
            if name and source.is_file():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).symlink_to(source)
        seconds.append(run(place, scratch / f"results-{count}", 2)[0])
        print(f"{count:4} nights {seconds[-1]:7.1f} s", flush=True)
    slope, start = np.polyfit(counts, seconds, 1)
    departure = np.abs(np.polyval((slope, start), counts) - seconds).max()
    print(f"{start:.1f} s and {slope:.2f} s a night; largest departure from the line {departure:.1f} s")
    return told("largest departure at most 10 %", met=departure <= 0.1 * seconds[-1])


def make_recording(place: Path, n_channels: int, hours: float) -> None:
    """Background that falls as 1/f in every channel, a block of it again and again, with its scoring beside it."""
    names = [f"{row}{column}" for column in COLUMNS for row in ROWS]
    rng = np.random.default_rng(1)
    n = BLOCK_S * RATE_HZ
    fall = 1 / np.maximum(np.fft.rfftfreq(n, 1 / RATE_HZ), 0.3)
    signals = []
    for name in names[:n_channels]:
        noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * fall, n)
        signal = edfio.EdfSignal(
            20 * noise / noise.std(), RATE_HZ, label=name, physical_dimension="uV", physical_range=(-800, 800)
        )
        signals.append(signal)
    place.mkdir()
    path = place / "S01.edf"
    edfio.Edf(signals, data_record_duration=1).write(path)
    whole = path.read_bytes()
    head, block = whole[: 256 * (1 + n_channels)], whole[256 * (1 + n_channels) :]
    repeats = round(hours * 3600 / BLOCK_S)
    with path.open("wb") as file:
        file.write(head[:236] + f"{repeats * BLOCK_S:<8}".encode() + head[244:])
        for _ in range(repeats):
            file.write(block)
    epochs = round(hours * 120)
    lines = ["onset\tduration\tstage", *(f"{30 * i}\t30\t{stage}" for i, stage in enumerate(STAGES[:epochs]))]
    (place / "stages.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    study = "subject\tcondition\trecording\thypnogram\nS01\tbaseline\tS01.edf\tstages.tsv\n"
    (place / "study.tsv").write_text(study, encoding="utf-8")


def count_channels(scratch: Path, hours: float, most: int) -> bool:
    counts, seconds, peak = (most // 4, most // 2, most), [], 0.0
    for count in counts:
        make_recording(scratch / f"of-{count}", count, hours)
        size = (scratch / f"of-{count}" / "S01.edf").stat().st_size / 1e9
        took, _, peak = run(scratch / f"of-{count}", scratch / f"results-of-{count}", 1)
        seconds.append(took)
        print(f"{count:4} channels, {size:.1f} GB: {took:6.1f} s, peak {peak:.2f} GB", flush=True)
    growth = [later / earlier for earlier, later in itertools.pairwise(seconds)]
    ok = told("peak memory at most 2 GB", met=peak <= 2)
    return told("twice the channels at most 2.2 times as long", met=max(growth) <= 2.2) and ok


def told(text: str, *, met: bool) -> bool:
    print(f"{'met   ' if met else 'MISSED'} {text}")
    return met


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("workers", "nights", "channels"))
    parser.add_argument("--nights", type=int, default=16)
    parser.add_argument("--hours", type=float, help="default 8")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--most", type=int, help="default 64 nights, 128 channels")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        if options.what == "workers":
            met = compare_workers(place, options.nights, options.hours or 8.0, options.repeat)
        elif options.what == "nights":
            met = count_nights(place, options.most or 64)
        else:
            met = count_channels(place, options.hours or 8.0, options.most or 128)
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
