"""Contrasts of a large study: time and memory of `compare_nights` from stored measures, one measure at a time.

Writes a results folder of many subjects with a baseline and a treatment night each (parquet and nights.tsv only, with
as many rows a night as six channels of a whole night give), then compares it in a process of its own.

Run as ``python benchmarks/large_study.py [nights] [rows a night] [folder]``; by default 10,000 nights of 6,000 rows.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

MEASURES = (
    *("swa", "slow_oscillation_power", "delta_power", "theta_power", "alpha_power", "sigma_power", "beta_power"),
    *("swa_relative", "swa_energy", "swa_above_aperiodic", "aperiodic_exponent", "aperiodic_offset", "wave_density"),
    *("wave_density_baseline_fixed", "halfwave_rate", "wave_amplitude_p90", "wave_negative_amplitude"),
    *("wave_peak_to_peak", "wave_duration", "wave_slope_down", "wave_slope_up", "wave_max_slope_down"),
    *("wave_max_slope_up", "wave_multipeak_fraction", "wave_slope_up_matched", "wave_slope_down_matched"),
)
CHANNELS = ("frontal", "central", "F3-M2", "F4-M1", "C3-M2", "C4-M1", "O1-M2", "O2-M1")
WINDOWS = ("night", "matched", *(f"cycle-{k}" for k in range(1, 5)), *(f"hour-{k}" for k in range(1, 5)))


def write_store(folder: Path, nights: int, rows_a_night: int) -> int:
    """Returns the number of rows."""
    subjects = nights // 2
    stages = ("NREM", "N2", "N3")
    keys = [(c, s, w) for c in CHANNELS for s in stages for w in WINDOWS][: max(1, round(rows_a_night / len(MEASURES)))]
    subject = np.repeat(np.arange(subjects, dtype=np.int32), 2)
    names = pa.array([f"S{i:05d}" for i in range(subjects)])
    conditions = pa.array(["baseline", "ketamine"])
    rng = np.random.default_rng(0)
    rows = 0

    def encoded(codes: np.ndarray, values: pa.Array) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), values)

    writer = None
    for measure in sorted(MEASURES):
        count = nights * len(keys)
        night = np.repeat(np.arange(nights), len(keys))
        key = np.tile(np.arange(len(keys)), nights)
        value = np.exp(rng.normal(5, 0.4, subjects)[subject[night]] + rng.normal(0, 0.2, count))
        zero = np.zeros(count)
        table = pa.table(
            {
                "subject": encoded(subject[night], names),
                "session": encoded(night % 2, conditions),
                "condition": encoded(night % 2, conditions),
                **{
                    name: encoded(
                        pd.factorize(np.array([k[i] for k in keys]))[0][key],
                        pa.array(list(pd.factorize(np.array([k[i] for k in keys]))[1])),
                    )
                    for i, name in enumerate(("channel", "stages", "window"))
                },
                "measure": encoded(zero, pa.array([measure])),
                "variant": encoded(zero, pa.array([""])),
                "value": pa.array(value),
                "unit": encoded(zero, pa.array(["µV²"])),
                "n": pa.array(np.full(count, 100)),
                "note": encoded(zero, pa.array([""])),
            }
        )
        if writer is None:
            writer = pq.ParquetWriter(folder / "measures.parquet", table.schema, compression="zstd")
        writer.write_table(table)
        rows += count
    writer.close()
    pd.DataFrame(
        {
            "subject": np.array([f"S{i:05d}" for i in range(subjects)])[subject],
            "session": np.tile(["baseline", "ketamine"], subjects),
            "condition": np.tile(["baseline", "ketamine"], subjects),
            "status": "done",
        }
    ).to_csv(folder / "nights.tsv", sep="\t", index=False)
    return rows


def compare(folder: Path) -> None:
    from swa.comparison.contrasts import compare_nights
    from swa.settings import ComparisonSettings, Settings
    from swa.study.store import Results

    started = time.perf_counter()
    settings = Settings(comparison=ComparisonSettings(primary="swa NREM cycle-1 frontal"))
    found = compare_nights(Results(folder), "baseline", settings=settings)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    groups = int((found["subject"] == "group").sum())
    print(f"{groups} group rows, {len(found) - groups} subject rows: {seconds:.1f} s, peak {peak:.2f} GB")


def main(nights: int = 10_000, rows_a_night: int = 6_000, folder: str = "") -> None:
    with tempfile.TemporaryDirectory() as own:
        path = Path(folder or own)
        if not (path / "measures.parquet").is_file():
            rows = write_store(path, nights, rows_a_night)
            size = (path / "measures.parquet").stat().st_size / 1024**3
            print(f"{nights} nights, {rows / 1e6:.1f} million rows, {size:.2f} GB", flush=True)
        subprocess.run([sys.executable, __file__, "--compare", str(path)], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--compare"]:
        compare(Path(sys.argv[2]))
    else:
        main(*(int(a) for a in sys.argv[1:3]), *sys.argv[3:4])
