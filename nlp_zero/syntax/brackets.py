"""Induced brackets (句法归纳): which stretches of words are phrases, learnt from raw text alone.

Two steps, neither of which sees a tree drawn by hand:

1. Raw sentences are split into trees at their weakest bonds (:mod:`nlp_zero.syntax.cues`): what may stand beside a
   comma may stand beside the edge of a phrase.
2. Over many sentences the errors of these trees differ, and what is right repeats. So count, by classes of words
   (:mod:`nlp_zero.words.classes`; the most frequent words are classes of their own), how often a span is a bracket:
   by its first and last word, by the words before and after it, and by those on either side of its right edge. The
   log odds of each table, and that of the length, add up to the score of a span; a span that is a word of the raw
   text when written as one (委员 会) scores higher. The tree with the greatest sum of scores is found by dynamic
   programming over spans (CKY), a bracket counting for what its score is above a threshold. So a tree is flat where
   nothing says otherwise.

It is kin to the constituent-context model of D. Klein & C. Manning (2002, "A generative constituent-context model for
improved grammar induction"), with pairs of words at the edges in the place of whole sequences, and counted from the
trees of the first step instead of by EM: more rounds brought nothing.

Rare words are known by their last character, numbers and Latin words are one class each, so that a word need not have
been seen and text may be cut finer or coarser than the text learnt from.

>>> raw = ["我 的 苹果 很 甜 。", "你 的 书 ， 他 看 了 。", "他 的 书 很 好 ， 你 看 。", "他 看 我 的 书 。"]
>>> raw += ["苹果 很 好 ， 我 的 书 很 旧 。", "我 吃 你 的 苹果 ， 很 甜 。", "你 看 书 。"]
>>> model = learn_brackets([line.split() for line in raw * 40], class_count=24)
>>> model.brackets("你 的 苹果 很 旧 。".split())
[(0, 5), (0, 3), (0, 2), (3, 5)]
"""

from __future__ import annotations

import random
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import log
from operator import add
from typing import Final, NamedTuple, TypeAlias

from ..errors import GrammarError, InputError
from ..words.classes import cluster, start_classes
from .cues import Cues
from .grammar import BracketTables, join_words, split_words
from .splits import weakest_bond
from .stretches import Piece, stretch_brackets, stretches

__all__ = ["NULL_SCORE", "BracketModel", "best_brackets", "learn_brackets"]

CLASSES: Final = 64
"""Classes of words, the edge's among them."""
FREQUENT: Final = 100
"""The most frequent words that are classes of their own besides."""
SAMPLE: Final = 25_000
"""The most stretches that brackets are counted in, drawn by chance."""
SHORTEST, LONGEST = 3, 15  # pieces of those stretches
MIN_COUNT: Final = 3
"""A word rarer than this is known by its last character."""
_WORD = 2.0  # for a span that is, written as one, a word of the raw text: the text parsed may be cut finer
_JOINED = 3  # pieces of such a span
THRESHOLD: Final = -0.4
"""The score that a bracket must be above, in nats."""

# Of each table, and of the length: they overlap, and their full log odds would count the same twice. Chosen on the
# train part of UD, where the words on either side of the left edge add nothing.
_WEIGHTS = (0.6, 0.3, 0.3)
_LENGTH = 0.6
_SMOOTHING = 20.0  # spans at the mean rate that each key of a table is given before it is seen
NULL_SCORE: Final = -1.0
"""The price in nats, beside these scores, of what no template explains (:class:`nlp_zero.syntax.parser.Parser`)."""

_LENGTHS = 16  # longer spans count as this long
_ENDINGS = 10  # of so many rare words a last character is a type
_POOLS = 4  # types of other rare words, by their length
_DIGITS = 3  # of the log odds in the tables
_RUNS = re.compile(r"[0-9０-９.．]+|[A-Za-zＡ-Ｚａ-ｚ]+|[^0-9０-９.．A-Za-zＡ-Ｚａ-ｚ]+")  # text is cut finer there
_TABLES = ("first-last", "before-after", "last-after")
_EDGE = 0
_CHART = 60  # pieces: longer stretches are cut where brackets end and begin most surely, before there is a chart


def _form(word: str) -> str:
    """What stands for a word: one form for short numbers, one for those of four digits and more, one for Latin words.

    >>> [_form(word) for word in ["苹果", "12", "1997", "NBA", "《》"]]
    ['苹果', '0', '0000', 'A', '《》']
    """
    sign = word[0]
    if sign.isdecimal():
        return "0" if len(word) < 4 else "0000"
    return "A" if sign.isalpha() and (sign < "\u0250" or "Ａ" <= sign <= "ｚ") else word


class BracketModel:
    """Classes of words and tables of log odds: the score of every span, and the best tree.

    ``classes`` has a number above 0 for each form of a word, ``endings`` one for each last character of rare words,
    ``pools`` those of other words by their length; ``tables`` are, by the pair of classes, log odds in nats of a
    bracket against none; ``lengths`` those by the length of a span. See :func:`learn_brackets`.
    """

    def __init__(
        self,
        classes: Mapping[str, int],
        endings: Mapping[str, int],
        pools: Sequence[int],
        tables: Sequence[Mapping[tuple[int, int], float]],
        lengths: Sequence[float],
    ) -> None:
        self.classes, self.endings, self.pools = dict(classes), dict(endings), tuple(pools)
        self.tables = tuple(dict(table) for table in tables)
        self.lengths = tuple(lengths)

    def class_of(self, word: str) -> int:
        """The class of a word, seen or not."""
        form = _form(word)
        found = self.classes.get(form)
        if found is None:
            found = self.endings.get(form[-1]) if len(form) > 1 else None
        return self.pools[min(len(form), _POOLS) - 1] if found is None else found

    def brackets(
        self, words: Sequence[str], bonus: Mapping[tuple[int, int], float] | None = None
    ) -> list[tuple[int, int]]:
        """The brackets of a sentence, as (start, end) in words, by their starts, the longer first.

        ``bonus`` adds to the scores of spans of words, in nats: what is known of them from elsewhere. O(n^3) in the
        pieces of a stretch, of which a chart takes no more than 60; longer stretches are cut before, O(n log n).
        """
        return stretch_brackets(words, lambda pieces: self._stretch(pieces, bonus or {}))

    def scores(self, words: Sequence[str]) -> dict[tuple[int, int], float]:
        """The score in nats of every span of two words or more of a stretch, the whole left out. O(n^2)."""
        return self._scores(words, [_EDGE, *map(self.class_of, words), _EDGE])

    def gains(self, words: Sequence[str]) -> dict[tuple[int, int], float]:
        """What a bracket over each span is worth: its score above the threshold, in nats."""
        return {span: score - THRESHOLD for span, score in self.scores(words).items()}

    def _scores(self, words: Sequence[str], classes: Sequence[int]) -> dict[tuple[int, int], float]:
        """The scores of the spans of words, whose classes come with one before them and one after them."""
        inside, outside, end = (table.get for table in self.tables)
        by_inside, by_outside, by_end = _WEIGHTS
        size = len(classes) - 2
        ends = [by_end * end(edge, 0.0) for edge in pairwise(classes)]
        lengths = [_LENGTH * self.lengths[min(length, _LENGTHS)] for length in range(size)]
        scores = {
            (start, stop): by_inside * inside((classes[start + 1], classes[stop]), 0.0)
            + by_outside * outside((classes[start], classes[stop + 1]), 0.0)
            + ends[stop]
            + lengths[stop - start]
            for start in range(size - 1)
            for stop in range(start + 2, size + 1)
            if stop - start < size
        }
        for start, stop in scores:
            if stop - start <= _JOINED and "".join(words[start:stop]) in self.classes:
                scores[start, stop] += _WORD
        return scores

    def _stretch(self, pieces: Sequence[Piece], bonus: Mapping[tuple[int, int], float]) -> list[tuple[int, int]]:
        classes = [_EDGE, *(self.class_of(piece.word) for piece in pieces), _EDGE]
        found = []
        for first, last, small in self._parts(classes):
            found.append((first, last))
            if not small:
                continue
            scores = self._scores([piece.word for piece in pieces[first:last]], classes[first : last + 2])
            for span in scores if bonus else ():
                place = pieces[first + span[0]].start, pieces[first + span[1] - 1].end
                scores[span] += bonus.get(place, 0.0)
            gains = {span: score - THRESHOLD for span, score in scores.items() if score > THRESHOLD}
            found += [(first + start, first + stop) for start, stop in best_brackets(last - first, gains)]
        return found

    def _parts(self, classes: Sequence[int]) -> Iterator[tuple[int, int, bool]]:
        """The parts of a stretch that are small enough for a chart, and the larger ones around them."""
        size = len(classes) - 2
        if size <= _CHART:
            yield 0, size, True
            return
        ends = self.tables[2]
        bonds = [-ends.get(edge, 0.0) for edge in pairwise(classes[1:-1])]
        reached = 0
        for start, stop in weakest_bond(bonds):
            if stop - start > _CHART:
                yield start, stop, False
            elif start >= reached:
                yield start, stop, True
                reached = stop

    # Tables

    def to_tables(self) -> BracketTables:
        """The model as tables of numbers by words, for :class:`nlp_zero.syntax.grammar.Grammar`.

        ``class``, ``ending`` and ``pool``: numbers of classes; ``first-last``, ``before-after``,
        ``last-after``: log odds in nats by two classes, 0 the edge of a stretch; ``length``: log odds in nats.
        """
        tables: dict[str, dict[str, float]] = {
            "class": {join_words([form]): number for form, number in self.classes.items()},
            "ending": {join_words([form]): number for form, number in self.endings.items()},
            "pool": {str(length): number for length, number in enumerate(self.pools, 1)},
            "length": {str(length): odds for length, odds in enumerate(self.lengths)},
        }
        for name, table in zip(_TABLES, self.tables, strict=True):
            tables[name] = {f"{one} {other}": odds for (one, other), odds in table.items()}
        return tables

    @classmethod
    def from_tables(cls, tables: BracketTables) -> BracketModel:
        """The model of such tables; raises :class:`GrammarError` for tables that are none."""
        try:
            numbers = {
                name: {split_words(key)[0]: int(number) for key, number in tables.get(name, {}).items()}
                for name in ("class", "ending", "pool")
            }
            pairs = []
            for name in _TABLES:
                keys = (key.split(" ") for key in tables[name])
                pairs.append(
                    dict(zip(((int(one), int(other)) for one, other in keys), tables[name].values(), strict=True))
                )
            pools = [numbers["pool"][str(length)] for length in range(1, _POOLS + 1)]
            lengths = [tables["length"][str(length)] for length in range(_LENGTHS + 1)]
        except (KeyError, ValueError, IndexError) as error:
            raise GrammarError(
                f"expected the tables of a model of brackets, such as 'first-last' with '3 12', got others ({error})"
            ) from None
        return cls(numbers["class"], numbers["ending"], pools, pairs, lengths)


def best_brackets(size: int, gains: Mapping[tuple[int, int], float]) -> list[tuple[int, int]]:
    """The brackets, of those with gains, that lie in one tree and have the greatest sum. O(size^3).

    Only gains above 0 are worth a bracket; of equal trees the one that splits further left.

    >>> best_brackets(4, {(0, 2): 1.0, (1, 3): 1.5, (2, 4): 0.75, (0, 3): -2.0})
    [(0, 2), (2, 4)]
    """
    # rows[i][j - i] and columns[j][j - i] are both the best sum within words i to j.
    rows = [[0.0, 0.0] for _ in range(size)]
    columns = [[0.0, 0.0] for _ in range(size + 1)]
    cuts: dict[tuple[int, int], int] = {}
    for length in range(2, size + 1):
        for start in range(size - length + 1):
            stop = start + length
            sums = list(map(add, rows[start][1:length], columns[stop][length - 1 : 0 : -1]))
            best = max(sums)
            cuts[start, stop] = start + 1 + sums.index(best)
            best += max(gains.get((start, stop), 0.0), 0.0)
            rows[start].append(best)
            columns[stop].append(best)
    found = []
    open_spans = [(0, size)]
    while open_spans:
        start, stop = open_spans.pop()
        if stop - start < 2:
            continue
        if gains.get((start, stop), 0.0) > 0.0:
            found.append((start, stop))
        middle = cuts[start, stop]
        open_spans += [(middle, stop), (start, middle)]
    return found


# Learning ----------------------------------------------------------------------------------------------------------


def learn_brackets(
    sentences: Iterable[Sequence[str]],
    *,
    class_count: int = CLASSES,
    frequent: int = FREQUENT,
    sample: int = SAMPLE,
    seed: int = 0,
) -> BracketModel:
    """Learn from raw sentences, lists of words with their punctuation, whoever cut them; one pass over them.

    O(words), 4 bytes a word besides the counts of words and of neighbours; raises :class:`InputError` if there is no
    stretch of three words or more.
    """
    forms, text = _encoded(sentences)
    types = _types(forms, Counter(text))
    text = array("I", map(types.of_form.__getitem__, text))
    counts = Counter(text)
    words = range(_POOLS + 1, _POOLS + 1 + len(types.words) + len(types.endings))
    start = start_classes([counts[word] for word in words], _POOLS, class_count)
    classes = cluster(text, start, class_count)
    for number, word in enumerate(sorted(words, key=lambda word: -counts[word])[:frequent], class_count):
        classes[word] = number
    tables, lengths = _tables(_trees(text, sample, seed), classes)
    named, endings = ({name: classes[word] for name, word in some.items()} for some in (types.words, types.endings))
    return BracketModel(named, endings, classes[1 : _POOLS + 1], tables, lengths)


def _encoded(sentences: Iterable[Sequence[str]]) -> tuple[dict[str, int], array[int]]:
    """Forms, numbered from 1, and the stretches in these numbers, a 0 after each."""
    numbers: dict[str, int] = {}
    parts: dict[str, array[int]] = {}
    text = array("I")
    for sentence in sentences:
        if isinstance(sentence, str):
            raise TypeError(f"sentences: expected lists of words, such as ['猫', '吃', '鱼'], got {sentence[:60]!r}")
        for pieces in stretches(sentence):
            for piece in pieces:
                word = piece.word
                if word not in parts:
                    forms = map(_form, _RUNS.findall(word))
                    parts[word] = array("I", [numbers.setdefault(form, len(numbers) + 1) for form in forms])
                text.extend(parts[word])
            text.append(0)
    return numbers, text


class _Types(NamedTuple):
    """What forms are told apart: those frequent enough, rare ones by their last character, others by their length."""

    of_form: list[int]
    words: dict[str, int]
    endings: dict[str, int]


def _types(forms: Mapping[str, int], counts: Mapping[int, int]) -> _Types:
    """Numbers of types by the number of a form: 0 of the edge, 1 to 4 the pools, then words, then endings."""
    words: dict[str, int] = {}
    rare: Counter[str] = Counter()
    for form, number in forms.items():
        if counts[number] >= MIN_COUNT:
            words[form] = _POOLS + 1 + len(words)
        elif len(form) > 1:
            rare[form[-1]] += counts[number]
    frequent = (ending for ending, count in rare.items() if count >= _ENDINGS)
    endings = {ending: number for number, ending in enumerate(frequent, _POOLS + 1 + len(words))}
    of_form = [0] * (len(forms) + 1)
    for form, number in forms.items():
        pool = min(len(form), _POOLS)
        of_form[number] = words.get(form) or (endings.get(form[-1], pool) if len(form) > 1 else pool)
    return _Types(of_form, words, endings)


def _split(text: array[int]) -> Iterator[array[int]]:
    """The stretches, without their zeros."""
    start = 0
    for place, number in enumerate(text):
        if not number:
            yield text[start:place]
            start = place + 1


Drawn: TypeAlias = "tuple[array[int], list[tuple[int, int]]]"


def _trees(text: array[int], sample: int, seed: int) -> Iterator[Drawn]:
    """Stretches drawn by chance, each with the brackets of its weakest bonds."""
    cues: Cues[int] = Cues()
    fit = 0
    for stretch in _split(text):
        cues.count(stretch)
        fit += SHORTEST <= len(stretch) <= LONGEST
    if not fit:
        raise InputError(
            f"expected text with stretches of {SHORTEST} to {LONGEST} words between punctuation marks to learn "
            f"brackets from, got {cues.total} words in {cues.stretches} stretches and none of that length"
        )
    draw, needed = random.Random(seed).random, sample
    for stretch in _split(text):
        if SHORTEST <= len(stretch) <= LONGEST:
            # Each stretch with the chance of being among those still needed (Knuth, algorithm S).
            if draw() * fit < needed:
                needed -= 1
                yield stretch, weakest_bond([cues.bond(one, other) for one, other in pairwise(stretch)])
            fit -= 1


def _tables(drawn: Iterable[Drawn], classes: Sequence[int]) -> tuple[list[dict[tuple[int, int], float]], list[float]]:
    """The log odds of brackets in trees by the classes at their edges, and by their length."""
    spans: tuple[Counter[tuple[int, int]], ...] = tuple(Counter() for _ in _TABLES)
    brackets: tuple[Counter[tuple[int, int]], ...] = tuple(Counter() for _ in _TABLES)
    lengths, found = [0] * (_LENGTHS + 1), [0] * (_LENGTHS + 1)
    for stretch, tree in drawn:
        around = [_EDGE, *(classes[word] for word in stretch), _EDGE]
        size = len(stretch)
        every = [
            (start, stop) for start in range(size - 1) for stop in range(start + 2, size + 1) if stop - start < size
        ]
        inside = [span for span in tree if span[1] - span[0] < size]
        for some, counters, by_length in ((every, spans, lengths), (inside, brackets, found)):
            for table, keys in zip(counters, _keys(around, some), strict=True):
                table.update(keys)
            for start, stop in some:
                by_length[min(stop - start, _LENGTHS)] += 1
    mean = (sum(found) + 1) / (sum(lengths) + 2)
    odds = [
        {key: _log_odds(bracket_key[key], count, mean) for key, count in sorted(every_key.items())}
        for every_key, bracket_key in zip(spans, brackets, strict=True)
    ]
    return odds, [round(log((hit + 1) / (count - hit + 1)), _DIGITS) for hit, count in zip(found, lengths, strict=True)]


def _log_odds(hits: int, count: int, mean: float) -> float:
    """How much surer than the mean a bracket is that was one ``hits`` times of ``count``, in nats."""
    odds = (hits + _SMOOTHING * mean) / (count - hits + _SMOOTHING * (1 - mean))
    return round(log(odds) - log(mean / (1 - mean)), _DIGITS)


def _keys(around: Sequence[int], spans: Iterable[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """The keys of the spans in each table; ``around`` are the classes of a stretch with its edges."""
    places = list(spans)
    yield [(around[start + 1], around[stop]) for start, stop in places]
    yield [(around[start], around[stop + 1]) for start, stop in places]
    yield [(around[stop], around[stop + 1]) for _, stop in places]
