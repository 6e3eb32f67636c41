"""Template kernels: paths against listing them all, matches and covers against brute force, both engines alike."""

from __future__ import annotations

import random
from array import array
from collections import defaultdict
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero import kernels
from nlp_zero.kernels import templates as specification
from nlp_zero.syntax.description import Trie

NONE = 0xFFFFFFFF
Links = dict[tuple[int, int], float]
Piece = tuple[tuple[int, bool], ...]

LINKS = st.dictionaries(
    st.tuples(st.integers(0, 3), st.integers(0, 3)), st.sampled_from([1.0, 1.0, 2.0, 7.5]), max_size=16
)
TEXTS = st.lists(st.lists(st.integers(0, 3), max_size=8), max_size=3)


def table(links: Links, size: int) -> tuple[array[int], array[int], array[float]]:
    starts, columns, weights = array("Q", [0]), array("I"), array("d")
    for row in range(size):
        for column in range(size):
            if (row, column) in links:
                columns.append(column)
                weights.append(links[row, column])
        starts.append(len(columns))
    return starts, columns, weights


def numbers(stretches: list[list[int]]) -> array[int]:
    return array("I", [number for stretch in stretches for number in [*(symbol + 1 for symbol in stretch), 0]])


def unpack(parts: tuple[bytes, bytes, bytes]) -> dict[Piece, float]:
    parents, steps, sums = (array(code, part) for code, part in zip("IId", parts, strict=True))
    names: list[Piece] = [()]
    for parent, step in zip(parents[1:], steps[1:], strict=True):
        names.append((*names[parent], (step >> 1, bool(step & 1))))
    assert len(set(names)) == len(names)
    return dict(zip(names[1:], sums[1:], strict=True))


def every_path(stretch: list[int], links: Links, window: int) -> list[tuple[tuple[int, ...], float]]:
    """Every maximal path with its weight, listed one by one."""
    size = len(stretch)
    onward = {
        here: [to for to in range(here + 1, min(here + window + 1, size)) if (stretch[here], stretch[to]) in links]
        for here in range(size)
    }
    reached = {to for others in onward.values() for to in others}
    waiting = [((start,), 1.0) for start in range(size) if start not in reached]
    found = []
    while waiting:
        path, weight = waiting.pop()
        if not onward[path[-1]]:
            found.append((path, weight))
        for to in onward[path[-1]]:
            waiting.append(((*path, to), weight * links[stretch[path[-1]], stretch[to]]))
    return found


def brute_pieces(stretches: list[list[int]], links: Links, window: int, most: int) -> dict[Piece, float]:
    sums: dict[Piece, float] = defaultdict(float)
    for stretch in stretches:
        paths = every_path(stretch, links, window)
        total = sum(weight for _, weight in paths)
        for path, weight in paths:
            for start, length in product(range(len(path)), range(1, most + 1)):
                places = path[start : start + length]
                if len(places) == length:
                    gaps = [False, *(b > a + 1 for a, b in pairwise(places))]
                    sums[tuple(zip((stretch[place] for place in places), gaps, strict=True))] += weight / total
    return sums


@settings(deadline=None)
@given(TEXTS, LINKS, st.integers(1, 4), st.integers(1, 4))
def test_pieces_are_those_of_all_paths_listed(stretches: list[list[int]], links: Links, window: int, most: int) -> None:
    found = unpack(kernels.path_pieces(numbers(stretches), *table(links, 4), window, most, 1e-9))
    assert found == pytest.approx(brute_pieces(stretches, links, window, most))


@pytest.mark.parametrize("size", [50, 3000])
def test_a_dense_stretch_costs_no_more_than_its_links(size: int) -> None:
    """50 words have 1.3e14 paths within a window of 5, 3,000 words more than a double can hold."""
    links = {(left, right): 1.0 for left in range(4) for right in range(4)}
    stretch = [place % 4 for place in range(size)]
    found = unpack(kernels.path_pieces(numbers([stretch]), *table(links, 4), 5, 2, 0.01))
    # All paths begin at the first place, and end at the last.
    places = sum(chance for piece, chance in found.items() if len(piece) == 1)
    ways = sum(chance for piece, chance in found.items() if len(piece) == 2)
    assert places - ways == pytest.approx(1.0) and size / 5 < places < size


def test_two_dense_parts_far_apart_share_by_their_paths() -> None:
    """The sums of the longer part are of another level than those of the shorter."""
    links = {(0, 0): 1.0, (1, 1): 1.0}
    found = unpack(kernels.path_pieces(numbers([[0] * 900 + [1] * 20]), *table(links, 2), 5, 1, 1e-300))
    assert found[((0, False),)] > 100 and found[((1, False),)] < 1e-100


def random_text(seed: int, size: int, symbols: int) -> array[int]:
    source = random.Random(seed)
    return array("I", [0 if source.random() < 0.12 else source.randrange(symbols) + 1 for _ in range(size)])


def random_trie(seed: int, symbols: int, nodes: int) -> tuple[array[int], array[int], array[int]]:
    source = random.Random(seed)
    parents, steps, names, depths = array("I", [0]), array("I", [0]), array("I", [NONE]), [0]
    known = set()
    while len(parents) < nodes:
        parent = source.randrange(len(parents))
        step = source.randrange(symbols) << 1 | (source.random() < 0.5 and parent > 0)
        if depths[parent] < 8 and (parent, step) not in known:
            known.add((parent, step))
            parents.append(parent)
            steps.append(step)
            names.append(NONE if source.random() < 0.3 else len(names))
            depths.append(depths[parent] + 1)
    return parents, steps, names


def brute_matches(
    text: array[int], groups: array[int], trie: tuple[array[int], array[int], array[int]], window: int
) -> set[tuple[int, int, int, tuple[int, ...]]]:
    parents, steps, names = trie
    found = set()
    for node in range(1, len(parents)):
        row: list[int] = []
        here = node
        while here:
            row.insert(0, steps[here])
            here = parents[here]
        if names[node] == NONE:
            continue
        slots = [range(1, window) if step & 1 else (0,) for step in row]
        for begin, lengths in product(range(len(text)), product(*slots)):
            place, fits = begin, True
            for step, length in zip(row, lengths, strict=True):
                place += length
                fits = fits and place < len(text) and step >> 1 in (text[place] - 1, groups[text[place]] - 1)
                place += 1
            if fits and all(text[begin:place]):
                gaps = tuple(length for step, length in zip(row, lengths, strict=True) if step & 1)
                found.add((begin, place, names[node], gaps))
    return found


def unpack_slots(packed: int) -> tuple[int, ...]:
    gaps = []
    while packed:
        gaps.append(packed & 15)
        packed >>= 4
    return tuple(gaps)


@pytest.mark.parametrize("seed", range(12))
def test_matches_are_all_there_are(seed: int) -> None:
    symbols, window = 6, 1 + seed % 5
    text, trie = random_text(seed, 40, 4), random_trie(seed, symbols, 12)
    groups = array("I", [0, 5, 6, 0, 5, 0, 0])
    columns = [array("I", part) for part in kernels.template_matches(text, groups, *trie, window)]
    rows = [(*row[:3], unpack_slots(row[3])) for row in zip(*columns, strict=True)]
    assert len(rows) == len(set(rows)) and list(columns[0]) == sorted(columns[0])
    assert set(rows) == brute_matches(text, groups, trie, window)


@pytest.mark.parametrize("seed", range(20))
def test_the_cover_is_the_best_of_all(seed: int) -> None:
    source = random.Random(seed)
    size, count = 9, 8
    begins = sorted(source.randrange(size - 1) for _ in range(count))
    ends = [source.randrange(begin + 1, size + 1) for begin in begins]
    kinds = [source.randrange(3) for _ in begins]
    slots = [source.choice([0, 1, 2, 0x21]) for _ in begins]
    values, costs = [source.uniform(-3, 3) for _ in range(3)], [0.0, 0.5, 1.0, *[9.0] * 13]

    def worth(chosen: tuple[int, ...]) -> float:
        covered = [place for match in chosen for place in range(begins[match], ends[match])]
        if len(set(covered)) < len(covered):
            return float("-inf")
        gains = (values[kinds[match]] - sum(costs[gap] for gap in unpack_slots(slots[match])) for match in chosen)
        return sum(gains) + 0.7 * len(covered)

    subsets = [tuple(n for n in range(count) if mask >> n & 1) for mask in range(1 << count)]
    columns = (array("I", column) for column in (begins, ends, kinds, slots))
    cover = array("I", kernels.cover_text(size, *columns, array("d", values), array("d", costs), 0.7))
    assert worth(tuple(cover)) == pytest.approx(max(map(worth, subsets)))


def test_of_equal_covers_the_one_with_the_word_wins_then_the_first_match() -> None:
    columns = (array("I", column) for column in ([0, 0, 0], [1, 2, 2], [0, 1, 1], [0, 0, 0]))
    cover = kernels.cover_text(3, *columns, array("d", [-1.0, -1.0]), array("d", bytes(128)), 1.0)
    assert list(array("I", cover)) == [1]


@pytest.mark.parametrize("seed", range(4))
def test_the_engine_equals_the_python_twin_to_the_bit(seed: int) -> None:
    source = random.Random(seed)
    text = random_text(seed, 3000, 40)
    links = {(a, b): source.uniform(1, 50) for a in range(40) for b in range(40) if source.random() < 0.4}
    arguments = (text, *table(links, 40), 5, 4, 0.03)
    parts = kernels.path_pieces(*arguments)
    assert parts == specification.path_pieces(*arguments) and len(parts[0]) > 4000
    names = array("I", range(len(parts[0]) // 4))
    groups = array("I", [0] * 10 + [n % 40 + 1 for n in range(31)])
    trie = array("I", parts[0]), array("I", parts[1]), names
    found = kernels.template_matches(text, groups, *trie, 5)
    assert found == specification.template_matches(text, groups, *trie, 5) and len(found[0]) > 4000
    matches = [array("I", part) for part in found]
    values, costs = array("d", [source.uniform(-1, 4) for _ in names]), array("d", range(16))
    cover = kernels.cover_text(len(text), *matches, values, costs, 0.3)
    assert cover == specification.cover_text(len(text), *matches, values, costs, 0.3) and len(cover) > 400


NOTHING = array("I")
EMPTY = array("Q", [0])
ONE = array("I", [1])
ROWS = (array("Q", [0, 1, 1]), array("I", [1]), array("d", [1.0]))
ROOT = (array("I", [0, 0]), array("I", [0, 0]), array("I", [NONE, 0]))
MATCH = (array("I", [0]), array("I", [2]), array("I", [0]), array("I", [0]))
VALUES, COSTS = array("d", [1.0]), array("d", bytes(128))


def test_next_to_nothing() -> None:
    assert kernels.path_pieces(NOTHING, EMPTY, NOTHING, array("d"), 5, 4, 0.1) == (bytes(4), bytes(4), bytes(8))
    assert kernels.template_matches(NOTHING, array("I", [0]), *ROOT, 5) == (b"", b"", b"", b"")
    assert kernels.cover_text(0, NOTHING, NOTHING, NOTHING, NOTHING, array("d"), COSTS, 1.0) == b""


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("path_pieces", (array("H", [1]), *ROWS, 5, 4, 0.1), TypeError, "tokens: expected items of 4 bytes, got 2"),
        (
            "path_pieces",
            (array("I", [3]), *ROWS, 5, 4, 0.1),
            ValueError,
            "tokens: expected numbers below 3, got 3 at 0",
        ),
        ("path_pieces", (ONE, array("Q", [0, 2, 1]), *ROWS[1:], 5, 4, 0.1), ValueError, "starts: expected rising"),
        ("path_pieces", (ONE, array("Q"), *ROWS[1:], 5, 4, 0.1), ValueError, "starts: expected rising numbers from 0"),
        ("path_pieces", (ONE, ROWS[0], array("I", [2]), ROWS[2], 5, 4, 0.1), ValueError, "columns: expected numbers"),
        (
            "path_pieces",
            (ONE, array("Q", [0, 2]), array("I", [0, 0]), array("d", [1, 1]), 5, 4, 0.1),
            ValueError,
            "columns: expected rising numbers in a row, got 0 at 1",
        ),
        (
            "path_pieces",
            (ONE, *ROWS[:2], array("d", [0.5]), 5, 4, 0.1),
            ValueError,
            "weights: .* or more, got 0.5 at 0",
        ),
        ("path_pieces", (ONE, *ROWS[:2], array("d"), 5, 4, 0.1), ValueError, "weights: expected 1 items, got 0"),
        ("path_pieces", (ONE, *ROWS, 0, 4, 0.1), ValueError, "window: expected 1 to 16, got 0"),
        ("path_pieces", (ONE, *ROWS, 5, 9, 0.1), ValueError, "most: expected 1 to 8, got 9"),
        ("path_pieces", (ONE, *ROWS, 5, 4, 0.0), ValueError, "least: expected a chance .*, got 0.0"),
        ("template_matches", (ONE, ONE, *ROOT, 5), ValueError, "tokens: expected numbers below 1, got 1 at 0"),
        ("template_matches", (NOTHING, ONE, *ROOT, 17), ValueError, "window: expected 1 to 16, got 17"),
        ("template_matches", (NOTHING, ONE, *[NOTHING] * 3, 5), ValueError, "parents: expected one item or more"),
        (
            "template_matches",
            (NOTHING, ONE, array("I", [0, 1]), *ROOT[1:], 5),
            ValueError,
            "parents: .* below 1, got 1",
        ),
        ("template_matches", (NOTHING, ONE, *ROOT[:2], ONE, 5), ValueError, "templates: expected 2 items, got 1"),
        (
            "template_matches",
            (NOTHING, ONE, array("I", [0, *range(9)]), array("I", [0] * 10), array("I", [0] * 10), 5),
            ValueError,
            "parents: expected at most 8 steps from the root, got more at node 9",
        ),
        (
            "template_matches",
            (NOTHING, ONE, array("I", [0, 0, 0]), array("I", [0, 4, 4]), array("I", [0] * 3), 5),
            ValueError,
            "steps: expected each step of a node once, got 4 again at 2",
        ),
        ("cover_text", (1, *MATCH, VALUES, COSTS, 1.0), ValueError, "begins: expected matches .* within 1 places"),
        (
            "cover_text",
            (3, *MATCH, array("d"), COSTS, 1.0),
            ValueError,
            "templates: expected numbers below 0, got 0 at 0",
        ),
        ("cover_text", (3, *MATCH, VALUES, VALUES, 1.0), ValueError, "costs: expected 16 items, got 1"),
        (
            "cover_text",
            (3, MATCH[0], NOTHING, *MATCH[2:], VALUES, COSTS, 1.0),
            ValueError,
            "ends: expected 1 items, got 0",
        ),
        ("rest_values", (*ROOT, array("d"), ONE, 1.0), ValueError, "templates: expected numbers below 0, got 0 at 1"),
        (
            "rest_values",
            (*ROOT[:2], array("I", [NONE]), VALUES, ONE, 1.0),
            ValueError,
            "templates: expected 2 items, got 1",
        ),
        ("cover_text", (-1, *MATCH, VALUES, COSTS, 1.0), ValueError, "size: expected 0 to 2147483647, got -1"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, arguments: tuple[Any, ...], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        getattr(kernels, name)(*arguments)


# ---- templates without one


def rest_by_lists(rows: list[tuple[int, ...]], values: list[float], groups: dict[int, int], unit: float) -> list[float]:
    """The best of all ways to cut a row into words and other rows, listed one by one."""
    worth = dict(zip(rows, values, strict=True))

    def ways(row: tuple[int, ...], whole: tuple[int, ...]) -> float:
        if not row:
            return 0.0
        best = ways(row[1:], whole) - unit
        for size in range(2, len(row) + 1):
            choices = [[step, groups[step >> 1] << 1 | step & 1] if step >> 1 in groups else [step] for step in row]
            for part in product([step & ~1 for step in choices[0]], *choices[1:size]):
                if part in worth and part != whole:
                    best = max(best, worth[part] + ways(row[size:], whole))
        return best

    return [ways(row, row) for row in rows]


@pytest.mark.parametrize("seed", range(30))
def test_the_rest_of_a_template_is_the_best_of_all_cuts(seed: int) -> None:
    source = random.Random(seed)
    groups = {0: 5, 1: 5, 2: 6}
    rows = {
        (source.randrange(7) << 1, *(source.randrange(7) << 1 | source.randrange(2) for _ in range(length)))
        for length in source.choices([1, 1, 2, 3, 5], k=60)
    }
    templates = sorted(rows)
    trie = Trie.of(templates)
    values = array("d", [source.randrange(-4, 12) / 4 for _ in templates])
    classes = array("I", [0, *(groups.get(symbol, -1) + 1 for symbol in range(5)), 0, 0])
    arguments = (*trie[:3], values, classes, 0.5)

    found = kernels.rest_values(*arguments)

    assert list(array("d", found)) == rest_by_lists(templates, list(values), groups, 0.5)
    assert found == specification.rest_values(*arguments)


def test_classes_may_have_any_number() -> None:
    high = 2**30 + 5
    trie = Trie.of([(0, 2), (high << 1, 2)])
    classes = array("I", [0, high + 1, 0])
    found = kernels.rest_values(*trie[:3], array("d", [1.0, 5.0]), classes, 1.0)
    assert list(array("d", found)) == [5.0, -2.0]
