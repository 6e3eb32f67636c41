"""The parser: the article's figures and ties, brute force on small sentences, long and empty input."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise, product
from math import exp, fsum, inf, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero.errors import InputError
from nlp_zero.syntax.estimate import estimate
from nlp_zero.syntax.grammar import SLOT, Grammar, Slot, Template
from nlp_zero.syntax.parser import Parser
from nlp_zero.syntax.tree import Node, Tree

ARTICLE = Grammar(
    Template.parse(text, count)
    for text, count in [
        ("_ 呢", 10),
        ("_ 可以 _ 吗", 9),
        ("我 _", 8),
        ("_ 的 _ 是 _", 7),
        ("_ 的 _ 是 _ 呢", 7),
        ("_ 的 _", 12),
        ("_ 和 _", 12),
    ]
)


@pytest.mark.parametrize(
    ("sentence", "score", "brackets"),
    [
        ("鸡蛋 可以 吃 吗", -1.977163, "(鸡蛋 可以 吃 吗)"),
        ("牛肉 鸡蛋 可以 吃 吗", -21.977163, "((牛肉 鸡蛋) 可以 吃 吗)"),
        ("苹果 的 颜色 是 什么 呢", -2.228477, "(苹果 的 颜色 是 什么 呢)"),
        # Five analyses are equally good; the rule takes the main template with more fixed words, then the last 的.
        ("我 的 美味 的 苹果 的 颜色 是 什么 呢", -5.607438, "(((我 的 美味) 的 苹果) 的 颜色 是 什么 呢)"),
        ("雪梨 和 苹果 和 香蕉", 2 * log(12 / 65), "((雪梨 和 苹果) 和 香蕉)"),
        ("雪梨 和 苹果 和 香蕉 和 桃", 3 * log(12 / 65), "(((雪梨 和 苹果) 和 香蕉) 和 桃)"),
        ("雪梨 和 苹果 和 香蕉 可以 吃 吗", log(9 / 65) + 2 * log(12 / 65), None),
        # What the original gets wrong: the last word is not covered for nothing.
        ("鸡蛋 可以 吃 吗 啊", -21.977163, "((鸡蛋 可以 吃 吗) 啊)"),
        ("苹果", 0, "(苹果)"),
        ("", 0, "()"),
        ("我 我", log(8 / 65), "(我 我)"),
        ("香蕉 苹果 桃", -40, "(香蕉 苹果 桃)"),
    ],
)
def test_the_examples_of_the_article(sentence: str, score: float, brackets: str | None) -> None:
    tree = Parser(ARTICLE).parse(sentence.split())
    assert tree.score == pytest.approx(score, abs=5e-7)
    assert brackets is None or tree.brackets() == brackets


def test_the_five_ties_are_all_among_the_best() -> None:
    trees = Parser(ARTICLE).nbest(["我", "的", "美味", "的", "苹果", "的", "颜色", "是", "什么", "呢"], 40)
    tied = [tree for tree in trees if round(tree.score, 6) == -5.607438]
    assert tied == trees[: len(tied)] and len(tied) < len(trees)
    # What the main template is, and where its slots of two words or more lie.
    mains = {
        (tree.nodes[0].label, tuple(tree.nodes[number][:2] for number in tree.children()[0])): None for tree in tied
    }
    assert list(mains) == [
        ("_ 的 _ 是 _ 呢", ((0, 5),)),
        ("_ 的 _ 是 _ 呢", ((0, 3), (4, 7))),
        ("_ 的 _ 是 _ 呢", ((2, 7),)),
        ("_ 的 _", ((0, 3), (4, 10))),
        ("_ 的 _", ((2, 10),)),
    ]


def test_a_list_competes_where_a_template_fits() -> None:
    """Section 16, defect 11: a template over the whole span is not taken where a list with templates is better."""
    grammar = Grammar([Template.parse("_ 吗", 1), Template.parse("你 的 书", 10**6)])
    words = ["你", "的", "书", "吗"]
    assert Parser(grammar).parse(words).nodes == (Node(0, 4, "_ 吗"), Node(0, 3, "你 的 书"))
    tree = Parser(grammar, null_score=-1).parse(words)
    assert tree.nodes == (Node(0, 4), Node(0, 3, "你 的 书"))
    assert tree.score == pytest.approx(-1, abs=1e-5)


def test_slots_of_a_class_take_one_word_of_it() -> None:
    grammar = Grammar(
        [Template.parse("[果] 和 [果]", 5), Template.parse("_ 和 _", 1), Template.parse("红 _", 1)],
        {"果": ["苹果", "桃"], "人": ["我"]},
    )
    parser = Parser(grammar)
    assert parser.parse(["苹果", "和", "桃"]).nodes[0].label == "[果] 和 [果]"
    assert parser.parse(["苹果", "和", "我"]).nodes[0].label == "_ 和 _"
    assert parser.parse(["苹果", "和", "红", "桃"]).nodes == (Node(0, 4, "_ 和 _"), Node(2, 4, "红 _"))


def test_templates_of_one_part_take_no_part() -> None:
    grammar = Grammar([Template((SLOT,), 100), Template(("苹果",), 100), Template.parse("红 _", 1)])
    tree = Parser(grammar).parse(["红", "苹果"])
    assert tree.score == 0 and tree.nodes == (Node(0, 2, "红 _"),)


def test_punctuation_parts_stretches_and_quotes_are_pieces() -> None:
    tree = Parser(ARTICLE).parse(["我", "的", "苹果", "，", "“", "你", "的", "书", "”", "和", "桃", "。"])
    assert tree.brackets() == "((我 的 苹果) ， ((“ (你 的 书) ”) 和 桃) 。)"
    assert tree.score == pytest.approx(3 * log(12 / 65))
    labels = {(node.start, node.end): node.label for node in tree.nodes}
    assert labels == {(0, 12): "", (0, 3): "_ 的 _", (4, 11): "_ 和 _", (4, 9): "", (5, 8): "_ 的 _"}
    assert Parser(ARTICLE).parse(["。", "！"]).brackets() == "(。 ！)"


def covers(
    words: list[str], grammar: Grammar, parts: tuple[str | Slot, ...], start: int, end: int
) -> Iterator[list[tuple[int, int]]]:
    if not parts:
        if start == end:
            yield []
        return
    part = parts[0]
    for place in range(start + 1, end + 1 if part == SLOT else min(start + 1, end) + 1):
        if part != SLOT:
            inside = grammar.classes[part.words] if isinstance(part, Slot) else (part,)
            if words[start] not in inside:
                return
        for slots in covers(words, grammar, parts[1:], place, end):
            yield [(start, place), *slots] if part == SLOT else slots


Parse = tuple[float, tuple[Node, ...]]


def every(words: list[str], grammar: Grammar, null: float, start: int, end: int, lists: bool = True) -> Iterator[Parse]:
    """Each analysis of a span by the definition: its score and its brackets of two words or more."""
    if end - start == 1:
        yield 0.0, ()
        return
    for template in grammar.templates:
        for slots in covers(words, grammar, template.parts, start, end):
            for inner in product(*(list(every(words, grammar, null, *slot)) for slot in slots)):
                nodes = tuple(node for _, part in inner for node in part)
                score = log(template.count / grammar.total) + sum(part for part, _ in inner)
                yield score, (Node(start, end, str(template)), *nodes)
    if lists:
        for score, nodes in items(words, grammar, null, start, end):
            yield score, (Node(start, end), *nodes)


def items(words: list[str], grammar: Grammar, null: float, start: int, end: int) -> Iterator[Parse]:
    """Two items or more side by side, each a word or a template."""
    for place in range(start + 1, end):
        for first, nodes in every(words, grammar, null, start, place, False):
            for rest, more in every(words, grammar, null, place, end, False):
                yield first + null + rest, nodes + more
            for rest, more in items(words, grammar, null, place, end):
                yield first + null + rest, nodes + more


part = st.sampled_from(["a", "b", "c", SLOT, Slot("c1")])


@st.composite
def grammars(draw: st.DrawFn) -> Grammar:
    rows = draw(st.lists(st.lists(part, min_size=2, max_size=4), min_size=1, max_size=5))
    kept = {
        tuple(row): draw(st.integers(1, 9))
        for row in rows
        if not any(left == right == SLOT for left, right in pairwise(row))
    }
    return Grammar([Template(row, count) for row, count in kept.items()], {"c1": ["a", "d"]})


sentences = st.lists(st.sampled_from("abcd"), min_size=1, max_size=5)


@settings(max_examples=150, deadline=None)
@given(grammars(), sentences, st.sampled_from([0.0, -0.5, -3.0, -20.0]))
def test_the_n_best_are_those_of_brute_force(grammar: Grammar, words: list[str], null: float) -> None:
    expected = sorted(every(words, grammar, null, 0, len(words)), key=lambda parse: -parse[0])
    parser = Parser(grammar, null)
    found = parser.nbest(words, 8)
    assert parser.parse(words) == found[0]
    assert [tree.score for tree in found] == pytest.approx([score for score, _ in expected[:8]], abs=1e-7)
    assert len({tree.nodes for tree in found}) == len(found) == min(8, len(expected))
    scores = {nodes: score for score, nodes in expected} if len(words) > 1 else {(Node(0, 1),): 0.0}
    for tree in found:
        assert tree.score == pytest.approx(scores[tree.nodes], abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(grammars(), st.lists(sentences, min_size=1, max_size=4), st.sampled_from([-0.5, -2.0]))
def test_estimation_never_makes_the_text_less_likely(grammar: Grammar, text: list[list[str]], null: float) -> None:
    found = estimate(grammar, text, 5, null_score=null)
    first = fsum(log(fsum(exp(score) for score, _ in every(words, grammar, null, 0, len(words)))) for words in text)
    assert found.log_likelihoods[0] == pytest.approx(first, abs=1e-9)
    for before, after in pairwise(found.log_likelihoods):
        assert after >= before - 1e-9
    if len(found.grammar):
        last = fsum(
            log(fsum(exp(score) for score, _ in every(words, found.grammar, null, 0, len(words)))) for words in text
        )
        assert found.log_likelihoods[-1] == pytest.approx(last, abs=1e-6)


def test_one_round_counts_by_the_shares_of_analyses() -> None:
    grammar = Grammar([Template.parse("a _", 1), Template.parse("_ b", 3)])
    text = [["a", "x", "b"]]
    analyses = list(every(text[0], grammar, -1.0, 0, 3))
    total = fsum(exp(score) for score, _ in analyses)
    uses = fsum(exp(score) * sum(node.label == "a _" for node in nodes) for score, nodes in analyses)
    found = estimate(grammar, iter(text), 1, null_score=-1.0)
    assert found.grammar.templates[0].count == pytest.approx(uses / total)


def test_estimation_of_nothing_keeps_the_counts() -> None:
    assert estimate(ARTICLE, [], 2).grammar.templates == ARTICLE.templates
    assert estimate(Grammar(), [["a", "b"]], 2).log_likelihoods == pytest.approx((-20.0,) * 3)


def test_estimation_keeps_within_floating_point() -> None:
    words = [["x"] * 400, ["我", "的"] * 200]
    assert estimate(ARTICLE, words, 1).log_likelihoods[0] > -inf
    with pytest.raises(InputError, match="null_score \\* longest"):
        estimate(ARTICLE, words, 1, null_score=-100)
    with pytest.raises(InputError, match="iterations"):
        estimate(ARTICLE, words, 0)


def test_what_is_known_of_spans_adds_to_their_brackets() -> None:
    asked = []

    def spans(pieces: list[str]) -> dict[tuple[int, int], float]:
        asked.append(pieces)
        return {(1, 3): 2.0, (0, 2): 1.0, (2, 4): -1.0, (0, 4): 0.25}

    parser = Parser(Grammar(), null_score=0, spans=spans)
    tree = parser.parse(["a", "b", "c", "d", "，", "e"])
    assert asked[0] == ["a", "b", "c", "d"]
    assert tree.spans() == [(0, 6), (0, 4), (1, 3)]
    assert tree.score == pytest.approx(2.25)
    found = parser.nbest(["a", "b", "c", "d"], 4)
    assert [t.score for t in found] == pytest.approx([2.25, 2.25, 2.25, 1.25])
    assert [t.brackets() for t in found[:2]] == ["(a (b c) d)", "((a (b c)) d)"]
    with pytest.raises(InputError, match="finite"):
        Parser(Grammar(), spans=lambda pieces: {(0, 2): inf}).parse("ab")


def test_spans_decide_between_templates_that_tie() -> None:
    words = ["雪梨", "和", "苹果", "和", "香蕉"]
    parser = Parser(ARTICLE, spans=lambda pieces: {(2, 5): 0.001})
    assert parser.parse(words).brackets() == "(雪梨 和 (苹果 和 香蕉))"
    assert parser.nbest(words, 2)[1].brackets() == "((雪梨 和 苹果) 和 香蕉)"


def test_templates_score_what_they_are_worth() -> None:
    words = ["我", "的", "美味", "的", "苹果"]
    plain, other = Parser(ARTICLE), Parser(ARTICLE, worth=lambda template: 0.25 * len(template.parts))
    tree = other.parse(words)
    assert tree.score == pytest.approx(sum(0.25 * 3 for node in tree.nodes if node.label == "_ 的 _"))
    assert plain.parse(words).score < 0 < tree.score


def test_long_sentences_are_parsed_in_bounded_time() -> None:
    parser = Parser(ARTICLE, longest=24)
    words = ["我", "的", "苹果", "和", "你", "的", "桃", "可以", "吃", "吗"]
    began = time.process_time()
    tree = parser.parse(words * 200)
    assert time.process_time() - began < 20
    assert len(tree.words) == 2000 and len(tree.nodes) > 600
    again = Parser(ARTICLE).parse([*words, "，"] * 200)
    assert again.score == pytest.approx(200 * parser.parse(words).score)


def test_a_hundred_thousand_words() -> None:
    parser = Parser(ARTICLE, longest=8)
    tree = parser.parse(["甲", "乙", "丙", "丁"] * 25_000)
    assert tree.spans()[0] == (0, 100_000)
    assert tree.score == pytest.approx(-20 * (100_000 - 12_500))
    assert Tree.from_brackets(tree.brackets()).spans() == tree.spans()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"null_score": 1}, "null_score: expected nats"),
        ({"null_score": float("nan")}, "null_score: expected nats"),
        ({"longest": 1}, "longest: expected 2 to 512"),
        ({"longest": 513}, "longest: expected 2 to 512"),
    ],
)
def test_options_that_cannot_be_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Parser(ARTICLE, **arguments)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="nbest: expected"):
        Parser(ARTICLE).nbest(["a"], 0)
