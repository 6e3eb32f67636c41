"""The two rules by hand."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import first_scores

from nlp_zero import WordFinder, kernels
from nlp_zero.words.chain import Chain, Settings, Substrings
from nlp_zero.words.pitman_yor import segment
from nlp_zero.words.prior import encode
from nlp_zero.words.rules import PARTICLE, barred
from nlp_zero.words.symbols import SymbolText


@given(
    st.lists(st.sampled_from([0, 1, 2, 3, 4, 8, 9, 0xF001]), max_size=30), st.integers(1, 5), st.sampled_from([0, 9])
)
def test_exactly_what_breaks_a_rule_is_barred(symbols: list[int], width: int, particle: int) -> None:
    ids = array("H", symbols)
    index, starts, sizes, _, _ = kernels.substrings(ids, width)
    strings = [symbols[start : start + size] for start, size in zip(array("I", starts), sizes, strict=True)]

    expected = [
        word
        for word, string in enumerate(strings)
        if any(symbol in (1, 2, 3) for symbol in string[1:]) or (len(string) > 1 and string[0] == particle)
    ]
    assert list(barred(ids, memoryview(index).cast("I"), width, particle)) == expected


def test_known_words_are_not_barred():
    text = SymbolText(["第5的确"] * 3)
    (particle,) = map(ord, text.codes([PARTICLE]))
    chunks = Substrings(text.ids, first_scores(text.ids), 4, encode(text, {"的确": 5}))
    chunks.bar(particle)

    assert chunks.index[2 * 4 + 1] not in chunks.barred
    assert chunks.index[1] in chunks.barred
    lengths = kernels.segment(text.ids, memoryview(first_scores(text.ids)).cast("h"), 4, 0)
    boost = Chain(chunks, lengths, Settings()).boost(0.1)
    assert [word for word, value in enumerate(boost) if value == 0] == list(chunks.barred)


@pytest.mark.parametrize("rules", [True, False])
def test_rules_can_be_switched_off(rules: bool) -> None:
    text = SymbolText(["重要的确实第5次", "我的确第7天来", "的确是第9", "他的确说第8回"] * 20)
    (particle,) = map(ord, text.codes([PARTICLE]))
    lengths = segment(text.ids, first_scores(text.ids), Settings(rules=rules), particle=particle).lengths

    words = {text.word(place, size) for place, size in enumerate(lengths) if size > 1}
    broken = {
        word for word in words if word[0] == PARTICLE or any("\ufdd0" <= symbol <= "\ufdd2" for symbol in word[1:])
    }
    assert not (rules and broken)
    assert rules or broken


def test_a_finder_knows_the_particle():
    finder = WordFinder("bayes").train(["重要的确实来了", "我的确来了", "的确是他", "他的确说了"] * 20)
    assert not [word for word in finder.find().counts() if word[0] == PARTICLE and len(word) > 1]
