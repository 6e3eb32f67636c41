"""The likelihood of a data set: its gradient, attributes that are alike, open labels, workers."""

from __future__ import annotations

import random
from array import array
from math import log
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero import kernels
from nlp_zero.tagging.dataset import Dataset, pack
from nlp_zero.tagging.likelihood import Likelihood
from nlp_zero.tagging.optimize import Settings, Team, minimize


def random_data(seed: int, sentences: int = 5, width: int = 3, edges: bool = False, attributes: int = 12) -> Dataset:
    source = random.Random(seed)
    lengths = [source.randint(0, 5) for _ in range(sentences)]
    rows = [[source.sample(range(attributes), source.randint(0, 5)) for _ in range(n)] for n in lengths]
    labels = [[source.randrange(width) for _ in range(n)] for n in lengths]
    if not edges:
        return pack(rows, labels, n_attributes=attributes, n_labels=width)
    across = [[source.sample(range(3), source.randint(0, 2)) for _ in range(n)] for n in lengths]
    return pack(rows, labels, n_attributes=attributes, n_labels=width, edges=across, n_edge_attributes=3)


def with_values(data: Dataset, seed: int) -> Dataset:
    source = random.Random(seed)
    return data._replace(values=array("d", (source.uniform(0.5, 2) for _ in data.attributes)))


def opened(data: Dataset, seed: int) -> Dataset:
    """Some positions may have other labels as well."""
    source = random.Random(seed)
    flags = bytearray(data.n_positions * data.n_labels)
    for place, label in enumerate(data.labels):
        for other in range(data.n_labels):
            flags[place * data.n_labels + other] = other == label or source.random() < 0.3
    return data._replace(allowed=bytes(flags), labels=array("i"))


def evaluate(function: Likelihood, weights: array[float]) -> tuple[float, array[float]]:
    gradient = array("d", bytes(8 * function.size))
    return function.evaluate(weights, gradient), gradient


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_the_gradient_is_that_of_the_value(seed: int, edges: bool, values: bool, partial: bool, observed: bool) -> None:
    data = random_data(seed, edges=edges)
    data = with_values(data, seed) if values else data
    data = opened(data, seed) if partial else data
    function = Likelihood(data, observed=observed)
    source = random.Random(seed)
    weights = array("d", (source.gauss(0, 1) for _ in range(function.size)))
    way = array("d", (source.gauss(0, 1) for _ in range(function.size)))
    for entry in function.blocked:
        way[function.state_size + entry] = 0.0
    _, gradient = evaluate(function, weights)
    slope = sum(map(float.__mul__, gradient, way))
    step = 1e-5
    ends = [
        evaluate(function, array("d", (w + sign * step * d for w, d in zip(weights, way, strict=True))))[0]
        for sign in (1, -1)
    ]
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(slope, abs=1e-5, rel=1e-6)


def test_without_weights_every_labelling_is_as_likely() -> None:
    data = random_data(1, width=4)
    function = Likelihood(data)
    value, _ = evaluate(function, array("d", bytes(8 * function.size)))
    assert value == pytest.approx(data.n_positions * log(4))


@pytest.mark.parametrize("c1", [0.0, 0.05])
@pytest.mark.parametrize("observed", [False, True])
def test_alike_attributes_are_one_and_end_where_they_would_alone(c1: float, observed: bool) -> None:
    base = random_data(2, sentences=8, attributes=6)
    twice = [
        [[a for b in base.attributes[base.offsets[p] : base.offsets[p + 1]] for a in (b, b + 6)] for p in range(s, e)]
        for s, e in zip(base.starts, base.starts[1:], strict=False)
    ]
    labels = [list(base.labels[s:e]) for s, e in zip(base.starts, base.starts[1:], strict=False)]
    data = pack(twice, labels, n_attributes=12, n_labels=3)
    found = []
    for merge in (True, False):
        function = Likelihood(data, c1=c1, c2=0.1, observed=observed, merge=merge)
        result = minimize(function, settings=Settings(epsilon=1e-9, delta=0.0, max_iterations=500))
        found.append((result.value, function.expand(result.weights), function.n_active(result.weights)))
        assert len(function.counts) <= 6 if merge else len(function.counts) > 6
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-9)
    for a, b in zip(found[0][1], found[1][1], strict=True):
        assert list(a) == pytest.approx(list(b), abs=1e-5)
    assert found[0][2] == found[1][2] == sum(w != 0 for part in found[0][1] for w in part)


@pytest.mark.parametrize("observed", [False, True])
def test_weights_collected_are_weights_expanded(observed: bool) -> None:
    data = random_data(3, sentences=8, edges=True)
    function = Likelihood(data, observed=observed)
    source = random.Random(3)
    weights = array("d", (source.gauss(0, 1) for _ in range(function.size)))
    for entry in function.blocked:
        weights[function.state_size + entry] = 0.0
    states, edges = function.expand(weights)
    assert len(states) == data.n_attributes * data.n_labels and len(edges) == 3 * 9
    assert list(function.collect(states, edges)) == pytest.approx(list(weights), rel=1e-14)
    whole = Likelihood(data, merge=False)
    assert evaluate(whole, whole.collect(states, edges))[0] == pytest.approx(evaluate(function, weights)[0])


def test_observed_pairs_are_those_of_the_data() -> None:
    data = pack([[[0], [1], [0]]], [[0, 1, 0]], n_attributes=2, n_labels=3)
    function = Likelihood(data, observed=True)
    assert function.state_size == 2
    free = [divmod(entry, 3) for entry in range(9) if entry not in function.blocked]
    assert free == [(0, 1), (1, 0)]


def test_rare_attributes_are_left_out() -> None:
    data = pack([[[0, 1], [0], [0, 1]]], [[0, 1, 0]], n_attributes=3, n_labels=2)
    function = Likelihood(data, min_count=3)
    assert list(function.groups) == [0, -1, -1]
    states, _ = function.expand(array("d", [1.0] * function.size))
    assert list(states) == [1, 1, 0, 0, 0, 0]


def test_open_labels_count_with_all_they_may_be() -> None:
    """All labels open: nothing is said, nothing is learnt."""
    data = random_data(4)
    free = data._replace(allowed=b"\1" * (data.n_positions * data.n_labels), labels=array("i"))
    function = Likelihood(free)
    weights = array("d", (random.Random(4).gauss(0, 1) for _ in range(function.size)))
    value, gradient = evaluate(function, weights)
    assert value == pytest.approx(0, abs=1e-9)
    assert list(gradient) == pytest.approx([0] * function.size, abs=1e-9)
    single = opened(data, 4)._replace(
        allowed=bytes(int(label == other) for label in data.labels for other in range(data.n_labels))
    )
    known, sure = Likelihood(data), Likelihood(single)
    assert evaluate(known, weights)[0] == pytest.approx(evaluate(sure, weights)[0])


@pytest.mark.parametrize("edges", [False, True])
def test_the_number_of_workers_does_not_change_a_bit(edges: bool) -> None:
    data = random_data(5, sentences=80, edges=edges)
    weights = array("d", (random.Random(5).gauss(0, 1) for _ in range(Likelihood(data).size)))
    results: list[Any] = []
    for workers in (1, 2, 4):
        with Team(workers) as team:
            results.append(evaluate(Likelihood(data, team=team), weights))
    assert results[0] == results[1] == results[2]


def test_both_engines_agree(engine: str) -> None:
    if engine == "python":
        pytest.skip("compared once")
    results = []
    for name in ("python", "c"):
        kernels.use(name)
        function = Likelihood(opened(random_data(6, edges=True), 6), c1=0.1, c2=0.1)
        weights = array("d", (random.Random(6).gauss(0, 1) for _ in range(function.size)))
        results.append(evaluate(function, weights))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-12)
    assert list(results[0][1]) == pytest.approx(list(results[1][1]), rel=1e-12, abs=1e-12)
