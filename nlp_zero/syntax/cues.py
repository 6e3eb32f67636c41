"""Cues for where a sentence falls apart: how strongly two neighbours hold together, counted in stretches of raw text.

All are in nats and greater for a stronger bond; :func:`nlp_zero.syntax.splits.weakest_bond` makes trees of any of them.

* ``pmi``: ln p(a b) / (p(a) p(b));
* ``follow``: ln p(b | a), how surely b comes after a;
* ``boundary``: -ln p(end | a) - ln p(begin | b), how seldom a ends a stretch between punctuation marks and b begins
  one. What may stand beside a comma may stand beside the edge of a phrase; of all single cues the best here;
* ``bond``: ``boundary`` and .4 of ``pmi``.

>>> cues = Cues()
>>> cues.train([["我", "的", "苹果", "，", "好", "吃"], ["苹果", "。"], ["你", "的", "，", "苹果", "好"]])
>>> round(cues.boundary("苹果", "好"), 3), round(cues.boundary("我", "的"), 3)
(1.232, 2.185)
>>> cues.bond("我", "的") > cues.bond("苹果", "好")
True
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain, pairwise
from math import log
from typing import Generic, TypeAlias, TypeVar

from .splits import weakest_bond
from .stretches import stretch_brackets, stretches

__all__ = ["Bond", "Cues", "bond_tree"]

Word = TypeVar("Word", bound=Hashable)
Bond: TypeAlias = Callable[[str, str], float]

PMI = 0.4
"""The weight of ``pmi`` in ``bond``, chosen on the train part of UD."""

_SMOOTHING = 3.0  # stretches' worth of the mean rate of ends that a word is given before it is seen
_SEEN = 0.1  # added to the count of a pair


class Cues(Generic[Word]):
    """Counts of words, of neighbours, of what begins and ends stretches. Words may be anything that a dict can hold."""

    def __init__(self) -> None:
        self.words: Counter[Word] = Counter()
        self.pairs: Counter[tuple[Word, Word]] = Counter()
        self.begins: Counter[Word] = Counter()
        self.ends: Counter[Word] = Counter()
        self.total = self.stretches = 0

    def train(self: Cues[str], sentences: Iterable[Sequence[str]]) -> None:
        """Count sentences, lists of words with their punctuation; again adds. O(words)."""
        for sentence in sentences:
            for pieces in stretches(sentence):
                self.count([piece.word for piece in pieces])

    def count(self, stretch: Sequence[Word]) -> None:
        """Count one stretch, without punctuation and of one word or more."""
        self.words.update(stretch)
        self.pairs.update(pairwise(stretch))
        self.begins[stretch[0]] += 1
        self.ends[stretch[-1]] += 1
        self.total += len(stretch)
        self.stretches += 1

    def count_text(self, text: Sequence[Word], edge: Word) -> None:
        """Count stretches of one word or more that stand one after the other, ``edge`` after each of them."""
        self.words.update(text)
        stretches = self.words.pop(edge, 0)
        self.pairs.update(chain(((edge, word) for word in text[:1]), pairwise(text)))
        for pair in [pair for pair in self.pairs if edge in pair]:
            count = self.pairs.pop(pair)
            if pair[1] != edge:
                self.begins[pair[1]] += count
            else:
                self.ends[pair[0]] += count
        self.total += len(text) - stretches
        self.stretches += stretches

    def pmi(self, a: Word, b: Word) -> float:
        """Pointwise mutual information of two neighbours."""
        joint = (self.pairs[a, b] + _SEEN) / max(self.total - self.stretches, 1)
        return log(joint) - log((self.words[a] + 1) * (self.words[b] + 1) / max(self.total, 1) ** 2)

    def follow(self, a: Word, b: Word) -> float:
        """ln p(b | a)."""
        return log((self.pairs[a, b] + _SEEN) / (self.words[a] + 1))

    def boundary(self, a: Word, b: Word) -> float:
        """How seldom a stretch ends with ``a``, and begins with ``b``; rates of rare words lean on the mean."""
        prior = _SMOOTHING * self.stretches / self.total if self.total else 1.0
        end = (self.ends[a] + prior) / (self.words[a] + _SMOOTHING)
        begin = (self.begins[b] + prior) / (self.words[b] + _SMOOTHING)
        return -log(end) - log(begin)

    def bond(self, a: Word, b: Word) -> float:
        """``boundary`` and .4 of ``pmi``."""
        return self.boundary(a, b) + PMI * self.pmi(a, b)


def bond_tree(words: Sequence[str], bond: Bond) -> list[tuple[int, int]]:
    """The brackets of a sentence: each stretch, split at its weakest bonds, and each pair of signs.

    >>> bond_tree("我 的 苹果 ， 好 吃".split(), lambda a, b: 2.0 if b == "的" else 1.0)
    [(0, 3), (0, 2), (4, 6)]
    """
    return stretch_brackets(words, lambda pieces: weakest_bond([bond(a.word, b.word) for a, b in pairwise(pieces)]))
