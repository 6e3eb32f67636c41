"""The map equation against the reference values, the worked examples of the specification, and its invariances."""

from __future__ import annotations

import random
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from golden import cases
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero.errors import GraphError
from nlp_zero.network.flow import walk
from nlp_zero.network.graph import Graph
from nlp_zero.network.map_equation import map_equation

TRIANGLES = Graph([(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)])
RECORDED = {"model": "directed", "recorded": True, "to_nodes": True}
LINKS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.floats(0.1, 10)), min_size=1, max_size=25)


def test_every_partition_of_the_reference_values_has_their_length(shared: Path) -> None:
    rows = cases(shared)
    assert len(rows) == 46
    for case in rows:
        length = map_equation(case.graph, case.partition, **case.flow)
        expected = case.expected
        assert length.total == pytest.approx(expected["codelength"], abs=1e-9), case.name
        assert length.index == pytest.approx(expected["index_codelength"], abs=1e-9), case.name
        assert length.modules == pytest.approx(expected["module_codelength"], abs=1e-9), case.name
        assert length.one_level == pytest.approx(expected["one_level_codelength"], abs=1e-9), case.name
        assert length.savings == pytest.approx(expected["savings"], abs=1e-9), case.name
        flows = [expected["flow"][str(node)] for node in case.graph.nodes]
        assert list(walk(case.graph, **case.flow).network.flows) == pytest.approx(flows, abs=1e-9), case.name


@pytest.mark.parametrize(
    ("modules", "plain", "recorded"),
    [
        ([0, 0, 0, 0, 0, 0], 2.556657, 2.563514),
        ([0, 0, 0, 1, 1, 1], 2.320730, 2.517873),
        ([0, 0, 1, 1, 2, 2], 3.337790, 3.389886),
        ([0, 1, 2, 3, 4, 5], 4.556657, 4.474198),
        ([0, 0, 0, 1, 2, 2], 2.822127, 2.968200),
        ([0, 0, 1, 2, 3, 4], 4.072825, None),
        ([0, 1, 0, 2, 3, 4], 4.142857, None),
        ([0, 1, 2, 2, 3, 4], 4.194933, None),
        ([0, 0, 0, 1, 2, 3], 3.177873, None),
    ],
)
def test_worked_graph_of_the_specification(modules: list[int], plain: float, recorded: float | None) -> None:
    partition = dict(enumerate(modules))
    assert map_equation(TRIANGLES, partition).total == pytest.approx(plain, abs=1e-6)
    if recorded is not None:
        assert map_equation(TRIANGLES, partition, **RECORDED).total == pytest.approx(recorded, abs=1e-6)


def test_two_triangles_are_the_best_of_all_203_partitions() -> None:
    partitions = {tuple(modules.index(module) for module in modules) for modules in product(range(6), repeat=6)}
    assert len(partitions) == 203
    for flow in ({}, RECORDED):
        lengths = {modules: map_equation(TRIANGLES, dict(enumerate(modules)), **flow).total for modules in partitions}
        assert min(lengths, key=lengths.__getitem__) == (0, 0, 0, 3, 3, 3)


def test_disjoint_links_and_the_chain_of_the_specification() -> None:
    pairs = Graph([(0, 1), (2, 3), (4, 5)])
    assert map_equation(pairs, [range(6)]).total == pytest.approx(2.584963, abs=1e-6)
    assert map_equation(pairs, [[0, 1], [2, 3], [4, 5]]).total == pytest.approx(1.0, abs=1e-12)
    assert map_equation(pairs, [[0, 1], [2, 3], [4, 5]], **RECORDED).total == pytest.approx(1.641943, abs=1e-6)
    chain = Graph([(0, 1, 4), (2, 3, 4), (1, 2, 1)])
    for partition, expected in (
        ([range(4)], 1.992601),
        ([[0, 1], [2, 3]], 1.856904),
        ([[n] for n in range(4)], 3.879862),
    ):
        assert map_equation(chain, partition, **RECORDED).total == pytest.approx(expected, abs=1e-6)


def test_a_level_that_holds_all_costs_nothing_more() -> None:
    flat = {node: (node // 3,) for node in range(6)}
    wrapped = {node: (0, node // 3) for node in range(6)}
    assert map_equation(TRIANGLES, wrapped).total == pytest.approx(map_equation(TRIANGLES, flat).total, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(LINKS, st.booleans(), st.integers(0, 2**32), st.floats(1e-3, 1e3))
def test_names_order_and_scale_do_not_matter(links: Any, directed: bool, seed: int, factor: float) -> None:
    source = random.Random(seed)
    graph = Graph(links, directed=directed)
    partition = {node: (source.randrange(2), source.randrange(2)) for node in graph.nodes}
    length = map_equation(graph, partition)
    names = {node: f"n{number}" for number, node in enumerate(source.sample(graph.nodes, len(graph)))}
    turned = [(names[a], names[b], weight * factor) for a, b, weight in source.sample(links, len(links))]
    other = map_equation(
        Graph(turned, directed=directed), {names[node]: (path[0] + 5, -path[1]) for node, path in partition.items()}
    )
    assert other.total == pytest.approx(length.total, abs=1e-10)
    assert other.index == pytest.approx(length.index, abs=1e-10)
    assert length.total >= -1e-12 and length.index >= -1e-12


@pytest.mark.parametrize(
    ("partition", "words"),
    [
        ([[0, 1, 2]], "a module for every node, got none for 3"),
        ([[0, 1, 2], [3, 4, 5], [0]], "each node in one module, got 0 in two"),
        ([range(7)], "nodes of the graph, got 6"),
        (["012345"], "collections of nodes"),
        ({**dict.fromkeys(range(5), 1), 5: ()}, "a path of one module at least for node 5"),
    ],
)
def test_a_partition_that_does_not_fit_is_named(partition: Any, words: str) -> None:
    with pytest.raises(GraphError, match=words):
        map_equation(TRIANGLES, partition)


def test_a_graph_without_links_costs_nothing() -> None:
    for graph in (Graph(), Graph(nodes="ab")):
        length = map_equation(graph, dict.fromkeys(graph.nodes, 0))
        assert (length.total, length.savings) == (0.0, 0.0)
