"""From which number of subjects on a loss can move a mean."""

import numpy as np

from swa.comparison.arrays import Bools, Floats, Ints

# Losses differ from here on: in subjects, and in the difference of their shares in units of its standard error if all
# were alike, since so do what the loss of the lowest adds to a difference and the error of that.
FEWEST, IN_ERRORS = 2, 0.3


def differs(difference: Ints, share: Floats, variance: Floats) -> Bools:
    """Whether losses differ by two subjects and enough for the difference of shares that they are of (`IN_ERRORS`)."""
    found: Bools = (np.abs(difference) >= FEWEST) & (np.abs(share) >= IN_ERRORS * np.sqrt(variance) - 1e-9)
    return found


def can_move(subjects: int, n: int) -> bool:
    """Whether as many of n subjects, whose nights somebody chose, count as an unequal loss of them would."""
    return n > 0 and bool(differs(np.array(subjects), np.array(subjects / n), np.array(1 / n)))
