"""Runs that are killed, lose a worker, or find the disk full: what they leave, finished by the next run, is the same.

Short nights with given scorings. Runs are processes of their own, without pages, which have tests of their own.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")]

STAGES = "W*4 N2*20 N3*16 R*8"
STAGES_OF_WORK = ("nights", "subjects", "pages")
RUN = """
import sys
import swa.pipeline
swa.pipeline._write_page = lambda task: []
recordings, results, jobs, scheduler = sys.argv[1:5]
run = swa.pipeline.run_study(recordings, results, jobs=int(jobs), scheduler=scheduler or None)
sys.exit(int((run.nights["status"] == "failed").any()))
"""
# A disk that is full: no file can grow beyond so many bytes.
LIMITED = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
LIMITED += "resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))\n"


@pytest.fixture(scope="module")
def recordings(tmp_path_factory, write_edf, sleep_eeg, make_hypnogram):
    folder = tmp_path_factory.mktemp("recordings")
    rows = []
    lines = [name for part in STAGES.split() for name in [part.split("*")[0]] * int(part.split("*")[1])]
    (folder / "stages.csv").write_text("stage\n" + "\n".join(lines) + "\n", encoding="utf-8")
    for i, (subject, condition) in enumerate((s, c) for s in ("P1", "P2") for c in ("baseline", "ketamine")):
        name = f"{subject}_{condition}.edf"
        write_edf(folder / name, {"C4-M1": sleep_eeg(make_hypnogram(STAGES), i)})
        rows.append({"subject": subject, "condition": condition, "recording": name, "hypnogram": "stages.csv"})
    pd.DataFrame(rows).to_csv(folder / "study.tsv", sep="\t", index=False)
    return folder


@pytest.fixture(scope="module")
def undisturbed(recordings, tmp_path_factory):
    """Files of a run that nothing disturbed, and how long it took."""
    results = tmp_path_factory.mktemp("undisturbed")
    begun = time.monotonic()
    assert start(recordings, results).wait(300) == 0
    return contents(results), time.monotonic() - begun


def start(recordings, results, *, jobs=1, scheduler="", before=""):
    words = [sys.executable, "-c", before + RUN, str(recordings), str(results), str(jobs), scheduler]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop_at(line, *words):
    """What a command says on standard error after Ctrl+C at this line, and its exit code."""
    call = [sys.executable, "-m", "swa", *map(str, words)]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    # A shell that runs the tests in its background has them ignore what Ctrl+C sends, and so would the command.
    streams["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(call, start_new_session=True, **streams) as command:
        next(text for text in command.stderr if text.startswith(line))
        os.killpg(command.pid, signal.SIGINT)  # as a terminal does: to the worker processes, too
        said = [text for text in command.stderr.read().splitlines() if text.partition(" ")[0] not in STAGES_OF_WORK]
        return said, command.wait(60)


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "run.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def assert_same(results: Path, expected: dict[str, bytes]) -> None:
    found = contents(results)
    assert sorted(found) == sorted(expected)
    assert not [name for name in found if found[name] != expected[name]]


def wait_for(condition, seconds=120.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_run_killed_at_random_moments_is_finished_by_the_next(recordings, undisturbed, tmp_path):
    expected, whole_s = undisturbed
    rng = random.Random(7)
    for _ in range(2):
        run = start(recordings, tmp_path)
        time.sleep(rng.uniform(0.3, 0.9) * whole_s)
        run.kill()
        run.wait(60)
    assert start(recordings, tmp_path).wait(300) == 0
    assert_same(tmp_path, expected)


@pytest.mark.long
def test_a_night_whose_worker_is_killed_once_is_done_by_another(recordings, undisturbed, tmp_path):
    run = start(recordings, tmp_path, jobs=2)
    marks = tmp_path / ".swa-work" / "attempts"
    wait_for(lambda: list(marks.glob("sub-*")))  # a night has begun
    workers = [p for p in psutil.Process(run.pid).children(recursive=True) if "spawn_main" in " ".join(p.cmdline())]
    for worker in workers[:1]:
        worker.send_signal(signal.SIGKILL)
    assert workers
    assert run.wait(300) == 0  # no night failed
    assert_same(tmp_path, undisturbed[0])


@pytest.mark.long
def test_a_disk_that_is_full_fails_nights_and_the_next_run_does_them(recordings, undisturbed, tmp_path):
    assert start(recordings, tmp_path, before=LIMITED).wait(300) != 0
    assert not list(tmp_path.rglob("*.tmp"))
    assert not list(tmp_path.rglob("*_desc-night.json"))
    problems = tmp_path / "problems.tsv"
    table = pd.read_csv(problems, sep="\t")
    table = table[table["step"] != "check"]  # the recordings of these tests begin at one and the same second
    assert len(table) == 4
    assert set(table["step"]) == {"write"}
    assert table["problem"].str.contains("File too large").all()
    assert start(recordings, tmp_path).wait(300) == 0
    assert_same(tmp_path, undisturbed[0])


def test_a_scheduler_with_two_workers_gives_the_same_bytes(recordings, undisturbed, tmp_path):
    def dask(*words):
        quiet = subprocess.DEVNULL
        return subprocess.Popen([sys.executable, "-m", "dask", *words], cwd=tmp_path, stdout=quiet, stderr=quiet)

    told = tmp_path / "scheduler.json"
    options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(told))
    processes = [dask("scheduler", *options)]
    try:
        wait_for(lambda: told.is_file() and told.stat().st_size)
        address = json.loads(told.read_text())["address"]
        processes += [dask("worker", address, "--nthreads", "1", "--no-dashboard") for _ in range(2)]
        results = tmp_path / "results"
        assert start(recordings, results, scheduler=address).wait(300) == 0
        nights = json.loads((results / "run.json").read_text())["nights"].values()
        assert os.getpid() not in {night["process"] for night in nights}
        assert len({night["process"] for night in nights}) == 2  # both took part
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(60)
    assert_same(results, undisturbed[0])


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_is_stopped_says_how_many_nights_are_kept_and_nothing_else(recordings, tmp_path, jobs):
    call = ("run", recordings, "-o", tmp_path, "--jobs", jobs)
    said, end = stop_at("nights 1/4", *call)
    finished = len(list(tmp_path.rglob("*_desc-night.json")))  # a worker may finish another one while it is told
    kept = [f"{n} of 4 nights {'is' if n == 1 else 'are'} finished and kept" for n in range(1, finished + 1)]
    assert said in [[f"swa: stopped: {text}; the same command goes on from there."] for text in kept]
    assert end == 130
    assert stop_at("subjects 1/2", *call) == (
        ["swa: stopped: 4 of 4 nights are finished and kept; the same command goes on from there."],
        130,
    )


def test_a_run_that_is_stopped_under_debug_says_nothing_of_semaphores(recordings, tmp_path):
    said, end = stop_at("nights 1/4", "run", recordings, "-o", tmp_path, "--jobs", 2, "--debug")
    assert end == 130
    assert not [text for text in said if "semaphore" in text or "resource_tracker" in text]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_comparison_that_is_stopped_says_so_and_nothing_else(recordings, tmp_path, jobs):
    assert start(recordings, tmp_path).wait(300) == 0
    said = ["swa: stopped: what was done before is kept; the same command goes on from there."]
    assert stop_at("subjects 1/2", "compare", tmp_path, "--jobs", jobs) == (said, 130)
