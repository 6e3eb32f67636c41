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

A node is moved only if that saves more than 1e-12 bits, and of several modules the first in the order of its row wins
unless another saves 1e-12 more: so the last bit of a logarithm does not decide, and ``flow.c`` gives the same bytes.
"""

from __future__ import annotations

from array import array
from collections import deque
from math import log2
from typing import Any, TypeAlias

__all__ = ["adjacency", "aggregate", "move_nodes", "visit_rates"]

LEAST_GAIN = 1e-12
MASK = (1 << 64) - 1

Buffer: TypeAlias = "bytes | bytearray | memoryview | array[int] | array[float]"
Network: TypeAlias = "tuple[Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer]"


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
    probability: float,
    tolerance: float,
    limit: int,
) -> tuple[bytes, int]:
    """How often a walker with teleportation visits each node (double, sum 1), and the steps that this took.

    Links as for :func:`adjacency`, one way. In each step the walker teleports with ``probability``, and always from a
    node without a link out, to a node drawn by ``landings`` (double, one for each node, sum 1); else it follows a link
    out, drawn by weight. Power iteration from ``landings``, until a step changes the rates by no more than
    ``tolerance`` in sum, or ``limit`` steps are done. O(steps x (nodes + links)).

    >>> links = array("I", [0, 1, 1]), array("I", [1, 0, 1]), array("d", [1, 1, 1])
    >>> rates, steps = visit_rates(2, *links, array("d", [0.5, 0.5]), 0.15, 1e-15, 500)
    >>> [round(rate, 4) for rate in array("d", rates)], steps < 60
    ([0.3509, 0.6491], True)
    """
    tails, heads, loads = _links(size, sources, targets, weights)
    landing = _items(landings, "d", "landings")
    _check_length("landings", landing, size)
    strengths = [0.0] * size
    for tail, load in zip(tails, loads, strict=True):
        strengths[tail] += load
    shares = [load / strengths[tail] for tail, load in zip(tails, loads, strict=True)]
    rates = list(landing)
    steps = 0
    while steps < limit:
        dangling = 0.0
        for rate, strength in zip(rates, strengths, strict=True):
            if strength == 0.0:
                dangling += rate
        teleported = probability * (1.0 - dangling) + dangling
        after = [teleported * share for share in landing]
        followed = [(1.0 - probability) * rate for rate in rates]
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


def move_nodes(network: Network, bounds: Buffer, exits: Buffer, modules: Buffer, seed: int) -> tuple[bytes, int]:
    """Modules (uint32) after moving single nodes while that shortens the code, and the number of moves.

    ``bounds`` (uint32) is the bound of each node, below the number of ``exits`` (double), the rates at which the bounds
    are left; empty stands for bound 0. A node can only go to a module within its bound. ``modules`` (uint32, below the
    number of nodes) is where to start; no module may lie in two bounds. The nodes wait in a queue, shuffled at first by
    ``seed`` (64 bits); a node at its head goes to the module, of those that it is linked with, its own and an empty
    one, where the code is shortest, and if it has moved, those of its neighbours that are in other modules and do not
    wait join the queue. O(links of the nodes that come to the head).

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
        _check_below("bounds", within, len(leaving))
    elif not len(leaving):
        raise ValueError("exits: expected 1 item at least, got 0 items")
    _check_length("modules", groups, size)
    _check_below("modules", groups, size)
    if not 0 <= seed <= MASK:
        raise ValueError(f"seed: expected 0 to 2**64 - 1, got {seed}")
    state = _Modules(buffers, within, leaving, groups)
    moves = state.run(_shuffled(size, seed))
    return array("I", state.modules).tobytes(), moves


class _Modules:
    """The modules of the nodes and all sums that the code length is made of."""

    def __init__(self, network: tuple[Any, ...], bounds: Any, exits: Any, modules: Any) -> None:
        starts, neighbours, outflows, inflows, flows, teleports, landings = network
        size = len(flows)
        self.symmetric = not len(inflows)
        self.modules = list(modules)
        self.bounds = list(bounds) if len(bounds) else [0] * size
        self.bounded = len(bounds) > 0
        self.exits = list(exits)
        rows = [slice(starts[node], starts[node + 1]) for node in range(size)]
        self.others = [neighbours[row].tolist() for row in rows]
        self.leaving = [outflows[row].tolist() for row in rows]
        self.entering = self.leaving if self.symmetric else [inflows[row].tolist() for row in rows]
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
            self.entries[module], self.terms[module] = self._evaluate(
                self.flows[module], self.outs[module], self.intos[module], self.sents[module], self.landeds[module]
            )
        for module, bound in self._bounds_of_modules():
            self.indexes[bound] += self.entries[module]
        self.free = [module for module in range(size) if not self.sizes[module]]

    def _sum_up(self) -> None:
        for node, module in enumerate(self.modules):
            self.sizes[module] += 1
            self.flows[module] += self.flow[node]
            self.sents[module] += self.sent[node]
            self.landeds[module] += self.landed[node]
            for other, out, into in zip(self.others[node], self.leaving[node], self.entering[node], strict=True):
                if self.modules[other] != module:
                    self.outs[module] += out
                    self.intos[module] += into

    def _bounds_of_modules(self) -> list[tuple[int, int]]:
        found: dict[int, int] = {}
        for node, module in enumerate(self.modules):
            if found.setdefault(module, self.bounds[node]) != self.bounds[node]:
                raise ValueError(f"modules: expected each module within one bound, got module {module} in two")
        return sorted(found.items())

    def _evaluate(self, flow: float, out: float, into: float, sent: float, landed: float) -> tuple[float, float]:
        """The rate at which a module is entered, and what it adds to the code length but for the index."""
        if self.symmetric:
            coded = _plogp(out)
            return out, _plogp(out + flow) - coded - coded
        leave = out + sent * (1.0 - landed)
        enter = into + (self.all_sent - sent) * landed
        return enter, _plogp(leave + flow) - _plogp(leave) - _plogp(enter)

    def run(self, order: list[int]) -> int:
        queue, waiting = deque(order), bytearray(b"\1") * len(order)
        moves = 0
        while queue:
            node = queue.popleft()
            waiting[node] = 0
            if self._move(node):
                moves += 1
                home, bound = self.modules[node], self.bounds[node]
                for other in self.others[node]:
                    if not waiting[other] and self.modules[other] != home and self.bounds[other] == bound:
                        waiting[other] = 1
                        queue.append(other)
        return moves

    def _flows_by_module(self, node: int) -> tuple[dict[int, float], dict[int, float]]:
        """The flow from a node to the modules in its bound that it is linked with, and from them to it."""
        modules, bound = self.modules, self.bounds[node]
        others, leaving, entering = self.others[node], self.leaving[node], self.entering[node]
        if self.bounded:
            chosen = [place for place, other in enumerate(others) if self.bounds[other] == bound]
            others = [others[place] for place in chosen]
            leaving = [leaving[place] for place in chosen]
            entering = leaving if self.symmetric else [entering[place] for place in chosen]
        linked = [modules[other] for other in others]
        out_to: dict[int, float] = {}
        for module, flow in zip(linked, leaving, strict=True):
            out_to[module] = out_to.get(module, 0.0) + flow
        if self.symmetric:
            return out_to, out_to
        in_from: dict[int, float] = {}
        for module, flow in zip(linked, entering, strict=True):
            in_from[module] = in_from.get(module, 0.0) + flow
        return out_to, in_from

    def _move(self, node: int) -> bool:
        """Put a node where the code is shortest; whether that is another module."""
        out_to, in_from = self._flows_by_module(node)
        home, bound = self.modules[node], self.bounds[node]
        if self.sizes[home] == 1 and not out_to:
            return False
        index, flow, out, into = (
            self.exits[bound] + self.indexes[bound],
            self.flow[node],
            self.out[node],
            self.into[node],
        )
        left = self._without(node, home, out_to.get(home, 0.0), in_from.get(home, 0.0))
        best, state, entry, term = home, left, self.entries[home], self.terms[home]
        cost = _plogp(index) + term - left[6]
        index += left[5] - entry
        if self.symmetric:
            flows, outs, terms = self.flows, self.outs, self.terms
            for module, outflow in out_to.items():
                if module == home:
                    continue
                left_before = outs[module]  # which is its rate of entering, too
                leave = left_before + (out - outflow) - outflow
                coded = leave * log2(leave) if leave > 0.0 else 0.0
                both = leave + (flows[module] + flow)
                value = (both * log2(both) if both > 0.0 else 0.0) - coded - coded
                entered = index + (leave - left_before)
                new = (entered * log2(entered) if entered > 0.0 else 0.0) + value - terms[module]
                if new < cost - LEAST_GAIN:
                    best, cost, entry, term = module, new, leave, value
                    state = flows[module] + flow, leave, leave, 0.0, 0.0, leave, value
        else:
            for module, outflow in out_to.items():
                if module == home:
                    continue
                inflow = in_from[module]
                joined = (
                    self.flows[module] + flow,
                    self.outs[module] + (out - outflow) - inflow,
                    self.intos[module] + (into - inflow) - outflow,
                    self.sents[module] + self.sent[node],
                    self.landeds[module] + self.landed[node],
                )
                entered, value = self._evaluate(*joined)
                new = _plogp(index + (entered - self.entries[module])) + value - self.terms[module]
                if new < cost - LEAST_GAIN:
                    best, cost, entry, term = module, new, entered, value
                    state = *joined, entered, value
        if self.sizes[home] > 1:
            alone = flow, out, into, self.sent[node], self.landed[node]
            entered, value = self._evaluate(*alone)
            new = _plogp(index + entered) + value
            if new < cost - LEAST_GAIN:
                best, cost, entry, term = self.free.pop(), new, entered, value
                state = *alone, entered, value
        if best == home:
            return False
        self.indexes[bound] += left[5] - self.entries[home]
        self.indexes[bound] += entry - self.entries[best]
        self._set(home, left, -1)
        self._set(best, state, 1)
        if not self.sizes[home]:
            self.free.append(home)
        self.modules[node] = best
        return True

    def _without(self, node: int, home: int, outflow: float, inflow: float) -> tuple[float, ...]:
        """What its module is without a node: five sums, the rate of entering, the term of the code length."""
        if self.sizes[home] == 1:
            return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        sums = (
            self.flows[home] - self.flow[node],
            self.outs[home] - (self.out[node] - outflow) + inflow,
            self.intos[home] - (self.into[node] - inflow) + outflow,
            self.sents[home] - self.sent[node],
            self.landeds[home] - self.landed[node],
        )
        return *sums, *self._evaluate(*sums)

    def _set(self, module: int, state: tuple[float, ...], change: int) -> None:
        self.flows[module], self.outs[module], self.intos[module] = state[:3]
        self.sents[module], self.landeds[module], self.entries[module], self.terms[module] = state[3:]
        self.sizes[module] += change
