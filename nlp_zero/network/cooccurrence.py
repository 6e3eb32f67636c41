"""Co-occurrence (共现): which words stand near which, how often, and how much more often than by chance.

Words meet in one of three *units*: within a ``"window"`` of so many words of the same sentence, anywhere in the same
``"sentence"``, or in the same ``"document"`` (the same list). In a window every pair of places counts; a sentence or a
document counts once for a pair of words that are in it.

Of a pair that meets n times, of words that meet others R and C times, of N meetings in all, the *measures* are

* ``"count"``: n;
* ``"pmi"``: log2 of n N / (R C), pointwise mutual information in bits (K. W. Church & P. Hanks 1990);
* ``"ppmi"``: the same with C to the power ``smoothing`` and scaled back, which keeps rare words from the top
  (O. Levy, Y. Goldberg & I. Dagan 2015, "Improving distributional similarity with lessons learned from word
  embeddings"; without direction it is the mean of both ways);
* ``"llr"``: the log-likelihood ratio G2 (T. Dunning 1993), which asks how sure the bond is and not how strong;
  above 10.83 chance alone would do the same in one of 1,000 pairs.

A graph has the pairs whose measure is above zero: those that meet more often than chance would have it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from math import fsum, log, log2
from typing import Any, NamedTuple, TypeAlias

from .. import kernels
from ..errors import InputError
from .graph import Graph
from .terms import read_terms

__all__ = ["Cooccurrence", "Score", "cooccurrence"]

MEASURES = ("count", "pmi", "ppmi", "llr")
Columns: TypeAlias = "tuple[array[int], array[int], array[float]]"


class Score(NamedTuple):
    """A word and what it scored."""

    word: str
    score: float


class Cooccurrence:
    """Counts of pairs of words; they do not change once they are made.

    >>> lists = [["喝", "茶"], ["喝", "水"], ["茶", "水"], ["喝", "茶"]]
    >>> pairs = Cooccurrence(lists)
    >>> pairs.words, pairs.count("茶", "喝"), pairs
    (('喝', '茶', '水'), 2, <Cooccurrence: 3 words, 3 pairs, window 5>)

    ``window`` is in words; ``directed`` counts who comes first (windows only). ``min_count`` (None: 1, 2 or 5 as the
    text is long) and ``max_words`` say which words are kept, ``min_pairs`` which pairs. The text is read once; memory:
    8 bytes a word of text, 8 a pair and row (twice without direction), the words.

    Raises :class:`InputError` where no words are left, or none that meet.
    """

    def __init__(
        self,
        word_lists: Iterable[Iterable[str]],
        *,
        window: int = 5,
        unit: str = "window",
        directed: bool = False,
        min_count: int | None = None,
        max_words: int | None = None,
        min_pairs: int = 1,
    ) -> None:
        if window < 1:
            raise ValueError(f"window: expected 1 word or more, got {window!r}")
        if min_pairs < 1:
            raise ValueError(f"min_pairs: expected 1 or more, got {min_pairs!r}")
        if directed and unit != "window":
            raise ValueError(f"directed: expected the unit 'window', where words have an order, got {unit!r}")
        terms = read_terms(word_lists, unit=unit, min_count=min_count, max_words=max_words)
        self.words, self.counts, self.total = terms.words, terms.counts, terms.total
        self.unit, self.window, self.directed, self.min_count = unit, window, directed, terms.min_count
        self._numbers = {word: number for number, word in enumerate(self.words)}
        reach = window if unit == "window" else 0
        parts = kernels.pair_rows(terms.tokens, len(self.words), reach, not directed, min_pairs)
        self.starts, self.columns, self.pair_counts = _table(parts[:3], "I")
        if not len(self.columns):
            raise InputError(_no_pairs(terms.total, min_pairs))
        if unit == "window":
            self.row_sums, self.column_sums = array("Q", parts[3]), array("Q", parts[4])
            self.meetings = sum(self.row_sums)
        else:
            self.row_sums = self.column_sums = terms.counts
            self.meetings = sum(1 for _ in terms.stretches())

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._numbers

    def __repr__(self) -> str:
        pairs = len(self.columns) if self.directed else self._triangle()
        place = f"window {self.window}" if self.unit == "window" else self.unit
        return f"<Cooccurrence: {len(self.words):,} words, {pairs:,} pairs, {place}>"

    def _triangle(self) -> int:
        own = sum(1 for number in range(len(self.words)) if self._count(number, number))
        return (len(self.columns) + own) // 2

    def number(self, word: str) -> int:
        """The place of a word in :attr:`words`, which begin with the most frequent; InputError for one not in it."""
        try:
            return self._numbers[word]
        except (KeyError, TypeError):
            raise InputError(
                f"expected a word that occurs {self.min_count} times or more in the text, such as "
                f"{self.words[0]!r}, got {word!r}"
            ) from None

    def row(self, word: str) -> dict[str, int]:
        """The words that meet a word (that follow it, where pairs are directed), and how often."""
        number = self.number(word)
        places = range(self.starts[number], self.starts[number + 1])
        return {self.words[self.columns[place]]: self.pair_counts[place] for place in places}

    def count(self, first: str, second: str) -> int:
        """How often two words meet; of a word with itself without direction, twice."""
        return self._count(self.number(first), self.number(second))

    def _count(self, row: int, column: int) -> int:
        low, high = self.starts[row], self.starts[row + 1]
        while low < high:
            middle = (low + high) // 2
            if self.columns[middle] < column:
                low = middle + 1
            else:
                high = middle
        return self.pair_counts[low] if low < self.starts[row + 1] and self.columns[low] == column else 0

    # Measures

    def pmi(self, first: str, second: str) -> float:
        """Pointwise mutual information of two words in bits; minus infinity of two that do not meet.

        >>> round(Cooccurrence([["喝", "茶"], ["喝", "水"], ["茶", "水"], ["喝", "茶"]]).pmi("喝", "茶"), 4)
        0.8301
        """
        row, column = self.number(first), self.number(second)
        joint = self._count(row, column)
        if not joint:
            return float("-inf")
        return log2(joint * self.meetings / (self.row_sums[row] * self.column_sums[column]))

    def information(
        self, smoothing: float, *, limit: int, upper: bool, least: float, most: int = 0, unit: bool
    ) -> Columns:
        """The table of PMI in bits above ``least``, as :func:`nlp_zero.kernels.information_rows` gives it."""
        if not 0 < smoothing <= 1:
            raise ValueError(f"smoothing: expected more than 0 and at most 1, such as 0.75, got {smoothing!r}")
        left = [log2(count) if count else 0.0 for count in self.row_sums]
        right = self._context_logs(smoothing)
        if upper and smoothing != 1:
            whole = log2(self.meetings)
            right = [(own - whole + context) / 2 for own, context in zip(left, right, strict=True)]
            left = [half + whole for half in right]
        counts = self.starts, self.columns, self.pair_counts
        logs = array("d", left), array("d", right)
        return _table(kernels.information_rows(*counts, *logs, limit, upper, least, most, unit), "d")

    def _context_logs(self, smoothing: float) -> list[float]:
        """log2 of the chance of each word as a context, its counts to the power ``smoothing``."""
        raised = [float(count) ** smoothing for count in self.column_sums]
        scale = sum(self.column_sums) / (fsum(raised) * self.meetings)
        return [log2(power * scale) if power else 0.0 for power in raised]

    def _likelihood(self) -> Columns:
        # Without direction each meeting of a window is counted from both its ends.
        scale = 0.5 if self.unit == "window" and not self.directed else 1.0
        sums = self.row_sums, self.column_sums, self.meetings
        counts = self.starts, self.columns, self.pair_counts
        return _table(kernels.likelihood_rows(*counts, *sums, scale, not self.directed), "d")

    def graph(self, measure: str = "ppmi", *, smoothing: float = 0.75, least: float = 0.0) -> Graph:
        """The graph of the words, linked by a measure above ``least``; a word has no link to itself without direction.

        Its nodes are all words, the most frequent first. O(pairs), 16 bytes a link.
        """
        if measure not in MEASURES:
            raise ValueError(f"measure: expected one of {', '.join(MEASURES)}, got {measure!r}")
        if not least >= 0:
            raise ValueError(f"least: expected 0 or more, got {least!r}")
        upper = not self.directed
        if measure == "count":
            table = self._counted(least)
        elif measure == "llr":
            table = self._likelihood()
        else:
            power = 1.0 if measure == "pmi" else smoothing
            table = self.information(power, limit=len(self.words), upper=upper, least=least, unit=False)
        return graph_of(self.words, table, directed=self.directed, least=least)

    def _counted(self, least: float) -> Columns:
        starts, columns, weights = array("Q", [0]), array("I"), array("d")
        for row in range(len(self.words)):
            for place in range(self.starts[row], self.starts[row + 1]):
                column, count = self.columns[place], self.pair_counts[place]
                if (self.directed or column > row) and count > least:
                    columns.append(column)
                    weights.append(count)
            starts.append(len(columns))
        return starts, columns, weights

    def related(self, word: str, n: int = 10, *, alpha: float = 0.9) -> list[Score]:
        """The words that a word calls to mind (相关词): those of greatest ln p(y | x) - alpha ln p(y), in nats.

        With ``alpha`` 1 this is PMI, which the rarest words win; 0 takes the most frequent neighbours. Of equals the
        more frequent word comes first.

        >>> lists = [["喝", "茶"], ["喝", "水"], ["茶", "水"], ["喝", "茶"], ["茶", "叶"]]
        >>> [related.word for related in Cooccurrence(lists).related("茶", 2)]
        ['叶', '喝']
        """
        if n < 1:
            raise ValueError(f"n: expected 1 or more, got {n!r}")
        row = self.number(word)
        base = log(self.row_sums[row]) if self.row_sums[row] else 0.0
        whole, found = log(self.meetings), []
        for place in range(self.starts[row], self.starts[row + 1]):
            column = self.columns[place]
            if column != row:
                own = log(self.column_sums[column]) - whole
                found.append((-(log(self.pair_counts[place]) - base - alpha * own), column))
        return [Score(self.words[column], -negative) for negative, column in sorted(found)[:n]]


def _table(parts: tuple[bytes, ...], code: str) -> tuple[array[int], array[int], array[Any]]:
    starts, columns, values = parts
    return array("Q", starts), array("I", columns), array(code, values)


def _no_pairs(total: int, least: int) -> str:
    if least > 1:
        return f"expected two words that meet {least} times or more in {total:,} words, got none"
    return f"expected sentences of two words or more, such as ['喝', '茶'], got {total:,} words of which no two meet"


def graph_of(words: tuple[str, ...], table: Columns, *, directed: bool, least: float = 0.0) -> Graph:
    """A graph of a table of weights, link by link in the order of its rows; those of ``least`` and below left out."""
    graph = Graph(directed=directed, nodes=words)
    starts, columns, weights = table
    sources = array("I")
    for row in range(len(starts) - 1):
        sources.extend([row] * (starts[row + 1] - starts[row]))
    if least > 0 and any(weight <= least for weight in weights):
        kept = [place for place, weight in enumerate(weights) if weight > least]
        sources = array("I", map(sources.__getitem__, kept))
        columns = array("I", map(columns.__getitem__, kept))
        weights = array("d", map(weights.__getitem__, kept))
    graph.sources, graph.targets, graph.weights = sources, columns, weights
    return graph


def cooccurrence(
    word_lists: Iterable[Iterable[str]],
    *,
    measure: str = "ppmi",
    window: int = 5,
    unit: str = "window",
    directed: bool = False,
    smoothing: float = 0.75,
    min_count: int | None = None,
    max_words: int | None = None,
    min_pairs: int = 1,
    least: float = 0.0,
) -> Graph:
    """The graph of the words of a text, linked by how often, or how much oftener than by chance, they meet.

    The arguments are those of :class:`Cooccurrence` and :meth:`Cooccurrence.graph`.

    >>> lists = [["喝", "茶"], ["喝", "水"], ["茶", "水"], ["喝", "茶"]]
    >>> list(cooccurrence(lists, measure="count").links())
    [('喝', '茶', 2.0), ('喝', '水', 1.0), ('茶', '水', 1.0)]
    """
    pairs = Cooccurrence(
        word_lists,
        window=window,
        unit=unit,
        directed=directed,
        min_count=min_count,
        max_words=max_words,
        min_pairs=min_pairs,
    )
    return pairs.graph(measure, smoothing=smoothing, least=least)
