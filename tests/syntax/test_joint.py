"""Templates and brackets in one chart: which templates take part, and that they count."""

from __future__ import annotations

import random
from math import log

import pytest

from nlp_zero.errors import GrammarError
from nlp_zero.syntax.brackets import BracketModel, learn_brackets
from nlp_zero.syntax.grammar import Grammar, Template
from nlp_zero.syntax.joint import FILLER, WORTH, joint_parser


@pytest.fixture(scope="module")
def text() -> list[list[str]]:
    """在 PLACE 上 VERB 了 THING 的 THING, or parts of it."""
    draw = random.Random(1).choice
    places, verbs, things = ["桌子", "车", "山", "路"], ["看", "买", "吃", "找"], ["书", "茶", "花", "苹果"]
    sentences = []
    for _ in range(800):
        phrase = ["在", draw(places), "上"]
        thing = [draw(["我", "你", "他"]), "的", draw(things)]
        verb = [draw(verbs), "了"]
        sentences.append([*draw([[*phrase, *verb, *thing], [*phrase, "，", *verb, *thing], [*thing, *phrase]]), "。"])
    return sentences


@pytest.fixture(scope="module")
def model(text: list[list[str]]) -> BracketModel:
    return learn_brackets(text, views=((8, 10),))


def test_a_template_adds_to_what_brackets_say(model: BracketModel) -> None:
    tables = model.to_tables()
    words = ["在", "我", "的", "车", "上", "看", "了", "书"]
    alone = joint_parser(Grammar(brackets=tables)).parse(words)
    with_it = joint_parser(Grammar([Template.parse("在 _ 上", 5, bits=300.0)], brackets=tables)).parse(words)
    open_ended = joint_parser(Grammar([Template.parse("在 _", 5, bits=300.0)], brackets=tables)).parse(words)
    assert alone == open_ended
    assert {(node.start, node.end): node.label for node in with_it.nodes}[0, 5] == "在 _ 上"
    spans = joint_parser(Grammar([Template.parse("在 _ 上", 5)], brackets=tables)).spans
    assert spans is not None
    known = sum(spans(words).get(span, 0.0) for span in with_it.spans())
    assert with_it.score == pytest.approx(known + WORTH * 60 * log(2))
    assert set(alone.spans()) <= {*model.brackets(words), (0, 8)}


def test_what_fills_a_slot_is_a_phrase(model: BracketModel) -> None:
    words = ["从", "看", "了", "在", "到"]
    frame = Grammar([Template.parse("从 _ 到", 5)], brackets=model.to_tables())
    worths = joint_parser(frame).spans
    assert worths is not None
    found, plain = worths(words), model.gains(words)
    assert {span for span in found if found[span] != plain[span]} == {(1, 4)}
    assert found[1, 4] == plain[1, 4] + FILLER


def test_a_price_for_items_beside_brackets(model: BracketModel) -> None:
    words = ["在", "我", "的", "车", "上"]
    free, priced = (joint_parser(Grammar(brackets=model.to_tables()), price).parse(words) for price in (None, -2.0))
    assert priced.score == pytest.approx(free.score - 8.0)


def test_without_brackets_all_templates_take_part() -> None:
    parser = joint_parser(Grammar([Template.parse("_ 的 _", 5)]))
    assert parser.null_score == -20 and parser.parse(["我", "的", "书"]).nodes[0].label == "_ 的 _"


def test_tables_of_something_else_are_refused() -> None:
    with pytest.raises(GrammarError, match="tables of a model of brackets"):
        joint_parser(Grammar(brackets={"begins": {"我": 0.5}}))
