"""Stochastic descent: weights that move after every sentence, for large data sets and first guesses.

A step goes against the gradient of one sentence, with its share of the L2 penalty (Bottou 2010, "Large-scale machine
learning with stochastic gradient descent"; the shrinking of all weights is kept as one common factor: Shalev-Shwartz,
Singer & Srebro 2007, "Pegasos"). The rate falls as 1 / t; where it begins is tried out on some of the sentences.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Sequence
from math import inf, sqrt
from typing import Any

from .. import kernels
from .likelihood import Likelihood
from .optimize import Result, Settings, Step

__all__ = ["descend_by_sentence"]

SAMPLE = 1000  # sentences on which the first rate is tried
RATES = tuple(2.0**power for power in range(1, -9, -1))
LEAST_SCALE = 1e-9  # below it the common factor is multiplied into the weights


class _Walker:
    """Weights under way: a common factor times the numbers that are kept."""

    def __init__(self, function: Likelihood, weights: Sequence[float] | None) -> None:
        self.function = function
        self.kept = array("d", weights) if weights is not None else array("d", bytes(8 * function.size))
        self.scale = 1.0
        self.edges = array("d", bytes(8 * (function.size - function.state_size)))
        self.sums = self.edges[:]
        self.zeros = bytes(8 * len(self.sums))
        data = function.data
        self.allowed = data.allowed if data.allowed is not None else b""
        self.edge_rows: tuple[Any, Any] = (b"", b"")
        if data.edge_offsets is not None and data.edge_attributes is not None:
            self.edge_rows = data.edge_offsets, data.edge_attributes

    def step(self, sentence: int, rate: float, decay: float) -> float:
        """Moves after one sentence; returns what it lost before, in nats."""
        function, data = self.function, self.function.data
        width, scores, states = function.width, function.scores, memoryview(self.kept)[: function.state_size]
        first, last = data.starts[sentence], data.starts[sentence + 1]
        shape = function.offsets, function.items, function.amounts, function.factors
        kernels.sum_rows(*shape, b"", states, width, first, last, scores)
        kernels.combine(scores, self.scale, (), (), first * width, last * width, scores)
        kept = memoryview(self.kept)[function.state_size :]
        kernels.combine(kept, self.scale, (), (), 0, len(kept), self.edges)
        memoryview(self.sums).cast("B")[:] = self.zeros
        edges = *self.edge_rows, self.edges
        loss: float = kernels.chain_losses(
            data.starts, scores, edges, function.labels, self.allowed, width, sentence, sentence + 1, self.sums
        )
        if not loss < inf:
            return inf
        nothing = array("d", (0.0,))
        for entry in function.blocked:
            self.sums[entry : entry + 1] = nothing
        self.scale *= 1.0 - decay
        kernels.add_rows(*shape, scores, -rate / self.scale, width, first, last, states)
        kernels.descend(kept, self.sums, -rate / self.scale, b"", 0, len(kept), kept)
        if self.scale < LEAST_SCALE:
            self.settle()
        return loss

    def settle(self) -> array[float]:
        """The weights, with the common factor multiplied in."""
        kernels.combine(self.kept, self.scale, (), (), 0, len(self.kept), self.kept)
        self.scale = 1.0
        return self.kept

    def square(self) -> float:
        size = len(self.kept)
        return self.scale * self.scale * float(kernels.dot_product(self.kept, self.kept, 0, size))

    def epoch(self, order: Sequence[int], first_rate: float, decay: float, steps: int) -> float:
        """Once through some sentences, ``steps`` having been taken; what they lost."""
        total = 0.0
        for number, sentence in enumerate(order, steps):
            rate = first_rate / (1.0 + decay * first_rate * number)
            total += self.step(sentence, rate, rate * decay)
            if not total < inf:
                break
        return total


def descend_by_sentence(
    function: Likelihood,
    weights: Sequence[float] | None = None,
    *,
    settings: Settings | None = None,
    seed: int = 0,
    watch: Callable[[Step, array[float]], bool] | None = None,
) -> Result:
    """Weights near the minimum of a likelihood with its L2 penalty, from ``weights`` or zero on.

    Each iteration is once through all sentences in an order drawn with ``seed``; it costs what an evaluation does, and
    twice the attributes of the sentences. ``value`` adds up what sentences lost when their turn came. Training ends
    when that fell by less than ``delta`` of itself in ``period`` iterations (``epsilon`` is not looked at).
    """
    settings = settings or Settings(max_iterations=100, delta=1e-3)
    source = random.Random(seed)
    sentences = [s for s in range(function.data.n_sentences) if function.data.starts[s] < function.data.starts[s + 1]]
    decay = 2.0 * function.l2 / max(1, len(sentences))
    first_rate = _calibrate(function, weights, source.sample(sentences, min(SAMPLE, len(sentences))), decay)
    walker = _Walker(function, weights)
    values: list[float] = []
    reason = "max_iterations"
    for iteration in range(1, settings.max_iterations + 1):
        source.shuffle(sentences)
        loss = walker.epoch(sentences, first_rate, decay, (iteration - 1) * len(sentences))
        square = walker.square()
        values.append(loss + function.l2 * square)
        step = Step(iteration, values[-1], 0.0, sqrt(square), 1)
        if watch and watch(step, walker.settle()):
            reason = "stopped"
            break
        past = len(values) - 1 - settings.period
        if past >= 0 and values[past] - values[-1] <= settings.delta * abs(values[-1]):
            reason = "converged"
            break
    return Result(walker.settle(), values[-1] if values else inf, len(values), len(values), reason)


def _calibrate(function: Likelihood, weights: Sequence[float] | None, sample: Sequence[int], decay: float) -> float:
    """Of some first rates the one that loses least on a sample, in one round and a second look."""
    most = 0.5 / decay if decay else inf  # a step of 1 / decay would take all weights away
    best, least = min(RATES[-1], most), inf
    for rate in sorted({min(rate, most) for rate in RATES}, reverse=True):
        walker = _Walker(function, weights)
        if not walker.epoch(sample, rate, decay, 0) < inf:
            continue
        loss = walker.epoch(sample, 0.0, 0.0, 0) + function.l2 * walker.square()
        if loss < least:
            best, least = rate, loss
    return best
