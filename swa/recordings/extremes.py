"""How values of a signal are spread: in how many steps, and whether they pile up at the largest or the smallest.

An amplifier that ends inside the range of the header clips as the header's limit does, and no header tells it.
"""

import numpy as np
from numpy.typing import NDArray

from swa.recordings.signal_source import first_and_end

FEWEST = 10  # of the samples looked at, some 20,000
NEAR = 0.02  # of the whole range: natural tails have more values there than at their very end
MIDDLE = (5, 95)  # percentiles between which levels are counted: artefacts reach far beyond
SAME = 6  # digits of that range that tell two levels apart


class Extremes:
    """Finds where a signal lies at its own largest or smallest value, block by block.

    Parameters
    ----------
    step : int
        Every how many samples are looked at for a pile-up.
    """

    def __init__(self, step: int) -> None:
        self.step = step
        self.seen: list[NDArray[np.float64]] = []
        self.ends: list[tuple[float, list[NDArray[np.int64]]]] = [(np.nan, []), (np.nan, [])]

    def take(self, samples: NDArray[np.float64], first: int, ends: tuple[float, float] | None = None) -> bool:
        """Take the next samples, of which the first has this position; True where all of them are finite.

        `ends` are the smallest and the largest of them, where they are known.
        """
        seen = samples[:: self.step]
        self.seen.append(seen[np.isfinite(seen)])
        limits = ends or (samples.min(), samples.max())  # not finite where any sample is not
        is_finite = bool(np.isfinite(limits).all())
        if not is_finite:
            limits = np.fmin.reduce(samples), np.fmax.reduce(samples)
        for end, (further, found, (known, runs)) in enumerate(zip((np.fmin, np.fmax), limits, self.ends, strict=True)):
            if found != further(known, found):
                continue
            same = runs if found == known else []
            same.append(first_and_end(np.flatnonzero(samples == found) + first))
            self.ends[end] = float(found), same
        return is_finite

    def runs(self) -> list[NDArray[np.int64]]:
        """First and end of each run at an end where values pile up, (n_runs, 2); empty where they do not."""
        values, counts = np.unique(np.concatenate([*self.seen, np.empty(0)]), return_counts=True)
        if len(values) < 2:
            return []
        near = NEAR * (values[-1] - values[0])
        found = []
        for (value, runs), order in zip(self.ends, (1, -1), strict=True):
            steps, often = values[::order], counts[::order]
            beside = (np.abs(steps - steps[0]) <= near) | (np.arange(len(steps)) == 1)
            if steps[0] == value and often[0] >= FEWEST and often[0] > often[1:][beside[1:]].sum():
                found += runs
        return found


def count_levels(samples: NDArray[np.float64]) -> int:
    """Different values in the middle nine tenths of some samples."""
    if not len(samples):
        return 0
    low, high = np.percentile(samples, MIDDLE)
    middle = samples[(samples >= low) & (samples <= high)]
    return len(np.unique(np.round((middle - low) / ((high - low) or 1.0), SAME)))
