r"""Lexicon (词典): words with their counts, and the evidence that made them words.

A lexicon is a value: adding words in another order gives an equal lexicon, and :meth:`Lexicon.merge` joins lexicons by
one rule, commutative and associative, with the empty lexicon as its identity:

* counts add;
* of each piece of evidence the larger value stays (entropies and bits of two corpora cannot be added up; the larger
  says what the better witness saw), and what is unknown (NaN) gives way to what is known;
* of two tags the first by code points stays, and no tag gives way to a tag.

The order of a lexicon is written down as well: words whose saved bits are known come first, most bits first; then the
others, highest count first; ties go to the higher count, then to the word that is first by code points.

Files: ``tsv`` (our own, all of a lexicon; also plain ``word<TAB>count``), ``jieba`` (``word count tag``), ``hanlp``
(``word tag count``), ``jsonl``, and for reading ``plain`` (a word a line).

Shapes (words with a placeholder for a number or a Latin word, see :mod:`nlp_zero.words.symbols`): ``tsv`` writes their
placeholders as ``\N`` (a number), ``\Y`` (four digits), ``\L`` (Latin letters), ``\R`` (a rare character), so that
``\N元`` is any number and 元; ``jsonl`` writes ``\ufdd0`` and so on. The programs that read ``jieba`` and ``hanlp``
know no shapes: such files are written without them, and :meth:`Lexicon.save` says how many were left out.

>>> lexicon = Lexicon({"研究": 3, "生命": 5})
>>> lexicon.add("研究", 4)
>>> list(lexicon), lexicon["研究"].count, lexicon.total
(['研究', '生命'], 7, 12)
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import IO, Any, NamedTuple, TypeAlias

from ..errors import LexiconError
from ..storage import atomic_writer
from .symbols import LATIN, NUMBER, RARE, YEAR, is_shape

__all__ = ["FORMATS", "Entry", "Lexicon"]

MAX_LENGTH = 1000
MAX_COUNT = 2**63 - 1

FORMATS = ("tsv", "jieba", "hanlp", "jsonl", "plain")
"""The formats of files; ``plain`` can be read only."""

_FORBIDDEN = re.compile("[\n\r\0]")

# One NaN for all: tuples compare equal by identity first, so rows with unknown evidence are equal as they stand.
_UNKNOWN = math.nan

# What a lexicon keeps of a word: exact tuples, which the garbage collector learns to ignore.
_Row: TypeAlias = "tuple[int, float, float, float, float, str]"


class Entry(NamedTuple):
    """A word and what is known of it; NaN and "" say that something is not known.

    ``bits`` is the description length that the word saves, ``pmi`` the smallest pointwise mutual information over its
    splits, the entropies those of its neighbours (branching entropy, 左右信息熵), all in bits.
    """

    word: str
    count: int = 1  # type: ignore[assignment]  # hides tuple.count, which nobody misses here
    bits: float = _UNKNOWN
    pmi: float = _UNKNOWN
    left_entropy: float = _UNKNOWN
    right_entropy: float = _UNKNOWN
    tag: str = ""


class Lexicon:
    """Words with counts and evidence, in a written order that does not depend on how they came in.

    ``entries`` is a mapping of words to counts, or an iterable of words, of ``(word, count)`` or of :class:`Entry`.
    Lookups cost O(1); iteration sorts once after a change. Two lexicons are equal when their entries are; provenance
    (where it came from: anything JSON can hold, by name) is not compared.
    """

    __slots__ = ("_ranked", "_rows", "_total", "provenance")
    __hash__ = None  # type: ignore[assignment]  # it can change

    def __init__(
        self,
        entries: Mapping[str, int] | Iterable[str | Entry | tuple[str, int]] = (),
        *,
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        self._rows: dict[str, _Row] = {}
        self._total = 0
        self._ranked: list[str] | None = None
        self.provenance: dict[str, Any] = dict(provenance or {})
        if isinstance(entries, str | bytes):
            raise TypeError(
                f"expected words, such as ['研究', '生命'], or counts, such as {{'研究': 3}}, got {entries!r}"
            )
        if isinstance(entries, Lexicon):
            entries = entries.entries()
        for entry in entries.items() if isinstance(entries, Mapping) else entries:
            if isinstance(entry, str):
                self._insert(entry, _row())
            else:
                self._insert(entry[0], _row(*entry[1:]))

    @classmethod
    def _of_entries(cls, entries: Iterable[Entry], provenance: Mapping[str, Any]) -> Lexicon:
        """The lexicon of entries whose words and values need no check: NaN only as :data:`math.nan`, no -0.0."""
        lexicon = cls(provenance=provenance)
        for entry in entries:
            lexicon._insert_known(entry[0], entry[1:])
        return lexicon

    # One word at a time

    def add(self, word: str, count: int = 1, tag: str = "", **evidence: float) -> None:
        """Add a word, or more of it: counts add up, evidence joins by the rule of this module.

        >>> lexicon = Lexicon()
        >>> lexicon.add("葡萄酒", 3, pmi=7.5)
        >>> lexicon.add("葡萄酒", 2, "n", pmi=6.0)
        >>> entry = lexicon["葡萄酒"]
        >>> entry.count, entry.pmi, entry.tag
        (5, 7.5, 'n')
        """
        self._insert(word, _row(count, tag=tag, **evidence))

    def remove(self, word: str) -> None:
        """Take a word out; KeyError if it is not there."""
        self._total -= self._rows.pop(word)[0]
        self._ranked = None

    def discard(self, word: str) -> None:
        """Take a word out if it is there."""
        if word in self._rows:
            self.remove(word)

    def count(self, word: str) -> int:
        """How often the word occurs; 0 for a word that is not there."""
        row = self._rows.get(word)
        return 0 if row is None else row[0]

    def __getitem__(self, word: str) -> Entry:
        return _entry(word, self._rows[word])

    def __contains__(self, word: object) -> bool:
        return word in self._rows

    # All words

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        """The words, best first."""
        return iter(self._ranking())

    def entries(self, limit: int | None = None) -> Iterator[Entry]:
        """The entries, best first; the first ``limit`` of them."""
        rows = self._rows
        return (_entry(word, rows[word]) for word in islice(self._ranking(), limit))

    def counts(self) -> dict[str, int]:
        """Word to count, best first."""
        return {word: self._rows[word][0] for word in self._ranking()}

    @property
    def total(self) -> int:
        """The sum of all counts."""
        return self._total

    # Whole lexicons

    @classmethod
    def merge(cls, *lexicons: Lexicon) -> Lexicon:
        """One lexicon of all the words of several; the rule is that of the module.

        Provenance: parts of different origin are listed under ``merged``, in an order of their own.

        >>> both = Lexicon.merge(Lexicon({"研究": 3, "生命": 1}), Lexicon({"研究": 2}))
        >>> both.counts()
        {'研究': 5, '生命': 1}
        """
        merged = cls(provenance=_merge_provenance(lexicon.provenance for lexicon in lexicons))
        for lexicon in lexicons:
            for word, row in lexicon._rows.items():
                merged._insert_known(word, row)
        return merged

    def subtract(self, known: Container[str] | Iterable[str]) -> Lexicon:
        """A lexicon without the known words: what is new.

        >>> list(Lexicon({"研究": 3, "葡萄酒": 1}).subtract(["研究"]))
        ['葡萄酒']
        """
        if isinstance(known, str):
            raise TypeError(f"expected a lexicon or a collection of words, such as ['研究'], got {known!r}")
        words = known if isinstance(known, Container) and not isinstance(known, list | tuple) else set(known)
        rest = type(self)(provenance=self.provenance)
        rest._rows = {word: row for word, row in self._rows.items() if word not in words}
        rest._total = sum(row[0] for row in rest._rows.values())
        if self._ranked is not None:
            rest._ranked = list(filter(rest._rows.__contains__, self._ranked))
        return rest

    def __eq__(self, other: object) -> bool:
        return self._rows == other._rows if isinstance(other, Lexicon) else NotImplemented

    def __repr__(self) -> str:
        return f"<Lexicon of {len(self):,} words, {self._total:,} occurrences>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, ([(word, *row) for word, row in self._rows.items()], self.provenance)

    # Files

    def save(self, path: str | os.PathLike[str], format: str = "tsv") -> int:
        """Write the lexicon, best word first, in the format ``tsv``, ``jieba``, ``hanlp`` or ``jsonl``.

        The file appears whole or not at all. ``jieba`` and ``hanlp`` hold word, count and tag; what a format cannot
        hold so that it reads back the same (a word with a tab, a tag with a space) is a :class:`LexiconError`. HanLP
        knows no word without a tag: it is written as ``nz``, which is what HanLP itself takes such a word for.
        Returns how many shapes were left out: 0 but for ``jieba`` and ``hanlp``.
        """
        with atomic_writer(path) as file:
            return self.write(file, format)

    def write(self, file: IO[str], format: str = "tsv") -> int:
        """Write what :meth:`save` writes, to a file that is open; returns what it returns.

        >>> import sys
        >>> Lexicon({"研究": 3, "生命": 5, "\\ufdd0元": 9}).write(sys.stdout, "jieba")
        生命 5
        研究 3
        1
        """
        if format not in _WRITERS:
            raise LexiconError(f"format: expected one of {', '.join(_WRITERS)}, got {format!r}")
        return _WRITERS[format](self, file)

    @classmethod
    def load(cls, path: str | os.PathLike[str], format: str | None = None) -> Lexicon:
        """Read a lexicon; UTF-8 with or without BOM, any line ends, blank lines skipped, repeated words added up.

        ``format`` None looks at the first lines: the header of our own format, JSON, tabs, numbers. Raises
        :class:`LexiconError` with file and line.
        """
        name = os.fspath(path)
        if format is not None and format not in FORMATS:
            raise LexiconError(f"format: expected one of {', '.join(FORMATS)}, got {format!r}")
        lexicon = cls()
        try:
            with open(name, encoding="utf-8-sig") as file:
                # Chained, not sought back to: the file may be a pipe.
                sample = list(islice(file, _SAMPLE))
                _READERS[format or _sniff(sample)](lexicon, _Lines(name, chain(sample, file)))
        except UnicodeDecodeError as error:
            raise LexiconError(_bad_bytes(name)) from error
        except (OSError, ValueError) as error:
            if isinstance(error, LexiconError):
                raise
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise LexiconError(f"{name}: cannot be read: {reason}") from error
        return lexicon

    # Inner parts

    def _insert(self, word: str, row: _Row) -> None:
        _check_word(word)
        self._insert_known(word, row)

    def _insert_known(self, word: str, row: _Row) -> None:
        """Insert a row whose word and values have been checked."""
        before = self._rows.get(word)
        self._rows[word] = row if before is None else _join(word, before, row)
        self._total += row[0]
        self._ranked = None

    def _ranking(self) -> list[str]:
        if self._ranked is None:
            rows = self._rows

            def place(word: str) -> tuple[float, int, str]:
                row = rows[word]
                bits = row[1]
                # NaN is not equal to itself: no bits known, after everything known.
                return (-bits if bits == bits else math.inf), -row[0], word

            self._ranked = sorted(rows, key=place)
        return self._ranked

    def _check(self) -> None:
        """Assert the invariants; for tests."""
        assert self._total == sum(row[0] for row in self._rows.values())
        assert self._ranked is None or set(self._ranked) == set(self._rows)
        for word, row in self._rows.items():
            _check_word(word)
            assert row == _row(*row), "rows are checked, with the one NaN"


def _rebuild(rows: list[tuple[Any, ...]], provenance: dict[str, Any]) -> Lexicon:
    """What pickle and copy call."""
    return Lexicon((Entry(*row) for row in rows), provenance=provenance)


# Rows --------------------------------------------------------------------------------------------------------------


def _row(
    count: int = 1,
    bits: float = _UNKNOWN,
    pmi: float = _UNKNOWN,
    left_entropy: float = _UNKNOWN,
    right_entropy: float = _UNKNOWN,
    tag: str = "",
) -> _Row:
    """Checked values of a word."""
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MAX_COUNT:
        raise LexiconError(f"expected a count from 0 to 2**63 - 1, such as 42, got {_shown(count)}")
    if tag and _FORBIDDEN.search(tag):
        raise LexiconError(f"expected a tag without line ends, such as 'n', got {tag!r}")
    # NaN is not equal to itself. Adding 0.0 makes a float of an int, and 0.0 of -0.0.
    return (
        count,
        bits + 0.0 if bits == bits else _UNKNOWN,
        pmi + 0.0 if pmi == pmi else _UNKNOWN,
        left_entropy + 0.0 if left_entropy == left_entropy else _UNKNOWN,
        right_entropy + 0.0 if right_entropy == right_entropy else _UNKNOWN,
        tag,
    )


def _shown(value: object) -> str:
    """A value for a message; Python does not print integers of more than 4,300 digits."""
    if isinstance(value, int) and value.bit_length() > 100:
        return f"an integer of {value.bit_length():,} bits"
    return repr(value)[:40]


def _entry(word: str, row: _Row) -> Entry:
    return Entry(word, *row)


def _join(word: str, one: _Row, other: _Row) -> _Row:
    """The sum of two rows: the rule of the module."""
    count = one[0] + other[0]
    if count > MAX_COUNT:
        raise LexiconError(f"the counts of {word!r} add up to more than 2**63 - 1")
    tag = min(one[5], other[5]) or one[5] or other[5]
    return (
        count,
        _larger(one[1], other[1]),
        _larger(one[2], other[2]),
        _larger(one[3], other[3]),
        _larger(one[4], other[4]),
        tag,
    )


def _larger(one: float, other: float) -> float:
    """The larger number; NaN gives way."""
    if one != one:
        return other
    return other if other > one else one


def _check_word(word: str) -> None:
    if not isinstance(word, str):
        raise TypeError(f"expected a word, such as '研究', got {word!r}")
    if not 0 < len(word) <= MAX_LENGTH or _FORBIDDEN.search(word):
        if len(word) > MAX_LENGTH:
            came = f"a word of {len(word):,} characters beginning {word[:20]!r}"
        else:
            came = repr(word)
        raise LexiconError(f"expected a word of 1 to {MAX_LENGTH:,} characters without line ends or NUL, got {came}")


def _merge_provenance(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Where a merged lexicon came from: the parts, flat and sorted, so that the order of merging does not show."""
    flat: list[Any] = []
    for part in parts:
        if part.keys() == {"merged"} and isinstance(part["merged"], list):
            flat += part["merged"]
        elif part:
            flat.append(dict(part))
    if len(flat) == 1 and isinstance(flat[0], dict):
        return flat[0]
    return {"merged": sorted(flat, key=_json)} if flat else {}


# Reading -----------------------------------------------------------------------------------------------------------

_SAMPLE = 200
_COLUMNS = Entry._fields
_HEADER = "#nlp-zero lexicon "
_JIEBA_TAG = re.compile("[a-z]+")
_HANLP_LINE = re.compile(".+ [a-zA-Z]{1,5} [0-9]+")


class _Lines:
    """The lines of a file without their ends, blank ones skipped, and the number of the line at hand for errors."""

    def __init__(self, name: str, lines: Iterable[str]) -> None:
        self.name = name
        self.lines = lines
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.number += 1
            stripped = line.rstrip("\n")
            if stripped and not stripped.isspace():
                yield stripped

    def error(self, expected: str, got: object) -> LexiconError:
        shown = repr(got)
        if len(shown) > 80:
            shown = shown[:77] + "..."
        return LexiconError(f"{self.name}: line {self.number}: expected {expected}, got {shown}")

    def located(self, error: LexiconError) -> LexiconError:
        return LexiconError(f"{self.name}: line {self.number}: {error}")


def _is_count(field: str) -> bool:
    # isdigit alone takes "²" and "５"; 19 digits hold 2**63.
    return field.isascii() and field.isdigit() and len(field) <= 19


def _insert_line(lexicon: Lexicon, lines: _Lines, word: str, *values: Any) -> None:
    try:
        lexicon._insert(word, _row(*values))
    except LexiconError as error:
        raise lines.located(error) from None


def _sniff(sample: list[str]) -> str:
    """The format of the first lines of a file.

    >>> _sniff(["研究 3 v", "生命 5"]), _sniff(["研究 v 3"]), _sniff(["deep learning"])
    ('jieba', 'hanlp', 'plain')
    """
    lines = [line.rstrip() for line in sample if line.strip()]
    if not lines or lines[0].startswith(_HEADER) or "\t" in lines[0]:
        return "tsv" if lines else "plain"
    if lines[0].startswith("{") and lines[0].endswith("}"):
        return "jsonl"
    if all(_HANLP_LINE.fullmatch(line) for line in lines):
        return "hanlp"
    with_count = sum(_parse_jieba(line)[1] is not None for line in lines)
    return "jieba" if 2 * with_count >= len(lines) else "plain"


def _read_tsv(lexicon: Lexicon, lines: _Lines) -> None:
    """Our own format: header lines, a row of column names, rows. Without them, word, count and tag as they stand."""
    rows = iter(lines)
    line = next(rows, None)
    if line is not None and line.startswith(_HEADER):
        if line[len(_HEADER) :] != "1":
            raise lines.error(f"{_HEADER + '1'!r}", line)
        line = next(rows, None)
        while line is not None and line.startswith("#"):
            key, _, value = line[1:].partition(" ")
            try:
                lexicon.provenance[key] = json.loads(value)
            except (ValueError, RecursionError):
                raise lines.error("'#NAME JSON', such as '#input-characters 60000'", line) from None
            line = next(rows, None)
    if line is None:
        return
    names = line.split("\t")
    if names[0] == "word" and not any(_is_count(name) for name in names):
        _read_columns(lexicon, lines, rows, names)
        return
    while line is not None:
        word, *fields = line.split("\t")
        if len(fields) > 2 or (fields and not _is_count(fields[0])):
            raise lines.error("WORD<TAB>COUNT or WORD<TAB>COUNT<TAB>TAG, such as '研究\\t42'", line)
        _insert_line(lexicon, lines, word, int(fields[0]) if fields else 1, *_NO_EVIDENCE, "".join(fields[1:]))
        line = next(rows, None)


_NO_EVIDENCE = (_UNKNOWN,) * 4


def _read_columns(lexicon: Lexicon, lines: _Lines, rows: Iterator[str], names: list[str]) -> None:
    """Rows under a row of column names; columns that we do not know are passed over."""
    width = len(names)
    places = [names.index(column) if column in names else None for column in _COLUMNS]
    usual = names == list(_COLUMNS)
    insert = lexicon._insert
    for line in rows:
        fields = line.split("\t")
        if len(fields) != width:
            raise lines.error(f"{width} columns, {'<TAB>'.join(names)}", line)
        if not usual:
            fields = ["" if place is None else fields[place] for place in places]
        word, count, bits, pmi, left, right, tag = fields
        try:
            # int and float take "1_000" and " 7" too, which do no harm; an empty field is what is not known.
            row = _row(
                int(count) if count else 1,
                float(bits) if bits else _UNKNOWN,
                float(pmi) if pmi else _UNKNOWN,
                float(left) if left else _UNKNOWN,
                float(right) if right else _UNKNOWN,
                _unescape(tag) if "\\" in tag else tag,
            )
            insert(_unescape(word) if "\\" in word else word, row)
        except LexiconError as error:
            raise lines.located(error) from None
        except ValueError:
            expected = "an integer count and evidence in decimals, such as '研究<TAB>42<TAB>310.5<TAB>...'"
            raise lines.error(expected, line) from None


def _parse_jieba(line: str) -> tuple[str, int | None, str]:
    """Word, count and tag of ``word count tag``, read from the right so that a word may hold spaces.

    >>> _parse_jieba("deep learning 12 n"), _parse_jieba("深度学习 5"), _parse_jieba("云计算")
    (('deep learning', 12, 'n'), ('深度学习', 5, ''), ('云计算', None, ''))
    """
    fields = line.rsplit(" ", 2)
    if len(fields) > 1 and _is_count(fields[-1]):
        return line[: -len(fields[-1]) - 1], int(fields[-1]), ""
    if len(fields) == 3 and _is_count(fields[1]):
        return fields[0], int(fields[1]), fields[2]
    if len(fields) > 1 and _JIEBA_TAG.fullmatch(fields[-1]):
        return line[: -len(fields[-1]) - 1], None, fields[-1]
    return line, None, ""


def _read_jieba(lexicon: Lexicon, lines: _Lines) -> None:
    for line in lines:
        if "\t" in line:
            raise lines.error("'WORD COUNT TAG' with single spaces, such as '研究 42 v'", line)
        word, count, tag = _parse_jieba(line.rstrip(" "))
        _insert_line(lexicon, lines, word, 1 if count is None else count, *_NO_EVIDENCE, tag)


def _parse_hanlp(line: str) -> tuple[str, int, str] | None:
    """Word, summed count and most frequent tag of ``word tag count [tag count]...``; None if it is something else.

    >>> _parse_hanlp("希望 v 386 n 96"), _parse_hanlp("云 计算 n 5"), _parse_hanlp("研究 5")
    (('希望', 482, 'v'), ('云 计算', 5, 'n'), None)
    """
    fields = line.split("\t" if "\t" in line else " ")
    pairs: list[tuple[int, str]] = []
    while len(fields) > 2 and _is_count(fields[-1]) and fields[-2] and not _is_count(fields[-2]):
        pairs.append((int(fields.pop()), fields.pop()))
    if not pairs:
        return None
    # The highest count, then the first tag by code points.
    _, tag = min((-count, tag) for count, tag in pairs)
    return " ".join(fields), sum(count for count, _ in pairs), tag


def _read_hanlp(lexicon: Lexicon, lines: _Lines) -> None:
    for line in lines:
        parsed = _parse_hanlp(line.rstrip(" "))
        if parsed is None:
            # HanLP takes a bare word for an "nz".
            if any(_is_count(field) for field in line.split()):
                raise lines.error("'WORD TAG COUNT', such as '研究 v 42'", line)
            parsed = line.rstrip(" "), 1, "nz"
        word, count, tag = parsed
        _insert_line(lexicon, lines, word, count, *_NO_EVIDENCE, tag)


def _read_jsonl(lexicon: Lexicon, lines: _Lines) -> None:
    """An object a line; a line with the key ``provenance`` alone says where the lexicon came from."""
    for line in lines:
        try:
            record = json.loads(line, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            record = None
        match record:
            case {"provenance": dict(provenance), **rest} if not rest:
                lexicon.provenance.update(provenance)
            case {"word": str(word), **rest} if _is_record(rest):
                values: dict[str, Any] = {name: rest[name] for name in _COLUMNS[1:] if rest.get(name) is not None}
                try:
                    lexicon._insert(word, _row(**values))
                except LexiconError as error:
                    raise lines.located(error) from None
            case _:
                raise lines.error('a JSON object, such as {"word": "研究", "count": 42}', line)


def _is_record(fields: dict[Any, Any]) -> bool:
    """Whether evidence is numbers that a float can hold, and the tag text; the count is checked with the row."""
    tag = fields.get("tag", "")
    evidence = [fields[name] for name in _COLUMNS[2:-1] if fields.get(name) is not None]
    return (tag is None or isinstance(tag, str)) and all(
        isinstance(value, float) or (type(value) is int and abs(value) < 2**1000) for value in evidence
    )


def _refuse_constant(constant: str) -> float:
    if constant == "NaN":
        raise ValueError("NaN is written by leaving the key out")
    return float(constant)


def _read_plain(lexicon: Lexicon, lines: _Lines) -> None:
    for line in lines:
        _insert_line(lexicon, lines, line.strip())


_READERS: dict[str, Callable[[Lexicon, _Lines], None]] = {
    "tsv": _read_tsv,
    "jieba": _read_jieba,
    "hanlp": _read_hanlp,
    "jsonl": _read_jsonl,
    "plain": _read_plain,
}


def _bad_bytes(name: str) -> str:
    """File, line and offset of the first bytes that are not UTF-8."""
    if not os.path.isfile(name):
        return f"{name}: expected UTF-8"
    with open(name, "rb") as file:
        data = file.read()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        number = 1 + before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")
        bad = data[error.start : error.end].hex(" ")
        return f"{name}: line {number}: expected UTF-8, got the bytes {bad} at offset {error.start:,}"
    return f"{name}: expected UTF-8; the file changed while it was read"


# Writing -----------------------------------------------------------------------------------------------------------


# Lone surrogates, the placeholders of shapes, and what other programs take for a line end.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdd3]")
_NAME = re.compile("[^\\s\\x00-\\x1f\\x7f-\\x9f\ud800-\udfff]+")


def _json(value: Any) -> str:
    """JSON on one line, readable, keys in order; lone surrogates escaped, since UTF-8 has no place for them."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _write_tsv(lexicon: Lexicon, file: IO[str]) -> int:
    file.write(_HEADER + "1\n")
    for key, value in sorted(lexicon.provenance.items()):
        if not _NAME.fullmatch(key):
            raise LexiconError(f"provenance: expected a name without spaces, such as 'input-sha256', got {key!r}")
        file.write(f"#{key} {_json(value)}\n")
    file.write("\t".join(_COLUMNS) + "\n")
    # One look at all words together: hardly a lexicon has odd ones.
    plain = not _ODD.search("\n".join(lexicon._rows))
    file.writelines(_tsv_rows(lexicon, plain))
    return 0


def _tsv_rows(lexicon: Lexicon, plain: bool) -> Iterator[str]:
    """The lines of all words; ``plain`` says that no word needs an escape."""
    rows = lexicon._rows
    for word in lexicon:
        count, bits, pmi, left, right, tag = rows[word]
        if bits + pmi + left + right < math.inf:
            numbers = f"{bits}\t{pmi}\t{left}\t{right}"
        else:  # NaN is written as nothing
            numbers = "\t".join([repr(value) if value == value else "" for value in (bits, pmi, left, right)])
        yield f"{word if plain else _escape(word)}\t{count}\t{numbers}\t{_escape(tag) if tag else tag}\n"


# A backslash, a tab, the placeholders of shapes, and what UTF-8 has no place for.
_ODD = re.compile("[\\\\\t\ufdd0-\ufdd3\ud800-\udfff]")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", NUMBER: "\\N", YEAR: "\\Y", LATIN: "\\L", RARE: "\\R"}
_MEANINGS = {escape[1]: character for character, escape in _ESCAPES.items()}
_ODD_IN_LINE = re.compile("^\ufeff|[\t\ud800-\udfff]| $")
_ESCAPED = re.compile(r"\\(?:u([0-9a-f]{4})|(.?))", re.DOTALL)


def _escape(text: str) -> str:
    r"""Text without tabs, placeholders and lone surrogates.

    >>> _escape("a\tb\\"), _escape("研究")
    ('a\\tb\\\\', '研究')
    """

    def replace(match: re.Match[str]) -> str:
        character = match[0]
        return _ESCAPES.get(character, f"\\u{ord(character):04x}")

    return _ODD.sub(replace, text) if _ODD.search(text) else text


def _unescape(text: str) -> str:
    """The reverse of :func:`_escape`; LexiconError for an escape that it does not write."""

    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        if match[2] not in _MEANINGS:
            raise LexiconError(rf"expected the escape \\, \t, \N, \Y, \L, \R or \uXXXX, got {match[0]!r} in {text!r}")
        return _MEANINGS[match[2]]

    return _ESCAPED.sub(replace, text)


def _write_lines(lexicon: Lexicon, file: IO[str], format: str) -> int:
    """Lines of jieba or HanLP, each read back before it is written; how many shapes were left out."""
    shapes = 0
    for word, count, _, _, _, _, tag in lexicon.entries():
        if is_shape(word):
            shapes += 1
            continue
        if format == "jieba":
            line = f"{word} {count} {tag}" if tag else f"{word} {count}"
            parsed: tuple[str, int | None, str] | None = _parse_jieba(line)
        else:
            tag = tag or "nz"
            line = f"{word} {tag} {count}"
            parsed = _parse_hanlp(line)
        # The reader strips spaces at the right, drops a BOM at the start and takes tabs for separators.
        if parsed != (word, count, tag) or _ODD_IN_LINE.search(line):
            raise LexiconError(
                f"{format} files cannot hold the word {word!r} with the tag {tag!r}; tsv files can hold any"
            )
        file.write(line + "\n")
    return shapes


def _write_jieba(lexicon: Lexicon, file: IO[str]) -> int:
    return _write_lines(lexicon, file, "jieba")


def _write_hanlp(lexicon: Lexicon, file: IO[str]) -> int:
    return _write_lines(lexicon, file, "hanlp")


def _write_jsonl(lexicon: Lexicon, file: IO[str]) -> int:
    """An object a line; keys whose value is not known are left out."""
    if lexicon.provenance:
        file.write(_json({"provenance": lexicon.provenance}) + "\n")
    for entry in lexicon.entries():
        record = {name: value for name, value in entry._asdict().items() if value == value and value != ""}
        line = _json(record)
        if json.loads(line) != record:
            raise LexiconError(f"jsonl files cannot hold the word {entry.word!r}; tsv files can hold any")
        file.write(line + "\n")
    return 0


_WRITERS: dict[str, Callable[[Lexicon, IO[str]], int]] = {
    "tsv": _write_tsv,
    "jieba": _write_jieba,
    "hanlp": _write_hanlp,
    "jsonl": _write_jsonl,
}
