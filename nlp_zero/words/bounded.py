"""Counting more text than memory holds: batches are sorted, wait in temporary files, and are merged (external sort).

The memory that is granted decides how much text is a batch; every batch becomes a sorted run, and 64 runs at a time are
merged into one, so that a window is written O(log_64 batches) times. The result is the run file of
:mod:`nlp_zero.words.runs`, the same bytes for any memory, any number of workers and any order of the text.

Temporary files have no names where the system allows it (they are unlinked as they are made): whatever happens to the
program, none is left behind. Threads share the work under the C engine, which lets go of the interpreter's lock, and
processes under the pure one; merging is shared by pages.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from itertools import chain
from typing import IO, NamedTuple

from .. import kernels
from ..errors import InputError
from ..text.parallel import in_order, processes
from .ngrams import MAX_LENGTH, NgramCounts
from .runs import FAN_IN, Source, Table, blocks_of, merged, row_size, write_run
from .symbols import WORD_LIMIT, roles

__all__ = ["MEMORY", "Spills", "count_text"]

MEMORY = 512 << 20
"""Bytes that :func:`count_text` takes by default."""

LEAST_MEMORY = 32 << 20
LEAST_SHARE = 16 << 20  # of each worker

_NO_SYMBOLS = (8, 0xFFFE, 0)  # the state of an alphabet in which nothing has a number yet
_POINT = 3  # bytes of a code point
_TEXT = 4  # bytes of a character that waits
_PURE = 420  # bytes a character of a batch takes in pure Python: a window and its entry in a dict
_WORKER = 5 << 20  # bytes that a worker takes whatever its batch: alphabets, their order, the block it packs
_OPEN = 1_500_000  # bytes that a stream takes while it is merged
_GROWTH = 3  # of the first batches
_SAMPLE = 1 << 13  # symbols by which a batch is shared
_SIEVED = 3  # symbols of the n-grams that are sieved
_SIEVE_BATCH = 1 << 20  # characters
_HELD = 1 << 18  # rows of a share that stays in memory, two or three megabytes when packed
_SHARES = 12  # parts of the pages for each worker that merges, so that all have something to do to the end

Progress = Callable[[str, int, int], None]


def _silent(stage: str, done: int, total: int) -> None:
    pass


# Temporary files ----------------------------------------------------------------------------------------------------


@contextmanager
def _writing(folder: str | None) -> Iterator[None]:
    """Says which folder it is that cannot be written to."""
    try:
        yield
    except OSError as error:
        name = folder or tempfile.gettempdir()
        raise InputError(f"{name}: temporary files cannot be written: {error.strerror or error}") from error


class Spills:
    """Sorted runs of rows of ``size`` bytes in temporary files in ``folder``, to be merged; a context manager.

    ``fan_in`` of them are read at a time (2 or more). :meth:`blocks` is their sum.
    """

    def __init__(self, size: int, folder: str | None = None, fan_in: int = FAN_IN, workers: int = 1) -> None:
        self.size = size
        self.folder = folder
        self.fan_in = fan_in
        self.workers = workers
        self._levels: list[list[Source]] = [[]]
        self._files: dict[int, IO[bytes]] = {}

    def __enter__(self) -> Spills:
        return self

    def __exit__(self, *error: object) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def add(self, source: Source, level: int = 0) -> None:
        """Take a source into the sum; where there are ``fan_in`` of a level, they become one of the next."""
        if level == len(self._levels):
            self._levels.append([])
        self._levels[level].append(source)
        if len(self._levels[level]) == self.fan_in:
            full, self._levels[level] = self._levels[level], []
            self.add(self._joined(full), level + 1)

    def spill(self, blocks: Iterable[bytes]) -> None:
        """Write ascending blocks to a temporary file and take them into the sum."""
        self.add(self._written(blocks))

    def _written(self, blocks: Iterable[bytes], stored: bool = True) -> Source:
        with _writing(self.folder):
            file = tempfile.TemporaryFile(dir=self.folder, prefix="nlp-zero-")  # noqa: SIM115  # closed by _drop
            try:
                for block in blocks:
                    file.write(block)
                file.flush()
            except BaseException:
                file.close()
                raise
        source = Source(file, self.size, stored=stored)
        self._files[id(source)] = file
        return source

    def _drop(self, sources: list[Source]) -> None:
        for source in sources:
            file = self._files.pop(id(source), None)
            if file is not None:
                file.close()

    def _joined(self, sources: list[Source]) -> Source:
        """Several sources as one."""
        joined = self._written(self._merge(sources, False))
        self._drop(sources)
        return joined

    def _merge(self, sources: list[Source], deflate: bool, start: int = 0, end: int = 1 << 32) -> Iterator[bytes]:
        streams = [source.tables(start, end) for source in sources]
        return blocks_of(merged(streams, self.size), self.size, deflate=deflate)

    def sources(self) -> list[Source]:
        """What is left to merge: ``fan_in`` sources at most."""
        left = [source for level in self._levels for source in level]  # small ones first
        while len(left) > self.fan_in:
            number = min(self.fan_in, len(left) - self.fan_in + 1)
            left = [*left[number:], self._joined(left[:number])]
        self._levels = [left]
        return left

    def tables(self) -> Iterator[Table]:
        """The sum as ascending tables."""
        return merged([source.tables() for source in self.sources()], self.size)

    def blocks(self, progress: Progress = _silent) -> Iterator[bytes]:
        """The sum as the blocks of a run file; workers share it by pages."""
        sources = self.sources()
        if self.workers == 1:
            yield from self._merge(sources, True)
            return
        shares = _shares(sources, self.workers * _SHARES)

        def merge(share: _Share) -> list[bytes] | Source:
            blocks = self._merge(sources, True, share.start, share.end)
            return list(blocks) if share.rows <= _HELD else self._written(blocks, stored=False)

        for number, part in enumerate(in_order(ThreadPoolExecutor(self.workers), merge, shares, self.workers)):
            if isinstance(part, Source):
                yield from part.raw()
                self._drop([part])
            else:
                yield from part
            progress("merging", number + 1, len(shares))


class _Share(NamedTuple):
    """Pages from ``start`` to before ``end``, and how many rows all sources together have there."""

    start: int
    end: int
    rows: int


def _shares(sources: list[Source], least: int) -> list[_Share]:
    """Ranges of pages of like size that together are all pages: ``least``, or more small ones."""
    sizes: dict[int, int] = {}
    for source in sources:
        for block in source.blocks:
            sizes[block.page] = sizes.get(block.page, 0) + block.rows
    fair = min(sum(sizes.values()) / least, _HELD / 2)
    shares, start, held = [], 0, 0
    for page in sorted(sizes):
        if held >= fair:
            shares.append(_Share(start, page, held))
            start, held = page, 0
        held += sizes[page]
    return [*shares, _Share(start, 1 << 32, held)]


# Counting -----------------------------------------------------------------------------------------------------------


def count_text(
    text: Iterable[str],
    target: str | os.PathLike[str],
    *,
    max_length: int = 6,
    memory: int = MEMORY,
    folder: str | None = None,
    workers: int = 1,
    min_count: int = 1,
    forget: int = 0,
    sieve: bool = False,
    progress: Progress = _silent,
) -> int:
    """Count the n-grams of lines, or blocks of lines joined by line ends, and write a run file.

    Some ``memory`` bytes are used (at least 32 MiB, 16 for each worker; a line longer than a batch comes whole), and
    temporary files in ``folder`` (default: that of the system), about 10 bytes a character. ``workers`` batches are
    counted at a time. Neither shows in the result. Some 4 million characters a second and worker in C.

    With ``min_count``, what is rarer is left out of the file, in which all other counts are exact (so are entropies to
    the right and left, but for neighbours rarer than that). With ``sieve`` the text, which must be one that can be read
    again, is read twice (:func:`sieve_of`): the same file in about the same time, by less temporary disk. (Several
    workers of the pure engine do without.)

    With ``forget``, a batch forgets the n-grams that it has at most so often: the fastest, with counts that are too low
    by at most what is returned, the ``forgotten`` of the file. Then the result depends on memory and workers, which
    decide what a batch is.
    """
    if not 1 <= max_length <= MAX_LENGTH:
        raise ValueError(f"max_length: expected 1 to {MAX_LENGTH}, such as 6, got {max_length}")
    if workers < 1:
        raise ValueError(f"workers: expected 1 or more, such as 2, got {workers}")
    if memory < (least := max(LEAST_MEMORY, workers * LEAST_SHARE)):
        raise ValueError(
            f"memory: expected at least {least >> 20}M for {workers} worker{'s'[: workers > 1]}, got {memory:,} bytes"
        )
    if min_count < 1 or forget < 0:
        raise ValueError(f"expected min_count of 1 or more and forget of 0 or more, got {min_count} and {forget}")
    fan_in = max(2, min(FAN_IN, memory // (workers * _OPEN)))
    size = row_size(max_length)
    if sieve and (min_count == 1 or forget or iter(text) is text):
        raise ValueError("sieve: expected with min_count of 2 or more, without forget, and text that can be read again")
    passing = None
    processes = workers > 1 and kernels.backend != "c"  # which do not see each other's counters
    if sieve and max_length >= _SIEVED and not processes:
        passing = sieve_of(text, min_count, memory // 8, workers, progress)
        memory -= memory // 8
    with Spills(size, folder, fan_in, workers) as spills:
        batches = _spill(text, spills, max_length, batch_size(memory, max_length, workers), forget, progress, passing)
        progress("merging", 0, 0)
        if min_count == 1:
            forgotten, blocks = forget * batches, spills.blocks(progress)
        else:
            forgotten = forget * batches + min_count - 1
            blocks = blocks_of(trimmed(spills.tables(), size, min_count), size)
        write_run(target, max_length, forgotten, blocks)
    return forgotten


def trimmed(tables: Iterable[Table], size: int, least: int) -> Iterator[Table]:
    """Ascending tables without what occurs fewer than ``least`` times in them."""
    last, sums = bytearray(size), array("Q", bytes(16 * size // _POINT))
    for table in chain(tables, [(b"", memoryview(array("Q")))]):
        rows, counts = kernels.trim_windows(*table, size, least, last, sums)
        yield rows, memoryview(counts).cast("Q")


def batch_size(memory: int, max_length: int, workers: int) -> int:
    """Characters of a batch, so that all that are under way fit into memory."""
    free = memory - workers * _WORKER
    if kernels.backend != "c":
        return free // (_PURE * workers + _TEXT)
    # Ids, of the next batch as well; keys of 8 bytes for each 4 symbols, with those of the largest bucket twice; a row
    # for each window.
    keys = 8 if max_length <= 4 else 16
    return free // (2 + (2 if workers > 1 else 0) + keys * 5 // 4 + (row_size(max_length) + 8) * 9 // 8 + _TEXT)


def _spill(
    text: Iterable[str],
    spills: Spills,
    max_length: int,
    size: int,
    forget: int,
    progress: Progress,
    sieve: Sieve | None = None,
) -> int:
    """Count batches of some ``size`` characters; how many there were."""
    done = batches = 0

    shared = kernels.backend == "c" and spills.workers > 1
    first = size >> 3 if shared else size  # small ones, so that all workers have something to do soon

    def watched() -> Iterator[list[str]]:
        nonlocal done, batches
        for batch in batches_of(text, size, first):
            done += sum(map(len, batch))
            batches += 1
            yield batch
            progress("counting", done, 0)

    if shared:
        _spill_by_threads(watched(), spills, max_length, forget, sieve)
    elif spills.workers > 1:
        _spill_by_processes(watched(), spills, max_length, forget)
    else:
        for batch in watched():
            spills.spill(count_batch(batch, max_length, forget, sieve))
    return batches


def _spill_by_threads(
    batches: Iterable[list[str]], spills: Spills, max_length: int, forget: int, sieve: Sieve | None
) -> None:
    """All workers count one batch, each the windows that begin with some of the symbols."""
    with ThreadPoolExecutor(spills.workers) as pool:
        before: list[Future[list[bytes]]] = []
        for batch in batches:
            coded = _coded(batch, sieve)  # while all workers are busy
            under_way = [
                pool.submit(_count_range, coded, max_length, forget, *bounds)
                for bounds in _ranges(coded, spills.workers)
            ]
            spills.spill(chain.from_iterable(future.result() for future in before))
            before = under_way
            del coded, under_way
            if batch:  # a batch forgets once: the rest of this one nothing
                spills.spill(count_batch(batch, max_length))
        spills.spill(chain.from_iterable(future.result() for future in before))


def _spill_by_processes(batches: Iterable[list[str]], spills: Spills, max_length: int, forget: int) -> None:
    """Every worker counts a batch of its own; in which order they end makes no difference."""
    with processes(spills.workers) as pool:
        under_way: set[Future[list[bytes]]] = set()

        def spill_ready(most: int) -> None:
            nonlocal under_way
            while len(under_way) > most:
                ready, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for future in ready:
                    spills.spill(future.result())

        for batch in batches:
            spill_ready(spills.workers - 1)  # the next batch is read while all workers are busy
            under_way.add(pool.submit(count_batch, batch, max_length, forget))
        spill_ready(0)


def batches_of(text: Iterable[str], size: int, first: int | None = None) -> Iterator[list[str]]:
    """Lists of blocks that have some ``size`` characters together; they grow from ``first`` characters on."""
    batch: list[str] = []
    held, most = 0, max(1, min(first or size, size))
    for block in text:
        for part in _parts(block, most):
            if held and held + len(part) > most:
                yield batch
                batch, held, most = [], 0, min(size, _GROWTH * most)
            batch.append(part)
            held += len(part) + 1
    if batch:
        yield batch


def _parts(block: str, size: int) -> Iterator[str]:
    """The lines of a block, joined up to some size; a longer line whole.

    >>> list(_parts("ab\\ncd\\n\\nefghijk\\nl", 5))
    ['ab\\ncd', '', 'efghijk', 'l']
    """
    start = 0
    while len(block) - start > size:
        end = block.rfind("\n", start, start + size + 1)
        end = block.find("\n", start + size) if end < 0 else end
        if end < 0:
            break
        yield block[start:end]
        start = end + 1
    yield block[start:]


def count_batch(batch: list[str], max_length: int, forget: int = 0, sieve: Sieve | None = None) -> list[bytes]:
    """The windows of some text, as blocks to be spilled; the list of the text is used up."""
    return _packed(windows_of(batch, max_length, sieve), max_length, forget)


def windows_of(batch: list[str], max_length: int, sieve: Sieve | None = None) -> Table:
    """The table of the windows of a batch; the list is used up."""
    rows, counts = _windows(_coded(batch, sieve), max_length)
    if batch:
        rest, more = NgramCounts(max_length).train(batch).table()  # which begins another alphabet where it must
        rows, numbers = kernels.merge_windows(rows, counts, rest, more, row_size(max_length))
        counts = memoryview(numbers).cast("Q")
        batch.clear()
    return rows, counts


class _Coded(NamedTuple):
    """The symbols of a batch and their code points, and from each on how many are sieved out."""

    ids: array[int]
    points: array[int]
    reach: bytes | None


def _coded(batch: list[str], sieve: Sieve | None) -> _Coded:
    """The symbols of a batch; what finds no room in one alphabet stays in the list."""
    ids, points = _encoded(batch)
    reach = None if sieve is None else kernels.sieve_reach(ids, points, sieve.length, sieve.least, sieve.table)
    return _Coded(ids, points, reach)


def _windows(coded: _Coded, max_length: int, first: int = 0, end: int = 0x110000) -> Table:
    """The table of the windows of a batch, or of those in a range of first code points."""
    rows, counts = kernels.count_windows(coded.ids, coded.points, max_length + 1, coded.reach, first, end)
    return rows, memoryview(counts).cast("Q")


def _count_range(coded: _Coded, max_length: int, forget: int, first: int, end: int) -> list[bytes]:
    """A range of windows, as blocks to be spilled."""
    return _packed(_windows(coded, max_length, first, end), max_length, forget)


def _packed(table: Table, max_length: int, forget: int) -> list[bytes]:
    size = row_size(max_length)
    tables: Iterable[Table] = trimmed([table], size, forget + 1) if forget else [table]
    return list(blocks_of(tables, size, deflate=False))


def _ranges(coded: _Coded, number: int) -> list[tuple[int, int]]:
    """Ranges of first code points, all together, that begin some equally many windows, as a sample has it."""
    sample = Counter(coded.ids[:: len(coded.ids) // _SAMPLE + 1])
    points: Counter[int] = Counter()
    for symbol, count in sample.items():
        points[_point(symbol, coded.points)] += count  # 0: a boundary, and the window that begins with it
    bounds, held = [0], 0
    for point in sorted(points):
        if held >= sample.total() * len(bounds) / number:
            bounds.append(point)
        held += points[point]
    return list(zip(bounds, [*bounds[1:], 0x110000], strict=True))


def _point(symbol: int, points: array[int]) -> int:
    """The code point of a symbol; 0 for a boundary, those of the runs as in a run file."""
    if not 0 < symbol < WORD_LIMIT:
        return 0
    return points[symbol] if symbol > 4 else 0xFDD0 + symbol - 1


def _encoded(batch: list[str]) -> tuple[array[int], array[int]]:
    """The symbols of a batch and their code points; what finds no room in one alphabet stays in the list."""
    known, points = array("H", bytes(2 * 0x110000)), array("I", bytes(4 * 0x10000))
    state, ids = array("I", _NO_SYMBOLS), array("H")
    while batch:
        coded = kernels.encode(batch[-1] + "\n", roles(), known, points, state)[0]
        if state[0] >= WORD_LIMIT:  # more characters than two bytes can number
            break
        ids.frombytes(coded)
        batch.pop()
    return ids, points


# Sieving ------------------------------------------------------------------------------------------------------------


class Sieve(NamedTuple):
    """Counters that tell which n-grams of ``length`` symbols are rarer than ``least``."""

    table: mmap.mmap
    length: int
    least: int


def sieve_of(
    text: Iterable[str], least: int, memory: int, workers: int = 1, progress: Progress = _silent
) -> Sieve | None:
    """What counting can leave out that ``least`` will leave out in the end; None if nothing can be told beforehand.

    The text is read once for its trigrams; a longer n-gram is counted only when the trigrams in it pass, as it is at
    most as frequent as they are. The counters (some ``memory`` bytes) are shared by trigrams, so that now and then a
    rare one passes, but none is lost. It takes about the time that it spares in merging, and spares temporary files
    (benchmarks/scale/sieve.py).
    """
    sieve = Sieve(_counters(1 << max(16, memory.bit_length() - 1)), _SIEVED, min(least, 255))
    done = 0

    def count(batch: list[str]) -> bool:
        ids, points = _encoded(batch)
        kernels.sieve_count(ids, points, sieve.length, sieve.table)
        return not batch

    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[bool]] = deque()
        for batch in batches_of(text, _SIEVE_BATCH if kernels.backend == "c" else _SIEVE_BATCH // 16):
            done += sum(map(len, batch))
            waiting.append(pool.submit(count, batch))
            if len(waiting) > workers and not waiting.popleft().result():
                return None  # more characters than an alphabet
            progress("sieving", done, 0)
        return sieve if all(future.result() for future in waiting) else None


def _counters(size: int) -> mmap.mmap:
    """Zeros, in large pages where the system has them: counters are visited out of order."""
    table = mmap.mmap(-1, size)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):
            table.madvise(mmap.MADV_HUGEPAGE)
    return table
