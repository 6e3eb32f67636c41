from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp_zero.errors import LabelError, NlpZeroError
from nlp_zero.tagging.labels import SCHEMES, Scheme, Span

UNITS = [name for name in SCHEMES if name != "free"]

words_lists = st.lists(st.text("甲乙丙", min_size=1, max_size=5), max_size=8)


def moves(scheme: Scheme) -> set[str]:
    size = len(scheme.labels)
    return {
        f"{before} {after}"
        for i, before in enumerate(scheme.labels)
        for j, after in enumerate(scheme.labels)
        if scheme.moves[i * size + j]
    }


def test_four_tags_have_eight_moves() -> None:
    scheme = Scheme.named("bmes")
    assert scheme.labels == ("B", "M", "E", "S")
    assert (scheme.starts, scheme.ends) == (b"\1\0\0\1", b"\0\0\1\1")
    assert moves(scheme) == {"B M", "B E", "M M", "M E", "E B", "E S", "S B", "S S"}


def test_inside_follows_only_its_own_type() -> None:
    scheme = Scheme.named("bio", ["O", "B-NP", "B-VP"])
    assert scheme.labels == ("O", "B-NP", "B-VP", "I-NP", "I-VP")
    assert {move for move in moves(scheme) if move.endswith("I-NP")} == {"B-NP I-NP", "I-NP I-NP"}
    assert scheme.starts == b"\1\1\1\0\0" and scheme.ends == b"\1\1\1\1\1"


def test_a_unit_must_end_where_the_scheme_says_where_units_end() -> None:
    assert moves(Scheme.named("bioes")) == {
        *("B I", "B E", "I I", "I E", "E B", "E O", "E S"),
        *("S B", "S O", "S S", "O B", "O O", "O S"),
    }


def test_labels_keep_their_order_and_are_completed() -> None:
    assert Scheme.named("bmes", ["E_v", "B_v", "O", "B_v"]).labels == ("E_v", "B_v", "O", "M_v", "S_v")
    assert Scheme.named("bmes", ["S"]).labels == ("S", "B", "M", "E")


def test_free_labels_move_freely() -> None:
    scheme = Scheme.named("free", ["n", "v"])
    assert (scheme.starts, scheme.ends, scheme.moves) == (b"\1\1", b"\1\1", b"\1\1\1\1")
    scheme.check(["v", "n", "n"])
    for use in (lambda: scheme.spans(["n"]), lambda: scheme.label_words(["茶"]), lambda: scheme.words("茶", ["n"])):
        with pytest.raises(LabelError, match="stand for no units"):
            use()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("MES", "position 0: expected B or S at the start, got 'M'"),
        ("BS", "position 1: expected M or E after B, got 'S'"),
        ("SBM", "position 2: expected E or S at the end, got 'M'"),
        (["B", "X"], "position 1: expected B, M, E or S, got 'X'"),
    ],
)
def test_errors_name_the_position(labels: list[str], message: str) -> None:
    scheme = Scheme.named("bmes")
    with pytest.raises(LabelError) as caught:
        scheme.check(labels)
    assert str(caught.value) == message
    assert isinstance(caught.value, NlpZeroError) and isinstance(caught.value, ValueError)
    assert not scheme.is_legal(labels)


def test_errors_stay_short_with_many_labels() -> None:
    scheme = Scheme.named("free", [f"t{number}" for number in range(40)])
    with pytest.raises(LabelError) as caught:
        scheme.check(["x"])
    assert str(caught.value) == "position 0: expected t0, t1, t2, t3, t4, t5, t6 or 33 others, got 'x'"


@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        ("bmse", [], "scheme: expected bmes, bio, bioes or free, got 'bmse'"),
        ("free", [], "expected the labels of the data"),
        ("bio", ["B-NP", "E-NP"], "got 'E-NP'"),
        ("bio", ["B-"], "got 'B-'"),
        ("bio", ["O-NP"], "got 'O-NP'"),
        ("bio", ["BNP"], "got 'BNP'"),
        ("bmes", [""], "got ''"),
    ],
)
def test_labels_that_are_not_of_the_scheme_are_refused(name: str, labels: list[str], message: str) -> None:
    with pytest.raises(LabelError, match=message):
        Scheme.named(name, labels)


@pytest.mark.parametrize("name", UNITS)
@given(words=words_lists)
def test_words_come_back_from_their_labels(name: str, words: list[str]) -> None:
    scheme = Scheme.named(name)
    labels = scheme.label_words(words)
    scheme.check(labels)
    assert scheme.words("".join(words), labels) == words


@pytest.mark.parametrize("name", UNITS)
@given(units=st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["", "PER", "LOC"])), max_size=7))
def test_spans_come_back_from_their_labels(name: str, units: list[tuple[int, str]]) -> None:
    scheme = Scheme.named(name, ["O", "B-PER", "B-LOC"])
    spans, end = [], 0
    for length, kind in units:
        if kind:
            spans.append(Span(end, end + length, kind))
        end += length
    labels = scheme.label_spans(end, reversed(spans))
    scheme.check(labels)
    assert scheme.spans(labels) == spans == scheme.spans(labels, strict=False)


@pytest.mark.parametrize("name", UNITS)
def test_legal_labellings_are_those_that_units_can_make(name: str) -> None:
    """Every labelling of up to four positions, against the labels of every way to set spans on them."""
    scheme = Scheme.named(name, ["O", "B-X", "B-Y"])

    def ways(size: int) -> set[tuple[str, ...]]:
        found = {()} if size == 0 else {(*rest, "O") for rest in ways(size - 1)}
        for length, kind in product(range(1, size + 1), "XY"):
            found |= {(*rest, *scheme.label_spans(length, [(0, length, kind)])) for rest in ways(size - length)}
        return found

    for size in range(5):
        legal = {labels for labels in product(scheme.labels, repeat=size) if scheme.is_legal(labels)}
        assert legal == ways(size)


def test_illegal_labels_are_read_as_the_conll_scorer_reads_them() -> None:
    scheme = Scheme.named("bio", ["O", "B-A", "B-B"])
    spans = scheme.spans(["I-A", "I-B", "I-B", "O", "I-A", "B-A"], strict=False)
    assert spans == [(0, 1, "A"), (1, 3, "B"), (4, 5, "A"), (5, 6, "A")]
    four = Scheme.named("bmes")
    assert four.words("一二三四五", "MEBBM", strict=False) == ["一二", "三", "四五"]
    with pytest.raises(LabelError, match="position 0"):
        four.words("一二三四五", "MEBBM")


def test_spans_that_overlap_or_lie_outside_are_refused() -> None:
    scheme = Scheme.named("bio")
    for spans in ([(0, 2), (1, 3)], [(2, 5)], [(1, 1)], [(-1, 1)]):
        with pytest.raises(LabelError, match="do not overlap"):
            scheme.label_spans(4, spans)
    with pytest.raises(LabelError, match="'B-NP'"):
        scheme.label_spans(2, [(0, 2, "NP")])


def test_words_and_labels_must_have_one_length() -> None:
    with pytest.raises(LabelError, match="expected one for each of 2 characters, got 1"):
        Scheme.named("bmes").words("你好", "S")
    with pytest.raises(LabelError, match="at least one character"):
        Scheme.named("bmes").label_words(["你", ""])
