"""Similar words (相似词): those that keep the same company, by the cosine of their profiles.

The *profile* of a word says for each context word by how many bits their bond exceeds chance (positive pointwise mutual
information with context smoothing, O. Levy, Y. Goldberg & I. Dagan 2015). Over the ten thousand most frequent context
words the neighbours are those of the same topic; over the first five hundred, mostly grammar, those of the same kind.
Requiring that meanings add up leads to the same numbers: PMI must then be the product of two vectors
(https://kexue.fm/archives/4671). *Related* words, those that meet, are told by
:meth:`~nlp_zero.network.cooccurrence.Cooccurrence.related`.

How long vectors should be that stand for words, :func:`vector_size` says by an entropy.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from math import exp, fsum, lgamma, log, sqrt
from typing import Any

from .. import kernels
from .cooccurrence import Cooccurrence, Score
from .graph import Graph

__all__ = ["Profiles", "skip_gram_entropy", "vector_size"]

# Rows searched between two reports of how far it is.
TURN = 500


class Profiles:
    """The profiles of the words of a text; they do not change once they are made.

    >>> lists = [["我", "喝", "茶"], ["我", "喝", "水"], ["你", "喝", "茶"], ["你", "喝", "水"], ["我", "看", "书"]]
    >>> profiles = Profiles(lists)
    >>> [similar.word for similar in profiles.similar("茶", 1)], round(profiles.similarity("茶", "水"), 6)
    (['水'], 1.0)

    ``word_lists`` may be a :class:`Cooccurrence` that has been counted before; otherwise ``counting`` are arguments of
    it. ``contexts`` are the most frequent words that profiles are made of, ``smoothing`` is the power of their counts,
    weights of ``shift`` bits and below are left out, and of a word all but the ``strongest`` (None: all are kept).
    O(pairs), 24 bytes a weight.
    """

    def __init__(
        self,
        word_lists: Iterable[Iterable[str]] | Cooccurrence,
        *,
        contexts: int = 10_000,
        smoothing: float = 0.75,
        shift: float = 0.0,
        strongest: int | None = None,
        **counting: Any,
    ) -> None:
        if contexts < 1:
            raise ValueError(f"contexts: expected 1 or more, got {contexts!r}")
        if strongest is not None and strongest < 1:
            raise ValueError(f"strongest: expected 1 or more, got {strongest!r}")
        if isinstance(word_lists, Cooccurrence):
            if counting:
                raise TypeError(f"{next(iter(counting))}: expected it where the pairs were counted")
            self.pairs = word_lists
        else:
            self.pairs = Cooccurrence(word_lists, **counting)
        self.words, self.counts = self.pairs.words, self.pairs.counts
        width = min(contexts, len(self.words))
        most = strongest or 0
        self._table = self.pairs.information(smoothing, limit=width, upper=False, least=shift, most=most, unit=True)
        starts, rows, weights = kernels.turn_rows(*self._table, width)
        self._index = array("Q", starts), array("I", rows), array("d", weights)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.pairs

    def __repr__(self) -> str:
        return f"<Profiles: {len(self.words):,} words, {len(self._table[1]):,} weights>"

    def vector(self, word: str) -> dict[str, float]:
        """The profile of a word, of length 1, the greatest weights first; empty if nothing is bound to it."""
        row = self.pairs.number(word)
        starts, columns, weights = self._table
        places = sorted(range(starts[row], starts[row + 1]), key=lambda place: (-weights[place], columns[place]))
        return {self.words[columns[place]]: weights[place] for place in places}

    def similarity(self, first: str, second: str) -> float:
        """The cosine of two profiles: 0 without a common context, 1 with the same."""
        one, other = self.vector(first), self.vector(second)
        return min(1.0, fsum(weight * other.get(word, 0.0) for word, weight in one.items()))

    def similar(self, word: str, n: int = 10, *, least: float = 0.0) -> list[Score]:
        """The ``n`` words of most similar profile, ``least`` or more; of equals the more frequent first.

        Found through an index of the contexts: words that share none are never looked at, and those that can no
        longer come into the best n are given up (:mod:`nlp_zero.kernels.profiles`). Exact.
        """
        _, rows, cosines = self._nearest(array("I", [self.pairs.number(word)]), n, least)
        return [Score(self.words[row], min(1.0, cosine)) for row, cosine in zip(rows, cosines, strict=True)]

    def _nearest(self, queries: array[int], n: int, least: float) -> tuple[array[int], array[int], array[float]]:
        if n < 1:
            raise ValueError(f"n: expected 1 or more, got {n!r}")
        if not 0 <= least <= 1:
            raise ValueError(f"least: expected a cosine from 0 to 1, such as 0.2, got {least!r}")
        starts, rows, cosines = kernels.nearest_rows(*self._table, *self._index, queries, n, least)
        return array("Q", starts), array("I", rows), array("d", cosines)

    def related(self, word: str, n: int = 10, *, alpha: float = 0.9) -> list[Score]:
        """The words that meet a word: see :meth:`Cooccurrence.related`."""
        return self.pairs.related(word, n, alpha=alpha)

    def neighbour_graph(
        self, n: int = 10, *, least: float = 0.0, words: int | None = None, progress: Any = None
    ) -> Graph:
        """Each of the first ``words`` words (None: all) linked to its ``n`` most similar, weighted by the cosine.

        Undirected: two words that name each other have a link of twice the weight. ``progress`` is called with the
        words done and all of them. The nodes are these words and those they are linked to.
        """
        size = len(self.words) if words is None else min(words, len(self.words))
        links: list[tuple[str, str, float]] = []
        for begin in range(0, size, TURN):
            queries = array("I", range(begin, min(begin + TURN, size)))
            starts, rows, cosines = self._nearest(queries, n, least)
            for place, query in enumerate(queries):
                for link in range(starts[place], starts[place + 1]):
                    links.append((self.words[query], self.words[rows[link]], min(1.0, cosines[link])))
            if progress is not None:
                progress(min(begin + TURN, size), size)
        return Graph(links, nodes=self.words[:size])


def skip_gram_entropy(size: int) -> float:
    """The part of the entropy of a skip-gram model that depends on the length of its vectors, in nats.

    With vectors spread evenly on the sphere of radius sqrt(n) and N words, pairs have the entropy 2 ln N + h(n), where
    h(n) = ln E - n E' / E for E = the mean of exp(n cos) over the angles of two vectors
    (https://kexue.fm/archives/7695). About -0.24 n. O(n).

    >>> [round(skip_gram_entropy(size), 4) for size in (32, 64, 96, 128)]
    [-7.7747, -15.4734, -23.1726, -30.8718]
    """
    if size < 2:
        raise ValueError(f"size: expected 2 or more, got {size!r}")
    # E is the sum over m of (n/2)^2m Gamma(n/2) / (m! Gamma(m + n/2)); the derivative multiplies each term by 2m / n.
    half = size / 2
    steps = range(4 * size + 40)
    logs = [2 * m * log(half) + lgamma(half) - lgamma(m + 1) - lgamma(m + half) for m in steps]
    top = max(logs)
    terms = [exp(value - top) for value in logs]
    whole = fsum(terms)
    return top + log(whole) - fsum(2 * m * term for m, term in zip(steps, terms, strict=True)) / whole


def vector_size(words: int) -> float:
    """The length from which vectors have room for so many words, by the entropy rule: 2 ln N / (1/2 ln golden ratio).

    It is where 2 ln N + :func:`skip_gram_entropy` falls below zero; 8.312 ln N (the source rounds to 8.33). A rule of
    thumb of capacity, not an optimum. Counts have no vectors to choose the length of; this is for those who train some.

    >>> [round(vector_size(words), 1) for words in (10_000, 50_000, 100_000, 5_000_000)]
    [76.6, 89.9, 95.7, 128.2]
    """
    if words < 1:
        raise ValueError(f"words: expected 1 or more, got {words!r}")
    return 2 * log(words) / (0.5 * log((1 + sqrt(5)) / 2))
