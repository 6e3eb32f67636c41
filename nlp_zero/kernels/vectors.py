"""Vector kernels: what a quasi-Newton method does with vectors of a million weights, each in one pass.

Memory is what these passes cost, so what is only history (the differences of weights and of gradients that shape the
next direction) is kept as float32: the direction is a guess anyway, the line search judges it by exact values. Every
kernel works on a range, so that ranges can be shared out among threads; sums are made range by range, and whoever adds
them up in the order of the ranges gets the same bits whatever the threads were. ``vectors.c`` adds in four lanes:
sums agree with these to about 1e-15 relative, everything else to the bit.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import copysign
from operator import mul, sub
from typing import Any

from .rows import Buffer, check_range, view, writable

__all__ = ["combine", "descend", "difference", "dot_product", "dot_products", "penalise", "pseudo_gradient", "turn_to"]

MOST_VECTORS = 256
FEW_VECTORS = 4


def _same_size(sizes: Sequence[int]) -> int:
    for size in sizes:
        if size != sizes[0]:
            raise ValueError(f"vectors: expected {sizes[0]} items, got {size}")
    return sizes[0] if sizes else 0


def _factors(factors: Buffer, size: int) -> Any:
    found = view(factors, "d", "factors")
    if len(found) and len(found) != size:
        raise ValueError(f"factors: expected {size} items, got {len(found)}")
    return found


def _check_count(vectors: Sequence[Buffer]) -> None:
    if len(vectors) > MOST_VECTORS:
        raise ValueError(f"vectors: expected {MOST_VECTORS} at most, got {len(vectors)}")


def dot_products(vectors: Sequence[Buffer], others: Sequence[Buffer], begin: int, end: int) -> list[list[float]]:
    """For each of a few vectors (double or float32) its products with others (float32), and at last with itself.

    >>> dot_products([array("d", [1, 2, 3])], [array("f", [1, 0, 1]), array("f", [0, 1, 0])], 0, 3)
    [[4.0, 2.0, 14.0]]
    """
    _check_count(others)
    if len(vectors) > FEW_VECTORS:
        raise ValueError(f"vectors: expected {FEW_VECTORS} at most, got {len(vectors)}")
    own = [view(vector, "f" if memoryview(vector).itemsize == 4 else "d", "vector") for vector in vectors]
    them = [view(other, "f", "vector") for other in others]
    check_range(begin, end, _same_size([*map(len, own), *map(len, them)]))
    parts = [other[begin:end] for other in them]
    return [[float(sum(map(mul, one, other))) for other in (*parts, one)] for one in (part[begin:end] for part in own)]


def dot_product(one: Buffer, other: Buffer, begin: int, end: int) -> float:
    """The product of two vectors (double) from ``begin`` to ``end``.

    >>> dot_product(array("d", [1, 2, 3]), array("d", [1, 1, 5]), 0, 2)
    3.0
    """
    own, its = view(one, "d", "vector"), view(other, "d", "vector")
    check_range(begin, end, _same_size([len(own), len(its)]))
    return float(sum(map(mul, own[begin:end], its[begin:end])))


def difference(after: Buffer, before: Buffer, begin: int, end: int, out: Buffer) -> None:
    """Writes after - before (double) as float32.

    >>> out = array("f", [0, 0])
    >>> difference(array("d", [3, -5]), array("d", [1, -4]), 0, 2, out)
    >>> list(out)
    [2.0, -1.0]
    """
    new, old, target = view(after, "d", "vector"), view(before, "d", "vector"), writable(out, "f", "out")
    check_range(begin, end, _same_size([len(new), len(old), len(target)]))
    target[begin:end] = array("f", map(sub, new[begin:end], old[begin:end]))


def combine(
    vector: Buffer, factor: float, others: Sequence[Buffer], factors: Sequence[float], begin: int, end: int, out: Buffer
) -> None:
    """Writes the sum of vectors, the first (double) and others (float32), each times its factor, in this order.

    >>> out = array("d", [0, 0])
    >>> combine(array("d", [1, 2]), -1.0, [array("f", [4, 8])], [0.5], 0, 2, out)
    >>> list(out)
    [1.0, 2.0]
    """
    own, target = view(vector, "d", "vector"), writable(out, "d", "out")
    _check_count(others)
    them = [view(other, "f", "vector") for other in others]
    if len(factors) != len(them):
        raise ValueError(f"factors: expected {len(them)} items, got {len(factors)}")
    check_range(begin, end, _same_size([len(own), len(target), *map(len, them)]))
    total = [factor * item for item in own[begin:end]]
    for amount, other in zip(factors, them, strict=True):
        total = [sofar + amount * item for sofar, item in zip(total, other[begin:end], strict=True)]
    target[begin:end] = array("d", total)


def penalise(
    weights: Buffer,
    gradient: Buffer,
    l1: float,
    l1_factors: Buffer,
    l2: float,
    l2_factors: Buffer,
    begin: int,
    end: int,
) -> float:
    """The penalty l1 sum f |w| + l2 sum g w**2, f and g being factors of each weight (``b""``: all 1); the gradient
    of its second part is added to the gradient.

    >>> gradient = array("d", [0, 0])
    >>> penalise(array("d", [1, -2]), gradient, 0.5, b"", 1.0, array("d", [1, 3]), 0, 2), list(gradient)
    (14.5, [2.0, -12.0])
    """
    own, target = view(weights, "d", "weights"), writable(gradient, "d", "gradient")
    size = _same_size([len(own), len(target)])
    check_range(begin, end, size)
    ones, twos = _factors(l1_factors, size), _factors(l2_factors, size)
    part = own[begin:end]
    total = 0.0
    if l1:
        scaled = map(mul, part, ones[begin:end]) if len(ones) else part
        total += l1 * sum(map(abs, scaled))
    if l2:
        scaled = list(map(mul, part, twos[begin:end])) if len(twos) else part
        total += l2 * sum(map(mul, part, scaled))
        double = 2.0 * l2
        target[begin:end] = array(
            "d", [slope + double * item for slope, item in zip(target[begin:end], scaled, strict=True)]
        )
    return total


def pseudo_gradient(
    weights: Buffer, gradient: Buffer, l1: float, l1_factors: Buffer, begin: int, end: int, out: Buffer
) -> None:
    """Writes the steepest way up of a function and its L1 penalty, at weights where that may have no gradient.

    Andrew & Gao 2007, "Scalable training of L1-regularized log-linear models".

    >>> out = array("d", [0, 0, 0])
    >>> pseudo_gradient(array("d", [1, 0, 0]), array("d", [0, 3, 0.5]), 1.0, b"", 0, 3, out)
    >>> list(out)
    [1.0, 2.0, 0.0]
    """
    own, slopes, target = view(weights, "d", "weights"), view(gradient, "d", "gradient"), writable(out, "d", "out")
    size = _same_size([len(own), len(slopes), len(target)])
    check_range(begin, end, size)
    factors = _factors(l1_factors, size)
    found = array("d")
    for place in range(begin, end):
        weight, slope = own[place], slopes[place]
        edge = l1 * factors[place] if len(factors) else l1
        if weight:
            found.append(slope + copysign(edge, weight))
        else:
            found.append(slope + edge if slope < -edge else slope - edge if slope > edge else 0.0)
    target[begin:end] = found


def turn_to(direction: Buffer, slopes: Buffer, begin: int, end: int) -> float:
    """Sets to 0 where a direction does not lead down the slopes; returns the product of both.

    >>> direction = array("d", [1, -1, 2])
    >>> turn_to(direction, array("d", [-1, -1, 0]), 0, 3), list(direction)
    (-1.0, [1.0, 0.0, 0.0])
    """
    target, own = writable(direction, "d", "direction"), view(slopes, "d", "slopes")
    check_range(begin, end, _same_size([len(target), len(own)]))
    total = 0.0
    for place in range(begin, end):
        if target[place] * own[place] < 0.0:
            total += target[place] * own[place]
        else:
            target[place] = 0.0
    return total


def descend(
    weights: Buffer, direction: Buffer, step: float, slopes: Buffer, begin: int, end: int, out: Buffer
) -> tuple[float, float]:
    """Writes weights + step x direction. With ``slopes``, the pseudo-gradient, no weight goes beyond zero.

    Returns the product of the slopes with the way taken (0 without them), and the sum of the squares of the result.

    >>> out = array("d", [0, 0])
    >>> descend(array("d", [1, 0]), array("d", [-2, 1]), 1.0, array("d", [1, -1]), 0, 2, out), list(out)
    ((-2.0, 1.0), [0.0, 1.0])
    """
    own, way, target = view(weights, "d", "weights"), view(direction, "d", "direction"), writable(out, "d", "out")
    size = _same_size([len(own), len(way), len(target)])
    check_range(begin, end, size)
    up = view(slopes, "d", "slopes")
    if len(up) and len(up) != size:
        raise ValueError(f"vectors: expected {size} items, got {len(up)}")
    found = [weight + step * item for weight, item in zip(own[begin:end], way[begin:end], strict=True)]
    total = 0.0
    if len(up):
        for place, new in enumerate(found, begin):
            side = own[place] if own[place] else -up[place]
            if not new * side > 0.0:
                found[place - begin] = 0.0
            total += up[place] * (found[place - begin] - own[place])
    target[begin:end] = array("d", found)
    return total, float(sum(map(mul, found, found)))
