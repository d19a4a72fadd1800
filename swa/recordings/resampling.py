"""Resampling, once and anti-aliased, by the SoX resampler."""

import numpy as np
from numpy.typing import NDArray

EDGE_S, EDGE_SAMPLES = 1.0, 1000  # how long the last sample is held, at least: longer than the resampler's filter
FAR = 100.0  # median deviations: a first sample that far off, as one at the rail, does not stand for the signal


class Resampler:
    """Resamples one uninterrupted piece as its samples come in.

    The ends are taken to go on as they are: a DC offset (referential, DC-coupled amplifiers) would ring there, and is
    taken off since 32 bits would round the signal on it.

    Parameters
    ----------
    from_hz, to_hz : float
        Rates in Hz.
    out : ndarray of float32, shape (n_samples,)
        Where the samples go.
    """

    def __init__(self, from_hz: float, to_hz: float, out: NDArray[np.float32]) -> None:
        import soxr

        self.out, self.filled = out, 0
        self.level, self.held = float("nan"), np.float32(0)
        self.buffer = np.empty(0, np.float32)
        self.edge_samples = max(round(EDGE_S * from_hz), EDGE_SAMPLES)
        self.stream = None if from_hz == to_hz else soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32")

    def take(self, samples: NDArray[np.floating]) -> None:
        """Take the next samples."""
        if np.isnan(self.level):
            self.level = _find_level(samples)
        if len(self.buffer) < len(samples):
            self.buffer = np.empty(len(samples), np.float32)
        from_level = np.subtract(samples, self.level, out=self.buffer[: len(samples)], casting="same_kind")
        self.held = from_level[-1]
        self._put(from_level, last=False)

    def close(self) -> None:
        """End the piece; a sample that rates which do not divide leave open repeats the one before."""
        self._put(np.full(self.edge_samples, self.held, np.float32), last=True)

    def _put(self, from_level: NDArray[np.float32], *, last: bool) -> None:
        found = from_level if self.stream is None else self.stream.resample_chunk(from_level, last=last)
        room = self.out[self.filled : self.filled + len(found)]
        np.add(found[: len(room)], np.float32(self.level), out=room)
        self.filled += len(room)


def _find_level(samples: NDArray[np.floating]) -> float:
    """The first sample, else the median."""
    some = samples[:: max(1, len(samples) // 1000)]
    middle = float(np.median(some))
    deviation = float(np.median(np.abs(some - middle)))
    return float(samples[0]) if abs(samples[0] - middle) <= FAR * deviation else middle


def resample(samples: NDArray[np.floating], from_hz: float, to_hz: float) -> NDArray[np.float32]:
    """Resample once, anti-aliased: to 100 Hz, ripple of 1e-6 up to 12 Hz and 2e-4 at 40 Hz.

    Parameters
    ----------
    samples : ndarray, shape (n_samples,)
        Signal at `from_hz`.
    from_hz, to_hz : float
        Rates in Hz.

    Returns
    -------
    ndarray of float32
    """
    out = np.empty(round(len(samples) * to_hz / from_hz), np.float32)
    resampler = Resampler(from_hz, to_hz, out)
    resampler.take(samples)
    resampler.close()
    return out
