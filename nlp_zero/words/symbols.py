"""Text as symbols: two bytes a character, the form in which words are sought.

Statistics see a text as a sequence of symbols (符号). A character of words is one symbol; a run of digits, four digits
(a year), a run of Latin letters are one symbol each, whatever stands in them, because their spelling says nothing
about the words around them. Everything else is a *known boundary* (已知边界) and keeps its own id, so that the text
can be read back from the ids to the character.

A word that holds such a run is kept as a *shape* (词形): the run is written as one of the noncharacters
:data:`NUMBER`, :data:`YEAR`, :data:`LATIN`, which no text contains; ``NUMBER + "元"`` stands for 5元, 12.50元, ...
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from .. import kernels
from ..text import characters

__all__ = ["LATIN", "NUMBER", "NUMERALS", "RARE", "WORD_LIMIT", "YEAR", "SymbolText", "is_shape", "readable", "roles"]

NUMBER, YEAR, LATIN, RARE = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3"
"""The runs inside shapes: digits, four digits, Latin letters, a character beyond the 61,000 commonest."""

WORD_LIMIT = 0xF000
"""Ids below it (but not 0, a line end) are symbols of words, the others known boundaries."""

NUMERALS = "一二三四五六七八九十百千万萬亿億零〇○"
"""Characters that numbers are written with; one alone is a word, or a part of one, like others."""

_RUN_IDS = {1: NUMBER, 2: YEAR, 3: LATIN, 4: RARE}
_PLACEHOLDERS = frozenset(_RUN_IDS.values())
_FIRST_ID, _LAST_ID = 8, 0xFFFE
_SPECIAL = frozenset((*_RUN_IDS, 0xFFFF))

# The role of each class of characters, as `kernels.encode` wants it: 0 boundary, 1 word, 2 digit, 3 Latin letter.
_CLASS_ROLES = {
    characters.HAN: 1,
    characters.KANA: 1,
    characters.LETTER: 1,
    characters.MARK: 1,
    characters.DIGIT: 2,
    characters.LATIN: 3,
}


@cache
def roles(numerals: bool = False) -> bytes:
    """The role of every code point in symbol sequences: 0 boundary, 1 word, 2 digit, 3 Latin letter, 4 a mark that
    joins digits (. : /), 5 a sign that ends a number (%), 6 a numeral (三), if ``numerals`` are wanted.

    >>> [roles()[ord(character)] for character in "，汉9a.%"], roles()[ord("三")], roles(numerals=True)[ord("三")]
    ([0, 1, 2, 3, 4, 5], 1, 6)
    """
    table = bytearray(characters.class_table().translate(bytes(_CLASS_ROLES.get(code, 0) for code in range(256))))
    for role, members in ((1, "○"), (4, ".:/．：／"), (5, "%‰％")):  # ○: the zero of 二○○八年
        for character in members:
            table[ord(character)] = role
    for character in NUMERALS if numerals else "":
        table[ord(character)] = 6
    return bytes(table)


def is_shape(word: str) -> bool:
    """Whether a word is a shape, that is, holds a placeholder of a run.

    >>> is_shape(NUMBER + "元"), is_shape("5元")
    (True, False)
    """
    return not _PLACEHOLDERS.isdisjoint(word)


_READABLE = str.maketrans({NUMBER: "〈number〉", YEAR: "〈year〉", LATIN: "〈latin〉", RARE: "〈rare〉"})


def readable(word: str) -> str:
    """A word for people: placeholders by their names.

    >>> readable(NUMBER + "月" + NUMBER + "日"), readable("研究")
    ('〈number〉月〈number〉日', '研究')
    """
    return word.translate(_READABLE)


class SymbolText:
    """A growing text as symbol ids: 2 bytes a symbol, and the runs beside them.

    ``ids`` is an ``array('H')``; ``runs[k]`` is the text of the k-th run, which stands at ``ids[places[k]]``. With
    ``numerals`` two or more :data:`NUMERALS` side by side are a number, unless a digit stands beside them.

    >>> text = SymbolText(["花了1998元。"])
    >>> len(text.ids), text.runs, text.word(2, 2) == YEAR + "元", text.string(2, 2)
    (6, ['1998'], True, '1998元')
    """

    def __init__(self, lines: Iterable[str] = (), *, numerals: bool = False) -> None:
        self.numerals = numerals
        self.ids = array("H")
        self.runs: list[str] = []
        self.places = array("I")
        self._table = array("H", bytes(2 * 0x110000))
        self._points = array("I", bytes(4 * 0x10000))
        self._state = array("I", (_FIRST_ID, _LAST_ID, 0))
        self._names = _Names(self._points)
        self._bytes: bytes | None = None
        self.extend(lines)

    def extend(self, lines: Iterable[str]) -> None:
        """Append lines (or blocks of lines joined by line ends); each ends in a known boundary."""
        batch: list[str] = []
        size = 0
        for line in lines:
            batch.append(line)
            size += len(line)
            if size > 1 << 20:
                self._append("\n".join(batch))
                batch, size = [], 0
        if batch:
            self._append("\n".join(batch))

    def _append(self, block: str) -> None:
        coded, spans = kernels.encode(block + "\n", roles(self.numerals), self._table, self._points, self._state)
        base = len(self.ids)
        self._bytes = None
        self.ids.frombytes(coded)
        bounds = array("I", spans)
        self.places.extend(base + place for place in bounds[::3])
        self.runs.extend(block[start:end] for start, end in zip(bounds[1::3], bounds[2::3], strict=True))

    def append(self, other: SymbolText) -> None:
        """Append a text with another numbering of its characters; O(n)."""
        self.extend(other.lines())

    @property
    def size(self) -> int:
        """Number of symbols of words."""
        return self._state[2]

    @property
    def variety(self) -> int:
        """Number of different characters of words; numbers and runs of Latin letters are left out."""
        return self._state[0] - _FIRST_ID

    @property
    def alphabet(self) -> str:
        """The characters of words in the order of their ids, of which the first is 8."""
        return "".join(map(chr, self._points[_FIRST_ID : self._state[0]]))

    def shapes(self, words: Sequence[str]) -> list[str]:
        """Texts with placeholders for their runs; empty for one that has a character that is not of words, or new here.

        >>> SymbolText(["5元"]).shapes(["30元", "元", "角"]) == [NUMBER + "元", "元", ""]
        True
        """
        if not words:
            return []
        found = [""]
        for symbol in array("H", self._coded("\n".join(words))):
            if not symbol:
                found.append("")
            elif symbol in _RUN_IDS or symbol < self._state[0]:
                found[-1] += self._names[symbol]
            else:
                found[-1] += "\n"
        return ["" if "\n" in shape else shape for shape in found]

    def word(self, position: int, length: int) -> str:
        """The symbols as a word: characters, and placeholders for runs."""
        return "".join(map(self._names.__getitem__, self.ids[position : position + length]))

    def string(self, position: int, length: int) -> str:
        """The text of symbols to the character, line ends included; O(length + log runs)."""
        run = bisect_left(self.places, position)
        parts = []
        for symbol in self.ids[position : position + length]:
            if symbol in _SPECIAL:
                parts.append(self.runs[run])
                run += 1
            else:
                parts.append(chr(self._points[symbol]) if symbol else "\n")
        return "".join(parts)

    def contexts(self, word: str, width: int) -> Iterator[tuple[str, str]]:
        """What stands before and after each occurrence of a word, up to ``width`` symbols of the same line."""
        raw, wanted = self._raw(), self._coded(word)
        place = raw.find(wanted) if wanted else -1
        size = len(wanted) // 2
        while place >= 0:
            if place % 2 == 0 and self.string(place // 2, size) == word:
                yield self._around(place // 2, size, width)
            place = raw.find(wanted, place + 1)

    def codes(self, words: Iterable[str]) -> list[str]:
        """The symbol ids of words, as ``chr(id)`` each; empty for a word that no text could hold as one.

        >>> text = SymbolText(["山水"])
        >>> [tuple(map(ord, code)) for code in text.codes(["水", "水，"])]
        [(9,), ()]
        """
        words = list(words)
        ids = array("H", self._coded("\n".join(words)))
        codes = "".join(map(chr, ids)).split("\0") if words else []
        if len(codes) != len(words):
            raise ValueError("words: expected words without line ends")
        return [code if all(ord(symbol) < WORD_LIMIT for symbol in code) else "" for code in codes]

    def _raw(self) -> bytes:
        if self._bytes is None:
            self._bytes = self.ids.tobytes()
        return self._bytes

    def _coded(self, word: str) -> bytes:
        """The ids of a word, none of which are given out for it."""
        coded, _ = kernels.encode(word, roles(self.numerals), self._table[:], self._points[:], self._state[:])
        return bytes(coded)

    def _around(self, place: int, size: int, width: int) -> tuple[str, str]:
        start, end = place, place + size
        while start > 0 and place - start < width and self.ids[start - 1]:
            start -= 1
        while end < len(self.ids) and end - place - size < width and self.ids[end]:
            end += 1
        return self.string(start, place - start), self.string(place + size, end - place - size)

    def sample(self, size: int) -> list[str]:
        """Pieces from all over the text, of some ``size`` symbols together; all of it if there are fewer."""
        if len(self.ids) <= size:
            return list(self.lines())
        length = size // 20
        return [self.string((len(self.ids) - length) * number // 19, length) for number in range(20)]

    def lines(self) -> Iterator[str]:
        """The text line by line."""
        start = 0
        for _ in range(self.ids.count(0)):
            end = self.ids.index(0, start)
            yield self.string(start, end - start)
            start = end + 1


class _Names(dict[int, str]):
    """What each id stands for in a word: a character, or the placeholder of a run."""

    def __init__(self, points: array[int]) -> None:
        super().__init__(_RUN_IDS)
        self._points = points

    def __missing__(self, symbol: int) -> str:
        name = self[symbol] = chr(self._points[symbol])
        return name
