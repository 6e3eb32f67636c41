"""Descent: known minima, penalties, stopping, and the same bits whatever the number of workers."""

from __future__ import annotations

import random
import threading
from array import array
from itertools import pairwise
from math import inf, log, log1p

import pytest

from nlp_zero import kernels
from nlp_zero.tagging.optimize import Result, Settings, Step, Team, minimize

EXACT = Settings(epsilon=1e-9, delta=0.0)


class Bowl:
    """sum of a (x - b)**2, with penalties."""

    def __init__(self, steep: list[float], centre: list[float], l1: float = 0.0, l2: float = 0.0) -> None:
        self.steep, self.centre = steep, centre
        self.size, self.l1, self.l2 = len(steep), l1, l2
        self.ranges = list(pairwise([*range(0, self.size, 40), self.size]))
        self.l1_factors: array[float] | bytes = b""
        self.l2_factors: array[float] | bytes = b""

    def loss(self, weights: array[float], gradient: array[float]) -> float:
        self.whole = array("d", gradient)  # the gradient itself is only filled in ranges
        return self.evaluate(weights, self.whole)

    def fill(self, gradient: array[float], begin: int, end: int) -> None:
        gradient[begin:end] = self.whole[begin:end]

    def evaluate(self, weights: array[float], gradient: array[float]) -> float:
        gaps = [x - b for x, b in zip(weights, self.centre, strict=True)]
        gradient[:] = array("d", (2 * a * gap for a, gap in zip(self.steep, gaps, strict=True)))
        return sum(a * gap * gap for a, gap in zip(self.steep, gaps, strict=True))


class Valley(Bowl):
    """Rosenbrock's valley (1960): curved, and not convex."""

    def __init__(self) -> None:
        super().__init__([1.0, 1.0], [0.0, 0.0])

    def evaluate(self, weights: array[float], gradient: array[float]) -> float:
        x, y = weights
        gradient[:] = array("d", (-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)))
        return (1 - x) ** 2 + 100 * (y - x * x) ** 2


class Cliff(Bowl):
    """-log x + x: infinite on the left of zero."""

    def __init__(self) -> None:
        super().__init__([1.0], [0.0])

    def evaluate(self, weights: array[float], gradient: array[float]) -> float:
        (x,) = weights
        if x <= 0:
            return inf
        gradient[0] = 1 - 1 / x
        return x - log(x)


def random_bowl(seed: int, size: int, l1: float = 0.0, l2: float = 0.0) -> Bowl:
    source = random.Random(seed)
    steep = [10 ** source.uniform(-2, 2) for _ in range(size)]
    return Bowl(steep, [source.uniform(-3, 3) for _ in range(size)], l1, l2)


@pytest.mark.parametrize("size", [1, 2, 7, 50])
def test_the_bottom_of_a_bowl_is_found(size: int) -> None:
    bowl = random_bowl(size, size)
    result = minimize(bowl, settings=EXACT)
    assert list(result.weights) == pytest.approx(bowl.centre, abs=1e-6)
    assert result.reason == "converged"


def test_a_curved_valley_is_followed() -> None:
    result = minimize(Valley(), [-1.2, 1.0], settings=EXACT)
    assert list(result.weights) == pytest.approx([1, 1], abs=1e-6)


def test_a_step_over_the_edge_is_taken_back() -> None:
    result = minimize(Cliff(), [30.0], settings=EXACT)
    assert list(result.weights) == pytest.approx([1], abs=1e-6)


def test_an_l2_penalty_pulls_towards_zero() -> None:
    bowl = random_bowl(3, 20, l2=0.5)
    result = minimize(bowl, settings=EXACT)
    expected = [a * b / (a + 0.5) for a, b in zip(bowl.steep, bowl.centre, strict=True)]
    assert list(result.weights) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize("factors", [False, True])
def test_an_l1_penalty_makes_exact_zeros(l2: float, factors: bool) -> None:
    bowl = random_bowl(4, 40, l1=1.0, l2=l2)
    edges = [random.Random(place).uniform(0.5, 2) if factors else 1.0 for place in range(40)]
    if factors:
        bowl.l1_factors = array("d", edges)
    result = minimize(bowl, settings=Settings(epsilon=1e-9, delta=0.0, max_iterations=2000))
    expected = []
    for a, b, edge in zip(bowl.steep, bowl.centre, edges, strict=True):
        pull = 2 * a * abs(b) - edge
        expected.append((pull if b > 0 else -pull) / (2 * a + 2 * l2) if pull > 0 else 0.0)
    assert list(result.weights) == pytest.approx(expected, abs=1e-5)
    assert [weight == 0 for weight in result.weights] == [weight == 0 for weight in expected]
    assert any(weight == 0 for weight in expected)


@pytest.mark.parametrize("l1", [0.0, 0.5])
def test_the_number_of_workers_does_not_change_a_bit(l1: float) -> None:
    """Each sum of ranges is made in their order, whoever is first."""

    def run(workers: int) -> Result:
        with Team(workers) as team:
            return minimize(random_bowl(5, 3000, l1=l1), team=team, settings=Settings(max_iterations=8))

    before = kernels.backend, run(1)
    assert run(2) == before[1]
    assert run(5) == before[1]


def test_the_watch_sees_every_iteration_and_can_stop() -> None:
    seen: list[Step] = []

    def watch(step: Step, weights: array[float]) -> bool:
        seen.append(step)
        return step.iteration == 3

    result = minimize(random_bowl(7, 30), settings=EXACT, watch=watch)
    assert [step.iteration for step in seen] == [1, 2, 3]
    assert result.reason == "stopped" and result.value == seen[-1].value
    assert seen[0].value > seen[1].value > seen[2].value


def test_training_ends_at_the_limit_and_where_nothing_is_gained() -> None:
    assert minimize(random_bowl(8, 50), settings=Settings(max_iterations=2)).reason == "max_iterations"
    assert minimize(random_bowl(8, 50), settings=Settings(max_iterations=0)).iterations == 0
    bowl = random_bowl(9, 5)
    assert minimize(bowl, bowl.centre).iterations == 0


def test_a_function_without_slope_is_at_its_minimum() -> None:
    flat = Bowl([0.0], [0.0])
    assert minimize(flat).reason == "converged"
    assert log1p(0.0) == 0.0


def test_a_team_needs_someone() -> None:
    with pytest.raises(ValueError, match="workers: expected 1 or more"):
        Team(0)


def test_all_of_a_team_work_and_what_they_find_keeps_its_order() -> None:
    both = threading.Barrier(2, timeout=30)

    def work(begin: int, end: int) -> tuple[int, int]:
        if begin < 2:
            both.wait()  # passes only if two threads are here at a time
        return end - begin, threading.get_ident()

    with Team(2) as team:
        found = team.map(work, [(number, 2 * number) for number in range(9)])
    assert [size for size, _ in found] == list(range(9))
    assert len({thread for _, thread in found}) == 2
    assert team.map(work, [(5, 6)]) == [(1, threading.get_ident())]  # and alone when the others are gone


@pytest.mark.parametrize("workers", [1, 3])
def test_the_first_error_of_a_team_stops_it(workers: int) -> None:
    done: list[int] = []

    def work(begin: int, end: int) -> None:
        if begin == 3:
            raise KeyError(begin)
        done.append(begin)

    with Team(workers) as team, pytest.raises(KeyError, match="3"):
        team.map(work, [(number, number) for number in range(1000)])
    assert len(done) < 1000
