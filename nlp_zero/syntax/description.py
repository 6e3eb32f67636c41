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
from itertools import compress
from itertools import count as numbered
from math import log2
from operator import not_
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
    """Templates as the kernels want them, and the node where each of them ends."""

    parents: array[int]
    steps: array[int]
    names: array[int]
    ends: list[int]

    @classmethod
    def of(cls, templates: Sequence[Steps]) -> Trie:
        parents, steps, names = array("I", [0]), array("I", [0]), array("I", [NOTHING])
        children: dict[int, int] = {}
        ends = []
        for name, template in enumerate(templates):
            node = 0
            for step in template:
                child = children.setdefault(node << 32 | step, len(parents))
                if child == len(parents):
                    parents.append(node)
                    steps.append(step)
                    names.append(NOTHING)
                node = child
            names[node] = name
            ends.append(node)
        return cls(parents, steps, names, ends)

    def sums(self, words: Sequence[float], classes: Callable[[int], float]) -> list[float]:
        """Of each template the sum of the prices of its parts: of words, and of classes by their symbols."""
        size = len(words)
        prices = [*words, *map(classes, range(size, (max(self.steps) >> 1) + 1))]
        sums = [0.0]
        for parent, step in zip(self.parents[1:], self.steps[1:], strict=True):
            sums.append(sums[parent] + prices[step >> 1])
        return list(map(sums.__getitem__, self.ends))


class Matches:
    """Where templates stand in a text, found once; then :meth:`cover` by any prices."""

    def __init__(self, text: Text, templates: Sequence[Steps], window: int) -> None:
        self.text, self.templates, self.trie = text, tuple(templates), Trie.of(templates)
        parts = kernels.template_matches(text.tokens, text.groups, *self.trie[:3], window)
        self.columns = tuple(array("I", part) for part in parts)

    def of(self, templates: Collection[Steps]) -> Matches:
        """Those of some of the templates."""
        found = copy(self)
        found.templates = tuple(steps for steps in self.templates if steps in templates)
        found.trie = Trie.of(found.templates)
        numbers = {steps: number for number, steps in enumerate(found.templates)}
        known = bytes(map(numbers.__contains__, self.templates))
        kept = bytes(map(known.__getitem__, self.columns[2]))
        begins, ends, names, slots = (array("I", compress(column, kept)) for column in self.columns)
        renamed = array("I", [numbers.get(steps, 0) for steps in self.templates])
        found.columns = begins, ends, array("I", map(renamed.__getitem__, names)), slots
        return found

    def within(self, text: Text) -> Matches:
        """Those in a text in which fewer words have their classes."""
        words = len(text.counts)
        classed = bytes(max(steps) >> 1 >= words for steps in self.templates)
        fits = bytearray(map((1).__sub__, map(classed.__getitem__, self.columns[2])))
        begins, _, names, slots = self.columns
        for number in compress(numbered(), map(not_, fits)):
            places = walk(begins[number], self.templates[names[number]], _unpacked(slots[number]))
            fits[number] = all(step >> 1 < words or text.groups[text.tokens[place]] for place, step in places)
        found = copy(self)
        found.text, found.columns = text, tuple(array("I", compress(column, fits)) for column in self.columns)
        return found

    def contents(self, code: Code) -> list[float]:
        """The bits of the words and classes of each template."""
        return self.trie.sums(code.words, lambda symbol: code.classes.get(symbol, 0.0))

    def cover(self, code: Code) -> Cover:
        """The shortest code of the text."""
        # A use saves so many bits over its words as fillers of slots; a template without a price is hopeless.
        prices = map(code.templates.get, self.templates)
        contents = zip(self.contents(code), prices, strict=True)
        values = array("d", [-1e9 if price is None else content - price for content, price in contents])
        text, columns = self.text, self.columns
        chosen = array("I", kernels.cover_text(len(text.tokens), *columns, values, code.gaps, code.unit))
        _, _, names, slots = self.columns
        numbers = Counter(map(names.__getitem__, chosen))
        uses = {self.templates[name]: number for name, number in numbers.items()}
        residue = list(text.counts)
        size, covered = len(residue), 0
        for steps, number in uses.items():
            covered += number * len(steps)
            for step in steps:
                symbol = step >> 1
                if symbol < size:
                    residue[symbol] -= number
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


def _unpacked(packed: int) -> tuple[int, ...]:
    found = []
    while packed:
        found.append(packed & 15)
        packed >>= 4
    return tuple(found)


def savings(matches: Matches, found: Cover, code: Code) -> dict[Steps, float]:
    """The bits that each used template saves over its parts, its own description paid."""
    templates, trie = matches.templates, matches.trie
    prices = list(map(code.templates.get, templates))
    names = array("I", trie.names)
    for name, node in enumerate(trie.ends):
        if templates[name] not in found.uses:
            names[node] = NOTHING
    contents = zip(matches.contents(code), prices, strict=True)
    values = array("d", [0.0 if price is None else content - price for content, price in contents])
    rest = array("d", kernels.rest_values(trie.parents, trie.steps, names, values, matches.text.groups, code.unit))
    saved = {
        steps: found.uses[steps] * (value - without) - written
        for steps, value, without, written in zip(
            templates, values, rest, written_bits(matches, found, code), strict=True
        )
        if steps in found.uses
    }
    return {steps: saved[steps] for steps in found.uses}


def written_bits(matches: Matches, found: Cover, code: Code) -> list[float]:
    """What it costs to write each template down."""
    text = matches.text
    group = log2(max(text.class_count, 1))
    precision = 0.5 * log2(found.words + sum(found.uses.values()) + text.stretches)
    parts = matches.trie.sums(code.words, lambda symbol: group)
    return [bits + NEXT * len(steps) + precision for bits, steps in zip(parts, matches.templates, strict=True)]


def bits(matches: Matches, found: Cover, code: Code) -> Bits:
    """The bits of a text so covered, by these prices."""
    text = matches.text
    members = sum(1 for group in text.groups[: len(code.words) + 1] if group)
    data = sum(number * price for number, price in zip(found.residue, code.words, strict=True) if number)
    data += found.words * code.unit + text.stretches * code.end
    data += sum(number * code.gaps[length] for length, number in found.gaps.items())
    for steps, number in found.uses.items():
        member = sum(code.classes[step >> 1] for step in steps if step >> 1 >= len(code.words))
        data += number * (code.templates[steps] - member)
    written = dict(zip(matches.templates, written_bits(matches, found, code), strict=True))
    return Bits(data, sum(map(written.__getitem__, found.uses)), members * log2(text.class_count) if members else 0.0)


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
    return _chosen(choice.matches.of(candidates).within(text), candidates, window, LAST_PASSES)


def _chosen(matches: Matches, candidates: Mapping[Steps, float], window: int, passes: int) -> Choice:
    code = first_code(matches.text, candidates, window)
    for number in range(passes):
        found = matches.cover(code)
        code = next_code(matches.text, found, found.uses, window)
        saved = savings(matches, found, code)
        if number < passes - 1:
            code = next_code(matches.text, found, [steps for steps, value in saved.items() if value > 0], window)
            matches = matches if number else matches.of(code.templates)  # few are left of the candidates
    return Choice(matches.text, matches, found, code, saved, bits(matches, found, code))


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
