"""Graphs: nodes with names, links with weights, in three plain arrays.

A link is a pair or a triple: ``("a", "b")`` has the weight 1, ``("a", "b", 2.5)`` that of its third item. Links between
the same nodes add up; a link from a node to itself is kept, and so is a node without links.

Files are read in two formats, told apart by their content. A *link list* has a link on each line, ``source``,
``target`` and perhaps ``weight``, apart by tabs (names may then have spaces in them) or, on a line without a tab, by
white space; lines that begin with ``#`` or ``%`` are notes, unless the sign stands alone before a tab: then it is a
name, as ``*`` is. A *Pajek* file (``.net``) has ``*Vertices`` and perhaps their number, then a number and perhaps a
name in double quotes on each line, and ``*Edges`` (links without direction), ``*Arcs`` (with) or ``*Links`` (as the
caller says), then two numbers and perhaps a weight on each line.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Hashable, Iterable, Iterator, Mapping
from math import isfinite
from typing import Any

from ..errors import GraphError, InputError
from ..storage import atomic_writer
from ..text.corpus import Corpus

__all__ = ["Graph"]

LINK = "a link such as ('a', 'b') or ('a', 'b', 2.5)"
LINE = "'SOURCE TARGET [WEIGHT]', such as 'a b 2.5'"
NUMBERED_LINE = "'NUMBER NUMBER [WEIGHT]', such as '1 2 2.5'"


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
        """Read a link list or a Pajek file, compressed or not; the nodes are strings.

        ``directed`` None takes a file with ``*Arcs`` for directed and any other for undirected. With True every link
        of ``*Edges`` leads both ways; with False no link has a direction. ``encoding`` and ``errors`` are those of
        :class:`~nlp_zero.text.corpus.Corpus`. Raises :class:`InputError` with file and line.

        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "tea.net")
        >>> _ = path.write_text('*Vertices 2\\n1 "茶"\\n2 "水"\\n*Edges\\n1 2 3\\n', encoding="utf-8")
        >>> list(Graph.load(path).links())
        [('茶', '水', 3.0)]
        """
        name = os.fspath(path)
        return _Reader(name, directed).read(Corpus([name], encoding=encoding, errors=errors))

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


class _Reader:
    """The lines of a file, one after the other, become a graph."""

    def __init__(self, name: str, directed: bool | None) -> None:
        self.name, self.directed = name, directed
        self.line, self.text = 0, ""
        self.section = ""
        self.sections: set[str] = set()
        self.nodes: dict[str, str] = {}  # by the number of a Pajek file
        self.announced: int | None = None
        self.links: list[tuple[str, str, float]] = []
        self.edges: list[tuple[str, str, float]] = []

    def read(self, lines: Iterable[str]) -> Graph:
        take: Mapping[str, Any] = {
            "": self._take_plain,
            "*vertices": self._take_vertex,
            "*edges": lambda text: self.edges.append(self._numbered(text)),
            "*arcs": lambda text: self.links.append(self._numbered(text)),
            "*links": lambda text: self.links.append(self._numbered(text)),
        }
        for self.line, raw in enumerate(lines, 1):
            self.text = raw
            text = raw.strip()
            if not text or (text[0] in "#%" and text[1:2] != "\t"):
                continue
            if text[0] == "*" and text[1:2] != "\t":
                self._begin_section(text, take)
            else:
                take[self.section](raw)
        return self._graph()

    def _error(self, expected: str) -> InputError:
        return InputError(f"{self.name}: line {self.line}: expected {expected}, got {self.text!r}")

    def _begin_section(self, text: str, known: Mapping[str, Any]) -> None:
        words = text.split()
        self.section = words[0].lower()
        if self.section not in known or not self.section:
            raise self._error("*Vertices, *Edges, *Arcs or *Links")
        if self.section == "*vertices":
            if self.announced is not None or self.sections:
                raise self._error("one *Vertices, before all links")
            if not all(word.isdecimal() for word in words[1:2]):
                raise self._error("'*Vertices NUMBER', such as '*Vertices 34'")
            # Without a number the nodes are those that are listed.
            self.announced = int(words[1]) if len(words) > 1 else 0
        else:
            if self.links and not self.sections:
                raise self._error("no section after a list of links")
            self.sections.add(self.section)

    def _take_plain(self, text: str) -> None:
        parts = [part.strip() for part in text.split("\t")] if "\t" in text.strip() else text.split()
        if not 2 <= len(parts) <= 3 or not all(parts):
            raise self._error(LINE)
        self.links.append((parts[0], parts[1], self._weight(parts[2]) if len(parts) == 3 else 1.0))

    def _take_vertex(self, text: str) -> None:
        number, _, rest = text.strip().partition(" ")
        rest = rest.strip()
        if rest.startswith('"'):
            name, quote, _ = rest[1:].partition('"')
            if not quote:
                raise self._error("a name that ends with a double quote, such as '1 \"a\"'")
        else:
            name = rest.split()[0] if rest else number
        if not number.isdecimal() or number in self.nodes:
            raise self._error("the number of a new node and perhaps its name, such as '1 \"a\"'")
        self.nodes[number] = name

    def _numbered(self, text: str) -> tuple[str, str, float]:
        parts = text.split()
        if not 2 <= len(parts) <= 3:
            raise self._error(NUMBERED_LINE)
        for part in parts[:2]:
            if part not in self.nodes:
                self._name_unlisted(part)
        return parts[0], parts[1], self._weight(parts[2]) if len(parts) == 3 else 1.0

    def _name_unlisted(self, number: str) -> None:
        """A node may go unlisted where its number is one of those that ``*Vertices`` announced."""
        if not number.isdecimal():
            raise self._error(NUMBERED_LINE)
        if self.announced is not None and not 1 <= int(number) <= self.announced:
            raise self._error(
                f"numbers of nodes, 1 to {self.announced}" if self.announced else "numbers of listed nodes"
            )
        self.nodes[number] = number

    def _weight(self, text: str) -> float:
        try:
            weight = float(text)
        except ValueError:
            weight = float("nan")
        if not (isfinite(weight) and weight > 0):
            raise self._error("a weight above 0 and finite")
        return weight

    def _graph(self) -> Graph:
        directed = "*arcs" in self.sections if self.directed is None else self.directed
        if not self.sections and self.announced is None:
            return Graph(self.links, directed=directed)
        for number in range(1, (self.announced or 0) + 1 if self.announced != len(self.nodes) else 0):
            self.nodes.setdefault(str(number), str(number))
        names: dict[str, str] = {}
        for key, name in self.nodes.items():
            if name in names:
                raise InputError(
                    f"{self.name}: expected different names, got {name!r} for the nodes {names[name]} and {key}"
                )
            names[name] = key
        both = [(target, source, weight) for source, target, weight in self.edges if directed and source != target]
        links = (
            (self.nodes[source], self.nodes[target], weight)
            for source, target, weight in (*self.links, *self.edges, *both)
        )
        return Graph(links, directed=directed, nodes=names)
