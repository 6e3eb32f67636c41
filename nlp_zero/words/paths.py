"""A lattice (词图) and its paths: everything that could be a word in a text, and what follows from it.

A lattice is plain data: a text, and edges ``(start, end, score)`` with the score in nats, sorted by start and end, at
most one from one place to another. A path from the beginning to the end is a segmentation; its score is the sum over
its edges, and ``exp(score / temperature)``, normalised, its probability. All of this is exact:

* :meth:`Lattice.n_best`: each place keeps its n best ways to the end, made of the n best of its neighbours;
* :meth:`Lattice.log_partition`, :meth:`Lattice.posteriors`: forward and backward sums in logarithms;
* :meth:`Lattice.sample`: backward filtering, forward sampling. Every segmentation comes with its exact probability;
  a walk that decides at each place between "old" and "new" by their scores alone favours what it meets last.

Ties in order: the higher score, then fewer words, then the longer first word, then the longer second word, and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import nsmallest
from itertools import pairwise
from math import exp, inf, isfinite, log
from typing import NamedTuple

__all__ = ["Edge", "Lattice", "SplitMix64"]

FORCED, UNKNOWN = -2, -1


class Edge(NamedTuple):
    """One possible word ``text[start:end]``: its score in nats, and its number in the lexicon.

    ``word`` is -1 for a stretch that the lexicon does not have, -2 for a forced word.
    """

    start: int
    end: int
    score: float
    word: int = UNKNOWN


class SplitMix64:
    """A small random generator (Steele, Lea, Flood 2014): the same numbers from the same seed, everywhere.

    >>> generator = SplitMix64(0)
    >>> f"{generator.next():016x}", round(generator.random(), 6)
    ('e220a8397b1dcdaf', 0.431528)
    """

    def __init__(self, seed: int) -> None:
        self.state = seed & 0xFFFFFFFFFFFFFFFF

    def next(self) -> int:
        """The next 64 bits."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        bits = self.state
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        return bits ^ (bits >> 31)

    def random(self) -> float:
        """A number in [0, 1), from the upper 53 bits."""
        return (self.next() >> 11) * 2.0**-53


class Lattice:
    """The edges of a text; see the head of this file.

    >>> lattice = Lattice("中外科", [(0, 1, -2.0), (0, 2, -1.0), (1, 2, -2.0), (1, 3, -1.5), (2, 3, -3.0)])
    >>> lattice.best_path()
    (-3.5, ['中', '外科'])
    >>> lattice.n_best(2)[1]
    (-4.0, ['中外', '科'])
    >>> round(lattice.log_partition(), 6)
    -3.007301
    """

    def __init__(self, text: str, edges: Iterable[tuple[int, int, float] | tuple[int, int, float, int]]) -> None:
        self.text = text
        self.edges = [Edge(*edge) for edge in edges]
        for before, after in pairwise(self.edges):
            if before[:2] >= after[:2]:
                raise ValueError(f"edges: expected rising (start, end), got {after[:2]} after {before[:2]}")
        for edge in self.edges:
            if not 0 <= edge.start < edge.end <= len(text) or not isfinite(edge.score):
                raise ValueError(f"edges: expected 0 <= start < end <= {len(text)} and a finite score, got {edge[:3]}")
        self._from = self._by_start()

    def _by_start(self) -> list[tuple[int, int]]:
        """For every place, which edges start there: first and behind the last."""
        ranges = [(0, 0)] * (len(self.text) + 1)
        first = 0
        for index, edge in enumerate(self.edges, 1):
            if index == len(self.edges) or self.edges[index].start != edge.start:
                ranges[edge.start] = first, index
                first = index
        return ranges

    def edges_from(self, place: int) -> list[Edge]:
        """The edges that start at a place, the shortest first."""
        first, last = self._from[place]
        return self.edges[first:last]

    def words(self, cuts: Sequence[int]) -> list[str]:
        """The words between cuts, of which the first is 0."""
        return [self.text[start:end] for start, end in pairwise(cuts)]

    def best_path(self) -> tuple[float, list[str]]:
        """The best segmentation and its score; O(edges)."""
        return self.n_best(1)[0]

    def n_best(self, n: int) -> list[tuple[float, list[str]]]:
        """The n best segmentations with their scores, best first (all of them if there are fewer); O(edges n log n).

        Raises ValueError if n is below 1, or if no path leads through the lattice.
        """
        if n < 1:
            raise ValueError(f"n: expected at least 1, got {n}")
        size = len(self.text)
        # At every place, per way to the end: -score, words, -end of the first word, rank of the rest at that end.
        ways: list[list[tuple[float, int, int, int]]] = [[] for _ in range(size)] + [[(-0.0, 0, 0, 0)]]
        for place in range(size - 1, -1, -1):
            ways[place] = nsmallest(
                n,
                (
                    (-(edge.score - way[0]), way[1] + 1, -edge.end, rank)
                    for edge in self.edges_from(place)
                    for rank, way in enumerate(ways[edge.end])
                ),
            )
        if not ways[0]:
            raise ValueError("no path leads through this lattice")
        return [(-ways[0][rank][0], self.words(self._cuts(ways, rank))) for rank in range(len(ways[0]))]

    def _cuts(self, ways: list[list[tuple[float, int, int, int]]], rank: int) -> list[int]:
        cuts = [0]
        while cuts[-1] < len(self.text):
            _, _, end, rank = ways[cuts[-1]][rank]
            cuts.append(-end)
        return cuts

    def best_scores(self) -> tuple[list[float], list[float]]:
        """The score of the best way to each place, and from each place to the end; -inf where no way leads."""
        return self._forward(max, 1.0), self._backward(max, 1.0)

    def log_partition(self, temperature: float = 1.0) -> float:
        """The logarithm of the sum of exp(score / temperature) over all segmentations, in nats; O(edges)."""
        return self._backward(_log_sum, _positive(temperature))[0]

    def posteriors(self, temperature: float = 1.0) -> list[float]:
        """For each edge the probability that a segmentation uses it; O(edges).

        >>> lattice = Lattice("中外", [(0, 1, 0.0), (0, 2, 0.0), (1, 2, 0.0)])
        >>> lattice.posteriors()
        [0.5, 0.5, 0.5]
        """
        forward = self._forward(_log_sum, _positive(temperature))
        backward = self._backward(_log_sum, temperature)
        return [
            exp(forward[edge.start] + edge.score / temperature + backward[edge.end] - backward[0])
            for edge in self.edges
        ]

    def probability(self, words: Sequence[str], temperature: float = 1.0) -> float:
        """The probability of one segmentation; 0 if no path of the lattice has these words."""
        if "".join(words) != self.text:
            raise ValueError(f"words: expected words that make up {self.text!r}, got {words!r}")
        place, score = 0, 0.0
        for word in words:
            scores = [edge.score for edge in self.edges_from(place) if edge.end == place + len(word)]
            if not scores:
                return 0.0
            place += len(word)
            score += scores[0]
        return exp(score / _positive(temperature) - self.log_partition(temperature))

    def sample(self, seed: int, temperature: float = 1.0) -> list[str]:
        """A segmentation drawn with its probability; the same one for the same seed. O(edges).

        A low temperature keeps to the best segmentation, a high one comes near to an even draw among all.
        """
        return self.samples(1, seed, temperature)[0]

    def samples(self, count: int, seed: int, temperature: float = 1.0) -> list[list[str]]:
        """Several segmentations, drawn one after another from one generator; the sums are made once."""
        sums = self._backward(_log_sum, _positive(temperature))
        if sums[0] == -inf:
            raise ValueError("no path leads through this lattice")
        generator = SplitMix64(seed)
        return [self.words(self._walk(sums, generator, temperature)) for _ in range(count)]

    def _walk(self, sums: list[float], generator: SplitMix64, temperature: float) -> list[int]:
        cuts = [0]
        while cuts[-1] < len(self.text):
            place = cuts[-1]
            rest = generator.random()
            chosen = place
            for edge in self.edges_from(place):
                if sums[edge.end] == -inf:
                    continue
                chosen = edge.end  # The last one stays, should rounding leave a rest.
                rest -= exp(edge.score / temperature + sums[edge.end] - sums[place])
                if rest < 0.0:
                    break
            cuts.append(chosen)
        return cuts

    def _backward(self, gather: Callable[[list[float]], float], temperature: float) -> list[float]:
        """What the ways from each place to the end come to, by ``gather``."""
        values = [-inf] * len(self.text) + [0.0]
        for place in range(len(self.text) - 1, -1, -1):
            first, last = self._from[place]
            if first < last:
                values[place] = gather([edge.score / temperature + values[edge.end] for edge in self.edges[first:last]])
        return values

    def _forward(self, gather: Callable[[list[float]], float], temperature: float) -> list[float]:
        """What the ways from the beginning to each place come to, by ``gather``."""
        arriving: list[list[float]] = [[] for _ in range(len(self.text) + 1)]
        values = [0.0] + [-inf] * len(self.text)
        for place in range(len(self.text)):
            if place and arriving[place]:
                values[place] = gather(arriving[place])
            arriving[place] = []
            for edge in self.edges_from(place):
                arriving[edge.end].append(values[place] + edge.score / temperature)
        if arriving[-1]:
            values[-1] = gather(arriving[-1])
        return values


def _log_sum(values: list[float]) -> float:
    """log(sum(exp(value))) without overflow."""
    top = max(values)
    return top if top == -inf else top + log(sum([exp(value - top) for value in values]))


def _positive(temperature: float) -> float:
    if not (temperature > 0.0 and isfinite(temperature)):
        raise ValueError(f"temperature: expected a number above 0, such as 1.0, got {temperature!r}")
    return temperature
