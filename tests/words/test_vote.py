"""Segmentations vote on boundaries."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero.words.vote import majority

IDS = array("H", [8, 9, 10, 11, 0, 8, 9])


def segmentations(size: int) -> st.SearchStrategy[bytes]:
    """Of a chunk of so many symbols, in words of at most 4."""

    def lengths(cuts: list[bool]) -> bytes:
        result, start = bytearray(size), 0
        for place in range(1, size + 1):
            if place == size or cuts[place - 1] or place - start == 4:
                result[start], start = place - start, place
        return bytes(result)

    return st.lists(st.booleans(), min_size=size, max_size=size).map(lengths)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(segmentations(9), min_size=1, max_size=5))
def test_a_boundary_stands_where_most_have_it(votes):
    ids = array("H", range(8, 17))
    result = majority(ids, votes, 4)

    place = 0
    while place < 9:
        assert 1 <= result[place] <= 4
        place += result[place]
    assert place == 9
    for place in range(9):
        if 2 * sum(vote[place] > 0 for vote in votes) > len(votes):
            assert result[place]
        elif result[place]:
            assert votes[0][place], "only the first may cut a word that is too long"


def test_known_boundaries_stay():
    vote = bytes([2, 0, 2, 0, 0, 2, 0])
    assert majority(IDS, [vote, vote, bytes([1, 1, 1, 1, 0, 1, 1])], 4) == vote


def test_too_long_words_are_cut_as_the_first_has_it():
    ids = array("H", range(8, 14))
    votes = [bytes([4, 0, 0, 0, 2, 0]), bytes([3, 0, 0, 3, 0, 0]), bytes([2, 0, 4, 0, 0, 0])]
    assert list(majority(ids, votes, 4)) == [4, 0, 0, 0, 2, 0]


def test_at_most_255_votes():
    with pytest.raises(ValueError, match="at most 255"):
        majority(IDS, [bytes(7)] * 256, 4)
