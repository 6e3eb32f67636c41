"""Reach kernel: how much a symbol tells about another some places on."""

from __future__ import annotations

from array import array
from collections import Counter
from math import log2

from .sampling import WORD_LIMIT, Buffer, _Random, _view

__all__ = ["association"]

_MASK = (1 << 64) - 1


def association(ids: Buffer, distance: int, seed: int) -> float:
    """The mutual information, in bits, of two symbols ``distance`` places apart with only symbols of words between
    them, less that of the same symbols shuffled: what remains of it in a text of this size if there is no bond.

    The entropies of the two sides cancel; what is left is sum p log2 p over pairs, taken here over the counts that
    pairs have, from the smallest up. O(n), and 12 bytes a symbol.

    >>> round(association(array("H", [8, 9, 0] * 50 + [10, 11, 0] * 50), 1, 1), 1)
    1.0
    >>> association(array("H", [8, 9, 0]), 2, 1)
    0.0
    """
    symbols = _view(ids, "H", "ids")
    if distance < 1:
        raise ValueError(f"distance: expected 1 or more, got {distance}")
    lefts, rights, run = array("H"), array("H"), 0
    for place, symbol in enumerate(symbols):
        run = run + 1 if 0 < symbol < WORD_LIMIT else 0
        if run > distance:
            lefts.append(symbols[place - distance])
            rights.append(symbol)
    if not lefts:
        return 0.0
    real = _joint_log(lefts, rights)
    random = _Random(seed & _MASK)
    for place in range(len(rights) - 1, 0, -1):
        other = (random.bits() >> 32) * (place + 1) >> 32
        rights[place], rights[other] = rights[other], rights[place]
    return (real - _joint_log(lefts, rights)) / len(lefts)


def _joint_log(lefts: array[int], rights: array[int]) -> float:
    """The sum of n log2 n over distinct pairs, n their counts."""
    counts = Counter(left << 16 | right for left, right in zip(lefts, rights, strict=True))
    total = 0.0
    for count, number in sorted(Counter(counts.values()).items()):
        total += number * (count * log2(count))
    return total
