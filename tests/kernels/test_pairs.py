"""The pair kernel against its definition over all segmentations, and both engines against each other."""

from __future__ import annotations

import random
from array import array
from collections import Counter
from collections.abc import Callable
from math import fsum, log
from typing import Any

import pytest

from nlp_zero import kernels
from nlp_zero.kernels import pairs as specification
from nlp_zero.kernels.pairs import SYMBOL_BITS

KINDS = bytes(code % 9 for code in range(0x110000))
CHARACTERS = "一丁七万"


def tags_of(words: list[str]) -> list[int]:
    return [tag for word in words for tag in ([3] if len(word) == 1 else [0, *[1] * (len(word) - 2), 2])]


def segmentations(text: str) -> list[list[str]]:
    if not text:
        return [[]]
    return [[text[:end], *rest] for end in range(1, len(text) + 1) for rest in segmentations(text[end:])]


class Corpus:
    """Random sentences, their counts, and the probability of a segmentation by its definition."""

    def __init__(self, seed: int, sentences: int = 12) -> None:
        source = random.Random(seed)
        lexicon = ["".join(source.choices(CHARACTERS, k=source.choice([1, 1, 2, 2, 3, 4]))) for _ in range(8)]
        self.rows = [self.atoms(source.choices(lexicon, k=source.randint(1, 5))) for _ in range(sentences)]
        self.counts = [
            Counter(
                tuple(row[place - size + 1 : place + 1])
                for row in self.rows
                for place in range(max(1, size - 1), len(row))
            )
            for size in (1, 2, 3)
        ]
        self.shares = [source.uniform(0.01, 0.2) for _ in range(4 * (len(CHARACTERS) + 9))]
        self.weights = [source.uniform(0.1, 1.0) for _ in range(3)]

    @staticmethod
    def atoms(words: list[str]) -> list[tuple[int, int]]:
        symbols = [CHARACTERS.find(character) + 1 for word in words for character in word]
        return [(0, 3), (0, 3), *zip(symbols, tags_of(words), strict=True)]

    def arguments(self) -> tuple[Any, ...]:
        singles = array("I", [self.counts[0][((n // 4, n % 4),)] for n in range(4 * (len(CHARACTERS) + 1))])
        tables = []
        for size in (2, 3):
            keys = {}
            for atoms, count in self.counts[size - 1].items():
                symbols = tags = 0
                for symbol, tag in atoms:
                    symbols, tags = symbols << SYMBOL_BITS | symbol, tags << 2 | tag
                keys[symbols << 2 * size | tags] = count
            tables += [array("Q", sorted(keys)), array("I", [keys[key] for key in sorted(keys)])]
        return CHARACTERS, array("d", self.shares), KINDS, singles, *tables, array("d", self.weights)

    def score(self, words: list[str]) -> float:
        row = self.atoms(words)
        text = "".join(words)
        total = []
        one, two, three = self.counts
        for place in range(2, len(row)):
            (symbol, tag), character = row[place], text[place - 2]
            share = self.shares[4 * (symbol - 1 if symbol else len(CHARACTERS) + KINDS[ord(character)]) + tag]
            chance = self.weights[0] * share
            a, b, c = row[place - 2 : place + 1]
            # What is unknown has the number 0 here, as the edge has; it was never counted.
            if symbol and (b[0] or place == 2):
                chance += self.weights[1] * two[b, c] / max(one[(b,)], 1)
                if a[0] or place <= 3:
                    chance += self.weights[2] * three[a, b, c] / max(two[a, b], 1)
            total.append(log(chance))
        return fsum(total)


def tagger_of(corpus: Corpus) -> Any:
    return kernels.PairTags(*corpus.arguments())


@pytest.mark.parametrize("seed", range(30))
def test_words_are_the_best_of_all_segmentations(seed: int) -> None:
    corpus = Corpus(seed)
    source = random.Random(seed)
    texts = [
        "".join(source.choices("一丁七万丈𠀀", weights=[5, 5, 5, 5, 1, 1], k=source.randint(1, 8))) for _ in range(9)
    ]
    for text, words in zip(texts, tagger_of(corpus).segment_lines(texts), strict=True):
        assert "".join(words) == text
        assert corpus.score(words) == pytest.approx(max(map(corpus.score, segmentations(text))), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_engine_equals_the_python_twin(seed: int) -> None:
    corpus = Corpus(seed, 60)
    source = random.Random(seed)
    lines = ["".join(source.choices("一丁七万丈aB \n𠀀", k=size)) for size in [0, 1, 2, 3, 66_000, 4, *range(200)]]
    words = tagger_of(corpus).segment_lines(lines)
    assert words == specification.PairTags(*corpus.arguments()).segment_lines(lines)
    assert ["".join(line) for line in words] == lines
    twin = specification.PairTags(*corpus.arguments())
    assert [tagger_of(corpus).scores(line) for line in lines[-50:]] == [twin.scores(line) for line in lines[-50:]]
    with pytest.raises(TypeError, match="text: expected str, got bytes"):
        tagger_of(corpus).scores(b"x")


def test_a_model_of_nothing_leaves_single_characters_or_words_by_shares_alone() -> None:
    shares = array("d", [0.1, 0.1, 0.1, 0.3] * 9)
    none = array("Q"), array("I"), array("Q"), array("I")
    tagger = kernels.PairTags("", shares, KINDS, array("I", [0] * 4), *none, array("d", [1.0, 0.0, 0.0]))
    assert tagger.segment_lines(["一二三", ""]) == [["一", "二", "三"], []]


GOOD = Corpus(1).arguments()


def replaced(place: int, value: Any) -> tuple[Any, ...]:
    arguments = list(GOOD)
    arguments[place] = value(arguments[place]) if callable(value) else value
    return tuple(arguments)


def with_item(place: int, value: Any) -> Callable[[Any], Any]:
    def change(items: array[Any]) -> array[Any]:
        items = array(items.typecode, items)
        items[place] = value
        return items

    return change


BAD = [
    replaced(0, b"x"),
    replaced(0, "一一七万"),
    replaced(0, "一"),
    replaced(1, with_item(0, 0.0)),
    replaced(1, with_item(0, 1.5)),
    replaced(1, with_item(3, float("nan"))),
    replaced(1, array("f", [0.5] * 52)),
    replaced(2, KINDS[1:]),
    replaced(2, b"\x09" * 0x110000),
    replaced(3, lambda singles: singles[1:]),
    replaced(3, array("I", [0] * 20)),
    replaced(4, with_item(1, 0)),
    replaced(4, with_item(-1, (1 << 64) - 1)),
    replaced(4, with_item(-1, 5 << SYMBOL_BITS + 4 | 1 << 4 | 0b0010)),
    replaced(4, with_item(-1, 4 << SYMBOL_BITS + 4 | 4 << 4 | 0b0011)),
    replaced(4, with_item(-1, 4 << SYMBOL_BITS + 4 | 0 << 4 | 0b1111)),
    replaced(4, with_item(0, 0b1100)),
    replaced(4, lambda keys: keys[:-1]),
    replaced(4, [1, 2]),
    replaced(5, with_item(2, 0)),
    replaced(5, with_item(2, 1 << 31)),
    replaced(6, with_item(0, 0)),
    replaced(6, with_item(-1, (1 << 63) - 1)),
    replaced(6, with_item(-1, (4 << 2 * SYMBOL_BITS | 4 << SYMBOL_BITS | 4) << 6 | 0b110000)),
    replaced(6, array("I", [1])),
    replaced(7, with_item(-1, 1 << 31)),
    replaced(7, with_item(-1, 0)),
    replaced(8, array("d", [0.0, 0.5, 0.5])),
    replaced(8, array("d", [0.5, -0.5, 0.5])),
    replaced(8, array("d", [0.5, 0.5, float("nan")])),
    replaced(8, array("d", [0.5, 0.5])),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_tables_are_refused_alike(number: int) -> None:
    messages = []
    for engine in (kernels, specification):
        with pytest.raises((TypeError, ValueError)) as caught:
            engine.PairTags(*BAD[number])
        messages.append((caught.type, str(caught.value)))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("lines", ["text", ("一",), [b"x"], ["一", None]])
def test_lines_that_are_not_texts_are_refused_alike(lines: Any) -> None:
    messages = []
    for engine in (kernels, specification):
        with pytest.raises(TypeError) as caught:
            engine.PairTags(*GOOD).segment_lines(lines)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
