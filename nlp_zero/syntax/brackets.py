"""Induced brackets (句法归纳): which stretches of words are phrases, learnt from raw text alone.

Two steps, neither of which sees a tree drawn by hand:

1. Raw sentences are split into trees at their weakest bonds (:mod:`nlp_zero.syntax.cues`): what may stand beside a
   comma may stand beside the edge of a phrase.
2. Over many sentences the errors of these trees differ, and what is right repeats. So count, by classes of words
   (:mod:`nlp_zero.words.classes`; the most frequent words are classes of their own), how often a span is a bracket:
   by its first and last word, by the words before and after it, and by those on either side of its right edge. The
   log odds of each table, and that of the length, add up to the score of a span; a span that is a word of the raw
   text when written as one (委员 会) scores higher. And a phrase is closed: only its head has to do with what stands
   around it. So the score falls where some word of the span often stands beside the word before it or the one after it
   (mutual information of classes). All this is done with several ways to put words into classes
   (:mod:`nlp_zero.syntax.views`), whose scores are averaged. The tree with the greatest sum of scores is found by
   dynamic programming over spans (CKY), a bracket counting for what its score is above a threshold. So a tree is flat
   where nothing says otherwise.

It is kin to the constituent-context model of D. Klein & C. Manning (2002, "A generative constituent-context model for
improved grammar induction"), with pairs of words at the edges in the place of whole sequences, and counted from the
trees of the first step instead of by EM: more rounds brought nothing. Means over several parsers that each make errors
of their own are an old help (L. Breiman 1996, "Bagging predictors").

Rare words are known by their last character, numbers and Latin words are one class each, so that a word need not have
been seen and text may be cut finer or coarser than the text learnt from.

>>> raw = ["我 的 苹果 很 甜 。", "你 的 书 ， 他 看 了 。", "他 的 书 很 好 ， 你 看 。", "他 看 我 的 书 。"]
>>> raw += ["苹果 很 好 ， 我 的 书 很 旧 。", "我 吃 你 的 苹果 ， 很 甜 。", "你 看 书 。"]
>>> model = learn_brackets([line.split() for line in raw * 40], views=[(24, 100)])
>>> model.brackets("你 的 苹果 很 旧 。".split())
[(0, 5), (0, 3), (3, 5)]
"""

from __future__ import annotations

import random
import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress, count, pairwise
from math import log
from operator import add, not_
from typing import Final, NamedTuple

from .. import kernels
from ..errors import GrammarError, InputError
from ..words.classes import cluster, start_classes
from .cues import text_bonds
from .grammar import BracketTables, join_words, split_words
from .splits import weakest_bond
from .stretches import Piece, stretch_brackets, stretch_words
from .views import EDGE, LENGTHS, POOLS, TABLES, Span, View, form

__all__ = ["BracketModel", "best_brackets", "learn_brackets"]

VIEWS: Final = ((64, 100), (48, 150), (96, 60), (128, 200))
"""For each view the classes of words, and the most frequent words that are classes of their own besides."""
SAMPLE: Final = 25_000
"""The most stretches that the brackets of a view are counted in, drawn by chance."""
SHORTEST, LONGEST = 3, 15  # pieces of those stretches
MIN_COUNT: Final = 3
"""A word rarer than this is known by its last character."""
THRESHOLD: Final = -0.2
"""The score that a bracket must be above, in nats."""

_WORD = 1.6  # for a span that is, written as one, a word of the raw text: the text parsed may be cut finer
_JOINED = 3  # pieces of such a span
_SMOOTHING = 20.0  # spans at the mean rate that each key of a table is given before it is seen
_ENDINGS = 10  # of so many rare words a last character is a type
_DIGITS = 3  # of the log odds in the tables
_PASSES = 5  # of exchange for each view but the first, which need not start from nothing
_RUNS = re.compile(r"[0-9０-９.．]+|[A-Za-zＡ-Ｚａ-ｚ]+|[^0-9０-９.．A-Za-zＡ-Ｚａ-ｚ]+")  # text is cut finer there
_CHART = 60  # pieces: longer stretches are cut where brackets end most surely, before there is a chart


class BracketModel:
    """The scores of spans, by one view or more, and the best tree. See :func:`learn_brackets`."""

    def __init__(self, views: Sequence[View]) -> None:
        self.views = tuple(views)

    def brackets(self, words: Sequence[str], bonus: Mapping[Span, float] | None = None) -> list[Span]:
        """The brackets of a sentence, as (start, end) in words, by their starts, the longer first.

        ``bonus`` adds to the scores of spans of words, in nats: what is known of them from elsewhere. O(n^3) in the
        pieces of a stretch, of which a chart takes no more than 60; longer stretches are cut before, O(n log n).
        """
        return stretch_brackets(words, lambda pieces: self._stretch(pieces, bonus or {}))

    def scores(self, words: Sequence[str]) -> dict[Span, float]:
        """The score in nats of every span of two words or more of a stretch, the whole left out. O(n^2)."""
        several = [view.scores(words) for view in self.views]  # of the same spans in the same order
        rows = zip(*(view.values() for view in several), strict=True)
        scores = {span: sum(row) / len(several) for span, row in zip(several[0], rows, strict=True)}
        known = self.views[0].classes
        for start, stop in scores:
            if stop - start <= _JOINED and "".join(words[start:stop]) in known:
                scores[start, stop] += _WORD
        return scores

    def gains(self, words: Sequence[str]) -> dict[Span, float]:
        """What a bracket over each span is worth: its score above the threshold, in nats."""
        return {span: score - THRESHOLD for span, score in self.scores(words).items()}

    def _stretch(self, pieces: Sequence[Piece], bonus: Mapping[Span, float]) -> list[Span]:
        words = [piece.word for piece in pieces]
        found = []
        for first, last in self._parts(words):
            found.append((first, last))
            if last - first > _CHART:
                continue
            gains = self.gains(words[first:last])
            for start, stop in gains if bonus else ():
                place = pieces[first + start].start, pieces[first + stop - 1].end
                gains[start, stop] += bonus.get(place, 0.0)
            found += [(first + start, first + stop) for start, stop in best_brackets(last - first, gains)]
        return found

    def _parts(self, words: Sequence[str]) -> Iterator[Span]:
        """The parts of a stretch that are small enough for a chart, and the larger ones around them."""
        if len(words) <= _CHART:
            yield 0, len(words)
            return
        reached = 0
        for start, stop in weakest_bond(self.views[0].ends(words)):
            if stop - start > _CHART or start >= reached:
                yield start, stop
                reached = stop if stop - start <= _CHART else reached

    # Tables

    def to_tables(self) -> BracketTables:
        """The model as tables of numbers by words, for :class:`nlp_zero.syntax.grammar.Grammar`.

        For view 1 and the others: ``class 1``, ``ending 1``, ``pool 1``: numbers of classes; ``first-last 1``,
        ``before-after 1``, ``last-after 1``: log odds in nats by two classes, 0 the edge of a stretch; ``length 1``:
        log odds in nats; ``neighbours 1``: how much more often than by chance two classes meet, in nats.
        """
        tables: dict[str, dict[str, float]] = {}
        for number, view in enumerate(self.views, 1):
            tables[f"class {number}"] = {join_words([word]): group for word, group in view.classes.items()}
            tables[f"ending {number}"] = {join_words([word]): group for word, group in view.endings.items()}
            tables[f"pool {number}"] = {str(length): group for length, group in enumerate(view.pools, 1)}
            tables[f"length {number}"] = {str(length): odds for length, odds in enumerate(view.lengths)}
            for name, table in zip(TABLES, view.tables, strict=True):
                tables[f"{name} {number}"] = {f"{one} {other}": odds for (one, other), odds in table.items()}
            tables[f"neighbours {number}"] = {f"{one} {other}": more for (one, other), more in view.neighbours.items()}
        return tables

    @classmethod
    def from_tables(cls, tables: BracketTables) -> BracketModel:
        """The model of such tables; raises :class:`GrammarError` for tables that are none."""
        try:
            numbers = range(1, 1 + sum(name.startswith("length ") for name in tables))
            views = [_view(tables, f" {number}") for number in numbers]
            if not views:
                raise KeyError("length 1")
        except (KeyError, ValueError, IndexError) as error:
            raise GrammarError(
                f"expected the tables of a model of brackets, such as 'first-last 1' with '3 12', got others ({error})"
            ) from None
        return cls(views)


def _view(tables: BracketTables, number: str) -> View:
    """The view of that number (with a space before it); KeyError and ValueError for tables that are none."""
    classes, endings = (
        {split_words(key)[0]: int(group) for key, group in tables.get(name + number, {}).items()}
        for name in ("class", "ending")
    )
    pools = [int(tables["pool" + number][str(length)]) for length in range(1, POOLS + 1)]
    lengths = [tables["length" + number][str(length)] for length in range(LENGTHS + 1)]
    odds = []
    group_of = _Groups()
    for name in (*TABLES, "neighbours"):
        table = tables[name + number]
        pairs = zip(map(str.split, table), table.values(), strict=True)
        odds.append({(group_of[left], group_of[right]): value for (left, right), value in pairs})
    return View(classes, endings, pools, odds[:-1], lengths, odds[-1])


class _Groups(dict[str, int]):
    """Numbers as they are written, each read once."""

    def __missing__(self, text: str) -> int:
        self[text] = number = int(text)
        return number


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
    views: Sequence[tuple[int, int]] = VIEWS,
    sample: int = SAMPLE,
    seed: int = 0,
) -> BracketModel:
    """Learn from raw sentences, lists of words with their punctuation, whoever cut them; one pass over them.

    ``views`` are, for each view, how many classes of words there are (5 to 1024) and how many frequent words that are
    classes of their own besides; the classes of the first are found from nothing, the others from those. O(words),
    some 20 bytes a word besides the counts of words and of neighbours; raises :class:`InputError` if there is no
    stretch of three words or more.
    """
    forms, text = _encoded(sentences)
    types = _types(forms, Counter(text))
    text = array("I", map(types.of_form.__getitem__, text))
    counts, bonds = text_bonds(text, POOLS + 1 + len(types.words) + len(types.endings))
    fit = _fitting(text)
    if not fit:
        raise InputError(
            f"expected text with stretches of {SHORTEST} to {LONGEST} words between punctuation marks to learn "
            f"brackets from, got {len(text) - counts[0]} words in {counts[0]} stretches and none of that length"
        )
    known = counts[POOLS + 1 :]
    frequent = sorted(range(len(known)), key=lambda place: -known[place])
    found = []
    for number, (class_count, alone) in enumerate(views):
        if number == 0:
            first = cluster(text, start_classes(known, POOLS, class_count), class_count)
            classes = first[:]
        else:
            classes = cluster(text, _other_classes(first, views[0][0], class_count), class_count, _PASSES)
        for group, place in enumerate(frequent[:alone], class_count):
            classes[POOLS + 1 + place] = group
        draw = random.Random(seed + number).random
        drawn = array("I", [start for start in fit if draw() < min(1.0, sample / len(fit))])
        tables, lengths = _tables(*kernels.count_brackets(text, drawn, bonds, classes))
        named, endings = ({name: classes[word] for name, word in some.items()} for some in (types.words, types.endings))
        neighbours = _neighbours(text, drawn, classes)
        found.append(View(named, endings, classes[1 : POOLS + 1], tables, lengths, neighbours))
    return BracketModel(found)


def _other_classes(classes: array[int], class_count: int, other_count: int) -> array[int]:
    """Where a further view starts: each class of the first split in two by a fixed hash, then folded to their number.

    >>> list(_other_classes(array("H", [0, 1, 1, 1, 2, 3]), 4, 6))
    [0, 1, 4, 1, 2, 1]
    """
    others = array("H", (0,))
    for number, group in enumerate(classes[1:]):
        half = number * 0x9E3779B97F4A7C15 >> 32 & 1
        others.append(1 + (group - 1 + (class_count - 1) * half) % (other_count - 1))
    return others


def _encoded(sentences: Iterable[Sequence[str]]) -> tuple[dict[str, int], array[int]]:
    """Forms, numbered from 1, and the stretches in these numbers, a 0 after each."""
    parts = _Parts()
    text = array("I")
    for sentence in sentences:
        if isinstance(sentence, str):
            raise TypeError(f"sentences: expected lists of words, such as ['猫', '吃', '鱼'], got {sentence[:60]!r}")
        for stretch in stretch_words(sentence):
            text.extend(chain.from_iterable(map(parts.__getitem__, stretch)))
            text.append(0)
    return parts.forms, text


class _Parts(dict[str, "tuple[int, ...]"]):
    """The forms that a word is cut into, as numbers from 1 up by when they are first met."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, int] = {}

    def __missing__(self, word: str) -> tuple[int, ...]:
        forms = self.forms
        self[word] = parts = tuple([forms.setdefault(form(run), len(forms) + 1) for run in _RUNS.findall(word)])
        return parts


class _Types(NamedTuple):
    """What forms are told apart: those frequent enough, rare ones by their last character, others by their length."""

    of_form: list[int]
    words: dict[str, int]
    endings: dict[str, int]


def _types(forms: Mapping[str, int], counts: Mapping[int, int]) -> _Types:
    """Numbers of types by the number of a form: 0 of the edge, 1 to 4 the pools, then words, then endings."""
    words: dict[str, int] = {}
    rare: Counter[str] = Counter()
    for name, number in forms.items():
        if counts[number] >= MIN_COUNT:
            words[name] = POOLS + 1 + len(words)
        elif len(name) > 1:
            rare[name[-1]] += counts[number]
    frequent = (ending for ending, count in rare.items() if count >= _ENDINGS)
    endings = {ending: number for number, ending in enumerate(frequent, POOLS + 1 + len(words))}
    of_form = [0] * (len(forms) + 1)
    for name, number in forms.items():
        pool = min(len(name), POOLS)
        of_form[number] = words.get(name) or (endings.get(name[-1], pool) if len(name) > 1 else pool)
    return _Types(of_form, words, endings)


def _fitting(text: array[int]) -> list[int]:
    """Where the stretches begin that are neither too short nor too long."""
    ends = list(compress(count(), map(not_, text)))
    starts = map((1).__add__, chain((-1,), ends))
    return [start for start, end in zip(starts, ends, strict=False) if SHORTEST <= end - start <= LONGEST]


def _tables(keys: bytes, number: bytes, hits: bytes) -> tuple[list[dict[Span, float]], list[float]]:
    """The log odds of brackets in trees by the classes at their edges, and by their length; see the kernel."""
    pairs = list(zip(array("Q", hits), array("Q", number), strict=True))
    places = array("Q", keys)
    bounds = [bisect_left(places, table << 32) for table in range(len(TABLES) + 2)]
    every, inside = [0] * (LENGTHS + 1), [0] * (LENGTHS + 1)
    for place in range(bounds[-2], bounds[-1]):
        length = min(places[place] & 0xFFFF, LENGTHS)
        every[length] += pairs[place][1]
        inside[length] += pairs[place][0]
    mean = (sum(inside) + 1) / (sum(every) + 2)
    odds = {pair: _log_odds(*pair, mean) for pair in set(pairs[: bounds[-2]])}
    tables = [
        {(places[place] >> 16 & 0xFFFF, places[place] & 0xFFFF): odds[pairs[place]] for place in range(start, stop)}
        for start, stop in pairwise(bounds[:-1])
    ]
    return tables, [
        round(log((hit + 1) / (count - hit + 1)), _DIGITS) for hit, count in zip(inside, every, strict=True)
    ]


def _neighbours(text: array[int], drawn: array[int], classes: array[int]) -> dict[Span, float]:
    """Of two classes that meet in these stretches more often than by chance: how much more, in nats."""
    stretches = (text[start : text.index(0, start) + 1] for start in drawn)
    pairs = Counter(chain.from_iterable(pairwise([EDGE, *map(classes.__getitem__, words)]) for words in stretches))
    before: Counter[int] = Counter()
    after: Counter[int] = Counter()
    for (left, right), number in pairs.items():
        before[left] += number
        after[right] += number
    total = pairs.total()
    odds = {pair: _surplus(pairs[pair], before[pair[0]] * after[pair[1]] / total) for pair in sorted(pairs)}
    return {pair: surplus for pair, surplus in odds.items() if surplus > 0.0}


def _surplus(count: int, chance: float) -> float:
    """How much more than by chance, in nats; what is rarer than once by chance leans on chance."""
    smoothing = 3.0 * min(1.0, chance) + 0.1
    return round(log((count + smoothing) / (chance + smoothing)), 1)


def _log_odds(hits: int, count: int, mean: float) -> float:
    """How much surer than the mean a bracket is that was one ``hits`` times of ``count``, in nats."""
    odds = (hits + _SMOOTHING * mean) / (count - hits + _SMOOTHING * (1 - mean))
    return round(log(odds) - log(mean / (1 - mean)), _DIGITS)
