"""Column files and segmented lines as tables; what is damaged is named by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero.errors import InputError
from nlp_zero.tagging.columns import cells_of_rows, column_blocks, column_cells, join_cells, segmented, word_lines
from nlp_zero.tagging.labels import Scheme
from nlp_zero.text.corpus import Corpus

ROWS = st.lists(st.lists(st.tuples(st.text("ab我", min_size=1), st.sampled_from("NV")), min_size=1), min_size=1)


@settings(deadline=None, max_examples=40)
@given(ROWS, st.integers(1, 30), st.sampled_from(["\n", " \n"]))
def test_a_stream_of_blocks_holds_the_sentences_of_the_file(rows: list, size: int, blank: str) -> None:
    text = blank.join("".join(f"{word} {tag}\n" for word, tag in row) for row in rows)
    corpus = Corpus.from_strings(text.split("\n"))
    found = [row for block in column_blocks(corpus, size) for row in column_cells(block.text, 2, block).rows()]
    assert found == rows


def test_memory_is_that_of_a_block() -> None:
    corpus = Corpus.from_strings(["a b", "c d", ""] * 10_000)
    assert max(len(block.text) for block in column_blocks(corpus, 1000)) < 2100


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b\nc d\n\ne\n", r"bad.txt:4: expected 2 columns, got 1"),
        ("a b\n\n\nc d\n", r"bad.txt:3: expected a position, got a blank line, an empty sentence"),
        ("\na b\n", r"bad.txt:1: expected a position, got a blank line, an empty sentence"),
    ],
)
@pytest.mark.parametrize("size", [4, 1 << 20])
def test_damage_is_named_by_file_and_line(tmp_path: Path, text: str, message: str, size: int) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        for block in column_blocks(Corpus(path), size):
            column_cells(block.text, 2, block)


def test_a_sentence_does_not_run_from_file_to_file(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text("x y\n", encoding="utf-8")
    blocks = list(column_blocks(Corpus(tmp_path)))
    assert [(Path(block.name).name, block.line, block.text) for block in blocks] == [("a", 1, "x y"), ("b", 1, "x y")]


def test_tables_of_rows_and_of_text_are_the_same_and_can_be_joined() -> None:
    ours = cells_of_rows([["a", "b"], ["c"]])
    assert ours == column_cells("a\nb\n\nc\n")
    assert join_cells([ours, ours]).rows() == ours.rows() * 2
    with pytest.raises(InputError, match="sentence 0, token 1: expected 2 columns, got 1"):
        cells_of_rows([[["a", "b"], ["c"]]])
    with pytest.raises(InputError, match="expected 1 columns in all files, got 2"):
        join_cells([ours, cells_of_rows([[("a", "b")]])])


def test_segmented_text_refuses_an_empty_sentence(tmp_path: Path) -> None:
    path = tmp_path / "gold.txt"
    path.write_text("研究  生命\n\n起源\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"gold.txt:2: expected words"):
        list(segmented(Corpus(path), Scheme.named("bmes")))
    path.write_text("研究生  命\n起源\u3000是\n", encoding="utf-8")
    assert list(segmented(Corpus(path), Scheme.named("bmes"))) == [("研究生命\n起源是", "BMES\nBES")]


def test_words_keep_every_line_and_every_gap() -> None:
    assert word_lines(["研究生 命", "", " 起源"], bytes([1, 0, 0, 0, 1, 1])) == ["研究生 命", "", "起 源"]
