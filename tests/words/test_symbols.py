"""Text as symbols, and back to the character."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero.words.symbols import LATIN, NUMBER, RARE, WORD_LIMIT, YEAR, SymbolText, is_shape, roles

TEXTS = st.text(
    st.sampled_from("中国人年月1290.:/%‰abZé，。 \t○〇々\ud800𠮷　Ａ９😀") | st.characters(exclude_characters="\n")
)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(text: SymbolText) -> list[str]:
    return list(text.lines())


@quick
@given(st.lists(TEXTS, max_size=8))
def test_the_text_can_be_read_back_to_the_character(lines: list[str]) -> None:
    text = SymbolText(lines)

    assert read(text) == lines
    assert text.string(0, len(text.ids)) == "".join(line + "\n" for line in lines)


@quick
@given(st.lists(TEXTS, max_size=8))
def test_blocks_of_lines_are_the_same_text_as_lines(lines: list[str]) -> None:
    text, blocks = SymbolText(lines), SymbolText(["\n".join(lines)] if lines else [])

    assert (text.ids, text.runs, text.places) == (blocks.ids, blocks.runs, blocks.places)


@quick
@given(st.lists(TEXTS, max_size=6), st.lists(TEXTS, max_size=6))
def test_a_text_grows_by_lines_or_by_another_text(first: list[str], second: list[str]) -> None:
    grown, joined = SymbolText(first), SymbolText(first)

    grown.extend(second)
    joined.append(SymbolText(second))

    assert read(grown) == read(joined) == first + second
    assert (grown.ids, grown.runs, grown.size) == (joined.ids, joined.runs, joined.size)


@quick
@given(st.lists(TEXTS, max_size=8))
def test_size_counts_the_symbols_of_words(lines: list[str]) -> None:
    text = SymbolText(lines)

    assert text.size == sum(0 < symbol < WORD_LIMIT for symbol in text.ids)


@quick
@given(st.lists(TEXTS, max_size=8))
def test_every_run_stands_where_it_says(lines: list[str]) -> None:
    text = SymbolText(lines)

    assert len(text.places) == len(text.runs)
    assert [text.string(place, 1) for place in text.places] == text.runs
    assert list(text.places) == sorted(set(text.places))


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        ("苹果", "苹果"),
        ("5元", NUMBER + "元"),
        ("12.50元", NUMBER + "元"),
        ("1998年", YEAR + "年"),
        ("１９９８年", YEAR + "年"),
        ("二○○八年", "二○○八年"),
        ("B超", LATIN + "超"),
        ("百分之5%", "百分之" + NUMBER),
    ],
)
def test_a_word_with_a_run_is_a_shape(line: str, shape: str) -> None:
    text = SymbolText([line])
    size = len(text.ids) - 1  # the line end

    assert text.word(0, size) == shape
    assert text.string(0, size) == line
    assert is_shape(shape) == (shape != line)


def test_a_shape_stands_for_every_spelling_of_its_run() -> None:
    text = SymbolText(["花5元", "花12.50元"])

    assert text.ids[:4] == text.ids[4:]
    assert text.runs == ["5", "12.50"]


def test_characters_beyond_the_alphabet_are_rare_but_kept() -> None:
    han = [chr(point) for point in range(0x20000, 0x2A6E0)] + [chr(point) for point in range(0x4E00, 0xA000)]
    text = SymbolText(["".join(han)])

    assert len(set(text.ids)) == WORD_LIMIT - 8 + 2  # all symbols there are, the rare one and the line end
    assert text.word(len(han) - 1, 1) == RARE
    assert text.string(0, len(han)) == "".join(han)


def test_many_short_lines_come_in_batches() -> None:
    lines = ["一二三四五六七八九十"] * 120_000  # more than one batch of a million characters

    text = SymbolText(lines)

    assert len(text.ids) == 11 * len(lines)
    assert text.size == 10 * len(lines)
    assert text.ids[:11] == text.ids[-11:]


def test_no_lines_are_no_text() -> None:
    text = SymbolText()

    assert (len(text.ids), text.size, read(text)) == (0, 0, [])


def test_contexts_stop_at_the_line_and_at_the_width() -> None:
    text = SymbolText(["我爱苹果。", "苹果", "买了5斤苹果了"])

    assert list(text.contexts("苹果", 3)) == [("我爱", "。"), ("", ""), ("了5斤", "了")]
    assert list(text.contexts("苹果", 1)) == [("爱", "。"), ("", ""), ("斤", "了")]
    assert list(text.contexts("5斤", 1)) == [("了", "苹")]
    assert list(text.contexts("6斤", 1)) == []
    assert list(text.contexts("梨", 1)) == []


def test_numerals_side_by_side_are_a_number_if_wanted() -> None:
    text = SymbolText(["二十三日，三日，5万千瓦"], numerals=True)

    assert text.runs == ["二十三", "5"]
    assert [text.word(0, 2), text.word(3, 2)] == [NUMBER + "日", "三日"]
    assert list(text.lines()) == ["二十三日，三日，5万千瓦"]
    assert text.shapes(["四十日", "三日"]) == [NUMBER + "日", "三日"]
    assert SymbolText(["二十三日"]).runs == []


@pytest.mark.parametrize(
    ("characters", "role"),
    [
        ("，。、 \t\n😀", 0),
        ("汉𠮷〇々ひカ한я○", 1),
        ("09０９", 2),
        ("azAZéＡｚ", 3),
        (".:/．：／", 4),
        ("%‰％", 5),
    ],
)
def test_roles_of_characters(characters: str, role: int) -> None:
    table = roles()

    assert len(table) == 0x110000
    assert {character: table[ord(character)] for character in characters} == dict.fromkeys(characters, role)
