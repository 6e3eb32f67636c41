"""Profile kernels: which words stand near which, what that tells, and which words keep the same company.

A text is a sequence of numbers: 0 ends a stretch, n + 1 is word n. A *table* is a sparse matrix in three buffers, row
by row: ``starts`` (uint64, one more than rows) says where a row begins, ``columns`` (uint32) names what stands in it,
in rising order, and the third holds the numbers, counts (uint32) or weights (double).

* :func:`pair_rows` counts pairs, a row at a time with one counter a word (F. G. Gustavson 1978, "Two fast algorithms
  for sparse matrices"), so that nothing is kept for a pair but its 8 bytes of the result.
* :func:`information_rows` weighs them by pointwise mutual information, :func:`likelihood_rows` by the log-likelihood
  ratio (T. Dunning 1993, "Accurate methods for the statistics of surprise and coincidence").
* :func:`nearest_rows` finds the rows of greatest cosine through the table turned by :func:`turn_rows` (an inverted
  index). A row has length 1, so what is left of it bounds what a row not yet met can still gain (Cauchy-Schwarz): where
  that falls below the least that counts, the few candidates that can still win are finished one by one and the long
  columns of common words are left alone (after H. Turtle & J. Flood 1995, "Query evaluation: strategies and
  optimizations"). What it finds is what comparing all pairs would find.

Sums run in a fixed order, so that ``profiles.c`` gives the same bits.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator
from math import log, log2, sqrt
from operator import add
from typing import Any

from .counting import Buffer, _items

__all__ = ["information_rows", "likelihood_rows", "nearest_rows", "pair_rows", "turn_rows"]


MOST = 0xFFFFFFFF
# A candidate is dropped only if it stays below the bar by more than rounding could hide.
SLACK = 1e-9
# Where so much of the length of the query is left, and whenever so much less, look how high the bar stands.
LOOK, AGAIN = 0.5, 0.8
# Words of text that the Python engine counts in one go: bounds the memory of what it makes on the way.
BLOCK = 1 << 17
# Words of a stretch that it counts among others of the same length.
SHORT = 32


def _sized(items: Any, size: int, name: str) -> Any:
    if len(items) != size:
        raise ValueError(f"{name}: expected {size} items, got {len(items)}")
    return items


def _table(starts: Buffer, columns: Buffer, values: Buffer, typecode: str, names: str) -> tuple[Any, Any, Any]:
    """The three buffers of a table, checked; ``names`` are those of the parameters."""
    first, second, third = names.split()
    begins, places = _items(starts, "Q", first), _items(columns, "I", second)
    numbers = _sized(_items(values, typecode, third), len(places), third)
    if not len(begins) or begins[0] != 0 or begins[-1] != len(places) or any(map(int.__gt__, begins, begins[1:])):
        raise ValueError(f"{first}: expected rising numbers from 0 to {len(places)}")
    return begins, places, numbers


def _check_below(items: array[int], size: int, name: str) -> None:
    if len(items) and max(items) >= size:
        place = next(place for place, item in enumerate(items) if item >= size)
        raise ValueError(f"{name}: expected numbers below {size}, got {items[place]} at {place}")


# ---- counting ------------------------------------------------------------------------------------------------------


def pair_rows(
    tokens: Buffer, size: int, window: int, both: bool, least: int
) -> tuple[bytes, bytes, bytes, bytes, bytes]:
    """How often each of ``size`` words has each other at most ``window`` places on in the same stretch (0: anywhere in
    it), after it or, with ``both``, on either side: then a pair counts in both its rows, a word beside itself twice.

    The table of the pairs that count ``least`` or more, and before any is left out the sums of its rows and of its
    columns (both uint64). Counts stop at 2**32 - 1. O(pairs met); 8 bytes a word of text, 16 a word, 8 a pair kept.

    The text 0 1 | 0 1 1 has the pair 0 1 three times within two places, and 1 1 once:

    >>> found = pair_rows(array("I", [1, 2, 0, 1, 2, 2]), 2, 2, False, 1)
    >>> [list(array(code, part)) for code, part in zip("QIIQQ", found, strict=True)]
    [[0, 1, 2], [1, 1], [3, 1], [3, 1], [0, 4]]
    """
    text = _items(tokens, "I", "tokens")
    if not 0 <= size < MOST:
        raise ValueError(f"size: expected 0 to {MOST - 1}, got {size}")
    if window < 0:
        raise ValueError(f"window: expected 0 or more, got {window}")
    if least < 1:
        raise ValueError(f"least: expected 1 or more, got {least}")
    if len(text) >> 31:
        raise OverflowError(f"tokens: expected less than 2**31 items, got {len(text)}")
    _check_below(text, size + 1, "tokens")
    pairs = _count(text, size + 1, window)
    if both:
        mirrored: Counter[int] = Counter()
        for key, count in pairs.items():
            left, right = divmod(key, size + 1)
            mirrored[right * (size + 1) + left] += count
        mirrored.update(pairs)
        pairs = mirrored
    starts, row_sums, column_sums = array("Q", [0]), array("Q", bytes(8 * size)), array("Q", bytes(8 * size))
    for key, count in pairs.items():
        left, right = divmod(key, size + 1)
        row_sums[left - 1] += count
        column_sums[right - 1] += count
    columns, counts, row = array("I"), array("I"), 0
    for key in sorted([key for key, count in pairs.items() if count >= least]):
        left, right = divmod(key, size + 1)
        starts.extend([len(columns)] * (left - 1 - row))
        row = left - 1
        columns.append(right - 1)
        counts.append(min(pairs[key], MOST))
    starts.extend([len(columns)] * (size - row))
    buffers = (starts, columns, counts, row_sums, column_sums)
    return tuple(buffer.tobytes() for buffer in buffers)  # type: ignore[return-value]


def _count(text: array[int], base: int, window: int) -> Counter[int]:
    """How often one word comes before another, by left * base + right."""
    pairs: Counter[int] = Counter()
    if not window:
        for stretch in _stretches(text):
            for place, word in enumerate(stretch):
                pairs.update(map((word * base).__add__, stretch[place + 1 :]))
        return pairs
    # Short stretches of one length side by side: each pair of their places is a column beside a column.
    columns: defaultdict[int, array[int]] = defaultdict(lambda: array("I"))
    rest = array("I")
    for stretch in _stretches(text):
        if len(stretch) <= SHORT:
            columns[len(stretch)].extend(stretch)
        else:
            rest.extend(stretch)
            rest.append(0)
    for length, rows in columns.items():
        for place in range(length - 1):
            lefts = [word * base for word in rows[place::length]]
            for other in range(place + 1, min(place + window + 1, length)):
                pairs.update(map(add, lefts, rows[other::length]))
    window = min(window, max(map(len, _stretches(rest)), default=1))
    for block in _padded(rest, window):
        lefts = [word * base for word in block]
        for distance in range(1, window + 1):
            pairs.update(map(add, lefts, block[distance:]))
    for key in [key for key in pairs if key < base or not key % base] if rest else ():
        del pairs[key]
    return pairs


def _stretches(text: array[int]) -> Iterator[array[int]]:
    """What stands between zeros."""
    start = 0
    while start < len(text):
        try:
            end = text.index(0, start)
        except ValueError:
            end = len(text)
        if end > start:
            yield text[start:end]
        start = end + 1


def _padded(text: array[int], window: int) -> Iterator[array[int]]:
    """The stretches with so many zeros after each that no window reaches across, some BLOCK items at a time."""
    block = array("I")
    for stretch in _stretches(text):
        block.extend(stretch)
        block.frombytes(bytes(4 * window))
        if len(block) >= BLOCK:
            yield block
            block = array("I")
    if block:
        yield block


# ---- weighing ------------------------------------------------------------------------------------------------------


def information_rows(
    starts: Buffer,
    columns: Buffer,
    counts: Buffer,
    left: Buffer,
    right: Buffer,
    limit: int,
    upper: bool,
    least: float,
    most: int,
    unit: bool,
) -> tuple[bytes, bytes, bytes]:
    """The table of ``log2 count - left[row] - right[column]`` where that is above ``least``: pointwise mutual
    information, in bits, if ``left`` and ``right`` (doubles) are logarithms of what makes up the expected count.

    Only columns below ``limit``, with ``upper`` only those right of the diagonal; of a row the ``most`` greatest (0:
    all; of equals the first); with ``unit`` they are divided by the root of the sum of their squares. O(pairs).

    >>> rows = array("Q", [0, 2]), array("I", [0, 1]), array("I", [8, 2])
    >>> found = information_rows(*rows, array("d", [1]), array("d", [0, 2]), 2, False, 0.0, 0, False)
    >>> [list(array(code, part)) for code, part in zip("QId", found, strict=True)]
    [[0, 1], [0], [2.0]]
    """
    begins, places, numbers = _table(starts, columns, counts, "I", "starts columns counts")
    lefts = _sized(_items(left, "d", "left"), len(begins) - 1, "left")
    rights = _items(right, "d", "right")
    _check_below(places, len(rights), "columns")
    _check_counts(numbers)
    ends, kept, weights = array("Q", [0]), array("I"), array("d")
    if most < 0:
        raise ValueError(f"most: expected 0 or more, got {most}")
    for row, base in enumerate(lefts):
        found = []
        for place in range(begins[row], begins[row + 1]):
            column = places[place]
            if column >= limit or (upper and column <= row):
                continue
            weight = log2(numbers[place]) - base - rights[column]
            if weight > least:
                found.append((column, weight))
        if 0 < most < len(found):
            found = sorted(sorted(found, key=lambda entry: (-entry[1], entry[0]))[:most])
        squares = 0.0
        for _, weight in found:
            squares += weight * weight
        norm = sqrt(squares) if unit and squares > 0.0 else 1.0
        for column, weight in found:
            kept.append(column)
            weights.append(weight / norm)
        ends.append(len(weights))
    return ends.tobytes(), kept.tobytes(), weights.tobytes()


def likelihood_rows(
    starts: Buffer,
    columns: Buffer,
    counts: Buffer,
    row_sums: Buffer,
    column_sums: Buffer,
    total: int,
    scale: float,
    upper: bool,
) -> tuple[bytes, bytes, bytes]:
    """The table of log-likelihood ratios G2, times ``scale``, of the pairs that meet more often than by chance.

    Each is that of the two-by-two table with the count of the pair, the sums (uint64) of its row and its column, and
    the ``total``. With ``upper`` only columns right of the diagonal. O(pairs).

    >>> rows = array("Q", [0, 1]), array("I", [0]), array("I", [10])
    >>> found = likelihood_rows(*rows, array("Q", [10]), array("Q", [20]), 100, 1.0, False)
    >>> round(array("d", found[2])[0], 6)
    37.290707
    """
    begins, places, numbers = _table(starts, columns, counts, "I", "starts columns counts")
    lefts = _sized(_items(row_sums, "Q", "row_sums"), len(begins) - 1, "row_sums")
    rights = _items(column_sums, "Q", "column_sums")
    _check_below(places, len(rights), "columns")
    _check_counts(numbers)
    ends, kept, weights = array("Q", [0]), array("I"), array("d")
    whole = float(total)
    for row, left in enumerate(map(float, lefts)):
        for place in range(begins[row], begins[row + 1]):
            column, count = places[place], float(numbers[place])
            other = float(rights[column])
            if (upper and column <= row) or not count * whole > left * other:
                continue
            ratio = _cell(count, left * other / whole)
            ratio += _cell(left - count, left * (whole - other) / whole)
            ratio += _cell(other - count, (whole - left) * other / whole)
            ratio += _cell(whole - left - other + count, (whole - left) * (whole - other) / whole)
            if ratio > 0.0:
                kept.append(column)
                weights.append(2.0 * ratio * scale)
        ends.append(len(weights))
    return ends.tobytes(), kept.tobytes(), weights.tobytes()


def _check_counts(counts: array[int]) -> None:
    if len(counts) and not min(counts):
        raise ValueError(f"counts: expected 1 or more, got 0 at {counts.index(0)}")


def _cell(seen: float, expected: float) -> float:
    return seen * log(seen / expected) if seen > 0.0 and expected > 0.0 else 0.0


# ---- comparing -----------------------------------------------------------------------------------------------------


def turn_rows(starts: Buffer, columns: Buffer, weights: Buffer, size: int) -> tuple[bytes, bytes, bytes]:
    """The table with rows and columns changed about: for each of ``size`` columns, the rows that have it. O(entries).

    >>> turned = turn_rows(array("Q", [0, 1, 3]), array("I", [1, 0, 1]), array("d", [5, 6, 7]), 2)
    >>> [list(array(code, part)) for code, part in zip("QId", turned, strict=True)]
    [[0, 1, 3], [1, 0, 1], [6.0, 5.0, 7.0]]
    """
    begins, places, values = _table(starts, columns, weights, "d", "starts columns weights")
    _check_below(places, size, "columns")
    ends = array("Q", bytes(8 * (size + 1)))
    for column in places:
        ends[column + 1] += 1
    for column in range(size):
        ends[column + 1] += ends[column]
    following, rows, turned = ends[:-1], array("I", bytes(4 * len(places))), array("d", bytes(8 * len(places)))
    for row in range(len(begins) - 1):
        for place in range(begins[row], begins[row + 1]):
            there = following[places[place]]
            following[places[place]] += 1
            rows[there], turned[there] = row, values[place]
    return ends.tobytes(), rows.tobytes(), turned.tobytes()


def nearest_rows(
    starts: Buffer,
    columns: Buffer,
    weights: Buffer,
    index_starts: Buffer,
    index_rows: Buffer,
    index_weights: Buffer,
    queries: Buffer,
    count: int,
    least: float,
) -> tuple[bytes, bytes, bytes]:
    """For each row of ``queries`` (uint32) the at most ``count`` other rows of greatest product with it, ``least`` or
    more and above 0: a table, but that the rows stand in the order of the products (doubles), of equals the lower row
    first.

    Rows must have the length 1 (or 0) and no negative weights; the index is the table turned by :func:`turn_rows`.
    O(entries of the index that share a column with the query), less what the bound spares.

    >>> table = array("Q", [0, 2, 3, 5]), array("I", [0, 1, 1, 0, 1]), array("d", [0.6, 0.8, 1.0, 0.8, 0.6])
    >>> index = [array(code, part) for code, part in zip("QId", turn_rows(*table, 2), strict=True)]
    >>> found = nearest_rows(*table, *index, array("I", [0]), 2, 0.0)
    >>> [list(array(code, part)) for code, part in zip("QId", found, strict=True)]
    [[0, 2], [2, 1], [0.96, 0.8]]
    """
    begins, places, values = _table(starts, columns, weights, "d", "starts columns weights")
    heads, rows, shares = _table(index_starts, index_rows, index_weights, "d", "index_starts index_rows index_weights")
    wanted = _items(queries, "I", "queries")
    if count < 1:
        raise ValueError(f"count: expected 1 or more, got {count}")
    _check_below(places, len(heads) - 1, "columns")
    _check_below(rows, len(begins) - 1, "index_rows")
    _check_below(wanted, len(begins) - 1, "queries")
    ends, found, products = array("Q", [0]), array("I"), array("d")
    for query in wanted:
        span = range(begins[query], begins[query + 1])
        own = {places[place]: values[place] for place in span}
        best = []
        for row in _candidates(query, own, begins, heads, rows, shares, count, least):
            product = 0.0
            for place in range(begins[row], begins[row + 1]):
                if places[place] in own:
                    product += own[places[place]] * values[place]
            if product >= least and product > 0.0:
                best.append((-product, row))
        best.sort()
        for negative, row in best[:count]:
            found.append(row)
            products.append(-negative)
        ends.append(len(found))
    return ends.tobytes(), found.tobytes(), products.tobytes()


def _candidates(
    query: int, own: dict[int, float], begins: Any, heads: Any, rows: Any, shares: Any, count: int, least: float
) -> list[int]:
    """The rows whose product with the query may be among the ``count`` greatest, and ``least`` or more."""
    order = sorted(own, key=lambda column: (-own[column], column))
    rest, ahead = [0.0], [0]  # of the columns not yet visited, the root of their squares, and their entries
    squares = 0.0
    for column in reversed(order):
        squares += own[column] * own[column]
        rest.append(sqrt(squares))
        ahead.append(ahead[-1] + heads[column + 1] - heads[column])
    rest.reverse()
    ahead.reverse()
    partial: dict[int, float] = {}
    bar, look = least - SLACK, LOOK
    for step, column in enumerate(order):
        if rest[step] < look and len(partial) > count:
            look = rest[step] * AGAIN
            bar = max(bar, sorted(partial.values())[-count - 1] - SLACK)  # the query itself may be one of them
            if rest[step] < bar:
                left = [row for row, product in partial.items() if product + rest[step] >= bar]
                if sum(begins[row + 1] - begins[row] for row in left) < ahead[step]:
                    return [row for row in left if row != query]
        weight = own[column]
        for place in range(heads[column], heads[column + 1]):
            row = rows[place]
            partial[row] = partial.get(row, 0.0) + weight * shares[place]
    partial.pop(query, None)
    return _best(partial, count)


def _best(partial: dict[int, float], count: int) -> list[int]:
    """Those that are within rounding of the ``count`` greatest."""
    bar = sorted(partial.values())[-count] - SLACK if len(partial) > count else 0.0
    return [row for row, product in partial.items() if product >= bar]
