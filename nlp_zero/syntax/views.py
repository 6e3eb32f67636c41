"""Views: scores of spans by the classes of the words at their edges.

A view is one way to put words into classes, with the log odds of brackets that were counted in these classes; several
views, each with its own errors, are averaged. :mod:`nlp_zero.syntax.brackets` says how they are learnt and used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Final, TypeAlias

__all__ = ["EDGE", "LENGTHS", "POOLS", "TABLES", "View", "form"]

EDGE: Final = 0
"""The class of what stands before and after a stretch."""
LENGTHS: Final = 16
"""Longer spans count as this long."""
POOLS: Final = 4
"""Kinds of words of which nothing is known but their length: 1, 2, 3, and 4 or more characters."""
TABLES: Final = ("first-last", "before-after", "last-after")

# Of each table, of the length and of the bonds over the edges: they overlap, and their full log odds would count the
# same twice. Chosen on the train part of UD, where the words on either side of the left edge add nothing.
_WEIGHTS = (0.75, 0.4, 0.6)
_LENGTH = 0.35
_LEAK = 0.5

Span: TypeAlias = "tuple[int, int]"
Odds: TypeAlias = "Mapping[tuple[int, int], float]"


def form(word: str) -> str:
    """What stands for a word: one form for short numbers, one for those of four digits and more, one for Latin words.

    >>> [form(word) for word in ["苹果", "12", "1997", "NBA", "《》"]]
    ['苹果', '0', '0000', 'A', '《》']
    """
    sign = word[0]
    if sign.isdecimal():
        return "0" if len(word) < 4 else "0000"
    return "A" if sign.isalpha() and (sign < "\u0250" or "Ａ" <= sign <= "ｚ") else word


class View:
    """Classes of words, and log odds in nats of a bracket against none.

    ``classes`` has a number above 0 for each form of a word, ``endings`` one for each last character of rare words,
    ``pools`` those of other words by their length; ``tables`` (in the order of :data:`TABLES`) are log odds by two
    classes, ``lengths`` those by the length of a span; ``neighbours`` has for two classes how much more often the one
    stands before the other than by chance, in nats, where it does.
    """

    def __init__(
        self,
        classes: Mapping[str, int],
        endings: Mapping[str, int],
        pools: Sequence[int],
        tables: Sequence[Odds],
        lengths: Sequence[float],
        neighbours: Odds,
    ) -> None:
        self.classes, self.endings, self.pools = dict(classes), dict(endings), tuple(pools)
        self.tables = tuple(dict(table) for table in tables)
        self.lengths = tuple(lengths)
        self.neighbours = dict(neighbours)

    def class_of(self, word: str) -> int:
        """The class of a word, seen or not."""
        found = self.classes.get(word)  # a form is its own form
        if found is not None:
            return found
        shown = form(word)
        found = self.classes.get(shown)
        if found is None and len(shown) > 1:
            found = self.endings.get(shown[-1])
        return self.pools[min(len(shown), POOLS) - 1] if found is None else found

    def scores(self, words: Sequence[str]) -> dict[Span, float]:
        """The score of every span of two words or more of a stretch, the whole left out. O(n^2)."""
        classes = [EDGE, *map(self.class_of, words), EDGE]
        inside, outside, end = (table.get for table in self.tables)
        by_inside, by_outside, by_end = _WEIGHTS
        size = len(words)
        ends = [by_end * end(edge, 0.0) for edge in pairwise(classes)]
        lengths = [_LENGTH * self.lengths[min(length, LENGTHS)] for length in range(size)]
        leaks = self._leaks(classes)
        return {
            (start, stop): by_inside * inside((classes[start + 1], classes[stop]), 0.0)
            + by_outside * outside((classes[start], classes[stop + 1]), 0.0)
            + ends[stop]
            + lengths[stop - start]
            - _LEAK * next(leaks)
            for start in range(size - 1)
            for stop in range(start + 2, size + 1)
            if stop - start < size
        }

    def _leaks(self, classes: Sequence[int]) -> Iterator[float]:
        """How well the word before a span goes with that of its words that it goes with best, and likewise the word
        after it, in nats; the spans of two words or more but for the whole, in order. O(n^2).
        """
        size = len(classes) - 2
        bond = self.neighbours.get
        ahead = [[bond((left, right), 0.0) for right in classes[place + 1 :]] for place, left in enumerate(classes)]
        after = [
            list(accumulate((ahead[start][stop - start] for start in range(stop, 0, -1)), max))
            for stop in range(size + 1)
        ]
        for start in range(size - 1):
            before = list(accumulate(ahead[start][:-1], max))
            for stop in range(start + 2, size + 1 - (start == 0)):
                yield before[stop - start - 1] + after[stop][stop - start - 1]

    def ends(self, words: Sequence[str]) -> list[float]:
        """How surely no bracket ends between two neighbours, in nats, for each pair of them."""
        return [-self.tables[2].get(edge, 0.0) for edge in pairwise(map(self.class_of, words))]
