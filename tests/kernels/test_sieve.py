"""Sieves: counters are never too low, the twin to the byte, the same errors."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero import kernels
from nlp_zero.kernels import sieve as specification
from nlp_zero.kernels import windows

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

POINTS = array("I", (0x10000 - symbol for symbol in range(0x10000)))
texts = st.lists(st.sampled_from([0, 1, 3, 8, 9, 10, 11, 0xF003]), max_size=200).map(lambda ids: array("H", ids))
tables = st.sampled_from([2, 64, 1 << 12])


def grams(ids: array[int], length: int) -> Counter[tuple[int, ...]]:
    found = (tuple(ids[place : place + length]) for place in range(len(ids) - length + 1))
    return Counter(gram for gram in found if all(0 < symbol < 0xF000 for symbol in gram))


def filled(engine: Any, ids: array[int], length: int, size: int) -> bytearray:
    table = bytearray(size)
    engine.sieve_count(ids, POINTS, length, table)
    return table


@quick
@given(texts, st.integers(1, 255), tables)
def test_both_engines_fill_the_same_counters(ids: array[int], least: int, size: int) -> None:
    for length in range(2, 10):
        table = filled(kernels, ids, length, size)
        assert table == filled(specification, ids, length, size)
        reach = kernels.sieve_reach(ids, POINTS, length, least, table)
        assert reach == specification.sieve_reach(ids, POINTS, length, least, table)
        for window in (2, 5, 9):
            assert kernels.count_windows(ids, POINTS, window, reach) == windows.count_windows(
                ids, POINTS, window, reach
            )


@quick
@given(texts, st.integers(2, 5), st.integers(1, 9), tables)
def test_what_is_frequent_is_within_reach(ids: array[int], sieved: int, least: int, size: int) -> None:
    reach = kernels.sieve_reach(ids, POINTS, sieved, least, filled(kernels, ids, sieved, size))
    for length in range(1, 9):
        frequent = {gram for gram, count in grams(ids, length).items() if count >= least or length < sieved}
        for place in range(len(ids) - length + 1):
            if tuple(ids[place : place + length]) in frequent:
                assert reach[place] >= length
    assert all((number == 0) == (not 0 < symbol < 0xF000) for number, symbol in zip(reach, ids, strict=True))


def test_with_room_for_all_the_rare_are_out_of_reach() -> None:
    ids = array("H", [8, 9, 0, 8, 9, 10, 0])
    assert list(kernels.sieve_reach(ids, POINTS, 2, 2, filled(kernels, ids, 2, 1 << 16))) == [2, 1, 0, 2, 1, 1, 0]
    assert list(kernels.sieve_reach(ids, POINTS, 3, 2, filled(kernels, ids, 3, 1 << 16))) == [2, 1, 0, 2, 2, 1, 0]


def test_counters_stop_at_their_end() -> None:
    table = bytearray(1 << 10)
    kernels.sieve_count(array("H", [8, 9, 0] * 300), POINTS, 2, table)
    assert max(table) == sum(table) == 255


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((array("H"), POINTS, 1, 2, bytearray(2)), "length: expected 2 to 9, got 1"),
        ((array("H"), POINTS, 10, 2, bytearray(2)), "length: expected 2 to 9, got 10"),
        ((array("H"), POINTS, 3, 256, bytearray(2)), "least: expected 1 to 255, got 256"),
        ((array("H"), POINTS, 3, 0, bytearray(2)), "least: expected 1 to 255, got 0"),
        ((array("H"), POINTS, 3, 1, bytearray(3)), "table: expected a power of two of counters, got 3"),
        ((array("H"), POINTS[:5], 3, 1, bytearray(2)), "points: expected 65536 items, got 5"),
        ((array("I"), POINTS, 3, 1, bytearray(2)), "ids: expected items of 2 bytes, got 4"),
    ],
)
def test_what_cannot_be_counted(arguments: tuple[Any, ...], message: str) -> None:
    for engine in (kernels, specification):
        with pytest.raises((ValueError, TypeError), match=message):
            engine.sieve_reach(*arguments)
        if "least" not in message:
            ids, points, length, _, table = arguments
            with pytest.raises((ValueError, TypeError), match=message):
                engine.sieve_count(ids, points, length, table)


def test_windows_want_one_reach_for_each_symbol() -> None:
    for engine in (kernels, windows):
        with pytest.raises(ValueError, match="reach: expected 2 items, got 1"):
            engine.count_windows(array("H", [8, 9]), POINTS, 3, b"1")
