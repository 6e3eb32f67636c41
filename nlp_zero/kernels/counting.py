"""Counting kernels: text to symbols, n-grams and their branching entropies, segmentation by scores and by words.

A text comes as an ``array('H')`` of symbol ids, *ids* below: 0 is the end of a line, 1 to 0xEFFF are symbols of words
(1 a number, 2 a year, 3 a Latin run, 4 a rare character; 8 and up characters by first use), 0xF000 and up are known
boundaries. A set of words comes as the places where one occurrence of each stands: *positions* (``array('I')``) and
*lengths* (``bytes``); so no kernel sees an object per word. Segmentations are ``bytes`` with the length of a word at
its first symbol and 0 elsewhere.

All arithmetic is on integers (scores in 2**-10 bits, entropies in 2**-16 bits), so that sums depend neither on the
order of addition nor on the platform; ``counting.c`` gives the same bytes.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from math import floor, log2
from typing import TypeAlias

__all__ = ["bind", "branching", "decode", "encode", "match", "segment", "splits", "tally"]

WORD_LIMIT = 0xF000
MAX_LENGTH = 8
NUMBER, YEAR, LATIN, RARE, RARE_BOUNDARY = 1, 2, 3, 4, 0xFFFF

Buffer: TypeAlias = "bytes | bytearray | memoryview | array[int]"


# ---- text to symbols -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _run_pattern(roles: bytes) -> re.Pattern[str]:
    """Digits with joining marks between them and a closing sign, or Latin letters; linear."""
    members = [_character_set(roles, role) for role in range(6)]
    _, _, digit, latin, joint, closing = members
    return re.compile(f"({digit}+(?:{joint}{digit}+)*)({closing})?|{latin}+")


def _character_set(roles: bytes, role: int) -> str:
    spans = re.finditer(b"[" + re.escape(bytes((role,))) + b"]+", roles)
    inside = "".join(f"\\U{span.start():08x}-\\U{span.end() - 1:08x}" for span in spans)
    return f"[{inside}]" if inside else "(?!)"


def encode(
    text: str, roles: bytes, table: array[int], points: array[int], state: array[int]
) -> tuple[bytes, bytes]:
    """The symbol ids of a text, and where its runs stand.

    ``roles`` gives the role of every code point (0 boundary, 1 word, 2 digit, 3 Latin letter, 4 a mark that joins
    digits, 5 a sign that ends a number); ``table`` (0x110000 ids by code point, 0 for unseen), ``points`` (0x10000
    code points by id) and ``state`` (the next id of a word symbol, the next of a boundary, which counts down, and the
    number of word symbols so far) are the alphabet so far and grow in place. Returns the ids and, for every run or rare character, three numbers: its index
    among the ids, its start and its end in the text. O(n).
    """
    if len(roles) != 0x110000 or len(table) != 0x110000 or len(points) != 0x10000 or len(state) != 3:
        raise ValueError("encode: roles, table, points or state has the wrong length")
    runs = list(_run_pattern(roles).finditer(text))
    starts, ends = [0, *(run.end() for run in runs)], [*(run.start() for run in runs), len(text)]
    pieces = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    _learn_characters("".join(pieces), roles, table, points, state)
    ids, spans = array("H"), array("I")
    for piece, start, run in zip(pieces, starts, [*runs, None], strict=True):
        coded = array("H", map(table.__getitem__, map(ord, piece)))
        for rare in _rare_places(coded):
            spans.extend((len(ids) + rare, start + rare, start + rare + 1))
        ids.extend(coded)
        if run is not None:
            spans.extend((len(ids), run.start(), run.end()))
            ids.append(_run_id(run, roles))
    state[2] += sum(map(len, _CHUNK.findall(_string(ids))))
    return ids.tobytes(), spans.tobytes()


def _run_id(run: re.Match[str], roles: bytes) -> int:
    digits = run[1]
    if digits is None:
        return LATIN
    return YEAR if len(digits) == 4 and not run[2] and all(roles[ord(c)] == 2 for c in digits) else NUMBER


def _learn_characters(text: str, roles: bytes, table: array[int], points: array[int], state: array[int]) -> None:
    for character in dict.fromkeys(text):
        point = ord(character)
        if table[point] or character == "\n":
            continue
        if roles[point] == 1:
            if state[0] >= WORD_LIMIT:
                table[point] = RARE
                continue
            table[point] = state[0]
            points[state[0]] = point
            state[0] += 1
        else:
            if state[1] < WORD_LIMIT:
                table[point] = RARE_BOUNDARY
                continue
            table[point] = state[1]
            points[state[1]] = point
            state[1] -= 1


def _rare_places(coded: array[int]) -> Iterable[int]:
    if RARE not in coded and RARE_BOUNDARY not in coded:
        return ()
    return [place for place, symbol in enumerate(coded) if symbol in (RARE, RARE_BOUNDARY)]


# ---- branching entropies -------------------------------------------------------------------------------------------


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
    Mandarin Chinese"). Returned as six byte strings:

    * scores: int16, 2**-10 bits, autonomy of ids[i : i + n] at ``i * max_length + n - 1`` (empty without
      ``with_scores``; of no meaning where the n-gram would cross a boundary);
    * and for the n-grams of at least ``min_count`` occurrences, in the order of first symbol, length, symbols: the
      position of the first occurrence (uint32), the length (uint8), the count (uint32), h_L and h_R (uint32, 2**-16
      bits).

    O(n x max_length) here, O(n) radix passes over sorted windows in C.
    """
    if not 1 <= max_length <= MAX_LENGTH:
        raise ValueError(f"max_length: expected 1 to {MAX_LENGTH}, got {max_length}")
    scores = array("h", bytes(2 * len(ids) * max_length if with_scores else 0))
    rows: list[tuple[int, int, list[int], int, int, int, int]] = []
    for length, level, shorter in _levels(ids, max_length):
        if with_scores:
            scores[length - 1 :: max_length] = _scores(level, shorter, length)
        frequent = [(first, number) for first, number in level.counts.items() if number >= min_count]
        if min_count < 2:
            frequent += [(place, 1) for place in _lone(level, shorter, length)]
        for first, number in frequent:
            symbols = ids[first : first + length].tolist()
            left, right = level.left.get(first, 0), level.right.get(first, 0)
            rows.append((symbols[0], length, symbols, first, number, left, right))
    rows.sort()
    return (
        scores.tobytes(),
        array("I", [row[3] for row in rows]).tobytes(),
        bytes(row[1] for row in rows),
        array("I", [row[4] for row in rows]).tobytes(),
        array("I", [row[5] for row in rows]).tobytes(),
        array("I", [row[6] for row in rows]).tobytes(),
    )


class _Level:
    """The n-grams of one length, each called by the position of its first occurrence.

    Where an n-gram occurs once, all longer ones do too, and its entropies are 0; so only places are looked at whose
    prefix (the n-gram without its last symbol) is repeated, and those whose suffix (without its first) is.
    """

    counts: dict[int, int]  # of the n-grams with a repeated prefix
    places: list[int]  # where repeated n-grams stand
    singles: list[int]  # where n-grams stand that occur once and have a repeated prefix
    firsts: array[int]  # by position: the first occurrence of the repeated n-gram there; the size of the text for none
    left: dict[int, int]  # entropies of repeated n-grams, 2**-16 bits
    right: dict[int, int]
    reach: bytes  # number of word symbols from a position on, up to one more than the greatest length


def _levels(ids: array[int], max_length: int) -> Iterator[tuple[int, _Level, _Level]]:
    """Length, level and the level above it, from length 1 on; the level above is that of the empty n-gram."""
    size, text, reach = len(ids), _string(ids), _reach(ids, max_length + 1)
    level = _count_level(text, reach, 1, [place for place, length in enumerate(reach) if length])
    total = sum(level.counts.values())
    mixed = count_log(total) - sum(map(count_log, level.counts.values()))
    shorter = _Level()
    shorter.places = list(range(size))
    shorter.firsts = array("I", bytes(4 * (size + 1)))  # the empty n-gram stands everywhere
    shorter.left = shorter.right = {0: (mixed + total // 2) // total if total else 0}
    for length in range(1, max_length + 1):
        longer = _count_level(text, reach, length + 1, level.places)
        _set_entropies(level, longer)
        yield length, level, shorter
        shorter, level = level, longer


def _reach(ids: array[int], limit: int) -> bytes:
    reach = bytearray(len(ids))
    for chunk in _CHUNK.finditer(_string(ids)):
        start, end = chunk.span()
        if end - start > limit:
            reach[start : end - limit] = bytes((limit,)) * (end - limit - start)
        ends = min(limit, end - start)
        reach[end - ends : end] = bytes(range(ends, 0, -1))
    return bytes(reach)


def _count_level(text: str, reach: bytes, length: int, places: list[int]) -> _Level:
    """Count the n-grams at places where their prefix is repeated."""
    level = _Level()
    level.reach = reach
    candidates = [place for place in places if reach[place] >= length]
    numbers: dict[str, int] = {}
    firsts = list(map(numbers.setdefault, [text[place : place + length] for place in candidates], candidates))
    del numbers
    level.counts = counts = Counter(firsts)
    level.firsts = array("I", [len(text)]) * (len(text) + 1)
    level.places, level.singles = [], []
    for place, first in zip(candidates, firsts, strict=True):
        if counts[first] > 1:
            level.firsts[place] = first
            level.places.append(place)
        else:
            level.singles.append(place)
    return level


def _set_entropies(level: _Level, longer: _Level) -> None:
    left: defaultdict[int, int] = defaultdict(int)
    right: defaultdict[int, int] = defaultdict(int)
    logs = {count: count_log(count) for count in {*level.counts.values(), *longer.counts.values()}}
    firsts = level.firsts
    for first, number in longer.counts.items():
        if number > 1:
            right[firsts[first]] += logs[number]
            left[firsts[first + 1]] += logs[number]
    repeated = [(first, c) for first, c in level.counts.items() if c > 1]
    level.left = {first: (logs[c] - left[first] + c // 2) // c for first, c in repeated}
    level.right = {first: (logs[c] - right[first] + c // 2) // c for first, c in repeated}


def _lone(level: _Level, shorter: _Level, length: int) -> list[int]:
    """Where n-grams stand whose prefix occurs once."""
    missing = len(level.reach)
    return [
        place
        for place, (size, first) in enumerate(zip(level.reach, shorter.firsts, strict=False))
        if size >= length and first == missing
    ]


def _scores(level: _Level, shorter: _Level, length: int) -> array[int]:
    """The autonomy of the n-gram at every position."""
    size, reach, firsts, parents = len(level.reach), level.reach, level.firsts, shorter.firsts
    step = 1 if length > 1 else 0  # the n-gram without its first symbol stands one further
    left, right = {**shorter.left, size: 0}, {**shorter.right, size: 0}
    # Sums over n-grams, first of those that are repeated, then of those that occur once.
    rights = sum(entropy - right[parents[first]] for first, entropy in level.right.items())
    lefts = sum(entropy - left[parents[first + step]] for first, entropy in level.left.items())
    lone = [place - step for place in shorter.places if place >= step and parents[place - step] == size]
    lone = [place for place in lone if reach[place] >= length]
    rights -= sum(right[parents[place]] for place in level.singles)
    lefts -= sum(left[parents[place + step]] for place in [*level.singles, *lone])
    reaching = sum(reach.count(length) for length in range(length, max(reach, default=0) + 1))
    types = len(level.right) + reaching - len(level.places)
    mean = _score_units(rights // types) + _score_units(lefts // types) if types else 0
    scores = array("h", [-mean]) * size
    values = {
        first: _score_units(level.right[first] - right[parents[first]])
        + _score_units(level.left[first] - left[parents[first + step]])
        - mean
        for first in level.right
    }
    for place in level.places:
        scores[place] = values[firsts[place]]
    less_left = {first: _score_units(-entropy) - mean for first, entropy in left.items()}
    less_right = {first: _score_units(-entropy) for first, entropy in right.items()}
    for place in level.singles:
        scores[place] = less_right[parents[place]] + less_left[parents[place + step]]
    for place in lone:
        scores[place] = less_left[parents[place + step]]
    return scores


def _score_units(difference: int) -> int:
    return (difference + 32) >> 6


# ---- segmentations -------------------------------------------------------------------------------------------------

# The pure engine works on a string with one character an id: slices of it are words, and hash well.
_CHUNK = re.compile(f"[\x01-{chr(WORD_LIMIT - 1)}]+")


def _string(ids: array[int]) -> str:
    return "".join(map(chr, ids))


def segment(ids: array[int], scores: array[int], max_length: int, bonus: int) -> bytes:
    """The segmentation with the greatest sum of length x score, and ``bonus`` for each word of two symbols or more.

    ``scores`` as :func:`branching` gives them. Between equal sums the longer first word wins. O(n x max_length).
    """
    if not 1 <= max_length <= MAX_LENGTH:
        raise ValueError(f"max_length: expected 1 to {MAX_LENGTH}, got {max_length}")
    if len(scores) != len(ids) * max_length:
        raise ValueError(f"scores: expected {len(ids) * max_length} items, got {len(scores)}")
    lengths = bytearray(len(ids))
    for chunk in _CHUNK.finditer(_string(ids)):
        start, end = chunk.span()
        size = end - start
        best, choice = [0] * (size + 1), [1] * size
        for i in range(size - 1, -1, -1):
            base = (start + i) * max_length - 1
            top, chosen = scores[base + 1] + best[i + 1], 1
            # Upwards, so that a tie goes to the longer word.
            for length in range(2, min(max_length, size - i) + 1):
                score = length * scores[base + length] + bonus + best[i + length]
                if score >= top:
                    top, chosen = score, length
            best[i], choice[i] = top, chosen
        _write_words(lengths, start, choice)
    return bytes(lengths)


def _write_words(lengths: bytearray, start: int, choice: list[int]) -> None:
    place = 0
    while place < len(choice):
        lengths[start + place] = choice[place]
        place += choice[place]


def tally(ids: array[int], lengths: Buffer) -> tuple[bytes, bytes, bytes]:
    """The distinct words of a segmentation, in order of first occurrence: positions, lengths, counts (uint32). O(n)."""
    if len(lengths) != len(ids):
        raise ValueError(f"lengths: expected {len(ids)} items, got {len(lengths)}")
    text = _string(ids)
    first: dict[str, int] = {}
    counts: Counter[str] = Counter()
    places = [place for place, length in enumerate(lengths) if length]
    if places and any(place + lengths[place] > len(ids) for place in places[-256:]):
        raise ValueError("lengths: a word runs past the end of ids")
    counts.update(text[place : place + lengths[place]] for place in places)
    for place in reversed(places):
        first[text[place : place + lengths[place]]] = place
    return (
        array("I", [first[word] for word in counts]).tobytes(),
        bytes(map(len, counts)),
        array("I", counts.values()).tobytes(),
    )


# ---- words given by the place of one occurrence --------------------------------------------------------------------


def _words(ids: array[int], text: str, positions: Buffer, lengths: Buffer) -> dict[str, int]:
    """The index of every word of a set."""
    if len(positions) != len(lengths):
        raise ValueError(f"positions: expected {len(lengths)} items, got {len(positions)}")
    words: dict[str, int] = {}
    for index, (place, length) in enumerate(zip(positions, lengths, strict=True)):
        if length < 1 or place + length > len(ids):
            raise ValueError(f"lengths: word {index} does not lie inside ids")
        if words.setdefault(text[place : place + length], index) != index:
            raise ValueError(f"positions: word {index} stands twice")
    return words


def _word_costs(words: dict[str, int], costs: array[int]) -> dict[str, int]:
    if len(costs) != len(words):
        raise ValueError(f"costs: expected {len(words)} items, got {len(costs)}")
    return dict(zip(words, costs, strict=True))


def decode(ids: array[int], positions: array[int], lengths: Buffer, costs: array[int], unknown: int) -> bytes:
    """The segmentation of least cost: each word its own, any single symbol at most ``unknown``.

    Between equal costs the longer first word wins. O(n x longest word).
    """
    text = _string(ids)
    priced = _word_costs(_words(ids, text, positions, lengths), costs)
    longer = {word[:size] for word in priced for size in range(1, len(word))}
    result = bytearray(len(ids))
    get = priced.get
    for match_ in _CHUNK.finditer(text):
        chunk = match_[0]
        size = len(chunk)
        best, choice = [0] * (size + 1), [1] * size
        for i in range(size - 1, -1, -1):
            top, chosen = best[i + 1] + unknown, 1
            end = i + 1
            while end <= size:
                word = chunk[i:end]
                cost = get(word)
                if cost is not None and (total := cost + best[end]) <= top:
                    top, chosen = total, end - i
                if word not in longer:
                    break
                end += 1
            best[i], choice[i] = top, chosen
        _write_words(result, match_.start(), choice)
    return bytes(result)


def splits(ids: array[int], positions: array[int], lengths: Buffer, costs: array[int], unknown: int) -> bytes:
    """For every word, the least cost of it as two or more other words or single symbols (at most ``unknown`` each);
    of a single symbol, ``unknown``. int32. O(words x length squared)."""
    text = _string(ids)
    words = _words(ids, text, positions, lengths)
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


def bind(ids: array[int], positions: array[int], lengths: Buffer) -> bytes:
    """The segmentation that cuts wherever no n-gram of the set stands across: overlapping ones chain.

    A piece ends at 255 symbols at the latest. O(n x longest n-gram).
    """
    text = _string(ids)
    words = _words(ids, text, positions, lengths)
    longest = max(lengths, default=0)
    result = bytearray(len(ids))
    for match_ in _CHUNK.finditer(text):
        chunk, base = match_[0], match_.start()
        size = len(chunk)
        start = reached = 0
        for i in range(size):
            if i >= reached or i - start == 255:
                start = i
            reached = max(reached, i + 1)
            for end in range(min(i + longest, size), reached, -1):
                if chunk[i:end] in words:
                    reached = end
                    break
            result[base + start] = i - start + 1
    return bytes(result)


def match(ids: array[int], positions: array[int], lengths: Buffer, at: array[int], sizes: Buffer) -> bytes:
    """For every place ``at`` and size, the index of the word of the set that reads the same there, or -1. int32."""
    text = _string(ids)
    words = _words(ids, text, positions, lengths)
    if len(at) != len(sizes):
        raise ValueError(f"at: expected {len(sizes)} items, got {len(at)}")
    size_of_text = len(text)
    found = (
        words.get(text[place : place + size], -1) if place + size <= size_of_text else -1
        for place, size in zip(at, sizes, strict=True)
    )
    return array("i", found).tobytes()
