"""What was found: modules in order, words for it, files; and a Ctrl-C that is heard."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from nlp_zero.errors import GraphError
from nlp_zero.network.communities import communities
from nlp_zero.network.graph import Graph

TRIANGLES = Graph([("a", "b"), ("a", "c"), ("b", "c"), ("x", "y"), ("x", "z"), ("y", "z"), ("c", "x")])


def test_modules_and_members_stand_by_flow() -> None:
    found = communities(TRIANGLES)
    assert len(found) == found.top_count == 2 and found.levels == 1
    first, second = found
    assert first.path == (1,) and [node for node, _ in first.members] == ["c", "a", "b"] and first.name == "c a b"
    assert first.flow == pytest.approx(0.5) and second.members[0] == ("x", pytest.approx(3 / 14))
    assert found.partition() == {"c": 1, "a": 1, "b": 1, "x": 2, "y": 2, "z": 2}


def test_the_greatest_module_comes_first() -> None:
    pairs = Graph([("a", "b"), ("c", "d", 3), ("e", "f", 2)])
    assert [module.name for module in communities(pairs)] == ["c d", "e f", "a b"]
    assert communities(Graph([("a", "b"), ("a", "c"), ("a", "d")])).modules[0].name == "a b c ..."


def test_a_result_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        communities(TRIANGLES).trial = 3  # type: ignore[misc]


def test_words_for_what_was_found() -> None:
    assert communities(TRIANGLES).describe() == (
        "6 nodes in 2 modules: 2.320730 bits a step (index 0.142857, modules 2.177873), 9.2 % less than in one module"
    )
    collapsed = communities(Graph([(a, b) for a in range(5) for b in range(a)])).describe()
    assert collapsed.startswith("all 5 nodes in one module, 2.321928 bits a step") and "Markov time" in collapsed
    assert communities(Graph(nodes="ab")).describe() == "2 nodes, no links between them: nothing to tell modules by"


def test_words_for_a_tree(shared: Path) -> None:
    found = communities(Graph.load(shared / "data" / "networks" / "mapequation" / "ninetriangles.net"), trials=10)
    assert found.describe().startswith("27 nodes in 5 modules with 9 at the lowest of 2 levels: ")
    lines = list(found.tree())
    assert lines[2].startswith("1:1:1 ") and len(lines) == 29


def test_files_in_five_formats(tmp_path: Path) -> None:
    found = communities(Graph([('say "hi"', "茶"), ("茶", "水")]))
    for ending in ("tree", "ftree", "clu", "json", "svg"):
        found.save(tmp_path / f"found.{ending}")
    tree = (tmp_path / "found.tree").read_text(encoding="utf-8").splitlines()
    assert tree[0] == "# codelength 1.5 bits, index 0.0, one module 1.5"
    assert tree[2:] == ['1:1 0.5 "茶"', '1:2 0.25 "say \\"hi\\""', '1:3 0.25 "水"']
    assert (tmp_path / "found.clu").read_text(encoding="utf-8").splitlines()[2] == '"茶" 1 0.5'
    facts = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert facts["codelength"] == 1.5 and facts["savings"] == 0.0
    assert facts["modules"] == [
        {
            "path": [1],
            "flow": 1.0,
            "members": [{"name": name, "flow": flow} for name, flow in (("茶", 0.5), ('say "hi"', 0.25), ("水", 0.25))],
        }
    ]
    with pytest.raises(ValueError, match="format: expected one of tree, ftree, clu, json, svg, got 'txt'"):
        found.save(tmp_path / "found.txt")
    assert json.loads("".join(communities(Graph()).json()))["modules"] == []


def test_an_ftree_tells_the_links_between_the_children_of_each_module(shared: Path) -> None:
    found = communities(Graph.load(shared / "data" / "networks" / "mapequation" / "ninetriangles.net"), trials=10)
    text = "".join(found.ftree()).partition("*Links ")[2]
    head, _, tables = text.partition("*Links root 0.0 0.0 6 5\n")
    assert head == "undirected\n#*Links path enterFlow exitFlow numEdges numChildren\n"
    assert tables.count("*Links") == 11  # 9 modules of nodes, 2 of modules
    rows = [line.split(" ") for line in tables.splitlines() if not line.startswith("*")]
    # All flow that is not recorded twice: both ways of every link, once.
    assert sum(float(flow) for *_, flow in rows) == pytest.approx(1)
    directed = communities(Graph([(1, 2), (2, 1), (2, 3), (3, 1)], directed=True))
    assert "*Links directed\n" in "".join(directed.ftree())


def test_the_map_shows_every_module_with_its_share() -> None:
    links = [(f"<{node}>", f"<{node // 5 * 5 + (node + 1) % 5}>") for node in range(250)]
    found = communities(Graph(links, nodes=["alone"]))
    drawing = found._repr_svg_()
    assert drawing == found.svg() and drawing.count("<circle") == 40 and found.top_count == 51
    assert "&lt;0&gt;" in drawing and "11 smaller modules not shown" in drawing
    assert "2.0%" in drawing and communities(Graph()).svg().count("<circle") == 0


def test_the_path_of_a_node() -> None:
    found = communities(TRIANGLES)
    assert found.path("c") == (1,) and found.path("z") == (2,)
    with pytest.raises(GraphError, match="expected a node of the graph, got 'q'"):
        found.path("q")


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals to threads")
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_stops_a_search_within_a_fifth_of_a_second(workers: int) -> None:
    source = random.Random(1)
    graph = Graph([(source.randrange(3000), source.randrange(3000)) for _ in range(30_000)])
    main, started = threading.get_ident(), 0.0

    def interrupt() -> None:
        nonlocal started
        time.sleep(0.7)
        started = time.process_time()  # of the processor, so that a busy machine does not count
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        communities(graph, trials=100_000, workers=workers)
    elapsed = time.process_time() - started
    thread.join()
    assert elapsed < 0.2
    deadline = time.monotonic() + 20
    while threading.active_count() > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == 1  # the trials that nobody waits for have ended
