"""The channels of one recording side by side: numpy, scipy and soxr let go of the interpreter while they compute."""

import contextvars
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_THREADS = 4  # each holds one more channel's filtered trace, derivative and copies: 50 MB for 8 h
_allowed = contextvars.ContextVar("allowed", default=MOST_THREADS)


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usable_threads() -> int:
    """Threads that this process may have: as many as cores, or fewer where ``OMP_NUM_THREADS`` says so.

    Schedulers, joblib and Dask tell each of their processes by that variable how many are its own; whoever starts as
    many processes as there are cores sets it to 1.
    """
    told = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return min(usable_cores(), int(told)) if told.isdecimal() and int(told) else usable_cores()


@contextmanager
def at_most(threads: int) -> Iterator[None]:
    """Let no recording take more threads than these within the block."""
    token = _allowed.set(threads)
    try:
        yield
    finally:
        _allowed.reset(token)


@contextmanager
def side_by_side(n_items: int) -> Iterator[Callable[[Callable[[Item], Result], Iterable[Item]], Iterator[Result]]]:
    """A `map` that calls a function on so many items in threads, as far as cores are free; results in their order.

    One thread is the plain `map`. What an item gives is the same with any number of threads.
    """
    threads = min(n_items, usable_threads(), MOST_THREADS, _allowed.get())
    if threads <= 1:
        yield map
        return
    with ThreadPoolExecutor(threads, "swa-channels") as pool:
        yield pool.map
