"""networkx in and out (``nlp_zero/adapters/networkx.py``)."""

from __future__ import annotations

import builtins
import importlib
from typing import Any

import pytest

from nlp_zero.adapters.networkx import from_networkx, to_networkx
from nlp_zero.errors import GraphError
from nlp_zero.network.communities import communities
from nlp_zero.network.graph import Graph

LINKS = [("a", "b", 2.0), ("b", "c", 0.5), ("c", "c", 1.0)]


@pytest.fixture
def networkx() -> Any:
    return pytest.importorskip("networkx", reason="networkx is not installed: pip install 'nlp-zero[networkx]'")


@pytest.mark.parametrize("directed", [False, True])
def test_a_graph_comes_back_as_it_went(networkx: Any, directed: bool) -> None:
    graph = Graph(LINKS, directed=directed, nodes=["z"])
    made = to_networkx(graph)
    assert made.is_directed() == directed and made["a"]["b"]["weight"] == 2.0 and "z" in made
    assert from_networkx(made) == graph


def test_weights_may_be_missing_or_left_aside(networkx: Any) -> None:
    made = networkx.MultiGraph([(1, 2, {"weight": 3}), (1, 2), (2, 3, {"cost": 7.0})])
    assert list(from_networkx(made).links()) == [(1, 2, 4.0), (2, 3, 1.0)]
    assert list(from_networkx(made, weight=None).links()) == [(1, 2, 2.0), (2, 3, 1.0)]
    assert list(from_networkx(made, weight="cost").links()) == [(1, 2, 2.0), (2, 3, 7.0)]


def test_communities_become_attributes(networkx: Any) -> None:
    graph = from_networkx(networkx.karate_club_graph(), weight=None)
    found = communities(graph, two_level=True, trials=10)
    assert found.length.total == pytest.approx(4.311793, abs=1e-6)
    made = to_networkx(graph, found)
    assert {node: data["module"] for node, data in made.nodes(data=True)} == found.partition()
    assert sum(flow for _, flow in made.nodes(data="flow")) == pytest.approx(1)
    assert made.nodes[0]["path"] == found.path(0)


def test_what_is_no_graph_is_named(networkx: Any) -> None:
    with pytest.raises(GraphError, match=r"expected a networkx graph, such as networkx.Graph\(\), got list"):
        from_networkx([(1, 2)])
    with pytest.raises(GraphError, match="link 0: expected a weight above 0"):
        from_networkx(networkx.Graph([(1, 2, {"weight": -1})]))


def test_without_the_library_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, package: str | None = None) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("nlp_zero.adapters._optional.import_module", missing)
    for call in (lambda: from_networkx(None), lambda: to_networkx(Graph([(1, 2)]))):
        with pytest.raises(ImportError, match=r"networkx is not installed: pip install 'nlp-zero\[networkx\]'"):
            call()


def test_importing_the_adapter_does_not_import_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[str] = []
    real = builtins.__import__

    def watch(name: str, *rest: Any, **more: Any) -> Any:
        wanted.append(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", watch)
    for name in ("networkx", "pandas"):
        importlib.reload(importlib.import_module(f"nlp_zero.adapters.{name}"))
    assert not {"networkx", "pandas"} & set(wanted)
