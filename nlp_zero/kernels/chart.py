"""A chart over the spans of a sentence: the best brackets that templates explain, and sums over all of them.

**Templates** come as a trie in five arrays of int32, its ``trie``: the edges of node k by labels are
``edges[k] <= number < edges[k + 1]``, each with its label in ``keys``, ascending, and where it leads in ``targets``;
the edge by a slot of any words leads to ``slots[k]``, or is not there (-1); ``finals[k]`` is the template that ends in
the node, or -1. Node 0 is the root, and edges lead to nodes of higher numbers. A label stands for one word: the word
itself, or a class that it is in; the sentence comes as the two labels of each word, -1 for none.

**Derivations.** Words ``start`` to ``end`` are a *block* in one of these ways:

* one word: a block of score 0;
* a template whose parts cover the span, each of its slots a block: the weight of the template plus the scores of these;
* a list of two or more items side by side, each one word or a template over its span: the sum of their scores, plus
  ``null`` for each item after the first. Within a ``bonus``, an item is any block.

``bonus`` is empty, or has a number for each span, ``bonus[start * (size + 1) + end]``: it is added to every block of
two or more words. So every sequence is covered exactly once, by brackets that do not cross, and a list competes
with templates on every span.

**Ties** of :func:`best_brackets`: a template wins over a list; of templates, the one of the lower number; of the ways
in which it covers the span, the one whose last slot is shortest, then the one before it, ...; of lists, the one whose
last item is shortest, then the one before it, ...; a bracket without a template stands only if it adds to the score.

The chart fills from the last start to the first; for a start, an *item* is a node of the trie that some words from
there on have led to. Time O(size**2 * matches), matches being the items of a span times the starts of their last slot;
plus O(size) for each span for the lists. Memory O(size**2 + items). Nothing is recursive.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import TypeAlias

__all__ = ["best_brackets", "template_sums"]

LONGEST = 512
"""The most words of a sentence, so that sums cannot overflow."""

LIMIT = 1 << 50
"""The largest size of a weight."""

NONE = -(1 << 62)

Trie: TypeAlias = "tuple[array[int], array[int], array[int], array[int], array[int]]"


class _Items:
    """The items of one start, in the order in which they were made; what they share are their numbers.

    ``node`` and ``end`` say what was reached and where; ``before`` is the item that led there by a label, or the last
    (by its end) of those that led there by a slot; ``older`` is the item before this one whose node has the same slot.
    """

    __slots__ = ("before", "end", "node", "older", "value")

    def __init__(self) -> None:
        self.node: list[int] = []
        self.end: list[int] = []
        self.before: list[int] = []
        self.older: list[int] = []
        self.value: list[float] = []

    def add(self, node: int, end: int, before: int, value: float) -> None:
        self.node.append(node)
        self.end.append(end)
        self.before.append(before)
        self.older.append(-1)
        self.value.append(value)


class _Trie:
    """The five arrays; a number out of its place raises ValueError as it is met."""

    __slots__ = ("edges", "finals", "keys", "nodes", "slots", "targets", "templates")

    def __init__(self, trie: Trie, templates: int) -> None:
        self.edges, self.keys, self.targets, self.slots, self.finals = trie
        self.nodes, self.templates = len(self.slots), templates
        if not 1 <= self.nodes == len(self.finals) == len(self.edges) - 1 or len(self.keys) != len(self.targets):
            raise ValueError("trie: expected arrays of one length by nodes, and by edges")

    def follow(self, node: int, label: int) -> int:
        """Where a label leads, or -1."""
        low, high = self.edges[node], self.edges[node + 1]
        if not 0 <= low <= high <= len(self.keys):
            raise ValueError("trie: edges out of range")
        place = bisect_left(self.keys, label, low, high)
        return self.checked(node, self.targets[place]) if place < high and self.keys[place] == label else -1

    def checked(self, node: int, target: int) -> int:
        if not node < target < self.nodes:
            raise ValueError("trie: an edge leads to no node of a higher number")
        return target

    def slot(self, node: int) -> int:
        return -1 if self.slots[node] < 0 else self.checked(node, self.slots[node])

    def final(self, node: int) -> int:
        if self.finals[node] >= self.templates:
            raise ValueError("trie: a node ends no template")
        return self.finals[node]

    def serves(self, node: int, labels: Sequence[int]) -> bool:
        """Whether a slot that ends before these labels can end a template or go on."""
        if self.final(node) >= 0 or self.slots[node] >= 0:
            return True
        return any(label >= 0 and self.follow(node, label) >= 0 for label in labels)


class _Chart:
    """What both kernels fill alike: the items of each start."""

    def __init__(self, words: array[int], classes: array[int], trie: Trie, templates: int) -> None:
        if not 1 <= len(words) <= LONGEST or len(classes) != len(words):
            raise ValueError(f"words: expected 1 to {LONGEST}, with as many classes")
        self.size = len(words)
        self.labels: list[tuple[int, ...]] = [*zip(words, classes, strict=True), ()]
        self.trie = _Trie(trie, templates)
        self.starts = [_Items() for _ in words]

    def begin(self, start: int) -> _Start:
        return _Start(self.starts[start], start)

    def by_labels(self, here: _Start, end: int) -> None:
        """The items that the last word of a span makes of those that end before it."""
        items, follow = here.items, self.trie.follow
        if end - 1 == here.start:
            for label in self.labels[here.start]:
                node = follow(0, label) if label >= 0 else -1
                if node >= 0:
                    items.add(node, end, -1, here.one)
        for item in range(here.last, here.next):
            for label in self.labels[end - 1]:
                node = follow(items.node[item], label) if label >= 0 else -1
                if node >= 0:
                    items.add(node, end, item, items.value[item])

    def open(self, here: _Start, first: int) -> None:
        """From its end on, an item may be followed by a slot."""
        items = here.items
        for item in range(first, len(items.node)):
            slot = self.trie.slot(items.node[item])
            if slot >= 0:
                items.older[item] = here.opened.get(slot, -1)
                here.opened[slot] = item


class _Start:
    """A start as its ends go by: the open slots, each with the last item before it; the items of the last end."""

    __slots__ = ("items", "last", "next", "one", "opened", "start")

    def __init__(self, items: _Items, start: int) -> None:
        self.items, self.start = items, start
        self.opened: dict[int, int] = {}
        self.last = self.next = 0
        self.one: float = 0


def _bounded(weight: int) -> int:
    if not -LIMIT <= weight <= LIMIT:
        raise ValueError("weights: expected numbers from -2**50 to 2**50")
    return weight


def best_brackets(
    words: array[int],
    classes: array[int],
    trie: Trie,
    weights: array[int],
    null: int,
    bonus: array[int],
) -> tuple[int, array[int]]:
    """The score of the best derivation; for each bracket, as they open, its start, its end, its template (-1: a list).

    ``weights``, ``null`` and ``bonus`` are whole numbers (int64) of at most ``2**50``, so that sums are exact.

    >>> trie = tuple(array("i", row) for row in ([0, 0, 1, 1, 1], [7], [2], [1, -1, 3, -1], [-1, -1, -1, 0]))
    >>> score, brackets = best_brackets(array("i", [-1, 7, -1]), array("i", [-1] * 3), trie, array("q", [-5]), -20,
    ...     array("q"))
    >>> score, list(brackets)
    (-5, [0, 3, 0])
    """
    chart = _Best(words, classes, trie, weights, null, bonus)
    for start in reversed(range(chart.size)):
        chart.fill(start)
    return chart.block[chart.size], chart.brackets()


class _Best(_Chart):
    """The tables of :func:`best_brackets`, each by ``start * (size + 1) + end``."""

    def __init__(
        self,
        words: array[int],
        classes: array[int],
        trie: Trie,
        weights: array[int],
        null: int,
        bonus: array[int],
    ) -> None:
        super().__init__(words, classes, trie, len(weights))
        cells = self.size * (self.size + 1)
        if bonus and len(bonus) != cells:
            raise ValueError("bonus: expected none, or a number for each start and end")
        self.weights, self.null, self.bonus = weights, _bounded(null), bonus
        self.block = [0] * cells  # the best of a span as a bracket, and of one word
        self.item = [0] * cells  # as one item of a list
        self.list = [0] * cells  # as one item or more
        self.ended = [-1] * cells  # the item whose template is best, or -1
        self.split = [-1] * cells  # where the last item of the best list of two or more begins
        self.plain = bytearray(cells)  # whether that list is better than the best template
        self.joined = bytearray(cells)  # whether it is better than one item

    def fill(self, start: int) -> None:
        """All spans from a start; those from later starts are there."""
        here, items, row = self.begin(start), self.starts[start], start * (self.size + 1)
        first_slot = self.trie.slot(0)
        for end in range(start + 1, self.size + 1):
            first = len(items.node)
            self.by_labels(here, end)
            self.by_slots(here, end)
            self.open(here, first)
            if end - start > 1:
                self.choose(start, end, first)
            if first_slot >= 0 and self.trie.serves(first_slot, self.labels[end]):
                items.add(first_slot, end, -1, self.block[row + end])
                self.open(here, len(items.node) - 1)
            here.last, here.next = first, len(items.node)

    def by_slots(self, here: _Start, end: int) -> None:
        """The items of a span whose last part is a slot: the best of the places where it may begin."""
        items, wide = here.items, self.size + 1
        for slot, head in here.opened.items():
            if not self.trie.serves(slot, self.labels[end]):
                continue
            best, chosen, item = NONE, -1, head
            while item >= 0:
                value = int(items.value[item]) + self.block[items.end[item] * wide + end]
                if value > best:
                    best, chosen = value, item
                item = items.older[item]
            items.add(slot, end, chosen, best)

    def choose(self, start: int, end: int, first: int) -> None:
        """The best of a span of two or more words; ``first`` is the first item that ends there."""
        wide, items = self.size + 1, self.starts[start]
        cell = start * wide + end
        best, template = NONE, -1
        for item in range(first, len(items.node)):
            final = self.trie.final(items.node[item])
            if final >= 0:
                value = int(items.value[item]) + _bounded(self.weights[final])
                if value > best or (value == best and final < template):
                    best, template, self.ended[cell] = value, final, item
        listed = NONE
        for place in range(end - 1, start, -1):
            item_value = self.item[place * wide + end]
            if item_value != NONE:
                value = self.list[start * wide + place] + self.null + item_value
                if value > listed:
                    listed, self.split[cell] = value, place
        self.plain[cell] = listed > best
        bonus = _bounded(self.bonus[cell]) if self.bonus else 0
        self.block[cell] = max(best, listed) + bonus
        if self.bonus:
            self.item[cell] = self.block[cell]
        else:
            self.item[cell] = best
        self.joined[cell] = listed > self.item[cell] or (listed == self.item[cell] and bool(self.plain[cell]))
        self.list[cell] = max(listed, self.item[cell])

    def brackets(self) -> array[int]:
        """The best brackets of the whole, read off from the tables."""
        wide = self.size + 1
        found = array("i")
        pending = [(0, self.size, False)]
        while pending:
            start, end, listed = pending.pop()
            cell = start * wide + end
            template = end - start > 1 and (listed or not self.plain[cell])
            if not template:
                found.extend((start, end, -1))
                pending.extend(self.listed(start, end))
                continue
            items, item = self.starts[start], self.ended[cell]
            found.extend((start, end, self.trie.finals[items.node[item]]))
            while item >= 0:
                before = items.before[item]
                place = items.end[before] if before >= 0 else start
                if items.end[item] - place > 1:  # a label covers one word
                    pending.append((place, items.end[item], False))
                item = before
        return found

    def listed(self, start: int, end: int) -> list[tuple[int, int, bool]]:
        """The items of a list that are brackets, the last first; and whether each must be a template."""
        wide = self.size + 1
        found: list[tuple[int, int, bool]] = []
        while True:
            place = self.split[start * wide + end]
            if place < 0:
                return found
            if end - place > 1:
                found.append((place, end, not self.bonus))
            end = place
            if not self.joined[start * wide + end]:
                if end - start > 1:
                    found.append((start, end, not self.bonus))
                return found


def template_sums(
    words: array[int],
    classes: array[int],
    trie: Trie,
    weights: array[float],
    null: float,
    expected: array[float],
) -> float:
    """The sum over all derivations of the products of their weights; adds to ``expected`` what each template shares.

    Inside and outside (Lari and Young 1990), without a bonus: ``weights`` and ``null`` (float64) multiply here, and a
    template has its part of the derivations, by their products, times its uses in them added to its number in
    ``expected``. Nothing is added where the sum is 0 or not finite.

    >>> trie = tuple(array("i", row) for row in ([0, 0, 1, 1, 1], [7], [2], [1, -1, 3, -1], [-1, -1, -1, 0]))
    >>> expected = array("d", [0.0])
    >>> template_sums(array("i", [-1, 7, -1]), array("i", [-1] * 3), trie, array("d", [0.5]), 0.5, expected)
    0.75
    >>> round(expected[0], 6)  # 0.5 by the template, 0.25 by a list of three words
    0.666667
    """
    if len(expected) != len(weights):
        raise ValueError("expected: a number for each template")
    chart = _Sums(words, classes, trie, weights, null)
    for start in reversed(range(chart.size)):
        chart.fill(start)
    total = chart.block[chart.size]
    if 0.0 < total < float("inf"):
        chart.share(total, expected)
    return total


class _Sums(_Chart):
    """The tables of :func:`template_sums`, each by ``start * (size + 1) + end``; ``item`` is what templates give."""

    def __init__(self, words: array[int], classes: array[int], trie: Trie, weights: array[float], null: float) -> None:
        super().__init__(words, classes, trie, len(weights))
        self.weights, self.null = weights, null
        cells = self.size * (self.size + 1)
        self.block, self.item = [0.0] * cells, [0.0] * cells
        self.firsts = [[0] * (self.size + 1) for _ in words]  # the first item of each end
        self.lasts = [[0] * (self.size + 1) for _ in words]  # behind the last of those that may end a template

    def fill(self, start: int) -> None:
        here, items, row = self.begin(start), self.starts[start], start * (self.size + 1)
        here.one = 1.0
        first_slot = self.trie.slot(0)
        for end in range(start + 1, self.size + 1):
            first = self.firsts[start][end] = len(items.node)
            self.by_labels(here, end)
            self.by_slots(here, end)
            self.open(here, first)
            self.lasts[start][end] = len(items.node)
            if end - start > 1:
                self.add_up(start, end, first)
            else:
                self.block[row + end] = self.item[row + end] = 1.0
            if first_slot >= 0 and self.trie.serves(first_slot, self.labels[end]):
                items.add(first_slot, end, -1, self.block[row + end])
                self.open(here, len(items.node) - 1)
            here.last, here.next = first, len(items.node)

    def by_slots(self, here: _Start, end: int) -> None:
        items, wide = here.items, self.size + 1
        for slot, head in here.opened.items():
            if not self.trie.serves(slot, self.labels[end]):
                continue
            total, item = 0.0, head
            while item >= 0:
                total += items.value[item] * self.block[items.end[item] * wide + end]
                item = items.older[item]
            items.add(slot, end, head, total)

    def add_up(self, start: int, end: int, first: int) -> None:
        wide, items = self.size + 1, self.starts[start]
        explained = listed = 0.0
        for item in range(first, len(items.node)):
            final = self.trie.final(items.node[item])
            if final >= 0:
                explained += items.value[item] * self.weights[final]
        for place in range(end - 1, start, -1):
            listed += self.block[start * wide + place] * self.null * self.item[place * wide + end]
        self.item[start * wide + end] = explained
        self.block[start * wide + end] = explained + listed

    def share(self, total: float, expected: array[float]) -> None:
        """From the whole to its parts: what stands outside of each, then what it shares in the sum."""
        cells = len(self.block)
        self.outer, self.outer_item = [0.0] * cells, [0.0] * cells
        self.outer[self.size] = 1.0 / total
        for start in range(self.size):
            self.share_start(start, expected)

    def share_start(self, start: int, expected: array[float]) -> None:
        wide, items = self.size + 1, self.starts[start]
        outer, outer_item = self.outer, self.outer_item
        around = [0.0] * len(items.node)
        for end in range(self.size, start, -1):
            cell = start * wide + end
            first, last = self.firsts[start][end], self.lasts[start][end]
            if last < len(items.node) and items.end[last] == end:  # the slot that begins a template
                outer[cell] += around[last]
            if end - start > 1:
                explained = outer[cell] + outer_item[cell]
                for item in range(first, last):
                    final = self.trie.final(items.node[item])
                    if final >= 0:
                        around[item] += explained * self.weights[final]
                        expected[final] += explained * (items.value[item] * self.weights[final])
                for place in range(end - 1, start, -1):
                    listed = outer[cell] * self.null
                    outer[start * wide + place] += listed * self.item[place * wide + end]
                    outer_item[place * wide + end] += listed * self.block[start * wide + place]
            for item in range(last - 1, first - 1, -1):
                self.share_item(items, item, around)

    def share_item(self, items: _Items, item: int, around: list[float]) -> None:
        """What stands outside of an item goes to the one before it, and to the block in its slot."""
        before, end = items.before[item], items.end[item]
        if before < 0:
            return
        if self.trie.slots[items.node[before]] != items.node[item]:
            around[before] += around[item]
            return
        while before >= 0:
            cell = items.end[before] * (self.size + 1) + end
            around[before] += around[item] * self.block[cell]
            self.outer[cell] += around[item] * items.value[before]
            before = items.older[before]
