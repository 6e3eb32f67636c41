"""Features (特征): what a tagger looks at, told by templates as CRF++ writes them.

A template file has a line a template::

    # characters and pairs of characters
    U00:%x[-1,0]
    U01:%x[0,0]
    U02:%x[-1,0]/%x[0,0]
    B

``%x[row,column]`` stands for the cell ``row`` tokens away in a column, both counted from 0; all else in a line stands
for itself, so that ``U01:`` keeps the features of one template apart from those of the next. Where a row lies outside
of the sentence it reads ``_B-1``, ``_B-2``, ... before its beginning and ``_B+1``, ... behind its end. A line that
begins with U makes attributes of a token, which get a weight for each label; one with B attributes of a token and the
one before it, which get a weight for each pair of labels: ``B`` alone the pairs themselves, ``B01:%x[0,0]`` pairs of
labels at a word. ``#`` begins a comment.

For segmentation there are ready sets, which read tables of characters (:class:`Window` makes them).

``characters``    the character before, this one and the next, and their three pairs
``segmentation``  five characters, their neighbouring pairs, classes of characters (Han, digit, numeral, time, Latin,
                  sign...), repeats; and, where a lexicon is given, the longest of its words that begin, end or go
                  through here (after J. K. Low, H. T. Ng & W. Guo 2005, "A maximum entropy approach to Chinese word
                  segmentation")

>>> from nlp_zero.tagging.columns import cells_of_rows
>>> template = Template.parse("U:%x[0,0]\\nB")
>>> features, data = Features.learn(template, cells_of_rows([["我", "来"], ["我"]]))
>>> features.names(), list(data.attributes), data.n_edge_attributes
(['U:我', 'U:来'], [0, 1, 0], 1)
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, TypeAlias

from .. import kernels
from ..errors import InputError
from ..text.characters import CLASS_NAMES, class_table
from .columns import Cells
from .dataset import Dataset

__all__ = ["READY", "AttributeLists", "Features", "Template", "Window", "column_template"]

AttributeLists: TypeAlias = "Sequence[Sequence[Mapping[str, Any] | Iterable[str]]]"
"""Sentences as python-crfsuite takes them: of each token its attributes, a list of names or a dict of values."""

READY = {
    "characters": "U00:%x[-1,0] U01:%x[0,0] U02:%x[1,0] U03:%x[-1,0]/%x[0,0] U04:%x[0,0]/%x[1,0] U05:%x[-1,0]/%x[1,0]",
    "segmentation": (
        "U00:%x[-2,0] U01:%x[-1,0] U02:%x[0,0] U03:%x[1,0] U04:%x[2,0] U05:%x[-1,0]/%x[0,0] U06:%x[0,0]/%x[1,0] "
        "U07:%x[-1,0]/%x[1,0] U08:%x[-2,0]/%x[-1,0] U09:%x[1,0]/%x[2,0] U10:%x[-1,1]%x[0,1]%x[1,1] "
        "U11:%x[-2,1]%x[-1,1]%x[0,1]%x[1,1]%x[2,1] U12:%x[0,2] U13:%x[1,2]"
    ),
}
"""The ready sets of templates for segmentation; those of a lexicon come to the second."""

_LEXICON = " U14:%x[0,3] U15:%x[0,4] U16:%x[0,5] U17:%x[0,3]%x[0,4] U18:%x[0,3]%x[0,5] U19:%x[1,3]%x[-1,5]"
_CELL = re.compile(r"%x\[(-?\d+),(\d+)\]")
_MOST_ROWS, _MOST_CELLS = 64, 31


# Templates ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Program:
    """Templates as the kernels read them."""

    numbers: array[int]  # i, three a piece
    literals: bytes
    width: int


@dataclass(frozen=True)
class Template:
    """The lines of a template file that count: those with U, in order, and those with B."""

    states: tuple[str, ...]
    edges: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, name: str = "template") -> Template:
        """Templates from the text of a file; :class:`InputError` with ``name`` and line for one that is none.

        >>> Template.parse("# pairs\\nU05:%x[-1,0]/%x[0,0]\\n\\nB\\n")
        Template(states=('U05:%x[-1,0]/%x[0,0]',), edges=('B',))
        >>> Template.parse("U00:%x[0]")
        Traceback (most recent call last):
        nlp_zero.errors.InputError: template:1: expected cells such as %x[-1,0], got 'U00:%x[0]'
        """
        states: list[str] = []
        edges: list[str] = []
        for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
            line = line.rstrip()
            if not line or line.startswith("#"):
                continue
            if line[0] not in "UB":
                raise InputError(f"{name}:{number}: expected a line that begins with U, B or #, got {line!r}")
            cells = _CELL.findall(line)
            if line.count("%") != len(cells) or len(cells) > _MOST_CELLS:
                raise InputError(f"{name}:{number}: expected cells such as %x[-1,0], got {line!r}")
            if any(abs(int(row)) > _MOST_ROWS or int(column) >= 1 << 16 for row, column in cells):
                raise InputError(f"{name}:{number}: expected rows from -{_MOST_ROWS} to {_MOST_ROWS}, got {line!r}")
            (states if line[0] == "U" else edges).append(line)
        if not states and not edges:
            raise InputError(f"{name}: expected templates such as U00:%x[0,0], got none")
        # B alone comes first, so that its attribute has number 0, whatever else there is.
        return cls(tuple(states), tuple(sorted(dict.fromkeys(edges), key=lambda line: line != "B")))

    @classmethod
    def ready(cls, name: str, lexicon: bool = False) -> Template:
        """A ready set: of :data:`READY`, and the pairs of labels."""
        lines = READY[name] + (_LEXICON if lexicon and name == "segmentation" else "")
        return cls(tuple(lines.split(" ")), ("B",))

    @property
    def lines(self) -> list[str]:
        return [*self.states, *self.edges]

    @cached_property
    def width(self) -> int:
        """The columns that it reads."""
        return max(self._states.width, self._edges.width)

    def check(self, width: int) -> None:
        """Raise :class:`InputError` where a template addresses a column that is not there."""
        for line in self.lines:
            for _, column in _CELL.findall(line):
                if int(column) >= width:
                    what = f"are {width} columns, 0 to {width - 1}," if width > 1 else "is column 0 alone"
                    raise InputError(f"template {line!r}: column {column} is missing, there {what} beside the label")

    @property
    def plain(self) -> bool:
        """Whether pairs of labels are all that its edges look at."""
        return self.edges == ("B",)

    @cached_property
    def _states(self) -> _Program:
        return _program(self.states)

    @cached_property
    def _edges(self) -> _Program:
        return _program(self.edges)


def _program(lines: Sequence[str]) -> _Program:
    numbers, literals, width = array("i"), bytearray(), 0
    for line in lines:
        pieces = _CELL.split(line)
        for literal, row, column in zip(pieces[0::3], [*pieces[1::3], ""], [*pieces[2::3], ""], strict=True):
            if literal:
                start = len(literals)
                literals += literal.encode("utf-8", "surrogatepass")
                numbers.extend((0, start, len(literals)))
            if row:
                numbers.extend((1, int(row), int(column)))
                width = max(width, int(column) + 1)
        numbers.extend((2, 0, 0))
    return _Program(numbers, bytes(literals), width)


def column_template(width: int) -> Template:
    """What to look at where nobody said: in each column five tokens, and in the first two the pairs around here."""
    lines = [f"U{column}{row + 2}:%x[{row},{column}]" for column in range(width) for row in range(-2, 3)]
    for column in range(min(width, 2)):
        lines += [f"U{column}{5 + row}:%x[{row - 1},{column}]/%x[{row},{column}]" for row in range(2)]
    return Template(tuple(lines), ("B",))


# Characters as tables -----------------------------------------------------------------------------------------------

# Characters that date and number words are made of behave like digits do (Low, Ng & Guo 2005).
_NUMERALS, _TIMES = "〇零一二三四五六七八九十百千万亿两", "年月日时分秒"


class _Classes(dict[int, str]):
    """One letter for the class of each character; a line end stays."""

    def __missing__(self, code: int) -> str:
        letter = "n" if chr(code) in _NUMERALS else "t" if chr(code) in _TIMES else "OSPHLDKAM"[class_table()[code]]
        self[code] = letter
        return letter


assert len(CLASS_NAMES) == 9


class Window:
    """What stands around a character, as a table: the character, and for ``segmentation`` its class, whether it repeats
    the one before or the one before that, and the words of a lexicon that begin here, go through and end here.

    >>> Window("segmentation", ["长江"]).cells(["看长江"]).rows()[0][1]
    ('长', 'H', '0', '2', '0', '0')
    """

    def __init__(self, name: str = "segmentation", lexicon: Iterable[str] = ()) -> None:
        if name not in READY:
            raise InputError(f"features: expected {' or '.join(READY)}, got {name!r}")
        self.name = name
        self.lexicon = sorted({word for word in lexicon if len(word) > 1}) if name == "segmentation" else []
        self.width = 1 if name == "characters" else 6 if self.lexicon else 3
        self._classes = _Classes({10: "\n"})
        self._words = set(self.lexicon)
        self._beginnings = {word[:size] for word in self.lexicon for size in range(1, len(word) + 1)}

    @property
    def template(self) -> Template:
        return Template.ready(self.name, bool(self.lexicon))

    def cells(self, lines: Iterable[str]) -> Cells:
        """The table of lines without white space; every line is a sentence. O(characters), C alone for one column."""
        text = "\n".join(lines)
        if self.width > 1:
            text = self._woven(text)
        data, edges, starts = kernels.character_cells(text, self.width)
        return Cells(data, array("q", edges), array("q", starts), self.width)

    def _woven(self, text: str) -> str:
        """The columns of the table, character by character; a line end is one in every column, and then again one."""
        columns = [text, text.translate(self._classes), _repeats(text)]
        if self.lexicon:
            columns += self._matches(text)
        woven = [""] * (len(text) * self.width)
        for number, column in enumerate(columns):
            woven[number :: self.width] = column
        return "".join(woven).replace("\n" * self.width, "\n")

    def _matches(self, text: str) -> tuple[str, str, str]:
        """Length of the longest word that begins at, goes through, ends at each character; 0 for none, 9 for more."""
        begins, inside, ends = (["0"] * len(text) for _ in range(3))
        for start, character in enumerate(text):
            if character == "\n":
                begins[start] = inside[start] = ends[start] = "\n"
                continue
            end, longest = start + 1, 0
            while text[start:end] in self._beginnings:
                if text[start:end] in self._words:
                    longest = end - start
                    size = "23456789"[min(longest, 9) - 2]
                    ends[end - 1] = max(ends[end - 1], size)
                end += 1
                if end > len(text):
                    break
            if longest:
                size = "23456789"[min(longest, 9) - 2]
                begins[start] = size
                for place in range(start + 1, start + longest - 1):
                    inside[place] = max(inside[place], size)
        return "".join(begins), "".join(inside), "".join(ends)


def _repeats(text: str) -> str:
    """1 where a character is that before it, 2 where it is that before the one before, 3 for both, else 0."""
    before = ("\n" + text)[: len(text)]
    earlier = ("\n" + before)[: len(text)]
    return "".join(
        "\n" if here == "\n" else "0123"[(here == last) + 2 * (here == first and last != "\n")]
        for first, last, here in zip(earlier, before, text, strict=True)
    )


# Attributes ---------------------------------------------------------------------------------------------------------


class _Index:
    """Numbered names of attributes, and the table that finds them in text."""

    def __init__(self, names: bytes, ends: array[int]) -> None:
        self.bytes, self.ends = names, ends
        self._tables: dict[str, Any] = {}
        self._numbers: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, number: int) -> str:
        """The name of an attribute."""
        end = self.ends[number]
        return self.bytes[self.ends[number - 1] if number else 0 : end].decode("utf-8", "surrogatepass")

    def names(self) -> list[str]:
        parts = (self.bytes[start:end] for start, end in pairwise((0, *self.ends)))
        return [part.decode("utf-8", "surrogatepass") for part in parts]

    @property
    def table(self) -> Any:
        """That of the engine in use."""
        if kernels.backend not in self._tables:
            self._tables[kernels.backend] = kernels.AttributeTable(self.bytes, self.ends)
        return self._tables[kernels.backend]

    @property
    def numbers(self) -> dict[str, int]:
        if self._numbers is None:
            self._numbers = {name: number for number, name in enumerate(self.names())}
        return self._numbers


def _index_of(names: Iterable[str]) -> _Index:
    encoded = [name.encode("utf-8", "surrogatepass") for name in names]
    return _Index(b"".join(encoded), array("I", accumulate(map(len, encoded))))


class Features:
    """The attributes that a tagger knows, and how it finds them in a table or in lists of names.

    ``template`` None: attributes come by name (:data:`AttributeLists`).
    """

    def __init__(self, template: Template | None, states: _Index, edges: _Index | None = None) -> None:
        self.template, self.states, self.edges = template, states, edges

    # Learning

    @classmethod
    def learn(cls, template: Template, cells: Cells, *, min_count: int = 1) -> tuple[Features, Dataset]:
        """The attributes of a table that are met ``min_count`` times or more, and the table in numbers (no labels).

        O(templates x tokens). Raises :class:`InputError` where a template addresses a missing column.
        """
        template.check(cells.width)
        program = template._states
        names, ends, offsets, ids = kernels.find_attributes(
            *cells, program.numbers, program.literals, 1, max(min_count, 1)
        )
        states, edges = _Index(names, array("I", ends)), None
        edge_rows: tuple[array[int], array[int]] | None = None
        if template.edges and not template.plain:
            program = template._edges
            names, ends, edge_offsets, edge_ids = kernels.find_attributes(
                *cells, program.numbers, program.literals, 0, max(min_count, 1)
            )
            edges = _Index(names, array("I", ends))
            edge_rows = array("q", edge_offsets), array("i", edge_ids)
        features = cls(template, states, edges)
        return features, features._dataset(cells.starts, array("q", offsets), array("i", ids), None, edge_rows)

    @classmethod
    def learn_lists(cls, sentences: AttributeLists, *, min_count: int = 1) -> tuple[Features, Dataset]:
        """The same of attributes given by name, as python-crfsuite takes them; neighbouring labels count as well.

        >>> features, data = Features.learn_lists([[["w=我", "first"], {"w": "来", "length": 0.5}]])
        >>> features.names(), list(data.values)
        (['w=我', 'first', 'w:来', 'length'], [1.0, 1.0, 1.0, 0.5])
        """
        counts: dict[str, int] = {}
        held = [[list(_named(token)) for token in sentence] for sentence in sentences]
        for sentence in held:
            for token in sentence:
                for name, _ in token:
                    counts[name] = counts.get(name, 0) + 1
        features = cls(None, _index_of(name for name, count in counts.items() if count >= min_count))
        return features, features._list_dataset(held)

    # Looking up

    def dataset(self, cells: Cells, n_labels: int = 1) -> Dataset:
        """A table in numbers; what is not known is left out. O(templates x tokens)."""
        if self.template is None:
            raise InputError("this model takes attributes by name, such as [['w=我', 'first']], got a table")
        self.template.check(cells.width)
        program = self.template._states
        offsets, ids = self.states.table.find(*cells, program.numbers, program.literals, 1)
        edge_rows = None
        if self.edges is not None:
            program = self.template._edges
            found = self.edges.table.find(*cells, program.numbers, program.literals, 0)
            edge_rows = array("q", found[0]), array("i", found[1])
        return self._dataset(cells.starts, array("q", offsets), array("i", ids), None, edge_rows, n_labels)

    def list_dataset(self, sentences: AttributeLists, n_labels: int = 1) -> Dataset:
        """Attributes by name in numbers; what is not known is left out."""
        return self._list_dataset([[list(_named(token)) for token in sentence] for sentence in sentences], n_labels)

    def _list_dataset(self, sentences: Sequence[Sequence[list[tuple[str, float]]]], n_labels: int = 1) -> Dataset:
        numbers = self.states.numbers
        offsets, ids, values = array("q", (0,)), array("i"), array("d")
        for sentence in sentences:
            for token in sentence:
                for name, value in token:
                    number = numbers.get(name)
                    if number is not None:
                        ids.append(number)
                        values.append(value)
                offsets.append(len(ids))
        starts = array("q", accumulate(map(len, sentences), initial=0))
        plain = all(value == 1.0 for value in values)
        return self._dataset(starts, offsets, ids, None if plain else values, None, n_labels)

    def _dataset(
        self,
        starts: array[int],
        offsets: array[int],
        ids: array[int],
        values: array[float] | None,
        edges: tuple[array[int], array[int]] | None,
        n_labels: int = 1,
    ) -> Dataset:
        return Dataset(
            starts,
            offsets,
            ids,
            values,
            edges[0] if edges else None,
            edges[1] if edges else None,
            array("i"),
            None,
            len(self.states),
            self.n_edge_attributes,
            n_labels,
        )

    @property
    def n_edge_attributes(self) -> int:
        if self.edges is not None:
            return len(self.edges)
        return 1 if self.template is None or self.template.edges else 0

    def names(self) -> list[str]:
        """The names of the attributes of tokens, by number."""
        return self.states.names()

    def edge_names(self) -> list[str]:
        """The names of the attributes of pairs of labels, by number."""
        return self.edges.names() if self.edges is not None else ["B"][: self.n_edge_attributes]


def _named(token: Mapping[str, Any] | Iterable[str]) -> Iterable[tuple[str, float]]:
    """The attributes of a token with their values, in the order given.

    A number counts as it is, True and False as 1 and 0, a string joins its name (``w:我``), and so do the items of a
    list or a dict.
    """
    if isinstance(token, str):
        raise InputError(f"expected the attributes of a token, such as ['w=我', 'first'], got the string {token!r}")
    if not isinstance(token, Mapping):
        for name in token:
            if not isinstance(name, str):
                raise InputError(f"expected the name of an attribute, such as 'w=我', got {name!r}")
            yield name, 1.0
        return
    for name, value in token.items():
        if isinstance(value, str):
            yield f"{name}:{value}", 1.0
        elif isinstance(value, bool | int | float):
            number = float(value)
            if not abs(number) < float("inf"):
                raise InputError(f"attribute {name!r}: expected a finite value, got {value!r}")
            yield name, number
        elif isinstance(value, Mapping):
            for below, number in _named(value):
                yield f"{name}:{below}", number
        else:
            for below in value:
                yield f"{name}:{below}", 1.0
