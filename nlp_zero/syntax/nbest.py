"""The n best derivations of a chart: what :func:`nlp_zero.kernels.chart.best_brackets` finds, and the next ones.

The chart is filled in the same order, with the n best of each item and each span in the place of the best. Of two
ordered lists only those pairs can be among the n best sums whose ranks multiply to n at most, so an edge costs
O(n log n) where it cost 1. Derivations share their parts as linked tuples; nothing is recursive.

Ties are broken as there for the first, and then by the same order of candidates; so the first is the best, bracket by
bracket, and two calls give the same.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import Any, TypeAlias

from .matching import Trie

__all__ = ["best_derivations", "best_sums"]

# A block of two words or more: start, end, template (-1: a list), and its inner blocks, linked from the last.
Block: TypeAlias = "tuple[int, int, int, Any]"
# A score, and the blocks so far: (the link before, a block) or None.
Entry: TypeAlias = "tuple[int, Any]"
Brackets: TypeAlias = "list[tuple[int, int, int]]"

_ONE: list[Entry] = [(0, None)]


def best_derivations(
    words: array[int],
    classes: array[int],
    trie: Trie,
    weights: array[int],
    null: int,
    bonus: array[int],
    count: int,
) -> list[tuple[int, Brackets]]:
    """The ``count`` best derivations, the best first: the score and the brackets, as they open, of each.

    The arguments are those of :func:`nlp_zero.kernels.chart.best_brackets`. Time is that of its Python twin times
    O(n log n), memory O(n * items).
    """
    if len(words) < 2:
        return [(0, [(0, len(words), -1)])]
    chart = _Chart(words, classes, trie, weights, null, bonus, count)
    for start in reversed(range(len(words))):
        chart.fill(start)
    return [(score, _read(block)) for score, block in chart.block[0, len(words)]]


def best_sums(lists: Sequence[Sequence[int]], count: int) -> Iterator[tuple[int, ...]]:
    """The places of the best choices of one number from each list, which are in falling order; the best sum first.

    >>> list(best_sums([[9, 5], [8, 7, 1]], 3))
    [(0, 0), (0, 1), (1, 0)]
    """
    first = (0,) * len(lists)
    pending = [(-sum(row[0] for row in lists), first)]
    seen = {first}
    for _ in range(count):
        if not pending:
            return
        loss, places = heappop(pending)
        yield places
        for number, place in enumerate(places):
            following = (*places[:number], place + 1, *places[number + 1 :])
            if place + 1 < len(lists[number]) and following not in seen:
                seen.add(following)
                heappush(pending, (loss + lists[number][place] - lists[number][place + 1], following))


def _read(block: Block) -> Brackets:
    found: Brackets = []
    pending = [block]
    while pending:
        start, end, template, link = pending.pop()
        found.append((start, end, template))
        while link is not None:
            link, inner = link
            pending.append(inner)
    return found


class _Chart:
    """For each span the n best blocks (``block``), single items of a list (``item``), and lists (``lists``)."""

    def __init__(
        self,
        words: array[int],
        classes: array[int],
        trie: Trie,
        weights: array[int],
        null: int,
        bonus: array[int],
        count: int,
    ) -> None:
        self.size = len(words)
        self.labels = [*([label for label in pair if label >= 0] for pair in zip(words, classes, strict=True)), []]
        self.trie, self.weights, self.null, self.bonus, self.count = trie, weights, null, bonus, count
        self.block: dict[tuple[int, int], list[Entry]] = {}
        self.item: dict[tuple[int, int], list[Entry]] = {}
        self.lists: dict[tuple[int, int], list[Entry]] = {}
        for place in range(self.size):
            for table in (self.block, self.item, self.lists):
                table[place, place + 1] = _ONE

    def fill(self, start: int) -> None:
        """All spans from a start; those from later starts are there."""
        trie = self.trie
        opened: dict[int, list[tuple[int, list[Entry]]]] = {}  # by slot: where it may begin, and what led there
        before: list[tuple[int, list[Entry]]] = [(0, _ONE)]
        for end in range(start + 1, self.size + 1):
            here = [
                (node, entries)
                for item, entries in before
                for label in self.labels[end - 1]
                if (node := self._follow(item, label)) >= 0
            ]
            for slot, sources in opened.items():
                if self._serves(slot, end):
                    pairs = ((place, entries) for place, entries in reversed(sources))
                    here.append((slot, self._best(self._sums(pairs, self.block, end, 0))))
            if end - start > 1:
                self._choose(start, end, here)
            first = trie.slots[0]
            if first >= 0 and self._serves(first, end):
                blocks = self.block[start, end]
                here.append((first, _ONE if end - start == 1 else [(score, (None, block)) for score, block in blocks]))
            for node, entries in here:
                if trie.slots[node] >= 0:
                    opened.setdefault(trie.slots[node], []).append((end, entries))
            before = here

    def _follow(self, node: int, label: int) -> int:
        low, high = self.trie.edges[node], self.trie.edges[node + 1]
        place = bisect_left(self.trie.keys, label, low, high)
        return self.trie.targets[place] if place < high and self.trie.keys[place] == label else -1

    def _serves(self, node: int, end: int) -> bool:
        if self.trie.finals[node] >= 0 or self.trie.slots[node] >= 0:
            return True
        return any(self._follow(node, label) >= 0 for label in self.labels[end])

    def _best(self, entries: Iterable[Entry]) -> list[Entry]:
        return sorted(entries, key=lambda entry: -entry[0])[: self.count]

    def _sums(
        self,
        sources: Iterable[tuple[int, list[Entry]]],
        table: dict[tuple[int, int], list[Entry]],
        end: int,
        price: int,
    ) -> Iterator[Entry]:
        """What led to a place, with each of the best blocks from there to an end."""
        for place, entries in sources:
            blocks = table.get((place, end), ())
            for rank, (score, link) in enumerate(entries, 1):
                for more, block in blocks[: self.count // rank]:
                    yield score + more + price, link if block is None else (link, block)

    def _choose(self, start: int, end: int, here: list[tuple[int, list[Entry]]]) -> None:
        """The best of a span of two or more words."""
        finals, span = self.trie.finals, (start, end)
        ended = sorted((finals[node], entries) for node, entries in here if finals[node] >= 0)
        explained = self._best(
            (score + self.weights[template], (start, end, template, link))
            for template, entries in ended
            for score, link in entries
        )
        lists = ((place, self.lists.get((start, place), [])) for place in range(end - 1, start, -1))
        listed = self._best(self._sums(lists, self.item, end, self.null))
        bonus = self.bonus[start * (self.size + 1) + end] if self.bonus else 0
        every = [*explained, *((score, (start, end, -1, link)) for score, link in listed)]
        self.block[span] = self._best((score + bonus, block) for score, block in every)
        self.item[span] = self.block[span] if self.bonus else explained
        single = [(score, (None, block)) for score, block in self.item[span]]
        templates = [entry for entry in single if entry[1][1][2] >= 0]
        bracketed = [entry for entry in single if entry[1][1][2] < 0]
        self.lists[span] = self._best([*templates, *listed, *bracketed])
