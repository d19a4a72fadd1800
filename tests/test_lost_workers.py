"""Worker processes that are killed, as by a machine without memory: who waited beside them loses nothing."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import swa.pipeline
from swa import Settings
from swa.study.problems import as_table
from swa.study.run.batch import Workers, is_death
from swa.study.run.work import Work, silent
from swa.study.store import Results
from swa.study.subject import SubjectTask
from swa.tables.files import write_table

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")]


def killed_at_first(folder: Path, times: int) -> Callable[[Any], list[Any]]:
    """A task whose first so many trials, of all tasks together, end their worker; a function that pickles by value."""

    def work(_: object) -> list[Any]:
        import contextlib
        import os
        import signal
        import time

        time.sleep(0.3)  # others wait behind it
        for number in range(times):
            with contextlib.suppress(FileExistsError):
                (folder / f"killed-{number}").touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)
        return []

    return work


def killed_always(name: str) -> Callable[[Any], list[Any]]:
    """A task of this name ends each worker that tries it."""

    def work(task: object) -> list[Any]:
        import os
        import signal

        if name in str(task):
            os.kill(os.getpid(), signal.SIGKILL)
        return []

    return work


def write_pages(results: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Any], list[Any]]) -> list[str]:
    """The problems told while pages are written so, by two workers."""
    monkeypatch.setattr(swa.pipeline, "_write_page", write)
    subjects = [
        SubjectTask(subject=s, label=s, nights=(), baseline="", results=results, settings=Settings())
        for s in ("P1", "P2")
    ]
    write_table(as_table([]), results / "problems.tsv")
    for subject in subjects:
        (results / f"sub-{subject.label}").mkdir()
    with Workers(2) as workers:
        swa.pipeline._write_pages(
            Work(results=results, settings=Settings(), workers=workers, progress=silent), subjects
        )
    return [" ".join(row) for row in Results(results).problems[["problem", "remedy"]].to_numpy()]


def test_workers_that_are_killed_take_no_task_with_them(tmp_path: Path) -> None:
    """Four tasks are few: Dask gives each worker two, and blames those that wait for the death of their worker."""
    with Workers(2) as workers:
        outcomes = dict(workers.run(killed_at_first(tmp_path, 4), range(4)))
    assert outcomes == {position: [] for position in range(4)}


def test_a_task_that_kills_each_worker_is_the_only_one_that_is_lost() -> None:
    with Workers(2) as workers:
        outcomes = dict(workers.run(killed_always("b"), ["a", "b", "c", "d"]))
    assert is_death(outcomes.pop(1))
    assert outcomes == {position: [] for position in (0, 2, 3)}


def test_workers_killed_in_the_middle_of_pages_cost_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert write_pages(tmp_path, monkeypatch, killed_at_first(tmp_path, 4)) == []
    assert not list(tmp_path.rglob("*.html"))  # a placeholder


def test_a_page_that_kills_its_worker_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (told,) = write_pages(tmp_path, monkeypatch, killed_always("subject='P2'"))
    assert told.startswith("the page of P2 could not be written (the worker process died each time")
    assert "`swa compare RESULTS --jobs 1`" in told
    assert "fault" not in told
    assert [path.name for path in tmp_path.rglob("*.html")] == ["sub-P2.html"]
