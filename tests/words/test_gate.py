"""Texts of one-symbol words are told from others."""

from __future__ import annotations

import random

from invented import language

from nlp_zero.words.chain import Settings
from nlp_zero.words.gate import association_ratio, judge
from nlp_zero.words.symbols import SymbolText


def test_words_of_one_symbol_with_syntax_are_told_from_words_of_many():
    # Here every symbol is a word, and sentences have a topic: association reaches further than the next symbol.
    chance, lines = random.Random(5), []
    for number in range(1500):
        topic = [chr(0x4E00 + 200 * (number % 20) + rank) for rank in range(80)]
        lines.append("".join(chance.choices(topic, [1 / (rank + 1) for rank in range(80)], k=chance.randint(6, 16))))
    syntax = SymbolText(lines)
    words = SymbolText("".join(sentence) for sentence in language(6, 2000))

    assert association_ratio(syntax.ids)[1] > 0.6
    assert association_ratio(words.ids)[1] < association_ratio(syntax.ids)[1]
    assert judge(syntax.ids, Settings()).one_symbol
    assert not judge(words.ids, Settings()).one_symbol


def test_facts_name_what_was_asked():
    facts = judge(SymbolText(["山水", "山水"]).ids, Settings()).facts()
    assert list(facts)[:2] == ["I1, bits", "I2 / I1"]
    assert facts["every symbol a word"] is False


def test_a_text_that_repeats_itself_has_words():
    words, chance = ["葡萄酒", "咖啡", "喝", "很", "他们", "今天", "买", "研究生", "水"], random.Random(1)
    lines = ["".join(chance.choices(words, k=7)) for _ in range(4000)]
    verdict = judge(SymbolText(lines).ids, Settings())

    assert verdict.ratio > 0.38
    assert not verdict.one_symbol
