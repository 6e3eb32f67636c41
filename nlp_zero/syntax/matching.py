"""Templates as the chart kernels want them: a trie over labels, the labels of words, weights by template.

Only templates of two parts or more take part; one of a single part says nothing of how words go together. Their
probabilities are their counts by the sum of their counts, ``p(t) = f(t) / sum f``. They are numbered so that of two
equally good ones the lower number wins: more fixed words first, then the order of the grammar.

A label is a fixed word of a template, or a class that a slot of it names; a word has its own label, if it is one, and
that of its class. So a slot of a class covers exactly one word, and a plain slot whatever is a block.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from math import log
from typing import NamedTuple

from .grammar import SLOT, Grammar, Slot

__all__ = ["Matcher", "Trie"]


class Trie(NamedTuple):
    """The five arrays of :mod:`nlp_zero.kernels.chart`."""

    edges: array[int]
    keys: array[int]
    targets: array[int]
    slots: array[int]
    finals: array[int]


class Matcher:
    """The templates of a grammar that have two parts or more, ready for a chart.

    >>> from nlp_zero.syntax.grammar import Template
    >>> grammar = Grammar([Template.parse("_ 的 _", 3), Template.parse("我 的 [c1]", 1)], {"c1": ["家", "书"]})
    >>> matcher = Matcher(grammar)
    >>> [str(template) for template in matcher.templates], [round(value, 3) for value in matcher.logs]
    (['我 的 [c1]', '_ 的 _'], [-1.386, -0.288])
    >>> matcher.labels(["我", "的", "书"])
    (array('i', [0, 1, -1]), array('i', [-1, -1, 2]))
    """

    def __init__(self, grammar: Grammar) -> None:
        able = [template for template in grammar.templates if len(template.parts) > 1]
        self.templates = tuple(sorted(able, key=lambda template: -template.fixed))
        total = sum(template.count for template in self.templates)
        self.logs = [log(template.count / total) for template in self.templates]
        """ln p of each template, in nats."""
        words = dict.fromkeys(part for template in self.templates for part in template.parts if isinstance(part, str))
        self._words = {word: label for label, word in enumerate(words)}
        slots = {part.words for template in self.templates for part in template.parts if isinstance(part, Slot)}
        named = [name for name in grammar.classes if name in slots]
        self._class_labels = {name: len(words) + number for number, name in enumerate(named)}
        self._classes = {word: self._class_labels[name] for name in named for word in grammar.classes[name]}
        self.trie = self._grow()

    def labels(self, words: Sequence[str]) -> tuple[array[int], array[int]]:
        """The label of each word, and that of its class; -1 for none."""
        own, of_class = self._words.get, self._classes.get
        return array("i", [own(word, -1) for word in words]), array("i", [of_class(word, -1) for word in words])

    def _label(self, part: str | Slot) -> int:
        return self._class_labels[part.words] if isinstance(part, Slot) else self._words[part]

    def _grow(self) -> Trie:
        children: list[dict[int, int]] = [{}]
        slots, finals = [-1], [-1]
        for number, template in enumerate(self.templates):
            node = 0
            for part in template.parts:
                label = -1 if part == SLOT else self._label(part)
                target = slots[node] if label < 0 else children[node].get(label, -1)
                if target < 0:
                    target = len(children)
                    children.append({})
                    slots.append(-1)
                    finals.append(-1)
                    if label < 0:
                        slots[node] = target
                    else:
                        children[node][label] = target
                node = target
            finals[node] = number
        return _packed(children, slots, finals)


def _packed(children: Sequence[Mapping[int, int]], slots: Sequence[int], finals: Sequence[int]) -> Trie:
    edges, keys, targets = array("i", [0]), array("i"), array("i")
    for edges_of_node in children:
        for label in sorted(edges_of_node):
            keys.append(label)
            targets.append(edges_of_node[label])
        edges.append(len(keys))
    return Trie(edges, keys, targets, array("i", slots), array("i", finals))
