"""Sieve kernels: which n-grams may be frequent, told by counters that many n-grams share.

An n-gram is at most as frequent as its parts (Agrawal & Srikant 1994, a-priori). So the n-grams of one length are
counted first, and a longer one is counted only when all of that length in it pass: of four symbols after a pass for
three, when both its trigrams do. The counters are bytes that stop at 255, found by a hash (Park, Chen & Yu 1995): they
are never below the count of an n-gram, or 255, so what they call rare is rare. ``sieve.c`` gives the same bytes; there,
threads may share one table.
"""

from __future__ import annotations

from collections.abc import Iterator

from .windows import Buffer, _items

__all__ = ["sieve_count", "sieve_reach"]

WORD_LIMIT = 0xF000
MOST = 255
_LONGEST = 9
_FACTOR = 0x9E3779B97F4A7C15
_BITS = (1 << 64) - 1


def sieve_count(ids: Buffer, points: Buffer, length: int, table: bytearray) -> None:
    """Count the n-grams of ``length`` symbols.

    ``ids`` and ``points`` are those of :func:`~nlp_zero.kernels.windows.count_windows`; ``table`` has a power of two of
    counters. O(n).

    >>> from array import array
    >>> names, table = array("I", [0] * 8 + [0x5B66, 0x751F] + [0] * 0xFFF6), bytearray(1 << 10)
    >>> sieve_count(array("H", [8, 9, 0, 8, 9]), names, 2, table)
    >>> sum(table), max(table)
    (2, 2)
    """
    symbols, bits = _symbols(ids, points), _check(length, 1, table)
    for slot in _slots(symbols, length, bits):
        if slot is not None:
            table[slot] = min(table[slot] + 1, MOST)


def sieve_reach(ids: Buffer, points: Buffer, length: int, least: int, table: bytearray) -> bytes:
    """For each symbol how many from it on (at most 255) hold no n-gram of ``length`` that is rarer than ``least``.

    At least ``length`` - 1, but for boundaries, before which it ends and for which it is 0. O(n).

    >>> from array import array
    >>> names, table = array("I", [0] * 8 + [0x5B66, 0x751F] + [0] * 0xFFF6), bytearray(1 << 10)
    >>> text = array("H", [8, 9, 0, 8, 9, 9])
    >>> sieve_count(text, names, 2, table)
    >>> list(sieve_reach(text, names, 2, 2, table))
    [2, 1, 0, 2, 1, 1]
    """
    symbols, bits = _symbols(ids, points), _check(length, least, table)
    reach = bytearray(len(symbols))
    slots = list(_slots(symbols, length, bits))
    following = 0
    for place in range(len(symbols) - 1, -1, -1):
        slot = slots[place]
        most = MOST if slot is None or table[slot] >= least else length - 1
        following = min(following + 1, most) if symbols[place] else 0
        reach[place] = following
    return bytes(reach)


def _check(length: int, least: int, table: bytearray) -> int:
    """The number of bits of a slot."""
    if not 2 <= length <= _LONGEST:
        raise ValueError(f"length: expected 2 to {_LONGEST}, got {length}")
    if not 1 <= least <= MOST:
        raise ValueError(f"least: expected 1 to {MOST}, got {least}")
    size = len(table)
    if size < 2 or size & (size - 1):
        raise ValueError(f"table: expected a power of two of counters, got {size}")
    return size.bit_length() - 1


def _symbols(ids: Buffer, points: Buffer) -> list[int]:
    """Code points, 0 for boundaries."""
    symbols, names = _items(ids, 2, "ids"), _items(points, 4, "points")
    if len(names) != 0x10000:
        raise ValueError(f"points: expected 65536 items, got {len(names)}")
    return [0 if not 0 < i < WORD_LIMIT else 0xFDD0 + i - 1 if i <= 4 else names[i] for i in symbols]


def _slots(symbols: list[int], length: int, bits: int) -> Iterator[int | None]:
    """Where the n-gram from each place on is counted; None where there is none."""
    for place in range(len(symbols)):
        gram = symbols[place : place + length]
        if len(gram) < length or 0 in gram:
            yield None
            continue
        state = gram[0] * _FACTOR & _BITS
        for symbol in gram[1:]:
            state = (state ^ state >> 29 ^ symbol) * _FACTOR & _BITS
        yield state >> (64 - bits)
