"""Graphs to be clustered: small known ones, LFR with planted groups, words beside words, R-MAT; all from a seed."""

import random
from array import array
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from math import exp, lgamma, log
from pathlib import Path
from typing import NamedTuple

Link = tuple[int, int, float]


class Problem(NamedTuple):
    """A graph as a list of links between numbers, whether they lead one way, and the planted groups, if any."""

    links: list[Link]
    directed: bool
    groups: list[int] | None


NAMES = (
    *("karate", "football", "jazz"),
    *(f"lfr{size}-{mixing}" for size in ("1k", "10k", "100k") for mixing in ("0.3", "0.5", "0.6")),
    *("words", "rmat1m"),
)


def make(name: str, shared: Path, work: Path) -> Problem:
    """One of the graphs of NAMES."""
    if name.startswith("lfr"):
        size, mixing = name[3:].split("-")
        return lfr(int(size[:-1]) * 1000, float(mixing))
    if name == "words":
        return neighbours(work / "pku_gold.txt")
    if name == "rmat1m":
        return rmat(17, 1_000_000)
    return known(shared / "data" / "networks", name)


def write(problem: Problem, path: Path) -> None:
    """The links in a file that takes little memory to read."""
    with path.open("wb") as file:
        array("q", [len(problem.links), problem.directed]).tofile(file)
        array("d", [part for link in problem.links for part in link]).tofile(file)


def read(path: Path) -> Problem:
    """The links of a file that :func:`write` has written."""
    head, parts = array("q"), array("d")
    with path.open("rb") as file:
        head.fromfile(file, 2)
        parts.fromfile(file, 3 * head[0])
    links = [(int(parts[at]), int(parts[at + 1]), parts[at + 2]) for at in range(0, len(parts), 3)]
    return Problem(links, bool(head[1]), None)


def known(folder: Path, name: str) -> Problem:
    """A graph of the collection, without direction and weights."""
    if name == "jazz":
        lines = (
            (folder / "mapequation" / "jazz.net").read_text(encoding="utf-8").partition("*Edges")[2].splitlines()[1:]
        )
    else:
        lines = (folder / f"{name}.edges.tsv").read_text(encoding="utf-8").splitlines()
    numbers: dict[str, int] = {}
    pairs = [[numbers.setdefault(end, len(numbers)) for end in line.split()[:2]] for line in lines]
    return Problem([(source, target, 1.0) for source, target in pairs], False, None)


def _power(source: random.Random, least: int, most: int, exponent: float) -> int:
    """A number of a power law, by the inverse of its distribution."""
    power = 1.0 - exponent
    drawn = least**power + source.random() * ((most + 1) ** power - least**power)
    return min(most, int(drawn ** (1 / power)))


def lfr(size: int, mixing: float, seed: int = 1) -> Problem:
    """After Lancichinetti, Fortunato & Radicchi 2008: degrees 10-50 (exponent 2.5), groups of 20-100 (1.5).

    Each node has the share ``1 - mixing`` of its links within its group; both kinds are drawn by pairing stubs, and
    pairs that repeat or do not fit are dropped.

    >>> problem = lfr(300, 0.3)
    >>> inside = sum(problem.groups[a] == problem.groups[b] for a, b, _ in problem.links)
    >>> 0.65 < inside / len(problem.links) < 0.75
    True
    """
    source = random.Random(seed)
    degrees = [_power(source, 10, 50, 2.5) for _ in range(size)]
    sizes: list[int] = []
    while (left := size - sum(sizes)) > 0:
        drawn = _power(source, 20, 100, 1.5)
        sizes.append(left if left - drawn < 20 else drawn)
    members = [group for group, count in enumerate(sizes) for _ in range(count)]
    source.shuffle(members)
    inside = [round((1 - mixing) * degree) for degree in degrees]
    stubs: list[list[int]] = [[] for _ in sizes]
    for node, group in enumerate(members):
        stubs[group] += [node] * min(inside[node], sizes[group] - 1)
    outer = [node for node in range(size) for _ in range(degrees[node] - inside[node])]
    pairs: set[tuple[int, int]] = set()
    for within, ends in [*((True, group) for group in stubs), (False, outer)]:
        source.shuffle(ends)
        for a, b in zip(ends[::2], ends[1::2], strict=False):
            if a != b and (within or members[a] != members[b]):
                pairs.add((min(a, b), max(a, b)))
    return Problem([(a, b, 1.0) for a, b in sorted(pairs)], False, members)


def neighbours(path: Path) -> Problem:
    """Words that stand beside each other in a segmented text: directed, weighted by how often they do."""
    numbers: dict[str, int] = {}
    counts: dict[tuple[int, int], int] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        words = [numbers.setdefault(word, len(numbers)) for word in line.split()]
        for pair in pairwise(words):
            if pair[0] != pair[1]:
                counts[pair] = counts.get(pair, 0) + 1
    return Problem([(a, b, float(count)) for (a, b), count in counts.items()], True, None)


def rmat(scale: int, count: int, seed: int = 1) -> Problem:
    """R-MAT (Chakrabarti, Zhan & Faloutsos 2004), .57 .19 .19 .05; nodes without links left out."""
    source = random.Random(seed)
    pairs: set[tuple[int, int]] = set()
    while len(pairs) < count:
        a = b = 0
        for _ in range(scale):
            quarter = source.random()
            a, b = 2 * a + (quarter >= 0.76), 2 * b + (0.57 <= quarter < 0.76 or quarter >= 0.95)
        if a != b:
            pairs.add((a, b))
    numbers: dict[int, int] = {}
    links = [(numbers.setdefault(a, len(numbers)), numbers.setdefault(b, len(numbers)), 1.0) for a, b in sorted(pairs)]
    return Problem(links, True, None)


def agreement(first: list[int], second: list[int]) -> float:
    """Normalized mutual information of two partitions.

    >>> agreement([0, 0, 1, 1], [5, 5, 7, 7]), agreement([0, 0, 1, 1], [0, 1, 0, 1])
    (1.0, 0.0)
    """
    return agreements(first, second)[1]


def agreements(first: list[int], second: list[int]) -> tuple[float, float]:
    """Adjusted and normalized mutual information of two partitions, both by the mean of their entropies.

    Adjusted (AMI): less what two random partitions with groups of these sizes share (N. X. Vinh, J. Epps & J. Bailey
    2010, "Information theoretic measures for clusterings comparison"), so that 0 stands for chance. O(nodes + pairs of
    different sizes x size).

    >>> agreements([0, 0, 1, 1], [5, 5, 7, 7]), agreements([0, 0, 1, 1], [0, 1, 0, 1])
    ((1.0, 1.0), (-0.5, 0.0))
    """
    total, joint = len(first), Counter(zip(first, second, strict=True))
    sides = Counter(first), Counter(second)
    shared = sum(n * log(n * total / (sides[0][a] * sides[1][b])) for (a, b), n in joint.items()) / total
    mean = sum(n * log(total / n) for side in sides for n in side.values()) / 2 / total
    if not mean:
        return 1.0, 1.0
    chance = _by_chance(total, Counter(sides[0].values()), Counter(sides[1].values()))
    adjusted = 1.0 if abs(mean - chance) < 1e-12 else (shared - chance) / (mean - chance)
    return round(adjusted, 12), round(shared / mean, 12)


def _by_chance(total: int, rows: Counter[int], columns: Counter[int]) -> float:
    """The mutual information to be expected of random partitions, in nats: how often each size of group occurs."""
    expected = 0.0
    for a, often in rows.items():
        for b, also in columns.items():
            fixed = lgamma(a + 1) + lgamma(b + 1) + lgamma(total - a + 1) + lgamma(total - b + 1) - lgamma(total + 1)
            for n in range(max(1, a + b - total), min(a, b) + 1):
                ways = lgamma(n + 1) + lgamma(a - n + 1) + lgamma(b - n + 1) + lgamma(total - a - b + n + 1)
                expected += often * also * n / total * log(total * n / (a * b)) * exp(fixed - ways)
    return expected


def planted(links: int, seed: int = 1) -> Iterator[tuple[int, int]]:
    """Links of groups of 50 nodes, ten links for each node, 7 of 10 within the group: made one by one, never kept."""
    source = random.Random(seed)
    nodes = max(100, links // 10)
    draw = source.random
    for _ in range(links):
        node = int(draw() * nodes)
        if draw() < 0.7:
            start = node - node % 50
            yield node, start + int(draw() * min(50, nodes - start))
        else:
            yield node, int(draw() * nodes)
