from __future__ import annotations

import re
import time
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero.text.characters import (
    CLASS_NAMES,
    DIGIT,
    HAN,
    KANA,
    LATIN,
    LETTER,
    MARK,
    OTHER,
    PUNCTUATION,
    RUN,
    SPACE,
    WORD_CLASSES,
    char_class,
    class_table,
    ranges,
    runs,
)

# The database of Unicode 3.2 comes with every Python and never changes, as the table must not.
OLD = unicodedata.ucd_3_2_0
quick = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


# Characters that later versions of Unicode count otherwise: § ¶ ⌈ are punctuation now, ˇ ˉ are letters,
# the soft hyphen is a format character, Ethiopic numerals are no decimal digits.
CHANGED_SINCE = {0xA7, 0xAD, 0xB6, 0x2B9, 0x2BA, *range(0x2C6, 0x2D0), 0x2EC, 0x374, 0x6DE, 0xF14, 0x166D, 0x2132}
CHANGED_SINCE |= {*range(0x1369, 0x1372), *range(0x2308, 0x230C), *range(0x23B4, 0x23B7)}

HAN_BLOCKS = {
    "URO": (0x4E00, 0x9FFF),
    "A": (0x3400, 0x4DBF),
    "B": (0x20000, 0x2A6DF),
    "C": (0x2A700, 0x2B73F),
    "D": (0x2B740, 0x2B81F),
    "E": (0x2B820, 0x2CEAF),
    "F": (0x2CEB0, 0x2EBEF),
    "G": (0x30000, 0x3134F),
    "H": (0x31350, 0x323AF),
    "I": (0x2EBF0, 0x2EE5F),
    "J": (0x323B0, 0x3347F),
    "compatibility": (0xF900, 0xFAFF),
    "compatibility supplement": (0x2F800, 0x2FA1F),
}


@pytest.mark.parametrize("block", HAN_BLOCKS)
def test_every_han_block_is_han_to_its_edges(block: str) -> None:
    first, last = HAN_BLOCKS[block]

    assert set(class_table()[first : last + 1]) == {HAN}


def test_between_and_behind_the_han_blocks_nothing_is_han() -> None:
    table = class_table()

    assert table[0x2A6E0] == table[0x2FA20] == table[0x33480] == table[0x4DC0] == OTHER


@pytest.mark.parametrize("character", "〇々〻〆〥〹⼀⺀𠮷")
def test_single_han_characters(character: str) -> None:
    assert char_class(character) == HAN


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("azAZéßøĐǅʰạẞⅧⅷﬁＡｚÅªⱠ", LATIN),
        ("0459０９٣९๓𝟗", DIGIT),
        ("ぁんゝァヶヽーｱﾟㇰ゛𛀀", KANA),
        ("αЖאعกⴰ한ㄅꀀ𒀀ㅏ", LETTER),
        ("\u0301\ufe0f\u200d\U000e0100\u3099\u20e3\u0e31", MARK),
        (" \t\n\r\x0b\x0c\x85\xa0\u2028\u3000\u200b\x1c", SPACE),
        ("，。！？；：、“”‘’（）《》…—·-'\"&%@#*/\\，･「」｡〜", PUNCTUATION),
        ("+<=>^`|~￥$©°①㎡℃→■\x00\x07\ue000\U000f0000\ud800\udfff😀🇨𝄞፩\u2fe0\U0010ffff\U000e0fff²½", OTHER),
    ],
)
def test_classes_of_chosen_characters(text: str, code: int) -> None:
    found = {character: CLASS_NAMES[char_class(character)] for character in text}

    assert found == dict.fromkeys(text, CLASS_NAMES[code])


def test_the_table_agrees_with_the_database_of_unicode_3() -> None:
    expected = {"Zs": {SPACE}, "Zl": {SPACE}, "Zp": {SPACE}, "Nd": {DIGIT}, "Mn": {MARK}, "Me": {MARK}}
    expected |= {key: {PUNCTUATION} for key in ("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po")}
    expected |= {key: set(WORD_CLASSES - {DIGIT}) for key in ("Lu", "Ll", "Lt", "Lm", "Lo")}
    expected |= {key: {OTHER, SPACE, MARK, HAN, KANA} for key in ("Cc", "Cf", "Sc", "Sm", "Sk", "So", "No")}
    table = class_table()
    wrong = [
        f"U+{code:04X} {OLD.category(chr(code))} {CLASS_NAMES[table[code]]}"
        for code in range(0x110000)
        if (category := OLD.category(chr(code))) in expected
        and table[code] not in expected[category]
        and code not in CHANGED_SINCE
    ]

    assert wrong == []


def test_latin_letters_are_latin_and_no_others() -> None:
    for code in range(0x20000):
        name = OLD.name(chr(code), "")
        if OLD.category(chr(code)) in ("Lu", "Ll", "Lt"):
            assert (char_class(chr(code)) == LATIN) == ("LATIN" in name or code in (0xAA, 0xBA, 0x212A, 0x212B)), name


def test_the_table_is_made_once() -> None:
    assert class_table() is class_table()
    assert len(class_table()) == 0x110000
    assert max(class_table()) < len(CLASS_NAMES)


def test_ranges_give_the_table_back() -> None:
    table = bytearray(0x110000)
    for code in range(len(CLASS_NAMES)):
        for first, last in ranges(code):
            table[first : last + 1] = bytes([code]) * (last + 1 - first)

    assert bytes(table) == class_table()
    assert ranges(HAN, KANA) == sorted(ranges(HAN, KANA))
    assert all(class_table()[first] in (HAN, KANA) for first, _ in ranges(HAN, KANA))


# Runs


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("没有", []),
        ("2008年8月8日", ["2008", "8", "8"]),
        ("比分3:2，涨3.5%，跌２．５％，千分之3‰", ["3:2", "3.5%", "２．５％", "3‰"]),
        ("1,234,567.89元", ["1,234,567.89"]),
        ("2008,2009两年", ["2008", "2009"]),
        ("1998，100人", ["1998", "100"]),
        ("１，２３４人", ["１，２３４"]),
        ("12,3456", ["12", "3456"]),
        ("5.人", ["5"]),
        ("2004/05/01", ["2004/05/01"]),
        ("192.168.0.1", ["192.168.0.1"]),
        ("-3.5", ["3.5"]),
        ("%5", ["5"]),
        ("Word2Vec模型", ["Word", "2", "Vec"]),
        ("naïve", ["naïve"]),
        ("nai\u0308ve", ["nai\u0308ve"]),
        ("don't", ["don", "t"]),
        ("ＡＢＣ公司", ["ＡＢＣ"]),
        ("ⅧⅨ", ["ⅧⅨ"]),
        ("Привет", []),
        ("٣٤", ["٣٤"]),
    ],
)
def test_runs(text: str, found: list[str]) -> None:
    assert [text[run.start : run.end] for run in runs(text)] == found


def test_kinds_of_runs() -> None:
    assert [run.kind for run in runs("A1%")] == ["latin", "number"]
    assert list(RUN.groupindex) == ["number", "latin"]


@quick
@given(st.text(st.sampled_from("汉字0１9Ａaé.,:/，％%‰．：／\u0301あ\ud800 \n")))
def test_runs_hold_all_digits_and_latin_letters_in_order(text: str) -> None:
    found = list(runs(text))
    outside = text
    for run in reversed(found):
        assert run.start < run.end
        outside = outside[: run.start] + "|" + outside[run.end :]

    assert found == sorted(found)
    assert all(left.end <= right.start for left, right in pairwise(found))
    assert not {DIGIT, LATIN} & {char_class(character) for character in outside}


@quick
@given(st.text())
def test_runs_agree_with_the_classes(text: str) -> None:
    for run in runs(text):
        first = char_class(text[run.start])
        assert first == (DIGIT if run.kind == "number" else LATIN)


@pytest.mark.parametrize("unit", ["1", "1,", "1,111,", "1.", "12,3456", "a", "a\u0301", "1:/"])
def test_runs_take_linear_time(unit: str) -> None:
    short, long = (unit * (size // len(unit)) for size in (20_000, 160_000))

    def seconds(text: str) -> float:
        best = 9.0
        for _ in range(3):
            start = time.perf_counter()
            sum(1 for _ in runs(text))
            best = min(best, time.perf_counter() - start)
        return best

    # Eight times the text: a quadratic search would take 64 times as long.
    assert seconds(long) < 30 * seconds(short) + 0.05


def test_the_pattern_is_made_of_the_ranges() -> None:
    letter = re.compile(f"[{''.join(chr(first) + '-' + chr(last) for first, last in ranges(LATIN))}]")
    for first, last in ranges(LATIN, DIGIT):
        for code in (first, last):
            match = RUN.fullmatch(chr(code))
            assert match is not None
            assert (match.lastgroup == "latin") == bool(letter.fullmatch(chr(code)))


def test_noncharacters_are_boundaries():
    # Lexicons write runs of digits and letters as U+FDD0 to U+FDD3; in a text they are no letters.
    assert {char_class(chr(point)) for point in range(0xFDD0, 0xFDF0)} == {OTHER}
