"""Contrasts of a large study: time and memory of `compare_nights` from stored measures, one measure at a time.

Writes what the subject steps leave: a file of measures for each subject with a baseline and a treatment night, with as
many rows a night as six channels of a whole night give, and nights.tsv. Then, in a process of its own, brings them
together (`join_measures`, `add_headlines`) and compares them. CPU seconds beside the seconds on the clock, which other
programs share; the target of < 60 s and < 4 GB is for the contrasts.

Run as ``python benchmarks/large_study.py [nights] [rows a night] [folder]``; by default 10,000 nights of 6,000 rows.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from swa.comparison.contrasts import compare_nights
from swa.settings import ComparisonSettings, Settings
from swa.study.joined_tables import add_headlines
from swa.study.long_table import join_measures
from swa.study.store import Results, subject_file

MEASURES = (
    *("swa", "slow_oscillation_power", "delta_power", "theta_power", "alpha_power", "sigma_power", "beta_power"),
    *("swa_relative", "swa_energy", "swa_above_aperiodic", "aperiodic_exponent", "aperiodic_offset", "wave_density"),
    *("wave_density_baseline_fixed", "halfwave_rate", "wave_amplitude_p90", "wave_negative_amplitude"),
    *("wave_peak_to_peak", "wave_duration", "wave_slope_down", "wave_slope_up", "wave_max_slope_down"),
    *("wave_max_slope_up", "wave_multipeak_fraction", "wave_slope_up_matched", "wave_slope_down_matched"),
)
CHANNELS = ("frontal", "central", "F3-M2", "F4-M1", "C3-M2", "C4-M1", "O1-M2", "O2-M1")
CONDITIONS = ("baseline", "ketamine")
WINDOWS = ("night", "matched", *(f"cycle-{k}" for k in range(1, 5)), *(f"hour-{k}" for k in range(1, 5)))


def write_subjects(folder: Path, nights: int, rows_a_night: int) -> int:
    """Write a file of measures for each subject, and nights.tsv; returns the number of rows."""
    subjects = nights // 2
    stages = ("NREM", "N2", "N3")
    keys = [(c, s, w) for c in CHANNELS for s in stages for w in WINDOWS][: max(1, round(rows_a_night / len(MEASURES)))]
    columns = ("session", "measure", "channel", "stages", "window")
    rows = [(night, measure, *key) for measure in sorted(MEASURES) for night in CONDITIONS for key in keys]
    same = {name: pa.array([row[i] for row in rows]) for i, name in enumerate(columns)}
    rng = np.random.default_rng(0)
    names = [f"S{i:05d}" for i in range(subjects)]
    blank = pa.array([""] * len(rows))
    for name in names:
        value = np.exp(rng.normal(5, 0.4) + rng.normal(0, 0.2, len(rows)))
        table = pa.table(
            {
                "subject": pa.array([name] * len(rows)),
                "session": same["session"],
                "condition": same["session"],
                **{column: same[column] for column in columns[2:]},
                "measure": same["measure"],
                "variant": blank,
                "value": pa.array(value),
                "unit": pa.array(["µV²"] * len(rows)),
                "n": pa.array(np.full(len(rows), 100)),
                "note": blank,
            }
        )
        path = subject_file(folder, name)
        path.parent.mkdir()
        pq.write_table(table, path, compression="zstd")
    pd.DataFrame(
        {
            "subject": np.repeat(names, 2),
            "session": list(CONDITIONS) * subjects,
            "condition": list(CONDITIONS) * subjects,
            "status": "done",
        }
    ).to_csv(folder / "nights.tsv", sep="\t", index=False)
    return len(rows) * subjects


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def timed(what: str, work: Callable[[], str]) -> None:
    """Do it, and print what it took."""
    clock, cpu = time.perf_counter(), time.process_time()
    said = work()
    clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
    print(f"{what}: {said}: {cpu:.1f} s of CPU, {clock:.1f} s on the clock, peak {peak_gb():.2f} GB", flush=True)


def join(folder: Path) -> str:
    rows = join_measures(folder, sorted(path.name.removeprefix("sub-") for path in folder.glob("sub-*")))
    add_headlines(folder, {})
    return f"{rows / 1e6:.1f} million rows"


def compare(folder: Path) -> str:
    settings = Settings(comparison=ComparisonSettings(primary="swa NREM cycle-1 frontal"))
    found = compare_nights(Results(folder), "baseline", settings=settings)
    groups = int((found["subject"] == "group").sum())
    return f"{groups} group rows, {len(found) - groups} subject rows"


def main(nights: int = 10_000, rows_a_night: int = 6_000, folder: str = "") -> None:
    with tempfile.TemporaryDirectory() as own:
        path = Path(folder or own)
        if not (path / "nights.tsv").is_file():
            rows = write_subjects(path, nights, rows_a_night)
            print(f"{nights} nights, {rows / 1e6:.1f} million rows", flush=True)
        for step in STEPS:  # each in a process of its own, for its own peak of memory
            subprocess.run([sys.executable, __file__, f"--{step}", str(path)], check=True)


STEPS = {"join": join, "contrasts": compare}

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1].removeprefix("--") in STEPS:
        step = sys.argv[1].removeprefix("--")
        timed(step, lambda: STEPS[step](Path(sys.argv[2])))
    else:
        main(*(int(a) for a in sys.argv[1:3]), *sys.argv[3:4])
