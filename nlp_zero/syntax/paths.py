"""Sentence templates by the paths of linked words: how much each weighs, without listing them.

J. Su (2018, 飞象过河) links the words of a sentence by the pairs that are kept, and takes every path from a word that
no link leads to, to a word that no link leaves, for a template: a slot wherever it skips words, one before its first
word and one after its last where the sentence goes on. Listing all paths costs 1e14 steps in fifty words, and counting
each as 1 lets long sentences rule. Here a sentence weighs 1 in all; the share of a path is the product of the weights
of its links over the sum of all paths, which is found from the right, place by place, and only the best are read out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import nsmallest
from math import frexp, ldexp, log2
from typing import NamedTuple

from .grammar import SLOT, Slot

__all__ = ["Path", "best_paths", "path_parts"]

Weight = Callable[[int, int], float]


class Path(NamedTuple):
    """The places of a path in its sentence, and its share of the sentence."""

    places: tuple[int, ...]
    share: float


def best_paths(numbers: Sequence[int], weight: Weight, window: int, limit: int) -> list[Path]:
    """The ``limit`` paths of the greatest shares, greatest first; of equals that whose first other place is lower.

    ``weight`` gives that of the link between two numbers, 0 for none. O(places x window x limit), no recursion.

    >>> [path for path in best_paths([0, 1, 2], lambda left, right: 1.0, 2, 8)]
    [Path(places=(0, 1, 2), share=0.5), Path(places=(0, 2), share=0.5)]
    """
    size = len(numbers)
    sums: list[tuple[float, int]] = [(0.5, 1)] * size  # of the paths from here: a number below 1 and a power of 2
    begins = [True] * size
    # The best ways on from each place: less the logarithm of the weight, the next place, the way from there.
    ways: list[list[tuple[float, int, int]]] = [[(0.0, -1, 0)]] * size
    for place in range(size - 1, -1, -1):
        onward = [
            (other, found)
            for other in range(place + 1, min(place + window + 1, size))
            if (found := weight(numbers[place], numbers[other])) > 0
        ]
        if not onward:
            continue
        for other, _ in onward:
            begins[other] = False
        sums[place] = _scaled_sum([(found * sums[other][0], sums[other][1]) for other, found in onward])
        ways[place] = nsmallest(
            limit,
            (
                (score - log2(found), other, rank)
                for other, found in onward
                for rank, (score, _, _) in enumerate(ways[other])
            ),
        )
    starts = [place for place in range(size) if begins[place]]
    if not starts:
        return []
    number, power = _scaled_sum([sums[place] for place in starts])
    whole = log2(number) + power
    first = nsmallest(limit, ((way[0], place, rank) for place in starts for rank, way in enumerate(ways[place])))
    return [Path(_places(ways, place, rank), 2.0 ** (-score - whole)) for score, place, rank in first]


def _scaled_sum(parts: list[tuple[float, int]]) -> tuple[float, int]:
    """The sum of numbers times powers of two, as another such: none grows too large."""
    top = max(power for _, power in parts)
    number, power = frexp(sum(ldexp(number, max(power - top, -1100)) for number, power in parts))
    return number, power + top


def _places(ways: list[list[tuple[float, int, int]]], place: int, rank: int) -> tuple[int, ...]:
    found = []
    while place >= 0:
        found.append(place)
        _, place, rank = ways[place][rank]
    return tuple(found)


def path_parts(places: Sequence[int], words: Sequence[str]) -> tuple[str | Slot, ...]:
    """The template of a path: its words, and a slot wherever words of the sentence are left out.

    >>> path_parts([0, 2], ["我", "爱", "你", "吗"])
    ('我', Slot(words=''), '你', Slot(words=''))
    """
    parts: list[str | Slot] = []
    before = -1
    for place in places:
        if place > before + 1:
            parts.append(SLOT)
        parts.append(words[place])
        before = place
    if before < len(words) - 1:
        parts.append(SLOT)
    return tuple(parts)
