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
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from math import fsum, lgamma, log
from typing import NamedTuple

__all__ = ["Merge", "Model", "merge_pairs", "tokens_log"]

_NONE = 0xFFFFFFFF


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

    counts: Sequence[int]
    tables: Sequence[int]
    base: Sequence[float]
    boost: Sequence[float]
    classes: Sequence[int]
    log_ratios: Sequence[float]
    discount: float
    strength: float


def tokens_log(count: int, tables: int, added: int, mass: float, discount: float) -> float:
    """ln of the probability that ``added`` customers, one after the other, order a dish that ``count`` have at
    ``tables`` tables, without the denominators (those do not depend on the dish).

    ``mass`` is (theta + d T) p0, what the dish gets from new tables. The first customer of a dish opens a table; later
    ones sit down where others sit, so that the rest is a ratio of gamma functions.

    >>> from math import log
    >>> round(tokens_log(3, 1, 2, mass=0.5, discount=0.7) - log((3 - 0.7 + 0.5) * (4 - 0.7 + 0.5)), 12)
    0.0
    >>> round(tokens_log(0, 0, 2, mass=0.5, discount=0.7) - log(0.5 * (1 - 0.7 + 0.5)), 12)
    0.0
    """
    first = 0.0
    if added and not count:
        first, count, tables, added = log(mass), 1, 1, added - 1
    seated = count - discount * tables + mass
    return first + lgamma(seated + added) - lgamma(seated) if added else first


def merge_pairs(
    index: array[int], max_length: int, lengths: bytes, model: Model, *, min_count: int = 10
) -> tuple[list[Merge], bytes]:
    """Merge pairs of neighbouring one-symbol words, seen ``min_count`` times or more, as long as the model gains by it.

    ``index`` holds the id of the substring of n symbols at place i at ``i * max_length + n - 1``, 0xFFFFFFFF where
    there is none; ``lengths`` is the segmentation, the length of a word at its first symbol and 0 elsewhere. Returns
    what was merged, in order, and the new segmentation.

    The gain, in nats, of n places u v -> uv: :func:`tokens_log` of n tokens of uv, less that of those u and v lose;
    + n ln(theta + C), since each place needs one draw less; + n gamma (A(uv) - A(u) - A(v)); + the sum over the
    places of ln R(left, c) + ln R(c, right) - ln R(left, u) - ln R(u, v) - ln R(v, right). All pairs are scored, then
    taken from the largest gain down (the lower id of equals), scored again, as their neighbours may have gone, and
    merged if the gain is still above 0. Pairs of equal symbols are left alone: their places overlap. What stands beside
    a place counts as it stood before the merge. O(symbols) + O(classes) a place.
    """
    if max_length < 2:
        return [], bytes(lengths)
    work = _Merging(index, max_length, lengths, model)
    scored = []
    for word, places in work.pairs(min_count).items():
        score = work.score(word, places)
        if score.gain > 0:
            scored.append((-score.gain, word, places))
    merges = []
    for _, word, places in sorted(scored):
        left = [place for place in places if work.is_pair(place)]
        if len(left) >= min_count:
            merge = work.score(word, left)
            if merge.gain > 0:
                work.apply(merge, left)
                merges.append(merge)
    return merges, bytes(work.lengths)


class _Merging:
    """A segmentation and the counts that merges change."""

    def __init__(self, index: array[int], max_length: int, lengths: bytes, model: Model) -> None:
        self.index, self.width, self.lengths, self.model = index, max_length, bytearray(lengths), model
        self.singles = index[::max_length]
        self.customers, self.table_count = sum(model.counts), sum(model.tables)
        self.changed: dict[int, tuple[int, int]] = {}  # customers and tables, where they are not the model's
        self.groups: dict[int, int] = {}  # classes of new words
        size = self.class_count = round(len(model.log_ratios) ** 0.5)
        if size < 2 or size * size != len(model.log_ratios):
            raise ValueError(f"log_ratios: expected a square number of items from 4 up, got {len(model.log_ratios)}")
        self.rows = [list(model.log_ratios[start : start + size]) for start in range(0, size * size, size)]
        self.columns = list(map(list, zip(*self.rows, strict=True)))
        self.multiples: dict[tuple[int, int, int], list[float]] = {}

    # ---- where pairs stand

    def pairs(self, min_count: int) -> dict[int, list[int]]:
        """The places of every pair of different one-symbol words that is frequent enough, by the id of the two."""
        ones = int.from_bytes(self.lengths.translate(_IS_ONE), "little")
        both = (ones & ones >> 8).to_bytes(len(self.lengths), "little")
        words = array("I", compress(self.index[1 :: self.width], both))
        frequent = {word for word, number in Counter(words).items() if number >= min_count}
        frequent.discard(_NONE)
        places: defaultdict[int, list[int]] = defaultdict(list)
        found = zip(compress(range(len(both)), both), words, strict=True)
        for place, word in compress(found, map(frequent.__contains__, words)):
            places[word].append(place)
        return {word: at for word, at in places.items() if self._may_merge(word, at[0])}

    def _may_merge(self, word: int, place: int) -> bool:
        left, right = self.singles[place], self.singles[place + 1]
        model = self.model
        return left != right and all(min(model.base[part], model.boost[part]) > 0 for part in (word, left, right))

    def is_pair(self, place: int) -> bool:
        """Whether two one-symbol words still stand here."""
        return self.lengths[place] == self.lengths[place + 1] == 1

    def _group(self, word: int) -> int:
        return self.groups.get(word, self.model.classes[word])

    def _beside(self, places: Iterable[int]) -> tuple[dict[int, int], dict[int, int]]:
        """How often each class stands before the pairs at these places, and after them, ends of chunks left out."""
        singles, lengths, index, width = self.singles, self.lengths, self.index, self.width
        groups, classes, size = self.groups, self.model.classes, len(self.lengths)
        before: dict[int, int] = {}
        after: dict[int, int] = {}
        for place in places:
            group, start = 0, place - 1
            if place and singles[start] != _NONE:
                while not lengths[start]:
                    start -= 1
                word = index[start * width + place - start - 1]
                group = groups.get(word) or classes[word]
            before[group] = before.get(group, 0) + 1
            end = place + 2
            if end < size and singles[end] != _NONE:
                word = index[end * width + lengths[end] - 1]
                group = groups.get(word) or classes[word]
                after[group] = after.get(group, 0) + 1
        return before, after

    # ---- what a merge gains

    def score(self, word: int, places: Sequence[int]) -> Merge:
        """What it gains to merge a pair at these places."""
        model, number = self.model, len(places)
        left, right = self.singles[places[0]], self.singles[places[0] + 1]
        gain = (
            self._seats(word, number)
            + number * log(model.strength + self.customers)
            + number * (log(model.boost[word]) - log(model.boost[left]) - log(model.boost[right]))
        )
        for part in (left, right):
            gain += self._seats(part, -number)
        before, after = self._beside(places)
        groups = self._group(left), self._group(right)
        gain -= self._ratios(before, after, *groups) + number * self.rows[groups[0]][groups[1]]
        if self._seated(word)[0]:
            group = self._group(word)
            best = self._ratios(before, after, group, group)
        else:
            group, best = self._best_group(before, after)
        return Merge(left, right, word, number, gain + best, group)

    def _ratios(self, before: Mapping[int, int], after: Mapping[int, int], first: int, last: int) -> float:
        """ln R of the classes of the first and the last word with what stands before and after."""
        total = 0.0
        for other, number in before.items():
            total += number * self.rows[other][first]
        for other, number in after.items():
            total += number * self.rows[last][other]
        return total

    def _best_group(self, before: Mapping[int, int], after: Mapping[int, int]) -> tuple[int, float]:
        """The class of a new word that suits its neighbours best, the lowest of equals, and how well."""
        seen = [self._times(0, other, number) for other, number in before.items()]
        seen += [self._times(1, other, number) for other, number in after.items()]
        totals = list(map(fsum, zip(*seen, strict=True)))
        best = max(totals[1:])
        return totals.index(best, 1), best

    def _times(self, side: int, other: int, number: int) -> list[float]:
        """ln R of every class with one that stands before (side 0) or after so many times."""
        key = side, other, number
        if key not in self.multiples:
            self.multiples[key] = [number * ratio for ratio in (self.columns if side else self.rows)[other]]
        return self.multiples[key]

    def _seated(self, word: int) -> tuple[int, int]:
        return self.changed.get(word) or (self.model.counts[word], self.model.tables[word])

    def _seats(self, word: int, change: int) -> float:
        """ln of what it does to the restaurant that a word gets more customers, or fewer."""
        model, (count, tables) = self.model, self._seated(word)
        mass = (model.strength + model.discount * self.table_count) * model.base[word]
        if change >= 0:
            return tokens_log(count, tables, change, mass, model.discount)
        rest = count + change
        if rest < 0:
            raise ValueError(f"counts: expected at least {-change} for the word {word}, got {count}")
        return -tokens_log(rest, min(tables, rest), -change, mass, model.discount)

    # ---- doing it

    def apply(self, merge: Merge, places: Iterable[int]) -> None:
        """Merge a pair at these places."""
        for place in places:
            self.lengths[place], self.lengths[place + 1] = 2, 0
        count, tables = self._seated(merge.word)
        self._seat(merge.word, count + merge.places, max(tables, 1))
        for part in (merge.left, merge.right):
            count, tables = self._seated(part)
            self._seat(part, count - merge.places, min(tables, count - merge.places))
        self.groups[merge.word] = merge.group

    def _seat(self, word: int, count: int, tables: int) -> None:
        before = self._seated(word)
        self.customers += count - before[0]
        self.table_count += tables - before[1]
        self.changed[word] = count, tables


_IS_ONE = bytes(length == 1 for length in range(256))
