"""A real, scored NREM cycle: slow waves by stage, and the half-wave rate that shows why a threshold is needed.

    python benchmarks/scored_cycle.py DATA

Targets: wave density (<= -40 µV, >= 75 µV peak-to-peak) at least doubles from N2 to N3; amplitude and slopes rise, as
means over all half-waves; REM has fewer than 0.5 waves a minute. The rate of all half-waves is printed beside it: it is
nearly the same in every stage.

Means over the waves that a threshold selects hardly rise, and the slopes fall: the few such waves of N2 (K-complexes
among them) are as large and steeper. They are printed to show that a mean over selected waves says nothing of their
number, and that at equal amplitude (`slope_up at 60 µV`) this sleeper's N3 is less steep than N2.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import swa
from swa.measures.matched_slopes import fit_slope_line

CODES = {"5": "W", "4": "R", "3": "N1", "2": "N2", "1": "N3"}
STAGES = ("N2", "N3", "R")
MEANS = ("negative_amplitude_uv", "peak_to_peak_uv", "slope_down_uv_s", "slope_up_uv_s")
EQUAL_UV = 60.0


def read_stages(path: Path, n_epochs: int) -> list[str]:
    """Stage of each 30-s epoch of the recording: that of its middle, since the change points are off the grid."""
    changes = pd.read_csv(path).to_numpy(dtype=float)
    middle = (np.arange(n_epochs) + 0.5) * 30
    codes = changes[np.searchsorted(changes[:, 0], middle, side="right") - 1, 1]
    return [CODES[f"{code:.0f}"] for code in codes]


def measure(data: Path) -> pd.DataFrame:
    """Waves by stage: a row per measure, a column per stage."""
    import yasa

    recording = swa.read_recording(data / "cycle_1ch_100hz.edf")
    stages = read_stages(data / "cycle_1ch_100hz_stages.csv", int(recording.duration_s // 30))
    names = {"W": "WAKE", "R": "REM"}
    hypnogram = yasa.Hypnogram([names.get(stage, stage) for stage in stages], n_stages=5, freq="30s")
    waves = swa.detect_slow_waves(recording, hypnogram)
    minutes = waves.analysed_min.set_index("stage")["minutes"]
    columns = {}
    for stage in STAGES:
        every = waves.table[waves.table["stage"] == stage]
        chosen = waves.select()[waves.select()["stage"] == stage]
        large = every[every["negative_amplitude_uv"] >= waves.criteria.negative_uv[0]]
        line = fit_slope_line(large["negative_amplitude_uv"].to_numpy(), large["slope_up_uv_s"].to_numpy(), EQUAL_UV)
        columns[stage] = (
            {
                "analysed_minutes": minutes[stage],
                "wave_density": len(chosen) / minutes[stage],
                "halfwave_rate": len(every) / minutes[stage],
                "wave_amplitude_p90": every["negative_amplitude_uv"].quantile(0.9),
            }
            | {f"{name}, all half-waves": every[name].mean() for name in MEANS}
            | {f"{name}, slow waves": chosen[name].mean() for name in MEANS}
            | {f"slope_up at {EQUAL_UV:g} µV": line.at_reference}
        )
    return pd.DataFrame(columns)


def judge(table: pd.DataFrame) -> dict[str, bool]:
    density = table.loc["wave_density"]
    rising = table.loc[["wave_amplitude_p90", *(f"{name}, all half-waves" for name in MEANS)]]
    return {
        "density at least doubles from N2 to N3": bool(density["N3"] >= 2 * density["N2"]),
        "amplitude and slopes of all half-waves rise from N2 to N3": bool((rising["N3"] > rising["N2"]).all()),
        "fewer than 0.5 waves a minute in REM": bool(density["R"] < 0.5),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="shared data folder")
    options = parser.parse_args(arguments)
    table = measure(options.data / "recordings")
    print(table.to_string(float_format=lambda value: f"{value:.2f}"))
    print()
    results = judge(table)
    for name, met in results.items():
        print(f"{'met' if met else 'MISSED':7} {name}")
    return int(not all(results.values()))


if __name__ == "__main__":
    sys.exit(main())
