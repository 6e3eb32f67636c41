"""The structured perceptron: one pass over sentences, each decoded with the weights so far and learnt from.

Weights and shapes are those of ``chain.py`` and ``rows.py``: a table of ``width`` doubles an attribute, tables of
width x width an edge attribute. Where the best labelling of a sentence is not the true one, the weights of what is true
and was not found rise by the value of the attribute (1.0 unless given), those of what was found and is not true fall;
beside the weights stand their sums, each change times its *moment*, the number of sentences seen, so that the average
of the weights over all moments is weights - sums / moments (M. Collins 2002, "Discriminative training methods for
hidden Markov models"; the sums after H. Daumé 2006). Without values all numbers are whole, and sums exact.
"""

from __future__ import annotations

from array import array
from operator import add
from typing import Any

from .rows import Buffer, _check_width, check_below, check_rows, view, writable

__all__ = ["perceptron_pass"]


def perceptron_pass(
    starts: Buffer,
    rows: tuple[Buffer, Buffer, Buffer],
    edge_rows: tuple[Buffer, Buffer],
    labels: Buffer,
    width: int,
    order: Buffer,
    moment: int,
    states: Buffer,
    edges: Buffer,
    state_sums: Buffer,
    edge_sums: Buffer,
) -> int:
    """Learns from the sentences ``order`` (int32) names, in that order; the first comes at ``moment`` + 1.

    ``rows`` are offsets (int64), attributes (int32) and values (double, or none) of positions, ``edge_rows`` offsets
    and attributes of edges, or none where table 0 counts at every position but a sentence's first. ``states``,
    ``edges`` and their sums (double) are changed. Returns how many positions were labelled wrongly. Of labellings that
    score alike the one with smaller labels at the end is best. O(attributes x width + positions x width**2).

    >>> states, edges, sums, more = (array("d", bytes(8 * size)) for size in (4, 4, 4, 4))
    >>> shape = (array("q", [0, 1, 2]), array("i", [0, 1]), b""), (b"", b"")
    >>> arguments = array("q", [0, 2]), *shape, array("i", [0, 1]), 2, array("i", [0])
    >>> [perceptron_pass(*arguments, moment, states, edges, sums, more) for moment in range(3)]
    [1, 0, 0]
    >>> list(states), list(edges)
    ([0.0, 0.0, -1.0, 1.0], [-1.0, 1.0, 0.0, 0.0])
    """
    _check_width(width)
    first = view(starts, "q", "starts")
    offsets, attributes, values = (
        view(part, code, name) for part, code, name in zip(rows, "qid", ("offsets", "items", "values"), strict=True)
    )
    positions = max(len(offsets) - 1, 0)
    check_rows("starts", first, 0, len(first) - 1, positions)
    check_rows("offsets", offsets, 0, len(offsets) - 1, len(attributes))
    if len(values) and len(values) != len(attributes):
        raise ValueError(f"values: expected {len(attributes)} items, got {len(values)}")
    truth = view(labels, "i", "labels", positions)
    check_below("labels", truth, 0, positions, width)
    tables = [writable(part, "d", name) for part, name in ((states, "states"), (edges, "edges"))]
    sums = [
        writable(part, "d", name, len(table))
        for part, name, table in ((state_sums, "state sums", tables[0]), (edge_sums, "edge sums", tables[1]))
    ]
    if len(tables[0]) % width:
        raise ValueError(f"states: expected rows of {width} items, got {len(tables[0])} items")
    if len(tables[1]) % (width * width) or not len(tables[1]):
        raise ValueError(f"edges: expected tables of {width * width} items, got {len(tables[1])} items")
    check_below("items", attributes, 0, len(attributes), len(tables[0]) // width)
    edge_offsets, edge_items = view(edge_rows[0], "q", "edge offsets"), view(edge_rows[1], "i", "edge items")
    if len(edge_offsets):
        if len(edge_offsets) != positions + 1:
            raise ValueError(f"edge offsets: expected {positions + 1} items, got {len(edge_offsets)}")
        check_rows("edge offsets", edge_offsets, 0, positions, len(edge_items))
        check_below("edge items", edge_items, 0, len(edge_items), len(tables[1]) // (width * width))
    turns = view(order, "i", "order")
    check_below("order", turns, 0, len(turns), max(len(first) - 1, 0))
    learner = _Learner(width, tables, sums, offsets, attributes, values, edge_offsets, edge_items)
    wrong = 0
    for turn, sentence in enumerate(turns, 1):
        start, end = first[sentence], first[sentence + 1]
        if start < end:
            wrong += learner.learn(start, truth[start:end], moment + turn)
    learner.write()
    return wrong


class _Learner:
    """The weights as lists of rows while they are learnt."""

    def __init__(
        self,
        width: int,
        tables: list[memoryview],
        sums: list[memoryview],
        offsets: Any,
        attributes: Any,
        values: Any,
        edge_offsets: Any,
        edge_items: Any,
    ) -> None:
        self.width, self.buffers = width, (*tables, *sums)
        self.states, self.edges, self.state_sums, self.edge_sums = (
            [list(part[place : place + width]) for place in range(0, len(part), width)] for part in self.buffers
        )
        self.offsets, self.attributes, self.values = offsets, attributes, values
        self.edge_offsets, self.edge_items = edge_offsets, edge_items

    def write(self) -> None:
        """Bring the rows back to the buffers."""
        lists = self.states, self.edges, self.state_sums, self.edge_sums
        for buffer, rows in zip(self.buffers, lists, strict=True):
            buffer[:] = array("d", [number for row in rows for number in row])

    def items(self, place: int) -> Any:
        """The edge attributes of a position that is not the first."""
        if not len(self.edge_offsets):
            return (0,)
        return self.edge_items[self.edge_offsets[place] : self.edge_offsets[place + 1]]

    def score(self, place: int) -> list[float]:
        """What each label scores at a position."""
        begin, end = self.offsets[place], self.offsets[place + 1]
        rows = map(self.states.__getitem__, self.attributes[begin:end])
        if not len(self.values):
            # Whole numbers: their sums are exact in any order, and so by sum().
            return list(map(sum, zip(*rows, strict=True))) if begin < end else [0.0] * self.width
        total = [0.0] * self.width
        for row, value in zip(rows, self.values[begin:end], strict=True):
            total = list(map(add, total, [weight * value for weight in row]))
        return total

    def columns(self, place: int) -> list[list[float]]:
        """What each label scores after each other one: a list of the label before for each label."""
        width = self.width
        total = [[0.0] * width for _ in range(width)]
        for item in self.items(place):
            table = self.edges[item * width : (item + 1) * width]
            total = [list(map(add, row, more)) for row, more in zip(total, table, strict=True)]
        return list(map(list, zip(*total, strict=True)))

    def decode(self, start: int, size: int) -> list[int]:
        """The best labels; ties go to the smaller label, from the end."""
        score = self.score(start)
        origins: list[list[int]] = []
        plain = self.columns(start) if not len(self.edge_offsets) else []
        for place in range(start + 1, start + size):
            best, origin = [], []
            for column in plain or self.columns(place):
                arrived = list(map(add, score, column))
                top = max(arrived)
                best.append(top)
                origin.append(arrived.index(top))
            score = list(map(add, best, self.score(place)))
            origins.append(origin)
        found = [score.index(max(score))]
        for origin in reversed(origins):
            found.append(origin[found[-1]])
        return found[::-1]

    def learn(self, start: int, truth: Any, moment: int) -> int:
        """Learn from one sentence; returns how many labels were wrong."""
        found = self.decode(start, len(truth))
        wrong, width = 0, self.width
        for step, (true, got) in enumerate(zip(truth, found, strict=True)):
            place = start + step
            if true != got:
                wrong += 1
                begin, end = self.offsets[place], self.offsets[place + 1]
                for at in range(begin, end):
                    value = self.values[at] if len(self.values) else 1.0
                    row, sums = self.states[self.attributes[at]], self.state_sums[self.attributes[at]]
                    row[true] += value
                    sums[true] += value * moment
                    row[got] -= value
                    sums[got] -= value * moment
            if step and (true != got or truth[step - 1] != found[step - 1]):
                for item in self.items(place):
                    before, other = item * width + truth[step - 1], item * width + found[step - 1]
                    self.edges[before][true] += 1.0
                    self.edge_sums[before][true] += moment
                    self.edges[other][got] -= 1.0
                    self.edge_sums[other][got] -= moment
        return wrong
