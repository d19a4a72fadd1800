"""Slope at equal amplitude on real waves: how much of a stretch in time it shows, and what the mix of stages does.

    python -m benchmarks.stretched_waves DATA

Every real EEG channel (`benchmarks.not_eeg`) is played slower by 5, 10 and 20 %: all waves keep their size and become
less steep by that factor. `shown` is ln of the slope's change over ln of the true one: 1 would be all of it, 0 nothing.
Printed for what `swa` does, and for others: a wider band measured at the crossings that `swa` finds, detectors of wider
bands and lengths, and a regression with errors in both (geometric mean). Median over channels, smallest and largest.

Mix: 60 draws leave 30 % of the waves of one stage; change of the slope in %, of one line for both stages and of the
standardised lines. Target: within 1 % (mean over draws; scatter of the draws beside it).
Gain: the same waves 1.3 times as large, where g^(1 - b) is expected.
"""

import argparse
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.signal import resample_poly

from benchmarks.not_eeg import Real, real_channels
from swa.measures import slow_waves
from swa.measures.matched_slopes import FEWEST_WAVES, fit_slope_line, reference_amplitude, stage_weights
from swa.settings import WaveCriteria
from swa.study.across_nights import fit_line

RATE_HZ = 100
SLOPES = ("slope_up_uv_s", "slope_down_uv_s")
STRETCHES = (1.05, 1.1, 1.2)
LARGEST_UV = 400.0
CRITERIA = WaveCriteria()
Estimate = Callable[[pd.DataFrame, float, str], float]


def at_100_hz(real: Real, stretch: float = 1.0) -> NDArray[np.float64]:
    ratio = Fraction(stretch).limit_denominator(20) * Fraction(RATE_HZ, round(real.rate_hz))
    return resample_poly(real.signal_uv, ratio.numerator, ratio.denominator, window=("kaiser", 8.0))


def find(real: Real, stretch: float, criteria: WaveCriteria, measured_hz: tuple[float, float] | None) -> pd.DataFrame:
    """Large waves of N2 and N3; with `measured_hz` their size and slopes are those of another band."""
    signal = at_100_hz(real, stretch)
    trace = slow_waves.filter_for_waves(signal, RATE_HZ, criteria)
    waves = slow_waves.detect_in_trace(trace, RATE_HZ, criteria)
    epoch = (waves["negative_peak_s"] / (30 * stretch)).astype(int)
    waves = waves[epoch < len(real.stages)]
    waves = waves.assign(stage=np.array(real.stages)[epoch[epoch < len(real.stages)]])
    waves = waves[waves["stage"].isin(["N2", "N3"]) & (waves["negative_amplitude_uv"] < LARGEST_UV)]
    if measured_hz:
        wide = slow_waves.filter_for_waves(signal, RATE_HZ, criteria.model_copy(update={"band_hz": measured_hz}))
        limits = (waves[["start_s", "midcrossing_s"]].to_numpy() * RATE_HZ).round().astype(int)
        trough = np.array([first + np.argmin(wide[first : end + 1]) for first, end in limits])
        size = -wide[trough]
        sides = np.maximum(trough - limits[:, 0], 1), np.maximum(limits[:, 1] - trough, 1)
        waves = waves.assign(
            negative_amplitude_uv=size,
            slope_down_uv_s=size / sides[0] * RATE_HZ,
            slope_up_uv_s=size / sides[1] * RATE_HZ,
        )
    return waves[waves["negative_amplitude_uv"] >= CRITERIA.negative_uv[0]]


def size_of(waves: pd.DataFrame) -> NDArray[np.float64]:
    return waves["negative_amplitude_uv"].to_numpy(dtype=float)


def one_line(waves: pd.DataFrame, reference_uv: float, slope: str) -> float:
    return fit_slope_line(size_of(waves), waves[slope].to_numpy(dtype=float), reference_uv).at_reference


def errors_in_both(waves: pd.DataFrame, reference_uv: float, slope: str) -> float:
    x, y = np.log(size_of(waves) / reference_uv), np.log(waves[slope].to_numpy(dtype=float))
    return float(np.exp(y.mean() - np.sign(np.corrcoef(x, y)[0, 1]) * y.std() / x.std() * x.mean()))


def detector(band_hz: tuple[float, float], halfwave_s: tuple[float, float]) -> WaveCriteria:
    return CRITERIA.model_copy(update={"band_hz": band_hz, "halfwave_s": halfwave_s})


WAYS: dict[str, tuple[WaveCriteria, tuple[float, float] | None, Estimate]] = {
    "swa": (CRITERIA, None, one_line),
    "errors in both": (CRITERIA, None, errors_in_both),
    "0.3-8 Hz at our crossings": (CRITERIA, (0.3, 8.0), one_line),
    "half-waves 0.125-1.5 s": (detector((0.5, 4.0), (0.125, 1.5)), None, one_line),
    "0.3-4 Hz, 0.1-1.5 s": (detector((0.3, 4.0), (0.1, 1.5)), None, one_line),
    "0.3-6 Hz, 0.1-1.5 s": (detector((0.3, 6.0), (0.1, 1.5)), None, one_line),
    "0.2-6 Hz, 0.1-2 s": (detector((0.2, 6.0), (0.1, 2.0)), None, one_line),
}


def shown(channels: list[Real], way: str) -> pd.DataFrame:
    criteria, measured_hz, estimate = WAYS[way]
    rows = []
    for real in channels:
        before = find(real, 1.0, criteria, measured_hz)
        reference_uv = reference_amplitude([size_of(before)])
        for stretch in STRETCHES:
            after = find(real, stretch, criteria, measured_hz)
            if min(len(before), len(after)) >= FEWEST_WAVES:
                rows += [
                    (
                        slope,
                        stretch,
                        -np.log(estimate(after, reference_uv, slope) / estimate(before, reference_uv, slope))
                        / np.log(stretch),
                    )
                    for slope in SLOPES
                ]
    return pd.DataFrame(rows, columns=["slope", "stretch", "shown"])


def mix_and_gain(real: Real, rng: np.random.Generator) -> list[tuple[object, ...]]:
    waves = find(real, 1.0, CRITERIA, None)
    counts = waves["stage"].value_counts().to_dict()
    if min(counts.get("N2", 0), counts.get("N3", 0)) < 3.4 * FEWEST_WAVES:
        return []
    reference_uv, weights, rows = reference_amplitude([size_of(waves)]), stage_weights([counts]), []
    for slope in SLOPES:
        ways = {
            "one line": lambda chosen, slope=slope: one_line(chosen, reference_uv, slope),
            "standardised": lambda chosen, slope=slope: fit_line(chosen, slope, reference_uv, weights).at_reference,
        }
        louder = waves.assign(negative_amplitude_uv=1.3 * size_of(waves), **{slope: 1.3 * waves[slope]})
        for way, take in ways.items():
            whole = take(waves)
            changes = []
            for stage in ("N2", "N3"):
                kept = [waves[(waves["stage"] != stage) | (rng.random(len(waves)) < 0.3)] for _ in range(60)]
                drawn = 100 * np.log([take(one) / whole for one in kept])
                changes += [np.nanmean(drawn), np.nanstd(drawn)]
            rows.append((real.name, slope, way, *changes, 100 * (take(louder) / whole - 1)))
    return rows


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    channels = list(real_channels(parser.parse_args().data))
    for way in WAYS:
        table = shown(channels, way).groupby(["slope", "stretch"], sort=False)["shown"]
        cells = [f"{group.median():5.2f} [{group.min():5.2f}, {group.max():4.2f}]" for _, group in table]
        print(f"{way:<27}{'  '.join(cells)}  ({int(table.count().min())} channels)")
    rng = np.random.default_rng(0)
    rows = [row for real in channels for row in mix_and_gain(real, rng)]
    columns = ["channel", "slope", "lines", "less N2, %", "SD", "less N3, %", "SD ", "gain 1.3, %"]
    table = pd.DataFrame(rows, columns=columns)
    print("\n" + table.to_string(index=False, float_format=lambda value: f"{value:.1f}"))
    largest = table.groupby("lines")[["less N2, %", "less N3, %"]].agg(lambda column: column.abs().max()).max(axis=1)
    print("\nLargest mean shift by the mix, %:", largest.round(1).to_dict())


if __name__ == "__main__":
    main()
