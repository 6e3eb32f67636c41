"""The flow on a graph (``nlp_zero/network/flow.py``): closed forms, teleportation, invariances, bad settings."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero.network.flow import FLOW_MODELS, walk
from nlp_zero.network.graph import Graph

LINKS = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 7), st.floats(0.1, 10)),
    min_size=1,
    max_size=25,
)


def rates(graph: Graph, **flow: Any) -> list[float]:
    return list(walk(graph, **flow).network.flows)


def test_without_direction_a_node_is_visited_as_its_links_weigh() -> None:
    graph = Graph([("a", "b", 3), ("b", "c", 1), ("c", "c", 2)], nodes=["z"])
    assert rates(graph) == pytest.approx([0, 0.3, 0.4, 0.3])  # the loop counts once
    assert walk(graph).steps == 0


def test_recorded_teleportation_of_the_specification() -> None:
    """Two triangles and a chain, tau = .15 recorded, to nodes, in ../shared/spec/algorithms.md section 12."""
    triangles = Graph([(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)])
    found = rates(triangles, model="directed", recorded=True, to_nodes=True)
    assert found == pytest.approx([0.145985, 0.145985, 0.208029, 0.208029, 0.145985, 0.145985], abs=1e-6)
    chain = Graph([(0, 1, 4), (2, 3, 4), (1, 2, 1)])
    found = rates(chain, model="directed", recorded=True, to_nodes=True)
    assert found == pytest.approx([0.224702, 0.275298, 0.275298, 0.224702], abs=1e-6)


def test_recorded_and_unrecorded_teleportation_to_links_visit_alike() -> None:
    graph = Graph([(1, 2, 2), (2, 3), (3, 1), (3, 4), (4, 5, 3), (5, 6), (2, 7, 0.5)], directed=True)
    assert rates(graph) == pytest.approx(rates(graph, recorded=True), abs=1e-12)


def test_markov_time_multiplies_the_flow_of_links_alone() -> None:
    graph = Graph([(1, 2, 2), (2, 3), (3, 1)], directed=True)
    once, twice = walk(graph).network, walk(graph, markov_time=2.0).network
    assert list(twice.outflows) == pytest.approx([2 * flow for flow in once.outflows])
    assert twice.flows == once.flows


def test_the_default_model_is_that_of_the_graph() -> None:
    links = [(1, 2, 2), (2, 3), (3, 1), (3, 2)]
    assert walk(Graph(links)) == walk(Graph(links), "undirected")
    directed = Graph(links, directed=True)
    assert walk(directed) == walk(directed, "directed") != walk(directed, "rawdir")
    assert rates(directed, model="undirected") == rates(Graph(links))


@settings(max_examples=60, deadline=None)
@given(LINKS, st.sampled_from(FLOW_MODELS), st.booleans(), st.booleans(), st.floats(0.05, 1))
def test_flow_is_kept(links: Any, model: str, recorded: bool, to_nodes: bool, teleportation: float) -> None:
    graph = Graph(links, directed=True)
    found = walk(graph, model, recorded=recorded, to_nodes=to_nodes, teleportation=teleportation)
    network = found.network
    assert sum(network.flows) == pytest.approx(1)
    assert sum(network.outflows) == pytest.approx(sum(network.inflows or network.outflows))
    assert all(flow >= 0 for flow in (*network.flows, *network.outflows, *network.inflows))
    if model == "directed" and recorded:
        assert sum(network.landings) == pytest.approx(1)
        # What leaves a node by links and by teleportation is its rate, but for what it sends to itself.
        loops = {source for source, target, _ in links if source == target}
        for node, name in enumerate(graph.nodes):
            if name not in loops:
                out = sum(network.outflows[network.starts[node] : network.starts[node + 1]])
                assert out + network.teleports[node] == pytest.approx(network.flows[node])


@settings(max_examples=40, deadline=None)
@given(LINKS, st.booleans(), st.floats(1e-3, 1e3))
def test_the_scale_of_weights_does_not_matter(links: Any, directed: bool, factor: float) -> None:
    scaled = [(source, target, weight * factor) for source, target, weight in links]
    assert rates(Graph(links, directed=directed)) == pytest.approx(rates(Graph(scaled, directed=directed)), abs=1e-11)


@pytest.mark.parametrize("model", FLOW_MODELS)
@pytest.mark.parametrize("nodes", [[], ["a", "b"]])
def test_a_graph_without_links_has_no_walk(model: str, nodes: list[str]) -> None:
    for recorded in (False, True):
        network = walk(Graph(nodes=nodes, directed=True), model, recorded=recorded).network
        assert list(network.flows) == [0.0] * len(nodes)
        assert len(network.neighbours) == 0


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"model": "sideways"}, "model: expected one of undirected, directed"),
        ({"teleportation": 1.5}, "teleportation: expected a probability"),
        ({"teleportation": float("nan")}, "teleportation: expected a probability"),
        ({"markov_time": 0}, "markov_time: expected a number above 0"),
        ({"markov_time": float("inf")}, "markov_time: expected a number above 0"),
    ],
)
def test_bad_settings_are_named(setting: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        walk(Graph([(1, 2)]), **setting)
