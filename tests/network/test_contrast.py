"""Contrast of two texts: the published numbers, signs, errors; the growth of a cluster from seeds."""

from __future__ import annotations

from math import log, sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp_zero.errors import InputError
from nlp_zero.network.contrast import contrast, grow, growth_threshold, likelihood_ratio, log_odds
from nlp_zero.network.similarity import Profiles

TARGET, REFERENCE = {"电网": 50, "研究": 50}, {"电网": 1, "研究": 99}
COUNTS = st.dictionaries(st.sampled_from("甲乙丙丁"), st.integers(1, 99), min_size=1)


def test_shares_are_those_of_the_worked_example() -> None:
    found = contrast(TARGET, REFERENCE, measure="share")
    assert [(row.word, round(row.score, 6)) for row in found] == [("电网", 0.662252), ("研究", 0.401606)]
    assert found[0] == ("电网", found[0].score, 50, 1)


def test_log_odds_follow_the_paper() -> None:
    prior = 100.0
    own = prior * 51 / 200
    first = log((50 + own) / (100 + prior - 50 - own)) - log((1 + own) / (100 + prior - 1 - own))
    expected = first / sqrt(1 / (50 + own) + 1 / (1 + own))
    assert contrast(TARGET, REFERENCE, prior=prior)[0].score == pytest.approx(expected)
    weak, strong = (contrast(TARGET, REFERENCE, prior=size)[0].score for size in (1.0, 10_000.0))
    assert weak > strong > 0
    assert log_odds(5, 0, 5, 0, 0.0, 0.0) == 0.0


@given(COUNTS, COUNTS, st.sampled_from(["log_odds", "g2"]))
def test_turning_the_texts_about_turns_the_sign(here: dict[str, int], there: dict[str, int], measure: str) -> None:
    forth = {row.word: row.score for row in contrast(here, there, measure=measure)}
    back = {row.word: -row.score for row in contrast(there, here, measure=measure)}
    assert {word: abs(score) for word, score in forth.items()} == pytest.approx(
        {word: abs(score) for word, score in back.items()}, abs=1e-9
    )
    assert all(forth[word] == pytest.approx(back[word], abs=1e-9) or abs(forth[word]) < 1e-9 for word in forth)


def test_what_both_use_alike_scores_nothing() -> None:
    for measure, none in (("log_odds", 0.0), ("g2", 0.0), ("share", 0.5)):
        rows = contrast({"的": 10, "茶": 5}, {"的": 20, "茶": 10}, measure=measure)
        assert [row.score for row in rows] == pytest.approx([none, none], abs=1e-12)
    assert likelihood_ratio(10, 0, 100, 100) == pytest.approx(
        2 * (10 * log(2) + 90 * log(180 / 190) + 100 * log(200 / 190))
    )


def test_word_lists_are_counted_and_rare_or_short_words_hidden() -> None:
    target, reference = [["电网", "的", "。", "电网"]], [["研究", "的"]]
    assert [row.word for row in contrast(target, reference)] == ["电网", "的", "研究"]
    assert [row.word for row in contrast(target, reference, min_count=2, min_length=2)] == ["电网"]
    assert len(contrast(target, reference, 1)) == 1


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ((TARGET, {}), {}, "reference: expected a text with words, got none"),
        (([["。"]], REFERENCE), {}, "target: expected a text with words, got none"),
        (({"茶": -1}, REFERENCE), {}, "target: expected counts of 0 or more"),
        ((TARGET, REFERENCE), {"measure": "x"}, "measure: expected one of log_odds, share, g2, got 'x'"),
        ((TARGET, REFERENCE), {"prior": 0}, "prior: expected more than 0 words"),
        ((TARGET, REFERENCE, 0), {}, "n: expected 1 or more, got 0"),
    ],
)
def test_bad_input_is_refused(arguments: Any, settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        contrast(*arguments, **settings)


def test_thresholds_rise_as_published() -> None:
    assert [round(growth_threshold(hop), 6) for hop in range(4)] == [0.6, 0.718125, 0.801366, 0.860025]


def profiles() -> Profiles:
    drinks, boats = "茶水酒汤", "船帆桨舵"
    lists = [[who, "喝", drink] for drink in drinks for who in "我你他" for _ in range(3)]
    lists += [["大", boat, where] for boat in boats for where in "江海湖" for _ in range(3)]
    return Profiles(lists, min_count=1)


def test_a_cluster_grows_from_its_seeds_and_stays_on_its_side() -> None:
    grown = grow(["茶"], profiles(), least=0.6)
    assert {row.word for row in grown} == set("茶水酒汤")
    assert grown[0] == ("茶", 0, 1.0, None)
    assert all(row.hop == 1 and row.parent == "茶" and row.score >= 0.6 for row in grown[1:])
    assert {row.word for row in grow(["茶", "船"], profiles(), least=0.6)} == set("茶水酒汤船帆桨舵")
    assert len(grow(["茶"], profiles(), least=0.6, neighbours=1, hops=1)) == 2


def test_growing_needs_seeds_that_are_there() -> None:
    with pytest.raises(InputError, match="seeds: expected a word or more"):
        grow([], profiles())
    with pytest.raises(InputError, match="got '饭'"):
        grow(["饭"], profiles())
    with pytest.raises(TypeError, match="seeds: expected words"):
        grow("茶", profiles())
    with pytest.raises(ValueError, match="hops: expected 1 or more, got 0"):
        grow(["茶"], profiles(), hops=0)
