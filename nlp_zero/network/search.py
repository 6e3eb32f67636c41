"""The search for the partition with the shortest code.

One *trial* starts from each node in a module of its own. The *climb*: nodes move, in random order, to the modules where
the code is shortest until none wants to; the modules become the nodes of a smaller network; and so on until nothing
moves. Two refinements take turns from there until they gain little: *coarse*, each module is cut by a search within it
into submodules (small and large ones by turns), which then move as the nodes did; *fine*, single nodes move again from
where they are, into modules of their own too. Where the climb ends above the length of one module for all nodes, as it
does on graphs with a dense core, the refinements start from that one module instead. *Restarts* mend more: a share of
the modules is broken up into single nodes or joined to others, the search runs on from there, and the result is kept
if it is shorter.

The multilevel search takes the best two-level partition and looks for modules of modules (their nodes are visited as
often as modules are entered) and for modules in modules, as long as the code becomes shorter.

V. D. Blondel et al. 2008, "Fast unfolding of communities in large networks" (moves and aggregation); M. Rosvall,
D. Axelsson & C. T. Bergstrom 2009, "The map equation" (the refinements); V. A. Traag, L. Waltman & N. J. van Eck 2019,
"From Louvain to Leiden" (the queue of nodes whose neighbours moved); M. Rosvall & C. T. Bergstrom 2011, "Multilevel
compression of random walks on networks" (modules of modules); H. R. Lourenço, O. C. Martin & T. Stützle 2003,
"Iterated local search" (the restarts).

Every random choice comes from the seed and the number of the trial, so trials can be added up: the best of 20 is the
better of the best of the first 10 and of the last 10.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from contextlib import closing
from math import fsum
from threading import Event
from typing import NamedTuple

from .. import kernels
from .flow import Network, plogp
from .map_equation import Books, CodeLength, Path, code_length, exits_and_entries, merge, numbered
from .trials import Stopped, in_order

__all__ = ["Found", "search"]

# Of two results the earlier stays unless it is beaten by this many bits.
LEAST_GAIN = 1e-10
# Another round of refinement is tried only after one that has gained this much.
ROUND_GAIN = 1e-4
# The bound of a node that stays where it is.
STILL = (1 << 32) - 1
MASK = (1 << 64) - 1


class Found(NamedTuple):
    """The best partition of a search: the path of every node, its code length, and the trial (from 1) that found it."""

    paths: list[Path]
    length: CodeLength
    trial: int


class Random:
    """splitmix64 (Steele, Lea & Flood 2014): the seeds of the kernels, and numbers below a bound.

    Every step of a search asks for a number, so here a trial ends that nobody waits for: by :class:`Stopped`.
    """

    def __init__(self, seed: int, stop: Event | None = None) -> None:
        self.state = seed & MASK
        self.stop = stop

    def next(self) -> int:
        if self.stop is not None and self.stop.is_set():
            raise Stopped
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        mixed = ((self.state ^ (self.state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        return mixed ^ (mixed >> 31)

    def below(self, bound: int) -> int:
        return ((self.next() >> 32) * bound) >> 32


class Level(NamedTuple):
    """A partition of a network: the module of each node, and the network of the modules."""

    labels: array[int]
    network: Network
    leave: array[float]
    enter: array[float]

    @property
    def size(self) -> int:
        return len(self.network.flows)

    def length(self) -> float:
        """The two-level code length but for the words of the nodes, the same for every partition."""
        return fsum([plogp(fsum(self.enter)), *self.terms()])

    def terms(self) -> list[float]:
        """What each module adds to the code length, but for the index and the words of the nodes."""
        rows = zip(self.leave, self.enter, self.books(), strict=True)
        return [book - plogp(leave) - plogp(enter) + self.network.toll for leave, enter, book in rows]

    def books(self) -> list[float]:
        """What the book of each module adds: of one that holds nodes that share words, less those words."""
        found = [plogp(leave + flow) for leave, flow in zip(self.leave, self.network.flows, strict=True)]
        if self.network.names is not None:
            found = [book - spelled for book, spelled in zip(found, self.network.names.spelled(), strict=True)]
        return found


NO_BOUNDS, ROOT = array("I"), array("d", (0.0,))


def level_of(network: Network, labels: array[int]) -> Level:
    merged, names, leaving, entering = merge(network, labels)
    return Level(names, merged, *exits_and_entries(merged, leaving, entering))


def move(
    network: Network, bounds: array[int], exits: array[float], labels: array[int], random: Random
) -> tuple[array[int], int]:
    """Modules after moving nodes from a given partition, and the number of moves."""
    moved, moves = kernels.move_nodes(network[:7], bounds, exits, labels, random.next(), network.toll, network.names)
    return array("I", moved), moves


def climb(
    network: Network,
    labels: array[int],
    random: Random,
    bounds: array[int] = NO_BOUNDS,
    exits: array[float] = ROOT,
) -> Level:
    """Move nodes, then modules, then modules of modules, from a given partition until nothing moves."""
    level = level_of(network, move(network, bounds, exits, labels, random)[0])
    return _climb_on(level, random, _of_modules(level, bounds), exits)


def _climb_on(level: Level, random: Random, bounds: array[int], exits: array[float]) -> Level:
    """Move the modules of a partition, and modules of them, until nothing moves."""
    while level.size > 1:
        moved, moves = move(level.network, bounds, exits, singles(level.size), random)
        if not moves:
            break
        upper = level_of(level.network, moved)
        bounds = _of_modules(upper, bounds)
        level = upper._replace(labels=compose(level.labels, upper.labels))
    return level


def _of_modules(level: Level, bounds: array[int]) -> array[int]:
    """The bound of each module from those of the nodes."""
    if not bounds:
        return bounds
    found = array("I", bytes(4 * level.size))
    for label, bound in zip(level.labels, bounds, strict=True):
        found[label] = bound
    return found


def singles(size: int) -> array[int]:
    return array("I", range(size))


def compose(lower: array[int], upper: array[int]) -> array[int]:
    return array("I", map(upper.__getitem__, lower))


def first_level(network: Network, random: Random) -> Level:
    """A partition by a climb from single nodes; where all nodes in one module are better, by refining that."""
    level = climb(network, singles(len(network.flows)), random)
    one = plogp(fsum(network.flows)) - (network.names.of_all() if network.names is not None else 0.0)
    if level.length() > one + LEAST_GAIN:
        return refine(network, level_of(network, array("I", bytes(4 * len(network.flows)))), random, large=False)
    return refine(network, level, random)


def refine(network: Network, level: Level, random: Random, *, large: bool = True) -> Level:
    """Coarse and fine by turns until they gain little; the parts are large and small by turns."""
    length, changed = level.length(), bytearray(b"\1") * level.size
    while True:
        before, start = length, level
        level = _fine(network, _coarse(network, level, random, large, changed), random)
        length = level.length()
        if length > before - ROUND_GAIN:
            return level
        large, changed = not large, _changed(start, level)


def _fine(network: Network, level: Level, random: Random) -> Level:
    """Let single nodes move between modules, then modules."""
    moved, moves = move(network, NO_BOUNDS, ROOT, level.labels, random)
    return _climb_on(level_of(network, moved), random, NO_BOUNDS, ROOT) if moves else level


def _changed(before: Level, after: Level) -> bytearray:
    """By module: whether other nodes stand in it than in any module before."""
    sizes, homes, counts = [0] * before.size, [before.size] * after.size, [0] * after.size
    changed = bytearray(after.size)
    for old, new in zip(before.labels, after.labels, strict=True):
        sizes[old] += 1
        counts[new] += 1
        if counts[new] == 1:
            homes[new] = old
        elif homes[new] != old:
            changed[new] = 1
    for new, (home, count) in enumerate(zip(homes, counts, strict=True)):
        if sizes[home] != count:
            changed[new] = 1
    return changed


def _coarse(network: Network, level: Level, random: Random, large: bool, changed: bytearray) -> Level:
    """Cut each module that has changed by a search within it, then let the parts move between modules.

    The parts are large, those of a whole climb, or small, those that single moves of nodes leave.
    """
    bounds, start = array("I", level.labels), singles(len(network.flows))
    firsts: dict[int, int] = {}
    if not all(changed):
        for node, module in enumerate(level.labels):
            if not changed[module]:
                bounds[node], start[node] = STILL, firsts.setdefault(module, node)
    if large:
        parts = climb(network, start, random, bounds, level.leave)
    else:
        parts = level_of(network, move(network, bounds, level.leave, start, random)[0])
    if parts.size == level.size:
        return level
    upper = climb(parts.network, _of_modules(parts, level.labels), random)
    return upper._replace(labels=compose(parts.labels, upper.labels))


def restart(network: Network, level: Level, random: Random) -> Level:
    """Disturb a share of the modules, search on from there; the better of the two results."""
    disturbed = (_joined if random.below(2) else _broken_up)(level, random)
    other = refine(network, climb(network, disturbed, random), random)
    return other if other.length() < level.length() - LEAST_GAIN else level


def _broken_up(level: Level, random: Random) -> array[int]:
    """A quarter of the modules become single nodes."""
    broken = [random.below(4) == 0 for _ in range(level.size)]
    numbers: dict[int, int] = {}
    return array(
        "I",
        [
            numbers.setdefault(level.size + node if broken[module] else module, len(numbers))
            for node, module in enumerate(level.labels)
        ],
    )


def _joined(level: Level, random: Random) -> array[int]:
    """A quarter of the modules are joined to one that they are linked with."""
    starts, neighbours = level.network.starts, level.network.neighbours
    modules = singles(level.size)
    for module in range(level.size):
        degree = starts[module + 1] - starts[module]
        if random.below(4) == 0 and degree:
            modules[module] = modules[neighbours[starts[module] + random.below(degree)]]
    return compose(level.labels, modules)


# ---- more than two levels ------------------------------------------------------------------------------------------


def tree_of(network: Network, level: Level, random: Random) -> list[Path]:
    """The paths of the nodes in the best tree that grows, up and down, from a two-level partition."""
    above = _supermodules(level, random)
    candidates = [_with_submodules(network, _paths([*reversed(above), level.labels]), random)]
    if above:
        # What was best without modules above need not be best within them: search again within the top ones.
        top = level_of(network, above[-1])
        inner = climb(network, singles(len(network.flows)), random, top.labels, top.leave)
        candidates.append(_with_submodules(network, _paths([top.labels, inner.labels]), random))
        candidates.append(_with_submodules(network, _paths([top.labels]), random))
    candidates += [without_idle_modules(network, paths) for paths in candidates if max(map(len, paths)) > 1]
    lengths = [code_length(network, paths).total for paths in candidates]
    return candidates[min(range(len(lengths)), key=lengths.__getitem__)]


def _supermodules(level: Level, random: Random) -> list[array[int]]:
    """The label of each node in modules of modules, in those of these, and so on, while that shortens the code."""
    found: list[array[int]] = []
    labels = level.labels
    while level.size > 2:
        words = level.network._replace(flows=level.enter, names=None)
        upper = refine(words, climb(words, singles(level.size), random), random)
        spelled = fsum(map(plogp, level.enter))
        if (
            not 1 < upper.size < level.size
            or upper.length() - spelled > plogp(fsum(level.enter)) - spelled - LEAST_GAIN
        ):
            break
        labels = compose(labels, upper.labels)
        found.append(labels)
        level = upper
    return found


def _paths(levels: Sequence[array[int]]) -> list[Path]:
    return list(zip(*levels, strict=True))


def _with_submodules(network: Network, paths: list[Path], random: Random) -> list[Path]:
    """Cut modules into submodules, and those again, wherever that shortens the code."""
    growing = [True] * len(paths)
    while any(growing):
        numbers: dict[Path, int] = {}
        level = level_of(network, array("I", [numbers.setdefault(path, len(numbers)) for path in paths]))
        # Nodes that are through stay in one module of their own bound, where they cannot move.
        starts: dict[int, int] = {}
        first = array(
            "I",
            [
                node if grows else starts.setdefault(module, node)
                for node, (module, grows) in enumerate(zip(level.labels, growing, strict=True))
            ],
        )
        parts = climb(network, first, random, level.labels, level.leave)
        worth = _worth_cutting(level, parts)
        growing = [grows and worth[module] for module, grows in zip(level.labels, growing, strict=True)]
        paths = [
            (*path, part) if grows else path for path, part, grows in zip(paths, parts.labels, growing, strict=True)
        ]
    return paths


def without_idle_modules(network: Network, paths: list[Path]) -> list[Path]:
    """Take out modules of modules, the lowest first, where the code is shorter if their parts stand one level up."""
    books = Books.of(network, paths)
    inner = {path[:depth] for path in paths for depth in range(1, len(path))}
    lifted: set[Path] = set()
    use = dict(books.use)
    for path in sorted(inner, key=lambda path: (-len(path), path)):
        above = path[:-1]
        leave, enter = books.leave[path], books.enter[path]
        joined = use[above] - enter + (use[path] - leave)
        change = plogp(joined) - plogp(use[above]) + plogp(enter) + plogp(leave) - plogp(use[path]) - network.toll
        if change < -LEAST_GAIN:
            use[above] = joined
            lifted.add(path)
    shorter = [
        tuple([path[:depth] for depth in range(1, len(path) + 1) if path[:depth] not in lifted]) for path in paths
    ]
    return numbered(shorter)


def _worth_cutting(level: Level, parts: Level) -> list[bool]:
    """Whether the code of a module is shorter with its parts than without."""
    terms: list[list[float]] = [[] for _ in range(level.size)]
    entering: list[list[float]] = [[] for _ in range(level.size)]
    for home, term, enter in zip(_of_modules(parts, level.labels), parts.terms(), parts.enter, strict=True):
        terms[home].append(term)
        entering[home].append(enter)
    return [
        len(terms[module]) > 1 and plogp(leave + fsum(entering[module])) + fsum(terms[module]) < book - LEAST_GAIN
        for module, (leave, book) in enumerate(zip(level.leave, level.books(), strict=True))
    ]


# ---- trials --------------------------------------------------------------------------------------------------------


def search(
    network: Network,
    *,
    two_level: bool = False,
    trials: int = 1,
    seed: int = 1,
    restarts: int | None = None,
    initial: Sequence[Path] | None = None,
    workers: int = 1,
    progress: Callable[[int, float], object] | None = None,
) -> Found:
    """The best partition of several trials, as the module describes them, ``workers`` at a time.

    ``restarts`` is how often a trial is disturbed and searched on; None stands for never in the first trial, which is
    the quick answer, and once in every further one. ``initial`` is where every trial starts, in place of single nodes;
    of a tree the lowest modules. ``progress`` is called with the number of the trial and its code length. Partitions
    of one module, and that of ``initial`` as it stands, are not passed over: the result is never longer than these.
    """
    size = len(network.flows)
    if not size:
        return Found([], CodeLength(0.0, 0.0, 0.0), 0)
    known: list[list[Path]] = []
    if initial is not None:
        numbers: dict[Path, int] = {}
        start = array("I", [numbers.setdefault(path, len(numbers)) for path in initial])
        known.append([path[:1] for path in initial] if two_level else list(initial))

    def attempt(number: int, stop: Event) -> tuple[list[Path], CodeLength]:
        random = Random(Random((seed << 20) + number + 1).next(), stop)
        if initial is None:
            level = first_level(network, random)
        else:
            level = refine(network, climb(network, start, random), random)
        for _ in range(min(number, 1) if restarts is None else restarts):
            level = restart(network, level, random)
        paths = _paths([level.labels]) if two_level else tree_of(network, level, random)
        return paths, code_length(network, paths)

    best: Found | None = None
    with closing(in_order(attempt, trials, workers)) as results:
        for trial, (paths, length) in enumerate(results, 1):
            if best is None or length.total < best.length.total - LEAST_GAIN:
                best = Found(paths, length, trial)
            if progress is not None:
                progress(trial, length.total)
    assert best is not None
    if best.length.total > best.length.one_level + LEAST_GAIN:
        known.append([(0,)] * size)
    for paths in known:
        length = code_length(network, paths)
        if length.total < best.length.total - LEAST_GAIN:
            best = Found(paths, length, 0)
    return best
