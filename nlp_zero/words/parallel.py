"""Cutting by several processes: the same words in the same order, sooner.

Processes, not threads: what takes long beside the lattice is making the strings of the words, which happens under the
interpreter's lock. A batch of lines goes to a process, and its text comes back in one piece.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from ..errors import NlpZeroError
from .tokenizer import Tokenizer

__all__ = ["cut_batches"]

_AHEAD = 2  # batches for each worker that are read ahead, so that none waits

_shared: list[Tokenizer] = []  # the tokenizer of a worker process


def cut_batches(
    tokenizer: Tokenizer, batches: Iterable[list[str]], delimiter: str = " ", workers: int = 1
) -> Iterator[str]:
    """The text of every batch of lines with ``delimiter`` between words, a line feed after each line; in order.

    >>> list(cut_batches(Tokenizer({"今天": 2, "天气": 2}), [["今天天气"], ["天气"]]))
    ['今天 天气\\n', '天气\\n']
    """
    if workers < 1:
        raise ValueError(f"workers: expected 1 or more, such as 2, got {workers}")
    if workers == 1:
        yield from (_cut(tokenizer, lines, delimiter) for lines in batches)
        return
    pool = ProcessPoolExecutor(workers, initializer=_begin, initargs=(tokenizer,))
    waiting: deque[Future[str]] = deque()
    try:
        for lines in batches:
            waiting.append(pool.submit(_cut_shared, lines, delimiter))
            if len(waiting) > workers * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise NlpZeroError("a worker process was stopped from outside (out of memory?); try fewer --workers") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(tokenizer: Tokenizer) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the process that hands out the work
    _shared[:] = [tokenizer]


def _cut_shared(lines: list[str], delimiter: str) -> str:
    return _cut(_shared[0], lines, delimiter)


def _cut(tokenizer: Tokenizer, lines: list[str], delimiter: str) -> str:
    return "".join(delimiter.join(words) + "\n" for words in tokenizer.tokenize_lines(lines))
