"""Trees that look at no word."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from nlp_zero.syntax.branching import balanced, left, random_tree, right


@pytest.mark.parametrize("tree", [right, left, balanced, random_tree])
@pytest.mark.parametrize("size", range(12))
def test_every_tree_is_binary(tree: object, size: int) -> None:
    spans = tree(size)  # type: ignore[operator]
    assert len(spans) == len(set(spans)) == max(size - 1, 0)
    assert size < 2 or (0, size) in spans
    for start, end in spans:
        assert start >= 0 and end - start >= 2
        assert not any(start < first < end < last for first, last in spans), "brackets cross"


def test_by_hand() -> None:
    assert right(3) == [(0, 3), (1, 3)]
    assert left(3) == [(0, 3), (0, 2)]
    assert balanced(6) == [(0, 6), (0, 3), (0, 2), (3, 6), (3, 5)]


def test_random_trees_cut_every_place_alike() -> None:
    draw = random.Random(3)
    first = Counter(max((end for start, end in random_tree(4, draw)[1:] if start == 0), default=1) for _ in range(3000))
    assert all(900 < first[place] < 1100 for place in (1, 2, 3))
    assert random_tree(30, 5) == random_tree(30, 5) != random_tree(30, 6)
