"""One engine for everything that is done many times: nights, subject steps, pages."""

import atexit
import functools
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Self, TypeVar

from swa.errors import StudyError, SwaError

if TYPE_CHECKING:
    from distributed import Client

Task = TypeVar("Task")
Result = TypeVar("Result")

MEMORY_PER_JOB_GB = 1.5  # of steps and pages, with room to spare
PLENTY_GB = 2.5  # no night is known to need as much
LOOK_S = 5
POLL_S = 0.05
NO_WORKER_S = 60
CONNECT_S = 30
# Dask's defaults lose innocent work: a worker that dies takes its queue with it, and three deaths blame every task that
# waited there. One task at a time per worker and one death allowed keep the blame where it belongs.
DASK_CONFIG = {
    "distributed.scheduler.allowed-failures": 1,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.comm.timeouts.connect": "60s",
    "distributed.logging.distributed": "error",
    # A terminal sends Ctrl+C to workers, too: they end with this process, and would print tracebacks of their own.
    "distributed.worker.preload": ["import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"],
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # Dask's own profiler keeps stacks for as long as a run lasts, here and in each worker; nobody looks at them.
    "distributed.worker.profile.enabled": False,
    # Dask has the C library give back every freed array of 64 kB, and workers then spend a third of their time on
    # getting pages of memory again. With twice these limits they hold 15 MB more and are no faster.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 32 * 2**20,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 16 * 2**20,
}


class WorkerDeathError(SwaError):
    """The outcome of a task whose worker process died each time, although no other task ran beside it at last."""


class Workers:
    """One engine: this process, local single-threaded worker processes, or those of a Dask scheduler.

    Parameters
    ----------
    jobs : int
        Local worker processes; 1 is a plain loop without Dask.
    scheduler : str, optional
        Address of a running Dask scheduler (``tcp://host:port``), which then does the work.

    Notes
    -----
    Workers start with the first tasks that need them and stay until the end of the `with` block, so that what a worker
    pays once (imports, compilation) it pays once.
    """

    def __init__(self, jobs: int = 1, scheduler: str | None = None) -> None:
        self._jobs = jobs
        self._scheduler = scheduler
        self._stack = ExitStack()
        self._client: Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self._stack.pop_all()  # closing waits for workers in the middle of a night; they end with this process
        with suppress(Exception):  # all is done: what Dask says at its end costs nothing of it
            self._stack.close()
        self._client = None

    def run(
        self, function: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[int, Result | BaseException]]:
        """Run a picklable function over tasks.

        Parameters
        ----------
        function : callable
            Takes one task; its own bad input it turns into a result.
        tasks : sequence
            Picklable.

        Yields
        ------
        (int, result or exception)
            Position of the task, in the order of completion; `WorkerDeathError` where its worker died.

        Raises
        ------
        StudyError
            No scheduler answers at the address, or the connection was lost.
        """
        if self._scheduler is None and self._client is None and (self._jobs == 1 or len(tasks) <= 1):
            from threadpoolctl import threadpool_limits

            with threadpool_limits(1):
                for position, task in enumerate(tasks):
                    try:
                        yield position, function(task)
                    except Exception as fault:
                        yield position, fault
            return
        from concurrent.futures import CancelledError

        try:
            yield from self._run_until_alone(function, tasks)
        except (CancelledError, OSError):  # a scheduler that is gone: errors of tasks are outcomes
            raise StudyError(
                f"The connection to the scheduler {self._scheduler or 'of the workers'} was lost.",
                "Repeat the command when it runs again: finished nights are kept.",
            ) from None

    def _run_until_alone(
        self, function: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[int, Result | BaseException]]:
        """Run tasks; those whose worker died are tried once more, one after another.

        Of few tasks Dask gives each worker several, and blames all of them for its death, whichever it was at; and
        where memory was short, one alone has more of it.
        """
        died = []
        for position, outcome in self._run_on_workers(function, tasks):
            if _is_killed(outcome):
                died.append(position)
            else:
                yield position, outcome
        for position in died:
            for _, outcome in self._run_on_workers(function, [tasks[position]]):
                yield position, _death() if _is_killed(outcome) else outcome

    def _run_on_workers(
        self, function: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[int, Result | BaseException]]:
        from distributed import as_completed

        client = self._connect()
        own = function if self._scheduler else functools.partial(_in_worker, function)
        futures = {client.submit(own, task, pure=False): position for position, task in enumerate(tasks)}
        arrived = as_completed(futures)  # one watch of each task; `wait` would watch all of them again at each arrival
        looked = worker_seen = time.monotonic()
        while futures:
            finished = arrived.next_batch(block=False)
            for future in finished:
                error = future.exception()
                if error is not None:
                    error = error.with_traceback(future.traceback())
                yield futures.pop(future), future.result() if error is None else error
                future.release()
            if finished:
                continue
            time.sleep(POLL_S)
            if time.monotonic() - looked < LOOK_S:
                continue
            looked = time.monotonic()
            if client.nthreads():
                worker_seen = looked
            elif looked - worker_seen >= NO_WORKER_S:
                # Dask would wait for workers for ever; a cluster whose last worker is gone ends here.
                for position in futures.values():
                    yield position, RuntimeError("no worker process is left")
                return

    def _connect(self) -> "Client":
        if self._client is not None:
            return self._client
        import dask
        from distributed import Client, LocalCluster

        self._stack.enter_context(dask.config.set(DASK_CONFIG))
        if self._scheduler is not None:
            logger = logging.getLogger("distributed")  # a lost connection is told in one line, not by its tracebacks
            self._stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.CRITICAL)
            try:
                self._client = self._stack.enter_context(Client(self._scheduler, timeout=CONNECT_S))
            except (OSError, ValueError) as error:  # ValueError: it is no address
                raise StudyError(
                    f"--scheduler {self._scheduler}: no Dask scheduler answers there ({error}).",
                    "Give its address as `dask scheduler` prints it: tcp://HOST:PORT.",
                ) from None
            return self._client
        # Heard on this machine alone, and without the pages that tell which recordings are worked on.
        self._stack.enter_context(_without_main())
        cluster = LocalCluster(
            n_workers=self._jobs,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            # Any free port: where another run holds Dask's usual one, Dask warns and leaves a socket open.
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
            silence_logs=50,
        )
        self._stack.enter_context(cluster)
        self._client = self._stack.enter_context(Client(cluster))
        return self._client


def _in_worker(function: Callable[[Task], Result], task: Task) -> Result:
    _settle()
    return function(task)


@functools.cache
def _settle() -> None:
    """Keep what libraries say away from the terminal of the user, once in each worker process.

    At its end a worker does not wait for threads that are inside a library: C++ ends a process with "terminate called
    without an active exception" where one of them wants to go on.
    """
    warnings.simplefilter("ignore")
    logging.disable()
    atexit.register(os._exit, 0)


@contextmanager
def _without_main() -> Iterator[None]:
    """Let worker processes import nothing of the script that calls.

    A script without a main guard would call again in each of them; nothing of it is needed there.
    """
    main = sys.modules["__main__"]
    hidden = {name: getattr(main, name) for name in ("__file__", "__spec__") if getattr(main, name, None) is not None}
    for name in hidden:
        setattr(main, name, None)
    try:
        yield
    finally:
        for name, value in hidden.items():
            setattr(main, name, value)


def is_death(outcome: object) -> bool:
    """Whether an outcome of `Workers.run` says that the worker died, not that the task failed."""
    return isinstance(outcome, WorkerDeathError)


def _is_killed(outcome: object) -> bool:
    from distributed import KilledWorker

    return isinstance(outcome, KilledWorker)


def _death() -> WorkerDeathError:
    return WorkerDeathError(
        "the worker process died each time it was tried, at last with nothing beside it: out of memory, or killed",
        "Close other programs, and run `swa compare RESULTS --jobs 1`, which needs no worker.",
    )


def default_jobs(n_tasks: int, peak_gb: Callable[[], float] | None = None) -> int:
    """Worker processes that this machine can feed: cores, nights, and memory for each.

    Parameters
    ----------
    n_tasks : int
        Nights, or subjects.
    peak_gb : callable, optional
        Memory in GB that each needs; asked for where memory could be short.
    """
    import psutil

    memory_gb = psutil.virtual_memory().available / 1e9
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    jobs = min(cores, n_tasks)
    if memory_gb < jobs * PLENTY_GB:
        jobs = min(jobs, int(memory_gb / (peak_gb() if peak_gb else MEMORY_PER_JOB_GB)))
    return max(1, jobs)
