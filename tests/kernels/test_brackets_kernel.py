"""The kernels of brackets: against spans listed one by one, C against Python, refusals."""

from __future__ import annotations

import random
from array import array
from collections import Counter
from typing import Any, TypeAlias

import pytest

from nlp_zero import kernels
from nlp_zero.kernels import brackets as twin
from nlp_zero.syntax.splits import weakest_bond

Case: TypeAlias = "tuple[array[int], array[int], array[float], array[int]]"


def random_case(source: random.Random) -> Case:
    """Stretches of 1 to 9 words, some longer, of which some are drawn, some twice; bonds with many equal ones."""
    text, begins = array("I"), []
    for _ in range(source.choice([0, 1, 5, 40])):
        begins.append(len(text))
        text.extend(source.choices(range(1, 12), k=source.choice([1, 2, 3, 5, 9, 64])))
        text.append(0)
    if text and source.random() < 0.5:
        text.pop()  # the last stretch may end with the text
    bonds = array("d", [source.choice([-1.5, 0.0, 0.25, source.random()]) for _ in text])
    classes = array("H", [0, *source.choices([1, 2, 3, 500, 0xFFFF], k=11)])
    return text, array("I", [begin for begin in begins for _ in range(source.randrange(3))]), bonds, classes


def listed(text: array[int], drawn: array[int], bonds: array[float], classes: array[int]) -> dict[int, list[int]]:
    """Spans and brackets by key, one by one."""
    found: dict[int, list[int]] = {}
    for begin in drawn:
        words = list(text[begin:])
        words = words[: words.index(0)] if 0 in words else words
        tree = set(weakest_bond(bonds[begin : begin + len(words) - 1]))
        around = [0, *(classes[word] for word in words), 0]
        for start in range(len(words)):
            for stop in range(start + 2, len(words) + 1):
                if stop - start < len(words):
                    edges = around[start], around[start + 1], around[stop], around[stop + 1]
                    pairs = (edges[1], edges[2]), (edges[0], edges[3]), (edges[2], edges[3]), (0, stop - start)
                    for table, (left, right) in enumerate(pairs):
                        cell = found.setdefault(table << 32 | left << 16 | right, [0, 0])
                        cell[0] += 1
                        cell[1] += (start, stop) in tree
    return found


@pytest.mark.parametrize("seed", range(40))
def test_spans_and_brackets_are_those_listed(seed: int) -> None:
    case = random_case(random.Random(seed))

    keys, spans, brackets = (list(array("Q", part)) for part in kernels.count_brackets(*case))

    expected = listed(*case)
    assert keys == sorted(expected)
    assert [*zip(spans, brackets, strict=True)] == [tuple(expected[key]) for key in keys]


def test_c_gives_the_bytes_of_python() -> None:
    source = random.Random(3)
    for _ in range(40):
        case = random_case(source)
        assert kernels.count_brackets(*case) == twin.count_brackets(*case)


def test_a_stretch_has_two_brackets_less_than_words() -> None:
    text, bonds = array("I", [1] * 64), array("d", [float(place * 37 % 64) for place in range(64)])
    keys, _, brackets = (array("Q", part) for part in kernels.count_brackets(text, array("I", [0]), bonds, bytes_of(2)))
    lengths = Counter({key & 0xFFFF: number for key, number in zip(keys, brackets, strict=True) if key >> 32 == 3})
    assert lengths.total() == 62


def test_bonds_of_both_engines_are_the_same() -> None:
    source = random.Random(4)
    for _ in range(40):
        text = random_case(source)[0]
        tables = (array("d", [source.uniform(0.5, 9) for _ in range(12)]) for _ in range(3))
        arguments = (text, *tables, 0.1, source.randint(1, 99), source.randint(1, 9999), 0.4)
        assert kernels.neighbour_bonds(*arguments) == twin.neighbour_bonds(*arguments)


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (0, array("I", [2]), "tokens: expected numbers below 2, got 2 at 0"),
        (2, array("d"), "begins: expected 2 items, got 0"),
        (3, array("d", [1.0]), "counts: expected 2 items, got 1"),
        (3, array("d", [1.0, 0.0]), "counts: expected numbers above 0, as places and square, got another"),
        (5, 0.0, "counts: expected numbers above 0, as places and square, got another"),
    ],
)
def test_bonds_of_what_cannot_be_are_refused(place: int, value: Any, says: str) -> None:
    arguments: list[Any] = [array("I", [1]), *(array("d", [1.0, 1.0]) for _ in range(3)), 0.1, 1.0, 1.0, 0.4]
    arguments[place] = value
    with pytest.raises(ValueError, match=says):
        kernels.neighbour_bonds(*arguments)


def bytes_of(size: int) -> array[int]:
    return array("H", range(size))


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"tokens": array("H", [1])}, TypeError, "tokens: expected items of 4 bytes, got 2"),
        ({"bonds": array("d", [1.0])}, ValueError, "bonds: expected 4 items, got 1"),
        ({"classes": array("H", [0, 1])}, ValueError, "tokens: expected numbers below 2, got 2 at 1"),
        ({"drawn": array("I", [3])}, ValueError, "drawn: expected places of words below 4, got 3"),
        ({"drawn": array("I", [0, 9])}, ValueError, "drawn: expected places of words below 4, got 9"),
        (
            {"tokens": array("I", [1] * 66), "bonds": array("d", bytes(8 * 66)), "drawn": array("I", [1])},
            ValueError,
            "drawn: expected stretches of at most 64 words, got more at 1",
        ),
    ],
)
def test_what_is_no_text_is_refused(change: dict[str, Any], error: type[Exception], says: str) -> None:
    values: dict[str, Any] = {"tokens": array("I", [1, 2, 1, 0]), "drawn": array("I", [0])}
    values |= {"bonds": array("d", bytes(32)), "classes": bytes_of(3)}
    with pytest.raises(error, match=says):
        kernels.count_brackets(*(values | change).values())
