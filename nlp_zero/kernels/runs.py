"""Run kernels: tables of windows packed for the disk, and many of them merged at once.

A table is that of ``windows.py``: rows of ``size`` bytes, three a code point, strictly ascending, each with a count. It
packs as three columns one after another:

* heads: a byte a row, 16 times the points it shares with the row before, plus its points up to the last that is not 0;
* counts: numbers of seven bits a byte, the lowest first, the highest bit set in all bytes but the last (LEB128);
* points: of every row the first that is not shared, as what it exceeds the one above it by (LEB128); then the others
  in two bytes, the highest first, or, from 0xFFFF on, as 0xFFFF and three bytes.

The row before the first counts as zeros. A number that would break the order, or a zero at the end of a row, is
refused: so what unpacks is a table, and packs to the same bytes. ``runs.c`` gives the same bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from .windows import POINT, Buffer, _check_sum, _checked, _items, _keys, _rows, _table

__all__ = ["merge_tables", "pack_windows", "unpack_windows"]

_WIDE = 0xFFFF
_LEAST = 3  # bytes of a packed row: head, count, one point


# ---- one table -----------------------------------------------------------------------------------------------------


def pack_windows(rows: Buffer, counts: Buffer, size: int) -> bytes:
    """A table, packed: 5 to 8 bytes a row of text. O(rows).

    >>> pack_windows(bytes.fromhex("005b66 000000" "005b66 00751f"), array("Q", [2, 300]), 6).hex(" ")
    '01 12 02 ac 02 e6 b6 01 9f ea 01'
    """
    data, numbers = _table(rows, counts, size)
    heads, tallies, points = bytearray(), bytearray(), bytearray()
    before = 0
    bits = 8 * size
    for place, number in enumerate(numbers):
        row = data[place * size : place * size + size]
        value = int.from_bytes(row, "big")
        if value <= before:
            raise ValueError(f"rows: expected strictly ascending rows, got row {place} not above")
        if not number:
            raise ValueError(f"counts: expected counts above 0, got 0 in row {place}")
        shared = (bits - (value ^ before).bit_length()) // (8 * POINT)
        kept = (len(row.rstrip(b"\0")) + POINT - 1) // POINT
        heads.append(shared << 4 | kept)
        _put_number(tallies, number)
        shift = bits - 8 * POINT * (shared + 1)
        _put_number(points, (value >> shift) - (before >> shift))
        for start in range(POINT * (shared + 1), POINT * kept, POINT):
            _put_point(points, row[start : start + POINT])
        before = value
    return bytes(heads + tallies + points)


def _put_number(column: bytearray, number: int) -> None:
    while number > 127:
        column.append(number & 127 | 128)
        number >>= 7
    column.append(number)


def _put_point(column: bytearray, point: bytes) -> None:
    if point[0] or point[1:] == b"\xff\xff":
        column += b"\xff\xff"
        column += point
    else:
        column += point[1:]


def unpack_windows(packed: Buffer, count: int, size: int) -> tuple[bytes, bytes]:
    """The table of ``count`` rows that packs to these bytes; ValueError if there is none. O(rows).

    >>> rows, counts = unpack_windows(bytes.fromhex("01 12 02 ac02 e6b601 9fea01"), 2, 6)
    >>> rows.hex(" ", 3), list(array("Q", counts))
    ('005b66 000000 005b66 00751f', [2, 300])
    """
    _rows(b"", size)
    data = bytes(_items(packed, 1, "packed"))
    try:
        if not 0 <= count * _LEAST <= len(data):
            raise ValueError
        place, counts = count, array("Q")
        for _ in range(count):
            number, place = _number(data, place)
            if not number:
                raise ValueError
            counts.append(number)
        rows, before = bytearray(), bytes(size)
        for head in data[:count]:
            before, place = _row(data, place, head, before)
            rows += before
        if place != len(data):
            raise ValueError
    except (ValueError, IndexError):
        raise ValueError(f"packed: expected {count} rows of {size} bytes, got damaged data") from None
    return bytes(rows), counts.tobytes()


def _row(data: bytes, place: int, head: int, before: bytes) -> tuple[bytes, int]:
    """One row, and the place after it."""
    shared, kept = head >> 4, head & 15
    if not shared < kept <= len(before) // POINT:
        raise ValueError
    more, place = _number(data, place)
    start = POINT * shared
    point = int.from_bytes(before[start : start + POINT], "big") + more
    if not more or point >> 8 * POINT:
        raise ValueError
    parts = [before[:start], point.to_bytes(POINT, "big")]
    for _ in range(shared + 1, kept):
        wide = data[place] == data[place + 1] == 255
        if wide:
            parts.append(data[place + 2 : place + 5])
            if parts[-1] < b"\0\xff\xff" or len(parts[-1]) < POINT:
                raise ValueError
        else:
            parts.append(b"\0" + data[place : place + 2])
        place += 5 if wide else 2
    if not any(parts[-1]):
        raise ValueError
    return b"".join(parts).ljust(len(before), b"\0"), place


def _number(data: bytes, place: int) -> tuple[int, int]:
    """A number below 2**64 in its only spelling, and the place after it."""
    number = 0
    for shift in range(0, 70, 7):
        digit = data[place]
        place += 1
        number |= (digit & 127) << shift
        if digit < 128:
            if number >> 64 or (shift and not digit):
                break
            return number, place
    raise ValueError


# ---- many tables ---------------------------------------------------------------------------------------------------


def merge_tables(tables: Sequence[tuple[Buffer, Buffer]], size: int) -> tuple[bytes, bytes]:
    """The sum of tables of rows and counts. O(rows log tables).

    >>> merge_tables([(b"aaa", array("Q", [2])), (b"aaabbb", array("Q", [3, 1]))], 3)[0]
    b'aaabbb'
    """
    _rows(b"", size)
    sums: dict[bytes, int] = {}
    for rows, counts in tables:
        for key, number in _pairs(*_checked(rows, counts, size), size):
            sums[key] = sums.get(key, 0) + number
    _check_sum(max(sums.values(), default=0))
    order = sorted(sums)  # ascending runs, mostly, which Python's sort finds
    return b"".join(order), array("Q", map(sums.__getitem__, order)).tobytes()


def _pairs(rows: bytes, counts: memoryview, size: int) -> Iterator[tuple[bytes, int]]:
    return zip(_keys(rows, size, 0, len(counts)), counts, strict=True)
