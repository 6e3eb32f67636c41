"""What is known of words before a text is read (先验): the counts of a base model, or a user's own words.

A word that was known counts as if it had been read so often: it sits in the restaurant of the sampler
(:mod:`nlp_zero.words.chain`) as a guest, with one table and so many customers that no sweep ever takes away. So a new
text is cut as it would be if the other one had been read before it; what the text says itself weighs more the more
often it says it.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import NamedTuple

from .symbols import LATIN, NUMBER, YEAR, SymbolText

__all__ = ["Guests", "Prior", "encode", "seat"]

Prior = Mapping[str, int]
"""Words as strings of symbol ids (``chr(id)`` each) and how often each counts as read."""

# The shortest text of each placeholder: a word with a number is a shape.
_SAMPLES = str.maketrans({NUMBER: "0", YEAR: "2000", LATIN: "A"})


class Guests(NamedTuple):
    """The known words that stand in a text, by substring id, and all that are known: customers, tables, and how many
    of these are of words of one symbol."""

    numbers: array[int]
    counts: array[int]
    totals: tuple[int, int, int]


def encode(text: SymbolText, words: Mapping[str, int]) -> Prior:
    """Known words in the symbols of a text. Words that hold a known boundary count for nothing.

    >>> text = SymbolText(["山水之间"])
    >>> [tuple(map(ord, word)) for word in encode(text, {"山水": 3, "山，水": 9})]
    [(8, 9)]
    """
    coded: dict[str, int] = {}
    for word, symbols in zip(words, text.codes(word.translate(_SAMPLES) for word in words), strict=True):
        if symbols and words[word] > 0:
            coded[symbols] = coded.get(symbols, 0) + words[word]
    return coded


def seat(prior: Prior, ids: array[int], starts: array[int], sizes: bytes) -> Guests:
    """Which substrings of a text (the n-th stands at ``starts[n]``, ``sizes[n]`` symbols) are known words.

    O(substrings): 0.6 s for a text of three million symbols.

    >>> seat({"ab": 5, "z": 2}, array("H", [97, 98]), array("I", [0, 0, 1]), bytes([1, 2, 1]))
    Guests(numbers=array('I', [1]), counts=array('I', [5]), totals=(7, 2, 1))
    """
    text = "".join(map(chr, ids))
    known = [prior.get(text[start : start + size], 0) for start, size in zip(starts, sizes, strict=True)]
    numbers = array("I", [number for number, count in enumerate(known) if count])
    totals = sum(prior.values()), len(prior), sum(len(word) == 1 for word in prior)
    return Guests(numbers, array("I", filter(None, known)), totals)
