"""Genres (语体): parts of a text whose words are so unlike in length that one rule does not fit them all.

What the sampler steers for, the share of one-symbol words, is one number for a text. A corpus of news and of old novels
has two: under one rule the news are cut too short. So the text is looked at in blocks. If it is cheaper to describe the
mean lengths of their words, by a first segmentation, as two normal distributions than as one, and these are far apart,
each is segmented as if it were alone. The words of all of them make one lexicon.

News and encyclopedias are near enough to stay together, and should: apart, each would learn from less text. So would
genres of a million symbols. What it is worth is in ``benchmarks/results/segmentation_curve.md``, the last rows.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import accumulate
from math import log
from typing import NamedTuple, TypeAlias

__all__ = ["Genre", "genres"]

BLOCK = 10_000
"""Symbols of a block, at least; it ends with a line."""

LEAST = 2_000_000
"""Symbols of a genre; less text is worse off alone than in strange company."""

FAR, GAIN = 0.15, 0.25
"""How far the means of two genres lie apart at least, in symbols a word, and what it saves, in nats a block, to
describe them as two. Halves of a uniform distribution save nothing, those of a normal one cost 0.19."""

ROUGH = 0.01
"""The standard deviation that every mean has besides."""


_Moments: TypeAlias = "tuple[float, float, float]"


class Genre(NamedTuple):
    """A part of a text: the ranges of places that it takes, and the mean length of its words, in symbols."""

    ranges: list[tuple[int, int]]
    mean: float

    @property
    def size(self) -> int:
        return sum(end - start for start, end in self.ranges)

    def of(self, column: array[int]) -> array[int]:
        """Its part of a column that has an item for each place of the text."""
        part = array(column.typecode)
        for start, end in self.ranges:
            part += column[start:end]
        return part

    def put(self, part: bytes, column: bytearray) -> None:
        """The way back: a part into its places in the whole."""
        done = 0
        for start, end in self.ranges:
            column[start:end] = part[done : done + end - start]
            done += end - start


class _Block(NamedTuple):
    mean: float
    start: int
    end: int
    symbols: int


def genres(ids: array[int], lengths: bytes) -> list[Genre]:
    """The genres of a text, by the mean length of their words, short ones first; mostly there is one.

    ``lengths`` is a segmentation: the length of a word at its first symbol, 0 elsewhere. O(n), 20 ms for three million
    symbols.

    >>> [genre.ranges for genre in genres(array("H", [8, 9, 0]), bytes([1, 1, 0]))]
    [[(0, 3)]]
    """
    parts = _split(sorted(_blocks(ids, lengths)))
    return [Genre(_joined((block.start, block.end) for block in part), _mean(part)) for part in parts]


def _blocks(ids: array[int], lengths: bytes) -> list[_Block]:
    blocks, start = [], 0
    while start < len(ids):
        try:
            end = ids.index(0, start + BLOCK) + 1
        except ValueError:
            end = len(ids)
        part = lengths[start:end]
        symbols, words = sum(part), len(part) - part.count(0)
        blocks.append(_Block(symbols / max(words, 1), start, end, symbols))
        start = end
    return blocks


def _split(blocks: list[_Block]) -> list[list[_Block]]:
    """Blocks in the order of their means, as one part or several, by size: at the cut with the least error between two
    normal distributions (Kittler & Illingworth 1986), if that pays and they are far apart."""
    sums = list(accumulate(_moments(blocks), _add, initial=(0.0, 0.0, 0.0)))
    if sums[-1][0] < 2 * LEAST:
        return [blocks]
    best, cut = _nats(*sums[-1], 1.0) - GAIN, 0
    for place in range(1, len(blocks)):
        low, high = sums[place], _add(sums[-1], sums[place], -1.0)
        if min(low[0], high[0]) > 0:
            share = low[0] / sums[-1][0]
            cost = share * _nats(*low, share) + (1 - share) * _nats(*high, 1 - share)
            if cost < best:
                best, cut = cost, place
    if cut and _are_genres(sums[cut], _add(sums[-1], sums[cut], -1.0)):
        return _split(blocks[:cut]) + _split(blocks[cut:])
    return [blocks]


def _are_genres(low: _Moments, high: _Moments) -> bool:
    return min(low[0], high[0]) >= LEAST and high[1] / high[0] - low[1] / low[0] >= FAR


def _moments(blocks: Iterable[_Block]) -> Iterator[_Moments]:
    """Symbols, and the first two moments of the means, of each block."""
    for block in blocks:
        yield block.symbols, block.symbols * block.mean, block.symbols * block.mean**2


def _add(one: _Moments, other: _Moments, sign: float = 1.0) -> _Moments:
    return one[0] + sign * other[0], one[1] + sign * other[1], one[2] + sign * other[2]


def _nats(symbols: float, first: float, second: float, share: float) -> float:
    """What a block of a normal distribution costs, less what is the same for all; ``share``: its part of the text."""
    mean = first / symbols
    return 0.5 * log(max(second / symbols - mean * mean, 0.0) + ROUGH**2) - log(share)


def _mean(blocks: list[_Block]) -> float:
    return sum(block.symbols * block.mean for block in blocks) / max(sum(block.symbols for block in blocks), 1)


def _joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges in order, neighbours as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and joined[-1][1] == start:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    return joined
