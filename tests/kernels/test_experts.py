"""The kernels of ``experts``: a planted rule is learnt, no half sees itself, C equals Python."""

from __future__ import annotations

import gc
import random
import sys
from array import array
from math import exp
from typing import Any

import pytest

from nlp_zero import kernels
from nlp_zero.kernels import experts as twin

SETTINGS = 12, 0.3, 0.01


def floats(data: bytes) -> array[float]:
    return array("f", data)


def fit(ids: array[int], lengths: bytes, seed: int = 0, bits: int = 12) -> array[float]:
    return floats(kernels.fit_expert(ids, lengths, bits, 0.3, 0.01, seed))


def crossfit(ids: array[int], lengths: bytes, block: int = 5, seed: int = 0, bits: int = 16) -> array[float]:
    return floats(kernels.crossfit_expert(ids, lengths, bits, 0.3, 0.01, 6.0, block, seed))


def planted(source: random.Random, chunks: int) -> tuple[array[int], bytearray]:
    """Chunks cut after every even symbol."""
    ids, lengths = array("H"), bytearray()
    for _ in range(chunks):
        chunk = [source.randint(8, 40) for _ in range(source.randint(1, 12))]
        start = 0
        for place, symbol in enumerate(chunk, 1):
            if symbol % 2 == 0 or place == len(chunk):
                lengths += bytes((place - start, *bytes(place - start - 1)))
                start = place
        ids.extend([*chunk, source.choice([0, 0xF000, 0xFFFE])])
        lengths.append(0)
    return ids, lengths


def gaps(ids: array[int]) -> list[int]:
    inside = [0 < symbol < 0xF000 for symbol in ids]
    return [place for place in range(len(ids) - 1) if inside[place] and inside[place + 1]]


def test_a_planted_rule_is_learnt_across_the_halves() -> None:
    ids, lengths = planted(random.Random(2), 1200)
    odds = crossfit(ids, bytes(lengths))
    inside = gaps(ids)
    right = sum((odds[gap] > 0) == (lengths[gap + 1] > 0) for gap in inside)
    assert right > 0.99 * len(inside)
    assert all(odds[place] == 0 for place in set(range(len(ids))) - set(inside))
    assert max(odds) <= 6 and min(odds) >= -6


def test_no_half_sees_its_own_cuts() -> None:
    """The cuts of the first half turned round: its own odds stay, those of the other half change."""
    ids, lengths = planted(random.Random(3), 200)
    ends = [0, *(place + 1 for place, symbol in enumerate(ids) if not 0 < symbol < 0xF000)]
    first = {place for chunk in range(200) if chunk // 5 % 2 == 0 for place in range(ends[chunk], ends[chunk + 1])}
    other = bytearray(lengths)
    for place in first:
        if 0 < ids[place] < 0xF000:
            other[place] = 1  # all of it cut: what counts is where words begin

    before, after = crossfit(ids, bytes(lengths)), crossfit(ids, bytes(other))

    second = set(gaps(ids)) - first
    assert all(before[place] == after[place] for place in first)
    assert sum(before[place] != after[place] for place in second) > 0.9 * len(second)


def test_folds_go_by_blocks_of_chunks() -> None:
    """Two chunks a block: what the second block does is known from the fourth to the first and third only."""
    ids = array("H", [8, 9, 0] * 8)
    lengths = bytes(([2, 0, 0] * 2 + [1, 1, 0] * 2) * 2)
    assert [odds > 0 for odds in crossfit(ids, lengths, block=2)[::3]] == [True, True, False, False] * 2


def test_one_gap_by_hand() -> None:
    """Ten features at 0 say one half; the gradient of an uncut gap is 1/2, of a cut one -1/2."""
    weight = 0.3 * 0.5 / (array("f", [0.01])[0] + 0.25) ** 0.5
    rounded = array("f", [weight])[0]
    for lengths, sign in ((bytes([2, 0]), -1), (bytes([1, 1]), 1)):
        weights = fit(array("H", [8, 9]), lengths, bits=20)
        assert sorted({abs(value) for value in weights}) == [0.0, rounded] and sum(map(bool, weights)) == 10
        odds = floats(kernels.apply_expert(array("H", [8, 9]), weights, 60.0))
        assert odds[0] == pytest.approx(10 * sign * rounded, abs=1e-6) and odds[1] == 0.0
    assert list(floats(kernels.apply_expert(array("H", [8, 9]), weights, 0.5))) == [0.5, 0.0]


def test_a_slow_reading_of_the_rules() -> None:
    """Every feature its own cell: the same odds as with a hash that has room for all."""
    ids, lengths = planted(random.Random(4), 30)
    order = gaps(ids)
    generator = twin._Random(9)
    for last in range(len(order) - 1, 0, -1):
        other = generator.below(last + 1)
        order[last], order[other] = order[other], order[last]

    def features(gap: int) -> list[tuple[int, ...]]:
        around = [ids[at] if 0 <= at < len(ids) and ids[at] < 0xF000 else 0 for at in range(gap - 1, gap + 3)]
        spans = [(0, 1), (1, 2), (2, 3), (3, 4), (0, 2), (1, 3), (2, 4), (0, 3), (1, 4), (0, 4)]
        return [(start, *around[start:end]) for start, end in spans]

    weights: dict[tuple[int, ...], float] = {}
    squares: dict[tuple[int, ...], float] = {}
    for gap in order:
        odds = sum(weights.get(feature, 0.0) for feature in features(gap))
        gradient = 1 / (1 + exp(-odds)) - (lengths[gap + 1] > 0)
        for feature in features(gap):
            squares[feature] = squares.get(feature, 0.01) + gradient**2
            weights[feature] = weights.get(feature, 0.0) - 0.3 * gradient / squares[feature] ** 0.5

    table = fit(ids, bytes(lengths), seed=9, bits=24)
    found = floats(kernels.apply_expert(ids, table, 60.0))
    for gap in order:
        assert found[gap] == pytest.approx(sum(weights[feature] for feature in features(gap)), abs=1e-4)


def test_numbers_are_random_and_even() -> None:
    generator = twin._Random(0)
    drawn = [generator.below(10) for _ in range(5000)]
    assert all(400 < drawn.count(number) < 600 for number in range(10))
    items = array("I", range(50))
    twin._Random(1).shuffle(items)
    assert sorted(items) == list(range(50)) != list(items)


@pytest.mark.parametrize("seed", range(25))
def test_c_gives_the_bytes_of_python(seed: int) -> None:
    source = random.Random(seed)
    ids, lengths = planted(source, source.choice([0, 1, 2, 40]))
    if seed % 3 == 0:
        ids = array("H", [source.choice([0, 1, 8, 0xEFFF, 0xF000, 0xFFFF]) for _ in ids])
    if seed % 5 == 0 and ids:
        ids, lengths = ids[:-1], lengths[:-1]  # no boundary at the end
    bits, block, number = source.choice([1, 4, 16]), source.randint(1, 60), source.choice([0, 1, -5, 2**64 + 3])
    both = ids, bytes(lengths)
    crossed = kernels.crossfit_expert(*both, bits, 0.3, 0.01, 6.0, block, number)
    assert crossed == twin.crossfit_expert(*both, bits, 0.3, 0.01, 6.0, block, number)
    weights = kernels.fit_expert(*both, bits, 0.3, 0.01, number)
    assert weights == twin.fit_expert(*both, bits, 0.3, 0.01, number)
    table = floats(weights)
    assert kernels.apply_expert(ids, table, 2.5) == twin.apply_expert(ids, table, 2.5)
    assert len(crossed) == 4 * len(ids)


def test_no_gap_no_opinion() -> None:
    for ids in (array("H"), array("H", [0]), array("H", [8]), array("H", [8, 0, 9, 0xF000, 8])):
        lengths = bytes(0 < symbol < 0xF000 for symbol in ids)
        assert not any(crossfit(ids, lengths)) and not any(fit(ids, lengths))
        assert not any(floats(kernels.apply_expert(ids, array("f", [1.0, 1.0]), 6.0)))


def test_the_seed_decides_the_order() -> None:
    ids, lengths = planted(random.Random(6), 50)
    assert fit(ids, bytes(lengths), 1) == fit(ids, bytes(lengths), 1) != fit(ids, bytes(lengths), 2)
    assert fit(ids, bytes(lengths), 1) == fit(ids, bytes(lengths), 1 + 2**64)


def test_any_buffer_of_the_right_items_will_do() -> None:
    ids, lengths = planted(random.Random(8), 10)
    weights = fit(ids, bytes(lengths))
    view = memoryview(ids.tobytes()).cast("H")
    assert kernels.fit_expert(view, memoryview(lengths), *SETTINGS, 0) == weights.tobytes()
    expected = kernels.apply_expert(ids, weights, 6.0)
    assert kernels.apply_expert(view, memoryview(weights.tobytes()).cast("f"), 6.0) == expected


def test_memory_is_steady() -> None:
    ids, lengths, weights = array("H", [8, 9, 0] * 5), bytearray([2, 0, 0] * 5), array("f", [0.0] * 16)

    def work(rounds: int) -> None:
        for _ in range(rounds):
            kernels.crossfit_expert(ids, lengths, 4, 0.3, 0.01, 6.0, 1, 0)
            kernels.fit_expert(ids, lengths, 4, 0.3, 0.01, 0)
            kernels.apply_expert(ids, weights, 6.0)
            for name, wrong in (
                ("crossfit_expert", (ids, lengths, 4, 0.3, 0.01, 6.0, 0, 0)),
                ("fit_expert", (ids, lengths, 0, 0.3, 0.01, 0)),
                ("fit_expert", (ids, ids, 4, 0.3, 0.01, 0)),
                ("apply_expert", (ids, lengths, 6.0)),
                ("apply_expert", (ids, weights, -6.0)),
            ):
                with pytest.raises((TypeError, ValueError)):
                    getattr(kernels, name)(*wrong)

    work(20)
    gc.collect()
    before = sys.getallocatedblocks()
    work(50)
    gc.collect()
    assert sys.getallocatedblocks() - before < 50
    for buffer in (ids, lengths, weights):
        buffer.append(0)  # a BufferError if a kernel still held it


TEXT = array("H", [8, 9]), bytes([2, 0])


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("fit_expert", (*TEXT, 0, 0.3, 0.01, 0), ValueError("bits: expected 1 to 26, got 0")),
        ("fit_expert", (*TEXT, 27, 0.3, 0.01, 0), ValueError("bits: expected 1 to 26, got 27")),
        (
            "fit_expert",
            (*TEXT, 4, 0.0, 0.01, 0),
            ValueError("rate, start: expected numbers above 0, such as 0.3 and 0.01"),
        ),
        (
            "crossfit_expert",
            (*TEXT, 4, 0.3, float("nan"), 6.0, 50, 0),
            ValueError("rate, start: expected numbers above 0, such as 0.3 and 0.01"),
        ),
        ("fit_expert", (TEXT[0], b"\1", *SETTINGS, 0), ValueError("lengths: expected 2 items, got 1")),
        ("fit_expert", (b"", b"", *SETTINGS, 0), TypeError("ids: expected items of 2 bytes, got 1")),
        ("fit_expert", (TEXT[0], array("H"), *SETTINGS, 0), TypeError("lengths: expected items of 1 bytes, got 2")),
        ("crossfit_expert", (*TEXT, *SETTINGS, 6.0, 0, 0), ValueError("block: expected 1 or more, got 0")),
        ("crossfit_expert", (*TEXT, *SETTINGS, -1.0, 1, 0), ValueError("limit: expected 0 or more, such as 6.0")),
        ("apply_expert", (TEXT[0], array("f", [0, 0]), -1.0), ValueError("limit: expected 0 or more, such as 6.0")),
        (
            "apply_expert",
            (TEXT[0], array("f", [0, 0, 0]), 6.0),
            ValueError("weights: expected a power of two up to 2**26 items, got 3"),
        ),
        (
            "apply_expert",
            (TEXT[0], array("f"), 6.0),
            ValueError("weights: expected a power of two up to 2**26 items, got 0"),
        ),
        ("apply_expert", (TEXT[0], bytes(8), 6.0), TypeError("weights: expected items of 4 bytes, got 1")),
        ("apply_expert", (8, bytes(8), 6.0), TypeError("a bytes-like object is required, not 'int'")),
    ],
)
def test_errors_say_what_is_wrong(name: str, arguments: Any, error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        getattr(kernels, name)(*arguments)
    assert str(raised.value) == str(error)
