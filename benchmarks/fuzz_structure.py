"""Files bent as software and people bend them, not byte by byte: every one ends in a right number or in a sentence.

    python benchmarks/fuzz_structure.py [--what recordings|tables|folders] [--files 5000] [--seed 1] [--minutes 60]

*Recordings* (EDF, EDF+C, BDF of 4 min, four signals), `--files` of each kind: fields of the header exchanged, numbers
written with exponents or decimal commas, data records lost, put in and doubled, annotations torn, bytes lost and put
in. Each is read, and slow-wave activity of its EEG is measured without sleep stages. *Tables*: study files and scorings
with cells exchanged, rows lost, doubled and torn, numbers in other spellings. *Folders*: results folders with a file
torn, emptied, gone, flipped or another's, files exchanged between nights, cells of nights.tsv and settings edited by
hand, nights of another version, half of the files (in turn `swa compare` and `swa run` up to the contrasts, on a study
of its own): a table that is another one without a problem told is a fault; after `swa run` any is.

Counted as a fault: an error that is no sentence of ours, more than 20 s, more than 2 GB, and a number that is off by
more than 3 % without a word: no note, no gap, no channel left out. Not told from the file, and so not asked about:
labels that are exchanged, and what a header gives as scale where it is as likely as another.
"""

import argparse
import collections
import io
import json
import os
import re
import resource
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import edfio
import numpy as np
import pandas as pd
from fuzz_recordings import LIMIT_GB, SIGNAL_WIDTHS, WRONG, _time_limit, steady_trace

from swa import pipeline, tables_of_study
from swa.errors import SwaError
from swa.measures import artifacts, power
from swa.recordings.recording import leave_out_blocks, read_recording
from swa.settings import Settings
from swa.simulation.simulated_study import simulate_study
from swa.sleep.hypnogram import stages_of
from swa.sleep.scoring import read_hypnogram
from swa.study.plan.manifest import plan_study
from swa.study.store import read_results

SECONDS = 150
RATES = {"EEG C4-M1": 100, "EEG C3-M2": 100, "EOG E1-M2": 100, "EMG Chin": 200}
Rng = np.random.Generator
Bend = Callable[[Rng, bytes], bytes]


def make_bases() -> dict[str, bytes]:
    """The recordings before they are bent."""
    rng = np.random.default_rng(0)
    made = {}
    for name, plus, bdf in (("edf", False, False), ("edf+c", True, False), ("bdf", False, True)):
        of_signal, of_file = (edfio.BdfSignal, edfio.Bdf) if bdf else (edfio.EdfSignal, edfio.Edf)
        signals = []
        for place, (label, rate) in enumerate(RATES.items()):
            n = SECONDS * rate
            trace = (30 + 8 * place) * steady_trace(rng, n, rate, place, 0.2 if place == 3 else 1)
            signals.append(of_signal(trace, rate, label=label, physical_dimension="uV", physical_range=(-3200, 3200)))
        marks = [edfio.EdfAnnotation(i, None, f"mark {i}") for i in range(0, SECONDS, 7)] if plus else None
        target = io.BytesIO()
        of_file(signals, annotations=marks, data_record_duration=1).write(target)
        made[name] = target.getvalue()
    return made


# --- recordings: each returns the bent bytes


def _fields(data: bytes) -> dict[str, list[tuple[int, int]]]:
    """Place and width of the fields of each kind, one of each signal."""
    n_signals, first, found = int(data[252:256]), 256, {}
    for name, width in SIGNAL_WIDTHS.items():
        found[name] = [(first + i * width, width) for i in range(n_signals)]
        first += n_signals * width
    return found | {"records": [(236, 8)], "record_s": [(244, 8)], "date": [(168, 8)], "time": [(176, 8)]}


def _parts(data: bytes) -> tuple[bytes, list[bytes]]:
    """Header and data records."""
    head = int(data[184:192])
    size = (len(data) - head) // SECONDS
    return data[:head], [data[head + i * size : head + (i + 1) * size] for i in range(SECONDS)]


def _joined(rng: Rng, head: bytes, records: list[bytes]) -> bytes:
    """With the number of records corrected, or not."""
    count = str(len(records)).ljust(8).encode() if rng.random() < 0.5 else head[236:244]
    return head[:236] + count + head[244:] + b"".join(records)


def exchange_fields(rng: Rng, data: bytes) -> bytes:
    """Two fields of numbers or units of one signal, or one field of two signals."""
    fields, bent = _fields(data), bytearray(data)
    names = ["unit", "physical_min", "physical_max", "digital_min", "digital_max", "samples", "prefilter", "transducer"]
    one, other = rng.choice(names, 2)
    signals = rng.integers(0, len(fields["unit"]), 2)
    (a, width), (b, other_width) = (fields[one][signals[0]], fields[other][signals[0]])
    if rng.random() < 0.4:
        (a, width), (b, other_width) = (fields[one][i] for i in signals)
    elif rng.random() < 0.2:
        (a, width), (b, other_width) = fields["records"][0], fields["record_s"][0]
    bent[a : a + width], bent[b : b + other_width] = (
        data[b : b + other_width][:width].ljust(width), data[a : a + width][:other_width].ljust(other_width),
    )  # fmt: skip
    return bytes(bent)


def _respell(data: bytes, rng: Rng, spell: Callable[[float], str]) -> bytes:
    fields, bent = _fields(data), bytearray(data)
    for name in ("physical_min", "physical_max", "digital_min", "digital_max", "samples", "records", "record_s"):
        for first, width in fields[name]:
            text = spell(float(data[first : first + width]))
            if (
                rng.random() < 0.5
                and len(text) <= width
                and float(text.replace(",", ".")) == float(data[first : first + width])
            ):
                bent[first : first + width] = text.ljust(width).encode()
    return bytes(bent)


def exponents(rng: Rng, data: bytes) -> bytes:
    return _respell(
        data, rng, lambda value: str(rng.choice([f"{value:.1e}", f"{value:.2E}", f"{value:.4e}", f"{value:+g}"]))
    )


def commas(rng: Rng, data: bytes) -> bytes:
    return _respell(
        data, rng, lambda value: str(rng.choice([f"{value:.1f}", f"{value:.3f}", f"{value:g},"])).replace(".", ",")
    )


def records_lost(rng: Rng, data: bytes) -> bytes:
    head, records = _parts(data)
    first, count = rng.integers(0, SECONDS), rng.integers(1, 9)
    return _joined(rng, head, records[:first] + records[first + count :])


def records_put_in(rng: Rng, data: bytes) -> bytes:
    head, records = _parts(data)
    first, count, size = int(rng.integers(0, SECONDS)), int(rng.integers(1, 9)), len(records[0])
    new = [bytes(rng.integers(0, 256, size, dtype=np.uint8)), bytes(size), b"\xff" * size, records[first][::-1]][
        rng.integers(4)
    ]
    return _joined(rng, head, records[:first] + [new] * count + records[first:])


def records_doubled(rng: Rng, data: bytes) -> bytes:
    head, records = _parts(data)
    first, count = int(rng.integers(0, SECONDS)), int(rng.integers(1, 9))
    return _joined(rng, head, records[: first + count] + records[first:])


def annotations_torn(rng: Rng, data: bytes) -> bytes:
    head, records = _parts(data)
    begin = len(records[0]) - 2 * int(data[_fields(data)["samples"][-1][0] :][:8])
    texts = (
        b"",
        b"\0",
        b"+",
        b"+1e9\x14\x14",
        b"-5\x14\x14",
        b"+0\x14\x14",
        b"\x14\x14\x14",
        b"+1\x15",
        b"\xff\xfe",
        b"+3,5\x14\x14",
        b"+" + b"9" * 12,
    )
    first, count = int(rng.integers(0, SECONDS)), int(rng.choice([1, 2, 40, SECONDS]))
    for i in range(first, min(first + count, SECONDS)):
        place = begin + int(rng.integers(0, 12)) * int(rng.random() < 0.7)
        text = texts[rng.integers(len(texts))]
        bent = records[i][:place] + text + records[i][place + len(text) :]
        records[i] = bent[: len(records[i])]
    return head + b"".join(records)


def bytes_lost(rng: Rng, data: bytes) -> bytes:
    head = int(data[184:192])
    place, count = int(rng.integers(head, len(data))), int(rng.choice([1, 2, 3, 10, 100, 511, 512, 4096, 20_000]))
    return data[:place] + data[place + count :]


def bytes_put_in(rng: Rng, data: bytes) -> bytes:
    head = int(data[184:192])
    place, count = int(rng.integers(head, len(data))), int(rng.choice([1, 2, 3, 10, 100, 511, 512, 4096, 20_000]))
    new = (
        data[max(place - count, head) : place]
        if rng.random() < 0.5
        else bytes(rng.integers(0, 256, count, dtype=np.uint8))
    )
    return data[:place] + new + data[place:]


RECORDINGS: tuple[Bend, ...] = (
    exchange_fields, exponents, commas, records_lost, records_put_in, records_doubled, annotations_torn, bytes_lost,
    bytes_put_in,
)  # fmt: skip


def measure(path: Path) -> tuple[dict[str, float], tuple[str, ...], bool]:
    """SWA of each EEG channel, the notes, and whether anything was left out."""
    settings = Settings()
    recording = leave_out_blocks(read_recording(path, settings))
    found, problems = {}, {}
    for group in recording.groups():
        problems |= group.problems
        for row, channel in enumerate(group.channels):
            spectra = power.compute_window_spectra(group.data_uv[row], group.rate_hz, settings.power)
            trace = artifacts.Trace(
                signal_uv=group.data_uv[row], clipped=group.clipped[row], rate_hz=group.rate_hz, pieces=group.pieces
            )
            muscle = spectra.band_power(artifacts.muscle_band(channel.rate_hz, settings.artifacts))
            bad = artifacts.find_artifacts(trace, spectra.starts, spectra.length, muscle, settings.artifacts).windows
            slow = spectra.band_power(settings.power.swa_hz)[~bad]
            found[channel.name] = float(slow.mean()) if slow.size else np.nan
    notes = (*recording.notes, *(doubt.words for doubt in recording.doubts))
    return found, notes, bool(problems or recording.gaps)


def bend_recordings(
    files: int, seed: int, until: float, folder: Path, keep: Path | None
) -> Iterator[tuple[str, str, str]]:
    """Kind, outcome and fault (empty where there is none) of each file."""
    bases, expected = make_bases(), {}
    for kind, data in bases.items():
        (folder / kind).write_bytes(data)
        expected[kind] = measure(folder / kind)
    for number in range(files):
        for bend in RECORDINGS:
            rng = np.random.default_rng((seed, number, RECORDINGS.index(bend)))
            kind = list(bases)[number % len(bases)] if bend is not annotations_torn else "edf+c"
            if time.monotonic() > until:
                return
            path = folder / "bent.edf"
            path.write_bytes(bend(rng, bases[kind]))
            outcome, fault = guarded(partial(measure, path))
            if outcome is not None:
                values, notes, left_out = outcome
                usual, usual_notes, _ = expected[kind]
                off = [name for name, value in usual.items() if not abs(values.get(name, np.nan) / value - 1) < WRONG]
                told = left_out or set(notes) - set(usual_notes) or not values.keys() >= usual.keys()
                if off and not told:
                    fault = f"silent: {[(name, round(values[name] / usual[name], 3)) for name in off]}"
            if fault and keep:
                shutil.move(path, keep / f"{bend.__name__}-{number}.edf")
            yield bend.__name__, "refused" if outcome is None else "read", f"{kind} {number}: {fault}" if fault else ""


def guarded(call: Callable[[], object]) -> tuple[object, str]:
    """What a call gives, and the fault that it ended in; None and no fault where it refused with a sentence."""
    try:
        with _time_limit(), warnings.catch_warnings():
            warnings.simplefilter("error")
            return call(), ""
    except SwaError:
        return None, ""
    except Exception as error:  # what this looks for
        return None, f"{type(error).__name__}: {error}"


# --- tables


Rows = list[list[str]]
ODD_CELLS = ("", "1e400", "1,5", "-0", "inf", "'", '"', "2024-02-30", "25:61", "\ufeff", " ", "\x00", "=1+1", "ä", "x")


def _exchange_cells(rng: Rng, rows: Rows, i: int, j: int) -> None:
    a, b = (int(rng.integers(0, len(row))) for row in (rows[i], rows[j]))
    rows[i][a], rows[j][b] = rows[j][b], rows[i][a]


def _double_row(_rng: Rng, rows: Rows, i: int, j: int) -> None:
    rows.insert(i, list(rows[j]))


def _lose_row(_rng: Rng, rows: Rows, i: int, _j: int) -> None:
    if len(rows) > 1:
        del rows[i]


def _tear_row(rng: Rng, rows: Rows, i: int, _j: int) -> None:
    rows[i] = rows[i][: rng.integers(0, len(rows[i]) + 1)] or [""]


def _odd_cell(rng: Rng, rows: Rows, i: int, _j: int) -> None:
    rows[i][int(rng.integers(0, len(rows[i])))] = str(rng.choice(ODD_CELLS))


def _cell_too_many(rng: Rng, rows: Rows, i: int, _j: int) -> None:
    rows[i].append(str(rng.choice(ODD_CELLS)))


def _turn_columns(_rng: Rng, rows: Rows, _i: int, _j: int) -> None:
    rows[:] = [row[::-1] for row in rows]


def _capitals(_rng: Rng, rows: Rows, i: int, _j: int) -> None:
    rows[i] = [cell.upper() + " " for cell in rows[i]]


def _empty_row(_rng: Rng, rows: Rows, i: int, _j: int) -> None:
    rows.insert(i, [""])


def _lose_name(_rng: Rng, rows: Rows, _i: int, _j: int) -> None:
    rows[0] = rows[0][:-1] or [""]


TABLE_BENDS = (
    _exchange_cells, _double_row, _lose_row, _tear_row, _odd_cell, _cell_too_many, _turn_columns, _capitals, _empty_row,
    _lose_name,
)  # fmt: skip


def bend_text(rng: Rng, text: str) -> str:
    """A table bent as an editor, a spreadsheet or a broken copy bends it."""
    rows = [line.split("\t") for line in text.splitlines()]
    for _ in range(rng.integers(1, 4)):
        i, j = (int(at) for at in rng.integers(0, len(rows), 2))
        TABLE_BENDS[rng.integers(len(TABLE_BENDS))](rng, rows, i, j)
    separator = str(rng.choice(["\t", ",", ";", "\t", "|"]))
    bent = str(rng.choice(["\n", "\r\n", "\r"])).join(separator.join(row) for row in rows)
    return bent[: rng.integers(1, len(bent) + 1)] if rng.random() < 0.1 else bent


STUDY = "subject\tcondition\trecording\thypnogram\tlights_off\tage\n" + "".join(
    f"S{i}\t{word}\tS{i}_{word}.edf\tS{i}.tsv\t23:1{i}\t4{i}\n" for i in (1, 2) for word in ("baseline", "drug")
)
STAGES = ("W", "N1", "N2", "N3", "N3", "N2", "R", "W")
SCORINGS = (
    "onset\tduration\tstage\n" + "".join(f"{30 * i}\t30\t{stage}\n" for i, stage in enumerate(STAGES)),
    "\n".join(STAGES) + "\n",
    "epoch\tstage\n" + "".join(f"{i}\t{stage}\n" for i, stage in enumerate("01233250", 1)),
    "start\tend\tstage\n" + "".join(f"23:{i:02d}:00\t23:{i:02d}:30\t{stage}\n" for i, stage in enumerate(STAGES)),
)


def _read_stages(path: Path) -> object:
    return stages_of(read_hypnogram(path))


def bend_tables(files: int, seed: int, until: float, folder: Path, keep: Path | None) -> Iterator[tuple[str, str, str]]:
    for name in ("S1_baseline", "S1_drug", "S2_baseline", "S2_drug"):
        (folder / f"{name}.edf").write_bytes(make_bases()["edf"])
    for i in (1, 2):
        (folder / f"S{i}.tsv").write_text(SCORINGS[0])
    for number in range(files):
        for kind in ("study file", "scoring"):
            if time.monotonic() > until:
                return
            rng = np.random.default_rng((seed, number, len(kind)))
            path = folder / ("study.tsv" if kind == "study file" else "scoring.tsv")
            text = bend_text(rng, STUDY if kind == "study file" else SCORINGS[number % len(SCORINGS)])
            encoding = str(rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"]))
            path.write_bytes(text.encode(encoding, errors="replace"))
            outcome, fault = guarded(
                partial(plan_study, folder, path, Settings()) if kind == "study file" else partial(_read_stages, path)
            )  # fmt: skip
            path.unlink()
            if fault and keep:
                (keep / f"{kind[:5]}-{number}.tsv").write_bytes(text.encode(encoding, errors="replace"))
            yield kind, "refused" if outcome is None else "read", f"{number}: {fault}" if fault else ""


# --- results folders


def make_results(folder: Path) -> Path:
    """A results folder of three subjects, without pages: the fuzz is about the tables."""
    study = simulate_study(folder / "study", subjects=3, hours=1.5, rate_hz=100.0, channels=("F3-M2", "C4-M1"), seed=3)
    table = pd.read_csv(study, sep="\t", dtype=str)
    table["hypnogram"] = [f"truth/{name.removesuffix('.edf')}_stages.tsv" for name in table["recording"]]
    table.to_csv(study, sep="\t", index=False)
    nothing = (tables_of_study.SPECIFICATIONS.empty(), tables_of_study.SPECIFICATION_SUMMARY.empty())
    for name, instead in (("_write_pages", lambda *_: None), ("_trace_specifications", lambda *_: nothing)):
        setattr(pipeline if hasattr(pipeline, name) else tables_of_study, name, instead)
    pipeline.run_study(folder / "study", folder / "whole", jobs=1)
    return folder / "whole"


def _torn(rng: Rng, struck: Path, _others: Sequence[Path]) -> None:
    struck.write_bytes(struck.read_bytes()[: rng.integers(0, struck.stat().st_size + 1)])


def _emptied(_rng: Rng, struck: Path, _others: Sequence[Path]) -> None:
    struck.write_bytes(b"")


def _gone(_rng: Rng, struck: Path, _others: Sequence[Path]) -> None:
    struck.unlink()


def _another(rng: Rng, struck: Path, others: Sequence[Path]) -> None:
    struck.write_bytes(others[rng.integers(len(others))].read_bytes())


def _flipped(rng: Rng, struck: Path, _others: Sequence[Path]) -> None:
    bent = bytearray(struck.read_bytes())
    for at in rng.integers(0, max(len(bent), 1), 3 if bent else 0):
        bent[at] ^= 1 << rng.integers(8)
    _keeping_time(struck, bytes(bent))


def _line_lost(_rng: Rng, struck: Path, _others: Sequence[Path]) -> None:
    lines = struck.read_bytes().split(b"\n")
    struck.write_bytes(b"\n".join(lines[: len(lines) // 2] + lines[len(lines) // 2 + 1 :]))


def _exchanged_between_nights(rng: Rng, struck: Path, others: Sequence[Path]) -> None:
    """A file of a night against the same of another night; of the study, any two."""
    alike = [path for path in others if path.name.split("_desc-")[1:] == struck.name.split("_desc-")[1:]]
    other = alike[rng.integers(len(alike))]
    one, two = struck.read_bytes(), other.read_bytes()
    _keeping_time(struck, two)
    _keeping_time(other, one)


def _cell_of_nights(rng: Rng, _struck: Path, others: Sequence[Path]) -> None:
    """Edited by hand: a cell of nights.tsv is that of another row, another number or empty."""
    path = next(path for path in others if path.name == "nights.tsv")
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    row, column = int(rng.integers(1, len(rows))), int(rng.integers(len(rows[0])))
    rows[row][column] = str(rng.choice([rows[rng.integers(1, len(rows))][column], "", "3", "x"]))
    path.write_text("\n".join("\t".join(row) for row in rows) + "\n")


def _setting(rng: Rng, _struck: Path, others: Sequence[Path]) -> None:
    """Edited by hand: a number of settings.toml is half of it."""
    path = next(path for path in others if path.name == "settings.toml")
    lines = path.read_text().splitlines()
    numbers = [i for i, line in enumerate(lines) if re.search(r"= \d+\.\d+( |$)", line)]
    at = numbers[rng.integers(len(numbers))]
    lines[at] = re.sub(r"= (\d+\.\d+)", lambda found: f"= {float(found[1]) / 2}", lines[at])
    path.write_text("\n".join(lines) + "\n")


def _other_version(rng: Rng, _struck: Path, others: Sequence[Path]) -> None:
    """A night as another version wrote it."""
    documents = [path for path in others if path.name.endswith("desc-night.json")]
    path = documents[rng.integers(len(documents))]
    found = json.loads(path.read_text())
    found.pop("sha256")
    path.write_text(json.dumps(found | {"format": found["format"] + int(rng.choice([-1, 1]))}))


def _half_copied(rng: Rng, _struck: Path, others: Sequence[Path]) -> None:
    for path in rng.permutation(np.array(others, dtype=object))[: len(others) // 2]:
        path.unlink()


def _keeping_time(path: Path, raw: bytes) -> None:
    state = path.stat()
    path.write_bytes(raw)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


FOLDERS = (
    _torn, _emptied, _gone, _another, _flipped, _line_lost, _exchanged_between_nights, _cell_of_nights, _setting,
    _other_version, _half_copied,
)  # fmt: skip


def bend_folders(
    files: int, seed: int, until: float, folder: Path, keep: Path | None
) -> Iterator[tuple[str, str, str]]:
    """As `bend_recordings`; each folder is compared again, or run again."""
    whole = make_results(folder)
    usual = _tables(whole)
    names = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    results = folder / "bent"
    calls: dict[str, Callable[[], object]] = {
        "compare": lambda: pipeline.compare_study(results, jobs=1),
        "run": lambda: pipeline.run_study(folder / "study", results, jobs=1),
    }
    for number in range(files):
        if time.monotonic() > until:
            return
        rng = np.random.default_rng((seed, number))
        call, bend = list(calls)[number % len(calls)], FOLDERS[number // len(calls) % len(FOLDERS)]
        shutil.rmtree(results, ignore_errors=True)
        shutil.copytree(whole, results)  # with its times, so that what was finished is known
        struck = names[rng.integers(len(names))]
        bend(rng, results / struck, [results / name for name in names])
        if keep:
            shutil.rmtree(keep / "folder", ignore_errors=True)
            shutil.copytree(results, keep / "folder")
        outcome, fault = guarded(calls[call])
        if outcome is not None and not fault:
            fault = _folder_fault(results, usual, is_run=call == "run")
        if fault and keep:
            (keep / "folder").rename(keep / f"folder-{seed}-{number}")
        told = f"{struck} {number}: {fault}" if fault else ""
        yield f"{call}, {bend.__name__.strip('_')}", "refused" if outcome is None else "done", told


def _tables(results: Path) -> dict[str, bytes]:
    """All tables of the study; of what compare does not measure, such as its covariates, nights.tsv."""
    return {path.name: path.read_bytes() for path in (*results.glob("*.tsv"), results / "measures.parquet")}


def _folder_fault(results: Path, usual: dict[str, bytes], *, is_run: bool) -> str:
    """What is wrong with a folder that was made from a bent one; a run has mended everything."""
    problems = read_results(results).problems["problem"].astype(str).str.cat(sep=" ")
    now = _tables(results)
    other = sorted(name for name in usual if now.get(name) != usual[name])
    if list(results.glob("fault-*.txt")) or "fault of swa" in problems:
        return f"a fault of swa: {problems[:300]}"
    if other and (is_run or not problems):
        return f"silent: other {', '.join(other)} ({problems[:300]})"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--what", choices=("recordings", "tables", "folders"), default="recordings")
    parser.add_argument("--files", type=int, default=5000, help="of each kind; of folders, in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--keep", type=Path, help="folder for the files that show a fault")
    arguments = parser.parse_args()
    bend = {"recordings": bend_recordings, "tables": bend_tables, "folders": bend_folders}[arguments.what]
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    faults, slowest_s = [], 0.0
    with tempfile.TemporaryDirectory() as name:
        until = time.monotonic() + 60 * arguments.minutes
        began = time.process_time()
        for kind, outcome, fault in bend(arguments.files, arguments.seed, until, Path(name), arguments.keep):
            counts[kind, outcome] += 1
            slowest_s, began = max(slowest_s, time.process_time() - began), time.process_time()
            if fault:
                faults.append(f"{kind}, {fault}")
                print(faults[-1], flush=True)
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    for (kind, outcome), count in sorted(counts.items()):
        print(f"{kind}: {count} {outcome}")
    print(f"{sum(counts.values())} files, {len(faults)} faults; slowest {slowest_s:.1f} s, peak {peak_gb:.2f} GB")
    return bool(faults) or peak_gb > LIMIT_GB


if __name__ == "__main__":
    sys.exit(main())
