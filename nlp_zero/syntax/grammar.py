"""Templates (句模板), word classes (词类) and tables of brackets: what was learnt about sentences, and its one file.

A *template* is a row of words and slots. Two fixed words that stand side by side in it stand side by side in the text;
a plain slot covers one or more words of any kind; a slot of a class covers exactly one word, which is of that class. A
template has no ends that are not written: ``是 什么`` covers two words, and nothing around them.

Written down, words and slots are parted by single spaces; ``_`` is a plain slot, ``[c12]`` one of the class c12::

    我 的 _ 是 [c3]

A word that looks like a slot (``_``, or anything between ``[`` and ``]``) has a backslash before it, and so has a
backslash; space, tab, line feed, carriage return within a word are ``\\s``, ``\\t``, ``\\n``, ``\\r``.

The file is a table in UTF-8 with tabs, one header line, and a row for each thing::

    kind      name       count  bits   more
    template  _ 的 _     120    310.5  {"slots": [...], "examples": [...]}
    class     c12                      苹果 香蕉
    bracket   begins     0.25          我 的 \\ 你 的

* ``template``: its notation, its count (a sum of weights), the bits that it saves, and as JSON what is known of its
  slots and where it was found;
* ``class``: the name and the words, the most frequent first, in the notation of a template;
* ``bracket``: the name of a table, a value (in nats where it is a log odds; a table says so), and the keys that have
  it, parted by a backslash alone; a key is words in the notation of a template. What the tables mean is the business of
  whoever counts and reads them (``brackets.py``); here they are kept as they are.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple, TypeAlias

from ..errors import GrammarError
from ..storage import atomic_writer
from ..text.corpus import Corpus

__all__ = ["SLOT", "BracketTables", "Filling", "Grammar", "Slot", "Template", "join_words", "split_words"]

HEADER = ("kind", "name", "count", "bits", "more")

BracketTables: TypeAlias = "Mapping[str, Mapping[str, float]]"
"""Numbers by the name of a table and a key; words within a key are parted as :func:`join_words` does."""


class Slot(NamedTuple):
    """A hole in a template: one or more words of any kind, or exactly one word of a class.

    >>> Slot(), Slot("c12")
    (Slot(words=''), Slot(words='c12'))
    """

    words: str = ""  # the name of a class; "" for any words


SLOT = Slot()
"""The plain slot."""


class Filling(NamedTuple):
    """What stood in a slot: the entropy of its fillers in bits, and the most frequent of them with their weights."""

    entropy: float
    fillers: tuple[tuple[str, float], ...]  # words of a filler are parted as in a template


class Template(NamedTuple):
    """A row of words and slots, with its evidence.

    ``count`` is the sum of the weights by which sentences show it (each sentence gives 1 in all, over all templates);
    ``bits`` is what the description of the text saves by it.

    >>> Template.parse("我 的 _ 是 [c3]", count=3).parts
    ('我', '的', Slot(words=''), '是', Slot(words='c3'))
    """

    parts: tuple[str | Slot, ...]
    count: float = 1.0  # type: ignore[assignment]
    bits: float = 0.0
    slots: tuple[Filling, ...] = ()
    examples: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str, count: float = 1.0, bits: float = 0.0) -> Template:
        """The template of a notation; raises :class:`GrammarError` for what is none.

        >>> Template.parse(r"\\_ \\[注] _").parts
        ('_', '[注]', Slot(words=''))
        """
        return cls(tuple(map(_read_part, _split(text))), count, bits)

    def __str__(self) -> str:
        """The notation.

        >>> print(Template((SLOT, "的", SLOT), 12))
        _ 的 _
        """
        return " ".join(map(_written_part, self.parts))

    @property
    def fixed(self) -> int:
        """The number of words that are no slots."""
        return sum(1 for part in self.parts if isinstance(part, str))


class Grammar:
    """What was learnt: templates, best first; words by class; tables of brackets, or None. It does not change.

    >>> grammar = Grammar([Template.parse("_ 的 _", 12), Template.parse("我 [c1]", 8)], {"c1": ("爱", "想")})
    >>> len(grammar), grammar.total, grammar.class_of["想"], grammar
    (2, 20, 'c1', <Grammar: 2 templates, 1 class, no brackets>)

    Raises :class:`GrammarError` for a template of no parts, with plain slots side by side, of a class that is not
    there, of a count that is not above zero, or there twice; and for a word in two classes.
    """

    def __init__(
        self,
        templates: Iterable[Template] = (),
        classes: Mapping[str, Iterable[str]] | None = None,
        brackets: BracketTables | None = None,
    ) -> None:
        self.templates = tuple(templates)
        self.classes: Mapping[str, tuple[str, ...]] = {name: tuple(words) for name, words in (classes or {}).items()}
        self.brackets = brackets
        self.class_of: dict[str, str] = {}
        """The class of every word that has one."""
        for name, words in self.classes.items():
            _check_class(name)
            for word in words:
                if self.class_of.setdefault(word, name) != name:
                    raise GrammarError(f"class {name}: the word {word!r} is in class {self.class_of[word]} as well")
        seen: set[tuple[str | Slot, ...]] = set()
        for template in self.templates:
            self._check(template)
            if template.parts in seen:
                raise GrammarError(f"expected each template once, got {str(template)!r} again")
            seen.add(template.parts)

    def __len__(self) -> int:
        return len(self.templates)

    def __repr__(self) -> str:
        kinds = f"{len(self.classes):,} class{'es' * (len(self.classes) != 1)}"
        brackets = "no brackets" if self.brackets is None else f"{sum(map(len, self.brackets.values())):,} brackets"
        return f"<Grammar: {len(self.templates):,} template{'s' * (len(self) != 1)}, {kinds}, {brackets}>"

    @property
    def total(self) -> float:
        """The sum of the counts of the templates."""
        return sum(template.count for template in self.templates)

    def with_brackets(self, brackets: BracketTables | None) -> Grammar:
        """The same templates and classes with other tables of brackets.

        >>> Grammar().with_brackets({"begins": {"我": 0.5}})
        <Grammar: 0 templates, 0 classes, 1 brackets>
        """
        return Grammar(self.templates, self.classes, brackets)

    def _check(self, template: Template) -> None:
        if not template.parts:
            raise GrammarError("expected a template of one part or more, such as '_ 的 _', got one of none")
        if not (template.count > 0 and isfinite(template.count) and isfinite(template.bits)):
            raise GrammarError(
                f"{template}: expected a count above 0 and finite bits, got {template.count!r} and {template.bits!r}"
            )
        before: str | Slot = ""
        for part in template.parts:
            if isinstance(part, Slot):
                if part.words and part.words not in self.classes:
                    raise GrammarError(f"{template}: expected a slot of a known class, got {part.words!r}")
                if part == SLOT == before:
                    raise GrammarError(f"{template}: expected a word between two slots of any words, got none")
            before = part

    # Files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the table; the file appears whole or not at all."""
        with atomic_writer(path) as file:
            file.writelines(self.lines())

    def lines(self) -> Iterator[str]:
        """The lines of the file, line ends included.

        >>> for line in Grammar([Template.parse("_ 的 _", 12, 310.5)], {"c1": ["爱", "想"]}).lines():
        ...     print(line.replace("\\t", " | "), end="")
        kind | name | count | bits | more
        template | _ 的 _ | 12 | 310.5 | {}
        class | c1 |  |  | 爱 想
        """
        yield _row(*HEADER)
        for template in self.templates:
            yield _row("template", str(template), repr(template.count), repr(template.bits), _evidence(template))
        for name, words in self.classes.items():
            yield _row("class", name, "", "", join_words(words))
        for name, table in (self.brackets or {}).items():
            keys: dict[float, list[str]] = {}
            for key, value in table.items():
                keys.setdefault(value, []).append(key)
            for value, row in keys.items():
                yield _row("bracket", name, repr(value), "", _BETWEEN_KEYS.join(row))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Grammar:
        """Read the table; raises :class:`GrammarError` with file and line for one that is damaged.

        Compressed files are read as they are; a file that is missing raises :class:`nlp_zero.errors.InputError`.
        """
        return cls.read(Corpus([path]), os.fspath(path))

    @classmethod
    def read(cls, lines: Iterable[str], name: str = "grammar") -> Grammar:
        """The grammar of the lines of a file, line ends off; ``name`` is for errors."""
        reader = _Reader(name)
        reader.read(lines)
        try:
            return cls(reader.templates, reader.classes, reader.brackets)
        except GrammarError as error:
            raise GrammarError(f"{name}: {error}") from None


class _Reader:
    """The rows of a file, one after the other."""

    def __init__(self, name: str) -> None:
        self.name, self.line = name, 0
        self.templates: list[Template] = []
        self.classes: dict[str, tuple[str, ...]] = {}
        self.brackets: dict[str, dict[str, float]] | None = None

    def read(self, lines: Iterable[str]) -> None:
        take = {"template": self._take_template, "class": self._take_class, "bracket": self._take_bracket}
        for self.line, line in enumerate(lines, 1):
            cells = line.split("\t")
            if self.line == 1:
                if tuple(cells) != HEADER:
                    raise self._error(f"the header {' '.join(HEADER)!r}, parted by tabs", line)
            elif len(cells) != len(HEADER) or cells[0] not in take:
                raise self._error("a row 'KIND NAME COUNT BITS MORE' of kind template, class or bracket", line)
            else:
                try:
                    take[cells[0]](*cells[1:])
                except GrammarError as error:
                    raise GrammarError(f"{self.name}: line {self.line}: {error}") from None
        if not self.line:
            raise GrammarError(f"{self.name}: expected a table of templates with a header line, got an empty file")

    def _error(self, expected: str, got: str) -> GrammarError:
        return GrammarError(f"{self.name}: line {self.line}: expected {expected}, got {got[:80]!r}")

    def _number(self, text: str, what: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not isfinite(number):
            raise GrammarError(f"expected a number of {what}, such as 12.5, got {text[:80]!r}")
        return number

    def _take_template(self, name: str, count: str, bits: str, more: str) -> None:
        template = Template.parse(name, self._number(count, "counts"), self._number(bits, "bits"))
        slots, examples = _read_evidence(more)
        self.templates.append(template._replace(slots=slots, examples=examples))

    def _take_class(self, name: str, count: str, bits: str, more: str) -> None:
        if name in self.classes:
            raise GrammarError(f"expected the class {name!r} once, got it again")
        _check_class(name)
        self.classes[name] = split_words(more)

    def _take_bracket(self, name: str, count: str, bits: str, more: str) -> None:
        if self.brackets is None:
            self.brackets = {}
        value = self._number(count, "a table of brackets")
        self.brackets.setdefault(name, {}).update(dict.fromkeys(more.split(_BETWEEN_KEYS), value))


# Notation ----------------------------------------------------------------------------------------------------------

_BETWEEN_KEYS = " \\ "
_ESCAPES = {"\\": "\\\\", " ": "\\s", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_SIGNS = {"s": " ", "t": "\t", "n": "\n", "r": "\r"}
_ESCAPED = re.compile(r"[\\ \t\n\r]")
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)


def join_words(words: Iterable[str]) -> str:
    """Words in one string, parted by spaces, so that :func:`split_words` gives them back.

    >>> join_words(["我", "New York", "_"])
    '我 New\\\\sYork \\\\_'
    """
    return " ".join(map(_written_word, words))


def split_words(text: str) -> tuple[str, ...]:
    """The words of such a string; raises :class:`GrammarError` for one that is none.

    >>> split_words(r"我 New\\sYork \\_")
    ('我', 'New York', '_')
    """
    return tuple(map(_read_word, _split(text))) if text else ()


def _split(text: str) -> list[str]:
    pieces = text.split(" ")
    if "" in pieces:
        raise GrammarError(f"expected words parted by single spaces, such as '_ 的 _', got {text[:80]!r}")
    return pieces


def _written_word(word: str) -> str:
    if not word:
        raise GrammarError("expected a word of one character or more, such as '的', got an empty one")
    text = _ESCAPED.sub(lambda found: _ESCAPES[found[0]], word)
    return f"\\{text}" if text == "_" or (text[0] == "[" and text[-1] == "]") else text


def _read_word(piece: str) -> str:
    if "\\" not in piece:
        return piece
    if piece.replace("\\\\", "").endswith("\\"):
        raise GrammarError(f"expected a sign after a backslash, such as \\\\s, got {piece[:80]!r}")
    return _ESCAPE.sub(lambda found: _SIGNS.get(found[1], found[1]), piece)


def _written_part(part: str | Slot) -> str:
    if isinstance(part, Slot):
        return f"[{part.words}]" if part.words else "_"
    return _written_word(part)


def _read_part(piece: str) -> str | Slot:
    if piece == "_":
        return SLOT
    if piece[0] == "[" and piece[-1] == "]":
        _check_class(piece[1:-1])
        return Slot(piece[1:-1])
    return _read_word(piece)


def _check_class(name: str) -> None:
    if not name or _ESCAPED.search(name):
        raise GrammarError(f"expected the name of a class, without spaces, such as c12, got {name[:80]!r}")


# Rows --------------------------------------------------------------------------------------------------------------


def _row(*cells: str) -> str:
    return "\t".join(cells) + "\n"


def _evidence(template: Template) -> str:
    """What is known of a template beyond its numbers, as JSON; nothing is an empty object."""
    more: dict[str, Any] = {}
    if template.slots:
        more["slots"] = [{"bits": slot.entropy, "fillers": dict(slot.fillers)} for slot in template.slots]
    if template.examples:
        more["examples"] = template.examples
    return json.dumps(more, ensure_ascii=False, allow_nan=False)


def _read_evidence(text: str) -> tuple[tuple[Filling, ...], tuple[str, ...]]:
    try:
        more = json.loads(text)
        slots = tuple(_filling(slot) for slot in more.get("slots", ()))
        examples = tuple(more.get("examples", ()))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _bad_evidence(text) from None
    if not all(isinstance(example, str) for example in examples):
        raise _bad_evidence(text)
    return slots, examples


def _filling(slot: Any) -> Filling:
    return Filling(float(slot["bits"]), tuple((str(filler), float(n)) for filler, n in slot["fillers"].items()))


def _bad_evidence(text: str) -> GrammarError:
    return GrammarError(
        'expected slots and examples as JSON, such as {"slots": [{"bits": 1.5, "fillers": {"苹果": 3}}]}, '
        f"got {text[:80]!r}"
    )
