"""Row kernels: sums of rows of a table, picked by number, which is all that sparse features are.

A *table* has rows of ``width`` doubles. A *list of rows* says which of them belong together: ``offsets`` (int64) and
``items`` (int32, row numbers), the items of row r being ``items[offsets[r]:offsets[r + 1]]``; ``values`` (double, one
an item) multiply them, where they are given. With attributes of positions as the list and weights as the table the sums
are the scores of labels; with the list turned round by :func:`index_rows`, and the errors of label probabilities as
the table, they are the gradient. Each row of the result is made by itself, with its terms in the order of the items:
so the result does not depend on how the rows are shared out among threads.

*Pairs* stand for a table of which few entries count: of row r the columns ``pair_columns[pair_starts[r]:
pair_starts[r + 1]]`` (int32, int64), numbered through. Whole rows are added all the same, zeros and all: with wide
registers that is twice as fast as to pick single columns. Optional buffers are ``b""`` where they are not there.
"""

from __future__ import annotations

from array import array
from itertools import accumulate, pairwise
from operator import add
from typing import Any, TypeAlias

__all__ = ["add_rows", "alike_rows", "count_nonzero", "index_rows", "pick_pairs", "spread_pairs", "sum_rows"]

Buffer: TypeAlias = "bytes | bytearray | memoryview | array[int] | array[float]"
PLAIN_SUM = sum([1e16, 1.0, 1.0]) == 1e16  # later versions of Python correct the rounding of sum(), C does not
SIZES = {"i": 4, "q": 8, "d": 8, "f": 4, "B": 1}


def view(buffer: Buffer, typecode: str, name: str, size: int | None = None) -> Any:
    """The items of a buffer; nothing is welcome whatever its type. TypeError for items of another size."""
    if isinstance(buffer, array) and buffer.typecode == typecode:
        items: Any = buffer
    else:
        try:
            items = memoryview(buffer)
        except TypeError:
            raise TypeError(f"a bytes-like object is required, not '{type(buffer).__name__}'") from None
        if (items.itemsize != SIZES[typecode] and items.nbytes) or items.ndim > 1:
            raise TypeError(f"{name}: expected items of {SIZES[typecode]} bytes, got {items.itemsize}")
        if items.format != typecode:
            items = items.cast("B").cast(typecode)
    if size is not None and len(items) != size:
        raise ValueError(f"{name}: expected {size} items, got {len(items)}")
    return items


def writable(buffer: Buffer, typecode: str, name: str, size: int | None = None) -> Any:
    """As :func:`view`, of a buffer that can be written to; BufferError if it cannot."""
    items = view(buffer, typecode, name, size)
    if isinstance(items, memoryview) and items.readonly:
        raise BufferError("Object is not writable.")
    return memoryview(items)


def check_range(begin: int, end: int, size: int) -> None:
    if not 0 <= begin <= end <= size:
        raise ValueError(f"range: expected 0 <= begin <= end <= {size}, got {begin} and {end}")


def check_rows(name: str, rows: Any, begin: int, end: int, size: int) -> None:
    """The rows from begin to end lie one after another within the items."""
    before = 0
    for place in range(begin, end + 1):
        if not before <= rows[place] <= size:
            raise ValueError(f"{name}: expected numbers that rise to {size} at most, got {rows[place]} at {place}")
        before = rows[place]


def check_below(name: str, items: Any, begin: int, end: int, size: int) -> None:
    if begin < end and not 0 <= min(items[begin:end]) <= max(items[begin:end]) < size:
        place = next(place for place in range(begin, end) if not 0 <= items[place] < size)
        raise ValueError(f"{name}: expected numbers from 0 to {size - 1}, got {items[place]} at {place}")


def _open(offsets: Buffer, items: Buffer, values: Buffer, begin: int, end: int, rows: int) -> tuple[Any, Any, Any]:
    """A list of rows, checked where it is going to be read."""
    starts, numbers = view(offsets, "q", "offsets"), view(items, "i", "items")
    factors = view(values, "d", "values")
    check_range(begin, end, max(len(starts) - 1, 0))
    if len(factors) and len(factors) != len(numbers):
        raise ValueError(f"values: expected {len(numbers)} items, got {len(factors)}")
    if begin < end:
        check_rows("offsets", starts, begin, end, len(numbers))
        check_below("items", numbers, starts[begin], starts[end], rows)
    return starts, numbers, factors


def index_rows(offsets: Buffer, items: Buffer, values: Buffer, size: int) -> tuple[bytes, bytes, bytes]:
    """The list turned round: for each of ``size`` items the rows that have it, in order. O(items).

    Returns (offsets int64, rows int32, values double or nothing), a list of rows in its turn.

    >>> turned = index_rows(array("q", [0, 2, 3]), array("i", [0, 2, 2]), b"", 3)
    >>> list(array("q", turned[0])), list(array("i", turned[1]))
    ([0, 1, 1, 3], [0, 0, 1])
    """
    if not 0 <= size < 1 << 31:
        raise ValueError(f"size: expected 0 to {(1 << 31) - 1}, got {size}")
    rows = max(len(view(offsets, "q", "offsets")) - 1, 0)
    starts, numbers, factors = _open(offsets, items, values, 0, rows, size)
    found: list[list[int]] = [[] for _ in range(size)]
    kept: list[list[float]] = [[] for _ in range(size)]
    for row in range(rows):
        for place in range(starts[row], starts[row + 1]):
            found[numbers[place]].append(row)
            if len(factors):
                kept[numbers[place]].append(factors[place])
    turned, turned_values = array("i"), array("d")
    for its_rows, its_values in zip(found, kept, strict=True):
        turned.extend(its_rows)
        turned_values.extend(its_values)
    return array("q", accumulate(map(len, found), initial=0)).tobytes(), turned.tobytes(), turned_values.tobytes()


def alike_rows(offsets: Buffer, items: Buffer, least: int) -> bytes:
    """Which rows have the same items: of each the number of its kind (int32), in the order in which kinds come up, or
    -1 if it has fewer than ``least`` items. O(items).

    >>> list(array("i", alike_rows(array("q", [0, 1, 3, 4, 4, 6]), array("i", [7, 7, 8, 7, 7, 8]), 1)))
    [0, 1, 0, -1, 1]
    """
    if least < 0:
        raise ValueError(f"least: expected 0 or more, got {least}")
    starts, numbers = view(offsets, "q", "offsets"), view(items, "i", "items")
    rows = max(len(starts) - 1, 0)
    if rows:
        check_rows("offsets", starts, 0, rows, len(numbers))
    data, size = memoryview(numbers).cast("B"), 4
    kinds: dict[bytes, int] = {}
    found = array("i")
    for start, end in pairwise(starts):
        short = end - start < least
        found.append(-1 if short else kinds.setdefault(bytes(data[size * start : size * end]), len(kinds)))
    return found.tobytes()


def sum_rows(
    offsets: Buffer,
    items: Buffer,
    values: Buffer,
    item_factors: Buffer,
    row_factors: Buffer,
    table: Buffer,
    width: int,
    begin: int,
    end: int,
    out: Buffer,
) -> None:
    """Writes rows ``begin`` to ``end`` of ``out``: each the sum of the rows of the table that its items name.

    An item counts ``values`` (one an item) times ``item_factors`` (one a row of the table) times, a sum
    ``row_factors`` (one a row of ``out``) times. O(items x width).

    >>> out = array("d", bytes(32))
    >>> sum_rows(array("q", [0, 2, 3]), array("i", [0, 1, 1]), b"", b"", b"", array("d", [1, 2, 5, 7]), 2, 0, 2, out)
    >>> list(out)
    [6.0, 9.0, 5.0, 7.0]
    """
    weights = view(table, "d", "table")
    _check_width(width)
    starts, numbers, amounts = _open(offsets, items, values, begin, end, len(weights) // width)
    target = writable(out, "d", "out")
    _check_room(target, end * width)
    of_item = _factors("item_factors", item_factors, len(weights) // width)
    of_row = _factors("row_factors", row_factors, len(starts) - 1)
    for row in range(begin, end):
        start, stop = starts[row], starts[row + 1]
        terms = [weights[item * width : item * width + width] for item in numbers[start:stop]]
        if not isinstance(weights, array):
            terms = [its.tolist() for its in terms]
        if len(amounts) or len(of_item):
            factors = [_amount(amounts, of_item, place, numbers[place]) for place in range(start, stop)]
            terms = [[amount * term for term in its] for amount, its in zip(factors, terms, strict=True)]
        total = _added(terms) if terms else [0.0] * width
        if len(of_row):
            total = [of_row[row] * term for term in total]
        target[row * width : row * width + width] = array("d", total)


def _added(rows: list[Any]) -> list[float]:
    """Column by column 0.0 + the first + the second ..., one row at least."""
    if PLAIN_SUM:
        return list(map(sum, zip(*rows, strict=True)))
    total = [0.0] * len(rows[0])
    for row in rows:
        total = list(map(add, total, row))
    return total


def add_rows(
    offsets: Buffer,
    items: Buffer,
    values: Buffer,
    item_factors: Buffer,
    rows: Buffer,
    factor: float,
    width: int,
    begin: int,
    end: int,
    table: Buffer,
) -> None:
    """The other way: adds row r of ``rows``, times the factor, to the rows of the table that its items name.

    Values and factors as in :func:`sum_rows`; rows and items one after another. O(items x width).

    >>> table = array("d", [0, 0, 1, 1])
    >>> add_rows(array("q", [0, 2]), array("i", [1, 0]), b"", b"", array("d", [3, 4]), 2.0, 2, 0, 1, table)
    >>> list(table)
    [6.0, 8.0, 7.0, 9.0]
    """
    target = writable(table, "d", "table")
    _check_width(width)
    starts, numbers, amounts = _open(offsets, items, values, begin, end, len(target) // width)
    source = view(rows, "d", "rows")
    _check_room(source, end * width, "rows")
    of_item = _factors("item_factors", item_factors, len(target) // width)
    for row in range(begin, end):
        terms = source[row * width : row * width + width]
        for place in range(starts[row], starts[row + 1]):
            amount = factor * _amount(amounts, of_item, place, numbers[place])
            base = numbers[place] * width
            target[base : base + width] = array(
                "d", [sofar + amount * term for sofar, term in zip(target[base : base + width], terms, strict=True)]
            )


def spread_pairs(
    pair_starts: Buffer, pair_columns: Buffer, weights: Buffer, width: int, begin: int, end: int, table: Buffer
) -> None:
    """Writes rows ``begin`` to ``end`` of a table: of each pair its weight (double), zeros elsewhere. O(rows x width).

    >>> table = array("d", [9, 9, 9, 9])
    >>> spread_pairs(array("q", [0, 1, 1]), array("i", [1]), array("d", [0.5]), 2, 0, 2, table)
    >>> list(table)
    [0.0, 0.5, 0.0, 0.0]
    """
    starts, columns = _pairs(pair_starts, pair_columns, width, begin, end)
    entries = view(weights, "d", "weights", len(columns))
    target = writable(table, "d", "table")
    _check_room(target, end * width)
    for row in range(begin, end):
        found = array("d", bytes(8 * width))
        for pair in range(starts[row], starts[row + 1]):
            found[columns[pair]] = entries[pair]
        target[row * width : row * width + width] = found


def pick_pairs(
    pair_starts: Buffer, pair_columns: Buffer, table: Buffer, width: int, begin: int, end: int, out: Buffer
) -> None:
    """Writes the pairs of rows ``begin`` to ``end``: to ``out`` (double, one a pair) what stands in the table.

    >>> out = array("d", [0])
    >>> pick_pairs(array("q", [0, 1, 1]), array("i", [1]), array("d", [1, 2, 3, 4]), 2, 0, 2, out), list(out)
    (None, [2.0])
    """
    starts, columns = _pairs(pair_starts, pair_columns, width, begin, end)
    rows = view(table, "d", "table")
    _check_room(rows, end * width, "table")
    target = writable(out, "d", "out", len(columns))
    for row in range(begin, end):
        for pair in range(starts[row], starts[row + 1]):
            target[pair] = rows[row * width + columns[pair]]


def count_nonzero(offsets: Buffer, factors: Buffer, weights: Buffer, begin: int, end: int) -> int:
    """How many weights (double) of rows ``begin`` to ``end`` are not 0; those of a row count ``factors`` (int32, one a
    row) times. Row r is ``weights[offsets[r]:offsets[r + 1]]`` (int64). O(weights of the rows).

    >>> count_nonzero(array("q", [0, 2, 3]), array("i", [3, 1]), array("d", [0.5, -1, 0]), 0, 2)
    6
    """
    starts, entries = view(offsets, "q", "offsets"), view(weights, "d", "weights")
    check_range(begin, end, max(len(starts) - 1, 0))
    times = view(factors, "i", "factors", max(len(starts) - 1, 0))
    if begin < end:
        check_rows("offsets", starts, begin, end, len(entries))
    total = 0
    for row in range(begin, end):
        total += times[row] * sum(weight != 0.0 for weight in entries[starts[row] : starts[row + 1]])
    return total


def _amount(amounts: Any, of_item: Any, place: int, item: int) -> float:
    amount: float = amounts[place] if len(amounts) else 1.0
    return amount * of_item[item] if len(of_item) else amount


def _factors(name: str, factors: Buffer, size: int) -> Any:
    items = view(factors, "d", name)
    if len(items) and len(items) != size:
        raise ValueError(f"{name}: expected {size} items, got {len(items)}")
    return items


def _check_width(width: int) -> None:
    if not 0 < width < 1 << 20:
        raise ValueError(f"width: expected 1 to {(1 << 20) - 1}, got {width}")


def _check_room(items: Any, size: int, name: str = "out") -> None:
    if len(items) < size:
        raise ValueError(f"{name}: expected {size} items at least, got {len(items)}")


def _pairs(pair_starts: Buffer, pair_columns: Buffer, width: int, begin: int, end: int) -> tuple[Any, Any]:
    _check_width(width)
    starts, columns = view(pair_starts, "q", "pair_starts"), view(pair_columns, "i", "pair_columns")
    check_range(begin, end, max(len(starts) - 1, 0))
    if begin < end:
        check_rows("pair_starts", starts, begin, end, len(columns))
        check_below("pair_columns", columns, starts[begin], starts[end], width)
    return starts, columns
