"""Models of CRF++ and CRFsuite, read into taggers of this library.

Three layouts are known: the text that ``crf_learn -t`` writes beside its model, the binary model of CRF++, and that of
CRFsuite. A file is data and nothing more: every number is checked before it is used, sizes against the size of the
file, places against what they point into, weights for being finite; what does not fit is one :class:`ModelError` with
the byte offset (for text, the line). Reading costs O(bytes).

All numbers are little-endian. **CRF++, binary**: uint32 version (100), int32 type, double cost factor, uint32 number of
weights, uint32 columns, uint32 bytes of the trie; uint32 bytes of the labels, each ended by a NUL; uint32 bytes of the
templates, likewise; the trie, a double array of (int32 base, uint32 check) with the names of features and the number of
their first weight; the weights as float32. A feature that begins with U has a weight a label, one with B a weight for
each label before and label.

**CRFsuite**: a header of 48 bytes, ``lCRF``, size, ``FOMC``, version (100), three counts and five offsets; at the first
offset the features, each type (0: attribute and label, 1: label and label), source, target as uint32 and a double; at
the next two the labels and the attributes, in hash tables of which only the list by number is read.
"""

from __future__ import annotations

import os
import struct
from array import array
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any

from ..errors import ModelError
from .crf import CRF
from .features import Features, Template, _Index
from .labels import Scheme
from .tagger import Tagger

__all__ = ["is_foreign", "load_crfpp", "load_crfsuite", "load_foreign"]

_VERSION = 100
_TEXT = b"version: "
_MOST = 1 << 28  # of weights in a file


def is_foreign(start: bytes) -> bool:
    """Whether a file that begins so is a model of CRF++ or CRFsuite.

    >>> is_foreign(b"lCRF"), is_foreign(b"version: 100"), is_foreign(b"NLPZERO")
    (True, True, False)
    """
    return start[:4] == b"lCRF" or start.startswith(_TEXT) or start[:4] == struct.pack("<I", _VERSION)


def load_foreign(path: str | os.PathLike[str]) -> Tagger:
    """The tagger of any of the three layouts, known by the first bytes of the file."""
    with open(path, "rb") as file:
        start = file.read(16)
    return load_crfsuite(path) if start[:4] == b"lCRF" else load_crfpp(path)


class _Reader:
    """The bytes of a file, and errors that say where."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = os.fspath(path)
        with open(path, "rb") as file:
            self.data = file.read()

    def error(self, offset: int, message: str) -> ModelError:
        return ModelError(f"{self.name}: offset {offset}: {message}")

    def take(self, offset: int, size: int, what: str) -> bytes:
        if not 0 <= size <= len(self.data) - offset or offset < 0:
            left = max(0, len(self.data) - max(offset, 0))
            raise self.error(
                offset, f"expected {size:,} bytes of {what}, got {left:,}: the file is cut short or altered"
            )
        return self.data[offset : offset + size]

    def unpack(self, form: str, offset: int, what: str) -> tuple[Any, ...]:
        return struct.unpack("<" + form, self.take(offset, struct.calcsize("<" + form), what))

    def text(self, raw: bytes, offset: int) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.error(offset + error.start, f"expected UTF-8, got byte 0x{raw[error.start]:02x}") from None

    def finite(self, numbers: array[float], offset: int, size: int) -> None:
        """Raise ModelError for a number that is none."""
        if abs(sum(numbers)) < float("inf"):
            return
        for place, number in enumerate(numbers):
            if not abs(number) < float("inf"):
                raise self.error(offset + place * size, f"expected a finite weight, got {number!r}")


def _little(code: str, raw: bytes) -> array[Any]:
    numbers = array(code, raw)
    if struct.pack("=H", 1) != struct.pack("<H", 1):
        numbers.byteswap()
    return numbers


# CRF++ --------------------------------------------------------------------------------------------------------------


def load_crfpp(path: str | os.PathLike[str], scheme: str = "free") -> Tagger:
    """The tagger of a model of CRF++, text or binary; its templates read columns as ``crf_test`` does."""
    reader = _Reader(path)
    return _crfpp_text(reader, scheme) if reader.data.startswith(_TEXT) else _crfpp_binary(reader, scheme)


def _crfpp_text(reader: _Reader, scheme: str) -> Tagger:
    lines = reader.text(reader.data, 0).split("\n")

    def error(number: int, message: str) -> ModelError:
        offset = len("\n".join(lines[:number]).encode()) + bool(number)
        return ModelError(f"{reader.name}: line {number + 1}, offset {offset}: {message}")

    def head(number: int, name: str) -> float:
        key, _, value = (lines[number] if number < len(lines) else "").partition(": ")
        try:
            found = float(value)
        except ValueError:
            found = float("nan")
        if key != name or not abs(found) < float("inf"):
            raise error(number, f"expected '{name}: NUMBER', got {':'.join((key, value))!r}")
        return found

    if head(0, "version") != _VERSION:
        raise error(0, f"expected version {_VERSION}, got {lines[0]!r}")
    factor, count, width = head(1, "cost-factor"), int(head(2, "maxid")), int(head(3, "xsize"))
    parts: list[tuple[int, list[str]]] = []
    at = 5
    for _ in range(3):
        end = at
        while end < len(lines) and lines[end]:
            end += 1
        parts.append((at, lines[at:end]))
        at = end + 1
    (_, labels), (_, templates), (first, rows) = parts
    numbers: dict[str, int] = {}
    for place, row in enumerate(rows):
        number, space, name = row.partition(" ")
        if not space or not number.isascii() or not number.isdigit():
            raise error(first + place, f"expected 'NUMBER FEATURE', got {row!r}")
        numbers[name] = int(number)
    values = lines[at:]
    while values and not values[-1]:
        values.pop()
    if len(values) != count:
        raise error(at + min(len(values), count), f"expected {count} weights, got {len(values)}")
    weights = array("d")
    for place, value in enumerate(values):
        try:
            weight = float(value)
        except ValueError:
            weight = float("nan")
        if not abs(weight) < float("inf"):
            raise error(at + place, f"expected a finite weight, got {value!r}")
        weights.append(factor * weight)
    return _crfpp(reader, labels, templates, numbers, weights, width, scheme)


def _crfpp_binary(reader: _Reader, scheme: str) -> Tagger:
    version, _, factor, count, width, trie_size = reader.unpack("IidIII", 0, "the header")
    if version != _VERSION:
        raise reader.error(0, f"expected version {_VERSION} of CRF++, got {version}")
    if not abs(factor) < float("inf"):
        raise reader.error(8, f"expected a finite cost factor, got {factor!r}")
    if count > _MOST or trie_size % 8:
        raise reader.error(
            16, f"expected at most {_MOST:,} weights and a trie of pairs, got {count:,} and {trie_size:,}"
        )
    place, lists = 28, []
    for what in ("labels", "templates"):
        (size,) = reader.unpack("I", place, f"the size of the {what}")
        raw = reader.take(place + 4, size, what)
        lists.append([reader.text(part, place + 4) for part in raw.rstrip(b"\0").split(b"\0")])
        place += 4 + size
    trie = reader.take(place, trie_size, "the trie")
    numbers = _trie_words(reader, _little("i", trie), place)
    place += trie_size
    if len(reader.data) != place + 4 * count:
        found = len(reader.data) - place
        raise reader.error(place, f"expected {4 * count:,} bytes of weights, got {found:,}: cut short or altered")
    single = _little("f", reader.take(place, 4 * count, "the weights"))
    reader.finite(single, place, 4)
    weights = array("d", [factor * weight for weight in single])
    return _crfpp(reader, lists[0], lists[1], numbers, weights, width, scheme)


def _trie_words(reader: _Reader, units: array[int], offset: int) -> dict[str, int]:
    """The words of a double array with their numbers.

    Unit p belongs to the node whose base is check(p); it is the child by byte p - base - 1, or, where p is the base
    itself and its own base is below 0, the end of a word with the number -base - 1.
    """
    if not units:
        return {}
    bases, checks = units[0::2], units[1::2]
    children: dict[int, list[int]] = {}
    for unit, check in enumerate(checks):
        children.setdefault(check, []).append(unit)
    words: dict[str, int] = {}
    seen = bytearray(len(bases))
    waiting = [(bases[0], b"")]
    while waiting:
        base, prefix = waiting.pop()
        for unit in children.get(base, ()):
            byte = unit - base - 1
            if not -1 <= byte < 256 or (unit == 0 and base != 0):
                continue
            end = byte < 0 and bases[unit] < 0
            if byte < 0 and not end:
                continue
            if seen[unit] or len(prefix) > 1 << 16:
                raise reader.error(offset + 8 * unit, "expected a tree, got a node that is reached twice")
            seen[unit] = 1
            if end:
                words[reader.text(prefix, offset + 8 * unit)] = -bases[unit] - 1
            elif bases[unit] > 0:
                waiting.append((bases[unit], prefix + bytes((byte,))))
    return words


def _crfpp(
    reader: _Reader,
    labels: list[str],
    templates: list[str],
    numbers: Mapping[str, int],
    weights: array[float],
    width: int,
    scheme: str,
) -> Tagger:
    """The tagger of what a model of CRF++ holds."""
    size = len(labels)
    if not labels or "" in labels or len(set(labels)) != size:
        raise reader.error(0, f"expected labels, each once, got {labels!r}")
    try:
        template = Template.parse("\n".join(templates), f"{reader.name}: template")
        template.check(max(width, 1))
        roles = Scheme.named(scheme, labels)
    except ValueError as error:
        raise ModelError(f"{reader.name}: {error}") from None
    if len(roles.labels) != size:
        raise reader.error(0, f"expected all the labels that scheme {scheme!r} needs, got {labels!r}")
    states: dict[str, int] = {}
    edges: dict[str, int] = {}
    for name, number in sorted(numbers.items(), key=lambda item: item[1]):
        length = size if name.startswith("U") else size * size
        if not name.startswith(("U", "B")) or not 0 <= number <= len(weights) - length:
            raise reader.error(0, f"feature {name!r}: expected the number of its first weight, got {number}")
        (states if length == size and name.startswith("U") else edges)[name] = number
    if template.plain:
        edge_rows = [edges.get("B", -1)]
    else:
        edge_rows = list(edges.values())
    plain = bytes(8 * size * size)
    state_weights: array[float] = array("d", b"".join([weights[n : n + size].tobytes() for n in states.values()]))
    edge_bytes = [weights[n : n + size * size].tobytes() if n >= 0 else plain for n in edge_rows]
    edge_weights: array[float] = array("d", b"".join(edge_bytes) or plain)
    features = Features(template, _names(states), None if template.plain or not template.edges else _names(edges))
    return Tagger(CRF(roles, state_weights, edge_weights), features, "columns", max(width, 1))


def _names(names: Iterable[str]) -> _Index:
    encoded = [name.encode("utf-8") for name in names]
    return _Index(b"".join(encoded), array("I", accumulate(map(len, encoded))))


# CRFsuite -----------------------------------------------------------------------------------------------------------


def load_crfsuite(path: str | os.PathLike[str], template: Template | str | None = None, scheme: str = "free") -> Tagger:
    """The tagger of a model of CRFsuite.

    It takes lists of attributes by name, as python-crfsuite does; or columns, where a ``template`` is given whose lines
    made the names of the attributes.
    """
    reader = _Reader(path)
    head = reader.unpack("4sI4sI8I", 0, "the header")
    magic, size, kind, version = head[:4]
    if magic != b"lCRF" or kind != b"FOMC" or version != _VERSION:
        raise reader.error(0, f"expected lCRF, FOMC and version {_VERSION}, got {magic!r}, {kind!r} and {version}")
    if size != len(reader.data):
        raise reader.error(4, f"expected a file of {size:,} bytes, got {len(reader.data):,}: cut short or altered")
    _, label_count, attribute_count, *offsets = head[4:]
    labels = _strings(reader, offsets[1], label_count, "labels")
    attributes = _strings(reader, offsets[2], attribute_count, "attributes")
    if not labels or len(set(labels)) != len(labels):
        raise reader.error(offsets[1], f"expected labels, each once, got {labels!r}")
    width = len(labels)
    if width * max(width, attribute_count) > _MOST:
        raise reader.error(16, f"expected at most {_MOST:,} weights, got {attribute_count:,} x {width:,}")
    states, edges = _crfsuite_weights(reader, offsets[0], width, attribute_count)
    try:
        made = Template.parse(template) if isinstance(template, str) else template
        model = CRF(Scheme.named(scheme, labels), states, edges)
        if len(model.labels) != width:
            raise ModelError(f"expected all the labels that scheme {scheme!r} needs, got {labels!r}")
        index = _names(attributes)
        _ = index.table
    except ValueError as error:
        raise ModelError(f"{reader.name}: {error}") from None
    return Tagger(model, Features(made, index), "columns" if made else "attributes", made.width if made else 0)


def _crfsuite_weights(reader: _Reader, offset: int, width: int, attributes: int) -> tuple[array[float], array[float]]:
    chunk, size, count = reader.unpack("4sII", offset, "the features")
    if chunk != b"FEAT" or size != 12 + 20 * count:
        raise reader.error(offset, f"expected FEAT and {12 + 20 * count:,} bytes, got {chunk!r} and {size:,}")
    states, edges = (array("d", bytes(8 * rows * width)) for rows in (attributes, width))
    for number, (kind, source, target, weight) in enumerate(
        struct.iter_unpack("<IIId", reader.take(offset + 12, 20 * count, "features"))
    ):
        place = offset + 12 + 20 * number
        if kind > 1 or source >= (attributes, width)[kind] or target >= width:
            raise reader.error(place, f"expected an attribute or a label, and a label, got {kind}, {source}, {target}")
        if not abs(weight) < float("inf"):
            raise reader.error(place + 12, f"expected a finite weight, got {weight!r}")
        (edges if kind else states)[source * width + target] = weight
    return states, edges


def _strings(reader: _Reader, offset: int, count: int, what: str) -> list[str]:
    """The strings of a hash table of CRFsuite, by number."""
    chunk, size, _, order, backward, place = reader.unpack("4s5I", offset, what)
    if chunk != b"CQDB" or order != 0x62445371:
        raise reader.error(offset, f"expected CQDB, little-endian, got {chunk!r} and {order:#x}")
    if backward != count:
        raise reader.error(offset + 16, f"expected {count:,} {what}, got {backward:,}")
    reader.take(offset, size, what)
    found = []
    for number, at in enumerate(reader.unpack(f"{count}I", offset + place, f"places of {what}")):
        its, length = reader.unpack("II", offset + at, f"one of the {what}")
        raw = reader.take(offset + at + 8, length, f"one of the {what}")
        if its != number or not length or raw[-1:] != b"\0":
            raise reader.error(offset + at, f"expected number {number} and a string that ends with NUL, got {its}")
        found.append(reader.text(raw[:-1], offset + at + 8))
    return found
