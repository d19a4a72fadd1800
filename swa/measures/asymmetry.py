"""How much further large waves go down than up: what tells the polarity of a channel."""

import numpy as np
from numpy.typing import NDArray

TAIL = 0.005  # share of samples at either end
FEWEST_MIN = 20.0  # of usable NREM
PART_MIN = 45.0  # of usable NREM, of a part of a night
RATE_HZ = 25.0
THIN = 16  # every how many samples are looked at to know where about an end begins


def measure_asymmetry(filtered_uv: NDArray[np.floating]) -> float:
    """How much further the filtered signal goes down than up: above 0 in NREM sleep, below 0 with polarity reversed.

    Parameters
    ----------
    filtered_uv : ndarray, shape (n_samples,)
        Usable NREM of one channel after `swa.measures.slow_waves.filter_for_waves`.

    Returns
    -------
    float
        ln of the size of the 0.5th percentile over that of the 99.5th: 0.08 to 0.20 in nine real channels of four
        people, -0.01 and -0.04 to -0.07 in those of two others (`benchmarks/not_eeg.py`), and exactly the negative of
        it with polarity reversed. NaN without samples.
    """
    if not len(filtered_uv):
        return float("nan")
    low, high = _near_end(filtered_uv, TAIL), _near_end(filtered_uv, 1 - TAIL)
    return float(np.log(-low / high)) if low < 0 < high else float("nan")


def of_night(
    filtered_uv: NDArray[np.floating], taken: NDArray[np.bool_], rate_hz: float
) -> tuple[float, tuple[float, ...]]:
    """Asymmetry of a channel of one night, and of each whole part of it.

    Parameters
    ----------
    filtered_uv : ndarray, shape (n_samples,)
        The night after `swa.measures.slow_waves.filter_for_waves`.
    taken : ndarray of bool, shape (n_samples,)
        Usable NREM.
    rate_hz : float
        Rate of both.

    Returns
    -------
    whole : float
        NaN with fewer than `FEWEST_MIN` minutes.
    parts : tuple of float
        Of the first, second, … `PART_MIN` minutes of usable NREM; what is left at the end is no part.
    """
    step = max(1, round(rate_hz / RATE_HZ))  # as many samples as 4 Hz need: sorting all of them takes longer
    few = np.count_nonzero(taken) < FEWEST_MIN * 60 * rate_hz
    samples = filtered_uv[::step][taken[::step]]
    length = round(PART_MIN * 60 * rate_hz / step)
    parts = samples[: len(samples) // length * length].reshape(-1, length)
    return float("nan") if few else measure_asymmetry(samples), tuple(measure_asymmetry(part) for part in parts)


def _near_end(samples: NDArray[np.floating], share: float) -> float:
    """`np.quantile` to the last bit, of a share near 0 or 1: only samples beyond a bound are put in order."""
    bound = np.quantile(samples[::THIN], 2 * share if share < 0.5 else 2 * share - 1)
    beyond = samples[samples <= bound] if share < 0.5 else samples[samples >= bound]
    place = (len(samples) - 1) * share
    first = int(place) - (0 if share < 0.5 else len(samples) - len(beyond))
    if not 0 <= first < len(beyond) - 1:  # few samples, or many of one value
        return float(np.quantile(samples, share))
    return float(np.quantile(np.partition(beyond, [first, first + 1])[first : first + 2], place - int(place)))
