"""Merges of one-symbol words: the gain and the order against a slow reading of the rules, on words as strings."""

from __future__ import annotations

import random
from array import array
from collections import Counter
from itertools import pairwise
from math import exp, log

import pytest

from nlp_zero.words.merging import Merge, Model, merge_pairs

NONE = 0xFFFFFFFF
WIDTH = 3


class Text:
    """A segmented text, chunk by chunk, and everything that its merges are judged by, word by word."""

    def __init__(self, chunks: list[list[str]], source: random.Random, class_count: int = 5) -> None:
        self.chunks = chunks
        self.text = "".join("".join(chunk) + "#" for chunk in chunks)
        self.names: list[str] = []
        self.index = array("I", [NONE]) * (len(self.text) * WIDTH)
        self._number()
        counts = Counter(word for chunk in chunks for word in chunk)
        self.counts = array("i", [counts[name] for name in self.names])
        self.tables = array("i", [min(count, source.randint(1, 4)) for count in self.counts])
        self.base = array("f", [source.uniform(0.001, 0.1) ** len(name) for name in self.names])
        self.boost = array("f", [exp(source.uniform(-1, 1)) for _ in self.names])
        self.classes = bytes(source.randrange(1, class_count) for _ in self.names)
        self.ratios = array("d", [source.uniform(-1, 1) for _ in range(class_count**2)])
        self.class_count = class_count

    def _number(self) -> None:
        ids: dict[str, int] = {}
        for place in range(len(self.text)):
            for size in range(1, WIDTH + 1):
                word = self.text[place : place + size]
                if len(word) == size and "#" not in word:
                    self.index[place * WIDTH + size - 1] = ids.setdefault(word, len(ids))
        self.names = list(ids)

    def lengths(self, chunks: list[list[str]]) -> bytes:
        return b"".join(
            b"".join(bytes((len(word), *bytes(len(word) - 1))) for word in chunk) + b"\0" for chunk in chunks
        )

    def model(self, discount: float = 0.7, strength: float = 50.0) -> Model:
        return Model(self.counts, self.tables, self.base, self.boost, self.classes, self.ratios, discount, strength)


def random_text(seed: int, alphabet: str = "abc") -> Text:
    source = random.Random(seed)
    lengths = [1, 1, 1, 2, 3]
    chunks = [
        ["".join(source.choice(alphabet) for _ in range(source.choice(lengths))) for _ in range(source.randint(1, 8))]
        for _ in range(source.choice([1, 20, 60]))
    ]
    return Text(chunks, source)


class Slow:
    """The rules once more: counts as dicts of strings, one token at a time."""

    def __init__(self, text: Text, discount: float = 0.7, strength: float = 50.0) -> None:
        names = text.names
        self.text, self.discount, self.strength = text, discount, strength
        self.counts = dict(zip(names, text.counts, strict=True))
        self.tables = dict(zip(names, text.tables, strict=True))
        self.classes = dict(zip(names, text.classes, strict=True))
        self.base = dict(zip(names, text.base, strict=True))
        self.boost = dict(zip(names, text.boost, strict=True))
        self.chunks = [list(chunk) for chunk in text.chunks]

    def ratio(self, first: int, second: int) -> float:
        return self.text.ratios[first * self.text.class_count + second]

    def places(self, pair: str) -> list[tuple[list[str], int]]:
        return [
            (chunk, place)
            for chunk in self.chunks
            for place in range(len(chunk) - 1)
            if [chunk[place], chunk[place + 1]] == list(pair)
        ]

    def seats(self, word: str, change: int) -> float:
        """One customer after the other sits down (or, backwards, has sat down)."""
        mass = (self.strength + self.discount * sum(self.tables.values())) * self.base[word]
        count = self.counts[word] + min(change, 0)
        tables = min(self.tables[word], count)
        total = 0.0
        for _ in range(abs(change)):
            if count == 0:
                total += log(mass)
                tables = 1
            else:
                total += log(count - self.discount * tables + mass)
            count += 1
        return total if change > 0 else -total

    def gain(self, pair: str) -> tuple[float, int, int]:
        """Gain, class of the new word, number of places."""
        places, (left, right) = self.places(pair), pair
        number = len(places)
        gain = self.seats(pair, number) + self.seats(left, -number) + self.seats(right, -number)
        gain += number * log(self.strength + sum(self.counts.values()))
        gain += number * log(self.boost[pair] / (self.boost[left] * self.boost[right]))
        classes = [self.classes[pair]] if self.counts[pair] else list(range(1, self.text.class_count))
        sums = []
        for group in classes:
            total = 0.0
            for chunk, place in places:
                before = self.classes[chunk[place - 1]] if place else 0
                total += self.ratio(before, group) - self.ratio(before, self.classes[left])
                total -= self.ratio(self.classes[left], self.classes[right])
                if place + 2 < len(chunk):
                    after = self.classes[chunk[place + 2]]
                    total += self.ratio(group, after) - self.ratio(self.classes[right], after)
            sums.append(total)
        return gain + max(sums), classes[sums.index(max(sums))], number

    def run(self, least: int) -> list[tuple[str, int, float, int]]:
        names = self.text.names
        pairs = {a + b for chunk in self.chunks for a, b in pairwise(chunk) if len(a + b) == 2}
        scored = [
            (-self.gain(pair)[0], names.index(pair))
            for pair in pairs
            if pair[0] != pair[1] and len(self.places(pair)) >= least and self.gain(pair)[0] > 0
        ]
        merges = []
        for _, word in sorted(scored):
            pair = names[word]
            if len(self.places(pair)) < least:
                continue
            gain, group, number = self.gain(pair)
            if gain <= 0:
                continue
            merges.append((pair, number, gain, group))
            for chunk, place in reversed(self.places(pair)):
                chunk[place : place + 2] = [pair]
            self.counts[pair] += number
            self.tables[pair] = max(self.tables[pair], 1)
            for part in pair:
                self.counts[part] -= number
                self.tables[part] = min(self.tables[part], self.counts[part])
            self.classes[pair] = group
        return merges


@pytest.mark.parametrize("seed", range(60))
def test_merges_are_those_of_a_slow_reading(seed: int) -> None:
    text = random_text(seed, "ab" if seed % 4 == 0 else "abcd")
    slow = Slow(text)
    expected = slow.run(least=3)

    merges, lengths = merge_pairs(text.index, WIDTH, text.lengths(text.chunks), text.model(), min_count=3)

    assert [(text.names[merge.word], merge.places, merge.group) for merge in merges] == [
        (pair, number, group) for pair, number, _, group in expected
    ]
    for merge, (_, _, gain, _) in zip(merges, expected, strict=True):
        assert merge.gain == pytest.approx(gain, rel=1e-6, abs=1e-6)
        assert text.names[merge.left] + text.names[merge.right] == text.names[merge.word]
    assert lengths == text.lengths(slow.chunks)


def test_the_random_texts_merge_something() -> None:
    assert sum(len(Slow(random_text(seed, "abcd")).run(3)) for seed in range(1, 60, 6)) > 10


def even_text(chunks: list[list[str]]) -> Text:
    """A text whose words differ in nothing but their counts."""
    text = Text(chunks, random.Random(0))
    text.tables = array("i", [min(count, 1) for count in text.counts])
    text.base = array("f", [0.01 ** len(name) for name in text.names])
    text.boost = array("f", [1.0]) * len(text.names)
    text.classes = bytes([1]) * len(text.names)
    text.ratios = array("d", [0.0]) * 4
    text.class_count = 2
    return text


def test_what_always_stands_together_merges_and_what_meets_by_chance_does_not() -> None:
    source = random.Random(3)
    chunks = [source.sample([["a", "b"], ["c"], ["d"], ["e"], ["f"], ["g"]], 6) for _ in range(100)]
    text = even_text([[word for piece in chunk for word in piece] for chunk in chunks])

    merges, lengths = merge_pairs(text.index, WIDTH, text.lengths(text.chunks), text.model())

    assert [(text.names[merge.word], merge.places) for merge in merges] == [("ab", 100)]
    assert Counter(lengths) == Counter({0: 200, 1: 500, 2: 100})


def test_one_merge_by_hand() -> None:
    """ab ten times, alone: twenty tokens of two words become ten of one."""
    text = even_text([["a", "b"]] * 10)
    [merge], lengths = merge_pairs(text.index, WIDTH, text.lengths(text.chunks), text.model(0.5, 10.0))
    mass = 10 + 0.5 * 2

    def seated(base: float) -> float:
        return log(mass * base) + sum(log(count - 0.5 + mass * base) for count in range(1, 10))

    gain = seated(0.0001) - 2 * seated(0.01) + 10 * log(10 + 20)
    assert merge == Merge(0, 2, 1, 10, pytest.approx(gain, rel=1e-5), 1)
    assert lengths == bytes([2, 0, 0]) * 10


def test_rare_equal_or_banned_pairs_stay() -> None:
    for chunks in ([["a", "b"]] * 9, [["a", "a"]] * 30, [["a"], ["b"]] * 30, [["ab"]] * 30):
        text = even_text(chunks)
        lengths = text.lengths(chunks)
        assert merge_pairs(text.index, WIDTH, lengths, text.model()) == ([], lengths)
    text = even_text([["a", "b"]] * 30)
    assert merge_pairs(text.index, WIDTH, text.lengths(text.chunks), text.model())[0]
    text.boost[1] = 0.0
    assert not merge_pairs(text.index, WIDTH, text.lengths(text.chunks), text.model())[0]


def test_next_to_nothing() -> None:
    model = Model(array("i"), array("i"), array("f"), array("f"), b"", array("d", [0.0] * 4), 0.7, 1000.0)
    assert merge_pairs(array("I"), 4, b"", model) == ([], b"")
    assert merge_pairs(array("I", [NONE] * 4), 4, b"\0", model) == ([], b"\0")
    assert merge_pairs(array("I", [0]), 1, b"\1", model) == ([], b"\1")


def test_the_end_of_a_chunk_has_no_factor_and_its_start_has() -> None:
    text = even_text([["a", "b"]] * 10)
    reference = merge_pairs(text.index, WIDTH, text.lengths(text.chunks), text.model())[0][0].gain
    text.ratios = array("d", [7.0, 0.0, -5.0, 0.0])  # column 0: not used
    assert merge_pairs(text.index, WIDTH, text.lengths(text.chunks), text.model())[0][0].gain == reference
    text.ratios = array("d", [0.0, 0.0, 0.0, 0.25])  # of a and b: lost
    lost = merge_pairs(text.index, WIDTH, text.lengths(text.chunks), text.model())[0][0].gain
    assert lost == pytest.approx(reference - 2.5)


def test_errors_say_what_is_wrong() -> None:
    text = even_text([["a", "b"]] * 10)
    lengths = text.lengths(text.chunks)
    with pytest.raises(ValueError, match="log_ratios: expected a square number of items from 4 up, got 3"):
        merge_pairs(text.index, WIDTH, lengths, text.model()._replace(log_ratios=array("d", [0.0] * 3)))
    text.counts = array("i", [3, 0, 10])
    with pytest.raises(ValueError, match="counts: expected at least 10 for the word 0, got 3"):
        merge_pairs(text.index, WIDTH, lengths, text.model())
