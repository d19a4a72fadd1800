"""Kill a run at random moments, and its workers at random: are the results those of an undisturbed run?

    python benchmarks/kill_runs.py [--kills 20] [--per-round 4] [--seed 0] [--short] [--kills-only]

Eight short simulated nights with given scorings, two workers. In each round a fresh results folder is begun, killed
`--per-round` times (SIGKILL or SIGTERM to the run, SIGKILL to a worker, SIGSTOP to the run or a worker for some seconds
then SIGKILL), then run to its end and compared, byte by byte, with the undisturbed run. Last rounds let no file
grow beyond 100 kB (RLIMIT_FSIZE), as a full disk would, or make the folder read-only in the middle (root loses
its right to write there), and then run on without it. `--short` takes half an hour of each of six nights and leaves
the pages out; `--kills-only` leaves the last rounds out.

POSIX only.
"""

import argparse
import ctypes
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import edfio
import pandas as pd
import psutil

from swa.simulation.simulated_study import simulate_study

LIMIT_B = 100_000
PR_CAPBSET_DROP = 24
WITHOUT_PAGES = "short"


def make_study(folder: Path, subjects: int) -> None:
    study = simulate_study(
        folder,
        subjects=subjects,
        hours=1.5,
        rate_hz=100.0,
        channels=("F3-M2", "C4-M1"),
        effect={"ketamine": 1.5},
        seed=5,
    )
    table = pd.read_csv(study, sep="\t", dtype=str)
    table["hypnogram"] = [f"truth/{name.removesuffix('.edf')}_stages.tsv" for name in table["recording"]]
    table.to_csv(study, sep="\t", index=False)


def shorten(folder: Path) -> None:
    """Keep half an hour of each recording, from the 20th minute on."""
    for path in folder.glob("*.edf"):
        recording = edfio.read_edf(path)
        recording.slice_between_seconds(1200, 3000)
        recording.write(path)
        scoring = folder / "truth" / f"{path.stem}_stages.tsv"
        table = pd.read_csv(scoring, sep="\t").iloc[40:100]
        table.assign(onset=table["onset"] - 1200).to_csv(scoring, sep="\t", index=False)


def start(recordings: Path, results: Path, *, limit: bool = False, bound: bool = False) -> subprocess.Popen[bytes]:
    def prepare() -> None:
        if limit:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_B, LIMIT_B))
        if bound:  # by the rights of files, as root is not: without CAP_DAC_OVERRIDE
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, 1, 0, 0, 0)

    options = ["run", str(recordings), "-o", str(results), "--jobs", "2"]
    without = "import swa.pipeline; swa.pipeline._write_page = lambda task: []; "
    pages = without if WITHOUT_PAGES in recordings.name else ""
    command = [sys.executable, "-c", f"{pages}from swa_cli.main import main; main({options})"]
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=prepare,
    )


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "run.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def differences(found: Path, expected: dict[str, bytes]) -> list[str]:
    own = contents(found)
    return sorted(name for name in own.keys() | expected.keys() if own.get(name) != expected.get(name))


def find_worker(run: subprocess.Popen[bytes], rng: random.Random) -> psutil.Process | None:
    try:
        children = psutil.Process(run.pid).children(recursive=True)
        workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    except psutil.NoSuchProcess:
        return None
    return rng.choice(workers) if workers else None


def disturb(run: subprocess.Popen[bytes], rng: random.Random) -> str:
    """Kill, stop or end a run or one of its workers; returns what was done. The run is over afterwards."""
    kind = rng.choice(("kill", "kill", "kill worker", "terminate", "stop", "stop worker"))
    worker = find_worker(run, rng) if kind in ("kill worker", "stop worker") else None
    try:
        match kind:
            case "kill worker" if worker:
                worker.kill()
            case "terminate":
                run.terminate()
            case "stop worker" if worker:
                _stop(worker, rng)
                run.kill()
            case "stop":
                _stop(psutil.Process(run.pid), rng)
                run.kill()
            case _:
                kind = "kill"
                run.kill()
    except psutil.NoSuchProcess:  # it ended just before
        run.kill()
    try:
        run.wait(600)
    except subprocess.TimeoutExpired:
        run.kill()
        return f"{kind}: it hangs"
    return kind


def _stop(process: psutil.Process, rng: random.Random) -> None:
    process.suspend()
    time.sleep(rng.uniform(1, 5))
    process.resume()
    time.sleep(rng.uniform(0, 2))


def run_read_only(recordings: Path, results: Path, after_s: float) -> int:
    """Begin a run, kill it, make its folder read-only, and run again: its exit code."""
    run = start(recordings, results)
    time.sleep(after_s)
    run.kill()
    run.wait()
    folders = [results, *(path for path in results.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    code = start(recordings, results, bound=os.geteuid() == 0).wait()
    for folder in folders:
        folder.chmod(0o755)
    return code


def fill_disk_and_lock(recordings: Path, base: Path, expected: dict[str, bytes], after_s: float) -> int:
    """Runs on a full disk and in a read-only folder, each then run on without that; how many ended otherwise."""
    wrong = 0
    code = start(recordings, base / "full", limit=True).wait()
    print(f"full disk: exit {code}, {len(list((base / 'full').rglob('*_desc-night.json')))} nights finished")
    code = start(recordings, base / "full").wait()
    differ = differences(base / "full", expected)
    wrong += bool(differ) or code != 0
    print(f"then: exit {code}, {len(differ)} files differ {differ[:5]}")
    code = run_read_only(recordings, base / "read-only", after_s)
    print(f"read-only folder: exit {code}")
    wrong += code == 0
    code = start(recordings, base / "read-only").wait()
    differ = differences(base / "read-only", expected)
    wrong += bool(differ) or code != 0
    print(f"then: exit {code}, {len(differ)} files differ {differ[:5]}")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--per-round", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--kills-only", action="store_true")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as place:
        base = Path(place)
        recordings = base / (WITHOUT_PAGES if arguments.short else "whole")
        make_study(recordings, subjects=3 if arguments.short else 4)
        if arguments.short:
            shorten(recordings)
        begun = time.monotonic()
        code = start(recordings, base / "undisturbed").wait()
        whole_s = time.monotonic() - begun
        expected = contents(base / "undisturbed")
        print(f"undisturbed: exit {code}, {whole_s:.0f} s, {len(expected)} files", flush=True)
        kills = rounds = wrong = hung = 0
        while kills < arguments.kills:
            rounds += 1
            results = base / f"round-{rounds}"
            for _ in range(min(arguments.per_round, arguments.kills - kills)):
                run = start(recordings, results)
                after_s = rng.uniform(0.05, 0.95) * whole_s
                try:
                    run.wait(after_s)  # ended before its turn: counts no kill
                    continue
                except subprocess.TimeoutExpired:
                    pass
                what = disturb(run, rng)
                hung += "hangs" in what
                kills += 1
                finished = len(list(results.rglob("*_desc-night.json")))
                print(f"kill {kills}: {what} after {after_s:.1f} s, {finished} nights finished", flush=True)
            code = start(recordings, results).wait()
            differ = differences(results, expected)
            wrong += bool(differ) or code != 0
            print(f"round {rounds}: exit {code}, {len(differ)} files differ {differ[:5]}", flush=True)
        if not arguments.kills_only:
            wrong += fill_disk_and_lock(recordings, base, expected, whole_s / 2)
        print(f"{kills} kills in {rounds} rounds: {wrong} rounds with other results, {hung} that hang")
    sys.exit(1 if wrong or hung else 0)


if __name__ == "__main__":
    main()
