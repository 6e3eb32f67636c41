"""From text to numbered attributes: by hand, against a slow reading, both engines alike."""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero import kernels
from nlp_zero.kernels import attributes

# U:%x[-1,0]/%x[0,0]  and  U%x[2,1]  and  one without cells
PROGRAM = array("i", [0, 0, 2, 1, -1, 0, 0, 2, 3, 1, 0, 0, 2, 0, 0, 0, 0, 1, 1, 2, 1, 2, 0, 0, 0, 0, 1, 2, 0, 0])
LITERALS = b"U:/"


def opened(cells: tuple[bytes, bytes, bytes]) -> tuple[bytes, array[int], array[int]]:
    text, edges, starts = cells
    return text, array("q", edges), array("q", starts)


def spelt(rows: list[list[tuple[str, str]]], first: int) -> list[list[str]]:
    """What PROGRAM reads at every position, spelt out."""
    found = []
    for sentence in rows:
        for place in range(len(sentence)):
            before = sentence[place - 1][0] if place else "_B-1"
            after = place + 2 - len(sentence) + 1
            later = sentence[place + 2][1] if after < 1 else f"_B+{after}"
            found.append([f"U:{before}/{sentence[place][0]}", f"U{later}", "U"] if place or first else [])
    return found


WORDS = st.text(st.characters(exclude_characters=" \t\n"), min_size=1, max_size=4)
SENTENCES = st.lists(st.lists(st.tuples(WORDS, st.sampled_from("NV_%"))), max_size=4).map(
    lambda rows: [row for row in rows if row]
)


@settings(deadline=None, max_examples=60)
@given(SENTENCES, st.integers(0, 1), st.integers(1, 3))
def test_attributes_are_what_the_templates_read(rows: list[list[tuple[str, str]]], first: int, min_count: int) -> None:
    text = "\n".join("".join(f"{word}\t{tag}\n" for word, tag in row) for row in rows)
    cells = opened(kernels.column_cells(text, 2))

    names, ends, offsets, ids = kernels.find_attributes(*cells, 2, PROGRAM, LITERALS, first, min_count)

    expected = spelt(rows, first)
    counts: dict[str, int] = {}
    for name in (name for place in expected for name in place):
        counts[name] = counts.get(name, 0) + 1
    kept = [name for name, count in counts.items() if count >= min_count]
    limits = [0, *array("I", ends)]
    parts = [names[start:end].decode("utf-8", "surrogatepass") for start, end in pairwise(limits)]
    assert parts == kept
    rows_of = array("q", offsets)
    numbers = array("i", ids)
    read = [[parts[n] for n in numbers[a:b]] for a, b in pairwise(rows_of)]
    assert read == [[name for name in place if counts[name] >= min_count] for place in expected]
    table = kernels.AttributeTable(names, array("I", ends))
    assert table.find(*cells, 2, PROGRAM, LITERALS, first) == (offsets, ids)


@settings(deadline=None, max_examples=60)
@given(st.text(st.sampled_from("a我𠮷 \t\n"), max_size=40), st.integers(1, 3))
def test_both_engines_cut_and_find_alike(text: str, width: int) -> None:
    for name in ("character_cells", "column_cells"):
        ours = outcome(getattr(kernels, name), text, width)
        assert ours == outcome(getattr(attributes, name), text, width)
        if isinstance(ours[0], bytes):
            arguments = (*opened(ours), width, array("i", [1, 0, 0, 1, -1, width - 1, 2, 0, 0]), b"", 1, 1)
            assert kernels.find_attributes(*arguments) == attributes.find_attributes(*arguments)


def outcome(function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except (ValueError, TypeError) as error:
        return (type(error), str(error))


def test_columns_come_with_spaces_and_tabs_and_any_other_character() -> None:
    text, edges, starts = kernels.column_cells("我\u3000 \t r\n是\u00a0\tv\t\n \t\n了\u2028 u", 2)
    assert text.decode() == "我\u3000r是\u00a0v了\u2028u"
    assert list(array("q", starts)) == [0, 2, 3] and len(edges) == 8 * 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b\nc\n", "line 1: expected 2 columns, got 1"),
        ("a b\nc d e\n", "line 1: expected 2 columns, got 3"),
        ("a b\n\n\nc d\n", "line 2: expected a position, got a blank line, an empty sentence"),
        ("\na b\n", "line 0: expected a position, got a blank line, an empty sentence"),
    ],
)
def test_what_is_no_column_file_is_named_by_its_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        kernels.column_cells(text, 2)


def test_blank_lines_at_the_end_are_nothing() -> None:
    assert kernels.column_cells("a b\n\n\n \n", 2) == kernels.column_cells("a b", 2)
    assert kernels.column_cells("", 2) == (b"", bytes(8), bytes(8))


GOOD: tuple[Any, ...] = (b"abc", array("q", [0, 1, 3]), array("q", [0, 1, 2]), 1, array("i", [1, 0, 0, 2, 0, 0]), b"")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, b"ab"),
        (1, array("q", [0, 3])),
        (1, array("q", [1, 2, 3])),
        (1, array("q", [0, 4, 3])),
        (1, array("i", [0, 1, 3])),
        (2, array("q", [])),
        (2, array("q", [0, 3, 2])),
        (2, array("q", [0, -1])),
        (2, array("q", [0, 1 << 40])),
        (3, 0),
        (3, 2),
        (4, array("i", [1, 0])),
        (4, array("i", [1, 0, 0])),
        (4, array("i", [1, 0, 1, 2, 0, 0])),
        (4, array("i", [1, 65, 0, 2, 0, 0])),
        (4, array("i", [0, 0, 1, 2, 0, 0])),
        (4, array("i", [3, 0, 0, 2, 0, 0])),
    ],
)
def test_what_does_not_fit_is_refused_alike(place: int, value: Any) -> None:
    given_ = [*GOOD]
    given_[place] = value
    ours = outcome(kernels.find_attributes, *given_, 1, 1)
    assert ours[0] in (ValueError, TypeError)
    assert ours == outcome(attributes.find_attributes, *given_, 1, 1)


def test_a_table_refuses_what_is_no_list_of_names() -> None:
    for names, ends in ((b"abab", [2, 4]), (b"ab", [1]), (b"ab", [2, 1]), (b"", [1])):
        ours = outcome(kernels.AttributeTable, names, array("I", ends))
        assert ours[0] is ValueError
        assert ours == outcome(attributes.AttributeTable, names, array("I", ends))


def test_many_attributes_keep_their_numbers() -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 20_000)))
    cells = opened(kernels.character_cells(text, 1))
    program = array("i", [1, -1, 0, 1, 0, 0, 2, 0, 0])
    names, ends, offsets, ids = kernels.find_attributes(*cells, 1, program, b"", 1, 1)
    assert list(array("i", ids)) == list(range(20_000))
    table = kernels.AttributeTable(names, array("I", ends))
    assert table.find(*cells, 1, program, b"", 1) == (offsets, ids)
