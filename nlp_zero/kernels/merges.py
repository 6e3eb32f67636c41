"""Merging kernel: pairs of one-symbol words that the model would rather see as one word, joined everywhere at once.

Why, and under what model, :mod:`nlp_zero.words.merging` tells; buffers are those of :mod:`nlp_zero.kernels.sampling`.
Sums run over classes in order, and the gamma function is our own, so that ``merges.c`` gives the same bits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import isqrt, log
from typing import TypeAlias

from .sampling import NONE, Buffer, Chunk, _check_settings, _class_view, _floats, _sized, _text, _view

__all__ = ["merge_words"]

Found: TypeAlias = "tuple[int, int, int, int, float, int]"


def log_gamma(x: float) -> float:
    """ln Gamma(x) for x > 0, by Stirling's series from 10 up; the error is below 1e-13 of x ln x + 1.

    >>> round(log_gamma(0.5) - log(3.141592653589793) / 2, 12), round(log_gamma(21.0) - log(2432902008176640000), 12)
    (0.0, 0.0)
    """
    shift = 1.0
    while x < 10.0:
        shift *= x
        x += 1.0
    y = 1.0 / (x * x)
    series = (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y * (1 / 1188))))) / x
    return (x - 0.5) * log(x) - x + 0.9189385332046727 + series - log(shift)


def tokens_log(count: int, tables: int, added: int, mass: float, discount: float) -> float:
    """ln of the probability that ``added`` customers, one after the other, order a dish that ``count`` have at
    ``tables`` tables, without the denominators (those do not depend on the dish).

    ``mass`` is (theta + d T) p0, what the dish gets from new tables. The first customer of a dish opens a table; later
    ones sit down where others sit, so that the rest is a ratio of gamma functions.

    >>> round(tokens_log(3, 1, 2, mass=0.5, discount=0.7) - log((3 - 0.7 + 0.5) * (4 - 0.7 + 0.5)), 12)
    0.0
    >>> round(tokens_log(0, 0, 2, mass=0.5, discount=0.7) - log(0.5 * (1 - 0.7 + 0.5)), 12)
    0.0
    """
    first = 0.0
    if added and not count:
        first, count, tables, added = log(mass), 1, 1, added - 1
    seated = count - discount * tables + mass
    return first + log_gamma(seated + added) - log_gamma(seated) if added else first


def merge_words(
    index: Buffer,
    max_length: int,
    lengths: Buffer,
    counts: Buffer,
    tables: Buffer,
    base: Buffer,
    boost: Buffer,
    classes: Buffer,
    log_ratios: Buffer,
    discount: float,
    strength: float,
    min_count: int,
) -> tuple[list[Found], bytes]:
    """Merge pairs of neighbouring one-symbol words, seen ``min_count`` times or more, as long as the model gains by it.

    Buffers as :func:`nlp_zero.kernels.sweep` takes them; ``log_ratios`` (array('d')) are logarithms. Returns what was
    merged, in order (ids of the left word, the right one, both; places; gain in nats; class), and the new
    segmentation. The rules are those of :func:`nlp_zero.words.merging.merge_pairs`. O(symbols) + O(classes) a place.

    >>> from array import array
    >>> index = array("I", [0, 1, 2, NONE, NONE, NONE] * 10)
    >>> ones = array("f", [1, 1, 1])
    >>> merges, lengths = merge_words(
    ...     index, 2, bytes([1, 1, 0] * 10), array("i", [10, 0, 10]), array("i", [1, 0, 1]), array("f", [0.1] * 3),
    ...     ones, bytes([1, 1, 1]), array("d", [0.0] * 4), 0.5, 10.0, 10
    ... )  # fmt: skip
    >>> [merge[:4] for merge in merges], lengths == bytes([2, 0, 0] * 10)
    ([(0, 2, 1, 10)], True)
    """
    customers = _view(counts, "i", "counts")
    size = len(customers)
    seats = _sized(_view(tables, "i", "tables"), size, "tables")
    for word, (count, table) in enumerate(zip(customers, seats, strict=True)):
        if not 0 <= table <= count:
            raise ValueError(f"tables: expected 0 to {count} for the word {word}, got {table}")
    items, words, chunks, _ = _text(index, max_length, lengths, size)
    chances = _floats(_sized(_view(base, "f", "base"), size, "base"))
    factors = _floats(_sized(_view(boost, "f", "boost"), size, "boost"))
    ratios = _view(log_ratios, "d", "log_ratios")
    class_count = isqrt(len(ratios))
    if class_count < 2 or class_count * class_count != len(ratios):
        raise ValueError(f"log_ratios: expected a square number of items from 4 up, got {len(ratios)}")
    groups = _class_view(classes, size, class_count).tolist()
    _check_settings(discount, strength)
    if max_length < 2:
        raise ValueError(f"max_length: expected 2 or more, got {max_length}")
    if min_count < 1:
        raise ValueError(f"min_count: expected 1 or more, got {min_count}")
    work = _Merging(items, max_length, words, chunks)
    work.discount, work.strength, work.base, work.boost = discount, strength, chances, factors
    work.counts, work.tables, work.classes = customers.tolist(), seats.tolist(), groups
    work.customers, work.table_count = sum(work.counts), sum(work.tables)
    work.set_ratios(_floats(ratios), class_count)
    return work.run(min_count), bytes(work.lengths)


class _Merging:
    """A segmentation and the counts that merges change."""

    counts: list[int]
    tables: list[int]
    base: list[float]
    boost: list[float]
    classes: list[int]
    customers: int
    table_count: int
    discount: float
    strength: float

    def __init__(self, index: memoryview, max_length: int, lengths: bytearray, chunks: list[Chunk]) -> None:
        self.index, self.width, self.lengths, self.chunks = index, max_length, lengths, chunks
        self.singles = index[::max_length].tolist()

    def set_ratios(self, ratios: list[float], size: int) -> None:
        """ln R, as rows (by the first class) and columns (by the second)."""
        self.rows = [ratios[start : start + size] for start in range(0, size * size, size)]
        self.columns = list(zip(*self.rows, strict=True))

    def run(self, min_count: int) -> list[Found]:
        """Score all pairs, then merge them, those that gain most first."""
        scored = []
        for word, places in sorted(self.pairs(min_count).items()):
            gain = self.score(word, places)[4]
            if gain > 0:
                scored.append((-gain, word, places))
        merges = []
        for _, word, places in sorted(scored):
            left = [place for place in places if self.lengths[place] == self.lengths[place + 1] == 1]
            if len(left) >= min_count:
                merge = self.score(word, left)
                if merge[4] > 0:
                    self.apply(merge, left)
                    merges.append(merge)
        return merges

    # ---- where pairs stand

    def pairs(self, min_count: int) -> dict[int, list[int]]:
        """The places of every pair of different one-symbol words that is frequent enough, by the id of the two."""
        index, width, lengths = self.index, self.width, self.lengths
        pairs: defaultdict[int, list[int]] = defaultdict(list)
        for start, end in self.chunks:
            for place in range(start, end - 1):
                if lengths[place] == lengths[place + 1] == 1:
                    pairs[index[place * width + 1]].append(place)
        return {word: at for word, at in pairs.items() if len(at) >= min_count and self._may_merge(word, at[0])}

    def _may_merge(self, word: int, place: int) -> bool:
        left, right = self.singles[place], self.singles[place + 1]
        return left != right and all(self.base[part] > 0 and self.boost[part] > 0 for part in (word, left, right))

    def _beside(self, places: Iterable[int]) -> tuple[dict[int, int], dict[int, int]]:
        """How often each class stands before the pairs at these places, and after them, ends of chunks left out."""
        singles, lengths, index, width = self.singles, self.lengths, self.index, self.width
        classes, size = self.classes, len(self.lengths)
        before: dict[int, int] = {}
        after: dict[int, int] = {}
        for place in places:
            group, start = 0, place - 1
            if place and singles[start] != NONE:
                while not lengths[start]:
                    start -= 1
                group = classes[index[start * width + place - start - 1]]
            before[group] = before.get(group, 0) + 1
            end = place + 2
            if end < size and singles[end] != NONE:
                group = classes[index[end * width + lengths[end] - 1]]
                after[group] = after.get(group, 0) + 1
        return dict(sorted(before.items())), dict(sorted(after.items()))

    # ---- what a merge gains

    def score(self, word: int, places: Sequence[int]) -> Found:
        """What it gains to merge a pair at these places."""
        number, boost = len(places), self.boost
        left, right = self.singles[places[0]], self.singles[places[0] + 1]
        gain = self._seats(word, number) + number * log(self.strength + self.customers)
        gain += number * (log(boost[word]) - log(boost[left]) - log(boost[right]))
        for part in (left, right):
            gain += self._seats(part, -number)
        before, after = self._beside(places)
        first, last = self.classes[left], self.classes[right]
        gain -= self._ratios(before, after, first, last) + number * self.rows[first][last]
        group = self.classes[word]
        if self.counts[word]:
            best = self._ratios(before, after, group, group)
        else:
            group, best = self._best_group(before, after)
        return left, right, word, number, gain + best, group

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
        totals = [0.0] * len(self.rows)
        for table, seen in ((self.rows, before), (self.columns, after)):
            for other, number in seen.items():
                totals = [total + number * ratio for total, ratio in zip(totals, table[other], strict=True)]
        best = 1
        for group in range(2, len(totals)):
            if totals[group] > totals[best]:
                best = group
        return best, totals[best]

    def _seats(self, word: int, change: int) -> float:
        """ln of what it does to the restaurant that a word gets more customers, or fewer."""
        count, tables = self.counts[word], self.tables[word]
        mass = (self.strength + self.discount * self.table_count) * self.base[word]
        if change >= 0:
            return tokens_log(count, tables, change, mass, self.discount)
        rest = count + change
        if rest < 0:
            raise ValueError(f"counts: expected at least {-change} for the word {word}, got {count}")
        return -tokens_log(rest, min(tables, rest), -change, mass, self.discount)

    # ---- doing it

    def apply(self, merge: Found, places: Iterable[int]) -> None:
        """Merge a pair at these places."""
        left, right, word, number, _, group = merge
        for place in places:
            self.lengths[place], self.lengths[place + 1] = 2, 0
        self._seat(word, self.counts[word] + number, max(self.tables[word], 1))
        for part in (left, right):
            rest = self.counts[part] - number
            self._seat(part, rest, min(self.tables[part], rest))
        self.classes[word] = group

    def _seat(self, word: int, count: int, tables: int) -> None:
        self.customers += count - self.counts[word]
        self.table_count += tables - self.tables[word]
        self.counts[word], self.tables[word] = count, tables
