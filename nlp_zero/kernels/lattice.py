"""All words of a lexicon in a text, and the best way through them (词图 and its best path).

The text is a lattice. Its nodes are the places between characters; an edge says "from here to there is one word" and
has a score in nats. The :class:`Segmenter` is made once, from a lexicon; after that text goes in and words come out,
so that nothing crosses the line between Python and C character by character.

**Kinds.** The caller gives a table with one byte for every code point: the class codes 0 to 8 of the characters, which
are OTHER, SPACE, PUNCTUATION, HAN, LATIN, DIGIT, KANA, LETTER, MARK, and five more kinds that only this file needs:
SEPARATOR (``.`` ``:`` ``/`` ``,`` between digits) and PERCENT, which are otherwise PUNCTUATION; JOINER (U+200D), which
is otherwise a MARK; REGIONAL (half a flag) and PICTOGRAPH (a base of emoji), which are otherwise OTHER.

**Atoms.** From left to right the text falls into atoms, the words that nobody listed. With E for marks and joiners::

    HAN E*                        one Han character with its variation selectors
    LATIN (LATIN|E)*              a run of Latin letters; so with KANA, with LETTER, and SPACE without marks
    DIGIT (DIGIT|E|SEPARATOR DIGIT|COMMA)* (PERCENT E*)?       a number: 3.14, 12:30, 50%; a comma belongs to it that
                                  has exactly three digits behind it and at most three before: 1,234,567
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

**Forced words** are found first: at each open place the longest forced word that ends at an open place, and on from its
end. They are words, whatever the lexicon says; each stretch between them is a text by itself.
"""

from __future__ import annotations

import re
from array import array
from itertools import pairwise
from typing import Any

__all__ = ["Segmenter"]

OTHER, SPACE, PUNCTUATION, HAN, LATIN, DIGIT, KANA, LETTER, MARK = range(9)
SEPARATOR, PERCENT, JOINER, REGIONAL, PICTOGRAPH, COMMA = range(9, 15)
CLASSES = 9
CODE_POINTS = 0x110000

STRETCH = 32
"""The longest unknown edge that ends inside an atom, in characters: it keeps the lattice linear in the text."""

LIMIT = 1e9
"""The largest score, in nats, so that no sum overflows."""

MAX_LENGTH = 1000
"""The longest word, in characters."""

MAX_CHARACTERS = 2**31 - 2

UNKNOWN, FORCED = -1, -2
"""What stands for the number of the word in an edge of :meth:`Segmenter.lattice` that is no word of the lexicon."""

NUMBER, YEAR, LETTERS, RARE = PLACEHOLDERS = "\ufdd0\ufdd1\ufdd2\ufdd3"
"""What stands for runs in shapes."""

_INNER = 1  # no atom starts here
_CLOSED = 2  # no word of the lexicon starts or ends here
_STARTS = 4  # a word of the lexicon starts here, inside an atom or at its start

_EXTENDERS = bytes((MARK, JOINER))
_CLASS_OF_KIND = bytes((*range(CLASSES), PUNCTUATION, PUNCTUATION, MARK, OTHER, OTHER, PUNCTUATION)).ljust(256, b"\0")

# Atoms of two or more characters, over a string of kinds; the name of the group is the number of the class.
_ATOM = re.compile(
    rb"""(?P<emoji> \x0d [\x08\x0b]+ (?: (?<=\x0b) \x0d [\x08\x0b]* )* | \x0c \x0c [\x08\x0b]* )
       | (?P<number> \x05 (?: [\x08\x0b] | \x09?\x05 | (?<! \x05{4}) \x0e (?= \x05{3} (?!\x05) ) )*
                     (?: \x0a [\x08\x0b]* )? )
       | (?P<latin> \x04 [\x04\x08\x0b]+ ) | (?P<kana> \x06 [\x06\x08\x0b]+ ) | (?P<letter> \x07 [\x07\x08\x0b]+ )
       | (?P<space> \x01 {2,} )
       | (?P<marks> [\x08\x0b] {2,} )
       | (?P<punctuation> [\x02\x09\x0a\x0e]+ (?: [\x02\x09\x0a\x0e] | [\x08\x0b]+ ) )
       | (?P<single> [\x00\x03\x0c] [\x08\x0b]+ )""",
    re.VERBOSE | re.DOTALL,
)
_REPEATED = re.compile(r"(.)\1*", re.DOTALL)
_PLACEHOLDER = re.compile(f"[{PLACEHOLDERS}]")
_RUN_START = re.compile(rb"[\x04\x05]")

Edges = tuple[bytes, bytes, bytes, bytes]


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

    __slots__ = ("best", "classes", "counts", "ends", "flags", "inside", "shapes", "text")

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


class Segmenter:
    r"""The words of a lexicon, ready to cut text; nothing about it changes once it is made.

    ``words`` are joined by line ends, distinct, in code-point order; ``scores`` is a buffer of as many doubles, in
    nats; ``kinds`` has a byte for every code point; ``unknown`` holds a and b of the nine classes, ``a0 b0 a1 b1 ...``;
    ``runs`` a byte for each class; ``forced`` more words, joined as the first. The head of this file has the rest.

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
    ) -> None:
        self._words = _words("words", words)
        self._scores = _numbers("scores", scores, len(self._words))
        self._kinds = _table("kinds", kinds, CODE_POINTS, COMMA)
        self._unknown = _numbers("unknown", unknown, 2 * CLASSES)
        self._runs = _table("runs", runs, CLASSES, 1)
        self._whole = bool(whole)
        forced_words = _words("forced", forced)
        self._forced = _prefixes({word: 0.0 for word in forced_words if not _PLACEHOLDER.search(word)})
        scored = dict(zip(self._words, self._scores, strict=True))
        odd = self._words if _PLACEHOLDER.search(words) else []
        leads = {word: found.start() for word in odd if (found := _PLACEHOLDER.search(word))}
        shapes = {word: scored.pop(word) for word in leads}
        self._prefixes = _prefixes(scored)
        self._shapes = _prefixes(shapes)
        self._lead = max(leads.values(), default=0)
        self._index = {word: index for index, word in enumerate(self._words)}
        self._single = [self._unknown[2 * code] + self._unknown[2 * code + 1] * 1 for code in range(CLASSES)]

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
        the lexicon (``int``), which is -1 for an unknown stretch and -2, with score 0, for a forced word.
        """
        starts, ends, words = array("i"), array("i"), array("i")
        scores = array("d")
        for offset, stop, forced in self._pieces(_checked(text)):
            edges = [(0, stop - offset, 0.0, FORCED)] if forced else self._all_edges(text[offset:stop])
            for start, end, score, word in edges:
                starts.append(offset + start)
                ends.append(offset + end)
                scores.append(score)
                words.append(word)
        return starts.tobytes(), ends.tobytes(), scores.tobytes(), words.tobytes()

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
            if end - start == 1:
                continue
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

    def _all_edges(self, text: str) -> list[tuple[int, int, float, int]]:
        """The edges that a path from the start can use: start, end, score, word."""
        lattice = self._solve(text)
        reached = bytearray(len(text) + 1)
        reached[0] = 1
        found: list[tuple[int, int, float, int]] = []
        atom_end = 0
        for start in range(len(text)):
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
