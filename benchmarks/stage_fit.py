"""How often a scoring on its own EEG is doubted, and one that lies minutes off or is another night's is found.

Nights are real scorings of whole nights (two of each by different hands, where there are two) with the depth of real
scored EEG laid along them, piece by piece of the same stage; some with what else moves the EEG.

    python -m benchmarks.stage_fit DATA
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.signal import welch

import swa
from benchmarks.scored_cycle import read_stages
from swa.measures.quality import MOVED_LEAVES, MOVED_MIN, UNFIT_SHARE
from swa.measures.stage_fit import measure_stage_fit
from swa.sleep.hypnogram import stages_of

EPOCH_S = 30.0
DREAMS = {1: 100.0, 2: 200.0, 5: 200.0}
CODES = {5: "W", 4: "R", 3: "N1", 2: "N2", 1: "N3", 0: "N3"}
MOST_FALSE = 0.01
Stages = NDArray[np.str_]
Depth = NDArray[np.float64]


def depth_of(signal_uv: NDArray[np.floating], rate_hz: float) -> Depth:
    """Ln of power at 0.5-4 Hz over that at 16-30 Hz of each epoch."""
    length = int(EPOCH_S * rate_hz)
    epochs = signal_uv[: len(signal_uv) // length * length].reshape(-1, length)
    hz, density = welch(epochs, rate_hz, nperseg=int(4 * rate_hz), axis=-1)
    slow, fast = ((hz >= low) & (hz <= high) for low, high in ((0.5, 4), (16, 30)))
    return np.asarray(np.log(density[:, slow].mean(axis=1) / density[:, fast].mean(axis=1)))


def real_pieces(data: Path) -> dict[str, list[Depth]]:
    """Runs of one stage in real EEG, less the mean of the N2 of that person."""
    recording = swa.read_recording(data / "recordings" / "cycle_1ch_100hz.edf")
    group = next(iter(recording.groups()))
    depth = depth_of(np.asarray(group.data_uv)[0], group.rate_hz)
    nights = [(read_stages(data / "recordings" / "cycle_1ch_100hz_stages.csv", len(depth)), depth)]
    for number, rate_hz in DREAMS.items():
        depth = depth_of(np.loadtxt(data / "dreams" / f"excerpt{number}.txt", skiprows=1), rate_hz)
        codes = np.loadtxt(data / "dreams" / f"Hypnogram_excerpt{number}.txt", skiprows=1)  # one each 5 s
        nights.append(([CODES.get(int(codes[6 * epoch + 3]), "UNS") for epoch in range(len(depth))], depth))
    pieces: dict[str, list[Depth]] = {}
    for stages, depth in nights:
        level = depth[np.array(stages) == "N2"].mean()
        for stage, run in groupby(range(len(depth)), key=lambda epoch, own=stages: own[epoch]):
            pieces.setdefault(stage, []).append(depth[list(run)] - level)
    return pieces


def lay(stages: Stages, pieces: dict[str, list[Depth]], rng: np.random.Generator) -> Depth:
    """Depth of a night with these stages."""
    depth = np.full(len(stages), np.nan)
    for stage, run in groupby(range(len(stages)), key=lambda epoch: stages[epoch]):
        places, own = list(run), pieces.get(stage, [])
        shares = np.array([len(piece) for piece in own], dtype=float)
        while places and own:
            piece = own[rng.choice(len(own), p=shares / shares.sum())]
            piece = piece[rng.integers(len(piece)) :][: len(places)]
            depth[places[: len(piece)]] = piece
            places = places[len(piece) :]
    return depth


def scored_nights(data: Path) -> Iterator[list[Stages]]:
    """Each night in the stages of all who scored it."""
    for file in sorted((data / "scorings" / "boas_ds005555").glob("*_events.tsv")):
        columns = (swa.Settings(scoring={"column": name}) for name in ("stage_hum", "stage_ai"))
        yield [stages_of(swa.read_hypnogram(file, settings)) for settings in columns]
    by_night: dict[str, list[Stages]] = {}
    for file in sorted((data / "scorings" / "dod_h").glob("*.json")):
        by_night.setdefault(file.stem.partition("__")[2], []).append(stages_of(swa.read_hypnogram(file)))
    yield from by_night.values()


def judge(stages: Stages, depth: Depth) -> str:
    """What a night would be doubted for: moved, unfit or nothing."""
    n = min(len(stages), len(depth))
    fit = measure_stage_fit(stages[:n], depth[:n], EPOCH_S)
    if fit is None:
        return "nothing"
    leaves = (1 - fit["best"]) / (1 - fit["explained"])
    if abs(fit["best_min"]) >= MOVED_MIN and leaves <= MOVED_LEAVES:
        return "moved"
    return "unfit" if fit["explained"] < UNFIT_SHARE else "nothing"


def early(stages: Stages, epochs: int) -> Stages:
    """Stages that come so many epochs early."""
    return np.concatenate([stages[epochs:], np.full(epochs, "UNS", dtype="U3")])


EXTRAS: dict[str, Callable[[Depth, np.random.Generator], Depth]] = {
    "as it is": lambda depth, _: depth,
    "+ 2 ln that decay over 1.5 h": lambda depth, _: depth + 2 * np.exp(-np.arange(len(depth)) / 180),
    "a walk of 0.08 ln an epoch": lambda depth, rng: depth + np.cumsum(rng.normal(0, 0.08, len(depth))),
    "noise of 1 ln": lambda depth, rng: depth + rng.normal(0, 1, len(depth)),
}


def measure(data: Path, repeats: int, seed: int = 1) -> pd.DataFrame:
    """Share of nights with each doubt."""
    rng = np.random.default_rng(seed)
    pieces, nights = real_pieces(data), list(scored_nights(data))
    rows = []
    for extra, change in EXTRAS.items():
        for _ in range(repeats):
            for place, hands in enumerate(nights):
                depth = change(lay(hands[0], pieces, rng), rng)
                cases = [("scored by the same hand", hands[0]), *(("by another hand", other) for other in hands[1:])]
                cases += [(f"{epochs / 2:g} min early", early(hands[-1], epochs)) for epochs in (4, 10, 20, 40)]
                cases += [("another night", nights[(place + 1 + rng.integers(len(nights) - 1)) % len(nights)][0])]
                rows += [(extra, case, judge(stages, depth)) for case, stages in cases]
    table = pd.DataFrame(rows, columns=["EEG", "scoring", "doubt"])
    return pd.crosstab([table["EEG"], table["scoring"]], table["doubt"], normalize="index")


def main(arguments: list[str] | None = None) -> int:
    """Print the shares; 1 where right scorings are doubted too often."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="shared data folder")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    table = measure(options.data, options.repeats)
    print(table.to_string(float_format=lambda share: f"{share:.3f}"))
    right = table.loc["as it is"].loc[["scored by the same hand", "by another hand"], "nothing"]
    return int((1 - right > MOST_FALSE).any())


if __name__ == "__main__":
    sys.exit(main())
