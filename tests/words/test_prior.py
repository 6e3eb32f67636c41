"""Words known beforehand, as symbols and as guests."""

from __future__ import annotations

import pytest

from nlp_zero import kernels
from nlp_zero.words.prior import encode, seat
from nlp_zero.words.symbols import NUMBER, SymbolText


def test_shapes_are_known_by_their_runs():
    text = SymbolText(["花了12元"])
    (code,) = encode(text, {NUMBER + "元": 2})
    assert text.ids.tobytes().find("".join(code).encode("utf-16-le")) >= 0


def test_words_that_become_the_same_symbols_add_up():
    text = SymbolText(["12元"])
    assert list(encode(text, {NUMBER + "元": 2, "345元": 3, "元": 0}).values()) == [5]


def test_unknown_characters_leave_the_text_alone():
    text = SymbolText(["山水"])
    before = text.ids[:], text.size
    assert len(encode(text, {"龘": 1})) == 1
    assert (text.ids, text.size) == before
    assert list(SymbolText(["山水"]).codes(["水"])) == list(text.codes(["水"]))


def test_every_place_of_a_known_word_is_one_substring():
    text = SymbolText(["山水山水火"])
    _, starts, sizes, _, _ = kernels.substrings(text.ids, 2)
    guests = seat(encode(text, {"山水": 4, "火": 1, "木": 2}), text.ids, memoryview(starts).cast("I"), sizes)
    assert sorted(guests.counts) == [1, 4]
    assert guests.totals == (7, 3, 2)


def test_a_line_end_is_no_word():
    with pytest.raises(ValueError, match="without line ends"):
        SymbolText(["山水"]).codes(["山\n水"])
