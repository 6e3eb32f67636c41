"""From distinct words of a segmentation to lexicon entries: the text of each word and what speaks for it.

A word that holds a run (a number, a Latin word) is one type for all that the run may be. Its frequent texts, 5G or B超,
become words of their own; what is left of it becomes a *shape*, "number + 元", which the tokenizer matches as such.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from math import nan

from .description import saved_bits
from .lexicon import Entry
from .segmentation import Rows, Types
from .symbols import WORD_LIMIT, SymbolText, is_shape

__all__ = ["SHAPE", "check_back", "collect", "words_of"]

SHAPE = "shape"
"""The tag of lexicon entries that are shapes (see :mod:`nlp_zero.words.symbols`)."""

_NUMBERS = (1, 2)  # the symbols of a number and of a year


def words_of(ids: array[int], types: Types) -> list[str]:
    """Each type as a string with one character a symbol id: what compares equal is the same word."""
    return ["".join(map(chr, ids[p : p + n])) for p, n in zip(types.positions, types.lengths, strict=True)]


def collect(
    text: SymbolText, types: Types, lengths: bytes, rows: Rows, min_count: int, spelling: dict[int, float]
) -> Iterator[Entry]:
    """The entries of a lexicon, in no order.

    ``lengths`` is the segmentation in which the types were counted, ``spelling`` the bits of each symbol.
    """
    texts = _texts_with_runs(text, lengths)
    found, bonds = rows.bonds(types.positions, types.lengths)
    left, right = rows.entropies(found)
    # Three digits: more say nothing, and cost a reader of the file his patience.
    witnesses = zip(_rounded(bonds, 3), _rounded(left, 3), _rounded(right, 3), strict=True)
    saved = saved_bits(text.ids, types, spelling)
    for place, size, count, bits, witness in zip(*types, saved, witnesses, strict=True):
        if size > 1 and count < min_count:  # the last segmentation had less use for it
            continue
        word = text.word(place, size)
        gain = bits if size > 1 else nan
        if not is_shape(word):
            yield Entry(word, count, _rounded([gain], 1)[0], *witness)
            continue
        rest = count
        for literal, number in texts.get(word, Counter()).items():
            if number >= max(min_count, 2):
                rest -= number
                yield Entry(literal, number, _rounded([gain * number / count], 1)[0], *witness)
        if rest > 0:
            yield Entry(word, rest, _rounded([gain * rest / count], 1)[0], *witness, SHAPE)


def _rounded(values: Iterable[float], digits: int) -> list[float]:
    """Decimals as an entry wants them: NaN that is :data:`math.nan`, and no -0.0.

    >>> _rounded([1.26, -0.01, nan], 1), _rounded([nan], 1)[0] is nan
    ([1.3, 0.0, nan], True)
    """
    return [round(value, digits) + 0.0 if value == value else nan for value in values]


def _texts_with_runs(text: SymbolText, lengths: bytes) -> dict[str, Counter[str]]:
    """For every shape but a bare number, how often each of its texts was cut out as a word. O(runs)."""
    texts: dict[str, Counter[str]] = {}
    done = -1
    for place in text.places:
        if place <= done or text.ids[place] >= WORD_LIMIT:
            continue
        if lengths[place] == 1 and text.ids[place] in _NUMBERS:
            continue
        start = place
        while not lengths[start]:
            start -= 1
        done = start + lengths[start] - 1
        shape = text.word(start, lengths[start])
        texts.setdefault(shape, Counter())[text.string(start, lengths[start])] += 1
    return texts


def check_back(rows: Rows, types: Types, order: int, cohesive: set[int]) -> Iterator[int]:
    """The indices of the types that are cohesive throughout: short ones as they are, longer ones in every n-gram of
    ``order`` symbols; single symbols always."""
    places, sizes = array("I"), bytearray()
    for place, size in zip(types.positions, types.lengths, strict=True):
        for start in range(max(size - order, 0) + 1):
            places.append(place + start)
            sizes.append(min(size, order))
    found = iter(rows.find(places, bytes(sizes)))
    for index, size in enumerate(types.lengths):
        windows = [next(found) for _ in range(max(size - order, 0) + 1)]
        if size == 1 or all(row in cohesive for row in windows):
            yield index
