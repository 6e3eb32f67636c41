"""HMM kernels: the best labelling, the forward and the backward pass, and text in, words out for the four tags.

A model has L labels and S symbols, in buffers of doubles: ``starts`` (L), ``moves`` (L x L, a row for each label
before), ``ends`` (L) and ``emissions`` (S x L, a row for each symbol). For :func:`hmm_path` they are logarithms, with
-inf for what cannot be; for the others probabilities, which are scaled place by place and so need no logarithm
(L. R. Rabiner 1989, "A tutorial on hidden Markov models"). Everything is added and multiplied in a stated order, so
that ``hmm.c`` gives the same bits.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterator
from itertools import islice
from math import frexp, inf, isfinite
from typing import Any, TypeAlias

from .counting import Buffer, _items

__all__ = ["FourTags", "hmm_chances", "hmm_expect", "hmm_path"]

CLASSES = 9
CODE_POINTS = 0x110000
BASIC = 0x10000
PIECE = 1024
UTF16 = "utf-16-le" if sys.byteorder == "little" else "utf-16-be"
MOST_LABELS = 255

Rows: TypeAlias = "list[list[float]]"


def _sized(buffer: Buffer, typecode: str, size: int, name: str) -> Any:
    items = _items(buffer, typecode, name)
    if len(items) != size:
        raise ValueError(f"{name}: expected {size} items, got {len(items)}")
    return items


def _rows(items: Any, width: int) -> Rows:
    return [list(items[place : place + width]) for place in range(0, len(items), width)]


class _Chain:
    """The tables of one call as lists, their sizes checked."""

    def __init__(self, symbols: Buffer, starts: Buffer, moves: Buffer, ends: Buffer, emissions: Buffer) -> None:
        self.starts = list(_items(starts, "d", "starts"))
        self.size = len(self.starts)
        if not 1 <= self.size <= MOST_LABELS:
            raise ValueError(f"starts: expected 1 to {MOST_LABELS} items, got {self.size}")
        self.moves = _rows(_sized(moves, "d", self.size * self.size, "moves"), self.size)
        self.ends = list(_sized(ends, "d", self.size, "ends"))
        rows = _items(emissions, "d", "emissions")
        if len(rows) % self.size:
            raise ValueError(f"emissions: expected rows of {self.size} items, got {len(rows)} items")
        self.emissions = _rows(rows, self.size)
        self.symbols = _items(symbols, "I", "symbols")
        for place, symbol in enumerate(self.symbols):
            if symbol >= len(self.emissions):
                raise ValueError(f"symbols: expected numbers below {len(self.emissions)}, got {symbol} at {place}")

    def sequences(self, lengths: Buffer) -> list[Any]:
        """The symbols of each sequence."""
        sizes = _items(lengths, "I", "lengths")
        if sum(sizes) != len(self.symbols):
            raise ValueError(f"lengths: expected numbers that sum to {len(self.symbols)}, got {sum(sizes)}")
        found, end = [], 0
        for size in sizes:
            found.append(self.symbols[end : end + size])
            end += size
        return found


# ---- the best labelling --------------------------------------------------------------------------------------------


def hmm_path(
    symbols: Buffer, lengths: Buffer, starts: Buffer, moves: Buffer, ends: Buffer, emissions: Buffer
) -> tuple[bytes, bytes]:
    """The best labels of sequences that lie one behind the other in ``symbols`` (uint32), and the score of each.

    Viterbi's algorithm over logarithms; of labels that draw level the first wins. Returns a byte for each symbol and a
    double for each of ``lengths`` (uint32); the score of nothing is 0. O(symbols x L x L). ValueError for a sequence
    that cannot be.

    >>> half = array("d", [-0.5, -0.5])
    >>> moves, emissions = array("d", [-0.1, -2.0, -2.0, -0.1]), array("d", [-0.2, -3.0, -3.0, -0.2])
    >>> labels, scores = hmm_path(array("I", [0, 0, 1]), array("I", [3]), half, moves, half, emissions)
    >>> list(labels), list(array("d", scores))
    ([0, 0, 1], [-3.7])
    """
    chain = _Chain(symbols, starts, moves, ends, emissions)
    labels, scores = bytearray(), array("d")
    for number, sequence in enumerate(chain.sequences(lengths)):
        path, score = _best(chain, sequence) if len(sequence) else (b"", 0.0)
        if score == -inf:
            raise ValueError(
                f"symbols: expected sequences that can be, got none of any probability at sequence {number}"
            )
        labels += path
        scores.append(score)
    return bytes(labels), scores.tobytes()


def _best(chain: _Chain, sequence: Any) -> tuple[bytearray, float]:
    emissions, size = chain.emissions, chain.size
    columns = list(zip(*chain.moves, strict=True))
    scores = [start + emission for start, emission in zip(chain.starts, emissions[sequence[0]], strict=True)]
    backs: list[list[int]] = []
    for symbol in sequence[1:]:
        row = emissions[symbol]
        after, back = [], []
        for label in range(size):
            best, come = -inf, 0
            for before, move in enumerate(columns[label]):
                score = scores[before] + move
                if score > best:
                    best, come = score, before
            after.append(best + row[label])
            back.append(come)
        scores = after
        backs.append(back)
    best, label = -inf, 0
    for last, end in enumerate(chain.ends):
        if scores[last] + end > best:
            best, label = scores[last] + end, last
    path = bytearray(len(sequence))
    path[-1] = label
    for place in range(len(sequence) - 1, 0, -1):
        path[place - 1] = label = backs[place - 1][label]
    return path, best


# ---- all labellings ------------------------------------------------------------------------------------------------


class _Passes:
    """The forward pass over one sequence; ``backward`` is the other."""

    def __init__(self, chain: _Chain, sequence: Any, number: int) -> None:
        self.chain, self.sequence = chain, sequence
        self.forward: Rows = []
        self.scales: list[float] = []
        columns = list(zip(*chain.moves, strict=True))
        row: list[float] = []
        for symbol in sequence:
            emission = chain.emissions[symbol]
            if row:
                after = [_dot(row, column) * share for column, share in zip(columns, emission, strict=True)]
            else:
                after = [start * share for start, share in zip(chain.starts, emission, strict=True)]
            scale = _sum(after)
            _check_scale(scale, number)
            row = [chance / scale for chance in after]
            self.forward.append(row)
            self.scales.append(scale)
        self.end = _dot(row, chain.ends)
        _check_scale(self.end, number)

    def likelihood(self, mantissa: float, exponent: int) -> tuple[float, int]:
        """A product kept in two numbers, times the probability of this sequence."""
        for scale in (*self.scales, self.end):
            mantissa, more = frexp(mantissa * scale)
            exponent += more
        return mantissa, exponent

    def backward(self, visit: Callable[[int, list[float], list[float]], None]) -> None:
        """Call ``visit(place, chances, weights)`` from the last place to the first.

        ``chances`` are the posterior probabilities of the labels there; ``weights`` are, for places but the first, the
        emission of each label times what comes after, scaled, so that the expected number of moves from a to b into
        this place is forward(a) x move(a, b) x weights[b].
        """
        chain = self.chain
        after = [end / self.end for end in chain.ends]
        for place in range(len(self.sequence) - 1, -1, -1):
            emission, scale = chain.emissions[self.sequence[place]], self.scales[place]
            weights = [share * chance / scale for share, chance in zip(emission, after, strict=True)]
            visit(place, [here * rest for here, rest in zip(self.forward[place], after, strict=True)], weights)
            after = [_dot(row, weights) for row in chain.moves]


def _sum(numbers: list[float]) -> float:
    """Added from left to right (the built-in sum() corrects its rounding in later versions of Python)."""
    total = 0.0
    for number in numbers:
        total += number
    return total


def _dot(left: Any, right: Any) -> float:
    total = 0.0
    for one, other in zip(left, right, strict=True):
        total += one * other
    return total


def _check_scale(scale: float, number: int) -> None:
    if not 0.0 < scale < inf:
        raise ValueError(f"symbols: expected sequences that can be, got none of any probability at sequence {number}")


def hmm_chances(
    symbols: Buffer, starts: Buffer, moves: Buffer, ends: Buffer, emissions: Buffer
) -> tuple[bytes, bytes, float, int]:
    """Forward chances and posterior chances of every label at every place of one sequence, and its probability.

    The first are of the label there given all up to there, the second given everything: rows of L doubles each. The
    probability is ``mantissa * 2**exponent``, the last two. O(symbols x L x L).

    >>> half, moves = array("d", [0.5, 0.5]), array("d", [0.5, 0.5, 0.0, 1.0])
    >>> forward, posterior, *likelihood = hmm_chances(array("I", [0, 0]), half, moves, half, array("d", [0.5, 0.25]))
    >>> [round(chance, 3) for chance in array("d", posterior)], likelihood
    ([0.75, 0.25, 0.5, 0.5], [0.5, -3])
    """
    chain = _Chain(symbols, starts, moves, ends, emissions)
    posterior: Rows = [[] for _ in chain.symbols]
    if not posterior:
        return b"", b"", 0.5, 1
    passes = _Passes(chain, chain.symbols, 0)

    def visit(place: int, chances: list[float], weights: list[float]) -> None:
        posterior[place] = chances

    passes.backward(visit)
    return _flat(passes.forward), _flat(posterior), *passes.likelihood(0.5, 1)


def hmm_expect(
    symbols: Buffer, lengths: Buffer, starts: Buffer, moves: Buffer, ends: Buffer, emissions: Buffer
) -> tuple[bytes, bytes, bytes, float, int]:
    """What the sequences are expected to count: first labels (L), moves (L x L), labels of each symbol (S x L).

    The step E of the algorithm of Baum and Welch, and the probability of all sequences as two numbers, as
    :func:`hmm_chances` gives it. O(symbols x L x L).

    >>> half, moves = array("d", [0.5, 0.5]), array("d", [0.5, 0.5, 0.0, 1.0])
    >>> one = array("I", [0, 0]), array("I", [2])
    >>> counts = hmm_expect(*one, half, moves, half, array("d", [0.5, 0.25]))
    >>> [[round(count, 3) for count in array("d", table)] for table in counts[:3]]
    [[0.75, 0.25], [0.5, 0.25, 0.0, 0.25], [1.25, 0.75]]
    """
    chain = _Chain(symbols, starts, moves, ends, emissions)
    size = chain.size
    first = [0.0] * size
    bonds = [[0.0] * size for _ in range(size)]
    spoken = [[0.0] * size for _ in chain.emissions]
    mantissa, exponent = 0.5, 1
    for number, sequence in enumerate(chain.sequences(lengths)):
        if not len(sequence):
            continue
        passes = _Passes(chain, sequence, number)
        mantissa, exponent = passes.likelihood(mantissa, exponent)
        _collect(passes, first, bonds, spoken)
    counts = [[bond * move for bond, move in zip(*rows, strict=True)] for rows in zip(bonds, chain.moves, strict=True)]
    return array("d", first).tobytes(), _flat(counts), _flat(spoken), mantissa, exponent


def _collect(passes: _Passes, first: list[float], bonds: Rows, spoken: Rows) -> None:
    """Add what one sequence is expected to count; moves still without their probability."""

    def visit(place: int, chances: list[float], weights: list[float]) -> None:
        row = spoken[passes.sequence[place]]
        for label, chance in enumerate(chances):
            row[label] += chance
        if not place:
            for label, chance in enumerate(chances):
                first[label] += chance
            return
        for bond, before in zip(bonds, passes.forward[place - 1], strict=True):
            for label, weight in enumerate(weights):
                bond[label] += before * weight

    passes.backward(visit)


def _flat(rows: Rows) -> bytes:
    flat = array("d")
    for row in rows:
        flat.extend(row)
    return flat.tobytes()


# ---- words by the four tags ----------------------------------------------------------------------------------------


class CodeRows:
    """Rows of all characters in a list, by number: that of a character below U+10000 is its code point.

    A list by number takes half the time of a dict by ``str``. What is not known has the row of its class; beyond the
    code points stand those of the classes, then those of the other known characters.
    """

    def __init__(self, characters: str, kinds: bytes) -> None:
        self.kinds = kinds
        self.characters = characters
        self.wide = [character for character in characters if ord(character) >= BASIC]
        self.numbers = {character: BASIC + CLASSES + place for place, character in enumerate(self.wide)}

    def table(self, rows: list[Any]) -> list[Any]:
        """The table, from one row a character, then one a class."""
        known = dict(zip(self.characters, rows, strict=False))
        classes = rows[len(self.characters) :]
        table = [classes[kind] for kind in self.kinds[:BASIC]] + classes + [known[one] for one in self.wide]
        for character, row in known.items():
            if ord(character) < BASIC:
                table[ord(character)] = row
        return table

    def encode(self, lines: list[str]) -> Iterator[Iterator[int]]:
        """The numbers of the rows of each line, to be read to its end before the next: many lines are one piece."""
        for first in range(0, len(lines), PIECE):
            piece = lines[first : first + PIECE]
            text = "".join(piece)
            units = array("H", text.encode(UTF16, "surrogatepass"))
            numbers = iter(units) if len(units) == len(text) else map(self.number, text)
            for line in piece:
                yield islice(numbers, len(line))

    def number(self, character: str) -> int:
        """The number of the row of one character."""
        code = ord(character)
        return code if code < BASIC else self.numbers.get(character, BASIC + self.kinds[code])


class FourTags:
    r"""Words by the tags B, M, E, S of a first-order HMM: Viterbi's algorithm over the eight legal moves.

    Adding a number to all labels of a place, or to all moves into a label and taking it from all moves out of it,
    changes no choice. So the scores are given relative to B, with four moves of score 0: B to M, B to E, S to B and
    S to S. ``scores`` has three doubles, M, E and S, for each of ``characters``, then for each of nine classes;
    ``kinds`` a byte for every code point, the class of a character that is not listed; ``moves`` six doubles: M to M,
    M to E, E to B and E to S, none of them above 0, S at the start and E at the end (there S has 0). All are finite. Of
    two ways that draw level the one from B, or from S, is taken. O(characters of the text).

    >>> scores, moves = array("d", [0.0, 0.0, 1.5, -9.0, 2.0, -2.0] + [0.0] * 27), array("d", [-1.0, -1.0, 0, 0, 0, 0])
    >>> FourTags("我们", scores, bytes(0x110000), moves).segment_lines(["我们我", ""])
    [['我们', '我'], []]
    """

    def __init__(self, characters: str, scores: Buffer, kinds: Buffer, moves: Buffer) -> None:
        if not isinstance(characters, str):
            raise TypeError(f"characters: expected str, got {type(characters).__name__}")
        if len(set(characters)) != len(characters):
            raise ValueError("characters: expected each once, got one again")
        rows = _sized(scores, "d", 3 * (len(characters) + CLASSES), "scores")
        table = bytes(_sized(kinds, "B", CODE_POINTS, "kinds"))
        if max(table) >= CLASSES:
            raise ValueError(f"kinds: expected numbers below {CLASSES}, got {max(table)}")
        self._moves = tuple(_sized(moves, "d", 6, "moves"))
        if not all(map(isfinite, rows)) or not all(map(isfinite, self._moves)):
            raise ValueError("scores, moves: expected finite numbers, got another")
        if max(self._moves[:4]) > 0.0:
            raise ValueError("moves: expected none of the first four above 0, got another")
        self._codes = CodeRows(characters, table)
        self._scores = self._codes.table(list(zip(rows[0::3], rows[1::3], rows[2::3], strict=True)))

    def segment_lines(self, lines: list[str]) -> list[list[str]]:
        """The words of each line; joined they are the line."""
        if not isinstance(lines, list):
            raise TypeError(f"lines: expected list, got {type(lines).__name__}")
        for line in lines:
            if not isinstance(line, str):
                raise TypeError(f"text: expected str, got {type(line).__name__}")
        encoded = self._codes.encode(lines)
        return [_cut(line, *self._choices(codes)) if line else [] for line, codes in zip(lines, encoded, strict=True)]

    def _choices(self, codes: Iterator[int]) -> tuple[list[int], bool]:
        """For each place where its best labels come from, and whether the last label is E.

        1: M from M, not B; 2: E from M, not B; 4: S from E, not S; 8: B from E, not S.
        """
        go_on, close, to_b, to_s, single, last = self._moves
        table = self._scores
        # Scores of M, E and S at the place before, less that of B there; ``start`` is that of B here, as long.
        m, e, s = -inf, -inf, single + table[next(codes)][2]
        choices = [0]
        # Many additions are never needed: what is not ahead before a move that is not above 0 is not ahead after it.
        for code in codes:
            m_score, e_score, s_score = table[code]
            if e > s:
                start = e + to_b
                alone = e + to_s
                if start > s:
                    if alone > s:
                        s = alone - start + s_score
                        choice = 12
                    else:
                        s = s - start + s_score
                        choice = 8
                else:
                    start = s
                    if alone > s:
                        s = alone - start + s_score
                        choice = 4
                    else:
                        s = s_score
                        choice = 0
            else:
                start = s
                s = s_score
                choice = 0
            if m > 0.0:
                longer = m + go_on
                end = m + close
                if end > 0.0:
                    e = end + e_score - start
                    choice += 2
                else:
                    e = e_score - start
                if longer > 0.0:
                    m = longer + m_score - start
                    choice += 1
                else:
                    m = m_score - start
            else:
                m = m_score - start
                e = e_score - start
            choices.append(choice)
        return choices, e + last > s


_LONGER, _LONG = (frozenset(choice for choice in range(16) if choice & flag) for flag in (1, 2))


def _cut(text: str, choices: list[int], by_end: bool | int) -> list[str]:
    """The words, from the last to the first; ``by_end`` says whether the label before the place is E, else S."""
    words: list[str] = []
    end = len(text)
    while end:
        if by_end:
            behind = end
            end -= 2
            if choices[end + 1] in _LONG:
                while choices[end] in _LONGER:
                    end -= 1
                end -= 1
            words.append(text[end:behind])
            by_end = choices[end] >= 8
        else:
            end -= 1
            words.append(text[end])
            by_end = choices[end] & 4
    words.reverse()
    return words
