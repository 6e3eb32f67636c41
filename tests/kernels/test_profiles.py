"""The kernels of ``profiles``: counts against counting by hand, weights against formulas, neighbours against all."""

from __future__ import annotations

import gc
import random
import signal
import sys
import threading
import time
from array import array
from collections import Counter
from math import log, log2, sqrt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero import kernels
from nlp_zero.kernels import profiles as twin

Table = tuple[Any, ...]
TEXTS = st.lists(st.integers(0, 6), max_size=40)


def arrays(buffers: tuple[bytes, ...], codes: str) -> Table:
    return tuple(array(code, buffer) for code, buffer in zip(codes, buffers, strict=True))


def as_dict(table: Table) -> dict[tuple[int, int], float]:
    starts, columns, values = table[:3]
    return {
        (row, columns[place]): values[place]
        for row in range(len(starts) - 1)
        for place in range(starts[row], starts[row + 1])
    }


def counted(text: list[int], window: int, both: bool) -> Counter[tuple[int, int]]:
    """Every pair of places, one by one."""
    pairs: Counter[tuple[int, int]] = Counter()
    for first in range(len(text)):
        for second in range(first + 1, len(text)):
            near = not window or second - first <= window
            if near and 0 not in text[first : second + 1]:
                pairs[text[first] - 1, text[second] - 1] += 1
                if both:
                    pairs[text[second] - 1, text[first] - 1] += 1
    return pairs


def random_table(source: random.Random, rows: int, width: int) -> Table:
    """Rows of length 1, some of them empty, some alike."""
    starts, columns, weights = array("Q", [0]), array("I"), array("d")
    for _ in range(rows):
        chosen = sorted(source.sample(range(width), source.randint(0, min(width, 12))))
        values = [source.choice([1.0, 2.0, source.random() + 0.01]) for _ in chosen]
        norm = sqrt(sum(value * value for value in values))
        columns.extend(chosen)
        weights.extend(value / norm for value in values)
        starts.append(len(columns))
    return starts, columns, weights


def turned(table: Table, width: int) -> Table:
    return arrays(kernels.turn_rows(*table, width), "QId")


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.integers(0, 5), st.booleans(), st.integers(1, 3))
def test_pairs_are_those_that_counting_by_hand_finds(text: list[int], window: int, both: bool, least: int) -> None:
    found = arrays(kernels.pair_rows(array("I", text), 6, window, both, least), "QIIQQ")
    pairs = counted(text, window, both)
    assert as_dict(found) == {pair: count for pair, count in pairs.items() if count >= least}
    for axis, sums in enumerate(found[3:]):
        assert list(sums) == [sum(n for pair, n in pairs.items() if pair[axis] == word) for word in range(6)]


@pytest.mark.parametrize("seed", range(6))
def test_engines_count_the_same_over_many_blocks_and_words(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    source = random.Random(seed)
    size = source.choice([1, 63, 64, 65, 5000, 9000])
    text = array("I", [source.choice([0, *[source.randint(1, size)] * 9]) for _ in range(4000)])
    monkeypatch.setattr(twin, "BLOCK", 100)
    monkeypatch.setattr(twin, "SHORT", 8)
    for window, both in ((0, False), (0, True), (1, False), (7, True), (10_000, False)):
        if window == 10_000:
            text = text[:300]
        expected = twin.pair_rows(text, size, window, both, 1)
        assert kernels.pair_rows(text, size, window, both, 1) == expected


def test_no_text_and_no_words() -> None:
    assert arrays(kernels.pair_rows(array("I"), 0, 5, True, 1), "QIIQQ")[0].tolist() == [0]
    assert arrays(kernels.pair_rows(array("I", [0, 0]), 2, 5, True, 1), "QIIQQ")[0].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((array("I", [3]), 2, 1, False, 1), "tokens: expected numbers below 3, got 3 at 0"),
        ((array("I", [1]), -1, 1, False, 1), "size: expected 0 to 4294967294, got -1"),
        ((array("I", [1]), 1, -1, False, 1), "window: expected 0 or more, got -1"),
        ((array("I", [1]), 1, 1, False, 0), "least: expected 1 or more, got 0"),
        ((array("H", [1]), 1, 1, False, 1), "tokens: expected items of 4 bytes, got 2"),
    ],
)
def test_counting_refuses_what_it_cannot_count(arguments: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError)) as error:
        kernels.pair_rows(*arguments)
    assert str(error.value) == message


@pytest.mark.parametrize("seed", range(5))
def test_information_is_that_of_the_formula(seed: int) -> None:
    source = random.Random(seed)
    text = array("I", [source.randint(0, 9) for _ in range(400)])
    found = arrays(kernels.pair_rows(text, 9, 3, True, 1), "QIIQQ")
    sums, total = found[3], sum(found[3])
    left = array("d", [log2(n) if n else 0.0 for n in sums])
    right = array("d", [log2(n / total) if n else 0.0 for n in sums])
    weighed = kernels.information_rows(*found[:3], left, right, 7, True, 0.1, 0, False)
    assert weighed == twin.information_rows(*found[:3], left, right, 7, True, 0.1, 0, False)
    expected = {(a, b): log2(n * total / (sums[a] * sums[b])) for (a, b), n in as_dict(found).items() if a < b < 7}
    assert as_dict(arrays(weighed, "QId")) == pytest.approx({k: v for k, v in expected.items() if v > 0.1})
    unit = kernels.information_rows(*found[:3], left, right, 9, False, 0.0, 3 * (seed % 2), True)
    assert unit == twin.information_rows(*found[:3], left, right, 9, False, 0.0, 3 * (seed % 2), True)
    starts, _, weights = arrays(unit, "QId")
    for row in range(9):
        part = weights[starts[row] : starts[row + 1]]
        assert not part or sum(value * value for value in part) == pytest.approx(1)
    best = arrays(kernels.information_rows(*found[:3], left, right, 9, False, -9.0, 2, False), "QId")
    every = as_dict(arrays(kernels.information_rows(*found[:3], left, right, 9, False, -9.0, 0, False), "QId"))
    for row in range(9):
        order = sorted((-value, column) for (here, column), value in every.items() if here == row)[:2]
        assert {column for here, column in as_dict(best) if here == row} == {column for _, column in order}


def test_likelihood_ratios_are_twice_the_information_in_nats() -> None:
    n, row, column, total = 30, 100, 60, 1000
    found = kernels.likelihood_rows(
        array("Q", [0, 1]), array("I", [0]), array("I", [n]), array("Q", [row]), array("Q", [column]), total, 0.5, False
    )
    cells = [(n, row, column), (row - n, row, total - column), (column - n, total - row, column)]
    cells.append((total - row - column + n, total - row, total - column))
    g2 = 2 * sum(seen * log(seen * total / (a * b)) for seen, a, b in cells)
    assert arrays(found, "QId")[2].tolist() == pytest.approx([g2 / 2])


@pytest.mark.parametrize("seed", range(4))
def test_engines_find_the_same_likelihood_ratios(seed: int) -> None:
    source = random.Random(seed)
    text = array("I", [source.randint(0, 9) for _ in range(400)])
    found = arrays(kernels.pair_rows(text, 9, 2, False, 1), "QIIQQ")
    arguments = (*found[:3], found[3], found[4], sum(found[3]), 1.0, seed % 2 == 0)
    assert kernels.likelihood_rows(*arguments) == twin.likelihood_rows(*arguments)


@pytest.mark.parametrize("seed", range(12))
def test_neighbours_are_those_that_comparing_all_pairs_finds(seed: int) -> None:
    source = random.Random(seed)
    rows, width, count = source.randint(1, 60), source.randint(1, 30), source.choice([1, 3, 100])
    least = source.choice([0.0, 0.2, 0.6])
    table = random_table(source, rows, width)
    index = turned(table, width)
    assert as_dict(index) == {(column, row): value for (row, column), value in as_dict(table).items()}
    arguments = (*table, *index, array("I", range(rows)), count, least)
    found = kernels.nearest_rows(*arguments)
    assert found == twin.nearest_rows(*arguments)
    starts, others, products = arrays(found, "QId")
    lines = [
        dict(zip(*(part[table[0][row] : table[0][row + 1]] for part in table[1:]), strict=True)) for row in range(rows)
    ]
    for row in range(rows):
        every = []
        for other in range(rows):
            product = sum(lines[row].get(column, 0.0) * value for column, value in lines[other].items())
            if other != row and product > 0.0 and product >= least:
                every.append((-product, other))
        best = sorted(every)[:count]
        here = slice(starts[row], starts[row + 1])
        assert list(products[here]) == pytest.approx([-product for product, _ in best])
        # Rounding may order equal products either way; below, the sets agree up to the last place.
        assert set(others[here]) == {other for _, other in best} or len(every) > count


def test_the_bound_drops_no_neighbour_of_a_larger_table() -> None:
    source = random.Random(7)
    table = random_table(source, 400, 40)
    index, queries = turned(table, 40), array("I", range(400))
    few = arrays(kernels.nearest_rows(*table, *index, queries, 3, 0.0), "QId")
    every = arrays(kernels.nearest_rows(*table, *index, queries, 400, 0.0), "QId")
    for row in range(400):
        first, whole = few[0][row], every[0][row]
        size = min(3, every[0][row + 1] - whole)
        assert few[0][row + 1] - first == size
        assert few[1][first : first + size] == every[1][whole : whole + size]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({0: array("Q", [0, 3])}, "starts: expected rising numbers from 0 to 2"),
        ({0: array("Q")}, "starts: expected rising numbers from 0 to 2"),
        ({2: array("d", [1.0])}, "weights: expected 2 items, got 1"),
        ({3: array("Q", [0, 9, 2])}, "index_starts: expected rising numbers from 0 to 2"),
        ({1: array("I", [0, 2])}, "columns: expected numbers below 2, got 2 at 1"),
        ({4: array("I", [0, 1])}, "index_rows: expected numbers below 1, got 1 at 1"),
        ({6: array("I", [1])}, "queries: expected numbers below 1, got 1 at 0"),
        ({7: 0}, "count: expected 1 or more, got 0"),
        ({5: b"12345"}, "index_weights: expected items of 8 bytes, got 1"),
    ],
)
def test_searching_refuses_tables_that_do_not_fit(change: dict[int, Any], message: str) -> None:
    arguments: list[Any] = [array("Q", [0, 2]), array("I", [0, 1]), array("d", [0.6, 0.8])]
    arguments += [array("Q", [0, 1, 2]), array("I", [0, 0]), array("d", [0.6, 0.8]), array("I", [0]), 2, 0.0]
    for place, value in change.items():
        arguments[place] = value
    with pytest.raises((ValueError, TypeError)) as error:
        kernels.nearest_rows(*arguments)
    assert str(error.value) == message


def test_a_pair_counts_at_least_once() -> None:
    rows = array("Q", [0, 1]), array("I", [0]), array("I", [0])
    with pytest.raises(ValueError, match="counts: expected 1 or more, got 0 at 0"):
        kernels.information_rows(*rows, array("d", [0]), array("d", [0]), 1, False, 0.0, 0, False)
    with pytest.raises(ValueError, match="counts: expected 1 or more, got 0 at 0"):
        kernels.likelihood_rows(*rows, array("Q", [1]), array("Q", [1]), 1, 1.0, False)


def test_memory_stays_level() -> None:
    text = array("I", [1, 2, 3, 0] * 50)
    resource = pytest.importorskip("resource")
    peaks = []
    for _ in range(3):
        for _ in range(200):
            rows = arrays(kernels.pair_rows(text, 3, 2, True, 1), "QIIQQ")
            table = arrays(
                kernels.information_rows(*rows[:3], *[array("d", [0.0] * 3)] * 2, 3, False, 0.0, 2, True), "QId"
            )
            kernels.nearest_rows(*table, *turned(table, 3), array("I", [0, 1]), 2, 0.0)
            with pytest.raises(ValueError):
                kernels.pair_rows(text, 2, 2, True, 1)
        gc.collect()
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert peaks[-1] - peaks[0] < 4096


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ there")
def test_ctrl_c_stops_a_long_count() -> None:
    text = array("I", [1, 2] * 40_000)
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        kernels.pair_rows(text, 2, 0, True, 1)
    timer.join()
    assert time.monotonic() - begun < 2.0
