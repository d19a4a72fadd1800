"""Many short nights unattended, every 20th of them broken: is each one told of, is none lost, does memory stay flat?

    python benchmarks/many_nights.py [--nights 500] [--jobs 2] [--pages]

Recordings of 25 min with a given scoring, one channel; the broken ones are in turn no EDF, cut short in the header, of
zeros, without their scoring, and absent. That of zeros is a recording whose channels are bad: its night is done, judged
unusable, and left out by name; the others fail. Memory (resident, of the run and of its largest worker) is sampled;
flat means that the median of the last fifth of the time in which nights are processed is within 10 % of that of the
third fifth. Pages are left out unless asked for. POSIX only.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import edfio
import numpy as np
import pandas as pd
import psutil

RATE_HZ = 100
STAGES = ["W"] * 4 + ["N2"] * 20 + ["N3"] * 16 + ["R"] * 8
BROKEN_EVERY = 20
FLAT = 0.10
SAMPLE_S = 0.25


def make_signal(seed: int) -> np.ndarray:
    """A background that falls as 1/f, with slow oscillations in N2 and N3, in µV."""
    rng = np.random.default_rng(seed)
    n = len(STAGES) * 30 * RATE_HZ
    frequency = np.fft.rfftfreq(n, 1 / RATE_HZ)
    spectrum = np.fft.rfft(rng.normal(size=n)) / np.maximum(frequency, 0.3) ** 0.5
    background = np.fft.irfft(spectrum, n)
    depth = np.repeat([{"N2": 20.0, "N3": 60.0}.get(stage, 2.0) for stage in STAGES], 30 * RATE_HZ)
    return 10 * background / background.std() + depth * np.sin(2 * np.pi * 0.8 * np.arange(n) / RATE_HZ)


def make_study(folder: Path, nights: int) -> set[str]:
    """Returns the names of the broken recordings."""
    folder.mkdir()
    rows, broken = [], set()
    for i in range(nights):
        condition = ("baseline", "ketamine")[i % 2]
        name = f"P{i // 2:04d}_{condition}.edf"
        scoring = name.replace(".edf", ".csv")  # of its own: one that several nights share is told
        (folder / scoring).write_text("stage\n" + "\n".join(STAGES) + "\n", encoding="utf-8")
        row = {"subject": f"P{i // 2:04d}", "condition": condition, "recording": name, "hypnogram": scoring}
        rows.append(row)
        kind = i // BROKEN_EVERY % 5 if i % BROKEN_EVERY == BROKEN_EVERY - 1 else None
        if kind is not None:
            broken.add(name)
        signal = np.zeros(len(STAGES) * 30 * RATE_HZ) if kind == 2 else make_signal(i)
        limits = (-3200.0, 3200.0)
        channel = edfio.EdfSignal(
            signal,
            RATE_HZ,
            label="C4-M1",
            physical_dimension="uV",
            physical_range=limits,
            digital_range=(-32768, 32767),
        )
        if kind != 4:
            edfio.Edf([channel]).write(folder / name)
        if kind == 0:
            (folder / name).write_text("this is no recording")
        elif kind == 1:
            (folder / name).write_bytes((folder / name).read_bytes()[:300])
        elif kind == 3:
            row["hypnogram"] = "lost.csv"
    pd.DataFrame(rows).to_csv(folder / "study.tsv", sep="\t", index=False)
    return broken


def watch(run: subprocess.Popen[bytes], results: Path) -> list[tuple[float, float, float, bool]]:
    """Time in s, memory of the run and of its largest worker in MB, and whether nights were still processed."""
    begun, samples = time.monotonic(), []
    process = psutil.Process(run.pid)
    while run.poll() is None:
        try:
            workers = [child.memory_info().rss for child in process.children(recursive=True)]
            own = process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
        at_nights = not (results / "nights.tsv").is_file()
        samples.append((time.monotonic() - begun, own / 1e6, max(workers, default=0) / 1e6, at_nights))
        time.sleep(SAMPLE_S)
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--pages", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        recordings, results = Path(place) / "recordings", Path(place) / "results"
        broken = make_study(recordings, arguments.nights)
        pages = "" if arguments.pages else "import swa.pipeline; swa.pipeline._write_page = lambda task: []; "
        words = ["run", str(recordings), "-o", str(results), "--jobs", str(arguments.jobs)]
        command = [sys.executable, "-c", f"{pages}from swa_cli.main import main; main({words})"]
        quiet = subprocess.DEVNULL
        run = subprocess.Popen(command, stdout=quiet, stderr=quiet)
        samples = watch(run, results)
        nights = pd.read_csv(results / "nights.tsv", sep="\t", dtype=str)
        problems = pd.read_csv(results / "problems.tsv", sep="\t", dtype=str)
        failed = set(nights.loc[nights["status"] == "failed", "recording"])
        names = nights.set_index(["subject", "session"])["recording"]
        of_nights = problems.dropna(subset=["subject", "session"])  # others are of a subject or of the study
        told = {names[key] for key in zip(of_nights["subject"], of_nights["session"], strict=True)}
        stored = len(list(results.rglob("*_desc-night.json")))
        done = int((nights["status"] == "done").sum())
        print(f"{len(nights)} nights, {len(broken)} broken: exit {run.returncode}, {samples[-1][0]:.0f} s")
        print(f"done {done}, stored {stored}, failed {len(failed)}, told of in problems.tsv {len(told)}")
        print("where they failed:", problems["step"].value_counts().to_dict())
        lost = len(nights) != arguments.nights or done != stored or done + len(failed) != arguments.nights
        wrong = lost or told != broken or not failed <= broken or run.returncode != 1
        if wrong:
            print(f"lost {lost}, not told of {sorted(broken - told)}, told of though whole {sorted(told - broken)}")
        working = np.array([sample[:3] for sample in samples if sample[3]])
        print(f"{'fifth of the nights':22} {'run MB':>8} {'largest worker MB':>18}")
        fifths = [np.median(part, axis=0) for part in np.array_split(working, 5)]
        for number, part in enumerate(fifths, start=1):
            print(f"{number:<22} {part[1]:8.0f} {part[2]:18.0f}")
        growth = fifths[-1][1:] / fifths[2][1:] - 1
        flat = bool((growth < FLAT).all())
        print(f"growth from the third to the last: run {growth[0]:+.1%}, worker {growth[1]:+.1%}", end="")
        print("" if flat else " MISSED")
    sys.exit(int(wrong or not flat))


if __name__ == "__main__":
    main()
