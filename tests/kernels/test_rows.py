"""The kernels of ``rows``: sums of rows against plain loops, lists turned round and back, equal errors."""

from __future__ import annotations

import random
from array import array
from itertools import pairwise
from typing import Any

import pytest

from nlp_zero import kernels
from nlp_zero.kernels import rows as twin

NOTHING = b""


def random_list(source: random.Random, rows: int, size: int) -> tuple[array[int], array[int], array[float]]:
    offsets, items = array("q", [0]), array("i")
    for _ in range(rows):
        items.extend(source.randrange(size) for _ in range(source.choice((0, 1, 2, 30))))
        offsets.append(len(items))
    return offsets, items, array("d", (source.uniform(-2, 2) for _ in items))


def turned_round(*arguments: Any, module: Any = kernels) -> tuple[array[int], array[int], array[float]]:
    starts, items, values = module.index_rows(*arguments)
    return array("q", starts), array("i", items), array("d", values)


def numbers(source: random.Random, count: int) -> array[float]:
    return array("d", (source.uniform(-1, 1) for _ in range(count)))


def random_pairs(source: random.Random, rows: int, width: int) -> tuple[array[int], array[int]]:
    starts, columns = array("q", [0]), array("i")
    for _ in range(rows):
        columns.extend(sorted(source.sample(range(width), source.randint(0, width))))
        starts.append(len(columns))
    return starts, columns


def test_a_list_turned_round_names_the_rows_of_each_item() -> None:
    offsets, items, values = random_list(random.Random(1), 20, 7)
    starts, found, kept = turned_round(offsets, items, values, 7)
    pairs = sorted((items[k], row, values[k]) for row in range(20) for k in range(offsets[row], offsets[row + 1]))
    back = zip(found, kept, strict=True)
    assert sorted((item, *next(back)) for item in range(7) for _ in range(starts[item + 1] - starts[item])) == pairs
    again = turned_round(starts, found, kept, 20)
    assert again[0] == offsets
    assert all(
        sorted(again[1][offsets[row] : offsets[row + 1]]) == sorted(items[offsets[row] : offsets[row + 1]])
        for row in range(20)
    )


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 8, 22, 24, 25, 31, 61])
def test_rows_are_added_up_in_order(width: int) -> None:
    source = random.Random(width)
    offsets, items, values = random_list(source, 12, 9)
    table, of_item, of_row = numbers(source, 9 * width), numbers(source, 9), numbers(source, 12)
    for amounts, item_factors, row_factors in (
        (NOTHING, NOTHING, NOTHING),
        (values, NOTHING, of_row),
        (values, of_item, NOTHING),
        (NOTHING, of_item, of_row),
    ):
        out = array("d", [7.0]) * (12 * width + 1)
        kernels.sum_rows(offsets, items, amounts, item_factors, row_factors, table, width, 2, 12, out)
        assert out[: 2 * width] == array("d", [7.0]) * (2 * width) and out[-1] == 7.0
        for row in range(2, 12):
            for column in range(width):
                total = 0.0
                for place in range(offsets[row], offsets[row + 1]):
                    amount = amounts[place] if amounts else 1.0
                    amount = amount * item_factors[items[place]] if item_factors else amount
                    total += amount * table[items[place] * width + column]
                total = row_factors[row] * total if row_factors else total
                assert out[row * width + column] == total


@pytest.mark.parametrize("width", [1, 3, 4, 9])
def test_rows_are_added_to_where_they_would_be_read(width: int) -> None:
    source = random.Random(width)
    offsets, items, values = random_list(source, 12, 9)
    rows, of_item, table = numbers(source, 12 * width), numbers(source, 9), numbers(source, 9 * width)
    expected = table[:]
    for row in range(3, 12):
        for place in range(offsets[row], offsets[row + 1]):
            for column in range(width):
                amount = -0.5 * (values[place] * of_item[items[place]])
                expected[items[place] * width + column] += amount * rows[row * width + column]
    kernels.add_rows(offsets, items, values, of_item, rows, -0.5, width, 3, 12, table)
    assert table == expected
    with pytest.raises(ValueError, match=f"rows: expected {12 * width} items at least, got 0"):
        kernels.add_rows(offsets, items, b"", b"", b"", 1.0, width, 0, 12, table)


@pytest.mark.parametrize("seed", range(20))
def test_pairs_are_what_stands_in_the_table(seed: int) -> None:
    source = random.Random(seed)
    width = source.randint(1, 6)
    starts, columns = random_pairs(source, 7, width)
    weights, table = numbers(source, len(columns)), array("d", [9.0]) * (7 * width)
    kernels.spread_pairs(starts, columns, weights, width, 1, 6, table)
    assert set(table[:width]) == set(table[6 * width :]) == {9.0}
    out = array("d", [5.0]) * len(columns)
    for row in range(1, 6):
        expected = [0.0] * width
        for pair in range(starts[row], starts[row + 1]):
            expected[columns[pair]] = weights[pair]
        assert list(table[row * width : (row + 1) * width]) == expected
    kernels.pick_pairs(starts, columns, table, width, 1, 6, out)
    assert out[starts[1] : starts[6]] == weights[starts[1] : starts[6]]
    assert set(out[: starts[1]]) | set(out[starts[6] :]) <= {5.0}


@pytest.mark.parametrize("seed", range(10))
def test_both_engines_agree_to_the_bit(seed: int, engine: str) -> None:
    if engine == "python":
        pytest.skip("compared once")
    source = random.Random(seed)
    width = source.choice((1, 3, 4, 7, 22))
    offsets, items, values = random_list(source, 30, 11)
    table, of_item, of_row = numbers(source, 11 * width), numbers(source, 11), numbers(source, 30)
    starts, columns = random_pairs(source, 11, width)
    weights = numbers(source, len(columns))
    results: list[Any] = []
    for module in (twin, kernels):
        out, pairs = array("d", bytes(8 * 30 * width)), array("d", bytes(8 * 30 * width))
        module.sum_rows(offsets, items, values, of_item, of_row, table, width, 0, 30, out)
        module.spread_pairs(starts, columns, weights, width, 0, 11, pairs)
        turned = turned_round(offsets, items, values, 11, module=module)
        picked = array("d", bytes(8 * len(columns)))
        module.pick_pairs(starts, columns, out, width, 0, 11, picked)
        results.append((out, pairs, turned, picked))
    assert results[0] == results[1]


GOOD: dict[str, Any] = {
    "offsets": array("q", [0, 1]),
    "items": array("i", [1]),
    "values": b"",
    "item_factors": b"",
    "row_factors": b"",
    "table": array("d", [1, 2, 3, 4]),
    "width": 2,
    "begin": 0,
    "end": 1,
    "out": array("d", [0, 0]),
}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"items": array("i", [2])}, ValueError, "items: expected numbers from 0 to 1, got 2 at 0"),
        ({"items": array("i", [-1])}, ValueError, "items: expected numbers from 0 to 1, got -1 at 0"),
        ({"offsets": array("q", [0, 2])}, ValueError, "offsets: expected numbers that rise to 1 at most, got 2 at 1"),
        ({"offsets": array("q", [1, 0])}, ValueError, "offsets: expected numbers that rise to 1 at most, got 0 at 1"),
        ({"offsets": array("q", [-1, 0])}, ValueError, "offsets: expected numbers that rise to 1 at most, got -1 at 0"),
        ({"end": 2}, ValueError, "range: expected 0 <= begin <= end <= 1, got 0 and 2"),
        ({"width": 0}, ValueError, "width: expected 1 to 1048575, got 0"),
        ({"values": array("d", [1, 2])}, ValueError, "values: expected 1 items, got 2"),
        ({"item_factors": array("d", [1])}, ValueError, "item_factors: expected 2 items, got 1"),
        ({"out": array("d", [0])}, ValueError, "out: expected 2 items at least, got 1"),
        ({"out": bytes(16)}, TypeError, "out: expected items of 8 bytes, got 1"),
        ({"out": memoryview(bytes(16)).cast("d")}, BufferError, "Object is not writable."),
        ({"table": array("f", [1, 2])}, TypeError, "table: expected items of 8 bytes, got 4"),
    ],
)
def test_what_does_not_fit_is_an_error(change: dict[str, Any], error: type[Exception], message: str) -> None:
    kernels.sum_rows(*GOOD.values())
    with pytest.raises(error) as caught:
        kernels.sum_rows(*(GOOD | change).values())
    assert str(caught.value) == message


def test_pairs_out_of_their_rows_are_an_error() -> None:
    table, out = array("d", [0, 0]), array("d", [0])
    with pytest.raises(ValueError, match="pair_columns: expected numbers from 0 to 1, got 2 at 0"):
        kernels.spread_pairs(array("q", [0, 1]), array("i", [2]), array("d", [1]), 2, 0, 1, table)
    with pytest.raises(ValueError, match="weights: expected 1 items, got 2"):
        kernels.spread_pairs(array("q", [0, 1]), array("i", [1]), array("d", [1, 2]), 2, 0, 1, table)
    with pytest.raises(ValueError, match="table: expected 2 items at least, got 1"):
        kernels.pick_pairs(array("q", [0, 1]), array("i", [1]), array("d", [1]), 2, 0, 1, out)
    with pytest.raises(ValueError, match="range: expected 0 <= begin <= end <= 1, got 0 and 2"):
        kernels.pick_pairs(array("q", [0, 1]), array("i", [1]), table, 2, 0, 2, out)


def test_weights_that_are_not_0_are_counted_as_often_as_their_row_says() -> None:
    offsets, factors = array("q", [0, 3, 3, 5]), array("i", [2, 7, 3])
    weights = array("d", [0.5, 0.0, -1.0, -0.0, float("nan")])
    assert [kernels.count_nonzero(offsets, factors, weights, 0, end) for end in range(4)] == [0, 4, 4, 7]
    assert kernels.count_nonzero(offsets, factors, weights, 2, 3) == 3
    with pytest.raises(ValueError, match="factors: expected 3 items, got 2"):
        kernels.count_nonzero(offsets, factors[:2], weights, 0, 3)
    with pytest.raises(ValueError, match="offsets: expected numbers that rise to 4 at most, got 5 at 3"):
        kernels.count_nonzero(offsets, factors, weights[:4], 0, 3)
    with pytest.raises(ValueError, match="range: expected 0 <= begin <= end <= 3, got 0 and 4"):
        kernels.count_nonzero(offsets, factors, weights, 0, 4)


@pytest.mark.parametrize("seed", range(5))
def test_sums_are_plain_whatever_sum_does(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From Python 3.12 on sum() corrects its rounding; then rows are added one by one, and the bits are the same."""
    source = random.Random(seed)
    offsets, items, _ = random_list(source, 30, 11)
    table = array("d", (source.uniform(-1, 1) * 10 ** source.randint(-9, 9) for _ in range(11 * 3)))
    results = []
    for module, plain in ((twin, False), (twin, twin.PLAIN_SUM), (kernels, twin.PLAIN_SUM)):
        monkeypatch.setattr(twin, "PLAIN_SUM", plain)
        for weights in (table, memoryview(table)):
            out = array("d", bytes(8 * 30 * 3))
            module.sum_rows(offsets, items, b"", b"", b"", weights, 3, 0, 30, out)
            results.append(out.tobytes())
    assert len(set(results)) == 1


@pytest.mark.parametrize("seed", range(20))
def test_rows_with_the_same_items_are_of_one_kind(seed: int) -> None:
    source = random.Random(seed)
    offsets, items, _ = random_list(source, 60, 3)
    for least in (0, 1, 2, 31):
        rows = [tuple(items[start:end]) for start, end in pairwise(offsets)]
        kinds = list(dict.fromkeys(row for row in rows if len(row) >= least))
        expected = [kinds.index(row) if len(row) >= least else -1 for row in rows]
        found = kernels.alike_rows(offsets, items, least)
        assert list(array("i", found)) == expected
        assert found == twin.alike_rows(offsets, items, least)


def test_no_rows_are_of_no_kind() -> None:
    assert kernels.alike_rows(array("q"), array("i"), 0) == kernels.alike_rows(array("q", [0]), array("i"), 0) == b""


RISE = "offsets: expected numbers that rise to 1 at most, got "


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((array("q", [0, 2]), array("i", [1]), 0), ValueError, RISE + "2 at 1"),
        ((array("q", [1, 0]), array("i", [1]), 0), ValueError, RISE + "0 at 1"),
        ((array("q", [0, 1]), array("q", [1]), 0), TypeError, "items: expected items of 4 bytes, got 8"),
        ((array("i", [0, 1]), array("i", [1]), 0), TypeError, "offsets: expected items of 8 bytes, got 4"),
        ((array("q", [0, 1]), array("i", [1]), -1), ValueError, "least: expected 0 or more, got -1"),
    ],
)  # fmt: skip
def test_kinds_of_what_is_no_list(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        kernels.alike_rows(*arguments)
    assert str(caught.value) == message
