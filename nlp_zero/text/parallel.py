"""Work on batches of text by several workers: the results of one, in the same order, sooner.

A batch goes to a worker, and what comes of it comes back in one piece; a few batches are read ahead, so that a stream
of any length needs the memory of a few. Where a good part of the work is Python's own, making strings above all, it
takes processes: threads would wait for the interpreter's lock.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import parent_process
from typing import Any, TypeVar

from ..errors import NlpZeroError

__all__ = ["in_order", "processes"]

Batch = TypeVar("Batch")
Found = TypeVar("Found")

_AHEAD = 2  # batches for each worker that are read ahead, so that none waits


def in_order(pool: Executor, work: Callable[[Batch], Found], batches: Iterable[Batch], workers: int) -> Iterator[Found]:
    """``work(batch)`` of each batch, in their order, by the workers of a pool, which is shut down in the end.

    An error in a worker is raised here when the turn of its batch comes; NlpZeroError where a process was stopped from
    outside.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> list(in_order(ThreadPoolExecutor(2), str.upper, ["a", "b", "c"], 2))
    ['A', 'B', 'C']
    """
    waiting: deque[Future[Found]] = deque()
    try:
        for batch in batches:
            waiting.append(pool.submit(work, batch))
            if len(waiting) > workers * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise NlpZeroError("a worker process was stopped from outside (out of memory?); try fewer --workers") from error
    except BaseException:
        _stop(pool)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _stop(pool: Executor) -> None:
    """End processes whose results nobody waits for any more: after a Ctrl-C, a batch in Python may take long."""
    if isinstance(pool, ProcessPoolExecutor):
        for process in list((getattr(pool, "_processes", None) or {}).values()):
            process.terminate()


def processes(workers: int, begin: Callable[..., None] | None = None, *arguments: Any) -> ProcessPoolExecutor:
    """A pool of processes, each of which calls ``begin(*arguments)`` first, if it is given."""
    return ProcessPoolExecutor(workers, initializer=_begin, initargs=(begin, arguments))


def _begin(begin: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the process that hands out the work
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    if begin is not None:
        begin(*arguments)


def _leave_with_parent() -> None:
    """End this process when the one that hands out the work was killed, which has told nobody."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
