"""Damaged recordings through `swa inspect` and `swa run`: every one ends in a right result or in a sentence.

    python benchmarks/fuzz_recordings.py [--files 2000] [--seed 1]

Recordings of three minutes (EDF, EDF+C, EDF+D with a gap, BDF+C) are damaged: bytes and whole fields of the header,
lengths, record times, data records swapped, bytes inserted and lost. Each file goes through `inspect_study` and
`process_night` in this process. Counted as a fault: an error that is no sentence of ours, more than
20 s of processor time, more than 2 GB, a finished night whose SWA is not that of the undamaged file although neither
its signal nor what gives it scale, rate or name was changed, and one whose SWA is off by more than 3 % without a word
(no other note of the night or of the row, doubt, or channel left out), whatever was changed. A channel is held against
the signal that stands where its samples do: under another name, its number is the same. Every tenth night is written,
the others are taken before that, since writing takes longer than a night of three minutes.
"""

import argparse
import collections
import contextlib
import io
import resource
import shutil
import signal
import sys
import tempfile
import time
import unittest.mock
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

import edfio
import numpy as np
from numpy.typing import NDArray

from swa.errors import SwaError
from swa.night.analysis import Night
from swa.recordings.recording import read_recording
from swa.settings import Settings, SpindleSettings
from swa.study.plan.inspection import inspect_study
from swa.study.run import night_work
from swa.study.run.night_files import write_night
from swa.study.run.night_task import NightTask
from swa.study.store import NightFolder
from swa.tables.night_document import Provenance

RATE_HZ, SECONDS, GAP = 100, 180, (90, 110)
LIMIT_S, LIMIT_GB = 20, 2.0
WRONG = 0.03
SETTINGS = Settings(spindles=SpindleSettings(minimum_min=1e6))  # spindles are not looked for: they decide nothing here
CHANNELS = ("EEG C4-M1", "EEG C3-M2", "EOG E1-M2", "EMG Chin")
ALL_EEG = (*CHANNELS[:2], "EEG F3-M2", "EEG F4-M1")
EEG = {"C4-M1", "C3-M2"}
HEAD_FIELDS = {"version": (0, 8), "patient": (8, 80), "recording": (88, 80), "date": (168, 8), "time": (176, 8),
               "length": (184, 8), "reserved": (192, 44), "records": (236, 8), "record_s": (244, 8),
               "signals": (252, 4)}  # fmt: skip
SIGNAL_WIDTHS = {"label": 16, "transducer": 80, "unit": 8, "physical_min": 8, "physical_max": 8, "digital_min": 8,
                 "digital_max": 8, "prefilter": 80, "samples": 8, "reserved_signal": 32}  # fmt: skip
# What gives samples their scale, rate, place or name: where it was changed, other numbers are right.
CALIBRATION = {"label", "unit", "physical_min", "physical_max", "digital_min", "digital_max", "samples", "record_s"}
TEXTS = (
    b"", b"0", b"-1", b"1", b"2", b"100", b"256", b"-32768", b"32767", b"65535", b"99999999", b"1e300", b"nan", b"inf",
    b"0.001", b"1,5", b"abc", b"\0\0\0\0", b"\xff\xff\xff", b"uV", b"mV", b"UV", b"\xb5V", b"EDF+D", b"EDF+C", b"BDF+C",
    b"24BIT", b"X X X X", b"Startdate X X X X", b"00.00.00", b"31.02.99", b"EEG Fpz-Cz", b"EDF Annotations", b"C4",
    b"M1", b"E1", b"EEG C4-M1", b"Imp C4", b"\xe4\xf6\xfc", b"%s%n{}", b"= 1+1", b"../../x",
)  # fmt: skip


@dataclass
class Report:
    """Counts of a run."""

    files: int = 0
    done: int = 0
    compared: int = 0
    moved: int = 0
    renamed: int = 0
    refused: int = 0
    problems: int = 0
    slowest_s: float = 0.0
    peak_gb: float = 0.0
    by_kind: collections.Counter[str] = field(default_factory=collections.Counter)
    steps: collections.Counter[str] = field(default_factory=collections.Counter)
    faults: list[str] = field(default_factory=list)


def steady_trace(rng: np.random.Generator, n: int, rate: int, place: int, slope: float = 1) -> NDArray[np.float64]:
    """A trace whose slow-wave activity is the same in every window: what is left out of it shows nothing."""
    frequencies = np.maximum(np.fft.rfftfreq(n, 1 / rate), 0.5)
    trace = np.fft.irfft(np.fft.rfft(rng.normal(size=n)) / frequencies**slope, n)
    trace /= 8 * trace.std()
    for hz in (0.83, 1.43):  # beats three times in 5 s
        trace += np.sin(2 * np.pi * ((hz + 0.1 * place) * np.arange(n) / rate + 0.2 * place))
    return trace / trace.std()


def make_bases() -> dict[str, bytes]:
    """The undamaged recordings."""
    rng = np.random.default_rng(0)
    n = SECONDS * RATE_HZ
    made = {}
    for name, plus, bdf in (("edf", False, False), ("edf+c", True, False), ("bdf+c", True, True)):
        kind, whole = (edfio.BdfSignal, edfio.Bdf) if bdf else (edfio.EdfSignal, edfio.Edf)
        signals = []
        for place, label in enumerate(CHANNELS):
            trace = 30 * steady_trace(rng, n, RATE_HZ, place)
            signals.append(kind(trace, RATE_HZ, label=label, physical_dimension="uV", physical_range=(-3200, 3200)))
        annotations = [edfio.EdfAnnotation(3, None, "Lights off" + "." * 20)] if plus else None
        target = io.BytesIO()
        whole(signals, annotations=annotations, data_record_duration=1).write(target)
        made[name] = target.getvalue()
    made["edf+d"] = _with_gap(made["edf+c"])
    return made


def _with_gap(data: bytes) -> bytes:
    changed = bytearray(data)
    changed[192:197] = b"EDF+D"
    head, record = _layout(data)
    for i in range(GAP[0], SECONDS):
        place = data.index(b"+" + str(i).encode() + b"\x14\x14", head + i * record)
        changed[place : place + 4] = f"+{i + GAP[1] - GAP[0]}".encode()
    return bytes(changed)


def _layout(data: bytes) -> tuple[int, int]:
    """Bytes of the header and of a data record."""
    head = int(data[184:192])
    return head, (len(data) - head) // SECONDS


# --- damage: each returns the damaged bytes


def _header_bytes(rng: np.random.Generator, data: bytes) -> bytes:
    changed = bytearray(data)
    head, _ = _layout(data)
    for _ in range(rng.integers(1, 5)):
        changed[rng.integers(head)] = rng.integers(256)
    return bytes(changed)


def _header_field(rng: np.random.Generator, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.integers(1, 3)):
        _, first, width = list(_fields(data))[rng.integers(len(list(_fields(data))))]
        text = TEXTS[rng.integers(len(TEXTS))]
        if rng.random() < 0.2:
            text = bytes(rng.integers(0, 256, width, dtype=np.uint8))
        changed[first : first + width] = text[:width].ljust(width)
    return bytes(changed)


def _labels(rng: np.random.Generator, data: bytes) -> bytes:
    changed = bytearray(data)
    for _, first, width in [f for f in _fields(data) if f[0] == "label"][: len(CHANNELS)]:
        if rng.random() < 0.5:
            changed[first : first + width] = bytes(rng.integers(32, 127, width, dtype=np.uint8))
    return bytes(changed)


def _truncate(rng: np.random.Generator, data: bytes) -> bytes:
    return data[: rng.integers(len(data))]


def _extend(rng: np.random.Generator, data: bytes) -> bytes:
    return data + bytes(rng.integers(0, 256, rng.integers(1, 5000), dtype=np.uint8))


def _swap_records(rng: np.random.Generator, data: bytes) -> bytes:
    head, record = _layout(data)
    changed = bytearray(data)
    one, other = (head + int(i) * record for i in rng.integers(0, SECONDS, 2))
    changed[one : one + record], changed[other : other + record] = (
        data[other : other + record],
        data[one : one + record],
    )
    return bytes(changed)


def _lose_records(rng: np.random.Generator, data: bytes) -> bytes:
    head, record = _layout(data)
    first, count = rng.integers(0, SECONDS), rng.integers(1, 30)
    return data[: head + first * record] + data[head + (first + count) * record :]


def _record_times(rng: np.random.Generator, data: bytes) -> bytes:
    head, record = _layout(data)
    changed = bytearray(data)
    for i in rng.integers(0, SECONDS, rng.integers(1, 4)):
        place = data.find(b"\x14\x14", head + i * record)
        if place > 0:
            changed[place - 1] = rng.integers(256)
    return bytes(changed)


def _insert(rng: np.random.Generator, data: bytes) -> bytes:
    place = rng.integers(len(data))
    return data[:place] + bytes(rng.integers(0, 256, rng.integers(1, 100), dtype=np.uint8)) + data[place:]


def _noise(rng: np.random.Generator, data: bytes) -> bytes:
    place, length = rng.integers(len(data)), rng.integers(1, 20_000)
    return data[:place] + bytes(rng.integers(0, 256, length, dtype=np.uint8)) + data[place + length :]


DAMAGE: tuple[Callable[[np.random.Generator, bytes], bytes], ...] = (
    _header_bytes, _header_bytes, _header_field, _header_field, _header_field, _labels, _truncate, _extend,
    _swap_records, _lose_records, _record_times, _insert, _noise,
)  # fmt: skip


def _fields(data: bytes) -> Iterator[tuple[str, int, int]]:
    """Name, place and width of every header field."""
    for name, (first, width) in HEAD_FIELDS.items():
        yield name, first, width
    n_signals = int(data[252:256])
    first = 256
    for name, width in SIGNAL_WIDTHS.items():
        for _ in range(n_signals):
            yield name, first, width
            first += width


def _all_eeg(data: bytes) -> bytes:
    """The recording with every signal called EEG, so that all of them are measured."""
    changed = bytearray(data)
    for (_, first, width), name in zip([f for f in _fields(data) if f[0] == "label"], ALL_EEG, strict=False):
        changed[first : first + width] = name.encode().ljust(width)
    return bytes(changed)


def keeps_signal(whole: bytes, damaged: bytes) -> bool:
    """Whether the damaged file holds the same samples with the same scale, rate, place and names."""
    head, _ = _layout(whole)
    return damaged[head : len(whole)] == whole[head:] and keeps_scale(whole, damaged)


def keeps_scale(whole: bytes, damaged: bytes) -> bool:
    """Whether scale, rate and names are the same."""
    return not any(
        whole[first : first + width] != damaged[first : first + width]
        for name, first, width in _fields(whole)
        if name in CALIBRATION
    )


# --- the run


class TooLongError(Exception):
    """More than `LIMIT_S`."""


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    """20 s of this process, whatever else the machine does; and fifteen times that by the clock, for one that waits."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TooLongError

    before = [signal.signal(number, stop) for number in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
    signal.alarm(15 * LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        signal.signal(signal.SIGPROF, before[0])
        signal.signal(signal.SIGALRM, before[1])


@dataclass(frozen=True)
class Ended:
    """What `process_night` made of a file: how it ended, SWA by channel, and all that the night tells."""

    problem: str = ""
    swa: dict[str, float] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)  # which signal of the file each channel is
    told: frozenset[str] = frozenset()


def measure_night(folder: Path, path: Path, scoring: Path, *, write: bool = True) -> Ended:
    task = NightTask(
        subject="S1",
        session="a",
        condition="baseline",
        recording=path.name,
        subject_label="S1",
        session_label="a",
        path=path,
        hypnogram=scoring,
        results=folder / "results",
        settings=SETTINGS,
        overwrite=True,
    )
    taken: list[tuple[Night, Sequence[str]]] = []

    def take(own: NightFolder, night: Night, fingerprint: str, provenance: Provenance) -> None:
        taken.append((night, provenance["notes"]))
        if write:
            write_night(own, night, fingerprint, provenance)

    with unittest.mock.patch.object(night_work, "write_night", take):
        outcome = night_work.process_night(task)
    if outcome.status != "done":
        return Ended(f"{outcome.step}: {outcome.problem} {outcome.remedy}")
    night, notes = taken[0]
    rows = night.measures.query("measure == 'swa' and stages == 'NREM' and window == 'night'")
    told = {*notes, *night.notes, *map(str, night.summary["unread"].items()), night.summary.get("header_doubts", "")}
    told |= set(rows["note"])
    places = {channel.name: channel.signals[0] for channel in read_recording(path, SETTINGS).channels}
    return Ended("", dict(zip(rows["channel"], rows["value"], strict=True)), places, frozenset(told))


def check(report: Report, folder: Path, path: Path, scoring: Path, expected: Ended, kept: str, *, write: bool) -> None:
    """One damaged file through both commands; `kept` of it is the signal, its scale, or nothing."""
    began = time.process_time()
    try:
        with _time_limit(), warnings.catch_warnings():
            warnings.simplefilter("error")
            with contextlib.suppress(SwaError):
                report.problems += bool(inspect_study(path)["recordings"][0]["problems"])
            ended = measure_night(folder, path, scoring, write=write)
    except Exception as error:  # whatever is no sentence is what this looks for
        report.faults.append(f"{type(error).__name__}: {error}")
        return
    finally:
        report.slowest_s = max(report.slowest_s, time.process_time() - began)
    report.done += bool(ended.swa)
    report.refused += bool(ended.problem)
    if ended.problem:
        report.steps[ended.problem.split(":")[0]] += 1
    if "fault of swa" in ended.problem or "Traceback" in ended.problem or "ran out of memory" in ended.problem:
        report.faults.append(ended.problem)
    if ended.swa:
        _compare(report, ended, expected, kept)


def _compare(report: Report, ended: Ended, expected: Ended, kept: str) -> None:
    """A finished night against the undamaged one, of which every signal was measured."""
    report.compared += kept == "signal"
    silent = ended.told <= expected.told and ended.swa.keys() >= EEG
    by_place = {place: expected.swa[name] for name, place in expected.places.items()}
    for channel, value in ended.swa.items():
        place = ended.places[channel]
        usual = by_place.get(place, np.nan)
        if kept == "signal" and not np.isclose(value, usual, rtol=1e-5, equal_nan=True):
            report.faults.append(f"{channel}: SWA {value:.4f}, undamaged {usual}")
        elif not abs(value / usual - 1) < WRONG:
            report.moved += 1
            if silent:
                report.faults.append(f"silent: {channel}: SWA is {value / usual:.3f} of the undamaged")
        else:
            report.renamed += expected.places.get(channel) != place


def run(files: int, seed: int, keep: Path | None = None) -> Report:
    """Damage and check `files` recordings."""
    rng = np.random.default_rng(seed)
    report = Report()
    bases = make_bases()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scoring = folder / "scoring.txt"
        scoring.write_text("\n".join(["N2"] * 3 + ["N3"] * 4))
        expected = {}
        for kind, data in bases.items():
            path = folder / f"whole.{kind[:3]}"
            path.write_bytes(data)
            told = measure_night(folder, path, scoring).told
            path.write_bytes(_all_eeg(data))
            expected[kind] = replace(measure_night(folder, path, scoring), told=told)
            if expected[kind].problem:
                raise SystemExit(expected[kind].problem)
        for number in range(files):
            kind = list(bases)[number % len(bases)]
            damage = DAMAGE[rng.integers(len(DAMAGE))]
            data = damage(rng, bases[kind])
            path = folder / f"night.{kind[:3]}"
            path.write_bytes(data)
            n_faults = len(report.faults)
            kept = "scale" if keeps_scale(bases[kind], data) else "nothing"
            kept = "signal" if keeps_signal(bases[kind], data) else kept
            check(report, folder, path, scoring, expected[kind], kept, write=number % 10 == 0)
            report.files += 1
            report.by_kind[damage.__name__.strip("_")] += 1
            report.peak_gb = max(report.peak_gb, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
            if len(report.faults) > n_faults:
                report.faults[-1] = f"{kind} {damage.__name__.strip('_')} file {number}: {report.faults[-1]}"
                if keep is not None:
                    shutil.copy(path, keep / f"{number}{path.suffix}")
    if report.peak_gb > LIMIT_GB:
        report.faults.append(f"{report.peak_gb:.1f} GB")
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the files that show a fault")
    arguments = parser.parse_args()
    report = run(arguments.files, arguments.seed, arguments.keep)
    print(f"{report.files} damaged files: " + ", ".join(f"{kind} {n}" for kind, n in sorted(report.by_kind.items())))
    print(f"finished {report.done}, refused {report.refused} ({dict(report.steps)}); {report.problems} problems shown")
    print(
        f"SWA compared in {report.compared} whose signal was kept; {report.moved} channels off by 3 %, told unless a "
        f"fault below; {report.renamed} measured alike under another name"
    )
    print(f"slowest {report.slowest_s:.1f} s, peak {report.peak_gb:.2f} GB")
    print(f"{len(report.faults)} faults")
    for fault in report.faults:
        print(" ", fault)
    return bool(report.faults)


if __name__ == "__main__":
    sys.exit(main())
