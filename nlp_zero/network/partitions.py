"""Files of partitions: ``.tree``, ``.ftree`` and ``.clu``, those of this package and those of infomap."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

from ..errors import InputError
from ..text.corpus import Corpus
from .graph import Graph

__all__ = ["load_partition", "read_partition"]

TREE_LINE = "'PATH FLOW \"NAME\"', such as '1:2 0.25 \"茶\"'"
CLU_LINE = "'\"NAME\" MODULE', such as '\"茶\" 2'"


def load_partition(
    path: str | os.PathLike[str], graph: Graph, *, encoding: str = "utf-8", errors: str = "strict"
) -> dict[Any, tuple[int, ...]]:
    """The module of every node of a graph, as a file says it by the names of the nodes; see :func:`read_partition`.

    Raises InputError with file and line for a line that is none, a name that is not in the graph or stands twice, and
    for a node that the file does not name.
    """
    name = os.fspath(path)
    return read_partition(name, Corpus([name], encoding=encoding, errors=errors), graph)


def read_partition(name: str, lines: Iterable[str], graph: Graph) -> dict[Any, tuple[int, ...]]:
    """The path of modules of every node from the lines of a ``.tree`` or ``.clu`` file; ``name`` is for errors.

    A line whose first word has a colon is one of a tree, where the last number of the path is the rank of the node; any
    other is a name and the number of a module. The links of an ``.ftree`` are passed over.

    >>> graph = Graph([("茶", "水"), ("酒", "菜")])
    >>> read_partition("a.clu", ["# name module flow", '"茶" 1 0.25', "水 1", "酒 2", "菜 2"], graph)
    {'茶': (1,), '水': (1,), '酒': (2,), '菜': (2,)}
    >>> read_partition("a.tree", ['1:1:1 .25 "茶"', '1:1:2 .25 "水"', '1:2:1 .25 "酒"', '2:1 .25 "菜"'], graph)
    {'茶': (1, 1), '水': (1, 1), '酒': (1, 2), '菜': (2,)}
    """
    nodes = {str(node): node for node in graph.nodes}
    found: dict[Any, tuple[int, ...]] = {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text[0] == "#":
            continue
        if text[0] == "*":
            break  # the links of an .ftree
        tree = ":" in text.split(None, 1)[0] and text[0] != '"'
        try:
            node, path = _tree_row(text) if tree else _clu_row(text)
        except ValueError:
            expected = TREE_LINE if tree else CLU_LINE
            raise InputError(f"{name}: line {number}: expected {expected}, got {line!r}") from None
        if node not in nodes:
            raise InputError(f"{name}: line {number}: expected a node of the graph, got {node!r}")
        if nodes[node] in found:
            raise InputError(f"{name}: line {number}: expected each node once, got {node!r} again")
        found[nodes[node]] = path
    for node, key in nodes.items():
        if key not in found:
            raise InputError(f"{name}: expected a module for every node of the graph, got none for {node!r}")
    return found


def _tree_row(text: str) -> tuple[str, tuple[int, ...]]:
    path, _flow, rest = text.split(None, 2)
    steps = tuple(int(step) for step in path.split(":"))
    if len(steps) < 2:
        raise ValueError("a node stands in a module")
    return _name(rest)[0], steps[:-1]


def _clu_row(text: str) -> tuple[str, tuple[int, ...]]:
    name, rest = _name(text)
    module, *_flow = rest.split()
    return name, (int(module),)


def _name(text: str) -> tuple[str, str]:
    """A name at the start of a text, between its first and last double quotes or up to a space, and what follows."""
    if text[0] != '"':
        name, _, rest = text.partition(" ")
        return name, rest
    end = text.rindex('"') + 1
    try:
        return str(json.loads(text[:end])), text[end:]
    except json.JSONDecodeError:  # other programs do not escape names
        return text[1 : end - 1], text[end:]
