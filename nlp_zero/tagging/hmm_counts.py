"""What a hidden Markov model is estimated from: counts of first labels, of moves, and of symbols under each label.

They come from words (:func:`count_words`), from labelled sequences (:func:`count_labels`), or from a list of words
with counts alone (:func:`count_lexicon`). The last takes every word to be drawn independently of the others, so the
moves follow from how long words are: with p the share of words of one character, S comes after a word with
probability p and B with 1 - p, and B leads to E as often as words of more than one character have just two.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..errors import InputError
from ..text.characters import CLASS_NAMES, WORD_CLASSES, class_table
from .labels import Scheme

__all__ = ["CLASSES", "SMOOTHING", "Counts", "Tables", "count_labels", "count_lexicon", "count_words", "estimate"]

CLASSES = len(CLASS_NAMES)
"""How many classes of unknown symbols there are."""

SMOOTHING = 1.0
"""Chosen on UD dev: word F1 of 0.816 there, 0.814 with 0.1."""

_TINY = 1e-9


class Counts(NamedTuple):
    """Counts (they need not be whole) over the labels of a scheme."""

    scheme: Scheme
    starts: list[float]
    moves: list[list[float]]
    spoken: dict[str, list[float]]

    @classmethod
    def empty(cls, scheme: Scheme) -> Counts:
        size = len(scheme.labels)
        return cls(scheme, [0.0] * size, [[0.0] * size for _ in range(size)], {})

    def totals(self) -> dict[str, float]:
        """How often each label stands.

        >>> counts = count_lexicon(Scheme.named("bmes"), {"今天": 10, "计算机": 3, "好": 4})
        >>> counts.totals()
        {'B': 13.0, 'M': 3.0, 'E': 13.0, 'S': 4.0}
        """
        sums = [0.0] * len(self.starts)
        for row in self.spoken.values():
            for label, count in enumerate(row):
                sums[label] += count
        return dict(zip(self.scheme.labels, sums, strict=True))

    def _add_word(self, word: str, count: float) -> tuple[int, int]:
        """Count the characters and the moves inside a word; the labels at its ends."""
        numbers = self.scheme.encode(self.scheme.label_words([word]))
        spoken = self.spoken
        for character, label in zip(word, numbers, strict=True):
            row = spoken.get(character)
            if row is None:
                row = spoken[character] = [0.0] * len(self.starts)
            row[label] += count
        for before, after in pairwise(numbers):
            self.moves[before][after] += count
        return numbers[0], numbers[-1]


class Tables(NamedTuple):
    """The probabilities of a model, as the kernels want them.

    ``emissions`` has a row for each symbol and then one for each class of symbols that are not known.
    """

    starts: array[float]
    moves: array[float]
    ends: array[float]
    emissions: array[float]


# ---- counting ------------------------------------------------------------------------------------------------------


def count_words(scheme: Scheme, sentences: Iterable[Sequence[str]]) -> Counts:
    """Counts of sentences that are lists of words. O(words), and a row for each character."""
    counts = Counts.empty(scheme)
    words: Counter[str] = Counter()
    bonds: Counter[tuple[str, str]] = Counter()
    first: Counter[str] = Counter()
    shapes: dict[str, str] = {}
    for number, sentence in enumerate(sentences, 1):
        if isinstance(sentence, str):
            raise InputError(f"sentence {number}: expected a list of words, such as ['今天', '天气'], got {sentence!r}")
        try:
            # All that bonds between words depend on is whether they have one character or more.
            kinds = [shapes.get(word) or shapes.setdefault(word, "甲" * min(len(word), 2)) for word in sentence]
        except TypeError:
            raise InputError(f"sentence {number}: expected a list of words, got {sentence!r}") from None
        if "" in kinds:
            raise InputError(f"sentence {number}: expected words, such as '天气', got ''")
        if kinds:
            words.update(sentence)
            bonds.update(pairwise(kinds))
            first[kinds[0]] += 1
    for word, count in words.items():
        counts._add_word(word, count)
    ends = {kind: _ends(scheme, kind) for kind in ("甲", "甲甲")}
    for kind, count in first.items():
        counts.starts[ends[kind][0]] += count
    for (before, after), count in bonds.items():
        counts.moves[ends[before][1]][ends[after][0]] += count
    return counts


def _ends(scheme: Scheme, word: str) -> tuple[int, int]:
    """The labels at the ends of a word."""
    numbers = scheme.encode(scheme.label_words([word]))
    return numbers[0], numbers[-1]


def count_labels(scheme: Scheme, sequences: Iterable[tuple[Sequence[str], Sequence[str]]]) -> Counts:
    """Counts of symbols with their labels; LabelError, naming sequence and position, for labels that are not legal."""
    counts = Counts.empty(scheme)
    size = len(scheme.labels)
    for number, (symbols, labels) in enumerate(sequences, 1):
        if len(symbols) != len(labels):
            raise InputError(f"sequence {number}: expected {len(symbols)} labels, one a symbol, got {len(labels)}")
        try:
            scheme.check(labels)
        except ValueError as error:
            raise type(error)(f"sequence {number}: {error}") from None
        numbers = scheme.encode(labels)
        for symbol, label in zip(symbols, numbers, strict=True):
            counts.spoken.setdefault(symbol, [0.0] * size)[label] += 1.0
        for before, after in pairwise(numbers):
            counts.moves[before][after] += 1.0
        if numbers:
            counts.starts[numbers[0]] += 1.0
    return counts


def count_lexicon(scheme: Scheme, lexicon: Mapping[str, float]) -> Counts:
    """What a text of words drawn by their counts is expected to count, one word for each count. O(characters).

    >>> counts = count_lexicon(Scheme.named("bmes"), {"今天": 6, "计算机": 2, "好": 2})
    >>> counts.moves[2], counts.starts  # after E: B eight times in ten, S twice
    ([6.4, 0.0, 0.0, 1.6], [8.0, 0.0, 0.0, 2.0])
    """
    counts = Counts.empty(scheme)
    ends: Counter[int] = Counter()
    for word, count in lexicon.items():
        if not word or not 0 <= count < float("inf"):
            raise InputError(f"lexicon: expected words with counts, such as '天气' 42, got {word!r} {count!r}")
        if count:
            first, last = counts._add_word(word, float(count))
            counts.starts[first] += count
            ends[last] += count  # type: ignore[assignment]
    total = sum(counts.starts)
    for last, count in ends.items():
        for first, share in enumerate(counts.starts):
            counts.moves[last][first] += count * share / total
    return counts


# ---- estimating ----------------------------------------------------------------------------------------------------


def estimate(counts: Counts, smoothing: float) -> tuple[list[str], Tables]:
    """The symbols in code-point order, and probabilities from counts; what is legal has some, what is not has none.

    Every legal start and move counts ``smoothing`` times more. So does every symbol under the labels together, divided
    among them as labels are among the rare symbols (those seen once) of its class (汉字、数字、标点...): a rare Chinese
    character is not what a rare digit is. The same division is all that is known of a symbol never seen. In a class
    of which nothing was seen, a sign or a space is a unit of its own, and all else is as rare symbols are in general.
    """
    if not 0 < smoothing < float("inf"):
        raise ValueError(f"smoothing: expected more than 0, such as 0.1, got {smoothing!r}")
    scheme = counts.scheme
    size = len(scheme.labels)
    symbols = sorted(counts.spoken)
    table = class_table()
    kinds = [table[ord(symbol[0])] if symbol else 0 for symbol in symbols]
    shares = _shares_of_classes(counts, symbols, kinds)
    rows = [
        [count + smoothing * size * share for count, share in zip(counts.spoken[symbol], shares[kind], strict=True)]
        for symbol, kind in zip(symbols, kinds, strict=True)
    ]
    rows += [[smoothing * size * share for share in row] for row in shares]
    totals = [sum(column) for column in zip(*rows, strict=True)]
    emissions = array("d", [count / total for row in rows for count, total in zip(row, totals, strict=True)])
    moves = array("d")
    for before, row in enumerate(counts.moves):
        moves.extend(_smoothed(row, scheme.moves[before * size : (before + 1) * size], smoothing))
    starts = array("d", _smoothed(counts.starts, scheme.starts, smoothing))
    return symbols, Tables(starts, moves, array("d", list(scheme.ends)), emissions)


def _smoothed(row: Sequence[float], legal: bytes, smoothing: float) -> list[float]:
    """Shares that sum to 1 over what is legal."""
    raised = [count + smoothing if good else 0.0 for count, good in zip(row, legal, strict=True)]
    total = sum(raised)
    return [count / total for count in raised] if total else raised


def _shares_of_classes(counts: Counts, symbols: Sequence[str], kinds: Sequence[int]) -> list[list[float]]:
    """How the labels divide the rare symbols of each class; rows sum to 1, and no share is 0."""
    size = len(counts.starts)
    once: list[list[float]] = [[0.0] * size for _ in range(CLASSES)]
    mean: list[list[float]] = [[0.0] * size for _ in range(CLASSES)]
    for symbol, kind in zip(symbols, kinds, strict=True):
        row = counts.spoken[symbol]
        total = sum(row)
        for label, count in enumerate(row):
            if 0.0 < total <= 1.0:
                once[kind][label] += count
            if total:
                mean[kind][label] += count / total
    # Where nothing was seen just once, every symbol speaks for its kind with one voice.
    found = [rare if sum(rare) else every for rare, every in zip(once, mean, strict=True)]
    general = _divided([sum(column) for column in zip(*found, strict=True)])
    alone = _divided([float(good) for good in _alone(counts.scheme)])
    rows = []
    for kind, row in enumerate(found):
        unseen = general if kind in WORD_CLASSES else alone
        rows.append(_divided([count + 0.1 * share for count, share in zip(row, unseen, strict=True)]))
    return rows


def _divided(row: Sequence[float]) -> list[float]:
    total = sum(row) + _TINY * len(row)
    return [(count + _TINY) / total for count in row]


def _alone(scheme: Scheme) -> list[bool]:
    """The labels that a unit of one position, or a position outside of all units, can have."""
    size = len(scheme.labels)
    alone = [scheme.starts[label] and scheme.ends[label] for label in range(size)]
    return [bool(good) for good in alone] if any(alone) else [True] * size
