"""Keywords: bursts against the shuffled text, documents against a background, the best predictor of a text."""

from __future__ import annotations

import random
from collections import Counter
from math import log, log2
from statistics import fmean

import pytest

from nlp_zero.errors import InputError
from nlp_zero.network.cooccurrence import Cooccurrence
from nlp_zero.network.keywords import (
    document_keywords,
    keywords,
    keywords_of_each,
    predictors,
    shuffled_entropy,
)


@pytest.mark.parametrize(("count", "size", "parts"), [(3, 10, 4), (20, 25, 3), (40, 30, 2), (60, 20, 3), (1, 5, 2)])
def test_the_entropy_of_shuffled_words_is_that_of_shuffling(count: int, size: int, parts: int) -> None:
    source, places = random.Random(count), list(range(size * parts))
    drawn = []
    for _ in range(3000):
        here = Counter(place // size for place in source.sample(places, count))
        drawn.append(sum(-n / count * log2(n / count) for n in here.values()))
    assert shuffled_entropy(count, size, parts) == pytest.approx(fmean(drawn), abs=0.02)


def test_the_expansion_for_many_words_meets_the_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    from nlp_zero.network import keywords as module

    short = shuffled_entropy(2500, 1000, 100)
    monkeypatch.setattr(module, "MANY", 10_000)
    assert short == pytest.approx(shuffled_entropy(2500, 1000, 100), abs=2e-4)


def test_words_of_a_topic_come_before_words_of_grammar() -> None:
    source = random.Random(1)
    lists = []
    for topic in ("茶壶叶", "船帆浪", "马鞍蹄"):
        lists += [[source.choice(topic), "的", source.choice("一是在了"), "。"] for _ in range(200)]
    found = keywords(lists, part=150)
    assert {key.word for key in found[:9]} == set("茶壶叶船帆浪马鞍蹄")
    assert all(key.bits > 50 for key in found[:9]) and all(key.bits < 20 for key in found[9:])
    assert len(keywords(lists, None)) == 14 and len(keywords(lists, 3)) == 3


def test_a_short_text_has_two_parts() -> None:
    assert [key.word for key in keywords([["茶", "酒"]])] == ["茶", "酒"]
    with pytest.raises(InputError, match="expected a text of two words or more, got 1"):
        keywords([["茶"]])
    with pytest.raises(ValueError, match="part: expected 1 word or more, got 0"):
        keywords([["茶", "酒"]], part=0)
    with pytest.raises(ValueError, match="n: expected 1 or more, got 0"):
        keywords([["茶", "酒"]], 0)


def test_the_bits_of_a_document_add_up_to_its_relative_entropy() -> None:
    background = {"的": 90, "茶": 5, "水": 5}
    document = ["茶", "茶", "的", "水"]
    found = {key.word: key.bits for key in document_keywords(document, background, None)}
    shares = {"的": 91 / 104, "茶": 7 / 104, "水": 6 / 104}
    assert found == pytest.approx({"茶": 2 * log2(2 / 4 / shares["茶"]), "水": log2(1 / 4 / shares["水"])})
    assert list(found) == ["茶", "水"]


def test_documents_among_each_other() -> None:
    documents = [["茶", "的", "茶", "的", "壶", "的"], ["酒", "的", "酒", "的"], []]
    assert [[key.word for key in found] for found in keywords_of_each(documents)] == [["茶", "壶"], ["酒"], []]
    assert document_keywords(["新"], documents)[0].word == "新"
    with pytest.raises(InputError, match="expected a document with words"):
        document_keywords(["。"], {"茶": 1})
    with pytest.raises(TypeError, match="expected a list of words"):
        document_keywords("茶", {"茶": 1})


def three_words() -> Cooccurrence:
    """Rows A {A1 B3 C2}, B {A3 B1 C1}, C {A2 B1 C1}, as the article's example has them."""
    lists = [["A", "A"], ["B", "B"], ["C", "C"]]
    lists += [[a, b] for a, b, n in (("A", "B", 3), ("B", "A", 3), ("A", "C", 2), ("C", "A", 2)) for _ in range(n)]
    return Cooccurrence([*lists, ["B", "C"], ["C", "B"]], directed=True)


def test_the_best_predictor_of_the_worked_example() -> None:
    pairs = three_words()
    assert pairs.row("A") == {"A": 1, "B": 3, "C": 2}
    found = predictors(["A", "B", "C", "A", "？"], pairs)
    expected = [("C", -3.465736), ("A", -3.583519), ("B", -3.729701)]
    assert [(row.word, round(row.score, 6)) for row in found] == expected
    by_pmi = dict(predictors(["A", "B", "C"], pairs, measure="pmi"))
    assert by_pmi["A"] == pytest.approx(sum(pairs.pmi("A", other) for other in "ABC"))


def test_pairs_that_never_met_need_smoothing() -> None:
    pairs = Cooccurrence([["A", "B"], ["B", "C"]], window=1)
    assert predictors(["A", "C"], pairs)[0].score == float("-inf")
    smoothed = dict(predictors(["A", "C"], pairs, smoothing=1.0))
    assert smoothed["A"] == pytest.approx(2 * log(1 / 4))
    with pytest.raises(InputError, match="got none of them"):
        predictors(["X"], pairs)
    for wrong in ({"measure": "x"}, {"smoothing": -1.0}, {"n": 0}):
        with pytest.raises(ValueError, match="expected"):
            predictors(["A"], pairs, **wrong)  # type: ignore[arg-type]
