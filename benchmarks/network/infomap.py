"""Length of the code, time and memory of InfoMap engines, from a Python list of links to the modules of the nodes.

    python -m benchmarks.network.infomap [--graphs karate,lfr10k-0.5,...] [--engines nlp-zero,infomap,...] [--out FILE]

Each run is a process of its own, on one thread. Time is its CPU seconds from the list of links to the result, import
of the engine included for all; memory its peak above what it held before (with the list of links). Every partition is
scored by our `map_equation` under one flow model (undirected, or directed with unrecorded teleportation to links), so
that lengths compare. `-10` and `-20` stand for the best of so many trials, `ml` for modules in modules; networkx has
no map equation in its releases, so its Louvain method (modularity) stands for it.
"""

import gc
import json
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from benchmarks import measure
from benchmarks.network import graphs
from benchmarks.network.graphs import Problem

Labels = list[list[int]]
# The most links that an engine is given, where it would take long.
SLOW = {"nlp-zero python": 100_000, "networkx louvain": 100_000, "igraph-10": 200_000}
SLOW |= {"nlp-zero-20": 70_000, "infomap-20": 70_000}
SINGLE = {"infomap-10": 300_000, "nlp-zero-10": 300_000, "infomap ml": 2_000_000, "nlp-zero ml": 2_000_000}


def ours(trials: int, two_level: bool) -> Callable[[Problem, int], Labels]:
    def run(problem: Problem, size: int) -> Labels:
        from nlp_zero.network.communities import communities
        from nlp_zero.network.graph import Graph

        found = communities(Graph(problem.links, directed=problem.directed), two_level=two_level, trials=trials)
        paths = found.paths()
        return [list(paths[node]) if node in paths else [-node - 1] for node in range(size)]

    return run


def infomap(trials: int, two_level: bool) -> Callable[[Problem, int], Labels]:
    def run(problem: Problem, size: int) -> Labels:
        import infomap as engine

        found = engine.run(
            problem.links,
            directed=problem.directed,
            two_level=two_level,
            num_trials=trials,
            seed=123,
            silent=True,
            num_threads=1,
        )
        paths: Labels = [[-node - 1] for node in range(size)]
        for row in found.nodes():
            paths[row.node_id] = list(row.path)[:-1]
        return paths

    return run


def igraph(trials: int) -> Callable[[Problem, int], Labels]:
    def run(problem: Problem, size: int) -> Labels:
        import random

        import igraph as engine

        random.seed(123)
        graph = engine.Graph(size, [link[:2] for link in problem.links], directed=problem.directed)
        found = graph.community_infomap(edge_weights=[link[2] for link in problem.links], trials=trials)
        return [[module] for module in found.membership]

    return run


def louvain(problem: Problem, size: int) -> Labels:
    import networkx as engine

    graph = engine.DiGraph() if problem.directed else engine.Graph()
    graph.add_nodes_from(range(size))
    graph.add_weighted_edges_from(problem.links)
    labels: Labels = [[-1]] * size
    for module, nodes in enumerate(engine.community.louvain_communities(graph, seed=123)):
        for node in nodes:
            labels[node] = [module]
    return labels


ENGINES: dict[str, tuple[str, Callable[[Problem, int], Labels]]] = {
    "nlp-zero": ("nlp_zero", ours(1, True)),
    "infomap": ("infomap", infomap(1, True)),
    "igraph": ("igraph", igraph(1)),
    "nlp-zero-10": ("nlp_zero", ours(10, True)),
    "infomap-10": ("infomap", infomap(10, True)),
    "igraph-10": ("igraph", igraph(10)),
    "nlp-zero-20": ("nlp_zero", ours(20, True)),
    "infomap-20": ("infomap", infomap(20, True)),
    "nlp-zero ml": ("nlp_zero", ours(1, False)),
    "infomap ml": ("infomap", infomap(1, False)),
    "nlp-zero python": ("nlp_zero", ours(1, True)),
    "networkx louvain": ("networkx", louvain),
}


def resident(field: str) -> float:
    """Resident memory in megabytes: "VmRSS" now, "VmHWM" the most since it was last forgotten; Linux alone says."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.is_file() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(field)), float("nan"))


def child(links: Path, engine: str) -> None:
    """One run, told as a line of JSON."""
    problem = graphs.read(links)
    size = 1 + max(max(link[:2]) for link in problem.links)
    gc.collect()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak
    before, started = resident("VmRSS"), time.process_time()
    labels = ENGINES[engine][1](problem, size)
    seconds, megabytes = time.process_time() - started, resident("VmHWM") - before
    print(json.dumps({"seconds": seconds, "megabytes": megabytes, "labels": labels}))


def scored(problem: Problem, labels: Labels) -> tuple[float, int, tuple[float, float] | None]:
    """The length of the code in bits, the modules at the lowest level, AMI and NMI with planted groups."""
    from nlp_zero.network.graph import Graph
    from nlp_zero.network.map_equation import map_equation

    graph = Graph(problem.links, directed=problem.directed)
    length = map_equation(graph, {node: tuple(labels[node]) for node in graph.nodes}).total
    modules = {tuple(labels[node]) for node in graph.nodes}
    if problem.groups is None:
        return length, len(modules), None
    numbers: dict[tuple[int, ...], int] = {}
    found = [numbers.setdefault(tuple(labels[node]), len(numbers)) for node in graph.nodes]
    return length, len(modules), graphs.agreements(found, [problem.groups[node] for node in graph.nodes])


Row = list[object]


def run(graph: str, links: Path, engine: str) -> dict[str, object] | None:
    """One run in a process of its own; None if it fails."""
    command = [sys.executable, "-m", "benchmarks.network.infomap", "--child", str(links), engine]
    extra = {"NLP_ZERO_PURE": "1" if engine == "nlp-zero python" else "0"}
    done = subprocess.run(command, capture_output=True, text=True, env=measure.environment(**extra), cwd=measure.ROOT)
    if done.returncode:
        measure.skip(f"{engine} on {graph}", done.stderr.strip().splitlines()[-1])
        return None
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def rows_of(graph: str, engines: list[str], options: Namespace) -> list[Row]:
    """The rows of one graph: times are the least of the rounds, lengths those of the first (all rounds agree)."""
    problem = graphs.make(graph, options.shared, options.work)
    count = len(problem.links)
    chosen = [name for name in engines if count <= {**SLOW, **SINGLE}.get(name, count)]
    results: dict[str, list[dict[str, object]]] = {name: [] for name in chosen}
    with tempfile.TemporaryDirectory() as folder:
        links = Path(folder) / "links"
        graphs.write(problem, links)
        for name in chosen * options.rounds:
            if (result := run(graph, links, name)) is not None:
                results[name].append(result)
    rows: list[Row] = []
    for name in chosen:
        if not results[name]:
            continue
        length, modules, found = scored(problem, results[name][0]["labels"])  # type: ignore[arg-type]
        seconds = min(float(str(result["seconds"])) for result in results[name])
        megabytes = max(float(str(result["megabytes"])) for result in results[name])
        shown = ["-", "-"] if found is None else [f"{value:.4f}" for value in found]
        size = len({end for link in problem.links for end in link[:2]})
        label = f"{graph} ({size:,}, {count:,})"
        rows.append([label, name, f"{length:.6f}", modules, *shown, f"{seconds:.2f}", f"{megabytes:.0f}"])
    return rows


def main() -> None:
    parser = measure.options(__doc__.splitlines()[0])
    parser.add_argument("--graphs", default=",".join(graphs.NAMES), help="names, by commas")
    parser.add_argument("--engines", default=",".join(ENGINES), help="names, by commas")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each; the least time is shown")
    parser.add_argument("--child", nargs=2, metavar=("LINKS", "ENGINE"), help="one run (the script calls itself)")
    options = measure.begin(parser)
    if options.child:
        child(Path(options.child[0]), options.child[1])
        return
    engines = []
    for name in options.engines.split(","):
        if measure.installed(ENGINES[name][0]):
            engines.append(name)
        else:
            measure.skip(name, f"{ENGINES[name][0]} is not installed")
    head = ["graph (nodes, links)", "engine", "bits", "modules", "AMI", "NMI", "s", "MB"]
    heading = measure.header("Communities by the map equation")
    rows = [row for graph in options.graphs.split(",") for row in rows_of(graph, engines, options)]
    note = "Each run" + __doc__.partition("Each run")[2].rstrip()
    measure.publish(f"{heading}\n{measure.table(head, rows)}\n\n{note}", options.out)


if __name__ == "__main__":
    main()
