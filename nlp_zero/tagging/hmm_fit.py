"""Baum-Welch: a hidden Markov model learnt from raw text alone, by making the text more probable step by step.

Each step counts what the model expects of the labels, summed over all labellings, and takes the counts for the next
model (L. E. Baum, T. Petrie, G. Soules & N. Weiss 1970). The likelihood never falls. What is known of symbols that are
not in the text stays as it was: the share that each label keeps for unknown symbols is not touched.

What a model learns so from nothing are groups of characters that stand alike; it takes a start from words
(:meth:`HMM.from_lexicon`, :meth:`HMM.train`) for the groups to be the tags of words.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Iterable, Sequence
from math import log

from .. import kernels
from ..errors import InputError
from ..text.characters import class_table
from .hmm import HMM, Random
from .hmm_counts import CLASSES, Tables
from .labels import Scheme

__all__ = ["fit"]

_logger = logging.getLogger("nlp_zero")
_UNKNOWN = 1e-3


def fit(
    lines: Iterable[Sequence[str]], init: HMM | None, scheme: str, iterations: int, tolerance: float, seed: int
) -> HMM:
    """The model after ``iterations`` steps, or when a step gains less than ``tolerance`` nats a symbol.

    ``lines`` are texts, or lists of symbols; each is a sequence of its own, and line ends are not part of it. Symbols
    that ``init`` does not know share with the unknown of their class what their class has. O(symbols x labels squared)
    a step. ``log_likelihoods`` of the result says how it went.
    """
    if isinstance(lines, str):
        raise TypeError("lines: expected texts, such as ['今天天气', '很好'], got one str")
    if init is not None and not isinstance(init, HMM):
        raise TypeError(f"init: expected an HMM of order 1, got {init!r}")
    texts = [line.rstrip("\r\n") if isinstance(line, str) else line for line in lines]
    symbols = dict.fromkeys(symbol for text in texts for symbol in text)
    if not symbols:
        raise InputError("expected text to learn from, got none")
    model = _random(Scheme.named(scheme), sorted(symbols), seed) if init is None else _extended(init, symbols)
    rows = array("I")
    for text in texts:
        rows.extend(model.encode(text))
    lengths = array("I", [len(text) for text in texts])
    trail: list[float] = []
    for step in range(iterations):
        try:
            *counts, mantissa, exponent = kernels.hmm_expect(rows, lengths, *model.tables)
        except ValueError as error:
            raise InputError(f"expected texts that the model can produce: {error}") from None
        trail.append(log(mantissa) + exponent * log(2.0))
        _logger.info("step %d: %.6f nats a symbol", step, trail[-1] / len(rows))
        if step and trail[-1] - trail[-2] < tolerance * len(rows):
            break
        model = _updated(model, *(array("d", table) for table in counts))
    model.log_likelihoods = trail
    return model


def _updated(model: HMM, first: array[float], moves: array[float], spoken: array[float]) -> HMM:
    """The model that the expected counts make most probable; what they say nothing about stays."""
    size, known = len(model.scheme.labels), len(model.symbols)
    old = model.tables
    starts = _shares(first, old.starts, 1.0)
    rows = array("d")
    for place in range(0, size * size, size):
        rows.extend(_shares(moves[place : place + size], old.moves[place : place + size], 1.0))
    emissions = array("d", old.emissions)
    edge = known * size
    for label in range(size):
        kept = sum(old.emissions[edge + label :: size])
        emissions[label:edge:size] = _shares(spoken[label:edge:size], old.emissions[label:edge:size], 1.0 - kept)
    return HMM(model.scheme, model.symbols, Tables(starts, rows, old.ends, emissions))


def _shares(counts: array[float], old: array[float], whole: float) -> array[float]:
    """Counts divided so that they sum to ``whole``."""
    total = sum(counts)
    return array("d", [count / total * whole for count in counts]) if total else old


def _random(scheme: Scheme, symbols: Sequence[str], seed: int) -> HMM:
    """Everything legal nearly alike, so that no label is as another."""
    size = len(scheme.labels)
    random = Random(seed)

    def jittered(legal: Sequence[int], whole: float) -> list[float]:
        weights = [(0.5 + random.uniform()) * good for good in legal]
        total = sum(weights)
        return [weight / total * whole for weight in weights] if total else weights

    starts = array("d", jittered(scheme.starts, 1.0))
    moves = array("d")
    for label in range(size):
        moves.extend(jittered(scheme.moves[label * size : (label + 1) * size], 1.0))
    emissions = array("d", [_UNKNOWN / CLASSES]) * ((len(symbols) + CLASSES) * size)
    for label in range(size):
        emissions[label : len(symbols) * size : size] = array("d", jittered(b"\1" * len(symbols), 1.0 - _UNKNOWN))
    return HMM(scheme, symbols, Tables(starts, moves, array("d", list(scheme.ends)), emissions))


def _extended(model: HMM, symbols: Iterable[str]) -> HMM:
    """The model with these symbols known: each, and the unknown of its class, has a share of what that had."""
    known = set(model.symbols)
    new = sorted(symbol for symbol in symbols if symbol not in known)
    if not new:
        return model
    size, edge = len(model.scheme.labels), len(model.symbols) * len(model.scheme.labels)
    kinds = [class_table()[ord(symbol[0])] if symbol else 0 for symbol in new]
    old = model.tables.emissions
    classes = [
        [share / (kinds.count(kind) + 1) for share in old[edge + kind * size : edge + (kind + 1) * size]]
        for kind in range(CLASSES)
    ]
    emissions = array("d", old[:edge])
    for row in (*[classes[kind] for kind in kinds], *classes):
        emissions.extend(row)
    return HMM(model.scheme, (*model.symbols, *new), model.tables._replace(emissions=emissions))
