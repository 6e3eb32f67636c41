"""Saved bits against a slow restatement of their definition, and what pruning keeps."""

from __future__ import annotations

from itertools import combinations
from math import log2

import pytest

from nlp_zero.words.description import END_BITS, UNKNOWN_BITS, prune, saved_bits, symbol_bits
from nlp_zero.words.segmentation import count_types
from nlp_zero.words.symbols import SymbolText


def cut(sentences: list[str]) -> tuple[SymbolText, bytes]:
    """Symbols and segmentation of sentences with spaces between words."""
    text = SymbolText(sentence.replace(" ", "") for sentence in sentences)
    lengths = bytearray()
    for sentence in sentences:
        for word in sentence.split():
            lengths += bytes([len(word)]) + bytes(len(word) - 1)
        lengths.append(0)
    return text, bytes(lengths)


def slow_saved_bits(sentences: list[str], word: str) -> float:
    words = [word for sentence in sentences for word in sentence.split()]
    total = len(words)
    cost = {w: log2(total / words.count(w)) for w in words}
    letters = "".join(words)
    spelling = sum(log2(len(letters) / letters.count(letter)) for letter in word) + END_BITS
    best = min(
        sum(
            cost.get(part, log2(total) + UNKNOWN_BITS if len(part) == 1 else 1e9)
            for part in (word[a:b] for a, b in zip((0, *cuts), (*cuts, len(word)), strict=True))
        )
        for size in range(1, len(word))
        for cuts in combinations(range(1, len(word)), size)
    )
    return words.count(word) * (best - cost[word]) - spelling


SENTENCES = ["我们 研究 生命", "我们 的 研究", "生命 科学 研究", "科学 的 生命 们", "我 研究生 命"]


@pytest.mark.parametrize("word", ["我们", "研究", "生命", "科学", "研究生"])
def test_saved_bits_are_what_the_definition_says(word):
    text, lengths = cut(SENTENCES)
    types = count_types(text.ids, lengths)
    words = [text.word(place, size) for place, size in zip(types.positions, types.lengths, strict=True)]

    bits = dict(zip(words, saved_bits(text.ids, types, symbol_bits(text.ids, types)), strict=True))

    # Costs are rounded to 1/1024 bit.
    assert bits[word] == pytest.approx(slow_saved_bits(SENTENCES, word), abs=0.01)
    assert bits["的"] == 0


def test_words_that_do_not_pay_are_dropped_and_the_text_is_cut_again():
    sentences = ["电磁场 好 看"] * 9 + ["好看"] + ["好 的", "看 的"] * 9
    text, lengths = cut(sentences)

    types = count_types(text.ids, lengths)
    types, again = prune(text.ids, types, 1, symbol_bits(text.ids, types))

    kept = {text.word(place, size) for place, size in zip(types.positions, types.lengths, strict=True)}
    assert "电磁场" in kept
    assert "好看" not in kept
    assert sum(types.counts) == sum(1 for length in again if length)


def test_rare_words_are_dropped():
    text, lengths = cut(["电磁场 好"] * 3)

    types = count_types(text.ids, lengths)
    types, _ = prune(text.ids, types, 4, symbol_bits(text.ids, types))

    assert set(types.lengths) == {1}
    assert sum(types.counts) == 12


def test_nothing_is_nothing():
    text, lengths = cut([])

    assert saved_bits(text.ids, count_types(text.ids, lengths), {}) == []


def test_what_is_rarer_than_asked_for_saves_nothing() -> None:
    text, lengths = cut(SENTENCES)
    types = count_types(text.ids, lengths)
    spelling = symbol_bits(text.ids, types)
    least = sorted(types.counts)[len(types.counts) // 2] + 1

    expected = [
        bits if count >= least else 0.0
        for bits, count in zip(saved_bits(text.ids, types, spelling), types.counts, strict=True)
    ]

    assert saved_bits(text.ids, types, spelling, least) == expected
