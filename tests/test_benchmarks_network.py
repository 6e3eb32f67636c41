"""The benchmark of communities: its graphs, the file that hands them on, its scores; nothing here is measured."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(not (ROOT / "benchmarks" / "network").is_dir(), reason="the benchmarks are not here")


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.network.graphs")


def test_the_examples_hold(graphs: ModuleType) -> None:
    assert doctest.testmod(graphs).failed == 0


def test_growth_is_plotted(graphs: ModuleType) -> None:
    assert doctest.testmod(importlib.import_module("benchmarks.network.growth")).failed == 0
    links = list(graphs.planted(3000))
    assert len(links) == 3000 and 0.65 < sum(a // 50 == b // 50 for a, b in links) / 3000 < 0.8


def test_a_seed_makes_a_graph(graphs: ModuleType) -> None:
    first, second = graphs.lfr(200, 0.5, seed=3), graphs.lfr(200, 0.5, seed=3)
    assert first == second != graphs.lfr(200, 0.5, seed=4)
    web = graphs.rmat(8, 500)
    ends = {end for link in web.links for end in link[:2]}
    assert web.directed and len(web.links) == 500 and ends == set(range(len(ends)))


def test_words_beside_words(graphs: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "pku_gold.txt").write_text("喝 茶 喝 茶\n茶 茶 好\n", encoding="utf-8")
    assert graphs.make("words", tmp_path, tmp_path).links == [(0, 1, 2.0), (1, 0, 1.0), (1, 2, 1.0)]


def test_links_are_handed_on_by_a_file(graphs: ModuleType, tmp_path: Path) -> None:
    problem = graphs.rmat(6, 60)
    graphs.write(problem, tmp_path / "links")
    assert graphs.read(tmp_path / "links") == problem


def test_partitions_are_scored_by_length_and_by_planted_groups(graphs: ModuleType) -> None:
    script = importlib.import_module("benchmarks.network.infomap")
    links = [(0, 1, 1.0), (0, 2, 1.0), (1, 2, 1.0), (3, 4, 1.0), (3, 5, 1.0), (4, 5, 1.0), (2, 3, 1.0)]
    problem = graphs.Problem(links, False, [0, 0, 0, 1, 1, 1])
    length, modules, found = script.scored(problem, script.ENGINES["nlp-zero"][1](problem, 6))
    assert (round(length, 6), modules, found) == (2.32073, 2, (1.0, 1.0))


def test_words_of_lists_report_or_choose_and_partitions_are_compared(
    monkeypatch: pytest.MonkeyPatch, graphs: ModuleType
) -> None:
    script = importlib.import_module("benchmarks.network.terms")
    assert doctest.testmod(script).failed == 0
    monkeypatch.setattr(script.measure, "installed", lambda module: False)
    from nlp_zero.network.graph import Graph

    lists = {"北京": "diming", "上海": "diming", "曹操": "lishimingren", "刘备": "lishimingren"}
    table = script.agreements(Graph(nodes=lists), {"ours": dict(zip(lists, (1, 1, 2, 2), strict=True))}, lists)
    assert table.splitlines()[2].startswith("| ours | 2 |")
