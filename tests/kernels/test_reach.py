"""Association at a distance: by its definition, by both engines alike."""

from __future__ import annotations

import random
from array import array
from collections import Counter
from math import log2

import pytest

from nlp_zero import kernels
from nlp_zero.kernels import reach as specification


def text(seed: int, size: int = 3000) -> array[int]:
    source = random.Random(seed)
    ids = [
        source.choice([0, 0xF000, 0xFFFF]) if source.random() < 0.1 else 8 + source.randrange(30) for _ in range(size)
    ]
    for place in range(4, size, 5):
        if 0 < ids[place - 2] < 0xF000:
            ids[place] = ids[place - 2]
    return array("H", ids)


def information(pairs: list[tuple[int, int]]) -> float:
    joint, lefts, rights = Counter(pairs), Counter(left for left, _ in pairs), Counter(right for _, right in pairs)
    total = len(pairs)
    return sum(n / total * log2(n * total / lefts[a] / rights[b]) for (a, b), n in joint.items())


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_association_is_mutual_information_beyond_chance(distance: int) -> None:
    ids = text(distance)
    runs = [ids[place - distance : place + 1] for place in range(distance, len(ids))]
    pairs = [(run[0], run[-1]) for run in runs if all(0 < symbol < 0xF000 for symbol in run)]
    rights = [right for _, right in pairs]
    random.Random(3).shuffle(rights)
    chance = information(list(zip((left for left, _ in pairs), rights, strict=True)))

    got = kernels.association(ids, distance, 1)

    assert got == pytest.approx(information(pairs) - chance, abs=0.05)
    assert (got > 0.3) == (distance == 2)


@pytest.mark.parametrize("seed", [0, 1, -5, 2**64 + 3])
def test_the_engine_equals_the_python_twin_to_the_bit(seed: int) -> None:
    for distance in (1, 2, 7):
        assert kernels.association(text(9), distance, seed) == specification.association(text(9), distance, seed)
    assert kernels.association(text(9), 1, seed) != kernels.association(text(9), 1, seed + 1)


@pytest.mark.parametrize("ids", [[], [0], [8], [8, 0, 9, 0xF000, 10], [8, 8]])
def test_next_to_nothing_is_no_association(ids: list[int]) -> None:
    assert kernels.association(array("H", ids), 1, 1) == 0.0


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="distance: expected 1 or more, got 0"):
        kernels.association(array("H", [8]), 0, 1)
    with pytest.raises(TypeError, match="ids: expected items of 2 bytes, got 1"):
        kernels.association(b"12", 1, 1)
