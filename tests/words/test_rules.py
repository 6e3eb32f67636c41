"""The rules by hand."""

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
from nlp_zero.words.rules import COMMON, FIRST, LAST, Signs, barred
from nlp_zero.words.symbols import SymbolText

DE, ZHE = 9, 10
PARTICLES = Signs(first=frozenset({DE}), last=frozenset({DE, ZHE}))


def barred_words(text: SymbolText, max_length: int = 4) -> set[str]:
    """The words that the rules forbid in a text."""
    index, starts, sizes, _, _ = kernels.substrings(text.ids, max_length)
    found = barred(text.ids, memoryview(index).cast("I"), max_length, Signs.of(text))
    places = array("I", starts)
    return {text.word(places[word], sizes[word]) for word in found}


@given(
    st.lists(st.sampled_from([0, 1, 2, 3, 4, 8, DE, ZHE, 0xF001]), max_size=19),
    st.integers(1, 5),
    st.sampled_from([Signs(), PARTICLES]),
)
def test_exactly_what_breaks_a_rule_is_barred(symbols: list[int], width: int, signs: Signs) -> None:
    ids = array("H", symbols)
    index, starts, sizes, _, _ = kernels.substrings(ids, width)
    strings = [symbols[start : start + size] for start, size in zip(array("I", starts), sizes, strict=True)]

    expected = [
        word
        for word, string in enumerate(strings)
        if any(symbol in (1, 2, 3) for symbol in string[1:])
        or (len(string) > 1 and string[0] in signs.first)
        or (len(string) > 2 and string[-1] in signs.last)
    ]
    assert list(barred(ids, memoryview(index).cast("I"), width, signs)) == expected


def test_a_symbol_that_numbers_follow_is_one_word_with_a_number():
    assert "第\ufdd0" in barred_words(SymbolText(["在第5天，第9天来，第二天"] * 5))

    words = barred_words(SymbolText(["在第5天，第9天来，第二天"] * 10, numerals=True))
    assert "第\ufdd0" not in words
    assert {"第\ufdd0天", "在第\ufdd0", "在第\ufdd0天"} <= words


def test_a_symbol_that_numbers_follow_less_often_is_none():
    assert "第\ufdd0" in barred_words(SymbolText(["在第5天，第9天来，第几天"] * 20))


def _counted(numerals: str) -> list[str]:
    """What people came, by numeral, twice each; 一 and 这 stand before 位 more often than that."""
    return [*(f"来了{numeral}位" for numeral in numerals), "这位很好", "一定来，这人"] * 2


@pytest.mark.parametrize(("numerals", "expected"), [("一二两九", {"一位", "这位"}), ("一二两", set())])
def test_what_stands_behind_four_numerals_is_a_word_of_its_own_behind_one(numerals: str, expected: set[str]) -> None:
    words = barred_words(SymbolText([*_counted(numerals), "很好" * 2 * COMMON]))
    assert {word for word in words if len(word) == 2 and word[0] in "一这定两"} == expected


def test_a_short_text_says_too_little_about_measure_words():
    assert not barred_words(SymbolText([*_counted("一二两九"), "很好" * (COMMON // 2)])) & {"一位", "这位"}


def test_a_measure_word_that_is_met_often_may_be_one_word_with_one():
    lines = [f"{numeral}个，一位，{numeral}位" for numeral in "一二三四五六"] * 9 + ["一个"] * 990
    words = barred_words(SymbolText([*lines, "很好" * COMMON * 50]))
    assert "一位" in words
    assert "一个" not in words


def test_traditional_characters_have_the_same_rules():
    assert set("著們") < set(LAST) and FIRST in LAST
    words = barred_words(SymbolText(["學生們來了，存在著，我們來"]))
    assert {"學生們", "存在著"} <= words
    assert "我們" not in words


def test_known_words_are_not_barred():
    text = SymbolText(["第5的确"] * 3)
    chunks = Substrings(text.ids, first_scores(text.ids), 4, encode(text, {"的确": 5}))
    chunks.bar(Signs.of(text))

    assert chunks.index[2 * 4 + 1] not in chunks.barred
    assert chunks.index[1] in chunks.barred
    lengths = kernels.segment(text.ids, memoryview(first_scores(text.ids)).cast("h"), 4, 0)
    boost = Chain(chunks, lengths, Settings()).boost(0.1)
    assert [word for word, value in enumerate(boost) if value == 0] == list(chunks.barred)


@pytest.mark.parametrize("rules", [True, False])
def test_rules_can_be_switched_off(rules: bool) -> None:
    text = SymbolText(["重要的确实二5次", "我的确二7天来", "的确是9", "他的确说二8回"] * 20)
    lengths = segment(text.ids, first_scores(text.ids), Settings(rules=rules), signs=Signs.of(text)).lengths

    words = {text.word(place, size) for place, size in enumerate(lengths) if size > 1}
    broken = {word for word in words if word[0] == FIRST or any("\ufdd0" <= symbol <= "\ufdd2" for symbol in word[1:])}
    assert not (rules and broken)
    assert rules or broken


def test_a_finder_knows_the_particle():
    finder = WordFinder("bayes").train(["重要的确实来了", "我的确来了", "的确是他", "他的确说了"] * 20)
    assert not [word for word in finder.find().counts() if word[0] == FIRST and len(word) > 1]
