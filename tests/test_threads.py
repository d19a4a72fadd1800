"""Channels side by side in threads: the same night with any number of them, and no more than a process may use."""

import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest

from swa.errors import RecordingError
from swa.measures.slow_waves import Room
from swa.night.analysis import analyze_night
from swa.recordings import threads
from swa.recordings.threads import at_most, side_by_side, usable_threads
from swa.settings import Settings
from swa.study.run import batch
from swa.study.run.batch import Workers

TABLES = ("measures", "epochs", "spectra", "spectrogram", "staging_bias", "rejection")
NAMES = ("F3-M2", "F4-M1", "C3-M2", "C4-M1", "O1-M2")


@pytest.fixture(autouse=True)
def many_cores(monkeypatch):
    monkeypatch.setattr(threads, "usable_threads", lambda: 8)


def threads_of(n_items):
    """Names of the threads that work where all of them wait for each other."""
    with side_by_side(n_items) as each:
        met = threading.Barrier(n_items, timeout=5)
        return {name for _, name in each(lambda _: (met.wait(), threading.current_thread().name), range(n_items))}


@pytest.mark.parametrize(("n_threads", "n_items"), [(1, 3), (3, 1), (3, 20)])
def test_results_come_in_the_order_of_the_items(n_threads, n_items):
    with at_most(n_threads), side_by_side(n_items) as each:
        assert list(each(lambda item: item**2, range(n_items))) == [item**2 for item in range(n_items)]


def test_items_are_worked_at_at_once_by_as_many_threads_as_are_allowed():
    with at_most(3):
        assert len(threads_of(3)) == 3
    with at_most(1), side_by_side(3) as each:
        assert set(each(lambda _: threading.current_thread(), range(3))) == {threading.current_thread()}


def test_an_error_of_a_thread_is_that_of_its_item():
    def refuse(item):
        if item == 2:
            raise RecordingError(f"channel {item}", "leave it out")
        return item

    with at_most(3), pytest.raises(RecordingError, match="channel 2"), side_by_side(4) as each:
        list(each(refuse, range(4)))


def test_a_night_is_the_same_with_any_number_of_threads(make_recording, sleep_eeg, long_hypnogram):
    signals = {name: sleep_eeg(long_hypnogram, seed=seed) for seed, name in enumerate(NAMES)}
    signals["C3-M2"] = signals["C3-M2"] * 1e-4  # no biological signal: left out where it is read
    recording = make_recording(signals)
    nights = []
    for n_threads in (1, 2, 4):
        with at_most(n_threads):
            nights.append(analyze_night(recording, long_hypnogram, Settings(coupling={"measured": True})))
    assert list(nights[0].summary["unread"]) == ["C3-M2"]
    assert set(nights[0].measures["channel"]) == {*NAMES, "all"} - {"C3-M2"}
    for other in nights[1:]:
        for table in TABLES:
            pd.testing.assert_frame_equal(getattr(nights[0], table), getattr(other, table), check_exact=True)
        pd.testing.assert_frame_equal(nights[0].waves.table, other.waves.table, check_exact=True)
        pd.testing.assert_frame_equal(nights[0].waves.average, other.waves.average, check_exact=True)
        assert other.summary == nights[0].summary
        assert other.notes == nights[0].notes


def test_each_thread_has_its_own_memory_in_a_room():
    room = Room()
    met = threading.Barrier(2, timeout=5)

    def work(item):
        taken = room.take("trace", 1000)
        taken[:] = item
        met.wait()
        return taken.mean()

    with at_most(2), side_by_side(2) as each:
        assert list(each(work, [1, 2])) == [1, 2]


def test_channels_are_read_alike_with_any_number_of_threads(night_recording):
    groups = []
    for n_threads in (1, 3):
        with at_most(n_threads):
            groups.append(night_recording.read(night_recording.of_role("eeg"), 64.0))
    assert groups[0].channels == groups[1].channels
    for name in ("data_uv", "clipped", "mains_uv", "levels"):
        np.testing.assert_array_equal(getattr(groups[0], name), getattr(groups[1], name))


@pytest.mark.parametrize(
    ("told", "found"), [("1", 1), ("1,4", 1), ("1000000", None), ("", None), ("0", None), ("many", None), ("-1", None)]
)
def test_threads_are_as_many_as_the_scheduler_tells(monkeypatch, told, found):
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    monkeypatch.setattr(threads, "usable_cores", lambda: 8)
    assert usable_threads() == (found or 8)


def test_one_thread_a_process_keeps_no_core_from_a_worker(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(batch, "usable_cores", lambda: 8)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=64e9))
    assert batch.default_jobs(20) == 8


@pytest.mark.parametrize("n_threads", [1, 3])
def test_a_loop_of_the_engine_has_the_threads_that_it_was_given(n_threads):
    def count(_):
        with side_by_side(3) as each:
            return len(set(each(lambda _: (time.sleep(0.05), threading.get_ident())[1], range(3))))

    with Workers(1, threads=n_threads) as workers:
        assert list(workers.run(count, [None])) == [(0, n_threads)]


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone has a heap for each thread")
def test_threads_of_a_run_share_one_heap():
    """A heap for each thread keeps what a night has freed: a third more memory at its peak."""
    code = """
import ctypes, threading
from swa.recordings import threads
from swa.study.run.batch import Workers

threads.usable_threads = lambda: 2
def work(_):
    met = threading.Barrier(2)
    def hold(item):
        met.wait()
        return [bytes(1000 + item) for _ in range(1000)]
    with threads.side_by_side(2) as each:
        return list(each(hold, range(2)))

with Workers(threads=2) as workers:
    kept = list(workers.run(work, [None]))
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.count("<heap nr=") == 1
