"""Templates from word lists: the article's figures, adding up, evidence, classes, and what cannot be read."""

from __future__ import annotations

import random
from collections.abc import Iterator
from math import log

import pytest

from nlp_zero.errors import InputError
from nlp_zero.syntax.grammar import Slot
from nlp_zero.syntax.templates import Round, TemplateFinder

ARTICLE = ["我爱你吗", "他爱她吗", "你好吗"]


def article_finder(**more: object) -> TemplateFinder:
    """Its settings: window 2, no test of significance, PMI above .5 nats with shares of words."""
    settings = {"window": 2, "min_count": 1, "min_g2": 0, "measure": "word_pmi", "min_score": 0.5 / log(2)}
    return TemplateFinder(**{**settings, "weigh": False, **more}).train(ARTICLE)  # type: ignore[arg-type]


def test_pairs_of_the_article() -> None:
    finder = article_finder()
    found = {(pair.left, pair.right): (pair.count, pair.score * log(2)) for pair in finder.pairs()}
    assert len(found) == 11 and sum(count for count, _ in found.values()) == 13
    assert found["爱", "吗"] == (2, pytest.approx(1.132229, abs=5e-7))
    for pair, nats in {"你吗": 1.132229, "我爱": 1.537694, "爱你": 0.844547, "他她": 2.230841}.items():
        assert found[pair[0], pair[1]][1] == pytest.approx(nats, abs=5e-7)


def test_templates_of_the_article() -> None:
    finder = article_finder()
    found = {str(template): template.count for words in ARTICLE for template in finder.sentence_templates(words)}
    assert found == pytest.approx(
        {
            "我 爱 你 吗": 1 / 3,
            "我 爱 _ 吗": 1 / 3,
            "我 _ 你 吗": 1 / 3,
            "他 爱 她 吗": 1 / 3,
            "他 爱 _ 吗": 1 / 3,
            "他 _ 她 吗": 1 / 3,
            "你 好 吗": 1 / 2,
            "你 _ 吗": 1 / 2,
        }
    )
    best = article_finder(weigh=True).sentence_templates("我爱你吗", 2)
    assert len(best) == 2 and best[0].count > best[1].count
    assert [str(template) for template in finder.sentence_templates("吗我，")] == ["吗 _", "_ 我 _", "_ ，"]
    assert finder.sentence_templates("") == []


def test_marginals_of_pairs_are_nearer_chance() -> None:
    """In one event space 爱 and 吗 hardly attract each other: PMI .08 nats, not 1.13."""
    pairs = {(pair.left, pair.right): pair.score for pair in article_finder(measure="pmi", min_score=-9).pairs()}
    assert pairs["爱", "吗"] * log(2) == pytest.approx(log(2 * 13 / (4 * 6)))


def corpus(seed: int, size: int = 900) -> list[list[str]]:
    """Sentences by a small grammar: 在 PLACE 里 VERB 了, and the like, between noise."""
    source = random.Random(seed)
    verbs, nouns, places = (
        ["吃", "看", "买", "找", "做"],
        ["鱼", "书", "菜", "笔", "画"],
        ["家", "店", "城", "屋", "山"],
    )
    lists = []
    for _ in range(size):
        name = source.choice(["我", "你", "他", "她", "老师"])
        kind = source.randrange(4)
        if kind == 0:
            lists.append([name, "在", source.choice(places), "里", source.choice(verbs), source.choice(nouns)])
        elif kind == 1:
            lists.append([name, "把", source.choice(nouns), source.choice(verbs), "了", "。"])
        elif kind == 2:
            lists.append([name, "的", source.choice(nouns), "，", source.choice(nouns), "很", "好"])
        else:
            lists.append([source.choice(verbs + nouns + places) for _ in range(4)])
    return lists


def test_constructions_and_classes_of_a_small_grammar() -> None:
    rounds: list[Round] = []
    finder = TemplateFinder(own_words=8, class_count=8).train(corpus(1))
    grammar = finder.find(rounds.append)
    assert tuple(rounds) == finder.curve and [step.number for step in rounds] == list(range(len(rounds)))
    assert rounds[1].total < 0.95 * rounds[0].total
    kept = min(step.total for step in rounds)
    assert kept == rounds[-1].total or kept == rounds[-2].total
    shown = [str(template) for template in grammar.templates]
    assert any("在" in text.split() and "里" in text.split() for text in shown)
    for template in grammar.templates:
        slots = [part for part in template.parts if isinstance(part, Slot)]
        assert len(template.slots) == len(slots) and template.fixed and template.count >= 1 and template.examples
        assert all(slot.entropy >= 0 and slot.fillers for slot in template.slots)
        assert not isinstance(template.parts[0], Slot) or template.parts[0].words
    assert list(grammar.templates) == sorted(grammar.templates, key=lambda template: -template.bits)
    assert {"我", "你", "他", "她", "老师"} in map(set, grammar.classes.values())
    assert any("[" in text for text in shown)


def test_the_fillers_of_a_slot_are_its_equivalence_class() -> None:
    places = [chr(0x4E00 + 7 * number) for number in range(119)] + ["a b"]
    lists = [["在", place, "里"] for place in places] * 3 + corpus(3, 300)
    found = {str(template): template for template in TemplateFinder(rounds=1).train(lists).find().templates}
    template = found["在 _ 里"]
    assert template.count >= 350 and 6.5 < template.slots[0].entropy < 7.1
    assert template.slots[0].fillers[0] == ("山", 7.0) and len(template.slots[0].fillers) == 8
    assert template.examples[0] == "在 一 里"


def test_training_again_adds_and_merging_adds() -> None:
    lists = corpus(2, 300)
    whole = TemplateFinder().train(lists)
    parts = TemplateFinder().train(lists[:100]).train(iter(lists[100:]))
    merged = TemplateFinder().train(lists[:100]).merge(TemplateFinder().train(lists[100:]))
    assert list(parts.find().lines()) == list(whole.find().lines()) == list(merged.find().lines())
    assert whole.pairs() == parts.pairs() == merged.pairs()
    before = whole.pairs()
    assert whole.train(lists).pairs() != before
    assert list(whole.find().lines()) == list(whole.find().lines())


def test_bad_input_is_refused_before_anything_is_counted() -> None:
    finder = TemplateFinder()
    with pytest.raises(TypeError, match="expected lists of words"):
        finder.train("我爱你")
    with pytest.raises(TypeError, match="got a int in one"):
        finder.train([["我"], ["爱", 3]])  # type: ignore[list-item]
    assert repr(finder) == "<TemplateFinder: 1 words, 2 distinct, 1 stretches>"
    for empty in ([], [[]], [["。", "，"]]):
        with pytest.raises(InputError, match="expected text with words"):
            TemplateFinder().train(empty).find()
    with pytest.raises(InputError, match="expected text with words"):
        TemplateFinder().pairs()


@pytest.mark.parametrize(
    "settings",
    [{"window": 17}, {"measure": "x"}, {"most": 1}, {"class_count": 1}, {"own_words": -1}, {"rounds": 0}],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(settings))}: expected"):
        TemplateFinder(**settings)  # type: ignore[arg-type]


def test_words_alone_give_no_templates() -> None:
    grammar = TemplateFinder().train([["我"], [], ["爱", "。"], ["你"]]).find()
    assert len(grammar) == 0 and not grammar.classes


def test_a_sentence_of_100000_words_and_a_generator() -> None:
    def lists() -> Iterator[Iterator[str]]:
        source = random.Random(5)
        yield (source.choice("甲乙丙丁戊") for _ in range(100_000))

    finder = TemplateFinder(rounds=1, most=2).train(lists())
    assert finder.find() is not None
    assert len(finder.sentence_templates(["甲", "乙"] * 10_000, 1)) == 1
