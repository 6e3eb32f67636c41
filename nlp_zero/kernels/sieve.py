"""Sieve kernels: which n-grams may be frequent, told by counters that many n-grams share.

An n-gram is at most as frequent as its parts (Agrawal & Srikant 1994, a-priori). So lengths are counted one after
another, and an n-gram is counted only when both its (n-1)-grams pass. The counters are bytes that stop at 255, found by
a hash (Park, Chen & Yu 1995): they are never below the count of an n-gram, or 255, so what they call rare is rare.
``sieve.c`` gives the same bytes; there, threads may share one table.
"""

from __future__ import annotations

from .windows import Buffer, _items

__all__ = ["sieve_count", "sieve_reach"]

WORD_LIMIT = 0xF000
MOST = 255
_LONGEST = 9
_FACTOR = 0x9E3779B97F4A7C15
_BITS = (1 << 64) - 1


def sieve_count(ids: Buffer, points: Buffer, shortest: int, longest: int, least: int, table: bytearray) -> None:
    """Count the n-grams of ``shortest`` to ``longest`` symbols; those of ``shortest`` whose two parts have ``least``.

    ``ids`` and ``points`` are those of :func:`~nlp_zero.kernels.windows.count_windows`; ``table`` has a power of two of
    counters, in which the n-grams shorter than ``shortest`` were counted before. O(n x lengths).

    >>> from array import array
    >>> names, table = array("I", [0] * 8 + [0x5B66, 0x751F] + [0] * 0xFFF6), bytearray(1 << 10)
    >>> sieve_count(array("H", [8, 9, 0, 8, 9]), names, 2, 2, 1, table)
    >>> sum(table), max(table)
    (2, 2)
    """
    symbols, bits = _symbols(ids, points), _check(shortest, longest, least, table)
    for place, symbol in enumerate(symbols):
        if not symbol:
            continue
        slots = _slots(symbols, place, longest, bits)
        if shortest > 2 and len(slots) > shortest - 2:
            first = slots[shortest - 3]
            second = _slots(symbols, place + 1, shortest - 1, bits)[-1]
            if table[first] < least or table[second] < least:
                continue
        for slot in slots[shortest - 2 :]:
            table[slot] = min(table[slot] + 1, MOST)


def sieve_reach(ids: Buffer, points: Buffer, longest: int, least: int, table: bytearray) -> bytes:
    """For each symbol how many from it on (at most 255) hold only n-grams up to ``longest`` that may have ``least``.

    0 for boundaries. O(n x longest).

    >>> from array import array
    >>> names, table = array("I", [0] * 8 + [0x5B66, 0x751F] + [0] * 0xFFF6), bytearray(1 << 10)
    >>> text = array("H", [8, 9, 0, 8, 9, 9])
    >>> sieve_count(text, names, 2, 2, 1, table)
    >>> list(sieve_reach(text, names, 2, 2, table))
    [2, 1, 0, 2, 1, 1]
    """
    symbols, bits = _symbols(ids, points), _check(2, longest, least, table)
    reach = bytearray(len(symbols))
    following = 0
    for place in range(len(symbols) - 1, -1, -1):
        if symbols[place]:
            slots = _slots(symbols, place, longest, bits)
            rare = next((length for length, slot in enumerate(slots, 1) if table[slot] < least), MOST)
            following = min(rare, following + 1)
        else:
            following = 0
        reach[place] = following
    return bytes(reach)


def _check(shortest: int, longest: int, least: int, table: bytearray) -> int:
    """The number of bits of a slot."""
    if not 2 <= shortest <= longest <= _LONGEST:
        raise ValueError(f"lengths: expected 2 to {_LONGEST}, rising, got {shortest} to {longest}")
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


def _slots(symbols: list[int], place: int, longest: int, bits: int) -> list[int]:
    """Where the n-grams of 2 symbols and more from a place on are counted."""
    slots: list[int] = []
    state = symbols[place] * _FACTOR & _BITS
    for symbol in symbols[place + 1 : place + longest]:
        if not symbol:
            break
        state = (state ^ state >> 29 ^ symbol) * _FACTOR & _BITS
        slots.append(state >> (64 - bits))
    return slots
