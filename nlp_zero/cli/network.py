"""``cluster``: communities of a graph."""

from __future__ import annotations

import argparse
import os
from typing import Any

from .arguments import add_verb, markov_time, number_from, positive, probability, with_decoding
from .console import Console
from .streams import check_target, output

# Those of nlp_zero.network, which is not imported to read a command line.
TREE_FORMATS = ("tree", "ftree", "clu", "json", "svg")
FLOW_MODELS = ("undirected", "directed", "undirdir", "outdirdir", "rawdir")


def strength(text: str) -> float:
    return number_from(text, 0.0, 1e6, "a number from 0 to 1e6, such as 1")


def cluster(options: argparse.Namespace, console: Console) -> None:
    """The communities of a graph by the map equation."""
    from ..network.communities import communities, scored
    from ..network.graph import Graph
    from ..network.partitions import load_partition

    check_target(options.output)
    ending = os.path.splitext(options.output or "")[1][1:]
    format = options.format or (ending if ending in TREE_FORMATS else "tree")
    graph = Graph.load(options.net, directed=options.directed, encoding=options.encoding, errors=options.errors)
    console.detail(f"read {len(graph):,} nodes, {len(graph.sources):,} links")

    def progress(trial: int, length: float) -> None:
        console.progress("trials", trial, options.trials)
        console.detail(f"trial {trial}: {length:.9f} bits")

    walk: dict[str, Any] = {
        "model": options.flow_model,
        "teleportation": options.teleportation,
        "recorded": options.recorded,
        "to_nodes": options.to_nodes,
        "markov_time": options.markov_time,
        "variable_markov_time": options.variable_markov_time,
        "entropy_corrected": options.entropy_corrected,
        "regularized": options.regularized,
    }
    given = options.score or options.initial
    partition = given and load_partition(given, graph, encoding=options.encoding, errors=options.errors)
    if options.score:
        found = scored(graph, partition, **walk)
    else:
        found = communities(
            graph,
            two_level=options.two_level,
            trials=options.trials,
            seed=options.seed,
            initial=partition,
            workers=options.workers,
            progress=progress,
            **walk,
        )
    with output(options.output) as write:
        for line in found.lines(format):
            write(line)
    console.note(found.describe())


def with_walk(verb: argparse.ArgumentParser) -> None:
    way = verb.add_mutually_exclusive_group()
    way.add_argument(
        "--directed", action="store_true", default=None, help="links lead one way (default: those of *Arcs do)"
    )
    way.add_argument("--undirected", dest="directed", action="store_false", default=None, help="links lead both ways")
    group = verb.add_argument_group("options of the random walk")
    group.add_argument("--flow-model", choices=FLOW_MODELS, help="default: as the links are directed")
    group.add_argument(
        "--teleportation",
        type=probability,
        default=0.15,
        metavar="P",
        help="probability of a jump in each step, where links are directed (default: 0.15)",
    )
    group.add_argument("--recorded", action="store_true", help="the code describes these jumps, too")
    group.add_argument("--to-nodes", action="store_true", help="jumps go to nodes alike, not to links by weight")
    group.add_argument(
        "--markov-time",
        type=markov_time,
        default=1.0,
        metavar="T",
        help="steps between two words of the code: above 1 larger modules, below 1 smaller ones (default: 1)",
    )
    group.add_argument(
        "--variable-markov-time", action="store_true", help="longer where the graph is sparse: fringes stay whole"
    )
    sparse = verb.add_argument_group("where links are samples, few and perhaps by chance")
    sparse.add_argument("--entropy-corrected", action="store_true", help="correct the books for few observations")
    sparse.add_argument(
        "--regularized",
        nargs="?",
        type=strength,
        const=1.0,
        default=0.0,
        metavar="STRENGTH",
        help="a thin network joins all nodes beforehand (STRENGTH: 1)",
    )


def add(verbs: Any) -> None:
    """Add ``cluster``."""
    verb = add_verb(verbs, "cluster", cluster, "communities of a graph by the map equation (InfoMap)", with_walk)
    verb.add_argument(
        "net",
        metavar="NET",
        help="a list of links, SOURCE TARGET [WEIGHT] on each line; Pajek .net; or that with *States, *Bipartite, "
        "*Multilayer, *Intra and *Inter",
    )
    verb.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="OUT.tree, .ftree, .clu, .json or .svg (a map); default: standard output, as .tree",
    )
    verb.add_argument("--format", choices=TREE_FORMATS, help="default: as the ending of FILE says, else tree")
    start = verb.add_mutually_exclusive_group()
    start.add_argument("--initial", metavar="FILE", help="search on from the modules of a .tree or .clu file")
    start.add_argument("--score", metavar="FILE", help="do not search: the code length of the modules of such a file")
    verb.add_argument("--two-level", action="store_true", help="no modules in modules")
    verb.add_argument("--trials", type=positive, default=1, metavar="N", help="take the best of N (default: 1)")
    verb.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    verb.add_argument(
        "--workers", type=positive, default=1, metavar="N", help="trials at a time, in threads; the result is the same"
    )
    with_decoding(verb)
