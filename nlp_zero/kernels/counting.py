"""Counting kernels: text to symbols, n-grams and their branching entropies, segmentation by scores and by words.

A text comes as an ``array('H')`` of symbol ids, *ids* below: 0 is the end of a line, 1 to 0xEFFF are symbols of words
(1 a number, 2 a year, 3 a Latin run, 4 a rare character; 8 and up characters by first use), 0xF000 and up are known
boundaries. A *chunk* is a stretch of word symbols between boundaries. A set of words comes as the places where one
occurrence of each stands: *positions* (``array('I')``) and *lengths* (``bytes``); so no kernel sees an object per word.
Segmentations are ``bytes`` with the length of a word at its first symbol and 0 elsewhere.

All arithmetic is on integers (scores in 2**-10 bits, entropies in 2**-16 bits), so that sums depend neither on the
order of addition nor on the platform; ``counting.c`` gives the same bytes. The loops over places here run inside
``map``, ``zip``, ``dict`` and long integers wherever they can: that made 10 MB five times as fast as plain loops.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, compress, count, repeat
from math import floor, log2
from typing import Any, TypeAlias

__all__ = ["bind", "bonds", "branching", "decode", "encode", "match", "segment", "splits", "tally"]

WORD_LIMIT = 0xF000
MAX_LENGTH = 8
NUMBER, YEAR, LATIN, RARE, RARE_BOUNDARY = 1, 2, 3, 4, 0xFFFF
NUMERAL = 6  # a role

Buffer: TypeAlias = "bytes | bytearray | memoryview | array[int] | array[float]"


# ---- buffers -------------------------------------------------------------------------------------------------------


def _items(buffer: Buffer, typecode: str, what: str) -> Any:
    """A buffer as an array: itself if it is one of this type, else a copy; TypeError if its items have another size.

    >>> _items(memoryview(b"\\1\\0\\1\\0").cast("h"), "H", "ids") == array("H", b"\\1\\0\\1\\0")
    True

    >>> _items(memoryview(bytes(4)), "H", "ids")
    Traceback (most recent call last):
    TypeError: ids: expected items of 2 bytes, got 1
    """
    if isinstance(buffer, array) and buffer.typecode == typecode:
        return buffer
    try:
        view = memoryview(buffer)
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not '{type(buffer).__name__}'") from None
    items: array[Any] = array(typecode)
    if view.itemsize != items.itemsize or view.ndim > 1:
        raise TypeError(f"{what}: expected items of {items.itemsize} bytes, got {view.itemsize}")
    items.frombytes(view.tobytes())
    return items


def _growing(buffer: Buffer, typecode: str, what: str) -> array[int]:
    """The same for an array that is written to; a copy would not do."""
    if not isinstance(buffer, array) and memoryview(buffer).readonly:
        raise BufferError("Object is not writable.")
    items: array[int] = _items(buffer, typecode, what)
    if items is not buffer:
        raise TypeError(f"{what}: expected an array({typecode!r}), got {type(buffer).__name__}")
    return items


def _string(ids: array[int]) -> str:
    """One character an id: slices of it are words, and hash well.

    >>> list(map(ord, _string(array("H", [0x4E2D, 0xD800, 0xDC00, 0xD800])))) == [0x4E2D, 0xD800, 0xDC00, 0xD800]
    True
    """
    text = ids.tobytes().decode(_UTF_16, "surrogatepass")
    return text if len(text) == len(ids) else "".join(map(chr, ids))  # two ids can look like a pair of surrogates


_UTF_16, _UTF_32 = ("utf-16-le", "utf-32-le") if sys.byteorder == "little" else ("utf-16-be", "utf-32-be")
_CHUNK = re.compile(f"[\x01-{chr(WORD_LIMIT - 1)}]+")


# ---- text to symbols -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _run_pattern(roles: bytes) -> re.Pattern[str]:
    """Digits with joining marks between them and a closing sign, Latin letters, or two or more numerals; linear."""
    members = [_character_set(roles, role) for role in range(7)]
    _, _, digit, latin, joint, closing, numeral = members
    numerals = f"(?<!{digit})(?<!{numeral})({numeral}{{2,}})(?!{digit})(?!{numeral})"
    return re.compile(f"({digit}+(?:{joint}{digit}+)*)({closing})?|{latin}+|{numerals}")


def _character_set(roles: bytes, role: int) -> str:
    spans = re.finditer(b"[" + re.escape(bytes((role,))) + b"]+", roles)
    inside = "".join(f"\\U{span.start():08x}-\\U{span.end() - 1:08x}" for span in spans)
    return f"[{inside}]" if inside else "(?!)"


def encode(text: str, roles: Buffer, table: array[int], points: array[int], state: array[int]) -> tuple[bytes, bytes]:
    """The symbol ids of a text, and where its runs stand.

    ``roles`` gives the role of every code point (0 boundary, 1 word, 2 digit, 3 Latin letter, 4 a mark that joins
    digits, 5 a sign that ends a number, 6 a numeral); ``table`` (0x110000 ids by code point, 0 for unseen), ``points``
    (0x10000 code points by id) and ``state`` (the next id of a word symbol, the next of a boundary, which counts down,
    and the number of word symbols so far) are the alphabet so far and grow in place. Returns the ids and, for every run
    or rare character, three numbers: its index among the ids, its start and its end in the text. O(n).

    A numeral, such as 三, is a symbol of words like others; but two or more side by side are a number, like digits,
    unless a digit stands before or behind them: the 万千 of 5万千瓦 does not belong together.

    >>> roles = bytearray(0x110000)
    >>> roles[ord("年")], roles[ord("1") : ord("9") + 1] = 1, bytes([2]) * 9
    >>> table, points = array("H", bytes(2 * 0x110000)), array("I", bytes(4 * 0x10000))
    >>> ids, runs = encode("1999年,21年\\n", roles, table, points, array("I", [8, 0xFFFE, 0]))
    >>> list(array("H", ids)), list(array("I", runs))
    ([2, 8, 65534, 1, 8, 0], [0, 0, 4, 3, 6, 8])
    """
    role_of = bytes(_items(roles, "B", "roles"))
    table = _growing(table, "H", "table")
    points = _growing(points, "I", "points")
    state = _growing(state, "I", "state")
    if len(role_of) != 0x110000 or len(table) != 0x110000 or len(points) != 0x10000 or len(state) != 3:
        raise ValueError("encode: roles, table, points or state has the wrong length")
    runs = list(_run_pattern(role_of).finditer(text))
    starts, ends = [0, *(run.end() for run in runs)], [*(run.start() for run in runs), len(text)]
    between = array("I", "".join(map(text.__getitem__, map(slice, starts, ends))).encode(_UTF_32, "surrogatepass"))
    known = _learn_characters(between, role_of, table, points, state)
    coded = array("H", list(map(known.__getitem__, between)))
    ids, spans, done = array("H"), array("I"), 0
    for start, end, run in zip(starts, ends, [*runs, None], strict=True):
        piece = coded[done : done + end - start]
        done += end - start
        for rare in _rare_places(piece, state):
            spans.extend((len(ids) + rare, start + rare, start + rare + 1))
        ids.extend(piece)
        if run is not None:
            spans.extend((len(ids), end, run.end()))
            ids.append(_run_id(run, role_of))
    state[2] += sum(map(len, _CHUNK.findall(_string(ids))))
    return ids.tobytes(), spans.tobytes()


def _run_id(run: re.Match[str], roles: bytes) -> int:
    digits = run[1]
    if digits is None:
        return LATIN if run[3] is None else NUMBER
    return YEAR if len(digits) == 4 and not run[2] and all(roles[ord(c)] == 2 for c in digits) else NUMBER


def _learn_characters(
    text: array[int], roles: bytes, table: array[int], points: array[int], state: array[int]
) -> dict[int, int]:
    """The ids of the code points of a text; new ones get theirs in the order of first use."""
    known = dict.fromkeys(text, 0)
    for point in known:
        if not table[point] and point != 0x0A:
            table[point] = _new_id(roles[point] in (1, NUMERAL), state)
            if table[point] not in (RARE, RARE_BOUNDARY):
                points[table[point]] = point
        known[point] = table[point]
    return known


def _new_id(is_word: bool, state: array[int]) -> int:
    """The next id of the alphabet, or that of the rare ones when none is left."""
    which, step = (0, 1) if is_word else (1, -1)
    new = state[which]
    if (new < WORD_LIMIT) != is_word:
        return RARE if is_word else RARE_BOUNDARY
    state[which] += step
    return new


def _rare_places(coded: array[int], state: array[int]) -> Iterable[int]:
    if state[0] < WORD_LIMIT <= state[1]:  # there is still room in the alphabet
        return ()
    return [place for place, symbol in enumerate(coded) if symbol in (RARE, RARE_BOUNDARY)]


# ---- numbers side by side ------------------------------------------------------------------------------------------

# What can be said of all places at once is said by one long integer that holds a number for each of them, in *lanes* of
# 64 bits: one addition adds them all. Lanes never overflow into each other, nor fall below zero. *Flags* are bytes, one
# a place, 0 or 1.

_BLOCK = 1 << 14  # places a long integer speaks of, so that it stays in the cache
_LANE = (1 << 64) - 1
_HALF = (1 << 32) - 1


def _lanes(values: array[int] | bytes) -> int:
    """Numbers (array('Q') or flags) side by side.

    >>> _lanes(bytes([1, 0, 1])) == 1 << 128 | 1
    True
    """
    if isinstance(values, bytes):
        wide = bytearray(8 * len(values))
        wide[_LOW_BYTE::8] = values
        return int.from_bytes(wide, sys.byteorder)
    return int.from_bytes(values.tobytes(), sys.byteorder)


_LOW_BYTE = 0 if sys.byteorder == "little" else 7  # where in a lane its lowest byte stands


def _unlanes(lanes: int, size: int) -> array[int]:
    """The numbers of ``size`` lanes.

    >>> _unlanes(7 << 64 | 5, 2)
    array('Q', [5, 7])
    """
    return array("Q", lanes.to_bytes(8 * size, sys.byteorder))


def _full_lanes(flags: bytes) -> int:
    """Lanes with all bits set where a flag is.

    >>> _full_lanes(bytes([0, 1])) == 0xFFFFFFFFFFFFFFFF << 64
    True
    """
    lanes = _lanes(flags)
    return (lanes << 64) - lanes


@lru_cache(maxsize=32)  # one call uses a dozen; each takes 128 KiB
def _everywhere(value: int, size: int) -> int:
    """The same number in every lane.

    >>> _everywhere(3, 2) == 3 << 64 | 3
    True
    """
    return value * _lanes(b"\x01" * size)


def _and(flags: bytes, others: bytes) -> bytes:
    """Where both flags are set; one that is missing at the end counts as 0.

    >>> list(_and(bytes([1, 1, 0, 1]), bytes([1, 0, 1])))
    [1, 0, 0, 0]
    """
    both = int.from_bytes(flags, "little") & int.from_bytes(others, "little")
    return both.to_bytes(len(flags), "little")


def _word_flags(ids: array[int]) -> bytes:
    """Flags: where symbols of words stand.

    >>> list(_word_flags(array("H", [0, 1, 256, 0xEFFF, 0xF000])))
    [0, 1, 1, 1, 0]
    """
    pairs, high_at = ids.tobytes(), 1 - _LOW_BYTE // 7
    high, low = pairs[high_at::2], pairs[1 - high_at :: 2]
    zeros = _and(high.translate(_NOT), low.translate(_NOT))
    return _and(high.translate(_BELOW_LIMIT), zeros.translate(_NOT))


_NOT = bytes((1, *bytes(255)))
_BELOW_LIMIT = bytes(high < WORD_LIMIT >> 8 for high in range(256))


# ---- branching entropies -------------------------------------------------------------------------------------------

_MOST = 16383  # units of scores: all that an entropy counts in them, so that they fit 16 bits
_BIAS = 1 << 16  # makes scores positive; their lowest 16 bits do not show it


def count_log(count: int) -> int:
    """c log2 c in units of 2**-16 bits, to the nearest.

    >>> count_log(8) == 24 << 16
    True
    """
    return 0 if count < 2 else floor(count * log2(count) * 65536.0 + 0.5)


def branching(
    ids: array[int], max_length: int, min_count: int, with_scores: bool
) -> tuple[bytes, bytes, bytes, bytes, bytes, bytes]:
    """The variation of branching entropy at every place, and a table of the frequent n-grams.

    For an n-gram x of at most ``max_length`` symbols, h_R(x) is the entropy of the symbol after it and h_L(x) of the
    one before, where every known boundary counts as a symbol of its own. Its variations are h_R(x) - h_R(x without its
    last symbol) and h_L(x) - h_L(x without its first); each is taken relative to the mean over all n-grams of its
    length, and their sum is the *autonomy* of x (Magistry & Sagot 2012, "Unsupervized word segmentation: the case for
    Mandarin Chinese"). Each entropy is rounded to 2**-10 bits before it is added, and one of 16 bits or more, which
    takes 65,536 occurrences and as many boundaries, counts one unit less than 16 bits. Returned as six byte strings:

    * scores: int16, 2**-10 bits, autonomy of ids[i : i + n] at ``i * max_length + n - 1`` (empty without
      ``with_scores``; of no meaning where the n-gram would cross a boundary);
    * and for the n-grams of at least ``min_count`` occurrences, in the order of first symbol, length, symbols: the
      position of the first occurrence (uint32), the length (uint8), the count (uint32), h_L and h_R (uint32, 2**-16
      bits).

    O(n x max_length) here, O(n) radix passes over sorted windows in C.

    In 中文,中文 the second symbol is followed by a comma and the end (1 bit) and has 中 before it twice (0 bits):

    >>> _, places, lengths, counts, left, right = branching(array("H", [8, 9, 0xFFFE, 8, 9]), 2, 2, False)
    >>> list(array("I", places)), list(lengths), list(array("I", counts))
    ([0, 0, 1], [1, 2, 1], [2, 2, 2])
    >>> [entropy / 65536 for entropy in array("I", left)], [entropy / 65536 for entropy in array("I", right)]
    ([1.0, 1.0, 0.0], [0.0, 1.0, 1.0])
    """
    if not 1 <= max_length <= MAX_LENGTH:
        raise ValueError(f"max_length: expected 1 to {MAX_LENGTH}, got {max_length}")
    ids = _items(ids, "H", "ids")
    scores = array("h", bytes(2 * len(ids) * max_length if with_scores else 0))
    rows = _Rows(_string(ids))
    shorter = array("Q")
    for length, grams in enumerate(_levels(ids, max_length), 1):
        if with_scores:
            # An entropy is at most log2 of the count, so few have to be looked at.
            known = zip(grams.entropies, grams.counts, strict=True)
            capped = [_capped(entropy) if number >> 15 else entropy for entropy, number in known]
            entropies = array("Q", list(map(capped.__getitem__, grams.names)))
            shorter = shorter or _entropy_of_symbols(grams)
            scores[length - 1 :: max_length] = _autonomy(grams, capped, entropies, shorter)
            shorter = entropies
        rows.add(grams, length, min_count)
    return scores.tobytes(), *rows.columns()


class _Grams:
    """The n-grams of one length, called by number: from 1 in the order of first occurrence; 0 stands for none.

    Where an n-gram occurs once, all longer ones do too, and its entropies are 0; so only those are numbered of which
    both parts, without the first symbol and without the last, are *repeated*, that is, occur twice or more.
    """

    names: list[int]  # by place: the repeated n-gram that stands there
    counts: list[int]  # by number
    firsts: list[int]  # by number: the place of the first occurrence
    stands: bytes  # flags: where an n-gram of this length stands, that is, before the next boundary
    repeated: bytes  # flags: where a repeated one stands
    entropies: list[int]  # by number: h_L << 32 | h_R in 2**-16 bits


def _levels(ids: array[int], max_length: int) -> Iterator[_Grams]:
    """The n-grams of length 1, 2, ..."""
    numbers = defaultdict(count(1).__next__, dict.fromkeys((0, *range(WORD_LIMIT, 0x10000)), 0))
    words = _word_flags(ids)
    names = list(map(numbers.__getitem__, ids))
    grams = _count_grams(names, len(numbers) - 0x1001, words, words)
    for length in range(2, max_length + 2):
        looked_at = _and(grams.repeated, grams.repeated[1:])
        pairs = chain.from_iterable(_pairs(grams, looked_at))
        if length > max_length:
            _set_entropies(grams, Counter(compress(pairs, looked_at)).items())
            yield grams
            return
        numbers = defaultdict(count(1).__next__, {0: 0})
        names = list(map(numbers.__getitem__, pairs))
        longer = _count_grams(names, len(numbers) - 1, _and(grams.stands, words[length - 1 :]), looked_at)
        _set_entropies(grams, zip(numbers, longer.counts, strict=True))
        del numbers
        yield grams
        grams = longer


def _pairs(grams: _Grams, flags: bytes) -> Iterator[array[int]]:
    """By place, in blocks: one number for the n-gram there and that at the next place; 0 without a flag."""
    names = array("Q", grams.names)
    names.append(0)
    base = len(grams.counts)
    for start in range(0, len(flags), _BLOCK):
        part = flags[start : start + _BLOCK]
        end = start + len(part)
        pairs = _lanes(names[start:end]) * base + _lanes(names[start + 1 : end + 1])
        yield _unlanes(pairs & _full_lanes(part), len(part))


def _count_grams(names: list[int], size: int, stands: bytes, named: bytes) -> _Grams:
    """Count n-grams by their numbers, 1 to ``size``, and take those away that occur once."""
    counts = [0] * (size + 1)
    for name in names:
        counts[name] += 1
    counts[0], firsts, place = 0, [0], -1
    for name in range(1, size + 1):
        place = names.index(name, place + 1)
        firsts.append(place)
    repeated = bytearray(named)
    for place, number in zip(firsts, counts, strict=True):
        if number == 1:
            names[place] = repeated[place] = 0
    grams = _Grams()
    grams.names, grams.counts, grams.firsts = names, counts, firsts
    grams.stands, grams.repeated = stands, bytes(repeated)
    return grams


def _set_entropies(grams: _Grams, longer: Iterable[tuple[int, int]]) -> None:
    """The entropies, log2 c - (sum of c' log2 c') / c, from :func:`_pairs` and counts of n-grams one symbol longer."""
    counts = grams.counts
    base = len(counts)
    left, right = [0] * base, [0] * base
    logs = _Logs()
    for pair, number in longer:
        if number > 1:
            weight = logs[number]
            prefix, suffix = divmod(pair, base)
            right[prefix] += weight
            left[suffix] += weight
    grams.entropies = [
        (logs[c] - before + c // 2) // c << 32 | (logs[c] - after + c // 2) // c if c > 1 else 0
        for c, before, after in zip(counts, left, right, strict=True)
    ]


class _Logs(dict[int, int]):
    """:func:`count_log` of the counts asked for before."""

    def __missing__(self, number: int) -> int:
        self[number] = result = count_log(number)
        return result


def _once(grams: _Grams) -> bytes:
    """Flags: where n-grams stand that occur once."""
    return _and(grams.stands, grams.repeated.translate(_NOT))


# ---- the scores of all places --------------------------------------------------------------------------------------


def _entropy_of_symbols(grams: _Grams) -> array[int]:
    """The entropy of the symbols before and after nothing, at every place."""
    total = sum(grams.stands)
    mixed = count_log(total) - sum(map(count_log, grams.counts))
    entropy = (mixed + total // 2) // total if total else 0
    return array("Q", [_capped(entropy << 32 | entropy)]) * len(grams.names)


def _capped(entropies: int) -> int:
    """Entropies, h_L << 32 | h_R, as the scores take them.

    >>> [_capped(18 << 48 | 3).to_bytes(8).hex(), _capped(5 << 32 | 17 << 16).to_bytes(8).hex()]
    ['000fffc000000003', '00000005000fffc0']
    """
    return min(entropies >> 32, _MOST << 6) << 32 | min(entropies & _HALF, _MOST << 6)


def _autonomy(grams: _Grams, capped: list[int], entropies: array[int], shorter: array[int]) -> array[int]:
    """The autonomy of the n-gram at every place, in 2**-10 bits; where none stands, 0 less the mean.

    Entropies, (h_L << 32 | h_R) in 2**-16 bits: ``capped`` by number, ``entropies`` by place, and ``shorter`` by place
    of the n-grams one symbol shorter.
    """
    size = len(entropies)
    firsts = bytearray(_once(grams))
    for place, number in zip(grams.firsts, grams.counts, strict=True):
        if number > 1:
            firsts[place] = 1
    shorter = shorter + shorter[-1:]
    width = min(_BLOCK, size)
    blocks, rights, lefts, half = [], 0, 0, _everywhere(_HALF, width)
    for start in range(0, size, _BLOCK):
        part = slice(start, min(start + _BLOCK, size))
        parents = _parents(shorter, part)
        blocks.append(_sums(_lanes(entropies[part]), parents & _full_lanes(grams.stands[part]), part.stop - start))
        parents &= _full_lanes(bytes(firsts[part]))
        rights, lefts = rights + (parents & half), lefts + (parents >> 32 & half)
    right = sum(map(_HALF.__and__, capped))
    left = (sum(capped) - right) >> 32
    above = [own - sum(_unlanes(sums, width)) for own, sums in ((right, rights), (left, lefts))]
    types = firsts.count(1)
    mean = sum(_score_units(total // types) for total in above) if types else 0
    scores = array("h")
    for start, sums in zip(range(0, size, _BLOCK), blocks, strict=True):
        scores.extend(_less_mean(sums, min(_BLOCK, size - start), mean))
    return scores


def _parents(shorter: array[int], part: slice) -> int:
    """By place, h_L of the n-gram without its first symbol in the upper half of the lane, h_R of that without its last
    in the lower."""
    size = part.stop - part.start
    prefixes, suffixes = _lanes(shorter[part]), _lanes(shorter[part.start + 1 : part.stop + 1])
    return prefixes & _everywhere(_HALF, size) | suffixes & _everywhere(_HALF << 32, size)


def _score_units(entropy: int) -> int:
    return (entropy + 32) >> 6


def _sums(entropies: int, parents: int, size: int) -> int:
    """Both entropies less both of the parents, in units of scores, biased."""
    rounding, half = _everywhere(32 << 32 | 32, size), _everywhere(_MOST, size)
    own, less = entropies + rounding, parents + rounding
    gains = (own >> 6 & half) + (own >> 38 & half) + _everywhere(_BIAS, size)
    return gains - (less >> 6 & half) - (less >> 38 & half)


def _less_mean(sums: int, size: int, mean: int) -> array[int]:
    """Biased sums less the mean; those that leave 16 bits stop at the end."""
    scores = sums + _everywhere(_BIAS - mean, size)
    marks = _everywhere(1 << 33, size)
    beyond = (scores + _everywhere((1 << 15) + (1 << 33) - 2 * _BIAS, size)) ^ marks
    if beyond & _everywhere(_LANE - 0xFFFF, size):
        return array("h", [_saturated(biased - _BIAS - mean) for biased in _unlanes(sums, size)])
    return array("h", scores.to_bytes(8 * size, sys.byteorder))[_LOW_BYTE // 2 :: 4]


def _saturated(value: int) -> int:
    """The nearest int16.

    >>> _saturated(-40000), _saturated(5)
    (-32768, 5)
    """
    return max(-32768, min(value, 32767))


class _Rows:
    """The table of frequent n-grams, column by column."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.keys: list[str] = []  # in the order of which the rows stand in the end
        self.places, self.counts, self.left, self.right = array("I"), array("I"), array("I"), array("I")
        self.lengths = bytearray()

    def add(self, grams: _Grams, length: int, min_count: int) -> None:
        """Add the n-grams of one length."""
        chosen = [name for name, number in enumerate(grams.counts) if number >= max(min_count, 2)]
        counts, entropies, places = (
            list(map(column.__getitem__, chosen)) for column in (grams.counts, grams.entropies, grams.firsts)
        )
        if min_count < 2:
            once = list(compress(range(len(grams.names)), _once(grams)))
            places, counts, entropies = places + once, counts + [1] * len(once), entropies + [0] * len(once)
        self.places.extend(places)
        self.counts.extend(counts)
        self.left.extend([entropy >> 32 for entropy in entropies])
        self.right.extend([entropy & _HALF for entropy in entropies])
        self.lengths += bytes((length,)) * len(places)
        text, mark = self.text, chr(length)
        self.keys += [text[place] + mark + text[place : place + length] for place in places]

    def columns(self) -> tuple[bytes, bytes, bytes, bytes, bytes]:
        """Places, lengths, counts, h_L and h_R, in the order of first symbol, length, symbols."""
        order = sorted(range(len(self.keys)), key=self.keys.__getitem__)
        places, counts, left, right = (
            array("I", map(column.__getitem__, order)).tobytes()
            for column in (self.places, self.counts, self.left, self.right)
        )
        return places, bytes(map(self.lengths.__getitem__, order)), counts, left, right


# ---- segmentations -------------------------------------------------------------------------------------------------

_NEVER = -(1 << 60)


def segment(ids: array[int], scores: Buffer, max_length: int, bonus: int) -> bytes:
    """The segmentation with the greatest sum of length x score, and ``bonus`` for each word of two symbols or more.

    ``scores`` as :func:`branching` gives them. Between equal sums the longer first word wins. O(n x max_length).

    As one word of two symbols 2 x 3, as two words 4 + 1; then 4 + 2, a tie:

    >>> list(segment(array("H", [8, 9, 0, 8, 9]), array("h", [4, 3, 1, 0, 0, 0, 4, 3, 2, 0]), 2, 0))
    [2, 0, 0, 2, 0]
    >>> list(segment(array("H", [8, 9]), array("h", [4, 3, 3, 0]), 2, 0))
    [1, 1]
    """
    if not 1 <= max_length <= MAX_LENGTH:
        raise ValueError(f"max_length: expected 1 to {MAX_LENGTH}, got {max_length}")
    symbols, table = _items(ids, "H", "ids"), _items(scores, "h", "scores")
    if len(table) != len(symbols) * max_length:
        raise ValueError(f"scores: expected {len(symbols) * max_length} items, got {len(table)}")
    columns = [table[length::max_length][::-1] for length in range(max_length)]
    words = _word_flags(symbols)[::-1]
    best = _best_of_four if max_length <= 4 else _best_of_any
    return _keep_starts(best(words, columns, bonus)[::-1])


def _best_of_any(words: Iterable[int], columns: list[array[int]], bonus: int) -> bytearray:
    """From the last place to the first, the length of the first word of the best segmentation from there on."""
    choices = bytearray()
    never = [_NEVER] * len(columns)
    best = [0, *never]  # of the stretches from 1, 2, ... places further on; those beyond a boundary are out of reach
    for word, row in zip(words, zip(*columns, strict=True), strict=True):
        top, chosen = 0, 0
        if word:
            top, chosen = row[0] + best[0], 1
            for length in range(2, len(row) + 1):  # upwards, so that a tie goes to the longer word
                score = length * row[length - 1] + bonus + best[length - 1]
                if score >= top:
                    top, chosen = score, length
            best.insert(0, top)
            best.pop()
        else:
            best = [0, *never]
        choices.append(chosen)
    return choices


def _best_of_four(words: Iterable[int], columns: list[array[int]], bonus: int) -> bytearray:
    """The same for at most four lengths, without the inner loop: twice as fast."""
    choices = bytearray()
    choose = choices.append
    first, *others = columns
    others.extend([array("h")] * (3 - len(others)))
    second, third, fourth = (column or repeat(_NEVER) for column in others)
    one, two, three, four = 0, _NEVER, _NEVER, _NEVER  # as `best` above
    for word, a, b, c, d in zip(words, first, second, third, fourth, strict=False):
        if not word:
            one, two, three, four = 0, _NEVER, _NEVER, _NEVER
            choose(0)
            continue
        top, chosen = a + one, 1
        score = 2 * b + bonus + two
        if score >= top:
            top, chosen = score, 2
        score = 3 * c + bonus + three
        if score >= top:
            top, chosen = score, 3
        score = 4 * d + bonus + four
        if score >= top:
            top, chosen = score, 4
        four, three, two, one = three, two, one, top
        choose(chosen)
    return choices


def _keep_starts(lengths: bytearray) -> bytes:
    """The lengths of the words that follow each other from the start; those inside them become 0.

    >>> list(_keep_starts(bytearray([2, 3, 1, 0, 1])))
    [2, 0, 1, 0, 1]
    """
    place, size = 0, len(lengths)
    while place < size:
        length = lengths[place]
        if length < 2:
            place += 1
        elif length == 2:
            lengths[place + 1] = 0
            place += 2
        else:
            lengths[place + 1 : place + length] = bytes(length - 1)
            place += length
    return bytes(lengths)


def tally(ids: array[int], lengths: Buffer) -> tuple[bytes, bytes, bytes]:
    """The distinct words of a segmentation, in order of first occurrence: positions, lengths, counts (uint32). O(n).

    >>> positions, lengths, counts = tally(array("H", [8, 9, 7, 8, 9]), bytes([2, 0, 1, 2, 0]))
    >>> list(array("I", positions)), list(lengths), list(array("I", counts))
    ([0, 2], [2, 1], [2, 1])
    """
    ids, sizes = _items(ids, "H", "ids"), bytes(_items(lengths, "B", "lengths"))
    if len(sizes) != len(ids):
        raise ValueError(f"lengths: expected {len(ids)} items, got {len(sizes)}")
    if any(length > left for left, length in enumerate(sizes[:-257:-1], 1)):
        raise ValueError("lengths: a word runs past the end of ids")
    text = _string(ids)
    first: dict[str, int] = {}
    places = list(compress(range(len(sizes)), sizes))
    words = [text[place : place + length] for place, length in zip(places, sizes.replace(b"\0", b""), strict=True)]
    counts = Counter(map(first.setdefault, words, places))
    return (
        array("I", counts).tobytes(),
        bytes(map(sizes.__getitem__, counts)),
        array("I", counts.values()).tobytes(),
    )


# ---- words given by the place of one occurrence --------------------------------------------------------------------


def _words(ids: array[int], positions: Buffer, lengths: Buffer) -> tuple[str, dict[str, int]]:
    """The text, and the index of every word of a set."""
    ids, places, sizes = _items(ids, "H", "ids"), _items(positions, "I", "positions"), _items(lengths, "B", "lengths")
    if len(places) != len(sizes):
        raise ValueError(f"positions: expected {len(sizes)} items, got {len(places)}")
    text = _string(ids)
    words: dict[str, int] = {}
    for index, (place, length) in enumerate(zip(places, sizes, strict=True)):
        if length < 1 or place + length > len(ids):
            raise ValueError(f"lengths: word {index} does not lie inside ids")
        if words.setdefault(text[place : place + length], index) != index:
            raise ValueError(f"positions: word {index} stands twice")
    return text, words


def _word_costs(words: dict[str, int], costs: Buffer) -> dict[str, int]:
    prices = _items(costs, "i", "costs")
    if len(prices) != len(words):
        raise ValueError(f"costs: expected {len(words)} items, got {len(prices)}")
    return dict(zip(words, prices, strict=True))


class _Node:
    """What is known of a string: its value if it is a word, and the nodes one symbol longer."""

    __slots__ = ("longer", "value")

    def __init__(self) -> None:
        self.value = _NO_WORD
        self.longer: dict[str, _Node] | None = None


_NO_WORD = 1 << 62


def _pair_nodes(values: dict[str, int]) -> dict[int, _Node]:
    """Words of two symbols or more as a trie whose first step is two symbols; most pairs of a text start no word.

    A word that holds a boundary is left out: it stands in no chunk.
    """
    pairs: defaultdict[int, _Node] = defaultdict(_Node)
    for word, value in values.items():
        if len(word) < 2 or not _CHUNK.fullmatch(word):
            continue
        node = pairs[ord(word[0]) << 16 | ord(word[1])]
        for symbol in word[2:]:
            if node.longer is None:
                node.longer = {}
            if symbol not in node.longer:
                node.longer[symbol] = _Node()
            node = node.longer[symbol]
        node.value = value
    return dict(pairs)


def _pairs_of(ids: array[int]) -> array[int]:
    """By place, the two symbols there as :func:`_pair_nodes` calls them; 0 follows the last.

    >>> [hex(pair) for pair in _pairs_of(array("H", [8, 9]))]
    ['0x80009', '0x90000']
    """
    halves = array("H", bytes(4 * len(ids)))
    low = _LOW_BYTE // 7
    halves[1 - low :: 2] = ids
    halves[low::2] = (ids + array("H", [0]))[1:]
    return array("I", halves.tobytes())


def decode(ids: array[int], positions: Buffer, lengths: Buffer, costs: Buffer, unknown: int) -> bytes:
    """The segmentation of least cost: each word its own, any single symbol at most ``unknown``.

    Between equal costs the longer first word wins. O(n x longest word).

    The words 中文 for 3 and 文 for 2; 中文 is as dear as 中 for 1 (unknown) and 文:

    >>> ids = array("H", [8, 9, 9, 8, 9])
    >>> list(decode(ids, array("I", [0, 1]), bytes([2, 1]), array("i", [3, 2]), 1))
    [1, 1, 1, 1, 1]
    >>> list(decode(ids, array("I", [0, 1]), bytes([2, 1]), array("i", [3, 2]), 2))
    [2, 0, 1, 2, 0]
    """
    ids = _items(ids, "H", "ids")
    text, words = _words(ids, positions, lengths)
    priced = _word_costs(words, costs)
    single: list[int | None] = [unknown] * WORD_LIMIT + [None] * (0x10000 - WORD_LIMIT)  # by id; None for boundaries
    for word, price in priced.items():
        if len(word) == 1 and _CHUNK.fullmatch(word):
            single[ord(word)] = min(price, unknown)
    single[0] = None
    choices = bytearray()
    choose = choices.append
    best = [0]  # of the stretches that start at the end of the chunk, one before, ...
    one = two = 0  # its last two
    nodes = map(_pair_nodes(priced).get, _pairs_of(ids)[::-1])
    for cost, node in zip(map(single.__getitem__, ids[::-1]), nodes, strict=True):
        if cost is None:
            best, one = [0], 0
            choose(0)
            continue
        top, chosen = cost + one, 1
        if node is not None:
            total = node.value + two
            if total <= top:
                top, chosen = total, 2
            if node.longer is not None:
                ahead, size = len(text) - len(choices) + 1, 3
                following = node.longer.get(text[ahead : ahead + 1])
                while following is not None:
                    total = following.value + best[-size]
                    if total <= top:
                        top, chosen = total, size
                    size += 1
                    ahead += 1
                    following = following.longer.get(text[ahead : ahead + 1]) if following.longer else None
        best.append(top)
        one, two = top, one
        choose(chosen)
    return _keep_starts(choices[::-1])


def splits(ids: array[int], positions: Buffer, lengths: Buffer, costs: Buffer, unknown: int) -> bytes:
    """For every word, the least cost of it as two or more other words or single symbols (at most ``unknown`` each);
    of a single symbol, ``unknown``. int32. O(words x length squared).

    >>> ids = array("H", [8, 9, 10])
    >>> found = splits(ids, array("I", [0, 0, 1]), bytes([3, 2, 1]), array("i", [9, 3, 2]), 4)
    >>> list(array("i", found))
    [7, 6, 4]
    """
    _, words = _words(ids, positions, lengths)
    get = _word_costs(words, costs).get
    result = array("i")
    for word in words:
        size = len(word)
        best = [0] * (size + 1)
        for i in range(size - 1, -1, -1):
            best[i] = best[i + 1] + unknown
            for end in range(i + 1, size + 1):
                cost = get(word[i:end]) if end - i < size else None
                if cost is not None and cost + best[end] < best[i]:
                    best[i] = cost + best[end]
        result.append(min(best[0], 2**31 - 1))
    return result.tobytes()


def bind(ids: array[int], positions: Buffer, lengths: Buffer) -> bytes:
    """The segmentation that cuts wherever no n-gram of the set stands across: overlapping ones chain.

    A piece ends at 255 symbols at the latest. O(n x longest n-gram).

    With the n-grams 8 9 and 9 10:

    >>> list(bind(array("H", [8, 9, 10, 8, 10]), array("I", [0, 1]), bytes([2, 2])))
    [3, 0, 0, 1, 1]
    """
    ids = _items(ids, "H", "ids")
    text, words = _words(ids, positions, lengths)
    result = bytearray(len(text))
    start = reached = 0  # the piece under way, and how far its n-grams bind
    nodes = map(_pair_nodes(words).get, _pairs_of(ids))
    for place, (word, node) in enumerate(zip(_word_flags(ids), nodes, strict=True)):
        if not word:
            start = reached = place + 1
            continue
        if place >= reached or place - start == 255:
            start = place
        if reached <= place:
            reached = place + 1
        end = place + 2
        while node is not None:
            if node.value != _NO_WORD and end > reached:
                reached = end
            node = node.longer.get(text[end : end + 1]) if node.longer else None
            end += 1
        result[start] = place - start + 1
    return bytes(result)


def match(ids: array[int], positions: Buffer, lengths: Buffer, at: Buffer, sizes: Buffer) -> bytes:
    """For every place ``at`` and size, the index of the word of the set that reads the same there, or -1. int32.

    >>> found = match(array("H", [8, 9, 8]), array("I", [0]), bytes([1]), array("I", [2, 1]), bytes([1, 1]))
    >>> list(array("i", found))
    [0, -1]
    """
    text, words = _words(ids, positions, lengths)
    places, extents = _items(at, "I", "at"), _items(sizes, "B", "sizes")
    if len(places) != len(extents):
        raise ValueError(f"at: expected {len(extents)} items, got {len(places)}")
    get, last = words.get, len(text)
    found = [
        get(text[place : place + size], -1) if place + size <= last else -1
        for place, size in zip(places, extents, strict=True)
    ]
    return array("i", found).tobytes()


def bonds(
    ids: array[int], positions: Buffer, lengths: Buffer, counts: Buffer, at: Buffer, sizes: Buffer
) -> tuple[bytes, bytes]:
    """For every place ``at`` and size, what :func:`match` says (int32), and the greatest product of the ``counts`` of
    two parts (uint64); that is 0 for one symbol, and where the set lacks a part of any split.

    In 8 9 8, where 8 counts 2, 9 counts 1 and 8 9 counts 1:

    >>> columns = array("I", [0, 1, 0]), bytes([1, 1, 2]), array("I", [2, 1, 1])
    >>> rows, products = bonds(array("H", [8, 9, 8]), *columns, array("I", [0, 0, 1]), bytes([2, 3, 2]))
    >>> list(array("i", rows)), list(array("Q", products))
    ([2, -1, -1], [2, 0, 2])
    """
    text, words = _words(ids, positions, lengths)
    numbers = _items(counts, "I", "counts")
    places, extents = _items(at, "I", "at"), _items(sizes, "B", "sizes")
    if len(numbers) != len(words):
        raise ValueError(f"counts: expected {len(words)} items, got {len(numbers)}")
    if len(places) != len(extents):
        raise ValueError(f"at: expected {len(extents)} items, got {len(places)}")
    count = dict(zip(words, numbers, strict=True)).get
    rows, products = array("i"), array("Q")
    for place, size in zip(places, extents, strict=True):
        word = text[place : place + size] if place + size <= len(text) else ""
        rows.append(words.get(word, -1))
        splits = [count(word[:end], 0) * count(word[end:], 0) for end in range(1, len(word))]
        products.append(max(splits) if splits and all(splits) else 0)
    return rows.tobytes(), products.tobytes()
