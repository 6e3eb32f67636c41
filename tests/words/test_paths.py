"""The paths of a lattice against an enumeration of all of them."""

from __future__ import annotations

import random
from collections import Counter
from math import exp, fsum, log, sqrt

import pytest

from nlp_zero.words.paths import Edge, Lattice, SplitMix64, sum_of_paths

COUNTS = {
    "中": 8,
    "外": 6,
    "科": 4,
    "学": 6,
    "名": 4,
    "著": 2,
    "中外": 10,
    "外科": 6,
    "科学": 20,
    "学名": 2,
    "名著": 12,
}
TEXT = "中外科学名著"


def worked_lattice() -> Lattice:
    """The worked example: thirteen segmentations, the best one with probability .905060."""
    spans = [(start, end) for start in range(6) for end in range(start + 1, 7) if TEXT[start:end] in COUNTS]
    return Lattice(TEXT, [(start, end, log(COUNTS[TEXT[start:end]] / 80)) for start, end in spans])


def random_lattice(seed: int, size: int = 7) -> Lattice:
    """Scores that are sums of quarters: every sum is exact, and ties are frequent."""
    source = random.Random(seed)
    spans = [(start, end) for start in range(size) for end in range(start + 1, size + 1)]
    chosen = [span for span in spans if source.random() < 0.6 or (span[1] == span[0] + 1 and source.random() < 0.8)]
    return Lattice("abcdefghij"[:size], [(*span, -source.randint(0, 8) / 4) for span in chosen])


def every_path(lattice: Lattice) -> list[tuple[float, int, list[int], list[str]]]:
    """All paths as (-score, words, -ends, words): sorted, this is the order of ties."""

    def ways(place: int) -> list[tuple[float, list[int]]]:
        if place == len(lattice.text):
            return [(0.0, [])]
        return [
            (edge.score + score, [edge.end, *ends])
            for edge in lattice.edges_from(place)
            for score, ends in ways(edge.end)
        ]

    return sorted((-score, len(ends), [-end for end in ends], lattice.words([0, *ends])) for score, ends in ways(0))


def test_worked_example() -> None:
    lattice = worked_lattice()
    score, words = lattice.best_path()
    assert words == ["中外", "科学", "名著"]
    assert score == pytest.approx(-5.362856, abs=5e-7)
    assert len(lattice.n_best(100)) == 13
    assert lattice.log_partition() == pytest.approx(-5.263102, abs=5e-7)
    assert lattice.probability(words) == pytest.approx(0.905060, abs=5e-7)


def test_best_scores_of_prefixes_of_the_worked_example() -> None:
    forward, backward = worked_lattice().best_scores()
    expected = [0.0, -2.302585, -2.079442, -4.892852, -3.465736, -6.461468, -5.362856]
    assert forward == pytest.approx(expected, abs=5e-7)
    assert backward[0] == pytest.approx(forward[-1])


def test_samples_come_with_their_probability() -> None:
    drawn = Counter(map(tuple, worked_lattice().samples(20_000, seed=1)))
    # Standard deviation of the frequency: sqrt(.905 * .095 / 20000) = .0021.
    assert drawn["中外", "科学", "名著"] / 20_000 == pytest.approx(0.905060, abs=0.007)
    lattice = worked_lattice()
    for words, count in drawn.items():
        assert count / 20_000 == pytest.approx(lattice.probability(words), abs=0.01)


def test_three_equally_good_splits_get_a_third_each() -> None:
    lattice = Lattice("abc", [(0, 1, -1.0), (0, 2, -1.0), (0, 3, -2.0), (1, 3, -1.0), (2, 3, -1.0)])
    assert [lattice.probability(words) for _, words in lattice.n_best(9)] == pytest.approx([1 / 3] * 3)
    drawn = Counter(map(tuple, lattice.samples(9000, seed=7)))
    assert len(drawn) == 3
    assert all(count / 9000 == pytest.approx(1 / 3, abs=0.02) for count in drawn.values())


@pytest.mark.parametrize("seed", range(80))
def test_n_best_is_every_path_in_order(seed: int) -> None:
    lattice = random_lattice(seed)
    paths = every_path(lattice)
    if not paths:
        with pytest.raises(ValueError, match="no path"):
            lattice.n_best(3)
        return
    expected = [(-score, words) for score, _, _, words in paths]
    assert lattice.n_best(3) == expected[:3]
    assert lattice.n_best(1000) == expected
    assert lattice.best_path() == expected[0]


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_sums_are_those_over_every_path(seed: int, temperature: float) -> None:
    lattice = random_lattice(seed, size=6)
    paths = every_path(lattice)
    if not paths:
        assert lattice.log_partition(temperature) == float("-inf")
        return
    weights = {tuple(words): exp(-score / temperature) for score, _, _, words in paths}
    total = fsum(weights.values())
    assert lattice.log_partition(temperature) == pytest.approx(log(total))
    for words, weight in weights.items():
        assert lattice.probability(words, temperature) == pytest.approx(weight / total)
    for edge, posterior in zip(lattice.edges, lattice.posteriors(temperature), strict=True):
        uses = [weight for words, weight in weights.items() if (edge.start, edge.end) in spans_of(words)]
        assert posterior == pytest.approx(fsum(uses) / total, abs=1e-12)


def spans_of(words: tuple[str, ...]) -> set[tuple[int, int]]:
    spans, place = set(), 0
    for word in words:
        spans.add((place, place + len(word)))
        place += len(word)
    return spans


def test_temperature_moves_between_the_best_and_an_even_draw() -> None:
    lattice = worked_lattice()
    cold = lattice.samples(200, seed=3, temperature=0.02)
    assert cold == [["中外", "科学", "名著"]] * 200
    hot = Counter(map(tuple, lattice.samples(13_000, seed=3, temperature=1e6)))
    assert len(hot) == 13
    assert min(hot.values()) > 800


def test_the_same_seed_draws_the_same() -> None:
    lattice = worked_lattice()
    assert lattice.samples(5, seed=11, temperature=4.0) == lattice.samples(5, seed=11, temperature=4.0)
    assert lattice.sample(seed=11, temperature=4.0) == lattice.samples(5, seed=11, temperature=4.0)[0]
    assert len(set(map(tuple, lattice.samples(50, seed=11, temperature=4.0)))) > 1


def test_splitmix64_is_the_published_generator() -> None:
    # The first numbers from seed 1234567, as published with the algorithm.
    generator = SplitMix64(1234567)
    assert [generator.next() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert SplitMix64(2**64 + 5).next() == SplitMix64(5).next()
    assert all(0.0 <= SplitMix64(seed).random() < 1.0 for seed in range(100))


def test_empty_text() -> None:
    lattice = Lattice("", [])
    assert lattice.n_best(3) == [(0.0, [])]
    assert lattice.log_partition() == 0.0
    assert lattice.sample(1) == []
    assert lattice.posteriors() == []


def test_long_texts_neither_recurse_nor_underflow() -> None:
    size = 3000
    edges = [
        edge
        for place in range(size)
        for edge in [(place, place + 1, -9.0), (place, place + 2, -9.0)]
        if edge[1] <= size
    ]
    lattice = Lattice("a" * size, edges)
    assert lattice.best_path() == (-9.0 * size / 2, ["aa"] * (size // 2))
    assert "".join(lattice.sample(1, 50.0)) == "a" * size
    # Z(n) = x Z(n-1) + x Z(n-2) with x = exp(-9): as for Fibonacci, Z(n) = (r^(n+1) - s^(n+1)) / (r - s).
    x = exp(-9.0)
    r, s = (x + sqrt(x * x + 4 * x)) / 2, (x - sqrt(x * x + 4 * x)) / 2
    assert lattice.log_partition() == pytest.approx((size + 1) * log(r) - log(r - s))


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([(0, 1, -1.0), (0, 1, -2.0)], "rising"),
        ([(1, 2, -1.0), (0, 1, -2.0)], "rising"),
        ([(0, 3, -1.0)], "expected 0 <= start < end <= 2"),
        ([(1, 1, -1.0)], "start < end"),
        ([(0, 1, float("nan"))], "finite"),
    ],
)
def test_bad_edges(edges: list[tuple[int, int, float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Lattice("中外", edges)


def test_bad_arguments() -> None:
    lattice = worked_lattice()
    with pytest.raises(ValueError, match="n: expected at least 1, got 0"):
        lattice.n_best(0)
    for temperature in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="temperature"):
            lattice.sample(1, temperature)
        with pytest.raises(ValueError, match="temperature"):
            lattice.log_partition(temperature)
    with pytest.raises(ValueError, match="make up"):
        lattice.probability(["中外"])
    assert lattice.probability(["中外科", "学名著"]) == 0.0
    with pytest.raises(ValueError, match="no path"):
        Lattice("中外", [(0, 1, -1.0)]).sample(1)


def test_edges_are_tuples() -> None:
    assert worked_lattice().edges_from(5) == [Edge(5, 6, log(2 / 80), -1)]


@pytest.mark.parametrize("seed", range(60))
def test_the_sum_of_columns_is_the_partition_to_the_bit(seed: int) -> None:
    source, plain = random.Random(seed), random_lattice(seed)
    classes = bytes(source.randrange(3) for _ in range(2 * len(plain.edges)))
    ratios = [[source.gauss(0.0, 1.0) for _ in range(3)] for _ in range(3)]
    lattice = Lattice(plain.text, plain.edges, classes, ratios)
    starts, ends, scores, _ = zip(*plain.edges, strict=True)

    got = sum_of_paths(len(plain.text), starts, ends, scores, classes, ratios)

    assert got == lattice.log_partition()


def test_the_sum_of_no_edges_is_that_of_the_empty_text() -> None:
    assert sum_of_paths(0, [], [], [], b"", [[0.0]]) == Lattice("", []).log_partition() == 0.0
    assert sum_of_paths(2, [0], [1], [-1.0], bytes(2), [[0.0]]) == Lattice("ab", [(0, 1, -1.0)]).log_partition()
