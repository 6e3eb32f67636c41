"""The averaged perceptron: by hand, both engines to the bit, weights where they started."""

from __future__ import annotations

import random
from array import array
from typing import Any

import pytest

from nlp_zero import kernels
from nlp_zero.errors import InputError
from nlp_zero.kernels import perceptron as pure
from nlp_zero.tagging.dataset import Dataset, pack
from nlp_zero.tagging.labels import Scheme
from nlp_zero.tagging.perceptron import Perceptron, labelling_score

FREE = Scheme.named("free", "abc")


def random_data(seed: int, edges: bool = False, values: bool = False) -> Dataset:
    rng = random.Random(seed)
    sentences = [[rng.choices(range(12), k=rng.randint(0, 4)) for _ in range(rng.randint(0, 6))] for _ in range(9)]
    labels = [[rng.randrange(3) for _ in row] for row in sentences]
    more: Any = [[[rng.randrange(2)] if place else [] for place, _ in enumerate(row)] for row in sentences]
    data = pack(
        sentences,
        labels,
        n_attributes=12,
        n_labels=3,
        edges=more if edges else None,
        n_edge_attributes=2 if edges else 1,
    )
    return data._replace(values=array("d", [rng.random() for _ in data.attributes])) if values else data


@pytest.mark.parametrize("seed", range(12))
def test_both_engines_give_the_same_bits(seed: int) -> None:
    data = random_data(seed, edges=seed % 2 == 1, values=seed % 3 == 2)
    rows = data.offsets, data.attributes, data.values if data.values is not None else b""
    edge_rows = (data.edge_offsets, data.edge_attributes) if data.edge_offsets is not None else (b"", b"")
    results = []
    for engine in (kernels, pure):
        weights = [array("d", bytes(8 * size)) for size in (36, 9 * data.n_edge_attributes) * 2]
        order = array("i", random.Random(seed).sample(range(9), 9))
        wrong = [
            engine.perceptron_pass(data.starts, rows, edge_rows, data.labels, 3, order, 9 * turn, *weights)
            for turn in range(4)
        ]
        results.append((wrong, weights))
    assert results[0] == results[1]


def test_what_can_be_told_apart_is_learnt() -> None:
    rng = random.Random(5)
    sentences = [[[n] for n in rng.choices(range(9), k=6)] for _ in range(30)]
    labels = [[n % 3 for (n,) in row] for row in sentences]
    data = pack(sentences, labels, n_attributes=9, n_labels=3)
    seen: list[Any] = []
    model = Perceptron.train(data, FREE, iterations=30, progress=seen.append)
    assert labelling_score(model, data) == 1.0
    assert seen[-1].objective == 0.0 and len(seen) == 30


def test_the_average_is_that_of_the_weights_after_each_sentence() -> None:
    data = random_data(3)
    rows, totals, moments = (data.offsets, data.attributes, b""), [0.0] * 36, 0
    states, edges, *sums = (array("d", bytes(8 * size)) for size in (36, 9, 36, 9))
    rng, order = random.Random(1), list(range(9))
    for turn in range(3):
        rng.shuffle(order)
        for place, sentence in enumerate(order):
            at = turn * 9 + place
            before = states[:]
            # The change of a sentence counts from its own moment on: the average is over the weights before each.
            kernels.perceptron_pass(
                data.starts, rows, (b"", b""), data.labels, 3, array("i", [sentence]), at, states, edges, *sums
            )
            totals = [total + weight for total, weight in zip(totals, before, strict=True)]
            moments += 1
    model = Perceptron.train(data, FREE, iterations=3)
    assert list(model.states) == pytest.approx([(t + 0.0) / moments for t in totals], abs=1e-12)


def test_it_starts_where_it_is_told_and_keeps_what_is_best_on_held_out_data() -> None:
    data, other = random_data(1), random_data(2)
    first = Perceptron.train(data, FREE, iterations=3)
    again = Perceptron.train(data, FREE, iterations=1, init=first)
    assert again.states != Perceptron.train(data, FREE, iterations=1).states
    seen: list[Any] = []
    best = Perceptron.train(data, FREE, iterations=12, dev=other, patience=3, progress=seen.append)
    assert labelling_score(best, other) == max(step.dev_score for step in seen)


def test_without_edges_neighbours_do_not_matter() -> None:
    data = random_data(4)._replace(n_edge_attributes=0)
    assert not any(Perceptron.train(data, FREE, iterations=3).edges)


def test_what_does_not_fit_is_refused_alike() -> None:
    data = random_data(6)
    rows = data.offsets, data.attributes, b""
    weights = [array("d", bytes(8 * size)) for size in (36, 9, 36, 9)]
    good: list[Any] = [data.starts, rows, (b"", b""), data.labels, 3, array("i", [0]), 0, *weights]
    for place, value in ((3, array("i", [0])), (4, 0), (5, array("i", [9])), (7, array("d", [0.0] * 35))):
        given = [*good]
        given[place] = value
        messages = []
        for engine in (kernels, pure):
            with pytest.raises((ValueError, TypeError, BufferError)) as error:
                engine.perceptron_pass(*given)
            messages.append((error.type, str(error.value)))
        assert messages[0] == messages[1]
    with pytest.raises(InputError, match="expected a label for each position"):
        Perceptron.train(data._replace(labels=array("i")), FREE)
