"""Tasks in threads (``nlp_zero/network/trials.py``): results in order, errors, and an end when nobody waits."""

from __future__ import annotations

import random
import time
from threading import Event

import pytest

from nlp_zero.network.communities import communities
from nlp_zero.network.graph import Graph
from nlp_zero.network.trials import Stopped, in_order


@pytest.mark.parametrize("workers", [1, 2, 5, 50])
def test_results_come_in_order(workers: int) -> None:
    def task(number: int, stop: Event) -> int:
        time.sleep(random.random() / 200)
        return number

    assert list(in_order(task, 20, workers)) == list(range(20))
    assert list(in_order(task, 0, workers)) == []


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_of_a_task_is_raised(workers: int) -> None:
    def task(number: int, stop: Event) -> int:
        if number == 4:
            raise KeyError(number)
        return number

    with pytest.raises(KeyError):
        list(in_order(task, 9, workers))


def test_tasks_are_told_when_nobody_waits_any_more() -> None:
    stops: list[Event] = []

    def task(number: int, stop: Event) -> int:
        stops.append(stop)
        if number and stop.wait(10):
            raise Stopped
        return number

    results = in_order(task, 3, 2)
    assert next(iter(results)) == 0
    results.close()
    assert stops[0].is_set()


@pytest.mark.parametrize("two_level", [True, False])
def test_the_number_of_workers_changes_nothing(two_level: bool) -> None:
    source = random.Random(9)
    links = [(node, source.randrange(12) + node // 12 * 12) for node in range(240) for _ in range(3)]
    links += [(source.randrange(240), source.randrange(240)) for _ in range(120)]
    seen: list[list[tuple[int, float]]] = []
    found = []
    for workers in (1, 2, 4):
        steps: list[tuple[int, float]] = []
        found.append(
            communities(
                Graph(links),
                two_level=two_level,
                trials=4,
                workers=workers,
                progress=lambda *step, steps=steps: steps.append(step),
            )
        )
        seen.append(steps)
    assert found[0] == found[1] == found[2] and seen[0] == seen[1] == seen[2]


def test_workers_are_one_or_more() -> None:
    with pytest.raises(ValueError, match="workers: expected 1 or more, got 0"):
        communities(Graph([(1, 2)]), workers=0)
