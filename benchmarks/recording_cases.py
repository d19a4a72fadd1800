"""What becomes of recordings as labs really have them: the table of docs/recordings.md.

    python benchmarks/recording_cases.py [--data ../shared/data] [--write docs/recordings.md]

Each case makes a file (by edfio and edits of its bytes) or names a real one, and says what must become of it:
``read`` without a word, ``noted`` (read, with a note), ``left out`` (one channel is, the others are read) or
``refused``. `tests/test_recordings_cases.py` runs the same list.
"""

import argparse
import datetime
import gzip
import io
import re
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import edfio
import numpy as np

from swa.errors import RecordingError
from swa.recordings.recording import Recording, read_recording

RATE_HZ, SECONDS, GAP_S = 100, 60, 100
FIELDS = {
    "version": (0, 8),
    "patient": (8, 80),
    "recording": (88, 80),
    "date": (168, 8),
    "time": (176, 8),
    "length": (184, 8),
    "reserved": (192, 44),
    "records": (236, 8),
    "record_s": (244, 8),
    "signals": (252, 4),
}
SIGNAL_FIELDS = {
    "label": (0, 16),
    "unit": (96, 8),
    "physical_min": (104, 8),
    "physical_max": (112, 8),
    "digital_min": (120, 8),
    "digital_max": (128, 8),
    "samples": (216, 8),
}
START = datetime.datetime(2024, 3, 1, 22, 40)
BEGIN = "<!-- made by benchmarks/recording_cases.py -->"


def brown(rng: np.random.Generator, n: int) -> np.ndarray:
    """EEG-like: power falls as 1/f², 15 µV."""
    frequencies = np.fft.rfftfreq(n, 1 / RATE_HZ)
    spectrum = np.fft.rfft(rng.normal(size=n)) / np.maximum(frequencies, 0.5)
    signal = np.fft.irfft(spectrum, n)
    return signal / signal.std() * 15


def base(
    *, plus: bool = True, bdf: bool = False, seconds: int = SECONDS, scale: float = 1.0, unit: str = "uV"
) -> bytes:
    """A recording of C4-M1 and C3-M2, in data records of 1 s."""
    rng = np.random.default_rng(1)
    kind, whole = (edfio.BdfSignal, edfio.Bdf) if bdf else (edfio.EdfSignal, edfio.Edf)
    signals = [
        kind(
            brown(rng, seconds * RATE_HZ) * scale,
            RATE_HZ,
            label=label,
            physical_dimension=unit,
            physical_range=(-3200 * scale, 3200 * scale),
        )
        for label in ("EEG C4-M1", "EEG C3-M2")
    ]
    target = io.BytesIO()
    whole(
        signals,
        starttime=START.time(),
        recording=edfio.Recording(startdate=START.date()),
        annotations=[edfio.EdfAnnotation(3, None, "Lights off")] if plus else None,
        data_record_duration=1,
    ).write(target)
    return target.getvalue()


def edit(data: bytes, **fields: str | bytes) -> bytes:
    """Overwrite header fields; those of a signal are named `unit`, or `unit_1` for the second signal."""
    changed = bytearray(data)
    n_signals = int(data[252:256])
    for name, value in fields.items():
        field, _, position = name.rpartition("_") if name[-1].isdigit() else (name, "", "0")
        if name in FIELDS:
            place, width = FIELDS[name]
        else:
            before, width = SIGNAL_FIELDS[field]
            place = 256 + n_signals * before + int(position) * width
        raw = value if isinstance(value, bytes) else value.encode("latin-1")
        changed[place : place + width] = raw.ljust(width)
    return bytes(changed)


def interrupt(data: bytes, gaps: dict[int, float], reserved: str = "EDF+D") -> bytes:
    """Move the record times: `gaps` are s that pass before a record."""
    data = edit(data, reserved=reserved)
    n_signals, n_records = int(data[252:256]), int(data[236:244])
    width = 3 if data[:1] == b"\xff" else 2
    place = 256 + 216 * n_signals
    counts = [int(data[place + 8 * i : place + 8 * i + 8]) for i in range(n_signals)]
    head, record = 256 * (1 + n_signals), sum(counts) * width
    changed = bytearray(data[:head])
    onset = 0.0
    for i in range(n_records):
        body = data[head + i * record : head + (i + 1) * record]
        onset += gaps.get(i, 0.0) + (1.0 if i else 0.0)
        times = body[-counts[-1] * width :]
        rest = times[times.index(b"\x14\x14") :]
        times = (f"+{onset:g}".encode() + rest).rstrip(b"\0")
        changed += body[: -counts[-1] * width] + times.ljust(counts[-1] * width, b"\0")[: counts[-1] * width]
    return bytes(changed)


def roomy(data: bytes) -> bytes:
    """The same recording with more room for annotations, so that later record times fit."""
    n_signals, n_records = int(data[252:256]), int(data[236:244])
    width = 3 if data[:1] == b"\xff" else 2
    place = 256 + 216 * n_signals
    counts = [int(data[place + 8 * i : place + 8 * i + 8]) for i in range(n_signals)]
    head, record = 256 * (1 + n_signals), sum(counts) * width
    wider = edit(data[:head], **{f"samples_{n_signals - 1}": str(counts[-1] + 10)})
    return wider + b"".join(
        data[head + i * record : head + (i + 1) * record] + bytes(10 * width) for i in range(n_records)
    )


@dataclass(frozen=True)
class Case:
    """One kind of file and what must become of it."""

    name: str
    outcome: str  # read, noted, left out, refused
    says: str = ""  # regular expression for the note or the error
    make: Callable[[], bytes] | None = None
    real: str = ""  # path below the shared data
    suffix: str = ".edf"
    same: bool = False  # whether C4-M1 must be that of the file before the edit

    @property
    def file(self) -> str:
        """How the table names the file."""
        return f"`{self.real}`" if self.real else "made with edfio" if self.make is base else "made with edfio, edited"


def _records(data: bytes) -> int:
    return int(data[252:256]) * 256 + 256


CASES = (
    # interrupted
    Case(
        "EDF+D with a gap of 100 s",
        "noted",
        r"interrupted: 1 gap of 100 s",
        lambda: interrupt(roomy(base()), {30: GAP_S}),
    ),
    Case(
        "BDF+D with a gap of 100 s",
        "noted",
        r"interrupted: 1 gap of 100 s",
        lambda: interrupt(roomy(base(bdf=True)), {30: GAP_S}, "BDF+D"),
        suffix=".bdf",
    ),
    Case("EDF+D without a gap", "read", make=lambda: interrupt(base(), {}), same=True),
    Case(
        "EDF+C whose record times tell of a gap",
        "noted",
        "calls the recording continuous",
        lambda: interrupt(roomy(base()), {30: GAP_S}, "EDF+C"),
    ),
    Case(
        "EDF+D, pieces shorter than 2 s",
        "noted",
        r"2 gaps of 12 s.*1 piece of less",
        lambda: interrupt(roomy(base()), {20: 5, 40: 5, 41: 1}),
    ),
    Case("EDF+D, one record time is damaged", "read", make=lambda: _damage(interrupt(base(), {}), [20]), same=True),
    Case(
        "EDF+D, record times at a gap are damaged",
        "refused",
        "times of its data records are missing or damaged",
        lambda: _damage(interrupt(roomy(base()), {30: GAP_S}), [30]),
    ),
    Case(
        "EDF+D without annotations",
        "refused",
        "times of its data records are missing",
        lambda: edit(base(plus=False), reserved="EDF+D"),
    ),
    Case(
        "EDF+D, record times run backwards",
        "refused",
        r"data record 31 begins at 20 s, before",
        lambda: interrupt(roomy(base()), {30: -10}),
    ),
    Case(
        "EDF+D, three days apart",
        "refused",
        r"72\.0 h with its gaps; at most 48 h.*Split",
        lambda: interrupt(roomy(base()), {30: 259_000}),
    ),
    # units
    Case("unit missing", "left out", r"no usable unit.*units = \{ \"EEG C4-M1\"", lambda: edit(base(), unit="")),
    Case("unit `UV`", "noted", "unit written 'UV', read as uV", lambda: edit(base(), unit="UV"), same=True),
    Case(
        "unit `UV` of all signals",
        "noted",
        "unit written 'UV', read as uV",
        real="recordings/dreams_excerpt3_units_UV.edf",
    ),
    Case("unit `uv`", "noted", "unit written 'uv', read as uV", lambda: edit(base(), unit="uv"), same=True),
    Case("unit `µV` in latin-1", "read", "", lambda: edit(base(), unit=b"\xb5V"), same=True),
    Case("unit `µV` in UTF-8", "read", "", lambda: edit(base(), unit="µV".encode()), same=True),
    Case("unit whose µ was lost", "noted", "read as uV", lambda: edit(base(), unit="�V".encode()), same=True),
    Case("unit `mV`", "read", "", lambda: base(scale=1e-3, unit="mV"), same=True),
    Case("unit `V`", "read", "", lambda: base(scale=1e-6, unit="V"), same=True),
    Case(
        "unit `MV`: millivolt, or a miswritten microvolt", "left out", "no usable unit", lambda: edit(base(), unit="MV")
    ),
    Case(
        "unit `mV` over values in µV",
        "left out",
        r"not those of a biological signal in mV \(5th to 95th",
        lambda: edit(base(), unit="mV"),
    ),
    # limits
    Case(
        "physical minimum = maximum",
        "left out",
        r"equal or no numbers \(physical 3200 to 3200",
        lambda: edit(base(), physical_min="3200"),
    ),
    Case(
        "physical minimum above the maximum",
        "noted",
        "inverting amplifier",
        lambda: edit(base(), physical_min="3200", physical_max="-3200"),
    ),
    Case(
        "physical limit that is no number",
        "left out",
        "physical no number to 3200",
        lambda: edit(base(), physical_min="abc"),
    ),
    Case(
        "physical limits with a decimal comma",
        "read",
        "",
        lambda: edit(base(), physical_min="-3200,0", physical_max="3200,0"),
        same=True,
    ),
    Case("digital minimum = maximum", "left out", "equal or no numbers", lambda: edit(base(), digital_min="32767")),
    Case(
        "digital minimum above the maximum",
        "left out",
        "polarity is unknown",
        lambda: edit(base(), digital_min="32767", digital_max="-32768"),
    ),
    Case(
        "digital limits of unsigned numbers",
        "left out",
        "unsigned",
        lambda: edit(base(), digital_min="0", digital_max="65535"),
    ),
    Case(
        "digital limits beyond 16 bit",
        "noted",
        "digital limits beyond 16 bit",
        real="recordings/dreams_excerpt3_units_UV.edf",
    ),
    # counts
    Case("number of records −1", "noted", "does not say how long", lambda: edit(base(), records="-1"), same=True),
    Case(
        "number of records is no number",
        "noted",
        "does not say how long",
        lambda: edit(base(), records="abc"),
        same=True,
    ),
    Case(
        "number of records too small",
        "noted",
        "counts 6 data records; all 60",
        lambda: edit(base(), records="6"),
        same=True,
    ),
    Case(
        "number of signals and length of the header differ",
        "refused",
        "speaks of 2 and of 3 signals",
        lambda: edit(base(), signals="2"),
    ),
    Case("length of the header is no number", "noted", "only once", lambda: edit(base(), length="abc"), same=True),
    Case(
        "samples of a record are no number",
        "refused",
        "EEG C4-M1: its header gives no number",
        lambda: edit(base(), samples="x"),
    ),
    Case(
        "samples of a record are wrong",
        "refused",
        "do not stand where its header says",
        lambda: edit(base(), samples="150"),
    ),
    Case(
        "the same without annotations",
        "refused",
        "do not stand where its header says",
        lambda: edit(base(plus=False), samples="150"),
    ),
    Case("duration of a record 0", "refused", "lasts 0 s", lambda: edit(base(), record_s="0")),
    Case("duration of a record is no number", "refused", "lasts no number s", lambda: edit(base(), record_s="?")),
    Case("rate that is no whole number (99.01 Hz)", "read", "", lambda: edit(base(plus=False), record_s="1.01")),
    Case("signals of different rates, 1 to 200 Hz", "read", "", real="recordings/nox_90_signals.edf"),
    # labels
    Case("duplicate labels", "read", "", lambda: edit(base(), label_1="EEG C4-M1"), same=True),
    Case("labels in UTF-8 (`Impédance`)", "read", "", real="recordings/nox_90_signals.edf"),
    Case("labels in latin-1", "read", "", lambda: edit(base(), label_1="Impédance".encode("latin-1")), same=True),
    Case("empty label", "read", "", lambda: edit(base(), label_1=""), same=True),
    # start
    Case("start 01.01.85, as exports write a hidden date", "read", "", real="recordings/cycle_1ch_100hz.edf"),
    Case("hidden date, known time", "read", "", lambda: edit(base(), recording="Startdate X X X X"), same=True),
    Case("start time that is none", "noted", "start time is no time", lambda: edit(base(), time="99.99.99"), same=True),
    Case(
        "start date that is none",
        "noted",
        "start date is no date: only the time of day",
        lambda: edit(base(), date="31.02.24", recording="X"),
        same=True,
    ),
    # length
    Case(
        "truncated within a record",
        "noted",
        r"truncated: 21 s of the 60 s are missing",
        lambda: base()[: _records(base()) + (len(base()) - _records(base())) * 2 // 3 - 50],
    ),
    Case(
        "truncated, without annotations",
        "noted",
        r"truncated: 21 s",
        lambda: base(plus=False)[: 768 + 24000 * 2 // 3 - 50],
    ),
    Case("trailing bytes", "noted", "100 bytes behind the last data record", lambda: base() + b"\x07" * 100, same=True),
    Case(
        "trailing bytes, more than a record", "noted", "5001 bytes behind", lambda: base() + b"\x07" * 5001, same=True
    ),
    Case("header alone", "refused", "0 data records", lambda: base()[: _records(base())]),
    Case("truncated within the header", "refused", "cut off", lambda: base()[:400]),
    Case("zero-length file", "refused", "it is empty", lambda: b""),
    # other files
    Case("annotations only", "refused", "0 signals", real="hypnograms/sleep-edf/SC4001EC-Hypnogram.edf"),
    Case("zip renamed to .edf", "refused", "zip archive", lambda: b"PK\x03\x04" + bytes(2000)),
    Case("gzip renamed to .edf", "read", "", lambda: gzip.compress(base()), same=True),
    Case("XML renamed to .edf", "refused", "XML", lambda: b"<?xml version='1.0'?><a/>" * 40),
    Case("text renamed to .edf", "refused", "does not begin as one", lambda: b"Time,Fp1,Fp2\n0.1,0.2,0.3\n" * 40),
    Case("GDF renamed to .edf", "refused", "a GDF file", lambda: b"GDF 2.10" + bytes(2000)),
    Case("filled with zeros", "refused", "zeros", lambda: bytes(3000)),
    Case("git-annex pointer", "refused", "git-annex pointer", lambda: b"/annex/objects/MD5E-s1234--abc.edf\n"),
    Case("EDF named .bdf", "read", "", base, suffix=".bdf", same=True),
    Case("BDF named .edf", "read", "", lambda: base(bdf=True), same=True),
    Case("BDF whose first byte was lost", "read", "", lambda: b"0" + base(bdf=True)[1:], same=True),
    # signals
    Case("no sleep at all", "noted", "short bipolar lead", real="recordings/sleep_edf_first_5min.edf"),
    Case(
        "clinical EEG with annotations",
        "noted",
        "1 byte behind the last data record",
        real="recordings/clinical_annotations.edf",
    ),
    Case("electrode pop above 1 mV", "read", "", real="recordings/nap_10ch_256hz.edf"),
)


def _damage(data: bytes, records: list[int]) -> bytes:
    """Overwrite the times of some records."""
    n_signals, n_records = int(data[252:256]), int(data[236:244])
    head = 256 * (1 + n_signals)
    record = (len(data) - head) // n_records
    changed = bytearray(data)
    for i in records:
        place = data.index(b"\x14\x14", head + i * record)
        changed[place - 3 : place] = b"???"
    return bytes(changed)


def make_file(case: Case, folder: Path, data: Path) -> Path | None:
    """The file of a case; None where the real recordings are absent."""
    if case.real:
        return data / case.real if (data / case.real).is_file() else None
    path = folder / f"night{case.suffix}"
    assert case.make is not None
    path.write_bytes(case.make())
    return path


def outcome_of(path: Path) -> tuple[str, str, Recording | None]:
    """What becomes of a file, what is said about it, and the recording."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            recording = read_recording(path)
        except RecordingError as error:
            return "refused", str(error), None
        problems = [str(error) for group in recording.groups("eeg") for error in group.problems.values()]
    if problems:
        return "left out", " ".join([*problems, *recording.notes]), recording
    return ("noted" if recording.notes else "read"), "; ".join(recording.notes), recording


def table(data: Path) -> str:
    """The cases as a table in Markdown."""
    lines = ["| case | file | outcome | what is said |", "| --- | --- | --- | --- |"]
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            path = make_file(case, Path(folder), data)
            if path is None:
                continue
            outcome, says, recording = outcome_of(path)
            if outcome != case.outcome or not re.search(case.says, says, re.DOTALL):
                raise SystemExit(f"{case.name}: {outcome}, expected {case.outcome} and {case.says!r}: {says}")
        if recording is not None and not says:
            says = f"{len(recording.of_role('eeg'))} EEG channels, {recording.duration_s / 60:.1f} min"
        says = re.sub(r"[ ]*\n[ ]*", " ", says).replace("|", "\\|")
        lines.append(f"| {case.name} | {case.file} | {outcome} | {says} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    made = table(arguments.data)
    print(made)
    print(f"{len(made.splitlines()) - 2} of {len(CASES)} cases, all as expected")
    if arguments.write:
        text = arguments.write.read_text(encoding="utf-8") if arguments.write.is_file() else BEGIN
        arguments.write.write_text(f"{text.split(BEGIN)[0]}{BEGIN}\n{made}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
