"""The terms of a text: lists of words, whoever cut them, as numbers.

A *term* is a word with a word character in it; signs of punctuation are none, and neither are rare words. A sign that
ends a sentence (``。！？`` and the like) ends a *stretch*, and so does the end of a list; what stands in two stretches
does not meet. Of a text of millions of words only 4 bytes a word are kept, and its distinct words.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from ..errors import InputError
from ..text.characters import MARK, WORD_CLASSES, ranges

__all__ = ["Terms", "read_terms", "term_counts"]

UNITS = ("window", "sentence", "document")
SIGN, FIRST, NO_TERM = 1, 2, 0xFFFFFFFF
SENTENCE_ENDS = frozenset("。｡！？!?；…‼⁇⁈⁉")


class Terms(NamedTuple):
    """The words, most frequent first (of equals the one met first), how often each stands in the text, and the text.

    ``tokens`` (uint32) holds n + 1 for word n and 0 at the end of a stretch; ``total`` counts the words of the text,
    rare ones too.
    """

    words: tuple[str, ...]
    counts: array[int]
    tokens: array[int]
    total: int
    min_count: int

    def stretches(self) -> Iterator[array[int]]:
        """The stretches that have terms, one after the other."""
        start, tokens = 0, self.tokens
        while start < len(tokens):
            end = tokens.index(0, start)
            if end > start:
                yield tokens[start:end]
            start = end + 1


@cache
def _word_character() -> re.Pattern[str]:
    inner = "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges(*(WORD_CLASSES - {MARK})))
    return re.compile(f"[{inner}]")


class _Numbers(dict[str, int]):
    """A number from FIRST up for each word when it is first met; 0 for the end of a sentence; SIGN for other signs."""

    def __init__(self, sentences: bool) -> None:
        super().__init__()
        self.sentences = sentences
        self.words: list[str] = []
        self.search = _word_character().search

    def __missing__(self, word: str) -> int:
        if not isinstance(word, str):
            raise TypeError(
                f"word_lists: expected lists of str, such as ['喝', '茶'], got a {type(word).__name__} in one"
            )
        if self.search(word):
            self.words.append(word)
            number = len(self.words) - 1 + FIRST
        else:
            number = 0 if self.sentences and not SENTENCE_ENDS.isdisjoint(word) else SIGN
        self[word] = number
        return number


def _encode(word_lists: Iterable[Iterable[str]], sentences: bool) -> tuple[list[str], array[int]]:
    """The distinct words, and the text as numbers."""
    if isinstance(word_lists, str):
        raise TypeError(f"word_lists: expected lists of words, such as [['喝', '茶']], got {word_lists[:20]!r}")
    numbers, tokens = _Numbers(sentences), array("I")
    for words in word_lists:
        if isinstance(words, str):
            raise TypeError(f"word_lists: expected lists of words, such as ['喝', '茶'], got the str {words[:20]!r}")
        tokens.extend(map(numbers.__getitem__, words))
        tokens.append(0)
    return numbers.words, tokens


def chosen_min_count(total: int) -> int:
    """How often a word shall occur where nobody says: 1 in a text below 1,000 words, 2 below 100,000, else 5."""
    return 1 if total < 1_000 else 2 if total < 100_000 else 5


def read_terms(
    word_lists: Iterable[Iterable[str]],
    *,
    unit: str = "window",
    min_count: int | None = None,
    max_words: int | None = None,
) -> Terms:
    """Read lists of words, once, as they come.

    ``min_count`` None: :func:`chosen_min_count`. ``max_words`` keeps the most frequent. With the unit ``"sentence"`` or
    ``"document"`` (a list) each word stands but once in a stretch, and the counts count stretches. O(words).

    >>> terms = read_terms([["喝", "茶", "，", "茶", "好", "。", "茶"]])
    >>> terms.words, list(terms.counts), list(terms.tokens), terms.total
    (('茶', '喝', '好'), [3, 1, 1], [2, 1, 1, 3, 0, 1, 0], 5)

    Raises :class:`InputError` if no word is left.
    """
    if unit not in UNITS:
        raise ValueError(f"unit: expected one of {', '.join(UNITS)}, got {unit!r}")
    for name, value in (("min_count", min_count), ("max_words", max_words)):
        if value is not None and value < 1:
            raise ValueError(f"{name}: expected 1 or more, got {value!r}")
    found, tokens = _encode(word_lists, unit != "document")
    frequencies = Counter(tokens)
    del frequencies[0], frequencies[SIGN]
    total = frequencies.total()
    if not total:
        raise InputError("expected text with words, such as [['喝', '茶']], got none")
    least = chosen_min_count(total) if min_count is None else min_count
    kept = sorted(
        (number for number, count in frequencies.items() if count >= least), key=lambda n: (-frequencies[n], n)
    )
    if not kept:
        raise InputError(f"expected a word that occurs {least} times or more in {total:,} words, got none")
    kept = kept[:max_words]
    table = array("I", [NO_TERM]) * (len(found) + FIRST)
    table[0] = 0
    for rank, number in enumerate(kept, 1):
        table[number] = rank
    tokens = array("I", filter(NO_TERM.__ne__, map(table.__getitem__, tokens)))
    counts = array("Q", map(frequencies.__getitem__, kept))
    terms = Terms(tuple(found[number - FIRST] for number in kept), counts, tokens, total, least)
    return terms if unit == "window" else _once_a_stretch(terms)


def _once_a_stretch(terms: Terms) -> Terms:
    tokens = array("I")
    for stretch in terms.stretches():
        tokens.extend(dict.fromkeys(stretch))
        tokens.append(0)
    frequencies = Counter(tokens)
    counts = array("Q", [frequencies[number] for number in range(1, len(terms.words) + 1)])
    return terms._replace(tokens=tokens, counts=counts)


def term_counts(word_lists: Iterable[Iterable[str]]) -> dict[str, int]:
    """How often each word with a word character stands in lists of words. Memory follows the distinct words.

    >>> term_counts([["喝", "茶", "。"], ["茶"]])
    {'喝': 1, '茶': 2}
    """
    if isinstance(word_lists, str):
        raise TypeError(f"word_lists: expected lists of words, such as [['喝', '茶']], got {word_lists[:20]!r}")
    counts: Counter[str] = Counter()
    for words in word_lists:
        if isinstance(words, str):
            raise TypeError(f"word_lists: expected lists of words, such as ['喝', '茶'], got the str {words[:20]!r}")
        counts.update(words)
    search = _word_character().search
    return {word: count for word, count in counts.items() if search(word)}
