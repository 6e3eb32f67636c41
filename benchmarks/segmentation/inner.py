"""Learning inside this process: the recipe of method `bayes` with some of its settings changed, and what it did.

The library has no option for most of these settings, on purpose; the figures need them. :func:`recipe` puts itself
between the finder and the recipe, and keeps the segmentation that the chain came to.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import process_time
from typing import Any, NamedTuple

from nlp_zero import Tokenizer, WordFinder
from nlp_zero.words import pitman_yor
from nlp_zero.words.symbols import WORD_LIMIT, SymbolText


class Learnt(NamedTuple):
    """A finder that has found, its tokenizer, the segmentation of its own text (word lengths at their starts; empty
    for other methods than `bayes`), and the CPU seconds all of it took."""

    finder: WordFinder
    tokenizer: Tokenizer
    lengths: bytes
    seconds: float


@contextmanager
def recipe(**changes: Any) -> Iterator[list[bytes]]:
    """As long as it lasts, `bayes` runs with these settings; each segmentation is appended to the list it gives."""
    whole, kept = pitman_yor.segment, []

    def segment(ids: Any, scores: Any, settings: pitman_yor.Settings, *others: Any, **named: Any) -> Any:
        result = whole(ids, scores, settings._replace(**changes), *others, **named)
        kept.append(result.lengths)
        return result

    pitman_yor.segment = segment  # type: ignore[assignment]
    try:
        yield kept
    finally:
        pitman_yor.segment = whole


def learn(
    lines: Sequence[str], method: str = "bayes", changes: Mapping[str, Any] | None = None, **options: Any
) -> Learnt:
    """Learn from lines; ``changes`` are settings of the recipe, ``options`` those of the finder."""
    start = process_time()
    finder = WordFinder(method, **options).train(lines)
    with recipe(**changes or {}) as kept:
        tokenizer = finder.tokenizer()
    return Learnt(finder, tokenizer, kept[-1] if kept else b"", process_time() - start)


def own_cut(text: SymbolText, lengths: bytes, count: int) -> list[list[str]]:
    """The last ``count`` lines of a text as the chain cut them.

    A run of one and the same sign is one word, as the tokenizer has it; every other boundary is a word by itself.

    >>> own_cut(SymbolText(["今天", "明天……很好"]), bytes([2, 0, 0, 2, 0, 0, 0, 1, 1, 0]), 1)
    [['明天', '……', '很', '好']]
    """
    ends = [place for place, symbol in enumerate(text.ids) if symbol == 0]
    start = ends[-count - 1] + 1 if count < len(ends) else 0
    out = []
    for end in ends[-count:]:
        out.append(_words(text, lengths, start, end))
        start = end + 1
    return out


def _words(text: SymbolText, lengths: bytes, place: int, end: int) -> list[str]:
    """The words of one line."""
    words: list[str] = []
    while place < end:
        size = lengths[place]
        if not size:
            size = 1
            while place + size < end and text.ids[place + size] == text.ids[place] >= WORD_LIMIT:
                size += 1
        words.append(text.string(place, size))
        place += size
    return [word for word in words if word.strip()]
