"""Recordings: what a file holds, and its signals in µV at one rate, read channel group by channel group."""

import contextlib
import datetime
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from swa.errors import RecordingError
from swa.recordings.channels import Channel, SignalInfo, assign_channels
from swa.settings import Settings

if TYPE_CHECKING:
    import edfio
    import mne

UV_PER_UNIT = {"uV": 1.0, "mV": 1e3, "V": 1e6}
# Median |amplitude| of a biological signal in µV. Outside, the unit of the header is taken to be wrong. Below lies the
# noise of amplifiers, and EEG in a file that says µV and means mV; above, EEG in a file that says mV and means µV.
PLAUSIBLE_UV = (0.1, 5000.0)
PLAUSIBILITY_SAMPLES = 100_000  # evenly spaced, that the amplitude is judged by
GROUP_SIZE = 8


@dataclass(frozen=True, kw_only=True)
class SignalGroup:
    """A few channels of one recording, in memory.

    Attributes
    ----------
    channels : tuple of Channel
        The channels that could be read, in order.
    data_uv : ndarray of float32, shape (n_channels, n_samples), read-only
        Signals in µV at `rate_hz`.
    clipped : ndarray of bool, shape (n_channels, n_samples), read-only
        Samples where the recording sat at its physical or digital limit.
    rate_hz : float
        Rate of both.
    problems : dict of str to RecordingError
        Channels that could not be read, and why.
    """

    channels: tuple[Channel, ...]
    data_uv: NDArray[np.float32]
    clipped: NDArray[np.bool_]
    rate_hz: float
    problems: dict[str, RecordingError] = field(default_factory=dict)


class SignalSource(Protocol):
    """Where samples come from: a file, or an object in memory."""

    def read(self, position: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Samples in the unit of the header, and where they sit at the limit of the recording."""
        ...


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What a recording holds. Samples are read when they are asked for, by `groups`.

    Attributes
    ----------
    name : str
        The file's name, for messages.
    path : Path or None
        The file; None for a recording from memory.
    start : datetime.datetime or None
        Clock time of the first sample; None where the header hides it.
    duration_s : float
        Length in s.
    rate_hz : float
        Rate of the analysis signal in Hz.
    channels : tuple of Channel
        Every signal of the file with its role, derivation, and the reason for both.
    notes : tuple of str
        What was found and repaired.
    clipped_samples : int
        Consecutive samples at the recording's limit that count as clipped.
    source : SignalSource
        Where the samples are read from.
    """

    name: str
    path: Path | None
    start: datetime.datetime | None
    duration_s: float
    rate_hz: float
    channels: tuple[Channel, ...]
    notes: tuple[str, ...] = ()
    clipped_samples: int = 3
    source: SignalSource = field(repr=False)

    @property
    def n_samples(self) -> int:
        """Samples of the analysis signal."""
        return round(self.duration_s * self.rate_hz)

    def of_role(self, role: str) -> tuple[Channel, ...]:
        """Channels of one role: ``eeg``, ``eog``, ``emg``, ``ecg`` or ``ignore``."""
        return tuple(channel for channel in self.channels if channel.role == role)

    def groups(self, role: str = "eeg", size: int = GROUP_SIZE) -> Iterator[SignalGroup]:
        """Signals of one role, a few channels at a time, so that memory does not grow with the number of channels.

        Parameters
        ----------
        role : str
            ``eeg``, ``eog``, ``emg`` or ``ecg``.
        size : int
            Channels of a group.

        Yields
        ------
        SignalGroup
            In the order of `channels`.
        """
        channels = self.of_role(role)
        for first in range(0, len(channels), size):
            yield self.read(channels[first : first + size])

    def read(self, channels: Sequence[Channel], rate_hz: float | None = None) -> SignalGroup:
        """Signals of the given channels in µV, resampled once to `rate_hz` (default: the analysis rate).

        A channel that cannot be read is left out, with its reason in `SignalGroup.problems`.
        """
        rate_hz = rate_hz or self.rate_hz
        n_samples = round(self.duration_s * rate_hz)
        kept: list[Channel] = []
        problems: dict[str, RecordingError] = {}
        data = np.zeros((len(channels), n_samples), np.float32)
        clipped = np.zeros((len(channels), n_samples), bool)
        for channel in channels:
            try:
                samples, limits = _read_channel(self.source, channel, self.name, self.clipped_samples)
            except RecordingError as error:
                problems[channel.name] = error
                continue
            row = len(kept)
            data[row] = _fit(resample(samples, channel.rate_hz, rate_hz), n_samples)
            clipped[row] = _spread(limits, n_samples)
            kept.append(channel)
        data, clipped = data[: len(kept)], clipped[: len(kept)]
        for array in (data, clipped):
            array.flags.writeable = False
        return SignalGroup(channels=tuple(kept), data_uv=data, clipped=clipped, rate_hz=rate_hz, problems=problems)

    @classmethod
    def from_raw(cls, raw: "mne.io.BaseRaw", settings: Settings | None = None, name: str = "recording") -> "Recording":
        """Recording from an `mne.io.Raw` of any format that mne reads.

        Parameters
        ----------
        raw : mne.io.BaseRaw
            Its channel names are the labels; the data are in V, as mne keeps them.
        settings : Settings, optional
            Roles and the analysis rate.
        name : str
            How messages call it.
        """
        settings = settings or Settings()
        rate_hz = float(raw.info["sfreq"])
        infos = [SignalInfo(label=label, rate_hz=rate_hz, unit="V") for label in raw.ch_names]
        start = raw.info["meas_date"]
        return cls(
            name=name,
            path=None,
            start=None if start is None else (start + datetime.timedelta(seconds=raw.first_time)).replace(tzinfo=None),
            duration_s=raw.n_times / rate_hz,
            rate_hz=settings.signal.rate_hz,
            channels=assign_channels(infos, settings.channels),
            clipped_samples=settings.artifacts.clipped_samples,
            source=RawSource(raw),
        )


@dataclass(frozen=True)
class RawSource:
    """Samples of an `mne.io.Raw`."""

    raw: "mne.io.BaseRaw"

    def read(self, position: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Samples in V. The limit of the recording is not known to mne: its extremes stand in for it."""
        samples = self.raw.get_data(picks=[position])[0]
        return samples, (samples == samples.max()) | (samples == samples.min())


@dataclass(frozen=True)
class EdfSource:
    """Samples of an EDF or BDF file.

    Read through edfio rather than mne: mne brings all channels of a call to the highest rate among them, forgets the
    unit of the header and the limits of the converter, and takes 20 times as long to open an annotated night.
    A test holds the samples against mne's.
    """

    path: Path

    def read(self, position: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Samples in the unit of the header, and where they sit at a limit of the converter."""
        signal = open_edf(self.path).signals[position]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                low, high = sorted((signal.digital_min, signal.digital_max))
                digital, samples = signal.digital, signal.data
            except (UserWarning, ValueError):  # equal limits, or limits that are no numbers
                raise RecordingError(
                    f"{self.path.name}, channel {_text(signal.label)}: the header's physical or digital minimum and "
                    "maximum are equal or no numbers, so that samples have no unit.",
                    "Export the recording again, or leave the channel out with [channels] roles.",
                ) from None
        return samples, (digital <= low) | (digital >= high)


def read_recording(path: str | Path, settings: Settings | None = None) -> Recording:
    """Read what a recording holds (EDF, EDF+, BDF, BDF+). Samples are read later, by `Recording.groups`.

    Parameters
    ----------
    path : str or Path
        The file.
    settings : Settings, optional
        Roles and units of channels, and the analysis rate.

    Returns
    -------
    Recording

    Raises
    ------
    RecordingError
        The file is not there, is no EDF or BDF, holds no signals, or has gaps (EDF+D).
    """
    settings = settings or Settings()
    path = Path(path)
    header, notes = read_header(path)
    infos = signal_infos(header)
    if header.num_data_records < 1 or not infos:
        raise RecordingError(
            f"{path.name}: holds {len(infos)} signals and {max(header.num_data_records, 0)} data records.",
            "It is a scoring without signals, or the export stopped before the first record: export it again.",
        )
    if not _is_continuous(header):
        raise RecordingError(
            f"{path.name}: the recording is interrupted (EDF+D with gaps between its data records).",
            "Export it as a continuous EDF+C; a filter or a slow wave must never run across a gap.",
        )
    return Recording(
        name=path.name,
        path=path,
        start=_start(header),
        duration_s=header.num_data_records * header.data_record_duration,
        rate_hz=settings.signal.rate_hz,
        channels=assign_channels(infos, settings.channels),
        notes=notes,
        clipped_samples=settings.artifacts.clipped_samples,
        source=EdfSource(path),
    )


def open_edf(path: Path) -> "edfio.Edf | edfio.Bdf":
    """Open an EDF or BDF without reading samples; edfio's warnings are dealt with once, by `read_header`."""
    import edfio

    with path.open("rb") as file:
        is_bdf = file.read(1) == b"\xff"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if is_bdf:
            return edfio.read_bdf(path, header_encoding="latin-1")
        return edfio.read_edf(path, lazy_load_data=True, header_encoding="latin-1")


def read_header(path: Path) -> tuple["edfio.Edf | edfio.Bdf", tuple[str, ...]]:
    """Open a recording and say in words what its header gets wrong. Never repeats a text field of the header."""
    if not path.is_file():
        raise RecordingError(f"{path.name}: there is no such file.", "Check the path in the study file.")
    size = path.stat().st_size
    try:
        stated, needed = _stated_records(path)
        header = open_edf(path)
        signal_infos(header)
    except Exception as error:  # Whatever edfio meets in a damaged header becomes one sentence.
        raise RecordingError(
            f"{path.name}: not a readable EDF or BDF file ({size} bytes; {type(error).__name__} in its header).",
            "Check that it is a complete EDF or BDF export; other formats can be read with mne and Recording.from_raw.",
        ) from None
    notes = []
    if stated > header.num_data_records:
        missing_s = (stated - header.num_data_records) * header.data_record_duration
        notes.append(f"truncated: {missing_s:.0f} s of the {stated * header.data_record_duration:.0f} s are missing")
    elif 0 <= stated < header.num_data_records or (stated == header.num_data_records and size > needed):
        notes.append("the file holds more data than its header says; whole data records were read")
    elif stated < 0:
        notes.append("the header does not say how long the recording is; all whole data records were read")
    return header, tuple(notes)


def has_patient_fields(path: Path | None) -> bool:
    """Whether the header's patient field says anything; what it says never leaves the file."""
    if path is None:
        return False
    header = open_edf(path)
    return any(part != "X" for part in header.local_patient_identification.split())


def signal_infos(header: "edfio.Edf | edfio.Bdf") -> list[SignalInfo]:
    """Label, rate and unit of each signal, in the order of the file."""
    return [
        SignalInfo(label=_text(signal.label), rate_hz=signal.sampling_frequency, unit=_text(signal.physical_dimension))
        for signal in header.signals
    ]


def resample(samples: NDArray[np.float64], from_hz: float, to_hz: float) -> NDArray[np.float32]:
    """Resample once, with the anti-aliased polyphase filter of scipy (Kaiser window).

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
    if from_hz == to_hz:
        return samples.astype(np.float32)
    from scipy.signal import resample_poly

    ratio = Fraction(to_hz / from_hz).limit_denominator(10_000)
    # The mean is taken off first: a DC offset (referential, DC-coupled amplifiers) would ring at both ends.
    mean = samples.mean()
    return resample_poly((samples - mean).astype(np.float32), ratio.numerator, ratio.denominator) + np.float32(mean)


def _read_channel(
    source: SignalSource, channel: Channel, name: str, clipped_samples: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    samples, at_limit = source.read(channel.signals[0])
    limits = _long_runs(at_limit, clipped_samples)
    if len(channel.signals) == 2:
        reference, at_limit = source.read(channel.signals[1])
        samples = samples - reference
        limits |= _long_runs(at_limit, clipped_samples)
    where = f"{name}, channel {channel.name} ({' minus '.join(channel.labels)})"
    missing = ~np.isfinite(samples)
    if missing.all():
        raise RecordingError(f"{where}: holds no samples.", "Leave the channel out with [channels] roles.")
    known = samples[~missing] if missing.any() else samples
    known = known[:: max(1, len(known) // PLAUSIBILITY_SAMPLES)]
    middle, low, high = np.percentile(known, [50, 5, 95])
    if missing.any():  # a gap in an mne.io.Raw: unusable, and never smeared over the channel by a filter
        samples, limits = np.where(missing, middle, samples), limits | missing
    found = f"5th to 95th percentile {low:.4g} to {high:.4g}"
    if channel.unit not in UV_PER_UNIT:
        raise RecordingError(
            f"{where}: the header gives no usable unit (found {channel.unit!r}, expected uV, mV or V; {found}).",
            f'Say what it is in the settings: [channels] units = {{ "{channel.labels[0]}" = "uV" }}.',
        )
    samples = samples * UV_PER_UNIT[channel.unit]
    typical = float(np.median(np.abs(known - middle))) * UV_PER_UNIT[channel.unit]
    if typical != 0 and not PLAUSIBLE_UV[0] <= typical <= PLAUSIBLE_UV[1]:
        raise RecordingError(
            f"{where}: amplitudes are not those of a biological signal in {channel.unit} ({found} {channel.unit}).",
            f'If the unit in the header is wrong, say so: [channels] units = {{ "{channel.labels[0]}" = "uV" }}.',
        )
    return samples, limits


def _long_runs(at_limit: NDArray[np.bool_], shortest: int) -> NDArray[np.bool_]:
    """Runs of at least `shortest` True samples."""
    if not at_limit.any():
        return np.zeros_like(at_limit)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], at_limit, [False])).astype(np.int8)))
    runs = np.zeros_like(at_limit)
    for first, end in edges.reshape(-1, 2):
        if end - first >= shortest:
            runs[first:end] = True
    return runs


def _fit(samples: NDArray[np.float32], n_samples: int) -> NDArray[np.float32]:
    """Cut or repeat the last sample: rates that do not divide leave a length one off."""
    return np.pad(samples[:n_samples], (0, max(0, n_samples - len(samples))), mode="edge")


def _spread(flags: NDArray[np.bool_], n_samples: int) -> NDArray[np.bool_]:
    """Flags of the native rate at another rate: a sample is flagged when any that it stands for is."""
    hits = np.flatnonzero(flags)
    first = np.minimum((hits * n_samples) // len(flags), n_samples - 1)
    end = np.minimum(np.maximum(-((hits + 1) * n_samples // -len(flags)), first + 1), n_samples)
    edges = np.zeros(n_samples + 1, np.int64)
    np.add.at(edges, first, 1)
    np.add.at(edges, end, -1)
    return np.cumsum(edges[:-1]) > 0


def _text(text: str) -> str:
    """Header text, which is ASCII by the standard and latin-1 or UTF-8 in the wild (opened as latin-1)."""
    with contextlib.suppress(UnicodeDecodeError, UnicodeEncodeError):
        text = text.encode("latin-1").decode("utf-8")
    return " ".join(text.split())


def _start(header: "edfio.Edf | edfio.Bdf") -> datetime.datetime | None:
    """Start by clock, or None where the header hides the date or gets it wrong."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return header.startdatetime
        except ValueError:  # edfio's AnonymizedDateError among them
            return None


def _stated_records(path: Path) -> tuple[int, int]:
    """Number of data records by the header, and the file size that goes with it; (-1, 0) where it is no number."""
    with path.open("rb") as file:
        head = file.read(256)
        try:
            n_signals = int(head[252:256])
            file.seek(256 + 216 * n_signals)
            samples = [int(file.read(8)) for _ in range(n_signals)]
            width = 3 if head[:1] == b"\xff" else 2
            return int(head[236:244]), int(head[184:192]) + int(head[236:244]) * sum(samples) * width
        except (ValueError, OSError):  # no number, or one that leads out of the file
            return -1, 0


def _is_continuous(header: "edfio.Edf | edfio.Bdf") -> bool:
    if header.reserved[:5] not in ("EDF+D", "BDF+D"):
        return True
    try:
        return bool(header.is_continuous)
    except Exception:  # No time-keeping signal, or a damaged one: where the records lie is not known.
        return False
