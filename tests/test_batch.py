"""One engine: the same results from a loop and from workers; a dead worker is an outcome."""

import math
import os
from collections.abc import Callable
from typing import Any

import pytest

from swa.study import batch
from swa.study.batch import Workers, default_jobs

# Workers are other processes: what they run has to be importable there, which this file is not.
DIE = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


def run_tasks(function: Callable[[Any], Any], tasks: list[Any], jobs: int) -> dict[int, Any]:
    with Workers(jobs) as workers:
        return dict(workers.run(function, tasks))


def only_here(number: int) -> int:
    return number


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
def test_a_task_that_kills_its_worker_is_an_outcome_and_the_others_finish() -> None:
    outcomes = run_tasks(exec, ["1", "1", DIE, "1", "1"], jobs=2)
    assert isinstance(outcomes.pop(2), BaseException)
    assert outcomes == dict.fromkeys((0, 1, 3, 4))


@pytest.mark.slow
def test_a_cluster_without_workers_ends_with_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "LOOK_S", 1)
    monkeypatch.setattr(batch, "NO_WORKER_S", 3)
    outcomes = run_tasks(only_here, [1, 2, 3], jobs=2)  # no worker can import it: each gives up
    assert len(outcomes) == 3
    assert all(isinstance(outcome, BaseException) for outcome in outcomes.values())


def test_default_jobs_never_exceed_the_tasks() -> None:
    assert default_jobs(1) == 1
    assert 1 <= default_jobs(1000) <= (os.cpu_count() or 1)
