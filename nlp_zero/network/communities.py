"""Communities of a graph: the modules in which a random walker stays, found by the map equation."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..errors import GraphError
from ..storage import atomic_writer
from .flow import Network, walk
from .graph import Graph
from .map_equation import CodeLength, Partition, Path, code_length, numbered, paths_of
from .output import ftree_links, map_of
from .search import search

__all__ = ["Communities", "Module", "communities", "scored"]

NAMED = 3  # the members that name a module


class Module(NamedTuple):
    """A module of the lowest level: its path from the top, its share of the flow, its members with theirs."""

    path: Path
    flow: float
    members: tuple[tuple[Any, float], ...]

    @property
    def name(self) -> str:
        """The members with most flow, such as ``"水 茶 酒 ..."``."""
        shown = " ".join(str(node) for node, _ in self.members[:NAMED])
        return f"{shown} ..." if len(self.members) > NAMED else shown


@dataclass(frozen=True)
class Communities:
    """What was found; it does not change.

    ``modules`` are those of the lowest level, in the order of their paths. Paths are numbered from 1, in each module by
    flow, the greatest first (of equals the one whose node comes first in the graph); so are the members. ``length`` is
    the code length in bits, ``trial`` the trial that found it (0: the start or all nodes in one module was better),
    ``steps`` those of the power iteration; ``nodes`` and ``network`` are those of the graph, with the flow on it.
    """

    modules: tuple[Module, ...]
    length: CodeLength
    trial: int
    steps: int
    nodes: tuple[Any, ...] = field(repr=False, compare=False)
    network: Network = field(repr=False, compare=False)

    def __len__(self) -> int:
        """How many modules the lowest level has."""
        return len(self.modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.modules)

    @property
    def top_count(self) -> int:
        """How many modules the top level has."""
        return len({module.path[0] for module in self.modules})

    @property
    def levels(self) -> int:
        """How many levels of modules there are: 1 for a two-level code."""
        return max((len(module.path) for module in self.modules), default=0)

    def paths(self) -> dict[Any, Path]:
        """The path of each node; as a partition it can be scored by ``map_equation`` and searched on from."""
        return {node: module.path for module in self.modules for node, _ in module.members}

    def path(self, node: Hashable) -> Path:
        """The path of one node; GraphError for a node that is not in the graph. O(nodes)."""
        for module in self.modules:
            if any(node == member for member, _ in module.members):
                return module.path
        raise GraphError(f"expected a node of the graph, got {node!r}")

    def partition(self) -> dict[Any, int]:
        """The top module of each node."""
        return {node: path[0] for node, path in self.paths().items()}

    def describe(self) -> str:
        """The result in words.

        >>> print(communities(Graph([(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)])).describe())
        6 nodes in 2 modules: 2.320730 bits a step (index 0.142857, modules 2.177873), 9.2 % less than in one module
        """
        nodes = sum(len(module.members) for module in self.modules)
        length = self.length
        if not length.one_level:
            return f"{nodes:,} nodes, no links between them: nothing to tell modules by"
        if self.top_count == 1 and self.levels == 1:
            return (
                f"all {nodes:,} nodes in one module, {length.one_level:.6f} bits a step: no cut shortens the code; "
                "a smaller Markov time such as 0.5, more trials, or a graph without its weakest links may show modules"
            )
        tree = f"{self.top_count:,} modules"
        if self.levels > 1:
            tree += f" with {len(self):,} at the lowest of {self.levels} levels"
        saved = f"{abs(length.savings):.1%} {'more' if length.savings < 0 else 'less'} than in one module"
        return (
            f"{nodes:,} nodes in {tree}: {length.total:.6f} bits a step (index {length.index:.6f}, modules "
            f"{length.modules:.6f}), {saved}"
        ).replace("%", " %")

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.describe())

    # Files

    def tree(self) -> Iterator[str]:
        """The lines of a ``.tree`` file: path with the rank of the node, flow, name in quotes.

        >>> for line in communities(Graph([("茶", "水"), ("水", "茶叶")])).tree():
        ...     print(line, end="")
        # codelength 1.5 bits, index 0.0, one module 1.5
        # path flow name
        1:1 0.5 "水"
        1:2 0.25 "茶"
        1:3 0.25 "茶叶"
        """
        length = self.length
        yield f"# codelength {length.total!r} bits, index {length.index!r}, one module {length.one_level!r}\n"
        yield "# path flow name\n"
        for module in self.modules:
            start = ":".join(map(str, module.path))
            for rank, (node, flow) in enumerate(module.members, 1):
                yield f"{start}:{rank} {flow!r} {_quoted(node)}\n"

    def clu(self) -> Iterator[str]:
        """The lines of a ``.clu`` file: name in quotes, number of the top module, flow."""
        yield f"# codelength {self.length.total!r} bits\n"
        yield "# name module flow\n"
        for module in self.modules:
            for node, flow in module.members:
                yield f"{_quoted(node)} {module.path[0]} {flow!r}\n"

    def ftree(self) -> Iterator[str]:
        """The lines of an ``.ftree`` file: those of ``.tree``, then for each module the links between its children.

        Without direction a link has the flow of both ways.
        """
        yield from self.tree()
        places = {
            node: (*module.path, rank) for module in self.modules for rank, (node, _) in enumerate(module.members, 1)
        }
        yield from ftree_links(self.network, [places[node] for node in self.nodes])

    def svg(self) -> str:
        """A map of the top modules, 40 at most: their area is their flow, lines are the flow between them."""
        members: dict[int, list[tuple[Any, float]]] = {}
        for module in self.modules:
            members.setdefault(module.path[0], []).extend(module.members)
        for rows in members.values():
            rows.sort(key=lambda row: -row[1])
        tops = self.partition()
        return map_of(self.network, [tops[node] for node in self.nodes], members, self.describe())

    _repr_svg_ = svg

    def json(self) -> Iterator[str]:
        """The parts of a JSON object: ``codelength``, its parts, and ``modules`` with path, flow and members."""
        length = self.length
        head = {
            "codelength": length.total,
            "index_codelength": length.index,
            "module_codelength": length.modules,
            "one_level_codelength": length.one_level,
            "savings": length.savings,
        }
        yield json.dumps(head, ensure_ascii=False)[:-1] + ', "modules": ['
        for number, module in enumerate(self.modules):
            members = [{"name": str(node), "flow": flow} for node, flow in module.members]
            row = {"path": module.path, "flow": module.flow, "members": members}
            yield (",\n" if number else "\n") + json.dumps(row, ensure_ascii=False)
        yield "]}\n"

    def lines(self, format: str) -> Iterator[str]:
        """The text of a file of a format, ``"tree"``, ``"ftree"``, ``"clu"``, ``"json"`` or ``"svg"``."""
        formats: dict[str, Callable[[], Iterator[str]]] = {
            "tree": self.tree,
            "ftree": self.ftree,
            "clu": self.clu,
            "json": self.json,
            "svg": lambda: iter((self.svg(), "\n")),
        }
        if format not in formats:
            raise ValueError(f"format: expected one of {', '.join(formats)}, got {format!r}")
        return formats[format]()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file in the format that its ending names: ``.tree``, ``.ftree``, ``.clu``, ``.json`` or ``.svg``."""
        ending = os.path.splitext(os.fspath(path))[1][1:]
        lines = self.lines(ending)
        with atomic_writer(path) as file:
            file.writelines(lines)


def _quoted(node: Hashable) -> str:
    r"""A name in double quotes, those within it and line ends escaped.

    >>> print(_quoted('a "b"'))
    "a \"b\""
    """
    return json.dumps(str(node), ensure_ascii=False)


def communities(
    graph: Graph,
    *,
    two_level: bool = False,
    trials: int = 1,
    seed: int = 1,
    restarts: int | None = None,
    initial: Partition | None = None,
    workers: int = 1,
    progress: Callable[[int, float], object] | None = None,
    **flow: Any,
) -> Communities:
    """The partition of a graph with the shortest code that ``trials`` searches find.

    Modules may hold modules, unless ``two_level``. Each trial is drawn from ``seed``; the best of more trials is never
    worse. ``restarts`` says how often a trial is disturbed and searched on (None: once in every trial but the first).
    ``initial`` is a partition to start from, as :func:`~nlp_zero.network.map_equation.map_equation` takes it.
    ``workers`` trials run at a time, in threads: that changes nothing but the time. ``progress`` is called after each
    trial with its number and code length. The other arguments are those of :func:`~nlp_zero.network.flow.walk`:
    ``model``, ``teleportation``, ``recorded``, ``to_nodes``, ``markov_time``, ``variable_markov_time``,
    ``entropy_corrected``, ``regularized``.

    A node without links stays alone, at flow 0; a graph without nodes has no modules.

    >>> found = communities(Graph([("a", "b"), ("b", "c"), ("a", "c"), ("x", "y"), ("y", "z"), ("x", "z"), ("c", "x")]))
    >>> [module.name for module in found]
    ['c a b', 'x y z']
    """
    for name, value in (("trials", trials), ("workers", workers)):
        if value < 1:
            raise ValueError(f"{name}: expected 1 or more, got {value!r}")
    if restarts is not None and restarts < 0:
        raise ValueError(f"restarts: expected 0 or more, got {restarts!r}")
    steps_and_network = walk(graph, **flow)
    network = steps_and_network.network
    found = search(
        network,
        two_level=two_level,
        trials=trials,
        seed=seed,
        restarts=restarts,
        initial=None if initial is None else paths_of(graph, initial),
        workers=workers,
        progress=progress,
    )
    modules = _modules(graph.nodes, list(network.flows), found.paths)
    return Communities(modules, found.length, found.trial, steps_and_network.steps, graph.nodes, network)


def scored(graph: Graph, partition: Partition, **flow: Any) -> Communities:
    """A given partition with its code length, nothing searched; arguments as for ``map_equation``.

    >>> triangles = Graph([(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)])
    >>> print(scored(triangles, [[0, 1], [2, 3, 4, 5]]).describe())
    6 nodes in 2 modules: 2.929968 bits a step (index 0.285714, modules 2.644254), 14.6 % more than in one module
    """
    walked = walk(graph, **flow)
    paths = paths_of(graph, partition)
    modules = _modules(graph.nodes, list(walked.network.flows), paths)
    return Communities(modules, code_length(walked.network, paths), 0, walked.steps, graph.nodes, walked.network)


def _modules(nodes: tuple[Any, ...], flows: list[float], paths: list[Path]) -> tuple[Module, ...]:
    """The modules with their members, numbered by flow."""
    shares: dict[Path, float] = {}
    members: dict[Path, list[int]] = {}
    for node in sorted(range(len(nodes)), key=lambda node: (-flows[node], node)):
        path = paths[node]
        members.setdefault(path, []).append(node)
        for depth in range(1, len(path) + 1):
            shares[path[:depth]] = shares.get(path[:depth], 0.0) + flows[node]
    first = {path: min(inside) for path, inside in members.items()}
    for path in list(first):
        for depth in range(1, len(path)):
            first[path[:depth]] = min(first.get(path[:depth], len(nodes)), first[path])

    def rank(path: Path) -> list[tuple[float, int]]:
        return [(-shares[path[:depth]], first[path[:depth]]) for depth in range(1, len(path) + 1)]

    ordered = sorted(members, key=rank)
    return tuple(
        Module(
            tuple(step + 1 for step in new),
            shares[path],
            tuple((nodes[node], flows[node]) for node in members[path]),
        )
        for path, new in zip(ordered, numbered(ordered), strict=True)
    )
