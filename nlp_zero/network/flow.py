"""Flow: how often a random walker visits every node of a graph and follows every link.

Without direction the walker is as often at a node as its links weigh together, and no more is to be done. With
direction he could walk into a dead end, so now and then he *teleports*: with probability 0.15 in each step, and always
from a node without a link out. The visit rates are then found by power iteration.

Where teleportation is *not recorded* (the default) the code describes only steps along links: the visit rates of the
walker are taken, one more step along the links is made from them, and that step is what counts. *To links* means that
he lands at the start of a link drawn by weight; recorded, at the end of one, which gives the same visit rates. *To
nodes* means that he lands at any node alike.

R. Lambiotte & M. Rosvall 2012, "Ranking and clustering of nodes in networks with smart teleportation".

The flow models by name:

=============  =====================================================================================
undirected     links lead both ways; the default of an undirected graph
directed       links lead one way, with teleportation; the default of a directed graph
undirdir       links lead one way; their weight is their flow, the visit rate what flows in
outdirdir      the same
rawdir         the same
=============  =====================================================================================

(The last three differ in the literature in how the visit rates are found, and yield one result in the reference
implementation, to whose numbers this one is tested.)

*Markov time* is how long the walker goes between two words of the code: at 2 he leaves every module twice as often, so
that larger modules pay; at 0.5 smaller ones. M. Kheirkhahzadeh, A. Lancichinetti & M. Rosvall 2016, "Efficient
community detection of network flows for varying Markov times and bipartite networks".
"""

from __future__ import annotations

from array import array
from math import fsum, isfinite
from typing import NamedTuple

from .. import kernels
from .graph import Graph

__all__ = ["FLOW_MODELS", "Flow", "Network", "walk"]

FLOW_MODELS = ("undirected", "directed", "undirdir", "outdirdir", "rawdir")

# The power iteration ends when a step changes the visit rates by this much in sum. The change shrinks by the factor
# 1 - teleportation a step at least, so 1e-13 takes 184 steps at most where teleportation is 0.15.
TOLERANCE, MOST_STEPS = 1e-13, 2000


class Network(NamedTuple):
    """A graph with the flow on it, as :mod:`nlp_zero.kernels.flow` describes it."""

    starts: array[int]
    neighbours: array[int]
    outflows: array[float]
    inflows: array[float]
    flows: array[float]
    teleports: array[float]
    landings: array[float]


class Flow(NamedTuple):
    """The walk on a graph: its network, and the steps of the power iteration (0 where there is a closed form)."""

    network: Network
    steps: int


def walk(
    graph: Graph,
    model: str | None = None,
    *,
    teleportation: float = 0.15,
    recorded: bool = False,
    to_nodes: bool = False,
    markov_time: float = 1.0,
) -> Flow:
    """The flow on a graph. O(links), times the steps of the power iteration for ``directed``.

    >>> graph = Graph([("a", "b"), ("b", "c"), ("c", "a", 2), ("a", "d")], directed=True)
    >>> [round(rate, 4) for rate in walk(graph).network.flows]
    [0.3381, 0.2093, 0.2434, 0.2093]

    A graph without links has no walk: all rates are 0.
    """
    model = model or ("directed" if graph.directed else "undirected")
    if model not in FLOW_MODELS:
        raise ValueError(f"model: expected one of {', '.join(FLOW_MODELS)}, got {model!r}")
    if not 0.0 <= teleportation <= 1.0:
        raise ValueError(f"teleportation: expected a probability from 0 to 1, such as 0.15, got {teleportation!r}")
    if not (isfinite(markov_time) and markov_time > 0):
        raise ValueError(f"markov_time: expected a number above 0, such as 1.0, got {markov_time!r}")
    if model == "undirected" or not graph.sources:
        return Flow(_undirected(graph, markov_time), 0)
    sources, targets, weights = _arcs(graph)
    if model == "directed":
        return _directed(len(graph), sources, targets, weights, teleportation, recorded, to_nodes, markov_time)
    total = fsum(weights)
    flows = array("d", [weight / total for weight in weights])
    rates = _sums(len(graph), targets, flows)
    return Flow(_network(len(graph), sources, targets, flows, rates, markov_time), 0)


def _network(
    size: int,
    sources: array[int],
    targets: array[int],
    flows: array[float],
    rates: array[float],
    markov_time: float,
    *,
    symmetric: bool = False,
    teleports: array[float] | None = None,
    landings: array[float] | None = None,
) -> Network:
    if markov_time != 1.0:
        flows = _scaled(flows, markov_time)
    rows = kernels.adjacency(size, sources, targets, flows, symmetric)
    starts, neighbours, outflows, inflows = map(array, "IIdd", rows)
    return Network(starts, neighbours, outflows, inflows, rates, teleports or array("d"), landings or array("d"))


def _scaled(items: array[float], factor: float) -> array[float]:
    return array("d", [item * factor for item in items])


def _sums(size: int, nodes: array[int], items: array[float]) -> array[float]:
    sums = [0.0] * size
    for node, item in zip(nodes, items, strict=True):
        sums[node] += item
    return array("d", sums)


def _undirected(graph: Graph, markov_time: float) -> Network:
    """A link to the node itself counts once among its weights, any other link once at each end."""
    strengths = [0.0] * len(graph)
    for source, target, weight in zip(graph.sources, graph.targets, graph.weights, strict=True):
        strengths[source] += weight
        if source != target:
            strengths[target] += weight
    total = fsum(strengths) or 1.0
    flows = array("d", [weight / total for weight in graph.weights])
    rates = array("d", [strength / total for strength in strengths])
    return _network(len(graph), graph.sources, graph.targets, flows, rates, markov_time, symmetric=True)


def _arcs(graph: Graph) -> tuple[array[int], array[int], array[float]]:
    """The links one way; those of an undirected graph both ways."""
    if graph.directed:
        return graph.sources, graph.targets, graph.weights
    links = list(zip(graph.sources, graph.targets, graph.weights, strict=True))
    links += [(target, source, weight) for source, target, weight in links if source != target]
    return (
        array("I", [link[0] for link in links]),
        array("I", [link[1] for link in links]),
        array("d", [link[2] for link in links]),
    )


def _directed(
    size: int,
    sources: array[int],
    targets: array[int],
    weights: array[float],
    probability: float,
    recorded: bool,
    to_nodes: bool,
    markov_time: float,
) -> Flow:
    strengths = _sums(size, sources, weights)
    total = fsum(weights)
    if to_nodes:
        landings = array("d", [1.0 / size] * size)
    else:
        landings = _scaled(_sums(size, targets, weights) if recorded else strengths, 1.0 / total)
    rates, steps = kernels.visit_rates(size, sources, targets, weights, landings, probability, TOLERANCE, MOST_STEPS)
    visits = array("d", rates)
    flows = array(
        "d",
        [visits[source] * weight / strengths[source] for source, weight in zip(sources, weights, strict=True)],
    )
    if recorded:
        left = [probability if strength else 1.0 for strength in strengths]
        teleports = array("d", [visit * share for visit, share in zip(visits, left, strict=True)])
        flows = _scaled(flows, 1.0 - probability)
        if markov_time != 1.0:
            teleports = _scaled(teleports, markov_time)
        network = _network(size, sources, targets, flows, visits, markov_time, teleports=teleports, landings=landings)
        return Flow(network, steps)
    flows = _scaled(flows, 1.0 / (fsum(flows) or 1.0))
    return Flow(_network(size, sources, targets, flows, _sums(size, targets, flows), markov_time), steps)
