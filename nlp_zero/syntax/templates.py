"""Sentence templates from raw text (句模板发现): words that belong together across gaps, and what fills the gaps.

From words to a grammar, round by round:

1. Pairs of words at most ``window`` apart that meet more often than by chance, surely (:mod:`.skipgrams`), link the
   words of every stretch between punctuation marks.
2. What follows its links is a path. A stretch has 1 to share among its paths, by the product of their PMI ratios; the
   shares of the pieces of paths, summed over all of them and over the text, are the candidates' expected numbers
   (:func:`nlp_zero.kernels.path_pieces`). O(words x window), however many paths there are.
3. Candidates that make the description of the text shorter are the templates (:mod:`.description`).
4. Words that fill like slots are put into classes (:mod:`.fillers`); in the next round the rarer words are read as
   their classes, which gives templates over classes, ``在 [c3] 中``; they compete with those over words.

This goes on until the description gets no shorter. Nothing is random.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import compress, count
from math import log2
from typing import NamedTuple

from .. import kernels
from ..errors import InputError
from .description import Choice, Steps, Text, choose, word_bits
from .fillers import slot_fillers, slot_words, word_groups
from .grammar import SLOT, Filling, Grammar, Slot, Template, join_words
from .paths import best_paths, path_parts
from .skipgrams import Links, Rule
from .skipgrams import links as links_of

__all__ = ["Pair", "Round", "TemplateFinder"]

LEAST = 0.05
FILLERS, EXAMPLES = 8, 3


class Pair(NamedTuple):
    """A word that stands before another within the window."""

    left: str
    right: str
    count: int  # type: ignore[assignment]
    score: float
    g2: float


class Round(NamedTuple):
    """One step of the loop: bits of the whole description, round 0 being words alone."""

    number: int
    templates: int
    classes: int
    data: float
    grammar: float

    @property
    def total(self) -> float:
        """Bits of the text and of what is written before it."""
        return self.data + self.grammar


class _Numbers(dict[str, int]):
    """A number from 1 up for each word when it is first met; 0 for a sign, which ends a stretch."""

    def __init__(self, words: list[str]) -> None:
        super().__init__((word, number) for number, word in enumerate(words, 1))
        self.words = words

    def __missing__(self, word: str) -> int:
        if not isinstance(word, str):
            raise TypeError(
                f"word_lists: expected lists of str, such as ['我', '爱'], got a {type(word).__name__} in one"
            )
        number = 0
        if any(map(str.isalnum, word)):
            self.words.append(word)
            number = len(self.words)
        self[word] = number
        return number


class TemplateFinder:
    """Finds templates and word classes in lists of words; counts that add up.

    >>> finder = TemplateFinder(min_count=1, min_g2=0, measure="word_pmi", min_score=0.72, weigh=False, window=2)
    >>> finder.train(["我爱你吗", "他爱她吗", "你好吗"])
    <TemplateFinder: 11 words, 7 distinct, 3 stretches>
    >>> for template in finder.sentence_templates("我爱你吗"):
    ...     print(template, round(template.count, 3))
    我 爱 你 吗 0.333
    我 爱 _ 吗 0.333
    我 _ 你 吗 0.333

    Pairs: ``window``, ``measure``, ``min_score``, ``min_count``, ``min_g2`` are those of
    :class:`nlp_zero.syntax.skipgrams.Rule`; ``min_count`` None takes 1 in a text below 1,000 words, 2 below 100,000,
    else 5. ``weigh``: paths by the PMI ratios of their links; False: all paths alike. Templates have ``most`` words and
    classes at most (2 to 8), besides their slots. Classes: ``class_count`` of them at most; the ``own_words`` most
    frequent words stay words. ``rounds``: the most there are; 1 is without classes.
    """

    def __init__(
        self,
        window: int = 5,
        *,
        measure: str = "pmi",
        min_score: float = 0.0,
        min_count: int | None = None,
        min_g2: float = 10.83,
        weigh: bool = True,
        most: int = 6,
        class_count: int = 64,
        own_words: int = 150,
        rounds: int = 3,
    ) -> None:
        self.rule = Rule(window, measure, min_score, 1 if min_count is None else min_count, min_g2).check()
        if not 2 <= most <= 8:
            raise ValueError(f"most: expected 2 to 8 words, got {most!r}")
        if not 2 <= class_count <= 1024:
            raise ValueError(f"class_count: expected 2 to 1024, got {class_count!r}")
        if own_words < 0:
            raise ValueError(f"own_words: expected 0 or more, got {own_words!r}")
        if rounds < 1:
            raise ValueError(f"rounds: expected 1 or more, got {rounds!r}")
        self.min_count, self.weigh, self.most, self.rounds = min_count, weigh, most, rounds
        self.class_count, self.own_words = class_count, own_words
        self.curve: tuple[Round, ...] = ()
        """The rounds of the latest :meth:`find`."""
        self.choice: Choice | None = None
        """The templates of the latest :meth:`find` as numbers, with their prices; None if none saves bits."""
        self.words: list[str] = []
        self._numbers = _Numbers(self.words)
        self._tokens = array("I")
        self._links: tuple[int, Links] | None = None

    def __repr__(self) -> str:
        total = len(self._tokens) - self._tokens.count(0)
        return f"<TemplateFinder: {total:,} words, {len(self.words):,} distinct, {self._tokens.count(0):,} stretches>"

    # Counting

    def train(self, word_lists: Iterable[Iterable[str]]) -> TemplateFinder:
        """Read lists of words, whoever cut them, once, as they come; again adds. A sign ends a stretch.

        Nothing is kept of the text but 4 bytes a word and its distinct words. Returns the finder.
        """
        if isinstance(word_lists, str):
            raise TypeError(f"word_lists: expected lists of words, such as [['我', '爱']], got {word_lists[:20]!r}")
        tokens, number = self._tokens, self._numbers.__getitem__
        for words in word_lists:
            before = len(tokens)
            try:
                tokens.extend(map(number, words))
            except BaseException:
                del tokens[before:]
                raise
            tokens.append(0)
        return self

    def merge(self, other: TemplateFinder) -> TemplateFinder:
        """Add all that another finder has read, as if this one had read it after its own. Returns the finder."""
        moved = array("I", [0, *map(self._numbers.__getitem__, other.words)])
        self._tokens.extend(map(moved.__getitem__, array("I", other._tokens)))
        return self

    def text(self) -> Text:
        """What was read as numbers, without empty stretches."""
        tokens = array("I")
        before = 0
        for number in self._tokens:
            if number or before:
                tokens.append(number)
            before = number
        frequencies = Counter(tokens)
        stretches = frequencies.pop(0, 0)
        if not frequencies:
            raise InputError("expected text with words, such as [['我', '爱', '你']], got none")
        counts = array("Q", [frequencies[number] for number in range(1, len(self.words) + 1)])
        return Text(tokens, counts, array("I", bytes(4 * (len(counts) + 1))), 0, stretches)

    def _rule(self, total: int) -> Rule:
        if self.min_count is not None:
            return self.rule
        return self.rule._replace(min_count=1 if total < 1_000 else 2 if total < 100_000 else 5)

    # Pairs and paths

    def links(self) -> Links:
        """The links of the words, worked out when the text has grown."""
        if self._links is None or self._links[0] != len(self._tokens):
            text = self.text()
            self._links = len(self._tokens), links_of(text.tokens, text.counts, self._rule(sum(text.counts)))
        return self._links[1]

    def pairs(self) -> list[Pair]:
        """The kept pairs, the greatest score first; of equals the more frequent, then the one met first.

        >>> finder = TemplateFinder(min_count=1, min_g2=0, measure="word_pmi").train(["我爱你吗", "他爱她吗", "你好吗"])
        >>> finder.pairs()[0]
        Pair(left='他', right='她', count=1, score=3.011972641666076, g2=1.077085413709824)
        """
        kept = self.links()
        found = [
            Pair(
                self.words[row], self.words[kept.columns[place]], kept.counts[place], kept.scores[place], kept.g2[place]
            )
            for row in range(len(kept.starts) - 1)
            for place in range(kept.starts[row], kept.starts[row + 1])
        ]
        return sorted(found, key=lambda pair: (-pair.score, -pair.count))

    def sentence_templates(self, words: Sequence[str], limit: int = 8) -> list[Template]:
        """The templates of a sentence by its best paths, whole, each with its share of the sentence as count.

        The shares of all paths are 1 in all; the ``limit`` greatest are given, greatest first. A sign is a word without
        links here. O(words x window x limit).
        """
        kept = self.links()
        rows: dict[int, dict[int, float]] = {}
        numbers = [self._numbers.get(word, 0) - 1 for word in words]
        for row in {number for number in numbers if number >= 0}:
            places = range(kept.starts[row], kept.starts[row + 1])
            rows[row] = {kept.columns[place]: kept.ratios[place] if self.weigh else 1.0 for place in places}

        def weight(left: int, right: int) -> float:
            return rows[left].get(right, 0.0) if left >= 0 else 0.0

        shares: dict[tuple[str | Slot, ...], float] = defaultdict(float)
        for path, share in best_paths(numbers, weight, self.rule.window, limit):
            shares[path_parts(path, words)] += share
        return [Template(parts, share) for parts, share in shares.items()]

    def _candidates(self, tokens: array[int], counts: array[int], words: int) -> dict[Steps, float]:
        """Pieces of paths with two parts or more, one of them a word, by their expected numbers.

        Classes have so many of them that those which come by chance would crowd out the others: more is asked of them.
        """
        rule = self._rule(sum(counts))
        kept = links_of(tokens, counts, rule)
        weights = kept.ratios if self.weigh else array("d", [1.0]) * len(kept.columns)
        parts = kernels.path_pieces(tokens, kept.starts, kept.columns, weights, rule.window, self.most, LEAST)
        parents, steps, sums = (array(code, part) for code, part in zip("IId", parts, strict=True))
        least, over_classes = min(rule.min_count, 3), max(5, sum(counts) // 20_000)
        found: dict[Steps, float] = {}
        for node in compress(count(), map(float(least).__le__, sums)):
            piece = _piece(node, parents, steps)
            enough = least if max(piece) >> 1 < words else over_classes
            if len(piece) > 1 and sums[node] >= enough and any(step >> 1 < words for step in piece):
                found[piece] = sums[node]
        return found

    # Finding

    def find(self, progress: Callable[[Round], None] | None = None) -> Grammar:
        """Templates and classes, those that save most first, with their evidence.

        ``progress`` is told of every round as it ends; :attr:`curve` has them afterwards. Raises
        :class:`nlp_zero.errors.InputError` if there is no text.
        """
        text = self.text()
        rounds = [_alone(text)]
        if progress:
            progress(rounds[0])
        self.choice = None
        candidates = self._candidates(text.tokens, text.counts, len(text.counts))
        while candidates:
            choice = choose(text, candidates, self.rule.window)
            rounds.append(_round(len(rounds), choice))
            if progress:
                progress(rounds[-1])
            if rounds[-1].total >= rounds[-2].total:
                break
            self.choice = choice
            if len(rounds) > self.rounds:
                break
            text, candidates = self._over_classes(choice)
        self.curve = tuple(rounds)
        return self._grammar(self.choice) if self.choice else Grammar()

    def _over_classes(self, choice: Choice) -> tuple[Text, dict[Steps, float]]:
        """The text with classes by the slots of its templates, and candidates over them."""
        text = choice.text
        total = sum(text.counts)
        groups = word_groups(
            text,
            slot_words(choice),
            class_count=self.class_count,
            own_words=self.own_words,
            min_count=max(5, total // 50_000),
            min_fillers=max(5, total // 50_000),
        )
        text = text._replace(groups=groups, class_count=len(set(groups)) - 1)
        if not text.class_count:
            return text, {}
        known = array("I", [group or number for number, group in enumerate(groups)])
        tokens = array("I", map(known.__getitem__, text.tokens))
        frequencies = Counter(tokens)
        counts = array("Q", [frequencies[number] for number in range(1, len(text.counts) + text.class_count + 1)])
        candidates = self._candidates(tokens, counts, len(text.counts))
        # Those of the round before, over words; over classes they are counted anew, for the classes are others now.
        for steps, number in choice.found.uses.items():
            if all(step >> 1 < len(text.counts) for step in steps):
                candidates.setdefault(steps, number)
        return text, candidates

    def _grammar(self, choice: Choice) -> Grammar:
        text = choice.text
        names = _class_names(text)
        members: dict[str, list[tuple[int, str]]] = {name: [] for name in names.values()}
        for number, group in enumerate(text.groups):
            if group:
                members[names[group - 1]].append((-text.counts[number - 1], self.words[number - 1]))
        evidence = _Evidence(choice, self.words)
        templates = [
            Template(
                self._parts(steps, names),
                float(choice.found.uses[steps]),
                round(saved, 1),
                evidence.slots(steps),
                tuple(evidence.examples.get(steps, ())),
            )
            for steps, saved in sorted(choice.saved.items(), key=lambda item: (-item[1], item[0]))
        ]
        return Grammar(templates, {name: [word for _, word in sorted(found)] for name, found in members.items()})

    def _parts(self, steps: Steps, names: dict[int, str]) -> tuple[str | Slot, ...]:
        parts: list[str | Slot] = []
        for step in steps:
            if step & 1:
                parts.append(SLOT)
            symbol = step >> 1
            parts.append(Slot(names[symbol]) if symbol in names else self.words[symbol])
        return tuple(parts)


def _piece(node: int, parents: array[int], steps: array[int]) -> Steps:
    """The steps to a node of a trie, but the root."""
    row = [steps[node]]
    while node := parents[node]:
        row.append(steps[node])
    return tuple(reversed(row))


def _class_names(text: Text) -> dict[int, str]:
    """c1, c2, ... by symbol."""
    symbols = sorted({group - 1 for group in text.groups if group})
    return {symbol: f"c{number}" for number, symbol in enumerate(symbols, 1)}


def _alone(text: Text) -> Round:
    """The bits of a text as words without templates, by the same prices."""
    words = sum(text.counts)
    units = words + text.stretches + 1
    prices = word_bits(text.counts)
    data = sum(number * price for number, price in zip(text.counts, prices, strict=True))
    data += words * log2(units / (words + 0.5)) + text.stretches * log2(units / (text.stretches + 0.5))
    return Round(0, 0, 0, data, 0.0)


def _round(number: int, choice: Choice) -> Round:
    data, templates, classes = choice.bits
    return Round(number, len(choice.found.uses), choice.text.class_count, data, templates + classes)


class _Evidence:
    """What fills the slots of each template, and where it was first found."""

    def __init__(self, choice: Choice, words: Sequence[str]) -> None:
        self.words = words
        self.examples: dict[Steps, list[str]] = {}
        self.fillers: dict[tuple[Steps, int], Counter[tuple[int, ...]]] = defaultdict(Counter)
        for place, steps, lengths in choice.matches.places(choice.found, lambda steps: True):
            examples = self.examples.setdefault(steps, [])
            if len(examples) < EXAMPLES and (lengths or not examples):
                end = place + len(steps) + sum(lengths)
                example = join_words(words[number - 1] for number in choice.text.tokens[place:end])
                if example not in examples:
                    examples.append(example)
        for steps, slot, filler in slot_fillers(choice):
            self.fillers[steps, slot][tuple(filler)] += 1

    def slots(self, steps: Steps) -> tuple[Filling, ...]:
        """The fillings of a template, slot by slot."""
        found: list[Filling] = []
        while (steps, len(found)) in self.fillers:
            fillers = self.fillers[steps, len(found)]
            total = fillers.total()
            entropy = sum(number / total * log2(total / number) for number in fillers.values())
            most = fillers.most_common(FILLERS)
            shown = tuple((join_words(self.words[number - 1] for number in filler), float(n)) for filler, n in most)
            found.append(Filling(round(entropy, 4), shown))
        return tuple(found)
