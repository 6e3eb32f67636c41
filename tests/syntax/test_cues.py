"""Cues: bonds of a whole text against those of its pairs one by one."""

from __future__ import annotations

import itertools
from array import array

from hypothesis import given
from hypothesis import strategies as st

from nlp_zero.syntax.cues import Cues, text_bonds


@given(st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=6), max_size=12))
def test_bonds_of_a_text_are_those_of_its_pairs(found: list[list[int]]) -> None:
    cues: Cues[int] = Cues()
    text = array("I")
    for stretch in found:
        cues.count(stretch)
        text.extend([*stretch, 0])

    counts, bonds = text_bonds(text, 7)

    assert counts == [len(found), *(cues.words[word] for word in range(1, 7))]
    pairs = itertools.zip_longest(text, text[1:], fillvalue=0)
    assert list(bonds) == [cues.bond(a, b) if a and b else 0.0 for a, b in pairs]
