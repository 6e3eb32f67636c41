"""The counting kernels: hand-worked cases, slow oracles, and two engines that agree to the byte."""

from __future__ import annotations

import importlib
import random
import subprocess
import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from math import log2
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from nlp_zero import kernels
from nlp_zero.kernels import counting as pure
from nlp_zero.words.symbols import roles

WORD_LIMIT = 0xF000
COMMA = 0xFFFE


class Row(NamedTuple):
    """A line of the table that `branching` gives: entropies in 2**-16 bits."""

    position: int
    length: int
    count: int
    left: int
    right: int


def symbols(*items: int) -> array[int]:
    return array("H", items)


def branch(ids: array[int], max_length: int, min_count: int = 1) -> tuple[array[int], list[Row]]:
    scores, positions, lengths, counts, left, right = kernels.branching(ids, max_length, min_count, True)
    columns = [array("I", positions), lengths, array("I", counts), array("I", left), array("I", right)]
    return array("h", scores), [Row(*row) for row in zip(*columns, strict=True)]


def is_word(symbol: int) -> bool:
    return 0 < symbol < WORD_LIMIT


def chunks(ids: array[int]) -> Iterator[tuple[int, list[int]]]:
    """Start and symbols of every stretch between boundaries."""
    start = 0
    for end in range(len(ids) + 1):
        if end == len(ids) or not is_word(ids[end]):
            if end > start:
                yield start, ids[start:end].tolist()
            start = end + 1


def random_ids(seed: int, size: int = 60, alphabet: int = 5) -> array[int]:
    chance = random.Random(seed)
    letters = [0, WORD_LIMIT, WORD_LIMIT - 1, *range(1, alphabet)]
    return array("H", chance.choices(letters, k=chance.randrange(size)))


def random_words(ids: array[int], seed: int, longest: int = 4) -> tuple[array[int], bytes]:
    """Places and lengths of some distinct stretches of a text, boundaries and all."""
    chance = random.Random(seed)
    found: dict[tuple[int, ...], tuple[int, int]] = {}
    for _ in range(12 if ids else 0):
        place = chance.randrange(len(ids))
        length = chance.randint(1, min(longest, len(ids) - place))
        found.setdefault(tuple(ids[place : place + length]), (place, length))
    return array("I", [place for place, _ in found.values()]), bytes(length for _, length in found.values())


def compositions(size: int) -> Iterator[tuple[int, ...]]:
    """All ways to write a length as a sum of lengths of words."""
    if size == 0:
        yield ()
    for first in range(1, size + 1):
        for rest in compositions(size - first):
            yield first, *rest


def written(ids: array[int], best: Callable[[int, list[int]], tuple[int, ...]]) -> bytes:
    """A segmentation from the best lengths of every chunk."""
    result = bytearray(len(ids))
    for start, chunk in chunks(ids):
        for length in best(start, chunk):
            result[start] = length
            start += length
    return bytes(result)


# ---- branching entropies, by hand ----------------------------------------------------------------------------------


def test_entropies_of_a_toy_of_four_sentences() -> None:
    # 我爱你 / 我爱他 / 你爱我 / 我 : 我 8, 爱 9, 你 10, 他 11
    ids = symbols(8, 9, 10, 0, 8, 9, 11, 0, 10, 9, 8, 0, 8, 0)

    _, rows = branch(ids, 2)

    seen = {tuple(ids[row.position : row.position + row.length]): row for row in rows}
    assert {word: row.count for word, row in seen.items()} == {
        (8,): 4, (8, 9): 2, (9,): 3, (9, 8): 1, (9, 10): 1, (9, 11): 1, (10,): 2, (10, 9): 1, (11,): 1,
    }  # fmt: skip
    bits = {word: (row.left / 65536, row.right / 65536) for word, row in seen.items()}
    # 我 stands after three edges and once after 爱, all different: 2 bits; before it 爱 twice and two line ends: 1.5
    assert bits[(8,)] == (2.0, 1.5)
    assert bits[(9,)] == (pytest.approx(log2(3) - 2 / 3, abs=2**-15), pytest.approx(log2(3), abs=2**-15))
    assert bits[(10,)] == (1.0, 1.0)
    assert bits[(8, 9)] == (1.0, 1.0)
    assert all(bits[word] == (0.0, 0.0) for word, row in seen.items() if row.count == 1)


def test_every_edge_is_a_neighbour_of_its_own() -> None:
    ids = symbols(8, COMMA, 8, COMMA, 8, 0, 8, 0)

    _, rows = branch(ids, 1)

    assert rows == [Row(0, 1, 4, 2 << 16, 2 << 16)]


def test_autonomy_of_two_words_is_worked_out_by_hand() -> None:
    # 中文,中文: H = 1 bit; h_R(中) = 0, h_R(文) = 1, h_L(中) = 1, h_L(文) = 0, both entropies of 中文 1 bit.
    ids = symbols(8, 9, COMMA, 8, 9)

    scores, _ = branch(ids, 2)

    # Length 1: (0 - 1) + (1 - 1) = -1 for either, and so the mean. Length 2: (1 - h_R(中)) + (1 - h_L(文)) = 2 = mean.
    assert scores.tolist() == [0, 0, 0, -2048, 1024, -2048, 0, 0, 0, -2048]


def test_an_empty_text_has_no_n_grams() -> None:
    assert kernels.branching(array("H"), 4, 1, True) == (b"",) * 6
    assert kernels.segment(array("H"), array("h"), 4, 0) == b""
    assert kernels.tally(array("H"), b"") == (b"", b"", b"")
    assert kernels.decode(array("H"), array("I"), b"", array("i"), 1) == b""
    assert kernels.splits(array("H"), array("I"), b"", array("i"), 1) == b""
    assert kernels.bind(array("H"), array("I"), b"") == b""
    assert kernels.match(array("H"), array("I"), b"", array("I"), b"") == b""
    assert kernels.bonds(array("H"), array("I"), b"", array("I"), array("I"), b"") == (b"", b"")


def test_one_symbol() -> None:
    scores, rows = branch(symbols(8), 3)

    assert rows == [Row(0, 1, 1, 0, 0)]
    assert scores.tolist() == [0, 0, 0]
    assert kernels.segment(symbols(8), scores, 3, 0) == b"\1"


def test_text_without_symbols_of_words() -> None:
    ids = symbols(0, COMMA, 0xF000, 0xFFFF)

    scores, rows = branch(ids, 2)

    assert rows == []
    assert kernels.segment(ids, scores, 2, 0) == bytes(4)
    assert kernels.bind(ids, array("I", [0]), b"\2") == bytes(4)
    assert kernels.decode(ids, array("I", [0, 2]), b"\2\1", array("i", [1, 1]), 5) == bytes(4)


def test_the_widest_symbol_of_words_and_the_first_boundary() -> None:
    _, rows = branch(symbols(0xEFFF, 0xF000, 0xEFFF, 0xEFFF), 2)

    assert [(row.position, row.length, row.count) for row in rows] == [(0, 1, 3), (2, 2, 1)]


@pytest.mark.parametrize("wide", [0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xFEFF - 0x1000])
def test_ids_that_look_like_surrogates_are_symbols_like_others(wide: int) -> None:
    ids = symbols(0xD800, 0xDC00, wide, 0xD800, 0xDC00, wide)

    _, rows = branch(ids, 3, 2)

    assert (0, 3, 2) in {row[:3] for row in rows}
    assert kernels.tally(ids, bytes([2, 0, 1, 2, 0, 1]))[1] == b"\2\1"


# ---- branching entropies, by oracles -------------------------------------------------------------------------------


def neighbours(ids: array[int], max_length: int) -> dict[tuple[int, ...], tuple[list[int], Counter[Any], Counter[Any]]]:
    """By n-gram: its places, and the symbols before and after it, where each edge counts as one of its own."""
    found: dict[tuple[int, ...], tuple[list[int], Counter[Any], Counter[Any]]]
    found = defaultdict(lambda: ([], Counter(), Counter()))
    for start, chunk in chunks(ids):
        for i in range(len(chunk)):
            for end in range(i + 1, min(i + max_length, len(chunk)) + 1):
                places, before, after = found[tuple(chunk[i:end])]
                places.append(start + i)
                before[chunk[i - 1] if i else ("edge", start)] += 1
                after[chunk[end] if end < len(chunk) else ("edge", start + end)] += 1
    return found


def entropy(counts: Counter[Any]) -> float:
    total = sum(counts.values())
    return -sum(count / total * log2(count / total) for count in counts.values())


@pytest.mark.parametrize("seed", range(40))
def test_counts_and_entropies_agree_with_a_dictionary(seed: int) -> None:
    ids, max_length, min_count = random_ids(seed, 300), seed % 8 + 1, seed % 4
    known = neighbours(ids, max_length)

    _, rows = branch(ids, max_length, min_count)

    frequent = [word for word, (places, _, _) in known.items() if len(places) >= min_count]
    frequent.sort(key=lambda word: (word[0], len(word), word))
    assert [tuple(ids[row.position : row.position + row.length]) for row in rows] == frequent
    for word, row in zip(frequent, rows, strict=True):
        places, before, after = known[word]
        assert (row.position, row.count) == (places[0], len(places))
        assert abs(row.left / 65536 - entropy(before)) <= 2**-15
        assert abs(row.right / 65536 - entropy(after)) <= 2**-15


def score_units(difference: int) -> int:
    return (difference + 32) // 64


@pytest.mark.parametrize("seed", range(40))
def test_scores_are_variations_of_entropies_less_their_means(seed: int) -> None:
    ids, max_length = random_ids(seed, 200), seed % 8 + 1
    scores, rows = branch(ids, max_length)

    known = {tuple(ids[row.position : row.position + row.length]): row for row in rows}
    singles = [row.count for row in rows if row.length == 1]
    mixed = entropy(Counter(dict(enumerate(singles)))) if singles else 0.0
    none = Row(0, 0, 0, round(mixed * 65536), round(mixed * 65536))
    for length in range(1, max_length + 1):
        words = [word for word in known if len(word) == length]
        right = {word: known[word].right - known.get(word[:-1], none).right for word in words}
        left = {word: known[word].left - known.get(word[1:], none).left for word in words}
        if not words:
            continue
        mean = score_units(sum(right.values()) // len(words)) + score_units(sum(left.values()) // len(words))
        for start, chunk in chunks(ids):
            for i in range(len(chunk) - length + 1):
                word = tuple(chunk[i : i + length])
                before, after = known.get(word[:-1], none), known.get(word[1:], none)
                row = known[word]
                gains = score_units(row.right) - score_units(before.right)
                expected = gains + score_units(row.left) - score_units(after.left) - mean
                # The entropy of all symbols is rounded in another way here.
                assert abs(scores[(start + i) * max_length + length - 1] - expected) <= (2 if length == 1 else 0)


def test_the_table_does_not_depend_on_the_scores() -> None:
    ids = random_ids(5, 200)

    assert kernels.branching(ids, 4, 2, False)[0] == b""
    assert kernels.branching(ids, 4, 2, False)[1:] == kernels.branching(ids, 4, 2, True)[1:]


def test_a_minimum_below_one_takes_every_n_gram() -> None:
    ids = random_ids(7, 100)

    assert kernels.branching(ids, 3, -5, False) == kernels.branching(ids, 3, 1, False)


# ---- segmentation by scores ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_segment_finds_the_best_of_all_segmentations(seed: int) -> None:
    chance = random.Random(seed)
    ids, max_length, bonus = random_ids(seed, 24), seed % 8 + 1, chance.choice([0, 1, 3])
    scores = array("h", chance.choices(range(-3, 4), k=len(ids) * max_length))  # few values: many ties

    def best(start: int, chunk: list[int]) -> tuple[int, ...]:
        def value(lengths: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
            total, place = 0, start
            for length in lengths:
                total += length * scores[place * max_length + length - 1] + (bonus if length > 1 else 0)
                place += length
            return total, lengths  # of equal sums, the longer first word, then the longer second

        return max((lengths for lengths in compositions(len(chunk)) if max(lengths) <= max_length), key=value)

    assert kernels.segment(ids, scores, max_length, bonus) == written(ids, best)


@pytest.mark.parametrize("max_length", range(1, 9))
def test_a_tie_goes_to_the_longer_first_word(max_length: int) -> None:
    ids = array("H", range(8, 8 + max_length + 1))

    lengths = kernels.segment(ids, array("h", bytes(2 * max_length * len(ids))), max_length, 0)

    assert lengths == bytes([max_length, *bytes(max_length - 1), 1])


def test_scores_that_cross_a_boundary_do_not_count() -> None:
    scores = array("h", [0, 32767, 32767, 32767, 0, 32767])

    assert kernels.segment(symbols(8, COMMA, 9), scores, 2, 1000) == bytes([1, 0, 1])


# ---- distinct words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_tally_counts_as_a_counter_does(seed: int) -> None:
    ids = random_ids(seed, 200)
    lengths = kernels.segment(ids, array("h", random.Random(seed).choices(range(-9, 9), k=4 * len(ids))), 4, 0)
    counts = Counter(tuple(ids[place : place + length]) for place, length in enumerate(lengths) if length)

    positions, sizes, numbers = kernels.tally(ids, lengths)

    words = [tuple(ids[p : p + size]) for p, size in zip(array("I", positions), sizes, strict=True)]
    assert words == list(counts)  # in the order of first occurrence
    assert array("I", numbers).tolist() == list(counts.values())
    assert list(array("I", positions)) == sorted(array("I", positions))


def test_tally_takes_words_of_255_symbols() -> None:
    ids = array("H", [8] * 510)

    positions, lengths, counts = kernels.tally(ids, bytes([255, *bytes(254)]) * 2)

    assert (array("I", positions).tolist(), lengths, array("I", counts).tolist()) == ([0], b"\xff", [2])


# ---- segmentation by words -----------------------------------------------------------------------------------------


def cheapest(chunk: list[int], costs: dict[tuple[int, ...], int], unknown: int) -> tuple[int, tuple[int, ...]]:
    """Least cost, and of equal ones the lengths with the longer first word."""

    def cost(lengths: tuple[int, ...]) -> int | None:
        total, place = 0, 0
        for length in lengths:
            price = costs.get(tuple(chunk[place : place + length]))
            if length == 1:
                price = unknown if price is None else min(price, unknown)
            if price is None:
                return None
            total, place = total + price, place + length
        return total

    found = [(price, lengths) for lengths in compositions(len(chunk)) if (price := cost(lengths)) is not None]
    least = min(price for price, _ in found)
    return least, max(lengths for price, lengths in found if price == least)


@pytest.mark.parametrize("seed", range(60))
def test_decode_finds_the_cheapest_of_all_segmentations(seed: int) -> None:
    chance = random.Random(seed)
    ids = random_ids(seed, 24, 4)
    positions, lengths = random_words(ids, seed, 6)
    costs = array("i", chance.choices(range(-1, 6), k=len(lengths)))
    words = [tuple(ids[p : p + length]) for p, length in zip(positions, lengths, strict=True)]
    priced = dict(zip(words, costs, strict=True))

    segmentation = kernels.decode(ids, positions, lengths, costs, 2)

    assert segmentation == written(ids, lambda start, chunk: cheapest(chunk, priced, 2)[1])


@pytest.mark.parametrize("seed", range(60))
def test_splits_finds_the_cheapest_parts(seed: int) -> None:
    chance = random.Random(seed)
    ids = array("H", chance.choices(range(1, 4), k=30))
    positions, lengths = random_words(ids, seed, 7)
    costs = array("i", chance.choices(range(-1, 6), k=len(lengths)))
    words = [tuple(ids[p : p + length]) for p, length in zip(positions, lengths, strict=True)]
    priced = dict(zip(words, costs, strict=True))

    found = array("i", kernels.splits(ids, positions, lengths, costs, 3))

    for word, cost in zip(words, found, strict=True):
        others = {other: price for other, price in priced.items() if other != word}
        assert cost == (cheapest(list(word), others, 3)[0] if len(word) > 1 else 3)


def test_splits_stay_within_32_bits() -> None:
    found = kernels.splits(symbols(8, 9), array("I", [0]), b"\2", array("i", [0]), 2**31 - 1)

    assert array("i", found).tolist() == [2**31 - 1]


def test_decode_takes_a_word_of_255_symbols() -> None:
    ids = array("H", [*range(8, 263), 8])

    assert kernels.decode(ids, array("I", [0]), b"\xff", array("i", [1]), 1) == bytes([255, *bytes(254), 1])


@pytest.mark.parametrize("seed", range(60))
def test_bind_cuts_where_no_n_gram_stands_across(seed: int) -> None:
    ids = random_ids(seed, 60, 4)
    positions, lengths = random_words(ids, seed)
    words = {tuple(ids[p : p + length]) for p, length in zip(positions, lengths, strict=True)}

    def pieces(start: int, chunk: list[int]) -> tuple[int, ...]:
        cuts = [0]
        for cut in range(1, len(chunk)):
            spans = ((i, end) for i in range(cut) for end in range(cut + 1, len(chunk) + 1))
            if not any(tuple(chunk[i:end]) in words for i, end in spans):
                cuts.append(cut)
        return tuple(end - i for i, end in pairwise([*cuts, len(chunk)]))

    assert kernels.bind(ids, positions, lengths) == written(ids, pieces)


def test_bind_ends_a_piece_at_255_symbols() -> None:
    lengths = kernels.bind(array("H", [8] * 600), array("I", [0]), b"\2")

    assert [length for length in lengths if length] == [255, 255, 90]
    assert [place for place, length in enumerate(lengths) if length] == [0, 255, 510]


def test_match_names_the_word_that_reads_the_same() -> None:
    ids = symbols(8, 9, COMMA, 8, 9, 10)
    positions, lengths = array("I", [3, 0, 1]), bytes([1, 2, 2])

    found = kernels.match(
        ids, positions, lengths, array("I", [0, 3, 1, 4, 5, 6, 9, 0]), bytes([1, 2, 2, 2, 9, 1, 1, 0])
    )

    assert array("i", found).tolist() == [0, 1, 2, -1, -1, -1, -1, -1]


@pytest.mark.parametrize("seed", range(60))
def test_bonds_finds_the_likeliest_split(seed: int) -> None:
    chance = random.Random(seed)
    ids = random_ids(seed, 30, 4)
    positions, lengths = random_words(ids, seed)
    counts = array("I", chance.choices([0, 1, 2, 5, 2**32 - 1], weights=[1, 9, 9, 9, 9], k=len(lengths)))
    words = [tuple(ids[p : p + length]) for p, length in zip(positions, lengths, strict=True)]
    places = array("I", chance.choices(range(len(ids) + 2), k=20))
    sizes = bytes(chance.choices(range(1, 5), k=20))

    found, products = kernels.bonds(ids, positions, lengths, counts, places, sizes)

    assert found == kernels.match(ids, positions, lengths, places, sizes)
    number = dict(zip(words, counts, strict=True))
    for place, size, product in zip(places, sizes, array("Q", products), strict=True):
        word = tuple(ids[place : place + size])
        splits = [number.get(word[:cut], 0) * number.get(word[cut:], 0) for cut in range(1, size)]
        known = len(word) == size > 1 and 0 not in splits
        assert product == (max(splits) if known else 0)


# ---- text to symbols -----------------------------------------------------------------------------------------------


class Alphabet:
    """The tables of `encode`."""

    def __init__(self, next_word: int = 8, next_boundary: int = 0xFFFE) -> None:
        self.table, self.points = array("H", bytes(2 * 0x110000)), array("I", bytes(4 * 0x10000))
        self.state = array("I", [next_word, next_boundary, 0])

    def encode(
        self, text: str, engine: Any = kernels, numerals: bool = False
    ) -> tuple[list[int], list[tuple[int, ...]]]:
        ids, spans = engine.encode(text, roles(numerals), self.table, self.points, self.state)
        numbers = array("I", spans).tolist()
        triples = zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)
        return array("H", ids).tolist(), list(triples)


@pytest.mark.parametrize(
    ("text", "ids", "runs"),
    [
        ("", [], []),
        ("汉字汉", [8, 9, 8], []),
        ("汉，字。\n", [8, 0xFFFE, 9, 0xFFFD, 0], []),
        ("3.14", [1], [(0, 0, 4)]),
        ("1998年", [2, 8], [(0, 0, 4)]),
        ("1998%", [1], [(0, 0, 5)]),
        ("1.98", [1], [(0, 0, 4)]),
        ("12345", [1], [(0, 0, 5)]),
        ("3.", [1, 0xFFFE], [(0, 0, 1)]),
        ("1..2", [1, 0xFFFE, 0xFFFE, 1], [(0, 0, 1), (3, 3, 4)]),
        (".5", [0xFFFE, 1], [(1, 1, 2)]),
        ("iPhone7", [3, 1], [(0, 0, 6), (1, 6, 7)]),
        ("１９９８年", [2, 8], [(0, 0, 4)]),
        ("\ud800字𠮷", [0xFFFE, 8, 9], []),
    ],
)
def test_encode(text: str, ids: list[int], runs: list[tuple[int, int, int]]) -> None:
    alphabet = Alphabet()

    assert alphabet.encode(text) == (ids, runs)
    assert alphabet.state[2] == sum(map(is_word, ids))


@pytest.mark.parametrize(
    ("text", "ids", "runs"),
    [
        ("二十三日", [1, 8], [(0, 0, 3)]),
        ("三日", [8, 9], []),
        ("5万千瓦", [1, 8, 9, 10], [(0, 0, 1)]),
        ("一二5", [8, 9, 1], [(2, 2, 3)]),
        ("二○○八年", [1, 8], [(0, 0, 4)]),
        ("5%二十", [1, 1], [(0, 0, 2), (1, 2, 4)]),
        ("一\n二三", [8, 0, 1], [(2, 2, 4)]),
    ],
)
def test_numerals_side_by_side_are_a_number(text: str, ids: list[int], runs: list[tuple[int, int, int]]) -> None:
    alphabet = Alphabet()

    assert alphabet.encode(text, numerals=True) == (ids, runs)
    assert alphabet.state[2] == sum(map(is_word, ids))
    assert 1 not in Alphabet().encode(text.replace("5", "").replace("%", ""))[0]


def test_encode_goes_on_where_it_stopped() -> None:
    alphabet = Alphabet()

    assert [alphabet.encode(text)[0] for text in ("汉，", "字汉", "。，")] == [[8, 0xFFFE], [9, 8], [0xFFFD, 0xFFFE]]
    assert [alphabet.points[symbol] for symbol in (8, 9, 0xFFFE)] == [ord(character) for character in "汉字，"]
    assert alphabet.state.tolist() == [10, 0xFFFC, 3]


def test_a_full_alphabet_calls_the_rest_rare() -> None:
    alphabet = Alphabet(WORD_LIMIT - 1, WORD_LIMIT)

    assert alphabet.encode("汉字，。汉") == ([0xEFFF, 4, 0xF000, 0xFFFF, 0xEFFF], [(1, 1, 2), (3, 3, 4)])
    assert alphabet.encode("3字") == ([1, 4], [(0, 0, 1), (1, 1, 2)])
    assert alphabet.state.tolist() == [WORD_LIMIT, WORD_LIMIT - 1, 5]


# ---- the engines agree ---------------------------------------------------------------------------------------------


@pytest.fixture
def fast() -> ModuleType:
    if "c" not in kernels.available():
        pytest.skip("the C kernels are not built")
    return importlib.import_module("nlp_zero.kernels._fast")


@pytest.mark.parametrize("seed", range(150))
def test_both_engines_give_the_same_bytes(fast: ModuleType, seed: int) -> None:
    chance = random.Random(seed)
    ids = random_ids(seed, chance.choice([4, 40, 400]), chance.choice([3, 6, 12]))
    max_length = chance.randint(1, 8)

    def both(name: str, *arguments: Any) -> Any:
        results = [getattr(engine, name)(*arguments) for engine in (pure, fast)]
        assert results[0] == results[1], name
        return results[0]

    scores, *_ = both("branching", ids, max_length, chance.randint(0, 4), True)
    lengths = both("segment", ids, array("h", scores), max_length, chance.choice([-100, 0, 6144]))
    positions, sizes, _ = both("tally", ids, lengths)
    words = (ids, array("I", positions), sizes)
    costs = array("i", chance.choices(range(0, 1000, 100), k=len(sizes)))
    both("decode", *words, costs, 500)
    both("splits", *words, costs, 500)
    both("bind", *words)
    places = array("I", chance.choices(range(len(ids) + 3), k=20))
    sizes = bytes(chance.choices(range(5), k=20))
    both("match", *words, places, sizes)
    both("bonds", *words, array("I", chance.choices(range(4), k=len(words[2]))), places, sizes)


@pytest.mark.parametrize("seed", range(30))
def test_both_engines_read_the_same_symbols(fast: ModuleType, seed: int) -> None:
    chance = random.Random(seed)
    limits = (WORD_LIMIT - 2, WORD_LIMIT + 1) if seed % 3 == 0 else (8, 0xFFFE)
    first, second = Alphabet(*limits), Alphabet(*limits)

    for _ in range(3):
        text = "".join(
            chance.choices("中国人年一二十1234567890..:/%abcdé，。 \n\t○〇\ud800𠮷　Ａ９", k=chance.randrange(200))
        )
        assert first.encode(text, pure, seed % 2 == 0) == second.encode(text, fast, seed % 2 == 0)

    assert (first.table, first.points, first.state) == (second.table, second.points, second.state)


@pytest.mark.parametrize("others", [0, 3000])
def test_scores_take_an_entropy_for_less_than_16_bits(others: int) -> None:
    # One symbol between 70,000 boundaries has 16.1 bits either side, 16481 units, of which 16383 count.
    ids = array("H", [8, 0] * 70_000 + [symbol for other in range(9, 9 + others) for symbol in (other, 0)])

    scores, rows = branch(ids, 2, 1000)

    assert rows == [Row(0, 1, 70_000, round(log2(70_000) * 65536), round(log2(70_000) * 65536))]
    singles = Counter({8: 70_000, **dict.fromkeys(range(9, 9 + others), 1)})
    alone = round(entropy(singles) * 1024)
    mean = 2 * round(16383 / (others + 1) - entropy(singles) * 1024)
    assert set(scores[::2][: 2 * 70_000 : 2]) == {2 * 16383 - 2 * alone - mean}
    assert max(scores[::2]) == 2 * 16383 - 2 * alone - mean


MANY = 70_000


@pytest.mark.parametrize("max_length", [2, 5, 8])
def test_scores_stop_at_the_greatest(fast: ModuleType, max_length: int) -> None:
    # 8 9 gains all that it can, 2 x 16383, and 3,000 pairs lose the 11.6 bits of 10, so that the mean is below zero.
    ids = array("H", [8, 9, 0] * MANY + [symbol for other in range(11, 3011) for symbol in (10, other, 0)])

    results = [engine.branching(ids, max_length, 1000, True) for engine in (pure, fast)]

    assert results[0] == results[1]
    assert max(array("h", results[0][0])[1::max_length]) == 32767


@pytest.mark.parametrize("max_length", [2, 5, 8])
def test_scores_stop_at_the_least(fast: ModuleType, max_length: int) -> None:
    # 10 11 stands once, and loses all that it can; 8 9 gains as much, and 12 13 gains 4 bits on either side.
    ids = array("H", [8, 9, 0] * MANY + [10, 0, 11, 0] * MANY + [10, 11, 0] + [12, 13, 0] * 16)

    results = [engine.branching(ids, max_length, 1000, True) for engine in (pure, fast)]

    assert results[0] == results[1]
    assert min(array("h", results[0][0])[1::max_length]) == -32768


# ---- bad arguments -------------------------------------------------------------------------------------------------

IDS, ONE = array("H", [8, 9, 8, 9]), array("I", [0])
WRONG: list[tuple[str, tuple[Any, ...], type[Exception], str]] = [
    ("branching", (IDS, 0, 1, True), ValueError, "max_length: expected 1 to 8, got 0"),
    ("branching", (IDS, 9, 1, True), ValueError, "max_length: expected 1 to 8, got 9"),
    ("branching", (b"1234", 2, 1, True), TypeError, "ids: expected items of 2 bytes, got 1"),
    ("branching", ([8, 9], 2, 1, True), TypeError, "a bytes-like object is required, not 'list'"),
    ("segment", (IDS, array("h", bytes(8)), 0, 0), ValueError, "max_length: expected 1 to 8, got 0"),
    ("segment", (IDS, array("h", bytes(8)), 9, 0), ValueError, "max_length: expected 1 to 8, got 9"),
    ("segment", (IDS, array("h", bytes(14)), 2, 0), ValueError, "scores: expected 8 items, got 7"),
    ("segment", (IDS, array("i", bytes(32)), 2, 0), TypeError, "scores: expected items of 2 bytes, got 4"),
    ("segment", (array("I", IDS), array("h", bytes(16)), 2, 0), TypeError, "ids: expected items of 2 bytes, got 4"),
    ("tally", (IDS, b"\1\1\1"), ValueError, "lengths: expected 4 items, got 3"),
    ("tally", (IDS, b"\2\0\1\2"), ValueError, "lengths: a word runs past the end of ids"),
    ("tally", (IDS, b"\1\1\3\0"), ValueError, "lengths: a word runs past the end of ids"),
    ("tally", (array("H", [8] * 254), b"\xff" + bytes(253)), ValueError, "lengths: a word runs past the end of ids"),
    ("tally", (IDS, array("H", [1, 1, 1, 1])), TypeError, "lengths: expected items of 1 bytes, got 2"),
    ("bind", (IDS, ONE, b"\2\1"), ValueError, "positions: expected 2 items, got 1"),
    ("bind", (IDS, ONE, b"\0"), ValueError, "lengths: word 0 does not lie inside ids"),
    ("bind", (IDS, ONE, b"\5"), ValueError, "lengths: word 0 does not lie inside ids"),
    ("bind", (IDS, array("I", [0, 2**32 - 1]), b"\2\1"), ValueError, "lengths: word 1 does not lie inside ids"),
    ("bind", (IDS, array("I", [0, 1, 2]), b"\2\1\2"), ValueError, "positions: word 2 stands twice"),
    ("bind", (IDS, array("H", [0]), b"\2"), TypeError, "positions: expected items of 4 bytes, got 2"),
    ("bind", (IDS, ONE, ONE), TypeError, "lengths: expected items of 1 bytes, got 4"),
    ("decode", (IDS, ONE, b"\2", array("i"), 1), ValueError, "costs: expected 1 items, got 0"),
    ("decode", (IDS, ONE, b"\2", array("h", [1]), 1), TypeError, "costs: expected items of 4 bytes, got 2"),
    ("splits", (IDS, ONE, b"\2", array("i", [1, 2]), 1), ValueError, "costs: expected 1 items, got 2"),
    ("match", (IDS, ONE, b"\2", ONE, b"\2\2"), ValueError, "at: expected 2 items, got 1"),
    ("match", (IDS, ONE, b"\2", array("Q", [0]), b"\2"), TypeError, "at: expected items of 4 bytes, got 8"),
    ("match", (IDS, ONE, b"\2", ONE, ONE), TypeError, "sizes: expected items of 1 bytes, got 4"),
    ("bonds", (IDS, ONE, b"\2", ONE, ONE, b"\2\2"), ValueError, "at: expected 2 items, got 1"),
    ("bonds", (IDS, ONE, b"\2", array("I"), ONE, b"\2"), ValueError, "counts: expected 1 items, got 0"),
    ("bonds", (IDS, ONE, b"\2", b"\2", ONE, b"\2"), TypeError, "counts: expected items of 4 bytes, got 1"),
    ("bonds", (IDS, ONE, b"\2", ONE, array("Q", [0]), b"\2"), TypeError, "at: expected items of 4 bytes, got 8"),
    ("bonds", (IDS, ONE, b"\2", ONE, ONE, ONE), TypeError, "sizes: expected items of 1 bytes, got 4"),
]


@pytest.mark.parametrize(("name", "arguments", "error", "message"), WRONG)
def test_bad_arguments_are_named(name: str, arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        getattr(kernels, name)(*arguments)

    assert (type(caught.value), str(caught.value)) == (error, message)


TABLES = (roles(), array("H", bytes(2 * 0x110000)), array("I", bytes(4 * 0x10000)), array("I", [8, 0xFFFE, 0]))


@pytest.mark.parametrize(
    ("which", "table", "error", "message"),
    [
        (0, b"\0", ValueError, "encode: roles, table, points or state has the wrong length"),
        (1, array("H", [0]), ValueError, "encode: roles, table, points or state has the wrong length"),
        (2, array("I", [0]), ValueError, "encode: roles, table, points or state has the wrong length"),
        (3, array("I", [8, 0xFFFE]), ValueError, "encode: roles, table, points or state has the wrong length"),
        (0, array("H", [0]), TypeError, "roles: expected items of 1 bytes, got 2"),
        (1, array("I", [0]), TypeError, "table: expected items of 2 bytes, got 4"),
        (2, array("H", [0]), TypeError, "points: expected items of 4 bytes, got 2"),
        (3, array("Q", [8, 0xFFFE, 0]), TypeError, "state: expected items of 4 bytes, got 8"),
        (3, bytes(12), BufferError, "Object is not writable."),
    ],
)
def test_bad_tables_are_named(which: int, table: Any, error: type[Exception], message: str) -> None:
    tables: list[Any] = list(TABLES)
    tables[which] = table

    with pytest.raises(error) as caught:
        kernels.encode("汉", *tables)

    assert (type(caught.value), str(caught.value)) == (error, message)


def test_views_serve_as_well_as_arrays() -> None:
    ids = random_ids(3, 100)
    scores = kernels.branching(memoryview(ids), 3, 1, True)[0]

    assert kernels.segment(ids, memoryview(scores).cast("h"), 3, 0) == kernels.segment(ids, array("h", scores), 3, 0)


# ---- memory --------------------------------------------------------------------------------------------------------

STEADY = """
import random, resource, sys
from array import array
from nlp_zero import kernels
from nlp_zero.words.symbols import roles

kernels.use("c")
ids = array("H", random.Random(1).choices([0, *range(8, 60)], k=10_000))
tables = array("H", bytes(2 * 0x110000)), array("I", bytes(4 * 0x10000)), array("I", [8, 0xFFFE, 0])
text = "".join(map(chr, range(0x4E00, 0x9000)))

def work():
    scores, *_ = kernels.branching(ids, 3, 2, True)
    positions, lengths, _ = kernels.tally(ids, kernels.segment(ids, array("h", scores), 3, 0))
    words, costs = (ids, array("I", positions), lengths), array("i", bytes(4 * len(lengths)))
    kernels.decode(*words, costs, 5)
    kernels.splits(*words, costs, 5)
    kernels.match(*words, words[1], lengths)
    kernels.bonds(*words, words[1], words[1], lengths)
    kernels.bind(*words)
    kernels.encode(text, roles(), *tables)
    for wrong in (lambda: kernels.bind(ids, array("I", [0, 0]), b"11"), lambda: kernels.tally(ids, b"9" * len(ids))):
        try:
            wrong()
        except ValueError:
            continue
        raise AssertionError

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)

for _ in range(20):
    work()
before = peak()
for _ in range(200):
    work()
print(peak() - before)
"""


def test_memory_stays_steady(fast: ModuleType) -> None:
    pytest.importorskip("resource")  # not on Windows

    # In a process of its own: the peak of this one may be far above what a leak would show.
    run = subprocess.run([sys.executable, "-c", STEADY], capture_output=True, text=True, check=True)

    assert int(run.stdout) < 1024  # KiB; a lost segmentation would take 10 kB x 200
