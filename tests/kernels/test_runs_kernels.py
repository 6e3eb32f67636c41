"""Packed and merged tables: a hand-worked case, a slow oracle, the twin to the byte, the same errors."""

from __future__ import annotations

import random
from array import array
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero import kernels
from nlp_zero.kernels import runs as specification

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

Table = tuple[bytes, "array[int]"]
POINTS = [0, 1, 0x4E00, 0x4E01, 0x9FFF, 0xFFFE, 0xFFFF, 0x10000, 0x2A6D6, 0x10FFFF, 0xFFFFFF]
rows_of_two = st.lists(st.sampled_from(POINTS), min_size=2, max_size=2).filter(any)
two_columns = st.dictionaries(
    rows_of_two.map(tuple), st.sampled_from([1, 2, 127, 128, 300, 2**32, 2**63, 2**64 - 1]), max_size=40
)


def table(counts: dict[tuple[int, ...], int]) -> Table:
    keys = sorted(counts)
    rows = b"".join(point.to_bytes(3, "big") for key in keys for point in key)
    return rows, array("Q", map(counts.__getitem__, keys))


def some_table(seed: int, width: int, size: int = 300) -> Table:
    source = random.Random(seed)
    keys = set()
    for _ in range(size):
        key = [source.choice(POINTS) if source.random() < 0.3 else 0x4E00 + source.randrange(9) for _ in range(width)]
        keys.add(tuple(key))
    keys.discard((0,) * width)
    return table({key: 1 + int(source.expovariate(0.01)) for key in keys})


@quick
@given(two_columns)
def test_what_is_packed_unpacks(counts: dict[tuple[int, ...], int]) -> None:
    rows, numbers = table(counts)
    packed = kernels.pack_windows(rows, numbers, 6)
    assert packed == specification.pack_windows(rows, numbers, 6)
    assert kernels.unpack_windows(packed, len(numbers), 6) == (rows, numbers.tobytes())
    assert specification.unpack_windows(packed, len(numbers), 6) == (rows, numbers.tobytes())


@pytest.mark.parametrize("width", range(1, 10))
def test_rows_of_every_width(width: int) -> None:
    rows, numbers = some_table(width, width)
    packed = kernels.pack_windows(rows, numbers, 3 * width)
    assert packed == specification.pack_windows(rows, numbers, 3 * width)
    assert kernels.unpack_windows(packed, len(numbers), 3 * width) == (rows, numbers.tobytes())


@quick
@given(st.binary(max_size=40), st.integers(-1, 6), st.sampled_from([3, 6, 27]))
def test_any_bytes_unpack_to_what_packs_to_them_or_are_refused(data: bytes, count: int, size: int) -> None:
    outcomes = []
    for engine in (kernels, specification):
        try:
            outcomes.append(engine.unpack_windows(data, count, size))
        except ValueError as error:
            assert str(error) == f"packed: expected {count} rows of {size} bytes, got damaged data"
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]
    if outcomes[0] is not None:
        rows, counts = outcomes[0]
        assert kernels.pack_windows(rows, array("Q", counts), size) == data


def test_damaged_bytes_are_refused_or_another_table() -> None:
    rows, numbers = some_table(1, 5, 60)
    packed = kernels.pack_windows(rows, numbers, 15)
    for place in range(len(packed)):
        damaged = packed[:place] + bytes([packed[place] ^ 1 << place % 8]) + packed[place + 1 :]
        outcomes = []
        for engine in (kernels, specification):
            try:
                outcomes.append(engine.unpack_windows(damaged, len(numbers), 15))
            except ValueError:
                outcomes.append(None)
        assert outcomes[0] == outcomes[1] != (rows, numbers.tobytes())
    for end in range(len(packed)):
        with pytest.raises(ValueError, match="damaged"):
            kernels.unpack_windows(packed[:end], len(numbers), 15)


@pytest.mark.parametrize("number", [0, 1, 2, 3, 9, 70])
def test_merging_adds(number: int) -> None:
    tables = [some_table(seed, 3, 1 + seed * 7 % 90) for seed in range(number)]
    sums: Counter[tuple[int, ...]] = Counter()
    for rows, numbers in tables:
        keys = [rows[place : place + 9] for place in range(0, len(rows), 9)]
        for key, count in zip(keys, numbers, strict=True):
            sums[tuple(int.from_bytes(key[place : place + 3], "big") for place in (0, 3, 6))] += count
    rows, numbers = table(sums)

    assert kernels.merge_tables(tables, 9) == (rows, numbers.tobytes())
    assert kernels.merge_tables(tuple(tables[::-1]), 9) == (rows, numbers.tobytes())
    assert specification.merge_tables(tables, 9) == (rows, numbers.tobytes())


@pytest.mark.parametrize("width", [1, 2, 5, 6, 7, 9])
def test_merging_rows_that_part_late(width: int) -> None:
    start = (0x4E00,) * (width - 1)
    tables = [table({(*start, 1 + (seed * step) % 50): step + 1 for step in range(50)}) for seed in (1, 3, 7)]
    assert kernels.merge_tables(tables, 3 * width) == specification.merge_tables(tables, 3 * width)


def test_views_of_tables_will_do() -> None:
    rows, numbers = some_table(2, 2)
    part = (memoryview(rows)[6:60], memoryview(numbers)[1:10])
    assert kernels.merge_tables([part], 6) == (rows[6:60], numbers[1:10].tobytes())
    assert kernels.pack_windows(*part, 6) == kernels.pack_windows(rows[6:60], numbers[1:10], 6)


ONE = array("Q", [1])
WRONG = [
    ("pack_windows", (b"abcabc", array("Q", [1, 1]), 3), ValueError),
    ("pack_windows", (b"abdabc", array("Q", [1, 1]), 3), ValueError),
    ("pack_windows", (bytes(3), ONE, 3), ValueError),
    ("pack_windows", (b"abc", array("Q", [0]), 3), ValueError),
    ("pack_windows", (b"abcd", ONE, 3), ValueError),
    ("pack_windows", (b"abc", array("Q"), 3), ValueError),
    ("pack_windows", (b"abc", array("I", [1]), 3), TypeError),
    ("pack_windows", (b"abc", ONE, 4), ValueError),
    ("unpack_windows", (b"", 0, 30), ValueError),
    ("unpack_windows", (array("H", [1]), 0, 3), TypeError),
    ("merge_tables", ([(b"abcabc", array("Q", [1, 1]))], 3), ValueError),
    ("merge_tables", ([(b"abc", array("Q", [0]))], 3), ValueError),
    ("merge_tables", ([(b"abc", array("Q", [2**63]))] * 2, 3), OverflowError),
    ("merge_tables", ([], 2), ValueError),
]


@pytest.mark.parametrize(("name", "arguments", "error"), WRONG)
def test_what_is_no_table_is_refused_alike(name: str, arguments: tuple[object, ...], error: type[Exception]) -> None:
    messages = []
    for engine in (kernels, specification):
        with pytest.raises(error) as caught:
            getattr(engine, name)(*arguments)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
