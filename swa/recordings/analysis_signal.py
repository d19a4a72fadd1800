"""One channel on its way from a file to the analysis signal: stretch by stretch, so that no night is held at its rate.

A night of 8 h at 256 Hz is 59 MB as numbers of 64 bits. Stretches of a few minutes stay in the processor's cache.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from swa.errors import RecordingError
from swa.recordings.channels import Channel
from swa.recordings.extremes import Extremes, count_levels
from swa.recordings.mains import mains_amplitude, mains_power
from swa.recordings.resampling import Resampler
from swa.recordings.signal_source import Block, Piece, first_and_end
from swa.tables.interval import Interval

UV_PER_UNIT = {"uV": 1.0, "mV": 1e3, "V": 1e6}
# Median |amplitude| of a biological signal in µV. Outside, the unit of the header is taken to be wrong. Below lies the
# noise of amplifiers, and EEG in a file that says µV and means mV; above, EEG in a file that says mV and means µV.
PLAUSIBLE_UV = (0.1, 5000.0)
PLAUSIBILITY_SAMPLES = 20_000  # evenly spaced, that the amplitude is judged by


class ChannelIntake:
    """Takes one channel stretch by stretch, and tells at the end whether it was a biological signal.

    Parameters
    ----------
    channel : Channel
        One signal, or one minus another.
    lengths : sequence of int
        Samples of each uninterrupted piece at the channel's rate.
    pieces : sequence of (int, int)
        First and end sample of each piece at `rate_hz`.
    rate_hz : float
        Rate of the analysis signal.
    data_uv, clipped : ndarray of float32 and of bool, shape (n_samples,)
        Where signal and clipped samples go.
    clipped_samples : int
        Consecutive samples at the limit that count as clipped.
    """

    def __init__(
        self,
        channel: Channel,
        lengths: Sequence[int],
        pieces: Sequence[Piece],
        rate_hz: float,
        data_uv: NDArray[np.float32],
        clipped: NDArray[np.bool_],
        clipped_samples: int,
    ) -> None:
        self.channel, self.pieces, self.clipped_samples = channel, pieces, clipped_samples
        self.data_uv, self.clipped = data_uv, clipped
        self.joints = np.cumsum(lengths)[:-1]  # between the pieces, in samples of the channel
        self.step = max(1, sum(lengths) // PLAUSIBILITY_SAMPLES)
        self.rate_hz = rate_hz
        self.taken, self.piece, self.middle = 0, 0, float("nan")
        self.resampler = self._begin_piece()
        self.unfilled = 0  # missing samples at the start, until there is something to fill them with
        self.at_limit: list[list[NDArray[np.int64]]] = [[] for _ in channel.signals]
        self.missing: list[NDArray[np.int64]] = []
        self.seen: list[NDArray[np.float64]] = []
        self.mains: list[NDArray[np.float64]] = []
        self.extremes = [Extremes(self.step) for _ in channel.signals]

    def take(self, blocks: Sequence[Block]) -> None:
        """Take the next stretch: a block of each signal of the channel."""
        samples = blocks[0].samples if len(blocks) == 1 else blocks[0].samples - blocks[1].samples
        is_finite = True
        for runs, extremes, block in zip(self.at_limit, self.extremes, blocks, strict=True):
            if block.at_limit.size:  # a few blocks of a night, if any
                runs.append(first_and_end(block.at_limit + self.taken))
            is_finite &= extremes.take(block.samples, self.taken, block.ends)
        seen = samples[:: self.step]
        self.seen.append(seen[np.isfinite(seen)])
        first = self.taken - self.unfilled
        self.taken += len(samples)
        if self.unfilled or not is_finite:
            samples = self._fill(samples)
        if not len(samples):
            return
        if self.channel.role == "eeg":
            self.mains.append(mains_power(samples, self.channel.rate_hz))
        inside = self.joints[self.piece : np.searchsorted(self.joints, first + len(samples), side="right")]
        for part in np.split(samples, inside - first) if inside.size else (samples,):
            if self.piece < np.searchsorted(self.joints, first, side="right"):
                self.resampler.close()
                self.piece += 1
                self.resampler = self._begin_piece()
            if len(part):
                self.resampler.take(part)
            first += len(part)

    def _begin_piece(self) -> Resampler:
        first, end = self.pieces[self.piece]
        return Resampler(self.channel.rate_hz, self.rate_hz, self.data_uv[first:end])

    def _fill(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """A gap in an `mne.io.Raw` is unusable, and never smeared over the channel by a filter."""
        missing = ~np.isfinite(samples)
        self.missing.append(first_and_end(np.flatnonzero(missing) + self.taken - len(samples)))
        if not missing.all():
            self.middle = float(np.median(samples[~missing]))
        if np.isnan(self.middle):
            self.unfilled += len(samples)
            return samples[:0]
        filled = np.concatenate([np.full(self.unfilled, self.middle), np.where(missing, self.middle, samples)])
        self.unfilled = 0
        return filled

    def finish(self, name: str) -> float:
        """Flag what is clipped or missing, and bring the signal to µV.

        Parameters
        ----------
        name : str
            The recording's, for messages.

        Returns
        -------
        float
            RMS amplitude of the mains, µV; NaN of what is no EEG.

        Raises
        ------
        RecordingError
            There are no samples, no unit, or amplitudes that no biological signal has.
        """
        gain = self._uv_per_unit(name)
        self.resampler.close()
        for runs in (*self.at_limit, *(extremes.runs() for extremes in self.extremes)):
            self._flag(runs, self.clipped_samples)
        self._flag(self.missing, 1)
        if sum(end - first for first, end in self.pieces) < len(self.data_uv):
            recorded = np.zeros(len(self.data_uv), bool)
            for first, end in self.pieces:
                recorded[first:end] = True
            self.data_uv[~recorded] = self.data_uv[recorded].mean(dtype=float)
        if gain != 1:
            self.data_uv *= np.float32(gain)
        return mains_amplitude(np.concatenate(self.mains)) * gain if self.mains else float("nan")

    def levels(self) -> int:
        """In how many different values the signal is resolved (`count_levels`); 0 of what is no EEG."""
        return count_levels(np.concatenate([*self.seen, np.empty(0)])) if self.channel.role == "eeg" else 0

    def _flag(self, runs: Sequence[NDArray[np.int64]], shortest: int) -> None:
        """Flag runs of at least `shortest` samples, none across a joint, at the rate of the analysis.

        A sample there is flagged when any that it stands for is.
        """
        known = np.concatenate([*runs, np.empty((0, 2), np.int64)])
        edges = [0, *self.joints, self.taken]
        for (first_sample, end_sample), start, end in zip(self.pieces, edges[:-1], edges[1:], strict=True):
            own = np.clip(known, start, end) - start
            own = own[own[:, 1] > own[:, 0]]
            if not len(own):
                continue
            apart = own[1:, 0] > own[:-1, 1]  # others go on from one block to the next
            begins, ends = own[np.append(True, apart), 0], own[np.append(apart, True), 1]
            long = ends - begins >= shortest
            to = end_sample - first_sample
            at = np.minimum(begins[long] * to // (end - start), to - 1)
            until = np.minimum(np.maximum(-(ends[long] * to // (start - end)), at + 1), to)
            for a, b in zip(at + first_sample, until + first_sample, strict=True):
                self.clipped[a:b] = True

    def _uv_per_unit(self, name: str) -> float:
        channel, seen = self.channel, np.concatenate([*self.seen, np.empty(0)])
        where = f"{name}, channel {channel.name} ({' minus '.join(channel.labels)})"
        if not len(seen):
            raise RecordingError(f"{where}: holds no samples.", "Leave the channel out with [channels] roles.")
        middle, low, high = np.percentile(seen, [50, 5, 95])
        found = f"5th to 95th percentile {Interval(low, high):.4g}"
        if channel.unit not in UV_PER_UNIT:
            raise RecordingError(
                f"{where}: the header gives no usable unit ({channel.unit_written!r}; expected uV, mV or V; {found}).",
                f'Say what it is in the settings: [channels] units = {{ "{channel.labels[0]}" = "uV" }}.',
            )
        typical = float(np.median(np.abs(seen - middle))) * UV_PER_UNIT[channel.unit]
        if typical != 0 and not PLAUSIBLE_UV[0] <= typical <= PLAUSIBLE_UV[1]:
            raise RecordingError(
                f"{where}: amplitudes are not those of a biological signal in {channel.unit} ({found} {channel.unit}).",
                f'If the unit in the header is wrong, say so: [channels] units = {{ "{channel.labels[0]}" = "uV" }}.',
            )
        return UV_PER_UNIT[channel.unit]
