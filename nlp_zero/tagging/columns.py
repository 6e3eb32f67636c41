"""Texts as tables: column files in and out, segmented lines, and the cells that templates read.

A column file (as of CRF++ and the CoNLL tasks) has a line a token, its columns with spaces or tabs between, and a blank
line after each sentence. Segmented text has a line a sentence, words with spaces between; it becomes a table of
characters. Both are read block by block, a block ending with a sentence, so a stream of any length needs the memory of
one block.

A table is a :class:`Cells`: what stands in it as UTF-8, and numbers that say where. No Python object a token is made.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from .. import kernels
from ..errors import InputError
from ..text.corpus import BLOCK, Corpus
from .labels import Scheme

__all__ = [
    "Block",
    "Cells",
    "cells_of_rows",
    "column_blocks",
    "column_cells",
    "column_count",
    "join_cells",
    "segmented",
    "word_lines",
]

_BLANK = re.compile(r"\n[ \t]*\n")


class Cells(NamedTuple):
    """A table of cells, ``width`` a position, as :mod:`nlp_zero.kernels.attributes` describes it."""

    text: bytes
    edges: array[int]  # q, positions * width + 1
    starts: array[int]  # q, sentences + 1
    width: int

    @property
    def n_positions(self) -> int:
        return self.starts[-1]

    def column(self, number: int) -> list[str]:
        """What stands in one column, through all sentences. O(positions)."""
        begins, ends = self.edges[number :: self.width], self.edges[number + 1 :: self.width]
        pairs = zip(begins[: self.n_positions], ends, strict=False)
        return [self.text[begin:end].decode("utf-8", "surrogatepass") for begin, end in pairs]

    def without_last(self) -> Cells:
        """The table without its last column. O(cells)."""
        width = self.width
        kept, edges, place = [], array("q", (0,)), 0
        for row in range(0, len(self.edges) - 1, width):
            kept.append(self.text[self.edges[row] : self.edges[row + width - 1]])
            for edge in self.edges[row + 1 : row + width]:
                edges.append(place + edge - self.edges[row])
            place = edges[-1]
        return Cells(b"".join(kept), edges, self.starts, width - 1)

    def rows(self) -> list[list[tuple[str, ...]]]:
        """The rows of each sentence.

        >>> column_cells("他 r\\n来 v\\n\\n了 u\\n").rows()
        [[('他', 'r'), ('来', 'v')], [('了', 'u')]]
        """
        columns = [self.column(number) for number in range(self.width)]
        table = list(zip(*columns, strict=True))
        return [table[start:end] for start, end in pairwise(self.starts)]


class Block(NamedTuple):
    """Whole sentences of a file, and where they stand in it."""

    text: str
    name: str
    line: int
    """The line, from 1, with which it begins."""

    def place(self, line: int) -> str:
        """``FILE:LINE`` of the line of this number, from 0, of the block."""
        return f"{self.name}:{self.line + line}"


def column_blocks(corpus: Corpus, size: int = BLOCK) -> Iterator[Block]:
    """A column file in blocks of some ``size`` bytes that end where a sentence does."""
    held: str | None = None
    name, line = "", 1
    for text in corpus.blocks(size):
        now, lines = corpus.place
        if held is not None and now != name:
            if held.strip(" \t\n"):
                yield Block(held, name, line)
            held = None
        if held is None:
            held, name, line = text, now, lines - text.count("\n")
        else:
            held = f"{held}\n{text}"
        cut = held.rfind("\n\n")
        if cut < 0:
            cut = max((match.start() for match in _BLANK.finditer(held)), default=-1)
        # The sentence ends with its last token; of the blank lines behind it one belongs to it, others to the rest.
        end = len(held[: cut + 1].rstrip(" \t\n")) if cut >= 0 else 0
        if end:
            yield Block(held[:end], name, line)
            rest = held.index("\n", held.index("\n", end) + 1) + 1
            line, held = line + held.count("\n", 0, rest), held[rest:]
    if held is not None and held.strip(" \t\n"):
        yield Block(held, name, line)


def column_cells(text: str, width: int = 0, block: Block | None = None) -> Cells:
    """The cells of whole sentences in columns; ``width`` 0 takes the number of columns from the first line.

    Raises :class:`InputError`, naming the line (and the file of the ``block``), where a line has more or fewer, and for
    an empty sentence: a blank line that ends nothing.

    >>> column_cells("他 r\\n来\\n")
    Traceback (most recent call last):
    nlp_zero.errors.InputError: line 2: expected 2 columns, got 1
    """
    width = width or column_count(text)
    try:
        data, edges, starts = kernels.column_cells(text, width)
    except ValueError as error:
        raise InputError(_located(str(error), block)) from None
    return Cells(data, array("q", edges), array("q", starts), width)


def column_count(text: str) -> int:
    """How many columns the first line has that is not blank."""
    line = text.lstrip(" \t\n").partition("\n")[0].replace("\t", " ")
    return sum(map(bool, line.split(" "))) or 1


def _located(message: str, block: Block | None) -> str:
    """A message that begins ``line 0:``, with the file, and lines from 1."""
    found = re.match(r"line (\d+): ", message)
    if found is None:
        return message
    number = int(found[1])
    where = block.place(number) if block else f"line {number + 1}"
    return f"{where}: {message[found.end() :]}"


def cells_of_rows(sentences: Iterable[Sequence[Sequence[str]]]) -> Cells:
    """The table of sentences given as rows: of each token its columns, or one string a token.

    >>> cells_of_rows([[["他", "r"], ["来", "v"]]]).width
    2
    """
    parts: list[str] = []
    starts, width = array("q", (0,)), 0
    for number, sentence in enumerate(sentences):
        for place, given in enumerate(sentence):
            row = (given,) if isinstance(given, str) else given
            width = width or len(row)
            if len(row) != width or not width:
                raise InputError(f"sentence {number}, token {place}: expected {width} columns, got {len(row)}")
            if not all(isinstance(cell, str) for cell in row):
                raise InputError(f"sentence {number}, token {place}: expected strings, got {row!r}")
            parts += row
        starts.append(len(parts) // max(width, 1))
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    edges, place = array("q", (0,)), 0
    for part in encoded:
        place += len(part)
        edges.append(place)
    return Cells(b"".join(encoded), edges, starts, max(width, 1))


def join_cells(tables: Sequence[Cells]) -> Cells:
    """Several tables as one, their sentences one after another. O(cells)."""
    if len(tables) == 1:
        return tables[0]
    edges, starts = array("q", (0,)), array("q", (0,))
    for table in tables:
        if table.width != tables[0].width:
            raise InputError(f"expected {tables[0].width} columns in all files, got {table.width}")
        edge, start = edges[-1], starts[-1]
        edges.extend([edge + place for place in table.edges[1:]])
        starts.extend([start + place for place in table.starts[1:]])
    return Cells(b"".join(table.text for table in tables), edges, starts, tables[0].width if tables else 1)


# Segmented text -----------------------------------------------------------------------------------------------------


def segmented(corpus: Corpus, scheme: Scheme) -> Iterator[tuple[str, str]]:
    """Lines of words as (characters, labels), a block of lines at a time, lines joined by ``\\n`` in both.

    A label is one character, so ``scheme`` is one without types. Raises :class:`InputError` for a line without words.

    >>> list(segmented(Corpus.from_strings(["研究生 命 起源"]), Scheme.named("bmes")))
    [('研究生命起源', 'BMESBE')]
    """
    units: dict[int, str] = {}
    for text in corpus.blocks():
        name, lines = corpus.place
        characters: list[str] = []
        labels: list[str] = []
        for number, line in enumerate(text.split("\n")):
            words = line.split()
            if not words:
                place = lines - text.count("\n") + number
                raise InputError(f"{name}:{place}: expected words, such as '研究 生命', got an empty sentence")
            for length in map(len, words):
                if length not in units:
                    units[length] = "".join(scheme.label_words(["字" * length]))
            characters.append("".join(words))
            labels.append("".join([units[len(word)] for word in words]))
        yield "\n".join(characters), "\n".join(labels)


def word_lines(lines: Iterable[str], begins: bytes) -> list[str]:
    """The lines with one space before every word: ``begins`` has 1 for each character, but spaces, that begins one.

    White space in a line always parts words. O(characters).

    >>> word_lines(["研究生命", "", "起 源"], bytes([1, 0, 1, 0, 1, 0]))
    ['研究 生命', '', '起 源']
    """
    found, place = [], 0
    for line in lines:
        stretches = line.split()
        for number, stretch in enumerate(stretches):
            end = place + len(stretch)
            stretches[number] = _spaced(stretch, begins[place:end])
            place = end
        found.append(" ".join(stretches))
    return found


def _spaced(stretch: str, begins: bytes) -> str:
    """A stretch without spaces, cut before every flag but the first."""
    parts, start = [], 0
    at = begins.find(1, 1)
    while at >= 0:
        parts.append(stretch[start:at])
        start = at
        at = begins.find(1, at + 1)
    parts.append(stretch[start:])
    return " ".join(parts)
