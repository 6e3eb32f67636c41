"""Parsing with templates (模板句法分析): the best way to lay templates into one another so that they cover a sentence.

J. Su (2018, 飞象过河) takes a sentence for one template whose slots hold templates again, down to single words. Its
objective is kept: every word is covered exactly once, brackets do not cross, and the sum of the log-probabilities of
the templates is greatest. What no template explains is a list of items side by side, and costs ``null_score`` for
each item after the first, so the price grows with the length; a list competes on every span, whether or not some
template fits there, and its items may be templates themselves. One word costs nothing.

**Stretches.** A sentence is first cut at its punctuation (:mod:`nlp_zero.syntax.stretches`): templates do not reach
across it, and what stands between quotes or parentheses is one piece of the stretch around it. Stretches stand side by
side at no price. A stretch of more than ``longest`` pieces is cut into parts of equal length, no longer than that,
which bounds time and memory: they grow with the words of a sentence, not with their square.

**Ties** are exact: scores are added as whole numbers of 2**-30 nats. Of two analyses of the same score, that with more
fixed words in its templates wins. If that is the same, from the outside in: a template wins over a list; of templates,
the one with more fixed words, then the one that the grammar has first; of its places, those whose last slot is
shortest, then the slot before it, and so on. So chains of 的 or 和 branch to the left, as Chinese modifiers do:
((雪梨 和 苹果) 和 香蕉); for lists, the one whose last item is shortest, and so on.

>>> from nlp_zero.syntax.grammar import Template
>>> grammar = Grammar([Template.parse("_ 的 _", 12), Template.parse("_ 好 吃", 6)])
>>> tree = Parser(grammar).parse(["我", "的", "苹果", "好", "吃", "。"])
>>> print(tree.pretty())
+---> _ 。
|     +---> _ 好 吃  ← _ 好 吃
|     |     +---> 我 的 苹果  ← _ 的 _
>>> round(tree.score, 6)
-1.504077
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from math import fsum, isfinite
from typing import NamedTuple, TypeAlias

from .. import kernels
from ..errors import InputError
from .grammar import Grammar, Template
from .matching import Matcher, Trie
from .nbest import Brackets, best_derivations, best_sums
from .stretches import Piece, stretches
from .tree import Node, Tree

__all__ = ["LONGEST", "NULL_SCORE", "Known", "Parser", "SpanScores"]

NULL_SCORE = -20.0
"""Nats for each unexplained item after the first, as in the article."""

LONGEST = 64
"""The most pieces of a chart. Of the stretches of real text 99.9 % have fewer."""

MOST_LONGEST = 512
MOST_NATS = 1000.0

Known: TypeAlias = "Mapping[tuple[int, int], float]"
"""Nats by (start, end): what is known of a bracket from elsewhere."""
SpanScores: TypeAlias = "Callable[[list[str]], Known]"
"""What is known of the brackets of a stretch, from its pieces."""

_Chart: TypeAlias = "tuple[array[int], array[int], Trie, array[int], int, array[int]]"


def _units(nats: float) -> int:
    """Nats as a whole number, 2**30 units a nat; the ten lowest bits are 0, for the number of fixed words."""
    return round(max(-MOST_NATS, min(MOST_NATS, nats)) * (1 << 30)) << 10


class _Part(NamedTuple):
    """Some pieces of a stretch, no more than a chart takes; ``whole`` if they are the stretch."""

    pieces: Sequence[Piece]
    whole: bool


class _Parse(NamedTuple):
    """An analysis of a part: its score as a whole number and in nats, its brackets in pieces with their templates."""

    units: int
    brackets: Brackets
    nats: float


class Parser:
    """Trees by the templates of a grammar.

    ``null_score`` (nats, not above 0) is the price of each unexplained item after the first; ``longest`` (2 to 512) the
    most pieces of a chart. ``spans``, if given, is asked for every stretch what each bracket of two pieces or more
    scores besides, in nats (:data:`SpanScores`; those that it leaves out 0); then the items of a list may be
    brackets without a template, where that adds to the score. ``worth``, if given, says what each use of a template
    scores, in nats, in the place of its log-probability. A chart takes O(n**2 * matches) time and
    O(n**2 + items) memory in its pieces; see :mod:`nlp_zero.kernels.chart`.

    >>> from nlp_zero.syntax.grammar import Template
    >>> parser = Parser(Grammar([Template.parse("_ 和 _", 12)]))
    >>> parser.parse("雪梨 和 苹果 和 香蕉".split()).brackets()
    '((雪梨 和 苹果) 和 香蕉)'
    >>> [(tree.brackets(), round(tree.score)) for tree in parser.nbest("雪梨 和 苹果 和 香蕉".split(), 3)]
    [('((雪梨 和 苹果) 和 香蕉)', 0), ('(雪梨 和 (苹果 和 香蕉))', 0), ('((雪梨 和 苹果) 和 香蕉)', -40)]
    """

    def __init__(
        self,
        grammar: Grammar,
        null_score: float = NULL_SCORE,
        *,
        longest: int = LONGEST,
        spans: SpanScores | None = None,
        worth: Callable[[Template], float] | None = None,
    ) -> None:
        if not -MOST_NATS <= null_score <= 0:
            raise InputError(f"null_score: expected nats from {-MOST_NATS:.0f} to 0, such as -20, got {null_score!r}")
        if not 2 <= longest <= MOST_LONGEST:
            raise InputError(f"longest: expected 2 to {MOST_LONGEST} pieces, such as {LONGEST}, got {longest!r}")
        self.grammar, self.null_score, self.longest, self.spans = grammar, float(null_score), longest, spans
        self._matcher = Matcher(grammar)
        self._null = _units(null_score)
        self._logs = self._matcher.logs if worth is None else list(map(worth, self._matcher.templates))
        logs = zip(self._logs, self._matcher.templates, strict=True)
        self._weights = array("q", [_units(nats) + template.fixed for nats, template in logs])
        self._names = [str(template) for template in self._matcher.templates]

    def parse(self, words: Iterable[str]) -> Tree:
        """The best tree of a sentence; its ``score`` is in nats, its labels are the templates.

        A sentence of no word or one has a tree of one bracket and score 0.
        """
        kept = tuple(words)
        parts = self._parts(kept)
        return self._tree(kept, parts, [self._best(part) for part in parts])

    def nbest(self, words: Iterable[str], count: int) -> list[Tree]:
        """The ``count`` best trees, all different, the best first; fewer where there are no more.

        Ties are broken as for :meth:`parse`, whose tree is the first. This runs in Python: some 50 times the time.
        """
        if count < 1:
            raise InputError(f"nbest: expected a number of trees of at least 1, such as 5, got {count!r}")
        kept = tuple(words)
        parts = self._parts(kept)
        choices = [self._several(part, count) for part in parts]
        units = [[parse.units for parse in parses] for parses in choices]
        return [
            self._tree(kept, parts, [parses[place] for parses, place in zip(choices, places, strict=True)])
            for places in best_sums(units, count)
        ]

    def _parts(self, words: Sequence[str]) -> list[_Part]:
        """The stretches of a sentence, the long ones cut."""
        parts = []
        for pieces in stretches(words):
            count = -(-len(pieces) // self.longest)
            edges = [len(pieces) * number // count for number in range(count + 1)]
            for start, end in pairwise(edges):
                parts.append(_Part(pieces[start:end], count == 1))
        return parts

    def _best(self, part: _Part) -> _Parse:
        if len(part.pieces) < 2:
            return _Parse(0, [], 0.0)
        known, chart = self._chart(part)
        units, found = kernels.best_brackets(*chart)
        brackets = list(zip(found[::3], found[1::3], found[2::3], strict=True))
        return _Parse(units, brackets, self._nats(len(part.pieces), brackets, known))

    def _several(self, part: _Part, count: int) -> list[_Parse]:
        if len(part.pieces) < 2:
            return [_Parse(0, [], 0.0)]
        known, chart = self._chart(part)
        found = best_derivations(*chart, count)
        return [_Parse(units, brackets, self._nats(len(part.pieces), brackets, known)) for units, brackets in found]

    def _chart(self, part: _Part) -> tuple[Known, _Chart]:
        """What is known of the brackets of a part, and what a chart of it takes."""
        named = [piece.word for piece in part.pieces]
        words, classes = self._matcher.labels(named)
        known = {} if self.spans is None else self.spans(named)
        return known, (words, classes, self._matcher.trie, self._weights, self._null, self._bonus(len(words), known))

    def _bonus(self, size: int, known: Known) -> array[int]:
        """A number for each start and end, or none."""
        if self.spans is None:
            return array("q")
        bonus = array("q", bytes(8 * size * (size + 1)))
        for (start, end), nats in known.items():
            if not isfinite(nats):
                raise InputError(f"spans: expected a finite number of nats, such as -0.5, got {nats!r}")
            bonus[start * (size + 1) + end] = _units(nats)
        return bonus

    def _nats(self, size: int, brackets: Brackets, known: Known) -> float:
        """A score: each template, each item of a list after its first, what is known of each bracket."""
        terms = [known.get((start, end), 0.0) for start, end, _ in brackets]
        joints = size - 1
        for _, _, template in brackets:
            if template >= 0:
                terms.append(self._logs[template])
                joints -= len(self._matcher.templates[template].parts) - 1
        return fsum([*terms, joints * self.null_score])

    def _tree(self, words: tuple[str, ...], parts: Sequence[_Part], parses: Sequence[_Parse]) -> Tree:
        labels = {(0, len(words)): ""}
        for part, parse in zip(parts, parses, strict=True):
            for piece in part.pieces:  # what stands between quotes or parentheses
                if piece.end - piece.start > 3:
                    labels.setdefault((piece.start, piece.end), "")
            for start, end, template in parse.brackets:
                span = part.pieces[start].start, part.pieces[end - 1].end
                if template >= 0:
                    labels[span] = self._names[template]
                elif part.whole or end - start < len(part.pieces):
                    labels.setdefault(span, "")
        spans = sorted(labels, key=lambda span: (span[0], -span[1]))
        return Tree(words, [Node(*span, labels[span]) for span in spans], fsum(parse.nats for parse in parses))
