"""A lattice (词图) and its paths: everything that could be a word in a text, and what follows from it.

A lattice is plain data: a text, and edges ``(start, end, score)`` with the score in nats, sorted by start and end, at
most one from one place to another. A path from the beginning to the end is a segmentation; its score is the sum over
its edges, and ``exp(score / temperature)``, normalised, its probability. All of this is exact:

* :meth:`Lattice.n_best`: each place keeps its n best ways to the end, made of the n best of its neighbours;
* :meth:`Lattice.log_partition`, :meth:`Lattice.posteriors`: forward and backward sums in logarithms;
* :meth:`Lattice.sample`: backward filtering, forward sampling. Every segmentation comes with its exact probability;
  a walk that decides at each place between "old" and "new" by their scores alone favours what it meets last.

Words may also say something about each other. Then every edge has two *classes*, one for the word before and one for
the word behind, and a table says what each two that meet add to the score of a path; before the first word and behind
the last stands class 0. Best ways and sums are kept for each class apart, so that all of it stays exact.

Ties in order: the higher score, then fewer words, then the longer first word, then the longer second word, and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import nsmallest
from itertools import pairwise
from math import exp, inf, isfinite, log
from typing import NamedTuple, TypeAlias

__all__ = ["Edge", "Lattice", "SplitMix64", "sum_of_paths"]

FORCED, UNKNOWN = -2, -1

Gather: TypeAlias = "Callable[[list[float]], float]"
Way: TypeAlias = "tuple[float, int, int, int, int]"


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

    def __init__(
        self,
        text: str,
        edges: Iterable[tuple[int, int, float] | tuple[int, int, float, int]],
        classes: bytes = b"",
        ratios: Sequence[Sequence[float]] = ((0.0,),),
    ) -> None:
        """``classes``: two bytes an edge; ``ratios[a][b]``, in nats: for a word that shows a, and b behind it."""
        self.text = text
        self.edges = [Edge(*edge) for edge in edges]
        self.classes = classes or bytes(2 * len(self.edges))
        self.ratios = ratios
        if len(self.classes) != 2 * len(self.edges) or max(self.classes, default=0) >= len(ratios):
            raise ValueError(f"classes: expected two bytes below {len(ratios)} for each of {len(self.edges)} edges")
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
        ways = _Ways(self.ratios, n, len(self.text))
        for place in range(len(self.text) - 1, -1, -1):
            first, last = self._from[place]
            ways.add(place, [(self.edges[index], *self._shown(index)) for index in range(first, last)])
        found = ways.behind(0, 0)
        if not found:
            raise ValueError("no path leads through this lattice")
        return [(-way[0], self.words(ways.cuts(rank))) for rank, way in enumerate(found)]

    def _shown(self, index: int) -> tuple[int, int]:
        """The classes of an edge, to the left and to the right."""
        return self.classes[2 * index], self.classes[2 * index + 1]

    def best_scores(self) -> tuple[list[float], list[float]]:
        """The score of the best way to each place, and from each place to the end; -inf where no way leads.

        With classes, each for itself: what the words on both sides of the place say about each other is not in it.
        """
        forward, backward = self._forward(max, 1.0), self._backward(max, 1.0)
        return tuple([max(values.values(), default=-inf) for values in side] for side in (forward, backward))  # type: ignore[return-value]

    def rests(self) -> list[float]:
        """For each edge the score of the best path through it, less its own score; -inf if no path has it. O(edges)."""
        forward, backward = self._forward(max, 1.0), self._backward(max, 1.0)
        return [
            self._before(forward, index, max, 1.0) + self._behind(backward, index, max, 1.0)
            for index in range(len(self.edges))
        ]

    def path_through(self, index: int) -> list[str]:
        """The best words before an edge, the word of the edge, the best words behind."""
        start, end = self.edges[index][:2]
        before = [number for number, edge in enumerate(self.edges) if edge.end <= start or number == index]
        behind = [number for number, edge in enumerate(self.edges) if edge.start >= end or number == index]
        return [*self.only(before, 0, end).best_path()[1], *self.only(behind, start).best_path()[1][1:]]

    def only(self, kept: Sequence[int], start: int = 0, end: int | None = None) -> Lattice:
        """Some of the edges, over a part of the text."""
        edges = [Edge(a - start, b - start, score, word) for a, b, score, word in map(self.edges.__getitem__, kept)]
        classes = b"".join(self.classes[2 * number : 2 * number + 2] for number in kept)
        return Lattice(self.text[start:end], edges, classes, self.ratios)

    def log_partition(self, temperature: float = 1.0) -> float:
        """The logarithm of the sum of exp(score / temperature) over all segmentations, in nats; O(edges)."""
        return self._whole(self._backward(_log_sum, _positive(temperature)), temperature)

    def _whole(self, backward: list[dict[int, float]], temperature: float) -> float:
        """What all segmentations come to."""
        row = self.ratios[0]
        values = [row[left] / temperature + value for left, value in backward[0].items()]
        return _log_sum(values) if values else -inf

    def posteriors(self, temperature: float = 1.0) -> list[float]:
        """For each edge the probability that a segmentation uses it; O(edges).

        >>> lattice = Lattice("中外", [(0, 1, 0.0), (0, 2, 0.0), (1, 2, 0.0)])
        >>> lattice.posteriors()
        [0.5, 0.5, 0.5]
        """
        forward = self._forward(_log_sum, _positive(temperature))
        backward = self._backward(_log_sum, temperature)
        whole = self._whole(backward, temperature)
        return [
            exp(
                self._before(forward, index, _log_sum, temperature)
                + edge.score / temperature
                + self._behind(backward, index, _log_sum, temperature)
                - whole
            )
            for index, edge in enumerate(self.edges)
        ]

    def probability(self, words: Sequence[str], temperature: float = 1.0) -> float:
        """The probability of one segmentation; 0 if no path of the lattice has these words."""
        if "".join(words) != self.text:
            raise ValueError(f"words: expected words that make up {self.text!r}, got {words!r}")
        place, score, shown = 0, 0.0, 0
        for word in words:
            first, last = self._from[place]
            found = [index for index in range(first, last) if self.edges[index].end == place + len(word)]
            if not found:
                return 0.0
            left, right = self._shown(found[0])
            place += len(word)
            score += self.ratios[shown][left] + self.edges[found[0]].score
            shown = right
        score += self.ratios[shown][0]
        return exp(score / _positive(temperature) - self.log_partition(temperature))

    def sample(self, seed: int, temperature: float = 1.0) -> list[str]:
        """A segmentation drawn with its probability; the same one for the same seed. O(edges).

        A low temperature keeps to the best segmentation, a high one comes near to an even draw among all.
        """
        return self.samples(1, seed, temperature)[0]

    def samples(self, count: int, seed: int, temperature: float = 1.0) -> list[list[str]]:
        """Several segmentations, drawn one after another from one generator; the sums are made once."""
        sums = self._backward(_log_sum, _positive(temperature))
        if not sums[0]:
            raise ValueError("no path leads through this lattice")
        generator = SplitMix64(seed)
        return [self.words(self._walk(sums, generator, temperature)) for _ in range(count)]

    def _walk(self, sums: list[dict[int, float]], generator: SplitMix64, temperature: float) -> list[int]:
        cuts, shown = [0], 0
        while cuts[-1] < len(self.text):
            row = self.ratios[shown]
            ways = []
            for index in range(*self._from[cuts[-1]]):
                value = row[self.classes[2 * index]] / temperature + self.edges[index].score / temperature
                ways.append((index, value + self._behind(sums, index, _log_sum, temperature)))
            ways = [way for way in ways if way[1] > -inf]
            whole = _log_sum([value for _, value in ways])
            rest = generator.random()
            for index, value in ways:
                chosen = index  # The last one stays, should rounding leave a rest.
                rest -= exp(value - whole)
                if rest < 0.0:
                    break
            cuts.append(self.edges[chosen].end)
            shown = self.classes[2 * chosen + 1]
        return cuts

    def _behind(self, backward: list[dict[int, float]], index: int, gather: Gather, temperature: float) -> float:
        """What the ways behind an edge come to, with what its word says about the next; -inf if there are none."""
        row = self.ratios[self.classes[2 * index + 1]]
        values = [row[left] / temperature + value for left, value in backward[self.edges[index].end].items()]
        return gather(values) if values else -inf

    def _before(self, forward: list[dict[int, float]], index: int, gather: Gather, temperature: float) -> float:
        """The same of the ways before it."""
        left = self.classes[2 * index]
        items = forward[self.edges[index].start].items()
        values = [self.ratios[right][left] / temperature + value for right, value in items]
        return gather(values) if values else -inf

    def _backward(self, gather: Gather, temperature: float) -> list[dict[int, float]]:
        """What the ways from each place to the end come to, by ``gather``, for each class that they show."""
        values: list[dict[int, float]] = [{} for _ in self.text] + [{0: 0.0}]
        for place in range(len(self.text) - 1, -1, -1):
            found: dict[int, list[float]] = {}
            for index in range(*self._from[place]):
                rest = self._behind(values, index, gather, temperature)
                if rest > -inf:
                    way = self.edges[index].score / temperature + rest
                    found.setdefault(self.classes[2 * index], []).append(way)
            values[place] = {left: gather(ways) for left, ways in found.items()}
        return values

    def _forward(self, gather: Gather, temperature: float) -> list[dict[int, float]]:
        """What the ways from the beginning to each place come to, by ``gather``, for each class that they show."""
        arriving: list[dict[int, list[float]]] = [{} for _ in range(len(self.text) + 1)]
        values: list[dict[int, float]] = [{0: 0.0}]
        for place in range(len(self.text) + 1):
            if place:
                values.append({right: gather(ways) for right, ways in arriving[place].items()})
                arriving[place] = {}
            for index in range(*self._from[place]):
                before = self._before(values, index, gather, temperature)
                if before > -inf:
                    edge = self.edges[index]
                    way = before + edge.score / temperature
                    arriving[edge.end].setdefault(self.classes[2 * index + 1], []).append(way)
        return values


def sum_of_paths(
    size: int,
    starts: Sequence[int],
    ends: Sequence[int],
    scores: Sequence[float],
    classes: bytes,
    ratios: Sequence[Sequence[float]],
) -> float:
    """What :meth:`Lattice.log_partition` says of a lattice in columns, sorted and whole as the kernel gives them.

    The same bits, without an object for each edge. O(edges).

    >>> round(sum_of_paths(2, [0, 0, 1], [1, 2, 2], [0.0, 0.0, 0.0], bytes(6), [[0.0]]), 6)
    0.693147
    """
    behind: list[list[tuple[int, float]]] = [[]] * size + [[(0, 0.0)]]
    first = len(starts)
    while first:
        stop, place = first, starts[first - 1]
        while first and starts[first - 1] == place:
            first -= 1
        found: dict[int, list[float]] = {}
        for index in range(first, stop):
            if states := behind[ends[index]]:
                row = ratios[classes[2 * index + 1]]
                ways = [row[left] + value for left, value in states]
                rest = ways[0] if len(ways) == 1 else _log_sum(ways)
                found.setdefault(classes[2 * index], []).append(scores[index] + rest)
        behind[place] = [(left, ways[0] if len(ways) == 1 else _log_sum(ways)) for left, ways in found.items()]
    return _log_sum([ratios[0][left] + value for left, value in behind[0]]) if behind[0] else -inf


class _Ways:
    """The n best ways from every place to the end, for each class that their first word shows.

    A way is (-score, words, -end of the first word, rank of the rest behind its end, class that the word shows there).
    """

    def __init__(self, ratios: Sequence[Sequence[float]], n: int, size: int) -> None:
        self.ratios, self.n = ratios, n
        self.ways: list[dict[int, list[Way]]] = [{} for _ in range(size)] + [{0: [(-0.0, 0, 0, 0, 0)]}]
        self.known: dict[tuple[int, int], list[Way]] = {}

    def add(self, place: int, edges: list[tuple[Edge, int, int]]) -> None:
        """The ways from a place, by its edges with their classes; all places behind it are done."""
        found: dict[int, list[Way]] = {}
        for edge, left, right in edges:
            found.setdefault(left, []).extend(
                (-(edge.score - way[0]), way[1] + 1, -edge.end, rank, right)
                for rank, way in enumerate(self.behind(edge.end, right))
            )
        self.ways[place] = {left: nsmallest(self.n, ways) for left, ways in found.items() if ways}

    def behind(self, place: int, right: int) -> list[Way]:
        """The n best from a place for a word before it that shows a class. Their last items keep their meaning."""
        ways = self.known.get((place, right))
        if ways is None:
            row = self.ratios[right]
            ways = self.known[place, right] = nsmallest(
                self.n,
                ((-(row[left] - way[0]), *way[1:]) for left, group in self.ways[place].items() for way in group),
            )
        return ways

    def cuts(self, rank: int) -> list[int]:
        """The ends of the words of one of the best ways from the beginning."""
        cuts, right, size = [0], 0, len(self.ways) - 1
        while cuts[-1] < size:
            _, _, end, rank, right = self.behind(cuts[-1], right)[rank]
            cuts.append(-end)
        return cuts


def _log_sum(values: list[float]) -> float:
    """log(sum(exp(value))) without overflow."""
    top = max(values)
    return top if top == -inf else top + log(sum([exp(value - top) for value in values]))


def _positive(temperature: float) -> float:
    if not (temperature > 0.0 and isfinite(temperature)):
        raise ValueError(f"temperature: expected a number above 0, such as 1.0, got {temperature!r}")
    return temperature
