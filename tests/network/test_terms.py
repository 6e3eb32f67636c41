"""Terms: what counts as a word, where stretches end, which words are kept."""

from __future__ import annotations

from typing import Any

import pytest

from nlp_zero.errors import InputError
from nlp_zero.network.terms import chosen_min_count, read_terms, term_counts

LISTS = [["茶", "，", "酒", "。", "茶", "3.5", "", " "], ["Tea", "茶", "！？", "酒"], []]


def test_signs_are_no_terms_and_ends_of_sentences_end_stretches() -> None:
    terms = read_terms(LISTS)
    assert terms.words == ("茶", "酒", "3.5", "Tea") and list(terms.counts) == [3, 2, 1, 1] and terms.total == 7
    assert [list(stretch) for stretch in terms.stretches()] == [[1, 2], [1, 3], [4, 1], [2]]


def test_sentences_and_documents_have_each_word_once() -> None:
    lists = [["茶", "茶", "。", "酒", "茶"], ["酒"]]
    sentences = read_terms(lists, unit="sentence")
    assert [list(stretch) for stretch in sentences.stretches()] == [[1], [2, 1], [2]]
    documents = read_terms(lists, unit="document")
    assert [list(stretch) for stretch in documents.stretches()] == [[1, 2], [2]]
    assert list(documents.counts) == [1, 2] and documents.total == 5


def test_rare_words_go_and_the_most_frequent_stay() -> None:
    lists = [list("甲乙丙甲乙甲")]
    assert read_terms(lists, min_count=2).words == ("甲", "乙")
    assert read_terms(lists, max_words=1).words == ("甲",)
    terms = read_terms(lists, min_count=3)
    assert list(terms.tokens) == [1, 1, 1, 0] and terms.total == 6
    assert [chosen_min_count(size) for size in (999, 1_000, 99_999, 100_000)] == [1, 2, 2, 5]


def test_any_iterable_is_read_once() -> None:
    assert read_terms(iter(["茶", "水"]) for _ in range(2)).total == 4


@pytest.mark.parametrize("lists", [[], [[]], [["。", "，"]]])
def test_text_without_words_is_refused(lists: list[list[str]]) -> None:
    with pytest.raises(InputError, match="expected text with words"):
        read_terms(lists)


def test_errors_say_what_was_expected() -> None:
    with pytest.raises(InputError, match="expected a word that occurs 2 times or more in 1 words, got none"):
        read_terms([["茶"]], min_count=2)
    with pytest.raises(ValueError, match="unit: expected one of window, sentence, document, got 'line'"):
        read_terms([["茶"]], unit="line")
    with pytest.raises(ValueError, match="min_count: expected 1 or more, got 0"):
        read_terms([["茶"]], min_count=0)


@pytest.mark.parametrize("lists", ["茶水", ["茶水"], [["茶", 3]]])
def test_what_is_no_list_of_words_is_refused(lists: Any) -> None:
    with pytest.raises(TypeError, match="expected lists of"):
        read_terms(lists)


def test_counts_of_terms() -> None:
    assert term_counts(LISTS) == {"茶": 3, "酒": 2, "3.5": 1, "Tea": 1}
    for wrong in ("茶", ["茶"]):
        with pytest.raises(TypeError, match="expected lists of words"):
            term_counts(wrong)
