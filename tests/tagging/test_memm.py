"""Maximum-entropy Markov models: numbers by hand, brute force, finite differences, both engines."""

from __future__ import annotations

import random
from array import array
from itertools import pairwise, product
from math import exp, log
from typing import Any

import pytest

from nlp_zero import kernels
from nlp_zero.errors import InputError
from nlp_zero.kernels import local as pure
from nlp_zero.tagging.dataset import pack
from nlp_zero.tagging.labels import Scheme
from nlp_zero.tagging.memm import MEMM

# The check of section 9 of the algorithms: 2 labels, 3 places.
STARTS, SCORES, EDGES = array("q", [0, 3]), [1, 0, 0.2, 0.5, 0, 1], array("d", [0.5, -0.5, -0.3, 0.4])


def loss(both: int) -> float:
    scores, sums = array("d", SCORES), array("d", bytes(32))
    labels = array("i", [0, 0, 1])
    found: float = kernels.local_losses(STARTS, scores, (b"", b"", EDGES), labels, 2, 0, 1, both, sums)
    return found


def test_numbers_of_the_check() -> None:
    assert loss(0) == pytest.approx(1.409595, abs=1e-6)
    assert loss(1) == pytest.approx(1.669558, abs=1e-6)
    assert 2 * loss(1) - loss(0) == pytest.approx(1.929522, abs=2e-6)
    scores = array("d", SCORES)
    kernels.local_scores(STARTS, scores, (b"", b"", EDGES), 2, 0)
    chances = {
        "".join(map(str, y)): exp(
            scores[y[0]] + EDGES[2 * y[0] + y[1]] + scores[2 + y[1]] + EDGES[2 * y[1] + y[2]] + scores[4 + y[2]]
        )
        for y in product(range(2), repeat=3)
    }
    assert chances["000"] == pytest.approx(0.244242, abs=1e-6)
    assert chances["001"] == pytest.approx(0.244242, abs=1e-6)
    assert chances["011"] == pytest.approx(0.205105, abs=1e-6)
    assert sum(chances.values()) == pytest.approx(1.0, abs=1e-12)


def random_chain(seed: int) -> tuple[Any, ...]:
    rng = random.Random(seed)
    sizes = [rng.randint(0, 4) for _ in range(3)]
    places, width, tables = sum(sizes), rng.randint(1, 3), 2 if seed % 2 else 1
    starts = array("q", [0, sizes[0], sizes[0] + sizes[1], places])
    scores = array("d", [rng.gauss(0, 2) for _ in range(places * width)])
    weights = array("d", [rng.gauss(0, 2) for _ in range(tables * width * width)])
    edges: tuple[Any, ...] = b"", b"", weights
    if seed % 2:
        counts = [rng.randint(0, 2) for _ in range(places)]
        offsets = array("q", [sum(counts[:n]) for n in range(places + 1)])
        edges = offsets, array("i", [rng.randrange(tables) for _ in range(sum(counts))]), weights
    return starts, scores, edges, array("i", [rng.randrange(width) for _ in range(places)]), width


def edge(edges: tuple[Any, ...], place: int, before: int, label: int, width: int) -> float:
    offsets, items, weights = edges
    its = items[offsets[place] : offsets[place + 1]] if len(offsets) else [0]
    return sum(weights[(item * width + before) * width + label] for item in its)


def slow_loss(starts: Any, scores: Any, edges: Any, labels: Any, width: int, way: int) -> float:
    total = 0.0
    for start, end in pairwise(starts):
        for t in range(start, end):
            row = [scores[t * width + y] for y in range(width)]
            if way == 0 and t > start:
                row = [s + edge(edges, t, labels[t - 1], y, width) for y, s in enumerate(row)]
            if way == 1 and t + 1 < end:
                row = [s + edge(edges, t + 1, y, labels[t + 1], width) for y, s in enumerate(row)]
            total += log(sum(map(exp, row))) - row[labels[t]]
    return total


@pytest.mark.parametrize("seed", range(10))
def test_losses_are_those_of_each_choice(seed: int) -> None:
    starts, scores, edges, labels, width = random_chain(seed)
    ways = [slow_loss(starts, scores, edges, labels, width, way) for way in (0, 1)]
    for both, expected in ((0, ways[0]), (1, sum(ways) / 2)):
        sums = array("d", bytes(8 * len(edges[2])))
        found = kernels.local_losses(starts, scores[:], edges, labels, width, 0, 3, both, sums)
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_gradients_agree_with_differences(seed: int) -> None:
    starts, scores, edges, labels, width = random_chain(seed)
    for both in (0, 1):

        def value(moved: Any, weights: Any, both: int = both) -> float:
            sums = array("d", bytes(8 * len(weights)))
            its = (*edges[:2], weights)
            found: float = kernels.local_losses(starts, moved[:], its, labels, width, 0, 3, both, sums)
            return found

        slopes, sums = scores[:], array("d", bytes(8 * len(edges[2])))
        kernels.local_losses(starts, slopes, edges, labels, width, 0, 3, both, sums)
        for place in range(len(scores)):
            up, down = scores[:], scores[:]
            up[place] += 1e-5
            down[place] -= 1e-5
            assert slopes[place] == pytest.approx((value(up, edges[2]) - value(down, edges[2])) / 2e-5, abs=1e-6)
        for place in range(len(sums)):
            up, down = edges[2][:], edges[2][:]
            up[place] += 1e-5
            down[place] -= 1e-5
            assert sums[place] == pytest.approx((value(scores, up) - value(scores, down)) / 2e-5, abs=1e-6)


@pytest.mark.parametrize("seed", range(10))
def test_both_engines_give_the_same_bits(seed: int) -> None:
    starts, scores, edges, labels, width = random_chain(seed)
    for both in (0, 1):
        found = []
        for engine in (kernels, pure):
            slopes, sums, chances = scores[:], array("d", bytes(8 * len(edges[2]))), scores[:]
            total = engine.local_losses(starts, slopes, edges, labels, width, 0, 3, both, sums)
            engine.local_scores(starts, chances, edges, width, both)
            found.append((total, slopes, sums, chances))
        assert found[0] == found[1]


def test_training_finds_what_can_be_told_apart_and_comes_back_from_its_parts() -> None:
    rng = random.Random(5)
    sentences = [[[n] for n in rng.choices(range(9), k=6)] for _ in range(20)]
    data = pack(sentences, [[n % 3 for (n,) in row] for row in sentences], n_attributes=9, n_labels=3)
    for both in (True, False):
        model = MEMM.train(data, Scheme.named("free", "abc"), both=both, c2=0.01)
        assert model.tag(data) == [["abc"[n % 3] for (n,) in row] for row in sentences]
        again = MEMM.from_sections(*model.to_sections())
        assert again.both is both and again.marginals(data) == model.marginals(data)
        assert not both or sum(chance for _, chance in model.nbest(data, 729)[0]) == pytest.approx(1.0)


def test_labels_left_open_are_refused() -> None:
    data = pack([[[0]]], [[0]], n_attributes=1, n_labels=2)._replace(allowed=b"\1\1")
    with pytest.raises(InputError, match="left open"):
        MEMM.train(data, Scheme.named("free", "ab"))


def test_observed_pairs_alone_are_trained() -> None:
    """Weights that never meet in the data stay 0; what is met is learnt, whatever the number of workers."""
    data = pack([[[0], [1]], [[0, 2], [1]], [[2]]], [[0, 1], [0, 1], [2]], n_attributes=3, n_labels=3)
    scheme = Scheme.named("free", "BES")
    memm = MEMM.train(data, scheme, observed=True, c2=0.01)
    assert memm.tag(data) == [["B", "E"], ["B", "E"], ["S"]]
    assert {(name, label) for name, label, _ in memm.weights} == {("0", "B"), ("1", "E"), ("2", "B"), ("2", "S")}
    assert MEMM.train(data, scheme, observed=True, c2=0.01, workers=2).states == memm.states
