"""Files of graphs (``nlp_zero/network/reading.py``): what each section says, and where a damaged file is damaged."""

from __future__ import annotations

import pytest

from nlp_zero.errors import InputError
from nlp_zero.network.reading import read_graph
from nlp_zero.network.states import BipartiteGraph, State, StateGraph


def test_states_are_named_by_their_nodes() -> None:
    lines = ["*Vertices 2", '1 "茶"', '2 "水"', "*States", '1 1 "甲"', "2 2", '3 1 "甲"', "*Links", "1 2", "2 3 0.5"]
    graph = read_graph("x", lines)
    assert isinstance(graph, StateGraph) and not graph.directed
    assert graph.nodes == (State("茶", "甲"), State("水", "2"), State("茶", "3"))
    assert read_graph("x", lines, True).directed
    assert [weight for *_, weight in graph.links()] == [1.0, 0.5]


def test_layers_are_the_contexts_of_their_nodes() -> None:
    graph = read_graph("x", ["*Multilayer", "1 1 2 1 0.5", "2 1 2 2"])
    assert isinstance(graph, StateGraph)
    assert list(graph.links()) == [(State("1", "1"), State("1", "2"), 0.5), (State("1", "2"), State("2", "2"), 1.0)]


def test_features_may_stand_first() -> None:
    graph = read_graph("x", ["*Vertices 3", "*Bipartite 3", "1 3 2", "3 2"])
    assert isinstance(graph, BipartiteGraph)
    assert list(graph.links()) == [("1", "3", 2.0), ("2", "3", 1.0)] and graph.features == ("3",)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["*States", "1"], "line 2: expected the number of a new state"),
        (["*States", "1 1", "1 2"], "line 3: expected the number of a new state"),
        (["*Vertices 1", "*States", "1 2"], "line 3: expected numbers of nodes, 1 to 1"),
        (["*States", "1 1", "*Links", "1 2"], "line 4: expected numbers of states, got '1 2'"),
        (["*States", "1 1", "*Links", "1 1 0"], "line 4: expected a weight above 0"),
        (["*Links", "1 2", "*States"], "line 3: expected \\*States before all links"),
        (["*Bipartite"], "line 1: expected '\\*Bipartite FIRST_FEATURE'"),
        (["*Bipartite 3", "1 2"], "line 2: expected a node below 3, a feature"),
        (["*Bipartite 3", "3 4"], "line 2: expected a node below 3, a feature"),
        (["*Bipartite 3", "1 3", "*Edges"], "line 3: expected one kind of network in a file"),
        (["*Multilayer", "1 1 2"], "line 2: expected 'LAYER NODE LAYER NODE"),
        (["*Multilayer", "*Intra"], "line 2: expected \\*Multilayer, or \\*Intra and \\*Inter"),
        (["*Intra", "1 1"], "line 2: expected 'LAYER NODE NODE"),
        (["*Intra", "1 1 a"], "line 2: expected 'NUMBER NUMBER"),
        (["*Inter", "1 1 2 -1"], "line 2: expected a weight above 0"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(lines: list[str], words: str) -> None:
    with pytest.raises(InputError, match=f"x.net: {words}"):
        read_graph("x.net", lines)


def test_a_bipartite_file_has_no_direction() -> None:
    with pytest.raises(InputError, match=r"x.net: expected no direction of a bipartite network"):
        read_graph("x.net", ["*Bipartite 2", "1 2"], True)
