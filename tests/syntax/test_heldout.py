"""Other text: what it costs by a learner that has not seen it."""

from __future__ import annotations

import random

import pytest
from test_templates import corpus

from nlp_zero.errors import InputError
from nlp_zero.syntax.heldout import held_out_bits
from nlp_zero.syntax.templates import TemplateFinder


def test_text_of_the_same_grammar_costs_less_with_templates_and_noise_does_not() -> None:
    finder = TemplateFinder(own_words=8, class_count=8).train(corpus(1))
    finder.find()
    same = held_out_bits(finder, corpus(9, 200))
    assert same.unknown == 0 and same.templates < 0.9 * same.alone
    source = random.Random(3)
    noise = held_out_bits(finder, [[source.choice("我在里把很好的鱼书") for _ in range(6)] for _ in range(50)])
    assert noise.templates / noise.alone > same.templates / same.alone


def test_the_text_learnt_from_costs_what_its_description_says() -> None:
    finder = TemplateFinder(own_words=8, class_count=8).train(corpus(1))
    finder.find()
    held = held_out_bits(finder, corpus(1))
    best = min(finder.curve, key=lambda step: step.total)
    # An escape that nothing uses makes every word a little dearer.
    assert held.alone == pytest.approx(finder.curve[0].data, rel=0.001) and held.alone > finder.curve[0].data
    assert held.templates == pytest.approx(best.data, rel=0.004)


def test_words_that_are_not_known_are_spelt() -> None:
    finder = TemplateFinder().train(corpus(1))
    finder.find()
    known, strange = (held_out_bits(finder, [["我", "在", word, "里"]]) for word in ("家", "家乡"))
    assert strange.unknown == 1 and strange.words == 4 and strange.alone > known.alone + 30
    assert strange.templates > known.templates + 30


def test_without_templates_both_are_the_same() -> None:
    finder = TemplateFinder().train([["我"], ["你"]])
    assert held_out_bits(finder, [["我"]]).alone == held_out_bits(finder, [["我"]]).templates
    with pytest.raises(InputError, match="expected text with words"):
        held_out_bits(finder, [])
