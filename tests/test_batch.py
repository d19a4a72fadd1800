"""One engine: the same results from a loop and from workers; a dead worker is an outcome."""

import os
import signal
from collections.abc import Callable

import pytest

from swa.study.batch import Workers, default_jobs


def run_tasks(function: Callable[[int], int], tasks: list[int], jobs: int) -> dict[int, int | BaseException]:
    with Workers(jobs) as workers:
        return dict(workers.run(function, tasks))


def square(number: int) -> int:
    return number * number


def die_on_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_loop_keeps_positions() -> None:
    assert (run_tasks(square, [1, 2, 3], jobs=1)) == {0: 1, 1: 4, 2: 9}


def test_nothing_to_do() -> None:
    assert run_tasks(square, [], jobs=2) == {}


@pytest.mark.slow
def test_workers_give_the_same_results() -> None:
    assert (run_tasks(square, list(range(20)), jobs=2)) == {i: i * i for i in range(20)}


@pytest.mark.slow
def test_a_task_that_kills_its_worker_is_an_outcome_and_the_others_finish() -> None:
    outcomes = run_tasks(die_on_three, list(range(8)), jobs=2)
    assert isinstance(outcomes.pop(3), BaseException)
    assert outcomes == {i: i for i in range(8) if i != 3}


def test_default_jobs_never_exceed_the_tasks() -> None:
    assert default_jobs(1) == 1
    assert 1 <= default_jobs(1000) <= (os.cpu_count() or 1)
