"""The search: reference values reached, trials that can be added up, starts, hierarchies, the two engines alike."""

from __future__ import annotations

import random
from array import array
from pathlib import Path
from typing import Any

import pytest
from golden import cases
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero import kernels
from nlp_zero.network.communities import Communities, communities
from nlp_zero.network.flow import walk
from nlp_zero.network.graph import Graph
from nlp_zero.network.map_equation import map_equation
from nlp_zero.network.search import Random, climb, level_of, search, singles

LINKS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.floats(0.1, 10)), min_size=1, max_size=40)


def load(shared: Path, name: str) -> Graph:
    return Graph.load(shared / "data" / "networks" / name)


def planted(
    groups: int, size: int, inside: int, outside: int, seed: int
) -> tuple[list[tuple[int, int]], dict[int, int]]:
    """Random links within groups, fewer between them."""
    source = random.Random(seed)
    nodes = groups * size
    links = [(node, source.randrange(size) + node // size * size) for node in range(nodes) for _ in range(inside)]
    links += [(source.randrange(nodes), source.randrange(nodes)) for _ in range(outside)]
    return links, {node: node // size for node in range(nodes)}


def test_the_best_of_twenty_trials_is_the_reference_value(shared: Path) -> None:
    for case in cases(shared):
        if not case.given:
            found = communities(case.graph, two_level=case.two_level, trials=20, **case.flow)
            assert found.length.total == pytest.approx(case.expected["codelength"], abs=1e-9), case.name
            assert found.top_count == len(set(case.expected["modules"].values())) or case.name.startswith("dangling")


def test_nine_triangles_are_a_hierarchy(shared: Path) -> None:
    found = communities(load(shared, "mapequation/ninetriangles.net"), trials=10)
    assert (found.top_count, len(found), found.levels) == (5, 9, 2)
    assert all(len(module.members) == 3 for module in found)


def test_football_and_jazz_are_no_longer_than_known(shared: Path) -> None:
    """The lengths that ten trials of the reference reach, in ../shared/spec/anchors.md section 3 and measured."""
    assert communities(load(shared, "football.edges.tsv"), trials=10).length.total < 5.446651
    assert communities(load(shared, "mapequation/jazz.net"), trials=10).length.total < 6.863048


def test_planted_groups_are_found_in_one_trial() -> None:
    links, groups = planted(groups=12, size=20, inside=5, outside=300, seed=2)
    found = communities(Graph(links))
    assert len(set(groups.values())) == found.top_count == 12
    assert len({(groups[node], module) for node, module in found.partition().items()}) == 12


def test_cycles_that_hold_the_walker_are_found() -> None:
    cycles = [(5 * group + step, 5 * group + (step + 1) % 5, 5) for group in range(4) for step in range(5)]
    bridges = [(5 * group, 5 * ((group + 1) % 4)) for group in range(4)]
    found = communities(Graph(cycles + bridges, directed=True), two_level=True, trials=5)
    assert sorted(len(module.members) for module in found) == [5] * 4


@settings(max_examples=30, deadline=None)
@given(LINKS, st.booleans(), st.booleans(), st.integers(0, 1000))
def test_the_length_is_that_of_the_partition_and_no_longer_than_one_module(
    links: Any, directed: bool, two_level: bool, seed: int
) -> None:
    graph = Graph(links, directed=directed)
    found = communities(graph, two_level=two_level, seed=seed, trials=2)
    scored = map_equation(graph, found.paths())
    assert scored.total == pytest.approx(found.length.total, abs=1e-12)
    assert found.length.total <= found.length.one_level + 1e-9
    assert not two_level or found.levels == 1


@settings(max_examples=20, deadline=None)
@given(LINKS, st.booleans(), st.integers(0, 1000))
def test_more_trials_are_never_worse_and_begin_with_the_same(links: Any, directed: bool, seed: int) -> None:
    graph = Graph(links, directed=directed)
    seen: list[tuple[int, float]] = []
    best = [
        communities(graph, trials=trials, seed=seed, progress=lambda *step: seen.append(step)) for trials in (1, 2, 5)
    ]
    assert [trial for trial, _ in seen] == [1, 1, 2, 1, 2, 3, 4, 5]
    assert seen[0] == seen[1] == seen[3] and seen[2] == seen[4]
    lengths = [found.length.total for found in best]
    assert lengths[0] + 1e-9 >= lengths[1] and lengths[1] + 1e-9 >= lengths[2]
    assert best[2].length.total <= min(length for _, length in seen) + 1e-9


@settings(max_examples=20, deadline=None)
@given(LINKS, st.booleans(), st.floats(1e-2, 1e2))
def test_names_and_scale_change_nothing(links: Any, directed: bool, factor: float) -> None:
    plain = communities(Graph(links, directed=directed))
    renamed = communities(Graph([(f"n{a}", f"n{b}", weight) for a, b, weight in links], directed=directed))
    assert {f"n{node}": path for node, path in plain.paths().items()} == renamed.paths()
    scaled = communities(Graph([(a, b, weight * factor) for a, b, weight in links], directed=directed), trials=10)
    assert scaled.length.total <= plain.length.total + 1e-9


def test_both_engines_and_every_run_find_the_same(engine: str) -> None:
    links, _ = planted(groups=6, size=8, inside=3, outside=60, seed=5)
    for directed in (False, True):
        graph = Graph(links, directed=directed)
        found = communities(graph, trials=3, seed=7)
        assert found == communities(graph, trials=3, seed=7)
        kernels.use("python")
        assert communities(graph, trials=3, seed=7) == found
        kernels.use(engine)


def test_a_search_starts_from_a_given_partition() -> None:
    links, groups = planted(groups=8, size=10, inside=4, outside=260, seed=1)
    graph = Graph(links)
    planted_length = map_equation(graph, groups).total
    found = communities(graph, two_level=True, initial=groups)
    assert found.length.total <= planted_length
    # A tree that no search of one trial would leave: nothing shorter is found, so it stays as it is.
    again = communities(graph, initial=found.paths(), restarts=0)
    assert again.length.total <= found.length.total


def test_restarts_only_help(shared: Path) -> None:
    network = walk(load(shared, "mapequation/ninetriangles.net")).network
    plain = search(network, two_level=True, restarts=0)
    assert search(network, two_level=True, restarts=20).length.total < plain.length.total
    assert search(network, two_level=True).length == plain.length


def test_a_tree_is_no_longer_than_two_levels() -> None:
    source = random.Random(3)
    links = [(node, 9 * (node // 9) + source.randrange(9), 8) for node in range(243) for _ in range(4)]
    links += [(node, 81 * (node // 81) + source.randrange(81), 1) for node in range(243) for _ in range(2)]
    links += [(source.randrange(243), source.randrange(243), 0.2) for _ in range(60)]
    graph = Graph(links)
    flat, deep = communities(graph, two_level=True), communities(graph)
    assert flat.levels == 1 < deep.levels and deep.length.total < flat.length.total - 0.01
    assert deep.top_count == 3 and len(deep) == 27


@pytest.mark.parametrize("two_level", [True, False])
def test_nothing_and_no_links_have_trivial_answers(two_level: bool) -> None:
    empty = communities(Graph(), two_level=two_level)
    assert (len(empty), empty.levels, empty.length.total, empty.partition()) == (0, 0, 0.0, {})
    loners = communities(Graph(nodes="ab"), two_level=two_level, trials=2)
    assert len(loners) == 2 and loners.length.total == 0.0
    loop = communities(Graph([("a", "a")]), two_level=two_level)
    assert len(loop) == 1 and loop.length.total == 0.0


def test_nodes_without_links_stay_alone() -> None:
    found = communities(Graph([(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)], nodes=["x", "y"]))
    assert [tuple(node for node, _ in module.members) for module in found][2:] == [("x",), ("y",)]
    assert found.length.total == pytest.approx(2.320730, abs=1e-6)


def test_bad_settings_are_named() -> None:
    graph = Graph([(1, 2)])
    for setting, words in (({"trials": 0}, "trials: expected 1"), ({"restarts": -1}, "restarts: expected 0")):
        with pytest.raises(ValueError, match=words):
            communities(graph, **setting)  # type: ignore[arg-type]
    assert isinstance(communities(graph, seed=-5), Communities)


def test_where_one_module_is_better_than_a_climb_the_search_starts_from_there() -> None:
    """Random links: the climb ends with modules that are worse than none; cut from one module, two that are not."""
    source = random.Random(8000)
    links = [(source.randrange(1000), source.randrange(1000)) for _ in range(8000)]
    network = walk(Graph(links, directed=True)).network
    climbed = climb(network, singles(1000), Random(1))
    one = level_of(network, array("I", bytes(4000)))
    assert climbed.size > 50 and climbed.length() > one.length() + 0.1
    found = search(network, two_level=True)
    assert found.length.total < found.length.one_level - 0.005 and len(set(found.paths)) < 10
