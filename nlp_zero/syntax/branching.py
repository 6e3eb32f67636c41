"""Trees that look at no word: right- and left-branching, balanced, random. What any parser has to beat.

Each gives the brackets of a binary tree over ``size`` words, as (start, end) without ``end``, the whole sentence among
them and single words not.
"""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["balanced", "left", "random_tree", "right"]


def right(size: int) -> list[tuple[int, int]]:
    """The tree that branches to the right (右分支): (a (b (c d))).

    >>> right(4)
    [(0, 4), (1, 4), (2, 4)]
    """
    return [(start, size) for start in range(size - 1)]


def left(size: int) -> list[tuple[int, int]]:
    """The tree that branches to the left (左分支): (((a b) c) d).

    >>> left(4)
    [(0, 4), (0, 3), (0, 2)]
    """
    return [(0, end) for end in range(size, 1, -1)]


def balanced(size: int) -> list[tuple[int, int]]:
    """The tree that is cut in the middle, and its parts likewise; of an odd number the left part has one word more.

    >>> balanced(5)
    [(0, 5), (0, 3), (0, 2), (3, 5)]
    """
    return _cut(size, lambda start, end: (start + end + 1) // 2)


def random_tree(size: int, seed: int | random.Random = 0) -> list[tuple[int, int]]:
    """A tree cut at random: every place in a span is as likely as any other, and then in its parts.

    ``seed`` may be a generator, to go on with it for the next tree.

    >>> random_tree(5, seed=1)
    [(0, 5), (0, 2), (2, 5), (2, 4)]
    """
    draw = seed if isinstance(seed, random.Random) else random.Random(seed)
    return _cut(size, lambda start, end: draw.randint(start + 1, end - 1))


def _cut(size: int, place: Callable[[int, int], int]) -> list[tuple[int, int]]:
    """The brackets of a tree whose spans are cut at ``place(start, end)``. O(size)."""
    spans = []
    open_spans = [(0, size)]
    while open_spans:
        start, end = open_spans.pop()
        if end - start < 2:
            continue
        spans.append((start, end))
        middle = place(start, end)
        open_spans += [(middle, end), (start, middle)]
    return spans
