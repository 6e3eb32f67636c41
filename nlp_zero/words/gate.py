"""The gate (古文判别): is this a text in which nearly every word has one symbol, as in Classical Chinese?

Such a text has a second, better solution that no sampler reaches from a first one, so it is asked for before sampling.
Two figures read off the raw text tell: how far association reaches (:func:`association_ratio`), and the share of
one-symbol words that a chain without steering comes to.
"""

from __future__ import annotations

from array import array
from typing import Any, NamedTuple

from .. import kernels
from .chain import Chain, Settings, Substrings

__all__ = ["Verdict", "association_ratio", "judge"]

GATE_SHARE, GATE_RATIO, GATE_SYMBOLS = 0.7, 0.38, 300_000
"""Above both, every symbol is a word: q1 without steering and I2 / I1, on so many symbols of the text at most."""

GATE_NEAREST = 2.0, 0.1
"""Above the first, in bits of I1, neighbours hold together too well to be words: a text that repeats itself passes the
other two as well. Below the second there is no association whose reach could be asked for."""


class Verdict(NamedTuple):
    """Whether nearly every word of a text has one symbol, and what told so.

    ``nearest`` is I1 in bits, ``ratio`` I2 / I1 (:func:`association_ratio`), ``share`` that of one-symbol words among
    the tables of a chain without steering; None if it was not asked, because the ratio had decided.
    """

    one_symbol: bool
    nearest: float
    ratio: float
    share: float | None = None

    def facts(self) -> dict[str, Any]:
        """By names for people."""
        facts = {
            "I1, bits": round(self.nearest, 4),
            "I2 / I1": round(self.ratio, 4),
            "gate: share of one-symbol words": None if self.share is None else round(self.share, 4),
            "every symbol a word": self.one_symbol,
        }
        return {name: value for name, value in facts.items() if value is not None}


def judge(ids: array[int], settings: Settings) -> Verdict:
    """Whether nearly every word of the text has one symbol, as in Classical Chinese; by a sample of blocks."""
    sample = _sample(ids, GATE_SYMBOLS)
    nearest, ratio = association_ratio(sample, settings.seed)
    most, least = GATE_NEAREST
    if nearest > most or (nearest >= least and ratio <= GATE_RATIO):
        return Verdict(False, nearest, ratio)
    scores = kernels.branching(sample, settings.max_length, len(sample) + 1, True)[0]
    start = kernels.segment(sample, memoryview(scores).cast("h"), settings.max_length, 0)
    chain = Chain(Substrings(sample, scores, settings.max_length), start, settings._replace(steer=False))
    chain.words_stage(11, 3, lambda sweep: None)
    return Verdict(chain.share > GATE_SHARE, nearest, ratio, chain.share)


def association_ratio(ids: array[int], seed: int = 1) -> tuple[float, float]:
    """I1 in bits, and I2 / I1: what a symbol tells about the next one, and how much of it the one after still knows.

    I_d is the mutual information of symbols at distance d inside chunks, less that of the same pairs shuffled. Inside
    words association stops with the word; where every symbol is a word, it reaches further: the ratio is higher.
    """
    nearest, farther = (kernels.association(ids, distance, seed) for distance in (1, 2))
    return nearest, farther / nearest if nearest > 0 else 0.0


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
