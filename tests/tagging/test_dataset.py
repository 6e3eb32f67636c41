"""Data sets: sizes, numbers, and sentences taken out of them."""

from __future__ import annotations

from array import array

import pytest

from nlp_zero.errors import InputError
from nlp_zero.tagging.dataset import pack, select


def test_sentences_are_rows_of_positions_and_positions_rows_of_attributes() -> None:
    data = pack([[[0, 2], []], [], [[1]]], [[0, 1], [], [1]], n_attributes=3, n_labels=2)
    assert list(data.starts) == [0, 2, 2, 3]
    assert list(data.offsets) == [0, 2, 2, 3]
    assert list(data.attributes) == [0, 2, 1]
    assert list(data.labels) == [0, 1, 1]
    assert data.edge_offsets is None and data.n_edge_attributes == 1


def test_selected_sentences_keep_everything_they_had() -> None:
    data = pack(
        [[[0, 2], [1]], [[1], [0], [2]]],
        [[0, 1], [1, 1, 0]],
        n_attributes=3,
        n_labels=2,
        edges=[[[], [0]], [[], [1, 0], [1]]],
        n_edge_attributes=2,
    )._replace(values=array("d", range(6)), allowed=bytes([1, 0, 0, 1, 0, 1, 0, 1, 1, 1]))
    taken = select(data, [1, 0])
    assert list(taken.starts) == [0, 3, 5]
    assert list(taken.attributes) == [1, 0, 2, 0, 2, 1]
    assert list(taken.values or ()) == [3, 4, 5, 0, 1, 2]
    assert list(taken.edge_offsets or ()) == [0, 0, 2, 3, 3, 4]
    assert list(taken.edge_attributes or ()) == [1, 0, 1, 0]
    assert taken.allowed == bytes([0, 1, 0, 1, 1, 1, 1, 0, 0, 1])
    assert taken.check() == taken
    assert select(taken, [1, 0]) == data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": array("i", [0])}, "labels: expected 2 items, got 1"),
        ({"labels": array("i", [0, 2])}, "labels: expected numbers from 0 to 1, got 2 at 1"),
        ({"attributes": array("i", [0, -1])}, "attributes: expected numbers from 0 to 1, got -1 at 1"),
        ({"offsets": array("q", [0, 3, 2])}, "offsets: expected no number below the one before it, got 2 after 3 at 1"),
        ({"starts": array("q", [0, 1])}, "starts: expected 0 at first and 2 at last, got 0 and 1"),
        ({"values": array("d", [1, float("nan")])}, "values: expected finite numbers, got nan at 1"),
        ({"n_edge_attributes": 2}, "n_edge_attributes: expected 0 or 1 without edge_offsets, got 2"),
        ({"edge_offsets": array("q", [0])}, "edge_offsets and edge_attributes: expected both or neither"),
        ({"allowed": b"1"}, "allowed: expected 4 items, got 1"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, object], message: str) -> None:
    data = pack([[[0], [1]]], [[0, 1]], n_attributes=2, n_labels=2)
    with pytest.raises(InputError) as error:
        data._replace(**change).check()  # type: ignore[arg-type]
    assert str(error.value) == message
