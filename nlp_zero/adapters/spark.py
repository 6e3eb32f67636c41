"""PySpark: the words of text that lies on a cluster, and text cut there (``pip install nlp-zero[spark]``, Java 17).

Every task counts its lines in bounded batches (the C kernel, if it is built, combines before anything travels), and
sends the windows of each first symbol, packed, to one place; there they are merged. What comes to the driver are the
n-grams of at least ``min_count`` occurrences and nothing else; for their left neighbours the tasks send back one number
for each of them. From these the driver learns the lexicon as it would from a run file, to the last digit.

A task holds the distinct windows of one first symbol: some 4 % of all, those of 的, in the worst case. Counts that are
to stay on disk are better counted by files: ``nlp-zero count`` on every shard, ``nlp-zero merge`` on the results, on
whatever cluster there is (docs/scale.md).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from operator import add
from typing import Any, TypeAlias

from .. import kernels
from ..errors import InputError
from ..words.bounded import batches_of, windows_of
from ..words.frequent import MAX_WORD, GramTable, least_count, lexicon_of
from ..words.lexicon import Lexicon
from ..words.runs import row_size
from ..words.tokenizer import Tokenizer

__all__ = ["cut", "cut_udf", "learn_lexicon", "lines_of"]

BATCH = 1 << 21
"""Characters that a task counts at a time: some 100 MB of memory."""

_POINT = 3
_LINES = 1000  # lines cut at a time

RDD: TypeAlias = Any
"""``pyspark.RDD``: PySpark is not there when types are checked."""

_Packed: TypeAlias = "tuple[bytes, int]"
_Columns: TypeAlias = "tuple[bytes, bytes, bytes]"


def lines_of(data: Any, column: str = "value") -> RDD:
    """The lines of a DataFrame, from one of its columns of strings, or of an RDD of strings, which is one already."""
    if hasattr(data, "select"):
        return data.select(column).rdd.map(lambda row: row[0] or "")
    return data


def learn_lexicon(
    data: Any,
    *,
    column: str = "value",
    max_length: int = MAX_WORD,
    min_count: int | None = None,
    batch: int = BATCH,
    **thresholds: float,
) -> Lexicon:
    """The lexicon of an RDD or a DataFrame of text, equal to that of a run file of the same text.

    ``max_length`` is that of words; the thresholds are those of :func:`nlp_zero.words.frequent.lexicon_of`. InputError
    if there is no Chinese text.
    """
    size = row_size(max_length)
    counted = lines_of(data, column).mapPartitions(lambda lines: _packed_tables(lines, max_length, batch))
    grouped = (
        counted.groupByKey()
        .mapValues(lambda parts: _merged(parts, size))
        .persist(_library("pyspark").StorageLevel.DISK_ONLY)
    )
    try:
        symbols = grouped.values().map(lambda packed: _total(packed, size)).fold(0, add)
        if not symbols:
            raise InputError("no Chinese text: expected at least one character of a word, got none")
        least = min_count or least_count(symbols)
        kept = grouped.mapPartitions(lambda groups: _frequent(groups, size, least)).collect()
        levels = _levels(kept, max_length)
        names = grouped.context.broadcast([level.grams for level in levels])
        sums = grouped.mapPartitions(lambda groups: [_left_sums(groups, size, names.value)]).treeReduce(_added)
    finally:
        grouped.unpersist()
    tables = [level._replace(left=array("Q", left)) for level, left in zip(levels, sums, strict=True)]
    return lexicon_of(tables, symbols, least, **thresholds)


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(f"nlp_zero.adapters.spark needs {name}: pip install nlp-zero[spark]") from error


# On the executors ---------------------------------------------------------------------------------------------------


def _packed_tables(lines: Iterable[str], max_length: int, batch: int) -> Iterator[tuple[bytes, _Packed]]:
    """The windows of some lines, by their first symbol, those that begin with a boundary left out."""
    size = row_size(max_length)
    for part in batches_of(lines, batch):
        rows, counts = windows_of(part, max_length)
        data = bytes(rows)

        def first(row: int, data: bytes = data) -> bytes:
            return data[row * size : row * size + _POINT]

        start = bisect_right(range(len(counts)), bytes(_POINT), key=first)
        while start < len(counts):
            end = bisect_right(range(len(counts)), first(start), lo=start, key=first)
            packed = kernels.pack_windows(data[start * size : end * size], counts[start:end], size)
            yield first(start), (packed, end - start)
            start = end


def _unpacked(packed: _Packed, size: int) -> tuple[bytes, array[int]]:
    rows, counts = kernels.unpack_windows(*packed, size)
    return rows, array("Q", counts)


def _merged(parts: Iterable[_Packed], size: int) -> _Packed:
    """The sum of packed tables, packed."""
    total = _sum([_unpacked(part, size) for part in parts], size)
    return kernels.pack_windows(*total, size), len(total[1])


def _sum(tables: list[tuple[bytes, array[int]]], size: int) -> tuple[bytes, array[int]]:
    rows, counts = kernels.merge_tables(tables, size)
    return rows, array("Q", counts)


def _total(packed: _Packed, size: int) -> int:
    return sum(_unpacked(packed, size)[1])


def _grams(groups: Iterable[tuple[bytes, _Packed]], size: int, least: int) -> Iterator[list[_Columns]]:
    """The frequent n-grams of each first symbol."""
    for _, packed in groups:
        last, sums = bytearray(size), array("Q", bytes(16 * size // _POINT))
        table = _unpacked(packed, size)
        for some in (table, (b"", array("Q"))):
            yield kernels.frequent_grams(*some, size, least, last, sums)


def _frequent(groups: Iterable[tuple[bytes, _Packed]], size: int, least: int) -> Iterator[tuple[bytes, list[_Columns]]]:
    """What comes to the driver: columns by length, with the first symbol to put them in order."""
    for first, packed in groups:
        parts = zip(*_grams([(first, packed)], size, least), strict=True)
        yield (
            first,
            [(b"".join(a), b"".join(b), b"".join(c)) for a, b, c in (zip(*level, strict=True) for level in parts)],
        )


def _left_sums(groups: Iterable[tuple[bytes, _Packed]], size: int, names: list[bytes]) -> list[bytes]:
    """The sums of c log2 c over left neighbours, of the n-grams named, by length."""
    sums = [array("Q", bytes(8 * len(grams) // (_POINT * length))) for length, grams in enumerate(names, 1)]
    for found in _grams(groups, size, 2):
        for length, (grams, total, (longer, counts, _)) in enumerate(zip(names, sums, found[1:], strict=True), 1):
            kernels.add_left_sums(grams, total, longer, array("Q", counts), _POINT * length)
    return [total.tobytes() for total in sums]


def _added(some: list[bytes], others: list[bytes]) -> list[bytes]:
    pairs = zip(some, others, strict=True)
    return [array("Q", map(add, array("Q", one), array("Q", other))).tobytes() for one, other in pairs]


def _levels(kept: list[tuple[bytes, list[_Columns]]], max_length: int) -> list[GramTable]:
    kept.sort()
    levels = []
    for length in range(1, max_length + 1):
        columns = [parts[length - 1] for _, parts in kept]
        grams, counts, right = (b"".join(column) for column in zip(*columns, strict=True)) if columns else (b"",) * 3
        levels.append(GramTable(length, grams, array("Q", counts), array("Q", right), array("Q")))
    return levels


# Cutting ------------------------------------------------------------------------------------------------------------


def cut(data: Any, tokenizer: Tokenizer, *, column: str = "value") -> RDD:
    """The words of every line, as an RDD of lists of strings; the tokenizer travels once to each executor."""
    lines = lines_of(data, column)
    shared = lines.context.broadcast(tokenizer)

    def cut_partition(part: Iterable[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        for line in part:
            batch.append(line)
            if len(batch) == _LINES:
                yield from shared.value.tokenize_lines(batch)
                batch = []
        yield from shared.value.tokenize_lines(batch)

    return lines.mapPartitions(cut_partition)


def cut_udf(session: Any, tokenizer: Tokenizer) -> Callable[..., Any]:
    """A ``pandas_udf`` from a column of strings to a column of arrays of words; needs pandas and PyArrow.

    ``frame.select(cut_udf(session, tokenizer)("value"))`` cuts a DataFrame; NULL becomes an empty array.
    """
    functions, pandas = _library("pyspark.sql.functions"), _library("pandas")
    shared = session.sparkContext.broadcast(tokenizer)

    def words(column: Any) -> Any:
        return type(column)(list(shared.value.tokenize_lines([line or "" for line in column])))

    words.__annotations__ = {"column": pandas.Series, "return": pandas.Series}
    wrapped: Callable[..., Any] = functions.pandas_udf(words, "array<string>")
    return wrapped
