"""Headers of EDF and BDF files: fixed-width text that labs' software fills in as it likes, read field by field.

Each field is read for itself, so that one wrong field costs no more than what it describes: a channel without limits
is a problem of that channel. What can be mended without doubt is mended with a note. Names, birth dates and the other
text about patient and recording are looked at only to tell whether they are filled, and never kept.

edfio gives up on a file with one wrong field and holds a whole BDF in memory several times over; tests hold the
samples of both readers against each other, and against mne's.
"""

import datetime
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from swa.errors import RecordingError
from swa.recordings.channels import SignalInfo, normalise_unit
from swa.recordings.edf.fields import (
    HIDDEN_DATE,
    read_clock,
    read_date,
    read_long_date,
    read_number,
    read_text,
    show_number,
)
from swa.recordings.edf.packed import Unpacked, read_head, unpack
from swa.recordings.edf.record_times import RecordTimes, onset_bytes, read_onset_s, read_record_times
from swa.recordings.limits import HIGHEST_RATE_HZ, MOST_SIGNALS, check_length

HEAD = 256  # bytes of the fixed part, and of each signal's part
_WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)  # label, transducer, unit, limits (4), filters, samples, reserved
_ANNOTATIONS = ("edf annotations", "bdf annotations")
LAYOUT_RECORDS, LAYOUT_SAMPLES = 64, 8
LARGEST_JUMP = 1.5  # between records over within records, medians: 1 where the layout is right
Digital = NDArray[np.int16] | NDArray[np.int32]
_OTHER_FILES = {
    b"PK\x03\x04": "a zip archive (or an Office file)",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"%PDF": "a PDF",
    b"GDF ": "a GDF file",
    b"\x89HDF": "an HDF5 (or MATLAB 7.3) file",
    b"MATLAB": "a MATLAB file",
    b"<": "an XML or HTML file",
    b"\xef\xbb\xbf": "a text file",
    b"{": "a JSON file",
    b"Brain Vision": "a BrainVision header",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"NOX": "a Nox file",
    b"/annex/": "a git-annex pointer whose content was not fetched",
    b"../": "a git-annex pointer whose content was not fetched",
    b"version https://git-lfs": "a Git LFS pointer whose content was not fetched",
    b"\x00\x00\x00\x00\x00\x00\x00\x00": "filled with zeros, as a broken copy is",
}
_OTHER_FORMATS = "other formats can be read with mne and Recording.from_raw"


@dataclass(frozen=True, kw_only=True)
class SignalHeader:
    """What the header says of one signal.

    Attributes
    ----------
    label, unit : str
        As in the file, in whatever encoding.
    rate_hz : float
        Samples of a data record over its duration.
    first, samples : int
        Where its samples stand in a data record, and how many they are.
    limits : tuple of float or None
        Physical minimum and maximum, digital minimum and maximum; None where the field is no number.
    is_annotations : bool
        Whether it holds annotations in place of samples.
    transducer, prefilter : str
        Electrode and filters, as in the file.
    """

    label: str
    unit: str
    rate_hz: float
    first: int
    samples: int
    limits: tuple[float | None, ...]
    is_annotations: bool
    transducer: str = ""
    prefilter: str = ""

    @property
    def physical(self) -> tuple[float, float] | None:
        """Physical minimum and maximum; None where one of them is no number."""
        low, high = self.limits[:2]
        return (low, high) if low is not None and high is not None else None

    @property
    def digital(self) -> tuple[float, float] | None:
        """Digital minimum and maximum; None where one of them is no number."""
        low, high = self.limits[2:]
        return (low, high) if low is not None and high is not None else None


@dataclass(frozen=True, kw_only=True)
class Header:
    """What the header of an EDF or BDF says, mended.

    Attributes
    ----------
    path : Path
        The file.
    plain : Path
        Where its bytes lie: the file, or what was unpacked of it.
    width : int
        Bytes of a sample: 2 (EDF) or 3 (BDF).
    start : datetime.datetime or None
        Clock time of the first sample; None where the date or the time is hidden or wrong.
    clock : datetime.time or None
        Time of day of the first sample, known more often than its date.
    record_s : float
        Duration of a data record in s.
    n_records : int
        Whole data records of the file.
    missing_s : float
        How much of what the header states the file does not hold, in s.
    samples_per_record : int
        Samples of all signals in one record.
    all_signals : tuple of SignalHeader
        In file order, annotations among them.
    times : RecordTimes
        Where the data records lie on the time line.
    notes : tuple of str
        What was found and mended.
    has_patient_fields : bool
        Whether the fields about the patient say anything.
    """

    path: Path
    plain: Path
    width: int
    start: datetime.datetime | None
    clock: datetime.time | None
    record_s: float
    n_records: int
    missing_s: float
    samples_per_record: int
    all_signals: tuple[SignalHeader, ...]
    times: RecordTimes
    notes: tuple[str, ...]
    has_patient_fields: bool
    fits: bool = True  # whether the size of the file is what the header says
    n_extra: int = 0  # bytes that the file holds beyond what its header says
    unpacked: Unpacked | None = None  # held as long as it is read
    jumps: frozenset[int] = frozenset()  # positions of signals that jump at each border of data records
    beyond: tuple[tuple[int, float], ...] = ()  # positions of signals beyond their digital limits, and for what share

    @property
    def data_offset(self) -> int:
        """Bytes before the first data record."""
        return HEAD * (1 + len(self.all_signals))

    @property
    def record_bytes(self) -> int:
        """Bytes of a data record."""
        return self.samples_per_record * self.width

    @property
    def signals(self) -> tuple[SignalHeader, ...]:
        """The signals that hold samples."""
        return tuple(signal for signal in self.all_signals if not signal.is_annotations)

    @property
    def annotations(self) -> tuple[SignalHeader, ...]:
        """The signals that hold annotations."""
        return tuple(signal for signal in self.all_signals if signal.is_annotations)

    def columns(self, signal: SignalHeader) -> slice:
        """Bytes of a record that hold a signal's samples."""
        return slice(signal.first * self.width, (signal.first + signal.samples) * self.width)

    def read_records(self, first: int, end: int, columns: slice | None = None) -> NDArray[np.uint8]:
        """Bytes of some of the data records, or of some columns of them: (records, bytes).

        They are read, not mapped: a file that shrinks while it is mapped ends the process.

        Raises
        ------
        RecordingError
            The file has become shorter since its header was read.
        """
        n_bytes = self.record_bytes
        begin, stop, _ = (columns or slice(None)).indices(n_bytes)
        found = np.empty((end - first, stop - begin), np.uint8)
        whole = stop - begin == n_bytes
        with self.plain.open("rb") as file:
            for row, into in [(0, found)] if whole else enumerate(found):
                file.seek(self.data_offset + (first + row) * n_bytes + begin)
                if file.readinto(into.data) != into.nbytes:
                    raise file_changed(self.path)
        return found


def read_header(path: str | Path, *, of_scoring: bool = False) -> Header:
    """Read and mend the header of an EDF or BDF, in one pass and without its samples.

    Parameters
    ----------
    path : str or Path
        The file.
    of_scoring : bool
        Only annotations are wanted: the file need not hold signals, and its times are not looked at.

    Raises
    ------
    RecordingError
        The file is not there, is something else, or its header does not tell where its samples stand.
    """
    path = Path(path)
    if path.is_dir():
        raise RecordingError(
            f"{path.name or path}: this is a folder, not a recording.", "Name one file; `swa run` takes whole folders."
        )
    if not path.is_file():
        raise RecordingError(f"{path.name}: there is no such file.", "Check its path.")
    unpacked = unpack(path)
    plain = unpacked.path if unpacked else path
    with plain.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(HEAD)
        width = _sample_width(path, head, size)
        notes: list[str] = []
        n_signals = _count_signals(path, head, size, notes)
        fields = file.read(HEAD * n_signals)
    if len(fields) < HEAD * n_signals:
        raise _unreadable(path, size, f"its header of {n_signals} signals is cut off")
    record_s = read_number(head[244:252])
    signals = _read_signals(path, fields, n_signals, record_s)
    ordinary = [signal for signal in signals if not signal.is_annotations]
    samples_per_record = sum(signal.samples for signal in signals)
    record_bytes = samples_per_record * width
    if record_bytes == 0:
        raise RecordingError(f"{path.name}: holds 0 signals and 0 data records.", _NO_SIGNALS)
    if ordinary and not of_scoring:
        _check_rates(path, head, record_s, ordinary)
    offset = HEAD * (1 + n_signals)
    stated = read_number(head[236:244])
    n_records = _count_records(size - offset, record_bytes, stated, record_s or 0.0, notes)
    # A wrong number of samples leaves at least one sample a record over or out.
    fits = stated == n_records and 0 <= size - offset - n_records * record_bytes < n_records * width
    if n_records < 1 or not (ordinary or of_scoring):
        raise RecordingError(f"{path.name}: holds {len(ordinary)} signals and {n_records} data records.", _NO_SIGNALS)
    header = Header(
        path=path,
        plain=plain,
        unpacked=unpacked,
        width=width,
        start=None,
        clock=None,
        record_s=float(record_s or 0),
        n_records=n_records,
        fits=fits,
        n_extra=max(size - offset - int(stated) * record_bytes, 0) if stated and stated > 0 else 0,
        missing_s=max((stated or 0.0) - n_records, 0.0) * (record_s or 0.0),
        samples_per_record=samples_per_record,
        all_signals=tuple(signals),
        times=RecordTimes.without_gaps(n_records, float(record_s or 0)),
        notes=(),
        has_patient_fields=any(part != "X" for part in read_text(head[8:88]).split()),
    )
    if of_scoring:
        return replace(header, notes=tuple(notes))
    check_length(path.name, n_records * header.record_s)
    if not fits:
        _check_layout(header, size)
    return _place_in_time(header, head, notes)


def file_changed(path: Path) -> RecordingError:
    """Say that a file is not what it was when the reading of it began."""
    return RecordingError(
        f"{path.name}: the file changed while it was read.",
        "Wait until it is copied or written whole, and run again: it is read anew.",
    )


def _check_rates(path: Path, head: bytes, record_s: float | None, signals: Sequence[SignalHeader]) -> None:
    if record_s is None or record_s <= 0 or max(signal.rate_hz for signal in signals) > HIGHEST_RATE_HZ:
        raise RecordingError(
            f"{path.name}: a data record lasts {show_number(head[244:252])} s by its header, so that the rates of "
            f"{len(signals)} signals are unknown.",
            f"Export it again; records need a duration above 0, and signals have at most {HIGHEST_RATE_HZ:g} Hz.",
        )


_NO_SIGNALS = "It is a scoring without signals, or the export stopped before the first record: export it again."


def _place_in_time(header: Header, head: bytes, notes: list[str]) -> Header:
    """Add when the recording starts and where its data records lie."""
    timekeeping = next((signal for signal in header.all_signals if signal.is_annotations), None)
    times, first_s = header.times, 0.0
    interrupted = read_text(head[192:197]) in ("EDF+D", "BDF+D")
    if timekeeping is not None:
        columns = onset_bytes(header.columns(timekeeping))

        def read_heads(first: int, end: int) -> NDArray[np.uint8]:
            return header.read_records(first, end, columns)

        times = read_record_times(
            read_heads, header.n_records, header.record_s, header.path.name, interrupted=interrupted
        )
        first_s = read_onset_s(read_heads(0, 1)[0]) or 0.0
        notes += times.notes
    elif interrupted:
        raise RecordingError(
            f"{header.path.name}: the recording is interrupted (EDF+D), and the times of its data records are missing.",
            "Export it as a continuous EDF+C.",
        )
    start, clock = _read_start(head, first_s, notes)
    return replace(header, start=start, clock=clock, times=times, notes=tuple(notes))


def signal_infos(header: Header) -> list[SignalInfo]:
    """Label, rate and unit of each signal, in the order of the file."""
    return [SignalInfo(label=signal.label, rate_hz=signal.rate_hz, unit=signal.unit) for signal in header.signals]


def header_notes(header: Header, used: Mapping[int, str]) -> list[str]:
    """What had to be interpreted in the headers of the signals that are analysed.

    Parameters
    ----------
    header : Header
        The header.
    used : dict of int to str
        Positions of the signals, and the units that they are read in.
    """
    found: dict[str, list[str]] = {}
    for position, unit in used.items():
        signal = header.signals[position]
        written = re.sub(r"[µμ]", "u", signal.unit)
        if unit and written != unit and normalise_unit(signal.unit) == unit:
            found.setdefault(f"unit written {signal.unit!r}, read as {unit}", []).append(signal.label)
        if signal.physical is None or signal.digital is None:
            continue
        if signal.physical[0] > signal.physical[1]:
            found.setdefault(
                "physical minimum above the maximum: an inverting amplifier, read with the polarity of the header", []
            ).append(signal.label)
        limit = 2 ** (8 * header.width - 1)
        if (signal.digital[0] < -limit or signal.digital[1] >= limit) and signal.digital[0] < 0:
            found.setdefault(
                f"digital limits beyond {8 * header.width} bit: read by the scale of the header, clipped where the "
                "file's own limit is",
                [],
            ).append(signal.label)
    return [f"{note} ({', '.join(labels[:6])}{', …' if len(labels) > 6 else ''})" for note, labels in found.items()]


def _check_layout(header: Header, size: int) -> None:
    """Refuse a header that does not fit its file: a wrong number of samples would mix the channels.

    Asked only where the size of the file is not what the header says. In EDF+ the first record carries its time where
    the header says; elsewhere the signals must run on from record to record as they do within records. What comes later
    is looked at in `edf.damage`.
    """
    records = header.read_records(0, min(LAYOUT_RECORDS, header.n_records))
    wrong = _unreadable(header.path, size, "the samples do not stand where its header says")
    timekeeping = next((signal for signal in header.all_signals if signal.is_annotations), None)
    if timekeeping is not None:
        head = header.read_records(0, 1, header.columns(timekeeping))[0]
        if read_onset_s(head) is not None:
            return  # where the others have none, bytes were lost on the way (`edf.damage`)
        if head.any():
            raise wrong
    jumps: list[float] = []
    for signal in header.signals:
        digital = decode(records[:, header.columns(signal)], header.width).reshape(len(records), -1).astype(np.float64)
        if digital.shape[1] >= LAYOUT_SAMPLES and len(records) >= LAYOUT_SAMPLES and np.ptp(digital):
            within = np.median(np.abs(np.diff(digital, axis=1)))
            jumps.append(float(np.median(np.abs(digital[1:, 0] - digital[:-1, -1])) / (within + 1)))
    # The median of n jumps scatters by about 1.2 / sqrt(n) of itself where the layout is right.
    if jumps and np.median(jumps) > max(LARGEST_JUMP, 1 + 4 / np.sqrt(len(records))):
        raise wrong


def decode(raw: NDArray[np.uint8], width: int) -> Digital:
    """Little-endian integers of 2 or 3 bytes."""
    raw = np.ascontiguousarray(raw).reshape(-1)
    if width == 2:
        return raw.view("<i2").astype(np.int16, copy=False)
    low, middle, high = raw.reshape(-1, 3).T
    digital = high.view(np.int8).astype(np.int32) << 16
    digital |= middle.astype(np.int32) << 8
    digital |= low
    return digital


# --- fields


def _unreadable(path: Path, size: int, reason: str) -> RecordingError:
    return RecordingError(
        f"{path.name}: not a readable EDF or BDF file ({size} bytes; {reason}).",
        f"Check that it is a complete EDF or BDF export; {_OTHER_FORMATS}.",
    )


def _sample_width(path: Path, head: bytes, size: int) -> int:
    """Bytes of a sample.

    Raises
    ------
    RecordingError
        It is neither an EDF nor a BDF.
    """
    if size == 0:
        raise _unreadable(path, size, "it is empty")
    for beginning, what in _OTHER_FILES.items():
        if head.startswith(beginning):
            raise _unreadable(path, size, f"it is {what}")
    if len(head) < HEAD:
        raise _unreadable(path, size, "shorter than any header")
    if is_eyelink(head):
        raise _unreadable(path, size, "it is a recording of an EyeLink eye tracker, whose files end in .edf too")
    if width := sample_width(head):
        return width
    raise _unreadable(path, size, "it does not begin as one")


def sample_width(head: bytes) -> int:
    """Bytes of a sample, from three signs of which two must agree: 2 for EDF, 3 for BDF, 0 for anything else."""
    if len(head) < HEAD:
        return 0
    bdf_signs = (head[:1] == b"\xff", head[1:8] == b"BIOSEMI", head[192:195] == b"BDF" or head[192:197] == b"24BIT")
    edf_signs = (head[:1] == b"0", not head[1:8].strip(b" \0"), head[192:195] == b"EDF" or not head[192:236].strip())
    if sum(bdf_signs) >= 2:
        return 3
    return 2 if sum(edf_signs) >= 2 and not any(bdf_signs) else 0


def is_eyelink(head: bytes) -> bool:
    """Whether a file begins as those of EyeLink eye trackers, whose name for their format is EDF as well."""
    return b"EYELINK" in head[:HEAD].upper() or b"SR_RESEARCH" in head[:HEAD].upper()


def holds_annotations_alone(header: bytes) -> bool:
    """Whether no signal of an EDF or BDF has samples: a scoring, or a list of events."""
    count = read_number(header[252:256]) if sample_width(header) else None
    labels = [header[HEAD + 16 * i : HEAD + 16 * (i + 1)] for i in range(int(count or 0))]
    return bool(labels) and all(read_text(label).casefold() in _ANNOTATIONS for label in labels)


def _count_signals(path: Path, head: bytes, size: int, notes: list[str]) -> int:
    """Number of signals, which the header says twice."""
    stated, length = read_number(head[252:256]), read_number(head[184:192])
    by_length = length / HEAD - 1 if length is not None else None
    candidates = [n for n in (stated, by_length) if n is not None and n == int(n) and 0 <= n <= MOST_SIGNALS]
    if not candidates:
        raise _unreadable(path, size, "its header does not say how many signals there are")
    if len(set(candidates)) > 1:
        raise _unreadable(path, size, f"its header speaks of {candidates[0]:g} and of {candidates[1]:g} signals")
    if len(candidates) == 1:
        notes.append(f"the header gives the number of signals only once ({candidates[0]:g}); that was used")
    return int(candidates[0])


def _read_signals(path: Path, fields: bytes, n_signals: int, record_s: float | None) -> list[SignalHeader]:
    columns: list[list[bytes]] = []
    place = 0
    for width in _WIDTHS:
        columns.append([fields[place + i * width : place + (i + 1) * width] for i in range(n_signals)])
        place += width * n_signals
    labels, transducers, units, *limits, prefilters, counts, _ = columns
    signals: list[SignalHeader] = []
    first = 0
    for i in range(n_signals):
        count = read_number(counts[i])
        if count is None or count < 0 or count != int(count) or count > 1e8:
            raise RecordingError(
                f"{path.name}, channel {read_text(labels[i])}: its header gives {show_number(counts[i])} as the "
                "number of samples in a data record, so that it is unknown where the samples of any channel stand.",
                "Export it again.",
            )
        signals.append(
            SignalHeader(
                label=read_text(labels[i]),
                unit=read_text(units[i]),
                rate_hz=count / record_s if record_s and record_s > 0 else 0.0,
                first=first,
                samples=int(count),
                limits=tuple(read_number(column[i]) for column in limits),
                is_annotations=read_text(labels[i]).casefold() in _ANNOTATIONS,
                transducer=read_text(transducers[i]),
                prefilter=read_text(prefilters[i]),
            )
        )
        first += int(count)
    return signals


def read_start(path: str | Path) -> datetime.datetime | None:
    """Start that the main header of an EDF or BDF states; None where it is hidden or wrong, or nothing can be read.

    Parameters
    ----------
    path : str or Path
        The file, of which 256 bytes are read.
    """
    head = read_head(Path(path), HEAD)
    return _read_start(head, 0.0, [])[0] if sample_width(head) else None


def start_and_clock(head: bytes, first_s: float) -> tuple[datetime.datetime | None, datetime.time | None]:
    """Start, and its time of day, by the first 256 bytes of a file whose first record begins `first_s` later."""
    return _read_start(head, first_s, [])


def _count_records(data_bytes: int, record_bytes: int, stated: float | None, record_s: float, notes: list[str]) -> int:
    """Whole data records of the file, whatever the header says, which is noted."""
    n_records, rest = divmod(max(data_bytes, 0), record_bytes)
    if stated is None or stated < 0 or stated != int(stated):
        notes.append("the header does not say how long the recording is; all whole data records were read")
    elif stated > n_records:
        missing_s = (stated - n_records) * record_s
        notes.append(f"truncated: {missing_s:.0f} s of the {stated * record_s:.0f} s are missing")
    elif rest and stated >= 1:
        rest += (n_records - int(stated)) * record_bytes
        notes.append(f"{rest} {'byte' if rest == 1 else 'bytes'} behind the last data record were left out")
        return int(stated)
    elif stated < n_records:
        notes.append(f"the header counts {stated:g} data records; all {n_records} that the file holds were read")
    return n_records


def _read_start(head: bytes, first_s: float, notes: list[str]) -> tuple[datetime.datetime | None, datetime.time | None]:
    """Clock time of the first sample; the date is in the recording field of EDF+, else in two digits of the year."""
    clock = read_clock(head[176:184])
    date = read_date(head[168:176])
    parts = read_text(head[88:168]).split()
    hidden = date == HIDDEN_DATE
    if len(parts) > 1 and parts[0] == "Startdate":
        hidden = parts[1].upper() == "X"
        date = read_long_date(parts[1]) or date
    if clock is None:
        notes.append("the header's start time is no time: clock times cannot be used")
        return None, None
    if date is None and not hidden:
        notes.append("the header's start date is no date: only the time of day is used")
    if hidden and clock == datetime.time(0):  # where the date is hidden, midnight is what hides the time
        return None, None
    moment = datetime.datetime.combine(date or HIDDEN_DATE, clock)
    if abs(first_s) < 86_400 * 7:
        moment += datetime.timedelta(seconds=first_s)
    return (None if hidden or date is None else moment), moment.time()
