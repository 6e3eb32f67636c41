"""The kernels of ``vectors``: plain loops, ranges, both engines, equal errors."""

from __future__ import annotations

import random
from array import array
from typing import Any

import pytest

from nlp_zero import kernels
from nlp_zero.kernels import vectors as twin


def doubles(seed: int, size: int) -> array[float]:
    source = random.Random(seed)
    return array("d", (source.choice((0.0, source.uniform(-2, 2))) for _ in range(size)))


def floats(seed: int, size: int) -> array[float]:
    return array("f", doubles(seed, size))


@pytest.mark.parametrize("size", [0, 1, 3, 4, 511, 512, 1030])
def test_products_are_sums_of_products(size: int) -> None:
    one, other, more, single = doubles(1, size), doubles(5, size), [floats(2, size), floats(3, size)], floats(4, size)
    begin = min(2, size)
    rows = kernels.dot_products([one, single], more, begin, size)
    for own, row in zip((one, single), rows, strict=True):
        for vector, product in zip((*more, own), row, strict=True):
            assert product == pytest.approx(sum(own[i] * vector[i] for i in range(begin, size)), abs=1e-9)
    expected = sum(one[i] * other[i] for i in range(begin, size))
    assert kernels.dot_product(one, other, begin, size) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_both_engines_agree(seed: int, engine: str) -> None:
    """Vectors to the bit, sums to 1e-12."""
    if engine == "python":
        pytest.skip("compared once")
    source = random.Random(seed)
    size = source.choice((1, 5, 64, 700))
    begin = source.randrange(size)
    one, two, ones, twos = (doubles(seed + k, size) for k in range(4))
    ones = array("d", map(abs, ones))
    history = [floats(seed + k, size) for k in range(5)]
    for factors in (b"", ones):
        vectors: list[list[Any]] = []
        sums: list[list[float]] = []
        for module in (twin, kernels):
            single, out, gradient, slopes = (
                array("f", bytes(4 * size)),
                *(array("d", bytes(8 * size)) for _ in range(3)),
            )
            module.difference(one, two, begin, size, single)
            module.combine(one, 0.3, history, [1.5, -2.0, 0.25, 1.0, 3.0], begin, size, out)
            penalty = module.penalise(one, gradient, 0.7, factors, 0.3, twos if factors else b"", begin, size)
            module.pseudo_gradient(one, two, 0.7, factors, begin, size, slopes)
            turned, way = out[:], array("d", bytes(8 * size))
            total = module.turn_to(turned, slopes, begin, size)
            gained, square = module.descend(one, turned, 0.5, slopes if factors else b"", begin, size, way)
            products = module.dot_products([one, single], history, begin, size)
            vectors.append([single, out, gradient, slopes, turned, way])
            sums.append([penalty, total, gained, square, *products[0], *products[1]])
        assert vectors[0] == vectors[1]
        assert sums[0] == pytest.approx(sums[1], rel=1e-12, abs=1e-12)


def test_nothing_outside_the_range_is_touched() -> None:
    out = array("d", [9.0] * 6)
    kernels.combine(doubles(1, 6), 1.0, [], [], 2, 4, out)
    kernels.pseudo_gradient(doubles(1, 6), doubles(2, 6), 1.0, b"", 2, 4, out)
    kernels.descend(doubles(1, 6), doubles(2, 6), 1.0, b"", 2, 4, out)
    kernels.penalise(doubles(1, 6), out, 1.0, b"", 1.0, b"", 2, 4)
    kernels.turn_to(out, doubles(3, 6), 2, 4)
    assert out[:2] == out[4:] == array("d", [9.0, 9.0])


A, F = array("d", [1, 2]), array("f", [1, 2])


@pytest.mark.parametrize(
    ("kernel", "arguments", "error", "message"),
    [
        ("dot_products", ([A], [array("f", [1])], 0, 2), ValueError, "vectors: expected 2 items, got 1"),
        ("dot_products", ([A], [A], 0, 2), TypeError, "vector: expected items of 4 bytes, got 8"),
        ("dot_products", ([A] * 5, [], 0, 2), ValueError, "vectors: expected 4 at most, got 5"),
        ("dot_products", ([A], [F] * 257, 0, 2), ValueError, "vectors: expected 256 at most, got 257"),
        ("dot_products", ([A], [F], 1, 3), ValueError, "range: expected 0 <= begin <= end <= 2, got 1 and 3"),
        ("dot_product", (A, array("d", [1]), 0, 1), ValueError, "vectors: expected 2 items, got 1"),
        ("combine", (A, 1.0, [F], [], 0, 2, A[:]), ValueError, "factors: expected 1 items, got 0"),
        ("combine", (A, 1.0, [F], [1.0], 0, 2, bytes(16)), TypeError, "out: expected items of 8 bytes, got 1"),
        ("difference", (A, A, 0, 2, A[:]), TypeError, "out: expected items of 4 bytes, got 8"),
        ("penalise", (A, A[:], 1.0, A[:1], 1.0, b"", 0, 2), ValueError, "factors: expected 2 items, got 1"),
        ("descend", (A, A, 1.0, A[:1], 0, 2, A[:]), ValueError, "vectors: expected 2 items, got 1"),
        ("turn_to", (memoryview(bytes(16)).cast("d"), A, 0, 2), BufferError, "Object is not writable."),
    ],
)
def test_what_does_not_fit_is_an_error(
    kernel: str, arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        getattr(kernels, kernel)(*arguments)
    assert str(caught.value) == message
