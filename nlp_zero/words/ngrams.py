"""Counts of n-grams (n 元组) and of their neighbours that add up: count parts of a corpus apart, merge, subtract.

:class:`NgramCounts` is a commutative monoid: counts of two texts merge into the counts of both, in any order and
grouping, and nothing counted is the identity. All numbers are exact, and two equal multisets of lines give the same
table to the byte, whatever the order of the lines, the way they were split, or the engine.

The table holds no n-grams but *windows*: from every symbol the next ``max_length + 1`` symbols, cut at the next known
boundary, and one window more for every boundary at the left of text, which has the boundary first. Sorted, the windows
that begin with an n-gram stand in a row: their number is its count, what follows it in them its right neighbours; and
the windows that begin with any symbol and then the n-gram give its left neighbours. So one sorted list of windows
serves all lengths and both sides; it is a suffix array cut short, with equal suffixes added up.

Symbols are those of ``symbols.py``: characters of words; runs of digits and of Latin letters as one symbol each,
written as placeholders (``NUMBER``, ``YEAR``, ``LATIN``); the rest are boundaries. In the table they are code points,
three bytes each; a row of ``max_length`` 4 takes 23 bytes with its count, some 13 bytes for each character of text.
"""

from __future__ import annotations

import hashlib
import heapq
import re
import sys
from array import array
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import TypeAlias

from .. import kernels
from .association import branching_entropy
from .symbols import LATIN, NUMBER, RARE, WORD_LIMIT, YEAR, SymbolText, roles

__all__ = ["NgramCounts"]

MAX_LENGTH = 8
_BLOCK = 1 << 20  # characters encoded at a time
_BATCH = 1 << 22  # symbols sorted at a time: 32 MB of keys
_SLAB = 1 << 16  # n-grams decoded at a time
_POINT = 3  # bytes of a code point in the table
_PLACEHOLDERS = re.compile(f"([{NUMBER}{YEAR}{LATIN}{RARE}])")
_IN_RUNS = (2, 3)  # the roles of digits and of Latin letters

_Table: TypeAlias = "tuple[bytes, array[int]]"


class NgramCounts:
    """How often every n-gram of up to ``max_length`` symbols (1 to 8) stands in a text, and next to what.

    >>> counts = NgramCounts(max_length=3).train(["学生会学习。", "大学生"])
    >>> counts["学生"], counts.left("学生"), counts.right("学")
    (2, {'': 1, '大': 1}, {'习': 1, '生': 2})
    >>> list(counts.items(length=2, min_count=2))
    [('学生', 2)]
    >>> counts == NgramCounts(3).train(["大学生"]) + NgramCounts(3).train(["学生会学习。"])
    True
    """

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __init__(self, max_length: int = 4) -> None:
        if not 1 <= max_length <= MAX_LENGTH:
            raise ValueError(f"max_length: expected 1 to {MAX_LENGTH}, such as 4, got {max_length}")
        self._max_length = max_length
        self._tables: list[_Table] = []  # largest first; merged into one when a number is asked for
        self._waiting: SymbolText | None = None
        self._totals: dict[int, tuple[int, int]] = {}
        self._firsts: list[bytes] = []

    @classmethod
    def from_table(cls, max_length: int, windows: bytes, counts: array[int]) -> NgramCounts:
        """The counts whose :meth:`table` this is; ValueError if its rows do not ascend or a count is zero."""
        result = cls(max_length)
        # The sum with nothing is the table, checked.
        result._tables = [_table(kernels.merge_windows(windows, counts, b"", array("Q"), result._size))]
        return result

    @property
    def max_length(self) -> int:
        """The greatest length of an n-gram, in symbols."""
        return self._max_length

    @property
    def _size(self) -> int:
        return _POINT * (self._max_length + 1)

    # ---- text in ---------------------------------------------------------------------------------------------------

    def train(self, sentences: Iterable[str]) -> NgramCounts:
        """Count lines of text, or blocks of lines joined by line ends; again adds. Gives itself back.

        About 10 million characters a second in C. Memory follows the distinct windows, some 12 bytes a character of
        new text, twice as much while parts are merged, and up to 150 MB for the batch under way.
        """
        if isinstance(sentences, str):
            raise TypeError(f"sentences: expected an iterable of str, such as ['自然语言'], got {sentences[:20]!r}")
        lines: list[str] = []
        size = 0
        for line in sentences:
            if not isinstance(line, str):
                raise TypeError(f"sentences: expected str, such as '自然语言', got {type(line).__name__}")
            lines.append(line)
            size += len(line) + 1
            if size > _BLOCK:
                self._add("\n".join(lines))
                lines, size = [], 0
        if lines:
            self._add("\n".join(lines))
        return self

    def _add(self, block: str) -> None:
        self._totals.clear()
        self._firsts.clear()
        fresh = self._waiting is None
        if self._encode(block):
            return
        # The alphabet is full, and which characters found room depends on the order of the text. So sort what came
        # before and begin a new one; if that is still too small, with half of the text, down to a single line.
        self._flush()
        if not fresh:
            return self._add(block)
        cut = block.find("\n", len(block) // 2)
        cut = block.rfind("\n") if cut < 0 else cut
        if cut >= 0:
            self._add(block[:cut])
            self._add(block[cut + 1 :])
        else:  # more than 61,000 distinct characters in one line: the first of them keep their names
            self._encode(block, forced=True)
            self._flush()

    def _encode(self, block: str, forced: bool = False) -> bool:
        """Make text wait to be sorted; False, and nothing done, if the alphabet is full."""
        waiting = self._waiting = self._waiting or SymbolText()
        size = len(waiting.ids)
        waiting.extend([block])
        if waiting._state[0] >= WORD_LIMIT and not forced:
            del waiting.ids[size:]
            return False
        if len(waiting.ids) >= _BATCH:
            self._flush()
        return True

    def _flush(self) -> None:
        """Sort the text that waits into a table, and forget its alphabet."""
        if self._waiting is not None and self._waiting.ids:
            waiting = self._waiting
            self._tables.append(_table(kernels.count_windows(waiting.ids, waiting._points, self._max_length + 1)))
        self._waiting = None
        # Only tables of like size are merged, so that a window takes part in O(log n) merges.
        while len(self._tables) > 1 and len(self._tables[-2][1]) < 2 * len(self._tables[-1][1]):
            self._merge_last()

    def _merge_last(self) -> None:
        first, second = self._tables[-2:]
        self._tables[-2:] = [_table(kernels.merge_windows(*first, *second, self._size))]

    def _finished(self) -> _Table:
        """The one table of all that was counted."""
        if self._waiting is None and len(self._tables) == 1:
            return self._tables[0]
        self._flush()
        while len(self._tables) > 1:
            self._merge_last()
        return self._tables[0] if self._tables else (b"", array("Q"))

    # ---- the monoid ------------------------------------------------------------------------------------------------

    def merge(self, other: NgramCounts) -> NgramCounts:
        """New counts: those of both texts together. ``a + b`` says the same. O(distinct windows)."""
        theirs = self._same_kind(other)
        return self._of(kernels.merge_windows(*self._finished(), *theirs, self._size))

    def __add__(self, other: object) -> NgramCounts:
        return self.merge(other) if isinstance(other, NgramCounts) else NotImplemented

    def subtract(self, other: NgramCounts) -> NgramCounts:
        """New counts: those of the text without the lines of another, which must all have been counted here.

        ``(a + b).subtract(b) == a``. ValueError names an n-gram that the other counts more often. O(distinct windows).
        """
        mine, theirs = self._finished(), self._same_kind(other)
        try:
            rest = kernels.subtract_windows(*mine, *theirs, self._size)
        except ValueError:
            raise ValueError(self._excess(mine, theirs)) from None
        return self._of(rest)

    def _of(self, table: tuple[bytes, bytes]) -> NgramCounts:
        result = NgramCounts(self._max_length)
        result._tables = [_table(table)]
        return result

    def _same_kind(self, other: NgramCounts) -> _Table:
        if other._max_length != self._max_length:
            raise ValueError(f"other: expected counts of max_length {self._max_length}, got {other._max_length}")
        return other._finished()

    def _excess(self, mine: _Table, theirs: _Table) -> str:
        """Says what cannot be subtracted."""
        size = self._size
        for row, count in enumerate(theirs[1]):
            window = theirs[0][row * size : (row + 1) * size]
            start, end = kernels.window_range(mine[0], size, window)
            here = mine[1][start] if end > start else 0
            if count > here:
                text = _unpack(window).replace("\0", " ").strip()
                return f"other: expected only text that was counted here, got {text!r} {count} times, here {here} times"
        raise AssertionError("subtract_windows refused a table without an excess")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NgramCounts):
            return NotImplemented
        return self._max_length == other._max_length and self._finished() == other._finished()

    def __bool__(self) -> bool:
        """Whether anything was counted."""
        return bool(self._finished()[0])

    def __contains__(self, gram: str) -> bool:
        return self.count(gram) > 0

    def __reduce__(self) -> tuple[object, tuple[int, bytes, array[int]]]:
        return NgramCounts.from_table, (self._max_length, *self._finished())

    def __repr__(self) -> str:
        return f"<NgramCounts of {self.total(1)} symbols, up to length {self._max_length}>"

    # ---- the table -------------------------------------------------------------------------------------------------

    def table(self) -> tuple[bytes, array[int]]:
        """The sorted windows, three bytes a code point, and the count (uint64) of each; not to be changed."""
        return self._finished()

    @property
    def nbytes(self) -> int:
        """Size of the table in bytes: 3 x (max_length + 1) + 8 for every distinct window."""
        windows, counts = self._finished()
        return len(windows) + 8 * len(counts)

    def digest(self) -> str:
        """SHA-256 of the table, the same for any order or split of the text and for both engines.

        >>> NgramCounts(2).train(["甲乙"]).digest()[:16]
        '2f29c5e44fc46f3d'
        """
        windows, counts = self._finished()
        total = hashlib.sha256(f"nlp-zero n-grams {self._max_length} {len(counts)}\n".encode())
        total.update(windows)
        total.update(_little_endian(counts))
        return total.hexdigest()

    # ---- numbers out -----------------------------------------------------------------------------------------------

    def count(self, gram: str) -> int:
        """How often an n-gram stands in the text; ``counts[gram]`` says the same. O(log windows + windows of it).

        Runs are taken as the text takes them, whatever stands in them: ``5元`` is ``NUMBER + "元"``. An n-gram that
        holds a boundary counts 0. ValueError if it is empty or longer than ``max_length`` symbols.

        >>> NgramCounts().train(["花了5元，又花了12.5元"]).count("花了7元")
        2
        """
        return self._sum(self._prefix(gram))

    __getitem__ = count

    def right(self, gram: str) -> dict[str, int]:
        """How often every symbol stands right after an n-gram; ``""`` is a boundary. In code-point order."""
        return {_symbol(row[-_POINT:]): self._sum(row) for row in self._continuations(self._prefix(gram))}

    def left(self, gram: str) -> dict[str, int]:
        """How often every symbol stands right before an n-gram; ``""`` is a boundary. In code-point order.

        O(distinct symbols of the text x log windows).
        """
        tail = self._prefix(gram)
        if not self._firsts:
            self._firsts = list(self._continuations(b""))
        counts = ((first, self._sum(first + tail)) for first in self._firsts)
        return {_symbol(first): count for first, count in counts if count}

    def right_entropy(self, gram: str) -> float:
        """Branching entropy (右邻接熵) in bits; every boundary is a neighbour of its own.

        >>> NgramCounts().train(["学生", "学生", "学生会", "学生会"]).right_entropy("学生")
        1.5
        """
        return _entropy(self.right(gram))

    def left_entropy(self, gram: str) -> float:
        """Branching entropy (左邻接熵) in bits; every boundary is a neighbour of its own."""
        return _entropy(self.left(gram))

    def total(self, length: int) -> int:
        """Number of n-grams of a length in the text, each as often as it stands there; O(windows) the first time.

        >>> NgramCounts().train(["学生学生"]).total(2)
        3
        """
        return self._lengths(length)[0]

    def types(self, length: int) -> int:
        """Number of distinct n-grams of a length; O(windows) the first time.

        >>> NgramCounts().train(["学生学生"]).types(2)
        2
        """
        return self._lengths(length)[1]

    def items(self, length: int | None = None, min_count: int = 1) -> Iterator[tuple[str, int]]:
        """The n-grams of one length, or of all, that stand at least ``min_count`` times, in code-point order.

        >>> list(NgramCounts(2).train(["学生学生"]).items())
        [('学', 2), ('学生', 2), ('生', 2), ('生学', 1)]
        """
        if length is not None:
            return self._items(self._check_length(length), min_count)
        lengths = range(1, self._max_length + 1)
        return heapq.merge(*(self._items(length, min_count) for length in lengths), key=itemgetter(0))

    def _items(self, length: int, min_count: int) -> Iterator[tuple[str, int]]:
        windows, counts = self._finished()
        grams, numbers = _table(kernels.window_prefixes(windows, counts, self._size, length, min_count))
        for start in range(0, len(numbers), _SLAB):
            part = numbers[start : start + _SLAB]
            text = _unpack(grams[start * _POINT * length : (start + len(part)) * _POINT * length])
            places = range(0, len(text), length)
            yield from zip((text[place : place + length] for place in places), part, strict=True)

    def _lengths(self, length: int) -> tuple[int, int]:
        self._check_length(length)
        if length not in self._totals:
            self._totals[length] = kernels.window_totals(*self._finished(), self._size, length)
        return self._totals[length]

    def _check_length(self, length: int) -> int:
        if not 1 <= length <= self._max_length:
            raise ValueError(f"length: expected 1 to {self._max_length} symbols, got {length}")
        return length

    def _prefix(self, gram: str) -> bytes:
        """An n-gram as windows begin with it."""
        symbols = _as_symbols(gram)
        if not 1 <= len(symbols) <= self._max_length:
            raise ValueError(f"gram: expected 1 to {self._max_length} symbols, such as '学生', got {gram!r}")
        return _pack(symbols)

    def _sum(self, prefix: bytes) -> int:
        windows, counts = self._finished()
        start, end = kernels.window_range(windows, self._size, prefix)
        return sum(memoryview(counts)[start:end]) if end > start else 0

    def _continuations(self, prefix: bytes) -> Iterator[bytes]:
        """The prefix with each symbol, or boundary, that follows it in the table."""
        windows, size = self._finished()[0], self._size
        row, end = kernels.window_range(windows, size, prefix)
        while row < end:
            longer = windows[row * size : row * size + len(prefix) + _POINT]
            yield longer
            row = kernels.window_range(windows, size, longer)[1]


def _table(columns: tuple[bytes, bytes]) -> _Table:
    return columns[0], array("Q", columns[1])


def _as_symbols(gram: str) -> str:
    """An n-gram with its runs as placeholders, and without the NUL that stands for boundaries in the table."""
    kinds = roles()
    if any(kinds[ord(character)] in _IN_RUNS for character in gram):
        texts = map(SymbolText, ([piece] for piece in _PLACEHOLDERS.split(gram)[::2]))
        pieces = [text.word(0, len(text.ids) - 1) for text in texts]
        marks = _PLACEHOLDERS.findall(gram)
        gram = "".join(piece + mark for piece, mark in zip(pieces, [*marks, ""], strict=True))
    return gram.replace("\0", "\uffff")  # a boundary that no table holds


def _pack(symbols: str) -> bytes:
    wide = symbols.encode("utf-32-be", "surrogatepass")
    return b"".join(wide[place + 1 : place + 4] for place in range(0, len(wide), 4))


def _unpack(points: bytes) -> str:
    wide = bytearray(len(points) // _POINT * 4)
    for byte in range(_POINT):
        wide[byte + 1 :: 4] = points[byte::_POINT]
    return wide.decode("utf-32-be", "surrogatepass")


def _symbol(point: bytes) -> str:
    """One symbol; empty for a boundary."""
    return _unpack(point).strip("\0")


def _little_endian(counts: array[int]) -> array[int]:
    if sys.byteorder == "big":
        counts = counts[:]
        counts.byteswap()
    return counts


def _entropy(neighbours: dict[str, int]) -> float:
    return branching_entropy((count for symbol, count in neighbours.items() if symbol), neighbours.get("", 0))
