"""Scores against a gold standard: segmentation as the SIGHAN bakeoffs count it, precision of ranked words.

The bakeoff's ``score`` script compares the words of each line with GNU ``diff``. Where gold and system hold the same
characters, a word is right here if it covers the same span in both; lines whose characters differ are aligned by a
longest common subsequence of their words. Measured on the PKU and MSR test sets: spans and a minimal diff (``diff -d``)
find the same words, and for longest match with the training words, and for jieba, all six rates equal the script's to
three decimals. The script calls ``diff`` without ``-d``, which takes short cuts where little agrees: of single
characters as words it finds F .330 (PKU) and .326 (MSR), where spans say .343 and .330.

>>> scores = segmentation_scores([["研究", "生命", "起源"]], [["研究生", "命", "起源"]], known={"研究", "生命"})
>>> round(scores.precision, 3), round(scores.recall, 3), scores.oov_recall, scores.iv_recall
(0.333, 0.333, 1.0, 0.0)
"""

from __future__ import annotations

import math
from collections.abc import Collection, Container, Iterable, Sequence
from itertools import accumulate, zip_longest
from typing import NamedTuple

from .errors import InputError

__all__ = ["Scores", "precision_at", "segmentation_scores"]


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


def segmentation_scores(
    gold: Iterable[Sequence[str]], system: Iterable[Sequence[str]], known: Container[str] | None = None
) -> Scores:
    """Score lines of words against gold lines; ``known`` is the word list of the training text.

    As in the script, a line whose gold has no words counts for nothing. O(words) where the characters agree. Raises
    :class:`InputError` if one of the two has more lines than the other.
    """
    gold_words = system_words = correct = lines = differing = unknown = unknown_correct = 0
    missing = object()
    for number, (true, found) in enumerate(zip_longest(gold, system, fillvalue=missing), 1):
        if true is missing or found is missing:
            short = "gold" if true is missing else "system"
            raise InputError(f"{short}: line {number}: expected as many lines on both sides, got the end")
        true_words, found_words = _words(true, "gold", number), _words(found, "system", number)
        lines += 1
        same = "".join(true_words) == "".join(found_words)
        differing += not same
        if not true_words:
            continue
        right = _same_spans(true_words, found_words) if same else _common_words(true_words, found_words)
        gold_words += len(true_words)
        system_words += len(found_words)
        correct += len(right)
        if known is not None:
            unknown += sum(word not in known for word in true_words)
            unknown_correct += sum(true_words[place] not in known for place in right)
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
    """The places in ``true`` of a longest common subsequence of the two; of several, a fixed one.

    Divide and conquer in linear memory (Hirschberg 1975), the lengths by whole rows of bits (Hyyrö 2004): O(n m / 64)
    machine steps, so that one huge line that differs costs seconds and no gigabytes.
    """
    places: list[int] = []
    jobs = [(0, len(true), 0, len(found))]
    while jobs:
        start, end, first, last = jobs.pop()
        while start < end and first < last and true[start] == found[first]:
            places.append(start)
            start, first = start + 1, first + 1
        while start < end and first < last and true[end - 1] == found[last - 1]:
            end, last = end - 1, last - 1
            places.append(end)
        if start == end or first == last:
            continue
        if end - start == 1:
            if true[start] in found[first:last]:
                places.append(start)
            continue
        middle = (start + end) // 2
        before = _prefix_lengths(true[start:middle], found[first:last])
        after = _prefix_lengths(true[middle:end][::-1], found[first:last][::-1])
        both = [one + other for one, other in zip(before, reversed(after), strict=True)]
        cut = first + both.index(max(both))
        jobs += [(start, middle, first, cut), (middle, end, cut, last)]
    return sorted(places)


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
