"""States, features and layers (``nlp_zero/network/states.py``): graphs whose nodes are not all words of the code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from golden import text_networks
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero import kernels
from nlp_zero.errors import GraphError
from nlp_zero.network.communities import communities
from nlp_zero.network.graph import Graph
from nlp_zero.network.map_equation import map_equation
from nlp_zero.network.reading import read_graph
from nlp_zero.network.states import BipartiteGraph, State, StateGraph, relaxed

STATES = st.builds(State, st.integers(0, 4), st.integers(0, 2))
LINKS = st.lists(st.tuples(STATES, STATES, st.floats(0.1, 10)), min_size=1, max_size=40)


def test_text_networks_have_the_reference_values(shared: Path) -> None:
    for row in text_networks(shared):
        graph = read_graph(row["name"], row["network"].splitlines(), row["options"].get("directed"))
        found = communities(graph, two_level=True, trials=20)
        length = found.length
        assert length.total == pytest.approx(row["codelength"], abs=1e-9), row["name"]
        assert length.index == pytest.approx(row["index_codelength"], abs=1e-9)
        assert length.one_level == pytest.approx(row["one_level_codelength"], abs=1e-9)
        assert found.top_count == row["num_top_modules"]
        flows = sorted(flow for module in found for _, flow in module.members)
        assert flows == pytest.approx(sorted(node["flow"] for node in row["nodes"]), abs=1e-9)


@pytest.mark.parametrize(
    ("name", "length"),
    [
        ("bipartite", 1.47841),
        ("states", 2.01141),
        ("multilayer", 2.01141),
        ("multilayer_intra", 1.77953),
        ("multilayer_intra_inter", 1.97345),
    ],
)
def test_the_example_files_have_the_lengths_that_the_reference_prints(shared: Path, name: str, length: float) -> None:
    graph = Graph.load(shared / "data" / "networks" / "mapequation" / f"{name}.net")
    assert communities(graph, two_level=True, trials=10).length.total == pytest.approx(length, abs=5e-6)


def test_a_thing_may_stand_in_two_modules() -> None:
    senses = {"水果": ["苹果", "梨", "桃"], "手机": ["苹果", "华为", "小米"]}
    links = [
        (State(a, sense), State(b, sense), 5.0)
        for sense, words in senses.items()
        for a in words
        for b in words
        if a != b
    ]
    links += [(State("苹果", "水果"), State("苹果", "手机"), 0.2), (State("苹果", "手机"), State("苹果", "水果"), 0.2)]
    found = communities(StateGraph(links), two_level=True, trials=5)
    assert found.top_count == 2
    assert {node.context for node, _ in found.modules[0].members} in ({"水果"}, {"手机"})
    assert sum(any(node.thing == "苹果" for node, _ in module.members) for module in found) == 2


def test_states_of_one_thing_in_one_module_share_a_word() -> None:
    links = [(State("a", 1), State("b", 1)), (State("b", 1), State("a", 2)), (State("a", 2), State("b", 1))]
    states = StateGraph(links, directed=False)
    plain = Graph([("a", "b"), ("b", "a"), ("a", "b")])
    together = dict.fromkeys(states.nodes, 0)
    assert map_equation(states, together).total == pytest.approx(map_equation(plain, {"a": 0, "b": 0}).total)


@settings(max_examples=30, deadline=None)
@given(LINKS, st.booleans(), st.booleans(), st.integers(0, 100))
def test_the_search_finds_the_same_in_both_engines_and_scores_it_right(
    links: Any, directed: bool, two_level: bool, seed: int
) -> None:
    graph = StateGraph(links, directed=directed)
    engine = kernels.backend
    found = communities(graph, two_level=two_level, seed=seed, trials=2)
    assert map_equation(graph, found.paths()).total == pytest.approx(found.length.total, abs=1e-12)
    assert found.length.total <= found.length.one_level + 1e-9
    try:
        kernels.use("python")
        assert communities(graph, two_level=two_level, seed=seed, trials=2) == found
    finally:
        kernels.use(engine)


@settings(max_examples=30, deadline=None)
@given(LINKS, st.integers(0, 100))
def test_states_that_are_all_of_different_things_are_plain_nodes(links: Any, seed: int) -> None:
    states = StateGraph([(State((a, b), 0), State((c, d), 0), weight) for (a, b), (c, d), weight in links])
    plain = communities(Graph([(*link,) for link in states.links()], directed=True), seed=seed)
    assert communities(states, seed=seed).length.total == pytest.approx(plain.length.total, abs=1e-9)


def test_features_have_no_words_and_stand_with_their_nodes() -> None:
    links = [("茶", "饮"), ("水", "饮"), ("酒", "饮"), ("马", "行"), ("车", "行"), ("车", "饮", 0.1)]
    found = communities(BipartiteGraph(links), two_level=True)
    modules = [{node for node, _ in module.members} for module in found]
    assert sorted(map(len, modules)) == [3, 4] and {"茶", "水", "酒", "饮"} in modules
    assert sum(flow for module in found for node, flow in module.members if node in {"饮", "行"}) == 0
    assert sum(module.flow for module in found) == pytest.approx(1)


def test_the_walker_who_relaxes_leaves_every_state_at_the_rate_one() -> None:
    arcs = relaxed([("x", 1, 2, 4.0), ("x", 2, 3, 1.0), ("y", 1, 3, 2.0)], directed=False, rate=0.3)
    sums: dict[State, float] = {}
    for source, _, weight in arcs:
        sums[source] = sums.get(source, 0.0) + weight
    assert list(sums.values()) == pytest.approx([1.0] * 5)
    assert {(a, b): w for a, b, w in arcs}[State(1, "x"), State(3, "y")] == pytest.approx(0.3 * 2 / 6)


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(GraphError, match=r"expected states for nodes, such as State\('a', 1\), got 'a'"):
        StateGraph([("a", "b")])
    with pytest.raises(GraphError, match="expected links from nodes to features, got 'b' as both"):
        BipartiteGraph([("a", "b"), ("b", "c")])
    states = StateGraph([(State("a", 1), State("b", 1))])
    with pytest.raises(ValueError, match="entropy_corrected: expected a graph whose nodes have words of their own"):
        communities(states, entropy_corrected=True)
    with pytest.raises(ValueError, match="model: expected 'undirected' for a bipartite graph"):
        communities(BipartiteGraph([("a", "b")]), model="directed")
    with pytest.raises(ValueError, match="regularized: expected the flow model undirected or directed"):
        communities(BipartiteGraph([("a", "b")]), regularized=1)
