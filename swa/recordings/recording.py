"""Recordings: what a file holds, and its signals in µV at one rate, read channel group by channel group."""

import datetime
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from swa.errors import RecordingError
from swa.recordings.analysis_signal import UV_PER_UNIT, ChannelIntake
from swa.recordings.channels import TOO_SLOW, Channel, SignalInfo, assign_channels
from swa.recordings.edf.damage import cut_blocks, cut_damage
from swa.recordings.edf.fields import read_filters
from swa.recordings.edf.header import Header, header_notes, read_header, signal_infos
from swa.recordings.edf.header_doubts import doubt_header
from swa.recordings.edf.joined import JoinedSource, read_joined
from swa.recordings.edf.record_times import SHORTEST_PIECE_S
from swa.recordings.edf.samples import EdfSource
from swa.recordings.formats import READ_BY_MNE, ending_of, parts_of
from swa.recordings.labels import SHORT_LEAD, is_short_lead
from swa.recordings.limits import check_length
from swa.recordings.mne_raw import RawSource, describe_filters, open_raw, read_marks, start_of
from swa.recordings.signal_source import Piece, SignalSource
from swa.settings import Settings, given_or_default
from swa.tables.night_document import HeaderFacts
from swa.tables.reason import Reason

if TYPE_CHECKING:
    import mne

MOST_NAMED = 12  # signals in a message
GROUP_SIZE = 8
ANALYSED = ("eeg", "eog", "emg")


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
        Samples where the recording sat at its physical or digital limit, or at its own largest or smallest value where
        values pile up there (`swa.recordings.extremes`).
    mains_uv : ndarray, shape (n_channels,), read-only
        RMS amplitude of the mains at the native rate (`swa.recordings.mains.mains_amplitude`), µV; NaN of what is no
        EEG.
    levels : ndarray of int, shape (n_channels,), read-only
        Different values in the middle nine tenths of some samples of each (`swa.recordings.extremes.count_levels`); 0
        of what is no EEG.
    rate_hz : float
        Rate of both.
    pieces : tuple of (int, int)
        First and end sample of each uninterrupted piece. Between them the recording was interrupted, and the signals
        stand still at their mean: no filter, window or wave may cross that.
    problems : dict of str to RecordingError
        Channels that could not be read, and why.
    """

    channels: tuple[Channel, ...]
    data_uv: NDArray[np.float32]
    clipped: NDArray[np.bool_]
    mains_uv: NDArray[np.float64]
    levels: NDArray[np.int64]
    rate_hz: float
    pieces: tuple[Piece, ...]
    problems: dict[str, RecordingError] = field(default_factory=dict)


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
    clock : datetime.time or None
        Time of day of the first sample, which is often known where the date is hidden.
    duration_s : float
        Length in s, gaps included.
    gaps : tuple of (float, float)
        Start and end of each interruption (EDF+D), in s from the first sample.
    rate_hz : float
        Rate of the analysis signal in Hz.
    channels : tuple of Channel
        Every signal of the file with its role, derivation, and the reason for both.
    notes : tuple of str
        What was found and repaired.
    has_patient_fields : bool or None
        Whether the header's fields about the patient say anything; what they say never leaves the file.
    clipped_samples : int
        Consecutive samples at the recording's limit that count as clipped.
    missing_s : float
        How much of what the header states the file does not hold, in s.
    doubts : tuple of Reason
        What the header says that can hardly be right.
    header_facts : dict of str to dict
        Per EEG channel what nights are compared by: `transducer`, `prefilter`, `physical_range_uv`, `rate_hz` and
        `derivation`. Nothing of the patient.
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
    clock: datetime.time | None = None
    gaps: tuple[tuple[float, float], ...] = ()
    has_patient_fields: bool | None = None
    clipped_samples: int = 3
    missing_s: float = 0.0
    doubts: tuple[Reason, ...] = ()
    header_facts: Mapping[str, HeaderFacts] = field(default_factory=dict, repr=False)
    source: SignalSource = field(repr=False)

    def __repr__(self) -> str:
        roles = Counter(channel.role for channel in self.channels)
        signals = ", ".join(f"{count} {role.upper()}" for role, count in roles.items() if role != "ignore")
        begin = "" if self.start is None else f", from {self.start:%Y-%m-%d %H:%M}"
        gaps = f", {len(self.gaps)} gap{'s' * (len(self.gaps) > 1)}" if self.gaps else ""
        return f"<Recording {self.name}: {self.duration_s / 3600:.2f} h{begin}{gaps}; {signals or 'no known signal'}>"

    def _repr_html_(self) -> str:
        """For notebooks: the signals, what each was taken for and why, and the notes."""
        columns = {"channel": "name", "role": "role", "rate (Hz)": "rate_hz", "unit": "unit", "derivation": "note"}
        rows = [
            "".join(f"<td>{escape(str(getattr(channel, name)))}</td>" for name in columns.values())
            for channel in self.channels
        ]
        head = "".join(f"<th>{name}</th>" for name in columns)
        table = f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return f"<p>{escape(repr(self).strip('<>'))}</p>{table}" + (f"<ul>{notes}</ul>" if notes else "")

    @property
    def n_samples(self) -> int:
        """Samples of the analysis signal."""
        return round(self.duration_s * self.rate_hz)

    @property
    def pieces_s(self) -> tuple[tuple[float, float], ...]:
        """Start and end of each uninterrupted piece, in s from the first sample."""
        edges_s = [0.0, *(edge_s for gap in self.gaps for edge_s in gap), self.duration_s]
        return tuple(
            (start_s, end_s) for start_s, end_s in zip(edges_s[::2], edges_s[1::2], strict=True) if end_s > start_s
        )

    def pieces(self, rate_hz: float) -> tuple[Piece, ...]:
        """First and end sample of each uninterrupted piece at a rate in Hz."""
        return tuple((round(start_s * rate_hz), round(end_s * rate_hz)) for start_s, end_s in self.pieces_s)

    def gap_share_per(self, epoch_s: float) -> NDArray[np.float64]:
        """Share of each whole epoch that was not recorded.

        Parameters
        ----------
        epoch_s : float
            Length of an epoch in s.

        Returns
        -------
        ndarray, shape (n_epochs,)
            0 to 1; the epochs are counted from the first sample.
        """
        edges_s = np.arange(int(self.duration_s / epoch_s + 1e-6) + 1) * epoch_s
        missing_s = np.zeros(len(edges_s) - 1)
        for start_s, end_s in self.gaps:
            missing_s += np.diff(np.clip(edges_s, start_s, end_s))
        return missing_s / epoch_s

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

    def low_pass_hz(self, channel: Channel) -> float | None:
        """Low-pass that the header names for a channel (``LP:70Hz``; the lowest, of a derivation); None without one."""
        facts = self.header_facts.get(channel.name)
        _, low_pass_hz = read_filters(facts["prefilter"] if facts else "")
        return low_pass_hz if math.isfinite(low_pass_hz) else None

    def read(self, channels: Sequence[Channel], rate_hz: float | None = None) -> SignalGroup:
        """Signals of the given channels in µV, resampled once to `rate_hz` (default: the analysis rate).

        A channel that cannot be read is left out, with its reason in `SignalGroup.problems`. Each piece of an
        interrupted recording is resampled for itself and stands at its true time, to the nearest sample; in the gaps
        the signal stands still at the channel's mean, which is what YASA sees there.
        """
        rate_hz = rate_hz or self.rate_hz
        n_samples = round(self.duration_s * rate_hz)
        pieces = self.pieces(rate_hz)
        data = np.zeros((len(channels), n_samples), np.float32)
        clipped = np.zeros((len(channels), n_samples), bool)
        mains_uv = np.full(len(channels), np.nan)
        levels = np.zeros(len(channels), np.int64)
        intakes: dict[int, ChannelIntake] = {}
        problems: dict[str, RecordingError] = {}
        for row, channel in enumerate(channels):
            lengths = [round((end_s - start_s) * channel.rate_hz) for start_s, end_s in self.pieces_s]
            try:
                for position in channel.signals:
                    self.source.check(position)
            except RecordingError as error:
                problems[channel.name] = error
                continue
            intakes[row] = ChannelIntake(
                channel, lengths, pieces, rate_hz, data[row], clipped[row], self.clipped_samples
            )
        positions = sorted({position for intake in intakes.values() for position in intake.channel.signals})
        for blocks in self.source.blocks(positions) if positions else ():
            of_signal = dict(zip(positions, blocks, strict=True))
            for intake in intakes.values():
                intake.take([of_signal[position] for position in intake.channel.signals])
        for row, intake in list(intakes.items()):
            try:
                mains_uv[row] = intake.finish(self.name)
                levels[row] = intake.levels()
            except RecordingError as error:
                problems[intake.channel.name] = error
                del intakes[row]
        kept = list(intakes)
        if len(kept) < len(channels):
            data, clipped, mains_uv, levels = data[kept], clipped[kept], mains_uv[kept], levels[kept]
        for array in (data, clipped, mains_uv, levels):
            array.flags.writeable = False
        return SignalGroup(
            channels=tuple(channels[row] for row in kept),
            data_uv=data,
            clipped=clipped,
            mains_uv=mains_uv,
            levels=levels,
            rate_hz=rate_hz,
            pieces=pieces,
            problems=problems,
        )

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

        Returns
        -------
        Recording

        Raises
        ------
        RecordingError
            mne has read it from an interrupted EDF+D or BDF+D, whose pieces it joins without a word; or nothing of it
            was recorded.

        Notes
        -----
        ``BAD_ACQ_SKIP`` (the acquisition was off) is a gap, and nothing is filtered across it, nor across an ``EDGE
        boundary`` or ``BAD boundary``, where two recordings were joined. Other segments whose description begins with
        ``bad`` are unusable, as everywhere in mne, and the samples stay for the staging. Channels in
        ``raw.info["bads"]``, and those that mne knows to be something else (``stim``, ``resp``, ...), are left alone
        unless the settings give them a role.

        Examples
        --------
        An array in µV becomes a recording through `mne.io.RawArray`, which takes V:

        >>> import mne, numpy as np, swa
        >>> signal_uv = np.random.default_rng(0).normal(size=(1, 60_000))
        >>> raw = mne.io.RawArray(signal_uv * 1e-6, mne.create_info(["C4-M1"], 100.0, "eeg"), verbose="error")
        >>> swa.Recording.from_raw(raw).duration_s
        600.0
        """
        settings = given_or_default(settings, Settings)
        _refuse_joined_pieces(raw, name)
        marks = read_marks(raw)
        rate_hz = float(raw.info["sfreq"])
        check_length(name, raw.n_times / rate_hz)
        kept = marks.pieces(raw.n_times, round(SHORTEST_PIECE_S * rate_hz))
        if not kept:
            raise RecordingError(f"{name}: nothing of it was recorded.", "Look at its BAD_ACQ_SKIP annotations.")
        infos = [SignalInfo(label=label, rate_hz=rate_hz, unit="V") for label in raw.ch_names]
        left_alone = {label: why for label, why in marks.ignored.items() if label not in settings.channels.roles}
        roles = settings.channels.roles | dict.fromkeys(left_alone, "ignore")
        channels = assign_channels(infos, settings.channels.model_copy(update={"roles": roles}))
        channels = tuple(
            replace(channel, note=left_alone[channel.labels[0]])
            if channel.role == "ignore" and channel.labels[0] in left_alone
            else channel
            for channel in channels
        )
        edges = [0, *(edge for piece in kept for edge in piece), raw.n_times]
        gaps = zip(edges[::2], edges[1::2], strict=True)
        inner = range(
            1, len(kept)
        )  # two pieces that touch are a gap of no length, which a filter does not cross either
        return cls(
            name=name,
            path=None,
            start=start_of(raw),
            duration_s=float(raw.n_times / rate_hz),
            gaps=tuple((a / rate_hz, b / rate_hz) for i, (a, b) in enumerate(gaps) if a < b or i in inner),
            rate_hz=settings.signal.rate_hz,
            channels=channels,
            notes=(*marks.notes(rate_hz), *_channel_notes(channels)),
            clipped_samples=settings.artifacts.clipped_samples,
            source=RawSource(raw, kept, marks.bad),
        )

    def to_raw(self) -> "mne.io.BaseRaw":
        """`mne.io.Raw` of the channels that are analysed, in V at the analysis rate.

        Returns
        -------
        mne.io.RawArray
            EEG, EOG, EMG and ECG under their names here, derivations made. Gaps are annotated ``BAD_ACQ_SKIP``, and
            clipped samples of a channel ``BAD_clipped``. Channels that cannot be read are missing.
        """
        import mne

        channels = [channel for channel in self.channels if channel.role in (*ANALYSED, "ecg")]
        group = self.read(channels)
        info = mne.create_info([c.name for c in group.channels], group.rate_hz, [c.role for c in group.channels])
        raw = mne.io.RawArray(group.data_uv * 1e-6, info, verbose="error")
        if self.start is not None:
            raw.set_meas_date(self.start.replace(tzinfo=datetime.UTC))
        spans: list[tuple[float, float, str, tuple[str, ...]]] = [
            (start_s, end_s, "BAD_ACQ_SKIP" if end_s > start_s else "EDGE boundary", ()) for start_s, end_s in self.gaps
        ]
        for channel, clipped in zip(group.channels, group.clipped, strict=True):
            edges = np.flatnonzero(np.diff(clipped.astype(np.int8), prepend=0, append=0)).reshape(-1, 2) / group.rate_hz
            spans += [(start_s, end_s, "BAD_clipped", (channel.name,)) for start_s, end_s in edges]
        onsets, ends, texts, names = zip(*spans, strict=True) if spans else ((), (), (), ())
        durations = np.subtract(ends, onsets)
        raw.set_annotations(mne.Annotations(onsets, durations, texts, raw.info["meas_date"], names))
        return raw


def read_recording(path: str | Path, settings: Settings | None = None) -> Recording:
    """Read what a recording holds. Samples are read later, by `Recording.groups`.

    Parameters
    ----------
    path : str or Path
        An EDF, EDF+, BDF or BDF+, whatever its name and also packed (``.edf.gz``); or, through mne, a recording of
        BrainVision (``.vhdr``), EEGLAB (``.set``), EGI (``.mff``) or FIF.
    settings : Settings, optional
        Roles and units of channels, and the analysis rate.

    Returns
    -------
    Recording
        What its header got wrong and could be mended stands in `notes`.

    Raises
    ------
    RecordingError
        The file is not there, is no such recording, holds no signals, or does not tell where its samples belong.

    See Also
    --------
    Recording.from_raw : a recording of any other format, through mne.

    Examples
    --------
    >>> import swa
    >>> recording = swa.read_recording("night.edf")
    >>> [channel.name for channel in recording.of_role("eeg")]
    ['F3-M2', 'C4-M1']
    >>> recording.duration_s / 3600, recording.rate_hz
    (1.5, 100.0)
    >>> signals = next(recording.groups("eeg"))  # µV, up to eight channels at a time
    >>> signals.data_uv.shape
    (2, 540000)
    """
    settings = given_or_default(settings, Settings)
    path = Path(path)
    if kind := READ_BY_MNE.get(ending_of(path.name)):
        return _read_through_mne(path, kind, settings)
    source = _read_edf(path)
    header = source.header
    channels = assign_channels(signal_infos(header), settings.channels)
    used = {position: channel.unit for channel in channels if channel.role in ANALYSED for position in channel.signals}
    return Recording(
        name=header.path.name,
        path=header.path,
        start=header.start,
        clock=header.clock,
        duration_s=header.times.duration_s,
        gaps=header.times.gaps,
        rate_hz=settings.signal.rate_hz,
        channels=channels,
        notes=(*header.notes, *header_notes(header, used), *_channel_notes(channels)),
        has_patient_fields=header.has_patient_fields,
        clipped_samples=settings.artifacts.clipped_samples,
        missing_s=header.missing_s,
        doubts=doubt_header(header, channels),
        header_facts={channel.name: _header_facts(header, channel) for channel in channels if channel.role == "eeg"},
        source=source,
    )


def leave_out_blocks(recording: Recording) -> Recording:
    """Make gaps of what blocks of the file spoil that hold zeros or stand twice; the whole file is read.

    Parameters
    ----------
    recording : Recording
        The recording.
    """
    whole = recording.source
    if isinstance(whole, EdfSource):
        source: EdfSource | JoinedSource = EdfSource(cut_blocks(whole.header))
    elif isinstance(whole, JoinedSource):
        used = (channel for channel in recording.channels if channel.role in ANALYSED)
        source = whole.without_blocks({position for channel in used for position in channel.signals})
    else:
        return recording
    new = source.header.notes[len(whole.header.notes) :]
    gaps = source.header.times.gaps
    return replace(recording, source=source, gaps=gaps, notes=(*recording.notes, *new))


def _read_edf(path: Path) -> EdfSource | JoinedSource:
    """Header and samples of an EDF or BDF; of the first of files of one signal each, those of all of them."""
    parts = parts_of(path)
    if len(parts) > 1 and parts[0] == path.resolve():
        return read_joined(parts)
    return EdfSource(cut_damage(read_header(path)))


def _read_through_mne(path: Path, kind: str, settings: Settings) -> Recording:
    raw = open_raw(path, kind)
    recording = Recording.from_raw(raw, settings, path.name)
    return replace(
        recording,
        path=path,
        clock=None if recording.start is None else recording.start.time(),
        has_patient_fields=bool(raw.info["subject_info"]),
        header_facts={
            channel.name: {
                "transducer": "",
                "prefilter": describe_filters(raw),
                "physical_range_uv": None,
                "rate_hz": channel.rate_hz,
                "derivation": channel.note,
            }
            for channel in recording.of_role("eeg")
        },
    )


def _channel_notes(channels: Sequence[Channel]) -> list[str]:
    """What a reader of the numbers should know of the derivations."""
    short = [channel.name for channel in channels if channel.role == "eeg" and is_short_lead(channel.name)]
    return [f"{', '.join(short)}: {SHORT_LEAD}; kept out of regional means with other channels"] if short else []


def _header_facts(header: Header, channel: Channel) -> HeaderFacts:
    """What the header says about how a channel was recorded; of a derivation, what it says about both signals."""
    signals = [header.signals[position] for position in channel.signals]
    ranges = [abs(signal.physical[1] - signal.physical[0]) for signal in signals if signal.physical]
    return {
        "transducer": " / ".join(dict.fromkeys(signal.transducer[:60] for signal in signals)),
        "prefilter": " / ".join(dict.fromkeys(signal.prefilter for signal in signals)),
        "physical_range_uv": round(max(ranges) * UV_PER_UNIT[channel.unit], 3)
        if ranges and channel.unit in UV_PER_UNIT
        else None,
        "rate_hz": channel.rate_hz,
        "derivation": channel.note,
    }


def no_eeg(recording: Recording) -> RecordingError:
    """The error of a recording without an EEG channel: its signals, or those of EEG that are too slow.

    Parameters
    ----------
    recording : Recording
        The recording.
    """
    slow = [channel for channel in recording.channels if channel.is_slow_eeg]
    if slow:
        named = ", ".join(f"{channel.labels[0]} ({channel.rate_hz:g} Hz)" for channel in slow[:MOST_NAMED])
        return RecordingError(
            f"{recording.name}: no EEG channel is fast enough: {named}; EEG {TOO_SLOW}.",
            "Export the recording at the rate at which it was recorded.",
        )
    named = ", ".join(label for channel in recording.channels[:MOST_NAMED] for label in channel.labels[:1])
    return RecordingError(
        f"{recording.name}: no EEG channel was recognised among its {len(recording.channels)} signals ({named}).",
        'Name the EEG in the settings: [channels] roles = { "label" = "eeg" }.',
    )


def as_recording(recording: "Recording | mne.io.BaseRaw", settings: Settings | None = None) -> Recording:
    """Take a recording as it is, or make one of an `mne.io.Raw`."""
    if isinstance(recording, Recording):
        return recording
    # Epochs and averages of mne have data and info as well, but lost the time line of the night.
    if not all(hasattr(recording, name) for name in ("get_data", "info", "filenames", "first_samp")):
        raise RecordingError(
            f"Expected a Recording or an mne.io.Raw of the whole night, got {type(recording).__name__}.",
            "Read a file with swa.read_recording, or put an array into mne.io.RawArray.",
        )
    return Recording.from_raw(recording, settings)


def _refuse_joined_pieces(raw: "mne.io.BaseRaw", name: str) -> None:
    """Refuse what mne read from an interrupted EDF+D: it joins the pieces, so that times after a gap are wrong."""
    for file in raw.filenames:
        if file is None or Path(file).suffix.lower() not in (".edf", ".bdf") or not Path(file).is_file():
            continue
        try:
            gaps = read_header(file).times.gaps
        except RecordingError:  # what mne can read and we cannot is none of the business here
            continue
        if gaps:
            raise RecordingError(
                f"{name}: mne has joined the pieces of an interrupted recording ({len(gaps)} gaps), so that its times "
                "are wrong.",
                "Give the path to read_recording, which keeps the gaps in place.",
            )
