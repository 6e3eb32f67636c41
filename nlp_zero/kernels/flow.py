"""Flow kernels: random walks on graphs, and the moves of nodes that shorten the map equation.

A *network* is a graph with the flow of a random walker on it, as a tuple of seven buffers:

* ``starts`` uint32, nodes + 1: where the row of each node begins in the next three;
* ``neighbours`` uint32: the other nodes that a node is linked with, in either direction, each once, itself never;
* ``outflows`` double: the flow from the node to that neighbour;
* ``inflows`` double: the flow from that neighbour to the node; empty where it is the same as ``outflows``;
* ``flows`` double: the visit rate of each node;
* ``teleports`` double: the flow that leaves each node by teleportation (empty where none is recorded);
* ``landings`` double: the share of all teleportation that ends in each node (empty as ``teleports`` is; sums to 1).

With visit rates p, and for every module i the rates q_i at which the walker enters and r_i at which it leaves it, the
code length of a partition is, in bits and with plogp(x) = x log2 x,

    L = plogp(sum q_i) - sum plogp(q_i) - sum plogp(r_i) + sum plogp(r_i + p_i) - sum over nodes of plogp(p),

p_i being the sum over the nodes of i. M. Rosvall & C. T. Bergstrom 2008, "Maps of random walks on complex networks
reveal community structure"; M. Rosvall, D. Axelsson & C. T. Bergstrom 2009, "The map equation"; R. Lambiotte &
M. Rosvall 2012, "Ranking and clustering of nodes in networks with smart teleportation". Where the modules are cut
within *bounds*, modules of a higher level, each bound b that is left at the rate x_b has an index of its own, and
plogp(sum q_i) becomes the sum over bounds of plogp(x_b + sum q_i): M. Rosvall & C. T. Bergstrom 2011, "Multilevel
compression of random walks on networks".

Two more terms serve the variants of the map equation. A *toll* is what each module costs besides. And where several
nodes are states of one thing (*names*), those of them in one module share its word: instead of -plogp(p) for each node
it is -plogp(sum of p) for each name in each module. D. Edler, L. Bohlin & M. Rosvall 2017, "Mapping higher-order
network flows in memory and multilayer networks with Infomap".

A node is moved only if that saves more than 1e-12 bits, and of several modules the first in the order of its row wins
unless another saves 1e-12 more: so the last bit of a logarithm does not decide, and ``flow.c`` gives the same bytes.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable
from math import log2
from typing import Any, TypeAlias

__all__ = ["adjacency", "aggregate", "move_nodes", "visit_rates"]

LEAST_GAIN = 1e-12
STILL = 0xFFFFFFFF
MASK = (1 << 64) - 1

Buffer: TypeAlias = "bytes | bytearray | memoryview | array[int] | array[float]"
Network: TypeAlias = "tuple[Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer]"
Names: TypeAlias = "tuple[Buffer, Buffer, Buffer]"


def _items(buffer: Buffer, typecode: str, name: str) -> Any:
    """A buffer as an array: itself if it is one of this type, else a copy; TypeError if its items have another size.

    Nothing is welcome whatever the size of its items.
    """
    if isinstance(buffer, array) and buffer.typecode == typecode:
        return buffer
    try:
        view = memoryview(buffer)
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not '{type(buffer).__name__}'") from None
    items: array[Any] = array(typecode)
    if (view.itemsize != items.itemsize and view.nbytes) or view.ndim > 1:
        raise TypeError(f"{name}: expected items of {items.itemsize} bytes, got {view.itemsize}")
    items.frombytes(view.tobytes())
    return items


def _check_length(name: str, items: Any, expected: int) -> None:
    if len(items) != expected:
        raise ValueError(f"{name}: expected {expected} items, got {len(items)}")


def _check_below(name: str, items: Any, size: int) -> None:
    if not len(items) or max(items) < size:
        return
    for place, item in enumerate(items):
        if item >= size:
            raise ValueError(f"{name}: expected numbers below {size}, got {item} at {place}")


# ---- from links to a network ---------------------------------------------------------------------------------------


def adjacency(
    size: int, sources: Buffer, targets: Buffer, weights: Buffer, symmetric: bool
) -> tuple[bytes, bytes, bytes, bytes]:
    """The rows of a network, ``starts``, ``neighbours``, ``outflows`` and ``inflows``, from links with their flow.

    Link k leads from ``sources[k]`` to ``targets[k]`` (uint32, below ``size``) and carries ``weights[k]`` (double);
    where ``symmetric`` is true it carries as much back, and ``inflows`` is empty. Neighbours stand in the order in
    which the links name them first; parallel links add up; a link from a node to itself is passed over. O(links).

    >>> rows = adjacency(3, array("I", [0, 2, 0]), array("I", [1, 0, 1]), array("d", [1, 4, 2]), False)
    >>> list(array("I", rows[0])), list(array("I", rows[1])), list(array("d", rows[2])), list(array("d", rows[3]))
    ([0, 2, 3, 4], [1, 2, 0, 0], [3.0, 0.0, 0.0, 4.0], [0.0, 4.0, 3.0, 0.0])
    """
    tails, heads, loads = _links(size, sources, targets, weights)
    outs: list[dict[int, float]] = [{} for _ in range(size)]
    ins = outs if symmetric else [{} for _ in range(size)]
    for tail, head, load in zip(tails, heads, loads, strict=True):
        if tail == head:
            continue
        row = outs[tail]
        row[head] = row.get(head, 0.0) + load
        row = ins[head]
        row[tail] = row.get(tail, 0.0) + load
        if not symmetric:
            outs[head].setdefault(tail, 0.0)
            ins[tail].setdefault(head, 0.0)
    starts, neighbours, outflows, inflows = array("I", (0,)), array("I"), array("d"), array("d")
    for node, row in enumerate(outs):
        neighbours.extend(row)
        outflows.extend(row.values())
        if not symmetric:
            inflows.extend(map(ins[node].__getitem__, row))
        starts.append(len(neighbours))
    return starts.tobytes(), neighbours.tobytes(), outflows.tobytes(), inflows.tobytes()


def _links(size: int, sources: Buffer, targets: Buffer, weights: Buffer) -> tuple[Any, Any, Any]:
    if not 0 <= size < 1 << 31:
        raise ValueError(f"size: expected 0 to {(1 << 31) - 1}, got {size}")
    tails, heads = _items(sources, "I", "sources"), _items(targets, "I", "targets")
    loads = _items(weights, "d", "weights")
    if len(tails) >> 31:
        raise OverflowError(f"sources: expected less than 2**31 items, got {len(tails)}")
    _check_length("targets", heads, len(tails))
    _check_length("weights", loads, len(tails))
    _check_below("sources", tails, size)
    _check_below("targets", heads, size)
    return tails, heads, loads


def visit_rates(
    size: int,
    sources: Buffer,
    targets: Buffer,
    weights: Buffer,
    landings: Buffer,
    jumps: Buffer,
    tolerance: float,
    limit: int,
) -> tuple[bytes, int]:
    """How often a walker with teleportation visits each node (double, sum 1), and the steps that this took.

    Links as for :func:`adjacency`, one way. In each step the walker teleports from a node with the probability that
    ``jumps`` gives for it (double, one for each node), and always from a node without a link out, to a node drawn by
    ``landings`` (double, one for each node, sum 1); else it follows a link out, drawn by weight. Power iteration from
    ``landings``, until a step changes the rates by no more than ``tolerance`` in sum, or ``limit`` steps are done.
    O(steps x (nodes + links)).

    >>> links = array("I", [0, 1, 1]), array("I", [1, 0, 1]), array("d", [1, 1, 1])
    >>> rates, steps = visit_rates(2, *links, array("d", [0.5, 0.5]), array("d", [0.15, 0.15]), 1e-15, 500)
    >>> [round(rate, 4) for rate in array("d", rates)], steps < 60
    ([0.3509, 0.6491], True)
    """
    tails, heads, loads = _links(size, sources, targets, weights)
    landing = _items(landings, "d", "landings")
    _check_length("landings", landing, size)
    leaps = _items(jumps, "d", "jumps")
    _check_length("jumps", leaps, size)
    strengths = [0.0] * size
    for tail, load in zip(tails, loads, strict=True):
        strengths[tail] += load
    leaps = [leap if strength else 1.0 for leap, strength in zip(leaps, strengths, strict=True)]
    stays = [1.0 - leap for leap in leaps]
    shares = [load / strengths[tail] for tail, load in zip(tails, loads, strict=True)]
    rates = list(landing)
    steps = 0
    while steps < limit:
        teleported = 0.0
        for rate, leap in zip(rates, leaps, strict=True):
            teleported += rate * leap
        after = [teleported * share for share in landing]
        followed = [rate * stay for rate, stay in zip(rates, stays, strict=True)]
        for tail, head, share in zip(tails, heads, shares, strict=True):
            after[head] += followed[tail] * share
        total = change = 0.0
        for rate in after:
            total += rate
        if total > 0.0:
            after = [rate / total for rate in after]
        for old, new in zip(rates, after, strict=True):
            change += abs(new - old)
        rates = after
        steps += 1
        if change <= tolerance:
            break
    return array("d", rates).tobytes(), steps


# ---- networks ------------------------------------------------------------------------------------------------------


def _network(network: Network) -> tuple[Any, ...]:
    """The seven buffers as arrays, with their sizes and numbers checked."""
    names = ("starts", "neighbours", "outflows", "inflows", "flows", "teleports", "landings")
    buffers = [_items(buffer, code, name) for buffer, code, name in zip(network, "IIddddd", names, strict=True)]
    starts, neighbours, outflows, inflows, flows, teleports, landings = buffers
    size, links = len(flows), len(neighbours)
    _check_length("starts", starts, size + 1)
    _check_length("outflows", outflows, links)
    if len(inflows):
        _check_length("inflows", inflows, links)
    if len(teleports) or len(landings):
        _check_length("teleports", teleports, size)
        _check_length("landings", landings, size)
        if not len(inflows) and links:
            raise ValueError("inflows: expected them with teleports, got 0 items")
    if starts[0] or starts[size] != links:
        raise ValueError(f"starts: expected 0 at first and {links} at last, got {starts[0]} and {starts[size]}")
    for place in range(size):
        if starts[place] > starts[place + 1]:
            raise ValueError(f"starts: expected no number below the one before it, got one at {place + 1}")
    _check_below("neighbours", neighbours, size)
    return tuple(buffers)


def aggregate(network: Network, modules: Buffer) -> tuple[Any, ...]:
    """The network of the modules of a network, the module that each node went to, and what leaves and enters each.

    ``modules`` (uint32, below the number of nodes) is the module of each node. Modules are numbered anew in the order
    in which the nodes name them, and become nodes: flows, teleports and landings add up, flow within a module is
    dropped. Returns (network, labels, outs, ins): a tuple of seven ``bytes``; uint32, the new number of the module of
    each node; double, the sum of ``outflows`` and of ``inflows`` of each module (the last empty where ``inflows`` is).
    O(nodes + links).

    >>> rows = array("I", [0, 1, 3, 4]), array("I", [1, 0, 2, 1]), array("d", [1, 1, 2, 2]), b""
    >>> merged, labels, outs, ins = aggregate((*rows, array("d", [1, 3, 2]), b"", b""), array("I", [2, 2, 0]))
    >>> list(array("I", labels)), list(array("I", merged[1])), list(array("d", merged[4])), list(array("d", outs))
    ([0, 0, 1], [1, 0], [4.0, 2.0], [2.0, 2.0])
    """
    starts, neighbours, outflows, inflows, flows, teleports, landings = _network(network)
    groups = _items(modules, "I", "modules")
    _check_length("modules", groups, len(flows))
    _check_below("modules", groups, len(flows))
    numbers: dict[int, int] = {}
    labels = [numbers.setdefault(group, len(numbers)) for group in groups]
    members: list[list[int]] = [[] for _ in numbers]
    for node, label in enumerate(labels):
        members[label].append(node)
    symmetric = not len(inflows)
    rows: tuple[Any, ...] = array("I", (0,)), array("I"), array("d"), array("d")
    outs, ins = array("d"), array("d")
    for label, nodes in enumerate(members):
        leaving: dict[int, float] = {}
        entering: dict[int, float] = {}
        for node in nodes:
            first, last = starts[node], starts[node + 1]
            others = [labels[other] for other in neighbours[first:last]]
            for other, flow in zip(others, outflows[first:last], strict=True):
                leaving[other] = leaving.get(other, 0.0) + flow
            if not symmetric:
                for other, flow in zip(others, inflows[first:last], strict=True):
                    entering[other] = entering.get(other, 0.0) + flow
        leaving.pop(label, None)
        entering.pop(label, None)
        rows[1].extend(leaving)
        rows[2].extend(leaving.values())
        rows[3].extend(entering.values())
        rows[0].append(len(rows[1]))
        outs.append(_total(leaving.values()))
        if not symmetric:
            ins.append(_total(entering.values()))
    sums = [
        array("d", [_total([items[node] for node in nodes]) for nodes in members] if len(items) else ())
        for items in (flows, teleports, landings)
    ]
    merged = tuple(items.tobytes() for items in (*rows, *sums))
    return merged, array("I", labels).tobytes(), outs.tobytes(), ins.tobytes()


def _total(items: Any) -> float:
    """A sum in order; the built-in sum rounds otherwise in later versions of Python."""
    total = 0.0
    for item in items:
        total += item
    return total


# ---- moves ---------------------------------------------------------------------------------------------------------


def _plogp(rate: float) -> float:
    return rate * log2(rate) if rate > 0.0 else 0.0


def _shuffled(count: int, seed: int) -> list[int]:
    """The numbers below count in an order drawn by splitmix64 (Steele, Lea & Flood 2014)."""
    order = list(range(count))
    for place in range(count - 1, 0, -1):
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        mixed = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        mixed ^= mixed >> 31
        other = ((mixed >> 32) * (place + 1)) >> 32
        order[place], order[other] = order[other], order[place]
    return order


def move_nodes(
    network: Network,
    bounds: Buffer,
    exits: Buffer,
    modules: Buffer,
    seed: int,
    toll: float = 0.0,
    names: Names | None = None,
) -> tuple[bytes, int]:
    """Modules (uint32) after moving single nodes while that shortens the code, and the number of moves.

    ``bounds`` (uint32) is the bound of each node, below the number of ``exits`` (double), the rates at which the bounds
    are left; empty stands for bound 0. A node can only go to a module within its bound; one of the bound 2**32 - 1
    stays where it is. ``modules`` (uint32, below the number of nodes) is where to start; no module may lie in two
    bounds. The nodes wait in a queue, shuffled at first by ``seed`` (64 bits); a node at its head goes to the module,
    of those that it is linked with, its own and an empty one, where the code is shortest, and if it has moved, those of
    its neighbours that are in other modules and do not wait join the queue. O(links of the nodes at the head).

    ``toll`` is added to the code length for each module. ``names`` are three buffers: where the row of each node begins
    in the next two (uint32, nodes + 1); numbers of names (uint32); the visit rate of the node under that name (double).

    Two pairs, each with a strong link, and a weak link between them:

    >>> links = array("I", [0, 2, 1]), array("I", [1, 3, 2]), array("d", [0.24, 0.24, 0.02])
    >>> rows = map(array, "IIdd", adjacency(4, *links, True))
    >>> network = *rows, array("d", [0.24, 0.26, 0.26, 0.24]), b"", b""
    >>> moved, moves = move_nodes(network, b"", array("d", [0.0]), array("I", range(4)), 1)
    >>> first, second, third, fourth = array("I", moved)
    >>> first == second != third == fourth, moves
    (True, 2)
    """
    buffers = _network(network)
    size = len(buffers[4])
    within, leaving = _items(bounds, "I", "bounds"), _items(exits, "d", "exits")
    groups = _items(modules, "I", "modules")
    if len(within):
        _check_length("bounds", within, size)
        _check_below("bounds", array("I", [bound if bound != STILL else 0 for bound in within]), len(leaving))
    elif not len(leaving):
        raise ValueError("exits: expected 1 item at least, got 0 items")
    _check_length("modules", groups, size)
    _check_below("modules", groups, size)
    if not 0 <= seed <= MASK:
        raise ValueError(f"seed: expected 0 to 2**64 - 1, got {seed}")
    words = None if names is None else _words(names, size)
    state = _Modules(buffers, within, leaving, groups, float(toll))
    if words is not None:
        mover = _named_mover(state, words)
    elif len(buffers[5]):
        mover = _teleporting_mover(state)
    else:
        mover = _symmetric_mover(state) if state.symmetric else _directed_mover(state)
    moves = state.run(_shuffled(size, seed), mover)
    return array("I", state.modules).tobytes(), moves


def _words(names: Names, size: int) -> list[list[tuple[int, float]]]:
    """The names of each node with its visit rates under them."""
    if not isinstance(names, tuple):
        raise TypeError(f"names: expected a tuple of three buffers, got {names!r}")
    starts, numbers, rates = [
        _items(buffer, code, f"names[{place}]") for place, (buffer, code) in enumerate(zip(names, "IId", strict=True))
    ]
    _check_length("names[0]", starts, size + 1)
    _check_length("names[2]", rates, len(numbers))
    if starts[0] or starts[size] != len(numbers):
        raise ValueError(
            f"names[0]: expected 0 at first and {len(numbers)} at last, got {starts[0]} and {starts[size]}"
        )
    for place in range(size):
        if starts[place] > starts[place + 1]:
            raise ValueError(f"names[0]: expected no number below the one before it, got one at {place + 1}")
    pairs = list(zip(numbers, rates, strict=True))
    return [pairs[starts[node] : starts[node + 1]] for node in range(size)]


class _Modules:
    """The modules of the nodes and all sums that the code length is made of."""

    def __init__(self, network: tuple[Any, ...], bounds: Any, exits: Any, modules: Any, toll: float) -> None:
        starts, neighbours, outflows, inflows, flows, teleports, landings = network
        size = len(flows)
        self.symmetric = not len(inflows)
        self.toll = toll
        self.bounds = list(bounds) if len(bounds) else [0] * size
        self.exits = list(exits)
        rows = [slice(starts[node], starts[node + 1]) for node in range(size)]
        # Rates stay in arrays, and each number is one object: on a large graph, memory is what the moves wait for.
        numbers = list(range(size))
        self.modules = list(map(numbers.__getitem__, modules))
        self.others = [list(map(numbers.__getitem__, neighbours[row])) for row in rows]
        self.leaving = [outflows[row] for row in rows]
        self.entering = self.leaving if self.symmetric else [inflows[row] for row in rows]
        # By node: visit rate, sums of flow out and in, teleportation from and to it; then the same by module.
        self.flow = list(flows)
        self.out = [_total(row) for row in self.leaving]
        self.into = self.out if self.symmetric else [_total(row) for row in self.entering]
        self.sent = list(teleports) if len(teleports) else [0.0] * size
        self.landed = list(landings) if len(landings) else [0.0] * size
        self.all_sent = _total(self.sent)
        self.sizes = [0] * size
        self.flows, self.outs, self.intos = [0.0] * size, [0.0] * size, [0.0] * size
        self.sents, self.landeds = [0.0] * size, [0.0] * size
        self._sum_up()
        self.entries, self.terms = [0.0] * size, [0.0] * size
        self.indexes = [0.0] * len(self.exits)
        for module in range(size):
            self.entries[module], self.terms[module] = self.evaluate(
                self.flows[module], self.outs[module], self.intos[module], self.sents[module], self.landeds[module]
            )
        for module, bound in self._bounds_of_modules():
            if bound != STILL:
                self.indexes[bound] += self.entries[module]
        self.free = [module for module in range(size) if not self.sizes[module]]
        if len(bounds):
            self._keep_within()

    def _sum_up(self) -> None:
        modules, outs, intos = self.modules, self.outs, self.intos
        alone = modules == list(range(len(modules)))
        for node, module in enumerate(modules):
            self.sizes[module] += 1
            self.flows[module] += self.flow[node]
            self.sents[module] += self.sent[node]
            self.landeds[module] += self.landed[node]
            if alone:
                outs[module], intos[module] = self.out[node], self.into[node]
                continue
            others = self.others[node]
            for other, out in zip(others, self.leaving[node], strict=True):
                if modules[other] != module:
                    outs[module] += out
            if not self.symmetric:
                for other, into in zip(others, self.entering[node], strict=True):
                    if modules[other] != module:
                        intos[module] += into

    def _bounds_of_modules(self) -> list[tuple[int, int]]:
        found: dict[int, int] = {}
        for node, module in enumerate(self.modules):
            if found.setdefault(module, self.bounds[node]) != self.bounds[node]:
                raise ValueError(f"modules: expected each module within one bound, got module {module} in two")
        return sorted(found.items())

    def _keep_within(self) -> None:
        """Leave out the neighbours across a bound, now that all sums are made."""
        bounds = self.bounds
        for node, others in enumerate(self.others):
            bound = bounds[node]
            if bound == STILL:
                continue
            near = [place for place, other in enumerate(others) if bounds[other] == bound]
            if len(near) == len(others):
                continue
            self.others[node] = [others[place] for place in near]
            leaving = self.leaving[node]
            self.leaving[node] = [leaving[place] for place in near]
            if not self.symmetric:
                entering = self.entering[node]
                self.entering[node] = [entering[place] for place in near]

    def evaluate(self, flow: float, out: float, into: float, sent: float, landed: float) -> tuple[float, float]:
        """The rate at which a module is entered, and what it adds to the code length but for the index."""
        if self.symmetric:
            coded = _plogp(out)
            return out, _plogp(out + flow) - coded - coded
        leave = out + sent * (1.0 - landed)
        enter = into + (self.all_sent - sent) * landed
        return enter, _plogp(leave + flow) - _plogp(leave) - _plogp(enter)

    def run(self, order: list[int], move: Callable[[int], bool]) -> int:
        modules, rows = self.modules, self.others
        queue, waiting = deque(node for node in order if self.bounds[node] != STILL), bytearray(b"\1") * len(order)
        moves = 0
        while queue:
            node = queue.popleft()
            waiting[node] = 0
            if move(node):
                moves += 1
                home = modules[node]
                for other in rows[node]:
                    if not waiting[other] and modules[other] != home:
                        waiting[other] = 1
                        queue.append(other)
        return moves

    def flows_by_module(self, node: int) -> tuple[dict[int, float], dict[int, float]]:
        """The flow from a node to the modules in its bound that it is linked with, and from them to it."""
        linked = [self.modules[other] for other in self.others[node]]
        out_to = _by_module(linked, self.leaving[node])
        return out_to, out_to if self.symmetric else _by_module(linked, self.entering[node])

    def settle(self, node: int, best: int, left: tuple[float, ...], state: tuple[float, ...]) -> bool:
        """Put a node into a module: ``left`` is what its old one then is, ``state`` what the new one is."""
        home, bound = self.modules[node], self.bounds[node]
        self.indexes[bound] += left[5] - self.entries[home]
        self.indexes[bound] += state[5] - self.entries[best]
        for module, sums, change in ((home, left, -1), (best, state, 1)):
            self.flows[module], self.outs[module], self.intos[module] = sums[:3]
            self.sents[module], self.landeds[module], self.entries[module], self.terms[module] = sums[3:]
            self.sizes[module] += change
        if not self.sizes[home]:
            self.free.append(home)
        self.modules[node] = best
        return True


def _by_module(modules: list[int], loads: list[float]) -> dict[int, float]:
    sums: dict[int, float] = {}
    for module, load in zip(modules, loads, strict=True):
        if module in sums:
            sums[module] += load
        else:
            sums[module] = load
    return sums


NOTHING = (0.0,) * 7

# A mover puts one node where the code is shortest and says whether that is another module. The first two are the last
# written out: without teleportation and names most of its numbers are 0, and local variables are faster.


def _symmetric_mover(state: _Modules) -> Callable[[int], bool]:
    modules, bounds, sizes, others, leaving = state.modules, state.bounds, state.sizes, state.others, state.leaving
    exits, indexes, free, flow_of, out_of = state.exits, state.indexes, state.free, state.flow, state.out
    # By module: the rate at which it is left, which is that of entering, too; its flow; its term of the code length.
    outs, flows, terms = array("d", state.outs), array("d", state.flows), array("d", state.terms)
    module_of, toll, log = modules.__getitem__, state.toll, log2

    def code(leave: float, flow: float) -> float:
        coded = leave * log(leave) if leave > 0.0 else 0.0
        return _plogp(leave + flow) - coded - coded

    def slowly(out_to: dict[int, float], out: float, flow: float, index: float, limit: float) -> tuple[int, float]:
        """The best of the modules and the limit then, where a rate may be 0."""
        best = -1
        for module, outflow in out_to.items():
            before, there, term = outs[module], flows[module], terms[module]
            leave = before + (out - outflow) - outflow
            new = _plogp(index + (leave - before)) + code(leave, there + flow) - term
            if new < limit:
                best, limit = module, new - LEAST_GAIN
        return best, limit

    def move(node: int) -> bool:
        out_to: dict[int, float] = {}
        for module, load in zip(map(module_of, others[node]), leaving[node], strict=True):
            if module in out_to:
                out_to[module] += load
            else:
                out_to[module] = load
        home, bound = modules[node], bounds[node]
        single = sizes[home] == 1
        flow, out, index = flow_of[node], out_of[node], exits[bound] + indexes[bound]
        inner = out_to.pop(home, 0.0)
        at_home, rest, term = outs[home], flows[home], terms[home]
        if single:
            if not out_to:
                return False
            left, cost = (0.0, 0.0, 0.0), _plogp(index) + term + toll
        else:
            away = at_home - (out - inner) + inner
            rest -= flow
            left = away, rest, code(away, rest)
            cost = _plogp(index) + term - left[2]
        index += left[0] - at_home
        limit = first = cost - LEAST_GAIN
        best = -1
        try:
            for module, outflow in out_to.items():
                before = outs[module]
                leave = before + (out - outflow) - outflow
                coded = leave * log(leave)
                both = leave + (flows[module] + flow)
                entered = index + (leave - before)
                new = entered * log(entered) + (both * log(both) - coded - coded) - terms[module]
                if new < limit:
                    best, limit = module, new - LEAST_GAIN
        except ValueError:  # the logarithm of 0
            best, limit = slowly(out_to, out, flow, index, first)
        joined = out, flow, 0.0
        if not single:
            joined = out, flow, code(out, flow)
            if _plogp(index + out) + joined[2] + toll < limit:
                best = free.pop()
                out_to[best] = 0.0
        if best < 0:
            return False
        if sizes[best]:
            leave = outs[best] + (out - out_to[best]) - out_to[best]
            there = flows[best] + flow
            joined = leave, there, code(leave, there)
        indexes[bound] += left[0] - at_home
        indexes[bound] += joined[0] - outs[best]
        outs[home], flows[home], terms[home] = left
        outs[best], flows[best], terms[best] = joined
        modules[node] = best
        sizes[best] += 1
        sizes[home] -= 1
        if single:
            free.append(home)
        return True

    return move


def _directed_mover(state: _Modules) -> Callable[[int], bool]:
    modules, bounds, sizes, others = state.modules, state.bounds, state.sizes, state.others
    leaving, entering, flows, outs, intos = state.leaving, state.entering, state.flows, state.outs, state.intos
    terms, exits, indexes, flow_of, out_of = state.terms, state.exits, state.indexes, state.flow, state.out
    into_of, toll, log = state.into, state.toll, log2

    def move(node: int) -> bool:
        linked = [modules[other] for other in others[node]]
        out_to, in_from = _by_module(linked, leaving[node]), _by_module(linked, entering[node])
        home, bound = modules[node], bounds[node]
        single = sizes[home] == 1
        flow, out, into, index = flow_of[node], out_of[node], into_of[node], exits[bound] + indexes[bound]
        outflow, inflow = out_to.pop(home, 0.0), in_from.pop(home, 0.0)
        if single:
            if not out_to:
                return False
            left = NOTHING
        else:
            away, back = outs[home] - (out - outflow) + inflow, intos[home] - (into - inflow) + outflow
            rest = flows[home] - flow
            left = rest, away, back, 0.0, 0.0, back, _plogp(away + rest) - _plogp(away) - _plogp(back)
        best, cost = home, _plogp(index) + terms[home] - left[6]
        if single:
            cost += toll
        index += left[5] - intos[home]
        limit = cost - LEAST_GAIN
        for module, inflow in in_from.items():
            outflow, before = out_to[module], intos[module]
            leave = outs[module] + (out - outflow) - inflow
            enter = before + (into - inflow) - outflow
            both = leave + (flows[module] + flow)
            entered = index + (enter - before)
            new = (
                (entered * log(entered) if entered > 0.0 else 0.0)
                + (
                    (both * log(both) if both > 0.0 else 0.0)
                    - (leave * log(leave) if leave > 0.0 else 0.0)
                    - (enter * log(enter) if enter > 0.0 else 0.0)
                )
                - terms[module]
            )
            if new < limit:
                best, limit = module, new - LEAST_GAIN
        if not single:
            term = _plogp(out + flow) - _plogp(out) - _plogp(into)
            if _plogp(index + into) + term + toll < limit:
                return state.settle(node, state.free.pop(), left, (flow, out, into, 0.0, 0.0, into, term))
        if best == home:
            return False
        outflow, inflow = out_to[best], in_from[best]
        leave, enter = outs[best] + (out - outflow) - inflow, intos[best] + (into - inflow) - outflow
        term = _plogp(leave + (flows[best] + flow)) - _plogp(leave) - _plogp(enter)
        return state.settle(node, best, left, (flows[best] + flow, leave, enter, 0.0, 0.0, enter, term))

    return move


def _teleporting_mover(state: _Modules) -> Callable[[int], bool]:
    return _named_mover(state, [[] for _ in state.modules])


def _named_mover(state: _Modules, words: list[list[tuple[int, float]]]) -> Callable[[int], bool]:
    shares: list[dict[int, float]] = [{} for _ in state.modules]
    for node, module in enumerate(state.modules):
        _share(shares[module], words[node], 1.0)
    s = state

    def without(node: int, outflow: float, inflow: float) -> tuple[float, ...]:
        """What its module is without a node: five sums, the rate of entering, the term of the code length."""
        home = s.modules[node]
        if s.sizes[home] == 1:
            return NOTHING
        sums = (
            s.flows[home] - s.flow[node],
            s.outs[home] - (s.out[node] - outflow) + inflow,
            s.intos[home] - (s.into[node] - inflow) + outflow,
            s.sents[home] - s.sent[node],
            s.landeds[home] - s.landed[node],
        )
        return *sums, *s.evaluate(*sums)

    def move(node: int) -> bool:
        out_to, in_from = s.flows_by_module(node)
        home, bound = s.modules[node], s.bounds[node]
        single = s.sizes[home] == 1
        if single and not out_to:
            return False
        flow, out, into, index = s.flow[node], s.out[node], s.into[node], s.exits[bound] + s.indexes[bound]
        left = without(node, out_to.get(home, 0.0), in_from.get(home, 0.0))
        best, state, cost = home, NOTHING, _plogp(index) + s.terms[home] - left[6]
        cost -= _gain_of_leaving(shares[home], words[node], single)
        if single:
            cost += s.toll
        index += left[5] - s.entries[home]
        for module, outflow in out_to.items():
            if module == home:
                continue
            inflow = in_from[module]
            joined = (
                s.flows[module] + flow,
                s.outs[module] + (out - outflow) - inflow,
                s.intos[module] + (into - inflow) - outflow,
                s.sents[module] + s.sent[node],
                s.landeds[module] + s.landed[node],
            )
            entered, value = s.evaluate(*joined)
            new = _plogp(index + (entered - s.entries[module])) + value - s.terms[module]
            new -= _gain_of_joining(shares[module], words[node])
            if new < cost - LEAST_GAIN:
                best, cost, state = module, new, (*joined, entered, value)
        if not single:
            alone = flow, out, into, s.sent[node], s.landed[node]
            entered, value = s.evaluate(*alone)
            new = _plogp(index + entered) + value + s.toll - _gain_of_joining({}, words[node])
            if new < cost - LEAST_GAIN:
                best, cost, state = s.free.pop(), new, (*alone, entered, value)
        if best == home:
            return False
        if single:
            shares[home].clear()
        else:
            _share(shares[home], words[node], -1.0)
        _share(shares[best], words[node], 1.0)
        return s.settle(node, best, left, state)

    return move


def _share(shares: dict[int, float], words: list[tuple[int, float]], sign: float) -> None:
    for name, rate in words:
        shares[name] = shares.get(name, 0.0) + sign * rate


def _gain_of_joining(shares: dict[int, float], words: list[tuple[int, float]]) -> float:
    """The change in the sum of plogp over the names of a module where those of a node join them."""
    gain = 0.0
    for name, rate in words:
        before = shares.get(name, 0.0)
        gain += _plogp(before + rate) - _plogp(before)
    return gain


def _gain_of_leaving(shares: dict[int, float], words: list[tuple[int, float]], single: bool) -> float:
    gain = 0.0
    for name, rate in words:
        before = shares[name]
        gain += _plogp(before) - (0.0 if single else _plogp(before - rate))
    return gain
