"""Batches by several workers: in order, errors in their turn, a few at a time."""

from __future__ import annotations

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
