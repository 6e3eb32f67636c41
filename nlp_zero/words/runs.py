"""Run files: counts of n-grams on the disk, sorted, compressed, checked; merged and subtracted without being loaded.

A run holds the windows of :mod:`nlp_zero.words.ngrams`, the same rows in the same order, and nothing else: so files of
parts of a corpus merge into the file of the whole, to the byte, in whatever order it was counted and merged::

    8 bytes   the magic b"NLPZRUN\\n"
    4 bytes   version of the format, little-endian
    4 bytes   length of the JSON text, little-endian
    ...       JSON: {"forgotten": 0, "max_length": 6}
    ...       blocks
    20 bytes  zeros: the end of the blocks
    8 bytes   the number of rows, little-endian
    32 bytes  SHA-256 of everything before it

A block is five numbers of 4 bytes (page, rows, bytes unpacked, bytes packed, CRC-32 of the packed ones) and rows packed
by :func:`nlp_zero.kernels.pack_windows` and raw deflate. Blocks hold up to 16,384 rows and end where a page ends; the
page of a row is its first code point without the lowest byte (of the second code point for rows that begin with a
boundary). So where blocks end follows from the rows (the bytes of
a packed block, from the zlib at hand), and pages can be merged apart. Files are read and written block
by block: memory follows the number of files, not their size.

``forgotten`` is the bound of what was left out: an n-gram with the count c occurs at least c and at most c + forgotten
times, one that is not there at most ``forgotten`` times. It is 0, all counts exact, unless rare n-grams were dropped on
purpose (:mod:`nlp_zero.words.bounded`); it adds up when files are merged.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import threading
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import IO, Any, NamedTuple, TypeAlias

from .. import kernels
from ..errors import ModelError
from ..storage import atomic_writer
from .ngrams import MAX_LENGTH, NgramCounts

__all__ = ["FAN_IN", "MAGIC", "Run", "Source", "blocks_of", "merge_runs", "merged", "save_run", "subtract_runs"]

MAGIC = b"NLPZRUN\n"
VERSION = 1
FAN_IN = 64
"""Files that are merged at a time: each costs a megabyte."""

_ROWS = 1 << 14  # rows of a block: half a megabyte unpacked
_POINT = 3
_PREFIX = struct.Struct("<8sII")
_HEAD = struct.Struct("<5I")
_END = struct.Struct("<Q")
_MOST_HEADER = 1 << 16
_DIGEST = 32
_READ = 1 << 20

Table: TypeAlias = "tuple[bytes | memoryview, memoryview]"
"""Rows, and the count of each (uint64)."""


class _Block(NamedTuple):
    """Where a block stands, and what its head says."""

    offset: int
    page: int
    rows: int
    plain: int
    packed: int
    crc: int


# Blocks -------------------------------------------------------------------------------------------------------------


def row_size(max_length: int) -> int:
    """Bytes of a row: three for each symbol of a window, which is one longer than the longest n-gram."""
    return _POINT * (max_length + 1)


def page_of(row: bytes | memoryview) -> int:
    """The page of a row; pages ascend as rows do."""
    if any(row[:_POINT]):
        return 1 << 16 | row[0] << 8 | row[1]
    return row[_POINT] << 8 | row[_POINT + 1]


def paged(table: Table, size: int) -> Iterator[tuple[int, Table]]:
    """The stretches of a table that lie on one page each."""
    rows, counts = table
    start = 0
    while start < len(counts):
        first = bytes(rows[start * size : (start + 1) * size])
        page = first[: 2 if any(first[:_POINT]) else _POINT + 2]

        def beginning(row: int, width: int = len(page)) -> bytes:
            return bytes(rows[row * size : row * size + width])

        end = bisect_right(range(len(counts)), page, lo=start, key=beginning)
        yield page_of(first), (rows[start * size : end * size], counts[start:end])
        start = end


def blocks_of(tables: Iterable[Table], size: int, *, deflate: bool = True) -> Iterator[bytes]:
    """Ascending tables as the blocks of a file, however they were cut; without ``deflate`` those that :class:`Source`
    reads as ``stored``, which is faster."""
    rows, counts, page = bytearray(), array("Q"), -1
    for whole, tally in tables:
        for number, (some, numbers) in paged((memoryview(whole), tally), size):
            if number != page:
                if counts:
                    yield _block(page, rows, memoryview(counts), size, deflate)
                rows, counts, page = bytearray(), array("Q"), number
            start = 0
            while not counts and len(numbers) - start >= _ROWS:
                end = start + _ROWS
                yield _block(page, some[start * size : end * size], numbers[start:end], size, deflate)
                start = end
            while start < len(numbers):
                end = min(start + _ROWS - len(counts), len(numbers))
                rows += some[start * size : end * size]
                counts.frombytes(numbers[start:end].cast("B"))
                start = end
                if len(counts) == _ROWS:
                    yield _block(page, rows, memoryview(counts), size, deflate)
                    rows, counts = bytearray(), array("Q")
    if counts:
        yield _block(page, rows, memoryview(counts), size, deflate)


def _block(page: int, rows: bytes | bytearray | memoryview, counts: memoryview, size: int, deflate: bool) -> bytes:
    plain = kernels.pack_windows(rows, counts, size)
    packed: bytes = plain
    if deflate:
        # Huffman codes alone take half the time of a search for repetitions, which rows that are told apart hardly
        # have: 6.5 bytes a row, where level 6 takes 6.1 and four times as long.
        packer = zlib.compressobj(1, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
        packed = packer.compress(plain) + packer.flush()
    return _HEAD.pack(page, len(counts), len(plain), len(packed), zlib.crc32(packed)) + packed


class Source:
    """The blocks in a file of ``size`` bytes a row, from ``start`` on, ``stored`` or deflated; any thread may read."""

    def __init__(
        self, file: IO[bytes], size: int, name: str = "a temporary file", start: int = 0, *, stored: bool = False
    ) -> None:
        self.size = size
        self.name = name
        self._stored = stored
        self._file = file
        self._lock = threading.Lock()
        self.blocks: list[_Block] = []
        self.end = self._scan(start)

    def _scan(self, place: int) -> int:
        """Find the blocks; where the end is."""
        limit = self._file.seek(0, os.SEEK_END)
        page = -1
        while place < limit:
            head = self._read(place, _HEAD.size)
            if len(head) < _HEAD.size:
                raise self.damaged(place, "the file is cut short")
            block = _Block(place + _HEAD.size, *_HEAD.unpack(head))
            if not block.rows:
                if any(head):
                    raise self.damaged(place, "an empty block")
                break
            if block.page < page or block.rows > _ROWS or block.offset + block.packed > limit:
                raise self.damaged(place, "no block can begin so")
            self.blocks.append(block)
            page, place = block.page, block.offset + block.packed
        return place

    def damaged(self, place: int, reason: str) -> ModelError:
        """What to raise for bytes that are no block."""
        return ModelError(f"{self.name}: offset {place}: damaged: {reason}")

    def _read(self, place: int, size: int) -> bytes:
        with self._lock:
            self._file.seek(place)
            return self._file.read(size)

    def tables(self, start: int = 0, end: int = 1 << 32) -> Iterator[Table]:
        """The tables of the pages from ``start`` to before ``end``, one a block."""
        first, last = (bisect_left(self.blocks, page, key=lambda block: block.page) for page in (start, end))
        for block in self.blocks[first:last]:
            yield self._table(block)

    def raw(self) -> Iterator[bytes]:
        """The blocks as they stand in the file, heads and all."""
        for block in self.blocks:
            yield self._read(block.offset - _HEAD.size, _HEAD.size + block.packed)

    def _table(self, block: _Block) -> Table:
        packed = self._read(block.offset, block.packed)
        if len(packed) != block.packed or zlib.crc32(packed) != block.crc:
            raise self.damaged(block.offset, "the CRC-32 of a block is another")
        try:
            plain = packed if self._stored else zlib.decompressobj(-15).decompress(packed, block.plain + 1)
            rows, counts = kernels.unpack_windows(plain, block.rows, self.size)
        except (zlib.error, ValueError) as error:
            raise self.damaged(block.offset, str(error)) from None
        return rows, memoryview(counts).cast("Q")


# Merging ------------------------------------------------------------------------------------------------------------


class _Cursor:
    """A stream of tables, and how far it was read."""

    def __init__(self, tables: Iterator[Table], size: int) -> None:
        self._tables = tables
        self._size = size
        self.rows: bytes | memoryview = b""
        self.counts = memoryview(array("Q"))
        self.place = 0

    def fill(self) -> bool:
        """Whether there is a row left; reads on where the table at hand is used up."""
        while self.place == len(self.counts):
            table = next(self._tables, None)
            if table is None:
                return False
            (self.rows, self.counts), self.place = table, 0
        return True

    def last(self) -> bytes:
        return bytes(self.rows[-self._size :])

    def take(self, bound: bytes) -> Table:
        """The rows up to a bound."""
        start, size = self.place, self._size
        end = max(kernels.window_range(self.rows, size, bound)[1], start) if bound < self.last() else len(self.counts)
        self.place = end
        return memoryview(self.rows)[start * size : end * size], self.counts[start:end]


def merged(streams: Sequence[Iterator[Table]], size: int) -> Iterator[Table]:
    """The sum of streams of ascending tables, as one stream. O(rows log streams), one table of each in memory."""
    cursors = [_Cursor(stream, size) for stream in streams]
    while cursors := [cursor for cursor in cursors if cursor.fill()]:
        if len(cursors) == 1:
            yield cursors[0].take(cursors[0].last())
            continue
        bound = min(cursor.last() for cursor in cursors)
        parts = [part for part in (cursor.take(bound) for cursor in cursors) if len(part[1])]
        if len(parts) == 1:
            yield parts[0]
            continue
        try:
            rows, counts = kernels.merge_tables(parts, size)
        except OverflowError as error:
            raise ModelError(f"the counts cannot be added: {error}") from None
        yield rows, memoryview(counts).cast("Q")


def _subtracted(mine: Iterator[Table], theirs: Iterator[Table], size: int) -> Iterator[Table]:
    """The difference of two streams of ascending tables."""
    left, right = _Cursor(mine, size), _Cursor(theirs, size)
    while True:
        more, less = left.fill(), right.fill()
        if not more and not less:
            return
        bound = min(cursor.last() for cursor, there in ((left, more), (right, less)) if there)
        empty: Table = (b"", memoryview(array("Q")))
        first = left.take(bound) if more else empty
        second = right.take(bound) if less else empty
        try:
            rows, counts = kernels.subtract_windows(*first, *second, size)
        except ValueError:
            raise ModelError(_excess(first, second, size)) from None
        yield rows, memoryview(counts).cast("Q")


def _excess(mine: Table, theirs: Table, size: int) -> str:
    """Says which window cannot be subtracted."""
    for row, count in enumerate(theirs[1]):
        window = bytes(theirs[0][row * size : (row + 1) * size])
        start, end = kernels.window_range(mine[0], size, window)
        here = mine[1][start] if end > start else 0
        if count > here:
            points = (int.from_bytes(window[place : place + _POINT], "big") for place in range(0, size, _POINT))
            text = "".join(chr(point) for point in points if 0 < point < 0x110000)
            return f"expected only text that was counted in the first, got {text!r} {count} times, there {here} times"
    raise AssertionError("subtract_windows refused a table without an excess")


# Files --------------------------------------------------------------------------------------------------------------


class Run:
    """A run file, open for reading; a context manager. The head is checked, blocks are checked as they are read.

    Raises :class:`ModelError` for what is no whole run file of this version; :meth:`check` verifies every byte.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = os.fspath(path)
        try:
            self._file = open(self.name, "rb")  # noqa: SIM115  # closed by close()
        except OSError as error:
            raise ModelError(f"{self.name}: cannot be read: {error.strerror}") from error
        try:
            self._open()
        except BaseException:
            self._file.close()
            raise

    def _open(self) -> None:
        try:
            self.bytes = self._file.seek(0, os.SEEK_END)
            self._file.seek(0)
        except OSError:
            raise ModelError(f"{self.name}: expected a regular file, got a pipe or a device") from None
        prefix = self._file.read(_PREFIX.size)
        if prefix[: len(MAGIC)] != MAGIC or len(prefix) < _PREFIX.size:
            raise ModelError(
                f"{self.name}: expected a run file of nlp-zero, which begins {MAGIC!r}, got {prefix[:8]!r}"
            )
        _, version, length = _PREFIX.unpack(prefix)
        if version != VERSION:
            raise ModelError(f"{self.name}: expected format {VERSION}, got format {version} (a newer nlp-zero?)")
        if length > min(_MOST_HEADER, self.bytes):
            raise ModelError(f"{self.name}: a header of {length:,} bytes cannot stand in a file of {self.bytes:,}")
        self.max_length, self.forgotten = self._header(self._file.read(length))
        self.source = Source(self._file, row_size(self.max_length), self.name, _PREFIX.size + length)
        self._file.seek(self.source.end)
        tail = self._file.read()
        if len(tail) != _HEAD.size + _END.size + _DIGEST or any(tail[: _HEAD.size]):
            raise self.source.damaged(self.source.end, "the file is cut short, or something stands behind it")
        (self.rows,) = _END.unpack(tail[_HEAD.size : -_DIGEST])
        self.sha256 = tail[-_DIGEST:].hex()
        if sum(block.rows for block in self.source.blocks) != self.rows:
            raise ModelError(f"{self.name}: damaged: its blocks hold another number of rows than its end says")

    def _header(self, text: bytes) -> tuple[int, int]:
        try:
            table = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{self.name}: offset {_PREFIX.size}: the header is not JSON: {error}") from None
        match table:
            case {"forgotten": int(forgotten), "max_length": int(length), **rest} if (
                not rest and forgotten >= 0 and 1 <= length <= MAX_LENGTH
            ):
                return length, forgotten
        raise ModelError(f"{self.name}: offset {_PREFIX.size}: expected a header with max_length and forgotten")

    def check(self) -> Run:
        """Verify the SHA-256 of the whole file; gives itself back."""
        digest = hashlib.sha256()
        self._file.seek(0)
        left = self.bytes - _DIGEST
        while left > 0 and (block := self._file.read(min(left, _READ))):
            digest.update(block)
            left -= len(block)
        if digest.hexdigest() != self.sha256:
            raise ModelError(
                f"{self.name}: damaged: its SHA-256 is {digest.hexdigest()[:16]}..., it says {self.sha256[:16]}..."
            )
        return self

    def facts(self) -> dict[str, Any]:
        """What the file is, for a reader."""
        return {
            "kind": "n-gram counts",
            "format": VERSION,
            "sha256": self.sha256,
            "max_length": self.max_length,
            "forgotten": self.forgotten,
            "rows": self.rows,
        }

    def load(self) -> NgramCounts:
        """The counts in memory; ValueError if rare n-grams were forgotten: :class:`NgramCounts` are exact."""
        if self.forgotten:
            raise ValueError(f"{self.name}: expected exact counts, got some with up to {self.forgotten} forgotten")
        size, rows, counts = self.source.size, bytearray(), array("Q")
        for some, numbers in self.source.tables():
            rows += some
            counts.frombytes(numbers.cast("B"))
        assert len(rows) == size * len(counts)
        return NgramCounts.from_table(self.max_length, bytes(rows), counts)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def is_run(path: str) -> bool:
    """Whether a file begins as a run file does."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def write_run(path: str | os.PathLike[str], max_length: int, forgotten: int, blocks: Iterable[bytes]) -> None:
    """Write a run file of blocks; it appears whole or not at all."""
    header = json.dumps({"forgotten": forgotten, "max_length": max_length}, separators=(",", ":"), sort_keys=True)
    digest = hashlib.sha256()
    rows = 0
    with atomic_writer(path, "wb") as file:

        def put(data: bytes) -> None:
            digest.update(data)
            file.write(data)

        put(_PREFIX.pack(MAGIC, VERSION, len(header)) + header.encode())
        for block in blocks:
            rows += _HEAD.unpack_from(block)[1]
            put(block)
        put(bytes(_HEAD.size) + _END.pack(rows))
        file.write(digest.digest())


def save_run(path: str | os.PathLike[str], counts: NgramCounts) -> None:
    """Write counts that are in memory as a run file.

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "toy.run")
    >>> save_run(path, NgramCounts(2).train(["学生会学习"]))
    >>> with Run(path) as run:
    ...     run.check().rows, run.load()["学"]
    (6, 2)
    """
    rows, numbers = counts.table()
    size = row_size(counts.max_length)
    write_run(path, counts.max_length, 0, blocks_of([(rows, memoryview(numbers))], size))


def merge_runs(
    paths: Sequence[str | os.PathLike[str]],
    target: str | os.PathLike[str],
    *,
    folder: str | None = None,
    workers: int = 1,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> None:
    """Write the run file of the texts of all these files together: sums of counts. O(rows log files).

    Any number of files; 64 of them at a time are read, the sums of which wait in temporary files in ``folder``.
    ModelError if one is damaged, or if they count n-grams of different lengths.
    """
    from .bounded import Spills

    with ExitStack() as stack:
        runs = [stack.enter_context(Run(path)).check() for path in paths]
        if not runs:
            raise ValueError("paths: expected at least one run file, got none")
        _check_lengths(runs)
        size = row_size(runs[0].max_length)
        spills = stack.enter_context(Spills(size, folder, workers=workers))
        for run in runs:
            spills.add(run.source)
        forgotten = sum(run.forgotten for run in runs)
        write_run(target, runs[0].max_length, forgotten, spills.blocks(progress))


def subtract_runs(path: str | os.PathLike[str], other: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Write the counts of the first without those of the second, all of whose text the first has counted. O(rows).

    ModelError names an n-gram that the second counts more often, and for files that are no exact counts.
    """
    with Run(path) as first, Run(other) as second:
        _check_lengths([first, second])
        for run in (first, second):
            run.check()
            if run.forgotten:
                raise ModelError(f"{run.name}: expected exact counts, got some with up to {run.forgotten} forgotten")
        size = first.source.size
        rest = _subtracted(first.source.tables(), second.source.tables(), size)
        try:
            write_run(target, first.max_length, 0, blocks_of(rest, size))
        except ModelError as error:
            raise ModelError(f"{second.name}: {error}") from None


def _check_lengths(runs: Sequence[Run]) -> None:
    for run in runs[1:]:
        if run.max_length != runs[0].max_length:
            raise ModelError(
                f"{run.name}: expected n-grams of up to {runs[0].max_length} symbols as in {runs[0].name}, "
                f"got up to {run.max_length}"
            )
