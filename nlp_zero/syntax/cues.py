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

from array import array
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain, compress, pairwise
from math import log
from operator import not_
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from .. import kernels
from .splits import weakest_bond
from .stretches import stretch_brackets, stretch_words

__all__ = ["Bond", "Cues", "TextBonds", "bond_tree", "text_bonds"]

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
            for stretch in stretch_words(sentence):
                self.count(stretch)

    def count(self, stretch: Sequence[Word]) -> None:
        """Count one stretch, without punctuation and of one word or more."""
        self.words.update(stretch)
        self.pairs.update(pairwise(stretch))
        self.begins[stretch[0]] += 1
        self.ends[stretch[-1]] += 1
        self.total += len(stretch)
        self.stretches += 1

    def pmi(self, a: Word, b: Word) -> float:
        """Pointwise mutual information of two neighbours."""
        chance = (self.words[a] + 1) * (self.words[b] + 1) / max(self.total, 1) ** 2
        joint = (self.pairs[a, b] + _SEEN) / max(self.total - self.stretches, 1)
        return log(joint) - log(chance)

    def follow(self, a: Word, b: Word) -> float:
        """ln p(b | a)."""
        return log((self.pairs[a, b] + _SEEN) / (self.words[a] + 1))

    def boundary(self, a: Word, b: Word) -> float:
        """How seldom a stretch ends with ``a``, and begins with ``b``; rates of rare words lean on the mean."""
        return self.end_cost(a) + self.begin_cost(b)

    def end_cost(self, word: Word) -> float:
        """-ln p(end | word)."""
        return -log((self.ends[word] + self._prior()) / (self.words[word] + _SMOOTHING))

    def begin_cost(self, word: Word) -> float:
        """-ln p(begin | word)."""
        return -log((self.begins[word] + self._prior()) / (self.words[word] + _SMOOTHING))

    def _prior(self) -> float:
        return _SMOOTHING * self.stretches / self.total if self.total else 1.0

    def bond(self, a: Word, b: Word) -> float:
        """``boundary`` and .4 of ``pmi``."""
        return self.boundary(a, b) + PMI * self.pmi(a, b)


class TextBonds(NamedTuple):
    """A text of numbers, 0 after each stretch: how often each occurs, and for each place its bond with the next."""

    counts: list[int]
    bonds: array[float]


def text_bonds(text: array[int], size: int) -> TextBonds:
    """The bonds of :meth:`Cues.bond` in a text of numbers below ``size``, 0 after each stretch; 0.0 beside a 0.

    O(words); 16 bytes a word (8 of them the result), some 50 to 100 a pair.

    >>> list(map(round, text_bonds(array("I", [1, 2, 0, 1, 2, 0, 2, 1, 0]), 3).bonds))
    [2, 0, 0, 2, 0, 0, 1, 0, 0]
    """
    cues: Cues[int] = Cues()
    cues.words = Counter(text)
    counts = list(map(cues.words.__getitem__, range(size)))
    cues.stretches, cues.total = counts[0], len(text) - counts[0]
    cues.begins = Counter(compress(text, map(not_, chain((0,), text))))
    cues.ends = Counter(compress(text, map(not_, chain(text[1:], (0,)))))
    ends = array("d", map(cues.end_cost, range(size)))
    begins = array("d", map(cues.begin_cost, range(size)))
    shares = array("d", map((1).__add__, counts))
    places, square = max(cues.total - cues.stretches, 1), max(cues.total, 1) ** 2
    bonds = kernels.neighbour_bonds(text, ends, begins, shares, _SEEN, places, square, PMI)
    return TextBonds(counts, array("d", bonds))


def bond_tree(words: Sequence[str], bond: Bond) -> list[tuple[int, int]]:
    """The brackets of a sentence: each stretch, split at its weakest bonds, and each pair of signs.

    >>> bond_tree("我 的 苹果 ， 好 吃".split(), lambda a, b: 2.0 if b == "的" else 1.0)
    [(0, 3), (0, 2), (4, 6)]
    """
    return stretch_brackets(words, lambda pieces: weakest_bond([bond(a.word, b.word) for a, b in pairwise(pieces)]))
