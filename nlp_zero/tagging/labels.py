"""Labels (标注集): which may follow which, and what words and spans they stand for.

A :class:`Scheme` is a table of legal moves over a list of labels. Four kinds are known by name:

====== ============= =====================================================================================
name   roles         a unit of three
====== ============= =====================================================================================
bmes   B M E S (O)   ``B M E``; a unit of one is ``S``; the four tags of Chinese word segmentation
bioes  B I O E S     ``B I E``; a unit of one is ``S``
bio    B I O         ``B I I``; a unit of one is ``B``
free   none          any label may follow any other
====== ============= =====================================================================================

A label is a role, or a role and the type of its unit: ``B-NP`` or ``B_n``. ``O`` stands outside of all units. A unit
does not change its type on the way. Schemes that say where a unit ends (bmes, bioes) want every unit ended.

>>> scheme = Scheme.named("bmes")
>>> scheme.label_words(["研究生", "命", "起源"])
['B', 'M', 'E', 'S', 'B', 'E']
>>> scheme.words("研究生命起源", ["B", "E", "B", "E", "B", "E"])
['研究', '生命', '起源']
>>> scheme.check(["B", "S"])
Traceback (most recent call last):
nlp_zero.errors.LabelError: position 1: expected M or E after B, got 'S'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from ..errors import LabelError

__all__ = ["SCHEMES", "Scheme", "Span"]

SCHEMES = ("bmes", "bio", "bioes", "free")
"""The names of the schemes."""

_OUTSIDE = "O"
_ROLES = {"bmes": "BMESO", "bio": "BIO", "bioes": "BIESO"}
_UNTYPED = {"bmes": "BMES", "bio": "BIO", "bioes": "BIOES"}
# What every type needs, so that a text of any length has a legal labelling.
_NEEDED = {"bmes": "BMES", "bio": "BI", "bioes": "BIES"}
_FEW = 8


class Span(NamedTuple):
    """A unit: the positions ``start:end``, and its type, ``""`` where labels have none."""

    start: int
    end: int
    type: str = ""


@dataclass(frozen=True)
class Scheme:
    """Labels in order, and which may begin, follow and end: 1 for yes, 0 for no. Made by :meth:`named`.

    ``moves`` has a row for each label: label ``b`` may follow label ``a`` if ``moves[a * len(labels) + b]`` is 1.
    """

    name: str
    labels: tuple[str, ...]
    starts: bytes
    ends: bytes
    moves: bytes

    @classmethod
    def named(cls, name: str, labels: Iterable[str] = ()) -> Scheme:
        """The scheme of this name, over these labels (those of the data) or, without any, over its bare roles.

        The labels keep their order, each taken once; what a type lacks (``S-PER`` where only ``B-PER``, ``E-PER`` were
        seen) comes after them, so that a text of any length can be labelled. Raises :class:`LabelError` for a name
        that is not in :data:`SCHEMES`, for a label that is not of the scheme, and for free without labels.

        >>> Scheme.named("bio", ["O", "B-NP", "I-NP", "B-VP"]).labels
        ('O', 'B-NP', 'I-NP', 'B-VP', 'I-VP')
        """
        if name not in SCHEMES:
            raise LabelError(f"scheme: expected {', '.join(SCHEMES[:-1])} or {SCHEMES[-1]}, got {name!r}")
        given = tuple(dict.fromkeys(_strings(labels)))
        if name == "free":
            return cls._free(given)
        given = given or tuple(_UNTYPED[name])
        for label in given:
            _role(name, label)
        known = (*given, *_missing(name, given))
        units = [(_role(name, label), label[2:]) for label in known]
        starts = bytes(role in "BSO" for role, _ in units)
        ends = bytes(name == "bio" or role in "ESO" for role, _ in units)
        moves = bytes(_may_follow(name, before, after) for before in units for after in units)
        return cls(name, known, starts, ends, moves)

    @classmethod
    def _free(cls, labels: tuple[str, ...]) -> Scheme:
        if not labels:
            raise LabelError("scheme 'free': expected the labels of the data, such as ['n', 'v'], got none")
        size = len(labels)
        return cls("free", labels, b"\1" * size, b"\1" * size, b"\1" * (size * size))

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each label."""
        return {label: number for number, label in enumerate(self.labels)}

    @cached_property
    def _units(self) -> list[tuple[str, str]]:
        """The role and the type of each label."""
        return [(label[:1], label[2:]) for label in self.labels]

    # Checking

    def is_legal(self, labels: Iterable[str]) -> bool:
        """Whether a text may be labelled so.

        >>> Scheme.named("bmes").is_legal("BMES"), Scheme.named("bmes").is_legal("BM")
        (True, False)
        """
        try:
            self.check(labels)
        except LabelError:
            return False
        return True

    def check(self, labels: Iterable[str]) -> None:
        """Raise :class:`LabelError`, naming the first position that is wrong, unless the labels are legal. O(n)."""
        self._check(self.encode(labels))

    def _check(self, numbers: Sequence[int]) -> None:
        if not numbers:
            return
        size = len(self.labels)
        if not self.starts[numbers[0]]:
            raise self._error(0, self.starts, "at the start", numbers[0])
        for place, (before, after) in enumerate(pairwise(numbers), 1):
            if not self.moves[before * size + after]:
                row = self.moves[before * size : (before + 1) * size]
                raise self._error(place, row, f"after {self.labels[before]}", after)
        if not self.ends[numbers[-1]]:
            raise self._error(len(numbers) - 1, self.ends, "at the end", numbers[-1])

    def encode(self, labels: Iterable[str]) -> list[int]:
        """The numbers of labels; :class:`LabelError` for one that is not of this scheme."""
        index = self.index
        labels = _strings(labels)
        try:
            return [index[label] for label in labels]
        except KeyError:
            place = next(place for place, label in enumerate(labels) if label not in index)
            raise self._error(place, b"\1" * len(self.labels), "", labels[place]) from None

    def _error(self, place: int, legal: bytes, when: str, got: int | str) -> LabelError:
        """``legal`` marks the labels that were expected."""
        names = [label for label, good in zip(self.labels, legal, strict=True) if good]
        if len(names) > _FEW:
            names[_FEW - 1 :] = [f"{len(names) - _FEW + 1} others"]
        expected = " or ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "nothing"
        shown = self.labels[got] if isinstance(got, int) else got
        return LabelError(f"position {place}: expected {' '.join(filter(None, (expected, when)))}, got {shown!r}")

    # Units

    def spans(self, labels: Iterable[str], strict: bool = True) -> list[Span]:
        """The units of a labelled text, from left to right; what is labelled ``O`` is in none. O(n).

        Without ``strict`` illegal labels are read as the scorer of the CoNLL tasks reads them: a unit begins where the
        label before cannot go on, and ends where the label after cannot continue it.

        >>> Scheme.named("bio", ["B-NP", "O"]).spans(["B-NP", "I-NP", "O", "B-NP"])
        [Span(start=0, end=2, type='NP'), Span(start=3, end=4, type='NP')]
        >>> Scheme.named("bio", ["B-NP", "O"]).spans(["I-NP", "I-NP", "O"], strict=False)
        [Span(start=0, end=2, type='NP')]
        """
        if self.name == "free":
            raise LabelError("scheme 'free': its labels stand for no units; bmes, bio and bioes do")
        numbers = self.encode(labels)
        if strict:
            self._check(numbers)
        found: list[Span] = []
        begin, kind, going = 0, "", False
        for place, number in enumerate(numbers):
            role, of = self._units[number]
            if role in "BSO" or not going or of != kind:
                if going:
                    found.append(Span(begin, place, kind))
                begin, kind, going = place, of, role != _OUTSIDE
            if going and role in "ES":
                found.append(Span(begin, place + 1, kind))
                going = False
        if going:
            found.append(Span(begin, len(numbers), kind))
        return found

    def label_spans(self, size: int, spans: Iterable[tuple[int, int] | tuple[int, int, str]]) -> list[str]:
        """The labels of ``size`` positions with these units on them (any order), ``O`` elsewhere.

        >>> Scheme.named("bioes", ["S-PER", "O"]).label_spans(4, [(0, 2, "PER"), (3, 4, "PER")])
        ['B-PER', 'E-PER', 'O', 'S-PER']
        """
        labels = [_OUTSIDE] * size
        end = 0
        for span in sorted(Span(*span) for span in spans):
            if not end <= span.start < span.end <= size:
                raise LabelError(f"spans: expected units in 0:{size} that do not overlap, got {tuple(span)}")
            labels[span.start : span.end] = self._unit(span.end - span.start, span.type)
            end = span.end
        self.encode(labels)
        return labels

    def label_words(self, words: Iterable[str], types: Iterable[str] | None = None) -> list[str]:
        """The labels of the characters of words that stand one after another; ``types``: one for each word.

        >>> Scheme.named("bmes", ["S-n", "S-v"]).label_words(["我", "喜欢"], ["n", "v"])
        ['S-n', 'B-v', 'E-v']
        """
        labels: list[str] = []
        if types is None:
            for word in words:
                labels += self._unit(len(word), "")
        else:
            for word, kind in zip(words, types, strict=True):
                labels += self._unit(len(word), kind)
        self.encode(labels)
        return labels

    def words(self, text: str, labels: Iterable[str], strict: bool = True) -> list[str]:
        """The words of a labelled text; joined they are the text. A character outside of all units is a word. O(n)."""
        labels = _strings(labels)
        if len(labels) != len(text):
            raise LabelError(f"labels: expected one for each of {len(text)} characters, got {len(labels)}")
        words: list[str] = []
        end = 0
        for span in self.spans(labels, strict):
            words += text[end : span.start]
            words.append(text[span.start : span.end])
            end = span.end
        return words + list(text[end:])

    def _unit(self, length: int, kind: str) -> list[str]:
        """The labels of one unit."""
        if self.name == "free":
            raise LabelError("scheme 'free': its labels stand for no units; bmes, bio and bioes do")
        if length < 1:
            raise LabelError("words: expected at least one character in each, got ''")
        tail = f"{self._separator}{kind}" if kind else ""
        inside = ("M" if self.name == "bmes" else "I") + tail
        if self.name == "bio":
            return [f"B{tail}", *[inside] * (length - 1)]
        if length == 1:
            return [f"S{tail}"]
        return [f"B{tail}", *[inside] * (length - 2), f"E{tail}"]

    @cached_property
    def _separator(self) -> str:
        return next((label[1] for label in self.labels if len(label) > 1), "-")


def _strings(labels: Iterable[str]) -> Sequence[str]:
    return labels if isinstance(labels, (list, tuple)) else list(labels)


def _role(name: str, label: str) -> str:
    """The role of a label; :class:`LabelError` if the scheme has no such label."""
    role = label[:1]
    whole = len(label) == 1 or (role != _OUTSIDE and len(label) > 2 and label[1] in "-_")
    if role and role in _ROLES[name] and whole:
        return role
    roles = ", ".join(_ROLES[name])
    raise LabelError(f"scheme {name!r}: expected labels of {roles}, such as 'B' or 'B-NP', got {label!r}")


def _missing(name: str, labels: Sequence[str]) -> list[str]:
    """The labels that the types of these lack."""
    tails = dict.fromkeys(label[1:] for label in labels if label != _OUTSIDE)
    return [role + tail for tail in tails for role in _NEEDED[name] if role + tail not in labels]


def _may_follow(name: str, before: tuple[str, str], after: tuple[str, str]) -> bool:
    """Whether one (role, type) may stand after another."""
    if after[0] in "BSO":
        return name == "bio" or before[0] in "ESO"
    return before[0] in "BMI" and before[1] == after[1]
