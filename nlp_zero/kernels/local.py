"""Chains that are normalised place by place: the maximum-entropy Markov model (最大熵马尔可夫模型).

Scores, edges and shapes are those of ``chain.py``. From left to right a label has, given the one before, the chance

    p(y_t | y_{t-1}) = exp(score(t, y_t) + edge(t, y_{t-1}, y_t)) / Z(t, y_{t-1})

(A. McCallum, D. Freitag & F. Pereira 2000, "Maximum entropy Markov models"); from right to left it is given the one
behind. Both ways share their weights, and the model that looks both ways takes the mean of the two logarithms. As
1 / Z(t, y_{t-1}) depends on the label before alone, it may as well be added to the score of that label: after
:func:`local_scores` the chain is one like any other, whose labellings score the logarithms of their probabilities.

Exponentials are taken relative to the best score of a place and the best edge; where a sum vanishes even so, weights
are beyond reason, and results are infinite.
"""

from __future__ import annotations

from array import array
from math import exp, inf, log
from typing import Any

from .chain import Edges, _Chains
from .rows import Buffer, check_below, check_range, view, writable

__all__ = ["local_losses", "local_scores"]


class _Places(_Chains):
    """Exponentials of scores and edges, with what was taken out of them."""

    def __init__(self, starts: Buffer, scores: Buffer, edges: Edges, width: int) -> None:
        super().__init__(starts, scores, edges, (b"", b"", b""), b"", width)
        self.tops: tuple[list[float], float] | None = None

    def shares(self, place: int) -> tuple[list[float], float]:
        row = self.scores[place * self.width : (place + 1) * self.width]
        top = max(row)
        return [exp(score - top) for score in row], top

    def table(self, place: int) -> tuple[list[float], float]:
        """Exponentials of the edges of a place, before x label."""
        if self.tops is not None:
            return self.tops
        rows = self.edge_scores(place)
        top = max(map(max, rows))
        found = [exp(score - top) for row in rows for score in row], top
        if self.plain:
            self.tops = found
        return found


def local_losses(
    starts: Buffer,
    scores: Buffer,
    edges: Edges,
    labels: Buffer,
    width: int,
    begin: int,
    end: int,
    both: int,
    sums: Buffer,
) -> float:
    """How surprising the labels (int32) of sentences ``begin`` to ``end`` are, in nats, each given its neighbour.

    ``both`` 0: from left to right; 1: the mean of both ways. The scores of these sentences become the gradient of the
    loss, ``sums`` gets the gradient by edge weights added. Infinite where a sum vanishes. O(positions x width).

    >>> scores, sums = array("d", [1, 0, 0.2, 0.5, 0, 1]), array("d", bytes(32))
    >>> edges = b"", b"", array("d", [0.5, -0.5, -0.3, 0.4])
    >>> round(local_losses(array("q", [0, 3]), scores, edges, array("i", [0, 0, 1]), 2, 0, 1, 0, sums), 6)
    1.409595
    """
    places = _Places(starts, scores, edges, width)
    target = writable(scores, "d", "scores")
    counts = writable(sums, "d", "sums", len(places.weights))
    check_range(begin, end, places.count)
    known = view(labels, "i", "labels", len(places.scores) // width)
    check_below("labels", known, 0, len(known), width)
    loss, share = 0.0, 0.5 if both else 1.0
    for sentence in range(begin, end):
        start, stop = places.starts[sentence], places.starts[sentence + 1]
        slopes = [[0.0] * width for _ in range(start, stop)]
        for way in range(2 if both else 1):
            for place in range(start, stop):
                loss += share * _place_loss(
                    places, known, start, stop, place, way, share, slopes[place - start], counts
                )
        if not loss < inf:
            return inf
        for step, slope in enumerate(slopes):
            target[(start + step) * width : (start + step + 1) * width] = array("d", slope)
    return loss


def _place_loss(
    places: _Places,
    known: Any,
    start: int,
    stop: int,
    place: int,
    way: int,
    share: float,
    slope: list[float],
    counts: Any,
) -> float:
    """-log p of the label of a place, given the one before (way 0) or behind (1); its gradient is added."""
    width, label = places.width, known[place]
    shares, _ = places.shares(place)
    joined = place > start if way == 0 else place + 1 < stop
    edge = place if way == 0 else place + 1
    cells: list[int] = []
    if joined:
        other = known[place - 1] if way == 0 else known[place + 1]
        cells = [other * width + y if way == 0 else y * width + other for y in range(width)]
        table, _ = places.table(edge)
        shares = [score * table[cell] for score, cell in zip(shares, cells, strict=True)]
    total = 0.0
    for score in shares:
        total += score
    if not 0.0 < total < inf or not shares[label]:
        return inf
    errors = [share * (score / total) for score in shares]
    errors[label] -= share
    for y, error in enumerate(errors):
        slope[y] += error
    if joined:
        for item in (0,) if places.plain else places.attributes[places.offsets[edge] : places.offsets[edge + 1]]:
            for cell, error in zip(cells, errors, strict=True):
                counts[item * width * width + cell] += error
    return -log(shares[label] / total)


def local_scores(starts: Buffer, scores: Buffer, edges: Edges, width: int, both: int) -> None:
    """Takes the logarithms of the sums from the scores, so that labellings score log probabilities; in place.

    O(positions x width**2). NaN or infinities stay where a sum vanishes.

    >>> scores, edges = array("d", [1, 0, 0.2, 0.5, 0, 1]), (b"", b"", array("d", [0.5, -0.5, -0.3, 0.4]))
    >>> local_scores(array("q", [0, 3]), scores, edges, 2, 0)
    >>> round(exp(scores[0] + 0.5 + scores[2] + 0.5 + scores[4]), 6)
    0.244242
    """
    places = _Places(starts, scores, edges, width)
    target = writable(scores, "d", "scores")
    share = 0.5 if both else 1.0
    for sentence in range(places.count):
        start, stop = places.starts[sentence], places.starts[sentence + 1]
        found = [places.shares(place) for place in range(start, stop)]
        losses = [[0.0] * width for _ in range(start, stop)]
        for step, (shares, top) in enumerate(found):
            _take(losses[step], [], shares, top, share if step == 0 else 0.0, 0, width)
            if both:
                _take(losses[step], [], shares, top, share if step + 1 == len(found) else 0.0, 0, width)
            if step:
                table, best = places.table(start + step)
                _take(losses[step - 1], table, shares, top + best, share, 0, width)
                if both:
                    _take(losses[step], table, found[step - 1][0], found[step - 1][1] + best, share, 1, width)
        for step, row in enumerate(losses):
            place = (start + step) * width
            for label, loss in enumerate(row):
                target[place + label] -= loss


def _take(
    losses: list[float], table: list[float], shares: list[float], top: float, share: float, way: int, width: int
) -> None:
    """Adds the logarithms of the sums over ``shares``, next to each label, to its losses; without a table, to all."""
    if not share:
        return
    for label in range(width):
        total = 0.0
        for other, score in enumerate(shares):
            total += score * (1.0 if not table else table[other * width + label if way else label * width + other])
        losses[label] += share * ((log(total) if total > 0.0 else -inf) + top)
