"""Induced brackets: what is learnt, the best tree against brute force, tables there and back, long stretches."""

from __future__ import annotations

import itertools
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero.errors import GrammarError, InputError
from nlp_zero.syntax.brackets import BracketModel, best_brackets, learn_brackets
from nlp_zero.syntax.cues import Cues, bond_tree
from nlp_zero.syntax.grammar import Grammar
from nlp_zero.syntax.stretches import JOINTS, stretch_brackets, stretch_words, stretches
from nlp_zero.syntax.tree import Tree
from nlp_zero.syntax.views import View

NOUNS, ADJECTIVES, VERBS = ["苹果", "书", "茶", "花", "车"], ["甜", "好", "旧", "红"], ["看", "买", "要", "找"]
OWNERS = ["我", "你", "他", "老师"]


def invented(seed: int, count: int = 1500) -> list[list[str]]:
    """Sentences of one or two clauses: OWNER 的 NOUN 很 ADJECTIVE, or OWNER VERB OWNER 的 NOUN."""
    draw = random.Random(seed)
    sentences = []
    for _ in range(count):
        sentence: list[str] = []
        for _ in range(draw.choice((1, 2, 2))):
            thing = [draw.choice(OWNERS), "的", draw.choice(NOUNS)] if draw.random() < 0.7 else [draw.choice(NOUNS)]
            if draw.random() < 0.5:
                sentence += [*thing, "很", draw.choice(ADJECTIVES), "，"]
            else:
                sentence += [draw.choice(OWNERS), draw.choice(VERBS), *thing, "，"]
        sentences.append([*sentence[:-1], "。"])
    return sentences


@pytest.fixture(scope="module")
def model() -> BracketModel:
    return learn_brackets(invented(1), views=[(12, 4), (16, 8)])


def test_phrases_of_an_invented_language_are_found(model: BracketModel) -> None:
    assert (0, 3) in model.brackets(["你", "的", "茶", "很", "红", "。"])
    assert (2, 5) in model.brackets(["他", "看", "我", "的", "花", "。"])


def test_a_word_never_seen_is_known_by_its_last_character_or_length(model: BracketModel) -> None:
    raw = [[*words[:-1], f"{chr(0x5000 + number)}机", "。"] for number, words in enumerate(invented(2))]
    learnt = learn_brackets(raw, views=[(12, 100)])
    assert learnt.views[0].class_of("地动机") == learnt.views[0].endings["机"]
    view = model.views[1]
    assert view.class_of("嘛") == view.pools[0]
    assert view.class_of("1997") == view.class_of("2026") and view.class_of("ＮＢＡ") == view.class_of("UN")


def test_the_same_text_gives_the_same_tables() -> None:
    one, other = (learn_brackets(invented(4, 300), views=[(12, 100)], sample=50, seed=7).to_tables() for _ in range(2))
    assert one == other
    assert one != learn_brackets(invented(4, 300), views=[(12, 100)], sample=50, seed=8).to_tables()


def test_tables_can_be_kept_in_a_grammar(model: BracketModel, tmp_path: object) -> None:
    path = f"{tmp_path}/t.tsv"
    Grammar(brackets=model.to_tables()).save(path)
    tables = Grammar.load(path).brackets
    assert tables is not None
    again = BracketModel.from_tables(tables)
    assert again.to_tables() == model.to_tables()
    sentence = ["老师", "的", "车", "很", "旧", "，", "我", "找", "《", "你", "的", "书", "》", "。"]
    assert again.brackets(sentence) == model.brackets(sentence)


@pytest.mark.parametrize("name", ["first-last 1", "length 2", "pool 1", "last-after 2", "neighbours 1"])
def test_tables_that_are_damaged_are_an_error(model: BracketModel, name: str) -> None:
    tables = {**model.to_tables(), name: {"x": 1.0}}
    with pytest.raises(GrammarError, match="tables of a model of brackets"):
        BracketModel.from_tables(tables)


def test_text_without_stretches_is_an_error() -> None:
    for sentences in ([], [["好"]], [["，"], ["好", "，", "吃"]]):
        with pytest.raises(InputError, match="expected text with stretches of 3 to 15 words"):
            learn_brackets(sentences)
    with pytest.raises(TypeError, match="expected lists of words"):
        learn_brackets(["我 的"])  # type: ignore[list-item]


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 6), st.integers(0, 10**6))
def test_the_best_brackets_are_the_best_of_all(size: int, seed: int) -> None:
    draw = random.Random(seed)
    spans = [(start, stop) for start in range(size) for stop in range(start + 2, size + 1)]
    gains = {span: draw.choice((-1.0, 0.5, 1.0, 2.0)) for span in spans if draw.random() < 0.7}

    def best(chosen: list[tuple[int, int]], rest: list[tuple[int, int]]) -> float:
        if not rest:
            return sum(gains[span] for span in chosen)
        (start, stop), left = rest[0], rest[1:]
        crosses = any(start < a < stop < b or a < start < b < stop for a, b in chosen)
        return max(best(chosen, left), -9.0 if crosses else best([*chosen, (start, stop)], left))

    found = best_brackets(size, gains)
    assert sum(gains[span] for span in found) == best([], [span for span in gains if gains[span] > 0])
    Tree.from_spans(["x"] * size, found)  # brackets that cross are refused


def test_bonus_for_a_span_makes_it_a_bracket(model: BracketModel) -> None:
    words = ["你", "的", "茶", "很", "红", "。"]
    assert (1, 4) not in model.brackets(words)
    assert (1, 4) in model.brackets(words, {(1, 4): 50.0})


@pytest.mark.parametrize("size", [0, 1, 2, 61, 200])
def test_every_length_has_a_tree(model: BracketModel, size: int) -> None:
    draw = random.Random(size)
    words = [draw.choice([*OWNERS, "的", *NOUNS]) for _ in range(size)]
    tree = Tree.from_spans(words, model.brackets(words))
    assert len(tree.words) == size
    assert size < 2 or (0, size) in tree.spans()


def test_a_stretch_of_a_hundred_thousand_words_has_a_tree(model: BracketModel) -> None:
    words = ["我", "的", "苹果", "好"] * 5000
    start = time.process_time()
    Tree.from_spans(words, model.brackets(words))
    assert time.process_time() - start < 20


# Stretches and cues


@given(st.lists(st.sampled_from(["我", "书", "，", "、", "《", "》", "（", "）", "·", "“", "”"]), max_size=14))
def test_stretches_hold_every_word_once_and_brackets_never_cross(words: list[str]) -> None:
    found = stretches(words)
    single = sorted(piece.start for pieces in found for piece in pieces if piece.word in ("我", "书"))
    assert single == [place for place, word in enumerate(words) if word in ("我", "书")]
    for pieces in found:
        assert all(one.end <= other.start for one, other in itertools.pairwise(pieces))
        assert pieces[0].word not in JOINTS and pieces[-1].word not in JOINTS
    assert stretch_words(words) == [[piece.word for piece in pieces] for pieces in found]
    Tree.from_spans(words, stretch_brackets(words, lambda pieces: [(0, len(pieces) - 1)]))


def test_stretches_by_hand() -> None:
    def shown(text: str) -> list[str]:
        return [" ".join(piece.word for piece in pieces) for pieces in stretches(text.split())]

    assert shown("“ 好 ， 吃 ” 他 说 。") == ["好", "吃", "“” 他 说"]
    assert shown("苹果 、 茶 ） 很 好") == ["苹果 、 茶", "很 好"]
    assert shown("（ 我 《 书 ） 看 》") == ["我", "书", "（） 看"]
    assert shown("、 丁 · 一 · ， ——") == ["丁 · 一"]
    assert shown("《 》 ， 。") == []


def test_cues_by_hand() -> None:
    cues: Cues[str] = Cues()
    cues.train([["我", "的", "书", "，", "书", "好"], ["书"]])
    assert (cues.total, cues.stretches, cues.begins["书"], cues.ends["书"]) == (6, 3, 2, 2)
    assert cues.pairs == {("我", "的"): 1, ("的", "书"): 1, ("书", "好"): 1}
    # Rates of ends and begins: (2 + 3/2) / (3 + 3) of 书, (0 + 3/2) / (1 + 3) of 好.
    assert cues.boundary("书", "好") == pytest.approx(1.519826, abs=1e-6)
    assert cues.follow("书", "好") == pytest.approx(-1.290984, abs=1e-6)
    assert cues.pmi("书", "好") == pytest.approx(0.500775, abs=1e-6)


def test_a_tree_of_cues_splits_at_the_weakest_bond() -> None:
    cues: Cues[str] = Cues()
    cues.train(invented(9, 400))
    assert (0, 3) in bond_tree(["我", "的", "书", "很", "好", "。"], cues.bond)


@given(st.lists(st.sampled_from("甲乙丙丁"), min_size=2, max_size=7), st.integers(0, 2**20))
def test_a_span_leaks_by_the_words_that_go_best_with_those_around_it(words: list[str], seed: int) -> None:
    draw = random.Random(seed)
    neighbours = {(one, other): draw.choice([0.5, 1.0, 2.5]) for one in range(5) for other in range(5) if one or other}
    classes = {word: group for group, word in enumerate("甲乙丙丁", 1)}
    closed = View(classes, {}, [1, 2, 3, 4], [{}, {}, {}], [0.0] * 17, {})
    leaking = View(classes, {}, [1, 2, 3, 4], [{}, {}, {}], [0.0] * 17, neighbours)
    around = [0, *map(classes.__getitem__, words), 0]
    for (start, stop), score in leaking.scores(words).items():
        inside = around[start + 1 : stop + 1]
        before = max(neighbours[around[start], group] for group in inside)
        after = max(neighbours[group, around[stop + 1]] for group in inside)
        assert score == pytest.approx(closed.scores(words)[start, stop] - 0.5 * (before + after))


def test_neighbours_are_what_meets_more_often_than_by_chance() -> None:
    view = learn_brackets(invented(2, 300), views=[(12, 100)]).views[0]
    assert view.neighbours and all(more > 0 for more in view.neighbours.values())
    assert BracketModel.from_tables(learn_brackets(invented(2, 300), views=[(12, 100)]).to_tables()).views[0].neighbours
    pair = view.class_of("的"), 0
    assert pair not in view.neighbours, "no stretch ends with 的"
