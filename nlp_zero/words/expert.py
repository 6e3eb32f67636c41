"""The local boundary expert (局部边界专家): what four symbols say about the gap in their middle.

The word model knows words, not what their edges look like; a logistic regression on the symbols around a gap knows
nothing else. :func:`second_opinion` asks about a text whose segmentation it learns from, each half judged by an expert
that saw the other half (see :mod:`nlp_zero.kernels.experts`, which tells the method and its papers); :func:`learn` and
:func:`judge` are for new text, :func:`pack` and :func:`unpack` for files.

How big is an expert? Trained on nine tenths of a segmentation of 2.9 million symbols and asked about the rest, the
table of 2**22 weights (16 MB) agrees with 97.6 % of the cuts. Packed, which rounds the weights to sixteenths and drops
those below :data:`LEAST`, it takes 0.33 MB and agrees with 97.1 %; with weights down to 0.25, 1.2 MB and 97.6 %. A
smaller table is worse at every size: all of 2**20 weights agree with 96.8 % (0.69 MB), of 2**18 with 94.9 % (0.18 MB).
"""

from __future__ import annotations

import zlib
from array import array
from itertools import compress
from struct import pack as pack_float
from sys import byteorder

from .. import kernels
from ..errors import ModelError

__all__ = [
    "BITS",
    "BLOCK",
    "LEAST",
    "LIMIT",
    "RATE",
    "START",
    "judge",
    "learn",
    "opened",
    "pack",
    "second_opinion",
    "unpack",
]

BITS = 22
"""The table has 2**22 weights."""

RATE, START = 0.3, 0.01
"""Of AdaGrad: the rate, and the sum of squares that it starts from."""

LIMIT = 6.0
"""Log odds are kept within +-6: an expert may be sure, not certain."""

BLOCK = 50
"""Chunks that stay together when a text is halved."""

LEAST = 0.5
"""Weights nearer to 0 than this are dropped from files."""

_UNIT = 16
_MOST_BITS = 26


def second_opinion(ids: array[int], lengths: bytes, seed: int = 0) -> memoryview[float]:
    """The log odds that a segmented text is cut after each symbol, by experts that did not see its cuts there.

    0 at the ends of chunks, float32. 0.6 s for 2.9 million symbols in C; 32 MB and 10 bytes a symbol.

    >>> odds = second_opinion(array("H", [8, 9, 0] * 200), bytes([2, 0, 0] * 200))
    >>> round(odds[0], 1), odds[1]
    (-6.0, 0.0)
    """
    return memoryview(kernels.crossfit_expert(ids, lengths, BITS, RATE, START, LIMIT, BLOCK, seed)).cast("f")


def learn(ids: array[int], lengths: bytes, seed: int = 0, bits: int = BITS) -> array[float]:
    """The weights of an expert that learnt from all of a segmentation, for new text."""
    return array("f", kernels.fit_expert(ids, lengths, bits, RATE, START, seed))


def judge(ids: array[int], weights: array[float]) -> array[float]:
    """The log odds that a new text is cut after each symbol; 0 at the ends of chunks. 0.17 s for 2.9 million symbols.

    The symbol ids must mean what they meant when the weights were learnt.

    >>> weights = learn(array("H", [8, 9, 0] * 50), bytes([2, 0, 0] * 50), bits=10)
    >>> judge(array("H", [7, 8, 9, 0]), weights)[1] < -2
    True
    """
    return array("f", kernels.apply_expert(ids, weights, LIMIT))


def pack(weights: array[float], least: float = LEAST) -> bytes:
    """Weights for a file: rounded to sixteenths, from -127 to 127 of them, without those below ``least``.

    The first byte is the logarithm of their number to the base 2. The others, compressed, are first one byte for each
    weight that was kept, how many were not since the one before (255: so many, and here is none either), then as many
    signed bytes, the weights.

    >>> unpack(pack(array("f", [0.25, 1.0, -9.0, 0.501])))
    array('f', [0.0, 1.0, -7.9375, 0.5])
    """
    if least <= 0:
        raise ValueError(f"least: expected more than 0, such as {LEAST}, got {least}")
    # The highest byte of a float32 is its sign and most of its exponent: few weights are worth a closer look.
    bound = pack_float(">f", least)[0]
    maybe = bytes(high & 127 >= bound for high in range(256))
    highest = weights.tobytes()[3 if byteorder == "little" else 0 :: 4]
    skipped, values, next_cell = bytearray(), array("b"), 0
    for cell in compress(range(len(weights)), highest.translate(maybe)):
        value = max(-127, min(round(weights[cell] * _UNIT), 127))
        if value and abs(weights[cell]) >= least:
            far, near = divmod(cell - next_cell, 255)
            skipped += b"\xff" * far + bytes((near,))
            values.extend((*bytes(far), value))
            next_cell = cell + 1
    return bytes((len(weights).bit_length() - 1,)) + zlib.compress(bytes(skipped) + values.tobytes(), 9)


def unpack(packed: bytes) -> array[float]:
    """The weights of :func:`pack`; :class:`ModelError` for anything else."""
    bits, skipped, values = opened(packed)
    weights, cell = array("f", bytes(4 << bits)), -1
    for skip, value in zip(skipped, array("b", values), strict=True):
        if skip < 255:
            cell += skip + 1
            weights[cell] = value / _UNIT
        else:
            cell += 255
    return weights


def opened(packed: bytes) -> tuple[int, bytes, bytes]:
    r"""What :func:`pack` packed: the logarithm of the number of weights to the base 2, how many were skipped before
    each (255: so many, and here is none either), and the weights in sixteenths, signed bytes.

    >>> opened(pack(array("f", [0.25, 1.0, -9.0, 0.501])))
    (2, b'\x01\x00\x00', b'\x10\x81\x08')
    """
    size = 1 << packed[0] if packed and 1 <= packed[0] <= _MOST_BITS else 0
    reader = zlib.decompressobj()
    try:
        data = reader.decompress(packed[1:], 2 * size + 1)  # no more memory than so many weights can need
    except zlib.error as error:
        raise ModelError(f"expert: expected compressed weights, got {error}") from None
    skipped, values = data[: len(data) // 2], data[len(data) // 2 :]
    reach = sum(skipped) + len(skipped) - skipped.count(255)
    if not size or not reader.eof or reader.unused_data or len(skipped) != len(values) or reach > size:
        raise ModelError("expert: expected packed weights and nothing else, got something that is not complete")
    return packed[0], skipped, values
