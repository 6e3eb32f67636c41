from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero.text.characters import MARK, WORD_CLASSES, char_class
from nlp_zero.text.sentences import chunks, sentences

quick = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SIGNS = st.text(st.sampled_from('汉字a1。！？!?；…”’」』）)"\n\r \t　，😀\ufe0f\u3000\x00\ud800'))


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("", []),
        ("没有句号", ["没有句号"]),
        ("一。二！三？四!五?六；七……八", ["一。", "二！", "三？", "四!", "五?", "六；", "七……", "八"]),
        ("真的吗？！好。。。", ["真的吗？！", "好。。。"]),
        ("他说：“走吧。”我走了。", ["他说：“走吧。”", "我走了。"]),
        ("（见图。）「是。」』然后", ["（见图。）", "「是。」』", "然后"]),
        ("“好！”？”接着", ["“好！”？”", "接着"]),
        ("一\n二\r\n三\r四", ["一\n", "二\r\n", "三\r", "四"]),
        ("一。\n\n　　二。 \n三", ["一。\n\n", "　　二。 \n", "三"]),
        ("一。 二", ["一。", " 二"]),
        ("\n\n一", ["\n\n", "一"]),
        ("3.14 不断。", ["3.14 不断。"]),
        ("”引号在前", ["”引号在前"]),
        ("。", ["。"]),
        ("甲\u2028乙\x85丙", ["甲\u2028", "乙\x85", "丙"]),
    ],
)
def test_sentences(text: str, cut: list[str]) -> None:
    assert [sentence.text for sentence in sentences(text)] == cut


@quick
@given(st.one_of(SIGNS, st.text()))
def test_sentences_joined_are_the_text(text: str) -> None:
    found = list(sentences(text))

    assert "".join(sentence.text for sentence in found) == text
    assert all(sentence.text and text[sentence.start : sentence.end] == sentence.text for sentence in found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("，。", []),
        ("第1章，Hello World", ["第1章", "Hello", "World"]),
        ("𠮷野家〇々", ["𠮷野家〇々"]),
        ("葛\U000e0100城", ["葛\U000e0100城"]),
        ("好❤\ufe0f的", ["好", "的"]),
        ("甲\x00乙", ["甲", "乙"]),
        ("100%的C++", ["100", "的C"]),
        ("甲\ud800乙", ["甲", "乙"]),
        ("Ａ１あア한я", ["Ａ１あア한я"]),
    ],
)
def test_chunks(text: str, found: list[str]) -> None:
    assert [chunk.text for chunk in chunks(text)] == found


@quick
@given(st.one_of(SIGNS, st.text()))
def test_chunks_are_the_longest_stretches_of_word_characters(text: str) -> None:
    expected: list[str] = []
    inside = False
    for character in text:
        code = char_class(character)
        if code == MARK and not inside:
            continue
        if code in WORD_CLASSES:
            expected += [""] * (not inside)
            expected[-1] += character
        inside = code in WORD_CLASSES
    found = list(chunks(text))

    assert [chunk.text for chunk in found] == expected
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in found)


@pytest.mark.parametrize("unit", ["汉", "。", "。 ", "。”", "”", " ", "\n", "\ufe0f", "。\t\t\t\t\t\t\t\t"])
def test_cutting_takes_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        best = 9.0
        for _ in range(3):
            start = time.perf_counter()
            sum(1 for _ in sentences(text))
            sum(1 for _ in chunks(text))
            best = min(best, time.perf_counter() - start)
        return best

    next(chunks("甲"))  # make the pattern
    # Eight times the text: a quadratic search would take 64 times as long.
    assert seconds(120_000) < 30 * seconds(15_000) + 0.05
