"""The likelihood of a data set under a CRF, as a function of weights that :mod:`.optimize` can descend.

What costs time is visiting weights, so there are as few of them as can be. Attributes that occur at the same positions
have the same gradient; with a penalty, or from equal weights on, they end with the same weight. k of them are *alike*
and stand here as one, with the variable u = sqrt(k) w: then the score of a position is sqrt(k) u, the penalties c2 u**2
and c1 sqrt(k) |u|, and descent takes the very steps that it would take with all of them. Of the chunks of CoNLL-2000 a
third of all attributes falls away.

A value and gradient are two passes. The first goes through sentences: scores, sums over labellings, and of each
position the errors, probability less truth, of its labels. The second goes through attributes and adds up the errors of
the positions that have them. No thread writes where another does, and every sum has an order of its own: the bits do
not depend on the number of workers.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate, count, pairwise
from math import inf, sqrt
from typing import Any

from .. import kernels
from .dataset import Dataset
from .optimize import Team

__all__ = ["Likelihood"]

SHARDS = 32  # of sentences, and of attributes
RANGE = 1 << 16  # weights that a thread takes at a time, where there are more than so many for each shard
GROUP_ITEMS = 24  # what visiting the weights of a group costs beside visiting its positions, in positions
SHARD_ITEMS = 1 << 25  # doubles in the edge gradients of all shards together, where the edges are many


class Likelihood:
    """-log of the probability of the labels of a data set, with penalties c1 |w| + c2 w**2: crfsuite's objective.

    ``observed`` fixes to 0 the weights of attributes and labels, and of neighbouring labels, that never meet in the
    data; ``min_count`` those of attributes that occur less often. Positions that allow several labels count with the
    probability of them all. One evaluation is O(attributes x labels + positions x labels**2).

    >>> from .dataset import pack
    >>> data = pack([[[0, 1], [0, 2]]], [[0, 1]], n_attributes=3, n_labels=2)
    >>> function = Likelihood(data)
    >>> gradient = array("d", bytes(8 * function.size))
    >>> round(function.evaluate(array("d", bytes(8 * function.size)), gradient), 6)  # 2 ln 2
    1.386294
    """

    def __init__(
        self,
        data: Dataset,
        *,
        c1: float = 0.0,
        c2: float = 0.0,
        observed: bool = False,
        min_count: int = 1,
        merge: bool = True,
        team: Team | None = None,
    ) -> None:
        self.data, self.team = data, team or Team()
        self.l1, self.l2 = c1, c2
        self.width = width = data.n_labels
        self._group(merge, min_count)
        self.pairs = self._observed_pairs() if observed else None
        self.state_size = len(self.pairs[1]) if self.pairs else len(self.counts) * width
        self.tables = max(1, data.n_edge_attributes)
        self.blocked = self._blocked_edges(observed)
        self.size = self.state_size + self.tables * width * width
        # Where the weights of each group begin.
        self.columns = self.pairs[0] if self.pairs else array("q", range(0, self.state_size + 1, width))
        self.l2_factors: array[float] | bytes = b""
        self.l1_factors: array[float] | bytes = self._spread(self.factors) if c1 and self.factors else b""
        self._share_out()

    # ---- weights -----------------------------------------------------------------------------------------------

    def _group(self, merge: bool, min_count: int) -> None:
        """Finds attributes that are alike, the frequent ones first: their rows of weights stay in the cache."""
        data = self.data
        turned = kernels.index_rows(data.offsets, data.attributes, _optional(data.values), data.n_attributes)
        starts, rows, values = array("q", turned[0]), turned[1], array("d", turned[2])
        size, least = array("i").itemsize, max(1, min_count)
        if merge and not values:
            kinds = array("i", kernels.alike_rows(starts, array("i", rows), least))
        else:
            numbers = count()
            kinds = array("i", (next(numbers) if end - start >= least else -1 for start, end in pairwise(starts)))
        firsts = array("i")  # the first attribute of each kind
        for attribute, kind in enumerate(kinds):
            if kind == len(firsts):
                firsts.append(attribute)
        order = sorted(range(len(firsts)), key=lambda kind: starts[firsts[kind]] - starts[firsts[kind] + 1])
        groups = array("i", bytes(size * len(order)))
        for group, kind in enumerate(order):
            groups[kind] = group
        # Of each attribute its group; -1 if it is left out.
        self.groups = array("i", [groups[kind] if kind >= 0 else -1 for kind in kinds])
        members = Counter(self.groups)
        self.counts = array("i", map(members.__getitem__, range(len(order))))
        self.factors = array("d", map(sqrt, self.counts)) if max(self.counts, default=1) > 1 else array("d")
        places = [(starts[firsts[kind]], starts[firsts[kind] + 1]) for kind in order]
        self.starts = array("q", accumulate((end - start for start, end in places), initial=0))
        self.rows = array("i", b"".join([rows[size * start : size * end] for start, end in places]))
        self.values = array("d")
        for start, end in places if values else ():
            self.values += values[start:end]
        offsets, items, amounts = kernels.index_rows(self.starts, self.rows, self.values, data.n_positions)
        self.offsets, self.items, self.amounts = array("q", offsets), array("i", items), array("d", amounts)

    def _observed_pairs(self) -> tuple[array[int], array[int]]:
        """Of each group the labels that it meets, sorted."""
        possible = _possible_labels(self.data)
        starts, columns = array("q", (0,)), array("i")
        for group in range(len(self.counts)):
            found: set[int] = set()
            for row in self.rows[self.starts[group] : self.starts[group + 1]]:
                found.update(possible[row])
            columns.extend(sorted(found))
            starts.append(len(columns))
        return starts, columns

    def _blocked_edges(self, observed: bool) -> list[int]:
        """The edge weights that stay 0."""
        data, size = self.data, self.width * self.width
        if not data.n_edge_attributes:
            return list(range(size))
        if not observed:
            return []
        possible = _possible_labels(data)
        found: set[int] = set()
        for start, end in zip(data.starts, data.starts[1:], strict=False):
            for place in range(start + 1, end):
                for item in _edge_items(data, place):
                    base = item * size
                    found.update(base + a * self.width + b for a in possible[place - 1] for b in possible[place])
        return [entry for entry in range(self.tables * size) if entry not in found]

    def _spread(self, factors: array[float]) -> array[float]:
        """A factor for each weight from those of groups; edges have 1."""
        spread = array("d")
        for factor, (start, end) in zip(factors, pairwise(self.columns), strict=True):
            spread.extend([factor] * (end - start))
        spread.extend([1.0] * (self.size - len(spread)))
        return spread

    # ---- shares ------------------------------------------------------------------------------------------------

    def _share_out(self) -> None:
        """Ranges of sentences and of groups that cost about alike, and room for what they give."""
        data = self.data
        edges = self.tables * self.width * self.width
        sentences = max(1, min(SHARDS, SHARD_ITEMS // edges))
        self.sentence_shards = _even_ranges(data.starts, sentences)
        costs = accumulate((end - start + GROUP_ITEMS for start, end in pairwise(self.starts)), initial=0)
        self.group_shards = _even_ranges(array("q", costs), max(SHARDS, self.state_size // RANGE))
        # Ranges of weights for threads: those of groups, then those of edges.
        columns, size = self.columns, self.size - self.state_size
        self.groups_of = {(columns[begin], columns[end]): (begin, end) for begin, end in self.group_shards}
        count = -(-size // RANGE)
        cuts = pairwise([self.state_size + size * number // count for number in range(count + 1)])
        self.ranges = [*self.groups_of, *cuts]
        self.scores = array("d", bytes(8 * data.n_positions * self.width))
        # Of pairs: the rows of their weights, and when those have been read, of their slopes.
        self.table = array("d", bytes(8 * len(self.counts) * self.width if self.pairs else 0))
        self.sums = {begin: array("d", bytes(8 * edges)) for begin, _ in self.sentence_shards}
        self.labels = array("i") if data.allowed is not None else data.labels
        if data.allowed is None and len(data.labels) != data.n_positions:
            raise ValueError(f"labels: expected {data.n_positions} items, got {len(data.labels)}")

    def evaluate(self, weights: array[float], gradient: array[float]) -> float:
        """The value at the weights, in nats, without penalties; ``gradient`` is overwritten."""
        loss = self.loss(weights, gradient)
        if loss < inf:
            self.team.map(lambda begin, end: self.fill(gradient, begin, end), self.ranges)
        return loss

    def loss(self, weights: array[float], gradient: array[float]) -> float:
        """The value at the weights, in nats, without penalties; of the gradient that of edges."""
        states = memoryview(weights)[: self.state_size]
        table: Any = states
        if self.pairs:
            pairs, table = self.pairs, self.table
            self.team.map(
                lambda begin, end: kernels.spread_pairs(*pairs, states, self.width, begin, end, table),
                self.group_shards,
            )
        edges = (
            _optional(self.data.edge_offsets),
            _optional(self.data.edge_attributes),
            memoryview(weights)[self.state_size :],
        )
        losses = self.team.map(lambda begin, end: self._losses(table, edges, begin, end), self.sentence_shards)
        loss = 0.0
        for part in losses:
            loss += part
        if not loss < inf:
            return inf
        self._add_edges(memoryview(gradient)[self.state_size :])
        return loss

    def fill(self, gradient: array[float], begin: int, end: int) -> None:
        """Overwrites one of the ranges of the gradient, if it is not of edges, after :meth:`loss`."""
        if groups := self.groups_of.get((begin, end)):
            self._gradient(memoryview(gradient)[: self.state_size], *groups)

    def _losses(self, table: Any, edges: Any, begin: int, end: int) -> float:
        data = self.data
        first, last = data.starts[begin], data.starts[end]
        shape = self.offsets, self.items, self.amounts, self.factors
        kernels.sum_rows(*shape, b"", table, self.width, first, last, self.scores)
        sums = self.sums[begin]
        sums[:] = array("d", bytes(8 * len(sums)))
        allowed = data.allowed if data.allowed is not None else b""
        return float(
            kernels.chain_losses(data.starts, self.scores, edges, self.labels, allowed, self.width, begin, end, sums)
        )

    def _gradient(self, slopes: memoryview, begin: int, end: int) -> None:
        out = self.table if self.pairs else slopes
        shape = self.starts, self.rows, self.values
        kernels.sum_rows(*shape, b"", self.factors, self.scores, self.width, begin, end, out)
        if self.pairs:
            kernels.pick_pairs(*self.pairs, out, self.width, begin, end, slopes)

    def _add_edges(self, slopes: memoryview) -> None:
        """Adds up the edge gradients of the shards, in their order."""
        size = self.width * self.width
        shards = [self.sums[begin] for begin, _ in self.sentence_shards]
        count = len(shards)
        numbers = array("q", range(0, count + 1, count)) if count else array("q", (0, 0))
        for table in range(self.tables if len(shards) else 0):
            whole = array("d")
            for sums in shards:
                whole += sums[table * size : (table + 1) * size]
            out = array("d", bytes(8 * size))
            kernels.sum_rows(numbers, array("i", range(count)), b"", b"", b"", whole, size, 0, 1, out)
            slopes[table * size : (table + 1) * size] = out
        nothing = array("d", (0.0,))
        for entry in self.blocked:
            slopes[entry : entry + 1] = nothing

    def n_active(self, weights: array[float]) -> int:
        """How many weights of the model are not 0."""
        shape = self.columns, self.counts, memoryview(weights)[: self.state_size]
        states = self.team.map(lambda begin, end: kernels.count_nonzero(*shape, begin, end), self.group_shards)
        edges = weights[self.state_size :]
        return int(sum(states)) + len(edges) - edges.count(0.0)

    # ---- in and out --------------------------------------------------------------------------------------------

    def collect(self, states: array[float], edges: array[float]) -> array[float]:
        """The variables here from weights by attribute and label and from edge weights; zeros where they are fixed.

        Attributes that are alike share the mean of their weights, which leaves every score as it was.
        """
        found = array("d")
        width = self.width
        members: list[list[int]] = [[] for _ in self.counts]
        for attribute, group in enumerate(self.groups):
            if group >= 0:
                members[group].append(attribute)
        for group, its in enumerate(members):
            total = [0.0] * width
            for attribute in its:
                total = [a + b for a, b in zip(total, states[attribute * width : (attribute + 1) * width], strict=True)]
            scale = 1.0 / self.factors[group] if self.factors else 1.0
            columns = self.pairs[1][self.pairs[0][group] : self.pairs[0][group + 1]] if self.pairs else range(width)
            found.extend([total[column] * scale for column in columns])
        found.extend(edges)
        for entry in self.blocked:
            found[self.state_size + entry] = 0.0
        return found

    def expand(self, weights: array[float]) -> tuple[array[float], array[float]]:
        """Weights by attribute and label, and edge weights, from the variables here."""
        width, groups = self.width, len(self.counts)
        table: Any = memoryview(weights)[: self.state_size]
        if self.pairs:
            table = array("d", bytes(8 * groups * width))
            kernels.spread_pairs(*self.pairs, weights[: self.state_size], width, 0, groups, table)
        # Attributes that are left out have no group, and a row of zeros.
        ends = accumulate((group >= 0 for group in self.groups), initial=0)
        shape = array("q", ends), array("i", [group for group in self.groups if group >= 0]), b""
        scales = array("d", [1.0 / factor for factor in self.factors])
        states = array("d", bytes(8 * len(self.groups) * width))
        self.team.map(
            lambda begin, end: kernels.sum_rows(*shape, scales, b"", table, width, begin, end, states),
            _even_ranges(shape[0], SHARDS),
        )
        return states, weights[self.state_size :]


def _optional(items: array[Any] | None) -> Any:
    return b"" if items is None else items


def _edge_items(data: Dataset, place: int) -> Iterable[int]:
    if data.edge_offsets is None or data.edge_attributes is None:
        return (0,)
    return data.edge_attributes[data.edge_offsets[place] : data.edge_offsets[place + 1]]


def _possible_labels(data: Dataset) -> list[tuple[int, ...]]:
    """The labels that each position may have."""
    if data.allowed is None:
        return [(label,) for label in data.labels]
    width = data.n_labels
    return [
        tuple(label for label in range(width) if data.allowed[start + label])
        for start in range(0, data.n_positions * width, width)
    ]


def _even_ranges(starts: Any, count: int) -> list[tuple[int, int]]:
    """The numbers of rows in at most ``count`` ranges with about as many items each."""
    rows = len(starts) - 1
    total = starts[rows]
    cuts = sorted({bisect_left(starts, total * part // count) for part in range(1, count)} | {0, rows})
    return list(pairwise(cuts))
