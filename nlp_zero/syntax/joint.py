"""Templates and induced brackets together: the parser of all that was learnt from a raw text.

The model of brackets (:mod:`nlp_zero.syntax.brackets`) says of every span what a bracket over it is worth; templates
say which words go together over a gap (在 _ 上, 从 _ 到). Both are added up in one chart: the worth of each bracket, a
part (``WEIGHT``) of the log-probability of each template, and ``NULL_SCORE`` for each item of a list after the first,
which a template saves for each of its parts.

Not every template is a phrase: 的 _ 和 is frequent because one phrase ends with 的 and another begins after it. So
those templates take part that have fixed words at both ends, no slot of a class, and ends that are the ends of brackets
more often than by chance, as the model of brackets has it for the classes of these two words.

Chosen on the train part of UD Chinese GSD; the table in ``benchmarks/results/syntax_trees.md`` has the parse with and
without templates.
"""

from __future__ import annotations

from typing import Final

from .brackets import BracketModel
from .grammar import Grammar, Slot, Template
from .parser import LONGEST, Parser
from .parser import NULL_SCORE as PLAIN_NULL_SCORE

__all__ = ["NULL_SCORE", "WEIGHT", "is_phrase", "joint_parser"]

WEIGHT: Final = 0.3
"""Of the log-probabilities of templates, beside the worth of brackets; .1 to .3 are within .15 points of bracket F1."""

NULL_SCORE: Final = -3.0
"""Nats for each item of a list after the first, beside the worth of brackets; -2 to -4 are within .15 points."""


def joint_parser(grammar: Grammar, null_score: float | None = None, *, longest: int = LONGEST) -> Parser:
    """The parser of a grammar, with its brackets where it has them.

    A grammar without brackets is parsed by all its templates, at the price of the article, -20. With ``null_score`` 0
    templates save nothing, and the brackets alone make the tree.

    >>> joint_parser(Grammar([Template.parse("_ 的 _", 3)])).parse(["我", "的", "书"]).nodes[0].label
    '_ 的 _'

    Raises :class:`~nlp_zero.errors.GrammarError` for tables that are no model of brackets.
    """
    if grammar.brackets is None:
        return Parser(grammar, PLAIN_NULL_SCORE if null_score is None else null_score, longest=longest)
    model = BracketModel.from_tables(grammar.brackets)
    phrases = Grammar(
        (template for template in grammar.templates if is_phrase(template, model)), grammar.classes, grammar.brackets
    )
    price = NULL_SCORE if null_score is None else null_score
    return Parser(phrases, price, longest=longest, spans=model.gains, weight=WEIGHT)


def is_phrase(template: Template, model: BracketModel) -> bool:
    """Whether a template is likely a bracket: words at both ends, which are ends of brackets; no slot of a class."""
    first, last = template.parts[0], template.parts[-1]
    if isinstance(first, Slot) or isinstance(last, Slot) or len(template.parts) < 2:
        return False
    if any(isinstance(part, Slot) and part.words for part in template.parts):
        return False
    return model.inside(first, last) > 0
