"""The kernels of ``flow``: rows of links, visit rates, merged networks, moves against the code length counted anew."""

from __future__ import annotations

import gc
import random
import signal
import sys
import threading
import time
from array import array
from math import log2
from typing import Any

import pytest

from nlp_zero import kernels
from nlp_zero.kernels import flow as twin

Arrays = tuple[Any, ...]


def plogp(rate: float) -> float:
    return rate * log2(rate) if rate > 0 else 0.0


def arrays(buffers: tuple[bytes, ...], codes: str) -> Arrays:
    return tuple(array(code, buffer) for code, buffer in zip(codes, buffers, strict=True))


def random_links(source: random.Random, size: int) -> tuple[array[int], array[int], array[float]]:
    count = source.choice([0, 1, 10, 60, 200])
    ends = [[source.randrange(size) for _ in range(count)] for _ in range(2)]
    weights = [source.choice([1, 1, 2, source.random()]) for _ in range(count)]
    return array("I", ends[0]), array("I", ends[1]), array("d", [weight / (2 * count) for weight in weights])


def random_network(source: random.Random) -> Arrays:
    """Symmetric, directed, or directed with teleportation; with nodes without links and links to the node itself."""
    size, kind = source.randint(1, 24), source.randrange(3)
    rows = arrays(twin.adjacency(size, *random_links(source, size), kind == 0), "IIdd")
    flows = array("d", [source.random() / size for _ in range(size)])
    if kind < 2 or not len(rows[1]):
        return *rows, flows, array("d"), array("d")
    landings = [source.random() for _ in range(size)]
    return (
        *rows,
        flows,
        array("d", [0.15 * flow for flow in flows]),
        array("d", [landing / sum(landings) for landing in landings]),
    )


def random_names(source: random.Random, size: int) -> Arrays:
    """One to three names for each node, of few, so that nodes share them."""
    counts = [source.randint(1, 3) for _ in range(size)]
    starts = array("I", [sum(counts[:node]) for node in range(size + 1)])
    numbers = array("I", [name for count in counts for name in source.sample(range(5), count)])
    return starts, numbers, array("d", [source.random() / size for _ in numbers])


def code_length(network: Arrays, bounds: list[int], exits: list[float], modules: list[int]) -> float:
    """The formula of the module's docstring, from nothing but the flows."""
    starts, neighbours, outflows, inflows, flows, teleports, landings = network
    size = len(flows)
    leave, enter, rate = [0.0] * size, [0.0] * size, [0.0] * size
    for node in range(size):
        rate[modules[node]] += flows[node]
        for place in range(starts[node], starts[node + 1]):
            if modules[neighbours[place]] != modules[node]:
                leave[modules[node]] += outflows[place]
                enter[modules[node]] += inflows[place] if len(inflows) else outflows[place]
        for other in range(size) if len(teleports) else ():
            if modules[other] != modules[node]:
                leave[modules[node]] += teleports[node] * landings[other]
                enter[modules[other]] += teleports[node] * landings[other]
    total = sum(plogp(x + r) - plogp(q) - plogp(x) for q, x, r in zip(enter, leave, rate, strict=True))
    for bound, exit_rate in enumerate(exits):
        inside = {modules[node] for node in range(size) if bounds[node] == bound}
        total += plogp(exit_rate + sum(enter[module] for module in inside))
    return total


def test_rows_hold_every_link_at_both_ends() -> None:
    for seed in range(40):
        source = random.Random(seed)
        size, symmetric = source.randint(1, 12), seed % 2 == 0
        links = random_links(source, size)
        starts, neighbours, outflows, inflows = arrays(kernels.adjacency(size, *links, symmetric), "IIdd")
        for node in range(size):
            row = range(starts[node], starts[node + 1])
            others = [neighbours[place] for place in row]
            assert len(set(others)) == len(others) and node not in others
            for place in row:
                there = sum(w for a, b, w in zip(*links, strict=True) if (a, b) == (node, neighbours[place]))
                back = sum(w for a, b, w in zip(*links, strict=True) if (b, a) == (node, neighbours[place]))
                if symmetric:
                    assert outflows[place] == pytest.approx(there + back)
                else:
                    assert (outflows[place], inflows[place]) == pytest.approx((there, back))
        assert len(neighbours) == len(
            {pair for a, b in zip(*links[:2], strict=True) if a != b for pair in ((a, b), (b, a))}
        )


def test_visit_rates_are_stationary() -> None:
    for seed in range(20):
        source = random.Random(seed)
        size = source.randint(1, 12)
        tails, heads, weights = random_links(source, size)
        landing = array("d", [1 / size] * size)
        buffer, steps = kernels.visit_rates(size, tails, heads, weights, landing, array("d", [0.15] * size), 1e-14, 500)
        rates = array("d", buffer)
        strengths = [sum(w for a, w in zip(tails, weights, strict=True) if a == node) for node in range(size)]
        after = [sum(rates[n] * (0.15 if strengths[n] else 1.0) for n in range(size)) / size] * size
        for tail, head, weight in zip(tails, heads, weights, strict=True):
            after[head] += 0.85 * rates[tail] * weight / strengths[tail]
        assert list(rates) == pytest.approx(after, abs=1e-13)
        assert sum(rates) == pytest.approx(1) and steps < 250


def test_the_steps_have_a_limit() -> None:
    chain = array("I", [0, 1, 2]), array("I", [1, 2, 0]), array("d", [1, 1, 2])
    start = array("d", [1, 0, 0])
    assert kernels.visit_rates(3, *chain, start, array("d", [0.0] * 3), 0.0, 7) == (array("d", [0, 1, 0]).tobytes(), 7)


def test_merging_adds_up_and_keeps_the_code_length() -> None:
    for seed in range(40):
        source = random.Random(seed)
        network = random_network(source)
        size = len(network[4])
        modules = array("I", [source.randrange(size) for _ in range(size)])
        buffers, labels, outs, ins = kernels.aggregate(network, modules)
        merged = arrays(buffers, "IIddddd")
        count = len(merged[4])
        assert list(array("I", labels)) == [list(dict.fromkeys(modules)).index(module) for module in modules]
        whole = code_length(network, [0] * size, [0.0], list(modules))
        assert code_length(merged, [0] * count, [0.0], list(range(count))) == pytest.approx(whole)
        for module in range(count):
            row = slice(merged[0][module], merged[0][module + 1])
            assert array("d", outs)[module] == pytest.approx(sum(merged[2][row]))
            if len(ins):
                assert array("d", ins)[module] == pytest.approx(sum(merged[3][row]))
        assert sum(merged[4]) == pytest.approx(sum(network[4]))


@pytest.mark.parametrize("seed", range(60))
def test_moves_shorten_the_code_until_no_single_move_does(seed: int) -> None:
    source = random.Random(seed)
    network = random_network(source)
    size, count = len(network[4]), source.randint(1, 3)
    bounds = [source.randrange(count) for _ in range(size)]
    exits = [0.1 * source.random() for _ in range(count)]
    before = code_length(network, bounds, exits, list(range(size)))

    buffer, moves = kernels.move_nodes(network, array("I", bounds), array("d", exits), array("I", range(size)), seed)

    modules = list(array("I", buffer))
    after = code_length(network, bounds, exits, modules)
    assert after < before if moves else modules == list(range(size))
    assert all(bounds[a] == bounds[b] for a in range(size) for b in range(size) if modules[a] == modules[b])


@pytest.mark.parametrize("seed", range(40))
def test_a_second_run_finds_no_move_that_a_slow_search_would_find(seed: int) -> None:
    source = random.Random(900 + seed)
    network = random_network(source)
    size = len(network[4])
    modules = array("I", range(size))
    moves = 1
    while moves:  # the index changes with far moves, so one run may leave something to the next
        buffer, moves = kernels.move_nodes(network, b"", array("d", [0.0]), modules, source.getrandbits(64))
        modules = array("I", buffer)
    best = code_length(network, [0] * size, [0.0], list(modules))
    starts, neighbours = network[:2]
    for node in range(size):
        linked = {modules[neighbours[place]] for place in range(starts[node], starts[node + 1])}
        for module in linked | (set(range(size)) - set(modules)):
            other = [module if number == node else old for number, old in enumerate(modules)]
            assert code_length(network, [0] * size, [0.0], other) > best - 1e-11


def test_nodes_that_are_to_stay_stay() -> None:
    for seed in range(30):
        source = random.Random(seed)
        network = random_network(source)
        size = len(network[4])
        bounds = array("I", [source.choice([0, (1 << 32) - 1]) for _ in range(size)])
        moved = array("I", kernels.move_nodes(network, bounds, array("d", [0.1]), array("I", range(size)), seed)[0])
        still = [node for node in range(size) if bounds[node]]
        assert [moved[node] for node in still] == still
        assert not {moved[node] for node in range(size) if not bounds[node]} & set(still)


def test_c_gives_the_bytes_of_python(engine: str) -> None:
    for seed in range(80):
        source = random.Random(seed)
        network = random_network(source)
        size, count = len(network[4]), source.randint(1, 3)
        bounds: Any = array("I", [source.randrange(count) for _ in range(size)])
        start = array("I", range(size))
        if source.random() < 0.5:
            bounds = array("I", [bound if source.random() < 0.7 else (1 << 32) - 1 for bound in bounds])
        elif source.random() < 0.6:
            bounds = source.choice([b"", array("I")])
            start = array("I", [source.randrange(size) for _ in range(size)])
        moved = bounds, array("d", [0.1] * count), start, source.getrandbits(64)
        assert kernels.move_nodes(network, *moved) == twin.move_nodes(network, *moved)
        variant = *moved, source.choice([0.0, 0.02]), source.choice([None, random_names(source, size)])
        assert kernels.move_nodes(network, *variant) == twin.move_nodes(network, *variant)
        assert kernels.aggregate(network, start) == twin.aggregate(network, start)
        links = random_links(source, size)
        assert kernels.adjacency(size, *links, seed % 2 == 0) == twin.adjacency(size, *links, seed % 2 == 0)
        jumps = array("d", [source.random() for _ in range(size)])
        walk = size, *links, array("d", [1 / size] * size), jumps, 1e-14, source.randint(0, 200)
        assert kernels.visit_rates(*walk) == twin.visit_rates(*walk)


TRIANGLE = array("I", [0, 1, 2]), array("I", [1, 2, 0]), array("d", [0.1, 0.2, 0.3])
NETWORK = (*arrays(twin.adjacency(3, *TRIANGLE, True), "IIdd"), array("d", [0.3, 0.3, 0.4]), array("d"), array("d"))
ROOT, START = array("d", [0.0]), array("I", [0, 1, 2])


def with_part(place: int, part: Any) -> Arrays:
    return (*NETWORK[:place], part, *NETWORK[place + 1 :])


WRONG = [
    ("adjacency", (-1, *TRIANGLE, True)),
    ("adjacency", (1 << 31, *TRIANGLE, True)),
    ("adjacency", (2, *TRIANGLE, True)),
    ("adjacency", (3, TRIANGLE[0], array("I", [1, 2, 3]), TRIANGLE[2], True)),
    ("adjacency", (3, TRIANGLE[0], TRIANGLE[1][:2], TRIANGLE[2], True)),
    ("adjacency", (3, TRIANGLE[0], TRIANGLE[1], array("f", [1, 1, 1]), True)),
    ("adjacency", (3, "abc", TRIANGLE[1], TRIANGLE[2], True)),
    ("visit_rates", (3, *TRIANGLE, array("d", [1]), array("d", [0.15] * 3), 1e-9, 9)),
    ("aggregate", (NETWORK, array("I", [0, 1]))),
    ("aggregate", (NETWORK, array("I", [0, 1, 3]))),
    ("aggregate", (with_part(0, array("I", [0, 2, 4, 5])), START)),
    ("aggregate", (with_part(0, array("I", [0, 5, 4, 6])), START)),
    ("aggregate", (with_part(0, array("I", [0, 6])), START)),
    ("aggregate", (with_part(1, array("I", [1, 2, 0, 2, 0, 3])), START)),
    ("aggregate", (with_part(2, array("d", [1.0])), START)),
    ("aggregate", (with_part(3, array("d", [1.0])), START)),
    ("aggregate", (with_part(5, array("d", [1.0])), START)),
    ("aggregate", ((*NETWORK[:5], array("d", [0.1] * 3), array("d", [0.1] * 3)), START)),
    ("move_nodes", (NETWORK, b"", array("d"), START, 1)),
    ("move_nodes", (NETWORK, array("I", [0, 1, 1]), ROOT, START, 1)),
    ("move_nodes", (NETWORK, array("I", [0, 1]), ROOT, START, 1)),
    ("move_nodes", (NETWORK, array("I", [0, 1, 1]), array("d", [0.1, 0.2]), array("I", [0, 0, 1]), 1)),
    ("move_nodes", (NETWORK, b"", ROOT, array("I", [0, 1]), 1)),
    ("move_nodes", (NETWORK, b"", ROOT, array("I", [0, 1, 7]), 1)),
    ("move_nodes", (NETWORK, b"", ROOT, START, -1)),
    ("move_nodes", (NETWORK, b"", ROOT, START, 1 << 64)),
    ("move_nodes", (NETWORK, b"", ROOT, START, 1, 0.0, 5)),
    ("move_nodes", (NETWORK, b"", ROOT, START, 1, 0.0, (array("I", [0, 1, 2]), START, array("d", [1, 1, 1])))),
    ("move_nodes", (NETWORK, b"", ROOT, START, 1, 0.0, (array("I", [0, 1, 2, 2]), START, array("d", [1, 1, 1])))),
    ("move_nodes", (NETWORK, b"", ROOT, START, 1, 0.0, (array("I", [0, 2, 1, 3]), START, array("d", [1, 1, 1])))),
    ("move_nodes", (NETWORK, b"", ROOT, START, 1, 0.0, (array("I", [0, 1, 2, 3]), START, array("d", [1, 1])))),
    ("move_nodes", (NETWORK, b"", ROOT, START, 1, 0.0, (array("I", [0, 1, 2, 3]), START, array("I", [1, 1, 1])))),
    ("visit_rates", (3, *TRIANGLE, array("d", [0.2, 0.3, 0.5]), array("d", [0.15]), 1e-9, 9)),
]


@pytest.mark.parametrize("place", range(len(WRONG)))
def test_both_engines_refuse_in_the_same_words(place: int) -> None:
    name, arguments = WRONG[place]
    with pytest.raises((TypeError, ValueError, OverflowError)) as expected:
        getattr(twin, name)(*arguments)
    with pytest.raises(type(expected.value)) as got:
        getattr(kernels, name)(*arguments)
    assert type(got.value) is type(expected.value) and str(got.value) == str(expected.value)


def test_an_empty_network_is_no_error() -> None:
    empty = (array("I", [0]), *[b""] * 6)
    assert kernels.adjacency(0, b"", b"", b"", True) == (array("I", [0]).tobytes(), b"", b"", b"")
    assert kernels.move_nodes(empty, b"", ROOT, b"", 1) == (b"", 0)
    assert kernels.aggregate(empty, b"")[1:] == (b"", b"", b"")
    assert kernels.visit_rates(0, b"", b"", b"", b"", b"", 1e-9, 9)[0] == b""


def test_memory_is_steady() -> None:
    def work(rounds: int) -> None:
        for _ in range(rounds):
            kernels.adjacency(3, *TRIANGLE, False)
            kernels.visit_rates(3, *TRIANGLE, array("d", [0.2, 0.3, 0.5]), array("d", [0.15] * 3), 1e-9, 50)
            kernels.aggregate(NETWORK, array("I", [0, 0, 1]))
            kernels.move_nodes(NETWORK, b"", ROOT, START, 1)
            for name, wrong in WRONG:
                with pytest.raises((TypeError, ValueError, OverflowError)):
                    getattr(kernels, name)(*wrong)

    work(5)
    gc.collect()
    before = sys.getallocatedblocks()
    work(30)
    gc.collect()
    assert sys.getallocatedblocks() - before < 60


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals to threads")
def test_ctrl_c_stops_the_long_loops_within_a_fifth_of_a_second() -> None:
    source = random.Random(3)
    size = 20_000
    links = [array("I", [source.randrange(size) for _ in range(400_000)]) for _ in range(2)]
    weights = array("d", [1e-6] * 400_000)
    landing = array("d", [1 / size] * size)
    started = 0.0

    def interrupt() -> None:
        nonlocal started
        time.sleep(0.5)
        started = time.process_time()  # of the processor, so that a busy machine does not count
        signal.pthread_kill(main, signal.SIGINT)

    main = threading.get_ident()
    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        kernels.visit_rates(size, *links, weights, landing, array("d", [0.0]) * size, -1.0, 1_000_000)
    elapsed = time.process_time() - started
    thread.join()
    assert elapsed < 0.2
