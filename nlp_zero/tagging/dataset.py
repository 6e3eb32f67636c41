"""Sentences as numbers: the one shape in which taggers are trained and texts are tagged.

A sentence is a row of positions; a position has *attributes* (numbered facts such as "the character before is 我"),
each with a value (1.0 unless given). A state weight stands for an attribute and a label, at ``attribute * labels +
label``; an edge weight for an edge attribute, the label before and the label here, at ``(attribute * labels + before)
* labels + label``. An edge attribute speaks of a position and the one before it, so the first position of a sentence
has none. Positions are numbered through all sentences; those of sentence s are ``starts[s]`` to ``starts[s + 1]``.

Everything is a plain :class:`array.array` or ``bytes``, so that kernels read it without a Python object an attribute.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from ..errors import InputError

__all__ = ["Dataset", "pack", "select"]


class Dataset(NamedTuple):
    """Sentences with their attributes and, for training, their labels.

    ``edge_offsets`` and ``edge_attributes`` are None where every position but a sentence's first has edge attribute 0
    and no other (CRF++'s plain ``B``; ``n_edge_attributes`` is 1), or where there are no edges at all (it is 0).
    ``labels`` is empty where nothing is known; ``allowed`` has for every position one byte a label, 1 where the label
    is possible and 0 elsewhere, and takes the place of ``labels`` (None where each position has just one).

    >>> data = pack([[[0, 1], [2]]], [[1, 0]], n_attributes=3, n_labels=2)
    >>> data.n_sentences, data.n_positions, list(data.offsets), list(data.attributes), list(data.labels)
    (1, 2, [0, 2, 3], [0, 1, 2], [1, 0])
    """

    starts: array[int]  # q, n_sentences + 1
    offsets: array[int]  # q, n_positions + 1
    attributes: array[int]  # i, offsets[-1]
    values: array[float] | None  # d, offsets[-1]; None: all 1.0
    edge_offsets: array[int] | None  # q, n_positions + 1
    edge_attributes: array[int] | None  # i, edge_offsets[-1]
    labels: array[int]  # i, n_positions or none
    allowed: bytes | None  # n_positions * n_labels
    n_attributes: int
    n_edge_attributes: int
    n_labels: int

    @property
    def n_sentences(self) -> int:
        return len(self.starts) - 1

    @property
    def n_positions(self) -> int:
        return len(self.offsets) - 1

    def check(self) -> Dataset:
        """Itself; InputError if sizes or numbers do not fit together. O(size)."""
        _check_rows("starts", self.starts, self.n_positions)
        _check_rows("offsets", self.offsets, len(self.attributes))
        _check_numbers("attributes", self.attributes, self.n_attributes)
        if self.values is not None:
            _check_size("values", len(self.values), len(self.attributes))
            _check_finite("values", self.values)
        if (self.edge_offsets is None) != (self.edge_attributes is None):
            raise InputError("edge_offsets and edge_attributes: expected both or neither")
        if self.edge_offsets is not None and self.edge_attributes is not None:
            _check_size("edge_offsets", len(self.edge_offsets), len(self.offsets))
            _check_rows("edge_offsets", self.edge_offsets, len(self.edge_attributes))
            _check_numbers("edge_attributes", self.edge_attributes, self.n_edge_attributes)
        elif self.n_edge_attributes not in (0, 1):
            raise InputError(f"n_edge_attributes: expected 0 or 1 without edge_offsets, got {self.n_edge_attributes}")
        if self.allowed is not None:
            _check_size("allowed", len(self.allowed), self.n_positions * self.n_labels)
        elif len(self.labels):
            _check_size("labels", len(self.labels), self.n_positions)
            _check_numbers("labels", self.labels, self.n_labels)
        return self


def pack(
    sentences: Iterable[Sequence[Sequence[int]]],
    labels: Iterable[Sequence[int]] = (),
    *,
    n_attributes: int,
    n_labels: int,
    edges: Iterable[Sequence[Sequence[int]]] | None = None,
    n_edge_attributes: int = 1,
) -> Dataset:
    """A data set from lists: of each sentence, for each position, the numbers of its attributes.

    ``edges`` has the edge attributes in the same shape; without it every position but the first of a sentence has
    edge attribute 0. Raises InputError if sizes or numbers do not fit together. O(attributes).
    """
    rows = [list(sentence) for sentence in sentences]
    places = [place for row in rows for place in row]
    offsets, attributes = _flatten(places)
    edge_offsets = edge_attributes = None
    if edges is not None:
        edge_offsets, edge_attributes = _flatten([place for row in edges for place in row])
    return Dataset(
        array("q", accumulate(map(len, rows), initial=0)),
        offsets,
        attributes,
        None,
        edge_offsets,
        edge_attributes,
        array("i", [label for row in labels for label in row]),
        None,
        n_attributes,
        n_edge_attributes,
        n_labels,
    ).check()


def select(data: Dataset, sentences: Sequence[int]) -> Dataset:
    """The data set of some of the sentences, by number, in the order given. O(their attributes).

    >>> data = pack([[[0]], [[1], [2]]], [[0], [1, 0]], n_attributes=3, n_labels=2)
    >>> list(select(data, [1]).attributes), list(select(data, [1]).labels)
    ([1, 2], [1, 0])
    """
    spans = [(data.starts[number], data.starts[number + 1]) for number in sentences]
    offsets, attributes = _take_rows(spans, data.offsets, data.attributes)
    values = edge_offsets = edge_attributes = allowed = None
    labels = array("i")
    if data.values is not None:
        values = array("d")
        for start, end in spans:
            values += data.values[data.offsets[start] : data.offsets[end]]
    if data.edge_offsets is not None and data.edge_attributes is not None:
        edge_offsets, edge_attributes = _take_rows(spans, data.edge_offsets, data.edge_attributes)
    for start, end in spans:
        labels += data.labels[start:end]
    if data.allowed is not None:
        allowed = b"".join(data.allowed[start * data.n_labels : end * data.n_labels] for start, end in spans)
    return data._replace(
        starts=array("q", accumulate((end - start for start, end in spans), initial=0)),
        offsets=offsets,
        attributes=attributes,
        values=values,
        edge_offsets=edge_offsets,
        edge_attributes=edge_attributes,
        labels=labels,
        allowed=allowed,
    )


def _flatten(places: Sequence[Sequence[int]]) -> tuple[array[int], array[int]]:
    offsets = array("q", accumulate(map(len, places), initial=0))
    return offsets, array("i", [number for place in places for number in place])


def _take_rows(
    spans: Sequence[tuple[int, int]], offsets: array[int], items: array[int]
) -> tuple[array[int], array[int]]:
    """The rows of some spans of positions, one after another: their new offsets and their items."""
    taken, new = array(items.typecode), array("q", (0,))
    for start, end in spans:
        shift = len(taken) - offsets[start]
        taken += items[offsets[start] : offsets[end]]
        new.extend([offset + shift for offset in offsets[start + 1 : end + 1]])
    return new, taken


def _check_size(name: str, size: int, expected: int) -> None:
    if size != expected:
        raise InputError(f"{name}: expected {expected} items, got {size}")


def _check_rows(name: str, rows: array[int], size: int) -> None:
    if not len(rows) or rows[0] != 0 or rows[-1] != size:
        ends = f"{rows[0]} and {rows[-1]}" if len(rows) else "no items"
        raise InputError(f"{name}: expected 0 at first and {size} at last, got {ends}")
    for place, (row, after) in enumerate(pairwise(rows)):
        if row > after:
            raise InputError(f"{name}: expected no number below the one before it, got {after} after {row} at {place}")


def _check_numbers(name: str, numbers: array[int], size: int) -> None:
    if len(numbers) and not 0 <= min(numbers) <= max(numbers) < size:
        place = next(place for place, number in enumerate(numbers) if not 0 <= number < size)
        raise InputError(f"{name}: expected numbers from 0 to {size - 1}, got {numbers[place]} at {place}")


def _check_finite(name: str, numbers: array[float]) -> None:
    for place, number in enumerate(numbers):
        if not abs(number) < float("inf"):
            raise InputError(f"{name}: expected finite numbers, got {number!r} at {place}")
