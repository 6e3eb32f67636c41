"""The chart against brute force over all derivations, and C against Python."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import pytest

from nlp_zero import kernels
from nlp_zero.kernels import chart as pure

ANY = "_"
Parts = tuple[int | str, ...]


class Grown(NamedTuple):
    """A trie of templates: labels are numbers, a slot is ``_``."""

    edges: array[int]
    keys: array[int]
    targets: array[int]
    slots: array[int]
    finals: array[int]


def grow(templates: list[Parts]) -> Grown:
    nodes: list[dict[int | str, int]] = [{}]
    finals = [-1]
    for number, parts in enumerate(templates):
        node = 0
        for part in parts:
            if part not in nodes[node]:
                nodes[node][part] = len(nodes)
                nodes.append({})
                finals.append(-1)
            node = nodes[node][part]
        finals[node] = number
    edges, keys, targets, slots = [0], [], [], []
    for node in nodes:
        labels = sorted(label for label in node if label != ANY)
        keys += labels
        targets += [node[label] for label in labels]
        slots.append(node.get(ANY, -1))
        edges.append(len(keys))
    return Grown(*(array("i", row) for row in (edges, keys, targets, slots, finals)))


class Sentence(NamedTuple):
    words: list[int]
    classes: list[int]
    templates: list[Parts]
    weights: list[int]
    null: int
    bonus: list[int]


Brackets = tuple[tuple[int, int, int], ...]


def covers(case: Sentence, parts: Parts, start: int, end: int) -> Iterator[list[tuple[int, int]]]:
    """The slots of each way to lay the parts over a span."""
    if not parts:
        if start == end:
            yield []
        return
    first, rest = parts[0], parts[1:]
    if first == ANY:
        for place in range(start + 1, end + 1):
            for slots in covers(case, rest, place, end):
                yield [(start, place), *slots]
    elif start < end and first in (case.words[start], case.classes[start]):
        yield from covers(case, rest, start + 1, end)


def blocks(case: Sentence, start: int, end: int, kind: str = "any") -> Iterator[tuple[int, Brackets]]:
    """Every derivation of a block: its score and its brackets; ``kind`` template leaves lists out."""
    if end - start == 1:
        yield 0, ()
        return
    extra = case.bonus[start * (len(case.words) + 1) + end] if case.bonus else 0
    for number, parts in enumerate(case.templates):
        for slots in covers(case, parts, start, end):
            for inner in product(*(list(blocks(case, *slot)) for slot in slots)):
                score = case.weights[number] + sum(part[0] for part in inner)
                yield score + extra, ((start, end, number), *(b for part in inner for b in part[1]))
    if kind == "any":
        for score, inside in lists(case, start, end, 0):
            yield score + extra, ((start, end, -1), *inside)


def lists(case: Sentence, start: int, end: int, items: int) -> Iterator[tuple[int, Brackets]]:
    if start == end:
        if items > 1:
            yield 0, ()
        return
    for place in range(start + 1, end + 1):
        if items == 0 and place == end:
            continue
        rest = list(lists(case, place, end, items + 1))
        for score, inside in blocks(case, start, place, "any" if case.bonus else "template"):
            for other, more in rest:
                yield score + other + (case.null if items else 0), inside + more


def random_case(chance: random.Random, size: int, bonus: bool) -> Sentence:
    labels = list(range(4))
    kinds: set[Parts] = set()
    for _ in range(chance.randrange(7)):
        parts: list[int | str] = []
        for _ in range(chance.randrange(2, 6)):
            part = chance.choice([*labels, 10, 11, ANY, ANY])
            if part != ANY or not parts or parts[-1] != ANY:
                parts.append(part)
        if len(parts) > 1:
            kinds.add(tuple(parts))
    templates = sorted(kinds, key=str)
    chance.shuffle(templates)
    cells = size * (size + 1)
    return Sentence(
        [chance.choice([*labels, -1]) for _ in range(size)],
        [chance.choice([10, 11, -1]) for _ in range(size)],
        templates,
        [-chance.randrange(1, 6) for _ in templates],
        chance.choice([0, -1, -2, -9]),
        [chance.randrange(-3, 3) for _ in range(cells)] if bonus else [],
    )


def best(case: Sentence) -> tuple[int, list[int]]:
    score, found = kernels.best_brackets(
        array("i", case.words),
        array("i", case.classes),
        tuple(grow(case.templates)),
        array("q", case.weights),
        case.null,
        array("q", case.bonus),
    )
    return score, list(found)


@pytest.mark.parametrize("bonus", [False, True])
@pytest.mark.parametrize("seed", range(120))
def test_the_best_is_the_best_of_all_derivations(seed: int, bonus: bool) -> None:
    chance = random.Random(seed)
    case = random_case(chance, chance.randrange(1, 6 if bonus else 8), bonus)
    every = list(blocks(case, 0, len(case.words)))
    score, flat = best(case)
    found = tuple(tuple(flat[i : i + 3]) for i in range(0, len(flat), 3))
    assert score == max(value for value, _ in every)
    if len(case.words) > 1:
        assert (score, found) in [(value, brackets) for value, brackets in every]


@pytest.mark.parametrize("seed", range(60))
def test_sums_and_shares_are_those_of_all_derivations(seed: int) -> None:
    chance = random.Random(seed)
    case = random_case(chance, chance.randrange(1, 8), False)
    weights = [chance.random() for _ in case.templates]
    null = chance.random()
    expected = array("d", [1.0] * len(weights))  # it adds
    total = kernels.template_sums(
        array("i", case.words),
        array("i", case.classes),
        tuple(grow(case.templates)),
        array("d", weights),
        null,
        expected,
    )
    masses = []
    for _, brackets in blocks(case, 0, len(case.words)):
        joins = len(case.words) - 1 - sum(len(case.templates[t]) - 1 for _, _, t in brackets if t >= 0)
        masses.append((math.prod(weights[t] for _, _, t in brackets if t >= 0) * null**joins, brackets))
    assert total == pytest.approx(math.fsum(mass for mass, _ in masses), rel=1e-12)
    for number, share in enumerate(expected):
        uses = math.fsum(mass * sum(t == number for _, _, t in brackets) for mass, brackets in masses)
        assert share - 1.0 == pytest.approx(uses / total, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("seed", range(25))
def test_both_engines_agree_to_the_bit(seed: int) -> None:
    chance = random.Random(seed)
    case = random_case(chance, chance.randrange(1, 40), seed % 2 == 0)
    arguments = (array("i", case.words), array("i", case.classes), tuple(grow(case.templates)))
    whole = (*arguments, array("q", case.weights), case.null, array("q", case.bonus))
    assert kernels.best_brackets(*whole) == pure.best_brackets(*whole)
    weights, shares, same = array("d", [chance.random() for _ in case.weights]), array("d"), array("d")
    shares.extend(0.0 for _ in weights)
    same.extend(shares)
    assert kernels.template_sums(*arguments, weights, 0.25, shares) == pure.template_sums(
        *arguments, weights, 0.25, same
    )
    assert shares == same


def test_more_templates_than_a_small_table_of_open_slots_holds() -> None:
    templates: list[Parts] = [(ANY, word, ANY) for word in range(70)]
    templates += [(ANY, word, ANY, 70, ANY) for word in range(70)]
    size = 80
    words = [word % 71 for word in range(size)]
    score, found = best(Sentence(words, [-1] * size, templates, [-3] * 140, -20, []))
    assert score == -3 * (len([t for t in found[2::3] if t >= 0])) - 20 * (
        size - 1 - sum(len(templates[t]) - 1 for t in found[2::3] if t >= 0)
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"words": []}, "words: expected 1 to 512, with as many classes"),
        ({"words": [1] * 513, "classes": [1] * 513}, "words: expected 1 to 512, with as many classes"),
        ({"classes": [1]}, "words: expected 1 to 512, with as many classes"),
        ({"slots": [1]}, "trie: expected arrays of one length by nodes, and by edges"),
        ({"keys": []}, "trie: expected arrays of one length by nodes, and by edges"),
        ({"edges": [0, 9, 1, 1, 1]}, "trie: edges out of range"),
        ({"edges": [-1, -1, 1, 1, 1]}, "trie: edges out of range"),
        ({"targets": [1]}, "trie: an edge leads to no node of a higher number"),
        ({"targets": [4]}, "trie: an edge leads to no node of a higher number"),
        ({"slots": [9, -1, 3, -1]}, "trie: an edge leads to no node of a higher number"),
        ({"finals": [-1, -1, -1, 1]}, "trie: a node ends no template"),
    ],
)
def test_what_cannot_be_is_refused_alike(change: dict[str, list[int]], message: str) -> None:
    given = {
        "words": [0, 1, 2],
        "classes": [-1, -1, -1],
        "edges": [0, 0, 1, 1, 1],
        "keys": [1],
        "targets": [2],
        "slots": [1, -1, 3, -1],
        "finals": [-1, -1, -1, 0],
    }
    rows = [array("i", (given | change)[name]) for name in given]
    with pytest.raises(ValueError) as error:
        kernels.best_brackets(rows[0], rows[1], tuple(rows[2:]), array("q", [-1]), -1, array("q"))
    assert str(error.value) == message
    with pytest.raises(ValueError) as error:
        kernels.template_sums(rows[0], rows[1], tuple(rows[2:]), array("d", [0.5]), 0.5, array("d", [0.0]))
    assert str(error.value) == message


def test_numbers_beyond_their_bounds_are_refused_alike() -> None:
    words, trie = array("i", [0, 1]), tuple(grow([(0, 1)]))
    for weight, null, bonus in ((2**50 + 1, 0, []), (0, -(2**50) - 1, []), (0, 0, [0, 0, 2**60, 0, 0, 0])):
        with pytest.raises(ValueError, match=r"weights: expected numbers from -2\*\*50 to 2\*\*50"):
            kernels.best_brackets(words, words, trie, array("q", [weight]), null, array("q", bonus))
    with pytest.raises(ValueError, match="bonus: expected none, or a number for each start and end"):
        kernels.best_brackets(words, words, trie, array("q", [0]), 0, array("q", [0] * 5))
    with pytest.raises(ValueError, match="expected: a number for each template"):
        kernels.template_sums(words, words, trie, array("d", [0]), 0.5, array("d"))
