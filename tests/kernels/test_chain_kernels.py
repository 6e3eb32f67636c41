"""The kernels of ``chain``: hand-worked numbers, every labelling of small chains, finite differences, both engines."""

from __future__ import annotations

import itertools
import random
from array import array
from math import exp, inf, log
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero import kernels
from nlp_zero.kernels import chain as twin

FREE = b"", b"", b""
# The worked example of kexue.fm/archives/5542's model: two labels, three positions.
STARTS = array("q", [0, 3])
SCORES = array("d", [1, 0, 0.2, 0.5, 0, 1])
EDGES = b"", b"", array("d", [0.5, -0.5, -0.3, 0.4])


class Chain:
    """A random sentence with everything it can have, and the slow truth about it."""

    def __init__(self, seed: int, length: int, width: int, edges: str, masks: bool) -> None:
        source = random.Random(seed)
        self.length, self.width = length, width
        self.starts = array("q", [0, length])
        self.scores = array("d", (source.uniform(-3, 3) for _ in range(length * width)))
        tables = 3 if edges == "observed" else 1
        self.weights = array("d", (source.uniform(-2, 2) for _ in range(tables * width * width)))
        self.offsets, self.attributes = array("q"), array("i")
        if edges == "observed":
            self.offsets = array("q", [0])
            for _ in range(length):
                self.attributes.extend(source.randrange(tables) for _ in range(source.randint(0, 2)))
                self.offsets.append(len(self.attributes))
        self.edges = self.offsets, self.attributes, self.weights
        self.labels = array("i", (source.randrange(width) for _ in range(length)))
        self.legal: tuple[bytes, bytes, bytes] = FREE
        self.allowed = b""
        if masks:
            flags = [source.random() < 0.8 for _ in range(width * (width + 2))]
            self.legal = bytes(flags[:width]), bytes(flags[width:-width]), bytes(flags[-width:])
            self.allowed = bytes(source.random() < 0.8 for _ in range(length * width))
            for place, label in enumerate(self.labels):  # there is always one way
                self.permit(place, label)

    def permit(self, place: int, label: int) -> None:
        firsts, moves, lasts, allowed = map(bytearray, (*self.legal, self.allowed))
        allowed[place * self.width + label] = 1
        if place == 0:
            firsts[label] = 1
        else:
            moves[self.labels[place - 1] * self.width + label] = 1
        if place == self.length - 1:
            lasts[label] = 1
        self.legal, self.allowed = (bytes(firsts), bytes(moves), bytes(lasts)), bytes(allowed)

    def tables(self, place: int) -> list[int]:
        if not len(self.offsets):
            return [0]
        return list(self.attributes[self.offsets[place] : self.offsets[place + 1]])

    def score(self, labels: tuple[int, ...]) -> float:
        total = sum(self.scores[place * self.width + label] for place, label in enumerate(labels))
        for place in range(1, self.length):
            for table in self.tables(place):
                total += self.weights[(table * self.width + labels[place - 1]) * self.width + labels[place]]
        return total

    def may(self, labels: tuple[int, ...], legal: bool = True, allowed: bool = True) -> bool:
        firsts, moves, lasts = self.legal if legal else FREE
        if (firsts and not firsts[labels[0]]) or (lasts and not lasts[labels[-1]]):
            return False
        if moves and not all(moves[a * self.width + b] for a, b in itertools.pairwise(labels)):
            return False
        if not (allowed and self.allowed):
            return True
        return all(self.allowed[place * self.width + label] for place, label in enumerate(labels))

    def labellings(self, legal: bool = True, allowed: bool = True) -> dict[tuple[int, ...], float]:
        every = itertools.product(range(self.width), repeat=self.length)
        return {labels: self.score(labels) for labels in every if self.may(labels, legal, allowed)}


chains = st.builds(
    Chain,
    st.integers(0, 10**6),
    st.integers(1, 5),
    st.integers(1, 4),
    st.sampled_from(["plain", "observed"]),
    st.booleans(),
)


def log_sum(scores: Any) -> float:
    return log(sum(map(exp, scores)))


def test_the_worked_example_of_the_articles() -> None:
    scores = SCORES[:]
    totals = kernels.chain_marginals(STARTS, scores, EDGES, FREE, b"", 2)
    assert array("d", totals)[0] == pytest.approx(3.825744, abs=1e-6)
    assert list(scores[::2]) == pytest.approx([0.677764, 0.458581, 0.312921], abs=1e-6)
    labels, best = kernels.best_labels(STARTS, SCORES, EDGES, FREE, b"", 2)
    assert list(array("i", labels)) == [0, 1, 1]
    assert exp(array("d", best)[0] - 3.825744) == pytest.approx(0.240330, abs=1e-6)
    found = kernels.best_labellings(STARTS, SCORES, EDGES, FREE, b"", 2, 0, 99)
    assert ["".join(map(str, array("i", one))) for one, _ in found[:2]] == ["011", "111"]
    assert sorted(round(score, 6) for _, score in found) == [0.4, 0.4, 0.6, 0.7, 2.2, 2.2, 2.3, 2.4]


def test_the_gradient_of_the_worked_example() -> None:
    scores, sums = SCORES[:], array("d", bytes(32))
    loss = kernels.chain_losses(STARTS, scores, EDGES, array("i", [0, 0, 1]), b"", 2, 0, 1, sums)
    assert loss == pytest.approx(1.625744, abs=1e-6)
    assert list(sums) == pytest.approx([-0.377179, -0.486476, 0.148681, 0.714974], abs=1e-6)
    assert list(scores[::2]) == pytest.approx([0.677764 - 1, 0.458581 - 1, 0.312921], abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(chains)
def test_marginals_are_shares_of_all_labellings(chain: Chain) -> None:
    scores = chain.scores[:]
    totals = kernels.chain_marginals(chain.starts, scores, chain.edges, chain.legal, chain.allowed, chain.width)
    truth = chain.labellings()
    total = log_sum(truth.values())
    assert array("d", totals)[0] == pytest.approx(total, abs=1e-9)
    for place in range(chain.length):
        for label in range(chain.width):
            share = sum(exp(score - total) for labels, score in truth.items() if labels[place] == label)
            assert scores[place * chain.width + label] == pytest.approx(share, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(chains)
def test_the_best_labellings_are_the_best_of_all(chain: Chain) -> None:
    truth = sorted(chain.labellings().values(), reverse=True)
    arguments = chain.starts, chain.scores, chain.edges, chain.legal, chain.allowed, chain.width
    labels, best = kernels.best_labels(*arguments)
    assert array("d", best)[0] == pytest.approx(truth[0], abs=1e-12)
    assert chain.score(tuple(array("i", labels))) == pytest.approx(truth[0], abs=1e-12)
    assert chain.may(tuple(array("i", labels)))
    found = kernels.best_labellings(*arguments, 0, 7)
    assert [score for _, score in found] == pytest.approx(truth[:7], abs=1e-12)
    assert len({one for one, _ in found}) == len(found)
    for one, score in found:
        assert chain.score(tuple(array("i", one))) == pytest.approx(score, abs=1e-12)
        assert chain.may(tuple(array("i", one)))
        known = kernels.score_labels(chain.starts, chain.scores, chain.edges, array("i", one), chain.width)
        assert array("d", known)[0] == pytest.approx(score, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(chains)
def test_losses_are_those_of_all_labellings(chain: Chain) -> None:
    scores, sums = chain.scores[:], array("d", bytes(8 * len(chain.weights)))
    labels = array("i") if chain.allowed else chain.labels
    loss = kernels.chain_losses(chain.starts, scores, chain.edges, labels, chain.allowed, chain.width, 0, 1, sums)
    truth = log_sum(chain.labellings(False, False).values())
    seen = log_sum(chain.labellings(False).values()) if chain.allowed else chain.score(tuple(chain.labels))
    assert loss == pytest.approx(truth - seen, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(chains, st.integers(0, 10**6))
def test_gradients_agree_with_finite_differences(chain: Chain, seed: int) -> None:
    """Along a random direction, in scores and edge weights together."""
    source = random.Random(seed)
    labels = array("i") if chain.allowed else chain.labels
    down = [source.gauss(0, 1) for _ in chain.scores]
    across = [source.gauss(0, 1) for _ in chain.weights]

    def loss(step: float) -> tuple[float, array[float], array[float]]:
        scores = array("d", (score + step * d for score, d in zip(chain.scores, down, strict=True)))
        weights = array("d", (weight + step * d for weight, d in zip(chain.weights, across, strict=True)))
        edges, sums = (chain.offsets, chain.attributes, weights), array("d", bytes(8 * len(weights)))
        value = kernels.chain_losses(chain.starts, scores, edges, labels, chain.allowed, chain.width, 0, 1, sums)
        return value, scores, sums

    _, by_score, by_edge = loss(0.0)
    slope = sum(map(float.__mul__, by_score, down)) + sum(map(float.__mul__, by_edge, across))
    step = 1e-5
    assert (loss(step)[0] - loss(-step)[0]) / (2 * step) == pytest.approx(slope, abs=1e-6, rel=1e-6)


@pytest.mark.parametrize("seed", range(30))
def test_both_engines_agree(seed: int, engine: str) -> None:
    """Labels and their scores to the bit, sums over labellings to 1e-12."""
    if engine == "python":
        pytest.skip("compared once")
    source = random.Random(seed)
    width, lengths = source.choice((1, 2, 4, 5, 22, 30)), [source.randint(0, 9) for _ in range(4)]
    one = Chain(seed, sum(lengths), width, source.choice(["plain", "observed"]), seed % 3 == 0)
    starts = array("q", itertools.accumulate(lengths, initial=0))
    labels = array("i") if one.allowed else one.labels
    results: list[Any] = []
    for module in (twin, kernels):
        errors, sums, marginals = one.scores[:], array("d", bytes(8 * len(one.weights))), one.scores[:]
        loss = module.chain_losses(starts, errors, one.edges, labels, one.allowed, width, 0, 4, sums)
        totals = module.chain_marginals(starts, marginals, one.edges, one.legal, one.allowed, width)
        exact = (
            module.best_labels(starts, one.scores, one.edges, one.legal, one.allowed, width),
            [
                module.best_labellings(starts, one.scores, one.edges, one.legal, one.allowed, width, k, 20)
                for k in range(4)
            ],
            module.score_labels(starts, one.scores, one.edges, one.labels, width),
        )
        results.append((exact, [loss, *errors, *sums], [*marginals, *array("d", totals)]))
    assert results[0][0] == results[1][0]
    for there, here in zip(results[0][1:], results[1][1:], strict=True):
        assert here == pytest.approx(there, rel=1e-12, abs=1e-12)


def test_alike_labellings_are_decided_by_the_first_label() -> None:
    flat, edges = array("d", bytes(8 * 6)), (b"", b"", array("d", bytes(32)))
    labels, _ = kernels.best_labels(STARTS, flat, edges, FREE, b"", 2)
    assert list(array("i", labels)) == [0, 0, 0]
    found = kernels.best_labellings(STARTS, flat, edges, FREE, b"", 2, 0, 8)
    assert len({one for one, _ in found}) == 8


def test_nothing_allowed_is_said_and_not_guessed() -> None:
    none = bytes([1, 1, 0, 0, 1, 1])
    labels, best = kernels.best_labels(STARTS, SCORES, EDGES, FREE, none, 2)
    assert array("d", best)[0] == -inf and list(array("i", labels)) == [0, 0, 0]
    assert kernels.best_labellings(STARTS, SCORES, EDGES, FREE, none, 2, 0, 5) == []
    scores, sums = SCORES[:], array("d", bytes(32))
    assert array("d", kernels.chain_marginals(STARTS, scores, EDGES, FREE, none, 2))[0] == -inf
    assert scores == SCORES
    assert kernels.chain_losses(STARTS, scores, EDGES, array("i"), none, 2, 0, 1, sums) == inf


def test_weights_beyond_reason_are_an_infinite_loss() -> None:
    scores, sums = array("d", [1e4, 0, 0, 0]), array("d", bytes(32))
    edges = b"", b"", array("d", [-1e4, -1e4, 0, 0])
    assert kernels.chain_losses(array("q", [0, 2]), scores, edges, array("i", [0, 0]), b"", 2, 0, 1, sums) == inf
    scores = array("d", [float("inf"), 0, 0, 0])
    assert kernels.chain_losses(array("q", [0, 2]), scores, edges, array("i", [1, 0]), b"", 2, 0, 1, sums) == inf


def test_empty_sentences_cost_nothing() -> None:
    starts, scores, sums = array("q", [0, 0, 1, 1]), array("d", [0, 0]), array("d", bytes(32))
    _, best = kernels.best_labels(starts, scores, EDGES, FREE, b"", 2)
    assert list(array("d", best)) == [0, 0, 0]
    assert kernels.best_labellings(starts, scores, EDGES, FREE, b"", 2, 0, 3) == [(b"", 0.0)]
    loss = kernels.chain_losses(starts, scores, EDGES, array("i", [1]), b"", 2, 0, 3, sums)
    assert loss == pytest.approx(log(2))
    totals = kernels.chain_marginals(starts, array("d", [0, 0]), EDGES, FREE, b"", 2)
    assert list(array("d", totals)) == pytest.approx([0, log(2), 0])


GOOD: dict[str, Any] = {
    "starts": STARTS,
    "scores": SCORES,
    "edges": EDGES,
    "legal": FREE,
    "allowed": b"",
    "width": 2,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "width: expected 1 to 1048575, got 0"),
        ({"scores": array("d", [1, 2, 3])}, "scores: expected rows of 2 items, got 3 items"),
        ({"starts": array("q", [0, 4])}, "starts: expected numbers that rise to 3 at most, got 4 at 1"),
        ({"edges": (b"", b"", array("d", [1]))}, "edge weights: expected tables of 4 items, got 1 items"),
        ({"edges": (b"", b"", array("d"))}, "edge weights: expected tables of 4 items, got 0 items"),
        ({"edges": (array("q", [0]), b"", EDGES[2])}, "edge offsets: expected 4 items, got 1"),
        (
            {"edges": (array("q", [0, 0, 1, 1]), array("i", [1]), EDGES[2])},
            "edge attributes: expected numbers from 0 to 0, got 1 at 0",
        ),
        ({"legal": (b"1", b"", b"")}, "firsts: expected 2 items, got 1"),
        ({"legal": (b"", b"1", b"")}, "moves: expected 4 items, got 1"),
        ({"legal": (b"", b"", b"123")}, "lasts: expected 2 items, got 3"),
        ({"allowed": b"1"}, "allowed: expected 6 items, got 1"),
    ],
)
def test_what_does_not_fit_is_an_error(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        kernels.best_labels(*(GOOD | change).values())
    assert str(caught.value) == message
    scores = (GOOD | change)["scores"][:]
    with pytest.raises(ValueError) as caught:
        kernels.chain_marginals(*(GOOD | change | {"scores": scores}).values())
    assert str(caught.value) == message


def test_labels_out_of_range_are_an_error() -> None:
    sums = array("d", bytes(32))
    with pytest.raises(ValueError, match="labels: expected numbers from 0 to 1, got 2 at 1"):
        kernels.chain_losses(STARTS, SCORES[:], EDGES, array("i", [0, 2, 0]), b"", 2, 0, 1, sums)
    with pytest.raises(ValueError, match="labels: expected 3 items, got 1"):
        kernels.score_labels(STARTS, SCORES, EDGES, array("i", [0]), 2)
    with pytest.raises(ValueError, match="sums: expected 4 items, got 0"):
        kernels.chain_losses(STARTS, SCORES[:], EDGES, array("i", [0, 0, 0]), b"", 2, 0, 1, array("d"))
