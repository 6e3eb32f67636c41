"""Skip-grams (跳字对): which words stand before which within a window, how firmly, and how surely.

One event space. The event is a pair of places of a stretch, the second at most ``window`` after the first: N of them in
all. A pair of words that meets n times has the *marginals* of the same table: L events that begin with the first word,
R that end with the second. Words at the edge of a stretch have fewer events, and fewer in their marginals; so nothing
is biased by where a word stands, as it was where L and R were counts of words. The *measures* are

* ``"pmi"``: log2 of n N / (L R), pointwise mutual information in bits (K. W. Church & P. Hanks 1990);
* ``"gain"``: what the description gains, in bits an event, if the pair becomes one symbol, exactly
  (:func:`nlp_zero.words.association.merge_gain`);
* ``"llr"``: the log-likelihood ratio G2 (T. Dunning 1993), negative for pairs that avoid each other;
* ``"word_pmi"``: the source article's, n / N over the shares of the two among the words; two event spaces, so it is
  above ``"pmi"`` by some constant and more, the more the shorter the stretches are. To compare with.

A pair is *kept* if it meets often enough, more often than by chance so surely that G2 is ``min_g2`` or more (10.83: one
such pair in 1,000 by chance alone), and its measure is ``min_score`` or more.
"""

from __future__ import annotations

from array import array
from math import log, log2
from typing import NamedTuple

from .. import kernels
from ..words.association import merge_gain

__all__ = ["MEASURES", "Links", "Rule", "links"]

MEASURES = ("pmi", "gain", "llr", "word_pmi")


class Rule(NamedTuple):
    """Which pairs of words are kept."""

    window: int = 5
    measure: str = "pmi"
    min_score: float = 0.0
    min_count: int = 5
    min_g2: float = 10.83

    def check(self) -> Rule:
        """The rule itself; ValueError where it is none."""
        if not 1 <= self.window <= 16:
            raise ValueError(f"window: expected 1 to 16 words, got {self.window!r}")
        if self.measure not in MEASURES:
            raise ValueError(f"measure: expected one of {', '.join(MEASURES)}, got {self.measure!r}")
        if self.min_count < 1:
            raise ValueError(f"min_count: expected 1 or more, got {self.min_count!r}")
        if not self.min_g2 >= 0:
            raise ValueError(f"min_g2: expected 0 or more, such as 10.83, got {self.min_g2!r}")
        return self


class Links(NamedTuple):
    """The kept pairs, row by row: where a row starts, what stands in it, how often, and how firmly."""

    starts: array[int]
    columns: array[int]
    counts: array[int]
    scores: array[float]  # by the measure
    ratios: array[float]  # n N / (L R), at least 1
    g2: array[float]


def links(tokens: array[int], counts: array[int], rule: Rule) -> Links:
    """The kept pairs of a text of numbers: 0 ends a stretch, n + 1 is symbol n, which occurs ``counts[n]`` times.

    The text 0 1 | 0 1 | 2:

    >>> tokens, counts = array("I", [1, 2, 0, 1, 2, 0, 3, 0]), array("Q", [2, 2, 1])
    >>> found = links(tokens, counts, Rule(min_count=1, min_g2=0, measure="word_pmi"))
    >>> list(found.starts), list(found.columns), [round(score, 3) for score in found.scores]
    ([0, 1, 1, 1], [1], [2.644])

    O(pairs met), 16 bytes a symbol, 40 a pair kept.
    """
    rule.check()
    parts = kernels.pair_rows(tokens, len(counts), rule.window, False, rule.min_count)
    starts, columns, numbers, lefts, rights = (array(code, part) for code, part in zip("QIIQQ", parts, strict=True))
    events, words = sum(lefts), sum(counts)
    kept = Links(array("Q", [0]), array("I"), array("I"), array("d"), array("d"), array("d"))
    for row, left in enumerate(lefts):
        for place in range(starts[row], starts[row + 1]):
            column, count = columns[place], numbers[place]
            right = rights[column]
            sure = signed_g2(count, left, right, events)
            if sure < rule.min_g2 and rule.min_g2 > 0:
                continue
            if rule.measure == "pmi":
                score = log2(count * events / (left * right))
            elif rule.measure == "gain":
                score = merge_gain(count, left, right, events)
            elif rule.measure == "llr":
                score = sure
            else:
                score = log2(count * words * words / (events * counts[row] * counts[column]))
            if score >= rule.min_score:
                kept.columns.append(column)
                kept.counts.append(count)
                kept.scores.append(score)
                kept.ratios.append(max(1.0, count * events / (left * right)))
                kept.g2.append(sure)
        kept.starts.append(len(kept.columns))
    return kept


def signed_g2(joint: int, left: int, right: int, total: int) -> float:
    """The log-likelihood ratio of a two-by-two table, in units of chi squared; negative where the two avoid each other.

    >>> round(signed_g2(10, 10, 20, 100), 6)
    37.290707
    """
    rest = total - left - right + joint
    sum_of_logs = (
        _n_log_n(joint) + _n_log_n(left - joint) + _n_log_n(right - joint) + _n_log_n(rest) + _n_log_n(total)
    ) - (_n_log_n(left) + _n_log_n(total - left) + _n_log_n(right) + _n_log_n(total - right))
    value = 2.0 * max(sum_of_logs, 0.0)
    return value if joint * total >= left * right else -value


def _n_log_n(number: int) -> float:
    return number * log(number) if number else 0.0
