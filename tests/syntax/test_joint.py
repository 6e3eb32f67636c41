"""Templates and brackets in one chart: which templates take part, and that they count."""

from __future__ import annotations

import random

import pytest

from nlp_zero.errors import GrammarError
from nlp_zero.syntax.brackets import BracketModel, learn_brackets
from nlp_zero.syntax.grammar import Grammar, Template
from nlp_zero.syntax.joint import is_phrase, joint_parser


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


def test_only_templates_whose_ends_are_ends_of_brackets_take_part(model: BracketModel) -> None:
    assert model.inside("在", "上") > 0 > model.inside("上", "的")
    for notation, expected in {
        "在 _ 上": True,
        "上 _ 的": False,
        "_ 的 _": False,
        "在 _": False,
        "在 [c1] 上": False,
        "在": False,
    }.items():
        assert is_phrase(Template.parse(notation), model) is expected, notation


def test_a_template_adds_to_what_brackets_say(text: list[list[str]], model: BracketModel) -> None:
    tables = model.to_tables()
    words = ["在", "我", "的", "车", "上", "看", "了", "书"]
    with_it = joint_parser(Grammar([Template.parse("在 _ 上", 5)], brackets=tables)).parse(words)
    alone = joint_parser(Grammar(brackets=tables)).parse(words)
    price_less = joint_parser(Grammar([Template.parse("在 _ 上", 5)], brackets=tables), 0).parse(words)
    assert {(node.start, node.end): node.label for node in with_it.nodes}[0, 5] == "在 _ 上"
    assert price_less.spans() == alone.spans()
    assert set(alone.spans()) <= {span for words in [words] for span in model.brackets(words)} | {(0, 8)}


def test_without_brackets_all_templates_take_part() -> None:
    parser = joint_parser(Grammar([Template.parse("_ 的 _", 5)]))
    assert parser.null_score == -20 and parser.parse(["我", "的", "书"]).nodes[0].label == "_ 的 _"


def test_tables_of_something_else_are_refused() -> None:
    with pytest.raises(GrammarError, match="tables of a model of brackets"):
        joint_parser(Grammar(brackets={"begins": {"我": 0.5}}))
