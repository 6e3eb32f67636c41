"""The cases of the reference values, as graphs and settings of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from nlp_zero.network.graph import Graph

NAMES = {
    "recorded_teleportation": "recorded",
    "to_nodes": "to_nodes",
    "teleportation_probability": "teleportation",
    "entropy_corrected": "entropy_corrected",
    "regularized": "regularized",
    "variable_markov_time": "variable_markov_time",
}


class Case(NamedTuple):
    name: str
    graph: Graph
    flow: dict[str, Any]
    two_level: bool
    given: bool
    partition: dict[Any, Any]
    expected: dict[str, Any]


def cases(shared: Path) -> list[Case]:
    rows = json.loads((shared / "golden" / "golden_infomap.json").read_text(encoding="utf-8"))["cases"]
    return [_case(row) for row in rows]


def text_networks(shared: Path) -> list[dict[str, Any]]:
    """Files of states, layers and features, with what the reference makes of them."""
    rows = json.loads((shared / "golden" / "golden_infomap.json").read_text(encoding="utf-8"))["text_networks"]
    assert isinstance(rows, list)
    return rows


def _case(row: dict[str, Any]) -> Case:
    options = row["options"]
    links = [link for link in row["links"] if not (options.get("no_self_links") and link[0] == link[1])]
    model = options.get("flow_model")
    directed = options.get("directed", False) or model in ("undirdir", "outdirdir", "rawdir")
    graph = Graph(map(tuple, links), directed=directed)
    flow = {ours: options[name] for name, ours in NAMES.items() if name in options}
    flow |= {"model": model, "markov_time": options.get("markov_time", 1.0)}
    partition = {node: row["modules"][str(node)] for node in graph.nodes}
    if "paths" in row:
        partition = {node: tuple(row["paths"][str(node)]) for node in graph.nodes}
    given = row["given_partition"] is not None
    return Case(row["name"], graph, flow, options.get("two_level", False), given, partition, row)
