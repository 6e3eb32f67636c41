"""Work on batches of text in several processes: the results of one, in the same order, sooner.

Processes, not threads: what takes long beside the kernels is making strings, which happens under the interpreter's
lock. A batch goes to a process, and what comes of it comes back in one piece; a few batches are read ahead, so that a
stream of any length needs the memory of a few.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from ..errors import NlpZeroError

__all__ = ["in_processes"]

Batch = TypeVar("Batch")
Found = TypeVar("Found")

_AHEAD = 2  # batches for each worker that are read ahead, so that none waits


def in_processes(
    work: Callable[[Batch], Found],
    batches: Iterable[Batch],
    workers: int,
    begin: Callable[..., object],
    arguments: tuple[Any, ...] = (),
) -> Iterator[Found]:
    """``work(batch)`` of each batch, in order; every process calls ``begin(*arguments)`` first.

    With one worker all is done here, without another process. An error in a worker is raised here when the turn of its
    batch comes; NlpZeroError where a process was stopped from outside.

    >>> list(in_processes(str.upper, ["a", "b"], 1, begin=int))
    ['A', 'B']
    """
    if workers < 1:
        raise ValueError(f"workers: expected 1 or more, such as 2, got {workers}")
    if workers == 1:
        begin(*arguments)
        yield from map(work, batches)
        return
    pool = ProcessPoolExecutor(workers, initializer=_begin, initargs=(begin, arguments))
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
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(begin: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the process that hands out the work
    begin(*arguments)
