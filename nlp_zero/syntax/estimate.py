"""Probabilities of templates from text by inside and outside sums (K. Lari & S. Young 1990): EM over all parses.

Counts of templates were made sentence by sentence, before anything was parsed. Here each sentence is shared out over
all its analyses, by their probabilities, and a template is counted as often as it is used in them; from these counts
come the next probabilities. No round makes the text less likely.

An analysis weighs the product of the probabilities of its templates and of ``exp(null_score)`` for each unexplained
item after the first of a list: what :class:`nlp_zero.syntax.parser.Parser` takes the best of, summed instead.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from math import exp, fsum, inf, isfinite, log
from typing import NamedTuple

from .. import kernels
from ..errors import InputError
from .grammar import Grammar
from .matching import Matcher
from .parser import NULL_SCORE
from .stretches import stretches

__all__ = ["Estimate", "estimate"]

LONGEST = 40
"""The most pieces of a stretch; of longer ones, parts."""

_MOST_NATS = 1200.0  # of null_score * longest: sums are kept near 1 by half of it either way, within floating point


class Estimate(NamedTuple):
    """A grammar whose counts are uses of templates, and the log-likelihood of the text before each round and at last.

    Templates that no analysis uses are left out of it.
    """

    grammar: Grammar
    log_likelihoods: tuple[float, ...]


def estimate(
    grammar: Grammar,
    sentences: Iterable[Sequence[str]],
    iterations: int = 10,
    *,
    null_score: float = NULL_SCORE,
    longest: int = LONGEST,
) -> Estimate:
    """The grammar with templates counted by expectation-maximization; the text is gone through once and kept.

    Time per round as for parsing it, some three times; memory 8 bytes a word of the text.

    >>> from nlp_zero.syntax.grammar import Template
    >>> grammar = Grammar([Template.parse(text) for text in ("_ 的 _", "_ 好 吃", "书 _")])
    >>> found = estimate(grammar, [["我", "的", "苹果", "好", "吃"], ["我", "的", "书"]], 5)
    >>> [(str(template), round(template.count, 3)) for template in found.grammar.templates]
    [('_ 的 _', 2.0), ('_ 好 吃', 1.0)]
    >>> [round(value, 3) for value in found.log_likelihoods]
    [-2.603, -1.216, -1.216, -1.216, -1.216, -1.216]
    """
    if iterations < 1:
        raise InputError(f"iterations: expected 1 or more, such as 10, got {iterations!r}")
    if longest < 2 or not -_MOST_NATS / longest <= null_score <= 0:
        raise InputError(
            f"expected null_score * longest from -{_MOST_NATS:.0f} to 0, such as -20 * 40, "
            f"got {null_score!r} * {longest!r}"
        )
    matcher = Matcher(grammar)
    parts = [matcher.labels(words) for words in _parts(sentences, longest)]
    counts = [template.count for template in matcher.templates]
    likelihoods: list[float] = []
    for _ in range(iterations):
        expected, likelihood = _round(matcher, parts, counts, null_score)
        likelihoods.append(likelihood)
        if any(expected):
            counts = list(expected)
    likelihoods.append(_round(matcher, parts, counts, null_score)[1])
    kept = {template.parts: count for template, count in zip(matcher.templates, counts, strict=True) if count > 0}
    templates = [
        template._replace(count=kept[template.parts]) for template in grammar.templates if template.parts in kept
    ]
    return Estimate(Grammar(templates, grammar.classes, grammar.brackets), tuple(likelihoods))


def _parts(sentences: Iterable[Sequence[str]], longest: int) -> Iterable[list[str]]:
    """The words of the stretches of two pieces or more, the long ones cut."""
    for words in sentences:
        for pieces in stretches(words):
            for start in range(0, len(pieces), longest):
                part = [piece.word for piece in pieces[start : start + longest]]
                if len(part) > 1:
                    yield part


def _round(
    matcher: Matcher, parts: Sequence[tuple[array[int], array[int]]], counts: Sequence[float], null_score: float
) -> tuple[array[float], float]:
    """The expected uses of each template, and the log-likelihood in nats, with probabilities by these counts.

    A factor for each word after the first, ``exp(-null_score / 2)``, keeps the sums within floating point: a template
    of n parts takes n - 1 of them, an item of a list one.
    """
    total = fsum(counts)
    half = null_score / 2
    weights = array("d")
    for template, count in zip(matcher.templates, counts, strict=True):
        nats = log(count / total) if count > 0 else -inf
        weights.append(exp(nats - half * (len(template.parts) - 1)))
    expected = array("d", bytes(8 * len(weights)))
    terms = []
    for words, classes in parts:
        value = kernels.template_sums(words, classes, matcher.trie, weights, exp(half), expected)
        if not (value > 0 and isfinite(value)):
            raise InputError("the sums over analyses left the range of floating point: take a smaller longest")
        terms.append(log(value) + half * (len(words) - 1))
    return expected, fsum(terms)
