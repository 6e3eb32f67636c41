"""Pair kernel: words by the four tags, where a character with its tag depends on the two before it, tags and all.

The chance of character c with tag t after two others, each with its tag, is interpolated (T. Brants 2000, "TnT", for
tags; K. Wang, C. Zong & K.-Y. Su 2009 for pairs of character and tag)::

    p(c3 t3) = w1 share(c3 t3) + w2 n(c2 t2, c3 t3) / n(c2 t2) + w3 n(c1 t1, c2 t2, c3 t3) / n(c1 t1, c2 t2)

Before a line stand two edges, tagged S. Most characters were never seen together, so a way is scored by the first term
alone, then by what is known of two, then of three: each knows more, so each can only raise the score.

Tags are B 0, M 1, E 2, S 3. Symbols are numbered from 1 in the order of ``characters``; 0 is the edge. A key holds
symbols, 19 bits each, then tags, 2 bits each, the later ones lower.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import pairwise
from math import inf, log
from typing import Any, TypeAlias

from .counting import Buffer, _items
from .hmm import CLASSES, CODE_POINTS, CodeRows, _sized

__all__ = ["PairTags"]

SYMBOL_BITS = 19
MOST_SYMBOLS = (1 << SYMBOL_BITS) - 1

# The legal pairs of tags, in this order, are the states: BM BE MM ME EB ES SB SS. Those that begin with tag t are
# states 2t and 2t + 1, and before them stand the two that end with t, the first of which wins a draw.
STATES = {0b0001: 0, 0b0010: 1, 0b0101: 2, 0b0110: 3, 0b1000: 4, 0b1011: 5, 0b1100: 6, 0b1111: 7}
BEFORE = ((4, 6), (4, 6), (0, 2), (0, 2), (1, 3), (1, 3), (5, 7), (5, 7))
# Of each state and choice byte the state before.
_ORIGINS = [[before[mask >> state & 1] for mask in range(256)] for state, before in enumerate(BEFORE)]
_TAGS = (1, 2, 1, 2, 0, 3, 0, 3)  # the second tag of each state

Third: TypeAlias = "tuple[int, int, int, float]"
"""The state before, the state here, whether that before is the second of the two, and the score."""


class _Two:
    """What is known of two characters in a row: scores of the eight states, and by a third character those of three."""

    def __init__(self, row: list[float]) -> None:
        self.row = row
        self.thirds: dict[int, list[Third]] = {}

    def frozen(self) -> tuple[tuple[float, ...], dict[int, list[Third]]]:
        return tuple(self.row), self.thirds or _NOTHING


_NOTHING: dict[int, Any] = {}
_EDGE = -1  # the number of what stands before a line; characters have that of their row


class PairTags:
    """Words by a second-order model of characters with tags; see the head of this file.

    ``shares`` has four doubles, above 0 and at most 1, for each of ``characters``, then for each of nine classes;
    ``kinds`` a byte for every code point, the class of a character that is not listed; ``singles`` four counts
    (uint32) for the edge and each of ``characters``; ``pairs`` and ``triples`` are keys (uint64, rising) with their
    counts (uint32, above 0) in ``pair_counts`` and ``triple_counts``; ``weights`` three doubles from 0 to 1, the first
    above 0. What a triple begins and ends with must be among the pairs, and no count may be above that of what it
    begins with.

    >>> shares, kinds = array("d", [0.1] * 4 * 11), bytes(0x110000)
    >>> pairs, triples = array("Q", [1 << 19 + 4 | 2 << 4 | 0b0010]), array("Q")
    >>> singles, weights = array("I", [1] * 4 * 3), array("d", [0.5, 0.5, 0.0])
    >>> tagger = PairTags("我们", shares, kinds, singles, pairs, array("I", [1]), triples, array("I"), weights)
    >>> tagger.segment_lines(["我我们", ""])
    [['我', '我们'], []]
    """

    def __init__(
        self,
        characters: str,
        shares: Buffer,
        kinds: Buffer,
        singles: Buffer,
        pairs: Buffer,
        pair_counts: Buffer,
        triples: Buffer,
        triple_counts: Buffer,
        weights: Buffer,
    ) -> None:
        if not isinstance(characters, str):
            raise TypeError(f"characters: expected str, got {type(characters).__name__}")
        if len(characters) > MOST_SYMBOLS:
            raise ValueError(f"characters: expected at most {MOST_SYMBOLS}, got {len(characters)}")
        if len(set(characters)) != len(characters):
            raise ValueError("characters: expected each once, got one again")
        known = len(characters)
        rows = _sized(shares, "d", 4 * (known + CLASSES), "shares")
        table = bytes(_sized(kinds, "B", CODE_POINTS, "kinds"))
        if max(table) >= CLASSES:
            raise ValueError(f"kinds: expected numbers below {CLASSES}, got {max(table)}")
        first, second, third = _sized(weights, "d", 3, "weights")
        if not all(0.0 < share <= 1.0 for share in rows):
            raise ValueError("shares: expected numbers above 0 and at most 1, got another")
        if not (0.0 < first <= 1.0 and 0.0 <= second <= 1.0 and 0.0 <= third <= 1.0):
            raise ValueError("weights: expected numbers from 0 to 1, the first above 0, got another")
        alone = _sized(singles, "I", 4 * (known + 1), "singles")
        scores = [log(first * share) for share in rows]
        eights = [tuple([scores[place + tag] for tag in _TAGS]) for place in range(0, len(scores), 4)]
        self._codes = CodeRows(characters, table)
        self._numbers = [_EDGE, *map(self._codes.number, characters)]
        whole = _counted("pairs", pairs, pair_counts, 2, known)
        twos: list[dict[int, _Two]] = [{} for _ in range(known + 1)]
        chances: dict[int, float] = {}
        for key, count in whole.items():
            left, right, tags = key >> SYMBOL_BITS + 4, key >> 4 & MOST_SYMBOLS, key & 15
            if count > alone[4 * left + (tags >> 2)]:
                raise ValueError(f"pairs: expected no count above that of the first symbol, got {count} at key {key}")
            chance = second * (count / alone[4 * left + (tags >> 2)]) + first * _share(rows, right, tags & 3)
            chances[key] = chance
            number = self._numbers[right]
            if number not in twos[left]:
                twos[left][number] = _Two(list(eights[right - 1]))
            twos[left][number].row[STATES[tags]] = log(chance)
        for key, count in _counted("triples", triples, triple_counts, 3, known).items():
            self._add_triple(key, count, third, whole, chances, twos)
        edge, *others = ({number: two.frozen() for number, two in its.items()} or _NOTHING for its in twos)
        self._start = edge, edge[_EDGE][1] if _EDGE in edge else _NOTHING
        # Of each character its scores alone, and by the number of the next one what is known of both.
        followed = [*others, *[_NOTHING] * CLASSES]
        self._rows = self._codes.table(list(zip(eights, followed, strict=True)))

    def _add_triple(
        self,
        key: int,
        count: int,
        weight: float,
        whole: dict[int, int],
        chances: dict[int, float],
        twos: list[dict[int, _Two]],
    ) -> None:
        symbols, tags = key >> 6, key & 63
        before = (symbols >> SYMBOL_BITS) << 4 | tags >> 2
        after = (symbols & (1 << 2 * SYMBOL_BITS) - 1) << 4 | tags & 15
        if count > whole.get(before, 0) or after not in whole:
            raise ValueError(f"triples: expected no count above that of its pairs, got {count} at key {key}")
        last = symbols & MOST_SYMBOLS
        if not last:
            return
        two = twos[symbols >> 2 * SYMBOL_BITS][self._numbers[symbols >> SYMBOL_BITS & MOST_SYMBOLS]]
        old, new = STATES[tags >> 2], STATES[tags & 15]
        score = log(weight * (count / whole[before]) + chances[after])
        two.thirds.setdefault(self._numbers[last], []).append((old, new, BEFORE[new].index(old), score))

    def segment_lines(self, lines: list[str]) -> list[list[str]]:
        """The words of each line; joined they are the line."""
        if not isinstance(lines, list):
            raise TypeError(f"lines: expected list, got {type(lines).__name__}")
        for line in lines:
            if not isinstance(line, str):
                raise TypeError(f"text: expected str, got {type(line).__name__}")
        encoded = self._codes.encode(lines)
        return [_cut(line, *self._choices(codes)) if line else [] for line, codes in zip(lines, encoded, strict=True)]

    def scores(self, text: str) -> bytes:
        """For every place sixteen doubles: log p of each state, after the first and the second of those before it."""
        if not isinstance(text, str):
            raise TypeError(f"text: expected str, got {type(text).__name__}")
        table = array("d")
        followers, thirds = self._start
        for code in next(self._codes.encode([text])):
            eight, next_followers = self._rows[code]
            three: list[Third] = []
            if code in followers:
                three = thirds.get(code, three)
                eight, thirds = followers[code]
            else:
                thirds = _NOTHING
            followers = next_followers
            row = [score for score in eight for _ in range(2)]
            for _, state, second, score in three:
                row[2 * state + second] = score
            table.extend(row)
        return table.tobytes()

    def _choices(self, codes: Iterator[int]) -> tuple[list[int], int]:
        """For every place a bit for each state, 1 if the second of the two before it is better; and the last state."""
        rows = self._rows
        followers, thirds = self._start
        masks: list[int] = []
        bm = be = mm = me = eb = es = sb = -inf
        ss = 0.0
        for code in codes:
            eight, next_followers = rows[code]
            three = None
            two = followers.get(code)
            if two is None:
                thirds = _NOTHING
            else:
                three = thirds.get(code)
                eight, thirds = two
            followers = next_followers
            mask = 0
            to_b, to_m, to_e, to_s = eb, bm, be, es
            if sb > eb:
                to_b = sb
                mask = 3
            if mm > bm:
                to_m = mm
                mask += 12
            if me > be:
                to_e = me
                mask += 48
            if ss > es:
                to_s = ss
                mask += 192
            if three is not None:
                here = (bm, be, mm, me, eb, es, sb, ss)
            bm, be, mm, me, eb, es, sb, ss = eight
            bm += to_b
            be += to_b
            mm += to_m
            me += to_m
            eb += to_e
            es += to_e
            sb += to_s
            ss += to_s
            if three is not None:
                after = [bm, be, mm, me, eb, es, sb, ss]
                for old, state, second, score in three:
                    score += here[old]
                    if score > after[state]:
                        after[state] = score
                        mask = mask & ~(1 << state) | second << state
                bm, be, mm, me, eb, es, sb, ss = after
            masks.append(mask)
        last, highest = 1, be
        for state, score in ((3, me), (5, es), (7, ss)):
            if score > highest:
                last, highest = state, score
        return masks, last


def _counted(name: str, keys: Buffer, counts: Buffer, symbols: int, known: int) -> dict[int, int]:
    """Counts by key; what is no key of so many symbols, or not counted, is refused."""
    found = _items(keys, "Q", name)
    numbers = _sized(counts, "I", len(found), f"counts of {name}")
    before = -1
    for key, count in zip(found, numbers, strict=True):
        if key <= before or not count or not _is_key(key, symbols, known):
            raise ValueError(f"{name}: expected rising keys of known symbols and legal tags, counted, got {key}")
        before = key
    return dict(zip(found, numbers, strict=True))


def _is_key(key: int, symbols: int, known: int) -> bool:
    """Whether symbols and tags can stand in a row; edges stand first, with the tag S."""
    parts = [key >> 2 * symbols + SYMBOL_BITS * place & MOST_SYMBOLS for place in range(symbols - 1, -1, -1)]
    tags = [key >> 2 * place & 3 for place in range(symbols - 1, -1, -1)]
    if key >> (SYMBOL_BITS + 2) * symbols or max(parts) > known:
        return False
    if any(
        not part and (tag != 3 or any(parts[:place])) for place, (part, tag) in enumerate(zip(parts, tags, strict=True))
    ):
        return False
    return all((one << 2 | other) in STATES for one, other in pairwise(tags))


def _share(rows: Any, symbol: int, tag: int) -> float:
    """Of a symbol that is not the edge, whose share is never asked for."""
    share: float = rows[4 * (symbol - 1) + tag] if symbol else 1.0
    return share


def _cut(text: str, masks: list[int], state: int) -> list[str]:
    """The words, from the last to the first: one starts where the state ends with B or S, or the first is the edge."""
    words: list[str] = []
    end = len(text)
    for place, mask in zip(range(end - 1, -1, -1), reversed(masks), strict=True):
        if state >= 4:
            words.append(text[place:end])
            end = place
        state = _ORIGINS[state][mask]
    words.reverse()
    return words
