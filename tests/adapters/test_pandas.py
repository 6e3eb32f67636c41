"""pandas in and out (``nlp_zero/adapters/pandas.py``)."""

from __future__ import annotations

from typing import Any

import pytest

from nlp_zero.adapters.pandas import from_pandas, links_to_pandas, to_pandas
from nlp_zero.errors import GraphError
from nlp_zero.network.communities import communities
from nlp_zero.network.graph import Graph

LINKS = [("a", "b", 2.0), ("b", "c", 0.5), ("c", "c", 1.0)]


@pytest.fixture
def pandas() -> Any:
    return pytest.importorskip("pandas", reason="pandas is not installed: pip install 'nlp-zero[pandas]'")


@pytest.mark.parametrize("directed", [False, True])
def test_links_come_back_as_they_went(pandas: Any, directed: bool) -> None:
    graph = Graph(LINKS, directed=directed)
    frame = links_to_pandas(graph)
    assert list(frame.columns) == ["source", "target", "weight"] and len(frame) == 3
    assert from_pandas(frame, directed=directed) == graph


def test_columns_can_be_named_and_weights_missing(pandas: Any) -> None:
    frame = pandas.DataFrame({"from": [1, 2, 1], "to": [2, 3, 2], "n": [1.5, 2.0, 1.0]})
    assert list(from_pandas(frame, "from", "to").links()) == [(1, 2, 2.0), (2, 3, 1.0)]
    assert list(from_pandas(frame, "from", "to", "n").links()) == [(1, 2, 2.5), (2, 3, 2.0)]
    assert all(type(node) is int for node in from_pandas(frame, "from", "to").nodes)


def test_nodes_with_their_modules_become_rows(pandas: Any) -> None:
    graph = Graph([(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)])
    found = communities(graph)
    frame = to_pandas(found)
    assert dict(zip(frame["node"], frame["module"], strict=True)) == found.partition()
    assert list(frame["path"].unique()) == ["1", "2"] and frame["flow"].sum() == pytest.approx(1)


def test_what_is_no_table_of_links_is_named(pandas: Any) -> None:
    with pytest.raises(GraphError, match="expected a pandas DataFrame, got list"):
        from_pandas([])
    with pytest.raises(GraphError, match="expected a column 'target', got source, weight"):
        from_pandas(pandas.DataFrame({"source": [1], "weight": [1]}))
    with pytest.raises(GraphError, match="link 1: expected a weight above 0 and finite, got nan"):
        from_pandas(pandas.DataFrame({"source": [1, 1], "target": [2, 3], "weight": [1, float("nan")]}))


def test_without_the_library_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, package: str | None = None) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("nlp_zero.adapters._optional.import_module", missing)
    found = communities(Graph([(1, 2)]))
    for call in (lambda: from_pandas(None), lambda: links_to_pandas(Graph([(1, 2)])), lambda: to_pandas(found)):
        with pytest.raises(ImportError, match=r"pandas is not installed: pip install 'nlp-zero\[pandas\]'"):
            call()
