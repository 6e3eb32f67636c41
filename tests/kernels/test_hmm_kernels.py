"""HMM kernels against every path of small chains, against published values, and both engines against each other."""

from __future__ import annotations

import gc
import json
import random
import threading
from array import array
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise, product
from math import fsum, inf, isclose, ldexp, log
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp_zero import kernels
from nlp_zero.kernels import hmm as specification

KINDS = bytes(0x110000)
FUNCTIONS = ("hmm_path", "hmm_chances", "hmm_expect")


class Model(NamedTuple):
    """Probabilities of a small chain."""

    starts: list[float]
    moves: list[list[float]]
    ends: list[float]
    emissions: list[list[float]]

    def tables(self) -> tuple[array[float], ...]:
        flat = [share for row in self.moves for share in row], [share for row in self.emissions for share in row]
        return array("d", self.starts), array("d", flat[0]), array("d", self.ends), array("d", flat[1])

    def logs(self) -> tuple[array[float], ...]:
        return tuple(array("d", [log(share) if share else -inf for share in table]) for table in self.tables())

    def paths(self, sequence: list[int]) -> dict[tuple[int, ...], float]:
        """The probability of every labelling of a sequence."""
        found = {}
        for path in product(range(len(self.starts)), repeat=len(sequence)):
            chance = self.starts[path[0]] * self.ends[path[-1]]
            for before, after in pairwise(path):
                chance *= self.moves[before][after]
            for label, symbol in zip(path, sequence, strict=True):
                chance *= self.emissions[symbol][label]
            found[path] = chance
        return found


shares = st.one_of(st.just(0.0), st.floats(1e-3, 1.0))


@st.composite
def models(draw: st.DrawFn, positive: bool = False) -> Model:
    size, symbols = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    number = st.floats(1e-3, 1.0) if positive else shares
    rows = st.lists(number, min_size=size, max_size=size)
    return Model(
        draw(rows),
        draw(st.lists(rows, min_size=size, max_size=size)),
        draw(rows),
        draw(st.lists(rows, min_size=symbols, max_size=symbols)),
    )


def random_model(seed: int, size: int, symbols: int) -> Model:
    source = random.Random(seed)

    def row(count: int) -> list[float]:
        return [source.random() + 0.01 for _ in range(count)]

    return Model(row(size), [row(size) for _ in range(size)], row(size), [row(size) for _ in range(symbols)])


def sequences_of(model: Model, sizes: list[int], seed: int) -> tuple[array[int], array[int]]:
    source = random.Random(seed)
    return array("I", [source.randrange(len(model.emissions)) for _ in range(sum(sizes))]), array("I", sizes)


# ---- laws ------------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(model=models(), data=st.data())
def test_the_best_path_is_the_best_of_all(model: Model, data: st.DataObject) -> None:
    sequence = data.draw(st.lists(st.integers(0, len(model.emissions) - 1), min_size=1, max_size=5))
    every = model.paths(sequence)
    call = array("I", sequence), array("I", [len(sequence)]), *model.logs()
    if not any(every.values()):
        with pytest.raises(ValueError, match="at sequence 0"):
            kernels.hmm_path(*call)
        return
    labels, scores = kernels.hmm_path(*call)
    assert isclose(array("d", scores)[0], log(max(every.values())), rel_tol=1e-9, abs_tol=1e-9)
    assert isclose(every[tuple(labels)], max(every.values()), rel_tol=1e-9)


@settings(deadline=None)
@given(model=models(positive=True), data=st.data())
def test_chances_and_expected_counts_are_sums_over_all_paths(model: Model, data: st.DataObject) -> None:
    sequence = data.draw(st.lists(st.integers(0, len(model.emissions) - 1), min_size=1, max_size=5))
    every = model.paths(sequence)
    total, size = fsum(every.values()), len(model.starts)

    def expected(fits: Callable[[tuple[int, ...]], int]) -> Any:
        return pytest.approx(fsum(chance * fits(path) for path, chance in every.items()) / total, rel=1e-9, abs=1e-12)

    symbols = array("I", sequence)
    forward, posterior, mantissa, exponent = kernels.hmm_chances(symbols, *model.tables())
    assert ldexp(mantissa, exponent) == pytest.approx(total, rel=1e-9)
    for place, label in product(range(len(sequence)), range(size)):
        chance = array("d", posterior)[place * size + label]
        assert chance == expected(lambda path, place=place, label=label: path[place] == label)
    for place in range(len(sequence)):
        assert sum(array("d", forward)[place * size : (place + 1) * size]) == pytest.approx(1)
    first, moves, spoken, *likelihood = kernels.hmm_expect(symbols, array("I", [len(sequence)]), *model.tables())
    assert likelihood == [mantissa, exponent]
    for label in range(size):
        assert array("d", first)[label] == expected(lambda path, label=label: path[0] == label)
        for other in range(size):
            pair = label, other
            count = array("d", moves)[label * size + other]
            assert count == expected(lambda path, pair=pair: list(pairwise(path)).count(pair))
        for symbol in range(len(model.emissions)):
            pair = symbol, label
            count = array("d", spoken)[symbol * size + label]
            assert count == expected(lambda path, pair=pair: list(zip(sequence, path, strict=True)).count(pair))


@pytest.mark.parametrize("size", [1, 2, 4, 7])
def test_the_engine_equals_the_python_twin_to_the_bit(size: int) -> None:
    model = random_model(size, size, 9)
    symbols, lengths = sequences_of(model, [0, 1, 40, 3, 700, 0], size)
    assert kernels.hmm_path(symbols, lengths, *model.logs()) == specification.hmm_path(symbols, lengths, *model.logs())
    for name, call in (("hmm_chances", (symbols,)), ("hmm_expect", (symbols, lengths))):
        assert getattr(kernels, name)(*call, *model.tables()) == getattr(specification, name)(*call, *model.tables())


def test_sequences_are_independent_and_order_of_counting_is_that_of_the_text() -> None:
    model = random_model(3, 3, 4)
    symbols, lengths = sequences_of(model, [5, 4], 1)
    labels, scores = kernels.hmm_path(symbols, lengths, *model.logs())
    parts = [kernels.hmm_path(part, array("I", [len(part)]), *model.logs()) for part in (symbols[:5], symbols[5:])]
    assert (labels, scores) == (parts[0][0] + parts[1][0], parts[0][1] + parts[1][1])


def test_probabilities_of_long_texts_do_not_vanish() -> None:
    model = random_model(5, 2, 3)
    model = model._replace(emissions=[[share / 100 for share in row] for row in model.emissions])
    symbols, _ = sequences_of(model, [3000], 2)
    *_, mantissa, exponent = kernels.hmm_chances(symbols, *model.tables())
    assert 0.5 <= mantissa < 1 and exponent < -1100


def test_nothing_counts_as_certain() -> None:
    model = random_model(0, 2, 2)
    assert kernels.hmm_path(array("I"), array("I"), *model.logs()) == (b"", b"")
    assert kernels.hmm_path(array("I"), array("I", [0]), *model.logs()) == (b"", array("d", [0.0]).tobytes())
    assert kernels.hmm_chances(array("I"), *model.tables()) == (b"", b"", 0.5, 1)


# ---- published values ------------------------------------------------------------------------------------------------


def golden(shared: Path) -> list[Any]:
    cases: list[Any] = json.loads((shared / "golden" / "golden_hmm.json").read_text(encoding="utf-8"))["cases"]
    return cases


def golden_model(start: list[float], transition: list[list[float]], emission: list[list[float]]) -> Model:
    return Model(start, transition, [1.0] * len(start), [list(row) for row in zip(*emission, strict=True)])


def log_likelihood(mantissa: float, exponent: int) -> float:
    return log(mantissa) + exponent * log(2)


@pytest.mark.parametrize("number", [0, 1])
def test_decoding_gives_the_golden_values(shared: Path, number: int) -> None:
    case = golden(shared)[number]
    model = golden_model(case["start"], case["transition"], case["emission"])
    size = len(case["start"])
    for sequence, want in zip(case["sequences"], case["decode"], strict=True):
        symbols = array("I", sequence)
        labels, scores = kernels.hmm_path(symbols, array("I", [len(sequence)]), *model.logs())
        assert list(labels) == want["viterbi"]
        assert array("d", scores)[0] == pytest.approx(want["viterbi_logprob"], abs=1e-6)
        _, posterior, *likelihood = kernels.hmm_chances(symbols, *model.tables())
        assert log_likelihood(*likelihood) == pytest.approx(want["loglik"], abs=1e-6)
        chances = array("d", posterior)
        for place, row in enumerate(want["posterior"]):
            assert list(chances[place * size : (place + 1) * size]) == pytest.approx(row, abs=1e-6)


@pytest.mark.parametrize("number", [0, 1])
def test_learning_gives_the_golden_values(shared: Path, number: int) -> None:
    case = golden(shared)[number]
    tables = case["start"], case["transition"], case["emission"]
    symbols = array("I", [symbol for sequence in case["sequences"] for symbol in sequence])
    lengths = array("I", map(len, case["sequences"]))
    size = len(case["start"])
    trail = []
    for iteration in range(1, 11):
        model = golden_model(*tables)
        *counts, mantissa, exponent = kernels.hmm_expect(symbols, lengths, *model.tables())
        trail.append(log_likelihood(mantissa, exponent))
        first, moves, spoken = (list(array("d", table)) for table in counts)
        tables = (
            [count / sum(first) for count in first],
            [
                [count / sum(row) if sum(row) else 0.0 for count in row]
                for row in (moves[place : place + size] for place in range(0, size * size, size))
            ],
            [[count / sum(spoken[label::size]) for count in spoken[label::size]] for label in range(size)],
        )
        want = case["baum_welch"].get(str(iteration))
        if want is None:
            continue
        assert trail == pytest.approx(want["loglik_before_each_iteration"], abs=1e-6)
        for got, name in zip(tables, ("start", "transition", "emission"), strict=True):
            flat = got if name == "start" else [share for row in got for share in row]
            wanted = want[name] if name == "start" else [share for row in want[name] for share in row]
            assert flat == pytest.approx(wanted, abs=1e-6)
        *_, mantissa, exponent = kernels.hmm_expect(symbols, lengths, *golden_model(*tables).tables())
        assert log_likelihood(mantissa, exponent) == pytest.approx(want["loglik_after"], abs=1e-6)


# ---- the four tags ---------------------------------------------------------------------------------------------------


def four_tags(seed: int, characters: str) -> tuple[Any, Callable[[list[str], str], float]]:
    """A tagger with random scores, and the score of a segmentation by its definition."""
    source = random.Random(seed)
    scores = array("d", [source.uniform(-4, 2) for _ in range(3 * (len(characters) + 9))])
    kinds = bytearray(0x110000)
    for code in range(0x4E00, 0x4F00):
        kinds[code] = code % 9
    moves = array("d", [min(0.0, source.uniform(-2, 1)) for _ in range(4)] + [source.uniform(-2, 1) for _ in range(2)])
    go_on, close, begin, alone, single, last = moves
    cost = {"BM": 0.0, "BE": 0.0, "MM": go_on, "ME": close, "EB": begin, "ES": alone, "SB": 0.0, "SS": 0.0}

    def score(words: list[str], text: str) -> float:
        tags = "".join("S" if len(word) == 1 else "B" + "M" * (len(word) - 2) + "E" for word in words)
        total = (single if tags[0] == "S" else 0.0) + (last if tags[-1] == "E" else 0.0)
        for tag, character in zip(tags, text, strict=True):
            row = characters.find(character)
            row = row if row >= 0 else len(characters) + kinds[ord(character)]
            total += (0.0, *scores[3 * row : 3 * row + 3])["BMES".index(tag)]
        return total + sum(cost[a + b] for a, b in pairwise(tags))

    return kernels.FourTags(characters, scores, bytes(kinds), moves), score


def segmentations(text: str) -> list[list[str]]:
    if not text:
        return [[]]
    return [[text[:end], *rest] for end in range(1, len(text) + 1) for rest in segmentations(text[end:])]


@pytest.mark.parametrize("seed", range(40))
def test_words_by_four_tags_are_the_best_of_all_segmentations(seed: int) -> None:
    tagger, score = four_tags(seed, "一丁七")
    source = random.Random(seed)
    texts = ["".join(source.choices("一丁七万丈三𠀀", k=source.randint(1, 9))) for _ in range(8)]
    for text, words in zip(texts, tagger.segment_lines(texts), strict=True):
        assert "".join(words) == text
        best = max(score(other, text) for other in segmentations(text))
        assert score(words, text) == pytest.approx(best, abs=1e-9)


def test_four_tags_are_the_same_to_the_bit_in_both_engines() -> None:
    source = random.Random(4)
    lines = ["".join(source.choices("一丁七万丈三aB \n𠀀", k=size)) for size in [0, 1, 2, 3, 70_000, 5, *range(300)]]
    words = four_tags(7, "丁一七")[0].segment_lines(lines)
    kernels.use("python")
    assert words == four_tags(7, "丁一七")[0].segment_lines(lines)
    assert ["".join(line) for line in words] == lines


def test_words_that_were_made_before_are_never_mistaken_for_others() -> None:
    source = random.Random(11)
    signs = [chr(code) for code in (*range(0x4E00, 0x9FA0), *range(0x20000, 0x20400))]
    lines = ["".join(source.choices(signs, k=60)) for _ in range(900)]
    characters = "".join(signs[::2])
    words = four_tags(5, characters)[0].segment_lines(lines)
    assert ["".join(line) for line in words] == lines and {1, 2, 3, 4} <= {len(word) for line in words for word in line}
    kernels.use("python")
    assert words == four_tags(5, characters)[0].segment_lines(lines)


def test_four_tags_prefer_short_ways_where_all_are_equal() -> None:
    tagger = kernels.FourTags("", array("d", [0.0] * 27), KINDS, array("d", [0.0] * 6))
    assert tagger.segment_lines(["一二三四"]) == [["一", "二", "三", "四"]]


def test_many_threads_may_use_one_tagger() -> None:
    tagger, _ = four_tags(3, "一丁七")
    lines = ["一丁七万" * 50] * 40
    want = tagger.segment_lines(lines)
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(tagger.segment_lines(lines))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [want] * 4


# ---- errors ----------------------------------------------------------------------------------------------------------

NINE = array("d", [0.0] * 27)
SIX = array("d", [0.0] * 6)
BAD_TAGGERS: list[tuple[Any, ...]] = [
    (b"x", NINE, KINDS, SIX),
    ("aa", array("d", [0.0] * 33), KINDS, SIX),
    ("a", NINE, KINDS, SIX),
    ("", array("f", [0.0] * 27), KINDS, SIX),
    ("", NINE, KINDS[:-1], SIX),
    ("", NINE, KINDS[:-1] + b"\x09", SIX),
    ("", NINE, KINDS, SIX[:5]),
    ("", array("d", [float("nan")] * 27), KINDS, SIX),
    ("", NINE, KINDS, array("d", [inf] * 6)),
    ("", NINE, KINDS, array("d", [0.0, 0.0, 0.0, 1e-9, 0.0, 0.0])),
    ("", [0.0], KINDS, SIX),
]


def failure(call: Callable[[], Any]) -> tuple[type[BaseException], str]:
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    return caught.type, str(caught.value)


@pytest.mark.parametrize("number", range(len(BAD_TAGGERS)))
def test_bad_tables_are_refused_alike(number: int) -> None:
    arguments = BAD_TAGGERS[number]
    assert failure(lambda: kernels.FourTags(*arguments)) == failure(lambda: specification.FourTags(*arguments))


@pytest.mark.parametrize("lines", ["text", ("一",), [b"x"], ["一", None]])
def test_lines_that_are_not_texts_are_refused_alike(lines: Any) -> None:
    taggers = kernels.FourTags("", NINE, KINDS, SIX), specification.FourTags("", NINE, KINDS, SIX)
    got, want = (failure(lambda tagger=tagger: tagger.segment_lines(lines)) for tagger in taggers)
    assert got == want


ONE, ZERO = array("d", [1.0]), array("d", [0.0])
BAD_CHAINS: list[tuple[Any, ...]] = [
    (array("I", [1]), ONE, ONE, ONE, ONE),
    (array("I", [0]), array("d"), ONE, ONE, ONE),
    (array("I", [0]), array("d", [1.0] * 256), ONE, ONE, ONE),
    (array("I", [0]), ONE, array("d", [1, 1]), ONE, ONE),
    (array("I", [0]), ONE, ONE, array("d", [1, 1]), ONE),
    (array("I", [0]), array("d", [1, 1]), array("d", [1] * 4), array("d", [1, 1]), array("d", [1] * 3)),
    (array("H", [0]), ONE, ONE, ONE, ONE),
    (array("I", [0]), [1.0], ONE, ONE, ONE),
]


@pytest.mark.parametrize("number", range(len(BAD_CHAINS)))
@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_chains_are_refused_alike(name: str, number: int) -> None:
    symbols, *tables = BAD_CHAINS[number]
    call = (symbols, *tables) if name == "hmm_chances" else (symbols, array("I", [1]), *tables)
    twins = getattr(kernels, name), getattr(specification, name)
    got, want = (failure(lambda twin=twin: twin(*call)) for twin in twins)
    assert got == want


@pytest.mark.parametrize("name", FUNCTIONS[1:])
@pytest.mark.parametrize("value", [0.0, inf, float("nan")])
def test_chances_that_are_no_chances_are_refused_alike(name: str, value: float) -> None:
    call = [array("I", [0])] + ([array("I", [1])] if name == "hmm_expect" else []) + [ONE, ONE, ONE]
    twins = getattr(kernels, name), getattr(specification, name)
    got, want = (failure(lambda twin=twin: twin(*call, array("d", [value]))) for twin in twins)
    assert got == want == (ValueError, want[1]) and "at sequence 0" in got[1]


def test_lengths_must_cover_the_symbols() -> None:
    for name in ("hmm_path", "hmm_expect"):
        with pytest.raises(ValueError, match="lengths: expected numbers that sum to 1, got 2"):
            getattr(kernels, name)(array("I", [0]), array("I", [2]), ONE, ONE, ONE, ONE)


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="no way to ask for the memory in use")
def test_memory_stays_steady(engine: str) -> None:
    if engine == "python":
        pytest.skip("nothing is freed by hand")
    model = random_model(1, 4, 5)
    symbols, lengths = sequences_of(model, [50] * 10, 1)

    def pages() -> int:
        gc.collect()
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])

    def use() -> None:
        tagger, _ = four_tags(1, "一丁")
        tagger.segment_lines(["一丁七万丈" * 20] * 20)
        for arguments in BAD_TAGGERS:
            with suppress(TypeError, ValueError):
                kernels.FourTags(*arguments)
        kernels.hmm_path(symbols, lengths, *model.logs())
        kernels.hmm_expect(symbols, lengths, *model.tables())

    use()
    before = pages()
    for _ in range(20):
        use()
    assert pages() - before < 1000  # 4 MB; one tagger alone has 2 MB
