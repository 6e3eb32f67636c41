"""Files of graphs: link lists, Pajek's ``.net``, and the formats of the map equation for states, features and layers.

A *link list* has a link on each line, ``source``, ``target`` and perhaps ``weight``, apart by tabs (names may then have
spaces in them) or, on a line without a tab, by white space; lines that begin with ``#`` or ``%`` are notes, unless the
sign stands alone before a tab: then it is a name, as ``*`` is.

The other files have sections, told by their first lines:

======================  =============================================================================================
``*Vertices [N]``       number and perhaps name in double quotes
``*Edges``              two numbers and perhaps a weight: a link without direction
``*Arcs``               the same, with direction
``*Links``              the same, as the caller says
``*States``             number of a state, number of its node, perhaps its name; the links are then between states
``*Bipartite M``        number of a node, number of a feature (M and above), perhaps a weight
``*Multilayer``         layer, node, layer, node, perhaps a weight; ``*Edges`` of states
``*Intra``              layer, node, node, perhaps a weight: a link within a layer
``*Inter``              layer, node, layer, perhaps a weight: a way of a node from one layer to another
======================  =============================================================================================

``*Intra`` without ``*Inter`` lets the walker relax from his layer at the rate 0.15.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any

from ..errors import GraphError, InputError
from .graph import Graph
from .states import BipartiteGraph, State, StateGraph, between_layers, relaxed

__all__ = ["read_graph"]

LINE = "'SOURCE TARGET [WEIGHT]', such as 'a b 2.5'"
NUMBERED_LINE = "'NUMBER NUMBER [WEIGHT]', such as '1 2 2.5'"
LINKS = {"*edges", "*arcs", "*links"}
LAYERS = {"*multilayer", "*intra", "*inter"}


def read_graph(name: str, lines: Iterable[str], directed: bool | None = None) -> Graph:
    """The graph that the lines of a file describe; ``name`` is for errors: InputError with file and line.

    >>> graph = read_graph("tea.net", ["*Vertices 2", '1 "茶"', '2 "水"', "*Intra", "a 1 2", "b 2 1 0.5"])
    >>> print(*graph.nodes)
    茶 (a) 水 (a) 水 (b) 茶 (b)
    """
    return _Reader(name, directed).read(lines)


class _Reader:
    """The lines of a file, one after the other, become a graph."""

    def __init__(self, name: str, directed: bool | None) -> None:
        self.name, self.directed = name, directed
        self.line, self.text = 0, ""
        self.section = ""
        self.sections: set[str] = set()
        self.nodes: dict[str, str] = {}  # by the number of a Pajek file
        self.announced: int | None = None
        self.links: list[tuple[Any, Any, float]] = []
        self.edges: list[tuple[Any, Any, float]] = []
        self.states: dict[str, State] = {}
        self.first_feature = 0
        self.within: list[tuple[str, str, str, float]] = []
        self.between: list[tuple[str, str, str, float]] = []

    def read(self, lines: Iterable[str]) -> Graph:
        take: dict[str, Callable[[str], None]] = {
            "": self._take_plain,
            "*vertices": self._take_vertex,
            "*edges": lambda text: self.edges.append(self._numbered(text)),
            "*arcs": lambda text: self.links.append(self._numbered(text)),
            "*links": lambda text: self.links.append(self._numbered(text)),
            "*states": self._take_state,
            "*bipartite": self._take_feature,
            "*multilayer": self._take_layers,
            "*intra": self._take_within,
            "*inter": self._take_between,
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
        try:
            return self._graph()
        except GraphError as error:
            raise InputError(f"{self.name}: {error}") from None

    def _error(self, expected: str) -> InputError:
        return InputError(f"{self.name}: line {self.line}: expected {expected}, got {self.text!r}")

    # Sections

    def _begin_section(self, text: str, known: Iterable[str]) -> None:
        words = text.split()
        self.section = words[0].lower()
        if self.section not in known or not self.section:
            raise self._error("*Vertices, *Edges, *Arcs, *Links, *States, *Bipartite, *Multilayer, *Intra or *Inter")
        if self.section == "*vertices":
            if self.announced is not None or self.sections:
                raise self._error("one *Vertices, before all links")
            if not all(word.isdecimal() for word in words[1:2]):
                raise self._error("'*Vertices NUMBER', such as '*Vertices 34'")
            # Without a number the nodes are those that are listed.
            self.announced = int(words[1]) if len(words) > 1 else 0
            return
        if self.links and not self.sections:
            raise self._error("no section after a list of links")
        self.sections.add(self.section)
        self._check_mixture()
        if self.section == "*bipartite":
            if len(words) != 2 or not words[1].isdecimal():
                raise self._error("'*Bipartite FIRST_FEATURE', such as '*Bipartite 35'")
            self.first_feature = int(words[1])

    def _check_mixture(self) -> None:
        kinds = [kind for kind in ({"*states"}, {"*bipartite"}, LAYERS, LINKS) if kind & self.sections]
        if len(kinds) > 1 and kinds != [{"*states"}, LINKS]:
            raise self._error("one kind of network in a file")
        if "*multilayer" in self.sections and self.sections & {"*intra", "*inter"}:
            raise self._error("*Multilayer, or *Intra and *Inter")
        if self.section == "*states" and self.sections & LINKS:
            raise self._error("*States before all links")

    # Lines

    def _take_plain(self, text: str) -> None:
        parts = [part.strip() for part in text.split("\t")] if "\t" in text.strip() else text.split()
        if not 2 <= len(parts) <= 3 or not all(parts):
            raise self._error(LINE)
        self.links.append((parts[0], parts[1], self._weight(parts[2]) if len(parts) == 3 else 1.0))

    def _take_vertex(self, text: str) -> None:
        number, _, rest = text.strip().partition(" ")
        if not number.isdecimal() or number in self.nodes:
            raise self._error("the number of a new node and perhaps its name, such as '1 \"a\"'")
        self.nodes[number] = self._name(rest, number)

    def _name(self, rest: str, default: str) -> str:
        rest = rest.strip()
        if not rest.startswith('"'):
            return rest.split()[0] if rest else default
        name, quote, _ = rest[1:].partition('"')
        if not quote:
            raise self._error("a name that ends with a double quote, such as '1 \"a\"'")
        return name

    def _take_state(self, text: str) -> None:
        parts = text.split(None, 2)
        if len(parts) < 2 or not parts[0].isdecimal() or parts[0] in self.states:
            raise self._error("the number of a new state, that of its node, perhaps a name, such as '4 1 \"a\"'")
        state = State(self._node(parts[1]), self._name(parts[2] if len(parts) > 2 else "", parts[0]))
        if state in self.states.values():
            state = state._replace(context=parts[0])
        self.states[parts[0]] = state

    def _numbered(self, text: str) -> tuple[Any, Any, float]:
        parts, weight = self._numbers(text, 2, NUMBERED_LINE)
        if not self.states:
            return parts[0], parts[1], weight
        for part in parts:
            if part not in self.states:
                raise self._error("numbers of states")
        return self.states[parts[0]], self.states[parts[1]], weight

    def _numbers(self, text: str, count: int, expected: str) -> tuple[list[str], float]:
        """The first items of a line, and the weight after them; nodes are looked up but for those of states."""
        parts = text.split()
        if not count <= len(parts) <= count + 1:
            raise self._error(expected)
        if count == 2 and not self.states:
            for part in parts[:2]:
                self._node(part, expected)
        return parts[:count], self._weight(parts[count]) if len(parts) > count else 1.0

    def _node(self, number: str, expected: str = NUMBERED_LINE) -> str:
        """The name of a node; it may go unlisted where its number is one of those that ``*Vertices`` announced."""
        if number not in self.nodes:
            if not number.isdecimal():
                raise self._error(expected)
            if self.announced is not None and not 1 <= int(number) <= self.announced:
                raise self._error(
                    f"numbers of nodes, 1 to {self.announced}" if self.announced else "numbers of listed nodes"
                )
            self.nodes[number] = number
        return self.nodes[number]

    def _take_feature(self, text: str) -> None:
        expected = f"a node below {self.first_feature}, a feature, perhaps a weight, such as '1 {self.first_feature} 2'"
        (node, feature), weight = self._numbers(text, 2, expected)
        if int(node) >= self.first_feature > int(feature):
            node, feature = feature, node
        if not int(node) < self.first_feature <= int(feature):
            raise self._error(expected)
        self.links.append((node, feature, weight))

    def _take_layers(self, text: str) -> None:
        parts, weight = self._numbers(text, 4, "'LAYER NODE LAYER NODE [WEIGHT]', such as '1 2 2 3 0.5'")
        ends = [State(self._node(parts[place + 1]), parts[place]) for place in (0, 2)]
        self.links.append((ends[0], ends[1], weight))

    def _take_within(self, text: str) -> None:
        (layer, source, target), weight = self._numbers(text, 3, "'LAYER NODE NODE [WEIGHT]', such as '1 2 3 0.5'")
        self.within.append((layer, self._node(source), self._node(target), weight))

    def _take_between(self, text: str) -> None:
        (layer, node, other), weight = self._numbers(text, 3, "'LAYER NODE LAYER [WEIGHT]', such as '1 2 2 0.5'")
        self.between.append((layer, self._node(node), other, weight))

    def _weight(self, text: str) -> float:
        try:
            weight = float(text)
        except ValueError:
            weight = float("nan")
        if not (isfinite(weight) and weight > 0):
            raise self._error("a weight above 0 and finite")
        return weight

    # The whole

    def _graph(self) -> Graph:
        directed = "*arcs" in self.sections if self.directed is None else self.directed
        if not self.sections and self.announced is None:
            return Graph(self.links, directed=directed)
        if self.sections & LAYERS:
            return self._layered(directed)
        if self.states:
            return StateGraph([*self.links, *self._edges(directed)], directed=directed, nodes=self.states.values())
        for number in range(1, (self.announced or 0) + 1 if self.announced != len(self.nodes) else 0):
            self.nodes.setdefault(str(number), str(number))
        self._check_names()
        links = [
            (self.nodes[source], self.nodes[target], weight)
            for source, target, weight in (*self.links, *self._edges(directed))
        ]
        if "*bipartite" in self.sections:
            if self.directed:
                raise GraphError("expected no direction of a bipartite network, got directed=True")
            return BipartiteGraph(links, nodes=self.nodes.values())
        return Graph(links, directed=directed, nodes=self.nodes.values())

    def _edges(self, directed: bool) -> list[tuple[Any, Any, float]]:
        both = [(target, source, weight) for source, target, weight in self.edges if directed and source != target]
        return self.edges + both

    def _layered(self, directed: bool) -> StateGraph:
        if "*multilayer" in self.sections:
            return StateGraph(self.links, directed=directed)
        if "*inter" in self.sections:
            return StateGraph(between_layers(self.within, self.between, directed=directed))
        return StateGraph(relaxed(self.within, directed=directed))

    def _check_names(self) -> None:
        names: dict[str, str] = {}
        for key, name in self.nodes.items():
            if name in names:
                raise InputError(
                    f"{self.name}: expected different names, got {name!r} for the nodes {names[name]} and {key}"
                )
            names[name] = key
