"""One engine: the same results from a loop and from workers; a dead worker is an outcome."""

import contextlib
import gc
import http.client
import math
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from swa.errors import StudyError
from swa.study.run import batch
from swa.study.run.batch import Workers, default_jobs

# Workers are other processes: what they run has to be importable there, which this file is not.
DIE = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


def run_tasks(function: Callable[[Any], Any], tasks: list[Any], jobs: int) -> dict[int, Any]:
    with Workers(jobs) as workers:
        return dict(workers.run(function, tasks))


def test_loop_keeps_positions() -> None:
    assert run_tasks(math.sqrt, [1, 4, 9], jobs=1) == {0: 1, 1: 2, 2: 3}


def test_an_exception_in_the_loop_is_an_outcome() -> None:
    outcomes = run_tasks(math.sqrt, [1, -1, 9], jobs=1)
    assert isinstance(outcomes.pop(1), ValueError)
    assert outcomes == {0: 1, 2: 3}


def test_nothing_to_do() -> None:
    assert run_tasks(math.sqrt, [], jobs=2) == {}


@pytest.mark.slow
def test_workers_give_the_same_results() -> None:
    assert run_tasks(math.sqrt, list(range(20)), jobs=2) == {i: math.sqrt(i) for i in range(20)}


@pytest.mark.slow
def test_workers_are_heard_on_this_machine_alone_and_show_nothing() -> None:
    """Beside a program that holds Dask's usual port, too, of which nothing is left open."""
    seen = []
    with socket.socket() as other, Workers(2) as workers:
        with contextlib.suppress(OSError):  # held already
            other.bind(("127.0.0.1", 8787))
        for _ in workers.run(math.sqrt, [1.0, 4.0, 9.0]):
            own = psutil.Process()
            for process in (own, *own.children(recursive=True)):
                seen += [c.laddr for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
            break
        hosts = {address.ip for address in seen}
        assert seen
        assert hosts <= {"127.0.0.1", "::1"}, hosts
        for address in set(seen):
            with pytest.raises((OSError, http.client.HTTPException)) as told:  # no page: 404, or no HTTP at all
                urllib.request.urlopen(f"http://127.0.0.1:{address.port}/info/main/workers.html", timeout=5)
            if isinstance(told.value, urllib.error.HTTPError):
                told.value.close()
    gc.collect()


@pytest.mark.slow
def test_a_task_that_kills_its_worker_is_an_outcome_and_the_others_finish() -> None:
    outcomes = run_tasks(exec, ["1", "1", DIE, "1", "1"], jobs=2)
    assert isinstance(outcomes.pop(2), BaseException)
    assert outcomes == dict.fromkeys((0, 1, 3, 4))


@pytest.mark.slow
def test_a_cluster_without_workers_ends_with_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr(batch, "LOOK_S", 1)
    monkeypatch.setattr(batch, "NO_WORKER_S", 2)
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Workers(scheduler=cluster.scheduler_address) as workers,
    ):
        outcomes = dict(workers.run(math.sqrt, [1, 2, 3]))
    assert len(outcomes) == 3
    assert all(isinstance(outcome, BaseException) for outcome in outcomes.values())


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere"])
def test_a_scheduler_that_does_not_answer_is_an_error(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "CONNECT_S", 1)
    with pytest.raises(StudyError, match=address), Workers(scheduler=address) as workers:
        list(workers.run(math.sqrt, [1, 4]))


@pytest.mark.slow
def test_a_scheduler_that_is_lost_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    quick = {"distributed.comm.timeouts.connect": "1s", "distributed.client.scheduler-reconnect-timeout": "1s"}
    monkeypatch.setattr(batch, "DASK_CONFIG", batch.DASK_CONFIG | quick)
    monkeypatch.setattr(batch, "CONNECT_S", 3)
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        timer = threading.Timer(2, cluster.close)
        timer.start()
        with pytest.raises(StudyError, match="lost"), Workers(scheduler=cluster.scheduler_address) as workers:
            list(workers.run(time.sleep, [6, 6]))
        timer.join()


def test_default_jobs_never_exceed_the_tasks() -> None:
    assert default_jobs(1) == 1
    assert 1 <= default_jobs(1000) <= (os.cpu_count() or 1)


@pytest.mark.slow
def test_a_script_without_a_main_guard_runs_once_and_says_nothing_of_its_own(tmp_path: Path) -> None:
    """Nor do warnings and logs of what the workers do, nor threads that are busy when they end."""
    script = tmp_path / "script.py"
    script.write_text(
        "import logging, threading, warnings\n"
        "from swa.study.run.batch import Workers\n"
        "with Workers(2) as workers:\n"
        "    print(sorted(place for place, _ in workers.run(warnings.warn, ['noise', 'noise'])))\n"
        "    print(len(list(workers.run(logging.warning, ['noise', 'noise']))), __file__ is None)\n"
        "print(__file__)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["[0, 1]", "2 True", str(script)]


@pytest.mark.parametrize(("free_gb", "jobs"), [(64.0, 8), (12.0, 8), (7.5, 5), (1.0, 1)])
def test_workers_are_as_many_as_memory_feeds(free_gb: float, jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def peak_gb() -> float:
        asked.append(1.4)
        return asked[-1]

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=free_gb * 1e9))
    assert default_jobs(100, peak_gb) == jobs
    assert bool(asked) == (free_gb < 20)  # no header is read where there is plenty
