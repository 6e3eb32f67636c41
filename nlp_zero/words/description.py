"""Description length (描述长度) of a text under a lexicon, and the words that do not pay for themselves.

A text cut into words costs -log2 p(word) bits a word; a lexicon costs the spelling of its words. A word is worth
having if writing it by its parts, every time it occurs, would cost more than spelling it once: its *saved bits* are

    count x (cost of its best split into other words - its own cost) - cost of its spelling

in bits, with p from the counts of the segmentation at hand (Zhikov, Takamura & Okumura 2010, "An efficient algorithm
for unsupervised word segmentation with branching entropy and MDL"; Brent 1999). Costs are integers of 2**-10 bits, so
that both engines choose alike.
"""

from __future__ import annotations

from array import array
from math import log2

from .. import kernels
from .segmentation import Types, count_types

__all__ = ["prune", "saved_bits", "symbol_bits"]

UNIT = 1024
END_BITS = 2
"""What the spelling of a word pays for its end: two bits, the cost under a geometric length of mean 4/3."""
UNKNOWN_BITS = 3
"""How much dearer a symbol that is no word is than a word that occurs once."""


def _costs(types: Types) -> tuple[array[int], int]:
    """-log2 p of each word, and of an unknown symbol, in units."""
    total = sum(types.counts)
    costs = {count: round(UNIT * log2(total / count)) for count in set(types.counts)}
    return array("i", map(costs.__getitem__, types.counts)), round(UNIT * (log2(total) + UNKNOWN_BITS))


def symbol_bits(ids: array[int], types: Types) -> dict[int, float]:
    """-log2 p of every symbol, from the words of any segmentation of the whole text."""
    frequency: dict[int, int] = {}
    for place, size, count in zip(types.positions, types.lengths, types.counts, strict=True):
        for symbol in ids[place : place + size]:
            frequency[symbol] = frequency.get(symbol, 0) + count
    total = sum(frequency.values())
    return {symbol: log2(total / count) for symbol, count in frequency.items()}


def saved_bits(ids: array[int], types: Types, spelling: dict[int, float], min_count: int = 1) -> list[float]:
    """The bits that each word saves; 0 for a single symbol, which cannot be split, and for words below ``min_count``.

    ``spelling`` as :func:`symbol_bits` gives it.
    """
    if not types.counts:
        return []
    costs, unknown = _costs(types)
    splits = array("i", kernels.splits(ids, types.positions, types.lengths, costs, unknown))
    bits = spelling.__getitem__
    rows = zip(types.positions, types.lengths, types.counts, splits, costs, strict=True)
    return [
        count * (split - cost) / UNIT - sum(map(bits, ids[place : place + size])) - END_BITS
        if size > 1 and count >= min_count
        else 0.0
        for place, size, count, split, cost in rows
    ]


def prune(ids: array[int], types: Types, min_count: int, spelling: dict[int, float]) -> tuple[Types, bytes]:
    """Drop the words that cost more than they save, or are rarer than ``min_count``, and cut the text by the others.

    Single symbols stay. Returns the words of the best segmentation by what stays, and that segmentation; O(n).
    """
    bits = saved_bits(ids, types, spelling, min_count)
    rows = enumerate(zip(types.lengths, bits, strict=True))
    kept = types.select(index for index, (size, gain) in rows if size == 1 or gain > 0)
    costs, unknown = _costs(kept) if kept.counts else (array("i"), 0)
    lengths = kernels.decode(ids, kept.positions, kept.lengths, costs, unknown)
    return count_types(ids, lengths), lengths
