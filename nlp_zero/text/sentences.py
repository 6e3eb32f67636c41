"""Sentences and chunks of a text, with their places; put together again the sentences are the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from .characters import MARK, WORD_CLASSES, ranges

__all__ = ["Chunk", "Sentence", "chunks", "sentences"]


class Sentence(NamedTuple):
    """A sentence, its line end included: ``text`` is what stands at ``start:end``."""

    text: str
    start: int
    end: int


class Chunk(NamedTuple):
    """Word characters between two known boundaries: ``text`` is what stands at ``start:end``."""

    text: str
    start: int
    end: int


_ENDS = "。｡！？!?；…‼⁇⁈⁉"
_CLOSERS = "”’」』）》〉】〕〗〙〛］｝｠｣﹂﹄\"')\\]}»›"
_LINE_ENDS = "\n\r\x0b\x0c\x85\u2028\u2029"

# Possessive: no part gives back what it took, so a search is linear in the text.
_SENTENCE = re.compile(
    f"[^{_ENDS}{_LINE_ENDS}]*+"
    f"(?:(?:[{_ENDS}]++[{_CLOSERS}]*+)++(?:[ \t\u3000]*+[{_LINE_ENDS}]++)?+|[{_LINE_ENDS}]++|\\Z)"
)


def sentences(text: str) -> Iterator[Sentence]:
    """Cut a text into sentences (断句): after ``。！？!?；…`` and what they close, and at line ends; O(n).

    Signs in a row stay together, and so do the closing quotes and brackets after them; line ends go to the sentence
    before. Nothing is lost: the sentences joined are the text.

    >>> [sentence.text for sentence in sentences("他说：“走吧！”我问……\\n她笑了。")]
    ['他说：“走吧！”', '我问……\\n', '她笑了。']
    >>> list(sentences("好。行"))
    [Sentence(text='好。', start=0, end=2), Sentence(text='行', start=2, end=3)]
    """
    for match in _SENTENCE.finditer(text):
        if match.end() > match.start():
            yield Sentence(match.group(), match.start(), match.end())


@cache
def _chunk_pattern() -> re.Pattern[str]:
    """A word character that is no mark, then word characters; from the class table, some 10 ms at the first call."""
    starts, inner = (
        "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges(*codes))
        for codes in (WORD_CLASSES - {MARK}, WORD_CLASSES)
    )
    return re.compile(f"[{starts}][{inner}]*+")


def chunks(text: str) -> Iterator[Chunk]:
    """The stretches of word characters in a text: no word crosses the known boundaries between them; O(n).

    A mark after a boundary, such as the variation selector of an emoji, belongs to the boundary.

    >>> [chunk.text for chunk in chunks("第1章，他说：“Hello World”……")]
    ['第1章', '他说', 'Hello', 'World']
    """
    for match in _chunk_pattern().finditer(text):
        yield Chunk(match.group(), match.start(), match.end())
