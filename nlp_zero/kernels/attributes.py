"""From text to numbered attributes: cells, templates, and the table of the attributes that a tagger knows.

**Cells.** A batch of sentences is a table with ``width`` cells a position, given as three buffers: ``text``, the cells
as UTF-8 one after another; ``edges`` (int64), where each begins, and the end of the last; ``starts`` (int64), at which
position each sentence begins, and the number of positions. :func:`character_cells` and :func:`column_cells` make them.

**Programs.** A template such as ``U05:%x[-1,0]/%x[0,0]`` is a row of pieces; a program is an ``array('i')`` with three
numbers a piece: ``0, start, end`` for ``literals[start:end]``, ``1, row, column`` for a cell ``row`` positions away,
``2, 0, 0`` at the end of each template. Cells before a sentence read ``_B-1``, ``_B-2``, ..., those behind it ``_B+1``,
``_B+2``, ... An *attribute* is what a template reads at a position, as bytes. Ids are given in the order in which
attributes are met: sentence by sentence, position by position, template by template.

**Hashing.** In C nothing is spelt out that was seen before. The hash of a string is a polynomial in its bytes modulo
2**64, so that of a joined string follows from those of its parts; a cell is hashed once, whatever templates read it.
What the hash finds is compared byte by byte. Slots of the table are called for before they are needed: a text has
attributes all over the table, and memory is what costs.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise, repeat
from typing import Any

from .counting import Buffer, _items

__all__ = ["AttributeTable", "character_cells", "column_cells", "find_attributes"]

LITERAL, CELL, END = 0, 1, 2
MOST_ROWS = 64
"""A template reads at most so many positions away."""
MOST_PIECES = 64
GROUP = 4096
"""Positions that the pure engine reads at a time."""

_SURROGATES = "surrogatepass"


# ---- cells ---------------------------------------------------------------------------------------------------------


def character_cells(text: str, width: int) -> tuple[bytes, bytes, bytes]:
    """The cells of lines: every character is one, ``width`` of them make a position. O(characters).

    Returns text, edges and starts. A line is a sentence; an empty one has no positions. Raises ValueError for a line
    that does not divide by ``width``.

    >>> text, edges, starts = character_cells("我h是h\\n", 2)
    >>> text.decode(), list(memoryview(edges).cast("q")), list(memoryview(starts).cast("q"))
    ('我h是h', [0, 3, 4, 7, 8], [0, 2, 2])
    """
    _check_width(width)
    lines = text.split("\n")
    starts = array("q", (0,))
    for number, line in enumerate(lines):
        if len(line) % width:
            raise ValueError(f"line {number}: expected a multiple of {width} characters, got {len(line)}")
        starts.append(starts[-1] + len(line) // width)
    joined = "".join(lines)
    encoded = joined.encode("utf-8", _SURROGATES)
    # A character begins at every byte that does not continue one.
    edges = array("q", [place for place, byte in enumerate(encoded) if byte & 0xC0 != 0x80])
    edges.append(len(encoded))
    return encoded, edges.tobytes(), starts.tobytes()


def column_cells(text: str, width: int) -> tuple[bytes, bytes, bytes]:
    """The cells of a column file: lines of ``width`` cells with spaces or tabs between, a blank line after sentences.

    Returns text, edges and starts. The last sentence needs no blank line, and blank lines at the very end are nothing.
    Raises ValueError, naming the line from 0, for a line with more or fewer cells, or an empty sentence. O(bytes).

    >>> text, edges, starts = column_cells("他 r\\n来\\tv\\n\\n了 u\\n", 2)
    >>> text.decode(), list(memoryview(edges).cast("q")), list(memoryview(starts).cast("q"))
    ('他r来v了u', [0, 3, 4, 7, 8, 11, 12], [0, 2, 3])
    """
    _check_width(width)
    cells: list[str] = []
    starts = array("q", (0,))
    empty = -1
    for number, line in enumerate(text.replace("\t", " ").split("\n")):
        row = [cell for cell in line.split(" ") if cell]
        if row:
            if empty >= 0:
                raise ValueError(f"line {empty}: expected a position, got a blank line, an empty sentence")
            if len(row) != width:
                raise ValueError(f"line {number}: expected {width} columns, got {len(row)}")
            cells += row
        elif len(cells) > starts[-1] * width:
            starts.append(len(cells) // width)
        elif empty < 0:
            empty = number
    if len(cells) > starts[-1] * width:
        starts.append(len(cells) // width)
    encoded = [cell.encode("utf-8", _SURROGATES) for cell in cells]
    edges = array("q", (0,))
    place = 0
    for cell in encoded:
        place += len(cell)
        edges.append(place)
    return b"".join(encoded), edges.tobytes(), starts.tobytes()


def _check_width(width: int) -> None:
    if not 1 <= width <= 1 << 16:
        raise ValueError(f"width: expected 1 to {1 << 16}, got {width}")


# ---- reading templates ---------------------------------------------------------------------------------------------


class _Cells:
    """A checked batch of sentences."""

    def __init__(self, text: Buffer, edges: Buffer, starts: Buffer, width: int) -> None:
        _check_width(width)
        self.text = bytes(text)
        self.edges, self.starts, self.width = _items(edges, "q", "edges"), _items(starts, "q", "starts"), width
        _check_rising("starts", self.starts)
        if self.starts[-1] > len(self.edges) or self.starts[-1] * width != len(self.edges) - 1:
            raise ValueError(f"edges: expected {self.starts[-1]} x {width} + 1 items, got {len(self.edges)}")
        _check_rising("edges", self.edges)
        if self.edges[-1] != len(self.text):
            raise ValueError(f"text: expected {self.edges[-1]} bytes, got {len(self.text)}")

    def groups(self) -> Iterator[_Group]:
        """Sentences in groups of some thousand positions: what is done once a group costs nothing."""
        bounds = [0]
        for end in self.starts[1:]:
            bounds.append(end)
            if end - bounds[0] >= GROUP:
                yield _Group(self, bounds)
                bounds = [end]
        if len(bounds) > 1:
            yield _Group(self, bounds)


class _Group:
    """The columns of some sentences one after another, and the same columns moved; ``bounds`` part the sentences."""

    def __init__(self, cells: _Cells, bounds: list[int]) -> None:
        first, width = bounds[0], cells.width
        edges = cells.edges[first * width : bounds[-1] * width + 1]
        found = [cells.text[left:right] for left, right in pairwise(edges)]
        self.spans = [(start - first, end - first) for start, end in pairwise(bounds)]
        self.size = bounds[-1] - first
        self._moved = {(0, column): found[column::width] for column in range(width)}

    def moved(self, row: int, column: int) -> list[bytes]:
        """The cells ``row`` positions away from each, with what stands for those outside of the sentence."""
        found = self._moved.get((row, column))
        if found is None:
            found = self._moved[row, column] = self._move(row, self._moved[0, column])
        return found

    def _move(self, row: int, cells: list[bytes]) -> list[bytes]:
        if row < 0:
            found = ([b""] * -row + cells)[: self.size]
            for start, end in self.spans:
                for place in range(start, min(start - row, end)):
                    found[place] = b"_B%d" % (place - start + row)
        else:
            found = cells[row:] + [b""] * min(row, self.size)
            for start, end in self.spans:
                for place in range(max(end - row, start), end):
                    found[place] = b"_B+%d" % (place + row - end + 1)
        return found


def _check_rising(name: str, numbers: array[int]) -> None:
    if not len(numbers):
        raise ValueError(f"{name}: expected at least 1 item, got 0")
    if numbers[0] != 0:
        raise ValueError(f"{name}: expected 0 at 0, got {numbers[0]}")
    for place, (before, after) in enumerate(pairwise(numbers), 1):
        if after < before:
            raise ValueError(f"{name}: expected {before} or more at {place}, got {after}")


Piece = tuple[int, int, int]


def _templates(program: Buffer, literals: Buffer, width: int) -> list[list[Piece]]:
    """The pieces of each template, checked."""
    numbers, size = _items(program, "i", "program"), len(bytes(literals))
    if len(numbers) % 3 or (len(numbers) and numbers[-3] != END):
        raise ValueError("program: expected three numbers a piece and an end after each template")
    templates: list[list[Piece]] = [[]]
    for place in range(0, len(numbers), 3):
        kind, left, right = numbers[place], numbers[place + 1], numbers[place + 2]
        if kind == END:
            templates.append([])
            continue
        literal = kind == LITERAL and 0 <= left <= right <= size
        cell = kind == CELL and -MOST_ROWS <= left <= MOST_ROWS and 0 <= right < width
        if not (literal or cell) or len(templates[-1]) == MOST_PIECES:
            raise ValueError(f"program: expected a literal or a cell that is there, got {kind}, {left}, {right}")
        templates[-1].append((kind, left, right))
    return templates[:-1]


def _reader(template: list[Piece], literals: bytes) -> Callable[[_Group], Iterable[bytes]]:
    """What reads one template at every position of a group."""
    texts = [literals[left:right] if kind == LITERAL else None for kind, left, right in template]
    places = [(left, right) for kind, left, right in template if kind == CELL]

    def read(group: _Group) -> Iterable[bytes]:
        if not places:
            return repeat(b"".join(filter(None, texts)), group.size)
        columns = iter([group.moved(row, column) for row, column in places])
        if len(texts) == 2 and texts[0] is not None:
            return map(texts[0].__add__, next(columns))
        return map(b"".join, zip(*[next(columns) if text is None else repeat(text) for text in texts], strict=False))

    return read


def _rows(
    cells: _Cells,
    program: Buffer,
    literals: Buffer,
    first: int,
    look_up: Callable[[Iterable[bytes]], Iterable[Any]],
) -> Iterator[Sequence[Any]]:
    """For each position what ``look_up`` has for its attributes, template by template."""
    fixed = bytes(literals)
    readers = [_reader(template, fixed) for template in _templates(program, literals, cells.width)]
    for group in cells.groups():
        rows: list[Sequence[Any]] = list(zip(*[look_up(read(group)) for read in readers], strict=True))
        if not readers:
            rows = [()] * group.size
        if not first:
            for start, end in group.spans:
                if start < end:
                    rows[start] = ()
        yield from rows


# ---- the kernels ---------------------------------------------------------------------------------------------------


def find_attributes(
    text: Buffer,
    edges: Buffer,
    starts: Buffer,
    width: int,
    program: Buffer,
    literals: Buffer,
    first: int,
    min_count: int,
) -> tuple[bytes, bytes, bytes, bytes]:
    """Every attribute that is met ``min_count`` times or more, and where.

    Returns names (bytes, one after another), their ends (uint32), and for the positions offsets (int64) into ids
    (int32). ``first`` 0 leaves out the first position of each sentence, 1 does not. O(templates x positions); memory
    some 40 bytes an attribute beside its name. Raises OverflowError for more than 2**32 bytes of names.

    >>> text, edges, starts = character_cells("我是我", 1)
    >>> program = array("i", [0, 0, 2, 1, -1, 0, 2, 0, 0])
    >>> cells = text, array("q", edges), array("q", starts), 1
    >>> names, ends, offsets, ids = find_attributes(*cells, program, b"U:", 1, 1)
    >>> names.decode(), list(memoryview(ends).cast("I")), list(memoryview(ids).cast("i"))
    ('U:_B-1U:我U:是', [6, 11, 16], [0, 1, 2])
    """
    index: dict[bytes, int] = {}
    offsets, ids = array("q", (0,)), array("i")
    cells = _Cells(text, edges, starts, width)
    for row in _rows(cells, program, literals, first, iter):
        ids.extend([index.setdefault(name, len(index)) for name in row])
        offsets.append(len(ids))
    names = list(index)
    if min_count > 1:
        names, offsets, ids = _cut_off(names, offsets, ids, min_count)
    if sum(map(len, names)) > 0xFFFFFFFF:
        raise OverflowError("names: expected at most 2**32 - 1 bytes in all")
    ends, place = array("I"), 0
    for name in names:
        place += len(name)
        ends.append(place)
    return b"".join(names), ends.tobytes(), offsets.tobytes(), ids.tobytes()


def _cut_off(
    names: list[bytes], offsets: array[int], ids: array[int], min_count: int
) -> tuple[list[bytes], array[int], array[int]]:
    """The same without attributes that are rarer."""
    counts = [0] * len(names)
    for number in ids:
        counts[number] += 1
    kept = [number for number, count in enumerate(counts) if count >= min_count]
    new = dict(zip(kept, range(len(kept)), strict=True))
    left, ends = array("i"), array("q", (0,))
    for start, end in pairwise(offsets):
        left.extend([new[number] for number in ids[start:end] if number in new])
        ends.append(len(left))
    return [names[number] for number in kept], ends, left


class AttributeTable:
    """The attributes of a tagger, ready to be found in text: made once, from names and their ends (uint32).

    Raises ValueError where two names are the same.

    >>> table = AttributeTable("U:我U:是".encode(), array("I", [5, 10]))
    >>> text, edges, starts = character_cells("是我", 1)
    >>> program = array("i", [0, 0, 2, 1, 0, 0, 2, 0, 0])
    >>> offsets, ids = table.find(text, array("q", edges), array("q", starts), 1, program, b"U:", 1)
    >>> list(memoryview(offsets).cast("q")), list(memoryview(ids).cast("i"))
    ([0, 1, 2], [1, 0])
    """

    def __init__(self, names: Buffer, ends: Buffer) -> None:
        text, numbers = bytes(names), _items(ends, "I", "ends")
        _check_rising("ends", array("q", (0, *numbers)))
        if (numbers[-1] if numbers else 0) != len(text):
            raise ValueError(f"names: expected {numbers[-1] if numbers else 0} bytes, got {len(text)}")
        self._index: dict[bytes, int] = {}
        for number, (start, end) in enumerate(pairwise((0, *numbers))):
            if self._index.setdefault(text[start:end], number) != number:
                raise ValueError(f"names: expected no name twice, got {self._index[text[start:end]]} again at {number}")

    def find(
        self, text: Buffer, edges: Buffer, starts: Buffer, width: int, program: Buffer, literals: Buffer, first: int
    ) -> tuple[bytes, bytes]:
        """The known attributes of every position: offsets (int64) into ids (int32). O(templates x positions)."""
        known = self._index.get
        offsets, ids = array("q", (0,)), array("i")
        cells = _Cells(text, edges, starts, width)
        for row in _rows(cells, program, literals, first, lambda names: map(known, names)):
            ids.extend([number for number in row if number is not None])
            offsets.append(len(ids))
        return offsets.tobytes(), ids.tobytes()
