"""Word classes: where they start, and the company that words keep."""

from __future__ import annotations

import random
from array import array

import pytest

from nlp_zero.words.classes import cluster, cluster_words, start_classes, word_classes

NONE = 0xFFFFFFFF


def test_the_commonest_words_and_the_pools_start_alone() -> None:
    source = random.Random(1)
    counts = [source.randint(3, 1000) for _ in range(500)]
    classes = list(start_classes(counts, pools=4))
    assert classes[0] == 0 and classes[1:5] == [60, 61, 62, 63]
    top = sorted(range(500), key=lambda number: (-counts[number], number))[:59]
    assert [classes[5 + number] for number in top] == list(range(1, 60))
    others = {classes[5 + number] for number in range(500) if number not in top}
    assert others == set(range(1, 64))


@pytest.mark.parametrize("class_count", [2, 3, 4, 5, 6, 100])
@pytest.mark.parametrize("words", [0, 1, 7])
def test_fewer_classes_than_pools_and_words(class_count: int, words: int) -> None:
    classes = start_classes([3] * words, pools=4, class_count=class_count)
    assert len(classes) == 5 + words and classes[0] == 0
    assert all(1 <= group < class_count for group in classes[1:])
    assert cluster(array("I", [5, 0] * words), classes, class_count)[0] == 0


def test_planted_classes_are_found_from_the_usual_start() -> None:
    """Nouns, verbs and particles of 8 each in a fixed order; 12 classes are enough to tell them apart."""
    source = random.Random(2)
    kinds = [[f"{kind}{number}" for number in range(8)] for kind in ("名", "动", "了")]
    pattern = [0, 1, 2, 0]
    sentences = [[source.choice(kinds[kind]) for kind in pattern] for _ in range(3000)]

    classes = cluster_words(sentences, class_count=12)

    found = [{classes[word] for word in kind} for kind in kinds]
    assert not found[0] & found[1] and not found[0] & found[2] and not found[1] & found[2]


def test_rare_words_share_the_class_of_their_length() -> None:
    sentences = [["大", "小"], ["大", "山", "水"], ["高山", "流水"], ["大", "abcd", "abcde"]]
    classes = cluster_words(sentences, class_count=8, min_count=3)
    assert set(classes) == {"大", "小", "山", "水", "高山", "流水", "abcd", "abcde"}
    assert classes["小"] == classes["山"] == classes["水"]
    assert classes["高山"] == classes["流水"] and classes["abcd"] == classes["abcde"]


def test_the_order_of_equal_texts_does_not_matter_and_nothing_is_random() -> None:
    source = random.Random(3)
    sentences = [[source.choice("甲乙丙丁戊己庚辛") for _ in range(5)] for _ in range(200)]
    assert cluster_words(sentences, class_count=7) == cluster_words(list(sentences), class_count=7)


def test_no_words_no_classes() -> None:
    assert cluster_words([]) == {}
    assert cluster_words([[], []]) == {}
    assert cluster_words([["一"]])["一"] > 0
    assert word_classes(array("I"), 4, b"", b"", array("i")) == b""


def test_a_string_is_no_sentence() -> None:
    with pytest.raises(TypeError, match="expected lists of words"):
        cluster_words(["今天天气好"])


def test_every_substring_has_a_class() -> None:
    """Chunks ab and b, both symbols words; ab itself is none."""
    index = array("I", [0, 1, 2, NONE, NONE, NONE, 2, NONE, NONE, NONE] * 3)
    classes = word_classes(index, 2, bytes([1, 1, 0, 1, 0] * 3), bytes([1, 2, 1]), array("i", [3, 0, 6]))
    assert len(classes) == 3 and all(0 < group < 64 for group in classes)
    assert len(set(classes)) == 3
    pooled = word_classes(index, 2, bytes([1, 1, 0, 1, 0] * 3), bytes([1, 2, 1]), array("i", [3, 0, 6]), min_count=4)
    assert pooled[0] != pooled[2]
    everything = word_classes(
        index, 2, bytes([1, 1, 0, 1, 0] * 3), bytes([1, 2, 1]), array("i", [3, 0, 6]), min_count=9
    )
    assert everything[0] == everything[2]


def test_classes_fit_a_byte() -> None:
    with pytest.raises(ValueError, match="class_count: expected 2 to 256, got 257"):
        word_classes(array("I"), 4, b"", b"", array("i"), class_count=257)
