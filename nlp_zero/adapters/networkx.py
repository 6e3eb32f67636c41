"""networkx graphs in and out: ``pip install 'nlp-zero[networkx]'``."""

from __future__ import annotations

from typing import Any

from ..errors import GraphError
from ..network.communities import Communities
from ..network.graph import Graph
from ._optional import optional

__all__ = ["from_networkx", "to_networkx"]


def from_networkx(graph: Any, weight: str | None = "weight") -> Graph:
    """A graph from one of networkx, of any of its four classes; all its nodes, in its order.

    ``weight`` is the attribute of the links with their weight (missing: 1); None leaves it aside. Parallel links of a
    multigraph add up. GraphError for what is no graph of networkx.
    """
    networkx = optional("networkx")
    if not isinstance(graph, networkx.Graph):
        raise GraphError(f"expected a networkx graph, such as networkx.Graph(), got {type(graph).__name__}")
    links = graph.edges() if weight is None else graph.edges(data=weight, default=1.0)
    return Graph(links, directed=graph.is_directed(), nodes=graph.nodes())


def to_networkx(graph: Graph, found: Communities | None = None) -> Any:
    """A ``networkx.Graph`` or, with direction, ``networkx.DiGraph``; links have the attribute ``weight``.

    With the communities of the graph its nodes have the attributes ``module`` (the number of the top module), ``path``
    (from the top module down) and ``flow``.
    """
    networkx = optional("networkx")
    made = networkx.DiGraph() if graph.directed else networkx.Graph()
    made.add_nodes_from(graph.nodes)
    made.add_weighted_edges_from(graph.links())
    for module in found or ():
        for node, flow in module.members:
            made.add_node(node, module=module.path[0], path=module.path, flow=flow)
    return made
