"""Templates and induced brackets together: the parser of all that was learnt from a raw text.

The model of brackets (:mod:`nlp_zero.syntax.brackets`) says of every span what a bracket over it is worth. Templates
say which words go together over a gap (在 _ 上, 从 _ 到), and that is evidence of two kinds: a template is worth a part
(``WORTH``) of what it saves at each use, which counts for the bracket over all of it; and what fills a slot between its
fixed words is likely a phrase (``FILLER``). All is added up in one chart. Templates with fixed words at both ends take
part; the others do not say where they end, nor do slots of a class, which the tables of brackets know better.

Chosen on the train part of UD Chinese GSD; the table in ``benchmarks/results/syntax_trees.md`` has the parse with and
without templates.
"""

from __future__ import annotations

from math import log
from typing import Final

from .brackets import BracketModel
from .grammar import Grammar, Slot, Template
from .parser import LONGEST, Known, Parser
from .parser import NULL_SCORE as PLAIN_NULL_SCORE

__all__ = ["FILLER", "WORTH", "is_closed", "joint_parser"]

WORTH: Final = 0.2
"""Of what a template saves at each use."""

FILLER: Final = 1.5
"""Nats for a bracket over what stands in a slot between fixed words of a template."""


def joint_parser(grammar: Grammar, null_score: float | None = None, *, longest: int = LONGEST) -> Parser:
    """The parser of a grammar, with its brackets where it has them.

    A grammar without brackets is parsed by all its templates, at the price of the article, -20 for each item of a list
    after the first; beside brackets items have no price. ``null_score`` is another price.

    >>> joint_parser(Grammar([Template.parse("_ 的 _", 3)])).parse(["我", "的", "书"]).nodes[0].label
    '_ 的 _'

    Raises :class:`~nlp_zero.errors.GrammarError` for tables that are no model of brackets.
    """
    if grammar.brackets is None:
        return Parser(grammar, PLAIN_NULL_SCORE if null_score is None else null_score, longest=longest)
    model = BracketModel.from_tables(grammar.brackets)
    closed = Grammar(filter(is_closed, grammar.templates), grammar.classes, grammar.brackets)
    price = 0.0 if null_score is None else null_score
    return Parser(closed, price, longest=longest, spans=_Worths(model, closed).spans, worth=_worth)


def is_closed(template: Template) -> bool:
    """Whether a template says where it begins and ends: fixed words at both ends, and no slot of a class.

    >>> [is_closed(Template.parse(some)) for some in ("在 _ 上", "_ 的 _", "在 [c1] 上", "社会 主义", "在")]
    [True, False, False, True, False]
    """
    parts = template.parts
    fixed = not isinstance(parts[0], Slot) and not isinstance(parts[-1], Slot)
    return fixed and len(parts) > 1 and not any(isinstance(part, Slot) and part.words for part in parts)


def _worth(template: Template) -> float:
    """Nats for a use of a template."""
    return WORTH * log(2) * max(template.bits, 0.0) / template.count if template.count > 0 else 0.0


class _Worths:
    """What brackets are worth by a model and by the slots of templates."""

    def __init__(self, model: BracketModel, grammar: Grammar) -> None:
        self.model = model
        rows = (template.parts for template in grammar.templates)
        self.around = {
            (row[place - 1], row[place + 1]) for row in rows for place, part in enumerate(row) if isinstance(part, Slot)
        }

    def spans(self, words: list[str]) -> Known:
        """Nats for each span of two words or more, the whole left out."""
        gains = self.model.gains(words)
        around = self.around
        for start, stop in gains:
            if start and stop < len(words) and (words[start - 1], words[stop]) in around:
                gains[start, stop] += FILLER
        return gains
