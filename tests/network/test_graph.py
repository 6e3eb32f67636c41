"""Graphs: what links make of nodes, files in two formats, and errors that say where."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero.errors import GraphError, InputError
from nlp_zero.network.graph import Graph

NAMES = st.text(st.characters(exclude_characters='"', exclude_categories=("C", "Z")), min_size=1, max_size=3)
WEIGHTS = st.floats(1e-6, 1e6)


def written(folder: Path, text: str, name: str = "graph.net") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_parallel_links_add_up_and_loops_and_lone_nodes_stay() -> None:
    graph = Graph([("a", "b"), ("b", "a", 2), ("c", "c", 0.5), ("a", "b", 1)], nodes=["z", "b"])
    assert graph.nodes == ("z", "b", "a", "c") and len(graph) == 4 and graph.link_count == 2
    assert list(graph.links()) == [("a", "b", 4.0), ("c", "c", 0.5)]
    assert "z" in graph and "y" not in graph and graph.number("a") == 2


def test_direction_keeps_two_ways_apart() -> None:
    graph = Graph([("a", "b"), ("b", "a", 2)], directed=True)
    assert list(graph.links()) == [("a", "b", 1.0), ("b", "a", 2.0)]
    assert repr(graph) == "<Graph: directed, 2 nodes, 2 links>"


def test_any_hashable_is_a_node() -> None:
    graph = Graph([(1, (2, 3)), (None, 1)])
    assert graph.nodes == (1, (2, 3), None)


def test_equality_passes_over_the_order_of_links() -> None:
    nodes = "abc"
    assert Graph([("a", "b"), ("b", "c", 2)], nodes=nodes) == Graph([("c", "b", 2), ("a", "b")], nodes=nodes)
    assert Graph([("a", "b")]) != Graph([("a", "b", 2)]) and Graph([("a", "b")]) != "graph"


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf"), "2", None])
def test_a_weight_is_a_number_above_zero(weight: Any) -> None:
    with pytest.raises(GraphError, match="link 1: expected"):
        Graph([("a", "b"), ("b", "c", weight)])


@pytest.mark.parametrize("link", [("a",), ("a", "b", 1, 2), 7, (["a"], "b"), None])
def test_what_is_no_link_is_refused(link: Any) -> None:
    with pytest.raises(GraphError, match="link 0: expected a link such as"):
        Graph([link])


def test_nodes_must_be_hashable_and_known() -> None:
    with pytest.raises(GraphError, match="can be hashed"):
        Graph(nodes=[["a"]])  # type: ignore[list-item]
    with pytest.raises(GraphError, match="expected a node of the graph, got 'b'"):
        Graph([("a", "a")]).number("b")


def test_a_link_list_has_tabs_or_white_space(tmp_path: Path) -> None:
    path = written(tmp_path, "# a note\n% another\n\na b 2\nnew york\tlos angeles\n%\t的\t3\n*\t的\n  b   c  \n")
    expected = [("a", "b", 2.0), ("new york", "los angeles", 1.0), ("%", "的", 3.0), ("*", "的", 1.0), ("b", "c", 1.0)]
    graph = Graph.load(path)
    assert list(graph.links()) == expected and not graph.directed
    assert Graph.load(path, directed=True).directed


def test_pajek_files_name_nodes(tmp_path: Path) -> None:
    text = '*Vertices 4\n1 "New York" 0.1 0.2\n2 b\n4\n*Edges 2\n1 2 3\n2 2\n'
    graph = Graph.load(written(tmp_path, text))
    assert graph.nodes == ("New York", "b", "4", "3")
    assert list(graph.links()) == [("New York", "b", 3.0), ("b", "b", 1.0)]


def test_arcs_make_a_graph_directed_and_edges_lead_both_ways_there(tmp_path: Path) -> None:
    path = written(tmp_path, "*Vertices 3\n*arcs\n1 2\n*edges\n2 3 5\n3 3 7\n")
    graph = Graph.load(path)
    assert graph.directed and graph.nodes == ("1", "2", "3")
    assert list(graph.links()) == [("1", "2", 1.0), ("2", "3", 5.0), ("3", "3", 7.0), ("3", "2", 5.0)]
    assert list(Graph.load(path, directed=False).links()) == [("1", "2", 1.0), ("2", "3", 5.0), ("3", "3", 7.0)]


def test_files_may_be_compressed_and_in_other_encodings(tmp_path: Path) -> None:
    path = tmp_path / "graph.txt.gz"
    path.write_bytes(gzip.compress("茶 水 2\n".encode("gb18030")))
    assert list(Graph.load(path, encoding="gb18030").links()) == [("茶", "水", 2.0)]


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("a b\na\n", 2, "'SOURCE TARGET [WEIGHT]'"),
        ("a b c d\n", 1, "'SOURCE TARGET [WEIGHT]'"),
        ("a\t\tb\n", 1, "'SOURCE TARGET [WEIGHT]'"),
        ("a b -1\n", 1, "a weight above 0"),
        ("a b nan\n", 1, "a weight above 0"),
        ("a b many\n", 1, "a weight above 0"),
        ("*Vertices two\n", 1, "'*Vertices NUMBER'"),
        ("*Vertices 2\n*Vertices 2\n", 2, "one *Vertices"),
        ('*Vertices 2\n1 "a\n', 2, "double quote"),
        ("*Vertices 2\n1 a\n1 b\n", 3, "the number of a new node"),
        ("*Vertices 2\nx a\n", 2, "the number of a new node"),
        ("*Vertices 2\n*Edges\n1 3\n", 3, "numbers of nodes, 1 to 2"),
        ("*Vertices 2\n*Edges\n1\n", 3, "'NUMBER NUMBER [WEIGHT]'"),
        ("*Vertices 2\n*Edges\n1 a\n", 3, "'NUMBER NUMBER [WEIGHT]'"),
        ("*Vertices\n1 a\n*Edges\n1 2\n", 4, "numbers of listed nodes"),
        ("*Vertices 2\n*Strange\n", 2, "*Vertices, *Edges, *Arcs, *Links, *States"),
        ("a b\n*Edges\n", 2, "no section after a list of links"),
    ],
)
def test_damage_is_named_with_file_and_line(tmp_path: Path, text: str, line: int, expected: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        Graph.load(path)
    assert str(caught.value).startswith(f"{path}: line {line}: expected") and expected in str(caught.value)


def test_equal_names_cannot_be_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got 'a' for the nodes 1 and 2"):
        Graph.load(written(tmp_path, "*Vertices 2\n1 a\n2 a\n"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises((InputError, OSError), match=r"none\.net"):
        Graph.load(tmp_path / "none.net")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES, WEIGHTS), max_size=20), st.lists(NAMES, max_size=3), st.booleans())
def test_saving_and_loading_gives_the_graph_back(
    tmp_path_factory: pytest.TempPathFactory, links: list[tuple[str, str, float]], nodes: list[str], directed: bool
) -> None:
    graph = Graph(links, directed=directed, nodes=nodes)
    path = tmp_path_factory.mktemp("graph") / "graph.net"
    graph.save(path)
    assert Graph.load(path) == graph


def test_names_that_a_pajek_file_cannot_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="without double quotes"):
        Graph([('a"', "b")]).save(tmp_path / "graph.net")
    assert not list(tmp_path.iterdir())
