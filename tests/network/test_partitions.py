"""Files of partitions."""

from pathlib import Path

import pytest

from nlp_zero.errors import InputError
from nlp_zero.network.communities import communities, scored
from nlp_zero.network.graph import Graph
from nlp_zero.network.partitions import load_partition, read_partition

NAMES = ["茶", "a b", 'say "so"', "1:2", "*", "#"]
LINKS = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (2, 3)]
GRAPH = Graph([(NAMES[first], NAMES[second]) for first, second in LINKS])


@pytest.mark.parametrize("ending", ["tree", "ftree", "clu"])
def test_what_was_written_is_read_back(tmp_path: Path, ending: str) -> None:
    found = communities(GRAPH, two_level=True)
    path = tmp_path / f"out.{ending}"
    found.save(path)
    partition = load_partition(path, GRAPH)
    assert partition == found.paths()
    again = scored(GRAPH, partition)
    assert (again.modules, again.length) == (found.modules, found.length)


def test_files_of_other_programs() -> None:
    graph = Graph([("1", "2"), ("2", "3")])
    lines = ["# v2.8", "# path flow name node_id", '1:1 0.5 "2" 2', '1:2 0.25 "1" 1', '2:1 0.25 "3" 3']
    assert read_partition("a.tree", lines, graph) == {"2": (1,), "1": (1,), "3": (2,)}
    assert read_partition("a.clu", ["# node_id module flow", "1 1 0.25", "2 1 0.5", "3 2 0.25"], graph) == {
        "1": (1,),
        "2": (1,),
        "3": (2,),
    }
    inner = Graph([('a"b', "c")])
    assert read_partition("a.tree", ['1:1 .5 "a"b"', '1:2 .5 "c"'], inner) == {'a"b': (1,), "c": (1,)}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["茶 x"], "a.clu: line 1: expected '\"NAME\" MODULE', such as '\"茶\" 2', got '茶 x'"),
        (["茶"], "a.clu: line 1: expected '\"NAME\" MODULE', such as '\"茶\" 2', got '茶'"),
        (["面 1"], "a.clu: line 1: expected a node of the graph, got '面'"),
        (
            ['1:x .5 "茶"'],
            "a.clu: line 1: expected 'PATH FLOW \"NAME\"', such as '1:2 0.25 \"茶\"', got '1:x .5 \"茶\"'",
        ),
        (["茶 1", "", "茶 2"], "a.clu: line 3: expected each node once, got '茶' again"),
        (["茶 1"], "a.clu: expected a module for every node of the graph, got none for '水'"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(lines: list[str], said: str) -> None:
    with pytest.raises(InputError) as raised:
        read_partition("a.clu", lines, Graph([("茶", "水")]))
    assert str(raised.value) == said
