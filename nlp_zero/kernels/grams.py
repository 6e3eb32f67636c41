"""Gram kernels: what sorted windows say about n-grams, told while they stream by, block after block.

The windows are those of ``windows.py``, in ascending order over all calls. Sorted, they are a tree, depth first: every
n-gram is a node, the n-grams one symbol longer its children. What is known of the nodes that are still open, from the
first symbol down to the last row, is the *state*: ``last`` (a bytearray, the last row) and ``sums`` (array('Q'), two
numbers for each point of a row; zeros before the first call). A call without rows closes all nodes.

:data:`CUT` stands where the rest of a window was left out: it is no symbol, and greater than all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array

from .counting import count_log
from .windows import POINT, Buffer, _check_sum, _rows, _table

__all__ = ["add_left_sums", "frequent_grams", "trim_windows"]

CUT = 0xFFFFFF
_CUT, _BOUNDARY = b"\xff\xff\xff", b"\0\0\0"
_MOST = 1 << 40  # what a count stays below, so that its logarithm in 2**-16 bits fits into 64 bits

_Columns = tuple[bytes, bytes, bytes]


class _Walk(ABC):
    """The open nodes; those that end are handed to ``close``, the longest first."""

    def __init__(self, size: int, last: bytearray, sums: array[int]) -> None:
        _rows(b"", size)
        if not isinstance(last, bytearray):
            raise TypeError(f"last: expected a bytearray, got {type(last).__name__}")
        if not isinstance(sums, array) or sums.typecode != "Q":
            raise TypeError(f"sums: expected an array('Q'), got {type(sums).__name__}")
        if len(last) != size or len(sums) != 2 * size // POINT:
            raise ValueError(f"state: expected {size} bytes and {2 * size // POINT} sums, got {len(last)}, {len(sums)}")
        self.size, self.points = size, size // POINT
        self.last, self.sums = last, sums

    def run(self, rows: bytes, counts: memoryview) -> None:
        """Go on by some rows; to the end if there are none."""
        size = self.size
        before = bytes(self.last)
        for place, number in enumerate(counts):
            row = rows[place * size : place * size + size]
            if row <= before:
                raise ValueError(f"rows: expected strictly ascending rows, got row {place} not above")
            shared = next(
                point for point in range(0, size, POINT) if row[point : point + POINT] != before[point : point + POINT]
            )
            self._end(before, shared // POINT)
            self.sums[self.points - 1] = number
            before = row
        if not len(counts):
            self._end(before, 0)
            before = bytes(size)
        self.last[:] = before

    def _end(self, row: bytes, depth: int) -> None:
        """Close the nodes of a row that are longer than ``depth``."""
        sums, points = self.sums, self.points
        for length in range(points, depth, -1):
            count, other = sums[length - 1], sums[points + length - 1]
            sums[length - 1] = sums[points + length - 1] = 0
            if not count:
                continue
            if length > 1:
                sums[length - 2] = _check_sum(sums[length - 2] + count)
            self.close(row, length, count, other)

    @abstractmethod
    def close(self, row: bytes, length: int, count: int, other: int) -> None:
        """A node ends: the n-gram of ``length`` points that ``row`` begins with, and its two sums."""


# ---- frequent n-grams ----------------------------------------------------------------------------------------------


class _Frequent(_Walk):
    """Gathers the n-grams of ``least`` occurrences; the second number of a node sums c log c over its children."""

    def __init__(self, size: int, last: bytearray, sums: array[int], least: int) -> None:
        super().__init__(size, last, sums)
        self.least = least
        self.grams = [(bytearray(), array("Q"), array("Q")) for _ in range(self.points)]

    def close(self, row: bytes, length: int, count: int, other: int) -> None:
        end = POINT * length
        if row[:POINT] == _BOUNDARY or row[end - POINT : end] in (_BOUNDARY, _CUT):
            return
        if count >= _MOST:
            raise OverflowError("counts: expected counts below 2**40")
        if length > 1:
            self.sums[self.points + length - 2] += count_log(count)
        if count >= self.least:
            rows, counts, logs = self.grams[length - 1]
            rows += row[:end]
            counts.append(count)
            logs.append(other)


def frequent_grams(
    rows: Buffer, counts: Buffer, size: int, least: int, last: bytearray, sums: array[int]
) -> list[_Columns]:
    """The n-grams of at least ``least`` occurrences that end with these rows, a triple of columns for each length.

    The columns are the n-grams, ascending, 3 bytes a point; their counts (uint64); and the sums of c log2 c over the
    symbols that follow them, in 2**-16 bits (uint64): with a boundary as a neighbour of its own, which adds nothing,
    that gives the branching entropy. O(rows).

    >>> rows = bytes.fromhex("000061000062" "000061000063" "000062000000")
    >>> state = bytearray(6), array("Q", bytes(32))
    >>> [len(grams) for grams, _, _ in frequent_grams(rows, array("Q", [3, 4, 5]), 6, 1, *state)]
    [3, 12]
    >>> [list(array("Q", counts)) for _, counts, _ in frequent_grams(b"", array("Q"), 6, 1, *state)]
    [[5], []]
    """
    walk = _Frequent(size, last, sums, least)
    walk.run(*_table(rows, counts, size))
    return [(bytes(grams), numbers.tobytes(), logs.tobytes()) for grams, numbers, logs in walk.grams]


def add_left_sums(grams: Buffer, sums: array[int], longer: Buffer, counts: Buffer, width: int) -> None:
    """Add c log2 c of every n-gram with a symbol before it, in 2**-16 bits, to the sum of the n-gram.

    ``grams`` are ascending, ``width`` bytes each, with a sum each; ``longer`` are n-grams one symbol longer, ascending,
    with their counts. O(longer log grams).

    >>> sums = array("Q", [0, 0])
    >>> add_left_sums(b"aaabbb", sums, b"xxxbbbyyybbbyyyccc", array("Q", [2, 4, 9]), 3)
    >>> [total / 65536 for total in sums]
    [0.0, 10.0]
    """
    names, step = _rows(grams, width), width + POINT
    data, numbers = _table(longer, counts, step)
    if not isinstance(sums, array) or sums.typecode != "Q":
        raise TypeError(f"sums: expected an array('Q'), got {type(sums).__name__}")
    if len(sums) * width != len(names):
        raise ValueError(f"sums: expected {len(names) // width} items, got {len(sums)}")
    places = {names[place : place + width]: place // width for place in range(0, len(names), width)}
    for number, place in zip(numbers, range(POINT, len(data) + POINT, step), strict=True):
        if number >= _MOST:
            raise OverflowError("counts: expected counts below 2**40")
        found = places.get(data[place : place + width])
        if found is not None:
            sums[found] += count_log(number)


def _ends_cut(row: bytes, length: int) -> bool:
    """Whether the first symbols of a window end with CUT, or with zeros after it."""
    end = POINT * length
    while end and row[end - POINT : end] == _BOUNDARY:
        end -= POINT
    return row[:end][-POINT:] == _CUT


# ---- forgetting ----------------------------------------------------------------------------------------------------


class _Trim(_Walk):
    """Gathers windows cut short; the second number of a node is what of it was too rare to be told apart."""

    def __init__(self, size: int, last: bytearray, sums: array[int], least: int) -> None:
        super().__init__(size, last, sums)
        self.least = least
        self.rows, self.counts = bytearray(), array("Q")

    def close(self, row: bytes, length: int, count: int, other: int) -> None:
        end = POINT * length
        if count < self.least or _ends_cut(row, length):
            if length > 1:
                self.sums[self.points + length - 2] += count
            return
        if length == self.points:
            self._put(row[:end], count)
        elif other:
            self._put(row[:end] + _CUT, other)

    def _put(self, start: bytes, count: int) -> None:
        self.rows += start.ljust(self.size, b"\0")
        self.counts.append(count)


def trim_windows(
    rows: Buffer, counts: Buffer, size: int, least: int, last: bytearray, sums: array[int]
) -> tuple[bytes, bytes]:
    """The windows that end with these rows, each cut before its first n-gram of fewer than ``least`` occurrences.

    What is left of a cut window ends with :data:`CUT`; a first symbol too rare is dropped. So n-grams of ``least``
    occurrences keep their counts, and the others are gone. O(rows).

    >>> rows = bytes.fromhex("000061000062" "000061000063" "000062000000")
    >>> state = bytearray(6), array("Q", bytes(32))
    >>> trim_windows(rows, array("Q", [3, 1, 1]), 6, 2, *state)[0].hex(" ", 3)
    '000061 000062 000061 ffffff'
    """
    walk = _Trim(size, last, sums, least)
    walk.run(*_table(rows, counts, size))
    return bytes(walk.rows), walk.counts.tobytes()
