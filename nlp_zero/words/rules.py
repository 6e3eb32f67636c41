"""Rules by hand (人工规则): what may be no word whatever the counts say. ``Settings.rules`` switches them off.

* *Numbers.* A run of digits or Latin letters stands only at the beginning of a word: 5月 and 3G手机 may be words, 一B
  may not. Numbers are so frequent before and after everything that a sampler glues them to whatever they meet. One
  exception is learnt: a symbol that a number follows nine times in ten (第) may be one word with it (第12).
* *Particles.* No word of two symbols or more begins with 的, which ends up in front of half the adjectives otherwise
  (的重要); and none of three or more ends with 的, 着 or 们 (年轻的, 存在着, 乡亲们).
* *Measure words* (量词), learnt as the symbols that stand behind four or more of the numerals 一 to 九, 两 and 几:
  behind 一 or 这 each is a word of its own (一 位, 这 项), unless the two are met so often, once in 5,000 symbols, that
  they are better learnt as one (一个). Behind the other numerals readers disagree; so they do about 那, 每 and 各.

Everything else about words is learnt. What the rules are worth is in ``benchmarks/results/segmentation_ablation.md``.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from .symbols import NUMERALS, WORD_LIMIT, SymbolText

__all__ = ["Signs", "barred"]

FIRST, LAST = "的", "的着著们們"
"""What no word of two symbols or more begins with, and what none of three or more ends with."""

COUNTING, POINTING = "一二三四五六七八九两兩几幾", "一这這"
"""What measure words are known by, and behind what they are words of their own."""

KINDS, TWICE = 4, 2
"""A measure word stands behind so many numerals, each time so often at least."""

COMMON = 5000
"""A pair that is met more often than once in so many symbols, signs among them, may be a word all the same."""

SHARE, LEAST = 0.9, 20
"""Which share of a symbol's occurrences a number follows if the two may be one word, and of how many at least."""

_DIGITS, _YEAR, _LATIN = 1, 2, 3  # symbol ids of runs
_RUNS = (_DIGITS, _YEAR, _LATIN)
_FIRST_ID = 8
_NONE = 0xFFFFFFFF

_Places: TypeAlias = "dict[int, list[int]]"


class Signs(NamedTuple):
    """The characters that the rules speak of, as symbol ids of a text."""

    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()
    counting: frozenset[int] = frozenset()
    pointing: frozenset[int] = frozenset()
    numerals: frozenset[int] = frozenset()

    @classmethod
    def of(cls, text: SymbolText) -> Signs:
        """Those of a text; what it does not have is in none of its words, and so in no rule.

        >>> Signs.of(SymbolText(["一的"])).counting, Signs.of(SymbolText(["一的"])).first
        (frozenset({8}), frozenset({9}))
        """
        known = dict(zip(text.alphabet, range(_FIRST_ID, _FIRST_ID + len(text.alphabet)), strict=True))
        groups = (FIRST, LAST, COUNTING, POINTING, NUMERALS)
        return cls(*(frozenset(known[character] for character in group if character in known) for group in groups))


def barred(
    ids: array[int], index: Sequence[int], max_length: int, signs: Signs, known: Container[int] = ()
) -> array[int]:
    """The ids, in order, of all substrings of a text that the rules forbid as words, but for the ``known`` ones.

    ``index`` holds the id of the substring of n symbols at place i at ``i * max_length + n - 1``, 0xFFFFFFFF where
    there is none. O(symbols) + O(max_length squared) for each run and each particle, 0.6 s for three million symbols.

    >>> from nlp_zero import kernels
    >>> ids = array("H", [8, 1, 9, 8, 0])  # 第 5 的 第
    >>> index = memoryview(kernels.substrings(ids, 2)[0]).cast("I")
    >>> index[1], index[5]  # 第5, 的第
    (3, 5)
    >>> list(barred(ids, index, 2, Signs())), list(barred(ids, index, 2, Signs(first=frozenset({9})), known={3}))
    ([3], [5])
    """
    places = _places(ids, {*_RUNS}.union(*signs))
    found = _with_runs(index, max_length, [place for symbol in _RUNS for place in places[symbol]])
    found.difference_update(index[place * max_length + 1] for place in _numbered(ids, places, signs) if max_length > 1)
    for symbol in signs.first:
        for place in places[symbol]:
            found.update(index[place * max_length + 1 : (place + 1) * max_length])
    for symbol in signs.last:
        for place in places[symbol]:
            for start in range(max(place - max_length + 1, 0), place - 1):
                found.add(index[start * max_length + place - start])
    found.update(index[place * max_length + 1] for place in _counted(ids, places, signs) if max_length > 1)
    found.discard(_NONE)
    return array("I", sorted(word for word in found if word not in known))


def _with_runs(index: Sequence[int], max_length: int, places: Iterable[int]) -> set[int]:
    """All substrings that have a run behind their first symbol."""
    found: set[int] = set()
    for place in places:
        for start in range(max(place - max_length + 1, 0), place):
            found.update(index[start * max_length + place - start : (start + 1) * max_length])
    return found


def _numbered(ids: array[int], places: _Places, signs: Signs) -> Iterator[int]:
    """Where a symbol stands before a run, as it stands before numbers nine times in ten (第12)."""
    before: Counter[int] = Counter()
    for symbol in (_DIGITS, _YEAR, *signs.numerals):
        before.update(ids[place - 1] for place in places[symbol] if place)
    often = {symbol: count for symbol, count in before.items() if count >= LEAST and _is_word_symbol(symbol)}
    totals = Counter(ids) if often else Counter()
    ordinals = {symbol for symbol, count in often.items() if count >= SHARE * totals[symbol]}
    for symbol in _RUNS:
        yield from (place - 1 for place in places[symbol] if place and ids[place - 1] in ordinals)


def _counted(ids: array[int], places: _Places, signs: Signs) -> Iterator[int]:
    """Where 一 or 这 stands before a measure word, with which it is not met too often."""
    behind = {
        symbol: Counter(ids[place + 1] for place in places[symbol] if place + 1 < len(ids))
        for symbol in signs.counting | signs.pointing
    }
    kinds = Counter(symbol for numeral in signs.counting for symbol, count in behind[numeral].items() if count >= TWICE)
    measures = {symbol for symbol, count in kinds.items() if count >= KINDS and _is_word_symbol(symbol)}
    for symbol in signs.pointing:
        rare = {measure for measure in measures - signs.counting if behind[symbol][measure] * COMMON < len(ids)}
        yield from (place for place in places[symbol] if place + 1 < len(ids) and ids[place + 1] in rare)


def _is_word_symbol(symbol: int) -> bool:
    return _FIRST_ID <= symbol < WORD_LIMIT


def _places(ids: array[int], symbols: Iterable[int]) -> _Places:
    """Where each of some symbols stands."""
    places: _Places = {symbol: [] for symbol in symbols}
    for place, symbol in enumerate(ids):
        if symbol in places:
            places[symbol].append(place)
    return places
