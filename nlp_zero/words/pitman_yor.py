"""The Bayesian word model: sampled, steered, with word classes and a local expert (method ``bayes``).

From a first segmentation by branching entropies the text is segmented again and again, each chunk in turn, under a
Pitman-Yor model of words fed by all other chunks (:mod:`nlp_zero.kernels.sampling`; Mochihashi, Yamada & Ueda 2009).
The recipe has three stages, each of which hands on nothing but its segmentation:

1. **Words.** A unigram model. A word w of n symbols weighs p(w) exp(gamma A(w) + b (n - 1)), where A is n times its
   autonomy in bits (Magistry & Sagot 2012). The prior of word lengths is learnt from the words seen at least twice,
   and the bonus b is steered after each sweep so that the share q1 of one-symbol words among all draws from the base
   measure comes to :data:`TARGET`: on news that share, not gamma, is what quality depends on.
2. **Classes**, twice. Words are clustered by their neighbours (:mod:`nlp_zero.words.classes`), pairs of one-symbol
   words that the model would rather see joined are joined everywhere at once (:mod:`nlp_zero.words.merging`; token by
   token the sampler cannot get there), and the sampler goes on with the classes of neighbours in its weights.
3. **Expert.** Once more, with a logistic model of boundaries by the symbols around them, each half of the text judged
   by what was learnt on the other (:mod:`nlp_zero.kernels.experts`).

A *gate* comes first: text in which nearly every word has one symbol (Classical Chinese) has a second, better solution
that no sampler reaches from a first one; two figures read off the raw text tell it, and every symbol becomes a word.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from math import exp, log, log2
from random import Random
from typing import NamedTuple

from .. import kernels
from .classes import CLASSES, word_classes
from .expert import second_opinion
from .merging import Model, merge_pairs
from .symbols import WORD_LIMIT

__all__ = ["Sampler", "Settings", "Sweep", "association_ratio", "is_one_symbol_text", "segment"]

TARGET = 0.22
"""The share of one-symbol words among the tables that the bonus steers for; read off news text of three sizes."""

STEERING = 0.4
"""How far a sweep moves the bonus for each unit of ln(q1 / target), and how far at most."""

GATE_SHARE, GATE_RATIO, GATE_SYMBOLS = 0.7, 0.38, 300_000
"""Above both, every symbol is a word: q1 without steering and I2 / I1, on so many symbols of the text at most."""

_SAMPLED, _FINAL = 11, 3


class Settings(NamedTuple):
    """What the recipe fixes."""

    max_length: int = 4
    discount: float = 0.7
    strength: float = 20000.0
    gamma: float = 0.12
    class_gamma: float = 0.18
    class_power: float = 1.5
    target: float = TARGET
    rounds: int = 2
    seed: int = 1


class Sweep(NamedTuple):
    """What one sweep has to tell: its stage, its number there, of how many, and the state after it."""

    stage: str
    number: int
    total: int
    score: float  # nats
    share: float  # of one-symbol words among the tables
    bonus: float
    words: int


Report = Callable[[Sweep], None]


class Sampler:
    """The state of a chain: a text, its segmentation, and the restaurant that they fill."""

    def __init__(self, ids: array[int], scores: bytes, lengths: bytes, settings: Settings) -> None:
        self.ids = ids
        self.settings = settings
        self.lengths = bytearray(lengths)
        self.random = array("Q", (settings.seed,))
        width = settings.max_length
        index, starts, sizes, prefix, suffix = kernels.substrings(ids, width)
        self.index = array("I", index)
        self.starts, self.sizes = array("I", starts), sizes
        self.prefix, self.suffix = array("I", prefix), array("I", suffix)
        self.scores = memoryview(scores).cast("h")
        self.base: array[float] | None = None
        # The lengths and spellings of all types, one table each, decide how many tables their customers take.
        self.reseat()
        self.respell(1)
        self.reseat()

    def boost(self, gamma: float) -> array[float]:
        """exp(gamma A(w)) of every substring."""
        return array("f", kernels.boosts(self.scores, self.starts, self.sizes, self.settings.max_length, gamma))

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
        self.counts, self.tables, self.totals = array("i", counts), array("i", tables), array("q", totals)

    def respell(self, min_count: int = 2) -> None:
        """Learn the prior of lengths and the spelling of words from the tables."""
        width = self.settings.max_length
        lengths = kernels.length_prior(self.sizes, self.counts, self.tables, width, min_count)
        base = kernels.spelling(self.sizes, self.prefix, self.suffix, self.tables, array("d", lengths), 0.7)
        self.base = array("f", base)

    @property
    def share(self) -> float:
        """q1: the share of one-symbol words among the tables."""
        share: float = self.totals[2] / max(self.totals[1], 1)
        return share

    def sweep(
        self,
        boost: array[float],
        bonus: float,
        sampled: bool,
        expert: array[float] | None = None,
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

    def words_stage(self, sampled: int, final: int, report: Report, steer: bool = True) -> None:
        """The unigram model; ``sampled`` sweeps, then ``final`` ones that take the best segmentation."""
        boost, bonus, total = self.boost(self.settings.gamma), 0.0, sampled + final
        for number in range(total):
            score = self.sweep(boost, bonus, number < sampled)
            self.respell()
            if steer and number < sampled:
                step = STEERING * log(max(self.share, 1e-9) / self.settings.target)
                bonus = min(max(bonus + min(max(step, -STEERING), STEERING), -1.0), 3.0)
            report(Sweep("words", number + 1, total, score, self.share, bonus, self.totals[0]))

    def class_stage(self, name: str, sampled: int, final: int, report: Report, with_expert: bool = False) -> None:
        """The model with classes of neighbours, after merging pairs; with the expert, if wanted."""
        settings, total = self.settings, sampled + final
        boost = self.boost(settings.class_gamma)
        classes = word_classes(self.index, settings.max_length, bytes(self.lengths), self.sizes, self.counts)
        self.reseat()
        self.respell()
        expert = self.expert() if with_expert else None
        ratios = self.ratios(classes)
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
        _, lengths = merge_pairs(self.index, settings.max_length, bytes(self.lengths), model)
        self.lengths[:] = lengths
        self.reseat()
        for number in range(total):
            if number % 2 == 0:
                ratios = self.ratios(classes)
            score = self.sweep(boost, 0.0, number < sampled, expert, classes, ratios)
            report(Sweep(name, number + 1, total, score, self.share, 0.0, self.totals[0]))

    def expert(self) -> array[float]:
        """Log odds of a boundary after each symbol, each half of the text judged by the other."""
        return second_opinion(self.ids, bytes(self.lengths), self.settings.seed)

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


def segment(ids: array[int], scores: bytes, settings: Settings, report: Report) -> bytes:
    """The segmentation of a text by the whole recipe. ``scores`` as :func:`nlp_zero.kernels.branching` gives them.

    About 30 sweeps; O(n) each, n symbols. In C a sweep takes 0.3 to 0.5 s for three million symbols.
    """
    if is_one_symbol_text(ids, settings):
        return bytes(1 if 0 < symbol < WORD_LIMIT else 0 for symbol in ids)
    lengths = kernels.segment(ids, memoryview(scores).cast("h"), settings.max_length, 0)
    chain = Sampler(ids, scores, lengths, settings)
    chain.words_stage(_SAMPLED, _FINAL, report)
    for number in range(settings.rounds):
        chain.class_stage(f"classes {number + 1}", 3, 1, report)
    chain.class_stage("expert", 4, 2, report, with_expert=True)
    return bytes(chain.lengths)


# ---- the gate


def is_one_symbol_text(ids: array[int], settings: Settings) -> bool:
    """Whether nearly every word of the text has one symbol, as in Classical Chinese; by a sample of blocks."""
    sample = _sample(ids, GATE_SYMBOLS)
    nearest, ratio = association_ratio(sample, settings.seed)
    if nearest >= 0.1 and ratio <= GATE_RATIO:
        return False
    scores = kernels.branching(sample, settings.max_length, len(sample) + 1, True)[0]
    start = kernels.segment(sample, memoryview(scores).cast("h"), settings.max_length, 0)
    chain = Sampler(sample, scores, start, settings)
    chain.words_stage(_SAMPLED, _FINAL, lambda sweep: None, steer=False)
    return chain.share > GATE_SHARE


def association_ratio(ids: array[int], seed: int = 1) -> tuple[float, float]:
    """I1 in bits, and I2 / I1: what a symbol tells about the next one, and how much of it the one after still knows.

    I_d is the mutual information of symbols at distance d inside chunks, less that of the same pairs shuffled. Inside
    words association stops with the word; where every symbol is a word, it reaches further: the ratio is higher.
    """
    nearest, farther = (_mutual_information(ids, distance, seed) for distance in (1, 2))
    return nearest, farther / nearest if nearest > 0 else 0.0


def _mutual_information(ids: array[int], distance: int, seed: int) -> float:
    pairs = [
        (left, right)
        for left, middle, right in zip(ids, ids[distance - 1 :], ids[distance:], strict=False)
        if 0 < left < WORD_LIMIT and 0 < right < WORD_LIMIT and (distance == 1 or 0 < middle < WORD_LIMIT)
    ]
    shuffled = [right for _, right in pairs]
    Random(seed).shuffle(shuffled)
    chance = list(zip((left for left, _ in pairs), shuffled, strict=True))
    return _joint_log(pairs) - _joint_log(chance)


def _joint_log(pairs: list[tuple[int, int]]) -> float:
    """sum p log2 p over distinct pairs: mutual information up to the entropies of the two sides, which cancel."""
    total = len(pairs)
    return sum(count / total * log2(count / total) for count in Counter(pairs).values())


def _sample(ids: array[int], limit: int) -> array[int]:
    """Blocks of chunks from all over the text, ``limit`` symbols in all."""
    if len(ids) <= limit:
        return ids
    size = 4000
    blocks = limit // size
    sample = array("H")
    for number in range(blocks):
        start = (len(ids) - size) * number // max(blocks - 1, 1)
        sample.extend(ids[start : start + size])
        sample.append(0)
    return sample
