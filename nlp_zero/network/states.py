"""Graphs whose nodes are not all words of the code: states of things, and features that nodes share.

In a *graph of states* a node is a thing in a context: where the walker came from (a memory network), or the layer that
he is in (a multilayer network). He moves between states, but the code names things: states of one thing that stand in
one module share a word, and a thing may have a word in several modules, one for each of its senses.

In a *bipartite graph* links lead from nodes to features, such as from words to the documents that they occur in. The
walker goes from node to feature to node; features belong to modules but have no words.

D. Edler, L. Bohlin & M. Rosvall 2017, "Mapping higher-order network flows in memory and multilayer networks with
Infomap"; M. De Domenico, A. Lancichinetti, A. Arenas & M. Rosvall 2015, "Identifying modular flows on multilayer
networks reveals highly overlapping organization in interconnected systems" (layers without links between them: a walker
who stays in his layer but for the rate at which he *relaxes* to any link of the thing he is at).
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

from ..errors import GraphError
from .graph import Graph

__all__ = ["BipartiteGraph", "State", "StateGraph", "between_layers", "relaxed"]

LayerLink = tuple[Any, Any, Any, float]  # layer, source, target, weight
Arc = tuple["State", "State", float]


class State(NamedTuple):
    """A thing in a context.

    >>> str(State("苹果", "水果"))
    '苹果 (水果)'
    """

    thing: Any
    context: Any

    def __str__(self) -> str:
        return f"{self.thing} ({self.context})"


class StateGraph(Graph):
    """A graph all of whose nodes are a :class:`State`; directed, unless said otherwise.

    >>> graph = StateGraph([(State("水", "茶"), State("茶", "水")), (State("水", "火"), State("火", "水"))])
    >>> graph.things
    ('水', '茶', '火')

    Raises :class:`GraphError` for a node that is no state.
    """

    def __init__(
        self, links: Iterable[tuple[Any, ...]] = (), *, directed: bool = True, nodes: Iterable[Hashable] = ()
    ) -> None:
        super().__init__(links, directed=directed, nodes=nodes)
        for node in self.nodes:
            if not isinstance(node, State):
                raise GraphError(f"expected states for nodes, such as State('a', 1), got {node!r}")

    @property
    def things(self) -> tuple[Any, ...]:
        """What the nodes are states of, each once, in the order of first naming."""
        return tuple(dict.fromkeys(node.thing for node in self.nodes))

    def numbers_of_things(self) -> array[int]:
        """The place in :attr:`things` for each node."""
        numbers: dict[Any, int] = {}
        return array("I", [numbers.setdefault(node.thing, len(numbers)) for node in self.nodes])


class BipartiteGraph(Graph):
    """A graph of links from nodes to features; it has no direction.

    >>> graph = BipartiteGraph([("茶", "doc 1"), ("水", "doc 1"), ("水", "doc 2", 2)])
    >>> graph.features
    ('doc 1', 'doc 2')

    Raises :class:`GraphError` for a feature that is a node as well.
    """

    def __init__(self, links: Iterable[tuple[Any, ...]] = (), *, nodes: Iterable[Hashable] = ()) -> None:
        super().__init__(links, directed=False, nodes=nodes)
        both = set(self.sources) & set(self.targets)
        if both:
            raise GraphError(f"expected links from nodes to features, got {self.nodes[min(both)]!r} as both")

    @property
    def features(self) -> tuple[Any, ...]:
        """The ends of the links that have no words."""
        nodes = self.nodes
        return tuple(nodes[target] for target in dict.fromkeys(self.targets))


# Layers


def between_layers(
    within: Iterable[LayerLink], between: Iterable[tuple[Any, Any, Any, float]], *, directed: bool
) -> list[Arc]:
    """The arcs of states from links within layers and from ways between them: (layer, thing, other layer, weight).

    He who changes the layer goes on at once by a link out of the thing in that layer, drawn by weight. Without
    direction, links and ways lead both ways.

    >>> arcs = between_layers([(1, "a", "b", 1.0), (2, "a", "c", 3.0)], [(1, "a", 2, 0.5)], directed=True)
    >>> print(*arcs[2])
    a (1) c (2) 0.5
    """
    arcs, rows = _within(within, directed)
    changes = list(between)
    if not directed:
        changes += [(other, thing, layer, weight) for layer, thing, other, weight in changes if layer != other]
    for layer, thing, other, weight in changes:
        row = rows.get(State(thing, other), {})
        total = sum(row.values())
        arcs += [(State(thing, layer), target, weight * share / total) for target, share in row.items()]
    return arcs


def relaxed(within: Iterable[LayerLink], *, directed: bool, rate: float = 0.15) -> list[Arc]:
    """The arcs of states from links within layers alone: at ``rate`` the walker takes a link of any layer, by weight.

    The weights out of each state sum to 1.
    """
    _, rows = _within(within, directed)
    by_thing: dict[Any, dict[State, float]] = {}
    for state, row in rows.items():
        links = by_thing.setdefault(state.thing, {})
        for target, weight in row.items():
            links[target] = links.get(target, 0.0) + weight
    arcs = []
    for state, row in rows.items():
        links, inside = by_thing[state.thing], sum(row.values())
        total = sum(links.values())
        for target, weight in links.items():
            stay = (1.0 - rate) * row[target] / inside if target in row else 0.0
            arcs.append((state, target, stay + rate * weight / total))
    return arcs


def _within(links: Iterable[LayerLink], directed: bool) -> tuple[list[Arc], dict[State, dict[State, float]]]:
    arcs = [(State(source, layer), State(target, layer), weight) for layer, source, target, weight in links]
    if not directed:
        arcs += [(target, source, weight) for source, target, weight in arcs if source != target]
    rows: dict[State, dict[State, float]] = {}
    for source, target, weight in arcs:
        row = rows.setdefault(source, {})
        row[target] = row.get(target, 0.0) + weight
    return arcs, rows
