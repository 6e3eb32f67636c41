"""The published redundancy rule, by the numbers of its article."""

from __future__ import annotations

from math import log

import pytest

from nlp_zero.words.redundancy import drop_redundant


def padded(words: dict[str, int], total: int) -> dict[str, int]:
    """The words, and one that shares no character with them, so that all counts sum to a total."""
    return {**words, "口口": total - sum(words.values())}


@pytest.mark.parametrize(
    ("word", "parts", "gain"),
    [
        (2, {"甲": 100, "乙": 50}, -0.916291),
        (20, {"甲": 10, "乙": 50}, 3.688879),
    ],
)
def test_rule_table_of_the_article(word, parts, gain):
    words = padded({"甲乙": word, **parts}, 1000)
    left, right = parts.values()
    assert round(log(word * 1000 / (left * right)), 6) == gain

    for threshold in (gain - 0.01, gain + 0.01):
        assert ("甲乙" in drop_redundant(words, threshold)) == (gain > threshold)


def test_long_words_go_first_and_their_counts_reach_the_parts_of_parts():
    words = {"甲乙丙丁": 2, "甲乙": 3, "丙丁": 3, "甲": 40, "乙": 40, "丙": 40, "丁": 40}

    assert drop_redundant(words, 100) == {"甲": 45, "乙": 45, "丙": 45, "丁": 45}


def test_a_word_with_an_unknown_symbol_stays():
    assert drop_redundant({"甲乙": 1, "甲": 9}, 100) == {"甲乙": 1, "甲": 9}


def test_nothing_in_nothing_out():
    assert drop_redundant({}, 1) == {}
