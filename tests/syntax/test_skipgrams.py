"""Pairs within a window: the article's numbers, one event space, measures by their definitions."""

from __future__ import annotations

from array import array
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp_zero.syntax.skipgrams import MEASURES, Links, Rule, links, signed_g2
from nlp_zero.words.association import merge_gain

STRETCHES = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=7), min_size=1, max_size=5)


def table(stretches: list[list[int]], rule: Rule, words: int = 4) -> dict[tuple[int, int], tuple[int, float, float]]:
    tokens = array("I", [number for stretch in stretches for number in [*(word + 1 for word in stretch), 0]])
    counts = array("Q", [sum(stretch.count(word) for stretch in stretches) for word in range(words)])
    found: Links = links(tokens, counts, rule)
    return {
        (row, found.columns[place]): (found.counts[place], found.scores[place], found.ratios[place])
        for row in range(words)
        for place in range(found.starts[row], found.starts[row + 1])
    }


@given(STRETCHES, st.integers(1, 4))
def test_marginals_are_those_of_the_table_of_pairs(stretches: list[list[int]], window: int) -> None:
    pairs = [
        (stretch[one], stretch[other])
        for stretch in stretches
        for one in range(len(stretch))
        for other in range(one + 1, min(one + window + 1, len(stretch)))
    ]
    rules = {measure: Rule(window, measure, -1e9, 1, 0) for measure in MEASURES}
    found = {measure: table(stretches, rule) for measure, rule in rules.items()}
    words = sum(map(len, stretches))
    for pair in set(pairs):
        n, total = pairs.count(pair), len(pairs)
        left, right = sum(a == pair[0] for a, _ in pairs), sum(b == pair[1] for _, b in pairs)
        assert found["pmi"][pair][:2] == (n, pytest.approx(log2(n * total / (left * right))))
        assert found["pmi"][pair][2] == pytest.approx(max(1.0, n * total / (left * right)))
        assert found["gain"][pair][1] == merge_gain(n, left, right, total)
        assert found["llr"][pair][1] == signed_g2(n, left, right, total)
        shares = [sum(stretch.count(word) for stretch in stretches) / words for word in pair]
        assert found["word_pmi"][pair][1] == pytest.approx(log2(n / total / (shares[0] * shares[1])))
    assert all(set(rows) == set(pairs) for rows in found.values())


def test_the_rule_keeps_pairs_by_count_significance_and_score() -> None:
    stretches = [[0, 1]] * 20 + [[2, 3]] * 2 + [[2, 1], [0, 3]]
    everything = table(stretches, Rule(min_count=1, min_g2=0, min_score=-99))
    assert len(everything) == 4
    assert everything[0, 3][1] < 0 < everything[2, 3][1]
    assert set(table(stretches, Rule(min_count=3, min_g2=0, min_score=-99))) == {(0, 1)}
    assert set(table(stretches, Rule(min_count=1, min_score=-99, min_g2=3.84))) == {(0, 1), (2, 3)}
    assert set(table(stretches, Rule(min_count=1, min_g2=0, min_score=0))) == {(0, 1), (2, 3)}
    assert signed_g2(1, 10, 10, 20) < 0 < signed_g2(9, 10, 10, 20)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Rule(window=0), "window: expected 1 to 16"),
        (Rule(measure="dice"), "measure: expected one of pmi, gain, llr, word_pmi, got 'dice'"),
        (Rule(min_count=0), "min_count: expected 1 or more"),
        (Rule(min_g2=-1), "min_g2: expected 0 or more"),
    ],
)
def test_rules_that_are_none(rule: Rule, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rule.check()
