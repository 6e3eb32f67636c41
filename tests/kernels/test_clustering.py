"""The kernels of ``clustering``: moves against the objective counted anew, planted classes, C against Python."""

from __future__ import annotations

import gc
import random
import sys
from array import array
from collections import Counter
from math import log
from typing import Any

import pytest

from nlp_zero import kernels
from nlp_zero.kernels import clustering as twin

NONE = 0xFFFFFFFF


def objective(tokens: list[int], classes: list[int]) -> int:
    """The objective as the module's docstring has it, from nothing but the text."""
    pairs = [pair for pair in zip([0, *tokens], [*tokens, 0], strict=True) if pair != (0, 0)]
    joint = Counter((classes[left], classes[right]) for left, right in pairs)
    left = Counter(classes[left] for left, _ in pairs)
    right = Counter(classes[right] for _, right in pairs)
    logs = [sum(map(twin.count_log, counts.values())) for counts in (joint, left, right)]
    return logs[0] - logs[1] - logs[2]


def random_case(source: random.Random) -> tuple[list[int], list[int], int]:
    """Tokens, classes to start from, number of classes; with types that never occur and classes that are empty."""
    class_count, types = source.randint(2, 7), source.randint(1, 14)
    weights = [source.choice([0.2, 1, 5]) for _ in range(types)]
    tokens = source.choices(range(types), weights, k=source.choice([0, 1, 2, 10, 60, 300]))
    return tokens, [0] + [source.randint(1, class_count - 1) for _ in range(types - 1)], class_count


def exchange(tokens: list[int], start: list[int], class_count: int, passes: int = 8, least: int = 1) -> Any:
    classes, moves = kernels.exchange(array("I", tokens), array("H", start), class_count, passes, least)
    return list(array("H", classes)), list(array("I", moves))


@pytest.mark.parametrize("seed", range(60))
def test_every_move_goes_where_the_objective_is_greatest(seed: int) -> None:
    """One type after the other, each against every class it could go to, counted anew."""
    tokens, start, class_count = random_case(random.Random(seed))
    expected = list(start)
    counts = Counter(tokens)
    for word in sorted((word for word in counts if word), key=lambda word: (-counts[word], word)):
        values = []
        for group in range(1, class_count):
            expected[word] = group
            values.append(objective(tokens, expected))
        home = start[word]
        best = max(values)
        expected[word] = home if values[home - 1] == best else 1 + values.index(best)

    classes, moves = exchange(tokens, start, class_count, passes=1)

    assert classes == expected
    assert moves == [sum(a != b for a, b in zip(start, expected, strict=True))]


@pytest.mark.parametrize("seed", range(20))
def test_no_pass_lowers_the_objective_and_the_end_is_a_local_best(seed: int) -> None:
    tokens, start, class_count = random_case(random.Random(1000 + seed))
    values = [objective(tokens, exchange(tokens, start, class_count, passes)[0]) for passes in range(6)]
    assert values == sorted(values)

    classes, moves = exchange(tokens, start, class_count, passes=100)

    assert len(moves) < 100 and moves[-1] == 0
    best = objective(tokens, classes)
    for word in range(1, len(classes)):
        for group in range(1, class_count):
            other = [group if number == word else old for number, old in enumerate(classes)]
            assert objective(tokens, other) <= best


def test_moves_add_up_to_the_counts_of_the_end(engine: str) -> None:
    """The counts that the Python twin keeps up to date are those of the text."""
    if engine != "python":
        return
    source = random.Random(5)
    for _ in range(30):
        tokens, start, class_count = random_case(source)
        state = twin._Classes(array("I", tokens), array("H", start), class_count)
        for word in source.choices(range(1, len(start)), k=40) if len(start) > 1 else ():
            state.move(word)
        fresh = twin._Classes(array("I", tokens), array("H", state.classes), class_count)
        assert (state.joint, state.turned, state.sizes) == (fresh.joint, fresh.turned, fresh.sizes)


def test_planted_classes_are_found() -> None:
    """Four kinds of words that take turns; each word starts in a random class."""
    source = random.Random(1)
    kinds = [list(range(1 + 10 * kind, 11 + 10 * kind)) for kind in range(4)]
    tokens = [0]
    for _ in range(1500):
        first = source.randrange(4)
        tokens += [source.choice(kinds[(first + step) % 4]) for step in range(source.randint(2, 6))] + [0]
    start = [0] + [source.randint(1, 4) for _ in range(40)]

    classes, _ = exchange(tokens, start, 5)

    found = [{classes[word] for word in kind} for kind in kinds]
    assert all(len(groups) == 1 for groups in found) and len(set.union(*found)) == 4


def test_c_gives_the_bytes_of_python(engine: str) -> None:
    source = random.Random(7)
    for case in range(60):
        tokens, start, class_count = random_case(source)
        if case % 20 == 0:  # many classes, words that repeat themselves
            class_count = 40
            tokens = [token for token in source.choices(range(200), k=3000) for _ in range(source.randint(1, 2))]
            start = [0] + [source.randint(1, 39) for _ in range(199)]
        arguments = array("I", tokens), array("H", start), class_count, source.randint(0, 8), source.randint(0, 3)
        assert kernels.exchange(*arguments) == twin.exchange(*arguments)


def test_counts_beyond_the_table_of_logarithms() -> None:
    """A class with more tokens than the C engine keeps logarithms for."""
    tokens = array("I", [1, 2, 0, 3, 2]) * 300_000
    arguments = tokens, array("H", [0, 1, 1, 1]), 3, 3, 1
    assert kernels.exchange(*arguments) == twin.exchange(*arguments)


def test_memory_is_steady() -> None:
    tokens, start = array("I", range(20)) * 5, array("H", [0] + [1] * 19)
    index, lengths, counts = array("I", [0] * 30), bytearray([1]) * 30, array("i", [30])

    def work(rounds: int) -> None:
        for _ in range(rounds):
            kernels.exchange(tokens, start, 9, 3, 1)
            kernels.word_types(index, 1, lengths, counts, 3)
            for name, wrong in (
                ("exchange", (tokens, array("H", [0, 1]), 9, 3, 1)),
                ("exchange", (tokens, bytes(3), 9, 3, 1)),
                ("word_types", (index, 2, lengths, counts, 3)),
                ("word_types", (index, 1, lengths, array("i"), 3)),
            ):
                with pytest.raises((TypeError, ValueError)):
                    getattr(kernels, name)(*wrong)

    work(20)
    gc.collect()
    before = sys.getallocatedblocks()
    work(50)
    gc.collect()
    assert sys.getallocatedblocks() - before < 50
    for buffer in (tokens, start, index, lengths, counts):
        buffer.append(0)  # a BufferError if a kernel still held it


@pytest.mark.parametrize(
    ("tokens", "start", "class_count", "classes", "moves"),
    [
        ([], [0], 2, [0], [0]),
        ([0, 0], [0], 2, [0], [0]),
        ([0, 1, 1, 0], [0, 1], 2, [0, 1], [0]),
        ([1, 1], [0, 63], 64, [0, 63], [0]),
        ([], [0, 2, 1], 3, [0, 2, 1], [0]),
    ],
)
def test_next_to_nothing(
    tokens: list[int], start: list[int], class_count: int, classes: list[int], moves: list[int]
) -> None:
    assert exchange(tokens, start, class_count) == (classes, moves)


def test_any_buffer_of_the_right_items_will_do() -> None:
    tokens, start = array("I", [1, 3, 0, 1, 4, 0, 2, 3, 0, 2, 4]), array("H", [0, 1, 2, 2, 2])
    expected = kernels.exchange(tokens, start, 3, 8, 1)
    for views in (
        (memoryview(tokens), memoryview(start)),
        (memoryview(tokens.tobytes()).cast("I"), memoryview(start.tobytes()).cast("H")),
        (array("i", tokens), array("h", start)),
    ):
        assert kernels.exchange(*views, 3, 8, 1) == expected
    assert kernels.exchange(memoryview(array("I")), memoryview(start), 3, 0, 1)[0] == start.tobytes()


def test_few_moves_end_it() -> None:
    tokens, start = [1, 3, 0, 1, 4, 0, 2, 3, 0, 2, 4], [0, 1, 2, 2, 2]
    assert exchange(tokens, start, 3, 8, 1)[1] == [1, 0]
    assert exchange(tokens, start, 3, 8, 2)[1] == [1]
    assert exchange(tokens, start, 3, 0, 1) == (start, [])
    assert exchange(tokens, start, 3, 3, 0)[1] == [1, 0, 0]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((array("I"), array("H", [0]), 1, 1, 1), ValueError("class_count: expected 2 to 1024, got 1")),
        ((array("I"), array("H", [0]), 1025, 1, 1), ValueError("class_count: expected 2 to 1024, got 1025")),
        ((array("H"), array("H", [0]), 3, 1, 1), TypeError("tokens: expected items of 4 bytes, got 2")),
        ((array("I"), bytes(1), 3, 1, 1), TypeError("classes: expected items of 2 bytes, got 1")),
        ((7, bytes(1), 3, 1, 1), TypeError("a bytes-like object is required, not 'int'")),
        (
            (array("I"), array("H"), 3, 1, 1),
            ValueError("classes: expected at least one item, 0 for the edge, got 0 items"),
        ),
        ((array("I"), array("H", [1]), 3, 1, 1), ValueError("classes: expected 0 for type 0, got 1")),
        ((array("I"), array("H", [0, 0]), 3, 1, 1), ValueError("classes: expected 1 to 2 for type 1, got 0")),
        ((array("I"), array("H", [0, 3]), 3, 1, 1), ValueError("classes: expected 1 to 2 for type 1, got 3")),
        ((array("I", [0, 2]), array("H", [0, 1]), 3, 1, 1), ValueError("tokens: expected a type below 2, got 2 at 1")),
    ],
)
def test_exchange_says_what_is_wrong(arguments: Any, error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        kernels.exchange(*arguments)
    assert str(raised.value) == str(error)


# ---- types ---------------------------------------------------------------------------------------------------------


def substrings(text: str, width: int) -> tuple[array[int], list[str]]:
    """The index of a text in which # is a boundary, and its substrings by id."""
    ids: dict[str, int] = {}
    index = array("I", [NONE]) * (len(text) * width)
    for place in range(len(text)):
        for size in range(1, min(width, len(text) - place) + 1):
            word = text[place : place + size]
            if "#" not in word:
                index[place * width + size - 1] = ids.setdefault(word, len(ids))
    return index, list(ids)


def segmentation(text: str) -> tuple[str, bytes]:
    """A text without its spaces, and the lengths of the words between them."""
    lengths = bytearray()
    for word in text.replace("#", " # ").split():
        lengths += bytes(1) if word == "#" else bytes((len(word), *bytes(len(word) - 1)))
    return text.replace(" ", ""), bytes(lengths)


@pytest.mark.parametrize("seed", range(30))
def test_types_are_words_and_pools(seed: int) -> None:
    source = random.Random(seed)
    cut = "".join(source.choice("aaabcd #") for _ in range(source.choice([0, 1, 30, 200])))
    words = [word[:3] for word in cut.replace("#", " # ").split()]
    text, lengths = segmentation(" ".join(words))
    index, names = substrings(text, 3)
    counts = Counter(words)
    least = source.randint(1, 4)

    tokens, types = kernels.word_types(index, 3, lengths, array("i", [counts[name] for name in names]), least)

    kept = [name for name in names if counts[name] >= least]
    assert list(array("I", types)) == [NONE] * 4 + [names.index(name) for name in kept]
    expected = [0]
    for word in [*words, "#"]:
        if word != "#":
            expected.append(4 + kept.index(word) if word in kept else len(word))
        elif expected[-1]:
            expected.append(0)
    assert list(array("I", tokens)) == expected
    arguments = index, 3, lengths, array("i", [counts[name] for name in names]), least
    assert kernels.word_types(*arguments) == twin.word_types(*arguments)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((array("I"), 0, b"", array("i"), 1), ValueError("width: expected 1 to 255, got 0")),
        ((array("I"), 1, b"", array("i"), 0), ValueError("min_count: expected 1 or more, got 0")),
        ((array("I"), 2, b"\0", array("i"), 1), ValueError("index: expected 2 items, got 0")),
        ((b"", 2, b"\0", array("i"), 1), TypeError("index: expected items of 4 bytes, got 1")),
        ((array("I"), 2, array("I"), array("i"), 1), TypeError("lengths: expected items of 1 bytes, got 4")),
        ((array("I"), 2, b"", b"", 1), TypeError("counts: expected items of 4 bytes, got 1")),
        ((array("I", [0]), 1, b"\2", array("i", [1]), 1), ValueError("lengths: expected at most 1, got 2 at 0")),
        (
            (array("I", [0, NONE]), 1, b"\1\1", array("i", [1]), 1),
            ValueError(f"index: expected an id below 1, got {NONE} for the word at 1"),
        ),
    ],
)
def test_word_types_says_what_is_wrong(arguments: Any, error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        kernels.word_types(*arguments)
    assert str(raised.value) == str(error)


def test_the_logarithms_are_those_of_the_docstring() -> None:
    for number in (2, 3, 10, 12345, 2_000_000):
        assert abs(twin.count_log(number) / 65536 - number * log(number)) <= 2**-17 * 1.01
