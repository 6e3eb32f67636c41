"""Clustering kernels: classes of words by exchange.

A word is known by the company it keeps. Put every word in one of a few *classes* and let a word depend on the class of
the word before it alone: p(w | u) = p(w | class w) p(class w | class u). Among all ways to assign the classes, the most
likely one is that which maximises

    sum over c, c' of F(N(c, c'))  -  sum over c of F(N(c .))  -  sum over c of F(N(. c)),      F(n) = n ln n,

where N(c, c') counts the places where a word of class c stands before one of class c'; up to terms that depend on the
words alone this is the log likelihood of the text, and (per place) the mutual information of neighbouring classes.
The *exchange* algorithm takes one word after the other, most frequent first, out of its class and puts it where the
objective is greatest, until a pass moves hardly any. It is k-means for words.

R. Kneser & H. Ney 1993, "Improved clustering techniques for class-based statistical language modelling" (the exchange);
P. Brown et al. 1992, "Class-based n-gram models of natural language" (the objective, by merging instead); S. Martin,
J. Liermann & H. Ney 1998, "Algorithms for bigram and trigram word clustering" (how to do it fast: only the counts
between a word and the classes that stand beside it are touched).

F is kept in whole units of 2**-16, so that sums depend neither on the order of addition nor on the platform and the
objective of every move is exact; ``clustering.c`` gives the same bytes. A *type* is whatever is to be classified: a
number from 0 up; type 0 is the edge of a chunk (of a clause, of a line), alone in class 0.
"""

from __future__ import annotations

from array import array
from collections import Counter
from itertools import chain, compress, count
from math import floor, log
from operator import add
from sys import byteorder

from .counting import Buffer, _items

__all__ = ["exchange", "word_types"]

NONE = 0xFFFFFFFF
MAX_CLASSES = 1024
LEAST = 1 << 62  # is added to gains that may be below 0
MOST_KEPT, KEPT = 32, 1 << 19  # of the Python engine: rows kept of each class, and numbers of all of them


def word_types(index: Buffer, width: int, lengths: Buffer, counts: Buffer, min_count: int) -> tuple[bytes, bytes]:
    """A segmentation as a sequence of types, as :func:`exchange` wants it, and the word of each type. Both uint32.

    ``index`` (uint32) holds the id of the substring of n symbols at place i at ``i * width + n - 1``, 0xFFFFFFFF where
    there is none; ``lengths`` (bytes) has the length of a word at its first symbol and 0 elsewhere; ``counts`` (int32)
    says how often each id is a word. Type 0 stands at the edges of chunks, once between two chunks; type n is the pool
    of all words of n symbols that are rarer than ``min_count``; the other words have the types from ``width`` + 1 up,
    in the order of their ids. The words of the types 0 to ``width`` are given as 0xFFFFFFFF. O(symbols + ids).

    Two chunks, ab a and ab, of the substrings a (id 0), ab (1) and b (2):

    >>> index = array("I", [0, 1, 2, NONE, 0, NONE, NONE, NONE, 0, 1, 2, NONE])
    >>> tokens, words = word_types(index, 2, bytes([2, 0, 1, 0, 2, 0]), array("i", [1, 2, 0]), 2)
    >>> list(array("I", tokens)), list(array("I", words))[2:]
    ([0, 3, 1, 0, 3, 0], [4294967295, 1])
    """
    if not 1 <= width <= 255:
        raise ValueError(f"width: expected 1 to 255, got {width}")
    if min_count < 1:
        raise ValueError(f"min_count: expected 1 or more, got {min_count}")
    substrings, sizes = _items(index, "I", "index"), _items(lengths, "B", "lengths")
    numbers = _items(counts, "i", "counts")
    if len(substrings) != len(sizes) * width:
        raise ValueError(f"index: expected {len(sizes) * width} items, got {len(substrings)}")
    words = list(compress(count(), map(min_count.__le__, numbers)))
    type_of = dict(zip(words, count(width + 1), strict=False))
    tokens = array("I", (0,))
    for place, (length, symbol) in enumerate(zip(sizes, substrings[::width], strict=True)):
        if length:
            if length > width:
                raise ValueError(f"lengths: expected at most {width}, got {length} at {place}")
            word = substrings[place * width + length - 1]
            if word >= len(numbers):
                raise ValueError(f"index: expected an id below {len(numbers)}, got {word} for the word at {place}")
            tokens.append(type_of.get(word, length))
        elif symbol == NONE and tokens[-1]:
            tokens.append(0)
    if tokens[-1]:
        tokens.append(0)
    return tokens.tobytes(), array("I", [NONE] * (width + 1) + words).tobytes()


# ---- exchange ------------------------------------------------------------------------------------------------------


def count_log(number: int) -> int:
    """F: n ln n in units of 2**-16, to the nearest.

    >>> count_log(8) / 65536
    16.635528564453125
    """
    return 0 if number < 2 else floor(number * log(number) * 65536.0 + 0.5)


def exchange(tokens: Buffer, classes: Buffer, class_count: int, passes: int, least_moves: int) -> tuple[bytes, bytes]:
    """Classes of types by exchange: the class of every type (uint16), and how many moved in each pass (uint32).

    ``tokens`` (uint32) is the text as types; before its first and after its last an edge is understood, and an edge
    beside an edge counts for nothing. ``classes`` (uint16) is where to start: 0 for type 0, 1 to ``class_count`` - 1
    for the others (at most 1024 classes in all). Each pass takes the types in order of frequency (the lower number
    first where they tie) and moves each to the class with the greatest objective, if that is greater than where it is;
    the lowest class of equals. Stops after ``passes`` passes, or after one with fewer than ``least_moves`` moves.

    O(passes x class_count x the classes beside each type, summed over types). A type that never occurs stays.

    Types 1 and 2 stand before types 3 and 4:

    >>> tokens = array("I", [1, 3, 0, 1, 4, 0, 2, 3, 0, 2, 4])
    >>> classes, moves = exchange(tokens, array("H", [0, 1, 2, 2, 2]), 3, 8, 1)
    >>> list(array("H", classes)), list(array("I", moves))
    ([0, 1, 1, 2, 2], [1, 0])
    """
    if not 2 <= class_count <= MAX_CLASSES:
        raise ValueError(f"class_count: expected 2 to {MAX_CLASSES}, got {class_count}")
    text, start = _items(tokens, "I", "tokens"), _items(classes, "H", "classes")
    if not len(start):
        raise ValueError("classes: expected at least one item, 0 for the edge, got 0 items")
    if len(text) >> 31:
        raise OverflowError(f"tokens: expected less than 2**31 items, got {len(text)}")
    for number, group in enumerate(start):
        if (group > 0) != (number > 0) or group >= class_count:
            expected = f"1 to {class_count - 1}" if number else "0"
            raise ValueError(f"classes: expected {expected} for type {number}, got {group}")
    for place, token in enumerate(text):
        if token >= len(start):
            raise ValueError(f"tokens: expected a type below {len(start)}, got {token} at {place}")
    state = _Classes(text, start, class_count)
    order = [number for number in range(1, len(start)) if state.counts[number]]
    order.sort(key=lambda number: -state.counts[number])
    moves = array("I")
    for _ in range(passes):
        moves.append(sum(map(state.move, order)))
        if moves[-1] < least_moves:
            break
    return array("H", state.classes).tobytes(), moves.tobytes()


class _Rows:
    """What some number more adds to F of each count of a row: one long integer with 64 bits a class.

    Rows are summed as long integers, which is ten times as fast as number by number; no sum reaches 2**63. Those of
    small numbers are kept, and the counts that have changed are made good when a row is next asked for.
    """

    def __init__(self, table: list[list[int]], logs: array[int]) -> None:
        self.table, self.logs = table, logs
        self.changed = [array("H") for _ in table]  # of each row, the classes whose count has changed
        self.kept: list[dict[int, _Row]] = [{} for _ in table]
        self.most = max(1, min(MOST_KEPT, KEPT // (len(table) * len(table[0]))))

    def sums(self, numbers: dict[int, int]) -> list[int]:
        """The rows of these classes, each for its number."""
        return list(map(self._row, numbers, numbers.values()))

    def _row(self, group: int, number: int) -> int:
        changed, counts, logs = self.changed[group], self.table[group], self.logs
        row = self.kept[group].get(number)
        if row is None or len(changed) - row.known > len(counts):
            sums = array("Q", [logs[count + number] - logs[count] for count in counts])
            row = _Row(sums, len(changed))
            if number <= self.most:
                self.kept[group][number] = row
        elif row.known < len(changed):
            sums = row.sums
            for other in set(changed[row.known :]):
                count = counts[other]
                sums[other] = logs[count + number] - logs[count]
            row.packed, row.known = _packed(sums), len(changed)
        return row.packed


class _Row:
    """A row that is kept: its numbers, the same packed, and how many changes they know of."""

    __slots__ = ("known", "packed", "sums")

    def __init__(self, sums: array[int], known: int) -> None:
        self.sums, self.packed, self.known = sums, _packed(sums), known


def _packed(numbers: array[int]) -> int:
    return int.from_bytes(numbers.tobytes(), byteorder)


class _Classes:
    """The classes of the types, and all counts that the objective is made of."""

    def __init__(self, tokens: array[int], classes: array[int], class_count: int) -> None:
        self.classes = list(classes)
        self.counts = [0] * len(classes)  # of the tokens of each type
        self.followers: list[dict[int, int]] = [{} for _ in classes]  # by type, how often each other type follows
        self.leaders: list[dict[int, int]] = [{} for _ in classes]
        self.doubles = [0] * len(classes)  # how often each type follows itself
        self.joint = [[0] * class_count for _ in range(class_count)]  # N(c, c') at [c][c']
        self.turned = [[0] * class_count for _ in range(class_count)]  # N(c, c') at [c'][c]
        self.sizes = [0] * class_count  # N(c .), which is N(. c)
        for token, number in Counter(tokens).items():
            self.counts[token] = number
            if token:
                self.sizes[classes[token]] += number
        # F of all counts there can be: of a cell, and the same with a type on both sides.
        self.logs = array("q", map(count_log, range(len(tokens) + 2 * max(self.counts[1:], default=0) + 2)))
        size = len(classes)
        pairs = Counter(map(add, map(size.__mul__, chain((0,), tokens)), chain(tokens, (0,))))
        for pair, number in pairs.items():
            left, right = divmod(pair, size)
            self._count(left, right, number)
        self.after, self.before = _Rows(self.turned, self.logs), _Rows(self.joint, self.logs)
        self.losses = _Rows([self.sizes], self.logs)
        self.least = _packed(array("Q", [LEAST]) * class_count)

    def _count(self, left: int, right: int, number: int) -> None:
        if left == right == 0:
            return
        if left == right:
            self.doubles[left] = number
        else:
            self.followers[left][right] = self.leaders[right][left] = number
        self.joint[self.classes[left]][self.classes[right]] += number
        self.turned[self.classes[right]][self.classes[left]] += number

    def move(self, word: int) -> bool:
        """Put a type where the objective is greatest; whether that is another class."""
        home = self.classes[word]
        after, before = self._by_class(self.followers[word]), self._by_class(self.leaders[word])
        gains = self._gains(word, home, after, before)
        most = max(gains[1:])
        if most <= gains[home]:
            return False
        best = gains.index(most, 1)
        self._add(word, home, after, before, -1)
        self._add(word, best, after, before, 1)
        self.classes[word] = best
        return True

    def _by_class(self, neighbours: dict[int, int]) -> dict[int, int]:
        classes = self.classes
        numbers: dict[int, int] = {}
        for other, number in neighbours.items():
            group = classes[other]
            numbers[group] = numbers.get(group, 0) + number
        return numbers

    def _add(self, word: int, group: int, after: dict[int, int], before: dict[int, int], sign: int) -> None:
        """Add the counts of a type (sign 1) to a class, or take them out (-1)."""
        for other, number in after.items():
            self._add_cell(group, other, sign * number)
        for other, number in before.items():
            self._add_cell(other, group, sign * number)
        if self.doubles[word]:
            self._add_cell(group, group, sign * self.doubles[word])
        self.sizes[group] += sign * self.counts[word]
        self.losses.changed[0].append(group)

    def _add_cell(self, left: int, right: int, number: int) -> None:
        self.joint[left][right] = self.turned[right][left] = self.joint[left][right] + number
        self.before.changed[left].append(right)
        self.after.changed[right].append(left)

    def _gains(self, word: int, home: int, after: dict[int, int], before: dict[int, int]) -> array[int]:
        """What each class gains by a type that is in none, plus LEAST.

        The counts still have the type in its class: what comes of that is put right one by one.
        """
        lost = 2 * self.losses.sums({0: self.counts[word]})[0]
        total = sum(self.before.sums(before), sum(self.after.sums(after), self.least - lost))
        gains = array("Q", total.to_bytes(8 * len(self.sizes), byteorder))
        logs, double = self.logs, self.doubles[word]
        for one, others, row in ((after, before, self.turned[home]), (before, after, self.joint[home])):
            number = one.get(home, 0)
            for group, other in others.items() if number else ():
                count = row[group]
                gains[group] += logs[count - other + number] - logs[count - other] - logs[count + number] + logs[count]
        # Among themselves the words of a class meet in one count, which is no sum of the two above.
        for group in range(1, len(gains)) if double else after.keys() & before.keys():
            here, right, left = self.joint[group][group], after.get(group, 0), before.get(group, 0)
            gains[group] += logs[here + right + left + double] - logs[here + right] - logs[here + left] + logs[here]
        gains[home] = self._home_gain(word, home, after, before) + LEAST
        return gains

    def _home_gain(self, word: int, home: int, after: dict[int, int], before: dict[int, int]) -> int:
        """What its own class has of a type."""
        logs, row, column = self.logs, self.joint[home], self.turned[home]
        size, number = self.sizes[home], self.counts[word]
        gain = -2 * (logs[size] - logs[size - number])
        for numbers, counts in ((after, row), (before, column)):
            for group, number in numbers.items():
                if group != home:
                    gain += logs[counts[group]] - logs[counts[group] - number]
        here = row[home]
        return gain + logs[here] - logs[here - after.get(home, 0) - before.get(home, 0) - self.doubles[word]]
