"""Tasks in threads, their results in order: the same whatever the number of threads.

The kernels of the C engine let go of Python while they work, so that threads share the work; those of the pure engine
do not, and gain nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

__all__ = ["Stopped", "in_order"]

Result = TypeVar("Result")
PAUSE = 0.1  # seconds between two looks for Ctrl-C where waiting for a thread would not notice it


class Stopped(Exception):
    """A task was told to stop."""


def in_order(task: Callable[[int, Event], Result], count: int, workers: int = 1) -> Generator[Result, None, None]:
    """The results of the tasks 0 to ``count - 1`` in this order, of which ``workers`` run at a time.

    A task is called with its number and an event; where this is set, nobody waits any more, and it may raise
    :class:`Stopped`. What a task raises is raised here. One worker is the calling thread. Who leaves early closes what
    this returns, or the threads go on.

    >>> list(in_order(lambda number, stop: number * number, 4, workers=3))
    [0, 1, 4, 9]
    """
    workers = min(workers, count)
    if workers <= 1:
        stop = Event()
        return (task(number, stop) for number in range(count))
    return _Pool(task, count).results(workers)


class _Pool(Generic[Result]):
    def __init__(self, task: Callable[[int, Event], Result], count: int) -> None:
        self.task, self.count = task, count
        self.stop, self.lock, self.taken = Event(), Lock(), 0
        self.done: SimpleQueue[tuple[int, list[Result], BaseException | None]] = SimpleQueue()

    def _claim(self) -> int:
        with self.lock:
            self.taken += 1
            return self.taken - 1

    def _work(self) -> None:
        while (number := self._claim()) < self.count and not self.stop.is_set():
            try:
                self.done.put((number, [self.task(number, self.stop)], None))
            except BaseException as error:
                self.done.put((number, [], error))
                return

    def _next(self) -> tuple[int, list[Result], BaseException | None]:
        while True:
            try:
                return self.done.get(timeout=PAUSE)
            except Empty:
                continue

    def results(self, workers: int) -> Generator[Result, None, None]:
        # Daemons: after a Ctrl-C the program does not wait for the step that each of them is at.
        for _ in range(workers):
            Thread(target=self._work, daemon=True).start()
        early: dict[int, list[Result]] = {}
        try:
            for number in range(self.count):
                while number not in early:
                    done, result, error = self._next()
                    if error is not None:
                        raise error
                    early[done] = result
                yield early.pop(number)[0]
        finally:
            self.stop.set()
