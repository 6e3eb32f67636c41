"""Three ways to cut raw text into pieces before any lexicon exists, and the table of n-grams that they share.

* :func:`by_entropy` (``entropy``): where the variation of branching entropy says that words begin and end (nVBE,
  Magistry & Sagot 2012), with a fixed gain for every word of two symbols or more.
* :func:`by_pmi` (``pmi``): glue neighbours whose pointwise mutual information is high; the algorithm of nlp-zero 0.1.
* :func:`by_cohesion` (``cohesion``): glue whatever stands inside a cohesive n-gram.

Everything is done on symbol ids (see :mod:`nlp_zero.words.symbols`); a set of words is a :class:`Types`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import islice
from math import log2, nan
from typing import NamedTuple

from .. import kernels
from .association import cohesion, pmi

__all__ = ["Rows", "Types", "branching_rows", "by_cohesion", "by_entropy", "by_pmi", "count_types"]


class Types(NamedTuple):
    """Distinct words: where each first stands, its length in symbols, how often it was counted."""

    positions: array[int]
    lengths: bytes
    counts: array[int]

    def select(self, kept: Iterable[int]) -> Types:
        """The types with these indices."""
        kept = list(kept)
        return Types(
            array("I", map(self.positions.__getitem__, kept)),
            bytes(map(self.lengths.__getitem__, kept)),
            array("I", map(self.counts.__getitem__, kept)),
        )


def count_types(ids: array[int], lengths: bytes) -> Types:
    """The distinct words of a segmentation, in order of first occurrence. O(n)."""
    positions, sizes, counts = kernels.tally(ids, lengths)
    return Types(array("I", positions), sizes, array("I", counts))


class Rows:
    """The n-grams of a text that occur at least ``min_count`` times: counts and branching entropies (分支熵).

    ``total`` is the number of symbols of words, the one event space of all probabilities here.
    """

    def __init__(self, ids: array[int], total: int, table: tuple[bytes, bytes, bytes, bytes, bytes]) -> None:
        self.ids = ids
        self.total = total
        self.positions = array("I", table[0])
        self.lengths = table[1]
        self.counts = array("I", table[2])
        self._left = array("I", table[3])
        self._right = array("I", table[4])

    def find(self, places: array[int], sizes: bytes) -> array[int]:
        """The row of the n-gram that stands at each place with each size, or -1."""
        return array("i", kernels.match(self.ids, self.positions, self.lengths, places, sizes))

    def entropies(self, found: Iterable[int]) -> tuple[list[float], list[float]]:
        """Of the symbols before and after the n-gram of each row, in bits, every boundary a symbol of its own; NaN for
        row -1."""
        rows = list(found)
        before, after = (
            [column[row] / 65536 if row >= 0 else nan for row in rows] for column in (self._left, self._right)
        )
        return before, after

    def bonds(self, places: array[int], sizes: bytes) -> tuple[array[int], list[float]]:
        """What :meth:`find` says, and the smallest PMI over the splits of each n-gram, in bits: NaN for a single
        symbol, and where a count is not known."""
        columns = (self.positions, self.lengths, self.counts)
        rows, products = kernels.bonds(self.ids, *columns, places, sizes)
        found, counts, total = array("i", rows), self.counts, self.total
        return found, [
            log2(counts[row] * total / product) if product and row >= 0 else nan
            for row, product in zip(found, array("Q", products), strict=True)
        ]

    def split_counts(self, places: array[int], sizes: bytes) -> list[list[tuple[int, int]]]:
        """For every n-gram, the counts of the two parts of each of its splits (0 where below ``min_count``)."""
        parts_at, parts_of = array("I"), bytearray()
        for place, size in zip(places, sizes, strict=True):
            for split in range(1, size):
                parts_at.append(place)
                parts_at.append(place + split)
                parts_of.append(split)
                parts_of.append(size - split)
        found = [self.counts[row] if row >= 0 else 0 for row in self.find(parts_at, bytes(parts_of))]
        pairs = iter(zip(found[::2], found[1::2], strict=True))
        return [list(islice(pairs, size - 1)) for size in sizes]


def branching_rows(
    ids: array[int], total: int, max_length: int, min_count: int, with_scores: bool
) -> tuple[bytes, Rows]:
    """The scores of :func:`nlp_zero.kernels.branching`, as they come, and its table as :class:`Rows`."""
    scores, *table = kernels.branching(ids, max_length, min_count, with_scores)
    return scores, Rows(ids, total, (table[0], table[1], table[2], table[3], table[4]))


def by_entropy(ids: array[int], total: int, max_length: int, min_count: int, gain: float) -> tuple[bytes, Rows]:
    """Cut where the branching entropies say so; every word of two symbols or more gains ``gain`` bits.

    The published method has no gain; it cuts too often, because the mean over all n-grams, by which it normalises, is
    a mean over accidents mostly.
    """
    scores, rows = branching_rows(ids, total, max_length, min_count, with_scores=True)
    return kernels.segment(ids, memoryview(scores).cast("h"), max_length, round(gain * 1024)), rows


def by_pmi(ids: array[int], total: int, max_length: int, min_proba: float, min_pmi: float) -> tuple[bytes, Rows]:
    """Cut between two symbols that meet too seldom (``min_proba`` of all symbols) or by chance (``min_pmi`` bits)."""
    _, rows = branching_rows(ids, total, max_length, 1, with_scores=False)
    pairs = [row for row, length in enumerate(rows.lengths) if length == 2 and rows.counts[row] / total > min_proba]
    places, sizes = array("I", map(rows.positions.__getitem__, pairs)), bytes([2]) * len(pairs)
    splits = rows.split_counts(places, sizes)
    kept = [
        place
        for place, row, ((left, right),) in zip(places, pairs, splits, strict=True)
        if pmi(rows.counts[row], left, right, total) > min_pmi
    ]
    return kernels.bind(ids, array("I", kept), bytes([2]) * len(kept)), rows


def by_cohesion(
    ids: array[int], total: int, max_length: int, min_count: int, ratio: float
) -> tuple[bytes, Rows, set[int]]:
    """Cut wherever no cohesive n-gram stands across: one of n symbols whose every split is at least ``ratio``**(n - 1)
    times as frequent as chance. Returns the cohesive rows as well."""
    _, rows = branching_rows(ids, total, max_length, min_count, with_scores=False)
    long = [row for row, length in enumerate(rows.lengths) if length > 1]
    places, sizes = array("I", map(rows.positions.__getitem__, long)), bytes(map(rows.lengths.__getitem__, long))
    splits = rows.split_counts(places, sizes)
    limits = [ratio ** (size - 1) for size in range(1, max_length + 1)]
    kept = {
        row
        for row, size, pairs in zip(long, sizes, splits, strict=True)
        if cohesion(rows.counts[row], pairs, total) >= limits[size - 1]
    }
    chosen = sorted(kept)
    return (
        kernels.bind(
            ids, array("I", map(rows.positions.__getitem__, chosen)), bytes(map(rows.lengths.__getitem__, chosen))
        ),
        rows,
        kept,
    )
