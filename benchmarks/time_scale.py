"""A header's sampling rate that is not that of the samples: how often it is told, and how often without one.

    python -m benchmarks.time_scale DATA [--minutes 60]

Of every real EEG channel with NREM (`benchmarks.not_eeg`) epochs of N2 and N3 are drawn again with replacement for each
of two nights. *Alike*: both of the same epochs; one of the first and one of the second half of the recording; one of N2
and one of N3; power at 11-13 or 13-16 Hz of one half, one and a half or twice as large, as under a drug. *Moved*: all
frequencies of one divided by a factor. Printed are the share that is told (`swa.comparison.controls.time_scale`) by
channel, and the largest (alike) or smallest (moved) number of times that the spectra fit better with their frequencies
moved. Last, the channels of one person against those of another, all of their NREM.
"""

import argparse
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import signal

from benchmarks.not_eeg import Real, Signal, real_channels
from swa.comparison.controls.time_scale import CLEAR, SMALLEST
from swa.comparison.spectral_scale import LARGEST, compare_shapes, shape_of

DRAWS = 100
FACTORS = (1.28, 1 / 1.28, 1.1, 1 / 1.1, 1.05, 1 / 1.05)
BANDS = ((11, 13, 1.5), (11, 13, 0.5), (13, 16, 2.0), (13, 16, 1.5), (13, 16, 0.5))


def spectra_of(real: Real) -> tuple[Signal, Signal, Signal]:
    """Frequencies, spectra of the epochs of N2 and N3, and their stages."""
    length = round(30 * real.rate_hz)
    n = min(len(real.stages), len(real.signal_uv) // length)
    epochs, stages = real.signal_uv[: n * length].reshape(n, length), np.array(real.stages[:n])
    taken = np.isin(stages, ["N2", "N3"]) & (np.ptp(epochs, axis=1) < 1000)
    size = round(5 * real.rate_hz)
    hz, density = signal.welch(epochs[taken], real.rate_hz, nperseg=size, noverlap=size // 2)
    return hz, density, stages[taken]


def moved(hz: Signal, density: Signal, factor: float) -> Signal:
    return np.exp(np.interp(hz * factor, hz, np.log(density)))


def larger(hz: Signal, density: Signal, low: float, high: float, times: float) -> Signal:
    inside = 1 / (1 + np.exp((low - hz) / 0.3)) / (1 + np.exp((hz - high) / 0.3))
    return density * times**inside


def pairs_of(hz: Signal, density: Signal, stages: Signal, size: int, rng: np.random.Generator) -> dict[str, Callable]:
    """Each kind of pair of nights, drawn anew at each call."""
    everything = np.ones(len(density), bool)
    first = np.arange(len(density)) < len(density) // 2

    def draw(which: Signal = everything) -> Signal:
        return density[rng.choice(np.flatnonzero(which), size)].mean(axis=0)

    kinds: dict[str, Callable] = {"alike": lambda: (draw(), draw()), "halves": lambda: (draw(first), draw(~first))}
    if (stages == "N3").sum() > 8:
        kinds["N2, N3"] = lambda: (draw(stages == "N2"), draw(stages == "N3"))
    for low, high, times in BANDS:
        kinds[f"{low}-{high} Hz × {times}"] = lambda band=(low, high, times): (larger(hz, draw(), *band), draw())
    for factor in FACTORS:
        kinds[f"moved {factor:.2f}"] = lambda factor=factor: (moved(hz, draw(), factor), draw())
    return kinds


def is_told(factor: float, gain: float) -> bool:
    return gain >= CLEAR and SMALLEST <= round(abs(np.log(factor)), 3) < LARGEST


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    arguments = parser.parse_args()
    rng, told, gains, whole = np.random.default_rng(0), {}, {}, {}
    for real in real_channels(arguments.data):
        hz, density, stages = spectra_of(real)
        whole[real.name] = shape_of(hz, density.mean(axis=0))
        for kind, pair in pairs_of(hz, density, stages, round(2 * arguments.minutes), rng).items():
            found = [compare_shapes(*(shape_of(hz, one) for one in pair())) for _ in range(DRAWS)]
            told.setdefault(kind, []).append(np.mean([is_told(*one) for one in found]))
            gains.setdefault(kind, []).append((min if "moved" in kind else max)(gain for _, gain in found))
    for kind, shares in told.items():
        print(f"{kind:<18}told {np.mean(shares):>7.2%}  ", " ".join(f"{share:.0%}" for share in shares))
        print(f"{'':<18}fits ", " ".join(f"{gain:.1f}" for gain in gains[kind]))
    others = [pair for pair in combinations(whole, 2) if pair[0].rsplit(" ", 1)[0] != pair[1].rsplit(" ", 1)[0]]
    found = [compare_shapes(whole[one], whole[other]) for one, other in others]
    most = max(gain for _, gain in found)
    print(f"two people: {sum(is_told(*one) for one in found)} of {len(found)}, at most {most:.1f}")


if __name__ == "__main__":
    main()
