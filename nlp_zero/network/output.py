"""The links of a partition: tables of them for ``.ftree`` files, and a map of the modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..drawing.circles import Circle, circle_map
from .flow import Network
from .map_equation import Books, Path

__all__ = ["ftree_links", "map_of"]

SHOWN = 40  # modules on a map
TIES = 3  # ties drawn for each of them


def _links(network: Network) -> Iterator[tuple[int, int, float]]:
    """Every link with its flow; of a network without direction each pair once, with the flow of both ways."""
    both = not network.inflows
    for node, (first, last) in enumerate(zip(network.starts, network.starts[1:], strict=False)):
        for place in range(first, last):
            other, flow = network.neighbours[place], network.outflows[place]
            if flow and not (both and other < node):
                yield node, other, 2 * flow if both else flow


def ftree_links(network: Network, places: Sequence[Path]) -> Iterator[str]:
    """The lines that follow those of a ``.tree`` in an ``.ftree``: for each module the links between its children.

    ``places`` are the paths of the nodes with their ranks, from 1. O(links x levels).
    """
    tables: dict[Path, dict[tuple[int, int], float]] = {}
    for source, target, flow in _links(network):
        depth = next(d for d, (a, b) in enumerate(zip(places[source], places[target], strict=False)) if a != b)
        table = tables.setdefault(places[source][:depth], {})
        pair = places[source][depth], places[target][depth]
        if not network.inflows:
            pair = min(pair), max(pair)
        table[pair] = table.get(pair, 0.0) + flow
    children: dict[Path, set[int]] = {(): set()}
    for place in places:
        for depth in range(len(place)):
            children.setdefault(place[:depth], set()).add(place[depth])
    books = Books.of(network, [place[:-1] for place in places])
    yield f"*Links {'directed' if network.inflows else 'undirected'}\n"
    yield "#*Links path enterFlow exitFlow numEdges numChildren\n"
    for path in sorted(children, key=lambda path: (len(path), path)):
        rows, name = tables.get(path, {}), ":".join(map(str, path)) or "root"
        yield f"*Links {name} {books.enter[path]!r} {books.leave[path]!r} {len(rows)} {len(children[path])}\n"
        for (a, b), flow in sorted(rows.items()):
            yield f"{a} {b} {flow!r}\n"


def map_of(network: Network, tops: Sequence[int], members: Mapping[int, Sequence[tuple[Any, float]]], note: str) -> str:
    """A map of the top modules, those with most flow: ``tops`` of the nodes (from 1), their members by flow."""
    shown = [top for top in sorted(members) if sum(flow for _, flow in members[top]) > 0][:SHOWN]
    rank = {top: place for place, top in enumerate(shown)}
    sums: dict[tuple[int, int], float] = {}
    for source, target, flow in _links(network):
        a, b = rank.get(tops[source], -1), rank.get(tops[target], -1)
        if a != b and a >= 0 and b >= 0:
            pair = min(a, b), max(a, b)
            sums[pair] = sums.get(pair, 0.0) + flow
    left = len(members) - len(shown)
    caption = note if not left else f"{note}; {left:,} smaller modules not shown"
    return circle_map([_circle(members[top]) for top in shown], _strongest(sums, len(shown)), caption)


def _circle(members: Sequence[tuple[Any, float]]) -> Circle:
    weight = sum(flow for _, flow in members)
    names = [str(node) for node, _ in members]
    lines = tuple(name if len(name) <= 12 else f"{name[:11]}…" for name in names[:3])
    more = f" … ({len(names):,} in all)" if len(names) > 20 else ""
    return Circle(weight, (*lines, f"{weight:.1%}"), f"{weight:.2%}: {' '.join(names[:20])}{more}")


def _strongest(sums: Mapping[tuple[int, int], float], count: int) -> dict[tuple[int, int], float]:
    """The strongest ties of each module."""
    kept: dict[tuple[int, int], float] = {}
    for place in range(count):
        own = sorted((pair for pair in sums if place in pair), key=lambda pair: (-sums[pair], pair))
        kept.update({pair: sums[pair] for pair in own[:TIES]})
    return kept
