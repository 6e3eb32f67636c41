"""Merging of one-symbol words: the arithmetic, the engines against each other, and what is refused.

What a merge gains, and the order of merges, are tested against a slow reading in tests/words/test_merging.py.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable
from math import inf, lgamma, log
from typing import Any

import pytest

from nlp_zero import kernels
from nlp_zero.kernels import merges as specification
from nlp_zero.kernels.merges import log_gamma, tokens_log


@pytest.mark.parametrize("x", [1e-6, 0.3, 0.5, 1.0, 2.5, 9.99, 10.0, 12.3, 1e3, 4.7e5, 3e9])
def test_log_gamma_is_that_of_the_library(x: float) -> None:
    assert log_gamma(x) == pytest.approx(lgamma(x), rel=1e-13, abs=1e-12)


@pytest.mark.parametrize("count", [0, 1, 2, 7])
@pytest.mark.parametrize("added", [0, 1, 2, 5])
def test_tokens_one_by_one(count: int, added: int) -> None:
    tables, total = min(count, 2), 0.0
    for here in range(count, count + added):
        total += log(here - 0.6 * (tables or 1) + 0.3) if here else log(0.3)
    assert -inf < tokens_log(count, tables, added, 0.3, 0.6) == pytest.approx(total)


def arguments(seed: int, size: int = 1500, max_length: int = 3, class_count: int = 6) -> list[Any]:
    """A random text of few symbols, mostly one-symbol words, and a model that fits it."""
    source = random.Random(seed)
    ids = array("H", (0 if source.random() < 0.1 else 8 + int(9 * source.random() ** 2) for _ in range(size)))
    index, _, sizes, _, _ = kernels.substrings(ids, max_length)
    index, lengths, place = array("I", index), bytearray(size), 0
    counts = array("i", bytes(4 * len(sizes)))
    while place < size:
        room = sum(1 for item in index[place * max_length : (place + 1) * max_length] if item != specification.NONE)
        if room:
            lengths[place] = min(room, source.choice([1, 1, 1, 1, 2, 3]))
            counts[index[place * max_length + lengths[place] - 1]] += 1
        place += max(lengths[place], 1)
    tables = array("i", (source.randint(1, count) if count else 0 for count in counts))
    base = array("f", (source.uniform(0.0005, 0.05) ** length for length in sizes))
    boost = array("f", (source.choice([0.0, 0.5, 1.0, 3.0, 9.0]) for _ in sizes))
    classes = bytes(source.randrange(1, class_count) for _ in sizes)
    ratios = array("d", (source.uniform(-1, 1) for _ in range(class_count**2)))
    return [index, max_length, bytes(lengths), counts, tables, base, boost, classes, ratios, 0.7, 50.0, 5]


@pytest.mark.parametrize("seed", range(8))
def test_the_engine_equals_the_python_twin_to_the_bit(seed: int) -> None:
    given = arguments(seed)
    merges, lengths = kernels.merge_words(*given)

    assert (merges, lengths) == specification.merge_words(*given)
    assert (merges != []) == (lengths != given[2]) and (merges or seed == 0)
    given[7] = array("H", list(given[7]))
    assert kernels.merge_words(*given) == (merges, lengths)


def test_lengths_outside_of_chunks_say_nothing() -> None:
    index, rest = arguments(1)[0], arguments(1)[1:]
    lengths = bytearray(rest[1])
    for place in range(len(lengths)):
        if index[place * 3] == specification.NONE:
            lengths[place] = 1
    merges = kernels.merge_words(index, *rest)[0]

    assert kernels.merge_words(index, 3, lengths, *rest[2:])[0] == merges


def changed(place: int, value: Any) -> Callable[[list[Any]], None]:
    def change(given: list[Any]) -> None:
        given[place] = value(given[place]) if callable(value) else value

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (changed(1, 2), "index: expected"),
        (changed(1, 9), "max_length: expected 1 to 8, got 9"),
        (changed(2, lambda lengths: b"\7" + lengths[1:]), "lengths: expected words that fill the chunk"),
        (changed(3, lambda counts: counts[:-1]), "tables: expected"),
        (
            changed(4, lambda tables: array("i", [1000, *tables[1:]])),
            "tables: expected 0 to .* word 0, got 1000",
        ),
        (changed(5, array("f", [1.0])), "base: expected"),
        (changed(6, b"1234"), "boost: expected items of 4 bytes, got 1"),
        (changed(7, lambda classes: b"\6" * len(classes)), "classes: expected numbers below 6, got 6 at 0"),
        (changed(8, array("d", [0.0])), "log_ratios: expected a square number of items from 4 up, got 1"),
        (changed(9, 1.0), "discount: expected"),
        (changed(10, 0.0), "strength: expected"),
        (changed(11, 0), "min_count: expected 1 or more, got 0"),
    ],
)
def test_what_does_not_fit_is_refused_alike(change: Callable[[list[Any]], None], says: str) -> None:
    given = arguments(2)
    change(given)
    with pytest.raises((ValueError, TypeError), match=says) as expected:
        specification.merge_words(*given)
    with pytest.raises(type(expected.value)) as caught:
        kernels.merge_words(*given)

    assert str(caught.value) == str(expected.value)


def test_one_symbol_words_alone_cannot_merge() -> None:
    with pytest.raises(ValueError, match="max_length: expected 2 or more, got 1"):
        kernels.merge_words(*arguments(3, max_length=1))


def test_counts_below_the_places_are_refused() -> None:
    given = arguments(4)
    given[3], given[4] = array("i", [1] * len(given[3])), array("i", [1] * len(given[3]))
    with pytest.raises(ValueError, match="counts: expected at least ") as caught:
        kernels.merge_words(*given)
    with pytest.raises(ValueError, match="got 1") as expected:
        specification.merge_words(*given)

    assert str(caught.value) == str(expected.value)
