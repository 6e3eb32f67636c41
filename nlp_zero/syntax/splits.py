"""Trees by splitting: at the weakest bond between neighbours, or into two blocks that hold together within themselves.

Both take any measure of how words belong together and know nothing of what it measures.

* The *weakest bond* (最弱的连接): a number for each pair of neighbours; the sentence is split where it is least, and
  the parts likewise. It is the tree of least elements of J. Vuillemin (1980, "A unifying look at data structures").
* The *block criterion* (分块): a number for each ordered pair of words, as the impact of one word on another of Z. Wu,
  Y. Chen, B. Kao & Q. Liu (2020, "Perturbed masking: parameter-free probing for analyzing and interpreting BERT"); the
  split is where the means within the two blocks are greatest beside the means between them.

>>> weakest_bond([3.0, 1.0, 2.0])
[(0, 4), (0, 2), (2, 4)]
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

__all__ = ["block_scores", "block_tree", "weakest_bond"]


def weakest_bond(bonds: Sequence[float]) -> list[tuple[int, int]]:
    """The brackets of the tree that splits at the weakest bond, outer before inner, in the order of their starts.

    ``bonds[i]`` is that of the words i and i + 1; of equals the leftmost is split first. O(words): a bond is the
    weakest of the span that reaches, on either side, to the next bond that is weaker.

    >>> weakest_bond([1.0, 1.0])
    [(0, 3), (1, 3)]
    """
    size = len(bonds)
    starts = [0] * size
    ends = [size + 1] * size
    weaker: list[int] = []  # bonds to the left, each weaker than those after it, or equal
    for place, bond in enumerate(bonds):
        while weaker and bonds[weaker[-1]] > bond:
            ends[weaker.pop()] = place + 1
        starts[place] = weaker[-1] + 1 if weaker else 0
        weaker.append(place)
    return sorted(zip(starts, ends, strict=True), key=lambda span: (span[0], -span[1]))


def block_scores(matrix: Sequence[Sequence[float]]) -> list[float]:
    """The criterion of each split into words 0 to k and the rest, for k = 1, 2, ...: the greatest is the best.

    ``matrix[i][j]`` is how much word i has to do with word j; the diagonal counts as it stands (0, as a rule). The
    score is mean(within the left block) + mean(within the right block) - mean(left to right) - mean(right to left),
    over k^2, (n - k)^2 and k (n - k) pairs. O(n^2).

    >>> [round(score, 6) for score in block_scores([[0, 5, 1, 0], [5, 0, 1, 0], [1, 1, 0, 4], [0, 0, 4, 0]])]
    [-2.888889, 3.5, -1.111111]
    """
    return _scores(_sums(matrix), 0, len(matrix))


def block_tree(matrix: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """The brackets of the tree of best splits by :func:`block_scores`; of equal splits the leftmost.

    O(n^2) for the sums and O(length of the span) a bracket, since sums over blocks come from running sums.

    >>> block_tree([[0, 5, 1, 0], [5, 0, 1, 0], [1, 1, 0, 4], [0, 0, 4, 0]])
    [(0, 4), (0, 2), (2, 4)]
    """
    sums = _sums(matrix)
    spans = []
    open_spans = [(0, len(matrix))]
    while open_spans:
        start, end = open_spans.pop()
        if end - start < 2:
            continue
        spans.append((start, end))
        scores = _scores(sums, start, end)
        middle = start + 1 + scores.index(max(scores))
        open_spans += [(middle, end), (start, middle)]
    return spans


def _sums(matrix: Sequence[Sequence[float]]) -> list[list[float]]:
    """``sums[i][j]``: the sum of the first i rows over their first j columns."""
    size = len(matrix)
    if wrong := [number for number, row in enumerate(matrix) if len(row) != size]:
        raise ValueError(f"matrix: expected {size} numbers in each of {size} rows, got {len(matrix[wrong[0]])} in one")
    sums = [[0.0] * (size + 1)]
    for row in matrix:
        running = accumulate(row, initial=0.0)
        sums.append([above + here for above, here in zip(sums[-1], running, strict=True)])
    return sums


def _scores(sums: list[list[float]], start: int, end: int) -> list[float]:
    def block(top: int, bottom: int, first: int, last: int) -> float:
        total = sums[bottom][last] - sums[top][last] - sums[bottom][first] + sums[top][first]
        return total / ((bottom - top) * (last - first))

    return [
        block(start, middle, start, middle)
        + block(middle, end, middle, end)
        - block(start, middle, middle, end)
        - block(middle, end, start, middle)
        for middle in range(start + 1, end)
    ]
