"""The map equation: how many bits a step of a random walk takes, told by a code of nodes within modules.

Each module has a code book for its nodes and for leaving it; one more, the index, has a word for entering each module.
The better the modules hold the walker, the shorter the code. With modules in modules, each level has indexes of its
own: the book of a module that holds others has the words for entering those and for leaving it.

With x_m the rate at which module m is left, q_s at which its submodule s is entered, p_a the visit rate of a node that
stands in m itself, and w_m = x_m + sum q_s + sum p_a the use of its book, the length is the sum over all m, the root
(x = 0) being one, of

    plogp(w_m) - plogp(x_m) - sum plogp(q_s) - sum plogp(p_a),        plogp(x) = x log2 x.

M. Rosvall & C. T. Bergstrom 2008, "Maps of random walks on complex networks reveal community structure"; M. Rosvall,
D. Axelsson & C. T. Bergstrom 2009, "The map equation"; M. Rosvall & C. T. Bergstrom 2011, "Multilevel compression of
random walks on networks reveals hierarchical organization in large integrated systems".
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any, NamedTuple, TypeAlias

from .. import kernels
from ..errors import GraphError
from .flow import Network, plogp, walk
from .graph import Graph

__all__ = ["CodeLength", "Partition", "map_equation"]

Partition: TypeAlias = "Mapping[Any, Hashable] | Iterable[Iterable[Any]]"
Path: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CodeLength:
    """Bits a step: of the top index, of all other books, and of one book for all nodes, to compare with."""

    index: float
    modules: float
    one_level: float

    @property
    def total(self) -> float:
        """The code length L."""
        return self.index + self.modules

    @property
    def savings(self) -> float:
        """The part of the one-level length that the modules save: 0 for none."""
        return 1.0 - self.total / self.one_level if self.one_level else 0.0


def map_equation(graph: Graph, partition: Partition, **flow: Any) -> CodeLength:
    """The code length of a graph under a given partition. O(nodes + links) for each level.

    ``partition`` says the module of every node: a mapping from node to module, or the modules as collections of nodes.
    A module that is a tuple is a path, from the top module down: ``{"a": (0, 1), "b": (0, 2), ...}``. The other
    arguments are those of :func:`~nlp_zero.network.flow.walk`.

    >>> triangles = Graph([(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)])
    >>> length = map_equation(triangles, [{0, 1, 2}, {3, 4, 5}])
    >>> round(length.total, 6), round(length.index, 6), round(length.one_level, 6)
    (2.32073, 0.142857, 2.556657)
    """
    return code_length(walk(graph, **flow).network, paths_of(graph, partition))


def paths_of(graph: Graph, partition: Partition) -> list[Path]:
    """The path of every node, in the order of the nodes, each level numbered from 0 in the order of first naming."""
    named = _by_node(graph, partition)
    paths = []
    for node in graph.nodes:
        name = named[node]
        if name == ():
            raise GraphError(f"partition: expected a path of one module at least for node {node!r}, got ()")
        paths.append(name if isinstance(name, tuple) else (name,))
    return numbered(paths)


def _by_node(graph: Graph, partition: Partition) -> dict[Any, Any]:
    if isinstance(partition, Mapping):
        named = dict(partition)
    else:
        named = {}
        for number, nodes in enumerate(partition):
            if isinstance(nodes, str | bytes):
                raise GraphError(
                    f"partition: expected collections of nodes, such as [['a', 'b'], ['c']], got {nodes!r}"
                )
            for node in nodes:
                if named.setdefault(node, number) != number:
                    raise GraphError(f"partition: expected each node in one module, got {node!r} in two")
    for node in named:
        if node not in graph:
            raise GraphError(f"partition: expected nodes of the graph, got {node!r}")
    for node in graph.nodes:
        if node not in named:
            raise GraphError(f"partition: expected a module for every node, got none for {node!r}")
    return named


def numbered(names: Iterable[tuple[Any, ...]]) -> list[Path]:
    """Paths of numbers from paths of names: in each module from 0, in the order of first naming.

    >>> numbered([("a", "x"), ("b", "x"), ("a", "y")])
    [(0, 0), (1, 0), (0, 1)]
    """
    numbers: dict[tuple[Any, ...], dict[Any, int]] = {}
    paths = []
    for path in names:
        steps = []
        for depth, name in enumerate(path):
            known = numbers.setdefault(path[:depth], {})
            steps.append(known.setdefault(name, len(known)))
        paths.append(tuple(steps))
    return paths


class Books(NamedTuple):
    """How much the books are used: by module, the rate of leaving, of entering, and of all words of its book."""

    leave: dict[Path, float]
    enter: dict[Path, float]
    use: dict[Path, float]

    @classmethod
    def of(cls, network: Network, paths: Sequence[Path]) -> Books:
        """The books of a tree; that of the root, (), is the index."""
        leave: dict[Path, float] = {(): 0.0}
        enter: dict[Path, float] = {(): 0.0}
        words: dict[Path, list[float]] = {(): []}
        for path, flow in zip(paths, network.flows, strict=True):
            words.setdefault(path, []).append(flow)
        for depth in range(1, max(map(len, paths), default=0) + 1):
            for path, (left, entered) in _rates_at(network, paths, depth).items():
                leave[path], enter[path] = left, entered
                words.setdefault(path[:-1], []).append(entered)
                words.setdefault(path, []).append(left)
        return cls(leave, enter, {path: fsum(items) for path, items in words.items()})


def code_length(network: Network, paths: Sequence[Path]) -> CodeLength:
    """The code length of a network under the path of each node."""
    books = Books.of(network, paths)
    spelled, alone = _spelled(network, paths)
    terms = [*map(plogp, books.use.values()), -spelled]
    terms += (-plogp(rate) for rates in (books.leave, books.enter) for rate in rates.values())
    index = plogp(books.use[()]) - fsum(plogp(rate) for path, rate in books.enter.items() if len(path) == 1)
    if not all(paths):
        index = 0.0
    modules, one_level = fsum(terms) - index, plogp(fsum(network.flows)) - alone
    if network.toll:
        visited = sum(rate > 0.0 for rate in network.flows)
        used = {path for path, rate in books.use.items() if path and rate > 0.0}
        tops = max(1, sum(len(path) == 1 for path in used))
        index += network.toll * (tops - 1)
        modules += network.toll * (visited - 1 if len(used) < 2 else visited + len(used) - tops)
        one_level += network.toll * (visited - 1)
    return CodeLength(index, modules, one_level)


def _spelled(network: Network, paths: Sequence[Path]) -> tuple[float, float]:
    """The sum of plogp over the words of nodes: within the modules, and in one module."""
    if network.names is None:
        spelled = fsum(map(plogp, network.flows))
        return spelled, spelled
    numbers: dict[Path, int] = {}
    labels = [numbers.setdefault(path, len(numbers)) for path in paths]
    return fsum(network.names.merged(labels, len(numbers)).spelled()), network.names.of_all()


def _rates_at(network: Network, paths: Sequence[Path], depth: int) -> dict[Path, tuple[float, float]]:
    """The rates of leaving and of entering every module of a depth."""
    numbers: dict[Any, int] = {}
    labels = array(
        "I",
        [
            numbers.setdefault(path[:depth] if len(path) >= depth else node, len(numbers))
            for node, path in enumerate(paths)
        ],
    )
    merged, _, leaving, entering = merge(network, labels)
    leave, enter = exits_and_entries(merged, leaving, entering)
    # Merged modules stand in the order of first naming, as the numbers do.
    return {name: (leave[number], enter[number]) for name, number in numbers.items() if isinstance(name, tuple)}


# What search shares


def merge(network: Network, labels: array[int]) -> tuple[Network, array[int], array[float], array[float]]:
    """The network of the modules of a network; the module of each node; the link flow out of and into each."""
    buffers, names, outs, ins = kernels.aggregate(network[:7], labels)
    starts, neighbours, outflows, inflows, flows, teleports, landings = map(array, "IIddddd", buffers)
    merged = Network(starts, neighbours, outflows, inflows, flows, teleports, landings, network.toll)
    leaving, labels = array("d", outs), array("I", names)
    if network.names is not None:
        merged = merged._replace(names=network.names.merged(labels, len(merged.flows)))
    return merged, labels, leaving, array("d", ins) if len(network.inflows) else leaving


def exits_and_entries(
    network: Network, leaving: array[float], entering: array[float]
) -> tuple[array[float], array[float]]:
    """The rates at which the nodes of a network are left and entered: along links, and by recorded teleportation."""
    if not network.teleports:
        return leaving, entering
    total = fsum(network.teleports)
    rows = list(zip(leaving, entering, network.teleports, network.landings, strict=True))
    leave = array("d", [out + sent * (1.0 - landed) for out, _, sent, landed in rows])
    enter = array("d", [into + (total - sent) * landed for _, into, sent, landed in rows])
    return leave, enter
