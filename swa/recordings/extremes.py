"""How values of a signal are spread: in how many steps, and whether they pile up at the largest or the smallest.

An amplifier that ends inside the range of the header clips as the header's limit does, and no header tells it.
"""

import math
import operator

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
        self.ends: list[tuple[float, list[NDArray[np.int64]]]] = [(math.inf, []), (-math.inf, [])]

    def take(self, samples: NDArray[np.float64], first: int, ends: tuple[float, float] | None = None) -> bool:
        """Take the next samples, of which the first has this position; True where all of them are finite.

        `ends` are the smallest and the largest of them, where they are known.
        """
        seen = samples[:: self.step]
        self.seen.append(seen[np.isfinite(seen)])
        limits = ends or (float(samples.min()), float(samples.max()))  # not finite where any sample is not
        is_finite = all(map(math.isfinite, limits))
        if not is_finite:
            limits = float(np.fmin.reduce(samples)), float(np.fmax.reduce(samples))
        as_far = operator.le, operator.ge
        for end, (reaches, found, (known, runs)) in enumerate(zip(as_far, limits, self.ends, strict=True)):
            if not reaches(found, known):
                continue
            same = runs if found == known else []
            same.append(first_and_end(np.flatnonzero(samples == found) + first))
            self.ends[end] = found, same
        return is_finite

    def runs(self) -> list[NDArray[np.int64]]:
        """First and end of each run at an end where values pile up, (n_runs, 2); empty where they do not."""
        seen = np.concatenate([*self.seen, np.empty(0)])
        if all(np.count_nonzero(seen == value) < FEWEST for value, _ in self.ends):  # nearly always
            return []
        values, counts = np.unique(seen, return_counts=True)
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
