"""Expert kernels: a local opinion on every boundary, learnt from a segmentation.

Between two symbols of a chunk there is a *gap*, which a segmentation cuts or leaves. The *expert* looks at the four
symbols around a gap, and nothing else, and gives the log odds that it is cut: a logistic regression whose features are
the symbols at i - 1, i, i + 1, i + 2 (the gap is after i), the pairs, triples and the quadruple of neighbours among
them, ten in all, each a cell of a table of weights that a hash picks (Weinberger et al. 2009, "Feature hashing for
large scale multitask learning"). A symbol beyond the edge of the chunk counts as 0. It is trained by stochastic
gradients with a rate per weight (AdaGrad: Duchi, Hazan & Singer 2011), each gap once, in random order.

Asked about the very gaps that it was trained on, an expert repeats the segmentation, mistakes and all. So for its own
text it is *cross-fitted* (交叉拟合; Wolpert 1992, "Stacked generalization"): two experts each learn from one half of
the text and judge the other half. What one half regularly does corrects what the other half does by chance.

The hash: the window a b c d of four symbols is the number a << 48 | b << 32 | c << 16 | d; a feature keeps the 16-bit
fields it looks at (mask), is told apart from the others by a salt, and

    h = window & mask ^ salt;  h = (h ^ h >> 32) * 0x9E3779B97F4A7C15;  h = (h ^ h >> 32) * 0xD6E8FEB86659FD93

modulo 2**64; its cell is the upper ``bits`` bits of h. Weights are kept as float32 and worked on as doubles, in the
order of the features, so that ``experts.c`` gives the same bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import exp, sqrt

from .counting import Buffer, _items

__all__ = ["apply_expert", "crossfit_expert", "fit_expert"]

WORD_LIMIT = 0xF000
MAX_BITS = 26
CERTAIN = 35.0  # beyond these log odds the logistic function is 0 or 1 to the last bit or nearly
_WORD = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15

_A, _B, _C, _D = (0xFFFF << shift for shift in (48, 32, 16, 0))
MASKS = (_A, _B, _C, _D, _A | _B, _B | _C, _C | _D, _A | _B | _C, _B | _C | _D, _A | _B | _C | _D)
SALTS = tuple((number + 1) * _GOLDEN & _WORD for number in range(len(MASKS)))
_FEATURES = tuple(zip(MASKS, SALTS, strict=True))


def _cells(ids: array[int], gap: int, bits: int) -> list[int]:
    """The cells of the features of the gap after a place."""
    left, right = ids[gap], ids[gap + 1]
    before = ids[gap - 1] if gap else 0
    after = ids[gap + 2] if gap + 2 < len(ids) else 0
    if before >= WORD_LIMIT:
        before = 0
    if after >= WORD_LIMIT:
        after = 0
    window = before << 48 | left << 32 | right << 16 | after
    shift = 64 - bits
    hashed = [window & mask ^ salt for mask, salt in _FEATURES]
    hashed = [(h ^ h >> 32) * _GOLDEN & _WORD for h in hashed]
    return [((h ^ h >> 32) * 0xD6E8FEB86659FD93 & _WORD) >> shift for h in hashed]


def _gaps(ids: array[int], block: int) -> tuple[array[int], array[int]]:
    """The places before gaps, in two folds: ``block`` chunks go to the first, the next ``block`` to the second, ..."""
    folds = array("I"), array("I")
    chunk, inside = -1, False
    for place, symbol in enumerate(ids):
        if not 0 < symbol < WORD_LIMIT:
            inside = False
        elif inside:
            folds[chunk // block & 1].append(place - 1)
        else:
            inside = True
            chunk += 1
    return folds


# ---- training ------------------------------------------------------------------------------------------------------


class _Random:
    """Random numbers: splitmix64 (Steele, Lea & Flood 2014)."""

    def __init__(self, seed: int) -> None:
        self.state = seed & _WORD

    def below(self, limit: int) -> int:
        """A number from 0 up and below a limit, by a double of 53 bits."""
        self.state = self.state + _GOLDEN & _WORD
        x = self.state
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & _WORD
        x = (x ^ x >> 27) * 0x94D049BB133111EB & _WORD
        x ^= x >> 31
        return int((x >> 11) * 2.0**-53 * limit)

    def shuffle(self, items: array[int]) -> None:
        """Fisher and Yates, from the last item down."""
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]


def _train(
    ids: array[int], lengths: array[int], gaps: Sequence[int], bits: int, rate: float, start: float
) -> array[float]:
    """The weights after one pass over the gaps as they come."""
    weights, squares = array("f", bytes(4 << bits)), array("f", (start,)) * (1 << bits)
    for gap in gaps:
        cells = _cells(ids, gap, bits)
        gradient = _logistic(_odds(weights, cells)) - (1.0 if lengths[gap + 1] else 0.0)
        for cell in cells:
            square = squares[cell] + gradient * gradient
            weights[cell] -= rate * gradient / sqrt(square)
            squares[cell] = square
    return weights


def _odds(weights: array[float], cells: Sequence[int]) -> float:
    total = 0.0
    for cell in cells:  # not sum(), which rounds in its own way since Python 3.12
        total += weights[cell]
    return total


def _logistic(odds: float) -> float:
    return 1.0 / (1.0 + exp(-min(max(odds, -CERTAIN), CERTAIN)))


def _judge(
    ids: array[int], weights: array[float], gaps: Sequence[int], limit: float, bits: int, out: array[float]
) -> None:
    for gap in gaps:
        out[gap] = min(max(_odds(weights, _cells(ids, gap, bits)), -limit), limit)


# ---- the kernels ---------------------------------------------------------------------------------------------------


def _check(bits: int, rate: float, start: float) -> None:
    if not 1 <= bits <= MAX_BITS:
        raise ValueError(f"bits: expected 1 to {MAX_BITS}, got {bits}")
    if not (rate > 0 and start > 0):
        raise ValueError("rate, start: expected numbers above 0, such as 0.3 and 0.01")


def _text(ids: Buffer, lengths: Buffer) -> tuple[array[int], array[int]]:
    symbols, sizes = _items(ids, "H", "ids"), _items(lengths, "B", "lengths")
    if len(symbols) != len(sizes):
        raise ValueError(f"lengths: expected {len(symbols)} items, got {len(sizes)}")
    return symbols, sizes


def fit_expert(ids: Buffer, lengths: Buffer, bits: int, rate: float, start: float, seed: int) -> bytes:
    """The weights (float32, 2**``bits`` of them) of an expert that has seen every gap of a segmentation once.

    ``ids`` are symbol ids (uint16, see ``counting.py``); ``lengths`` (bytes) has the length of a word at its first
    symbol and 0 elsewhere. A weight moves by ``rate`` x gradient / sqrt(``start`` + sum of its squared gradients). The
    order of the gaps follows from ``seed``. O(symbols); memory 8 x 2**``bits`` bytes and 4 a symbol.

    >>> weights = array("f", fit_expert(array("H", [8, 9, 8, 9, 0]), bytes([2, 0, 2, 0, 0]), 10, 0.3, 0.01, 0))
    >>> odds = array("f", apply_expert(array("H", [8, 9, 8, 9, 0]), weights, 6.0))
    >>> odds[0] < 0 < odds[1], odds[0] == odds[2], odds[3], odds[4]
    (True, False, 0.0, 0.0)
    """
    symbols, sizes = _text(ids, lengths)
    _check(bits, rate, start)
    gaps = _gaps(symbols, len(symbols) + 1)[0]
    _Random(seed).shuffle(gaps)
    return _train(symbols, sizes, gaps, bits, rate, start).tobytes()


def apply_expert(ids: Buffer, weights: Buffer, limit: float) -> bytes:
    """The log odds (float32) that a text is cut after each symbol, kept within +-``limit``; 0 at the ends of chunks.

    ``weights`` are those of :func:`fit_expert`, of the same hash: a power of two of them. O(symbols).
    """
    symbols, table = _items(ids, "H", "ids"), _items(weights, "f", "weights")
    bits = len(table).bit_length() - 1
    if len(table) != 1 << max(bits, 0) or not 1 <= bits <= MAX_BITS:
        raise ValueError(f"weights: expected a power of two up to 2**{MAX_BITS} items, got {len(table)}")
    if not limit >= 0:
        raise ValueError("limit: expected 0 or more, such as 6.0")
    odds = array("f", bytes(4 * len(symbols)))
    _judge(symbols, table, _gaps(symbols, len(symbols) + 1)[0], limit, bits, odds)
    return odds.tobytes()


def crossfit_expert(
    ids: Buffer, lengths: Buffer, bits: int, rate: float, start: float, limit: float, block: int, seed: int
) -> bytes:
    """The log odds (float32) that a segmentation's own text is cut after each symbol, each half judged by the other.

    ``block`` chunks belong to the first half, the next ``block`` to the second, and so on. The rest as in
    :func:`fit_expert` and :func:`apply_expert`; one table of weights is held at a time.

    What a block does against the rule of the other is not repeated:

    >>> ids, lengths = array("H", [8, 9, 0] * 4), bytes([2, 0, 0, 1, 1, 0] * 2)
    >>> [odds < 0 for odds in array("f", crossfit_expert(ids, lengths, 10, 0.3, 0.01, 6.0, 1, 0))[::3]]
    [False, True, False, True]
    """
    symbols, sizes = _text(ids, lengths)
    _check(bits, rate, start)
    if not limit >= 0:
        raise ValueError("limit: expected 0 or more, such as 6.0")
    if block < 1:
        raise ValueError(f"block: expected 1 or more, got {block}")
    folds, random = _gaps(symbols, block), _Random(seed)
    odds = array("f", bytes(4 * len(symbols)))
    for half, other in (folds, folds[::-1]):
        order = half[:]
        random.shuffle(order)
        _judge(symbols, _train(symbols, sizes, order, bits, rate, start), other, limit, bits, odds)
    return odds.tobytes()
