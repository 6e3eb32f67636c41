"""A chain (采样链): a text, its segmentation, and the Pitman-Yor restaurant of words that they fill.

:class:`Chain` is the state that the sampler of :mod:`nlp_zero.kernels.sampling` works on, with a method for each thing
that can be done to it: seat the words anew, learn how words are spelt and how long they are, sweep over the text,
cluster the words by their neighbours, merge pairs. What is done when is the recipe, :mod:`nlp_zero.words.pitman_yor`.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from math import exp, log, nan
from typing import NamedTuple

from .. import kernels
from .classes import CLASSES, word_classes
from .expert import second_opinion
from .merging import Model, merge_pairs
from .prior import Prior, seat
from .rules import Signs, barred

__all__ = ["Chain", "Report", "Settings", "Substrings", "Sweep"]

TARGET = 0.22
"""The share of one-symbol words among the tables that the bonus steers for; read off news text of three sizes."""

STEERING = 0.4
"""How far a sweep moves the bonus for each unit of ln(q1 / target), and how far at most."""


class Settings(NamedTuple):
    """What the recipe fixes; ``steer``, ``merge``, ``expert`` and ``rules`` switch parts of it off."""

    max_length: int = 4  # symbols of a word
    discount: float = 0.7
    strength: float = 20000.0
    gamma: float = 0.12  # weight of the autonomy, in nats a bit
    class_gamma: float = 0.18  # the same when classes have their say
    class_power: float = 1.5  # of the ratio of neighbouring classes
    target: float = TARGET
    rounds: int = 4  # with classes, before those with the expert
    expert_rounds: int = 5  # with classes and the expert
    steer: bool = True
    merge: bool = True
    expert: bool = True
    rules: bool = True  # those by hand, of nlp_zero.words.rules
    seed: int = 1


class Sweep(NamedTuple):
    """What one sweep has to tell: its stage, its number there, of how many, and the state after it."""

    stage: str
    number: int
    total: int
    score: float  # nats, of all that the sampler weighs
    bits: float  # of the description of the text by its words, a symbol
    share: float  # of one-symbol words among the tables
    bonus: float
    words: int


Report = Callable[[Sweep], None]


class Substrings:
    """A text and its substrings: what all chains over it share, and none changes.

    ``scores`` as :func:`nlp_zero.kernels.branching` gives them for all places of the text; here only those of the first
    place of each substring are kept, so the caller may let go of them. ``prior``: what is known of words beforehand.
    ``barred`` are the substrings that may be no words, see :meth:`bar`.
    """

    def __init__(self, ids: array[int], scores: bytes, max_length: int, prior: Prior | None = None) -> None:
        self.ids = ids
        self.max_length = max_length
        index, starts, self.sizes, prefix, suffix = kernels.substrings(ids, max_length)
        # The results are looked at where they are: to copy them would take 90 MB for three million symbols.
        self.index = memoryview(index).cast("I")
        self.prefix, self.suffix = memoryview(prefix).cast("I"), memoryview(suffix).cast("I")
        places = memoryview(starts).cast("I")
        self.scores = memoryview(kernels.spread(memoryview(scores).cast("h"), places, self.sizes, max_length)).cast("h")
        self.guests = seat(prior, ids, array("I", starts), self.sizes) if prior else None
        self.barred = array("I")

    def bar(self, signs: Signs) -> None:
        """Forbid as words what the rules of :mod:`nlp_zero.words.rules` forbid, but for words known beforehand."""
        known = set(self.guests.numbers) if self.guests else set()
        self.barred = barred(self.ids, self.index, self.max_length, signs, known)


class Chain:
    """The state of a chain: a text, its segmentation, and the restaurant that they fill."""

    def __init__(self, text: Substrings, lengths: bytes, settings: Settings) -> None:
        self.text = text
        self.index, self.sizes = text.index, text.sizes
        self.settings = settings
        self.merged: list[int] = []  # pairs, by rounds
        self.lengths = bytearray(lengths)
        self.symbols = max(sum(lengths), 1)
        self.random = array("Q", (settings.seed,))
        self.base: memoryview[float] | None = None
        self.boosted: tuple[float, memoryview[float]] = (nan, memoryview(array("f")))
        self.counts, self.tables = array("i", bytes(4 * len(self.sizes))), array("i", bytes(4 * len(self.sizes)))
        # The lengths and spellings of all types, one table each, decide how many tables their customers take.
        self.reseat()
        self.respell(1)
        self.reseat()

    def boost(self, gamma: float) -> memoryview[float]:
        """exp(gamma A(w)) of every substring; 0 of those that may be no words. The last one asked for is kept."""
        if self.boosted[0] != gamma:
            boosts = memoryview(bytearray(kernels.boosts(self.text.scores, self.sizes, gamma))).cast("f")
            for word in self.text.barred:
                boosts[word] = 0.0
            self.boosted = gamma, boosts
        return self.boosted[1]

    def reseat(self) -> None:
        """Fill the restaurant anew from the segmentation."""
        settings = self.settings
        counts, tables, totals = kernels.seat(
            self.index,
            settings.max_length,
            self.lengths,
            len(self.sizes),
            self.base,
            settings.discount,
            settings.strength,
            self.random,
        )
        memoryview(self.counts)[:] = memoryview(counts).cast("i")
        memoryview(self.tables)[:] = memoryview(tables).cast("i")
        self.totals = array("q", totals)
        guests = self.text.guests
        if guests:
            for number, count in zip(guests.numbers, guests.counts, strict=True):
                self.counts[number] += count
                self.tables[number] += 1
            for place, more in enumerate(guests.totals):
                self.totals[place] += more

    def respell(self, min_count: int = 2) -> None:
        """Learn the prior of lengths and the spelling of words from the tables."""
        width = self.settings.max_length
        lengths = kernels.length_prior(self.sizes, self.counts, self.tables, width, min_count)
        base = kernels.spelling(self.sizes, self.text.prefix, self.text.suffix, self.tables, array("d", lengths), 0.7)
        self.base = memoryview(base).cast("f")

    @property
    def share(self) -> float:
        """q1: the share of one-symbol words among the tables."""
        share: float = self.totals[2] / max(self.totals[1], 1)
        return share

    def report(self, stage: str, number: int, total: int, score: float, bonus: float) -> Sweep:
        """What a sweep has to tell."""
        bits = kernels.description(self.counts, self.base) / log(2) / self.symbols
        return Sweep(stage, number, total, score, bits, self.share, bonus, self.totals[0])

    def sweep(
        self,
        boost: memoryview[float],
        bonus: float,
        sampled: bool,
        expert: memoryview[float] | None = None,
        classes: bytearray | None = None,
        ratios: array[float] | None = None,
    ) -> float:
        """One sweep over the text; the log of what its segmentations weigh, in nats."""
        settings = self.settings
        factors = array("d", [exp(bonus * size) for size in range(settings.max_length)])
        score: float = kernels.sweep(
            self.index,
            settings.max_length,
            self.counts,
            self.tables,
            self.totals,
            self.lengths,
            self.base,
            boost,
            factors,
            settings.discount,
            settings.strength,
            self.random,
            sampled,
            expert,
            classes,
            ratios,
        )
        return score

    # ---- the stages

    def words_stage(self, sampled: int, final: int, report: Report) -> None:
        """The unigram model; ``sampled`` sweeps, then ``final`` ones that take the best segmentation."""
        boost, bonus, total = self.boost(self.settings.gamma), 0.0, sampled + final
        for number in range(total):
            score = self.sweep(boost, bonus, number < sampled)
            self.respell()
            if self.settings.steer and number < sampled:
                step = STEERING * log(max(self.share, 1e-9) / self.settings.target)
                bonus = min(max(bonus + min(max(step, -STEERING), STEERING), -1.0), 3.0)
            report(self.report("words", number + 1, total, score, bonus))

    def class_stage(self, name: str, sampled: int, final: int, report: Report, with_expert: bool = False) -> None:
        """The model with classes of neighbours, after merging pairs; with the expert, if wanted."""
        settings, total = self.settings, sampled + final
        boost = self.boost(settings.class_gamma)
        classes = word_classes(self.index, settings.max_length, bytes(self.lengths), self.sizes, self.counts)
        self.reseat()
        self.respell()
        expert = self.expert() if with_expert else None
        ratios = self.ratios(classes)
        if settings.merge:
            self.merge_pairs(boost, classes, ratios)
        for number in range(total):
            if number % 2 == 0:
                ratios = self.ratios(classes)
            score = self.sweep(boost, 0.0, number < sampled, expert, classes, ratios)
            report(self.report(name, number + 1, total, score, 0.0))

    def merge_pairs(self, boost: memoryview[float], classes: bytearray, ratios: array[float]) -> None:
        """Join pairs of one-symbol words everywhere at once, where the model gains by it."""
        settings = self.settings
        model = Model(
            self.counts,
            self.tables,
            self.base or array("f"),
            boost,
            classes,
            array("d", map(log, ratios)),
            settings.discount,
            settings.strength,
        )
        merges, lengths = merge_pairs(self.index, settings.max_length, bytes(self.lengths), model)
        self.merged.append(len(merges))
        self.lengths[:] = lengths
        self.reseat()

    def expert(self) -> memoryview[float]:
        """Log odds of a boundary after each symbol, each half of the text judged by the other."""
        return second_opinion(self.text.ids, bytes(self.lengths), self.settings.seed)

    def ratios(self, classes: bytearray) -> array[float]:
        """R(a, b)**rho: how much more often a word of class b follows one of class a than chance would have it."""
        coded = kernels.class_counts(self.index, self.settings.max_length, self.lengths, classes, CLASSES)
        counts = array("I", coded)
        rows = [sum(counts[a * CLASSES : (a + 1) * CLASSES]) for a in range(CLASSES)]
        columns = [sum(counts[b::CLASSES]) for b in range(CLASSES)]
        total = max(sum(rows), 1)
        result = array("d")
        for a in range(CLASSES):
            for b in range(CLASSES):
                expected = rows[a] * columns[b] / total
                prior = 5.0 * min(1.0, expected)
                ratio = (counts[a * CLASSES + b] + prior + 0.01) / (expected + prior + 0.01)
                result.append(exp(self.settings.class_power * log(ratio)))
        return result
