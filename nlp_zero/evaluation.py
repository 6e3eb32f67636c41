"""Scores against a gold standard: segmentation as the SIGHAN bakeoffs count it, what differs, how sure a score is.

The bakeoff's ``score`` script compares the words of each line with GNU ``diff``. Where gold and system hold the same
characters, a word is right here if it covers the same span in both; lines whose characters differ are aligned by a
longest common subsequence of their words. Measured on the PKU and MSR test sets: spans and a minimal diff (``diff -d``)
find the same words, and for longest match with the training words, and for jieba, all six rates equal the script's to
three decimals. The script calls ``diff`` without ``-d``, which takes short cuts where little agrees: of single
characters as words it finds F .330 (PKU) and .326 (MSR), where spans say .343 and .330.

>>> scores = segmentation_scores([["研究", "生命", "起源"]], [["研究生", "命", "起源"]], known={"研究", "生命"})
>>> round(scores.precision, 3), round(scores.recall, 3), scores.oov_recall, scores.iv_recall
(0.333, 0.333, 1.0, 0.0)

:func:`differences` says where the two part; :func:`bootstrap` and :func:`paired_bootstrap` say how far a score, or the
difference of two systems, may be the luck of the lines that were chosen; :func:`precision_at` scores ranked words;
:func:`bracket_scores` scores trees.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from itertools import accumulate, compress, zip_longest
from typing import NamedTuple

from .errors import InputError

__all__ = [
    "KINDS",
    "BracketScores",
    "Comparison",
    "Difference",
    "Interval",
    "Intervals",
    "LineCounts",
    "Scores",
    "best_granularity",
    "bootstrap",
    "bracket_scores",
    "differences",
    "line_counts",
    "paired_bootstrap",
    "precision_at",
    "segmentation_scores",
]

KINDS = ("split", "merge", "crossing", "characters")
"""The kinds of a :class:`Difference`."""


STEPS = (-0.3, -0.25, -0.2, -0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
"""The granularities that :func:`best_granularity` tries: shares by which words are longer than the learnt ones."""


class Scores(NamedTuple):
    """Counts and rates of a segmentation; a rate of nothing is NaN.

    ``oov_rate`` is the share of gold words that are not known words, ``oov_recall`` and ``iv_recall`` the recall of
    those and of the others; all three are NaN when no known words were given. ``differing_lines`` counts the lines
    whose characters differ between gold and system.
    """

    gold_words: int
    system_words: int
    correct: int
    precision: float
    recall: float
    f1: float
    oov_rate: float
    oov_recall: float
    iv_recall: float
    lines: int
    differing_lines: int


def best_granularity(
    cut: Callable[[list[str], float], Iterable[Sequence[str]]],
    gold: Sequence[Sequence[str]],
    steps: Iterable[float] = STEPS,
) -> tuple[float, dict[float, float]]:
    """The granularity at which ``cut(lines, granularity)`` comes nearest to gold lines of words, and the F1 of each.

    Of equals the one nearest to 0. Labels are used, so the result is semi-supervised.

    >>> def cut(lines, granularity):
    ...     return [[line] if granularity > 0 else list(line) for line in lines]
    >>> best_granularity(cut, [["北京", "大学"], ["天安门"]])[0]
    0.05
    """
    lines = ["".join(words) for words in gold]
    scores = {step: segmentation_scores(gold, cut(lines, step)).f1 for step in steps}
    return min(scores, key=lambda step: (-scores[step], abs(step), step)), scores


def segmentation_scores(
    gold: Iterable[Sequence[str]], system: Iterable[Sequence[str]], known: Container[str] | None = None
) -> Scores:
    """Score lines of words against gold lines; ``known`` is the word list of the training text.

    As in the script, a line whose gold has no words counts for nothing. O(words) where the characters agree. Raises
    :class:`InputError` if one of the two has more lines than the other.
    """
    gold_words = system_words = correct = lines = differing = unknown = unknown_correct = 0
    for line in _lines(gold, system):
        lines += 1
        differing += not line.same
        if not line.gold:
            continue
        right = _right(line)
        gold_words += len(line.gold)
        system_words += len(line.system)
        correct += len(right)
        if known is not None:
            unknown += sum(word not in known for word in line.gold)
            unknown_correct += sum(line.gold[place] not in known for place in right)
    blind = known is None
    return Scores(
        gold_words=gold_words,
        system_words=system_words,
        correct=correct,
        precision=_share(correct, system_words),
        recall=_share(correct, gold_words),
        f1=_share(2 * correct, gold_words + system_words),
        oov_rate=math.nan if blind else _share(unknown, gold_words),
        oov_recall=math.nan if blind else _share(unknown_correct, unknown),
        iv_recall=math.nan if blind else _share(correct - unknown_correct, gold_words - unknown),
        lines=lines,
        differing_lines=differing,
    )


def precision_at(words: Iterable[str], gold: Container[str], ks: Collection[int]) -> dict[int, float]:
    """The share of gold words among the first k words, for each k; NaN where there are fewer than k words.

    >>> precision_at(["葡萄酒", "研究", "究生"], {"研究", "葡萄酒"}, [2, 3, 9])
    {2: 1.0, 3: 0.6666666666666666, 9: nan}
    """
    if any(k < 1 for k in ks):
        raise ValueError(f"ks: expected numbers of words, such as [1000, 5000], got {list(ks)}")
    rates = dict.fromkeys(ks, math.nan)
    hits = 0
    last = max(ks, default=0)
    for rank, word in enumerate(words, 1):
        if rank > last:
            break
        hits += word in gold
        if rank in rates:
            rates[rank] = hits / rank
    return rates


# Trees --------------------------------------------------------------------------------------------------------------

Spans = tuple[Sequence[str], Iterable[tuple[int, int]]]
"""The words of a sentence and its brackets, (start, end) in words, ``end`` not included."""


class BracketScores(NamedTuple):
    """Counts and rates of the brackets of trees, summed over sentences; a rate of nothing is NaN."""

    gold_brackets: int
    system_brackets: int
    correct: int
    precision: float
    recall: float
    f1: float
    sentences: int


def bracket_scores(gold: Iterable[Spans], system: Iterable[Spans]) -> BracketScores:
    """Unlabelled precision, recall and F1 of brackets (Black et al. 1991), added up over all sentences.

    Words without a letter, a digit or a Han character are punctuation and are taken out of both sides first; of what
    is left, brackets around one word (or none) and around the whole sentence are left out, and one that stands twice
    counts once. O(words + brackets). Raises :class:`InputError` if one side has more sentences than the other, or if
    the words of the two differ besides punctuation.

    >>> words = ["我", "的", "苹果", "，", "好", "吃"]
    >>> bracket_scores([(words, [(0, 3), (0, 2), (4, 6)])], [(words, [(0, 6), (0, 4), (1, 3)])])
    BracketScores(gold_brackets=3, system_brackets=2, correct=1, precision=0.5, recall=0.3333333333333333, f1=0.4, \
sentences=1)
    """
    gold_brackets = system_brackets = correct = sentences = 0
    for number, (true, found) in enumerate(zip_longest(gold, system, fillvalue=None), 1):
        if true is None or found is None:
            short = "gold" if true is None else "system"
            raise InputError(f"{short}: line {number}: expected as many sentences on both sides, got the end")
        true_words, true_spans = _bare_spans(*true)
        found_words, found_spans = _bare_spans(*found)
        if true_words != found_words:
            place = next(k for k, (a, b) in enumerate(zip_longest(true_words, found_words)) if a != b)
            expected, got = (words[place] if place < len(words) else "the end" for words in (true_words, found_words))
            raise InputError(
                f"system: line {number}: word {place + 1} besides punctuation: expected {expected!r}, got {got!r}"
            )
        sentences += 1
        gold_brackets += len(true_spans)
        system_brackets += len(found_spans)
        correct += len(true_spans & found_spans)
    return BracketScores(
        gold_brackets=gold_brackets,
        system_brackets=system_brackets,
        correct=correct,
        precision=_share(correct, system_brackets),
        recall=_share(correct, gold_brackets),
        f1=_share(2 * correct, gold_brackets + system_brackets),
        sentences=sentences,
    )


def _bare_spans(words: Sequence[str], spans: Iterable[tuple[int, int]]) -> tuple[list[str], set[tuple[int, int]]]:
    """The words that are no punctuation, and the brackets over them that count."""
    kept = [any(map(str.isalnum, word)) for word in words]
    before = list(accumulate(kept, initial=0))
    bare = {(before[start], before[end]) for start, end in spans}
    size = before[-1]
    return list(compress(words, kept)), {span for span in bare if 2 <= span[1] - span[0] < size}


# What differs -------------------------------------------------------------------------------------------------------


class Difference(NamedTuple):
    """Words of the gold and what the system has in their place: the smallest stretch with the same ends in both.

    ``kind`` is one of :data:`KINDS`: "split", one gold word cut into several; "merge", several gold words in one;
    "crossing", several on both sides, so that boundaries cross; "characters", where the characters themselves differ
    (one side may be empty). ``count`` is how often, ``line`` the first line where, from 1.
    """

    kind: str
    gold: tuple[str, ...]
    system: tuple[str, ...]
    count: int  # type: ignore[assignment]
    line: int


def differences(gold: Iterable[Sequence[str]], system: Iterable[Sequence[str]]) -> list[Difference]:
    """All differences, the most frequent first, of equals the one met first.

    Every gold word is either right, as :func:`segmentation_scores` counts, or in one difference, and so is every word
    of the system; lines whose gold has no words count for nothing. O(words) where the characters agree. Raises
    :class:`InputError` if one of the two has more lines than the other.

    >>> gold = [["社会主义", "的", "研究", "生命"], ["社会主义"]]
    >>> system = [["社会", "主义", "的", "研究生", "命"], ["社会", "主义"]]
    >>> for difference in differences(gold, system):
    ...     print(*difference)
    split ('社会主义',) ('社会', '主义') 2 1
    crossing ('研究', '生命') ('研究生', '命') 1 1
    """
    counts: Counter[tuple[tuple[str, ...], tuple[str, ...], str]] = Counter()
    places: dict[tuple[tuple[str, ...], tuple[str, ...], str], int] = {}
    for line in _lines(gold, system):
        if not line.gold or line.gold == line.system:
            continue
        for true, found in _stretches(line.gold, line.system) if line.same else _gaps(line.gold, line.system):
            if kind := _kind(true, found):
                key = tuple(true), tuple(found), kind
                counts[key] += 1
                places.setdefault(key, line.number)
    return [Difference(key[2], key[0], key[1], count, places[key]) for key, count in counts.most_common()]


def _stretches(true: list[str], found: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Cut two segmentations of one text at every boundary that both have."""
    start = end = first = last = 0
    ahead = 0  # characters by which true[:end] is longer than found[:last]
    while end < len(true) or last < len(found):
        if ahead <= 0:
            ahead += len(true[end])
            end += 1
        else:
            ahead -= len(found[last])
            last += 1
        if ahead == 0:
            yield true[start:end], found[first:last]
            start, first = end, last


def _gaps(true: list[str], found: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """What lies between the common words of lines whose characters differ; cut further where the characters agree."""
    start = first = 0
    for end, last in [*_common_pairs(true, found), (len(true), len(found))]:
        gap = true[start:end], found[first:last]
        if "".join(gap[0]) == "".join(gap[1]):
            yield from _stretches(*gap)
        else:
            yield gap
        start, first = end + 1, last + 1


def _kind(true: list[str], found: list[str]) -> str:
    """One of :data:`KINDS`; nothing for one and the same word."""
    if "".join(true) != "".join(found):
        return "characters"
    if len(true) == 1:
        return "split" if len(found) > 1 else ""
    return "merge" if len(found) == 1 else "crossing"


# How sure a score is ------------------------------------------------------------------------------------------------

Progress = Callable[[str, int, int], object]


class LineCounts(NamedTuple):
    """The words of one line: of the gold, of the system, and those right."""

    gold: int
    system: int
    correct: int


class Interval(NamedTuple):
    """Ends of a 95 % interval."""

    low: float
    high: float


class Intervals(NamedTuple):
    """95 % intervals of the rates; ``lines`` is how many lines were drawn from, ``resamples`` how many times."""

    precision: Interval
    recall: Interval
    f1: Interval
    lines: int
    resamples: int


class Comparison(NamedTuple):
    """A difference of two F1 (the first system's less the second's), its 95 % interval, and its two-sided p-value."""

    difference: float
    interval: Interval
    p_value: float
    lines: int
    resamples: int


def line_counts(gold: Iterable[Sequence[str]], system: Iterable[Sequence[str]]) -> list[LineCounts]:
    """The counts behind :func:`segmentation_scores` line by line; a line whose gold has no words has none at all.

    >>> line_counts([["研究", "生命"], []], [["研究", "生", "命"], ["x"]])
    [LineCounts(gold=2, system=3, correct=1), LineCounts(gold=0, system=0, correct=0)]
    """
    return [
        LineCounts(len(line.gold), len(line.system), len(_right(line))) if line.gold else LineCounts(0, 0, 0)
        for line in _lines(gold, system)
    ]


def bootstrap(
    counts: Iterable[LineCounts], *, resamples: int = 1000, seed: int = 0, progress: Progress | None = None
) -> Intervals:
    """95 % intervals of precision, recall and F1 by the percentile bootstrap (自助法) over lines.

    As many lines as there are, those without gold words aside, are drawn with replacement, ``resamples`` times; the
    lowest and the highest fortieth of the rates are cut off (Efron & Tibshirani 1993, ch. 13; for F1 and machine
    translation Koehn 2004). A rate of nothing is left out, an interval of nothing is NaN. The lines stand for all
    lines of their kind: with few of them the interval comes out too narrow, and of other text it says nothing.
    O(lines) a resample: 1,000 of 4,000 lines take about 0.7 s. The same for a seed on every platform and version.

    >>> counts = [LineCounts(10, 10, 9), LineCounts(10, 11, 7), LineCounts(12, 11, 10), LineCounts(8, 9, 8)]
    >>> low, high = bootstrap(counts, seed=1).f1
    >>> round(low, 3), round(2 * 34 / (40 + 41), 3), round(high, 3)
    (0.723, 0.84, 0.93)
    """
    rows = [line for line in counts if line.gold]
    precisions, recalls, f1s = [], [], []
    for gold, system, correct in _resampled(rows, resamples, seed, progress):
        precisions.append(_share(correct, system))
        recalls.append(_share(correct, gold))
        f1s.append(_share(2 * correct, gold + system))
    return Intervals(_interval(precisions), _interval(recalls), _interval(f1s), len(rows), resamples)


def paired_bootstrap(
    counts: Sequence[LineCounts],
    others: Sequence[LineCounts],
    *,
    resamples: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Comparison:
    """Whether two systems differ in F1 by more than the luck of the lines: both are scored on the same draws.

    The p-value is twice the share of resamples in which the difference changes its sign or is zero, the sample itself
    counted as one of them, so that it is never 0: ``min(1, 2 (flips + 1) / (resamples + 1))``; it is 1 where the F1 are
    equal. Koehn (2004, "Statistical significance tests for machine translation evaluation") counts those flips;
    Berg-Kirkpatrick, Burkett & Klein (2012, "An empirical investigation of statistical significance in NLP") count
    differences beyond twice the measured one instead, which comes to the same where the resampled differences lie
    symmetrically about it. They also warn that lines of one source say little about another. Signs are exact (whole
    numbers). Raises :class:`InputError` if the two were not counted against the same gold.

    >>> gold = [["研究", "生命"], ["葡萄酒", "很", "甜"], ["咖啡", "很", "苦"], ["社会主义"]]
    >>> good = line_counts(gold, [["研究", "生命"], ["葡萄酒", "很", "甜"], ["咖啡", "很苦"], ["社会主义"]])
    >>> bad = line_counts(gold, [list("".join(line)) for line in gold])
    >>> comparison = paired_bootstrap(good, bad, seed=1)
    >>> round(comparison.difference, 3), round(comparison.p_value, 3)
    (0.516, 0.008)
    >>> paired_bootstrap(good, good).difference, paired_bootstrap(good, good).p_value
    (0.0, 1.0)
    """
    if len(counts) != len(others):
        raise InputError(f"others: expected {len(counts)} lines, as in counts, got {len(others)}")
    rows: list[tuple[int, ...]] = []
    for number, (one, other) in enumerate(zip(counts, others, strict=True), 1):
        if one.gold != other.gold:
            raise InputError(f"others: line {number}: expected {one.gold} gold words, as in counts, got {other.gold}")
        if one.gold:
            rows.append((*one, other.system, other.correct))
    measured = _compare(*(sum(column) for column in zip(*rows, strict=True))) if rows else (math.nan, 0)
    resampled = [_compare(*sums) for sums in _resampled(rows, resamples, seed, progress)]
    flips = sum(sign * measured[1] <= 0 for _, sign in resampled)
    return Comparison(
        difference=measured[0],
        interval=_interval([difference for difference, _ in resampled]),
        p_value=min(1.0, 2 * (flips + 1) / (resamples + 1)) if rows else math.nan,
        lines=len(rows),
        resamples=resamples,
    )


def _compare(gold: int, system: int, correct: int, other_system: int, other_correct: int) -> tuple[float, int]:
    """The difference of two F1, and its sign in whole numbers."""
    size, other_size = gold + system, gold + other_system
    sign = correct * other_size - other_correct * size
    return _share(2 * correct, size) - _share(2 * other_correct, other_size), sign


def _resampled(
    rows: Sequence[Sequence[int]], resamples: int, seed: int, progress: Progress | None
) -> Iterator[tuple[int, ...]]:
    """The sums of the columns over as many rows as there are, drawn with replacement, again and again."""
    if resamples < 1:
        raise ValueError(f"resamples: expected a whole number of at least 1, such as 1000, got {resamples!r}")
    if not rows:
        return
    size = len(rows)
    # The numbers of a row side by side in one integer, wide enough for their sums: half the time of column by column.
    width = (size * max(map(max, rows))).bit_length()
    shifts = [width * place for place in range(len(rows[0]))]
    packed = [sum(number << shift for number, shift in zip(row, shifts, strict=True)) for row in rows]
    full = (1 << width) - 1
    # Of all methods only this one is promised to give the same numbers for a seed in every version of Python.
    draw = random.Random(seed).random
    for done in range(resamples):
        if progress is not None:
            progress("resamples", done, resamples)
        total = sum([packed[int(draw() * size)] for _ in range(size)])
        yield tuple(total >> shift & full for shift in shifts)


def _interval(values: list[float]) -> Interval:
    """The percentile interval: a fortieth of the values, rounded down, is cut off at either end."""
    ranked = sorted(value for value in values if not math.isnan(value))
    if not ranked:
        return Interval(math.nan, math.nan)
    tail = len(ranked) // 40
    return Interval(ranked[tail], ranked[-1 - tail])


# Lines --------------------------------------------------------------------------------------------------------------


class _Line(NamedTuple):
    number: int
    gold: list[str]
    system: list[str]
    same: bool
    """Whether both hold the same characters."""


def _lines(gold: Iterable[Sequence[str]], system: Iterable[Sequence[str]]) -> Iterator[_Line]:
    missing = object()
    for number, (true, found) in enumerate(zip_longest(gold, system, fillvalue=missing), 1):
        if true is missing or found is missing:
            short = "gold" if true is missing else "system"
            raise InputError(f"{short}: line {number}: expected as many lines on both sides, got the end")
        true_words, found_words = _words(true, "gold", number), _words(found, "system", number)
        yield _Line(number, true_words, found_words, "".join(true_words) == "".join(found_words))


def _right(line: _Line) -> list[int]:
    """The places of the gold words that are right."""
    return _same_spans(line.gold, line.system) if line.same else _common_words(line.gold, line.system)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _words(line: object, side: str, number: int) -> list[str]:
    if isinstance(line, str) or not isinstance(line, Sequence):
        shown = repr(line)
        raise TypeError(f"{side}: line {number}: expected a list of words, such as ['研究', '生命'], got {shown[:60]}")
    return [word for word in line if word]


def _same_spans(true: list[str], found: list[str]) -> list[int]:
    """The places of the gold words that cover the same characters as a system word."""
    found_ends = list(accumulate(map(len, found)))
    spans = set(zip([0, *found_ends], found_ends, strict=False))
    true_ends = list(accumulate(map(len, true)))
    return [place for place, span in enumerate(zip([0, *true_ends], true_ends, strict=False)) if span in spans]


# A longest common subsequence --------------------------------------------------------------------------------------


def _common_words(true: list[str], found: list[str]) -> list[int]:
    return [place for place, _ in _common_pairs(true, found)]


def _common_pairs(true: list[str], found: list[str]) -> list[tuple[int, int]]:
    """The places in ``true`` and in ``found`` of a longest common subsequence of the two; of several, a fixed one.

    Divide and conquer in linear memory (Hirschberg 1975), the lengths by whole rows of bits (Hyyrö 2004): O(n m / 64)
    machine steps, so that one huge line that differs costs seconds and no gigabytes.
    """
    pairs: list[tuple[int, int]] = []
    jobs = [(0, len(true), 0, len(found))]
    while jobs:
        start, end, first, last = jobs.pop()
        while start < end and first < last and true[start] == found[first]:
            pairs.append((start, first))
            start, first = start + 1, first + 1
        while start < end and first < last and true[end - 1] == found[last - 1]:
            end, last = end - 1, last - 1
            pairs.append((end, last))
        if start == end or first == last:
            continue
        if end - start == 1:
            if true[start] in found[first:last]:
                pairs.append((start, found.index(true[start], first, last)))
            continue
        middle = (start + end) // 2
        before = _prefix_lengths(true[start:middle], found[first:last])
        after = _prefix_lengths(true[middle:end][::-1], found[first:last][::-1])
        both = [one + other for one, other in zip(before, reversed(after), strict=True)]
        cut = first + both.index(max(both))
        jobs += [(start, middle, first, cut), (middle, end, cut, last)]
    return sorted(pairs)


def _prefix_lengths(rows: list[str], columns: list[str]) -> list[int]:
    """The length of a longest common subsequence of ``rows`` with every prefix of ``columns``, the empty one first."""
    matches: dict[str, int] = {}
    for place, word in enumerate(columns):
        matches[word] = matches.get(word, 0) | 1 << place
    full = (1 << len(columns)) - 1
    # A zero at place j says that the length grows from the prefix of j words to the next.
    state = full
    for word in rows:
        hit = state & matches.get(word, 0)
        state = (state + hit | state - hit) & full
    grows = bin(state | full + 1)[:2:-1]
    return list(accumulate((bit == "0" for bit in grows), initial=0))
