"""All words of a lexicon in a text, and the best way through them (词图 and its best path).

The text is a lattice. Its nodes are the places between characters; an edge says "from here to there is one word" and
has a score in nats. The :class:`Segmenter` is made once, from a lexicon; after that text goes in and words come out,
so that nothing crosses the line between Python and C character by character.

**Kinds.** The caller gives a table with one byte for every code point: the class codes 0 to 8 of the characters, which
are OTHER, SPACE, PUNCTUATION, HAN, LATIN, DIGIT, KANA, LETTER, MARK, and more kinds that only this file needs:
SEPARATOR (``.`` ``:`` ``/`` ``,`` between digits) and PERCENT, which are otherwise PUNCTUATION; JOINER (U+200D), which
is otherwise a MARK; REGIONAL (half a flag) and PICTOGRAPH (a base of emoji), which are otherwise OTHER; NUMERAL (such
as 三), which is otherwise HAN.

**Atoms.** From left to right the text falls into atoms, the words that nobody listed. With E for marks and joiners::

    HAN E*                        one Han character with its variation selectors
    LATIN (LATIN|E)*              a run of Latin letters; so with KANA, with LETTER, and SPACE without marks
    DIGIT (DIGIT|E|SEPARATOR DIGIT|COMMA)* (PERCENT E*)?       a number: 3.14, 12:30, 50%; a comma belongs to it that
                                  has exactly three digits behind it and at most three before: 1,234,567
    NUMERAL NUMERAL+              a number as well, of class DIGIT: 二十三; not if a digit stands before or behind it,
                                  nor a mark or joiner behind it
    same punctuation mark, one or more times, E*               ……, !!!
    PICTOGRAPH E* (PICTOGRAPH E*, if a joiner stands before)*  an emoji of any make; skin tones and tags are marks
    REGIONAL REGIONAL? E*         a flag
    OTHER E*                      anything else: one character with its marks
    E+                            marks with nothing, or white space, before them

Where ``runs`` has 0 for a class, its runs fall into single characters, each with the marks that follow it.

**Edges.** (1) Each word of the lexicon wherever it stands, unless it begins or ends at a closed place. Closed are the
places before a mark, inside an emoji or a flag, and, if ``whole``, inside a run of Latin letters or inside a number,
its percent sign included. (2) From the start of an atom, or an open place inside it, to the end of the atom; and also
to any place inside the atom where a word starts, if that is at most 32 characters away. Such an unknown edge
over ``length`` characters scores ``a + b * length`` with the a and b of its class. It gives way where the lexicon has
the same stretch as a word. (3) Shapes. So there is at most one edge between two places, and always a path.

**Shapes** are words in which a noncharacter stands for any one whole atom: U+FDD1 for a year, an atom of exactly four
digits; U+FDD0 for every other number; U+FDD2 for a run of Latin letters. All else in them matches itself, but not a
number or a Latin run, nor a part of one: those match by their placeholder alone, so a stretch has at most one shape.
Where ``runs`` has 0 for the class there are no whole atoms, and its characters are as ordinary as any. A shape scores
as a word, and like a word it neither begins nor ends at a closed place, and an unknown edge gives way to it; a word
spelt out over the same stretch takes its place. In text the placeholders (and U+FDD3, with which a lexicon may write
a rare character) match nothing; forced words that hold one are passed over. The edges of shapes are found apart,
before the best path: from each run at most the longest lead of a shape back, and on behind it for as long as some
shape goes on.

**Best path.** The dynamic program runs from right to left, ``best[i] = max(score(i, j) + best[j])``, so that the path
is read off from left to right. Ties: the higher score, then fewer words, then the longer first word. Both engines add
in this order, so scores agree to the bit. Time is O(characters times the longest match), memory O(characters).

**Context.** With it a word is also weighed by what stands around it. It has fourteen parts:

* ``lefts`` and ``rights``, a byte for each word: the class that it shows to the word before, and to the one behind;
  ``joints``, four bytes (uint32) for each: bit k stands for the gap k + 1 characters behind its start, which counts as
  an end of a word as well, as in a word that is made of several;
* ``pools``: the class of an unknown word of 1, 2, ... characters, the last of them also of longer ones; an unknown
  number or Latin run counts as one character, and all that is no word (classes OTHER, SPACE, PUNCTUATION) has class 0;
* ``ratios``, float32, classes x classes: the score of a word that shows a class on its right before one that shows a
  class on its left. Before the first word of a text, and behind its last, stands class 0;
* ``alphabet``, ``skips``, ``weights``, ``bits``, ``unit``, ``limit``: the expert of
  :mod:`nlp_zero.kernels.experts`. The first character of the alphabet is symbol 8, the next 9, ...; the symbols of
  runs are those of shapes, 1 to 3; a character of words that the alphabet has not is symbol 4, any other is an edge. Of
  the 2**bits weights ``skips`` says how many are 0 before the next of ``weights`` (signed bytes; 255: so many, and here
  is none either). The odds of a gap, the sum of its weights times ``unit``, kept within +-``limit``, are added to the
  score of a word that ends there;
* ``spelling``, ``extents``, ``most``: a stretch of 2 or more Han characters that the lexicon does not have is a word as
  well, unless the odds of some gap inside it are above ``most``. It scores ``extents[length - 1]`` and for each
  character, by its symbol, one of the three numbers of ``spelling``: the first for the first character, the third
  for the last, the second for the others (all float32). ``extents`` ends at the longest of them.

The score of a path is the sum of these. ``best`` then has a state for each class that a first word can show, and ties
are broken as above: the higher score, then fewer words, then the longer first word, then the longer second word, ...
Time is O(characters times the longest match times the states of a place), which are 2 or 3 in a usual text.

**Forced words** are found first: at each open place the longest forced word that ends at an open place, and on from its
end. They are words, whatever the lexicon says; each stretch between them is a text by itself.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from itertools import pairwise
from math import copysign, isqrt
from operator import index as integer
from typing import Any, Literal

from .experts import MASKS, SALTS

__all__ = ["Segmenter"]

OTHER, SPACE, PUNCTUATION, HAN, LATIN, DIGIT, KANA, LETTER, MARK = range(9)
SEPARATOR, PERCENT, JOINER, REGIONAL, PICTOGRAPH, COMMA, NUMERAL = range(9, 16)
CLASSES = 9
CODE_POINTS = 0x110000

STRETCH = 32
"""The longest unknown edge that ends inside an atom, in characters: it keeps the lattice linear in the text."""

LIMIT = 1e9
"""The largest score, in nats, so that no sum overflows."""

MAX_LENGTH = 1000
"""The longest word, in characters."""

MAX_CHARACTERS = 2**31 - 2

FIRST_SYMBOL, MOST_SYMBOLS, SPELT_MOST = 8, 0xEFF8, 16
SYMBOL_NUMBER, SYMBOL_YEAR, SYMBOL_LATIN, SYMBOL_RARE = 1, 2, 3, 4

UNKNOWN, FORCED = -1, -2
"""What stands for the number of the word in an edge of :meth:`Segmenter.lattice` that is no word of the lexicon."""

NUMBER, YEAR, LETTERS, RARE = PLACEHOLDERS = "\ufdd0\ufdd1\ufdd2\ufdd3"
"""What stands for runs in shapes."""

_INNER = 1  # no atom starts here
_CLOSED = 2  # no word of the lexicon starts or ends here
_STARTS = 4  # a word of the lexicon starts here, inside an atom or at its start

_EXTENDERS = bytes((MARK, JOINER))
_OTHERWISE = (PUNCTUATION, PUNCTUATION, MARK, OTHER, OTHER, PUNCTUATION, HAN)
_CLASS_OF_KIND = bytes((*range(CLASSES), *_OTHERWISE)).ljust(256, b"\0")

# Atoms of two or more characters, over a string of kinds; the name of the group is the number of the class.
_ATOM = re.compile(
    rb"""(?P<emoji> \x0d [\x08\x0b]+ (?: (?<=\x0b) \x0d [\x08\x0b]* )* | \x0c \x0c [\x08\x0b]* )
       | (?P<number> \x05 (?: [\x08\x0b] | \x09?\x05 | (?<! \x05{4}) \x0e (?= \x05{3} (?!\x05) ) )*
                     (?: \x0a [\x08\x0b]* )? )
       | (?P<numerals> (?<! [\x05\x0f] ) \x0f {2,} (?! [\x05\x08\x0b\x0f] ) )
       | (?P<latin> \x04 [\x04\x08\x0b]+ ) | (?P<kana> \x06 [\x06\x08\x0b]+ ) | (?P<letter> \x07 [\x07\x08\x0b]+ )
       | (?P<space> \x01 {2,} )
       | (?P<marks> [\x08\x0b] {2,} )
       | (?P<punctuation> [\x02\x09\x0a\x0e]+ (?: [\x02\x09\x0a\x0e] | [\x08\x0b]+ ) )
       | (?P<single> [\x00\x03\x0c\x0f] [\x08\x0b]+ )""",
    re.VERBOSE | re.DOTALL,
)
_REPEATED = re.compile(r"(.)\1*", re.DOTALL)
_PLACEHOLDER = re.compile(f"[{PLACEHOLDERS}]")
_RUN_START = re.compile(rb"[\x04\x05]")

Edges = tuple[bytes, ...]
State = tuple[int, float, int, int, Any]
"""The class that its first word shows, the score to the end, words to the end, length of the first, state behind it."""
Company = tuple[int, float, int, int]
"""An edge in context: its end, its score with the odds, the classes that it shows to the left and to the right."""
Entry = tuple[float, int, int, int]
"""A word in context: its score, its classes, its joints."""

_WORD = (1 << 64) - 1
_LAST = 0x0000FFFFFFFFFFFF
_SECOND, _THIRD = 0x0000FFFF00000000, 0x00000000FFFF0000
_REMEMBERED = 1 << 18  # triples of symbols, in the pure engine

_WORD_CLASSES = frozenset((HAN, KANA, LETTER, MARK))
_RUN_CLASSES = frozenset((LATIN, DIGIT))


def _numbers(name: str, values: Any, count: int) -> array[float]:
    view = memoryview(values)
    if view.format != "d" or view.ndim != 1 or not view.c_contiguous:
        raise TypeError(f"{name}: expected a buffer of doubles, such as array('d'), got format '{view.format}'")
    if len(view) != count:
        raise ValueError(f"{name}: expected {count} numbers, got {len(view)}")
    numbers = array("d", view)
    for index, value in enumerate(numbers):
        if not -LIMIT <= value <= LIMIT:
            raise ValueError(f"{name}: expected numbers between -1e9 and 1e9, got {value!r} at {index}")
    return numbers


def _words(name: str, joined: str) -> list[str]:
    if not isinstance(joined, str):
        raise TypeError(f"{name}: expected str, got {type(joined).__name__}")
    words = joined.split("\n") if joined else []
    if words and not words[0]:
        raise ValueError(f"{name}: expected words that are not empty, got '' at 0")
    for index, (before, after) in enumerate(pairwise(words), 1):
        if before >= after:
            raise ValueError(f"{name}: expected rising code-point order, got {after!r} after {before!r} at {index}")
    longest = max(map(len, words), default=0)
    if longest > MAX_LENGTH:
        raise ValueError(f"{name}: expected words of at most {MAX_LENGTH} characters, got one of {longest}")
    return words


def _table(name: str, table: bytes, size: int, limit: int) -> bytes:
    if not isinstance(table, bytes):
        raise TypeError(f"{name}: expected bytes, got {type(table).__name__}")
    if len(table) != size:
        raise ValueError(f"{name}: expected {size} bytes, got {len(table)}")
    strange = table.translate(None, bytes(range(limit + 1)))
    if strange:
        raise ValueError(f"{name}: expected bytes up to {limit}, got {max(strange)}")
    return table


def _checked(text: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"text: expected str, got {type(text).__name__}")
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"text: expected at most {MAX_CHARACTERS} characters, got {len(text)}")
    return text


def _prefixes(words: dict[str, float]) -> dict[str, float | None]:
    """Each word with its value, and each beginning of a word with None; the words in code-point order."""
    prefixes: dict[str, float | None] = {}
    for word, value in words.items():
        for length in range(1, len(word)):
            prefixes.setdefault(word[:length])
        prefixes[word] = value
    return prefixes


class _Lattice:
    """A text on its way: its atoms, its shapes, and the best way from every place to the end."""

    __slots__ = ("best", "classes", "counts", "ends", "flags", "inside", "odds", "shapes", "text")

    def __init__(self, text: str, classes: bytearray) -> None:
        size = len(text)
        self.text = text + "\n"  # No word has a line end, so a match stops there by itself.
        self.classes = classes
        self.flags = bytearray(size + 1)
        self.inside = bytearray(size + 1)  # 1 where the character belongs to an atom of two or more characters.
        self.best = [0.0] * (size + 1)
        self.counts = [0] * (size + 1)
        self.ends = [0] * size
        self.shapes: dict[int, dict[int, tuple[float, int]]] = {}  # start -> end -> score, word
        self.odds: list[float] = []  # of a word ending at each place


class _Context:
    """The context, checked; see the head of this file."""

    __slots__ = (
        "_triples",
        "bits",
        "extents",
        "joints",
        "lefts",
        "letters",
        "limit",
        "most",
        "pools",
        "ratios",
        "rights",
        "spelling",
        "symbols",
        "unit",
        "weights",
    )

    def __init__(self, parts: tuple[Any, ...], words: list[str]) -> None:
        if not isinstance(parts, tuple):
            raise TypeError(f"context: expected tuple, got {type(parts).__name__}")
        if len(parts) != 14:
            raise ValueError(f"context: expected 14 parts, got {len(parts)}")
        lefts, rights, joints, pools, ratios, alphabet, skips, weights, bits, *others = parts
        unit, limit, spelling, extents, most = others
        self.bits, self.unit, self.limit, self.most = integer(bits), _real(unit), _real(limit), _real(most)
        if not 1 <= self.bits <= 26:
            raise ValueError(f"bits: expected 1 to 26, got {self.bits}")
        if not (0 <= self.unit <= 1e3 and 0 <= self.limit <= 1e3 and -1e3 <= self.most <= 1e3):
            raise ValueError("unit, limit, most: expected numbers up to 1000, such as 0.0625, 6.0 and 1.0")
        self.ratios = _square(ratios)
        classes = len(self.ratios)
        self.lefts = _table("lefts", lefts, len(words), classes - 1)
        self.rights = _table("rights", rights, len(words), classes - 1)
        self.joints = array("I", _table("joints", joints, 4 * len(words), 255))
        _type("pools", pools, bytes)
        if not 1 <= len(pools) <= 255:
            raise ValueError(f"pools: expected 1 to 255 bytes, got {len(pools)}")
        self.pools = _table("pools", pools, len(pools), classes - 1)
        for number, (word, gaps) in enumerate(zip(words, self.joints, strict=True)):
            if len(word) < 33 and gaps >> (len(word) - 1):
                raise ValueError(f"joints: expected gaps inside the word, got {gaps} at {number}")
        _type("alphabet", alphabet, str)
        if len(alphabet) > MOST_SYMBOLS:
            raise ValueError(f"alphabet: expected at most {MOST_SYMBOLS} characters, got {len(alphabet)}")
        self.symbols: dict[str, int] = {}
        for symbol, character in enumerate(alphabet, FIRST_SYMBOL):
            self.symbols.setdefault(character, symbol)
        self.weights = self._unpack(skips, weights)
        self._read_spelling(spelling, extents, len(alphabet))
        self._triples: dict[int, tuple[int, int]] = {}

    def _unpack(self, skips: bytes, weights: bytes) -> array[int]:
        """All weights, in units."""
        _type("skips", skips, bytes)
        values = array("b", _table("weights", weights, len(skips), 255))
        size, cell = 1 << self.bits, 0
        table = array("b", bytes(size))
        for skip, value in zip(skips, values, strict=True):
            cell += skip
            if skip == 255:
                continue
            if cell >= size:
                raise ValueError(f"skips: expected at most {size} weights, got more")
            table[cell] = value
            cell += 1
        return table

    def _read_spelling(self, spelling: bytes, extents: bytes, alphabet: int) -> None:
        _type("extents", extents, bytes)
        if len(extents) % 4 or len(extents) > 4 * SPELT_MOST:
            raise ValueError(f"extents: expected at most {SPELT_MOST} floats, got {len(extents)} bytes")
        numbers = array("f", _table("spelling", spelling, 12 * (alphabet + FIRST_SYMBOL), 255))
        self.extents = array("f", extents).tolist()
        if not all(-1e6 <= number <= 1e6 for part in (numbers, self.extents) for number in part):
            raise ValueError("spelling, extents: expected logarithms between -1e6 and 1e6, got another")
        self.spelling = list(zip(*[iter(numbers.tolist())] * 3, strict=True))
        self.letters = {character: self.spelling[symbol] for character, symbol in self.symbols.items()}

    def spelt(self, character: str) -> tuple[float, ...]:
        """How a character is spelt at the beginning of a word, inside, at the end."""
        return self.letters.get(character, self.spelling[SYMBOL_RARE])

    def stranger(self, code: int, length: int) -> int:
        """The class that an unknown stretch shows to its neighbours."""
        if code in _RUN_CLASSES:
            return self.pools[0]
        return self.pools[min(length, len(self.pools)) - 1] if code in _WORD_CLASSES else 0

    def follow(self, right: int, states: list[State]) -> tuple[float, State]:
        """The best state behind a word that shows a class, and what it comes to."""
        row, top = self.ratios[right], states[0]
        best = row[top[0]] + top[1]
        for state in states[1:]:
            value = row[state[0]] + state[1]
            if value > best or (value == best and (state[2] < top[2] or (state[2] == top[2] and state[3] > top[3]))):
                top, best = state, value
        return best, top

    def judge(self, symbols: list[int]) -> list[float]:
        """The log odds of a cut before each symbol but the first and the last; 0 beside an edge."""
        known, weights, unit, limit = self._triples, self.weights, self.unit, self.limit
        shift, salt = 64 - self.bits, SALTS[9]
        odds = [0.0] * max(len(symbols) - 1, 0)
        triple = before = 0
        for gap, after in enumerate(symbols, -1):
            window = triple << 16 | after
            triple = window & _LAST
            sides = known.get(triple)
            if sides is None:
                sides = self._judge_triple(triple)
            if window & _SECOND and window & _THIRD:
                h = window ^ salt
                h = (h ^ h >> 32) * 0x9E3779B97F4A7C15 & _WORD
                h = (h ^ h >> 32) * 0xD6E8FEB86659FD93 & _WORD
                value = (weights[h >> shift] + before + sides[1]) * unit
                odds[gap] = limit if value > limit else -limit if value < -limit else value
            before = sides[0]
        return odds

    def _judge_triple(self, triple: int) -> tuple[int, int]:
        """What three symbols say together as the first three of a window and as the last three, from now on known.

        Whole numbers may be added in any order, and most triples come again.
        """
        if len(self._triples) > _REMEMBERED:
            self._triples.clear()
        first = sum(self._weight(triple << 16, number) for number in (0, 1, 2, 4, 5, 7))
        last = sum(self._weight(triple, number) for number in (3, 6, 8))
        sides = self._triples[triple] = first, last
        return sides

    def _weight(self, window: int, number: int) -> int:
        h = window & MASKS[number] ^ SALTS[number]
        h = (h ^ h >> 32) * 0x9E3779B97F4A7C15 & _WORD
        h = (h ^ h >> 32) * 0xD6E8FEB86659FD93 & _WORD
        return self.weights[h >> 64 - self.bits]


def _type(name: str, value: Any, kind: type) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name}: expected {kind.__name__}, got {type(value).__name__}")


def _real(value: Any) -> float:
    return copysign(value, value)  # what is no number is refused as C does it


def _square(ratios: bytes) -> list[list[float]]:
    _type("ratios", ratios, bytes)
    classes = max(isqrt(len(ratios) // 4), 1)
    if len(ratios) != 4 * classes * classes or classes > 256:
        raise ValueError(f"ratios: expected a square table of at most 256 classes, got {len(ratios)} bytes")
    values = array("f", ratios).tolist()
    for cell, value in enumerate(values):
        if not -1e6 <= value <= 1e6:
            raise ValueError(f"ratios: expected logarithms between -1e6 and 1e6, got another at {cell}")
    return [values[row : row + classes] for row in range(0, len(values), classes)]


class Segmenter:
    r"""The words of a lexicon, ready to cut text; nothing about it changes once it is made.

    ``words`` are joined by line ends, distinct, in code-point order; ``scores`` is a buffer of as many doubles, in
    nats; ``kinds`` has a byte for every code point; ``unknown`` holds a and b of the nine classes, ``a0 b0 a1 b1 ...``;
    ``runs`` a byte for each class; ``forced`` more words, joined as the first; ``context`` the tuple of fourteen parts
    that the head of this file explains, or None. So is the rest.

    >>> from array import array
    >>> kinds = bytes([0, 3])[:1] * 0x4E00 + bytes([3]) * (0x110000 - 0x4E00)
    >>> scores = array("d", [-2.0, -1.5, -2.0])
    >>> engine = Segmenter("中\n中外\n科学", scores, kinds, array("d", [-5.0, -1.0] * 9), b"\1" * 9, True)
    >>> engine.segment("中外科学名著")
    ['中外', '科学', '名', '著']
    """

    def __init__(
        self,
        words: str,
        scores: Any,
        kinds: bytes,
        unknown: Any,
        runs: bytes,
        whole: bool,
        forced: str = "",
        context: tuple[Any, ...] | None = None,
    ) -> None:
        self._words = _words("words", words)
        self._scores = _numbers("scores", scores, len(self._words))
        self._kinds = _table("kinds", kinds, CODE_POINTS, NUMERAL)
        self._unknown = _numbers("unknown", unknown, 2 * CLASSES)
        self._runs = _table("runs", runs, CLASSES, 1)
        self._whole = bool(whole)
        forced_words = _words("forced", forced)
        self._forced = _prefixes({word: 0.0 for word in forced_words if not _PLACEHOLDER.search(word)})
        self._context = None if context is None else _Context(context, self._words)
        scored = dict(zip(self._words, self._scores, strict=True))
        odd = self._words if _PLACEHOLDER.search(words) else []
        leads = {word: found.start() for word in odd if (found := _PLACEHOLDER.search(word))}
        shapes = {word: scored.pop(word) for word in leads}
        self._prefixes = _prefixes(scored)
        self._entries = self._in_order(self._context) if self._context is not None else {}
        self._shapes = _prefixes(shapes)
        self._lead = max(leads.values(), default=0)
        self._index = {word: index for index, word in enumerate(self._words)}
        self._single = [self._unknown[2 * code] + self._unknown[2 * code + 1] * 1 for code in range(CLASSES)]

    def _in_order(self, context: _Context) -> dict[str, Entry | None]:
        """The prefixes of words, each word with its score, its classes to the left and the right, its joints."""
        entries: dict[str, Entry | None] = dict.fromkeys(self._prefixes)
        columns = zip(self._scores, context.lefts, context.rights, context.joints, strict=True)
        for word, company in zip(self._words, columns, strict=True):
            if word in entries:  # shapes are not
                entries[word] = company
        return entries

    def find(self, word: str) -> int:
        """The number of the word in the lexicon, or -1."""
        return self._index.get(_checked(word), -1)

    def segment(self, text: str) -> list[str]:
        """The words of the best path; joined they are the text."""
        words: list[str] = []
        for start, end, forced in self._pieces(_checked(text)):
            piece = text[start:end]
            if forced:
                words.append(piece)
            else:
                place, ends = 0, self._solve(piece).ends
                while place < end - start:
                    words.append(piece[place : ends[place]])
                    place = ends[place]
        return words

    def segment_lines(self, lines: list[str]) -> list[list[str]]:
        """:meth:`segment` of each line, in one call."""
        if not isinstance(lines, list):
            raise TypeError(f"lines: expected list, got {type(lines).__name__}")
        return [self.segment(line) for line in lines]

    def join_text(self, text: str, delimiter: str) -> bytes:
        """The words of the lines of a text as UTF-8: ``delimiter`` between two words, a line feed after each line.

        In C no string is made for a word, and other threads run meanwhile. UnicodeEncodeError for a lone surrogate.
        """
        lines = _checked(text).split("\n")
        if not isinstance(delimiter, str):
            raise TypeError(f"delimiter: expected str, got {type(delimiter).__name__}")
        delimiter.encode()  # its own error
        return "".join([delimiter.join(words) + "\n" for words in self.segment_lines(lines)]).encode()

    def cuts(self, text: str) -> list[int]:
        """The places where the words of the best path end, counted in characters."""
        cuts: list[int] = []
        for start, end, forced in self._pieces(_checked(text)):
            if forced:
                cuts.append(end)
            else:
                place, ends = 0, self._solve(text[start:end]).ends
                while place < end - start:
                    place = ends[place]
                    cuts.append(start + place)
        return cuts

    def lattice(self, text: str) -> Edges:
        """Every edge that a path from the start can use, by start and end.

        Four strings of native numbers: starts and ends (C ``int``), scores (``double``), and the number of the word in
        the lexicon (``int``), which is -1 for an unknown stretch and -2, with score 0, for a forced word. With a
        context, the scores have the odds in them but not the ratios, and a fifth string has two bytes an edge: the
        classes that it shows to the left and to the right.
        """
        starts, ends, words = array("i"), array("i"), array("i")
        scores, classes = array("d"), bytearray()
        for offset, stop, forced in self._pieces(_checked(text)):
            lattice = None if forced else self._solve(text[offset:stop])
            edges = [(0, stop - offset, 0.0, FORCED)] if lattice is None else self._all_edges(lattice)
            for start, end, score, word in edges:
                starts.append(offset + start)
                ends.append(offset + end)
                words.append(word)
                if self._context is None:
                    scores.append(score)
                elif lattice is None:
                    scores.append(score)
                    classes += bytes((0, 0))
                else:
                    sum_, left, right = self._in_company(lattice, start, end, score, word)
                    scores.append(sum_)
                    classes += bytes((left, right))
        columns = starts.tobytes(), ends.tobytes(), scores.tobytes(), words.tobytes()
        return columns if self._context is None else (*columns, bytes(classes))

    def odds(self, text: str) -> bytes:
        """What the expert of the context has to say about a word ending at each place, doubles; 0 without a context."""
        odds = array("d", bytes(8 * (len(_checked(text)) + 1)))
        for start, end, forced in self._pieces(text):
            if self._context is not None and not forced:
                lattice = self._atoms(text[start:end])
                odds[start:end] = array("d", self._judge(lattice)[:-1])
        return odds.tobytes()

    def _pieces(self, text: str) -> list[tuple[int, int, bool]]:
        """The forced words and the stretches between them: start, end, is it forced."""
        if not self._forced:
            return [(0, len(text), False)] if text else []
        flags = self._atoms(text).flags
        pieces: list[tuple[int, int, bool]] = []
        place = start = 0
        while place < len(text):
            end = 0 if flags[place] & _CLOSED else self._longest_forced(text, place, flags)
            if end:
                if start < place:
                    pieces.append((start, place, False))
                pieces.append((place, end, True))
                start = end
            place = end or place + 1
        if start < len(text):
            pieces.append((start, len(text), False))
        return pieces

    def _longest_forced(self, text: str, start: int, flags: bytearray) -> int:
        """Where the longest forced word from here ends, or 0."""
        longest = 0
        for end in range(start + 1, len(text) + 1):
            value = self._forced.get(text[start:end], False)
            if value is False:
                break
            if value is not None and not flags[end] & _CLOSED:
                longest = end
        return longest

    def _atoms(self, text: str) -> _Lattice:
        """The text with its atoms and its closed places marked."""
        kinds = bytes(map(self._kinds.__getitem__, map(ord, text)))
        lattice = _Lattice(text, bytearray(kinds.translate(_CLASS_OF_KIND)))
        for match in _ATOM.finditer(kinds):
            start, end = match.span()
            if end - start == 1 or (match.lastgroup == "numerals" and not self._runs[DIGIT]):
                continue
            if match.lastgroup == "numerals":
                lattice.classes[start:end] = bytes((DIGIT,)) * (end - start)
            if match.lastgroup != "punctuation":
                self._mark(lattice, kinds, start, end, match.lastgroup in ("emoji", "marks", "single"))
                continue
            last = start + len(match.group().rstrip(_EXTENDERS))
            for same in _REPEATED.finditer(text, start, last):
                stop = end if same.end() == last else same.end()
                self._mark(lattice, kinds, same.start(), stop, False)
        return lattice

    def _mark(self, lattice: _Lattice, kinds: bytes, start: int, end: int, solid: bool) -> None:
        """Mark one atom; a solid one is closed all through."""
        if end - start == 1:
            return
        code = lattice.classes[start]
        run = self._runs[code] or solid
        whole = self._whole and code in (LATIN, DIGIT)
        lattice.inside[start:end] = b"\1" * (end - start)
        for place in range(start + 1, end):
            if solid or kinds[place] in _EXTENDERS:
                lattice.flags[place] = _INNER | _CLOSED
                continue
            lattice.flags[place] = _CLOSED if whole else 0
            if run:
                lattice.flags[place] |= _INNER
                lattice.classes[place] = code

    def _solve(self, text: str) -> _Lattice:
        """The best way from every place to the end of the text."""
        lattice = self._atoms(text)
        if self._context is not None:
            return self._solve_context(lattice, self._context)
        best, counts, ends = lattice.best, lattice.counts, lattice.ends
        padded, flags, classes, inside = lattice.text, lattice.flags, lattice.classes, lattice.inside
        single, get = self._single, self._prefixes.get
        atom_end = 0
        shapes = lattice.shapes = self._find_shapes(lattice) if self._shapes else {}
        for start in range(len(text) - 1, -1, -1):
            end = start + 1
            if inside[start] or start in shapes:
                if not flags[end] & _INNER:
                    atom_end = end
                self._best_edge(lattice, start, atom_end)
                continue
            value = get(padded[start], False)
            top = (value if value is not None and value is not False else single[classes[start]]) + best[end]
            words, longest = counts[end], end
            while value is not False:
                end += 1
                value = get(padded[start:end], False)
                if value is None or value is False or flags[end] & _CLOSED:
                    continue
                total = value + best[end]
                if total > top or (total == top and counts[end] <= words):
                    top, words, longest = total, counts[end], end
            best[start], counts[start], ends[start] = top, words + 1, longest
        return lattice

    def _solve_context(self, lattice: _Lattice, context: _Context) -> _Lattice:
        """The same with the context; only the ends of the best path are filled in."""
        size = len(lattice.text) - 1
        lattice.odds = self._judge(lattice)
        shapes = lattice.shapes = self._find_shapes(lattice) if self._shapes else {}
        flags, inside, ratios, follow = lattice.flags, lattice.inside, context.ratios, context.follow
        common_edges = self._common_edges(lattice, context)
        states: list[list[State]] = [[] for _ in range(size)] + [[(0, 0.0, 0, 0, None)]]
        atom_end = size
        for start in range(size - 1, -1, -1):
            if inside[start] or start in shapes:
                if not flags[start + 1] & _INNER:
                    atom_end = start + 1
                edges = [
                    (end, *self._in_company(lattice, start, end, score, word))
                    for end, score, word in self._edges(lattice, start, atom_end)
                ]
            else:
                edges = common_edges(start)
            here = states[start]
            for end, own, left, right in edges:
                group = states[end]
                if not group:
                    continue
                if len(group) == 1:
                    behind = group[0]
                    total = own + (ratios[right][behind[0]] + behind[1])
                else:
                    rest, behind = follow(right, group)
                    total = own + rest
                state = (left, total, behind[2] + 1, end - start, behind)
                if not here:
                    here.append(state)
                    continue
                for place, other in enumerate(here):
                    if other[0] == left:
                        if total > other[1] or (total == other[1] and (-state[2], state[3]) > (-other[2], other[3])):
                            here[place] = state
                        break
                else:
                    here.append(state)
        place, way = 0, follow(0, states[0])[1] if size else None
        while way is not None and place < size:
            lattice.ends[place] = place = place + way[3]
            way = way[4]
        return lattice

    def _common_edges(self, lattice: _Lattice, context: _Context) -> Callable[[int], list[Company]]:
        """What finds the edges of a place in company, where an atom of one character stands and no shape begins.

        Nine places of ten are such. For them it does what :meth:`_edges` and :meth:`_in_company` do, 5 times faster.
        """
        text, flags, classes, odds = lattice.text, lattice.flags, lattice.classes, lattice.odds
        get, letter, single, most = self._entries.get, context.letters.get, self._single, context.most
        extents, rare, pools = context.extents, context.spelling[SYMBOL_RARE], context.pools
        size, longest, strangers = len(text) - 1, len(context.extents), len(context.pools)

        def find(start: int) -> list[Company]:
            end = start + 1
            entry: Entry | Literal[False] | None = get(text[start], False)
            if entry:
                edges = [(end, entry[0] + odds[end], entry[1], entry[2])]
            else:
                shown = context.stranger(classes[start], 1)
                edges = [(end, single[classes[start]] + odds[end], shown, shown)]
            matched = 0
            while entry is not False:
                end += 1
                entry = get(text[start:end], False)
                if entry and not flags[end] & _CLOSED:
                    score, left, right, joints = entry
                    score += odds[end]
                    matched |= 1 << (end - start)
                    if joints:
                        for gap in range(1, end - start):
                            if joints >> (gap - 1) & 1:
                                score += odds[start + gap]
                    edges.append((end, score, left, right))
            end = start + 1
            if odds[end] > most or end == size or classes[start] != HAN or longest < 2:
                return edges
            total = letter(text[start], rare)[0]
            while classes[end] == HAN and not flags[end] & _INNER and odds[end] <= most:
                last = letter(text[end], rare)
                end += 1
                length = end - start
                if not flags[end] & _CLOSED and not matched >> length & 1:
                    shown = pools[min(length, strangers) - 1]
                    edges.append((end, total + last[2] + extents[length - 1] + odds[end], shown, shown))
                if end == size or length == longest:
                    break
                total += last[1]
            return edges

        return find

    def _in_company(self, lattice: _Lattice, start: int, end: int, score: float, word: int) -> tuple[float, int, int]:
        """The score of an edge with the odds of its ends, and the classes that it shows to the left and the right."""
        context, odds = self._context, lattice.odds
        assert context is not None
        score += odds[end]
        if word < 0:
            shown = context.stranger(lattice.classes[start], end - start)
            return score, shown, shown
        joints = context.joints[word]
        place = start + 1
        while joints:
            if joints & 1:
                score += odds[place]
            joints >>= 1
            place += 1
        return score, context.lefts[word], context.rights[word]

    def _judge(self, lattice: _Lattice) -> list[float]:
        """The log odds of a word ending at each place of a marked text."""
        context = self._context
        assert context is not None
        find, flags = context.symbols.get, lattice.flags
        symbols, places = [0], [0]
        for place, code in enumerate(lattice.classes):
            flag = flags[place]
            if flag & _INNER and (flag & _CLOSED or code in _RUN_CLASSES):
                continue
            places.append(place)
            symbols.append(
                find(lattice.text[place], SYMBOL_RARE) if code == HAN else self._symbol(lattice, place, code)
            )
        symbols.append(0)
        odds = [0.0] * len(lattice.text)
        for place, value in zip(places, context.judge(symbols), strict=True):
            odds[place] = value
        return odds

    def _symbol(self, lattice: _Lattice, place: int, code: int) -> int:
        """The symbol of the character at a place where one starts."""
        if code == LATIN:
            return SYMBOL_LATIN
        if code == DIGIT:
            end = place + 1
            while lattice.flags[end] & _INNER:
                end += 1
            whole = self._runs[code] and not lattice.flags[place] & _INNER
            is_year = whole and self._placeholder(lattice.text[place:end], code) == YEAR
            return SYMBOL_YEAR if is_year else SYMBOL_NUMBER
        assert self._context is not None
        symbol = self._context.symbols.get(lattice.text[place], 0)
        return SYMBOL_RARE if symbol == 0 and code in _WORD_CLASSES else symbol

    def _spell(self, lattice: _Lattice, start: int, edges: dict[int, tuple[float, int]]) -> None:
        """Add the spelt words from a place to its edges, but for those that the lexicon has."""
        context, flags, classes, text = self._context, lattice.flags, lattice.classes, lattice.text
        assert context is not None
        if classes[start] != HAN or flags[start] & (_INNER | _CLOSED):
            return
        size, end = len(text) - 1, start + 1
        total = context.spelt(text[start])[0]
        spelt: dict[int, tuple[float, int]] = {}
        while (
            end < size
            and end - start < len(context.extents)
            and classes[end] == HAN
            and not flags[end] & _INNER
            and lattice.odds[end] <= context.most
        ):
            last = context.spelt(text[end])
            end += 1
            if not flags[end] & _CLOSED and end not in edges:
                spelt[end] = (total + last[2] + context.extents[end - start - 1], UNKNOWN)
            total += last[1]
        edges.update(spelt)

    def _best_edge(self, lattice: _Lattice, start: int, atom_end: int) -> None:
        """One step of :meth:`_solve` inside an atom of two or more characters."""
        best, counts = lattice.best, lattice.counts
        top, words, longest = float("-inf"), 0, 0
        for end, score, _ in self._edges(lattice, start, atom_end):
            total = score + best[end]
            if total > top or (total == top and counts[end] <= words):
                top, words, longest = total, counts[end], end
        best[start], counts[start], lattice.ends[start] = top, words + 1, longest

    def _edges(self, lattice: _Lattice, start: int, atom_end: int) -> list[tuple[int, float, int]]:
        """The edges from a place, by their ends: end, score, word."""
        flags = lattice.flags
        if flags[start] & _INNER and flags[start] & _CLOSED:
            return []
        edges = {} if flags[start] & _CLOSED else lattice.shapes.get(start, {}) | self._matches(lattice, start)
        if edges:
            flags[start] |= _STARTS
        if self._context is not None:
            self._spell(lattice, start, edges)
        a, b = self._unknown[2 * lattice.classes[start]], self._unknown[2 * lattice.classes[start] + 1]
        for end in range(start + 1, min(atom_end, start + STRETCH + 1)):
            if flags[end] & _STARTS and end not in edges:
                edges[end] = (a + b * (end - start), UNKNOWN)
        edges.setdefault(atom_end, (a + b * (atom_end - start), UNKNOWN))
        return [(end, *edges[end]) for end in sorted(edges)]

    def _matches(self, lattice: _Lattice, start: int) -> dict[int, tuple[float, int]]:
        """The words of the lexicon from a place: end -> score, word."""
        matches: dict[int, tuple[float, int]] = {}
        end = start
        value: float | None = None
        while value is not False:
            end += 1
            piece = lattice.text[start:end]
            value = self._prefixes.get(piece, False)
            if value is not None and value is not False and not lattice.flags[end] & _CLOSED:
                matches[end] = value, self._index[piece]
        return matches

    def _find_shapes(self, lattice: _Lattice) -> dict[int, dict[int, tuple[float, int]]]:
        """The shapes of the lexicon in a text: start -> end -> score, word."""
        symbols, places, runs = self._symbols(lattice)
        shapes: dict[int, dict[int, tuple[float, int]]] = {}
        before = -1
        for run in runs:
            for start in range(max(run - self._lead, before + 1), run + 1):
                end = run
                value: float | None = None
                while value is not False and end < len(symbols):
                    end += 1
                    piece = symbols[start:end]
                    value = self._shapes.get(piece, False)
                    if value is None or value is False:
                        continue
                    if not (lattice.flags[places[start]] | lattice.flags[places[end]]) & _CLOSED:
                        shapes.setdefault(places[start], {})[places[end]] = value, self._index[piece]
            before = run
        return shapes

    def _symbols(self, lattice: _Lattice) -> tuple[str, list[int], list[int]]:
        """The text with placeholders for its runs; where each symbol starts in the text; which symbols are runs."""
        text, flags, classes = lattice.text, lattice.flags, lattice.classes
        plain = _PLACEHOLDER.sub("\n", text)  # No word has a line end.
        parts: list[str] = []
        places: list[int] = []
        runs: list[int] = []
        done = 0
        for match in _RUN_START.finditer(classes):
            start = match.start()
            if start < done or flags[start] & _INNER or not self._runs[classes[start]]:
                continue
            parts.append(plain[done:start])
            places.extend(range(done, start + 1))
            runs.append(len(places) - 1)
            done = start + 1
            while flags[done] & _INNER:
                done += 1
            parts.append(self._placeholder(text[start:done], classes[start]))
        parts.append(plain[done:])
        places.extend(range(done, len(text)))
        return "".join(parts), places, runs

    def _placeholder(self, run: str, code: int) -> str:
        """What stands for a run in shapes."""
        if code == LATIN:
            return LETTERS
        return YEAR if len(run) == 4 and all(self._kinds[ord(digit)] == DIGIT for digit in run) else NUMBER

    def _all_edges(self, lattice: _Lattice) -> list[tuple[int, int, float, int]]:
        """The edges that a path from the start can use: start, end, score, word."""
        size = len(lattice.text) - 1
        reached = bytearray(size + 1)
        reached[0] = 1
        found: list[tuple[int, int, float, int]] = []
        atom_end = 0
        for start in range(size):
            if start >= atom_end:
                atom_end = start + 1
                while lattice.flags[atom_end] & _INNER:
                    atom_end += 1
            if not reached[start]:
                continue
            for end, score, word in self._edges(lattice, start, atom_end):
                reached[end] = 1
                found.append((start, end, score, word))
        return found
