"""Batches by several workers: in order, errors in their turn, a few at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from nlp_zero.text.parallel import in_order, processes

_found: list[int] = []


def begin(number: int) -> None:
    _found[:] = [number]


def divide(number: int) -> float:
    return _found[0] / number


def test_processes_begin_with_what_they_are_told_and_errors_wait_for_their_turn() -> None:
    results = in_order(processes(2, begin, 12), divide, [1, 2, 3, 0, 4], 2)
    assert [next(results) for _ in range(3)] == [12, 6, 4]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert list(results) == []


def test_only_a_few_batches_are_read_ahead() -> None:
    read: list[int] = []

    def batches() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    results = in_order(ThreadPoolExecutor(2), str, batches(), 2)
    assert next(results) == "0" and len(read) <= 5
    results.close()  # type: ignore[attr-defined]
    assert len(read) <= 5


def linger(number: int) -> int:
    time.sleep(60 if number else 0)
    return os.getpid()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes of Unix")
def test_nobody_waits_for_processes_that_nobody_listens_to() -> None:
    started = time.monotonic()
    results = in_order(processes(2, begin, 0), linger, [0, *range(1, 9)], 2)
    assert next(results) != os.getpid()
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - started < 30


ORPHANS = """
import os, signal, time
from nlp_zero.text.parallel import in_order, processes
def work(number):
    return os.getpid()
print(*in_order(processes(1, int), work, [1], 1), flush=True)
pool = processes(2, int)
print(pool.submit(os.getpid).result(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes of Unix")
def test_processes_end_with_the_one_that_was_killed() -> None:
    child = subprocess.run([sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE, text=True)
    worker = int(child.stdout.split()[-1])
    for _ in range(200):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.kill(worker, signal.SIGKILL)
    raise AssertionError("a worker was left behind")
