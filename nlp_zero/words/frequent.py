"""Words from counts alone: the text that was counted need not be at hand, nor fit into memory.

A word is an n-gram that holds together (the association of its weakest split, in bits) and stands freely (the branching
entropies of both sides, in bits). What the longer words contain is taken off the counts of the shorter ones, from the
longest down; a word of which too little is left was but a part of others. So the counts are those of a text cut into
these words, but for overlaps. The statistics: Sproat & Shih 1990 (association), Jin & Tanaka-Ishii 2006 (entropies).

Counts of n-grams and the sums behind the entropies stream by in the order of the windows; what is kept of them is
bounded by ``min_count``, not by the text.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from math import inf, log2
from typing import NamedTuple, TypeAlias

from .. import kernels
from ..errors import InputError
from ..kernels.counting import count_log
from .evidence import SHAPE
from .lexicon import Entry, Lexicon
from .runs import Run, Table, row_size
from .symbols import is_shape

__all__ = ["GramTable", "count_symbols", "least_count", "lexicon_of", "read_grams", "words_of_run"]

MIN_PMI, MIN_ENTROPY = 3.0, 1.5
"""Bits by which the weakest split of a word exceeds chance, and bits of freedom on either side. Chosen on the tails of
the PKU and MSR training text and the UD dev set, cut by the words of 10 MB: a mean F1 of .580, .613, .632 and .631 for
1 to 4 bits of association, of .641 for 1.5 bits of entropy instead of 1."""

MAX_WORD = 4
"""Symbols of the longest word, where nothing else is said; idioms have four."""

_POINT = 3

Tables: TypeAlias = "Callable[[], Iterable[Table]]"


class GramTable(NamedTuple):
    """The frequent n-grams of one length: three bytes a point, ascending; counts; sums of c log2 c of neighbours."""

    length: int
    grams: bytes
    counts: array[int]
    right: array[int]
    left: array[int]

    def word(self, place: int) -> str:
        """The n-gram as a string."""
        width = _POINT * self.length
        points = self.grams[place * width : place * width + width]
        return "".join(chr(int.from_bytes(points[at : at + _POINT], "big")) for at in range(0, width, _POINT))

    def count(self, gram: bytes) -> int:
        """The count of an n-gram of this length, 0 if it is not frequent. O(log n-grams)."""
        start, end = kernels.window_range(self.grams, _POINT * self.length, gram)
        return self.counts[start] if end > start else 0


def least_count(symbols: int) -> int:
    """The default of ``min_count``: 2, and one more for each doubling beyond a million symbols.

    >>> least_count(1_000), least_count(300_000_000)
    (2, 11)
    """
    return 2 + max(0, int(log2(symbols / 1_000_000)) + 1 if symbols > 1_000_000 else 0)


def read_grams(tables: Tables, max_length: int, min_count: int) -> list[GramTable]:
    """The n-grams of at least ``min_count`` occurrences, by length, with what their entropies need.

    ``tables()`` streams the windows; it is called twice. O(windows log n-grams); some 30 bytes an n-gram.
    """
    size = row_size(max_length)
    columns = [(bytearray(), array("Q"), array("Q")) for _ in range(max_length)]
    for found in _streamed(tables(), size, min_count):
        for column, parts in zip(columns, found, strict=False):
            for mine, part in zip(column, parts, strict=True):
                mine += part if isinstance(mine, bytearray) else array("Q", part)
    levels = [
        GramTable(length, bytes(grams), counts, right, array("Q", bytes(8 * len(counts))))
        for length, (grams, counts, right) in enumerate(columns, 1)
    ]
    for found in _streamed(tables(), size, 2):  # an n-gram that stands once adds 1 log2 1 = 0
        for level, (longer, counts, _) in zip(levels, found[1:], strict=True):
            kernels.add_left_sums(level.grams, level.left, longer, array("Q", counts), _POINT * level.length)
    return levels


def _streamed(tables: Iterable[Table], size: int, least: int) -> Iterator[list[tuple[bytes, bytes, bytes]]]:
    last, sums = bytearray(size), array("Q", bytes(16 * size // _POINT))
    for rows, counts in tables:
        yield kernels.frequent_grams(rows, counts, size, least, last, sums)
    yield kernels.frequent_grams(b"", array("Q"), size, least, last, sums)


# Words --------------------------------------------------------------------------------------------------------------


class _Candidate(NamedTuple):
    gram: bytes
    number: int
    pmi: float
    left: float
    right: float


def lexicon_of(
    levels: list[GramTable], symbols: int, min_count: int, *, min_pmi: float = MIN_PMI, min_entropy: float = MIN_ENTROPY
) -> Lexicon:
    """The words among frequent n-grams, ranked by count times association, in bits; and the single symbols.

    ``symbols`` is the size of the text, ``min_count`` what a word must still have when the longer ones took theirs.
    """
    if not symbols:
        raise InputError("no Chinese text: expected at least one character of a word, got none")
    singles = (levels[0].grams[place : place + _POINT] for place in range(0, len(levels[0].grams), _POINT))
    own = dict(zip(singles, levels[0].counts, strict=True))
    found: list[_Candidate] = []
    for level in levels[1:]:
        for word in _candidates(levels, level, symbols, min_pmi, min_entropy):
            found.append(word)
            own[word.gram] = word.number
    for word in reversed(found):  # the longest first
        rest = own[word.gram]
        if rest < min_count:
            del own[word.gram]
        else:
            for part in _parts(word.gram):
                if part in own:
                    own[part] = max(own[part] - rest, 0)
    provenance = {"program": "nlp-zero", "symbols": symbols, "method": "counts", "min_count": min_count}
    return Lexicon._of_entries(_entries(found, own), {**provenance, "min_pmi": min_pmi, "min_entropy": min_entropy})


def _candidates(
    levels: list[GramTable], level: GramTable, symbols: int, min_pmi: float, min_entropy: float
) -> Iterator[_Candidate]:
    width = _POINT * level.length
    for place, (count, right, left) in enumerate(zip(level.counts, level.right, level.left, strict=True)):
        most = count_log(count) - min_entropy * 65536 * count
        if right > most or left > most:
            continue
        gram = level.grams[place * width : place * width + width]
        pmi = _weakest(levels, gram, count, symbols, min_pmi)
        if pmi >= min_pmi:
            yield _Candidate(gram, count, pmi, _entropy(count, left), _entropy(count, right))


def _weakest(levels: list[GramTable], gram: bytes, count: int, symbols: int, enough: float) -> float:
    """The association of the weakest split, in bits; of one too weak, if there is any."""
    weakest = inf
    for length in range(1, len(gram) // _POINT):
        start, end = gram[: _POINT * length], gram[_POINT * length :]
        chance = levels[length - 1].count(start) * levels[len(end) // _POINT - 1].count(end)
        weakest = min(weakest, log2(count * symbols / chance))
        if weakest < enough:
            break
    return weakest


def _entropy(count: int, logs: int) -> float:
    return (count_log(count) - logs) / count / 65536


def _parts(gram: bytes) -> Iterator[bytes]:
    """The shorter n-grams inside, each as often as it stands there."""
    for length in range(_POINT, len(gram), _POINT):
        for start in range(0, len(gram) - length + 1, _POINT):
            yield gram[start : start + length]


def _entries(found: list[_Candidate], own: dict[bytes, int]) -> Iterator[Entry]:
    for gram, count in own.items():
        if len(gram) > _POINT:
            break
        if count:
            word = _text(gram)
            yield Entry(word, count, tag=SHAPE if is_shape(word) else "")
    for candidate in found:
        rest = own.get(candidate.gram, 0)
        if rest:
            word = _text(candidate.gram)
            pmi, left, right = (round(value, 3) + 0.0 for value in candidate[2:])
            bits = round(rest * candidate.pmi, 1)
            yield Entry(word, rest, bits, pmi, left, right, SHAPE if is_shape(word) else "")


def _text(gram: bytes) -> str:
    return "".join(chr(int.from_bytes(gram[at : at + _POINT], "big")) for at in range(0, len(gram), _POINT))


def words_of_run(run: Run, min_count: int | None = None, max_length: int | None = None, **thresholds: float) -> Lexicon:
    """The lexicon of a run file. ``min_count`` follows from the number of symbols if it is not given.

    Of counts with something forgotten, n-grams of at most that many occurrences are left out.
    """
    tables, longest = run.source.tables, min(max_length or MAX_WORD, run.max_length)
    symbols = count_symbols(tables(), run.source.size)
    least = max(min_count or least_count(symbols), run.forgotten + 1)
    return lexicon_of(read_grams(tables, run.max_length, least)[:longest], symbols, least, **thresholds)


def count_symbols(tables: Iterable[Table], size: int) -> int:
    """Number of symbols: windows that do not begin with a boundary."""
    total = 0
    for rows, counts in tables:
        first = bisect_left(
            range(len(counts)), b"\0\0\1", key=lambda row: bytes(rows[row * size : row * size + _POINT])
        )
        total += sum(counts[first:])
    return total
