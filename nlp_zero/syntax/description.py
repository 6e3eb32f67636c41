"""How many bits a text takes with templates: the honest code by which templates are chosen (最小描述长度).

A stretch is written as a row of *units*, a word, a template or the end, each by its frequency. A template brings its
fixed words for nothing. Each slot of it costs the length of the slot, by the frequency of that length, and its words,
by the frequencies of words outside templates; a slot of a class costs its word among those of the class. 1/2 is added
to every frequency, so nothing is free, and everything is paid. Before the text the templates are written: each part by
the frequency of its word or as one class among all, 1.6 bits for what comes next (a word, a slot, the end), and half
the logarithm of the units for the precision of its frequency (J. Rissanen 1983); and for each word that has one, its
class.

Which templates are used where is decided by the shortest code for the frequencies of the pass before
(:func:`nlp_zero.kernels.cover_text`, exact), then frequencies are counted again. After each pass a template stays if it
*saves*: uses times the bits by which it is shorter than the best row of its own parts, words or templates, with these
words or with their classes, less the bits to write it down. A word stays in its class if it stands there often enough.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from itertools import product
from math import log2
from typing import NamedTuple, TypeAlias

from .. import kernels

__all__ = [
    "Bits",
    "Choice",
    "Code",
    "Cover",
    "Matches",
    "Steps",
    "Text",
    "bits",
    "choose",
    "walk",
    "with_escape",
    "word_bits",
]

Steps: TypeAlias = "tuple[int, ...]"
"""A template: of each part the symbol times two, plus one if a slot of any words is before it."""

PASSES, LAST_PASSES = 4, 2  # over the text: with all classes, with those words that use theirs
USED = 2  # uses in the slots of its class that keep a word in it: about what the six bits to say so are worth
NEXT = 1.585  # bits: one of a word, a slot and a word, the end
NOTHING = 0xFFFFFFFF


class Text(NamedTuple):
    """A text as numbers, 0 at the end of a stretch and n + 1 for symbol n; how often each word occurs; its classes.

    ``groups`` holds for each number that of the class of its word, or 0. Numbers above those of words are classes.
    """

    tokens: array[int]
    counts: array[int]
    groups: array[int]
    class_count: int
    stretches: int
    unknown: int = 0  # words that are no symbols: of a text that was not learnt from


class Code(NamedTuple):
    """The prices of one pass, in bits."""

    words: list[float]  # of each word
    classes: dict[int, float]  # of each class: what its words cost less as members
    unit: float  # to say: a word
    end: float
    templates: dict[Steps, float]
    gaps: array[float]  # of a slot of so many words; 16 of them


class Cover(NamedTuple):
    """The text written by templates: how often each is used, and the matches one after the other."""

    uses: dict[Steps, int]
    words: int  # that are units
    gaps: Counter[int]  # slots by their words
    residue: list[int]  # how often each word is outside templates, or in their slots
    chosen: array[int]  # numbers of matches


class Bits(NamedTuple):
    """The bits of a text: what is written of it, and what is written before it."""

    data: float
    templates: float
    classes: float

    @property
    def total(self) -> float:
        return self.data + self.templates + self.classes


def word_bits(counts: Sequence[float], escape: float = 0.0) -> list[float]:
    """The price of each word in bits; ``escape`` is the weight of all that are not known.

    >>> word_bits([3, 0])
    [0.19264507794239583, 3.0]
    """
    total = log2(sum(counts) + len(counts) / 2 + escape)
    known: dict[float, float] = {}
    for count in counts:
        if count not in known:
            known[count] = total - log2(count + 0.5)
    return [known[count] for count in counts]


def _class_bits(text: Text, words: Sequence[float]) -> dict[int, float]:
    """By class (its symbol), the bits that each of its words costs less than as a word."""
    shares: dict[int, float] = {}
    for group, bits in zip(text.groups[1 : len(words) + 1], words, strict=True):
        if group:
            shares[group - 1] = shares.get(group - 1, 0.0) + 2.0**-bits
    return {group: -log2(share) for group, share in shares.items()}


def _code(
    text: Text,
    residue: Sequence[float],
    uses: Mapping[Steps, float],
    words: float,
    gaps: Mapping[int, int],
    window: int,
) -> Code:
    prices = word_bits(residue)
    units = words + sum(uses.values()) + text.stretches
    total = log2(units + (len(uses) + 2) / 2)
    lengths = sum(gaps.values()) + (window - 1) / 2
    costs = [0.0] * 16
    for length in range(1, window):
        costs[length] = log2(lengths) - log2(gaps.get(length, 0) + 0.5)
    return Code(
        prices,
        _class_bits(text, prices),
        total - log2(words + 0.5),
        total - log2(text.stretches + 0.5),
        {steps: total - log2(number + 0.5) for steps, number in uses.items()},
        array("d", costs),
    )


def first_code(text: Text, candidates: Mapping[Steps, float], window: int) -> Code:
    """The prices to start from: each template as often as is guessed."""
    total = sum(text.counts)
    covered = sum(number * len(steps) for steps, number in candidates.items())
    return _code(text, text.counts, candidates, max(total - covered, 0.3 * total), {}, window)


def next_code(text: Text, found: Cover, templates: Iterable[Steps], window: int) -> Code:
    """The prices of these templates by how often they were used."""
    uses = {steps: found.uses.get(steps, 0) for steps in templates}
    return _code(text, found.residue, uses, found.words, found.gaps, window)


class Trie(NamedTuple):
    """Templates as the kernels want them."""

    parents: array[int]
    steps: array[int]
    names: array[int]

    @classmethod
    def of(cls, templates: Sequence[Steps]) -> Trie:
        parents, steps, names = array("I", [0]), array("I", [0]), array("I", [NOTHING])
        children: dict[tuple[int, int], int] = {}
        for name, template in enumerate(templates):
            node = 0
            for step in template:
                child = children.setdefault((node, step), len(parents))
                if child == len(parents):
                    parents.append(node)
                    steps.append(step)
                    names.append(NOTHING)
                node = child
            names[node] = name
        return cls(parents, steps, names)


class Matches:
    """Where templates stand in a text, found once; then :meth:`cover` by any prices."""

    def __init__(self, text: Text, templates: Sequence[Steps], window: int) -> None:
        parts = kernels.template_matches(text.tokens, text.groups, *Trie.of(templates), window)
        self.text, self.templates = text, tuple(templates)
        self.columns = tuple(array("I", part) for part in parts)

    def within(self, text: Text, templates: Collection[Steps]) -> Matches:
        """Those of some of the templates, by a text in which fewer words have their classes."""
        words = len(text.counts)
        wanted = [steps in templates for steps in self.templates]
        classed = [max(steps) >> 1 >= words for steps in self.templates]
        kept = array("I")
        for number, (begin, name, slots) in enumerate(zip(self.columns[0], *self.columns[2:], strict=True)):
            if wanted[name]:
                places = walk(begin, self.templates[name], _unpacked(slots)) if classed[name] else ()
                if all(step >> 1 < words or text.groups[text.tokens[place]] for place, step in places):
                    kept.append(number)
        found = copy(self)
        found.text, found.columns = text, tuple(array("I", map(column.__getitem__, kept)) for column in self.columns)
        return found

    def cover(self, code: Code) -> Cover:
        """The shortest code of the text."""
        values = array("d", [self._value(steps, code) for steps in self.templates])
        text, columns = self.text, self.columns
        chosen = array("I", kernels.cover_text(len(text.tokens), *columns, values, code.gaps, code.unit))
        _, _, names, slots = self.columns
        numbers = Counter(map(names.__getitem__, chosen))
        uses = {self.templates[name]: number for name, number in numbers.items()}
        residue = list(text.counts)
        covered = 0
        for steps, number in uses.items():
            covered += number * len(steps)
            for step in steps:
                if step >> 1 < len(residue):
                    residue[step >> 1] -= number
        gaps: Counter[int] = Counter()
        for packed, number in Counter(map(slots.__getitem__, chosen)).items():
            for length in _unpacked(packed):
                gaps[length] += number
                covered += number * length
        return Cover(uses, sum(text.counts) + text.unknown - covered, gaps, residue, chosen)

    def places(self, found: Cover, wanted: Callable[[Steps], bool]) -> Iterator[tuple[int, Steps, tuple[int, ...]]]:
        """Where the text is covered by the templates wanted: the first place, the template, the words in each slot."""
        begins, _, names, slots = self.columns
        some = [wanted(steps) for steps in self.templates]
        for number in found.chosen:
            if some[names[number]]:
                yield begins[number], self.templates[names[number]], _unpacked(slots[number])

    @staticmethod
    def _value(steps: Steps, code: Code) -> float:
        """The bits that a use saves, over its words as fillers of slots; hopeless for a template without a price."""
        price = code.templates.get(steps)
        return -1e9 if price is None else _content(steps, code) - price


def _content(steps: Steps, code: Code) -> float:
    words = code.words
    return sum(words[step >> 1] if step >> 1 < len(words) else code.classes[step >> 1] for step in steps)


def _unpacked(packed: int) -> tuple[int, ...]:
    found = []
    while packed:
        found.append(packed & 15)
        packed >>= 4
    return tuple(found)


def savings(text: Text, found: Cover, code: Code) -> dict[Steps, float]:
    """The bits that each used template saves over its parts, its own description paid."""
    values = {steps: _content(steps, code) - code.templates[steps] for steps in found.uses}
    written = _written(text, found, code)
    groups = {number - 1: group - 1 for number, group in enumerate(text.groups) if group}
    return {
        steps: number * (values[steps] - _value_without(steps, values, groups, code)) - written[steps]
        for steps, number in found.uses.items()
    }


def _value_without(steps: Steps, values: Mapping[Steps, float], groups: Mapping[int, int], code: Code) -> float:
    """The most that the parts of a template save without it.

    Each part is a unit: a word, or a template of several parts, with these words or with their classes.
    """
    size = len(steps)
    if size == 2 and steps[0] >> 1 not in groups and steps[1] >> 1 not in groups:
        return -2 * code.unit
    options = [(step, groups[step >> 1] << 1 | step & 1) if step >> 1 in groups else (step,) for step in steps]
    best = [0.0]
    for end in range(1, size + 1):
        highest = best[-1] - code.unit
        for start in range(end - 1):
            first = [option & ~1 for option in options[start]]
            for row in product(first, *options[start + 1 : end]):
                value = values.get(row)
                if value is not None and best[start] + value > highest and row != steps:
                    highest = best[start] + value
        best.append(highest)
    return best[-1]


def _written(text: Text, found: Cover, code: Code) -> dict[Steps, float]:
    """What it costs to write each template down."""
    words, group = code.words, log2(max(text.class_count, 1))
    precision = 0.5 * log2(found.words + sum(found.uses.values()) + text.stretches)
    return {
        steps: sum(words[step >> 1] if step >> 1 < len(words) else group for step in steps)
        + NEXT * len(steps)
        + precision
        for steps in found.uses
    }


def bits(text: Text, found: Cover, code: Code) -> Bits:
    """The bits of a text so covered, by these prices."""
    members = sum(1 for group in text.groups[: len(code.words) + 1] if group)
    data = sum(number * price for number, price in zip(found.residue, code.words, strict=True) if number)
    data += found.words * code.unit + text.stretches * code.end
    data += sum(number * code.gaps[length] for length, number in found.gaps.items())
    for steps, number in found.uses.items():
        member = sum(code.classes[step >> 1] for step in steps if step >> 1 >= len(code.words))
        data += number * (code.templates[steps] - member)
    written = sum(_written(text, found, code).values())
    return Bits(data, written, members * log2(text.class_count) if members else 0.0)


class Choice(NamedTuple):
    """Templates that were chosen, with all that is known of them."""

    text: Text
    matches: Matches
    found: Cover
    code: Code
    saved: dict[Steps, float]
    bits: Bits


def choose(text: Text, candidates: Mapping[Steps, float], window: int) -> Choice:
    """Templates that save bits, of candidates with guessed numbers of uses; with classes, words that use theirs.

    O(passes x (places + matches)) besides finding the matches. The text comes back with fewer words in classes.
    """
    choice = _chosen(Matches(text, list(candidates), window), candidates, window, PASSES)
    if not text.class_count:
        return choice
    text = text._replace(groups=_used_groups(choice))
    candidates = {steps: float(number) for steps, number in choice.found.uses.items()}
    return _chosen(choice.matches.within(text, candidates), candidates, window, LAST_PASSES)


def _chosen(matches: Matches, candidates: Mapping[Steps, float], window: int, passes: int) -> Choice:
    text = matches.text
    code = first_code(text, candidates, window)
    for number in range(passes):
        found = matches.cover(code)
        code = next_code(text, found, found.uses, window)
        saved = savings(text, found, code)
        if number < passes - 1:
            code = next_code(text, found, [steps for steps, value in saved.items() if value > 0], window)
    return Choice(text, matches, found, code, saved, bits(text, found, code))


def with_escape(choice: Choice, escape: float) -> Code:
    """The prices of a choice where words may come that are not known; ``escape`` is the weight of all of them."""
    words = word_bits(choice.found.residue, escape)
    return choice.code._replace(words=words, classes=_class_bits(choice.text, words))


def _used_groups(choice: Choice) -> array[int]:
    """``groups`` without the words that stand in the slots of their class less than USED times."""
    text = choice.text
    words = len(text.counts)
    uses: Counter[int] = Counter()
    classed = choice.matches.places(choice.found, lambda steps: max(steps) >> 1 >= words)
    for place, steps, lengths in classed:
        for here, step in walk(place, steps, lengths):
            if step >> 1 >= words:
                uses[text.tokens[here]] += 1
    return array("I", [group if uses[number] >= USED else 0 for number, group in enumerate(text.groups)])


def walk(place: int, steps: Steps, lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The place of each part of a template that begins at a place, slots being so long.

    >>> list(walk(7, (2, 5, 8), (3,)))
    [(7, 2), (11, 5), (12, 8)]
    """
    used = 0
    for step in steps:
        if step & 1:
            place += lengths[used]
            used += 1
        yield place, step
        place += 1
