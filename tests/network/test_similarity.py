"""Similar words: profiles, exact neighbours, graphs of neighbours; the entropy rule for the length of vectors."""

from __future__ import annotations

import random
from math import sqrt
from typing import Any

import pytest

from nlp_zero.errors import InputError
from nlp_zero.network.cooccurrence import Cooccurrence
from nlp_zero.network.similarity import Profiles, skip_gram_entropy, vector_size

LISTS = [["我", "喝", "茶"], ["我", "喝", "水"], ["你", "喝", "茶"], ["你", "喝", "水"], ["我", "看", "书"]]


def random_lists(seed: int) -> list[list[str]]:
    source = random.Random(seed)
    words = [chr(0x4E00 + number) for number in range(40)]
    weights = [1 / (number + 1) for number in range(40)]
    return [source.choices(words, weights, k=source.randint(2, 9)) for _ in range(150)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("strongest", [None, 5])
def test_similar_words_are_those_that_comparing_all_finds(seed: int, strongest: int | None) -> None:
    profiles = Profiles(random_lists(seed), window=2, strongest=strongest, min_count=1)
    for word in profiles.words[::5]:
        every = [(profiles.similarity(word, other), other) for other in profiles.words if other != word]
        best = sorted((score for score, _ in every if score > 0), reverse=True)[:6]
        found = profiles.similar(word, 6)
        assert [score for _, score in found] == pytest.approx(best)
        assert all(profiles.similarity(word, other) == pytest.approx(score) for other, score in found)


def test_profiles_are_positive_information_of_length_one() -> None:
    pairs = Cooccurrence(LISTS)
    profiles = Profiles(pairs, smoothing=1.0)
    vector = profiles.vector("书")
    expected = {other: max(0.0, pairs.pmi("书", other)) for other in pairs.row("书")}
    norm = sqrt(sum(value * value for value in expected.values()))
    assert vector == pytest.approx({other: value / norm for other, value in expected.items() if value > 0})
    assert list(vector.values()) == sorted(vector.values(), reverse=True)


def test_contexts_shift_and_strongest_narrow_profiles() -> None:
    pairs = Cooccurrence(random_lists(1), min_count=1)
    whole, narrow = Profiles(pairs), Profiles(pairs, contexts=5)
    assert set(narrow.vector("七") if "七" in narrow else narrow.vector(pairs.words[0])) <= set(pairs.words[:5])
    few = Profiles(pairs, strongest=3)
    for word in pairs.words[:10]:
        assert list(few.vector(word)) == list(whole.vector(word))[:3]
    assert repr(Profiles(pairs, shift=1.0)) != repr(whole) and len(whole) == len(pairs)


def test_least_leaves_the_dissimilar_out() -> None:
    profiles = Profiles(LISTS)
    assert [found.word for found in profiles.similar("茶", least=0.99)] == ["水"]
    assert profiles.similar("茶", 1)[0].score == pytest.approx(1.0) and profiles.similarity(
        "茶", "茶"
    ) == pytest.approx(1)


def test_the_graph_of_neighbours_has_each_link_as_often_as_it_is_named() -> None:
    profiles = Profiles(random_lists(2), min_count=1)
    steps: list[tuple[int, int]] = []
    graph = profiles.neighbour_graph(2, words=10, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(10, 10)] and graph.nodes[:10] == profiles.words[:10]
    named: dict[frozenset[str], float] = {}
    for word in profiles.words[:10]:
        for found in profiles.similar(word, 2):
            key = frozenset((word, found.word))
            named[key] = named.get(key, 0.0) + found.score
    assert {frozenset((a, b)): weight for a, b, weight in graph.links()} == pytest.approx(named)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Profiles(LISTS, contexts=0), "contexts: expected 1 or more, got 0"),
        (lambda: Profiles(LISTS, strongest=0), "strongest: expected 1 or more, got 0"),
        (lambda: Profiles(LISTS).similar("茶", 0), "n: expected 1 or more, got 0"),
        (
            lambda: Profiles(LISTS).similar("茶", least=2.0),
            "least: expected a cosine from 0 to 1, such as 0.2, got 2.0",
        ),
    ],
)
def test_bad_settings_are_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_unknown_words_and_counted_pairs() -> None:
    with pytest.raises(InputError, match="got '饭'"):
        Profiles(LISTS).similar("饭")
    with pytest.raises(TypeError, match="window: expected it where the pairs were counted"):
        Profiles(Cooccurrence(LISTS), window=3)


def test_the_entropy_rule_gives_the_published_numbers() -> None:
    for size, value in {32: -7.77471, 64: -15.4734, 96: -23.1726, 128: -30.8718}.items():
        assert skip_gram_entropy(size) == pytest.approx(value, rel=2e-6)
    # The source rounds the constant 8.312348 to 8.33.
    for words, size in {10_000: 76.7, 50_000: 90.1, 100_000: 95.9, 5_000_000: 128.5}.items():
        assert vector_size(words) * 8.33 / 8.312348 == pytest.approx(size, abs=0.05)
    for wrong in (lambda: vector_size(0), lambda: skip_gram_entropy(1)):
        with pytest.raises(ValueError, match="expected"):
            wrong()
