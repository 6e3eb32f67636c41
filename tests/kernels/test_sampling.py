"""Sampling: segmentations against every segmentation, the spelling model against its definition, the restaurant's
books, the twin to the byte."""

from __future__ import annotations

import _thread
import random
import sys
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from math import exp, isclose, log, prod
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp_zero import kernels
from nlp_zero.kernels import sampling as specification

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

WORD_LIMIT, NONE = 0xF000, 0xFFFFFFFF
few_symbols = st.lists(st.sampled_from([0, 1, 8, 9, 10, 0xEFFF, 0xF000, 0xFFFF]), max_size=60)


class Model:
    """All the arrays of a text, every symbol a word unless a segmentation is given."""

    def __init__(self, ids: list[int], max_length: int = 4, seed: int = 1, engine: Any = kernels) -> None:
        self.ids, self.max_length, self.engine = array("H", ids), max_length, engine
        index, starts, sizes, prefix, suffix = engine.substrings(self.ids, max_length)
        self.index, self.starts, self.sizes = array("I", index), array("I", starts), sizes
        self.prefix, self.suffix = array("I", prefix), array("I", suffix)
        self.size = len(sizes)
        self.lengths = bytearray(0 < symbol < WORD_LIMIT for symbol in ids)
        self.random = array("Q", [seed])
        self.discount, self.strength = 0.7, 50.0
        self.base = array("f", [1.0 / (1 + size) for size in sizes])
        self.boost, self.factors = array("f", [1.0]) * self.size, array("d", [1.0]) * max_length
        self.expert: array[float] | None = None
        self.classes: Any = None
        self.ratios: array[float] | None = None
        self.seat(None)

    def seat(self, base: array[float] | None) -> None:
        seats = self.engine.seat(
            self.index, self.max_length, self.lengths, self.size, base, self.discount, self.strength, self.random
        )
        self.counts, self.tables, self.totals = array("i", seats[0]), array("i", seats[1]), array("q", seats[2])

    def spell(self, min_count: int = 2) -> None:
        self.chances = array(
            "d", self.engine.length_prior(self.sizes, self.counts, self.tables, self.max_length, min_count)
        )
        base = self.engine.spelling(self.sizes, self.prefix, self.suffix, self.tables, self.chances, 0.7)
        self.base = array("f", base)

    def sweep(self, sampled: bool = True) -> float:
        score: float = self.engine.sweep(
            self.index,
            self.max_length,
            self.counts,
            self.tables,
            self.totals,
            self.lengths,
            self.base,
            self.boost,
            self.factors,
            self.discount,
            self.strength,
            self.random,
            sampled,
            self.expert,
            self.classes,
            self.ratios,
        )
        return score

    def chunks(self) -> Iterator[tuple[int, int]]:
        start = 0
        for place, symbol in enumerate([*self.ids, 0]):
            if not 0 < symbol < WORD_LIMIT:
                if place > start:
                    yield start, place
                start = place + 1

    def words(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Position and length of the words of a chunk; they must fill it."""
        place = start
        while place < end:
            length = self.lengths[place]
            assert 1 <= length <= self.max_length
            assert not any(self.lengths[place + 1 : place + length])
            yield place, length
            place += length
        assert place == end

    def identity(self, place: int, length: int) -> int:
        return self.index[place * self.max_length + length - 1]

    def check(self) -> None:
        """The books of the restaurant agree with the segmentation."""
        words = [word for chunk in self.chunks() for word in self.words(*chunk)]
        customers = Counter(self.identity(*word) for word in words)
        assert list(self.counts) == [customers[word] for word in range(self.size)]
        assert all((count > 0) == (table > 0) for count, table in zip(self.counts, self.tables, strict=True))
        assert all(table <= count for count, table in zip(self.counts, self.tables, strict=True))
        single = sum(table for table, size in zip(self.tables, self.sizes, strict=True) if size == 1)
        assert list(self.totals) == [len(words), sum(self.tables), single]
        outside = set(range(len(self.ids))) - {i for start, end in self.chunks() for i in range(start, end)}
        assert not any(self.lengths[place] for place in outside)

    def state(self) -> tuple[bytes, ...]:
        return (
            bytes(self.lengths),
            *(part.tobytes() for part in (self.counts, self.tables, self.totals, self.base, self.random)),
        )


# ---- substrings ----------------------------------------------------------------------------------------------------


def slow_substrings(ids: list[int], max_length: int) -> tuple[list[tuple[int, ...]], dict[tuple[int, int], int]]:
    """The distinct substrings by length, the most frequent first, and by position and length which stands there."""
    words = {}
    for position in range(len(ids)):
        for length in range(1, max_length + 1):
            word = tuple(ids[position : position + length])
            if len(word) == length and all(0 < symbol < WORD_LIMIT for symbol in word):
                words[position, length] = word
    order = sorted((word for word, _ in Counter(words.values()).most_common()), key=len)  # equals as they occur first
    return order, {place: order.index(word) for place, word in words.items()}


@quick
@given(ids=few_symbols, max_length=st.integers(1, 8))
def test_substrings_agree_with_a_slow_reading(ids: list[int], max_length: int) -> None:
    words, places = slow_substrings(ids, max_length)
    index, starts, sizes, prefix, suffix = kernels.substrings(array("H", ids), max_length)

    everywhere = product(range(len(ids)), range(1, max_length + 1))
    assert list(array("I", index)) == [places.get(place, NONE) for place in everywhere]
    assert [tuple(ids[i : i + n]) for i, n in zip(array("I", starts), sizes, strict=True)] == words
    numbers = {word: number for number, word in enumerate(words)}
    assert list(array("I", prefix)) == [numbers.get(word[:-1], NONE) for word in words]
    assert list(array("I", suffix)) == [numbers.get(word[1:], NONE) for word in words]
    assert list(array("I", starts)) == [next(p for (p, n), w in places.items() if w == k) for k in range(len(words))]


def test_substrings_of_a_large_text_equal_those_of_the_twin() -> None:
    numbers = random.Random(5)
    ids = array("H", (int(8 + 300 * numbers.random() ** 3) if numbers.random() > 0.1 else 0 for _ in range(20000)))

    assert kernels.substrings(ids, 5) == specification.substrings(ids, 5)


def test_boosts_are_powers_of_the_score() -> None:
    scores, sizes = array("h", [1024, -512, 100, 0, 32767, -32768]), bytes([1, 2, 1, 2])

    spread = array("h", kernels.spread(scores, array("I", [0, 0, 2, 2]), sizes, 2))
    boosts = array("f", kernels.boosts(spread, sizes, 0.25))

    expected = [exp(0.25), exp(-0.25), exp(0.25 * 32767 / 1024), exp(-0.25 * 64)]
    assert all(isclose(got, wanted, rel_tol=1e-6) for got, wanted in zip(boosts, expected, strict=True))


# ---- the base distribution -----------------------------------------------------------------------------------------


def slow_spelling(model: Model, symbols: set[int], discount: float) -> dict[tuple[int, ...], float]:
    """The trigram of the docstring, counted in dicts."""
    whole: Counter[tuple[int, ...]] = Counter()
    for word in range(model.size):
        start, size = model.starts[word], model.sizes[word]
        if model.tables[word]:
            text = (0, *model.ids[start : start + size])
            whole[text[:2]] += model.tables[word]
            for place in range(2, len(text)):
                whole[text[place - 2 : place + 1]] += model.tables[word]
    pairs = Counter(gram[1:] for gram in whole if len(gram) == 3)
    singles = Counter(gram[1] for gram in {*pairs, *(gram for gram in whole if len(gram) == 2)})

    def share(counts: dict[Any, int], gram: Any, context: list[Any], below: float) -> float:
        total = sum(counts[other] for other in context)
        if not total:
            return below
        rest = discount * sum(counts[other] > 0 for other in context)
        return (max(0.0, counts[gram] - discount) + rest * below) / total

    def lowest(symbol: int) -> float:
        return share(singles, symbol, list(singles), 1 / len(symbols))

    def lower(pair: tuple[int, int]) -> float:
        return share(pairs, pair, [other for other in pairs if other[0] == pair[0]], lowest(pair[1]))

    def spelled(word: tuple[int, ...]) -> float:
        first = (0, word[0])
        chance = share(whole, first, [other for other in whole if len(other) == 2], lowest(word[0]))
        text = (0, *word)
        for place in range(2, len(text)):
            gram = text[place - 2 : place + 1]
            context = [other for other in whole if other[:2] == gram[:2] and len(other) == 3]
            chance *= share(whole, gram, context, lower((gram[1], gram[2])))
        return chance

    words = [tuple(model.ids[i : i + n]) for i, n in zip(model.starts, model.sizes, strict=True)]
    return {word: spelled(word) * model.chances[len(word) - 1] for word in words}


@pytest.mark.parametrize("seed", range(6))
def test_spelling_agrees_with_its_definition(seed: int) -> None:
    numbers = random.Random(seed)
    model = Model([numbers.choice([0, 8, 9, 10, 11]) for _ in range(120)], max_length=2 + seed % 4)
    model.tables = array("i", [numbers.choice([0, 0, 1, 3]) for _ in range(model.size)])
    model.counts = model.tables
    model.spell()

    expected = slow_spelling(model, set(model.ids) - {0}, 0.7)

    assert all(isclose(*pair, rel_tol=1e-5) for pair in zip(model.base, expected.values(), strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_spelling_sums_to_one_over_all_strings(seed: int) -> None:
    numbers = random.Random(seed)
    ids = [symbol for word in product([8, 9, 10], repeat=4) for symbol in word]  # every string of four stands there
    model = Model([*ids, 8, 9, 10], max_length=4)
    assert model.size == 3 + 9 + 27 + 81
    model.tables = array("i", [numbers.choice([0, 0, 0, 1, 5]) for _ in range(model.size)])
    model.counts = model.tables
    model.spell()

    for length in range(1, 5):
        total = sum(p for p, size in zip(model.base, model.sizes, strict=True) if size == length)
        assert isclose(total, model.chances[length - 1], rel_tol=1e-5)
    assert isclose(sum(model.base), 1.0, rel_tol=1e-5)


def test_spelling_without_words_knows_only_how_many_symbols_there_are() -> None:
    model = Model([8, 9, 8], max_length=2)
    base = kernels.spelling(
        model.sizes, model.prefix, model.suffix, array("i", [0]) * model.size, array("d", [0.5, 0.5]), 0.7
    )

    assert list(array("f", base)) == [0.5 / 2 ** len(word) for word in slow_substrings([8, 9, 8], 2)[0]]


def test_the_first_length_prior_counts_every_type_once() -> None:
    model = Model([8, 8, 8, 9, 0, 8, 9])
    model.lengths[:] = bytes([1, 1, 2, 0, 0, 2, 0])
    model.seat(None)
    model.spell(min_count=1)

    assert list(model.chances) == [1.5 / 4, 1.5 / 4, 0.5 / 4, 0.5 / 4]


def test_length_prior_leaves_out_words_seen_once() -> None:
    chances = kernels.length_prior(bytes([1, 2, 2]), array("i", [2, 9, 1]), array("i", [1, 5, 1]), 3, 2)

    assert list(array("d", chances)) == [1.5 / 7.5, 5.5 / 7.5, 0.5 / 7.5]


def test_a_description_lists_the_words_and_names_the_tokens() -> None:
    counts, base = array("i", [4, 0, 2, 2, 1]), array("f", [0.5, 0.5, 0.25, 0.0, 1.0])
    tokens = 4 * log(9 / 4) + 2 * 2 * log(9 / 2) + log(9)

    assert isclose(kernels.description(counts, base), tokens + log(2) + log(4), rel_tol=1e-12)
    assert kernels.description(array("i"), array("f")) == 0.0


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(-2, 2**31 - 1), st.floats(0.0, 1.0, width=32)), max_size=40))
def test_descriptions_are_the_same_to_the_bit(rows: list[tuple[int, float]]) -> None:
    counts, base = array("i", [count for count, _ in rows]), array("f", [chance for _, chance in rows])
    assert kernels.description(counts, base) == specification.description(counts, base)


# ---- one sweep against every segmentation --------------------------------------------------------------------------


def compositions(size: int, most: int) -> Iterator[tuple[int, ...]]:
    if not size:
        yield ()
    for length in range(1, min(size, most) + 1):
        for rest in compositions(size - length, most):
            yield length, *rest


def tiny_model(seed: int, with_classes: bool, with_expert: bool) -> Model:
    """One chunk, words with customers from elsewhere, and factors of every kind."""
    numbers = random.Random(seed)
    size = 1 + seed % 6
    model = Model([numbers.choice([8, 9, 10]) for _ in range(size)], max_length=1 + numbers.randrange(4), seed=seed)
    for word in range(model.size):  # at one table, so that none closes, and every sweep finds the same
        if numbers.random() < 0.6:
            model.counts[word] += (more := numbers.randrange(3, 40))
            model.totals[0] += more
            model.totals[1] += not model.tables[word]
            model.tables[word] = 1
    model.totals[1] = sum(model.tables)
    model.totals[2] = sum(table for table, n in zip(model.tables, model.sizes, strict=True) if n == 1)
    model.base = array("f", [numbers.uniform(0.01, 0.3) for _ in range(model.size)])
    model.boost = array("f", [numbers.choice([0.5, 1.0, 2.5]) for _ in range(model.size)])
    model.factors = array("d", [1.0, 1.7, 2.0, 5.0][: model.max_length])
    model.strength = numbers.uniform(1, 20)
    if with_expert:
        model.expert = array("f", [numbers.uniform(-3, 3) for _ in range(size)])
    if with_classes:
        model.classes = array("H", [numbers.randrange(1, 4) for _ in range(model.size)])
        model.ratios = array("d", [numbers.uniform(0.2, 4) for _ in range(16)])
    return model


def without_own_words(model: Model) -> tuple[list[int], list[int], int, int]:
    """Counts, tables and their sums after the words of the one chunk have left."""
    counts, tables = list(model.counts), list(model.tables)
    words = list(model.words(0, len(model.ids)))
    for place, length in words:
        word = model.identity(place, length)
        tables[word] -= counts[word] == tables[word]
        counts[word] -= 1
    return counts, tables, model.totals[0] - len(words), sum(tables)


def weigh(model: Model, segmentation: tuple[int, ...]) -> float:
    """By the docstring of ``sweep``."""
    counts, tables, customers, table_count = without_own_words(model)
    weight, start, last = 1.0, 0, 0
    for length in segmentation:
        word = model.identity(start, length)
        seated = counts[word] - model.discount * tables[word]
        opening = (model.strength + model.discount * table_count) * model.base[word]
        weight *= (seated + opening) / (model.strength + customers)
        weight *= model.boost[word] * model.factors[length - 1]
        if model.expert is not None:
            odds = model.expert[start : start + length]
            weight *= exp(0.5 * (odds[-1] - sum(odds[:-1])))
        if model.ratios is not None:
            weight *= model.ratios[last * 4 + model.classes[word]]
            last = model.classes[word]
        start += length
    return weight


def drawn(model: Model) -> tuple[int, ...]:
    return tuple(length for _, length in model.words(0, len(model.ids)))


@pytest.mark.parametrize("with_expert", [False, True])
@pytest.mark.parametrize("with_classes", [False, True])
def test_segmentations_are_drawn_in_proportion_to_their_weights(with_classes: bool, with_expert: bool) -> None:
    draws = 1500
    for seed in (5, 11, 17):
        model = tiny_model(seed, with_classes, with_expert)
        weights = {found: weigh(model, found) for found in compositions(len(model.ids), model.max_length)}
        total = sum(weights.values())
        found: Counter[tuple[int, ...]] = Counter()
        for number in range(draws):
            model = tiny_model(seed, with_classes, with_expert)
            model.random[0] = 1000 * seed + number
            assert isclose(model.sweep(), log(total), rel_tol=1e-6, abs_tol=1e-6)
            found[drawn(model)] += 1
        assert set(found) <= set(weights)
        for segmentation, weight in weights.items():
            expected = draws * weight / total
            spread = (expected * (1 - weight / total)) ** 0.5
            assert abs(found[segmentation] - expected) < 4.5 * spread + 0.5, (segmentation, expected)


@pytest.mark.parametrize("seed", range(60))
def test_the_heaviest_segmentation_is_found(seed: int) -> None:
    model = tiny_model(seed, with_classes=seed % 2 == 1, with_expert=seed % 3 == 1)
    weights = {found: weigh(model, found) for found in compositions(len(model.ids), model.max_length)}

    score = model.sweep(sampled=False)

    assert isclose(weights[drawn(model)], max(weights.values()), rel_tol=1e-9)
    assert isclose(score, log(max(weights.values())), rel_tol=1e-6, abs_tol=1e-6)


@pytest.mark.parametrize("classes", [None, b"\1" * 9])
def test_between_equal_weights_the_longer_last_word_wins(classes: bytes | None) -> None:
    model = Model([8, 9, 10, 11, 12], max_length=3)  # all words seen once: after they left, only the base counts
    model.discount, model.strength = 0.0, 1.0
    model.base = array("f", [0.5**length for length in model.sizes])
    if classes is not None:
        model.classes, model.ratios = bytes(model.size), array("d", [1.0])

    model.sweep(sampled=False)

    assert drawn(model) == (2, 3)


def test_a_boost_of_zero_bans_a_word() -> None:
    model = Model([8, 9] * 200, max_length=2, seed=3)
    banned = model.identity(0, 2)
    model.boost[banned] = 0.0
    for _ in range(3):
        model.sweep()
        assert not model.counts[banned]
    model.check()


def test_a_chunk_that_nothing_fits_keeps_its_words() -> None:
    model = Model([8, 9, 0, 9, 8], max_length=2)
    model.boost = array("f", [0.0]) * model.size
    assert model.sweep() == 0.0
    assert list(model.lengths) == [1, 1, 0, 1, 1]
    model.check()
    model.boost = array("f", [float("inf")]) * model.size
    assert model.sweep(sampled=False) == 0.0
    assert list(model.lengths) == [1, 1, 0, 1, 1]
    model.check()


# ---- sweeps of a text ----------------------------------------------------------------------------------------------


def text_model(seed: int, engine: Any, size: int = 1500, max_length: int = 4) -> Model:
    """Text with words in it, so that something can be learnt."""
    numbers = random.Random(seed)
    lexicon = [[numbers.randrange(8, 40) for _ in range(numbers.choice([1, 2, 2, 3]))] for _ in range(60)]
    ids: list[int] = []
    while len(ids) < size:
        ids += numbers.choice(lexicon[: 1 + int(60 * numbers.random() ** 2)])
        if numbers.random() < 0.1:
            ids.append(numbers.choice([0, 0xFFFE]))
    model = Model(ids, max_length, seed, engine)
    scores = array("h", [numbers.randrange(-3000, 3000) for _ in range(len(ids) * max_length)])
    spread = array("h", engine.spread(scores, model.starts, model.sizes, max_length))
    model.boost = array("f", engine.boosts(spread, model.sizes, 0.05))
    return model


def run_all(model: Model, check: bool = False) -> Iterator[tuple[Any, ...]]:
    """Sweeps of every kind, as the schedule makes them."""
    numbers = random.Random(7)
    model.spell(min_count=1)
    model.seat(model.base)
    for sweep in range(10):
        if sweep == 4:
            model.classes = bytes(numbers.randrange(1, 8) for _ in range(model.size))
            counts = model.engine.class_counts(model.index, model.max_length, model.lengths, model.classes, 8)
            model.ratios = array("d", [((n + 1.0) / 20.0) ** 0.5 for n in array("I", counts)])
        if sweep == 7:
            model.expert = array("f", [numbers.uniform(-6, 6) for _ in model.ids])
            model.classes = array("H", list(model.classes))
            model.seat(model.base)
        score = model.sweep(sampled=sweep not in (3, 6, 9))
        if check:
            model.check()
        model.factors = array("d", [exp(0.1 * sweep * n) for n in range(model.max_length)])
        model.spell()
        yield score, *model.state()


@pytest.mark.parametrize("seed", range(6))
def test_the_books_agree_after_every_sweep(seed: int) -> None:
    model = text_model(seed, kernels, max_length=1 + seed)

    states = list(run_all(model, check=True))

    assert len(states) == 10 and any(length > 1 for length in model.lengths) == (seed > 0)


@pytest.mark.parametrize("seed", range(6))
def test_the_engine_equals_the_python_twin_to_the_byte(seed: int) -> None:
    engine, python = (text_model(seed, e, 1500, [4, 4, 4, 1, 3, 8][seed]) for e in (kernels, specification))

    for number, (one, other) in enumerate(zip(run_all(engine), run_all(python), strict=True)):
        assert one == other, number


def test_seeds_decide() -> None:
    runs = []
    for seed in (1, 1, 2):
        model = text_model(3, kernels, 600)
        model.random[0] = seed
        runs.append([state[1] for state in run_all(model)])

    assert runs[0] == runs[1] != runs[2]


def test_sampling_finds_the_words_of_a_text() -> None:
    numbers = random.Random(1)
    lexicon = [(8, 9), (10, 11), (12, 13, 14), (15,), (16, 17)]
    ids: list[int] = []
    ends = set()
    for _ in range(600):
        ids += numbers.choice(lexicon)
        ends.add(len(ids))
        if numbers.random() < 0.2:
            ids.append(0)
    model = Model(ids, 4)
    model.strength = 20.0
    for _ in range(12):
        model.sweep()
        model.spell()
    model.sweep(sampled=False)

    cuts = {place + length for chunk in model.chunks() for place, length in model.words(*chunk)}
    assert len(cuts & ends) / len(cuts | ends) > 0.95


def test_seating_opens_tables_as_the_rule_says() -> None:
    tables = []
    for seed in range(400):
        model = Model([8, 0] * 3, 1, seed)
        model.seat(array("f", [0.25]))
        assert model.counts[0] == 3
        tables.append(model.tables[0])

    second = (50 + 0.7) * 0.25 / (1 - 0.7 + (50 + 0.7) * 0.25)  # that the second customer opens a table
    third = [(50 + 0.7 * t) * 0.25 / (2 - 0.7 * t + (50 + 0.7 * t) * 0.25) for t in (1, 2)]
    shares = [(1 - second) * (1 - third[0]), (1 - second) * third[0] + second * (1 - third[1]), second * third[1]]
    found = Counter(tables)
    for number, share in enumerate(shares, 1):
        assert abs(found[number] - 400 * share) < 4 * (400 * share * (1 - share)) ** 0.5 + 1


def test_tables_close_as_the_rule_says() -> None:
    closed = 0
    for seed in range(500):
        model = Model([8], 1, seed)
        model.counts[0], model.tables[0] = 5, 3
        model.totals = array("q", [5, 3, 3])
        model.base = array("f", [0.0])  # so that none opens
        model.sweep()
        assert model.counts[0] == 5
        closed += model.tables[0] == 2
        assert model.tables[0] in (2, 3)

    share = 0.7 * 3 / 5
    assert abs(closed - 500 * share) < 4 * (500 * share * (1 - share)) ** 0.5


def test_class_counts_worked_by_hand() -> None:
    model = Model([8, 9, 8, 9, 0, 8, 9, 9], 2)
    model.lengths[:] = bytes([2, 0, 1, 1, 0, 2, 0, 1])
    classes = bytearray(model.size)
    classes[model.identity(0, 2)], classes[model.identity(0, 1)], classes[model.identity(1, 1)] = 1, 2, 1

    counts = array("I", kernels.class_counts(model.index, 2, model.lengths, bytes(classes), 3))

    assert list(counts) == [0, 2, 0, 2, 1, 1, 0, 1, 0]


@pytest.mark.parametrize("typecode", ["B", "H"])
def test_class_counts_count_every_neighbour(typecode: str) -> None:
    model = text_model(2, kernels)
    for _ in range(2):
        model.sweep()
    classes = array(typecode, [1 + word % 5 for word in range(model.size)])

    counts = array("I", kernels.class_counts(model.index, 4, model.lengths, classes, 6))

    expected: Counter[tuple[int, int]] = Counter()
    for chunk in model.chunks():
        line = [0, *(classes[model.identity(*word)] for word in model.words(*chunk)), 0]
        expected.update(pairwise(line))
    assert list(counts) == [expected[pair] for pair in product(range(6), repeat=2)]


# ---- texts at the edge ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ids", [[], [0], [8], [0, 0xF000, 0], [8, 0], [8] * 5000, [8, 9] * 1500, [0, 8] * 300, list(range(8, 800))]
)
def test_poor_texts_are_swept(ids: list[int]) -> None:
    model = Model(ids)

    states = list(run_all(model, check=True))

    assert all(score == score and abs(score) < 1e6 for score, *_ in states)


@pytest.mark.parametrize("with_classes", [False, True])
def test_a_long_chunk_neither_under_nor_overflows(with_classes: bool) -> None:
    for factor in (1e-6, 1e6):
        model = Model([8 + i * i % 97 for i in range(6000)], 4)
        model.factors = array("d", [factor**n for n in range(1, 5)])
        if with_classes:
            model.classes, model.ratios = bytes(model.size), array("d", [1.0])
        score = model.sweep()
        model.check()
        plain = Model([8 + i * i % 97 for i in range(6000)], 4)
        assert isclose(score - plain.sweep(), 6000 * log(factor), rel_tol=1e-9)
        assert plain.lengths == model.lengths


def test_a_very_long_chunk() -> None:
    size = 200_000 if kernels.backend == "c" else 20_000
    model = Model([8 + i * i % 997 for i in range(size)], 4)
    model.sweep()
    model.check()
    model.classes, model.ratios = bytes(model.size), array("d", [1.5])
    model.sweep(sampled=False)
    model.check()


# ---- errors --------------------------------------------------------------------------------------------------------

Change = Callable[[Model], object]

CHANGES: list[tuple[str, Change]] = [
    ("max_length 0", lambda m: setattr(m, "max_length", 0)),
    ("max_length 9", lambda m: setattr(m, "max_length", 9)),
    ("max_length of another text", lambda m: setattr(m, "max_length", 2)),
    ("tables too short", lambda m: m.tables.pop()),
    ("totals too short", lambda m: m.totals.pop()),
    ("totals too small", lambda m: m.totals.__setitem__(0, 3)),
    ("lengths too short", lambda m: m.lengths.pop()),
    ("a word too long", lambda m: m.lengths.__setitem__(0, 5)),
    ("a word beyond its chunk", lambda m: m.lengths.__setitem__(3, 3)),
    ("a word inside another", lambda m: m.lengths.__setitem__(slice(0, 2), b"\2\1")),
    ("no word at the start", lambda m: m.lengths.__setitem__(0, 0)),
    ("an id too large", lambda m: m.index.__setitem__(1, 99)),
    ("a gap", lambda m: m.index.__setitem__(2, NONE)),
    ("no customers", lambda m: m.counts.__setitem__(0, 0)),
    ("base too short", lambda m: m.base.pop()),
    ("boost too short", lambda m: m.boost.pop()),
    ("boost of doubles", lambda m: setattr(m, "boost", array("d", [1.0]) * m.size)),
    ("factors too short", lambda m: m.factors.pop()),
    ("discount 1", lambda m: setattr(m, "discount", 1.0)),
    ("discount below 0", lambda m: setattr(m, "discount", -0.25)),
    ("discount nan", lambda m: setattr(m, "discount", float("nan"))),
    ("strength 0", lambda m: setattr(m, "strength", 0.0)),
    ("strength inf", lambda m: setattr(m, "strength", float("inf"))),
    ("two random numbers", lambda m: m.random.append(1)),
    ("read-only lengths", lambda m: setattr(m, "lengths", bytes(m.lengths))),
    ("lengths a list", lambda m: setattr(m, "lengths", list(m.lengths))),
    ("expert too short", lambda m: setattr(m, "expert", array("f", [1.0]))),
    ("classes without ratios", lambda m: setattr(m, "classes", bytes(m.size))),
    ("ratios not square", lambda m: (setattr(m, "classes", bytes(m.size)), setattr(m, "ratios", array("d", [1, 2])))),
    ("no ratios", lambda m: (setattr(m, "classes", bytes(m.size)), setattr(m, "ratios", array("d")))),
    ("ratios below 0", lambda m: (setattr(m, "classes", bytes(m.size)), setattr(m, "ratios", array("d", [-1.5])))),
    ("a class too large", lambda m: (setattr(m, "classes", b"\1" * m.size), setattr(m, "ratios", array("d", [1])))),
    ("classes too short", lambda m: (setattr(m, "classes", b"\0"), setattr(m, "ratios", array("d", [1])))),
    ("classes of words", lambda m: (setattr(m, "classes", array("I", [0])), setattr(m, "ratios", array("d", [1])))),
]


def failure(work: Callable[[], object]) -> tuple[type[BaseException], str]:
    with pytest.raises((ValueError, TypeError, BufferError)) as caught:
        work()
    return caught.type, str(caught.value)


@pytest.mark.parametrize("change", [change for _, change in CHANGES], ids=[name for name, _ in CHANGES])
def test_a_sweep_refuses_what_does_not_fit(change: Change) -> None:
    models = [Model([8, 9, 8, 9, 8, 0, 9, 9, 8], 3, engine=engine) for engine in (kernels, specification)]
    before = models[0].state()
    for model in models:
        change(model)
    changed = bytes(models[0].lengths), models[0].counts.tobytes(), models[0].random.tobytes()

    errors = [failure(model.sweep) for model in models]

    assert errors[0] == errors[1] and before
    assert changed == (bytes(models[0].lengths), models[0].counts.tobytes(), models[0].random.tobytes())


OTHERS: list[Callable[[Any, Model], object]] = [
    lambda e, m: e.substrings(m.ids, 0),
    lambda e, m: e.substrings(b"123", 2),
    lambda e, m: e.spread(array("h", [1]), m.starts, m.sizes, 3),
    lambda e, m: e.spread(array("h", [1]), m.starts, b"\1", 3),
    lambda e, m: e.spread(array("i", [1]), m.starts, m.sizes, 3),
    lambda e, m: e.boosts(array("h", [1]), m.sizes, 0.1),
    lambda e, m: e.boosts(array("i", [1]), m.sizes, 0.1),
    lambda e, m: e.seat(m.index, 3, m.lengths, 2, None, 0.7, 1.0, m.random),
    lambda e, m: e.seat(m.index, 3, m.lengths, m.size, array("f", [1]), 0.7, 1.0, m.random),
    lambda e, m: e.seat(m.index, 3, m.lengths, m.size, None, 0.7, -1.0, m.random),
    lambda e, m: e.seat(m.index, 3, m.lengths, m.size, None, 0.7, 1.0, b"12345678"),
    lambda e, m: e.length_prior(m.sizes, m.counts, array("i"), 3, 2),
    lambda e, m: e.length_prior(m.sizes, m.counts, m.tables, 9, 2),
    lambda e, m: e.description(m.counts, array("f", [1])),
    lambda e, m: e.description(m.counts, m.counts.tobytes()),
    lambda e, m: e.spelling(m.sizes, m.prefix[::-1], m.suffix, m.tables, array("d", [1, 1, 1]), 0.7),
    lambda e, m: e.spelling(m.sizes, m.prefix, m.suffix, m.tables, array("d", [1, 1]), 0.7),
    lambda e, m: e.spelling(m.sizes, m.prefix, m.suffix, m.tables, array("d"), 0.7),
    lambda e, m: e.spelling(m.sizes, m.prefix, m.suffix, m.tables, array("d", [1, 1, 1]), 1.5),
    lambda e, m: e.spelling(bytes([0]), array("I", [0]), array("I", [0]), array("i", [0]), array("d", [1]), 0.5),
    lambda e, m: e.class_counts(m.index, 3, m.lengths, bytes(m.size), 0),
    lambda e, m: e.class_counts(m.index, 3, m.lengths, b"\5" * m.size, 5),
    lambda e, m: e.class_counts(m.index, 3, m.lengths, b"", 5),
    lambda e, m: e.class_counts(m.index, 3, m.lengths, None, 5),
]


@pytest.mark.parametrize("work", OTHERS, ids=range(len(OTHERS)))
def test_other_kernels_refuse_what_does_not_fit(work: Callable[[Any, Model], object]) -> None:
    model = Model([8, 9, 8, 9, 8, 0, 9, 9, 8], 3)

    assert failure(lambda: work(kernels, model)) == failure(lambda: work(specification, model))


def test_an_interrupted_sweep_has_changed_nothing() -> None:
    size = 2_400_000 if kernels.backend == "c" else 30_000
    model = Model([8, 9, 8, 0] * (size // 4), 1)
    started = time.perf_counter()
    model.sweep()
    took = time.perf_counter() - started
    before = model.state()
    timer = threading.Timer(took / 4, _thread.interrupt_main)

    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.sweep()

    assert model.state() == before
    model.sweep()
    assert model.totals[0] == size - size // 4 and model.state() != before


def test_buffers_are_released() -> None:
    model = Model([8, 9, 8, 9, 8, 0, 9, 9, 8], 3)
    model.sweep()
    arrays = (model.index, model.counts, model.tables, model.totals, model.base, model.boost, model.random)
    references = [sys.getrefcount(part) for part in arrays]
    for _ in range(50):
        model.sweep()
    assert references == [sys.getrefcount(part) for part in arrays]
    for part in arrays:
        part.append(1)  # BufferError if still held
    model.lengths.append(1)
    assert prod(len(part) > 1 for part in arrays)
