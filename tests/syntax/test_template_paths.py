"""Paths of a sentence: their shares against listing them all, however many there are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero.syntax.grammar import SLOT
from nlp_zero.syntax.paths import best_paths, path_parts

LINKS = st.dictionaries(
    st.tuples(st.integers(0, 3), st.integers(0, 3)), st.sampled_from([0.25, 1.0, 1.0, 2.0]), max_size=16
)


def every_path(sentence: list[int], links: dict[tuple[int, int], float], window: int) -> dict[tuple[int, ...], float]:
    size = len(sentence)
    onward = [
        [to for to in range(here + 1, min(here + window + 1, size)) if (sentence[here], sentence[to]) in links]
        for here in range(size)
    ]
    reached = {to for others in onward for to in others}
    waiting = [((start,), 1.0) for start in range(size) if start not in reached]
    found = {}
    while waiting:
        path, weight = waiting.pop()
        if not onward[path[-1]]:
            found[path] = weight
        waiting += [((*path, to), weight * links[sentence[path[-1]], sentence[to]]) for to in onward[path[-1]]]
    total = sum(found.values())
    return {path: weight / total for path, weight in found.items()}


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=9), LINKS, st.integers(1, 4), st.integers(1, 5))
def test_the_best_paths_have_the_shares_of_all_paths_listed(
    sentence: list[int], links: dict[tuple[int, int], float], window: int, limit: int
) -> None:
    def weight(left: int, right: int) -> float:
        return links.get((left, right), 0.0)

    every = every_path(sentence, links, window)
    assert dict(best_paths(sentence, weight, window, 10**6)) == pytest.approx(every)
    best = best_paths(sentence, weight, window, limit)
    assert [path.share for path in best] == pytest.approx(sorted(every.values(), reverse=True)[:limit])


def test_shares_of_a_sentence_are_one_in_all() -> None:
    paths = best_paths([0] * 10, lambda left, right: 1.0, 5, 1000)
    assert len(paths) == 236 and sum(path.share for path in paths) == pytest.approx(1.0)


def test_fifty_linked_words_have_1e14_paths_and_cost_next_to_nothing() -> None:
    paths = best_paths(list(range(50)), lambda left, right: 1.0, 5, 8)
    assert len(paths) == 8 and 1 / paths[0].share == pytest.approx(1.305e14, rel=1e-3)
    assert paths[0].places == tuple(range(50))  # of equal paths that with the lower places


def test_a_sentence_of_100000_words() -> None:
    paths = best_paths([0] * 100_000, lambda left, right: 2.0, 2, 1)
    assert len(paths[0].places) == 100_000 and paths[0].share < 1e-300


def test_slots_stand_where_words_are_left_out() -> None:
    words = ["我", "爱", "你", "吗"]
    assert path_parts([0, 1, 2, 3], words) == tuple(words)
    assert path_parts([1, 3], words) == (SLOT, "爱", SLOT, "吗")
    assert path_parts([0], words) == ("我", SLOT)
    assert best_paths([], lambda left, right: 1.0, 5, 8) == []
