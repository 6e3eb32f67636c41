"""Bracket kernels: how often a stretch of words with these words at its edges is a bracket of its tree.

A text is a sequence of numbers (uint32): 0 ends a stretch, any other is a word, and between two neighbours there is a
*bond*. The tree of a stretch splits at its weakest bond, then the parts likewise (J. Vuillemin 1980, "A unifying look
at data structures"); its brackets are the spans that come about, one word alone left out.

Each span of two words or more that is not the whole stretch is counted under four keys, by the classes of words: those
of its first and its last word, of the words before and after it (0 at the edge of the stretch), of its last word and
the one after it, and its length. ``brackets.c`` gives the same bytes.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import chain, repeat
from math import log
from operator import add, sub
from typing import Any

from .counting import Buffer, _items

__all__ = ["count_brackets", "neighbour_bonds"]

MOST_WORDS = 64
BY_ENDS, AROUND, AT_END, BY_LENGTH = (table << 32 for table in range(4))


def neighbour_bonds(
    tokens: Buffer,
    ends: Buffer,
    begins: Buffer,
    counts: Buffer,
    seen: float,
    places: float,
    square: float,
    weight: float,
) -> bytes:
    """The bond of each place of a text with the next (double), 0.0 where a 0 is one of them.

    That of the numbers a and b, which stand side by side n times, is ``ends[a] + begins[b] + weight * (ln((n + seen) /
    places) - ln(counts[a] * counts[b] / square))``; the three tables are doubles by number. O(words).

    >>> costs = array("d", [0, 0.5, 0.25]), array("d", [0, 1, 2]), array("d", [1, 2, 2])
    >>> list(array("d", neighbour_bonds(array("I", [1, 2, 0, 1]), *costs, 0.0, 1.0, 4.0, 0.5)))
    [2.5, 0.0, 0.0, 0.0]
    """
    text, after = _items(tokens, "I", "tokens"), _items(ends, "d", "ends")
    before, often = _items(begins, "d", "begins"), _items(counts, "d", "counts")
    for name, table in (("begins", before), ("counts", often)):
        if len(table) != len(after):
            raise ValueError(f"{name}: expected {len(after)} items, got {len(table)}")
    _check_numbers(text, len(after))
    if not (seen >= 0.0 and places > 0.0 and square > 0.0 and all(map((0.0).__lt__, often))):
        raise ValueError("counts: expected numbers above 0, as places and square, got another")
    keys = array("Q", map(add, map((1 << 32).__mul__, text), chain(text[1:], (0,))))
    bonds: dict[int, float] = {}
    logs: dict[int, float] = {}
    for key, number in Counter(keys).items():
        left, right = key >> 32, key & 0xFFFFFFFF
        if left and right:
            joint = logs.get(number)
            if joint is None:
                joint = logs[number] = log((number + seen) / places)
            pmi = joint - log(often[left] * often[right] / square)
            bonds[key] = after[left] + before[right] + weight * pmi
        else:
            bonds[key] = 0.0
    return array("d", map(bonds.__getitem__, keys)).tobytes()


def _check_numbers(text: Any, size: int) -> None:
    if len(text) and max(text) >= size:
        place = next(place for place, token in enumerate(text) if token >= size)
        raise ValueError(f"tokens: expected numbers below {size}, got {text[place]} at {place}")


def count_brackets(tokens: Buffer, drawn: Buffer, bonds: Buffer, classes: Buffer) -> tuple[bytes, bytes, bytes]:
    """Keys (uint64, rising), how many spans have each, and how many brackets (both uint64).

    ``drawn`` (uint32) are the places where stretches begin, each of 64 words at most; ``bonds`` (double) has for each
    place of the text its bond with the next, ``classes`` (uint16) a class for each number. A key is the number of the
    table times 2**32 (0 first and last word, 1 before and after, 2 last and after, 3 the length), the class on the left
    times 2**16, the class on the right; or the length. Of equal bonds the leftmost is split first.
    O(words x length of the stretches).

    The stretch 1 2 1, which splits after its second word; so of the spans 1 2 and 2 1 the first is a bracket:

    >>> text, classes = array("I", [1, 2, 1, 0]), array("H", [0, 7, 8])
    >>> found = count_brackets(text, array("I", [0]), array("d", [2.0, 1.0, 0.0, 0.0]), classes)
    >>> keys, spans, brackets = (list(array("Q", part)) for part in found)
    >>> [(key >> 32, key >> 16 & 0xFFFF, key & 0xFFFF) for key in keys]
    [(0, 7, 8), (0, 8, 7), (1, 0, 7), (1, 7, 0), (2, 7, 0), (2, 8, 7), (3, 0, 2)]
    >>> spans, brackets
    ([1, 1, 1, 1, 1, 1, 2], [1, 0, 1, 0, 0, 1, 1])
    """
    text, begins = _items(tokens, "I", "tokens"), _items(drawn, "I", "drawn")
    between, groups = _items(bonds, "d", "bonds"), _items(classes, "H", "classes")
    if len(between) != len(text):
        raise ValueError(f"bonds: expected {len(text)} items, got {len(between)}")
    _check_numbers(text, len(groups))
    by_size: defaultdict[int, array[int]] = defaultdict(lambda: array("H"))
    brackets: Counter[int] = Counter()
    trees = _Trees()
    for begin in begins:
        end = _end(text, begin)
        around = array("H", [0, *map(groups.__getitem__, text[begin:end]), 0])
        by_size[end - begin].extend(around)
        trees.add(around, between[begin : end - 1])
    spans: Counter[int] = Counter()
    for size, rows in by_size.items():
        for start in range(size - 1):
            for stop in range(start + 2, size + 1):
                if stop - start < size:
                    columns = (rows[place :: size + 2] for place in (start, start + 1, stop, stop + 1))
                    _count(spans, *columns)
                    spans[BY_LENGTH + stop - start] += len(rows) // (size + 2)
    trees.count(brackets)
    keys = array("Q", sorted(spans))
    counts = (array("Q", map(table.__getitem__, keys)).tobytes() for table in (spans, brackets))
    return keys.tobytes(), *counts  # type: ignore[return-value]


def _end(text: Any, begin: int) -> int:
    """Where the stretch that begins there ends."""
    if begin >= len(text) or not text[begin]:
        raise ValueError(f"drawn: expected places of words below {len(text)}, got {begin}")
    end = begin + 1
    while end < len(text) and text[end]:
        end += 1
        if end - begin > MOST_WORDS:
            raise ValueError(f"drawn: expected stretches of at most {MOST_WORDS} words, got more at {begin}")
    return end


class _Trees:
    """The brackets of trees as places in one row of classes, 0 before and after each stretch."""

    def __init__(self) -> None:
        self.around, self.starts, self.stops = array("H"), array("I"), array("I")

    def add(self, around: array[int], bonds: array[float]) -> None:
        """Add the tree of a stretch."""
        base, size = len(self.around), len(around) - 2
        self.around.extend(around)
        for start, stop in _weakest_bond(bonds):
            if stop - start < size:
                self.starts.append(base + start)
                self.stops.append(base + stop)

    def count(self, found: Counter[int]) -> None:
        """Count their keys."""
        here, after = self.around.__getitem__, self.around[1:].__getitem__
        starts, stops = self.starts, self.stops
        _count(found, map(here, starts), map(after, starts), list(map(here, stops)), list(map(after, stops)))
        found.update(map(add, map(sub, stops, starts), repeat(BY_LENGTH)))


def _count(found: Counter[int], before: Any, first: Any, last: Any, after: Any) -> None:
    """Count the keys of spans by their edges, column by column."""
    shift = (1 << 16).__mul__
    found.update(map(add, map(shift, first), last))
    found.update(map(add, map((AROUND).__add__, map(shift, before)), after))
    found.update(map(add, map((AT_END).__add__, map(shift, last)), after))


def _weakest_bond(bonds: array[float]) -> Iterator[tuple[int, int]]:
    """Where the brackets of the tree start and end.

    A bond is the weakest of the span that reaches, on either side, to the next that is weaker.
    """
    weaker: list[int] = []  # bonds to the left, each weaker than those after it, or equal
    starts: list[int] = []
    for place, bond in enumerate(bonds):
        while weaker and bonds[weaker[-1]] > bond:
            yield starts[weaker.pop()], place + 1
        starts.append(weaker[-1] + 1 if weaker else 0)
        weaker.append(place)
    for place in weaker:
        yield starts[place], len(bonds) + 1
