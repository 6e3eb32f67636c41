"""Cues for where a sentence falls apart."""

from nlp_zero.syntax.cues import Cues


def test_a_text_with_edges_is_counted_as_its_stretches_are() -> None:
    stretches = [[1, 2, 3], [2], [3, 3, 1], [1, 2]]
    one_by_one: Cues[int] = Cues()
    for stretch in stretches:
        one_by_one.count(stretch)
    at_once: Cues[int] = Cues()
    at_once.count_text([word for stretch in stretches for word in (*stretch, 0)], 0)
    assert vars(at_once) == vars(one_by_one)
