"""Window kernels: n-gram counts with their neighbours as one sorted table that adds up.

A *window* is a stretch of ``window`` symbols from a symbol of words on, cut at the next known boundary and filled up
with zeros; and for each stretch between two boundaries one more, which has a zero first: the boundary at its left. In
a sorted table of distinct windows with their counts every n-gram shorter than the window is a range of rows that begin
with it, the symbol after it is the next column (zero: a boundary), and the n-gram with the symbol before it is again
a range.

A row holds code points, three bytes each, the highest first: so the order of bytes is the order of code points, and
the table depends neither on the numbering of the symbols nor on the order of the text. Runs (see ``counting.py``) are
written as the noncharacters U+FDD0 (a number), U+FDD1 (a year), U+FDD2 (Latin letters), U+FDD3 (a rare character).

A table travels as ``rows`` (bytes) and ``counts`` (``array('Q')``, one a row); kernels hand both out as bytes. Rows
ascend strictly and no count is zero. ``size`` is the number of bytes of a row. ``windows.c`` gives the same bytes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from operator import lt
from typing import TypeAlias

__all__ = [
    "count_windows",
    "merge_windows",
    "subtract_windows",
    "window_prefixes",
    "window_range",
    "window_totals",
]

WORD_LIMIT = 0xF000
MAX_WINDOW = 9
POINT = 3  # bytes of a code point
_SLAB = 1 << 16  # rows held as Python objects at a time
_ZERO = bytes(POINT)
_POINTS = 0x110000  # how many code points there are

Buffer: TypeAlias = "bytes | bytearray | memoryview | array[int]"


def _items(buffer: Buffer, itemsize: int, name: str) -> memoryview:
    try:
        view = memoryview(buffer)
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not '{type(buffer).__name__}'") from None
    if view.itemsize != itemsize or view.ndim > 1:
        raise TypeError(f"{name}: expected items of {itemsize} bytes, got {view.itemsize}")
    return view


def _rows(rows: Buffer, size: int) -> bytes:
    if size < POINT or size > POINT * MAX_WINDOW or size % POINT:
        raise ValueError(f"size: expected a multiple of {POINT} up to {POINT * MAX_WINDOW}, got {size}")
    view = _items(rows, 1, "rows")
    data = rows if isinstance(rows, bytes) else bytes(view)
    if len(data) % size:
        raise ValueError(f"rows: expected a multiple of {size} bytes, got {len(data)}")
    return data


def _table(rows: Buffer, counts: Buffer, size: int) -> tuple[bytes, memoryview]:
    data, numbers = _rows(rows, size), _items(counts, 8, "counts")
    if len(data) != size * len(numbers):
        raise ValueError(f"counts: expected {len(data) // size} items, got {len(numbers)}")
    return data, numbers


def _check_sum(total: int) -> int:
    if total >> 64:
        raise OverflowError("counts: expected sums below 2**64")
    return total


# ---- text to a table -----------------------------------------------------------------------------------------------


def count_windows(
    ids: Buffer, points: Buffer, window: int, reach: Buffer | None = None, first: int = 0, end: int = _POINTS
) -> tuple[bytes, bytes]:
    """The table of the windows of a text: rows and counts (uint64).

    ``ids`` are symbol ids (uint16, see ``counting.py``), ``points`` (uint32) gives the code point of each of the
    0x10000 ids; those of the runs, 1 to 4, are fixed. ``window`` is 2 to 9 symbols. O(n) in C; O(n log n) here.
    With ``reach`` (see ``sieve.py``) a window holds at most so many symbols from each place on, and at least one; where
    it would hold more, U+FFFFFF stands for what is cut off (see ``grams.py``). Only windows are counted that begin with
    a code point from ``first`` to before ``end`` (0: a boundary), so that several workers can share a text.

    >>> rows, counts = count_windows(array("H", [8, 8, 0]), array("I", [0] * 8 + [0x5B66] + [0] * 0xFFF7), 2)
    >>> [rows[start : start + 6].hex(" ", 3) for start in range(0, len(rows), 6)], list(array("Q", counts))
    (['000000 005b66', '005b66 000000', '005b66 005b66'], [1, 1, 1])
    """
    if not 2 <= window <= MAX_WINDOW:
        raise ValueError(f"window: expected 2 to {MAX_WINDOW}, got {window}")
    if not 0 <= first <= end <= _POINTS:
        raise ValueError(f"first, end: expected 0 <= first <= end <= {_POINTS}, got {first} and {end}")
    symbols, numbers = _items(ids, 2, "ids"), _items(points, 4, "points")
    if len(numbers) != 0x10000:
        raise ValueError(f"points: expected 65536 items, got {len(numbers)}")
    characters = _characters(set(symbols), numbers)
    text = "".join(map(characters.__getitem__, symbols))
    if reach is not None:
        limits = _items(reach, 1, "reach")
        if len(limits) != len(symbols):
            raise ValueError(f"reach: expected {len(symbols)} items, got {len(limits)}")
        low, high = first.to_bytes(POINT, "big"), end.to_bytes(POINT, "big")
        cut = Counter(row for row in _limited(text, limits, window) if low <= row[:POINT] < high)
        ascending = sorted(cut)
        return b"".join(ascending), array("Q", map(cut.__getitem__, ascending)).tobytes()
    tail = "\0" * (window - 1)
    stretches = ("\0" + stretch + tail for stretch in text.split("\0") if stretch)
    counts = Counter(
        stretch[start : start + window] for stretch in stretches for start in range(len(stretch) - window + 1)
    )
    rows = sorted(counts if (first, end) == (0, _POINTS) else (row for row in counts if first <= ord(row[0]) < end))
    return _pack("".join(rows)), array("Q", map(counts.__getitem__, rows)).tobytes()


def _limited(text: str, reach: memoryview, window: int) -> Iterator[bytes]:
    """The windows of a text, cut short."""
    for place, symbol in enumerate(text):
        if symbol != "\0":
            whole, most = text[place : place + window].partition("\0")[0], max(reach[place], 1)
            yield _cut_short(whole, most, window)
            if place == 0 or text[place - 1] == "\0":
                yield _ZERO + _cut_short(whole[: window - 1], most, window - 1)


def _cut_short(symbols: str, most: int, window: int) -> bytes:
    mark = b"" if len(symbols) <= most else b"\xff" * POINT
    return (_pack(symbols[:most]) + mark).ljust(POINT * window, b"\0")


def _characters(symbols: set[int], points: memoryview) -> list[str]:
    """The character of every id that occurs; NUL for boundaries."""
    characters = ["\0"] * 0x10000
    for symbol in sorted(symbols):
        if 0 < symbol < WORD_LIMIT:
            point = 0xFDD0 + symbol - 1 if symbol <= 4 else points[symbol]
            if not 0 < point < 0x110000:
                raise ValueError(f"points: expected a code point for symbol {symbol}, such as 23398, got {point}")
            characters[symbol] = chr(point)
    return characters


def _pack(text: str) -> bytes:
    """Code points of three bytes."""
    wide = text.encode("utf-32-be", "surrogatepass")
    packed = bytearray(POINT * len(text))
    for byte in range(POINT):
        packed[byte::POINT] = wide[byte + 1 :: 4]
    return bytes(packed)


# ---- sums and differences of tables --------------------------------------------------------------------------------


def merge_windows(rows_a: Buffer, counts_a: Buffer, rows_b: Buffer, counts_b: Buffer, size: int) -> tuple[bytes, bytes]:
    """The sum of two tables. O(rows).

    >>> merge_windows(b"aaa", array("Q", [2]), b"aaabbb", array("Q", [3, 1]), 3)[0]
    b'aaabbb'
    """
    a, b = _checked(rows_a, counts_a, size), _checked(rows_b, counts_b, size)
    if len(a[1]) < len(b[1]):
        a, b = b, a
    rows, counts = bytearray(), array("Q")
    for keys, numbers, other, others, _ in _slabs(a, b, size):
        sums = dict(zip(keys, numbers, strict=True))
        for key, number in zip(other, others, strict=True):
            sums[key] = sums.get(key, 0) + number
        _check_sum(max(sums.values(), default=0))
        # Two ascending runs, which Python's sort finds and merges.
        order = sorted(sums) if len(sums) > len(keys) else keys
        rows += b"".join(order)
        counts.extend(map(sums.__getitem__, order))
    return bytes(rows), counts.tobytes()


def subtract_windows(
    rows_a: Buffer, counts_a: Buffer, rows_b: Buffer, counts_b: Buffer, size: int
) -> tuple[bytes, bytes]:
    """The table that gives the first when the second is added; ValueError if a count would fall below zero. O(rows).

    >>> subtract_windows(b"aaabbb", array("Q", [3, 1]), b"aaa", array("Q", [3]), 3)[0]
    b'bbb'
    """
    a, b = _checked(rows_a, counts_a, size), _checked(rows_b, counts_b, size)
    rows, counts = bytearray(), array("Q")
    for keys, numbers, other, others, row in _slabs(a, b, size):
        rest = dict(zip(keys, numbers, strict=True))
        for place, (key, number) in enumerate(zip(other, others, strict=True), row):
            here = rest.get(key, 0)
            if number > here:
                raise ValueError(f"counts_b: expected at most {here} in row {place}, got {number}")
            rest[key] = here - number
        order = [key for key in keys if rest[key]]
        rows += b"".join(order)
        counts.extend(map(rest.__getitem__, order))
    return bytes(rows), counts.tobytes()


def _keys(rows: bytes, size: int, start: int, end: int) -> list[bytes]:
    return [rows[place : place + size] for place in range(start * size, end * size, size)]


def _checked(rows: Buffer, counts: Buffer, size: int) -> tuple[bytes, memoryview]:
    """A table whose rows ascend and whose counts are above zero."""
    data, numbers = _table(rows, counts, size)
    for start in range(0, len(numbers), _SLAB):
        end = min(start + _SLAB, len(numbers))
        keys = _keys(data, size, max(start - 1, 0), end)
        if not all(map(lt, keys, keys[1:])):
            place = next(place for place in range(1, len(keys)) if keys[place - 1] >= keys[place])
            raise ValueError(f"rows: expected strictly ascending rows, got row {max(start - 1, 0) + place} not above")
    if 0 in numbers:
        raise ValueError(f"counts: expected counts above 0, got 0 in row {list(numbers).index(0)}")
    return data, numbers


def _slabs(
    a: tuple[bytes, memoryview], b: tuple[bytes, memoryview], size: int
) -> Iterator[tuple[list[bytes], memoryview, list[bytes], memoryview, int]]:
    """Stretches of both tables between the same bounds, and the row of b where each starts."""
    (rows, counts), (other, others) = a, b
    done = 0
    for start in range(0, len(counts) or 1, _SLAB):
        end = min(start + _SLAB, len(counts))
        keys = _keys(rows, size, start, end)
        reach = len(others)
        if end < len(counts):
            reach = bisect_right(range(reach), keys[-1], lo=done, key=lambda row: other[row * size : (row + 1) * size])
        yield keys, counts[start:end], _keys(other, size, done, reach), others[done:reach], done
        done = reach


# ---- looking up ----------------------------------------------------------------------------------------------------


def window_range(rows: Buffer, size: int, prefix: Buffer) -> tuple[int, int]:
    """Start and end of the rows that begin with the prefix. O(log rows).

    >>> window_range(b"aaabbbbbc", 3, b"bb")
    (1, 3)
    """
    data, wanted = _rows(rows, size), bytes(_items(prefix, 1, "prefix"))
    if len(wanted) > size:
        raise ValueError(f"prefix: expected at most {size} bytes, got {len(wanted)}")

    def beginning(row: int) -> bytes:
        return data[row * size : row * size + len(wanted)]

    every = range(len(data) // size)
    start = bisect_left(every, wanted, key=beginning)
    return start, bisect_right(every, wanted, lo=start, key=beginning)


def window_prefixes(rows: Buffer, counts: Buffer, size: int, length: int, min_count: int) -> tuple[bytes, bytes]:
    """The n-grams of one length, 3 x length bytes each, ascending, with their counts, at least ``min_count``. O(rows).

    >>> rows = bytes.fromhex("000000000061" "000061000062" "000061000063" "000062000000")
    >>> grams, counts = window_prefixes(rows, array("Q", [9, 3, 4, 5]), 6, 1, 6)
    >>> grams.hex(), list(array("Q", counts))
    ('000061', [7])
    """
    data, numbers = _table(rows, counts, size)
    width = POINT * length
    if not POINT <= width <= size:
        raise ValueError(f"length: expected 1 to {size // POINT}, got {length}")
    sums: defaultdict[bytes, int] = defaultdict(int)
    first = window_range(data, size, _ZERO)[1]
    places = range(first * size, len(data), size)
    for gram, number in zip([data[place : place + width] for place in places], numbers[first:], strict=True):
        sums[gram] += number
    grams = [gram for gram, total in sums.items() if total >= min_count and gram[width - POINT :] != _ZERO]
    _check_sum(max(map(sums.__getitem__, grams), default=0))
    return b"".join(grams), array("Q", map(sums.__getitem__, grams)).tobytes()


def window_totals(rows: Buffer, counts: Buffer, size: int, length: int) -> tuple[int, int]:
    """How many n-grams of one length there are, and how many distinct ones. O(rows).

    >>> rows = bytes.fromhex("000000000061" "000061000062" "000061000063" "000062000000")
    >>> window_totals(rows, array("Q", [9, 3, 4, 5]), 6, 1)
    (12, 2)
    """
    numbers = array("Q", window_prefixes(rows, counts, size, length, 1)[1])
    return _check_sum(sum(numbers)), len(numbers)
