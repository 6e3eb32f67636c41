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
that larger modules pay; at 0.5 smaller ones. In a *bipartite* graph he goes from a node by way of a feature to a node,
and only the nodes have words. M. Kheirkhahzadeh, A. Lancichinetti & M. Rosvall 2016, "Efficient community detection of
network flows for varying Markov times and bipartite networks". *Variable* Markov time is longer where the graph is
sparse: with H(a) the entropy in bits of the flow that a shares with each of its neighbours, that of the link between a
and b is max H / max(H(a), H(b), 1), so that chains and fringes are not cut to pieces. D. Edler, J. Smiljanic, A.
Holmgren, A. Antonelli & M. Rosvall 2022, "Variable Markov dynamics as a multifocal lens to map multiscale complex
networks".

Two remedies where links are samples, few and perhaps by chance. *Entropy-corrected*: an entropy that is estimated from
n observations is too low by (words - 1) / 2n nats on average, and the books are corrected for that (G. Miller 1955,
"Note on the bias of information estimates"); n is the sum of all weights, each link counted at both ends.
*Regularised*: a thin network joins all nodes beforehand, of weight (ln n / n) u(a) v(b) / w between a and b, with u and
v the mean weights of the links out of a and into b (the least of all nodes where there are none) and w that of all
links; he follows it as if he teleported, and it is recorded. J. Smiljanic, C. Blöcker, D. Edler & M. Rosvall 2021,
"Mapping flows on weighted and directed networks with incomplete observations".
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import fsum, isfinite, log, log2
from typing import NamedTuple

from .. import kernels
from .graph import Graph
from .states import BipartiteGraph, StateGraph

__all__ = ["FLOW_MODELS", "Flow", "Names", "Network", "walk"]

FLOW_MODELS = ("undirected", "directed", "undirdir", "outdirdir", "rawdir")

# The power iteration ends when a step changes the visit rates by this much in sum. The change shrinks by the factor
# 1 - teleportation a step at least, so 1e-13 takes 184 steps at most where teleportation is 0.15.
TOLERANCE, MOST_STEPS = 1e-13, 2000


class Names(NamedTuple):
    """The words of each node of a network of states, as :func:`nlp_zero.kernels.flow.move_nodes` takes them."""

    starts: array[int]
    numbers: array[int]
    rates: array[float]

    def merged(self, labels: Sequence[int], count: int) -> Names:
        """The words of ``count`` modules, from the module of each node: rates under one name add up. O(words)."""
        rows: list[dict[int, float]] = [{} for _ in range(count)]
        for node, label in enumerate(labels):
            row = rows[label]
            for place in range(self.starts[node], self.starts[node + 1]):
                name = self.numbers[place]
                row[name] = row.get(name, 0.0) + self.rates[place]
        starts, numbers, rates = array("I", (0,)), array("I"), array("d")
        for row in rows:
            numbers.extend(row)
            rates.extend(row.values())
            starts.append(len(numbers))
        return Names(starts, numbers, rates)

    def spelled(self) -> list[float]:
        """The sum of plogp over the words of each node."""
        spans = pairwise(self.starts)
        return [fsum(map(plogp, self.rates[first:last])) for first, last in spans]

    def of_all(self) -> float:
        """The sum of plogp over the words of all nodes as one module."""
        return self.merged([0] * (len(self.starts) - 1), 1).spelled()[0]


class Network(NamedTuple):
    """A graph with the flow on it, as :mod:`nlp_zero.kernels.flow` describes it."""

    starts: array[int]
    neighbours: array[int]
    outflows: array[float]
    inflows: array[float]
    flows: array[float]
    teleports: array[float]
    landings: array[float]
    toll: float = 0.0
    names: Names | None = None


class Flow(NamedTuple):
    """The walk on a graph: its network, and the steps of the power iteration (0 where there is a closed form)."""

    network: Network
    steps: int


def plogp(rate: float) -> float:
    """x log2 x, 0 for nothing.

    >>> plogp(0.25)
    -0.5
    """
    return rate * log2(rate) if rate > 0.0 else 0.0


def walk(
    graph: Graph,
    model: str | None = None,
    *,
    teleportation: float = 0.15,
    recorded: bool = False,
    to_nodes: bool = False,
    markov_time: float = 1.0,
    variable_markov_time: bool = False,
    entropy_corrected: bool = False,
    regularized: float = 0.0,
) -> Flow:
    """The flow on a graph. O(links), times the steps of the power iteration for ``directed``.

    ``regularized`` is the strength of the network that joins all nodes beforehand: 1 (or True) as in the paper, 0 none.

    >>> graph = Graph([("a", "b"), ("b", "c"), ("c", "a", 2), ("a", "d")], directed=True)
    >>> [round(rate, 4) for rate in walk(graph).network.flows]
    [0.3381, 0.2093, 0.2434, 0.2093]

    A graph without links has no walk: all rates are 0.
    """
    model = _model(graph, model)
    if not 0.0 <= teleportation <= 1.0:
        raise ValueError(f"teleportation: expected a probability from 0 to 1, such as 0.15, got {teleportation!r}")
    if not (isfinite(markov_time) and markov_time > 0):
        raise ValueError(f"markov_time: expected a number above 0, such as 1.0, got {markov_time!r}")
    if not (isfinite(regularized) and regularized >= 0):
        raise ValueError(f"regularized: expected a strength of 0 or more, such as 1.0, got {regularized!r}")
    if regularized and (model not in ("undirected", "directed") or isinstance(graph, BipartiteGraph)):
        raise ValueError("regularized: expected the flow model undirected or directed of a graph that is not bipartite")
    if entropy_corrected and isinstance(graph, StateGraph):
        raise ValueError("entropy_corrected: expected a graph whose nodes have words of their own, got one of states")
    steps = 0
    if model == "undirected" or not graph.sources:
        network = _regularized_undirected(graph, regularized) if regularized else _undirected(graph)
    elif model == "directed":
        network, steps = _directed(len(graph), _arcs(graph), teleportation, recorded, to_nodes, float(regularized))
    else:
        network = _raw(len(graph), _arcs(graph))
    if markov_time != 1.0:
        network = _timed(network, markov_time)
    if variable_markov_time:
        network = _variably_timed(network)
    if entropy_corrected and graph.weights:
        network = network._replace(toll=1.0 / (2.0 * _observations(graph, model) * log(2.0)))
    if isinstance(graph, StateGraph):
        starts = array("I", range(len(graph) + 1))
        network = network._replace(names=Names(starts, graph.numbers_of_things(), network.flows))
    return Flow(network, steps)


def _model(graph: Graph, model: str | None) -> str:
    model = model or ("directed" if graph.directed else "undirected")
    if model not in FLOW_MODELS:
        raise ValueError(f"model: expected one of {', '.join(FLOW_MODELS)}, got {model!r}")
    if isinstance(graph, BipartiteGraph) and model != "undirected":
        raise ValueError(f"model: expected 'undirected' for a bipartite graph, got {model!r}")
    return model


def _network(
    size: int, sources: array[int], targets: array[int], flows: array[float], rates: array[float], symmetric: bool
) -> Network:
    rows = kernels.adjacency(size, sources, targets, flows, symmetric)
    starts, neighbours, outflows, inflows = map(array, "IIdd", rows)
    return Network(starts, neighbours, outflows, inflows, rates, array("d"), array("d"))


def _scaled(items: Iterable[float], factor: float) -> array[float]:
    return array("d", [item * factor for item in items])


def _sums(size: int, nodes: array[int], items: Iterable[float]) -> array[float]:
    sums = [0.0] * size
    for node, item in zip(nodes, items, strict=True):
        sums[node] += item
    return array("d", sums)


def _strengths(graph: Graph) -> list[float]:
    """The weight of the links of each node: one to the node itself counts once, any other once at each end."""
    strengths = [0.0] * len(graph)
    for source, target, weight in zip(graph.sources, graph.targets, graph.weights, strict=True):
        strengths[source] += weight
        if source != target:
            strengths[target] += weight
    return strengths


def _observations(graph: Graph, model: str) -> float:
    return fsum(_strengths(graph)) if model == "undirected" else 2.0 * fsum(graph.weights)


def _undirected(graph: Graph) -> Network:
    if isinstance(graph, BipartiteGraph):
        total = fsum(graph.weights) or 1.0
        rates = _sums(len(graph), graph.sources, _scaled(graph.weights, 1.0 / total))
    else:
        strengths = _strengths(graph)
        total = fsum(strengths) or 1.0
        rates = array("d", [strength / total for strength in strengths])
    flows = array("d", [weight / total for weight in graph.weights])
    return _network(len(graph), graph.sources, graph.targets, flows, rates, True)


class _Arcs(NamedTuple):
    """Links one way."""

    sources: array[int]
    targets: array[int]
    weights: array[float]


def _arcs(graph: Graph) -> _Arcs:
    """The links one way; those of an undirected graph both ways."""
    return _Arcs(graph.sources, graph.targets, graph.weights) if graph.directed else _both_ways(graph)


def _both_ways(graph: Graph) -> _Arcs:
    links = list(zip(graph.sources, graph.targets, graph.weights, strict=True))
    links += [(target, source, weight) for source, target, weight in links if source != target]
    return _Arcs(
        array("I", [link[0] for link in links]),
        array("I", [link[1] for link in links]),
        array("d", [link[2] for link in links]),
    )


def _raw(size: int, arcs: _Arcs) -> Network:
    total = fsum(arcs.weights)
    flows = array("d", [weight / total for weight in arcs.weights])
    return _network(size, arcs.sources, arcs.targets, flows, _sums(size, arcs.targets, flows), False)


def _directed(
    size: int, arcs: _Arcs, probability: float, recorded: bool, to_nodes: bool, regularized: float
) -> tuple[Network, int]:
    sources, targets, weights = arcs
    strengths = _sums(size, sources, weights)
    jumps = array("d", [probability]) * size
    if regularized:
        recorded = True
        landings, prior = _prior(size, arcs, regularized)
        jumps = array("d", [extra / (extra + own) for extra, own in zip(prior, strengths, strict=True)])
    elif to_nodes:
        landings = array("d", [1.0 / size] * size)
    else:
        landings = _scaled(_sums(size, targets, weights) if recorded else strengths, 1.0 / fsum(weights))
    rates, steps = kernels.visit_rates(size, sources, targets, weights, landings, jumps, TOLERANCE, MOST_STEPS)
    visits = array("d", rates)
    flows = array(
        "d",
        [visits[source] * weight / strengths[source] for source, weight in zip(sources, weights, strict=True)],
    )
    if recorded:
        left = [jump if strength else 1.0 for jump, strength in zip(jumps, strengths, strict=True)]
        stays = [1.0 - jump for jump in jumps]
        flows = array("d", [flow * stays[source] for source, flow in zip(sources, flows, strict=True)])
        teleports = array("d", [visit * share for visit, share in zip(visits, left, strict=True)])
        network = _network(size, sources, targets, flows, visits, False)
        return network._replace(teleports=teleports, landings=landings), steps
    flows = _scaled(flows, 1.0 / (fsum(flows) or 1.0))
    return _network(size, sources, targets, flows, _sums(size, targets, flows), False), steps


# The variants


def _prior(size: int, arcs: _Arcs, strength: float) -> tuple[array[float], list[float]]:
    """Of the network that joins all nodes: the share of its weight that leads to each node, the weight out of each."""
    totals: dict[tuple[int, int], float] = {}
    for source, target, weight in zip(*arcs, strict=True):
        totals[source, target] = totals.get((source, target), 0.0) + weight
    outs, ins = (_mean_weights(size, [pair[end] for pair in totals], list(totals.values())) for end in (0, 1))
    mean = fsum(totals.values()) / len(totals)
    all_in = fsum(ins)
    factor = strength * log(size) / size * all_in / mean
    return _scaled(ins, 1.0 / all_in), [factor * out for out in outs]


def _mean_weights(size: int, ends: list[int], weights: list[float]) -> list[float]:
    """The mean weight of the links at each node; the least of all where there are none."""
    sums, counts = [0.0] * size, [0] * size
    for end, weight in zip(ends, weights, strict=True):
        sums[end] += weight
        counts[end] += 1
    means = [total / count if count else 0.0 for total, count in zip(sums, counts, strict=True)]
    least = min(mean for mean in means if mean)
    return [mean or least for mean in means]


def _regularized_undirected(graph: Graph, strength: float) -> Network:
    """Both networks are symmetric, so that the visit rates have a closed form: what leads out of a node."""
    if not graph.sources:
        return _undirected(graph)
    both_ways = _both_ways(graph)
    landings, prior = _prior(len(graph), both_ways, strength)
    strengths = _strengths(graph)
    total = fsum(strengths) + fsum(prior)
    rates = array("d", [(own + extra) / total for own, extra in zip(strengths, prior, strict=True)])
    flows = _scaled(both_ways.weights, 1.0 / total)
    network = _network(len(graph), both_ways.sources, both_ways.targets, flows, rates, False)
    return network._replace(teleports=_scaled(prior, 1.0 / total), landings=landings)


def _timed(network: Network, time: float) -> Network:
    return network._replace(
        outflows=_scaled(network.outflows, time),
        inflows=_scaled(network.inflows, time),
        teleports=_scaled(network.teleports, time),
    )


def _variably_timed(network: Network) -> Network:
    """Links take longer between nodes of few neighbours; teleportation keeps its pace."""
    shared = network.outflows
    if network.inflows:
        shared = array("d", [out + back for out, back in zip(shared, network.inflows, strict=True)])
    entropies = [_entropy(shared[first:last]) for first, last in pairwise(network.starts)]
    most = max(entropies, default=0.0)
    times = [
        max(most, 1.0) / max(entropy, entropies[other], 1.0)
        for entropy, (first, last) in zip(entropies, pairwise(network.starts), strict=True)
        for other in network.neighbours[first:last]
    ]
    outflows = array("d", [flow * time for flow, time in zip(network.outflows, times, strict=True)])
    inflows = network.inflows and array("d", [flow * time for flow, time in zip(network.inflows, times, strict=True)])
    return network._replace(outflows=outflows, inflows=inflows)


def _entropy(flows: Sequence[float]) -> float:
    """The entropy of shares, in bits.

    >>> _entropy([2.0, 1.0, 1.0])
    1.5
    """
    total = fsum(flows)
    return log2(total) - fsum(map(plogp, flows)) / total if total else 0.0
