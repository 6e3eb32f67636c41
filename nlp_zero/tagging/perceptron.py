"""The averaged structured perceptron (平均结构化感知机): the cheapest way to good weights.

Sentence after sentence is decoded with the weights so far; where the labels found are wrong, the weights of what is
true rise by 1, those of what was found fall by 1. What counts in the end is the average of the weights over all
sentences (M. Collins 2002, "Discriminative training methods for hidden Markov models"). Its scores are no
probabilities: labels are what it is good for.

>>> from .dataset import pack
>>> data = pack([[[0], [1]], [[0], [2]], [[2]]], [[0, 1], [0, 1], [2]], n_attributes=3, n_labels=3)
>>> Perceptron.train(data, Scheme.named("free", "BES")).tag(data)
[['B', 'E'], ['B', 'E'], ['S']]
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Sequence
from itertools import pairwise
from time import perf_counter

from .. import kernels
from ..errors import InputError
from .crf import CRF, Progress
from .dataset import Dataset
from .labels import Scheme

__all__ = ["Perceptron", "labelling_score"]


class Perceptron(CRF):
    """Weights as those of a :class:`.crf.CRF`, and all that it can do; learnt by the averaged perceptron."""

    @classmethod
    def train(  # type: ignore[override]
        cls,
        data: Dataset,
        scheme: Scheme,
        *,
        iterations: int = 10,
        seed: int = 1,
        init: CRF | None = None,
        dev: Dataset | None = None,
        patience: int = 5,
        progress: Callable[[Progress], None] | None = None,
        names: Sequence[str] = (),
        edge_names: Sequence[str] = (),
    ) -> Perceptron:
        """The average of the weights over ``iterations`` passes; the order of sentences in each follows from ``seed``.

        ``init`` is where to start. With ``dev``, a held-out set, the average with the best score on it counts, and
        training ends when there was none better for ``patience`` passes. ``progress`` hears of every pass: its
        objective is the share of positions that were labelled wrongly on the way. Raises InputError for what does
        not fit. O(passes x (attributes x labels + positions x labels**2)).
        """
        width = data.n_labels
        if width != len(scheme.labels):
            raise InputError(f"data set: expected {len(scheme.labels)} labels, as the scheme has, got {width}")
        if data.allowed is not None or len(data.labels) != data.n_positions or not data.n_positions:
            raise InputError("data set: expected a label for each position, and one position at least")
        tables = max(1, data.n_edge_attributes)
        states, edges = (array("d", bytes(8 * size)) for size in (data.n_attributes * width, tables * width * width))
        if init is not None:
            started, before = init._fitting(data, scheme)
            states, edges = started[:], before[:]
        sums = array("d", bytes(8 * len(states))), array("d", bytes(8 * len(edges)))
        order = list(range(data.n_sentences))
        rng, began = random.Random(seed), perf_counter()
        best: tuple[float, int, Perceptron] | None = None
        for turn in range(1, iterations + 1):
            rng.shuffle(order)
            moment = (turn - 1) * data.n_sentences
            wrong = _pass(data, width, order, moment, states, edges, *sums)
            score = None
            if dev is not None:
                found = cls(scheme, *_averages(states, edges, *sums, turn * data.n_sentences))
                score = labelling_score(found, dev)
                if best is None or score > best[0]:
                    best = score, turn, found
            if progress is not None:
                share, active = wrong / data.n_positions, len(states) - states.count(0.0)
                progress(Progress(turn, share, 0.0, active, score, perf_counter() - began))
            if best is not None and turn - best[1] >= patience:
                break
        model = best[2] if best else cls(scheme, *_averages(states, edges, *sums, turn * data.n_sentences))
        model.names, model.edge_names = names, edge_names
        return model


def _pass(data: Dataset, width: int, order: Sequence[int], moment: int, *weights: array[float]) -> int:
    rows = data.offsets, data.attributes, b"" if data.values is None else data.values
    edge_rows: tuple[array[int] | bytes, array[int] | bytes] = b"", b""
    if data.edge_offsets is not None and data.edge_attributes is not None:
        edge_rows = data.edge_offsets, data.edge_attributes
    elif not data.n_edge_attributes:
        edge_rows = array("q", bytes(8 * (data.n_positions + 1))), b""
    turns = array("i", order)
    return int(kernels.perceptron_pass(data.starts, rows, edge_rows, data.labels, width, turns, moment, *weights))


def _averages(
    states: array[float], edges: array[float], state_sums: array[float], edge_sums: array[float], moments: int
) -> tuple[array[float], array[float]]:
    """The average weights. A weight that never changed is exactly 0."""
    return (
        array("d", [weight - total / moments for weight, total in zip(states, state_sums, strict=True)]),
        array("d", [weight - total / moments for weight, total in zip(edges, edge_sums, strict=True)]),
    )


def labelling_score(model: CRF, data: Dataset) -> float:
    """F1 of the spans of labelled data; under the free scheme the share of right labels."""
    labels = model.labels
    gold = [[labels[number] for number in data.labels[start:end]] for start, end in pairwise(data.starts)]
    found = model.tag(data)
    if model.scheme.name == "free":
        right = sum(a == b for ours, its in zip(found, gold, strict=True) for a, b in zip(ours, its, strict=True))
        return right / max(1, data.n_positions)
    right = ours_count = gold_count = 0
    for ours, its in zip(found, gold, strict=True):
        spans, expected = set(model.scheme.spans(ours)), set(model.scheme.spans(its, strict=False))
        right += len(spans & expected)
        ours_count += len(spans)
        gold_count += len(expected)
    return 2 * right / max(1, ours_count + gold_count)
