"""Graphs: nodes with names, links with weights, in three plain arrays.

A link is a pair or a triple: ``("a", "b")`` has the weight 1, ``("a", "b", 2.5)`` that of its third item. Links between
the same nodes add up; a link from a node to itself is kept, and so is a node without links.

:mod:`nlp_zero.network.reading` says which files can be read.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Hashable, Iterable, Iterator
from typing import Any

from ..errors import GraphError
from ..storage import atomic_writer
from ..text.corpus import Corpus

__all__ = ["Graph"]

LINK = "a link such as ('a', 'b') or ('a', 'b', 2.5)"


class Graph:
    """A graph of any hashable nodes; it does not change once it is made.

    ``links`` are pairs or triples, as the module says; ``nodes`` names nodes that come first, with or without links.
    O(links), 16 bytes a link and the names.

    >>> graph = Graph([("茶", "水"), ("水", "茶", 2), ("茶", "茶", 0.5)], nodes=["酒"])
    >>> graph.nodes, list(graph.links())
    (('酒', '茶', '水'), [('茶', '水', 3.0), ('茶', '茶', 0.5)])

    Raises :class:`GraphError` for a weight that is not above zero and finite, or for what is no link.
    """

    def __init__(
        self,
        links: Iterable[tuple[Any, ...]] = (),
        *,
        directed: bool = False,
        nodes: Iterable[Hashable] = (),
    ) -> None:
        self.directed = bool(directed)
        self._numbers: dict[Any, int] = {}
        for node in nodes:
            self._number(node, "nodes")
        # The two ends and the weight of each link, as given: parallel ones are added up where they are used.
        self.sources, self.targets, self.weights = array("I"), array("I"), array("d")
        self._add_links(links)

    def _number(self, node: Hashable, place: str) -> int:
        try:
            return self._numbers.setdefault(node, len(self._numbers))
        except TypeError:
            raise GraphError(f"{place}: expected nodes that can be hashed, such as strings, got {node!r}") from None

    def _add_links(self, links: Iterable[tuple[Any, ...]]) -> None:
        numbers, source_of, target_of = self._numbers, self.sources.append, self.targets.append
        weight_of, count, infinite = self.weights.append, 0, float("inf")
        try:
            for count, link in enumerate(links):
                if len(link) == 3:
                    source, target, weight = link
                    if not 0.0 < weight < infinite:
                        raise GraphError(f"link {count}: expected a weight above 0 and finite, got {weight!r}")
                else:
                    source, target = link
                    weight = 1.0
                source_of(numbers.setdefault(source, len(numbers)))
                target_of(numbers.setdefault(target, len(numbers)))
                weight_of(weight)
        except (TypeError, ValueError, OverflowError) as error:
            if isinstance(error, GraphError):
                raise
            raise GraphError(f"link {count}: expected {LINK} of nodes that can be hashed ({error})") from None

    # What it holds

    @property
    def nodes(self) -> tuple[Any, ...]:
        """The nodes, in the order in which they were first named."""
        return tuple(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, node: object) -> bool:
        return node in self._numbers

    def number(self, node: Hashable) -> int:
        """The place of a node in :attr:`nodes`; GraphError for a node that is not in the graph."""
        try:
            return self._numbers[node]
        except (KeyError, TypeError):
            raise GraphError(f"expected a node of the graph, got {node!r}") from None

    def links(self) -> Iterator[tuple[Any, Any, float]]:
        """Every link once with its whole weight, in the order of their first naming.

        Without direction, ``(a, b)`` and ``(b, a)`` are one link and come as first named.
        """
        nodes, totals = self.nodes, self._totals()
        return ((nodes[source], nodes[target], weight) for (source, target), weight in totals.items())

    @property
    def link_count(self) -> int:
        """How many links there are, parallel ones taken as one. O(links)."""
        return len(self._totals())

    def _totals(self) -> dict[tuple[int, int], float]:
        totals: dict[tuple[int, int], float] = {}
        for source, target, weight in zip(self.sources, self.targets, self.weights, strict=True):
            pair = (source, target)
            if not self.directed and pair not in totals and (target, source) in totals:
                pair = (target, source)
            totals[pair] = totals.get(pair, 0.0) + weight
        return totals

    def __repr__(self) -> str:
        kind = "directed" if self.directed else "undirected"
        return f"<Graph: {kind}, {len(self):,} nodes, {len(self.sources):,} links>"

    def __eq__(self, other: object) -> bool:
        """Equal nodes in the same order, links with equal weights."""
        if not isinstance(other, Graph):
            return NotImplemented
        same = self.directed == other.directed and self.nodes == other.nodes
        return same and self._unordered() == other._unordered()

    __hash__ = None  # type: ignore[assignment]

    def _unordered(self) -> dict[tuple[int, int], float]:
        totals = self._totals()
        return totals if self.directed else {(min(pair), max(pair)): weight for pair, weight in totals.items()}

    # Files

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        directed: bool | None = None,
        encoding: str = "utf-8",
        errors: str = "strict",
    ) -> Graph:
        """Read a link list, a Pajek file or one of the map-equation formats, compressed or not; the nodes are strings.

        ``directed`` None takes a file with ``*Arcs`` for directed and any other for undirected. With True every link
        of ``*Edges`` leads both ways; with False no link has a direction. Files with ``*States``, ``*Multilayer``,
        ``*Intra`` and ``*Inter`` give a :class:`~nlp_zero.network.states.StateGraph`, those with ``*Bipartite`` a
        :class:`~nlp_zero.network.states.BipartiteGraph`. ``encoding`` and ``errors`` are those of
        :class:`~nlp_zero.text.corpus.Corpus`. Raises :class:`InputError` with file and line.

        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "tea.net")
        >>> _ = path.write_text('*Vertices 2\\n1 "茶"\\n2 "水"\\n*Edges\\n1 2 3\\n', encoding="utf-8")
        >>> list(Graph.load(path).links())
        [('茶', '水', 3.0)]
        """
        from .reading import read_graph  # which knows the kinds of graphs that are made of this one

        name = os.fspath(path)
        return read_graph(name, Corpus([name], encoding=encoding, errors=errors), directed)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a Pajek file, which :meth:`load` reads back; names are written by ``str``."""
        names = [str(node) for node in self._numbers]
        for name in names:
            if '"' in name or "\n" in name or "\r" in name:
                raise GraphError(f"expected names without double quotes and line ends, got {name!r}")
        with atomic_writer(path) as file:
            file.write(f"*Vertices {len(names)}\n")
            file.writelines(f'{number} "{name}"\n' for number, name in enumerate(names, 1))
            file.write("*Arcs\n" if self.directed else "*Edges\n")
            file.writelines(
                f"{source + 1} {target + 1} {weight!r}\n" for (source, target), weight in self._totals().items()
            )
