"""Splits: section 13's check, and slow oracles."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero.syntax.splits import block_scores, block_tree, weakest_bond

MATRIX = [[0, 5, 1, 0], [5, 0, 1, 0], [1, 1, 0, 4], [0, 0, 4, 0]]


def test_the_block_criterion_by_hand() -> None:
    assert block_scores(MATRIX) == pytest.approx([-2.888889, 3.5, -1.111111], abs=5e-7)
    assert block_tree(MATRIX) == [(0, 4), (0, 2), (2, 4)]


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 9), st.integers(0, 10**6))
def test_the_block_criterion_agrees_with_plain_means(size: int, seed: int) -> None:
    draw = random.Random(seed)
    matrix = [[draw.uniform(-3, 3) for _ in range(size)] for _ in range(size)]

    def mean(rows: range, columns: range) -> float:
        return sum(matrix[i][j] for i in rows for j in columns) / (len(rows) * len(columns))

    expected = []
    for k in range(1, size):
        one, two = range(k), range(k, size)
        expected.append(mean(one, one) + mean(two, two) - mean(one, two) - mean(two, one))
    assert block_scores(matrix) == pytest.approx(expected)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 3).map(float), max_size=10))
def test_the_weakest_bond_agrees_with_splitting_by_hand(bonds: list[float]) -> None:
    expected = []
    spans = [(0, len(bonds) + 1)]
    while spans:
        start, end = spans.pop()
        if end - start < 2:
            continue
        expected.append((start, end))
        middle = min(range(start, end - 1), key=lambda place: bonds[place]) + 1
        spans += [(start, middle), (middle, end)]
    assert sorted(weakest_bond(bonds)) == sorted(expected)
    assert weakest_bond(bonds) == sorted(expected, key=lambda span: (span[0], -span[1]))


def test_nothing_to_split() -> None:
    assert weakest_bond([]) == block_tree([]) == block_tree([[0.0]]) == block_scores([[1.0]]) == []


def test_a_matrix_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected 2 numbers in each of 2 rows, got 1 in one"):
        block_tree([[0.0, 1.0], [1.0]])


def test_a_hundred_thousand_words_split_in_linear_time() -> None:
    start = time.process_time()
    assert len(weakest_bond([float(place) for place in range(100_000)])) == 100_000
    assert time.process_time() - start < 5
