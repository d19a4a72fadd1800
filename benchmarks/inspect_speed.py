"""`swa inspect` on a folder of many recordings: seconds, each a night of 20 signals.

    python benchmarks/inspect_speed.py [--files 1000] [--limit 10]

Nine of ten are EDF+C, one of ten is EDF+D with a gap, whose 28,800 record times have to be read. All are links to one
night of either kind, so that this measures what is read and decided, with the pages of the files in memory.
"""

import argparse
import importlib.util
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HOURS, SIGNALS, RATE_HZ = 8, 20, 256


def _cases():
    """`recording_cases`, which knows how to write headers."""
    path = Path(__file__).with_name("recording_cases.py")
    spec = importlib.util.spec_from_file_location("recording_cases", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def make_header(reserved: str) -> bytes:
    """Header of a night: 20 signals and annotations."""
    cases = _cases()
    labels = ["F3", "F4", "C3", "C4", "O1", "O2", "M1", "M2", "E1-M2", "E2-M1", "Chin", "ECG", "Flow", "Thorax",
              "Abdomen", "SpO2", "Pulse", "Snore", "Leg L", "Leg R", "EDF Annotations"]  # fmt: skip
    n = len(labels)
    values = {"label": labels, "transducer": [""] * n, "unit": ["uV"] * SIGNALS + [""],
              "physical_min": ["-3200"] * SIGNALS + ["-1"], "physical_max": ["3200"] * SIGNALS + ["1"],
              "digital_min": ["-32768"] * n, "digital_max": ["32767"] * n, "prefilter": [""] * n,
              "samples": [str(RATE_HZ)] * SIGNALS + ["30"], "reserved": [""] * n}  # fmt: skip
    head = cases.edit(cases.base(seconds=1)[:256], signals=str(n), length=str(256 * (1 + n)), reserved=reserved,
                      records=str(HOURS * 3600))  # fmt: skip
    for (_, texts), width in zip(values.items(), (16, 80, 8, 8, 8, 8, 8, 80, 8, 32), strict=True):
        head += b"".join(text.encode().ljust(width) for text in texts)
    return head


def write(path: Path, header: bytes, *, gap: bool) -> None:
    """A sparse night; with a gap, its record times are written."""
    n_records, record = HOURS * 3600, 2 * (SIGNALS * RATE_HZ + 30)
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + n_records * record)
    if gap:
        records = np.memmap(path, np.uint8, "r+", len(header), (n_records, record))
        for i in range(n_records):
            text = f"+{i + (100 if i > 9000 else 0)}\x14\x14".encode()
            records[i, -60 : -60 + len(text)] = np.frombuffer(text, np.uint8)
        records.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--limit", type=float, default=10.0, help="s")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        whole, interrupted = make_header("EDF+C"), make_header("EDF+D")
        models = [Path(folder, f".{kind}") for kind in ("interrupted", "whole")]
        write(models[0], interrupted, gap=True)
        write(models[1], whole, gap=False)
        for i in range(arguments.files):
            name = f"S{i // 2:04d}_{'baseline' if i % 2 else 'ketamine'}.edf"
            os.link(models[i % 10 > 0], Path(folder, name))  # 100 GB of nights would say no more
        began = time.perf_counter()
        ended = subprocess.run([sys.executable, "-m", "swa_cli", "inspect", folder], capture_output=True, text=True)
        seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    n_gaps = ended.stdout.count("interrupted: 1 gap of 100 s")
    print(f"{arguments.files} recordings of {HOURS} h, {SIGNALS} signals; {n_gaps} with a gap; exit {ended.returncode}")
    print(
        f"swa inspect: {seconds:.1f} s (limit {arguments.limit:g} s), with "
        f"{used.ru_utime + used.ru_stime:.1f} s of processor time"
    )
    return bool(seconds > arguments.limit or ended.returncode or n_gaps != -(-arguments.files // 10))


if __name__ == "__main__":
    sys.exit(main())
