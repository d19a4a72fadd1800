"""One engine for everything that is done many times: nights, subject steps, pages."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from distributed import Client

Task = TypeVar("Task")
Result = TypeVar("Result")

MEMORY_PER_JOB_GB = 1.5
# Dask's defaults lose innocent work: a worker that dies takes its queue with it, and three deaths blame every task that
# waited there. One task at a time per worker and one death allowed keep the blame where it belongs.
DASK_CONFIG = {
    "distributed.scheduler.allowed-failures": 1,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.comm.timeouts.connect": "60s",
    "distributed.logging.distributed": "error",
}


def run_tasks(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    jobs: int = 1,
    scheduler: str | None = None,
) -> Iterator[tuple[int, Result | BaseException]]:
    """Run a picklable function over tasks, in this process, on local workers, or on a Dask scheduler.

    Parameters
    ----------
    function : callable
        Takes one task; its own bad input it turns into a result.
    tasks : sequence
        Picklable.
    jobs : int
        Local single-threaded worker processes; 1 is a plain loop without Dask.
    scheduler : str, optional
        Address of a running Dask scheduler (``tcp://host:port``), which then does the work.

    Yields
    ------
    (int, result or exception)
        Position of the task, in the order of completion; an exception where its worker died.
    """
    if not tasks:
        return
    if scheduler is None and (jobs == 1 or len(tasks) == 1):
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            for position, task in enumerate(tasks):
                yield position, function(task)
        return
    from distributed import as_completed

    with ExitStack() as stack:
        client = _connect(stack, min(jobs, len(tasks)), scheduler)
        futures = {client.submit(function, task, pure=False): position for position, task in enumerate(tasks)}
        for future in as_completed(list(futures)):
            error = future.exception()
            yield futures.pop(future), future.result() if error is None else error
            future.release()


def default_jobs(n_tasks: int) -> int:
    """Worker processes that this machine can feed: cores, nights, and 1.5 GB of memory for each."""
    import psutil

    memory_gb = psutil.virtual_memory().available / 1e9
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, n_tasks, int(memory_gb / MEMORY_PER_JOB_GB)))


def _connect(stack: ExitStack, jobs: int, scheduler: str | None) -> "Client":
    import dask
    from distributed import Client, LocalCluster

    stack.enter_context(dask.config.set(DASK_CONFIG))
    if scheduler is not None:
        return stack.enter_context(Client(scheduler, timeout="30s"))
    cluster = stack.enter_context(
        LocalCluster(n_workers=jobs, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50)
    )
    return stack.enter_context(Client(cluster))
