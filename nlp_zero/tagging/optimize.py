"""Finding the weights of a model: quasi-Newton descent on a convex function with penalties.

:func:`minimize` is L-BFGS (Liu & Nocedal 1989, "On the limited memory BFGS method for large scale optimization") and,
where there is an L1 penalty, OWL-QN (Andrew & Gao 2007, "Scalable training of L1-regularized log-linear models"). The
direction is found from the products of the last few differences with each other (Chen, Wang & Zhou 2014, "Large-scale
L-BFGS using MapReduce"): two passes over the history a step instead of four.

Work is shared out among threads by a :class:`Team` in ranges that the objective sets, and what the ranges give is added
up in their order: the result is the same to the bit whatever the number of workers. An iteration is three passes: the
value; the gradient, with all products that are asked of it while it is in the cache; the new direction and a step.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from math import inf, sqrt
from types import TracebackType
from typing import NamedTuple, Protocol, TypeVar

from .. import kernels

__all__ = ["Objective", "Result", "Settings", "Step", "Team", "minimize"]

Found = TypeVar("Found")
MOST_TRIALS = 20  # step lengths that are tried for one direction
DESCENT = 1e-4  # the share of the promised descent that must come true
LEAST_CURVATURE = 1e-12  # of a step, relative to the squared change of the slopes
CURVATURE = 0.9  # the share of the slope that must be gone


class Team:
    """Threads that work on the ranges of a large array; one worker works in the calling thread.

    >>> with Team(2) as team:
    ...     team.map(lambda begin, end: end - begin, [(0, 3), (3, 10)])
    [3, 7]
    """

    def __init__(self, workers: int = 1) -> None:
        if workers < 1:
            raise ValueError(f"workers: expected 1 or more, such as 2, got {workers}")
        self.workers = workers
        self._pool = ThreadPoolExecutor(workers) if workers > 1 else None

    def map(self, work: Callable[[int, int], Found], ranges: Iterable[tuple[int, int]]) -> list[Found]:
        """What ``work(begin, end)`` gives for each range, in their order; the first error stops the others.

        All threads, the calling one among them, take the next range as soon as they are free: a task a thread, because
        a task a range cost as much as a tenth of the work.
        """
        spans = list(ranges)
        helpers = min(self.workers, len(spans)) - 1
        if self._pool is None or helpers < 1:
            return [work(begin, end) for begin, end in spans]
        found: dict[int, Found] = {}
        waiting = deque(enumerate(spans))

        def take() -> None:
            while waiting:
                try:
                    number, span = waiting.popleft()
                except IndexError:  # another thread was faster
                    return
                found[number] = work(*span)

        tasks = [self._pool.submit(take) for _ in range(helpers)]
        try:
            take()
        finally:
            waiting.clear()
            wait(tasks)
        for task in tasks:
            task.result()
        return [found[number] for number in range(len(spans))]

    def __enter__(self) -> Team:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None  # from now on the calling thread works alone


class Objective(Protocol):
    """A smooth convex function of ``size`` weights, with penalties beside it.

    ``ranges`` are all weights, in stretches that a thread takes at a time; they must not depend on the threads.
    """

    size: int
    ranges: list[tuple[int, int]]
    l1: float
    l2: float
    l1_factors: array[float] | bytes  # one a weight; b"": all 1
    l2_factors: array[float] | bytes

    def loss(self, weights: array[float], gradient: array[float]) -> float:
        """The value at the weights without penalties. What :meth:`fill` needs is kept, if it is not infinite."""

    def fill(self, gradient: array[float], begin: int, end: int) -> None:
        """Completes one of the ranges of the gradient at the weights of the last loss; from any thread."""


class Settings(NamedTuple):
    """When to stop: at most ``max_iterations``; when the gradient is below ``epsilon`` times the weights (both in
    norm); or when the value fell by less than ``delta`` of itself in the last ``period`` iterations."""

    max_iterations: int = 1000
    epsilon: float = 1e-5
    delta: float = 1e-5
    period: int = 10
    memory: int = 6


class Step(NamedTuple):
    """What an iteration came to."""

    iteration: int
    value: float
    gradient_norm: float
    weights_norm: float
    trials: int


class Result(NamedTuple):
    """Where the search ended, and why: "converged", "stalled", "stopped" or "max_iterations"."""

    weights: array[float]
    value: float
    iterations: int
    evaluations: int
    reason: str


class _Point:
    """Weights, with the value and the slopes there."""

    def __init__(self, size: int) -> None:
        self.weights = array("d", (0.0,)) * size
        self.gradient = self.slopes = array("d", (0.0,)) * size  # with an L1 penalty there are other slopes
        self.value = inf
        self.square = 0.0  # of the norm of the weights
        self.way = 0.0  # the product of the pseudo-gradient before with the way taken here (L1 only)


class _History:
    """The last few differences of weights and gradients, and their products."""

    def __init__(self, size: int, memory: int) -> None:
        self.size = size
        self.memory = memory
        self.pairs: deque[tuple[array[float], array[float]]] = deque()

    def spare(self) -> tuple[array[float], array[float]]:
        """Room for the next pair; the oldest one's if there are enough."""
        if len(self.pairs) >= self.memory:
            return self.pairs.popleft()
        return array("f", (0.0,)) * self.size, array("f", (0.0,)) * self.size

    def forget(self) -> None:
        """Keeps nothing."""
        self.pairs.clear()

    def vectors(self) -> list[array[float]]:
        """First the differences of weights, oldest first, then those of gradients."""
        return [pair[0] for pair in self.pairs] + [pair[1] for pair in self.pairs]


class _Search:
    """L-BFGS or OWL-QN under way."""

    def __init__(self, objective: Objective, team: Team, settings: Settings) -> None:
        self.objective, self.team, self.settings = objective, team, settings
        size = objective.size
        self.ranges = objective.ranges
        self.here, self.there = _Point(size), _Point(size)
        self.direction = array("d", (0.0,)) * size
        if objective.l1:  # where the steepest way up is not the gradient
            self.here.slopes, self.there.slopes = array("d", (0.0,)) * size, array("d", (0.0,)) * size
        self.history = _History(size, settings.memory)
        self.products: list[list[float]] = []
        self.gram: list[list[float]] = []
        self.evaluations = 0

    def start(self, weights: Sequence[float] | None) -> None:
        here = self.here
        if weights is not None:
            here.weights[:] = array("d", weights)
        here.square = self.dots([here.weights], [])[0][0]
        self.evaluate(here, lambda begin, end: (self._finish(here, begin, end), 0.0, []))

    def evaluate(
        self, point: _Point, visit: Callable[[int, int], tuple[float, float, list[list[float]]]]
    ) -> tuple[float, list[list[float]]]:
        """The value, with penalties, and the slopes at the weights of a point: ``visit`` completes each range, and
        gives its penalties, and two things to be added up and given back."""
        self.evaluations += 1
        value, way = self.objective.loss(point.weights, point.gradient), 0.0
        parts = self.team.map(visit, self.ranges) if value < inf else []
        for penalty, part, _ in parts:
            value += penalty
            way += part
        point.value = value if value == value else inf
        return way, _sums([products for _, _, products in parts])

    def _finish(self, point: _Point, begin: int, end: int) -> float:
        """Completes a range of the gradient and slopes; returns the penalties there."""
        objective, penalty = self.objective, 0.0
        objective.fill(point.gradient, begin, end)
        if objective.l1 or objective.l2:
            factors = objective.l1, objective.l1_factors, objective.l2, objective.l2_factors
            penalty = kernels.penalise(point.weights, point.gradient, *factors, begin, end)
        if objective.l1:
            weights = point.weights, point.gradient, objective.l1, objective.l1_factors
            kernels.pseudo_gradient(*weights, begin, end, point.slopes)
        return penalty

    def dots(self, vectors: Sequence[array[float]], others: Sequence[array[float]]) -> list[list[float]]:
        """The products of vectors with others and with themselves."""
        return _sums(self.team.map(lambda begin, end: kernels.dot_products(vectors, others, begin, end), self.ranges))

    def result(self, iterations: int, reason: str) -> Result:
        return Result(self.here.weights, self.here.value, iterations, self.evaluations, reason)

    def turn_down(self) -> tuple[float, float]:
        """The steepest way down; returns the slope along it, and the norm of the slopes."""
        ((square,),) = self.dots([self.here.slopes], [])
        factor = -1.0 / sqrt(square) if square else 0.0
        return self.aim(factor, [], [], factor * square), sqrt(square)

    def turn(self) -> tuple[float, float]:
        """Turns into the direction that follows from the last steps, if the function curved up along the very last;
        returns the slope along it, and the norm of the slopes."""
        along, by_weights, by_slopes = self.products
        vectors = self.history.vectors()
        count = len(vectors) // 2
        square = along.pop()
        if not by_weights[2 * count - 1] > LEAST_CURVATURE * by_slopes[2 * count - 1]:
            self.history.forget()  # no curvature that could be trusted
            return self.turn_down()
        self.update_gram(by_weights[:-1], by_slopes[:-1], count)
        factor, factors, slope = _direction(self.gram, along, square, count)
        return self.aim(factor, vectors, factors, slope), sqrt(square)

    def update_gram(self, by_weights: list[float], by_slopes: list[float], count: int) -> None:
        """The products of all kept differences, from those of the newest pair."""
        old, size = (self.gram if count > 1 else []), 2 * count
        before = len(old) // 2
        dropped = before + 1 - count  # 1 when the oldest pair made room
        new = [[0.0] * size for _ in range(size)]

        def place(number: int) -> int:
            """Where the vector now at a place stood before."""
            return number + dropped if number < count else number - count + dropped + before

        kept = [number for number in range(size) if number % count != count - 1]
        for a in kept:
            for b in kept:
                new[a][b] = old[place(a)][place(b)]
        for number in range(size):
            new[number][count - 1] = new[count - 1][number] = by_weights[number]
        for number in range(size):
            new[number][size - 1] = new[size - 1][number] = by_slopes[number]
        self.gram = new

    def aim(self, factor: float, vectors: list[array[float]], factors: list[float], slope: float) -> float:
        """Turns into a mixture of the slopes and kept differences, with an L1 penalty nowhere up the slopes, and takes
        the first step; returns the slope along it, which without L1 is the one given."""

        def take(begin: int, end: int) -> tuple[float, float, float]:
            kernels.combine(self.here.slopes, factor, vectors, factors, begin, end, self.direction)
            down = kernels.turn_to(self.direction, self.here.slopes, begin, end) if self.objective.l1 else 0.0
            return down, *self._descend(1.0, begin, end)

        parts = self.team.map(take, self.ranges)
        self._arrive([part[1:] for part in parts])
        return sum(part[0] for part in parts) if self.objective.l1 else slope

    def _descend(self, step: float, begin: int, end: int) -> tuple[float, float]:
        """A step along the direction."""
        up = self.here.slopes if self.objective.l1 else b""
        found: tuple[float, float] = kernels.descend(
            self.here.weights, self.direction, step, up, begin, end, self.there.weights
        )
        return found

    def _arrive(self, parts: list[tuple[float, float]]) -> None:
        """What the step along each range came to."""
        self.there.way = sum(part[0] for part in parts)
        self.there.square = sum(part[1] for part in parts)

    def step_to(self, step: float) -> None:
        """Goes a step along the direction."""
        self._arrive(self.team.map(lambda begin, end: self._descend(step, begin, end), self.ranges))

    def try_step(self, again: bool) -> float:
        """The value and the slopes there, and what to know of the step if it is taken: its differences of weights and
        gradients, in the place of those of the step before if that was tried in vain, and their products with all that
        are kept. One pass through each range, while it is in the cache. Returns the slope along the direction (0 with
        an L1 penalty, where nobody asks)."""
        here, there = self.here, self.there
        if not again:
            self.history.pairs.append(self.history.spare())
        weights, slopes = self.history.pairs[-1]
        vectors = self.history.vectors()

        def visit(begin: int, end: int) -> tuple[float, float, list[list[float]]]:
            penalty = self._finish(there, begin, end)
            along = 0.0 if self.objective.l1 else kernels.dot_product(there.gradient, self.direction, begin, end)
            kernels.difference(there.weights, here.weights, begin, end, weights)
            kernels.difference(there.gradient, here.gradient, begin, end, slopes)
            return penalty, along, kernels.dot_products([there.slopes, weights, slopes], vectors, begin, end)

        along, self.products = self.evaluate(there, visit)
        return along

    def walk(self, slope: float) -> int:
        """Finds a good step along the direction and goes there; returns the trials it took, 0 if there is none.

        The step is bracketed and halved or widened, by the parabola through what is known where that is sane; it is
        good if the value falls as promised and (without L1) the slope has flattened: the weak Wolfe conditions.
        """
        low, high, step = 0.0, inf, 1.0
        start = self.here.value
        for trial in range(1, MOST_TRIALS + 1):
            if trial > 1:  # the first step is taken in turning
                self.step_to(step)
            flattened = self.try_step(trial > 1)
            way = self.there.way if self.objective.l1 else step * slope
            if not self.there.value <= start + DESCENT * way:
                high = step
                rise = self.there.value - start - step * slope
                best = -slope * step * step / (2.0 * rise) if 0.0 < rise < inf else 0.0
                step = min(max(best, low + 0.1 * (high - low)), low + 0.5 * (high - low))
            elif not self.objective.l1 and flattened < CURVATURE * slope:
                low = step
                step = 2.0 * step if high == inf else 0.5 * (low + high)
            else:
                self.here, self.there = self.there, self.here
                return trial
        return 0


def _sums(parts: list[list[list[float]]]) -> list[list[float]]:
    """Tables of numbers, added up in their order."""
    total = [[0.0] * len(row) for row in parts[0]] if parts else []
    for part in parts:
        total = [[x + y for x, y in zip(a, b, strict=True)] for a, b in zip(total, part, strict=True)]
    return total


def _direction(
    gram: list[list[float]], slopes: list[float], square: float, count: int
) -> tuple[float, list[float], float]:
    """The two-loop recursion of L-BFGS in products: the factor of the gradient, those of the kept differences, and
    the product of the direction with the gradient. O(count x count)."""
    factors = [0.0] * (2 * count)
    own = -1.0
    alphas = [0.0] * count

    def product(row: int) -> float:
        """Of the direction so far with a kept difference."""
        return own * slopes[row] + sum(factor * gram[row][k] for k, factor in enumerate(factors) if factor)

    for pair in range(count - 1, -1, -1):
        alphas[pair] = product(pair) / gram[pair][count + pair]
        factors[count + pair] -= alphas[pair]
    last = count - 1
    scale = gram[last][count + last] / gram[count + last][count + last]
    own *= scale
    factors = [factor * scale for factor in factors]
    for pair in range(count):
        beta = product(count + pair) / gram[pair][count + pair]
        factors[pair] += alphas[pair] - beta
    slope = own * square + sum(factor * slopes[k] for k, factor in enumerate(factors))
    return own, factors, slope


def minimize(
    objective: Objective,
    weights: Sequence[float] | None = None,
    *,
    team: Team | None = None,
    settings: Settings | None = None,
    watch: Callable[[Step, array[float]], bool] | None = None,
) -> Result:
    """The weights at which an objective with its penalties is least, from ``weights`` or zero on.

    ``watch`` sees every iteration with the weights reached, which it must not change; True stops the search. Each
    iteration costs one or a few evaluations and about 8 + memory passes over the weights.
    """
    settings = settings or Settings()
    search = _Search(objective, team or Team(), settings)
    search.start(weights)
    values: deque[float] = deque([search.here.value], maxlen=settings.period + 1)
    slope, norm = search.turn_down()
    for iteration in range(settings.max_iterations + 1):
        here = search.here
        if norm <= settings.epsilon * max(1.0, sqrt(here.square)):
            return search.result(iteration, "converged")
        if len(values) > settings.period and values[0] - here.value <= settings.delta * abs(here.value):
            return search.result(iteration, "converged")
        if iteration == settings.max_iterations:
            break
        trials = search.walk(slope) if slope < 0.0 else 0
        if not trials:
            search.history.forget()  # once more, straight down
            slope, _ = search.turn_down()
            trials = search.walk(slope) if slope < 0.0 else 0
        if not trials:
            return search.result(iteration, "stalled")
        slope, norm = search.turn()
        here = search.here
        values.append(here.value)
        step = Step(iteration + 1, here.value, norm, sqrt(here.square), trials)
        if watch and watch(step, here.weights):
            return search.result(iteration + 1, "stopped")
    return search.result(settings.max_iterations, "max_iterations")
