"""Two rules by hand (人工规则): what may be no word whatever the counts say. ``Settings.rules`` switches them off.

* A run of digits or Latin letters stands only at the beginning of a word: 5月 and 3G手机 may be words, 第5 and 一B may
  not. Numbers are so frequent before and after everything that a sampler glues them to whatever they meet.
* No word of two symbols or more begins with 的, which ends up in front of half the adjectives otherwise (的重要).

Everything else about words is learnt. What the rules are worth, over three seeds of the news text that the recipe was
chosen on, in F1: +.001 on one tail of news, +.002 on another, -.003 on a treebank of an encyclopedia.
"""

from __future__ import annotations

from array import array
from collections.abc import Container, Sequence

__all__ = ["PARTICLE", "barred"]

PARTICLE = "的"

_RUNS = (1, 2, 3)  # symbol ids: digits, four digits, Latin letters
_NONE = 0xFFFFFFFF


def barred(
    ids: array[int], index: Sequence[int], max_length: int, particle: int = 0, known: Container[int] = ()
) -> array[int]:
    """The ids, in order, of all substrings of a text that the rules forbid as words, but for the ``known`` ones.

    ``index`` holds the id of the substring of n symbols at place i at ``i * max_length + n - 1``, 0xFFFFFFFF where
    there is none. ``particle`` is the symbol id of 的, 0 if the text has none. O(max_length squared) for each run and
    each particle, 0.3 s for three million symbols.

    >>> from nlp_zero import kernels
    >>> ids = array("H", [8, 1, 9, 8, 0])  # 第 5 的 第
    >>> index = memoryview(kernels.substrings(ids, 2)[0]).cast("I")
    >>> index[1], index[5]  # 第5, 的第
    (3, 5)
    >>> list(barred(ids, index, 2)), list(barred(ids, index, 2, particle=9, known={3}))
    ([3], [5])
    """
    found: set[int] = set()
    for symbol in _RUNS:
        for place in _places(ids, symbol):
            for start in range(max(place - max_length + 1, 0), place):
                found.update(index[start * max_length + place - start : (start + 1) * max_length])
    if particle:
        for place in _places(ids, particle):
            found.update(index[place * max_length + 1 : (place + 1) * max_length])
    found.discard(_NONE)
    return array("I", sorted(word for word in found if word not in known))


def _places(ids: array[int], symbol: int) -> list[int]:
    """Where a symbol stands."""
    raw, wanted = ids.tobytes(), array("H", (symbol,)).tobytes()
    places, place = [], raw.find(wanted)
    while place >= 0:
        if place % 2 == 0:
            places.append(place // 2)
        place = raw.find(wanted, place + 1)
    return places
