from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp_zero.tagging.hmm import HMM
from nlp_zero.words.tokenizer import Tokenizer
from nlp_zero.words.unexplained import recut


def together(texts: list[str]) -> list[list[str]]:
    return [[text] for text in texts]


@given(st.lists(st.lists(st.sampled_from(["甲", "乙", "丙丁", "a", "，", "𠀀"]), max_size=8), max_size=4))
def test_runs_of_single_characters_are_what_is_cut_anew(lines: list[list[str]]) -> None:
    expected = [
        [
            word
            for single, run in groupby(words, lambda word: word in "甲乙𠀀" and len(word) == 1)
            for word in (["".join(run)] if single else run)
        ]
        for words in lines
    ]
    assert recut(lines, together) == expected
    assert recut(lines, lambda texts: [list(text) for text in texts]) == lines


def test_nobody_is_asked_about_nothing() -> None:
    def refuse(texts: list[str]) -> list[list[str]]:
        raise AssertionError(texts)

    assert recut([["甲", "乙丙", "丁"], []], refuse) == [["甲", "乙丙", "丁"], []]


def test_kept_words_stay() -> None:
    assert recut([["甲", "乙", "丙", "甲", "乙"]], together, kept={"丙"}) == [["甲乙", "丙", "甲乙"]]


@pytest.mark.parametrize("bad", [["甲"], ["甲", "丙"], ["甲", "", "乙"], []])
def test_an_answer_that_is_another_text_is_refused(bad: list[str]) -> None:
    with pytest.raises(ValueError, match="expected words that are '甲乙' when joined"):
        recut([["甲", "乙"]], lambda texts: [bad])


def test_a_tokenizer_asks_a_tagger_about_what_its_lexicon_leaves_over() -> None:
    tokenizer = Tokenizer({"我们": 9, "喜欢": 9, "茶": 5})
    hmm = HMM.train([["李小龙", "喜欢", "茶"], ["李大龙", "喝", "茶"]])
    assert tokenizer.tokenize("我们喜欢李小龙，") == ["我们", "喜欢", "李", "小", "龙", "，"]
    words = ["我们", "喜欢", "李小龙", "，"]
    assert tokenizer.tokenize("我们喜欢李小龙，", unexplained=hmm.tokenize_lines) == words
    assert tokenizer.tokenize_lines(["我们喜欢李小龙，", ""], unexplained=hmm.tokenize_lines) == [words, []]
    forced = tokenizer.with_words(["小"], force=True)
    assert "小" in forced.tokenize("我们喜欢李小龙，", unexplained=hmm.tokenize_lines)
