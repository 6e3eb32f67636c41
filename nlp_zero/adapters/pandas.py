"""pandas frames in and out: ``pip install 'nlp-zero[pandas]'``."""

from __future__ import annotations

from typing import Any

from ..errors import GraphError
from ..network.communities import Communities
from ..network.graph import Graph
from ._optional import optional

__all__ = ["from_pandas", "links_to_pandas", "to_pandas"]


def from_pandas(
    frame: Any,
    source: str = "source",
    target: str = "target",
    weight: str | None = "weight",
    *,
    directed: bool = False,
) -> Graph:
    """A graph from a frame with a link in each row; parallel links add up.

    The arguments name the columns; without a column ``weight`` (or with None) every link weighs 1. GraphError for what
    is no frame, a column that is missing, or a weight that no link can have.
    """
    pandas = optional("pandas")
    if not isinstance(frame, pandas.DataFrame):
        raise GraphError(f"expected a pandas DataFrame, got {type(frame).__name__}")
    for column in (source, target):
        if column not in frame.columns:
            raise GraphError(f"expected a column {column!r}, got {', '.join(map(str, frame.columns)) or 'none'}")
    columns = [frame[source].tolist(), frame[target].tolist()]
    if weight is not None and weight in frame.columns:
        columns.append(frame[weight].tolist())
    return Graph(zip(*columns, strict=True), directed=directed)


def links_to_pandas(graph: Graph) -> Any:
    """A frame with a link in each row: ``source``, ``target``, ``weight``."""
    return optional("pandas").DataFrame(list(graph.links()), columns=["source", "target", "weight"])


def to_pandas(found: Communities) -> Any:
    """A frame with a node in each row: ``node``, ``module`` (the top one), ``path`` as in a ``.tree``, ``flow``."""
    rows = [
        (node, module.path[0], ":".join(map(str, module.path)), flow)
        for module in found
        for node, flow in module.members
    ]
    return optional("pandas").DataFrame(rows, columns=["node", "module", "path", "flow"])
