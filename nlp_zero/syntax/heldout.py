"""How many bits other text takes: the test of what was learnt, by words alone and with templates (留出文本的码长).

The prices are those of the text learnt from; nothing of the other text is known. A word that was not read costs an
escape, as likely as the words that were read once, and its characters, the same by both codes. Everything is paid:
words, ends of stretches, templates, the lengths of their slots and the words in them.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from math import log2
from typing import NamedTuple

from .description import Matches, Text, bits, with_escape, word_bits
from .templates import TemplateFinder

__all__ = ["HeldOut", "held_out_bits"]

UNSEEN = 21.0  # bits of a character that was never read: any code point


class HeldOut(NamedTuple):
    """Words of a text, how many of them are not known, and the bits of the text."""

    words: int
    unknown: int
    alone: float
    templates: float


def held_out_bits(finder: TemplateFinder, word_lists: Iterable[Iterable[str]]) -> HeldOut:
    """The bits of other text by the prices of the latest ``find`` of a finder; with its words alone where it had none.

    >>> places = [["我", "在", place, "里"] for place in "家店城屋山河"]
    >>> finder = TemplateFinder(min_g2=0, min_score=-9, rounds=1).train(places * 9 + [["我"], ["在"], ["里"]])
    >>> _ = finder.find()
    >>> held = held_out_bits(finder, [["我", "在", "城", "里"], ["你"]])
    >>> held.words, held.unknown, round(held.alone, 1), round(held.templates, 1)
    (5, 1, 52.6, 41.8)
    """
    learnt = finder.text()
    other = TemplateFinder().train(word_lists)
    numbers = {word: number for number, word in enumerate(finder.words, 1)}
    read = other.text()
    groups = finder.choice.text.groups if finder.choice else learnt.groups
    class_count = finder.choice.text.class_count if finder.choice else 0
    stranger = max(len(groups), max(groups) + 1)
    moved = array("I", [0, *(numbers.get(word, stranger) for word in other.words)])
    tokens = array("I", map(moved.__getitem__, read.tokens))
    frequencies = Counter(tokens)
    counts = array("Q", [frequencies[number] for number in range(1, len(learnt.counts) + 1)])
    padded = array("I", groups)
    padded.extend([0] * (stranger + 1 - len(groups)))
    text = Text(tokens, counts, padded, class_count, read.stretches, frequencies[stranger])

    escape = float(max(1, sum(1 for count in learnt.counts if count == 1)))
    spelt = _spelling(finder.words, other.words, moved, stranger, read)
    total = log2(sum(learnt.counts) + len(learnt.counts) / 2 + escape)
    units = sum(learnt.counts) + learnt.stretches + 1
    alone = sum(n * price for n, price in zip(counts, word_bits(learnt.counts, escape), strict=True) if n)
    alone += sum(read.counts) * log2(units / (sum(learnt.counts) + 0.5))
    alone += read.stretches * log2(units / (learnt.stretches + 0.5))
    alone += text.unknown * (total - log2(escape)) + spelt
    templates = alone
    if finder.choice:
        code = with_escape(finder.choice, escape)
        residue = finder.choice.found.residue
        matches = Matches(text, list(code.templates), finder.rule.window)
        found = matches.cover(code)
        total = log2(sum(residue) + len(residue) / 2 + escape)
        templates = bits(matches, found, code).data + text.unknown * (total - log2(escape)) + spelt
    return HeldOut(sum(read.counts), text.unknown, alone, templates)


def _spelling(known: list[str], words: list[str], moved: array[int], stranger: int, read: Text) -> float:
    """The bits of the characters of all words that are not known, and of the end of each."""
    characters = {character for word in known for character in word}
    usual = log2(len(characters) + 2)  # of an end and a character never read as well

    def price(word: str) -> float:
        return usual + sum(usual if character in characters else usual + UNSEEN for character in word)

    strangers = (place for place in range(len(words)) if moved[place + 1] == stranger)
    return sum(read.counts[place] * price(words[place]) for place in strangers)
