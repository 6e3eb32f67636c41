"""Merging two symbols that are always read together: a move that a sampler hardly finds by itself.

A sampler of segmentations changes one chunk at a time. While 其 and 他 are words and 其他 is none, the first 其他
costs a whole new word, though a thousand of them would cost little each: the chain would have to pass through a valley.
So, before sampling, every frequent pair of neighbouring one-symbol words is tried as one word *everywhere at once*, and
the pairs that make the text more likely are merged, those that gain most first. What was merged wrongly the sampler
takes apart again, token by token: that way there is no valley.

Only one symbol + one symbol: merges of longer words are what the likelihood wants and readers do not (高度+重视).

The model is that of the sampler: a Pitman-Yor restaurant (Teh 2006, "A hierarchical Bayesian language model based on
Pitman-Yor processes") of *customers* (tokens) and *tables*, a factor exp(gamma A(w)) for each word and, between
neighbours, a power of R(c, c'), the ratio of how often the classes c and c' meet to what chance would have it.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple, TypeAlias

from .. import kernels

__all__ = ["Merge", "Model", "merge_pairs"]

Column: TypeAlias = "array[int] | array[float] | memoryview[int] | memoryview[float] | bytes | bytearray"


class Merge(NamedTuple):
    """A pair of one-symbol words that became one word: substring ids, the number of places, the gain in nats.

    ``group`` is the class in which the new word counted: its own, or the best one if it had not been a word before.
    """

    left: int
    right: int
    word: int
    places: int
    gain: float
    group: int


class Model(NamedTuple):
    """What a merge is judged by; all columns have one item for each substring id.

    ``counts`` and ``tables``: customers and tables of each word; ``base``: the probability of its spelling; ``boost``:
    exp(gamma A) of it, 0 for what may be no word; ``classes``: its class; ``log_ratios``: ln R(c, c')**rho at
    ``c * class_count + c'``, square, class 0 the edge of a chunk: its row is for the first word, its column is not used
    (the end of a chunk has no factor). ``discount`` and ``strength`` are d and theta of the restaurant.
    """

    counts: Column
    tables: Column
    base: Column
    boost: Column
    classes: Column
    log_ratios: Column
    discount: float
    strength: float


def merge_pairs(
    index: array[int] | memoryview, max_length: int, lengths: bytes, model: Model, *, min_count: int = 10
) -> tuple[list[Merge], bytes]:
    """Merge pairs of neighbouring one-symbol words, seen ``min_count`` times or more, as long as the model gains by it.

    ``index`` holds the id of the substring of n symbols at place i at ``i * max_length + n - 1``, 0xFFFFFFFF where
    there is none; ``lengths`` is the segmentation, the length of a word at its first symbol and 0 elsewhere. Returns
    what was merged, in order, and the new segmentation.

    The gain, in nats, of n places u v -> uv: ln of the probability of n tokens of uv, less that of those u and v lose;
    + n ln(theta + C), since each place needs one draw less; + n gamma (A(uv) - A(u) - A(v)); + the sum over the
    places of ln R(left, c) + ln R(c, right) - ln R(left, u) - ln R(u, v) - ln R(v, right). All pairs are scored, then
    taken from the largest gain down (the lower id of equals), scored again, as their neighbours may have gone, and
    merged if the gain is still above 0. Pairs of equal symbols are left alone: their places overlap. What stands beside
    a place counts as it stood before the merge. O(symbols) + O(classes) a place.
    """
    if max_length < 2:
        return [], bytes(lengths)
    merges, merged = kernels.merge_words(index, max_length, lengths, *model, min_count)
    return list(map(Merge._make, merges)), merged
