"""Co-occurrence: units, direction, measures against their formulas, graphs, related words, errors."""

from __future__ import annotations

from math import log, log2
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero.errors import InputError
from nlp_zero.network.cooccurrence import Cooccurrence, cooccurrence
from nlp_zero.network.graph import Graph

LISTS = [["我", "喝", "茶", "。", "茶", "好"], ["我", "喝", "水"], ["你", "喝", "茶"]]
TEXTS = st.lists(st.lists(st.sampled_from("甲乙丙丁"), min_size=2, max_size=6), min_size=1, max_size=6)


def links(graph: Graph) -> dict[tuple[str, str], float]:
    return {(source, target): weight for source, target, weight in graph.links()}


def test_windows_end_with_the_sentence() -> None:
    pairs = Cooccurrence(LISTS, window=1)
    assert pairs.words == ("喝", "茶", "我", "好", "水", "你")
    assert pairs.count("我", "喝") == pairs.count("喝", "我") == 2 and pairs.count("我", "茶") == 0
    assert pairs.row("茶") == {"喝": 2, "好": 1}
    assert Cooccurrence(LISTS, window=2).count("我", "茶") == 1


def test_direction_tells_who_comes_first() -> None:
    pairs = Cooccurrence(LISTS, window=2, directed=True)
    assert pairs.count("我", "喝") == 2 and pairs.count("喝", "我") == 0
    graph = pairs.graph("count")
    assert graph.directed and links(graph)["我", "茶"] == 1


def test_sentences_and_documents_count_once() -> None:
    sentences, documents = (Cooccurrence(LISTS, unit=unit) for unit in ("sentence", "document"))
    assert sentences.meetings == 4 and documents.meetings == 3
    assert sentences.count("我", "好") == 0 and documents.count("我", "好") == 1
    assert sentences.pmi("喝", "茶") == pytest.approx(log2(2 * 4 / (3 * 3)))
    assert sentences.pmi("我", "好") == float("-inf")


@settings(deadline=None, max_examples=30)
@given(TEXTS, st.booleans())
def test_pmi_of_the_graph_is_that_of_the_formula(lists: list[list[str]], directed: bool) -> None:
    pairs = Cooccurrence(lists, window=2, directed=directed)
    for measure, smoothing in (("pmi", 0.3), ("ppmi", 1.0)):
        found = links(pairs.graph(measure, smoothing=smoothing))
        expected = {
            (a, b): pairs.pmi(a, b)
            for i, a in enumerate(pairs.words)
            for j, b in enumerate(pairs.words)
            if (directed or i < j) and pairs.pmi(a, b) > 1e-9
        }
        assert {pair: w for pair, w in found.items() if w > 1e-9} == pytest.approx(expected)


def test_smoothing_raises_the_chance_of_rare_contexts() -> None:
    pairs = Cooccurrence(LISTS, window=2, directed=True)
    raised = [count**0.75 for count in pairs.column_sums]
    rare = pairs.number("茶")
    chance = raised[rare] / sum(raised)
    row = pairs.number("喝")
    expected = log2(pairs.count("喝", "茶") / pairs.row_sums[row] / chance)
    assert links(pairs.graph("ppmi"))["喝", "茶"] == pytest.approx(expected)
    undirected = Cooccurrence(LISTS, window=2)
    table = links(undirected.graph("ppmi", smoothing=0.5))
    powers = [count**0.5 for count in undirected.column_sums]
    a, b = undirected.number("茶"), undirected.number("好")
    joint = undirected.count("茶", "好") / undirected.meetings
    both = [
        joint / (undirected.row_sums[one] / undirected.meetings * powers[other] / sum(powers))
        for one, other in ((a, b), (b, a))
    ]
    assert table["茶", "好"] == pytest.approx(sum(map(log2, both)) / 2)


def test_likelihood_ratio_of_sentences() -> None:
    lists = [["茶", "水"]] * 8 + [["茶", "酒"]] * 2 + [["饭", "酒"]] * 10
    found = links(cooccurrence(lists, unit="sentence", measure="llr"))
    cells = [(8, 10, 8), (2, 10, 12), (10, 10, 12)]  # seen, row, column; the fourth cell is empty
    assert found["茶", "水"] == pytest.approx(2 * sum(n * log(n * 20 / (r * c)) for n, r, c in cells))
    assert ("酒", "茶") not in found and ("茶", "酒") not in found


def test_a_graph_has_all_words_and_no_link_of_a_word_to_itself() -> None:
    graph = cooccurrence([["茶", "茶", "水"], ["饭"]], measure="count", window=1)
    assert graph.nodes == ("茶", "水", "饭") and links(graph) == {("茶", "水"): 1.0}
    assert links(cooccurrence([["茶", "茶", "水"]], measure="count", directed=True))["茶", "茶"] == 1.0


def test_weak_links_and_rare_pairs_are_left_out() -> None:
    lists = [["茶", "水"]] * 3 + [["茶", "酒"]]
    assert links(cooccurrence(lists, measure="count", least=1)) == {("茶", "水"): 3.0}
    assert Cooccurrence(lists, min_pairs=2).count("茶", "酒") == 0
    assert all(weight > 2 for weight in links(cooccurrence(lists, measure="llr", least=2)).values())


def test_the_graph_can_be_saved_and_read_again(tmp_path: Path) -> None:
    graph = cooccurrence(LISTS)
    graph.save(tmp_path / "tea.net")
    assert Graph.load(tmp_path / "tea.net") == graph


def test_related_words_and_what_alpha_does() -> None:
    lists = [["茶", "的"]] * 30 + [["水", "的"]] * 30 + [["茶", "叶"]] * 5
    pairs = Cooccurrence(lists)
    assert pairs.related("茶", 1)[0].word == "叶"
    assert pairs.related("茶", 1, alpha=0.0)[0].word == "的"
    first = pairs.related("茶", 1, alpha=1.0)[0]
    assert first.score / log(2) == pytest.approx(pairs.pmi("茶", first.word))
    score = dict(pairs.related("茶"))["的"]
    row, whole = sum(pairs.row("茶").values()), pairs.meetings
    assert score == pytest.approx(log(30 / row) - 0.9 * log(sum(pairs.row("的").values()) / whole))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 0}, "window: expected 1 word or more, got 0"),
        ({"min_pairs": 0}, "min_pairs: expected 1 or more, got 0"),
        ({"unit": "sentence", "directed": True}, "directed: expected the unit 'window'"),
        ({"measure": "chi2"}, "measure: expected one of count, pmi, ppmi, llr, got 'chi2'"),
        ({"smoothing": 0.0}, "smoothing: expected more than 0"),
        ({"least": -1.0}, "least: expected 0 or more"),
    ],
)
def test_bad_settings_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cooccurrence(LISTS, **arguments)


def test_texts_in_which_nothing_meets_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"expected sentences of two words or more, .* got 2 words of which no two meet"
    ):
        cooccurrence([["茶"], ["水"]])
    with pytest.raises(InputError, match="expected two words that meet 2 times or more"):
        cooccurrence([["茶", "水"]], min_pairs=2)
    with pytest.raises(InputError, match="got none"):
        cooccurrence([])


def test_a_word_that_is_not_there() -> None:
    with pytest.raises(
        InputError, match="expected a word that occurs 1 times or more in the text, such as '喝', got '饭'"
    ):
        Cooccurrence(LISTS).related("饭")
