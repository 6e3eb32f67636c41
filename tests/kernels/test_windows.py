"""Windows: a hand-worked table, a slow oracle, the twin to the byte, the same errors, released buffers."""

from __future__ import annotations

import random
from array import array
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero import kernels
from nlp_zero.kernels import windows as specification

quick = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

Table = tuple[bytes, "array[int]"]
WORD_LIMIT = 0xF000
SMALL, LARGE = 0x5B66, 0x2A6D6  # 学, and the last character of extension B before Unicode 13


def points(**extra: int) -> array[int]:
    """Code points that fall as the ids rise, so that the order of ids is not that of code points."""
    table = array("I", (0x10000 - symbol for symbol in range(0x10000)))
    table[0] = 0
    for name, point in extra.items():
        table[int(name[1:])] = point
    return table


def table(columns: tuple[bytes, bytes]) -> Table:
    return columns[0], array("Q", columns[1])


def decoded(columns: tuple[bytes, bytes], size: int) -> dict[tuple[int, ...], int]:
    rows, counts = table(columns)
    starts = range(0, len(rows), size)
    keys = [
        tuple(int.from_bytes(rows[place : place + 3], "big") for place in range(start, start + size, 3))
        for start in starts
    ]
    assert len(keys) == len(counts)
    return dict(zip(keys, counts, strict=True))


def oracle(ids: array[int], names: array[int], window: int) -> Counter[tuple[int, ...]]:
    """Windows one by one."""
    symbols = [
        0 if not 0 < symbol < WORD_LIMIT else 0xFDD0 + symbol - 1 if symbol < 5 else names[symbol] for symbol in ids
    ]
    counts: Counter[tuple[int, ...]] = Counter()
    for place, symbol in enumerate(symbols):
        if not symbol:
            continue
        rest: list[int] = []
        for following in symbols[place : place + window]:
            if not following:
                break
            rest.append(following)
        if place == 0 or not symbols[place - 1]:
            counts[tuple([0, *rest, *[0] * window][:window])] += 1
        counts[tuple([*rest, *[0] * window][:window])] += 1
    return counts


few_symbols = st.lists(st.sampled_from([0, 1, 2, 3, 4, 8, 9, 10, 0xEFFF, 0xF000, 0xFFFE, 0xFFFF]), max_size=60)


def random_ids(seed: int, size: int) -> array[int]:
    """Skewed, as symbols are: large buckets, and some that the short sort takes."""
    numbers = random.Random(seed)
    return array("H", (int(8 + 3000 * numbers.random() ** 4) if numbers.random() > 0.1 else 0 for _ in range(size)))


# ---- text to a table -----------------------------------------------------------------------------------------------


def test_a_table_worked_by_hand() -> None:
    names = points(_8=SMALL, _9=LARGE)
    rows, counts = table(kernels.count_windows(array("H", [9, 8, 0, 8, 0xFFFE, 0, 9, 8]), names, 3))
    assert [rows[start : start + 9].hex(" ", 3) for start in range(0, len(rows), 9)] == [
        "000000 005b66 000000",  # a boundary, then 学
        "000000 02a6d6 005b66",
        "005b66 000000 000000",
        "02a6d6 005b66 000000",
    ]
    assert list(counts) == [1, 2, 3, 2]


@pytest.mark.parametrize("ids", [[], [0], [0xFFFE, 0xFFFF, 0]])
def test_no_symbols_give_an_empty_table(ids: list[int]) -> None:
    assert kernels.count_windows(array("H", ids), points(), 5) == (b"", b"")


@pytest.mark.parametrize("window", range(2, 10))
def test_one_symbol_gives_two_windows(window: int) -> None:
    counted = decoded(kernels.count_windows(array("H", [8]), points(_8=0x10FFFF), window), 3 * window)
    assert counted == {(0, 0x10FFFF, *[0] * (window - 2)): 1, (0x10FFFF, *[0] * (window - 1)): 1}


def test_runs_are_noncharacters_whatever_their_points_say() -> None:
    counted = decoded(kernels.count_windows(array("H", [1, 2, 3, 4]), points(), 4), 12)
    assert (0xFDD0, 0xFDD1, 0xFDD2, 0xFDD3) in counted


def test_two_ids_of_one_character_count_as_one() -> None:
    names = points(_8=SMALL, _9=SMALL)
    counted = decoded(kernels.count_windows(array("H", [8, 0, 9]), names, 2), 6)
    assert counted == {(0, SMALL): 2, (SMALL, 0): 2}


@quick
@given(few_symbols, st.integers(2, 9))
def test_windows_agree_with_counting_one_by_one(symbols: list[int], window: int) -> None:
    ids = array("H", symbols)
    counted = decoded(kernels.count_windows(ids, points(), window), 3 * window)
    assert counted == oracle(ids, points(), window)
    assert list(counted) == sorted(counted)


@pytest.mark.parametrize("window", range(2, 10))
def test_the_twins_give_the_same_bytes(window: int) -> None:
    ids = random_ids(window, 30_000)
    assert kernels.count_windows(ids, points(), window) == specification.count_windows(ids, points(), window)


@quick
@given(few_symbols, st.integers(2, 9), st.lists(st.integers(0, 0x110000), max_size=4), st.booleans())
def test_ranges_of_first_symbols_together_are_the_whole(
    symbols: list[int], window: int, cuts: list[int], sieved: bool
) -> None:
    ids, bounds = array("H", symbols), sorted([0, *cuts, 0x110000])
    reach = bytes(place % 3 for place in range(len(ids))) if sieved else None
    parts = [kernels.count_windows(ids, points(), window, reach, *pair) for pair in pairwise(bounds)]
    rows, counts = (b"".join(column) for column in zip(*parts, strict=True))
    assert (rows, counts) == kernels.count_windows(ids, points(), window, reach)
    assert parts[0] == specification.count_windows(ids, points(), window, reach, *bounds[:2])


@pytest.mark.parametrize("window", [5, 9])
def test_long_repetitions(window: int) -> None:
    ids = array("H", [8] * 5000)
    counted = decoded(kernels.count_windows(ids, points(_8=SMALL), window), 3 * window)
    assert counted[(SMALL,) * window] == 5000 - window + 1
    assert sum(counted.values()) == 5001


def test_all_symbols_at_once() -> None:
    ids = array("H", range(1, 0x10000))
    counted = kernels.count_windows(ids, points(), 3)
    assert len(counted[1]) == 8 * WORD_LIMIT  # every symbol, and the boundary before the first
    assert decoded(counted, 9) == oracle(array("H", range(1, WORD_LIMIT)), points(), 3)


# ---- sums and differences ------------------------------------------------------------------------------------------

small_tables = st.dictionaries(st.binary(min_size=6, max_size=6), st.integers(1, 2**62), max_size=30)


def made(content: dict[bytes, int]) -> Table:
    return b"".join(sorted(content)), array("Q", [content[key] for key in sorted(content)])


@quick
@given(small_tables, small_tables)
def test_sums_agree_with_counters_and_differences_undo_them(a: dict[bytes, int], b: dict[bytes, int]) -> None:
    total = table(kernels.merge_windows(*made(a), *made(b), 6))
    assert total == made(Counter(a) + Counter(b))
    assert table(kernels.subtract_windows(*total, *made(b), 6)) == made(a)


def test_the_twins_merge_and_subtract_alike_across_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(specification, "_SLAB", 100)
    a = table(specification.count_windows(random_ids(1, 4000), points(), 4))
    b = table(specification.count_windows(random_ids(2, 500), points(), 4))
    total = kernels.merge_windows(*a, *b, 12)
    assert total == specification.merge_windows(*b, *a, 12) == specification.merge_windows(*a, *b, 12)
    assert table(kernels.subtract_windows(*table(total), *a, 12)) == b
    assert table(specification.subtract_windows(*table(total), *a, 12)) == b


# ---- looking up ----------------------------------------------------------------------------------------------------


@quick
@given(small_tables, st.binary(max_size=6))
def test_a_range_holds_what_begins_with_the_prefix(content: dict[bytes, int], prefix: bytes) -> None:
    rows, _ = made(content)
    for wanted in (prefix, prefix[:1], rows[:3], rows[-6:]):
        start, end = kernels.window_range(rows, 6, wanted)
        found = [place for place, row in enumerate(sorted(content)) if row.startswith(wanted)]
        assert list(range(start, end)) == found
        assert start == sum(row < wanted for row in content)


@quick
@given(few_symbols, st.integers(2, 9), st.integers(0, 3), st.data())
def test_prefixes_and_totals_agree_with_the_windows(
    symbols: list[int], window: int, min_count: int, data: st.DataObject
) -> None:
    size, length = 3 * window, data.draw(st.integers(1, window))
    counted = kernels.count_windows(array("H", symbols), points(), window)
    expected: Counter[tuple[int, ...]] = Counter()
    for row, count in decoded(counted, size).items():
        if 0 not in row[:length]:
            expected[row[:length]] += count
    frequent = {gram: count for gram, count in sorted(expected.items()) if count >= min_count}
    found = decoded(kernels.window_prefixes(*table(counted), size, length, min_count), 3 * length)
    assert list(found.items()) == list(frequent.items())
    assert kernels.window_totals(*table(counted), size, length) == (sum(expected.values()), len(expected))


# ---- errors --------------------------------------------------------------------------------------------------------

ROWS, COUNTS = b"aaabbb", array("Q", [1, 2])
FULL = array("Q", [2**64 - 1])
IDS, POINTS = array("H", [8]), points()

ERRORS: list[tuple[str, tuple[object, ...], type[Exception], str]] = [
    ("count_windows", (IDS, POINTS, 1), ValueError, "window: expected 2 to 9, got 1"),
    ("count_windows", (IDS, POINTS, 10), ValueError, "window: expected 2 to 9, got 10"),
    (
        "count_windows",
        (IDS, POINTS, 5, None, 9, 8),
        ValueError,
        "first, end: expected 0 <= first <= end <= 1114112, got 9 and 8",
    ),
    (
        "count_windows",
        (IDS, POINTS, 5, None, -1, 8),
        ValueError,
        "first, end: expected 0 <= first <= end <= 1114112, got -1 and 8",
    ),
    (
        "count_windows",
        (IDS, POINTS, 5, None, 0, 0x110001),
        ValueError,
        "first, end: expected 0 <= first <= end <= 1114112, got 0 and 1114113",
    ),
    ("count_windows", (b"12", POINTS, 5), TypeError, "ids: expected items of 2 bytes, got 1"),
    ("count_windows", (IDS, IDS, 5), TypeError, "points: expected items of 4 bytes, got 2"),
    ("count_windows", (IDS, POINTS[:9], 5), ValueError, "points: expected 65536 items, got 9"),
    (
        "count_windows",
        (array("H", [9, 8]), points(_8=0, _9=0), 5),
        ValueError,
        "points: expected a code point for symbol 8, such as 23398, got 0",
    ),
    (
        "count_windows",
        (IDS, points(_8=0x110000), 5),
        ValueError,
        "points: expected a code point for symbol 8, such as 23398, got 1114112",
    ),
    ("merge_windows", (ROWS, COUNTS, b"", COUNTS[:0], 4), ValueError, "size: expected a multiple of 3 up to 27, got 4"),
    ("merge_windows", (ROWS, COUNTS, b"", COUNTS[:0], 0), ValueError, "size: expected a multiple of 3 up to 27, got 0"),
    ("merge_windows", (COUNTS, COUNTS, b"", COUNTS[:0], 3), TypeError, "rows: expected items of 1 bytes, got 8"),
    ("merge_windows", (ROWS, b"", b"", COUNTS[:0], 3), TypeError, "counts: expected items of 8 bytes, got 1"),
    (
        "merge_windows",
        (ROWS[:4], COUNTS, b"", COUNTS[:0], 3),
        ValueError,
        "rows: expected a multiple of 3 bytes, got 4",
    ),
    ("merge_windows", (ROWS, COUNTS[:1], b"", COUNTS[:0], 3), ValueError, "counts: expected 2 items, got 1"),
    ("merge_windows", (b"", COUNTS[:0], ROWS, COUNTS[:1], 3), ValueError, "counts: expected 2 items, got 1"),
    (
        "merge_windows",
        (b"bbbaaa", COUNTS, b"", COUNTS[:0], 3),
        ValueError,
        "rows: expected strictly ascending rows, got row 1 not above",
    ),
    (
        "merge_windows",
        (b"", COUNTS[:0], b"aaabbbbbb", array("Q", [1, 0, 1]), 3),
        ValueError,
        "rows: expected strictly ascending rows, got row 2 not above",
    ),
    (
        "merge_windows",
        (ROWS, array("Q", [1, 0]), b"", COUNTS[:0], 3),
        ValueError,
        "counts: expected counts above 0, got 0 in row 1",
    ),
    ("merge_windows", (b"aaa", FULL, b"aaa", COUNTS[:1], 3), OverflowError, "counts: expected sums below 2**64"),
    (
        "subtract_windows",
        (ROWS, COUNTS, ROWS, array("Q", [1, 3]), 3),
        ValueError,
        "counts_b: expected at most 2 in row 1, got 3",
    ),
    (
        "subtract_windows",
        (ROWS, COUNTS, b"aab", array("Q", [7]), 3),
        ValueError,
        "counts_b: expected at most 0 in row 0, got 7",
    ),
    (
        "subtract_windows",
        (ROWS, COUNTS, b"ccc", array("Q", [7]), 3),
        ValueError,
        "counts_b: expected at most 0 in row 0, got 7",
    ),
    ("window_range", (ROWS, 3, b"aaaa"), ValueError, "prefix: expected at most 3 bytes, got 4"),
    ("window_range", (ROWS, 3, COUNTS), TypeError, "prefix: expected items of 1 bytes, got 8"),
    ("window_range", (ROWS, 30, b""), ValueError, "size: expected a multiple of 3 up to 27, got 30"),
    ("window_prefixes", (ROWS, COUNTS, 3, 2, 1), ValueError, "length: expected 1 to 1, got 2"),
    ("window_prefixes", (ROWS, COUNTS, 3, 0, 1), ValueError, "length: expected 1 to 1, got 0"),
    (
        "window_prefixes",
        (b"aaaaaaaaabbb", array("Q", [2**63, 2**63]), 6, 1, 1),
        OverflowError,
        "counts: expected sums below 2**64",
    ),
    ("window_totals", (ROWS, COUNTS, 6, 3), ValueError, "counts: expected 1 items, got 2"),
    (
        "window_totals",
        (ROWS, array("Q", [2**63, 2**63]), 3, 1),
        OverflowError,
        "counts: expected sums below 2**64",
    ),
]


def failure(kernel: Callable[..., object], arguments: tuple[object, ...]) -> tuple[type[Exception], str] | None:
    """What a call raises; the exception, whose traceback holds on to buffers, is gone afterwards."""
    try:
        kernel(*arguments)
    except Exception as error:
        return type(error), str(error)
    return None


@pytest.mark.parametrize(("name", "arguments", "kind", "message"), ERRORS)
def test_errors_say_the_same_in_both_engines(
    name: str, arguments: tuple[object, ...], kind: type[Exception], message: str
) -> None:
    assert failure(getattr(kernels, name), arguments) == (kind, message)
    for argument in arguments:  # an array whose buffer is still held cannot grow
        if isinstance(argument, array):
            argument.append(1)
            argument.pop()


def test_text_is_no_buffer() -> None:
    for call in (
        lambda: kernels.count_windows("学", POINTS, 2),
        lambda: kernels.count_windows(IDS, None, 2),
        lambda: kernels.merge_windows(ROWS, COUNTS, "", COUNTS, 3),
        lambda: kernels.window_range(ROWS, 3, "a"),
    ):
        with pytest.raises(TypeError, match="bytes-like object is required"):
            call()


def test_buffers_are_released_and_other_buffers_serve() -> None:
    ids, names = array("H", [8, 9, 0]), points()
    counted = kernels.count_windows(ids, names, 2)
    rows, counts = bytearray(counted[0]), array("Q", counted[1])
    assert kernels.count_windows(memoryview(ids), memoryview(names), 2) == counted
    assert kernels.merge_windows(rows, memoryview(counts), b"", array("Q"), 6) == counted
    assert kernels.subtract_windows(rows, counts, rows, counts, 6) == (b"", b"")
    assert kernels.window_range(rows, 6, bytearray(3)) == (0, 1)
    assert kernels.window_totals(rows, counts, 6, 1) == (2, 2)
    assert kernels.window_prefixes(memoryview(rows), counts, 6, 2, 1)[1] == array("Q", [1]).tobytes()
    for buffer in (ids, names, counts):
        buffer.append(1)
    rows.append(1)
